"""KPI Target: what its periods are, what is refused, who may see it, and what snapshots read of it."""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import date
from typing import Any

import frappe
from frappe.client import get_list
from frappe.model.document import Document

from sales_kpi.analysis.realism import realism
from sales_kpi.kpis.definition import By, Good
from sales_kpi.periods import Calendar, Every
from sales_kpi.site.target_cascade import share_out
from sales_kpi.site.target_form import defaults, periods_of, preview, terms
from sales_kpi.site.target_grid import grid, save_grid, take_over
from sales_kpi.site.targets import TARGET, Agreed, agreed
from sales_kpi.tests.base import (
	SiteTestCase,
	amend,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_territory,
	ensure_user,
	insert,
	make_invoice,
	make_return,
	permit,
	unique,
	unrestricted,
)

COMPANY, OTHER = "KPI Targets Company", "KPI Targets Other"
NORTH, ANN, BOB, GONE = "Targets North", "Targets Ann", "Targets Bob", "Targets Gone"
BOSS, LEAD, CLERK = "targets-boss@kpi.test", "targets-lead@kpi.test", "targets-ann@kpi.test"

SOLD = {month: 1000.0 + 100 * month for month in range(1, 13)}
"""What Ann has sold in each month of 2025; Bob sells a tenth."""


