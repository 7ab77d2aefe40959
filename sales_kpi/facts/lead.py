"""Lead: a Lead, on the day it was created."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.leads import lead_rows, leads
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	lead = reading.table("Lead")
	query = where(leads(reading, lead), reading.day.holds_moment(lead.creation))
	return {"Lead": lead_rows(reading, query, lead, reading.dialect.day(lead.creation))}


FACT = Fact(
	name="lead",
	meaning="Somebody who might buy came to be known.",
	kind=Kind.BY_DAY,
	measure=Measure.NOTHING,
	credit=CreditRule.USER,
	parts=parts,
	records=("Lead", "Employee", "Sales Person", "Sales Transition"),
)
