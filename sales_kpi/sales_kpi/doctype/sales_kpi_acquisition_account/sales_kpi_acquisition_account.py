from frappe.model.document import Document


class SalesKPIAcquisitionAccount(Document):
	pass
