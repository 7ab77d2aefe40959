"""The meeting of a review: its entry in the calendar, and the mail with the minutes.

Neither tells a figure where others can read it: the entry in the calendar is private, shared with those who take part, and
leads to the review; the mail goes to those who may read that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import get_datetime, get_url_to_form, validate_email_address
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.site import words
from sales_kpi.site.digest import in_language, language_of
from sales_kpi.site.digest_mail import subject
from sales_kpi.site.guarding import guarded
from sales_kpi.site.permissions import is_active
from sales_kpi.site.review_permissions import REVIEW

EVENT = "Event"

TEMPLATE = "kpi_review"

OPEN, HELD, CANCELLED = "Open", "Completed", "Cancelled"
"""How a meeting stands in the calendar."""

LENGTH = 60


# Calendar


def put_into_calendar(doc: Document) -> None:
	"""Let the calendar follow a review: the day, who takes part, and whether it is over."""
	if not doc.meeting_on:
		take_from_calendar(doc)
		return
	event = _event(doc)
	if event is None:
		if doc.docstatus != 0:
			return
		event = frappe.new_doc(EVENT)
	begin = get_datetime(doc.meeting_on)
	users = list(dict.fromkeys(row.user for row in doc.participants if is_active(row.user)))
	told = {
		"subject": _("KPI review: {0}").format(doc.title)[:140],
		"description": _link(doc),
		"starts_on": begin,
		"ends_on": begin + timedelta(minutes=doc.duration or LENGTH),
		"event_type": "Private",
		# Not "Meeting": a review is no activity with customers, and such entries are counted as that.
		"event_category": "Event",
		"status": HELD if doc.docstatus == 1 else OPEN,
	}
	old = {row.reference_docname for row in event.event_participants}
	is_same = set(users) == old and all(str(event.get(key)) == str(value) for key, value in told.items())
	if event.get("name") and is_same and event.owner == doc.leader:
		return
	event.update(told)
	event.set("event_participants", [])
	for user in users:
		email = frappe.db.get_value("User", user, "email")
		event.append(
			"event_participants", {"reference_doctype": "User", "reference_docname": user, "email": email}
		)
	event.save(ignore_permissions=True)
	frappe.db.set_value(EVENT, event.name, "owner", doc.leader, update_modified=False)
	if doc.event != event.name:
		doc.db_set("event", event.name, update_modified=False)
	_share(event.name, [user for user in users if user != doc.leader])


def take_from_calendar(doc: Document, status: str = CANCELLED) -> None:
	"""Say in the calendar that the meeting doesn't take place."""
	event = _event(doc)
	if event is not None and event.status != status:
		event.status = status
		event.save(ignore_permissions=True)


def delete_from_calendar(doc: Document) -> None:
	"""Take the entry away with its review."""
	if _event(doc) is not None:
		frappe.delete_doc(EVENT, doc.event, ignore_permissions=True, force=True)


def _event(doc: Document) -> Document | None:
	return frappe.get_doc(EVENT, doc.event) if doc.event and frappe.db.exists(EVENT, doc.event) else None


def _share(event: str, users: list[str]) -> None:
	"""Show an entry of the calendar to those who take part, and to nobody else."""
	shared = frappe.get_all("DocShare", {"share_doctype": EVENT, "share_name": event}, pluck="user")
	for user in set(users) - set(shared):
		frappe.share.add_docshare(EVENT, event, user, read=1, flags={"ignore_share_permission": True})
	for user in set(shared) - set(users):
		frappe.share.remove(
			EVENT, event, user, flags={"ignore_share_permission": True, "ignore_permissions": True}
		)


def _link(doc: Document) -> str:
	address = words.html(get_url_to_form(REVIEW, doc.name))
	return f'<a href="{address}">{words.html(_("Open the review"))}</a>'


# Mail


