"""What people do to ERPNext's records stays possible with the app installed, and the figures follow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import frappe

from sales_kpi.site import transitions
from sales_kpi.site.answers import Asker
from sales_kpi.tests import base


class CoreTestCase(base.SiteTestCase):
	"""A company of its own, with salespeople; figures of 2025 by month."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = base.ensure_company(base.unique("KPI Core"))

	def people(self, *names: str) -> list[str]:
		"""New salespeople."""
		return [base.ensure_sales_person(base.unique(f"KPI {name}")) for name in names]

	def customers(self, *names: str) -> list[str]:
		"""New customers."""
		return [base.ensure_customer(base.unique(f"KPI {name}")) for name in names]

	def sell(self, customer: str, day: str, amount: float, person: str | None = None) -> Any:
		return base.make_invoice(self.company, customer, day, amount, {person: 100} if person else None)

	def figures(self, kpi: str, by: str = "company") -> dict[str, dict[str, float | None]]:
		"""Values by scope and month, such as 2025-02."""
		from sales_kpi.api import compute

		told: dict[str, dict[str, float | None]] = {}
		for value in compute(self.company, "2025-01-01", "2025-06-30", by=by, kpis=kpi):
			told.setdefault(value["scope"], {})[value["period_start"][:7]] = value["value"]
		return told

	def of_company(self, kpi: str) -> dict[str, float | None]:
		return self.figures(kpi)[self.company]