class TargetCase(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_sales_person(NORTH, is_group=1)
		for name in (ANN, BOB, GONE):
			ensure_sales_person(name, NORTH)
		frappe.db.set_value("Sales Person", GONE, "enabled", 0)
		ensure_territory("Targets East")
		ensure_user(BOSS, "Sales Master Manager")
		ensure_user(LEAD, "Sales Manager", "Sales User")
		ensure_user(CLERK, "Sales User")
		change_settings(
			companies=[],
			calendar="Gregorian",
			mapping=[{"user": LEAD, "sales_person": NORTH}, {"user": CLERK, "sales_person": ANN}],
		)
		customer = ensure_customer("Targets Buyer")
		sold = {"company": COMPANY, "docstatus": 1, "is_return": 0}
		if not frappe.db.exists("Sales Invoice", sold):
			for month, amount in SOLD.items():
				day = f"2025-{month:02d}-10"
				make_invoice(COMPANY, customer, day, amount, {ANN: 100})
				make_invoice(COMPANY, customer, day, amount / 10, {BOB: 100})

	def target(self, submit: bool = False, **values: Any) -> Document:
		return insert(TARGET, submit, **{**usual(), **values})

	def values(self, doc: Document) -> list[float]:
		return [row.value for row in doc.periods]

	def refuses(self, *texts: str, submit: bool = False, **values: Any) -> None:
		"""One sentence that explains it, and nothing saved."""
		before = frappe.db.count(TARGET)
		frappe.db.savepoint("refused")
		with self.refused(frappe.ValidationError, *texts) as _caught:
			self.target(submit, **values)
		frappe.db.rollback(save_point="refused")
		self.assertEqual(frappe.db.count(TARGET), before)


def usual() -> dict[str, Any]:
	"""A target of Ann for the first three months of 2026, where a test says nothing else."""
	return {
		"company": COMPANY, "kpi": "sales_volume", "target_for": "Salesperson", "sales_person": ANN, "every": "Month",
		"from_date": "2026-01-01", "to_date": "2026-03-31", "kind": "Absolute", "value": 0, "reason": "A test",
	}  # fmt: skip


class TestTargets(TargetCase):
	# One class: what all of them need takes longer to make than all that is done with it.

	# Periods

	def test_the_same_each_period(self) -> None:
		doc = self.target(value=1500)
		self.assertEqual(self.values(doc), [1500] * 3)
		told = [(row.label, str(row.period_start), str(row.period_end)) for row in doc.periods]
		self.assertEqual(told[1], ("February 2026", "2026-02-01", "2026-02-28"))
		self.assertEqual((doc.calendar, doc.scope_doctype, doc.scope), ("Gregorian", "Sales Person", ANN))
		self.assertEqual(doc.agreed.split(" ")[:2], ["Σ", "4,500"])

	def test_a_total_is_divided(self) -> None:
		doc = self.target(value=1000, split="Evenly")
		self.assertEqual(sum(self.values(doc)), 1000)
		self.assertEqual(self.values(doc), [334, 333, 333])
		doc.update({"value": 100.1, "periods": []})
		doc.save()
		self.assertEqual(self.values(doc), [33.37, 33.37, 33.36])

	def test_by_a_monthly_distribution(self) -> None:
		doc = self.target(value=6000, split="Monthly Distribution", monthly_distribution=distribution())
		self.assertEqual(self.values(doc), [1000, 2000, 3000])

	def test_by_season(self) -> None:
		doc = self.target(value=36000, split="Season")
		whole = sum(SOLD[month] for month in (1, 2, 3))
		for month, value in enumerate(self.values(doc), start=1):
			self.assertAlmostEqual(value, 36000 * SOLD[month] / whole, delta=1)
		self.refuses("too little history", value=36000, split="Season", company=OTHER)

	def test_by_working_days(self) -> None:
		doc = self.target(value=590, split="Working Days", holiday_list=holidays("2026-01-01", "2026-12-31"))
		self.assertEqual(self.values(doc), [200, 190, 200])
		self.refuses(
			"doesn’t cover",
			value=5,
			kpi="deals",
			split="Working Days",
			holiday_list=holidays("2026-02-01", "2026-12-31"),
		)

	def test_by_hand(self) -> None:
		rows = [{"period_start": "2026-03-01", "value": 3}, {"period_start": "2026-01-01", "value": 1}]
		doc = self.target(kpi="deals", split="By Hand", periods=rows)
		self.assertEqual(
			[(row.label, row.value) for row in doc.periods], [("January 2026", 1), ("March 2026", 3)]
		)
		doc.save()
		self.assertEqual(self.values(doc), [1, 3])
		hand = {"kpi": "orders", "split": "By Hand"}
		self.refuses("No period has a value", **hand)
		self.refuses("twice", periods=[rows[0], dict(rows[0])], **hand)
		self.refuses("no period", "01-15", periods=[{"period_start": "2026-01-15", "value": 1}], **hand)
		self.refuses("needs a value", "January 2026", periods=[{"period_start": "2026-01-01"}], **hand)

	def test_a_range(self) -> None:
		doc = self.target(kpi="average_call_duration", is_range=1, low=2, high=5, value=9)
		self.assertEqual([(row.low, row.high, row.value or 0) for row in doc.periods], [(2, 5, 0)] * 3)
		self.assertEqual((doc.value, doc.agreed), (0, "2 min – 5 min"))
		self.refuses("needs a lowest value", kpi="emails", is_range=1, low=5, high=2)
		self.refuses("needs a lowest value", kpi="emails", is_range=1)
		self.refuses("give a range", kpi="average_call_duration", value=3, sales_person=BOB)

	def test_relative_to_the_period_before(self) -> None:
		doc = self.target(kind="Relative", change_by=10)
		self.assertEqual(self.values(doc), [2420, 2662, 2928.2])
		self.assertEqual([row.baseline or 0 for row in doc.periods], [2200, 0, 0])
		self.assertEqual(
			(doc.baseline_value, str(doc.baseline_from), str(doc.baseline_to)),
			(2200, "2025-12-01", "2025-12-31"),
		)
		self.assertEqual(doc.value, 0)

	def test_relative_to_a_year_before(self) -> None:
		doc = self.target(kind="Relative", change_by=-10, relative_to="Same Period a Year Before")
		self.assertEqual(self.values(doc), [round(SOLD[month] * 0.9, 2) for month in (1, 2, 3)])
		self.assertEqual(doc.baseline_value, sum(SOLD[month] for month in (1, 2, 3)))
		self.refuses(
			"to compare with",
			kind="Relative",
			change_by=5,
			kpi="win_rate",
			relative_to="Same Period a Year Before",
		)
		self.refuses("by how much", kind="Relative", kpi="deals")

	def test_percentage_points_are_for_percentages(self) -> None:
		self.refuses(
			"percentage points", kind="Relative", kpi="deals", change_by=5, change_in="Percentage Points"
		)

	def test_a_path_across_a_jalali_year(self) -> None:
		days = {"calendar": "Jalali", "from_date": "2026-02-20", "to_date": "2026-05-21"}
		doc = self.target(kind="Path", goal=2500, **days)
		self.assertEqual(
			[row.label for row in doc.periods], ["Esfand 1404", "Farvardin 1405", "Ordibehesht 1405"]
		)
		self.assertEqual(self.values(doc)[-1], 2500)
		start = doc.baseline_value
		self.assertEqual([round(value - start, 2) for value in self.values(doc)][:2], [
			round((2500 - start) / 3, 2), round((2500 - start) * 2 / 3, 2)
		])  # fmt: skip
		self.refuses("above 0", kind="Path", goal=2500, shape="Geometric", sales_person=NORTH, target_for="Team",
			company=OTHER)  # fmt: skip
		self.refuses("from which a path could begin", kind="Path", goal=30, kpi="win_rate")

	def test_shares_are_written_in_percent(self) -> None:
		doc = self.target(kpi="win_rate", value="40 %")
		self.assertEqual((self.values(doc), doc.value, doc.agreed), ([40] * 3, 40, "40 %"))
		self.refuses("above 100 %", kpi="churn_rate", value=140)
		self.refuses("no percentage", "40%", kpi="deals", value="40%")

	# The baseline

	def test_it_is_frozen(self) -> None:
		customer = ensure_customer("Targets Buyer")
		invoice = make_invoice(COMPANY, customer, "2025-12-20", 800, {ANN: 100})
		doc = self.target(submit=True, kind="Relative", change_by=10, to_date="2026-01-31")
		self.assertEqual((doc.baseline_value, self.values(doc)), (3000, [3300]))
		make_return(invoice, "2025-12-21")
		doc.reload()
		self.assertEqual((doc.baseline_value, self.values(doc)), (3000, [3300]))
		self.assertEqual(one(agreed_of())["value"], 3300)
		again = amend(doc, change_by=20)
		self.assertEqual((again.baseline_value, self.values(again)), (2200, [2640]))

	def test_a_draft_reads_it_anew_when_it_is_submitted(self) -> None:
		doc = self.target(kind="Relative", change_by=10, to_date="2026-01-31")
		make_invoice(COMPANY, ensure_customer("Targets Buyer"), "2025-12-20", 800, {ANN: 100})
		doc.submit()
		self.assertEqual(self.values(doc), [3300])

	def test_it_must_be_final(self) -> None:
		today = frappe.utils.getdate()
		month = Calendar().period(today, Every.MONTH)
		make_invoice(COMPANY, ensure_customer("Targets Buyer"), str(month.start), 500, {ANN: 100})
		following = Calendar().period(month.end, Every.MONTH)
		days = {"from_date": following.start, "to_date": following.last_day}
		self.refuses("isn’t final yet", submit=True, kind="Relative", change_by=10, **days)
		after = Calendar().period(following.end, Every.MONTH)
		days = {"from_date": after.start, "to_date": after.last_day}
		self.refuses("isn’t final yet", kind="Relative", change_by=10, **days)

	# How realistic it is

	def test_in_how_many_periods_it_was_reached(self) -> None:
		told = preview(json.dumps({**usual(), "value": 1950}))
		self.assertIn("was reached in 3 of the last 12 periods", told["evidence"]["sentence"])
		self.assertEqual([row["reached"] for row in told["evidence"]["rows"]], [False] * 9 + [True] * 3)
		self.assertEqual([row["value"] for row in told["periods"]], [1950] * 3)
		self.assertIn("5,850", told["total"])
		self.assertFalse(frappe.db.exists(TARGET, {"company": COMPANY}))

	def test_how_likely_it_is(self) -> None:
		"""Twelve months in which Ann sold 100 more each time: twice that in the middle one of three is 2,400 and some."""
		for value, word, warned in (
			(2150, "nearly certain", 1),
			(2470, "likely", 0),
			(2600, "very unlikely", 1),
		):
			with self.subTest(value):
				evidence = preview({**usual(), "value": value})["evidence"]
				self.assertIn(word, evidence["outlook"][0])
				self.assertEqual(len(evidence["warnings"]), warned)
		found = realism(list(SOLD.values()), 2470, 2)
		self.assertIn(
			f"{found.probability:.1%}"[:-1], preview({**usual(), "value": 2470})["evidence"]["outlook"][0]
		)
		self.assertEqual(preview({**usual(), "value": 2470, "company": OTHER})["evidence"]["outlook"], [])

	def test_an_extreme_asks_for_a_reason(self) -> None:
		for value, text in ((100, "too easy"), (9000, "out of reach")):
			with self.subTest(value):
				self.refuses(text, "Reason", submit=True, value=value, reason="")
				self.assertIn(text, preview({**usual(), "value": value})["evidence"]["warnings"][0])
		doc = self.target(submit=True, value=9000, reason="A new catalogue")
		self.assertEqual(doc.docstatus, 1)
		self.target(value=100, reason="", kpi="deals")

	def test_what_can_not_be_saved_is_said(self) -> None:
		self.assertIn("isn’t measured by", preview({**usual(), "kpi": "customer_lifetime_value"})["refused"])
		self.assertEqual(preview({"company": COMPANY}), {})
		self.assertEqual(len(periods_of({**usual(), "split": "By Hand"})), 3)
		self.assertEqual(periods_of({"company": COMPANY}), [])

	def test_what_the_form_begins_with(self) -> None:
		self.assertEqual(defaults()["calendar"], "Gregorian")
		self.assertEqual(terms("win_rate")["is_percentage"], True)
		self.assertEqual(terms("average_call_duration")["is_range"], True)
		self.assertEqual(terms("customer_lifetime_value")["scopes"], ["Company"])

	# What is refused

	def test_overlapping_targets(self) -> None:
		first = self.target(value=1500)
		days = {"from_date": "2026-03-01", "to_date": "2026-04-30"}
		self.refuses(first.name, ANN, "03-01", "03-31", value=1500, **days)
		first.submit()
		self.refuses(first.name, value=1500, **days)
		self.target(value=1500, **{**days, "from_date": "2026-04-01"})
		self.target(value=1500, sales_person=BOB)
		self.target(value=1500, company=OTHER)
		self.target(value=5, kpi="deals")
		self.target(value=18000, every="Year", from_date="2026-01-01", to_date="2026-12-31")
		first.cancel()
		self.target(value=1600)

	def test_scopes_that_make_no_sense(self) -> None:
		self.refuses(GONE, "disabled", sales_person=GONE, value=5)
		self.refuses(NORTH, "is a team", sales_person=NORTH, value=5)
		self.refuses(ANN, "no team", target_for="Team", value=5)
		for target_for, scope in (
			("Team", {"sales_person": NORTH}),
			("Salesperson", {}),
			("Territory", {"territory": "Targets East"}),
		):
			with self.subTest(target_for):
				self.refuses(
					"isn’t measured by",
					kpi="customer_lifetime_value",
					target_for=target_for,
					value=5,
					**scope,
				)
		self.refuses("which", "Sales Person", sales_person="", value=5)

	def test_ranges_without_periods(self) -> None:
		self.refuses("before it begins", value=5, to_date="2025-12-31")
		self.refuses("begins within January 2026", value=5, from_date="2026-01-10", to_date="2026-01-20")
		self.refuses("ends within March 2026", value=5, to_date="2026-03-20")
		self.refuses("periods", value=5, every="Week", from_date="2020-01-06", to_date="2026-01-04")

	def test_values_that_make_no_sense(self) -> None:
		self.refuses("needs a value", value=0)
		self.refuses("below 0", kpi="deals", value=-1)
		self.refuses("doesn’t add up", kpi="win_rate", value=30, split="Evenly")
		self.target(kpi="churn_rate", value=0)

	def test_choices_that_are_not_offered(self) -> None:
		for wrong in (
			{"target_for": "Planet"},
			{"every": "Day"},
			{"kind": "Wish"},
			{"split": "Anyhow"},
			{"calendar": "Maya"},
		):
			with self.subTest(wrong):
				self.refuses(next(iter(wrong.values())), value=5, **wrong)

	def test_a_kpi_that_is_switched_off(self) -> None:
		frappe.db.set_value("Sales KPI", "deals", "enabled", 0)
		self.refuses("isn’t measured here", kpi="deals", value=5)

	def test_a_company_that_is_not_followed(self) -> None:
		change_settings(companies=[{"company": OTHER}])
		with self.assertRaises(frappe.ValidationError):
			self.target(value=5)

	def test_a_submitted_target_is_not_edited(self) -> None:
		doc = self.target(submit=True, value=1500)
		doc.value = 1
		with self.assertRaises(frappe.ValidationError):
			doc.save()

	# What was agreed

	def test_only_submitted_ones_count(self) -> None:
		doc = self.target(value=1500)
		self.assertEqual(agreed_of(), {})
		doc.submit()
		self.assertEqual(len(agreed_of()), 3)
		key = ("sales_volume", ANN, date(2026, 2, 1), date(2026, 2, 28))
		self.assertEqual(agreed_of()[key], Agreed(1500, None, None, doc.name, Good.UP))
		self.assertEqual(agreed_of(by=By.TEAM), {})
		self.assertEqual(agreed_of(company=OTHER), {})
		doc.cancel()
		self.assertEqual(agreed_of(), {})

	def test_amended_in_mid_period(self) -> None:
		doc = self.target(submit=True, value=1500)
		again = amend(doc, value=1800)
		found = agreed_of(first=date(2026, 2, 14), last=date(2026, 2, 20))
		self.assertEqual([(told.value, told.target) for told in found.values()], [(1800, again.name)])

	def test_as_the_engine_counts(self) -> None:
		self.target(submit=True, kpi="win_rate", value=40)
		self.target(submit=True, kpi="average_call_duration", is_range=1, low=2, high=5)
		found = {key[0]: told for key, told in agreed_of(last=date(2026, 1, 31)).items()}
		self.assertEqual(found["win_rate"].value, 0.4)
		self.assertEqual(
			(
				found["average_call_duration"].value,
				found["average_call_duration"].low,
				found["average_call_duration"].high,
			),
			(None, 120, 300),
		)
		self.assertIs(found["average_call_duration"].good, Good.NEITHER)

	def test_longer_periods_are_made_of_shorter_ones(self) -> None:
		doc = self.target(submit=True, value=1500)
		self.target(submit=True, kpi="win_rate", value=40)
		found = agreed_of(every=Every.QUARTER)
		self.assertEqual({key[0]: told.value for key, told in found.items()}, {"sales_volume": 4500})
		self.assertEqual(one(found)["target"], doc.name)
		self.assertEqual(agreed_of(every=Every.YEAR, last=date(2026, 12, 31)), {})
		whole = agreed_of(every=Every.RANGE)
		self.assertEqual(one(whole)["value"], 4500)
		own = self.target(submit=True, value=5000, every="Quarter")
		self.assertEqual(one(agreed_of(every=Every.QUARTER))["target"], own.name)

	def test_salespeople_who_are_merged(self) -> None:
		old, new = (
			ensure_sales_person(unique("Targets Old"), NORTH),
			ensure_sales_person(unique("Targets New"), NORTH),
		)
		for name in (old, new):
			self.target(submit=True, value=1500, sales_person=name)
		frappe.rename_doc("Sales Person", old, new, merge=True, show_alert=False)
		found = agreed_of(last=date(2026, 1, 31))
		self.assertEqual({key[1]: told.value for key, told in found.items()}, {new: 3000})

	def test_renamed(self) -> None:
		old, new = ensure_sales_person(unique("Targets Miss"), NORTH), unique("Targets Mrs")
		self.target(submit=True, value=1500, sales_person=old)
		frappe.rename_doc("Sales Person", old, new, show_alert=False)
		self.assertEqual({key[1] for key in agreed_of()}, {new})

	# Teams and their members

	def team(self, **values: Any) -> Document:
		return self.target(target_for="Team", sales_person=NORTH, **values)

	def test_shared_out_equally(self) -> None:
		parent = self.team(submit=True, value=3001)
		made = [frappe.get_doc(TARGET, name) for name in share_out(parent.name)]
		self.assertEqual([(doc.scope, doc.docstatus, self.values(doc)) for doc in made], [
			(ANN, 0, [1501] * 3), (BOB, 0, [1500] * 3)
		])  # fmt: skip
		parent.reload()
		self.assertEqual(parent.children_sum, 9003)
		parent.run_method("onload")
		self.assertIn("add up to this one", parent.get_onload("parts_sum")["text"])
		made[0].split, made[0].value = "Same Each Period", 1600
		made[0].save()
		parent.reload()
		self.assertEqual(parent.children_sum, 9300)
		parent.run_method("onload")
		self.assertIn("297", parent.get_onload("parts_sum")["text"])
		made[1].delete()
		parent.reload()
		self.assertEqual(parent.children_sum, 4800)

	def test_shared_out_by_the_year_before(self) -> None:
		parent = self.team(value=11000)
		made = [frappe.get_doc(TARGET, name) for name in share_out(parent.name, "last year")]
		self.assertEqual([self.values(doc) for doc in made], [[10000] * 3, [1000] * 3])
		other = self.team(value=11000, company=OTHER)
		with self.refused(frappe.ValidationError, "Nobody has a value"):
			share_out(other.name, "last year")

	def test_a_rate_is_the_same_for_all(self) -> None:
		parent = self.team(kpi="win_rate", value=30)
		self.assertEqual(
			[self.values(frappe.get_doc(TARGET, name)) for name in share_out(parent.name)], [[30] * 3] * 2
		)

	def test_all_or_nothing(self) -> None:
		parent = self.team(value=3000)
		self.target(value=5, sales_person=BOB)
		before = frappe.db.count(TARGET)
		with self.refused(frappe.ValidationError, BOB, "already"):
			share_out(parent.name)
		self.assertEqual(frappe.db.count(TARGET), before)

	def test_what_is_no_part(self) -> None:
		parent = self.team(value=3000)
		self.refuses(
			"isn’t a member",
			value=5,
			parent_target=parent.name,
			sales_person=ensure_sales_person("Targets Loner"),
		)
		self.refuses("another company or KPI", value=5, parent_target=parent.name, kpi="deals")
		self.refuses("other days", value=5, parent_target=parent.name, to_date="2026-04-30")
		self.refuses("other days", value=5, parent_target=parent.name, from_date="2025-12-01")
		single = self.target(value=5)
		self.refuses("isn’t a member", value=5, parent_target=single.name, sales_person=BOB)

	def test_an_amendment_takes_over_the_parts(self) -> None:
		parent = self.team(submit=True, value=3000)
		for name in share_out(parent.name):
			frappe.get_doc(TARGET, name).update({"reason": "A test"}).submit()
		again = amend(parent, value=4000)
		parts = frappe.get_all(TARGET, {"parent_target": again.name, "docstatus": 1}, pluck="scope")
		self.assertEqual(sorted(parts), [ANN, BOB])
		again.reload()
		self.assertEqual(again.children_sum, 9000)

	# The grid

	asked = {
		"company": COMPANY, "kpi": "sales_volume", "target_for": "Salesperson", "every": "Month",
		"from_date": "2026-01-01", "to_date": "2026-03-31",
	}  # fmt: skip

	def row(self, scope: str) -> list[dict[str, Any]]:
		return next(row["cells"] for row in grid(**self.asked)["rows"] if row["scope"] == scope)

	def save(self, submit: bool = False, **values: list[Any]) -> list[Document]:
		names = {"ann": ANN, "bob": BOB}
		rows = [{"scope": names[key], "values": given} for key, given in values.items()]
		saved = save_grid(**self.asked, rows=rows, submit=submit, reason="A test")
		return [frappe.get_doc(TARGET, name) for name in saved]

	def test_what_there_was_a_year_before(self) -> None:
		told = grid(**self.asked)
		self.assertEqual(
			[period["label"] for period in told["periods"]], ["January 2026", "February 2026", "March 2026"]
		)
		self.assertEqual([cell["before"] for cell in self.row(ANN)], [1100, 1200, 1300])
		self.assertNotIn(GONE, [row["scope"] for row in told["rows"]])
		self.assertNotIn(NORTH, [row["scope"] for row in told["rows"]])

	def test_saved_as_drafts_and_again(self) -> None:
		[ann, bob] = self.save(ann=[100, 200, None], bob=[50, 50, 50])
		self.assertEqual(
			(ann.split, self.values(ann), str(ann.to_date)), ("By Hand", [100, 200], "2026-02-28")
		)
		self.assertEqual((bob.split, bob.value, self.values(bob)), ("Same Each Period", 50, [50] * 3))
		self.assertEqual([cell["value"] for cell in self.row(ANN)], [100, 200, None])
		[again] = self.save(ann=[100, None, 300])
		self.assertEqual((again.name, self.values(again)), (ann.name, [100, 300]))
		self.assertEqual(self.save(ann=[None, None, None]), [])
		self.assertFalse(frappe.db.exists(TARGET, ann.name))
		self.assertTrue(frappe.db.exists(TARGET, bob.name))

	def test_submitted_ones_are_fixed(self) -> None:
		fixed = self.target(submit=True, value=1500, from_date="2026-02-01", to_date="2026-02-28")
		self.assertEqual([cell["fixed"] for cell in self.row(ANN)], [False, True, False])
		self.assertEqual(self.row(ANN)[1]["target"], fixed.name)
		saved = self.save(submit=True, ann=[100, 777, 300])
		self.assertEqual([self.values(doc) for doc in saved], [[100], [300]])
		self.assertEqual(sorted(told.value for told in agreed_of().values()), [100, 300, 1500])

	def test_a_grid_is_saved_as_a_whole_or_not_at_all(self) -> None:
		with self.refused(frappe.ValidationError, BOB, "needs a value"):
			self.save(submit=True, ann=[100, 200, 300], bob=[1, 0, 1])
		self.assertFalse(frappe.db.exists(TARGET, {"company": COMPANY}))
		with self.refused(frappe.ValidationError, ANN, BOB, "out of reach"):
			save_grid(**self.asked, submit=True, rows=json.dumps([
				{"scope": ANN, "values": [90000] * 3}, {"scope": BOB, "values": [90000] * 3}
			]))  # fmt: skip
		self.assertFalse(frappe.db.exists(TARGET, {"company": COMPANY}))

	def test_teams_and_territories(self) -> None:
		for target_for, name in (("Team", NORTH), ("Territory", "Targets East")):
			told = grid(**{**self.asked, "target_for": target_for})
			self.assertIn(name, [row["scope"] for row in told["rows"]])
		for wrong in (
			{"target_for": "Company"},
			{"every": "Day"},
			{"kpi": "average_call_duration"},
			{"to_date": "2026-03-15"},
		):
			with self.assertRaises(frappe.ValidationError):
				grid(**{**self.asked, **wrong})

	def test_only_what_the_user_may_set(self) -> None:
		with as_user(LEAD):
			self.assertEqual({row["scope"] for row in grid(**self.asked)["rows"]}, {ANN, BOB})
			with self.refused(frappe.ValidationError, "There is no"):
				save_grid(**self.asked, rows=[{"scope": "Targets Loner", "values": [1, 1, 1]}])
		with as_user(CLERK), self.assertRaises(frappe.PermissionError):
			grid(**self.asked)

	# ERPNext's own targets

	def test_of_erpnext(self) -> None:
		year = frappe.get_all("Fiscal Year", {"year_start_date": "2026-01-01"}, pluck="name")
		if not year:
			self.skipTest("the fiscal year isn't the calendar year")
		for name, rows in {
			ANN: [(6000.0, distribution())],
			BOB: [(6000.0, distribution()), (1200.0, distribution(even=True))],
			GONE: [(500.0, distribution())],
			ensure_sales_person("Targets Pieces", NORTH): [(0.0, distribution())],
		}.items():
			doc = frappe.get_doc("Sales Person", name)
			for amount, by in rows:
				doc.append("targets", {
					"fiscal_year": year[0], "target_amount": amount, "target_qty": 5, "distribution_id": by
				})  # fmt: skip
			doc.save()
		told = take_over(COMPANY, year[0])
		made = {doc.scope: doc for doc in (frappe.get_doc(TARGET, name) for name in told["made"])}
		self.assertEqual(set(made), {ANN, BOB})
		self.assertEqual((made[ANN].docstatus, self.values(made[ANN])[:4]), (0, [1000, 2000, 3000, 0]))
		self.assertEqual(self.values(made[BOB])[:4], [1100, 2100, 3100, 100])
		self.assertIn("disabled", " ".join(told["left_out"]))
		self.assertIn("Targets Pieces", " ".join(told["left_out"]))
		again = take_over(COMPANY, year[0])
		self.assertEqual(again["made"], [])
		self.assertIn("already", " ".join(again["left_out"]))
		self.assertEqual(len(take_over(COMPANY, year[0], "bookings")["made"]), 2)

	# Spreadsheets

	def test_from_a_spreadsheet(self) -> None:
		from frappe.core.doctype.data_import.importer import INSERT, Importer

		head = [
			"Company",
			"KPI",
			"Target For",
			"Sales Person",
			"Period",
			"From Date",
			"To Date",
			"Kind",
			"Divided Over Periods",
			"Target Value",
		]
		lines = [
			[COMPANY, "sales_volume", "Salesperson", ANN, "Month", "2026-01-01", "2026-03-31", "Absolute", "Evenly", "3000"],
			[COMPANY, "win_rate", "Team", NORTH, "Quarter", "2026-01-01", "2026-06-30", "Absolute", "", "30"],
			[COMPANY, "deals", "Salesperson", GONE, "Month", "2026-01-01", "2026-03-31", "Absolute", "", "5"],
			[COMPANY, "sales_volume", "Salesperson", BOB, "Month", "2026-01-01", "2026-03-31", "Absolute", "", "25%"],
		]  # fmt: skip
		with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
			csv.writer(file).writerows([head, *lines])
			file.flush()
			task = frappe.get_doc(
				{"doctype": "Data Import", "reference_doctype": TARGET, "import_type": INSERT}
			)
			task.submit_after_import = 0
			importer = Importer(TARGET, data_import=task, file_path=file.name, console=True)
			payloads = importer.import_file.get_payloads_for_import()
			warnings = [told for told in importer.import_file.get_warnings() if told.get("type") != "info"]
			self.assertEqual(warnings, [])
		done, refused = [], []
		for payload in payloads:
			frappe.db.savepoint("import_row")
			try:
				done.append(importer.process_doc(payload.doc))
			except frappe.ValidationError as error:
				frappe.db.rollback(save_point="import_row")
				refused.append(str(error))
		self.assertEqual([self.values(doc) for doc in done], [[1000] * 3, [30] * 2])
		self.assertIn("disabled", refused[0])
		self.assertIn("needs a value", refused[1])
		self.assertEqual(frappe.db.count(TARGET, {"company": COMPANY}), 2)

	# Who may see and set it

	def set_each(self) -> None:
		"""A target of each kind of scope."""
		self.of = {
			"ann": self.target(value=1500),
			"bob": self.target(value=1500, sales_person=BOB),
			"north": self.target(value=1500, target_for="Team", sales_person=NORTH),
			"company": self.target(value=1500, target_for="Company"),
			"east": self.target(value=1500, target_for="Territory", territory="Targets East"),
			"other": self.target(value=1500, company=OTHER),
			"hidden": self.target(value=10, kpi="gross_margin"),
		}

	def seen(self, user: str) -> set[str]:
		"""Which of these a user may see, in lists and one by one."""
		names = {doc.name: key for key, doc in self.of.items()}
		with as_user(user):
			listed = set(frappe.get_list(TARGET, pluck="name")) & set(names)
			opened = {name for name in names if frappe.get_doc(TARGET, name).has_permission("read")}
			rows = get_list("KPI Target Period", ["parent"], parent=TARGET, limit_page_length=0)
		self.assertEqual(listed, opened, user)
		self.assertEqual({row.parent for row in rows} & set(names), listed, user)
		return {names[name] for name in listed}

	def test_whoever_sees_the_figures_sees_the_target(self) -> None:
		self.set_each()
		self.assertEqual(self.seen(BOSS), set(self.of))
		self.assertEqual(self.seen(LEAD), {"ann", "bob", "north", "other", "hidden"})
		self.assertEqual(self.seen(CLERK), {"ann", "other"})
		self.assertEqual(self.seen(ensure_user("targets-none@kpi.test", "Sales User")), set())

	def test_user_permissions(self) -> None:
		self.set_each()
		try:
			permit(BOSS, "Company", COMPANY)
			self.assertEqual(self.seen(BOSS), set(self.of) - {"other"})
			unrestricted(BOSS)
			permit(BOSS, "Territory", "Targets East")
			self.assertEqual(self.seen(BOSS), {"east"})
			permit(CLERK, "Company", COMPANY)
			self.assertEqual(self.seen(CLERK), {"ann"})
		finally:
			unrestricted(BOSS)
			unrestricted(CLERK)

	def test_who_may_set_them(self) -> None:
		self.set_each()
		with as_user(LEAD):
			doc = frappe.get_doc({"doctype": TARGET, **usual(), "kpi": "deals", "value": 5})
			doc.insert()
			doc.submit()
			for wrong in ({"target_for": "Company"}, {"sales_person": ensure_loner()}):
				with self.assertRaises(frappe.PermissionError):
					frappe.get_doc(
						{"doctype": TARGET, **usual(), "kpi": "orders", "value": 5, **wrong}
					).insert()
			with self.assertRaises(frappe.PermissionError):
				preview({**usual(), "target_for": "Company", "value": 5})
			with self.assertRaises(frappe.PermissionError):
				share_out(self.of["company"].name)
		with as_user(CLERK):
			for method in (
				frappe.get_doc(TARGET, doc.name).cancel,
				frappe.get_doc(TARGET, self.of["ann"].name).submit,
			):
				with self.assertRaises(frappe.PermissionError):
					method()
			with self.assertRaises(frappe.PermissionError):
				frappe.get_doc({"doctype": TARGET, **usual(), "kpi": "orders", "value": 5}).insert()
			for method in (
				lambda: share_out(self.of["north"].name),
				lambda: take_over(COMPANY, "2026"),
				defaults,
			):
				with self.assertRaises(frappe.PermissionError):
					method()

	def test_names_are_no_sql(self) -> None:
		self.set_each()
		evil = ensure_sales_person("Targets O'Brien \\' or 1=1 --", NORTH)
		change_settings(mapping=[{"user": CLERK, "sales_person": evil}])
		self.assertEqual(self.seen(CLERK), set())
		self.of["evil"] = self.target(value=1500, sales_person=evil)
		self.assertEqual(self.seen(CLERK), {"evil"})


# Builders


def agreed_of(
	company: str = COMPANY,
	by: By = By.SALES_PERSON,
	first: date = date(2026, 1, 1),
	last: date = date(2026, 3, 31),
	every: Every = Every.MONTH,
) -> dict[tuple[str, str, date, date], Agreed]:
	"""What was agreed, in the Gregorian calendar."""
	return agreed(company, by, first, last, Calendar(), every)


def one(found: dict[Any, Agreed]) -> dict[str, Any]:
	"""The only one, as a mapping."""
	[told] = found.values()
	return vars(told)


def ensure_loner() -> str:
	"""A salesperson outside the team."""
	return ensure_sales_person("Targets Loner")


def distribution(even: bool = False) -> str:
	"""A Monthly Distribution: a sixth, a third and a half in the first three months, or the same in each."""
	name = f"Targets {'Even' if even else 'Front'}"
	if not frappe.db.exists("Monthly Distribution", name):
		months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
			"November", "December")  # fmt: skip
		shares = [100 / 12] * 12 if even else [100 / 6, 100 / 3, 50] + [0] * 9
		insert(
			"Monthly Distribution",
			distribution_id=name,
			percentages=[
				{"month": month, "percentage_allocation": share} for month, share in zip(months, shares)
			],
		)
	return name


def holidays(first: str, last: str) -> str:
	"""A Holiday List: eleven days off in January, nine in February, eleven in March."""
	name = unique("Targets Holidays")
	days = [
		f"2026-{month:02d}-{day:02d}"
		for month, count in ((1, 11), (2, 9), (3, 11))
		for day in range(1, count + 1)
	]
	insert(
		"Holiday List",
		holiday_list_name=name,
		from_date=first,
		to_date=last,
		holidays=[{"holiday_date": day, "description": "Off"} for day in days if day >= first],
	)
	return name
