"""One reading of the records: which database, as of which day, for whom, between which days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pypika import Table
from pypika.queries import QueryBuilder
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import DIALECTS, Dialect, text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.records import CHANNEL_COLUMNS, RECORDS, SOURCE, Column
from sales_kpi.facts.reading.settings import Settings


@dataclass(frozen=True)
class Span:
	"""Days from a first to a last, both included; None leaves a side open. Of these only `days`, where they are given."""

	first: date | None = None
	last: date | None = None
	days: frozenset[date] | None = None

	def holds(self, day: Term) -> list[Term]:
		"""Range predicates, so that an index on the column serves."""
		predicates = []
		if self.first is not None:
			predicates.append(day >= Bound(self.first))
		if self.last is not None:
			predicates.append(day <= Bound(self.last))
		if self.days is not None:
			predicates.append(
				_any((day >= Bound(first)) & (day <= Bound(last)) for first, last in runs(self.days))
			)
		return predicates

	def holds_moment(self, moment: Term) -> list[Term]:
		"""The same for a column of moments: those of the last day are included whole."""
		predicates = []
		if self.first is not None:
			predicates.append(moment >= Bound(self.first))
		if self.last is not None:
			predicates.append(moment < Bound(self.last + timedelta(days=1)))
		if self.days is not None:
			predicates.append(
				_any(
					(moment >= Bound(first)) & (moment < Bound(last + timedelta(days=1)))
					for first, last in runs(self.days)
				)
			)
		return predicates

	def until(self, day: date) -> Span:
		"""The part of the span up to a day."""
		return replace(self, last=day if self.last is None else min(self.last, day))


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
	"""Days as runs of days that follow one another, each by its first and last."""
	found: list[tuple[date, date]] = []
	for day in sorted(set(days)):
		if found and day - found[-1][1] == timedelta(days=1):
			found[-1] = (found[-1][0], day)
		else:
			found.append((day, day))
	return found


def _any(conditions: Iterable[Term]) -> Term:
	"""Whether any of some conditions holds; nothing does where there is none."""
	met: Term = NOWHERE
	for number, condition in enumerate(conditions):
		met = condition if number == 0 else met | condition
	return met


NOWHERE = ValueWrapper(1) == ValueWrapper(0)
"""A condition that nothing meets."""


@dataclass(frozen=True)
class Schema:
	"""Which tables the source has and which columns: the version is told by looking, not by a flag."""

	columns: Mapping[str, frozenset[str]]
	"""Column names by table name (`tabSales Invoice`)."""

	def has(self, doctype: str) -> bool:
		return f"tab{doctype}" in self.columns

	def channel(self, doctype: str) -> str | None:
		"""Column that holds the channel of a document: `utm_source` (v16), `source` (v15)."""
		columns = self.columns.get(f"tab{doctype}", frozenset())
		return next((name for name in CHANNEL_COLUMNS if name in columns), None)

	def column(self, doctype: str, name: str) -> bool:
		return name in self.columns.get(f"tab{doctype}", ())


@dataclass(frozen=True)
class UnevenTeams:
	"""Invoices and orders whose Sales Team doesn't add up to the whole, and their customers."""

	documents: tuple[str, ...]
	customers: tuple[str, ...]


DIMENSIONS = frozenset({"sales_person", "territory", "source"})
"""Columns of a fact by which its sums can be told apart."""


class Shared:
	"""The relations that one statement defines up front (WITH) and refers to by name."""

	def __init__(self) -> None:
		self._relations: dict[str, tuple[str, Any]] = {}

	def name_of(self, query: Any) -> str:
		"""Name of a relation; the same for the same query."""
		text = query.get_sql(quote_char='"')
		if text not in self._relations:
			self._relations[text] = (f"shared_{len(self._relations) + 1}", query)
		return self._relations[text][0]

	def complete(self, query: Any) -> Any:
		"""A statement with the definitions of what it refers to."""
		single = isinstance(query, QueryBuilder)
		first = query if single else query.base_query
		for name, relation in self._relations.values():
			first = first.with_(relation, name)
		if not single:
			query.base_query = first
		return first if single else query


