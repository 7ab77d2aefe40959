"""Credit note: a submitted Sales Invoice that is a return, on its own posting date, negative."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.invoices import documents, invoices, is_return
from sales_kpi.facts.reading.reading import Reading, where


def _documents(reading: Reading) -> Any:
	invoice = reading.table("Sales Invoice")
	query = where(
		invoices(reading, invoice),
		is_return(invoice),
		reading.day.holds(invoice.posting_date),
		reading.of_entities(invoice.name),
	)
	return documents(reading, query, "Sales Invoice", invoice)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Sales Invoice": credited(reading, _documents, "Sales Invoice")}


FACT = Fact(
	name="credit_note",
	meaning="What a customer gave back or was credited, net of tax, negative.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
)
