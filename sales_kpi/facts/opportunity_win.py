"""Opportunity win: an opportunity that led to a Sales Order, or is said to be converted."""

from __future__ import annotations

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import ENDS

FACT = Fact(
	name="opportunity_win",
	meaning="An opportunity was won: the first order that came of it, else its status.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=ENDS.parts("opportunity_win"),
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
