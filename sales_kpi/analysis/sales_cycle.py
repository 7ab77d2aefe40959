"""Sales cycle: how long deals take from the first day to the last, those that are still open told too, and where they wait.

Two beginnings are told: the day on which an opportunity was opened, and the first contact with a customer that became one
(as the KPI `sales_cycle`). Facts hold no items, so a cycle can't be told apart by product group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.survival import (
	FEW,
	Curve,
	aalen_johansen,
	by_period,
	choices,
	fates,
	kaplan_meier,
	largest,
	period_column,
	quantile,
	rounded,
	sample,
	scope_column,
	told_apart,
)
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Span, one_of
from sales_kpi.kpis.definition import By

if TYPE_CHECKING:
	import pandas as pd

OPEN, WON, LOST, DROPPED = 0, 1, 2, 3
"""What has become of an opportunity."""

LONG_TAIL = 1.5
"""From how many times the median on a mean is worth a word."""

TRIMMED = 0.2
"""Share of the shortest and of the longest that a trimmed mean leaves out."""

CURVE_DAYS = tuple(range(0, 181, 15))
"""Days since an opportunity was opened at which curves are drawn."""

STAGE_FIELDS: Mapping[str, str] = {"sales_stage": "Sales stage", "status": "Status"}
"""The logged fields of an Opportunity that say where it stands, and what heads them."""

ENDED = frozenset({"Converted", "Lost", "Closed"})
"""Statuses in which an opportunity waits for nothing."""

VIEWS, STARTS = ("cycle", "stages"), ("opportunity", "first-contact")


# How long deals took


@dataclass(frozen=True)
class Durations:
	"""How long things took that have come to their end, in days; None where there are none.

	n: how many, a fraction where credit is shared. trimmed_mean: without the shortest and the longest fifth; None where
	weights differ.
	"""

	n: float
	median: float | None
	p75: float | None
	p90: float | None
	mean: float | None
	trimmed_mean: float | None


def durations(days: Any, weights: Any = None) -> Durations:
	"""How long things took. weights: of each, 1 unless given. Source: golden G4 of the field survey."""
	import numpy as np
	from scipy.stats import trim_mean  # type: ignore[import-untyped]

	numbers = np.asarray(days, dtype=float)
	shares = np.ones(len(numbers)) if weights is None else np.asarray(weights, dtype=float)
	numbers, shares = numbers[shares > 0], shares[shares > 0]
	if not len(numbers):
		return Durations(0.0, None, None, None, None, None)
	order = np.argsort(numbers, kind="stable")
	numbers, shares = numbers[order], shares[order]
	equal = bool(np.ptp(shares) <= 1e-9 * shares.max())
	return Durations(
		float(shares.sum()),
		quantile(numbers, 0.5, shares),
		quantile(numbers, 0.75, shares),
		quantile(numbers, 0.9, shares),
		float(np.average(numbers, weights=shares)),
		float(trim_mean(numbers, TRIMMED)) if equal else None,
	)


@dataclass(frozen=True)
class Cycle:
	"""How long opportunities took that were opened in some time.

	won: how long those took that were won. decided: the share of all that was won, lost or closed, by days (Kaplan-Meier,
	those that are open censored); decided_median, decided_p90: by when half and nine of ten of them are, None if so many
	never were. won_curve, lost_curve: the shares that were won, and lost or closed (Aalen-Johansen).
	"""

	begun: int
	won: Durations
	lost: int
	open: int
	decided: Curve
	decided_median: float | None
	decided_p90: float | None
	won_curve: Curve
	lost_curve: Curve


def cycle(days: Any, outcome: Any) -> Cycle:
	"""How long opportunities took.

	days: from each one's opening to its end, or to the day of reading while it is open. outcome: OPEN, WON, LOST or
	DROPPED. What is decided one way or the other is an end, so that none competes: counting the won alone makes the cycle
	too short, and counting the lost as if they might still be won makes it too long. Source: golden G4.
	"""
	import numpy as np

	time, outcomes = np.asarray(days, dtype=float), np.asarray(outcome, dtype=int)
	decided = kaplan_meier(time, outcomes != OPEN)
	ended = np.select([outcomes == OPEN, outcomes == WON], [0, 1], 2)
	return Cycle(
		begun=len(time),
		won=durations(time[outcomes == WON]),
		lost=int(((outcomes == LOST) | (outcomes == DROPPED)).sum()),
		open=int((outcomes == OPEN).sum()),
		decided=decided,
		decided_median=decided.quantile(0.5),
		decided_p90=decided.quantile(0.9),
		won_curve=aalen_johansen(time, ended, 1),
		lost_curve=aalen_johansen(time, ended, 2),
	)


# Where they wait


@dataclass(frozen=True)
class Stage:
	"""The time that deals spend in one stage.

	stays: how often one was entered. deals: how many were ever in it. open: stays that go on. median, p90: days until half
	and nine of ten have left it (Kaplan-Meier, those that are still in it censored). days: spent in it by all together.
	share: of the time spent in all stages.
	"""

	name: str
	stays: int
	deals: int
	open: int
	median: float | None
	p90: float | None
	days: float
	share: float | None


def stays(changes: pd.DataFrame, ends: Mapping[str, Any], as_of: Any) -> pd.DataFrame:
	"""The stays of documents in stages, told by a log of changes.

	changes: one row for each change, with `document`, `stage` ('' is none), `at` (datetime), `name` (tells apart what was
	changed at one moment) and `estimated` (1 where the log only found the stage, and doesn't know since when). ends: the
	day on which a document came to its end, which ends its stay and its stages. as_of: the day of reading.
	Columns: `document`, `stage`, `entered` (day), `days`, `left` (whether it has ended), `estimated`.
	"""
	import pandas as pd

	rows = changes.sort_values(["document", "at", "name"], kind="stable")
	# What was found again unchanged, or set to what it was, goes on.
	again = (rows["stage"] == rows.groupby("document")["stage"].shift()).to_numpy()
	rows = rows[~again]
	entered = rows["at"].dt.normalize()
	until = rows.groupby("document")["at"].shift(-1).dt.normalize()
	end = pd.to_datetime(rows["document"].map(dict(ends)))
	until = until.where(~(end < until.fillna(pd.Timestamp.max)), end)
	left = until.notna()
	found = pd.DataFrame(
		{
			"document": rows["document"],
			"stage": rows["stage"],
			"entered": entered,
			"days": (until.fillna(pd.Timestamp(as_of)) - entered).dt.days.astype(float),
			"left": left,
			"estimated": rows["estimated"].astype(float),
		}
	)
	# What is entered after the end has no time left: an order's opportunity is set to this or that later.
	waits: pd.DataFrame = found.loc[((found["stage"] != "") & (found["days"] >= 0)).to_numpy()]
	return waits


def stages(found: pd.DataFrame) -> list[Stage]:
	"""The time that deals spend in each stage, by stays as `stays` tells them, in the order of the stages' names."""
	total = float(found["days"].sum())
	told = []
	for name, rows in found.groupby("stage", sort=True):
		curve = kaplan_meier(rows["days"].to_numpy(), rows["left"].to_numpy())
		days = float(rows["days"].sum())
		told.append(
			Stage(
				str(name),
				len(rows),
				rows["document"].nunique(),
				int((~rows["left"].astype(bool)).sum()),
				curve.quantile(0.5),
				curve.quantile(0.9),
				days,
				days / total if total > 0 else None,
			)
		)
	return told


def bottleneck(found: Sequence[Stage]) -> Stage | None:
	"""The stage that deals take longest to leave: the highest median of those with enough stays, None without any."""
	told = [stage for stage in found if stage.stays >= FEW and stage.median is not None]
	return max(told, key=lambda stage: (stage.median or 0.0, stage.days, stage.name), default=None)


# Answers


def answer(inquiry: Inquiry) -> Outcome:
	"""How long the deals of an inquiry's days took, or where they waited."""
	said = choices(inquiry, view=VIEWS, start=STARTS)
	if said["view"] == "stages":
		return _stages_answer(inquiry)
	return _contact_answer(inquiry) if said["start"] == "first-contact" else _cycle_answer(inquiry)


def opportunities_of(inquiry: Inquiry) -> pd.DataFrame:
	"""The opportunities opened in an inquiry's days and what has become of them, as `fates` tells it."""
	return fates(
		inquiry,
		"opportunity",
		{WON: "opportunity_win", LOST: "opportunity_loss", DROPPED: "opportunity_drop"},
	)


WON_DAYS = (
	Column("median", "Median", Kind.DAYS),
	Column("p75", "P75", Kind.DAYS),
	Column("p90", "P90", Kind.DAYS),
	Column("mean", "Mean", Kind.DAYS),
	Column("trimmed_mean", "Trimmed mean", Kind.DAYS),
)

SAMPLE = Column("sample", "Sample", Kind.TEXT)

CYCLE_COLUMNS = (
	Column("begun", "Opened", Kind.COUNT),
	Column("won", "Won", Kind.COUNT),
	Column("lost", "Lost or closed", Kind.COUNT),
	Column("open", "Open", Kind.COUNT),
	*WON_DAYS,
	Column("decided_median", "Half decided after", Kind.DAYS),
	Column("decided_p90", "Nine of ten decided after", Kind.DAYS),
	SAMPLE,
)


def _parts(inquiry: Inquiry, frame: pd.DataFrame, day: str) -> Iterator[tuple[dict[str, Cell], Cell, Any]]:
	"""The rows of each scope, or for the company of each period: with the cells that say so, and its label."""
	if inquiry.by is By.COMPANY:
		for period, rows in by_period(inquiry, frame, day):
			yield {"period": period.start}, period.start, rows
	else:
		for name, rows in told_apart(inquiry, frame):
			yield {"scope": name}, name, rows


def _head(inquiry: Inquiry) -> Column:
	return period_column(inquiry, "period", "Period") if inquiry.by is By.COMPANY else scope_column(inquiry)


def _won_days(found: Durations) -> dict[str, Cell]:
	return {
		"median": rounded(found.median),
		"p75": rounded(found.p75),
		"p90": rounded(found.p90),
		"mean": rounded(found.mean),
		"trimmed_mean": rounded(found.trimmed_mean),
	}


def _cycle(rows: pd.DataFrame) -> Cycle:
	return cycle(rows["days"].to_numpy(), rows["outcome"].to_numpy())


def _cycle_answer(inquiry: Inquiry) -> Outcome:
	frame = opportunities_of(inquiry)
	columns = (_head(inquiry), *CYCLE_COLUMNS)
	if frame.empty:
		return Outcome(
			columns,
			(),
			notes=(
				Note(
					"No opportunity was opened from {first} to {last}, so there is nothing to tell.",
					{"first": inquiry.first, "last": inquiry.last},
					{"first": Kind.DAY, "last": Kind.DAY},
					is_warning=True,
				),
			),
		)
	found = [(cells, label, _cycle(rows)) for cells, label, rows in _parts(inquiry, frame, "begun")]
	rows = tuple(
		{
			**cells,
			"begun": one.begun,
			"won": int(one.won.n),
			"lost": one.lost,
			"open": one.open,
			**_won_days(one.won),
			"decided_median": rounded(one.decided_median),
			"decided_p90": rounded(one.decided_p90),
			"sample": sample(one.begun - one.open),
		}
		for cells, _, one in found
	)
	whole = _cycle(frame)
	charts = (
		_curves(inquiry, whole, [(str(label), one) for _, label, one in found]),
		Chart(
			"Days until half of the opportunities are decided",
			Shape.BAR,
			Kind.DAYS,
			tuple(label for _, label, _ in found),
			(Series("Half decided after", tuple(rounded(one.decided_median) for _, _, one in found)),),
		),
	)
	return Outcome(columns, rows, charts, tuple(_cycle_notes(frame, whole, [one for _, _, one in found])))


def _curves(inquiry: Inquiry, whole: Cycle, found: Sequence[tuple[str, Cycle]]) -> Chart:
	def line(title: str, curve: Curve, is_name: bool = False) -> Series:
		return Series(title, tuple(rounded(curve.by(day)) for day in CURVE_DAYS), is_name)

	if inquiry.by is By.COMPANY:
		series: tuple[Series, ...] = (line("Won", whole.won_curve), line("Lost or closed", whole.lost_curve))
	else:
		series = tuple(line(name, one.won_curve, True) for name, one in largest(found, lambda one: one.begun))
	title = (
		"Share of opportunities decided, by days since they were opened"
		if inquiry.by is By.COMPANY
		else "Share of opportunities won, by days since they were opened"
	)
	return Chart(title, Shape.LINE, Kind.SHARE, CURVE_DAYS, series)


def _cycle_notes(frame: pd.DataFrame, whole: Cycle, found: Sequence[Cycle]) -> Iterator[Note]:
	kinds = dict.fromkeys(("median", "p90", "mean"), Kind.DAYS) | {"share": Kind.SHARE}
	won = whole.won
	if won.median is None or won.mean is None:
		yield Note(
			"None of the {opened} opportunities has been won yet: how long it takes shows once one is.",
			{"opened": whole.begun},
			is_warning=True,
		)
	else:
		yield Note(
			"Half of the {won} opportunities that were won took {median} or less, nine of ten {p90} or less.",
			{"won": int(won.n), "median": rounded(won.median), "p90": rounded(won.p90)},
			kinds,
		)
		if won.mean > won.median * LONG_TAIL:
			yield Note(
				"Their mean, {mean}, is far above the median: a few took very long.",
				{"mean": rounded(won.mean)},
				kinds,
			)
	if whole.open and whole.decided_median is not None:
		yield Note(
			"{open} are still open. With the time that they have waited so far, half of all are decided after {median}.",
			{"open": whole.open, "median": rounded(whole.decided_median)},
			kinds,
		)
	elif whole.open:
		yield Note(
			"{open} are still open, and fewer than half are decided: the cycle is longer than what the won ones took.",
			{"open": whole.open},
			is_warning=True,
		)
	yield Note(
		"Told are the opportunities that were opened in the period. The KPI counts those that were won in it, whenever they "
		"were opened."
	)
	ended = frame["outcome"] != OPEN
	if ended.any() and frame["estimated"].any():
		yield Note(
			"For {share} of those that ended, the day is estimated by the last change of the record.",
			{"share": rounded(float(frame.loc[ended, "estimated"].mean()))},
			kinds,
			is_warning=bool(frame.loc[ended, "estimated"].mean() > 0.5),
		)
	if any(one.begun - one.open < FEW for one in found):
		yield _few(FEW)


def _few(few: int) -> Note:
	return Note("Rows of fewer than {few} ended cases are too few to judge by.", {"few": few})


# From the first contact


def _contact_answer(inquiry: Inquiry) -> Outcome:
	frame = inquiry.rows("first_order", day=Span(inquiry.first, inquiry.last))
	frame["days"] = (frame["day"] - frame["since"]).dt.days.astype(float)
	columns = (_head(inquiry), Column("won", "First contracts", Kind.NUMBER), *WON_DAYS, SAMPLE)
	if frame.empty:
		return Outcome(
			columns,
			(),
			notes=(
				Note(
					"No customer with a known first contact signed its first contract from {first} to {last}. Make customers from "
					"their Lead or Opportunity, so that the first contact stays known.",
					{"first": inquiry.first, "last": inquiry.last},
					{"first": Kind.DAY, "last": Kind.DAY},
					is_warning=True,
				),
			),
		)
	found = [(cells, label, _shared(rows)) for cells, label, rows in _parts(inquiry, frame, "day")]
	rows = tuple(
		{**cells, "won": rounded(one.n), **_won_days(one), "sample": sample(one.n)} for cells, _, one in found
	)
	whole = _shared(frame)
	chart = Chart(
		"Median days from the first contact to the first contract",
		Shape.BAR,
		Kind.DAYS,
		tuple(label for _, label, _ in found),
		(Series("Median", tuple(rounded(one.median) for _, _, one in found)),),
	)
	notes = [
		Note(
			"Half of the new customers signed within {median} of the first contact, nine of ten within {p90}.",
			{"median": rounded(whole.median), "p90": rounded(whole.p90)},
			{"median": Kind.DAYS, "p90": Kind.DAYS},
		),
		Note(
			"Only those that signed are told: contacts that haven’t are leads, and the analysis of lead conversion tells how "
			"long they wait."
		),
	]
	if any(one.n < FEW for _, _, one in found):
		notes.append(_few(FEW))
	return Outcome(columns, rows, (chart,), tuple(notes))


def _shared(rows: pd.DataFrame) -> Durations:
	"""How long customers took, each by the share that is credited here."""
	each = rows.groupby("document").agg(days=("days", "first"), quantity=("quantity", "sum"))
	return durations(each["days"].to_numpy(), each["quantity"].round(9).to_numpy())


# Stages

STAGE_COLUMNS = (
	Column("field", "Told by", Kind.TEXT),
	Column("stage", "Stage", Kind.NAME),
	Column("stays", "Times entered", Kind.COUNT),
	Column("deals", "Opportunities", Kind.COUNT),
	Column("open", "Still in it", Kind.COUNT),
	Column("median", "Half have left after", Kind.DAYS),
	Column("p90", "Nine of ten have left after", Kind.DAYS),
	Column("days", "Days in all", Kind.DAYS),
	Column("share", "Share of the time", Kind.SHARE),
	SAMPLE,
)


def changes_of(inquiry: Inquiry) -> pd.DataFrame:
	"""The logged changes of opportunities' stages and statuses up to the day of reading, as `stays` takes them, and `field`."""
	import pandas as pd

	reading = inquiry.reading
	log = reading.table("Sales Transition", alias="log")
	columns = [
		log.name,
		log.reference_name.as_("document"),
		log.fieldname.as_("field"),
		log.new_value.as_("stage"),
		log.changed_at.as_("at"),
	]
	has_estimated = reading.schema.column("Sales Transition", "estimated")
	if has_estimated:
		columns.append(log.estimated)
	rows = inquiry.source.run(
		Query.from_(log)
		.where(log.reference_doctype == Bound("Opportunity"))
		.where(one_of(log.fieldname, STAGE_FIELDS))
		.where(log.changed_at < Bound(inquiry.as_of + timedelta(days=1)))
		.select(*columns)
	)
	rows["at"] = pd.to_datetime(rows["at"]).astype("datetime64[ns]")
	rows["stage"] = rows["stage"].fillna("").astype(str)
	rows["estimated"] = rows["estimated"].fillna(0).astype(float) if has_estimated else 0.0
	return rows[rows["at"].notna()]


def _stages_answer(inquiry: Inquiry) -> Outcome:
	columns = (*(() if inquiry.by is By.COMPANY else (scope_column(inquiry),)), *STAGE_COLUMNS)
	if not inquiry.reading.schema.has("Sales Transition"):
		return Outcome(columns, (), notes=(_no_log(),))
	every = inquiry.rows("opportunity").drop_duplicates("document").set_index("document").sort_index()
	changes = changes_of(inquiry)
	changes = changes[changes["document"].isin(every.index)]
	ends = _ends(inquiry)
	parts = [
		stays(changes[changes["field"] == field], ends, inquiry.as_of).assign(field=field)
		for field in STAGE_FIELDS
	]
	found = _joined(parts, every)
	found = found[~((found["field"] == "status") & found["stage"].isin(ENDED))]
	days = found["entered"].dt.date
	found = found[(days >= inquiry.first) & (days <= inquiry.last)]
	known = found[found["estimated"] == 0]
	if known.empty:
		return Outcome(columns, (), notes=(_no_stays(inquiry, len(found)),))
	rows: list[dict[str, Cell]] = []
	for name, mine in told_apart(inquiry, known):
		rows.extend(_stage_rows(inquiry, name, mine))
	main = next(field for field in STAGE_FIELDS if (known["field"] == field).any())
	told = stages(known[known["field"] == main])
	chart = Chart(
		"Days until half have left the stage",
		Shape.BAR,
		Kind.DAYS,
		tuple(stage.name for stage in told),
		(Series("Half have left after", tuple(rounded(stage.median) for stage in told)),),
	)
	notes = tuple(_stage_notes(told, len(found) - len(known)))
	return Outcome(columns, tuple(rows), (chart,), notes)


def _joined(parts: Sequence[pd.DataFrame], every: pd.DataFrame) -> pd.DataFrame:
	"""Stays with whose they are and where, as the opportunity was opened."""
	import pandas as pd

	found = pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
	return found.join(every[["sales_person", "territory", "source"]], on="document")


def _ends(inquiry: Inquiry) -> dict[str, Any]:
	"""The day on which each opportunity ended that has."""
	anyone = replace(inquiry, reading=inquiry.reading.narrowed(only={}))
	ends: dict[str, Any] = {}
	for fact in ("opportunity_win", "opportunity_loss", "opportunity_drop"):
		rows = anyone.rows(fact)
		ends.update(zip(rows["document"], rows["day"]))
	return ends


def _stage_rows(inquiry: Inquiry, name: str, found: pd.DataFrame) -> Iterator[dict[str, Cell]]:
	for field, title in STAGE_FIELDS.items():
		for stage in stages(found[found["field"] == field]):
			yield {
				**({} if inquiry.by is By.COMPANY else {"scope": name}),
				"field": title,
				"stage": stage.name,
				"stays": stage.stays,
				"deals": stage.deals,
				"open": stage.open,
				"median": rounded(stage.median),
				"p90": rounded(stage.p90),
				"days": rounded(stage.days),
				"share": rounded(stage.share),
				"sample": sample(stage.stays),
			}


def _no_log() -> Note:
	return Note(
		"ERPNext doesn’t remember since when an opportunity is in its stage. The app’s own log does, from the day on which the "
		"app is installed on the site; this database has none.",
		is_warning=True,
	)


def _no_stays(inquiry: Inquiry, unknown: int) -> Note:
	if unknown:
		return Note(
			"The log has only found {stays} stages as they were when it began, and doesn’t know since when. The first figures "
			"come when opportunities move on to another stage.",
			{"stays": unknown},
			is_warning=True,
		)
	return Note(
		"The log has no stage that an opportunity entered from {first} to {last}. Fill in the sales stage of opportunities as "
		"they go on.",
		{"first": inquiry.first, "last": inquiry.last},
		{"first": Kind.DAY, "last": Kind.DAY},
		is_warning=True,
	)


def _stage_notes(told: Sequence[Stage], unknown: int) -> Iterator[Note]:
	slowest = bottleneck(told)
	if slowest is not None:
		yield Note(
			"Deals wait longest in {stage}: half have left it only after {days}. It takes {share} of the time that they spend "
			"in all stages.",
			{"stage": slowest.name, "days": rounded(slowest.median), "share": rounded(slowest.share)},
			{"days": Kind.DAYS, "share": Kind.SHARE},
		)
	else:
		yield Note(
			"No stage has been entered {few} times and left by half: too few to name the one that holds deals up.",
			{"few": FEW},
			is_warning=True,
		)
	if unknown:
		yield Note(
			"Left out: {stays} stages in which opportunities were found when the log began, because nobody knows since when.",
			{"stays": unknown},
		)


ANALYSIS = Analysis(
	name="sales-cycle",
	title="Sales cycle and stages",
	meaning="How long deals take, those that are still open told too, and in which stage they wait.",
	answer=answer,
	by=frozenset(By),
	tells=("sales_cycle", "opportunity_cycle"),
	options={
		"view": "cycle (how long deals take) or stages (where they wait, by the app’s own log)",
		"start": "opportunity (from its opening on) or first-contact (from the first contact to the first contract, as the KPI)",
	},
)
