"""Trend watch: which KPIs of whom leave their usual course, told by rules that don't cry at every up and down.

Two looks at each series of whole periods. A process behaviour chart (XmR) tells whether the last periods are unlike the
others, and the Mann-Kendall test whether there is a trend, with the Theil-Sen slope for its size. From two years on the
season is taken out. Where many series are looked at, some alarm by chance: both looks are corrected for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from sales_kpi import catalogue
from sales_kpi.analysis.inquiry import LEAF, Analysis, Inquiry
from sales_kpi.analysis.masters import Node
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.targets import is_additive
from sales_kpi.analysis.values import Question, Scope, Sight, Value, compute
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Every

LEAST = 6
"""From how many values on a series is judged (golden G19 of the field survey)."""

ALPHA = 0.05
"""The share of false alarms that is put up with."""

SEASONS: Mapping[Every, int] = {Every.DAY: 7, Every.WEEK: 52, Every.MONTH: 12, Every.QUARTER: 4}
"""After how many periods a season begins again."""

_LIMIT = 2.66
"""Control limits lie so many mean moving ranges from the mean: 3 / 1.128 (Wheeler, Understanding Variation)."""

_DEVIATION = 1.128
"""The mean moving range of normal values in standard deviations."""

_EXACT = 60
"""Up to so many values of a season the distribution of S is counted out; beyond, it is normal enough."""

_DUST = 1e-9
"""By which share of the largest value two values may differ for the dust of floats alone."""

SILENT = 3
"""Who has nothing in so many periods isn't watched."""

CHARTS, SENTENCES = 3, 10
"""How many series are drawn and told in words at most."""

DIMENSIONS = frozenset({By.COMPANY, By.SALES_PERSON, By.TEAM, By.TERRITORY, By.SOURCE})


# Control limits


@dataclass(frozen=True)
class Limits:
	"""Control limits of a series, in its unit. moving_range: the mean step, whatever its direction."""

	mean: float
	moving_range: float
	lower: float
	upper: float

	@property
	def deviation(self) -> float:
		"""The standard deviation that the moving range stands for."""
		return self.moving_range / _DEVIATION


def control_limits(values: Sequence[float], lost: int = 0) -> Limits:
	"""The XmR limits of at least two values: mean ± 2.66 × mean moving range.

	lost: degrees of freedom that went into taking a season out, for which the range is widened by √(n / (n − lost)).
	Source: golden G19 of the field survey, after Wheeler.
	"""
	count = len(values)
	mean = math.fsum(values) / count
	steps = [abs(later - earlier) for earlier, later in pairwise(values)]
	moving = math.fsum(steps) / len(steps) if steps else 0.0
	if moving <= _DUST * max(abs(value) for value in values):
		moving = 0.0
	if 0 < lost < count:
		moving *= math.sqrt(count / (count - lost))
	return Limits(mean, moving, mean - _LIMIT * moving, mean + _LIMIT * moving)


class Rule(Enum):
	"""The usual run rules (Western Electric 1956, Nelson 1984) by which the last values are unlike the others."""

	BEYOND_LIMITS = "beyond the control limits"
	TWO_OF_THREE = "two of three beyond two standard deviations"
	FOUR_OF_FIVE = "four of five beyond one standard deviation"
	ONE_SIDE = "eight in a row on one side of the mean"
	ONE_WAY = "six in a row in one direction"


@dataclass(frozen=True)
class Signal:
	"""A rule that the last value fires.

	is_up: whether the values are high or rising. count: of the values that it rests on. chance: how probable it is that
	some value fires it like this though nothing has changed, were the values normal and independent.
	"""

	rule: Rule
	is_up: bool
	count: int
	chance: float


def signals(values: Sequence[float], limits: Limits) -> list[Signal]:
	"""The rules that fire at the last of the values, the least probable by chance first; none for a constant series."""
	if not limits.deviation or not values:
		return []
	from scipy import stats  # type: ignore[import-untyped]

	found = []
	apart = [(value - limits.mean) / limits.deviation for value in values]
	if not limits.lower <= values[-1] <= limits.upper:
		chance = 2 * float(stats.t.sf(abs(apart[-1]), max(len(values) - 1, 1)))
		found.append(Signal(Rule.BEYOND_LIMITS, apart[-1] > 0, 1, chance))
	for is_up in (True, False):
		ways = [value if is_up else -value for value in apart]
		for rule, few, of, far, chance in _CLUSTERS:
			if len(ways) >= of and ways[-1] > far and sum(way > far for way in ways[-of:]) >= few:
				found.append(Signal(rule, is_up, of, chance))
		same_side = _last_while(way > 0 for way in reversed(ways))
		if same_side >= 8:
			found.append(Signal(Rule.ONE_SIDE, is_up, same_side, 2 * 0.5**same_side))
	is_up, moves = run(values)
	if moves >= 5:
		found.append(Signal(Rule.ONE_WAY, is_up, moves + 1, 2 / math.factorial(moves + 1)))
	return sorted(found, key=lambda signal: signal.chance)


