"""Quote to order rate: of the quotations made in the period, the share that was ordered within the conversion window."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Ratio

KPI = Kpi(
	name="quote_to_order_rate",
	title="Quote to order rate",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(Q("quotation_order", cohort=True), Q("quotation")),
	meaning="Of the quotations made in the period, the share that was ordered within the conversion window. Young quotations still have time, so the figure of a recent period is “so far”.",
	moved_by="How well the need was understood before quoting, price, and follow-up before the offer expires.",
	matures=True,
)
