"""What the site tests share: the base class of both versions, and builders that make records through ERPNext's documents."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import frappe
from frappe.cache_manager import clear_user_cache
from frappe.model.document import Document

try:
	from frappe.tests import IntegrationTestCase
except ImportError:  # version 15
	from frappe.tests.utils import FrappeTestCase as IntegrationTestCase

SETTINGS = "Sales KPI Settings"

SAVEPOINT = "before_this_test"

Team = Mapping[str, float]
"""Salespeople of a Sales Team with their percentages."""


class SiteTestCase(IntegrationTestCase):
	"""A test on a site, as Administrator unless it says otherwise; what it does is rolled back."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		frappe.set_user("Administrator")
		ensure_basics()
		cls.addClassCleanup(restore_settings, settings_now())

	def setUp(self) -> None:
		super().setUp()
		frappe.set_user("Administrator")
		frappe.clear_messages()
		frappe.db.savepoint(SAVEPOINT)

	def tearDown(self) -> None:
		frappe.set_user("Administrator")
		try:
			frappe.db.rollback(save_point=SAVEPOINT)
		except Exception as error:
			# A test that commits leaves nothing to go back to.
			if SAVEPOINT not in str(error):
				raise
		forget_what_was_undone()
		super().tearDown()

	def of_two_at_once(self, code: str) -> list[int]:
		"""The number that each of two processes prints last, which run the same code on this site at the same time."""
		begin = f"import frappe\nfrappe.init(site={frappe.local.site!r}); frappe.connect()\n"
		jobs = [
			subprocess.Popen(
				[sys.executable, "-c", begin + code],
				stdout=subprocess.PIPE,
				stderr=subprocess.PIPE,
				text=True,
			)
			for _job in range(2)
		]
		told = [job.communicate(timeout=300) for job in jobs]
		self.assertEqual([job.returncode for job in jobs], [0, 0], told)
		return [int(out.strip().splitlines()[-1]) for out, _err in told]

	@contextmanager
	def refused(self, kind: type[Exception], *texts: str, without: Sequence[str] = ()) -> Iterator[None]:
		"""A refusal of a kind, in one sentence that holds some texts and not others."""
		with self.assertRaises(kind) as caught:
			yield
		said = str(caught.exception)
		for text in texts:
			self.assertIn(text, said)
		for text in without:
			self.assertNotIn(text, said)


def forget_what_was_undone() -> None:
	"""Clear what Frappe remembers of documents and users. Not of doctypes: to read them anew takes longer than most tests."""
	for user in frappe.get_all("User", pluck="name"):
		clear_user_cache(user)
	frappe.cache.delete_keys("document_cache::")
	frappe.db.value_cache.clear()
	frappe.local.role_permissions = {}
	frappe.clear_document_cache(SETTINGS, SETTINGS)


@contextmanager
def as_user(user: str) -> Iterator[None]:
	"""Somebody else's session, with Frappe's bypasses for tests switched off."""
	before = frappe.session.user
	frappe.set_user(user)
	try:
		with outside_tests():
			yield
	finally:
		frappe.set_user(before)


@contextmanager
def outside_tests() -> Iterator[None]:
	"""Frappe as in production: `frappe.only_for` lets everybody pass in version 15's tests."""
	was = frappe.flags.in_test
	frappe.flags.in_test = False
	try:
		yield
	finally:
		frappe.flags.in_test = was


# The site


def is_16() -> bool:
	"""Whether this is version 16."""
	return str(frappe.__version__).startswith("16")


def ensure_setup() -> None:
	"""What ERPNext's setup wizard leaves behind, on sites where nobody ran it."""
	if not frappe.db.exists("Company", {}):
		from erpnext.setup.utils import before_tests

		before_tests()
		frappe.db.commit()


