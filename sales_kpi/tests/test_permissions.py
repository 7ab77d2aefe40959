"""Who sees what: every figure, by every way that leads to one."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import threading
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any
from unittest.mock import patch

import frappe

import sales_kpi
from sales_kpi import catalogue
from sales_kpi.analysis.values import Question, Value
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import permissions
from sales_kpi.site.answers import MOST_PERIODS, Asker
from sales_kpi.site.kpi_records import insert_missing
from sales_kpi.tests import base
from sales_kpi.tests.base import as_user, ensure_employee, ensure_sales_person, ensure_user, map_users, permit

FIRST, LAST = date(2025, 2, 1), date(2025, 2, 28)

ANN, BOB, CID, DEE, UNASSIGNED, DIRECT = 1111.25, 222.5, 33.25, 4.25, 50505.0, 64.75
"""What each has sold in the first company, told apart by any sum of them. DIRECT is the group's own."""

NORTH = ANN + BOB + DEE + DIRECT
ELSEWHERE = 7.75
"""What Ann has sold in the second company."""

TOTAL = NORTH + CID + UNASSIGNED

ACTORS = {
	"system": ("System Manager",),
	"master": ("Sales Master Manager",),
	"lead": ("Sales Manager", "Sales User"),
	"ann": ("Sales User",),
	"none": ("Sales User",),
	"outsider": ("Accounts User",),
	"guest": (),
}
"""Who asks, with their roles: a team lead, a salesperson, one who is mapped to nobody, one who has no business here."""

SEEING_ALL = frozenset({"system", "master"})
SEEING = SEEING_ALL | {"lead", "ann"}
SETTING_TARGETS = SEEING_ALL | {"lead"}


def user_of(actor: str) -> str:
	return "Guest" if actor == "guest" else f"{actor}@kpi.test"


@dataclass(frozen=True)
class World:
	"""Two companies with a sales team and what it has sold."""

	one: str
	two: str


@cache
def world() -> World:
	"""The companies, made once for all classes and committed, so that requests see them too."""
	found = World(base.ensure_company(base.unique("KPI One")), base.ensure_company(base.unique("KPI Two")))
	for actor, roles in ACTORS.items():
		if roles:
			ensure_user(user_of(actor), *roles)
	for name, parent, is_group in (
		("KPI North", None, 1), ("KPI Ann", "KPI North", 0), ("KPI Bob", "KPI North", 0),
		("KPI Deep North", "KPI North", 1), ("KPI Dee", "KPI Deep North", 0), ("KPI South", None, 1),
		("KPI Cid", "KPI South", 0),
	):  # fmt: skip
		ensure_sales_person(name, parent, is_group)
	for name, parent, is_group in (
		("KPI East", None, 1),
		("KPI East City", "KPI East", 0),
		("KPI West", None, 0),
	):
		base.ensure_territory(name, parent, is_group)
	customer = base.ensure_customer("KPI Buyer")
	for company, amount, person, territory in (
		(found.one, ANN, "KPI Ann", "KPI East City"), (found.one, BOB, "KPI Bob", "KPI West"),
		(found.one, CID, "KPI Cid", "KPI West"), (found.one, DEE, "KPI Dee", "KPI West"),
		(found.one, DIRECT, "KPI North", "KPI West"), (found.one, UNASSIGNED, None, "KPI East"),
		(found.two, ELSEWHERE, "KPI Ann", "KPI West"),
	):  # fmt: skip
		team = {person: 100} if person else None
		base.make_invoice(company, customer, "2025-02-03", amount, team, territory=territory)
	frappe.db.commit()
	return found


