"""What happens to a Transaction Deletion Record."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`: it deletes behind all events."""
	if doc.docstatus == 1:
		marks.append([Mark("Everything")])
