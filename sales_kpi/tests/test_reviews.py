"""Reviews from the draft to the next one: who creates, reads and leads them, what stands in them, and what becomes of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import frappe
from frappe.utils import add_days, add_months, get_datetime, get_first_day, get_last_day, getdate

from sales_kpi import catalogue
from sales_kpi.site import review_actions, review_meeting, reviews
from sales_kpi.site.digest import in_language
from sales_kpi.site.review_permissions import REVIEW
from sales_kpi.tests.base import (
	SiteTestCase,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_user,
	insert,
	make_invoice,
	permit,
	unrestricted,
)
from sales_kpi.tests.test_digest import ensure_account, parsed, part

COMPANY, OTHER = "KPI Review Company", "KPI Review Other"
REGION, NORTH, EMPTY, ALONE = "Review Region", 'Review "North" & Co', "Review Empty Team", "Review Leaderless"
ANN, BOB, CID = "Review Ann & Co", "Review Bob", "Review Cid"
BOSS, HEAD, LEAD, IDLE = (
	"review-boss@kpi.test",
	"review-head@kpi.test",
	"review-lead@kpi.test",
	"review-idle@kpi.test",
)
ANNS, BOBS, CIDS, GONE = (
	"review-ann@kpi.test",
	"review-bob@kpi.test",
	"review-cid@kpi.test",
	"review-gone@kpi.test",
)
SYSTEM, CLERK = "review-system@kpi.test", "review-clerk@kpi.test"
ROLES = {
	BOSS: ["Sales Master Manager"],
	HEAD: ["Sales Manager", "Sales User"],
	LEAD: ["Sales Manager", "Sales User"],
	**{user: ["Sales User"] for user in (IDLE, ANNS, BOBS, CIDS, GONE)},
	SYSTEM: ["System Manager"],
	CLERK: ["Stock User"],
}
USERS = tuple(ROLES)

KPIS = ("sales_volume", "deals", "average_deal_value")

MONTH = get_first_day(getdate())
LAST, BEFORE = add_months(MONTH, -1), add_months(MONTH, -2)

DAY = MONTH + timedelta(days=4)
"""On which reviews of the last month fall due."""

SOLD = {BEFORE: {ANN: 40000.0, BOB: 30000.0}, LAST: {ANN: 60000.0, BOB: 20000.0}, MONTH: {ANN: 500.0}}

EVIL = "Call <script>alert(1)</script> & <img src=x onerror=alert(2)> them"


def clean() -> None:
	"""Take away what Frappe has committed on its own way: a new account, a rename."""
	frappe.set_user("Administrator")
	left = frappe.get_all(REVIEW, {"company": COMPANY}, pluck="name")
	targets = frappe.get_all("KPI Target", {"company": COMPANY}, pluck="name")
	if not left and not targets:
		return
	frappe.db.rollback()
	for table in ("KPI Review Item", "KPI Review Action", "KPI Review Participant"):
		frappe.db.delete(table, {"parent": ("in", left)})
	frappe.db.delete(REVIEW, {"name": ("in", left)})
	frappe.db.delete("Notification Log", {"document_name": ("in", left)})
	frappe.db.delete("Deleted Document", {"deleted_doctype": REVIEW})
	frappe.db.delete("KPI Target Period", {"parent": ("in", targets)})
	frappe.db.delete("KPI Target", {"name": ("in", targets)})
	for user in USERS:
		frappe.db.set_value("User", user, {"language": "en", "enabled": 1})
		unrestricted(user)
	frappe.db.commit()


def enable(kpis: list[str]) -> None:
	frappe.db.set_value("Sales KPI", {"name": ("in", kpis)}, "enabled", 1)
	frappe.db.commit()


def action(
	what: str = "Visit five customers", kpi: str | None = "sales_volume", user: str = ANNS, **more: Any
) -> dict[str, Any]:
	return {"what": what, "kpi": kpi, "allocated_to": user, "due_date": add_days(getdate(), 7), **more}


def agree(scope: str, value: float, kind: str = "Team", kpi: str = "sales_volume") -> None:
	"""A submitted target for the last month."""
	insert(
		"KPI Target", True, company=COMPANY, kpi=kpi, target_for=kind, every="Month", kind="Absolute",
		sales_person=scope, from_date=LAST, to_date=get_last_day(LAST), value=value, reason="A test",
	)  # fmt: skip


def invoiced(month: Any, *people: str) -> float:
	"""What salespeople have sold in a month, straight from the invoices."""
	invoice, team = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Sales Team")
	rows = (
		frappe.qb.from_(invoice)
		.join(team)
		.on(team.parent == invoice.name)
		.where((invoice.company == COMPANY) & (invoice.docstatus == 1) & team.sales_person.isin(list(people)))
		.where(invoice.posting_date[month : get_last_day(month)])
		.select(invoice.base_net_total, team.allocated_percentage)
		.run()
	)
	return sum(float(total) * float(share) / 100 for total, share in rows)


def rows(doc: Any, kind: str) -> list[Any]:
	return [row for row in doc.agenda if row.kind == kind]


def readers(doc: Any, ptype: str = "read") -> set[str]:
	return {user for user in USERS if frappe.get_doc(REVIEW, doc.name).has_permission(ptype, user=user)}


def listed(user: str) -> set[str]:
	with as_user(user):
		try:
			return set(frappe.get_list(REVIEW, {"company": COMPANY}, pluck="name", limit_page_length=0))
		except frappe.PermissionError:
			return set()


def of_table(user: str, table: str) -> set[str]:
	"""Reviews of which somebody gets rows by asking for a table."""
	from frappe.client import get_list

	with as_user(user):
		try:
			return {row.parent for row in get_list(table, ["parent"], parent=REVIEW, limit_page_length=0)}
		except frappe.PermissionError:
			return set()


def recipients(queue: str) -> list[str]:
	found: list[str] = frappe.get_all("Email Queue Recipient", {"parent": queue}, pluck="recipient")
	return found


def html_of(queue: str) -> str:
	return part(parsed(frappe.db.get_value("Email Queue", queue, "message")), "html")


class TestReviews(SiteTestCase):
	"""A company with a team of two below a region. One class for all: what it sets up takes longer than most of its tests."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		clean()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_sales_person(REGION, is_group=1)
		for name in (NORTH, EMPTY, ALONE):
			ensure_sales_person(name, REGION, is_group=1)
		ensure_sales_person(CID, ALONE)
		for name in (ANN, BOB):
			ensure_sales_person(name, NORTH)
		for user, roles in ROLES.items():
			if not frappe.db.exists("User", user):
				ensure_user(user, *roles)
		people = {HEAD: REGION, LEAD: NORTH, IDLE: EMPTY, ANNS: ANN, BOBS: BOB, CIDS: CID}
		change_settings(
			companies=[{"company": COMPANY}],
			calendar="Gregorian",
			mapping=[{"user": user, "sales_person": name} for user, name in people.items()],
			create_reviews="Monthly",
			review_salespeople=0,
			review_after_days=5,
		)
		for user in USERS:
			frappe.db.set_value("User", user, {"language": "en", "enabled": 1})
			unrestricted(user)
		if not frappe.db.exists("Sales Invoice", {"company": COMPANY, "docstatus": 1}):
			customer = ensure_customer("Review Buyer")
			for day, sold in SOLD.items():
				for person, amount in sold.items():
					make_invoice(COMPANY, customer, str(day), amount, {person: 100})
		ensure_account()
		# An agenda of three KPIs is made as one of all of them, and sooner.
		off = frappe.get_all("Sales KPI", {"enabled": 1, "name": ("not in", KPIS)}, pluck="name")
		frappe.db.set_value("Sales KPI", {"name": ("in", off)}, "enabled", 0)
		cls.addClassCleanup(enable, off)
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(clean)

	def review(self, **values: Any) -> Any:
		"""A draft of the team's review of the last month, unless it is said otherwise."""
		usual = {
			"company": COMPANY,
			"review_for": "Team",
			"sales_person": NORTH,
			"period_start": LAST,
			"leader": LEAD,
		}
		return frappe.get_doc({"doctype": REVIEW, "send_minutes": 0, **usual, **values}).insert()

	def held(self, **values: Any) -> Any:
		doc = self.review(**values)
		doc.submit()
		return doc

	# Agenda

	def test_figures_equal_the_invoices(self) -> None:
		agree(NORTH, 120000)
		doc = self.review()
		self.assertEqual((doc.title, doc.period_end), (f"{NORTH} · {doc.period}", get_last_day(LAST)))
		self.assertEqual({row.user for row in doc.participants}, {LEAD, ANNS, BOBS})
		(off,) = rows(doc, "Off Target")
		sold = invoiced(LAST, ANN, BOB)
		self.assertEqual((off.kpi, off.value, sold), ("sales_volume", sold, 80000.0))
		self.assertAlmostEqual(off.attainment, sold / 120000 * 100, places=1)
		self.assertRegex(off.value_text, "80,000")
		self.assertRegex(off.target_text, "120,000")
		self.assertIn("67\u202f% of the target (Missed)", off.told)
		self.assertEqual(rows(doc, "Biggest Mover"), [], "nothing is told twice")
		frappe.db.delete("KPI Target Period", {"value": 120000})
		reviews.refresh_agenda(doc.name)
		doc.reload()
		(mover,) = rows(doc, "Biggest Mover")
		before = invoiced(BEFORE, ANN, BOB)
		self.assertEqual((mover.kpi, mover.value), ("sales_volume", sold))
		self.assertIn(f"{round((sold / before - 1) * 100, 1):+.1f}", mover.told)
		self.assertIn("(better)", mover.told)
		for told in (off.told, mover.told):
			self.assertRegex(told, "More was sold: that added .*10,000", "why it moved is told in words")

	def test_of_a_salesperson_and_of_the_company(self) -> None:
		agree(BOB, 40000, "Salesperson")
		doc = self.review(review_for="Salesperson", sales_person=BOB)
		self.assertEqual(rows(doc, "Off Target")[0].value, invoiced(LAST, BOB))
		self.assertEqual([row.user for row in doc.participants], [LEAD, BOBS])
		doc = self.review(review_for="Salesperson", sales_person=BOB, period_start=BEFORE)
		self.assertEqual([row.user for row in doc.participants], [LEAD, BOBS])
		doc = self.review(review_for="Company", sales_person=NORTH, leader=BOSS)
		self.assertEqual((doc.sales_person, doc.title), (None, f"{COMPANY} · {doc.period}"))
		self.assertEqual({row.kpi: row.value for row in rows(doc, "Biggest Mover")}["sales_volume"], 80000.0)

	def test_only_what_leader_and_writer_may_see(self) -> None:
		deals = frappe.get_doc("Sales KPI", "deals")
		deals.append("roles", {"role": "Sales Manager"})
		deals.save()
		agree(ANN, 90000, "Salesperson")
		agree(ANN, 20, "Salesperson", "deals")
		told = {"review_for": "Salesperson", "sales_person": ANN}
		doc = self.review(**told)
		self.assertEqual({row.kpi for row in rows(doc, "Off Target")}, {"sales_volume", "deals"})
		doc.delete()
		with as_user(ANNS):
			doc = self.review(**told)
		self.assertEqual({row.kpi for row in rows(doc, "Off Target")}, {"sales_volume"})

	def test_notes_are_kept_when_it_is_refreshed(self) -> None:
		agree(NORTH, 120000)
		doc = self.review()
		rows(doc, "Off Target")[0].notes = "Two big orders slipped."
		doc.append("agenda", {"topic": "The trade fair", "notes": "Who goes?"})
		doc.save()
		make_invoice(COMPANY, ensure_customer("Review Buyer"), str(LAST), 1000, {ANN: 100})
		with as_user(LEAD):
			reviews.refresh_agenda(doc.name)
		doc.reload()
		(off,) = rows(doc, "Off Target")
		self.assertEqual((off.value, off.notes), (81000.0, "Two big orders slipped."))
		self.assertEqual(
			[(row.topic, row.notes) for row in rows(doc, "Topic")], [("The trade fair", "Who goes?")]
		)
		make_invoice(COMPANY, ensure_customer("Review Buyer"), str(LAST), 100000, {ANN: 100})
		reviews.refresh_agenda(doc.name)
		doc.reload()
		self.assertEqual(rows(doc, "Off Target"), [])
		self.assertIn("Two big orders slipped.", [row.notes for row in rows(doc, "Topic")])
		doc.submit()
		with self.refused(frappe.ValidationError, "stays as it was spoken about"):
			reviews.refresh_agenda(doc.name)

	def test_figures_cant_be_made_up(self) -> None:
		agree(NORTH, 120000)
		doc = self.review(agenda=[{"kind": "Off Target", "topic": "Made up", "value": 1, "kpi": "deals"}])
		self.assertEqual([row.value for row in rows(doc, "Off Target")], [80000.0])
		rows(doc, "Off Target")[0].value = 5.0
		doc.append("agenda", {"kind": "Biggest Mover", "topic": "Mine", "told": "Made up", "value": 7})
		doc.event, doc.review_key = "someone-elses", "x"
		doc.save()
		self.assertEqual([row.value for row in rows(doc, "Off Target")], [80000.0])
		told = [(row.topic, row.told, row.value or 0) for row in rows(doc, "Topic")]
		self.assertEqual(told, [("Made up", None, 0), ("Mine", None, 0)])
		self.assertFalse(doc.event)
		self.assertEqual(doc.review_key, reviews.key_of(doc))

	def test_a_period_without_data_and_a_team_without_members(self) -> None:
		doc = self.review(period_start="2012-03-17")
		self.assertEqual((str(doc.period_start), str(doc.period_end)), ("2012-03-01", "2012-03-31"))
		self.assertEqual(doc.agenda, [])
		doc = self.review(sales_person=EMPTY, leader=IDLE)
		self.assertEqual((doc.agenda, [row.user for row in doc.participants]), ([], [IDLE]))
		doc.submit()
		self.assertEqual(doc.docstatus, 1)

	def test_in_the_language_and_calendar_of_the_leader(self) -> None:
		frappe.db.set_value("User", LEAD, "language", "fa")
		agree(NORTH, 120000)
		doc = self.review()
		self.assertRegex(doc.period, "[۰-۹]{4}")
		self.assertRegex(rows(doc, "Off Target")[0].told, "نسبت به")
		doc = self.review(calendar="Jalali")
		self.assertRegex(doc.period, "فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند")
		self.assertEqual(frappe.local.lang, "en")

	# What is refused

	def test_each_in_one_sentence(self) -> None:
		for values, *texts in (
			({"sales_person": None}, "Say which team or salesperson"),
			({"sales_person": ANN}, "is no team"),
			({"period_start": add_months(MONTH, 2)}, "has not begun yet"),
			({"leader": BOBS}, "may not see the figures of", "choose a leader who may"),
			({"leader": IDLE}, "may not see the figures of"),
			({"participants": [{"user": ANNS}, {"user": ANNS}]}, "is listed twice"),
			({"participants": [{"user": CLERK}]}, "has no role that may read reviews"),
		):
			with self.subTest(texts), self.refused(frappe.ValidationError, *texts):
				self.review(**values)
		with self.refused(frappe.PermissionError, "There are no figures of"):
			self.review(company=OTHER)
		frappe.db.set_value("User", GONE, "enabled", 0)
		with self.refused(frappe.ValidationError, "is disabled and can’t take part"):
			self.review(participants=[{"user": GONE}])
		with self.refused(frappe.ValidationError, "is disabled. Give the action to somebody else."):
			self.held(actions=[action(user=GONE)])

	def test_without_a_leader(self) -> None:
		with self.refused(frappe.ValidationError, "Say who leads the review."):
			self.review(leader="")
		with as_user(LEAD):
			self.assertEqual(self.review(leader=None).leader, LEAD, "whoever plans it leads it")

	def test_one_of_a_scope_and_a_period(self) -> None:
		first = self.review()
		with self.refused(frappe.ValidationError, "There is a review of", first.name):
			self.review(period_start=add_days(LAST, 9))
		self.review(review_for="Salesperson", sales_person=ANN)
		first.submit()
		first.cancel()
		self.assertIsNone(frappe.db.get_value(REVIEW, first.name, "review_key"))
		self.review()

	# Who may

	def test_participants_and_their_line_and_nobody_else(self) -> None:
		team = self.review(participants=[{"user": ANNS}])
		self.assertEqual(readers(team), {LEAD, ANNS, HEAD, BOSS})
		self.assertEqual(readers(team, "print"), {LEAD, ANNS, HEAD, BOSS})
		for ptype in ("write", "submit", "cancel", "delete", "email"):
			self.assertEqual(readers(team, ptype), {LEAD, HEAD, BOSS}, ptype)
		own = self.review(review_for="Salesperson", sales_person=BOB, participants=[{"user": BOBS}])
		self.assertEqual(readers(own), {LEAD, BOBS, HEAD, BOSS})
		apart = self.review(review_for="Salesperson", sales_person=ANN, participants=[{"user": LEAD}])
		self.assertEqual(readers(apart), {LEAD, HEAD, BOSS}, "who doesn't take part doesn't see the own")
		company = self.review(review_for="Company", leader=BOSS, participants=[{"user": ANNS}])
		self.assertEqual(
			readers(company), {BOSS, ANNS}, "a lead of who takes part sees no figures of the company"
		)
		asked = self.review(
			review_for="Salesperson", sales_person=ANN, period_start=BEFORE, participants=[{"user": SYSTEM}]
		)
		self.assertIn(SYSTEM, readers(asked))
		everything = {team.name: {LEAD, ANNS, HEAD, BOSS}, own.name: readers(own), apart.name: readers(apart),
			company.name: readers(company), asked.name: readers(asked)}  # fmt: skip
		for user in USERS:
			self.assertEqual(listed(user), {name for name, of in everything.items() if user in of}, user)
			for table in ("KPI Review Item", "KPI Review Action", "KPI Review Participant"):
				self.assertLessEqual(of_table(user, table), listed(user), (user, table))
		self.assertTrue(of_table(ANNS, "KPI Review Item"))

	def test_user_permissions_and_disabled_users(self) -> None:
		doc = self.review()
		permit(BOSS, "Company", OTHER)
		frappe.db.set_value("User", ANNS, "enabled", 0)
		self.assertEqual(readers(doc), {LEAD, BOBS, HEAD})
		self.assertEqual((listed(BOSS), listed(ANNS)), (set(), set()))

	def test_nobody_makes_oneself_a_reader(self) -> None:
		doc = self.review()
		for user in (CIDS, SYSTEM):
			with as_user(user):
				told = frappe.get_doc(REVIEW, doc.name)
				told.leader = user
				told.append("participants", {"user": user})
				with self.assertRaises(frappe.PermissionError):
					told.save()
				with self.assertRaises(frappe.PermissionError):
					frappe.get_doc(REVIEW, doc.name).check_permission("read")
				with self.assertRaises(frappe.PermissionError):
					reviews.refresh_agenda(doc.name)
		with as_user(CIDS), self.assertRaises(frappe.PermissionError):
			self.review(sales_person=REGION, leader=HEAD)
		with as_user(BOBS), self.assertRaises(frappe.PermissionError):
			told = frappe.get_doc(REVIEW, doc.name)
			told.append("actions", action())
			told.save()

	def test_print_and_report(self) -> None:
		doc = self.review(agenda=[], minutes="Between us")
		for user, may in ((ANNS, True), (HEAD, True), (CIDS, False), (SYSTEM, False)):
			with as_user(user):
				try:
					html = frappe.get_print(REVIEW, doc.name, "KPI Review")
					frappe.get_doc(REVIEW, doc.name).check_permission("print")
				except frappe.PermissionError:
					html = ""
				self.assertEqual("Between us" in html, may, user)
				found = frappe.get_list(
					REVIEW, {"name": doc.name}, ["name", "minutes", "`tabKPI Review Participant`.user"]
				)
				self.assertEqual(bool(found), may, user)

	def test_what_becomes_of_it_is_told_to_nobody_else(self) -> None:
		"""A ToDo and an entry in the calendar share nothing of the review with whoever gets them."""
		doc = self.review(
			meeting_on=f"{getdate()} 10:00:00", actions=[action(user=CIDS)], minutes="Between us"
		)
		doc.submit()
		self.assertNotIn(CIDS, readers(doc))
		todo = frappe.get_doc("ToDo", doc.actions[0].todo)
		self.assertTrue(todo.has_permission("read", user=CIDS))
		self.assertFalse(frappe.db.exists("DocShare", {"share_doctype": REVIEW}))
		event = frappe.get_doc("Event", doc.event)
		self.assertEqual(
			{user for user in USERS if event.has_permission("read", user=user)}, {LEAD, ANNS, BOBS}
		)
		self.assertNotIn("80,000", str(event.as_dict()) + str(todo.as_dict()))

	# Actions

	def test_the_next_review_says_whether_the_kpi_moved(self) -> None:
		told = [
			action("Visit five customers"),
			action("Offer fewer discounts", "average_deal_value", LEAD),
			action("Tidy up", None, BOBS),
		]
		first = self.held(period_start=BEFORE, actions=told)
		self.assertEqual(
			[row.value_then for row in first.actions], [invoiced(BEFORE, ANN, BOB), 35000.0, 0.0]
		)
		visit, _discounts, tidy = (frappe.get_doc("ToDo", row.todo) for row in first.actions)
		self.assertEqual(
			(visit.allocated_to, visit.date, visit.status, visit.reference_name, visit.assigned_by),
			(ANNS, add_days(getdate(), 7), "Open", first.name, LEAD),
		)
		visit.status = "Closed"
		visit.save()
		tidy.status = "Cancelled"
		tidy.save()
		frappe.db.set_value("KPI Review Action", first.actions[1].name, "due_date", add_days(getdate(), -1))
		doc = self.review()
		kept = {row.topic: row for row in rows(doc, "Last Action")}
		row = kept["Visit five customers"]
		self.assertEqual(
			(row.action_status, row.moved, row.value_then, row.value),
			("Done", "Better", 70000.0, invoiced(LAST, ANN, BOB)),
		)
		self.assertRegex(row.told, r"Done · .*\n.*70,000.* in .*80,000.* in .* \(better\)")
		row = kept["Offer fewer discounts"]
		self.assertEqual((row.action_status, row.value_then, row.value), ("Open", 35000.0, 40000.0))
		self.assertIn("Open and overdue", row.told)
		self.assertEqual((kept["Tidy up"].action_status, kept["Tidy up"].moved), ("Dropped", None))
		# The one after that still tells of what is open, and no more of what was done.
		doc.submit()
		later = self.review(period_start=MONTH)
		self.assertEqual([row.topic for row in rows(later, "Last Action")], ["Offer fewer discounts"])
		self.assertEqual(rows(later, "Last Action")[0].moved, "Not Known")

	def test_whether_a_change_is_a_good_one(self) -> None:
		volume, churn, deals = (catalogue.kpi(name) for name in ("sales_volume", "churn_rate", "deals"))
		self.assertEqual(review_actions.direction(volume, 100.0, 120.0), "Better")
		self.assertEqual(review_actions.direction(volume, 100.0, 80.0), "Worse")
		self.assertEqual(review_actions.direction(churn, 0.1, 0.2), "Worse")
		self.assertEqual(review_actions.direction(churn, 0.2, 0.1), "Better")
		self.assertEqual(review_actions.direction(volume, 100.0, 100.05), "Unchanged")
		self.assertEqual(review_actions.direction(churn, 0.2, 0.1, is_few=True), "Not Known")
		self.assertEqual(review_actions.direction(deals, 1.0, 2.0), "Not Known")

	def test_action_and_todo_follow_each_other(self) -> None:
		doc = self.held(actions=[action()])
		todo = frappe.get_doc("ToDo", doc.actions[0].todo)
		for status, expected in (
			("Closed", "Done"),
			("Open", "Open"),
			("Cancelled", "Dropped"),
			("Open", "Open"),
		):
			todo.status = status
			todo.save()
			doc.reload()
			self.assertEqual(doc.actions[0].status, expected)
		with as_user(LEAD):
			doc = frappe.get_doc(REVIEW, doc.name)
			doc.actions[0].update({"status": "Done", "due_date": add_days(getdate(), 9)})
			doc.append("actions", action("One more", "deals", BOBS, todo=todo.name, value_then=5))
			doc.save()
		todo.reload()
		self.assertEqual((todo.status, todo.date), ("Closed", add_days(getdate(), 9)))
		doc.reload()
		self.assertNotIn(doc.actions[1].todo, ("", None, todo.name))
		self.assertEqual(doc.actions[1].value_then, 2.0)
		doc.actions[0].what = "Something else"
		with self.assertRaises(frappe.UpdateAfterSubmitError):
			doc.save()
		frappe.delete_doc("ToDo", doc.actions[1].todo)
		doc.reload()
		self.assertEqual((doc.actions[1].todo, doc.actions[1].status), ("", "Open"))

	def test_cancel_and_amend(self) -> None:
		agree(NORTH, 120000)
		doc = self.review(
			meeting_on=f"{getdate()} 10:00:00", actions=[action(), action("Done already", status="Done")]
		)
		rows(doc, "Off Target")[0].notes = "Said"
		doc.save()
		doc.submit()
		first = doc.actions[0].todo
		self.assertFalse(doc.actions[1].todo, "what is done needs no ToDo")
		doc.cancel()
		self.assertEqual(frappe.db.get_value("ToDo", first, "status"), "Cancelled")
		self.assertEqual(frappe.db.get_value("Event", doc.event, "status"), "Cancelled")
		self.assertEqual(frappe.db.get_value("KPI Review Action", doc.actions[0].name, "status"), "Open")
		again = frappe.copy_doc(doc, ignore_no_copy=False)
		again.update({"amended_from": doc.name, "docstatus": 0})
		again.insert()
		again.submit()
		self.assertEqual([row.notes for row in rows(again, "Off Target")], ["Said"])
		self.assertEqual([row.value for row in rows(again, "Off Target")], [80000.0])
		self.assertNotIn(again.event, ("", doc.event))
		self.assertNotIn(again.actions[0].todo, ("", None, first))
		self.assertEqual(frappe.db.count("ToDo", {"reference_name": again.name, "status": "Open"}), 1)

	def test_someone_elses_todo_follows_nothing(self) -> None:
		doc = self.held(actions=[action()])
		other = insert(
			"ToDo", description="Mine", reference_type=REVIEW, reference_name=doc.name, allocated_to=BOBS
		)
		other.status = "Closed"
		other.save()
		doc.reload()
		self.assertEqual(doc.actions[0].status, "Open")

	# Meeting

	def test_the_calendar_follows(self) -> None:
		doc = self.review(participants=[{"user": ANNS}], duration=30)
		self.assertFalse(doc.event)
		begin = get_datetime(f"{add_days(getdate(), 3)} 10:00:00")
		doc.meeting_on = begin
		doc.save()
		event = frappe.get_doc("Event", doc.event)
		self.assertEqual(
			(event.starts_on, event.ends_on, event.event_type, event.owner, event.status),
			(begin, begin + timedelta(minutes=30), "Private", LEAD, "Open"),
		)
		self.assertEqual({row.reference_docname for row in event.event_participants}, {LEAD, ANNS})
		self.assertNotEqual(
			event.event_category, "Meeting", "it would be counted as a meeting with a customer"
		)
		doc.meeting_on = begin + timedelta(days=1)
		doc.append("participants", {"user": BOBS})
		doc.set("participants", [row for row in doc.participants if row.user != ANNS])
		doc.save()
		event.reload()
		self.assertEqual(event.starts_on, begin + timedelta(days=1))
		self.assertEqual({row.reference_docname for row in event.event_participants}, {LEAD, BOBS})
		self.assertFalse(event.has_permission("read", user=ANNS))
		doc.meeting_on = None
		doc.save()
		self.assertEqual(frappe.db.get_value("Event", doc.event, "status"), "Cancelled")
		doc.meeting_on = begin
		doc.save()
		self.assertEqual(frappe.db.count("Event", {"name": doc.event, "status": "Open"}), 1)
		doc.submit()
		self.assertEqual(frappe.db.get_value("Event", doc.event, "status"), "Completed")
		gone = self.review(period_start=BEFORE, meeting_on=begin)
		gone.delete()
		self.assertFalse(frappe.db.exists("Event", gone.event))

	def test_minutes_are_mailed_to_those_who_can_get_them(self) -> None:
		agree(NORTH, 120000)
		doc = self.review(
			send_minutes=1, actions=[action(EVIL)], minutes="First line\n<b onclick=alert(3)>Second</b>"
		)
		rows(doc, "Off Target")[0].notes = EVIL
		doc.save()
		frappe.db.set_value("User", BOBS, "enabled", 0)
		frappe.db.set_value("User", ANNS, "language", "fa")
		doc.submit()
		mails = frappe.get_all(
			"Email Queue", {"reference_doctype": REVIEW, "reference_name": doc.name}, pluck="name"
		)
		sent = {to: html_of(name) for name in mails for to in recipients(name)}
		self.assertEqual(set(sent), {LEAD, ANNS})
		self.assertIn('dir="rtl" lang="fa"', sent[ANNS])
		self.assertIn('dir="ltr" lang="en"', sent[LEAD])
		for html in sent.values():
			self.assertIn("80,000", html)
			self.assertIn("Call", html)
			self.assertNotRegex(html, r"<script|<img src=x|<b onclick")
		self.assertIn("Bob", " ".join(str(one) for one in frappe.get_message_log()).title())

	def test_a_mail_that_fails_stops_nothing(self) -> None:
		from unittest.mock import patch

		doc = self.review(send_minutes=1)
		with patch("frappe.sendmail", side_effect=frappe.OutgoingEmailError("no account")):
			doc.submit()
		self.assertEqual(frappe.db.get_value(REVIEW, doc.name, "docstatus"), 1)

	def test_print_escapes_and_runs_from_right_to_left(self) -> None:
		agree(NORTH, 120000)
		doc = self.review(actions=[action("Call")], minutes="Plain")
		# Frappe cleans what is saved; what got there otherwise does nothing either.
		frappe.db.set_value(REVIEW, doc.name, {"title": EVIL, "minutes": EVIL, "period": EVIL})
		for table in ("KPI Review Item", "KPI Review Action"):
			fields = (
				{"notes": EVIL, "topic": EVIL, "told": EVIL} if table.endswith("Item") else {"what": EVIL}
			)
			frappe.db.set_value(table, {"parent": doc.name}, fields)
		frappe.db.set_value("KPI Review Participant", {"parent": doc.name}, "full_name", EVIL)
		html = frappe.get_print(REVIEW, doc.name, "KPI Review")
		self.assertNotRegex(html, r"<script>alert|<img src=x")
		self.assertIn("&lt;script&gt;alert(1)", html)
		self.assertIn('class="kpi-review" dir="ltr"', html)
		told = frappe.get_doc(REVIEW, doc.name)
		for template in ("templates/emails/kpi_review.html",):
			mail = frappe.get_template(template).render({"link": "x", **review_meeting.told(told)})
			self.assertNotRegex(mail, r"<script>alert|<img src=x")
		with in_language("fa"):
			self.assertIn('class="kpi-review" dir="rtl"', frappe.get_print(REVIEW, doc.name, "KPI Review"))

	# Schedule

	def drafts(self) -> dict[str, Any]:
		return {
			row.sales_person: row
			for row in frappe.get_all(
				REVIEW, {"company": COMPANY}, ["name", "sales_person", "leader", "owner", "period_start"]
			)
		}

	def test_once_of_each_team_with_a_lead(self) -> None:
		self.assertEqual(reviews.create(DAY - timedelta(days=1)), 0, "not before its day")
		self.assertEqual(reviews.create(DAY + timedelta(days=8)), 0, "not when it is stale")
		self.assertEqual(reviews.create(DAY), 2)
		drafts = self.drafts()
		self.assertEqual({name: row.leader for name, row in drafts.items()}, {NORTH: LEAD, REGION: HEAD})
		self.assertEqual((drafts[NORTH].owner, drafts[NORTH].period_start), (LEAD, LAST))
		self.assertTrue(
			frappe.db.exists("Notification Log", {"for_user": LEAD, "document_name": drafts[NORTH].name})
		)
		self.assertEqual(reviews.create(DAY), 0)
		# One that its leader has deleted isn't created again.
		frappe.delete_doc(REVIEW, drafts[NORTH].name)
		frappe.db.commit()
		self.assertEqual(reviews.create(DAY), 0)
		self.assertEqual(set(self.drafts()), {REGION})

	def test_in_parallel(self) -> None:
		# What other tests have done and undone is still held.
		frappe.db.rollback()
		printed = self.of_two_at_once(
			f"from datetime import date\nfrom sales_kpi.site.reviews import create\nprint(create(date.fromisoformat('{DAY}')))"
		)
		frappe.db.rollback()
		self.assertEqual(sum(printed), 2)
		self.assertEqual(set(self.drafts()), {NORTH, REGION})
		self.assertEqual(frappe.db.count(REVIEW, {"company": COMPANY}), 2)

	def test_of_salespeople_too_and_never(self) -> None:
		frappe.db.set_value("User", HEAD, "enabled", 0)
		frappe.db.commit()
		change_settings(review_salespeople=1)
		self.assertEqual(reviews.create(DAY), 3)
		self.assertEqual(
			{name: row.leader for name, row in self.drafts().items()}, dict.fromkeys((NORTH, ANN, BOB), LEAD)
		)
		change_settings(create_reviews="Never", review_salespeople=0)
		self.assertEqual(reviews.create(DAY), 0)
		change_settings(create_reviews="Monthly")
		frappe.db.commit()

	def test_settings(self) -> None:
		with self.refused(frappe.ValidationError, "must be from 1 to 60"):
			change_settings(review_after_days=90)

	# Names

	def test_a_title_follows_a_rename(self) -> None:
		doc = self.review(review_for="Salesperson", sales_person=BOB)
		new = f"{BOB} the Second"
		frappe.rename_doc("Sales Person", BOB, new, force=True)
		self.addCleanup(self.put_back, new)
		doc.reload()
		self.assertEqual((doc.sales_person, doc.title), (new, f"{new} · {doc.period}"))

	@staticmethod
	def put_back(new: str) -> None:
		if frappe.db.exists("Sales Person", new):
			frappe.rename_doc("Sales Person", new, BOB, force=True)
			frappe.db.commit()

	def test_a_user_who_is_deleted_stays_in_the_minutes(self) -> None:
		doc = self.held(participants=[{"user": GONE}])
		frappe.delete_doc("User", GONE, force=False)
		self.assertIn(GONE, [row.user for row in frappe.get_doc(REVIEW, doc.name).participants])

	def test_whoever_asks_to_be_forgotten(self) -> None:
		from sales_kpi.site import personal_data

		doc = self.held(review_for="Salesperson", sales_person=BOB, actions=[action(user=BOBS)])
		former = personal_data.forget(BOBS)
		doc.reload()
		self.assertEqual((doc.sales_person, doc.actions[0].allocated_to), (former, former))
		self.assertIn(former, [row.user for row in doc.participants])
		named = re.findall(f"{re.escape(BOB)}|{re.escape(BOBS)}", frappe.as_json(doc.as_dict()))
		self.assertEqual(named, [])
