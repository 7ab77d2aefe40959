"""Win rate: of the opportunities decided in the period, the share that was won."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Ratio, Sum

KPI = Kpi(
	name="win_rate",
	title="Win rate",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(Q("opportunity_win"), Q("opportunity_win") + Q("opportunity_loss")),
	meaning="Of the opportunities decided in the period, the share that was won. It says nothing of those still open, and it is not conversion.",
	moved_by="Qualifying early, reaching whoever decides, and knowing why the lost ones were lost.",
	estimates=Q("opportunity_win") + Q("opportunity_loss"),
	beside={"Dropped": Sum(Q("opportunity_drop"))},
)
