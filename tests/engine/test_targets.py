"""Targets: paths, changes from a baseline, totals split over periods, evidence of the past, and what is refused."""

from __future__ import annotations

import itertools
import math
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_kpi import catalogue
from sales_kpi.analysis.targets import (
	Code,
	In,
	Shape,
	Split,
	TargetRange,
	check_additive,
	check_goal,
	check_overlaps,
	check_periods,
	check_range,
	check_scope,
	check_value,
	check_weights,
	divided,
	even_weights,
	in_earlier_years,
	is_additive,
	meets,
	monthly_distribution_weights,
	over_periods,
	overlap,
	path,
	reached,
	relative,
	season_weights,
	warnings,
	working_day_weights,
	working_days,
)
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good, Unit
from sales_kpi.periods import GREGORIAN_MONTHS, Calendar, Every, Period, calendar_named

GREGORIAN, JALALI = calendar_named("gregorian"), calendar_named("jalali")
UP, DOWN, NEITHER = Good.UP, Good.DOWN, Good.NEITHER
AMOUNTS = st.floats(-1e12, 1e12, allow_nan=False)
ABOVE_ZERO = st.floats(1e-6, 1e12)
WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(any)


def months(first: str, last: str, calendar: Calendar = GREGORIAN) -> list[Period]:
	return calendar.periods(date.fromisoformat(first), date.fromisoformat(last), Every.MONTH)


JALALI_1404 = JALALI.periods(date(2025, 3, 21), date(2026, 3, 20), Every.MONTH)
YEAR_2026 = months("2026-01-01", "2026-12-31")


# Paths


def test_a_path_from_25_to_30_percent_in_three_months() -> None:
	"""Golden G15."""
	assert path(0.25, 0.30, 3) == pytest.approx([0.266667, 0.283333, 0.30], abs=1e-6)
	assert path(0.25, 0.30, 3, Shape.GEOMETRIC) == pytest.approx([0.265665, 0.282311, 0.30], abs=1e-6)


def test_a_path_of_one_period_is_the_goal() -> None:
	assert path(7, 9, 1) == path(7, 9, 1, Shape.GEOMETRIC) == [9.0]


def test_a_path_across_a_jalali_year() -> None:
	"""From Dey 1404 to Tir 1405, over Nowruz: six months, each of its own value."""
	periods = months("2025-12-22", "2026-06-21", JALALI)
	assert [JALALI.label(period, Every.MONTH) for period in periods] == [
		"Dey 1404", "Bahman 1404", "Esfand 1404", "Farvardin 1405", "Ordibehesht 1405", "Khordad 1405",
	]  # fmt: skip
	assert path(100, 160, len(periods)) == pytest.approx([110, 120, 130, 140, 150, 160])
	assert path(100, 200, len(periods), Shape.GEOMETRIC)[2] == pytest.approx(math.sqrt(2) * 100)


@given(baseline=ABOVE_ZERO, goal=ABOVE_ZERO, count=st.integers(1, 60), shape=st.sampled_from(Shape))
def test_a_path_never_turns_back_and_ends_at_the_goal(
	baseline: float, goal: float, count: int, shape: Shape
) -> None:
	values = path(baseline, goal, count, shape)
	assert len(values) == count
	assert values[-1] == goal
	assert all(min(baseline, goal) <= value <= max(baseline, goal) for value in values)
	steps = itertools.pairwise([baseline, *values])
	assert all(one <= other if goal >= baseline else one >= other for one, other in steps)


@given(baseline=AMOUNTS, goal=AMOUNTS, count=st.integers(1, 60))
def test_a_linear_path_takes_equal_steps_also_below_zero(baseline: float, goal: float, count: int) -> None:
	values = [baseline, *path(baseline, goal, count)]
	dust = 1e-9 * (abs(baseline) + abs(goal) + 1)
	assert all(
		abs(other - one - (goal - baseline) / count) <= dust for one, other in itertools.pairwise(values)
	)


@given(baseline=ABOVE_ZERO, goal=ABOVE_ZERO, count=st.integers(2, 60))
def test_a_geometric_path_grows_at_one_rate(baseline: float, goal: float, count: int) -> None:
	values = [baseline, *path(baseline, goal, count, Shape.GEOMETRIC)]
	rate = (goal / baseline) ** (1 / count)
	assert [other / one for one, other in itertools.pairwise(values)] == pytest.approx([rate] * count)


