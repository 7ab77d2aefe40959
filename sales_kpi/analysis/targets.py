"""What a target's values are: paths, changes from a baseline, a total split over periods; and whether they are sound.

Values are in the units of the KPI, a percentage as a share (0.25 is 25 %). A range of a KPI, `low` to `high`, stands in
the place of a target where neither more nor less is better; one of the two may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from sales_kpi.errors import InputError, Word
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.kpis.formula import Over, Sum
from sales_kpi.periods import GREGORIAN_MONTHS, Calendar, Every, Period

DUST = 1e-9
"""By which share of itself a number may miss a bound for the dust of floats alone."""

YEARS = 3
"""How many earlier years a season is read from, at most."""

ENOUGH = 3
"""From how many past values on a target is called too easy or out of reach."""

BEYOND = 0.2
"""By which share of the best past value a target may lie beyond it before it is called out of reach."""


# Paths and changes


class Shape(Enum):
	"""How a path runs from the baseline to the goal."""

	LINEAR = "linear"
	GEOMETRIC = "geometric"


def path(baseline: float, goal: float, count: int, shape: Shape = Shape.LINEAR) -> list[float]:
	"""Values of `count` periods, of which the last is the goal; the baseline is the state before the first.

	Linear: each period adds the same amount. Geometric: each multiplies by the same factor, (goal / baseline) ** (1 /
	count), the constant rate of growth. Source: golden G15 of the field survey.

	Raises InputError without periods, and for a geometric path unless baseline and goal are above 0.
	"""
	_check_finite(baseline, "baseline")
	_check_finite(goal, "goal")
	if count < 1:
		raise InputError("A path needs at least one period.")
	if shape is Shape.GEOMETRIC and (baseline <= 0 or goal <= 0):
		raise InputError(
			"A geometric path needs a baseline and a goal above 0, not {baseline} and {goal}: "
			"choose a linear path.",
			baseline=_shown(baseline),
			goal=_shown(goal),
		)
	lowest, highest = min(baseline, goal), max(baseline, goal)
	values: list[float] = []
	for step in range(1, count):
		if shape is Shape.LINEAR:
			value = baseline + (goal - baseline) * (step / count)
		else:
			value = baseline * (goal / baseline) ** (step / count)
		value = min(max(value, lowest), highest)
		# Rounding alone could let a path of tiny steps turn back.
		if values:
			value = max(value, values[-1]) if goal >= baseline else min(value, values[-1])
		values.append(value)
	return [*values, float(goal)]


class In(Enum):
	"""What a change from a baseline is measured in."""

	PERCENT = "percent"
	POINTS = "points"


def relative(baseline: float, change: float, measured_in: In, unit: Unit) -> float:
	"""The value that differs from a baseline by `change` percent of it, or by `change` percentage points.

	change: 10 is 10 % or 10 points, −10 is as much less. unit: of the KPI. A baseline of 0.25 (25 %) becomes 0.275 by
	10 percent and 0.35 by 10 points. Source: golden G15 of the field survey.

	Raises InputError for points of a KPI that is no percentage, for percent of a baseline that isn't above 0, and for
	less than −100 %.
	"""
	_check_finite(baseline, "baseline")
	_check_finite(change, "change")
	if measured_in is In.POINTS:
		if unit is not Unit.PERCENT:
			raise InputError(
				"Percentage points are for percentages, and this KPI is measured in {unit}: give the change in "
				"percent.",
				unit=Word(unit.value),
			)
		return baseline + change / 100
	if baseline <= 0:
		raise InputError(
			"A change in percent needs a baseline above 0, and it is {baseline}: give the value itself.",
			baseline=_shown(baseline),
		)
	if change < -100:
		raise InputError(
			"A change of {change} % takes away more than there is: it must be −100 % or more.",
			change=_shown(change),
		)
	return baseline * (100 + change) / 100


# Splitting a total over periods


class Split(Enum):
	"""How a target is given to the periods of its range.

	SAME: each period has the value. The others divide it: EVEN alike, MONTHLY_DISTRIBUTION by the percentages of an
	ERPNext Monthly Distribution, SEASON as earlier years went, WORKING_DAYS by the days that are no holidays.
	"""

	SAME = "same"
	EVEN = "even"
	MONTHLY_DISTRIBUTION = "monthly distribution"
	SEASON = "season"
	WORKING_DAYS = "working days"


def is_additive(kpi: Kpi) -> bool:
	"""Whether a KPI's values of several periods add up to that of all of them together.

	A sum of what happened in a period does; a ratio, a median and a level at the period's end (what is open then) don't.
	"""
	formula = kpi.formula
	return isinstance(formula, Sum) and all(term.over is Over.PERIOD for _, term in formula.of.terms)


def check_additive(kpi: Kpi) -> None:
	"""Raise InputError for a KPI that can't be divided over periods."""
	if not is_additive(kpi):
		raise InputError(
			"{kpi} of several periods doesn't add up, so a target for it can't be divided over them: give each "
			"period the same value, or a path.",
			kpi=Word(kpi.title),
		)


