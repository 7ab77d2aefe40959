"""Which documents a restatement is due to: those behind a figure that were changed after it had been told.

A document that still counts is found by the rows of the facts that it touches. One that was cancelled or deleted has no
rows any more; it is told by what it says itself: its day, its Sales Team, territory and source.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import frappe
from frappe.utils import getdate
from pypika.functions import Min

from sales_kpi import catalogue
from sales_kpi.analysis.sums import LEAF, as_days, before_lag, days_of, lag_of
from sales_kpi.facts.reading.fact import Fact, Kind
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.kpis.formula import Term
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals.series import reading_of_all
from sales_kpi.totals.touches import DAY_COLUMN, Mark, touched

if TYPE_CHECKING:
	from sales_kpi.site.snapshots import Group, Site

COSTS = {"Delivery Note": "posting_date", "Repost Item Valuation": "posting_date"}
"""What changes the cost of what was sold."""

SPENT = {"Journal Entry": "posting_date", "Purchase Invoice": "posting_date"}
"""What is booked in the ledger, and may be acquisition cost."""

RECEIPTS = {"POS Invoice": "posting_date"}

MOST = 300
"""Changed documents that are looked at for one group of figures: the newest."""

MOST_NAMED = 30
"""Documents that one restatement names."""

COMMITTED_LATE = timedelta(minutes=10)
"""A change may be committed, and so be seen, so long after the moment that it bears."""

EVERYTHING = 5000
"""After so many deletions everything is looked at."""

_SAME_FACTS = {
	"Delivery Note": "cost_of_goods",
	"Repost Item Valuation": "cost_of_goods",
	"POS Invoice": "sale",
}


def dated(site: Site) -> dict[str, str]:
	"""The doctypes whose changes may change figures, with the column that dates each."""
	found = {**DAY_COLUMN, **RECEIPTS, **COSTS}
	if site.settings.engine.acquisition_accounts:
		found |= SPENT
	return {doctype: column for doctype, column in found.items() if site.masters.schema.has(doctype)}


# Which periods changes can have touched


def earliest_changes(site: Site, since: datetime) -> dict[str, date]:
	"""The earliest day of any document that was changed since a moment, by company."""
	earliest: dict[str, date] = {}

	def told(company: str | None, day: Any) -> None:
		if day is None:
			return
		known = site.masters.companies
		for name in [company] if company and company in known else known:
			earliest[name] = min(earliest.get(name, date.max), getdate(day))

	for doctype, column in dated(site).items():
		table, has_company = frappe.qb.DocType(doctype), site.masters.schema.column(doctype, "company")
		query = frappe.qb.from_(table).where(table.modified > since)
		if frappe.get_meta(doctype).is_submittable:
			query = query.where(table.docstatus > 0)
		# What isn't submitted can be dated elsewhere: then it is missing where it was, which is told by its creation.
		days = [Min(table[name]) for name in dict.fromkeys((column, *_also_dated_by(doctype)))]
		if has_company:
			for company, *found in query.groupby(table.company).select(table.company, *days).run():
				for day in found:
					told(company, day)
		else:
			for day in query.select(*days).run()[0]:
				told(None, day)
	for company, day in _spent(site, since):
		told(company, day)
	deleted = list(_deleted(site, since, EVERYTHING))
	for document in deleted:
		told(document.company, document.day)
	if len(deleted) >= EVERYTHING or _people_changed(since):
		told(None, date.min)
	return earliest


def _also_dated_by(doctype: str) -> tuple[str, ...]:
	"""The column that tells about when a document was dated before somebody dated it elsewhere, if that can be."""
	return () if frappe.get_meta(doctype).is_submittable else ("creation",)


def _spent(site: Site, since: datetime) -> Iterable[tuple[str, date]]:
	"""By company, the earliest day of what was booked as acquisition cost since a moment, by whatever document."""
	accounts = site.settings.engine.acquisition_accounts
	if not accounts:
		return ()
	entry = frappe.qb.DocType("GL Entry")
	query = frappe.qb.from_(entry).where(entry.modified > since).where(entry.account.isin(list(accounts)))
	found: Iterable[tuple[str, date]] = (
		query.groupby(entry.company).select(entry.company, Min(entry.posting_date)).run()
	)
	return found


def _people_changed(since: datetime) -> bool:
	"""Whether a user has become another salesperson."""
	log = frappe.qb.DocType("Sales Transition")
	query = (
		frappe.qb.from_(log)
		.where(log.creation > since)
		.where(log.fieldname.isin(["employee", "user_id"]))
		.where(log.old_value != log.new_value)
	)
	return bool(query.select(log.name).limit(1).run())


# Changed documents


@dataclass
class Changed:
	"""A document that was changed, and what it says of itself; None where it says nothing of it."""

	doctype: str
	name: str
	what: str
	day: date | None
	changed_at: datetime
	changed_by: str
	company: str | None = None
	customer: str | None = None
	people: list[str] | None = None
	territory: str | None = None
	source: str | None = None
	is_surely_other: bool = True

	@property
	def is_gone(self) -> bool:
		return self.what in ("Cancelled", "Deleted")


@dataclass(frozen=True)
class Cause:
	"""A document because of which a figure is another one."""

	doctype: str
	name: str
	what: str
	day: date | None
	changed_at: datetime
	changed_by: str

	def as_row(self) -> dict[str, Any]:
		return {
			"reference_doctype": self.doctype,
			"reference_name": self.name,
			"what": self.what,
			"day": self.day,
			"changed_at": self.changed_at,
			"changed_by": self.changed_by,
			"alias": "",
		}


def _deleted(site: Site, since: datetime, most: int) -> Iterator[Changed]:
	columns, table = dated(site), frappe.qb.DocType("Deleted Document")
	rows = (
		frappe.qb.from_(table)
		.where(table.creation > since)
		.where(table.deleted_doctype.isin(list(columns)))
		.orderby(table.creation, order=frappe.qb.desc)
		.limit(most)
		.select(table.deleted_doctype, table.deleted_name, table.data, table.creation, table.owner)
		.run(as_dict=True)
	)
	for row in rows:
		try:
			doc = json.loads(row.data or "{}")
		except ValueError:
			doc = {}
		day = doc.get(columns[row.deleted_doctype])
		team = doc.get("sales_team")
		yield Changed(
			row.deleted_doctype,
			row.deleted_name,
			"Deleted",
			getdate(day) if day else None,
			row.creation,
			row.owner,
			doc.get("company"),
			doc.get("customer"),
			None if team is None else [line.get("sales_person") for line in team] or [""],
			doc.get("territory"),
			doc.get("utm_source") or doc.get("source"),
		)


def _changed(site: Site, company: str, since: datetime, as_of: date) -> list[Changed]:
	"""Documents of a company, dated up to a day, that were changed since a moment; the newest changes first."""
	found = [
		document
		for document in _deleted(site, since, MOST)
		if document.company in (None, "", company) and (document.day is None or document.day <= as_of)
	]
	for doctype, column in dated(site).items():
		found += _changed_of(site, doctype, column, company, since, as_of)
	return sorted(found, key=lambda document: document.changed_at, reverse=True)[:MOST]


def _changed_of(
	site: Site, doctype: str, column: str, company: str, since: datetime, as_of: date
) -> Iterator[Changed]:
	meta, has = frappe.get_meta(doctype), site.masters.schema.column
	optional = [name for name in ("company", "customer", "territory") if has(doctype, name)]
	channel = site.masters.schema.channel(doctype)
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).where(table.modified > since)
	if meta.is_submittable:
		query = query.where(table.docstatus > 0)
	if "company" in optional:
		query = query.where(table.company == company)
	# Before the newest are taken: else today's business would crowd out what was dated back.
	ends = as_of + timedelta(days=1)
	in_time = table[column].isnull() | (table[column] < ends)
	for other in _also_dated_by(doctype):
		in_time |= table[other] < ends
	query = query.where(in_time)
	columns = [
		table[name] for name in ("name", "creation", "modified", "modified_by", "docstatus", *optional)
	]
	if channel:
		columns.append(table[channel].as_("channel"))
	rows = (
		query.orderby(table.modified, order=frappe.qb.desc)
		.limit(MOST)
		.select(*columns, table[column].as_("day"))
		.run(as_dict=True)
	)
	names = [row.name for row in rows]
	teams = _teams(doctype) if doctype in ("Sales Invoice", "Sales Order", "POS Invoice") else None
	people = teams(names) if teams else {}
	written = _versions(doctype, names, since) if meta.track_changes else set(names)
	for row in rows:
		day = getdate(row.day) if row.day else None
		what = "Cancelled" if row.docstatus == 2 else "New" if row.creation > since else "Changed"
		yield Changed(
			doctype,
			row.name,
			what,
			day,
			row.modified,
			row.modified_by,
			row.get("company"),
			row.get("customer"),
			people.get(row.name, [""]) if teams else None,
			row.get("territory"),
			row.get("channel"),
			what != "Changed" or row.name in written,
		)


def _teams(doctype: str) -> Any:
	def teams(names: Sequence[str]) -> dict[str, list[str]]:
		found: dict[str, list[str]] = defaultdict(list)
		if names:
			table = frappe.qb.DocType("Sales Team")
			query = (
				frappe.qb.from_(table)
				.where(table.parenttype == doctype)
				.where(table.parent.isin(list(names)))
			)
			for parent, person in query.select(table.parent, table.sales_person).run():
				found[parent].append(person)
		return found

	return teams


def _versions(doctype: str, names: Sequence[str], since: datetime) -> set[str]:
	"""Documents that somebody has saved since; of others ERPNext has only written what is paid, billed or delivered."""
	if not names:
		return set()
	table = frappe.qb.DocType("Version")
	query = (
		frappe.qb.from_(table)
		.where(table.ref_doctype == doctype)
		.where(table.docname.isin(list(names)))
		.where(table.creation > since)
	)
	return {name for (name,) in query.select(table.docname).distinct().run()}


# Causes of one figure


@dataclass
class _Traces:
	"""The rows of a fact that changed documents touch: for each document their days, beginnings and leaves."""

	rows: dict[tuple[str, str], list[tuple[date, date | None, str]]] = field(
		default_factory=lambda: defaultdict(list)
	)


class Causes:
	"""The documents that were changed since a moment, and which figures of a group they are behind."""

	def __init__(self, site: Site, group: Group, since: datetime) -> None:
		self.site, self.group, self.source = site, group, SiteSource()
		self.changed = _changed(site, group.company, since - COMMITTED_LATE, group.as_of)
		self._traces: dict[str, _Traces] = {}
		self._entities: dict[tuple[str, str], dict[str, set[str]]] | None = None

	def of(self, kpi: str, leaves: Sequence[str], since: datetime, only_surely: bool = False) -> list[Cause]:
		"""Documents changed since a moment that are, or were, behind the figure of a KPI and some leaves.

		only_surely: without those that may have been moved to elsewhere or seen before, where there may be another reason.
		"""
		for moment in (since,) if only_surely else (since, since - COMMITTED_LATE):
			found = self._of(catalogue.kpi(kpi), leaves, moment, only_surely)
			if found:
				return found
		return []

	def _of(self, kpi: Kpi, leaves: Sequence[str], since: datetime, only_surely: bool) -> list[Cause]:
		changed = [one for one in self.changed if one.changed_at > since and self._is_read(one, kpi)]
		found = [one for one in changed if self._is_behind(one, kpi, leaves)]
		chosen = [one for one in found if one.is_surely_other]
		if not only_surely:
			# Where nothing that counts was changed, something may have been moved to elsewhere.
			moved = [one for one in changed if one.is_surely_other and one.what == "Changed"]
			chosen = chosen or found or moved
		chosen.sort(key=lambda one: (one.day or date.min, one.doctype, one.name))
		return [
			Cause(one.doctype, one.name, one.what, one.day, one.changed_at, one.changed_by or "")
			for one in chosen[:MOST_NAMED]
		]

	@staticmethod
	def _is_read(document: Changed, kpi: Kpi) -> bool:
		"""Whether any fact of a KPI reads documents of this kind."""
		facts = catalogue.facts()
		of_kpi = [facts[name] for name in kpi.formula.facts()]
		if document.doctype in SPENT:
			return any(fact.name == "acquisition_cost" for fact in of_kpi)
		same = _SAME_FACTS.get(document.doctype)
		if same:
			return any(document.doctype in fact.records or fact.name == same for fact in of_kpi)
		return any(document.doctype in fact.records for fact in of_kpi)

	def _is_behind(self, document: Changed, kpi: Kpi, leaves: Sequence[str]) -> bool:
		for fact, terms in self._terms(kpi).items():
			if self._reads(fact, document) and any(
				self._counts(term, fact, day, since) and self._is_inside(leaf, leaves)
				for day, since, leaf in self._rows(fact, document)
				for term in terms
			):
				return True
		return document.is_gone and self._was_behind(document, kpi, leaves)

	@staticmethod
	def _terms(kpi: Kpi) -> dict[Fact, list[Term]]:
		facts, found = catalogue.facts(), defaultdict(list)
		for total in kpi.formula.totals():
			for _sign, term in total.terms:
				found[facts[term.fact]].append(term)
		for distribution in kpi.formula.distributions():
			found[facts[distribution.fact]].append(Term(distribution.fact, over=distribution.over))
		return {fact: found[fact] for fact in sorted(found, key=lambda fact: fact.name)}

	def _counts(self, term: Term, fact: Fact, day: date, since: date | None) -> bool:
		"""Whether a row of a day lies in the days that a term sums."""
		reading = self.site.masters.reading(
			self.site.settings.engine, self.group.as_of, self.source, self.group.company
		)
		span = days_of(self.group.period, term.over)
		lag = lag_of(fact.name, reading)
		counted = since if term.cohort else day
		if counted is None:
			return False
		first = before_lag(span.first, lag) if span.first else None
		return (first is None or counted >= first) and (span.last is None or counted <= span.last)

	def _is_inside(self, leaf: str, leaves: Sequence[str]) -> bool:
		return self.group.by is By.COMPANY or leaf in leaves

	def _was_behind(self, document: Changed, kpi: Kpi, leaves: Sequence[str]) -> bool:
		"""Whether a document that counts no more can have been behind a figure, by what it says itself."""
		day = document.day
		if day is not None and not self._reaches_beyond(kpi, document):
			if not any(
				self._counts(term, fact, day, day)
				for fact, terms in self._terms(kpi).items()
				for term in terms
			):
				return False
		elif day is not None and day > self.group.as_of:
			return False
		own = {
			"sales_person": document.people,
			"territory": None if document.territory is None else [document.territory],
			"source": None if document.source is None else [document.source],
		}.get(LEAF[self.group.by] or "")
		return own is None or bool(set(own) & set(leaves))

	@staticmethod
	def _reaches_beyond(kpi: Kpi, document: Changed) -> bool:
		"""Whether a document may change figures of other days than its own: it is one of several behind a row."""
		facts = catalogue.facts()
		return any(
			facts[name].kind is Kind.BY_ENTITY and document.doctype in facts[name].records
			for name in kpi.formula.facts()
		)

	@staticmethod
	def _reads(fact: Fact, document: Changed) -> bool:
		if document.doctype in SPENT:
			return fact.name == "acquisition_cost"
		return document.doctype in fact.records or _SAME_FACTS.get(document.doctype) == fact.name

	def _rows(self, fact: Fact, document: Changed) -> list[tuple[date, date | None, str]]:
		traces = self._traces.get(fact.name)
		if traces is None:
			traces = self._traces[fact.name] = self._traced(fact)
		return traces.rows.get((document.doctype, document.name), [])

	def _traced(self, fact: Fact) -> _Traces:
		"""The rows of a fact whose documents were changed, or are told by a document that was."""
		owners: dict[str, list[tuple[str, str]]] = defaultdict(list)
		for document in self.changed:
			if self._reads(fact, document):
				for entity in self._touches(document, fact):
					owners[entity].append((document.doctype, document.name))
		traces, leaf = _Traces(), LEAF[self.group.by]
		if not owners:
			return traces
		dimensions = frozenset({leaf}) if leaf else frozenset()
		reading = self.site.masters.reading(
			self.site.settings.engine, self.group.as_of, self.source, self.group.company
		).narrowed(dimensions=dimensions, entities=tuple(sorted(owners)))
		for select in fact.selects(reading).values():
			frame = self.source.run(select)
			if not len(frame):
				continue
			days, began = as_days(frame["day"]), as_days(frame["since"])
			names = frame[leaf] if leaf else [""] * len(frame)
			for entity, day, since, name in zip(frame["document"], days, began, names, strict=True):
				for owner in owners[str(entity)]:
					traces.rows[owner].append((day.item(), since.item(), str(name or "")))
		return traces

	def _touches(self, document: Changed, fact: Fact) -> Iterable[str]:
		"""Documents of a fact's rows that a changed document touches."""
		if document.doctype in SPENT:
			return frappe.get_all(
				"GL Entry",
				filters={"voucher_type": document.doctype, "voucher_no": document.name},
				pluck="name",
			)
		if fact.kind is not Kind.BY_ENTITY:
			return [document.name]
		if self._entities is None:
			self._entities = {}
		key = (document.doctype, document.name)
		if key not in self._entities:
			reading = reading_of_all(
				self.source, self.site.settings.engine, self.site.masters, self.group.as_of
			)
			self._entities[key] = touched(self.source, reading, [_mark(document)]).entities
		return self._entities[key].get(fact.name, set())


def _mark(document: Changed) -> Mark:
	if document.doctype in ("Sales Invoice", "Sales Order"):
		return Mark(document.doctype, document.customer or "", document.day)
	return Mark(document.doctype, document.name, document.day)
