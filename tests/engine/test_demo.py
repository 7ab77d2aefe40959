"""The demo company: always the same, consistent from lead to invoice, each kind as it promises."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sales_kpi.demo.company import SITE_KINDS, DemoCompany
from sales_kpi.demo.generate import batches
from sales_kpi.demo.settings import settings
from sales_kpi.demo.tables import tables

duckdb = pytest.importorskip("duckdb")

UNTIL = date(2026, 10, 31)
SMALL = 1200

Query = Callable[[str], list[tuple[Any, ...]]]


@cache
def database(site_kind: str = "full", schema: str = "15", invoices: int = SMALL) -> Any:
	"""A DuckDB connection that holds the frames as tables of the schema's types."""
	from sales_kpi.demo.tables import sql_type

	connection = duckdb.connect()
	definitions = tables(schema)
	for name, table in definitions.items():
		columns = ", ".join(
			f'"{column}" {sql_type(name, column, kind, "duckdb", schema)}'
			for column, kind in table.columns.items()
		)
		connection.execute(f'CREATE TABLE "tab{name}" ({columns})')
	for name, rows in batches(company(site_kind, schema, invoices)):
		connection.register("demo_rows", rows)
		connection.execute(f'INSERT INTO "tab{name}" BY NAME SELECT * FROM demo_rows')
		connection.unregister("demo_rows")
	return connection


def company(site_kind: str = "full", schema: str = "15", invoices: int = SMALL, **more: Any) -> DemoCompany:
	return DemoCompany(invoices=invoices, site_kind=site_kind, schema=schema, until=UNTIL, **more)


@pytest.fixture
def query() -> Query:
	return lambda sql: database().execute(sql).fetchall()


def one(sql: str, site_kind: str = "full", schema: str = "15", invoices: int = SMALL) -> Any:
	return database(site_kind, schema, invoices).execute(sql).fetchone()[0]


def test_same_seed_gives_the_same_rows() -> None:
	for (name, first), (other, second) in zip(batches(company()), batches(company()), strict=True):
		assert name == other
		pd.testing.assert_frame_equal(first, second)


def test_other_seed_gives_other_rows() -> None:
	totals = []
	for seed in (1, 2):
		rows = [rows for name, rows in batches(company(seed=seed)) if name == "Sales Invoice"]
		totals.append(pd.concat(rows)["base_net_total"].sum())
	assert totals[0] != totals[1]


@pytest.mark.parametrize("invoices", [50, 333, SMALL])
@pytest.mark.parametrize("site_kind", [kind for kind in SITE_KINDS if kind != "three-weeks"])
def test_number_of_invoices_is_as_asked(site_kind: str, invoices: int) -> None:
	rows = [
		len(rows) for name, rows in batches(company(site_kind, "15", invoices)) if name == "Sales Invoice"
	]
	assert sum(rows) == invoices


@pytest.mark.parametrize("schema", ["15", "16"])
def test_frames_have_exactly_the_columns_of_their_tables(schema: str) -> None:
	definitions = tables(schema)
	for name, rows in batches(company(schema=schema)):
		assert list(rows.columns) == list(definitions[name].columns)
		assert rows["name"].notna().all()


def test_names_are_unique(query: Query) -> None:
	for name in tables("15"):
		assert query(f'SELECT count(*) - count(DISTINCT name) FROM "tab{name}"') == [(0,)], name


