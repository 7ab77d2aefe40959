"""Each fact, and each sentence of the definitions about reading: literal rows in, literal rows out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from literal import COMPANIES, ReadFact, Row, change, invoice, lead, opportunity, order, quotation, team

from sales_kpi import catalogue
from sales_kpi.facts.reading.fact import FACT_COLUMNS
from sales_kpi.facts.reading.settings import ConvertedBy, CreditFallback, SalespersonMapping, Settings

ALL = " ".join(FACT_COLUMNS)
WHO = "document sales_person quantity"


def names(rows: Iterable[tuple[Any, ...]]) -> list[str]:
	"""First columns of rows, each once."""
	return sorted({row[0] for row in rows})


def test_every_fact_has_a_literal_test() -> None:
	"""A fact that is added without a test of its own fails here."""
	tested = {name.removeprefix("test_fact_") for name in globals() if name.startswith("test_fact_")}
	assert set(catalogue.facts()) <= tested


# Sales


def test_fact_sale(fact: ReadFact) -> None:
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-01-05", 1000, territory="Iran")],
		"Sales Team": team("SI-1", Ann=60, Bob=30),
		"Customer": [{"name": "C1", "lead_name": "L1"}],
		"Lead": [lead("L1", "2024-12-01", source="Fair")],
	}
	assert fact("sale", ALL, rows) == [
		("SI-1", "2025-01-05", None, "A", "", "Iran", "Fair", 0.1, 100.0, 0.0),
		("SI-1", "2025-01-05", None, "A", "Ann", "Iran", "Fair", 0.6, 600.0, 0.0),
		("SI-1", "2025-01-05", None, "A", "Bob", "Iran", "Fair", 0.3, 300.0, 0.0),
	]


def test_fact_credit_note(fact: ReadFact) -> None:
	"""On its own day, negative as stored."""
	rows = {
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05", 1000),
			invoice("CN-1", "2025-02-07", -400, is_return=1),
		],
		"Sales Team": team("CN-1", Ann=50),
	}
	assert fact("credit_note", ALL, rows) == [
		("CN-1", "2025-02-07", None, "A", "", "", "", 0.5, -200.0, 0.0),
		("CN-1", "2025-02-07", None, "A", "Ann", "", "", 0.5, -200.0, 0.0),
	]


@pytest.mark.parametrize(
	("name", "table", "day", "made"),
	[
		("sale", "Sales Invoice", "posting_date", invoice),
		("order", "Sales Order", "transaction_date", order),
		("quotation", "Quotation", "transaction_date", quotation),
	],
)
def test_rule_1_only_submitted_documents(fact: ReadFact, name: str, table: str, day: str, made: Any) -> None:
	documents = [made(f"X{status}", "2025-01-05", docstatus=status) for status in (0, 1, 2)]
	assert fact(name, "document day", {table: documents}) == [("X1", "2025-01-05")]


def test_rule_2_opening_and_internal_documents_are_not_read(fact: ReadFact) -> None:
	invoices = [
		invoice("SI-1", "2025-01-05", is_opening=None),
		invoice("SI-2", "2025-01-05", is_opening="Yes"),
		invoice("SI-3", "2025-01-05", is_internal_customer=1),
	]
	assert names(fact("sale", "document", {"Sales Invoice": invoices})) == ["SI-1"]
	returns = [row | {"is_return": 1} for row in invoices]
	assert names(fact("credit_note", "document", {"Sales Invoice": returns})) == ["SI-1"]
	orders = [order("SO-1", "2025-01-05"), order("SO-2", "2025-01-05", is_internal_customer=1)]
	assert names(fact("order", "document", {"Sales Order": orders})) == ["SO-1"]


def test_rule_2_pos_invoices_are_not_read_but_counted(fact: ReadFact) -> None:
	"""A consolidated invoice stands for its submitted POS Invoices read by then, for 1 if none is found."""
	receipts = [
		{"name": f"POS-{number}", "docstatus": status, "posting_date": day, "consolidated_invoice": "SI-1"}
		for number, (status, day) in enumerate(
			[(1, "2025-01-04"), (1, "2025-01-05"), (0, "2025-01-05"), (1, "2025-07-01")]
		)
	]
	rows = {
		"POS Invoice": receipts,
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05", is_consolidated=1),
			invoice("SI-2", "2025-01-05", is_consolidated=1),
			invoice("SI-3", "2025-01-06", -10, is_consolidated=1, is_return=1),
		],
		"Sales Team": team("SI-1", Ann=50),
	}
	assert fact("sale", WHO, rows) == [("SI-1", "", 1.0), ("SI-1", "Ann", 1.0), ("SI-2", "", 1.0)]
	assert fact("credit_note", WHO, rows) == [("SI-3", "", 1.0)]
	assert fact("customer", WHO, rows) == [("C1", "", 0.5), ("C1", "Ann", 0.5)]


def test_rule_3_what_counts_no_deal(fact: ReadFact) -> None:
	"""A debit note, an invoice of 0 or less bring their amount and no quantity; a returned debit note is a return."""
	rows = {
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05", 70, is_debit_note=1),
			invoice("SI-2", "2025-01-05", 0),
			invoice("SI-3", "2025-01-05", -5),
			invoice("SI-4", "2025-01-05", None),
			invoice("SI-5", "2025-01-05", -70, is_debit_note=1, is_return=1),
		]
	}
	assert fact("sale", "document quantity amount", rows) == [
		("SI-1", 0.0, 70.0),
		("SI-2", 0.0, 0.0),
		("SI-3", 0.0, -5.0),
		("SI-4", 0.0, 0.0),
	]
	assert fact("credit_note", "document quantity amount", rows) == [("SI-5", 1.0, -70.0)]


def test_rule_3_only_purchases_start_anything(fact: ReadFact) -> None:
	rows = {
		"Customer": [{"name": "C1", "lead_name": "L1"}],
		"Lead": [lead("L1", "2024-12-01")],
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05", 70, is_debit_note=1),
			invoice("SI-2", "2025-01-06", 0),
			invoice("SI-3", "2025-01-07", -5, is_return=1),
			invoice("SI-4", "2025-01-08", 20),
		],
	}
	for name in ("customer", "first_sale", "customer_spell", "first_order"):
		assert fact(name, "document day", rows) == [("C1", "2025-01-08")], name
	assert fact("lead_conversion", "document day", rows) == [("L1", "2025-01-08")]


@pytest.mark.parametrize(
	("shares", "expected"),
	[
		([], {"": 1}),
		([("Ann", 100)], {"Ann": 1}),
		([("Ann", 30), ("Ann", 20), ("Bob", 50)], {"Ann": 0.5, "Bob": 0.5}),
		([("Ann", 80), ("Bob", 45)], {"Ann": 0.8, "Bob": 0.45, "": -0.25}),
		([("Ann", None), ("Bob", 40)], {"Bob": 0.4, "": 0.6}),
		([("Ann", 0)], {"": 1}),
		([(None, 40), ("Bob", 60)], {"": 0.4, "Bob": 0.6}),
		(
			[("Ann", 33.333), ("Bob", 33.333), ("Eve", 33.333)],
			{"Ann": 0.33333, "Bob": 0.33333, "Eve": 0.33333, "": 1e-5},
		),
		(
			[("Ann", 33.333333333), ("Bob", 33.333333333), ("Eve", 33.333333334)],
			{"Ann": 1 / 3, "Bob": 1 / 3, "Eve": 1 / 3},
		),
	],
)
def test_rule_5_shares(fact: ReadFact, shares: list[tuple[str, float]], expected: dict[str, float]) -> None:
	"""Rows of a person add up, an empty percentage is 0, and what is missing to 1 is unassigned, also when negative."""
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-01-05", 1000)],
		"Sales Team": [
			*(
				row
				for person, share in shares
				for row in team("SI-1", **{"x": share})
				if not row.update(sales_person=person)
			),
			*team("SI-1", "Sales Order", Eve=100),
		],
	}
	found: dict[str, float] = {}
	for person, share, amount in fact("sale", "sales_person quantity amount", rows):
		found[person] = found.get(person, 0) + share
		assert amount == pytest.approx(1000 * share)
	assert found == pytest.approx(expected)
	assert sum(found.values()) == pytest.approx(1)


def test_rule_10_empty_text(fact: ReadFact) -> None:
	rows = {
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05", territory=None),
			invoice("SI-2", "2025-01-05", territory=""),
			invoice("SI-3", "2025-01-05", territory="Iran", customer=None),
		]
	}
	assert fact("sale", "document territory source", rows) == [
		("SI-1", "", ""),
		("SI-2", "", ""),
		("SI-3", "Iran", ""),
	]


def test_rule_11_the_day_of_reading(fact: ReadFact) -> None:
	"""Later records aren't read, later rows are dropped; the day itself is included to its last second."""
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-03-01"), invoice("SI-2", "2025-03-02", customer="C2")],
		"Lead": [lead("L1", "2025-03-01 23:59:59"), lead("L2", "2025-03-02 00:00:00")],
		"Event": [
			{"name": "EV-1", "owner": "u1", "event_category": "Meeting", "starts_on": "2025-03-01 23:59:59"},
			{"name": "EV-2", "owner": "u1", "event_category": "Meeting", "starts_on": "2025-03-02 00:00:00"},
		],
	}
	read_on = date(2025, 3, 1)
	assert names(fact("sale", "document", rows, as_of=read_on)) == ["SI-1"]
	assert names(fact("lead", "document", rows, as_of=read_on)) == ["L1"]
	assert names(fact("meeting", "document", rows, as_of=read_on)) == ["EV-1"]
	month = Settings(churn_after_days=30)
	assert fact("customer_lapse", "document day", rows, month, date(2025, 3, 31)) == []
	assert fact("customer_lapse", "document day", rows, month, date(2025, 4, 1)) == [("C1", "2025-04-01")]


