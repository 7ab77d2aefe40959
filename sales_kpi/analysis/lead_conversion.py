"""Lead conversion: what becomes of the leads of each period, and how many will have bought once the young ones have had time.

A lead counts where it was created: in its period, for whoever owned it on that day, with its territory and source. So a
rate is a share of the same leads throughout, whoever owned them later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.survival import (
	FEW,
	Curve,
	Interval,
	aalen_johansen,
	by_period,
	choices,
	fates,
	largest,
	period_column,
	rounded,
	sample,
	scope_column,
	told_apart,
	wilson,
)
from sales_kpi.kpis.definition import By

if TYPE_CHECKING:
	import pandas as pd

OPEN, CONVERTED, LOST = 0, 1, 2
"""What has become of a lead."""

HORIZONS = {
	30: "Within 30 days",
	60: "Within 60 days",
	90: "Within 90 days",
	180: "Within 180 days",
	365: "Within 365 days",
}
"""After how many days it is looked how many leads have bought, beside the conversion window of the settings."""

CURVE_DAYS = tuple(range(0, 361, 30))
"""Days since creation at which the curve is drawn."""

VIEWS = ("cohorts", "rates")


@dataclass(frozen=True)
class Rate:
	"""A share with its interval; None where it isn't known yet."""

	share: float | None
	interval: Interval | None


@dataclass(frozen=True)
class Conversion:
	"""What became of some leads.

	naive: of all of them, what has converted within the window so far, with Wilson's interval: too low while some are young.
	expected: the share that converts within the window (Aalen-Johansen, given up is a competing end), None until a lead has
	been followed for so long. naive_ever, expected_ever: the same without a window, up to the longest that any was followed.
	median_days: half of those who convert have done so by then, once those that are open have had their time.
	"""

	leads: int
	converted: int
	lost: int
	naive: Rate
	expected: Rate
	naive_ever: Rate
	expected_ever: Rate
	median_days: float | None
	curve: Curve

	@property
	def open(self) -> int:
		return self.leads - self.converted - self.lost


def conversion(days: Any, outcome: Any, window: int) -> Conversion:
	"""What became of leads.

	days: from each lead's creation to its end, or to the day of reading while it is open. outcome: OPEN, CONVERTED or LOST.
	window: days within which a conversion counts. Source: golden G2 of the field survey.
	"""
	import numpy as np

	time, outcomes = np.asarray(days, dtype=float), np.asarray(outcome, dtype=int)
	curve = aalen_johansen(time, outcomes, CONVERTED)
	leads, is_converted = len(time), outcomes == CONVERTED
	in_window, converted = int((is_converted & (time <= window)).sum()), int(is_converted.sum())
	last = float(time.max()) if leads else 0.0
	return Conversion(
		leads=leads,
		converted=converted,
		lost=int((outcomes == LOST).sum()),
		naive=_plainly(in_window, leads),
		expected=Rate(curve.by(window), curve.interval(window)),
		naive_ever=_plainly(converted, leads),
		expected_ever=Rate(curve.end(), curve.interval(last)),
		median_days=curve.half_of_the_ended(),
		curve=curve,
	)


def _plainly(converted: int, leads: int) -> Rate:
	return Rate(converted / leads if leads else None, wilson(converted, leads))


def within(days: Any, outcome: Any, youngest: int, horizons: Sequence[int]) -> tuple[float | None, ...]:
	"""Of a cohort's leads, the share that has converted within each of some days; None where it isn't final.

	youngest: how many days ago the cohort's last day was. A share is final once all leads, whenever in their period they
	came, have had so many days: those of young cohorts are not low, they aren't known. Source: golden G1.
	"""
	import numpy as np

	time, is_converted = np.asarray(days, dtype=float), np.asarray(outcome, dtype=int) == CONVERTED
	return tuple(
		float((is_converted & (time <= horizon)).mean()) if len(time) and youngest >= horizon else None
		for horizon in horizons
	)


# From the facts


def leads_of(inquiry: Inquiry) -> pd.DataFrame:
	"""The leads created in an inquiry's days and what has become of them, as `fates` tells it."""
	return fates(inquiry, "lead", {CONVERTED: "lead_conversion", LOST: "lead_loss"})


def _conversion(rows: pd.DataFrame, window: int) -> Conversion:
	return conversion(rows["days"].to_numpy(), rows["outcome"].to_numpy(), window)


