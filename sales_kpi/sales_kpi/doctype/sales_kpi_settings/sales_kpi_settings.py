from __future__ import annotations

import frappe
from frappe import _
from frappe.model.document import Document

from sales_kpi.errors import InputError
from sales_kpi.site.settings import from_document
from sales_kpi.site.transitions import log_mapping


class SalesKPISettings(Document):
	def validate(self) -> None:
		try:
			from_document(self)
		except InputError as error:
			frappe.throw(str(error), title=_("Sales KPI Settings"))
		self.check_accounts()
		if not self.flags.proposal:
			self.confirmed = 1

	def check_accounts(self) -> None:
		"""An account must be of the company in its row, and be an expense."""
		for row in self.acquisition_accounts:
			account = frappe.db.get_value("Account", row.account, ["company", "root_type"], as_dict=True)
			if account and account.company != row.company:
				frappe.throw(
					_("Row {0}: account {1} belongs to company {2}, not to {3}.").format(
						row.idx, frappe.bold(row.account), account.company, row.company
					)
				)
			if account and account.root_type != "Expense":
				frappe.throw(_("Row {0}: {1} is no expense account.").format(row.idx, frappe.bold(row.account)))

	def on_update(self) -> None:
		before = self.get_doc_before_save()
		old = {row.user: row.sales_person for row in before.mapping} if before else {}
		new = {row.user: row.sales_person for row in self.mapping}
		for user in sorted(set(old) | set(new)):
			if old.get(user) != new.get(user):
				log_mapping(user, old.get(user) or "", new.get(user) or "")
