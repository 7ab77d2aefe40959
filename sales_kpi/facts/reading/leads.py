"""Leads, the customers that they became, and what these bought."""

from __future__ import annotations

from typing import Any

from pypika.functions import Min
from pypika.terms import Term

from sales_kpi.facts.reading.customers import buying_days
from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import row
from sales_kpi.facts.reading.invoices import has_a_life
from sales_kpi.facts.reading.people import company_of, owner_on_day, salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.settings import ConvertedBy


def leads(reading: Reading, lead: Any) -> Any:
	"""Leads created up to the day of reading."""
	return where(
		Query.from_(lead),
		reading.until_now.holds_moment(lead.creation),
		reading.since.holds_moment(lead.creation),
		reading.of_entities(lead.name),
	)


def lead_rows(reading: Reading, query: Any, lead: Any, day: Term, **columns: Any) -> Any:
	"""Rows of a fact for leads, credited to whoever owned them on the day."""
	query, owner = owner_on_day(reading, query, "Lead", lead, day)
	query, company = company_of(reading, query, lead.company, owner)
	query, person = salesperson_of(reading, query, owner, day)
	return row(
		reading,
		query,
		document=lead.name,
		day=day,
		company=company,
		sales_person=person,
		territory=text(lead.territory),
		source=reading.channel("Lead", lead),
		**columns,
	)


def conversions(reading: Reading) -> Any:
	"""Converted leads with the day on which they were: `lead`, `day`."""
	lead, customer = reading.table("Lead"), reading.table("Customer")
	query = leads(reading, lead).join(customer).on(customer.lead_name == lead.name)
	query = where(query, has_a_life(reading, customer.name))
	created = reading.dialect.day(lead.creation)
	if reading.settings.converted_by is ConvertedBy.CUSTOMER_CREATED:
		became = reading.dialect.day(customer.creation)
		return (
			where(query, reading.until_now.holds_moment(customer.creation), became >= created)
			.groupby(lead.name)
			.select(lead.name.as_("lead"), Min(became).as_("day"))
		)
	customers = query.select(lead.name.as_("lead"), customer.name.as_("customer"), created.as_("since")).as_(
		"lead_customer"
	)
	days = buying_days(reading, customers).as_("buying_day")
	return Query.from_(days).groupby(days.lead).select(days.lead, Min(days.day).as_("day"))
