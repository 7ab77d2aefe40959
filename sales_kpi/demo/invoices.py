"""Sales Invoice with its rows, the POS Invoices behind consolidated ones, and its entries in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sales_kpi.demo import history as h
from sales_kpi.demo.frames import Frames, Pick, chunks, expand, masked
from sales_kpi.demo.funnel import row_links
from sales_kpi.demo.history import History
from sales_kpi.demo.lines import (
	SALTS,
	SLOTS,
	Floats,
	Ints,
	Objects,
	basket_lines,
	item_columns,
	packed_rows,
	party_columns,
	per_company,
	rounded,
	stamps,
	team_rows,
	total_columns,
	unit_cost,
)
from sales_kpi.demo.masters import BUNDLE, SERVICE
from sales_kpi.demo.names import Series, row_names
from sales_kpi.demo.people import ABBREVIATIONS, COMPANIES, CURRENCIES

_STATUSES = [
	"Draft",
	"Paid",
	"Unpaid",
	"Overdue",
	"Return",
	"Cancelled",
	"Credit Note Issued",
	"Internal Transfer",
]
_ACCOUNTS = [
	f"{label} - {abbr}"
	for abbr in ABBREVIATIONS
	for label in ("Debtors", "Sales", "VAT", "Temporary Opening")
]


def invoices(history: History, make: Frames) -> Iterator[tuple[str, pd.DataFrame]]:
	"""Sales Invoice, Sales Invoice Item, Sales Team, Packed Item, POS Invoice, GL Entry."""
	all_of, deals = history.invoices, history.deals
	returned = np.zeros(len(all_of.day), dtype=bool)
	returned[all_of.against[all_of.kind == h.RETURN]] = True
	consolidated = deals.consolidated[all_of.deal] & (all_of.docstatus == 1) & (all_of.kind <= h.RETURN)
	pos = _PosInvoices(history, consolidated)
	for part in chunks(len(all_of.day)):
		number = np.arange(part.start, part.stop)
		size = len(number)
		deal, day, kind = all_of.deal[part], all_of.day[part], all_of.kind[part]
		docstatus, against = all_of.docstatus[part], all_of.against[part]
		employer = deals.employer[deal]
		is_return, is_debit = kind == h.RETURN, kind == h.DEBIT_NOTE
		lines = basket_lines(history, deal, all_of.factor[part], employer, deals.day[deal], is_debit)
		name = history.invoice_name(number)
		totals = rounded(total_columns(lines, employer))
		creation = stamps(day, number)
		lot = (number * 7) % 10
		unpaid = (kind == h.PURCHASE) & (day > history.last - 30) & (lot < 7)
		overdue = (kind == h.PURCHASE) & ~unpaid & (day > history.last - 90) & (lot < 2)
		status = np.select(
			[docstatus == 0, docstatus == 2, is_return, unpaid, overdue, returned[part], kind == h.INTERNAL],
			[0, 5, 4, 2, 3, 6, 7],
			1,
		)
		owed = np.where((unpaid | overdue) & (docstatus == 1), totals["grand_total"], 0.0)
		# Stock leaves with every second deal's invoices, unless a Delivery Note took it.
		update_stock = (deal % 2 == 0) & (deals.delivery[deal] < 0) & (kind <= h.RETURN)
		update_stock &= history.company.site_kind != "services"
		ours = kind == h.INTERNAL
		is_pos = consolidated[part]
		yield make.make(
			"Sales Invoice",
			size,
			name=name,
			creation=creation,
			docstatus=docstatus,
			naming_series="ACC-SINV-.YYYY.-",
			owner=Pick(history.staff.users, np.full(size, history.staff.clerk)),
			**party_columns(history, deals.customer[deal], employer),
			**totals,
			posting_date=day,
			posting_time=creation % 86400,
			due_date=day + 30,
			is_return=is_return,
			is_debit_note=is_debit,
			return_against=history.invoice_name(against),
			is_opening=Pick(["No", "Yes"], kind == h.OPENING),
			is_pos=is_pos,
			is_consolidated=is_pos,
			update_stock=update_stock,
			is_internal_customer=ours,
			represents_company=Pick([COMPANIES[1]], np.where(ours, 0, -1)),
			party_account_currency=Pick(list(CURRENCIES), employer),
			outstanding_amount=owed,
			paid_amount=np.where(is_pos, totals["grand_total"], 0.0),
			base_paid_amount=np.where(is_pos, totals["base_grand_total"], 0.0),
			debit_to=per_company("Debtors", employer),
			status=Pick(_STATUSES, status),
			amount_eligible_for_commission=lines.base_net,
			remarks="No Remarks",
			cost_center=per_company("Main", employer),
			against_income_account=per_company("Sales", employer),
			amended_from=history.invoice_names.of(all_of.amended[part]),
		)
		yield from _rows(history, make, number, name, lines, creation, update_stock)
		with_team = np.flatnonzero((kind != h.OPENING) & ~ours)
		yield team_rows(
			history,
			make,
			"Sales Invoice",
			"Team Invoice",
			name[with_team],
			number[with_team],
			deal[with_team],
			lines.base_net[with_team],
			docstatus[with_team],
			creation[with_team],
		)
		if is_pos.any():
			yield pos.rows(make, number[is_pos], name[is_pos], lines.base_net[is_pos])
		if history.company.sales_ledger:
			submitted = np.flatnonzero(docstatus == 1)
			yield _ledger(
				history,
				make,
				number[submitted],
				name[submitted],
				lines.base_net[submitted],
				totals,
				submitted,
			)
	if pos.waiting:
		yield pos.waiting_rows(make)


def _rows(
	history: History, make: Frames, number: Ints, name: Objects, lines: Any, creation: Ints, update_stock: Any
) -> Iterator[tuple[str, pd.DataFrame]]:
	"""Sales Invoice Item and Packed Item of some invoices."""
	all_of, deals, items = history.invoices, history.deals, history.items
	document = lines.document
	deal, kind, day = all_of.deal[number], all_of.kind[number], all_of.day[number]
	against, docstatus, employer = all_of.against[number], all_of.docstatus[number], deals.employer[deal]
	billing = (kind == h.PURCHASE) | (kind == h.RETURN)
	order = np.where(billing, deals.order[deal], -1)
	delivery = np.where(kind == h.PURCHASE, deals.delivery[deal], -1)
	line_names = row_names(number[document] * SLOTS + lines.number, SALTS["Sales Invoice Item"])
	item_kind = items.kind[lines.item]
	cost = unit_cost(history, lines.item, np.where(against >= 0, all_of.day[against], day)[document])
	# A return without stock movement keeps no rate when its items are valued first in, first out.
	forgotten = (kind == h.RETURN) & ~update_stock & (number % 2 == 0)
	unknown = (item_kind == BUNDLE) | (forgotten | (kind >= h.DEBIT_NOTE) & (kind != h.INTERNAL))[document]
	service = item_kind == SERVICE
	yield make.make(
		"Sales Invoice Item",
		len(document),
		**item_columns(history, lines),
		name=line_names,
		parent=name[document],
		parenttype="Sales Invoice",
		parentfield="items",
		docstatus=docstatus[document],
		creation=creation[document],
		income_account=Pick(
			[f"{label} - {abbr}" for label in ("Sales", "Service") for abbr in ABBREVIATIONS],
			employer[document] + 2 * service,
		),
		expense_account=per_company("Cost of Goods Sold", employer[document]),
		cost_center=per_company("Main", employer[document]),
		warehouse=per_company("Stores", employer[document]),
		sales_order=history.order_names.of(order)[document],
		so_detail=row_links(order, document, lines.number, "Sales Order Item"),
		delivery_note=history.delivery_names.of(delivery)[document],
		dn_detail=row_links(delivery, document, lines.number, "Delivery Note Item"),
		sales_invoice_item=row_links(
			np.where(kind == h.RETURN, against, -1), document, lines.number, "Sales Invoice Item"
		),
		grant_commission=1,
		incoming_rate=np.where(unknown, 0.0, cost),
	)
	packed = np.flatnonzero((item_kind == BUNDLE) & update_stock[document])
	if len(packed):
		yield packed_rows(
			history,
			make,
			"Sales Invoice",
			"Packed Invoice",
			name,
			number,
			lines,
			packed,
			line_names,
			docstatus,
			creation,
			day,
		)


class _PosInvoices:
	"""The POS Invoices behind consolidated invoices: one to six each; the last day's still wait."""

	def __init__(self, history: History, consolidated: Any) -> None:
		"""Number them over the whole history."""
		self.history = history
		positions = np.flatnonzero(consolidated)
		invoices = history.invoices
		returns = invoices.kind[positions] == h.RETURN
		counts = np.where(returns, 1, 1 + (positions * 31) % 6)
		document, self._number = expand(counts)
		self._invoice = positions[document]
		self._count = counts[document]
		self._first = np.full(len(consolidated), -1)
		self._first[positions] = np.cumsum(counts) - counts
		self.waiting = 8 if len(positions) and history.company.site_kind == "pos" else 0
		day = invoices.day[self._invoice]
		last = int(invoices.day[-1])
		self._names = Series.by_day(
			"ACC-PSINV", np.append(day, np.full(self.waiting, last)).astype(np.int64), history.season.first
		)

	def rows(self, make: Frames, number: Ints, name: Objects, base_net: Floats) -> tuple[str, pd.DataFrame]:
		"""Those of some invoices, which add up to them."""
		first = self._first[number]
		start = int(first[0])
		stop = int(first[-1] + self._count[first[-1]])
		index = np.arange(start, stop)
		document = np.searchsorted(number, self._invoice[index])
		# All get the same, the first also what rounding leaves.
		each = np.round(base_net / self._count[first], 2)
		amount = np.where(
			self._number[index] == 0,
			np.round(base_net - each * (self._count[first] - 1), 2)[document],
			each[document],
		)
		return self._make(make, index, self._invoice[index], amount, name[document], "Consolidated")

	def waiting_rows(self, make: Frames) -> tuple[str, pd.DataFrame]:
		"""Those that no Sales Invoice consolidates yet."""
		index = np.arange(len(self._invoice), len(self._names))
		like = np.full(self.waiting, self._invoice[-1])
		amount = np.round(40.0 + 13.7 * np.arange(self.waiting), 2)
		return self._make(make, index, like, amount, np.full(self.waiting, None, dtype=object), "Paid")

	def _make(
		self, make: Frames, index: Ints, invoice: Ints, amount: Floats, consolidated: Objects, status: str
	) -> tuple[str, pd.DataFrame]:
		history = self.history
		invoices, deals = history.invoices, history.deals
		deal = invoices.deal[invoice]
		day = (
			invoices.day[invoice] if status == "Consolidated" else np.full(len(index), int(invoices.day[-1]))
		)
		employer = deals.employer[deal]
		creation = stamps(day, index)
		grand = np.round(amount * 1.19, 2)
		currency = Pick(list(CURRENCIES), employer)
		return make.make(
			"POS Invoice",
			len(index),
			name=self._names.of(index),
			creation=creation,
			docstatus=1,
			is_pos=1,
			naming_series="ACC-PSINV-.YYYY.-",
			owner=Pick(history.staff.users, deals.persons[deal, 0]),
			**party_columns(history, deals.customer[deal], employer),
			posting_date=day,
			posting_time=creation % 86400,
			due_date=day,
			is_return=amount < 0,
			is_opening="No",
			update_stock=1,
			currency=currency,
			conversion_rate=1.0,
			selling_price_list="Standard Selling",
			price_list_currency=currency,
			plc_conversion_rate=1.0,
			total_qty=np.where(amount < 0, -1.0, 1.0),
			total=amount,
			base_total=amount,
			net_total=amount,
			base_net_total=amount,
			total_taxes_and_charges=np.round(grand - amount, 2),
			base_total_taxes_and_charges=np.round(grand - amount, 2),
			grand_total=grand,
			base_grand_total=grand,
			rounded_total=np.round(grand),
			base_rounded_total=np.round(grand),
			paid_amount=grand,
			base_paid_amount=grand,
			debit_to=per_company("Debtors", employer),
			status=status,
			consolidated_invoice=consolidated,
			pos_profile="Counter",
			cost_center=per_company("Main", employer),
		)


