"""What is missing to this month's target, and the documents that can bring it: what a salesperson opens every morning.

A document stays in its list for as long as what put it there holds, and leaves when somebody has done something: the
quotation was ordered, the opportunity spoken about, the customer has bought, the order is billed. Whoever can't do so today
sets it aside by a ToDo (`remind`), and it comes back on that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Coalesce, Max, Min, NullIf

from sales_kpi import catalogue
from sales_kpi.analysis.targets import working_days
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.invoices import purchases
from sales_kpi.facts.reading.reading import Span, where
from sales_kpi.periods import Period
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, shortened
from sales_kpi.site.guarding import guarded
from sales_kpi.site.permissions import quoted, refuse
from sales_kpi.site.report import titles
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.standing import Standing, days_off, standings
from sales_kpi.sources.site import SiteSource

SHOWN = 20
"""Documents of a list that are shown; the others are counted."""

MOST = 1000
"""Documents of a list that are looked at, the largest: beyond them it is only said that there are more."""

EXPIRES_WITHIN, EXPIRED_WITHIN = 14, 7
"""Days before and after the end of its validity in which a quotation is worth a call."""

SILENT_AFTER = 14
"""Days without activity after which an opportunity is silent."""

LATE_FROM = 2.0
"""A customer is late who has waited longer than so many times its own usual gap,"""

LEAST_PURCHASES, LEAST_WAIT = 3, 7
"""if it has bought on so many days, and waited so many days at all."""

LOOK_BACK = 730
"""Days back in which documents and purchases are looked at: what is older is history, and nothing to do today."""

AT_ONCE = 60_000
"""With more invoices than about this, purchases are read by a job and not while somebody waits."""

TARGETS = ("sales_volume", "bookings")
"""The KPIs whose target is a target in money, in the order of preference."""

SOURCES = ("Quotation", "Opportunity", "Customer", "Sales Order")

_RHYTHM = "sales_kpi_late_customers"
_KEPT_FOR = 7 * 86400


def told(view: View) -> dict[str, Any]:
	"""The gap to the target of this month, and the lists."""
	reach = ToReach(view)
	return {
		"gap": reach.gap(),
		"lists": reach.lists(),
		"today": words.day(view.today, view.question.calendar),
	}


@dataclass(frozen=True)
class Item:
	"""A document that can bring something.

	amount: in company currency, as far as it is credited to the scope. why: it is in the list, for people.
	"""

	name: str
	party: str
	amount: float
	why: str


@dataclass(frozen=True)
class ToReach:
	"""What can be done for the scope of a view."""

	view: View

	@property
	def asker(self) -> Asker:
		return self.view.asker

	@property
	def today(self) -> date:
		return self.view.today

	@cached_property
	def speaker(self) -> words.Speaker:
		return words.Speaker()

	@cached_property
	def currency(self) -> str | None:
		return frappe.get_cached_value("Company", self.view.company, "default_currency")

	def _money(self, amount: float) -> str:
		return self.speaker.money(amount, self.currency, exact=False)

	# Gap

	def gap(self) -> dict[str, Any]:
		"""What is missing in money, and the days that are left for it."""
		view = self.view
		seen = {kpi.name for kpi in self.asker.kpis}
		kpis = tuple(name for name in TARGETS if name in seen)
		days = {"month": view.label(view.period), "days": self._days_left()}
		if not kpis:
			return {**days, "has_target": False, "value": ""}
		question = replace(view.question, first=view.period.start, last=view.period.last_day, kpis=kpis)
		values = {
			value["kpi"]: value for value in self.asker.values(question) if value["scope"] == view.scope
		}
		found = standings(self.asker, question, list(values.values()))
		for name in kpis:
			standing = found.get((name, view.by.value, view.scope, view.period.start))
			if standing is not None and standing.agreed.value and name in values:
				return {**days, **self._gap_of(name, values[name]["value"] or 0.0, standing)}
		name = next((name for name in kpis if name in values), None)
		value = values[name]["value"] if name else None
		return {
			**days,
			"has_target": False,
			"kpi": titles([name])[name] if name else "",
			"value": "" if value is None else self._money(value),
		}

	def _gap_of(self, name: str, value: float, standing: Standing) -> dict[str, Any]:
		target = standing.agreed.value or 0.0
		missing = target - value
		return {
			"has_target": True,
			"kpi": titles([name])[name],
			"value": self._money(value),
			"target": self._money(target),
			"missing": self._money(abs(missing)),
			"missing_amount": round(missing, 2),
			"is_reached": missing <= 0,
			"share": round(max(0.0, min(value / target, 1.0)), 4) if target > 0 else None,
			"share_text": self.speaker.share(standing.attainment),
			"status": words.status_label(standing.status, standing.is_open),
			"tone": words.TONES.get(standing.status, ""),
		}

	def _days_left(self) -> str:
		"""Days left in the month, today included."""
		rest = Period(self.today, self.view.period.end)
		off = days_off(self.view.company, self.view.period)
		if off is None:
			if rest.days == 1:
				return str(_("today is the last day"))
			return str(_("{0} days left, today included").format(self.speaker.number(rest.days)))
		days = working_days(rest, off)
		if days == 0:
			return str(_("no working day left"))
		if days == 1:
			return str(_("1 working day left"))
		return str(_("{0} working days left, today included").format(self.speaker.number(days)))

	# Lists

	def lists(self) -> list[dict[str, Any]]:
		"""What can bring something, by kind; a list of documents that the reader may not read at all is left out."""
		made = [
			("Quotation", _("Quotations about to expire"), self._quotations),
			("Opportunity", _("Silent opportunities"), self._opportunities),
			("Customer", _("Customers past their own rhythm"), self._customers),
			("Sales Order", _("Orders not billed"), self._orders),
		]
		return [
			self._list(doctype, str(title), find())
			for doctype, title, find in made
			if frappe.has_permission(doctype, "read", user=self.asker.user)
		]

	def _list(self, doctype: str, title: str, items: Sequence[Item] | None) -> dict[str, Any]:
		if items is None:
			return {"doctype": doctype, "title": title, "is_preparing": True, "count": 0, "items": []}
		aside = self._set_aside.get(doctype, set())
		items = [item for item in items if item.name not in aside]
		has_more = len(items) >= MOST
		may = set(self.asker.readable_names(doctype, [item.name for item in items]))
		items = sorted(
			(item for item in items if item.name in may), key=lambda item: (-item.amount, item.name)
		)
		total = sum(item.amount for item in items)
		return {
			"doctype": doctype,
			"title": title,
			"count": len(items),
			"count_text": self.speaker.number(len(items)) + ("+" if has_more else ""),
			"total": round(total, 2),
			"total_text": self._money(total),
			"items": [
				{
					"name": item.name,
					"party": item.party,
					"amount": round(item.amount, 2),
					"amount_text": self._money(item.amount) if item.amount else "",
					"why": item.why,
				}
				for item in items[:SHOWN]
			],
			"further": self.speaker.number(len(items) - SHOWN) if len(items) > SHOWN else "",
		}

	@cached_property
	def _set_aside(self) -> Mapping[str, set[str]]:
		"""Documents of which the reader wants to be reminded on a later day."""
		rows = frappe.get_all(
			"ToDo",
			filters={
				"allocated_to": self.asker.user,
				"status": "Open",
				"date": (">", self.today),
				"reference_type": ("in", SOURCES),
			},
			fields=["reference_type", "reference_name"],
		)
		found: dict[str, set[str]] = {}
		for row in rows:
			found.setdefault(row.reference_type, set()).add(row.reference_name)
		return found

	# Whose documents

	@cached_property
	def _users(self) -> frozenset[str] | None:
		"""The users who are the scope's salespeople today; None for everybody."""
		people = self.view.people
		return None if people is None else users_of(people, self.asker)

	def _of_scope(self, query: Any, owner: Any, territory: Any) -> Any:
		"""Narrow a query to documents of the scope's users and of the territories that may be seen."""
		if self._users is not None:
			query = query.where(owner.isin(sorted(self._users) or [""]))
		if self.view.territories is not None:
			query = query.where(territory.isin(list(self.view.territories) or [""]))
		return query

	def _quotations(self) -> list[Item]:
		"""Quotations that are open and end soon, or have just ended."""
		quotation, opportunity = frappe.qb.DocType("Quotation"), frappe.qb.DocType("Opportunity")
		line = frappe.qb.DocType("Quotation Item")
		of_line = (
			frappe.qb.from_(line)
			.where((line.parent == quotation.name) & (line.prevdoc_doctype == "Opportunity"))
			.select(Min(line.prevdoc_docname))
		)
		owner = Coalesce(NullIf(opportunity.opportunity_owner, ""), quotation.owner)
		query = (
			frappe.qb.from_(quotation)
			.left_join(opportunity)
			.on(opportunity.name == Coalesce(NullIf(quotation.opportunity, ""), of_line))
			.where(quotation.docstatus == 1)
			.where(quotation.company == self.view.company)
			.where(quotation.status.isin(["Open", "Replied", "Expired"]))
			.where(quotation.transaction_date >= self._since)
			.where(
				quotation.valid_till[
					self.today - timedelta(days=EXPIRED_WITHIN) : self.today + timedelta(days=EXPIRES_WITHIN)
				]
			)
			.orderby(quotation.base_net_total, order=frappe.qb.desc)
			.limit(MOST)
			.select(quotation.name, quotation.customer_name, quotation.base_net_total, quotation.valid_till)
		)
		rows = self._of_scope(query, owner, quotation.territory).run()
		return [
			Item(name, party or "", amount or 0.0, self._until(ends)) for name, party, amount, ends in rows
		]

	def _until(self, ends: date) -> str:
		days = (ends - self.today).days
		if days == 0:
			return str(_("expires today"))
		if days == 1:
			return str(_("expires tomorrow"))
		if days > 0:
			return str(_("expires in {0} days").format(self.speaker.number(days)))
		return str(
			_("expired yesterday")
			if days == -1
			else _("expired {0} days ago").format(self.speaker.number(-days))
		)

	def _opportunities(self) -> list[Item]:
		"""Opportunities that are open and that nobody has done anything about for a while."""
		opportunity = frappe.qb.DocType("Opportunity")
		amount = Coalesce(
			NullIf(opportunity.base_opportunity_amount, 0),
			NullIf(opportunity.opportunity_amount * opportunity.conversion_rate, 0),
			opportunity.base_total,
			0,
		)
		query = (
			frappe.qb.from_(opportunity)
			.where(opportunity.company == self.view.company)
			.where(opportunity.status.isin(["Open", "Replied", "Quotation"]))
			.where(opportunity.transaction_date >= self._since)
			.where(opportunity.modified < self._silent_since)
			.orderby(amount, order=frappe.qb.desc)
			.limit(MOST)
			.select(opportunity.name, opportunity.customer_name, amount, opportunity.modified)
		)
		for active in self._activities():
			query = query.where(opportunity.name.notin(active))
		rows = self._of_scope(query, opportunity.opportunity_owner, opportunity.territory).run()
		spoken = _last_communications([row[0] for row in rows])
		items = []
		for name, party, value, modified in rows:
			last = max(modified.date(), spoken.get(name, date.min))
			why = _("nothing happened for {0} days").format(self.speaker.number((self.today - last).days))
			items.append(Item(name, party or "", float(value or 0.0), str(why)))
		return items

	@property
	def _since(self) -> date:
		return self.today - timedelta(days=LOOK_BACK)

	@property
	def _silent_since(self) -> date:
		"""The first day of those without activity."""
		return self.today - timedelta(days=SILENT_AFTER)

	def _activities(self) -> list[Any]:
		"""Opportunities that somebody has written, spoken or planned something about lately, by each kind of record."""
		since = self._silent_since
		mail, comment = frappe.qb.DocType("Communication"), frappe.qb.DocType("Comment")
		event, participant = frappe.qb.DocType("Event"), frappe.qb.DocType("Event Participants")
		todo = frappe.qb.DocType("ToDo")
		return [
			frappe.qb.from_(mail)
			.where((mail.reference_doctype == "Opportunity") & (mail.communication_date >= since))
			.where(mail.reference_name.isnotnull())
			.select(mail.reference_name),
			frappe.qb.from_(comment)
			.where((comment.reference_doctype == "Opportunity") & (comment.comment_type == "Comment"))
			.where((comment.creation >= since) & comment.reference_name.isnotnull())
			.select(comment.reference_name),
			frappe.qb.from_(participant)
			.join(event)
			.on(event.name == participant.parent)
			.where((participant.reference_doctype == "Opportunity") & (event.starts_on >= since))
			.where((event.status != "Cancelled") & participant.reference_docname.isnotnull())
			.select(participant.reference_docname),
			frappe.qb.from_(todo)
			.where(todo.reference_type == "Opportunity")
			.where((todo.modified >= since) | ((todo.status == "Open") & (todo.date > self.today)))
			.where(todo.reference_name.isnotnull())
			.select(todo.reference_name),
		]

	def _orders(self) -> list[Item]:
		"""Orders of which something is still to be billed."""
		order = frappe.qb.DocType("Sales Order")
		open_amount = order.base_net_total * (100 - Coalesce(order.per_billed, 0)) / 100
		query = (
			frappe.qb.from_(order)
			.where(order.docstatus == 1)
			.where(order.company == self.view.company)
			.where(order.status.isin(["To Bill", "To Deliver and Bill"]))
			.where(order.per_billed < 100)
			.where(order.transaction_date >= self._since)
			.orderby(open_amount, order=frappe.qb.desc)
			.limit(MOST)
			.select(
				order.name, order.customer_name, open_amount, order.per_billed, order.transaction_date,
			)
		)  # fmt: skip
		if self.view.territories is not None:
			query = query.where(order.territory.isin(list(self.view.territories) or [""]))
		if self.view.people is not None and not self._has_fallback:
			team = frappe.qb.DocType("Sales Team")
			credited = (
				frappe.qb.from_(team)
				.where(team.parenttype == "Sales Order")
				.where(team.sales_person.isin(list(self.view.people)))
				.select(team.parent)
			)
			query = query.where(order.name.isin(credited))
		rows = query.run()
		shares = self._shares([row[0] for row in rows])
		items = []
		for name, party, amount, billed, day in rows:
			share = 1.0 if shares is None else shares.get(name, 0.0)
			if share > 0:
				items.append(
					Item(name, party or "", float(amount or 0.0) * share, self._billed(billed or 0.0, day))
				)
		return items

	def _billed(self, billed: float, day: date) -> str:
		ordered = words.day(day, self.view.question.calendar)
		if billed > 0:
			return str(_("ordered on {0}, {1} billed").format(ordered, self.speaker.share(billed / 100)))
		return str(_("ordered on {0}, nothing billed").format(ordered))

	@property
	def _has_fallback(self) -> bool:
		"""Whether somebody is credited for documents without a Sales Team."""
		return self.asker.settings.engine.credit_fallback.value != "none"

	def _shares(self, orders: Sequence[str]) -> Mapping[str, float] | None:
		"""What of each order is credited to the scope, as its figures count it; None for all of each."""
		people = self.view.people
		if people is None:
			return None
		if not orders:
			return {}
		source = SiteSource()
		reading = self.asker.masters.reading(
			self.asker.settings.engine, self.today, source, self.view.company
		).narrowed(entities=tuple(orders))
		rows = source.run(catalogue.facts()["order"].select(reading))
		mine = rows[rows["sales_person"].isin(people)]
		return {str(name): float(share) for name, share in mine.groupby("document")["quantity"].sum().items()}

	# Customers

	def _customers(self) -> list[Item] | None:
		"""Customers that have waited longer than they usually do; None while their purchases are being read."""
		late = late_customers(self.view.company, self.asker, self.today)
		if late is None:
			return None
		late = self._customers_of_scope(late)
		names = _customer_names([row.customer for row in late])
		items = []
		for row in late:
			why = _("last bought {0} days ago, usually every {1} days").format(
				self.speaker.number((self.today - row.last).days), self.speaker.number(round(row.gap))
			)
			items.append(Item(row.customer, names.get(row.customer, row.customer), row.amount, str(why)))
		return sorted(items, key=lambda item: -item.amount)[:MOST]

	def _customers_of_scope(self, late: Sequence[Late]) -> list[Late]:
		"""Those whose Sales Team holds somebody of the scope; of one without, that of its last invoice."""
		people, territories = self.view.people, self.view.territories
		if people is None and territories is None:
			return list(late)
		customers = [row.customer for row in late]
		if territories is not None:
			inside = set(_chunked("Customer", "name", customers, {"territory": ("in", territories)}))
			customers = [name for name in customers if name in inside]
		if people is not None:
			credited = _teams("Customer", customers)
			of_invoice = {row.invoice: row.customer for row in late if row.customer not in credited}
			for invoice, team in _teams("Sales Invoice", list(of_invoice)).items():
				credited[of_invoice[invoice]] = team
			customers = [name for name in customers if credited.get(name, set()).intersection(people)]
		kept = set(customers)
		return [row for row in late if row.customer in kept]


