from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import target_cascade, target_evidence, target_terms


class KPITarget(Document):
	def onload(self) -> None:
		target_cascade.tell(self)

	def validate(self) -> None:
		target_terms.prepare(self)

	def before_submit(self) -> None:
		target_evidence.agree(self)

	def before_cancel(self) -> None:
		# Its parts stay: its amendment takes them over.
		self.ignore_linked_doctypes = [self.doctype]

	def on_update(self) -> None:
		target_cascade.sum_up(self)

	def on_submit(self) -> None:
		target_cascade.adopt(self)

	def on_cancel(self) -> None:
		target_cascade.sum_up(self)

	def after_delete(self) -> None:
		target_cascade.sum_up(self)
