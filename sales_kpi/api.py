"""What other programs may call. Everything answers within the rights of the user that calls."""

from __future__ import annotations

from typing import Any

import frappe


@frappe.whitelist()
def compute(
	company: str,
	from_date: str,
	to_date: str,
	every: str = "month",
	by: str = "company",
	kpis: str | list | None = None,
	as_of: str | None = None,
	calendar: str | None = None,
) -> list[dict[str, Any]]:
	"""KPI values, with the fields that `sales-kpi compute` prints.

	company: name. from_date, to_date: first and last day, both included. every: day, week, month, quarter, year or range.
	by: company, sales-person, team, territory or source. kpis: names, a list or separated by commas; all if left out.
	as_of: the day of reading, today if left out. calendar: gregorian, jalali or fiscal:MM-DD; the settings' if left out.

	Beside each value stand `target`, or `target_low` and `target_high` of a range, `target_document`, `attainment` (1 is
	just reached), and in an open period `pace`, `pace_rule`, `expected` and `projection`; `status` is on track, at risk, off
	track or unknown. All of them are None where nothing was agreed.
	"""
	from sales_kpi.site.answers import Asker, explained, question_from
	from sales_kpi.site.standing import standings, told

	asker = Asker.current()
	filters = {
		"company": company, "from_date": from_date, "to_date": to_date, "every": every, "by": by, "kpis": kpis,
		"as_of": as_of, "calendar": calendar,
	}  # fmt: skip
	with explained():
		question = question_from(filters, asker.settings)
	values = asker.values(question)
	beside = standings(asker, question, values)
	return [
		dict(
			value,
			period_start=value["period_start"].isoformat(),
			period_end=value["period_end"].isoformat(),
			**told(beside.get((value["kpi"], value["by"], value["scope"], value["period_start"]))),
		)
		for value in values
	]