def ensure_basics() -> None:
	"""The same, and what most tests need besides."""
	ensure_setup()
	for year in (2024, 2025, 2026):
		covered = {"year_start_date": ("<=", f"{year}-01-01"), "year_end_date": (">=", f"{year}-12-31")}
		if not frappe.db.exists("Fiscal Year", covered):
			insert(
				"Fiscal Year", year=str(year), year_start_date=f"{year}-01-01", year_end_date=f"{year}-12-31"
			)
	# The first user of a site becomes its System Manager, whatever roles it is given.
	ensure_user("system@kpi.test", "System Manager")
	if not frappe.db.exists("Item", "KPI-SERVICE"):
		insert(
			"Item",
			item_code="KPI-SERVICE",
			item_group=leaf_of("Item Group"),
			stock_uom=_uom(),
			is_stock_item=0,
		)


def _uom() -> str:
	return "Nos" if frappe.db.exists("UOM", "Nos") else str(frappe.get_all("UOM", pluck="name", limit=1)[0])


def unique(prefix: str) -> str:
	"""A name that nothing has yet."""
	return f"{prefix} {frappe.generate_hash(length=5)}"


def insert(doctype: str, submit: bool = False, **values: Any) -> Document:
	"""Insert a document as ERPNext would, and submit it if wanted."""
	doc = frappe.get_doc({"doctype": doctype, **values})
	doc.insert(ignore_permissions=True)
	if submit:
		doc.submit()
	return doc


def root_of(doctype: str) -> str:
	"""The root of a tree."""
	return str(frappe.get_all(doctype, pluck="name", order_by="lft asc", limit=1)[0])


def leaf_of(doctype: str) -> str:
	"""Any leaf of a tree."""
	return str(frappe.get_all(doctype, filters={"is_group": 0}, pluck="name", order_by="lft asc", limit=1)[0])


# Masters


def ensure_company(name: str) -> str:
	"""A company in the currency of the site, with a standard chart of accounts."""
	if not frappe.db.exists("Company", name):
		other = frappe.get_all(
			"Company", fields=["default_currency", "country"], order_by="creation", limit=1
		)[0]
		insert(
			"Company",
			company_name=name,
			abbr=frappe.generate_hash(length=5).upper(),
			default_currency=other.default_currency,
			country=other.country,
			chart_of_accounts="Standard",
		)
	return name


def ensure_user(email: str, *roles: str, enabled: int = 1) -> str:
	"""A system user with exactly these roles, and no welcome mail."""
	if not frappe.db.exists("User", email):
		insert(
			"User",
			email=email,
			first_name=email.split("@")[0],
			send_welcome_email=0,
			user_type="System User",
			roles=[{"role": role} for role in roles],
		)
	user = frappe.get_doc("User", email)
	if {row.role for row in user.roles} == set(roles) and user.enabled == enabled:
		# To save a user makes Frappe forget all doctypes, which takes longer to read than most tests.
		return email
	user.set("roles", [{"role": role} for role in roles])
	user.enabled = enabled
	user.save(ignore_permissions=True)
	frappe.clear_cache(user=email)
	return email


def ensure_employee(name: str, company: str, user: str | None = None, **values: Any) -> str:
	"""An Employee of a first name, who may be a user. Returns the Employee's name."""
	found = frappe.db.exists("Employee", {"first_name": name, "company": company})
	if found:
		return str(found)
	if not frappe.db.exists("Gender", "Other"):
		insert("Gender", gender="Other")
	values = {
		"gender": "Other", "date_of_birth": "1990-01-01", "date_of_joining": "2020-01-01", "status": "Active",
		"create_user_permission": 0, **values,
	}  # fmt: skip
	return str(insert("Employee", first_name=name, company=company, user_id=user, **values).name)


def ensure_sales_person(name: str, parent: str | None = None, is_group: int = 0, **values: Any) -> str:
	"""A Sales Person below another, or below the root."""
	if not frappe.db.exists("Sales Person", name):
		insert(
			"Sales Person",
			sales_person_name=name,
			parent_sales_person=parent or root_of("Sales Person"),
			is_group=is_group,
			enabled=1,
			**values,
		)
	return name


def ensure_territory(name: str, parent: str | None = None, is_group: int = 0) -> str:
	"""A Territory below another, or below the root."""
	if not frappe.db.exists("Territory", name):
		insert(
			"Territory",
			territory_name=name,
			parent_territory=parent or root_of("Territory"),
			is_group=is_group,
		)
	return name


