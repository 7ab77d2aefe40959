from frappe.model.document import Document


class KPITargetPeriod(Document):
	pass
