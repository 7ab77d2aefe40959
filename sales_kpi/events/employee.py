"""What happens to an Employee."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import transitions


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	transitions.record(doc)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	transitions.rename("Employee", old, new, merge)
