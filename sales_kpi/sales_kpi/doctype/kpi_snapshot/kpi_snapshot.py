import json

import frappe
from frappe import _

from sales_kpi.site.written_once import WrittenOnce


class KPISnapshot(WrittenOnce):
	def onload(self) -> None:
		"""Give the form its figures as people read them."""
		from sales_kpi.kpis.definition import Unit
		from sales_kpi.site import words

		exact, unit = json.loads(self.exact or "{}"), Unit(self.unit)
		figures = ("value", "target", "target_low", "target_high")
		self.set_onload(
			"figures", {name: words.figure(exact.get(name), unit, self.currency) for name in figures}
		)

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
