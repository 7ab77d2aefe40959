"""First order: the first contract of a customer in a company, since it was first in contact."""

from __future__ import annotations

from typing import Any

from pypika.functions import Min
from pypika.terms import ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.channel import customer_channel
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.customers import contacts, contract_doctype, contracts
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where


def _documents(reading: Reading) -> Any:
	contract, contact = contracts(reading).as_("contract"), contacts(reading).as_("contact")
	columns = (
		contract.customer,
		contract.owner,
		contract.parent,
		contract.place,
		contract.company,
		contract.day,
		contract.territory,
	)
	met = (
		where(
			Query.from_(contract).join(contact).on(contact.customer == contract.customer),
			reading.day.holds(contract.day),
			contact.day <= contract.day,
			(contact.company == contract.company) | (contact.company == Bound("")),
		)
		.groupby(*columns)
		.select(*columns, Min(contact.day).as_("since"))
	).as_("met")
	query, source = customer_channel(reading, Query.from_(met), met.customer)
	return query.select(
		met.customer.as_("document"),
		met.customer,
		met.owner,
		met.parent,
		met.place,
		met.day,
		met.since,
		met.company,
		met.territory,
		source.as_("source"),
		ValueWrapper(1).as_("quantity"),
		ValueWrapper(0).as_("amount"),
	)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Customer": credited(reading, _documents, contract_doctype, parent="parent", entity="customer")}


FACT = Fact(
	name="first_order",
	meaning="A customer signed its first contract, an order or an invoice, some time after it was first in contact.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Order", "Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity", "Employee"),
	credited_as=("sale", "order"),
)
