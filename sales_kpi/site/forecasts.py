"""Forecasts that are kept: made once for each period as it begins, never changed, and scored when what they told of has come.

They are of the company as a whole, as of the last day of the period before: made some nights late, a forecast knows no more.
All figures are read from the records, as those of snapshots are, and what is made together is written in one transaction
under a unique key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import frappe
from frappe.utils import getdate, now_datetime

from sales_kpi import catalogue
from sales_kpi.analysis.forecast import INSIDE, MEASURES, Forecast, forecasts
from sales_kpi.analysis.inquiry import inquiry
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every
from sales_kpi.site import snapshot_permissions
from sales_kpi.site.settings import enabled_kpis
from sales_kpi.site.snapshots import BY, EVERY, OrderedSource, Site, alone, as_json, calendar_text

FORECAST = "KPI Forecast"

JOB = "sales_kpi_forecasts"


@dataclass(frozen=True)
class Origin:
	"""What is made together: the forecasts of one KPI of one company, from the end of one period on."""

	company: str
	kpi: str
	calendar: Calendar
	every: Every
	as_of: date

	def forecasts(self, site: Site) -> list[Forecast]:
		"""The next periods; none where the history is too short."""
		return forecasts(
			inquiry(
				OrderedSource(),
				site.masters,
				site.settings.engine,
				self.company,
				self.as_of,
				self.as_of,
				self.as_of,
				every=self.every,
				calendar=self.calendar,
				options={"measure": self.kpi},
			)
		)


def nightly() -> None:
	"""The daily job: keep the forecasts of the periods that have begun."""
	frappe.enqueue("sales_kpi.site.forecasts.work", queue="long", timeout=3600, job_id=JOB, deduplicate=True)


def work() -> None:
	"""Make the forecasts that aren't there yet."""
	try:
		make()
	except InputError as error:
		# Whoever looks after the settings has to correct them; a later night makes the same forecasts.
		frappe.db.rollback()
		frappe.log_error(title="Sales KPI: no forecasts were made", message=str(error))
		frappe.db.commit()


def make(today: date | None = None) -> int:
	"""Make the forecasts from the last period of each kind on that is over, where they aren't kept yet.

	Returns how many rows were written. May be killed and started again, and run twice at once.
	"""
	today = today or getdate()
	begun = Site.now()
	return sum(alone(partial(_make, begun, origin, today)) for origin in _origins(begun, today))


def _origins(site: Site, today: date) -> Iterator[Origin]:
	calendar, enabled = site.settings.calendar, {kpi.name for kpi in enabled_kpis("Administrator")}
	for company in site.settings.companies:
		for every in EVERY:
			as_of = calendar.period(today, every).start - timedelta(days=1)
			for kpi in MEASURES:
				if company in site.masters.companies and kpi in enabled:
					yield Origin(company, kpi, calendar, every, as_of)


def _make(begun: Site, origin: Origin, today: date) -> int:
	table = frappe.qb.DocType(FORECAST)
	known = (
		frappe.qb.from_(table)
		.where(table.company == origin.company)
		.where(table.kpi == origin.kpi)
		.where(table.every == EVERY[origin.every])
		.where(table.calendar == calendar_text(origin.calendar))
		.where(table.as_of == origin.as_of)
		.select(table.name)
		.limit(1)
		.run()
	)
	if known:
		return 0
	site = Site.now(begun)
	if origin.company not in site.masters.companies:
		return 0
	title = frappe.db.get_value("Sales KPI", origin.kpi, "title") or catalogue.kpi(origin.kpi).title
	rows = [_row(site, origin, title, one, today, now_datetime()) for one in origin.forecasts(site)]
	if rows:
		site.hold()
		values = [tuple(row.values()) for row in rows]
		frappe.db.bulk_insert(FORECAST, list(rows[0]), values, ignore_duplicates=True)
	return len(rows)


def _row(site: Site, origin: Origin, title: str, one: Forecast, today: date, now: datetime) -> dict[str, Any]:
	return {
		"name": frappe.generate_hash(length=16),
		"creation": now,
		"modified": now,
		"owner": "Administrator",
		"modified_by": "Administrator",
		"docstatus": 0,
		"idx": 0,
		"company": origin.company,
		"kpi": origin.kpi,
		"kpi_title": title,
		"scope_type": BY[By.COMPANY],
		"scope": origin.company,
		"calendar": calendar_text(origin.calendar),
		"every": EVERY[origin.every],
		"period_start": one.period,
		"period_end": origin.calendar.period(one.period, origin.every).last_day,
		"value": one.value,
		"low": one.low,
		"high": one.high,
		"inside": 100 * INSIDE,
		"currency": site.masters.companies[origin.company] or "",
		"model": one.model,
		"made_on": today,
		"as_of": origin.as_of,
		"ahead": one.ahead,
		"merged": 0,
		"forecast_key": _key(origin, one),
	}


def _key(origin: Origin, one: Forecast) -> str:
	"""The key under which there can be one forecast only: of a period, from one day on."""
	calendar, days = calendar_text(origin.calendar), (origin.as_of.isoformat(), one.period.isoformat())
	parts = [origin.company, origin.kpi, By.COMPANY.value, calendar, origin.every.value, *days]
	return hashlib.sha256(as_json(parts).encode()).hexdigest()[:40]


def rename_company(old: str, new: str, merge: bool) -> None:
	"""Let kept forecasts follow a renamed company. Of two that are one now, nothing comes that they were of: none is scored."""
	table = frappe.qb.DocType(FORECAST)
	change = frappe.qb.update(table).set(table.company, new).set(table.scope, new)
	if merge:
		(frappe.qb.update(table).set(table.merged, 1).where(table.company.isin([old, new])).run())
	change.where(table.company == old).run()


def conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Forecast."""
	return snapshot_permissions.conditions(FORECAST, user or frappe.session.user)