LINKS = [
	("Customer", "lead_name", "Lead"),
	("Customer", "opportunity_name", "Opportunity"),
	("Quotation", "opportunity", "Opportunity"),
	("Quotation Item", "prevdoc_docname", "Opportunity"),
	("Sales Order", "customer", "Customer"),
	("Sales Order Item", "prevdoc_docname", "Quotation"),
	("Sales Order Item", "quotation_item", "Quotation Item"),
	("Delivery Note Item", "against_sales_order", "Sales Order"),
	("Delivery Note Item", "so_detail", "Sales Order Item"),
	("Sales Invoice", "customer", "Customer"),
	("Sales Invoice", "return_against", "Sales Invoice"),
	("Sales Invoice", "amended_from", "Sales Invoice"),
	("Sales Invoice Item", "sales_order", "Sales Order"),
	("Sales Invoice Item", "so_detail", "Sales Order Item"),
	("Sales Invoice Item", "delivery_note", "Delivery Note"),
	("Sales Invoice Item", "dn_detail", "Delivery Note Item"),
	("Sales Invoice Item", "sales_invoice_item", "Sales Invoice Item"),
	("Sales Invoice Item", "item_code", "Item"),
	("Sales Team", "sales_person", "Sales Person"),
	("Packed Item", "item_code", "Item"),
	("POS Invoice", "consolidated_invoice", "Sales Invoice"),
	("Sales Person", "employee", "Employee"),
	("Employee", "user_id", "User"),
	("Lead", "lead_owner", "User"),
	("Lead", "source", "Lead Source"),
	("Lead", "territory", "Territory"),
	("Opportunity", "opportunity_owner", "User"),
	("GL Entry", "account", "Account"),
	("GL Entry", "cost_center", "Cost Center"),
]


@pytest.mark.parametrize(("table", "column", "target"), LINKS)
def test_every_link_points_to_a_row(query: Query, table: str, column: str, target: str) -> None:
	linked = f'FROM "tab{table}" WHERE "{column}" IS NOT NULL'
	assert query(f"SELECT count(*) > 0 {linked}") == [(True,)]
	assert query(f'SELECT count(*) {linked} AND "{column}" NOT IN (SELECT name FROM "tab{target}")') == [(0,)]


def test_every_child_row_has_its_parent(query: Query) -> None:
	for name, table in tables("15").items():
		if table.child:
			for (parenttype,) in query(f'SELECT DISTINCT parenttype FROM "tab{name}"'):
				orphans = f'parent NOT IN (SELECT name FROM "tab{parenttype}")'
				sql = f"SELECT count(*) FROM \"tab{name}\" WHERE parenttype = '{parenttype}' AND {orphans}"
				assert query(sql) == [(0,)], (name, parenttype)


def test_packed_items_belong_to_a_line(query: Query) -> None:
	for parent in ("Delivery Note", "Sales Invoice"):
		rows = f"FROM \"tabPacked Item\" WHERE parenttype = '{parent}'"
		assert query(f"SELECT count(*) > 0 {rows}") == [(True,)]
		line = f'parent_detail_docname NOT IN (SELECT name FROM "tab{parent} Item")'
		assert query(f"SELECT count(*) {rows} AND {line}") == [(0,)]


ORDER = {
	"lead, opportunity": """SELECT count(*) FROM "tabOpportunity" o JOIN "tabLead" l ON l.name = o.party_name
		WHERE o.transaction_date < l.creation::date""",
	"opportunity, quotation": """SELECT count(*) FROM "tabQuotation" q JOIN "tabOpportunity" o
		ON o.name = q.opportunity WHERE q.transaction_date < o.transaction_date""",
	"quotation, order": """SELECT count(*) FROM "tabSales Order Item" i
		JOIN "tabSales Order" o ON o.name = i.parent JOIN "tabQuotation" q ON q.name = i.prevdoc_docname
		WHERE o.transaction_date < q.transaction_date""",
	"order, invoice": """SELECT count(*) FROM "tabSales Invoice Item" i JOIN "tabSales Invoice" s
		ON s.name = i.parent JOIN "tabSales Order" o ON o.name = i.sales_order
		WHERE s.posting_date < o.transaction_date OR s.customer <> o.customer OR s.company <> o.company""",
	"order, delivery": """SELECT count(*) FROM "tabDelivery Note Item" i JOIN "tabDelivery Note" d
		ON d.name = i.parent JOIN "tabSales Order" o ON o.name = i.against_sales_order
		WHERE d.posting_date < o.transaction_date""",
	"delivery, invoice": """SELECT count(*) FROM "tabSales Invoice Item" i JOIN "tabSales Invoice" s
		ON s.name = i.parent JOIN "tabDelivery Note" d ON d.name = i.delivery_note
		WHERE s.posting_date < d.posting_date""",
	"invoice, return": """SELECT count(*) FROM "tabSales Invoice" r JOIN "tabSales Invoice" s
		ON s.name = r.return_against WHERE r.posting_date < s.posting_date OR r.customer <> s.customer""",
	"lead, customer's first order": """SELECT count(*) FROM "tabCustomer" c
		JOIN "tabLead" l ON l.name = c.lead_name
		JOIN "tabSales Order" o ON o.customer = c.name WHERE o.transaction_date < l.creation::date""",
	"nothing after the end": """SELECT count(*) FROM "tabSales Invoice"
		WHERE posting_date > DATE '2026-10-31'""",
	"no weekend invoices": """SELECT count(*) FROM "tabSales Invoice" WHERE isodow(posting_date) > 5""",
}


