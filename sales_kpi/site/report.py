"""What the script reports share: who asks, what may be asked, and what goes back to Frappe.

Frappe filters a report's rows only after it has run, and its chart and summary not at all. So table, chart, summary and
message of each report are made of the same rows, which `Asker` gives to the reader and to nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import frappe
from frappe import _

from sales_kpi.analysis.values import Question
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, check_days, explained, question_from
from sales_kpi.site.permissions import is_unattended, permitted, sight, visible_kpis
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import SiteSettings, site_settings

UNASSIGNED = "(unassigned)"
"""The scope '' as filters name it, where an empty one means that nothing is chosen."""

MAX_PERIODS = 600
MAX_ROWS = 30_000
"""What a table may hold: more than this nobody reads."""

COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F7F7F", "#B8A100")
"""Colours that colour-blind people tell apart (Okabe and Ito)."""

Filters = Mapping[str, Any]


@dataclass
class Table:
	"""What a report shows."""

	columns: list[dict[str, Any]] = field(default_factory=list)
	rows: list[dict[str, Any]] = field(default_factory=list)
	messages: list[str] = field(default_factory=list)
	chart: dict[str, Any] | None = None
	summary: list[dict[str, Any]] | None = field(default_factory=list)

	def for_frappe(self) -> tuple[Any, ...]:
		"""Columns, rows, message, chart, summary, and that no row is to be summed up."""
		message = "<br>".join(self.messages) or None
		return self.columns, self.rows, message, self.chart, self.summary, True


def values(filters: Any = None) -> tuple[Any, ...]:
	"""The report Sales KPI Values."""
	from sales_kpi.site.values_table import build

	return answered(filters, build)


def documents(filters: Any = None) -> tuple[Any, ...]:
	"""The report Sales KPI Documents."""
	from sales_kpi.site.documents_table import build

	return answered(filters, build)


def quality(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Data Quality."""
	from sales_kpi.site.quality_table import build

	return answered(filters, build)


