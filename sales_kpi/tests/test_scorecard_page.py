"""The page Sales Scorecard: its figures are the Asker's, nobody sees more by it, and its lists hold what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import frappe

from sales_kpi import catalogue
from sales_kpi.analysis.values import Question, Value
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import to_reach as lists
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.scorecard_members import Members
from sales_kpi.site.scorecard_page import members, remind, scorecard, to_reach
from sales_kpi.site.scorecard_tiles import is_few, likely
from sales_kpi.site.standing import standings
from sales_kpi.site.to_reach import keep_all_late_customers, late_customers
from sales_kpi.tests import base
from sales_kpi.tests.base import as_user, change_settings, insert
from sales_kpi.tests.test_permissions import (
	ANN,
	BOB,
	CID,
	DEE,
	DIRECT,
	NORTH,
	TOTAL,
	UNASSIGNED,
	PermissionTestCase,
	user_of,
)

FEBRUARY = {"every": "month", "day": "2025-02-10"}


class ScorecardCase(PermissionTestCase):
	def told(self, actor: str, method: Any = scorecard, **asked: Any) -> Any:
		"""What an actor is told of February 2025 in the first company, unless something else is asked."""
		given = {"company": self.world.one}
		if method is not to_reach:
			given |= FEBRUARY
		with as_user(user_of(actor)):
			return method(**{**given, **asked})

	def last(self, told: dict[str, Any]) -> dict[str, float | None]:
		"""Values of the period by KPI, as the sparklines have them."""
		return {tile["name"]: tile["points"][-1]["value"] for tile in told["tiles"]}


class TestTiles(ScorecardCase):
	def test_figures_are_the_askers(self) -> None:
		for by, scope in (("company", self.world.one), ("team", "KPI North"), ("sales-person", "KPI Ann")):
			told = self.told("master", by=by, scope=scope)
			with as_user(user_of("master")):
				asker = Asker.current()
				question = Question(
					self.world.one, date(2024, 2, 1), date(2025, 2, 28), Every.MONTH, By(by), None,
					frappe.utils.getdate(), asker.settings.calendar,
				)  # fmt: skip
				series: dict[str, list[Value]] = {}
				for value in asker.values(question):
					if value["scope"] == scope:
						series.setdefault(value["kpi"], []).append(value)
			shown = {tile["name"]: tile for tile in told["tiles"]}
			self.assertTrue(shown)
			for name, tile in shown.items():
				value, kpi = series[name][-1], catalogue.kpi(name)
				text = words.figure(value["value"], kpi.unit, value["currency"], exact=False)
				self.assertEqual(tile["value"], text, name)
				self.assertEqual(len(tile["points"]), 13)
				self.assertEqual(tile["points"][-1]["complete"], value["complete"])
			missing = len(told["missing"])
			self.assertEqual(len(shown) + missing, len(series))

	def test_each_scope_has_its_own(self) -> None:
		for actor, by, scope, volume in (
			("master", "company", self.world.one, TOTAL), ("master", "team", "KPI North", NORTH),
			("lead", "team", "KPI Deep North", DEE), ("lead", "sales-person", "KPI Bob", BOB),
			("ann", "sales-person", "KPI Ann", ANN), ("ann", "company", self.world.one, ANN),
		):  # fmt: skip
			told = self.told(actor, by=by, scope=scope)
			self.assertAlmostEqual(self.last(told)["sales_volume"] or 0, volume, msg=f"{actor} {scope}")

	def test_before_the_records_begin_there_is_no_zero(self) -> None:
		points = self.told("master", by="sales-person", scope="KPI Ann")["tiles"][0]["points"]
		self.assertEqual([point["value"] for point in points[:-1]], [None] * 12)
		self.assertIsNone(self.told("master", by="sales-person", scope="KPI Ann")["tiles"][0]["change"])

	def test_a_closed_period_is_compared_with_the_whole_one_before(self) -> None:
		base.make_invoice(self.world.one, "KPI Buyer", "2025-03-31", 2 * TOTAL, {"KPI Cid": 100})
		told = self.told("master", by="company", day="2025-03-01")
		change = {tile["name"]: tile["change"] for tile in told["tiles"]}["sales_volume"]
		self.assertEqual((change["arrow"], change["state"]), ("▲", "better"))
		self.assertIn("100", change["short"])
		self.assertIn("February 2025", change["text"])
		self.assertEqual(told["so_far"], "")

	def test_a_running_period_is_compared_to_the_same_day(self) -> None:
		for day, amount in (("2025-03-10", 4 * TOTAL), ("2025-02-20", 1e7)):
			base.make_invoice(self.world.one, "KPI Buyer", day, amount, {"KPI Cid": 100})
		with self.freeze_time("2025-03-12"):
			told = self.told("master", by="company", day="2025-03-12")
		tile = {tile["name"]: tile for tile in told["tiles"]}["sales_volume"]
		self.assertIn("at the same day", tile["change"]["text"])
		self.assertIn("300", tile["change"]["short"], "what came after that day in February doesn’t count")
		self.assertIn("12", told["so_far"])
		self.assertFalse(tile["points"][-1]["complete"])
		self.assertIsNone(told["offered"]["next"])

	def test_a_target_stands_as_in_the_reports(self) -> None:
		self.agree("sales_volume", 2 * ANN)
		tile = self.told("master", by="sales-person", scope="KPI Ann")["tiles"][0]
		with as_user(user_of("master")):
			asker = Asker.current()
			question = self.question("sales-person", as_of=frappe.utils.getdate())
			found = standings(asker, question, asker.values(question))
		standing = found["sales_volume", "sales-person", "KPI Ann", date(2025, 2, 1)]
		self.assertEqual(tile["name"], "sales_volume")
		self.assertAlmostEqual(tile["attainment"], standing.attainment)
		self.assertAlmostEqual(tile["attainment"], 0.5, places=4)
		self.assertEqual(tile["status"], words.status_label(standing.status, standing.is_open))
		self.assertEqual(tile["tone"], "bad")

	def test_the_score_tells_its_parts_and_what_is_missing(self) -> None:
		self.assertIsNone(self.told("master", by="sales-person", scope="KPI Ann")["score"])
		for name in frappe.get_all("Sales KPI", pluck="name"):
			frappe.db.set_value("Sales KPI", name, "weight", 0)
		frappe.db.set_value("Sales KPI", "sales_volume", "weight", 60)
		frappe.db.set_value("Sales KPI", "win_rate", "weight", 40)
		self.agree("sales_volume", ANN)
		self.agree("win_rate", 30)
		score = self.told("master", by="sales-person", scope="KPI Ann")["score"]
		self.assertIn("100", score["value"])
		self.assertEqual([part["is_missing"] for part in score["parts"]], [False, True])
		self.assertEqual(len(score["missing"]), 1)

	def agree(self, kpi: str, value: float) -> None:
		insert(
			"KPI Target", True, company=self.world.one, kpi=kpi, target_for="Salesperson", sales_person="KPI Ann",
			every="Month", from_date="2025-02-01", to_date="2025-02-28", kind="Absolute", value=value, reason="A test",
		)  # fmt: skip

	def test_what_isnt_measured_says_why_and_where(self) -> None:
		told = self.told("master", by="company")
		missing = {one["title"]: one for one in told["missing"]}
		self.assertIn("Lead conversion rate", missing)
		for one in missing.values():
			self.assertTrue(one["why"] and one["fix"], one)
		self.assertEqual(missing["Lead conversion rate"]["route"], "lead")
		change_settings(acquisition_accounts=[])
		missing = {one["title"]: one for one in self.told("master", by="company")["missing"]}
		self.assertEqual(missing["Customer acquisition cost"]["route"], "sales-kpi-settings")

	def test_the_formula_is_worked_out(self) -> None:
		tiles = {
			tile["name"]: tile for tile in self.told("master", by="sales-person", scope="KPI Ann")["tiles"]
		}
		worked_out = tiles["average_deal_value"]["definition"]["worked_out"]
		self.assertIn("÷ 1 =", worked_out)
		self.assertEqual(worked_out.count("1,111.25"), 2)
		self.assertEqual(tiles["sales_volume"]["definition"]["worked_out"], "")

	def test_the_documents_asked_for_are_those_of_the_figure(self) -> None:
		asked = self.told("master", by="team", scope="KPI North")["tiles"][0]["documents"]
		from sales_kpi.site.report import documents

		with as_user(user_of("master")):
			_columns, rows, *_rest = documents(asked)
		self.assertAlmostEqual(rows[-1]["contribution"], NORTH)

	def test_a_kpi_that_was_switched_off_isnt_told(self) -> None:
		frappe.db.set_value("Sales KPI", "deals", "enabled", 0)
		self.assertNotIn("deals", self.last(self.told("master", by="company")))


class TestFew(ScorecardCase):
	def test_a_share_of_few_is_told_by_where_it_lies(self) -> None:
		kpi = catalogue.kpi("win_rate")
		value = Value(
			kpi="win_rate", period_start=date(2025, 2, 1), period_end=date(2025, 2, 28), company="", by="", scope="",
			value=1.0, numerator=3.0, denominator=3.0, n=3.0, complete=True, reason=None, estimated=0.0,
			unit="percent", currency=None,
		)  # fmt: skip
		self.assertTrue(is_few(kpi, value))
		low, high = likely(kpi, value) or (0, 0)
		# Wilson's interval of 3 of 3 at 95 %: 1 / (1 + 1.96² / 3) = 0.4385.
		self.assertAlmostEqual(low, 0.4385, places=3)
		self.assertAlmostEqual(high, 1.0)
		many = Value(**{**value, "value": 0.9, "numerator": 90.0, "denominator": 100.0, "n": 100.0})
		self.assertFalse(is_few(kpi, many))
		self.assertGreater(Members._rank(kpi, many) or 0, low, "90 of 100 ranks above 3 of 3")
		margin = Value(**{**many, "kpi": "gross_margin"})
		self.assertIsNone(
			likely(catalogue.kpi("gross_margin"), margin), "a share of money is no share of cases"
		)


class TestMembers(ScorecardCase):
	def volumes_of(self, told: dict[str, Any]) -> dict[str, float]:
		return {row["label"]: row["cells"]["sales_volume"]["rank"] for row in told["rows"]}

	def test_a_lead_sees_the_team(self) -> None:
		told = self.told("lead", members)
		self.assertEqual(
			self.volumes_of(told),
			{
				"KPI North (directly)": DIRECT,
				"KPI Ann": ANN,
				"KPI Bob": BOB,
				"KPI Deep North": DEE,
				"KPI Dee": DEE,
			},
		)

	def test_a_company_is_its_people_and_what_is_nobodys(self) -> None:
		told = self.told("master", members)
		rows = {row["scope"]: row for row in told["rows"] if not row["is_team"]}
		self.assertEqual(rows[""]["cells"]["sales_volume"]["rank"], UNASSIGNED)
		self.assertFalse(rows[""]["is_open"])
		self.assertAlmostEqual(sum(row["cells"]["sales_volume"]["rank"] or 0 for row in rows.values()), TOTAL)
		indents = {row["label"]: row["indent"] for row in told["rows"]}
		self.assertEqual(indents["KPI Dee"], indents["KPI Deep North"] + 1)
		self.assertAlmostEqual(self.volumes_of(told)["KPI South"], CID)

	def test_a_kpi_that_nobody_has_a_figure_of_is_no_column(self) -> None:
		names = {column["name"] for column in self.told("master", members)["columns"]}
		self.assertIn("sales_volume", names)
		self.assertNotIn("win_rate", names)

	def test_a_salesperson_is_compared_with_nobody(self) -> None:
		self.assertIsNone(self.told("ann", members))
		self.assertIsNone(self.told("ann", members, by="company"))

	def test_where_people_are_seen_as_teams_only(self) -> None:
		change_settings(teams_only=1)
		told = self.told("lead", members)
		self.assertNotIn("KPI Ann", {row["scope"] for row in told["rows"]})


class TestWhoSees(ScorecardCase):
	def test_everybody_begins_with_what_is_theirs(self) -> None:
		for actor, by, scope in (
			("ann", "sales-person", "KPI Ann"), ("lead", "team", "KPI North"), ("master", "company", self.world.one),
		):  # fmt: skip
			chosen = self.told(actor)["chosen"]
			self.assertEqual((chosen["by"], chosen["scope"]), (by, scope))

	def test_only_what_is_seen_is_offered(self) -> None:
		offered = {one["scope"] for one in self.told("ann")["offered"]["scopes"]}
		self.assertEqual(offered, {self.world.one, "KPI Ann"})
		offered = {one["scope"] for one in self.told("lead")["offered"]["scopes"]}
		self.assertEqual(
			offered, {self.world.one, "KPI North", "KPI Ann", "KPI Bob", "KPI Deep North", "KPI Dee"}
		)

	def test_a_forged_scope_is_refused_in_the_same_words(self) -> None:
		for method in (scorecard, members, to_reach):
			said = set()
			for by, scope in (
				("sales-person", "KPI Bob"), ("sales-person", "Nobody Such"), ("team", "KPI North"), ("team", "x' OR 1=1"),
			):  # fmt: skip
				with self.assertRaises(frappe.PermissionError) as caught:
					self.told("ann", method, by=by, scope=scope)
				said.add(str(caught.exception).replace(frappe.bold(frappe.utils.escape_html(scope)), "…"))
			self.assertEqual(said, {"There are no figures of … that you may see."})

	def test_a_forged_company_is_refused_in_the_same_words(self) -> None:
		base.permit(user_of("ann"), "Company", self.world.one)
		for method in (scorecard, members, to_reach):
			for company in (self.world.two, "No Such Company", "<img src=x>"):
				with self.refused(
					frappe.PermissionError, "There are no figures of company", without=["<img"]
				):
					self.told("ann", method, company=company)
		self.assertEqual(self.told("ann")["offered"]["companies"], [self.world.one])

	def test_who_is_nobody_is_told_so(self) -> None:
		for method in (scorecard, members, to_reach):
			with self.refused(frappe.PermissionError, "You are no salesperson yet."):
				self.told("none", method)
			for actor in ("outsider", "guest"):
				with self.refused(frappe.PermissionError, "Your role may not see the scorecard."):
					self.told(actor, method)

	def test_kept_to_a_territory_there_is_one_part(self) -> None:
		base.permit(user_of("master"), "Territory", "KPI West")
		told = self.told("master")
		self.assertTrue(told["is_part"])
		self.assertEqual([one["scope"] for one in told["offered"]["scopes"]], [self.world.one])
		self.assertIn("not of all of it", told["notes"][0])
		with self.refused(frappe.PermissionError, "There are no figures of"):
			self.told("master", by="team", scope="KPI North")


class TestBadInput(ScorecardCase):
	def test_a_sentence_and_no_figure(self) -> None:
		for asked, text in (
			({"by": "territory", "scope": "KPI West"}, "of a company, a team or a salesperson"),
			({"by": "nonsense"}, "There is no scope nonsense"),
			({"every": "day"}, "of a week, a month, a quarter or a year"),
			({"every": "range"}, "of a week, a month, a quarter or a year"),
			({"day": "yesterday"}, "yesterday is no day"),
			({"day": "<b>" + "9" * 500}, "is no day"),
			({"day": "1900-01-01"}, "out of range"),
			({"day": "2199-01-01"}, "out of range"),
			({"day": "2099-06-01"}, "has not begun yet"),
			({"calendar": "mayan"}, "There is no calendar"),
		):
			for method in (scorecard, members):
				with self.refused(frappe.ValidationError, text, without=["<b>"]):
					self.told("master", method, **asked)

	def test_long_ago_is_empty_and_says_so(self) -> None:
		told = self.told("master", by="company", day="1985-03-01")
		self.assertEqual(told["tiles"], [])
		self.assertIn("Nothing was recorded here", told["notes"][0])
		self.assertIsNone(self.told("master", members, by="company", day="1985-03-01"))
		self.assertIsNone(self.told("master", by="company", day="1980-01-05")["offered"]["previous"])

	def test_every_period_and_calendar(self) -> None:
		for every in ("week", "month", "quarter", "year"):
			for calendar in ("gregorian", "jalali", None):
				told = self.told("master", by="company", every=every, calendar=calendar)
				self.assertEqual(told["chosen"]["every"], every)
				self.assertEqual(len(told["labels"]), 13)


class ReachCase(ScorecardCase):
	"""Documents that can bring something, made on days seen from today."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.today = frappe.utils.getdate()
		# Who manages masters only may read no order in ERPNext.
		base.ensure_user(user_of("director"), "Sales Master Manager", "Sales User")
		for back in (0, 400):
			year = (cls.today - timedelta(days=back)).year
			if not frappe.db.exists(
				"Fiscal Year",
				{"year_start_date": ("<=", f"{year}-01-01"), "year_end_date": (">=", f"{year}-12-31")},
			):
				insert(
					"Fiscal Year",
					year=str(year),
					year_start_date=f"{year}-01-01",
					year_end_date=f"{year}-12-31",
				)

	def ago(self, days: int) -> str:
		return str(self.today - timedelta(days=days))

	def names(self, actor: str, doctype: str, **asked: Any) -> list[str]:
		"""Documents in one of an actor's lists, as they stand in it."""
		found = self.told(actor, to_reach, **asked)["lists"]
		return [item["name"] for one in found if one["doctype"] == doctype for item in one["items"]]

	def quotation(self, user: str, ends_in: int, amount: float = 100) -> Any:
		doc = insert(
			"Quotation", True, company=self.world.one, quotation_to="Customer", party_name="KPI Buyer",
			transaction_date=self.ago(20), valid_till=self.ago(-30), order_type="Sales",
			items=[{"item_code": "KPI-SERVICE", "qty": 1, "rate": amount}],
		)  # fmt: skip
		base.date_back("Quotation", doc.name, owner=user, valid_till=self.ago(-ends_in))
		return doc

	def opportunity(self, user: str, silent_for: int, amount: float = 500) -> Any:
		lead = base.make_lead(base.unique("Reach"), self.world.one, user, self.ago(60))
		doc = base.make_opportunity(lead, self.ago(50), amount)
		base.date_back("Opportunity", doc.name, modified=f"{self.ago(silent_for)} 09:00:00")
		return doc

	def buyer(self, gaps: list[int], person: str, waited: int) -> str:
		"""A customer that bought after these gaps, the last time so many days ago."""
		name = base.ensure_customer(base.unique("Reach Buyer"), sales_team=base.team_rows({person: 100}))
		day = waited + sum(gaps)
		for gap in [0, *gaps]:
			day -= gap
			base.make_invoice(self.world.one, name, self.ago(day), 300, {person: 100})
		return name


