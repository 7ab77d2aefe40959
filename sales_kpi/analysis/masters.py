"""The masters that figures are arranged by: companies, salespeople and their teams, territories, sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from pypika.functions import Abs, Sum

from sales_kpi.errors import InputError, SourceError, Word
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Schema, UnevenTeams, one_of
from sales_kpi.facts.reading.records import CHANNEL_COLUMNS, ESSENTIAL, OWN, RECORDS, SOURCE
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.sources.source import Source

CHANNELS = ("UTM Source", "Lead Source")
"""Doctypes that list the channels, newest version first."""


@dataclass(frozen=True)
class Node:
	"""A node of a tree that is kept as a nested set."""

	name: str
	parent: str
	is_group: bool
	enabled: bool
	lft: int
	rgt: int

	def holds(self, other: Node) -> bool:
		"""Whether the other is this node or lies below it."""
		return self is other or (self.lft < self.rgt and self.lft <= other.lft and other.rgt <= self.rgt)


@dataclass(frozen=True)
class Masters:
	"""What a source says of its companies, trees and channels.

	companies: currency by name. mapped: salespeople that some user maps to.
	"""

	schema: Schema
	companies: Mapping[str, str]
	salespeople: Mapping[str, Node]
	territories: Mapping[str, Node]
	channels: tuple[str, ...]
	mapped: frozenset[str]

	def reading(self, settings: Settings, as_of: date, source: Source, company: str) -> Reading:
		"""A reading of one company's records."""
		if company not in self.companies:
			raise unknown("company", company, self.companies)
		return Reading(
			schema=self.schema,
			settings=settings,
			as_of=as_of,
			dialect=source.dialect,
			company=company,
			only_company=next(iter(self.companies)) if len(self.companies) == 1 else "",
		)

	def members(self, tree: Mapping[str, Node], group: str) -> list[str]:
		"""Names of a node and of all below it."""
		return [node.name for node in tree.values() if tree[group].holds(node)]


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
	"""Says that a name doesn't exist, with those that are meant perhaps."""
	names = list(known)
	near = get_close_matches(name, names, n=3, cutoff=0.5)
	told = {"kind": Word(kind), "name": repr(name)}
	if near:
		meant = " or ".join(repr(one) for one in near)
		return InputError("There is no {kind} {name}. Did you mean {meant}?", **told, meant=meant)
	if not names:
		return InputError("There is no {kind} {name}; the database has none at all.", **told)
	some = ", ".join(repr(one) for one in names[:8])
	if len(names) > 8:
		return InputError("There is no {kind} {name}. There are: {some}, …", **told, some=some)
	return InputError("There is no {kind} {name}. There are: {some}.", **told, some=some)


def checked_schema(source: Source) -> Schema:
	"""The source's schema, after making sure that it is ERPNext's and that no column is missing."""
	schema = source.schema()
	missing = [doctype for doctype in ESSENTIAL if not schema.has(doctype)]
	if missing:
		name = getattr(source, "name", "This database")
		tables = ", ".join(f"tab{doctype}" for doctype in missing)
		raise SourceError(f"{name} holds no ERPNext: it has no table {tables}.")
	for doctype, columns in RECORDS.items():
		if not schema.has(doctype):
			continue
		for column in columns:
			if column == SOURCE:
				if schema.channel(doctype) is None:
					raise SourceError(f"Table tab{doctype} has no column {' or '.join(CHANNEL_COLUMNS)}.")
			elif not schema.column(doctype, column):
				raise SourceError(f"Table tab{doctype} has no column {column}: ERPNext 15 and 16 have one.")
	return schema


def absent(schema: Schema) -> list[str]:
	"""Doctypes of ERPNext that the source has no table for; facts take them as empty."""
	return [doctype for doctype in RECORDS if doctype not in OWN and not schema.has(doctype)]


def read_masters(source: Source, settings: Settings, schema: Schema | None = None) -> Masters:
	"""Read the masters, and check that what the settings name exists."""
	schema = schema or checked_schema(source)
	reading = Reading(schema=schema, settings=settings, as_of=date.today(), dialect=source.dialect)
	company = reading.table("Company")
	companies = source.run(
		Query.from_(company).select(company.name, company.default_currency).orderby(company.name)
	)
	masters = Masters(
		schema=schema,
		companies={
			str(name): currency if isinstance(currency, str) else ""
			for name, currency in companies.itertuples(index=False)
		},
		salespeople=_tree(source, reading, "Sales Person", "parent_sales_person", "enabled"),
		territories=_tree(source, reading, "Territory", "parent_territory", None),
		channels=_channels(source, schema),
		mapped=frozenset(),
	)
	_check_settings(source, reading, masters)
	return replace(masters, mapped=_mapped(source, reading))


