"""What happens to a Lead."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names, transitions
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	transitions.record(doc)
	_mark(doc, changes.has_changed(doc, "source", "utm_source"))


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	snapshot_names.rename("Lead", old, new, merge)
	transitions.rename("Lead", old, new, merge)
	marks.append([Mark("Lead", old), Mark("Lead Source", old)])
	_mark(doc, True)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	_mark(doc, True)


def _mark(doc: Document, channel: bool) -> None:
	found = [Mark("Lead", doc.name, day) for day in changes.days(doc, "creation")]
	marks.append([*found, Mark("Lead Source", doc.name)] if channel else found)
