"""Kept forecasts: made once for each period, never changed, scored when it is over, seen by those who see the company."""

from __future__ import annotations

from datetime import date
from typing import Any
from unittest.mock import patch

import frappe
import frappe.client

from sales_kpi.demo.site import KEPT_OF_COMPANIES
from sales_kpi.errors import InputError
from sales_kpi.site import forecasts, snapshot_names
from sales_kpi.site.forecasts import FORECAST, make, work
from sales_kpi.site.report import analysis
from sales_kpi.site.scorecard_page import scorecard
from sales_kpi.tests.base import (
	SiteTestCase,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_user,
	make_invoice,
)

COMPANY, OTHER = "KPI Forecasts Company", "KPI Forecasts Other"
BOSS, LEAD, CLERK = "forecasts-boss@kpi.test", "forecasts-lead@kpi.test", "forecasts-ann@kpi.test"
ANN, TEAM = "Forecasts Ann", "Forecasts Team"

MONTHS = [date(2024 + number // 12, number % 12 + 1, 10) for number in range(24)]
SOLD = {day: 1000.0 + 10 * number + 300 * (day.month == 12) for number, day in enumerate(MONTHS)}
"""What was sold in each month of two years: a little more each time, and in December more."""

TODAY = date(2025, 12, 3)
"""A third night: what the first should have made is made all the same."""


def kept(**filters: Any) -> list[Any]:
	return frappe.get_all(FORECAST, filters=filters, fields=["*"], order_by="period_start, as_of")


class TestForecasts(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_sales_person(TEAM, is_group=1)
		ensure_sales_person(ANN, TEAM)
		ensure_user(BOSS, "Sales Master Manager")
		ensure_user(LEAD, "Sales Manager")
		ensure_user(CLERK, "Sales User")
		people = [{"user": LEAD, "sales_person": TEAM}, {"user": CLERK, "sales_person": ANN}]
		change_settings(companies=[{"company": COMPANY}], calendar="Gregorian", mapping=people)
		customer = ensure_customer("Forecasts Buyer")
		if not frappe.db.exists("Sales Invoice", {"company": COMPANY, "docstatus": 1}):
			for day, amount in SOLD.items():
				make_invoice(COMPANY, customer, day.isoformat(), amount, {ANN: 100})
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		commits = patch.object(frappe.db, "commit")
		commits.start()
		self.addCleanup(commits.stop)
		frappe.db.delete(FORECAST)

	def told(self, **filters: Any) -> tuple[list[Any], str]:
		asked = {
			"company": COMPANY, "from_date": "2025-01-01", "to_date": "2026-03-31", "as_of": "2026-01-15", "view": "kept",
		}  # fmt: skip
		_columns, rows, message, *_rest = analysis("forecast", {**asked, **filters})
		return rows, message or ""

	def test_made_once_for_each_period(self) -> None:
		self.assertEqual(make(TODAY), 3)
		found = kept()
		self.assertEqual(
			{(row.company, row.scope, row.kpi, row.every) for row in found},
			{(COMPANY, COMPANY, "sales_volume", "Month")},
		)
		starts = [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
		self.assertEqual([row.period_start for row in found], starts)
		self.assertEqual(found[0].period_end, date(2025, 12, 31))
		self.assertEqual([row.ahead for row in found], [1, 2, 3])
		self.assertEqual({(row.made_on, row.as_of) for row in found}, {(TODAY, date(2025, 11, 30))})
		for row in found:
			self.assertTrue(row.low <= row.value <= row.high)
		# Nothing of December is in it, though it was sold when the forecast was made.
		self.assertLess(found[0].value, SOLD[date(2025, 12, 10)] + 100)
		self.assertEqual(make(date(2025, 12, 20)), 0)
		self.assertEqual(make(date(2026, 1, 1)), 3)
		self.assertEqual(len(kept(period_start="2026-01-01")), 2, "foretold from two months on")

	def test_two_jobs_at_once_leave_one_row_each(self) -> None:
		make(TODAY)
		names = {row.name for row in kept()}
		# As if the other one had written after this one had looked.
		frappe.db.set_value(
			FORECAST, {"name": ("in", list(names))}, "calendar", "another", update_modified=False
		)
		make(TODAY)
		self.assertEqual({row.name for row in kept()}, names)

	def test_nothing_is_made_of_too_little(self) -> None:
		self.assertEqual(make(date(2024, 12, 3)), 0)
		change_settings(companies=[{"company": OTHER}])
		self.assertEqual(make(TODAY), 0)

	def test_what_is_switched_off_is_not_foretold(self) -> None:
		frappe.db.set_value("Sales KPI", "sales_volume", "enabled", 0)
		frappe.clear_cache(doctype="Sales KPI")
		self.assertEqual(make(TODAY), 0)

	def test_wrong_settings_are_logged(self) -> None:
		wrong = patch.object(forecasts, "make", side_effect=InputError("There is no account X."))
		with wrong, patch.object(frappe, "log_error") as log:
			work()
		self.assertEqual(log.call_args.kwargs["message"], "There is no account X.")

	def test_how_they_turned_out(self) -> None:
		self.assertIn("No forecast of these periods is kept", self.told()[1])
		make(TODAY)
		make(date(2026, 1, 2))
		rows, message = self.told()
		self.assertEqual(len(rows), 6)
		december = rows[0]
		self.assertEqual((december["period"], december["made_on"]), ("2025-12-01", "2025-12-03"))
		self.assertEqual(december["actual"], SOLD[date(2025, 12, 10)])
		self.assertAlmostEqual(december["error"], december["forecast"] - december["actual"], places=4)
		self.assertEqual([row["actual"] for row in rows[1:]], [None] * 5)
		self.assertIn("off by", message)
		self.assertIn("WAPE", message)
		_rows, today = self.told(view="forecast")
		self.assertIn("Kept forecasts whose periods are over", today)
		rows, message = self.told(as_of="2025-12-15")
		self.assertEqual([row["actual"] for row in rows], [None] * 3, "nothing is scored before it is over")
		self.assertIn("None of their periods is over", message)
		self.assertEqual(self.told(calendar="Jalali")[0], [])
		self.assertEqual(self.told(every="quarter")[0], [])
		self.assertEqual(self.told(measure="bookings")[0], [])

	def test_they_are_for_those_who_see_the_company(self) -> None:
		make(TODAY)
		with as_user(BOSS):
			self.assertEqual(len(frappe.get_list(FORECAST)), 3)
			self.assertEqual(len(self.told()[0]), 3)
			self.assertTrue(frappe.get_doc(FORECAST, kept()[0].name).has_permission("read"))
		for user in (LEAD, CLERK):
			with self.subTest(user=user), as_user(user):
				if user == LEAD:
					self.assertEqual(frappe.get_list(FORECAST), [])
				self.assertFalse(frappe.get_doc(FORECAST, kept()[0].name).has_permission("read"))
				rows, message = self.told()
				self.assertEqual(rows, [])
				self.assertIn("of a company as a whole", message)

	def test_nobody_edits_them(self) -> None:
		make(TODAY)
		name = kept()[0].name
		for edit in (
			lambda: frappe.client.set_value(FORECAST, name, "value", 1),
			lambda: frappe.client.insert({"doctype": FORECAST, "company": COMPANY}),
			lambda: frappe.client.delete(FORECAST, name),
			lambda: frappe.rename_doc(FORECAST, name, "another"),
		):
			with self.refused(frappe.PermissionError):
				edit()

	def test_a_renamed_company_keeps_its_forecasts(self) -> None:
		make(TODAY)
		snapshot_names.rename("Company", COMPANY, "Renamed")
		self.assertEqual(
			{(row.company, row.scope, row.merged) for row in kept()}, {("Renamed", "Renamed", 0)}
		)
		snapshot_names.rename("Company", "Renamed", COMPANY)
		self.assertEqual(len(self.told()[0]), 3)
		snapshot_names.rename("Company", OTHER, COMPANY, merge=True)
		self.assertEqual(self.told()[0], [], "of two companies that are one now, none comes true")

	def test_a_tile_leads_to_what_explains_and_foretells_it(self) -> None:
		told = scorecard(company=COMPANY, day="2025-12-15")
		tiles = {tile["name"]: tile for tile in told["tiles"]}
		asked = tiles["sales_volume"]["explanation"]
		self.assertEqual(
			(asked["kpi"], asked["by"], asked["compare"]), ("sales_volume", "company", "previous")
		)
		self.assertEqual((asked["from_date"], asked["to_date"]), ("2025-12-01", "2025-12-31"))
		self.assertEqual(tiles["sales_volume"]["forecast"]["measure"], "sales_volume")
		self.assertIsNone(tiles["deals"]["forecast"])
		for tile in tiles.values():
			if not tile["has_value"]:
				self.assertIsNone(tile["explanation"], "there is no change to explain")
		frappe.db.set_value("Report", "KPI Forecast", "disabled", 1)
		told = scorecard(company=COMPANY, day="2025-12-15")
		self.assertIsNone(next(tile for tile in told["tiles"] if tile["name"] == "sales_volume")["forecast"])

	def test_the_demo_leaves_none(self) -> None:
		self.assertIn(FORECAST, KEPT_OF_COMPANIES)
