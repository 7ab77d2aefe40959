"""The report KPI Data Quality: what is missing or odd in the records, which KPIs suffer, and where to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import frappe
from frappe import _

from sales_kpi.analysis.quality import Check
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import Unit
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import Table, titles
from sales_kpi.totals.tables import DIFFERENCE

OWN_FAILURES, DIFFERENCES = "own_failures", "totals_differed"
DAYS_OF_FAILURES = 30

SETTINGS = "Sales KPI Settings"
NOT_SET = json.dumps(["is", "not set"])


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	as_of = _as_of(filters)
	checks = asker.quality(str(filters.company), as_of)
	named = titles(sorted({name for check in checks for name in check["kpis"]}))
	rows = [_row(check, str(filters.company), named) for check in checks]
	rows += [_failures(), _differences()]
	rows.sort(key=lambda row: (not row["count"], -(row["share"] if row["share"] is not None else 1)))
	return Table(columns=_columns(), rows=rows, messages=[_explained(checks)], summary=_summary(checks, rows))


def _as_of(filters: frappe._dict) -> date:
	try:
		day = frappe.utils.getdate(filters.as_of or None)
	except (ValueError, TypeError, frappe.ValidationError):
		day = None
	if day is None:
		raise InputError(_("{0} must be a date such as 2026-01-31.").format(_("As Of")))
	return day  # type: ignore[no-any-return]


def _columns() -> list[dict[str, Any]]:
	def column(fieldname: str, label: str, fieldtype: str, width: int) -> dict[str, Any]:
		made = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width}
		return made if fieldtype == "Float" else {**made, "align": words.start()}

	return [
		column("title", _("What Was Checked"), "Data", 330),
		column("count", _("At Fault"), "Float", 90),
		column("of", _("Records"), "Float", 90),
		column("share", _("Share"), "Float", 90),
		column("link", _("Where to Mend It"), "Data", 160),
		column("fix", _("How to Mend It"), "Data", 480),
		column("kpis", _("KPIs That Suffer"), "Data", 300),
		column("examples", _("For Example"), "Data", 300),
	]


def _row(check: Check, company: str, named: Mapping[str, str]) -> dict[str, Any]:
	label, route = _mended_at(check, company) if check["count"] else ("", "")
	readable = frappe.has_permission(check["doctype"], "read")
	share = check["share"]
	return {
		"name": check["name"],
		"title": _(check["title"]),
		"count": round(check["count"], 6),
		"of": check["of"],
		"share": None if share is None else round(share, 6),
		"share_text": words.NOTHING if share is None else words.figure(share, Unit.PERCENT, None),
		"fix": _(check["fix"]) if check["count"] else "",
		"kpis": ", ".join(named[name] for name in check["kpis"]),
		"link": label,
		"route": route,
		"examples": ", ".join(check["examples"]) if readable else "",
	}


# Where it is mended


def _mended_at(check: Check, company: str) -> tuple[str, str]:
	"""Words and route of the list that shows the records at fault; nothing for whom it is closed."""
	place = PLACES.get(check["name"], _examples)
	if place is None:
		return "", ""
	doctype, filters = place(check, company)
	if not frappe.has_permission(doctype, "read"):
		return "", ""
	route = quote(doctype.lower().replace(" ", "-"))
	if not filters:
		return _(doctype), route
	return _("{0} List").format(_(doctype)), f"{route}?{urlencode(filters)}"


Place = Callable[[Check, str], tuple[str, dict[str, str]]]


def _in_settings(check: Check, company: str) -> tuple[str, dict[str, str]]:
	return SETTINGS, {}


def _empty(fieldname: str) -> Place:
	def place(check: Check, company: str) -> tuple[str, dict[str, str]]:
		return check["doctype"], {fieldname: NOT_SET}

	return place


def _without_source(check: Check, company: str) -> tuple[str, dict[str, str]]:
	fieldname = "utm_source" if frappe.get_meta("Lead").has_field("utm_source") else "source"
	return "Lead", {fieldname: NOT_SET}


def _without_team(check: Check, company: str) -> tuple[str, dict[str, str]]:
	return "Sales Invoice", {"Sales Team.sales_person": NOT_SET, "company": company, "docstatus": "1"}


def _examples(check: Check, company: str) -> tuple[str, dict[str, str]]:
	return check["doctype"], {"name": json.dumps(["in", check["examples"]])}


PLACES: dict[str, Place | None] = {
	"unmapped_users": _in_settings,
	"salespeople_without_user": _in_settings,
	"leads_without_owner": _empty("lead_owner"),
	"leads_without_source": _without_source,
	"opportunities_without_owner": _empty("opportunity_owner"),
	"opportunities_without_date": _empty("transaction_date"),
	"invoices_without_team": _without_team,
	"estimated_days": None,
}
"""Where a check is mended, if anywhere; those that aren't named here at the examples."""