_CLUSTERS = (
	(Rule.TWO_OF_THREE, 2, 3, 2.0, 0.0031),
	(Rule.FOUR_OF_FIVE, 4, 5, 1.0, 0.0055),
)
"""Rule, how many of how many values, beyond how many deviations on one side, and how often that is chance."""


def run(values: Sequence[float]) -> tuple[bool, int]:
	"""Whether the last values rise, and for how many steps in a row they went that way; (False, 0) where none did."""
	if len(values) < 2:
		return False, 0
	dust = _DUST * max(abs(value) for value in values)
	steps = [later - earlier for earlier, later in pairwise(values)]
	is_up = steps[-1] > dust
	moves = _last_while((step > dust) if is_up else (step < -dust) for step in reversed(steps))
	return is_up and moves > 0, moves


def _last_while(conditions: Iterable[bool]) -> int:
	count = 0
	for holds in conditions:
		if not holds:
			break
		count += 1
	return count


# Mann-Kendall and Theil-Sen


@dataclass(frozen=True)
class MannKendall:
	"""The Mann-Kendall test. s: rising pairs less falling ones. p: two-sided. z: the normal score, None without spread."""

	s: int
	p: float
	z: float | None


def mann_kendall(values: Sequence[float | None], season: int = 1) -> MannKendall:
	"""The test for a trend in one direction.

	values: of periods that follow one another, None where there is none. season: for the seasonal test (Hirsch, Slack &
	Smith 1982), after how many values the season begins again: only values of the same time of year are compared. The
	p-value is exact, ties included: S is the number of pairs that differ less twice the inversions, whose distribution
	over all orders is the Gaussian multinomial coefficient. Above 60 values in a season, it is the normal one with the
	correction for ties and continuity (Kendall 1975). Values are taken to be independent of one another. Source: golden
	G19 of the field survey.
	"""
	groups = _groups(values, season)
	s, variance = 0, 0.0
	for group in groups:
		s += _score(group)
		variance += _variance(len(group), _ties(group))
	if variance <= 0:
		return MannKendall(s, 1.0, None)
	z = (s - (1 if s > 0 else -1)) / math.sqrt(variance) if s else 0.0
	if any(len(group) > _EXACT for group in groups):
		return MannKendall(s, min(1.0, math.erfc(abs(z) / math.sqrt(2))), z)
	shapes = tuple(sorted((len(group), _ties(group)) for group in groups))
	return MannKendall(s, _exact(shapes, abs(s)), z)


def _groups(values: Sequence[float | None], season: int) -> list[list[float]]:
	"""The known values of each time of the year."""
	step = max(season, 1)
	parts = [[value for value in values[place::step] if value is not None] for place in range(step)]
	return [part for part in parts if len(part) > 1]


def _score(values: Sequence[float]) -> int:
	dust = _DUST * max(abs(value) for value in values)
	return sum(
		int(later - earlier > dust) - int(later - earlier < -dust)
		for place, earlier in enumerate(values)
		for later in values[place + 1 :]
	)


def _ties(values: Sequence[float]) -> tuple[int, ...]:
	"""How many values are alike, for each value that occurs more than once."""
	dust = _DUST * max(abs(value) for value in values)
	sizes: list[int] = []
	before: float | None = None
	for value in sorted(values):
		if before is not None and value - before <= dust:
			sizes[-1] += 1
		else:
			sizes.append(1)
		before = value
	return tuple(sorted(size for size in sizes if size > 1))


def _variance(count: int, ties: tuple[int, ...]) -> float:
	whole = count * (count - 1) * (2 * count + 5)
	return (whole - sum(size * (size - 1) * (2 * size + 5) for size in ties)) / 18


@lru_cache(maxsize=4096)
def _exact(shapes: tuple[tuple[int, tuple[int, ...]], ...], s: int) -> float:
	"""The share of all orders whose |S| is at least s."""
	orders, pairs = [1], 0
	for count, ties in shapes:
		orders = _product(orders, _inversions(count, ties))
		pairs += math.comb(count, 2) - sum(math.comb(size, 2) for size in ties)
	extreme = sum(number for inversions, number in enumerate(orders) if abs(pairs - 2 * inversions) >= s)
	return extreme / sum(orders)


