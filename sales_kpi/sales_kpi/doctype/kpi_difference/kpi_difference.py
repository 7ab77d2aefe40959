from frappe.model.document import Document


class KPIDifference(Document):
	"""A day or an entity of a fact whose kept sums were found to differ from the records. They have been made anew."""
