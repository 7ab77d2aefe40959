"""The transition log: what ERPNext doesn't remember, written down from the day the app is installed.

Saves and `db_set` are seen as they happen (`record`, on the event `on_change`). What is changed behind that event is found
once a day (`sweep`), or by the next save if that comes first, and logged as made by nobody. The first log is `begin`.

These paths in the code of ERPNext 15 and 16 (and Frappe) change a tracked field without `on_change`:

- Customer.after_insert and on_update set its Lead to Converted, by `frappe.db.set_value`; Customer.on_trash sets it back to
  Interested, by SQL that leaves `modified` alone (selling/doctype/customer).
- Daily job `open_leads_opportunities_based_on_todays_event`: Leads and Opportunities that take part in an Event of today
  become Open again, Lost and Converted ones too, by `frappe.db.set_value` (crm/utils).
- Daily job `set_expired_status`: one UPDATE sets all Quotations past their day to Expired, `modified` alone
  (selling/doctype/quotation).
- SalesOrder.update_enquiry_status: SQL on the Opportunity's status. Nothing calls it in either version.
- Renames and merges (User, Sales Person, Employee, Sales Stage) rewrite links by SQL: `rename` follows.
- Transaction Deletion Record and `delete_doc` delete documents: their history stays, under their name.
- Patches, Data Import with direct SQL, System Console, `frappe.db.set_value` and `bulk_update` of other apps.

These do call `on_change`, but no person stands behind them (`_person` gives ''):

- Mail that comes in: v15 sets the document that it refers to to Open, whatever it was (Lost, Converted, Ordered), also
  when a received Communication is merely saved again; v16 only if it was Replied (frappe/core/doctype/communication).
- Daily job `auto_close_opportunity`: Replied ones become Closed, by a save (crm/doctype/opportunity).

And these do call it for whoever acts: Opportunity insert, Quotation submit, cancel and lost, Sales Order submit and cancel
set the Lead, Opportunity or Quotation before them by `db_set`; `set_multiple_status` saves each Opportunity.
On v15 `set_status` first writes the status that it was given, then the one that it works out, which may be the old one:
what stood between two `db_set` of one object was seen by nobody, and isn't logged.

Names are kept as text, so that deleting or merging a document leaves its history alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, get_datetime, getdate, now_datetime
from pypika.analytics import RowNumber

from sales_kpi.site.guarding import guarded
from sales_kpi.totals import marks
from sales_kpi.totals.touches import Mark

LOG = "Sales Transition"

TRACKED: dict[str, tuple[str, ...]] = {
	"Lead": ("status", "lead_owner"),
	"Opportunity": ("status", "sales_stage", "opportunity_owner", "opportunity_amount", "expected_closing"),
	"Quotation": ("status",),
	"Sales Person": ("parent_sales_person", "employee"),
	"Employee": ("user_id",),
}
"""The fields whose changes are kept."""

HOLDS: dict[str, tuple[str, ...]] = {
	"User": ("lead_owner", "opportunity_owner", "user_id"),
	"Sales Person": ("parent_sales_person", "sales_person"),
	"Employee": ("employee",),
	"Sales Stage": ("sales_stage",),
}
"""Logged fields that hold names of a doctype: these follow when it is renamed."""

_COLUMNS = (
	"name", "creation", "modified", "owner", "modified_by", "docstatus", "idx", "reference_doctype", "reference_name",
	"fieldname", "old_value", "new_value", "changed_at", "user", "estimated",
)  # fmt: skip

CHUNK = 2000
"""Documents compared at a time by the sweep: what bounds its memory."""

BETWEEN_SWEEPS = timedelta(days=1)
"""A change that a sweep finds was made since the last one; `modified` tells the moment only if it lies in that time."""

A_MOMENT = timedelta(seconds=1)
LONGEST = 255
"""Length of the log's columns for values."""

SCHEDULED = "frappe.core.doctype.scheduled_job_type.scheduled_job_type.run_scheduled_job"


