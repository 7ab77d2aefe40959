"""Customer lapse: a customer that has bought nothing for N days after its last purchase."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.customers import shared_by_team, spells
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading


def _documents(reading: Reading) -> Any:
	spell = spells(reading).as_("begun")
	ended = reading.dialect.plus_days(spell.last_day, reading.settings.churn_after_days + 1)
	return Query.from_(spell).select(
		spell.document,
		spell.customer,
		spell.owner,
		spell.parent,
		ended.as_("day"),
		spell.day.as_("since"),
		spell.company,
		spell.territory,
		spell.source,
		spell.quantity,
		spell.amount,
	)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Customer": shared_by_team(reading, _documents, document_day="since")}


FACT = Fact(
	name="customer_lapse",
	meaning="A customer was lost: it stopped buying.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family="customers",
)
