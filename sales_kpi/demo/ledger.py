"""Accounts, cost centers, and what winning customers costs: expenses by month, cost center and account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from sales_kpi.demo import history as h
from sales_kpi.demo.frames import Frames, Pick
from sales_kpi.demo.history import History
from sales_kpi.demo.lines import SALTS, Floats, Ints, stamps
from sales_kpi.demo.names import row_names
from sales_kpi.demo.people import ABBREVIATIONS, COMPANIES, CURRENCIES, nested_set, texts
from sales_kpi.demo.season import EXHIBITION_DAYS, Season

ACQUISITION_ACCOUNTS = ("Marketing Expenses", "Sales Expenses", "Commission on Sales")
# What a year of selling costs, as a share of sales.
ACQUISITION_SHARE = 0.1
# Channels that cost money, with their weight; the others come by themselves.
PAID_CHANNELS = {
	"Website": 0.20,
	"Exhibition": 0.24,
	"Campaign": 0.16,
	"Advertisement": 0.28,
	"Partner": 0.12,
}

# (account, parent, is group, root type, account type)
_CHART: list[tuple[str, str | None, bool, str, str]] = [
	("Application of Funds (Assets)", None, True, "Asset", ""),
	("Accounts Receivable", "Application of Funds (Assets)", True, "Asset", ""),
	("Debtors", "Accounts Receivable", False, "Asset", "Receivable"),
	("Bank Account", "Application of Funds (Assets)", False, "Asset", "Bank"),
	("Stock In Hand", "Application of Funds (Assets)", False, "Asset", "Stock"),
	("Temporary Opening", "Application of Funds (Assets)", False, "Asset", "Temporary"),
	("Source of Funds (Liabilities)", None, True, "Liability", ""),
	("VAT", "Source of Funds (Liabilities)", False, "Liability", "Tax"),
	("Equity", None, True, "Equity", ""),
	("Retained Earnings", "Equity", False, "Equity", ""),
	("Income", None, True, "Income", ""),
	("Direct Income", "Income", True, "Income", ""),
	("Sales", "Direct Income", False, "Income", "Income Account"),
	("Service", "Direct Income", False, "Income", "Income Account"),
	("Expenses", None, True, "Expense", ""),
	("Direct Expenses", "Expenses", True, "Expense", ""),
	("Cost of Goods Sold", "Direct Expenses", False, "Expense", "Cost of Goods Sold"),
	("Indirect Expenses", "Expenses", True, "Expense", ""),
	("Administrative Expenses", "Indirect Expenses", False, "Expense", "Expense Account"),
	("Marketing Expenses", "Indirect Expenses", False, "Expense", "Expense Account"),
	("Sales Expenses", "Indirect Expenses", False, "Expense", "Expense Account"),
	("Commission on Sales", "Indirect Expenses", False, "Expense", "Expense Account"),
]


def paid_channels(history: History) -> list[str]:
	"""The channels that have a cost center of their own."""
	return [channel for channel in history.channel_list if channel in PAID_CHANNELS]


def charts(history: History, make: Frames) -> Iterator[tuple[str, pd.DataFrame]]:
	"""Account and Cost Center of both companies; each table is one nested set across companies."""
	kinds = {name: (group, root, kind) for name, _, group, root, kind in _CHART}
	pairs = [
		(f"{name} - {abbr}", f"{parent} - {abbr}" if parent else None)
		for abbr in ABBREVIATIONS
		for name, parent, *_ in _CHART
	]
	tree = nested_set(pairs)
	labels = [name.rpartition(" - ")[0] for name in tree.names]
	employers = np.array([ABBREVIATIONS.index(name.rpartition(" - ")[2]) for name in tree.names])
	roots = [kinds[label][1] for label in labels]
	yield make.make(
		"Account",
		len(labels),
		name=texts(tree.names),
		account_name=texts(labels),
		parent_account=texts(tree.parents),
		company=Pick(list(COMPANIES), employers),
		root_type=texts(roots),
		report_type=texts(
			["Profit and Loss" if root in ("Income", "Expense") else "Balance Sheet" for root in roots]
		),
		account_type=texts([kinds[label][2] for label in labels]),
		account_currency=Pick(list(CURRENCIES), employers),
		is_group=np.array([kinds[label][0] for label in labels]),
		lft=tree.lft,
		rgt=tree.rgt,
	)
	centers: list[tuple[str, str | None]] = []
	for employer, abbr in enumerate(ABBREVIATIONS):
		root = f"{COMPANIES[employer]} - {abbr}"
		centers.append((root, None))
		centers += [(f"{name} - {abbr}", root) for name in ("Main", *paid_channels(history))]
		members = np.flatnonzero(history.staff.employer == employer)
		centers += [(f"{history.staff.names[person]} - {abbr}", root) for person in members.tolist()]
	tree = nested_set(centers)
	employers = np.array([ABBREVIATIONS.index(name.rpartition(" - ")[2]) for name in tree.names])
	yield make.make(
		"Cost Center",
		len(tree.names),
		name=texts(tree.names),
		cost_center_name=texts([name.rpartition(" - ")[0] for name in tree.names]),
		parent_cost_center=texts(tree.parents),
		company=Pick(list(COMPANIES), employers),
		is_group=np.array([parent is None for parent in tree.parents]),
		lft=tree.lft,
		rgt=tree.rgt,
	)


class _Book:
	"""Entries as they are written down; made into rows at the end, as they are few."""

	def __init__(self) -> None:
		self.rows: list[tuple[int, str, str, float, str, str, int, str, int]] = []

	def write(
		self,
		day: int,
		account: str,
		center: str,
		amount: float,
		voucher: str,
		kind: str,
		employer: int,
		opening: str = "No",
		cancelled: int = 0,
	) -> None:
		"""One entry: a positive amount is debited, a negative one credited."""
		abbr = ABBREVIATIONS[employer]
		row = (day, f"{account} - {abbr}", f"{center} - {abbr}", round(amount, 2), voucher, kind, employer)
		self.rows.append((*row, opening, cancelled))

	def expense(
		self, day: int, account: str, center: str, amount: float, voucher: str, employer: int
	) -> None:
		"""An expense, paid from the bank."""
		self.write(day, account, center, amount, voucher, "Journal Entry", employer)
		self.write(day, "Bank Account", "Main", -amount, voucher, "Journal Entry", employer)


def expenses(history: History, make: Frames) -> Iterator[tuple[str, pd.DataFrame]]:
	"""GL Entry of the costs of acquisition and administration, of closed years and cancelled journals."""
	rng = np.random.default_rng([history.company.seed, 300])
	season, staff, company = history.season, history.staff, history.company
	book = _Book()
	months = season.month_starts()
	ends = [start - 1 for start in months[1:]] + [history.last]
	sales = _sales(history)
	channels = paid_channels(history)
	number = 0
	for employer in range(2):
		budgeted = float(sales[employer]) * ACQUISITION_SHARE
		members = np.flatnonzero(staff.employer == employer).tolist()
		for start, end in zip(months, ends, strict=True):
			budget = budgeted * (end - start + 1) / season.days
			payday = int(max(start, end - 2))
			middle = min(start + 14, end)
			late = middle - (season.days - EXHIBITION_DAYS)
			# Exhibitions become dearer while they bring ever less.
			dearer = 1.0 if company.young else 1.0 + 1.2 * min(max(late / 240.0, 0.0), 1.0)
			for channel in channels:
				number += 1
				amount = 0.45 * budget * PAID_CHANNELS[channel] * float(rng.uniform(0.8, 1.2))
				amount *= dearer if channel == "Exhibition" else 1.0
				book.expense(
					middle, "Marketing Expenses", channel, amount, _journal(season, middle, number), employer
				)
			weights = staff.weight[members] / max(float(staff.weight[members].sum()), 1e-9)
			for person, weight in zip(members, weights.tolist(), strict=True):
				number += 1
				voucher = _journal(season, payday, number)
				own = staff.names[person]
				# Salaries and travel differ less than sales do.
				even = 0.5 / len(members) + 0.5 * weight
				book.expense(payday, "Sales Expenses", own, 0.33 * budget * even, voucher, employer)
				number += 1
				commission = (
					0.17 * budget * weight * float(staff.strength(np.array([person]), np.array([payday]))[0])
				)
				voucher = _journal(season, payday, number)
				book.expense(payday, "Commission on Sales", own, commission, voucher, employer)
			number += 1
			book.expense(
				payday, "Sales Expenses", "Main", 0.05 * budget, _journal(season, payday, number), employer
			)
			number += 1
			voucher = _journal(season, payday, number)
			book.expense(payday, "Administrative Expenses", "Main", budget * 0.8, voucher, employer)
		# A journal cancelled: its entries and their reversal, all marked.
		for day in (months[0], months[len(months) // 2]):
			number += 1
			voucher = _journal(season, day, number)
			for sign in (1.0, -1.0):
				amount = sign * budgeted * 0.02
				book.write(
					day, "Marketing Expenses", "Main", amount, voucher, "Journal Entry", employer, cancelled=1
				)
				book.write(
					day, "Bank Account", "Main", -amount, voucher, "Journal Entry", employer, cancelled=1
				)
		# What was spent before the records begin, taken over as opening balances.
		number += 1
		voucher = _journal(season, 0, number)
		book.write(
			0, "Marketing Expenses", "Main", budgeted * 0.1, voucher, "Journal Entry", employer, opening="Yes"
		)
		book.write(
			0, "Temporary Opening", "Main", -budgeted * 0.1, voucher, "Journal Entry", employer, opening="Yes"
		)
	_close_years(history, book)
	yield _frame(history, make, book)


def _sales(history: History) -> Floats:
	"""Sales of each company over the whole history."""
	invoices, deals = history.invoices, history.deals
	counted = (invoices.docstatus == 1) & (invoices.kind <= h.RETURN)
	value = history.baskets.total[invoices.deal] * invoices.factor * counted
	return np.bincount(deals.employer[invoices.deal], weights=value, minlength=2).astype(np.float64)


def _close_years(history: History, book: _Book) -> None:
	"""A Period Closing Voucher per past year and company, which credits each expense's balance."""
	company = history.company
	for year in range(company.start.year, company.until.year):
		end = (date(year, 12, 31) - company.start).days
		begin = (date(year, 1, 1) - company.start).days
		for employer, abbr in enumerate(ABBREVIATIONS):
			balance: dict[tuple[str, str], float] = {}
			for day, account, center, amount, _, kind, owner, _, cancelled in book.rows:
				if owner == employer and begin <= day <= end and not cancelled and kind == "Journal Entry":
					label = account.removesuffix(f" - {abbr}")
					if label.endswith("Expenses") or label in ACQUISITION_ACCOUNTS:
						key = (label, center.removesuffix(f" - {abbr}"))
						balance[key] = balance.get(key, 0.0) + amount
			voucher = f"ACC-PCV-{year}-{employer + 1:05d}"
			kind = "Period Closing Voucher"
			for (label, center), amount in balance.items():
				book.write(end, label, center, -amount, voucher, kind, employer)
			book.write(end, "Retained Earnings", "Main", sum(balance.values()), voucher, kind, employer)


