from frappe.model.document import Document


class KPIMark(Document):
	"""A change of a record that kept sums don't hold yet. Gone when they do."""
