"""New customers: customers that bought for the first time; those with opening balances were known before and don’t count."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="new_customers",
	title="New customers",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("first_sale")),
	meaning="Customers that bought for the first time; those with opening balances were known before and don’t count.",
	moved_by="Leads that fit, and salespeople who have time for them beside their existing customers.",
)
