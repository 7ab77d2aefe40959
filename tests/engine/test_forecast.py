"""Forecasts: goldens G21 and G22, the back-test against a plain one, and a demo company counted by hand."""

from __future__ import annotations

import math
import time
import warnings
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import change, invoice, opportunity, order, team
from statsmodels.tsa.holtwinters import ExponentialSmoothing, SimpleExpSmoothing
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.forecast import (
	ANALYSIS,
	COMBINED,
	INSIDE,
	LEVEL,
	NAIVE,
	SEASONAL,
	Forecast,
	OddsCheck,
	Pipeline,
	accuracy,
	brier,
	checked_odds,
	forecasts,
	half_widths,
	kept,
	least,
	odds,
	open_period,
	project,
	scored,
	seasonal_naive,
	smoothing,
)
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every

QUICK = settings(max_examples=30, derandomize=True, deadline=None)
ACCURACY = {"view": "accuracy"}
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


def notes(outcome: Outcome) -> str:
	return " ".join(note.sentence.format(**note.values) for note in outcome.notes)


def seasonal(
	count: int, noise: float = 0.0, seed: int = 0, growth: float = 0.0, season: int = 12
) -> list[float]:
	"""Values with a season."""
	rng, month = np.random.default_rng(seed), np.arange(count)
	values = (1000 + growth * month) * (1 + 0.3 * np.sin(2 * np.pi * month / season)) + rng.normal(
		0, noise, count
	)
	return [float(value) for value in values]


# Accuracy


def test_golden_accuracy() -> None:
	"""Golden G22."""
	found = accuracy([100, 120, 80], [110, 100, 100], [90, 105, 95, 110])
	assert found.n == 3
	assert found.mae == pytest.approx(16.666667, abs=1e-6)
	assert found.rmse == pytest.approx(17.320508, abs=1e-6)
	assert found.wape == pytest.approx(0.161290, abs=1e-6)
	assert found.bias == pytest.approx(-0.032258, abs=1e-6)
	assert found.mase == pytest.approx(1.25, abs=1e-6)


def test_golden_simple_smoothing() -> None:
	"""Golden G22: with a level of 100 and α = 0.5 it is 112.5. The model here is the same one, its parameters apart."""
	values = [100.0, 110, 105, 120]
	known = SimpleExpSmoothing(values, initialization_method="known", initial_level=100)
	assert known.fit(smoothing_level=0.5, optimized=False).forecast(1) == pytest.approx([112.5])
	series = seasonal(30, noise=50, seed=4)
	found = smoothing(LEVEL, series, 12)
	assert found is not None
	make, parameters = found
	oracle = ExponentialSmoothing(np.array(series), initialization_method="heuristic")
	told = oracle.fit(smoothing_level=float(parameters[0]), optimized=False)
	assert make(3) == pytest.approx(told.forecast(3).tolist(), rel=1e-6)
	assert smoothing(LEVEL, series, 12, parameters)[0](3) == pytest.approx(make(3))  # type: ignore[index]


@given(
	pairs=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=10),
	seed=st.randoms(use_true_random=False),
)
@QUICK
def test_accuracy_holds_always(pairs: list[tuple[float, float]], seed: Any) -> None:
	told, actual = [one for one, _ in pairs], [other for _, other in pairs]
	found = accuracy(told, actual)
	assert 0 <= found.mae <= found.rmse + 1e-6
	assert (found.wape is None) == (found.bias is None) == (not any(actual))
	if found.wape is not None and found.bias is not None:
		assert abs(found.bias) <= found.wape + 1e-9
	seed.shuffle(pairs)
	assert accuracy(*zip(*pairs)).mae == pytest.approx(found.mae)
	assert accuracy(actual, actual).mae == 0
	assert found.mase is None


def test_nothing_cannot_be_compared() -> None:
	for told, actual in (([], []), ([1], [1, 2])):
		with pytest.raises(InputError, match="can't be compared"):
			accuracy(told, actual)
		with pytest.raises(InputError, match="can't be compared"):
			brier(told, actual)
	assert accuracy([1, 2], [0, 0], [5, 5, 5]).mase is None


# Models


def test_seasonal_naive() -> None:
	assert seasonal_naive([1, 2, 3, 4, 5], 2, 3) == [4, 5, 4]
	assert seasonal_naive([1, 2, 3], 1, 2) == [3, 3]
	with pytest.raises(InputError, match="season of 4"):
		seasonal_naive([1, 2], 4, 1)


