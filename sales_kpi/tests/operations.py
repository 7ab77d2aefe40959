"""A small selling company on a site, and what people do to it: each operation through ERPNext's own documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import frappe
from frappe.utils import add_days

from sales_kpi.tests import base
from sales_kpi.tests.base import (
	amend,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_employee,
	ensure_sales_person,
	ensure_source,
	ensure_territory,
	ensure_user,
	insert,
	make_invoice,
	make_lead,
	make_opportunity,
	make_order,
	make_quotation,
	make_return,
	order_quotation,
	source_field,
	unique,
)

COMPANIES = ("KPI Totals One", "KPI Totals Two")
PEOPLE = ("Totals Ann", "Totals Bob", "Totals Cem")
TEAM = "Totals Team"
PLACES = ("Totals North", "Totals South")
SOURCES = ("Totals Web", "Totals Fair")
USERS = ("totals.ann@kpi.test", "totals.bob@kpi.test", "totals.cem@kpi.test")


class Unfit(Exception):
	"""The operation can't be done to what there is now."""


@dataclass
class Company:
	"""The company, and what was done to it."""

	random: Random
	done: list[str] = field(default_factory=list)

	# What is there

	@classmethod
	def found(cls) -> Company:
		"""Found the company: masters, and some documents of each kind."""
		world = cls(Random(1))
		for name in COMPANIES:
			ensure_company(name)
		for name in PLACES:
			ensure_territory(name)
		for name in SOURCES:
			ensure_source(name)
		ensure_sales_person(TEAM, is_group=1)
		for name, user in zip(PEOPLE, USERS, strict=True):
			ensure_user(user, "Sales User")
			employee = ensure_employee(name, COMPANIES[0], user)
			ensure_sales_person(name, TEAM, employee=employee)
		for number in range(5):
			ensure_customer(f"Totals Customer {number}", territory=PLACES[number % 2])
		for _number in range(3):
			for operation in (
				world.new_invoice, world.new_invoice, world.new_order, world.new_lead, world.new_opportunity,
				world.new_quotation, world.order_a_quotation, world.customer_of_lead, world.new_activity, world.return_an_invoice,
			):  # fmt: skip
				world.do(operation)
		return world

	def operations(self) -> list[Callable[[], None]]:
		"""All that can be done, what is done often several times."""
		return [
			self.new_invoice, self.new_invoice, self.future_invoice, self.cancel_an_invoice, self.amend_an_invoice,
			self.return_an_invoice, self.team_of_invoice, self.opening_invoice, self.debit_note, self.new_order,
			self.cancel_an_order, self.close_an_order, self.new_lead, self.edit_a_lead, self.edit_a_lead, self.delete_a_lead,
			self.rename_a_lead, self.new_opportunity, self.edit_an_opportunity, self.edit_an_opportunity,
			self.lose_an_opportunity, self.delete_an_opportunity, self.new_quotation, self.cancel_a_quotation,
			self.order_a_quotation, self.customer_of_lead, self.edit_a_customer, self.edit_a_customer, self.rename_a_customer,
			self.merge_customers, self.new_activity, self.new_activity, self.edit_an_activity, self.employee_of_user,
			self.address_of_user, self.rename_a_person, self.rename_a_place, self.edit_settings,
		]  # fmt: skip

	def do(self, operation: Callable[[], None]) -> bool:
		"""Do something, undone if ERPNext refuses it. Whether it was done."""
		frappe.db.savepoint("operation")
		try:
			operation()
		except (Unfit, frappe.ValidationError) as refused:
			frappe.db.rollback(save_point="operation")
			frappe.clear_messages()
			self.done.append(f"({operation.__name__}: {str(refused)[:60] or type(refused).__name__})")
			return False
		self.done.append(operation.__name__)
		return True

	def one(self, doctype: str, **filters: Any) -> Any:
		"""A document by chance."""
		if frappe.get_meta(doctype).has_field("company") and doctype != "Communication":
			filters.setdefault("company", ("in", COMPANIES))
		names = frappe.get_all(doctype, filters=filters, pluck="name", order_by="name")
		if not names:
			raise Unfit(f"no {doctype}")
		return frappe.get_doc(doctype, self.random.choice(names))

	def customer(self) -> str:
		names = frappe.get_all(
			"Customer", {"customer_name": ("like", "Totals%")}, pluck="name", order_by="name"
		)
		return str(self.random.choice(names))

	def day(self) -> str:
		return str(add_days("2025-06-01", self.random.randrange(0, 540)))

	def amount(self) -> float:
		return self.random.choice([100.0, 33.33, 1234.5, 999.99])

	def people(self) -> dict[str, float]:
		names = frappe.get_all("Sales Person", {"parent_sales_person": TEAM}, pluck="name", order_by="name")
		return self.random.choice(
			[{}, {names[0]: 100}, {names[1]: 60, names[2]: 40}, {names[0]: 33.3, names[2]: 66.7}]
		)

	def user(self) -> str:
		return self.random.choice(USERS)

	# Sales

	def new_invoice(self) -> None:
		make_invoice(COMPANIES[0], self.customer(), self.day(), self.amount(), self.people())

	def future_invoice(self) -> None:
		day = str(add_days(frappe.utils.nowdate(), self.random.choice([1, 3, 30])))
		make_invoice(self.random.choice(COMPANIES), self.customer(), day, self.amount(), self.people())

	def opening_invoice(self) -> None:
		account = frappe.db.get_value(
			"Account", {"company": COMPANIES[0], "account_type": "Temporary", "is_group": 0}
		)
		invoice = make_invoice(
			COMPANIES[0], self.customer(), self.day(), 50.0, submit=False, is_opening="Yes"
		)
		for line in invoice.items:
			line.income_account = account
		invoice.submit()

	def debit_note(self) -> None:
		make_invoice(COMPANIES[0], self.customer(), self.day(), 70.0, self.people(), is_debit_note=1)

	def cancel_an_invoice(self) -> None:
		self.one("Sales Invoice", docstatus=1).cancel()

	def amend_an_invoice(self) -> None:
		invoice, day = self.one("Sales Invoice", docstatus=1, is_return=0), self.day()
		amend(
			invoice,
			posting_date=day,
			due_date=day,
			set_posting_time=1,
			customer=self.customer(),
			payment_schedule=[],
		)

	def return_an_invoice(self) -> None:
		invoice = self.one("Sales Invoice", docstatus=1, is_return=0, is_opening="No", is_debit_note=0)
		make_return(invoice, str(add_days(invoice.posting_date, self.random.choice([0, 5, 40]))))

	def team_of_invoice(self) -> None:
		invoice = self.one("Sales Invoice", docstatus=1)
		invoice.set("sales_team", base.team_rows(self.people()))
		invoice.save()

	def new_order(self) -> None:
		make_order(COMPANIES[0], self.customer(), self.day(), self.amount(), self.people())

	def cancel_an_order(self) -> None:
		self.one("Sales Order", docstatus=1).cancel()

	def close_an_order(self) -> None:
		order = self.one("Sales Order", docstatus=1)
		order.update_status("Draft" if order.status == "Closed" else "Closed")

	# Leads, opportunities, quotations

	def new_lead(self) -> None:
		lead = make_lead(
			unique("Totals Lead"),
			self.random.choice(["", COMPANIES[0]]),
			self.user(),
			self.day(),
			**{source_field(): self.random.choice(SOURCES), "territory": self.random.choice(PLACES)},
		)
		# The builder dates it back behind all events.
		lead.reload()
		lead.save()

	def lead(self) -> Any:
		return self.one("Lead", company=("in", ["", *COMPANIES]), first_name=("like", "Totals%"))

	def edit_a_lead(self) -> None:
		lead = self.lead()
		value = self.random.choice(
			[
				{"lead_owner": self.user()},
				{"status": "Do Not Contact"},
				{"status": "Interested"},
				{source_field(): self.random.choice(SOURCES)},
				{"territory": self.random.choice(PLACES)},
			]
		)
		lead.update(value)
		lead.save()

	def delete_a_lead(self) -> None:
		frappe.delete_doc("Lead", self.lead().name)

	def rename_a_lead(self) -> None:
		frappe.rename_doc("Lead", self.lead().name, unique("Totals Renamed Lead"))

	def customer_of_lead(self) -> None:
		customer = frappe.get_doc("Customer", self.customer())
		customer.lead_name = self.lead().name
		customer.save()

	def new_opportunity(self) -> None:
		if self.random.random() < 0.6:
			lead = self.lead()
			lead.company = lead.company or COMPANIES[0]
			make_opportunity(lead, self.day(), self.amount(), **{source_field(): self.random.choice(SOURCES)})
			return
		insert(
			"Opportunity",
			opportunity_from="Customer",
			party_name=self.customer(),
			company=COMPANIES[0],
			transaction_date=self.day(),
			opportunity_owner=self.user(),
			opportunity_amount=self.amount(),
			currency=frappe.get_cached_value("Company", COMPANIES[0], "default_currency"),
			conversion_rate=1,
		)

	def edit_an_opportunity(self) -> None:
		opportunity = self.one("Opportunity")
		opportunity.update(
			self.random.choice(
				[
					{"opportunity_owner": self.user()},
					{"status": "Closed"},
					{"status": "Open"},
					{"transaction_date": self.day()},
					{"territory": self.random.choice(PLACES)},
					{source_field(): self.random.choice(SOURCES)},
				]
			)
		)
		opportunity.save()

	def lose_an_opportunity(self) -> None:
		opportunity = self.one("Opportunity", status=("in", ["Open", "Replied"]))
		opportunity.declare_enquiry_lost([], [])

	def delete_an_opportunity(self) -> None:
		frappe.delete_doc("Opportunity", self.one("Opportunity").name)

	def new_quotation(self) -> None:
		opportunity = self.one("Opportunity", opportunity_from="Lead")
		make_quotation(opportunity, str(max(str(opportunity.transaction_date), self.day())))

	def cancel_a_quotation(self) -> None:
		self.one("Quotation", docstatus=1).cancel()

	def order_a_quotation(self) -> None:
		quotation = self.one("Quotation", docstatus=1)
		if not frappe.db.exists("Customer", {"lead_name": quotation.party_name}):
			customer = frappe.get_doc("Customer", self.customer())
			customer.lead_name = quotation.party_name
			customer.save()
		order_quotation(quotation, str(add_days(quotation.transaction_date, 3)), self.people())

	# Customers

	def edit_a_customer(self) -> None:
		customer = frappe.get_doc("Customer", self.customer())
		kind = self.random.randrange(5)
		if kind == 0:
			customer.lead_name = self.random.choice([None, self.lead().name])
		elif kind == 1:
			customer.opportunity_name = self.one("Opportunity").name
		elif kind == 2:
			customer.account_manager = self.user()
		elif kind == 3:
			customer.territory = self.random.choice(PLACES)
		else:
			customer.set("sales_team", base.team_rows(self.people()))
		customer.save()

	def rename_a_customer(self) -> None:
		frappe.rename_doc("Customer", self.customer(), unique("Totals Renamed"))

	def merge_customers(self) -> None:
		one, other = self.customer(), self.customer()
		if one == other:
			raise Unfit("one customer")
		frappe.rename_doc("Customer", one, other, merge=True)

	# Activities

	def new_activity(self) -> None:
		moment = f"{self.day()} 10:00:00"
		kind = self.random.randrange(4)
		if kind == 0:
			insert(
				"Call Log",
				id=frappe.generate_hash(length=8),
				status="Completed",
				start_time=moment,
				duration=60,
				employee_user_id=self.user(),
				**{"from": "1", "to": "2"},
			)
		elif kind == 1:
			insert(
				"Event",
				subject="Totals",
				event_category=self.random.choice(["Call", "Meeting"]),
				starts_on=moment,
				event_type="Public",
			)
		elif kind == 2:
			insert(
				"Communication",
				communication_type="Communication",
				communication_medium="Email",
				sent_or_received="Sent",
				subject="Totals",
				sender=f"Somebody <{self.user()}>",
				communication_date=moment,
				reference_doctype="Customer",
				reference_name=self.customer(),
			)
		else:
			insert(
				"Quality Feedback",
				template=_template(),
				document_type="Customer",
				document_name=self.customer(),
				parameters=[{"parameter": "Totals", "rating": self.random.choice(["2", "4", "5"])}],
			)

	def edit_an_activity(self) -> None:
		doctype, fieldname = self.random.choice(
			[("Call Log", "start_time"), ("Event", "starts_on"), ("Communication", "communication_date")]
		)
		filters = {"subject": "Totals"} if doctype != "Call Log" else {"duration": 60}
		names = frappe.get_all(doctype, filters, pluck="name", order_by="creation")
		if not names:
			raise Unfit(f"no {doctype}")
		doc = frappe.get_doc(doctype, self.random.choice(names))
		if self.random.random() < 0.3:
			frappe.delete_doc(doctype, doc.name, force=True)
			return
		doc.set(fieldname, f"{self.day()} 11:00:00")
		doc.save()

	# People, places, settings

	def employee_of_user(self) -> None:
		employee = self.one("Employee", first_name=("like", "Totals%"))
		employee.update(
			self.random.choice([{"company": COMPANIES[1]}, {"user_id": None}, {"status": "Inactive"}])
		)
		employee.save()

	def address_of_user(self) -> None:
		user = frappe.get_doc("User", self.user())
		frappe.flags.in_import = True
		try:
			user.email = f"{frappe.generate_hash(length=6)}@kpi.test"
			user.save()
		finally:
			frappe.flags.in_import = False

	def rename_a_person(self) -> None:
		person = self.one("Sales Person", parent_sales_person=TEAM)
		frappe.rename_doc("Sales Person", person.name, unique("Totals Person"))

	def rename_a_place(self) -> None:
		place = self.one("Territory", name=("like", "Totals%"))
		frappe.rename_doc("Territory", place.name, unique("Totals Place"))

	def edit_settings(self) -> None:
		person = self.one("Sales Person", parent_sales_person=TEAM).name
		change_settings(
			**self.random.choice(
				[
					{"churn_after_days": self.random.choice([30, 90, 180])},
					{"mapping": [{"user": self.user(), "sales_person": person}]},
					{"shared_customers": [{"customer": self.customer()}]},
					{
						"credit_fallback": self.random.choice(
							["None", "Account Manager", "Customer Sales Team", "Owner"]
						)
					},
					{"converted_by": self.random.choice(["First Order", "Customer Created"])},
				]
			)
		)


def _template() -> str:
	if not frappe.db.exists("Quality Feedback Template", "Totals"):
		insert("Quality Feedback Template", template="Totals", parameters=[{"parameter": "Totals"}])
	return "Totals"
