"""Average order value: bookings for each order."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Q, Ratio

KPI = Kpi(
	name="average_order_value",
	title="Average order value",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Ratio(A("order"), Q("order")),
	meaning="Bookings for each order.",
	moved_by="Discounts, minimum quantities, and what else is offered with the order.",
)