class TestRenaming(CoreTestCase):
	"""Renaming and merging."""

	def test_a_renamed_customer_keeps_its_figures(self) -> None:
		(customer,) = self.customers("Renamed")
		self.sell(customer, "2025-01-10", 100)
		before = {kpi: self.of_company(kpi) for kpi in ("sales_volume", "new_customers", "churn_rate")}
		base.change_settings(shared_customers=[{"customer": customer}])
		new = base.unique("KPI New Name")
		frappe.rename_doc("Customer", customer, new)
		self.assertEqual([row.customer for row in frappe.get_doc(base.SETTINGS).shared_customers], [new])
		base.change_settings(shared_customers=[])
		self.assertEqual({kpi: self.of_company(kpi) for kpi in before}, before)

	def test_merged_customers_are_one(self) -> None:
		one, other = self.customers("One", "Other")
		volume, new = self.of_company("sales_volume"), self.of_company("new_customers")
		self.sell(one, "2025-02-10", 100)
		self.sell(other, "2025-04-10", 50)
		self.assertEqual(self.of_company("new_customers")["2025-04"], (new["2025-04"] or 0) + 1)
		frappe.rename_doc("Customer", other, one, merge=True)
		self.assertEqual(self.of_company("new_customers")["2025-02"], (new["2025-02"] or 0) + 1)
		self.assertEqual(self.of_company("new_customers")["2025-04"], new["2025-04"])
		self.assertEqual(self.of_company("sales_volume")["2025-04"], (volume["2025-04"] or 0) + 50)

	def test_a_renamed_salesperson_takes_its_figures_along(self) -> None:
		(old,), (customer,) = self.people("Old"), self.customers("Of Person")
		base.ensure_user("core@kpi.test", "Sales User")
		base.map_users(core=old)
		self.sell(customer, "2025-01-10", 100, old)
		base.make_lead("KpiLeadOfRenamed", self.company, "core@kpi.test", "2025-01-11")
		new = base.unique("KPI Renamed")
		frappe.rename_doc("Sales Person", old, new)
		volumes = self.figures("sales_volume", "sales-person")
		self.assertEqual(volumes[new]["2025-01"], 100)
		self.assertNotIn(old, volumes)
		self.assertEqual(self.figures("lead_conversion_rate", "sales-person")[new]["2025-01"], 0)
		self.assertEqual([row.sales_person for row in frappe.get_doc(base.SETTINGS).mapping], [new])
		self.assertEqual(Asker.current("core@kpi.test").may.own, (new,))
		log = {"reference_doctype": "Sales Person", "reference_name": old}
		self.assertFalse(frappe.db.exists(transitions.LOG, log))

	def test_merged_salespeople_are_one(self) -> None:
		(one, other), (customer,) = self.people("First", "Second"), self.customers("Of Both")
		base.ensure_user("core@kpi.test", "Sales User")
		base.map_users(core=other)
		self.sell(customer, "2025-01-10", 100, one)
		self.sell(customer, "2025-01-11", 20, other)
		frappe.rename_doc("Sales Person", other, one, merge=True)
		volumes = self.figures("sales_volume", "sales-person")
		self.assertEqual(volumes[one]["2025-01"], 120)
		self.assertNotIn(other, volumes)
		self.assertEqual(Asker.current("core@kpi.test").may.own, (one,))

	def test_leads_can_be_renamed_and_merged(self) -> None:
		base.ensure_user("core@kpi.test", "Sales User")
		before = self.leads()
		one = base.make_lead("KpiOne", self.company, "core@kpi.test", "2025-01-05")
		other = base.make_lead("KpiTwo", self.company, "core@kpi.test", "2025-02-05")
		frappe.rename_doc("Lead", one.name, base.unique("KPI-LEAD"))
		self.assertEqual(self.leads(), (before[0] + 1, before[1] + 1))
		kept = frappe.db.get_value("Lead", {"first_name": "KpiOne", "company": self.company})
		frappe.rename_doc("Lead", other.name, kept, merge=True)
		self.assertEqual(self.leads(), (before[0] + 1, before[1]))

	def leads(self) -> tuple[float, float]:
		"""Leads of January and February."""
		from sales_kpi.api import compute

		told = compute(self.company, "2025-01-01", "2025-02-28", kpis="lead_conversion_rate")
		return tuple(value["denominator"] or 0 for value in told)  # type: ignore[return-value]

	def test_a_renamed_user_keeps_its_mapping(self) -> None:
		(person,) = self.people("Of User")
		base.ensure_user("core.old@kpi.test", "Sales User")
		base.change_settings(mapping=[{"user": "core.old@kpi.test", "sales_person": person}])
		frappe.rename_doc("User", "core.old@kpi.test", "core.new@kpi.test")
		self.assertEqual([row.user for row in frappe.get_doc(base.SETTINGS).mapping], ["core.new@kpi.test"])
		self.assertEqual(Asker.current("core.new@kpi.test").may.own, (person,))


