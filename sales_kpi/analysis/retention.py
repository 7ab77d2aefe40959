"""Retention and churn: do new customers come back, how many are lost and with how much revenue, and who is late right now.

A customer is had from its first purchase until it has bought nothing for N days (`churn_after_days`): a spell, which ends in
a lapse. Both are facts, so that churn is that of the KPI `churn_rate`. Whoever was credited for a spell's beginning is
credited for all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pypika import Case
from pypika.functions import Sum

from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.sums import as_days
from sales_kpi.analysis.survival import (
	FEW,
	choices,
	largest,
	period_column,
	quantile,
	rounded,
	sample,
	scope_column,
	told_apart,
)
from sales_kpi.facts.reading.dialect import number
from sales_kpi.facts.reading.invoices import has_a_life, invoices, is_purchase
from sales_kpi.facts.reading.reading import Span, where
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Period

if TYPE_CHECKING:
	import pandas as pd

VIEWS = ("cohorts", "periods", "at-risk")

LATER = 12
"""Into so many periods after their first purchase customers are followed."""

YEAR = timedelta(days=365)
"""A customer is worth what it bought in so long a time up to its last purchase."""

LATE = 2.0
"""From how many times its usual gap on a customer is late. Source: golden G13 of the field survey."""

FEWEST_GAPS = 2
"""Gaps between purchases that tell a rhythm."""

SO_FAR = "so far"
AT_RISK, PROBABLY_LOST = "at risk", "probably lost"


# Cohorts


@dataclass(frozen=True)
class Cohorts:
	"""Which part of each cohort bought in each period after its first.

	sizes: of the cohorts. shares: for each cohort the share that bought in the first, second, … period after that of its
	first purchase; None where that period isn't over, or the cohort is empty. average: of all cohorts for which it is
	known, a ratio of sums; known: how many customers these hold.
	"""

	sizes: tuple[float, ...]
	shares: tuple[tuple[float | None, ...], ...]
	average: tuple[float | None, ...]
	known: tuple[float, ...]


def cohorts(
	joined: Any, weights: Any, customer: Any, bought: Any, over: int, count: int, later: int = LATER
) -> Cohorts:
	"""Which part of each cohort bought in each period after its first.

	joined: of each customer, the number of the period of its first purchase. weights: how much each counts, 1 or the share
	that is credited. customer, bought: one pair for each purchase, of the customer's place among these and the number of
	the period. over: the number of the last period that is over, -1 if none is. count: of cohorts.
	"""
	import numpy as np

	first, weight = np.asarray(joined, dtype=np.intp), np.asarray(weights, dtype=float)
	sizes = np.bincount(first, weights=weight, minlength=count)[:count] if count else np.zeros(0)
	pairs = np.unique(
		np.column_stack([np.asarray(customer, dtype=np.intp), np.asarray(bought, dtype=np.intp)]), axis=0
	)
	active = np.zeros((count, later + 1))
	if len(pairs):
		of, since = first[pairs[:, 0]], pairs[:, 1] - first[pairs[:, 0]]
		within = (since >= 1) & (since <= later)
		np.add.at(active, (of[within], since[within]), weight[pairs[within, 0]])
	has = sizes > 1e-9
	shares = tuple(
		tuple(
			float(active[cohort, after] / sizes[cohort]) if has[cohort] and cohort + after <= over else None
			for after in range(1, later + 1)
		)
		for cohort in range(count)
	)
	average: list[float | None] = []
	known: list[float] = []
	for after in range(1, later + 1):
		final = [place for place in range(count) if has[place] and place + after <= over]
		whole = float(sizes[final].sum())
		known.append(whole)
		average.append(float(active[final, after].sum() / whole) if whole > 1e-9 else None)
	return Cohorts(tuple(float(size) for size in sizes), shares, tuple(average), tuple(known))


# Churn


@dataclass(frozen=True)
class Churn:
	"""What happened to the customers of a period.

	start, end: how many there were at its beginning and at its end. first: bought for the first time on record. returned:
	came back after a lapse. lost: lapsed. rate: of those that there were at any time in it, the share that lapsed (the KPI
	`churn_rate`). kept: of those at its beginning, the share that didn't lapse in it. revenue, revenue_lost: what those
	that there were at any time, and those that lapsed, are worth. revenue_rate: the one over the other. None where there
	is nobody, or nothing, to take a share of.
	"""

	start: float
	first: float
	returned: float
	lost: float
	end: float
	rate: float | None
	kept: float | None
	revenue: float
	revenue_lost: float
	revenue_rate: float | None


def churn(
	begun: Any, lapsed: Any, weights: Any, is_first: Any, worth: Any, first_day: date, last_day: date
) -> Churn:
	"""What happened to the customers of a period, by their spells.

	begun, lapsed: days of each spell (datetime64[D]), NaT for one that goes on. weights: how much each counts. is_first:
	whether it is its customer's first. worth: of the customer, as it is on the period's last day or, where it lapsed in the
	period, just before. Source: the definition of `churn_rate`; golden G13 of the field survey for `kept`.
	"""
	import numpy as np

	start, end = np.datetime64(first_day, "D"), np.datetime64(last_day, "D")
	begins, lapses = np.asarray(begun, "datetime64[D]"), np.asarray(lapsed, "datetime64[D]")
	weight, value = np.asarray(weights, dtype=float), np.asarray(worth, dtype=float)
	firsts = np.asarray(is_first, dtype=bool)

	def much(of: Any, each: Any = weight) -> float:
		return _clean(float(each[of].sum()))

	# A comparison with NaT is false: what goes on never lapses.
	before = (begins < start) & ~(lapses < start)
	new = (begins >= start) & (begins <= end)
	lost = (lapses >= start) & (lapses <= end)
	had, all_lost = much(before) + much(new), much(lost)
	kept = much(before) - much(before & lost)
	revenue, revenue_lost = much(before | new, weight * value), much(lost, weight * value)
	return Churn(
		start=much(before),
		first=much(new & firsts),
		returned=much(new & ~firsts),
		lost=all_lost,
		end=_clean(had - all_lost),
		rate=_share(all_lost, had),
		kept=_share(kept, much(before)),
		revenue=revenue,
		revenue_lost=revenue_lost,
		revenue_rate=_share(revenue_lost, revenue),
	)


def _clean(number: float) -> float:
	return round(number, 9) + 0.0


def _share(part: float, whole: float) -> float | None:
	# What is nobody's may be less than nothing, where teams get more than the whole: the KPI divides by it as well.
	return part / whole + 0.0 if abs(whole) > 1e-9 else None


# Rhythm


@dataclass(frozen=True)
class Rhythm:
	"""How a customer buys: days between two purchases. usual: the median. late_after: twice that. p90: nine of ten gaps."""

	usual: float
	late_after: float
	p90: float


def rhythm(gaps: Any) -> Rhythm | None:
	"""How a customer buys, by the days between its purchases; None without two gaps. Source: golden G13."""
	import numpy as np

	if len(gaps) < FEWEST_GAPS:
		return None
	usual, p90 = np.quantile(np.asarray(gaps, dtype=float), (0.5, 0.9)).tolist()
	return Rhythm(usual, LATE * usual, p90)


def lateness(days: float, late_after: float, segment_p90: float) -> str | None:
	"""How late a customer is that last bought so many days ago: at risk after its own limit, probably lost after both.

	segment_p90: what nine of ten gaps of all customers beside it don't exceed.
	"""
	if days <= late_after:
		return None
	return PROBABLY_LOST if days > segment_p90 else AT_RISK


# What customers bought


class Trade:
	"""What each customer bought, day by day: purchases, and the money of all its invoices and returns."""

	def __init__(self, customer: Any, day: Any, amount: Any, purchases: Any) -> None:
		"""customer: names. day: datetime64[D]. amount: of a day, returns deducted. purchases: how many on that day."""
		import numpy as np

		days = np.asarray(day, "datetime64[D]").astype(np.int64)
		names, place = np.unique(np.asarray(customer, dtype=str), return_inverse=True)
		self._place = {str(name): number for number, name in enumerate(names)}
		self.customers = len(names)
		self._first = int(days.min()) if len(days) else 0
		self._span = (int(days.max()) - self._first if len(days) else 0) + 2
		keys = place * self._span + (days - self._first)
		order = np.argsort(keys, kind="stable")
		self._keys = keys[order]
		self._sums = np.concatenate(([0.0], np.cumsum(np.asarray(amount, dtype=float)[order])))
		self._bought = np.unique(keys[np.asarray(purchases, dtype=float) > 0])

	def _key(self, places: Any, day: Any) -> Any:
		import numpy as np

		# Days outside of all that was traded are the day before, or after, all of it: a customer's keys stay its own.
		return places * self._span + np.clip(day - self._first, -1, self._span - 1)

	def places(self, names: Iterable[str]) -> Any:
		"""Numbers of customers, −1 for one that has no trade."""
		import numpy as np

		return np.array([self._place.get(str(name), -1) for name in names], dtype=np.int64)

	def purchases(self) -> tuple[Any, Any]:
		"""The days on which each customer bought: places of customers and days, ascending in both."""
		import numpy as np

		place, day = np.divmod(self._bought, self._span)
		return place, (day + self._first).astype("datetime64[D]")

	def worth(self, places: Any, day: Any) -> Any:
		"""What customers are worth on a day: what they bought in the year up to their last purchase by then, less returns.

		0 where returns are more, or nothing was bought yet.
		"""
		import numpy as np

		until = np.asarray(day, "datetime64[D]").astype(np.int64)
		if not len(self._bought):
			return np.zeros(len(places))
		last = np.searchsorted(self._bought, self._key(places, until), side="right") - 1
		of, since = np.divmod(self._bought[np.maximum(last, 0)], self._span)
		has = (last >= 0) & (of == places)
		after = since + self._first - YEAR.days
		high = np.searchsorted(self._keys, self._key(places, until), side="right")
		low = np.searchsorted(self._keys, self._key(places, after), side="right")
		return np.where(has, np.maximum(np.round(self._sums[high] - self._sums[low], 6), 0.0), 0.0)


def trade_of(inquiry: Inquiry) -> Trade:
	"""What every customer of the company bought up to the day of reading, whoever was credited."""
	reading = inquiry.reading
	invoice = reading.table("Sales Invoice")
	rows = inquiry.source.run(
		where(invoices(reading, invoice), has_a_life(reading, invoice.customer))
		.groupby(invoice.customer, invoice.posting_date)
		.select(
			invoice.customer,
			invoice.posting_date.as_("day"),
			Sum(number(invoice.base_net_total)).as_("amount"),
			Sum(Case().when(is_purchase(invoice), 1).else_(0)).as_("purchases"),
		)
	)
	return Trade(
		rows["customer"].to_numpy(dtype=str),
		as_days(rows["day"]),
		rows["amount"].astype(float).to_numpy(),
		rows["purchases"].astype(float).to_numpy(),
	)


def spells_of(inquiry: Inquiry) -> pd.DataFrame:
	"""The spells of the customers that are seen, one row for each and each salesperson who is credited.

	Columns: those of the fact `customer_spell`; `lapsed`: the day of the lapse, NaT while it goes on; `is_first`.
	"""
	import pandas as pd

	spells = inquiry.rows("customer_spell").sort_values(["document", "day", "sales_person"], kind="stable")
	lapses = inquiry.rows("customer_lapse").drop_duplicates(["document", "since"])
	firsts = inquiry.rows("customer").drop_duplicates("document")
	keys = pd.MultiIndex.from_frame(spells[["document", "day"]])
	ends = pd.Series(lapses["day"].to_numpy(), index=pd.MultiIndex.from_frame(lapses[["document", "since"]]))
	spells["lapsed"] = ends.reindex(keys).to_numpy()
	spells["is_first"] = keys.isin(pd.MultiIndex.from_frame(firsts[["document", "day"]]))
	return spells.reset_index(drop=True)


# Answers


def answer(inquiry: Inquiry) -> Outcome:
	"""Do new customers come back, how many are lost, or who is late."""
	view = choices(inquiry, view=VIEWS)["view"]
	if view == "periods":
		return _periods_answer(inquiry)
	return _at_risk_answer(inquiry) if view == "at-risk" else _cohorts_answer(inquiry)


def _scope_columns(inquiry: Inquiry) -> tuple[Column, ...]:
	return () if inquiry.by is By.COMPANY else (scope_column(inquiry),)


def _scope_cell(inquiry: Inquiry, name: str) -> dict[str, Cell]:
	return {} if inquiry.by is By.COMPANY else {"scope": name}


def _amount(inquiry: Inquiry) -> Kind:
	"""How customers are counted: by parts where credit for them is shared."""
	return Kind.COUNT if inquiry.by is By.COMPANY and not inquiry.reading.only else Kind.NUMBER


def _counted(inquiry: Inquiry, number: float) -> Cell:
	return round(number) if _amount(inquiry) is Kind.COUNT else rounded(number)


# The cohorts' answer


def _cohorts_answer(inquiry: Inquiry) -> Outcome:
	"""Cohorts of new customers: those that were known before the records begin have no first purchase on record."""
	frame = inquiry.rows("first_sale", day=Span(inquiry.first, inquiry.last))
	periods = _whole_periods(
		inquiry.calendar, inquiry.first, max(inquiry.as_of, inquiry.first), inquiry.every
	)
	over = sum(period.last_day <= inquiry.as_of for period in periods) - 1
	later = min(LATER, max(over, 1))
	columns = (
		*_scope_columns(inquiry),
		period_column(inquiry, "cohort", "Customers of"),
		Column("customers", "New customers", _amount(inquiry)),
		*(Column(f"after_{after}", f"+{after}", Kind.SHARE) for after in range(1, later + 1)),
		Column("sample", "Sample", Kind.TEXT),
	)
	if frame.empty:
		return Outcome(columns, (), notes=(_nobody(inquiry),))
	last = min(inquiry.last, inquiry.as_of)
	count = sum(period.start <= last for period in periods)
	trade = trade_of(inquiry)
	whole = _followed(frame, trade, periods, over, count, later)
	found = [
		(name, _followed(mine, trade, periods, over, count, later))
		for name, mine in told_apart(inquiry, frame)
	]
	rows = tuple(
		{
			**_scope_cell(inquiry, name),
			"cohort": period.start,
			"customers": _counted(inquiry, size),
			**{f"after_{after}": rounded(share) for after, share in enumerate(shares, 1)},
			"sample": sample(size),
		}
		for name, one in found
		for period, size, shares in zip(periods, one.sizes, one.shares)
	)
	chart = Chart(
		"Share of new customers that buy in each period after their first",
		Shape.LINE,
		Kind.SHARE,
		tuple(range(later + 1)),
		tuple(
			Series(
				name if _scope_columns(inquiry) else "New customers",
				(1.0, *(rounded(share) for share in one.average)),
				bool(_scope_columns(inquiry)),
			)
			for name, one in largest(found, lambda one: sum(one.sizes))
		),
	)
	return Outcome(columns, rows, (chart,), tuple(_cohort_notes(whole, found)))


def _followed(
	frame: pd.DataFrame, trade: Trade, periods: Sequence[Period], over: int, count: int, later: int
) -> Cohorts:
	"""The cohorts of some first purchases, each customer by the share that is credited here."""
	import numpy as np

	starts = np.array([period.start for period in periods], dtype="datetime64[D]")
	each = frame.groupby("document").agg(day=("day", "first"), quantity=("quantity", "sum"))
	joined = np.searchsorted(starts, each["day"].to_numpy().astype("datetime64[D]"), side="right") - 1
	number_of = np.full(trade.customers + 1, -1)
	number_of[trade.places(each.index)] = np.arange(len(each))
	# The last place is that of customers without trade.
	number_of[-1] = -1
	place, day = trade.purchases()
	customer = number_of[place]
	bought = np.searchsorted(starts, day, side="right") - 1
	own = customer >= 0
	return cohorts(joined, each["quantity"], customer[own], bought[own], over, count, later)


def _whole_periods(calendar: Calendar, first: date, last: date, every: Every) -> list[Period]:
	"""All whole periods that touch some days."""
	found = [calendar.period(first, every)]
	while found[-1].end <= last:
		found.append(calendar.period(found[-1].end, every))
	return found


def _nobody(inquiry: Inquiry) -> Note:
	return Note(
		"No new customer bought from {first} to {last}, so there is nothing to tell.",
		{"first": inquiry.first, "last": inquiry.last},
		{"first": Kind.DAY, "last": Kind.DAY},
		is_warning=True,
	)


def _cohort_notes(whole: Cohorts, found: Sequence[tuple[str, Cohorts]]) -> Iterator[Note]:
	share = whole.average[0]
	if share is None:
		yield Note(
			"No period after that of a first purchase is over yet: whether new customers come back shows then.",
			is_warning=True,
		)
	else:
		yield Note(
			"Of {customers} new customers {share} bought again in the period after their first.",
			{"customers": round(whole.known[0]), "share": rounded(share)},
			{"share": Kind.SHARE},
		)
		last = max(after for after, known in enumerate(whole.average, 1) if known is not None)
		if last > 1:
			yield Note(
				"Of the {customers} that became customers long enough ago, {share} bought in period {after} after their first.",
				{
					"customers": round(whole.known[last - 1]),
					"share": rounded(whole.average[last - 1]),
					"after": last,
				},
				{"share": Kind.SHARE},
			)
	yield Note(
		"A cell is the share that bought in just that period: a customer who pauses in one and buys in the next is not lost."
	)
	if any(size < FEW for _, one in found for size in one.sizes):
		yield Note("Rows of fewer than {few} customers are too few to judge by.", {"few": FEW})


# The periods' answer


def _period_columns(inquiry: Inquiry) -> tuple[Column, ...]:
	many = _amount(inquiry)
	return (
		*_scope_columns(inquiry),
		period_column(inquiry, "period", "Period"),
		Column("start", "At the beginning", many),
		Column("first", "First purchase", many),
		Column("returned", "Came back", many),
		Column("lost", "Lost", many),
		Column("end", "At the end", many),
		Column("churn", "Churn", Kind.SHARE),
		Column("kept", "Kept", Kind.SHARE),
		Column("revenue_lost", "Revenue lost", Kind.MONEY),
		Column("revenue_churn", "Revenue churn", Kind.SHARE),
		Column("state", "State", Kind.TEXT),
		Column("sample", "Sample", Kind.TEXT),
	)


def _periods_answer(inquiry: Inquiry) -> Outcome:
	frame, columns = spells_of(inquiry), _period_columns(inquiry)
	if frame.empty:
		note = Note("No customer has bought yet, so none can be lost.", is_warning=True)
		return Outcome(columns, (), notes=(note,))
	trade = trade_of(inquiry)
	frame["place"] = trade.places(frame["document"])
	periods = [period for period in inquiry.periods() if period.start <= inquiry.as_of]
	found = [
		(name, [_churn(inquiry, rows, trade, period) for period in periods])
		for name, rows in told_apart(inquiry, frame)
	]
	rows = tuple(
		{
			**_scope_cell(inquiry, name),
			"period": period.start,
			"start": _counted(inquiry, one.start),
			"first": _counted(inquiry, one.first),
			"returned": _counted(inquiry, one.returned),
			"lost": _counted(inquiry, one.lost),
			"end": _counted(inquiry, one.end),
			"churn": rounded(one.rate),
			"kept": rounded(one.kept),
			"revenue_lost": rounded(one.revenue_lost),
			"revenue_churn": rounded(one.revenue_rate),
			"state": None if period.is_whole and period.last_day <= inquiry.as_of else SO_FAR,
			"sample": sample(one.start + one.first + one.returned),
		}
		for name, all_of_them in found
		for period, one in zip(periods, all_of_them)
	)
	whole = [_churn(inquiry, frame, trade, period) for period in periods]
	charts = _churn_charts(inquiry, periods, whole, found)
	return Outcome(columns, rows, charts, tuple(_churn_notes(inquiry, periods, whole, found)))


def _churn(inquiry: Inquiry, rows: pd.DataFrame, trade: Trade, period: Period) -> Churn:
	import numpy as np

	last = min(period.last_day, inquiry.as_of)
	begun = rows["day"].to_numpy().astype("datetime64[D]")
	lapsed = rows["lapsed"].to_numpy().astype("datetime64[D]")
	seen = (begun <= np.datetime64(last, "D")) & ~(lapsed < np.datetime64(period.start, "D"))
	begun, lapsed, rows = begun[seen], lapsed[seen], rows[seen]
	end = np.datetime64(last, "D")
	day = np.where(lapsed <= end, lapsed - np.timedelta64(1, "D"), end)
	worth = trade.worth(rows["place"].to_numpy(), day)
	return churn(begun, lapsed, rows["quantity"], rows["is_first"], worth, period.start, last)


def _churn_charts(
	inquiry: Inquiry,
	periods: Sequence[Period],
	whole: Sequence[Churn],
	found: Sequence[tuple[str, Sequence[Churn]]],
) -> tuple[Chart, ...]:
	labels = tuple(period.start for period in periods)
	if inquiry.by is not By.COMPANY:
		series = tuple(
			Series(name, tuple(rounded(one.rate) for one in all_of_them), True)
			for name, all_of_them in largest(found, lambda each: sum(one.start for one in each))
		)
		return (Chart("Churn", Shape.LINE, Kind.SHARE, labels, series),)
	rates = (
		Series("Customers", tuple(rounded(one.rate) for one in whole)),
		Series("Revenue", tuple(rounded(one.revenue_rate) for one in whole)),
	)
	bridge = (
		whole[0].start,
		sum(one.first for one in whole),
		sum(one.returned for one in whole),
		-sum(one.lost for one in whole),
		whole[-1].end,
	)
	steps = ("At the beginning", "First purchase", "Came back", "Lost", "At the end")
	return (
		Chart("Churn of customers and of revenue", Shape.LINE, Kind.SHARE, labels, rates),
		Chart(
			"Customers from the first to the last period",
			Shape.BRIDGE,
			Kind.COUNT,
			steps,
			(Series("Customers", tuple(rounded(step) for step in bridge)),),
		),
	)


def _churn_notes(
	inquiry: Inquiry,
	periods: Sequence[Period],
	whole: Sequence[Churn],
	found: Sequence[tuple[str, Sequence[Churn]]],
) -> Iterator[Note]:
	kinds = {"share": Kind.SHARE, "money": Kind.MONEY}
	done = [
		(period, one)
		for period, one in zip(periods, whole)
		if period.is_whole and period.last_day <= inquiry.as_of and one.rate is not None
	]
	if done:
		period, one = done[-1]
		is_range = inquiry.every is Every.RANGE
		in_range = "From {period} on {share} of the customers were lost, {lost} of {had}."
		in_period = "In {period} {share} of the customers were lost, {lost} of {had}."
		many = _amount(inquiry)
		yield Note(
			in_range if is_range else in_period,
			{
				"period": period.start,
				"share": rounded(one.rate),
				"lost": _counted(inquiry, one.lost),
				"had": _counted(inquiry, one.start + one.first + one.returned),
			},
			kinds | {"lost": many, "had": many, "period": Kind.DAY if is_range else Kind.PERIOD},
		)
		if one.rate is not None and one.revenue_rate is not None and one.lost > 0:
			smaller = "They had brought {money}, {share} of what all of them had: those who left were smaller than the others."
			larger = "They had brought {money}, {share} of what all of them had: those who left were not the small ones."
			yield Note(
				smaller if one.revenue_rate < one.rate else larger,
				{"money": rounded(one.revenue_lost), "share": rounded(one.revenue_rate)},
				kinds,
			)
	returned = sum(one.returned for one in whole)
	if returned > 0:
		yield Note(
			"{customers} came back after they had been lost.",
			{"customers": _counted(inquiry, returned)},
			{"customers": _amount(inquiry)},
		)
	yield Note(
		"A customer is lost when it has bought nothing for {days} days: churn tells of purchases that stopped so long before. "
		"Its revenue is what it bought in the year up to its last purchase, less what it returned.",
		{"days": inquiry.settings.churn_after_days},
	)
	if any(one.start + one.first + one.returned < FEW for _, each in found for one in each):
		yield Note("Rows of fewer than {few} customers are too few to judge by.", {"few": FEW})


# The answer on those at risk


def _at_risk_columns(inquiry: Inquiry) -> tuple[Column, ...]:
	return (
		*_scope_columns(inquiry),
		Column("customer", "Customer", Kind.NAME, "Customer"),
		Column("sales_person", "Salesperson", Kind.NAME, "Sales Person"),
		Column("status", "Status", Kind.TEXT),
		Column("revenue", "Revenue of a year", Kind.MONEY),
		Column("last_purchase", "Last purchase", Kind.DAY),
		Column("days", "Days since", Kind.DAYS),
		Column("usual", "Usual gap", Kind.DAYS),
		Column("late_after", "Late after", Kind.DAYS),
		Column("p90", "P90 of its gaps", Kind.DAYS),
		Column("purchases", "Days with purchases", Kind.COUNT),
		Column("lost_on", "Counts as lost on", Kind.DAY),
	)


def _at_risk_answer(inquiry: Inquiry) -> Outcome:
	frame, columns = spells_of(inquiry), _at_risk_columns(inquiry)
	frame = frame[frame["lapsed"].isna()]
	if frame.empty:
		note = Note(
			"There are no customers now: none has bought in the last {days} days.",
			{"days": inquiry.settings.churn_after_days},
			is_warning=True,
		)
		return Outcome(columns, (), notes=(note,))
	rhythms = _rhythms(inquiry, trade_of(inquiry), frame)
	late = list(_at_risk_rows(inquiry, frame, rhythms))
	rows: list[dict[str, Cell]] = late
	if inquiry.by is not By.COMPANY:
		rows = [
			{"scope": name, **row}
			for name, mine in told_apart(inquiry, frame)
			for row in _at_risk_rows(inquiry, mine, rhythms)
		]
	at_stake: dict[str, float] = {}
	for row in late:
		person = str(row["sales_person"])
		at_stake[person] = at_stake.get(person, 0.0) + float(str(row["revenue"]))
	people = sorted(at_stake, key=lambda name: (-at_stake[name], name))
	chart = Chart(
		"Revenue of a year of customers that are late, by salesperson",
		Shape.BAR,
		Kind.MONEY,
		tuple(people),
		(Series("Revenue of a year", tuple(rounded(at_stake[name]) for name in people)),),
	)
	charts = (chart,) if people else ()
	return Outcome(columns, tuple(rows), charts, tuple(_at_risk_notes(inquiry, late, rhythms)))


def _rhythms(inquiry: Inquiry, trade: Trade, frame: pd.DataFrame) -> pd.DataFrame:
	"""How each customer of some spells buys: `gaps` between the days on which it did, `rhythm`, `last`, `worth`."""
	import numpy as np
	import pandas as pd

	place, day = trade.purchases()
	names = np.array(sorted(set(frame["document"])), dtype=object)
	places = trade.places(names)
	names, places = names[places >= 0], places[places >= 0]
	starts, ends = np.searchsorted(place, places), np.searchsorted(place, places, side="right")
	today = np.full(len(places), np.datetime64(inquiry.as_of, "D"))
	gaps = [np.diff(day[start:end]).astype(float) for start, end in zip(starts, ends)]
	return pd.DataFrame(
		{
			"gaps": gaps,
			"rhythm": [rhythm(each) for each in gaps],
			"last": day[ends - 1],
			"worth": trade.worth(places, today),
		},
		index=pd.Index(names),
	)


def _at_risk_rows(inquiry: Inquiry, frame: pd.DataFrame, rhythms: pd.DataFrame) -> Iterator[dict[str, Cell]]:
	"""Customers that are late by their own rhythm, those who bought most first; their revenue by the share that is credited."""
	import numpy as np

	most = frame.sort_values(["document", "quantity", "sales_person"], ascending=[True, False, True])
	people = most.drop_duplicates("document").set_index("document")["sales_person"]
	share = frame.groupby("document")["quantity"].sum()
	people = people[people.index.isin(rhythms.index) & (share.reindex(people.index) > 1e-9)]
	mine = rhythms.loc[people.index]
	segment = quantile(np.concatenate([[], *mine["gaps"]]), 0.9) or 0.0
	found = []
	worths = mine["worth"] * share.reindex(people.index)
	for customer, person, own, gaps, last, worth in zip(
		people.index, people, mine["rhythm"], mine["gaps"], mine["last"], worths
	):
		bought = last.date()
		days = (inquiry.as_of - bought).days
		status = lateness(days, own.late_after, segment) if own else None
		if own is None or status is None:
			continue
		cells: dict[str, Cell] = {
			"customer": str(customer),
			"sales_person": str(person),
			"status": status,
			"revenue": rounded(worth),
			"last_purchase": bought,
			"days": days,
			"usual": rounded(own.usual),
			"late_after": rounded(own.late_after),
			"p90": rounded(own.p90),
			"purchases": len(gaps) + 1,
			"lost_on": bought + timedelta(days=inquiry.settings.churn_after_days + 1),
		}
		found.append((-float(worth), str(customer), cells))
	yield from (cells for _, _, cells in sorted(found, key=lambda one: one[:2]))


def _at_risk_notes(
	inquiry: Inquiry, late: Sequence[dict[str, Cell]], rhythms: pd.DataFrame
) -> Iterator[Note]:
	known = int((rhythms["gaps"].map(len) >= FEWEST_GAPS).sum())
	lost = sum(row["status"] == PROBABLY_LOST for row in late)
	if late:
		yield Note(
			"{late} of {customers} customers with a rhythm have waited more than twice as long as they usually do. In a year "
			"they bought for {money}.",
			{
				"late": len(late),
				"customers": known,
				"money": rounded(sum(float(str(row["revenue"])) for row in late)),
			},
			{"money": Kind.MONEY},
		)
	elif known:
		yield Note(
			"None of the {customers} customers with a rhythm has waited more than twice as long as it usually does.",
			{"customers": known},
		)
	if lost:
		yield Note(
			"{lost} of them are probably lost: so long wait fewer than one in ten of all purchases here.",
			{"lost": lost},
		)
	if len(rhythms) > known:
		yield Note(
			"{customers} customers have bought on fewer than {purchases} days, too few to tell their rhythm.",
			{"customers": len(rhythms) - known, "purchases": FEWEST_GAPS + 1},
			is_warning=not known,
		)


ANALYSIS = Analysis(
	name="retention",
	title="Retention and churn",
	meaning="Whether new customers come back, how many customers are lost and with how much revenue, and who is late by their own "
	"rhythm.",
	answer=answer,
	by=frozenset(By),
	tells=("churn_rate", "sales_volume"),
	options={
		"view": "cohorts (do new customers come back), periods (how many are lost) or at-risk (who is late now)",
	},
)
