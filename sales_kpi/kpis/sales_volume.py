"""Sales volume: what was invoiced in the period, net of tax, less what was credited."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Sum

KPI = Kpi(
	name="sales_volume",
	title="Sales volume",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Sum(A("sale") + A("credit_note")),
	meaning="What was invoiced in the period, net of tax, less what was credited.",
	moved_by="The number of deals, their value, and what comes back. Look at which of the three moved before asking for more of everything.",
)