@pytest.mark.parametrize(
	("baseline", "goal", "count", "shape", "sentence"),
	[
		(1, 2, 0, Shape.LINEAR, "A path needs at least one period."),
		(0, 2, 3, Shape.GEOMETRIC, "A geometric path needs a baseline and a goal above 0, not 0 and 2"),
		(2, -1, 3, Shape.GEOMETRIC, "A geometric path needs a baseline and a goal above 0, not 2 and -1"),
		(math.nan, 2, 3, Shape.LINEAR, "The baseline is no number."),
		(1, math.inf, 3, Shape.LINEAR, "The goal is no number."),
	],
)
def test_paths_that_are_refused(
	baseline: float, goal: float, count: int, shape: Shape, sentence: str
) -> None:
	with pytest.raises(InputError, match=sentence):
		path(baseline, goal, count, shape)


# Changes from a baseline


@pytest.mark.parametrize(
	("baseline", "change", "measured_in", "unit", "value"),
	[
		(0.25, 10, In.PERCENT, Unit.PERCENT, 0.275),  # golden G15
		(0.25, 10, In.POINTS, Unit.PERCENT, 0.35),
		(0.25, -5, In.POINTS, Unit.PERCENT, 0.20),
		(1000, 10, In.PERCENT, Unit.CURRENCY, 1100),
		(40, -25, In.PERCENT, Unit.DAYS, 30),
		(40, 0, In.PERCENT, Unit.DAYS, 40),
		(0, 5, In.POINTS, Unit.PERCENT, 0.05),
	],
)
def test_changes(baseline: float, change: float, measured_in: In, unit: Unit, value: float) -> None:
	assert relative(baseline, change, measured_in, unit) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
	("baseline", "change", "measured_in", "unit", "sentence"),
	[
		(1000, 10, In.POINTS, Unit.CURRENCY, "Percentage points are for percentages"),
		(0, 10, In.PERCENT, Unit.CURRENCY, "needs a baseline above 0, and it is 0"),
		(-200, 10, In.PERCENT, Unit.CURRENCY, "needs a baseline above 0, and it is -200"),
		(100, -120, In.PERCENT, Unit.COUNT, "A change of -120 % takes away more than there is"),
		(math.nan, 10, In.PERCENT, Unit.COUNT, "The baseline is no number."),
		(100, math.inf, In.PERCENT, Unit.COUNT, "The change is no number."),
	],
)
def test_changes_that_are_refused(
	baseline: float, change: float, measured_in: In, unit: Unit, sentence: str
) -> None:
	with pytest.raises(InputError, match=sentence):
		relative(baseline, change, measured_in, unit)


# Dividing


@pytest.mark.parametrize(
	("total", "weights", "digits", "values"),
	[
		(100, [1, 1, 1], 2, [33.34, 33.33, 33.33]),
		(100, [1, 1, 1], 0, [34, 33, 33]),
		(10, [0.5, 0.3, 0.2], 0, [5, 3, 2]),
		(1, [3, 1, 3], 1, [0.4, 0.2, 0.4]),
		(0, [1, 2], 2, [0, 0]),
		(-100, [1, 1, 1], 2, [-33.34, -33.33, -33.33]),
		(7, [0, 1, 0], 2, [0, 7, 0]),
		(100.005, [1, 1], 2, [50.01, 50.0]),
		(0.01, [1, 1, 1], 2, [0.01, 0, 0]),
	],
)
def test_largest_remainders(total: float, weights: list[float], digits: int, values: list[float]) -> None:
	assert divided(total, weights, digits) == values


@given(total=AMOUNTS, weights=WEIGHTS, digits=st.integers(0, 3))
def test_what_is_divided_sums_to_the_total_exactly(total: float, weights: list[float], digits: int) -> None:
	total = round(total, digits)
	values = divided(total, weights, digits)
	assert sum(Decimal(repr(value)) for value in values) == Decimal(repr(total))
	assert round(math.fsum(values), digits) == total


@given(total=AMOUNTS, weights=WEIGHTS)
def test_each_part_is_less_than_one_unit_from_its_share(total: float, weights: list[float]) -> None:
	whole = math.fsum(weights)
	for value, weight in zip(divided(total, weights), weights, strict=True):
		assert abs(value - total * weight / whole) <= 0.0101 + abs(total) * 1e-12
		assert weight or value == 0


