"""The transition log, driven through ERPNext's own documents and jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import frappe
from frappe.utils import add_days, getdate, now_datetime, nowdate

from sales_kpi.site import transitions
from sales_kpi.tests.base import (
	SiteTestCase,
	change_settings,
	date_back,
	ensure_company,
	ensure_employee,
	ensure_sales_person,
	ensure_user,
	insert,
	invoice_order,
	is_16,
	make_lead,
	make_opportunity,
	make_quotation,
	make_return,
	order_quotation,
	unique,
)

COMPANY = "KPI Log Company"
ANN = "log-ann@kpi.test"
BOB = "log-bob@kpi.test"
ROLES = (
	"Sales User",
	"Sales Manager",
	"Sales Master Manager",
	"Accounts User",
	"Accounts Manager",
	"System Manager",
)


class LogCase(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		ensure_company(COMPANY)
		for user in (ANN, BOB):
			ensure_user(user, *ROLES)
		with as_job():
			transitions.begin()

	def setUp(self) -> None:
		super().setUp()
		frappe.set_user(ANN)

	def assert_history(
		self, doctype: str, name: str, *expected: tuple[str, str, str], fieldname: str = "status"
	) -> None:
		"""Rows of one field: old, new, user; without the first, which says in which state it was first seen."""
		rows = history(doctype, name, fieldname)
		self.assertEqual(rows[0].old_value, rows[0].new_value)
		self.assertEqual([(row.old_value, row.new_value, row.user) for row in rows[1:]], list(expected))
		times = [row.changed_at for row in rows]
		self.assertEqual(times, sorted(set(times)))

	def lead(self, **values: Any) -> Any:
		return make_lead(unique("Lead"), COMPANY, ANN, nowdate(), **values)


def history(doctype: str, name: str, fieldname: str = "status") -> list[Any]:
	"""The logged rows of a field, oldest first."""
	return list(
		frappe.get_all(
			transitions.LOG,
			filters={"reference_doctype": doctype, "reference_name": name, "fieldname": fieldname},
			fields=["name", "old_value", "new_value", "user", "changed_at", "estimated", "creation"],
			order_by="changed_at asc, creation asc",
		)
	)


@contextmanager
def as_job() -> Iterator[None]:
	"""Run as the scheduler does, but without ending the transaction of the test."""
	before = frappe.session.user
	frappe.set_user("Administrator")
	try:
		with patch.object(transitions, "_keep"):
			yield
	finally:
		frappe.set_user(before)


def sweep() -> None:
	with as_job():
		transitions.sweep()


def errors() -> list[str]:
	return list(frappe.get_all("Error Log", filters={"method": ("like", "Sales KPI:%")}, pluck="method"))


class TestRecord(LogCase):
	"""What is seen as it happens."""

	def test_chain_from_lead_to_amendment(self) -> None:
		lead = self.lead()
		opportunity = make_opportunity(lead, nowdate(), 500)
		self.assert_history("Lead", lead.name, ("Lead", "Opportunity", ANN))
		quotation = make_quotation(opportunity, nowdate())
		self.assert_history("Opportunity", opportunity.name, ("Open", "Quotation", ANN))
		self.assert_history("Quotation", quotation.name, ("Draft", "Open", ANN))
		self.assertEqual(
			history("Lead", lead.name)[-1].new_value, frappe.db.get_value("Lead", lead.name, "status")
		)
		frappe.set_user(BOB)
		order = order_quotation(quotation, nowdate())
		self.assert_history("Quotation", quotation.name, ("Draft", "Open", ANN), ("Open", "Ordered", BOB))
		self.assert_history(
			"Opportunity", opportunity.name, ("Open", "Quotation", ANN), ("Quotation", "Converted", BOB)
		)
		invoice = invoice_order(order, nowdate())
		make_return(invoice, nowdate())
		self.assertEqual(len(history("Opportunity", opportunity.name)), 3)
		# Customer.after_insert made the lead Converted by SQL: nobody saw it.
		sweep()
		self.assertEqual(frappe.db.get_value("Lead", lead.name, "status"), "Converted")
		self.assertEqual(history("Lead", lead.name)[-1].new_value, "Converted")

	def test_cancelled_order_reopens(self) -> None:
		lead = self.lead()
		opportunity = make_opportunity(lead, nowdate(), 500)
		quotation = make_quotation(opportunity, nowdate())
		order = order_quotation(quotation, nowdate())
		order.reload()
		order.cancel()
		again = frappe.copy_doc(order)
		again.update({"amended_from": order.name, "docstatus": 0})
		again.insert()
		again.submit()
		self.assertEqual(
			[row.new_value for row in history("Quotation", quotation.name)],
			["Draft", "Open", "Ordered", "Open", "Ordered"],
		)
		self.assertEqual(
			[row.new_value for row in history("Opportunity", opportunity.name)],
			["Open", "Quotation", "Converted", "Quotation", "Converted"],
		)
		again.reload()
		again.cancel()
		quotation.reload()
		quotation.cancel()
		self.assertEqual(history("Quotation", quotation.name)[-1].new_value, "Cancelled")
		self.assertEqual(history("Opportunity", opportunity.name)[-1].new_value, "Open")
		self.assertTrue(all(row.user == ANN for row in history("Opportunity", opportunity.name)[1:]))

	def test_amended_quotation_has_a_history_of_its_own(self) -> None:
		opportunity = make_opportunity(self.lead(), nowdate(), 100)
		quotation = make_quotation(opportunity, nowdate())
		quotation.reload()
		quotation.cancel()
		self.assert_history("Quotation", quotation.name, ("Draft", "Open", ANN), ("Open", "Cancelled", ANN))
		again = frappe.copy_doc(quotation)
		again.update({"amended_from": quotation.name, "docstatus": 0})
		again.insert()
		again.submit()
		self.assert_history("Quotation", again.name, ("Draft", "Open", ANN))

	def test_one_lost_of_two_quotations_does_not_lose_the_opportunity(self) -> None:
		"""Version 15 writes Lost on the opportunity, and in the next breath Quotation again."""
		opportunity = make_opportunity(self.lead(), nowdate(), 100)
		first, _second = make_quotation(opportunity, nowdate()), make_quotation(opportunity, nowdate())
		doc = frappe.get_doc("Quotation", first.name)
		doc.declare_enquiry_lost([], [], "too dear")
		self.assertEqual(frappe.db.get_value("Opportunity", opportunity.name, "status"), "Quotation")
		self.assert_history("Opportunity", opportunity.name, ("Open", "Quotation", ANN))
		self.assert_history("Quotation", first.name, ("Draft", "Open", ANN), ("Open", "Lost", ANN))
		sweep()
		self.assert_history("Opportunity", opportunity.name, ("Open", "Quotation", ANN))

	def test_an_object_does_not_correct_what_another_one_changed_since(self) -> None:
		name = self.lead().name
		doc = frappe.get_doc("Lead", name)
		doc.db_set("status", "Open")
		frappe.get_doc("Lead", name).db_set("status", "Replied")
		doc.db_set("status", "Open")
		self.assert_history(
			"Lead", name, ("Lead", "Open", ANN), ("Open", "Replied", ANN), ("Replied", "Open", ANN)
		)

	def test_lost_quotation_loses_its_opportunity(self) -> None:
		opportunity = make_opportunity(self.lead(), nowdate(), 100)
		frappe.get_doc("Quotation", make_quotation(opportunity, nowdate()).name).declare_enquiry_lost(
			[], [], ""
		)
		self.assert_history(
			"Opportunity", opportunity.name, ("Open", "Quotation", ANN), ("Quotation", "Lost", ANN)
		)

	def test_declared_lost_and_opened_again(self) -> None:
		name = make_opportunity(self.lead(), nowdate(), 100).name
		frappe.get_doc("Opportunity", name).declare_enquiry_lost([], [], "no budget")
		frappe.set_user(BOB)
		doc = frappe.get_doc("Opportunity", name)
		doc.status = "Open"
		doc.save()
		self.assert_history("Opportunity", name, ("Open", "Lost", ANN), ("Lost", "Open", BOB))

	def test_stage_owner_amount_and_expected_closing(self) -> None:
		stage = insert("Sales Stage", stage_name=unique("Stage")).name
		name = make_opportunity(self.lead(), nowdate(), 100).name
		doc = frappe.get_doc("Opportunity", name)
		doc.update(
			{
				"sales_stage": stage,
				"opportunity_owner": BOB,
				"opportunity_amount": "1250.50",
				"expected_closing": "2026-12-31",
			}
		)
		doc.save()
		told = {
			field: history("Opportunity", name, field)[-1].new_value
			for field in transitions.TRACKED["Opportunity"]
		}
		self.assertEqual(told["sales_stage"], stage)
		self.assertEqual(told["opportunity_owner"], BOB)
		self.assertEqual(
			float(told["opportunity_amount"]),
			float(frappe.db.get_value("Opportunity", name, "opportunity_amount")),
		)
		self.assertEqual(told["expected_closing"], "2026-12-31")
		count = frappe.db.count(transitions.LOG, {"reference_name": name})
		frappe.get_doc("Opportunity", name).save()
		sweep()
		self.assertEqual(frappe.db.count(transitions.LOG, {"reference_name": name}), count)

	def test_values_are_the_same_text_wherever_they_come_from(self) -> None:
		from datetime import date, datetime
		from decimal import Decimal

		def text(fieldname: str, value: Any) -> str:
			return transitions.as_text(frappe._dict(doctype="Opportunity", **{fieldname: value}), fieldname)

		for same in (1000, 1000.0, "1000", "1000.00", Decimal("1000.000000000")):
			self.assertEqual(text("opportunity_amount", same), "1000")
		for same in (0, None, "", -0.0, "0.0"):
			self.assertEqual(text("opportunity_amount", same), "0")
		for same in (date(2026, 1, 31), "2026-01-31", datetime(2026, 1, 31, 5)):
			self.assertEqual(text("expected_closing", same), "2026-01-31")
		self.assertEqual(text("expected_closing", None), "")
		self.assertEqual(len(text("status", "x" * 500)), 255)

	def test_db_set_is_seen(self) -> None:
		name = self.lead().name
		frappe.get_doc("Lead", name).db_set("status", "Do Not Contact")
		self.assert_history("Lead", name, ("Lead", "Do Not Contact", ANN))

	def test_bulk_status(self) -> None:
		from erpnext.crm.doctype.opportunity.opportunity import set_multiple_status

		names = [make_opportunity(self.lead(), nowdate(), 10).name for _ in range(2)]
		set_multiple_status(frappe.as_json(names), "Closed")
		for name in names:
			self.assert_history("Opportunity", name, ("Open", "Closed", ANN))

	def test_no_person_in_scheduled_jobs_scripts_and_for_guests(self) -> None:
		name = self.lead().name
		frappe.set_user("Administrator")
		frappe.get_doc("Lead", name).db_set("status", "Open")
		self.assertEqual(history("Lead", name)[-1].user, "")
		frappe.set_user("Guest")
		frappe.get_doc("Lead", name).db_set("status", "Replied")
		self.assertEqual(history("Lead", name)[-1].user, "")
		frappe.set_user(ANN)
		# "Execute" in the list of scheduled jobs: a person pressed it, but isn't who decides about leads.
		before = getattr(frappe.local, "job", None)
		frappe.local.job = frappe._dict(method=transitions.SCHEDULED)
		try:
			frappe.get_doc("Lead", name).db_set("status", "Interested")
		finally:
			frappe.local.job = before
		self.assertEqual(history("Lead", name)[-1].user, "")

	def test_administrator_in_a_request_is_a_person(self) -> None:
		name = self.lead().name
		frappe.set_user("Administrator")
		before = getattr(frappe.local, "request", None)
		frappe.local.request = frappe._dict(method="POST", path="/", headers={}, cookies={})
		try:
			self.assertEqual(transitions._person(), "Administrator")
		finally:
			frappe.local.request = before
		frappe.get_doc("Lead", name).db_set("status", "Open")
		self.assertEqual(history("Lead", name)[-1].user, "")

	def test_incoming_mail(self) -> None:
		"""Version 15 opens whatever mail refers to, version 16 only what was Replied. Neither is a person's doing."""
		names = {}
		for status in ("Lost", "Replied"):
			doc = make_opportunity(self.lead(), nowdate(), 10)
			doc.status = status
			doc.save()
			names[status] = doc.name
			insert(
				"Communication",
				communication_type="Communication",
				communication_medium="Email",
				sent_or_received="Received",
				subject="Re: offer",
				content="Hello",
				sender="customer@example.com",
				reference_doctype="Opportunity",
				reference_name=doc.name,
			)
		self.assert_history(
			"Opportunity", names["Replied"], ("Open", "Replied", ANN), ("Replied", "Open", "")
		)
		expected = [("Open", "Lost", ANN)] if is_16() else [("Open", "Lost", ANN), ("Lost", "Open", "")]
		self.assert_history("Opportunity", names["Lost"], *expected)
		frappe.get_doc("Opportunity", names["Lost"]).db_set("status", "Closed")
		self.assertEqual(history("Opportunity", names["Lost"])[-1].user, ANN)

	def test_saving_a_received_mail_again_opens_as_nobody(self) -> None:
		lead = self.lead()
		mail = insert(
			"Communication", communication_type="Communication", communication_medium="Email",
			sent_or_received="Received", subject="Hello", content="Hello", reference_doctype="Lead",
			reference_name=lead.name,
		)  # fmt: skip
		frappe.get_doc("Lead", lead.name).db_set("status", "Replied")
		frappe.get_doc("Communication", mail.name).save(ignore_permissions=True)
		rows = history("Lead", lead.name)
		self.assertEqual((rows[-1].old_value, rows[-1].new_value, rows[-1].user), ("Replied", "Open", ""))

	def test_auto_close(self) -> None:
		from erpnext.crm.doctype.opportunity.opportunity import auto_close_opportunity

		doc = make_opportunity(self.lead(), nowdate(), 10)
		doc.status = "Replied"
		doc.save()
		date_back("Opportunity", doc.name, modified=add_days(now_datetime(), -40))
		with as_job():
			auto_close_opportunity()
		self.assert_history("Opportunity", doc.name, ("Open", "Replied", ANN), ("Replied", "Closed", ""))


