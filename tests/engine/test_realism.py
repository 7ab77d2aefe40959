"""Realism of targets: golden G15, what holds always, statsmodels as the oracle, and what is refused."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.outcome import Kind
from sales_kpi.analysis.realism import (
	LEAST,
	Doubt,
	Likelihood,
	Model,
	Realism,
	Scale,
	likelihood,
	realism,
	scale_of,
)
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import Good, Unit

G15 = [100, 104, 98, 110, 107, 115, 112, 120, 118, 126, 121, 130, 128]
QUICK = settings(max_examples=40, deadline=None, derandomize=True)
MONEY = st.lists(st.floats(1, 1e6), min_size=LEAST + 1, max_size=24)
RATES = st.lists(st.floats(0.01, 0.99), min_size=LEAST + 1, max_size=24)


def test_golden_g15() -> None:
	found = realism(G15, 128 * 1.1)
	assert found.mean == pytest.approx(0.020572, abs=1e-6)
	assert found.deviation == pytest.approx(0.057500, abs=1e-6)
	assert found.steps == 12
	assert found.probability == pytest.approx(0.118831, abs=1e-6)
	assert (found.reached, found.of) == (1, 12)
	assert found.share_reached == pytest.approx(1 / 12)
	assert found.word is Likelihood.UNLIKELY
	assert found.scale is Scale.LOG
	assert [suggestion.probability for suggestion in found.suggestions] == [0.5, 0.65, 0.8]


def test_the_median_suggestion_is_the_mean_growth() -> None:
	bold = realism(G15, 140).suggestions[0].value
	assert bold == pytest.approx(128 * math.exp(math.log(128 / 100) / 12))


@pytest.mark.parametrize("ahead", [1, 3, 12])
def test_the_prediction_is_that_of_a_regression_on_a_constant(ahead: int) -> None:
	"""For one step: statsmodels' prediction of a new observation. For more: its mean and residual variance, added up."""
	import statsmodels.api as sm
	from scipy import stats

	steps = np.diff(np.log(G15))
	fit = sm.OLS(steps, np.ones(len(steps))).fit()
	mean, variance = float(fit.params[0]), float(fit.scale)
	if ahead == 1:
		frame = fit.get_prediction([[1.0]]).summary_frame(alpha=0.4)
		upper = 128 * math.exp(float(frame["obs_ci_upper"].iloc[0]))
		assert realism(G15, upper).probability == pytest.approx(0.2)
	spread = math.sqrt(ahead * variance + ahead**2 * variance / len(steps))
	goal = 150.0
	expected = stats.t.sf((math.log(goal / 128) - ahead * mean) / spread, len(steps) - 1)
	assert realism(G15, goal, ahead).probability == pytest.approx(float(expected))


def test_what_swings_is_told_by_its_level() -> None:
	"""Twelve months of a salesperson of the demo company, none above 58,487: the last two are no new beginning."""
	import statsmodels.api as sm

	swings = [33554, 47135, 29348, 10138, 31451, 23122, 36302, 20527, 31393, 34474, 58487, 53469]
	found = realism(swings, 60000)
	assert found.model is Model.LEVEL
	assert (found.reached, found.of) == (0, 12)
	assert found.probability is not None
	assert 0.05 < found.probability < 0.15
	assert found.suggestions[0].value == pytest.approx(math.exp(np.log(swings).mean()))
	fit = sm.OLS(np.log(swings), np.ones(12)).fit()
	upper = float(fit.get_prediction([[1.0]]).summary_frame(alpha=0.4)["obs_ci_upper"].iloc[0])
	assert realism(swings, math.exp(upper), 5).probability == pytest.approx(0.2)
	assert realism(swings, 60000, model=Model.WALK).probability == pytest.approx(0.48, abs=0.03)
	assert any("around a level" in note.sentence for note in found.notes())
	assert realism(G15, 140).model is Model.WALK


@pytest.mark.parametrize("model", list(Model))
def test_the_model_that_made_a_history_is_found(model: Model) -> None:
	random = np.random.default_rng(7)
	found = 0
	for _number in range(200):
		noise = random.normal(0, 0.2, 24)
		made = np.cumsum(noise) if model is Model.WALK else noise
		found += realism([float(value) for value in 100 * np.exp(made)], 100).model is model
	assert found >= 160


