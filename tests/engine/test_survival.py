"""Curves, quantiles and intervals: goldens G2, G3 and G4, statsmodels as an oracle, and what holds always."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import servers
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import AS_OF, MASTERS, lead, opportunity
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight
from tables import Rows

from sales_kpi.analysis.inquiry import Analysis, Inquiry, inquiry
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.outcome import Kind, Outcome
from sales_kpi.analysis.survival import (
	aalen_johansen,
	by_period,
	choices,
	fates,
	kaplan_meier,
	largest,
	quantile,
	rounded,
	told_apart,
	wilson,
)
from sales_kpi.analysis.values import Scope, Sight
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.people import COMPANIES
from sales_kpi.demo.settings import settings as demo_settings
from sales_kpi.demo.write import write_duckdb
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.settings_file import read_settings
from sales_kpi.sources.database import DatabaseSource

EXACT = 1e-6
QUICK = settings(max_examples=40, derandomize=True, deadline=None)
CASES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=1, max_size=30)


# What other tests ask with


@contextmanager
def asking(
	folder: Path, rows: Rows, database: str = "sqlite", **given_: Any
) -> Iterator[Callable[..., Inquiry]]:
	"""A function that makes an inquiry of literal rows for company A, by default over the first half of 2025."""
	chosen = given_.pop("settings", Settings())
	with (
		servers.tables_in(database, folder, MASTERS | dict(rows), **given_) as url,
		DatabaseSource(url) as source,
	):
		masters = read_masters(source, chosen)

		def ask(
			first: date = date(2025, 1, 1), last: date = AS_OF, as_of: date = AS_OF, **more: Any
		) -> Inquiry:
			return inquiry(source, masters, chosen, "A", first, last, as_of, **more)

		yield ask


def checked(analysis: Analysis, asked: Inquiry) -> Outcome:
	"""An analysis' answer, after making sure that it has the shape that it must have."""
	outcome = analysis.answer(asked)
	assert analysis.tells
	if asked.every is Every.RANGE:
		assert Kind.PERIOD not in {column.kind for column in outcome.columns}
		assert all(Kind.PERIOD not in note.kinds.values() for note in outcome.notes)
	names = [column.name for column in outcome.columns]
	assert len(set(names)) == len(names)
	assert outcome.rows or outcome.notes
	for row in outcome.rows:
		assert list(row) == names
		for column in outcome.columns:
			cell = row[column.name]
			assert not isinstance(cell, float) or math.isfinite(cell)
			if cell is not None:
				if column.kind in (Kind.TEXT, Kind.NAME):
					assert isinstance(cell, str)
				elif column.kind in (Kind.DAY, Kind.PERIOD):
					assert type(cell) is date
				else:
					assert type(cell) in (int, float)
				if column.kind is Kind.COUNT:
					assert type(cell) is int
	for chart in outcome.charts:
		for series in chart.series:
			assert len(series.values) == len(chart.labels)
			assert all(value is None or math.isfinite(value) for value in series.values)
	for note in outcome.notes:
		assert note.sentence.format(**note.values)
		assert set(note.kinds) >= {
			name for name, value in note.values.items() if isinstance(value, float | date)
		}
	return outcome


@dataclass(frozen=True)
class Demo:
	"""A demo company. ask: makes an inquiry about it, by default as of the end of October 2026. read: the rows of a query."""

	ask: Callable[..., Inquiry]
	read: Callable[[str], list[Any]]


@contextmanager
def demo_company(folder: Path, invoices: int = 900) -> Iterator[Demo]:
	"""A demo company in a DuckDB file; what counts it by hand reads a copy."""
	import duckdb

	company = DemoCompany(invoices=invoices, until=date(2026, 10, 31))
	write_duckdb(company, folder / "demo.duckdb")
	shutil.copy(folder / "demo.duckdb", folder / "copy.duckdb")
	(folder / "settings.toml").write_text(demo_settings(company), encoding="utf-8")
	chosen = read_settings(folder / "settings.toml")
	with (
		duckdb.connect(str(folder / "copy.duckdb"), read_only=True) as copy,
		DatabaseSource(f"duckdb:///{folder / 'demo.duckdb'}") as source,
	):
		masters = read_masters(source, chosen)

		def ask(first: date, last: date, as_of: date = date(2026, 10, 31), **more: Any) -> Inquiry:
			return inquiry(source, masters, chosen, COMPANIES[0], first, last, as_of, **more)

		yield Demo(ask, lambda sql: copy.execute(sql).fetchall())