@dataclass(frozen=True)
class Seen:
	"""What a field held when it was last logged, and since when."""

	value: str
	changed_at: datetime


def record(doc: Document) -> None:
	"""Log what changed in a document since it was last seen. Never stops the document from being saved."""
	if _is_rebuilding():
		return
	with guarded(f"a change of {doc.doctype} {doc.name} was not logged", doc.doctype, doc.name):
		_record(doc)


def _is_rebuilding() -> bool:
	"""Whether the site is being changed as a whole, and the log may not be there. The next sweep finds what changed."""
	flags = frappe.flags
	return bool(flags.in_install or flags.in_uninstall or flags.in_migrate or flags.in_patch)


def _record(doc: Document) -> None:
	seen = _last_seen(doc.doctype, [doc.name]).get(doc.name, {})
	is_first_time = not doc.flags.sales_kpi_recorded
	doc.flags.sales_kpi_recorded = True
	if doc.flags.in_insert and seen and is_first_time:
		_retire(doc.doctype, doc.name)
		seen = {}
	by_save = (doc.doctype, doc.name) in (frappe.flags.currently_saving or ())
	before = doc.get_doc_before_save()
	# Each save loads what was before; `db_set`, in a save or after it, goes on with what was loaded, which is stale then.
	if before is not None and before.flags.sales_kpi_recorded:
		before = None
	elif before is not None:
		before.flags.sales_kpi_recorded = True
	now, person, rows = now_datetime(), _person(), []
	for fieldname in TRACKED[doc.doctype]:
		value, last = as_text(doc, fieldname), seen.get(fieldname)
		was = as_text(before, fieldname) if before else None
		if last is None:
			state = value if was is None else was
			last = Seen(state, _first_seen(before or doc, fieldname))
			estimated = 0 if doc.flags.in_insert else 1
			rows.append(_row(doc.doctype, doc.name, fieldname, state, last, estimated=estimated))
		elif was is not None and was != last.value:
			behind = Seen(was, _later(_unseen_moment(before.modified, now), last))
			rows.append(_row(doc.doctype, doc.name, fieldname, last.value, behind))
			last = behind
		if value != last.value and not (not by_save and _took_back(doc, fieldname, value, last, now)):
			change = Seen(value, _later(now, last))
			rows.append(_row(doc.doctype, doc.name, fieldname, last.value, change, person))
			if not by_save and not doc.flags.in_insert:
				made = doc.flags.setdefault("sales_kpi_made", {})
				made[fieldname] = (rows[-1][0], last.value, change.changed_at)
	_insert(rows)


def _took_back(doc: Document, fieldname: str, value: str, last: Seen, now: datetime) -> bool:
	"""Let a second `db_set` of the same object, a moment later, correct the row of the first: one change was meant."""
	made = doc.flags.get("sales_kpi_made", {}).pop(fieldname, None)
	if made is None or made[2] != last.changed_at or now - last.changed_at > A_MOMENT:
		return False
	name, old, changed_at = made
	log = frappe.qb.DocType(LOG)
	if value == old:
		frappe.qb.from_(log).delete().where(log.name == name).run()
	else:
		frappe.qb.update(log).set(log.new_value, value).where(log.name == name).run()
		doc.flags.sales_kpi_made[fieldname] = (name, old, changed_at)
	return True


def begin() -> None:
	"""Write down the present state of every document that the log doesn't know yet (a job after installation).

	May be stopped and started again: what is known is only compared.
	"""
	total = sum(frappe.db.count(doctype) for doctype in TRACKED)
	done = 0
	for doctype in TRACKED:
		for documents in _chunks(doctype):
			_compare(doctype, documents)
			_keep()
			done += len(documents)
			frappe.publish_progress(
				100 * done / max(total, done),
				title=_("Beginning the Transition Log"),
				doctype="Sales KPI Settings",
				docname="Sales KPI Settings",
				description=_("{0}: {1} of {2} documents").format(_(doctype), done, total),
			)