class TestSweep(LogCase):
	"""What is changed behind the documents' events."""

	def test_customer_converts_and_gives_back_its_lead(self) -> None:
		lead = self.lead()
		customer = insert(
			"Customer", customer_name=unique("Customer"), customer_type="Company", lead_name=lead.name,
			customer_group=frappe.get_all("Customer Group", {"is_group": 0}, pluck="name")[0],
			territory=frappe.get_all("Territory", {"is_group": 0}, pluck="name")[0],
		)  # fmt: skip
		self.assertEqual(frappe.db.get_value("Lead", lead.name, "status"), "Converted")
		self.assert_history("Lead", lead.name)
		sweep()
		self.assert_history("Lead", lead.name, ("Lead", "Converted", ""))
		customer.reload()
		customer.delete(ignore_permissions=True)
		self.assertEqual(frappe.db.get_value("Lead", lead.name, "status"), "Interested")
		sweep()
		self.assert_history("Lead", lead.name, ("Lead", "Converted", ""), ("Converted", "Interested", ""))
		sweep()
		self.assertEqual(len(history("Lead", lead.name)), 3)

	def test_todays_event_opens_what_was_lost(self) -> None:
		from erpnext.crm.utils import open_leads_opportunities_based_on_todays_event

		doc = make_opportunity(self.lead(), nowdate(), 10)
		doc.status = "Lost"
		doc.save()
		insert(
			"Event", subject="Visit", event_type="Private", event_category="Meeting", starts_on=now_datetime(),
			event_participants=[{"reference_doctype": "Opportunity", "reference_docname": doc.name}],
		)  # fmt: skip
		with as_job():
			open_leads_opportunities_based_on_todays_event()
		sweep()
		self.assert_history("Opportunity", doc.name, ("Open", "Lost", ANN), ("Lost", "Open", ""))

	def test_expired_quotation(self) -> None:
		from erpnext.selling.doctype.quotation.quotation import set_expired_status

		quotation = make_quotation(make_opportunity(self.lead(), nowdate(), 10), nowdate())
		date_back("Quotation", quotation.name, valid_till=add_days(nowdate(), -1))
		with as_job():
			set_expired_status()
		sweep()
		self.assert_history("Quotation", quotation.name, ("Draft", "Open", ANN), ("Open", "Expired", ""))

	def test_next_save_does_not_take_the_blame(self) -> None:
		"""What was changed behind the events is nobody's, though a person saves the document before the sweep comes."""
		name = self.lead().name
		frappe.db.set_value("Lead", name, "status", "Converted")
		frappe.set_user(BOB)
		doc = frappe.get_doc("Lead", name)
		doc.city = "Tehran"
		doc.status = "Do Not Contact"
		doc.save()
		self.assert_history("Lead", name, ("Lead", "Converted", ""), ("Converted", "Do Not Contact", BOB))
		frappe.db.set_value("Lead", name, "lead_owner", BOB, update_modified=False)
		doc = frappe.get_doc("Lead", name)
		doc.city = "Bonn"
		doc.save()
		self.assert_history("Lead", name, (ANN, BOB, ""), fieldname="lead_owner")

	def test_moment_of_an_unseen_change(self) -> None:
		now = now_datetime()
		name = self.lead().name
		for doctype_age, expected in ((0.5, add_days(now, 0)), (30, None)):
			frappe.db.set_value("Lead", name, "status", "Open" if doctype_age < 1 else "Replied")
			moment = frappe.utils.add_to_date(now, hours=-24 * doctype_age)
			date_back("Lead", name, modified=moment)
			sweep()
			row = history("Lead", name)[-1]
			if expected is None:
				self.assertEqual(row.changed_at.date(), getdate())
			else:
				self.assertGreater(row.changed_at, moment - frappe.utils.datetime.timedelta(seconds=1))
			self.assertGreater(row.changed_at, history("Lead", name)[-2].changed_at)

	def test_documents_without_history_are_estimated(self) -> None:
		name = self.lead().name
		frappe.db.delete(transitions.LOG, {"reference_name": name})
		date_back(
			"Lead",
			name,
			status="Do Not Contact",
			creation="2024-01-05 10:00:00",
			modified="2024-02-03 11:00:00",
		)
		sweep()
		(row,) = history("Lead", name)
		self.assertEqual(
			(row.old_value, row.new_value, row.user, row.estimated),
			("Do Not Contact", "Do Not Contact", "", 1),
		)
		self.assertEqual(str(row.changed_at), "2024-02-03 11:00:00")
		self.assertEqual(str(history("Lead", name, "lead_owner")[0].changed_at), "2024-01-05 10:00:00")

	def test_document_saved_before_the_first_log_reaches_it(self) -> None:
		name = self.lead().name
		frappe.db.delete(transitions.LOG, {"reference_name": name})
		date_back("Lead", name, status="Do Not Contact", modified="2024-02-03 11:00:00")
		doc = frappe.get_doc("Lead", name)
		doc.city = "Tehran"
		doc.save()
		(row,) = history("Lead", name)
		self.assertEqual(
			(row.new_value, row.estimated, str(row.changed_at)), ("Do Not Contact", 1, "2024-02-03 11:00:00")
		)

	def test_a_time_in_the_future_does_not_repeat_itself(self) -> None:
		name = self.lead().name
		frappe.db.delete(transitions.LOG, {"reference_name": name})
		date_back("Lead", name, modified=add_days(now_datetime(), 400))
		sweep()
		frappe.get_doc("Lead", name).db_set("status", "Open")
		sweep()
		sweep()
		self.assert_history("Lead", name, ("Lead", "Open", ANN))

	def test_chunks(self) -> None:
		names = [self.lead().name for _ in range(5)]
		frappe.db.delete(transitions.LOG, {"reference_name": ("in", names)})
		with patch.object(transitions, "CHUNK", 2):
			sweep()
		for name in names:
			self.assertEqual(len(history("Lead", name)), 1)

	def test_a_failure_in_one_part_does_not_end_the_sweep(self) -> None:
		doc = make_opportunity(self.lead(), nowdate(), 10)
		frappe.db.set_value("Opportunity", doc.name, "status", "Closed")
		real = transitions._compare

		def failing(doctype: str, documents: list[Any]) -> None:
			if doctype == "Lead":
				raise ValueError("boom")
			real(doctype, documents)

		before = len(errors())
		with patch.object(transitions, "_compare", failing):
			sweep()
		self.assertEqual(history("Opportunity", doc.name)[-1].new_value, "Closed")
		self.assertGreater(len(errors()), before)


