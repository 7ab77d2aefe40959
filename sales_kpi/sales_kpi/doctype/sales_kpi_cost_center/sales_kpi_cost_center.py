from frappe.model.document import Document


class SalesKPICostCenter(Document):
	pass
