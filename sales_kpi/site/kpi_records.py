"""One record for each KPI of the catalogue, so that an admin can weigh it, switch it off and say who sees it."""

from __future__ import annotations

import frappe

from sales_kpi import catalogue
from sales_kpi.kpis.definition import Audience, Kpi
from sales_kpi.site.settings import extend_by_hooks

MANAGER_ROLES = ("Sales Manager", "Sales Master Manager", "Accounts Manager", "System Manager")
"""Roles that see cost, margin and acquisition cost unless an admin decides otherwise."""


OF_CODE = ("unit", "good_direction", "formula", "meaning", "moved_by")
"""Fields that only the code fills."""


def insert_missing() -> None:
	"""Insert records for new KPIs, and bring in step what only the code knows; what an admin may change stays."""
	extend_by_hooks()
	fields = ["name", "idx", *OF_CODE]
	known = {row.name: row for row in frappe.get_all("Sales KPI", fields=fields)}
	for place, kpi in enumerate(catalogue.kpis().values(), start=1):
		told = {"idx": place, **_of_code(kpi)}
		if kpi.name not in known:
			_insert(kpi, told)
		elif any(known[kpi.name].get(fieldname) != value for fieldname, value in told.items()):
			frappe.db.set_value("Sales KPI", kpi.name, told, update_modified=False)


def _of_code(kpi: Kpi) -> dict[str, str]:
	"""What the code says of a KPI: how it is measured, in words too, so that the text never tells of another figure."""
	return {
		"unit": kpi.unit.value,
		"good_direction": kpi.good.value,
		"formula": str(kpi.formula),
		"meaning": kpi.meaning,
		"moved_by": kpi.moved_by,
	}


def _insert(kpi: Kpi, told: dict[str, object]) -> None:
	roles = MANAGER_ROLES if kpi.audience is Audience.MANAGERS else ()
	existing = [role for role in roles if frappe.db.exists("Role", role)]
	frappe.get_doc(
		{
			"doctype": "Sales KPI",
			"kpi": kpi.name,
			"title": kpi.title,
			"enabled": 1,
			"weight": 1,
			"roles": [{"role": role} for role in existing],
			**told,
		}
	).insert(ignore_permissions=True)
