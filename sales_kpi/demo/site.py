"""The demo company on a Frappe site: filled in by bulk inserts that satisfy ERPNext, and taken away again.

Every record that is brought carries the tag `TAG`, which ERPNext's lists show and which survives a backup, a rename and
an edit. What else was changed (settings, number series, parents of territories that were there) stands in one record,
the manifest. So removal needs to know nothing of how the demo is made.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

import frappe
from frappe import _
from frappe.desk.doctype.notification_settings.notification_settings import create_notification_settings
from frappe.share import add_docshare
from frappe.utils.nestedset import rebuild_tree
from frappe.utils.password import delete_all_passwords_for, update_password

from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.people import ABBREVIATIONS, COMPANIES
from sales_kpi.demo.tables import Table, tables
from sales_kpi.totals.refresh import rebuild_later

if TYPE_CHECKING:
	import pandas as pd

	from sales_kpi.facts.reading.settings import Settings

TAG = ",Sales KPI Demo"
"""In `_user_tags` of every record of the demo: a tag as Frappe writes it."""

MANIFEST = ("Sales KPI Demo", "manifest")
"""Doctype and field under which tabSingles keeps what removal must know; no doctype has this name."""

SALES_DOCUMENTS = (
	"Sales Invoice", "POS Invoice", "Sales Order", "Delivery Note", "Quotation", "Opportunity", "Lead",
)  # fmt: skip
"""A site that has any of these is somebody's own."""

SHARED = (
	"Fiscal Year", "Holiday List", "Territory", "Customer Group", "Item Group", "Lead Source", "UTM Source", "Sales Stage",
	"Currency Exchange", "Warehouse", "Price List", "UOM", "Opportunity Lost Reason", "Quotation Lost Reason",
)  # fmt: skip
"""Of these, what the site has already is used as it is."""

TREES = {
	"Company": "parent_company",
	"Territory": "parent_territory",
	"Customer Group": "parent_customer_group",
	"Item Group": "parent_item_group",
	"Sales Person": "parent_sales_person",
	"Employee": "reports_to",
	"Account": "parent_account",
	"Cost Center": "parent_cost_center",
	"Warehouse": "parent_warehouse",
}
"""Doctypes that are nested sets, with the field that names a node's parent."""

NUMBERED = ("Employee", "Event", "Quality Feedback")
"""Doctypes without a `naming_series` column in the demo whose names are numbers of a series all the same."""

KEPT_OF_COMPANIES = (
	"KPI Alert Log",
	"KPI Difference",
	"KPI Digest Log",
	"KPI Entity Row",
	"KPI Forecast",
	"KPI Restatement",
	"KPI Snapshot",
	"KPI Total",
)
"""What the app keeps of a company by its bare name, so that it outlives the company. Not what came with the demo."""

REFERRING = {
	"Sales Transition": ("reference_doctype", "reference_name"),
	"Version": ("ref_doctype", "docname"),
	"Comment": ("reference_doctype", "reference_name"),
	"Communication": ("reference_doctype", "reference_name"),
	"ToDo": ("reference_type", "reference_name"),
	"DocShare": ("share_doctype", "share_name"),
	"Tag Link": ("document_type", "document_name"),
	"View Log": ("reference_doctype", "reference_name"),
	"Dynamic Link": ("link_doctype", "link_name"),
}
"""What people's work with demo records may leave behind: doctype, fields that name the record."""

OF_USERS = {
	"Sessions": "user",
	"Notification Settings": "name",
	"Notification Log": "for_user",
	"DefaultValue": "parent",
	"User Permission": "user",
	"Activity Log": "user",
	"Route History": "user",
}
"""What a user's log-in leaves behind: doctype, field that names the user."""

ROWS_PER_INVOICE = 14
"""How many rows of all tables the demo has for each invoice, for the progress bar."""

Progress = Callable[[int, int], None]
"""Called with the rows written so far, and about how many there will be."""


class DemoError(frappe.ValidationError):  # type: ignore[misc]
	"""Demo data can't be put here: the sentence says why."""


