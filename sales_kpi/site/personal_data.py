"""People who ask to be forgotten: they become "Former salesperson 3" in what the app has written down; values stay.

Frappe's Personal Data Deletion knows a person by an e-mail address, and its hook `user_data_fields` replaces texts in rows
that hold it. Snapshots hold the names of salespeople instead, and that hook would replace a name also where it is a part of
another word. So it is done here, when Frappe is done with its own.

What ERPNext holds (Sales Person, Sales Teams, Employee) is ERPNext's: as long as a Sales Person keeps a name, new figures
are told by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import frappe
from frappe.model.naming import getseries

from sales_kpi.kpis.definition import By
from sales_kpi.site.restatements import RESTATED_DOCUMENT, RESTATEMENT
from sales_kpi.site.review_permissions import PARTICIPANT, REVIEW
from sales_kpi.site.settings import site_settings
from sales_kpi.site.snapshot_names import replace_member
from sales_kpi.site.snapshots import BY, FORMER, SNAPSHOT
from sales_kpi.site.targets import TARGET
from sales_kpi.site.transitions import LOG

PEOPLE = [BY[By.SALES_PERSON], BY[By.TEAM]]

NAMED_IN_LOG = {
	"User": ("lead_owner", "opportunity_owner", "user_id"),
	"Sales Person": ("parent_sales_person", "sales_person"),
}
"""Logged fields that hold a person's name."""

NAMED_IN_REVIEWS = ((REVIEW, "leader"), (PARTICIPANT, "user"), ("KPI Review Action", "allocated_to"))
"""Fields of reviews that hold a user's. What people have written there, they have to correct themselves."""


def forget(email: str, renamed: str = "") -> str:
	"""Replace a person by a number wherever the app has written it down. Returns the name given, '' if there was none.

	email: of the user, and renamed: the name that the user has been given.
	"""
	users = [name for name in dict.fromkeys((email, renamed)) if name]
	forgetting = _Forgetting(users, salespeople_ever(users))
	forgetting.in_figures()
	forgetting.in_targets()
	forgetting.in_reviews()
	forgetting.in_log()
	forgetting.in_alerts_and_digests()
	return forgetting.former if forgetting.is_found else ""


def salespeople_ever(users: list[str]) -> list[str]:
	"""The salespeople that a user is or was, by the settings' mapping and through its Employee.

	Not one that somebody else is as well: whoever took over a name has a right to what is told by it. And no team, which
	its lead may be mapped to: a group is a person where it has an Employee.
	"""
	mapping = site_settings().engine.mapping
	others = {row.sales_person for row in mapping if row.user not in users}
	found = [row.sales_person for row in mapping if row.user in users and row.sales_person not in others]
	employee, person = frappe.qb.DocType("Employee"), frappe.qb.DocType("Sales Person")
	rows = (
		frappe.qb.from_(person)
		.join(employee)
		.on(person.employee == employee.name)
		.where(employee.user_id.isin(users))
		.orderby(person.name)
		.select(person.name)
		.run()
	)
	found = list(dict.fromkeys([*found, *(name for (name,) in rows)]))
	teams = frappe.get_all(
		"Sales Person",
		filters={"name": ("in", found), "is_group": 1, "employee": ("is", "not set")},
		pluck="name",
	)
	return [name for name in found if name not in teams]


