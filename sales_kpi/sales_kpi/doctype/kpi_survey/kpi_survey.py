import frappe
from frappe import _
from frappe.model.document import Document

MOST_DAYS = 365


class KPISurvey(Document):
	def validate(self) -> None:
		self.check_days()
		if not self.enabled:
			self.enabled_on = None
		elif not self.enabled_on:
			self.enabled_on = frappe.utils.getdate()

	def check_days(self) -> None:
		"""A year is the longest that anybody remembers what is asked about."""
		if not 0 <= (self.delay_days or 0) <= MOST_DAYS:
			frappe.throw(_("Between {0} and {1} days may pass before a survey is sent.").format(0, MOST_DAYS))
		if not 1 <= (self.valid_days or 0) <= MOST_DAYS:
			frappe.throw(_("A link can be valid for {0} to {1} days.").format(1, MOST_DAYS))