def _frame(history: History, make: Frames, book: _Book) -> tuple[str, pd.DataFrame]:
	"""The book's entries as GL Entry."""
	columns = list(zip(*book.rows, strict=True))
	day: Ints = np.array(columns[0], dtype=np.int64)
	amount = np.array(columns[3], dtype=np.float64)
	employer = np.array(columns[6], dtype=np.int64)
	number = np.arange(len(day))
	years = (history.season.first + day).astype("datetime64[Y]").astype(np.int64) + 1970
	debit, credit = np.maximum(amount, 0.0), np.maximum(-amount, 0.0)
	opening = np.array([label == "Yes" for label in columns[7]])
	return make.make(
		"GL Entry",
		len(day),
		name=row_names(number, SALTS["GL Cost"]),
		docstatus=1,
		creation=stamps(day, number),
		posting_date=day,
		account=texts(columns[1]),
		cost_center=texts(columns[2]),
		debit=debit,
		credit=credit,
		account_currency=Pick(list(CURRENCIES), employer),
		debit_in_account_currency=debit,
		credit_in_account_currency=credit,
		voucher_no=texts(columns[4]),
		voucher_type=texts(columns[5]),
		company=Pick(list(COMPANIES), employer),
		fiscal_year=texts([str(year) for year in years]),
		is_opening=Pick(["No", "Yes"], opening),
		is_cancelled=np.array(columns[8], dtype=np.int64),
		remarks="No Remarks",
	)


def _journal(season: Season, day: int, number: int) -> str:
	"""The name of a Journal Entry."""
	year = int((season.first + day).astype("datetime64[Y]").astype(np.int64)) + 1970
	return f"ACC-JV-{year}-{number:05d}"