class _Forgetting:
	"""Somebody who is being forgotten: users and salespeople that are one person."""

	def __init__(self, users: list[str], people: list[str]) -> None:
		self.users, self.people = users, people
		self.is_found = False

	@cached_property
	def former(self) -> str:
		"""The name given: the next number, which nobody else is given at the same time."""
		return f"{FORMER} {int(getseries(f'{FORMER} ', 1))}"

	def _replace(self, doctype: str, condition: Any, *fieldnames: str, **also: Any) -> None:
		"""Give fields of some rows the name, behind all events."""
		table = frappe.qb.DocType(doctype)
		if not frappe.qb.from_(table).where(condition).select(table.name).limit(1).run():
			return
		self.is_found = True
		query = frappe.qb.update(table).where(condition)
		for fieldname, value in {**dict.fromkeys(fieldnames, self.former), **also}.items():
			query = query.set(table[fieldname], value)
		query.run()

	def _replace_in_list(
		self, doctype: str, fieldname: str, names: Iterable[str], within: Any = None
	) -> None:
		"""Replace names in a field that lists some, separated by commas."""
		table = frappe.qb.DocType(doctype)
		for name in names:
			query = frappe.qb.from_(table).where(table[fieldname].like(f"%{name}%"))
			if within is not None:
				query = query.where(within)
			for (text,) in query.select(table[fieldname]).distinct().run():
				changed = f", {text}, ".replace(f", {name}, ", f", {self.former}, ")[2:-2]
				if changed != text:
					self._replace(doctype, table[fieldname] == text, **{fieldname: changed})

	def _replace_member(self, name: str) -> str:
		if name not in self.people:
			return name
		self.is_found = True
		return self.former

	def in_figures(self) -> None:
		for doctype in (SNAPSHOT, RESTATEMENT):
			table = frappe.qb.DocType(doctype)
			of_people = table.scope_type.isin(PEOPLE)
			if self.people:
				self._replace(doctype, of_people & table.scope.isin(self.people), "scope", alias="")
				# Whoever was merged into others is known by the old name alone.
				self._replace_in_list(doctype, "alias", self.people, of_people)
				replace_member(doctype, PEOPLE, self._replace_member)
		self._replace_in_list(RESTATEMENT, "changed_by", self.users)
		table = frappe.qb.DocType(RESTATED_DOCUMENT)
		self._replace(RESTATED_DOCUMENT, table.changed_by.isin(self.users), "changed_by")

	def in_targets(self) -> None:
		if not self.people:
			return
		table = frappe.qb.DocType(TARGET)
		mine = table.target_for.isin(["Salesperson", "Team"]) & table.scope.isin(self.people)
		self._replace(TARGET, mine, "scope", "sales_person")
		table = frappe.qb.DocType("Version")
		rows = frappe.qb.from_(table).where(table.ref_doctype == TARGET).select(table.name, table.data).run()
		for name, data in rows:
			told = json.loads(data or "{}")
			changed = _replaced(told, self)
			if changed != told:
				self._replace("Version", table.name == name, data=frappe.as_json(changed))

	def in_reviews(self) -> None:
		for doctype, fieldname in NAMED_IN_REVIEWS:
			table = frappe.qb.DocType(doctype)
			also = {"full_name": self.former} if doctype == PARTICIPANT else {}
			self._replace(doctype, table[fieldname].isin(self.users), fieldname, **also)
		if not self.people:
			return
		table = frappe.qb.DocType(REVIEW)
		mine = table.sales_person.isin(self.people)
		for row in frappe.get_all(REVIEW, {"sales_person": ("in", self.people)}, ["name", "period"]):
			self._replace(REVIEW, table.name == row.name, title=f"{self.former} · {row.period}")
		self._replace(REVIEW, mine, "sales_person")

	def in_log(self) -> None:
		log = frappe.qb.DocType(LOG)
		self._replace(LOG, log.user.isin(self.users), "user")
		for doctype, names in (("User", self.users), ("Sales Person", self.people)):
			if not names:
				continue
			of_document = (log.reference_doctype == doctype) & log.reference_name.isin(names)
			self._replace(LOG, of_document, "reference_name")
			for fieldname in ("old_value", "new_value"):
				held = log.fieldname.isin(NAMED_IN_LOG[doctype]) & log[fieldname].isin(names)
				self._replace(LOG, held, fieldname)

	def in_alerts_and_digests(self) -> None:
		for doctype, texts in (
			("KPI Alert", ()),
			("KPI Alert Log", _TEXTS_OF_ALERTS),
			("KPI Digest Log", ("reason",)),
		):
			table = frappe.qb.DocType(doctype)
			mine = table.scope_type.isin(PEOPLE) & table.scope.isin(self.people or [""])
			for name in (
				frappe.qb.from_(table).where(mine).select(table.name).run(pluck=True) if texts else ()
			):
				row = frappe.db.get_value(doctype, name, texts, as_dict=True)
				said = {field: self._without_name(text) for field, text in row.items() if text}
				if said:
					frappe.db.set_value(doctype, name, said, update_modified=False)
			self._replace(doctype, mine, "scope")
		self._replace_in_list("KPI Alert Log", "told_to", self.users)
		table = frappe.qb.DocType("KPI Digest Log")
		self._replace("KPI Digest Log", table.user.isin(self.users), "user", reason="")

	def _without_name(self, text: str) -> str:
		for name in self.people:
			for written in (name, frappe.utils.escape_html(name), json.dumps(name)[1:-1]):
				text = text.replace(written, self.former)
		return text


_TEXTS_OF_ALERTS = ("subject", "evidence", "told")


def _replaced(told: Any, forgetting: _Forgetting) -> Any:
	"""What JSON holds, with the name in the place of each text that is a person's."""
	if isinstance(told, dict):
		return {key: _replaced(value, forgetting) for key, value in told.items()}
	if isinstance(told, list):
		return [_replaced(value, forgetting) for value in told]
	return forgetting.former if told in forgetting.people else told
