"""Answers for a user: the only way from the engine to anybody's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from html import escape
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.documents import Document, DocumentList, documents
from sales_kpi.analysis.inquiry import inquiry
from sales_kpi.analysis.masters import Masters, read_masters, unknown
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.quality import Check, quality
from sales_kpi.analysis.values import Question, Sight, Value, compute
from sales_kpi.errors import InputError, SalesKpiError
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.site.permissions import (
	Rights,
	is_active,
	is_manager,
	is_unattended,
	quoted,
	refuse,
	rights,
	sight,
	visible_kpis,
)
from sales_kpi.site.settings import SiteSettings, named_calendar, site_settings
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals.read import Totals
from sales_kpi.totals.series import reading_of_all

EARLIEST, LATEST = date(1980, 1, 1), date(2100, 12, 31)
"""Days that may be asked for: wide enough for any books, and never at the end of what a calendar can count."""

MOST_PERIODS = 1000
MOST_FIGURES = 200_000
"""More than this nobody reads, and computing it would take the site's memory."""

_SHORTEST = {Every.DAY: 1, Every.WEEK: 7, Every.MONTH: 28, Every.QUARTER: 89, Every.YEAR: 354}
"""Days of the shortest period of a kind in any calendar."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

_CHUNK = 500
"""Names looked up at a time."""


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
		"""The user of the session, or another one in whose name something is sent.

		Raises frappe.PermissionError where nobody asks (`is_unattended`), so that nothing can be mailed by accident.
		"""
		if user is None and is_unattended():
			refuse(_("Figures are given to somebody: run this as the user who is to read them."))
		user = user or frappe.session.user
		if not is_active(user):
			refuse(
				_("You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings.")
			)
		try:
			settings = site_settings()
			masters = read_masters(SiteSource(), settings.engine)
		except InputError as error:
			# What the settings name exists no more. The sentence lists what does exist, which isn't for everybody.
			if not is_manager(user):
				frappe.throw(
					_("Sales KPI Settings have to be corrected first. Tell whoever looks after them.")
				)
			frappe.throw(
				f"{_('Sales KPI Settings have to be corrected first.')} {escape(error.told(_), quote=False)}"
			)
		return cls(user, settings, masters, rights(user, masters, settings.engine), visible_kpis(user))

	@cached_property
	def totals(self) -> Totals | None:
		"""The kept sums, as they are at the first question; None where the settings switch them off."""
		if not self.settings.use_totals:
			return None
		source, today = SiteSource(), frappe.utils.getdate()
		return Totals(source, reading_of_all(source, self.settings.engine, self.masters, today))

	def values(self, question: Question) -> list[Value]:
		"""The values that a question asks for, as far as the user may see them."""
		with explained():
			question, seen = self._permitted(question)
			values = compute(
				SiteSource(),
				self._as_computed(question, seen),
				self.settings.engine,
				self.masters,
				seen,
				self.totals,
			)
		return [self._as_asked(value, question) for value in values]

	def values_with_members(self, question: Question) -> list[Value]:
		"""The same; of teams with those of their members."""
		values = self.values(question)
		if question.by is By.TEAM:
			values += self.values(replace(question, by=By.SALES_PERSON))
		return values

	def documents(self, question: Question, scope: str) -> DocumentList:
		"""The documents behind one KPI in one scope, if the user may see that figure.

		Which of them the user may open as well is told by `readable`.
		"""
		with explained():
			question, seen = self._permitted(question)
			if seen is not None and scope not in [shown.name for shown in seen.scopes]:
				refuse(_("There are no figures of {0} that you may see.").format(quoted(scope)))
			found = documents(
				SiteSource(),
				self._as_computed(question, seen),
				scope,
				self.settings.engine,
				self.masters,
				seen,
				self.totals,
			)
		return replace(found, value=self._as_asked(found.value, question))

	def readable(self, listed: Iterable[Document]) -> frozenset[tuple[str, str]]:
		"""Which documents the user may open, as pairs of doctype and name: only these are to be linked."""
		names: dict[str, dict[str, None]] = {}
		for document in listed:
			names.setdefault(document["doctype"], {})[document["document"]] = None
		return frozenset(
			(doctype, name)
			for doctype, of in names.items()
			for name in self.readable_names(doctype, list(of))
		)

	def readable_names(self, doctype: str, names: list[str]) -> list[str]:
		"""Which of a doctype's documents the user may open."""
		if not frappe.has_permission(doctype, "read", user=self.user):
			return []
		found: list[str] = []
		for first in range(0, len(names), _CHUNK):
			chunk = names[first : first + _CHUNK]
			found += frappe.get_list(
				doctype,
				filters={"name": ("in", chunk)},
				pluck="name",
				limit_page_length=_CHUNK,
				user=self.user,
			)
		return found

	def analysis(
		self,
		name: str,
		question: Question,
		scope_by: By = By.COMPANY,
		scope: str = "",
		options: Mapping[str, str] | None = None,
	) -> Outcome:
		"""What an analysis tells of the records that the user may see.

		question: company, days, periods, and by what figures are told apart. scope_by, scope: whose figures.
		"""
		from sales_kpi.site import advice_rules

		with explained():
			analysis = catalogue.analysis(name)
			if question.by not in analysis.by:
				raise InputError(
					_("{0} can’t be told apart by {1}.").format(_(analysis.title), question.by.value)
				)
			mine = {kpi.name for kpi in self.kpis}
			if not mine.issuperset(analysis.tells):
				refuse(_("{0} tells of KPIs that you may not see.").format(_(analysis.title)))
			check_days(question)
			return analysis.answer(
				inquiry(
					SiteSource(),
					self.masters,
					self.settings.engine,
					question.company,
					question.first,
					question.last,
					question.as_of,
					every=question.every,
					calendar=question.calendar,
					by=question.by,
					scope_by=scope_by,
					scope=scope,
					only=self._only(question, scope_by, scope),
					keeper=self.totals,
					kpis=tuple(kpi.name for kpi in self.kpis),
					options=options or {},
					rules=advice_rules.rules,
					attained=lambda: advice_rules.attained(self, question, scope_by, scope),
				)
			)

	def _only(self, question: Question, scope_by: By, scope: str) -> dict[str, tuple[str, ...]]:
		"""The values that a fact's dimensions may have for the user; {} means all.

		Raises frappe.PermissionError for a scope that isn't seen whole, in the same words whether it exists or not.
		"""
		whole = self._sight(replace(question, by=By.COMPANY))
		only = dict(whole.only) if whole is not None else {}
		if only and self.may.teams_only and question.by is By.SALES_PERSON:
			only["sales_person"] = tuple(
				name for name in only.get("sales_person", ()) if name in self.may.own
			)
		if scope_by is not By.COMPANY:
			seen = self._sight(replace(question, by=scope_by))
			if seen is not None and scope not in [shown.name for shown in seen.scopes]:
				refuse(_("There are no figures of {0} that you may see.").format(quoted(scope)))
			if seen is None:
				known = {
					By.SALES_PERSON: self.masters.salespeople,
					By.TEAM: self.masters.salespeople,
					By.TERRITORY: self.masters.territories,
					By.SOURCE: self.masters.channels,
				}[scope_by]
				if scope and scope not in known:
					raise unknown(scope_by.value, shortened(scope), known)
		return only

	def quality(self, company: str, as_of: date | None = None) -> list[Check]:
		"""The checks of a company's records, for those who see all of it."""
		with explained():
			today = as_of or frappe.utils.getdate()
			seen = self._sight(Question(company, today, today))
			if seen is not None:
				refuse(_("Only those who see all of a company may see the quality of its records."))
			return quality(SiteSource(), company, self.settings.engine, today, self.masters)

	def _sight(self, question: Question) -> Sight | None:
		return sight(question, self.may, self.masters, self.settings.companies)

	def _permitted(self, question: Question) -> tuple[Question, Sight | None]:
		"""The question narrowed to the KPIs that may be seen, and what may be seen of the answer."""
		seen = self._sight(question)
		names = [kpi.name for kpi in self.kpis]
		if question.kpis is not None:
			for name in question.kpis:
				if name not in names:
					raise InputError(_("There is no KPI {0} that you may see.").format(shortened(name)))
			names = list(question.kpis)
		if seen is not None and seen.only:
			sensible = [name for name in names if self._makes_sense_in_part(name, seen)]
			if question.kpis is not None and not sensible:
				titles = ", ".join(_(catalogue.kpi(name).title) for name in names)
				raise InputError(_("{0}: there is no such figure of what you see in part.").format(titles))
			names = sensible
		question = replace(question, kpis=tuple(names))
		self._check_size(question, seen)
		return question, seen

	def _makes_sense_in_part(self, name: str, seen: Sight) -> bool:
		"""Whether a KPI can be told of what somebody sees in part, as it can of a salesperson."""
		kpi = catalogue.kpi(name)
		if kpi.mapped_cost:
			people = self.settings.engine.cost_center_sales_person
			return By.SALES_PERSON in kpi.scopes and "territory" not in seen.only and any(people.values())
		return By.SALES_PERSON in kpi.scopes

	def _check_size(self, question: Question, seen: Sight | None) -> None:
		"""Refuse what would be more than anybody reads, before it is computed."""
		check_days(question)
		if question.every is Every.RANGE:
			periods = 1
		else:
			periods = (question.last - question.first).days // _SHORTEST[question.every] + 1
		if periods > MOST_PERIODS:
			raise InputError(
				_(
					"{0} periods are too many, {1} can be had at once. Ask for a shorter range, or for longer periods."
				).format(periods, MOST_PERIODS)
			)
		scopes = len(seen.scopes) if seen is not None else self._scopes(question.by)
		figures = periods * max(scopes, 1) * len(question.kpis or self.kpis)
		if figures > MOST_FIGURES:
			raise InputError(
				_(
					"{0} figures are too many, {1} can be had at once. Ask for a shorter range, or for fewer KPIs."
				).format(figures, MOST_FIGURES)
			)

	def _scopes(self, by: By) -> int:
		return {
			By.COMPANY: 1,
			By.SALES_PERSON: len(self.masters.salespeople),
			By.TEAM: len(self.masters.salespeople),
			By.TERRITORY: len(self.masters.territories),
			By.SOURCE: len(self.masters.channels),
		}[by]

	@staticmethod
	def _as_computed(question: Question, seen: Sight | None) -> Question:
		"""What is seen in part is computed as one whole."""
		return replace(question, by=By.COMPANY) if seen is not None and seen.only else question

	@staticmethod
	def _as_asked(value: Value, question: Question) -> Value:
		value["by"] = question.by.value
		return value


