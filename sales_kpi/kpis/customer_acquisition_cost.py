"""Customer acquisition cost: what was spent to win customers, for each new customer, from the ledger."""

from __future__ import annotations

from sales_kpi.kpis.definition import Audience, Good, Kpi, Needs, Unit
from sales_kpi.kpis.formula import A, Q, Ratio

KPI = Kpi(
	name="customer_acquisition_cost",
	title="Customer acquisition cost",
	unit=Unit.CURRENCY,
	good=Good.DOWN,
	formula=Ratio(A("acquisition_cost"), Q("first_sale")),
	meaning="What was spent to win customers, for each new customer, from the ledger.",
	moved_by="The channels: what each costs and how many customers it really brings.",
	needs=(Needs.ACQUISITION_ACCOUNTS,),
	mapped_cost=True,
	audience=Audience.MANAGERS,
)
