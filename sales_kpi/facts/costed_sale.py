"""Costed sale: the lines of invoices and returns whose cost is known, at their net value."""

from __future__ import annotations

from functools import partial
from typing import Any

from sales_kpi.facts.reading.costs import costed
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	return {"Sales Invoice": credited(reading, partial(costed, column="value"), "Sales Invoice")}


FACT = Fact(
	name="costed_sale",
	meaning="The part of what was invoiced whose cost ERPNext knows.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=(
		"Sales Invoice",
		"Sales Invoice Item",
		"Packed Item",
		"Delivery Note Item",
		"Sales Team",
		"Customer",
		"Lead",
		"Opportunity",
	),
	credited_as=("sale", "credit_note"),
	family="costs",
)
