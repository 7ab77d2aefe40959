"""The report KPI Agreement with ERPNext: our figures beside ERPNext's own, and why the two differ.

ERPNext's figures come from its own reports' code, run for the same company and days, and from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import frappe
from frappe import _
from frappe.utils import flt

from sales_kpi.analysis.reconciliation import (
	AGREES,
	EXPLAINED,
	NAMED,
	Books,
	Comparison,
	Difference,
	Evidence,
	booked,
	credited,
	invoiced,
	ledgered,
	waiting_receipts,
)
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import refuse, sight
from sales_kpi.site.report import Table, answered, question_of, scope_label
from sales_kpi.sources.site import SiteSource

ANALYTICS = "erpnext.selling.report.sales_analytics.sales_analytics.execute"
BY_PERSON = "erpnext.selling.report.sales_person_wise_transaction_summary.sales_person_wise_transaction_summary.execute"

MOST_MONTHS = 48
"""Sales Analytics shows 52 periods and drops what lies beyond them."""

INDICATORS = {AGREES: "green", EXPLAINED: "blue"}


def agreement(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Agreement with ERPNext."""
	return answered(filters, build)


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	question = question_of(filters, asker.settings)
	comparisons = compared(asker, question)
	currency = asker.masters.companies[question.company]
	waiting = waiting_receipts(_books(asker, question))
	rows = list(_Rows(question, currency).rows(comparisons, waiting))
	return Table(columns=_columns(), rows=rows, messages=[_explained()], summary=_summary(comparisons))


def compared(asker: Asker, question: Question) -> list[Comparison]:
	"""Our figures beside ERPNext's, for those who see all of a company: invoiced, booked, ledgered, then by salesperson.

	Raises frappe.PermissionError for those who see it in part, or not at all.
	"""
	question = replace(question, every=Every.RANGE, by=By.COMPANY)
	if sight(question, asker.may, asker.masters, asker.settings.companies) is not None:
		refuse(_("Only those who see all of a company may compare its figures with ERPNext's."))
	books = _books(asker, question)
	company, first, last = question.company, question.first, question.last
	volume = _figures(asker, question, By.COMPANY, "sales_volume")[company]
	bookings = _figures(asker, question, By.COMPANY, "bookings")[company]
	return [
		invoiced(books, volume, sales_analytics(company, "Sales Invoice", first, last)),
		booked(books, bookings, sales_analytics(company, "Sales Order", first, last)),
		ledgered(books, volume),
		*credited(
			books,
			_figures(asker, question, By.SALES_PERSON, "sales_volume"),
			transaction_summary(company, first, last),
		),
	]


def _books(asker: Asker, question: Question) -> Books:
	return Books(SiteSource(), question, asker.settings.engine, asker.masters)


def _figures(asker: Asker, question: Question, by: By, kpi: str) -> dict[str, float]:
	"""A KPI's value by scope."""
	values = asker.values(replace(question, by=by, kpis=(kpi,)))
	return {value["scope"]: value["value"] or 0.0 for value in values}


# ERPNext's own figures


def sales_analytics(company: str, doctype: str, first: date, last: date) -> float:
	"""What Sales Analytics of customers, by value, adds up to."""
	execute = frappe.get_attr(ANALYTICS)
	total = 0.0
	for start, end in _spans(first, last):
		filters = frappe._dict(
			tree_type="Customer", doc_type=doctype, value_quantity="Value", company=company, from_date=str(start),
			to_date=str(end), range="Monthly", curves="total",
		)  # fmt: skip
		rows = execute(filters)[1]
		total += sum(flt(row.get("total")) for row in rows)
	return total


