"""Retention and churn: the worked example, golden G13, the KPI, and a demo company counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import example
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import invoice, team
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.inquiry import Inquiry
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.retention import (
	ANALYSIS,
	AT_RISK,
	PROBABLY_LOST,
	Trade,
	churn,
	cohorts,
	lateness,
	rhythm,
)
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, calendar_named

PERIODS, RISK = {"view": "periods"}, {"view": "at-risk"}


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


def days(*iso: str | None) -> Any:
	return np.array([np.datetime64(day or "NaT", "D") for day in iso])


# Cohorts


def test_cohorts() -> None:
	"""Two customers of the first period, one of the second; three periods are over, the fourth isn't."""
	found = cohorts(
		joined=[0, 0, 1],
		weights=[1, 1, 1],
		customer=[0, 0, 0, 1, 2, 2, 2],
		bought=[0, 1, 1, 2, 1, 2, 3],
		over=2,
		count=3,
		later=3,
	)
	assert found.sizes == (2, 1, 0)
	assert found.shares == ((0.5, 0.5, None), (1.0, None, None), (None, None, None))
	# Ratios of sums: two of three, not the mean of a half and one.
	assert found.average == (pytest.approx(2 / 3), 0.5, None)
	assert found.known == (3, 2, 0)


def test_cohorts_of_shared_credit() -> None:
	found = cohorts([0, 0], [0.25, 0.75], [1], [1], over=5, count=1, later=2)
	assert found.sizes == (1,)
	assert found.shares == ((0.75, 0),)


def test_cohorts_of_nothing() -> None:
	found = cohorts([], [], [], [], over=-1, count=2, later=2)
	assert (found.sizes, found.average) == ((0, 0), (None, None))
	assert found.shares == ((None, None), (None, None))
	assert cohorts([], [], [], [], over=-1, count=0).sizes == ()


@given(
	joined=st.lists(st.integers(0, 4), min_size=1, max_size=8),
	seed=st.integers(0, 1000),
)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_shares_of_cohorts_are_shares(joined: list[int], seed: int) -> None:
	"""And the order of purchases, or buying twice in a period, changes nothing."""
	random = Random(seed)
	pairs = [(number, first + random.randrange(6)) for number, first in enumerate(joined) for _ in range(4)]
	one = cohorts(joined, np.ones(len(joined)), *zip(*pairs), over=7, count=5)
	random.shuffle(pairs)
	assert cohorts(joined, np.ones(len(joined)), *zip(*pairs, *pairs[:3]), over=7, count=5) == one
	for cohort, size in enumerate(one.sizes):
		assert size == joined.count(cohort)
		for after, share in enumerate(one.shares[cohort], 1):
			assert (share is not None) == (size > 0 and cohort + after <= 7)
			assert share is None or 0 <= share <= 1


# Churn


def test_churn() -> None:
	"""Golden G13: of A to E three are lost, F is new: 40 % are kept. The KPI counts F as well: three of six."""
	found = churn(
		days(*["2025-01-10"] * 5, "2025-02-10"),
		days(None, None, "2025-02-05", "2025-02-28", "2025-02-01", None),
		[1] * 6,
		[True] * 6,
		[100, 100, 50, 20, 0, 30],
		date(2025, 2, 1),
		date(2025, 2, 28),
	)
	assert (found.start, found.first, found.returned, found.lost, found.end) == (5, 1, 0, 3, 3)
	assert found.kept == pytest.approx(0.4)
	assert found.rate == pytest.approx(0.5)
	assert (found.revenue, found.revenue_lost) == (300, 70)
	assert found.revenue_rate == pytest.approx(70 / 300)


def test_churn_of_a_customer_that_returns_within_the_period() -> None:
	"""One spell that ended and one that began: the KPI counts both."""
	found = churn(
		days("2025-01-10", "2025-02-20"),
		days("2025-02-10", None),
		[0.5, 0.5],
		[True, False],
		[10, 10],
		date(2025, 2, 1),
		date(2025, 2, 28),
	)
	assert (found.start, found.first, found.returned, found.lost, found.end) == (0.5, 0, 0.5, 0.5, 0.5)
	assert (found.rate, found.kept) == (0.5, 0)


def test_who_comes_and_goes_in_one_period_was_not_there_to_be_kept() -> None:
	"""A short patience within a long period: it counts as lost, but two of two are kept."""
	found = churn(
		days("2024-12-20", "2024-12-20", "2025-01-10"),
		days(None, None, "2025-02-10"),
		[1] * 3,
		[True] * 3,
		[1] * 3,
		date(2025, 1, 1),
		date(2025, 3, 31),
	)
	assert (found.start, found.first, found.lost, found.end) == (2, 1, 1, 2)
	assert (found.rate, found.kept) == (pytest.approx(1 / 3), 1)


