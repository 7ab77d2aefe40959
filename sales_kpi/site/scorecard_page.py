"""What the page Sales Scorecard asks for: whose figures, of which period, and everything that it shows of them.

The page asks for its parts at once and shows each as it comes: `scorecard` (tiles and score), `members` (the table) and
`to_reach` (what can be done today).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import frappe
from frappe import _

from sales_kpi.analysis.targets import working_days
from sales_kpi.analysis.values import Question
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import EARLIEST, LATEST, Asker, explained, periods_before, shortened
from sales_kpi.site.permissions import quoted, refuse, sight, visible_to_you
from sales_kpi.site.report import question_of, usual_company
from sales_kpi.site.standing import days_off

EARLIER = 12
"""Periods before the one that is shown: of months, the first is the same month a year ago."""

SCOPES = (By.COMPANY, By.TEAM, By.SALES_PERSON)
"""Whose figures a page may show."""

PERIODS = (Every.WEEK, Every.MONTH, Every.QUARTER, Every.YEAR)


@frappe.whitelist()
def scorecard(
	company: str | None = None,
	by: str | None = None,
	scope: str | None = None,
	every: str | None = None,
	day: str | None = None,
	calendar: str | None = None,
) -> dict[str, Any]:
	"""Tiles and score of one scope and period, with what else may be chosen. Nothing chosen: what is usual for the reader.

	company: name. by: company, team or sales-person; scope: the name of one. every: week, month, quarter or year; day: one
	that the period holds. calendar: gregorian, fiscal or jalali, the settings' if left out.
	"""
	from sales_kpi.site.scorecard_tiles import Tiles

	return _answered(View.of, (company, by, scope, every, day, calendar), lambda view: Tiles(view).told())


@frappe.whitelist()
def members(
	company: str | None = None,
	by: str | None = None,
	scope: str | None = None,
	every: str | None = None,
	day: str | None = None,
	calendar: str | None = None,
) -> dict[str, Any] | None:
	"""The teams and salespeople of a scope beside one another; None where there is nobody to compare."""
	from sales_kpi.site.scorecard_members import Members

	return _answered(View.of, (company, by, scope, every, day, calendar), lambda view: Members(view).told())


@frappe.whitelist()
def to_reach(company: str | None = None, by: str | None = None, scope: str | None = None) -> dict[str, Any]:
	"""What is missing to this month's target, and the documents that can bring it."""
	from sales_kpi.site.to_reach import told

	return _answered(View.of, (company, by, scope, None, None, None), told)


@frappe.whitelist(methods=["POST"])
def remind(doctype: str, name: str, days: int = 7) -> str:
	"""Set a document aside until a day on which its reader is reminded of it, by a ToDo. Returns that day."""
	from sales_kpi.site.to_reach import remind as set_aside

	_check_role()
	with explained():
		return set_aside(doctype, name, days)


def _answered(view: Callable[..., View], asked: tuple[str | None, ...], tell: Callable[[View], Any]) -> Any:
	_check_role()
	with explained():
		return tell(view(*asked))


def _check_role() -> None:
	if not frappe.has_permission("Sales KPI", "report"):
		refuse(_("Your role may not see the scorecard. Ask an administrator for the permission."))


