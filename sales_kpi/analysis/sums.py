"""Sums of facts for periods and scopes: what formulas are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol

from pypika.functions import Count, Sum
from pypika.terms import ValueWrapper

from sales_kpi.analysis.entries import NEVER, Entries, number_of
from sales_kpi.analysis.masters import uneven_teams
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.fact import CreditRule, Fact
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
"""Decimals below which a sum is 0, so that what cancels is 0 and not the dust of floats."""

_DIGITS = 12
"""Decimals to which sums are rounded, so that 0.6 + 0.4 is 1."""

_TIE = 1e-6
"""Share of the total weight within which a cumulated weight counts as exactly reaching a quantile."""


@dataclass(frozen=True)
class Detail:
	"""Which rows of a fact are summed, and by what besides day and leaf.

	cohort: by the day on which they began, of those that happened within the conversion window. of: also by the value
	that a distribution is taken of. Others as in `kpis.formula.Term`.
	"""

	fact: str
	with_life: bool = False
	cohort: bool = False
	at_least: float | None = None
	above: float | None = None
	weighted: bool = False
	of: Of | None = None


@dataclass
class Need:
	"""Which days of a detail the formulas ask for.

	first_exact: from this day on, days are told apart. from_beginning: earlier days matter too, all of them together.
	"""

	detail: Detail
	first_exact: date = date.max
	from_beginning: bool = False

	@property
	def singly(self) -> bool:
		"""Whether it asks about single rows: sums of a day don't tell."""
		detail = self.detail
		return (
			detail.cohort
			or detail.weighted
			or detail.of is not None
			or detail.at_least is not None
			or detail.above is not None
		)


@dataclass(frozen=True)
class Wanted:
	"""What is wanted of one fact: its rows from a first day, None for all, to a last.

	from_beginning: also the sums of all earlier days. singly: single rows, not sums of a day.
	"""

	fact: str
	with_life: bool
	first: date | None
	last: date
	from_beginning: bool
	singly: bool


@dataclass(frozen=True)
class Missing:
	"""The part of a fact that isn't kept: some days, or some entities."""

	days: frozenset[date] | None = None
	entities: frozenset[str] | None = None

	def __bool__(self) -> bool:
		return bool(self.days) or bool(self.entities)

	def of(self, reading: Reading) -> Reading:
		"""A reading of this part alone."""
		return reading.narrowed(
			day=replace(reading.day, days=self.days or None),
			entities=tuple(sorted(self.entities)) if self.entities else reading.entities,
		)


@dataclass(frozen=True)
class Kept:
	"""What is kept of one fact.

	exact: from the first day that is wanted on, single rows if `single`. early: sums of what is before. missing: what
	has to be read from the records and added.
	"""

	exact: Entries
	early: Entries
	single: bool
	missing: Missing


@dataclass(frozen=True)
class Credited:
	"""Salespeople who are credited in a company in any fact.

	surely: in what is kept; perhaps: in days or entities of it that hold no longer. missing: what has to be looked for in
	the records, by fact; facts that aren't there have to be looked through as a whole.
	"""

	surely: set[str]
	perhaps: set[str]
	missing: dict[str, Missing]


class Keeper(Protocol):
	"""Somebody who keeps sums up to date, so that they needn't be read from the records."""

	def credited(self, reading: Reading) -> Credited | None:
		"""Who is credited in what is kept; None where nothing is."""

	def kept(self, wanted: Iterable[Wanted], reading: Reading, leaf: str) -> dict[Wanted, Kept]:
		"""What is kept of what is wanted, told apart by a column of facts; what is left out isn't kept."""


def year_before(day: date) -> date:
	"""The first day of the year that ends on a day: the day after the same date one year earlier."""
	try:
		same = day.replace(year=day.year - 1)
	except ValueError:  # 29 February
		same = day.replace(year=day.year - 1, day=28)
	return same + timedelta(days=1)