class TestLists(ReachCase):
	def test_quotations_that_end_soon_or_have_just_ended(self) -> None:
		ann, bob = user_of("ann"), user_of("lead")
		within = [self.quotation(ann, 3, 70), self.quotation(ann, 14, 90), self.quotation(ann, -7, 80)]
		self.quotation(ann, 15)
		self.quotation(ann, -8)
		others = self.quotation(bob, 3, 60)
		lost = self.quotation(ann, 3)
		base.date_back("Quotation", lost.name, status="Lost")
		mine = self.names("ann", "Quotation")
		self.assertEqual(mine, [within[1].name, within[2].name, within[0].name], "largest first")
		self.assertIn(others.name, self.names("lead", "Quotation"))
		everybody = self.told("director", to_reach)["lists"][0]
		rows = frappe.db.sql(
			"""select count(*), sum(base_net_total) from `tabQuotation` where docstatus = 1 and company = %s
			and status in ('Open', 'Replied', 'Expired') and valid_till between %s and %s""",
			(self.world.one, self.ago(7), self.ago(-14)),
		)
		self.assertEqual((everybody["count"], everybody["total"]), (rows[0][0], float(rows[0][1])))
		base.order_quotation(within[0], self.ago(0))
		self.assertNotIn(within[0].name, self.names("ann", "Quotation"), "done ones leave")

	def test_a_quotation_is_whose_opportunity_it_is(self) -> None:
		opportunity = self.opportunity(user_of("ann"), 1)
		doc = base.make_quotation(opportunity, self.ago(10))
		base.date_back("Quotation", doc.name, owner="Administrator", valid_till=self.ago(-2))
		self.assertIn(doc.name, self.names("ann", "Quotation"))

	def test_opportunities_without_activity(self) -> None:
		ann = user_of("ann")
		silent, busy, lost = self.opportunity(ann, 30), self.opportunity(ann, 13), self.opportunity(ann, 30)
		base.date_back("Opportunity", lost.name, status="Lost")
		written, noted, met, planned = (self.opportunity(ann, 30) for _number in range(4))
		of = self.opportunity(user_of("lead"), 30)
		insert(
			"Communication", communication_type="Communication", subject="Call", content="Call",
			reference_doctype="Opportunity", reference_name=written.name, communication_date=f"{self.ago(2)} 10:00:00",
		)  # fmt: skip
		insert(
			"Comment",
			comment_type="Comment",
			content="Spoke",
			reference_doctype="Opportunity",
			reference_name=noted.name,
		)
		event = insert("Event", subject="Visit", starts_on=f"{self.ago(-3)} 10:00:00", event_type="Public")
		event.append(
			"event_participants", {"reference_doctype": "Opportunity", "reference_docname": met.name}
		)
		event.save()
		insert(
			"ToDo",
			description="Call",
			reference_type="Opportunity",
			reference_name=planned.name,
			date=self.ago(-9),
		)
		for doc in (written, noted, met, planned):
			base.date_back("Opportunity", doc.name, modified=f"{self.ago(30)} 09:00:00")
		found = self.names("ann", "Opportunity")
		self.assertEqual(set(found), {silent.name})
		self.assertNotIn(busy.name, found)
		self.assertIn(of.name, self.names("lead", "Opportunity"))
		silent.reload()
		silent.save()
		self.assertEqual(self.names("ann", "Opportunity"), [], "done ones leave")

	def test_customers_past_their_own_rhythm(self) -> None:
		late = self.buyer([30, 30, 30], "KPI Ann", 61)
		self.buyer([30, 30, 30], "KPI Ann", 60)
		self.buyer([30], "KPI Ann", 100)
		self.buyer([30, 30], "KPI Ann", 2 * frappe.get_doc(base.SETTINGS).churn_after_days + 1)
		others = self.buyer([10, 40, 10], "KPI Cid", 25)
		self.assertEqual(self.names("ann", "Customer"), [late])
		self.assertEqual(set(self.names("director", "Customer")), {late, others})
		base.make_invoice(self.world.one, late, self.ago(0), 50, {"KPI Ann": 100})
		self.assertEqual(self.names("ann", "Customer"), [], "done ones leave")

	def test_a_customer_without_a_team_is_whose_last_invoice_it_was(self) -> None:
		late = self.buyer([30, 30], "KPI Ann", 70)
		frappe.db.delete("Sales Team", {"parenttype": "Customer", "parent": late})
		self.assertEqual(self.names("ann", "Customer"), [late])

	def test_of_many_invoices_a_job_reads_who_is_late(self) -> None:
		late, also = self.buyer([30, 30], "KPI Ann", 70), self.buyer([20, 20], "KPI Ann", 50)
		asker = Asker.current()
		frappe.cache.delete_key(lists._RHYTHM)
		self.addCleanup(frappe.cache.delete_key, lists._RHYTHM)
		with patch.object(lists, "AT_ONCE", -1), patch("frappe.enqueue") as enqueued:
			self.assertIsNone(late_customers(self.world.one, asker, self.today))
			shown = self.told("ann", to_reach)["lists"]
			self.assertTrue(next(one for one in shown if one["doctype"] == "Customer")["is_preparing"])
			self.assertTrue(enqueued.call_args.kwargs["deduplicate"])
			keep_all_late_customers()
			self.assertEqual(
				{row.customer for row in late_customers(self.world.one, asker, self.today) or []},
				{late, also},
			)
			base.make_invoice(self.world.one, also, self.ago(0), 50, {"KPI Ann": 100})
			self.assertEqual(
				[row.customer for row in late_customers(self.world.one, asker, self.today) or []], [late]
			)

	def test_orders_not_billed(self) -> None:
		own = base.make_order(self.world.one, "KPI Buyer", self.ago(10), 1000, {"KPI Ann": 60, "KPI Cid": 40})
		base.make_order(self.world.one, "KPI Buyer", self.ago(10), 400, {"KPI Cid": 100})
		nobodys = base.make_order(self.world.one, "KPI Buyer", self.ago(10), 70)
		found = next(one for one in self.told("ann", to_reach)["lists"] if one["doctype"] == "Sales Order")
		self.assertEqual([(item["name"], item["amount"]) for item in found["items"]], [(own.name, 600.0)])
		everybody = next(
			one for one in self.told("director", to_reach)["lists"] if one["doctype"] == "Sales Order"
		)
		rows = frappe.db.sql(
			"""select count(*), sum(base_net_total * (1 - per_billed / 100)) from `tabSales Order` where docstatus = 1
			and company = %s and status in ('To Bill', 'To Deliver and Bill')""",
			self.world.one,
		)
		self.assertEqual((everybody["count"], everybody["total"]), (rows[0][0], float(rows[0][1])))
		self.assertIn(nobodys.name, [item["name"] for item in everybody["items"]])
		base.invoice_order(own, self.ago(0))
		self.assertEqual(self.names("ann", "Sales Order"), [], "done ones leave")

	def test_orders_without_a_team_by_the_fallback_of_the_settings(self) -> None:
		order = base.make_order(self.world.one, "KPI Buyer", self.ago(5), 70)
		base.date_back("Sales Order", order.name, owner=user_of("ann"))
		self.assertEqual(self.names("ann", "Sales Order"), [])
		change_settings(credit_fallback="Owner")
		self.assertEqual(self.names("ann", "Sales Order"), [order.name])

	def test_only_what_the_reader_may_read(self) -> None:
		doc = base.make_order(self.world.one, "KPI Buyer", self.ago(5), 70, {"KPI Ann": 100})
		self.assertIn(doc.name, self.names("ann", "Sales Order"))
		base.permit(user_of("ann"), "Customer", base.ensure_customer("KPI Somebody Else"))
		frappe.clear_cache(user=user_of("ann"))
		self.assertEqual(self.names("ann", "Sales Order"), [])

		def allowed(doctype: str, *_args: Any, **_more: Any) -> bool:
			return doctype == "Sales KPI"

		with patch("frappe.has_permission", allowed):
			self.assertEqual(self.told("ann", to_reach)["lists"], [])

	def test_a_list_is_limited_and_says_how_many_there_are(self) -> None:
		with patch.object(lists, "SHOWN", 2):
			for amount in (10, 30, 20):
				self.quotation(user_of("ann"), 3, amount)
			found = self.told("ann", to_reach)["lists"][0]
		self.assertEqual([item["amount"] for item in found["items"]], [30, 20])
		self.assertEqual((found["count"], found["total"], found["further"]), (3, 60, "1"))


