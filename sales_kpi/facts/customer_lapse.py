"""Customer lapse: a customer that has bought nothing for N days after its last purchase."""

from __future__ import annotations

from sales_kpi.facts.reading.customers import LIVES
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure

FACT = Fact(
	name="customer_lapse",
	meaning="A customer was lost: it stopped buying.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.SALES_TEAM,
	parts=LIVES.parts("customer_lapse"),
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family=LIVES,
)