def test_churn_where_there_is_nobody_or_nothing() -> None:
	nobody = churn(days(), days(), [], [], [], date(2025, 2, 1), date(2025, 2, 28))
	assert (nobody.start, nobody.rate, nobody.kept, nobody.revenue_rate) == (0, None, None, None)
	poor = churn(
		days("2025-01-01"), days("2025-02-02"), [1], [True], [0], date(2025, 2, 1), date(2025, 2, 28)
	)
	assert (poor.rate, poor.revenue_rate) == (1, None)
	gone = churn(
		days("2025-01-01"), days("2025-01-31"), [1], [True], [9], date(2025, 2, 1), date(2025, 2, 28)
	)
	assert (gone.start, gone.rate, gone.revenue) == (0, None, 0)


# Rhythm


def test_rhythm() -> None:
	"""Golden G13: at risk after 62 days, lost after 68."""
	found = rhythm([30, 28, 35, 31, 90])
	assert found is not None
	assert (found.usual, found.late_after) == (31, 62)
	assert found.p90 == pytest.approx(68)
	said = {day: lateness(day, found.late_after, found.p90) for day in (31, 62, 63, 68, 69)}
	assert said == {31: None, 62: None, 63: AT_RISK, 68: AT_RISK, 69: PROBABLY_LOST}


def test_one_gap_is_no_rhythm() -> None:
	assert rhythm([30]) is None
	assert rhythm([]) is None


# Trade


def test_worth_is_a_year_up_to_the_last_purchase_less_returns() -> None:
	trade = Trade(
		["B", "A", "A", "A", "A"],
		days("2024-06-01", "2023-12-31", "2024-01-01", "2024-12-30", "2025-02-01"),
		[7.0, 1000.0, 100.0, 50.0, -30.0],
		[1, 1, 1, 2, 0],
	)
	a, b = trade.places(["A", "B"])

	def worth(place: int, day: str) -> float:
		return float(trade.worth(np.array([place]), days(day))[0])

	assert worth(a, "2023-12-30") == 0
	assert worth(a, "2023-12-31") == 1000
	assert worth(a, "2024-12-29") == 1100
	# The year up to 30 December 2024 begins after 31 December 2023.
	assert worth(a, "2024-12-30") == 150
	assert worth(a, "2025-01-31") == 150
	assert worth(a, "2030-01-01") == 120
	assert [worth(b, day) for day in ("2024-05-31", "2024-06-01", "2030-01-01", "1999-01-01")] == [0, 7, 7, 0]
	assert trade.places(["C"]).tolist() == [-1]
	assert worth(-1, "2024-12-30") == 0
	place, bought = trade.purchases()
	assert place.tolist() == [0, 0, 0, 1]
	assert bought.tolist() == days("2023-12-31", "2024-01-01", "2024-12-30", "2024-06-01").tolist()


def test_who_returned_more_than_it_bought_is_worth_nothing() -> None:
	trade = Trade(["A", "A"], days("2025-01-01", "2025-01-05"), [100.0, -130.0], [1, 0])
	assert trade.worth(np.array([0]), days("2025-02-01")).tolist() == [0]
	assert Trade([], days(), [], []).worth(np.array([0]), days("2025-01-01")).tolist() == [0]


# What is told

SI = [
	invoice("S1", "2025-01-10", 100, "C1"),
	invoice("S2", "2025-02-10", 100, "C1"),
	invoice("S3", "2025-04-10", 100, "C1"),
	invoice("S4", "2025-01-20", 300, "C2"),
	invoice("S5", "2025-01-25", -300, "C2", is_return=1),
	invoice("S6", "2025-03-05", 50, "C3"),
	invoice("S7", "2025-04-20", 50, "C3"),
	invoice("S8", "2025-01-15", 999, "Walk-in"),
	invoice("S9", "2025-02-15", 70, "Old"),
	invoice("S0", "2024-12-31", 70, "Old", is_opening="Yes"),
]
N_30 = Settings(churn_after_days=30, not_one_customer=("Walk-in",))
ROWS = {"Sales Invoice": SI, "Customer": [{"name": "Walk-in"}]}


