import json

import frappe
from frappe import _

from sales_kpi.site.written_once import WrittenOnce


class KPIRestatement(WrittenOnce):
	def onload(self) -> None:
		"""Give the form its figures as people read them."""
		from sales_kpi.kpis.definition import Unit
		from sales_kpi.site import words

		exact, unit = json.loads(self.exact or "{}"), Unit(self.unit)
		told = {side: exact.get(side, {}).get("value") for side in ("from", "to")}
		self.set_onload(
			"figures", {side: words.figure(value, unit, self.currency) for side, value in told.items()}
		)

	def refuse(self) -> None:
		"""Restatements are written by the app alone, as snapshots are."""
		frappe.throw(
			_("A restatement can’t be edited: it is told by the records alone."), frappe.PermissionError
		)


def on_doctype_update() -> None:
	"""The restatements of a snapshot are looked up whenever it is compared."""
	frappe.db.add_index("KPI Restatement", ["snapshot"], "of_snapshot")
