"""Sales Invoices and Sales Orders as the definitions read them (rules 1 to 3)."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.functions import Count
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.channel import customer_channel
from sales_kpi.facts.reading.dialect import coalesce, number, text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.records import Column


def invoices(reading: Reading, invoice: Any, opening: bool = False) -> Any:
	"""Submitted Sales Invoices up to the day of reading, internal ones left out; opening ones only if asked for."""
	is_opening = text(invoice.is_opening) == Bound("Yes")
	return where(
		Query.from_(invoice),
		invoice.docstatus == 1,
		number(invoice.is_internal_customer) == 0,
		is_opening if opening else text(invoice.is_opening) != Bound("Yes"),
		reading.of_company(invoice.company),
		reading.until_now.holds(invoice.posting_date),
	)


def is_return(invoice: Any) -> Term:
	"""Whether an invoice is a credit note."""
	return number(invoice.is_return) == 1


def is_purchase(invoice: Any) -> Term:
	"""Whether an invoice is something bought: no return, no debit note, worth more than nothing (rule 3)."""
	return (
		(number(invoice.is_return) == 0)
		& (number(invoice.is_debit_note) == 0)
		& (number(invoice.base_net_total) > 0)
	)


def purchases(reading: Reading, invoice: Any) -> Any:
	"""Sales Invoices that start, extend and convert: purchases of customers that have a life (rules 3 and 8)."""
	return where(
		invoices(reading, invoice),
		is_purchase(invoice),
		has_a_life(reading, invoice.customer),
	)


def orders(reading: Reading, order: Any) -> Any:
	"""Submitted Sales Orders up to the day of reading, internal ones left out."""
	return where(
		Query.from_(order),
		order.docstatus == 1,
		number(order.is_internal_customer) == 0,
		reading.of_company(order.company),
		reading.until_now.holds(order.transaction_date),
	)


def has_a_life(reading: Reading, customer: Term) -> list[Term]:
	"""Predicates that leave out customers that stand for many, and records that name none (rule 8)."""
	return [text(customer) != Bound(""), *is_one_customer(reading, customer)]


def is_one_customer(reading: Reading, customer: Term) -> list[Term]:
	"""Predicate that leaves out customers that stand for many: walk-in, marketplaces."""
	many = reading.settings.not_one_customer
	return [text(customer).notin([Bound(name) for name in many])] if many else []


def documents(reading: Reading, query: Any, doctype: str, document: Any, **columns: Any) -> Any:
	"""Rows for Sales Invoices or Sales Orders as `credited` takes them; their source is their customer's (rule 7)."""
	if reading.with_life:
		query = where(query, is_one_customer(reading, document.customer))
	query, source = customer_channel(reading, query, document.customer)
	day = document.posting_date if doctype == "Sales Invoice" else document.transaction_date
	given = {
		"document": document.name,
		"day": day,
		"since": reading.dialect.null(Column.DATE),
		"company": document.company,
		"territory": text(document.territory),
		"source": source,
		"quantity": ValueWrapper(1),
		"amount": number(document.base_net_total),
		"customer": document.customer,
		"owner": document.owner,
	} | columns
	return query.select(*(term.as_(name) for name, term in given.items()))


def deals(reading: Reading, invoice: Any, query: Any) -> tuple[Any, Term]:
	"""How many deals an invoice stands for (rule 3), with the query that reads it.

	None for a debit note and for what is worth nothing; the POS Invoices behind it for one that consolidates them.
	"""
	receipt = reading.table("POS Invoice")
	consolidated = (
		where(
			Query.from_(receipt),
			receipt.docstatus == 1,
			text(receipt.consolidated_invoice) != Bound(""),
			reading.until_now.holds(receipt.posting_date),
		)
		.groupby(receipt.consolidated_invoice)
		.select(receipt.consolidated_invoice.as_("invoice"), Count("*").as_("receipts"))
	).as_("consolidated")
	query = query.left_join(consolidated).on(
		(consolidated.invoice == invoice.name) & (number(invoice.is_consolidated) == 1)
	)
	quantity = Case().when(is_purchase(invoice), coalesce(consolidated.receipts, 1)).else_(0)
	return query, quantity
