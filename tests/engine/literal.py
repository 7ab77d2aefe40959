"""Short words for literal rows, and what facts and KPIs say of them.

Company A, unless a test says otherwise: users u1 and u2 are Ann and Bob of team North; Eve is nobody's user.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import servers
from tables import Rows

from sales_kpi import catalogue
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question, Value, compute
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.periods import Every
from sales_kpi.sources.database import DatabaseSource

AS_OF = date(2025, 6, 30)

Row = dict[str, Any]

COMPANIES: list[Row] = [
	{"name": "A", "default_currency": "EUR", "default_finance_book": "Main"},
	{"name": "B", "default_currency": "IRR"},
]

MASTERS: dict[str, list[Row]] = {
	"Company": COMPANIES,
	"Employee": [
		{"name": "E1", "user_id": "u1", "company": "A", "status": "Active"},
		{"name": "E2", "user_id": "u2", "company": "A", "status": "Active"},
	],
	"User": [{"name": "u1", "email": "ann@x.com"}, {"name": "u2", "email": "bob@x.com"}],
	"Sales Person": [
		{"name": "All", "is_group": 1, "enabled": 1, "lft": 1, "rgt": 10},
		{"name": "North", "is_group": 1, "enabled": 1, "lft": 2, "rgt": 7},
		{"name": "Ann", "is_group": 0, "enabled": 1, "employee": "E1", "lft": 3, "rgt": 4},
		{"name": "Bob", "is_group": 0, "enabled": 1, "employee": "E2", "lft": 5, "rgt": 6},
		{"name": "Eve", "is_group": 0, "enabled": 1, "lft": 8, "rgt": 9},
	],
}


def invoice(
	name: str, day: str | None, net: float | None = 100, customer: str | None = "C1", **more: Any
) -> Row:
	"""A submitted Sales Invoice of company A."""
	return {
		"name": name,
		"docstatus": 1,
		"posting_date": day,
		"posting_time": "10:00:00",
		"company": "A",
		"customer": customer,
		"base_net_total": net,
		"is_return": 0,
		"is_opening": "No",
		"owner": "u1",
	} | more


def order(name: str, day: str, net: float = 100, customer: str = "C1", **more: Any) -> Row:
	"""A submitted Sales Order of company A."""
	return {
		"name": name,
		"docstatus": 1,
		"transaction_date": day,
		"company": "A",
		"customer": customer,
		"base_net_total": net,
		"status": "To Bill",
		"owner": "u1",
	} | more


def quotation(name: str, day: str, net: float = 100, **more: Any) -> Row:
	"""A submitted Quotation of company A that u1 made."""
	return {
		"name": name,
		"docstatus": 1,
		"transaction_date": day,
		"company": "A",
		"base_net_total": net,
		"owner": "u1",
	} | more


def lead(name: str, created: str, owner: str | None = "u1", **more: Any) -> Row:
	"""A Lead of company A."""
	created = created if " " in created else f"{created} 12:00:00"
	return {
		"name": name,
		"creation": created,
		"modified": created,
		"lead_owner": owner,
		"status": "Open",
		"company": "A",
	} | more


def opportunity(name: str, day: str, owner: str | None = "u1", **more: Any) -> Row:
	"""An open Opportunity of company A worth 100."""
	return {
		"name": name,
		"transaction_date": day,
		"modified": f"{day} 12:00:00",
		"opportunity_owner": owner,
		"status": "Open",
		"company": "A",
		"base_opportunity_amount": 100,
	} | more


def team(parent: str, parenttype: str = "Sales Invoice", **shares: float | None) -> list[Row]:
	"""The rows of a Sales Team."""
	return [
		{"parent": parent, "parenttype": parenttype, "sales_person": person, "allocated_percentage": share}
		for person, share in shares.items()
	]


def change(
	doctype: str, name: str, field: str, old: str | None, new: str | None, at: str, user: str | None
) -> Row:
	"""A row of the transition log; rows are told apart by their moment."""
	return {
		"name": f"{name} {at}",
		"reference_doctype": doctype,
		"reference_name": name,
		"fieldname": field,
		"old_value": old,
		"new_value": new,
		"changed_at": at if " " in at else f"{at} 12:00:00",
		"user": user,
	}


ReadFact = Callable[..., list[tuple[Any, ...]]]
GetValues = Callable[..., list[Value]]


def fact_reader(folder: Path) -> ReadFact:
	"""A function that reads a fact of literal rows and gives some of its columns, in order of all of them."""

	def read(
		name: str,
		columns: str,
		rows: Rows,
		settings: Settings | None = None,
		as_of: date = AS_OF,
		company: str | None = "A",
		version: str = "15",
	) -> list[tuple[Any, ...]]:
		settings = settings or Settings()
		with (
			servers.tables_in("sqlite", folder, MASTERS | dict(rows), version) as url,
			DatabaseSource(url) as source,
		):
			masters = read_masters(source, settings)
			reading = masters.reading(settings, as_of, source, company or next(iter(masters.companies)))
			if company is None:
				reading = reading.narrowed(company=None)
			frame = source.run(catalogue.facts()[name].select(reading))
		taken = [[_plain(value) for value in frame[column]] for column in columns.split()]
		return sorted(zip(*taken, strict=True), key=str)

	return read


def value_getter(folder: Path) -> GetValues:
	"""A function that computes a KPI of literal rows, by default over January 2025 for company A."""

	def get(
		kpi: str,
		rows: Rows,
		settings: Settings | None = None,
		by: By = By.COMPANY,
		first: date = date(2025, 1, 1),
		last: date = date(2025, 1, 31),
		every: Every = Every.RANGE,
		as_of: date = AS_OF,
		company: str = "A",
	) -> list[Value]:
		with servers.tables_in("sqlite", folder, MASTERS | dict(rows)) as url, DatabaseSource(url) as source:
			asked = Question(company, first, last, every, by, (kpi,), as_of=as_of)
			return compute(source, asked, settings)

	return get


def _plain(value: Any) -> Any:
	"""Numbers rounded from the dust of floats, days as text, no value as None."""
	if value is None or value != value:
		return None
	if isinstance(value, int | float):
		return round(float(value), 9)
	return str(value)