def answer(inquiry: Inquiry) -> Outcome:
	"""What became of the leads of an inquiry's days, by cohort or by scope."""
	view = choices(inquiry, view=VIEWS if inquiry.by is By.COMPANY else VIEWS[::-1])["view"]
	frame, window = leads_of(inquiry), inquiry.settings.conversion_window_days
	groups = list(told_apart(inquiry, frame))
	columns = (
		*(() if inquiry.by is By.COMPANY and view == "cohorts" else (scope_column(inquiry),)),
		*(_cohort_columns(inquiry) if view == "cohorts" else RATE_COLUMNS),
	)
	if frame.empty:
		return Outcome(columns, (), notes=(_nothing(inquiry),))
	whole = _conversion(frame, window)
	found = [(name, _conversion(rows, window)) for name, rows in groups]
	if view == "cohorts":
		rows = tuple(row for name, leads in groups for row in _cohort_rows(inquiry, name, leads))
		charts: tuple[Chart, ...] = (_curve_chart(inquiry, found), _cohort_chart(inquiry, frame))
	else:
		rows = tuple(_rate_row(name, one) for name, one in found)
		charts = (_curve_chart(inquiry, found),)
	return Outcome(columns, rows, charts, tuple(_notes(inquiry, frame, whole, found)))


# Columns and rows

COUNTS = (
	Column("leads", "Leads", Kind.COUNT),
	Column("converted", "Converted", Kind.COUNT),
	Column("lost", "Given up", Kind.COUNT),
	Column("open", "Open", Kind.COUNT),
)

EXPECTED = (
	Column("expected", "Expected within the window", Kind.SHARE),
	Column("expected_low", "At least", Kind.SHARE),
	Column("expected_high", "At most", Kind.SHARE),
)

RATE_COLUMNS = (
	*COUNTS,
	*EXPECTED,
	Column("naive", "Counted plainly within the window", Kind.SHARE),
	Column("naive_low", "At least, counted plainly", Kind.SHARE),
	Column("naive_high", "At most, counted plainly", Kind.SHARE),
	Column("expected_ever", "Expected in the end", Kind.SHARE),
	Column("naive_ever", "Counted plainly so far", Kind.SHARE),
	Column("median_days", "Median days to convert", Kind.DAYS),
	Column("sample", "Sample", Kind.TEXT),
)


def _horizons(window: int) -> list[int]:
	"""The days of the columns beside the window."""
	return [days for days in HORIZONS if days != window]


def _cohort_columns(inquiry: Inquiry) -> tuple[Column, ...]:
	return (
		period_column(inquiry, "cohort", "Leads of"),
		*COUNTS,
		Column("window", "Within the conversion window", Kind.SHARE),
		*(
			Column(f"within_{days}", HORIZONS[days], Kind.SHARE)
			for days in _horizons(inquiry.settings.conversion_window_days)
		),
		Column("naive_ever", "Counted plainly so far", Kind.SHARE),
		*EXPECTED,
		Column("median_days", "Median days to convert", Kind.DAYS),
		Column("sample", "Sample", Kind.TEXT),
	)


def _bounds(name: str, rate: Rate) -> dict[str, Cell]:
	interval = rate.interval
	return {
		name: rounded(rate.share),
		f"{name}_low": rounded(interval.low) if interval else None,
		f"{name}_high": rounded(interval.high) if interval else None,
	}


def _counts(found: Conversion) -> dict[str, Cell]:
	return {"leads": found.leads, "converted": found.converted, "lost": found.lost, "open": found.open}


def _rate_row(name: str, found: Conversion) -> dict[str, Cell]:
	return {
		"scope": name,
		**_counts(found),
		**_bounds("expected", found.expected),
		**_bounds("naive", found.naive),
		"expected_ever": rounded(found.expected_ever.share),
		"naive_ever": rounded(found.naive_ever.share),
		"median_days": rounded(found.median_days),
		"sample": sample(found.leads),
	}


def _cohort_rows(inquiry: Inquiry, name: str, frame: pd.DataFrame) -> Iterator[dict[str, Cell]]:
	window = inquiry.settings.conversion_window_days
	horizons = [window, *_horizons(window)]
	for period, rows in by_period(inquiry, frame, "begun"):
		found = _conversion(rows, window)
		youngest = (inquiry.as_of - period.last_day).days
		shares = within(rows["days"].to_numpy(), rows["outcome"].to_numpy(), youngest, horizons)
		yield {
			**({} if inquiry.by is By.COMPANY else {"scope": name}),
			"cohort": period.start,
			**_counts(found),
			"window": rounded(shares[0]),
			**{f"within_{days}": rounded(share) for days, share in zip(horizons[1:], shares[1:])},
			"naive_ever": rounded(found.naive_ever.share),
			**_bounds("expected", found.expected),
			"median_days": rounded(found.median_days),
			"sample": sample(found.leads),
		}


# Charts


def _curve_chart(inquiry: Inquiry, found: Sequence[tuple[str, Conversion]]) -> Chart:
	is_name = inquiry.by is not By.COMPANY
	return Chart(
		"Share of leads that have bought, by days since they came",
		Shape.LINE,
		Kind.SHARE,
		CURVE_DAYS,
		tuple(
			Series(
				name if is_name else "Leads",
				tuple(rounded(one.curve.by(day)) for day in CURVE_DAYS),
				is_name,
			)
			for name, one in largest(found, lambda one: one.leads)
		),
	)


