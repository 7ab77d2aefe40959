from frappe.model.document import Document


class KPISeries(Document):
	"""A fact whose sums are kept, and how far they are."""
