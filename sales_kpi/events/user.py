"""What happens to a User."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import transitions
from sales_kpi.site.settings import forget
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save: mail is credited to whoever has the sender's address."""
	if changes.is_saved(doc) and changes.has_changed(doc, "email"):
		_mark(doc)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	transitions.rename("User", old, new, merge)
	marks.append([Mark("Users")])


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget("User", doc.name)
	_mark(doc)


def _mark(doc: Document) -> None:
	marks.append(Mark("Sender", address) for address in sorted(changes.both(doc, "email")))
