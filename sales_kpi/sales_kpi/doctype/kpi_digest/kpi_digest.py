import frappe
from frappe import _
from frappe.model.document import Document

MOST_DAYS = 28


class KPIDigest(Document):
	"""One digest: of which company, how often, to whom. It is made and sent by `sales_kpi.site.digest`."""

	def validate(self) -> None:
		self.day = self.day or 6
		if self.frequency != "Weekly" and not 1 <= self.day <= MOST_DAYS:
			frappe.throw(_("Send it on a day from 1 to {0}: every period has these.").format(MOST_DAYS))
		users = [row.user for row in self.recipients]
		twice = next((user for user in users if users.count(user) > 1), None)
		if twice:
			frappe.throw(_("{0} is listed twice.").format(frappe.bold(frappe.utils.escape_html(twice))))
		sent_to = self.to_salespeople or self.to_team_leads or self.to_managers
		if not sent_to and not any(row.choice == "Send Too" for row in self.recipients):
			frappe.throw(_("Nobody would get this digest: say who is to get it."))
		if not self.enabled:
			self.enabled_on = None
		elif not self.enabled_on:
			# What fell due before is over: the first digest is the next one.
			self.enabled_on = frappe.utils.today()