def test_a_model_that_cannot_be_fitted_is_none_and_leaks_no_warning() -> None:
	with warnings.catch_warnings():
		warnings.simplefilter("error")
		assert smoothing(LEVEL, [5.0] * 20, 12) is None
		assert smoothing(LEVEL, [0.0] * 20, 12) is None
		assert smoothing(SEASONAL, seasonal(15), 12) is None
		rng = np.random.default_rng(2)
		for series in (
			rng.poisson(0.3, 40) * 1e6,
			np.r_[np.zeros(39), 1e9],
			rng.normal(0, 1, 40),
			1.5 ** np.arange(40),
			-np.arange(40.0),
		):
			found = project([float(value) for value in series], 12)
			assert found is not None
			assert all(map(math.isfinite, (*found.values, *found.low, *found.high)))


# Projections


def test_a_clear_season_is_found() -> None:
	series = seasonal(60, noise=30, growth=10)
	found = project(series[:54], 12, 6)
	assert found is not None
	assert found.model != NAIVE
	assert found.values == pytest.approx(series[54:], rel=0.1)
	assert found.tried[0].model == NAIVE
	assert found.best.accuracy.mae < found.tried[0].accuracy.mae
	assert found.best.accuracy.mae == min(one.accuracy.mae for one in found.tried)
	assert all(low < value < high for low, value, high in zip(found.low, found.values, found.high))
	widths = [high - low for low, high in zip(found.low, found.high)]
	assert widths == sorted(widths)


def test_where_no_model_is_better_the_naive_one_is_shown() -> None:
	"""A season that repeats itself exactly, and one that no smoothing knows as it is too short."""
	pattern = [10.0, 90, 20, 70, 15, 95, 5, 60, 30, 80, 25, 50]
	found = project(pattern * 2, 12, 12)
	assert found is not None
	assert found.model == NAIVE
	assert found.values == tuple(pattern)
	assert found.low == found.high == found.values
	assert SEASONAL not in {one.model for one in found.tried}


def test_the_back_test_is_a_plain_one() -> None:
	"""Of the naive model, from each of the last months on; nothing of what came after is known to it."""
	series = seasonal(40, noise=100, seed=3)
	found = project(series, 12, 3)
	assert found is not None
	naive = found.tried[0]
	pairs = [
		(series[month - 12], series[month])
		for origin in range(28, 40)
		for month in range(origin, min(origin + 3, 40))
	]
	assert naive.accuracy.n == len(pairs) == 33
	expected = accuracy(*zip(*pairs), history=series[:28], season=12)
	assert naive.accuracy.mae == pytest.approx(expected.mae)
	assert naive.accuracy.mase == pytest.approx(expected.mase)
	assert naive.ahead == {month: series[month - 12] for month in range(28, 40)}
	assert [len(each) for each in naive.errors] == [12, 11, 10]
	# Values to come change nothing of what was foretold before.
	level = next(one for one in found.tried if one.model == LEVEL)
	other = project([*series[:39], 1e5], 12, 3)
	assert other is not None
	changed = next(one for one in other.tried if one.model == LEVEL)
	assert changed.ahead == level.ahead


def test_what_was_never_below_nothing_is_not_foretold_to_be() -> None:
	rng = np.random.default_rng(3)
	rare = [float(value) * 100 for value in rng.poisson(0.4, 40)]
	found, other = project(rare, 12, 6), project([value - 1 for value in rare], 12, 6)
	assert found is not None
	assert other is not None
	assert min(*found.low, *found.values) >= 0
	assert min(other.low) < 0


def test_combined_is_the_mean() -> None:
	found = project(seasonal(40, noise=100, seed=3), 12, 3)
	assert found is not None
	# Of those that know the season, where there are any.
	parts = [one.ahead for one in found.tried if "season" in one.model and one.model != NAIVE]
	assert len(parts) == 3
	mean = next(one.ahead for one in found.tried if one.model == COMBINED)
	for origin, value in mean.items():
		assert value == pytest.approx(sum(part[origin] for part in parts) / len(parts))


