"""What happens to a KPI Survey Answer."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After it is given."""
	marks.append(Mark("KPI Survey Answer", day=day) for day in changes.days(doc, "answered_on"))


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	on_change(doc)
