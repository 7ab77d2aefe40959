"""Reviews: a meeting about the figures of a team, a salesperson or the company, from its draft to its actions.

The agenda is written down, in the leader's language, with the figures that its leader may see, and that whoever writes it may
see too: by no choice of leader does somebody get figures that permissions deny. It is not written anew afterwards: what a
review spoke about stays as it was.

There is one review of a scope and a period. A key in the database sees to it, also where two jobs create it at once; a
cancelled review gives its key back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, now_datetime

from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, Period
from sales_kpi.site import review_actions, words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.digest import calendar_of, in_language, language_of
from sales_kpi.site.permissions import is_active, quoted, refuse
from sales_kpi.site.review_agenda import Agenda, Row
from sales_kpi.site.review_permissions import FOR, REVIEW, may_see
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.snapshots import alone
from sales_kpi.site.to_reach import users_of

TOPIC = "Topic"
"""The kind of what people put on the agenda themselves; all other rows are written by the app."""

TOLD = (
	"kind", "topic", "told", "value_text", "target_text", "attainment", "value_then_text", "moved", "action_status",
	"kpi", "value", "has_value", "value_then", "has_value_then", "action", "review",
)  # fmt: skip
"""What the app writes of a row of the agenda."""

SCOPE = ("company", "review_for", "sales_person", "calendar", "every", "period_start", "leader")
"""What the agenda follows from."""

EVERY = {"Monthly": Every.MONTH, "Quarterly": Every.QUARTER}
"""How often the settings create reviews."""

AFTER_DAYS = 5

CATCH_UP = timedelta(days=7)
"""Days for which a review that fell due is still created where no job ran; one that was deleted isn't created again."""

JOB, TOO_LONG = "sales_kpi_reviews", 3 * 3600


# A review that is saved


def prepare(doc: Document) -> None:
	"""Check what a review is about and who takes part, and fill in the agenda of a new one. For `validate`."""
	before = doc.get_doc_before_save()
	_keep_what_is_ours(doc, before)
	_place(doc)
	_invite(doc, before)
	review_actions.check(doc)
	is_other = before is None or any(
		str(doc.get(name) or "") != str(before.get(name) or "") for name in SCOPE
	)
	if is_other:
		_check_sight(doc)
	if doc.flags.refresh or (is_other and (before is not None or not doc.amended_from)):
		fill(doc)


def close(doc: Document) -> None:
	"""Write down when it was held, and where the KPIs of its actions stand. For `before_submit`."""
	doc.meeting_on = doc.meeting_on or now_datetime().replace(microsecond=0)
	review_actions.check_owners(doc)
	view = view_of(doc)
	with _in_words_of(doc):
		review_actions.write_down(doc, Agenda(view))


def keep_actions(doc: Document) -> None:
	"""Check actions that are added or changed after the meeting. For `before_update_after_submit`."""
	known = {row.name for row in doc.get_doc_before_save().actions}
	for row in doc.actions:
		if row.name not in known:
			row.update({"todo": None, "value_then": 0.0, "has_value_then": 0, "value_then_text": None})
	review_actions.check(doc)
	review_actions.check_owners(doc)
	if any(row.kpi and not row.value_then_text for row in doc.actions):
		view = view_of(doc)
		with _in_words_of(doc):
			review_actions.write_down(doc, Agenda(view))


def _keep_what_is_ours(doc: Document, before: Document | None) -> None:
	"""Fields that nobody sees are the app's: what a caller writes into them counts for nothing."""
	for fieldname in ("event", "filled_on", "review_key", "title", "period"):
		doc.set(fieldname, before.get(fieldname) if before else None)
	known = {row.name: row for row in (before.actions if before else ())}
	for row in doc.actions:
		old = known.get(row.name)
		for fieldname in ("todo", "value_then", "has_value_then", "value_then_text"):
			row.set(fieldname, old.get(fieldname) if old else None)
	written = before
	if before is None and doc.amended_from:
		written = frappe.get_doc(REVIEW, doc.amended_from)
		doc.filled_on = written.filled_on
	told = {_signature(row) for row in (written.agenda if written else ())}
	by_name = {row.name: row for row in (before.agenda if before else ())}
	for row in doc.agenda:
		old = by_name.get(row.name)
		if old is not None and old.kind != TOPIC:
			row.update({name: old.get(name) for name in TOLD})
		elif row.kind == TOPIC or _signature(row) not in told:
			row.update({**dict.fromkeys(TOLD), "kind": TOPIC, "topic": row.topic})
	doc.set("agenda", [row for row in doc.agenda if row.topic or row.notes])


