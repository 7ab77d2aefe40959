"""Answers for a user: the only way from the engine to anybody's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.documents import DocumentList, documents
from sales_kpi.analysis.masters import Masters, read_masters
from sales_kpi.analysis.quality import Check, quality
from sales_kpi.analysis.values import Question, Sight, Value, compute
from sales_kpi.errors import InputError, SalesKpiError
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.periods import Every
from sales_kpi.site.permissions import Rights, rights, sight
from sales_kpi.site.settings import SiteSettings, enabled_kpis, named_calendar, site_settings
from sales_kpi.sources.site import SiteSource


@dataclass(frozen=True)
class Asker:
	"""Somebody who asks, with what the site is set to and what this user may see."""

	user: str
	settings: SiteSettings
	masters: Masters
	may: Rights
	kpis: tuple[Kpi, ...]

	@classmethod
	def current(cls, user: str | None = None) -> Asker:
		"""The user of the session, or another one in whose name something is sent."""
		user = user or frappe.session.user
		settings = site_settings()
		masters = read_masters(SiteSource(), settings.engine)
		return cls(user, settings, masters, rights(user, masters, settings.engine), tuple(enabled_kpis(user)))

	def values(self, question: Question) -> list[Value]:
		"""The values that a question asks for, as far as the user may see them."""
		with explained():
			question, seen = self._permitted(question)
			values = compute(SiteSource(), self._as_computed(question, seen), self.settings.engine, self.masters, seen)
		return [self._as_asked(value, question) for value in values]

	def documents(self, question: Question, scope: str) -> DocumentList:
		"""The documents behind one KPI in one scope, if the user may see that figure."""
		with explained():
			question, seen = self._permitted(question)
			if seen is not None and scope not in [shown.name for shown in seen.scopes]:
				raise frappe.PermissionError(_("You may not see figures of {0}.").format(frappe.bold(scope)))
			return documents(
				SiteSource(), self._as_computed(question, seen), scope, self.settings.engine, self.masters, seen
			)

	def quality(self, company: str, as_of: date | None = None) -> list[Check]:
		"""The checks of a company's records, for those who see all of it."""
		with explained():
			today = as_of or frappe.utils.getdate()
			seen = sight(Question(company, today, today), self.may, self.masters)
			if seen is not None:
				raise frappe.PermissionError(_("Only those who see all of a company may see the quality of its records."))
			return quality(SiteSource(), company, self.settings.engine, today, self.masters)

	def _permitted(self, question: Question) -> tuple[Question, Sight | None]:
		"""The question narrowed to the KPIs that may be seen, and what may be seen of the answer."""
		seen = sight(question, self.may, self.masters)
		names = [kpi.name for kpi in self.kpis]
		if question.kpis is not None:
			for name in question.kpis:
				if name not in names:
					raise InputError(_("There is no KPI {0} that you may see.").format(name))
			names = list(question.kpis)
		if seen is not None and seen.only:
			names = [name for name in names if self._makes_sense_in_part(name)]
		return replace(question, kpis=tuple(names)), seen

	def _makes_sense_in_part(self, name: str) -> bool:
		"""Whether a KPI can be told of what somebody sees in part, as it can of a salesperson."""
		kpi = catalogue.kpi(name)
		people = self.settings.engine.cost_center_sales_person
		return By.SALES_PERSON in kpi.scopes and (not kpi.mapped_cost or any(people.values()))

	@staticmethod
	def _as_computed(question: Question, seen: Sight | None) -> Question:
		"""What is seen in part is computed as one whole."""
		return replace(question, by=By.COMPANY) if seen is not None and seen.only else question

	@staticmethod
	def _as_asked(value: Value, question: Question) -> Value:
		value["by"] = question.by.value
		return value


class explained:
	"""Turn what the engine says of wrong input into Frappe's own kind of message."""

	def __enter__(self) -> None:
		return None

	def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
		if isinstance(error, SalesKpiError):
			frappe.throw(str(error), title=_("Sales KPI"))


def question_from(filters: Mapping[str, Any], settings: SiteSettings) -> Question:
	"""The question that the filters of a report, or the arguments of a call, ask.

	Raises InputError where a filter is missing or names what doesn't exist.
	"""
	first, last = _day(filters, "from_date"), _day(filters, "to_date")
	kpis = filters.get("kpis")
	if isinstance(kpis, str):
		kpis = [name.strip() for name in kpis.split(",") if name.strip()]
	calendar = settings.calendar
	if filters.get("calendar"):
		calendar = named_calendar(filters["calendar"], filters.get("fiscal_year_start"))
	return Question(
		company=str(filters.get("company") or ""),
		first=first,
		last=last,
		every=_choice(Every, filters.get("every") or "month", _("period")),
		by=_choice(By, filters.get("by") or "company", _("scope")),
		kpis=tuple(kpis) if kpis else None,
		as_of=_day(filters, "as_of") if filters.get("as_of") else frappe.utils.getdate(),
		calendar=calendar,
	)


def _day(filters: Mapping[str, Any], name: str) -> date:
	try:
		day = frappe.utils.getdate(filters.get(name))
	except (ValueError, TypeError, frappe.ValidationError):
		day = None
	if not filters.get(name) or day is None:
		raise InputError(_("{0} must be a date such as 2026-01-31.").format(name))
	return day  # type: ignore[no-any-return]


def _choice(kind: Any, text: str, what: str) -> Any:
	try:
		return kind(str(text).lower())
	except ValueError:
		known = ", ".join(member.value for member in kind)
		raise InputError(_("There is no {0} {1}. Choose one of: {2}.").format(what, text, known)) from None
