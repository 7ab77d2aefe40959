from frappe.model.document import Document


class SalesKPICompany(Document):
	pass
