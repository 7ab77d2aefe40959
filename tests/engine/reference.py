"""A second, independent reading of kpis.md: plain loops over lists of dicts, an oracle for tests.

Nothing here is fast or clever, and nothing is shared with the engine. Every function quotes the sentence of
kpis.md that it implements. Places where kpis.md leaves a choice are marked CHOICE.

	python reference.py selftest
	python reference.py URL --company X --from 2025-01-01 --to 2025-12-31 --every month --by sales-person
"""

from __future__ import annotations

import argparse
import calendar
import datetime
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

Date = datetime.date
Row = dict[str, Any]

TINY = 1e-9  # sums of shares that should cancel may leave some 1e-17; smaller than this is 0


# ----------------------------------------------------------------------------------------------------
# Values
# ----------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
	""" "Empty text (NULL or '') of company, territory or source is ''." Used for every text and link."""
	return "" if value is None else str(value)


def number(value: Any) -> float:
	"""Empty numbers are 0 ("an empty percentage is 0")."""
	if value is None or value == "":
		return 0.0
	return float(value)


def is_set(row: Row, column: str) -> bool:
	"""A check field is set when it is 1."""
	return number(row.get(column)) == 1


def to_datetime(value: Any) -> datetime.datetime | None:
	"""A datetime from whatever the database gives: datetime, date or text. Time zones are dropped."""
	if value is None or value == "":
		return None
	if isinstance(value, datetime.datetime):
		return value.replace(tzinfo=None)
	if isinstance(value, datetime.date):
		return datetime.datetime(value.year, value.month, value.day)
	match = re.match(r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?", str(value))
	if not match:
		return None
	year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
	microsecond = int((match.group(7) or "0").ljust(6, "0")[:6])
	return datetime.datetime(year, month, day, hour, minute, second, microsecond)


def to_date(value: Any) -> Date | None:
	"""date(x) of the definitions."""
	moment = to_datetime(value)
	return moment.date() if moment else None


def to_seconds(value: Any) -> float:
	"""A time of day in seconds, from time, timedelta or text; empty is 0 (midnight)."""
	if value is None or value == "":
		return 0.0
	if isinstance(value, datetime.timedelta):
		return value.total_seconds()
	if isinstance(value, datetime.datetime):
		value = value.time()
	if isinstance(value, datetime.time):
		return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
	match = re.match(r"(?:.*[ T])?(\d+):(\d+)(?::(\d+(?:\.\d+)?))?$", str(value))
	if not match:
		return 0.0
	return int(match.group(1)) * 3600 + int(match.group(2)) * 60 + float(match.group(3) or 0)


def add_months(day: Date, months: int) -> Date:
	"""The same day some months later, clamped to the month's end."""
	index = day.year * 12 + day.month - 1 + months
	year, month = index // 12, index % 12 + 1
	return Date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def total(values: Iterable[float]) -> float:
	""" "a sum over nothing is 0" """
	result = math.fsum(values)
	return 0.0 if abs(result) < TINY else result


# ----------------------------------------------------------------------------------------------------
# Data and settings
# ----------------------------------------------------------------------------------------------------

# table -> the columns that are read
COLUMNS = {
	"Account": "name company lft rgt",
	"Call Log": "name owner status start_time duration employee_user_id",
	"Communication": (
		"name communication_type communication_medium sent_or_received communication_date sender user "
		"reference_doctype company"
	),
	"Company": "name default_currency default_finance_book",
	"Customer": "name creation lead_name opportunity_name account_manager territory",
	"Delivery Note Item": "name stock_qty",
	"Employee": "name user_id company status",
	"Event": "name owner event_category status starts_on ends_on",
	"GL Entry": (
		"name posting_date account cost_center debit credit company voucher_type is_opening "
		"is_cancelled finance_book"
	),
	"Lead": "name creation modified lead_owner status company territory source utm_source",
	"Lead Source": "name",
	"Opportunity": (
		"name modified transaction_date opportunity_owner opportunity_from party_name status company "
		"territory source utm_source base_opportunity_amount opportunity_amount conversion_rate "
		"base_total first_response_time"
	),
	"POS Invoice": "name docstatus posting_date consolidated_invoice",
	"Packed Item": "name parenttype parent_detail_docname incoming_rate qty",
	"Quality Feedback": "name creation document_type document_name",
	"Quality Feedback Parameter": "name parent rating",
	"Quotation": (
		"name docstatus owner transaction_date opportunity company territory source utm_source base_net_total"
	),
	"Quotation Item": "name parent idx prevdoc_doctype prevdoc_docname",
	"Sales Invoice": (
		"name docstatus owner customer company territory posting_date posting_time base_net_total is_return "
		"is_debit_note is_opening is_internal_customer is_consolidated"
	),
	"Sales Invoice Item": (
		"name parent base_net_amount stock_qty incoming_rate dn_detail sales_invoice_item"
	),
	"KPI Survey Answer": "name customer answered_on rating company",
	"Sales Order": (
		"name docstatus owner customer company territory transaction_date base_net_total "
		"is_internal_customer status per_delivered"
	),
	"Sales Order Item": "name parent prevdoc_docname",
	"Sales Person": "name employee enabled is_group lft rgt",
	"Sales Team": "name parent parenttype sales_person allocated_percentage",
	"Sales Transition": (
		"name reference_doctype reference_name fieldname old_value new_value changed_at user"
	),
	"Territory": "name lft rgt",
	"UTM Source": "name",
	"User": "name email",
}
DATES = {"posting_date", "transaction_date"}
DATETIMES = {
	"creation",
	"modified",
	"start_time",
	"starts_on",
	"ends_on",
	"communication_date",
	"changed_at",
	"answered_on",
}


class Data(dict):
	"""Table name without "tab" -> list of rows (column -> value). A missing table is empty, a missing column
	None."""

	def __missing__(self, table: str) -> list[Row]:
		return []

	@classmethod
	def from_tables(cls, tables: dict[str, list[Row]]) -> Data:
		"""Takes rows as they are, and only turns texts of dates and datetimes into dates and datetimes."""
		data = cls()
		for table, rows in tables.items():
			data[table] = []
			for row in rows:
				clean = dict(row)
				for column, value in row.items():
					if column in DATES:
						clean[column] = to_date(value)
					elif column in DATETIMES:
						clean[column] = to_datetime(value)
				data[table].append(clean)
		return data

	@classmethod
	def from_sqlalchemy(cls, url: str) -> Data:
		"""Reads the needed columns, as far as they exist, of the needed tables, as far as they exist."""
		import sqlalchemy

		tables: dict[str, list[Row]] = {}
		engine = sqlalchemy.create_engine(url)
		existing = set(sqlalchemy.inspect(engine).get_table_names())
		with engine.connect() as connection:
			for table, wanted in COLUMNS.items():
				if f"tab{table}" not in existing:
					continue
				source = sqlalchemy.table(f"tab{table}")
				everything = sqlalchemy.select(sqlalchemy.text("*")).select_from(source)
				present = set(connection.execute(everything.limit(0)).keys())
				columns = [column for column in wanted.split() if column in present]
				query = sqlalchemy.select(*[sqlalchemy.column(column) for column in columns]).select_from(
					source
				)
				tables[table] = [dict(zip(columns, values)) for values in connection.execute(query)]
		engine.dispose()
		return cls.from_tables(tables)

	def has_column(self, table: str, column: str) -> bool:
		return any(column in row for row in self[table])


@dataclass
class Settings:
	"""The settings that the definitions name, with their defaults."""

	churn_after_days: int = 180
	conversion_window_days: int = 90
	acquisition_accounts: list[str] = field(default_factory=list)
	cost_center_sales_person: dict[str, str] = field(default_factory=dict)
	cost_center_source: dict[str, str] = field(default_factory=dict)
	mapping: list[tuple] = field(
		default_factory=list
	)  # (user, sales person, from or None, to or None), inclusive
	not_one_customer: list[str] = field(default_factory=list)
	lead_conversion_by: str = "first order"  # or "customer created"
	acquisition_lag_months: int = 0
	credit_fallback: str = "none"  # or "customer sales team", "account manager", "owner"

	def __post_init__(self) -> None:
		rows = []
		for entry in self.mapping:
			if isinstance(entry, dict):
				entry = (entry.get("user"), entry.get("sales_person"), entry.get("from"), entry.get("to"))
			user, sales_person, first, last = (*entry, None, None)[:4]
			rows.append((text(user), text(sales_person), to_date(first), to_date(last)))
		self.mapping = rows

	@classmethod
	def from_toml(cls, path: str) -> Settings:
		try:
			import tomllib
		except ModuleNotFoundError:  # Python 3.10
			import tomli as tomllib
		with open(path, "rb") as file:
			values = tomllib.load(file)
		known = {entry.name for entry in fields(cls)}
		unknown = set(values) - known
		if unknown:
			raise ValueError(f"unknown settings: {sorted(unknown)}")
		return cls(**values)


# ----------------------------------------------------------------------------------------------------
# Reading: the records that rules 1, 2 and 11 let through, and the rules that all facts share
# ----------------------------------------------------------------------------------------------------

MACHINE_USERS = {"", "Administrator", "Guest"}  # the scheduler and incoming mail run as one of these


class Reading:
	"""The native records as they are read on one day, with the look-ups that the facts need."""

	def __init__(self, data: Data, settings: Settings, as_of: Date) -> None:
		self.data = data
		self.settings = settings
		self.as_of = as_of

		# Rule 1: "Only submitted documents (docstatus = 1) of Quotation, Sales Order, Sales Invoice."
		self.submitted_invoices = [
			row
			for row in data["Sales Invoice"]
			if is_set(row, "docstatus") and self.is_read(row.get("posting_date"))
		]
		# Rule 2: "Of Sales Invoice, never is_opening = 'Yes'; of Sales Invoice and Sales Order, never
		# is_internal_customer = 1."
		self.invoices = [
			row
			for row in self.submitted_invoices
			if row.get("is_opening") != "Yes" and not is_set(row, "is_internal_customer")
		]
		self.orders = [
			row
			for row in data["Sales Order"]
			if is_set(row, "docstatus")
			and not is_set(row, "is_internal_customer")
			and self.is_read(row.get("transaction_date"))
		]
		self.quotations = [
			row
			for row in data["Quotation"]
			if is_set(row, "docstatus") and self.is_read(row.get("transaction_date"))
		]
		self.leads = [row for row in data["Lead"] if self.is_read(row.get("creation"))]
		self.opportunities = [row for row in data["Opportunity"] if self.is_read(row.get("transaction_date"))]
		self.customers = list(data["Customer"])

		self.lead_by_name = by_name(self.leads)
		self.opportunity_by_name = by_name(self.opportunities)
		self.order_by_name = by_name(self.orders)
		self.customer_by_name = by_name(self.customers)
		self.company_by_name = by_name(data["Company"])

		self.team_rows = grouped(
			data["Sales Team"], lambda row: (text(row.get("parenttype")), text(row.get("parent")))
		)
		self.employees_of_user = grouped(
			[row for row in data["Employee"] if text(row.get("user_id"))],
			lambda row: text(row.get("user_id")),
		)
		self.sales_persons_of_employee = grouped(
			[row for row in data["Sales Person"] if text(row.get("employee"))],
			lambda row: text(row.get("employee")),
		)
		transitions = sorted(
			[row for row in data["Sales Transition"] if row.get("changed_at") is not None],
			key=lambda row: (row["changed_at"], row.get("name") or 0),
		)
		self.transitions = grouped(
			transitions,
			lambda row: (
				text(row.get("reference_doctype")),
				text(row.get("reference_name")),
				text(row.get("fieldname")),
			),
		)
		self.user_by_email: dict[str, str] = {}
		for row in sorted(data["User"], key=lambda row: text(row.get("name"))):
			email = text(row.get("email")).strip().lower()
			if email:
				self.user_by_email.setdefault(email, text(row.get("name")))

		self.orders_of_quotation = self._orders_of_quotation()
		self.source_columns = {
			table: "utm_source" if data.has_column(table, "utm_source") else "source"
			for table in ("Lead", "Opportunity", "Quotation")
		}
		self.items_of_quotation = grouped(data["Quotation Item"], lambda row: text(row.get("parent")))
		self.opportunities_of_customer = grouped(
			[row for row in self.opportunities if row.get("opportunity_from") == "Customer"],
			lambda row: text(row.get("party_name")),
		)
		self.cache: dict[str, Any] = {}

	def is_read(self, moment: Any) -> bool:
		"""Rule 11: "native records whose own day (rule 4) is later are not read". Without a day there is no
		fact."""
		day = to_date(moment)
		return day is not None and day <= self.as_of

	# -- Rule 3

	def is_return(self, invoice: Row) -> bool:
		""" "A return (is_return = 1) is a credit_note … (is_return goes first: a returned debit note is a
		credit note.)" """
		return is_set(invoice, "is_return")

	def is_purchase(self, invoice: Row) -> bool:
		""" "A debit note (is_debit_note = 1) brings its amount and quantity 0. So does an invoice that is no
		return and whose base_net_total is 0 or less. A purchase is a sale invoice whose quantity isn't 0 for
		one of these reasons" """
		if self.is_return(invoice):
			return False
		return not is_set(invoice, "is_debit_note") and number(invoice.get("base_net_total")) > 0

	def deals_in(self, invoice: Row) -> int:
		""" "An invoice that consolidates POS Invoices (is_consolidated = 1) brings in sale as quantity share
		× the number of submitted POS Invoices read by rule 11 whose consolidated_invoice it is (1 if none is
		found)" """
		if not self.is_purchase(invoice):
			return 0
		if not is_set(invoice, "is_consolidated"):
			return 1
		if "pos" not in self.cache:
			self.cache["pos"] = grouped(
				[
					row
					for row in self.data["POS Invoice"]
					if is_set(row, "docstatus") and self.is_read(row.get("posting_date"))
				],
				lambda row: text(row.get("consolidated_invoice")),
			)
		return len(self.cache["pos"].get(invoice["name"], [])) or 1

	# -- Rule 5

	def credit(self, doctype: str, record: Row, day: Date) -> list[tuple[str, float]]:
		"""The team of an order or invoice; where it credits nobody, whom the setting credit_fallback names."""
		customer = text(record.get("customer"))
		rows = self.team_rows.get((doctype, record["name"]), [])
		if not any(number(row.get("allocated_percentage")) for row in rows):
			if self.settings.credit_fallback == "customer sales team":
				return self.team("Customer", customer)
			if self.settings.credit_fallback == "account manager":
				manager = text(self.customer_by_name.get(customer, {}).get("account_manager"))
				return [(self.sales_person_of(manager, day), 1.0)]
			if self.settings.credit_fallback == "owner":
				return [(self.sales_person_of(text(record.get("owner")), day), 1.0)]
		return self.team(doctype, record["name"])

	def team(self, doctype: str, name: str) -> list[tuple[str, float]]:
		""" "rows of sales_team (parenttype included in the join; rows of one person add up; an empty
		percentage is 0), share = allocated_percentage / 100 … What is missing to 1 goes to '' (unassigned),
		also when it is negative" """
		percentages: dict[str, list[float]] = {}
		for row in self.team_rows.get((doctype, text(name)), []):
			percentages.setdefault(text(row.get("sales_person")), []).append(
				number(row.get("allocated_percentage"))
			)
		assigned = math.fsum(value for values in percentages.values() for value in values)
		missing = 100 - assigned
		# Three thirds leave dust; it is nobody's credit and stays with the first of the team.
		to = next(iter(percentages)) if percentages and abs(missing) < 100 * TINY else ""
		percentages.setdefault(to, []).append(missing)
		shares = [(person, math.fsum(values) / 100) for person, values in percentages.items()]
		# CHOICE: a share of 0 credits nobody and gives no row.
		return [(person, share) for person, share in shares if abs(share) >= TINY]

	# -- Rule 6

	def sales_person_by_employee(self, user: str) -> str:
		""" "User → Employee.user_id → Sales Person.employee (of several: enabled first, then by name)" """
		found = []
		for employee in self.employees_of_user.get(user, []):
			found += self.sales_persons_of_employee.get(text(employee.get("name")), [])
		found.sort(key=lambda row: (not is_set(row, "enabled"), text(row.get("name"))))
		return text(found[0].get("name")) if found else ""

	def sales_person_of(self, user: str, day: Date) -> str:
		""" "the settings' Salesperson Mapping (user, salesperson, from, to; it wins); else User → Employee …
		No user or no match: ''." """
		if not user:
			return ""
		for mapped_user, sales_person, first, last in self.settings.mapping:
			# CHOICE: of several that cover the day, the first listed; the day is the fact's own.
			if mapped_user == user and (first is None or first <= day) and (last is None or day <= last):
				return sales_person
		return self.sales_person_by_employee(user)

	def owner_on(self, doctype: str, record: Row, day: Date) -> str:
		""" "Where the log knows who owned a Lead or Opportunity on the fact's own day, that owner is
		credited; else today's." """
		fieldname = "lead_owner" if doctype == "Lead" else "opportunity_owner"
		today = text(record.get(fieldname))
		changes = self.transitions.get((doctype, text(record.get("name")), fieldname), [])
		before = [row for row in changes if row["changed_at"].date() <= day]
		after = [row for row in changes if row["changed_at"].date() > day]
		if before:
			return text(before[-1].get("new_value"))  # CHOICE: the owner at the end of that day
		if after:
			return text(after[0].get("old_value"))  # before the first change: what that change replaced
		return today

	def mapped_sales_persons(self) -> set[str]:
		"""Those of whom "no user maps to this salesperson" is not true."""
		mapped = {sales_person for user, sales_person, _, _ in self.settings.mapping if user}
		for user in self.employees_of_user:
			if not self.always_mapped(user):
				mapped.add(self.sales_person_by_employee(user))
		return mapped - {""}

	def always_mapped(self, user: str) -> bool:
		"""Whether the mapping, which wins, leaves no day on which the user's Employee would count."""
		spans = sorted(
			(first or Date.min, last or Date.max)
			for mapped_user, _, first, last in self.settings.mapping
			if mapped_user == user
		)
		if not spans or spans[0][0] != Date.min or spans[-1][1] != Date.max:
			return False
		return all((later[0] - sooner[1]).days <= 1 for sooner, later in itertools.pairwise(spans))

	# -- Rule 7

	def source_of(self, table: str, record: Row) -> str:
		"""A record's own source: the v16 column, where it exists, else the v15 one."""
		return text(record.get(self.source_columns[table]))

	def source_of_customer(self, customer: str) -> str:
		""" "A customer's source is the source of the Lead in Customer.lead_name, else of the Opportunity in
		opportunity_name, else ''." """
		record = self.customer_by_name.get(customer, {})
		lead = self.lead_by_name.get(text(record.get("lead_name")))
		if lead and self.source_of("Lead", lead):
			return self.source_of("Lead", lead)
		opportunity = self.opportunity_by_name.get(text(record.get("opportunity_name")))
		if opportunity:
			return self.source_of("Opportunity", opportunity)
		return ""

	# -- Rule 8

	def has_life(self, customer: str) -> bool:
		""" "Customers that the settings name as not one customer (Walk-in, marketplace accounts) have no
		life" """
		return bool(customer) and customer not in self.settings.not_one_customer

	# -- Rule 9

	def company_of(self, record: Row, user: str) -> str:
		""" "A record that has no company of its own … belongs to the company of the credited user's Employee
		(several: Active first, then by name); else, or without a user, if there is only one Company, to that;
		else to ''." """
		if text(record.get("company")):
			return text(record["company"])
		employees = sorted(
			self.employees_of_user.get(user, []) if user else [],
			key=lambda row: (row.get("status") != "Active", text(row.get("name"))),
		)
		if employees and text(employees[0].get("company")):
			return text(employees[0]["company"])
		if len(self.data["Company"]) == 1:
			return text(self.data["Company"][0].get("name"))
		return ""

	# -- The log

	def logged_change(self, doctype: str, record: Row, status: str) -> Date | None:
		""" "Log: the app's own transition log … where it exists and has the change." The latest change to the
		status, over all rows of the log; when it is later than as_of, rule 11 drops the fact."""
		changes = self.transitions.get((doctype, text(record.get("name")), "status"), [])
		days = [row["changed_at"].date() for row in changes if row.get("new_value") == status]
		return days[-1] if days else None

	# -- Links

	def _orders_of_quotation(self) -> dict[str, list[Row]]:
		"""Quotation -> the orders that are read and name it in Sales Order Item.prevdoc_docname."""
		result: dict[str, list[Row]] = {}
		for item in self.data["Sales Order Item"]:
			quotation = text(item.get("prevdoc_docname"))
			order = self.order_by_name.get(text(item.get("parent")))
			if quotation and order:
				result.setdefault(quotation, []).append(order)
		return result

	def fact(self, name: str) -> list[Row]:
		"""The rows of a fact. Rule 11: "then fact rows whose day is later are dropped"."""
		if name not in self.cache:
			self.cache[name] = [row for row in FACTS[name](self) if row["day"] <= self.as_of]
		return self.cache[name]


def by_name(rows: list[Row]) -> dict[str, Row]:
	return {text(row.get("name")): row for row in rows}


def grouped(rows: list[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
	result: dict[Any, list[Row]] = {}
	for row in rows:
		result.setdefault(key(row), []).append(row)
	return result


def fact_row(
	document: str,
	day: Date,
	company: str,
	sales_person: str,
	territory: str,
	source: str,
	quantity: float,
	amount: float,
	since: Date | None = None,
	estimated: bool = False,
	customer: str = "",
) -> Row:
	"""The columns of every fact (design.md), plus `estimated`, plus the customer of a sale (rule 8 needs
	it)."""
	return {
		"document": document,
		"day": day,
		"since": since,
		"company": company,
		"sales_person": sales_person,
		"territory": territory,
		"source": source,
		"quantity": quantity,
		"amount": amount,
		"estimated": estimated,
		"customer": customer,
	}


# ----------------------------------------------------------------------------------------------------
# Facts: sales
# ----------------------------------------------------------------------------------------------------


def invoice_rows(reading: Reading, invoice: Row, deals: float, amount: float) -> list[Row]:
	"""Credit "sales team"; quantity share × deals, amount share × amount."""
	customer = text(invoice.get("customer"))
	rows = []
	for sales_person, share in reading.credit("Sales Invoice", invoice, invoice["posting_date"]):
		rows.append(
			fact_row(
				document=invoice["name"],
				day=invoice["posting_date"],
				company=reading.company_of(invoice, ""),
				sales_person=sales_person,
				territory=text(invoice.get("territory")),
				source=reading.source_of_customer(customer),
				quantity=share * deals,
				amount=share * amount,
				customer=customer,
			)
		)
	return rows


def fact_sale(reading: Reading) -> list[Row]:
	""" "sale | Sales Invoice, not a return | posting_date | | sales team | share (0: rule 3) | share ×
	base_net_total" """
	rows = []
	for invoice in reading.invoices:
		if not reading.is_return(invoice):
			rows += invoice_rows(
				reading, invoice, reading.deals_in(invoice), number(invoice.get("base_net_total"))
			)
	return rows


def fact_credit_note(reading: Reading) -> list[Row]:
	""" "credit_note | Sales Invoice, is_return | posting_date | | sales team | share | share × base_net_total
	(negative)"; "in consolidated returns, just the share" """
	rows = []
	for invoice in reading.invoices:
		if reading.is_return(invoice):
			rows += invoice_rows(reading, invoice, 1, number(invoice.get("base_net_total")))
	return rows


class Costs:
	"""Cost of an invoice line."""

	def __init__(self, reading: Reading) -> None:
		data = reading.data
		self.lines = by_name(data["Sales Invoice Item"])
		self.lines_of_invoice = grouped(data["Sales Invoice Item"], lambda row: text(row.get("parent")))
		self.delivery_lines = by_name(data["Delivery Note Item"])
		self.packed = grouped(
			data["Packed Item"],
			lambda row: (text(row.get("parenttype")), text(row.get("parent_detail_docname"))),
		)
		self.originals = {invoice["name"] for invoice in reading.submitted_invoices}

	def of_packed(self, doctype: str, line: str) -> float | None:
		""" "Packed Items of the line … of which any has incoming_rate ≠ 0: Σ incoming_rate × qty" """
		items = self.packed.get((doctype, line), []) if line else []
		if not any(number(item.get("incoming_rate")) != 0 for item in items):
			return None
		return math.fsum(number(item.get("incoming_rate")) * number(item.get("qty")) for item in items)

	def of_own(self, line: Row) -> tuple[bool, float | None]:
		"""(whether (a), (b) or (c) applies, the cost or None):
		"(a) Packed Items of the line (parenttype = 'Sales Invoice', parent_detail_docname = the line's name)
		of which any has incoming_rate ≠ 0: Σ incoming_rate × qty; (b) the line's incoming_rate ≠ 0:
		incoming_rate × stock_qty; (c) the line bills a Delivery Note line (dn_detail) that has such Packed
		Items (parenttype = 'Delivery Note'): their Σ × this line's stock_qty / the Delivery Note line's
		stock_qty" … "A divisor of 0: unknown." """
		packed = self.of_packed("Sales Invoice", text(line.get("name")))
		if packed is not None:
			return True, packed
		if number(line.get("incoming_rate")) != 0:
			return True, number(line["incoming_rate"]) * number(line.get("stock_qty"))
		delivery_line = self.delivery_lines.get(text(line.get("dn_detail")))
		packed = self.of_packed("Delivery Note", text(line.get("dn_detail")))
		if delivery_line is not None and packed is not None:
			divisor = number(delivery_line.get("stock_qty"))
			return True, packed * number(line.get("stock_qty")) / divisor if divisor else None
		return False, None

	def of_line(self, line: Row, in_return: bool) -> float | None:
		""" "the first that applies … (d) the line returns an invoice line (sales_invoice_item) whose cost is
		known by (a) to (c): that cost × this line's stock_qty / that line's stock_qty (… only in returns; the
		original submitted and read by rule 11, opening or internal or not); else unknown. A divisor of 0:
		unknown." """
		applies, cost = self.of_own(line)
		if applies or not in_return:
			return cost
		original = self.lines.get(text(line.get("sales_invoice_item")))
		if original is None or text(original.get("parent")) not in self.originals:
			return None
		_, cost = self.of_own(original)
		divisor = number(original.get("stock_qty"))
		if cost is None or not divisor:
			return None
		return cost * number(line.get("stock_qty")) / divisor

	def known(self, invoice: Row, in_return: bool) -> list[tuple[Row, float]]:
		""" "lines of these invoices whose cost is known" """
		result = []
		for line in self.lines_of_invoice.get(invoice["name"], []):
			cost = self.of_line(line, in_return)
			if cost is not None:
				result.append((line, cost))
		return result


def known_costs(reading: Reading) -> list[tuple[Row, list[tuple[Row, float]]]]:
	"""The invoices of `sale` and `credit_note` that have a line whose cost is known, with those lines."""
	if "costs" not in reading.cache:
		costs = Costs(reading)
		pairs = [(invoice, costs.known(invoice, reading.is_return(invoice))) for invoice in reading.invoices]
		reading.cache["costs"] = [(invoice, lines) for invoice, lines in pairs if lines]
	return reading.cache["costs"]


def fact_costed_sale(reading: Reading) -> list[Row]:
	""" "costed_sale | lines of these invoices whose cost is known (below) | posting_date | | sales team |
	share | share × Σ base_net_amount of those lines" """
	rows = []
	for invoice, lines in known_costs(reading):
		rows += invoice_rows(
			reading, invoice, 1, math.fsum(number(line.get("base_net_amount")) for line, _ in lines)
		)
	return rows


def fact_cost_of_goods(reading: Reading) -> list[Row]:
	""" "cost_of_goods | the same lines | posting_date | | sales team | share | share × Σ cost of those
	lines" """
	rows = []
	for invoice, lines in known_costs(reading):
		rows += invoice_rows(reading, invoice, 1, math.fsum(cost for _, cost in lines))
	return rows


def fact_order(reading: Reading) -> list[Row]:
	""" "order | Sales Order | transaction_date | | sales team | share | share × base_net_total; status
	Closed: × per_delivered / 100" """
	rows = []
	for order in reading.orders:
		amount = number(order.get("base_net_total"))
		if order.get("status") == "Closed":
			amount = amount * number(order.get("per_delivered")) / 100
		customer = text(order.get("customer"))
		for sales_person, share in reading.credit("Sales Order", order, order["transaction_date"]):
			rows.append(
				fact_row(
					document=order["name"],
					day=order["transaction_date"],
					company=reading.company_of(order, ""),
					sales_person=sales_person,
					territory=text(order.get("territory")),
					source=reading.source_of_customer(customer),
					quantity=share,
					amount=share * amount,
					customer=customer,
				)
			)
	return rows


# ----------------------------------------------------------------------------------------------------
# Facts: quotations
# ----------------------------------------------------------------------------------------------------


def quotation_user(reading: Reading, quotation: Row, day: Date) -> str:
	""" "opportunity_owner of its header opportunity, else of its first item's (by idx); if there is none or
	it is empty, the Quotation's owner" """
	name = text(quotation.get("opportunity"))
	if not name:
		items = reading.items_of_quotation.get(quotation["name"], [])
		for item in sorted(items, key=lambda row: (number(row.get("idx")), text(row.get("name")))):
			# CHOICE: the first item that names an Opportunity, not only the very first item.
			if item.get("prevdoc_doctype") == "Opportunity" and text(item.get("prevdoc_docname")):
				name = text(item["prevdoc_docname"])
				break
	opportunity = reading.opportunity_by_name.get(name)
	owner = reading.owner_on("Opportunity", opportunity, day) if opportunity else ""
	return owner or text(quotation.get("owner"))


def quotation_row(reading: Reading, quotation: Row, day: Date, since: Date | None) -> Row:
	quoted = quotation["transaction_date"]
	user = quotation_user(reading, quotation, quoted)
	return fact_row(
		document=quotation["name"],
		day=day,
		since=since,
		company=reading.company_of(quotation, user),
		sales_person=reading.sales_person_of(user, quoted),
		territory=text(quotation.get("territory")),
		source=reading.source_of("Quotation", quotation),
		quantity=1.0,
		amount=number(quotation.get("base_net_total")),
	)


def fact_quotation(reading: Reading) -> list[Row]:
	""" "quotation | Quotation (submitted) | transaction_date | | … | 1 | base_net_total" """
	return [quotation_row(reading, row, row["transaction_date"], None) for row in reading.quotations]


def fact_quotation_order(reading: Reading) -> list[Row]:
	""" "quotation_order | Quotation with a submitted Sales Order (Sales Order Item.prevdoc_docname) | the
	first such order's transaction_date | the quotation's transaction_date | as quotation | 1 | base_net_total
	of the quotation"
	"as quotation": credited as the quotation's own row, so by rule 6 on the quotation's day."""
	rows = []
	for quotation in reading.quotations:
		orders = reading.orders_of_quotation.get(quotation["name"], [])
		if orders:
			day = min(order["transaction_date"] for order in orders)
			rows.append(quotation_row(reading, quotation, day, quotation["transaction_date"]))
	return rows


# ----------------------------------------------------------------------------------------------------
# Facts: leads
# ----------------------------------------------------------------------------------------------------


def lead_row(reading: Reading, lead: Row, day: Date, since: Date | None, estimated: bool = False) -> Row:
	user = reading.owner_on("Lead", lead, day)
	return fact_row(
		document=lead["name"],
		day=day,
		since=since,
		company=reading.company_of(lead, user),
		sales_person=reading.sales_person_of(user, day),
		territory=text(lead.get("territory")),
		source=reading.source_of("Lead", lead),
		quantity=1.0,
		amount=0.0,
		estimated=estimated,
	)


def fact_lead(reading: Reading) -> list[Row]:
	""" "lead | Lead | date(creation) | | lead_owner | 1 | 0" """
	return [lead_row(reading, lead, to_date(lead["creation"]), None) for lead in reading.leads]


def buying_days(reading: Reading) -> dict[str, list[Date]]:
	"""Customer -> the days on which "it has a submitted Sales Order, or a sale that is a purchase … in any
	company"."""
	if "buying" not in reading.cache:
		days: dict[str, list[Date]] = {}
		for order in reading.orders:
			days.setdefault(text(order.get("customer")), []).append(order["transaction_date"])
		for invoice in reading.invoices:
			if reading.is_purchase(invoice):
				days.setdefault(text(invoice.get("customer")), []).append(invoice["posting_date"])
		reading.cache["buying"] = days
	return reading.cache["buying"]


def fact_lead_conversion(reading: Reading) -> list[Row]:
	""" "Lead whose customer (Customer.lead_name; several: any of them) has bought: it has a submitted Sales
	Order, or a sale that is a purchase, on or after the day of the lead's creation, in any company. (Setting:
	customer created instead of first order …)" | "the earliest such day" | "date(Lead.creation)"; rule 8:
	customers that are not one customer are left out.
	CHOICE for "customer created": the day is date(Customer.creation), which "on or after" binds too: a
	customer older than the lead doesn't convert it."""
	customers_of_lead = grouped(reading.customers, lambda row: text(row.get("lead_name")))
	bought = buying_days(reading)
	rows = []
	for lead in reading.leads:
		created = to_date(lead["creation"])
		days = []
		for customer in customers_of_lead.get(lead["name"], []):
			if not reading.has_life(text(customer.get("name"))):
				continue
			if reading.settings.lead_conversion_by == "customer created":
				candidates = [to_date(customer.get("creation"))]
			else:
				candidates = bought.get(text(customer.get("name")), [])
			days += [day for day in candidates if day is not None and created <= day <= reading.as_of]
		if days:
			rows.append(lead_row(reading, lead, min(days), created))
	return rows


def fact_lead_loss(reading: Reading) -> list[Row]:
	""" "Lead with status Do Not Contact or Lost Quotation, not converted | log; else date(modified),
	estimated | date(Lead.creation)"; "The day of a win, loss, drop or lead_loss is never before since (an
	earlier one becomes since)" """
	converted = {row["document"] for row in reading.fact("lead_conversion")}
	rows = []
	for lead in reading.leads:
		if lead.get("status") not in ("Do Not Contact", "Lost Quotation") or lead["name"] in converted:
			continue
		created = to_date(lead["creation"])
		logged = reading.logged_change("Lead", lead, lead["status"])
		day = logged or to_date(lead.get("modified"))
		if day is not None:
			rows.append(lead_row(reading, lead, max(day, created), created, estimated=logged is None))
	return rows


# ----------------------------------------------------------------------------------------------------
# Facts: opportunities
# ----------------------------------------------------------------------------------------------------


def opportunity_value(opportunity: Row) -> float:
	""" "Value" of an Opportunity: base_opportunity_amount; if that is 0 …, opportunity_amount ×
	conversion_rate; if that is 0, base_total." """
	value = number(opportunity.get("base_opportunity_amount"))
	if value == 0:
		value = number(opportunity.get("opportunity_amount")) * number(opportunity.get("conversion_rate"))
	if value == 0:
		value = number(opportunity.get("base_total"))
	return value


def opportunity_row(
	reading: Reading,
	opportunity: Row,
	day: Date,
	amount: float,
	since: Date | None = None,
	estimated: bool = False,
) -> Row:
	user = reading.owner_on("Opportunity", opportunity, day)
	return fact_row(
		document=opportunity["name"],
		day=day,
		since=since,
		company=reading.company_of(opportunity, user),
		sales_person=reading.sales_person_of(user, day),
		territory=text(opportunity.get("territory")),
		source=reading.source_of("Opportunity", opportunity),
		quantity=1.0,
		amount=amount,
		estimated=estimated,
	)


def ended_opportunity(reading: Reading, opportunity: Row, day: Date, estimated: bool) -> Row:
	""" "The day of a win, loss, drop or lead_loss is never before since (an earlier one becomes since)";
	since is the transaction_date, the amount its value."""
	since = opportunity["transaction_date"]
	return opportunity_row(
		reading,
		opportunity,
		max(day, since),
		opportunity_value(opportunity),
		since=since,
		estimated=estimated,
	)


def fact_opportunity(reading: Reading) -> list[Row]:
	""" "opportunity | Opportunity | transaction_date | | opportunity_owner | 1 | its value" """
	return [
		opportunity_row(reading, row, row["transaction_date"], opportunity_value(row))
		for row in reading.opportunities
	]


def orders_of_opportunity(reading: Reading) -> dict[str, list[Row]]:
	""" "Sales Order Item.prevdoc_docname → a submitted Quotation whose header opportunity, or one of whose
	items' prevdoc_docname with prevdoc_doctype = 'Opportunity', is the Opportunity" """
	named_by_items: dict[str, set[str]] = {}
	for item in reading.data["Quotation Item"]:
		if item.get("prevdoc_doctype") == "Opportunity" and text(item.get("prevdoc_docname")):
			named_by_items.setdefault(text(item.get("parent")), set()).add(text(item["prevdoc_docname"]))
	result: dict[str, list[Row]] = {}
	for quotation in reading.quotations:
		names = named_by_items.get(quotation["name"], set()) | {text(quotation.get("opportunity"))}
		for name in names - {""}:
			result.setdefault(name, []).extend(reading.orders_of_quotation.get(quotation["name"], []))
	return result


def fact_opportunity_win(reading: Reading) -> list[Row]:
	""" "Opportunity that led to a submitted Sales Order …; or whose status is Converted." | "transaction_date
	of the first such Sales Order; without one: log; else date(modified), estimated" """
	orders_of = orders_of_opportunity(reading)
	rows = []
	for opportunity in reading.opportunities:
		orders = orders_of.get(opportunity["name"], [])
		if orders:
			day = min(order["transaction_date"] for order in orders)
			rows.append(ended_opportunity(reading, opportunity, day, estimated=False))
		elif opportunity.get("status") == "Converted":
			logged = reading.logged_change("Opportunity", opportunity, "Converted")
			day = logged or to_date(opportunity.get("modified"))
			if day is not None:
				rows.append(ended_opportunity(reading, opportunity, day, estimated=logged is None))
	return rows


def is_won(reading: Reading) -> set[str]:
	"""Names of the Opportunities that are a win. One whose win has a later day than as_of is one too (its
	status can't be rewound), so it is neither lost nor dropped."""
	return {row["document"] for row in fact_opportunity_win(reading)} | {
		row["name"] for row in reading.opportunities if row.get("status") == "Converted"
	}


def recorded_loss(reading: Reading, opportunity: Row) -> Date | None:
	""" "with the log: lost from a recorded Lost until a user (not incoming mail, not a daily job) moves it on
	or an order exists" (with an order it is a win, hence no loss). Rows after as_of are used too."""
	lost = None
	for row in reading.transitions.get(("Opportunity", text(opportunity.get("name")), "status"), []):
		if row.get("new_value") == "Lost":
			if lost is None:
				lost = row["changed_at"].date()
		elif text(row.get("user")) not in MACHINE_USERS:
			lost = None
	return lost


def fact_opportunity_loss(reading: Reading) -> list[Row]:
	""" "Opportunity with status Lost that is no win; with the log: lost from a recorded Lost until a user …
	moves it on or an order exists | log; else date(modified), estimated" """
	won = is_won(reading)
	rows = []
	for opportunity in reading.opportunities:
		if opportunity["name"] in won:
			continue
		day, estimated = recorded_loss(reading, opportunity), False
		if day is None and opportunity.get("status") == "Lost":
			# Recorded as Lost and then moved on by a user, and yet Lost today: the log misses the last change,
			# but it has a change to this status.
			day = reading.logged_change("Opportunity", opportunity, "Lost")
			estimated = day is None
			day = day or to_date(opportunity.get("modified"))
		if day is not None:
			rows.append(ended_opportunity(reading, opportunity, day, estimated))
	return rows


def fact_opportunity_drop(reading: Reading) -> list[Row]:
	""" "Opportunity with status Closed that is no win | log; else date(modified), estimated"
	Nor a loss by the log (closed by a job after a recorded Lost), so that it leaves the pipeline once."""
	ended = is_won(reading) | {row["document"] for row in fact_opportunity_loss(reading)}
	rows = []
	for opportunity in reading.opportunities:
		if opportunity.get("status") != "Closed" or opportunity["name"] in ended:
			continue
		logged = reading.logged_change("Opportunity", opportunity, "Closed")
		day = logged or to_date(opportunity.get("modified"))
		if day is not None:
			rows.append(ended_opportunity(reading, opportunity, day, estimated=logged is None))
	return rows


def fact_first_response(reading: Reading) -> list[Row]:
	""" "Opportunity with first_response_time > 0 | transaction_date | | opportunity_owner | 1 | seconds" """
	rows = []
	for opportunity in reading.opportunities:
		seconds = number(opportunity.get("first_response_time"))
		if seconds > 0:
			rows.append(opportunity_row(reading, opportunity, opportunity["transaction_date"], seconds))
	return rows


# ----------------------------------------------------------------------------------------------------
# Facts: the life of a customer
# ----------------------------------------------------------------------------------------------------


def purchases_by_customer(reading: Reading) -> dict[tuple[str, str], list[Row]]:
	"""(company, customer) -> its purchases "(by posting_date, posting_time, name)". Rule 8: "is told per
	company: a customer of two companies has two. Customers that the settings name as not one customer … have
	no life" """
	purchases = [
		invoice
		for invoice in reading.invoices
		if reading.is_purchase(invoice) and reading.has_life(text(invoice.get("customer")))
	]
	result = grouped(purchases, lambda row: (reading.company_of(row, ""), text(row.get("customer"))))
	for invoices in result.values():
		# An invoice without a time comes before those of its day that have one.
		invoices.sort(
			key=lambda row: (
				row["posting_date"],
				row.get("posting_time") is not None,
				to_seconds(row.get("posting_time")),
				row["name"],
			)
		)
	return result


def customer_rows(
	reading: Reading, doctype: str, record: Row, day: Date, amount: float, since: Date | None = None
) -> list[Row]:
	"""Credit to the sales team of one invoice (or order) of the customer: "in the customer's facts … just the
	share"."""
	customer = text(record.get("customer"))
	rows = []
	# Credited as the document itself on its own day, so that the credits of a spell and its lapse cancel.
	own_day = record["transaction_date" if doctype == "Sales Order" else "posting_date"]
	for sales_person, share in reading.credit(doctype, record, own_day):
		rows.append(
			fact_row(
				document=customer,
				day=day,
				since=since,
				company=reading.company_of(record, ""),
				sales_person=sales_person,
				territory=text(record.get("territory")),
				source=reading.source_of_customer(customer),
				quantity=share,
				amount=share * amount,
				customer=customer,
			)
		)
	return rows


def fact_customer(reading: Reading) -> list[Row]:
	""" "a customer's earliest purchase (by posting_date, posting_time, name) | posting_date | | that
	invoice's sales team | share | share × base_net_total" """
	rows = []
	for invoices in purchases_by_customer(reading).values():
		first = invoices[0]
		rows += customer_rows(
			reading, "Sales Invoice", first, first["posting_date"], number(first.get("base_net_total"))
		)
	return rows


def fact_first_sale(reading: Reading) -> list[Row]:
	""" "the same, of customers that are new: a customer with any submitted is_opening = 'Yes' invoice
	(returns too) in that company was known before the records begin, and is not" """
	known = {
		(reading.company_of(invoice, ""), text(invoice.get("customer")))
		for invoice in reading.submitted_invoices
		if invoice.get("is_opening") == "Yes" and not is_set(invoice, "is_internal_customer")
	}
	return [row for row in fact_customer(reading) if (row["company"], row["customer"]) not in known]


def spells(reading: Reading) -> list[tuple[Row, Row]]:
	""" "a buying spell that begins: purchases of one customer, each no more than N days after the one
	before". (first invoice, last invoice) of every spell."""
	gap = reading.settings.churn_after_days
	result = []
	for invoices in purchases_by_customer(reading).values():
		first = last = invoices[0]
		for invoice in invoices[1:]:
			if (invoice["posting_date"] - last["posting_date"]).days > gap:
				result.append((first, last))
				first = invoice
			last = invoice
		result.append((first, last))
	return result


def fact_customer_spell(reading: Reading) -> list[Row]:
	""" "day of the spell's first purchase | | sales team of the spell's first invoice (same order) | share |
	0" """
	rows = []
	for first, _ in spells(reading):
		rows += customer_rows(reading, "Sales Invoice", first, first["posting_date"], 0.0)
	return rows


def fact_customer_lapse(reading: Reading) -> list[Row]:
	""" "a spell that ended: no purchase in the N days after its last one | last purchase + N + 1 days | day
	of the spell's first purchase | as the spell's beginning, so that credits cancel | share | 0" """
	rows = []
	for first, last in spells(reading):
		day = last["posting_date"] + datetime.timedelta(days=reading.settings.churn_after_days + 1)
		rows += customer_rows(reading, "Sales Invoice", first, day, 0.0, since=first["posting_date"])
	return rows


def first_contact(reading: Reading, customer: str, company: str, day: Date) -> Date | None:
	""" "first contact: the earliest among those not later than that day, of date(creation) of the Lead in
	lead_name, transaction_date of the Opportunity in opportunity_name, and transaction_date of the
	Opportunities with opportunity_from = 'Customer' and this party; Leads and Opportunities of another
	company left out (after rule 9; '' is not another company)" """
	record = reading.customer_by_name.get(customer, {})
	contacts: list[tuple[Date, str]] = []
	lead = reading.lead_by_name.get(text(record.get("lead_name")))
	if lead:
		created = to_date(lead["creation"])
		contacts.append((created, reading.company_of(lead, reading.owner_on("Lead", lead, created))))
	opportunities = list(reading.opportunities_of_customer.get(customer, []))
	origin = reading.opportunity_by_name.get(text(record.get("opportunity_name")))
	if origin:
		opportunities.append(origin)
	for opportunity in opportunities:
		opened = opportunity["transaction_date"]
		user = reading.owner_on("Opportunity", opportunity, opened)
		contacts.append((opened, reading.company_of(opportunity, user)))
	days = [contact for contact, its_company in contacts if contact <= day and its_company in (company, "")]
	return min(days) if days else None


def fact_first_order(reading: Reading) -> list[Row]:
	""" "the first contract of a customer: earliest of submitted Sales Orders (transaction_date) and purchases
	(posting_date) | that day | first contact … Without any, no row | sales team of that document (of several
	on one day: Sales Order before Sales Invoice, then by name) | share | 0" """
	contracts: dict[tuple[str, str], list[tuple[Date, int, str, str, Row]]] = {}
	for order in reading.orders:
		if reading.has_life(text(order.get("customer"))):
			key = (reading.company_of(order, ""), text(order.get("customer")))
			contracts.setdefault(key, []).append(
				(order["transaction_date"], 0, order["name"], "Sales Order", order)
			)
	for key, invoices in purchases_by_customer(reading).items():
		for invoice in invoices:
			contracts.setdefault(key, []).append(
				(invoice["posting_date"], 1, invoice["name"], "Sales Invoice", invoice)
			)
	rows = []
	for (company, customer), found in contracts.items():
		day, _, _, doctype, record = min(found, key=lambda contract: contract[:3])
		since = first_contact(reading, customer, company, day)
		if since is not None:
			rows += customer_rows(reading, doctype, record, day, 0.0, since=since)
	return rows


# ----------------------------------------------------------------------------------------------------
# Facts: cost, activities, ratings
# ----------------------------------------------------------------------------------------------------


def acquisition_accounts(reading: Reading) -> set[str]:
	""" "on the accounts named in the settings (a group account means all below it in its company)" """
	accounts = reading.data["Account"]
	names = set(reading.settings.acquisition_accounts)
	for group in accounts:
		if text(group.get("name")) in reading.settings.acquisition_accounts:
			for account in accounts:
				is_below = number(group.get("lft")) < number(account.get("lft")) < number(group.get("rgt"))
				if is_below and account.get("company") == group.get("company"):
					names.add(text(account.get("name")))
	return names


def fact_acquisition_cost(reading: Reading) -> list[Row]:
	""" "GL Entry (is_cancelled = 0, not is_opening = 'Yes', not of a Period Closing Voucher …; finance book
	empty or the company's default) on the accounts named in the settings | posting_date | | the Sales Person
	that the settings map its cost center to, else ''; its source likewise | 1 | debit − credit" """
	names = acquisition_accounts(reading)
	settings = reading.settings
	rows = []
	for entry in reading.data["GL Entry"]:
		if not reading.is_read(entry.get("posting_date")) or text(entry.get("account")) not in names:
			continue
		if number(entry.get("is_cancelled")) != 0 or entry.get("is_opening") == "Yes":
			continue
		if entry.get("voucher_type") == "Period Closing Voucher":
			continue
		company = text(entry.get("company"))
		default_book = text(reading.company_by_name.get(company, {}).get("default_finance_book"))
		if text(entry.get("finance_book")) not in ("", default_book):
			continue
		cost_center = text(entry.get("cost_center"))
		rows.append(
			fact_row(
				document=text(entry.get("name")),
				day=entry["posting_date"],
				company=company,
				sales_person=text(settings.cost_center_sales_person.get(cost_center)),
				territory="",
				source=text(settings.cost_center_source.get(cost_center)),
				quantity=1.0,
				amount=number(entry.get("debit")) - number(entry.get("credit")),
			)
		)
	return rows


def activity_row(reading: Reading, record: Row, moment: Any, user: str, seconds: float) -> Row:
	"""An activity: credited by rule 6, its company by rule 9. CHOICE: without territory and source, it has
	none."""
	day = to_date(moment)
	return fact_row(
		document=text(record.get("name")),
		day=day,
		company=reading.company_of(record, user),
		sales_person=reading.sales_person_of(user, day),
		territory="",
		source="",
		quantity=1.0,
		amount=seconds,
	)


def event_seconds(event: Row) -> float:
	""" "ends_on − starts_on, 0 if open-ended or negative" """
	starts, ends = to_datetime(event.get("starts_on")), to_datetime(event.get("ends_on"))
	if starts is None or ends is None:
		return 0.0
	return max((ends - starts).total_seconds(), 0.0)


def event_rows(reading: Reading, category: str) -> list[Row]:
	""" "Event with category …, not cancelled | date(starts_on) | | owner | 1 | seconds" """
	rows = []
	for event in reading.data["Event"]:
		if event.get("event_category") != category or event.get("status") == "Cancelled":
			continue
		if reading.is_read(event.get("starts_on")):
			rows.append(
				activity_row(
					reading, event, event["starts_on"], text(event.get("owner")), event_seconds(event)
				)
			)
	return rows


def sender_of(reading: Reading, communication: Row) -> str:
	""" "the User whose e-mail is sender (case and "Name <…>" ignored), else user" """
	address = text(communication.get("sender"))
	if "<" in address:
		address = address.rsplit("<", 1)[1].split(">", 1)[0]
	return reading.user_by_email.get(address.strip().lower(), "") or text(communication.get("user"))


def fact_call(reading: Reading) -> list[Row]:
	""" "Call Log with status Completed; Event with category Call, not cancelled; Communication with medium
	Phone that isn't about an Event | date(start_time), date(starts_on), date(communication_date) | |
	employee_user_id, else owner; owner; the User whose e-mail is sender, else user | 1 | seconds: duration;
	ends_on − starts_on …; 0" """
	rows = []
	for call in reading.data["Call Log"]:
		if call.get("status") == "Completed" and reading.is_read(call.get("start_time")):
			user = text(call.get("employee_user_id")) or text(call.get("owner"))
			rows.append(activity_row(reading, call, call["start_time"], user, number(call.get("duration"))))
	rows += event_rows(reading, "Call")
	for message in reading.data["Communication"]:
		if message.get("communication_medium") != "Phone" or message.get("reference_doctype") == "Event":
			continue
		if reading.is_read(message.get("communication_date")):
			user = sender_of(reading, message)
			rows.append(activity_row(reading, message, message["communication_date"], user, 0.0))
	return rows


def fact_meeting(reading: Reading) -> list[Row]:
	""" "Event with category Meeting, not cancelled | date(starts_on) | | owner | 1 | seconds, 0 if open-ended
	or negative" """
	return event_rows(reading, "Meeting")


def fact_email(reading: Reading) -> list[Row]:
	""" "Communication of type Communication, Sent, medium Email, reference_doctype Lead, Opportunity,
	Prospect, Quotation or Customer (not Email Campaign, not Automated Message) | date(communication_date) | |
	the User whose e-mail is sender, else user | 1 | 0" """
	about = ("Lead", "Opportunity", "Prospect", "Quotation", "Customer")
	rows = []
	for message in reading.data["Communication"]:
		if (
			message.get("communication_type") == "Communication"
			and message.get("sent_or_received") == "Sent"
			and message.get("communication_medium") == "Email"
			and message.get("reference_doctype") in about
			and reading.is_read(message.get("communication_date"))
		):
			user = sender_of(reading, message)
			rows.append(activity_row(reading, message, message["communication_date"], user, 0.0))
	return rows


def rating_rows(reading: Reading, record: Row, customer: str, day: Date, rating: float) -> list[Row]:
	""" "the customer's account manager, else (no account manager set) the customer's sales_team, else '' |
	share | 0…1, not multiplied by the share" """
	known = reading.customer_by_name.get(customer, {})
	manager = text(known.get("account_manager"))
	credit = [(reading.sales_person_of(manager, day), 1.0)] if manager else reading.team("Customer", customer)
	rows = []
	for sales_person, share in credit:
		rows.append(
			fact_row(
				document=text(record.get("name")),
				day=day,
				company=reading.company_of(record, manager),
				sales_person=sales_person,
				territory=text(known.get("territory")),
				source=reading.source_of_customer(customer),
				quantity=share,
				amount=rating,
				customer=customer,
			)
		)
	return rows


def fact_rating(reading: Reading) -> list[Row]:
	""" "Quality Feedback with document_type = 'Customer': mean of its parameters' ratings (empty ones left
	out) divided by 5; one in which every rating is 1 is left out (ERPNext fills 1 in by itself) and counted
	as data quality. And the app's own survey answers | date(creation); the answer's day" """
	parameters = grouped(reading.data["Quality Feedback Parameter"], lambda row: text(row.get("parent")))
	rows = []
	for feedback in reading.data["Quality Feedback"]:
		if feedback.get("document_type") != "Customer" or not reading.is_read(feedback.get("creation")):
			continue
		given = [row.get("rating") for row in parameters.get(text(feedback.get("name")), [])]
		ratings = [float(rating) for rating in given if text(rating).strip() != ""]
		if not ratings or all(rating == 1 for rating in ratings):
			continue
		mean = math.fsum(ratings) / len(ratings) / 5
		customer = text(feedback.get("document_name"))
		rows += rating_rows(reading, feedback, customer, to_date(feedback["creation"]), mean)
	for answer in reading.data["KPI Survey Answer"]:
		if answer.get("rating") in (None, "") or not reading.is_read(answer.get("answered_on")):
			continue
		customer = text(answer.get("customer"))
		rows += rating_rows(
			reading, answer, customer, to_date(answer["answered_on"]), number(answer["rating"])
		)
	return rows


FACTS: dict[str, Callable[[Reading], list[Row]]] = {
	"sale": fact_sale,
	"credit_note": fact_credit_note,
	"costed_sale": fact_costed_sale,
	"cost_of_goods": fact_cost_of_goods,
	"order": fact_order,
	"quotation": fact_quotation,
	"quotation_order": fact_quotation_order,
	"lead": fact_lead,
	"lead_conversion": fact_lead_conversion,
	"lead_loss": fact_lead_loss,
	"opportunity": fact_opportunity,
	"opportunity_win": fact_opportunity_win,
	"opportunity_loss": fact_opportunity_loss,
	"opportunity_drop": fact_opportunity_drop,
	"customer": fact_customer,
	"first_sale": fact_first_sale,
	"customer_spell": fact_customer_spell,
	"customer_lapse": fact_customer_lapse,
	"first_order": fact_first_order,
	"acquisition_cost": fact_acquisition_cost,
	"call": fact_call,
	"meeting": fact_meeting,
	"email": fact_email,
	"first_response": fact_first_response,
	"rating": fact_rating,
}


def facts(data: Data, settings: Settings, as_of: Date, name: str) -> list[Row]:
	"""The rows of one fact, as read on `as_of`."""
	return Reading(data, settings, as_of).fact(name)


# ----------------------------------------------------------------------------------------------------
# Periods
# ----------------------------------------------------------------------------------------------------


def calendar_period(day: Date, every: str) -> tuple[Date, Date]:
	"""The Gregorian day, week (from Monday), month, quarter or year that a day lies in."""
	if every == "day":
		return day, day
	if every == "week":
		first = day - datetime.timedelta(days=day.weekday())
		return first, first + datetime.timedelta(days=6)
	if every == "month":
		first = day.replace(day=1)
		return first, add_months(first, 1) - datetime.timedelta(days=1)
	if every == "quarter":
		first = Date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
		return first, add_months(first, 3) - datetime.timedelta(days=1)
	if every == "year":
		return Date(day.year, 1, 1), Date(day.year, 12, 31)
	raise ValueError(f"every: {every}")


def periods(date_from: Date, date_to: Date, every: str) -> list[tuple[Date, Date, bool]]:
	""" "A period that the asked range cuts off is clipped to the range." (first day, last day, whether it is
	whole)"""
	if every == "range":
		return [(date_from, date_to, True)] if date_from <= date_to else []
	result = []
	day = date_from
	while day <= date_to:
		first, last = calendar_period(day, every)
		result.append((max(first, date_from), min(last, date_to), first >= date_from and last <= date_to))
		day = last + datetime.timedelta(days=1)
	return result


# ----------------------------------------------------------------------------------------------------
# Scopes
# ----------------------------------------------------------------------------------------------------


@dataclass
class Scope:
	name: str
	rows: dict[str, list[Row]]  # fact -> rows of this scope
	user_is_mapped: bool = True  # False: no user maps to this salesperson
	cost_is_mapped: bool = True  # False: no cost is mapped to this scope


def below(nodes: list[Row], top: Row) -> set[str]:
	"""A node of a tree and all below it, by lft and rgt."""
	first, last = number(top.get("lft")), number(top.get("rgt"))
	names = {
		text(row.get("name"))
		for row in nodes
		if first <= number(row.get("lft")) and number(row.get("rgt")) <= last
	}
	return names | {text(top.get("name"))} if last > first > 0 else {text(top.get("name"))}


def scopes(reading: Reading, company: str, by: str) -> list[Scope]:
	""" "Rows are given for every enabled Sales Person that is no group, and whoever is credited in that
	company in any fact up to as_of, '' included". design.md: "A group node of the tree is a team: its value
	is computed from the sums below it and its own direct credit." """
	data, settings = reading.data, reading.settings
	rows_by_fact = {name: [row for row in reading.fact(name) if row["company"] == company] for name in FACTS}

	def select(column: str, names: set[str]) -> dict[str, list[Row]]:
		return {fact: [row for row in rows if row[column] in names] for fact, rows in rows_by_fact.items()}

	def seen(column: str) -> set[str]:
		return {row[column] for rows in rows_by_fact.values() for row in rows}

	if by == "company":
		return [Scope(company, rows_by_fact)]

	if by in ("sales-person", "team"):
		mapped = reading.mapped_sales_persons()
		cost_mapped = {text(person) for person in settings.cost_center_sales_person.values()} - {""}
		if by == "team":
			teams = {
				text(row.get("name")): below(data["Sales Person"], row)
				for row in data["Sales Person"]
				if is_set(row, "is_group")
			}
			return [
				Scope(name, select("sales_person", members), bool(members & mapped), bool(cost_mapped))
				for name, members in sorted(teams.items())
			]
		names = {
			text(row.get("name"))
			for row in data["Sales Person"]
			if is_set(row, "enabled") and not is_set(row, "is_group")
		}
		names |= seen("sales_person") | {""}
		return [
			Scope(
				name,
				select("sales_person", {name}),
				name == "" or name in mapped,
				bool(cost_mapped),
			)
			for name in sorted(names)
		]

	if by == "territory":
		nodes = {text(row.get("name")): below(data["Territory"], row) for row in data["Territory"]}
		for name in seen("territory") | {""}:
			nodes.setdefault(name, {name})
		return [
			Scope(name, select("territory", members), cost_is_mapped=False)
			for name, members in sorted(nodes.items())
		]

	if by == "source":
		table = "UTM Source" if data["UTM Source"] else "Lead Source"
		names = {text(row.get("name")) for row in data[table]} | seen("source") | {""}
		cost_mapped = {text(source) for source in settings.cost_center_source.values()} - {""}
		return [
			Scope(
				name,
				select("source", {name}),
				cost_is_mapped=bool(cost_mapped),
			)
			for name in sorted(names)
		]

	raise ValueError(f"by: {by}")


# ----------------------------------------------------------------------------------------------------
# KPIs
# ----------------------------------------------------------------------------------------------------

EVERYWHERE = ("company", "sales-person", "team", "territory", "source")
UNITS = {
	"sales_volume": "currency",
	"deals": "count",
	"average_deal_value": "currency",
	"gross_margin": "percent",
	"bookings": "currency",
	"orders": "count",
	"average_order_value": "currency",
	"quote_to_order_rate": "percent",
	"lead_conversion_rate": "percent",
	"win_rate": "percent",
	"sales_cycle": "days",
	"opportunity_cycle": "days",
	"customer_lifetime_value": "currency",
	"new_customers": "count",
	"customer_acquisition_cost": "currency",
	"clv_to_cac": "ratio",
	"churn_rate": "percent",
	"repeat_rate": "percent",
	"customer_satisfaction": "percent",
	"calls": "count",
	"meetings": "count",
	"emails": "count",
	"average_call_duration": "seconds",
	"first_response_time": "seconds",
	"pipeline_value": "currency",
	"pipeline_velocity": "currency per day",
}
SCOPES = {
	"customer_lifetime_value": ("company", "source"),
	"clv_to_cac": ("company", "source"),
}
COHORTS = ("lead_conversion_rate", "quote_to_order_rate")  # `complete` adds H
COSTS = ("customer_acquisition_cost", "clv_to_cac")
BY_USER = (  # "KPIs over facts credited by rule 6"; those that can be null
	"quote_to_order_rate",
	"lead_conversion_rate",
	"win_rate",
	"opportunity_cycle",
	"average_call_duration",
	"first_response_time",
	"pipeline_velocity",
)


@dataclass
class Figure:
	value: float | None
	numerator: float | None
	denominator: float | None
	n: float
	estimated: float = 0.0


def within(rows: list[Row], first: Date | None, last: Date) -> list[Row]:
	"""Rows of the days from first (None: the beginning of time) to last."""
	return [row for row in rows if (first is None or first <= row["day"]) and row["day"] <= last]


def quantity(rows: list[Row]) -> float:
	""" "Q(f) is the sum of a fact's quantity" """
	return total(row["quantity"] for row in rows)


def amount(rows: list[Row]) -> float:
	""" "A(f) of its amount" """
	return total(row["amount"] for row in rows)


def ratio(numerator: float | None, denominator: float | None) -> float | None:
	""" "A ratio whose denominator is 0 has no value (null)" """
	if numerator is None or denominator is None or abs(denominator) < TINY:
		return None
	return numerator / denominator


def share_estimated(rows: list[Row]) -> float:
	""" "the share of the wins, losses and drops in the formula that rest on estimated days; else 0" """
	return ratio(quantity([row for row in rows if row["estimated"]]), quantity(rows)) or 0.0


def weighted_median(pairs: list[tuple[float, float]]) -> tuple[float | None, float]:
	"""(median, total weight) of (value, weight):
	"distinct values with weight above 0, ascending; half of the sum of these weights; the first value at
	which the cumulated weight reaches it; when it reaches it exactly (within 1e-6 of the sum), the mean of
	that value and the next." """
	weights: dict[float, list[float]] = {}
	for value, weight in pairs:
		weights.setdefault(value, []).append(weight)
	distinct = [(value, total(parts)) for value, parts in sorted(weights.items())]
	distinct = [(value, weight) for value, weight in distinct if weight > 0]
	whole = total(weight for _, weight in distinct)
	reached = 0.0
	for position, (value, weight) in enumerate(distinct):
		reached += weight
		if abs(reached - whole / 2) <= 1e-6 * whole:
			following = distinct[position + 1][0] if position + 1 < len(distinct) else value
			return (value + following) / 2, whole
		if reached > whole / 2:
			return value, whole
	return None, whole


def median_days(rows: list[Row]) -> tuple[float | None, float]:
	""" "median of day − since over …, weighted by quantity" """
	return weighted_median([((row["day"] - row["since"]).days, row["quantity"]) for row in rows])


def of_cohort(rows: list[Row], first: Date, last: Date, window: int) -> list[Row]:
	""" "with since in the period and day − since ≤ H" """
	return [
		row for row in rows if first <= row["since"] <= last and (row["day"] - row["since"]).days <= window
	]


def figures(scope: Scope, first: Date, last: Date, settings: Settings) -> dict[str, Figure]:
	"""The formulas of the KPI table for one scope and one (clipped) period.
	"numerator and denominator are those of the formula (null for sums; for medians: null and the total
	weight). n is … the quantity in the denominator for a ratio by a quantity; for gross_margin
	Q(costed_sale); for clv_to_cac that of CAC; for a median the total weight; for a sum the quantity of the
	first named fact." """
	window = settings.conversion_window_days
	eve = first - datetime.timedelta(days=1)
	result: dict[str, Figure] = {}

	def during(fact: str) -> list[Row]:
		return within(scope.rows[fact], first, last)

	def until(fact: str, day: Date = last) -> list[Row]:
		return within(scope.rows[fact], None, day)

	def with_life(rows: list[Row]) -> list[Row]:
		return [row for row in rows if row["customer"] not in settings.not_one_customer]

	# sales_volume = A(sale) + A(credit_note); deals = Q(sale); average_deal_value = sales_volume / deals
	volume = total([amount(during("sale")), amount(during("credit_note"))])
	deals = quantity(during("sale"))
	result["sales_volume"] = Figure(volume, None, None, deals)
	result["deals"] = Figure(deals, None, None, deals)
	result["average_deal_value"] = Figure(ratio(volume, deals), volume, deals, deals)

	# gross_margin = (A(costed_sale) − A(cost_of_goods)) / A(costed_sale); null when A(costed_sale) ≤ 0 or
	# less than half of sales_volume
	costed = amount(during("costed_sale"))
	margin = total([costed, -amount(during("cost_of_goods"))])
	is_covered = costed > 0 and not costed < volume / 2 - TINY
	result["gross_margin"] = Figure(
		ratio(margin, costed) if is_covered else None, margin, costed, quantity(during("costed_sale"))
	)

	# bookings = A(order); orders = Q(order); average_order_value = bookings / orders
	bookings, orders = amount(during("order")), quantity(during("order"))
	result["bookings"] = Figure(bookings, None, None, orders)
	result["orders"] = Figure(orders, None, None, orders)
	result["average_order_value"] = Figure(ratio(bookings, orders), bookings, orders, orders)

	# quote_to_order_rate = Q(quotation_order with since in the period and day − since ≤ H) / Q(quotation)
	ordered = quantity(of_cohort(scope.rows["quotation_order"], first, last, window))
	quoted = quantity(during("quotation"))
	result["quote_to_order_rate"] = Figure(ratio(ordered, quoted), ordered, quoted, quoted)

	# lead_conversion_rate = Q(lead_conversion with since in the period and day − since ≤ H) / Q(lead)
	converted = quantity(of_cohort(scope.rows["lead_conversion"], first, last, window))
	leads = quantity(during("lead"))
	result["lead_conversion_rate"] = Figure(ratio(converted, leads), converted, leads, leads)

	# win_rate = Q(opportunity_win) / (Q(opportunity_win) + Q(opportunity_loss))
	wins, losses = during("opportunity_win"), during("opportunity_loss")
	won, decided = quantity(wins), quantity(wins + losses)
	result["win_rate"] = Figure(ratio(won, decided), won, decided, decided, share_estimated(wins + losses))

	# sales_cycle: median of day − since over first_order; opportunity_cycle: over opportunity_win
	median, weight = median_days(during("first_order"))
	result["sales_cycle"] = Figure(median, None, weight, weight)
	median, weight = median_days(wins)
	result["opportunity_cycle"] = Figure(median, None, weight, weight, share_estimated(wins))

	# customer_lifetime_value = (A→(sale) + A→(credit_note)) / Q→(customer); rule 8: both terms without those
	# that are not one customer
	earned = total([amount(with_life(until("sale"))), amount(with_life(until("credit_note")))])
	customers = quantity(until("customer"))
	lifetime_value = ratio(earned, customers)
	result["customer_lifetime_value"] = Figure(lifetime_value, earned, customers, customers)

	# new_customers = Q(first_sale); customer_acquisition_cost = A(acquisition_cost) / Q(first_sale)
	new = quantity(during("first_sale"))
	# "A lag in months is a setting, 0 by default": the cost of n months earlier stands against the new
	# customers of a period.
	cost = amount(
		[
			row
			for row in scope.rows["acquisition_cost"]
			if first <= add_months(row["day"], settings.acquisition_lag_months) <= last
		]
	)
	result["new_customers"] = Figure(new, None, None, new)
	is_allowed = bool(settings.acquisition_accounts) and scope.cost_is_mapped
	acquisition_cost = ratio(cost, new) if is_allowed else None
	result["customer_acquisition_cost"] = Figure(acquisition_cost, cost, new, new)

	# clv_to_cac = customer_lifetime_value / customer_acquisition_cost
	result["clv_to_cac"] = Figure(
		ratio(lifetime_value, acquisition_cost), lifetime_value, acquisition_cost, new
	)

	# churn_rate = Q(customer_lapse) / (Q⊣(customer_spell) − Q⊣(customer_lapse) + Q(customer_spell))
	lapsed = quantity(during("customer_lapse"))
	had = total(
		[
			quantity(until("customer_spell", eve)),
			-quantity(until("customer_lapse", eve)),
			quantity(during("customer_spell")),
		]
	)
	result["churn_rate"] = Figure(ratio(lapsed, had), lapsed, had, had)

	# repeat_rate = (Q(sale) − Q(first_sale)) / Q(sale); rule 8: both terms without those that are not one
	# customer
	sold = quantity(with_life(during("sale")))
	repeated = total([sold, -new])
	result["repeat_rate"] = Figure(ratio(repeated, sold), repeated, sold, sold)

	# customer_satisfaction = Q(rating with amount ≥ 0.8) / Q(rating)
	satisfied = quantity([row for row in during("rating") if row["amount"] >= 0.8 - TINY])
	rated = quantity(during("rating"))
	result["customer_satisfaction"] = Figure(ratio(satisfied, rated), satisfied, rated, rated)

	# calls, meetings, emails = Q(call), Q(meeting), Q(email)
	for kpi, fact in (("calls", "call"), ("meetings", "meeting"), ("emails", "email")):
		count = quantity(during(fact))
		result[kpi] = Figure(count, None, None, count)

	# average_call_duration = A(call) / Q(call with amount > 0)
	seconds = amount(during("call"))
	timed = quantity([row for row in during("call") if row["amount"] > 0])
	result["average_call_duration"] = Figure(ratio(seconds, timed), seconds, timed, timed)

	# first_response_time: median of A(first_response), weighted by quantity
	median, weight = weighted_median([(row["amount"], row["quantity"]) for row in during("first_response")])
	result["first_response_time"] = Figure(median, None, weight, weight)

	# pipeline_value = A→(opportunity) − A→(opportunity_win) − A→(opportunity_loss) − A→(opportunity_drop)
	opened = until("opportunity")
	ended = until("opportunity_win") + until("opportunity_loss") + until("opportunity_drop")
	result["pipeline_value"] = Figure(
		total([amount(opened), -amount(ended)]), None, None, quantity(opened), share_estimated(ended)
	)

	# pipeline_velocity = open opportunities at the period's end × win_rate × mean value of the won / median
	# days from opportunity to win, the last three over the year to the period's end (it begins on the day
	# after the same date one year earlier). numerator: the product; denominator and n: of the median; null
	# when the median is 0
	year_begins = add_months(last, -12) + datetime.timedelta(days=1)
	year_wins = within(scope.rows["opportunity_win"], year_begins, last)
	year_losses = within(scope.rows["opportunity_loss"], year_begins, last)
	open_count = total([quantity(opened), -quantity(ended)])
	win_rate = ratio(quantity(year_wins), quantity(year_wins + year_losses))
	mean_value = ratio(amount(year_wins), quantity(year_wins))
	median, weight = median_days(year_wins)
	product = None
	if win_rate is not None and mean_value is not None:
		product = open_count * win_rate * mean_value
	result["pipeline_velocity"] = Figure(ratio(product, median), product, weight, weight)

	return result


def reason_of(
	kpi: str,
	figure: Figure,
	scope: Scope,
	first: Date,
	last: Date,
	complete: bool,
	as_of: Date,
	settings: Settings,
) -> str | None:
	""" "reason, when the value is null, first that applies: not-permitted; needs-setting (no account
	configured…); no-mapping (cost KPIs: no cost is mapped to this scope; KPIs over facts credited by rule 6:
	no user maps to this salesperson); too-early (the last day, + H where complete adds it, is later than
	as_of); low-coverage (gross margin, when there is a sale or credit note); no-records. When the value is
	not null but not complete: too-early, else null." """
	if figure.value is not None:
		return None if complete else "too-early"
	if kpi in COSTS and not settings.acquisition_accounts:
		return "needs-setting"
	if kpi in COSTS and not scope.cost_is_mapped:
		return "no-mapping"
	if kpi in BY_USER and not scope.user_is_mapped:
		return "no-mapping"
	if known_on(kpi, last, settings) > as_of:
		return "too-early"
	if kpi == "gross_margin" and within(scope.rows["sale"] + scope.rows["credit_note"], first, last):
		return "low-coverage"
	return "no-records"


def known_on(kpi: str, last: Date, settings: Settings) -> Date:
	""" "its last day …; for lead_conversion_rate and quote_to_order_rate, last day + H" """
	return last + datetime.timedelta(days=settings.conversion_window_days if kpi in COHORTS else 0)


def compute(
	data: Data,
	settings: Settings,
	as_of: Date,
	company: str,
	date_from: Date,
	date_to: Date,
	every: str,
	by: str,
) -> dict[tuple[str, Date, Date, str], dict[str, Any]]:
	""" "complete is true when the whole calendar period lies inside the range and its last day ≤ as_of; for
	lead_conversion_rate and quote_to_order_rate, last day + H ≤ as_of." "currency the company's for money,
	else null."
	The scope of `by` company is the company's name."""
	reading = Reading(data, settings, as_of)
	currency = reading.company_by_name.get(company, {}).get("default_currency") or None
	result = {}
	for scope in scopes(reading, company, by):
		for first, last, is_whole in periods(date_from, date_to, every):
			for kpi, figure in figures(scope, first, last, settings).items():
				if by not in SCOPES.get(kpi, EVERYWHERE):
					continue
				complete = is_whole and known_on(kpi, last, settings) <= as_of
				result[kpi, first, last, scope.name] = {
					"value": figure.value,
					"numerator": figure.numerator,
					"denominator": figure.denominator,
					"n": figure.n,
					"complete": complete,
					"reason": reason_of(kpi, figure, scope, first, last, complete, as_of, settings),
					"estimated": figure.estimated,
					"unit": UNITS[kpi],
					"currency": currency if UNITS[kpi].startswith("currency") else None,
				}
	return result


# ----------------------------------------------------------------------------------------------------
# Self-test and command line
# ----------------------------------------------------------------------------------------------------


def worked_example_data() -> Data:
	""" "Company A only … Users u1 (Employee E1, Sales Person Ann), Bob without employee. Customers C1
	(lead_name L1), C2." """
	invoices = [
		("SI-1", "C1", "2025-02-03", 1000, {"Ann": 60, "Bob": 40}, 0),
		("SI-2", "C1", "2025-02-20", 500, {"Bob": 100}, 0),
		("SI-3", "C1", "2025-03-02", -200, {"Ann": 60, "Bob": 40}, 1),
		("SI-4", "C2", "2025-02-10", 300, {}, 0),
		("SI-5", "C2", "2025-04-20", 700, {"Ann": 100}, 0),
	]
	teams = [
		("Sales Invoice", name, person, part)
		for name, *_, team, _ in invoices
		for person, part in team.items()
	]
	teams += [("Sales Order", "SO1", "Ann", 60), ("Sales Order", "SO1", "Bob", 40)]
	return Data.from_tables(
		{
			"Company": [{"name": "A", "default_currency": "EUR"}],
			"User": [{"name": "u1", "email": "u1"}],
			"Employee": [{"name": "E1", "user_id": "u1", "company": "A", "status": "Active"}],
			"Sales Person": [
				{"name": "Everybody", "is_group": 1, "enabled": 1, "lft": 1, "rgt": 6, "employee": None},
				{"name": "Ann", "is_group": 0, "enabled": 1, "lft": 2, "rgt": 3, "employee": "E1"},
				{"name": "Bob", "is_group": 0, "enabled": 1, "lft": 4, "rgt": 5, "employee": None},
			],
			"Customer": [{"name": "C1", "lead_name": "L1"}, {"name": "C2", "lead_name": None}],
			"Lead": [
				{"name": "L1", "creation": "2025-01-05 10:00:00", "lead_owner": "u1", "status": "Converted"},
				{"name": "L2", "creation": "2025-01-20 10:00:00", "lead_owner": "u1", "status": "Open"},
			],
			"Sales Order": [
				{
					"name": "SO1",
					"docstatus": 1,
					"customer": "C1",
					"company": "A",
					"transaction_date": "2025-01-30",
					"base_net_total": 1000,
				}
			],
			"Sales Invoice": [
				{
					"name": name,
					"docstatus": 1,
					"customer": customer,
					"company": "A",
					"posting_date": day,
					"base_net_total": net,
					"is_return": is_return,
				}
				for name, customer, day, net, _, is_return in invoices
			],
			"Sales Team": [
				{
					"parenttype": doctype,
					"parent": parent,
					"sales_person": person,
					"allocated_percentage": part,
				}
				for doctype, parent, person, part in teams
			],
		}
	)


def same(left: float | None, right: float | None) -> bool:
	if left is None or right is None:
		return left is right
	return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


def worked_example() -> None:
	"""Every cell of the table in "Worked example", read on 2025-06-30 with N = 30 days."""
	data = worked_example_data()
	settings = Settings(churn_after_days=30)
	as_of = Date(2025, 6, 30)
	months = [calendar_period(Date(2025, month, 1), "month") for month in range(1, 6)]
	asked = (data, settings, as_of, "A", Date(2025, 1, 1), Date(2025, 5, 31), "month")
	company, person = compute(*asked, "company"), compute(*asked, "sales-person")

	def cells(kpi: str, scope: str, column: str = "value") -> list[float | None]:
		table = company if scope == "A" else person
		return [table[kpi, first, last, scope][column] for first, last in months]

	def check(kpi: str, scope: str, expected: list[float | None], column: str = "value") -> None:
		got = cells(kpi, scope, column)
		assert all(same(*pair) for pair in zip(got, expected, strict=True)), (
			kpi,
			scope,
			column,
			got,
			expected,
		)

	def check_fraction(kpi: str, scope: str, expected: list[tuple[float, float] | None]) -> None:
		"""a/b in the table is numerator and denominator; null is a null value."""
		for index, (first, last) in enumerate(months):
			row = (company if scope == "A" else person)[kpi, first, last, scope]
			if expected[index] is None:
				assert row["value"] is None, (kpi, scope, first, row)
			else:
				numerator, denominator = expected[index]
				assert same(row["numerator"], numerator), (kpi, first, row)
				assert same(row["denominator"], denominator), (kpi, first, row)
				assert same(row["value"], numerator / denominator), (kpi, scope, first, row)

	nothing = [None] * 5
	check("sales_volume", "A", [0, 1800, -200, 700, 0])
	check("sales_volume", "Ann", [0, 600, -120, 700, 0])
	check("sales_volume", "Bob", [0, 900, -80, 0, 0])
	check("sales_volume", "", [0, 300, 0, 0, 0])
	check("deals", "A", [0, 3, 0, 1, 0])
	check("deals", "Ann", [0, 0.6, 0, 1, 0])
	check("deals", "Bob", [0, 1.4, 0, 0, 0])
	check("deals", "", [0, 1, 0, 0, 0])
	check("average_deal_value", "A", [None, 600, None, 700, None])
	for scope in ("A", "Ann"):
		check_fraction("lead_conversion_rate", scope, [(1, 2), None, None, None, None])
	check("new_customers", "A", [0, 2, 0, 0, 0])
	check("new_customers", "Ann", [0, 0.6, 0, 0, 0])
	check("new_customers", "Bob", [0, 0.4, 0, 0, 0])
	check("new_customers", "", [0, 1, 0, 0, 0])
	check("customer_lifetime_value", "A", [None, 900, 800, 1150, 1150])
	check("repeat_rate", "A", [None, 1 / 3, None, 1, None])
	for scope in ("A", "Ann", "Bob"):
		check("sales_cycle", scope, [25, None, None, None, None])
	check("sales_cycle", "", nothing)
	begun = facts(data, settings, as_of, "customer_spell")
	lapsed = facts(data, settings, as_of, "customer_lapse")
	for rows, expected in ((begun, [0, 2, 0, 1, 0]), (lapsed, [0, 0, 2, 0, 1])):
		got = [quantity(within(rows, first, last)) for first, last in months]
		assert all(same(*pair) for pair in zip(got, expected, strict=True)), (got, expected)
	lapse_days = {(row["document"], row["day"]) for row in lapsed}
	assert lapse_days == {
		("C2", Date(2025, 3, 13)),
		("C1", Date(2025, 3, 23)),
		("C2", Date(2025, 5, 21)),
	}, lapse_days
	check_fraction("churn_rate", "A", [None, (0, 2), (2, 2), (0, 1), (1, 1)])
	check_fraction("churn_rate", "Ann", [None, (0, 0.6), (0.6, 0.6), (0, 1), (1, 1)])


def main(arguments: list[str]) -> int:
	parser = argparse.ArgumentParser(description="Reference values of the KPIs, as JSON rows.")
	parser.add_argument("url", help='an SQLAlchemy URL, or "selftest"')
	parser.add_argument("--company")
	parser.add_argument("--from", dest="date_from")
	parser.add_argument("--to", dest="date_to")
	parser.add_argument(
		"--every", default="month", choices=["day", "week", "month", "quarter", "year", "range"]
	)
	parser.add_argument("--by", default="company", choices=EVERYWHERE)
	parser.add_argument("--as-of", dest="as_of")
	parser.add_argument("--settings", help="TOML file with the keys of Settings")
	options = parser.parse_args(arguments)

	if options.url == "selftest":
		worked_example()
		print("the worked example holds")
		return 0
	if not (options.company and options.date_from and options.date_to):
		parser.error("--company, --from and --to are needed")

	settings = Settings.from_toml(options.settings) if options.settings else Settings()
	as_of = to_date(options.as_of) if options.as_of else Date.today()
	values = compute(
		Data.from_sqlalchemy(options.url),
		settings,
		as_of,
		options.company,
		to_date(options.date_from),
		to_date(options.date_to),
		options.every,
		options.by,
	)
	rows = []
	for (kpi, first, last, scope), row in values.items():
		head = {"kpi": kpi, "period_start": first.isoformat(), "period_end": last.isoformat()}
		rows.append({**head, "company": options.company, "by": options.by, "scope": scope, **row})
	rows.sort(key=lambda row: (row["kpi"], row["period_start"], row["scope"]))
	print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")
	return 0


if __name__ == "__main__":
	sys.exit(main(sys.argv[1:]))
