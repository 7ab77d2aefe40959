"""Figures beside what was agreed: attainment, pace, status and score, in the report, the Values report and the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import frappe

from sales_kpi import api
from sales_kpi.analysis.attainment import Pace, Status
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import attainment, values
from sales_kpi.site.standing import scores, standings
from sales_kpi.tests.base import (
	as_user,
	change_settings,
	date_back,
	insert,
	leaf_of,
	make_lead,
	make_order,
	root_of,
)
from sales_kpi.tests.test_targets import (
	ANN,
	BOB,
	BOSS,
	CLERK,
	COMPANY,
	LEAD,
	NORTH,
	SOLD,
	TargetCase,
)

MONTH = {"company": COMPANY, "every": "month", "day": "2025-06-15", "by": "team"}
JUNE = SOLD[6]
"""What Ann has sold in June 2025; Bob sells a tenth."""


class TestAttainment(TargetCase):
	# One class: what all of them need takes longer to make than all that is done with it.

	def agree(self, **changed: Any) -> str:
		"""A submitted target of Ann for June 2025."""
		days = {"from_date": "2025-06-01", "to_date": "2025-06-30"}
		return str(self.target(submit=True, **{**days, **changed}).name)

	def rows(self, **filters: Any) -> dict[tuple[str, str], dict[str, Any]]:
		"""Rows of the report, by scope and KPI."""
		_columns, rows, *_rest = attainment({**MONTH, **filters})
		return {(row["scope_name"], row["kpi_name"]): row for row in rows}

	def standing(self, as_of: str, kpi: str = "sales_volume", scope: str = ANN) -> Any:
		"""How Ann's June stands on a day."""
		question = Question(
			COMPANY, date(2025, 6, 1), date(2025, 6, 30), Every.MONTH, By.SALES_PERSON, (kpi,),
			date.fromisoformat(as_of),
		)  # fmt: skip
		asker = Asker.current()
		found = standings(asker, question, asker.values(question))
		return found[kpi, "sales-person", scope, date(2025, 6, 1)]

	# How figures stand

	def test_a_closed_month(self) -> None:
		self.agree(value=2000)
		standing = self.standing("2025-07-31")
		self.assertAlmostEqual(standing.attainment, JUNE / 2000)
		self.assertIsNone(standing.pacing)
		self.assertIs(standing.status, Status.AT_RISK if JUNE / 2000 < 0.95 else Status.ON_TRACK)

	def test_pace_by_calendar_days_where_no_holiday_list_tells_working_days(self) -> None:
		frappe.db.set_value("Company", COMPANY, "default_holiday_list", None)
		frappe.clear_cache()
		self.agree(value=3000)
		standing = self.standing("2025-06-15")
		self.assertIs(standing.pacing.rule, Pace.CALENDAR)
		self.assertAlmostEqual(standing.pacing.share, 0.5)
		self.assertAlmostEqual(standing.pacing.expected, 1500)
		self.assertAlmostEqual(standing.pacing.pace, JUNE / 1500)
		self.assertAlmostEqual(standing.pacing.projection, JUNE * 2)

	def test_pace_by_working_days(self) -> None:
		self.rest(["2025-06-07", "2025-06-14", "2025-06-21", "2025-06-28"])
		self.agree(value=2600)
		standing = self.standing("2025-06-15")
		self.assertIs(standing.pacing.rule, Pace.WORKING_DAYS)
		self.assertAlmostEqual(standing.pacing.share, 13 / 26)
		self.assertAlmostEqual(standing.pacing.expected, 1300)

	def rest(self, days: list[str]) -> None:
		name = insert(
			"Holiday List", holiday_list_name="Attainment 2025", from_date="2025-01-01", to_date="2025-12-31",
			holidays=[{"holiday_date": day, "description": "rest"} for day in days],
		).name  # fmt: skip
		frappe.db.set_value("Company", COMPANY, "default_holiday_list", name)
		frappe.clear_cache()

	def test_pace_by_season_needs_earlier_years(self) -> None:
		change_settings(pace_by="Own Season")
		self.agree(value=2000)
		self.assertIs(self.standing("2025-06-15").pacing.rule, Pace.CALENDAR)
		# A year later there is one: all of June 2025 was sold on the 10th.
		name = self.target(submit=True, value=2000, from_date="2026-06-01", to_date="2026-06-30").name
		question = Question(
			COMPANY, date(2026, 6, 1), date(2026, 6, 30), Every.MONTH, By.SALES_PERSON, ("sales_volume",),
			date(2026, 6, 5),
		)  # fmt: skip
		asker = Asker.current()
		found = standings(asker, question, asker.values(question))
		pacing = found["sales_volume", "sales-person", ANN, date(2026, 6, 1)].pacing
		self.assertEqual((pacing.rule, pacing.share), (Pace.SEASON, 0.0))
		self.assertTrue(frappe.db.exists("KPI Target", name))

	def test_a_part_of_a_period_is_none_beside_a_target_for_all_of_it(self) -> None:
		self.agree(value=2000)
		asker = Asker.current()
		for first, last, count in (("2025-06-05", "2025-06-30", 0), ("2025-06-01", "2025-06-20", 0)):
			question = Question(
				COMPANY, date.fromisoformat(first), date.fromisoformat(last), Every.MONTH, By.SALES_PERSON,
				("sales_volume",), date(2025, 8, 1),
			)  # fmt: skip
			self.assertEqual(len(standings(asker, question, asker.values(question))), count)

	def test_what_still_has_time_is_not_missed(self) -> None:
		"""A lead of June may convert until September; one that has converted stays so."""
		frappe.db.set_value("Sales KPI", "lead_conversion_rate", "weight", 1)
		change_settings(conversion_window_days=90)
		won, _open = (make_lead(f"Attainment {number}", COMPANY, CLERK, "2025-06-10") for number in range(2))
		self.agree(kpi="lead_conversion_rate", value=80)
		for day, is_young, status in (
			("2025-06-20", True, Status.UNKNOWN), ("2025-07-31", True, Status.UNKNOWN), ("2025-10-01", False, Status.OFF),
		):  # fmt: skip
			with self.subTest(day):
				standing = self.standing(day, "lead_conversion_rate")
				self.assertEqual((standing.is_young, standing.status), (is_young, status))
				self.assertEqual(standing.judged_by is None, is_young)
		customer = insert(
			"Customer", customer_name="Attainment Won", lead_name=won.name, customer_type="Company",
			customer_group=leaf_of("Customer Group"), territory=root_of("Territory"),
		)  # fmt: skip
		date_back("Customer", customer.name, creation="2025-06-12 09:00:00")
		make_order(COMPANY, customer.name, "2025-06-15", 500)
		self.assertTrue(self.standing("2025-07-31", "lead_conversion_rate").is_young)
		for name in frappe.get_all("KPI Target", {"kpi": "lead_conversion_rate"}, pluck="name"):
			frappe.get_doc("KPI Target", name).cancel()
		self.agree(kpi="lead_conversion_rate", value=50)
		safe = self.standing("2025-07-31", "lead_conversion_rate")
		self.assertEqual((safe.is_young, safe.status), (False, Status.ON_TRACK))

	def test_score_by_weights_with_a_missing_kpi(self) -> None:
		for kpi, weight in (("sales_volume", 3), ("deals", 1), ("customer_satisfaction", 2)):
			frappe.db.set_value("Sales KPI", kpi, "weight", weight)
		self.agree(value=2 * JUNE)
		self.agree(kpi="deals", value=1)
		self.agree(kpi="customer_satisfaction", value=80)
		asker = Asker.current()
		question = Question(
			COMPANY, date(2025, 6, 1), date(2025, 6, 30), Every.MONTH, By.SALES_PERSON, None, date(2025, 8, 1)
		)
		told = scores(asker, standings(asker, question, asker.values(question)))
		scored = told["sales-person", ANN, date(2025, 6, 1)]
		self.assertAlmostEqual(scored.score.value, (3 * 0.5 + 1 * 1.0) / 4)
		self.assertEqual(scored.score.missing, ("customer_satisfaction",))

	# The report

	def test_scope_tree_with_scores(self) -> None:
		self.agree(value=2 * JUNE)
		self.agree(value=JUNE / 10, sales_person=BOB)
		self.agree(value=2 * JUNE, target_for="Team", sales_person=NORTH)
		rows = self.rows(as_of="2025-08-01")
		self.assertEqual(
			[(scope, kpi, row["indent"]) for (scope, kpi), row in rows.items()],
			[
				(NORTH, "score", 0), (NORTH, "sales_volume", 1), (ANN, "score", 1), (ANN, "sales_volume", 2),
				(BOB, "score", 1), (BOB, "sales_volume", 2),
			],
		)  # fmt: skip
		self.assertAlmostEqual(rows[ANN, "sales_volume"]["attainment"], 0.5)
		self.assertAlmostEqual(rows[BOB, "sales_volume"]["attainment"], 1.0)
		self.assertAlmostEqual(rows[NORTH, "sales_volume"]["attainment"], 0.55)
		self.assertAlmostEqual(rows[NORTH, "sales_volume"]["gap"], -0.9 * JUNE)
		self.assertEqual(rows[BOB, "sales_volume"]["status"], "Reached")
		self.assertEqual(rows[ANN, "sales_volume"]["status"], "Missed")
		self.assertAlmostEqual(rows[ANN, "score"]["attainment"], 0.5)

	def test_trend_of_the_last_periods(self) -> None:
		self.target(submit=True, value=1000, from_date="2025-03-01", to_date="2025-06-30")
		row = self.rows(by="sales-person", as_of="2025-08-01")[ANN, "sales_volume"]
		expected = [None, None, *(SOLD[month] / 1000 for month in (3, 4, 5, 6))]
		self.assertEqual(row["points"], expected)

	def test_chart_and_tiles(self) -> None:
		self.agree(value=2 * JUNE)
		self.agree(value=JUNE / 10, sales_person=BOB)
		_columns, _rows, _message, chart, tiles, _skip = attainment(
			{**MONTH, "by": "sales-person", "as_of": "2025-08-01"}
		)
		self.assertEqual(chart["data"]["labels"], [ANN, BOB])
		self.assertEqual(chart["data"]["datasets"][0]["values"], [50.0, 100.0])
		self.assertEqual([(tile["label"], tile["value"]) for tile in tiles], [
			("Reached", "1"), ("Nearly reached", "0"), ("Missed", "1"),
		])  # fmt: skip

	def test_a_score_out_of_balance_is_told_to_those_who_see_all(self) -> None:
		self.agree(value=2 * JUNE)
		asked = {**MONTH, "as_of": "2025-08-01"}
		for text in ("Sales volume has 100", "customers are satisfied", "a team reaches together"):
			self.assertIn(text, attainment(asked)[2])
		self.agree(value=2 * JUNE, target_for="Team", sales_person=NORTH)
		self.agree(kpi="customer_satisfaction", value=80)
		told = attainment(asked)[2] or ""
		self.assertNotIn("satisfied", told)
		self.assertNotIn("together", told)
		frappe.db.set_value("Sales KPI", "sales_volume", "weight", 9)
		self.assertIn("Sales volume has 90", attainment(asked)[2])
		with as_user(LEAD):
			self.assertNotIn("weight", attainment(asked)[2] or "")

	def test_nothing_agreed_says_so(self) -> None:
		_columns, rows, message, chart, tiles, _skip = attainment({**MONTH, "day": "2024-01-15"})
		self.assertEqual((rows, chart, tiles), ([], None, []))
		self.assertIn("Nothing was agreed for January 2024", message)

	def test_a_range_of_values(self) -> None:
		self.agree(is_range=1, low=100, high=150)
		row = self.rows(by="sales-person", as_of="2025-08-01")[ANN, "sales_volume"]
		self.assertIsNone(row["target"])
		self.assertIn("150", row["target_text"])
		self.assertAlmostEqual(row["attainment"], 150 / JUNE)

	def test_wrong_filters_are_one_sentence(self) -> None:
		for filters, text in (
			({"every": "range"}, "comes again"),
			({"by": "source"}, "No targets are set by Source"),
			({"day": "2025-02-30"}, "must be a date"),
		):
			with self.refused(frappe.ValidationError, text):
				attainment({**MONTH, **filters})

	def test_a_salesperson_sees_only_what_is_his(self) -> None:
		self.agree(value=2 * JUNE)
		self.agree(value=JUNE, sales_person=BOB)
		self.agree(value=2 * JUNE, target_for="Company", sales_person=None)
		with as_user(CLERK):
			rows = self.rows(by="sales-person", as_of="2025-08-01")
			self.assertEqual({scope for scope, _kpi in rows}, {ANN})
			self.assertEqual(self.rows(by="company", as_of="2025-08-01"), {})
		with as_user(BOSS):
			self.assertEqual(len(self.rows(by="company", as_of="2025-08-01")), 2)

	# Elsewhere

	def test_in_the_values_report(self) -> None:
		name = self.agree(value=2 * JUNE)
		asked = {
			"company": COMPANY, "from_date": "2025-05-01", "to_date": "2025-06-30", "by": "sales-person",
			"kpis": "sales_volume", "as_of": "2025-08-01",
		}  # fmt: skip
		_columns, rows, *_rest = values(asked)
		told = {(row["scope_name"], row["period_start"]): row for row in rows}
		june, may = told[ANN, "2025-06-01"], told[ANN, "2025-05-01"]
		self.assertEqual((june["target"], june["target_document"]), (2 * JUNE, name))
		self.assertAlmostEqual(june["attainment"], 0.5)
		self.assertEqual(june["stands"], "Missed")
		self.assertEqual((may["target"], may["attainment"], may["stands"]), (None, None, ""))

	def test_in_the_api(self) -> None:
		name = self.agree(value=2 * JUNE)
		told = api.compute(COMPANY, "2025-06-01", "2025-06-30", by="sales-person", kpis="sales_volume")
		by_scope = {value["scope"]: value for value in told}
		self.assertEqual((by_scope[ANN]["target"], by_scope[ANN]["target_document"]), (2 * JUNE, name))
		self.assertEqual((by_scope[ANN]["attainment"], by_scope[ANN]["status"]), (0.5, "off track"))
		self.assertIsNone(by_scope[BOB]["target"])
		self.assertIsNone(by_scope[BOB]["status"])
