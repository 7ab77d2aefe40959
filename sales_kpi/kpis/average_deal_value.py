"""Average deal value: sales volume for each deal."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Q, Ratio

KPI = Kpi(
	name="average_deal_value",
	title="Average deal value",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Ratio(A("sale") + A("credit_note"), Q("sale")),
	meaning="Sales volume for each deal. Returns lower the value, not the count, so that deals times value is the volume.",
	moved_by="Discounts, the mix of products, and whether larger customers are worked on.",
)
