"""First sale: the earliest purchase of a customer that is new to a company."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.customers import first_purchases, known_before, shared_by_team
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading


def _documents(reading: Reading) -> Any:
	first, known = first_purchases(reading).as_("first"), known_before(reading).as_("known")
	return (
		Query.from_(first)
		.left_join(known)
		.on((known.customer == first.document) & (known.company == first.company))
		.where(known.customer.isnull())
		.select(first.star)
	)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Customer": shared_by_team(reading, _documents)}


FACT = Fact(
	name="first_sale",
	meaning="A new customer bought for the first time.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family="customers",
)