class explained:
	"""Turn what the engine says of wrong input into Frappe's own kind of message, which is shown as HTML."""

	def __enter__(self) -> None:
		return None

	def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
		if isinstance(error, SalesKpiError):
			frappe.throw(escape(error.told(_), quote=False), title=_("Sales KPI"))


def question_from(filters: Mapping[str, Any], settings: SiteSettings) -> Question:
	"""The question that the filters of a report, or the arguments of a call, ask.

	Raises InputError where a filter is missing or names what doesn't exist.
	"""
	first, last = _day(filters, "from_date"), _day(filters, "to_date")
	if first > last:
		raise InputError(_("from_date {0} is after to_date {1}.").format(first, last))
	company = filters.get("company") or ""
	if not isinstance(company, str):
		raise InputError(_("{0} must be the name of one company.").format("company"))
	return Question(
		company=company,
		first=first,
		last=last,
		every=_choice(Every, filters.get("every") or "month", _("period")),
		by=_choice(By, filters.get("by") or "company", _("scope")),
		kpis=_names(filters.get("kpis")),
		as_of=_day(filters, "as_of") if filters.get("as_of") else frappe.utils.getdate(),
		calendar=_calendar(filters, settings),
	)


def periods_before(calendar: Calendar, period: Period, every: Every, count: int) -> Period:
	"""The period so many before another one, or the earliest that may be asked for."""
	for _number in range(count):
		before = calendar.previous(period, every)
		if before.start < EARLIEST:
			break
		period = before
	return period