class TestDeleting(CoreTestCase):
	"""Deleting single records and all transactions of a company."""

	def test_a_lead_can_be_deleted(self) -> None:
		lead = base.make_lead("KpiGone", self.company, "system@kpi.test", "2025-01-05")
		lead.reload()
		lead.status = "Replied"
		lead.save()
		logged = {"reference_doctype": "Lead", "reference_name": lead.name}
		self.assertTrue(frappe.db.exists(transitions.LOG, logged))
		frappe.delete_doc("Lead", lead.name)
		self.assertEqual(self.of_company("lead_conversion_rate")["2025-01"], None)

	def test_a_user_can_be_deleted(self) -> None:
		"""The log doesn't hold anybody back."""
		base.ensure_user("core.gone@kpi.test", "Sales User")
		lead = base.make_lead("KpiOfGone", self.company, "core.gone@kpi.test", "2025-01-05")
		lead.reload()
		lead.lead_owner = "system@kpi.test"
		lead.save()
		self.assertTrue(frappe.db.exists(transitions.LOG, {"old_value": "core.gone@kpi.test"}))
		frappe.delete_doc("User", "core.gone@kpi.test", ignore_permissions=True)
		self.assertFalse(frappe.db.exists("User", "core.gone@kpi.test"))

	def test_a_mapped_user_can_be_deleted(self) -> None:
		"""Nor does the mapping of the settings."""
		base.ensure_user("core.gone@kpi.test", "Sales User")
		(person,) = self.people("Stays")
		base.change_settings(mapping=[{"user": "core.gone@kpi.test", "sales_person": person}])
		frappe.delete_doc("User", "core.gone@kpi.test", ignore_permissions=True)
		self.assertFalse(frappe.db.exists("User", "core.gone@kpi.test"))
		self.assertTrue(self.of_company("sales_volume"))

	def test_transactions_of_a_company_can_be_deleted(self) -> None:
		other = base.ensure_company(base.unique("KPI Emptied"))
		(person,), (customer,) = self.people("Emptied"), self.customers("Emptied")
		account = frappe.get_all(
			"Account", filters={"company": other, "root_type": "Expense", "is_group": 0}, pluck="name"
		)
		base.change_settings(
			acquisition_accounts=[{"company": other, "account": account[0]}],
			companies=[{"company": other}, {"company": self.company}],
		)
		base.make_invoice(other, customer, "2025-01-10", 100, {person: 100})
		base.make_lead("KpiEmptied", other, "system@kpi.test", "2025-01-05")
		self.sell(customer, "2025-05-10", 30, person)
		mine = self.of_company("sales_volume")
		kept, self.company = self.company, other
		self.assertEqual(self.of_company("sales_volume")["2025-01"], 100)
		record = base.insert("Transaction Deletion Record", company=other, process_in_single_transaction=1)
		record.submit()
		record.start_deletion_tasks()
		record.reload()
		self.assertEqual(record.status, "Completed", record.get("error_log"))
		self.assertEqual(self.of_company("sales_volume")["2025-01"], 0)
		self.assertIsNone(self.of_company("lead_conversion_rate")["2025-01"])
		self.company = kept
		self.assertEqual(self.of_company("sales_volume"), mine)
		settings = frappe.get_doc(base.SETTINGS)
		self.assertEqual([row.account for row in settings.acquisition_accounts], [account[0]])
		self.assertEqual([row.company for row in settings.companies], [other, self.company])


class TestTrimming(CoreTestCase):
	"""`trim-tables` and `trim-database` find nothing of the app's to throw away."""

	def command(self, *arguments: str) -> str:
		"""Run a command of bench on this site, as an administrator would."""
		frappe.db.commit()  # what a command alters waits for nobody's transaction
		site = ["--site", str(frappe.local.site)]
		found = subprocess.run(
			[sys.executable, "-m", "frappe.utils.bench_helper", "frappe", *site, *arguments],
			capture_output=True,
			check=False,
			text=True,
			cwd=frappe.utils.get_bench_path() + "/sites",
		)
		self.assertEqual(found.returncode, 0, found.stderr)
		return found.stdout

	def test_nothing_of_the_app_is_trimmed(self) -> None:
		(person,), (customer,) = self.people("Trimmed"), self.customers("Trimmed")
		self.sell(customer, "2025-01-10", 100, person)
		frappe.db.commit()
		own = frappe.get_all("DocType", filters={"module": "Sales KPI", "issingle": 0}, pluck="name")
		columns = {doctype: set(frappe.db.get_table_columns(doctype)) for doctype in own}
		before, rows = self.of_company("sales_volume"), frappe.db.count(transitions.LOG)
		said = self.command("trim-tables", "--no-backup", "--format", "json")
		trimmed = json.loads(said[said.index("{") :])
		self.assertEqual(set(trimmed[str(frappe.local.site)]) & set(own), set())
		dropped = self.command("trim-database", "--no-backup", "--yes", "--format", "json")
		self.assertNotIn("Sales", dropped)
		frappe.clear_cache()
		for doctype in own:
			self.assertEqual(set(frappe.db.get_table_columns(doctype)), columns[doctype], doctype)
		self.assertEqual(self.of_company("sales_volume"), before)
		self.assertGreaterEqual(frappe.db.count(transitions.LOG), rows)
