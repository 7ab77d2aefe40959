"""Kept sums, read: those of clean days and entities as they are kept, all else left to the records.

Everything is read in one transaction, so that sums, marks and records are of one state: a change is seen with its mark,
or not at all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sales_kpi.analysis.entries import (
	COLUMNS,
	NEVER,
	Entries,
	from_rows,
	joined,
	nothing,
	number_of,
	unpacked,
)
from sales_kpi.analysis.sums import Credited, Kept, Missing, Wanted
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import DIMENSIONS, Reading, one_of
from sales_kpi.sources.source import Source
from sales_kpi.totals.series import Series, all_series, series_name
from sales_kpi.totals.tables import MARK, ROW, SERIES, TOTAL, table
from sales_kpi.totals.touches import Mark, Touched, as_date, passed, touched

MANY_MARKS = 500
"""More waiting marks than this are not worked out while somebody waits: everything is read from the records."""


def month_of(day: date) -> date:
	"""First day of a day's month."""
	return day.replace(day=1)


@dataclass
class State:
	"""Which series can be read, and what of them holds no longer.

	is_behind: so many changes wait that nothing kept is used.
	"""

	ready: dict[str, Series] = field(default_factory=dict)
	touched: Touched = field(default_factory=Touched)
	is_behind: bool = False


def state_of(source: Source, reading: Reading) -> State:
	"""What can be read of the kept sums. reading: of all companies, as of today."""
	series, made = all_series(reading), _made(source)
	ready = {
		name: one
		for name, one in series.items()
		if name in made and made[name][0] == one.fingerprint and made[name][1] <= reading.as_of
	}
	if not ready:
		return State()
	marks = [mark for _, mark in waiting(source, MANY_MARKS + 1)]
	found = all_touched(source, reading, marks, min(made[name][1] for name in ready), MANY_MARKS)
	if found is None:
		return State(is_behind=True)
	return State({name: one for name, one in ready.items() if one.fact.name not in found.whole}, found)


def all_touched(
	source: Source, reading: Reading, marks: list[Mark], as_of: date, most: int | None = None
) -> Touched | None:
	"""What marks touch, and what time has since sums were made as of a day; None for more marks than `most`."""
	by_time, found = passed(source, reading, as_of)
	marks = marks + by_time
	if most is not None and len(marks) > most:
		return None
	return touched(source, reading, marks, found)


def _made(source: Source) -> dict[str, tuple[str, date]]:
	"""Series that are complete: fingerprint and the day as of which they were made, by name."""
	kept = table(SERIES)
	rows = source.run(
		Query.from_(kept).where(kept.ready == 1).select(kept.name, kept.fingerprint, kept.as_of)
	)
	return {
		str(name): (str(made_by), as_date(as_of))
		for name, made_by, as_of in rows.itertuples(index=False)
		if as_date(as_of) is not None
	}


def waiting(source: Source, most: int) -> list[tuple[int, Mark]]:
	"""The oldest marks that wait, with their names."""
	kept = table(MARK)
	query = Query.from_(kept).select(kept.name, kept.record, kept.entity, kept.day).orderby(kept.name)
	return [
		(int(name), Mark(str(record), str(entity or ""), as_date(day)))
		for name, record, entity, day in source.run(query.limit(most)).itertuples(index=False)
	]


