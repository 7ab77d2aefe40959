"""Every reason why a figure of ours differs from one of ERPNext's, on literal rows: the gap is explained to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tables import make

from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.reconciliation import (
	AGREES,
	EXPLAINED,
	NOT_EXPLAINED,
	WHY,
	Books,
	Comparison,
	Difference,
	Evidence,
	booked,
	credited,
	invoiced,
	ledgered,
	waiting_receipts,
)
from sales_kpi.analysis.values import Question
from sales_kpi.facts.reading.settings import CreditFallback, Settings
from sales_kpi.sources.database import DatabaseSource

QUESTION = Question("A", date(2025, 1, 1), date(2025, 3, 31), as_of=date(2025, 2, 28))

MORE = {
	"Account": {"root_type": "TEXT"},
	"GL Entry": {"voucher_no": "TEXT"},
	"POS Invoice": {"company": "TEXT", "base_net_total": "REAL"},
	"Sales Invoice": {"additional_discount_account": "TEXT", "discount_amount": "REAL"},
	"Sales Invoice Item": {
		"item_code": "TEXT",
		"income_account": "TEXT",
		"enable_deferred_revenue": "INTEGER",
		"is_fixed_asset": "INTEGER",
		"asset": "TEXT",
		"discount_account": "TEXT",
		"discount_amount": "REAL",
	},
}
"""Columns that reconciliation reads where a table has them, beyond those that facts need."""

EXTRA = {
	"Item": ("name",),
	"Journal Entry": ("name", "voucher_type"),
	"Sales Taxes and Charges": (
		"parent",
		"parenttype",
		"account_head",
		"base_tax_amount_after_discount_amount",
	),
}

Rows = dict[str, list[dict[str, Any]]]

MASTERS: Rows = {
	"Company": [{"name": "A", "default_currency": "EUR"}, {"name": "B", "default_currency": "EUR"}],
	"Sales Person": [
		{"name": "Sales Team", "is_group": 1, "enabled": 1, "lft": 1, "rgt": 6},
		{"name": "Ann", "parent_sales_person": "Sales Team", "is_group": 0, "enabled": 1, "lft": 2, "rgt": 3},
		{"name": "Bob", "parent_sales_person": "Sales Team", "is_group": 0, "enabled": 1, "lft": 4, "rgt": 5},
	],
	"Customer": [{"name": "C1", "creation": "2025-01-01 00:00:00"}],
	"Account": [
		{"name": "Sales", "company": "A", "root_type": "Income"},
		{"name": "Freight", "company": "A", "root_type": "Income"},
		{"name": "Deferred", "company": "A", "root_type": "Liability"},
	],
	"Item": [{"name": "I"}],
}


def invoice(name: str, net: float, day: str = "2025-02-01", **more: Any) -> dict[str, Any]:
	given = {
		"docstatus": 1, "company": "A", "customer": "C1", "is_return": 0, "is_debit_note": 0, "is_opening": "No",
		"is_internal_customer": 0, "is_consolidated": 0, "posting_time": "10:00:00",
	}  # fmt: skip
	return {"name": name, "base_net_total": net, "posting_date": day, **given, **more}


def line(parent: str, amount: float, **more: Any) -> dict[str, Any]:
	given = {"item_code": "I", "income_account": "Sales", "base_net_amount": amount}
	return {"name": f"{parent}-{amount}", "parent": parent, **given, **more}


def entry(
	voucher: str, credit: float, account: str = "Sales", day: str = "2025-02-01", **more: Any
) -> dict[str, Any]:
	given = {
		"voucher_type": "Sales Invoice",
		"company": "A",
		"is_cancelled": 0,
		"debit": 0,
		"is_opening": "No",
	}
	return {
		"name": f"{voucher}-{account}-{day}", "voucher_no": voucher, "credit": credit, "account": account,
		"posting_date": day, **given, **more,
	}  # fmt: skip


def team(parent: str, **shares: float) -> list[dict[str, Any]]:
	return [
		{"parent": parent, "parenttype": "Sales Invoice", "sales_person": name, "allocated_percentage": share}
		for name, share in shares.items()
	]


Open = Callable[..., Books]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Open]:
	"""Makes the books of a company from rows."""
	sources: list[DatabaseSource] = []

	def opened(rows: Rows, settings: Settings | None = None, question: Question = QUESTION) -> Books:
		url = f"sqlite:///{tmp_path}/{len(sources)}.db"
		given = MASTERS | rows
		plain = {
			doctype: [{key: row[key] for key in row if key not in MORE.get(doctype, {})} for row in listed]
			for doctype, listed in given.items()
			if doctype not in EXTRA and doctype not in MORE
		}
		make(url, plain)
		engine = sa.create_engine(url)
		with engine.connect() as connection:
			for doctype, columns in EXTRA.items():
				connection.exec_driver_sql(f'CREATE TABLE "tab{doctype}" ({", ".join(columns)})')
			for doctype, added in MORE.items():
				for column, kind in added.items():
					connection.exec_driver_sql(f'ALTER TABLE "tab{doctype}" ADD COLUMN {column} {kind}')
			for doctype in (*EXTRA, *MORE):
				for row in given.get(doctype, []):
					marks = ", ".join("?" for _value in row)
					connection.exec_driver_sql(
						f'INSERT INTO "tab{doctype}" ({", ".join(row)}) VALUES ({marks})', tuple(row.values())
					)
			connection.commit()
		engine.dispose()
		source = DatabaseSource(url)
		sources.append(source)
		chosen = settings or Settings()
		return Books(source, question, chosen, read_masters(source, chosen))

	yield opened
	for source in sources:
		source.close()


def named(comparison: Comparison) -> dict[str, float]:
	return {difference.name: round(difference.amount, 6) for difference in comparison.differences}


# Invoiced

ODD: Rows = {
	"Sales Invoice": [
		invoice("plain", 100),
		invoice("return", -30, is_return=1),
		invoice("opening", 1000, is_opening="Yes"),
		invoice("opening internal", 500, is_opening="Yes", is_internal_customer=1),
		invoice("internal", 40, is_internal_customer=1),
		invoice("later", 7, "2025-03-15"),
		invoice("draft", 3, docstatus=0),
		invoice("cancelled", 3, docstatus=2),
		invoice("of another", 3, company="B"),
		invoice("before", 3, "2024-12-31"),
	]
}


def test_a_report_that_counts_opening_invoices(books: Open) -> None:
	"""Version 15's Sales Analytics."""
	found = invoiced(books(ODD), 70, 70 + 1500 + 40 + 7)
	assert named(found) == {"opening": 1500, "internal": 40, "later": 7}
	assert (found.status, found.unexplained) == (EXPLAINED, 0)