@pytest.mark.parametrize("what", list(ORDER))
def test_dates_are_in_order(query: Query, what: str) -> None:
	assert query(ORDER[what]) == [(0,)]


def test_totals_are_the_sums_of_lines(query: Query) -> None:
	for parent in ("Quotation", "Sales Order", "Delivery Note", "Sales Invoice"):
		sums = f'(SELECT parent, sum(base_net_amount) AS total FROM "tab{parent} Item" GROUP BY parent)'
		sql = f"""SELECT count(*) FROM "tab{parent}" d LEFT JOIN {sums} s ON s.parent = d.name
			WHERE s.total IS NULL OR abs(s.total - d.base_net_total) > 0.005"""
		assert query(sql) == [(0,)], parent


def test_team_percentages(query: Query) -> None:
	sums: dict[int, int] = dict(
		query("""SELECT percent, count(*) FROM (SELECT round(sum(allocated_percentage))::int AS percent
			FROM "tabSales Team" WHERE parenttype = 'Sales Invoice' GROUP BY parent) GROUP BY percent""")
	)
	assert set(sums) == {90, 100, 120}
	assert sums[100] > 0.97 * sum(sums.values())
	split = one("""SELECT count(*) FROM (SELECT parent FROM "tabSales Team" WHERE parenttype = 'Sales Invoice'
		GROUP BY parent HAVING count(DISTINCT sales_person) > 1)""")
	assert 0.08 < split / SMALL < 0.17
	nobody = one("""SELECT count(*) FROM "tabSales Invoice" WHERE docstatus = 1 AND name NOT IN
		(SELECT parent FROM "tabSales Team" WHERE parenttype = 'Sales Invoice')""")
	assert nobody > 5


@pytest.mark.parametrize(
	("table", "parent"),
	[
		("Sales Person", "parent_sales_person"),
		("Territory", "parent_territory"),
		("Account", "parent_account"),
		("Cost Center", "parent_cost_center"),
		("Item Group", "parent_item_group"),
	],
)
def test_nested_sets_are_valid(query: Query, table: str, parent: str) -> None:
	rows = query(f'SELECT name, "{parent}", lft, rgt, is_group FROM "tab{table}"')
	bounds = {name: (left, right) for name, _, left, right, _ in rows}
	assert sorted(n for pair in bounds.values() for n in pair) == list(range(1, 2 * len(rows) + 1))
	groups = {name for name, *_, is_group in rows if is_group}
	for name, above, left, right, is_group in rows:
		assert left < right
		assert is_group or right == left + 1
		if above is not None:
			assert above in groups
			assert bounds[above][0] < left, name
			assert right < bounds[above][1], name


def test_ledger_balances(query: Query) -> None:
	sql = (
		'SELECT voucher_no FROM "tabGL Entry" GROUP BY voucher_no HAVING abs(sum(debit) - sum(credit)) > 0.02'
	)
	assert query(sql) == []