# Shares


@pytest.mark.parametrize(
	("successes", "n", "low", "high"),
	[(5, 20, 0.111862, 0.468701), (0, 8, 0, 0.324408), (50, 200, 0.195082, 0.314341)],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
	"""Golden G3."""
	found = wilson(successes, n)
	assert found is not None
	assert (found.low, found.high) == pytest.approx((low, high), abs=EXACT)


@given(n=st.integers(1, 500), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
@QUICK
def test_wilson_is_where_a_score_test_would_just_not_refuse(n: int, share: float, confidence: float) -> None:
	"""By its definition: |p − π| = z √(π(1−π)/n) at both ends."""
	from scipy.stats import norm

	successes = round(share * n)
	found = wilson(successes, n, confidence)
	assert found is not None
	z = norm.ppf((1 + confidence) / 2)
	for bound in (found.low, found.high):
		if 1e-9 < bound < 1 - 1e-9:
			assert abs(successes / n - bound) == pytest.approx(
				z * math.sqrt(bound * (1 - bound) / n), rel=1e-6
			)


def test_no_cases_have_no_interval_and_what_is_no_share_is_refused() -> None:
	assert wilson(0, 0) is None
	for successes, n in ((3, 2), (-1, 2)):
		with pytest.raises(InputError, match="no share"):
			wilson(successes, n)


# Aalen-Johansen

AGES, OUTCOMES = (5, 10, 20, 25, 30, 40), (1, 2, 1, 0, 1, 0)
"""Golden G2: won at 5, 20 and 30, lost at 10, open at 25 and 40."""


def test_aalen_johansen() -> None:
	"""Golden G2; with the lost as censored it would be 0.6875."""
	curve = aalen_johansen(AGES, OUTCOMES)
	assert curve.days.tolist() == [5, 20, 30]
	assert curve.share == pytest.approx([1 / 6, 1 / 3, 7 / 12])
	assert [curve.by(day) for day in (0, 5, 19, 20, 30, 40)] == pytest.approx(
		[0, 1 / 6, 1 / 6, 1 / 3, 7 / 12, 7 / 12]
	)
	assert curve.by(41) is None
	assert curve.end() == pytest.approx(7 / 12)
	censored = kaplan_meier(AGES, [outcome == 1 for outcome in OUTCOMES])
	assert censored.end() == pytest.approx(0.6875)
	assert aalen_johansen(AGES, OUTCOMES, of=2).end() == pytest.approx(1 / 6)


@given(cases=CASES, of=st.sampled_from([1, 2]))
@QUICK
@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
def test_aalen_johansen_is_that_of_statsmodels(cases: list[tuple[int, int]], of: int) -> None:
	time, outcome = np.array(cases).T
	if not (outcome == of).any():
		return
	curve, oracle = aalen_johansen(time, outcome, of), CumIncidenceRight(time, outcome)
	told = np.searchsorted(oracle.times, curve.days)
	assert curve.share == pytest.approx(oracle.cinc[of - 1][told])
	errors = oracle.cinc_se[of - 1][told]
	known = np.isfinite(errors)
	assert np.sqrt(curve.variance)[known] == pytest.approx(errors[known], abs=1e-7)


@given(cases=CASES)
@QUICK
def test_a_cumulative_incidence_grows_and_stays_below_kaplan_meier(cases: list[tuple[int, int]]) -> None:
	time, outcome = np.array(cases).T
	one, other = aalen_johansen(time, outcome, 1), aalen_johansen(time, outcome, 2)
	assert (np.diff(one.share) > 0).all()
	assert (one.variance >= 0).all()
	assert (one.end() or 0) + (other.end() or 0) <= 1 + 1e-9
	censored = kaplan_meier(time, outcome == 1)
	for day in set(time.tolist()):
		share, above = one.by(day), censored.by(day)
		assert share is not None
		assert above is not None
		assert share <= above + 1e-9
		interval = one.interval(day)
		assert interval is not None
		assert 0 <= interval.low <= share + 1e-9
		assert share - 1e-9 <= interval.high <= 1


@given(cases=CASES.map(lambda cases: [(day, max(outcome, 1)) for day, outcome in cases]))
@QUICK
def test_without_open_cases_all_is_as_counted_plainly(cases: list[tuple[int, int]]) -> None:
	"""Share, interval and median."""
	time, outcome = np.array(cases).T
	curve = aalen_johansen(time, outcome)
	for day in (*sorted(set(time.tolist())), 1000):
		ended = int(((outcome == 1) & (time <= day)).sum())
		assert curve.by(day) == pytest.approx(ended / len(cases))
		interval, plain = curve.interval(day), wilson(ended, len(cases))
		assert interval is not None
		assert plain is not None
		assert (interval.low, interval.high) == pytest.approx((plain.low, plain.high), abs=1e-7)
	half = curve.half_of_the_ended()
	if (outcome == 1).any():
		assert half == pytest.approx(float(np.median(time[outcome == 1])))
	else:
		assert half is None


@given(cases=CASES, seed=st.randoms(use_true_random=False))
@QUICK
def test_the_order_of_cases_does_not_matter(cases: list[tuple[int, int]], seed: Any) -> None:
	other = list(cases)
	seed.shuffle(other)
	for curve in (aalen_johansen, lambda days, outcome: kaplan_meier(days, np.array(outcome) > 0)):
		one, two = curve(*zip(*cases)), curve(*zip(*other))
		assert one.days.tolist() == two.days.tolist()
		assert one.share.tolist() == two.share.tolist()
		assert one.variance.tolist() == two.variance.tolist()


def test_a_share_of_none_or_all_stands_on_the_cases_that_are_known() -> None:
	"""Nobody of 8 that were followed for 30 days bought; of 3 younger ones it isn't known."""
	nobody = aalen_johansen([30] * 8 + [5] * 3, [0] * 11)
	assert nobody.interval(30) == wilson(0, 8)
	everybody = aalen_johansen([3] * 5, [1] * 5)
	assert everybody.by(1000) == 1
	assert everybody.interval(1000) == wilson(5, 5)


def test_a_curve_of_nothing_tells_nothing() -> None:
	for curve in (aalen_johansen([], []), kaplan_meier([], [])):
		assert curve.by(0) is None
		assert curve.interval(0) is None
		assert curve.end() is None
		assert curve.quantile(0.5) is None
		assert curve.half_of_the_ended() is None


@pytest.mark.parametrize("curve", [aalen_johansen, kaplan_meier])
@pytest.mark.parametrize(
	("days", "outcome", "message"),
	[
		([1, -1], [0, 1], "0 days or more"),
		([1, math.nan], [0, 1], "0 days or more"),
		([1], [0, 1], "1 durations, but 2 outcomes"),
		([1, 2], [0, -1], "outcome must be"),
	],
)
def test_bad_cases_are_refused(curve: Any, days: list[float], outcome: list[int], message: str) -> None:
	with pytest.raises(InputError, match=message):
		curve(days, outcome)


# Kaplan-Meier

CLOSED, STILL_OPEN = (10, 12, 14, 15, 120), (60, 90)


def test_kaplan_meier() -> None:
	"""Golden G4."""
	curve = kaplan_meier([*CLOSED, *STILL_OPEN], [True] * 5 + [False] * 2)
	by = {day: curve.by(day) for day in (14, 15, 90, 120, 500)}
	assert by == pytest.approx(
		{14: 1 - 0.571429, 15: 1 - 0.428571, 90: 1 - 0.428571, 120: 1, 500: 1}, abs=EXACT
	)
	assert curve.quantile(0.5) == 15
	assert curve.quantile(0.9) == 120


@given(cases=CASES)
@QUICK
def test_kaplan_meier_is_aalen_johansen_of_one_way_to_end(cases: list[tuple[int, int]]) -> None:
	"""The share by statsmodels, the variance by Greenwood's formula, both told another way."""
	time, outcome = np.array(cases).T
	curve, other = kaplan_meier(time, outcome), aalen_johansen(time, outcome > 0)
	assert curve.days.tolist() == other.days.tolist()
	assert curve.share == pytest.approx(other.share)
	assert curve.variance == pytest.approx(other.variance, abs=1e-9)
	if (outcome > 0).any():
		assert curve.share == pytest.approx(1 - SurvfuncRight(time, outcome > 0).surv_prob)


@given(days=st.lists(st.integers(0, 30), min_size=1, max_size=20))
@QUICK
def test_the_median_without_open_cases_is_the_plain_one(days: list[int]) -> None:
	assert kaplan_meier(days, [1] * len(days)).quantile(0.5) == pytest.approx(float(np.median(days)))


def test_a_share_that_is_never_reached_has_no_day() -> None:
	curve = kaplan_meier([5, 10, 10, 10], [1, 0, 0, 0])
	assert curve.quantile(0.25) == 5
	assert curve.quantile(0.5) is None


# Quantiles


@pytest.mark.parametrize(("at", "expected"), [(0.5, 14), (0.75, 15), (0.9, 78.0)])
def test_quantile(at: float, expected: float) -> None:
	"""Golden G4."""
	assert quantile(CLOSED, at) == pytest.approx(expected)
	assert quantile(CLOSED, at, [0.5] * 5) == pytest.approx(expected)


def test_quantile_of_shared_credit() -> None:
	"""As the weighted median of the definitions: 0.6 at 10 and 0.4 at 20 and 1 at 30 reach half just at 20."""
	assert quantile([30, 10, 20], 0.5, [1, 0.6, 0.4]) == 25
	assert quantile([30, 10, 20], 0.5, [1, 0.6, 0.3]) == 30
	assert quantile([30, 10], 0.5, [1, 0]) == 30
	assert quantile([30, 10], 0.5, [0, -1]) is None
	assert quantile([], 0.5) is None


# Cases and scopes

LEADS = [
	lead("L1", "2025-01-05", territory="Tehran", source="Fair"),
	lead("L2", "2025-01-20", "u2", territory="Iran", source="Fair"),
	lead("L3", "2025-02-01", None, source="Odd"),
	lead("L4", "2024-12-31"),
	lead("L5", "2025-01-31", status="Do Not Contact", modified="2025-02-10 09:00:00"),
]
TERRITORIES = [
	{"name": "All Territories", "is_group": 1, "lft": 1, "rgt": 6},
	{"name": "Iran", "is_group": 1, "lft": 2, "rgt": 5},
	{"name": "Tehran", "is_group": 0, "lft": 3, "rgt": 4},
]
MORE = {"Lead": LEADS, "Territory": TERRITORIES, "Lead Source": [{"name": "Fair"}, {"name": "Web"}]}


def names(asked: Inquiry) -> list[tuple[str, list[str]]]:
	frame = fates(asked, "lead", {2: "lead_loss"})
	return [(name, rows.index.tolist()) for name, rows in told_apart(asked, frame)]


def test_cases_are_told_apart_by_each_kind_of_scope(tmp_path: Path) -> None:
	with asking(tmp_path, MORE) as ask:
		assert names(ask()) == [("A", ["L1", "L2", "L3", "L5"])]
		assert names(ask(by=By.SALES_PERSON)) == [("Ann", ["L1", "L5"]), ("Bob", ["L2"]), ("", ["L3"])]
		assert names(ask(by=By.TEAM)) == [("All", ["L1", "L2", "L5"]), ("North", ["L1", "L2", "L5"])]
		assert names(ask(by=By.SOURCE)) == [("Fair", ["L1", "L2"]), ("Odd", ["L3"]), ("", ["L5"])]
		assert names(ask(by=By.TERRITORY)) == [
			("All Territories", ["L1", "L2"]),
			("Iran", ["L1", "L2"]),
			("Tehran", ["L1"]),
			("", ["L3", "L5"]),
		]


def test_a_scope_of_which_only_a_part_is_seen_is_not_told(tmp_path: Path) -> None:
	with asking(tmp_path, MORE) as ask:
		of_ann = ask(scope_by=By.SALES_PERSON, scope="Ann", by=By.TEAM)
		assert names(of_ann) == []
		assert names(ask(scope_by=By.SALES_PERSON, scope="Ann")) == [("Ann", ["L1", "L5"])]
		assert names(ask(scope_by=By.TEAM, scope="North", by=By.TEAM)) == [("North", ["L1", "L2", "L5"])]
		assert names(ask(by=By.SALES_PERSON, sight=Sight((Scope("Bob", ("Bob",)),)))) == [("Bob", ["L2"])]
		seen = {"sales_person": ("Bob",)}
		assert names(ask(by=By.SALES_PERSON, only=seen)) == [("Bob", ["L2"])]
		assert names(ask(by=By.TEAM, only=seen)) == []
		assert names(ask(only=seen)) == [("A", ["L2"])]


def test_fates(tmp_path: Path) -> None:
	"""Open cases last until the day of reading; a day that had to be estimated is marked."""
	with asking(tmp_path, MORE) as ask:
		frame = fates(ask(as_of=date(2025, 2, 20)), "lead", {2: "lead_loss"})
	assert frame.index.tolist() == ["L1", "L2", "L3", "L5"]
	assert frame["outcome"].tolist() == [0, 0, 0, 2]
	assert frame["days"].tolist() == [46, 31, 19, 10]
	assert frame["estimated"].tolist() == [0, 0, 0, 1]


def test_fates_of_nothing(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		frame = fates(ask(), "opportunity", {1: "opportunity_win"})
		assert frame.empty
		assert frame["days"].tolist() == []
		assert list(told_apart(ask(by=By.SOURCE), frame)) == []
		assert [name for name, _ in told_apart(ask(), frame)] == ["A"]


def test_periods_that_have_not_begun_are_not_told(tmp_path: Path) -> None:
	rows = {"Opportunity": [opportunity("O1", "2025-01-31"), opportunity("O2", "2025-03-01")]}
	with asking(tmp_path, rows) as ask:
		asked = ask(as_of=date(2025, 3, 31), last=date(2025, 12, 31), every=Every.MONTH)
		frame = fates(asked, "opportunity", {})
		found = [
			(period.start.month, rows.index.tolist()) for period, rows in by_period(asked, frame, "begun")
		]
	assert found == [(1, ["O1"]), (2, []), (3, ["O2"])]


def test_options_are_checked(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		assert choices(ask(), view=("one", "two")) == {"view": "one"}
		assert choices(ask(options={"view": "two"}), view=("one", "two")) == {"view": "two"}
		with pytest.raises(InputError, match="no view 'three': choose one or two"):
			choices(ask(options={"view": "three"}), view=("one", "two"))
		with pytest.raises(InputError, match="no option 'vew'"):
			choices(ask(options={"vew": "two"}), view=("one", "two"))


def test_the_largest_are_drawn_in_their_own_order() -> None:
	found = [(name, size) for name, size in zip("abcdefgh", (1, 5, 3, 9, 9, 2, 7, 4))]
	assert [name for name, _ in largest(found, lambda size: size)] == list("bcdegh")


def test_figures_have_no_dust() -> None:
	assert rounded(0.1 + 0.2) == 0.3
	assert rounded(4585714.879999999) == 4585714.88
	assert rounded(-0.0) == 0
	assert str(rounded(-0.0)) == "0.0"
	assert rounded(math.nan) is None
	assert rounded(math.inf) is None
	assert rounded(None) is None
