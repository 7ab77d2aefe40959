"""The transition log: what ERPNext doesn't remember, written down from the day the app is installed.

Saves and `db_set` are seen as they happen (`record`). What ERPNext changes behind the documents' events (a lead's
status by its customer, expired quotations, daily jobs, raw updates) is found once a day (`sweep`) and logged as made by
nobody. Names are kept as text, so that deleting or merging a document leaves its history alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import frappe
from frappe.model.document import Document

LOG = "Sales Transition"

TRACKED: dict[str, tuple[str, ...]] = {
	"Lead": ("status", "lead_owner"),
	"Opportunity": ("status", "sales_stage", "opportunity_owner", "opportunity_amount", "expected_closing"),
	"Quotation": ("status",),
	"Sales Person": ("parent_sales_person", "employee"),
}
"""The fields whose changes are kept."""

USER_FIELDS = ("lead_owner", "opportunity_owner")
"""Tracked fields that hold a user."""

_COLUMNS = (
	"name", "creation", "modified", "owner", "modified_by", "docstatus", "idx", "reference_doctype", "reference_name",
	"fieldname", "old_value", "new_value", "changed_at", "user", "estimated",
)  # fmt: skip

CHUNK = 2000
"""Documents compared at a time by the sweep."""


def record(doc: Document) -> None:
	"""Log what changed in a document since it was last seen. Never stops the document from being saved."""
	frappe.db.savepoint("sales_kpi_transition")
	try:
		known = _last_seen(doc.doctype, [doc.name]).get(doc.name, {})
		before = doc.get_doc_before_save()
		rows = []
		for fieldname in TRACKED[doc.doctype]:
			value = as_text(doc.get(fieldname))
			if fieldname in known:
				old = known[fieldname]
			else:
				# Seen for the first time: what the save replaced is known, else it has always been so.
				old = as_text(before.get(fieldname)) if before else value
				if old == value:
					rows.append(_row(doc.doctype, doc.name, fieldname, value, value, _first_seen(doc, fieldname)))
					continue
			if old != value:
				rows.append(_row(doc.doctype, doc.name, fieldname, old, value, frappe.utils.now_datetime(), _person()))
		_insert(rows)
	except Exception:
		frappe.db.rollback(save_point="sales_kpi_transition")
		frappe.log_error(title=f"Sales KPI: a change of {doc.doctype} {doc.name} was not logged")


def begin() -> None:
	"""Write down the present state of every document that the log doesn't know yet (after installation)."""
	for doctype in TRACKED:
		for names in _chunks(doctype):
			_compare(doctype, names)
			frappe.db.commit()  # a job of its own: what is done stays done if it is stopped


def sweep() -> None:
	"""Find what changed behind the documents' events since the last sweep (daily)."""
	begin()


def _compare(doctype: str, names: list[str]) -> None:
	"""Log where documents differ from what was last seen, and the state of those never seen."""
	seen = _last_seen(doctype, names)
	fields = [*TRACKED[doctype], "name", "creation", "modified"]
	rows = []
	for doc in frappe.get_all(doctype, filters={"name": ("in", names)}, fields=fields, order_by="name"):
		known = seen.get(doc.name, {})
		for fieldname in TRACKED[doctype]:
			value = as_text(doc.get(fieldname))
			if fieldname not in known:
				rows.append(_row(doctype, doc.name, fieldname, value, value, _first_seen(doc, fieldname), estimated=1))
			elif known[fieldname] != value:
				rows.append(_row(doctype, doc.name, fieldname, known[fieldname], value, frappe.utils.now_datetime()))
	_insert(rows)


def _first_seen(doc: Any, fieldname: str) -> datetime:
	"""Since when a document is taken to be in its state: a status since its last change, all else since its creation."""
	moment = doc.get("modified") if fieldname == "status" else doc.get("creation")
	found: datetime = frappe.utils.get_datetime(moment) or frappe.utils.now_datetime()
	return found


def _chunks(doctype: str) -> Iterator[list[str]]:
	last = ""
	while True:
		names = frappe.get_all(
			doctype, filters={"name": (">", last)}, pluck="name", order_by="name asc", limit_page_length=CHUNK
		)
		if not names:
			return
		yield names
		last = names[-1]


def _last_seen(doctype: str, names: list[str]) -> dict[str, dict[str, str]]:
	"""The last logged value of each tracked field, by document."""
	log = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(log)
		.select(log.reference_name, log.fieldname, log.new_value)
		.where(log.reference_doctype == doctype)
		.where(log.reference_name.isin(names))
		.orderby(log.changed_at)
		.orderby(log.creation)
		.run()
	)
	seen: dict[str, dict[str, str]] = {}
	for name, fieldname, value in rows:
		seen.setdefault(name, {})[fieldname] = value or ""
	return seen


def _person() -> str:
	"""The user behind a change; '' where no person is: in jobs, and where mail comes in."""
	in_request = bool(getattr(frappe.local, "request", None)) or frappe.flags.in_test
	return frappe.session.user if in_request and frappe.session.user != "Guest" else ""


def _row(
	doctype: str,
	name: str,
	fieldname: str,
	old: str,
	new: str,
	changed_at: datetime,
	user: str = "",
	estimated: int = 0,
) -> tuple[Any, ...]:
	now, me = frappe.utils.now_datetime(), frappe.session.user
	values = (doctype, name, fieldname, old, new, changed_at, user, estimated)
	return (frappe.generate_hash(length=16), now, now, me, me, 0, 0, *values)


def _insert(rows: list[tuple[Any, ...]]) -> None:
	if rows:
		frappe.db.bulk_insert(LOG, list(_COLUMNS), rows)


def log_mapping(user: str, old: str, new: str) -> None:
	"""Log that a user became another salesperson."""
	_insert([_row("User", user, "sales_person", old, new, frappe.utils.now_datetime(), _person())])


def rename(doctype: str, old: str, new: str, merge: bool) -> None:
	"""Let the history of a renamed document follow it. A merged one's stays under the name that it had."""
	log = frappe.qb.DocType(LOG)
	if not merge:
		(
			frappe.qb.update(log)
			.set(log.reference_name, new)
			.where(log.reference_doctype == doctype)
			.where(log.reference_name == old)
			.run()
		)
	fields = {"User": USER_FIELDS, "Sales Person": ("parent_sales_person", "sales_person")}.get(doctype, ())
	for column in ("old_value", "new_value"):
		if fields:
			(
				frappe.qb.update(log)
				.set(log[column], new)
				.where(log.fieldname.isin(fields))
				.where(log[column] == old)
				.run()
			)


def as_text(value: Any) -> str:
	"""A field's value as the log keeps it."""
	if value is None:
		return ""
	if isinstance(value, bool | int | float) or type(value).__name__ == "Decimal":
		return f"{float(value):.6f}".rstrip("0").rstrip(".")
	if isinstance(value, date | datetime):
		return value.isoformat()
	return str(value)