def test_stories_are_in_the_data() -> None:
	def count(condition: str, table: str = "Sales Invoice") -> int:
		return int(one(f'SELECT count(*) FROM "tab{table}" WHERE {condition}', invoices=6000))

	assert 0.03 < count("is_return = 1") / 6000 < 0.05
	for condition in (
		"is_debit_note = 1",
		"is_opening = 'Yes'",
		"is_internal_customer = 1",
		"docstatus = 2",
		"docstatus = 0",
		"amended_from IS NOT NULL",
		"is_consolidated = 1",
	):
		assert count(condition) > 5, condition
	assert count("lead_owner IS NULL", "Lead") > 20
	assert count("source IS NULL", "Lead") > 20
	assert count("opportunity IS NULL AND docstatus = 1", "Quotation") > 20
	for status in ("Lost", "Closed", "Open", "Converted"):
		assert count(f"status = '{status}'", "Opportunity") > 20
	assert count("is_cancelled = 1", "GL Entry") > 0
	assert count("voucher_type = 'Period Closing Voucher'", "GL Entry") > 0
	volume = """SELECT sum(s.base_net_total * t.allocated_percentage) FROM "tabSales Invoice" s
		JOIN "tabSales Team" t ON t.parent = s.name AND t.parenttype = 'Sales Invoice' WHERE s.docstatus = 1
		AND t.sales_person = 'مریم احمدی' AND s.posting_date BETWEEN """
	now = one(volume + "DATE '2026-07-01' AND DATE '2026-10-31'", invoices=6000)
	before = one(volume + "DATE '2025-07-01' AND DATE '2025-10-31'", invoices=6000)
	everybody = volume.replace("AND t.sales_person = 'مریم احمدی'", "")
	all_now = one(everybody + "DATE '2026-07-01' AND DATE '2026-10-31'", invoices=6000)
	all_before = one(everybody + "DATE '2025-07-01' AND DATE '2025-10-31'", invoices=6000)
	assert float(now / all_now) < 0.75 * float(before / all_before)


def test_exhibition_doubles_and_stops_paying_off() -> None:
	def leads(condition: str) -> tuple[int, float]:
		sql = f"""SELECT count(*), avg((status = 'Converted')::int) FROM "tabLead"
			WHERE source = 'Exhibition' AND {condition}"""
		return database(invoices=6000).execute(sql).fetchone()  # type: ignore[no-any-return]

	before = leads("creation BETWEEN TIMESTAMP '2025-02-01' AND TIMESTAMP '2025-08-01'")
	after = leads("creation BETWEEN TIMESTAMP '2026-02-01' AND TIMESTAMP '2026-08-01'")
	assert after[0] > 1.5 * before[0]
	assert after[1] < 0.7 * before[1]


FUNNEL = [
	"Lead",
	"Opportunity",
	"Quotation",
	"Sales Order",
	"Call Log",
	"Event",
	"Communication",
	"Quality Feedback",
]


def test_invoices_only_has_no_funnel() -> None:
	for name in FUNNEL:
		assert one(f'SELECT count(*) FROM "tab{name}"', "invoices-only") == 0


def test_no_sales_team_has_none() -> None:
	assert one('SELECT count(*) FROM "tabSales Team"', "no-sales-team") == 0


def test_no_employees_has_none() -> None:
	assert one('SELECT count(*) FROM "tabEmployee"', "no-employees") == 0
	assert one('SELECT count(employee) FROM "tabSales Person"', "no-employees") == 0
	assert "[[mapping]]" not in settings(company("no-employees"))


def test_pos_invoices_add_up_to_what_consolidates_them() -> None:
	share = one('SELECT avg(is_consolidated) FROM "tabSales Invoice" WHERE docstatus = 1', "pos")
	assert share > 0.3
	wrong = one(
		"""SELECT count(*) FROM "tabSales Invoice" s LEFT JOIN
		(SELECT consolidated_invoice, sum(base_net_total) AS total FROM "tabPOS Invoice" GROUP BY 1)
		p ON p.consolidated_invoice = s.name
		WHERE s.is_consolidated = 1 AND (p.total IS NULL OR abs(p.total - s.base_net_total) > 0.005)""",
		"pos",
	)
	assert wrong == 0
	assert one("SELECT count(*) FROM \"tabSales Invoice\" WHERE customer = 'Walk-in Customer'", "pos") > 100


def test_services_have_no_cost() -> None:
	assert one('SELECT count(*) FROM "tabSales Invoice Item" WHERE incoming_rate <> 0', "services") == 0
	assert one('SELECT count(*) FROM "tabPacked Item"', "services") == 0


