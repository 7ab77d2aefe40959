"""What happens to a Personal Data Deletion Request."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import personal_data


def on_change(doc: Document, method: str | None = None) -> None:
	"""Once Frappe has deleted what it knows of a person. The user has another name then: that of the request."""
	if doc.status == "Deleted":
		personal_data.forget(doc.email, doc.name)
