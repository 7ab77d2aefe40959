"""Customer: the earliest purchase of a customer in a company."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.customers import first_purchases, shared_by_team
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	return {"Customer": shared_by_team(reading, first_purchases)}


FACT = Fact(
	name="customer",
	meaning="A customer bought for the first time on record.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family="customers",
)
