"""What happens to a Communication.

Mail that comes in changes the document that it refers to while it is being saved: in that time no person is at work.
"""

from __future__ import annotations

import frappe
from frappe.model.document import Document

from sales_kpi.totals import changes, marks
from sales_kpi.totals.touches import Mark


def validate(doc: Document, method: str | None = None) -> None:
	"""Before it is written."""
	frappe.flags.sales_kpi_incoming_mail = doc.sent_or_received == "Received"


def on_change(doc: Document, method: str | None = None) -> None:
	"""After it, and what it changes, is written."""
	frappe.flags.sales_kpi_incoming_mail = False
	if doc.sent_or_received == "Sent" or doc.communication_medium == "Phone":
		marks.append(Mark("Communication", day=day) for day in changes.days(doc, "communication_date"))


def after_delete(doc: Document, method: str | None = None) -> None:
	"""After a deletion."""
	on_change(doc)
