"""Kept sums equal the records: on messy companies, whatever changes after they were made, if only it is marked.

The sums are written here as the app writes them, from the same rows; records are then changed by chance, each change marked
as the app's handlers mark it, and time moves on. What a report reads through the sums must be what the records say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import servers
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import FIRST_DAY, LAST_DAY, Messy, messy_company
from tables import CHANNEL_COLUMN

from sales_kpi.analysis.entries import Entries, from_rows, joined, packed, summed, unpacked
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import By, Question, Scope, Sight, compute
from sales_kpi.facts.reading.reading import Span, runs
from sales_kpi.periods import Every, calendar_named
from sales_kpi.sources.database import DatabaseSource
from sales_kpi.totals.months import ROW_COLUMNS, TOTAL_COLUMNS, as_records, month_rows, months_between, told
from sales_kpi.totals.read import MANY_MARKS, Totals
from sales_kpi.totals.series import all_series, reading_of_all
from sales_kpi.totals.tables import MARK, ROW, SERIES, TOTAL
from sales_kpi.totals.touches import Mark

TABLES = {
	TOTAL: {name: sa.Date() if name == "month" else sa.Text() for name in TOTAL_COLUMNS},
	ROW: {name: sa.Date() if name in ("day", "since") else sa.Text() for name in ("series", *ROW_COLUMNS)},
	MARK: {"name": sa.Integer(), "record": sa.Text(), "entity": sa.Text(), "day": sa.Date()},
	SERIES: {"name": sa.Text(), "ready": sa.Integer(), "fingerprint": sa.Text(), "as_of": sa.Date()},
}


# Sums, written as the app writes them


def kept_rows(source: DatabaseSource, company: Messy, as_of: date) -> dict[str, list[dict[str, Any]]]:
	"""Rows of the tables of kept sums, as of a day."""
	masters = read_masters(source, company.settings)
	reading = reading_of_all(source, company.settings, masters, as_of)
	found: dict[str, list[dict[str, Any]]] = {TOTAL: [], ROW: [], MARK: [], SERIES: []}
	for series in all_series(reading).values():
		rows = told(source, reading, [series])[series.name]
		months = list(months_between(date(2023, 1, 1), date(2027, 12, 31)))
		found[TOTAL] += [
			dict(zip(TOTAL_COLUMNS, row, strict=True)) for row in month_rows(series, months, {}, rows)
		]
		if series.by_entity:
			found[ROW] += [
				dict(zip(("series", *ROW_COLUMNS), (series.name, *row), strict=True))
				for row in as_records(rows)
			]
		found[SERIES].append(
			{"name": series.name, "ready": 1, "fingerprint": series.fingerprint, "as_of": as_of}
		)
	return found


def write(connection: sa.Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
	metadata = sa.MetaData()
	for doctype, columns in TABLES.items():
		table = sa.Table(
			f"tab{doctype}", metadata, *(sa.Column(name, kind) for name, kind in columns.items())
		)
		table.create(connection)
		if rows[doctype]:
			connection.execute(table.insert(), rows[doctype])


# Changes, marked as the app's handlers mark them


def as_day(value: Any) -> date | None:
	return value.date() if isinstance(value, datetime) else value


class Changes:
	"""Changes of a company's records by chance."""

	def __init__(self, company: Messy, connection: sa.Connection, seed: int) -> None:
		self.company, self.connection, self.random = company, connection, Random(seed)
		self.marks: list[Mark] = []
		self.rows = {doctype: [dict(row) for row in rows] for doctype, rows in company.rows.items()}

	def make(self, count: int) -> None:
		kinds = [
			self.sales, self.sales, self.team, self.crm, self.crm, self.customer, self.activity, self.user_of_employee,
			self.lines,
		]  # fmt: skip
		for _ in range(count):
			self.random.choice(kinds)()

	def pick(self, doctype: str) -> dict[str, Any] | None:
		rows = self.rows.get(doctype)
		return self.random.choice(rows) if rows and doctype not in self.company.absent else None

	def day(self) -> date:
		return FIRST_DAY + timedelta(days=self.random.randrange((LAST_DAY - FIRST_DAY).days + 120))

	def name_of(self, doctype: str) -> str | None:
		row = self.pick(doctype)
		return row["name"] if row else None

	def set(self, doctype: str, row: dict[str, Any], **values: Any) -> dict[str, Any]:
		"""Change a record; returns what it was."""
		before = dict(row)
		row.update(values)
		columns = {
			CHANNEL_COLUMN[self.company.version] if name == "source" else name: value
			for name, value in values.items()
		}
		given = ", ".join(f'"{name}" = :{name}' for name in columns)
		self.connection.execute(
			sa.text(f'UPDATE "tab{doctype}" SET {given} WHERE name = :the_name'),
			columns | {"the_name": row["name"]},
		)
		return before

	def delete(self, doctype: str, row: dict[str, Any]) -> None:
		self.rows[doctype].remove(row)
		self.connection.execute(
			sa.text(f'DELETE FROM "tab{doctype}" WHERE name = :the_name'), {"the_name": row["name"]}
		)

	def sales(self) -> None:
		doctype, day = self.random.choice(
			[("Sales Invoice", "posting_date"), ("Sales Order", "transaction_date")]
		)
		row = self.pick(doctype)
		if row is None:
			return
		before = dict(row)
		kind = self.random.randrange(6)
		if kind == 0:
			self.set(doctype, row, docstatus=self.random.choice([0, 1, 2]))
		elif kind == 1:
			self.set(doctype, row, **{day: self.day()})
		elif kind == 2:
			self.set(doctype, row, base_net_total=float(self.random.randrange(-100, 5000)))
		elif kind == 3:
			self.set(doctype, row, customer=self.name_of("Customer"))
		elif kind == 4:
			self.set(doctype, row, territory=self.name_of("Territory"))
		else:
			self.delete(doctype, row)
		for state in (before, row):
			self.marks.append(Mark(doctype, state.get("customer") or "", as_day(state.get(day))))
		if doctype == "Sales Order":
			self.marks += [
				Mark("Quotation", line["prevdoc_docname"])
				for line in self.rows.get("Sales Order Item", ())
				if line.get("parent") == before["name"] and line.get("prevdoc_docname")
			]
		else:
			# A return takes the cost of the lines that it returns.
			lines = {
				line["name"]
				for line in self.rows.get("Sales Invoice Item", ())
				if line.get("parent") == before["name"]
			}
			self.costs_of(
				line["parent"]
				for line in self.rows.get("Sales Invoice Item", ())
				if line.get("sales_invoice_item") in lines
			)

	def costs_of(self, invoices: Iterator[str]) -> None:
		named = set(invoices)
		self.marks += [
			Mark("Sales Invoice", row.get("customer") or "", row["posting_date"])
			for row in self.rows.get("Sales Invoice", ())
			if row["name"] in named and row.get("posting_date")
		]

	def lines(self) -> None:
		"""A repost of valuation: costs change, of all lines from a day on."""
		row = self.pick("Sales Invoice Item")
		if row is None:
			return
		self.set("Sales Invoice Item", row, incoming_rate=float(self.random.randrange(0, 90)))
		self.marks.append(Mark("Repost Item Valuation", day=FIRST_DAY - timedelta(days=9)))

	def team(self) -> None:
		lines = self.rows.get("Sales Team")
		if not lines:
			return
		line = self.random.choice(lines)
		self.connection.execute(
			sa.text(
				'UPDATE "tabSales Team" SET allocated_percentage = :share WHERE parent = :parent AND parenttype = :kind'
			),
			{
				"share": self.random.choice([10, 50, 100]),
				"parent": line["parent"],
				"kind": line["parenttype"],
			},
		)
		if line["parenttype"] == "Customer":
			self.marks.append(Mark("Customer", line["parent"]))
			return
		for doctype, day in (("Sales Invoice", "posting_date"), ("Sales Order", "transaction_date")):
			if line["parenttype"] == doctype:
				self.marks += [
					Mark(doctype, row.get("customer") or "", row.get(day))
					for row in self.rows.get(doctype, ())
					if row["name"] == line["parent"]
				]

	def crm(self) -> None:
		doctype, day = self.random.choice(
			[("Lead", "creation"), ("Opportunity", "transaction_date"), ("Quotation", "transaction_date")]
		)
		row = self.pick(doctype)
		if row is None:
			return
		before = dict(row)
		if doctype == "Quotation":
			value: dict[str, Any] = self.random.choice(
				[
					{"docstatus": 2},
					{"docstatus": 1},
					{"base_net_total": 77.0},
					{"transaction_date": self.day()},
				]
			)
		else:
			owner = "lead_owner" if doctype == "Lead" else "opportunity_owner"
			lost = "Do Not Contact" if doctype == "Lead" else "Lost"
			value = self.random.choice(
				[
					{"status": lost},
					{"status": "Open"},
					{owner: self.name_of("User")},
					{"source": self.random.choice(["S1", "S2", ""])},
					{"company": self.name_of("Company")},
					{"territory": self.name_of("Territory")},
				]
			)
			if doctype == "Opportunity" and self.random.random() < 0.3:
				value = {"transaction_date": self.day()}
		self.set(doctype, row, **value)
		for state in (before, row):
			self.marks.append(Mark(doctype, row["name"], as_day(state.get(day))))
			if doctype == "Opportunity" and state.get("party_name"):
				self.marks.append(Mark("Customer Contact", state["party_name"]))
		if doctype != "Quotation" and {"source", "transaction_date"} & set(value):
			self.marks.append(Mark(f"{doctype} Source", row["name"]))

	def customer(self) -> None:
		row = self.pick("Customer")
		if row is None:
			return
		value = self.random.choice(
			[
				{"lead_name": self.name_of("Lead")},
				{"opportunity_name": self.name_of("Opportunity")},
				{"account_manager": self.name_of("User")},
				{"territory": self.name_of("Territory")},
			]
		)
		before = self.set("Customer", row, **value)
		self.marks.append(Mark("Customer", row["name"]))
		self.marks += [Mark("Lead", state["lead_name"]) for state in (before, row) if state.get("lead_name")]

	def activity(self) -> None:
		doctype, moment = self.random.choice(
			[("Call Log", "start_time"), ("Event", "starts_on"), ("Communication", "communication_date")]
		)
		row = self.pick(doctype)
		if row is None:
			return
		later = datetime.combine(self.day(), datetime.min.time())
		before = self.set(doctype, row, **{moment: later})
		self.marks += [Mark(doctype, day=as_day(state[moment])) for state in (before, row)]

	def user_of_employee(self) -> None:
		row = self.pick("Employee")
		if row is not None:
			self.set("Employee", row, user_id=self.name_of("User"))
			self.marks.append(Mark("Users"))