def test_a_report_that_leaves_opening_invoices_out(books: Open) -> None:
	"""Version 16's, told by its result; it leaves an empty mark out, too."""
	rows = {"Sales Invoice": [*ODD["Sales Invoice"], invoice("unmarked", 9, is_opening=None)]}
	found = invoiced(books(rows), 79, 70 + 40 + 7)
	assert named(found) == {"unmarked": -9, "internal": 40, "later": 7}
	assert found.unexplained == 0


def test_nothing_differs(books: Open) -> None:
	"""The same figure, and no odd documents."""
	found = invoiced(books({"Sales Invoice": [invoice("plain", 100)]}), 100, 100.0000001)
	assert (found.status, found.differences) == (AGREES, [])


def test_what_has_no_reason_is_unexplained(books: Open) -> None:
	"""Nothing is made up to fill the gap."""
	found = invoiced(books({"Sales Invoice": [invoice("plain", 100)]}), 100, 93)
	assert (found.status, found.unexplained, found.differences) == (NOT_EXPLAINED, -7, [])


# Booked


def test_closed_internal_and_later_orders(books: Open) -> None:
	"""A closed order differs by what was not delivered of it."""
	given = {
		"docstatus": 1, "company": "A", "status": "To Bill", "per_delivered": 0, "is_internal_customer": 0,
		"transaction_date": "2025-02-01",
	}  # fmt: skip
	orders = [
		{"name": "open", "base_net_total": 100, **given},
		{"name": "closed", "base_net_total": 200, **given, "status": "Closed", "per_delivered": 25},
		{
			"name": "closed and delivered",
			"base_net_total": 50,
			**given,
			"status": "Closed",
			"per_delivered": 100,
		},
		{"name": "internal", "base_net_total": 30, **given, "is_internal_customer": 1, "status": "Closed"},
		{
			"name": "later",
			"base_net_total": 20,
			**given,
			"transaction_date": "2025-03-02",
			"status": "Closed",
		},
	]
	found = booked(books({"Sales Order": orders}), 200, 400)
	assert named(found) == {"closed": 150, "internal": 30, "later": 20}
	assert found.unexplained == 0


# Credited