def _cohort_chart(inquiry: Inquiry, frame: pd.DataFrame) -> Chart:
	window = inquiry.settings.conversion_window_days
	labels: list[Cell] = []
	final: list[float | None] = []
	expected: list[float | None] = []
	for period, rows in by_period(inquiry, frame, "begun"):
		days, outcome = rows["days"].to_numpy(), rows["outcome"].to_numpy()
		labels.append(period.start)
		final.append(rounded(within(days, outcome, (inquiry.as_of - period.last_day).days, [window])[0]))
		expected.append(rounded(aalen_johansen(days, outcome, CONVERTED).by(window)))
	return Chart(
		"Conversion within the window, by when the leads came",
		Shape.BAR,
		Kind.SHARE,
		tuple(labels),
		(Series("Final", tuple(final)), Series("Expected", tuple(expected))),
	)


# Notes


def _nothing(inquiry: Inquiry) -> Note:
	return Note(
		"No lead was created from {first} to {last}, so there is nothing to tell.",
		{"first": inquiry.first, "last": min(inquiry.last, max(inquiry.as_of, inquiry.first))},
		{"first": Kind.DAY, "last": Kind.DAY},
		is_warning=True,
	)


def _notes(
	inquiry: Inquiry, frame: pd.DataFrame, whole: Conversion, found: Sequence[tuple[str, Conversion]]
) -> Iterator[Note]:
	window, expected = inquiry.settings.conversion_window_days, whole.expected
	shares = dict.fromkeys(("share", "low", "high", "naive", "best", "worst"), Kind.SHARE)
	if expected.share is None or expected.interval is None:
		# Where none is open any more, all is known.
		oldest: date = frame.loc[frame["outcome"] == OPEN, "begun"].min().date()
		yield Note(
			"No lead has been followed for {days} days yet, so nobody knows how many buy within them. The first figure comes "
			"on {day} at the earliest.",
			{"days": window, "day": oldest + timedelta(days=window)},
			{"days": Kind.COUNT, "day": Kind.DAY},
			is_warning=True,
		)
	else:
		yield Note(
			"Of {leads} leads {share} buy within {days} days, once those that are still open have had their time; with so many "
			"leads it may be {low} to {high}.",
			{
				"leads": whole.leads,
				"share": rounded(expected.share),
				"days": window,
				"low": rounded(expected.interval.low),
				"high": rounded(expected.interval.high),
			},
			shares,
		)
		if abs(expected.share - (whole.naive.share or 0.0)) >= 0.0005:
			yield Note(
				"Counted plainly it is {naive}, which is too low: of the {open} leads that are still open some will yet buy.",
				{"naive": rounded(whole.naive.share), "open": whole.open},
				shares,
			)
	yield from _differences(found, shares)
	losses = frame["outcome"] == LOST
	if losses.any() and frame["estimated"].any():
		yield Note(
			"ERPNext doesn’t keep the day on which a lead is given up: for {share} of those that were, it is taken to be the day "
			"of the last change.",
			{"share": rounded(float(frame.loc[losses, "estimated"].mean()))},
			shares,
		)
	if any(one.leads < FEW for _, one in found):
		yield Note(
			"Rows of fewer than {few} leads are too few to judge by: look at the interval.", {"few": FEW}
		)


def _differences(found: Sequence[tuple[str, Conversion]], shares: Mapping[str, Kind]) -> Iterator[Note]:
	"""The best and the worst scope, where their intervals lie apart."""
	told = [
		(one.expected.share, name, one.expected.interval)
		for name, one in found
		if name and one.leads >= FEW and one.expected.share is not None and one.expected.interval is not None
	]
	if len(told) < 2:
		return
	best, worst = max(told, key=lambda one: (one[0], one[1])), min(told, key=lambda one: (one[0], one[1]))
	if best[2].low > worst[2].high:
		yield Note(
			"{better} converts best, {best}, and {other} worst, {worst}: their intervals don’t overlap.",
			{"better": best[1], "best": rounded(best[0]), "other": worst[1], "worst": rounded(worst[0])},
			shares,
		)


ANALYSIS = Analysis(
	name="lead-conversion",
	title="Lead conversion over time",
	meaning="What became of the leads of each period, how long it took, and how many will have bought once the young ones have "
	"had their time.",
	answer=answer,
	by=frozenset(By),
	tells=("lead_conversion_rate",),
	options={
		"view": "cohorts (by when the leads came; unless told apart otherwise) or rates (one row for each salesperson, team, "
		"territory or source)",
	},
)
