"""Why two figures differ: ours beside ERPNext's, with the gap split into named differences that add up to it.

Each difference is read from the records by a rule of its own, never as what is left over, and names its documents. What
no rule accounts for stays `unexplained`.

	their figure = our figure + the differences + what is unexplained

What ERPNext's reports do (seen in 15.18 and 16.0):

- Sales Analytics sums `base_net_total` of all submitted documents of a company by date. Version 15 counts opening
  invoices, version 16 leaves them out; later 15s may do so too. Which of the two a report did is told by its result:
  by the reading that leaves less unexplained.
- Sales Analytics of Sales Orders counts a closed order whole in both versions; we count what was delivered of it.
- Sales Person-wise Transaction Summary (with return entries) sums the lines' `base_net_amount` by the shares of the Sales
  Team, opening and internal invoices included, lines without an Item left out.
- The income accounts hold what invoices credit to them, and whatever else is posted there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pypika import Case, Table
from pypika.functions import Abs, Sum
from pypika.terms import Term, ValueWrapper

from sales_kpi.analysis.masters import Masters
from sales_kpi.analysis.values import Question, compute
from sales_kpi.facts.reading.binding import Bound, column_names
from sales_kpi.facts.reading.dialect import number, text
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, one_of, where
from sales_kpi.facts.reading.settings import CreditFallback, Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.sources.source import Source

CENT = 0.005
"""Less than this is nothing."""

DUST = 1e-6
"""Decimals are exact to this in every database."""

NAMED = 100
"""How many documents a difference names, the largest first."""

AGREES, EXPLAINED, NOT_EXPLAINED = "agrees", "explained", "not explained"

WHY: dict[str, tuple[str, str]] = {
	"opening": ("Opening invoices", "They carry over what was owed at go-live. Nobody sold that in this period."),
	"unmarked": ("Invoices without opening mark", "The mark is empty, as imports leave it. We count them, the report doesn't."),
	"internal": ("Internal customers", "Sales between the group's own companies. We leave them out."),
	"later": ("Dated after today", "They count when their day comes."),
	"closed": ("Closed orders", "We count a closed order as far as it was delivered, the report counts it whole."),
	"unassigned": ("Nobody credited", "The Sales Team is missing or doesn't add up to 100 %. The report has no row for that part."),
	"fallback": ("Credited by the settings", "Without a Sales Team, the settings say who is credited. The report credits nobody."),
	"no-item": ("Lines without item", "The report only knows lines that name an Item."),
	"lines": ("Rounding of lines", "An invoice's lines don't add up to its net total to the cent."),
	"deferred": ("Deferred revenue", "Invoiced now, booked as income month by month."),
	"recognised": ("Deferred revenue of earlier invoices", "Booked as income now, invoiced before."),
	"assets": ("Assets sold", "The ledger shows the gain or loss on an asset, not its price."),
	"elsewhere": ("Lines booked elsewhere", "Their account is no income account."),
	"charges": ("Charges, discounts and round-off", "Booked on income accounts beside the invoice's lines."),
	"discounts": ("Discounts on accounts of their own", "Income is booked before the discount, and the discount apart."),
	"cancelled": ("Cancelled invoices", "Their reversal stands on another day than they do."),
	"missing": ("Not in the ledger", "Submitted invoices that have no entries in the ledger."),
	"journals": ("Journal entries", "Posted on income accounts without any invoice."),
	"vouchers": ("Other vouchers", "Purchases, payments and others that touch income accounts."),
	"rounding": ("Rounding in the ledger", "Each line is rounded by itself when it is posted."),
	"waiting": ("POS not closed yet", "They count when their sales invoice is made, in both figures."),
}  # fmt: skip
"""Title and explanation of every difference, by name."""


@dataclass(frozen=True)
class Evidence:
	"""A document, and what it contributes to a difference."""

	doctype: str
	document: str
	amount: float


@dataclass
class Difference:
	"""What ERPNext's figure has more than ours (less, if negative) for one reason."""

	name: str
	evidence: list[Evidence] = field(default_factory=list)

	@property
	def amount(self) -> float:
		return sum(one.amount for one in self.evidence)

	@property
	def title(self) -> str:
		return WHY[self.name][0]

	@property
	def why(self) -> str:
		return WHY[self.name][1]

	def largest(self) -> list[Evidence]:
		"""The documents that matter most."""
		return sorted(self.evidence, key=lambda one: -abs(one.amount))[:NAMED]