def test_rule_11_a_purchase_after_the_day_of_reading_prevents_no_lapse(fact: ReadFact) -> None:
	"""Time alone changes nothing: read on 15 February, C1 has lapsed, whatever it bought on the 20th."""
	rows = {"Sales Invoice": [invoice("SI-1", "2025-01-01"), invoice("SI-2", "2025-01-20")]}
	settings = Settings(churn_after_days=10)
	assert fact("customer_lapse", "document day", rows, settings, date(2025, 1, 15)) == [("C1", "2025-01-12")]


# Cost


LINES = {
	"Sales Invoice": [invoice("SI-1", "2025-01-05", 1000), invoice("CN-1", "2025-01-09", -100, is_return=1)],
	"Sales Team": team("SI-1", Ann=50),
}


def line(name: str, parent: str = "SI-1", qty: float | None = 2, net: float = 100, **more: Any) -> Row:
	return {"name": name, "parent": parent, "stock_qty": qty, "base_net_amount": net} | more


def packed(parent: str, rate: float | None, qty: float, parenttype: str = "Sales Invoice") -> Row:
	return {"parenttype": parenttype, "parent_detail_docname": parent, "incoming_rate": rate, "qty": qty}


COST_CASES: list[tuple[str, dict[str, list[Row]], list[tuple[str, float, float]]]] = [
	(
		"a: packed items of which any has a rate",
		{
			"Sales Invoice Item": [line("I1", incoming_rate=99), line("I2")],
			"Packed Item": [packed("I1", 3, 2), packed("I1", None, 5), packed("I2", 0, 5), packed("", 7, 1)],
		},
		[("SI-1", 100, 6)],
	),
	("b: its own rate", {"Sales Invoice Item": [line("I1", incoming_rate=15)]}, [("SI-1", 100, 30)]),
	(
		"c: packed items of the delivery note line that it bills, in proportion",
		{
			"Sales Invoice Item": [line("I1", dn_detail="D1"), line("I2", net=50, dn_detail="D2")],
			"Delivery Note Item": [{"name": "D1", "stock_qty": 8}, {"name": "D2", "stock_qty": 0}],
			"Packed Item": [packed("D1", 10, 4, "Delivery Note"), packed("D2", 10, 4, "Delivery Note")],
		},
		[("SI-1", 100, 10)],
	),
	(
		"d: a returned line, at the cost of the original",
		{
			"Sales Invoice Item": [
				line("I1", incoming_rate=15),
				line("R1", "CN-1", -1, -50, sales_invoice_item="I1"),
				line("R2", "CN-1", -1, -50, sales_invoice_item="I9"),
			]
		},
		[("CN-1", -50, -15), ("SI-1", 100, 30)],
	),
	(
		"d only in returns",
		{"Sales Invoice Item": [line("I1", incoming_rate=15), line("I2", sales_invoice_item="I1")]},
		[("SI-1", 100, 30)],
	),
	("else unknown", {"Sales Invoice Item": [line("I1"), line("I2", incoming_rate=None)]}, []),
	("(b) before (c)", {
		"Sales Invoice Item": [line("I1", dn_detail="D1", incoming_rate=4)],
		"Delivery Note Item": [{"name": "D1", "stock_qty": 8}],
		"Packed Item": [packed("D1", 10, 4, "Delivery Note")],
	}, [("SI-1", 100, 8)]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "rows", "expected"), COST_CASES, ids=[case for case, _, _ in COST_CASES])
def test_line_costs(fact: ReadFact, case: str, rows: dict[str, list[Row]], expected: list[Any]) -> None:
	"""What a line costs, by the first case that applies; only lines of known cost count in either fact."""
	rows = LINES | {"Sales Team": []} | rows
	sold = dict(fact("costed_sale", "document amount", rows))
	spent = dict(fact("cost_of_goods", "document amount", rows))
	assert [(document, sold[document], spent[document]) for document in sorted(sold)] == expected
	assert sold.keys() == spent.keys()


