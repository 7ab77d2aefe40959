"""Whose a CRM record is: its user on the day, that user's salesperson and company (rules 6 and 9)."""

from __future__ import annotations

from typing import Any

from pypika import Case, Order
from pypika.analytics import RowNumber
from pypika.functions import Lower, Min, Substring, Trim
from pypika.terms import Term

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import coalesce, filled, number, text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.facts.reading.transitions import owners


def salesperson_of(reading: Reading, query: Any, user: Term, day: Term) -> tuple[Any, Term]:
	"""The salesperson of a user on a day, '' when nobody is, with the query that looks it up.

	The settings' mapping wins, else the Employee with this user and the Sales Person with that employee (of several
	the enabled first, then by name).
	"""
	if "sales_person" not in reading.dimensions:
		return query, Bound("")
	known = employees_salespeople(reading).as_("salesperson_of_user")
	query = query.left_join(known).on(known.user_name == user)
	through_employee = text(known.sales_person)
	if not reading.settings.mapping:
		return query, through_employee
	mapped = Case()
	for row in reading.settings.mapping:
		holds = user == Bound(row.user)
		if row.first_day:
			holds = holds & (day >= Bound(row.first_day))
		if row.last_day:
			holds = holds & (day <= Bound(row.last_day))
		mapped = mapped.when(holds, Bound(row.sales_person))
	return query, mapped.else_(through_employee)


def employees_salespeople(reading: Reading) -> Any:
	"""Salespeople of the users that an Employee links: `user_name`, `sales_person`."""
	employee, person = reading.table("Employee"), reading.table("Sales Person")
	ranked = (
		Query.from_(employee)
		.join(person)
		.on(person.employee == employee.name)
		.where(text(employee.user_id) != Bound(""))
		.select(
			employee.user_id.as_("user_name"),
			person.name.as_("sales_person"),
			RowNumber()
			.over(employee.user_id)
			.orderby(number(person.enabled), order=Order.desc)
			.orderby(person.name)
			.as_("place"),
		)
	).as_("ranked")
	return Query.from_(ranked).where(ranked.place == 1).select(ranked.user_name, ranked.sales_person)


def company_of(reading: Reading, query: Any, company: Term | None, user: Term) -> tuple[Any, Term]:
	"""The company of a record that may have none of its own, with the query that looks it up.

	That of the user's Employee (of several the active first, then by name), else the only Company there is, else ''.
	"""
	employee = reading.table("Employee")
	ranked = (
		Query.from_(employee)
		.where(text(employee.user_id) != Bound(""))
		.select(
			employee.user_id.as_("user_name"),
			employee.company,
			RowNumber()
			.over(employee.user_id)
			.orderby(Case().when(employee.status == Bound("Active"), 0).else_(1))
			.orderby(employee.name)
			.as_("place"),
		)
	).as_("ranked_employee")
	known = (Query.from_(ranked).where(ranked.place == 1).select(ranked.user_name, ranked.company)).as_(
		"company_of_user"
	)
	query = query.left_join(known).on(known.user_name == user)
	own = [filled(company)] if company is not None else []
	return query, coalesce(*own, filled(known.company), reading.only_company)


def user_of_sender(reading: Reading, query: Any, sender: Term, otherwise: Term) -> tuple[Any, Term]:
	"""The User whose e-mail a sender gives, "Name <…>" and case ignored; else the user recorded."""
	user = reading.table("User")
	address = Lower(Trim(user.email))
	users = (
		Query.from_(user)
		.where(text(user.email) != Bound(""))
		.groupby(address)
		.select(address.as_("address"), Min(user.name).as_("user_name"))
	).as_("user_of_address")
	opening, closing = reading.dialect.position(sender, "<"), reading.dialect.position(sender, ">")
	bare = (
		Case()
		.when(
			(opening > 0) & (closing > opening),
			Substring(sender, opening + 1, closing - opening - 1),
		)
		.else_(sender)
	)
	query = query.left_join(users).on(users.address == Lower(Trim(bare)))
	return query, coalesce(filled(users.user_name), otherwise)


OWNER = {"Lead": "lead_owner", "Opportunity": "opportunity_owner"}
"""The field that holds who owns a record."""


def owner_on_day(reading: Reading, query: Any, doctype: str, record: Any, day: Term) -> tuple[Any, Term]:
	"""Who owned a Lead or Opportunity on a day: by the transition log where it knows, else today's owner."""
	owner = record[OWNER[doctype]]
	if not reading.schema.has("Sales Transition"):
		return query, owner
	held = owners(reading, doctype, OWNER[doctype]).as_("held")
	query = query.left_join(held).on(
		(held.document == record.name)
		& (held.first_day.isnull() | (held.first_day <= day))
		& (held.next_day.isnull() | (held.next_day > day))
	)
	return query, Case().when(held.document.isnull(), owner).else_(held.owner)
