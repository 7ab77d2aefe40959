"""The reports: the same figures as the API gives, documents that add up to them, and nobody else's in any of their parts."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import frappe
from frappe.desk import query_report

from sales_kpi import api, catalogue
from sales_kpi.kpis.definition import By
from sales_kpi.site import report, words
from sales_kpi.site.permissions import visible_to_you
from sales_kpi.site.report import UNASSIGNED
from sales_kpi.tests import base
from sales_kpi.tests.base import as_user, ensure_sales_person, ensure_user

DAYS = {"from_date": "2025-01-01", "to_date": "2025-04-30"}

PEOPLE = {"ann": ("Sales User",), "lead": ("Sales User", "Sales Manager"), "boss": ("Sales Master Manager",)}

NUMBERS = ("value", "numerator", "denominator", "n")


def address(name: str) -> str:
	return f"rep.{name}@kpi.test"


@cache
def company() -> str:
	"""A company with a team and a few months of documents, made through ERPNext once for all classes."""
	name = base.ensure_company(base.unique("KPI Report"))
	for person, roles in {**PEOPLE, "nobody": ("Sales User",)}.items():
		ensure_user(address(person), *roles)
	ensure_sales_person("Rep North", is_group=1)
	ensure_sales_person("Rep South", is_group=1)
	for person, team in (("Rep Ann", "Rep North"), ("Rep Bob", "Rep North"), ("Rep Cid", "Rep South")):
		ensure_sales_person(person, team)
	base.ensure_territory("Rep East", is_group=1)
	base.ensure_territory("Rep City", "Rep East")
	base.ensure_source("Rep Fair")
	base.change_settings(companies=[])
	_map_people()
	_make_documents(name)
	frappe.db.commit()
	return name


def _map_people() -> None:
	base.change_settings(
		mapping=[
			{"user": address("ann"), "sales_person": "Rep Ann"},
			{"user": address("lead"), "sales_person": "Rep North"},
		]
	)


def _make_documents(name: str) -> None:
	customer = base.ensure_customer(f"Buyer of {name}")
	fair = {base.source_field(): "Rep Fair"}
	first = base.make_invoice(
		name, customer, "2025-01-10", 1000, {"Rep Ann": 60, "Rep Bob": 40}, territory="Rep City"
	)
	base.make_return(first, "2025-02-05")
	base.make_invoice(name, customer, "2025-02-10", 1500, {"Rep Ann": 100}, territory="Rep City")
	base.make_invoice(name, customer, "2025-02-11", 333.33, {"Rep North": 100}, territory="Rep East")
	base.make_invoice(name, customer, "2025-02-12", 77.77, {"Rep Cid": 100})
	base.make_invoice(name, customer, "2025-03-12", 4321.09)
	lead = base.make_lead(base.unique("Rep Lead"), name, address("ann"), "2025-01-05", **fair)
	opportunity = base.make_opportunity(lead, "2025-01-12", 1000)
	quotation = base.make_quotation(opportunity, "2025-01-15")
	order = base.order_quotation(quotation, "2025-01-30", {"Rep Ann": 100})
	base.invoice_order(order, "2025-02-03")
	lost = base.make_lead(base.unique("Rep Lost"), name, address("ann"), "2025-02-07", **fair)
	base.make_opportunity(lost, "2025-02-08", 300)


class ReportTestCase(base.SiteTestCase):
	"""A test in that company."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = company()
		_map_people()

	def tearDown(self) -> None:
		frappe.flags.sales_kpi_unattended = None
		super().tearDown()

	def filters(self, **changes: Any) -> dict[str, Any]:
		return {"company": self.company, **DAYS, **changes}

	def rows(self, **changes: Any) -> list[dict[str, Any]]:
		rows: list[dict[str, Any]] = report.values(self.filters(**changes))[1]
		return rows

	def seen_by(self, person: str, name: str = "Sales KPI Values", **changes: Any) -> dict[str, Any]:
		"""What the desk gets for somebody."""
		with as_user(address(person)):
			answer: dict[str, Any] = query_report.run(name, self.filters(**changes))
		return answer


