"""Lead conversion rate: of the leads that came in the period, the share that bought within the conversion window."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Ratio

KPI = Kpi(
	name="lead_conversion_rate",
	title="Lead conversion rate",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(Q("lead_conversion", cohort=True), Q("lead")),
	meaning="Of the leads that came in the period, the share that bought within the conversion window. Young leads still have time, so the figure of a recent period is “so far”.",
	moved_by="The quality of the source, how fast a lead is answered, and whether it is qualified before time is spent on it.",
	matures=True,
)