class TestBegin(LogCase):
	def test_begin_is_resumable_and_tells_how_far_it_is(self) -> None:
		names = [self.lead().name for _ in range(6)]
		frappe.db.delete(transitions.LOG, {"reference_doctype": "Lead"})
		told: list[float] = []

		def stop_after_first(percent: float, **_: Any) -> None:
			told.append(percent)
			if len(told) == 1:
				raise KeyboardInterrupt

		with as_job(), patch.object(transitions, "CHUNK", 3):
			with patch("frappe.publish_progress", stop_after_first), self.assertRaises(KeyboardInterrupt):
				transitions.begin()
			self.assertLess(
				frappe.db.count(transitions.LOG, {"reference_doctype": "Lead", "fieldname": "status"}), 6
			)
			with patch("frappe.publish_progress", lambda percent, **_: told.append(percent)):
				transitions.begin()
		self.assertEqual(told[1:], sorted(told[1:]))
		self.assertAlmostEqual(told[-1], 100)
		for name in names:
			self.assertEqual(len(history("Lead", name)), 1)

	def test_begin_leaves_the_figures_and_their_estimates_as_they_are(self) -> None:
		"""Old wins, losses and drops rest on `modified` before the log knows them, and on its estimates afterwards."""
		from sales_kpi.api import compute

		frappe.set_user("Administrator")
		for number, status in enumerate(("Lost", "Lost", "Closed", "Converted", "Open")):
			doc = make_opportunity(self.lead(), "2025-02-10", 100 * (number + 1))
			date_back("Opportunity", doc.name, status=status, modified=f"2025-0{3 + number % 3}-04 10:00:00")
		lead = self.lead()
		date_back("Lead", lead.name, status="Do Not Contact", modified="2025-03-01 10:00:00")
		frappe.db.delete(transitions.LOG)

		def figures() -> list[dict[str, Any]]:
			kpis = "win_rate,opportunity_cycle,pipeline_value,lead_conversion_rate"
			told = [
				compute(COMPANY, "2025-01-01", "2025-12-31", by=by, kpis=kpis)
				for by in ("company", "sales-person")
			]
			return [row for rows in told for row in rows]

		before = figures()
		with as_job():
			transitions.begin()
		self.assertEqual(figures(), before)
		rates = [row for row in before if row["kpi"] == "win_rate" and row["value"] is not None]
		self.assertTrue(rates)
		self.assertTrue(all(row["estimated"] == 1 for row in rates))


