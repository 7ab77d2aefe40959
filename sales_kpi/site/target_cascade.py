"""A team's target and those of its members: shared out, summed up, and told where the sum differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, getdate

from sales_kpi import catalogue
from sales_kpi.analysis import targets as arithmetic
from sales_kpi.analysis.masters import Node
from sales_kpi.analysis.values import Scope
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.permissions import quoted
from sales_kpi.site.permissions import refuse as refuse_to_tell
from sales_kpi.site.report import question_of
from sales_kpi.site.settings import extend_by_hooks, site_settings
from sales_kpi.site.target_terms import BY_HAND, Matter, checked, digits, is_named, matter_of, measure, refuse
from sales_kpi.site.targets import FOR, PERIOD, TARGET, measured, word_of

EQUAL, LAST_YEAR = "equal", "last year"


@contextmanager
def all_or_nothing() -> Iterator[None]:
	"""Several targets are saved together, or none of them is."""
	frappe.db.savepoint("kpi_targets")
	try:
		yield
	except Exception:
		frappe.db.rollback(save_point="kpi_targets")
		raise


# Shared out


@frappe.whitelist()
def share_out(target: str, way: str = EQUAL) -> list[str]:
	"""Draft targets for the members right below a team, which together make up its own. Returns their names.

	way: equal, or "last year": by what each member had in the same periods a year before.
	"""
	frappe.has_permission(TARGET, "create", throw=True)
	parent = frappe.get_doc(TARGET, target) if frappe.db.exists(TARGET, target) else None
	if parent is None or not parent.has_permission("read"):
		refuse_to_tell(_("There is no target {0} that you may see.").format(quoted(target)))
	if parent.docstatus == 2:
		refuse(_("The target is cancelled, so there is nothing to share out."))
	if FOR[parent.target_for] not in (By.TEAM, By.COMPANY):
		refuse(_("Only the target of a team or of the company can be shared out."))
	matter = matter_of(parent)
	members = [node for node in members_of(matter) if _by_of(node) in matter.kpi.scopes]
	if not members:
		refuse(_("{0} has no members to share it out to.").format(quoted(matter.scope.name)))
	is_additive = arithmetic.is_additive(matter.kpi)
	weights = _weights(matter, members, way) if is_additive else []
	values = [_of_members(row, weights, len(members), is_additive) for row in parent.periods]
	made = []
	with all_or_nothing():
		for place, node in enumerate(members):
			doc = frappe.new_doc(TARGET)
			doc.update(
				{
					"company": parent.company, "kpi": parent.kpi, "target_for": word_of(_by_of(node)),
					"sales_person": node.name, "calendar": parent.calendar, "every": parent.every,
					"from_date": parent.from_date, "to_date": parent.to_date, "kind": "Absolute",
					"is_range": parent.is_range, "split": BY_HAND, "parent_target": parent.name,
				}
			)  # fmt: skip
			for row, of_members in zip(parent.periods, values, strict=True):
				if not is_additive or any(of_members[place].values()):
					doc.append("periods", {"period_start": row.period_start, **of_members[place]})
			# Whoever had nothing a year before gets no part.
			if doc.periods:
				made.append(doc.insert().name)
	return made


def members_of(matter: Matter) -> list[Node]:
	"""Salespeople and teams right below a team; right below the roots of the tree for a company."""
	tree = matter.masters.salespeople
	if matter.by is By.COMPANY:
		above = {node.name for node in tree.values() if node.parent not in tree}
	else:
		above = {matter.scope.name}
	return [node for node in tree.values() if node.parent in above and node.enabled]


def _by_of(node: Node) -> By:
	return By.TEAM if node.is_group else By.SALES_PERSON


def _of_members(row: Any, weights: Sequence[float], count: int, is_additive: bool) -> list[dict[str, float]]:
	"""A period's values for each member."""
	if not is_additive:
		return [{"value": flt(row.value), "low": flt(row.low), "high": flt(row.high)}] * count
	parts = {
		fieldname: arithmetic.divided(flt(row.get(fieldname)), weights, digits(flt(row.get(fieldname))))
		for fieldname in ("value", "low", "high")
	}
	return [{fieldname: parts[fieldname][place] for fieldname in parts} for place in range(count)]


def _weights(matter: Matter, members: Sequence[Node], way: str) -> list[float]:
	if way == EQUAL:
		return [1.0] * len(members)
	if way != LAST_YEAR:
		refuse(_("Share out equally, or by the values of a year before."))
	found = [max(value or 0.0, 0.0) for value in a_year_before(matter, members)]
	checked(
		arithmetic.check_weights, found,
		otherwise=_("Nobody has a value a year before to share it out by: share it out equally."),
	)  # fmt: skip
	return found


