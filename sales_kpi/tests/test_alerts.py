"""Alerts, through ERPNext's own documents: when somebody is told, who, of what, and when nobody is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import add_months, get_first_day, getdate, now_datetime

from sales_kpi.site import alerts
from sales_kpi.site.alerts import (
	ALERT,
	LOG,
	OPEN,
	RECOVERED,
	REPORTED,
	check,
	check_all,
	packed,
	snooze,
	unpacked,
)
from sales_kpi.site.restatements import RESTATEMENT
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
from sales_kpi.tests.test_digest import KPIS, enable, ensure_account, other_managers, parsed, part

COMPANY, OTHER = "KPI Alerts Company", "KPI Alerts Other"
NORTH, ANN, BOB, LEFT = "Alerts North", 'Alerts "Ann" & Co', "Alerts Bob", "Alerts Left"
BOSS, LEAD, ANNS, BOBS = (
	"alerts-boss@kpi.test",
	"alerts-lead@kpi.test",
	"alerts-ann@kpi.test",
	"alerts-bob@kpi.test",
)
GONE = "alerts-gone@kpi.test"
USERS = (BOSS, LEAD, ANNS, BOBS, GONE)


def last_month() -> date:
	"""The first day of the month before this one, by the site's own clock: at import a site may not have its time zone."""
	first: date = getdate(add_months(get_first_day(getdate()), -1))
	return first


