"""The worked example of the definitions, every cell and fraction of its table, on each of the four databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import servers
from example import CELLS, FRACTIONS, ROWS, SETTINGS

from sales_kpi import catalogue
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question, Value, compute
from sales_kpi.sources.database import DatabaseSource

AS_OF = date(2025, 6, 30)
FIRST, LAST = date(2025, 1, 1), date(2025, 5, 31)

Table = dict[tuple[str, str, str], list[Value]]


@pytest.fixture(scope="module", params=servers.DATABASES)
def source(
	request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseSource]:
	folder: Path = tmp_path_factory.mktemp("example")
	with servers.tables_in(request.param, folder, ROWS) as url, DatabaseSource(url) as opened:
		yield opened


@pytest.fixture(scope="module")
def table(source: DatabaseSource) -> Table:
	"""The months of each KPI, kind of scope and scope."""
	found: Table = {}
	for by in (By.COMPANY, By.SALES_PERSON):
		for value in compute(source, Question("A", FIRST, LAST, by=by, as_of=AS_OF), SETTINGS):
			found.setdefault((value["kpi"], value["by"], value["scope"]), []).append(value)
	return found


def test_cells(table: Table) -> None:
	"""Each value of the table, null where it says null."""
	for kpi, by, scope, expected in CELLS:
		got = [month["value"] for month in table[kpi, by, scope]]
		assert got == pytest.approx(expected, abs=1e-9), (kpi, by, scope)


def test_fractions(table: Table) -> None:
	"""Where the table writes a fraction, its two numbers are the numerator and the denominator."""
	for kpi, by, scope, expected in FRACTIONS:
		for month, fraction in zip(table[kpi, by, scope], expected, strict=True):
			if fraction is None:
				assert month["value"] is None
				# Leads of April and May may still convert within 90 days of the period's end.
				waits = kpi == "lead_conversion_rate" and month["period_end"] + timedelta(days=90) > AS_OF
				assert month["reason"] == ("too-early" if waits else "no-records")
			else:
				assert (month["numerator"], month["denominator"]) == pytest.approx(fraction, abs=1e-9)
				assert month["n"] == pytest.approx(fraction[1], abs=1e-9)


def test_spells_and_lapses(source: DatabaseSource) -> None:
	"""Spells begun and lapses, by month, and the days of the lapses as they are derived in the table."""
	reading = (
		read_masters(source, SETTINGS).reading(SETTINGS, AS_OF, source, "A").narrowed(dimensions=frozenset())
	)
	begun = source.run(catalogue.facts()["customer_spell"].select(reading))
	assert sorted(str(day) for day in begun["day"]) == ["2025-02-03", "2025-02-10", "2025-04-20"]
	lapsed = source.run(catalogue.facts()["customer_lapse"].select(reading))
	found = sorted((str(row.day), row.document, str(row.since)) for row in lapsed.itertuples())
	assert found == [
		("2025-03-13", "C2", "2025-02-10"),
		("2025-03-23", "C1", "2025-02-03"),
		("2025-05-21", "C2", "2025-04-20"),
	]


def test_the_team_is_the_company_without_the_unassigned(source: DatabaseSource, table: Table) -> None:
	"""The root of the tree sums both salespeople: 1500, −200 and 700; SI-4 has no team."""
	asked = Question("A", FIRST, LAST, by=By.TEAM, kpis=("sales_volume",), as_of=AS_OF)
	assert [(row["scope"], row["value"]) for row in compute(source, asked, SETTINGS)] == [
		("Sales Team", pytest.approx(value)) for value in (0, 1500, -200, 700, 0)
	]