def transaction_summary(company: str, first: date, last: date) -> dict[str, float]:
	"""Contribution by salesperson in Sales Person-wise Transaction Summary of invoices, with return entries."""
	filters = frappe._dict(
		doc_type="Sales Invoice",
		company=company,
		from_date=str(first),
		to_date=str(last),
		show_return_entries=1,
	)
	columns, rows = frappe.get_attr(BY_PERSON)(filters)[:2]
	fields = [column["fieldname"] for column in columns]
	person, amount = fields.index("sales_person"), fields.index("contribution_amt")
	sums: dict[str, float] = {}
	for row in rows:
		if row[amount] != "":  # the last row is an empty one, which the desk fills with totals
			sums[row[person] or ""] = sums.get(row[person] or "", 0.0) + flt(row[amount])
	return sums


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
	while first <= last:
		end = min(frappe.utils.getdate(frappe.utils.add_months(first, MOST_MONTHS)) - timedelta(days=1), last)
		yield first, end
		first = end + timedelta(days=1)


# Rows


@dataclass(frozen=True)
class Figure:
	"""What a comparison is called, and where ERPNext shows its side."""

	title: str
	short: str
	report: str
	filters: dict[str, Any]


def figures(question: Question) -> dict[str, Figure]:
	"""The figures that are compared, by the name of their comparison."""
	days = {"company": question.company, "from_date": str(question.first), "to_date": str(question.last)}
	analytics = {"tree_type": "Customer", "value_quantity": "Value", "range": "Monthly", **days}
	return {
		"invoiced": Figure(
			_("Sales Volume and Sales Analytics"), _("Sales Analytics"), "Sales Analytics",
			{**analytics, "doc_type": "Sales Invoice"},
		),
		"booked": Figure(
			_("Bookings and Sales Analytics of Orders"), _("Sales Analytics of Orders"), "Sales Analytics",
			{**analytics, "doc_type": "Sales Order"},
		),
		"ledgered": Figure(
			_("Sales Volume and Income in the Ledger"), _("Income in the Ledger"), "Profit and Loss Statement",
			{
				"company": question.company, "filter_based_on": "Date Range", "period_start_date": str(question.first),
				"period_end_date": str(question.last), "periodicity": "Yearly",
			},
		),
		"credited": Figure(
			_("Salespeople and Transaction Summary"), _("Transaction Summary"),
			"Sales Person-wise Transaction Summary",
			{**days, "doc_type": "Sales Invoice", "show_return_entries": 1},
		),
	}  # fmt: skip


