from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document


class KPISurveyInvitation(Document):
	def validate(self) -> None:
		if not self.flags.is_sent_now:
			self.refuse()

	def before_rename(self, *names: Any) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""Only the app invites: an invitation without its mail is a link that nobody has."""
		frappe.throw(_("Survey invitations are sent by the app and can’t be edited."), frappe.PermissionError)


def on_doctype_update() -> None:
	"""Whether a customer was asked already is looked up before each mail."""
	frappe.db.add_index("KPI Survey Invitation", ["company", "customer", "sent_on"], "asked")