@dataclass
class Comparison:
	"""Our figure beside one of ERPNext's. scope: the salesperson ('': nobody); None where it is the whole company's."""

	name: str
	ours: float
	theirs: float
	differences: list[Difference]
	scope: str | None = None

	@property
	def gap(self) -> float:
		"""What theirs has more than ours."""
		return self.theirs - self.ours

	@property
	def unexplained(self) -> float:
		left = self.gap - sum(difference.amount for difference in self.differences)
		return 0.0 if abs(left) < CENT else left

	@property
	def status(self) -> str:
		if self.unexplained:
			return NOT_EXPLAINED
		apart = any(abs(difference.amount) >= CENT for difference in self.differences)
		return EXPLAINED if apart or abs(self.gap) >= CENT else AGREES


class Notes:
	"""Differences as they are found."""

	def __init__(self) -> None:
		self._found: dict[str, Difference] = {}

	def add(self, name: str, doctype: str, document: str, amount: float) -> None:
		"""A document's contribution to a difference, unless it is nothing."""
		if abs(amount) > DUST:
			self._found.setdefault(name, Difference(name)).evidence.append(
				Evidence(doctype, document, amount)
			)

	def differences(self) -> list[Difference]:
		"""Those found, in the order of `WHY`."""
		return [self._found[name] for name in WHY if name in self._found]


@dataclass(frozen=True)
class Books:
	"""Where the two figures come from: the records of one company, and the days asked for."""

	source: Source
	question: Question
	settings: Settings
	masters: Masters

	@property
	def reading(self) -> Reading:
		return self.masters.reading(
			self.settings, self.question.as_of, self.source, self.question.company
		).narrowed(day=self.span)

	@property
	def span(self) -> Span:
		return Span(self.question.first, self.question.last)

	def rows(self, query: Any) -> list[dict[str, Any]]:
		"""The rows of a query."""
		frame = self.source.run(query)
		return [
			{str(key): None if value != value else value for key, value in row.items()}
			for row in frame.to_dict("records")
		]

	def has(self, doctype: str, *columns: str) -> bool:
		"""Whether there is such a table, with such columns."""
		schema = self.masters.schema
		return schema.has(doctype) and all(schema.column(doctype, column) for column in columns)


def invoiced(books: Books, ours: float, theirs: float) -> Comparison:
	"""Sales volume beside Sales Analytics of Sales Invoices by value."""
	counted, opening, uncounted = Notes(), Notes(), Notes()
	for row in books.rows(_odd_invoices(books)):
		name, net = row["name"], float(row["net"])
		if row["opening"]:
			opening.add("opening", "Sales Invoice", name, net)
		elif row["internal"] or row["later"]:
			counted.add("internal" if row["internal"] else "later", "Sales Invoice", name, net)
		if row["unmarked"]:
			uncounted.add("unmarked", "Sales Invoice", name, -net)
	with_opening = [*opening.differences(), *counted.differences()]
	without_opening = [*counted.differences(), *uncounted.differences()]
	found = [
		Comparison("invoiced", ours, theirs, differences) for differences in (without_opening, with_opening)
	]
	return min(found, key=lambda comparison: abs(comparison.unexplained))


def booked(books: Books, ours: float, theirs: float) -> Comparison:
	"""Bookings beside Sales Analytics of Sales Orders by value."""
	reading, notes = books.reading, Notes()
	order = reading.table("Sales Order")
	later, internal = order.transaction_date > Bound(reading.as_of), number(order.is_internal_customer) == 1
	closed = (text(order.status) == Bound("Closed")) & (number(order.per_delivered) != 100)
	query = where(
		Query.from_(order), order.docstatus == 1, reading.of_company(order.company),
		books.span.holds(order.transaction_date), later | internal | closed,
	).select(
		order.name, number(order.base_net_total).as_("net"), number(order.per_delivered).as_("delivered"),
		_flag(internal, "internal"), _flag(later, "later"),
	)  # fmt: skip
	for row in books.rows(query):
		net, reason = (
			float(row["net"]),
			"internal" if row["internal"] else "later" if row["later"] else "closed",
		)
		left = net * (1 - float(row["delivered"]) / 100) if reason == "closed" else net
		notes.add(reason, "Sales Order", row["name"], left)
	return Comparison("booked", ours, theirs, notes.differences())