def test_shares_of_all_kinds(books: Open) -> None:
	"""Split, missing, short and overfull teams, opening invoices, lines that don't add up or name no item."""
	rows: Rows = {
		"Sales Invoice": [
			invoice("split", 100), invoice("none", 50), invoice("short", 10), invoice("over", 10),
			invoice("opening", 500, is_opening="Yes"), invoice("cent", 33.33), invoice("free", 20),
		],
		"Sales Invoice Item": [
			line("split", 100), line("none", 50), line("short", 10), line("over", 10), line("opening", 500),
			line("cent", 33.34), line("free", 15), line("free", 5, item_code=None),
		],
		"Sales Team": [
			*team("split", Ann=60, Bob=40), *team("short", Ann=70), *team("over", Ann=80, Bob=40),
			*team("opening", Bob=100), *team("cent", Ann=100), *team("free", Bob=100),
		],
	}  # fmt: skip
	ours = {"Ann": 60 + 7 + 8 + 33.33, "Bob": 40 + 4 + 20, "": 50 + 3 - 2}
	theirs = {"Ann": 60 + 7 + 8 + 33.34, "Bob": 40 + 4 + 500 + 15}
	whole, *people = credited(books(rows), ours, theirs)
	assert [one.scope for one in people] == ["Ann", "Bob", ""]
	assert [named(one) for one in people] == [
		{"lines": 0.01}, {"opening": 500, "no-item": -5}, {"unassigned": -51},
	]  # fmt: skip
	assert {one.unexplained for one in [whole, *people]} == {0}
	assert named(whole) == {"opening": 500, "unassigned": -51, "no-item": -5, "lines": 0.01}
	assert whole.gap == pytest.approx(sum(one.gap for one in people))


def test_credit_by_the_settings(books: Open) -> None:
	"""Whom the settings credit, the report doesn't."""
	rows: Rows = {
		"Sales Invoice": [invoice("none", 50)],
		"Sales Invoice Item": [line("none", 50)],
		"Sales Team": [
			{"parent": "C1", "parenttype": "Customer", "sales_person": "Ann", "allocated_percentage": 80}
		],
	}
	opened = books(rows, Settings(credit_fallback=CreditFallback.CUSTOMER_TEAM))
	whole, ann, nobody = credited(opened, {"Ann": 40, "Bob": 0, "": 10}, {})
	assert (named(ann), named(nobody)) == ({"fallback": -40}, {"unassigned": -50, "fallback": 40})
	assert (named(whole), whole.unexplained) == ({"unassigned": -50}, 0)


# Ledgered

LEDGER: dict[str, tuple[Rows, float, float, dict[str, float]]] = {
	"posted as invoiced": (
		{"Sales Invoice": [invoice("a", 100)], "Sales Invoice Item": [line("a", 100)], "GL Entry": [entry("a", 100)]},
		100, 100, {},
	),
	"deferred": (
		{
			"Sales Invoice": [invoice("a", 100)],
			"Sales Invoice Item": [line("a", 40), line("a", 60, enable_deferred_revenue=1)],
			"GL Entry": [entry("a", 40), entry("a", 60, "Deferred"), entry("a", 5, day="2025-02-28")],
		},
		100, 45, {"deferred": -60, "recognised": 5},
	),
	"recognised from earlier": (
		{
			"Sales Invoice": [invoice("a", 100, "2024-12-01")],
			"Sales Invoice Item": [line("a", 100, enable_deferred_revenue=1)],
			"GL Entry": [entry("a", 8, day="2025-01-31")],
		},
		0, 8, {"recognised": 8},
	),
	"recognised by journal": (
		{
			"Journal Entry": [{"name": "J1", "voucher_type": "Deferred Revenue"}, {"name": "J2", "voucher_type": "Journal Entry"}],
			"GL Entry": [entry("J1", 8, voucher_type="Journal Entry"), entry("J2", 3, voucher_type="Journal Entry")],
		},
		0, 11, {"recognised": 8, "journals": 3},
	),
	"charges on another and on the same account": (
		{
			"Sales Invoice": [invoice("a", 100)],
			"Sales Invoice Item": [line("a", 100)],
			"Sales Taxes and Charges": [
				{"parent": "a", "parenttype": "Sales Invoice", "account_head": name, "base_tax_amount_after_discount_amount": amount}
				for name, amount in (("Sales", 4), ("Freight", 6))
			],
			"GL Entry": [entry("a", 104), entry("a", 6, "Freight")],
		},
		100, 110, {"charges": 10},
	),
	"discount on an account of its own": (
		{
			"Sales Invoice": [invoice("a", 90, additional_discount_account="D", discount_amount=10)],
			"Sales Invoice Item": [line("a", 90)],
			"GL Entry": [entry("a", 100)],
		},
		90, 100, {"discounts": 10},
	),
	"an asset and a line elsewhere": (
		{
			"Sales Invoice": [invoice("a", 100), invoice("b", 20)],
			"Sales Invoice Item": [
				line("a", 100, is_fixed_asset=1, asset="X"), line("b", 20, income_account="Deferred"),
			],
			"GL Entry": [entry("a", 12, "Freight"), entry("b", 20, "Deferred")],
		},
		120, 12, {"assets": -88, "elsewhere": -20},
	),
	"not posted at all": (
		{"Sales Invoice": [invoice("a", 100)], "Sales Invoice Item": [line("a", 100)]}, 100, 0, {"missing": -100},
	),
	"cancelled on another day": (
		{"Sales Invoice": [invoice("a", 100, docstatus=2)], "GL Entry": [entry("a", 100)]}, 0, 100, {"cancelled": 100},
	),
	"internal, later, and other vouchers": (
		{
			"Sales Invoice": [invoice("a", 100, is_internal_customer=1), invoice("b", 10, "2025-03-05")],
			"GL Entry": [
				entry("a", 100), entry("b", 10, day="2025-03-05"), entry("P", 5, voucher_type="Purchase Invoice"),
				entry("c", 1, voucher_type="Period Closing Voucher"), entry("d", 1, is_cancelled=1),
				entry("e", 1, finance_book="Other"), entry("f", 1, day="2025-04-01"), entry("g", 1, company="B"),
			],
		},
		0, 115, {"internal": 100, "later": 10, "vouchers": 5},
	),
	"rounded lines": (
		{
			"Sales Invoice": [invoice("a", 10.01)],
			"Sales Invoice Item": [line("a", 5.004), line("a", 5.008)],
			"GL Entry": [entry("a", 10.01)],
		},
		10.01, 10.01, {},
	),
}  # fmt: skip