def test_too_few_values_have_no_forecast() -> None:
	assert (least(12), least(4), least(1)) == (18, 16, 16)
	assert project(seasonal(17), 12) is None
	assert project(seasonal(18), 12) is not None
	assert project([], 12) is None
	for horizon in (0, 25):
		with pytest.raises(InputError, match="From 1 to 24"):
			project(seasonal(30), 12, horizon)


def test_intervals_hold_what_they_say() -> None:
	"""Of many series, as many next values lie inside as is said, about."""
	inside = total = 0
	for seed in range(12):
		series = seasonal(35, noise=100, seed=seed, season=4)
		found = project(series[:32], 4, 3)
		assert found is not None
		for low, high, actual in zip(found.low, found.high, series[32:]):
			inside, total = inside + (low <= actual <= high), total + 1
	assert INSIDE - 0.15 <= inside / total <= INSIDE + 0.18


def test_half_widths() -> None:
	from scipy.stats import t

	found = half_widths([[10, -10, 10], [1, -1, 1], [5], []])
	first = 10 * t.ppf(0.9, 3)
	assert found == pytest.approx(
		[first, first, first * math.sqrt(3 / 2), first * math.sqrt(3 / 2) * math.sqrt(4 / 3)]
	)
	assert half_widths([[], [0, 0, 0]]) == [0, 0]


def test_units_change_nothing() -> None:
	series = seasonal(40, noise=100, seed=3)
	one, other = project(series, 12), project([value * 1e6 for value in series], 12)
	assert one is not None
	assert other is not None
	assert other.model == one.model
	assert other.values == pytest.approx([value * 1e6 for value in one.values], rel=1e-5)


def test_open_period() -> None:
	"""400 are there, and 40 % normally are by now: 60 % of 1000 follow."""
	found = open_period(400, 0.4, 1000, 800, 1300)
	assert found.value == pytest.approx(1000)
	assert found.low == pytest.approx(1000 - 200 * math.sqrt(0.6))
	assert found.high == pytest.approx(1000 + 300 * math.sqrt(0.6))
	over = open_period(400, 1.2, 1000, 800, 1300)
	assert (over.share, over.value, over.low, over.high) == (1, 400, 400, 400)


def test_fifty_series_are_fast() -> None:
	began = time.process_time()
	for seed in range(5):
		project(seasonal(60, noise=100 + 20 * seed, seed=seed), 12, 6)
	# Of the processor, whatever else runs; numpy counts on both of its cores.
	assert (time.process_time() - began) * 10 < 60


# Kept forecasts


def test_scored() -> None:
	"""Golden G22 once more; a forecast that has not come yet, and one of another scope, don't count."""
	made, days = date(2025, 1, 1), [date(2025, month, 1) for month in (1, 2, 3)]
	kept = [
		Forecast(made, day, NAIVE, value, value - 10, value + 10)
		for day, value in zip(days, [100.0, 120, 80])
	]
	later = Forecast(made, date(2025, 4, 1), NAIVE, 1, 0, 2)
	actuals = {("", day): value for day, value in zip(days, [110.0, 100, 100])}
	found = scored([*kept, later], actuals | {("Ann", date(2025, 4, 1)): 5.0})
	assert found is not None
	assert found.accuracy.wape == pytest.approx(0.161290, abs=1e-6)
	assert found.accuracy.bias == pytest.approx(-0.032258, abs=1e-6)
	assert found.inside == pytest.approx(1 / 3)
	assert scored(kept[::-1], actuals) == scored(kept, actuals)
	assert scored([later], actuals) is None
	assert scored([], {}) is None


def told(number: int, month: int, value: float, **more: Any) -> dict[str, Any]:
	"""A forecast of a month of 2025 that a site has kept, made on the first of January, ± 20."""
	return {
		"name": f"F{number}", "company": "A", "kpi": "sales_volume", "scope_type": "Company", "every": "Month",
		"period_start": f"2025-{month:02d}-01", "period_end": f"2025-{month:02d}-{monthrange(2025, month)[1]}",
		"made_on": "2025-01-01", "ahead": month, "model": NAIVE, "value": value, "low": value - 20, "high": value + 20,
		"merged": 0, **more,
	}  # fmt: skip