class _Rows:
	"""The rows of the table: each figure, below it what it differs by, below the last one the salespeople."""

	def __init__(self, question: Question, currency: str) -> None:
		self.currency, self.known = currency, figures(question)
		self.readable: dict[str, bool] = {}

	def rows(self, comparisons: list[Comparison], waiting: Difference) -> Iterator[dict[str, Any]]:
		for comparison in comparisons:
			figure = self.known[comparison.name]
			if comparison.scope is None:
				yield from self._compared(comparison, figure.title, "", 0, self._report(figure))
			else:
				title = scope_label(comparison.scope)
				yield from self._compared(comparison, title, self.known["credited"].title, 1, ("", ""))
		if waiting.evidence:
			title = _("In neither figure: {0}").format(_(waiting.title))
			row = self._row(
				title, "", 0, why=f"{words.money(waiting.amount, self.currency)} · {_(waiting.why)}"
			)
			yield {**row, **self._documents("POS Invoice", waiting.evidence)}

	def _compared(
		self, comparison: Comparison, title: str, parent: str, indent: int, link: tuple[str, str]
	) -> Iterator[dict[str, Any]]:
		row = self._row(title, parent, indent, comparison.ours, comparison.theirs, comparison.gap)
		name = row["name"]
		yield {
			**row,
			"is_figure": indent == 0,
			"status": _(comparison.status),
			"indicator": INDICATORS.get(comparison.status, "red"),
			"link": link[0],
			"route": link[1],
		}
		for difference in comparison.differences:
			for doctype, evidence in _by_doctype(difference):
				amount = sum(one.amount for one in evidence)
				label = _(difference.title) if difference.name != "vouchers" else _(doctype)
				row = self._row(label, name, indent + 1, gap=amount, why=_(difference.why))
				yield {**row, **self._documents(doctype, evidence)}
		if comparison.unexplained:
			why = _("The records don't say why. Please report it, with this table.")
			yield self._row(_("Unexplained"), name, indent + 1, gap=comparison.unexplained, why=why)

	def _row(
		self,
		figure: str,
		parent: str,
		indent: int,
		ours: float | None = None,
		theirs: float | None = None,
		gap: float | None = None,
		why: str = "",
	) -> dict[str, Any]:
		return {
			"name": f"{parent} / {figure}" if parent else figure,
			"parent": parent,
			"indent": indent,
			"figure": figure,
			"ours": _cents(ours),
			"theirs": _cents(theirs),
			"gap": _cents(gap),
			"why": why,
			"status": "",
			"documents": None,
			"link": "",
			"route": "",
			"currency": self.currency,
		}

	def _report(self, figure: Figure) -> tuple[str, str]:
		"""Words and route of ERPNext's report, for those who may open it."""
		if (
			not frappe.db.exists("Report", figure.report)
			or not frappe.get_doc("Report", figure.report).is_permitted()
		):
			return "", ""
		route = f"query-report/{quote(figure.report)}?{urlencode(figure.filters)}"
		return _("Open {0}").format(_(figure.report)), route

	def _documents(self, doctype: str, evidence: list[Evidence]) -> dict[str, Any]:
		"""How many documents, with the list that shows them (the largest, where there are many)."""
		named = [one for one in evidence if one.document]
		made: dict[str, Any] = {"documents": len(named) or None}
		if named and self._may_read(doctype):
			largest = sorted(named, key=lambda one: -abs(one.amount))[:NAMED]
			names = [one.document for one in largest]
			more = len(named) > NAMED
			made["link"] = _("The {0} largest").format(NAMED) if more else _("Open {0}").format(_(doctype))
			made["route"] = (
				f"{quote(frappe.scrub(doctype).replace('_', '-'))}?{urlencode({'name': json.dumps(['in', names])})}"
			)
		return made

	def _may_read(self, doctype: str) -> bool:
		if doctype not in self.readable:
			exists = bool(frappe.db.exists("DocType", doctype))
			self.readable[doctype] = exists and bool(frappe.has_permission(doctype, "read"))
		return self.readable[doctype]


def _by_doctype(difference: Difference) -> Iterable[tuple[str, list[Evidence]]]:
	found: dict[str, list[Evidence]] = {}
	for one in difference.evidence:
		found.setdefault(one.doctype, []).append(one)
	return found.items()


def _cents(amount: float | None) -> float | None:
	"""An amount without the dust of floats."""
	return None if amount is None else round(amount, 6) + 0.0


def _columns() -> list[dict[str, Any]]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, **more: Any) -> dict[str, Any]:
		made = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}
		return made if fieldtype in ("Currency", "Int") else {**made, "align": words.start()}

	return [
		column("figure", _("Figure"), "Data", 320),
		column("ours", _("Sales KPI"), "Currency", 130, options="currency"),
		column("theirs", _("ERPNext"), "Currency", 130, options="currency"),
		column("gap", _("ERPNext Has More"), "Currency", 140, options="currency"),
		column("status", _("Status"), "Data", 115),
		column("why", _("Why the Two Figures Differ"), "Data", 400),
		column("documents", _("Documents"), "Int", 105),
		column("link", _("Show"), "Data", 190),
	]


def _summary(comparisons: list[Comparison]) -> list[dict[str, Any]]:
	short = figures(Question("", date.min, date.min))
	return [
		{
			"label": short[comparison.name].short,
			"value": _(comparison.status),
			"datatype": "Data",
			"indicator": INDICATORS.get(comparison.status, "red").title(),
		}
		for comparison in comparisons
		if comparison.scope is None
	]


def _explained() -> str:
	return str(
		_(
			"Below each figure stands what ERPNext counts and we don't (or, with a minus, the other way round). "
			"These differences add up to the gap."
		)
	)
