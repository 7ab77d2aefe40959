from frappe.model.document import Document


class SalesKPIRole(Document):
	pass
