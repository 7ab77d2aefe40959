"""The rules of advice as a site has them: those that come with the app, what people changed in them, and their own.

The engine reads them as plain data (`analysis.advice`). A record holds the same in words that can be chosen from, with
shares written in percent. In `brought` stands what the app brought last, so that a newer version changes what nobody has
changed here, and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import frappe
from frappe import _
from frappe.model.document import Document

from sales_kpi import catalogue
from sales_kpi.analysis.advice import (
	ANY,
	LANGUAGES,
	OF_TARGETS,
	SUBJECTS,
	Attained,
	Rule,
	State,
	problems,
	rules_from,
)
from sales_kpi.analysis.advice_rules import RULES, STRAINED, WEAK
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By, Unit
from sales_kpi.site.permissions import quoted, refuse, sight
from sales_kpi.site.report import titles
from sales_kpi.site.settings import extend_by_hooks
from sales_kpi.site.standing import standings
from sales_kpi.site.targets import agreed

if TYPE_CHECKING:
	from sales_kpi.site.answers import Asker

RULE, CONDITION = "KPI Advice Rule", "KPI Advice Condition"

IF, UNLESS = "If", "Unless"

STANDS: Mapping[str, tuple[str, ...]] = {
	"Low or falling": tuple(WEAK),
	"High or rising": tuple(STRAINED),
	"Not low or falling": ("normal", "high", "rising"),
	"Not high or rising": ("normal", "low", "falling"),
	"Low": ("low",),
	"High": ("high",),
	"Falling": ("falling",),
	"Rising": ("rising",),
	"As usual": ("normal",),
	"Moved by the mix of sources": ("moved by mix",),
	"Target missed by far": ("missed",),
	"Target missed by everybody": ("missed by all",),
}
"""How a figure stands, in the words of the records: the states of which one must be found."""

TEXTS = tuple(f"{text}_{language}" for text in ("title", "check", "act") for language in LANGUAGES)

PARTS = ("place", "when", "unless", *TEXTS)
"""What of a rule is compared, each for itself, when a newer version brings another one."""

SCOPES = (By.COMPANY, By.TEAM, By.SALES_PERSON)
"""Whose targets advice knows of."""

STEP = 10
"""Between the places of the app's rules, so that own ones fit in between."""

Row = dict[str, Any]


def insert_missing() -> None:
	"""Bring the app's rules, and what is new in those that are there; what people changed stays."""
	extend_by_hooks()
	known = set(frappe.get_all(RULE, pluck="name"))
	for place, row in enumerate(RULES, start=1):
		told = {**row, "place": place * STEP}
		if row["name"] in known:
			_bring(frappe.get_doc(RULE, row["name"]), told)
		else:
			doc = frappe.get_doc({"doctype": RULE, "rule": row["name"], "enabled": 1})
			_bring(doc, told)
	gone = {"standard": 1, "name": ("not in", [row["name"] for row in RULES])}
	frappe.db.set_value(RULE, gone, "standard", 0, update_modified=False)


def _bring(doc: Document, told: Row) -> None:
	was = json.loads(doc.brought or "{}")
	told = _plain(told)
	if was == told and doc.standard:
		return
	now = as_row(doc)
	for part in PARTS:
		if not was or now.get(part) == was.get(part):
			_set(doc, part, told)
	doc.update({"standard": 1, "brought": _as_json(told)})
	doc.save(ignore_permissions=True)


def _plain(row: Row) -> Row:
	"""A rule as it is compared: without what is empty."""
	told: Row = {"unless": [], **row}
	told["when"], told["unless"] = (
		[{name: value for name, value in one.items() if value is not None} for one in told[part]]
		for part in ("when", "unless")
	)
	loaded: Row = json.loads(_as_json(told))
	return loaded


def _as_json(row: Row) -> str:
	return json.dumps(row, ensure_ascii=False, sort_keys=True)