def days_of(period: Period, over: Over) -> Span:
	"""The days that are summed for a period."""
	if over is Over.YEAR:
		return Span(year_before(period.last_day), period.last_day)
	if over is Over.TO_END:
		return Span(None, period.last_day)
	if over is Over.TO_BEFORE:
		return Span(None, period.start - timedelta(days=1))
	return Span(period.start, period.last_day)


def lag_of(fact: str, reading: Reading) -> int:
	"""Months by which the rows of a fact count later than on their own day."""
	return reading.settings.acquisition_lag_months if fact == "acquisition_cost" else 0


def before_lag(day: date, lag: int) -> date:
	"""A day early enough that no row of an earlier one counts from `day` on; months are of 31 days at most."""
	return day - timedelta(days=31 * lag + 3) if lag else day


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
	"""The sums of one detail by day and leaf, as arrays of equal length; `value` in those of a distribution.

	Days before the first that is told apart stand together on the day before it.
	"""

	day: Any
	leaf: Any
	quantity: Any
	total: Any
	estimated: Any
	rows: Any
	value: Any

	def where(self, chosen: Any) -> Rows:
		"""Those that a mask chooses."""
		return Rows(*(getattr(self, column.name)[chosen] for column in fields(self)))

	def joined(self, other: Rows) -> Rows:
		"""These and others."""
		import numpy as np

		names = (column.name for column in fields(self))
		return Rows(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


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
	keeper: Keeper | None = None
	loaded: dict[Detail, Rows] = field(default_factory=dict)
	leaves: dict[str, int] = field(default_factory=dict)
	membership: Any = None
	_totals: dict[Term, Any] = field(default_factory=dict)

	def load(self, totals: Iterable[Total], distributions: Iterable[Distribution]) -> None:
		"""Read what the formulas need: from kept sums what is kept, all else by one statement for each family of facts."""
		statements: dict[tuple[str, Missing | None], list[Need]] = {}
		needs = list(self._needs(totals, distributions))
		kept = self._kept(needs) if self.keeper else {}
		for need in needs:
			missing = None
			if need.detail in kept:
				missing = kept[need.detail].missing
				self.loaded[need.detail] = self._rows_of_kept(kept[need.detail], need)
				if not missing:
					continue
			fact = self.facts[need.detail.fact]
			family = fact.family.members[0] if fact.family else fact.name
			statements.setdefault((family, missing), []).append(need)
		if self._tells_people() and any(
			self.facts[need.detail.fact].credit in (CreditRule.SALES_TEAM, CreditRule.ACCOUNT_MANAGER)
			for (_, missing), together in statements.items()
			for need in together
			if missing is None
		):
			# A second look at every document is spared where somebody has told which few need it.
			self.reading = self.reading.narrowed(uneven_teams=uneven_teams(self.source, self.reading))
		for (_, missing), together in statements.items():
			for need, rows in self._read(together, missing or Missing()):
				mine = self.loaded.get(need.detail)
				self.loaded[need.detail] = mine.joined(rows) if mine else rows

	def _tells_people(self) -> bool:
		return LEAF[self.by] == "sales_person" or "sales_person" in self.reading.only

	def _kept(self, needs: Sequence[Need]) -> dict[Detail, Kept]:
		"""What is kept of each need, if anything is."""
		assert self.keeper is not None
		by_series: dict[tuple[str, bool], list[Need]] = {}
		for need in needs:
			by_series.setdefault((need.detail.fact, need.detail.with_life), []).append(need)
		wanted = {key: self._wanted(key, together) for key, together in by_series.items()}
		found = self.keeper.kept(wanted.values(), self.reading, LEAF[self.by] or "")
		return {
			need.detail: found[wanted[key]]
			for key, together in by_series.items()
			if wanted[key] in found
			for need in together
		}

	def _wanted(self, key: tuple[str, bool], needs: Sequence[Need]) -> Wanted:
		singly = any(need.singly for need in needs)
		all_singly = any(need.singly and need.from_beginning for need in needs)
		last = min(self.periods[-1].last_day, self.reading.as_of)
		if any(need.detail.cohort for need in needs):
			last = self.reading.as_of
		return Wanted(
			*key,
			# Sums of whole months hold days to come: those of the day of reading's month are told apart.
			first=None if all_singly else min(self.reading.as_of, *(need.first_exact for need in needs)),
			last=last,
			from_beginning=any(need.from_beginning for need in needs),
			singly=singly,
		)

	def _rows_of_kept(self, kept: Kept, need: Need) -> Rows:
		"""The sums of one need out of what is kept, as a statement would give them."""
		import numpy as np

		detail, exact, early = need.detail, kept.exact, kept.early
		last = number_of(min(self.periods[-1].last_day, self.reading.as_of))
		as_of, first = number_of(self.reading.as_of), number_of(need.first_exact)
		day = exact.since if detail.cohort else exact.day
		chosen = (exact.day <= as_of) & (
			day <= (number_of(self.periods[-1].last_day) if detail.cohort else last)
		)
		if not need.from_beginning:
			chosen &= day >= first
		# What takes something back is negative throughout: a single amount has the sign of its row.
		each = exact.amount * exact.rows if kept.single else exact.amount
		gap = exact.day.astype(np.int64) - exact.since
		if detail.cohort or detail.of is Of.GAP:
			chosen &= exact.since != NEVER
		if detail.cohort:
			chosen &= gap <= self.reading.settings.conversion_window_days
		if detail.at_least is not None:
			chosen &= each >= detail.at_least - 10**-_DUST
		if detail.above is not None:
			chosen &= each > detail.above
		measured = np.zeros(len(exact)) if detail.of is None else gap if detail.of is Of.GAP else each
		total = exact.quantity * each if detail.weighted else exact.amount
		names = list(dict.fromkeys((*exact.leaves, *early.leaves)))
		place = {name: number for number, name in enumerate(names)}
		found = Rows(
			day=np.maximum(day[chosen], first - 1).astype("datetime64[D]"),
			leaf=_renumbered(exact.leaves, place)[exact.leaf[chosen]],
			quantity=exact.quantity[chosen],
			total=total[chosen],
			estimated=exact.estimated[chosen],
			rows=exact.rows[chosen].astype(float),
			value=measured[chosen].astype(float),
		)
		if need.from_beginning and len(early):
			found = found.joined(
				Rows(
					day=np.full(len(early), first - 1).astype("datetime64[D]"),
					leaf=_renumbered(early.leaves, place)[early.leaf],
					quantity=early.quantity,
					total=early.amount,
					estimated=early.estimated,
					rows=early.rows.astype(float),
					value=np.zeros(len(early)),
				)
			)
		# A name of which all rows are taken back isn't there.
		is_left = np.bincount(found.leaf, weights=found.rows, minlength=max(len(names), 1)) > 0
		found = found.where(is_left[found.leaf])
		left = {
			name: self.leaves.setdefault(name, len(self.leaves)) for name in names if is_left[place[name]]
		}
		return replace(found, leaf=_renumbered(names, left)[found.leaf])

	def _needs(self, totals: Iterable[Total], distributions: Iterable[Distribution]) -> Iterable[Need]:
		needs: dict[Detail, Need] = {}
		asked = [(self._detail(term), term.over) for total in totals for _, term in total.terms]
		asked += [(_of(distribution), distribution.over) for distribution in distributions]
		for detail, over in asked:
			need = needs.setdefault(detail, Need(detail))
			first = self.periods[0].start
			if over in (Over.TO_END, Over.TO_BEFORE):
				need.from_beginning = True
			elif over is Over.YEAR:
				first = min(year_before(self.periods[0].last_day), first)
			lag = lag_of(detail.fact, self.reading)
			need.first_exact = min(need.first_exact, before_lag(first, lag))
		return needs.values()

	def _detail(self, term: Term) -> Detail:
		"""The rows that a term sums; a distinction that makes no difference in these settings is left out."""
		with_life = term.with_life and bool(self.reading.settings.not_one_customer)
		return Detail(term.fact, with_life, term.cohort, term.at_least, term.above, term.weighted)

	def _read(self, needs: list[Need], part: Missing) -> Iterator[tuple[Need, Rows]]:
		"""The sums of several needs by one statement: needs that differ only in the fact are summed together.

		part: which days or entities are read, if not all.
		"""
		alike: dict[Detail, list[Need]] = {}
		for need in needs:
			alike.setdefault(replace(need.detail, fact=""), []).append(need)
		statement = self.reading.statement()
		parts = [self._summed(same, number, statement, part) for number, same in enumerate(alike.values())]
		union = reduce(lambda one, other: one.union_all(other), parts)
		frame = self.source.run(statement.shared.complete(union))
		for number, same in enumerate(alike.values()):
			for need in same:
				mine = (frame["need"] == number) & (frame["which"] == self._place(need.detail.fact))
				yield need, self._rows(frame[mine], need)

	def _place(self, name: str) -> int:
		"""The number of a fact in its family."""
		family = self.facts[name].family
		return family.members.index(name) if family else 0

	def _summed(self, needs: list[Need], number: int, statement: Reading, part: Missing) -> Any:
		"""The sums of details that differ only in the fact, by day and leaf, as a part of a statement.

		The column `need` tells the parts apart, and `which` the facts of a family.
		"""
		detail, dialect = needs[0].detail, self.reading.dialect
		first_exact = min(need.first_exact for need in needs)
		from_beginning = any(need.from_beginning for need in needs)
		first = None if from_beginning else first_exact
		last = min(self.periods[-1].last_day, self.reading.as_of)
		leaf = LEAF[self.by]
		reading = statement.narrowed(
			day=Span(None, self.reading.as_of) if detail.cohort else Span(first, last),
			since=Span(first, self.periods[-1].last_day) if detail.cohort else Span(),
			dimensions=frozenset({leaf} if leaf else ()) | frozenset(self.reading.only),
			with_life=detail.with_life,
		)
		fact = self.facts[detail.fact]
		rows = (fact.family or fact).rows(part.of(reading)).as_("row")
		query, gap = Query.from_(rows), dialect.days_between(rows.since, rows.day)
		if fact.family:
			query = query.where(rows.which.isin([self._place(need.detail.fact) for need in needs]))
		day = rows.since if detail.cohort else rows.day
		if detail.cohort:
			query = query.where(gap <= self.reading.settings.conversion_window_days)
		if detail.at_least is not None:
			# The mean of ratings is a float that may fall short of a threshold by its dust.
			query = query.where(rows.amount >= detail.at_least - 10**-_DUST)
		if detail.above is not None:
			query = query.where(rows.amount > detail.above)
		keys = {
			"on_day": dialect.later(day, Bound(first_exact - timedelta(days=1))) if from_beginning else day
		}
		if leaf:
			keys["leaf"] = rows[leaf]
		if detail.of is not None:
			keys["measured"] = gap if detail.of is Of.GAP else rows.amount
		# Keys are named before they are grouped by: an expression with a parameter is never the same one again.
		given = {"leaf": Bound(""), "measured": ValueWrapper(0)} | keys
		keyed = query.select(
			*(given[name].as_(name) for name in ("on_day", "leaf", "measured")),
			(rows.which if fact.family else ValueWrapper(0)).as_("which"),
			rows.quantity,
			(rows.quantity * rows.amount if detail.weighted else rows.amount).as_("total"),
			rows.estimated,
		).as_("keyed")
		names = [keyed[name] for name in ("which", "on_day", "leaf", "measured")]
		return (
			Query.from_(keyed)
			.groupby(*names)
			.select(
				ValueWrapper(number).as_("need"),
				*names,
				Sum(keyed.quantity).as_("quantity"),
				Sum(keyed.total).as_("total"),
				Sum(keyed.estimated).as_("estimated"),
				Count("*").as_("rows"),
			)
		)

	def _rows(self, frame: Any, need: Need) -> Rows:
		import numpy as np

		def numbers(name: str) -> Any:
			return frame[name].to_numpy(dtype=float, na_value=0.0) if len(frame) else np.zeros(0)

		names = frame["leaf"].tolist()
		codes = np.fromiter(
			(self.leaves.setdefault(str(name), len(self.leaves)) for name in names),
			dtype=np.intp,
			count=len(names),
		)
		return Rows(
			day=months_later(as_days(frame["on_day"]), lag_of(need.detail.fact, self.reading)),
			leaf=codes,
			quantity=numbers("quantity"),
			total=numbers("total"),
			estimated=numbers("estimated"),
			rows=numbers("rows"),
			value=numbers("measured"),
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

		figures = sum(sign * self._term(term) for sign, term in total.terms)
		summed = figures @ self.membership
		# What cancels is 0; what is small is not rounded away, or a ratio of small sums would be off.
		clean: Figures = np.where(np.abs(summed) < 10**-_DUST, 0.0, np.round(summed, _DIGITS))
		return clean

	def exists(self, facts: tuple[str, ...]) -> Figures:
		"""1 where there is any row of the facts, else 0."""
		import numpy as np

		rows = sum(self._term(Term(name, "rows")) for name in facts)
		found: Figures = np.minimum(rows @ self.membership, 1.0)
		return found

	def quantile(self, distribution: Distribution, at: float) -> tuple[Figures, Figures]:
		"""Weighted quantile and total weight for each period and scope."""
		import numpy as np

		group, values, weights, shape = self._each(distribution)
		value, weight = weighted_quantiles(group, values, weights, at, shape[0] * shape[1])
		rounded: Figures = np.round(weight, _DIGITS).reshape(shape)
		return value.reshape(shape), rounded

	def mean(self, distribution: Distribution) -> tuple[Figures, Figures]:
		"""Weighted mean and total weight for each period and scope."""
		import numpy as np

		group, values, weights, shape = self._each(distribution)
		mean, weight = np.full(shape[0] * shape[1], np.nan), np.zeros(shape[0] * shape[1])
		order = np.argsort(group, kind="stable")
		found, first = np.unique(group[order], return_index=True)
		for number, members in zip(found, np.split(order, first[1:])):
			whole = weights[members].sum()
			if whole > 0:
				mean[number], weight[number] = np.dot(values[members], weights[members]) / whole, whole
		return mean.reshape(shape), np.round(weight, _DIGITS).reshape(shape)

	def _each(self, distribution: Distribution) -> tuple[Any, Any, Any, tuple[int, int]]:
		"""The single values of a distribution and their weights, each with the number of its period and scope.

		Told as well are the numbers of periods and of scopes: a number is period × scopes + scope. A value stands in
		every period and scope that it belongs to.
		"""
		import numpy as np

		rows = self.loaded[_of(distribution)]
		scopes = self.membership.shape[1]
		period, row = self._by_days(rows.day, distribution.over)
		of_leaf, scope = np.nonzero(self.membership)
		count = np.bincount(of_leaf, minlength=len(self.membership))
		first, times = np.cumsum(count) - count, count[rows.leaf[row]]
		# A leaf's scopes stand together, from the first one of it on.
		nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
		row, period = np.repeat(row, times), np.repeat(period, times)
		group = period * scopes + scope[first[rows.leaf[row]] + nth]
		return group, rows.value[row], rows.quantity[row], (len(self.periods), scopes)

	def _by_days(self, day: Any, over: Over) -> tuple[Any, Any]:
		"""Numbers of periods and of the rows that are summed for them, in the order of both.

		Days of one period may be those of others as well.
		"""
		import numpy as np

		order = np.argsort(day, kind="stable")
		days, found = day[order], []
		for period in self.periods:
			first, last = self._days(period, over)
			within = slice(np.searchsorted(days, first), np.searchsorted(days, last, side="right"))
			found.append(np.sort(order[within]))
		numbers = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
		return numbers, np.concatenate(found)

	@staticmethod
	def _days(period: Period, over: Over) -> tuple[Any, Any]:
		import numpy as np

		span = days_of(period, over)
		return np.datetime64(span.first or date.min, "D"), np.datetime64(span.last or date.max, "D")

	def _term(self, term: Term) -> Any:
		"""One term for each period and leaf."""
		if term not in self._totals:
			rows = self.loaded[self._detail(term)]
			measured = {
				"quantity": rows.quantity, "amount": rows.total, "estimated": rows.estimated, "rows": rows.rows,
			}[term.measure]  # fmt: skip
			self._totals[term] = self._by_period(rows.day, rows.leaf, measured, term.over)
		return self._totals[term]

	def _by_period(self, day: Any, leaf: Any, measured: Any, over: Over) -> Any:
		"""Sum by period and leaf.

		Periods follow one another without a gap. Sums from the beginning are running sums; others are summed by
		themselves, so that a large past leaves no dust in a small period.
		"""
		import numpy as np

		count, leaves = len(self.periods), max(len(self.leaves), 1)

		def summed(place: Any, leaf: Any, measured: Any, places: int) -> Any:
			cells = np.bincount(place * leaves + leaf, weights=measured, minlength=places * leaves)
			return cells.reshape(places, leaves)

		if over is Over.YEAR:
			period, row = self._by_days(day, over)
			return summed(period, leaf[row], measured[row], count)
		starts = np.array([period.start for period in self.periods], dtype="datetime64[D]")
		place = np.searchsorted(starts, day, side="right")
		place[day > np.datetime64(self.periods[-1].last_day, "D")] = count + 1
		sums = summed(place, leaf, measured, count + 2)
		if over is Over.PERIOD:
			return sums[1 : count + 1]
		running = np.cumsum(sums[: count + 1], axis=0)
		return running[1:] if over is Over.TO_END else running[:-1]


def _renumbered(names: Sequence[str], numbers: Mapping[str, int]) -> Any:
	"""The number of each name, 0 for those without one."""
	import numpy as np

	return np.array([numbers.get(name, 0) for name in names] or [0], dtype=np.intp)


def _of(distribution: Distribution) -> Detail:
	"""The rows that a distribution is taken of."""
	return Detail(distribution.fact, of=distribution.of)


def as_days(column: Any) -> np.ndarray[Any, Any]:
	"""A column of dates or ISO texts as `datetime64[D]`."""
	import numpy as np
	import pandas as pd

	return np.asarray(pd.to_datetime(column).to_numpy()).astype("datetime64[D]")


def weighted_quantiles(group: Any, values: Any, weights: Any, at: float, groups: int) -> tuple[Any, Any]:
	"""The weighted quantile of the values in each of so many groups, and their total weights.

	The first of a group's distinct values, ascending, at which the cumulated weight reaches the share `at` of the sum of
	weights; where it reaches it exactly, the mean of that value and the next. Values of weight 0 or less don't count.
	Without any: NaN and 0.
	"""
	import numpy as np

	quantile: Any = np.full(groups, np.nan)
	whole: Any = np.zeros(groups)
	distinct, rank = np.unique(values, return_inverse=True)
	keys, place = np.unique(group * max(len(distinct), 1) + rank, return_inverse=True)
	summed = np.bincount(place, weights=weights, minlength=len(keys))
	keys, summed = keys[summed > 10**-_DUST], summed[summed > 10**-_DUST]
	if not len(keys):
		return quantile, whole
	of, rank = np.divmod(keys, len(distinct))
	whole = np.bincount(of, weights=summed, minlength=groups)
	found, first = np.unique(of, return_index=True)
	last = np.append(first[1:], len(of)) - 1
	cumulated = np.cumsum(summed)
	cumulated -= np.repeat(cumulated[first] - summed[first], last - first + 1)
	wanted, tie = at * whole[found], _TIE * whole[found]
	reaches = cumulated >= np.repeat(wanted - tie, last - first + 1)
	# The last value reaches the whole, whatever dust the sum of all groups leaves.
	reaches[last] = True
	reaching = np.flatnonzero(reaches)
	reached = reaching[np.searchsorted(reaching, first)]
	value = distinct[rank[reached]]
	following = distinct[rank[np.minimum(reached + 1, last)]]
	exact = np.abs(cumulated[reached] - wanted) <= tie
	quantile[found] = np.where(exact & (reached < last), (value + following) / 2, value)
	return quantile, whole
