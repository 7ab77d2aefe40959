"""What happens to a Sales Order."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	if changes.is_draft(doc):
		return
	if changes.is_saved(doc):
		_mark(doc)
	else:
		# What is delivered and whether it is closed change what the order is worth, and nothing of its customer.
		marks.append(Mark("Sales Order", "", day) for day in changes.days(doc, "transaction_date"))


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename: of two orders of one day, the name tells which came first."""
	snapshot_names.rename("Sales Order", old, new, merge)
	_mark(doc)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	_mark(doc)


def _mark(doc: Document) -> None:
	quotations = {row.prevdoc_docname for row in doc.get("items") if row.prevdoc_docname}
	marks.append(
		[
			*(
				Mark("Sales Order", customer, day)
				for customer in changes.both(doc, "customer") or {""}
				for day in changes.days(doc, "transaction_date")
			),
			*(Mark("Quotation", name) for name in sorted(quotations)),
		]
	)