def fill(
	company: DemoCompany, password: str | None = None, progress: Progress | None = None
) -> tuple[str, ...]:
	"""Put the demo company's records into the connected site, and the settings that fit it. Returns its companies.

	Users can log in at once if a password is given, else when an administrator has set them one.
	Raises DemoError, and leaves nothing behind, where the site has sales documents or a name is taken.
	"""
	refuse_real_site()
	names = Names.free()
	manifest = {
		"companies": names.companies,
		"settings": _settings_record(),
		"series": {},
		"parents": [],
		"default_companies": {},
	}
	_save_manifest(manifest)
	try:
		_Filling(company, names, manifest, progress).run()
		if password:
			for user in frappe.get_all("User", filters={"_user_tags": TAG}, pluck="name"):
				update_password(user, password)
				# Users are inserted as rows, and without these the desk doesn't open for them.
				create_notification_settings(user)
				# Nor could they choose their own language.
				add_docshare("User", user, user, write=1, share=1, flags={"ignore_share_permission": True})
		_save_manifest(manifest)
	except BaseException:
		frappe.db.rollback()
		remove()
		raise
	frappe.clear_cache()
	return names.companies


def refuse_real_site() -> None:
	"""Raise DemoError on a site that is in use, or not set up yet."""
	if _manifest():
		raise DemoError(_("This site holds demo data already. Remove it first: sales-kpi demo --remove."))
	for doctype in SALES_DOCUMENTS:
		if frappe.db.count(doctype):
			raise DemoError(
				_(
					"This site has records of its own in {0}: demo data only goes to a site without sales documents."
				).format(_(doctype))
			)
	if not frappe.db.count("Company") or not frappe.db.count("Territory"):
		raise DemoError(_("Finish ERPNext's setup wizard first: demo data needs its trees and a company."))


@dataclass(frozen=True)
class Names:
	"""What the demo's companies, their accounts and the roots of trees are called on this site."""

	companies: tuple[str, ...]
	exact: dict[str, str]
	suffixes: dict[str, str]

	@classmethod
	def free(cls) -> Names:
		"""Names that are free: "Alpha Trading (Demo)", "Alpha Trading (Demo 2)" … where the plain one is taken."""
		exact: dict[str, str] = {}
		suffixes: dict[str, str] = {}
		companies: list[str] = []
		for name, abbr in zip(COMPANIES, ABBREVIATIONS, strict=True):
			for number in count():
				marked = f" (Demo {number})" if number > 1 else " (Demo)"
				label = name + (marked if number else "")
				short = abbr + ("D" + (str(number) if number > 1 else "") if number else "")
				if not frappe.db.exists("Company", label) and not frappe.db.exists(
					"Company", {"abbr": short}
				):
					break
			companies.append(label)
			exact |= {name: label, abbr: short}
			suffixes[f" - {abbr}"] = f" - {short}"
		for doctype, demo_root in (
			("Territory", "All Territories"),
			("Customer Group", "All Customer Groups"),
			("Item Group", "All Item Groups"),
			("Sales Person", "Sales Team"),
		):
			roots = frappe.get_all(
				doctype,
				filters={TREES[doctype]: ("is", "not set"), "is_group": 1},
				pluck="name",
				order_by="lft",
			)
			exact[demo_root] = roots[0] if roots and demo_root not in roots else demo_root
		return cls(tuple(companies), exact, suffixes)

	def on_site(self, value: Any) -> Any:
		"""A name of a company, abbreviation, account, cost center, warehouse or node as it is here."""
		if not isinstance(value, str):
			return value
		if value in self.exact:
			return self.exact[value]
		for old, new in self.suffixes.items():
			if value.endswith(old):
				stem = value.removesuffix(old)
				return self.exact.get(stem, stem) + new if stem in COMPANIES else stem + new
		return value


