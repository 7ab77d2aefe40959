"""What the site's own records propose for the settings, so that nobody starts from an empty form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypedDict

import frappe
from frappe import _

from sales_kpi.site.permissions import MANAGERS

COST_WORDS = (
	"marketing", "sales expense", "commission on sales", "advertis", "exhibition", "promotion", "entertainment", "travel",
	"werbe", "vertrieb", "reisekosten", "بازاریابی", "تبلیغات", "کمیسیون فروش", "هزینه سفر",
)  # fmt: skip
"""Words in the names of expense accounts that are spent to win customers."""

MINIMUM_GAPS = 50
"""Fewer gaps between purchases than this say nothing of a site's rhythm."""

DEFAULT_CHURN_DAYS = 180
LEAST_DAYS, MOST_DAYS = 30, 540


class Rhythm(TypedDict):
	"""How long the site's customers wait between two purchases.

	days: proposed churn-after days. p90: nine of ten gaps are no longer, 0 when there are too few to say. gaps: how many
	were seen. is_default: whether they were too few to propose by. histogram: number of gaps by their length in whole
	months of 30 days. sentence: how the proposal was derived, for people.
	"""

	days: int
	p90: int
	gaps: int
	is_default: bool
	histogram: dict[int, int]
	sentence: str


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


def propose(rhythm: Rhythm | None = None) -> dict[str, Any]:
	"""Proposed values by fieldname of Sales KPI Settings; tables as lists of rows."""
	shared = walk_in_customers()
	rhythm = rhythm or buying_rhythm(shared)
	return {
		"calendar": "Jalali"
		if frappe.db.get_single_value("System Settings", "country") == "Iran"
		else "Gregorian",
		"week_start": _week_start(),
		"churn_after_days": rhythm["days"],
		"acquisition_accounts": acquisition_accounts(),
		"cost_centers": cost_centers(),
		"mapping": salespeople_by_name(),
		"shared_customers": [{"customer": name} for name in shared],
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
	for name in frappe.get_all(
		"Sales Person", filters={"is_group": 0, "enabled": 1}, pluck="name", order_by="name"
	):
		user = users.get(name.strip().lower())
		if user and name not in linked:
			proposed.append({"user": user, "sales_person": name})
	return proposed


def walk_in_customers() -> list[str]:
	"""Customers that a POS Profile books everybody on."""
	names = frappe.get_all("POS Profile", filters={"customer": ("is", "set")}, pluck="customer")
	return sorted(set(names))


def buying_rhythm(shared_customers: Iterable[str] = ()) -> Rhythm:
	"""How long customers wait between two purchases, and the churn-after days that follow from it.

	Nine of ten gaps are no longer (P90), rounded up to whole 30 days, within 30 and 540; with too few gaps the default.
	shared_customers: those that stand for many, whose purchases follow each other by the hour.
	"""
	gaps = Counter(_gaps(tuple(shared_customers)))
	count = sum(gaps.values())
	histogram: Counter[int] = Counter()
	for length, times in gaps.items():
		histogram[length // 30] += times
	days, p90 = DEFAULT_CHURN_DAYS, 0
	if count >= MINIMUM_GAPS:
		p90 = _p90(gaps)
		days = min(max(math.ceil(p90 / 30) * 30, LEAST_DAYS), MOST_DAYS)
	return Rhythm(
		days=days,
		p90=p90,
		gaps=count,
		is_default=not p90,
		histogram=dict(sorted(histogram.items())),
		sentence=_sentence(days, p90, count),
	)


def _p90(gaps: Counter[int]) -> int:
	"""The length that nine of ten gaps don't exceed."""
	seen, count = 0, sum(gaps.values())
	for length in sorted(gaps):
		seen += gaps[length]
		if seen >= 0.9 * count:
			return length
	return 0


def _sentence(days: int, p90: int, gaps: int) -> str:
	if not p90:
		return _("Too few gaps between purchases ({0}) to propose by: {1} days is the default.").format(
			gaps, days
		)
	return _("90 % of {0} gaps between purchases last {1} days or less: {2} days are proposed.").format(
		gaps, p90, days
	)


def _gaps(shared_customers: tuple[str, ...]) -> dict[int, int]:
	"""Number of gaps between consecutive purchases of a customer, by their length in days."""
	from pypika.functions import Count

	from sales_kpi.analysis.masters import checked_schema
	from sales_kpi.facts.reading.customers import purchase_history
	from sales_kpi.facts.reading.query import Query
	from sales_kpi.facts.reading.reading import Reading
	from sales_kpi.facts.reading.settings import Settings
	from sales_kpi.sources.site import SiteSource

	source, settings = SiteSource(), Settings(not_one_customer=shared_customers)
	reading = Reading(checked_schema(source), settings, frappe.utils.getdate(), source.dialect).statement()
	told = purchase_history(reading)
	gap = reading.dialect.days_between(told.previous, told.day)
	apart = Query.from_(told).where(told.previous < told.day).select(gap.as_("days")).as_("apart")
	query = Query.from_(apart).groupby(apart.days).select(apart.days, Count("*").as_("times"))
	rows = source.run(reading.shared.complete(query))
	return {int(days): int(times) for days, times in rows.itertuples(index=False)}


@frappe.whitelist()
def proposals() -> dict[str, Any]:
	"""What the form of the settings offers, with the rhythm that the churn-after days follow from."""
	frappe.only_for(MANAGERS)
	rhythm = buying_rhythm(walk_in_customers())
	return {**propose(rhythm), "rhythm": rhythm}


@frappe.whitelist()
def rhythm(shared_customers: str | list | None = None) -> Rhythm:
	"""How long customers wait between two purchases, for the form of the settings.

	shared_customers: names of customers that stand for many, as the form has them, saved or not.
	"""
	frappe.only_for(MANAGERS)
	return buying_rhythm(str(name) for name in frappe.parse_json(shared_customers or "[]"))