def over_periods(
	kpi: Kpi,
	value: float,
	periods: Sequence[Period],
	split: Split,
	digits: int = 2,
	*,
	percentages: Mapping[str, float] | None = None,
	holidays: AbstractSet[date] = frozenset(),
	history: Sequence[Sequence[float | None]] = (),
) -> list[float]:
	"""The values of a target for the periods of its range, each the value or their share of it.

	percentages: for MONTHLY_DISTRIBUTION, as in `monthly_distribution_weights`. holidays: for WORKING_DAYS. history: for
	SEASON, as in `season_weights`. Raises InputError where the KPI can't be divided or what a split needs is missing.
	"""
	check_periods(periods)
	_check_finite(value, "target")
	if split is Split.SAME:
		return [float(value)] * len(periods)
	check_additive(kpi)
	if split is Split.EVEN:
		weights = even_weights(periods)
	elif split is Split.WORKING_DAYS:
		weights = working_day_weights(periods, holidays)
	elif split is Split.SEASON:
		weights = season_weights(periods, history)
	elif percentages is None:
		raise InputError("Choose the Monthly Distribution by which the target is divided.")
	else:
		weights = monthly_distribution_weights(periods, percentages)
	return divided(value, weights, digits)


def even_weights(periods: Sequence[Period]) -> list[float]:
	"""1 for each period; for one that the range cuts off, the share of its days that is left."""
	return [_part_of_whole(period) for period in periods]


def monthly_distribution_weights(periods: Sequence[Period], percentages: Mapping[str, float]) -> list[float]:
	"""Weights of periods by the percentages of an ERPNext Monthly Distribution.

	percentages: of each Gregorian month, by its English name as in ERPNext's Monthly Distribution Percentage; a month
	without is 0. A period takes of each month's percentage the share of the month's days that it covers. ERPNext's own
	`get_percentage` does the same for whole months.

	Raises InputError for a name that is no month and for a percentage below 0.
	"""
	by_month = [0.0] * 12
	for name, percentage in percentages.items():
		if name not in GREGORIAN_MONTHS:
			raise InputError(
				"The Monthly Distribution names a month {name} that doesn't exist.", name=repr(name)
			)
		if not (math.isfinite(percentage) and percentage >= 0):
			raise InputError(
				"The percentage of {name} in the Monthly Distribution is {percentage}: it must be 0 or more.",
				name=name,
				percentage=_shown(percentage),
			)
		by_month[GREGORIAN_MONTHS.index(name)] = percentage
	return [
		math.fsum(by_month[month.start.month - 1] * share for month, share in _months_of(period))
		for period in periods
	]


def working_day_weights(periods: Sequence[Period], holidays: AbstractSet[date]) -> list[float]:
	"""Weights of periods by their working days.

	holidays: all days without work, weekly days off included, as in an ERPNext Holiday List.
	"""
	return [float(working_days(period, holidays)) for period in periods]