@lru_cache(maxsize=1024)
def _inversions(count: int, ties: tuple[int, ...]) -> tuple[int, ...]:
	"""In how many orders of so many values there are 0, 1, 2… inversions: [n]! / Π [t]! in Gauss's q-numbers."""
	orders = [1]
	for size in range(2, count + 1):
		orders = _product(orders, [1] * size)
	for tied in ties:
		for size in range(2, tied + 1):
			# Divided by 1 + q + … + q^(size − 1) = (1 − q^size) / (1 − q).
			quotient: list[int] = []
			for place in range(len(orders) - size + 1):
				number = orders[place] - (orders[place - 1] if place else 0)
				quotient.append(number + (quotient[place - size] if place >= size else 0))
			orders = quotient
	return tuple(orders)


def _product(one: Sequence[int], other: Sequence[int]) -> list[int]:
	product = [0] * (len(one) + len(other) - 1)
	for place, number in enumerate(one):
		for further, times in enumerate(other):
			product[place + further] += number * times
	return product


def theil_sen(values: Sequence[float | None], season: int = 1) -> float | None:
	"""The median slope of all pairs, per period; with a season, of pairs from the same time of the year.

	None where no pair is. Source: Sen 1968; golden G19 of the field survey; for seasons Hirsch, Slack & Smith 1982.
	"""
	import numpy as np

	slopes = [
		(later - earlier) / gap
		for place, earlier in enumerate(values)
		if earlier is not None
		for gap in range(max(season, 1), len(values) - place, max(season, 1))
		if (later := values[place + gap]) is not None
	]
	return float(np.median(slopes)) if slopes else None


def deseasonalised(
	values: Sequence[float | None], season: int, multiplicative: bool = False
) -> list[float | None] | None:
	"""The values without their season; None where there is less than two of every time of the year.

	The season is what a regression on a line and the time of the year says of the latter, centred; multiplicative: on
	logarithms, for values above 0.
	"""
	import numpy as np

	known = [place for place, value in enumerate(values) if value is not None]
	if season < 2 or any(sum(place % season == time for place in known) < 2 for time in range(season)):
		return None
	numbers = np.array([values[place] for place in known], dtype=float)
	if multiplicative:
		numbers = np.log(numbers)
	design = np.zeros((len(known), season + 1))
	design[np.arange(len(known)), [place % season for place in known]] = 1.0
	design[:, season] = np.array(known, dtype=float) - np.mean(known)
	solution = np.linalg.lstsq(design, numbers, rcond=None)[0]
	season_of = solution[:season] - solution[:season].mean()
	left = numbers - season_of[[place % season for place in known]]
	if multiplicative:
		left = np.exp(left)
	found: list[float | None] = [None] * len(values)
	for place, number in zip(known, left.tolist(), strict=True):
		found[place] = number
	return found


def corrected(chances: Sequence[float]) -> list[float]:
	"""p-values corrected for looking at so many (Benjamini & Hochberg 1995, false discovery rate), in their order."""
	if not chances:
		return []
	from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

	return [float(p) for p in multipletests(chances, method="fdr_bh")[1]]


# One series


class Verdict(Enum):
	"""What is told of a series."""

	TREND = "trend"
	UNUSUAL = "unusual"
	USUAL = "as usual"
	CONSTANT = "constant"
	TOO_SHORT = "too little history"


@dataclass(frozen=True)
class Course:
	"""How a series went.

	values: as judged, without its season where `season` is above 1; None where a period has none. slope: per period, in
	the KPI's unit. moves: for how many periods in a row it went the way it went last, `is_rising` or not. signals: the
	rules that fire, before any correction.
	"""

	values: tuple[float | None, ...]
	season: int
	limits: Limits
	signals: tuple[Signal, ...]
	test: MannKendall
	slope: float
	is_rising: bool
	moves: int


def course(
	values: Sequence[float | None], season: int = 1, multiplicative: bool = False, least: int = LEAST
) -> Course | None:
	"""How a series went; None with fewer than `least` values.

	season: after how many values it begins again; it is taken out from two rounds on. multiplicative: whether the season
	multiplies, which takes values above 0 throughout.
	"""
	known = [value for value in values if value is not None]
	if len(known) < max(least, 2):
		return None
	adjusted = None
	if season > 1 and len(values) >= 2 * season:
		adjusted = deseasonalised(values, season, multiplicative and min(known) > 0)
	used = season if adjusted is not None else 1
	judged = list(values) if adjusted is None else adjusted
	numbers = [value for value in judged if value is not None]
	limits = control_limits(numbers, used - 1)
	is_rising, moves = run(numbers)
	return Course(
		values=tuple(judged),
		season=used,
		limits=limits,
		signals=tuple(signals(numbers, limits)),
		test=mann_kendall(values, used),
		slope=theil_sen(values, used) or 0.0,
		is_rising=is_rising,
		moves=moves,
	)


