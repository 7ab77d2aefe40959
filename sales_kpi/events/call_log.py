"""What happens to a Call Log."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	marks.append(Mark("Call Log", day=day) for day in changes.days(doc, "start_time"))


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	on_change(doc)
