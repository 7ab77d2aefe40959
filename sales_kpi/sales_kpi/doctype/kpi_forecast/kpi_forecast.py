import frappe
from frappe import _

from sales_kpi.site.written_once import WrittenOnce


class KPIForecast(WrittenOnce):
	def refuse(self) -> None:
		"""Forecasts are written by the app alone: what was foretold can't be improved afterwards."""
		frappe.throw(
			_("A kept forecast can’t be edited: it is to be scored as it was made."), frappe.PermissionError
		)


def on_doctype_update() -> None:
	"""Forecasts are looked up by what is made together."""
	frappe.db.add_index("KPI Forecast", ["company", "kpi", "every", "as_of"], "made_together")
