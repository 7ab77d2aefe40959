from frappe.model.document import Document


class SalesKPI(Document):
	pass
