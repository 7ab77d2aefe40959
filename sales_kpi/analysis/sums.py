"""Sums of facts for periods and scopes: what formulas are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pypika.functions import Sum

from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import Fact
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span
from sales_kpi.kpis.definition import By
from sales_kpi.kpis.formula import Distribution, Figures, Of, Over, Term, Total
from sales_kpi.periods import Period
from sales_kpi.sources.source import Source

if TYPE_CHECKING:
	import numpy as np

LEAF = {
	By.COMPANY: None,
	By.SALES_PERSON: "sales_person",
	By.TEAM: "sales_person",
	By.TERRITORY: "territory",
	By.SOURCE: "source",
}
"""The column of a fact by which its sums are told apart."""

_DUST = 9
"""Decimals to which sums are rounded, so that what cancels is 0 and not the dust of floats."""

_TIE = 1e-6
"""Share of the total weight within which a cumulated weight counts as exactly reaching a quantile."""


@dataclass
class Need:
	"""How much of one fact the formulas ask for, and in what detail."""

	fact: str
	with_life: bool = False
	day_from: date | None = date.max
	"""First day summed; None from the beginning; `date.max` when only what began in the periods matters."""
	cohort: bool = False
	gaps: bool = False
	amounts: bool = False

	def widen(self, day: date | None) -> None:
		"""Make sure that rows from a day on are read."""
		self.day_from = None if day is None or self.day_from is None else min(day, self.day_from)


def year_before(day: date) -> date:
	"""The first day of the year that ends on a day: the day after the same date one year earlier."""
	try:
		same = day.replace(year=day.year - 1)
	except ValueError:  # 29 February
		same = day.replace(year=day.year - 1, day=28)
	return same + timedelta(days=1)


def months_later(days: Any, months: int) -> Any:
	"""Days (`datetime64[D]`) some months later, those that a month doesn't have moved to its last."""
	import numpy as np
	import pandas as pd

	if not months or not len(days):
		return days
	moved = pd.DatetimeIndex(days.astype("datetime64[s]")) + pd.DateOffset(months=months)
	return np.asarray(moved.values).astype("datetime64[D]")


@dataclass
class Rows:
	"""The sums of one fact by day and leaf, as arrays of equal length; `gap` and `amount` where they were asked for."""

	day: Any
	leaf: Any
	quantity: Any
	total: Any
	estimated: Any
	since: Any = None
	amount: Any = None


