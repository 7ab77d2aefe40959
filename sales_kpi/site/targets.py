"""Targets: what was agreed for a KPI, a scope and a period, and who may see it.

A target (doctype KPI Target) holds numbers as people write them: a share in percent, a time span in minutes. `agreed`
gives them as the engine counts: a share from 0 to 1, seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import frappe
from frappe.model.document import Document

from sales_kpi import catalogue
from sales_kpi.analysis.targets import is_additive
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import is_active, is_manager, sight
from sales_kpi.site.settings import extend_by_hooks

TARGET, PERIOD = "KPI Target", "KPI Target Period"

FOR = {
	"Company": By.COMPANY,
	"Team": By.TEAM,
	"Salesperson": By.SALES_PERSON,
	"Territory": By.TERRITORY,
}
"""What a target is for, in the words of the form."""

FIELD_OF = {
	By.COMPANY: "company",
	By.TEAM: "sales_person",
	By.SALES_PERSON: "sales_person",
	By.TERRITORY: "territory",
}
"""The field that names the scope."""

_WRITTEN = {Unit.PERCENT: 100.0, Unit.SECONDS: 1 / 60}
"""What the engine's values are multiplied by to be written by people."""


def written(value: float | None, unit: Unit) -> float | None:
	"""A value of the engine as people write it."""
	return None if value is None else round(value * _WRITTEN.get(unit, 1.0), 6)


def measured(value: float | None, unit: Unit) -> float | None:
	"""A value that people have written, as the engine counts it."""
	return None if value is None else value / _WRITTEN.get(unit, 1.0)


def word_of(by: By) -> str:
	"""What the form calls a kind of scope."""
	return next(word for word, known in FOR.items() if known is by)


# What was agreed, for snapshots and reports


@dataclass(frozen=True)
class Agreed:
	"""What was agreed for one KPI, scope and period, as the engine counts.

	value: None where a range was agreed, from `low` to `high`. target: names of the documents, separated by commas where a
	period is made of shorter ones. good: the KPI's good direction; NEITHER for a range.
	"""

	value: float | None
	low: float | None
	high: float | None
	target: str
	good: Good


@dataclass(frozen=True)
class _Row:
	"""A period of a submitted target."""

	start: date
	end: date
	way: tuple[str, str]
	agreed: Agreed


def agreed(
	company: str, by: By, first: date, last: date, calendar: Calendar, every: Every
) -> dict[tuple[str, str, date, date], Agreed]:
	"""What was agreed for the periods that touch the days from `first` to `last`.

	Keys: KPI, name of the scope, first and last day of the whole period, also where the range cuts it off. Only submitted
	targets count: of one that was amended in mid-period, the amendment. A period without a target of its own has the sum of
	shorter ones that fill it without a gap, where the KPI's values add up.
	"""
	if by not in FOR.values():
		return {}
	extend_by_hooks()
	periods = calendar.periods(first, last, every)
	wholes = [period.whole or period for period in periods]
	found: dict[tuple[str, str, date, date], Agreed] = {}
	for (name, scope), rows in _submitted(company, by, wholes[0].start, wholes[-1].last_day).items():
		kpi = catalogue.kpis().get(name)
		if kpi is None:
			continue
		for period in wholes:
			one = _of_period(kpi, rows, period)
			if one is not None:
				found[name, scope, period.start, period.last_day] = one
	return found


def _submitted(company: str, by: By, first: date, last: date) -> dict[tuple[str, str], list[_Row]]:
	"""Rows of submitted targets that lie within some days, by KPI and scope, in the order of their submission."""
	target, period = frappe.qb.DocType(TARGET), frappe.qb.DocType(PERIOD)
	rows = (
		frappe.qb.from_(target)
		.join(period)
		.on((period.parent == target.name) & (period.parenttype == TARGET))
		.where(target.docstatus == 1)
		.where(target.company == company)
		.where(target.target_for == word_of(by))
		.where(period.period_start >= first)
		.where(period.period_end <= last)
		.orderby(period.period_start)
		.orderby(target.creation)
		.select(
			target.name, target.kpi, target.scope, target.calendar, target.every, target.is_range,
			period.period_start, period.period_end, period.value, period.low, period.high,
		)
		.run(as_dict=True)
	)  # fmt: skip
	found: dict[tuple[str, str], list[_Row]] = {}
	for row in rows:
		kpi = catalogue.kpis().get(row.kpi)
		if kpi is None:
			continue
		between = bool(row.is_range)
		told = Agreed(
			None if between else measured(row.value, kpi.unit),
			measured(row.low, kpi.unit) if between else None,
			measured(row.high, kpi.unit) if between else None,
			row.name,
			Good.NEITHER if between else kpi.good,
		)
		found.setdefault((row.kpi, row.scope), []).append(
			_Row(row.period_start, row.period_end, (row.every, row.calendar), told)
		)
	return found


