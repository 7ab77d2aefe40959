import frappe
from frappe.model.document import Document


class KPIEntityRow(Document):
	"""A row of a fact whose day other documents can move, kept by its entity. A cache."""


def on_doctype_update() -> None:
	"""Rows are replaced by entity and summed by month."""
	frappe.db.add_index("KPI Entity Row", ["series", "document"], "of_entity")
	frappe.db.add_index("KPI Entity Row", ["series", "day"], "of_month")
