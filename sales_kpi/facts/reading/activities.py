"""Calls, meetings and mails: what salespeople do, credited to the user who did it."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import row
from sales_kpi.facts.reading.people import company_of, salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where

_NO_TIME = ValueWrapper(0)


def activity_rows(
	reading: Reading, query: Any, record: Any, moment: Term, user: Term, seconds: Term = _NO_TIME
) -> Any:
	"""Rows of a fact for the records of an activity. They have no territory and no source."""
	day = reading.dialect.day(moment)
	span = reading.day.until(reading.as_of)
	query = where(query, span.holds_moment(moment), reading.of_entities(record.name))
	own = record.company if reading.schema.column(_doctype(record), "company") else None
	query, company = company_of(reading, query, own, user)
	query, person = salesperson_of(reading, query, user, day)
	return row(
		reading, query, document=record.name, day=day, company=company, sales_person=person, amount=seconds
	)


def _doctype(record: Any) -> str:
	"""Doctype of a table; '' of the empty stand-in for a table that the source doesn't have."""
	return str(getattr(record, "_table_name", "")).removeprefix("tab")


def events(reading: Reading, category: str) -> Any:
	"""Calendar entries of a category that weren't cancelled, with their length; 0 if open-ended or negative."""
	event = reading.table("Event")
	length = reading.dialect.seconds_between(event.starts_on, event.ends_on)
	query = where(
		Query.from_(event),
		event.event_category == Bound(category),
		text(event.status) != Bound("Cancelled"),
	)
	seconds = Case().when(event.ends_on > event.starts_on, length).else_(0)
	return activity_rows(reading, query, event, moment=event.starts_on, user=event.owner, seconds=seconds)