def _signature(row: Document) -> tuple[str, ...]:
	return tuple(str(row.get(name) or "") for name in TOLD)


def _place(doc: Document) -> None:
	"""What it is about: scope, whole period, title and key."""
	by = FOR.get(doc.review_for)
	if not doc.leader:
		frappe.throw(_("Say who leads the review."))
	if by is None:
		frappe.throw(_("A review is of a company, a team or a salesperson."))
	if by is By.COMPANY:
		doc.sales_person = None
	elif not doc.sales_person:
		frappe.throw(_("Say which team or salesperson the review is of."))
	with explained():
		period, label = period_of(doc)
		if period.start > getdate():
			raise InputError(_("{0} has not begun yet.").format(label))
	doc.period_start, doc.period_end, doc.period = period.start, period.last_day, label
	doc.title = title_of(doc)
	if by is By.TEAM and not frappe.db.get_value("Sales Person", doc.sales_person, "is_group"):
		frappe.throw(
			_("{0} is no team: choose a group of the Sales Person tree.").format(quoted(doc.sales_person))
		)
	other = same(doc)
	if other and other != doc.name:
		frappe.throw(
			_("There is a review of {0} about {1} already: {2}.").format(
				quoted(scope_of(doc)), frappe.bold(label), frappe.bold(other)
			)
		)
	doc.review_key = key_of(doc)


def period_of(doc: Document) -> tuple[Period, str]:
	"""The whole period that a review is about, and what it is called in its leader's language."""
	settings = Asker.current("Administrator").settings
	calendar, every = calendar_of(doc, settings), Every((doc.every or "Month").lower())
	period = calendar.period(getdate(doc.period_start), every)
	with _in_words_of(doc):
		return period, calendar.label(period, every, words.language())


def scope_of(doc: Document) -> str:
	"""The name of what a review is of."""
	return str(doc.company if doc.review_for == "Company" else doc.sales_person)


def title_of(doc: Document) -> str:
	"""What lists and links call it."""
	return f"{scope_of(doc)} · {doc.period}"[:140]


def same(doc: Document) -> str | None:
	"""The review of the same scope and period that there is, if any."""
	filters = {
		"company": doc.company, "review_for": doc.review_for, "every": doc.every or "Month",
		"period_start": doc.period_start, "period_end": doc.period_end, "docstatus": ("<", 2), "name": ("!=", doc.name or ""),
	}  # fmt: skip
	if doc.review_for != "Company":
		filters["sales_person"] = doc.sales_person
	found: str | None = frappe.db.get_value(REVIEW, filters, "name")
	return found


def key_of(doc: Document) -> str:
	"""What two reviews of the same scope and period have in common, and the database lets only one have."""
	parts = (doc.company, doc.review_for, doc.sales_person or "", doc.every or "Month", getdate(doc.period_start), getdate(doc.period_end))  # fmt: skip
	return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:40]


def _invite(doc: Document, before: Document | None) -> None:
	"""Who takes part: the leader, and of a new one that names nobody else those whom it is about."""
	if not doc.participants and before is None:
		for user in _those_concerned(doc):
			doc.append("participants", {"user": user})
	users = [row.user for row in doc.participants]
	if doc.leader not in users:
		doc.append("participants", {"user": doc.leader})
	twice = next((user for user in users if users.count(user) > 1), None)
	if twice:
		frappe.throw(_("{0} is listed twice.").format(quoted(twice)))
	known = {row.user for row in before.participants} if before else set()
	if before is None and doc.amended_from:
		known = set(frappe.get_all("KPI Review Participant", {"parent": doc.amended_from}, pluck="user"))
	for row in doc.participants:
		row.full_name = frappe.db.get_value("User", row.user, "full_name")
		if row.user not in known and not is_active(row.user):
			frappe.throw(_("{0} is disabled and can’t take part.").format(quoted(row.user)))
		if row.user not in known and not frappe.has_permission(REVIEW, "read", user=row.user):
			frappe.throw(_("{0} has no role that may read reviews.").format(quoted(row.user)))


