"""Customer spell: a customer begins to buy, for the first time or again after a lapse."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.customers import shared_by_team, spells
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.records import Column


def _documents(reading: Reading) -> Any:
	spell = spells(reading).as_("begun")
	return where(Query.from_(spell), reading.day.holds(spell.day)).select(
		spell.star, reading.dialect.null(Column.DATE).as_("since")
	)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Customer": shared_by_team(reading, _documents)}


FACT = Fact(
	name="customer_spell",
	meaning="A customer began to buy, or came back after a lapse.",
	kind=Kind.BY_ENTITY,
	measure=Measure.NOTHING,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Invoice", "Sales Team", "Customer", "Lead", "Opportunity"),
	credited_as=("sale",),
	family="customers",
)
