"""Sale: a submitted Sales Invoice that is no return, on its posting date."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.invoices import deals, documents, invoices, is_return
from sales_kpi.facts.reading.reading import Reading, where


def _documents(reading: Reading) -> Any:
	invoice = reading.table("Sales Invoice")
	query = where(
		invoices(reading, invoice),
		is_return(invoice).negate(),
		reading.day.holds(invoice.posting_date),
		reading.of_entities(invoice.name),
	)
	query, quantity = deals(reading, invoice, query)
	return documents(reading, query, "Sales Invoice", invoice, quantity=quantity)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Sales Invoice": credited(reading, _documents, "Sales Invoice")}


FACT = Fact(
	name="sale",
	meaning="An invoice to a customer, net of tax, in the currency of the company.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "POS Invoice", "Customer", "Lead", "Opportunity"),
)
