"""Who may read and lead a review: those who take part in it and their line, and nobody else.

The line of somebody are the leads of the teams above in the Sales Person tree and the Sales Master Managers, as far as they
see the figures of what the review is of. A System Manager looks after the site and is nobody's line.
"""

from __future__ import annotations

import frappe
from frappe.model.document import Document

from sales_kpi.kpis.definition import By
from sales_kpi.site.answers import Asker
from sales_kpi.site.digest import MANAGER_ROLE
from sales_kpi.site.permissions import is_active
from sales_kpi.site.snapshot_permissions import companies_seen
from sales_kpi.site.targets import is_seen, one_of, rows_of, scopes_seen
from sales_kpi.site.to_reach import users_of

REVIEW, PARTICIPANT = "KPI Review", "KPI Review Participant"

FOR = {"Company": By.COMPANY, "Team": By.TEAM, "Salesperson": By.SALES_PERSON}
"""What a review is of, in the words of the form."""

READING = (None, "read", "select", "report", "export", "print")
"""What those who take part may do; the leader and the line may do everything that their roles allow."""


SCOPED = ["owner", "company", "review_for", "sales_person", "leader"]


def may_see(user: str, company: str, by: By, scope: str) -> bool:
	"""Whether somebody sees the figures of a scope whole."""
	if not is_active(user) or not frappe.has_permission("Sales KPI", "report", user=user):
		return False
	was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
	try:
		return _sees(Asker.current(user), company, by, scope)
	finally:
		frappe.flags.mute_messages = was


def _sees(asker: Asker, company: str, by: By, scope: str) -> bool:
	if not is_seen(asker, company):
		return False
	known = asker.masters.companies if by is By.COMPANY else asker.masters.salespeople
	names = scopes_seen(asker, company, by)
	return scope in known if names is None else scope in names


def line_below(asker: Asker) -> frozenset[str] | None:
	"""The users whose line somebody is; None for everybody."""
	if MANAGER_ROLE in frappe.get_roles(asker.user) or asker.user == "Administrator":
		return None if asker.may.people is None else users_of(asker.may.people, asker)
	tree = asker.masters.salespeople
	below: set[str] = set()
	for name in asker.may.own:
		if name in tree and tree[name].is_group:
			below.update(asker.masters.members(tree, name))
			below.update(other for other, node in tree.items() if node.is_group and tree[name].holds(node))
	below -= set(asker.may.own)
	return users_of(below, asker) - {asker.user} if below else frozenset()


def may_use(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Hook `has_permission` of KPI Review."""
	user = user or frappe.session.user
	if user == "Administrator":
		return True
	if not is_active(user):
		return False
	# As it is saved: what somebody writes into a review can't be what allows them to write it.
	saved = (
		frappe.db.get_value(REVIEW, doc.get("name") or "", SCOPED, as_dict=True) if doc.get("name") else None
	)
	told = saved or doc
	by = FOR.get(told.get("review_for") or "")
	scope = told.get("company") if by is By.COMPANY else told.get("sales_person")
	if not (by and scope and told.get("company")):
		# Asked about the doctype, or nothing is said yet: it can't be saved like this.
		return True
	if saved:
		users = {
			told.leader,
			*frappe.get_all(PARTICIPANT, {"parent": doc.name, "parenttype": REVIEW}, pluck="user"),
		}
		if user in users and (ptype in READING or user == told.leader):
			return True
	else:
		users = set()
	if not may_see(user, told.get("company"), by, scope):
		return False
	if not saved or user == told.owner:
		return True
	below = line_below(Asker.current(user))
	return below is None or bool(below & users)


def conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Review."""
	user = user or frappe.session.user
	if user == "Administrator":
		return ""
	if not is_active(user):
		return "1 = 0"
	name = frappe.db.escape(user, percent=False)
	mine = f"`tab{REVIEW}`.`leader` = {name} or {_with([user])}"
	seen = _seen(Asker.current(user))
	if not seen:
		return f"({mine})"
	below = line_below(Asker.current(user))
	if below is None:
		return f"({mine} or ({seen}))"
	line = f"`tab{REVIEW}`.`owner` = {name}"
	if below:
		line += f" or {one_of(REVIEW, 'leader', sorted(below))} or {_with(sorted(below))}"
	return f"({mine} or ({seen} and ({line})))"


# A hook for each table: version 15 doesn't tell it of which.


def participant_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Review Participant."""
	return _of_table(PARTICIPANT, user)


def item_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Review Item."""
	return _of_table("KPI Review Item", user)


def action_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Review Action."""
	return _of_table("KPI Review Action", user)


def _of_table(table: str, user: str | None) -> str:
	return rows_of(table, REVIEW, conditions(user))


def _with(users: list[str]) -> str:
	"""Reviews in which some users take part."""
	rows = f"select `parent` from `tab{PARTICIPANT}` as `part` where `part`.`parenttype` = '{REVIEW}'"
	listed = ", ".join(frappe.db.escape(user, percent=False) for user in users)
	return f"`tab{REVIEW}`.`name` in ({rows} and `part`.`user` in ({listed}))"


def _seen(asker: Asker) -> str:
	"""Reviews of scopes whose figures somebody sees; '' for none."""
	if not frappe.has_permission("Sales KPI", "report", user=asker.user):
		return ""
	companies = companies_seen(asker)
	if not companies:
		return ""
	kinds = []
	for word, by in FOR.items():
		names = scopes_seen(asker, companies[0], by)
		kind = one_of(REVIEW, "review_for", [word])
		fieldname = "company" if by is By.COMPANY else "sales_person"
		if names is None:
			kinds.append(kind)
		elif names:
			kinds.append(f"({kind} and {one_of(REVIEW, fieldname, sorted(names))})")
	if not kinds:
		return ""
	return f"{one_of(REVIEW, 'company', companies)} and ({' or '.join(kinds)})"
