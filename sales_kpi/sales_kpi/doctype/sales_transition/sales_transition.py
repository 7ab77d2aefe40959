import frappe
from frappe import _
from frappe.model.document import Document


class SalesTransition(Document):
	def validate(self) -> None:
		self.refuse()

	def on_trash(self) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""The log is written by the app alone, in bulk: what stands in it can't be corrected by anybody."""
		frappe.throw(_("The log of changes can't be edited."), frappe.PermissionError)


def on_doctype_update() -> None:
	"""The history of one document is looked up at each of its saves."""
	frappe.db.add_index("Sales Transition", ["reference_doctype", "reference_name"], "reference")
