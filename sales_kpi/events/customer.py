"""What happens to a Customer."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names
from sales_kpi.site.settings import forget
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark

TOLD_BY = ("lead_name", "opportunity_name", "account_manager", "territory", "sales_team")
"""Fields by which facts of a customer are dated, credited or told apart."""


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`. ERPNext has set the status of its Lead behind that one's events."""
	_mark(doc, changes.has_changed(doc, *TOLD_BY))


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge: what the old one bought, the new one did."""
	snapshot_names.rename("Customer", old, new, merge)
	marks.append([Mark("Customer", old)])
	_mark(doc, True)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget("Customer", doc.name)
	_mark(doc, True)


def _mark(doc: Document, wholly: bool) -> None:
	found = [Mark("Lead", lead) for lead in sorted(changes.both(doc, "lead_name"))]
	marks.append([*found, Mark("Customer", doc.name)] if wholly else found)
