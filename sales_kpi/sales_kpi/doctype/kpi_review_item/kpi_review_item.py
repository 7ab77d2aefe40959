from frappe.model.document import Document


class KPIReviewItem(Document):
	"""One thing that a review is to speak about."""
