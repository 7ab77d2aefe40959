"""BG/NBD and Gamma-Gamma: goldens G9 and G10, the published closed form as an oracle, recovery of what was simulated."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from sales_kpi.analysis.buy_till_die import BgNbd, GammaGamma, fit_bg_nbd, fit_gamma_gamma, independence
from sales_kpi.errors import InputError

EXACT = 1e-6
QUICK = settings(max_examples=40, derandomize=True, deadline=None)
CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Parameters that Fader, Hardie and Lee (2005) publish for customers of CDNOW, in weeks."""
SPENDING = GammaGamma(p=6.25, q=3.74, v=15.44)
"""Parameters that Fader and Hardie publish for the same customers."""

PARAMETERS = st.tuples(st.floats(0.05, 5), st.floats(0.1, 50), st.floats(0.1, 8), st.floats(0.1, 20))


def simulated(count: int, model: BgNbd, seed: int = 1) -> tuple[Any, Any, Any]:
	"""Customers that buy as the model says, each followed for 200 to 900 days."""
	rng = np.random.default_rng(seed)
	rate, chance = rng.gamma(model.r, 1 / model.alpha, count), rng.beta(model.a, model.b, count)
	age = rng.integers(200, 900, count).astype(float)
	x, t_x, now = np.zeros(count), np.zeros(count), np.zeros(count)
	there = np.arange(count)
	while len(there):
		now[there] += rng.exponential(1 / np.maximum(rate[there], 1e-300))
		there = there[now[there] <= age[there]]
		x[there] += 1
		t_x[there] = now[there]
		there = there[rng.random(len(there)) >= chance[there]]
	return x, t_x, age


# BG/NBD


def test_goldens_of_purchases() -> None:
	"""Golden G9: a published example of 1.226 purchases, and customers at its sides."""
	assert CDNOW.expected_purchases(39, [2], [30.43], [38.86]) == pytest.approx([1.226028], abs=EXACT)
	assert CDNOW.expected_new(39) == pytest.approx(1.196723, abs=EXACT)
	alive = CDNOW.p_alive([2, 2, 6, 0], [30.43, 10, 10, 0], [38.86] * 4)
	assert alive == pytest.approx([0.726579, 0.268446, 0.009696, 1.0], abs=EXACT)


def test_golden_likelihoods() -> None:
	"""Golden G9, each customer and their sum."""
	found = CDNOW.log_likelihood([2, 1, 0], [30.43, 1.71, 0], [38.86] * 3)
	assert found == pytest.approx([-9.458606, -4.469093, -0.554713], abs=EXACT)
	assert found.sum() == pytest.approx(-14.482413, abs=2 * EXACT)


@given(
	parameters=PARAMETERS,
	x=st.integers(0, 20),
	since=st.floats(0, 1),
	age=st.floats(1, 100),
	ahead=st.floats(0.1, 50),
)
@QUICK
def test_expected_purchases_are_those_of_the_closed_form(
	parameters: tuple[float, float, float, float], x: int, since: float, age: float, ahead: float
) -> None:
	"""Equation 10 of the paper, wherever it can be computed."""
	r, alpha, a, b = parameters
	if abs(a - 1) < 0.05 or a + b + x - 1 < 0.05:
		return
	t_x = since * age if x else 0.0
	here = (alpha + age) / (alpha + age + ahead)
	factor = hyp2f1(r + x, b + x, a + b + x - 1, 1 - here)
	above = (a + b + x - 1) / (a - 1) * (1 - here ** (r + x) * factor)
	gone = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0.0
	found = BgNbd(r, alpha, a, b).expected_purchases(ahead, [x], [t_x], [age])
	assert found == pytest.approx([above / (1 + gone)], rel=1e-5)


def test_where_the_closed_form_has_no_value() -> None:
	"""At a = 1 it divides by 0; the expectation lies between those beside it."""
	beside = [BgNbd(0.5, 10, a, 2).expected_purchases(30, [3], [40], [50])[0] for a in (0.999, 1, 1.001)]
	assert beside[0] > beside[1] > beside[2]
	assert beside[1] == pytest.approx((beside[0] + beside[2]) / 2, rel=1e-5)


def test_frequent_buyers_and_extreme_parameters_give_numbers() -> None:
	"""Where the published formula overflows. Whoever never goes buys at their own rate."""
	x, t_x, age = [0, 5000, 400, 400], [0, 900, 1, 899], [900] * 4
	for model in (CDNOW, BgNbd(1e-5, 1e-3, 1e-5, 1e5), BgNbd(300, 5000, 500, 1e6), BgNbd(0.1, 1e4, 50, 0.01)):
		for found in (
			model.expected_purchases(365, x, t_x, age),
			model.p_alive(x, t_x, age),
			model.log_likelihood(x, t_x, age),
		):
			assert np.isfinite(found).all()
		assert (model.expected_purchases(365, x, t_x, age) >= 0).all()
	stays = BgNbd(2, 10, 1e-9, 1)
	assert stays.expected_purchases(5, [3], [4], [40]) == pytest.approx([(2 + 3) / (10 + 40) * 5])