class PermissionTestCase(base.SiteTestCase):
	"""A test in that world."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.world = world()
		map_users(ann="KPI Ann", lead="KPI North")

	@staticmethod
	def begin_again() -> None:
		"""End the transaction, so that what requests have committed is seen."""
		frappe.db.rollback()
		frappe.db.savepoint(base.SAVEPOINT)

	def question(self, by: str = "company", *kpis: str, **changes: Any) -> Question:
		asked = Question(self.world.one, FIRST, LAST, Every.MONTH, By(by), kpis or ("sales_volume",), LAST)
		return replace(asked, **changes)

	def answers(self, actor: str, by: str = "company", *kpis: str, **changes: Any) -> list[Value]:
		with as_user(user_of(actor)):
			return Asker.current().values(self.question(by, *kpis, **changes))

	def volumes(self, actor: str, by: str = "company", **changes: Any) -> dict[str, float | None]:
		"""Sales volume by scope, as an actor sees it."""
		return {value["scope"]: value["value"] for value in self.answers(actor, by, **changes)}

	def sees_nothing(self, actor: str, **changes: Any) -> None:
		for by in By:
			with self.refused(frappe.PermissionError):
				self.answers(actor, by.value, **changes)


class TestSight(PermissionTestCase):
	"""What is seen of a company, by place in the tree and by User Permissions."""

	def test_a_salesperson_sees_itself(self) -> None:
		self.assertEqual(self.volumes("ann", "sales-person"), {"KPI Ann": ANN})
		for by in ("company", "team", "territory", "source"):
			self.assertEqual(self.volumes("ann", by), {"Visible to you": ANN}, by)
		self.assertEqual(self.volumes("ann", company=self.world.two), {"Visible to you": ELSEWHERE})

	def test_a_team_lead_sees_the_team_below(self) -> None:
		people = {"KPI North": DIRECT, "KPI Ann": ANN, "KPI Bob": BOB, "KPI Dee": DEE}
		self.assertEqual(self.volumes("lead", "sales-person"), people)
		self.assertEqual(self.volumes("lead", "team"), {"KPI North": NORTH, "KPI Deep North": DEE})
		for by in ("company", "territory", "source"):
			self.assertEqual(self.volumes("lead", by), {"Visible to you": NORTH}, by)

	def test_whoever_leads_everybody_doesnt_see_the_unassigned(self) -> None:
		root = base.root_of("Sales Person")
		map_users(lead=root)
		self.assertEqual(self.volumes("lead", "team")[root], NORTH + CID)
		self.assertEqual(self.volumes("lead"), {"Visible to you": NORTH + CID})
		self.assertNotIn("", self.volumes("lead", "sales-person"))

	def test_managers_see_all_of_a_company(self) -> None:
		for actor in sorted(SEEING_ALL):
			self.assertEqual(self.volumes(actor), {self.world.one: TOTAL})
			people = self.volumes(actor, "sales-person")
			self.assertEqual(people[""], UNASSIGNED)
			self.assertAlmostEqual(sum(volume or 0 for volume in people.values()), TOTAL)
			self.assertEqual(self.volumes(actor, "territory")["KPI East"], ANN + UNASSIGNED)

	def test_who_is_nobody_sees_nothing(self) -> None:
		for actor in ("none", "outsider", "guest"):
			self.sees_nothing(actor)
			with self.refused(frappe.PermissionError, "You are no salesperson yet."):
				self.answers(actor)

	def test_a_company_that_may_not_be_seen_is_as_one_that_doesnt_exist(self) -> None:
		permit(user_of("master"), "Company", self.world.two)
		for actor in ("master", "ann", "none"):
			said = set()
			for company in (self.world.one, "No Such Company", "", "x' OR '1'='1"):
				if actor != "master" and company == self.world.one:
					continue
				with self.assertRaises(frappe.PermissionError) as caught:
					self.answers(actor, company=company)
				said.add(re.sub("<strong>.*</strong>", "", str(caught.exception)))
			self.assertEqual(len(said), 1, said)

	def test_a_company_that_is_not_followed_has_no_figures(self) -> None:
		base.change_settings(companies=[{"company": self.world.two}])
		with self.refused(frappe.PermissionError, "There are no figures of company"):
			self.answers("system")
		self.assertEqual(self.volumes("system", company=self.world.two), {self.world.two: ELSEWHERE})

	def test_what_is_seen_in_part_is_what_others_see_of_that_person(self) -> None:
		"""For every KPI: the line of a salesperson, by whatever it asks, is its own figure and no other."""
		own = [
			value
			for value in self.answers("system", "sales-person", *catalogue.kpis())
			if value["scope"] == "KPI Ann"
		]
		own = [value for value in own if catalogue.kpi(value["kpi"]).audience.value == "everybody"]
		self.assertGreater(len(own), 15)
		for by in By:
			with as_user(user_of("ann")):
				seen = Asker.current().values(self.question(by.value, kpis=None))
			self.assertEqual({value["scope"] for value in seen} - {"Visible to you", "KPI Ann"}, set())
			mine = {
				value["kpi"]: (value["value"], value["numerator"], value["denominator"], value["n"])
				for value in seen
			}
			for value in own:
				told = (value["value"], value["numerator"], value["denominator"], value["n"])
				self.assertEqual(mine[value["kpi"]], told, (by, value["kpi"]))

	# User Permissions

	def test_company_permissions_hold(self) -> None:
		for actor in ("master", "system", "ann"):
			permit(user_of(actor), "Company", self.world.two)
			with self.refused(frappe.PermissionError):
				self.answers(actor)
			self.assertEqual(list(self.volumes(actor, company=self.world.two).values()), [ELSEWHERE])
			permit(user_of(actor), "Company", self.world.one)
			self.assertTrue(self.volumes(actor))

	def test_permissions_for_a_record_that_figures_are_made_of_hold(self) -> None:
		for doctype in ("Sales Invoice", "GL Entry", "Sales KPI", "Opportunity"):
			permit(user_of("master"), "Company", self.world.two, applicable_for=doctype)
			with self.refused(frappe.PermissionError):
				self.answers("master")
			base.unrestricted(user_of("master"))
		permit(user_of("master"), "Company", self.world.two, applicable_for="Purchase Invoice")
		self.assertEqual(self.volumes("master"), {self.world.one: TOTAL})

	def test_permissions_that_differ_by_record_leave_what_all_allow(self) -> None:
		permit(user_of("master"), "Company", self.world.two, applicable_for="Sales Order")
		permit(user_of("master"), "Company", self.world.one, applicable_for="Sales Invoice")
		for company in (self.world.one, self.world.two):
			with self.refused(frappe.PermissionError):
				self.answers("master", company=company)

	def test_territory_permissions_hold(self) -> None:
		permit(user_of("master"), "Territory", "KPI East")
		whole = {"KPI East": ANN + UNASSIGNED, "KPI East City": ANN}
		self.assertEqual(self.volumes("master", "territory"), whole)
		for by in ("company", "sales-person", "team", "source"):
			self.assertEqual(self.volumes("master", by), {"Visible to you": ANN + UNASSIGNED}, by)

	def test_a_territory_without_those_below_is_not_seen_whole(self) -> None:
		permit(user_of("master"), "Territory", "KPI East", hide_descendants=1)
		for by in By:
			self.assertEqual(self.volumes("master", by.value), {"Visible to you": UNASSIGNED}, by)
		permit(user_of("master"), "Territory", "KPI West")
		self.assertEqual(self.volumes("master", "territory"), {"KPI West": TOTAL - ANN - UNASSIGNED})

	def test_a_salespersons_territory_permissions_hold(self) -> None:
		permit(user_of("lead"), "Territory", "KPI West")
		for by in By:
			self.assertEqual(self.volumes("lead", by.value), {"Visible to you": NORTH - ANN}, by)

	def test_sales_person_permissions_hold(self) -> None:
		permit(user_of("master"), "Sales Person", "KPI North")
		self.assertEqual(self.volumes("master"), {"Visible to you": NORTH})
		self.assertEqual(self.volumes("master", "team"), {"KPI North": NORTH, "KPI Deep North": DEE})
		permit(user_of("lead"), "Sales Person", "KPI Cid")
		self.sees_nothing("lead")

	def test_cost_is_not_told_of_a_part_that_it_isnt_mapped_to(self) -> None:
		permit(user_of("master"), "Territory", "KPI East")
		center = {
			"cost_center": frappe.get_cached_value("Company", self.world.one, "cost_center"),
			"sales_person": "KPI Ann",
		}
		base.change_settings(cost_centers=[center])
		with self.refused(frappe.ValidationError, "what you see in part"):
			self.answers("master", "company", "customer_acquisition_cost")
		self.assertEqual(len(self.answers("lead", "company", "customer_acquisition_cost")), 1)

	# Who a user is

	def test_a_mapping_counts_on_its_days(self) -> None:
		ann = {"user": user_of("ann"), "sales_person": "KPI Ann"}
		for days in ({"to_date": "2026-01-01"}, {"from_date": "2099-01-01"}):
			base.change_settings(mapping=[{**ann, **days}])
			self.sees_nothing("ann")
		ensure_employee("KpiAnn", self.world.one, user_of("ann"))
		employee = frappe.db.get_value("Employee", {"user_id": user_of("ann")})
		frappe.db.set_value("Sales Person", "KPI Bob", "employee", employee)
		self.assertEqual(self.volumes("ann", "sales-person"), {"KPI Bob": BOB})
		base.change_settings(mapping=[{**ann, "from_date": "2025-01-01", "to_date": frappe.utils.today()}])
		self.assertEqual(self.volumes("ann", "sales-person"), {"KPI Ann": ANN})

	def test_of_two_employees_the_one_counts_whose_salesperson_is_credited(self) -> None:
		base.change_settings(mapping=[])
		for first_name, person in (("KpiOld", "KPI Cid"), ("KpiNew", "KPI Dee")):
			company = self.world.one if first_name == "KpiNew" else self.world.two
			employee = ensure_employee(first_name, company)
			frappe.db.set_value("Employee", employee, "user_id", user_of("ann"))
			frappe.db.set_value("Sales Person", person, "employee", employee)
		self.assertEqual(self.volumes("ann", "sales-person"), {"KPI Cid": CID})
		frappe.db.set_value("Sales Person", "KPI Cid", "enabled", 0)
		self.assertEqual(self.volumes("ann", "sales-person"), {"KPI Dee": DEE})
		base.make_lead("KPI Of Two", self.world.one, user_of("ann"), "2025-02-05")
		with as_user("Administrator"):
			leads = Asker.current("Administrator").values(
				self.question("sales-person", "lead_conversion_rate")
			)
		self.assertEqual([value["scope"] for value in leads if value["denominator"]], ["KPI Dee"])

	def test_a_disabled_user_sees_nothing(self) -> None:
		for actor in ("master", "ann"):
			frappe.db.set_value("User", user_of(actor), "enabled", 0)
			with self.refused(frappe.PermissionError):
				Asker.current(user_of(actor)).values(self.question())

	def test_somebody_else_is_answered_in_its_own_name(self) -> None:
		seen = Asker.current(user_of("ann")).values(self.question())
		self.assertEqual([(value["scope"], value["value"]) for value in seen], [("Visible to you", ANN)])

	def test_where_nobody_asks_nothing_is_told(self) -> None:
		with as_user("Administrator"), self.refused(frappe.PermissionError, "Figures are given to somebody"):
			Asker.current()

	def test_settings_that_name_what_is_gone_tell_nobody_what_there_is(self) -> None:
		frappe.db.set_value("Salesperson Mapping", {"sales_person": "KPI North"}, "sales_person", "KPI Gone")
		frappe.clear_document_cache(base.SETTINGS, base.SETTINGS)
		for actor in ("ann", "lead", "none", "outsider"):
			with self.refused(
				frappe.ValidationError, "have to be corrected", without=("KPI Cid", "KPI Gone")
			):
				self.answers(actor)
		with self.refused(frappe.ValidationError, "KPI Gone"):
			self.answers("master")

	# KPIs

	def test_managers_kpis_are_hidden_from_salespeople(self) -> None:
		hidden = {"gross_margin", "customer_acquisition_cost", "clv_to_cac"}
		for actor, expected in (("ann", hidden), ("lead", set()), ("master", set()), ("system", set())):
			with as_user(user_of(actor)):
				shown = {kpi.name for kpi in Asker.current().kpis}
			self.assertEqual(hidden - shown, expected, actor)
		told = {value["kpi"] for value in self.answers("ann", kpis=None)}
		self.assertEqual(told & hidden, set())

	def test_a_kpi_that_may_not_be_seen_is_as_one_that_doesnt_exist(self) -> None:
		for name in ("gross_margin", "nonsense"):
			with self.refused(frappe.ValidationError, f"There is no KPI {name} that you may see."):
				self.answers("ann", "company", name)

	def test_a_kpi_without_a_record_is_still_the_managers(self) -> None:
		frappe.delete_doc("Sales KPI", "gross_margin", force=True, ignore_permissions=True)
		with self.refused(frappe.ValidationError):
			self.answers("ann", "company", "gross_margin")
		self.assertTrue(self.answers("master", "company", "gross_margin"))
		insert_missing()

	def test_a_disabled_kpi_is_nobodys(self) -> None:
		frappe.db.set_value("Sales KPI", "sales_volume", "enabled", 0)
		with self.refused(frappe.ValidationError):
			self.answers("system")

	# Documents and quality

	def test_documents_are_listed_of_figures_that_may_be_seen(self) -> None:
		for actor, by, scope, volume in (
			("ann", "sales-person", "KPI Ann", ANN), ("ann", "company", "Visible to you", ANN),
			("lead", "team", "KPI Deep North", DEE), ("lead", "source", "Visible to you", NORTH),
			("master", "sales-person", "", UNASSIGNED), ("master", "company", self.world.one, TOTAL),
		):  # fmt: skip
			with as_user(user_of(actor)):
				found = Asker.current().documents(self.question(by), scope)
			self.assertEqual((found.value["value"], found.value["by"]), (volume, by), (actor, by))
			self.assertEqual(found.sums(), {"value": volume})

	def test_documents_of_others_are_not_listed(self) -> None:
		for actor, by, scope in (
			("ann", "sales-person", "KPI Bob"), ("ann", "sales-person", ""), ("ann", "company", self.world.one),
			("ann", "team", "KPI North"), ("ann", "source", ""), ("lead", "team", "KPI South"),
			("lead", "sales-person", "KPI Cid"), ("lead", "sales-person", "No Such"), ("ann", "company", ""),
		):  # fmt: skip
			with as_user(user_of(actor)), self.refused(frappe.PermissionError, "There are no figures of"):
				Asker.current().documents(self.question(by), scope)

	def test_documents_are_linked_for_those_who_may_open_them(self) -> None:
		ensure_user(user_of("ann"), "Sales User", "Accounts User")
		permit(user_of("ann"), "Territory", "KPI East City", applicable_for="Purchase Order")
		for actor, opens in (("ann", True), ("lead", False)):
			with as_user(user_of(actor)):
				asker = Asker.current()
				listed = asker.documents(self.question("sales-person"), "KPI Ann").documents
				expected = (
					{(document["doctype"], document["document"]) for document in listed} if opens else set()
				)
				self.assertEqual(asker.readable(listed), expected)
		other = base.ensure_customer("KPI Other Buyer")
		permit(user_of("ann"), "Customer", other)
		with as_user(user_of("ann")):
			self.assertEqual(Asker.current().readable(listed), frozenset())

	def test_quality_is_for_those_who_see_all_of_a_company(self) -> None:
		for actor in ("ann", "lead", "none", "outsider", "guest"):
			with as_user(user_of(actor)), self.refused(frappe.PermissionError):
				Asker.current().quality(self.world.one)
		permit(user_of("master"), "Territory", "KPI East")
		with as_user(user_of("master")), self.refused(frappe.PermissionError):
			Asker.current().quality(self.world.one)
		with as_user(user_of("system")):
			self.assertTrue(Asker.current().quality(self.world.one))

	def test_more_than_anybody_reads_is_refused_before_it_is_computed(self) -> None:
		with patch("sales_kpi.site.answers.compute") as compute:
			for changes in (
				{"every": Every.DAY, "first": date(1990, 1, 1)},
				{"every": Every.WEEK, "first": date(1980, 1, 1), "last": date(2100, 1, 1)},
				{"first": date(1, 1, 1)}, {"last": date(9999, 12, 31)}, {"as_of": date(9999, 12, 31)},
				{"every": Every.DAY, "first": date(2022, 7, 1), "by": By.SALES_PERSON, "kpis": None},
			):  # fmt: skip
				with self.refused(frappe.ValidationError):
					self.answers("master", **changes)
			compute.assert_not_called()
		self.assertGreaterEqual(MOST_PERIODS, 731)


# The matrix

TARGETS = {
	"kpi": "sales_volume", "target_for": "Salesperson", "every": "Month", "from_date": "2026-02-01", "to_date": "2026-02-28",
}  # fmt: skip

ARGUMENTS: dict[str, dict[str, Any]] = {
	"sales_kpi.api.compute": {"from_date": "2025-02-01", "to_date": "2025-02-28", "kpis": "sales_volume"},
	"sales_kpi.site.preview.credit_preview": {},
	"sales_kpi.site.proposals.proposals": {},
	"sales_kpi.site.proposals.rhythm": {},
	"sales_kpi.site.report.offered": {},
	"sales_kpi.site.report.scopes": {"by": "sales-person"},
	"sales_kpi.site.advice_rules.offered": {},
	"sales_kpi.site.alerts.check_now": {"alert": "No Alert"},
	"sales_kpi.site.alerts.snooze": {"log": "No Log"},
	"sales_kpi.sales_kpi.dashboard_chart_source.sales_funnel.sales_funnel.get": {"filters": "{}"},
	"sales_kpi.sales_kpi.dashboard_chart_source.sales_kpi.sales_kpi.get": {
		"filters": '{"kpi": "sales_volume"}'
	},
	"sales_kpi.site.cards.kpi_card": {"filters": '{"kpi": "sales_volume"}'},
	"sales_kpi.site.digest.preview": {"digest": "No Digest"},
	"sales_kpi.site.digest.send_me": {"digest": "No Digest"},
	"sales_kpi.site.form_dashboards.customer": {"name": "No Customer"},
	"sales_kpi.site.form_dashboards.sales_person": {"name": "Nobody"},
	"sales_kpi.site.reviews.refresh_agenda": {"review": "KPI-R-0000-00000"},
	"sales_kpi.site.scorecard_page.members": {"by": "company"},
	"sales_kpi.site.scorecard_page.remind": {"doctype": "Quotation", "name": "No Quotation"},
	"sales_kpi.site.scorecard_page.scorecard": {"every": "month"},
	"sales_kpi.site.scorecard_page.to_reach": {"scope": ""},
	"sales_kpi.site.snapshots.backfill_later": {},
	"sales_kpi.site.target_cascade.share_out": {"target": "KPI-T-0000-00000"},
	"sales_kpi.site.target_form.defaults": {},
	"sales_kpi.site.target_form.periods_of": {"doc": '{"kpi": "sales_volume"}'},
	"sales_kpi.site.target_form.preview": {"doc": '{"kpi": "sales_volume"}'},
	"sales_kpi.site.target_form.terms": {"kpi": "sales_volume"},
	"sales_kpi.site.target_grid.grid": TARGETS,
	"sales_kpi.site.target_grid.save_grid": {**TARGETS, "rows": "[]"},
	"sales_kpi.site.target_grid.take_over": {"fiscal_year": "2025"},
}
"""Every method that may be called from outside, with what it is called with; the company is added."""

ALLOWED: dict[str, frozenset[str]] = {
	"sales_kpi.api.compute": SEEING,
	"sales_kpi.site.preview.credit_preview": SEEING_ALL,
	"sales_kpi.site.proposals.proposals": SEEING_ALL,
	"sales_kpi.site.proposals.rhythm": SEEING_ALL,
	"sales_kpi.site.report.offered": SEEING | {"none"},
	"sales_kpi.site.report.scopes": SEEING,
	"sales_kpi.site.advice_rules.offered": SETTING_TARGETS,
	"sales_kpi.site.alerts.check_now": frozenset(),
	"sales_kpi.site.alerts.snooze": frozenset(),
	# A card says inside itself why it shows nothing.
	"sales_kpi.sales_kpi.dashboard_chart_source.sales_funnel.sales_funnel.get": SEEING | {"none"},
	"sales_kpi.sales_kpi.dashboard_chart_source.sales_kpi.sales_kpi.get": SEEING | {"none"},
	"sales_kpi.site.cards.kpi_card": SEEING | {"none"},
	"sales_kpi.site.digest.preview": frozenset(),
	"sales_kpi.site.digest.send_me": frozenset(),
	"sales_kpi.site.form_dashboards.customer": frozenset(),
	"sales_kpi.site.form_dashboards.sales_person": frozenset(),
	"sales_kpi.site.reviews.refresh_agenda": frozenset(),
	"sales_kpi.site.scorecard_page.members": SEEING,
	"sales_kpi.site.scorecard_page.remind": frozenset(),
	"sales_kpi.site.scorecard_page.scorecard": SEEING,
	"sales_kpi.site.scorecard_page.to_reach": SEEING,
	"sales_kpi.site.snapshots.backfill_later": SEEING_ALL,
	"sales_kpi.site.target_cascade.share_out": frozenset(),
	"sales_kpi.site.target_form.defaults": SETTING_TARGETS,
	"sales_kpi.site.target_form.periods_of": SEEING | {"none"},
	"sales_kpi.site.target_form.preview": SEEING | {"none"},
	"sales_kpi.site.target_form.terms": SEEING | {"none"},
	"sales_kpi.site.target_grid.grid": SETTING_TARGETS,
	"sales_kpi.site.target_grid.save_grid": SETTING_TARGETS,
	"sales_kpi.site.target_grid.take_over": SETTING_TARGETS,
}
"""Who may call each of them."""

OF_DOCUMENTS = frozenset(
	path for path in ALLOWED if path.split(".")[2] in ("alerts", "digest", "form_dashboards", "reviews")
)
"""Methods that are called here of a document that isn't there: Frappe says so to whoever may read such documents."""

