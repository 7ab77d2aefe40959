from frappe.model.document import Document


class KPIReviewAction(Document):
	"""What was agreed on in a review."""