def test_kept_forecasts_beside_what_came(tmp_path: Path) -> None:
	"""110, 100, 100 came; what is of others, of other periods, merged or made later isn't told."""
	sold = [
		invoice(f"S{number}", f"2025-0{number}-09", net) for number, net in ((1, 110), (2, 100), (3, 100))
	]
	rows = [
		told(1, 1, 100), told(2, 2, 120), told(3, 3, 70), told(4, 6, 90, low=0),
		told(5, 2, 1, company="B"), told(6, 2, 1, kpi="bookings"), told(7, 2, 1, merged=1),
		told(8, 2, 1, every="Quarter"), told(9, 2, 1, period_start="2025-01-21", period_end="2025-02-19"),
		told(10, 2, 1, made_on="2025-05-01"), told(11, 2, 1, scope_type="Team"),
	]  # fmt: skip
	tables = {"Sales Invoice": sold, "KPI Forecast": rows}
	with asking(tmp_path, tables) as ask:
		asked = ask(date(2025, 1, 1), date(2025, 6, 30), date(2025, 4, 15), options={"view": "kept"})
		outcome = checked(ANALYSIS, asked)
		assert [one.value for one in kept(asked, "sales_volume")] == [100, 120, 70, 90]
		late = checked(ANALYSIS, replace(asked, first=date(2025, 3, 1)))
		part = checked(ANALYSIS, replace(asked, by=By.SALES_PERSON))
		quarters = checked(ANALYSIS, replace(asked, every=Every.YEAR))
	assert column(outcome, "actual") == [110, 100, 100, None]
	assert column(outcome, "error") == [-10, 20, -30, None]
	assert column(outcome, "share") == [pytest.approx(-10 / 110), 0.2, -0.3, None]
	assert column(outcome, "bounds") == ["within", "within", "outside", None]
	assert column(late, "actual") == [100, None]
	assert "of a company as a whole" in notes(part)
	assert not part.rows
	assert not quarters.rows
	(score, inside) = outcome.notes
	assert score.values["n"] == 3
	assert score.values["wape"] == pytest.approx(60 / 310)
	assert score.values["bias"] == pytest.approx(-20 / 310)
	assert inside.values["inside"] == pytest.approx(2 / 3)
	with asking(tmp_path, {"Sales Invoice": sold}, without=("KPI Forecast",)) as ask:
		outcome = checked(ANALYSIS, ask(options={"view": "kept"}))
	assert not outcome.rows
	assert "No forecast of these periods is kept" in notes(outcome)


# Pipeline


def test_golden_pipeline() -> None:
	"""Golden G21: 14000 is expected, which can't come; 15000 or more comes with 0.55."""
	found = Pipeline((10000, 20000, 5000), (0.5, 0.25, 0.8))
	assert found.expected == pytest.approx(14000)
	assert found.at_least(15000) == pytest.approx(0.55)
	assert found.at_least(0) == pytest.approx(1)
	assert found.at_least(35001) == 0
	assert brier([0.5, 0.25, 0.8], [1, 0, 1]) == pytest.approx(0.1175)


def test_large_pipelines() -> None:
	"""Beyond what is counted out, near a binomial; nothing is open at all."""
	from scipy.stats import binom

	many = Pipeline((1.0,) * 200, (0.3,) * 200)
	assert many.expected == pytest.approx(60)
	assert many.deviation == pytest.approx(math.sqrt(200 * 0.3 * 0.7))
	assert many.at_least(64.5) == pytest.approx(binom.sf(64, 200, 0.3), abs=0.01)
	assert Pipeline((1.0,) * 20, (1.0,) * 20).at_least(20) == 1
	assert Pipeline((), ()).at_least(1) == 0
	with pytest.raises(InputError, match="chance from 0 to 1"):
		Pipeline((1,), (1.2,))


def test_odds() -> None:
	"""Golden G2: of all 7/12 are won; of those open after 12 days, the rest."""
	found = odds((5, 10, 20, 25, 30, 40), (1, 2, 1, 0, 1, 0))
	assert found.between(0, 0, 1000) == pytest.approx(7 / 12)
	# After 12 days a third has ended: what is left of the wins is 7/12 − 1/6.
	assert found.between(12, 0, 1000) == pytest.approx((7 / 12 - 1 / 6) / (2 / 3))
	assert found.between(12, 0, 8) == pytest.approx((1 / 6) / (2 / 3))
	assert found.between(12, 8, 1000) + found.between(12, 0, 8) == pytest.approx(found.between(12, 0, 1000))
	assert odds((5, 10), (1, 2)).between(11, 0, 100) == 0


