import frappe
from frappe import _
from frappe.model.document import Document


class KPIAdviceRule(Document):
	def onload(self) -> None:
		"""Give the form what a condition may be about, and whether the rule is as it came."""
		from sales_kpi.site.advice_rules import is_changed, subjects

		self.set_onload("subjects", subjects())
		self.set_onload("is_changed", is_changed(self))

	def validate(self) -> None:
		from sales_kpi.site.advice_rules import check

		check(self)

	def on_trash(self) -> None:
		if self.standard and not frappe.flags.in_uninstall:
			frappe.throw(
				_("{0} comes with the app and would come back. Switch it off instead.").format(self.name),
				title=_("Sales KPI"),
			)

	@frappe.whitelist()
	def reset(self) -> None:
		"""Make a rule of the app what it was when it came."""
		from sales_kpi.site.advice_rules import reset

		self.check_permission("write")
		reset(self)
