"""What a change of a record touches: the days and the entities of facts whose kept sums hold no longer.

A mark says, in one row, what happened to which record. What that means is worked out here, from the records, by queries
that an index serves: when the mark is read, never in the transaction that makes the change.

The rule that everything rests on: **whatever changes a row of a fact leaves a mark, in the same transaction, whose
touches hold that row's day or entity, as it was and as it is.** A new fact, or a new column that a fact reads, needs a
line here and, where its record has none yet, a handler in `events`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pypika.functions import Lower

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import filled, text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, one_of, where
from sales_kpi.sources.source import Source

INVOICED = ("sale", "credit_note", "costed_sale", "cost_of_goods")
COSTED = ("costed_sale", "cost_of_goods")

BY_DAY: dict[str, tuple[str, ...]] = {
	"Sales Invoice": INVOICED,
	"Sales Order": ("order",),
	"Quotation": ("quotation",),
	"Lead": ("lead",),
	"Opportunity": ("opportunity", "first_response"),
	"Call Log": ("call",),
	"Event": ("call", "meeting"),
	"Communication": ("call", "email"),
	"Quality Feedback": ("rating",),
	"KPI Survey Answer": ("rating",),
}
"""Facts whose rows lie on the day of the record that a mark names."""

DAY_COLUMN = {
	"Sales Invoice": "posting_date",
	"Sales Order": "transaction_date",
	"Quotation": "transaction_date",
	"Lead": "creation",
	"Opportunity": "transaction_date",
	"Call Log": "start_time",
	"Event": "starts_on",
	"Communication": "communication_date",
	"Quality Feedback": "creation",
	"KPI Survey Answer": "answered_on",
}
"""The column that dates each of these records, and with it the rows of its facts."""

BY_ENTITY: dict[str, tuple[str, ...]] = {
	"Customer": ("customer", "first_sale", "customer_spell", "customer_lapse", "first_order"),
	"Lead": ("lead_conversion", "lead_loss"),
	"Opportunity": ("opportunity_win", "opportunity_loss", "opportunity_drop"),
	"Quotation": ("quotation_order",),
}
"""Facts of which all rows of an entity are made anew together, by the doctype of the entity."""

RECORDS_OF = {
	name: tuple(record for record, names in BY_DAY.items() if name in names)
	for names in BY_DAY.values()
	for name in names
}
"""The records whose day is that of a fact's rows, by fact."""

DAILY = tuple(dict.fromkeys(name for names in BY_DAY.values() for name in names))
ENTITY_OF = {name: doctype for doctype, names in BY_ENTITY.items() for name in names}
KEPT = (*DAILY, *ENTITY_OF)
"""Facts whose sums are kept. Those of other apps aren't, since nobody knows what touches them; nor is
`acquisition_cost`: ERPNext writes the ledger behind all events, and few entries lie on these accounts."""

BY_USER = (
	"lead", "lead_conversion", "lead_loss", "opportunity", "opportunity_win", "opportunity_loss", "opportunity_drop",
	"quotation", "quotation_order", "call", "meeting", "email", "first_response", "rating", "first_order",
)  # fmt: skip
"""Facts that depend on which salesperson or company a user belongs to."""

LONGEST_RANGE = timedelta(days=92)
"""A range of touched days longer than this touches the whole fact."""

MANY = 1000
"""More names than this are not put into one query."""


@dataclass(frozen=True)
class Mark:
	"""What happened to a record.

	record: one of these, which is mostly its doctype:

	- Sales Invoice, Sales Order: `entity` is the customer, `day` the document's.
	- Quotation, Lead, Opportunity: `entity` is the document, `day` its own, or None where only what hangs on it changed.
	- Customer: all that a customer is told by, such as its Lead or account manager.
	- Customer Contact: when a customer was first in contact.
	- Lead Source, Opportunity Source: the channel, which is also that of the customers who came of it.
	- Call Log, Event, Communication, Quality Feedback, KPI Survey Answer: only `day`.
	- Sender: `entity` is an e-mail address that belongs to another user now, or to none.
	- Delivery Note: `entity` is the document. POS Invoice: `entity` is the Sales Invoice that consolidates it.
	- Repost Item Valuation: costs from `day` on.
	- Users: which salesperson or company users belong to. Everything: all facts.
	"""

	record: str
	entity: str = ""
	day: date | None = None


@dataclass
class Touched:
	"""What kept sums hold no longer: days or entities of a fact, or all of it."""

	days: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))
	entities: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
	whole: set[str] = field(default_factory=set)

	def add_days(self, facts: Iterable[str], days: Iterable[date]) -> None:
		found = list(days)
		for name in facts:
			self.days[name].update(found)

	def add_entities(self, doctype: str, names: Iterable[str]) -> None:
		found = [name for name in names if name]
		for name in BY_ENTITY[doctype]:
			self.entities[name].update(found)