class TestValues(ReportTestCase):
	def test_figures_are_those_of_the_api(self) -> None:
		for by in By:
			told = {
				(row["kpi_name"], row["period_start"], row["scope_name"]): row
				for row in self.rows(by=by.value)
				if row["by"] == by.value
			}
			asked = api.compute(self.company, DAYS["from_date"], DAYS["to_date"], by=by.value)
			self.assertEqual(len(asked), len(told), by)
			for value in asked:
				row = told[value["kpi"], value["period_start"], value["scope"] or UNASSIGNED]
				for name in NUMBERS:
					self.assertAlmostEqualOrNone(row[name], value[name], (by, name, value))
				self.assertEqual(row["complete"], value["complete"])
				self.assertEqual(bool(row["reason"]), bool(value["reason"]), value)

	def assertAlmostEqualOrNone(self, one: float | None, other: float | None, where: object) -> None:
		if other is None:
			self.assertIsNone(one, where)
		else:
			self.assertAlmostEqual(one, other, 5, where)

	def test_a_team_stands_above_its_members_and_is_their_sum(self) -> None:
		rows = [
			row for row in self.rows(by="team", kpis="sales_volume") if row["period_start"] == "2025-02-01"
		]
		names = [row["scope"] for row in rows]
		north = names.index("Rep North")
		self.assertEqual(
			names[north : north + 4], ["Rep North", "Rep North (directly)", "Rep Ann", "Rep Bob"]
		)
		depth = rows[north]["indent"]
		self.assertEqual([row["indent"] - depth for row in rows[north : north + 4]], [0, 1, 1, 1])
		members = sum(row["value"] for row in rows[north + 1 : north + 4])
		self.assertAlmostEqual(rows[north]["value"], members, 5)
		tops = sum(row["value"] for row in rows if row["indent"] == 0)
		whole = self.rows(kpis="sales_volume")[1]
		self.assertEqual(whole["period_start"], "2025-02-01")
		self.assertAlmostEqual(tops, whole["value"], 5)

	def test_a_change_is_that_on_the_calendar_period_before(self) -> None:
		january, february, march, _april = self.rows(kpis="sales_volume")
		self.assertEqual(january["previous"], 0)
		self.assertIsNone(january["change"])
		self.assertEqual(february["previous"], january["value"])
		self.assertAlmostEqual(february["change"], february["value"] / january["value"] - 1, 5)
		self.assertEqual(march["previous"], february["value"])
		self.assertIn("%", february["change_text"])

	def test_the_first_period_is_compared_with_the_one_before_the_range(self) -> None:
		(february,) = self.rows(kpis="sales_volume", from_date="2025-02-01", to_date="2025-02-28")
		self.assertAlmostEqual(february["previous"], 1000, 5)
		(range_of_it,) = self.rows(
			kpis="sales_volume", from_date="2025-02-01", to_date="2025-02-28", every="range"
		)
		self.assertAlmostEqual(range_of_it["previous"], 1000, 5)

	def test_what_is_cut_off_or_running_is_compared_with_nothing(self) -> None:
		(part,) = self.rows(kpis="sales_volume", from_date="2025-02-01", to_date="2025-02-20")
		self.assertIsNone(part["change"])
		self.assertEqual(part["status"], "so far")
		*_rest, running = self.rows(kpis="sales_volume", as_of="2025-04-10")
		self.assertIsNone(running["change"])
		message = report.values(self.filters(kpis="sales_volume", as_of="2025-04-10"))[2]
		self.assertIn("isn’t over", message)

	def test_chart_and_tiles_are_of_the_same_rows(self) -> None:
		_columns, rows, _message, chart, summary, skip_total = report.values(
			self.filters(kpis=["sales_volume", "deals"])
		)
		volumes = [row["value"] for row in rows if row["kpi_name"] == "sales_volume"]
		self.assertEqual(chart["type"], "bar")
		self.assertEqual(chart["data"]["datasets"][0]["values"], volumes)
		self.assertEqual(len(chart["data"]["labels"]), 4)
		self.assertEqual(len(summary), 2)
		self.assertIn("April 2025", summary[0]["label"])
		self.assertTrue(skip_total)

	def test_a_rate_is_a_line_and_what_is_missing_is_no_zero(self) -> None:
		chart = report.values(self.filters(kpis="average_deal_value"))[3]
		self.assertEqual(chart["type"], "line")
		self.assertIsNone(chart["data"]["datasets"][0]["values"][3])

	def test_periods_are_named_in_the_calendar_and_language(self) -> None:
		frappe.local.lang = "fa"
		try:
			rows = self.rows(
				kpis="sales_volume", calendar="Jalali", from_date="2025-03-21", to_date="2025-04-20"
			)
		finally:
			frappe.local.lang = "en"
		self.assertEqual(rows[0]["period"], "فروردین ۱۴۰۴")

	def test_a_fiscal_year_is_known_without_being_told(self) -> None:
		rows = self.rows(kpis="sales_volume", calendar="Fiscal", every="year")
		self.assertEqual(len(rows), 1)

	def test_without_filters_it_shows_the_last_months(self) -> None:
		starts = {row["period_start"] for row in report.values({"kpis": "deals", "company": self.company})[1]}
		self.assertEqual(len(starts), 7)

	def test_numbers_carry_their_unit(self) -> None:
		rows = {row["kpi_name"]: row for row in self.rows(from_date="2025-02-01", to_date="2025-02-28")}
		self.assertIn("%", rows["repeat_rate"]["value_text"])
		self.assertEqual(rows["deals"]["value_text"], "4")
		self.assertEqual(rows["first_response_time"]["value_text"], words.NOTHING)

	def test_a_message_tells_what_is_not_measured(self) -> None:
		message = report.values(self.filters(kpis=["customer_satisfaction", "sales_volume"]))[2]
		self.assertIn("Customer satisfaction", message)
		message = report.values(self.filters(kpis=["customer_lifetime_value", "sales_volume"], by="team"))[2]
		self.assertIn("Customer lifetime value", message)

	def test_names_are_no_markup(self) -> None:
		"""Tiles, chart and message are shown as HTML."""
		before = frappe.db.get_value("Sales KPI", "sales_volume", "title")
		frappe.db.set_value("Sales KPI", "sales_volume", "title", "<img src=x onerror=alert(1)>")
		try:
			for by in ("company", "team"):
				answer = report.values(self.filters(kpis="sales_volume", by=by))
				self.assertIn("&lt;img", json.dumps(answer[2:5]))
				self.assertNotIn("<img", json.dumps(answer[2:5]))
			answer = report.documents(self.filters(kpi="sales_volume"))
			self.assertNotIn("<img", json.dumps(answer[2:5]))
		finally:
			frappe.db.set_value("Sales KPI", "sales_volume", "title", before)