@given(
	cases=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), min_size=1, max_size=20),
	age=st.integers(0, 50),
)
@QUICK
def test_odds_are_chances(cases: list[tuple[int, int]], age: int) -> None:
	found = odds(*zip(*cases))
	parts = [found.between(age, start, start + 10) for start in range(0, 60, 10)]
	assert all(0 <= part <= 1 for part in parts)
	assert sum(parts) <= 1 + 1e-9


def test_odds_are_checked_by_what_was_known() -> None:
	"""400 opportunities, half of which are won after 100 days, the others lost: what lay ahead 180 days ago came."""
	as_of, rng = date(2025, 12, 31), np.random.default_rng(1)
	begun = np.array([as_of - timedelta(days=int(day)) for day in rng.integers(150, 700, 400)])
	outcome, took = rng.integers(1, 3, 400), np.full(400, 100.0) + rng.integers(0, 40, 400)
	found = checked_odds(begun, took, outcome, as_of)
	assert found is not None
	then = as_of - timedelta(days=180)
	still = np.array([day <= then and (then - day).days < lasted for day, lasted in zip(begun, took)])
	assert found.open == still.sum()
	assert found.won == (still & (outcome == 1)).sum()
	assert found.expected == pytest.approx(found.won, rel=0.25)
	assert found.holds
	assert checked_odds(begun[:0], took[:0], outcome[:0], as_of) is None
	assert not OddsCheck(10, 5, 5, 0.1).holds
	assert not OddsCheck(100, 60, 20, 0.1).holds


# Answers


def months(count: int, values: list[float], first: date = date(2023, 1, 5)) -> dict[str, Any]:
	"""An invoice on the fifth of each month, half of it given back in some, and orders of twice as much."""
	invoices, orders = [], []
	for number in range(count):
		year, month = divmod(first.month - 1 + number, 12)
		day = date(first.year + year, month + 1, first.day).isoformat()
		invoices.append(invoice(f"S{number}", day, values[number] + 50))
		invoices.append(invoice(f"R{number}", day, -50, is_return=1))
		orders.append(order(f"O{number}", day, 2 * values[number]))
	return {"Sales Invoice": invoices, "Sales Order": orders}


def test_a_forecast_of_records(tmp_path: Path) -> None:
	"""30 months, the last one open: what is there by the fifth is normally all of it."""
	series = [round(value) for value in seasonal(30, noise=40, growth=5)]
	rows = months(30, series)
	with asking(tmp_path, rows) as ask:
		asked = ask(date(2025, 1, 1), date(2025, 6, 30), date(2025, 6, 15), options={"horizon": "2"})
		outcome, kept = checked(ANALYSIS, asked), forecasts(asked)
		early = checked(ANALYSIS, ask(date(2025, 1, 1), date(2025, 6, 30), date(2025, 6, 3)))
		booked = checked(ANALYSIS, ask(as_of=date(2025, 5, 31), options={"measure": "bookings"}))
		trials = checked(ANALYSIS, ask(as_of=date(2025, 5, 31), options=ACCURACY))
	plain = project(series[:29], 12, 2)
	assert plain is not None
	assert column(outcome, "state") == ["actual"] * 5 + ["so far", "forecast"]
	assert column(outcome, "actual") == [*series[24:30], None]
	assert column(outcome, "forecast")[5:] == [series[29], pytest.approx(plain.values[1])]
	assert [one.value for one in kept] == column(outcome, "forecast")[5:]
	assert [one.period for one in kept] == [date(2025, 6, 1), date(2025, 7, 1)]
	assert {one.made_on for one in kept} == {date(2025, 6, 15)}
	assert {one.model for one in kept} == {plain.model}
	# By the third nothing is there, and nothing normally is: the whole forecast is to come.
	assert early.rows[5]["actual"] == 0
	assert early.rows[5]["forecast"] == pytest.approx(plain.values[0])
	twice = project([2 * value for value in series[:29]], 12, 3)
	assert twice is not None
	assert column(booked, "actual")[:5] == [2 * value for value in series[24:29]]
	assert column(booked, "forecast")[-3:] == pytest.approx(list(twice.values))
	assert column(trials, "model") == [one.model for one in twice.tried]
	assert column(trials, "wape") == pytest.approx([one.accuracy.wape for one in twice.tried])
	assert column(trials, "shown").count("shown") == 1


