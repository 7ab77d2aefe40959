"""What happens to masters that only the settings name: Customer, Account, Cost Center, Company."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site.settings import forget


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget(doc.doctype, doc.name)