class _Filling:
	"""One run of filling in."""

	def __init__(
		self, company: DemoCompany, names: Names, manifest: dict[str, Any], progress: Progress | None
	) -> None:
		self.company, self.names, self.manifest, self.progress = company, names, manifest, progress
		self.definitions: dict[str, Table] = tables(company.schema)
		self.highest: dict[str, int] = {}
		self.was_empty: dict[str, bool] = {}
		self.written = 0

	def run(self) -> None:
		"""Write all tables, then what they need around them."""
		from sales_kpi.demo.generate import batches

		for table, rows in batches(self.company):
			if not frappe.db.table_exists(table):
				continue
			rows = self._on_site(table, rows)
			self._note_series(table, rows)
			rows = self._new(table, rows)
			if len(rows):
				self._insert(table, rows)
				frappe.db.commit()  # big tables stay out of one transaction; the manifest knows how to undo
			self.written += len(rows)
			if self.progress:
				self.progress(self.written, self.company.invoice_count * ROWS_PER_INVOICE)
		self._insert_surroundings()
		self._set_defaults()
		self._raise_series()
		for doctype in TREES:
			rebuild_tree(doctype)
		_fill_settings(self.company, self.names)
		_make_totals_anew()
		frappe.db.commit()
		if self.progress:
			self.progress(self.written, self.written)

	def _on_site(self, table: str, rows: pd.DataFrame) -> pd.DataFrame:
		"""The rows with the names that things have here."""
		rows = rows.copy(deep=False)
		constants = rows.attrs["constants"]
		for column in _named_columns(table, rows.columns):
			if column in constants:
				constants[column] = self.names.on_site(constants[column])
			elif rows[column].dtype == object:
				rows[column] = [self.names.on_site(value) for value in rows[column]]
			else:
				rows[column] = rows[column].cat.rename_categories(
					[self.names.on_site(value) for value in rows[column].cat.categories]
				)
		rows.attrs["constants"] = constants
		return rows

	def _new(self, table: str, rows: pd.DataFrame) -> pd.DataFrame:
		"""The rows that the site doesn't have yet. Raises DemoError where a name is taken that isn't shared."""
		if self.definitions[table].child:
			if table == "Holiday" and not frappe.db.exists(
				"Holiday List", {"name": "Working Days", "_user_tags": TAG}
			):
				return rows.iloc[:0]
			return rows
		known: set[str] = set()
		if table not in self.was_empty:
			self.was_empty[table] = not frappe.db.count(table)
		if not self.was_empty[table]:
			wanted = rows["name"].astype(object).tolist()
			for start in range(0, len(wanted), 5000):
				some = wanted[start : start + 5000]
				known |= set(frappe.get_all(table, filters={"name": ("in", some)}, pluck="name"))
		if not known:
			return rows
		roots = {self.names.on_site("Sales Team")} if table == "Sales Person" else set()
		if table not in SHARED and known - roots:
			raise DemoError(
				_("{0} {1} exists on this site already: demo data can't be added beside it.").format(
					_(table), frappe.bold(min(known - roots))
				)
			)
		if table == "Territory":
			self._move(table, rows, known)
		return _keep(rows, [name not in known for name in rows["name"]])

	def _move(self, doctype: str, rows: pd.DataFrame, known: set[str]) -> None:
		"""Move leaves that the site has already to where the demo has them, as the wizard puts its country at the top."""
		field = TREES[doctype]
		for row in rows[rows["name"].isin(known)].to_dict("records"):
			here = frappe.db.get_value(doctype, row["name"], [field, "is_group"], as_dict=True)
			if row[field] and not row["is_group"] and not here.is_group and here[field] != row[field]:
				self.manifest["parents"].append([doctype, row["name"], here[field]])
				_save_manifest(self.manifest)
				frappe.db.set_value(doctype, row["name"], field, row[field], update_modified=False)

	def _insert(self, table: str, rows: pd.DataFrame) -> None:
		"""Insert all rows; columns left out get the defaults that the doctype gave its table."""
		from pypika.terms import Parameter

		existing, meta = set(frappe.db.get_table_columns(table)), frappe.get_meta(table)
		constants = dict(rows.attrs["constants"])
		varying = [name for name in rows.columns if name not in constants and name in existing]
		values = [_plain(rows[name], self.definitions[table].columns[name]) for name in varying]
		if "title" in existing and "title" not in rows.columns and "customer_name" in varying:
			values.append(values[varying.index("customer_name")])
			varying.append("title")
		if "_user_tags" in existing:
			constants["_user_tags"] = TAG
		for name, value in constants.items():
			field = meta.get_field(name)
			is_default = value is None or (value == 0 and not (field and frappe.utils.flt(field.default)))
			if name in existing and not is_default:
				varying.append(name)
				values.append([value if isinstance(value, (int, float)) else str(value)] * len(rows))
		query = (
			frappe.qb.into(frappe.qb.DocType(table))
			.columns(*varying)
			.insert(*(Parameter("%s") for _ in varying))
		)
		# The driver makes one statement for many rows of this; bulk_insert would take ten times as long.
		frappe.db._cursor.executemany(query.get_sql(), list(zip(*values, strict=True)))

	def _note_series(self, table: str, rows: pd.DataFrame) -> None:
		"""Remember the highest number of each series of names."""
		names: Iterable[str] = ()
		if table in NUMBERED or "naming_series" in rows.columns:
			names = rows["name"]
		elif table == "GL Entry":
			names = rows["voucher_no"].astype(object).unique()
		for name in names:
			stem, digits = _split(name)
			if digits:
				self.highest[stem] = max(self.highest.get(stem, 0), int(digits))

	def _raise_series(self) -> None:
		"""Let the next document of each series get a number that is free."""
		series = frappe.qb.DocType("Series")
		for stem, number in self.highest.items():
			found = frappe.qb.from_(series).select(series.current).where(series.name == stem).run()
			before = int(found[0][0]) if found else None
			if before is not None and before >= number:
				continue
			self.manifest["series"][stem] = [before, number]
			if before is None:
				frappe.qb.into(series).columns("name", "current").insert(stem, number).run()
			else:
				frappe.qb.update(series).set(series.current, number).where(series.name == stem).run()

	def _insert_surroundings(self) -> None:
		"""What documents and forms refer to beyond the demo's own tables."""
		for row in self._surroundings():
			doc = frappe.new_doc(row.pop("doctype"))
			if frappe.db.exists(doc.doctype, row["name"]):
				continue
			doc.update(row)
			doc.set_user_and_timestamp()
			doc.db_insert()
			if not doc.meta.istable:
				frappe.db.set_value(doc.doctype, doc.name, "_user_tags", TAG, update_modified=False)

	def _set_defaults(self) -> None:
		"""Accounts that ERPNext asks a company for when somebody submits a document of it."""
		for company in self.names.companies:
			abbr = frappe.db.get_value("Company", company, "abbr")
			accounts = {
				"round_off_account": "Administrative Expenses",
				"write_off_account": "Administrative Expenses",
				"exchange_gain_loss_account": "Administrative Expenses",
				"default_bank_account": "Bank Account",
				"default_inventory_account": "Stock In Hand",
			}
			values: dict[str, Any] = {
				fieldname: f"{account} - {abbr}" for fieldname, account in accounts.items()
			}
			values |= {"round_off_cost_center": f"Main - {abbr}", "enable_perpetual_inventory": 0}
			if frappe.get_meta("Company").has_field("reporting_currency"):
				values["reporting_currency"] = frappe.db.get_value("Company", company, "default_currency")
			frappe.db.set_value("Company", company, values, update_modified=False)
		# Forms and reports begin with the site's default company.
		for name, company in frappe.get_all(
			"DefaultValue", {"defkey": "company"}, ["name", "defvalue"], as_list=True
		):
			self.manifest["default_companies"][name] = company
			_set_default_company(name, self.names.companies[0])

	def _surroundings(self) -> Iterator[dict[str, Any]]:
		from sales_kpi.demo.activity import PARAMETERS, TEMPLATE
		from sales_kpi.demo.funnel import LOST_REASONS

		for company in self.names.companies:
			abbr = frappe.db.get_value("Company", company, "abbr")
			root = f"All Warehouses - {abbr}"
			yield {
				"doctype": "Warehouse", "name": root, "warehouse_name": "All Warehouses", "company": company, "is_group": 1,
			}  # fmt: skip
			yield {
				"doctype": "Warehouse", "name": f"Stores - {abbr}", "warehouse_name": "Stores", "company": company,
				"parent_warehouse": root,
			}  # fmt: skip
		yield {
			"doctype": "Price List", "name": "Standard Selling", "price_list_name": "Standard Selling", "selling": 1,
			"enabled": 1, "currency": frappe.db.get_value("Company", self.names.companies[0], "default_currency"),
		}  # fmt: skip
		yield {"doctype": "UOM", "name": "Nos", "uom_name": "Nos", "must_be_whole_number": 1}
		for reason in LOST_REASONS:
			yield {"doctype": "Opportunity Lost Reason", "name": reason, "lost_reason": reason}
			yield {"doctype": "Quotation Lost Reason", "name": reason, "order_lost_reason": reason}
		if frappe.db.count("Quality Feedback"):
			yield {"doctype": "Quality Feedback Template", "name": TEMPLATE, "template": TEMPLATE}
			for number, parameter in enumerate(PARAMETERS, 1):
				yield {
					"doctype": "Quality Feedback Template Parameter", "name": frappe.generate_hash(length=10),
					"parent": TEMPLATE, "parenttype": "Quality Feedback Template", "parentfield": "parameters",
					"idx": number, "parameter": parameter,
				}  # fmt: skip
		if self.company.site_kind == "pos" or frappe.db.count("POS Invoice"):
			company = frappe.get_doc("Company", self.names.companies[0])
			yield {
				"doctype": "POS Profile", "name": "Counter", "company": company.name, "currency": company.default_currency,
				"warehouse": f"Stores - {company.abbr}", "selling_price_list": "Standard Selling",
				"write_off_account": f"Administrative Expenses - {company.abbr}",
				"write_off_cost_center": company.cost_center, "income_account": company.default_income_account,
			}  # fmt: skip
		for year in frappe.get_all("Fiscal Year", filters={"_user_tags": TAG}, pluck="name"):
			for number, company in enumerate(self.names.companies, 1):
				yield {
					"doctype": "Fiscal Year Company", "name": frappe.generate_hash(length=10), "parent": year,
					"parenttype": "Fiscal Year", "parentfield": "companies", "idx": number, "company": company,
				}  # fmt: skip
		for user in frappe.get_all("User", filters={"_user_tags": TAG}, pluck="name"):
			roles = ("Accounts User",) if user.startswith("accounts@") else ("Sales User",)
			for number, role in enumerate(roles, 1):
				yield {
					"doctype": "Has Role", "name": frappe.generate_hash(length=10), "parent": user, "parenttype": "User",
					"parentfield": "roles", "idx": number, "role": role,
				}  # fmt: skip


