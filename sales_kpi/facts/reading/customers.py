"""The life of a customer in a company: its first purchase, its buying spells, its first contract (rules 7 and 8)."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.analytics import FirstValue, Lag, RowNumber
from pypika.analytics import Lead as Next
from pypika.enums import JoinType
from pypika.functions import Min
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.channel import customer_channel
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import Family, members
from sales_kpi.facts.reading.invoices import has_a_life, invoices, is_purchase, orders, purchases
from sales_kpi.facts.reading.people import company_of, owner_on_day
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.records import Column


def purchase_history(reading: Reading) -> Any:
	"""All purchases, each with its place among those of its customer in its company.

	parent: the invoice; place: 1 for the earliest by day, time and name; previous and next: days of the one before and
	the one after, NULL where there is none; first_day: day of the earliest. (All over one window: one sort.)
	"""
	invoice = reading.table("Sales Invoice")
	# On one day those without a time come first, in every database.
	timed = Case().when(invoice.posting_time.isnull(), 0).else_(1)
	order = (invoice.posting_date, timed, invoice.posting_time, invoice.name)
	of_customer = (invoice.company, invoice.customer)
	history = where(purchases(reading, invoice), reading.of_entities(invoice.customer)).select(
		invoice.name.as_("parent"),
		invoice.owner,
		invoice.customer,
		invoice.company,
		invoice.posting_date.as_("day"),
		text(invoice.territory).as_("territory"),
		invoice.base_net_total.as_("amount"),
		RowNumber().over(*of_customer).orderby(*order).as_("place"),
		Lag(invoice.posting_date).over(*of_customer).orderby(*order).as_("previous"),
		FirstValue(invoice.posting_date).over(*of_customer).orderby(*order).as_("first_day"),
		Next(invoice.posting_date).over(*of_customer).orderby(*order).as_("next"),
	)
	return reading.share(history, "told")


def known_before(reading: Reading) -> Any:
	"""Customers with an opening invoice in a company: known there before the records begin (`customer`, `company`)."""
	invoice = reading.table("Sales Invoice")
	return (
		where(invoices(reading, invoice, opening=True), reading.of_entities(invoice.customer))
		.groupby(invoice.customer, invoice.company)
		.select(invoice.customer, invoice.company)
	)


def _spells(reading: Reading) -> Any:
	"""Buying spells, one row each: their first purchase, and the day of their last one in `last_day`.

	A spell is a chain of purchases, each no more than N days after the one before. `place` is 1 for the first of a
	customer.
	"""
	told = purchase_history(reading)
	patience = reading.settings.churn_after_days
	begins = told.previous.isnull() | (reading.dialect.days_between(told.previous, told.day) > patience)
	ends = told.next.isnull() | (reading.dialect.days_between(told.day, told.next) > patience)
	# Of a spell only its two ends are needed: the end of one that begins here is here too, or at the next end.
	edge = (
		Query.from_(told)
		.where(begins | ends)
		.select(
			told.parent,
			told.owner,
			told.customer,
			told.company,
			told.day,
			told.territory,
			told.amount,
			told.place,
			Case().when(begins, 1).else_(0).as_("begins"),
			Case().when(ends, 1).else_(0).as_("ends"),
			Next(told.day).over(told.company, told.customer).orderby(told.place).as_("next_edge"),
		)
	).as_("edge")
	return (
		Query.from_(edge)
		.where(edge.begins == 1)
		.select(edge.star, Case().when(edge.ends == 1, edge.day).else_(edge.next_edge).as_("last_day"))
	)


def _lives(reading: Reading) -> Any:
	"""What happens in the life of a customer, as `credited` takes it: one row for each of LIVES.

	first_day is the day of the invoice whose team is credited: that with which the spell began.
	"""
	spell, known, member = _spells(reading).as_("spell"), known_before(reading).as_("known"), members(4)
	query = (
		Query.from_(spell)
		.join(member, JoinType.cross)
		.cross()
		.left_join(known)
		.on((known.customer == spell.customer) & (known.company == spell.company))
		.where((member.which > 1) | (spell.place == 1))
		.where((member.which != 1) | known.customer.isnull())
	)
	query, source = customer_channel(reading, query, spell.customer)
	ended = reading.dialect.plus_days(spell.last_day, reading.settings.churn_after_days + 1)
	is_lapse = member.which == 3
	lives = query.select(
		spell.customer.as_("document"),
		spell.customer,
		spell.owner,
		spell.parent,
		spell.day.as_("first_day"),
		Case().when(is_lapse, ended).else_(spell.day).as_("day"),
		Case().when(is_lapse, spell.day).else_(reading.dialect.null(Column.DATE)).as_("since"),
		spell.company,
		spell.territory,
		source.as_("source"),
		ValueWrapper(1).as_("quantity"),
		Case().when(member.which < 2, spell.amount).else_(0).as_("amount"),
		member.which,
	).as_("life")
	return where(Query.from_(lives).select(lives.star), reading.day.holds(lives.day))


def contracts(reading: Reading) -> Any:
	"""The first contract of each customer in each company, an order or a purchase, as `credited` takes it.

	`place` is 0 where that is a Sales Order and 1 where it is a Sales Invoice (`contract_doctype`).
	"""
	order = reading.table("Sales Order")
	ordered = where(
		orders(reading, order), has_a_life(reading, order.customer), reading.of_entities(order.customer)
	).select(
		order.name.as_("parent"),
		order.owner,
		order.customer,
		order.company,
		order.transaction_date.as_("day"),
		text(order.territory).as_("territory"),
		ValueWrapper(0).as_("place"),
	)
	told = purchase_history(reading)
	bought = (
		Query.from_(told)
		.where(told.day == told.first_day)
		.select(
			told.parent,
			told.owner,
			told.customer,
			told.company,
			told.day,
			told.territory,
			ValueWrapper(1).as_("place"),
		)
	)
	signed = ordered.union_all(bought).as_("signed")
	ranked = (
		Query.from_(signed).select(
			signed.star,
			RowNumber()
			.over(signed.company, signed.customer)
			.orderby(signed.day, signed.place, signed.parent)
			.as_("turn"),
		)
	).as_("ranked_contract")
	return Query.from_(ranked).where(ranked.turn == 1).select(ranked.star)


def contract_doctype(contract: Any) -> Term:
	"""Doctype of a first contract. (Not a column of its own: a literal in one compares with no other column's collation.)"""
	return Case().when(contract.place == 0, Bound("Sales Order")).else_(Bound("Sales Invoice"))


def contacts(reading: Reading) -> Any:
	"""Days on which a customer was in contact before it bought: `customer`, `company` ('' is any), `day`."""
	customer = reading.table("Customer")
	lead, opportunity = reading.table("Lead"), reading.table("Opportunity")
	created = reading.dialect.day(lead.creation)
	by_lead = where(
		Query.from_(customer).join(lead).on(lead.name == customer.lead_name),
		reading.of_entities(customer.name),
	)
	by_lead, owner = owner_on_day(reading, by_lead, "Lead", lead, created)
	by_lead, company = company_of(reading, by_lead, lead.company, owner)
	by_lead = by_lead.select(customer.name.as_("customer"), company.as_("company"), created.as_("day"))
	by_opportunity = where(
		Query.from_(customer).join(opportunity).on(opportunity.name == customer.opportunity_name),
		reading.of_entities(customer.name),
	)
	as_party = where(
		Query.from_(opportunity),
		opportunity.opportunity_from == Bound("Customer"),
		reading.of_entities(opportunity.party_name),
	)
	return by_lead.union_all(
		_opportunity_contacts(reading, by_opportunity, opportunity, customer.name)
	).union_all(_opportunity_contacts(reading, as_party, opportunity, opportunity.party_name))


def _opportunity_contacts(reading: Reading, query: Any, opportunity: Any, customer: Term) -> Any:
	day = opportunity.transaction_date
	query, owner = owner_on_day(reading, query, "Opportunity", opportunity, day)
	query, company = company_of(reading, query, opportunity.company, owner)
	return query.select(customer.as_("customer"), company.as_("company"), day.as_("day"))


def buying_days(reading: Reading, customers: Any) -> Any:
	"""Days on which the customers of a relation with `lead`, `customer` and `since` first ordered or bought since then.

	One row for each lead, kind of document and customer: `lead`, `day`. In any company (rule on `lead_conversion`).
	"""
	anywhere = reading.narrowed(company=None)
	order, invoice = reading.table("Sales Order"), reading.table("Sales Invoice")
	ordered = (
		orders(anywhere, order)
		.join(customers)
		.on(customers.customer == order.customer)
		.where(order.transaction_date >= customers.since)
		.groupby(customers.lead)
		.select(customers.lead, Min(order.transaction_date).as_("day"))
	)
	bought = (
		where(invoices(anywhere, invoice), is_purchase(invoice))
		.join(customers)
		.on(customers.customer == invoice.customer)
		.where(invoice.posting_date >= customers.since)
		.groupby(customers.lead)
		.select(customers.lead, Min(invoice.posting_date).as_("day"))
	)
	return ordered.union_all(bought)


LIVES = Family(
	doctype="Customer",
	members=("customer", "first_sale", "customer_spell", "customer_lapse"),
	told=lambda reading: credited(
		reading,
		_lives,
		"Sales Invoice",
		parent="parent",
		entity="customer",
		document_day="first_day",
		extra=("which",),
	),
)