def a_year_before(matter: Matter, nodes: Sequence[Node]) -> list[float | None]:
	"""What salespeople and teams had in the same periods a year before, all of these together."""
	calendar, every = matter.question.calendar, matter.every
	earlier = [arithmetic.in_earlier_years(period, calendar, every, 1)[0] for period in matter.periods]
	found: dict[tuple[By, str], float | None] = {}
	for by in (By.TEAM, By.SALES_PERSON):
		scopes = [scope_of(matter, node) for node in nodes if _by_of(node) is by]
		for (name, _start), value in measure(matter, earlier, scopes, by, Every.RANGE).items():
			found[by, name] = value["value"]
	return [found.get((_by_of(node), node.name)) for node in nodes]


def scope_of(matter: Matter, node: Node) -> Scope:
	"""A salesperson, or a team with all below it."""
	tree = matter.masters.salespeople
	return Scope(node.name, tuple(matter.masters.members(tree, node.name)) if node.is_group else (node.name,))


# Summed up


def sum_up(doc: Document) -> None:
	"""Keep the sum of its parts beside the target that this one is, or was, a part of."""
	before = doc.get_doc_before_save()
	for name in {doc.parent_target, before.parent_target if before else None} - {None, ""}:
		_write_sum(name)


def adopt(doc: Document) -> None:
	"""An amendment takes over the parts of the target that it replaces."""
	if doc.amended_from:
		parts = frappe.get_all(
			TARGET, filters={"parent_target": doc.amended_from, "docstatus": ("<", 2)}, pluck="name"
		)
		for name in parts:
			frappe.db.set_value(TARGET, name, "parent_target", doc.name, update_modified=False)
		if parts:
			_write_sum(doc.name)
	sum_up(doc)


def _write_sum(name: str) -> None:
	total = sum(_totals_of_parts(name).values())
	if frappe.db.exists(TARGET, name):
		frappe.db.set_value(TARGET, name, "children_sum", total, update_modified=False)


def _totals_of_parts(name: str) -> dict[str, float]:
	"""What each part of a target comes to in all its periods, by its name; ranges by their lowest."""
	target, period = frappe.qb.DocType(TARGET), frappe.qb.DocType(PERIOD)
	rows = (
		frappe.qb.from_(target)
		.join(period)
		.on((period.parent == target.name) & (period.parenttype == TARGET))
		.where(target.parent_target == name)
		.where(target.docstatus < 2)
		.orderby(target.creation)
		.select(target.name, target.is_range, period.value, period.low)
		.run(as_dict=True)
	)
	totals: dict[str, float] = {}
	for row in rows:
		totals[row.name] = totals.get(row.name, 0.0) + flt(row.low if row.is_range else row.value)
	return totals


def tell(doc: Document) -> None:
	"""Show on the form what the parts come to, of those that the reader may see, and whether it is all of it."""
	_relabel(doc)
	if doc.get("target_for") not in ("Team", "Company") or doc.is_new():
		return
	parts = frappe.get_list(
		TARGET,
		filters={"parent_target": doc.name, "docstatus": ("<", 2)},
		fields=["name", "scope", "target_for", "docstatus"],
		order_by="scope asc",
	)
	extend_by_hooks()
	kpi = catalogue.kpis().get(doc.kpi)
	if kpi is None:
		return
	currency = (
		frappe.get_cached_value("Company", doc.company, "default_currency") if kpi.unit.is_money else None
	)

	def figure(value: float) -> str:
		return words.figure(measured(value, kpi.unit), kpi.unit, currency, exact=False)

	is_additive = arithmetic.is_additive(kpi)
	totals = _totals_of_parts(doc.name)
	own = sum(flt(row.low if doc.is_range else row.value) for row in doc.periods)
	doc.set_onload(
		"parts",
		[
			{
				**part,
				"total": figure(totals.get(part.name, 0.0)) if is_additive and part.name in totals else "",
			}
			for part in parts
		],
	)
	if not totals or not is_additive:
		return
	missing = own - sum(totals.values())
	if abs(missing) < 0.005:
		sentence = _("The members’ targets add up to this one.")
	elif missing > 0:
		sentence = _("The members’ targets come to {0}: {1} of this target is nobody’s yet.").format(
			figure(sum(totals.values())), figure(missing)
		)
	else:
		sentence = _("The members’ targets come to {0}: {1} more than this target.").format(
			figure(sum(totals.values())), figure(-missing)
		)
	doc.set_onload("parts_sum", {"text": sentence, "differs": abs(missing) >= 0.005})


def _relabel(doc: Document) -> None:
	"""Name the periods in the language of whoever reads, not of whoever saved."""
	if not is_named(doc) or doc.every.upper() not in Every.__members__:
		return
	try:
		settings = site_settings()
		asked = {name: doc.get(name) for name in ("company", "from_date", "to_date", "every", "calendar")}
		calendar = question_of(asked, settings).calendar
		for row in doc.periods:
			period = calendar.period(getdate(row.period_start), Every(doc.every.lower()))
			row.label = calendar.label(period, Every(doc.every.lower()), words.language())
	except InputError:
		return  # The calendar has changed since; the labels stay as they were.