@pytest.mark.parametrize(
	("original", "known"),
	[
		({}, True),
		({"is_opening": "Yes"}, True),
		({"is_internal_customer": 1}, True),
		({"docstatus": 2}, False),
		({"posting_date": "2025-07-01"}, False),
	],
)
def test_the_original_of_a_return(fact: ReadFact, original: Row, known: bool) -> None:
	"""It has to be submitted and read by rule 11; opening or internal or not."""
	rows = {
		"Sales Invoice": [
			invoice("SI-1", "2025-01-05") | original,
			invoice("CN-1", "2025-01-09", -100, is_return=1),
		],
		"Sales Invoice Item": [
			line("I1", incoming_rate=15),
			line("R1", "CN-1", -1, -50, sales_invoice_item="I1"),
		],
	}
	assert ("CN-1" in names(fact("cost_of_goods", "document", rows))) is known


def test_fact_costed_sale(fact: ReadFact) -> None:
	rows = LINES | {
		"Sales Invoice Item": [
			line("I1", incoming_rate=15),
			line("I2", net=70),
			line("I3", net=30, incoming_rate=1),
		]
	}
	assert fact("costed_sale", ALL, rows) == [
		("SI-1", "2025-01-05", None, "A", "", "", "", 0.5, 65.0, 0.0),
		("SI-1", "2025-01-05", None, "A", "Ann", "", "", 0.5, 65.0, 0.0),
	]


def test_fact_cost_of_goods(fact: ReadFact) -> None:
	rows = LINES | {
		"Sales Invoice Item": [
			line("I1", incoming_rate=15),
			line("I2", net=70),
			line("I3", net=30, incoming_rate=1),
		]
	}
	assert fact("cost_of_goods", ALL, rows) == [
		("SI-1", "2025-01-05", None, "A", "", "", "", 0.5, 16.0, 0.0),
		("SI-1", "2025-01-05", None, "A", "Ann", "", "", 0.5, 16.0, 0.0),
	]


# Orders and quotations


def test_fact_order(fact: ReadFact) -> None:
	"""A closed order counts as far as it was delivered."""
	rows = {
		"Sales Order": [
			order("SO-1", "2025-01-05", 1000),
			order("SO-2", "2025-01-06", 1000, status="Closed", per_delivered=25),
			order("SO-3", "2025-01-07", 1000, status="Closed", per_delivered=None),
		],
		"Sales Team": team("SO-1", "Sales Order", Ann=100) + team("SO-2", "Sales Order", Ann=50, Bob=50),
	}
	assert fact("order", "document day sales_person quantity amount", rows) == [
		("SO-1", "2025-01-05", "Ann", 1.0, 1000.0),
		("SO-2", "2025-01-06", "Ann", 0.5, 125.0),
		("SO-2", "2025-01-06", "Bob", 0.5, 125.0),
		("SO-3", "2025-01-07", "", 1.0, 0.0),
	]


def item(parent: str, number: int, name: str | None, kind: str = "Opportunity") -> Row:
	return {
		"parent": parent,
		"name": f"{parent}-{number}",
		"idx": number,
		"prevdoc_doctype": kind,
		"prevdoc_docname": name,
	}


def test_fact_quotation(fact: ReadFact) -> None:
	"""Credited to the owner of its header's opportunity, else of its first item's, else its own."""
	rows = {
		"Opportunity": [
			opportunity("O1", "2024-12-01", "u1"),
			opportunity("O2", "2024-12-01", "u2"),
			opportunity("O3", "2024-12-01", ""),
			opportunity("O4", "2025-08-01", "u2"),
		],
		"Quotation": [
			quotation("Q1", "2025-01-05", 500, opportunity="O1", owner="u2", source="Fair", territory="Iran"),
			quotation("Q2", "2025-01-05", 500, opportunity=""),
			quotation("Q3", "2025-01-05", 500, opportunity="O3"),
			quotation("Q4", "2025-01-05", 500, owner="nobody"),
			quotation("Q5", "2025-01-05", 500, opportunity="O4"),
		],
		"Quotation Item": [item("Q2", 3, "O1"), item("Q2", 2, "O2"), item("Q2", 1, "SO-1", "Sales Order")],
	}
	assert fact("quotation", "document day sales_person quantity amount source territory", rows) == [
		("Q1", "2025-01-05", "Ann", 1.0, 500.0, "Fair", "Iran"),
		("Q2", "2025-01-05", "Bob", 1.0, 500.0, "", ""),
		("Q3", "2025-01-05", "Ann", 1.0, 500.0, "", ""),
		("Q4", "2025-01-05", "", 1.0, 500.0, "", ""),
		("Q5", "2025-01-05", "Ann", 1.0, 500.0, "", ""),
	]


ORDERED = {
	"Quotation": [quotation("Q1", "2025-01-05", 500), quotation("Q2", "2025-01-05", docstatus=2)],
	"Sales Order": [
		order("SO-1", "2025-02-07"),
		order("SO-2", "2025-02-03"),
		order("SO-3", "2025-02-01", docstatus=0),
		order("SO-4", "2025-02-01", is_internal_customer=1),
	],
	"Sales Order Item": [
		{"parent": parent, "prevdoc_docname": name}
		for parent, name in [
			("SO-1", "Q1"),
			("SO-2", "Q1"),
			("SO-2", "Q1"),
			("SO-3", "Q1"),
			("SO-4", "Q1"),
			("SO-1", "Q2"),
		]
	],
}


def test_fact_quotation_order(fact: ReadFact) -> None:
	"""On the day of the first submitted order, at the value of the quotation; credited as the quotation was."""
	settings = Settings(mapping=(SalespersonMapping("u1", "Eve", date(2025, 2, 1)),))
	assert fact("quotation_order", ALL, ORDERED, settings) == [
		("Q1", "2025-02-03", "2025-01-05", "A", "Ann", "", "", 1.0, 500.0, 0.0)
	]


# Leads


def test_fact_lead(fact: ReadFact) -> None:
	rows = {
		"Lead": [
			lead("L1", "2025-01-05 23:59:59", territory="Iran", source="Fair"),
			lead("L2", "2025-01-06", None),
		]
	}
	assert fact("lead", ALL, rows) == [
		("L1", "2025-01-05", None, "A", "Ann", "Iran", "Fair", 1.0, 0.0, 0.0),
		("L2", "2025-01-06", None, "A", "", "", "", 1.0, 0.0, 0.0),
	]


CONVERTED = {
	"Lead": [lead(f"L{number}", "2025-01-10") for number in range(1, 6)],
	"Customer": [
		{"name": "C1", "lead_name": "L1", "creation": "2025-01-11 10:00:00"},
		{"name": "C1 too", "lead_name": "L1", "creation": "2025-03-01 10:00:00"},
		{"name": "C2", "lead_name": "L2", "creation": "2025-01-09 10:00:00"},
		{"name": "Walk-in", "lead_name": "L3", "creation": "2025-01-12 10:00:00"},
		{"name": "C4", "lead_name": "L4", "creation": "2025-01-13 10:00:00"},
	],
	"Sales Order": [
		order("SO-1", "2025-01-09", customer="C1"),
		order("SO-2", "2025-02-20", customer="C1"),
		order("SO-3", "2025-01-11", customer="Walk-in"),
	],
	"Sales Invoice": [
		invoice("SI-1", "2025-02-10", customer="C1 too", company="B"),
		invoice("SI-2", "2025-01-10", customer="C2"),
	],
}


