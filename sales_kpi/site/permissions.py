"""What a user may see. Every figure that leaves the app, by report, chart, card, call, mail or export, passes here.

A salesperson sees itself, a team lead the team below, Sales Master Manager and System Manager the companies that their
User Permissions allow. A scope is seen whole or not at all: of what somebody sees only in part there is one line,
"Visible to you".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import frappe
from frappe import _
from frappe.model.document import Document

from sales_kpi.analysis.masters import Masters, Node
from sales_kpi.analysis.values import Question, Scope, Sight
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import Audience, By, Kpi
from sales_kpi.site.kpi_records import MANAGER_ROLES
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import enabled_kpis

MANAGERS = ("System Manager", "Sales Master Manager")
"""Roles that see all of a company."""

RECORDS = (
	"Sales Invoice",
	"POS Invoice",
	"Sales Order",
	"Delivery Note",
	"Quotation",
	"Opportunity",
	"Lead",
	"Customer",
	"GL Entry",
)
"""Doctypes that figures are made of and that User Permissions may be limited to."""


@dataclass(frozen=True)
class Rights:
	"""What a user may see.

	companies: allowed ones; None means all. own: salespeople that the user is; people: those and all whom it leads, None
	means all.
	territories: allowed ones, with all below them; None means all. teams_only: whether others than the user itself are seen
	only as teams.
	"""

	companies: frozenset[str] | None
	own: tuple[str, ...]
	people: frozenset[str] | None
	territories: frozenset[str] | None
	teams_only: bool = False

	@property
	def is_blind(self) -> bool:
		"""Whether the user may see no figure at all."""
		return self.people is not None and not self.people


NOTHING = Rights(frozenset(), (), frozenset(), frozenset())
"""The rights of whoever isn't a user of the site: nobody logged in, or somebody whose account is disabled."""


def rights(user: str, masters: Masters, settings: Settings) -> Rights:
	"""What a user may see, by its roles, its place in the Sales Person tree and its User Permissions."""
	if not is_active(user):
		return NOTHING
	own = tuple(name for name in salespeople_of(user, settings) if name in masters.salespeople)
	limited = permitted(user, "Sales Person")
	people = limited if is_manager(user) else _led(own, masters)
	if people is not None and limited is not None:
		people &= limited
	return Rights(
		companies=permitted(user, "Company"),
		own=own,
		people=people,
		territories=permitted(user, "Territory"),
		teams_only=not is_manager(user) and bool(frappe.get_cached_doc(SETTINGS).get("teams_only")),
	)


def is_active(user: str) -> bool:
	"""Whether somebody is a user of the site whose account is enabled."""
	if user == "Administrator":
		return True
	return user != "Guest" and bool(frappe.db.get_value("User", user, "enabled"))


def is_manager(user: str) -> bool:
	"""Whether a user sees whole companies, not only a part of the Sales Person tree."""
	return user == "Administrator" or bool(set(MANAGERS) & set(frappe.get_roles(user)))


def _led(own: tuple[str, ...], masters: Masters) -> frozenset[str]:
	"""Salespeople and all below them in the tree."""
	return frozenset(member for name in own for member in masters.members(masters.salespeople, name))


def permitted(user: str, doctype: str) -> frozenset[str] | None:
	"""Values that User Permissions limit a user to, those below them in a tree included; None without any.

	A figure is made of records of several doctypes: it may be seen if all of them may. Permissions for one doctype
	therefore narrow those for another.
	"""
	if user == "Administrator":
		return None
	given = frappe.permissions.get_user_permissions(user).get(doctype, [])
	allowed: frozenset[str] | None = None
	for records in (doctype, "Sales KPI", *RECORDS):
		names = frozenset(row["doc"] for row in given if (row.get("applicable_for") or records) == records)
		if names:
			allowed = names if allowed is None else allowed & names
	return allowed


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


def visible_kpis(user: str) -> tuple[Kpi, ...]:
	"""The enabled KPIs that a user's roles may see; one without a record yet is seen by those that its code is meant for."""
	recorded = set(frappe.get_all("Sales KPI", pluck="name"))
	manages = user == "Administrator" or bool(set(MANAGER_ROLES) & set(frappe.get_roles(user)))
	return tuple(
		kpi
		for kpi in enabled_kpis(user)
		if kpi.name in recorded or kpi.audience is Audience.EVERYBODY or manages
	)


