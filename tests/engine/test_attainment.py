"""Attainment, pace, status and score: goldens G14 and G24, what holds always, and what is refused."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_kpi.analysis.attainment import (
	AT_RISK_FROM,
	MOST,
	BalanceWarning,
	Imbalance,
	Pace,
	Pacing,
	Part,
	Score,
	Status,
	attainment,
	balance,
	composite,
	pacing,
	season_share,
	status,
)
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good
from sales_kpi.periods import Every, Period, calendar_named

UP, DOWN, NEITHER = Good.UP, Good.DOWN, Good.NEITHER
POSITIVE = st.floats(0.01, 1e9)
SHARES = st.floats(0, 5)


# Attainment


@pytest.mark.parametrize(
	("value", "target", "good", "expected"),
	[
		(110, 100, UP, 1.1),
		(40, 30, DOWN, 0.75),  # golden G24
		(30, 40, DOWN, 4 / 3),
		(0, 100, UP, 0),
		(-20, 100, UP, -0.2),
		(0, 30, DOWN, MOST),
		(-1, 30, DOWN, MOST),
		(1, 30, DOWN, MOST),
		(100, 0, UP, None),  # golden G24
		(100, -5, UP, None),
		(100, 0, DOWN, None),
		(None, 100, UP, None),
		(100, None, UP, None),
		(math.nan, 100, UP, None),
		(100, 100, NEITHER, None),
	],
)
def test_attainment(value: float | None, target: float | None, good: Good, expected: float | None) -> None:
	assert attainment(value, target, good) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
	("value", "low", "high", "expected"),
	[
		(120, 120, 240, 1),
		(240, 120, 240, 1),
		(60, 120, 240, 0.5),
		(480, 120, 240, 0.5),
		(0, 120, 240, 0),
		(60, 120, None, 0.5),
		(600, 120, None, 1),
		(480, None, 240, 0.5),
		(5, 0, 10, 1),
		(-1, 0, 10, None),
		(5, -10, 0, None),
		(None, 1, 2, None),
	],
)
def test_attainment_of_a_range(
	value: float | None, low: float | None, high: float | None, expected: float | None
) -> None:
	for good in Good:
		assert attainment(value, 7, good, low, high) == (
			expected if expected is None else pytest.approx(expected)
		)


@given(one=POSITIVE, other=POSITIVE, target=POSITIVE)
def test_the_better_value_never_attains_less(one: float, other: float, target: float) -> None:
	low, high = sorted((one, other))
	assert (attainment(low, target, UP) or 0) <= (attainment(high, target, UP) or 0)
	assert (attainment(low, target, DOWN) or 0) >= (attainment(high, target, DOWN) or 0)


@given(value=POSITIVE, low=POSITIVE, width=st.floats(0, 1e6))
def test_a_range_attains_at_most_1_and_that_inside(value: float, low: float, width: float) -> None:
	high = low + width
	found = attainment(value, None, NEITHER, low, high)
	assert found is not None
	assert 0 < found <= 1
	assert found == 1 or not low <= value <= high


# Pace

AUGUST = Period(date(2026, 8, 1), date(2026, 9, 1))
TENTH = date(2026, 8, 10)
SUNDAYS = frozenset(date(2026, 8, 2) + timedelta(weeks=week) for week in range(5))
"""Of August 2026, which has 26 other days, 8 of them among its first ten."""


def test_pacing_by_calendar_days() -> None:
	"""Golden G14."""
	found = pacing(1200, 3100, AUGUST, TENTH)
	assert found == Pacing(
		Pace.CALENDAR, 10 / 31, pytest.approx(1000), pytest.approx(1.2), pytest.approx(3720)
	)


def test_pacing_by_working_days() -> None:
	"""Golden G14: 9 of 26. January 2026 has four Sundays, the first on the 4th, and here a holiday on the 26th."""
	january = Period(date(2026, 1, 1), date(2026, 2, 1))
	holidays = {date(2026, 1, day) for day in (4, 11, 18, 25, 26)}
	found = pacing(1200, 3100, january, date(2026, 1, 10), Pace.WORKING_DAYS, holidays)
	assert found == Pacing(
		Pace.WORKING_DAYS,
		9 / 26,
		pytest.approx(1073.0769, abs=5e-5),
		pytest.approx(1.1183, abs=5e-5),
		pytest.approx(3466.67, abs=5e-3),
	)


def test_pacing_by_season() -> None:
	"""Golden G14: 40 % are normally done by day 10."""
	found = pacing(1200, 3100, AUGUST, TENTH, Pace.SEASON, share_done=0.4)
	assert found == Pacing(
		Pace.SEASON, 0.4, pytest.approx(1240), pytest.approx(0.9677, abs=5e-5), pytest.approx(3000)
	)


def test_holidays_outside_the_period_do_not_matter() -> None:
	others = SUNDAYS | {date(2026, 7, 31), date(2026, 9, 1)}
	for holidays in (SUNDAYS, others):
		assert pacing(1, 1, AUGUST, TENTH, Pace.WORKING_DAYS, holidays).share == 8 / 26


@pytest.mark.parametrize("rule", Pace)
def test_pacing_before_and_after_the_period(rule: Pace) -> None:
	"""Once it is over, pace is attainment and the value is what came of it; no season is needed."""
	for today in (AUGUST.last_day, AUGUST.end, date(2030, 1, 1)):
		assert pacing(1550, 3100, AUGUST, today, rule, SUNDAYS) == Pacing(rule, 1.0, 3100, 0.5, 1550)
	assert pacing(0, 3100, AUGUST, date(2026, 7, 31), rule, SUNDAYS) == Pacing(rule, 0.0, 0, None, None)


def test_no_pace_before_the_first_working_day() -> None:
	first = frozenset({date(2026, 8, 1), date(2026, 8, 2)})
	found = pacing(50, 3100, AUGUST, date(2026, 8, 2), Pace.WORKING_DAYS, first)
	assert found == Pacing(Pace.WORKING_DAYS, 0.0, 0, None, None)
	all_of_it = frozenset(AUGUST.start + timedelta(days=day) for day in range(31))
	assert pacing(50, 3100, AUGUST, TENTH, Pace.WORKING_DAYS, all_of_it).pace is None
	assert pacing(3100, 3100, AUGUST, AUGUST.last_day, Pace.WORKING_DAYS, all_of_it).pace == 1


def test_pacing_of_what_does_not_grow_with_the_period() -> None:
	"""A win rate of 24 % on day 10 is where it is; nothing is expected to come to it."""
	for rule in Pace:
		found = pacing(0.24, 0.30, AUGUST, TENTH, rule, SUNDAYS, additive=False)
		assert found == Pacing(Pace.CALENDAR, 10 / 31, 0.30, pytest.approx(0.8), 0.24)


def test_pacing_where_less_is_better_and_of_a_range() -> None:
	assert pacing(20, 31, AUGUST, TENTH, good=DOWN).pace == pytest.approx(0.5)
	found = pacing(20, None, AUGUST, TENTH, good=NEITHER, low=31, high=93)
	assert (found.expected, found.pace, found.projection) == (None, 1.0, pytest.approx(62))


@pytest.mark.parametrize(("value", "target"), [(None, 3100), (1200, 0), (1200, -1), (1200, None)])
def test_no_pace(value: float | None, target: float | None) -> None:
	assert pacing(value, target, AUGUST, TENTH).pace is None


@pytest.mark.parametrize("share", [None, -0.1, 1.1, math.nan])
def test_a_season_needs_a_share(share: float | None) -> None:
	with pytest.raises(InputError, match="from 0 to 1"):
		pacing(1200, 3100, AUGUST, TENTH, Pace.SEASON, share_done=share)


@given(
	value=POSITIVE,
	target=POSITIVE,
	day=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
	rule=st.sampled_from([Pace.CALENDAR, Pace.WORKING_DAYS]),
)
def test_pace_is_the_attainment_of_the_projection(value: float, target: float, day: date, rule: Pace) -> None:
	"""In a Jalali month: the pace promises what the projection attains, and shares grow from day to day up to 1."""
	month = calendar_named("jalali").period(day, Every.MONTH)
	days = [month.start + timedelta(days=number) for number in range(month.days)]
	holidays = frozenset(one for one in days if one.weekday() == 4)
	found = pacing(value, target, month, day, rule, holidays)
	if found.share:
		assert found.pace == pytest.approx(attainment(found.projection, target, UP))
	shares = [pacing(value, target, month, one, rule, holidays).share for one in days]
	assert shares == sorted(shares)
	assert shares[-1] == 1


def test_the_share_that_a_season_has_normally_done() -> None:
	assert season_share([(30, 100), (100, 200), (None, 10), (5, None), (5, 0)]) == pytest.approx(0.4)
	assert season_share([(120, 100), (-5, 100)]) == 0.5
	with pytest.raises(InputError, match="too little history"):
		season_share([(5, 0), (None, None)])


# Status


@pytest.mark.parametrize(
	("share", "expected"),
	[
		(None, Status.UNKNOWN),
		(1.3, Status.ON_TRACK),
		(1.0, Status.ON_TRACK),
		(0.1 * 3 / 0.3 - 1e-15, Status.ON_TRACK),
		(0.99, Status.AT_RISK),
		(AT_RISK_FROM, Status.AT_RISK),
		(0.79, Status.OFF),
		(-1.0, Status.OFF),
	],
)
def test_status(share: float | None, expected: Status) -> None:
	assert status(share) is expected


def test_status_by_own_bounds() -> None:
	assert status(0.9, 0.9, 0.7) is Status.ON_TRACK
	assert status(0.6, 0.9, 0.7) is Status.OFF
	assert status(0.9, 0.9, 0.9) is Status.ON_TRACK
	with pytest.raises(InputError, match="can't be on track from 70% and at risk from 90%"):
		status(1, 0.7, 0.9)


# Score

G24 = [Part("sales_volume", 0.5, 1.1), Part("deals", 0.3, 0.8), Part("customer_satisfaction", 0.2, 1.5)]


def test_a_score() -> None:
	"""Golden G24."""
	assert composite(G24, cap=1.2).value == pytest.approx(1.03, abs=1e-12)
	assert composite(G24, cap=None).value == pytest.approx(1.09, abs=1e-12)
	assert composite(G24).weights_used == pytest.approx((0.5, 0.3, 0.2))
	assert composite(G24).missing == ()


def test_a_missing_kpi_gives_its_weight_to_the_others() -> None:
	"""Golden G24: renormalised, and flagged."""
	parts = [G24[0], G24[1], Part("customer_satisfaction", 0.2)]
	found = composite(parts)
	assert found.value == pytest.approx((0.5 * 1.1 + 0.3 * 0.8) / 0.8)
	assert found.weights_used == pytest.approx((0.625, 0.375, 0))
	assert found.missing == ("customer_satisfaction",)


def test_a_score_of_nothing() -> None:
	assert composite([Part("deals", 1)]) == Score(None, (0.0,), ("deals",))
	assert composite([Part("deals", 0, 1.0)]) == Score(None, (0.0,), ())
	assert composite([]) == Score(None, (), ())


def test_a_part_without_weight_is_not_missed() -> None:
	assert composite([Part("deals", 1, 1.0), Part("orders", 0)]) == Score(1.0, (1.0, 0.0), ())


def test_cap_and_floor_of_a_part_go_before_those_of_the_score() -> None:
	parts = [Part("deals", 1, 3.0, cap=2.0), Part("orders", 1, 0.1, floor=0.5), Part("calls", 2, -1.0)]
	assert composite(parts).value == pytest.approx((2.0 + 0.5 + 0) / 4)


@pytest.mark.parametrize(
	("part", "sentence"),
	[
		(Part("deals", -0.1, 1.0), "The weight of deals is -0.1: weights must be 0 or more."),
		(Part("deals", math.nan, 1.0), "The weight of deals is nan"),
		(Part("deals", 1, 1.0, cap=0.5, floor=0.8), "deals can't count at most 50% and at least 80%"),
	],
)
def test_scores_that_are_refused(part: Part, sentence: str) -> None:
	with pytest.raises(InputError, match=sentence):
		composite([part])


PARTS = st.lists(
	st.builds(
		Part, kpi=st.sampled_from(["a", "b", "c"]), weight=st.floats(0, 100), attainment=st.none() | SHARES
	),
	max_size=12,
)


@given(parts=PARTS, cap=st.floats(1, 3), floor=st.floats(0, 1), factor=st.floats(0.01, 100))
def test_a_score_lies_among_its_parts(parts: list[Part], cap: float, floor: float, factor: float) -> None:
	found = composite(parts, cap, floor)
	counted = [
		min(max(part.attainment, floor), cap)
		for part in parts
		if part.attainment is not None and part.weight > 0
	]
	assert (found.value is None) == (not counted)
	if found.value is not None:
		assert min(counted) <= found.value <= max(counted)
		assert math.fsum(found.weights_used) == pytest.approx(1)
		scaled = [Part(part.kpi, part.weight * factor, part.attainment) for part in parts]
		assert composite(scaled, cap, floor).value == pytest.approx(found.value)


# Balance


def test_a_score_that_leans_on_one_kpi() -> None:
	parts = [
		Part("sales_volume", 7),
		Part("customer_satisfaction", 2, by=By.TEAM),
		Part("deals", 1),
	]
	(warning,) = balance(parts)
	assert warning == BalanceWarning(Imbalance.LEANS_ON_ONE, "sales_volume", pytest.approx(0.7))
	assert str(warning) == "sales_volume has 70% of the weight: the score leans on one KPI."
	twice = [Part("sales_volume", 4), Part("sales_volume", 3, by=By.TEAM), Part("customer_satisfaction", 3)]
	assert [found.code for found in balance(twice)] == [Imbalance.LEANS_ON_ONE]


def test_a_score_without_satisfaction_or_team() -> None:
	parts = [Part("sales_volume", 0.5), Part("deals", 0.5), Part("customer_satisfaction", 0, by=By.TEAM)]
	found = balance(parts)
	assert [warning.code for warning in found] == [Imbalance.NO_SATISFACTION, Imbalance.ONLY_INDIVIDUAL]
	assert [str(warning) for warning in found] == [
		"Nothing in the score tells whether customers are satisfied.",
		"The score holds nothing that a team reaches together.",
	]
	assert balance(parts, satisfaction={"deals"}) == [BalanceWarning(Imbalance.ONLY_INDIVIDUAL)]


def test_a_balanced_score() -> None:
	"""60 % is not yet leaning; nothing is said of no weights."""
	assert balance([Part("deals", 0.6, by=By.TEAM), Part("customer_satisfaction", 0.4)]) == []
	assert balance([]) == balance([Part("deals", 0)]) == []