def test_a_very_large_total_keeps_the_decimals_that_a_float_holds() -> None:
	"""A hundred trillions of rials can't be told to a hundredth."""
	values = divided(1e15, [1, 1, 1])
	assert sum(Decimal(repr(value)) for value in values) == 10**15
	with pytest.raises(InputError, match="too large"):
		divided(1e17, [1, 1])


@pytest.mark.parametrize(
	("total", "weights", "sentence"),
	[
		(100, [1, -1], "A weight is -1: weights must be 0 or more."),
		(100, [1, math.nan], "A weight is nan: weights must be 0 or more."),
		(100, [0, 0], "All weights are 0"),
		(100, [], "There are no weights."),
		(math.nan, [1], "The total is no number."),
	],
)
def test_what_can_not_be_divided(total: float, weights: list[float], sentence: str) -> None:
	with pytest.raises(InputError, match=sentence):
		divided(total, weights)


# Weights


def test_even_weights_are_alike_and_a_cut_period_has_its_part() -> None:
	assert even_weights(YEAR_2026) == [1.0] * 12
	assert even_weights(months("2026-01-01", "2026-02-14")) == [1.0, 0.5]


def test_a_monthly_distribution_of_whole_months() -> None:
	percentages = dict(zip(GREGORIAN_MONTHS, range(2, 14), strict=True))
	assert monthly_distribution_weights(YEAR_2026, percentages) == [float(part) for part in range(2, 14)]
	quarters = GREGORIAN.periods(date(2026, 1, 1), date(2026, 12, 31), Every.QUARTER)
	assert monthly_distribution_weights(quarters, percentages) == [9.0, 18.0, 27.0, 36.0]


def test_a_monthly_distribution_of_a_jalali_month() -> None:
	"""Farvardin 1404 is 21 March to 20 April 2025: 11 of March's 31 days, and 20 of April's 30."""
	farvardin = JALALI.period(date(2025, 4, 1), Every.MONTH)
	weights = monthly_distribution_weights([farvardin], {"March": 31, "April": 60})
	assert weights == pytest.approx([11 + 40])


def test_a_jalali_year_takes_the_whole_distribution() -> None:
	percentages = {name: float(place) for place, name in enumerate(GREGORIAN_MONTHS, 1)}
	weights = monthly_distribution_weights(JALALI_1404, percentages)
	assert len(weights) == 12
	assert math.fsum(weights) == pytest.approx(78)


@given(
	day=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
	percentages=st.lists(st.floats(0, 100), min_size=12, max_size=12),
	total=st.floats(1, 1e9),
)
def test_divided_over_the_months_of_a_jalali_year(day: date, percentages: list[float], total: float) -> None:
	year = JALALI.period(day, Every.YEAR)
	periods = JALALI.periods(year.start, year.last_day, Every.MONTH)
	weights = monthly_distribution_weights(periods, dict(zip(GREGORIAN_MONTHS, percentages, strict=True)))
	if any(weights):
		parts = divided(total, weights)
		assert sum(Decimal(repr(part)) for part in parts) == Decimal(repr(round(total, 2)))
		assert path(total, 2 * total, len(periods))[-1] == 2 * total


@pytest.mark.parametrize(
	("percentages", "sentence"),
	[
		({"Farvardin": 8.0}, "names a month 'Farvardin' that doesn't exist"),
		({"March": -1.0}, "The percentage of March in the Monthly Distribution is -1"),
		({"March": math.nan}, "The percentage of March in the Monthly Distribution is nan"),
	],
)
def test_distributions_that_are_refused(percentages: dict[str, float], sentence: str) -> None:
	with pytest.raises(InputError, match=sentence):
		monthly_distribution_weights(YEAR_2026, percentages)


def test_working_days_are_those_that_are_no_holidays() -> None:
	fridays = {date(2026, 1, 2) + timedelta(weeks=week) for week in range(60)}
	january, february = months("2026-01-01", "2026-02-28")
	assert working_days(january, fridays) == 26
	assert working_day_weights([january, february], fridays) == [26.0, 24.0]
	assert working_days(january, frozenset()) == 31


def test_a_season_is_the_mean_share_of_earlier_years() -> None:
	"""Shares 20/80 a year ago and 40/60 before, though the business has doubled since."""
	periods = months("2026-01-01", "2026-02-28")
	assert season_weights(periods, [[40, 40], [160, 60]]) == pytest.approx([0.3, 0.7])


def test_a_season_leaves_out_years_that_are_not_complete() -> None:
	periods = months("2026-01-01", "2026-02-28")
	assert season_weights(periods, [[1, None, 0, -1], [3, 5, 0, 0]]) == [0.25, 0.75]


