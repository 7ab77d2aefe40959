"""Whatever companies and people are called, each has its own numbers; values are bound; nothing is ever written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sales_kpi import catalogue
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question, compute
from sales_kpi.facts.reading.binding import Bound, compile_query
from sales_kpi.facts.reading.dialect import DIALECTS
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Schema
from sales_kpi.facts.reading.records import CHANNEL_COLUMNS, RECORDS
from sales_kpi.facts.reading.settings import ConvertedBy, CreditFallback, SalespersonMapping, Settings
from sales_kpi.sources.database import DatabaseSource

NASTY = (
	"A' OR 1=1 --",
	'A\'; DROP TABLE "tabCompany"; --',
	"back\\slash",
	"ends with \\",
	"\\' both",
	'"quoted" `ticked`',
	"شرکت آرش یزد",
	"100% %s %(x)s",
	":v0 ::text :name",
	"\x01",
	"a\x01\x01b\x01",
	"\x02" + "2025-01-01" + "\x02",
	"\x01'\x02",
	"new\nline\ttab",
	"{} {0} $1 ?",
	"emoji 🛒 é",
	"/* comment */ #",
)
JANUARY = (date(2025, 1, 1), date(2025, 1, 31))
AS_OF = date(2025, 6, 30)

# NUL is in no name: PostgreSQL can't store it, and Frappe refuses it. Surrogates are no characters.
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def rows_of(names: list[str]) -> dict[str, list[dict[str, Any]]]:
	"""For each name a company, a salesperson, a customer, a channel and a lead of it, and an invoice of its own worth.

	Names begin with a number, so that no collation takes one for another.
	"""
	rows: dict[str, list[dict[str, Any]]] = {
		doctype: [] for doctype in ("Company", "Sales Person", "Sales Invoice")
	}
	rows |= {doctype: [] for doctype in ("Sales Team", "Customer", "Lead", "Lead Source", "Territory")}
	for number, name in enumerate(names):
		rows["Company"].append({"name": name, "default_currency": "EUR"})
		rows["Sales Person"].append(
			{"name": name, "is_group": 0, "enabled": 1, "lft": 2 * number + 1, "rgt": 2 * number + 2}
		)
		rows["Territory"].append({"name": name, "is_group": 0, "lft": 2 * number + 1, "rgt": 2 * number + 2})
		rows["Lead Source"].append({"name": name})
		rows["Customer"].append({"name": name, "lead_name": f"L{number}"})
		rows["Lead"].append(
			{"name": f"L{number}", "creation": "2024-12-01 10:00:00", "source": name, "company": name}
		)
		rows["Sales Invoice"].append(
			{
				"name": f"SI-{number}",
				"docstatus": 1,
				"posting_date": "2025-01-05",
				"company": name,
				"customer": name,
				"territory": name,
				"base_net_total": 2**number,
			}
		)
		rows["Sales Team"].append(
			{
				"parent": f"SI-{number}",
				"parenttype": "Sales Invoice",
				"sales_person": name,
				"allocated_percentage": 100,
			}
		)
	return rows


def numbered(names: list[str]) -> list[str]:
	return [f"{number:02d}{name}" for number, name in enumerate(names)]


def check_own_numbers(source: DatabaseSource, names: list[str], every_scope: bool) -> None:
	"""Each company, and in it each person, territory and source, has the worth of its one invoice and no other's."""
	masters = read_masters(source, Settings())
	assert list(masters.companies) == names
	for number, name in enumerate(names):
		for by in By if every_scope else (By.COMPANY, By.SALES_PERSON):
			asked = Question(name, *JANUARY, by=by, kpis=("sales_volume",), as_of=AS_OF)
			found = {row["scope"]: row["value"] for row in compute(source, asked, Settings(), masters)}
			assert {scope: value for scope, value in found.items() if value} == (
				{} if by is By.TEAM else {name: 2**number}
			)


@pytest.mark.parametrize("name", servers.DATABASES)
def test_nasty_names(name: str, tmp_path: Path) -> None:
	"""Quotes, backslashes, percent signs, colons, our own markers, Persian: in each scope of each database."""
	names = numbered(list(NASTY))
	with servers.tables_in(name, tmp_path, rows_of(names)) as url, DatabaseSource(url) as source:
		check_own_numbers(source, names, every_scope=True)


@pytest.mark.parametrize("name", servers.DATABASES)
def test_any_names(name: str, tmp_path: Path) -> None:
	"""Any Unicode text at all."""

	@given(names=st.lists(ANYTHING, min_size=1, max_size=6))
	@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
	def check(names: list[str]) -> None:
		with (
			servers.tables_in(name, tmp_path, rows_of(numbered(names))) as url,
			DatabaseSource(url) as source,
		):
			check_own_numbers(source, numbered(names), every_scope=False)

	servers.need(name)
	check()


@pytest.mark.parametrize("name", servers.DATABASES)
def test_nasty_names_in_settings(name: str, tmp_path: Path) -> None:
	"""A customer that is not one customer, and a user who is mapped, are meant by just these names."""
	names = numbered(list(NASTY))
	rows = rows_of(names)
	for number, row in enumerate(rows["Lead"]):
		row |= {"lead_owner": names[number], "company": names[0], "creation": "2025-01-05 10:00:00"}
	with servers.tables_in(name, tmp_path, rows) as url, DatabaseSource(url) as source:
		for number, customer in enumerate(names):
			chosen = Settings(
				not_one_customer=(customer,), mapping=(SalespersonMapping(customer, customer, *JANUARY),)
			)
			asked = Question(customer, *JANUARY, kpis=("new_customers",), as_of=AS_OF)
			assert [row["value"] for row in compute(source, asked, chosen)] == [0]
			masters = read_masters(source, chosen)
			reading = masters.reading(chosen, AS_OF, source, names[0])
			leads = source.run(catalogue.facts()["lead"].select(reading))
			credited = {row.document: row.sales_person for row in leads.itertuples()}
			assert credited == {
				f"L{other}": customer if other == number else "" for other in range(len(names))
			}


