"""Orders: how many orders came in; a shared order counts for each by its share."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="orders",
	title="Orders",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("order")),
	meaning="How many orders came in; a shared order counts for each by its share.",
	moved_by="Quotations sent, and how many of them are followed up.",
)
