"""The report KPI Restatements: which figures of closed periods are others now, from what to what, and because of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Unit
from sales_kpi.periods import Every, Period, calendar_named
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import UNASSIGNED, Table, scope_label, titles
from sales_kpi.site.restatements import (
	MERGED,
	REDEFINED,
	REORGANISED,
	RESTATED,
	RESTATED_DOCUMENT,
	RESTATEMENT,
)
from sales_kpi.site.snapshots import BY, EVERY, FORMER

MOST = 5000
"""Rows that are listed: the newest."""

NAMED = 5
"""Documents that a row names; of further ones it tells the number."""


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader: the restatements that the doctype's permissions let it see."""
	found = frappe.get_list(
		RESTATEMENT,
		filters=_filters(filters),
		fields=["*"],
		order_by="found_on desc, period_start desc, name",
		limit_page_length=MOST + 1,
		user=asker.user,
	)
	shown = sorted(found[:MOST], key=_place)
	causes = _causes([row.name for row in shown])
	readable = asker.readable(
		[
			{"doctype": cause.reference_doctype, "document": cause.reference_name}  # type: ignore[typeddict-item]
			for together in causes.values()
			for cause in together
		]
	)
	named = titles(sorted({row.kpi for row in shown}))
	rows = [_row(row, named, causes.get(row.name, []), readable) for row in shown]
	return Table(
		columns=_columns(), rows=rows, messages=_messages(found), summary=_summary(rows) if rows else None
	)


def _place(row: Any) -> tuple[Any, ...]:
	"""The newest day of finding first, in it the newest period, and there the company before its parts."""
	kinds, order = list(BY.values()), list(catalogue.kpis())
	return (
		-row.found_on.toordinal(),
		-row.period_start.toordinal(),
		row.every,
		order.index(row.kpi) if row.kpi in order else len(order),
		kinds.index(row.scope_type) if row.scope_type in kinds else len(kinds),
		row.scope or "",
		row.sequence,
	)


def _filters(given: frappe._dict) -> list[list[Any]]:
	filters: list[list[Any]] = [["company", "=", str(given.company)]]
	for fieldname, column, operator in (
		("from_date", "period_end", ">="),
		("to_date", "period_start", "<="),
	):
		if given.get(fieldname):
			try:
				day = frappe.utils.getdate(given[fieldname])
			except (ValueError, TypeError, frappe.ValidationError):
				raise InputError(_("{0} must be a date such as 2026-01-31.").format(fieldname)) from None
			filters.append([column, operator, day])
	if given.by:
		word = next((word for by, word in BY.items() if by.value == given.by), None)
		if word is None:
			raise InputError(_("There is no {0} {1}.").format(_("scope"), str(given.by)[:140]))
		filters.append(["scope_type", "=", word])
	if given.scope:
		name = str(given.scope)
		filters.append(["scope", "=", "" if name in (UNASSIGNED, words.unassigned()) else name])
	if given.kpi:
		filters.append(["kpi", "=", str(given.kpi)])
	if given.kind:
		filters.append(["kind", "=", str(given.kind)])
	return filters


def _causes(names: Sequence[str]) -> dict[str, list[Any]]:
	found: dict[str, list[Any]] = {}
	table = frappe.qb.DocType(RESTATED_DOCUMENT)
	for first in range(0, len(names), 500):
		rows = (
			frappe.qb.from_(table)
			.where(table.parent.isin(list(names[first : first + 500])))
			.where(table.parenttype == RESTATEMENT)
			.orderby(table.parent, table.idx)
			.select(table.parent, table.reference_doctype, table.reference_name, table.what, table.changed_by)
			.run(as_dict=True)
		)
		for row in rows:
			found.setdefault(row.parent, []).append(row)
	return found


def _columns() -> list[dict[str, Any]]:
	def column(fieldname: str, label: str, width: int, fieldtype: str = "Data") -> dict[str, Any]:
		made = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width}
		return made if fieldtype == "Float" else {**made, "align": words.start()}

	return [
		column("kpi", _("KPI"), 140),
		column("by_label", _("Figures By"), 105),
		column("scope", _("Of Whom or What"), 145),
		column("period", _("Period"), 120),
		column("was", _("Was"), 120, "Float"),
		column("now", _("Is"), 120, "Float"),
		column("change", _("Change"), 90, "Float"),
		column("documents", _("Because Of"), 300),
		column("kind_label", _("Kind"), 150),
		column("changed_by", _("By Whom"), 170),
		column("found_on", _("Found On"), 150, "Datetime"),
	]


