"""Actions of reviews: each a ToDo of its owner, which both follow, and what became of it is told in the next review."""

from __future__ import annotations

from typing import Any

import frappe
from frappe import _
from frappe.desk.form.assign_to import notify_assignment
from frappe.model.document import Document
from frappe.utils import getdate

from sales_kpi import catalogue
from sales_kpi.kpis.definition import Good, Kpi
from sales_kpi.kpis.formula import Sum
from sales_kpi.periods import Every
from sales_kpi.scorecard.figures import FEW
from sales_kpi.site import words
from sales_kpi.site.permissions import is_active, quoted
from sales_kpi.site.review_agenda import Agenda, Row, rests_on_few
from sales_kpi.site.review_permissions import REVIEW

ACTION, TODO = "KPI Review Action", "ToDo"

LAST = "Last Action"
"""The kind of their rows in the agenda."""

OPEN, DONE, DROPPED = "Open", "Done", "Dropped"

OF_TODO = {"Open": OPEN, "Closed": DONE, "Cancelled": DROPPED}
TO_TODO = {status: of_todo for of_todo, status in OF_TODO.items()}

BETTER, WORSE, UNCHANGED, NOT_KNOWN = "Better", "Worse", "Unchanged", "Not Known"

MOST_FOLLOWED = 20
"""So many actions of earlier reviews stand on an agenda, the latest first."""


# Of a review that is saved


def check(doc: Document) -> None:
	"""Refuse an action of nobody, or until no day."""
	for row in doc.actions:
		if row.kpi and not frappe.db.exists("Sales KPI", row.kpi):
			frappe.throw(_("Row {0}: there is no KPI {1}.").format(row.idx, quoted(row.kpi)))
		row.status = row.status or OPEN


def check_owners(doc: Document) -> None:
	"""Refuse to give an action to somebody who can't do it."""
	for row in doc.actions:
		if row.status == OPEN and not is_active(row.allocated_to):
			frappe.throw(
				_("Row {0}: {1} is disabled. Give the action to somebody else.").format(
					row.idx, quoted(row.allocated_to)
				)
			)


def write_down(doc: Document, agenda: Agenda) -> None:
	"""Write down where the KPIs of the actions stand, for the next review to compare with."""
	for row in doc.actions:
		if not row.kpi or row.value_then_text:
			continue
		told = agenda.figures(row.kpi)
		row.value_then, row.has_value_then = told["value"], told["has_value"]
		row.value_then_text = told["value_text"] if told["has_value"] else words.NOTHING


def allocate(doc: Document) -> None:
	"""Let the ToDos follow the actions of a submitted review: each open one has one, none has two."""
	kept = {row.name: row for row in doc.actions}
	before = doc.get_doc_before_save()
	for old in before.actions if before else ():
		if old.name not in kept and old.todo:
			_set_todo(old.todo, status="Cancelled")
	for row in doc.actions:
		if not row.todo:
			if row.status == OPEN:
				row.db_set("todo", _insert_todo(doc, row), update_modified=False)
		else:
			_set_todo(
				row.todo,
				status=TO_TODO[row.status],
				date=getdate(row.due_date),
				allocated_to=row.allocated_to,
			)


def release(doc: Document) -> None:
	"""Take the open ToDos of a cancelled review from their owners."""
	for row in doc.actions:
		if row.todo and row.status == OPEN:
			_set_todo(row.todo, status="Cancelled")


def _insert_todo(doc: Document, row: Document) -> str:
	todo = frappe.get_doc(
		{
			"doctype": TODO,
			"description": words.html(row.what),
			"allocated_to": row.allocated_to,
			"assigned_by": doc.leader,
			"date": row.due_date,
			"reference_type": REVIEW,
			"reference_name": doc.name,
		}
	).insert(ignore_permissions=True)
	# Not by Frappe's own way to assign: that would share the review with whoever gets an action.
	notify_assignment(doc.leader, row.allocated_to, TODO, todo.name, "ASSIGN", todo.description)
	return str(todo.name)


def _set_todo(name: str, **values: Any) -> None:
	"""Change a ToDo, if it is still there and isn't so already."""
	if not frappe.db.exists(TODO, name):
		return
	todo = frappe.get_doc(TODO, name)
	if all(todo.get(fieldname) == value for fieldname, value in values.items()):
		return
	todo.update(values)
	todo.save(ignore_permissions=True)


# Of a ToDo that is saved


def follow(todo: Document) -> None:
	"""Let an action follow its ToDo."""
	row = _action_of(todo)
	status = OF_TODO.get(todo.status)
	if row is not None and status and row.status != status:
		frappe.db.set_value(ACTION, row.name, "status", status, update_modified=False)


def forget(todo: Document) -> None:
	"""An action whose ToDo was deleted has none."""
	row = _action_of(todo)
	if row is not None:
		frappe.db.set_value(ACTION, row.name, "todo", "", update_modified=False)


