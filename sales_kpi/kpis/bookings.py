"""Bookings: what was ordered in the period, net of tax; an order closed early counts as far as it was delivered."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Sum

KPI = Kpi(
	name="bookings",
	title="Bookings",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Sum(A("order")),
	meaning="What was ordered in the period, net of tax; an order closed early counts as far as it was delivered.",
	moved_by="Quotations that become orders. Bookings move before invoices do.",
)
