"""Small messy companies: ERPNext-shaped rows as careless people, imports and machines leave them.

A company is a function of a seed, so that thousands can be tried quickly and one that fails can be made again;
hypothesis chooses the seed, the size and the doctypes that are emptied, and so finds a small one that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from sales_kpi.facts.reading.records import OWN
from sales_kpi.facts.reading.settings import ConvertedBy, CreditFallback, SalespersonMapping, Settings

Row = dict[str, Any]
Tables = dict[str, list[Row]]

FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2025, 6, 30)

# Endings of names. Names begin with a letter and a number, so that every collation sorts them alike.
ODD = ("", " آرش", " O'Neil", " back\\slash", ' "quoted"', " 100%s", " :v1", "; -- x", " `tick`", " يزد ی")

OPTIONAL = (
	"POS Invoice",
	"Packed Item",
	"Delivery Note Item",
	"Call Log",
	"Event",
	"Communication",
	"Quality Feedback",
	"Quality Feedback Parameter",
	"GL Entry",
	"Lead",
	"Opportunity",
	"Quotation",
	"Quotation Item",
	"Sales Order",
	"Sales Order Item",
	"Territory",
	"Employee",
	"User",
)
"""Tables that a source may lack without being no ERPNext."""


@dataclass(frozen=True)
class Messy:
	"""A company's tables and settings. `absent`: tables that aren't even made."""

	seed: int
	version: str
	rows: Tables
	settings: Settings
	absent: tuple[str, ...] = field(default=())


def nested(parents: Mapping[str, str]) -> dict[str, tuple[int, int]]:
	"""The nested set (lft, rgt) of a tree that is given by each node's parent ('' for a root)."""
	bounds: dict[str, tuple[int, int]] = {}
	number = 0

	def walk(node: str) -> None:
		nonlocal number
		number += 1
		left = number
		for child in [name for name, parent in parents.items() if parent == node]:
			walk(child)
		number += 1
		bounds[node] = (left, number)

	for root in [name for name, parent in parents.items() if not parent]:
		walk(root)
	return bounds