NO_RIGHTS: dict[str, str] = dict.fromkeys(ACTORS, "")
READ_BY_MANAGERS = {**NO_RIGHTS, "system": "r", "master": "r"}
READ_BY_ALL = {**READ_BY_MANAGERS, "lead": "r", "ann": "r", "none": "r"}

RIGHTS: dict[str, dict[str, str]] = {
	"Sales KPI": {**NO_RIGHTS, "system": "rw", "master": "rw", "lead": "r", "ann": "r", "none": "r"},
	"KPI Target": {**NO_RIGHTS, **dict.fromkeys(SETTING_TARGETS, "rwcd"), "ann": "r", "none": "r"},
	"KPI Target Period": NO_RIGHTS,
	"KPI Snapshot": READ_BY_ALL,
	"KPI Restatement": READ_BY_ALL,
	"KPI Restatement Document": NO_RIGHTS,
	"KPI Advice Rule": {**NO_RIGHTS, "system": "rwcd", "master": "rwcd", "lead": "r"},
	"KPI Advice Condition": NO_RIGHTS,
	"KPI Alert": {**NO_RIGHTS, "system": "rwcd", "master": "rwcd", "lead": "r"},
	"KPI Alert Log": READ_BY_ALL,
	"KPI Digest": {**NO_RIGHTS, "system": "rwcd", "master": "rwcd", "lead": "r"},
	"KPI Digest Log": READ_BY_MANAGERS,
	"KPI Digest Recipient": NO_RIGHTS,
	"KPI Forecast": {**READ_BY_MANAGERS, "lead": "r"},
	"KPI Review": {**dict.fromkeys(ACTORS, "rwcd"), "outsider": "", "guest": ""},
	"KPI Review Action": NO_RIGHTS,
	"KPI Review Item": NO_RIGHTS,
	"KPI Review Participant": NO_RIGHTS,
	"KPI Survey": {**NO_RIGHTS, "system": "rwcd", "master": "rwcd", "lead": "r"},
	"KPI Survey Answer": {**READ_BY_ALL, "system": "rd"},
	"KPI Survey Invitation": {**READ_BY_MANAGERS, "system": "rd"},
	"KPI Survey Opt Out": {**NO_RIGHTS, "system": "rwcd", "master": "rwcd"},
	"KPI Total": {**NO_RIGHTS, "system": "r"},
	"KPI Entity Row": {**NO_RIGHTS, "system": "r"},
	"KPI Mark": {**NO_RIGHTS, "system": "r"},
	"KPI Series": {**NO_RIGHTS, "system": "r"},
	"KPI Difference": {**NO_RIGHTS, "system": "rd"},
	"Sales KPI Settings": {**NO_RIGHTS, "system": "rwc", "master": "rwc"},
	"Sales Transition": READ_BY_MANAGERS,
	"Sales KPI Acquisition Account": NO_RIGHTS,
	"Sales KPI Company": NO_RIGHTS,
	"Sales KPI Cost Center": NO_RIGHTS,
	"Sales KPI Role": NO_RIGHTS,
	"Sales KPI Shared Customer": NO_RIGHTS,
	"Salesperson Mapping": NO_RIGHTS,
}
"""Rights to read, write, create and delete (r, w, c, d) by doctype and actor."""


