"""Customer satisfaction: of those who answered, the share that is satisfied: four of five points or more."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Q, Ratio

KPI = Kpi(
	name="customer_satisfaction",
	title="Customer satisfaction",
	unit=Unit.PERCENT,
	good=Good.UP,
	formula=Ratio(Q("rating", at_least=0.8), Q("rating")),
	meaning="Of those who answered, the share that is satisfied: four of five points or more.",
	moved_by="Promises kept, and complaints answered by a person.",
	beside={"Mean rating": Ratio(A("rating", weighted=True), Q("rating"))},
)