# The comparison


def questions(company: Messy, as_of: date, random: Random) -> list[Question]:
	names = [row["name"] for row in company.rows["Company"]]
	return [
		Question(
			random.choice(names),
			*random.choice(
				[
					(date(2024, 1, 1), date(2025, 6, 30)),
					(date(2024, 5, 13), date(2025, 3, 17)),
					(date(2025, 2, 1), date(2026, 2, 1)),
				]
			),
			every=random.choice([Every.MONTH, Every.MONTH, Every.WEEK, Every.RANGE]),
			by=by,
			as_of=as_of,
			calendar=calendar_named(random.choice(["gregorian", "jalali"])),
		)
		for by in random.sample(list(By), 3)
	]


def unequal(one: list[Any], other: list[Any]) -> list[Any]:
	"""Values that two answers give otherwise, beyond the dust of floats."""
	names = [[(row["kpi"], row["period_start"], row["scope"]) for row in answer] for answer in (one, other)]
	if names[0] != names[1]:
		return [set(names[0]) ^ set(names[1])]
	found = []
	for mine, its in zip(one, other, strict=True):
		for name, value in its.items():
			same = value == mine[name] or (
				isinstance(value, float)
				and isinstance(mine[name], float)
				and math.isclose(value, mine[name], rel_tol=1e-9, abs_tol=1e-9)
			)
			if not same:
				found.append((mine["kpi"], mine["period_start"], mine["scope"], name, mine[name], value))
	return found