@dataclass
class FactSums:
	"""Sums of facts in the shape that formulas take (`kpis.formula.Sums`).

	leaves: what rows are told apart by; scopes: what figures are given for; membership: leaves × scopes, 1 where a
	leaf belongs to a scope.
	"""

	source: Source
	reading: Reading
	facts: dict[str, Fact]
	periods: Sequence[Period]
	by: By
	loaded: dict[tuple[str, bool], Rows] = field(default_factory=dict)
	leaves: dict[str, int] = field(default_factory=dict)
	membership: Any = None
	_totals: dict[Term, Any] = field(default_factory=dict)

	def load(self, totals: Iterable[Total], distributions: Iterable[Distribution]) -> None:
		"""Read what the formulas need: one query for each fact."""
		for need in self._needs(totals, distributions).values():
			self.loaded[need.fact, need.with_life] = self._read(need)

	def _needs(
		self, totals: Iterable[Total], distributions: Iterable[Distribution]
	) -> dict[tuple[str, bool], Need]:
		needs: dict[tuple[str, bool], Need] = {}
		for total in totals:
			for _, term in total.terms:
				term = self._simplified(term)
				need = needs.setdefault((term.fact, term.with_life), Need(term.fact, term.with_life))
				need.amounts |= term.at_least is not None or term.above is not None or term.weighted
				if term.cohort:
					need.cohort = True
				else:
					need.widen(self._first_day(term.over, term.fact))
		for distribution in distributions:
			need = needs.setdefault((distribution.fact, False), Need(distribution.fact))
			need.gaps |= distribution.of is Of.GAP
			need.amounts |= distribution.of is Of.AMOUNT
			need.widen(self._first_day(distribution.over, distribution.fact))
		return needs

	def _simplified(self, term: Term) -> Term:
		"""The same term without a distinction that makes no difference in these settings."""
		if term.with_life and not self.reading.settings.not_one_customer:
			return replace(term, with_life=False)
		return term

	def _first_day(self, over: Over, fact: str) -> date | None:
		if over in (Over.TO_END, Over.TO_BEFORE):
			return None
		first = self.periods[0].start if over is Over.PERIOD else year_before(self.periods[0].last_day)
		lag = self._lag(fact)
		return first - timedelta(days=31 * lag + 3) if lag else first

	def _lag(self, fact: str) -> int:
		return self.reading.settings.acquisition_lag_months if fact == "acquisition_cost" else 0

	def _read(self, need: Need) -> Rows:
		first, last = self.periods[0].start, min(self.periods[-1].last_day, self.reading.as_of)
		day, since = Span(need.day_from, last), Span()
		if need.cohort:
			only_cohort = need.day_from == date.max
			day = Span(None, self.reading.as_of)
			since = Span(first, self.periods[-1].last_day) if only_cohort else Span()
		reading = self.reading.narrowed(
			day=day, since=since, by_person=LEAF[self.by] == "sales_person", with_life=need.with_life
		)
		rows = self.facts[need.fact].select(reading).as_("row")
		keys = [rows.day]
		leaf = LEAF[self.by]
		if leaf:
			keys.append(rows[leaf])
		if need.cohort or need.gaps:
			keys.append(rows.since)
		if need.amounts:
			keys.append(rows.amount)
		query = (
			Query.from_(rows)
			.groupby(*keys)
			.select(
				rows.day,
				*([text(rows[leaf]).as_("leaf")] if leaf else []),
				*([rows.since] if need.cohort or need.gaps else []),
				*([rows.amount] if need.amounts else []),
				Sum(rows.quantity).as_("quantity"),
				Sum(rows.amount).as_("total"),
				Sum(rows.estimated).as_("estimated"),
			)
		)
		return self._rows(self.source.run(query), need)

	def _rows(self, frame: Any, need: Need) -> Rows:
		import numpy as np

		def numbers(name: str) -> Any:
			return frame[name].to_numpy(dtype=float, na_value=0.0) if len(frame) else np.zeros(0)

		names = frame["leaf"].tolist() if "leaf" in frame else [""] * len(frame)
		codes = np.fromiter(
			(self.leaves.setdefault(str(name), len(self.leaves)) for name in names),
			dtype=np.intp,
			count=len(names),
		)
		return Rows(
			day=months_later(as_days(frame["day"]), self._lag(need.fact)),
			leaf=codes,
			quantity=numbers("quantity"),
			total=numbers("total"),
			estimated=numbers("estimated"),
			since=as_days(frame["since"]) if "since" in frame else None,
			amount=numbers("amount") if need.amounts else None,
		)

	def arrange(self, scopes: Sequence[Iterable[str]]) -> None:
		"""Say which leaves each scope is made of. Leaves that no row has are of no account."""
		import numpy as np

		self.membership = np.zeros((max(len(self.leaves), 1), len(scopes)))
		for number, leaves in enumerate(scopes):
			for leaf in leaves:
				if leaf in self.leaves:
					self.membership[self.leaves[leaf], number] = 1.0

	# What formulas ask for

	def total(self, total: Total) -> Figures:
		"""Sums for each period and scope, free of the dust of floats."""
		import numpy as np

		figures = sum(sign * self._term(self._simplified(term)) for sign, term in total.terms)
		return np.round(figures @ self.membership, _DUST) + 0.0

	def exists(self, facts: tuple[str, ...]) -> Figures:
		"""1 where there is any row of the facts, else 0."""
		import numpy as np

		rows = sum(self._term(Term(name, "rows")) for name in facts)
		return np.minimum(rows @ self.membership, 1.0)

	def quantile(self, distribution: Distribution, at: float) -> tuple[Figures, Figures]:
		"""Weighted quantile and total weight for each period and scope."""
		return self._each(distribution, lambda values, weights: weighted_quantile(values, weights, at))

	def mean(self, distribution: Distribution) -> tuple[Figures, Figures]:
		"""Weighted mean and total weight for each period and scope."""
		import numpy as np

		def mean_of(values: Any, weights: Any) -> tuple[float, float]:
			weight = float(weights.sum())
			return (float(np.dot(values, weights)) / weight, weight) if weight > 0 else (float("nan"), 0.0)

		return self._each(distribution, mean_of)

	def _each(self, distribution: Distribution, measure: Any) -> tuple[Figures, Figures]:
		import numpy as np

		rows = self.loaded[distribution.fact, False]
		values = (
			rows.amount
			if distribution.of is Of.AMOUNT
			else (rows.day - rows.since).astype("timedelta64[D]").astype(float)
		)
		shape = (len(self.periods), self.membership.shape[1])
		value, weight = np.full(shape, np.nan), np.zeros(shape)
		for number, period in enumerate(self.periods):
			first, last = self._days(period, distribution.over)
			within = (rows.day >= first) & (rows.day <= last)
			if not within.any():
				continue
			leaf = rows.leaf[within]
			inside, weights = values[within], rows.quantity[within]
			for scope in np.flatnonzero(self.membership[np.unique(leaf)].any(axis=0)):
				belongs = self.membership[leaf, scope] > 0
				value[number, scope], weight[number, scope] = measure(inside[belongs], weights[belongs])
		return value, np.round(weight, _DUST)

	def _days(self, period: Period, over: Over) -> tuple[Any, Any]:
		import numpy as np

		first, last = period.start, period.last_day
		if over is Over.YEAR:
			first = year_before(period.last_day)
		elif over is Over.TO_END:
			first = date.min
		elif over is Over.TO_BEFORE:
			first, last = date.min, period.start - timedelta(days=1)
		return np.datetime64(first, "D"), np.datetime64(last, "D")

	def _term(self, term: Term) -> Any:
		"""One term for each period and leaf."""
		import numpy as np

		if term not in self._totals:
			rows = self.loaded[term.fact, term.with_life]
			day = rows.since if term.cohort else rows.day
			kept = np.ones(len(day), dtype=bool)
			if term.cohort:
				gap = (rows.day - rows.since).astype("timedelta64[D]").astype(int)
				kept &= gap <= self.reading.settings.conversion_window_days
			if term.at_least is not None:
				# The mean of ratings is a float that may fall short of a threshold by its dust.
				kept &= rows.amount >= term.at_least - 10**-_DUST
			if term.above is not None:
				kept &= rows.amount > term.above
			measured = self._measured(rows, term)
			self._totals[term] = self._by_period(day[kept], rows.leaf[kept], measured[kept], term.over)
		return self._totals[term]

	@staticmethod
	def _measured(rows: Rows, term: Term) -> Any:
		import numpy as np

		if term.measure == "rows":
			return np.ones(len(rows.day))
		if term.weighted:
			return rows.amount * rows.quantity
		return {"quantity": rows.quantity, "amount": rows.total, "estimated": rows.estimated}[term.measure]

	def _by_period(self, day: Any, leaf: Any, measured: Any, over: Over) -> Any:
		"""Sum by period and leaf.

		Periods follow one another without a gap. Sums from the beginning are running sums; others are summed by
		themselves, so that a large past leaves no dust in a small period.
		"""
		import numpy as np

		count, leaves = len(self.periods), max(len(self.leaves), 1)
		if over is Over.YEAR:
			figures = np.zeros((count, leaves))
			for number, period in enumerate(self.periods):
				first, last = self._days(period, over)
				within = (day >= first) & (day <= last)
				np.add.at(figures[number], leaf[within], measured[within])
			return figures
		starts = np.array([period.start for period in self.periods], dtype="datetime64[D]")
		place = np.searchsorted(starts, day, side="right")
		place[day > np.datetime64(self.periods[-1].last_day, "D")] = count + 1
		sums = np.zeros((count + 2, leaves))
		np.add.at(sums, (place, leaf), measured)
		if over is Over.PERIOD:
			return sums[1 : count + 1]
		running = np.cumsum(sums[: count + 1], axis=0)
		return running[1:] if over is Over.TO_END else running[:-1]


