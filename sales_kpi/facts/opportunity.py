"""Opportunity: an Opportunity, on its date, at its value."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import opportunities, opportunity_rows
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	opportunity = reading.table("Opportunity")
	query = where(opportunities(reading, opportunity), reading.day.holds(opportunity.transaction_date))
	return {"Opportunity": opportunity_rows(reading, query, opportunity, opportunity.transaction_date)}


FACT = Fact(
	name="opportunity",
	meaning="A chance to sell something was opened.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=parts,
	records=("Opportunity", "Employee", "Sales Person", "Sales Transition"),
)