def remove(progress: Progress | None = None) -> None:
	"""Take the demo data away, with all that was made in its companies since, and put back what it changed."""
	manifest = _manifest()
	if not manifest:
		raise DemoError(_("This site holds no demo data."))
	_restore_settings(manifest["settings"])
	companies = tuple(manifest["companies"])
	users = frappe.get_all("User", filters={"_user_tags": TAG}, pluck="name") if _has_tags("User") else []
	doctypes = _doctypes_to_clear()
	for number, doctype in enumerate(doctypes, 1):
		_clear(doctype, companies)
		frappe.db.commit()  # removal can be begun again where it was stopped
		if progress:
			progress(number, len(doctypes))
	for user in users:
		delete_all_passwords_for("User", user)
	for doctype, field in OF_USERS.items():
		if users and frappe.db.table_exists(doctype):
			frappe.db.delete(doctype, {field: ("in", users)})
	for doctype, name, parent in manifest["parents"]:
		frappe.db.set_value(doctype, name, TREES[doctype], parent, update_modified=False)
	for name, company in manifest.get("default_companies", {}).items():
		_set_default_company(name, company)
	_restore_series(manifest["series"])
	for doctype in TREES:
		rebuild_tree(doctype)
	singles = frappe.qb.DocType("Singles")
	frappe.qb.from_(singles).delete().where(singles.doctype == MANIFEST[0]).run()
	_make_totals_anew()
	frappe.db.commit()
	frappe.clear_cache()


