from frappe.model.document import Document


class KPIAlertLog(Document):
	"""One thing that an alert has found. Its name says which: a second one of the same name can't be."""

	def autoname(self) -> None:
		from sales_kpi.site.alerts import log_name

		self.name = log_name(self.alert, self.scope or "", self.subject or "", self.sequence or 1)

	def onload(self) -> None:
		from sales_kpi.site.alerts import why

		self.set_onload("why", why(self))
