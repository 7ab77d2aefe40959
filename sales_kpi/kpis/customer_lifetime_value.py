"""Customer lifetime value: what customers have brought in so far, returns deducted, for each customer we ever had."""

from __future__ import annotations

from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Over, Q, Ratio

KPI = Kpi(
	name="customer_lifetime_value",
	title="Customer lifetime value",
	unit=Unit.CURRENCY,
	good=Good.UP,
	formula=Ratio(
		A("sale", over=Over.TO_END, with_life=True) + A("credit_note", over=Over.TO_END, with_life=True),
		Q("customer", over=Over.TO_END),
	),
	meaning="What customers have brought in so far, returns deducted, for each customer we ever had.",
	moved_by="How long customers stay and how often they come back: more than the size of a single order.",
	scopes=frozenset({By.COMPANY, By.SOURCE}),
)