def _make_totals_anew() -> None:
	"""What is written past ERPNext's documents leaves no mark: totals that were complete would not know of it."""
	series = frappe.qb.DocType("KPI Series")
	frappe.qb.update(series).set(series.ready, 0).set(series.progress, "").run()
	rebuild_later()


def _set_default_company(name: str, company: str) -> None:
	"""Change a row of the site's defaults, and the form that shows it."""
	frappe.db.set_value("DefaultValue", name, "defvalue", company, update_modified=False)
	if frappe.db.get_value("DefaultValue", name, "parent") == "__default":
		frappe.db.set_single_value("Global Defaults", "default_company", company, update_modified=False)


def _doctypes_to_clear() -> list[str]:
	"""Doctypes that hold demo records or whatever belongs to a company; Company and User last."""
	found = set(tables("15")) | set(tables("16")) | set(KEPT_OF_COMPANIES) | {
		"Warehouse", "Price List", "UOM", "Opportunity Lost Reason", "Quotation Lost Reason", "POS Profile",
		"Quality Feedback Template",
	}  # fmt: skip
	for source, owner in (("DocField", "parent"), ("Custom Field", "dt")):
		field = frappe.qb.DocType(source)
		rows = (
			frappe.qb.from_(field)
			.select(field[owner])
			.where(field.fieldname == "company")
			.where(field.options == "Company")
			.run()
		)
		found |= {row[0] for row in rows}
	kept = [
		name
		for name in frappe.get_all(
			"DocType",
			filters={"issingle": 0, "istable": 0, "is_virtual": 0, "name": ("in", sorted(found))},
			pluck="name",
		)
		if frappe.db.table_exists(name)
	]
	return sorted(kept, key=lambda name: (name in ("Company", "User"), name))