@dataclass(frozen=True)
class Reading:
	"""Everything a fact needs to know to write its SELECT.

	as_of: later records are not read (rule 11).
	company: only facts of this company; None means all.
	day, since: only facts on or since these days.
	entities: only facts of these documents or customers; None means all.
	dimensions: what rows are to be told apart by; the others of DIMENSIONS stay '', which spares the look-ups.
	only: the values that some DIMENSIONS may have, where not all rows may be seen; {} means all.
	uneven_teams: the documents whose Sales Team doesn't add up to the whole, where somebody has looked for them.
	with_life: True to leave out the sales of customers that stand for many (rule 8).
	only_company: the name of the only Company there is, '' when there are several (rule 9).
	ahead: True to keep rows whose day is still to come, of records that are read (a lapse that is due later).
	"""

	schema: Schema
	settings: Settings
	as_of: date
	dialect: Dialect = DIALECTS["mysql"]
	company: str | None = None
	day: Span = field(default_factory=Span)
	since: Span = field(default_factory=Span)
	entities: tuple[str, ...] | None = None
	dimensions: frozenset[str] = DIMENSIONS
	only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
	uneven_teams: UnevenTeams | None = None
	with_life: bool = False
	only_company: str = ""
	ahead: bool = False
	shared: Shared = field(default_factory=lambda: Shared(), compare=False)

	def narrowed(self, **changes: Any) -> Reading:
		"""The same reading with some of its limits changed."""
		return replace(self, **changes)

	def statement(self) -> Reading:
		"""The same reading at the start of a new statement, in which nothing is shared yet."""
		return replace(self, shared=Shared())

	def share(self, query: Any, alias: str) -> Any:
		"""A relation that the statement refers to in several places: written, and where possible computed, once."""
		return Table(self.shared.name_of(query)).as_(alias)

	@cached_property
	def until_now(self) -> Span:
		"""All days up to the day of reading."""
		return Span(None, self.as_of)

	def table(self, doctype: str, alias: str | None = None) -> Any:
		"""The table of a doctype; where the source has none, an empty one with the same columns."""
		if self.schema.has(doctype):
			return Table(f"tab{doctype}", alias=alias) if alias else Table(f"tab{doctype}")
		# Texts are taken from a real column, whose collation compares with those of the other tables.
		company = Table("tabCompany")
		nothing = Query.from_(company).where(ValueWrapper(1) == ValueWrapper(0))
		for name, column in RECORDS[doctype].items():
			empty = company.name if column is Column.TEXT else self.dialect.null(column)
			nothing = nothing.select(empty.as_(name))
		return nothing.as_(alias or doctype.lower().replace(" ", "_"))

	def channel(self, doctype: str, table: Any) -> Term:
		"""The channel of a document, '' when none is filled in or its table is missing."""
		column = self.schema.channel(doctype) or (None if self.schema.has(doctype) else SOURCE)
		return text(table[column]) if column else Bound("")

	def of_company(self, company: Term) -> list[Term]:
		"""Predicate that limits to the company asked for."""
		return [] if self.company is None else [company == Bound(self.company)]

	def of_entities(self, name: Term) -> list[Term]:
		"""Predicate that limits to the entities asked for."""
		return [] if self.entities is None else [one_of(name, self.entities)]


def one_of(term: Term, values: Iterable[str]) -> Term:
	"""Whether a text column holds one of the values."""
	bound = [Bound(value) for value in values]
	return term.isin(bound) if bound else NOWHERE


def both(condition: Term, predicates: Iterable[Term]) -> Term:
	"""A condition and all predicates, for a join."""
	for predicate in predicates:
		condition = condition & predicate
	return condition


def where(query: Any, *predicates: Term | list[Term]) -> Any:
	"""Add predicates, given singly or in lists, to a query."""
	for predicate in predicates:
		for single in predicate if isinstance(predicate, list) else [predicate]:
			query = query.where(single)
	return query
