"""Demo data on a site: it satisfies ERPNext, means the same here as anywhere, and goes away without a trace."""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import frappe
from frappe.desk.form.load import getdoc
from frappe.desk.query_report import run
from frappe.utils.password import check_password
from pypika import Table
from pypika.functions import Count

from sales_kpi.analysis.values import Question, compute
from sales_kpi.api import compute as site_compute
from sales_kpi.demo import site
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.generate import batches
from sales_kpi.demo.tables import tables
from sales_kpi.facts.reading.binding import column_names, compile_query
from sales_kpi.facts.reading.dialect import DIALECTS
from sales_kpi.facts.reading.reading import Schema
from sales_kpi.kpis.definition import By
from sales_kpi.site import snapshots
from sales_kpi.sources.frames import frame
from sales_kpi.sources.site import SiteSource
from sales_kpi.tests.base import IntegrationTestCase, ensure_setup, insert, is_16

if TYPE_CHECKING:
	import pandas as pd

PASSWORD = "Demo-9f3k-Pass"

COMPANY = DemoCompany(
	invoices=900, schema="16" if is_16() else "15", until=date(2026, 9, 30), months=24, site_kind="full"
)

NOISE = {
	"tabError Log", "tabActivity Log", "tabSessions", "tabVersion", "tabScheduled Job Log", "tabAccess Log",
	"tabPrepared Report", "tabRoute History",
}  # fmt: skip
"""Tables that Frappe itself writes to meanwhile."""


