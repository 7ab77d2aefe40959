"""What holds for any company: sums that add up, rates that stay in bounds, changes that change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import servers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import LAST_DAY, Messy, Tables, messy_companies

from sales_kpi import catalogue
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question, Value, compute
from sales_kpi.facts.reading.settings import CreditFallback, Settings
from sales_kpi.kpis.formula import Sum
from sales_kpi.periods import Every
from sales_kpi.sources.database import DatabaseSource

FEW = {"max_examples": 5, "deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}

SUMS = tuple(name for name, kpi in catalogue.kpis().items() if isinstance(kpi.formula, Sum))
FLOWS = tuple(name for name in SUMS if name != "pipeline_value")
"""Sums over the period alone; what is open at its end doesn't add up over time."""

ADDED_UP = {
	"churn_rate": ("numerator", "denominator"),
	"win_rate": ("numerator", "denominator"),
	"lead_conversion_rate": ("numerator", "denominator"),
	"quote_to_order_rate": ("numerator", "denominator"),
	"repeat_rate": ("numerator", "denominator"),
	"customer_satisfaction": ("numerator", "denominator"),
	"gross_margin": ("numerator", "denominator"),
	"average_deal_value": ("numerator", "denominator"),
	"average_order_value": ("numerator", "denominator"),
	"average_call_duration": ("numerator", "denominator"),
}
"""Ratios of sums: their numerators and denominators add up, though their values don't."""

RATES = ("lead_conversion_rate", "quote_to_order_rate", "win_rate", "churn_rate", "customer_satisfaction")

QUARTER = (date(2024, 10, 1), date(2024, 12, 31))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
	return tmp_path_factory.mktemp("properties")


def asking(folder: Path, company: Messy, rows: Tables | None = None) -> Any:
	"""The company opened as a source, with other rows if given."""
	return servers.tables_in(
		"sqlite", folder, company.rows if rows is None else rows, company.version, without=company.absent
	)


def answers(url: str, chosen: Settings, questions: Iterable[Question]) -> list[list[Value]]:
	with DatabaseSource(url) as source:
		masters = read_masters(source, chosen)
		return [compute(source, question, chosen, masters) for question in questions]


def first_company(company: Messy) -> str:
	return str(company.rows["Company"][0]["name"])


def close(one: float | None, other: float | None) -> bool:
	if one is None or other is None:
		return one is other
	return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


@given(company=messy_companies())
@settings(**FEW)
def test_the_company_is_its_people_and_the_unassigned(folder: Path, company: Messy) -> None:
	"""Every sum of the company, and both terms of its ratios, are those of all salespeople with '' together."""
	kpis = (*SUMS, *ADDED_UP)
	asked = [
		Question(first_company(company), *QUARTER, by=by, kpis=kpis, as_of=LAST_DAY)
		for by in (By.COMPANY, By.SALES_PERSON)
	]
	with asking(folder, company) as url:
		whole, people = answers(url, company.settings, asked)
	for figure in whole:
		parts = [
			row
			for row in people
			if (row["kpi"], row["period_start"]) == (figure["kpi"], figure["period_start"])
		]
		assert parts[-1]["scope"] == ""
		for name in ADDED_UP.get(figure["kpi"], ("value", "n")):
			total = math.fsum(row[name] for row in parts)  # type: ignore[literal-required]
			assert close(total, figure[name]), (figure["kpi"], name)  # type: ignore[literal-required]