# What is sent


def everything(dialect: str, nasty: str) -> Reading:
	"""A reading whose every limit and setting is the name."""
	chosen = Settings(
		acquisition_accounts=(nasty,),
		cost_center_sales_person={nasty: nasty},
		cost_center_source={nasty: nasty},
		not_one_customer=(nasty,),
		mapping=(SalespersonMapping(nasty, nasty, *JANUARY),),
		converted_by=ConvertedBy.CUSTOMER_CREATED,
		credit_fallback=CreditFallback.ACCOUNT_MANAGER,
	)
	tables = {
		f"tab{doctype}": frozenset(columns) | {CHANNEL_COLUMNS[0]} for doctype, columns in RECORDS.items()
	}
	return Reading(
		schema=Schema(tables),
		settings=chosen,
		as_of=AS_OF,
		dialect=DIALECTS[dialect],
		company=nasty,
		entities=(nasty,),
		only_company=nasty,
	)


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite", "duckdb"])
@pytest.mark.parametrize("fact", sorted(catalogue.facts()))
def test_nothing_is_inlined(dialect: str, fact: str) -> None:
	"""The text of each fact holds neither a name nor any other literal; the name is among the values, whole."""
	nasty = "zq'\\x\x01\x02%s:v0ژ"
	query = catalogue.facts()[fact].select(everything(dialect, nasty))
	sql, bound = compile_query(query, DIALECTS[dialect].quote, lambda name: f":{name}")
	assert "zq" not in sql
	assert "ژ" not in sql
	assert not any(sign in sql for sign in "'\\%\x01\x02")
	assert nasty in bound.values()
	assert all(sql.count(f":{name}") >= 1 for name in bound)


def test_a_literal_that_slipped_through_is_refused() -> None:
	"""A string inside a function that pypika renders itself isn't sent."""
	from pypika import Table
	from pypika.terms import Function

	query = Query.from_(Table("tabCompany")).select(Function("UPPER", "A' OR 1=1"))
	with pytest.raises(ValueError, match="inlined"):
		compile_query(query, '"', lambda name: f":{name}")


@given(value=ANYTHING, other=ANYTHING)
@settings(deadline=None)
def test_values_come_out_as_they_went_in(value: str, other: str) -> None:
	"""The compiler cuts out exactly the strings that were put in, whatever markers they hold, and days as days."""
	from pypika import Table

	table = Table("tabCompany")
	query = (
		Query.from_(table)
		.select(table.name, Bound(other))
		.where(table.name == Bound(value))
		.where(table.day > Bound(AS_OF))
	)
	sql, bound = compile_query(query, '"', lambda name: f":{name}")
	assert list(bound.values()) == [other, value, AS_OF]
	assert sql == 'SELECT "name",:v0 FROM "tabCompany" WHERE "name"=:v1 AND "day">:v2'


# Read-only


WRITES = (
	"INSERT INTO {q}tabCompany{q} (name) VALUES ('new')",
	"UPDATE {q}tabCompany{q} SET default_currency = 'USD'",
	"DELETE FROM {q}tabCompany{q}",
	"CREATE TABLE written (name VARCHAR(10))",
	"DROP TABLE {q}tabCompany{q}",
)


@pytest.fixture(params=servers.DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
	with servers.tables_in(request.param, tmp_path, rows_of(["A"])) as made:
		yield made


def _everything_in(url: str) -> tuple[list[Any], list[str]]:
	engine = sa.create_engine(url)
	with engine.connect() as connection:
		table = sa.table("tabCompany", sa.column("name"), sa.column("default_currency"))
		found = [tuple(row) for row in connection.execute(sa.select(table.c.name, table.c.default_currency))]
		tables = sorted(sa.inspect(connection).get_table_names())
	engine.dispose()
	return found, tables


@pytest.mark.parametrize("after", ["at once", "after reading"])
def test_a_source_can_not_write(url: str, after: str) -> None:
	"""Each attempt through the source's own connection fails, and what the database holds stays as it was."""
	before = _everything_in(url)
	for statement in WRITES:
		with DatabaseSource(url) as source:
			if after == "after reading":
				read_masters(source, Settings())
			text = sa.text(statement.format(q=source.dialect.quote))
			with pytest.raises(sa.exc.SQLAlchemyError, match=r"(?i)read.?only"):
				_write(source, text)
	assert _everything_in(url) == before


def _write(source: DatabaseSource, text: Any) -> None:
	connection = source._connected()
	connection.execute(text)
	connection.commit()


def test_the_attempts_would_succeed(url: str) -> None:
	"""The statements above are good ones: an ordinary connection runs each."""
	engine = sa.create_engine(url)
	quote: Callable[[str], str] = engine.dialect.identifier_preparer.quote_identifier
	with engine.begin() as connection:
		for statement in WRITES:
			connection.execute(sa.text(statement.format(q=quote("x")[0])))
	engine.dispose()
