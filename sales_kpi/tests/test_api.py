"""The API: the same figures as the engine reads from the database by itself, and a sentence for whatever is wrong."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import frappe

import sales_kpi
from sales_kpi import catalogue
from sales_kpi.analysis.values import VALUE_FIELDS, Question
from sales_kpi.api import compute
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every
from sales_kpi.site.settings import site_settings
from sales_kpi.site.standing import TOLD
from sales_kpi.tests import base

FIRST, LAST = date(2025, 1, 1), date(2025, 6, 30)

ROOT = Path(sales_kpi.__file__).parent.parent

READ_BY_URL = """
import json, pickle, sys
from sales_kpi.analysis.values import compute
from sales_kpi.sources.database import DatabaseSource

url, settings, questions = pickle.load(sys.stdin.buffer)
with DatabaseSource(url) as source:
	json.dump([compute(source, question, settings) for question in questions], sys.stdout, default=str)
"""


@cache
def engine_python() -> str | None:
	"""A Python that can read a database by its URL: a bench brings no SQLAlchemy."""
	for python in (
		os.environ.get("SALES_KPI_ENGINE_PYTHON"),
		sys.executable,
		str(ROOT / ".venv" / "bin" / "python"),
	):
		if python and _succeeds([python, "-c", "import sqlalchemy, pymysql, pandas, pypika, persiantools"]):
			return python
	return None


def _succeeds(command: list[str]) -> bool:
	try:
		return subprocess.run(command, capture_output=True, check=False).returncode == 0
	except OSError:
		return False


def values_by_url(questions: list[Question]) -> list[list[dict[str, Any]]]:
	"""What the engine answers when it reads the site's database with its user and password."""
	conf = frappe.conf
	user, password = conf.get("db_user") or conf.db_name, conf.db_password
	host, port = conf.get("db_host") or "127.0.0.1", conf.get("db_port") or 3306
	url = f"mysql+pymysql://{quote(user)}:{quote(password)}@{host}:{port}/{conf.db_name}"
	found = subprocess.run(
		[str(engine_python()), "-c", READ_BY_URL],
		input=pickle.dumps((url, site_settings().engine, questions), protocol=4),
		capture_output=True,
		check=False,
		env={**os.environ, "PYTHONPATH": str(ROOT)},
	)
	if found.returncode:
		raise AssertionError(found.stderr.decode())
	told: list[list[dict[str, Any]]] = json.loads(found.stdout)
	return told