# Our own failures


def _differences() -> dict[str, Any]:
	"""Where the nightly comparison found totals and records to differ: something was written behind all events."""
	since = frappe.utils.add_days(frappe.utils.now_datetime(), -DAYS_OF_FAILURES)
	filters = {"creation": (">=", since)}
	found = frappe.get_all(
		DIFFERENCE, filters=filters, fields=["series", "day", "entity"], order_by="name desc"
	)
	readable = bool(found) and frappe.has_permission(DIFFERENCE, "read")
	examples = [f"{row.series} {row.entity or frappe.format(row.day, 'Date')}" for row in found[:5]]
	return {
		"name": DIFFERENCES,
		"title": _("Totals that differed from the records in the last {0} days").format(DAYS_OF_FAILURES),
		"count": len(found),
		"of": None,
		"share": None,
		"share_text": words.NOTHING,
		"fix": _("They are right again. Find out what changes records without ERPNext’s documents.")
		if found
		else "",
		"kpis": "",
		"link": _("{0} List").format(_(DIFFERENCE)) if readable else "",
		"route": "kpi-difference" if readable else "",
		"examples": ", ".join(examples) if readable else "",
	}


def _failures() -> dict[str, Any]:
	"""Errors of the app itself in the last days: they stop no document, so nobody sees them elsewhere."""
	log = frappe.qb.DocType("Error Log")
	since = frappe.utils.add_days(frappe.utils.now_datetime(), -DAYS_OF_FAILURES)
	found = (
		frappe.qb.from_(log)
		.where(log.method.like("Sales KPI%"))
		.where(log.creation >= since)
		.orderby(log.creation, order=frappe.qb.desc)
		.select(log.method)
		.run()
	)
	readable = bool(found) and frappe.has_permission("Error Log", "read")
	route = "error-log?" + urlencode({"method": json.dumps(["like", "Sales KPI%"])})
	examples = list(dict.fromkeys(row[0] for row in found))[:5]
	return {
		"name": OWN_FAILURES,
		"title": _("Failures of Sales KPI itself in the last {0} days").format(DAYS_OF_FAILURES),
		"count": len(found),
		"of": None,
		"share": None,
		"share_text": words.NOTHING,
		"fix": _("Read the Error Log; what was not logged is found by the daily sweep.") if found else "",
		"kpis": "",
		"link": _("{0} List").format(_("Error Log")) if readable else "",
		"route": route if readable else "",
		"examples": ", ".join(examples) if readable else "",
	}


# Summary


def _summary(checks: list[Check], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
	score = score_of(checks)
	clean = sum(1 for row in rows if not row["count"])
	if score is None:
		shown, indicator = words.NOTHING, "Grey"
	else:
		shown = words.figure(score, Unit.PERCENT, None)
		indicator = "Green" if score >= 0.95 else "Orange" if score >= 0.8 else "Red"
	tiles = [
		(_("Records in Order"), shown, indicator),
		(_("Checks Without a Fault"), _("{0} of {1}").format(clean, len(rows)), "Grey"),
	]
	return [
		{"label": label, "value": f"<bdi>{text}</bdi>", "datatype": "Data", "indicator": color}
		for label, text, color in tiles
	]


def score_of(checks: list[Check]) -> float | None:
	"""The mean share of records in order, over the checks that found any records; None without records."""
	shares = [check["share"] for check in checks if check["share"] is not None]
	return 1 - sum(shares) / len(shares) if shares else None


def _explained(checks: list[Check]) -> str:
	if score_of(checks) is None:
		return str(_("There are no records to check yet."))
	return str(
		_(
			"“Records in Order” is the mean of the checks’ shares without a fault. Worst first; mend from the top."
		)
	)