@given(parameters=PARAMETERS, x=st.integers(1, 30), since=st.floats(0, 1), age=st.floats(1, 100))
@QUICK
def test_who_has_been_silent_for_longer_is_less_likely_there(
	parameters: tuple[float, float, float, float], x: int, since: float, age: float
) -> None:
	model = BgNbd(*parameters)
	alive = model.p_alive([x, x], [since * age, since * age], [age, age * 2])
	assert 0 <= alive[1] <= alive[0] <= 1
	ahead = [model.expected_purchases(days, [x], [since * age], [age])[0] for days in (0, 10, 20)]
	assert ahead[0] == 0
	assert ahead[0] <= ahead[1] <= ahead[2]


@pytest.mark.parametrize("truth", [BgNbd(0.8, 60, 0.9, 3.0), BgNbd(2.0, 100, 0.4, 4.0)])
def test_what_was_simulated_is_found_again(truth: BgNbd) -> None:
	x, t_x, age = simulated(6000, truth)
	found = fit_bg_nbd(x, t_x, age)
	assert found is not None
	assert (found.r, found.alpha) == pytest.approx((truth.r, truth.alpha), rel=0.15)
	assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.1)
	assert found.likelihood is not None
	assert found.likelihood == pytest.approx(found.log_likelihood(x, t_x, age).sum())
	assert found.likelihood >= truth.log_likelihood(x, t_x, age).sum()
	# It is a maximum: a step any way is worse.
	for name in ("r", "alpha", "a", "b"):
		for factor in (0.98, 1.02):
			near = {key: getattr(found, key) for key in ("r", "alpha", "a", "b")}
			near[name] *= factor
			assert BgNbd(**near).log_likelihood(x, t_x, age).sum() < found.likelihood


def test_the_future_of_simulated_customers_is_foretold() -> None:
	"""Of customers that are followed for another year: what is expected is what comes, for all and for each rate."""
	truth = BgNbd(0.8, 60, 0.9, 3.0)
	rng = np.random.default_rng(3)
	count, until, after = 20000, 400.0, 365.0
	rate, chance = rng.gamma(truth.r, 1 / truth.alpha, count), rng.beta(truth.a, truth.b, count)
	x, t_x, later, now, there = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count), None
	there = np.arange(count)
	while len(there):
		now[there] += rng.exponential(1 / np.maximum(rate[there], 1e-300))
		there = there[now[there] <= until + after]
		early = there[now[there] <= until]
		x[early] += 1
		t_x[early] = now[early]
		later[there[now[there] > until]] += 1
		there = there[rng.random(len(there)) >= chance[there]]
	age = np.full(count, until)
	model = fit_bg_nbd(x, t_x, age)
	assert model is not None
	expected = model.expected_purchases(after, x, t_x, age)
	for mine in (x == 0, x == 1, x >= 5, x >= 0):
		assert expected[mine].sum() == pytest.approx(later[mine].sum(), rel=0.06)


def test_units_of_time_and_order_change_nothing() -> None:
	x, t_x, age = simulated(800, BgNbd(0.8, 60, 0.9, 3.0), seed=5)
	days, weeks = fit_bg_nbd(x, t_x, age), fit_bg_nbd(x, t_x / 7, age / 7)
	order = np.random.default_rng(1).permutation(len(x))
	assert fit_bg_nbd(x[order], t_x[order], age[order]) == days
	assert days is not None
	assert weeks is not None
	assert (weeks.r, weeks.alpha * 7, weeks.a, weeks.b) == pytest.approx(
		(days.r, days.alpha, days.a, days.b), rel=1e-4
	)
	assert weeks.likelihood == pytest.approx((days.likelihood or 0) + x.sum() * math.log(7), abs=1e-3)


def test_many_customers_are_fitted_fast() -> None:
	x, t_x, age = simulated(100_000, BgNbd(0.8, 60, 0.9, 3.0))
	began = time.process_time()
	model = fit_bg_nbd(x, np.floor(t_x), age)
	assert model is not None
	model.expected_purchases(365, x, t_x, age)
	assert time.process_time() - began < 10


def test_what_tells_nothing_has_no_model() -> None:
	assert fit_bg_nbd([], [], []) is None
	assert fit_bg_nbd([0, 0, 0], [0, 0, 0], [10, 20, 30]) is None
	assert fit_bg_nbd([0], [0], [0]) is None
	one = fit_bg_nbd([3], [20], [30])
	assert one is None or math.isfinite(one.alpha)
	assert list(CDNOW.expected_purchases(5, [], [], [])) == []
	assert list(CDNOW.p_alive([], [], [])) == []


