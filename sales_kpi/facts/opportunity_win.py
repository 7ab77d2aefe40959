"""Opportunity win: an opportunity that led to a Sales Order, or is said to be converted."""

from __future__ import annotations

from typing import Any

from pypika import Case

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.opportunities import decided, opportunities, ordered_opportunities
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.facts.reading.transitions import log_or_modified


def parts(reading: Reading) -> dict[str, Any]:
	opportunity = reading.table("Opportunity")
	won = reading.share(ordered_opportunities(reading), "won")
	query = opportunities(reading, opportunity).left_join(won).on(won.document == opportunity.name)
	query = query.where(won.document.notnull() | (opportunity.status == Bound("Converted")))
	query, by_status, estimated = log_or_modified(reading, query, opportunity, "Opportunity")
	ordered = won.day.notnull()
	rows = decided(
		reading,
		query,
		opportunity,
		Case().when(ordered, won.day).else_(by_status),
		Case().when(ordered, 0).else_(estimated),
	)
	return {"Opportunity": rows}


FACT = Fact(
	name="opportunity_win",
	meaning="An opportunity was won: the first order that came of it, else its status.",
	kind=Kind.BY_ENTITY,
	measure=Measure.MONEY,
	credit=CreditRule.USER,
	parts=parts,
	records=(
		"Opportunity",
		"Quotation",
		"Quotation Item",
		"Sales Order",
		"Sales Order Item",
		"Employee",
		"Sales Person",
		"Sales Transition",
	),
	family="opportunities",
)
