"""What a document was before it changed: what the handlers in `events` need to mark both."""

from __future__ import annotations

from datetime import date
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import getdate


def is_saved(doc: Document) -> bool:
	"""Whether a save changes a document; else it is a `db_set`, of which nobody tells what was before."""
	return (doc.doctype, doc.name) in (frappe.flags.currently_saving or ())


def is_draft(doc: Document) -> bool:
	"""Whether a document was and is a draft, which no fact reads."""
	before = doc.get_doc_before_save()
	return doc.docstatus == 0 and (before is None or before.docstatus == 0)


def both(doc: Document, fieldname: str) -> set[Any]:
	"""What a field holds and held, without what is empty."""
	before = doc.get_doc_before_save()
	values = {doc.get(fieldname), before.get(fieldname) if before else None}
	return {value for value in values if value}


def days(doc: Document, fieldname: str) -> set[date]:
	"""The days that a date or a moment holds and held."""
	return {getdate(value) for value in both(doc, fieldname)}


def has_changed(doc: Document, *fieldnames: str) -> bool:
	"""Whether any of some fields may have changed: it is new, or other than before, or nobody can tell."""
	before = doc.get_doc_before_save()
	if doc.flags.in_insert or before is None or not is_saved(doc):
		return True
	return any(_plain(doc.get(name)) != _plain(before.get(name)) for name in fieldnames)


def _plain(value: Any) -> Any:
	"""A value that can be compared; rows of a table by what they say."""
	if isinstance(value, list):
		return [(row.get("sales_person"), row.get("allocated_percentage")) for row in value]
	return value or None
