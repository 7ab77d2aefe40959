"""What happens to a ToDo."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site.guarding import guarded

REVIEW = "KPI Review"


def on_change(doc: Document, method: str | None = None) -> None:
	"""After a save or `db_set`: the action of a review follows it."""
	if doc.reference_type == REVIEW:
		from sales_kpi.site import review_actions

		with guarded(f"the action of ToDo {doc.name} did not follow", doc.doctype, doc.name):
			review_actions.follow(doc)


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	if doc.reference_type == REVIEW:
		from sales_kpi.site import review_actions

		with guarded(f"the action of ToDo {doc.name} did not let go", doc.doctype, doc.name):
			review_actions.forget(doc)
