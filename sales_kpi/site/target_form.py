"""What the form of a KPI Target shows while it is filled in: its values, and how realistic they are."""

from __future__ import annotations

from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document

from sales_kpi import catalogue
from sales_kpi.analysis.targets import is_additive
from sales_kpi.kpis.definition import Good, Unit
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import extend_by_hooks, site_settings
from sales_kpi.site.target_evidence import Evidence
from sales_kpi.site.target_terms import Work, is_named, matter_of, prepare
from sales_kpi.site.targets import FOR, TARGET, kpis_seen, word_of


@frappe.whitelist()
def defaults() -> dict[str, Any]:
	"""What a new target begins with: the settings' calendar, and from this month to the end of its year."""
	frappe.has_permission(TARGET, "create", throw=True)
	with explained():
		calendar = site_settings().calendar
	today = frappe.utils.getdate()
	return {
		"calendar": frappe.get_cached_doc(SETTINGS).calendar or "Gregorian",
		"from_date": calendar.period(today, Every.MONTH).start.isoformat(),
		"to_date": calendar.period(today, Every.YEAR).last_day.isoformat(),
	}


@frappe.whitelist()
def terms(kpi: str, company: str = "") -> dict[str, Any]:
	"""What a target for a KPI is written in, what it can be for, and whether it is to be a range."""
	frappe.has_permission(TARGET, "read", throw=True)
	extend_by_hooks()
	known = catalogue.kpis().get(kpi)
	if known is None or kpi not in kpis_seen(Asker.current()):
		return {}
	currency = frappe.get_cached_value("Company", company, "default_currency") if company else None
	unit = {
		Unit.PERCENT: _("In percent, such as 25."),
		Unit.SECONDS: _("In minutes."),
		Unit.DAYS: _("In days."),
		Unit.RATIO: _("As a multiple, such as 3.5."),
		Unit.CURRENCY_PER_DAY: _("In {0} a day.").format(currency or _("the company’s currency")),
		Unit.CURRENCY: _("In {0}.").format(currency or _("the company’s currency")),
	}.get(known.unit, "")
	return {
		"unit": str(unit),
		"scopes": [word_of(by) for by in FOR.values() if by in known.scopes],
		"is_range": known.good is Good.NEITHER,
		"is_percentage": known.unit is Unit.PERCENT,
		"is_additive": is_additive(known),
	}


@frappe.whitelist()
def preview(doc: str | dict[str, Any]) -> dict[str, Any]:
	"""The periods of a target as it stands in the form, and how realistic it is; nothing is saved.

	Where it can't be saved like this, only the sentence that says why.
	"""
	given = frappe.parse_json(doc)
	target = frappe.get_doc({**given, "doctype": TARGET})
	target.check_permission("read")
	target.flags.only_looking = True
	was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
	try:
		work = _work_of(target)
	except frappe.ValidationError as error:
		return {"refused": str(error)}
	finally:
		frappe.flags.mute_messages = was
	if work is None:
		return {}
	fields = ("label", "period_start", "period_end", "value", "low", "high", "baseline")
	return {
		"periods": [{name: row.get(name) for name in fields} for row in target.periods],
		"total": work.total(),
		"evidence": Evidence(work).told(),
		"baseline": _baseline(work),
	}


def _work_of(target: Document) -> Work | None:
	if target.docstatus.is_draft():
		prepare(target)
		return target.flags.work
	return Work.frozen(target, matter_of(target))


def _baseline(work: Work) -> str:
	"""What a relative target or a path begins with."""
	doc, matter = work.doc, work.matter
	if doc.kind == "Absolute" or not doc.has_baseline:
		return ""
	if doc.docstatus.is_submitted():
		return ""
	value = words.number(doc.baseline_value, 0 if doc.baseline_value == round(doc.baseline_value) else 2)
	text = _("It begins at {0}, the value from {1} to {2}, read anew when the target is submitted.")
	return str(text.format(value, matter.day(doc.baseline_from), matter.day(doc.baseline_to)))


@frappe.whitelist()
def periods_of(doc: str | dict[str, Any]) -> list[dict[str, Any]]:
	"""The periods of a target whose values are written by hand."""
	target = frappe.get_doc({**frappe.parse_json(doc), "doctype": TARGET})
	target.check_permission("read")
	if not is_named(target):
		return []
	matter = matter_of(target)
	return [
		{"label": matter.label(period), "period_start": period.start, "period_end": period.last_day}
		for period in matter.periods
	]
