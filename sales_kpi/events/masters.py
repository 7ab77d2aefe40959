"""What happens to masters that the settings name, or that sums are kept by."""

from __future__ import annotations

from frappe.model.document import Document

from sales_kpi.site import snapshot_names
from sales_kpi.site.settings import forget
from sales_kpi.totals import marks
from sales_kpi.totals.touches import Mark


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion: the settings name it no more."""
	forget(doc.doctype, doc.name)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	"""After a rename or merge of a Company, Territory or channel: sums are kept by names."""
	snapshot_names.rename(doc.doctype, old, new, merge)
	marks.append([Mark("Everything")])
