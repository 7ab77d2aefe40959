from frappe.model.document import Document


class KPIDigestRecipient(Document):
	"""Somebody who gets a mail too, or never."""
