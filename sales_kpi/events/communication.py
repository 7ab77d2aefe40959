"""What happens to a Communication.

Mail that comes in changes the document that it refers to while it is being saved: in that time no person is at work.
"""

from __future__ import annotations

import frappe
from frappe.model.document import Document


def validate(doc: Document, method: str | None = None) -> None:
	"""Before it is written."""
	frappe.flags.sales_kpi_incoming_mail = doc.sent_or_received == "Received"


def on_change(doc: Document, method: str | None = None) -> None:
	"""After it, and what it changes, is written."""
	frappe.flags.sales_kpi_incoming_mail = False
