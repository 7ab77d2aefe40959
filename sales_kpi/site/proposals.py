"""What the site's own records propose for the settings, so that nobody starts from an empty form."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, TypedDict

import frappe
from frappe import _

COST_WORDS = ("marketing", "sales expense", "commission on sales", "advertis", "exhibition", "promotion", "entertainment", "بازاریابی", "تبلیغات", "کمیسیون فروش", "werbe", "vertrieb", "marketing")
"""Words in the names of expense accounts that are spent to win customers."""

MINIMUM_GAPS = 50
"""Fewer gaps between purchases than this say nothing of a site's rhythm."""

DEFAULT_CHURN_DAYS = 180


class Rhythm(TypedDict):
	"""How long the site's customers wait between two purchases.

	days: proposed churn-after days. gaps: how many gaps were seen. is_default: whether they were too few to propose by.
	histogram: number of gaps by their length in whole months of 30 days.
	"""

	days: int
	gaps: int
	is_default: bool
	histogram: dict[int, int]


def fill_settings() -> None:
	"""Fill the settings with what is proposed, unless an admin has confirmed them already."""
	settings = frappe.get_doc("Sales KPI Settings")
	if settings.confirmed:
		return
	for fieldname, value in propose().items():
		settings.set(fieldname, value)
	settings.flags.ignore_permissions = True
	settings.flags.proposal = True
	settings.save()


def propose() -> dict[str, Any]:
	"""Proposed values by fieldname of Sales KPI Settings; tables as lists of rows."""
	rhythm = buying_rhythm()
	return {
		"calendar": "Jalali" if frappe.db.get_single_value("System Settings", "country") == "Iran" else "Gregorian",
		"week_start": _week_start(),
		"churn_after_days": rhythm["days"],
		"acquisition_accounts": acquisition_accounts(),
		"cost_centers": cost_centers(),
		"mapping": salespeople_by_name(),
		"shared_customers": [{"customer": name} for name in walk_in_customers()],
	}


def _week_start() -> str:
	day = frappe.db.get_single_value("System Settings", "first_day_of_the_week")
	return day if day in ("Monday", "Saturday", "Sunday") else "Monday"


def acquisition_accounts() -> list[dict[str, str]]:
	"""Expense accounts, by company, whose names say that they are spent to win customers; groups stand for their members."""
	account = frappe.qb.DocType("Account")
	rows = (
		frappe.qb.from_(account)
		.select(account.name, account.account_name, account.company, account.lft, account.rgt)
		.where(account.root_type == "Expense")
		.orderby(account.company)
		.orderby(account.lft)
		.run(as_dict=True)
	)
	chosen: list[Any] = []
	for row in rows:
		name = (row.account_name or "").lower()
		below = any(one.company == row.company and one.lft < row.lft and row.rgt < one.rgt for one in chosen)
		if not below and any(word in name for word in COST_WORDS):
			chosen.append(row)
	return [{"company": row.company, "account": row.name} for row in chosen]


def cost_centers() -> list[dict[str, str]]:
	"""Cost centers that bear the name of a salesperson or of a source."""
	people = set(frappe.get_all("Sales Person", filters={"is_group": 0}, pluck="name"))
	sources = set(channels())
	proposed = []
	for row in frappe.get_all(
		"Cost Center", filters={"is_group": 0}, fields=["name", "cost_center_name"], order_by="name"
	):
		name = row.cost_center_name
		if name in people or name in sources:
			proposed.append(
				{
					"cost_center": row.name,
					"sales_person": name if name in people else "",
					"source": name if name in sources else "",
				}
			)
	return proposed


def channels() -> list[str]:
	"""Names of the sources of this version: UTM Source (16) or Lead Source (15)."""
	for doctype in ("UTM Source", "Lead Source"):
		if frappe.db.exists("DocType", doctype):
			return list(frappe.get_all(doctype, pluck="name", order_by="name"))
	return []


def salespeople_by_name() -> list[dict[str, str]]:
	"""Users who bear the full name or the e-mail of a salesperson whom no Employee links to a user."""
	employee, person = frappe.qb.DocType("Employee"), frappe.qb.DocType("Sales Person")
	linked = (
		frappe.qb.from_(person)
		.join(employee)
		.on(employee.name == person.employee)
		.where(employee.user_id.isnotnull() & (employee.user_id != ""))
		.select(person.name)
		.run(pluck=True)
	)
	users: dict[str, str] = {}
	for row in frappe.get_all(
		"User", filters={"enabled": 1, "user_type": "System User"}, fields=["name", "full_name", "email"]
	):
		if row.name in ("Administrator", "Guest"):
			continue
		for key in (row.full_name, row.email, row.name):
			if key:
				users.setdefault(str(key).strip().lower(), row.name)
	proposed = []
	for name in frappe.get_all("Sales Person", filters={"is_group": 0, "enabled": 1}, pluck="name", order_by="name"):
		user = users.get(name.strip().lower())
		if user and name not in linked:
			proposed.append({"user": user, "sales_person": name})
	return proposed


def walk_in_customers() -> list[str]:
	"""Customers that a POS Profile books everybody on."""
	names = frappe.get_all("POS Profile", filters={"customer": ("is", "set")}, pluck="customer")
	return sorted(set(names))


def buying_rhythm() -> Rhythm:
	"""How long customers wait between two purchases, and the churn-after days that follow from it.

	Nine of ten gaps are shorter (P90), rounded up to whole 30 days, within 30 and 540; with too few gaps the default.
	"""
	gaps = Counter(_gaps())
	count = sum(gaps.values())
	histogram: Counter[int] = Counter()
	for days, times in gaps.items():
		histogram[days // 30] += times
	if count < MINIMUM_GAPS:
		return Rhythm(days=DEFAULT_CHURN_DAYS, gaps=count, is_default=True, histogram=dict(sorted(histogram.items())))
	seen, p90 = 0, 0
	for days in sorted(gaps):
		seen += gaps[days]
		p90 = days
		if seen >= 0.9 * count:
			break
	days = min(max(math.ceil(p90 / 30) * 30, 30), 540)
	return Rhythm(days=days, gaps=count, is_default=False, histogram=dict(sorted(histogram.items())))


def _gaps() -> dict[int, int]:
	"""Number of gaps between consecutive purchases of a customer, by their length in days."""
	from datetime import date

	from pypika.functions import Count

	from sales_kpi.analysis.masters import checked_schema
	from sales_kpi.facts.reading.customers import purchase_history
	from sales_kpi.facts.reading.query import Query
	from sales_kpi.facts.reading.reading import Reading
	from sales_kpi.facts.reading.settings import Settings
	from sales_kpi.sources.site import SiteSource

	source = SiteSource()
	reading = Reading(checked_schema(source), Settings(), date.today(), source.dialect).statement()
	told = purchase_history(reading)
	gap = reading.dialect.days_between(told.previous, told.day)
	apart = Query.from_(told).where(told.previous < told.day).select(gap.as_("days")).as_("apart")
	query = Query.from_(apart).groupby(apart.days).select(apart.days, Count("*").as_("times"))
	rows = source.run(reading.shared.complete(query))
	return {int(days): int(times) for days, times in rows.itertuples(index=False)}


@frappe.whitelist()
def proposals() -> dict[str, Any]:
	"""What the form of the settings offers, with the rhythm that the churn-after days follow from."""
	frappe.only_for(("System Manager", "Sales Master Manager"))
	return {**propose(), "rhythm": buying_rhythm(), "note": _("Proposed from this site's own records. Check and save.")}