def touched(
	source: Source, reading: Reading, marks: Iterable[Mark], besides: Touched | None = None
) -> Touched:
	"""What some marks mean, by the records as they are now, added to what is touched besides.

	reading: of all companies, as of today.
	"""
	return _Expansion(source, reading, besides or Touched()).of(marks)


def passed(source: Source, reading: Reading, since: date) -> tuple[list[Mark], Touched]:
	"""What time alone touches between the day `since` and the day of reading: records dated ahead whose day has come.

	Marks that are left by nobody, and the days that went by.
	"""
	found, until = Touched(), reading.as_of
	days = [since + timedelta(days=number + 1) for number in range((until - since).days)]
	if len(days) > LONGEST_RANGE.days:
		found.whole.update(KEPT)
		return [], found
	if not days:
		return [], found
	found.add_days(DAILY, days)
	return list(_dated(source, reading, Span(days[0], until))), found


def _dated(source: Source, reading: Reading, span: Span) -> Iterator[Mark]:
	"""Marks for all records that are dated within some days."""
	invoice, order = reading.table("Sales Invoice"), reading.table("Sales Order")
	quotation, opportunity = reading.table("Quotation"), reading.table("Opportunity")
	lead, receipt = reading.table("Lead"), reading.table("POS Invoice")
	for record, table, name, day in (
		("Sales Invoice", invoice, invoice.customer, invoice.posting_date),
		("Sales Order", order, order.customer, order.transaction_date),
		("Quotation", quotation, quotation.name, quotation.transaction_date),
	):
		query = where(Query.from_(table), table.docstatus == 1, span.holds(day))
		for entity, own in _rows(source, query.select(text(name).as_("entity"), day.as_("day")).distinct()):
			yield Mark(record, str(entity), own)
	dated = where(Query.from_(opportunity), span.holds(opportunity.transaction_date)).select(
		opportunity.name, opportunity.transaction_date.as_("day")
	)
	for name, own in _rows(source, dated):
		yield Mark("Opportunity", str(name), own)
		yield Mark("Opportunity Source", str(name))
	created = where(Query.from_(lead), span.holds_moment(lead.creation)).select(lead.name)
	for (name,) in _rows(source, created):
		yield Mark("Lead", str(name))
		yield Mark("Lead Source", str(name))
	receipts = where(
		Query.from_(receipt),
		receipt.docstatus == 1,
		text(receipt.consolidated_invoice) != Bound(""),
		span.holds(receipt.posting_date),
	)
	for (name,) in _rows(source, receipts.select(receipt.consolidated_invoice.as_("name")).distinct()):
		yield Mark("POS Invoice", str(name))


