"""Install and migrate: refuse what can't work, fill in what the code knows."""

from __future__ import annotations

import re

import frappe
from frappe import _

SUPPORTED = (15, 16)
"""Major versions of Frappe and ERPNext that the app is tested with."""


def before_install() -> None:
	"""Refuse versions that the app doesn't know, before anything is created."""
	check_versions()


def after_install() -> None:
	"""Make the catalogue's records and the first proposal of settings, begin the transition log, and sum what there is."""
	from sales_kpi.site import advice_rules, indexes
	from sales_kpi.site.kpi_records import insert_missing
	from sales_kpi.totals.refresh import rebuild_later

	indexes.add()
	insert_missing()
	advice_rules.insert_missing()
	propose_settings()
	frappe.enqueue(
		"sales_kpi.site.transitions.begin",
		queue="long",
		timeout=6 * 3600,
		job_id="sales_kpi_begin_log",
		deduplicate=True,
		enqueue_after_commit=True,
	)
	rebuild_later()


def propose_settings() -> None:
	"""Fill the settings with what the site's records propose. Odd records must not stop the installation."""
	from sales_kpi.site.proposals import fill_settings

	frappe.db.savepoint("sales_kpi_settings")
	try:
		fill_settings()
	except Exception:
		frappe.db.rollback(save_point="sales_kpi_settings")
		frappe.clear_document_cache("Sales KPI Settings", "Sales KPI Settings")
		frappe.log_error(title="Sales KPI: no settings were proposed")


def after_migrate() -> None:
	"""Keep the catalogue's records and the kept sums in step with the code."""
	from sales_kpi.site import advice_rules, indexes
	from sales_kpi.site.kpi_records import insert_missing
	from sales_kpi.totals.refresh import rebuild_later

	check_versions()
	indexes.add()
	insert_missing()
	advice_rules.insert_missing()
	rebuild_later()


def check_versions() -> None:
	"""Stop with a clear sentence on a version of Frappe or ERPNext that the app isn't made for."""
	for app, title in (("frappe", "Frappe"), ("erpnext", "ERPNext")):
		version = frappe.get_attr(f"{app}.__version__")
		major = re.match(r"\d+", str(version))
		if major is None or int(major.group()) not in SUPPORTED:
			known = _("{0} or {1}").format(*SUPPORTED)
			frappe.throw(
				_("Sales KPI works with version {0} of {1}, not with {2}.").format(known, title, version),
				title=_("Sales KPI"),
			)
