"""Lead conversion: a lead whose customer has ordered or bought, on the first day that it did."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.leads import conversions, lead_rows
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	lead = reading.table("Lead")
	converted = reading.share(conversions(reading), "converted")
	query = Query.from_(lead).join(converted).on(converted.lead == lead.name)
	since = reading.dialect.day(lead.creation)
	return {"Lead": lead_rows(reading, query, lead, converted.day, since=since)}


FACT = Fact(
	name="lead_conversion",
	meaning="A lead became a customer that ordered or bought.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.USER,
	parts=parts,
	records=(
		"Lead",
		"Customer",
		"Sales Order",
		"Sales Invoice",
		"Employee",
		"Sales Person",
		"Sales Transition",
	),
)
