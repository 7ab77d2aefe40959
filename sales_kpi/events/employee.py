"""What happens to an Employee."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import transitions
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	transitions.record(doc)
	if changes.has_changed(doc, "user_id", "company", "status") and changes.both(doc, "user_id"):
		marks.append([Mark("Users")])


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	transitions.rename("Employee", old, new, merge)
	if doc.user_id or merge:
		marks.append([Mark("Users")])


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	if doc.user_id:
		marks.append([Mark("Users")])
