"""Customer spell: a customer begins to buy, for the first time or again after a lapse."""

from __future__ import annotations

from sales_kpi.facts.reading.customers import LIVES
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="customer_spell",
	meaning="A customer began to buy, or came back after a lapse.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.SALES_TEAM,
	parts=LIVES.parts("customer_spell"),
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family=LIVES,
)