def test_a_season_counts_a_value_below_0_as_0() -> None:
	periods = months("2026-01-01", "2026-02-28")
	assert season_weights(periods, [[9, 1], [-7, 1]]) == [0.75, 0.25]


def test_a_season_of_a_cut_period_counts_in_part() -> None:
	assert season_weights(months("2026-01-01", "2026-02-14"), [[5], [5]]) == [0.5, 0.25]


@pytest.mark.parametrize("history", [[[], []], [[1, None], [None, 1]], [[0], [0]], [[-1], [-2]], [[1], []]])
def test_too_little_history_for_a_season(history: list[list[float | None]]) -> None:
	with pytest.raises(InputError, match="too little history for a season"):
		season_weights(months("2026-01-01", "2026-02-28"), history)


def test_a_season_needs_a_history_for_each_period() -> None:
	with pytest.raises(InputError, match="There are 12 periods, but the history of 1"):
		season_weights(YEAR_2026, [[1.0]])


@pytest.mark.parametrize(
	("calendar", "every", "day", "starts"),
	[
		(GREGORIAN, Every.MONTH, date(2024, 2, 29), ["2023-02-01", "2022-02-01", "2021-02-01"]),
		(GREGORIAN, Every.QUARTER, date(2026, 5, 1), ["2025-04-01", "2024-04-01", "2023-04-01"]),
		(JALALI, Every.MONTH, date(2026, 3, 20), ["2025-02-19", "2024-02-20", "2023-02-20"]),
		(JALALI, Every.YEAR, date(2026, 3, 21), ["2025-03-21", "2024-03-20", "2023-03-21"]),
		(GREGORIAN, Every.WEEK, date(2026, 1, 7), ["2025-01-06", "2024-01-08", "2023-01-09"]),
		(GREGORIAN, Every.DAY, date(2026, 1, 7), ["2025-01-08", "2024-01-10", "2023-01-11"]),
		(
			calendar_named("fiscal:04-01"),
			Every.YEAR,
			date(2026, 1, 7),
			["2024-04-01", "2023-04-01", "2022-04-01"],
		),
	],
)
def test_the_same_period_in_earlier_years(
	calendar: Calendar, every: Every, day: date, starts: list[str]
) -> None:
	found = in_earlier_years(calendar.period(day, every), calendar, every)
	assert [period.start.isoformat() for period in found] == starts
	assert all(calendar.period(period.start, every) == period for period in found)


def test_the_same_period_of_a_cut_one_is_whole() -> None:
	cut = months("2026-01-10", "2026-01-20")[0]
	assert in_earlier_years(cut, GREGORIAN, Every.MONTH, 1) == [Period(date(2025, 1, 1), date(2025, 2, 1))]


def test_a_range_has_no_earlier_years() -> None:
	with pytest.raises(InputError, match="A range has no same period in earlier years"):
		in_earlier_years(Period(date(2026, 1, 1), date(2026, 2, 1)), GREGORIAN, Every.RANGE)


# Which KPIs can be divided


def test_which_kpis_are_additive() -> None:
	additive = {name for name, kpi in catalogue.kpis().items() if is_additive(kpi)}
	assert additive & set(catalogue.ORDER) == {
		"sales_volume", "deals", "bookings", "orders", "new_customers", "calls", "meetings", "emails",
	}  # fmt: skip


@pytest.mark.parametrize("name", ["win_rate", "sales_cycle", "pipeline_value", "clv_to_cac"])
@pytest.mark.parametrize("split", [split for split in Split if split is not Split.SAME])
def test_a_kpi_that_does_not_add_up_is_not_divided(name: str, split: Split) -> None:
	kpi = catalogue.kpi(name)
	with pytest.raises(InputError, match=f"{kpi.title} of several periods doesn't add up"):
		check_additive(kpi)
	with pytest.raises(InputError, match="give each period the same value, or a path"):
		over_periods(kpi, 0.5, YEAR_2026, split, percentages={"May": 100.0})
	assert over_periods(kpi, 0.5, YEAR_2026, Split.SAME) == [0.5] * 12