def test_too_little_history_is_said(tmp_path: Path) -> None:
	with asking(tmp_path, months(12, seasonal(12))) as ask:
		outcome = checked(ANALYSIS, ask(date(2023, 6, 1), date(2023, 12, 31), date(2023, 12, 31)))
		assert column(outcome, "forecast") == [None] * 7
		assert (
			"it takes 18 whole periods, so that it can be tried on the last of them. There are 12"
			in notes(outcome)
		)
		trials = checked(
			ANALYSIS, ask(date(2023, 6, 1), date(2023, 12, 31), date(2023, 12, 31), options=ACCURACY)
		)
		assert trials.rows == ()
		assert forecasts(ask(date(2023, 6, 1), date(2023, 12, 31), date(2023, 12, 31))) == []
	with asking(tmp_path, {}) as ask:
		for options in ({}, ACCURACY):
			outcome = checked(ANALYSIS, ask(options=options))
			assert outcome.rows == ()
			assert "nothing on record" in notes(outcome)


@pytest.mark.parametrize(
	("more", "message"),
	[
		({"every": Every.RANGE}, "A range has no next one"),
		({"options": {"measure": "leads"}}, "no measure 'leads'"),
		({"options": {"horizon": "99"}}, "horizon must be a whole number from 1 to 24"),
		({"options": {"depth": "9"}}, "no option 'depth'"),
		({"options": {"measure": "bookings"}, "kpis": ("sales_volume",)}, "may not see bookings"),
	],
)
def test_bad_questions_are_refused(tmp_path: Path, more: Any, message: str) -> None:
	with asking(tmp_path, months(2, [1, 2])) as ask, pytest.raises(InputError, match=message):
		ANALYSIS.answer(ask(**more))


def test_who_came_later_has_no_history_before(tmp_path: Path) -> None:
	"""Ann sells from the beginning on, Bob in the last ten months only."""
	rows = months(30, [1000.0 + number % 7 for number in range(30)])
	rows["Sales Team"] = [
		row
		for number in range(30)
		for row in team(f"S{number}", **({"Ann": 100} if number < 20 else {"Bob": 100}))
	]
	with asking(tmp_path, rows) as ask:
		outcome = checked(ANALYSIS, ask(as_of=date(2025, 6, 30), by=By.SALES_PERSON))
	told = {row["scope"] for row in outcome.rows if row["state"] == "forecast"}
	assert "Ann" in told
	assert "Bob" not in told
	assert "1 have no forecast" in notes(outcome)


def funnel(stages: bool) -> dict[str, Any]:
	"""Each month 24 opportunities of four kinds: those of the first are won after 40 days, the others are lost soon after."""
	rows, log, first = [], [], date(2023, 1, 5)
	for number in range(29):
		year, month = divmod(number, 12)
		day = date(first.year + year, month + 1, 5)
		for kind, copy in product(range(4), range(6)):
			name, end = f"P{number}-{kind}-{copy}", day + timedelta(days=40 + 3 * kind)
			status = "Open" if end > date(2025, 5, 31) else "Lost" if kind else "Converted"
			rows.append(
				opportunity(
					name,
					day.isoformat(),
					status=status,
					modified=f"{end} 12:00:00",
					base_opportunity_amount=1000,
				)
			)
			if stages:
				stage = "Good" if kind < 2 else "Bad"
				log.append(change("Opportunity", name, "sales_stage", "", stage, day.isoformat(), "u1"))
	return {"Opportunity": rows} | ({"Sales Transition": log} if stages else {})


@pytest.mark.parametrize("stages", [False, True])
def test_the_pipeline_beside_it(tmp_path: Path, stages: bool) -> None:
	"""Open on 31 May are the 24 of May. A quarter of all is won, 40 days after the fifth: in June."""
	rows = months(29, seasonal(29, noise=30)) | funnel(stages)
	with asking(tmp_path, rows) as ask:
		outcome = checked(ANALYSIS, ask(date(2025, 5, 1), date(2025, 5, 31), date(2025, 5, 31)))
		hidden = checked(ANALYSIS, ask(as_of=date(2025, 5, 31), kpis=("sales_volume",)))
	pipeline = column(outcome, "pipeline")
	assert pipeline[0] is None
	assert pipeline[1:] == [pytest.approx(6000), 0, 0]
	assert "24 opportunities are open, worth 24000.0" in notes(outcome)
	assert ("The odds are those of the stage" in notes(outcome)) is stages
	assert "pipeline" not in hidden.rows[0]


