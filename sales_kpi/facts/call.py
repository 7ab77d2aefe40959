"""Call: a completed call, from the call log, the calendar or the correspondence."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.activities import activity_rows, events
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import coalesce, filled, number, text
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.people import user_of_sender
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where


def parts(reading: Reading) -> dict[str, Any]:
	log = reading.table("Call Log")
	logged = activity_rows(
		reading,
		where(Query.from_(log), log.status == Bound("Completed")),
		log,
		moment=log.start_time,
		user=coalesce(filled(log.employee_user_id), log.owner),
		seconds=number(log.duration),
	)
	# ERPNext writes a Communication for each Event with participants: that call is counted as the Event.
	mail = reading.table("Communication")
	query = where(
		Query.from_(mail),
		mail.communication_medium == Bound("Phone"),
		text(mail.reference_doctype) != Bound("Event"),
	)
	query, user = user_of_sender(reading, query, mail.sender, mail.user)
	phoned = activity_rows(reading, query, mail, moment=mail.communication_date, user=user)
	return {"Call Log": logged, "Event": events(reading, "Call"), "Communication": phoned}


FACT = Fact(
	name="call",
	meaning="Somebody was spoken to on the phone.",
	kind=Kind.PER_DOCUMENT,
	measure=Measure.SECONDS,
	credit=CreditRule.USER,
	parts=parts,
	records=("Call Log", "Event", "Communication", "User", "Employee", "Sales Person"),
)