def test_a_target_over_its_periods() -> None:
	volume = catalogue.kpi("sales_volume")
	periods = months("2026-01-01", "2026-02-28")
	fridays = {date(2026, 1, 2) + timedelta(weeks=week) for week in range(9)}
	assert over_periods(volume, 1000, periods, Split.SAME) == [1000, 1000]
	assert over_periods(volume, 1001, periods, Split.EVEN, 0) == [501, 500]
	assert over_periods(volume, 500, periods, Split.WORKING_DAYS, holidays=fridays) == [260, 240]
	assert over_periods(volume, 500, periods, Split.SEASON, history=[[3], [1]]) == [375, 125]
	percentages = {"January": 10.0, "February": 30.0, "March": 60.0}
	split = Split.MONTHLY_DISTRIBUTION
	assert over_periods(volume, 500, periods, split, percentages=percentages) == [125, 375]
	with pytest.raises(InputError, match="Choose the Monthly Distribution"):
		over_periods(volume, 500, periods, split)
	with pytest.raises(InputError, match="The range holds no period"):
		over_periods(volume, 500, [], Split.SAME)
	with pytest.raises(InputError, match="The target is no number"):
		over_periods(volume, math.nan, periods, Split.SAME)


# Evidence


@pytest.mark.parametrize(
	("value", "target", "good", "low", "high", "met"),
	[
		(100, 100, UP, None, None, True),
		(99, 100, UP, None, None, False),
		(0.1 + 0.2 - 1e-16, 0.3, UP, None, None, True),
		(30, 30, DOWN, None, None, True),
		(31, 30, DOWN, None, None, False),
		(0, 0, DOWN, None, None, True),
		(5, None, NEITHER, 4, 6, True),
		(7, None, NEITHER, 4, 6, False),
		(3, None, NEITHER, 4, None, False),
		(3, None, NEITHER, None, 4, True),
		(7, 1, UP, 4, 6, False),
	],
)
def test_whether_a_target_is_met(
	value: float, target: float | None, good: Good, low: float | None, high: float | None, met: bool
) -> None:
	assert meets(value, target, good, low, high) is met


def test_in_how_many_periods_a_target_was_reached() -> None:
	values = [90, None, 110, 100, 120, None]
	assert reached(values, 100, UP) == (3, 4)
	assert reached(values, 100, DOWN) == (2, 4)
	assert reached(values, None, NEITHER, 95, 112) == (2, 4)
	assert reached([None, None], 100, UP) == (0, 0)


def test_what_can_not_be_met() -> None:
	with pytest.raises(InputError, match="A target needs a value"):
		meets(1, None, UP)
	with pytest.raises(InputError, match="give a range"):
		meets(1, 1, NEITHER)


def test_a_target_that_was_always_reached() -> None:
	(warning,) = warnings([100, 104, None, 98, 110], 90, UP)
	assert (warning.code, warning.reached, warning.of, warning.best) == (Code.TOO_EASY, 4, 4, 110)
	assert str(warning) == "It was reached in each of the last 4 periods: it may be too easy."
	(warning,) = warnings([20, 25, 30], 30, DOWN)
	assert (warning.code, warning.best) == (Code.TOO_EASY, 20)


def test_a_target_far_beyond_the_best() -> None:
	(warning,) = warnings([100, 104, 98, 110], 165, UP)
	assert (warning.code, warning.reached, warning.of, warning.best) == (Code.OUT_OF_REACH, 0, 4, 110)
	assert warning.beyond == pytest.approx(0.5)
	assert str(warning) == (
		"It was reached in none of the last 4 periods, and lies by 50% beyond the best of them, 110: "
		"it may be out of reach."
	)
	(warning,) = warnings([50, 45, 40], 30, DOWN)
	assert (warning.code, warning.best, warning.beyond) == (Code.OUT_OF_REACH, 40, 0.25)
	(warning,) = warnings([10, 20, 30], None, NEITHER, 45, 60)
	assert (warning.code, warning.best, warning.beyond) == (Code.OUT_OF_REACH, 30, 0.5)
	(warning,) = warnings([0, 0, 0], 5, UP)
	assert (warning.code, warning.best, warning.beyond) == (Code.OUT_OF_REACH, 0, None)
	assert "lies beyond the best of them, 0:" in str(warning)


@pytest.mark.parametrize(
	("values", "target"),
	[
		([100, 104, 98, 110], 132.0),
		([100, 104, 98, 110], 105.0),
		([100, 104], 90.0),
		([100, None, None, 104], 1000.0),
		([], 1000.0),
	],
)
def test_nothing_to_warn_of(values: list[float | None], target: float) -> None:
	"""Within a fifth of the best, reached at times, or too few periods to tell."""
	assert warnings(values, target, UP) == []


