"""Pipeline value: what the open opportunities are worth at the period’s end, at full value."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Over, Sum

_DECIDED = (
	A("opportunity_win", over=Over.TO_END)
	+ A("opportunity_loss", over=Over.TO_END)
	+ A("opportunity_drop", over=Over.TO_END)
)
_OPEN = A("opportunity", over=Over.TO_END) - _DECIDED

KPI = Kpi(
	name="pipeline_value",
	title="Pipeline value",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Sum(_OPEN),
	meaning="What the open opportunities are worth at the period’s end, at full value.",
	moved_by="New opportunities, and closing those that will never come.",
	estimates=_DECIDED,
)
