"""What customers say: Quality Feedback and the app's own survey."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.functions import Avg, Cast, Count
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.channel import customer_channel
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.dialect import filled, text
from sales_kpi.facts.reading.fact import FACT_COLUMNS, row
from sales_kpi.facts.reading.people import company_of, salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.records import Column
from sales_kpi.facts.reading.settings import CreditFallback


def feedback(reading: Reading) -> Any:
	"""Quality Feedback of customers: `document`, `moment`, `customer`, `rating` from 0 to 1. It has no company.

	Forms in which every rating is 1 are left out: ERPNext fills 1 in by itself.
	"""
	form, parameter = (
		reading.table("Quality Feedback"),
		reading.table("Quality Feedback Parameter", alias="answer"),
	)
	given = filled(parameter.rating)
	points = Cast(given, reading.dialect.cast_types()[Column.NUMBER])
	above_one = Count(Case().when(points != 1, 1))
	return (
		where(
			Query.from_(form).join(parameter).on(parameter.parent == form.name),
			form.document_type == Bound("Customer"),
			text(parameter.rating) != Bound(""),
			reading.until_now.holds_moment(form.creation),
			reading.day.holds_moment(form.creation),
			reading.of_entities(form.name),
		)
		.groupby(form.name, form.creation, form.document_name)
		.having(above_one > 0)
		.select(
			form.name.as_("document"),
			form.creation.as_("moment"),
			form.document_name.as_("customer"),
			(Avg(points) / 5.0).as_("rating"),
		)
	)


def answers(reading: Reading) -> Any:
	"""Answers to the app's own survey, in the same columns as `feedback` and `company`."""
	answer = reading.table("KPI Survey Answer")
	return where(
		Query.from_(answer),
		answer.rating.notnull(),
		reading.until_now.holds_moment(answer.answered_on),
		reading.of_entities(answer.name),
	).select(
		answer.name.as_("document"),
		answer.answered_on.as_("moment"),
		answer.customer,
		text(answer.company).as_("company"),
		answer.rating,
	)


def rating_rows(reading: Reading, query: Any, given: Any, own_company: Term | None = None) -> Any:
	"""Rows of the fact: credited to the customer's account manager; without one, to its Sales Team."""
	customer = reading.table("Customer")
	manager = text(customer.account_manager)
	day = reading.dialect.day(given.moment)
	query = where(
		query.left_join(customer).on(customer.name == given.customer), reading.day.holds_moment(given.moment)
	)
	query, company = company_of(reading, query, own_company, manager)
	query, person = salesperson_of(reading, query, manager, day)
	query, source = customer_channel(reading, query, given.customer)
	rows = query.select(
		given.document,
		given.customer.as_("customer"),
		manager.as_("owner"),
		day.as_("day"),
		reading.dialect.null(Column.DATE).as_("since"),
		company.as_("company"),
		person.as_("manager"),
		Case().when(manager == Bound(""), 0).else_(1).as_("managed"),
		text(customer.territory).as_("territory"),
		source.as_("source"),
		ValueWrapper(1).as_("quantity"),
		given.rating.as_("amount"),
	)
	managed, others = rows.as_("managed_rating"), rows.as_("other_rating")
	by_manager = row(
		reading,
		Query.from_(managed).where(managed.managed == 1),
		**{name: managed[name] for name in FACT_COLUMNS if name not in ("sales_person", "estimated")},
		sales_person=managed.manager,
	)
	by_team = Query.from_(others).where(others.managed == 0).select(others.star)
	return credited(
		reading,
		lambda narrowed: by_team,
		"Customer",
		"customer",
		entity=None,
		amount_is_shared=False,
		fallback=CreditFallback.NONE,
	).union_all(by_manager)