def test_fact_lead_conversion(fact: ReadFact) -> None:
	"""On the first day, from the lead's creation on, on which any customer of the lead ordered or bought anywhere."""
	settings = Settings(not_one_customer=("Walk-in",))
	assert fact("lead_conversion", ALL, CONVERTED, settings) == [
		("L1", "2025-02-10", "2025-01-10", "A", "Ann", "", "", 1.0, 0.0, 0.0),
		("L2", "2025-01-10", "2025-01-10", "A", "Ann", "", "", 1.0, 0.0, 0.0),
	]


def test_lead_conversion_when_a_customer_is_created(fact: ReadFact) -> None:
	"""The other choice: a Customer created on or after the lead's day converts it, one created before doesn't."""
	settings = Settings(converted_by=ConvertedBy.CUSTOMER_CREATED)
	assert fact("lead_conversion", "document day", CONVERTED, settings) == [
		("L1", "2025-01-11"),
		("L3", "2025-01-12"),
		("L4", "2025-01-13"),
	]


def test_fact_lead_loss(fact: ReadFact) -> None:
	"""By the log, else on the day of the last change, estimated; never before the lead, and not if it converted."""
	lost = {"status": "Lost Quotation"}
	rows = {
		"Lead": [
			lead("L1", "2025-01-10", modified="2025-03-01 10:00:00", status="Do Not Contact"),
			lead("L2", "2025-01-10", modified="2025-03-01 10:00:00", **lost),
			lead("L3", "2025-01-10", modified="2025-01-05 10:00:00", **lost),
			lead("L4", "2025-01-10", **lost),
			lead("L5", "2025-01-10"),
		],
		"Customer": [{"name": "C4", "lead_name": "L4"}],
		"Sales Order": [order("SO-1", "2025-02-01", customer="C4")],
		"Sales Transition": [
			change("Lead", "L2", "status", "Open", "Lost Quotation", "2025-01-20", "u1"),
			change("Lead", "L2", "status", "Open", "Lost Quotation", "2025-02-20", "u1"),
		],
	}
	assert fact("lead_loss", ALL, rows) == [
		("L1", "2025-03-01", "2025-01-10", "A", "Ann", "", "", 1.0, 0.0, 1.0),
		("L2", "2025-02-20", "2025-01-10", "A", "Ann", "", "", 1.0, 0.0, 0.0),
		("L3", "2025-01-10", "2025-01-10", "A", "Ann", "", "", 1.0, 0.0, 1.0),
	]


# Opportunities


@pytest.mark.parametrize(
	("amounts", "value"),
	[
		({}, 100),
		(
			{"base_opportunity_amount": 0, "opportunity_amount": 30, "conversion_rate": 1.5, "base_total": 7},
			45,
		),
		(
			{
				"base_opportunity_amount": None,
				"opportunity_amount": 30,
				"conversion_rate": 0,
				"base_total": 7,
			},
			7,
		),
		({"base_opportunity_amount": None, "opportunity_amount": None, "base_total": 7}, 7),
		({"base_opportunity_amount": None, "base_total": None}, 0),
	],
)
def test_value_of_an_opportunity(fact: ReadFact, amounts: Row, value: float) -> None:
	rows = {"Opportunity": [opportunity("O1", "2025-01-05", **amounts)]}
	assert fact("opportunity", "document amount", rows) == [("O1", value)]


def test_fact_opportunity(fact: ReadFact) -> None:
	rows = {"Opportunity": [opportunity("O1", "2025-01-05", territory="Iran", source="Fair")]}
	assert fact("opportunity", ALL, rows) == [
		("O1", "2025-01-05", None, "A", "Ann", "Iran", "Fair", 1.0, 100.0, 0.0)
	]


def test_fact_opportunity_win(fact: ReadFact) -> None:
	"""The first order that came of it, by the header or any line of a submitted quotation; else its status."""
	rows = {
		"Opportunity": [
			opportunity("O1", "2025-01-05", status="Open"),
			opportunity("O2", "2025-01-05", status="Lost"),
			opportunity("O3", "2025-01-05", status="Converted", modified="2025-03-03 10:00:00"),
			opportunity("O4", "2025-01-05", status="Converted"),
			opportunity("O5", "2025-02-05", status="Closed"),
			opportunity("O6", "2025-01-05", status="Quotation"),
		],
		"Quotation": [
			quotation("Q1", "2025-01-10", opportunity="O1"),
			quotation("Q2", "2025-01-10"),
			quotation("Q3", "2025-01-10", opportunity="O6", docstatus=2),
		],
		"Quotation Item": [item("Q2", 1, "O5"), item("Q2", 2, "O2"), item("Q2", 3, "O6", "Quotation")],
		"Sales Order": [order("SO-1", "2025-02-07"), order("SO-2", "2025-02-03")],
		"Sales Order Item": [
			{"parent": "SO-1", "prevdoc_docname": "Q1"},
			{"parent": "SO-2", "prevdoc_docname": "Q2"},
			{"parent": "SO-2", "prevdoc_docname": "Q3"},
		],
		"Sales Transition": [change("Opportunity", "O4", "status", "Open", "Converted", "2025-04-04", None)],
	}
	assert fact("opportunity_win", "document day since sales_person quantity amount estimated", rows) == [
		("O1", "2025-02-07", "2025-01-05", "Ann", 1.0, 100.0, 0.0),
		("O2", "2025-02-03", "2025-01-05", "Ann", 1.0, 100.0, 0.0),
		("O3", "2025-03-03", "2025-01-05", "Ann", 1.0, 100.0, 1.0),
		("O4", "2025-04-04", "2025-01-05", "Ann", 1.0, 100.0, 0.0),
		("O5", "2025-02-05", "2025-02-05", "Ann", 1.0, 100.0, 0.0),
	]
	assert fact("opportunity_loss", "document", rows) == []
	assert fact("opportunity_drop", "document", rows) == []


def status(name: str, new: str | None, day: str, user: str | None) -> Row:
	return change("Opportunity", name, "status", "", new, day, user)


