"""What happens to an Event."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	marks.append(Mark("Event", day=day) for day in changes.days(doc, "starts_on"))


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	on_change(doc)
