import frappe
from frappe import _
from frappe.model.document import Document


class KPIAlert(Document):
	"""A rule on a KPI. It is looked at by `sales_kpi.site.alerts`."""

	def validate(self) -> None:
		from sales_kpi.site import alerts

		if self.condition == alerts.QUALITY:
			self.kpi, self.scope_type, self.scope = None, "Company", None
		if self.condition not in alerts.WITH_THRESHOLD:
			self.threshold = 0
		elif self.condition not in (alerts.BELOW, alerts.ABOVE) and not self.threshold > 0:
			frappe.throw(_("Say from which percentage on you want to be told: a threshold above 0."))
		users = [row.user for row in self.recipients]
		twice = next((user for user in users if users.count(user) > 1), None)
		if twice:
			frappe.throw(_("{0} is listed twice.").format(frappe.bold(frappe.utils.escape_html(twice))))
		if self.kpi:
			self.check_kpi()
		if self.scope_type == "Company":
			self.scope = None
		if self.scope:
			self.check_scope()

	def check_kpi(self) -> None:
		"""Refuse a KPI that isn't measured for such scopes."""
		from sales_kpi import catalogue
		from sales_kpi.site import alerts
		from sales_kpi.site.settings import extend_by_hooks

		extend_by_hooks()
		kpi = catalogue.kpis().get(self.kpi)
		if kpi is None:
			frappe.throw(_("{0} is no KPI that can be measured.").format(frappe.bold(self.kpi)))
		if alerts.OF_WORD[self.scope_type] not in kpi.scopes:
			frappe.throw(_("{0} is not measured by {1}.").format(_(kpi.title), _(self.scope_type)))

	def check_scope(self) -> None:
		"""Refuse a name that there isn't."""
		from sales_kpi.site.answers import Asker

		masters = Asker.current("Administrator").masters
		names = {
			"Team": [name for name, node in masters.salespeople.items() if node.is_group],
			"Sales Person": list(masters.salespeople),
			"Territory": list(masters.territories),
			"Source": list(masters.channels),
		}[self.scope_type]
		if self.scope not in names:
			name = frappe.bold(frappe.utils.escape_html(self.scope))
			frappe.throw(_("There is no {0} {1}.").format(_(self.scope_type), name))