def _those_concerned(doc: Document) -> list[str]:
	"""Leader and members of a team, or the salesperson: as far as they are users who can take part."""
	asker = Asker.current("Administrator")
	tree = asker.masters.salespeople
	people = []
	if doc.review_for == "Salesperson":
		people = [doc.sales_person]
	elif doc.review_for == "Team" and doc.sales_person in tree:
		people = list(asker.masters.members(tree, doc.sales_person))
	users = users_of(people, asker) if people else frozenset()
	may = [
		user for user in sorted(users) if is_active(user) and frappe.has_permission(REVIEW, "read", user=user)
	]
	return list(dict.fromkeys([doc.leader, *may]))


def _check_sight(doc: Document) -> None:
	"""Refuse a review of figures that its leader, or whoever writes it, may not see: whether they exist or not."""
	by, scope = FOR[doc.review_for], scope_of(doc)
	if not may_see(frappe.session.user, doc.company, by, scope):
		refuse(_("There are no figures of {0} that you may see.").format(quoted(scope)))
	if not may_see(doc.leader, doc.company, by, scope):
		frappe.throw(
			_("{0} may not see the figures of {1}: choose a leader who may.").format(
				quoted(doc.leader), quoted(scope)
			)
		)


# Agenda


def fill(doc: Document) -> Agenda:
	"""Write the agenda with the figures of now; notes stay with what they are about, topics as they are."""
	agenda = Agenda(view_of(doc))
	with _in_words_of(doc):
		rows = [*agenda.rows(), *review_actions.followed(doc, agenda)]
	noted = {_about(row): row.notes for row in doc.agenda if row.kind != TOPIC and row.notes}
	topics = [row.as_dict(no_default_fields=True) for row in doc.agenda if row.kind == TOPIC]
	told = [{**row, "notes": noted.pop(_about(row), None)} for row in rows]
	left = [
		{"kind": TOPIC, "topic": row.topic, "notes": row.notes}
		for row in doc.agenda
		if row.kind != TOPIC and _about(row) in noted
	]
	doc.set("agenda", [])
	for row in (*told, *topics, *left):
		doc.append("agenda", row)
	doc.filled_on = now_datetime().replace(microsecond=0)
	return agenda


def _about(row: Row | Document) -> tuple[str, str]:
	"""What a note is about."""
	return str(row.get("kind")), str(row.get("action") or row.get("kpi") or row.get("topic") or "")


def view_of(doc: Document) -> View:
	"""What its agenda looks at: by the rights of its leader, and of whoever has it written."""
	from sales_kpi.site.digest_mail import view_of as looked_at

	_check_sight(doc)
	asker = Asker.current(doc.leader)
	if frappe.session.user not in (doc.leader, "Administrator"):
		mine = {kpi.name for kpi in Asker.current(frappe.session.user).kpis}
		asker = replace(asker, kpis=tuple(kpi for kpi in asker.kpis if kpi.name in mine))
	calendar, every = calendar_of(doc, asker.settings), Every((doc.every or "Month").lower())
	period = calendar.period(getdate(doc.period_start), every)
	with explained():
		return looked_at(asker, doc.company, FOR[doc.review_for], scope_of(doc), period, every, calendar)


@contextmanager
def _in_words_of(doc: Document) -> Iterator[None]:
	"""The language of its leader: one review is written in one."""
	own = frappe.db.get_value("User", doc.leader, "language")
	with in_language(language_of(frappe._dict(), own)):
		yield


@frappe.whitelist(methods=["POST"])
def refresh_agenda(review: str) -> None:
	"""Write the agenda of a draft anew, with the figures of now."""
	doc = frappe.get_doc(REVIEW, review)
	doc.check_permission("write")
	if doc.docstatus != 0:
		frappe.throw(_("The review is submitted: its agenda stays as it was spoken about."))
	doc.flags.refresh = True
	doc.save()


# Schedule


def create_due() -> None:
	"""The daily job: create the reviews of a period that is over, if the settings want them."""
	if frappe.db.get_single_value("Sales KPI Settings", "create_reviews") in EVERY:
		frappe.enqueue(
			"sales_kpi.site.reviews.create", queue="long", timeout=TOO_LONG, job_id=JOB, deduplicate=True
		)