# Many series


@dataclass(frozen=True)
class Watched:
	"""One KPI of one scope, watched.

	starts: first days of its periods; values: as computed, None where there is none. course: None with too little history.
	p: of the trend, p_corrected: after the correction for the number of series. signal: the rule that fires after such a
	correction, if any. is_trend: whether there is a trend after it.
	"""

	kpi: Kpi
	by: By
	scope: str
	starts: tuple[date, ...]
	values: tuple[float | None, ...]
	course: Course | None = None
	p_corrected: float | None = None
	signal: Signal | None = None
	is_trend: bool = False

	@property
	def verdict(self) -> Verdict:
		"""What is told of it."""
		if self.course is None:
			return Verdict.TOO_SHORT
		if self.is_trend:
			return Verdict.TREND
		if self.signal is not None:
			return Verdict.UNUSUAL
		return Verdict.USUAL if self.course.limits.moving_range else Verdict.CONSTANT

	@property
	def is_alarm(self) -> bool:
		"""Whether there is anything to tell."""
		return self.verdict in (Verdict.TREND, Verdict.UNUSUAL)

	@property
	def is_up(self) -> bool:
		"""Whether it rises, or is higher than usual."""
		if self.course is not None and self.is_trend:
			return self.course.test.s > 0
		return self.signal is not None and self.signal.is_up

	@property
	def is_worse(self) -> bool | None:
		"""Whether what is told of it is bad; None where neither direction is better, or nothing is told."""
		if not self.is_alarm or self.kpi.good is Good.NEITHER:
			return None
		return self.is_up is (self.kpi.good is Good.DOWN)

	@property
	def last(self) -> float | None:
		"""Its last value."""
		return next((value for value in reversed(self.values) if value is not None), None)


def watch(series: Sequence[Watched], season: int = 1, alpha: float = ALPHA) -> list[Watched]:
	"""The series with their courses judged, in their order.

	season: after how many periods it begins again. alpha: which share of the alarms may be false. Trends are corrected
	among themselves and so are signals; a series' signal is its least probable.
	"""
	courses = [course(one.values, season, multiplicative=one.kpi.unit is not Unit.PERCENT) for one in series]
	judged = [place for place, found in enumerate(courses) if found is not None]
	tests = [found.test.p for found in courses if found is not None]
	least = [min((s.chance for s in found.signals), default=1.0) for found in courses if found is not None]
	ps, chances = corrected(tests), corrected(least)
	watched = list(series)
	for number, place in enumerate(judged):
		found = courses[place]
		assert found is not None
		found = replace(found, limits=_bounded(found.limits, series[place].kpi.unit))
		is_trend = ps[number] <= alpha and found.test.s != 0
		signal = found.signals[0] if found.signals and chances[number] <= alpha else None
		watched[place] = replace(
			series[place], course=found, p_corrected=ps[number], signal=signal, is_trend=is_trend
		)
	return watched


def _bounded(limits: Limits, unit: Unit) -> Limits:
	"""Limits within what the unit can have."""
	if unit not in (Unit.COUNT, Unit.PERCENT, Unit.DAYS, Unit.SECONDS) or limits.mean < 0:
		return limits
	upper = limits.upper if unit is not Unit.PERCENT or limits.mean > 1 else min(limits.upper, 1.0)
	return replace(limits, lower=max(limits.lower, 0.0), upper=upper)


def silent(series: Sequence[Watched]) -> list[str]:
	"""The scopes of which nothing was recorded in the last periods: people who have left, channels given up."""
	active: dict[str, bool] = {}
	for one in series:
		if is_additive(one.kpi):
			moved = len(one.values) < SILENT or any(one.values[-SILENT:])
			active[one.scope] = active.get(one.scope, False) or (bool(one.values) and moved)
	return [scope for scope, is_active in active.items() if not is_active and scope]


# Values of an inquiry


def seen(inquiry: Inquiry) -> dict[str, tuple[str, ...]]:
	"""The values that a fact's dimensions may have for this question; {} means all."""
	only = dict(inquiry.reading.only)
	sight = inquiry.sight
	if sight is None:
		return only
	limits = dict(sight.only)
	if not limits and not only and inquiry.by in LEAF:
		# Whoever is given some scopes only, and no other limit, sees no further than these.
		limits[LEAF[inquiry.by]] = tuple(
			dict.fromkeys(leaf for scope in sight.scopes for leaf in scope.leaves)
		)
	for dimension, leaves in limits.items():
		only[dimension] = tuple(leaf for leaf in leaves if leaf in only.get(dimension, leaves))
	return only


