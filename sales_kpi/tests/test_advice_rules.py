"""Rules of advice as records: what comes with the app, what people change in it, what they add, and what is refused."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import frappe
from frappe.model.document import Document

from sales_kpi.analysis.advice import rules_from
from sales_kpi.analysis.advice_rules import RULES
from sales_kpi.site import advice_rules
from sales_kpi.site.advice_rules import RULE, STANDS, as_row, insert_missing, rules, subjects
from sales_kpi.tests.base import SiteTestCase, as_user, ensure_user

OWN = {
	"doctype": RULE,
	"rule": "own-rule",
	"place": 5,
	"title_en": "Nothing is sold any more",
	"check_en": "Who sells.",
	"act_en": "Sell.",
	"conditions": [{"part": "If", "subject": "sales_volume", "stands": "Low or falling"}],
}

TARGETS = "target-missed-by-all"

BOSS, CLERK, ACCOUNTANT = "rules-boss@kpi.test", "rules-clerk@kpi.test", "rules-accounts@kpi.test"


def own(**values: Any) -> Document:
	return frappe.get_doc({**OWN, **values})


def condition(**values: Any) -> dict[str, Any]:
	return {"part": "If", "subject": "sales_volume", "stands": "Low or falling", **values}


class TestAdviceRules(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		ensure_user(BOSS, "Sales Master Manager")
		ensure_user(CLERK, "Sales User")
		ensure_user(ACCOUNTANT, "Accounts Manager")

	def setUp(self) -> None:
		super().setUp()
		for name in frappe.get_all(RULE, filters={"standard": 0}, pluck="name"):
			frappe.delete_doc(RULE, name)
		insert_missing()

	# What comes with the app

	def test_the_app_s_rules_are_there_and_say_the_same(self) -> None:
		"""What the engine reads of the records is what stands in its own table."""
		kept = {rule.name: rule for rule in rules()}
		self.assertEqual(list(kept), [row["name"] for row in RULES])
		for rule in rules_from(RULES):
			for condition, other in zip(
				rule.when + rule.unless, kept[rule.name].when + kept[rule.name].unless
			):
				self.assertEqual(set(condition.states), set(other.states))
				self.assertEqual(condition.subject, other.subject)
				self.assertEqual((condition.below, condition.above), (other.below, other.above))
			self.assertEqual(
				(rule.title, rule.check, rule.act),
				(kept[rule.name].title, kept[rule.name].check, kept[rule.name].act),
			)

	def test_a_newer_version_changes_what_nobody_has_changed(self) -> None:
		doc = frappe.get_doc(RULE, "thin-pipeline")
		doc.update({"act_en": "Call someone.", "enabled": 0})
		doc.save()
		newer = tuple(
			{**row, "act_en": "Newer.", "title_en": "Newer title"}
			if row["name"] in ("thin-pipeline", "discounts")
			else row
			for row in RULES
			if row["name"] != "returns-rise"
		)
		with patch.object(advice_rules, "RULES", newer):
			insert_missing()
		doc.reload()
		self.assertEqual((doc.act_en, doc.title_en, doc.enabled), ("Call someone.", "Newer title", 0))
		self.assertEqual(frappe.db.get_value(RULE, "discounts", "act_en"), "Newer.")
		self.assertEqual(
			frappe.db.get_value(RULE, "returns-rise", "standard"), 0, "what is no more is theirs"
		)
		insert_missing()
		doc.reload()
		self.assertEqual(doc.act_en, "Call someone.")
		self.assertTrue(advice_rules.is_changed(doc))
		doc.reset()
		doc.reload()
		row = next(row for row in RULES if row["name"] == doc.name)
		self.assertEqual((doc.act_en, doc.enabled), (row["act_en"], 0))
		self.assertFalse(advice_rules.is_changed(doc))

	def test_nothing_is_written_where_nothing_is_new(self) -> None:
		before = frappe.get_all(RULE, fields=["name", "modified"], order_by="name")
		insert_missing()
		self.assertEqual(frappe.get_all(RULE, fields=["name", "modified"], order_by="name"), before)

	def test_a_changed_threshold_stays_and_holds(self) -> None:
		doc = frappe.get_doc(RULE, TARGETS)
		self.assertEqual([(row.bound, row.threshold) for row in doc.conditions], [("Below", 60)])
		doc.conditions[0].threshold = 30
		doc.save()
		insert_missing()
		self.assertEqual(frappe.get_doc(RULE, TARGETS).conditions[0].threshold, 30)
		self.assertEqual(next(rule for rule in rules() if rule.name == TARGETS).when[0].below, 0.3)

	def test_the_app_s_rules_are_switched_off_not_deleted(self) -> None:
		with self.refused(frappe.ValidationError, "Switch it off"):
			frappe.delete_doc(RULE, TARGETS)
		frappe.db.set_value(RULE, TARGETS, "enabled", 0)
		self.assertNotIn(TARGETS, [rule.name for rule in rules()])

	# Own rules

	def test_an_own_rule(self) -> None:
		own().insert()
		first = rules()[0]
		self.assertEqual((first.name, first.title["en"]), ("own-rule", OWN["title_en"]))
		self.assertEqual(first.title["fa"], OWN["title_en"], "told in the language that it is written in")
		self.assertIn("sales_volume", [one["value"] for one in subjects()])
		percent = [
			condition(subject="win_rate", bound="Above", threshold=25),
			condition(part="Unless", subject="*"),
		]
		doc = own(rule="another", conditions=percent).insert()
		self.assertEqual(
			as_row(doc)["when"], [{"subject": "win_rate", "state": ["low", "falling"], "above": 0.25}]
		)
		self.assertEqual(as_row(doc)["unless"], [{"subject": "*", "state": ["low", "falling"]}])
		frappe.delete_doc(RULE, "own-rule")

	def test_a_rule_about_what_is_no_more_gives_no_advice(self) -> None:
		doc = own().insert()
		frappe.db.set_value("KPI Advice Condition", doc.conditions[0].name, "subject", "gone")
		self.assertNotIn("own-rule", [rule.name for rule in rules()])

	def test_what_is_refused(self) -> None:
		for values, text in (
			({"conditions": [condition(part="Unless")]}, "no condition under If"),
			({"conditions": [condition(subject="frappe.db")]}, "no KPI"),
			({"conditions": [condition(stands="Odd")]}, "how the figure stands"),
			({"conditions": [condition(bound="Below", threshold=float("nan"))]}, "no number"),
			({"conditions": [condition(subject="*", bound="Below", threshold=3)]}, "needs one KPI"),
			(
				{"conditions": [condition(subject="*", stands="Target missed by far", bound="Below")]},
				"below 0",
			),
			({"check_en": " "}, "What to Check"),
			({"act_en": "", "act_fa": ""}, "What to Do"),
		):
			with self.subTest(text), self.refused(frappe.ValidationError, text):
				own(**values).insert()
		own().insert()
		with self.refused(frappe.DuplicateEntryError):
			own().insert()

	def test_words_for_every_state_of_the_app_s_rules(self) -> None:
		known = [set(states) for states in STANDS.values()]
		for row in RULES:
			for one in (*row["when"], *row.get("unless", ())):
				self.assertIn(set(one["state"]), known)

	def test_who_may_change_them(self) -> None:
		with as_user(BOSS):
			own().insert()
		for user in (CLERK, ACCOUNTANT):
			with as_user(user), self.refused(frappe.PermissionError):
				own(rule="theirs").insert()
			with as_user(user), self.refused(frappe.PermissionError):
				frappe.get_doc(RULE, TARGETS).reset()

	def test_records_hold_nothing_but_data(self) -> None:
		row = json.loads(frappe.db.get_value(RULE, TARGETS, "brought"))
		self.assertEqual(row["name"], TARGETS)
