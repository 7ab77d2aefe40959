"""Sales KPI Settings: what is proposed, what is refused, and what a choice would change."""

from __future__ import annotations

from datetime import date
from typing import Any
from unittest.mock import patch

import frappe
from frappe.utils import add_days, nowdate

from sales_kpi.facts.reading.settings import CreditFallback
from sales_kpi.site import proposals
from sales_kpi.site.preview import credit_preview
from sales_kpi.site.settings import site_settings
from sales_kpi.tests.base import (
	SETTINGS,
	SiteTestCase,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_source,
	ensure_user,
	insert,
	make_invoice,
	permit,
	settings_now,
	unique,
	unrestricted,
)

COMPANY = "KPI Settings Company"
OTHER = "KPI Settings Other"
ANN = "settings-ann@kpi.test"


class SettingsCase(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_user(ANN, "Sales User")
		cls.ann, cls.bob = ensure_sales_person("Settings Ann"), ensure_sales_person("Settings Bob")
		change_settings(
			companies=[], mapping=[], acquisition_accounts=[], cost_centers=[], shared_customers=[]
		)


def account(company: str, root_type: str, is_group: int = 0) -> str:
	filters = {"company": company, "root_type": root_type, "is_group": is_group}
	return str(frappe.get_all("Account", filters=filters, pluck="name", order_by="lft desc", limit=1)[0])


def cost_center(company: str, is_group: int = 0) -> str:
	return str(frappe.get_all("Cost Center", {"company": company, "is_group": is_group}, pluck="name")[0])


class TestValidation(SettingsCase):
	def refuses(self, *texts: str, **values: Any) -> None:
		"""One sentence that explains it, and nothing saved."""
		before = settings_now()
		with self.refused(frappe.ValidationError, *texts):
			change_settings(**values)
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		self.assertEqual(
			{k: v for k, v in settings_now().items() if k != "modified"},
			{k: v for k, v in before.items() if k != "modified"},
		)

	def test_account_of_another_company(self) -> None:
		mine = account(OTHER, "Expense")
		self.refuses(mine, OTHER, COMPANY, acquisition_accounts=[{"company": COMPANY, "account": mine}])

	def test_account_that_is_no_expense(self) -> None:
		mine = account(COMPANY, "Income")
		self.refuses("no expense account", acquisition_accounts=[{"company": COMPANY, "account": mine}])

	def test_account_listed_twice(self) -> None:
		row = {"company": COMPANY, "account": account(COMPANY, "Expense")}
		self.refuses("Row 2", "twice", acquisition_accounts=[row, dict(row)])

	def test_group_accounts_are_allowed(self) -> None:
		group = account(COMPANY, "Expense", is_group=1)
		change_settings(acquisition_accounts=[{"company": COMPANY, "account": group}])
		self.assertEqual(site_settings().engine.acquisition_accounts, (group,))

	def test_mapping_that_ends_before_it_begins(self) -> None:
		row = {"user": ANN, "sales_person": self.ann, "from_date": "2026-05-01", "to_date": "2026-04-30"}
		self.refuses(ANN, "before it begins", mapping=[row])

	def test_overlapping_mappings(self) -> None:
		one = {"user": ANN, "sales_person": self.ann, "to_date": "2026-06-30"}
		other = {"user": ANN, "sales_person": self.bob, "from_date": "2026-06-30"}
		self.refuses("Rows 1 and 2", ANN, self.ann, self.bob, mapping=[one, other])
		self.refuses("same days", mapping=[{**one, "to_date": None}, other])
		self.refuses("same days", mapping=[one, {**other, "from_date": None}])
		change_settings(mapping=[{**other, "from_date": "2026-07-01"}, one])
		self.assertEqual(len(site_settings().engine.mapping), 2)

	def test_team_lead_is_mapped_to_a_group(self) -> None:
		team = ensure_sales_person("Settings Team", is_group=1)
		change_settings(mapping=[{"user": ANN, "sales_person": team}])
		self.assertEqual(site_settings().engine.mapping[0].sales_person, team)

	def test_fiscal_year_start(self) -> None:
		for wrong in ("", "4-1", "13-01", "02-30", "2026-04-01", "April", "<b>"):
			with self.subTest(wrong):
				self.refuses("04-01", calendar="Fiscal", fiscal_year_start=wrong)
		change_settings(calendar="Fiscal", fiscal_year_start=" 04-01 ")
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "fiscal_year_start"), "04-01")
		change_settings(calendar="Gregorian", fiscal_year_start="")

	def test_days(self) -> None:
		for fieldname, wrong in (
			("churn_after_days", 0), ("churn_after_days", -5), ("conversion_window_days", 0),
			("acquisition_lag_months", 37), ("acquisition_lag_months", -1),
		):  # fmt: skip
			with self.subTest(fieldname, wrong=wrong):
				self.refuses(str(wrong), **{fieldname: wrong})

	def test_thresholds_out_of_order(self) -> None:
		for on_track, at_risk in ((80, 80), (80, 95), (95, 0), (0, 0), (95, -1)):
			with self.subTest(on_track=on_track, at_risk=at_risk):
				self.refuses("On Track From", on_track_from=on_track, at_risk_from=at_risk)

	def test_cost_centers(self) -> None:
		center = cost_center(COMPANY)
		row = {"cost_center": center, "sales_person": self.ann}
		self.refuses(
			"not followed",
			OTHER,
			companies=[{"company": COMPANY}],
			cost_centers=[{**row, "cost_center": cost_center(OTHER)}],
		)
		self.refuses("group", cost_centers=[{**row, "cost_center": cost_center(COMPANY, is_group=1)}])
		self.refuses("which salesperson or which source", cost_centers=[{"cost_center": center}])
		self.refuses("no source", cost_centers=[{"cost_center": center, "source": "No Such Source"}])
		self.refuses("twice", cost_centers=[row, dict(row)])
		source = ensure_source("Settings Fair")
		change_settings(cost_centers=[{**row, "source": source}])
		self.assertEqual(site_settings().engine.cost_center_source, {center: source})
		change_settings(cost_centers=[])

	def test_named_twice(self) -> None:
		customer = ensure_customer("Settings Walk-in")
		self.refuses("twice", shared_customers=[{"customer": customer}, {"customer": customer}])
		self.refuses("twice", companies=[{"company": COMPANY}, {"company": COMPANY}])

	def test_changes_take_effect_at_once(self) -> None:
		for days in (77, 78):
			change_settings(churn_after_days=days)
			self.assertEqual(site_settings().engine.churn_after_days, days)
		frappe.db.set_single_value(SETTINGS, "churn_after_days", 79)
		self.assertEqual(site_settings().engine.churn_after_days, 79)

	def test_who_may_read_and_write(self) -> None:
		with as_user(ANN):
			self.assertFalse(frappe.has_permission(SETTINGS, "read"))
			with self.assertRaises(frappe.PermissionError):
				frappe.get_doc(SETTINGS).save()