def compared(company: Messy, folder: Path, seed: int, changes: int, later: int) -> tuple[list[Any], Totals]:
	"""What kept sums and records tell otherwise, after some changes and some days."""
	random = Random(seed)
	made_on = random.choice([date(2024, 12, 31), date(2025, 3, 15), LAST_DAY])
	as_of = made_on + timedelta(days=later)
	with servers.tables_in("duckdb", folder, company.rows, company.version, without=company.absent) as url:
		with DatabaseSource(url) as source:
			rows = kept_rows(source, company, made_on)
		engine = sa.create_engine(url)
		with engine.begin() as connection:
			changed = Changes(company, connection, seed)
			changed.make(changes)
			rows[MARK] = [
				{"name": number, "record": mark.record, "entity": mark.entity, "day": mark.day}
				for number, mark in enumerate(changed.marks, 1)
			]
			write(connection, rows)
		engine.dispose()
		with DatabaseSource(url) as source:
			masters = read_masters(source, company.settings)
			totals = Totals(source, reading_of_all(source, company.settings, masters, as_of))
			found = []
			for asked in questions(company, as_of, random):
				seen = None
				if asked.by is By.COMPANY and random.random() < 0.5:
					person = next(iter(masters.salespeople), "")
					seen = Sight((Scope("seen", ("",)),), {"sales_person": (person,)})
				kept = compute(source, asked, company.settings, masters, seen, totals)
				live = compute(source, asked, company.settings, masters, seen)
				found += [(asked.by.value, *one) for one in unequal(kept, live)]
	return found, totals


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
	return tmp_path_factory.mktemp("totals")


