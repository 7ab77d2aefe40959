"""What happens to a Sales Person."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names, transitions
from sales_kpi.site.settings import forget
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	transitions.record(doc)
	if changes.has_changed(doc, "employee", "enabled") and changes.both(doc, "employee"):
		marks.append([Mark("Users")])


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge: sums are kept by names."""
	transitions.rename("Sales Person", old, new, merge)
	snapshot_names.rename("Sales Person", old, new, merge)
	marks.append([Mark("Everything")])


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget("Sales Person", doc.name)
	if doc.employee:
		marks.append([Mark("Users")])