@dataclass(frozen=True)
class Late:
	"""A customer that has waited longer than it usually does.

	gap: days that it usually waits. last: day of its last purchase. amount: what it usually buys for on a day.
	invoice: of the last purchase.
	"""

	customer: str
	gap: float
	last: date
	amount: float
	invoice: str


def late_customers(company: str, asker: Asker, today: date) -> list[Late] | None:
	"""Customers of a company past their own rhythm, those left out that have lapsed long ago.

	Where there are many invoices a job reads them, once a day: None until it has.
	"""
	if frappe.db.count("Sales Invoice", cache=True) <= AT_ONCE:
		return read_late_customers(company, asker, today)
	kept = frappe.cache.hget(_RHYTHM, company)
	if not kept or kept["day"] != today:
		frappe.enqueue(
			"sales_kpi.site.to_reach.keep_late_customers",
			queue="long",
			job_id=f"sales_kpi_late_customers:{company}",
			deduplicate=True,
			company=company,
		)
	if not kept:
		return None
	bought = set(_bought_since(company, kept["day"]))
	return [Late(*row) for row in kept["rows"] if row[0] not in bought]


def keep_all_late_customers() -> None:
	"""Keep them for each company that is followed, before people ask in the morning. A nightly job."""
	if frappe.db.count("Sales Invoice", cache=True) <= AT_ONCE:
		return
	asker = Asker.current("Administrator")
	for company in asker.settings.companies or asker.masters.companies:
		with guarded(f"late customers of {company} were not read", "Company", company):
			keep_late_customers(company)