def season_weights(periods: Sequence[Period], history: Sequence[Sequence[float | None]]) -> list[float]:
	"""Weights of periods by how earlier years went, the mean of their shares in each earlier year.

	history: for each period, the values of the periods that `in_earlier_years` gives for it, one year before, two years
	before and so on; None where no records were kept yet (not 0, which says that nothing was sold). Only years with all
	values and a sum above 0 count, each as much as another, so that growth doesn't make the last one louder; a value
	below 0, of more credit notes than sales, counts as 0. Source: seasonal indices by simple averages of shares.

	Raises InputError when no earlier year is complete.
	"""
	if len(history) != len(periods):
		raise InputError(f"There are {len(periods)} periods, but the history of {len(history)}.")
	shares: list[list[float]] = []
	for year in range(min((len(values) for values in history), default=0)):
		values = [past[year] for past in history]
		known = [max(value, 0.0) for value in values if value is not None and math.isfinite(value)]
		total = math.fsum(known)
		if len(known) == len(periods) and total > 0:
			shares.append([value / total for value in known])
	if not shares:
		raise InputError(
			"There is too little history for a season: it takes at least one earlier year with a value for each of the "
			"{periods} periods. Divide the target by working days instead.",
			periods=len(periods),
		)
	return [
		math.fsum(share[place] for share in shares) / len(shares) * _part_of_whole(period)
		for place, period in enumerate(periods)
	]


def in_earlier_years(period: Period, calendar: Calendar, every: Every, years: int = YEARS) -> list[Period]:
	"""The same calendar period one year before, two years before and so on.

	Of a period that a range cuts off it is the whole period. Weeks and days go back by 52 weeks, to the same weekday.
	Raises InputError for a range, which has no calendar.
	"""
	if every is Every.RANGE:
		raise InputError(
			"A range has no same period in earlier years: choose day, week, month, quarter or year."
		)
	whole = period.whole or period
	found: list[Period] = []
	for year in range(1, years + 1):
		if every in (Every.DAY, Every.WEEK):
			whole_before = calendar.period(whole.start - timedelta(weeks=52 * year), every)
		else:
			whole_before = found[-1] if found else whole
			for _ in range({Every.MONTH: 12, Every.QUARTER: 4, Every.YEAR: 1}[every]):
				whole_before = calendar.previous(whole_before, every)
		found.append(whole_before)
	return found


def working_days(period: Period, holidays: AbstractSet[date]) -> int:
	"""Days of a period that are no holidays."""
	return period.days - sum(1 for day in holidays if day in period)


def divided(total: float, weights: Sequence[float], digits: int = 2) -> list[float]:
	"""A total divided in proportion to weights into values of `digits` decimals that sum to it exactly.

	The total is taken at these decimals, or at as many as a float holds if it is very large. Each value is its exact
	share rounded down; what is left goes, one unit of the last decimal each, to the largest remainders, the earlier one
	of equals. Source: largest remainder method (Hamilton).

	Raises InputError without weights, for weights below 0, or all 0, and for a total above 9 × 10¹⁵.
	"""
	_check_finite(total, "total")
	check_weights(weights)
	if abs(total) > _WHOLE_NUMBERS:
		raise InputError("A total of {total} is too large to be divided exactly.", total=format(total, "g"))
	digits = max(digits, 0)
	while digits and abs(total) * 10**digits > _WHOLE_NUMBERS:
		digits -= 1
	unit = Decimal(1).scaleb(-digits)
	# As decimals, since a float's binary digits would round 2.675 down.
	units = int(Decimal(repr(abs(float(total)))).quantize(unit, "ROUND_HALF_UP").scaleb(digits))
	exact = [Fraction(weight) for weight in weights]
	whole = sum(exact)
	shares = [units * weight / whole for weight in exact]
	parts = [math.floor(share) for share in shares]
	largest = sorted(range(len(shares)), key=lambda place: (parts[place] - shares[place], place))
	for place in largest[: units - sum(parts)]:
		parts[place] += 1
	sign = -1 if total < 0 else 1
	return [float(sign * Decimal(part).scaleb(-digits)) if part else 0.0 for part in parts]


_WHOLE_NUMBERS = 2**53
"""Up to here floats hold every whole number."""


def _part_of_whole(period: Period) -> float:
	return 1.0 if period.whole is None else period.days / period.whole.days


def _months_of(period: Period) -> Iterator[tuple[Period, float]]:
	"""The Gregorian months that a period touches, and the share of each month's days that it covers."""
	for part in Calendar().periods(period.start, period.last_day, Every.MONTH):
		month = part.whole or part
		yield month, part.days / month.days


# Evidence


