"""What happens to a POS Invoice."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`: an invoice that consolidates receipts counts as many deals."""
	if not changes.is_draft(doc):
		marks.append(Mark("POS Invoice", name) for name in sorted(changes.both(doc, "consolidated_invoice")))
