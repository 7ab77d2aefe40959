"""Where the app stands in the desk: its place on the screen of apps, where the desk is, and what to take away in the end."""

from __future__ import annotations

import frappe

NAME = "Sales KPI"
"""What the workspace, its sidebar and the app's icon are called."""

METHOD = "sales_kpi.site.cards.kpi_card"

_CHILDREN = {
	"Workspace Sidebar": ("Workspace Sidebar Item",),
	"Dashboard Chart": ("Dashboard Chart Field", "Has Role", "Dashboard Chart Link"),
	"Number Card": ("Number Card Link",),
}
"""Rows that belong to these, or show them on a dashboard."""

_LINKS = {"Dashboard Chart Link": "chart", "Number Card Link": "card"}


def may_open() -> bool:
	"""Whether a user is shown the app among the apps: whoever may run its reports."""
	return bool(frappe.has_permission("Sales KPI", "report"))


def desk() -> str:
	"""Where the desk begins: version 16 has moved it."""
	return "/app" if int(frappe.__version__.split(".")[0]) < 16 else "/desk"


def remove() -> None:
	"""Take away what Frappe leaves behind when it uninstalls an app, because it isn't linked to the app's module.

	A sidebar that names a report which is gone stops version 16 from starting, for everybody. Charts and cards that users
	made of the app's sources could only fail.
	"""
	_delete("Workspace Sidebar", {"name": NAME})
	_delete("Onboarding Step", {"name": ("like", f"{NAME} %")})
	sources = frappe.get_all("Dashboard Chart Source", filters={"module": NAME}, pluck="name")
	_delete("Dashboard Chart", {"source": ("in", sources)})
	_delete("Number Card", {"method": METHOD})


def _delete(doctype: str, filters: dict[str, object]) -> None:
	"""Delete records without their controllers, which would delete the app's files on a developer's bench."""
	if not frappe.db.table_exists(doctype):
		return
	names = frappe.get_all(doctype, filters=filters, pluck="name")
	if not names:
		return
	for child in _CHILDREN.get(doctype, ()):
		if child in _LINKS:
			frappe.db.delete(child, {_LINKS[child]: ("in", names)})
		else:
			frappe.db.delete(child, {"parent": ("in", names), "parenttype": doctype})
	frappe.db.delete(doctype, {"name": ("in", names)})
