"""Months and entities of facts: what the records say of them, and what is kept, in the form in which it is kept."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pypika.functions import Count, Sum
from pypika.terms import ValueWrapper

from sales_kpi.analysis.entries import Entries, day_of, from_rows, joined, number_of, packed, summed, unpacked
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, one_of
from sales_kpi.sources.source import Source
from sales_kpi.totals.read import month_of, with_numbers
from sales_kpi.totals.series import DIMENSIONS, Series
from sales_kpi.totals.tables import ROW, TOTAL, table
from sales_kpi.totals.touches import as_date

PEOPLE_AND_PLACES = ("sales_person", "territory", "source")

TOTAL_COLUMNS = ("series", "company", "dimension", "month", "leaves", "sums", "entries")
ROW_COLUMNS = ("document", "company", "day", "since", *PEOPLE_AND_PLACES, "quantity", "amount", "estimated")
"""Columns of a kept month, and of a kept row beside its series."""

Months = Mapping[tuple[str, str, date], Sequence[Entries]]
"""Entries by company, dimension and month."""


def told(source: Source, reading: Reading, together: Sequence[Series]) -> dict[str, Any]:
	"""Rows of series that are read by one statement, with days as numbers; summed by day unless they are single."""
	first = together[0]
	fact, statement = first.fact, reading.narrowed(with_life=first.with_life).statement()
	rows = (fact.family or fact).rows(statement).as_("row")
	members = fact.family.members if fact.family else (fact.name,)
	keys = ["company", "day", "since", *PEOPLE_AND_PLACES]
	named = [rows[name] for name in keys]
	which = (rows.which if fact.family else ValueWrapper(0)).as_("which")
	query = Query.from_(rows).select(*named, which)
	if first.single:
		query = query.select(rows.document, rows.quantity, rows.amount, rows.estimated)
	else:
		query = query.groupby(*named, *([rows.which] if fact.family else [])).select(
			Sum(rows.quantity).as_("quantity"),
			Sum(rows.amount).as_("amount"),
			Sum(rows.estimated).as_("estimated"),
			Count("*").as_("rows"),
		)
	frame = with_numbers(source.run(statement.shared.complete(query)))
	return {series.name: frame[frame["which"] == members.index(series.fact.name)] for series in together}


def month_rows(series: Series, months: Sequence[date], before: Months, rows: Any) -> list[tuple[Any, ...]]:
	"""Kept months (TOTAL_COLUMNS) of what stays of them and of the rows of a DataFrame."""
	parts: dict[tuple[str, str, date], list[Entries]] = defaultdict(
		list, {key: list(entries) for key, entries in before.items()}
	)
	for company, of_company in rows.groupby("company", sort=False) if len(rows) else ():
		for dimension in DIMENSIONS:
			entries = from_rows(of_company, dimension, series.single)
			for month, of_month in _by_month(entries, months):
				parts[str(company), dimension, month].append(of_month)
	made = []
	for (company, dimension, month), of in parts.items():
		entries = joined(of)
		if len(entries):
			text = json.dumps(entries.leaves, ensure_ascii=False)
			sums = packed(summed(entries, number_of(month)))
			made.append((series.name, company, dimension, month, text, sums, packed(entries)))
	return made


def _by_month(entries: Entries, months: Sequence[date]) -> Iterator[tuple[date, Entries]]:
	"""Entries, which are in the order of their days, told apart by months."""
	import numpy as np

	for month in months:
		first, behind = np.searchsorted(entries.day, [number_of(month), number_of(last_day(month)) + 1])
		if first < behind:
			yield month, entries.where(slice(first, behind)).with_used_leaves()


def kept_months(
	source: Source, series: Series, months: Sequence[date], days: frozenset[date] | None
) -> tuple[list[int], dict[tuple[str, str, date], list[Entries]]]:
	"""Names of the kept months, and what of them stays."""
	import numpy as np

	kept = table(TOTAL)
	columns = (
		[kept.name]
		if days is None
		else [kept.name, kept.company, kept.dimension, kept.month, kept.leaves, kept.entries]
	)
	rows = source.run(
		Query.from_(kept)
		.where(kept.series == series.name)
		.where(kept.month.isin([Bound(month) for month in months]))
		.select(*columns)
	)
	names = [int(name) for name in rows["name"]]
	if days is None:
		return names, {}
	gone = [number_of(day) for day in days]
	stays = {}
	for _, company, dimension, month, leaves, text in rows.itertuples(index=False):
		entries = unpacked(leaves, text)
		stays[str(company or ""), str(dimension or ""), as_date(month)] = [
			entries.where(~np.isin(entries.day, gone)).with_used_leaves()
		]
	return names, stays


def kept_rows(source: Source, series: Series, names: Sequence[str]) -> dict[int, tuple[Any, ...]]:
	"""Rows kept of some entities, by their name."""
	kept = table(ROW)
	rows = source.run(
		Query.from_(kept)
		.where(kept.series == series.name)
		.where(one_of(kept.document, names))
		.select(kept.name, *(kept[name] for name in ROW_COLUMNS))
	)
	return {
		int(row[0]): tuple(
			as_date(value) if name in ("day", "since") else str(value or "")
			for name, value in zip(ROW_COLUMNS, row[1:], strict=True)
		)
		for row in rows.itertuples(index=False, name=None)
	}


def as_records(rows: Any) -> list[tuple[Any, ...]]:
	"""Rows of a statement as they are kept: numbers as texts, which keep them to the last digit."""
	columns = [
		[day_of(int(day)) for day in rows[name]]
		if name in ("day", "since")
		else [repr(float(number)) for number in rows[name]]
		if name in ("quantity", "amount", "estimated")
		else [str(text or "") for text in rows[name]]
		for name in ROW_COLUMNS
	]
	return list(zip(*columns, strict=True))


def months_between(first: date, last: date) -> Iterator[date]:
	"""First days of all months from that of one day to that of another."""
	month = month_of(first)
	while month <= last:
		yield month
		month = last_day(month) + timedelta(days=1)


def last_day(month: date) -> date:
	"""Last day of a month."""
	return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


# What is kept beside what the records say


DayKey = tuple[str, date]
LeafSums = dict[tuple[str, str, date, str], tuple[float, float]]
"""Quantity and amount by company, dimension, day and leaf."""


def month_told(
	source: Source, reading: Reading, together: Sequence[Series], month: date
) -> dict[str, LeafSums]:
	"""What the records say of a month, by name of the series."""
	found = told(source, reading.narrowed(day=Span(month, last_day(month))), together)
	said = {}
	for series in together:
		sums: LeafSums = {}
		rows = found[series.name]
		for company, of_company in rows.groupby("company", sort=False) if len(rows) else ():
			for dimension in DIMENSIONS:
				_add(sums, str(company), dimension, from_rows(of_company, dimension, series.single))
		said[series.name] = sums
	return said


def month_kept(source: Source, series: Series, month: date) -> LeafSums:
	"""What is kept of a month."""
	sums: LeafSums = {}
	_, months = kept_months(source, series, [month], frozenset())
	for (company, dimension, _month), parts in months.items():
		_add(sums, company, dimension, joined(parts))
	return sums


def _add(sums: LeafSums, company: str, dimension: str, entries: Entries) -> None:
	for number in range(len(entries)):
		day = day_of(int(entries.day[number]))
		assert day is not None
		key = company, dimension, day, entries.leaves[entries.leaf[number]]
		quantity, amount = sums.get(key, (0.0, 0.0))
		sums[key] = (
			quantity + float(entries.quantity[number]),
			amount + float(entries.amount[number]),
		)


def unequal_days(one: LeafSums, other: LeafSums, dust: float = 1e-6) -> set[DayKey]:
	"""Companies and days of which any sum differs."""
	nothing = (0.0, 0.0)
	return {
		(key[0], key[2])
		for key in one.keys() | other.keys()
		for mine, its in zip(one.get(key, nothing), other.get(key, nothing), strict=True)
		if abs(mine - its) > dust * max(1.0, abs(its))
	}


def unequal_entities(
	source: Source, reading: Reading, together: Sequence[Series], names: Sequence[str]
) -> Iterator[tuple[Series, str, tuple[float, float], tuple[float, float]]]:
	"""Entities whose kept rows aren't those that the records say, each with the sums of both."""
	found = told(source, reading.narrowed(entities=tuple(names)), together)
	for series in together:
		kept: dict[str, list[Any]] = defaultdict(list)
		said: dict[str, list[Any]] = defaultdict(list)
		for row in kept_rows(source, series, names).values():
			kept[row[0]].append(row)
		for row in as_records(found[series.name]):
			said[row[0]].append(row)
		for entity in sorted(kept.keys() | said.keys()):
			mine, its = kept.get(entity, []), said.get(entity, [])
			if sorted(mine, key=repr) != sorted(its, key=repr):
				yield series, entity, _sums(mine), _sums(its)


def _sums(rows: Iterable[Any]) -> tuple[float, float]:
	rows = list(rows)
	return sum(float(row[7]) for row in rows), sum(float(row[8]) for row in rows)
