"""Meetings: meetings in the calendar that weren’t cancelled."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="meetings",
	title="Meetings",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("meeting")),
	meaning="Meetings in the calendar that weren’t cancelled.",
	moved_by="Calls and mails that ask for a meeting.",
)