def _clear(doctype: str, companies: tuple[str, ...]) -> None:
	"""Delete the demo's records of a doctype with their rows, and what refers to them."""
	table = frappe.qb.DocType(doctype)
	columns = frappe.db.get_table_columns(doctype)
	condition = table.name.isin(companies) if doctype == "Company" else None
	if "_user_tags" in columns:
		tagged = table._user_tags == TAG
		condition = tagged if condition is None else condition | tagged
	if "company" in columns and doctype != "Company":
		own = table.company.isin(companies)
		condition = own if condition is None else condition | own
	if condition is None or not frappe.qb.from_(table).select(table.name).where(condition).limit(1).run():
		return
	doomed = frappe.qb.from_(table).select(table.name).where(condition)
	for name in sorted({field.options for field in frappe.get_meta(doctype).get_table_fields()}):
		child = frappe.qb.DocType(name)
		frappe.qb.from_(child).delete().where(child.parenttype == doctype).where(
			child.parent.isin(doomed)
		).run()
	for name, (of, reference) in REFERRING.items():
		if frappe.db.table_exists(name) and name != doctype:
			other = frappe.qb.DocType(name)
			frappe.qb.from_(other).delete().where(other[of] == doctype).where(
				other[reference].isin(doomed)
			).run()
	frappe.qb.from_(table).delete().where(condition).run()


def _restore_series(series: dict[str, list[Any]]) -> None:
	"""Put number series back, unless documents were numbered since."""
	table = frappe.qb.DocType("Series")
	for stem, (before, ours) in series.items():
		if before is None:
			frappe.qb.from_(table).delete().where(table.name == stem).where(table.current == ours).run()
		else:
			query = frappe.qb.update(table).set(table.current, before)
			query.where(table.name == stem).where(table.current == ours).run()


# Settings


def _settings_record() -> dict[str, Any]:
	"""The settings as they are, as plain values."""
	doc = frappe.get_doc("Sales KPI Settings")
	kept: dict[str, Any] = {}
	for field in doc.meta.fields:
		if field.fieldtype in ("Table", "Table MultiSelect"):
			child = frappe.get_meta(field.options)
			columns = [
				column.fieldname
				for column in child.fields
				if column.fieldtype not in frappe.model.no_value_fields
			]
			kept[field.fieldname] = [
				{name: row.get(name) for name in columns} for row in doc.get(field.fieldname)
			]
		elif field.fieldtype not in frappe.model.no_value_fields:
			kept[field.fieldname] = doc.get(field.fieldname)
	return kept


def engine_settings(company: DemoCompany) -> Settings:
	"""The settings that fit the demo company, in the names that it has by itself."""
	from sales_kpi.demo.settings import settings
	from sales_kpi.settings_file import settings_from

	toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
	return settings_from(toml.loads(settings(company)))


