from frappe.model.document import Document


class SalesKPISharedCustomer(Document):
	pass
