"""Lead loss: a lead given up (Do Not Contact, Lost Quotation) that never converted."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.leads import conversions, lead_rows, leads
from sales_kpi.facts.reading.reading import Reading, one_of
from sales_kpi.facts.reading.transitions import log_or_modified

LOST = ("Do Not Contact", "Lost Quotation")


def parts(reading: Reading) -> dict[str, Any]:
	lead = reading.table("Lead")
	converted = reading.share(conversions(reading), "converted")
	query = leads(reading, lead).left_join(converted).on(converted.lead == lead.name)
	query = query.where(converted.lead.isnull()).where(one_of(lead.status, LOST))
	query, day, estimated = log_or_modified(reading, query, lead, "Lead")
	since = reading.dialect.day(lead.creation)
	rows = lead_rows(
		reading, query, lead, reading.dialect.later(day, since), since=since, estimated=estimated
	)
	return {"Lead": rows}


FACT = Fact(
	name="lead_loss",
	meaning="A lead was given up.",
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
