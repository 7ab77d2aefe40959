"""Sales cycle: days from the first contact with a customer to its first contract: half of the new customers took less, half more."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Distribution, Mean, Median, Of, Quantile

KPI = Kpi(
	name="sales_cycle",
	title="Sales cycle",
	unit=Unit.DAYS,
	good=Good.DOWN,
	formula=Median(Distribution("first_order", Of.GAP)),
	meaning="Days from the first contact with a customer to its first contract: half of the new customers took less, half more.",
	moved_by="Waiting: for an answer, for a quotation, for approval. Find the step where days are lost.",
	beside={
		"Mean": Mean(Distribution("first_order", Of.GAP)),
		"Nine of ten within": Quantile(Distribution("first_order", Of.GAP), 0.9),
	},
)
