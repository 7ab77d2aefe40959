from frappe.model.document import Document


class KPIDigestLog(Document):
	"""One reader of one digest. Its name says which: a second one of the same name can't be."""

	def autoname(self) -> None:
		from sales_kpi.site.digest import log_name

		self.name = log_name(self.digest, self.due_on, self.user or self.scope, self.by_hand)