def create(today: date | None = None) -> int:
	"""Create the drafts that are due and that there aren't yet. A job. Returns how many."""
	doc, today = frappe.get_cached_doc("Sales KPI Settings"), today or getdate()
	every = EVERY.get(doc.get("create_reviews"))
	if every is None:
		return 0
	try:
		asker = Asker.current("Administrator")
	except (InputError, frappe.ValidationError) as error:
		frappe.log_error(title="Sales KPI: no reviews were created", message=str(error))
		frappe.db.commit()
		return 0
	calendar = asker.settings.calendar
	period = calendar.previous(calendar.period(today, every), every)
	on = period.last_day + timedelta(days=int(doc.get("review_after_days") or AFTER_DAYS))
	if not on <= today <= on + CATCH_UP:
		return 0
	made = 0
	for values in _due(asker, bool(doc.get("review_salespeople"))):
		made += _create_one({**values, "every": every.value.title(), "period_start": period.start})
	return made


def _due(asker: Asker, with_people: bool) -> Iterator[dict[str, Any]]:
	"""Teams that have a lead, and salespeople who are users, with their lead."""
	tree = asker.masters.salespeople
	leads: dict[str, str] = {}
	for name, node in tree.items():
		if node.is_group and node.enabled:
			users = [user for user in sorted(users_of([name], asker)) if is_active(user)]
			if users:
				leads[name] = users[0]
	for company in asker.settings.companies:
		for name, leader in leads.items():
			if tree[name].parent:
				yield {"company": company, "review_for": "Team", "sales_person": name, "leader": leader}
		if not with_people:
			continue
		for name, node in tree.items():
			leader = leads.get(node.parent, "")
			own = users_of([name], asker) if leader and not node.is_group and node.enabled else frozenset()
			if any(is_active(user) for user in own - {leader}):
				yield {
					"company": company,
					"review_for": "Salesperson",
					"sales_person": name,
					"leader": leader,
				}


def _create_one(values: dict[str, Any]) -> int:
	"""Create one draft, unless there is one, it was deleted, or there is nothing to speak about. Returns 1 if so."""
	try:
		return alone(partial(_draft, values))
	except (frappe.UniqueValidationError, frappe.DuplicateEntryError):
		# Another job was first.
		frappe.db.rollback()
	except Exception:
		frappe.db.rollback()
		title = f"Sales KPI: no review of {values['sales_person']} was created"[:140]
		frappe.log_error(title=title, message=frappe.get_traceback())
		frappe.db.commit()
	finally:
		frappe.clear_messages()
	return 0


def _draft(values: dict[str, Any]) -> int:
	from sales_kpi.site.review_meeting import tell_leader

	doc = frappe.get_doc({"doctype": REVIEW, **values})
	period, label = period_of(doc)
	doc.period_start, doc.period_end, doc.period = period.start, period.last_day, label
	if same(doc) or _was_deleted(key_of(doc)):
		return 0
	if not may_see(doc.leader, doc.company, FOR[doc.review_for], scope_of(doc)):
		return 0
	doc.insert(ignore_permissions=True)
	if not doc.agenda:
		frappe.db.rollback()
		return 0
	frappe.db.set_value(REVIEW, doc.name, "owner", doc.leader, update_modified=False)
	tell_leader(doc)
	return 1


def _was_deleted(key: str) -> bool:
	"""Whether somebody has deleted the draft: it isn't wanted."""
	return bool(
		frappe.db.exists("Deleted Document", {"deleted_doctype": REVIEW, "data": ("like", f"%{key}%")})
	)


# Names


def rename(doctype: str, new: str) -> None:
	"""Let titles follow a renamed or merged Company or Sales Person; links follow by themselves."""
	fieldname = {"Company": "company", "Sales Person": "sales_person"}.get(doctype)
	if fieldname is None:
		return
	for row in frappe.get_all(
		REVIEW, {fieldname: new}, ["name", "company", "review_for", "sales_person", "period", "title"]
	):
		if row.title != title_of(row):
			frappe.db.set_value(REVIEW, row.name, "title", title_of(row), update_modified=False)