class AlertCase(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_sales_person(NORTH, is_group=1)
		for name in (ANN, BOB, LEFT):
			ensure_sales_person(name, NORTH)
		frappe.db.set_value("Sales Person", LEFT, "enabled", 0)
		ensure_user(BOSS, "Sales Master Manager")
		ensure_user(LEAD, "Sales Manager", "Sales User")
		for user in (ANNS, BOBS, GONE):
			ensure_user(user, "Sales User")
		for user in USERS:
			frappe.db.set_value("User", user, {"language": "en", "enabled": 1})
			unrestricted(user)
		change_settings(
			companies=[],
			calendar="Gregorian",
			mapping=[
				{"user": LEAD, "sales_person": NORTH},
				{"user": ANNS, "sales_person": ANN},
				{"user": BOBS, "sales_person": BOB},
			],
		)
		ensure_customer("Alerts Buyer")
		ensure_account()
		off = frappe.get_all("Sales KPI", {"enabled": 1, "name": ("not in", KPIS)}, pluck="name")
		frappe.db.set_value("Sales KPI", {"name": ("in", off)}, "enabled", 0)
		cls.addClassCleanup(enable, off)
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(self.clean)
		# Last month: Ann has sold 5,000 and Bob 900.
		if not frappe.db.exists("Sales Invoice", {"company": COMPANY, "docstatus": 1}):
			self.sell(ANN, 5000, last_month())
			self.sell(BOB, 900, last_month())

	def sell(self, person: str, amount: float, day: Any) -> Any:
		doc = make_invoice(COMPANY, ensure_customer("Alerts Buyer"), str(day), amount, {person: 100})
		frappe.db.commit()
		return doc

	def clean(self) -> None:
		frappe.db.rollback()
		frappe.set_user("Administrator")
		names = frappe.get_all(ALERT, {"company": ("in", (COMPANY, OTHER))}, pluck="name") or [""]
		logs = frappe.get_all(LOG, {"alert": ("in", names)}, pluck="name") or [""]
		frappe.db.delete("Notification Log", {"document_name": ("in", logs)})
		frappe.db.delete("Email Queue", {"reference_doctype": ALERT})
		frappe.db.delete("KPI Digest Recipient", {"parent": ("in", names)})
		frappe.db.delete(LOG, {"alert": ("in", names)})
		frappe.db.delete(ALERT, {"name": ("in", names)})
		frappe.db.delete(RESTATEMENT, {"company": COMPANY})
		for target in frappe.get_all("KPI Target", {"company": COMPANY}, pluck="name"):
			frappe.db.delete("KPI Target Period", {"parent": target})
			frappe.db.delete("KPI Target", {"name": target})
		for name in frappe.get_all(
			"Sales Invoice", {"company": COMPANY, "docstatus": 1, "remarks": "Extra"}, pluck="name"
		):
			frappe.get_doc("Sales Invoice", name).cancel()
		frappe.db.set_value("User", GONE, "enabled", 1)
		frappe.db.set_value("User", BOBS, "language", "en")
		for user in USERS:
			unrestricted(user)
		frappe.db.commit()
		frappe.clear_cache()

	def alert(self, **values: Any) -> Any:
		usual = {
			"title": "Low <b>sales</b>", "company": COMPANY, "kpi": "sales_volume", "condition": "Value Below",
			"threshold": 1000, "every": "Month", "scope_type": "Sales Person", "to_salespeople": 1, "to_team_leads": 1,
			"to_managers": 1,
		}  # fmt: skip
		strangers = [{"user": user, "choice": "Never Send"} for user in other_managers(USERS)]
		recipients = [*values.pop("recipients", []), *strangers]
		doc = insert(ALERT, **{**usual, **values}, recipients=recipients)
		frappe.db.commit()
		return doc

	def rows(self, doc: Any) -> list[Any]:
		return frappe.get_all(LOG, {"alert": doc.name}, ["*"], order_by="scope, sequence")

	def told(self, doc: Any) -> dict[str, list[str]]:
		"""By user, what the notifications say."""
		logs = frappe.get_all(LOG, {"alert": doc.name}, pluck="name") or [""]
		found: dict[str, list[str]] = {}
		for row in frappe.get_all(
			"Notification Log",
			{"document_name": ("in", logs)},
			["for_user", "subject", "type"],
			order_by="creation",
		):
			self.assertEqual(row.type, "Alert")
			found.setdefault(row.for_user, []).append(row.subject)
		return found


class TestWhoIsTold(AlertCase):
	def test_those_who_answer_for_the_figure_are_told_once(self) -> None:
		doc = self.alert()
		self.assertEqual(check(doc.name), 1)
		(row,) = self.rows(doc)
		self.assertEqual((row.scope, row.state), (BOB, OPEN))
		self.assertIn("Sales volume of Alerts Bob was", row.evidence)
		self.assertIn("900", row.evidence)
		told = self.told(doc)
		self.assertEqual(sorted(told), sorted([BOBS, BOSS, LEAD]))
		self.assertIn("Low &lt;b&gt;sales&lt;/b&gt;", told[BOSS][0])
		self.assertEqual(check(doc.name), 0)
		self.assertEqual(self.told(doc), told)

	def test_nobody_is_told_of_what_permissions_deny(self) -> None:
		doc = self.alert(
			recipients=[{"user": ANNS, "choice": "Send Too"}, {"user": GONE, "choice": "Send Too"}]
		)
		permit(BOSS, "Company", OTHER)
		frappe.db.set_value("User", GONE, "enabled", 0)
		frappe.db.commit()
		check(doc.name)
		self.assertEqual(sorted(self.told(doc)), sorted([BOBS, LEAD]))
		(row,) = [frappe.get_doc(LOG, one.name) for one in self.rows(doc)]
		for user, may in ((ANNS, False), (BOBS, True), (LEAD, True), (BOSS, False)):
			self.assertEqual(bool(row.has_permission("read", user=user)), may, user)
			self.assertFalse(row.has_permission("write", user=user))
			with as_user(user):
				self.assertEqual(bool(frappe.get_list(LOG, {"alert": doc.name})), may, user)

	def test_who_never_wants_to_be_told(self) -> None:
		doc = self.alert(recipients=[{"user": LEAD, "choice": "Never Send"}], to_managers=0)
		check(doc.name)
		self.assertEqual(sorted(self.told(doc)), [BOBS])

	def test_by_mail_too_in_the_readers_language(self) -> None:
		frappe.db.set_value("User", BOBS, "language", "fa")
		doc = self.alert(by_mail=1, to_managers=0, title="Low sales")
		check(doc.name)
		mails = {
			frappe.db.get_value("Email Queue Recipient", {"parent": row.name}, "recipient"): parsed(
				row.message
			)
			for row in frappe.get_all("Email Queue", {"reference_name": doc.name}, ["name", "message"])
		}
		self.assertEqual(sorted(mails), sorted([BOBS, LEAD]))
		self.assertIn("Sales volume of Alerts Bob was", part(mails[LEAD], "plain"))
		self.assertIn("/kpi-alert-log/", part(mails[LEAD], "html"))
		self.assertRegex(part(mails[BOBS], "html"), r'dir="rtl"')
		self.assertIn("فروش", part(mails[BOBS], "plain"))
		self.assertNotRegex(part(mails[LEAD], "html"), r"<img|src=")

	def test_one_who_cant_be_told_stops_nobody(self) -> None:
		doc = self.alert()
		notify = alerts.Keeper._notify

		def broken(keeper: Any, user: str, *rest: Any) -> None:
			if user == LEAD:
				raise ZeroDivisionError
			notify(keeper, user, *rest)

		with patch.object(alerts.Keeper, "_notify", broken):
			self.assertEqual(check(doc.name), 1)
		self.assertEqual(sorted(self.told(doc)), sorted([BOBS, BOSS]))
		self.assertTrue(
			frappe.db.exists("Error Log", {"reference_doctype": ALERT, "reference_name": doc.name})
		)


class TestQuiet(AlertCase):
	def test_told_again_only_after_it_has_recovered(self) -> None:
		doc = self.alert(to_managers=0, to_team_leads=0)
		check(doc.name)
		extra = self.sell(BOB, 500, last_month())
		frappe.db.set_value("Sales Invoice", extra.name, "remarks", "Extra")
		frappe.db.commit()
		check(doc.name)
		(row,) = self.rows(doc)
		self.assertEqual(row.state, RECOVERED)
		self.assertTrue(row.recovered_on)
		extra.reload()
		extra.cancel()
		frappe.db.commit()
		check(doc.name)
		self.assertEqual([row.state for row in self.rows(doc)], [RECOVERED, OPEN])
		self.assertEqual(len(self.told(doc)[BOBS]), 2)

	def test_snoozed(self) -> None:
		doc = self.alert(to_managers=0, to_team_leads=0, snoozed_until=getdate() + timedelta(days=3))
		self.assertEqual(check(doc.name), 0)
		(row,) = self.rows(doc)
		self.assertEqual((row.state, self.told(doc)), (OPEN, {}))
		self.assertEqual(check(doc.name, getdate() + timedelta(days=3)), 1)
		self.assertEqual(list(self.told(doc)), [BOBS])

	def test_a_finding_is_snoozed_by_those_who_keep_the_rule(self) -> None:
		doc = self.alert(to_managers=0, to_team_leads=0)
		check(doc.name)
		(row,) = self.rows(doc)
		for user in (BOBS, LEAD):
			with as_user(user), self.assertRaises(frappe.PermissionError):
				snooze(row.name, 7)
		with as_user(BOSS):
			with self.refused(frappe.ValidationError, "1 to 90 days"):
				snooze(row.name, 400)
			snooze(row.name, 7)
		frappe.db.set_value(LOG, row.name, "state", RECOVERED)
		frappe.db.commit()
		self.assertEqual(check(doc.name), 0)
		self.assertEqual([one.state for one in self.rows(doc)], [RECOVERED, OPEN])
		self.assertEqual(len(self.told(doc)[BOBS]), 1)

	def test_old_ones_are_cleared_away_but_for_what_is_open(self) -> None:
		doc = self.alert(to_managers=0, to_team_leads=0)
		check(doc.name)
		frappe.db.set_value(LOG, {"alert": doc.name}, "state", RECOVERED)
		check(doc.name)
		frappe.db.set_value(LOG, {"alert": doc.name}, "creation", now_datetime() - timedelta(days=800))
		get_controller(LOG).clear_old_logs(730)
		self.assertEqual([(row.state, row.sequence) for row in self.rows(doc)], [(OPEN, 2)])
		frappe.db.set_value(LOG, {"alert": doc.name}, "state", RECOVERED)
		check(doc.name)
		self.assertEqual([(row.state, row.sequence) for row in self.rows(doc)], [(RECOVERED, 2), (OPEN, 3)])

	def test_in_parallel(self) -> None:
		doc = self.alert()
		printed = self.of_two_at_once(f"from sales_kpi.site.alerts import check\nprint(check({doc.name!r}))")
		frappe.db.rollback()
		self.assertEqual(sorted(printed), [0, 1])
		self.assertEqual(len(self.rows(doc)), 1)
		self.assertEqual({len(said) for said in self.told(doc).values()}, {1})


class TestConditions(AlertCase):
	def target(self, person: str, value: float, first: Any) -> None:
		insert(
			"KPI Target", True, company=COMPANY, kpi="sales_volume", target_for="Salesperson", sales_person=person,
			every="Month", kind="Absolute", from_date=first, to_date=frappe.utils.get_last_day(first), value=value,
			reason="A test",
		)  # fmt: skip
		frappe.db.commit()

	def test_above(self) -> None:
		doc = self.alert(condition="Value Above", threshold=4000)
		check(doc.name)
		self.assertEqual([row.scope for row in self.rows(doc)], [ANN])

	def test_nobody_is_told_of_who_has_left_and_one_scope_may_be_chosen(self) -> None:
		doc = self.alert(threshold=10000)
		check(doc.name)
		self.assertEqual({ANN, BOB} - {row.scope for row in self.rows(doc)}, set())
		self.assertNotIn(LEFT, [row.scope for row in self.rows(doc)])
		one = self.alert(threshold=10000, scope=ANN)
		check(one.name)
		self.assertEqual([row.scope for row in self.rows(one)], [ANN])

	def test_attainment_of_the_period_that_is_over(self) -> None:
		self.target(ANN, 5000, last_month())
		self.target(BOB, 1000, last_month())
		doc = self.alert(condition="Attainment Below", threshold=95)
		check(doc.name)
		(row,) = self.rows(doc)
		self.assertEqual(row.scope, BOB)
		self.assertIn("90.0\u202f% of its target", row.evidence)

	def test_pace_of_the_running_period(self) -> None:
		first = get_first_day(getdate())
		self.target(BOB, 100000, first)
		doc = self.alert(condition="Pace Below", threshold=80)
		day = getdate(first) + timedelta(days=14)
		check(doc.name, day)
		(row,) = self.rows(doc)
		self.assertEqual((row.scope, row.state), (BOB, OPEN))
		self.assertIn("of the pace to its target", row.evidence)
		early = self.alert(condition="Pace Below", threshold=80)
		check(early.name, getdate(first) + timedelta(days=1))
		self.assertEqual(self.rows(early), [])

	def test_a_trend_that_gets_worse(self) -> None:
		customer = ensure_customer("Alerts Buyer")
		if not frappe.db.exists("Sales Invoice", {"company": OTHER, "docstatus": 1}):
			for back in range(1, 13):
				day = str(add_months(get_first_day(getdate()), -back))
				make_invoice(OTHER, customer, day, 1000.0 + 700 * back, {ANN: 100})
			frappe.db.commit()
		doc = self.alert(company=OTHER, condition="Trend Getting Worse", scope_type="Company", title="Trend")
		check(doc.name)
		(row,) = self.rows(doc)
		self.assertEqual((row.scope, row.state), (OTHER, OPEN))
		self.assertIn("is getting worse", row.evidence)
		self.assertEqual(sorted(self.told(doc)), [BOSS])

	def test_a_restatement_is_told_once(self) -> None:
		doc = self.alert(condition="Restated", scope_type="Company")
		row = frappe.new_doc(RESTATEMENT)
		row.update(
			{
				"kind": "Restated", "company": COMPANY, "kpi": "sales_volume", "kpi_title": "Sales volume",
				"scope_type": "Company", "scope": COMPANY, "period_start": last_month(),
				"period_end": frappe.utils.get_last_day(last_month()), "every": "Month", "from_value": 5900, "from_has_value": 1,
				"to_value": 5000, "to_has_value": 1, "found_on": frappe.utils.now_datetime(), "snapshot": "none",
			}
		)  # fmt: skip
		row.name = frappe.generate_hash(length=10)
		row.db_insert()
		frappe.db.commit()
		self.assertEqual(check(doc.name), 1)
		(found,) = self.rows(doc)
		self.assertEqual(found.state, REPORTED)
		self.assertRegex(found.evidence, r"was .*5,900\.00 and is .*5,000\.00")
		self.assertEqual(check(doc.name), 0)

	def test_data_quality(self) -> None:
		doc = self.alert(condition="Data Quality Drops", threshold=5, title="Records")
		self.assertEqual((doc.kpi, check(doc.name)), (None, 0))
		make_invoice(COMPANY, ensure_customer("Alerts Buyer"), str(last_month()), 100, None, remarks="Extra")
		frappe.db.commit()
		self.assertGreaterEqual(check(doc.name), 1)
		self.assertEqual(check(doc.name), 0)
		self.assertEqual(sorted(self.told(doc)), [BOSS])
		row = frappe.get_doc(LOG, self.rows(doc)[0].name)
		self.assertIn("of the records are at fault", row.evidence)
		for user, may in ((BOSS, True), (LEAD, False), (BOBS, False)):
			self.assertEqual(bool(row.has_permission("read", user=user)), may, user)
			with as_user(user):
				self.assertEqual(bool(frappe.get_list(LOG, {"alert": doc.name})), may, user)

	def test_who_has_nothing_here_is_no_finding_unless_chosen(self) -> None:
		ensure_sales_person("Alerts Elsewhere", NORTH)
		frappe.db.commit()
		doc = self.alert(threshold=10000)
		check(doc.name)
		self.assertEqual(sorted(row.scope for row in self.rows(doc)), sorted([ANN, BOB]))
		chosen = self.alert(threshold=10000, scope="Alerts Elsewhere")
		check(chosen.name)
		self.assertEqual([row.scope for row in self.rows(chosen)], ["Alerts Elsewhere"])


class TestRules(AlertCase):
	def test_a_rule_that_cant_be_checked_says_so_and_stops_no_other(self) -> None:
		broken, sound = self.alert(title="Broken"), self.alert()
		frappe.db.set_value(ALERT, broken.name, "kpi", "no_such_kpi")
		frappe.db.commit()
		check_all()
		self.assertIn("no_such_kpi", frappe.db.get_value(ALERT, broken.name, "last_error"))
		self.assertEqual(len(self.rows(sound)), 1)
		self.assertFalse(frappe.db.get_value(ALERT, sound.name, "last_error"))

	def test_the_form_refuses_what_no_rule_can_be(self) -> None:
		for texts, values in (
			(("threshold above 0",), {"condition": "Pace Below", "threshold": 0}),
			(("There is no",), {"scope": "Nobody <script>"}),
			(("listed twice",), {"recipients": [{"user": BOSS}, {"user": BOSS}]}),
		):
			with self.refused(frappe.ValidationError, *texts, without=("<script>",)):
				self.alert(**values)

	def test_why_is_told_with_its_evidence(self) -> None:
		doc = self.alert()
		check(doc.name)
		row = frappe.get_doc(LOG, self.rows(doc)[0].name)
		with as_user(BOBS):
			row.run_method("onload")
			why = row.get("__onload").why
			self.assertIn("<bdi>Alerts Bob</bdi>", why["html"])
			self.assertIn("Sales%20KPI%20Trend", why["link"])
		note = unpacked(row.told)
		self.assertEqual(packed(note), row.told)

	def test_the_log_is_written_by_the_app_alone(self) -> None:
		doc = self.alert()
		check(doc.name)
		with as_user(BOSS):
			row = frappe.get_doc(LOG, self.rows(doc)[0].name)
			row.state = RECOVERED
			self.assertRaises(frappe.PermissionError, row.save)