def meets(
	value: float, target: float | None, good: Good, low: float | None = None, high: float | None = None
) -> bool:
	"""Whether a value reaches a target, or lies in a range if one is given.

	Raises InputError where neither is given, and for a target of a KPI that is neither good up nor down.
	"""
	if low is not None or high is not None:
		return (low is None or _at_least(value, low)) and (high is None or _at_least(high, value))
	if target is None:
		raise InputError("A target needs a value.")
	if good is Good.NEITHER:
		raise InputError("Neither more nor less of this KPI is better: give a range instead of one value.")
	return _at_least(value, target) if good is Good.UP else _at_least(target, value)


def reached(
	values: Sequence[float | None],
	target: float | None,
	good: Good,
	low: float | None = None,
	high: float | None = None,
) -> tuple[int, int]:
	"""In how many of the last periods a target would have been reached, and in how many there was a value at all."""
	known = [value for value in values if value is not None]
	return sum(meets(value, target, good, low, high) for value in known), len(known)


class Code(Enum):
	"""What is doubtful about a target."""

	TOO_EASY = "too-easy"
	OUT_OF_REACH = "out-of-reach"


@dataclass(frozen=True)
class TargetWarning:
	"""A target at one of the extremes.

	reached, of: in how many of the last periods with a value. best: the best value of these. beyond: by which share of
	the best the target lies beyond it, 0 if it doesn't, None if the best is 0.
	"""

	code: Code
	reached: int
	of: int
	best: float
	beyond: float | None

	def __str__(self) -> str:
		if self.code is Code.TOO_EASY:
			return f"It was reached in each of the last {self.of} periods: it may be too easy."
		further = "" if self.beyond is None else f" by {self.beyond:.0%}"
		return (
			f"It was reached in none of the last {self.of} periods, and lies{further} beyond the best of them, "
			f"{_shown(self.best)}: it may be out of reach."
		)


def warnings(
	values: Sequence[float | None],
	target: float | None,
	good: Good,
	low: float | None = None,
	high: float | None = None,
	beyond: float = BEYOND,
) -> list[TargetWarning]:
	"""What the last periods say against a target: reached in all, or in none and far beyond the best of them.

	beyond: how far is far, as a share of the best value. With fewer than three values nothing is said.
	"""
	known = [value for value in values if value is not None]
	times, of = reached(known, target, good, low, high)
	if of < ENOUGH or 0 < times < of:
		return []
	best = min(known, key=lambda value: _missed_by(value, target, good, low, high))
	if times == of:
		best = max(known) if good is Good.UP else min(known) if good is Good.DOWN else best
		return [TargetWarning(Code.TOO_EASY, times, of, best, 0.0)]
	missed = _missed_by(best, target, good, low, high)
	share = missed / abs(best) if best else None
	if share is not None and share <= beyond + DUST:
		return []
	return [TargetWarning(Code.OUT_OF_REACH, times, of, best, share)]


def _missed_by(
	value: float, target: float | None, good: Good, low: float | None, high: float | None
) -> float:
	"""How far a value is from the target or the range, in its own unit; 0 where it reaches it."""
	if low is None and high is None:
		low, high = (target, None) if good is Good.UP else (None, target)
	return max(0.0, low - value if low is not None else 0.0, value - high if high is not None else 0.0)


def _at_least(value: float, bound: float) -> bool:
	return value >= bound - DUST * abs(bound)


# Checks


def check_value(kpi: Kpi, value: float | None, percentage: bool = False) -> None:
	"""Raise InputError for a target's value that is missing or isn't in the unit of the KPI.

	percentage: whether it was given as a percentage, such as "10 %".
	"""
	if value is None:
		raise InputError("The target for {kpi} needs a value.", kpi=Word(kpi.title))
	_check_finite(value, "target")
	if percentage and kpi.unit is not Unit.PERCENT:
		raise InputError(
			"{kpi} is measured in {unit}, so its target can't be a percentage: give the value itself, "
			"or a change in percent of a baseline.",
			kpi=Word(kpi.title),
			unit=Word(kpi.unit.value),
		)
	if kpi.unit is Unit.PERCENT and value > 1 + DUST:
		raise InputError(
			"{kpi} can't be above 100 %, and the target is {value} %.",
			kpi=Word(kpi.title),
			value=_shown(value * 100),
		)


