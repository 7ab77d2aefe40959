"""Makes the people that the desk is tried out as, and what was agreed with them: `desk_people.py SITE PASSWORD`.

Run by the Python of a bench, in the folder of its sites, on a site that holds the full demo company. Its salespeople can
log in already; the demo has nobody who leads a team or the company, and nobody from outside of sales.
"""

from __future__ import annotations

import sys

import frappe
from desk_site import COMPANY, LEAD, MANAGER, OUTSIDER, TEAM
from frappe.utils import add_months, get_first_day, get_last_day, getdate
from frappe.utils.password import update_password

from sales_kpi.site.answers import Asker
from sales_kpi.site.report import question_of

MONTHS = 6
"""Months before this one for which something was agreed."""


def ensure_user(email: str, name: str, password: str, *roles: str) -> None:
	"""A user of the desk with roles and a password."""
	if not frappe.db.exists("User", email):
		doc = frappe.new_doc("User")
		doc.update({"email": email, "first_name": name, "enabled": 1, "send_welcome_email": 0})
		doc.flags.no_welcome_mail = True
		doc.insert()
		doc.add_roles(*roles)
	update_password(email, password)


def agree(kpi: str, value: float, target_for: str = "Company", sales_person: str | None = None) -> None:
	"""A target for each of the last months and this one."""
	doc = frappe.new_doc("KPI Target")
	doc.update(
		{
			"company": COMPANY,
			"kpi": kpi,
			"target_for": target_for,
			"sales_person": sales_person,
			"calendar": "Gregorian",
			"every": "Month",
			"from_date": get_first_day(add_months(getdate(), -MONTHS)),
			"to_date": get_last_day(getdate()),
			"kind": "Absolute",
			"value": value,
			"reason": "Agreed for the demo company",
		}
	)
	doc.insert()
	doc.submit()


def agree_on_volumes() -> None:
	"""Each salesperson and team is to sell about what it has sold on average, so that some reach it and others don't."""
	asker = Asker.current()
	for kind, by in (("Company", "company"), ("Team", "team"), ("Salesperson", "sales-person")):
		asked = {
			"company": COMPANY,
			"by": by,
			"every": "range",
			"kpis": ["sales_volume"],
			"from_date": get_first_day(add_months(getdate(), -MONTHS)),
			"to_date": get_last_day(add_months(getdate(), -1)),
		}
		for value in asker.values(question_of(asked, asker.settings)):
			usual = round((value["value"] or 0) / MONTHS, -3)
			if usual > 0 and value["scope"]:
				agree("sales_volume", usual, kind, None if kind == "Company" else value["scope"])


def main(site: str, password: str) -> None:
	"""Make them all."""
	frappe.init(site=site)
	frappe.connect()
	ensure_user(MANAGER, "Mona", password, "Sales Master Manager", "Sales Manager", "Sales User")
	ensure_user(LEAD, "Lea", password, "Sales Manager", "Sales User")
	ensure_user(OUTSIDER, "Otto", password, "Projects User")
	settings = frappe.get_doc("Sales KPI Settings")
	settings.append("mapping", {"user": LEAD, "sales_person": TEAM, "from_date": "2020-01-01"})
	settings.save()
	frappe.set_user(MANAGER)
	agree_on_volumes()
	agree("win_rate", 35)
	agree("lead_conversion_rate", 20)
	frappe.db.commit()


if __name__ == "__main__":
	main(*sys.argv[1:])
