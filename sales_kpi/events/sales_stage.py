"""What happens to a Sales Stage."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import transitions


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	transitions.rename("Sales Stage", old, new, merge)
