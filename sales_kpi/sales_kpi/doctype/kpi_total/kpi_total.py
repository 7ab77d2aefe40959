import frappe
from frappe.model.document import Document


class KPITotal(Document):
	"""A month of a fact, summed and packed. A cache: it can be made anew at any time."""


def on_doctype_update() -> None:
	"""Months are read by series, company and dimension."""
	frappe.db.add_index("KPI Total", ["series", "company", "dimension", "month"], "read_by")
