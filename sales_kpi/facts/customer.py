"""Customer: the earliest purchase of a customer in a company."""

from __future__ import annotations

from sales_kpi.facts.reading.customers import LIVES
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="customer",
	meaning="A customer bought for the first time on record.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=LIVES.parts("customer"),
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family=LIVES,
)