def test_cohorts_of_new_customers(tmp_path: Path) -> None:
	"""Neither whoever was known before nor who stands for many is a new customer; May isn't over."""
	with asking(tmp_path, ROWS, settings=N_30) as ask:
		outcome = checked(ANALYSIS, ask(as_of=date(2025, 5, 30), last=date(2025, 4, 30)))
	assert column(outcome, "cohort") == [date(2025, month, 1) for month in (1, 2, 3, 4)]
	assert column(outcome, "customers") == [2, 0, 1, 0]
	assert [[row[f"after_{after}"] for after in (1, 2, 3)] for row in outcome.rows] == [
		[0.5, 0, 0.5],
		[None, None, None],
		[1, None, None],
		[None, None, None],
	]
	assert "after_4" not in outcome.rows[0]
	assert outcome.charts[0].series[0].values == (1.0, pytest.approx(2 / 3), 0, 0.5)
	assert outcome.notes[0].values == {"customers": 3, "share": pytest.approx(2 / 3)}
	assert outcome.notes[1].values == {"customers": 2, "share": 0.5, "after": 3}


def test_cohorts_by_salesperson_are_those_whom_he_won(tmp_path: Path) -> None:
	"""Ann won 0.6 of C1, who bought from Bob afterwards: it came back all the same."""
	rows = ROWS | {"Sales Team": [*team("S1", Ann=60, Bob=40), *team("S2", Bob=100), *team("S4", Bob=100)]}
	with asking(tmp_path, rows, settings=N_30) as ask:
		people = checked(ANALYSIS, ask(by=By.SALES_PERSON, last=date(2025, 1, 31)))
		alone = checked(ANALYSIS, ask(scope_by=By.SALES_PERSON, scope="Ann", last=date(2025, 1, 31)))
	cells = [(row["scope"], row["customers"], row["after_1"], row["after_3"]) for row in people.rows]
	assert cells == [("Ann", 0.6, 1, 1), ("Bob", 1.4, pytest.approx(0.4 / 1.4), pytest.approx(0.4 / 1.4))]
	assert [(row["customers"], row["after_1"]) for row in alone.rows] == [(0.6, 1)]


def test_cohorts_of_other_calendars(tmp_path: Path) -> None:
	"""Bahman 1403 begins on 20 January 2025; a range cut off in its middle has whole periods after it."""
	with asking(tmp_path, ROWS, settings=N_30) as ask:
		outcome = checked(
			ANALYSIS, ask(first=date(2025, 1, 15), last=date(2025, 2, 1), calendar=calendar_named("jalali"))
		)
		with pytest.raises(InputError, match="no period of a calendar"):
			ANALYSIS.answer(ask(every=Every.RANGE))
	assert column(outcome, "cohort") == [date(2024, 12, 21), date(2025, 1, 20)]
	assert column(outcome, "customers") == [0, 1]


def test_churn_of_the_worked_example(tmp_path: Path) -> None:
	"""And its revenue: C1 bought for 1000 + 500 − 200, C2 for 300, and again for 700."""
	with asking(tmp_path, example.ROWS, settings=example.SETTINGS) as ask:
		outcome = checked(ANALYSIS, ask(last=date(2025, 5, 31), options=PERIODS))
		ann = checked(ANALYSIS, ask(last=date(2025, 5, 31), options=PERIODS, by=By.SALES_PERSON))
	assert column(outcome, "churn") == [None, 0, 1, 0, 1]
	assert column(outcome, "start") == [0, 0, 2, 0, 1]
	assert column(outcome, "first") == [0, 2, 0, 0, 0]
	assert column(outcome, "returned") == [0, 0, 0, 1, 0]
	assert column(outcome, "lost") == [0, 0, 2, 0, 1]
	assert column(outcome, "kept") == [None, None, 0, None, 0]
	assert column(outcome, "revenue_lost") == [0, 0, 1300 + 300, 0, 1000]
	assert column(outcome, "revenue_churn") == [None, 0, 1, 0, 1]
	assert outcome.charts[1].series[0].values == (0, 2, 1, -3, 0)
	assert [row["churn"] for row in ann.rows if row["scope"] == "Ann"] == [None, 0, 1, 0, 1]


