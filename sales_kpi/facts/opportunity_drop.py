"""Opportunity drop: an opportunity that was closed without being won or lost."""

from __future__ import annotations

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import ENDS

FACT = Fact(
	name="opportunity_drop",
	meaning="An opportunity was closed, neither won nor lost.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=ENDS.parts("opportunity_drop"),
	records=(
		"Opportunity",
		"Quotation",
		"Quotation Item",
		"Sales Order",
		"Sales Order Item",
		"Employee",
		"Sales Person",
		"Sales Transition",
	),
	family=ENDS,
)