def test_three_weeks_begin_three_weeks_before() -> None:
	first = one('SELECT min(posting_date) FROM "tabSales Invoice"', "three-weeks")
	assert (UNTIL - first).days < 21
	assert one('SELECT count(*) FROM "tabSales Invoice"', "three-weeks") >= 60
	assert one('SELECT min(creation)::date FROM "tabLead"', "three-weeks") >= date(2026, 10, 11)


def test_version_16_names_the_source_differently() -> None:
	assert one('SELECT count(utm_source) FROM "tabLead"', schema="16") > 100
	assert (
		one(
			'SELECT count(*) FROM "tabLead" WHERE utm_source NOT IN (SELECT name FROM "tabUTM Source")',
			schema="16",
		)
		== 0
	)


def test_big_companies_come_in_bounded_batches() -> None:
	big = company(invoices=50_000, months=60, salespeople=50, territories=10)
	invoices = 0
	largest = 0
	tracemalloc.start()
	try:
		for name, rows in batches(big):
			largest = max(largest, len(rows))
			if name == "Sales Invoice":
				invoices += len(rows)
				assert len(rows) <= 20_000
				if invoices > 20_000:
					break
		peak = tracemalloc.get_traced_memory()[1]
	finally:
		tracemalloc.stop()
	assert largest <= 80_000
	assert peak < 300e6


def test_settings_name_what_exists(query: Query) -> None:
	text = settings(company())
	for table in ("Account", "Cost Center"):
		names = {name for (name,) in query(f'SELECT name FROM "tab{table}"')}
		used = [part for part in text.split('"') if part.endswith((" - AT", " - BS"))]
		assert used
		if table == "Account":
			used = [name for name in used if name.split(" - ")[0].endswith(("Expenses", "Sales"))]
			assert len(used) == 6
		else:
			used = [name for name in used if not name.split(" - ")[0].endswith(("Expenses", "Sales"))]
		assert set(used) <= names
	tomllib = pytest.importorskip("tomllib")
	values = tomllib.loads(text)
	assert values["churn_after_days"] == 180
	assert values["mapping"][0]["user"] == "export.desk@alpha.example"
	assert set(values) == {
		"churn_after_days",
		"conversion_window_days",
		"acquisition_accounts",
		"not_one_customer",
		"cost_center_sales_person",
		"cost_center_source",
		"mapping",
	}


def test_impossible_companies_are_refused() -> None:
	for wrong in ({"site_kind": "none"}, {"schema": "14"}, {"invoices": 1}, {"salespeople": 1}):
		with pytest.raises(ValueError, match="must be"):
			DemoCompany(**wrong)


@pytest.mark.parametrize("target", ["duckdb", "sqlite"])
def test_writing_and_refusing_to_write_twice(tmp_path: Path, target: str) -> None:
	from sales_kpi.demo.write import NotEmptyError, write_database, write_duckdb

	written: dict[str, int] = {}

	def progress(table: str, rows: int) -> None:
		written[table] = written.get(table, 0) + rows

	tiny = company(invoices=100)
	path = tmp_path / f"demo.{target}"

	def write() -> None:
		if target == "duckdb":
			write_duckdb(tiny, path, progress)
		else:
			pytest.importorskip("sqlalchemy")
			write_database(tiny, f"sqlite:///{path}", progress)

	write()
	assert written["Sales Invoice"] == 100
	with pytest.raises(NotEmptyError):
		write()
	sql = 'SELECT count(*), count(DISTINCT "posting_date") FROM "tabSales Invoice"'
	if target == "duckdb":
		count, days = duckdb.connect(str(path), read_only=True).execute(sql).fetchone()
	else:
		import sqlite3

		count, days = sqlite3.connect(path).execute(sql).fetchone()
	assert count == 100
	assert days > 30


def test_numbers_are_finite() -> None:
	for name, rows in batches(company()):
		numbers = rows.select_dtypes("number").to_numpy(dtype=np.float64)
		assert np.isfinite(numbers).all(), name