OPENED: dict[str, frozenset[str]] = {
	**dict.fromkeys(
		(
			"KPI Acquisition Cost", "KPI Advice", "KPI Customer Satisfaction", "KPI Explanation", "KPI Forecast",
			"KPI Lead Conversion", "KPI Lifetime Value", "KPI Restatements", "KPI Retention", "KPI Sales Activity",
			"KPI Sales Cycle", "KPI Target Attainment", "KPI Trend Watch", "Sales KPI Documents", "Sales KPI Trend",
			"Sales KPI Values",
		),
		SEEING | {"none"},
	),
	**dict.fromkeys(("KPI Agreement with ERPNext", "KPI Data Quality"), SEEING_ALL),
}  # fmt: skip
"""Who may open each report; what it shows them is another matter."""


def whitelisted() -> dict[str, Any]:
	"""Every function of the app that may be called from outside, by its path."""
	for module in pkgutil.walk_packages(sales_kpi.__path__, "sales_kpi."):
		# What needs the command line's own packages is no part of a site.
		if not module.name.startswith(("sales_kpi.tests", "sales_kpi.cli", "sales_kpi.scorecard")):
			try:
				importlib.import_module(module.name)
			except ModuleNotFoundError as error:
				if (error.name or "").split(".")[0] == "sales_kpi":
					raise
	return {
		f"{function.__module__}.{function.__qualname__}": function
		for function in frappe.whitelisted
		# Those of documents are no paths: Frappe opens the document first, by its rights.
		if str(function.__module__).startswith("sales_kpi.") and "." not in function.__qualname__
	}


