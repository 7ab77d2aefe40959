"""Repeat rate: the share of deals that come from existing customers."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Ratio

KPI = Kpi(
	name="repeat_rate",
	title="Repeat rate",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(
		Q("sale", with_life=True) - Q("first_sale"),
		Q("sale", with_life=True),
	),
	meaning="The share of deals that come from existing customers.",
	moved_by="Service after the sale, and a reason to come back.",
)
