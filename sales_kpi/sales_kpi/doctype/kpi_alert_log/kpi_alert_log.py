from __future__ import annotations

import frappe
from frappe.model.document import Document
from frappe.query_builder import Interval
from frappe.query_builder.functions import Now


class KPIAlertLog(Document):
	"""One thing that an alert has found. Its name says which: a second one of the same name can't be."""

	def autoname(self) -> None:
		from sales_kpi.site.alerts import log_name

		self.name = log_name(self.alert, self.scope or "", self.subject or "", self.sequence or 1)

	def onload(self) -> None:
		from sales_kpi.site.alerts import why

		self.set_onload("why", why(self))

	@staticmethod
	def clear_old_logs(days: int) -> None:
		"""What Log Settings asks for: what is still open stays."""
		from sales_kpi.site.alerts import OPEN

		table = frappe.qb.DocType("KPI Alert Log")
		frappe.db.delete(
			table, filters=(table.creation < (Now() - Interval(days=days))) & (table.state != OPEN)
		)
