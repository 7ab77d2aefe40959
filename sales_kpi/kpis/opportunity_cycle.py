"""Opportunity cycle: days from opening an opportunity to winning it: half of the won ones took less, half more."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Distribution, Mean, Median, Of, Q, Quantile

KPI = Kpi(
	name="opportunity_cycle",
	title="Opportunity cycle",
	unit=Unit.DAYS,
	good=Good.DOWN,
	formula=Median(Distribution("opportunity_win", Of.GAP)),
	meaning="Days from opening an opportunity to winning it: half of the won ones took less, half more.",
	moved_by="A next step with a date in every open opportunity, and the slowest stage.",
	estimates=Q("opportunity_win"),
	beside={
		"Mean": Mean(Distribution("opportunity_win", Of.GAP)),
		"Nine of ten within": Quantile(Distribution("opportunity_win", Of.GAP), 0.9),
	},
)
