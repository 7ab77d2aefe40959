"""Making kept sums from the beginning: month by month, or some entities at a time, so that memory stays bounded.

Each part is a transaction of its own and says how far it got, so a rebuild that is killed goes on where it was. Marks are
left alone: what changes meanwhile is marked, and the refresh that follows sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import frappe
from frappe.utils import getdate, now_datetime
from pypika.functions import Max, Min

from sales_kpi.facts.reading.reading import Reading
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals import store
from sales_kpi.totals.months import last_day, months_between
from sales_kpi.totals.refresh import families, refresh, site_reading
from sales_kpi.totals.series import Series, all_series
from sales_kpi.totals.tables import ROW, SERIES, TOTAL
from sales_kpi.totals.touches import DAY_COLUMN, ENTITY_OF, RECORDS_OF

ENTITIES = 2000
"""Entities read at a time."""

ROWS = 60_000
"""About so many rows are held in memory at a time."""

Progress = Callable[[int, int], None]
"""Called with how far a rebuild is and how far it goes."""


BEGUN = "-"
"""Progress of a series of which nothing is built yet."""

MONTHS = "months from "
"""Progress of a series whose entities are read, before the month from which on they have to be summed."""


def rebuild(afresh: bool = False, progress: Progress | None = None) -> None:
	"""Make the sums of all series that aren't complete; of all, complete or not, if `afresh`."""
	with store.alone():
		reading = site_reading()
		if reading is None:
			return
		known = all_series(reading)
		_prepare(known, afresh)
		groups = families(one for one in known.values() if not _state(one).ready)
	for number, together in enumerate(groups):

		def within(done: float, number: int = number) -> None:
			if progress:
				progress(int(1000 * (number + done)), 1000 * len(groups))

		_build(together, within)
	refresh()


def _prepare(known: dict[str, Series], afresh: bool) -> None:
	"""A record for each series; what was made by another statement, or isn't to be trusted, begins anew."""
	for name in frappe.get_all(SERIES, pluck="name"):
		if name not in known:
			_clear(name)
			frappe.db.delete(SERIES, {"name": name})
	for series in known.values():
		state = _state(series)
		if state is None:
			record = frappe.new_doc(SERIES)
			record.name, record.fingerprint = series.name, series.fingerprint
			record.db_insert()
		elif afresh or state.fingerprint != series.fingerprint:
			_update(series, ready=0, progress="", fingerprint=series.fingerprint)


def _state(series: Series) -> Any:
	return frappe.db.get_value(SERIES, series.name, ["ready", "fingerprint", "progress"], as_dict=True)


def _update(series: Series, **values: Any) -> None:
	frappe.db.set_value(SERIES, series.name, values)


def _clear(series: str) -> None:
	frappe.db.delete(TOTAL, {"series": series})
	frappe.db.delete(ROW, {"series": series})


def _build(together: Sequence[Series], told: Callable[[float], None]) -> None:
	"""Make the series of one family, from where an earlier run was stopped."""
	step = _next_entities if together[0].by_entity else _Months().next
	is_done = False
	while not is_done:
		with store.alone():
			reading = site_reading()
			if reading is None or any(_is_outdated(one, reading) for one in together):
				return
			state = _state(together[0])
			if state.ready:
				return
			if not state.progress or len({_state(one).progress for one in together}) > 1:
				for series in together:
					_clear(series.name)
					_update(series, progress=BEGUN, as_of=reading.as_of)
				continue
			progress, share = step(reading, together, state.progress)
			is_done = progress is None
			for series in together:
				if is_done:
					_update(series, ready=1, progress="", built_at=now_datetime())
				else:
					_update(series, progress=progress)
		told(share)


def _is_outdated(series: Series, reading: Reading) -> bool:
	"""Whether the settings have changed since the rebuild began: another one will follow."""
	now, state = all_series(reading).get(series.name), _state(series)
	return now is None or state is None or not now.fingerprint == series.fingerprint == state.fingerprint


@dataclass
class _Months:
	"""Takes months of a fact, as many at a time as memory is glad to hold."""

	at_a_time: int = 1

	def next(self, reading: Reading, together: Sequence[Series], progress: str) -> tuple[str | None, float]:
		"""Sum the months after those that are done. Returns how far that is, None at the end, and the share done."""
		months = _months(reading, together[0])
		left = months if progress == BEGUN else [month for month in months if month.isoformat() > progress]
		if not left:
			return None, 1.0
		chosen = left[: self.at_a_time]
		rows = store.replace_months(SiteSource(), reading, together, chosen[0], last_day(chosen[-1]))
		if rows < ROWS / 3:
			self.at_a_time *= 2
		elif rows > ROWS:
			self.at_a_time = max(1, self.at_a_time // 2)
		return chosen[-1].isoformat(), 1 - (len(left) - len(chosen)) / len(months)


def _months(reading: Reading, series: Series) -> list[date]:
	"""The months in which records of a fact are dated, up to the day of reading; an index tells the first and last."""
	found = []
	for record in RECORDS_OF[series.fact.name]:
		if not reading.schema.has(record):
			continue
		table = frappe.qb.DocType(record)
		column = table[DAY_COLUMN[record]]
		found += [day for day in frappe.qb.from_(table).select(Min(column), Max(column)).run()[0] if day]
	days = [getdate(day) for day in found]
	return list(months_between(min(days), min(max(days), reading.as_of))) if days else []


def _next_entities(reading: Reading, together: Sequence[Series], progress: str) -> tuple[str | None, float]:
	"""Read some entities, in the order of their names; at the end, sum the months that they lie in."""
	if progress.startswith(MONTHS):
		return _next_packed(together, progress)
	doctype = ENTITY_OF[together[0].fact.name]
	after = "" if progress == BEGUN else progress.removeprefix("after ")
	names = frappe.get_all(
		doctype, filters={"name": (">", after)}, order_by="name asc", limit=ENTITIES, pluck="name"
	)
	if not names:
		return f"{MONTHS}0000-00-00", 0.8
	store.replace_entities(SiteSource(), reading, together, names)
	return f"after {names[-1]}", 0.4


def _next_packed(together: Sequence[Series], progress: str) -> tuple[str | None, float]:
	done, row = progress.removeprefix(MONTHS), frappe.qb.DocType(ROW)
	first, last = (
		frappe.qb.from_(row)
		.where(row.series.isin([series.name for series in together]))
		.select(Min(row.day), Max(row.day))
		.run()[0]
	)
	if first is None:
		return None, 1.0
	months = list(months_between(first, last))
	left = [month for month in months if month.isoformat() > done]
	if not left:
		return None, 1.0
	for series in together:
		store.repack(SiteSource(), series, left[:6])
	return f"{MONTHS}{left[:6][-1].isoformat()}", 0.8 + 0.2 * (1 - len(left) / len(months))
