"""On messy companies the engine gives what an independent plain-Python reading of the definitions gives.

`reference.py` was written from kpis.md alone; every field of every figure must agree. A difference is decided by the
text of the definitions, not by whichever is the engine.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import reference
import servers
from comparison import Difference, differences, question, told
from hypothesis import HealthCheck, given, settings
from strategies import FIRST_DAY, LAST_DAY, Messy, messy_companies, messy_company

from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.sources.database import DatabaseSource

BEGINNINGS = (FIRST_DAY, date(2024, 2, 1), date(2024, 5, 13), date(2024, 7, 1), date(2024, 12, 31))
ENDS = (date(2024, 12, 31), date(2025, 3, 17), LAST_DAY)
READ_ON = (date(2024, 2, 29), date(2024, 12, 31), date(2025, 3, 15), LAST_DAY, date(2025, 12, 31))
"""Days of reading: early, in the middle, and when all is over."""

OFTEN = {
	"max_examples": 60,
	"deadline": None,
	"derandomize": True,
	"suppress_health_check": list(HealthCheck),
}


def questions(company: Messy, count: int) -> list[Question]:
	"""Questions that differ in everything; five of one company cover all scopes."""
	random = Random(company.seed)
	names = [row["name"] for row in company.rows["Company"]]
	scopes = list(By)
	random.shuffle(scopes)
	return [
		question(
			random.choice(names),
			random.choice(BEGINNINGS),
			random.choice(ENDS),
			random.choice(("month", "month", "week", "quarter", "range")),
			by.value,
			random.choice(READ_ON),
		)
		for by in scopes[:count]
	]


def compared(company: Messy, name: str, folder: Path, count: int) -> list[Difference]:
	"""What the two tell differently of a company kept in a database, over a number of questions."""
	with servers.tables_in(name, folder, company.rows, company.version, without=company.absent) as url:
		data = reference.Data.from_sqlalchemy(url)
		with DatabaseSource(url) as source:
			masters = read_masters(source, company.settings)
			return [
				difference
				for asked in questions(company, count)
				for difference in differences(source, data, asked, company.settings, masters)
			]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
	return tmp_path_factory.mktemp("companies")


@given(company=messy_companies())
@settings(**OFTEN)
def test_sqlite(folder: Path, company: Messy) -> None:
	"""Any small company, any two scopes, any calendar period, any day of reading, any settings."""
	found = compared(company, "sqlite", folder, 2)
	assert not found, told(found)


@pytest.mark.parametrize("name", ["duckdb", "mariadb", "postgresql"])
@pytest.mark.parametrize("seed", [101, 202])
def test_other_databases(folder: Path, name: str, seed: int) -> None:
	"""The same on the other databases, in every scope: types, collations and orders of theirs change nothing."""
	found = compared(messy_company(seed), name, folder, 5)
	assert not found, told(found)


def test_the_comparison_sees(folder: Path) -> None:
	"""An engine that had one setting wrong would be caught: the comparison isn't blind."""
	company = messy_company(5, size=10)
	with servers.tables_in("sqlite", folder, company.rows, company.version, without=company.absent) as url:
		data = reference.Data.from_sqlalchemy(url)
		asked = question(
			company.rows["Company"][0]["name"], FIRST_DAY, LAST_DAY, "month", "company", LAST_DAY
		)
		with DatabaseSource(url) as source:
			assert not differences(source, data, asked, Settings(churn_after_days=30))
			wrong = reference.Data(data | {"Sales Invoice": _doubled(data["Sales Invoice"])})
			seen = {
				found.key[0] for found in differences(source, wrong, asked, Settings(churn_after_days=30))
			}
	assert {"sales_volume", "average_deal_value", "customer_lifetime_value"} <= seen
	assert "calls" not in seen


def _doubled(invoices: list[dict[str, Any]]) -> list[dict[str, Any]]:
	return [row | {"base_net_total": 2 * (row["base_net_total"] or 0)} for row in invoices]


def test_the_reference_knows_the_worked_example() -> None:
	"""The oracle itself holds in every cell of the definitions' table."""
	reference.worked_example()
