"""Lifetime value to acquisition cost: how many times a customer has brought in what it cost to win one."""

from __future__ import annotations

from sales_kpi.kpis import customer_acquisition_cost, customer_lifetime_value
from sales_kpi.kpis.definition import Audience, By, Good, Kpi, Needs, Unit
from sales_kpi.kpis.formula import Quotient

KPI = Kpi(
	name="clv_to_cac",
	title="Lifetime value to acquisition cost",
	unit=Unit.RATIO,
	good=Good.UP,
	formula=Quotient(
		customer_lifetime_value.KPI.formula,
		customer_acquisition_cost.KPI.formula,
		names=("customer lifetime value", "customer acquisition cost"),
	),
	meaning="How many times a customer has brought in what it cost to win one.",
	moved_by="Spend less on channels that bring customers who don’t come back.",
	scopes=frozenset({By.COMPANY, By.SOURCE}),
	needs=(Needs.ACQUISITION_ACCOUNTS,),
	mapped_cost=True,
	audience=Audience.MANAGERS,
)
