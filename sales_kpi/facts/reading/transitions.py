"""The app's own transition log, read: who owned a document when, and since when it is in a status."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.analytics import Lag
from pypika.analytics import Lead as Next
from pypika.analytics import Sum as RunningSum
from pypika.functions import Max, Min
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, one_of
from sales_kpi.facts.reading.records import Column

NOBODY = ("", "Administrator", "Guest")
"""Users that are no people: incoming mail and daily jobs change records in these names, or in none."""


def _changes(reading: Reading, doctype: str, fieldname: str, log: Any) -> Any:
	return (
		Query.from_(log)
		.where(log.reference_doctype == Bound(doctype))
		.where(log.fieldname == Bound(fieldname))
	)


def owners(reading: Reading, doctype: str, fieldname: str) -> Any:
	"""Spells of ownership: `document`, `owner`, from `first_day` until before `next_day` (NULL: open).

	Whoever owned the document at the end of a day owned it on that day. Before the first change it was the owner
	that this change replaced.
	"""
	log = reading.table("Sales Transition", alias="log")
	day = reading.dialect.day(log.changed_at)
	numbered = (
		_changes(reading, doctype, fieldname, log).select(
			log.reference_name.as_("document"),
			text(log.old_value).as_("before"),
			text(log.new_value).as_("after"),
			day.as_("changed_on"),
			Next(day).over(log.reference_name).orderby(log.changed_at, log.name).as_("next_day"),
			Lag(day).over(log.reference_name).orderby(log.changed_at, log.name).as_("previous_day"),
		)
	).as_("numbered")
	since_change = Query.from_(numbered).select(
		numbered.document,
		numbered.after.as_("owner"),
		numbered.changed_on.as_("first_day"),
		numbered.next_day,
	)
	before_first = (
		Query.from_(numbered)
		.where(numbered.previous_day.isnull())
		.select(
			numbered.document,
			numbered.before.as_("owner"),
			reading.dialect.null(Column.DATE).as_("first_day"),
			numbered.changed_on.as_("next_day"),
		)
	)
	return since_change.union_all(before_first)


def entered_status(reading: Reading, doctype: str, statuses: tuple[str, ...]) -> Any:
	"""When each document was last recorded to enter each of some statuses: `document`, `status`, `day`, `estimated`."""
	log = reading.table("Sales Transition", alias="log")
	return (
		_changes(reading, doctype, "status", log)
		.where(one_of(log.new_value, statuses))
		.groupby(log.reference_name, log.new_value)
		.select(
			log.reference_name.as_("document"),
			log.new_value.as_("status"),
			reading.dialect.day(Max(log.changed_at)).as_("day"),
			_estimated(reading, log, Min).as_("estimated"),
		)
	)


def _estimated(reading: Reading, log: Any, of: Any) -> Term:
	"""Whether the log itself estimated a day, because the change was made before the app was installed."""
	return of(log.estimated) if reading.schema.column("Sales Transition", "estimated") else ValueWrapper(0)


def lost(reading: Reading, doctype: str) -> Any:
	"""Documents that the log holds for lost, with the day: `document`, `day`, `estimated`.

	Lost from a recorded Lost until a user moves it on; a change that no user made (incoming mail, a daily job)
	doesn't bring it back.
	"""
	log = reading.table("Sales Transition", alias="log")
	moved_on = (text(log.new_value) != Bound("Lost")) & text(log.user).notin([Bound(name) for name in NOBODY])
	told = (
		_changes(reading, doctype, "status", log).select(
			log.reference_name.as_("document"),
			log.new_value,
			log.changed_at,
			(
				log.estimated if reading.schema.column("Sales Transition", "estimated") else ValueWrapper(0)
			).as_("estimated"),
			RunningSum(Case().when(moved_on, 1).else_(0))
			.over(log.reference_name)
			.orderby(log.changed_at, log.name)
			.as_("chapter"),
		)
	).as_("told")
	last = (
		Query.from_(told).groupby(told.document).select(told.document, Max(told.chapter).as_("chapter"))
	).as_("last_chapter")
	return (
		Query.from_(told)
		.join(last)
		.on((last.document == told.document) & (last.chapter == told.chapter))
		.where(told.new_value == Bound("Lost"))
		.groupby(told.document)
		.select(
			told.document,
			reading.dialect.day(Min(told.changed_at)).as_("day"),
			Max(told.estimated).as_("estimated"),
		)
	)


def log_or_modified(reading: Reading, query: Any, documents: Any, doctype: str) -> tuple[Any, Term, Term]:
	"""Day on which a document entered the status it has: by the log, else the day it was last modified.

	Returns the query, the day, and 1 where that day is estimated, else 0.
	"""
	modified = reading.dialect.day(documents.modified)
	if not reading.schema.has("Sales Transition"):
		return query, modified, ValueWrapper(1)
	entered = entered_status(
		reading, doctype, ("Converted", "Lost", "Closed", "Do Not Contact", "Lost Quotation")
	).as_("entered")
	query = query.left_join(entered).on(
		(entered.document == documents.name) & (entered.status == documents.status)
	)
	day = Case().when(entered.day.isnull(), modified).else_(entered.day)
	return query, day, Case().when(entered.day.isnull(), 1).else_(entered.estimated)
