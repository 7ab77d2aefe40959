from __future__ import annotations

from typing import Any

import frappe


@frappe.whitelist()
def get(filters: dict | list | str | None = None) -> dict[str, Any]:
	"""The stages from lead to order, as the reader sees them. Frappe's own time range and cache have no say here."""
	from sales_kpi.site.charts import funnel

	return funnel(filters)
