"""Email: a mail written by a person to somebody who might buy or does."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.activities import activity_rows
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.people import user_of_sender
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, one_of, where

ABOUT = ("Lead", "Opportunity", "Prospect", "Quotation", "Customer")


def parts(reading: Reading) -> dict[str, Any]:
	mail = reading.table("Communication")
	query = where(
		Query.from_(mail),
		mail.communication_type == Bound("Communication"),
		mail.communication_medium == Bound("Email"),
		mail.sent_or_received == Bound("Sent"),
		one_of(mail.reference_doctype, ABOUT),
	)
	query, user = user_of_sender(reading, query, mail.sender, mail.user)
	return {"Communication": activity_rows(reading, query, mail, moment=mail.communication_date, user=user)}


FACT = Fact(
	name="email",
	meaning="Somebody was written to.",
	kind=Kind.BY_DAY,
	measure=Measure.NOTHING,
	credit=CreditRule.USER,
	parts=parts,
	records=("Communication", "User", "Employee", "Sales Person"),
)
