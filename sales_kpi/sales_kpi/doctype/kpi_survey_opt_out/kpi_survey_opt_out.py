import frappe
from frappe import _
from frappe.model.document import Document


class KPISurveyOptOut(Document):
	def validate(self) -> None:
		self.email = (self.email or "").strip().lower() or None
		self.customer = self.customer or None
		if not (self.email or self.customer):
			frappe.throw(_("Name an e-mail address or a customer that is to be asked no more."))