@dataclass
class Totals:
	"""The kept sums of a site, as `FactSums` asks for them. reading: of all companies, as of today."""

	source: Source
	reading: Reading

	def __post_init__(self) -> None:
		self.state = state_of(self.source, self.reading)

	def kept(self, wanted: Iterable[Wanted], reading: Reading, leaf: str) -> dict[Wanted, Kept]:
		"""What is kept of the series that are wanted; those left out have to be read from the records.

		reading: what is asked for. leaf: the column by which it is told apart, '' for none.
		"""
		dimension = _dimension(reading, leaf)
		if dimension is None or reading.as_of != self.reading.as_of:
			return {}
		series = {
			one: self.state.ready[name]
			for one in wanted
			for name in [series_name(one.fact, one.with_life)]
			if name in self.state.ready and (self.state.ready[name].single or not one.singly)
		}
		months = _Months(self.source, reading.company or "", dimension, self.state.touched)
		exact, early = months.read(series)
		found = {}
		for one, of in series.items():
			parts = [exact[of.name], _taken_back(self.source, of, reading, dimension, self.state.touched)]
			entries = _only(joined(parts), reading.only, dimension, leaf)
			before = _only(early[of.name], reading.only, dimension, leaf)
			found[one] = Kept(entries, before, of.single, _missing(of, self.state.touched))
		return found

	def credited(self, reading: Reading) -> Credited | None:
		"""Salespeople credited in a company, as far as kept sums tell."""
		if reading.as_of != self.reading.as_of:
			return None
		kept = table(TOTAL)
		query = (
			Query.from_(kept)
			.where(kept.company == (reading.company or ""))
			.where(kept.dimension == "sales_person")
			.select(kept.series, kept.month, kept.leaves)
		)
		touched_months = {
			name: {month_of(day) for day in days} for name, days in self.state.touched.days.items()
		}
		surely: set[str] = set()
		perhaps: set[str] = set()
		for name, month, leaves in self.source.run(query).itertuples(index=False, name=None):
			series = self.state.ready.get(name)
			if series is None:
				continue
			fact, first = series.fact.name, as_date(month)
			if first > reading.as_of:
				continue
			is_clean = first not in touched_months.get(fact, ()) and not self.state.touched.entities.get(fact)
			# The month of the day of reading may hold rows of days to come.
			is_past = not series.by_entity or first < month_of(reading.as_of)
			(surely if is_clean and is_past else perhaps).add(leaves)
		sure, unsure = ({name for text in texts for name in json.loads(text)} for texts in (surely, perhaps))
		missing = {one.fact.name: _missing(one, self.state.touched) for one in self.state.ready.values()}
		return Credited(sure, unsure - sure, missing)


def _dimension(reading: Reading, leaf: str) -> str | None:
	"""The dimension whose sums tell what is asked for; None when it would take two."""
	columns = {leaf} - {""} | set(reading.only)
	return next(iter(columns), "") if len(columns) <= 1 else None


def _only(entries: Entries, only: Mapping[str, tuple[str, ...]], dimension: str, leaf: str) -> Entries:
	"""The entries whose leaf may be seen, all of one leaf where they aren't told apart."""
	import numpy as np

	if only:
		allowed = np.array([name in only[dimension] for name in entries.leaves] or [False])
		entries = entries.where(allowed[entries.leaf]) if len(entries) else entries
	if dimension and not leaf:
		entries = entries.without_leaves()
	return entries


def _missing(series: Series, of: Touched) -> Missing:
	if series.by_entity:
		return Missing(entities=frozenset(of.entities.get(series.fact.name, ())))
	return Missing(days=frozenset(of.days.get(series.fact.name, ())))