@pytest.mark.parametrize("seed", range(8))
def test_sums_with_marks_equal_the_records(folder: Path, seed: int) -> None:
	random = Random(seed)
	company = messy_company(seed, size=random.choice([3, 6, 9]))
	found, _ = compared(company, folder, seed, random.randrange(7), random.choice([0, 0, 1, 20, 75]))
	assert not found, found[:5]


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_clean_sums_are_used(folder: Path, seed: int) -> None:
	"""Without changes everything that can be kept is read from sums, and of no fact anything from the records."""
	found, totals = compared(messy_company(seed, size=10), folder, seed, 0, 0)
	assert not found, found[:5]
	assert len(totals.state.ready) == len(all_series(totals.reading)) > 20
	assert not any(totals.state.touched.days.values())
	assert not any(totals.state.touched.entities.values())


def test_an_unmarked_change_is_seen_by_this_test(folder: Path) -> None:
	"""The comparison isn't blind: without its marks, a change shows."""
	company = messy_company(5, size=10)
	with servers.tables_in("duckdb", folder, company.rows, company.version, without=company.absent) as url:
		with DatabaseSource(url) as source:
			rows = kept_rows(source, company, LAST_DAY)
		engine = sa.create_engine(url)
		with engine.begin() as connection:
			connection.execute(sa.text('UPDATE "tabSales Invoice" SET base_net_total = 2 * base_net_total'))
			write(connection, rows)
		engine.dispose()
		with DatabaseSource(url) as source:
			masters = read_masters(source, company.settings)
			totals = Totals(source, reading_of_all(source, company.settings, masters, LAST_DAY))
			asked = Question(company.rows["Company"][0]["name"], FIRST_DAY, LAST_DAY, as_of=LAST_DAY)
			kept = compute(source, asked, company.settings, masters, None, totals)
			live = compute(source, asked, company.settings, masters)
	assert {one[0] for one in unequal(kept, live)} >= {"sales_volume", "average_deal_value"}


def test_too_many_marks_leave_all_to_the_records(folder: Path) -> None:
	company = messy_company(7)
	with servers.tables_in("duckdb", folder, company.rows, company.version, without=company.absent) as url:
		with DatabaseSource(url) as source:
			rows = kept_rows(source, company, LAST_DAY)
		rows[MARK] = [
			{"name": number, "record": "Lead", "entity": f"lead {number}", "day": FIRST_DAY}
			for number in range(MANY_MARKS + 1)
		]
		engine = sa.create_engine(url)
		with engine.begin() as connection:
			write(connection, rows)
		engine.dispose()
		with DatabaseSource(url) as source:
			masters = read_masters(source, company.settings)
			totals = Totals(source, reading_of_all(source, company.settings, masters, LAST_DAY))
	assert totals.state.is_behind
	assert not totals.state.ready


# The small parts


@given(st.lists(st.dates(date(2024, 1, 1), date(2024, 3, 1))))
@settings(deadline=None)
def test_runs_hold_exactly_the_days(days: list[date]) -> None:
	found = [
		first + timedelta(days=number)
		for first, last in runs(days)
		for number in range((last - first).days + 1)
	]
	assert found == sorted(set(days))


def test_a_span_of_no_days_holds_nothing() -> None:
	assert Span(days=frozenset()).holds(sa.column("day")) != []  # a condition, not none


@given(
	st.lists(
		st.tuples(
			st.integers(0, 20_000),
			st.sampled_from(["", "Ann", "آرش", 'B"ob']),
			st.floats(-1e12, 1e12),
			st.floats(0, 1),
		)
	)
)
@settings(deadline=None)
def test_entries_are_unpacked_to_the_last_digit(rows: list[tuple[int, str, float, float]]) -> None:
	import json

	import pandas as pd

	frame = pd.DataFrame(rows, columns=["day", "leaf_name", "amount", "quantity"]).assign(
		since=-(2**31), rows=1, estimated=0.0
	)
	entries = from_rows(frame, "leaf_name", single=True)
	again = unpacked(json.dumps(entries.leaves), packed(entries))
	assert again.leaves == entries.leaves
	for name in ("day", "since", "leaf", "rows", "quantity", "amount", "estimated"):
		assert list(getattr(again, name)) == list(getattr(entries, name))
	both = joined([entries, entries.negative()])
	assert abs(both.quantity.sum()) < 1e-9
	assert both.rows.sum() == 0
	whole = summed(entries, 0) if len(entries) else entries
	assert isinstance(whole, Entries)
	assert math.isclose(whole.amount.sum(), entries.amount.sum(), rel_tol=1e-9, abs_tol=1e-3)
