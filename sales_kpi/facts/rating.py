"""Rating: how satisfied a customer says it is, 0 to 1."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.ratings import answers, feedback, rating_rows
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	given, answered = feedback(reading).as_("given"), answers(reading).as_("given")
	return {
		"Quality Feedback": rating_rows(reading, Query.from_(given), given),
		"KPI Survey Answer": rating_rows(
			reading, Query.from_(answered), answered, own_company=answered.company
		),
	}


FACT = Fact(
	name="rating",
	meaning="A customer said how satisfied it is.",
	kind=Kind.PER_DOCUMENT,
	measure=Measure.RATING,
	credit=CreditRule.ACCOUNT_MANAGER,
	parts=parts,
	records=(
		"Quality Feedback",
		"Quality Feedback Parameter",
		"KPI Survey Answer",
		"Customer",
		"Sales Team",
		"Employee",
		"Sales Person",
		"Lead",
		"Opportunity",
	),
)