class TestProposals(SettingsCase):
	def test_settings_stay_proposed_until_a_person_saves_them(self) -> None:
		frappe.db.set_single_value(SETTINGS, "confirmed", 0)
		proposals.fill_settings()
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "confirmed"), 0)
		change_settings(churn_after_days=90)
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "confirmed"), 1)
		proposals.fill_settings()
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "churn_after_days"), 90)

	def test_what_is_proposed_may_be_saved(self) -> None:
		frappe.db.set_single_value(SETTINGS, "confirmed", 0)
		proposed = proposals.proposals()
		accounts = {row["account"] for row in proposed["acquisition_accounts"] if row["company"] == COMPANY}
		abbr = frappe.get_cached_value("Company", COMPANY, "abbr")
		for name in ("Marketing Expenses", "Sales Expenses", "Commission on Sales", "Travel Expenses"):
			self.assertIn(f"{name} - {abbr}", accounts)
		change_settings(**{key: value for key, value in proposed.items() if key != "rhythm"})

	def test_users_with_the_name_of_a_salesperson(self) -> None:
		name = unique("Settings Namesake")
		person = ensure_sales_person(name)
		user = ensure_user(f"{frappe.generate_hash(length=6)}@kpi.test", "Sales User")
		frappe.db.set_value("User", user, "full_name", f" {name.upper()} ")
		self.assertIn({"user": user, "sales_person": person}, proposals.salespeople_by_name())

	def test_cost_centers_with_the_name_of_a_salesperson(self) -> None:
		center = insert(
			"Cost Center", cost_center_name=self.ann, company=COMPANY, is_group=0,
			parent_cost_center=cost_center(COMPANY, is_group=1),
		)  # fmt: skip
		self.assertIn(
			{"cost_center": center.name, "sales_person": self.ann, "source": ""}, proposals.cost_centers()
		)

	def rhythm_of(self, gaps: dict[int, int]) -> proposals.Rhythm:
		with patch.object(proposals, "_gaps", return_value=gaps):
			return proposals.buying_rhythm()

	def test_churn_after_days(self) -> None:
		rhythm = self.rhythm_of({10: 45, 171: 4, 400: 1})
		self.assertEqual((rhythm["p90"], rhythm["days"]), (10, 30))
		rhythm = self.rhythm_of({100: 700, 171: 80, 300: 32})
		self.assertEqual(
			(rhythm["gaps"], rhythm["p90"], rhythm["days"], rhythm["is_default"]), (812, 171, 180, False)
		)
		self.assertIn("90 % of 812 gaps between purchases last 171 days or less", rhythm["sentence"])
		self.assertEqual(rhythm["histogram"], {3: 700, 5: 80, 10: 32})
		self.assertEqual(self.rhythm_of({3: 50})["days"], 30)
		self.assertEqual(self.rhythm_of({900: 50})["days"], 540)
		few = self.rhythm_of({3: 49})
		self.assertEqual((few["days"], few["is_default"], few["p90"]), (180, True, 0))
		self.assertIn("Too few gaps between purchases (49)", few["sentence"])
		self.assertEqual(self.rhythm_of({})["gaps"], 0)

	def test_gaps_of_invoices_without_those_that_stand_for_many(self) -> None:
		steady, walk_in = ensure_customer(unique("Steady")), ensure_customer(unique("Walk-in"))
		before = proposals.rhythm(shared_customers=frappe.as_json([walk_in]))
		for number in range(4):
			make_invoice(COMPANY, steady, add_days("2025-01-10", 40 * number), 100)
			make_invoice(COMPANY, walk_in, add_days("2025-01-10", number), 100)
		after = proposals.rhythm(shared_customers=frappe.as_json([walk_in]))
		self.assertEqual(after["gaps"] - before["gaps"], 3)
		self.assertEqual(after["histogram"][1] - before["histogram"].get(1, 0), 3)

	def test_only_those_who_may_write_the_settings(self) -> None:
		with as_user(ANN):
			for method in (proposals.proposals, proposals.rhythm, credit_preview):
				with self.assertRaises(frappe.PermissionError):
					method()