class TestDocuments(ReportTestCase):
	def test_documents_add_up_to_every_figure(self) -> None:
		"""Of each KPI by each kind of scope: in the scope with the most documents, and in the last one."""
		listed = 0
		for by in By:
			told: dict[str, list[dict[str, Any]]] = {}
			for row in self.rows(by=by.value, every="range"):
				if row["by"] == by.value and (row["n"] or row["value"]):
					told.setdefault(row["kpi_name"], []).append(row)
			for rows in told.values():
				most = max(rows, key=lambda row: row["n"])
				for row in (most,) if most is rows[-1] else (most, rows[-1]):
					self.adds_up(row)
					listed += 1
		self.assertGreater(listed, 80)

	def adds_up(self, row: dict[str, Any]) -> None:
		asked = self.filters(kpi=row["kpi_name"], by=row["by"], scope=row["scope_name"])
		_columns, rows, _message, _chart, summary, _skip = report.documents(asked)
		totals: dict[str, float] = {}
		for document in rows:
			part = document["part"]
			if document.get("bold"):
				self.assertAlmostEqual(document["contribution"], totals.get(part, 0.0), 4, (row, part))
				totals[part] = document["contribution"]
			else:
				totals[part] = totals.get(part, 0.0) + document["contribution"]
		expected = {"value": "value", "numerator": "numerator", "denominator": "denominator", "sample": "n"}
		for part in set(totals) & set(expected):
			self.assertAlmostEqual(totals[part], row[expected[part]], 4, (row, part))
		self.assertEqual(summary[0]["value"], f"<bdi>{words.html(row['value_text'])}</bdi>", row)

	def test_a_kpi_of_two_lists_the_documents_of_both(self) -> None:
		parts = set(catalogue.kpi("clv_to_cac").formula.parts())
		self.assertTrue(all(words.part_label(part) != part for part in parts))

	def test_without_a_scope_one_is_asked_for(self) -> None:
		answer = report.documents(self.filters(kpi="deals", by="team"))
		self.assertFalse(answer[1])
		self.assertIn("Team", answer[2])
		rows = report.documents(self.filters(kpi="deals"))[1]
		self.assertTrue(rows[-1]["bold"])

	def test_documents_are_linked_for_those_who_may_open_them(self) -> None:
		mine = self.filters(kpi="deals", by="sales-person", scope="Rep Ann")
		self.assertTrue(all(row["readable"] for row in report.documents(mine)[1] if not row.get("bold")))
		told = self.seen_by("ann", "Sales KPI Documents", kpi="deals", by="sales-person", scope="Rep Ann")
		rows = [row for row in told["result"] if not row.get("bold")]
		self.assertTrue(rows)
		self.assertFalse(any(row["readable"] for row in rows), "a Sales User can't open invoices")

	def test_a_part_that_is_too_long_still_adds_up(self) -> None:
		from unittest.mock import patch

		with patch("sales_kpi.site.documents_table.MAX_DOCUMENTS", 1):
			rows = report.documents(self.filters(kpi="deals"))[1]
		self.assertEqual(len(rows), 3)
		self.assertAlmostEqual(rows[0]["contribution"] + rows[1]["contribution"], rows[2]["contribution"], 5)