def _set(doc: Document, part: str, told: Row) -> None:
	if part not in ("when", "unless"):
		doc.set(part, told.get(part))
		return
	word = IF if part == "when" else UNLESS
	others = [one for one in doc.conditions if one.part != word]
	doc.set("conditions", others)
	for one in told[part]:
		doc.append("conditions", {"part": word, **_as_record(one)})


def _as_record(one: Mapping[str, Any]) -> Row:
	"""A condition of the engine as a record has it. Raises StopIteration for states that there are no words for."""
	states = [one["state"]] if isinstance(one["state"], str) else one["state"]
	stands = next(word for word, of in STANDS.items() if set(of) == set(states))
	bound = next((bound for bound in ("below", "above") if one.get(bound) is not None), None)
	threshold = one[bound] * _factor(one["subject"], states) if bound else 0
	return {
		"subject": one["subject"],
		"stands": stands,
		"bound": (bound or "").capitalize(),
		"threshold": round(threshold, 9),
	}


def _factor(subject: str, states: Iterable[str]) -> float:
	"""By which a threshold of the engine is multiplied for people, who write shares in percent."""
	kpi = catalogue.kpis().get(subject)
	of_share = _is_of_target(states) or (kpi is not None and kpi.unit is Unit.PERCENT)
	return 100.0 if of_share else 1.0


def _is_of_target(states: Iterable[str]) -> bool:
	return any(State(state) in OF_TARGETS for state in states)


def as_row(doc: Any) -> Row:
	"""A record as the engine reads it, and as it is compared. What isn't filled in is left out."""
	row: Row = {"name": doc.rule, "place": doc.place, "when": [], "unless": []}
	for one in doc.conditions or ():
		states = list(STANDS.get(one.stands, ()))
		told: Row = {"subject": one.subject, "state": states}
		if one.bound:
			bound = (one.threshold or 0.0) / _factor(one.subject, states)
			told[one.bound.lower()] = round(bound, 12)
		row["unless" if one.part == UNLESS else "when"].append(told)
	row.update({text: doc.get(text) for text in TEXTS if (doc.get(text) or "").strip()})
	return row


def is_changed(doc: Document) -> bool:
	"""Whether a rule of the app isn't as it came."""
	if not doc.standard:
		return False
	now, was = as_row(doc), json.loads(doc.brought or "{}")
	return any(now.get(part) != was.get(part) for part in PARTS)


def reset(doc: Document) -> None:
	"""Make a rule of the app what it was when it came."""
	if not doc.standard:
		frappe.throw(_("{0} is a rule of your own.").format(doc.name), title=_("Sales KPI"))
	was = json.loads(doc.brought)
	for part in PARTS:
		_set(doc, part, was)
	doc.save()


# What is wrong with one


def check(doc: Document) -> None:
	"""Refuse a rule that can't hold or has nothing to say, with the first thing that is wrong."""
	extend_by_hooks()
	if not any(one.part == IF for one in doc.conditions):
		_refuse(_("Say when the rule holds: it has no condition under If."))
	for one in doc.conditions:
		_check_condition(one)
	for text, label in (
		("title", _("What Stands Out")),
		("check", _("What to Check")),
		("act", _("What to Do")),
	):
		if not any((doc.get(f"{text}_{language}") or "").strip() for language in LANGUAGES):
			_refuse(_("Write in one language at least: {0}.").format(label))
	wrong = problems([engine_row(doc)])
	if wrong:
		_refuse(wrong[0])


