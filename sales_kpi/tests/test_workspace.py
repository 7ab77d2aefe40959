"""The workspace with its cards and charts, the report Sales KPI Trend and the forms: each reader's own figures in all of them."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache
from typing import Any

import frappe
from frappe.desk import query_report
from frappe.desk.desktop import get_desktop_page
from frappe.desk.doctype.dashboard_chart_source.dashboard_chart_source import get_config
from frappe.desk.form.load import getdoc
from frappe.utils import add_days, add_months, get_first_day, getdate

from sales_kpi import api
from sales_kpi.site import desk, form_dashboards
from sales_kpi.site.words import NOTHING
from sales_kpi.tests import base
from sales_kpi.tests.base import as_user, ensure_sales_person, ensure_user

ANN, BOB, NORTH = "Desk Ann", "Desk Bob", "Desk North"

MANAGERS_ONLY = {"CAC, last month", "Lifetime value, to date"}

READERS = ("boss", "ann")


def address(name: str) -> str:
	return f"desk.{name}@kpi.test"


def month(back: int) -> date:
	"""The first day of a month so many months ago."""
	first: date = get_first_day(add_months(getdate(), -back))
	return first


@cache
def company() -> str:
	"""A company with sales in the last months, made through ERPNext once for all classes."""
	name = base.ensure_company(base.unique("KPI Desk"))
	ensure_user(address("boss"), "Sales Master Manager")
	ensure_user(address("ann"), "Sales User")
	ensure_user(address("lead"), "Sales User", "Sales Manager")
	ensure_user(address("nobody"), "Sales User")
	ensure_user(address("outsider"), "Projects User")
	ensure_sales_person(NORTH, is_group=1)
	ensure_sales_person(ANN, NORTH)
	ensure_sales_person(BOB, NORTH)
	base.change_settings(companies=[], calendar="Gregorian")
	map_people()
	for back, ann, bob in ((1, 1000, 500), (2, 800, 700), (13, 400, 100)):
		day = str(add_days(month(back), 9))
		for number, (person, amount) in enumerate(((ANN, ann), (BOB, bob))):
			customer = base.ensure_customer(f"Buyer {number} of {name}")
			base.make_invoice(name, customer, day, amount, {person: 100})
	shared = base.ensure_customer(f"Shared Buyer of {name}")
	base.make_invoice(name, shared, str(add_days(month(2), 3)), 100, {ANN: 60, BOB: 40})
	base.ensure_company(f"{name} Empty")
	frappe.db.commit()
	return name


def map_people() -> None:
	base.change_settings(
		mapping=[
			{"user": address("ann"), "sales_person": ANN},
			{"user": address("lead"), "sales_person": NORTH},
		]
	)


def plain(html: str) -> str:
	"""A card's text without markup."""
	return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


