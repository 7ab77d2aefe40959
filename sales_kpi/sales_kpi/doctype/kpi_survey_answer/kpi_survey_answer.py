from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document


class KPISurveyAnswer(Document):
	def validate(self) -> None:
		if not self.flags.is_given_now:
			self.refuse()

	def before_rename(self, *names: Any) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""What a customer has said is the customer's."""
		frappe.throw(_("A customer’s answer can’t be edited."), frappe.PermissionError)

	def on_update(self) -> None:
		# Frappe makes an empty Rating 0, which is the worst one. An NPS isn't on its scale and has none.
		if self.kind != "CSAT":
			self.rating = None
			frappe.db.set_value(self.doctype, self.name, "rating", None, update_modified=False)