def sweep() -> None:
	"""Find what changed behind the documents' events since the last sweep (daily)."""
	for doctype in TRACKED:
		for documents in _chunks(doctype):
			with guarded(f"changes of {doctype} were not looked for", doctype):
				_compare(doctype, documents)
			_keep()


def _keep() -> None:
	"""End the transaction of a part that is done: these run as jobs of their own, and what is done stays done."""
	frappe.db.commit()


def _chunks(doctype: str) -> Iterator[list[Any]]:
	"""All documents of a doctype, with what is tracked, some at a time."""
	fields = [*TRACKED[doctype], "name", "creation", "modified"]
	if doctype == "Opportunity":
		fields.append("transaction_date")
	last = ""
	while True:
		documents = frappe.get_all(
			doctype,
			filters={"name": (">", last)},
			fields=fields,
			order_by="name asc",
			limit=CHUNK,
		)
		if not documents:
			return
		for document in documents:
			document.doctype = doctype
		yield documents
		last = documents[-1].name


def _compare(doctype: str, documents: list[Any]) -> None:
	"""Log where documents differ from what was last seen, and the state of those never seen."""
	known = _last_seen(doctype, [document.name for document in documents])
	now, rows = now_datetime(), []
	unseen: list[Mark] = []
	for document in documents:
		seen = known.get(document.name, {})
		created = _moment(document.creation, now)
		if seen and all(last.changed_at < created for last in seen.values()):
			_retire(doctype, document.name)
			seen = {}
		for fieldname in TRACKED[doctype]:
			value, last = as_text(document, fieldname), seen.get(fieldname)
			if last is None:
				first = Seen(value, _first_seen(document, fieldname))
				rows.append(_row(doctype, document.name, fieldname, value, first, estimated=1))
			elif last.value != value:
				change = Seen(value, _later(_unseen_moment(document.modified, now), last))
				rows.append(_row(doctype, document.name, fieldname, last.value, change))
				unseen.append(_mark(document))
	_insert(rows)
	marks.append(unseen)


def _mark(document: Any) -> Mark:
	"""What a change that no event told of means for kept sums."""
	if document.doctype in ("Sales Person", "Employee"):
		return Mark("Users")
	day = document.get("transaction_date") or document.creation
	return Mark(document.doctype, document.name, getdate(day))


def _first_seen(document: Any, fieldname: str) -> datetime:
	"""Since when a document is taken to be in its state: a status since its last change, all else since its creation."""
	return _moment(document.get("modified" if fieldname == "status" else "creation"), now_datetime())


def _moment(value: Any, now: datetime) -> datetime:
	"""A document's timestamp, if it has one that isn't in the future (imports may leave such)."""
	moment: datetime = get_datetime(value) if value else now
	return min(moment, now)


def _unseen_moment(modified: Any, now: datetime) -> datetime:
	"""When a change that nobody saw was made: when the document was last modified, if that fits, else now."""
	moment = _moment(modified, now)
	return moment if now - moment <= BETWEEN_SWEEPS else now


def _later(moment: datetime, last: Seen) -> datetime:
	"""A moment after the last one of the same field, so that a history keeps its order whatever the clock does."""
	return max(moment, last.changed_at + timedelta(microseconds=1))


def _last_seen(doctype: str, names: list[str]) -> dict[str, dict[str, Seen]]:
	"""What was last logged of each tracked field, by document."""
	log = frappe.qb.DocType(LOG)
	place = (
		RowNumber()
		.over(log.reference_name, log.fieldname)
		.orderby(log.changed_at, log.creation, order=frappe.qb.desc)
	)
	told = (
		frappe.qb.from_(log)
		.where(log.reference_doctype == doctype)
		.where(log.reference_name.isin(names))
		.select(log.reference_name, log.fieldname, log.new_value, log.changed_at, place.as_("place"))
	).as_("told")
	rows = (
		frappe.qb.from_(told)
		.where(told.place == 1)
		.select(told.reference_name, told.fieldname, told.new_value, told.changed_at)
		.run()
	)
	seen: dict[str, dict[str, Seen]] = defaultdict(dict)
	for name, fieldname, value, changed_at in rows:
		seen[name][fieldname] = Seen(value or "", changed_at)
	return seen


