"""Costed sale: the lines of invoices and returns whose cost is known, at their net value."""

from __future__ import annotations

from sales_kpi.facts.reading.costs import COSTS
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="costed_sale",
	meaning="The part of what was invoiced whose cost ERPNext knows.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=COSTS.parts("costed_sale"),
	records=(
		"Sales Invoice",
		"Sales Invoice Item",
		"Packed Item",
		"Delivery Note Item",
		"Sales Team",
		"Customer",
		"Lead",
		"Opportunity",
	),
	credited_as=("sale", "credit_note"),
	family=COSTS,
)