def values_of(
	inquiry: Inquiry, kpis: tuple[str, ...] | None, every: Every, first: date, last: date, by: By
) -> list[Value]:
	"""Values of an inquiry's scope, as `compute` gives them; by `By.COMPANY` those of the scope as a whole."""
	only = seen(inquiry)
	sight: Sight | None = None
	if by is By.COMPANY:
		by = inquiry.scope_by
		if by is not By.COMPANY:
			sight = Sight((Scope(inquiry.scope, only[LEAF[by]]),), only)
		elif only:
			sight = Sight((Scope(inquiry.company, ("",)),), only)
	elif inquiry.sight is not None and inquiry.scope_by is By.COMPANY and by is inquiry.by:
		sight = inquiry.sight
	elif only:
		sight = Sight(tuple(_scopes(inquiry, by, only)), only)
	question = Question(
		inquiry.company, first, last, every, by, kpis, as_of=inquiry.as_of, calendar=inquiry.calendar
	)
	return compute(inquiry.source, question, inquiry.settings, inquiry.masters, sight, inquiry.keeper)


def _scopes(inquiry: Inquiry, by: By, only: Mapping[str, tuple[str, ...]]) -> Iterator[Scope]:
	"""The scopes of a kind that lie wholly within what is seen."""
	masters = inquiry.masters
	allowed = only.get(LEAF[by])
	if by is By.SOURCE:
		names = allowed if allowed is not None else (*masters.channels, "")
		yield from (Scope(name, (name,)) for name in names)
		return
	tree: Mapping[str, Node] = masters.territories if by is By.TERRITORY else masters.salespeople
	for name, node in tree.items():
		if node.is_group is (by is By.SALES_PERSON) and by in (By.SALES_PERSON, By.TEAM):
			continue
		leaves = (name,) if by is By.SALES_PERSON else tuple(masters.members(tree, name))
		if allowed is None or set(leaves) <= set(allowed):
			yield Scope(name, leaves)
	if by is not By.TEAM and (allowed is None or "" in allowed):
		yield Scope("", ("",))


def series_of(inquiry: Inquiry, kpis: tuple[str, ...] | None, by: By) -> list[Watched]:
	"""The series of an inquiry's last whole periods: what isn't final yet is left out, and what precedes the records."""
	values = values_of(inquiry, kpis, inquiry.every, inquiry.first, inquiry.last, by)
	return series_from(inquiry, values, by)


def series_from(inquiry: Inquiry, values: Iterable[Value], by: By) -> list[Watched]:
	"""The series that values make, as `series_of` says; salespeople that are disabled are left out."""
	found: dict[tuple[str, str], list[Value]] = {}
	for value in values:
		found.setdefault((value["kpi"], value["scope"]), []).append(value)
	known = catalogue.kpis()
	people = inquiry.masters.salespeople
	series = []
	for (name, scope), of in found.items():
		if by is By.SALES_PERSON and scope in people and not people[scope].enabled:
			continue
		final = [one for one in of if one["complete"]]
		begun = next((place for place, one in enumerate(final) if _is_begun(one)), len(final))
		final = final[begun:]
		while final and final[-1]["value"] is None:
			final.pop()
		series.append(
			Watched(
				known[name],
				by,
				scope,
				tuple(one["period_start"] for one in final),
				tuple(one["value"] for one in final),
			)
		)
	return series


def _is_begun(value: Value) -> bool:
	"""Whether there is anything behind a value: sums are 0 before the records begin."""
	return value["value"] is not None and not (value["value"] == 0 and not value["n"])


# The answer


def kind_of(unit: Unit) -> Kind:
	"""How a KPI's values are written."""
	if unit.is_money:
		return Kind.MONEY
	return {
		Unit.COUNT: Kind.COUNT,
		Unit.PERCENT: Kind.SHARE,
		Unit.DAYS: Kind.DAYS,
		Unit.SECONDS: Kind.SECONDS,
	}.get(unit, Kind.NUMBER)


def chosen_kpis(inquiry: Inquiry) -> tuple[str, ...] | None:
	"""The KPIs that the option `kpi` names, separated by commas, as far as they may be told of; None for all.

	Raises InputError for a name that there isn't.
	"""
	names = [name.strip() for name in inquiry.options.get("kpi", "").split(",") if name.strip()]
	asked = tuple(catalogue.kpi(name).name for name in dict.fromkeys(names))
	if not asked:
		return inquiry.kpis
	return tuple(name for name in asked if may_tell(inquiry, name))