def check_goal(
	kpi: Kpi,
	target: float | None,
	low: float | None = None,
	high: float | None = None,
	percentage: bool = False,
) -> None:
	"""Raise InputError unless there is what the KPI is measured against: a range if it is given one, else a value."""
	if low is not None or high is not None:
		check_range(low, high)
		for bound in (low, high):
			if bound is not None:
				check_value(kpi, bound, percentage)
	elif kpi.good is Good.NEITHER:
		raise InputError(
			"Neither more nor less {kpi} is better: give a range instead of one value.", kpi=Word(kpi.title)
		)
	else:
		check_value(kpi, target, percentage)


def check_range(low: float | None, high: float | None) -> None:
	"""Raise InputError for a range without bounds, or whose lowest value is above its highest."""
	if low is None and high is None:
		raise InputError("A range needs a lowest or a highest value.")
	for name, bound in (("lowest value", low), ("highest value", high)):
		if bound is not None:
			_check_finite(bound, name)
	if low is not None and high is not None and low > high:
		raise InputError(
			"The lowest value, {low}, is above the highest, {high}.", low=_shown(low), high=_shown(high)
		)


def check_weights(weights: Iterable[float]) -> None:
	"""Raise InputError for weights of which one is below 0 or no number, or that are all 0, or none."""
	given = list(weights)
	for weight in given:
		if not (math.isfinite(weight) and weight >= 0):
			raise InputError("A weight is {weight}: weights must be 0 or more.", weight=_shown(weight))
	if not any(given):
		raise InputError(
			"All weights are 0: at least one must be above 0." if given else "There are no weights."
		)


def check_periods(periods: Sequence[Period]) -> None:
	"""Raise InputError for a range that holds no period."""
	if not any(period.days > 0 for period in periods):
		raise InputError("The range holds no period: choose a longer range or shorter periods.")


def check_scope(kpi: Kpi, by: By) -> None:
	"""Raise InputError for a KPI that makes no sense for this kind of scope."""
	if by not in kpi.scopes:
		raise InputError(
			"{kpi} isn't measured by {by}, so there can't be a target for it.",
			kpi=Word(kpi.title),
			by=Word(by.value),
		)


@dataclass(frozen=True)
class TargetRange:
	"""What a target is for: the days from `first` to `last`, both included, in periods of a calendar.

	calendar: its kind, gregorian, fiscal or jalali. every: how long its periods are. name: of the document.
	"""

	company: str
	kpi: str
	by: By
	scope: str
	first: date
	last: date
	calendar: str = "gregorian"
	every: Every = Every.MONTH
	name: str = ""


def overlap(one: TargetRange, other: TargetRange) -> tuple[date, date] | None:
	"""The first and the last day for which two targets say the same KPI's value twice, None if there are none.

	They do so for the same company, KPI, scope, calendar and length of periods: a target for a year stands beside those
	for its months.
	"""
	if _what(one) != _what(other):
		return None
	first, last = max(one.first, other.first), min(one.last, other.last)
	return (first, last) if first <= last else None


def check_overlaps(new: TargetRange, others: Iterable[TargetRange]) -> None:
	"""Raise InputError when there is a target for the same already, naming it and the days; itself doesn't count."""
	for other in others:
		days = overlap(new, other) if not new.name or new.name != other.name else None
		if days:
			raise InputError(
				"{other} is a target for {kpi} of {scope} from {first} "
				"to {last} already: amend it, or choose other days.",
				other=other.name or Word("Another target"),
				kpi=new.kpi,
				scope=new.scope or new.company,
				first=days[0],
				last=days[1],
			)


def _what(target: TargetRange) -> tuple[object, ...]:
	return (target.company, target.kpi, target.by, target.scope, target.calendar, target.every)


def _check_finite(number: float, name: str) -> None:
	if not math.isfinite(number):
		raise InputError("The {name} is no number.", name=Word(name))


def _shown(number: float) -> str:
	"""A number in a sentence."""
	text = f"{number:,.6f}" if math.isfinite(number) else str(number)
	return text.rstrip("0").rstrip(".") if "." in text else text
