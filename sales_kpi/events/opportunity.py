"""What happens to an Opportunity."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names, transitions
from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`."""
	transitions.record(doc)
	_mark(doc, changes.has_changed(doc, "source", "utm_source", "transaction_date"))


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge."""
	snapshot_names.rename("Opportunity", old, new, merge)
	transitions.rename("Opportunity", old, new, merge)
	marks.append([Mark("Opportunity", old), Mark("Opportunity Source", old)])
	_mark(doc, True)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	_mark(doc, True)


def _mark(doc: Document, channel: bool) -> None:
	found = [Mark("Opportunity", doc.name, day) for day in changes.days(doc, "transaction_date")]
	if "Customer" in changes.both(doc, "opportunity_from"):
		found += [Mark("Customer Contact", party) for party in sorted(changes.both(doc, "party_name"))]
	marks.append([*found, Mark("Opportunity Source", doc.name)] if channel else found)
