from frappe.model.document import Document


class SalespersonMapping(Document):
	pass