def _action_of(todo: Document) -> Any:
	if todo.reference_type != REVIEW:
		return None
	return frappe.db.get_value(
		ACTION, {"todo": todo.name, "parenttype": REVIEW, "docstatus": 1}, ["name", "status"], as_dict=True
	)


# In the next review


def followed(doc: Document, agenda: Agenda) -> list[Row]:
	"""What became of the actions of the last review of the same scope, and of older ones that are still open."""
	review, action = frappe.qb.DocType(REVIEW), frappe.qb.DocType(ACTION)
	earlier = (
		frappe.qb.from_(review)
		.where(review.docstatus == 1)
		.where(review.company == doc.company)
		.where(review.review_for == doc.review_for)
		.where(review.period_end < doc.period_end)
		.orderby(review.period_end, order=frappe.qb.desc)
		.orderby(review.name, order=frappe.qb.desc)
		.select(review.name, review.every, review.calendar, review.period_start)
	)
	if doc.review_for != "Company":
		earlier = earlier.where(review.sales_person == doc.sales_person)
	reviews = {row.name: row for row in earlier.run(as_dict=True)}
	if not reviews:
		return []
	last = next(iter(reviews))
	rows = (
		frappe.qb.from_(action)
		.where(action.parenttype == REVIEW)
		.where(action.parent.isin(list(reviews)))
		.where((action.parent == last) | (action.status == OPEN))
		.orderby(action.idx)
		.select(
			action.name, action.parent, action.what, action.kpi, action.allocated_to, action.due_date, action.status,
			action.value_then, action.has_value_then, action.value_then_text,
		)
		.run(as_dict=True)
	)  # fmt: skip
	order = list(reviews)
	rows.sort(key=lambda row: order.index(row.parent))
	return [_told(doc, agenda, row, reviews[row.parent]) for row in rows[:MOST_FOLLOWED]]


def _told(doc: Document, agenda: Agenda, row: Any, review: Any) -> Row:
	"""What became of one action."""
	due = words.day(getdate(row.due_date), agenda.view.question.calendar) if row.due_date else words.NOTHING
	owner = frappe.db.get_value("User", row.allocated_to, "full_name") or row.allocated_to or words.NOTHING
	sentences = [f"{_status(row, getdate())} · {owner} · {_('due on {0}').format(due)}"]
	told: dict[str, Any] = {}
	if row.kpi:
		told = agenda.figures(row.kpi)
		moved, judged = NOT_KNOWN, _("the periods differ in kind")
		if (review.every, review.calendar or "") == (doc.every, doc.calendar or ""):
			moved, judged = _moved(agenda, row)
		told |= {
			"value_then": row.value_then,
			"has_value_then": row.has_value_then,
			"value_then_text": row.value_then_text,
			"moved": moved,
		}
		title = agenda.titles.get(row.kpi, row.kpi)
		before = agenda.written(row.kpi, row.value_then if row.has_value_then else None)
		calendar, every = agenda.view.question.calendar, Every((review.every or "Month").lower())
		then = calendar.label(calendar.period(getdate(review.period_start), every), every, words.language())
		change = _("{0}: {1} in {2}, {3} in {4}").format(
			title, before, then, told["value_text"], agenda.view.label(agenda.view.period)
		)
		sentences.append(f"{change} ({judged})")
	return {
		**told,
		"kind": LAST,
		"topic": row.what,
		"told": "\n".join(sentences),
		"action_status": row.status,
		"action": row.name,
		"review": row.parent,
	}


def _status(row: Any, today: Any) -> str:
	if row.status == OPEN and row.due_date and getdate(row.due_date) < today:
		return str(_("Open and overdue"))
	return str({OPEN: _("Open"), DONE: _("Done"), DROPPED: _("Dropped")}[row.status])


def _moved(agenda: Agenda, row: Any) -> tuple[str, str]:
	"""Whether the KPI of an action has moved in the good direction since, and how that is said."""
	kpi, value = catalogue.kpis().get(row.kpi), agenda.value(row.kpi)
	if kpi is None or value is None or value["value"] is None or not row.has_value_then:
		return NOT_KNOWN, str(_("whether it moved can’t be told"))
	moved = direction(kpi, row.value_then, value["value"], rests_on_few(kpi, value))
	unclear = _("neither is better in itself") if kpi.good is Good.NEITHER else _("too few to judge")
	said = {BETTER: _("better"), WORSE: _("worse"), UNCHANGED: _("unchanged"), NOT_KNOWN: unclear}
	return moved, str(said[moved])


def direction(kpi: Kpi, before: float, now: float, is_few: bool = False) -> str:
	"""Whether a change is a good one. A thousandth of the figure is none, and of few cases it can't be told."""
	if abs(now - before) <= 0.001 * max(abs(now), abs(before)):
		return UNCHANGED
	is_noise = isinstance(kpi.formula, Sum) and kpi.unit.name == "COUNT" and max(now, before) < FEW
	if is_few or is_noise or kpi.good is Good.NEITHER:
		return NOT_KNOWN
	return BETTER if (now > before) == (kpi.good is Good.UP) else WORSE