def as_days(column: Any) -> np.ndarray[Any, Any]:
	"""A column of dates or ISO texts as `datetime64[D]`."""
	import numpy as np
	import pandas as pd

	return np.asarray(pd.to_datetime(column).to_numpy()).astype("datetime64[D]")


def weighted_quantile(values: Any, weights: Any, at: float) -> tuple[float, float]:
	"""The weighted quantile of values, and their total weight.

	The first of the distinct values, ascending, at which the cumulated weight reaches the share `at` of the sum of
	weights; where it reaches it exactly, the mean of that value and the next. Values of weight 0 or less don't count.
	Without any: NaN and 0.
	"""
	import numpy as np

	distinct, place = np.unique(values, return_inverse=True)
	summed = np.bincount(place, weights=weights, minlength=len(distinct))
	distinct, summed = distinct[summed > 10**-_DUST], summed[summed > 10**-_DUST]
	if not len(distinct):
		return float("nan"), 0.0
	cumulated = np.cumsum(summed)
	whole = float(cumulated[-1])
	wanted = at * whole
	reached = int(np.argmax(cumulated >= wanted - _TIE * whole))
	exact = abs(float(cumulated[reached]) - wanted) <= _TIE * whole
	if exact and reached + 1 < len(distinct):
		return float(distinct[reached] + distinct[reached + 1]) / 2, whole
	return float(distinct[reached]), whole