@pytest.mark.parametrize(
	("probability", "word"),
	[
		(0, Likelihood.NEARLY_IMPOSSIBLE),
		(0.01, Likelihood.VERY_UNLIKELY),
		(0.1, Likelihood.UNLIKELY),
		(0.5, Likelihood.ABOUT_EVEN),
		(0.7, Likelihood.LIKELY),
		(0.9, Likelihood.VERY_LIKELY),
		(0.99, Likelihood.NEARLY_CERTAIN),
		(1, Likelihood.NEARLY_CERTAIN),
	],
)
def test_words(probability: float, word: Likelihood) -> None:
	assert likelihood(probability) is word


@pytest.mark.parametrize(
	("unit", "values", "scale"),
	[
		(Unit.CURRENCY, [1, 2], Scale.LOG),
		(Unit.CURRENCY_PER_DAY, [1, 2], Scale.LOG),
		(Unit.CURRENCY, [0, 2], Scale.LINEAR),
		(Unit.CURRENCY, [-1, 2], Scale.LINEAR),
		(Unit.PERCENT, [0.1, 0.9], Scale.LOGIT),
		(Unit.PERCENT, [0.1, 1.0], Scale.LINEAR),
		(Unit.PERCENT, [0.0, 0.5], Scale.LINEAR),
		(Unit.COUNT, [1, 2], Scale.LINEAR),
		(Unit.DAYS, [1, 2], Scale.LINEAR),
		(Unit.RATIO, [1, 2], Scale.LINEAR),
	],
)
def test_scales(unit: Unit, values: list[float], scale: Scale) -> None:
	assert scale_of(unit, values) is scale


def test_rates_move_by_odds() -> None:
	rates = [0.2, 0.25, 0.22, 0.3, 0.27, 0.33, 0.31]
	steps = [math.log(b / (1 - b)) - math.log(a / (1 - a)) for a, b in pairwise(rates)]
	found = realism(rates, 0.35, unit=Unit.PERCENT, model=Model.WALK)
	assert found.mean == pytest.approx(sum(steps) / len(steps))
	assert found.deviation == pytest.approx(np.std(steps, ddof=1))
	assert realism(rates, 1.0, unit=Unit.PERCENT).probability == 0
	assert realism(rates, 0.0, unit=Unit.PERCENT).probability == 1
	assert realism(rates, 1.0, unit=Unit.PERCENT, good=Good.DOWN).probability == 1


@pytest.mark.parametrize("history", [[], [1.0], [1.0] * LEAST, [1.0, None] * 20, [None] * 30])
def test_too_little_history_says_so(history: list[float | None]) -> None:
	found = realism(history, 2)
	assert found.probability is None
	assert found.word is None
	assert found.suggestions == ()
	assert found.doubt is Doubt.TOO_LITTLE_HISTORY
	(note,) = found.notes()
	assert note.is_warning
	assert "too little history" in note.sentence


def test_a_kpi_without_a_direction_has_nothing_to_reach() -> None:
	found = realism(G15, 130, good=Good.NEITHER)
	assert (found.probability, found.doubt) == (None, Doubt.NO_DIRECTION)
	assert len(found.notes()) == 1


def test_missing_values_are_stepped_over() -> None:
	"""Steps are between neighbours that are both known; what is missing at the end lies ahead."""
	gap = [*G15[:6], None, *G15[6:]]
	assert realism(gap, 140).steps == 11
	assert realism([*G15, None], 140) == realism(G15, 140, 2)
	assert realism([None, *G15, math.nan], 140) == realism(G15, 140, 2)


def test_a_steady_history_is_certain() -> None:
	steady = [10.0 * 2**place for place in range(8)]
	assert realism(steady, 2 * steady[-1]).probability == 1
	assert realism(steady, 2.1 * steady[-1]).probability == 0
	assert realism([5.0] * 8, 5, unit=Unit.COUNT).probability == 1
	assert [one.value for one in realism([5.0] * 8, 5, unit=Unit.COUNT).suggestions] == [5, 5, 5]


def test_suggestions_stay_possible() -> None:
	wild = [3.0, 90.0, 1.0, 80.0, 2.0, 95.0, 0.0]
	assert all(one.value >= 0 for one in realism(wild, 5, unit=Unit.COUNT).suggestions)
	edge = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]
	assert all(0 <= one.value <= 1 for one in realism(edge, 0.5, unit=Unit.PERCENT).suggestions)