class TestMatrix(PermissionTestCase):
	"""Seven kinds of people by every method, report and doctype, through HTTP requests."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.keys = {actor: cls.key_of(actor) for actor, roles in ACTORS.items() if roles}
		frappe.db.commit()

	@classmethod
	def key_of(cls, actor: str) -> str:
		"""The Authorization of a user."""
		user = frappe.get_doc("User", user_of(actor))
		user.api_key, user.api_secret = frappe.generate_hash(length=15), frappe.generate_hash(length=15)
		key = f"token {user.api_key}:{user.api_secret}"
		user.save(ignore_permissions=True)
		return key

	def request(
		self, actor: str, method: str, path: str, data: dict[str, Any] | None = None
	) -> tuple[int, str]:
		"""The status and text of a request of its own, as a server would answer it."""
		from frappe.app import application
		from werkzeug.test import Client

		headers = {"X-Frappe-Site-Name": frappe.local.site, "Accept": "application/json"}
		if actor in self.keys:
			headers["Authorization"] = self.keys[actor]
		answers: list[Any] = []

		def ask() -> None:
			answers.append(Client(application).open(path, method=method, headers=headers, json=data))

		thread = threading.Thread(target=ask)
		thread.start()
		thread.join()
		return answers[0].status_code, answers[0].get_data(as_text=True)

	def test_every_method_has_an_expectation(self) -> None:
		self.assertEqual(set(whitelisted()), set(ALLOWED), "a method needs a line in ARGUMENTS and ALLOWED")

	def test_methods(self) -> None:
		for path, arguments in ARGUMENTS.items():
			for actor in ACTORS:
				data = {"company": self.world.one, **arguments} if arguments else {}
				status, text = self.request(actor, "POST", f"/api/method/{path}", data)
				if actor in ALLOWED[path]:
					self.assertEqual(status, 200, (path, actor, text[:300]))
				else:
					refusals = (401, 403, 404) if path in OF_DOCUMENTS else (401, 403)
					self.assertIn(status, refusals, (path, actor, text[:300]))
				self.tells_only_what_may_be_seen(actor, text, path)

	def tells_only_what_may_be_seen(self, actor: str, text: str, where: str) -> None:
		"""No amount of somebody else in an answer, nor a sum that would give one away."""
		hidden = [TOTAL, UNASSIGNED, CID, NORTH + CID]
		if actor != "lead":
			hidden += [BOB, DEE, NORTH, DIRECT]
			if actor != "ann":
				hidden += [ANN]
		if actor not in SEEING_ALL:
			for amount in hidden:
				written = "|".join(re.escape(f"{amount:{form}}") for form in (".10g", ",.10g"))
				self.assertNotRegex(text, rf"(?<![\w.,])(?:{written})(?![\w])", (where, actor))

	def test_nobody_is_told_anything_without_logging_in(self) -> None:
		for path in whitelisted():
			status, text = self.request("guest", "GET", f"/api/method/{path}?company={self.world.one}")
			self.assertIn(status, (401, 403), (path, text[:300]))

	def test_wrong_types_are_refused(self) -> None:
		asked = {"company": self.world.one, **ARGUMENTS["sales_kpi.api.compute"]}
		for wrong in (
			{"company": [self.world.one]}, {"company": {"name": self.world.one}}, {"by": ["company"]}, {"by": {"a": 1}},
			{"kpis": {"sales_volume": 1}}, {"kpis": [{"name": "sales_volume"}]}, {"kpis": [["sales_volume"]]},
			{"kpis": '["sales_volume"'}, {"kpis": '{"a": 1}'}, {"from_date": ["2025-02-01"]}, {"calendar": ["gregorian"]},
			{"calendar": {"a": 1}}, {"as_of": {"a": 1}}, {"every": ["day"]}, {"by": "sales-person' OR 1=1 -- "},
		):  # fmt: skip
			for actor in ("master", "ann"):
				status, text = self.request(
					actor, "POST", "/api/method/sales_kpi.api.compute", {**asked, **wrong}
				)
				self.assertIn(status, (400, 417), (wrong, actor, text[:300]))
				self.assertNotIn("Internal", text, text[:300])
				self.tells_only_what_may_be_seen("outsider", text, str(wrong))

	def test_messages_hold_no_markup_of_others(self) -> None:
		evil = "<img src=x onerror=alert(1)>"
		asked = {"company": self.world.one, **ARGUMENTS["sales_kpi.api.compute"]}
		for name in ("company", "kpis", "by", "every", "calendar", "from_date"):
			_status, text = self.request(
				"master", "POST", "/api/method/sales_kpi.api.compute", {**asked, name: evil}
			)
			messages = json.loads(text).get("_server_messages", "")
			self.assertTrue(messages, (name, text[:300]))
			self.assertNotIn("<img", messages, name)

	def test_every_doctype_has_an_expectation(self) -> None:
		found = frappe.get_all("DocType", filters={"module": "Sales KPI"}, pluck="name")
		self.assertEqual(set(found), set(RIGHTS), "a doctype needs a line in RIGHTS")

	def test_doctypes(self) -> None:
		kinds = {"r": "read", "w": "write", "c": "create", "d": "delete"}
		for doctype, by_actor in RIGHTS.items():
			for actor, expected in by_actor.items():
				with as_user(user_of(actor)):
					given = "".join(
						letter for letter, kind in kinds.items() if frappe.has_permission(doctype, kind)
					)
				self.assertEqual(given, expected, (doctype, actor))
				meta = frappe.get_meta(doctype)
				path = f"/api/resource/{doctype}" + (f"/{doctype}" if meta.issingle else "")
				status, text = self.request(actor, "GET", path)
				if "r" in expected:
					self.assertEqual(status, 200, (doctype, actor, text[:300]))
				else:
					self.assertIn(status, (401, 403), (doctype, actor, text[:300]))

	def test_nobody_writes_the_log(self) -> None:
		row = {"reference_doctype": "Lead", "reference_name": "X", "fieldname": "status", "new_value": "Open"}
		name = frappe.get_all("Sales Transition", pluck="name", limit=1)[0]
		for actor in ACTORS:
			for method, path, data in (
				("POST", "/api/resource/Sales Transition", row),
				("PUT", f"/api/resource/Sales Transition/{name}", {"new_value": "Forged"}),
				("DELETE", f"/api/resource/Sales Transition/{name}", None),
				("POST", "/api/method/frappe.client.insert", {"doc": {"doctype": "Sales Transition", **row}}),
				("POST", "/api/method/frappe.client.delete", {"doctype": "Sales Transition", "name": name}),
				(
					"POST",
					"/api/method/frappe.client.set_value",
					{
						"doctype": "Sales Transition",
						"name": name,
						"fieldname": "new_value",
						"value": "Forged",
					},
				),
			):
				status, text = self.request(actor, method, path, data)
				self.assertIn(status, (401, 403), (actor, method, path, text[:300]))
		self.begin_again()
		self.assertNotEqual(frappe.db.get_value("Sales Transition", name, "new_value"), "Forged")
		self.assertFalse(frappe.db.exists("Sales Transition", {"reference_name": "X"}))

	def test_settings_are_not_read_field_by_field(self) -> None:
		for actor in ("lead", "ann", "none", "outsider", "guest"):
			for path in (
				f"frappe.client.get_single_value?doctype={base.SETTINGS}&field=churn_after_days",
				f"frappe.client.get_value?doctype={base.SETTINGS}&fieldname=churn_after_days",
				f"frappe.client.get_list?doctype=Salesperson Mapping&parent={base.SETTINGS}&fields=%5B%22user%22%5D",
			):
				status, text = self.request(actor, "GET", f"/api/method/{path}")
				self.assertIn(status, (401, 403), (actor, path, text[:300]))

	def test_every_report_has_an_expectation(self) -> None:
		found = frappe.get_all("Report", filters={"module": "Sales KPI"}, pluck="name")
		self.assertEqual(set(found), set(OPENED), "a report needs a line in OPENED")

	def test_who_opens_which_report(self) -> None:
		filters = {
			"company": self.world.one, "from_date": "2025-02-01", "to_date": "2025-02-28", "every": "month",
			"by": "company", "kpi": "sales_volume",
		}  # fmt: skip
		for report, opening in OPENED.items():
			for actor in ACTORS:
				data = {"report_name": report, "filters": filters, "ignore_prepared_report": True}
				status, text = self.request(actor, "POST", "/api/method/frappe.desk.query_report.run", data)
				if actor in opening:
					# A report may ask for other filters than these.
					self.assertIn(status, (200, 417), (report, actor, text[:300]))
				else:
					self.assertIn(status, (401, 403), (report, actor, text[:300]))

	def test_reports(self) -> None:
		"""Whatever a report answers, it tells nobody anything that isn't theirs, in rows, chart, summary or message."""
		filters = {
			"company": self.world.one, "from_date": "2025-02-01", "to_date": "2025-02-28", "every": "month",
			"by": "sales-person", "kpi": "sales_volume", "kpis": "sales_volume", "scope": "KPI Bob",
		}  # fmt: skip
		for report in frappe.get_all(
			"Report", filters={"module": "Sales KPI"}, fields=["name", "ref_doctype"]
		):
			self.assertEqual(report.ref_doctype, "Sales KPI", report.name)
			for actor in ACTORS:
				for by in ("company", "sales-person", "team", "source"):
					data = {
						"report_name": report.name,
						"filters": {**filters, "by": by},
						"ignore_prepared_report": True,
					}
					status, text = self.request(
						actor, "POST", "/api/method/frappe.desk.query_report.run", data
					)
					self.assertIn(status, (200, 401, 403, 417), (report.name, actor, text[:300]))
					self.tells_only_what_may_be_seen(actor, text, report.name)