class TestDemoSite(IntegrationTestCase):
	"""One filling for all tests that only look at it."""

	before: ClassVar[dict[str, Any]]
	companies: ClassVar[tuple[str, ...]]

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		frappe.set_user("Administrator")
		ensure_setup()
		frappe.db.rollback()
		for doctype in site.SALES_DOCUMENTS:
			if frappe.db.count(doctype):
				cls.skipTest(cls, f"The site has records of its own in {doctype}.")
		cls.before = state()
		cls.companies = site.fill(COMPANY, PASSWORD)
		cls.addClassCleanup(removed)

	# What there is

	def test_sales_documents_are_there(self) -> None:
		"""As many as the company has, in companies whose names were free."""
		self.assertEqual(frappe.db.count("Sales Invoice"), COMPANY.invoice_count)
		self.assertEqual(len(set(self.companies)), 2)
		for name in self.companies:
			self.assertNotIn(name, self.before["companies"])
			self.assertTrue(frappe.db.count("Sales Invoice", {"company": name}))

	def test_trees_are_nested_sets(self) -> None:
		"""Every child lies inside its parent, and no two nodes overlap."""
		for doctype, parent in site.TREES.items():
			nodes = {
				row.name: row
				for row in frappe.get_all(doctype, fields=["name", "lft", "rgt", f"{parent} as up"])
			}
			ends = sorted(end for row in nodes.values() for end in (row.lft, row.rgt))
			self.assertEqual(ends, list(range(1, 2 * len(nodes) + 1)), doctype)
			for row in nodes.values():
				if row.up:
					self.assertLess(nodes[row.up].lft, row.lft, (doctype, row.name))
					self.assertGreater(nodes[row.up].rgt, row.rgt, (doctype, row.name))

	def test_links_lead_somewhere(self) -> None:
		"""Every Link of the demo's documents names a record that exists."""
		ledger = {"GL Entry"}  # journal entries behind it are not brought
		for table in tables(COMPANY.schema).values():
			if not frappe.db.table_exists(table.name) or table.name in ledger:
				continue
			for field in frappe.get_meta(table.name).get("fields", {"fieldtype": "Link"}):
				if field.fieldname in table.columns and frappe.db.table_exists(field.options):
					self.assertEqual(
						dangling(table.name, field.fieldname, field.options),
						[],
						(table.name, field.fieldname),
					)

	def test_forms_open(self) -> None:
		"""As the desk loads them."""
		for name, table in tables(COMPANY.schema).items():
			if table.child or not frappe.db.table_exists(name):
				continue
			for document in frappe.get_all(name, {"_user_tags": site.TAG}, pluck="name", limit=2):
				frappe.local.response = frappe._dict(docs=[])
				getdoc(name, document)
				self.assertEqual(frappe.response.docs[0].name, document)

	def test_erpnexts_reports_open(self) -> None:
		"""Those that people will look at first, with rows."""
		for company in self.companies:
			days = {"company": company, "from_date": "2026-01-01", "to_date": "2026-09-30"}
			analytics = {
				"tree_type": "Customer",
				"value_quantity": "Value",
				"range": "Monthly",
				"curves": "total",
				**days,
			}
			for report, filters in (
				("Sales Analytics", {**analytics, "doc_type": "Sales Invoice"}),
				("Sales Analytics", {**analytics, "doc_type": "Sales Order", "tree_type": "Territory"}),
				(
					"Sales Person-wise Transaction Summary",
					{**days, "doc_type": "Sales Invoice", "show_return_entries": 1},
				),
				("Gross Profit", {**days, "group_by": "Invoice"}),
				("Gross Profit", {**days, "group_by": "Sales Person"}),
				("Customer Acquisition and Loyalty", {**days, "view_type": "Monthly"}),
				("General Ledger", {**days, "group_by": "Group by Voucher (Consolidated)"}),
			):
				made = run(report, filters=filters, ignore_prepared_report=True)
				self.assertGreater(len(made["result"]), 1, (report, filters))

	def test_new_documents_get_free_numbers(self) -> None:
		"""The number series go on behind the demo's own documents."""
		customer = frappe.db.get_value("Customer", {"_user_tags": site.TAG, "is_internal_customer": 0})
		income = frappe.db.get_value("Company", self.companies[0], ["default_income_account", "cost_center"])
		item = frappe.db.get_value("Item", {"_user_tags": site.TAG, "is_stock_item": 0})
		invoice = insert(
			"Sales Invoice", True, company=self.companies[0], customer=customer, set_posting_time=1, due_date="2026-09-30",
			posting_date="2026-09-30", selling_price_list="Standard Selling", currency="EUR",
			items=[{"item_code": item, "qty": 1, "rate": 10, "income_account": income[0], "cost_center": income[1]}],
		)  # fmt: skip
		self.assertEqual(frappe.db.count("Sales Invoice", {"name": invoice.name, "docstatus": 1}), 1)
		frappe.db.rollback()

	def test_salespeople_can_log_in(self) -> None:
		"""With the password that was asked for, and see their own figures only."""
		user = frappe.get_all("User", {"_user_tags": site.TAG}, pluck="name", order_by="name")[1]
		self.assertEqual(check_password(user, PASSWORD), user)
		frappe.set_user(user)
		try:
			scopes = {
				row["scope"]
				for row in site_compute(
					self.companies[0], "2026-01-01", "2026-09-30", "range", "sales-person", "deals"
				)
			}
		finally:
			frappe.set_user("Administrator")
		self.assertEqual(len(scopes), 1)

	# What it means

	def test_figures_equal_those_of_the_same_company_elsewhere(self) -> None:
		"""All KPIs in all scopes, computed here and by the engine from a file of the same DemoCompany."""
		source, settings = SQLiteFile(COMPANY), site.engine_settings(COMPANY)
		for name, here in zip(("Alpha Trading", "Beta Services"), self.companies, strict=True):
			for by in By:
				days = (date(2026, 1, 1), date(2026, 9, 30))
				expected = compute(source, Question(name, *days, by=by, as_of=date(2026, 10, 15)), settings)
				found = {
					(row["kpi"], row["period_start"], row["scope"]): row
					for row in site_compute(here, *map(str, days), "month", by.value, as_of="2026-10-15")
				}
				for row in expected:
					scope = here if by is By.COMPANY else row["scope"]
					other = found.pop((row["kpi"], row["period_start"].isoformat(), scope))
					for field in ("value", "numerator", "denominator", "n", "estimated"):
						self.assertTrue(alike(row[field], other[field]), (row, other))
					self.assertEqual(
						(row["reason"], row["complete"]), (other["reason"], other["complete"]), (row, other)
					)
				for row in found.values():  # places and channels that only this site has
					self.assertFalse(row["value"] or row["n"], row)

	# How it goes

	def test_a_site_with_demo_data_is_refused(self) -> None:
		"""No second company is laid over the first."""
		with self.assertRaisesRegex(site.DemoError, "already"):
			site.fill(COMPANY)
		self.assertEqual(frappe.db.count("Sales Invoice"), COMPANY.invoice_count)


