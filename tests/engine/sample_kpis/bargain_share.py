"""Share of bargains: how many of the deals are small."""

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Ratio

KPI = Kpi(
	name="bargain_share",
	title="Share of bargains",
	unit=Unit.PERCENT,
	good=Good.DOWN,
	formula=Ratio(Q("bargain"), Q("sale")),
	meaning="Deals of less than 100, of all deals.",
	moved_by="Minimum order values.",
)