@pytest.mark.parametrize(
	("x", "t_x", "age", "message"),
	[
		([1], [5], [4], "must lie between"),
		([1], [-1], [4], "must lie between"),
		([0], [1], [4], "must lie between"),
		([-1], [0], [4], "whole number"),
		([1.5], [1], [4], "whole number"),
		([1, 2], [1], [4], "2 numbers of purchases, 1 last ones and 1 ages"),
		([1], [math.nan], [4], "must be known"),
	],
)
def test_impossible_customers_are_refused(x: Any, t_x: Any, age: Any, message: str) -> None:
	for ask in (fit_bg_nbd, CDNOW.p_alive, CDNOW.log_likelihood):
		with pytest.raises(InputError, match=message):
			ask(x, t_x, age)


def test_impossible_questions_are_refused() -> None:
	with pytest.raises(InputError, match="0 or more, not for -1"):
		CDNOW.expected_purchases(-1, [1], [1], [4])
	with pytest.raises(InputError, match="a must be above 0"):
		BgNbd(1, 1, 0, 1)
	with pytest.raises(InputError, match="v must be above 0"):
		GammaGamma(1, 1, math.nan)


# Gamma-Gamma


def test_goldens_of_spending() -> None:
	"""Golden G10."""
	assert SPENDING.population_mean == pytest.approx(35.218978, abs=EXACT)
	found = SPENDING.expected_spend([1, 2, 10, 0], [25, 40, 40, 0])
	assert found == pytest.approx([28.114572, 39.140420, 39.799203, 35.218978], abs=EXACT)
	value = CDNOW.expected_purchases(39, [2], [30.43], [38.86]) * SPENDING.expected_spend([2], [40])
	assert value == pytest.approx([47.987258], abs=EXACT)


@given(x=st.integers(1, 200), mean=st.floats(0.01, 1e6))
@QUICK
def test_a_customer_is_expected_to_spend_between_all_and_its_own(x: int, mean: float) -> None:
	every = SPENDING.population_mean
	assert every is not None
	(found,) = SPENDING.expected_spend([x], [mean])
	assert min(every, mean) - 1e-6 <= found <= max(every, mean) + 1e-6


def spending(count: int, model: GammaGamma, seed: int = 1) -> tuple[Any, Any]:
	rng = np.random.default_rng(seed)
	x = rng.integers(0, 8, count)
	each = rng.gamma(model.q, 1 / model.v, count)
	return x, np.where(x > 0, rng.gamma(model.p * np.maximum(x, 1), 1 / each) / np.maximum(x, 1), np.nan)


def test_spending_that_was_simulated_is_found_again() -> None:
	x, mean = spending(20000, SPENDING)
	found, scaled = fit_gamma_gamma(x, mean), fit_gamma_gamma(x, mean * 1000)
	assert found is not None
	assert scaled is not None
	assert (found.p, found.q, found.v) == pytest.approx((SPENDING.p, SPENDING.q, SPENDING.v), rel=0.1)
	assert found.population_mean == pytest.approx(SPENDING.population_mean, rel=0.02)
	assert (scaled.p, scaled.q, scaled.v / 1000) == pytest.approx((found.p, found.q, found.v), rel=1e-3)
	assert scaled.likelihood == pytest.approx((found.likelihood or 0) - (x > 0).sum() * math.log(1000))
	order = np.random.default_rng(1).permutation(len(x))
	assert fit_gamma_gamma(x[order], mean[order]) == found


def test_spending_that_tells_nothing_has_no_model() -> None:
	assert fit_gamma_gamma([], []) is None
	assert fit_gamma_gamma([0, 0], [math.nan, 0]) is None
	assert fit_gamma_gamma([3], [10]) is None
	assert fit_gamma_gamma([3, 2, 5], [10, 10, 10]) is None
	assert GammaGamma(2, 0.9, 5).population_mean is None
	with pytest.raises(InputError, match="infinite"):
		GammaGamma(2, 0.9, 5).expected_spend([0], [0])
	with pytest.raises(InputError, match="above 0"):
		fit_gamma_gamma([1, 1], [10, -1])
	with pytest.raises(InputError, match="1 numbers of purchases and 2 means"):
		fit_gamma_gamma([1], [10, 1])


def test_spending_and_frequency_are_compared() -> None:
	x, mean = spending(5000, SPENDING)
	near = independence(x, mean)
	assert near is not None
	assert abs(near) < 0.05
	assert independence([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
	assert independence([1, 2, 3, 0], [30, 20, 10, math.nan]) == pytest.approx(-1)
	assert independence([1, 2], [10, 20]) is None
	assert independence([2, 2, 2], [10, 20, 30]) is None