def _of_period(kpi: Kpi, rows: Sequence[_Row], period: Period) -> Agreed | None:
	"""What was agreed for a period; that of its parts together, where there is nothing for the whole."""
	own = [row.agreed for row in rows if (row.start, row.end) == (period.start, period.last_day)]
	if own:
		# Several: the targets of salespeople who were merged into one.
		return _together(own) if is_additive(kpi) else own[-1]
	if not is_additive(kpi):
		return None
	inside = [row for row in rows if row.start in period and row.end in period]
	for way in dict.fromkeys(row.way for row in inside):
		of_way = [row for row in inside if row.way == way]
		if _fills(of_way, period):
			return _together([row.agreed for row in of_way])
	return None


def _fills(rows: Iterable[_Row], period: Period) -> bool:
	"""Whether rows, in the order of their days, follow each other through all of a period."""
	reached = period.start
	for row in sorted(rows, key=lambda row: row.start):
		if row.start > reached:
			return False
		reached = max(reached, row.end + timedelta(days=1))
	return reached == period.end


def _together(parts: Sequence[Agreed]) -> Agreed | None:
	if len(parts) == 1:
		return parts[0]
	names = ", ".join(dict.fromkeys(part.target for part in parts))
	if all(part.value is not None for part in parts):
		return Agreed(sum(part.value or 0.0 for part in parts), None, None, names, parts[0].good)
	low = sum((part.low if part.value is None else part.value) or 0.0 for part in parts)
	high = sum((part.high if part.value is None else part.value) or 0.0 for part in parts)
	return Agreed(None, low, high, names, Good.NEITHER)


# Who may see and set a target: whoever may see the figures of its scope


def target_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Target."""
	user = user or frappe.session.user
	if not is_active(user):
		return "1 = 0"
	asker = Asker.current(user)
	companies = [name for name in asker.masters.companies if is_seen(asker, name)]
	if not companies:
		return "1 = 0"
	conditions = [one_of(TARGET, "company", companies), one_of(TARGET, "kpi", sorted(kpis_seen(asker)))]
	scopes = {word: scopes_seen(asker, companies[0], by) for word, by in FOR.items()}
	if any(names is not None for names in scopes.values()):
		of_kinds = [
			one_of(TARGET, "target_for", [word])
			if names is None
			else f"({one_of(TARGET, 'target_for', [word])} and {one_of(TARGET, 'scope', sorted(names))})"
			for word, names in scopes.items()
		]
		conditions.append(f"({' or '.join(of_kinds)})")
	return " and ".join(conditions)


def period_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Target Period."""
	return rows_of("KPI Target Period", TARGET, target_conditions(user))


def rows_of(table: str, parent: str, own: str) -> str:
	"""Rows of a table whose documents somebody may see: Frappe lets whoever may read these at all ask for rows by themselves."""
	if not own:
		return ""
	documents = f"select `tab{parent}`.`name` from `tab{parent}` where {own}"
	return f"`tab{table}`.`parenttype` = '{parent}' and `tab{table}`.`parent` in ({documents})"


def may_use_target(
	doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False
) -> bool:
	"""Hook `has_permission` of KPI Target."""
	user = user or frappe.session.user
	if not is_active(user):
		return False
	by = FOR.get(doc.get("target_for") or "")
	scope = doc.get(FIELD_OF[by]) if by else None
	if not (doc.get("company") and doc.get("kpi") and by and scope):
		# Nothing is said yet; it can't be saved like this.
		return True
	asker = Asker.current(user)
	if doc.kpi not in kpis_seen(asker) or not is_seen(asker, doc.company):
		return False
	names = scopes_seen(asker, doc.company, by)
	return names is None or scope in names


def scopes_seen(asker: Asker, company: str, by: By) -> frozenset[str] | None:
	"""Names of the scopes of a kind that somebody sees whole; None for all of them.

	Raises frappe.PermissionError where nothing of the company may be seen.
	"""
	today = frappe.utils.getdate()
	seen = sight(Question(company, today, today, by=by), asker.may, asker.masters, asker.settings.companies)
	if seen is None:
		return None
	# What is seen in part is one line, which nobody sets a target for.
	return frozenset() if seen.only else frozenset(scope.name for scope in seen.scopes)


def is_seen(asker: Asker, company: str) -> bool:
	"""Whether anything of a company may be seen."""
	was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
	try:
		scopes_seen(asker, company, By.COMPANY)
	except frappe.PermissionError:
		return False
	finally:
		frappe.flags.mute_messages = was
	return True


def kpis_seen(asker: Asker) -> set[str]:
	"""KPIs that somebody may see. Switched off, they are still seen by those who may switch them on."""
	names = {kpi.name for kpi in asker.kpis}
	if is_manager(asker.user):
		names |= set(frappe.get_all("Sales KPI", filters={"enabled": 0}, pluck="name"))
	return names


def one_of(doctype: str, fieldname: str, names: Iterable[str]) -> str:
	"""A condition in SQL, as the hook wants it."""
	listed = ", ".join(frappe.db.escape(name, percent=False) for name in names) or "''"
	return f"`tab{doctype}`.`{fieldname}` in ({listed})"
