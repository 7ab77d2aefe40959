import frappe
from frappe.model.document import Document


class SalesTransition(Document):
	pass


def on_doctype_update() -> None:
	"""The history of one document is looked up at each of its saves."""
	frappe.db.add_index("Sales Transition", ["reference_doctype", "reference_name"], "reference")