@dataclass
class _Months:
	"""The kept months of a company by one dimension."""

	source: Source
	company: str
	dimension: str
	touched: Touched

	def read(self, wanted: Mapping[Wanted, Series]) -> tuple[dict[str, Entries], dict[str, Entries]]:
		"""The entries of the days asked for, and the sums of the months before, by name of the series."""
		exact: dict[str, list[Entries]] = {one.name: [] for one in wanted.values()}
		early: dict[str, list[Entries]] = {one.name: [] for one in wanted.values()}
		by_months: dict[tuple[Any, ...], list[Series]] = defaultdict(list)
		for one, series in wanted.items():
			first = month_of(one.first) if one.first else None
			by_months[first, month_of(one.last), one.from_beginning].append(series)
		for (first, last, from_beginning), group in by_months.items():
			for series, entries in self._entries(group, first, last):
				exact[series.name].append(entries)
			if from_beginning and first:
				for series, entries in self._before(group, first, exact):
					early[series.name].append(entries)
		return (
			{name: joined(parts) for name, parts in exact.items()},
			{name: joined(parts) for name, parts in early.items()},
		)

	def _query(self, group: list[Series]) -> tuple[Any, Any]:
		kept = table(TOTAL)
		query = (
			Query.from_(kept)
			.where(one_of(kept.series, [series.name for series in group]))
			.where(kept.company == self.company)
			.where(kept.dimension == self.dimension)
			.select(kept.series, kept.leaves)
		)
		return kept, query

	def _entries(
		self, group: list[Series], first: date | None, last: date
	) -> Iterable[tuple[Series, Entries]]:
		kept, query = self._query(group)
		query = query.select(kept.entries).where(kept.month <= Bound(last))
		if first:
			query = query.where(kept.month >= Bound(first))
		return self._clean(group, query)

	def _before(
		self, group: list[Series], first: date, exact: dict[str, list[Entries]]
	) -> Iterable[tuple[Series, Entries]]:
		"""Sums of the months before one; a month with touched days is added to the exact ones instead."""
		for series in group:
			days = {day for day in self._days(series) if day < first}
			if days:
				kept, query = self._query([series])
				months = [Bound(month) for month in {month_of(day) for day in days}]
				query = query.select(kept.entries).where(kept.month.isin(months))
				exact[series.name] += [entries for _, entries in self._clean([series], query)]
		by_name = {series.name: series for series in group}
		kept, query = self._query(group)
		rows = self.source.run(query.select(kept.sums, kept.month).where(kept.month < Bound(first)))
		for name, leaves, sums, month in rows.itertuples(index=False):
			series = by_name[name]
			if as_date(month) not in {month_of(day) for day in self._days(series)}:
				yield series, unpacked(leaves, sums)

	def _days(self, series: Series) -> set[date]:
		return set() if series.by_entity else self.touched.days.get(series.fact.name, set())

	def _clean(self, group: list[Series], query: Any) -> Iterable[tuple[Series, Entries]]:
		import numpy as np

		by_name = {series.name: series for series in group}
		for name, leaves, packed in self.source.run(query).itertuples(index=False):
			series, entries = by_name[name], unpacked(leaves, packed)
			days = self._days(series)
			if days:
				entries = entries.where(~np.isin(entries.day, [number_of(day) for day in days]))
			yield series, entries


def _taken_back(source: Source, series: Series, reading: Reading, dimension: str, of: Touched) -> Entries:
	"""Entries that take back what is kept of touched entities."""
	names = sorted(of.entities.get(series.fact.name, ())) if series.by_entity else []
	if not names:
		return nothing()
	kept = table(ROW)
	rows = source.run(
		Query.from_(kept)
		.where(kept.series == series.name)
		.where(one_of(kept.document, names))
		.where(kept.company == (reading.company or ""))
		.select(
			kept.day,
			kept.since,
			*(kept[name] for name in sorted(DIMENSIONS)),
			kept.quantity,
			kept.amount,
			kept.estimated,
		)
	)
	return from_rows(with_numbers(rows), dimension, single=True).negative()


def with_numbers(rows: Any) -> Any:
	"""Rows with their days as numbers, as entries count them, and `rows` 1 where they have none."""
	import numpy as np
	import pandas as pd

	rows = rows.copy()
	for name in ("day", "since"):
		days = pd.to_datetime(rows[name]).to_numpy().astype("datetime64[D]")
		rows[name] = np.where(np.isnat(days), NEVER, days.astype("int64")).astype("<i4")
	if "rows" not in rows:
		rows["rows"] = 1
	for name, kind in COLUMNS:
		if name in rows and kind == "<f8":
			rows[name] = rows[name].astype(float).fillna(0.0)
	return rows
