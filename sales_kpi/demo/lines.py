"""What the documents of the chain share: item lines, totals, credit shares, times of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sales_kpi.demo.frames import Frames, Pick, expand, lookup
from sales_kpi.demo.history import SHARES, History
from sales_kpi.demo.masters import exchange_rate
from sales_kpi.demo.names import row_names
from sales_kpi.demo.people import ABBREVIATIONS, COMPANIES, CURRENCIES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]

TAX = 0.19
# A document has at most this many lines, so that position × SLOTS + line numbers them all.
SLOTS = 8
# Salts of row names, one per child table or owner of child rows.
SALTS = {
	name: i + 10
	for i, name in enumerate(
		[
			"Opportunity Item",
			"Quotation Item",
			"Sales Order Item",
			"Delivery Note Item",
			"Sales Invoice Item",
			"Packed Delivery",
			"Packed Invoice",
			"Team Order",
			"Team Delivery",
			"Team Invoice",
			"Team Customer",
			"GL Sale",
			"GL Cost",
			"Call Log",
			"Event Participants",
			"Communication",
			"Quality Feedback Parameter",
			"Lost Reason",
			"Quotation Lost Reason",
		]
	)
}


def stamps(day: Ints, number: Ints) -> Ints:
	"""Seconds of a moment in office hours of these days, different for each number."""
	made: Ints = day * 86400 + 8 * 3600 + (number * 7919) % 32_400
	return made


@dataclass
class Lines:
	"""The lines of some documents: of each its document's position, its number from 0, and the amounts.

	`rate` and `amount` are in the document's currency, `base_…` in the company's; `net` and `base_net` are
	sums per document.
	"""

	document: Ints
	number: Ints
	item: Ints
	quantity: Floats
	rate: Floats
	amount: Floats
	base_rate: Floats
	base_amount: Floats
	conversion: Floats
	foreign: NDArray[np.bool_]
	net: Floats
	base_net: Floats
	total_quantity: Floats


def basket_lines(
	history: History,
	basket: Ints,
	factor: Floats | float,
	employer: Ints,
	rate_day: Ints,
	first_only: Any = False,
) -> Lines:
	"""Lines of documents that hold `factor` of their baskets, at the exchange rate of `rate_day`.

	Where `first_only`, a document has but its first line, with quantity 1 and a twentieth of the rate.
	"""
	baskets = history.baskets
	little = np.broadcast_to(np.asarray(first_only), basket.shape)
	count = np.where(little, 1, baskets.count[basket])
	document, number = expand(np.asarray(count, dtype=np.int64))
	at = baskets.first[basket][document] + number
	foreign = baskets.foreign[basket] & (employer == 0)
	conversion = np.where(foreign, exchange_rate(rate_day), 1.0)
	share = np.broadcast_to(np.asarray(factor, dtype=np.float64), basket.shape)[document]
	small = little[document]
	quantity = np.where(small, 1.0, np.round(baskets.quantity[at] * share, 3))
	rate = np.round(baskets.rate[at] * np.where(small, 0.05, 1.0) / conversion[document], 2)
	amount = np.round(quantity * rate, 2)
	base_rate = np.round(rate * conversion[document], 2)
	base_amount = np.round(amount * conversion[document], 2)
	size = len(basket)
	return Lines(
		document,
		number,
		baskets.item[at].astype(np.int64),
		quantity,
		rate,
		amount,
		base_rate,
		base_amount,
		conversion,
		foreign,
		np.round(np.bincount(document, weights=amount, minlength=size), 2),
		np.round(np.bincount(document, weights=base_amount, minlength=size), 2),
		np.bincount(document, weights=quantity, minlength=size).astype(np.float64),
	)


def item_columns(history: History, lines: Lines) -> dict[str, Any]:
	"""The columns that the item rows of Quotation, Sales Order, Delivery Note and Sales Invoice share."""
	items = history.items
	named = Pick(items.names, lines.item)
	return {
		"idx": lines.number + 1,
		"item_code": Pick(items.codes, lines.item),
		"item_name": named,
		"description": named,
		"item_group": _groups(items.groups, lines.item),
		"qty": lines.quantity,
		"stock_qty": lines.quantity,
		"uom": "Nos",
		"stock_uom": "Nos",
		"conversion_factor": 1.0,
		"price_list_rate": lines.rate,
		"rate": lines.rate,
		"amount": lines.amount,
		"base_rate": lines.base_rate,
		"base_amount": lines.base_amount,
		"net_rate": lines.rate,
		"net_amount": lines.amount,
		"base_net_rate": lines.base_rate,
		"base_net_amount": lines.base_amount,
	}


def total_columns(lines: Lines, employer: Ints) -> dict[str, Any]:
	"""Currency and totals of a document."""
	tax, base_tax = np.round(lines.net * TAX, 2), np.round(lines.base_net * TAX, 2)
	grand, base_grand = np.round(lines.net + tax, 2), np.round(lines.base_net + base_tax, 2)
	currency = Pick(list(CURRENCIES), np.where(lines.foreign, 1, employer))
	return {
		"currency": currency,
		"conversion_rate": lines.conversion,
		"selling_price_list": "Standard Selling",
		"price_list_currency": currency,
		"plc_conversion_rate": lines.conversion,
		"total_qty": lines.total_quantity,
		"total": lines.net,
		"base_total": lines.base_net,
		"net_total": lines.net,
		"base_net_total": lines.base_net,
		"total_taxes_and_charges": tax,
		"base_total_taxes_and_charges": base_tax,
		"grand_total": grand,
		"base_grand_total": base_grand,
	}


def rounded(columns: dict[str, Any]) -> dict[str, Any]:
	"""The same, with the rounded totals that Orders, Delivery Notes and Invoices have."""
	return columns | {
		"rounded_total": np.round(columns["grand_total"]),
		"base_rounded_total": np.round(columns["base_grand_total"]),
	}


def party_columns(history: History, customer: Ints, employer: Ints) -> dict[str, Any]:
	"""Customer, company, territory, group and channel of a document."""
	customers = history.customers
	lead = customers.lead[customer]
	source = lookup(history.leads.source, lead)
	name = customers.name[customer]
	return {
		"customer": name,
		"customer_name": name,
		"company": Pick(list(COMPANIES), employer),
		"territory": territory(history, customers.territory[customer]),
		"customer_group": Pick(_GROUPS, customers.group[customer]),
		"source": channel(history, source),
	}


def territory(history: History, codes: Ints) -> Pick:
	"""Territories by number."""
	return Pick(history.territory_list, codes)


def channel(history: History, codes: Ints) -> Pick:
	"""Channels by number."""
	return Pick(history.channel_list, codes)


def per_company(label: str, employer: Ints) -> Pick:
	"""An account or cost center, which bears its company's abbreviation."""
	return Pick([f"{label} - {abbr}" for abbr in ABBREVIATIONS], employer)


