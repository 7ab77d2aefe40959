"""Calls: completed calls."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="calls",
	title="Calls",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("call")),
	meaning="Completed calls.",
	moved_by="Time kept free for calling. More calls help only if they reach the right people.",
)