class TestGap(ReachCase):
	@contextmanager
	def on(self, day: str) -> Iterator[None]:
		with self.freeze_time(day):
			yield

	def agree(self, kpi: str, value: float) -> None:
		insert(
			"KPI Target", True, company=self.world.one, kpi=kpi, target_for="Salesperson", sales_person="KPI Ann",
			every="Month", from_date="2025-02-01", to_date="2025-02-28", kind="Absolute", value=value, reason="A test",
		)  # fmt: skip

	def test_without_a_target_there_is_no_gap(self) -> None:
		with self.on("2025-02-20"):
			gap = self.told("ann", to_reach)["gap"]
		self.assertFalse(gap["has_target"])
		self.assertEqual(
			gap["value"],
			words.money(ANN, frappe.get_cached_value("Company", self.world.one, "default_currency"), False),
		)

	def test_what_is_missing_in_money_and_in_days(self) -> None:
		frappe.db.set_value("Company", self.world.one, "default_holiday_list", None)
		frappe.clear_cache()
		self.agree("sales_volume", 2000)
		with self.on("2025-02-20"):
			gap = self.told("ann", to_reach)["gap"]
		self.assertAlmostEqual(gap["missing_amount"], 2000 - ANN)
		self.assertFalse(gap["is_reached"])
		self.assertEqual(gap["days"], "9 days left, today included")

	def test_working_days_where_a_holiday_list_tells_them(self) -> None:
		name = insert(
			"Holiday List", holiday_list_name=base.unique("Reach"), from_date="2025-01-01", to_date="2025-12-31",
			holidays=[{"holiday_date": day, "description": "rest"} for day in ("2025-02-22", "2025-02-23")],
		).name  # fmt: skip
		frappe.db.set_value("Company", self.world.one, "default_holiday_list", name)
		frappe.clear_cache()
		self.agree("sales_volume", 500)
		with self.on("2025-02-20"):
			gap = self.told("ann", to_reach)["gap"]
		self.assertEqual(gap["days"], "7 working days left, today included")
		self.assertTrue(gap["is_reached"])

	def test_bookings_where_there_is_no_target_for_sales_volume(self) -> None:
		self.agree("bookings", 800)
		with self.on("2025-02-20"):
			gap = self.told("ann", to_reach)["gap"]
		self.assertEqual((gap["kpi"], gap["missing_amount"]), ("Bookings", 800))