def team_rows(
	history: History,
	make: Frames,
	doctype: str,
	salt: str,
	parent: Objects,
	number: Ints,
	deal: Ints,
	base_net: Floats,
	docstatus: Ints,
	creation: Ints,
) -> tuple[str, pd.DataFrame]:
	"""The Sales Team of documents that bill or order these deals; `number` tells row names apart."""
	counts = np.array([len(rows) for rows in SHARES])
	slots = np.array([[slot for slot, _ in rows] + [0] * (3 - len(rows)) for rows in SHARES])
	percents = np.array([[percent for _, percent in rows] + [0.0] * (3 - len(rows)) for rows in SHARES])
	share = history.deals.share[deal].astype(np.int64)
	document, row = expand(counts[share])
	person = history.deals.persons[deal[document], slots[share[document], row]].astype(np.int64)
	percent = percents[share[document], row]
	return make.make(
		"Sales Team",
		len(document),
		name=row_names(number[document] * SLOTS + row, SALTS[salt]),
		parent=parent[document],
		parenttype=doctype,
		parentfield="sales_team",
		idx=row + 1,
		sales_person=Pick(history.staff.names, person),
		allocated_percentage=percent,
		allocated_amount=np.round(base_net[document] * percent / 100.0, 2),
		docstatus=docstatus[document],
		creation=creation[document],
	)


def packed_rows(
	history: History,
	make: Frames,
	doctype: str,
	salt: str,
	parent: Objects,
	number: Ints,
	lines: Lines,
	chosen: Ints,
	line_names: Objects,
	docstatus: Ints,
	creation: Ints,
	day: Ints,
) -> tuple[str, pd.DataFrame]:
	"""Two Packed Items for each bundle among the `chosen` lines; each costs half of the bundle."""
	items = history.items
	line = np.repeat(chosen, 2)
	half = np.tile([0, 1], len(chosen))
	document = lines.document[line]
	part = items.parts[lines.item[line], half]
	return make.make(
		"Packed Item",
		len(line),
		name=row_names((number[document] * SLOTS + lines.number[line]) * 2 + half, SALTS[salt]),
		parent=parent[document],
		parenttype=doctype,
		parentfield="packed_items",
		idx=lines.number[line] * 2 + half + 1,
		parent_item=Pick(items.codes, lines.item[line]),
		item_code=Pick(items.codes, part),
		item_name=Pick(items.names, part),
		description=Pick(items.names, part),
		qty=lines.quantity[line],
		uom="Nos",
		conversion_factor=1.0,
		incoming_rate=np.round(unit_cost(history, lines.item[line], day[document]) / 2.0, 2),
		parent_detail_docname=line_names[line],
		docstatus=docstatus[document],
		creation=creation[document],
	)


def unit_cost(history: History, item: Ints, day: Ints) -> Floats:
	"""What a unit costs on a day, in company currency: purchasing becomes a little dearer each month."""
	cost: Floats = np.round(history.items.cost[item] * (1.0 + 0.0015 * day / 30.4), 2).astype(np.float64)
	return cost


def _groups(groups: list[str], item: Ints) -> Pick:
	"""Item groups of items."""
	values = list(dict.fromkeys(groups))
	return Pick(values, np.array([values.index(group) for group in groups])[item])


_GROUPS = ["Commercial", "Government", "Non Profit", "Individual"]