def test_revenue_churn_is_not_customer_churn(tmp_path: Path) -> None:
	"""Of three the one that is lost is small: 10 of 310."""
	rows = {
		"Sales Invoice": [
			invoice("S1", "2025-01-01", 10, "C1"),
			invoice("S2", "2025-01-20", 100, "C2"),
			invoice("S3", "2025-01-20", 200, "C3"),
		]
	}
	with asking(tmp_path, rows, settings=Settings(churn_after_days=30)) as ask:
		outcome = checked(ANALYSIS, ask(date(2025, 2, 1), date(2025, 2, 15), options=PERIODS))
	(row,) = outcome.rows
	with asking(tmp_path, rows, settings=Settings(churn_after_days=30)) as ask:
		whole = checked(
			ANALYSIS, ask(date(2025, 2, 1), date(2025, 2, 15), options=PERIODS, every=Every.RANGE)
		)
	assert whole.rows[0]["churn"] == row["churn"]
	assert whole.notes[0].sentence.startswith("From {period} on")
	assert (row["churn"], row["kept"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
	assert row["revenue_churn"] == pytest.approx(10 / 310)
	assert row["state"] == "so far"


def test_periods_that_are_not_over_are_so_far(tmp_path: Path) -> None:
	with asking(tmp_path, ROWS, settings=N_30) as ask:
		outcome = checked(
			ANALYSIS, ask(date(2025, 2, 1), date(2025, 12, 31), date(2025, 4, 10), options=PERIODS)
		)
	assert column(outcome, "period") == [date(2025, month, 1) for month in (2, 3, 4)]
	assert column(outcome, "state") == [None, None, "so far"]


def test_who_is_late(tmp_path: Path) -> None:
	"""Golden G13's customer bought last on 12 August 2024; Quick has no such patience; Young bought twice only."""
	gaps, day, bought = (30, 28, 35, 31, 90), date(2024, 1, 11), []
	for gap in (0, *gaps):
		day += timedelta(days=gap)
		bought.append(invoice(f"S{day}", str(day), 100, "Slow"))
	assert day == date(2024, 8, 12)
	quick = [
		invoice(f"Q{number}", str(date(2024, 7, 1) + timedelta(days=10 * number)), 1, "Quick")
		for number in range(4)
	]
	young = [invoice(f"Y{number}", f"2024-0{number}-01", 1, "Young") for number in (7, 8)]
	rows = {"Sales Invoice": [*bought, *quick, *young], "Sales Team": team(bought[0]["name"], Ann=40, Bob=60)}

	def late(as_of: date) -> list[tuple[Any, ...]]:
		outcome = checked(ANALYSIS, ask(date(2024, 1, 1), as_of, as_of, options=RISK))
		cells = ("customer", "sales_person", "status", "days", "usual", "late_after", "purchases", "revenue")
		return [tuple(row[name] for name in cells) for row in outcome.rows]

	with asking(tmp_path, rows) as ask:
		assert late(date(2024, 8, 12)) == []
		# Of the gaps 30, 28, 35, 31, 90, 10, 10, 10 and 31 nine of ten are no longer than 46.
		assert late(date(2024, 9, 10)) == [("Quick", "", AT_RISK, 41, 10, 20, 4, 4)]
		assert late(date(2024, 9, 16)) == [("Quick", "", PROBABLY_LOST, 47, 10, 20, 4, 4)]
		assert late(date(2024, 10, 13)) == [("Quick", "", PROBABLY_LOST, 74, 10, 20, 4, 4)]
		assert late(date(2024, 10, 14)) == [
			("Slow", "Bob", PROBABLY_LOST, 63, 31, 62, 6, 600),
			("Quick", "", PROBABLY_LOST, 75, 10, 20, 4, 4),
		]
		# Half a year later all are lost.
		assert late(date(2025, 2, 9)) == []
		outcome = checked(
			ANALYSIS, ask(date(2024, 1, 1), date(2024, 10, 14), date(2024, 10, 14), options=RISK)
		)
		people = checked(
			ANALYSIS,
			ask(date(2024, 1, 1), date(2024, 10, 14), date(2024, 10, 14), options=RISK, by=By.SALES_PERSON),
		)
	row = outcome.rows[0]
	assert row["p90"] == pytest.approx(68)
	assert (row["last_purchase"], row["lost_on"]) == (date(2024, 8, 12), date(2025, 2, 9))
	assert outcome.notes[0].values == {"late": 2, "customers": 2, "money": 604}
	assert outcome.notes[-1].values == {"customers": 1, "purchases": 3}
	assert outcome.charts[0].labels == ("Bob", "")
	assert [(row["scope"], row["customer"], row["revenue"]) for row in people.rows] == [
		("Ann", "Slow", 240),
		("Bob", "Slow", 360),
		("", "Quick", 4),
	]


def test_no_customers_are_said_to_be_none(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		for by in By:
			for options in ({}, PERIODS, RISK):
				outcome = checked(ANALYSIS, ask(by=by, options=options))
				assert outcome.rows == ()
				assert outcome.notes[0].is_warning


def test_one_customer_that_returned_all(tmp_path: Path) -> None:
	rows = {"Sales Invoice": SI[3:5]}
	with asking(tmp_path, rows, settings=Settings(churn_after_days=30)) as ask:
		outcome = checked(ANALYSIS, ask(options=PERIODS, last=date(2025, 2, 28)))
		checked(ANALYSIS, ask(options=RISK, as_of=date(2025, 2, 1)))
	assert column(outcome, "churn") == [0, 1]
	assert column(outcome, "revenue_churn") == [None, None]


def test_the_order_of_the_records_does_not_matter(tmp_path: Path) -> None:
	every = ({}, PERIODS, RISK)
	with asking(tmp_path, ROWS, settings=N_30) as ask:
		first = [ANALYSIS.answer(ask(as_of=date(2025, 4, 20), options=options)) for options in every]
	with asking(tmp_path, ROWS | {"Sales Invoice": SI[::-1]}, settings=N_30) as ask:
		assert [ANALYSIS.answer(ask(as_of=date(2025, 4, 20), options=options)) for options in every] == first


def test_what_is_asked_is_checked(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask, pytest.raises(InputError, match="no view 'risk'"):
		ANALYSIS.answer(ask(options={"view": "risk"}))


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("demo")) as company:
		yield company


FIRST, LAST = date(2026, 1, 1), date(2026, 10, 31)


@pytest.mark.parametrize("by", [By.COMPANY, By.SALES_PERSON, By.TEAM, By.TERRITORY, By.SOURCE])
def test_churn_is_the_kpi(demo: Demo, by: By) -> None:
	"""Its value, of each period and scope, its numerator and its denominator."""
	asked = demo.ask(FIRST, LAST, by=by, options=PERIODS)
	values = compute(
		asked.source,
		Question(asked.company, FIRST, LAST, Every.MONTH, by, ("churn_rate",), asked.as_of),
		asked.settings,
	)
	outcome = checked(ANALYSIS, asked)
	told = {(row.get("scope", asked.company), row["period"]): row for row in outcome.rows}
	compared = 0
	for value in values:
		row = told.get((value["scope"], value["period_start"]))
		if row is None:
			assert value["value"] is None
			continue
		assert row["churn"] == pytest.approx(value["value"])
		assert row["lost"] == pytest.approx(value["numerator"])
		assert row["start"] + row["first"] + row["returned"] == pytest.approx(value["denominator"])  # type: ignore[operator]
		compared += value["value"] is not None
	assert compared >= 10
	assert len(told) == len(outcome.rows)


def purchases(demo: Demo, asked: Inquiry) -> dict[str, list[date]]:
	"""The days on which each customer of the company bought, in order; told from the records one by one."""
	found: dict[str, list[date]] = {}
	for customer, day, company, net, kind, debit, opening, internal in demo.read(
		"SELECT customer, posting_date, company, base_net_total, is_return, is_debit_note, is_opening, is_internal_customer "
		'FROM "tabSales Invoice" WHERE docstatus = 1 ORDER BY posting_date'
	):
		skipped = kind or debit or internal or opening == "Yes" or net <= 0 or company != asked.company
		if not skipped and customer not in asked.settings.not_one_customer:
			found.setdefault(customer, []).append(day)
	return found


def test_cohorts_of_a_demo_company_are_as_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(FIRST, LAST)
	outcome, bought = checked(ANALYSIS, asked), purchases(demo, asked)
	known = {
		name
		for name, company in demo.read(
			"SELECT customer, company FROM \"tabSales Invoice\" WHERE docstatus = 1 AND is_opening = 'Yes'"
		)
		if company == asked.company
	}
	assert sum(column(outcome, "customers")) > 20
	for row in outcome.rows:
		start = row["cohort"]
		assert isinstance(start, date)
		mine = [
			dates
			for name, dates in bought.items()
			if name not in known and (dates[0].year, dates[0].month) == (start.year, start.month)
		]
		assert row["customers"] == len(mine)
		for after in range(1, 10):
			month = start.month + after
			again = sum(any(day.year == 2026 and day.month == month for day in dates) for dates in mine)
			expected = again / len(mine) if mine and month <= 10 else None
			assert row[f"after_{after}"] == (None if expected is None else pytest.approx(expected))


def test_the_late_of_a_demo_company_are_as_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(FIRST, LAST, options=RISK)
	outcome, bought = checked(ANALYSIS, asked), purchases(demo, asked)
	late = {}
	for name, dates in bought.items():
		days_ = sorted(set(dates))
		gaps = [(two - one).days for one, two in pairwise(days_)]
		since = (asked.as_of - days_[-1]).days
		if since <= 180 and len(gaps) >= 2 and since > 2 * float(np.median(gaps)):
			late[name] = since
	assert len(late) > 5
	assert {row["customer"]: row["days"] for row in outcome.rows} == late
