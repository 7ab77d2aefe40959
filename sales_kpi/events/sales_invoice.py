"""What happens to a Sales Invoice."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save. (`db_set` writes what is paid and the status that follows from it, which no fact reads.)"""
	if not changes.is_draft(doc) and changes.is_saved(doc):
		_mark(doc)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename: of two invoices of one moment, the name tells which came first."""
	snapshot_names.rename("Sales Invoice", old, new, merge)
	_mark(doc)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	_mark(doc)


def _mark(doc: Document) -> None:
	marks.append(
		Mark("Sales Invoice", customer, day)
		for customer in changes.both(doc, "customer") or {""}
		for day in changes.days(doc, "posting_date")
	)