class TestRemind(ReachCase):
	def test_set_aside_until_a_day(self) -> None:
		doc = self.quotation(user_of("ann"), 3)
		with as_user(user_of("ann")):
			remind("Quotation", doc.name, 7)
			remind("Quotation", doc.name, 3)
		todos = frappe.get_all(
			"ToDo", filters={"reference_name": doc.name}, fields=["allocated_to", "date", "status"]
		)
		self.assertEqual(
			[(row.allocated_to, str(row.date), row.status) for row in todos],
			[(user_of("ann"), self.ago(-3), "Open")],
		)
		self.assertEqual(self.names("ann", "Quotation"), [])
		self.assertIn(doc.name, self.names("lead", "Quotation"), "others still see it")
		frappe.db.set_value("ToDo", {"reference_name": doc.name}, "date", self.ago(0))
		self.assertEqual(self.names("ann", "Quotation"), [doc.name])

	def test_what_cant_be_set_aside(self) -> None:
		doc = self.quotation(user_of("ann"), 3)
		with as_user(user_of("ann")):
			with self.refused(frappe.ValidationError, "can’t be set aside"):
				remind("User", user_of("ann"))
			with self.refused(frappe.ValidationError, "1 to 90 days"):
				remind("Quotation", doc.name, 1000)
			with self.refused(frappe.PermissionError, "that you may see"):
				remind("Quotation", "SAL-QTN-NONE")
		with as_user(user_of("outsider")), self.refused(frappe.PermissionError, "Your role"):
			remind("Quotation", doc.name)