@given(company=messy_companies())
@settings(**FEW)
def test_rates_lie_between_0_and_1(folder: Path, company: Messy) -> None:
	"""Conversion, win, churn and satisfaction, in every scope, where no team exceeds 100 %."""
	teams: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
	for row in company.rows.get("Sales Team", []):
		teams.setdefault((row["parenttype"], row["parent"]), []).append(row)
	modest = [
		row
		for team in teams.values()
		if sum(row["allocated_percentage"] or 0 for row in team) <= 100
		for row in team
	]
	rows = company.rows | {"Sales Team": modest}
	chosen = replace(company.settings, churn_after_days=30)
	asked = [Question(first_company(company), *QUARTER, by=by, kpis=RATES, as_of=LAST_DAY) for by in By]
	with asking(folder, company, rows) as url:
		for figure in (figure for found in answers(url, chosen, asked) for figure in found):
			assert figure["value"] is None or -1e-9 <= figure["value"] <= 1 + 1e-9, figure


@given(company=messy_companies())
@settings(**FEW)
def test_credits_of_a_spell_cancel_at_its_lapse(folder: Path, company: Messy) -> None:
	"""When all spells are over, everybody's spells are everybody's lapses: nobody has a customer left."""
	far = date(2027, 12, 31)
	asked = [
		Question(first_company(company), far, far, by=by, kpis=("churn_rate",), every=Every.DAY, as_of=far)
		for by in By
	]
	with asking(folder, company) as url:
		for figure in (figure for found in answers(url, company.settings, asked) for figure in found):
			assert (figure["numerator"], figure["denominator"]) == (0, 0), figure


@given(company=messy_companies())
@settings(**FEW)
def test_months_add_up_to_their_quarter(folder: Path, company: Messy) -> None:
	"""Monthly flows, by source, are the quarter's."""
	asked = [
		Question(first_company(company), *QUARTER, by=By.SOURCE, kpis=FLOWS, every=every, as_of=LAST_DAY)
		for every in (Every.MONTH, Every.QUARTER)
	]
	with asking(folder, company) as url:
		months, quarter = answers(url, company.settings, asked)
	for figure in quarter:
		parts = [row for row in months if (row["kpi"], row["scope"]) == (figure["kpi"], figure["scope"])]
		assert len(parts) == 3
		assert close(math.fsum(row["value"] or 0 for row in parts), figure["value"]), figure


@given(company=messy_companies(), seed=st.integers(0, 1000))
@settings(**FEW | {"max_examples": 3})
def test_the_order_of_rows_is_of_no_account(folder: Path, company: Messy, seed: int) -> None:
	"""The same rows in any order give the same figures, to the last field."""
	shuffled = {name: list(table) for name, table in company.rows.items()}
	for table in shuffled.values():
		Random(seed).shuffle(table)
	asked = [
		Question(first_company(company), *QUARTER, by=by, as_of=LAST_DAY)
		for by in (By.COMPANY, By.SALES_PERSON)
	]
	found = []
	for rows in (company.rows, shuffled):
		with asking(folder, company, rows) as url:
			found.append(answers(url, company.settings, asked))
	for one, other in zip(_flat(found[0]), _flat(found[1]), strict=True):
		for name, value in one.items():
			same = close if isinstance(value, float) else (lambda a, b: a == b)
			assert same(value, other[name]), (name, one, other)  # type: ignore[literal-required]


def _flat(found: list[list[Value]]) -> list[Value]:
	return sorted(
		(row for rows in found for row in rows),
		key=lambda row: (row["by"], row["kpi"], row["scope"], row["period_start"]),
	)


@given(company=messy_companies())
@settings(**FEW)
def test_a_full_return_brings_the_volume_to_0(folder: Path, company: Messy) -> None:
	"""When each invoice read is returned with its own team, nobody has sold anything, in any scope."""
	invoices, teams = company.rows["Sales Invoice"], company.rows.get("Sales Team", [])
	sold = [row | {"is_return": 0, "is_debit_note": 0} for row in invoices]
	returned = [
		row | {"name": f"{row['name']} back", "is_return": 1, "base_net_total": -(row["base_net_total"] or 0)}
		for row in sold
	]
	team_back = [
		row | {"parent": f"{row['parent']} back"} for row in teams if row["parenttype"] == "Sales Invoice"
	]
	rows = company.rows | {"Sales Invoice": sold + returned, "Sales Team": teams + team_back}
	asked = [
		Question(
			first_company(company), date(2024, 1, 1), LAST_DAY, by=by, kpis=("sales_volume",), as_of=LAST_DAY
		)
		for by in By
	]
	with asking(folder, company, rows) as url:
		found = answers(url, company.settings, asked)
	assert all(abs(figure["value"] or 0) < 1e-6 for figures in found for figure in figures)
	assert any(figure["n"] for figure in found[0]) == any(
		_counts(row, first_company(company)) for row in sold
	)