class TestTransitionLog(PermissionTestCase):
	"""The log names no company, so that only those read it who are kept to none."""

	def test_the_log_is_for_managers_who_are_kept_to_nothing(self) -> None:
		log = frappe.new_doc("Sales Transition")
		for actor in ACTORS:
			sees = actor in SEEING_ALL
			self.assertEqual(permissions.transition_conditions(user_of(actor)) == "", sees, actor)
			self.assertEqual(permissions.may_read_transition(log, "read", user_of(actor)), sees, actor)
			self.assertFalse(permissions.may_read_transition(log, "write", user_of(actor)))
		for allow, value in (
			("Company", self.world.one),
			("Territory", "KPI East"),
			("Sales Person", "KPI Ann"),
		):
			permit(user_of("master"), allow, value)
			self.assertEqual(permissions.transition_conditions(user_of("master")), "1 = 0")
			self.assertFalse(permissions.may_read_transition(log, "read", user_of("master")))
			base.unrestricted(user_of("master"))

	def test_lists_of_the_log_are_filtered(self) -> None:
		with as_user(user_of("master")):
			self.assertTrue(frappe.get_list("Sales Transition", limit_page_length=1))
		permit(user_of("master"), "Company", self.world.one)
		name = frappe.get_all("Sales Transition", pluck="name", limit=1)[0]
		with as_user(user_of("master")):
			self.assertEqual(frappe.get_list("Sales Transition", limit_page_length=1), [])
			self.assertFalse(frappe.has_permission("Sales Transition", "read", name))
