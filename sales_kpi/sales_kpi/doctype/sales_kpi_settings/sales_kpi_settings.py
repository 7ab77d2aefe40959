from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, formatdate, getdate

from sales_kpi.errors import InputError
from sales_kpi.periods import calendar_named
from sales_kpi.site.proposals import channels
from sales_kpi.site.settings import SCORE_CAP, SNAPSHOT_AFTER_DAYS, from_document
from sales_kpi.site.transitions import log_mapping
from sales_kpi.totals.marks import refresh_later


class SalesKPISettings(Document):
	def onload(self) -> None:
		self.set_onload("sources", channels())

	def validate(self) -> None:
		self.check_calendar()
		self.check_days()
		self.check_mapping()
		self.check_accounts()
		self.check_cost_centers()
		self.check_shared_customers()
		self.check_thresholds()
		try:
			from_document(self)
		except InputError as error:
			refuse(error.told(_))
		if not self.flags.proposal:
			self.confirmed = 1

	def check_calendar(self) -> None:
		named_twice(self.companies, "company", _("Row {0}: company {1} is listed twice."))
		if self.calendar != "Fiscal":
			return
		start = (self.fiscal_year_start or "").strip()
		if re.fullmatch(r"\d\d-\d\d", start):
			try:
				calendar_named(f"fiscal:{start}")
			except InputError:
				pass
			else:
				self.fiscal_year_start = start
				return
		refuse(
			_("The fiscal year begins on a month and a day such as 04-01, not on {0}.").format(
				frappe.bold(frappe.utils.escape_html(start or _("nothing")))
			)
		)

	def check_days(self) -> None:
		self.snapshot_after_days = self.snapshot_after_days or SNAPSHOT_AFTER_DAYS
		self.review_after_days = self.get("review_after_days") or SNAPSHOT_AFTER_DAYS
		for fieldname, least, most in (
			("churn_after_days", 1, 3650),
			("conversion_window_days", 1, 3650),
			("acquisition_lag_months", 0, 36),
			("snapshot_after_days", 1, 90),
			("review_after_days", 1, 60),
		):
			value = self.get(fieldname) or 0
			if not least <= value <= most:
				label = _(self.meta.get_label(fieldname))
				refuse(_("{0} must be from {1} to {2}, not {3}.").format(label, least, most, value))

	def check_mapping(self) -> None:
		"""A user is one salesperson on one day. A team lead is mapped to the group."""
		rows_of: dict[str, list[Any]] = defaultdict(list)
		for row in self.mapping:
			if row.from_date and row.to_date and getdate(row.from_date) > getdate(row.to_date):
				refuse(
					_("Row {0}: the mapping of {1} ends on {2}, before it begins on {3}.").format(
						row.idx, frappe.bold(row.user), formatdate(row.to_date), formatdate(row.from_date)
					)
				)
			for other in rows_of[row.user]:
				if overlap(row, other):
					refuse(
						_("Rows {0} and {1}: {2} is mapped to {3} and to {4} for the same days.").format(
							other.idx, row.idx, frappe.bold(row.user), other.sales_person, row.sales_person
						)
					)
			rows_of[row.user].append(row)

	def check_accounts(self) -> None:
		"""An account must be of the company in its row, and be an expense. A group stands for all below it."""
		named_twice(self.acquisition_accounts, "account", _("Row {0}: account {1} is listed twice."))
		for row in self.acquisition_accounts:
			account = frappe.db.get_value("Account", row.account, ["company", "root_type"], as_dict=True)
			if account and account.company != row.company:
				refuse(
					_("Row {0}: account {1} belongs to company {2}, not to {3}.").format(
						row.idx, frappe.bold(row.account), account.company, row.company
					)
				)
			if account and account.root_type != "Expense":
				refuse(_("Row {0}: {1} is no expense account.").format(row.idx, frappe.bold(row.account)))

	def check_cost_centers(self) -> None:
		"""Cost is booked on cost centers that are no groups; those of companies that aren't followed say nothing."""
		named_twice(self.cost_centers, "cost_center", _("Row {0}: cost center {1} is listed twice."))
		followed, sources = [row.company for row in self.companies], set(channels())
		for row in self.cost_centers:
			name = frappe.bold(row.cost_center)
			center = frappe.db.get_value(
				"Cost Center", row.cost_center, ["company", "is_group"], as_dict=True
			)
			if center and followed and center.company not in followed:
				refuse(
					_("Row {0}: cost center {1} belongs to company {2}, which is not followed.").format(
						row.idx, name, center.company
					)
				)
			if center and center.is_group:
				refuse(
					_("Row {0}: cost center {1} is a group, and nothing is booked on it.").format(
						row.idx, name
					)
				)
			if not row.sales_person and not row.source:
				refuse(
					_("Row {0}: say which salesperson or which source cost center {1} belongs to.").format(
						row.idx, name
					)
				)
			if row.source and row.source not in sources:
				refuse(_("Row {0}: there is no source {1}.").format(row.idx, frappe.bold(row.source)))

	def check_shared_customers(self) -> None:
		named_twice(self.shared_customers, "customer", _("Row {0}: customer {1} is listed twice."))

	def check_thresholds(self) -> None:
		if not 0 < flt(self.at_risk_from) < flt(self.on_track_from):
			refuse(
				_("{0} ({1} %) must lie between 0 and {2} ({3} %).").format(
					_(self.meta.get_label("at_risk_from")),
					frappe.utils.fmt_money(flt(self.at_risk_from), 0),
					_(self.meta.get_label("on_track_from")),
					frappe.utils.fmt_money(flt(self.on_track_from), 0),
				)
			)
		self.score_cap = flt(self.score_cap) or SCORE_CAP
		if not 100 <= self.score_cap <= 1000:
			label = _(self.meta.get_label("score_cap"))
			refuse(_("{0} must be from {1} to {2}, not {3}.").format(label, 100, 1000, f"{self.score_cap:g}"))

	def on_update(self) -> None:
		old, new = self.mapped(self.get_doc_before_save()), self.mapped(self)
		for user in sorted(set(old) | set(new)):
			if old.get(user) != new.get(user):
				log_mapping(user, old.get(user) or "", new.get(user) or "")
		# Sums made by other settings are recognized as such; they only have to be made anew.
		refresh_later()

	@staticmethod
	def mapped(doc: Document | None) -> dict[str, str]:
		"""Which salesperson each user is mapped to, with the days where there are any, for the transition log."""
		told: dict[str, list[str]] = defaultdict(list)
		for row in doc.mapping if doc else ():
			days = "…".join(str(getdate(day)) if day else "" for day in (row.from_date, row.to_date))
			told[row.user].append(row.sales_person if days == "…" else f"{row.sales_person} ({days})")
		return {user: ", ".join(rows) for user, rows in told.items()}


def refuse(sentence: str) -> None:
	"""Save nothing, and say why."""
	frappe.throw(sentence, title=_("Sales KPI Settings"))


def named_twice(rows: list[Any], fieldname: str, sentence: str) -> None:
	"""Refuse a table that names something twice."""
	seen = set()
	for row in rows:
		if row.get(fieldname) in seen:
			refuse(sentence.format(row.idx, frappe.bold(row.get(fieldname))))
		seen.add(row.get(fieldname))


def overlap(one: Any, other: Any) -> bool:
	"""Whether two rows have a day in common; an open end has no bound."""
	return (not one.to_date or not other.from_date or getdate(one.to_date) >= getdate(other.from_date)) and (
		not other.to_date or not one.from_date or getdate(other.to_date) >= getdate(one.from_date)
	)
