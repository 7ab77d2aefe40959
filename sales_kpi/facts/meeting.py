"""Meeting: a meeting in the calendar that wasn't cancelled."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.activities import events
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.reading import Reading


def parts(reading: Reading) -> dict[str, Any]:
	return {"Event": events(reading, "Meeting")}


FACT = Fact(
	name="meeting",
	meaning="Somebody was met.",
	kind=Kind.BY_DAY,
	measure=Measure.SECONDS,
	credit=CreditRule.USER,
	parts=parts,
	records=("Event", "Employee", "Sales Person"),
)
