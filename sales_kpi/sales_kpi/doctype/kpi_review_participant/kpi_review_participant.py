from frappe.model.document import Document


class KPIReviewParticipant(Document):
	"""Somebody who takes part in a review."""
