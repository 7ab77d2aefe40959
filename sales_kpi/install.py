"""Install and migrate: refuse what can't work, fill in what the code knows."""

from __future__ import annotations

import re

import frappe

SUPPORTED = (15, 16)
"""Major versions of Frappe and ERPNext that the app is tested with."""


def before_install() -> None:
	"""Refuse versions that the app doesn't know, before anything is created."""
	check_versions()


def after_install() -> None:
	"""Make the catalogue's records and the first proposal of settings, and begin the transition log."""
	from sales_kpi.site.kpi_records import insert_missing
	from sales_kpi.site.proposals import fill_settings

	insert_missing()
	fill_settings()
	frappe.enqueue(
		"sales_kpi.site.transitions.begin",
		queue="long",
		timeout=3600,
		job_id="sales_kpi_begin_log",
		deduplicate=True,
		enqueue_after_commit=True,
	)


def after_migrate() -> None:
	"""Keep the catalogue's records in step with the code."""
	from sales_kpi.site.kpi_records import insert_missing

	check_versions()
	insert_missing()


def check_versions() -> None:
	"""Stop with a clear sentence on a version of Frappe or ERPNext that the app isn't made for."""
	for app in ("frappe", "erpnext"):
		version = frappe.get_attr(f"{app}.__version__")
		major = re.match(r"\d+", str(version))
		if major is None or int(major.group()) not in SUPPORTED:
			known = " and ".join(str(number) for number in SUPPORTED)
			frappe.throw(f"Sales KPI works with version {known} of {app}, not with {version}.")