@pytest.mark.parametrize("case", LEDGER)
def test_income_in_the_ledger(books: Open, case: str) -> None:
	"""What an invoice posts, or something else does, on income accounts."""
	rows, ours, theirs, expected = LEDGER[case]
	found = ledgered(books(rows), ours)
	assert (found.theirs, named(found), found.unexplained) == (pytest.approx(theirs), expected, 0)


def test_entries_changed_by_hand_stay_unexplained(books: Open) -> None:
	"""No rule takes them for its own; neither entries of an invoice that nobody knows."""
	rows: Rows = {
		"Sales Invoice": [invoice("a", 100)],
		"Sales Invoice Item": [line("a", 100)],
		"GL Entry": [entry("a", 93), entry("gone", 4)],
	}
	found = ledgered(books(rows), 100)
	assert (found.status, found.unexplained, named(found)) == (NOT_EXPLAINED, -3, {})


# In neither


def test_receipts_that_wait(books: Open) -> None:
	"""POS Invoices submitted, but not consolidated."""
	given = {"docstatus": 1, "company": "A", "posting_date": "2025-02-01"}
	rows: Rows = {"POS Invoice": [
		{"name": "waits", "base_net_total": 5, **given},
		{"name": "done", "base_net_total": 5, "consolidated_invoice": "X", **given},
		{"name": "draft", "base_net_total": 5, **given, "docstatus": 0},
	]}  # fmt: skip
	found = waiting_receipts(books(rows))
	assert (found.amount, [one.document for one in found.evidence]) == (5, ["waits"])
	assert found.title == WHY["waiting"][0]


# Arithmetic


@given(st.lists(st.integers(-(10**9), 10**9)), st.integers(-(10**9), 10**9), st.integers(-(10**6), 10**6))
def test_differences_and_the_unexplained_add_up_to_the_gap(parts: list[int], ours: int, left: int) -> None:
	"""Whatever the amounts, in cents."""
	differences = [
		Difference("internal", [Evidence("Sales Invoice", str(i), part / 100)])
		for i, part in enumerate(parts)
	]
	comparison = Comparison("invoiced", ours / 100, (ours + sum(parts) + left) / 100, differences)
	explained = sum(difference.amount for difference in differences)
	assert comparison.gap == pytest.approx(explained + comparison.unexplained, abs=0.005)
	assert (comparison.status == NOT_EXPLAINED) == (left != 0)


def test_largest_documents_first() -> None:
	"""Of a large difference, the documents that matter are named."""
	difference = Difference("internal", [Evidence("Sales Invoice", str(i), -float(i)) for i in range(300)])
	assert [one.document for one in difference.largest()[:2]] == ["299", "298"]
	assert len(difference.largest()) == 100
