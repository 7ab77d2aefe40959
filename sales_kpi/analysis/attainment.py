"""How far a target is reached: attainment, pace within an open period, status, and a score of several KPIs.

An attainment is a share: 1 is just reached, 0.75 is 75 %, above 1 is beyond. None is no attainment, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from sales_kpi.analysis.targets import DUST, working_days
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good
from sales_kpi.periods import Period

MOST = 10.0
"""The highest attainment of a KPI of which less is better, where a value of 0 would make it infinite."""

CAP, FLOOR = 1.2, 0.0
"""Between which attainments count in a score unless said otherwise."""

ON_TRACK_FROM, AT_RISK_FROM = 1.0, 0.8
"""From which attainment or pace on a target is on track, and at risk, unless said otherwise."""

LEANS_FROM = 0.6
"""Above which share of all weights a score leans on one KPI."""

SATISFACTION = frozenset({"customer_satisfaction"})
"""KPIs that tell whether customers are satisfied."""


# Attainment


def attainment(
	value: float | None,
	target: float | None,
	good: Good,
	low: float | None = None,
	high: float | None = None,
) -> float | None:
	"""How far a value reaches a target, as a share; None without a value, or without a target above 0.

	More is better: value / target, below 0 for a value below 0. Less is better: target / value, at most 10, which a
	value of 0 or below has. A range, if one is given, whatever is good: 1 inside; outside 1 − distance / the larger of
	the value and the bound that it misses, which is value / low below and high / value above; so a range with one bound
	is a target that can't be exceeded. None where the bound that is missed is not above 0. A single target of a KPI that
	is neither good up nor down gives none. Source: golden G24 of the field survey.
	"""
	if value is None or not math.isfinite(value):
		return None
	if low is not None or high is not None:
		return _in_range(value, low, high)
	if target is None or not target > 0 or good is Good.NEITHER:
		return None
	if good is Good.UP:
		return value / target
	return target / value if value * MOST > target else MOST


def _in_range(value: float, low: float | None, high: float | None) -> float | None:
	if low is not None and value < low - DUST * abs(low):
		return value / low if low > 0 else None
	if high is not None and value > high + DUST * abs(high):
		return high / value if high > 0 else None
	return 1.0


# Pace


class Pace(Enum):
	"""By which rule it is told how much of a period's target should be reached by today."""

	CALENDAR = "calendar days"
	WORKING_DAYS = "working days"
	SEASON = "season"


@dataclass(frozen=True)
class Pacing:
	"""Where a KPI stands within an open period.

	rule: by which share and all that follows from it are told. share: of the period that is done, 0 to 1. expected: what
	the target asks for by now, None for a range. pace: attainment of what is expected by now. projection: the value at
	the period's end if it goes on like that, None while nothing of the period is done.
	"""

	rule: Pace
	share: float
	expected: float | None
	pace: float | None
	projection: float | None


def pacing(
	value: float | None,
	target: float | None,
	period: Period,
	today: date,
	rule: Pace = Pace.CALENDAR,
	holidays: AbstractSet[date] = frozenset(),
	share_done: float | None = None,
	*,
	good: Good = Good.UP,
	low: float | None = None,
	high: float | None = None,
	additive: bool = True,
) -> Pacing:
	"""Where a KPI stands on a day within the period that its target is for; the day itself is done.

	value: so far. holidays: for working days, all days without work. share_done: for the season, what of the period's
	value is normally there by this day, as `season_share` tells. additive: whether the KPI's value grows with the period
	(`is_additive`); if not, what is expected is the target itself, the pace is the attainment so far and the projection
	the value so far, and the share tells the calendar days alone. From the period's last day on all of it is done.
	Expected = target × share, pace = attainment of expected, projection = value / share. Source: golden G14 of the field
	survey.

	Raises InputError for a season without a share from 0 to 1 within an open period.
	"""
	if not additive:
		share = _share(period, today, Pace.CALENDAR, holidays, None)
		return Pacing(Pace.CALENDAR, share, target, attainment(value, target, good, low, high), value)
	share = _share(period, today, rule, holidays, share_done)
	expected = None if target is None else target * share
	if share <= 0:
		return Pacing(rule, 0.0, expected, None, None)
	pace = attainment(value, expected, good, _times(low, share), _times(high, share))
	return Pacing(rule, share, expected, pace, None if value is None else value / share)