def test_fact_opportunity_loss(fact: ReadFact) -> None:
	"""With the log: lost from the recorded Lost until a user moves it on; without, by status, estimated."""
	rows = {
		"Opportunity": [
			opportunity("O1", "2025-01-05", status="Lost", modified="2025-03-03 10:00:00"),
			opportunity("O2", "2025-01-05", status="Lost"),
			opportunity("O3", "2025-01-05", status="Open"),
			opportunity("O4", "2025-01-05", status="Open"),
			opportunity("O5", "2025-01-05", status="Lost"),
			opportunity("O6", "2025-01-05", status="Lost"),
			opportunity("O7", "2025-01-05", status="Lost", modified="2025-01-01 10:00:00"),
		],
		"Sales Transition": [
			status("O2", "Lost", "2025-02-02", "u1"),
			status("O3", "Lost", "2025-02-03", "u1"),
			status("O3", "Replied", "2025-02-10", "Administrator"),
			status("O4", "Lost", "2025-02-04", "u1"),
			status("O4", "Replied", "2025-02-10", "u2"),
			status("O5", "Lost", "2025-02-05", "u1"),
			status("O5", "Open", "2025-02-10", "u2"),
			status("O5", "Lost", "2025-02-15", "u2"),
			status("O5", "Lost", "2025-02-20", None),
			status("O6", "Lost", "2025-07-05", "u1"),
		],
	}
	assert fact("opportunity_loss", "document day since sales_person amount estimated", rows) == [
		("O1", "2025-03-03", "2025-01-05", "Ann", 100.0, 1.0),
		("O2", "2025-02-02", "2025-01-05", "Ann", 100.0, 0.0),
		("O3", "2025-02-03", "2025-01-05", "Ann", 100.0, 0.0),
		("O5", "2025-02-15", "2025-01-05", "Ann", 100.0, 0.0),
		("O7", "2025-01-05", "2025-01-05", "Ann", 100.0, 1.0),
	]


@pytest.mark.parametrize("machine", ["", None, "Administrator", "Guest"])
def test_who_is_no_user(fact: ReadFact, machine: str | None) -> None:
	"""Incoming mail and daily jobs bring no lost opportunity back; it stays lost, and is no drop."""
	rows = {
		"Opportunity": [opportunity("O1", "2025-01-05", status="Closed")],
		"Sales Transition": [
			status("O1", "Lost", "2025-02-02", "u1"),
			status("O1", "Closed", "2025-02-09", machine),
		],
	}
	assert fact("opportunity_loss", "document day", rows) == [("O1", "2025-02-02")]
	assert fact("opportunity_drop", "document day", rows) == []


def test_fact_opportunity_drop(fact: ReadFact) -> None:
	"""Closed and no win; one that a user moved on from Lost to Closed is a drop and no loss."""
	rows = {
		"Opportunity": [
			opportunity("O1", "2025-01-05", status="Closed", modified="2025-03-03 10:00:00"),
			opportunity("O2", "2025-01-05", status="Closed"),
			opportunity("O3", "2025-01-05", status="Closed"),
		],
		"Sales Transition": [
			status("O2", "Lost", "2025-02-02", "u1"),
			status("O2", "Closed", "2025-02-09", "u2"),
			status("O3", "Closed", "2025-07-09", "u2"),
		],
	}
	assert fact("opportunity_drop", "document day since amount estimated", rows) == [
		("O1", "2025-03-03", "2025-01-05", 100.0, 1.0),
		("O2", "2025-02-09", "2025-01-05", 100.0, 0.0),
	]
	assert fact("opportunity_loss", "document", rows) == []


def test_fact_first_response(fact: ReadFact) -> None:
	rows = {
		"Opportunity": [
			opportunity("O1", "2025-01-05", first_response_time=90),
			opportunity("O2", "2025-01-05", first_response_time=0),
			opportunity("O3", "2025-01-05", first_response_time=None),
		]
	}
	assert fact("first_response", ALL, rows) == [
		("O1", "2025-01-05", None, "A", "Ann", "", "", 1.0, 90.0, 0.0)
	]


# Who is credited (rule 6)


def test_rule_6_the_owner_on_the_facts_own_day(fact: ReadFact) -> None:
	"""Who owned it at the day's end by the log; before the first change, whom that change replaced, '' = nobody."""
	rows = {
		"Lead": [
			lead("L1", "2025-01-05", "u2"),
			lead("L2", "2025-01-15", "u2"),
			lead("L3", "2025-01-05", "u1"),
		],
		"Sales Transition": [
			change("Lead", "L1", "lead_owner", "u1", "", "2025-01-10 09:00:00", "u1"),
			change("Lead", "L1", "lead_owner", "", "u2", "2025-01-20 09:00:00", "u1"),
			change("Lead", "L2", "lead_owner", "", "u1", "2025-01-15 09:00:00", "u1"),
			change("Lead", "L2", "lead_owner", "u1", "u2", "2025-01-16 09:00:00", "u1"),
			change("Lead", "L3", "lead_owner", "", "u1", "2025-01-06 09:00:00", "u1"),
		],
		"Customer": [{"name": "C1", "lead_name": "L1"}],
		"Sales Order": [order("SO-1", "2025-01-15")],
	}
	assert fact("lead", "document sales_person", rows) == [("L1", "Ann"), ("L2", "Ann"), ("L3", "")]
	assert fact("lead_conversion", "document day sales_person", rows) == [("L1", "2025-01-15", "")]


def test_rule_6_the_mapping_wins_on_its_days(fact: ReadFact) -> None:
	rows = {"Lead": [lead(f"L{day}", f"2025-01-0{day}") for day in range(1, 6)]}
	settings = Settings(
		mapping=(
			SalespersonMapping("u1", "Eve", date(2025, 1, 2), date(2025, 1, 3)),
			SalespersonMapping("u1", "Bob", date(2025, 1, 4), date(2025, 1, 4)),
		)
	)
	assert fact("lead", "document sales_person", rows, settings) == [
		("L1", "Ann"),
		("L2", "Eve"),
		("L3", "Eve"),
		("L4", "Bob"),
		("L5", "Ann"),
	]


def test_rule_6_of_several_salespeople_the_enabled_first_then_by_name(fact: ReadFact) -> None:
	"""One user with two Employees, each with salespeople: a disabled one comes last whatever its name."""
	rows = {
		"Employee": [
			{"name": name, "user_id": "u1", "company": "A", "status": "Active"} for name in ("E1", "E2")
		],
		"Sales Person": [
			{"name": "Ada", "enabled": 0, "employee": "E1"},
			{"name": "Zoe", "enabled": 1, "employee": "E1"},
			{"name": "Kim", "enabled": 1, "employee": "E2"},
		],
		"Lead": [lead("L1", "2025-01-01")],
	}
	assert fact("lead", "document sales_person", rows) == [("L1", "Kim")]


