"""Our figures beside ERPNext's own reports, with every kind of document that makes them differ: nothing unexplained."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from unittest.mock import patch

import frappe

from sales_kpi.analysis.reconciliation import AGREES, EXPLAINED, Comparison
from sales_kpi.analysis.values import Question
from sales_kpi.site.agreement import agreement, compared
from sales_kpi.site.answers import Asker
from sales_kpi.tests.base import (
	SiteTestCase,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_user,
	insert,
	is_16,
	make_invoice,
	make_order,
	make_return,
	permit,
	unique,
	unrestricted,
)

ANN, BOB = "Agreement Ann", "Agreement Bob"
AS_OF = date(2025, 12, 31)


class TestAgreement(SiteTestCase):
	company: ClassVar[str]

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = ensure_company("Agreement Test Co")
		change_settings(companies=[], credit_fallback="None")
		ensure_sales_person(ANN)
		ensure_sales_person(BOB)
		cls.customer = ensure_customer("Agreement Customer")

	# Helpers

	def invoice(self, day: str, amount: float, team: dict[str, float] | None = None, **values: Any) -> Any:
		return make_invoice(self.company, self.customer, day, amount, team or {ANN: 100}, **values)

	def account(self, name: str, root: str) -> str:
		"""A new account below a group of a root type."""
		parents = frappe.get_all(
			"Account", {"company": self.company, "root_type": root, "is_group": 1, "parent_account": ("is", "set")},
			pluck="name", order_by="lft",
		)  # fmt: skip
		account = insert(
			"Account", account_name=unique(name), company=self.company, parent_account=parents[0], is_group=0
		)
		return str(account.name)

	def compared(self, first: str = "2025-01-01", last: str = "2025-06-30") -> dict[str, Comparison]:
		"""All comparisons, none of which leaves anything unexplained, and whose differences add up to the gap."""
		question = Question(self.company, date.fromisoformat(first), date.fromisoformat(last), as_of=AS_OF)
		found = compared(Asker.current(), question)
		for one in found:
			self.assertEqual(one.unexplained, 0, (one.name, one.scope, one.gap, named(one)))
			self.assertAlmostEqual(sum(named(one).values()), one.gap, 2)
			for difference in one.differences:
				for evidence in difference.evidence:
					self.assertTrue(frappe.db.exists(evidence.doctype, evidence.document), evidence)
		whole = {one.name: one for one in found if one.scope is None}
		self.assertEqual(list(whole), ["invoiced", "booked", "ledgered", "credited"])
		people = [one for one in found if one.scope is not None]
		for side in ("ours", "theirs", "gap"):
			self.assertAlmostEqual(
				sum(getattr(one, side) for one in people), getattr(whole["credited"], side), 6
			)
		self.assertAlmostEqual(self.income(first, last), whole["ledgered"].theirs, 2)
		return whole

	def income(self, first: str, last: str) -> float:
		"""Total income in ERPNext's Profit and Loss Statement."""
		execute = frappe.get_attr(
			"erpnext.accounts.report.profit_and_loss_statement.profit_and_loss_statement.execute"
		)
		filters = frappe._dict(
			company=self.company, filter_based_on="Date Range", period_start_date=first, period_end_date=last,
			from_fiscal_year=first[:4], to_fiscal_year=last[:4], periodicity="Yearly", accumulated_values=0,
			include_default_book_entries=1,
		)  # fmt: skip
		rows = execute(filters)[1]
		total = next(
			(row for row in rows if "Total Income" in str(row.get("account_name") or row.get("account"))),
			None,
		)
		return float(total["total"]) if total else 0.0

	# Agreement

	def test_plain_invoices_and_returns_agree(self) -> None:
		"""Split teams, returns, debit notes and cancelled invoices make no difference at all."""
		first = self.invoice("2025-02-03", 1000, {ANN: 60, BOB: 40})
		make_return(first, "2025-03-02")
		second = self.invoice("2025-02-20", 500.55, {ANN: 33.33, BOB: 66.67})
		self.invoice("2025-03-05", 35, {BOB: 100}, is_debit_note=1, return_against=second.name)
		self.invoice("2025-04-01", 900).cancel()
		make_order(self.company, self.customer, "2025-01-30", 1500, {ANN: 100})
		for one in self.compared().values():
			self.assertEqual((one.name, one.status, named(one)), (one.name, AGREES, {}))

	def test_periods_without_documents_agree(self) -> None:
		"""Nothing is nothing on both sides."""
		for one in self.compared("2025-05-01", "2025-05-01").values():
			self.assertEqual((one.ours, one.theirs, one.status), (0, 0, AGREES))

	def test_long_ranges(self) -> None:
		"""Sales Analytics drops what lies beyond 52 months of a range: it is asked in parts."""
		self.invoice("2025-02-03", 1000)
		self.assertEqual(self.compared("2025-01-01", "2025-12-31")["invoiced"].theirs, 1000)
		question = Question(self.company, date(2020, 1, 1), date(2025, 12, 31), as_of=AS_OF)
		self.assertEqual(compared(Asker.current(), question)[0].theirs, 1000)

	# Differences

	def test_opening_invoices(self) -> None:
		"""Version 15's Sales Analytics counts them, version 16's doesn't; the Transaction Summary always does."""
		opening = frappe.db.get_value("Account", {"company": self.company, "account_type": "Temporary"})
		doc = frappe.get_doc(self.invoice("2025-01-02", 5000, is_opening="Yes", submit=False))
		doc.items[0].income_account = opening
		doc.save()
		doc.submit()
		self.invoice("2025-01-20", 100)
		found = self.compared()
		self.assertEqual(named(found["invoiced"]), {} if is_16() else {"opening": 5000})
		self.assertEqual(named(found["credited"]), {"opening": 5000})
		self.assertEqual(named(found["ledgered"]), {})

	def test_internal_customers(self) -> None:
		"""Invoices and orders of the group's own companies count in all of ERPNext's figures, not in ours."""
		sister = ensure_company("Agreement Sister Co")
		customer = insert(
			"Customer", customer_name=unique("Internal"), customer_type="Company", is_internal_customer=1,
			customer_group=frappe.db.get_value("Customer Group", {"is_group": 0}),
			territory=frappe.db.get_value("Territory", {"is_group": 0}), represents_company=sister,
			companies=[{"company": self.company}],
		)  # fmt: skip
		make_invoice(self.company, customer.name, "2025-02-01", 700, {BOB: 100})
		make_order(self.company, customer.name, "2025-02-01", 300)
		found = self.compared()
		self.assertEqual(named(found["invoiced"]), {"internal": 700})
		self.assertEqual(named(found["booked"]), {"internal": 300})
		self.assertEqual(named(found["ledgered"]), {"internal": 700})
		self.assertEqual(named(found["credited"]), {"internal": 700})

	def test_closed_orders(self) -> None:
		"""What was not delivered of a closed order."""
		from erpnext.selling.doctype.sales_order.sales_order import update_status

		order = make_order(self.company, self.customer, "2025-02-01", 400)
		update_status("Closed", order.name)
		open_order = make_order(self.company, self.customer, "2025-02-02", 100)
		self.assertEqual(open_order.docstatus, 1)
		found = self.compared()["booked"]
		self.assertEqual((found.ours, found.theirs, named(found)), (100, 500, {"closed": 400}))

	def test_later_than_the_day_of_reading(self) -> None:
		"""Post-dated invoices and orders."""
		self.invoice("2026-02-01", 80)
		make_order(self.company, self.customer, "2026-02-01", 90)
		found = self.compared("2025-12-01", "2026-03-31")
		self.assertEqual(named(found["invoiced"]), {"later": 80})
		self.assertEqual(named(found["booked"]), {"later": 90})
		self.assertEqual(named(found["ledgered"]), {"later": 80})
		self.assertEqual(named(found["credited"]), {"later": 80})

	def test_missing_teams(self) -> None:
		"""No team, and a team that was cut to a part."""
		make_invoice(self.company, self.customer, "2025-02-01", 200)
		self.invoice("2025-02-02", 100, {ANN: 100})
		part = self.invoice("2025-02-03", 100, {ANN: 50, BOB: 50})
		frappe.db.delete("Sales Team", {"parent": part.name, "sales_person": BOB})
		self.assertEqual(named(self.compared()["credited"]), {"unassigned": -250})

	def test_credit_by_the_settings(self) -> None:
		"""The settings credit the customer's team where an invoice has none; the report credits nobody."""
		customer = frappe.get_doc("Customer", ensure_customer(unique("Agreement Managed")))
		customer.set("sales_team", [{"sales_person": BOB, "allocated_percentage": 80}])
		customer.flags.ignore_validate = True
		customer.save()
		make_invoice(self.company, customer.name, "2025-02-01", 200)
		change_settings(credit_fallback="Customer Sales Team")
		found = compared(
			Asker.current(), Question(self.company, date(2025, 2, 1), date(2025, 2, 28), as_of=AS_OF)
		)
		people = {one.scope: one for one in found if one.name == "credited"}
		self.assertEqual({one.unexplained for one in people.values()}, {0.0})
		self.assertEqual((people[BOB].ours, named(people[BOB])), (160, {"fallback": -160}))
		self.assertEqual((people[""].ours, named(people[""])), (40, {"unassigned": -200, "fallback": 160}))

	def test_lines_without_item(self) -> None:
		"""The Transaction Summary only knows lines that name an Item."""
		doc = frappe.get_doc(self.invoice("2025-02-01", 100, submit=False))
		doc.append("items", {
			"item_name": "Extra", "description": "Extra", "qty": 1, "rate": 25, "uom": doc.items[0].uom,
			"income_account": doc.items[0].income_account, "cost_center": doc.items[0].cost_center, "conversion_factor": 1,
		})  # fmt: skip
		doc.save()
		doc.submit()
		self.assertEqual(named(self.compared()["credited"]), {"no-item": -25})

	def test_deferred_revenue(self) -> None:
		"""Invoiced at once, booked as income month by month by ERPNext's own process."""
		liability = self.account("Deferred", "Liability")
		item = insert(
			"Item", item_code=unique("Agreement Plan"), is_stock_item=0, enable_deferred_revenue=1,
			item_group=frappe.db.get_value("Item", "KPI-SERVICE", "item_group"),
			stock_uom=frappe.db.get_value("Item", "KPI-SERVICE", "stock_uom"),
		)  # fmt: skip
		doc = frappe.get_doc(self.invoice("2025-01-01", 50, submit=False))
		doc.append("items", {
			"item_code": item.name, "qty": 1, "rate": 1200, "enable_deferred_revenue": 1,
			"deferred_revenue_account": liability, "service_start_date": "2025-01-01", "service_end_date": "2025-12-31",
		})  # fmt: skip
		doc.save()
		doc.submit()
		self.assertEqual(named(self.compared()["ledgered"]), {"deferred": -1200})
		with patch.object(frappe.db, "commit"):  # ERPNext commits after each booking
			insert(
				"Process Deferred Accounting", True, company=self.company, type="Income", posting_date="2025-06-30",
				start_date="2025-01-01", end_date="2025-06-30", account=liability,
			)  # fmt: skip
		found = named(self.compared()["ledgered"])
		self.assertEqual(found["deferred"], -1200)
		self.assertAlmostEqual(found["recognised"], 595.07, 2)
		later = self.compared("2025-03-01", "2025-03-31")["ledgered"]
		self.assertEqual((later.ours, later.status), (0, EXPLAINED))
		self.assertEqual(list(named(later)), ["recognised"])

	def test_charges_on_income_accounts(self) -> None:
		"""Freight that is charged as a tax row on an income account, its own one or the lines'."""
		freight = self.account("Freight", "Income")
		for account in (freight, None):
			doc = frappe.get_doc(self.invoice("2025-02-01", 100, submit=False))
			doc.append("taxes", {
				"charge_type": "Actual", "account_head": account or doc.items[0].income_account, "tax_amount": 12.5,
				"description": "Freight", "cost_center": doc.items[0].cost_center,
			})  # fmt: skip
			doc.save()
			doc.submit()
		self.assertEqual(named(self.compared()["ledgered"]), {"charges": 25})

	def test_discounts_on_accounts_of_their_own(self) -> None:
		"""With discount accounting, income is booked before the discount."""
		frappe.db.set_single_value("Selling Settings", "enable_discount_accounting", 1)
		frappe.clear_document_cache("Selling Settings", "Selling Settings")
		self.addCleanup(frappe.clear_document_cache, "Selling Settings", "Selling Settings")
		expense = self.account("Discounts", "Expense")
		self.invoice(
			"2025-02-01",
			100,
			apply_discount_on="Net Total",
			discount_amount=10,
			additional_discount_account=expense,
		)
		found = self.compared()
		self.assertEqual((found["ledgered"].ours, named(found["ledgered"])), (90, {"discounts": 10}))

	def test_lines_booked_elsewhere_and_journals(self) -> None:
		"""A line on a liability, and a journal entry on an income account."""
		doc = frappe.get_doc(self.invoice("2025-02-01", 100, submit=False))
		income, center = doc.items[0].income_account, doc.items[0].cost_center
		doc.items[0].income_account = self.account("Deposits", "Liability")
		doc.save()
		doc.submit()
		insert("Journal Entry", True, company=self.company, posting_date="2025-02-02", accounts=[
			{"account": income, "credit_in_account_currency": 40, "cost_center": center},
			{
				"account": frappe.db.get_value("Account", {"company": self.company, "account_type": "Cash", "is_group": 0}),
				"debit_in_account_currency": 40, "cost_center": center,
			},
		])  # fmt: skip
		self.assertEqual(named(self.compared()["ledgered"]), {"elsewhere": -100, "journals": 40})

	def test_cancelled_in_an_immutable_ledger(self) -> None:
		"""Version 16 may reverse a cancelled invoice on the day of its cancellation, and keep its entries."""
		if not frappe.get_meta("Accounts Settings").has_field("enable_immutable_ledger"):
			self.skipTest("This version has no immutable ledger.")
		frappe.db.set_single_value("Accounts Settings", "enable_immutable_ledger", 1)
		frappe.clear_document_cache("Accounts Settings", "Accounts Settings")
		self.addCleanup(frappe.clear_document_cache, "Accounts Settings", "Accounts Settings")
		self.invoice("2025-02-01", 100).cancel()
		found = self.compared()["ledgered"]
		self.assertEqual((found.ours, named(found)), (0, {"cancelled": 100}))

	def test_invoices_without_ledger(self) -> None:
		"""An import that brought invoices without their entries."""
		doc = self.invoice("2025-02-01", 100)
		frappe.db.delete("GL Entry", {"voucher_no": doc.name})
		self.assertEqual(named(self.compared()["ledgered"]), {"missing": -100})

	def test_what_no_rule_explains_is_said(self) -> None:
		"""An entry that somebody changed by hand is unexplained, not hidden."""
		doc = self.invoice("2025-02-01", 100)
		self.invoice("2025-02-02", 10)
		account = doc.items[0].income_account
		frappe.db.set_value("GL Entry", {"voucher_no": doc.name, "account": account}, "credit", 93)
		question = Question(self.company, date(2025, 1, 1), date(2025, 6, 30), as_of=AS_OF)
		found = {one.name: one for one in compared(Asker.current(), question) if one.scope is None}[
			"ledgered"
		]
		self.assertEqual((found.status, round(found.unexplained, 6)), ("not explained", -7))
		columns, rows, _message, _chart, summary, _skip = self.report()
		self.assertIn("Unexplained", [row["figure"] for row in rows])
		self.assertEqual([tile["indicator"] for tile in summary], ["Green", "Green", "Red", "Green"])
		self.assertIn("gap", [column["fieldname"] for column in columns])

	# The report

	def report(self) -> tuple[Any, ...]:
		return agreement({"company": self.company, "from_date": "2025-01-01", "to_date": "2025-06-30"})

	def test_the_report_is_a_tree(self) -> None:
		"""Figures, what they differ by, salespeople: names are unique, parents come first, parts add up."""
		make_invoice(self.company, self.customer, "2025-02-01", 200)
		self.invoice("2025-02-02", 100, {ANN: 50, BOB: 50})
		_columns, rows, message, chart, summary, skip = self.report()
		self.assertTrue(message and skip)
		self.assertIsNone(chart)
		self.assertEqual([tile["value"] for tile in summary], [AGREES, AGREES, AGREES, EXPLAINED])
		seen: set[str] = set()
		for row in rows:
			self.assertNotIn(row["name"], seen)
			self.assertTrue(not row["parent"] or row["parent"] in seen)
			seen.add(row["name"])
		difference = next(row for row in rows if row["indent"] == 1 and row["figure"] == "Nobody credited")
		self.assertEqual((difference["gap"], difference["documents"]), (-200, 1))
		self.assertTrue(difference["route"].startswith("sales-invoice?name="))
		self.assertIn(ANN, [row["figure"] for row in rows])

	def test_receipts_that_wait_are_in_neither_figure(self) -> None:
		"""POS Invoices that nobody has closed yet are told, and make no gap."""
		invoice = self.invoice("2025-02-01", 100)
		receipt = frappe.new_doc("POS Invoice")
		receipt.update({
			"name": unique("POS"), "company": self.company, "customer": self.customer, "posting_date": "2025-02-03",
			"base_net_total": 42, "docstatus": 1, "currency": invoice.currency,
		})  # fmt: skip
		receipt.set_user_and_timestamp()
		receipt.db_insert()
		self.assertEqual(self.compared()["invoiced"].status, AGREES)
		row = self.report()[1][-1]
		self.assertEqual((row["documents"], row["gap"]), (1, None))
		self.assertIn("POS", row["figure"])
		self.assertIn("42", row["why"])

	def test_only_for_those_who_see_the_whole_company(self) -> None:
		"""A salesperson, an accountant, a manager kept to another company, and one who sees it all."""
		manager = ensure_user("agreement.manager@kpi.test", "Sales Master Manager")
		accountant = ensure_user("agreement.books@kpi.test", "Accounts Manager")
		with as_user(manager):
			self.assertTrue(self.report()[1])
		permit(manager, "Company", ensure_company("Agreement Sister Co"))
		with as_user(manager), self.refused(frappe.PermissionError):
			self.report()
		with as_user(accountant):
			self.assertEqual(self.report()[1], [])
		unrestricted(manager)
		permit(manager, "Territory", frappe.db.get_value("Territory", {"is_group": 0}))
		with as_user(manager), self.refused(frappe.PermissionError, "all of a company"):
			self.report()

	def test_run_for_nobody_it_points_to_the_digest(self) -> None:
		"""Auto Email Report runs as Administrator: no figures go out."""
		frappe.flags.sales_kpi_unattended = True
		try:
			_columns, rows, message, chart, summary, _skip = self.report()
		finally:
			frappe.flags.sales_kpi_unattended = False
		self.assertFalse(rows or chart or summary)
		self.assertIn("digest", message)


def named(comparison: Comparison) -> dict[str, float]:
	"""The differences of a comparison, to the cent."""
	return {difference.name: round(difference.amount, 2) for difference in comparison.differences}