def _counts(invoice: dict[str, Any], company: str) -> bool:
	"""Whether an invoice is read and is a purchase."""
	return bool(
		invoice["docstatus"] == 1
		and invoice["posting_date"]
		and invoice["company"] == company
		and invoice["is_opening"] != "Yes"
		and not invoice["is_internal_customer"]
		and (invoice["base_net_total"] or 0) > 0
	)


@given(company=messy_companies(), at=st.floats(0.1, 0.9))
@settings(**FEW)
def test_splitting_an_invoice_changes_no_volume(folder: Path, company: Messy, at: float) -> None:
	"""Each invoice made out as two with the same team: the same volume in every scope, and more deals."""
	teams = company.rows.get("Sales Team", [])
	invoices = []
	for row in company.rows["Sales Invoice"]:
		net = row["base_net_total"] or 0
		invoices += [
			row | {"base_net_total": net * at},
			row | {"name": f"{row['name']} b", "base_net_total": net * (1 - at)},
		]
	second = [row | {"parent": f"{row['parent']} b"} for row in teams if row["parenttype"] == "Sales Invoice"]
	split = company.rows | {"Sales Invoice": invoices, "Sales Team": teams + second}
	asked = [
		Question(first_company(company), *QUARTER, by=by, kpis=("sales_volume",), as_of=LAST_DAY)
		for by in (By.COMPANY, By.SALES_PERSON, By.TERRITORY)
	]
	found = []
	for rows in (company.rows, split):
		with asking(folder, company, rows) as url:
			found.append(_flat(answers(url, company.settings, asked)))
	assert len(found[0]) == len(found[1])
	for one, other in zip(*found, strict=True):
		assert one["scope"] == other["scope"]
		assert close(one["value"], other["value"]), (one, other)


@given(company=messy_companies())
@settings(**FEW)
def test_reparenting_moves_teams_and_nobody_else(folder: Path, company: Messy) -> None:
	"""Another tree over the same people changes no salesperson's figures: facts know nothing of teams."""
	people = company.rows["Sales Person"]
	groups, others = (
		[row for row in people if row["is_group"]],
		[row for row in people if not row["is_group"]],
	)
	flat = []
	for number, row in enumerate([*groups, *others]):
		flat.append(row | {"lft": 2 * number + 1, "rgt": 2 * number + 2, "parent_sales_person": None})
	asked = [Question(first_company(company), *QUARTER, by=By.SALES_PERSON, kpis=SUMS, as_of=LAST_DAY)]
	found = []
	for rows in (company.rows, company.rows | {"Sales Person": flat}):
		with asking(folder, company, rows) as url:
			found.append(_flat(answers(url, company.settings, asked)))
	assert found[0] == found[1]


@pytest.mark.parametrize("fallback", list(CreditFallback))
def test_every_credit_fallback_adds_up(folder: Path, fallback: CreditFallback) -> None:
	"""Whoever is credited where a team is missing, nothing is lost and nothing counted twice."""
	check: Callable[..., None] = test_the_company_is_its_people_and_the_unassigned.hypothesis.inner_test  # type: ignore[attr-defined]
	from strategies import messy_company

	for seed in (11, 12):
		company = messy_company(seed)
		check(
			folder=folder,
			company=replace(company, settings=replace(company.settings, credit_fallback=fallback)),
		)
