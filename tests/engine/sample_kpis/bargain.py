"""Bargain: an invoice of less than 100."""

from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.invoices import documents, invoices, is_purchase
from sales_kpi.facts.reading.reading import where


def small_invoices(reading):
	invoice = reading.table("Sales Invoice")
	query = where(invoices(reading, invoice), is_purchase(invoice), invoice.base_net_total < 100)
	query = where(query, reading.of_entities(invoice.name))
	return documents(reading, query, "Sales Invoice", invoice)


def parts(reading):
	return {"Sales Invoice": credited(reading, small_invoices, "Sales Invoice")}


FACT = Fact(
	name="bargain",
	meaning="Something small was sold.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team"),
)