@pytest.mark.parametrize(
	("fallback", "expected"),
	[
		(CreditFallback.NONE, [("SI-1", "", 1.0), ("SI-2", "", 0.5), ("SI-2", "Eve", 0.5)]),
		(
			CreditFallback.CUSTOMER_TEAM,
			[("SI-1", "Ann", 0.25), ("SI-1", "", 0.75), ("SI-2", "", 0.5), ("SI-2", "Eve", 0.5)],
		),
		(CreditFallback.ACCOUNT_MANAGER, [("SI-1", "Bob", 1.0), ("SI-2", "", 0.5), ("SI-2", "Eve", 0.5)]),
		(CreditFallback.OWNER, [("SI-1", "Ann", 1.0), ("SI-2", "", 0.5), ("SI-2", "Eve", 0.5)]),
	],
)
def test_credit_where_there_is_no_team(fact: ReadFact, fallback: CreditFallback, expected: list[Any]) -> None:
	"""The setting credits invoices whose team credits nobody; an incomplete team stays as it is."""
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-01-05"), invoice("SI-2", "2025-01-06")],
		"Customer": [{"name": "C1", "account_manager": "u2"}],
		"Sales Team": team("C1", "Customer", Ann=25) + team("SI-1", Eve=0) + team("SI-2", Eve=50),
	}
	assert fact("sale", WHO, rows, Settings(credit_fallback=fallback)) == sorted(expected, key=str)


def test_a_lapse_is_credited_as_its_spell_whoever_the_user_is_by_then(fact: ReadFact) -> None:
	"""Credits of a spell cancel at its lapse, also where a mapping has ended in between."""
	rows = {"Sales Invoice": [invoice("SI-1", "2025-01-05")]}
	settings = Settings(
		churn_after_days=30,
		credit_fallback=CreditFallback.OWNER,
		mapping=(SalespersonMapping("u1", "Eve", None, date(2025, 1, 10)),),
	)
	assert fact("customer_spell", WHO, rows, settings) == [("C1", "Eve", 1.0)]
	assert fact("customer_lapse", WHO, rows, settings) == [("C1", "Eve", 1.0)]


# Sources and companies (rules 7 and 9)


def test_rule_7_source_of_a_customer(fact: ReadFact) -> None:
	"""Its lead's, else its opportunity's, else ''; of records read by the day of reading."""
	rows = {
		"Customer": [
			{"name": "C1", "lead_name": "L1", "opportunity_name": "O1"},
			{"name": "C2", "lead_name": "L2", "opportunity_name": "O1"},
			{"name": "C3", "lead_name": "gone", "opportunity_name": ""},
			{"name": "C4", "lead_name": "L4"},
		],
		"Lead": [
			lead("L1", "2024-12-01", source="Fair"),
			lead("L2", "2024-12-01", source=""),
			lead("L4", "2025-08-01", source="Later"),
		],
		"Opportunity": [opportunity("O1", "2024-12-01", source="Web")],
		"Sales Invoice": [
			invoice(f"SI-{n}", "2025-01-05", customer=f"C{n}", source="Own") for n in range(1, 6)
		],
	}
	for version in ("15", "16"):
		assert fact("sale", "document source", rows, version=version) == [
			("SI-1", "Fair"),
			("SI-2", "Web"),
			("SI-3", ""),
			("SI-4", ""),
			("SI-5", ""),
		]


@pytest.mark.parametrize(
	("employees", "companies", "expected"),
	[
		([("E1", "Active", "A")], COMPANIES, "A"),
		([("E1", "Left", "A"), ("E2", "Active", "B")], COMPANIES, "B"),
		([("E2", "Active", "A"), ("E1", "Active", "B")], COMPANIES, "B"),
		([("E1", "Active", None)], COMPANIES, ""),
		([("E1", "Active", None)], COMPANIES[:1], "A"),
		([], COMPANIES, ""),
		([], COMPANIES[:1], "A"),
	],
)
def test_rule_9_company_of_a_record_without_one(
	fact: ReadFact, employees: list[tuple[str, str, str | None]], companies: list[Row], expected: str
) -> None:
	"""That of its user's Employee (active first, then by name), else the only one there is, else ''."""
	rows = {
		"Company": companies,
		"Employee": [
			{"name": name, "user_id": "u1", "status": status, "company": company}
			for name, status, company in employees
		],
		"Lead": [lead("L1", "2025-01-05", company=None), lead("L2", "2025-01-05", company="B")],
	}
	found = dict(fact("lead", "document company", rows, company=None))
	assert found == {"L1": expected, "L2": "B"}


# The life of a customer (rule 8)


LIFE = {
	"Sales Invoice": [
		invoice("SI-2", "2025-01-05", 200, posting_time="09:00:00", territory="Iran"),
		invoice("SI-1", "2025-01-05", 100, posting_time="10:00:00"),
		invoice("SI-3", "2025-02-04", 300),
		invoice("SI-4", "2025-03-07", 400),
		invoice("SI-5", "2025-01-02", 500, company="B"),
		invoice("SI-6", "2025-01-02", 500, customer="Walk-in"),
		invoice("SI-7", "2025-01-02", 500, customer=""),
	],
	"Sales Team": team("SI-2", Ann=60, Bob=40) + team("SI-4", Bob=100),
}
THIRTY = Settings(churn_after_days=30, not_one_customer=("Walk-in",))
LIFE["Customer"] = [{"name": "C1"}, {"name": "Walk-in"}]


def test_fact_customer(fact: ReadFact) -> None:
	"""The earliest purchase by day, time and name, told per company."""
	assert fact("customer", ALL, LIFE, THIRTY) == [
		("C1", "2025-01-05", None, "A", "Ann", "Iran", "", 0.6, 120.0, 0.0),
		("C1", "2025-01-05", None, "A", "Bob", "Iran", "", 0.4, 80.0, 0.0),
	]
	assert fact("customer", "document day amount", LIFE, THIRTY, company="B") == [("C1", "2025-01-02", 500.0)]


def test_of_one_day_the_time_decides_then_the_name(fact: ReadFact) -> None:
	rows = {
		"Sales Invoice": [
			invoice("SI-3", "2025-01-05", 3, posting_time="08:00:00"),
			invoice("SI-2", "2025-01-05", 2, posting_time="08:00:00"),
			invoice("SI-1", "2025-01-05", 1, posting_time="09:00:00"),
			invoice("SI-4", "2025-01-05", 4, posting_time="08:00:00", customer="C2"),
			invoice("SI-5", "2025-01-05", 5, posting_time=None, customer="C2"),
		]
	}
	assert fact("customer", "document amount", rows) == [("C1", 2.0), ("C2", 5.0)]


def test_fact_first_sale(fact: ReadFact) -> None:
	"""As `customer`, without those known before: any opening invoice in that company, of any day, returns too."""
	opened = [
		invoice("OP-1", "2025-02-01", -5, customer="C2", is_opening="Yes", is_return=1),
		invoice("SI-8", "2025-01-03", customer="C2"),
		invoice("OP-2", "2025-02-01", customer="C3", is_opening="Yes", company="B"),
		invoice("SI-9", "2025-01-03", customer="C3"),
		invoice("OP-3", "2025-02-01", customer="C4", is_opening="Yes", is_internal_customer=1),
		invoice("SI-10", "2025-01-03", customer="C4"),
		invoice("OP-4", "2025-02-01", customer="C5", is_opening="Yes", docstatus=0),
		invoice("SI-11", "2025-01-03", customer="C5"),
	]
	rows = LIFE | {"Sales Invoice": LIFE["Sales Invoice"] + opened}
	assert fact("first_sale", WHO, rows, THIRTY) == [
		("C1", "Ann", 0.6),
		("C1", "Bob", 0.4),
		("C3", "", 1.0),
		("C4", "", 1.0),
		("C5", "", 1.0),
	]