class TestWhoSeesWhat(ReportTestCase):
	def test_a_salesperson_sees_itself_in_every_part(self) -> None:
		for by in By:
			told = self.seen_by("ann", by=by.value)
			scopes = {row["scope"] for row in told["result"]}
			self.assertLessEqual(scopes, {"Rep Ann", visible_to_you()}, by)
			text = json.dumps(told, default=str)
			for other in ("Rep Bob", "Rep Cid", "Rep North", "4321.09", "4,321", "77.77"):
				self.assertNotIn(other, text, by)

	def test_what_is_seen_in_part_is_one_line(self) -> None:
		told = self.seen_by("ann", kpis="sales_volume")
		self.assertEqual({row["scope"] for row in told["result"]}, {visible_to_you()})
		self.assertIn("not of all of it", told["message"])
		own = self.seen_by("ann", kpis="sales_volume", by="sales-person")
		self.assertEqual([row["value"] for row in told["result"]], [row["value"] for row in own["result"]])

	def test_a_figure_that_is_seen_in_part_opens_its_documents(self) -> None:
		(row,) = self.seen_by("ann", kpis="sales_volume", every="range")["result"]
		told = self.seen_by(
			"ann", "Sales KPI Documents", kpi="sales_volume", by=row["by"], scope=row["scope_name"]
		)
		self.assertAlmostEqual(told["result"][-1]["contribution"], row["value"], 4)
		self.assertEqual({line["sales_person"] for line in told["result"][:-1]}, {"Rep Ann"})

	def test_a_team_lead_sees_the_team_below(self) -> None:
		told = self.seen_by("lead", by="team", kpis="sales_volume")
		scopes = {row["scope"] for row in told["result"]}
		self.assertEqual(scopes, {"Rep North", "Rep North (directly)", "Rep Ann", "Rep Bob"})

	def test_who_is_nobody_sees_a_sentence(self) -> None:
		told = self.seen_by("nobody")
		self.assertFalse(told["result"])
		self.assertFalse(told["chart"] or told["report_summary"])
		self.assertIn("no salesperson yet", told["message"])

	def test_documents_of_others_are_not_listed(self) -> None:
		for by, scope in (("sales-person", "Rep Bob"), ("team", "Rep North"), ("company", self.company)):
			with self.refused(frappe.PermissionError):
				self.seen_by("ann", "Sales KPI Documents", kpi="deals", by=by, scope=scope)

	def test_managers_see_all(self) -> None:
		told = self.seen_by("boss", kpis="sales_volume")
		self.assertEqual(
			[row["value"] for row in told["result"]], [row["value"] for row in self.rows(kpis="sales_volume")]
		)

	def test_scopes_on_offer_are_those_that_may_be_seen(self) -> None:
		with as_user(address("ann")):
			offered = report.scopes(self.company, "sales-person")
		self.assertEqual([one["value"] for one in offered], ["Rep Ann"])
		everybody = [one["value"] for one in report.scopes(self.company, "sales-person")]
		self.assertIn(UNASSIGNED, everybody)
		self.assertEqual(
			[one["value"] for one in report.scopes(self.company, "team", "rep nor")], ["Rep North"]
		)

	def test_kpis_on_offer_are_those_that_may_be_seen(self) -> None:
		with as_user(address("ann")):
			names = {kpi["value"] for kpi in report.offered()["kpis"]}
		self.assertIn("sales_volume", names)
		self.assertNotIn("gross_margin", names)

	def test_run_for_nobody_it_tells_nothing(self) -> None:
		frappe.flags.sales_kpi_unattended = True
		for run in (report.values, report.documents, report.quality):
			columns, rows, message, chart, summary, _skip = run(self.filters(kpi="deals"))
			self.assertFalse(columns or rows or chart or summary)
			self.assertIn("digest", message)

	def test_a_mailed_report_holds_no_figures(self) -> None:
		mail = frappe.get_doc(
			{
				"doctype": "Auto Email Report", "report": "Sales KPI Values", "report_type": "Script Report",
				"user": address("boss"), "email_to": "x@kpi.test", "format": "CSV", "frequency": "Daily",
				"filters": json.dumps(self.filters()), "send_if_data": 0,
			}
		)  # fmt: skip
		with base.outside_tests():
			content = mail.get_report_content()
		for figure in ("1500", "4321", "Rep Ann"):
			self.assertNotIn(figure, str(content))