def _ledger(
	history: History,
	make: Frames,
	number: Ints,
	name: Objects,
	base_net: Floats,
	totals: dict[str, Any],
	chosen: Ints,
) -> tuple[str, pd.DataFrame]:
	"""Three entries per invoice: receivable, income, tax (opening invoices: the opening account)."""
	invoices, deals = history.invoices, history.deals
	net, tax = base_net, totals["base_total_taxes_and_charges"][chosen]
	grand = totals["base_grand_total"][chosen]
	opening = invoices.kind[number] == h.OPENING
	employer = deals.employer[invoices.deal[number]]
	size = len(number)
	row = np.tile([0, 1, 2], size)
	document = np.repeat(np.arange(size), 3)
	value = np.stack([grand, -net, -tax], axis=1).ravel()
	# Nothing is taxed twice: an opening invoice's tax goes to the opening account, too.
	account = np.where(opening[document] & (row > 0), 3, row) + 4 * employer[document]
	day = invoices.day[number][document]
	years = (history.season.first + day).astype("datetime64[Y]").astype(np.int64) + 1970
	first_year = int(years.min()) if size else 1970
	labels = [str(first_year + i) for i in range(int(years.max() - first_year) + 1)] if size else [""]
	customer = history.customers.name[deals.customer[invoices.deal[number]]]
	debit, credit = np.maximum(value, 0.0), np.maximum(-value, 0.0)
	return make.make(
		"GL Entry",
		size * 3,
		name=row_names(number[document] * 4 + row, SALTS["GL Sale"]),
		docstatus=1,
		creation=stamps(day, number[document]),
		posting_date=day,
		account=Pick(_ACCOUNTS, account),
		party_type=Pick(["Customer"], np.where(row == 0, 0, -1)),
		party=masked(row == 0, customer[document]),
		cost_center=per_company("Main", employer[document]),
		debit=debit,
		credit=credit,
		account_currency=Pick(list(CURRENCIES), employer[document]),
		debit_in_account_currency=debit,
		credit_in_account_currency=credit,
		voucher_type="Sales Invoice",
		voucher_no=name[document],
		company=Pick(list(COMPANIES), employer[document]),
		fiscal_year=Pick(labels, years - first_year),
		is_opening=Pick(["No", "Yes"], opening[document]),
		remarks="No Remarks",
	)