def is_unattended() -> bool:
	"""Whether nobody asks: Auto Email Report and other jobs run as Administrator, whoever reads what they send.

	Reports then have to point to the digest, which is made in each reader's own name.
	"""
	in_request = bool(getattr(frappe.local, "request", None))
	return frappe.session.user == "Administrator" and not in_request and not frappe.flags.in_test


def refuse(sentence: str) -> NoReturn:
	"""Refuse to tell, in one sentence that the desk and other programs can show."""
	frappe.throw(sentence, frappe.PermissionError, title=_("Sales KPI"))
	raise AssertionError  # frappe.throw never returns, but doesn't say so


def sight(question: Question, may: Rights, masters: Masters, followed: tuple[str, ...] = ()) -> Sight | None:
	"""The part of an answer that may be seen; None when all of it may.

	followed: companies that the settings name; () means all. Raises frappe.PermissionError where nothing may be seen: in
	the same words whether the company exists or not.
	"""
	if may.is_blind:
		refuse(_("You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings."))
	company = question.company
	allowed = company in masters.companies and (not followed or company in followed)
	if not allowed or (may.companies is not None and company not in may.companies):
		refuse(_("There are no figures of company {0} that you may see.").format(quoted(company)))
	if may.people is None and may.territories is None:
		return None
	only = {}
	if may.territories is not None:
		only["territory"] = tuple(sorted(may.territories))
	if may.people is not None:
		only["sales_person"] = tuple(sorted(may.people))
	scopes = _whole_scopes(question.by, may, masters)
	return Sight(scopes) if scopes else Sight((Scope(visible_to_you(), ("",)),), only)


def _whole_scopes(by: By, may: Rights, masters: Masters) -> tuple[Scope, ...]:
	"""The scopes of a kind that may be seen whole, though not all of them may."""
	if may.people is not None and may.territories is None:
		told = may.people & frozenset(may.own) if may.teams_only and by is By.SALES_PERSON else may.people
		return _people(by, may.own, told, masters)
	if may.people is None and may.territories is not None and by is By.TERRITORY:
		return _whole(masters.territories, may.territories, masters)
	return ()


def _people(by: By, own: tuple[str, ...], people: frozenset[str], masters: Masters) -> tuple[Scope, ...]:
	"""Salespeople, and teams that are seen whole."""
	tree = masters.salespeople
	if by is By.SALES_PERSON:
		shown = (name for name in tree if name in people and (not tree[name].is_group or name in own))
		return tuple(Scope(name, (name,)) for name in shown)
	if by is By.TEAM:
		return tuple(scope for scope in _whole(tree, people, masters) if tree[scope.name].is_group)
	return ()


def _whole(tree: Mapping[str, Node], seen: frozenset[str], masters: Masters) -> tuple[Scope, ...]:
	"""Nodes of a tree of which all below them may be seen."""
	nodes = (Scope(name, tuple(masters.members(tree, name))) for name in tree if name in seen)
	return tuple(scope for scope in nodes if seen.issuperset(scope.leaves))


def visible_to_you() -> str:
	"""Name of the one line that stands for what somebody sees in part."""
	return str(_("Visible to you"))


def quoted(name: object) -> str:
	"""What somebody wrote, to be shown in a message: never as markup, never without end."""
	text = str(name)
	return str(frappe.bold(frappe.utils.escape_html(text if len(text) <= 140 else f"{text[:139]}…")))


# The transition log is read by managers as it is. It names no company, so that whoever is kept to some companies,
# territories or salespeople can't be told which rows are theirs: such a manager sees none of it.


def transition_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of Sales Transition."""
	return "" if _sees_everything(user or frappe.session.user) else "1 = 0"


def may_read_transition(
	doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False
) -> bool:
	"""Hook `has_permission` of Sales Transition: nobody writes the log but the app itself."""
	return ptype in (None, "read", "select", "report", "export", "print", "email") and _sees_everything(
		user or frappe.session.user
	)


def _sees_everything(user: str) -> bool:
	if not is_active(user) or not is_manager(user):
		return False
	return all(permitted(user, doctype) is None for doctype in ("Company", "Territory", "Sales Person"))