class _Maker:
	"""Makes one company from a seed. `size` is about how many records there are of each kind."""

	def __init__(self, seed: int, size: int) -> None:
		self.random = Random(seed)
		self.size = size
		pool = (LAST_DAY - FIRST_DAY).days
		# Few days, so that documents meet on one; among them the ends of months and 29 February.
		self.days = [FIRST_DAY + timedelta(days=self.random.randrange(pool + 1)) for _ in range(3 * size + 4)]
		self.days += [date(2024, 2, 29), date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31), LAST_DAY]
		self.rows: Tables = {}

	# Small choices

	def chance(self, share: float) -> bool:
		return self.random.random() < share

	def one(self, values: Iterable[Any], *more: Any) -> Any:
		return self.random.choice([*values, *more])

	def empty(self) -> str | None:
		return self.one((None, ""))

	def perhaps(self, values: Iterable[Any], share: float = 0.75) -> Any:
		"""One of the values, or nothing."""
		values = list(values)
		return self.one(values) if values and self.chance(share) else self.empty()

	def many(self, least: int = 0) -> int:
		return self.random.randint(least, max(self.size, least))

	def day(self, missing: float = 0.03) -> date | None:
		return None if self.chance(missing) else self.one(self.days)

	def moment(self, missing: float = 0.03) -> datetime | None:
		day = self.day(missing)
		if day is None:
			return None
		hour, minute, second = self.one([(0, 0, 0), (23, 59, 59), (9, 30, 0), (17, 5, 7)])
		return datetime(day.year, day.month, day.day, hour, minute, second)

	def money(self) -> float | None:
		return self.one(
			[0, None, -50, 0.01], 100, 100, 33.33, 1234.5, 1e6, round(self.random.uniform(1, 5000), 2)
		)

	def check(self, share: float) -> int | None:
		return 1 if self.chance(share) else self.one([0, 0, None])

	def names(self, letter: str, count: int) -> list[str]:
		"""Names that sort alike everywhere: a letter, a number, and then anything."""
		return [f"{letter}{number:03d}{self.one(ODD)}" for number in range(1, count + 1)]

	def add(self, doctype: str, **row: Any) -> Row:
		self.rows.setdefault(doctype, []).append(row)
		return row

	# Masters

	def masters(self) -> None:
		self.companies = self.names("A", 1 if self.chance(0.25) else 2)
		for name in self.companies:
			book = self.perhaps(["Book"], 0.5)
			self.add(
				"Company",
				name=name,
				default_currency=self.one(["EUR", "IRR"], None),
				default_finance_book=book,
			)
		self.users = [f"u{number}@x.com" for number in range(1, 6)]
		for user in self.users:
			email = self.one([user, user.upper(), "shared@x.com", f" {user}"], None, "")
			self.add("User", name=user, email=email)
		self.employees = [f"E{number}" for number in range(1, 8)]
		for name in self.employees:
			self.add(
				"Employee",
				name=name,
				user_id=self.perhaps(self.users, 0.85),
				company=self.perhaps(self.companies, 0.85),
				status=self.one(["Active", "Active", "Left"], None),
			)
		self.people_tree()
		self.territories = self.names("T", 5)
		parents = {self.territories[0]: ""}
		for number, name in enumerate(self.territories[1:], 1):
			parents[name] = self.territories[self.random.randrange(number)]
		for name, (left, right) in nested(parents).items():
			group = int(right - left > 1)
			self.add(
				"Territory",
				name=name,
				parent_territory=parents[name] or None,
				is_group=group,
				lft=left,
				rgt=right,
			)
		self.sources = self.names("S", 3)
		self.known_sources = self.sources[: self.random.randint(1, 3)]

	def people_tree(self) -> None:
		groups, people = self.names("G", 3), self.names("P", 5)
		parents = {groups[0]: "", groups[1]: groups[0], groups[2]: self.one(groups[:2])}
		parents |= {name: self.one(groups) for name in people}
		self.people = [*groups, *people]
		for name, (left, right) in nested(parents).items():
			self.add(
				"Sales Person",
				name=name,
				parent_sales_person=parents[name] or None,
				is_group=int(name in groups),
				enabled=self.one([1, 1, 1, 0], None),
				employee=self.perhaps(self.employees, 0.7),
				lft=left,
				rgt=right,
			)

	def team(self, doctype: str, parent: str) -> None:
		"""A Sales Team: whole, in thirds, above 100 %, incomplete, of 0 %, or none at all."""
		shares = self.one(
			[
				[],
				[100],
				[60, 40],
				[33.333, 33.333, 33.334],
				[33.333333333] * 3,
				[80, 45],
				[30],
				[0, None],
				[100, 0],
			]
		)
		for share in shares:
			person = (
				self.one(self.people, self.one(["Z99 gone", None, ""]))
				if self.chance(0.15)
				else self.one(self.people)
			)
			self.add(
				"Sales Team",
				parent=parent,
				parenttype=doctype,
				sales_person=person,
				allocated_percentage=share,
			)
		if self.chance(0.1):  # a document of another doctype with the same name
			self.add(
				"Sales Team",
				parent=parent,
				parenttype="Delivery Note",
				sales_person=self.one(self.people),
				allocated_percentage=100,
			)

	def territory(self) -> Any:
		return "X99 gone" if self.chance(0.03) else self.perhaps(self.territories)

	def source(self) -> Any:
		return self.perhaps(self.sources)

	# Customers and those who might become some

	def customers(self) -> None:
		leads = self.names("L", self.many(1))
		opportunities = self.names("O", self.many(1))
		self.leads, self.opportunities = leads, opportunities
		self.clients = self.names("C", self.random.randint(1, max(2, self.size // 2)))
		for name in self.clients:
			self.add(
				"Customer",
				name=name,
				creation=self.moment(),
				lead_name=self.perhaps([*leads, "L999"], 0.6),
				opportunity_name=self.perhaps([*opportunities, "O999"], 0.5),
				account_manager=self.perhaps(self.users, 0.4),
				territory=self.territory(),
			)
			self.team("Customer", name)
		for name in leads:
			self.add(
				"Lead",
				name=name,
				creation=self.moment(),
				modified=self.moment(0),
				lead_owner=self.perhaps(self.users),
				status=self.one(
					["Open", "Converted", "Do Not Contact", "Lost Quotation", "Lost Quotation"], None
				),
				source=self.source(),
				company=self.perhaps(self.companies),
				territory=self.territory(),
			)
		for name in opportunities:
			kind = self.one(["Customer", "Customer", "Lead", "Prospect"], None)
			self.add(
				"Opportunity",
				name=name,
				modified=self.moment(0.02),
				transaction_date=self.day(),
				opportunity_from=kind,
				party_name=self.perhaps(self.clients if kind == "Customer" else leads),
				status=self.one(
					["Open", "Replied", "Quotation", "Converted", "Lost", "Lost", "Closed", "Closed"], None
				),
				opportunity_owner=self.perhaps(self.users),
				company=self.perhaps(self.companies, 0.95),
				territory=self.territory(),
				source=self.source(),
				base_opportunity_amount=self.money(),
				opportunity_amount=self.money(),
				conversion_rate=self.one([1, 1.5, 0, None]),
				base_total=self.money(),
				first_response_time=self.one([0, None, 60, 60, 3600, 86400.5]),
			)

	def quotations(self) -> None:
		self.quoted = self.names("Q", self.many())
		for name in self.quoted:
			self.add(
				"Quotation",
				name=name,
				owner=self.one(self.users, "Administrator"),
				docstatus=self.one([0, 1, 1, 1, 2]),
				transaction_date=self.day(),
				company=self.one(self.companies),
				territory=self.territory(),
				source=self.source(),
				opportunity=self.perhaps([*self.opportunities, "O999"], 0.5),
				base_net_total=self.money(),
			)
			for number in range(self.random.randint(0, 3)):
				kind = self.one(["Opportunity", "Opportunity", "Quotation"], None, "")
				self.add(
					"Quotation Item",
					parent=name,
					name=f"{name}-{number}",
					idx=self.one([3 - number, 1]),
					prevdoc_doctype=kind,
					prevdoc_docname=self.perhaps([*self.opportunities, "O999"]),
				)

	def orders(self) -> None:
		for name in self.names("R", self.many()):
			self.add(
				"Sales Order",
				name=name,
				owner=self.one(self.users, None),
				docstatus=self.one([0, 1, 1, 1, 1, 2]),
				transaction_date=self.day(),
				company=self.one(self.companies),
				customer=self.one(self.clients, self.one([None, "", "C999 gone"])),
				territory=self.territory(),
				source=self.source(),
				base_net_total=self.money(),
				status=self.one(["To Bill", "Completed", "Closed", "Closed"], None),
				per_delivered=self.one([0, 50, 33.3333, 100, None]),
				is_internal_customer=self.check(0.1),
			)
			self.team("Sales Order", name)
			for _ in range(self.random.randint(0, 2)):
				self.add(
					"Sales Order Item", parent=name, prevdoc_docname=self.perhaps([*self.quoted, "Q999"], 0.7)
				)

	# Invoices and what their lines cost

	def invoices(self) -> None:
		names = self.names("I", self.many() + self.many() + 1)
		self.lines: list[str] = []
		self.deliveries = [f"D{number}" for number in range(3)]
		for name in self.deliveries:
			self.add("Delivery Note Item", name=name, stock_qty=self.one([0, None, 2, 3]))
			self.bundle("Delivery Note", name)
		for name in names:
			self.invoice(name)
		for number in range(self.many()):
			self.add(
				"POS Invoice",
				name=f"POS{number}",
				docstatus=self.one([0, 1, 1, 1]),
				posting_date=self.day(),
				consolidated_invoice=self.perhaps(names),
			)

	def invoice(self, name: str) -> None:
		returned = self.chance(0.2)
		self.add(
			"Sales Invoice",
			name=name,
			owner=self.one(self.users, None),
			docstatus=self.one([0, 1, 1, 1, 1, 1, 2]),
			posting_date=self.day(),
			posting_time=self.one(["00:00:00", "10:00:00", "10:00:00", "23:59:59"], None),
			company=self.one(self.companies),
			customer=self.one(self.clients, self.one([None, "", "C999 gone"]))
			if self.chance(0.2)
			else self.one(self.clients),
			territory=self.territory(),
			source=self.source(),
			base_net_total=-abs(self.money() or 0) if returned else self.money(),
			is_return=1 if returned else self.one([0, 0, None]),
			is_debit_note=self.check(0.1),
			is_opening=self.one(["No"] * 8, "Yes", None, ""),
			is_internal_customer=self.check(0.07),
			is_consolidated=self.check(0.3),
		)
		self.team("Sales Invoice", name)
		for number in range(self.random.randint(0, 2)):
			line = f"{name[:4]}-{number}"
			self.add(
				"Sales Invoice Item",
				name=line,
				parent=name,
				base_net_amount=self.money(),
				stock_qty=self.one([0, None, 1, 2, 7]) if not returned else self.one([-1, -2, 0]),
				incoming_rate=self.one([0, 0, None, 5.5, 20]),
				dn_detail=self.perhaps([*self.deliveries, "D999"], 0.3),
				sales_invoice_item=self.perhaps([*self.lines, "I999-0"], 0.6 if returned else 0.1),
			)
			if self.chance(0.25):
				self.bundle("Sales Invoice", line)
			self.lines.append(line)

	def bundle(self, doctype: str, line: str) -> None:
		for _ in range(self.random.randint(0, 2)):
			self.add(
				"Packed Item",
				parenttype=doctype,
				parent_detail_docname=self.one([line] * 4, None, ""),
				incoming_rate=self.one([0, 0, None, 3, 12.25]),
				qty=self.one([1, 2, 0, None]),
			)

	# The ledger

	def ledger(self) -> None:
		self.accounts: list[str] = []
		self.centers = self.names("K", 4)
		for name in self.centers:
			self.add("Cost Center", name=name, company=self.one(self.companies))
		for number, company in enumerate(self.companies):
			# Both companies' trees count from 1: the numbers of one mean nothing in the other.
			letter = "BD"[number]
			names = self.names(letter, 5)
			parents = {
				names[0]: "",
				names[1]: names[0],
				names[2]: names[1],
				names[3]: names[1],
				names[4]: names[0],
			}
			for name, (left, right) in nested(parents).items():
				self.add("Account", name=name, company=company, lft=left, rgt=right)
			self.accounts += names
			for entry in range(self.many()):
				self.add(
					"GL Entry",
					name=f"GL{number}{entry:03d}",
					posting_date=self.day(),
					account=self.one(names),
					cost_center=self.perhaps(self.centers),
					debit=self.money(),
					credit=self.one([0, None, 25]),
					company=company,
					voucher_type=self.one(["Journal Entry"] * 4, "Period Closing Voucher", None),
					is_opening=self.one(["No"] * 4, "Yes", None),
					is_cancelled=self.check(0.1),
					finance_book=self.one(["", None, None, "Book", "Other book"]),
				)

	# What people do and say

	def sender(self) -> Any:
		user = self.one(self.users, "shared@x.com", "stranger@x.com")
		return self.one([user, user.upper(), f"Ann O'Neil <{user}>", f'"آرش" <{user.title()}>'], None, "")

	def activities(self) -> None:
		for number in range(self.many()):
			self.add(
				"Call Log",
				name=f"CALL{number}",
				owner=self.one(self.users, None, "Administrator"),
				status=self.one(["Completed", "Completed", "Missed"], None),
				start_time=self.moment(),
				duration=self.one([0, None, 30, 200.5]),
				employee_user_id=self.perhaps(self.users, 0.5),
			)
		for number in range(self.many()):
			begin = self.moment()
			end = self.one([-3600, 0, 1800, 90000], None)
			self.add(
				"Event",
				name=f"EV{number}",
				owner=self.one(self.users, None),
				event_category=self.one(["Call", "Meeting", "Meeting", "Other"], None),
				status=self.one(["Open", "Open", "Cancelled"], None),
				starts_on=begin,
				ends_on=begin + timedelta(seconds=end) if begin and end is not None else None,
			)
		for number in range(self.many()):
			self.add(
				"Communication",
				name=f"COM{number}",
				communication_medium=self.one(["Email", "Email", "Phone", "Phone", "SMS"], None),
				communication_type=self.one(["Communication"] * 3, "Automated Message", None),
				sent_or_received=self.one(["Sent", "Sent", "Received"], None),
				communication_date=self.moment(),
				sender=self.sender(),
				user=self.perhaps(self.users),
				reference_doctype=self.one(
					["Lead", "Opportunity", "Customer", "Event", "Email Campaign"], None, ""
				),
			)

	def opinions(self) -> None:
		for number in range(self.many()):
			name = f"FB{number}"
			self.add(
				"Quality Feedback",
				name=name,
				creation=self.moment(),
				document_type=self.one(["Customer"] * 4, "User"),
				document_name=self.one(self.clients, "C999 gone", None),
			)
			for _ in range(self.random.randint(0, 3)):
				self.add(
					"Quality Feedback Parameter",
					parent=name,
					rating=self.one(["1", "4", "4", "5", "2", "", None]),
				)
		for number in range(self.many()):
			self.add(
				"KPI Survey Answer",
				name=f"SV{number}",
				customer=self.one(self.clients, "C999 gone", None),
				answered_on=self.moment(),
				rating=self.one([0, 0.5, 0.8, 1, 0.79], None),
				company=self.perhaps(self.companies, 0.5),
			)

	def log(self) -> None:
		number = 0
		for doctype, names, fieldname, statuses in (
			("Lead", self.leads, "lead_owner", ["Open", "Do Not Contact", "Lost Quotation", "Converted"]),
			(
				"Opportunity",
				self.opportunities,
				"opportunity_owner",
				["Open", "Replied", "Lost", "Lost", "Closed", "Converted"],
			),
		):
			for name in names:
				for _ in range(self.one([0, 0, 1, 2, 4])):
					number += 1
					of_owner = self.chance(0.4)
					values = [*self.users, None, ""] if of_owner else [*statuses, None]
					self.add(
						"Sales Transition",
						name=f"X{number:05d}",
						reference_doctype=doctype,
						reference_name=name,
						fieldname=fieldname if of_owner else self.one(["status"] * 6, "territory"),
						old_value=self.one(values),
						new_value=self.one(values),
						changed_at=self.moment(0),
						user=self.one(self.users, "Administrator", "Guest", None, ""),
					)

	# What the company has decided

	def settings(self) -> Settings:
		def chosen(values: list[str], most: int) -> list[str]:
			return self.random.sample(values, self.random.randint(0, min(most, len(values))))

		centers, people, sources = list(self.centers), self.people, self.sources
		plain = self.chance(0.3)
		return Settings(
			churn_after_days=self.one([180, 30, 1, 60]),
			conversion_window_days=self.one([90, 0, 30]),
			acquisition_accounts=tuple(chosen(self.accounts, 2)) if self.chance(0.8) else (),
			acquisition_lag_months=self.one([0, 0, 1, 2]),
			cost_center_sales_person={name: self.one(people, "") for name in chosen(centers, 3)},
			cost_center_source={name: self.one(sources, "") for name in chosen(centers, 3)},
			not_one_customer=() if plain else tuple(chosen(self.clients, 2)),
			mapping=() if plain else tuple(self.mapping()),
			converted_by=self.one([ConvertedBy.FIRST_ORDER] * 2, ConvertedBy.CUSTOMER_CREATED),
			credit_fallback=self.one([CreditFallback.NONE] * 4, *CreditFallback),
		)

	def mapping(self) -> list[SalespersonMapping]:
		"""Some users are mapped: always, from a day, until a day, or to one after another."""
		rows = []
		for user in self.random.sample(self.users, self.random.randint(0, 3)):
			turn, end = sorted(self.random.sample(self.days, 2))
			first, second = self.one(self.people), self.one(self.people)
			rows += self.one(
				[
					[SalespersonMapping(user, first)],
					[SalespersonMapping(user, first, turn, end)],
					[SalespersonMapping(user, first, None, turn)],
					[
						SalespersonMapping(user, first, None, turn),
						SalespersonMapping(user, second, turn + timedelta(days=1), None),
					],
				]
			)
		return rows


def messy_company(seed: int, size: int = 6, emptied: Iterable[str] = (), logged: bool = True) -> Messy:
	"""The company of a seed. emptied: doctypes left without rows; logged: whether the app's own tables exist."""
	maker = _Maker(seed, size)
	maker.masters()
	maker.customers()
	maker.quotations()
	maker.orders()
	maker.invoices()
	maker.ledger()
	maker.activities()
	maker.opinions()
	maker.log()
	settings = maker.settings()
	version = maker.one(["15", "16"])
	rows = maker.rows
	rows["UTM Source" if version == "16" else "Lead Source"] = [
		{"name": name} for name in maker.known_sources
	]
	for doctype in (*emptied, *(() if logged else OWN)):
		rows.pop(doctype, None)
	if not logged:
		emptied = (*emptied, *OWN)
	# Rows come in any order.
	for table in rows.values():
		maker.random.shuffle(table)
	absent = tuple(name for name in (*OPTIONAL, *OWN) if name in emptied and maker.chance(0.5))
	return Messy(seed, version, rows, settings, absent)


def messy_companies(most: int = 8) -> st.SearchStrategy[Messy]:
	"""Companies that hypothesis can make smaller: fewer records, emptied doctypes, no log."""
	return st.builds(
		messy_company,
		seed=st.integers(0, 2**32 - 1),
		size=st.integers(1, most),
		emptied=st.sets(st.sampled_from(OPTIONAL), max_size=4).map(sorted),
		logged=st.booleans(),
	)


def shrunk(rows: Tables, still_fails: Callable[[Tables], bool]) -> Tables:
	"""The rows without all those that a failure doesn't need: a tool for whoever looks for its cause."""
	rows = {doctype: list(table) for doctype, table in rows.items()}
	for doctype in list(rows):
		step = max(len(rows[doctype]), 1)
		while step:
			place = 0
			while place < len(rows[doctype]):
				table = rows[doctype]
				fewer = rows | {doctype: table[:place] + table[place + step :]}
				if still_fails(fewer):
					rows = fewer
				else:
					place += step
			step //= 2
	return {doctype: table for doctype, table in rows.items() if table}
