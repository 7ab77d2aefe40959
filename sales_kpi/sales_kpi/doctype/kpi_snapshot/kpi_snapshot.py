import json
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document


class KPISnapshot(Document):
	def onload(self) -> None:
		"""Give the form its figures as people read them."""
		from sales_kpi.kpis.definition import Unit
		from sales_kpi.site import words

		exact, unit = json.loads(self.exact or "{}"), Unit(self.unit)
		figures = ("value", "target", "target_low", "target_high")
		self.set_onload(
			"figures", {name: words.figure(exact.get(name), unit, self.currency) for name in figures}
		)

	def validate(self) -> None:
		self.refuse()

	def before_rename(self, *names: Any) -> None:
		self.refuse()

	def on_trash(self) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""Snapshots are written by the app alone: what was seen can't be corrected by anybody."""
		frappe.throw(
			_("A snapshot can’t be edited: what was seen stays. What changes later is a KPI Restatement."),
			frappe.PermissionError,
		)


def on_doctype_update() -> None:
	"""Snapshots are looked up by what is computed together."""
	frappe.db.add_index(
		"KPI Snapshot", ["company", "scope_type", "every", "period_start"], "computed_together"
	)
	frappe.db.add_index("KPI Snapshot", ["scope_type", "scope"], "of_scope")
