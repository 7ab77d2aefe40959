"""Quotation: a submitted Quotation, on its date."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import quotation_rows, quotations
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	quotation = reading.table("Quotation")
	query = where(quotations(reading, quotation), reading.day.holds(quotation.transaction_date))
	return {"Quotation": quotation_rows(reading, query, quotation)}


FACT = Fact(
	name="quotation",
	meaning="An offer made to somebody.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=parts,
	records=("Quotation", "Quotation Item", "Opportunity", "Employee", "Sales Person", "Sales Transition"),
)