class DeskTestCase(base.SiteTestCase):
	"""A test in that company."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = company()
		base.change_settings(companies=[], calendar="Gregorian")
		map_people()

	def agree(self, **values: Any) -> None:
		base.insert(
			"KPI Target", True,
			**{
				"company": self.company, "kpi": "sales_volume", "target_for": "Company", "every": "Month",
				"calendar": "Gregorian", "from_date": str(month(2)), "to_date": str(add_days(month(0), -1)),
				"value": 3000, "reason": "A test", **values,
			},
		)  # fmt: skip

	def called(self, user: str, method: str, **arguments: Any) -> Any:
		"""What the desk gets when it calls a method for somebody."""
		with as_user(address(user)):
			whitelisted = frappe.get_attr(method)
			frappe.is_whitelisted(whitelisted)
			return frappe.call(method, **arguments)

	def card(self, user: str, **filters: Any) -> str:
		"""The text of a card for somebody."""
		filters = {"company": self.company, "kpi": "sales_volume", **filters}
		return plain(self.called(user, "sales_kpi.site.cards.kpi_card", filters=json.dumps(filters)))

	def chart(self, user: str, source: str = "sales_kpi", **filters: Any) -> dict[str, Any]:
		"""The data of a chart for somebody."""
		method = f"sales_kpi.sales_kpi.dashboard_chart_source.{source}.{source}.get"
		filters = {"company": self.company, **filters}
		found: dict[str, Any] = self.called(
			user, method, filters=json.dumps(filters), chart_name="Any", refresh=1
		)
		return found

	def page(self, user: str) -> dict[str, Any]:
		"""The workspace as the desk gets it for somebody."""
		with as_user(address(user)):
			frappe.clear_cache(user=address(user))
			found: dict[str, Any] = get_desktop_page(
				json.dumps({"name": "Sales KPI", "title": "Sales KPI", "public": 1})
			)
		return found


class TestWorkspace(DeskTestCase):
	def test_what_it_shows_is_there(self) -> None:
		workspace = frappe.get_doc("Workspace", "Sales KPI")
		for link in [*workspace.links, *workspace.shortcuts]:
			kind = link.get("link_type") or link.type
			if kind in ("Report", "Page", "DocType"):
				self.assertTrue(frappe.db.exists(kind, link.link_to), (kind, link.link_to))
		for row in workspace.number_cards:
			self.assertTrue(frappe.db.exists("Number Card", row.number_card_name))
		for row in workspace.charts:
			self.assertTrue(frappe.db.exists("Dashboard Chart", row.chart_name))

	def test_each_block_names_something_of_the_tables(self) -> None:
		workspace = frappe.get_doc("Workspace", "Sales KPI")
		named = {
			"number_card": {row.label for row in workspace.number_cards},
			"chart": {row.label for row in workspace.charts},
			"shortcut": {row.label for row in workspace.shortcuts},
			"card": {row.label for row in workspace.links if row.type == "Card Break"},
			"onboarding": {"Sales KPI"},
		}
		found: dict[str, set[str]] = {}
		for block in json.loads(workspace.content):
			if block["type"] in named:
				(name,) = (value for key, value in block["data"].items() if key.endswith("_name"))
				found.setdefault(block["type"], set()).add(name)
		self.assertEqual(found, named)

	def test_managers_see_all_cards_and_salespeople_theirs(self) -> None:
		shown = {user: {card.label for card in self.page(user)["number_cards"]["items"]} for user in READERS}
		self.assertEqual(len(shown["boss"]), 10)
		self.assertEqual(shown["boss"] - shown["ann"], MANAGERS_ONLY)
		for user in READERS:
			self.assertEqual(len(self.page(user)["charts"]["items"]), 5, user)
			shortcuts = {item["label"] for item in self.page(user)["shortcuts"]["items"]}
			self.assertGreaterEqual(shortcuts, {"Target Attainment", "Trend", "Values", "New Target"})

	def test_others_see_nothing_of_it(self) -> None:
		with self.assertRaises(frappe.PermissionError):
			self.page("outsider")

	def test_widgets_load_for_those_who_see_them(self) -> None:
		workspace = frappe.get_doc("Workspace", "Sales KPI")
		for user in READERS:
			with as_user(address(user)):
				for row in workspace.charts:
					getdoc("Dashboard Chart", row.chart_name)
					source = frappe.db.get_value("Dashboard Chart", row.chart_name, "source")
					self.assertIn(f'chart_sources["{source}"]', get_config(source))
				for row in workspace.number_cards:
					if user == "boss" or row.label not in MANAGERS_ONLY:
						getdoc("Number Card", row.number_card_name)

	def test_shipped_filters_are_understood(self) -> None:
		for name, filters in frappe.get_all(
			"Dashboard Chart",
			filters={"module": "Sales KPI"},
			fields=["source", "filters_json"],
			as_list=True,
		):
			self.assertIn(
				"labels", self.chart("boss", frappe.scrub(name), **json.loads(filters)) or {"labels": 0}
			)
		for method, filters in frappe.get_all(
			"Number Card", filters={"module": "Sales KPI"}, fields=["method", "filters_json"], as_list=True
		):
			self.assertEqual(method, "sales_kpi.site.cards.kpi_card")
			self.assertRegex(self.card("boss", **json.loads(filters)), rf"\d|{NOTHING}")

	def test_onboarding_leads_to_what_exists(self) -> None:
		onboarding = frappe.get_doc("Module Onboarding", "Sales KPI")
		self.assertEqual(len(onboarding.steps), 4)
		for row in onboarding.steps:
			step = frappe.get_doc("Onboarding Step", row.step)
			if step.action == "Update Settings":
				self.assertTrue(frappe.get_meta(step.reference_document).has_field(step.field), step.name)
			elif step.action == "Create Entry":
				self.assertTrue(frappe.db.exists("DocType", step.reference_document))
			else:
				self.assertTrue(frappe.db.exists("Report", step.reference_report), step.name)

	def test_the_app_is_shown_to_its_readers(self) -> None:
		for user, expected in (("boss", True), ("ann", True), ("outsider", False)):
			with as_user(address(user)):
				self.assertEqual(desk.may_open(), expected, user)
		(entry,) = frappe.get_hooks("add_to_apps_screen", app_name="sales_kpi")
		self.assertEqual(frappe.get_attr(entry["has_permission"]), desk.may_open)
		path = frappe.get_app_path("sales_kpi", "public", *entry["logo"].split("/")[3:])
		with open(path) as logo:
			self.assertIn("<svg", logo.read())

	def test_uninstalling_takes_away_what_frappe_leaves(self) -> None:
		chart: dict[str, Any] = {
			"chart_type": "Custom", "source": "Sales KPI", "type": "Bar", "filters_json": "{}",
		}  # fmt: skip
		base.insert("Dashboard Chart", chart_name="A user’s own chart", **chart)
		method = "sales_kpi.site.cards.kpi_card"
		base.insert("Number Card", label="A user’s own card", type="Custom", method=method, filters_json="{}")
		foreign = frappe.db.count("Dashboard Chart", {"source": ("not in", ("Sales KPI", "Sales Funnel"))})
		desk.remove()
		self.assertFalse(frappe.db.exists("Onboarding Step", {"name": ("like", "Sales KPI%")}))
		self.assertFalse(
			frappe.db.exists("Dashboard Chart", {"source": ("in", ("Sales KPI", "Sales Funnel"))})
		)
		self.assertFalse(frappe.db.exists("Number Card", {"method": method}))
		self.assertEqual(
			frappe.db.count("Dashboard Chart", {"source": ("not in", ("Sales KPI", "Sales Funnel"))}), foreign
		)
		if base.is_16():
			self.assertFalse(frappe.db.exists("Workspace Sidebar", "Sales KPI"))
			self.assertFalse(frappe.db.exists("Workspace Sidebar Item", {"parent": "Sales KPI"}))

	def test_sidebar_and_icon_of_version_16(self) -> None:
		if not base.is_16():
			self.assertFalse(frappe.db.exists("DocType", "Workspace Sidebar"))
			return
		sidebar = frappe.get_doc("Workspace Sidebar", "Sales KPI")
		for item in sidebar.items:
			if item.type == "Link":
				# Frappe's boot fails for everybody where a report of a sidebar doesn't exist.
				self.assertTrue(
					frappe.db.exists(item.link_type, item.link_to), (item.link_type, item.link_to)
				)
		icon = frappe.get_doc("Desktop Icon", "Sales KPI")
		for user, expected in (("boss", True), ("outsider", False)):
			with as_user(address(user)):
				self.assertEqual(bool(icon.is_permitted(frappe._dict(workspaces={"pages": []}))), expected)


class TestCards(DeskTestCase):
	def test_each_reader_gets_their_own_figure_in_turn(self) -> None:
		for _round in range(2):
			self.assertIn("1,500", self.card("boss"))
			told = self.card("ann")
			self.assertIn("1,000", told)
			self.assertIn(ANN, told)
			self.assertIn("1,500", self.card("lead"))

	def test_change_on_the_whole_period_before(self) -> None:
		# 1,500 after 800 + 700 + 100
		self.assertIn(f"▼ −6.2 % on {month(2):%b %Y}", self.card("boss").replace("\u202f", " "))
		self.assertIn(f"▲ +16.3 % on {month(2):%b %Y}", self.card("ann").replace("\u202f", " "))

	def test_attainment(self) -> None:
		self.assertIn("No target was agreed.", self.card("boss", show="attainment"))
		self.agree()
		told = self.card("boss", show="attainment").replace("\u202f", " ")
		self.assertIn("50 %", told)
		self.assertIn("3,000", told)
		self.assertIn("−3.3 points", told)
		self.assertIn("No target was agreed.", self.card("ann", show="attainment"))
		self.agree(target_for="Salesperson", sales_person=ANN, value=2000)
		self.assertIn("50", self.card("ann", show="attainment"))

	def test_a_conversion_is_that_of_the_last_month_that_is_final(self) -> None:
		window = frappe.db.get_single_value(base.SETTINGS, "conversion_window_days")
		old = get_first_day(add_days(getdate(), -window - 62))
		lead = base.make_lead(base.unique("Desk Lead"), self.company, address("ann"), str(add_days(old, 4)))
		self.assertTrue(lead.name)
		told = self.card("boss", kpi="lead_conversion_rate")
		values = api.compute(self.company, str(month(12)), str(getdate()), kpis="lead_conversion_rate")
		final = [value for value in values if value["complete"]][-1]
		self.assertIn(f"{date.fromisoformat(final['period_start']):%b %Y}", told)

	def test_nothing_is_a_dash_with_its_reason(self) -> None:
		empty = f"{self.company} Empty"
		self.assertTrue(self.card("boss", company=empty).startswith(NOTHING))
		self.assertIn("No records.", self.card("boss", company=empty))
		for kpi in ("win_rate", "sales_cycle", "churn_rate", "customer_acquisition_cost"):
			told = self.card("boss", company=empty, kpi=kpi)
			self.assertTrue(told.startswith(NOTHING), told)
			self.assertGreater(len(told), 15)
		self.assertIn("You are no salesperson yet.", self.card("nobody"))

	def test_what_may_not_be_seen_is_told_in_the_card_and_opens_no_message(self) -> None:
		for user, filters, sentence in (
			("ann", {"by": "sales-person", "scope": BOB}, "There are no figures of"),
			("ann", {"by": "team", "scope": NORTH}, "There are no figures of"),
			("ann", {"kpi": "customer_acquisition_cost"}, "There is no KPI"),
			("boss", {"kpi": "no_such_kpi"}, "There is no KPI"),
			("boss", {"company": "No such company"}, "There are no figures of company"),
			("boss", {"every": "range"}, "Choose a period"),
			("boss", {"by": "moon"}, "There is no scope"),
		):
			frappe.clear_messages()
			told = self.card(user, **filters)
			self.assertTrue(told.startswith(NOTHING), told)
			self.assertIn(sentence, told)
			self.assertNotIn("500", told)
			self.assertEqual(frappe.get_message_log(), [])

	def test_markup_in_a_name_stays_text(self) -> None:
		with as_user(address("boss")):
			html = frappe.call(
				"sales_kpi.site.cards.kpi_card",
				filters={"company": self.company, "kpi": "<img src=x onerror=alert(1)>"},
			)
		self.assertNotIn("<img", html)

	def test_outsiders_are_refused(self) -> None:
		with self.refused(frappe.PermissionError):
			self.card("outsider")


class TestCharts(DeskTestCase):
	def test_each_reader_gets_their_own_figures_in_turn(self) -> None:
		for _round in range(2):
			self.assertEqual(self.chart("boss")["datasets"][0]["values"][-3:-1], [1600, 1500])
			self.assertEqual(self.chart("ann")["datasets"][0]["values"][-3:-1], [860, 1000])

	def test_any_kpi_scope_and_calendar(self) -> None:
		for kpi in ("deals", "win_rate", "churn_rate", "pipeline_value"):
			for by in ("company", "team", "sales-person", "territory", "source"):
				for calendar in ("", "Jalali"):
					asked: dict[str, Any] = {
						"kpi": kpi,
						"by": by,
						"calendar": calendar,
						"every": "quarter",
						"periods": 4,
					}
					chart = self.chart("boss", **asked)
					for dataset in chart.get("datasets", []):
						self.assertEqual(len(dataset["values"]), 4)

	def test_chosen_scopes_are_a_dataset_each(self) -> None:
		chart = self.chart("boss", by="sales-person", scopes=[ANN, BOB])
		self.assertEqual(
			{dataset["name"]: dataset["values"][-2] for dataset in chart["datasets"]}, {ANN: 1000, BOB: 500}
		)

	def test_targets_stand_beside(self) -> None:
		self.assertEqual(len(self.chart("boss", with_target=1)["datasets"]), 1)
		self.agree()
		target = self.chart("boss", with_target=1)["datasets"][1]
		self.assertEqual(target["values"][-3:], [3000, 3000, None])
		# Where some are missing, a line would fall to zero.
		self.assertEqual(target["chartType"], "bar")
		self.assertEqual(
			self.chart("boss", with_target=1, periods=2, until=str(month(1)))["datasets"][1]["chartType"],
			"line",
		)

	def test_the_running_period_says_so(self) -> None:
		labels = self.chart("boss")["labels"]
		self.assertTrue(labels[-1].endswith("so far"))
		self.assertFalse(labels[-2].endswith("so far"))

	def test_nothing_to_show(self) -> None:
		self.assertEqual(self.chart("boss", company=f"{self.company} Empty"), {})
		self.assertEqual(self.chart("boss", "sales_funnel", company=f"{self.company} Empty"), {})
		self.assertEqual(self.chart("nobody"), {})
		self.assertEqual(self.chart("ann", kpi="customer_acquisition_cost"), {})

	def test_wrong_filters_are_refused_in_one_sentence(self) -> None:
		for filters, sentence in (
			({"kpi": "no_such_kpi"}, "There is no KPI"),
			({"periods": 481}, "Choose from 1 to 120 periods."),
			({"periods": -3}, "Choose from 1 to 120 periods."),
			({"scopes": {"a": 1}, "by": "team"}, "Scopes are given"),
			({"until": "1066-10-14"}, "out of range"),
			({"calendar": "Mayan"}, "There is no calendar"),
		):
			with self.refused(frappe.ValidationError, sentence):
				self.chart("boss", **filters)
		with self.refused(frappe.PermissionError, "There are no figures of"):
			self.chart("ann", by="sales-person", scopes=[BOB])
		with self.refused(frappe.PermissionError):
			self.chart("outsider")

	def test_funnel(self) -> None:
		lead = base.make_lead(base.unique("Desk Lead"), self.company, address("ann"), str(month(1)))
		opportunity = base.make_opportunity(lead, str(month(1)), 500)
		quotation = base.make_quotation(opportunity, str(month(1)))
		base.order_quotation(quotation, str(add_days(month(1), 3)), {ANN: 100})
		chart = self.chart("boss", "sales_funnel", every="month")
		self.assertEqual(chart["labels"], ["Leads", "Decided", "Quotes", "Orders"])
		self.assertEqual(chart["datasets"][0]["values"], [1, 1, 1, 1])
		self.assertEqual(
			self.chart("ann", "sales_funnel", every="month")["datasets"][0]["values"], [1, 1, 1, 1]
		)


class TestTrend(DeskTestCase):
	def rows(self, user: str, **filters: Any) -> list[dict[str, Any]]:
		return [row for row in self.answer(user, **filters)["result"] if isinstance(row, dict)]

	def answer(self, user: str, **filters: Any) -> dict[str, Any]:
		with as_user(address(user)):
			found: dict[str, Any] = query_report.run(
				"Sales KPI Trend", {"company": self.company, "kpi": "sales_volume", **filters}
			)
		return found

	def test_figures_are_those_of_the_api(self) -> None:
		for by in ("company", "team", "sales-person"):
			asked = api.compute(self.company, str(month(12)), str(getdate()), by=by, kpis="sales_volume")
			expected = {(value["scope"], value["period_start"]): value["value"] for value in asked}
			told = {
				("" if row["scope_name"] == "(unassigned)" else row["scope_name"], row["period_start"]): row[
					"value"
				]
				for row in self.rows("boss", by=by)
			}
			self.assertEqual(told, expected, by)

	def test_comparisons(self) -> None:
		rows = {row["period_start"]: row for row in self.rows("boss")}
		last = rows[str(month(1))]
		self.assertAlmostEqual(last["change"], 1500 / 1600 - 1, 5)
		self.assertEqual(last["year_before"], 500)
		self.assertAlmostEqual(last["year_change"], 2.0)
		running = rows[str(month(0))]
		self.assertFalse(running["complete"])
		self.assertIsNone(running["change"])

	def test_targets_and_chart(self) -> None:
		self.agree()
		answer = self.answer("boss")
		row = {row["period_start"]: row for row in answer["result"]}[str(month(1))]
		self.assertEqual((row["target"], row["attainment"], row["stands"]), (3000, 0.5, "Missed"))
		chart = answer["chart"]
		self.assertEqual(len(chart["data"]["datasets"]), 3)
		self.assertEqual(chart["data"]["datasets"][2]["values"][-3:], [3000, 3000, None])
		self.assertEqual(chart["so_far"], [False] * 12 + [True])
		labels = [tile["label"] for tile in answer["report_summary"]]
		self.assertEqual(labels[1:], ["On the period before", "On the year before", "Of Target"])

	def test_readers_see_what_they_answer_for(self) -> None:
		for user, by, scope in (
			("ann", "sales-person", ANN),
			("lead", "team", NORTH),
			("boss", "company", self.company),
		):
			self.assertEqual({(row["by"], row["scope_name"]) for row in self.rows(user)}, {(by, scope)})
		self.assertEqual(
			{row["scope_name"] for row in self.rows("lead", by="sales-person")}, {ANN, BOB, NORTH}
		)
		self.assertEqual({row["scope_name"] for row in self.rows("ann", by="company")}, {"Visible to you"})

	def test_what_others_own_is_refused(self) -> None:
		with self.refused(frappe.PermissionError, "There are no figures of"):
			self.rows("ann", by="sales-person", scopes=[BOB])
		with self.refused(frappe.PermissionError, "There are no figures of"):
			self.rows("boss", by="sales-person", scopes=["Nobody"])
		with self.refused(frappe.ValidationError, "There is no KPI"):
			self.rows("ann", kpi="gross_margin")
		with self.refused(frappe.ValidationError, "is not measured by"):
			self.rows("boss", kpi="customer_lifetime_value", by="team")

	def test_a_kpi_switched_off_meanwhile(self) -> None:
		frappe.db.set_value("Sales KPI", "win_rate", "enabled", 0)
		with self.refused(frappe.ValidationError, "There is no KPI"):
			self.rows("boss", kpi="win_rate")


class TestForms(DeskTestCase):
	def told(self, user: str, name: str) -> str:
		with as_user(address(user)):
			told = form_dashboards.sales_person(name)
		return plain(told["html"]) if told else ""

	def bought(self, user: str, number: str) -> str:
		with as_user(address(user)):
			frappe.defaults.set_user_default("company", self.company)
			told = form_dashboards.customer(base.ensure_customer(f"{number} of {self.company}"))
		return plain(told["html"]) if told else ""

	def setUp(self) -> None:
		super().setUp()
		for user in ("boss", "ann", "lead"):
			frappe.defaults.set_user_default("company", self.company, address(user))

	def test_a_sales_person_is_shown_to_those_who_see_its_figures(self) -> None:
		for user in ("boss", "ann", "lead"):
			self.assertIn("1,000", self.told(user, ANN), user)
		for user in ("boss", "lead"):
			self.assertIn("500", self.told(user, BOB), user)
			self.assertIn("1,500", self.told(user, NORTH), user)
		self.assertEqual(self.told("ann", BOB), "")
		self.assertEqual(self.told("ann", NORTH), "")
		self.assertEqual(self.told("nobody", ANN), "")

	def test_its_target_stands_beside(self) -> None:
		self.agree(target_for="Salesperson", sales_person=ANN, value=2000)
		told = self.told("ann", ANN).replace("\u202f", " ")
		self.assertIn("50 % of the target", told)
		self.assertIn("Missed", told)

	def test_a_customer_is_told_as_far_as_the_reader_sees_it(self) -> None:
		boss = self.bought("boss", "Buyer 0")
		self.assertIn("2,200", boss)
		self.assertIn("3 purchases since", boss)
		self.assertRegex(boss, r"Buys Every [\d.]+ days")
		self.assertIn("2,200", self.bought("ann", "Buyer 0"))
		self.assertIn("60", self.bought("ann", "Shared Buyer"))
		self.assertIn("as far as it is credited", self.bought("ann", "Shared Buyer"))
		self.assertIn("100", self.bought("boss", "Shared Buyer"))
		self.assertEqual(self.bought("ann", "Buyer 1"), "")
		self.assertEqual(self.bought("nobody", "Buyer 0"), "")

	def test_forms_load_their_scripts(self) -> None:
		for doctype in ("Sales Person", "Customer"):
			self.assertIn(
				"sales_kpi.site.form_dashboards", frappe.desk.form.meta.get_meta(doctype).get("__js")
			)
