"""The report Sales KPI Documents: the rows behind a figure, which add up to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.documents import Document, DocumentList
from sales_kpi.analysis.values import Question, Value
from sales_kpi.facts.reading.fact import Measure
from sales_kpi.kpis.definition import By
from sales_kpi.kpis.formula import Median
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import sight
from sales_kpi.site.report import UNASSIGNED, Table, question_of, scope_label, titles

MAX_DOCUMENTS = 20_000
"""Rows of one part that are listed; further ones are summed in one row, so that the part adds up."""


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	kpi = str(filters.kpi or (asker.kpis[0].name if asker.kpis else ""))
	question = question_of({**filters, "kpis": [kpi], "every": Every.RANGE.value}, asker.settings)
	scope = _scope(asker, question, filters.scope)
	if scope is None:
		text = _("Choose whose documents to list: {0}.").format(words.by_label(question.by))
		return Table(messages=[text])
	found = asker.documents(question, scope)
	title = titles([kpi])[kpi]
	readable = asker.readable(found.documents)
	return Table(
		columns=_columns(found),
		rows=list(_rows(found, readable)),
		messages=[*_messages(found, title), *_closed(found, readable)],
		summary=_summary(found, title, scope),
	)


def _scope(asker: Asker, question: Question, named: Any) -> str | None:
	"""The scope that is meant; the only one there is if none is named, None if there are several."""
	if named:
		return "" if named in (UNASSIGNED, words.unassigned()) else str(named)
	seen = sight(question, asker.may, asker.masters, asker.settings.companies)
	if seen is not None and len(seen.scopes) == 1:
		return seen.scopes[0].name
	return question.company if question.by is By.COMPANY else None


def _columns(found: DocumentList) -> list[dict[str, Any]]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, **more: Any) -> dict[str, Any]:
		if fieldtype != "Float":
			more["align"] = words.start()
		return {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}

	since = [column("since", _("Since"), "Date", 120)] if any(row["since"] for row in found.documents) else []
	amount = [column("amount", _("Amount"), "Float", 130)] if _measures(found) else []
	return [
		column("part_label", _("Part of the Formula"), "Data", 165),
		column("document", _("Document"), "Dynamic Link", 190, options="document_type"),
		column("kind", _("Type"), "Data", 130),
		column("day", _("Day"), "Date", 120),
		column("contribution", _("Contribution"), "Float", 130),
		*amount,
		column("quantity", _("Quantity"), "Float", 90),
		*since,
		column("sales_person", _("Sales Person"), "Data", 140),
		column("territory", _("Territory"), "Data", 130),
		column("source", _("Source"), "Data", 130),
	]


def _measures(found: DocumentList) -> set[Measure]:
	"""What the amounts are, where they are anything."""
	facts = catalogue.facts()
	measures = {facts[row["fact"]].measure for row in found.documents}
	if isinstance(catalogue.kpi(found.value["kpi"]).formula, Median):
		return measures
	return measures - {Measure.NOTHING}


# Rows


def _rows(found: DocumentList, readable: frozenset[tuple[str, str]]) -> Iterator[dict[str, Any]]:
	parts: dict[str, list[Document]] = {}
	for row in found.documents:
		parts.setdefault(row["part"], []).append(row)
	for part in catalogue.kpi(found.value["kpi"]).formula.parts():
		rows = parts.get(part, [])
		for row in rows[:MAX_DOCUMENTS]:
			yield _row(row, (row["doctype"], row["document"]) in readable)
		further = rows[MAX_DOCUMENTS:]
		if further:
			text = _("{0} further documents").format(words.number(len(further)))
			yield _sum_row(part, text, further, bold=False)
		yield _sum_row(part, _("Total"), rows, bold=True)


def _row(row: Document, readable: bool) -> dict[str, Any]:
	return {
		"part": row["part"],
		"part_label": words.part_label(row["part"]),
		"document": row["document"],
		"document_type": row["doctype"],
		"kind": _(row["doctype"]),
		"readable": readable,
		"day": row["day"],
		"since": row["since"],
		"sales_person": scope_label(row["sales_person"]),
		"territory": row["territory"],
		"source": row["source"],
		"quantity": round(row["quantity"], 6),
		"amount": round(row["amount"], 6),
		"contribution": round(row["contribution"], 6),
	}


def _sum_row(part: str, text: str, rows: Iterable[Document], bold: bool) -> dict[str, Any]:
	return {
		"part": part,
		"part_label": words.part_label(part),
		"document": text,
		"readable": False,
		"bold": bold,
		"contribution": round(sum(row["contribution"] for row in rows), 6),
	}


# Around them


def _messages(found: DocumentList, title: str) -> list[str]:
	value = found.value
	kpi = catalogue.kpi(value["kpi"])
	messages = [f"{words.html(title)}: {words.html(_(kpi.meaning))}"]
	if value["value"] is None:
		messages.append(words.reason(value["reason"], kpi))
	elif not value["complete"]:
		messages.append(_("The figure is not final yet."))
	return messages


def _closed(found: DocumentList, readable: frozenset[tuple[str, str]]) -> Iterator[str]:
	"""Why documents can't be opened: ERPNext lets nobody in sales read a Sales Invoice by itself."""
	open_types = {doctype for doctype, _name in readable}
	closed = sorted({row["doctype"] for row in found.documents} - open_types)
	if closed:
		names = ", ".join(_(doctype) for doctype in closed)
		yield words.html(
			_("You may see these figures, but your roles don’t let you open: {0}.").format(names)
		)


def _summary(found: DocumentList, title: str, scope: str) -> list[dict[str, Any]]:
	value = found.value
	unit = catalogue.kpi(value["kpi"]).unit
	figure = words.figure(value["value"], unit, value["currency"])
	return [
		_tile(f"{title} · {scope_label(scope)}", figure, "Blue"),
		*(_tile(label, text) for label, text in _beside(value)),
	]


def _beside(value: Value) -> Iterator[tuple[str, str]]:
	for name, label in (
		("numerator", _("Numerator")),
		("denominator", _("Denominator")),
	):
		number = value[name]  # type: ignore[literal-required]
		if number is not None:
			yield label, words.quantity(number)
	yield _("Sample"), words.quantity(value["n"])


def _tile(label: str, text: str, indicator: str = "Grey") -> dict[str, Any]:
	return {
		"label": words.html(label),
		"value": f"<bdi>{words.html(text)}</bdi>",
		"datatype": "Data",
		"indicator": indicator,
	}