def ensure_customer(name: str, **values: Any) -> str:
	"""A Customer. Returns its name."""
	found = frappe.db.exists("Customer", {"customer_name": name})
	if found:
		return str(found)
	values = {"customer_group": leaf_of("Customer Group"), "territory": root_of("Territory"), **values}
	return str(insert("Customer", customer_name=name, customer_type="Company", **values).name)


def ensure_source(name: str) -> str:
	"""A channel: UTM Source in version 16, Lead Source in 15."""
	if is_16():
		if not frappe.db.exists("UTM Source", name):
			insert("UTM Source", name=name, __newname=name)
	elif not frappe.db.exists("Lead Source", name):
		insert("Lead Source", source_name=name)
	return name


def source_field() -> str:
	"""The field of a document that holds its channel."""
	return "utm_source" if is_16() else "source"


# Documents


def team_rows(team: Team | None) -> list[dict[str, Any]]:
	"""Rows of a Sales Team."""
	return [{"sales_person": name, "allocated_percentage": share} for name, share in (team or {}).items()]


def make_invoice(
	company: str,
	customer: str,
	day: str,
	amount: float,
	team: Team | None = None,
	submit: bool = True,
	**values: Any,
) -> Document:
	"""A Sales Invoice of one line without tax."""
	return insert(
		"Sales Invoice",
		submit,
		company=company,
		customer=customer,
		set_posting_time=1,
		posting_date=day,
		due_date=day,
		items=[{"item_code": "KPI-SERVICE", "qty": 1, "rate": amount}],
		sales_team=team_rows(team),
		**values,
	)


def make_return(invoice: Document, day: str) -> Document:
	"""The return of a whole Sales Invoice."""
	from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return

	doc = make_sales_return(invoice.name)
	doc.update({"set_posting_time": 1, "posting_date": day, "due_date": day})
	return _finished(doc)


def make_order(
	company: str, customer: str, day: str, amount: float, team: Team | None = None, **values: Any
) -> Document:
	"""A submitted Sales Order of one line."""
	return insert(
		"Sales Order",
		True,
		company=company,
		customer=customer,
		transaction_date=day,
		delivery_date=frappe.utils.add_days(day, 14),
		items=[
			{
				"item_code": "KPI-SERVICE",
				"qty": 1,
				"rate": amount,
				"delivery_date": frappe.utils.add_days(day, 14),
			}
		],
		sales_team=team_rows(team),
		**values,
	)


def make_lead(name: str, company: str, owner: str, day: str, **values: Any) -> Document:
	"""A Lead, as if it had been created on a day."""
	lead = insert("Lead", first_name=name, company_name=name, company=company, lead_owner=owner, **values)
	date_back("Lead", lead.name, creation=f"{day} 09:00:00", modified=f"{day} 09:00:00")
	return lead


def make_opportunity(lead: Document, day: str, amount: float, **values: Any) -> Document:
	"""An Opportunity of a Lead, by ERPNext's own mapper."""
	from erpnext.crm.doctype.lead.lead import make_opportunity as mapped

	doc = mapped(lead.name)
	doc.update(
		{"transaction_date": day, "company": lead.company, "opportunity_owner": lead.lead_owner, **values}
	)
	doc.append(
		"items",
		{"item_code": "KPI-SERVICE", "item_name": "KPI-SERVICE", "qty": 1, "rate": amount, "uom": _uom()},
	)
	return _finished(doc, submit=False)


def make_quotation(opportunity: Document, day: str) -> Document:
	"""The submitted Quotation of an Opportunity, by ERPNext's own mapper."""
	from erpnext.crm.doctype.opportunity.opportunity import make_quotation as mapped

	doc = mapped(opportunity.name)
	doc.update({"transaction_date": day, "valid_till": "2027-12-31"})
	return _finished(doc)


