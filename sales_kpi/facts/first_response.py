"""First response: how long an opportunity waited for its first answer."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.dialect import number
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import opportunities, opportunity_rows
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	opportunity = reading.table("Opportunity")
	seconds = number(opportunity.first_response_time)
	query = where(
		opportunities(reading, opportunity), reading.day.holds(opportunity.transaction_date), seconds > 0
	)
	rows = opportunity_rows(reading, query, opportunity, opportunity.transaction_date, amount=seconds)
	return {"Opportunity": rows}


FACT = Fact(
	name="first_response",
	meaning="Somebody who asked got a first answer.",
	kind=Kind.PER_DOCUMENT,
	measure=Measure.SECONDS,
	credit=CreditRule.USER,
	parts=parts,
	records=("Opportunity", "Employee", "Sales Person", "Sales Transition"),
	credited_as=("opportunity",),
)