def check_days(question: Question) -> None:
	"""Raise InputError where a day lies beyond what can be counted."""
	for day in (question.first, question.last, question.as_of):
		if not EARLIEST <= day <= LATEST:
			raise InputError(
				_("{0} is out of range: days from {1} to {2} can be asked for.").format(day, EARLIEST, LATEST)
			)


def _day(filters: Mapping[str, Any], name: str) -> date:
	given = filters.get(name)
	if isinstance(given, datetime):
		return given.date()
	if isinstance(given, date):
		return given
	try:
		if isinstance(given, str) and _DAY.fullmatch(given.strip()):
			return date.fromisoformat(given.strip())
	except ValueError:
		pass
	raise InputError(_("{0} must be a date such as 2026-01-31.").format(name))


def _names(given: Any) -> tuple[str, ...] | None:
	"""KPIs by a list, a JSON list, or names separated by commas; None for all."""
	if isinstance(given, str) and given.lstrip().startswith("["):
		with suppress(ValueError):
			given = frappe.parse_json(given)
	if isinstance(given, str):
		given = [name.strip() for name in given.split(",") if name.strip()]
	if not given:
		return None
	if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
		raise InputError(_("KPIs are given as a list of their names, or as names separated by commas."))
	return tuple(dict.fromkeys(given))


def _calendar(filters: Mapping[str, Any], settings: SiteSettings) -> Calendar:
	"""The calendar asked for; the settings' own, with its year and week, if it is that kind or none is asked for."""
	name, start = filters.get("calendar"), filters.get("fiscal_year_start")
	if not name:
		return settings.calendar
	if not isinstance(name, str) or not isinstance(start, str | None):
		raise InputError(_("There is no calendar {0}.").format(shortened(name)))
	name = name.strip().lower()
	if name == settings.calendar.kind and not start:
		return settings.calendar
	if name == "fiscal" and not start:
		raise InputError(_("Say on which day the fiscal year begins, such as fiscal:04-01."))
	return named_calendar(name, start)


def _choice(kind: Any, text: Any, what: str) -> Any:
	try:
		return kind(str(text).lower())
	except ValueError:
		known = ", ".join(member.value for member in kind)
		said = _("There is no {0} {1}. Choose one of: {2}.").format(what, shortened(text), known)
		raise InputError(said) from None


def shortened(text: Any) -> str:
	"""What somebody wrote, cut to what a message can hold."""
	text = str(text)
	return text if len(text) <= 140 else f"{text[:139]}…"
