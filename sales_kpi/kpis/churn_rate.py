"""Churn rate: of the customers we had at any time in the period, the share that lapsed in it."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Over, Q, Ratio

KPI = Kpi(
	name="churn_rate",
	title="Churn rate",
	unit=Unit.PERCENT,
	good=Good.DOWN,
	formula=Ratio(
		Q("customer_lapse"),
		Q("customer_spell", over=Over.TO_BEFORE)
		- Q("customer_lapse", over=Over.TO_BEFORE)
		+ Q("customer_spell"),
	),
	meaning="Of the customers we had at any time in the period, the share that lapsed in it. A customer lapses when it has bought nothing for a set number of days, so churn is known only that much later.",
	moved_by="Calls to customers that are past their own buying rhythm, before they lapse; complaints that were never closed.",
)