def order_quotation(quotation: Document, day: str, team: Team | None = None) -> Document:
	"""The submitted Sales Order of a Quotation, by ERPNext's own mapper."""
	from erpnext.selling.doctype.quotation.quotation import make_sales_order as mapped

	doc = mapped(quotation.name)
	doc.update(
		{"transaction_date": day, "delivery_date": frappe.utils.add_days(day, 10), "payment_schedule": []}
	)
	for line in doc.items:
		line.delivery_date = doc.delivery_date
	doc.set("sales_team", team_rows(team))
	return _finished(doc)


def invoice_order(order: Document, day: str) -> Document:
	"""The submitted Sales Invoice of a Sales Order, by ERPNext's own mapper."""
	from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice as mapped

	doc = mapped(order.name)
	doc.update({"set_posting_time": 1, "posting_date": day, "due_date": day, "payment_schedule": []})
	return _finished(doc)


def amend(doc: Document, **values: Any) -> Document:
	"""Cancel a document and submit its amendment with other values."""
	doc.reload()
	doc.cancel()
	again = frappe.copy_doc(doc)
	again.update({"amended_from": doc.name, "docstatus": 0, **values})
	return _finished(again)


def _finished(doc: Document, submit: bool = True) -> Document:
	doc.insert(ignore_permissions=True)
	if submit:
		doc.submit()
	return doc


def date_back(doctype: str, name: str, **values: Any) -> None:
	"""Set what ERPNext sets to now: when a record was created or changed."""
	frappe.db.set_value(doctype, name, values, update_modified=False)


def make_cost(
	company: str, account: str, day: str, amount: float, cost_center: str | None = None
) -> Document:
	"""A Journal Entry that spends money on an account."""
	cash = frappe.db.get_value("Account", {"company": company, "account_type": "Cash", "is_group": 0})
	center = cost_center or frappe.get_cached_value("Company", company, "cost_center")
	return insert(
		"Journal Entry",
		True,
		company=company,
		posting_date=day,
		voucher_type="Journal Entry",
		accounts=[
			{"account": account, "debit_in_account_currency": amount, "cost_center": center},
			{"account": cash, "credit_in_account_currency": amount, "cost_center": center},
		],
	)


# Settings and permissions


def settings_now() -> dict[str, Any]:
	"""The settings of the app as they are."""
	found: dict[str, Any] = frappe.get_doc(SETTINGS).as_dict(no_default_fields=True)
	return found


def restore_settings(values: Mapping[str, Any]) -> None:
	"""Put the settings back where a test has committed others; whom or what they named may be gone."""
	frappe.db.rollback()
	frappe.clear_document_cache(SETTINGS, SETTINGS)
	frappe.set_user("Administrator")
	if settings_now() != values:
		change_settings(**values)
		frappe.db.commit()


def change_settings(**values: Any) -> None:
	"""Save the settings of the app with some values changed; tables as lists of rows."""
	doc = frappe.get_doc(SETTINGS)
	for fieldname, value in values.items():
		if isinstance(value, list):
			value = [{key: row[key] for key in row if key not in _OF_ROWS} for row in value]
		doc.set(fieldname, value)
	doc.flags.ignore_links = True
	doc.save(ignore_permissions=True)


_OF_ROWS = (
	"name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "parent", "parentfield",
	"parenttype", "doctype",
)  # fmt: skip


def map_users(**people: str) -> None:
	"""Map users (the part of their address before `@kpi.test`) to salespeople, and nobody else."""
	change_settings(
		mapping=[{"user": f"{name}@kpi.test", "sales_person": person} for name, person in people.items()]
	)


def permit(
	user: str, allow: str, value: str, applicable_for: str | None = None, hide_descendants: int = 0
) -> None:
	"""A User Permission: the user may only see this value, and others permitted likewise."""
	insert(
		"User Permission",
		user=user,
		allow=allow,
		for_value=value,
		applicable_for=applicable_for,
		apply_to_all_doctypes=0 if applicable_for else 1,
		hide_descendants=hide_descendants,
	)


def unrestricted(user: str) -> None:
	"""Take all User Permissions from a user."""
	for name in frappe.get_all("User Permission", filters={"user": user}, pluck="name"):
		frappe.delete_doc("User Permission", name, ignore_permissions=True, force=True)
	frappe.clear_cache(user=user)
