"""Through which channel a customer came (rule 7)."""

from __future__ import annotations

from typing import Any

from pypika.terms import Term

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import coalesce, filled
from sales_kpi.facts.reading.reading import Reading, both


def customer_channel(reading: Reading, query: Any, customer: Term) -> tuple[Any, Term]:
	"""The source of a customer: that of its Lead, else of its Opportunity, else '' (rules 7 and 11)."""
	if "source" not in reading.dimensions:
		return query, Bound("")
	party = reading.table("Customer", alias="party")
	lead = reading.table("Lead", alias="party_lead")
	opportunity = reading.table("Opportunity", alias="party_opportunity")
	query = (
		query.left_join(party)
		.on(party.name == customer)
		.left_join(lead)
		.on(both(lead.name == party.lead_name, reading.until_now.holds_moment(lead.creation)))
		.left_join(opportunity)
		.on(
			both(
				opportunity.name == party.opportunity_name,
				reading.until_now.holds(opportunity.transaction_date),
			)
		)
	)
	return query, coalesce(
		filled(reading.channel("Lead", lead)), filled(reading.channel("Opportunity", opportunity)), ""
	)