def kind_label(kind: str) -> str:
	"""What a kind of restatement is called."""
	known = {
		RESTATED: _("Records changed"),
		REDEFINED: _("Redefined"),
		REORGANISED: _("Reorganised"),
		MERGED: _("Merged"),
	}
	return str(known.get(kind, kind))


def _row(
	row: Any, named: Mapping[str, str], causes: Sequence[Any], readable: frozenset[tuple[str, str]]
) -> dict[str, Any]:
	unit = Unit(row.unit)
	was = row.from_value if row.from_has_value else None
	now = row.to_value if row.to_has_value else None
	calendar = calendar_named(row.calendar)
	every = next((known for known, text in EVERY.items() if text == row.every), Every.MONTH)
	by = next((known for known, word in BY.items() if word == row.scope_type), By.COMPANY)
	known = catalogue.kpis().get(row.kpi)
	difference = None if was is None or now is None else now - was
	better = None if known is None or not difference else (difference > 0) == (known.good.value == "up")
	scope = person_label(scope_label(row.scope))
	return {
		"name": row.name,
		"snapshot": row.snapshot,
		"kpi": named.get(row.kpi, row.kpi_title),
		"by_label": words.by_label(by),
		"scope": _("{0} (formerly {1})").format(scope, person_label(row.alias)) if row.alias else scope,
		"period": calendar.label(
			Period(row.period_start, frappe.utils.add_days(row.period_end, 1)), every, words.language()
		),
		"kind": row.kind,
		"kind_label": kind_label(row.kind),
		"was": was,
		"was_text": words.figure(was, unit, row.currency),
		"now": now,
		"now_text": words.figure(now, unit, row.currency),
		"change": difference,
		"change_text": _change(was, now, unit),
		"tone": ""
		if better is None or known is None or known.good.value == "—"
		else "good"
		if better
		else "bad",
		"documents": ", ".join(cause.reference_name for cause in causes),
		"causes": [
			{
				"doctype": cause.reference_doctype,
				"name": cause.reference_name,
				"what": _(cause.what),
				"kind": _(cause.reference_doctype),
				"readable": (cause.reference_doctype, cause.reference_name) in readable
				and cause.what != "Deleted",
			}
			for cause in causes[:NAMED]
		],
		"further": max(0, len(causes) - NAMED),
		"because": _because(row.kind, causes),
		"changed_by": ", ".join(person_label(name) for name in (row.changed_by or "").split(", ")),
		"found_on": row.found_on,
	}


def person_label(name: str | None) -> str:
	"""A name for people; of somebody who was forgotten, in the reader's language."""
	text = name or ""
	if text.startswith(f"{FORMER} "):
		return str(_("Former salesperson {0}").format(text.removeprefix(f"{FORMER} ")))
	return text


def _change(was: float | None, now: float | None, unit: Unit) -> str:
	if was is None or now is None:
		return words.NOTHING
	if unit is Unit.PERCENT:
		return words.change(now - was, unit)
	return words.change((now - was) / abs(was), unit) if was else words.NOTHING


def _because(kind: str, causes: Iterable[Any]) -> str:
	"""What stands where no document is named."""
	if any(True for _cause in causes):
		return ""
	return {
		RESTATED: _(
			"No document was found: masters may have been changed, or records behind ERPNext’s back."
		),
		REDEFINED: _("The definition or a setting is another one now."),
		REORGANISED: _("The team or territory is made of others now."),
		MERGED: _("Two have become one."),
	}.get(kind, "")


def _messages(found: Sequence[Any]) -> list[str]:
	if not found:
		return [_("No figure of a closed period has changed since its snapshot was taken.")]
	messages = [
		_(
			"Each figure is computed again as of the day of its snapshot: what merely happened later changes nothing."
		)
	]
	if len(found) > MOST:
		messages.append(_("Only the newest {0} are listed.").format(words.number(MOST)))
	return messages


def _summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
	tiles = [
		(kind_label(kind), sum(1 for row in rows if row["kind"] == kind))
		for kind in (RESTATED, REDEFINED, REORGANISED, MERGED)
	]
	return [
		{
			"label": label,
			"value": f"<bdi>{words.html(words.number(count))}</bdi>",
			"datatype": "Data",
			"indicator": "Blue" if number == 0 else "Grey",
		}
		for number, (label, count) in enumerate(tiles)
		if count or number == 0
	]