class _Expansion:
	def __init__(self, source: Source, reading: Reading, found: Touched) -> None:
		self.source, self.reading, self.found = source, reading, found

	def of(self, marks: Iterable[Mark]) -> Touched:
		names: dict[str, set[str]] = defaultdict(set)
		for mark in marks:
			names[mark.record].add(mark.entity)
			if mark.day is not None and mark.record in BY_DAY:
				self.found.add_days(BY_DAY[mark.record], [mark.day])
			if mark.record == "Repost Item Valuation":
				self._costs_from(mark.day)
		if "Everything" in names:
			self.found.whole.update(KEPT)
		if "Users" in names:
			self.found.whole.update(BY_USER)
			if self.reading.settings.credit_fallback.value in ("account manager", "owner"):
				self.found.whole.update((*INVOICED, "order", *BY_ENTITY["Customer"]))
		self._costs_of_deliveries(names["Delivery Note"])
		self._receipts(names["POS Invoice"])
		self._senders(names["Sender"])
		self._crm(names)
		return self.found

	def _crm(self, names: dict[str, set[str]]) -> None:
		"""Customers, and the leads, opportunities and quotations that they came of."""
		customer, opportunity = self.reading.table("Customer"), self.reading.table("Opportunity")
		leads, opportunities = set(names["Lead"]), set(names["Opportunity"])
		contacts = names["Customer Contact"] | self._of(customer, customer.lead_name, leads, customer.name)
		contacts |= self._of(customer, customer.opportunity_name, opportunities, customer.name)
		wholly = names["Customer"] | self._of(
			customer, customer.lead_name, names["Lead Source"], customer.name
		)
		wholly |= self._of(customer, customer.opportunity_name, names["Opportunity Source"], customer.name)
		as_party = where(Query.from_(opportunity), opportunity.opportunity_from == Bound("Customer")).select(
			text(opportunity.party_name).as_("found")
		)
		contacts |= self._named(as_party, opportunity.name, opportunities)
		customers = names["Sales Invoice"] | names["Sales Order"] | wholly
		leads |= self._of(customer, customer.name, customers, customer.lead_name)
		quotations = set(names["Quotation"])
		self.found.add_entities("Opportunity", opportunities | self._opportunities_of(quotations))
		offers = self._quotations_of(opportunities)
		self._days_of("Quotation", "transaction_date", "name", offers, ("quotation",))
		self.found.add_entities("Quotation", quotations | offers)
		self.found.add_entities("Lead", leads)
		self.found.add_entities("Customer", customers)
		self.found.entities["first_order"].update(name for name in contacts if name)
		self._days_of("Sales Invoice", "posting_date", "customer", wholly, INVOICED)
		self._days_of("Sales Order", "transaction_date", "customer", wholly, ("order",))
		self._ratings_of(wholly)

	def _opportunities_of(self, quotations: set[str]) -> set[str]:
		quotation, line = self.reading.table("Quotation"), self.reading.table("Quotation Item", alias="line")
		found = self._of(quotation, quotation.name, quotations, quotation.opportunity)
		by_line = where(Query.from_(line), line.prevdoc_doctype == Bound("Opportunity")).select(
			text(line.prevdoc_docname).as_("found")
		)
		return found | self._named(by_line, line.parent, quotations)

	def _quotations_of(self, opportunities: set[str]) -> set[str]:
		quotation, line = self.reading.table("Quotation"), self.reading.table("Quotation Item", alias="line")
		found = self._of(quotation, quotation.opportunity, opportunities, quotation.name)
		by_line = where(Query.from_(line), line.prevdoc_doctype == Bound("Opportunity")).select(
			line.parent.as_("found")
		)
		return found | self._named(by_line, line.prevdoc_docname, opportunities)

	def _days_of(self, doctype: str, day: str, key: str, names: set[str], facts: tuple[str, ...]) -> None:
		table = self.reading.table(doctype)
		query = where(Query.from_(table), table.docstatus == 1).select(table[day].as_("found")).distinct()
		self.found.add_days(facts, self._found(query, table[key], names))

	def _ratings_of(self, customers: set[str]) -> None:
		form, answer = self.reading.table("Quality Feedback"), self.reading.table("KPI Survey Answer")
		day = self.reading.dialect.day
		for table, moment, key in (
			(form, form.creation, form.document_name),
			(answer, answer.answered_on, answer.customer),
		):
			query = Query.from_(table).select(day(moment).as_("found")).distinct()
			self.found.add_days(("rating",), self._found(query, key, customers))

	def _costs_from(self, day: date | None) -> None:
		if day is None or self.reading.as_of - day > LONGEST_RANGE:
			self.found.whole.update(COSTED)
			return
		days = range((self.reading.as_of - day).days + 1)
		self.found.add_days(COSTED, (day + timedelta(days=number) for number in days))

	def _costs_of_deliveries(self, deliveries: set[str]) -> None:
		delivered = self.reading.table("Delivery Note Item", alias="delivered")
		line, invoice = (
			self.reading.table("Sales Invoice Item", alias="line"),
			self.reading.table("Sales Invoice"),
		)
		query = (
			Query.from_(delivered)
			.join(line)
			.on(line.dn_detail == delivered.name)
			.join(invoice)
			.on(invoice.name == line.parent)
			.where(invoice.docstatus == 1)
			.select(invoice.posting_date.as_("found"))
			.distinct()
		)
		self.found.add_days(COSTED, self._found(query, delivered.parent, deliveries))

	def _receipts(self, invoices: set[str]) -> None:
		self._days_of("Sales Invoice", "posting_date", "name", invoices, ("sale",))

	def _senders(self, addresses: set[str]) -> None:
		"""Days of the mail that an address sent, be it as "Name <address>"."""
		mail = self.reading.table("Communication")
		day = self.reading.dialect.day(mail.communication_date)
		for address in addresses:
			holds = self.reading.dialect.position(Lower(mail.sender), address.strip().lower()) > 0
			query = Query.from_(mail).where(holds).select(day.as_("found")).distinct()
			self.found.add_days(("call", "email"), (own for (own,) in _rows(self.source, query)))

	def _of(self, table: Any, key: Any, names: set[str], column: Any) -> set[str]:
		return self._named(Query.from_(table).select(filled(column).as_("found")), key, names)

	def _named(self, query: Any, key: Any, names: set[str]) -> set[str]:
		return {str(found) for found in self._found(query, key, names) if found}

	def _found(self, query: Any, key: Any, names: set[str]) -> Iterator[Any]:
		wanted = sorted(name for name in names if name)
		for first in range(0, len(wanted), MANY):
			chunk = wanted[first : first + MANY]
			for (found,) in _rows(self.source, query.where(one_of(key, chunk))):
				if found is not None:
					yield found


def _rows(source: Source, query: Any) -> Iterator[tuple[Any, ...]]:
	for row in source.run(query).itertuples(index=False):
		yield tuple(as_date(value) for value in row)


def as_date(value: Any) -> Any:
	"""A value of a day column as a date, whatever the database gives; other values as they are, NaN as None."""
	if value is None or value != value:
		return None
	if hasattr(value, "date"):
		return value.date()
	return value