def season_share(history: Sequence[tuple[float | None, float | None]]) -> float:
	"""What share of a period's value is normally there by a day: the mean over earlier years.

	history: for each year, the value from the period's start to the same day of it, and that of the whole period. Years
	without one of the two, or whose whole isn't above 0, don't count; a share is kept between 0 and 1.

	Raises InputError when no year counts.
	"""
	shares = [
		min(max(part / whole, 0.0), 1.0)
		for part, whole in history
		if part is not None and whole is not None and whole > 0
	]
	if not shares:
		raise InputError(
			"There is too little history for a season: it takes the same period of at least one earlier year. Pace by "
			"working days instead."
		)
	return math.fsum(shares) / len(shares)


def _share(
	period: Period, today: date, rule: Pace, holidays: AbstractSet[date], share_done: float | None
) -> float:
	if today >= period.last_day:
		return 1.0
	if today < period.start:
		return 0.0
	if rule is Pace.SEASON:
		if share_done is None or not 0 <= share_done <= 1:
			raise InputError(
				"Pacing by season needs the share that is normally done by the day, from 0 to 1."
			)
		return share_done
	done = Period(period.start, today + timedelta(days=1))
	if rule is Pace.CALENDAR:
		return done.days / period.days
	whole = working_days(period, holidays)
	return working_days(done, holidays) / whole if whole else 0.0


def _times(number: float | None, share: float) -> float | None:
	return None if number is None else number * share


# Status


class Status(Enum):
	"""How a target stands."""

	ON_TRACK = "on track"
	AT_RISK = "at risk"
	OFF = "off track"
	UNKNOWN = "unknown"


def status(
	attainment_or_pace: float | None,
	on_track_from: float = ON_TRACK_FROM,
	at_risk_from: float = AT_RISK_FROM,
) -> Status:
	"""How a target stands, by the attainment of a closed period or the pace of an open one.

	Raises InputError when a target would be on track before it is at risk.
	"""
	if at_risk_from > on_track_from:
		raise InputError(
			"A target can't be on track from {on_track_from} and at risk from {at_risk_from}: at risk must begin "
			"below on track.",
			on_track_from=format(on_track_from, ".0%"),
			at_risk_from=format(at_risk_from, ".0%"),
		)
	if attainment_or_pace is None:
		return Status.UNKNOWN
	if attainment_or_pace >= on_track_from - DUST:
		return Status.ON_TRACK
	return Status.AT_RISK if attainment_or_pace >= at_risk_from - DUST else Status.OFF


# Score


@dataclass(frozen=True)
class Part:
	"""One KPI of a score.

	attainment: None where it is missing. weight: 0 or more, of any sum. by: what it is measured for. cap, floor: between
	which its attainment counts, where they differ from those of the score.
	"""

	kpi: str
	weight: float
	attainment: float | None = None
	by: By = By.SALES_PERSON
	cap: float | None = None
	floor: float | None = None


@dataclass(frozen=True)
class Score:
	"""Several KPIs in one number.

	value: a share as an attainment, None when no part with a weight has an attainment. weights_used: of the parts, in
	their order; they sum to 1, and those of missing parts are 0. missing: KPIs with a weight that have no attainment, so
	that the score says less than it should.
	"""

	value: float | None
	weights_used: tuple[float, ...]
	missing: tuple[str, ...]


