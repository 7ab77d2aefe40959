"""Installing, migrating and what each leaves behind. Uninstalling is tested on a site of its own (tests/site)."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from unittest.mock import patch

import frappe

from sales_kpi import catalogue, install
from sales_kpi.site.kpi_records import MANAGER_ROLES, insert_missing
from sales_kpi.tests.base import SETTINGS, SiteTestCase


class TestVersions(SiteTestCase):
	def test_other_versions_are_refused_in_one_sentence(self) -> None:
		for app, title, version in (
			("erpnext", "ERPNext", "14.60.1"), ("frappe", "Frappe", "17.0.0-dev"), ("erpnext", "ERPNext", "develop"),
		):  # fmt: skip
			with (
				self.subTest(app, version=version),
				patch(f"{app}.__version__", version),
				self.refused(
					frappe.ValidationError,
					f"Sales KPI works with version 15 or 16 of {title}, not with {version}.",
				),
			):
				install.before_install()

	def test_these_versions_are_accepted(self) -> None:
		install.before_install()

	def test_nothing_is_made_before_the_check(self) -> None:
		with (
			patch("erpnext.__version__", "14.0.0"),
			patch("sales_kpi.site.kpi_records.insert_missing") as made,
			self.assertRaises(frappe.ValidationError),
		):
			install.after_migrate()
		made.assert_not_called()


class TestInstall(SiteTestCase):
	def test_records_for_all_kpis(self) -> None:
		self.assertEqual(set(frappe.get_all("Sales KPI", pluck="name")), set(catalogue.kpis()))
		for name in ("gross_margin", "customer_acquisition_cost"):
			roles = {row.role for row in frappe.get_doc("Sales KPI", name).roles}
			self.assertTrue(roles)
			self.assertLessEqual(roles, set(MANAGER_ROLES))

	def test_first_log_and_totals_are_jobs_after_the_commit(self) -> None:
		with patch("frappe.enqueue") as enqueue, patch("sales_kpi.install.propose_settings"):
			install.after_install()
		methods = [call.args[0] for call in enqueue.call_args_list]
		self.assertEqual(methods, ["sales_kpi.site.transitions.begin", "sales_kpi.totals.rebuild.rebuild"])
		for call in enqueue.call_args_list:
			self.assertTrue(call.kwargs["enqueue_after_commit"] and call.kwargs["deduplicate"])

	def test_odd_records_do_not_stop_the_installation(self) -> None:
		with patch("sales_kpi.site.proposals.propose", side_effect=ValueError("boom")):
			frappe.db.set_single_value(SETTINGS, "confirmed", 0)
			install.propose_settings()
		self.assertTrue(frappe.get_all("Error Log", {"method": "Sales KPI: no settings were proposed"}))

	def test_what_runs_by_itself(self) -> None:
		jobs = frappe.get_all(
			"Scheduled Job Type", {"method": ("like", "sales_kpi.%")}, ["method", "frequency"]
		)
		self.assertIn(
			("sales_kpi.site.transitions.sweep", "Daily Long"), [(job.method, job.frequency) for job in jobs]
		)


class TestMigrate(SiteTestCase):
	def test_what_an_admin_changed_stays(self) -> None:
		doc = frappe.get_doc("Sales KPI", "deals")
		doc.update({"title": "Geschäfte", "weight": 3, "enabled": 0, "review_by": "2027-01-01"})
		doc.set("roles", [{"role": "Sales User"}])
		doc.save()
		for _ in range(2):
			install.after_migrate()
		doc = frappe.get_doc("Sales KPI", "deals")
		self.assertEqual(
			(doc.title, doc.weight, doc.enabled, str(doc.review_by)), ("Geschäfte", 3, 0, "2027-01-01")
		)
		self.assertEqual([row.role for row in doc.roles], ["Sales User"])

	def test_what_the_code_says_is_kept_in_step(self) -> None:
		frappe.db.set_value(
			"Sales KPI", "deals", {"meaning": "old", "formula": "old", "unit": "old", "idx": 99}
		)
		modified = frappe.db.get_value("Sales KPI", "deals", "modified")
		insert_missing()
		row = frappe.db.get_value(
			"Sales KPI", "deals", ["meaning", "formula", "unit", "idx", "modified"], as_dict=True
		)
		self.assertEqual(row.meaning, catalogue.kpi("deals").meaning)
		self.assertEqual((row.formula, row.unit, row.idx), ("Q(sale)", "count", 2))
		self.assertEqual(row.modified, modified)

	def test_nothing_is_written_when_nothing_changed(self) -> None:
		insert_missing()
		with patch.object(frappe.db, "set_value") as written, patch("frappe.get_doc") as made:
			insert_missing()
		written.assert_not_called()
		made.assert_not_called()

	def test_kpis_of_other_apps_get_records(self) -> None:
		"""The hook `sales_kpi_modules` of an installed app names the package that holds its facts and KPIs."""
		module = ModuleType("another_app_kpis")
		module.KPI = replace(catalogue.kpi("deals"), name="another_apps_deals", title="Another app's deals")
		real = frappe.get_hooks

		def hooks(hook: str | None = None, *args: object, **kwargs: object) -> object:
			return ["another_app_kpis"] if hook == "sales_kpi_modules" else real(hook, *args, **kwargs)

		with patch.dict(sys.modules, {"another_app_kpis": module}), patch("frappe.get_hooks", hooks):
			try:
				install.after_migrate()
				doc = frappe.get_doc("Sales KPI", "another_apps_deals")
				self.assertEqual((doc.title, doc.enabled), ("Another app's deals", 1))
			finally:
				catalogue.extend([])
		self.assertNotIn("another_apps_deals", catalogue.kpis())

	def test_administrators_edit_little_of_a_kpi(self) -> None:
		meta = frappe.get_meta("Sales KPI")
		editable = {
			field.fieldname
			for field in meta.fields
			if not field.read_only and field.fieldtype not in ("Section Break", "Column Break")
		}
		self.assertEqual(editable, {"title", "enabled", "weight", "responsible", "review_by", "roles"})
		self.assertFalse(any(row.create or row.delete for row in meta.permissions))
