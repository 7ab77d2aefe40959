from __future__ import annotations

from typing import Any

import frappe


@frappe.whitelist()
def get(filters: dict | list | str | None = None) -> dict[str, Any]:
	"""One KPI over the last periods, as the reader sees it. Frappe's own time range and cache have no say here."""
	from sales_kpi.site.charts import kpi_chart

	return kpi_chart(filters)