def test_fact_customer_spell(fact: ReadFact) -> None:
	"""Purchases 30 days apart are one spell of N = 30, 31 days apart are two."""
	assert fact("customer_spell", ALL, LIFE, THIRTY) == [
		("C1", "2025-01-05", None, "A", "Ann", "Iran", "", 0.6, 0.0, 0.0),
		("C1", "2025-01-05", None, "A", "Bob", "Iran", "", 0.4, 0.0, 0.0),
		("C1", "2025-03-07", None, "A", "Bob", "", "", 1.0, 0.0, 0.0),
	]


def test_fact_customer_lapse(fact: ReadFact) -> None:
	"""N + 1 days after the last purchase; credited as the spell's beginning."""
	assert fact("customer_lapse", ALL, LIFE, THIRTY) == [
		("C1", "2025-03-07", "2025-01-05", "A", "Ann", "Iran", "", 0.6, 0.0, 0.0),
		("C1", "2025-03-07", "2025-01-05", "A", "Bob", "Iran", "", 0.4, 0.0, 0.0),
		("C1", "2025-04-07", "2025-03-07", "A", "Bob", "", "", 1.0, 0.0, 0.0),
	]


def test_fact_first_order(fact: ReadFact) -> None:
	"""The first contract: of one day an order before an invoice, then by name; since the first contact."""
	rows = {
		"Customer": [{"name": "C1", "lead_name": "L1", "opportunity_name": "O1"}, {"name": "C2"}],
		"Lead": [lead("L1", "2025-01-03")],
		"Opportunity": [opportunity("O1", "2025-01-02")],
		"Sales Invoice": [invoice("A-SI", "2025-01-10")],
		"Sales Order": [
			order("SO-2", "2025-01-10"),
			order("SO-1", "2025-01-10", territory="Iran"),
			order("SO-0", "2025-01-09", company="B"),
			order("SO-3", "2025-01-10", customer="C2"),
		],
		"Sales Team": team("SO-1", "Sales Order", Ann=100)
		+ team("A-SI", Bob=100)
		+ team("SO-2", "Sales Order", Eve=100),
	}
	assert fact("first_order", ALL, rows) == [
		("C1", "2025-01-10", "2025-01-02", "A", "Ann", "Iran", "", 1.0, 0.0, 0.0)
	]


@pytest.mark.parametrize(
	("rows", "since"),
	[
		({"Lead": [lead("L1", "2025-01-03")]}, "2025-01-03"),
		({"Lead": [lead("L1", "2025-01-11")]}, None),
		({"Lead": [lead("L1", "2025-01-03", company="B")]}, None),
		({"Lead": [lead("L1", "2025-01-03", "nobody", company="")]}, "2025-01-03"),
		({"Opportunity": [opportunity("O1", "2025-01-04")]}, "2025-01-04"),
		({"Opportunity": [opportunity("O1", "2025-01-04", company="B")]}, None),
		(
			{"Opportunity": [opportunity("O2", "2025-01-05", opportunity_from="Customer", party_name="C1")]},
			"2025-01-05",
		),
		({"Opportunity": [opportunity("O2", "2025-01-05", opportunity_from="Lead", party_name="C1")]}, None),
		(
			{
				"Lead": [lead("L1", "2025-01-11")],
				"Opportunity": [opportunity("O1", "2025-01-04"), opportunity("O2", "2025-01-03")],
			},
			"2025-01-04",
		),
	],
)
def test_first_contact(fact: ReadFact, rows: dict[str, list[Row]], since: str | None) -> None:
	"""The earliest not later than the contract; those of another company left out, '' is not another; else no row."""
	rows = rows | {
		"Customer": [{"name": "C1", "lead_name": "L1", "opportunity_name": "O1"}],
		"Sales Order": [order("SO-1", "2025-01-10")],
	}
	expected = [] if since is None else [("C1", since)]
	assert fact("first_order", "document since", rows) == expected


def test_rule_8_not_one_customer(fact: ReadFact) -> None:
	"""Walk-in counts in sales and orders, and has no life."""
	rows = {
		"Customer": [{"name": "Walk-in", "lead_name": "L1"}],
		"Lead": [lead("L1", "2025-01-01")],
		"Sales Invoice": [invoice("SI-1", "2025-01-05", customer="Walk-in")],
		"Sales Order": [order("SO-1", "2025-01-05", customer="Walk-in")],
	}
	settings = Settings(churn_after_days=30, not_one_customer=("Walk-in",))
	assert (
		len(fact("sale", "document", rows, settings)) == len(fact("order", "document", rows, settings)) == 1
	)
	for name in (
		"customer",
		"first_sale",
		"customer_spell",
		"customer_lapse",
		"first_order",
		"lead_conversion",
	):
		assert fact(name, "document", rows, settings) == [], name
		assert fact(name, "document", rows, Settings(churn_after_days=30)) != [], name


# Cost of acquisition


def entry(name: str, account: str = "Ads", **more: Any) -> Row:
	return {
		"name": name,
		"posting_date": "2025-01-05",
		"account": account,
		"debit": 100,
		"credit": 30,
		"company": "A",
		"cost_center": "North",
		"is_opening": "No",
		"is_cancelled": 0,
		"voucher_type": "Journal Entry",
	} | more


def test_fact_acquisition_cost(fact: ReadFact) -> None:
	"""Debit − credit on the accounts, a group meaning all below it in its company, of entries that are no closing."""
	rows = {
		"Account": [
			{"name": "Costs", "company": "A", "lft": 1, "rgt": 6},
			{"name": "Ads", "company": "A", "lft": 2, "rgt": 3},
			{"name": "Fairs", "company": "A", "lft": 4, "rgt": 5},
			{"name": "Rent", "company": "A", "lft": 7, "rgt": 8},
			{"name": "Ads B", "company": "B", "lft": 2, "rgt": 3},
		],
		"Cost Center": [{"name": "North", "company": "A"}, {"name": "Web", "company": "A"}],
		"GL Entry": [
			entry("GL-1"),
			entry("GL-2", "Fairs", cost_center="Web", finance_book="Main"),
			entry("GL-3", "Rent"),
			entry("GL-4", is_cancelled=1),
			entry("GL-5", is_opening="Yes"),
			entry("GL-6", voucher_type="Period Closing Voucher"),
			entry("GL-7", finance_book="Other"),
			entry("GL-8", finance_book="", cost_center=None, credit=None),
			entry("GL-9", "Ads B"),
		],
	}
	settings = Settings(
		acquisition_accounts=("Costs",),
		cost_center_sales_person={"North": "Ann"},
		cost_center_source={"Web": "Web", "North": "Fair"},
	)
	assert fact("acquisition_cost", ALL, rows, settings) == [
		("GL-1", "2025-01-05", None, "A", "Ann", "", "Fair", 1.0, 70.0, 0.0),
		("GL-2", "2025-01-05", None, "A", "", "", "Web", 1.0, 70.0, 0.0),
		("GL-8", "2025-01-05", None, "A", "", "", "", 1.0, 100.0, 0.0),
	]


