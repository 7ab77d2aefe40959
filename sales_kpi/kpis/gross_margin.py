"""Gross margin: what is left of each unit of sales after the cost of the goods, for the part whose cost ERPNext knows."""

from __future__ import annotations

from sales_kpi.kpis.definition import Audience, Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Coverage, Q, Ratio

KPI = Kpi(
	name="gross_margin",
	title="Gross margin",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(
		A("costed_sale") - A("cost_of_goods"),
		A("costed_sale"),
		n=Q("costed_sale"),
		coverage=Coverage(whole=A("sale") + A("credit_note"), share=0.5, facts=("sale", "credit_note")),
	),
	meaning="What is left of each unit of sales after the cost of the goods, for the part whose cost ERPNext knows. Without a cost for at least half of the volume there is no value.",
	moved_by="Discounts first, then purchase prices and the mix of products.",
	audience=Audience.MANAGERS,
	beside={"Share of volume with known cost": Ratio(A("costed_sale"), A("sale") + A("credit_note"))},
)