class TestComingAndGoing(IntegrationTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		frappe.set_user("Administrator")
		ensure_setup()
		frappe.db.rollback()
		for doctype in site.SALES_DOCUMENTS:
			if frappe.db.count(doctype):
				cls.skipTest(cls, f"The site has records of its own in {doctype}.")

	def test_each_kind_comes_and_goes_without_a_trace(self) -> None:
		"""Nothing is left, not even in number series, trees and settings; what was made in its companies goes, too."""
		steps: list[tuple[int, ...]] = []
		for kind in ("full", "pos", "no-employees"):
			before = state()
			site.fill(
				DemoCompany(
					invoices=100, months=6, schema=COMPANY.schema, until=date(2026, 9, 30), site_kind=kind
				),
				progress=lambda *step: steps.append(step),
			)
			self.assertEqual(steps[-1][0], steps[-1][1])
			frappe.get_doc("Sales Person", {"_user_tags": site.TAG, "is_group": 0}).add_comment(
				"Comment", "seen"
			)
			if kind == "full":
				self.assertGreater(snapshots.take(date(2026, 10, 7)), 0)
			frappe.db.commit()
			site.remove()
			self.assertEqual(differences(before, state()), {}, kind)

	def test_a_taken_name_is_refused_and_nothing_stays(self) -> None:
		"""An item of the same code: one sentence, and the site as it was."""
		item = insert(
			"Item", item_code="SRV-101" if frappe.db.exists("Item", "COM-101") else "COM-101", is_stock_item=0,
			item_group=frappe.get_all("Item Group", {"is_group": 0}, pluck="name", limit=1)[0], stock_uom="Nos",
		)  # fmt: skip
		frappe.db.commit()
		try:
			before = state()
			with self.assertRaisesRegex(site.DemoError, "exists on this site already"):
				site.fill(DemoCompany(invoices=100, months=6, schema=COMPANY.schema))
			self.assertEqual(differences(before, state()), {})
		finally:
			frappe.delete_doc("Item", item.name, force=True)
			frappe.db.commit()

	def test_a_site_in_use_is_refused(self) -> None:
		"""One lead is enough."""
		insert("Lead", first_name="Real", company_name="Real Lead")
		with self.assertRaisesRegex(site.DemoError, "records of its own"):
			site.fill(DemoCompany(invoices=100))
		frappe.db.rollback()

	def test_nothing_to_remove(self) -> None:
		"""A site without demo data loses nothing."""
		with self.assertRaisesRegex(site.DemoError, "no demo data"):
			site.remove()


def removed() -> None:
	"""Take the demo data away, whatever a test did."""
	frappe.set_user("Administrator")
	frappe.db.rollback()
	site.remove()


def alike(one: Any, other: Any) -> bool:
	"""Whether two figures are the same, but for the dust of floats."""
	if one is None or other is None:
		return one is other
	return abs(one - other) <= 1e-6 * max(1.0, abs(one))


def dangling(doctype: str, fieldname: str, target: str) -> list[str]:
	"""Values of a Link that name nothing."""
	table, other = frappe.qb.DocType(doctype).as_("t"), frappe.qb.DocType(target).as_("o")
	rows = (
		frappe.qb.from_(table)
		.left_join(other)
		.on(other.name == table[fieldname])
		.where(other.name.isnull() & table[fieldname].notnull() & (table[fieldname] != ""))
		.select(table[fieldname])
		.limit(3)
		.run()
	)
	return [row[0] for row in rows]


def state() -> dict[str, Any]:
	"""What of a site must be the same again: how many rows each table has, and what was changed and put back."""
	found: dict[str, Any] = {"companies": set(frappe.get_all("Company", pluck="name"))}
	for table in SiteSource()._columns():
		if table not in NOISE:
			found[table] = frappe.qb.from_(Table(table)).select(Count("*")).run()[0][0]
	series = frappe.qb.DocType("Series")
	found["series"] = sorted(frappe.qb.from_(series).select(series.name, series.current).run())
	found["settings"] = site._settings_record()
	found["default company"] = (
		frappe.db.get_default("company"),
		frappe.db.get_single_value("Global Defaults", "default_company"),
	)
	for doctype, parent in site.TREES.items():
		found[f"tree of {doctype}"] = sorted(
			frappe.get_all(doctype, fields=["name", parent], as_list=True), key=str
		)
	found["manifest"] = site._manifest()
	return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
	return {
		key: (before.get(key), after.get(key))
		for key in {*before, *after}
		if before.get(key) != after.get(key)
	}


class SQLiteFile:
	"""The same demo company in a database of its own, without Frappe."""

	dialect = DIALECTS["sqlite"]
	name = "demo"

	def __init__(self, company: DemoCompany) -> None:
		self.database = sqlite3.connect(":memory:")
		self.definitions = tables(company.schema)
		for table in self.definitions.values():
			columns = ", ".join(
				f'"{name}" {"REAL" if kind == "money" else ""}' for name, kind in table.columns.items()
			)
			self.database.execute(f'CREATE TABLE "tab{table.name}" ({columns})')
		for name, rows in batches(company):
			kinds = self.definitions[name].columns
			marks = ", ".join("?" for _column in kinds)
			values = zip(*(site._plain(rows[column], kind) for column, kind in kinds.items()), strict=True)
			self.database.executemany(f'INSERT INTO "tab{name}" VALUES ({marks})', values)

	def schema(self) -> Schema:
		return Schema({f"tab{name}": frozenset(table.columns) for name, table in self.definitions.items()})

	def run(self, query: Any) -> pd.DataFrame:
		sql, values = compile_query(query, '"', lambda name: f":{name}")
		given = {
			key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()
		}
		return frame(self.database.execute(sql, given).fetchall(), column_names(query))