@QUICK
@given(MONEY, st.floats(1, 1e6), st.floats(1, 3), st.integers(1, 12))
def test_a_higher_target_is_no_likelier(history: list[float], value: float, times: float, ahead: int) -> None:
	lower, higher = realism(history, value, ahead), realism(history, value * times, ahead)
	assert lower.probability is not None
	assert higher.probability is not None
	assert 0 <= higher.probability <= lower.probability + 1e-9
	assert lower.probability <= 1
	assert higher.reached <= lower.reached <= lower.of


@QUICK
@given(RATES, st.integers(1, 6), st.sampled_from([Good.UP, Good.DOWN]))
def test_suggestions_are_reached_as_often_as_they_say(history: list[float], ahead: int, good: Good) -> None:
	found = realism(history, 0.5, ahead, Unit.PERCENT, good)
	values = [one.value for one in found.suggestions]
	assert values == sorted(values, reverse=good is Good.UP)
	for one in found.suggestions:
		if found.deviation and found.deviation > 1e-3 and 1e-6 < one.value < 1 - 1e-6:
			again = realism(history, one.value, ahead, Unit.PERCENT, good)
			assert again.probability == pytest.approx(one.probability, abs=1e-6)


@QUICK
@given(st.lists(st.floats(-100, 100), min_size=LEAST + 1, max_size=20), st.floats(-100, 100))
def test_down_mirrors_up(history: list[float], value: float) -> None:
	up = realism(history, value, unit=Unit.RATIO)
	down = realism([-number for number in history], -value, unit=Unit.RATIO, good=Good.DOWN)
	assert down.probability == pytest.approx(up.probability)
	assert (down.reached, down.of) == (up.reached, up.of)


@QUICK
@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=20), st.floats(-1e9, 1e9))
def test_there_is_never_a_number_that_is_none(history: list[float | None], value: float) -> None:
	for unit in Unit:
		for good in Good:
			found = realism(history, value, 2, unit, good)
			numbers = [found.probability, found.mean, found.deviation, *(s.value for s in found.suggestions)]
			assert all(number is None or math.isfinite(number) for number in numbers)
			assert found.notes()


def test_notes_have_all_their_places() -> None:
	for value in (1, 100, 125, 131, 140, 150, 1000):
		for note in realism(G15, value).notes(Kind.MONEY):
			note.sentence.format(**note.values)
			assert set(note.kinds) <= set(note.values)


@pytest.mark.parametrize(("value", "ahead"), [(math.nan, 1), (math.inf, 1), (100, 0), (100, -1)])
def test_what_makes_no_sense_is_refused(value: float, ahead: int) -> None:
	with pytest.raises(InputError):
		realism(G15, value, ahead)


def test_on_the_demo_company(tmp_path: Path) -> None:
	"""The odds of a target for monthly sales, against a count in pandas and numpy alone."""
	duckdb = pytest.importorskip("duckdb")
	from scipy import stats

	from sales_kpi.demo.company import DemoCompany
	from sales_kpi.demo.write import write_duckdb
	from sales_kpi.sources.database import DatabaseSource

	path = tmp_path / "demo.duckdb"
	write_duckdb(DemoCompany(invoices=600, until=date(2026, 10, 31)), path)
	with DatabaseSource(f"duckdb:///{path}") as source:
		masters = read_masters(source, Settings())
		company = "Alpha Trading"
		asked = Question(
			company, date(2025, 11, 1), date(2026, 10, 31), kpis=("sales_volume",), as_of=date(2026, 10, 31)
		)
		history = [value["value"] for value in compute(source, asked, masters=masters)]
	rows = duckdb.connect(str(path), read_only=True).execute(
		"""SELECT date_trunc('month', posting_date) AS month, sum(base_net_total)::double AS net
		FROM "tabSales Invoice" WHERE docstatus = 1 AND company = 'Alpha Trading' AND is_opening <> 'Yes'
		AND is_internal_customer = 0 AND posting_date >= '2025-11-01' GROUP BY 1 ORDER BY 1"""
	)
	sales = np.array([net for _, net in rows.fetchall()])
	goal = sales[-1] * 1.2
	steps = np.diff(np.log(sales))
	spread = steps.std(ddof=1) * math.sqrt(1 + 1 / len(steps))
	expected = stats.t.sf((math.log(1.2) - steps.mean()) / spread, len(steps) - 1)
	found: Realism = realism(history, float(goal), model=Model.WALK)
	assert found.probability == pytest.approx(float(expected))
	assert found.reached == int((np.exp(steps) >= 1.2).sum())
