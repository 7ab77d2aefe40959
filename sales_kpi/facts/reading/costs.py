"""What the lines of an invoice cost, where ERPNext knows it."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.enums import JoinType
from pypika.functions import Max, Sum
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.channel import customer_channel
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.dialect import nonzero, number, text
from sales_kpi.facts.reading.fact import Family, members
from sales_kpi.facts.reading.invoices import invoices
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, both, where
from sales_kpi.facts.reading.records import Column


def _bundles(reading: Reading, parenttype: str, alias: str) -> Any:
	"""Cost of the packed items of bundle lines of which any has a rate: `line`, `cost`."""
	packed = reading.table("Packed Item", alias=f"{alias}_item")
	return (
		Query.from_(packed)
		.where(packed.parenttype == Bound(parenttype))
		.where(text(packed.parent_detail_docname) != Bound(""))
		.groupby(packed.parent_detail_docname)
		.having(Max(Case().when(number(packed.incoming_rate) != 0, 1).else_(0)) == 1)
		.select(
			packed.parent_detail_docname.as_("line"),
			Sum(number(packed.incoming_rate) * number(packed.qty)).as_("cost"),
		)
	).as_(alias)


def _own_cost(reading: Reading, query: Any, line: Any, prefix: str) -> tuple[Any, Term, Term]:
	"""Cost of a line by its own bundle, its own rate or the bundle that was delivered (a, b, c of the definitions).

	Returns the query, the cost (NULL when unknown) and whether one of the three applies.
	"""
	bundle = _bundles(reading, "Sales Invoice", f"{prefix}bundle")
	delivered = _bundles(reading, "Delivery Note", f"{prefix}delivered")
	delivery = reading.table("Delivery Note Item", alias=f"{prefix}delivery")
	query = (
		query.left_join(bundle)
		.on(bundle.line == line.name)
		.left_join(delivery)
		.on(delivery.name == line.dn_detail)
		.left_join(delivered)
		.on(delivered.line == delivery.name)
	)
	by_rate = number(line.incoming_rate) * number(line.stock_qty)
	by_delivery = delivered.cost * number(line.stock_qty) / nonzero(delivery.stock_qty)
	cost = (
		Case()
		.when(bundle.cost.notnull(), bundle.cost)
		.when(number(line.incoming_rate) != 0, by_rate)
		.else_(by_delivery)
	)
	known = bundle.cost.notnull() | (number(line.incoming_rate) != 0) | delivered.cost.notnull()
	return query, cost, known


def lines(reading: Reading) -> Any:
	"""Lines of invoices and returns with their net `value` and their `cost`, NULL where that is unknown."""
	invoice, line = reading.table("Sales Invoice"), reading.table("Sales Invoice Item", alias="line")
	returned = reading.table("Sales Invoice Item", alias="returned_line")
	original = reading.table("Sales Invoice", alias="original")
	query = where(
		invoices(reading, invoice), reading.day.holds(invoice.posting_date), reading.of_entities(invoice.name)
	)
	query = query.join(line).on(line.parent == invoice.name)
	query, own, known = _own_cost(reading, query, line, "")
	query = (
		query.left_join(returned)
		.on((returned.name == line.sales_invoice_item) & (number(invoice.is_return) == 1))
		.left_join(original)
		.on(_read(reading, original, returned))
	)
	query, originally, _ = _own_cost(reading, query, returned, "returned_")
	by_return = (
		(Case().when(original.name.notnull(), originally).else_(ValueWrapper(None)))
		* number(line.stock_qty)
		/ nonzero(returned.stock_qty)
	)
	query, source = customer_channel(reading, query, invoice.customer)
	return query.select(
		line.name.as_("line"),
		invoice.name.as_("document"),
		invoice.customer,
		invoice.owner,
		invoice.posting_date.as_("day"),
		invoice.company,
		text(invoice.territory).as_("territory"),
		source.as_("source"),
		number(line.base_net_amount).as_("value"),
		Case().when(known, own).else_(by_return).as_("cost"),
	)


def line_costs(reading: Reading) -> Any:
	"""Invoices with the net `value` and the `cost` of those of their lines whose cost is known."""
	line = lines(reading).as_("costed")
	return (
		Query.from_(line)
		.where(line.cost.notnull())
		.groupby(
			line.document,
			line.customer,
			line.owner,
			line.day,
			line.company,
			line.territory,
			line.source,
		)
		.select(
			line.document,
			line.customer,
			line.owner,
			line.day,
			line.company,
			line.territory,
			line.source,
			Sum(line.value).as_("value"),
			Sum(line.cost).as_("cost"),
		)
	)


def _read(reading: Reading, original: Any, returned: Any) -> Term:
	"""The invoice of a returned line, submitted and read by rule 11; opening or internal or not."""
	submitted = (original.name == returned.parent) & (original.docstatus == 1)
	return both(submitted, reading.until_now.holds(original.posting_date))


def _costed(reading: Reading) -> Any:
	"""The rows of `line_costs` as `credited` takes them, once with the value and once with the cost as the amount."""
	rows, member = line_costs(reading).as_("costed_invoice"), members(2)
	return (
		Query.from_(rows)
		.join(member, JoinType.cross)
		.cross()
		.select(
			rows.document,
			rows.customer,
			rows.owner,
			rows.day,
			reading.dialect.null(Column.DATE).as_("since"),
			rows.company,
			rows.territory,
			rows.source,
			ValueWrapper(1).as_("quantity"),
			Case().when(member.which == 0, rows.value).else_(rows.cost).as_("amount"),
			member.which,
		)
	)


COSTS = Family(
	doctype="Sales Invoice",
	members=("costed_sale", "cost_of_goods"),
	told=lambda reading: credited(reading, _costed, "Sales Invoice", extra=("which",)),
)
