"""The settings of the site, in the engine's terms."""

from __future__ import annotations

from dataclasses import dataclass

import frappe

from sales_kpi import catalogue
from sales_kpi.analysis.attainment import FLOOR, Pace
from sales_kpi.facts.reading.settings import (
	ConvertedBy,
	CreditFallback,
	SalespersonMapping,
	Settings,
)
from sales_kpi.kpis.definition import Kpi
from sales_kpi.periods import Calendar, Weekday, calendar_named

DOCTYPE = "Sales KPI Settings"

SNAPSHOT_AFTER_DAYS = 5
ON_TRACK_FROM, AT_RISK_FROM, SCORE_CAP = 95.0, 80.0, 120.0
"""Unless the settings say otherwise; shares in percent."""

PACE = {
	"Working Days": Pace.WORKING_DAYS,
	"Calendar Days": Pace.CALENDAR,
	"Own Season": Pace.SEASON,
}
"""How the settings call the rules of pace."""


@dataclass(frozen=True)
class SiteSettings:
	"""The engine's settings, and those that only the site knows.

	companies: those followed. calendar: the one that periods are taken from unless somebody asks for another.
	snapshot_after_days: days after a period's end on which its snapshot is taken.
	pace_by: the rule of pace where it can be followed. on_track_from, at_risk_from: shares from which a target stands so.
	score_cap, score_floor: between which attainments count in a score.
	"""

	engine: Settings
	companies: tuple[str, ...]
	calendar: Calendar
	use_totals: bool = True
	snapshot_after_days: int = SNAPSHOT_AFTER_DAYS
	pace_by: Pace = Pace.WORKING_DAYS
	on_track_from: float = ON_TRACK_FROM / 100
	at_risk_from: float = AT_RISK_FROM / 100
	score_cap: float = SCORE_CAP / 100
	score_floor: float = FLOOR


def site_settings() -> SiteSettings:
	"""The settings as they are saved."""
	return from_document(frappe.get_cached_doc(DOCTYPE))


def from_document(doc: frappe._dict) -> SiteSettings:
	"""The settings that a document holds, saved or not. Raises InputError where they contradict each other."""
	followed = tuple(row.company for row in doc.companies)
	return SiteSettings(
		engine=Settings(
			churn_after_days=doc.churn_after_days,
			conversion_window_days=doc.conversion_window_days,
			acquisition_accounts=tuple(row.account for row in doc.acquisition_accounts),
			acquisition_lag_months=doc.acquisition_lag_months or 0,
			cost_center_sales_person={
				row.cost_center: row.sales_person for row in doc.cost_centers if row.sales_person
			},
			cost_center_source={row.cost_center: row.source for row in doc.cost_centers if row.source},
			not_one_customer=tuple(row.customer for row in doc.shared_customers),
			mapping=tuple(
				SalespersonMapping(
					row.user,
					row.sales_person,
					frappe.utils.getdate(row.from_date) if row.from_date else None,
					frappe.utils.getdate(row.to_date) if row.to_date else None,
				)
				for row in doc.mapping
			),
			converted_by=ConvertedBy((doc.converted_by or "First Order").lower()),
			credit_fallback=CreditFallback((doc.credit_fallback or "None").lower()),
		),
		companies=followed or tuple(frappe.get_all("Company", pluck="name", order_by="name")),
		calendar=named_calendar(doc.calendar, doc.fiscal_year_start, doc.week_start),
		use_totals=not doc.without_totals,
		snapshot_after_days=doc.get("snapshot_after_days") or SNAPSHOT_AFTER_DAYS,
		pace_by=PACE.get(doc.get("pace_by"), Pace.WORKING_DAYS),
		on_track_from=(doc.on_track_from or ON_TRACK_FROM) / 100,
		at_risk_from=(doc.at_risk_from or AT_RISK_FROM) / 100,
		score_cap=(doc.get("score_cap") or SCORE_CAP) / 100,
	)


def named_calendar(
	name: str | None, fiscal_year_start: str | None = None, week_start: str | None = None
) -> Calendar:
	"""The calendar that the settings or a filter name. Raises InputError when there is no such calendar."""
	text = (name or "Gregorian").lower()
	if text == "fiscal":
		text = f"fiscal:{fiscal_year_start or '01-01'}"
	return calendar_named(text, Weekday[week_start.upper()] if week_start else None)


def enabled_kpis(user: str) -> list[Kpi]:
	"""The KPIs that are measured on this site and that a user's roles may see."""
	extend_by_hooks()
	roles = set(frappe.get_roles(user))
	allowed: dict[str, set[str]] = {}
	for row in frappe.get_all(
		"Sales KPI Role", fields=["parent", "role"], filters={"parenttype": "Sales KPI"}
	):
		allowed.setdefault(row.parent, set()).add(row.role)
	disabled = set(frappe.get_all("Sales KPI", filters={"enabled": 0}, pluck="name"))

	def may_see(kpi: Kpi) -> bool:
		return user == "Administrator" or kpi.name not in allowed or bool(allowed[kpi.name] & roles)

	return [kpi for kpi in catalogue.kpis().values() if kpi.name not in disabled and may_see(kpi)]


def extend_by_hooks() -> None:
	"""Add the facts and KPIs of other installed apps (hook `sales_kpi_modules`)."""
	catalogue.extend(frappe.get_hooks("sales_kpi_modules"))


NAMED_BY = {
	"User": (("Salesperson Mapping", "user"),),
	"Sales Person": (("Salesperson Mapping", "sales_person"), ("Sales KPI Cost Center", "sales_person")),
	"Customer": (("Sales KPI Shared Customer", "customer"),),
	"Account": (("Sales KPI Acquisition Account", "account"),),
	"Cost Center": (("Sales KPI Cost Center", "cost_center"),),
	"Company": (("Sales KPI Company", "company"), ("Sales KPI Acquisition Account", "company")),
}
"""Rows of the settings that name a master, by its doctype: the row's doctype and field."""


def forget(doctype: str, name: str) -> None:
	"""Take the rows that name a deleted master out of the settings, so that no figure is stopped by them."""
	for rows, fieldname in NAMED_BY[doctype]:
		frappe.db.delete(rows, {fieldname: name, "parenttype": DOCTYPE})
	frappe.clear_document_cache(DOCTYPE, DOCTYPE)
