from frappe.model.document import Document


class KPIAdviceCondition(Document):
	pass