def composite(parts: Sequence[Part], cap: float | None = CAP, floor: float | None = FLOOR) -> Score:
	"""The mean of the parts' attainments, each kept between floor and cap, by their weights.

	cap, floor: None for none. A part without an attainment is left out, and the weights of the others are scaled up to
	sum to 1. Source: golden G24 of the field survey.

	Raises InputError for a weight below 0 and for a cap below its floor.
	"""
	for part in parts:
		if not (math.isfinite(part.weight) and part.weight >= 0):
			raise InputError(
				"The weight of {kpi} is {weight}: weights must be 0 or more.",
				kpi=part.kpi,
				weight=format(part.weight, "g"),
			)
	counted = [_counted(part, cap, floor) for part in parts]
	given = [0.0 if counted[place] is None else part.weight for place, part in enumerate(parts)]
	missing = tuple(
		part.kpi for place, part in enumerate(parts) if part.weight > 0 and counted[place] is None
	)
	total = math.fsum(given)
	if not total > 0:
		return Score(None, tuple(0.0 for _ in parts), missing)
	weights = tuple(weight / total for weight in given)
	used = [
		(weight, value)
		for weight, value in zip(weights, counted, strict=True)
		if weight > 0 and value is not None
	]
	mean = math.fsum(weight * value for weight, value in used)
	lowest, highest = min(value for _, value in used), max(value for _, value in used)
	return Score(min(max(mean, lowest), highest), weights, missing)


def _counted(part: Part, cap: float | None, floor: float | None) -> float | None:
	"""A part's attainment as it counts in the score."""
	cap = cap if part.cap is None else part.cap
	floor = floor if part.floor is None else part.floor
	if cap is not None and floor is not None and cap < floor:
		raise InputError(
			"{kpi} can't count at most {cap} and at least {floor}.",
			kpi=part.kpi,
			cap=format(cap, ".0%"),
			floor=format(floor, ".0%"),
		)
	value = part.attainment
	if value is None:
		return None
	value = value if floor is None else max(value, floor)
	return value if cap is None else min(value, cap)


class Imbalance(Enum):
	"""What is doubtful about the weights of a score."""

	LEANS_ON_ONE = "leans-on-one"
	NO_SATISFACTION = "no-satisfaction"
	ONLY_INDIVIDUAL = "only-individual"


@dataclass(frozen=True)
class BalanceWarning:
	"""Something doubtful about a score's weights. kpi, share: the KPI that it leans on, and its share of all weights."""

	code: Imbalance
	kpi: str = ""
	share: float | None = None

	def __str__(self) -> str:
		if self.code is Imbalance.LEANS_ON_ONE:
			return f"{self.kpi} has {self.share or 0:.0%} of the weight: the score leans on one KPI."
		if self.code is Imbalance.NO_SATISFACTION:
			return "Nothing in the score tells whether customers are satisfied."
		return "The score holds nothing that a team reaches together."


def balance(
	parts: Sequence[Part],
	leans_from: float = LEANS_FROM,
	satisfaction: Collection[str] = SATISFACTION,
) -> list[BalanceWarning]:
	"""What is doubtful about the weights of a score, whatever has been attained.

	leans_from: above which share of all weights it leans on one KPI. satisfaction: KPIs that tell whether customers are
	satisfied. Parts without a weight don't count; without any weight there is nothing to say.
	"""
	weights: dict[str, float] = {}
	for part in parts:
		if part.weight > 0:
			weights[part.kpi] = weights.get(part.kpi, 0.0) + part.weight
	if not weights:
		return []
	total = math.fsum(weights.values())
	found = [
		BalanceWarning(Imbalance.LEANS_ON_ONE, kpi, weight / total)
		for kpi, weight in weights.items()
		if weight / total > leans_from + DUST
	]
	if not weights.keys() & set(satisfaction):
		found.append(BalanceWarning(Imbalance.NO_SATISFACTION))
	if all(part.by is By.SALES_PERSON for part in parts if part.weight > 0):
		found.append(BalanceWarning(Imbalance.ONLY_INDIVIDUAL))
	return found