class TestQuality(ReportTestCase):
	def rows_by_check(self) -> dict[str, dict[str, Any]]:
		return {row["name"]: row for row in report.quality({"company": self.company})[1]}

	def test_worst_first(self) -> None:
		_columns, rows, message, _chart, summary, _skip = report.quality({"company": self.company})
		faulty = [row for row in rows if row["count"]]
		self.assertEqual(rows[: len(faulty)], faulty)
		shares = [row["share"] for row in faulty if row["share"] is not None]
		self.assertEqual(shares, sorted(shares, reverse=True))
		self.assertTrue(message)
		self.assertEqual(len(summary), 2)

	def test_a_check_leads_to_where_it_is_mended(self) -> None:
		row = self.rows_by_check()["invoices_without_team"]
		self.assertEqual(row["count"], 1)
		self.assertTrue(row["route"].startswith("sales-invoice?"))
		self.assertIn("Sales volume", row["kpis"])
		self.assertTrue(row["fix"])

	def test_who_may_not_open_a_list_gets_no_link(self) -> None:
		told = self.seen_by("boss", "KPI Data Quality")
		row = next(row for row in told["result"] if row["name"] == "invoices_without_team")
		self.assertEqual(row["count"], 1)
		self.assertEqual((row["route"], row["examples"]), ("", ""))

	def test_our_own_failures_are_counted(self) -> None:
		before = self.rows_by_check()["own_failures"]["count"]
		base.insert("Error Log", method="Sales KPI: a change of Lead X was not logged", error="x")
		base.insert("Error Log", method="Somebody else's", error="x")
		row = self.rows_by_check()["own_failures"]
		self.assertEqual(row["count"], before + 1)
		self.assertTrue(row["route"].startswith("error-log?"))

	def test_it_is_for_those_who_see_all(self) -> None:
		for person in ("ann", "lead", "nobody"):
			with self.assertRaises(Exception) as caught:
				self.seen_by(person, "KPI Data Quality")
			self.assertIsInstance(caught.exception, frappe.PermissionError, person)