def credited(books: Books, ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[Comparison]:
	"""Sales volume beside Sales Person-wise Transaction Summary (invoices, with return entries).

	First the sum of all, then one comparison for each salesperson in either, '' (nobody credited) last.
	"""
	notes: dict[str, Notes] = {}

	def note(person: str, name: str, document: str, amount: float) -> None:
		notes.setdefault(person, Notes()).add(name, "Sales Invoice", document, amount)

	for row in books.rows(_shares(books, _odd_invoices(books, left_out=True))):
		reason = "opening" if row["opening"] else "internal" if row["internal"] else "later"
		note(row["person"], reason, row["name"], float(row["net"]) * float(row["share"]))
	for row in books.rows(_shares(books, _uneven_lines(books))):
		share = float(row["share"])
		note(row["person"], "lines", row["name"], (float(row["lines"]) - float(row["net"])) * share)
		note(row["person"], "no-item", row["name"], -float(row["without"]) * share)
	for row in books.rows(_not_assigned(books)):
		note("", "unassigned", row["name"], -float(row["net"]) * (1 - float(row["assigned"])))
	if books.settings.credit_fallback is not CreditFallback.NONE:
		for person, amount in _by_settings(books, ours).items():
			note(person, "fallback", "", -amount)
	people = sorted({*ours, *theirs, *notes} - {""})
	comparisons = [
		Comparison(
			"credited",
			ours.get(person, 0.0),
			theirs.get(person, 0.0),
			notes[person].differences() if person in notes else [],
			person,
		)
		for person in [*people, ""]
	]
	return [_sum(comparisons), *(one for one in comparisons if one.ours or one.theirs or one.differences)]


def _sum(comparisons: list[Comparison]) -> Comparison:
	"""All salespeople together; a document that stands in several counts once."""
	merged: dict[str, dict[tuple[str, str], float]] = {}
	for comparison in comparisons:
		for difference in comparison.differences:
			documents = merged.setdefault(difference.name, {})
			for one in difference.evidence:
				key = (one.doctype, one.document)
				documents[key] = documents.get(key, 0.0) + one.amount
	notes = Notes()
	for name, documents in merged.items():
		for (doctype, document), amount in documents.items():
			notes.add(name, doctype, document, amount)
	return Comparison(
		"credited",
		sum(comparison.ours for comparison in comparisons),
		sum(comparison.theirs for comparison in comparisons),
		notes.differences(),
	)


def _by_settings(books: Books, ours: Mapping[str, float]) -> dict[str, float]:
	"""What each salesperson is credited by the settings alone; of nobody, what is taken away by them."""
	settings = replace(books.settings, credit_fallback=CreditFallback.NONE)
	question = replace(books.question, every=Every.RANGE, by=By.SALES_PERSON, kpis=("sales_volume",))
	plain = {
		value["scope"]: value["value"] or 0.0
		for value in compute(books.source, question, settings, books.masters)
	}
	return {person: ours.get(person, 0.0) - plain.get(person, 0.0) for person in {*ours, *plain}}


def waiting_receipts(books: Books) -> Difference:
	"""Submitted POS Invoices that no Sales Invoice consolidates yet: in neither figure, so that they make no gap."""
	found = Difference("waiting")
	if not books.has("POS Invoice", "base_net_total", "company"):
		return found
	reading = books.reading
	receipt = reading.table("POS Invoice")
	query = where(
		Query.from_(receipt), receipt.docstatus == 1, text(receipt.consolidated_invoice) == Bound(""),
		reading.of_company(receipt.company), books.span.holds(receipt.posting_date),
	).select(receipt.name, number(receipt.base_net_total).as_("net"))  # fmt: skip
	found.evidence = [Evidence("POS Invoice", row["name"], float(row["net"])) for row in books.rows(query)]
	return found


# Queries


def _flag(condition: Term, name: str) -> Term:
	return Case().when(condition, 1).else_(0).as_(name)


def _submitted(books: Books, invoice: Any) -> Any:
	"""All submitted Sales Invoices of the days asked for."""
	return where(
		Query.from_(invoice), invoice.docstatus == 1, books.reading.of_company(invoice.company),
		books.span.holds(invoice.posting_date),
	)  # fmt: skip


def _is_ours(books: Books, invoice: Any) -> Term:
	"""Whether an invoice counts in our sales volume."""
	return (
		(invoice.docstatus == 1)
		& (text(invoice.is_opening) != Bound("Yes"))
		& (number(invoice.is_internal_customer) == 0)
		& (invoice.posting_date >= Bound(books.question.first))
		& (invoice.posting_date <= Bound(min(books.question.last, books.question.as_of)))
	)


def _odd_invoices(books: Books, left_out: bool = False) -> Any:
	"""Submitted invoices that aren't counted like all others, with the reason; only those that we leave out, if wanted."""
	invoice = books.reading.table("Sales Invoice")
	opening, internal = text(invoice.is_opening) == Bound("Yes"), number(invoice.is_internal_customer) == 1
	later = invoice.posting_date > Bound(books.question.as_of)
	unmarked = text(invoice.is_opening) == Bound("")
	odd = opening | internal | later
	return where(_submitted(books, invoice), odd if left_out else odd | unmarked).select(
		invoice.name, number(invoice.base_net_total).as_("net"), _flag(opening, "opening"),
		_flag(internal, "internal"), _flag(later, "later"), _flag(unmarked, "unmarked"),
	)  # fmt: skip


def _uneven_lines(books: Books) -> Any:
	"""Submitted invoices whose lines, as the report takes them, don't add up to the net total."""
	reading = books.reading
	invoice, line = reading.table("Sales Invoice"), reading.table("Sales Invoice Item")
	item = Table("tabItem") if books.has("Item") else None
	without: Term = ValueWrapper(0)
	query = _submitted(books, invoice).join(line).on(line.parent == invoice.name)
	if item is not None and books.has("Sales Invoice Item", "item_code"):
		query = query.left_join(item).on(item.name == line.item_code)
		without = Case().when(item.name.isnull(), number(line.base_net_amount)).else_(0)
	total, missing = Sum(number(line.base_net_amount)), Sum(without)
	net = number(invoice.base_net_total)
	return (
		query.groupby(invoice.name, invoice.base_net_total)
		.having((Abs(total - net) > DUST) | (Abs(missing) > DUST))
		.select(invoice.name, net.as_("net"), total.as_("lines"), missing.as_("without"))
	)


def _shares(books: Books, invoices: Any) -> Any:
	"""Invoices with each line of their Sales Team: also `person` and `share`."""
	rows, team = invoices.as_("invoices"), books.reading.table("Sales Team", alias="team")
	return (
		Query.from_(rows)
		.join(team)
		.on((team.parent == rows.name) & (team.parenttype == Bound("Sales Invoice")))
		.select(
			*(rows[name] for name in column_names(invoices)),
			text(team.sales_person).as_("person"),
			(number(team.allocated_percentage) / 100.0).as_("share"),
		)
	)


def _not_assigned(books: Books) -> Any:
	"""Invoices that count in our figure and whose Sales Team doesn't take the whole: `assigned` is what it takes."""
	reading = books.reading
	invoice, team = reading.table("Sales Invoice"), reading.table("Sales Team", alias="team")
	assigned = Sum(number(team.allocated_percentage)) / 100.0
	return (
		Query.from_(invoice)
		.left_join(team)
		.on((team.parent == invoice.name) & (team.parenttype == Bound("Sales Invoice")))
		.where(reading.of_company(invoice.company)[0])
		.where(_is_ours(books, invoice))
		.groupby(invoice.name, invoice.base_net_total)
		.having(Abs(1 - number(assigned)) > 1e-9)
		.select(invoice.name, number(invoice.base_net_total).as_("net"), number(assigned).as_("assigned"))
	)


# The ledger


def ledgered(books: Books, ours: float) -> Comparison:
	"""Sales volume beside the income accounts: credit less debit, without closing vouchers and other finance books."""
	return _Ledger(books).compared(ours)


class _Ledger:
	"""The income accounts of the days asked for, voucher by voucher."""

	def __init__(self, books: Books) -> None:
		self.books, self.reading, self.notes = books, books.reading, Notes()

	def compared(self, ours: float) -> Comparison:
		"""Our figure beside the ledger's."""
		theirs = self._others() + self._invoices()
		self._not_posted()
		return Comparison("ledgered", ours, theirs, self.notes.differences())

	def _entries(self, entry: Any) -> Any:
		"""Entries that count, on any account."""
		company = self.reading.table("Company", alias="company")
		book = text(entry.finance_book)
		return where(
			Query.from_(entry).join(company).on(company.name == entry.company),
			number(entry.is_cancelled) == 0,
			text(entry.voucher_type) != Bound("Period Closing Voucher"),
			(book == Bound("")) | (book == text(company.default_finance_book)),
			self.reading.of_company(entry.company),
			self.books.span.holds(entry.posting_date),
		)

	def _income(self, entry: Any) -> Any:
		"""Entries on income accounts."""
		account = Table("tabAccount").as_("account")
		return (
			self._entries(entry)
			.join(account)
			.on(account.name == entry.account)
			.where(account.root_type == Bound("Income"))
		)

	def _by_voucher(self) -> Any:
		entry = self.reading.table("GL Entry", alias="entry")
		return (
			self._income(entry)
			.where(entry.voucher_type == Bound("Sales Invoice"))
			.groupby(entry.voucher_no)
			.select(entry.voucher_no.as_("name"), _credit(entry).as_("income"))
		).as_("posted")

	def _others(self) -> float:
		"""What vouchers other than Sales Invoices post."""
		entry = self.reading.table("GL Entry", alias="entry")
		kind = text(entry.voucher_type)
		rows = self.books.rows(
			self._income(entry)
			.where(kind != Bound("Sales Invoice"))
			.groupby(entry.voucher_type, entry.voucher_no)
			.select(kind.as_("doctype"), text(entry.voucher_no).as_("name"), _credit(entry).as_("income"))
		)
		deferred = self._deferred_journals([row["name"] for row in rows if row["doctype"] == "Journal Entry"])
		for row in rows:
			reason = "vouchers"
			if row["doctype"] == "Journal Entry":
				reason = "recognised" if row["name"] in deferred else "journals"
			self.notes.add(reason, row["doctype"], row["name"], float(row["income"]))
		return sum(float(row["income"]) for row in rows)

	def _deferred_journals(self, names: list[str]) -> set[str]:
		"""Those of some Journal Entries by which ERPNext recognises deferred revenue."""
		if not self.books.has("Journal Entry", "voucher_type"):
			return set()
		journal = Table("tabJournal Entry")
		query = (
			Query.from_(journal).where(journal.voucher_type == Bound("Deferred Revenue")).select(journal.name)
		)
		return {
			row["name"]
			for some in _chunks(names)
			for row in self.books.rows(query.where(one_of(journal.name, some)))
		}

	def _invoices(self) -> float:
		"""What Sales Invoices post: those that post what we count are alike, the others are looked into."""
		entry, invoice = self.reading.table("GL Entry", alias="entry"), self.reading.table("Sales Invoice")
		total = self.books.rows(
			self._income(entry)
			.where(entry.voucher_type == Bound("Sales Invoice"))
			.select(number(_credit(entry)).as_("income"))
		)
		posted, ours = self._by_voucher(), _is_ours(self.books, invoice)
		alike = ours & (Abs(posted.income - number(invoice.base_net_total)) <= DUST)
		outside = (invoice.posting_date < Bound(self.books.question.first)) | (
			invoice.posting_date > Bound(self.books.question.last)
		)
		rows = self.books.rows(
			Query.from_(posted)
			.left_join(invoice)
			.on(invoice.name == posted.name)
			.where(invoice.name.isnull() | alike.negate())
			.select(
				posted.name,
				posted.income,
				number(invoice.docstatus).as_("docstatus"),
				_flag(ours, "ours"),
				_flag(text(invoice.is_opening) == Bound("Yes"), "opening"),
				_flag(number(invoice.is_internal_customer) == 1, "internal"),
				_flag(outside, "outside"),
			)
		)
		unlike = [row["name"] for row in rows if row["ours"]]
		strangers = [row["name"] for row in rows if row["docstatus"] == 1 and row["outside"]]
		deferred = {
			name for name, lines in self._lines(strangers).items() if any(line["deferred"] for line in lines)
		}
		for row in rows:
			if not row["ours"]:
				reason = _why_not_ours(row, deferred)
				if reason:
					self.notes.add(reason, "Sales Invoice", row["name"], float(row["income"]))
		self._look_into(unlike)
		return float(total[0]["income"] or 0) if total else 0.0

	def _not_posted(self) -> None:
		"""Invoices that count in our figure and have nothing on any income account."""
		invoice, posted = self.reading.table("Sales Invoice"), self._by_voucher()
		query = (
			Query.from_(invoice)
			.left_join(posted)
			.on(posted.name == invoice.name)
			.where(self.reading.of_company(invoice.company)[0])
			.where(_is_ours(self.books, invoice))
			.where(posted.name.isnull())
			.where(number(invoice.base_net_total) != 0)
			.select(invoice.name, number(invoice.base_net_total).as_("net"))
		)
		rows = {row["name"]: float(row["net"]) for row in self.books.rows(query)}
		known = self._in_ledger(list(rows))
		for name, net in rows.items():
			if name not in known:
				self.notes.add("missing", "Sales Invoice", name, -net)
		self._look_into(sorted(known))

	def _in_ledger(self, names: list[str]) -> set[str]:
		entry = self.reading.table("GL Entry", alias="entry")
		query = where(
			Query.from_(entry), number(entry.is_cancelled) == 0, entry.voucher_type == Bound("Sales Invoice"),
		).select(entry.voucher_no.as_("name")).distinct()  # fmt: skip
		return {
			row["name"]
			for some in _chunks(names)
			for row in self.books.rows(query.where(one_of(entry.voucher_no, some)))
		}

	def _look_into(self, names: list[str]) -> None:
		"""Note why invoices post something else on income accounts than their net total."""
		for some in _chunks(names):
			lines, posted, taxes = self._lines(some), self._posted(some), self._taxes(some)
			for row in self._headers(some):
				name = row["name"]
				self._explain(row, lines.get(name, []), posted.get(name, []), taxes.get(name, []))

	def _explain(
		self, invoice: Mapping[str, Any], lines: list[Any], posted: list[Any], taxes: list[Any]
	) -> None:
		"""One invoice: its lines by where they are booked, then what else it posts."""

		def note(reason: str, amount: float) -> None:
			self.notes.add(reason, "Sales Invoice", invoice["name"], amount)

		total = sum(float(line["amount"]) for line in lines)
		note("lines", total - float(invoice["net"]))
		has_deferred = has_assets = False
		expected, accounts = 0.0, set()
		for line in lines:
			amount, is_deferred = float(line["amount"]), bool(line["deferred"] and not invoice["is_return"])
			if line["asset"]:
				has_assets = True
				note("assets", -amount)
				continue
			if line["root"] == "Income":
				accounts.add(line["account"])
			if is_deferred:
				has_deferred = True
				note("deferred", -amount)
			elif line["root"] != "Income":
				note("elsewhere", -amount)
			else:
				expected += amount
		rest = -expected
		for entry in posted:
			amount = float(entry["income"])
			if has_deferred and not entry["same_day"]:
				note("recognised", amount)
			elif entry["account"] in accounts:
				rest += amount
			else:
				note("assets" if has_assets else "charges", amount)
		beside = sum(float(tax["amount"]) for tax in taxes if tax["account"] in accounts)
		note("charges", beside)
		rest -= beside
		if invoice["discounted"] or any(line["discounted"] for line in lines):
			note("discounts", rest)
		elif has_deferred:
			note("recognised", rest)
		elif abs(rest) <= CENT * (len(lines) + 1):
			note("rounding", rest)

	def _headers(self, names: list[str]) -> list[dict[str, Any]]:
		invoice = self.reading.table("Sales Invoice")
		discounted: Term = ValueWrapper(0).as_("discounted")
		if self.books.has("Sales Invoice", "additional_discount_account", "discount_amount"):
			account = text(invoice.additional_discount_account) != Bound("")
			discounted = _flag(account & (number(invoice.discount_amount) != 0), "discounted")
		return self.books.rows(
			Query.from_(invoice)
			.where(one_of(invoice.name, names))
			.select(
				invoice.name, number(invoice.base_net_total).as_("net"), number(invoice.is_return).as_("is_return"),
				discounted,
			)
		)  # fmt: skip

	def _lines(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
		"""The lines of invoices, with the account that each is booked on and the root of that account."""
		doctype = "Sales Invoice Item"
		line, account = self.reading.table(doctype, alias="line"), Table("tabAccount").as_("account")

		def flagged(condition: Term, name: str, *columns: str) -> Term:
			return _flag(condition, name) if self.books.has(doctype, *columns) else ValueWrapper(0).as_(name)

		asset = number(line.is_fixed_asset) == 1
		if self.books.has(doctype, "asset"):
			asset &= text(line.asset) != Bound("")
		discounted = (text(line.discount_account) != Bound("")) & (number(line.discount_amount) != 0)
		query = (
			Query.from_(line)
			.left_join(account)
			.on(account.name == line.income_account)
			.select(
				line.parent.as_("name"),
				number(line.base_net_amount).as_("amount"),
				text(line.income_account).as_("account"),
				text(account.root_type).as_("root"),
				flagged(number(line.enable_deferred_revenue) == 1, "deferred", "enable_deferred_revenue"),
				flagged(asset, "asset", "is_fixed_asset"),
				flagged(discounted, "discounted", "discount_account", "discount_amount"),
			)
		)
		return self._grouped(query, line.parent, names)

	def _posted(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
		"""What invoices post on each income account, on their own day and on others."""
		entry, invoice = self.reading.table("GL Entry", alias="entry"), self.reading.table("Sales Invoice")
		same_day = Case().when(entry.posting_date == invoice.posting_date, 1).else_(0)
		query = (
			self._income(entry)
			.join(invoice)
			.on(invoice.name == entry.voucher_no)
			.where(entry.voucher_type == Bound("Sales Invoice"))
			.groupby(entry.voucher_no, entry.account, same_day)
			.select(
				entry.voucher_no.as_("name"),
				entry.account,
				same_day.as_("same_day"),
				_credit(entry).as_("income"),
			)
		)
		return self._grouped(query, entry.voucher_no, names)

	def _taxes(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
		"""Taxes and charges of invoices, by account."""
		doctype, column = "Sales Taxes and Charges", "base_tax_amount_after_discount_amount"
		if not self.books.has(doctype, column):
			return {}
		tax = Table(f"tab{doctype}").as_("tax")
		query = (
			Query.from_(tax)
			.where(tax.parenttype == Bound("Sales Invoice"))
			.select(
				tax.parent.as_("name"),
				text(tax.account_head).as_("account"),
				number(tax[column]).as_("amount"),
			)
		)
		return self._grouped(query, tax.parent, names)

	def _grouped(self, query: Any, key: Term, names: list[str]) -> dict[str, list[dict[str, Any]]]:
		found: dict[str, list[dict[str, Any]]] = {}
		for some in _chunks(names):
			for row in self.books.rows(query.where(one_of(key, some))):
				found.setdefault(row["name"], []).append(row)
		return found


def _why_not_ours(row: Mapping[str, Any], deferred: set[str]) -> str | None:
	"""Why a Sales Invoice that posts income in these days doesn't count in our figure of them."""
	if row["docstatus"] == 2:
		return "cancelled"
	if row["docstatus"] != 1:
		return None
	if row["outside"]:
		return "recognised" if row["name"] in deferred else None
	return "opening" if row["opening"] else "internal" if row["internal"] else "later"


def _credit(entry: Any) -> Term:
	return Sum(number(entry.credit) - number(entry.debit))


def _chunks(names: Iterable[str], size: int = 500) -> Iterator[list[str]]:
	names = list(names)
	for start in range(0, len(names), size):
		yield names[start : start + size]
