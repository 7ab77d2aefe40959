"""Uninstall: leave ERPNext as it was."""

from __future__ import annotations

import frappe

from sales_kpi.site import desk, indexes
from sales_kpi.sources.site import SCHEMA_KEY

MODULE = "Sales KPI"

ABOUT_DOCTYPES = (
	("Custom Field", "dt"),
	("Property Setter", "doc_type"),
	("Custom DocPerm", "parent"),
	("Client Script", "dt"),
	("Notification", "document_type"),
	("User Permission", "allow"),
	("User Permission", "applicable_for"),
	("Version", "ref_doctype"),
	("Comment", "reference_doctype"),
	("DocShare", "share_doctype"),
	("ToDo", "reference_type"),
	("Tag Link", "document_type"),
	("List Filter", "reference_doctype"),
	("List View Settings", "name"),
	("Logs To Clear", "ref_doctype"),
)  # fmt: skip
"""Where admins and users leave records about doctypes of the app, which Frappe doesn't delete with these."""


def before_uninstall() -> None:
	"""Take away what Frappe doesn't. Doctypes and their tables, reports, workspaces and pages go with the app."""
	desk.remove()
	indexes.remove()
	ours = frappe.get_all("DocType", filters={"module": MODULE}, pluck="name")
	for doctype, fieldname in ABOUT_DOCTYPES:
		if frappe.db.table_exists(doctype):
			frappe.db.delete(doctype, {fieldname: ("in", ours)})
	# Frappe drops the tables of numbered doctypes, and leaves the sequences that number them.
	if frappe.db.db_type == "mariadb":
		for doctype in frappe.get_all(
			"DocType", filters={"module": MODULE, "autoname": "autoincrement"}, pluck="name"
		):
			frappe.db.sql_ddl(f"DROP SEQUENCE IF EXISTS `{frappe.scrub(doctype)}_id_seq`")
	# Version 15 leaves the values of a Single behind.
	frappe.db.delete("Singles", {"doctype": ("in", ours)})
	for job in frappe.get_all(
		"Scheduled Job Type", filters={"method": ("like", "sales_kpi.%")}, pluck="name"
	):
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": job})
		frappe.db.delete("Scheduled Job Type", {"name": job})
	frappe.cache.delete_value(SCHEMA_KEY)