@given(
	values=st.lists(st.one_of(st.none(), AMOUNTS), max_size=24),
	target=AMOUNTS,
	good=st.sampled_from([UP, DOWN]),
)
def test_warnings_go_with_what_was_reached(values: list[float | None], target: float, good: Good) -> None:
	times, of = reached(values, target, good)
	found = warnings(values, target, good)
	assert 0 <= times <= of == len([value for value in values if value is not None])
	assert len(found) <= 1
	for warning in found:
		assert times == (of if warning.code is Code.TOO_EASY else 0)
		assert str(warning)


# Checks


def test_values_that_are_refused() -> None:
	volume, rate = catalogue.kpi("sales_volume"), catalogue.kpi("win_rate")
	for value, kpi, percentage, sentence in (
		(None, volume, False, f"The target for {volume.title} needs a value."),
		(math.nan, volume, False, "The target is no number."),
		(0.1, volume, True, f"{volume.title} is measured in currency, so its target can't be a percentage"),
		(30.0, rate, True, f"{rate.title} can't be above 100 %, and the target is 3,000 %."),
	):
		with pytest.raises(InputError, match=sentence):
			check_value(kpi, value, percentage)
	check_value(volume, 0)
	check_value(rate, 1.0, percentage=True)


def test_goals_that_are_refused() -> None:
	volume, duration = catalogue.kpi("sales_volume"), catalogue.kpi("average_call_duration")
	with pytest.raises(InputError, match="is better: give a range instead of one value"):
		check_goal(duration, 180)
	with pytest.raises(InputError, match="needs a value"):
		check_goal(volume, None)
	with pytest.raises(InputError, match="can't be a percentage"):
		check_goal(duration, None, 0.1, 0.2, percentage=True)
	check_goal(duration, None, 120, 240)
	check_goal(volume, 1000)


def test_ranges_that_are_refused() -> None:
	with pytest.raises(InputError, match=r"The lowest value, 5, is above the highest, 4\.5\."):
		check_range(5, 4.5)
	with pytest.raises(InputError, match="A range needs a lowest or a highest value"):
		check_range(None, None)
	with pytest.raises(InputError, match="The highest value is no number"):
		check_range(1, math.inf)
	check_range(5, 5)
	check_range(None, 5)


def test_weights_and_periods_that_are_refused() -> None:
	with pytest.raises(InputError, match="weights must be 0 or more"):
		check_weights([0.5, -0.1])
	with pytest.raises(InputError, match="The range holds no period"):
		check_periods([])
	with pytest.raises(InputError, match="The range holds no period"):
		check_periods([Period(date(2026, 1, 1), date(2026, 1, 1))])
	check_weights([0, 0.2])
	check_periods(YEAR_2026)


def test_scopes_that_are_refused() -> None:
	with pytest.raises(InputError, match="isn't measured by sales-person"):
		check_scope(catalogue.kpi("customer_lifetime_value"), By.SALES_PERSON)
	check_scope(catalogue.kpi("customer_lifetime_value"), By.COMPANY)


# Overlaps

JANUARY = TargetRange("ACME", "deals", By.TEAM, "North", date(2026, 1, 1), date(2026, 1, 31), name="TARGET-1")


def test_targets_overlap_where_their_days_do() -> None:
	later = TargetRange("ACME", "deals", By.TEAM, "North", date(2026, 1, 31), date(2026, 3, 31))
	assert overlap(JANUARY, later) == overlap(later, JANUARY) == (date(2026, 1, 31), date(2026, 1, 31))
	with pytest.raises(
		InputError, match="TARGET-1 is a target for deals of North from 2026-01-31 to 2026-01-31"
	):
		check_overlaps(later, [JANUARY])
	check_overlaps(JANUARY, [JANUARY])


@pytest.mark.parametrize(
	"change",
	[
		{"company": "Other"},
		{"kpi": "orders"},
		{"by": By.TERRITORY},
		{"scope": "South"},
		{"calendar": "jalali"},
		{"every": Every.YEAR},
		{"first": date(2026, 2, 1), "last": date(2026, 2, 28)},
	],
)
def test_targets_that_stand_beside_each_other(change: dict[str, object]) -> None:
	other = TargetRange(**{**vars(JANUARY), "name": "TARGET-2", **change})  # type: ignore[arg-type]
	assert overlap(JANUARY, other) is None
	check_overlaps(JANUARY, [other])
