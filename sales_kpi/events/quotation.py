"""What happens to a Quotation."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names, transitions
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`. (The latter writes the status, which no fact reads.)"""
	transitions.record(doc)
	if not changes.is_draft(doc) and changes.is_saved(doc):
		_mark(doc)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	snapshot_names.rename("Quotation", old, new, merge)
	transitions.rename("Quotation", old, new, merge)
	marks.append([Mark("Quotation", old)])
	_mark(doc)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	_mark(doc)


def _mark(doc: Document) -> None:
	opportunities = {row.prevdoc_docname for row in doc.get("items") if row.prevdoc_doctype == "Opportunity"}
	opportunities |= changes.both(doc, "opportunity")
	marks.append(
		[
			*(Mark("Quotation", doc.name, day) for day in changes.days(doc, "transaction_date")),
			*(Mark("Opportunity", name) for name in sorted(filter(None, opportunities))),
		]
	)