class TestNames(LogCase):
	"""Renames, merges and deletions."""

	def test_history_follows_a_renamed_document(self) -> None:
		old = make_opportunity(self.lead(), nowdate(), 10).name
		frappe.get_doc("Opportunity", old).db_set("status", "Lost")
		new = unique("OPP")
		frappe.set_user("Administrator")
		frappe.rename_doc("Opportunity", old, new, force=True, show_alert=False)
		self.assertEqual(history("Opportunity", old), [])
		self.assert_history("Opportunity", new, ("Open", "Lost", ANN))

	def test_renamed_user_stage_employee_and_salesperson(self) -> None:
		frappe.set_user("Administrator")
		user = ensure_user(f"{frappe.generate_hash(length=6)}@kpi.test", *ROLES)
		stage = insert("Sales Stage", stage_name=unique("Stage")).name
		employee = ensure_employee(unique("Emp"), COMPANY, user)
		boss = ensure_sales_person(unique("Boss"), is_group=1)
		person = ensure_sales_person(unique("Person"), parent=boss, employee=employee)
		doc = make_opportunity(self.lead(), nowdate(), 10)
		doc.update({"opportunity_owner": user, "sales_stage": stage})
		doc.save()
		new = {
			"User": f"{frappe.generate_hash(length=6)}@kpi.test",
			"Sales Stage": unique("Stage"),
			"Employee": unique("EMP"),
			"Sales Person": unique("Boss"),
		}
		for doctype, old in (
			("User", user),
			("Sales Stage", stage),
			("Employee", employee),
			("Sales Person", boss),
		):
			frappe.rename_doc(doctype, old, new[doctype], force=True, show_alert=False)
		sweep()
		self.assertEqual(history("Opportunity", doc.name, "opportunity_owner")[-1].new_value, new["User"])
		self.assertEqual(history("Opportunity", doc.name, "sales_stage")[-1].new_value, new["Sales Stage"])
		self.assertEqual(len(history("Opportunity", doc.name, "sales_stage")), 2)
		self.assertEqual(
			[row.new_value for row in history("Sales Person", person, "employee")], [new["Employee"]]
		)
		self.assertEqual(
			[row.new_value for row in history("Sales Person", person, "parent_sales_person")],
			[new["Sales Person"]],
		)
		self.assertEqual(
			[row.new_value for row in history("Employee", new["Employee"], "user_id")], [new["User"]]
		)

	def test_merged_documents_keep_their_own_histories(self) -> None:
		frappe.set_user("Administrator")
		one, other = ensure_sales_person(unique("One")), ensure_sales_person(unique("Other"))
		boss = ensure_sales_person(unique("Boss"), is_group=1)
		doc = frappe.get_doc("Sales Person", one)
		doc.parent_sales_person = boss
		doc.save()
		frappe.rename_doc("Sales Person", one, other, merge=True, show_alert=False)
		sweep()
		self.assertEqual(len(history("Sales Person", one, "parent_sales_person")), 2)
		self.assertEqual(len(history("Sales Person", other, "parent_sales_person")), 1)

	def test_deleted_documents_leave_their_history(self) -> None:
		name = self.lead().name
		frappe.get_doc("Lead", name).db_set("status", "Open")
		frappe.set_user("Administrator")
		frappe.delete_doc("Lead", name)
		sweep()
		self.assert_history("Lead", name, ("Lead", "Open", ANN))

	def test_a_name_given_twice_starts_anew(self) -> None:
		"""ERPNext gives the number of the last document again when that is deleted."""
		frappe.set_user("Administrator")
		first = make_opportunity(self.lead(), nowdate(), 10)
		doc = frappe.get_doc("Opportunity", first.name)
		doc.status = "Lost"
		doc.save()
		frappe.delete_doc("Opportunity", first.name)
		second = make_opportunity(self.lead(), nowdate(), 20)
		self.assertEqual(second.name, first.name)
		self.assert_history("Opportunity", second.name)
		self.assertEqual(history("Opportunity", f"{first.name} (deleted)")[-1].new_value, "Lost")