def test_odds_of_stages(tmp_path: Path) -> None:
	"""Only good ones are open: half of these are won, a quarter of all."""
	rows = months(29, seasonal(29, noise=30)) | funnel(True)
	rows["Opportunity"] = [
		row for row in rows["Opportunity"] if not row["name"].startswith(("P28-2", "P28-3"))
	]
	with asking(tmp_path, rows) as ask:
		staged = checked(ANALYSIS, ask(as_of=date(2025, 5, 31)))
	with asking(tmp_path, {name: each for name, each in rows.items() if name != "Sales Transition"}) as ask:
		aged = checked(ANALYSIS, ask(as_of=date(2025, 5, 31)))
	assert max(value or 0 for value in column(staged, "pipeline")) == pytest.approx(6000)
	assert max(value or 0 for value in column(aged, "pipeline")) == pytest.approx(3000)


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("forecast"), 1200) as found:
		yield found


@pytest.mark.parametrize("measure", ["sales_volume", "bookings"])
@pytest.mark.parametrize("by", [By.COMPANY, By.TEAM])
def test_actual_values_are_the_kpi(demo: Demo, measure: str, by: By) -> None:
	asked = demo.ask(date(2026, 1, 1), date(2026, 10, 31), by=by, options={"measure": measure})
	outcome = checked(ANALYSIS, asked)
	question = Question(asked.company, asked.first, asked.last, Every.MONTH, by, (measure,), asked.as_of)
	values = {
		(value["scope"], value["period_start"]): value["value"]
		for value in compute(asked.source, question, asked.settings, asked.masters)
	}
	actual = [row for row in outcome.rows if row["state"] == "actual"]
	assert actual
	for row in actual:
		key = (str(row.get("scope", asked.company)), row["period"])
		assert row["actual"] == pytest.approx(values[key], abs=1e-4)  # type: ignore[index]


def test_the_demo_counted_by_hand(demo: Demo) -> None:
	"""The series read by SQL, forecast by the pure function; the open period by the share of the days."""
	as_of = date(2026, 10, 17)
	asked = demo.ask(date(2026, 1, 1), date(2026, 10, 31), as_of)
	outcome = checked(ANALYSIS, asked)
	sold = demo.read(
		f"""SELECT posting_date, base_net_total FROM "tabSales Invoice" WHERE docstatus = 1
		AND company = '{asked.company}' AND is_opening = 'No' AND is_internal_customer = 0 AND posting_date <= '{as_of}'"""
	)
	first = min(day for day, _ in sold).replace(day=1)
	count = (2026 - first.year) * 12 + 10 - first.month
	series = [0.0] * (count + 1)
	by_then = [0.0] * (count + 1)
	for day, net in sold:
		place = (day.year - first.year) * 12 + day.month - first.month
		series[place] += float(net)
		length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day.replace(day=1)).days
		by_then[place] += float(net) if day.day <= round(17 / 31 * length) else 0.0
	plain = project([round(value, 6) for value in series[:-1]], 12, 3)
	assert plain is not None
	share = sum(by_then[-13:-1]) / sum(series[-13:-1])
	rows = [row for row in outcome.rows if row["state"] != "actual"]
	assert rows[0]["actual"] == pytest.approx(series[-1])
	assert rows[0]["forecast"] == pytest.approx(series[-1] + (1 - share) * plain.values[0])
	assert [row["forecast"] for row in rows[1:]] == pytest.approx(list(plain.values[1:]))
	assert {row["model"] for row in rows} == {plain.model}


def test_pipelines_of_people_add_up(demo: Demo) -> None:
	span = (date(2026, 10, 1), date(2026, 10, 31))
	whole = [row for row in checked(ANALYSIS, demo.ask(*span)).rows if row["state"] == "forecast"]
	people = checked(ANALYSIS, demo.ask(*span, by=By.SALES_PERSON)).rows
	if "pipeline" not in whole[0]:
		pytest.skip("The odds of this demo company don't hold.")
	parts = [float(str(row["pipeline"])) for row in people if row["period"] == whole[0]["period"]]
	assert sum(parts) <= float(str(whole[0]["pipeline"])) + 1e-6
	assert sum(parts) > 0
