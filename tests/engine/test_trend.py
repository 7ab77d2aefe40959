"""Trend watch: golden G19, scipy and counting out as oracles, false alarms, and the demo company."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise, permutations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sales_kpi import catalogue
from sales_kpi.analysis.inquiry import Inquiry, inquiry
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.outcome import Kind
from sales_kpi.analysis.trend import (
	ANALYSIS,
	LEAST,
	Limits,
	Rule,
	Verdict,
	Watched,
	answer,
	control_limits,
	corrected,
	course,
	deseasonalised,
	finding_of,
	mann_kendall,
	run,
	sentence,
	signals,
	silent,
	theil_sen,
	values_of,
	watch,
)
from sales_kpi.analysis.values import Question, Scope, Sight, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda number: round(number, 3)), min_size=2, max_size=14)
FALLING = [50, 48, 49, 45, 44, 40]

# Control limits


def test_golden_g19_limits() -> None:
	found = control_limits([10, 12, 11, 13, 12])
	assert found.mean == pytest.approx(11.6, abs=1e-6)
	assert found.moving_range == pytest.approx(1.5, abs=1e-6)
	assert (found.lower, found.upper) == (pytest.approx(7.61, abs=1e-6), pytest.approx(15.59, abs=1e-6))


def test_golden_g19_trend() -> None:
	found = mann_kendall(FALLING)
	assert found.s == -13
	assert found.p == pytest.approx(0.016667, abs=1e-6)
	assert found.z == pytest.approx(-2.254, abs=1e-3)
	assert theil_sen(FALLING) == pytest.approx(-2.0, abs=1e-6)


@QUICK
@given(VALUES)
def test_limits_hold_the_mean_in_their_middle(values: list[float]) -> None:
	found = control_limits(values)
	assert found.lower <= found.mean <= found.upper
	assert found.mean - found.lower == pytest.approx(found.upper - found.mean, abs=1e-6)
	assert found.moving_range == pytest.approx(
		sum(abs(b - a) for a, b in pairwise(values)) / (len(values) - 1), abs=1e-6
	)


# Rules


STEADY = [10, 12, 11, 13, 12, 11, 10, 12, 11, 12]


def rules(values: list[float], limits: Limits | None = None) -> dict[Rule, bool]:
	"""The rules that fire, and whether upwards."""
	return {one.rule: one.is_up for one in signals(values, limits or control_limits(values))}


UNIT = Limits(0, 1.128, -2.66 * 1.128, 2.66 * 1.128)
"""Limits of mean 0 and standard deviation 1."""


@pytest.mark.parametrize(
	("values", "expected"),
	[
		([0.0, 0.5, -0.5, 3.1], {Rule.BEYOND_LIMITS: True}),
		([0.0, 0.5, -0.5, -3.1], {Rule.BEYOND_LIMITS: False}),
		([0.0, 2.1, 0.5, 2.1], {Rule.TWO_OF_THREE: True}),
		([0.0, -2.1, 0.5, -2.1], {Rule.TWO_OF_THREE: False}),
		([0.0, 2.1, 0.5, 1.9], {}),
		([2.1, 2.1, 0.5], {}),
		([1.1, 1.2, 0.0, 1.1, 1.3], {Rule.FOUR_OF_FIVE: True}),
		([1.1, 1.2, 1.1, 1.3, 0.9], {}),
		([-0.5, *[0.5, 0.4] * 4], {Rule.ONE_SIDE: True}),
		([-0.5, *[0.5, 0.4] * 3, 0.5], {}),
		([*[-0.5, -0.4] * 5], {Rule.ONE_SIDE: False}),
		([-0.9, -0.6, -0.3, 0.1, 0.4, 0.7], {Rule.ONE_WAY: True}),
		([0.7, 0.4, 0.1, -0.3, -0.6, -0.9], {Rule.ONE_WAY: False}),
		([-0.9, -0.6, -0.3, -0.3, 0.4, 0.7], {}),
		([3.1, 0.0, 0.5], {}),
	],
)
def test_each_rule_fires_as_it_says(values: list[float], expected: dict[Rule, bool]) -> None:
	assert rules(values, UNIT) == expected


def test_a_quiet_series_fires_nothing() -> None:
	assert rules(STEADY) == {}


def test_a_leap_is_beyond_the_limits() -> None:
	assert rules([*STEADY, 30])[Rule.BEYOND_LIMITS] is True
	assert rules([*STEADY, -9])[Rule.BEYOND_LIMITS] is False


@pytest.mark.parametrize("value", [0, 1, 1e9, 0.1, -3.3])
def test_a_constant_series_gives_no_alarm(value: float) -> None:
	values = [value] * 20
	assert rules(values) == {}
	assert mann_kendall(values).p == 1
	found = course(values)
	assert found is not None
	assert (found.slope, found.moves) == (0, 0)
	(one,) = watch([series("deals", values)])
	assert one.verdict is Verdict.CONSTANT
	assert not one.is_alarm


def test_the_dust_of_floats_is_constant() -> None:
	values = [0.1 + 0.2, 0.3, 0.30000000000000004, 0.3, 0.1 + 0.2, 0.3, 0.3]
	assert rules(values) == {}
	assert mann_kendall(values).s == 0


@pytest.mark.parametrize(
	("values", "expected"),
	[
		([], (False, 0)),
		([1], (False, 0)),
		([1, 2], (True, 1)),
		([2, 1], (False, 1)),
		([1, 1], (False, 0)),
		([9, 1, 2, 3], (True, 2)),
		([1, 5, 4, 3, 2, 1], (False, 4)),
	],
)
def test_runs(values: list[float], expected: tuple[bool, int]) -> None:
	assert run(values) == expected


# Mann-Kendall


@QUICK
@given(st.lists(st.integers(0, 50), min_size=3, max_size=12, unique=True))
def test_without_ties_it_is_kendalls_exact_test(values: list[int]) -> None:
	from scipy import stats

	expected = stats.kendalltau(range(len(values)), values, method="exact")
	found = mann_kendall([float(value) for value in values])
	assert found.p == pytest.approx(expected.pvalue)
	pairs = len(values) * (len(values) - 1) / 2
	assert found.s / pairs == pytest.approx(expected.statistic)


@pytest.mark.parametrize(
	"values", [[1, 1, 2, 3, 3, 4], [5, 5, 5, 1, 2, 2, 3], [1, 2, 1, 2, 1, 2, 2], [3, 1, 1, 1], [2, 2]]
)
def test_with_ties_it_is_counted_out(values: list[float]) -> None:
	"""Against all orders of the values."""

	def score(order: Any) -> int:
		return sum(
			(order[j] > order[i]) - (order[j] < order[i])
			for i in range(len(order))
			for j in range(i + 1, len(order))
		)

	scores = [abs(score(order)) for order in permutations(values)]
	found = mann_kendall(values)
	assert found.s == score(values)
	assert found.p == pytest.approx(sum(one >= abs(found.s) for one in scores) / len(scores))


def test_by_season_it_is_counted_out() -> None:
	"""Two seasons of three values: all pairs of orders."""
	values = [1, 30, 2, 20, 3, 10.0]
	odd, even = [1, 2, 3], [30, 20, 10]
	assert mann_kendall(values, 2).s == 0
	falling = [3, 30, 2, 20, 1, 10.0]

	def score(order: Any) -> int:
		return sum(
			(b > a) - (b < a) for a, b in ((order[0], order[1]), (order[0], order[2]), (order[1], order[2]))
		)

	scores = [abs(score(one) + score(other)) for one in permutations(odd) for other in permutations(even)]
	found = mann_kendall(falling, 2)
	assert found.s == -6
	assert found.p == pytest.approx(sum(one >= 6 for one in scores) / len(scores))


def test_a_long_series_is_normal() -> None:
	"""Above 60 values: S against scipy's asymptotic test, ties included."""
	from scipy import stats

	random = Random(3)
	values = [float(random.randrange(20) + place // 20) for place in range(90)]
	found = mann_kendall(values)
	expected = stats.kendalltau(range(90), values, method="asymptotic")
	assert found.p == pytest.approx(expected.pvalue, rel=0.02)
	assert found.s > 0


def test_missing_values_are_left_out() -> None:
	gap: list[float | None] = [50, None, 48, 49, None, 45, 44, 40]
	assert mann_kendall(gap).s == -13
	assert mann_kendall(gap).p == mann_kendall(FALLING).p


@QUICK
@given(VALUES)
def test_turned_around_it_is_the_other_trend(values: list[float]) -> None:
	there, back = mann_kendall(values), mann_kendall(values[::-1])
	assert there.s == -back.s
	assert there.p == pytest.approx(back.p)
	assert 0 < there.p <= 1


@QUICK
@given(VALUES)
def test_the_slope_is_scipys(values: list[float]) -> None:
	from scipy import stats

	assert theil_sen(values) == pytest.approx(stats.theilslopes(values).slope, abs=1e-9)


def test_slopes_of_gaps_and_of_nothing() -> None:
	assert theil_sen([1, None, 3, None, 5]) == 1
	assert theil_sen([1.0]) is None
	assert theil_sen([]) is None
	assert theil_sen([0, 100, 12, 112.0], season=2) == 6


# Seasons


def seasonal(years: int, slope: float = 0.0) -> list[float]:
	return [100 + slope * place + 30 * math.sin(2 * math.pi * place / 12) for place in range(12 * years)]


def test_a_season_is_taken_out() -> None:
	left = deseasonalised(seasonal(3), 12)
	assert left is not None
	assert [one for one in left if one is not None] == pytest.approx([100.0] * 36)
	rising = deseasonalised(seasonal(3, 2), 12)
	assert rising is not None
	assert np.diff([one for one in rising if one is not None]) == pytest.approx(2.0)


def test_a_season_that_multiplies_is_taken_out() -> None:
	values = [100 * 1.02**place * (1.5 if place % 12 == 11 else 1) for place in range(36)]
	left = deseasonalised(values, 12, multiplicative=True)
	assert left is not None
	growth = np.diff(np.log([one for one in left if one is not None]))
	assert growth == pytest.approx(math.log(1.02))


def test_less_than_two_rounds_have_no_season() -> None:
	assert deseasonalised(seasonal(2)[:-1], 12) is None
	assert deseasonalised([*seasonal(2)[:5], None, *seasonal(2)[6:]], 12) is None
	assert deseasonalised([1, 2, 3, 4.0], 1) is None
	found = course(seasonal(2)[:-1], 12)
	assert found is not None
	assert found.season == 1


def test_a_season_alone_gives_no_alarm_and_a_trend_does() -> None:
	noise = Random(1)
	values = [one + noise.gauss(0, 2) for one in seasonal(3)]
	rising = [one + 2 * place for place, one in enumerate(values)]
	quiet, loud = watch([series("sales_volume", values), series("sales_volume", rising)], 12)
	assert quiet.verdict is Verdict.USUAL
	assert loud.verdict is Verdict.TREND
	assert loud.course is not None
	assert loud.course.season == 12
	assert loud.course.slope == pytest.approx(2, abs=0.3)


# Many series


def series(kpi: str, values: list[float | None] | list[float], scope: str = "A") -> Watched:
	starts = tuple(date(2020 + place // 12, place % 12 + 1, 1) for place in range(len(values)))
	return Watched(catalogue.kpi(kpi), By.COMPANY, scope, starts, tuple(values))


def test_the_correction_is_that_of_benjamini_and_hochberg() -> None:
	assert corrected([]) == []
	assert corrected([0.04]) == [pytest.approx(0.04)]
	ps = [0.01, 0.04, 0.03, 0.5]
	# Ranked: 0.01 · 4/1, 0.03 · 4/2, 0.04 · 4/3, 0.5, each no more than the next.
	assert corrected(ps) == pytest.approx([0.04, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5])


def test_too_little_history_is_told_and_not_judged() -> None:
	short, long = watch([series("deals", FALLING[1:]), series("deals", FALLING)])
	assert short.verdict is Verdict.TOO_SHORT
	assert short.course is None
	assert long.course is not None
	assert course([None, 1, 2, 3, 4, 5]) is None
	assert course([]) is None
	assert LEAST == 6


def test_good_and_bad_depend_on_the_kpi() -> None:
	falling: list[float] = [20, 18, 17, 15, 14, 12, 10]
	for kpi, text in (
		("win_rate", "Getting worse"),
		("churn_rate", "Getting better"),
		("average_call_duration", "Falling"),
	):
		(one,) = watch([series(kpi, [value / 100 for value in falling])])
		assert finding_of(one) == text
	(one,) = watch([series("churn_rate", [value / 100 for value in falling[::-1]])])
	assert finding_of(one) == "Getting worse"
	assert one.is_worse is True


def test_worsening_for_five_months_is_a_sentence() -> None:
	(one,) = watch([series("win_rate", [0.50, 0.52, 0.51, 0.45, 0.43, 0.41, 0.36, 0.30])])
	note = sentence(one, Every.MONTH)
	assert note.sentence == "{kpi} of {scope}: getting worse for {moves} months in a row, now {last}."
	assert note.values["moves"] == 6
	assert note.values["last"] == 0.30
	assert note.kinds == {"kpi": Kind.TEXT, "last": Kind.SHARE}
	assert "days" in sentence(one, Every.DAY).sentence


def test_every_sentence_has_its_places() -> None:
	random = Random(5)
	told = set()
	for _ in range(400):
		length = random.choice([7, 12, 20])
		slope, leap = random.choice([0, 0, 1, -1]), random.choice([0, 0, 30, -30])
		values = [50 + slope * place + random.gauss(0, 2) for place in range(length)]
		values[-random.choice([1, 2, 9 if length > 12 else 3]) :] = [
			value + leap for value in values[-random.choice([1, 2, 9 if length > 12 else 3]) :]
		]
		kpi = random.choice(["deals", "sales_cycle", "average_call_duration"])
		(one,) = watch([series(kpi, values, random.choice(["A", ""]))])
		if one.is_alarm:
			note = sentence(one, random.choice([Every.MONTH, Every.YEAR]))
			text = note.sentence.format(**note.values)
			assert "None" not in text
			assert set(note.kinds) <= set(note.values)
			told.add(note.sentence)
	assert len(told) > 10


def test_false_alarms_are_few_however_many_are_looked_at() -> None:
	"""Of companies in which nothing changes, about one in twenty may alarm; uncorrected, nearly all would."""
	noise = np.random.default_rng(7)
	alarms = raw = 0
	for _ in range(40):
		watched = watch([series("deals", list(noise.normal(100, 10, 12))) for _ in range(50)])
		alarms += any(one.is_trend for one in watched)
		raw += any(one.course is not None and one.course.test.p <= 0.05 for one in watched)
	assert raw > 30
	assert alarms <= 6


def test_order_is_of_no_account() -> None:
	many = [
		series("deals", [float(Random(n + m).randrange(50)) for m in range(12)], str(n)) for n in range(9)
	]
	there = {one.scope: one for one in watch(many)}
	back = {one.scope: one for one in watch(many[::-1])}
	assert there == back


def test_who_is_gone_is_found() -> None:
	some = [
		series("deals", [3, 4, 5, 0, 0, 0.0], "Gone"),
		series("calls", [3, 4, 5, 0, 0, 0.0], "Gone"),
		series("deals", [3, 4, 5, 0, 0, 0.0], "Calls"),
		series("calls", [3, 4, 5, 0, 0, 1.0], "Calls"),
		series("deals", [], "Never"),
		series("deals", [1.0], "New"),
	]
	assert silent(some) == ["Gone", "Never"]


# The demo company

KPIS = ("sales_volume", "win_rate", "average_deal_value", "churn_rate", "sales_cycle")
COMPANY, AS_OF = "Alpha Trading", date(2026, 10, 31)
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
	"""A source of the demo company's records, and its invoices as a frame."""
	pytest.importorskip("duckdb")
	from sales_kpi.demo.company import DemoCompany
	from sales_kpi.demo.generate import batches
	from sales_kpi.demo.write import write_duckdb
	from sales_kpi.sources.database import DatabaseSource

	path = tmp_path_factory.mktemp("trend") / "demo.duckdb"
	company = DemoCompany(invoices=500, until=AS_OF)
	write_duckdb(company, path)
	invoices = pd.concat([rows for name, rows in batches(company) if name == "Sales Invoice"])
	with DatabaseSource(f"duckdb:///{path}") as source:
		yield source, invoices


def ask(source: Any, **more: Any) -> Inquiry:
	settings = Settings()
	masters = read_masters(source, settings)
	first, last = more.pop("first", FIRST), more.pop("last", LAST)
	return inquiry(source, masters, settings, COMPANY, first, last, more.pop("as_of", AS_OF), **more)


def monthly_sales(invoices: pd.DataFrame) -> list[float]:
	"""Net sales by month, counted without the engine."""
	counted = invoices[
		(invoices["docstatus"] == 1)
		& (invoices["company"] == COMPANY)
		& (invoices["is_opening"] != "Yes")
		& (invoices["is_internal_customer"] != 1)
	]
	day = pd.to_datetime(counted["posting_date"])
	inside = (day >= pd.Timestamp(FIRST)) & (day <= pd.Timestamp(LAST))
	net = counted["base_net_total"].astype(float)[inside]
	return [float(total) for total in net.groupby(day[inside].dt.to_period("M")).sum()]


def test_on_the_demo_company(demo: tuple[Any, Any]) -> None:
	"""The row of sales volume, against SQL, numpy and scipy alone."""
	from scipy import stats

	source, invoices = demo
	found = answer(ask(source, options={"kpi": "sales_volume"}))
	(row,) = found.rows
	sales = monthly_sales(invoices)
	assert len(sales) == 12
	moving = float(np.abs(np.diff(sales)).mean())
	assert row["last"] == pytest.approx(sales[-1])
	assert row["mean"] == pytest.approx(np.mean(sales))
	assert row["upper"] == pytest.approx(np.mean(sales) + 2.66 * moving)
	assert row["slope"] == pytest.approx(stats.theilslopes(sales).slope)
	assert row["p"] == pytest.approx(stats.kendalltau(range(12), sales, method="exact").pvalue)
	assert row["since"] == FIRST
	(chart,) = found.charts
	assert list(chart.series[0].values) == pytest.approx(sales)
	assert chart.kind is Kind.MONEY
	assert len(chart.labels) == 12


def test_a_decline_in_the_records_is_found(demo: tuple[Any, Any]) -> None:
	"""Sales of a territory that dry up month by month, made by leaving out invoices."""
	source, _ = demo
	values = [value["value"] for value in values_of(
		ask(source), ("sales_volume",), Every.MONTH, FIRST, LAST, By.COMPANY
	)]  # fmt: skip
	shrinking = [value * 0.8**place for place, value in enumerate(values) if value is not None]
	(one,) = watch([series("sales_volume", shrinking)], 12)
	assert one.is_trend
	assert one.is_worse


def test_values_are_those_of_compute_in_every_scope(demo: tuple[Any, Any]) -> None:
	source, _ = demo
	masters = read_masters(source, Settings())
	person = next(name for name, node in masters.salespeople.items() if not node.is_group)
	team = next(name for name, node in masters.salespeople.items() if node.is_group and node.parent)
	for by, scope in ((By.SALES_PERSON, person), (By.TEAM, team), (By.COMPANY, "")):
		asked = ask(source, scope_by=by, scope=scope)
		found = values_of(asked, KPIS, Every.QUARTER, FIRST, LAST, By.COMPANY)
		question = Question(COMPANY, FIRST, LAST, Every.QUARTER, by, KPIS, as_of=AS_OF)
		expected = [value for value in compute(source, question) if value["scope"] == (scope or COMPANY)]
		assert len(found) == len(expected) == 5 * len(KPIS)
		for mine, its in zip(found, expected, strict=True):
			assert mine == {
				name: pytest.approx(cell, rel=1e-9, abs=1e-9) if isinstance(cell, float) else cell
				for name, cell in its.items()
			}


def test_whoever_sees_a_part_gets_no_more(demo: tuple[Any, Any]) -> None:
	source, _ = demo
	masters = read_masters(source, Settings())
	people = [name for name, node in masters.salespeople.items() if not node.is_group][:2]
	scopes = tuple(Scope(name, (name,)) for name in people)
	mine = {"sales_person": tuple(people)}
	for sight, only in ((Sight(scopes), {}), (Sight(scopes, mine), {}), (Sight(scopes), mine), (None, mine)):
		asked = ask(source, by=By.SALES_PERSON, sight=sight, only=only)
		found = values_of(asked, ("deals",), Every.RANGE, FIRST, LAST, By.SALES_PERSON)
		assert [value["scope"] for value in found] == people
		told = replace(asked, kpis=("deals",), options={"kpi": "deals, calls"})
		assert {row["kpi"] for row in answer(told).rows} == {"Deals"}
		assert {row["kpi"] for row in answer(replace(told, options={})).rows} == {"Deals"}
		(whole,) = values_of(asked, ("deals",), Every.RANGE, FIRST, LAST, By.COMPANY)
		assert whole["value"] == pytest.approx(sum(value["value"] or 0.0 for value in found))
		rows = answer(replace(asked, options={"kpi": "deals"})).rows
		assert {row["scope"] for row in rows} <= set(people)
	narrow = ask(source, scope_by=By.SALES_PERSON, scope=people[0], by=By.TERRITORY)
	parts = values_of(narrow, ("deals",), Every.RANGE, FIRST, LAST, By.TERRITORY)
	(own,) = values_of(narrow, ("deals",), Every.RANGE, FIRST, LAST, By.COMPANY)
	root = max(value["value"] or 0.0 for value in parts)
	assert root <= (own["value"] or 0.0) + 1e-9


def test_unfinished_periods_are_left_out(demo: tuple[Any, Any]) -> None:
	source, _ = demo
	found = answer(ask(source, last=date(2026, 10, 20), options={"kpi": "deals"}))
	assert found.rows[0]["periods"] == 11
	early = answer(ask(source, first=date(2026, 8, 1), options={"kpi": "deals"}))
	assert early.rows[0]["finding"] == "Too little history"
	assert early.rows[0]["mean"] is None
	assert early.notes[0].is_warning


def test_answers_by_every_scope_have_no_holes(demo: tuple[Any, Any]) -> None:
	source, _ = demo
	for by in ANALYSIS.by:
		options = {"kpi": ", ".join(KPIS)}
		found = answer(ask(source, by=by, every=Every.QUARTER, first=date(2025, 1, 1), options=options))
		names = {column.name for column in found.columns}
		for row in found.rows:
			assert set(row) == names
			assert all(not isinstance(cell, float) or math.isfinite(cell) for cell in row.values())
		for note in found.notes:
			note.sentence.format(**note.values)


def test_an_unknown_kpi_is_refused(demo: tuple[Any, Any]) -> None:
	source, _ = demo
	with pytest.raises(InputError, match="Did you mean"):
		answer(ask(source, options={"kpi": "deals, win_rates"}))
	assert answer(ask(source, by=By.TEAM, options={"kpi": "customer_lifetime_value"})).notes[0].is_warning


def test_an_empty_company_gives_sentences(tmp_path: Path) -> None:
	import servers
	from literal import MASTERS

	from sales_kpi.sources.database import DatabaseSource

	with servers.tables_in("sqlite", tmp_path, MASTERS) as url, DatabaseSource(url) as source:
		masters = read_masters(source, Settings())
		asked = inquiry(source, masters, Settings(), "A", FIRST, LAST, AS_OF)
		for by in (By.COMPANY, By.TEAM):
			found = answer(replace(asked, by=by))
			assert found.notes
			assert all(row["mean"] is None or row["mean"] == 0 for row in found.rows)
			assert not any(row["finding"] not in ("Too little history", "Constant") for row in found.rows)
