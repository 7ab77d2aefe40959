"""Cost of goods: what the lines of invoices and returns cost, where that is known."""

from __future__ import annotations

from sales_kpi.facts.reading.costs import COSTS
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="cost_of_goods",
	meaning="What the goods behind the costed part of the invoices cost.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=COSTS.parts("cost_of_goods"),
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