def may_tell(inquiry: Inquiry, *kpis: str) -> bool:
	"""Whether all of these KPIs may be told of."""
	return inquiry.kpis is None or set(kpis) <= set(inquiry.kpis)


def answer(inquiry: Inquiry) -> Outcome:
	"""Every KPI of every scope with what is told of its course, alarms first."""
	season = SEASONS.get(inquiry.every, 1)
	series = series_of(inquiry, chosen_kpis(inquiry), inquiry.by)
	gone = silent(series) if inquiry.by is not By.COMPANY else []
	watched = watch([one for one in series if one.scope not in gone], season)
	order = sorted(watched, key=_urgency)
	kinds = {kind_of(one.kpi.unit) for one in watched}
	kind = kinds.pop() if len(kinds) == 1 else Kind.NUMBER
	alarms = [one for one in order if one.is_alarm]
	single = [one for one in order if one.course is not None] if len(order) == 1 else []
	return Outcome(
		columns=_columns(kind),
		rows=tuple(_row(one) for one in order),
		charts=tuple(_chart(one) for one in (alarms or single)[:CHARTS]),
		notes=tuple(_notes(inquiry, order, alarms, gone)),
	)


def _urgency(one: Watched) -> tuple[bool, bool, float, int, str]:
	places = list(catalogue.kpis())
	least = min(one.p_corrected or 0.0, one.signal.chance if one.signal else 1.0)
	return (
		not one.is_alarm,
		one.is_worse is not True,
		least if one.is_alarm else 0.0,
		places.index(one.kpi.name),
		one.scope,
	)


UNASSIGNED = "Unassigned"

UNITS: Mapping[Unit, str] = {
	Unit.CURRENCY: "money",
	Unit.COUNT: "count",
	Unit.PERCENT: "share, 0 to 1",
	Unit.DAYS: "days",
	Unit.SECONDS: "seconds",
	Unit.RATIO: "times",
	Unit.CURRENCY_PER_DAY: "money a day",
}


def _columns(kind: Kind) -> tuple[Column, ...]:
	return (
		Column("kpi", "KPI", Kind.TEXT),
		Column("scope", "Of Whom or What", Kind.NAME),
		Column("finding", "Finding", Kind.TEXT),
		Column("rule", "Rule", Kind.TEXT),
		Column("periods", "Periods Looked At", Kind.COUNT),
		Column("moves", "Periods in a Row", Kind.COUNT),
		Column("last", "Last Value", kind, unit_in="unit"),
		Column("mean", "Mean", kind, unit_in="unit"),
		Column("lower", "Lower Control Limit", kind, unit_in="unit"),
		Column("upper", "Upper Control Limit", kind, unit_in="unit"),
		Column("slope", "Slope a Period", kind, unit_in="unit"),
		Column("unit", "Unit", Kind.TEXT),
		Column("p", "p of the Trend", Kind.SHARE),
		Column("p_corrected", "p After Correction", Kind.SHARE),
		Column("since", "Since", Kind.DAY),
	)


def _row(one: Watched) -> dict[str, Cell]:
	found = one.course
	row: dict[str, Cell] = {
		"kpi": one.kpi.title,
		"scope": one.scope,
		"finding": finding_of(one),
		"rule": _rule_of(one),
		"periods": sum(value is not None for value in one.values),
		"moves": None,
		"last": one.last,
		"mean": None,
		"lower": None,
		"upper": None,
		"slope": None,
		"unit": UNITS[one.kpi.unit],
		"p": None,
		"p_corrected": None,
		"since": one.starts[0] if one.starts else None,
	}
	if found is not None:
		row |= {
			"moves": found.moves,
			"mean": found.limits.mean,
			"lower": found.limits.lower,
			"upper": found.limits.upper,
			"slope": found.slope,
			"p": found.test.p,
			"p_corrected": one.p_corrected,
		}
	return row


def finding_of(one: Watched) -> str:
	"""What is told of a series, in words."""
	if one.verdict is Verdict.TREND:
		if one.is_worse is None:
			return "Rising" if one.is_up else "Falling"
		return "Getting worse" if one.is_worse else "Getting better"
	if one.verdict is Verdict.UNUSUAL:
		if one.is_worse is None:
			return "Higher than usual" if one.is_up else "Lower than usual"
		return "Worse than usual" if one.is_worse else "Better than usual"
	return {Verdict.USUAL: "As usual", Verdict.CONSTANT: "Constant"}.get(one.verdict, "Too little history")


RULES: Mapping[Rule, str] = {
	Rule.BEYOND_LIMITS: "Beyond the control limits",
	Rule.TWO_OF_THREE: "Two of three beyond two standard deviations",
	Rule.FOUR_OF_FIVE: "Four of five beyond one standard deviation",
	Rule.ONE_SIDE: "Eight or more in a row on one side of the mean",
	Rule.ONE_WAY: "Six or more in a row in one direction",
}


