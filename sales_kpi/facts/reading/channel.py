"""Through which channel a customer came (rule 7)."""

from __future__ import annotations

from typing import Any

from pypika.terms import Term

from sales_kpi.facts.reading.dialect import coalesce, filled
from sales_kpi.facts.reading.reading import Reading


def customer_channel(reading: Reading, query: Any, customer: Term) -> tuple[Any, Term]:
	"""The source of a customer: that of its Lead, else of its Opportunity, else '' (rule 7)."""
	party = reading.table("Customer", alias="party")
	lead = reading.table("Lead", alias="party_lead")
	opportunity = reading.table("Opportunity", alias="party_opportunity")
	query = (
		query.left_join(party)
		.on(party.name == customer)
		.left_join(lead)
		.on(lead.name == party.lead_name)
		.left_join(opportunity)
		.on(opportunity.name == party.opportunity_name)
	)
	return query, coalesce(
		filled(reading.channel("Lead", lead)), filled(reading.channel("Opportunity", opportunity)), ""
	)