def _person() -> str:
	"""The user behind a change; '' where no person is: incoming mail, scheduled jobs, scripts, guests of the website."""
	user = str(frappe.session.user)
	job = getattr(frappe.local, "job", None)
	if user == "Guest" or frappe.flags.sales_kpi_incoming_mail or (job and job.get("method") == SCHEDULED):
		return ""
	if user == "Administrator" and not getattr(frappe.local, "request", None):
		return ""
	return user


def _row(
	doctype: str, name: str, fieldname: str, old: str, state: Seen, user: str = "", estimated: int = 0
) -> tuple[Any, ...]:
	now, me = now_datetime(), frappe.session.user
	values = (doctype, name, fieldname, old, state.value, state.changed_at, user, estimated)
	return (frappe.generate_hash(length=16), now, now, me, me, 0, 0, *values)


def _insert(rows: list[tuple[Any, ...]]) -> None:
	if rows:
		frappe.db.bulk_insert(LOG, list(_COLUMNS), rows)


def log_mapping(user: str, old: str, new: str) -> None:
	"""Log that a user became another salesperson."""
	with guarded(f"the mapping of {user} was not logged", "User", user):
		change = Seen(new[:LONGEST], now_datetime())
		_insert([_row("User", user, "sales_person", old[:LONGEST], change, _person())])


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	"""Let the history of a renamed document follow it. A merged one's stays under the name that it had."""
	if _is_rebuilding():
		return
	with guarded(f"the history of {doctype} {old} did not follow to {new}", doctype, new):
		log = frappe.qb.DocType(LOG)
		if not merge:
			# What has the new name now says that it was there first: its own rename let it be saved before we came.
			of_new = (log.reference_doctype == doctype) & (log.reference_name == new)
			frappe.qb.from_(log).delete().where(of_new & (log.old_value == log.new_value)).run()
			frappe.qb.update(log).set(log.reference_name, _aside(new)).where(of_new).run()
			of_document = (log.reference_doctype == doctype) & (log.reference_name == old)
			frappe.qb.update(log).set(log.reference_name, new).where(of_document).run()
		for column in ("old_value", "new_value") if doctype in HOLDS else ():
			held = log.fieldname.isin(HOLDS[doctype]) & (log[column] == old)
			frappe.qb.update(log).set(log[column], new).where(held).run()
		if doctype == "User":
			frappe.qb.update(log).set(log.user, new).where(log.user == old).run()


def _retire(doctype: str, name: str) -> None:
	"""Put aside the history of a deleted document whose name was given to another one.

	Naming series do that: when the last document is deleted its number is free again.
	"""
	log = frappe.qb.DocType(LOG)
	of_document = (log.reference_doctype == doctype) & (log.reference_name == name)
	frappe.qb.update(log).set(log.reference_name, _aside(name)).where(of_document).run()


def _aside(name: str) -> str:
	return f"{name[:125]} (deleted)"


def as_text(document: Any, fieldname: str) -> str:
	"""A field's value as the log keeps it: the same text whether it comes from a form, from code or from the database."""
	value = document.get(fieldname)
	kind = _kind(document.doctype, fieldname)
	if kind in ("Currency", "Float", "Percent", "Int", "Check"):
		return f"{flt(value) + 0.0:.6f}".rstrip("0").rstrip(".")
	if value is None or value == "":
		return ""
	if kind == "Date":
		return str(getdate(value).isoformat())
	if kind == "Datetime":
		return str(get_datetime(value).isoformat())
	return str(value)[:LONGEST]


def _kind(doctype: str, fieldname: str) -> str:
	field = frappe.get_meta(doctype).get_field(fieldname)
	return str(field.fieldtype) if field else ""