def _rule_of(one: Watched) -> Cell:
	if one.verdict is Verdict.TREND:
		seasonal = one.course is not None and one.course.season > 1
		return "Mann-Kendall test by season" if seasonal else "Mann-Kendall test"
	return RULES[one.signal.rule] if one.signal is not None and one.is_alarm else None


def _chart(one: Watched) -> Chart:
	found = one.course
	assert found is not None
	count = len(one.values)
	lines = [Series(one.kpi.title, one.values)]
	if found.season > 1:
		lines.append(Series("Without the season", found.values))
	limits = found.limits
	for title, value in (
		("Mean", limits.mean), ("Lower Control Limit", limits.lower), ("Upper Control Limit", limits.upper),
	):  # fmt: skip
		lines.append(Series(title, (value,) * count))
	return Chart(one.kpi.title, Shape.LINE, kind_of(one.kpi.unit), one.starts, tuple(lines))


def _notes(
	inquiry: Inquiry, order: Sequence[Watched], alarms: Sequence[Watched], gone: Sequence[str]
) -> Iterator[Note]:
	judged = [one for one in order if one.course is not None]
	short = len(order) - len(judged)
	if not order:
		yield Note("None of these KPIs is measured here.", is_warning=True)
		return
	if not judged:
		yield Note(
			"There is too little history to watch: it takes {needed} periods that are over and final. Choose a longer "
			"range or shorter periods.",
			{"needed": LEAST},
			is_warning=True,
		)
		return
	for one in alarms[:SENTENCES]:
		yield sentence(one, inquiry.every)
	if len(alarms) > SENTENCES:
		yield Note("{more} further findings are in the table.", {"more": len(alarms) - SENTENCES})
	if not alarms:
		yield Note(
			"Nothing leaves its usual course, as far as {series} series tell.", {"series": len(judged)}
		)
	if short:
		yield Note(
			"Too little history for {short} series: each takes {needed} periods that are over and final.",
			{"short": short, "needed": LEAST},
		)
	if gone:
		yield Note(
			"Without anything in the last {periods} periods, and so left out: {names}.",
			{"periods": SILENT, "names": ", ".join(gone)},
		)
	if len(judged) > 1:
		yield Note(
			"Where so many series are looked at, some alarm by chance: the rules and tests are corrected so that of all "
			"alarms about {alpha} are false.",
			{"alpha": ALPHA},
			{"alpha": Kind.SHARE},
		)
	if any(one.course is not None and one.course.season > 1 for one in judged):
		yield Note("From two years on the season is taken out: limits and rules hold for what is left.")
	elif SEASONS.get(inquiry.every, 1) > 1:
		yield Note(
			"With less than two rounds of the season nothing can be said of it: some of this may be season."
		)


def sentence(one: Watched, every: Every) -> Note:
	"""What is told of an alarm, as a sentence with its rule."""
	found = one.course
	assert found is not None
	kind = kind_of(one.kpi.unit)
	values: dict[str, Cell] = {"kpi": one.kpi.title, "scope": one.scope or UNASSIGNED}
	kinds = {"kpi": Kind.TEXT} | ({} if one.scope else {"scope": Kind.TEXT})
	goes_on = found.moves >= 3 and found.is_rising is one.is_up
	way = (
		("rise" if one.is_up else "fall") if one.is_worse is None else ("worse" if one.is_worse else "better")
	)
	if goes_on and (one.is_trend or (one.signal is not None and one.signal.rule is Rule.ONE_WAY)):
		values |= {"moves": found.moves, "last": one.last}
		return Note(_IN_A_ROW[way][every], values, kinds | {"last": kind})
	if one.is_trend:
		values |= {
			"periods": sum(value is not None for value in one.values),
			"slope": abs(found.slope),
			"p": one.p_corrected,
		}
		return Note(_TREND[way], values, kinds | {"slope": kind, "p": Kind.SHARE})
	assert one.signal is not None
	known = [value for value in found.values if value is not None]
	values |= {
		"last": known[-1],
		"mean": found.limits.mean,
		"lower": found.limits.lower,
		"upper": found.limits.upper,
		"count": one.signal.count,
	}
	kinds |= dict.fromkeys(("last", "mean", "lower", "upper"), kind)
	text = _SIGNAL[one.signal.rule, one.signal.is_up]
	used = {name: value for name, value in values.items() if f"{{{name}}}" in text}
	return Note(text, used, {name: of for name, of in kinds.items() if name in used})


