"""What happens to a User."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import transitions
from sales_kpi.site.settings import forget


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	transitions.rename("User", old, new, merge)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget("User", doc.name)