def attainment(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Target Attainment."""
	from sales_kpi.site.attainment_table import build

	return answered(filters, build)


def trend(filters: Any = None) -> tuple[Any, ...]:
	"""The report Sales KPI Trend."""
	from sales_kpi.site.trend_table import build

	return answered(filters, build)


def analysis(name: str, filters: Any = None) -> tuple[Any, ...]:
	"""The report of an analysis, by its name in the catalogue."""
	from sales_kpi.site.analysis_table import build

	return answered(filters, lambda asker, given: build(asker, given, name))


def satisfaction(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Customer Satisfaction."""
	from sales_kpi.site.satisfaction_table import build

	return answered(filters, build)


def activity(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Sales Activity."""
	from sales_kpi.site.activity_table import build

	return answered(filters, build)


def restatements(filters: Any = None) -> tuple[Any, ...]:
	"""The report KPI Restatements."""
	from sales_kpi.site.restatements_table import build

	return answered(filters, build)


def answered(filters: Any, build: Callable[[Asker, frappe._dict], Table]) -> tuple[Any, ...]:
	if nobody_reads():
		return _told(pointer_to_digest())
	given = _as_dict(filters)
	with explained():
		asker = Asker.current()
		if asker.may.is_blind:
			text = _(
				"You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings."
			)
			return _told(text)
		given.company = given.company or usual_company(asker.settings, asker.may.companies)
		return build(asker, given).for_frappe()


def _told(message: str) -> tuple[Any, ...]:
	"""A report that says one thing and shows nothing."""
	return Table(messages=[message], summary=None).for_frappe()


def _as_dict(filters: Any) -> frappe._dict:
	"""The filters as a mapping, whatever the caller sends."""
	given = frappe.parse_json(filters) if isinstance(filters, str) and filters else filters
	return frappe._dict(given if isinstance(given, Mapping) else {})


def nobody_reads() -> bool:
	"""Whether the report runs for nobody that is known: Auto Email Report runs it as Administrator, for its recipients.

	The flag lets tests, which are unattended too, see what happens then.
	"""
	return is_unattended() or bool(frappe.flags.sales_kpi_unattended)


def pointer_to_digest() -> str:
	"""What stands in the place of figures where nobody is known to read them."""
	return str(
		_(
			"Figures depend on who reads them, and a report sent by mail doesn’t know its readers. "
			"The digest of Sales KPI sends each reader their own figures."
		)
	)


# Cells and columns


def text_column(fieldname: str, label: str, width: int) -> dict[str, Any]:
	"""A column of texts."""
	return {
		"fieldname": fieldname,
		"label": label,
		"fieldtype": "Data",
		"width": width,
		"align": words.start(),
	}


def number_column(fieldname: str, label: str, width: int = 130) -> dict[str, Any]:
	"""A column of figures."""
	return {"fieldname": fieldname, "label": label, "fieldtype": "Float", "width": width}


def rounded(value: float | None) -> float | None:
	"""Without the dust of floats, which exports would show."""
	return None if value is None else round(value, 6)


# What is asked


def question_of(filters: Filters, settings: SiteSettings) -> Question:
	"""The question that filters ask; without any days, of the usual range."""
	given = dict(filters)
	given["fiscal_year_start"] = _fiscal_year_start(given)
	unlimited = not given.get("from_date") and not given.get("to_date")
	if unlimited:
		today = frappe.utils.getdate()
		given.update(from_date=today, to_date=today)
	if str(given.get("from_date")) > str(given.get("to_date")) > "":
		raise InputError(_("The range of days is empty: it ends before it begins."))
	question = question_from(given, settings)
	if unlimited:
		first, last = usual_range(question.calendar, question.as_of)
		question = replace(question, first=first, last=last)
	check_days(question)
	return question


def _fiscal_year_start(filters: Filters) -> str | None:
	"""Where a calendar is chosen that the settings don't have: the day on which ERPNext's fiscal year begins."""
	if str(filters.get("calendar") or "").strip().lower() != "fiscal":
		return None
	settings = frappe.get_cached_doc(SETTINGS)
	if settings.calendar == "Fiscal":
		return None
	if settings.fiscal_year_start:
		return str(settings.fiscal_year_start)
	today = frappe.utils.getdate()
	now = {"year_start_date": ("<=", today), "year_end_date": (">=", today), "disabled": 0}
	start = frappe.db.get_value("Fiscal Year", now, "year_start_date")
	if not start:
		raise InputError(_("There is no Fiscal Year for today. Choose another calendar, or create one."))
	return str(start.strftime("%m-%d"))


def usual_range(calendar: Calendar, today: date) -> tuple[date, date]:
	"""The last six whole months, and this one."""
	period = calendar.period(today, Every.MONTH)
	last = period.last_day
	for _number in range(6):
		period = calendar.previous(period, Every.MONTH)
	return period.start, last


def usual_company(settings: SiteSettings, allowed: frozenset[str] | None) -> str:
	"""The company of somebody who names none: the default one if it is followed and may be seen, else the first such."""
	companies = [name for name in settings.companies if allowed is None or name in allowed]
	default = frappe.defaults.get_user_default("Company")
	return str(default if default in companies else next(iter(companies), ""))


def check_size(periods: int, kpis: int, scopes: int) -> None:
	"""Refuse a table that nobody can read, before it is computed."""
	if periods > MAX_PERIODS:
		raise InputError(
			_("That would be {0} periods. Choose a shorter range or longer periods, {1} at most.").format(
				words.number(periods), MAX_PERIODS
			)
		)
	rows = periods * kpis * scopes
	if rows > MAX_ROWS:
		raise InputError(
			_("That would be about {0} rows. Choose fewer KPIs, a shorter range or longer periods.").format(
				words.number(rows)
			)
		)


# Names


def titles(names: Sequence[str]) -> dict[str, str]:
	"""What the site calls its KPIs, in the reader's language."""
	from sales_kpi import catalogue

	own = dict(frappe.get_all("Sales KPI", fields=["name", "title"], as_list=True))
	known = catalogue.kpis()
	return {name: _(own.get(name) or (known[name].title if name in known else name)) for name in names}


def scope_label(name: str) -> str:
	"""Name of a scope for people."""
	return name or words.unassigned()


def number_of_scopes(asker: Asker, by: By) -> int:
	"""About how many scopes there are."""
	return {
		By.COMPANY: 1,
		By.SALES_PERSON: len(asker.masters.salespeople) + 1,
		By.TEAM: 2 * len(asker.masters.salespeople) + 1,
		By.TERRITORY: len(asker.masters.territories) + 1,
		By.SOURCE: len(asker.masters.channels) + 1,
	}[by]


# What the filters of the reports offer


@frappe.whitelist()
def offered() -> dict[str, Any]:
	"""What the filters begin with: company, range of days, and the KPIs to choose from."""
	frappe.has_permission("Sales KPI", "report", throw=True)
	settings = site_settings()
	first, last = usual_range(settings.calendar, frappe.utils.getdate())
	names = [kpi.name for kpi in visible_kpis(frappe.session.user)]
	return {
		"company": usual_company(settings, permitted(frappe.session.user, "Company")),
		"from_date": first.isoformat(),
		"to_date": last.isoformat(),
		"kpis": [
			{"value": name, "label": words.html(title), "description": ""}
			for name, title in titles(names).items()
		],
	}


@frappe.whitelist()
def scopes(company: str, by: str, txt: str = "") -> list[dict[str, str]]:
	"""The scopes that the reader may choose, of those that a text is part of."""
	frappe.has_permission("Sales KPI", "report", throw=True)
	asker = Asker.current()
	with explained():
		question = question_of({"company": company, "by": by}, asker.settings)
		seen = sight(question, asker.may, asker.masters, asker.settings.companies)
	if seen is not None:
		names = [scope.name for scope in seen.scopes]
	elif question.by is By.COMPANY:
		names = [company]
	elif question.by is By.TEAM:
		names = [node.name for node in asker.masters.salespeople.values() if node.is_group]
	elif question.by is By.SOURCE:
		names = [*asker.masters.channels, ""]
	else:
		people = question.by is By.SALES_PERSON
		names = [*(asker.masters.salespeople if people else asker.masters.territories), ""]
	found = [{"value": name or UNASSIGNED, "label": scope_label(name)} for name in names]
	wanted = str(txt or "").lower()
	return [one for one in found if wanted in one["label"].lower()][:100]
