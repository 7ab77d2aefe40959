import json
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document


class KPIRestatement(Document):
	def onload(self) -> None:
		"""Give the form its figures as people read them."""
		from sales_kpi.kpis.definition import Unit
		from sales_kpi.site import words

		exact, unit = json.loads(self.exact or "{}"), Unit(self.unit)
		told = {side: exact.get(side, {}).get("value") for side in ("from", "to")}
		self.set_onload(
			"figures", {side: words.figure(value, unit, self.currency) for side, value in told.items()}
		)

	def validate(self) -> None:
		self.refuse()

	def before_rename(self, *names: Any) -> None:
		self.refuse()

	def on_trash(self) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""Restatements are written by the app alone, as snapshots are."""
		frappe.throw(
			_("A restatement can’t be edited: it is told by the records alone."), frappe.PermissionError
		)


def on_doctype_update() -> None:
	"""The restatements of a snapshot are looked up whenever it is compared."""
	frappe.db.add_index("KPI Restatement", ["snapshot"], "of_snapshot")
