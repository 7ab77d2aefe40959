from frappe.model.document import Document


class KPIRestatementDocument(Document):
	pass