class TestMapping(LogCase):
	def test_settings_employee_and_sales_person(self) -> None:
		frappe.set_user("Administrator")
		one, other = ensure_sales_person(unique("One")), ensure_sales_person(unique("Other"))
		change_settings(mapping=[])
		change_settings(mapping=[{"user": BOB, "sales_person": one}])
		change_settings(
			mapping=[
				{"user": BOB, "sales_person": one, "to_date": "2026-06-30"},
				{"user": BOB, "sales_person": other, "from_date": "2026-07-01"},
			]
		)
		change_settings(mapping=[])
		told = [(row.old_value, row.new_value) for row in history("User", BOB, "sales_person")[-3:]]
		both = f"{one} (…2026-06-30), {other} (2026-07-01…)"
		self.assertEqual(told, [("", one), (one, both), (both, "")])

		employee = ensure_employee(unique("Emp"), COMPANY)
		doc = frappe.get_doc("Employee", employee)
		user = ensure_user(f"{frappe.generate_hash(length=6)}@kpi.test", "Sales User")
		doc.user_id = user
		doc.save()
		self.assert_history("Employee", employee, ("", user, ""), fieldname="user_id")
		person = frappe.get_doc("Sales Person", one)
		person.employee = employee
		person.save()
		self.assert_history("Sales Person", one, ("", employee, ""), fieldname="employee")

	def test_a_mapping_that_cannot_be_logged_is_saved(self) -> None:
		frappe.set_user("Administrator")
		one = ensure_sales_person(unique("One"))
		before = len(errors())
		with patch.object(transitions, "_insert", side_effect=ValueError("boom")):
			change_settings(mapping=[{"user": BOB, "sales_person": one}])
		self.assertEqual(frappe.get_doc("Sales KPI Settings").mapping[0].sales_person, one)
		self.assertEqual(len(errors()), before + 1)


