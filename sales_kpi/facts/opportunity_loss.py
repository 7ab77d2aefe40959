"""Opportunity loss: an opportunity that is lost, by its status or by the transition log, and no win."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import closed_opportunities
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	return {"Opportunity": closed_opportunities(reading, "Lost")}


FACT = Fact(
	name="opportunity_loss",
	meaning="An opportunity was lost.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=parts,
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
	family="opportunities",
)
