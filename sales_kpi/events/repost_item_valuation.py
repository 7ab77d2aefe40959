"""What happens to a Repost Item Valuation."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`: when it begins and when it is done, ERPNext has written costs behind all events."""
	if doc.docstatus == 1 and doc.status != "Queued":
		marks.append(Mark("Repost Item Valuation", day=day) for day in changes.days(doc, "posting_date"))
