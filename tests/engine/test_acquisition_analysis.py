"""Acquisition cost: golden G11, the KPI, and a demo company counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import invoice, lead, team
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.acquisition import ANALYSIS, acquisition_cost, lag_that_fits
from sales_kpi.analysis.inquiry import Inquiry
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every

TOTAL, ACCOUNTS = {"view": "total"}, {"view": "accounts"}
QUARTER = (date(2025, 1, 1), date(2025, 3, 31))
SPENT = Settings(acquisition_accounts=("Marketing",))
MAPPED = Settings(
	acquisition_accounts=("Marketing", "Salaries"),
	cost_center_source={"CC Web": "Web", "CC Fair": "Fair"},
	cost_center_sales_person={"CC Ann": "Ann"},
)


def entry(name: str, day: str, amount: float, account: str = "Marketing", **more: Any) -> dict[str, Any]:
	return {
		"name": name,
		"posting_date": day,
		"account": account,
		"company": "A",
		"debit": max(amount, 0),
		"credit": max(-amount, 0),
		"is_cancelled": 0,
		"is_opening": "No",
		"voucher_type": "Journal Entry",
		"cost_center": "Main",
	} | more


def golden() -> dict[str, list[dict[str, Any]]]:
	"""Golden G11: 12, 15 and 9 thousand in three months; 10, 20 and 15 new customers; 18 thousand of salaries."""
	months = (("01", 12000, 10), ("02", 15000, 20), ("03", 9000, 15))
	return {
		"Account": [
			{"name": "Marketing", "company": "A", "lft": 1, "rgt": 2},
			{"name": "Salaries", "company": "A", "lft": 3, "rgt": 4},
		],
		"GL Entry": [
			*(entry(f"E{month}", f"2025-{month}-28", cost) for month, cost, _ in months),
			*(entry(f"P{month}", f"2025-{month}-25", 6000, "Salaries") for month, _, _ in months),
		],
		"Sales Invoice": [
			invoice(f"S{month}-{number}", f"2025-{month}-10", 100, f"C{month}-{number}")
			for month, _, won in months
			for number in range(won)
		],
	}


CENTERS = [{"name": name} for name in ("Main", "CC Web", "CC Fair", "CC Ann")]


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


def notes(outcome: Outcome) -> str:
	return " ".join(note.sentence.format(**note.values) for note in outcome.notes)


# The golden


def test_cost_of_each() -> None:
	assert acquisition_cost(36000, 45).each == pytest.approx(800)
	assert acquisition_cost(54000, 45, direct=36000).each_direct == pytest.approx(800)
	assert acquisition_cost(54000, 45).each == pytest.approx(1200)
	nobody = acquisition_cost(500, 0)
	assert (nobody.each, nobody.each_direct) == (None, None)
	assert acquisition_cost(-100, 2).each == -50


@given(cost=st.floats(-1e6, 1e6), customers=st.floats(0.01, 1e4), factor=st.floats(0.1, 10))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_cost_of_each_is_a_ratio(cost: float, customers: float, factor: float) -> None:
	one, other = acquisition_cost(cost, customers), acquisition_cost(cost * factor, customers * factor)
	assert other.each == pytest.approx(one.each)


def test_lag_that_fits() -> None:
	assert [lag_that_fits(days) for days in (0, 14, 16, 33, 61, 100)] == [0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize(("view", "each"), [("periods", [1200, 750, 600]), ("total", [800])])
def test_golden_months_and_quarter(tmp_path: Path, view: str, each: list[float]) -> None:
	with asking(tmp_path, golden(), settings=SPENT) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER, options={"view": view}))
	assert column(outcome, "each") == each
	assert column(outcome, "direct") == [None] * len(each)
	assert "all figures are fully loaded" in notes(outcome)


def test_golden_lag_and_salaries(tmp_path: Path) -> None:
	"""With a lag of one month the customers of March cost what was spent in February: 1000. With salaries: 1200."""
	late = Settings(acquisition_accounts=("Marketing",), acquisition_lag_months=1)
	loaded = Settings(acquisition_accounts=("Marketing", "Salaries"))
	with asking(tmp_path, golden(), settings=late) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER))
	assert column(outcome, "cost") == [0, 12000, 15000]
	assert column(outcome, "each") == [0, 600, 1000]
	assert "a lag in months of 1" in notes(outcome)
	with asking(tmp_path, golden(), settings=loaded) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER, options=TOTAL))
	assert column(outcome, "each") == [1200]


# Channels


def channels() -> dict[str, list[dict[str, Any]]]:
	"""Two customers of Web, one of Fair, one of nowhere; 300 for Web, 200 for Fair, 50 of it credited, 400 for nothing."""
	return {
		"Account": golden()["Account"],
		"Cost Center": CENTERS,
		"Lead": [
			lead(f"L{number}", "2025-01-01", source=source)
			for number, source in enumerate(["Web", "Web", "Fair"])
		],
		"Lead Source": [{"name": "Web"}, {"name": "Fair"}, {"name": "Phone"}],
		"Customer": [
			*({"name": f"C{number}", "lead_name": f"L{number}"} for number in range(3)),
			{"name": "C3"},
		],
		"Sales Invoice": [invoice(f"S{number}", "2025-01-20", 100, f"C{number}") for number in range(4)],
		"Sales Team": [*team("S0", Ann=60, Bob=40), *team("S1", Ann=100)],
		"GL Entry": [
			entry("E1", "2025-01-05", 300, cost_center="CC Web"),
			entry("E2", "2025-01-05", 250, cost_center="CC Fair"),
			entry("E3", "2025-01-06", -50, cost_center="CC Fair"),
			entry("E4", "2025-01-07", 400, "Salaries"),
			entry("E5", "2025-01-07", 80, "Salaries", cost_center="CC Ann"),
			entry("E6", "2025-01-07", 9999, is_cancelled=1),
		],
	}


def test_channels(tmp_path: Path) -> None:
	"""What belongs to no channel is a row of its own, and in no other."""
	with asking(tmp_path, channels(), settings=MAPPED) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER, by=By.SOURCE, options=TOTAL))
		company = checked(ANALYSIS, ask(*QUARTER, options=TOTAL))
	cells = [(row["scope"], row["customers"], row["cost"], row["each"]) for row in outcome.rows]
	assert cells == [("Fair", 1, 200, 200), ("Web", 2, 300, 150), ("", 1, 480, 480)]
	assert sum(column(outcome, "share")) == pytest.approx(1)
	assert column(company, "cost") == [980]
	assert column(company, "direct") == [500]
	assert column(company, "each") == [245]
	assert column(company, "each_direct") == [125]
	assert "480" in notes(outcome)
	assert "" not in outcome.charts[0].labels


def test_salespeople(tmp_path: Path) -> None:
	with asking(tmp_path, channels(), settings=MAPPED) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER, by=By.SALES_PERSON, options=TOTAL))
	cells = [(row["scope"], row["customers"], row["cost"], row["each"]) for row in outcome.rows]
	assert cells == [("Ann", 1.6, 80, 50), ("Bob", 0.4, 0, 0), ("", 2, 900, 450)]


def test_accounts(tmp_path: Path) -> None:
	with asking(tmp_path, channels(), settings=MAPPED) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER, options=ACCOUNTS))
		with pytest.raises(InputError, match="company as a whole"):
			ANALYSIS.answer(ask(*QUARTER, by=By.SOURCE, options=ACCOUNTS))
	names = ("account", "cost_center", "source", "sales_person", "cost")
	assert [tuple(row[name] for name in names) for row in outcome.rows] == [
		("Salaries", "Main", "", "", 400),
		("Marketing", "CC Web", "Web", "", 300),
		("Marketing", "CC Fair", "Fair", "", 200),
		("Salaries", "CC Ann", "", "Ann", 80),
	]
	assert outcome.charts[0].series[0].values == (500, 480)


# What is missing


def test_what_is_missing_is_said(tmp_path: Path) -> None:
	empty: dict[str, Any] = {"Account": golden()["Account"], "Cost Center": CENTERS}
	with asking(tmp_path, golden()) as ask:
		for options in ({}, TOTAL, ACCOUNTS):
			outcome = checked(ANALYSIS, ask(*QUARTER, options=options))
			assert outcome.rows == ()
			assert outcome.notes[0].is_warning
			assert "name no accounts" in notes(outcome)
		with pytest.raises(InputError, match="no view 'x'"):
			ANALYSIS.answer(ask(*QUARTER, options={"view": "x"}))
	with asking(tmp_path, golden(), settings=SPENT) as ask:
		for by, word in ((By.SOURCE, "channel"), (By.SALES_PERSON, "salesperson"), (By.TEAM, "salesperson")):
			outcome = checked(ANALYSIS, ask(*QUARTER, by=by))
			assert outcome.rows == ()
			assert f"map no cost center to a {word}" in notes(outcome)
	with asking(tmp_path, empty, settings=MAPPED) as ask:
		assert "Nothing was spent" in notes(checked(ANALYSIS, ask(*QUARTER)))
		assert "Nothing was spent" in notes(checked(ANALYSIS, ask(*QUARTER, options=ACCOUNTS)))


def test_cost_without_customers_has_no_ratio(tmp_path: Path) -> None:
	rows = golden() | {"Sales Invoice": []}
	with asking(tmp_path, rows, settings=SPENT) as ask:
		outcome = checked(ANALYSIS, ask(*QUARTER))
	assert column(outcome, "each") == [None, None, None]
	assert "no new customer was won" in notes(outcome)


def test_periods_that_are_not_over_are_so_far(tmp_path: Path) -> None:
	with asking(tmp_path, golden(), settings=SPENT) as ask:
		outcome = checked(ANALYSIS, ask(date(2025, 1, 15), date(2025, 12, 31), date(2025, 3, 15)))
	assert column(outcome, "state") == ["so far", None, "so far"]
	assert column(outcome, "cost") == [12000, 15000, 0]


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("acquisition")) as found:
		yield found


def values_of(asked: Inquiry, by: By) -> dict[tuple[str, date], float | None]:
	question = Question(
		asked.company, asked.first, asked.last, asked.every, by, ("customer_acquisition_cost",), asked.as_of
	)
	return {
		(value["scope"], value["period_start"]): value["value"]
		for value in compute(asked.source, question, asked.settings, asked.masters)
	}


@pytest.mark.parametrize("by", [By.COMPANY, By.SOURCE, By.SALES_PERSON, By.TEAM])
@pytest.mark.parametrize("every", [Every.MONTH, Every.QUARTER])
def test_it_is_the_kpi(demo: Demo, by: By, every: Every) -> None:
	asked = demo.ask(date(2025, 11, 1), date(2026, 10, 31), by=by, every=every)
	outcome, kpi = checked(ANALYSIS, asked), values_of(asked, by)
	assert outcome.rows
	for row in outcome.rows:
		expected = kpi[str(row.get("scope", asked.company)), row["period"]]  # type: ignore[index]
		assert row["each"] == (None if expected is None else pytest.approx(expected, abs=1e-6))


def test_the_demo_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(date(2026, 1, 1), date(2026, 10, 31), options=TOTAL)
	(row,) = checked(ANALYSIS, asked).rows
	accounts = ", ".join(f"'{name}'" for name in asked.settings.acquisition_accounts)
	entries = demo.read(
		f"""SELECT debit - credit, cost_center FROM "tabGL Entry" WHERE account IN ({accounts})
		AND company = '{asked.company}' AND is_cancelled = 0 AND is_opening = 'No'
		AND voucher_type <> 'Period Closing Voucher' AND posting_date BETWEEN '2026-01-01' AND '2026-10-31'"""
	)
	direct = sum(float(amount) for amount, center in entries if center in asked.settings.cost_center_source)
	assert row["cost"] == pytest.approx(sum(float(amount) for amount, _ in entries))
	assert row["direct"] == pytest.approx(direct)
	assert 0 < direct < row["cost"]  # type: ignore[operator]


def test_rows_add_up(demo: Demo) -> None:
	span = (date(2026, 1, 1), date(2026, 10, 31))
	company = checked(ANALYSIS, demo.ask(*span, options=TOTAL)).rows[0]
	for by in (By.SOURCE, By.SALES_PERSON):
		rows = checked(ANALYSIS, demo.ask(*span, options=TOTAL, by=by)).rows
		assert sum(float(str(row["cost"])) for row in rows) == pytest.approx(company["cost"])
		assert sum(float(str(row["customers"])) for row in rows) == pytest.approx(company["customers"])
	months = checked(ANALYSIS, demo.ask(*span)).rows
	assert sum(float(str(row["cost"])) for row in months) == pytest.approx(company["cost"])
	accounts = checked(ANALYSIS, demo.ask(*span, options=ACCOUNTS)).rows
	assert sum(float(str(row["cost"])) for row in accounts) == pytest.approx(company["cost"])