def tell_leader(doc: Document) -> None:
	"""Tell the leader of a draft that was created by the schedule."""
	own = frappe.db.get_value("User", doc.leader, "language")
	with in_language(language_of(frappe._dict(), own)):
		text = _("The review of {0} about {1} is ready: plan its meeting.")
		name = doc.company if doc.review_for == "Company" else doc.sales_person
		log = frappe.new_doc("Notification Log")
		log.update(
			{
				"type": "Alert",
				"for_user": doc.leader,
				"subject": words.html(text).format(
					f"<b>{words.html(name)}</b>", f"<b>{words.html(doc.period)}</b>"
				),
				"document_type": REVIEW,
				"document_name": doc.name,
			}
		)
		log.insert(ignore_permissions=True)


def mail_minutes(doc: Document) -> None:
	"""Mail the minutes to those who take part. Whom it can't reach is told to the leader, and stops nothing."""
	if not doc.send_minutes:
		return
	left = []
	for row in doc.participants:
		known = frappe.db.get_value("User", row.user, ["email", "language"], as_dict=True) or frappe._dict()
		email = str(validate_email_address(known.email or ""))
		if not email or not is_active(row.user):
			left.append(row.full_name or row.user)
			continue
		sent: list[bool] = []
		with guarded(f"the minutes of {doc.name} weren’t sent to {row.user}", REVIEW, doc.name):
			_mail(doc, email, language_of(frappe._dict(), known.language))
			sent.append(True)
		if not sent:
			frappe.clear_last_message()
			left.append(row.full_name or row.user)
	if left:
		names = ", ".join(words.html(name) for name in left)
		frappe.msgprint(_("No minutes were mailed to {0}.").format(names), alert=True, indicator="orange")


def _mail(doc: Document, email: str, language: str) -> None:
	with in_language(language):
		frappe.sendmail(
			recipients=[email],
			subject=subject(_("Minutes: {0}").format(doc.title)),
			template=TEMPLATE,
			args={"link": get_url_to_form(REVIEW, doc.name), **told(doc)},
			reference_doctype=REVIEW,
			reference_name=doc.name,
			add_unsubscribe_link=0,
		)


def told(doc: Document) -> dict[str, Any]:
	"""What mail and print tell of a review, as plain text: templates escape it."""
	direction = "rtl" if is_rtl() else "ltr"
	return {
		"language": words.language(),
		"direction": direction,
		"start": "right" if direction == "rtl" else "left",
		"title": doc.title,
		"company": doc.company,
		"period": doc.period,
		"met": frappe.format(doc.meeting_on, {"fieldtype": "Datetime"}) if doc.meeting_on else "",
		"people": [row.full_name or row.user for row in doc.participants],
		"agenda": [
			{
				"kind": _(row.kind),
				"topic": row.topic or "",
				"figures": _figures(row),
				"told": (row.told or "").split("\n") if row.told else [],
				"notes": (row.notes or "").split("\n") if row.notes else [],
			}
			for row in doc.agenda
		],
		"actions": [
			{
				"what": row.what,
				"kpi": _(frappe.db.get_value("Sales KPI", row.kpi, "title") or row.kpi) if row.kpi else "",
				"who": frappe.db.get_value("User", row.allocated_to, "full_name") or row.allocated_to or "",
				"due": frappe.format(row.due_date, {"fieldtype": "Date"}),
				"status": _(row.status),
			}
			for row in doc.actions
		],
		"minutes": (doc.minutes or "").split("\n") if doc.minutes else [],
		"labels": {
			"review": _("KPI Review"),
			"people": _("Participants"),
			"met": _("Meets On"),
			"agenda": _("Agenda"),
			"notes": _("Notes"),
			"actions": _("Agreed Actions"),
			"none": _("No actions were agreed on."),
			"minutes": _("What Was Said"),
			"what": _("What Is to Be Done"),
			"kpi": _("KPI"),
			"who": _("Who"),
			"due": _("Due On"),
			"status": _("Status"),
			"open": _("Open the review"),
			"why": _(
				"You get this because you took part in the review. Only those who did and their line may read it."
			),
		},
	}


def _figures(row: Document) -> str:
	"""The figures of a row in one line."""
	if not row.value_text:
		return ""
	if row.target_text:
		return str(_("{0} of {1}").format(row.value_text, row.target_text))
	if row.value_then_text:
		return f"{row.value_then_text} → {row.value_text}"
	return str(row.value_text)
