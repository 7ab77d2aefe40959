"""One record for each KPI of the catalogue, so that an admin can weigh it, switch it off and say who sees it."""

from __future__ import annotations

import frappe

from sales_kpi import catalogue
from sales_kpi.kpis.definition import Audience, Kpi
from sales_kpi.site.settings import extend_by_hooks

MANAGER_ROLES = ("Sales Manager", "Sales Master Manager", "Accounts Manager", "System Manager")
"""Roles that see cost, margin and acquisition cost unless an admin decides otherwise."""


def insert_missing() -> None:
	"""Insert records for new KPIs, and bring in step what only the code knows; what an admin changed stays."""
	extend_by_hooks()
	for place, kpi in enumerate(catalogue.kpis().values(), start=1):
		if frappe.db.exists("Sales KPI", kpi.name):
			frappe.db.set_value("Sales KPI", kpi.name, _of_code(kpi), update_modified=False)
		else:
			_insert(kpi, place)


def _of_code(kpi: Kpi) -> dict[str, str]:
	return {"unit": kpi.unit.value, "good_direction": kpi.good.value, "formula": str(kpi.formula)}


def _insert(kpi: Kpi, place: int) -> None:
	roles = MANAGER_ROLES if kpi.audience is Audience.MANAGERS else ()
	frappe.get_doc(
		{
			"doctype": "Sales KPI",
			"kpi": kpi.name,
			"title": kpi.title,
			"enabled": 1,
			"weight": 1,
			"idx": place,
			"meaning": kpi.meaning,
			"moved_by": kpi.moved_by,
			"roles": [{"role": role} for role in roles],
			**_of_code(kpi),
		}
	).insert(ignore_permissions=True)
