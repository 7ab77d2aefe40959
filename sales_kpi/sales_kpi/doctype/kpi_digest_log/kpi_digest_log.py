from __future__ import annotations

import frappe
from frappe.model.document import Document
from frappe.query_builder import Interval
from frappe.query_builder.functions import Now


class KPIDigestLog(Document):
	"""One reader of one digest. Its name says which: a second one of the same name can't be."""

	def autoname(self) -> None:
		from sales_kpi.site.digest import log_name

		self.name = log_name(self.digest, self.due_on, self.user or self.scope, self.by_hand)

	@staticmethod
	def clear_old_logs(days: int) -> None:
		"""What Log Settings asks for."""
		table = frappe.qb.DocType("KPI Digest Log")
		frappe.db.delete(table, filters=(table.creation < (Now() - Interval(days=days))))