class TestCreditPreview(SettingsCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.boss = ensure_user("settings-boss@kpi.test", "Sales Master Manager")
		ensure_user(ANN, "Sales User")
		managed = ensure_customer(
			unique("Managed"),
			account_manager=ANN,
			sales_team=[{"sales_person": cls.bob, "allocated_percentage": 100}],
		)
		day = add_days(nowdate(), -30)
		make_invoice(COMPANY, managed, day, 300)
		make_invoice(COMPANY, managed, day, 700, {cls.ann: 100})
		make_invoice(COMPANY, managed, add_days(nowdate(), -400), 5000)
		make_invoice(OTHER, managed, day, 900, {cls.ann: 100})
		make_invoice(OTHER, managed, day, 100)

	def setUp(self) -> None:
		super().setUp()
		change_settings(
			companies=[], mapping=[{"user": ANN, "sales_person": self.ann}], credit_fallback="None"
		)

	def told(self, company: str) -> dict[str, Any]:
		return next(told for told in credit_preview() if told["company"] == company)

	def test_how_totals_would_move(self) -> None:
		told = self.told(COMPANY)
		self.assertEqual((told["volume"], round(told["unassigned"], 4), told["offered"]), (1000, 0.3, True))
		volume = {row["sales_person"]: row["volume"] for row in told["rows"]}
		self.assertEqual(
			volume[self.ann], {"None": 700, "Customer Sales Team": 700, "Account Manager": 1000, "Owner": 700}
		)
		self.assertEqual(
			volume[self.bob], {"None": 0, "Customer Sales Team": 300, "Account Manager": 0, "Owner": 0}
		)
		self.assertEqual(volume[""]["None"], 300)
		for choice in ("None", "Customer Sales Team", "Account Manager", "Owner"):
			self.assertEqual(sum(row["volume"][choice] for row in told["rows"]), 1000)
		self.assertEqual(
			set(volume[""]), set(frappe.get_meta(SETTINGS).get_field("credit_fallback").options.split("\n"))
		)

	def test_not_offered_where_little_is_missing(self) -> None:
		told = self.told(OTHER)
		self.assertEqual((round(told["unassigned"], 4), told["offered"]), (0.1, False))

	def test_the_preview_says_what_the_choice_then_does(self) -> None:
		from sales_kpi.api import compute

		told = {row["sales_person"]: row["volume"] for row in self.told(COMPANY)["rows"]}
		first, last = self.told(COMPANY)["from_date"], self.told(COMPANY)["to_date"]
		for choice in CreditFallback:
			change_settings(credit_fallback=choice.value.title())
			values = compute(COMPANY, first, last, every="range", by="sales-person", kpis="sales_volume")
			real = {row["scope"]: row["value"] for row in values if row["value"]}
			self.assertEqual(
				real,
				{
					name: volume[choice.value.title()]
					for name, volume in told.items()
					if volume[choice.value.title()]
				},
			)

	def test_saved_settings_do_not_move(self) -> None:
		credit_preview()
		self.assertEqual(site_settings().engine.credit_fallback, CreditFallback.NONE)

	def test_also_when_the_kpi_is_switched_off(self) -> None:
		frappe.db.set_value("Sales KPI", "sales_volume", "enabled", 0)
		try:
			self.assertEqual(self.told(COMPANY)["volume"], 1000)
		finally:
			frappe.db.set_value("Sales KPI", "sales_volume", "enabled", 1)

	def test_companies_that_the_user_may_see(self) -> None:
		permit(self.boss, "Company", COMPANY)
		try:
			with as_user(self.boss):
				self.assertEqual([told["company"] for told in credit_preview()], [COMPANY])
		finally:
			unrestricted(self.boss)

	def test_it_covers_twelve_months(self) -> None:
		told = self.told(COMPANY)
		first, last = date.fromisoformat(told["from_date"]), date.fromisoformat(told["to_date"])
		self.assertIn((last - first).days, (364, 365))
