"""Average call duration: how long a call lasts, of those whose length is known."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Q, Ratio

KPI = Kpi(
	name="average_call_duration",
	title="Average call duration",
	unit=Unit.SECONDS,
	good=Good.NEITHER,
	formula=Ratio(A("call"), Q("call", above=0)),
	meaning="How long a call lasts, of those whose length is known.",
	moved_by="Neither long nor short is good: compare it with what the calls lead to.",
)