def keep_late_customers(company: str) -> None:
	"""Read who is late and keep it for the day. A job."""
	today = frappe.utils.getdate()
	asker = Asker.current("Administrator")
	rows = [
		(row.customer, row.gap, row.last, row.amount, row.invoice)
		for row in read_late_customers(company, asker, today)
	]
	frappe.cache.hset(_RHYTHM, company, {"day": today, "rows": rows})


def read_late_customers(company: str, asker: Asker, today: date) -> list[Late]:
	"""Customers past their own rhythm, by their purchases of the last two years, as purchases are counted everywhere."""
	source, settings = SiteSource(), asker.settings.engine
	reading = asker.masters.reading(settings, today, source, company)
	invoice = reading.table("Sales Invoice")
	since = Span(today - timedelta(days=LOOK_BACK), today)
	query = where(purchases(reading, invoice), since.holds(invoice.posting_date)).select(
		invoice.customer,
		invoice.posting_date.as_("day"),
		invoice.name.as_("invoice"),
		invoice.base_net_total.as_("amount"),
	)
	rows = source.run(query)
	if rows.empty:
		return []
	latest = today - timedelta(days=LEAST_WAIT)
	gone = today - timedelta(days=2 * settings.churn_after_days)
	late = []
	for customer, of in rows.sort_values(["customer", "day", "invoice"]).groupby("customer"):
		days = sorted({_as_date(day) for day in of["day"]})
		last = days[-1]
		if len(days) < LEAST_PURCHASES or not gone <= last <= latest:
			continue
		gap = float(median((after - before).days for before, after in pairwise(days)))
		if (today - last).days > LATE_FROM * gap:
			amount = float(of["amount"].sum()) / len(days)
			late.append(Late(str(customer), gap, last, amount, str(of["invoice"].iloc[-1])))
	return late