_TREND = {
	"worse": "{kpi} of {scope}: getting worse over {periods} periods, by about {slope} a period (Mann-Kendall test, p = {p}).",
	"better": "{kpi} of {scope}: getting better over {periods} periods, by about {slope} a period (Mann-Kendall test, p = {p}).",
	"rise": "{kpi} of {scope}: rising over {periods} periods, by about {slope} a period (Mann-Kendall test, p = {p}).",
	"fall": "{kpi} of {scope}: falling over {periods} periods, by about {slope} a period (Mann-Kendall test, p = {p}).",
}

_IN_A_ROW: Mapping[str, Mapping[Every, str]] = {
	"worse": {
		Every.DAY: "{kpi} of {scope}: getting worse for {moves} days in a row, now {last}.",
		Every.WEEK: "{kpi} of {scope}: getting worse for {moves} weeks in a row, now {last}.",
		Every.MONTH: "{kpi} of {scope}: getting worse for {moves} months in a row, now {last}.",
		Every.QUARTER: "{kpi} of {scope}: getting worse for {moves} quarters in a row, now {last}.",
		Every.YEAR: "{kpi} of {scope}: getting worse for {moves} years in a row, now {last}.",
	},
	"better": {
		Every.DAY: "{kpi} of {scope}: getting better for {moves} days in a row, now {last}.",
		Every.WEEK: "{kpi} of {scope}: getting better for {moves} weeks in a row, now {last}.",
		Every.MONTH: "{kpi} of {scope}: getting better for {moves} months in a row, now {last}.",
		Every.QUARTER: "{kpi} of {scope}: getting better for {moves} quarters in a row, now {last}.",
		Every.YEAR: "{kpi} of {scope}: getting better for {moves} years in a row, now {last}.",
	},
	"rise": {
		Every.DAY: "{kpi} of {scope}: rising for {moves} days in a row, now {last}.",
		Every.WEEK: "{kpi} of {scope}: rising for {moves} weeks in a row, now {last}.",
		Every.MONTH: "{kpi} of {scope}: rising for {moves} months in a row, now {last}.",
		Every.QUARTER: "{kpi} of {scope}: rising for {moves} quarters in a row, now {last}.",
		Every.YEAR: "{kpi} of {scope}: rising for {moves} years in a row, now {last}.",
	},
	"fall": {
		Every.DAY: "{kpi} of {scope}: falling for {moves} days in a row, now {last}.",
		Every.WEEK: "{kpi} of {scope}: falling for {moves} weeks in a row, now {last}.",
		Every.MONTH: "{kpi} of {scope}: falling for {moves} months in a row, now {last}.",
		Every.QUARTER: "{kpi} of {scope}: falling for {moves} quarters in a row, now {last}.",
		Every.YEAR: "{kpi} of {scope}: falling for {moves} years in a row, now {last}.",
	},
}

_SIGNAL: Mapping[tuple[Rule, bool], str] = {
	(
		Rule.BEYOND_LIMITS,
		True,
	): "{kpi} of {scope}: {last} in the last period, above the control limits of {lower} to {upper}.",
	(
		Rule.BEYOND_LIMITS,
		False,
	): "{kpi} of {scope}: {last} in the last period, below the control limits of {lower} to {upper}.",
	(
		Rule.TWO_OF_THREE,
		True,
	): "{kpi} of {scope}: far above the mean of {mean} in two of the last three periods.",
	(
		Rule.TWO_OF_THREE,
		False,
	): "{kpi} of {scope}: far below the mean of {mean} in two of the last three periods.",
	(
		Rule.FOUR_OF_FIVE,
		True,
	): "{kpi} of {scope}: well above the mean of {mean} in four of the last five periods.",
	(
		Rule.FOUR_OF_FIVE,
		False,
	): "{kpi} of {scope}: well below the mean of {mean} in four of the last five periods.",
	(Rule.ONE_SIDE, True): "{kpi} of {scope}: above the mean of {mean} in each of the last {count} periods.",
	(Rule.ONE_SIDE, False): "{kpi} of {scope}: below the mean of {mean} in each of the last {count} periods.",
	(Rule.ONE_WAY, True): "{kpi} of {scope}: rising throughout the last {count} periods, now {last}.",
	(Rule.ONE_WAY, False): "{kpi} of {scope}: falling throughout the last {count} periods, now {last}.",
}


ANALYSIS = Analysis(
	name="trend",
	title="Trend watch",
	meaning="Which KPIs leave their usual course, getting better or worse, by rules that tell change from chance.",
	answer=answer,
	by=DIMENSIONS,
	options={"kpi": "KPIs to watch, separated by commas; all if left out."},
)
