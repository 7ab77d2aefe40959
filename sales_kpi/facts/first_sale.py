"""First sale: the earliest purchase of a customer that is new to a company."""

from __future__ import annotations

from sales_kpi.facts.reading.customers import LIVES
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="first_sale",
	meaning="A new customer bought for the first time.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=LIVES.parts("first_sale"),
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family=LIVES,
)