def _as_date(day: Any) -> date:
	return day.date() if hasattr(day, "date") else day


def _bought_since(company: str, day: date) -> list[str]:
	return frappe.get_all(
		"Sales Invoice",
		filters={"company": company, "docstatus": 1, "is_return": 0, "posting_date": (">=", day)},
		pluck="customer",
		distinct=True,
	)


def _teams(doctype: str, names: Sequence[str]) -> dict[str, set[str]]:
	"""Salespeople of the Sales Teams of documents."""
	team = frappe.qb.DocType("Sales Team")
	found: dict[str, set[str]] = {}
	for chunk in _chunks(names):
		rows = (
			frappe.qb.from_(team)
			.where((team.parenttype == doctype) & team.parent.isin(chunk))
			.select(team.parent, team.sales_person)
			.run()
		)
		for parent, person in rows:
			found.setdefault(parent, set()).add(person)
	return found


def _customer_names(names: Sequence[str]) -> dict[str, str]:
	found: dict[str, str] = {}
	for chunk in _chunks(names):
		rows = frappe.get_all(
			"Customer", filters={"name": ("in", chunk)}, fields=["name", "customer_name"], as_list=True
		)
		found.update(rows)
	return found


def _chunked(doctype: str, field: str, names: Sequence[str], filters: Mapping[str, Any]) -> list[str]:
	return [
		name
		for chunk in _chunks(names)
		for name in frappe.get_all(doctype, filters={**filters, field: ("in", chunk)}, pluck=field)
	]