# Activities and ratings


def test_fact_call(fact: ReadFact) -> None:
	"""From the call log, the calendar and the correspondence."""
	rows = {
		"Call Log": [
			{
				"name": "CL-1",
				"owner": "u1",
				"status": "Completed",
				"start_time": "2025-01-05 10:00:00",
				"duration": 60,
			},
			{
				"name": "CL-2",
				"owner": "u1",
				"status": "Completed",
				"start_time": "2025-01-05 10:00:00",
				"employee_user_id": "u2",
			},
			{"name": "CL-3", "owner": "u1", "status": "Missed", "start_time": "2025-01-05 10:00:00"},
		],
		"Event": [
			event("EV-1", "Call", "2025-01-06 10:00:00", "2025-01-06 10:05:00"),
			event("EV-2", "Call", "2025-01-06 10:00:00", "2025-01-06 09:00:00"),
			event("EV-3", "Call", "2025-01-06 10:00:00", None, status="Cancelled"),
			event("EV-4", "Call", "2025-01-06 10:00:00", None, status=None),
		],
		"Communication": [
			mail("CO-1", communication_medium="Phone", sender="Ann <ANN@x.com>", user="u2"),
			mail("CO-2", communication_medium="Phone", reference_doctype="Event"),
			mail(
				"CO-3",
				communication_medium="Phone",
				sender="stranger@x.com",
				user="u2",
				reference_doctype=None,
			),
		],
	}
	assert fact("call", "document day sales_person quantity amount", rows) == [
		("CL-1", "2025-01-05", "Ann", 1.0, 60.0),
		("CL-2", "2025-01-05", "Bob", 1.0, 0.0),
		("CO-1", "2025-01-07", "Ann", 1.0, 0.0),
		("CO-3", "2025-01-07", "Bob", 1.0, 0.0),
		("EV-1", "2025-01-06", "Ann", 1.0, 300.0),
		("EV-2", "2025-01-06", "Ann", 1.0, 0.0),
		("EV-4", "2025-01-06", "Ann", 1.0, 0.0),
	]


def event(name: str, category: str, starts: str, ends: str | None, **more: Any) -> Row:
	return {
		"name": name,
		"owner": "u1",
		"event_category": category,
		"status": "Open",
		"starts_on": starts,
		"ends_on": ends,
	} | more


def mail(name: str, **more: Any) -> Row:
	return {
		"name": name,
		"communication_medium": "Email",
		"communication_type": "Communication",
		"sent_or_received": "Sent",
		"communication_date": "2025-01-07 10:00:00",
		"sender": "ann@x.com",
		"reference_doctype": "Lead",
	} | more


def test_fact_meeting(fact: ReadFact) -> None:
	rows = {
		"Event": [
			event("EV-1", "Meeting", "2025-01-06 10:00:00", "2025-01-06 11:30:00"),
			event("EV-2", "Meeting", "2025-01-06 10:00:00", None),
			event("EV-3", "Other", "2025-01-06 10:00:00", None),
			event("EV-4", "Meeting", "2025-01-06 10:00:00", None, status="Cancelled"),
		]
	}
	assert fact("meeting", ALL, rows) == [
		("EV-1", "2025-01-06", None, "A", "Ann", "", "", 1.0, 5400.0, 0.0),
		("EV-2", "2025-01-06", None, "A", "Ann", "", "", 1.0, 0.0, 0.0),
	]


def test_fact_email(fact: ReadFact) -> None:
	"""Sent by people about somebody who might buy; the sender's user by e-mail, case and "Name <…>" ignored."""
	rows = {
		"Communication": [
			mail("CO-1", sender='"Ann, آرش" <Ann@X.com>'),
			mail("CO-2", sender="BOB@x.com", reference_doctype="Prospect"),
			mail("CO-3", sender=None, user="u2", reference_doctype="Customer"),
			mail("CO-4", reference_doctype="Email Campaign"),
			mail("CO-5", communication_type="Automated Message"),
			mail("CO-6", sent_or_received="Received"),
			mail("CO-7", communication_medium="SMS"),
		]
	}
	assert fact("email", "document day sales_person quantity amount", rows) == [
		("CO-1", "2025-01-07", "Ann", 1.0, 0.0),
		("CO-2", "2025-01-07", "Bob", 1.0, 0.0),
		("CO-3", "2025-01-07", "Bob", 1.0, 0.0),
	]


def feedback(name: str, customer: str = "C1", **more: Any) -> Row:
	return {
		"name": name,
		"creation": "2025-01-05 10:00:00",
		"document_type": "Customer",
		"document_name": customer,
	} | more


def test_fact_rating(fact: ReadFact) -> None:
	"""Mean of the ratings given / 5, all 1 left out; the account manager's, else the team's; and the own survey's."""
	given = {
		"F1": ["4", "5", "", None],
		"F2": ["1", "1"],
		"F3": [""],
		"F4": ["1", "2"],
		"F5": ["5"],
		"F6": ["5"],
	}
	rows = {
		"Company": COMPANIES[:1],
		"Customer": [
			{"name": "C1", "account_manager": "u2", "territory": "Iran"},
			{"name": "C2"},
			{"name": "C3", "account_manager": "stranger"},
		],
		"Sales Team": team("C1", "Customer", Eve=100)
		+ team("C2", "Customer", Ann=50)
		+ team("C3", "Customer", Ann=100),
		"Quality Feedback": [
			feedback("F1"),
			feedback("F2"),
			feedback("F3"),
			feedback("F4", "C2"),
			feedback("F5", "C3"),
			feedback("F6", document_type="User"),
		],
		"Quality Feedback Parameter": [
			{"parent": parent, "rating": rating} for parent, ratings in given.items() for rating in ratings
		],
		"KPI Survey Answer": [
			{"name": "S1", "customer": "C2", "answered_on": "2025-01-06 10:00:00", "rating": 1},
			{"name": "S2", "customer": "C2", "answered_on": "2025-01-06 10:00:00", "rating": None},
		],
	}
	assert fact("rating", "document day company sales_person territory quantity amount", rows) == [
		("F1", "2025-01-05", "A", "Bob", "Iran", 1.0, 0.9),
		("F4", "2025-01-05", "A", "", "", 0.5, 0.3),
		("F4", "2025-01-05", "A", "Ann", "", 0.5, 0.3),
		("F5", "2025-01-05", "A", "", "", 1.0, 1.0),
		("S1", "2025-01-06", "A", "", "", 0.5, 1.0),
		("S1", "2025-01-06", "A", "Ann", "", 0.5, 1.0),
	]