@dataclass(frozen=True)
class View:
	"""Whose figures of which period somebody looks at.

	question: the period and those before it. scope: the name of the scope, as its values bear it. is_part: whether it is
	what the reader may see of a company, and not all of it.
	"""

	asker: Asker
	question: Question
	period: Period
	scope: str
	is_part: bool = False

	@classmethod
	def of(
		cls,
		company: str | None,
		by: str | None,
		scope: str | None,
		every: str | None,
		day: str | None,
		calendar: str | None,
	) -> View:
		"""What is asked for, as far as the asker may see it.

		Raises InputError where it can't be understood, frappe.PermissionError where it may not be seen: in the same words
		whether it exists or not.
		"""
		asker = Asker.current()
		company = company or usual_company(asker.settings, asker.may.companies)
		if not by:
			by, scope = _usual_scope(asker)
		asked = {
			"company": company,
			"by": by,
			"every": every or Every.MONTH.value,
			"calendar": calendar or "",
		}
		asked["from_date"] = asked["to_date"] = _day(day)
		question = question_of(asked, asker.settings)
		if question.by not in SCOPES:
			raise InputError(_("The scorecard is of a company, a team or a salesperson."))
		if question.every not in PERIODS:
			raise InputError(_("The scorecard is of a week, a month, a quarter or a year."))
		seen = sight(question, asker.may, asker.masters, asker.settings.companies)
		is_part = seen is not None and bool(seen.only)
		if question.by is By.COMPANY:
			scope = visible_to_you() if is_part else company
		else:
			scope = str(scope or "")
			known = asker.masters.salespeople.get(scope)
			allowed = known is not None and (question.by is By.SALES_PERSON or known.is_group)
			if is_part or not allowed or (seen and scope not in [shown.name for shown in seen.scopes]):
				refuse(_("There are no figures of {0} that you may see.").format(quoted(scope)))
		period = question.calendar.period(question.first, question.every)
		if period.start > question.as_of:
			label = question.calendar.label(period, question.every, words.language())
			raise InputError(_("{0} has not begun yet.").format(label))
		question = replace(question, first=_first(question, period), last=period.last_day)
		return cls(asker, question, period, scope, is_part)

	@property
	def company(self) -> str:
		return self.question.company

	@property
	def by(self) -> By:
		return self.question.by

	@property
	def today(self) -> date:
		return self.question.as_of

	@property
	def is_running(self) -> bool:
		"""Whether days of the period are still to come."""
		return self.today < self.period.last_day

	@cached_property
	def earlier(self) -> Period:
		"""The period before."""
		return self.question.calendar.previous(self.period, self.question.every)

	def label(self, period: Period) -> str:
		"""A period, for people."""
		return self.question.calendar.label(period, self.question.every, words.language())

	@property
	def people(self) -> tuple[str, ...] | None:
		"""The salespeople whose figures these are; None for everybody, and what is credited to nobody."""
		if self.by is By.SALES_PERSON:
			return (self.scope,)
		if self.by is By.TEAM:
			return tuple(self.asker.masters.members(self.asker.masters.salespeople, self.scope))
		return self._part.get("sales_person")

	@property
	def territories(self) -> tuple[str, ...] | None:
		"""The territories that may be seen; None for all."""
		return self._part.get("territory")

	@cached_property
	def _part(self) -> dict[str, tuple[str, ...]]:
		seen = sight(
			replace(self.question, by=By.COMPANY),
			self.asker.may,
			self.asker.masters,
			self.asker.settings.companies,
		)
		return dict(seen.only) if seen is not None and self.is_part else {}

	@property
	def done(self) -> str:
		"""How much of a running period is over; '' of one that is."""
		if not self.is_running:
			return ""
		over = Period(self.period.start, self.today + timedelta(days=1))
		off = days_off(self.company, self.period)
		if off is None:
			return str(
				_("so far, {0} of {1} days").format(words.number(over.days), words.number(self.period.days))
			)
		return str(
			_("so far, {0} of {1} working days").format(
				words.number(working_days(over, off)), words.number(working_days(self.period, off))
			)
		)

	def chosen(self) -> dict[str, Any]:
		"""What was asked for, filled in."""
		return {
			"company": self.company,
			"by": self.by.value,
			"scope": self.scope,
			"every": self.question.every.value,
			"day": self.period.start.isoformat(),
			"calendar": self.question.calendar.kind,
		}

	def offered(self) -> dict[str, Any]:
		"""What else may be chosen."""
		following = self.question.calendar.period(self.period.end, self.question.every)
		allowed = self.asker.may.companies
		return {
			"companies": [
				name for name in self.asker.settings.companies if allowed is None or name in allowed
			],
			"scopes": self._scopes(),
			"previous": self.earlier.start.isoformat() if self.earlier.start >= EARLIEST else None,
			"next": following.start.isoformat() if following.start <= min(self.today, LATEST) else None,
		}

	def _scopes(self) -> list[dict[str, Any]]:
		"""The scopes that the reader sees whole, teams with their members below them."""
		asker, tree = self.asker, self.asker.masters.salespeople
		whole = sight(
			replace(self.question, by=By.COMPANY), asker.may, asker.masters, asker.settings.companies
		)
		label = visible_to_you() if whole is not None and whole.only else str(_("Whole company"))
		found = [{"by": By.COMPANY.value, "scope": self.company, "label": label, "indent": 0}]
		seen: dict[By, frozenset[str] | None] = {}
		for by in (By.TEAM, By.SALES_PERSON):
			part = sight(replace(self.question, by=by), asker.may, asker.masters, asker.settings.companies)
			names = (
				frozenset()
				if part and part.only
				else frozenset(one.name for one in part.scopes)
				if part
				else None
			)
			seen[by] = names
		for name, node in tree.items():
			by = By.TEAM if node.is_group else By.SALES_PERSON
			names = seen[by]
			if (names is None and node.enabled) or (names is not None and name in names):
				depth = sum(1 for other in tree.values() if other is not node and other.holds(node))
				found.append({"by": by.value, "scope": name, "label": name, "indent": depth})
		return found


def _usual_scope(asker: Asker) -> tuple[str, str]:
	"""What somebody looks at who chooses nothing: itself, the team that it leads, or the company."""
	tree = asker.masters.salespeople
	if asker.may.people is not None and asker.may.territories is None:
		for name in asker.may.own:
			if name in asker.may.people:
				return (By.TEAM if tree[name].is_group else By.SALES_PERSON).value, name
	return By.COMPANY.value, ""


def _first(question: Question, period: Period) -> date:
	"""First day of the first period that is compared with this one."""
	return periods_before(question.calendar, period, question.every, EARLIER).start


def _day(text: str | None) -> date:
	if not text:
		return frappe.utils.getdate()
	try:
		return date.fromisoformat(str(text).strip())
	except ValueError:
		raise InputError(_("{0} is no day. Write one such as 2026-01-31.").format(shortened(text))) from None