class TestFailure(LogCase):
	"""Ours is never a reason why somebody can't save."""

	def test_failure_is_logged_and_the_document_saved(self) -> None:
		for where in ("_last_seen", "_insert", "as_text", "_person"):
			before = len(errors())
			with self.subTest(where), patch.object(transitions, where, side_effect=ValueError("boom")):
				lead = self.lead()
				self.assertTrue(frappe.db.exists("Lead", lead.name))
				self.assertGreater(len(errors()), before)
				self.assertTrue(errors()[0].startswith("Sales KPI:"))

	def test_failing_sql_leaves_the_transaction_whole(self) -> None:
		name = self.lead().name
		real = frappe.db.sql

		def failing(query: Any, *args: Any, **kwargs: Any) -> Any:
			if "insert" in str(query).lower() and "tabSales Transition" in str(query):
				return real("insert into `tabSales Transition` (no_such_column) values (1)")
			return real(query, *args, **kwargs)

		frappe.db.savepoint("outer_of_test")
		before = len(errors())
		doc = frappe.get_doc("Lead", name)
		with patch.object(frappe.db, "sql", failing):
			doc.status = "Open"
			doc.save()
		self.assertEqual(frappe.db.get_value("Lead", name, "status"), "Open")
		self.assertEqual(len(errors()), before + 1)
		frappe.db.rollback(save_point="outer_of_test")
		self.assertEqual(frappe.db.get_value("Lead", name, "status"), "Lead")

	def test_savepoints_around_ours(self) -> None:
		name = self.lead().name
		frappe.db.savepoint("outer_of_test")
		frappe.get_doc("Lead", name).db_set("status", "Open")
		frappe.db.savepoint("inner_of_test")
		frappe.get_doc("Lead", name).db_set("status", "Replied")
		frappe.db.rollback(save_point="inner_of_test")
		self.assert_history("Lead", name, ("Lead", "Open", ANN))
		frappe.db.rollback(save_point="outer_of_test")
		self.assert_history("Lead", name)

	def test_even_the_error_log_may_fail(self) -> None:
		with (
			patch.object(transitions, "_last_seen", side_effect=ValueError("boom")),
			patch("frappe.log_error", side_effect=ValueError("bang")),
		):
			self.assertTrue(frappe.db.exists("Lead", self.lead().name))

	def test_a_deadlock_is_passed_on(self) -> None:
		"""The database has undone everything by then: to go on would save half of a document."""
		with self.assertRaises(frappe.QueryDeadlockError), transitions.guarded("test"):
			raise frappe.QueryDeadlockError

	def test_nothing_runs_while_the_site_is_rebuilt(self) -> None:
		name = self.lead().name
		for flag in ("in_install", "in_migrate", "in_patch", "in_uninstall"):
			with self.subTest(flag), patch.object(transitions, "_record") as called:
				frappe.flags[flag] = True
				try:
					transitions.record(frappe.get_doc("Lead", name))
				finally:
					frappe.flags[flag] = None
				called.assert_not_called()

	def test_cost(self) -> None:
		"""One SELECT on an index, and at most one INSERT, between two savepoints; no commit."""
		name = self.lead().name
		doc = frappe.get_doc("Lead", name)
		doc.load_doc_before_save()
		doc.status = "Open"
		statements: list[str] = []
		real = frappe.db.sql

		def counted(query: Any, *args: Any, **kwargs: Any) -> Any:
			statements.append(" ".join(str(query).lower().split())[:40])
			return real(query, *args, **kwargs)

		with patch.object(frappe.db, "sql", counted), patch.object(frappe.db, "commit") as commit:
			transitions.record(doc)
			changed, statements[:] = list(statements), []
			transitions.record(doc)
		commit.assert_not_called()
		kinds = [statement.split()[0] for statement in changed]
		self.assertEqual(kinds, ["savepoint", "select", "insert", "release"])
		self.assertEqual(
			[statement.split()[0] for statement in statements], ["savepoint", "select", "release"]
		)
		plan = frappe.db.sql(
			"explain select * from `tabSales Transition` where reference_doctype = 'Lead' and reference_name in (%s)",
			name, as_dict=True,
		)  # fmt: skip
		self.assertTrue(plan[0].key)