def _fill_settings(company: DemoCompany, names: Names) -> None:
	"""Save the settings that fit the demo company, in its names here."""
	engine = engine_settings(company)
	accounts = [names.on_site(name) for name in engine.acquisition_accounts]
	centers = [
		*(
			{"cost_center": names.on_site(key), "sales_person": value}
			for key, value in engine.cost_center_sales_person.items()
		),
		*(
			{"cost_center": names.on_site(key), "source": value}
			for key, value in engine.cost_center_source.items()
		),
	]
	_restore_settings({
		"companies": [{"company": name} for name in names.companies],
		"churn_after_days": engine.churn_after_days,
		"conversion_window_days": engine.conversion_window_days,
		"acquisition_lag_months": engine.acquisition_lag_months,
		"converted_by": "First Order",
		"credit_fallback": "None",
		"calendar": "Gregorian",
		"acquisition_accounts": [
			{"company": frappe.db.get_value("Account", name, "company"), "account": name} for name in accounts
		],
		"cost_centers": [
			{"company": frappe.db.get_value("Cost Center", row["cost_center"], "company"), **row} for row in centers
		],
		"shared_customers": [{"customer": name} for name in engine.not_one_customer],
		"mapping": [
			{
				"user": row.user, "sales_person": row.sales_person, "from_date": row.first_day, "to_date": row.last_day,
			}
			for row in engine.mapping
		],
		"confirmed": 1,
	})  # fmt: skip


def _restore_settings(values: dict[str, Any]) -> None:
	"""Save settings without leaving a trace of it."""
	doc = frappe.get_doc("Sales KPI Settings")
	for fieldname, value in values.items():
		doc.set(fieldname, value)
	doc.flags.update(ignore_permissions=True, ignore_version=True, ignore_links=True, proposal=True)
	doc.save()


# Manifest


def _manifest() -> dict[str, Any] | None:
	singles = frappe.qb.DocType("Singles")
	rows = frappe.qb.from_(singles).select(singles.value).where(singles.doctype == MANIFEST[0]).run()
	return frappe.parse_json(rows[0][0]) if rows else None


def _save_manifest(manifest: dict[str, Any]) -> None:
	singles = frappe.qb.DocType("Singles")
	frappe.qb.from_(singles).delete().where(singles.doctype == MANIFEST[0]).run()
	row = (*MANIFEST, frappe.as_json(manifest))
	frappe.qb.into(singles).columns("doctype", "field", "value").insert(*row).run()
	frappe.db.commit()  # whatever happens next can be undone


# Values


def _named_columns(table: str, columns: Iterable[str]) -> list[str]:
	"""Columns that hold names that differ from site to site."""
	links = {
		field.fieldname
		for field in frappe.get_meta(table).fields
		if field.fieldtype == "Link" and field.options in TREES
	}
	if table in TREES:
		links |= {"name", "company_name", "abbr", f"{frappe.scrub(table)}_name"}
	links.add("against_income_account")
	return [name for name in columns if name in links]


def _keep(rows: pd.DataFrame, chosen: list[bool]) -> pd.DataFrame:
	attrs = rows.attrs
	rows = rows[chosen]
	rows.attrs = attrs
	return rows


def _plain(column: pd.Series[Any], kind: str) -> list[Any]:
	"""A column as a list of values that any driver takes."""
	import numpy as np
	import pandas as pd

	if isinstance(column.dtype, pd.CategoricalDtype):
		labels = np.array([*column.cat.categories, None], dtype=object)
		taken: list[Any] = labels[column.cat.codes.to_numpy()].tolist()
		return taken
	if kind in ("date", "datetime"):
		moments = column.to_numpy()
		texts = np.datetime_as_string(moments, unit="D" if kind == "date" else "s").tolist()
		return [None if text == "NaT" else text.replace("T", " ") for text in texts]
	values: list[Any] = column.tolist()
	return values


def _split(name: str) -> tuple[str, str]:
	"""A name as series and number: ("ACC-SINV-2026-", "00012")."""
	found = re.fullmatch(r"(.*?)(\d{5,})", name or "")
	return (found.group(1), found.group(2)) if found else (name, "")


def _has_tags(doctype: str) -> bool:
	return "_user_tags" in frappe.db.get_table_columns(doctype)
