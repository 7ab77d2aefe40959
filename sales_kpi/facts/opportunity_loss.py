"""Opportunity loss: an opportunity that is lost, by its status or by the transition log, and no win."""

from __future__ import annotations

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import ENDS

FACT = Fact(
	name="opportunity_loss",
	meaning="An opportunity was lost.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=ENDS.parts("opportunity_loss"),
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