def _check_condition(one: Any) -> None:
	place = frappe.bold(one.idx)
	if one.subject not in (ANY, *SUBJECTS, *catalogue.kpis()):
		_refuse(_("Row {0}: there is no KPI {1}.").format(place, quoted(str(one.subject)[:140])))
	if one.stands not in STANDS:
		_refuse(_("Row {0}: say how the figure stands.").format(place))
	if one.bound and not math.isfinite(one.threshold or 0.0):
		_refuse(_("Row {0}: the threshold is no number.").format(place))
	if _is_of_target(STANDS[one.stands]) and one.bound == "Below" and not one.threshold:
		_refuse(_("Row {0}: nothing is below 0 % of a target.").format(place))
	if one.subject == ANY and one.bound and not _is_of_target(STANDS[one.stands]):
		_refuse(_("Row {0}: a bound needs one KPI, since each is measured in something else.").format(place))


def _refuse(sentence: str) -> None:
	frappe.throw(sentence, title=_("Sales KPI"))


def engine_row(doc: Any) -> Row:
	"""A record as the engine takes it: what isn't written in one language is told in the other."""
	row = as_row(doc)
	del row["place"]
	for text in ("title", "check", "act"):
		written = next((row[f"{text}_{one}"] for one in LANGUAGES if row.get(f"{text}_{one}")), "")
		for language in LANGUAGES:
			row.setdefault(f"{text}_{language}", written)
	return row


# What the analysis is given


def rules() -> list[Rule]:
	"""The rules that are switched on, in their order. One that names a KPI which is no more gives no advice."""
	found = frappe.get_all(RULE, filters={"enabled": 1}, fields=["*"], order_by="place, creation, name")
	conditions: dict[str, list[Any]] = {}
	filters = {"parenttype": RULE, "parent": ("in", [row.name for row in found])}
	for one in frappe.get_all(CONDITION, filters=filters, fields=["*"], order_by="idx") if found else ():
		conditions.setdefault(one.parent, []).append(one)
	rows = [engine_row(frappe._dict(row, conditions=conditions.get(row.name))) for row in found]
	return rules_from([row for row in rows if not problems([row])])


@frappe.whitelist()
def offered() -> list[dict[str, str]]:
	"""What a condition may be about, for a form that wasn't loaded from a record."""
	if not frappe.has_permission(RULE, "read"):
		refuse(_("Your role may not see the rules of advice."))
	return subjects()


def subjects() -> list[dict[str, str]]:
	"""What a condition may be about: any KPI, one of them, or what moves sales volume."""
	extend_by_hooks()
	told = {ANY: _("Any KPI"), **titles(list(catalogue.kpis()))}
	told.update({name: _(subject.title) for name, subject in SUBJECTS.items()})
	return [{"value": name, "label": str(label)} for name, label in told.items()]


def attained(asker: Asker, question: Question, scope_by: By, scope: str) -> list[Attained]:
	"""How far targets were reached in the last period of a question that is over, as far as its asker may see it.

	scope_by, scope: whose targets; of a team also those of its members, of the company all.
	"""
	whole = [period for period in question.periods() if period.is_whole and period.last_day < question.as_of]
	if not whole:
		return []
	first, last = whole[-1].start, whole[-1].last_day
	mine = {kpi.name for kpi in asker.kpis}
	found = []
	for by in SCOPES:
		goals = agreed(question.company, by, first, last, question.calendar, question.every)
		kpis = tuple(dict.fromkeys(kpi for kpi, *_others in goals if kpi in mine))
		one = replace(question, first=first, last=last, by=by, kpis=kpis)
		seen = sight(one, asker.may, asker.masters, asker.settings.companies)
		if not kpis or (seen is not None and seen.only):
			continue
		found += [
			Attained(kpi, by, name, standing.attainment)
			for (kpi, _by, name, _start), standing in standings(asker, one, asker.values(one)).items()
		]
	return [one for one in found if _is_of(asker, one, scope_by, scope)]


def _is_of(asker: Asker, one: Attained, scope_by: By, scope: str) -> bool:
	if scope_by is By.COMPANY or (one.by, one.scope) == (scope_by, scope):
		return True
	tree = asker.masters.salespeople
	return (
		scope_by is By.TEAM and one.by is not By.COMPANY and one.scope in asker.masters.members(tree, scope)
	)