class TestAgreesWithTheEngine(base.SiteTestCase):
	"""A company whose records were made through ERPNext, read in both ways."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = base.ensure_company(base.unique("KPI Tie"))
		cls.make_masters()
		for make in (
			cls.make_chain, cls.make_losses, cls.make_corrections, cls.make_shares, cls.make_activities, cls.make_costs,
		):  # fmt: skip
			make()
		# Another connection reads what is committed.
		frappe.db.commit()

	@classmethod
	def make_masters(cls) -> None:
		# Users of their own: one user can't be two Employees.
		cls.ann, cls.bob = (f"{name}.{frappe.generate_hash(length=5)}@kpi.test" for name in ("ann", "bob"))
		for user in (cls.ann, cls.bob):
			base.ensure_user(user, "Sales User", "Sales Manager")
		base.ensure_sales_person("Tie North", is_group=1)
		for name in ("Tie Ann", "Tie Bob", "Tie Cid"):
			base.ensure_sales_person(name, "Tie North")
		base.ensure_employee("KpiAnn", cls.company, cls.ann)
		employee = base.ensure_employee("KpiBob", cls.company, cls.bob)
		frappe.db.set_value("Sales Person", "Tie Bob", "employee", employee)
		base.ensure_territory("Tie West")
		base.ensure_source("Tie Fair")
		base.change_settings(mapping=[{"user": cls.ann, "sales_person": "Tie Ann"}])
		cls.customer = base.ensure_customer(f"Regular of {cls.company}", account_manager=cls.ann)

	@classmethod
	def make_chain(cls) -> None:
		"""Lead → opportunity → quotation → order → invoice → return."""
		channel = {base.source_field(): "Tie Fair"}
		lead = base.make_lead("KpiLead", cls.company, cls.ann, "2025-01-05", territory="Tie West", **channel)
		opportunity = base.make_opportunity(lead, "2025-01-12", 1000)
		quotation = base.make_quotation(opportunity, "2025-01-15")
		order = base.order_quotation(quotation, "2025-01-30", {"Tie Ann": 60, "Tie Bob": 40})
		invoice = base.invoice_order(order, "2025-02-03")
		base.make_return(invoice, "2025-03-02")

	@classmethod
	def make_losses(cls) -> None:
		lead = base.make_lead("KpiLost", cls.company, cls.bob, "2025-02-05")
		opportunity = base.make_opportunity(lead, "2025-02-06", 800)
		opportunity.reload()
		opportunity.declare_enquiry_lost([], [], "too dear")
		base.date_back("Opportunity", opportunity.name, modified="2025-04-01 10:00:00")
		lead = base.make_lead("KpiStays", cls.company, "system@kpi.test", "2025-02-07")
		base.make_opportunity(lead, "2025-02-08", 300)
		left = base.make_lead("KpiLeaves", cls.company, cls.ann, "2025-03-05")
		left.reload()
		left.status = "Do Not Contact"
		left.save()

	@classmethod
	def make_corrections(cls) -> None:
		"""Amended, cancelled and never submitted."""
		wrong = base.make_invoice(cls.company, cls.customer, "2025-02-20", 500, {"Tie Bob": 100})
		base.amend(wrong, posting_date="2025-02-21", due_date="2025-02-21", payment_schedule=[])
		base.make_invoice(cls.company, cls.customer, "2025-02-22", 77, {"Tie Bob": 100}).cancel()
		base.make_invoice(cls.company, cls.customer, "2025-02-23", 78, {"Tie Bob": 100}, submit=False)
		base.make_order(cls.company, cls.customer, "2025-03-01", 450, {"Tie Cid": 100}).cancel()
		order = base.make_order(cls.company, cls.customer, "2025-03-04", 460, {"Tie Cid": 100})
		base.amend(order)

	@classmethod
	def make_shares(cls) -> None:
		thirds = {"Tie Ann": 33.33, "Tie Bob": 33.33, "Tie Cid": 33.34}
		base.make_invoice(cls.company, cls.customer, "2025-04-10", 999.99, thirds, territory="Tie West")
		base.make_invoice(cls.company, cls.customer, "2025-05-10", 300)

	@classmethod
	def make_activities(cls) -> None:
		base.insert(
			"Event",
			subject="KPI",
			event_category="Meeting",
			event_type="Public",
			starts_on="2025-02-12 10:00:00",
			ends_on="2025-02-12 11:00:00",
			owner=cls.bob,
		)
		frappe.set_user(cls.bob)
		base.insert(
			"Event", subject="K", event_category="Call", event_type="Public", starts_on="2025-02-13 10:00:00"
		)
		frappe.set_user("Administrator")
		base.insert(
			"Call Log",
			id=frappe.generate_hash(length=8),
			type="Outgoing",
			status="Completed",
			start_time="2025-03-03 09:00:00",
			duration=120,
			to="+1999",
			employee_user_id=cls.bob,
			**{"from": "+1555"},
		)
		base.insert(
			"Communication",
			communication_type="Communication",
			communication_medium="Email",
			sent_or_received="Sent",
			subject="KPI",
			content="KPI",
			sender=f"Bob <{cls.bob.upper()}>",
			recipients="x@y.test",
			communication_date="2025-02-02 10:00:00",
			reference_doctype="Customer",
			reference_name=cls.customer,
			company=cls.company,
		)
		if not frappe.db.exists("Quality Feedback Template", {"template": "KPI"}):
			base.insert("Quality Feedback Template", template="KPI", parameters=[{"parameter": "Speed"}])
		feedback = base.insert(
			"Quality Feedback",
			document_type="Customer",
			document_name=cls.customer,
			template=frappe.db.get_value("Quality Feedback Template", {"template": "KPI"}),
			parameters=[{"parameter": "Speed", "rating": "5"}],
		)
		base.date_back("Quality Feedback", feedback.name, creation="2025-03-10 10:00:00")

	@classmethod
	def make_costs(cls) -> None:
		accounts = frappe.get_all(
			"Account",
			filters={
				"company": cls.company,
				"root_type": "Expense",
				"is_group": 0,
				"account_type": ("in", ("", None)),
			},
			pluck="name",
			order_by="name",
		)
		center = frappe.get_cached_value("Company", cls.company, "cost_center")
		base.make_cost(cls.company, accounts[0], "2025-02-10", 90, center)
		base.change_settings(
			acquisition_accounts=[{"company": cls.company, "account": accounts[0]}],
			cost_centers=[{"cost_center": center, "sales_person": "Tie Ann"}],
			churn_after_days=30,
		)

	def question(self, by: By, every: Every, calendar: Calendar) -> Question:
		return Question(self.company, FIRST, LAST, every, by, None, frappe.utils.getdate(), calendar)

	def test_every_kpi_by_everything(self) -> None:
		if engine_python() is None:
			self.skipTest("no Python with SQLAlchemy: set SALES_KPI_ENGINE_PYTHON")
		kinds = [
			(Every.MONTH, Calendar()),
			(Every.QUARTER, Calendar("jalali")),
			(Every.RANGE, Calendar("fiscal", 4, 1)),
		]
		names = {"gregorian": "gregorian", "jalali": "jalali", "fiscal": "fiscal:04-01"}
		questions = [self.question(by, every, calendar) for by in By for every, calendar in kinds]
		seen = set()
		for question, expected in zip(questions, values_by_url(questions), strict=True):
			told = compute(
				self.company, str(FIRST), str(LAST), question.every.value, question.by.value,
				calendar=names[question.calendar.kind],
			)  # fmt: skip
			figures = [{name: value[name] for name in VALUE_FIELDS} for value in told]
			self.assertEqual(
				json.loads(json.dumps(figures, default=str)), expected, (question.by, question.every)
			)
			self.assertEqual(tuple(told[0]), (*VALUE_FIELDS, *TOLD))
			seen |= {value["kpi"] for value in told if value["value"] is not None}
		silent = set(catalogue.kpis()) - seen
		# Nothing here is in stock, has a telephone bill or was answered by itself.
		self.assertLessEqual(silent, {"gross_margin", "first_response_time"}, silent)

	def test_figures_are_those_of_the_definitions(self) -> None:
		def volumes(by: str, kpi: str = "sales_volume") -> dict[str, list[float | None]]:
			told: dict[str, list[float | None]] = {}
			for value in compute(self.company, "2025-01-01", "2025-05-31", by=by, kpis=kpi):
				told.setdefault(value["scope"], []).append(value["value"])
			return told

		company = volumes("company")[self.company]
		self.assertEqual(company, [0, 1500, -1000, 999.99, 300])
		people = volumes("sales-person")
		self.assertEqual(people["Tie Ann"][:3], [0, 600, -600])
		self.assertEqual(people["Tie Bob"][:3], [0, 900, -400])
		self.assertEqual(people[""], [0, 0, 0, 0, 300])
		for month, whole in enumerate(company):
			self.assertAlmostEqual(sum(row[month] or 0 for row in people.values()), whole or 0)
		self.assertEqual(volumes("company", "bookings")[self.company][:3], [1000, 0, 460])
		self.assertEqual(volumes("company", "lead_conversion_rate")[self.company][:3], [1, 0, 0])
		self.assertEqual(volumes("company", "emails")[self.company][1], 1)
		self.assertEqual(volumes("sales-person", "meetings")["Tie Bob"][1], 0)
		self.assertEqual(volumes("sales-person", "calls")["Tie Bob"][1:3], [1, 1])
		self.assertEqual(volumes("company", "customer_satisfaction")[self.company][2], 1)


class TestInput(base.SiteTestCase):
	"""What is wrong is said in one sentence, and nothing is told."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = frappe.get_all("Company", pluck="name", order_by="creation", limit=1)[0]

	def ask(self, **changes: Any) -> list[dict[str, Any]]:
		asked = {
			"company": self.company,
			"from_date": "2025-01-01",
			"to_date": "2025-03-31",
			"kpis": "sales_volume",
		}
		return compute(**{**asked, **changes})

	def test_wrong_input_is_explained(self) -> None:
		for changes, text in (
			({"kpis": "nonsense"}, "There is no KPI nonsense that you may see."),
			({"kpis": '["sales_volume"'}, "There is no KPI"),
			({"kpis": [["sales_volume"]]}, "KPIs are given as a list of their names"),
			({"kpis": {"sales_volume": 1}}, "KPIs are given as a list of their names"),
			({"from_date": "2025-04-01"}, "from_date 2025-04-01 is after to_date 2025-03-31."),
			({"from_date": "yesterday"}, "from_date must be a date such as 2026-01-31."),
			({"from_date": ""}, "from_date must be a date"),
			({"to_date": "2025-02-30"}, "to_date must be a date"),
			({"as_of": "1"}, "as_of must be a date"),
			({"from_date": "1000-01-01"}, "1000-01-01 is out of range"),
			({"as_of": "9999-12-31"}, "9999-12-31 is out of range"),
			({"every": "fortnight"}, "There is no period fortnight. Choose one of: day, week"),
			({"by": "planet"}, "There is no scope planet. Choose one of: company, sales-person"),
			({"by": "x" * 5000}, "…. Choose one of"),
			({"calendar": "maya"}, "There is no calendar 'maya'"),
			({"calendar": "fiscal"}, "Say on which day the fiscal year begins"),
			({"calendar": "fiscal:13-01"}, "There is no calendar"),
			({"calendar": ["jalali"]}, "There is no calendar"),
			({"every": "day", "from_date": "2020-01-01"}, "periods are too many"),
		):
			with self.refused(frappe.ValidationError, text):
				self.ask(**changes)

	def test_a_company_that_doesnt_exist_has_no_figures(self) -> None:
		with self.refused(frappe.PermissionError, "There are no figures of company", without=(self.company,)):
			self.ask(company="No Such")

	def test_names_of_kpis_come_in_several_shapes(self) -> None:
		for kpis in (
			"sales_volume, deals",
			["sales_volume", "deals"],
			'["sales_volume", "deals"]',
			"deals,sales_volume,deals",
		):
			told = self.ask(kpis=kpis, every="range")
			self.assertEqual([value["kpi"] for value in told], ["sales_volume", "deals"])
		self.assertEqual(len(self.ask(kpis=None, every="range")), len(catalogue.kpis()))
		self.assertEqual(self.ask(kpis="", every="range"), self.ask(kpis=None, every="range"))

	def test_a_calendar_of_the_settings_kind_is_the_settings_own(self) -> None:
		base.change_settings(calendar="Fiscal", fiscal_year_start="04-01", week_start="Sunday")
		for calendar in (None, "fiscal", "fiscal:04-01"):
			told = self.ask(calendar=calendar, every="year", from_date="2024-04-01")
			self.assertEqual([value["period_start"] for value in told], ["2024-04-01"])
			self.assertTrue(told[0]["complete"])
		weeks = self.ask(every="week", from_date="2025-01-01", to_date="2025-01-12")
		self.assertEqual(
			[value["period_start"] for value in weeks], ["2025-01-01", "2025-01-05", "2025-01-12"]
		)
