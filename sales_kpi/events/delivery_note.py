"""What happens to a Delivery Note."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save: what packed items cost is also what the invoices of the delivery cost."""
	if not changes.is_draft(doc) and changes.is_saved(doc):
		marks.append([Mark("Delivery Note", doc.name)])