def _tree(
	source: Source, reading: Reading, doctype: str, parent: str, enabled: str | None
) -> dict[str, Node]:
	table = reading.table(doctype)
	columns = [table.name, table[parent], table.is_group, table.lft, table.rgt]
	if enabled:
		columns.append(table[enabled])
	nodes: dict[str, Node] = {}
	for row in source.run(Query.from_(table).select(*columns).orderby(table.lft, table.name)).itertuples(
		index=False
	):
		name, above, is_group, lft, rgt, *rest = (None if value != value else value for value in row)
		nodes[str(name)] = Node(
			str(name),
			above or "",
			bool(is_group),
			bool(rest[0]) if rest else True,
			int(lft or 0),
			int(rgt or 0),
		)
	return nodes


def _channels(source: Source, schema: Schema) -> tuple[str, ...]:
	from pypika import Table

	for doctype in CHANNELS:
		if schema.has(doctype):
			table = Table(f"tab{doctype}")
			rows = source.run(Query.from_(table).select(table.name).orderby(table.name))
			if len(rows):
				return tuple(str(name) for name in rows.iloc[:, 0])
	return ()


def _mapped(source: Source, reading: Reading) -> frozenset[str]:
	"""Salespeople that some user maps to, by the settings or through an Employee."""
	from sales_kpi.facts.reading.people import employees_salespeople

	rows = source.run(employees_salespeople(reading))
	settings = reading.settings
	by_employee = {
		str(person)
		for user, person in zip(rows["user_name"], rows["sales_person"])
		if not settings.always_maps(str(user))
	}
	return frozenset(by_employee | {row.sales_person for row in settings.mapping})


def _check_settings(source: Source, reading: Reading, masters: Masters) -> None:
	settings = reading.settings
	people = {row.sales_person for row in settings.mapping} | set(settings.cost_center_sales_person.values())
	for name in sorted(people - {""}):
		if name not in masters.salespeople:
			raise unknown("Sales Person", name, masters.salespeople)
	centers = set(settings.cost_center_sales_person) | set(settings.cost_center_source)
	_check_names(source, reading, "Account", settings.acquisition_accounts)
	_check_names(source, reading, "Cost Center", sorted(centers))
	_check_names(source, reading, "Customer", settings.not_one_customer)


def _check_names(source: Source, reading: Reading, doctype: str, names: Iterable[str]) -> None:
	names = list(dict.fromkeys(names))
	if not names:
		return
	table = reading.table(doctype)
	found = set(source.run(Query.from_(table).select(table.name).where(one_of(table.name, names))).iloc[:, 0])
	for name in names:
		if name not in found:
			known: Any = source.run(Query.from_(table).select(table.name).limit(20_000)).iloc[:, 0]
			raise unknown(doctype, name, [str(one) for one in known])


FEW = 1000
"""Up to so many uneven teams are worth naming in a query."""


def uneven_teams(source: Source, reading: Reading) -> UnevenTeams | None:
	"""The invoices and orders whose Sales Team doesn't add up to the whole; None when they are too many to name."""
	team = reading.table("Sales Team")
	share = Sum(team.allocated_percentage)
	kinds = ("Sales Invoice", "Sales Order")
	rows = source.run(
		Query.from_(team)
		.where(one_of(team.parenttype, kinds))
		.where(team.allocated_percentage != 0)
		.groupby(team.parenttype, team.parent)
		.having(Abs(share - 100) > 1e-7)
		.select(team.parenttype, team.parent)
		.limit(FEW + 1)
	)
	if len(rows) > FEW:
		return None
	customers: set[str] = set()
	for kind in kinds:
		names = rows.loc[rows["parenttype"] == kind, "parent"].tolist()
		document = reading.table(kind)
		if names:
			query = (
				Query.from_(document).where(one_of(document.name, names)).select(document.customer).distinct()
			)
			customers |= {str(name) for name in source.run(query)["customer"] if name}
	return UnevenTeams(tuple(sorted(set(rows["parent"]))), tuple(sorted(customers)))
