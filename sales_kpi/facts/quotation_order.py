"""Quotation order: a quotation that was ordered, on the day of its first Sales Order."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import ordered_quotations, quotation_rows, quotations
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	quotation = reading.table("Quotation")
	ordered = ordered_quotations(reading).as_("ordered")
	query = (
		where(quotations(reading, quotation), reading.since.holds(quotation.transaction_date))
		.join(ordered)
		.on(ordered.quotation == quotation.name)
	)
	rows = quotation_rows(reading, query, quotation, day=ordered.day, since=quotation.transaction_date)
	return {"Quotation": rows}


FACT = Fact(
	name="quotation_order",
	meaning="An offer that somebody ordered.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=parts,
	records=(
		"Quotation",
		"Quotation Item",
		"Sales Order",
		"Sales Order Item",
		"Opportunity",
		"Employee",
		"Sales Person",
		"Sales Transition",
	),
	credited_as=("quotation",),
)
