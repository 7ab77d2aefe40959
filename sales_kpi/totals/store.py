"""Kept sums, written: days and entities of facts replaced by what the records say now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import reduce
from typing import Any

import frappe
from frappe.utils import now_datetime
from pypika.functions import Max
from pypika.terms import Field, Parameter

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span
from sales_kpi.sources.source import Source
from sales_kpi.totals.months import (
	ROW_COLUMNS,
	TOTAL_COLUMNS,
	as_records,
	kept_months,
	kept_rows,
	last_day,
	month_rows,
	months_between,
	told,
)
from sales_kpi.totals.read import month_of, with_numbers
from sales_kpi.totals.series import Series
from sales_kpi.totals.tables import ROW, TOTAL, table

CHUNK = {TOTAL: 200, ROW: 5000}
"""Rows written by one statement: months are long."""

_STANDARD = ("name", "creation", "modified", "owner", "modified_by", "docstatus", "idx")


@contextmanager
def alone() -> Iterator[None]:
	"""A transaction of its own in which nobody else writes sums.

	The lock comes first: what is read afterwards is then of one state, and that state holds what others wrote. It is a
	lock of the database, so it goes with the connection when the process is killed.
	"""
	frappe.db.commit()
	doctype = frappe.qb.DocType("DocType")
	frappe.qb.from_(doctype).where(doctype.name == TOTAL).select(doctype.name).for_update().run()
	try:
		yield
	except BaseException:
		frappe.db.rollback()
		raise
	frappe.db.commit()


def replace_days(source: Source, reading: Reading, together: Sequence[Series], days: Iterable[date]) -> None:
	"""Make the sums of some days anew, of series that are read by one statement."""
	chosen = frozenset(days)
	if not chosen:
		return
	found = told(source, reading.narrowed(day=Span(days=chosen)), together)
	months = sorted({month_of(day) for day in chosen})
	for series in together:
		_replace_in_months(source, series, months, chosen, found[series.name])


def replace_months(
	source: Source, reading: Reading, together: Sequence[Series], first: date, last: date
) -> int:
	"""Make whole months anew, from the first day of one to the last day of another. Returns how many rows they took."""
	found = told(source, reading.narrowed(day=Span(first, last)), together)
	months = list(months_between(first, last))
	for series in together:
		_replace_in_months(source, series, months, None, found[series.name])
	return sum(len(rows) for rows in found.values())


def replace_entities(
	source: Source, reading: Reading, together: Sequence[Series], names: Sequence[str]
) -> dict[str, set[date]]:
	"""Make the rows of some entities anew. Returns the months in which that changed anything, by series.

	These have to be summed anew (`repack`) in the same transaction.
	"""
	if not names:
		return {}
	found = told(source, reading.narrowed(entities=tuple(names)), together)
	changed = {}
	for series in together:
		before, now = kept_rows(source, series, names), as_records(found[series.name])
		left, gone = Counter(before.values()) - Counter(now), []
		for name, row in before.items():
			if left[row] > 0:
				left[row] -= 1
				gone.append(name)
		come = list((Counter(now) - Counter(before.values())).elements())
		_delete(ROW, gone)
		_insert(ROW, ("series", *ROW_COLUMNS), [(series.name, *row) for row in come])
		changed[series.name] = {month_of(row[2]) for row in [*(before[name] for name in gone), *come]}
	return changed


def repack(source: Source, series: Series, months: Iterable[date]) -> None:
	"""Sum months of a series anew from the rows of its entities."""
	chosen = sorted(months)
	if not chosen:
		return
	kept = table(ROW)
	query = Query.from_(kept).where(kept.series == series.name).select(*(kept[name] for name in ROW_COLUMNS))
	spans = [(kept.day >= Bound(month)) & (kept.day <= Bound(last_day(month))) for month in chosen]
	rows = source.run(query.where(reduce(lambda one, other: one | other, spans)))
	_replace_in_months(source, series, chosen, None, with_numbers(rows))


def _replace_in_months(
	source: Source, series: Series, months: Sequence[date], days: frozenset[date] | None, rows: Any
) -> None:
	"""Replace days of some months, all if None, by the rows of a DataFrame."""
	names, before = kept_months(source, series, months, days)
	_delete(TOTAL, names)
	_insert(TOTAL, TOTAL_COLUMNS, month_rows(series, months, before, rows))


def _delete(doctype: str, names: Iterable[int]) -> None:
	found, of = sorted(names), frappe.qb.DocType(doctype)
	for first in range(0, len(found), 1000):
		frappe.qb.from_(of).delete().where(of.name.isin(found[first : first + 1000])).run()


def _insert(doctype: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
	if not rows:
		return
	now, me = now_datetime(), frappe.session.user
	# Only who holds the lock writes here, so the next number is free.
	last = frappe.qb.from_(frappe.qb.DocType(doctype)).select(Max(Field("name"))).run()[0][0] or 0
	given = [(last + number, now, now, me, me, 0, 0, *row) for number, row in enumerate(rows, 1)]
	names = [*_STANDARD, *columns]
	query = (
		frappe.qb.into(frappe.qb.DocType(doctype)).columns(*names).insert(*(Parameter("%s") for _ in names))
	)
	# The driver makes one statement for many rows of this; bulk_insert would take ten times as long.
	chunk = CHUNK[doctype]
	for first in range(0, len(given), chunk):
		frappe.db._cursor.executemany(query.get_sql(), given[first : first + chunk])