class TestWrongFilters(ReportTestCase):
	def test_each_is_one_sentence(self) -> None:
		for wrong, said in (
			({"kpis": ["nonsense"]}, "nonsense"),
			({"from_date": "2025-05-01"}, "ends before it begins"),
			({"from_date": "yesterday", "to_date": "zzz"}, "2026-01-31"),
			({"to_date": ""}, "2026-01-31"),
			({"from_date": "1985-01-01", "to_date": "2025-01-01", "every": "day"}, "periods"),
			({"from_date": "0001-01-01"}, ""),
			({"every": "decade"}, "decade"),
			({"by": "moon"}, "moon"),
			({"calendar": "Mayan"}, "mayan"),
			({"as_of": "soon"}, "2026-01-31"),
			({"kpis": {"a": 1}}, ""),
		):
			with self.refused(frappe.ValidationError, said, without=("1000", "1500")):
				report.values(self.filters(**wrong))

	def test_a_company_that_doesnt_exist_is_as_one_that_may_not_be_seen(self) -> None:
		for run in (report.values, report.documents, report.quality):
			with self.refused(frappe.PermissionError, "Nowhere Ltd"):
				run(self.filters(company="Nowhere Ltd"))

	def test_a_table_that_nobody_reads_is_refused(self) -> None:
		with self.refused(frappe.ValidationError, "rows"):
			report.values(
				self.filters(from_date="2024-01-01", to_date="2025-06-30", every="day", by="territory")
			)

	def test_a_scope_that_doesnt_exist(self) -> None:
		with self.refused(frappe.ValidationError, "Rep Zed"):
			report.documents(self.filters(kpi="deals", by="sales-person", scope="Rep Zed"))

	def test_a_kpi_that_was_disabled_meanwhile(self) -> None:
		frappe.db.set_value("Sales KPI", "deals", "enabled", 0)
		try:
			with self.refused(frappe.ValidationError, "deals"):
				report.values(self.filters(kpis=["deals"]))
			with self.refused(frappe.ValidationError, "deals"):
				report.documents(self.filters(kpi="deals"))
			self.assertNotIn("deals", {row["kpi_name"] for row in self.rows()})
		finally:
			frappe.db.set_value("Sales KPI", "deals", "enabled", 1)

	def test_filters_that_are_none(self) -> None:
		for filters in (None, "", "{}", [], {"kpis": ""}):
			self.assertEqual(len(report.values(filters)), 6)

	def test_markup_in_a_filter_is_told_as_text(self) -> None:
		for wrong in ({"kpis": ["<script>x</script>"]}, {"by": "<script>"}, {"company": "<script>"}):
			with self.assertRaises((frappe.ValidationError, frappe.PermissionError)) as caught:
				report.values(self.filters(**wrong))
			self.assertNotIn("<script>", str(caught.exception))
			self.assertIn("&lt;script&gt;", str(caught.exception))
