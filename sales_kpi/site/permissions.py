"""What a user may see. Every figure that leaves the app, by report, chart, card, call, mail or export, passes here.

A salesperson sees itself, a team lead the team below, Sales Master Manager and System Manager the companies that their
User Permissions allow. A scope is seen whole or not at all: of what somebody sees only in part there is one line,
"Visible to you".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import frappe
from frappe import _

from sales_kpi.analysis.masters import Masters, Node
from sales_kpi.analysis.values import Question, Scope, Sight
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By

MANAGERS = ("System Manager", "Sales Master Manager")
"""Roles that see all of a company."""

RESTRICTING = ("", "Sales KPI", "Sales Invoice", "Sales Order", "Quotation", "Opportunity", "Lead", "Customer")
"""User Permissions restrict figures if they apply to all doctypes or to one of these."""


@dataclass(frozen=True)
class Rights:
	"""What a user may see.

	companies: allowed ones; None means all. own: salespeople that the user is; people: those and all whom it leads, None
	means all.
	territories: allowed ones, with all below them; None means all.
	"""

	companies: frozenset[str] | None
	own: tuple[str, ...]
	people: frozenset[str] | None
	territories: frozenset[str] | None

	@property
	def is_blind(self) -> bool:
		"""Whether the user may see no figure at all."""
		return self.people is not None and not self.people


def rights(user: str, masters: Masters, settings: Settings) -> Rights:
	"""What a user may see, by its roles, its place in the Sales Person tree and its User Permissions."""
	everything = user == "Administrator" or bool(set(MANAGERS) & set(frappe.get_roles(user)))
	own = tuple(name for name in salespeople_of(user, settings) if name in masters.salespeople)
	led = {member for name in own for member in masters.members(masters.salespeople, name)}
	return Rights(
		companies=_permitted(user, "Company"),
		own=own,
		people=None if everything else frozenset(led),
		territories=_permitted(user, "Territory"),
	)


def _permitted(user: str, doctype: str) -> frozenset[str] | None:
	"""Values that User Permissions limit a user to, those below them in a tree included; None without any."""
	if user == "Administrator":
		return None
	given = frappe.permissions.get_user_permissions(user).get(doctype, [])
	names = [row["doc"] for row in given if (row.get("applicable_for") or "") in RESTRICTING]
	return frozenset(names) if names else None


def salespeople_of(user: str, settings: Settings) -> list[str]:
	"""The salesperson that a user is today: by the settings' mapping, else through its Employee."""
	today = frappe.utils.getdate()
	mapped = [
		row.sales_person
		for row in settings.mapping
		if row.user == user
		and (row.first_day is None or row.first_day <= today)
		and (row.last_day is None or row.last_day >= today)
	]
	if mapped:
		return mapped
	employee, person = frappe.qb.DocType("Employee"), frappe.qb.DocType("Sales Person")
	rows = (
		frappe.qb.from_(employee)
		.join(person)
		.on(person.employee == employee.name)
		.where(employee.user_id == user)
		.orderby(person.enabled, order=frappe.qb.desc)
		.orderby(person.name)
		.select(person.name)
		.limit(1)
		.run()
	)
	return [row[0] for row in rows]


def sight(question: Question, may: Rights, masters: Masters) -> Sight | None:
	"""The part of an answer that may be seen; None when all of it may.

	Raises frappe.PermissionError where nothing may be seen: in the same words whether the company exists or not.
	"""
	if may.is_blind:
		raise frappe.PermissionError(
			_("You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings.")
		)
	if question.company not in masters.companies or (may.companies is not None and question.company not in may.companies):
		raise frappe.PermissionError(_("You may not see figures of company {0}.").format(frappe.bold(question.company)))
	if may.people is None and may.territories is None:
		return None
	if may.territories is None:
		return _of_people(question.by, may, masters)
	if may.people is None and question.by is By.TERRITORY:
		return Sight(_whole(masters.territories, may.territories, masters))
	only = {"territory": tuple(sorted(may.territories))}
	if may.people is not None:
		only["sales_person"] = tuple(sorted(may.people))
	return Sight((Scope(visible_to_you(), ("",)),), only)


def _of_people(by: By, may: Rights, masters: Masters) -> Sight:
	"""Salespeople, and teams that are seen whole; of everything else one line."""
	people, tree = may.people or frozenset(), masters.salespeople
	if by is By.SALES_PERSON:
		shown = (name for name in tree if name in people and (not tree[name].is_group or name in may.own))
		return Sight(tuple(Scope(name, (name,)) for name in shown))
	if by is By.TEAM:
		return Sight(tuple(scope for scope in _whole(tree, people, masters) if tree[scope.name].is_group))
	return Sight((Scope(visible_to_you(), ("",)),), {"sales_person": tuple(sorted(people))})


def _whole(tree: Mapping[str, Node], seen: frozenset[str], masters: Masters) -> tuple[Scope, ...]:
	"""Nodes of a tree of which all below them may be seen."""
	nodes = (Scope(name, tuple(masters.members(tree, name))) for name in tree)
	return tuple(scope for scope in nodes if seen.issuperset(scope.leaves))


def visible_to_you() -> str:
	"""Name of the one line that stands for what somebody sees in part."""
	return str(_("Visible to you"))
