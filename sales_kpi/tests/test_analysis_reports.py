"""The reports of the analyses: every one answers, within the rights of its reader, in words and figures of people."""

from __future__ import annotations

from typing import Any

import frappe

from sales_kpi import catalogue
from sales_kpi.kpis.definition import By
from sales_kpi.site.report import analysis
from sales_kpi.site.report import values as values_report
from sales_kpi.tests.base import as_user, ensure_user, insert
from sales_kpi.tests.test_targets import ANN, BOB, BOSS, CLERK, COMPANY, LEAD, NORTH, SOLD, TargetCase, usual

YEAR = {"company": COMPANY, "from_date": "2025-01-01", "to_date": "2025-12-31", "as_of": "2026-03-31"}
OUTSIDER = "targets-outsider@kpi.test"


class TestAnalysisReports(TargetCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		ensure_user(OUTSIDER, "Sales User")

	def told(self, name: str, **filters: Any) -> tuple[list[Any], list[Any], str, Any]:
		columns, rows, message, chart, _summary, skips_total = analysis(name, {**YEAR, **filters})
		self.assertTrue(skips_total)
		return columns, rows, message or "", chart

	# Every analysis

	def test_has_a_report(self) -> None:
		"""What the catalogue knows can be opened in the desk."""
		of_reports = set()
		for row in frappe.get_all(
			"Report", filters={"module": "Sales KPI", "report_type": "Script Report"}, pluck="name"
		):
			slug = frappe.scrub(row)
			source = frappe.get_app_path("sales_kpi", "sales_kpi", "report", slug, f"{slug}.py")
			text = frappe.read_file(source) or ""
			of_reports |= {name for name in catalogue.analyses() if f'analysis("{name}"' in text}
		self.assertEqual(of_reports, set(catalogue.analyses()))

	def test_answers_in_sentences_and_columns(self) -> None:
		for name, known in catalogue.analyses().items():
			for by in sorted(known.by, key=lambda by: by.value):
				with self.subTest(name=name, by=by):
					columns, rows, message, chart = self.told(name, by=by.value)
					self.assertTrue(message or rows)
					self.assertNotIn("{", message)
					names = {column["fieldname"] for column in columns}
					for row in rows:
						self.assertLessEqual(names, set(row))
						for value in row.values():
							self.assertFalse(isinstance(value, float) and value != value)
					if chart:
						count = len(chart["data"]["labels"])
						for dataset in chart["data"]["datasets"]:
							self.assertEqual(len(dataset["values"]), count)

	def test_nothing_is_told_to_strangers(self) -> None:
		for name in catalogue.analyses():
			with self.subTest(name=name), as_user(OUTSIDER):
				_columns, rows, message, chart = self.told(name)
				self.assertEqual((rows, chart), ([], None))
				self.assertIn("no salesperson", message)

	def test_a_salesperson_is_told_nothing_of_others(self) -> None:
		"""Figures of Ann alone are the same whether she asks for the company, or a manager asks for her."""
		for name, known in catalogue.analyses().items():
			with as_user(CLERK):
				_columns, mine, message, chart = self.told(name)
			if "who may see its KPIs" in message:
				self.assertTrue(known.tells)
				self.assertEqual((mine, chart), ([], None))
				continue
			with self.subTest(name=name):
				self.assertNotIn(BOB, frappe.as_json(mine) + message)
				with as_user(BOSS):
					_columns, hers, _message, _chart = self.told(name, scope_by="sales-person", scope=ANN)
				if name in ("trend", "advice"):
					# They look at all KPIs that may be seen, which are fewer for Ann.
					continue
				figures = [
					[value for key, value in row.items() if isinstance(value, float | int)] for row in mine
				]
				expected = [
					[value for key, value in row.items() if isinstance(value, float | int)] for row in hers
				]
				self.assertEqual(figures, expected)

	def test_a_scope_that_may_not_be_seen(self) -> None:
		for name in catalogue.analyses():
			for scope in (BOB, "Nobody At All"):
				subtest = self.subTest(name=name, scope=scope)
				with subtest, as_user(CLERK), self.assertRaises(frappe.PermissionError):
					self.told(name, scope_by="sales-person", scope=scope)

	def test_wrong_questions_are_one_sentence(self) -> None:
		for filters, text in (
			({"scope_by": "planet", "scope": "Mars"}, "no scope planet"),
			({"scope_by": "sales-person", "scope": "Nobody At All"}, "Nobody At All"),
			({"from_date": "2025-12-31", "to_date": "2025-01-01"}, "ends before it begins"),
			({"from_date": "1200-01-01"}, "out of range"),
			({"by": "planet"}, "planet"),
		):
			for name in catalogue.analyses():
				with self.subTest(name=name, filters=filters), self.refused(frappe.ValidationError, text):
					self.told(name, **filters)

	def test_wrong_questions_in_another_language(self) -> None:
		"""The sentence is translated, and what was written isn't, whatever stands in it."""
		text, persian = "There is no team {scope}.", "گروهی با نام {scope} نیست."
		insert("Translation", language="fa", source_text=text, translated_text=persian)
		was, frappe.local.lang = frappe.local.lang, "fa"
		try:
			with self.refused(frappe.ValidationError, f"گروهی با نام '{ANN}' نیست."):
				self.told("forecast", scope_by="team", scope=ANN)
		finally:
			frappe.local.lang = was

	# Advice

	def test_advice_is_by_the_site_s_rules(self) -> None:
		"""Ann reached 24 % of her target in December, Bob 2 %, their team 3 %; whom a rule is about, and what it says, is data."""
		for kind, person, value in (
			("Salesperson", ANN, 9000),
			("Salesperson", BOB, 9000),
			("Team", NORTH, 90000),
		):
			days = {"from_date": "2025-12-01", "to_date": "2025-12-31"}
			terms = {"target_for": kind, "sales_person": person, "value": value, **days}
			insert("KPI Target", True, **{**usual(), **terms})
		rule = frappe.get_doc("KPI Advice Rule", "target-missed-by-one")
		rule.title_en = "Somebody needs help"
		rule.save()
		self.assertEqual(self._helped(), {ANN, BOB, NORTH})
		with as_user(CLERK):
			self.assertLessEqual(self._helped(), {ANN})
		rule.conditions[0].threshold = 20
		rule.save()
		self.assertEqual(self._helped(), {BOB, NORTH})
		rule.enabled = 0
		rule.save()
		self.assertEqual(self._helped(), set())

	def _helped(self) -> set[str]:
		_columns, rows, _message, _chart = self.told("advice", as_of="2026-01-15")
		return {row["scope"] for row in rows if row["advice"] == "Somebody needs help"}

	# The explanation

	def test_begins_and_ends_with_the_figures_of_the_values_report(self) -> None:
		days = {"from_date": "2025-06-01", "to_date": "2025-06-30", "as_of": "2025-12-31"}
		_columns, rows, _message, chart = self.told("explanation", **days)
		_columns, values, *_rest = values_report(
			{
				"company": COMPANY,
				"kpis": "sales_volume",
				"from_date": "2025-05-01",
				**{k: v for k, v in days.items() if k != "from_date"},
			}
		)
		may, june = (row["value"] for row in values)
		change = next(row for row in rows if row["part"] == "Change")
		self.assertAlmostEqual(june - may, 1.1 * (SOLD[6] - SOLD[5]), places=4)
		self.assertAlmostEqual(change["effect"], june - may, places=4)
		self.assertEqual((change["before"], change["now"]), (may, june))
		self.assertTrue(chart["is_bridge"])

	def test_a_team_lead_may_ask_for_members(self) -> None:
		with as_user(LEAD):
			_columns, rows, _message, _chart = self.told(
				"explanation", from_date="2025-06-01", to_date="2025-06-30", by=By.SALES_PERSON.value,
				scope_by="team", scope=NORTH,
			)  # fmt: skip
			self.assertEqual({row["group"] for row in rows if row.get("group")} - {ANN, BOB, NORTH}, set())