def _chunks(names: Sequence[str], size: int = 500) -> Iterable[list[str]]:
	for first in range(0, len(names), size):
		yield list(names[first : first + size])


def _last_communications(opportunities: Sequence[str]) -> dict[str, date]:
	"""The day of the last communication about each opportunity."""
	mail = frappe.qb.DocType("Communication")
	found: dict[str, date] = {}
	for chunk in _chunks(opportunities):
		rows = (
			frappe.qb.from_(mail)
			.where((mail.reference_doctype == "Opportunity") & mail.reference_name.isin(chunk))
			.groupby(mail.reference_name)
			.select(mail.reference_name, Max(mail.communication_date))
			.run()
		)
		found.update({name: moment.date() for name, moment in rows if moment})
	return found


def users_of(people: Iterable[str], asker: Asker) -> frozenset[str]:
	"""The users who are these salespeople today: by the settings' mapping, else through an Employee."""
	wanted, today = set(people), frappe.utils.getdate()
	current: dict[str, set[str]] = {}
	for row in asker.settings.engine.mapping:
		if (row.first_day is None or row.first_day <= today) and (
			row.last_day is None or row.last_day >= today
		):
			current.setdefault(row.user, set()).add(row.sales_person)
	employee, person = frappe.qb.DocType("Employee"), frappe.qb.DocType("Sales Person")
	rows = (
		frappe.qb.from_(employee)
		.join(person)
		.on(person.employee == employee.name)
		.where(employee.user_id.isnotnull() & (employee.user_id != ""))
		.orderby(person.enabled, order=frappe.qb.desc)
		.orderby(person.name)
		.select(employee.user_id, person.name)
		.run()
	)
	by_employee: dict[str, str] = {}
	for user, name in rows:
		by_employee.setdefault(user, name)
	found = {user for user, names in current.items() if names & wanted}
	found |= {user for user, name in by_employee.items() if user not in current and name in wanted}
	return frozenset(found)


# Setting aside


def remind(doctype: str, name: str, days: int) -> str:
	"""Let a document leave its reader's list until a day, by a ToDo that reminds of it then. Returns the day, for people."""
	if doctype not in SOURCES:
		raise InputError(_("{0} can’t be set aside.").format(shortened(doctype)))
	if not 1 <= days <= 90:
		raise InputError(_("Something can be set aside for 1 to 90 days."))
	asker = Asker.current()
	if not asker.readable_names(doctype, [name]):
		refuse(_("There is no {0} {1} that you may see.").format(_(doctype), quoted(name)))
	day = frappe.utils.getdate() + timedelta(days=days)
	own = {
		"allocated_to": asker.user, "status": "Open", "reference_type": doctype, "reference_name": name,
	}  # fmt: skip
	found = frappe.db.get_value("ToDo", own)
	todo = frappe.get_doc("ToDo", found) if found else frappe.new_doc("ToDo")
	if not found:
		todo.update({**own, "description": _("Look at {0} {1} again.").format(_(doctype), name)})
	todo.date = day
	todo.save()
	return words.day(day, asker.settings.calendar)
