"""Rows before the invoice: Lead, Customer, Opportunity, Quotation, Sales Order, Delivery Note."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sales_kpi.demo import history as h
from sales_kpi.demo import names
from sales_kpi.demo.frames import Frames, Pick, chunks, lookup, masked
from sales_kpi.demo.history import History
from sales_kpi.demo.lines import (
	SALTS,
	SLOTS,
	Ints,
	Objects,
	basket_lines,
	channel,
	item_columns,
	packed_rows,
	party_columns,
	per_company,
	rounded,
	stamps,
	team_rows,
	territory,
	total_columns,
	unit_cost,
)
from sales_kpi.demo.masters import BUNDLE, CUSTOMER_GROUPS, STAGES
from sales_kpi.demo.names import row_names
from sales_kpi.demo.people import COMPANIES, CURRENCIES

Rows = Iterator[tuple[str, pd.DataFrame]]

LOST_REASONS = ["Price", "Competitor", "No budget", "Too late", "No answer"]
_CONTACTS = [
	f"{first} {last}"
	for last in (
		"Berg",
		"Lopez",
		"Ferrari",
		"Yamada",
		"Öztürk",
		"Martin",
		"Hall",
		"Kumar",
		"Nilsson",
		"Petrov",
	)
	for first in ("Sara", "Tom", "Leila", "Max", "Nina", "Carlos", "Julia", "Arif", "Eva", "Paul")
]


def _lead_companies(history: History) -> Objects:
	"""What each lead's company is called: a lead that was won, as its customer is."""
	leads = history.leads
	companies = names.company_names(len(leads.day), history.company.seed * 17 + 5)
	won = leads.customer >= 0
	companies[won] = history.customers.name[leads.customer[won]]
	return companies


def leads(history: History, make: Frames) -> Rows:
	"""Lead."""
	leads, company = history.leads, history.company
	companies = _lead_companies(history)
	for part in chunks(len(leads.day)):
		number = np.arange(part.start, part.stop)
		rng = np.random.default_rng([company.seed, 200, part.start])
		contact = rng.integers(0, len(_CONTACTS), len(number))
		creation = stamps(leads.day[part], number)
		# Every tenth lead has no company, as the form leaves it optional.
		nobody = rng.random(len(number)) < 0.1
		yield make.make(
			"Lead",
			len(number),
			name=history.lead_names.of(number),
			creation=creation,
			modified=np.maximum(creation + 600, stamps(leads.end_day[part], number)),
			owner=_users(
				history, np.where(leads.owner[part] < 0, history.staff.unmapped_users[0], leads.owner[part])
			),
			naming_series="CRM-LEAD-.YYYY.-",
			lead_name=Pick(_CONTACTS, contact),
			title=companies[part],
			first_name=Pick(*_unique([name.split()[0] for name in _CONTACTS], contact)),
			last_name=Pick(*_unique([name.split()[-1] for name in _CONTACTS], contact)),
			company_name=companies[part],
			email_id=_addresses(number),
			lead_owner=_users(history, leads.owner[part]),
			status=Pick(h.LEAD_STATUS, leads.status[part]),
			source=channel(history, leads.source[part]),
			company=Pick(list(COMPANIES), np.where(nobody, -1, leads.employer[part])),
			type="Client",
			territory=territory(history, leads.territory[part]),
		)


def customers(history: History, make: Frames) -> Rows:
	"""Customer, with their Sales Team."""
	customers, staff = history.customers, history.staff
	size = len(customers.name)
	buying = history.company.customer_count
	legacy = customers.lead < 0
	today = np.full(size, history.last)
	# Walk-in, the sister company and whoever was there before the records begin were created before.
	born = np.where((np.arange(size) >= buying) | (np.arange(size) < history.legacy), -30, customers.born)
	person = staff.on_duty(customers.person, today)
	for part in chunks(size):
		number = np.arange(part.start, part.stop)
		rng = np.random.default_rng([history.company.seed, 201, part.start])
		special = number >= buying
		creation = stamps(born[part], number)
		sister = number == buying + 1
		yield make.make(
			"Customer",
			len(number),
			name=customers.name[part],
			customer_name=customers.name[part],
			creation=creation,
			owner=_users(history, person[part]),
			customer_type="Company",
			customer_group=Pick(CUSTOMER_GROUPS, customers.group[part]),
			territory=territory(history, customers.territory[part]),
			lead_name=history.lead_names.of(customers.lead[part]),
			opportunity_name=history.opportunity_names.of(customers.opportunity[part]),
			account_manager=_users(
				history, np.where(special | (rng.random(len(number)) < 0.2), -1, person[part])
			),
			is_internal_customer=sister,
			represents_company=Pick([COMPANIES[1]], np.where(sister, 0, -1)),
		)
		if history.company.site_kind == "no-sales-team":
			continue
		chosen = number[~special & ~(legacy[part] & (number % 10 == 0))]
		if len(chosen):
			yield make.make(
				"Sales Team",
				len(chosen),
				name=row_names(chosen, SALTS["Team Customer"]),
				parent=customers.name[chosen],
				parenttype="Customer",
				parentfield="sales_team",
				idx=1,
				allocated_percentage=100.0,
				sales_person=Pick(staff.names, person[chosen]),
				creation=stamps(born[chosen], chosen),
			)


def opportunities(history: History, make: Frames) -> Rows:
	"""Opportunity, Opportunity Item, Opportunity Lost Reason Detail."""
	all_of, deals = history.opportunities, history.deals
	quoted = np.zeros(len(all_of.day), dtype=bool)
	quoted[history.quotations.opportunity[history.quotations.opportunity >= 0]] = True
	partly = np.zeros(len(all_of.day), dtype=bool)
	chosen = (history.quotations.status == h.PARTLY) & (history.quotations.opportunity >= 0)
	partly[history.quotations.opportunity[chosen]] = True
	statuses = ["Open", "Quotation", "Converted", "Lost", "Closed", "Replied"]
	companies = _lead_companies(history)
	for part in chunks(len(all_of.day)):
		number = np.arange(part.start, part.stop)
		size = len(number)
		rng = np.random.default_rng([history.company.seed, 202, part.start])
		outcome, lead, customer = all_of.outcome[part], all_of.lead[part], all_of.customer[part]
		employer, basket, day = all_of.employer[part], all_of.basket[part], all_of.day[part]
		won = outcome <= h.WON_BY_STATUS
		rate_day = np.where(won, deals.day[np.where(won, basket, 0)], day)
		lines = basket_lines(history, basket, 1.0, employer, rate_day)
		status = np.select(
			[
				outcome == h.LOST,
				outcome == h.CLOSED,
				won & partly[part],
				won,
				quoted[part],
				rng.random(size) < 0.2,
			],
			[3, 4, 1, 2, 1, 5],
			0,
		)
		# An incoming mail sets even a won opportunity to Open again.
		status = np.where((outcome == h.WON) & (rng.random(size) < 0.02), 0, status)
		creation = stamps(day, number)
		end = np.where(all_of.end_day[part] < 0, day + 1, all_of.end_day[part])
		with_items = all_of.with_items[part]
		# Only the form fills the base amount; without items, somebody has at least typed an amount.
		by_form = rng.random(size) < 0.65
		typed = by_form | ~with_items | (rng.random(size) < 0.5)
		# A quick first answer to most, none to some; the slipping salesperson answers ever later.
		response = np.round(
			rng.lognormal(9.6, 1.0, size) / history.staff.strength(all_of.person[part], day) ** 2
		)
		party = np.where(lead >= 0, history.lead_names.of(lead), history.customers.name[customer])
		called = np.where(lead >= 0, companies[lead], history.customers.name[customer])
		name = history.opportunity_names.of(number)
		yield make.make(
			"Opportunity",
			size,
			name=name,
			creation=creation,
			modified=np.maximum(creation + 900, stamps(end, number)),
			owner=_users(history, all_of.person[part]),
			naming_series="CRM-OPP-.YYYY.-",
			opportunity_from=Pick(["Customer", "Lead"], lead >= 0),
			party_name=party,
			customer_name=called,
			title=called,
			opportunity_type="Sales",
			status=Pick(statuses, status),
			expected_closing=day + rng.integers(15, 90, size),
			order_lost_reason=Pick(LOST_REASONS, np.where(outcome == h.LOST, rng.integers(0, 5, size), -1)),
			currency=Pick(list(CURRENCIES), np.where(lines.foreign, 1, employer)),
			conversion_rate=lines.conversion,
			opportunity_amount=np.where(typed, lines.net, 0.0),
			base_opportunity_amount=np.where(by_form, lines.base_net, 0.0),
			total=np.where(with_items, lines.net, 0.0),
			base_total=np.where(with_items, lines.base_net, 0.0),
			sales_stage=Pick(STAGES, np.where(quoted[part], 4, rng.integers(0, 4, size))),
			probability=100.0,
			territory=territory(history, all_of.territory[part]),
			company=Pick(list(COMPANIES), employer),
			customer_group=Pick(
				CUSTOMER_GROUPS, np.where(customer >= 0, history.customers.group[customer], -1)
			),
			transaction_date=day,
			opportunity_owner=_users(history, all_of.owner[part]),
			source=channel(history, all_of.source[part]),
			first_response_time=np.where(rng.random(size) < 0.78, response, 0.0),
		)
		listed = np.flatnonzero(with_items[lines.document])
		columns = item_columns(history, lines)
		kept = {
			key: Pick(value.values, value.codes[listed]) if isinstance(value, Pick) else value[listed]
			for key, value in columns.items()
			if key in make.tables["Opportunity Item"].columns and not isinstance(value, (str, float))
		}
		document = lines.document[listed]
		yield make.make(
			"Opportunity Item",
			len(listed),
			**kept,
			uom="Nos",
			name=row_names(number[document] * SLOTS + lines.number[listed], SALTS["Opportunity Item"]),
			parent=name[document],
			parenttype="Opportunity",
			parentfield="items",
			creation=creation[document],
		)
		lost = np.flatnonzero(outcome == h.LOST)
		yield make.make(
			"Opportunity Lost Reason Detail",
			len(lost),
			name=row_names(number[lost], SALTS["Lost Reason"]),
			parent=name[lost],
			parenttype="Opportunity",
			parentfield="lost_reasons",
			idx=1,
			lost_reason=Pick(LOST_REASONS, rng.integers(0, 5, len(lost))),
			creation=creation[lost],
		)


def quotations(history: History, make: Frames) -> Rows:
	"""Quotation, Quotation Item, Quotation Lost Reason Detail."""
	all_of, deals = history.quotations, history.deals
	labels = ["Draft", "Open", "Ordered", "Partially Ordered", "Lost", "Expired", "Cancelled"]
	by_status = np.array([2, 3, 4, 1, 5, 5, 0, 6])
	deal_count = len(deals.day)
	companies = _lead_companies(history)
	for part in chunks(len(all_of.day)):
		number = np.arange(part.start, part.stop)
		size = len(number)
		lead, customer, employer = all_of.lead[part], all_of.customer[part], all_of.employer[part]
		status, basket, day = all_of.status[part], all_of.basket[part], all_of.day[part]
		of_deal = basket < deal_count
		rate_day = np.where(of_deal, deals.day[np.where(of_deal, basket, 0)], day)
		# Of a partly ordered quotation, half the quantity was ordered.
		lines = basket_lines(history, basket, np.where(status == h.PARTLY, 2.0, 1.0), employer, rate_day)
		name = history.quotation_names.of(number)
		party = np.where(lead >= 0, history.lead_names.of(lead), history.customers.name[customer])
		called = np.where(lead >= 0, companies[lead], history.customers.name[customer])
		opportunity = history.opportunity_names.of(all_of.opportunity[part])
		link = all_of.link[part]
		docstatus = np.select([status == h.Q_DRAFT, status == h.Q_CANCELLED], [0, 2], 1)
		source = lookup(history.leads.source, lead)
		place = np.where(
			lead >= 0, lookup(history.leads.territory, lead), history.customers.territory[customer]
		)
		creation = stamps(day, number)
		lost_days = np.where(status == h.Q_LOST, np.minimum(12, history.last - day), 0)
		yield make.make(
			"Quotation",
			size,
			name=name,
			creation=creation,
			modified=creation + 600 + lost_days * 86400,
			docstatus=docstatus,
			owner=_users(history, all_of.person[part]),
			naming_series="SAL-QTN-.YYYY.-",
			quotation_to=Pick(["Customer", "Lead"], lead >= 0),
			party_name=party,
			customer_name=called,
			company=Pick(list(COMPANIES), employer),
			transaction_date=day,
			valid_till=day + 30,
			order_type="Sales",
			territory=territory(history, place),
			source=channel(history, source),
			customer_group=Pick(
				CUSTOMER_GROUPS, np.where(customer >= 0, history.customers.group[customer], -1)
			),
			**total_columns(lines, employer),
			status=Pick(labels, by_status[status]),
			opportunity=masked(link != h.ROWS_ONLY, opportunity),
		)
		document = lines.document
		linked = (all_of.opportunity[part] >= 0) & (link != h.HEADER_ONLY)
		yield make.make(
			"Quotation Item",
			len(document),
			**item_columns(history, lines),
			name=row_names(number[document] * SLOTS + lines.number, SALTS["Quotation Item"]),
			parent=name[document],
			parenttype="Quotation",
			parentfield="items",
			docstatus=docstatus[document],
			creation=creation[document],
			prevdoc_doctype=Pick(["Opportunity"], np.where(linked[document], 0, -1)),
			prevdoc_docname=masked(linked, opportunity)[document],
		)
		lost = np.flatnonzero(status == h.Q_LOST)
		yield make.make(
			"Quotation Lost Reason Detail",
			len(lost),
			name=row_names(number[lost], SALTS["Quotation Lost Reason"]),
			parent=name[lost],
			parenttype="Quotation",
			parentfield="lost_reasons",
			idx=1,
			docstatus=1,
			lost_reason=Pick(LOST_REASONS, number[lost] % 5),
			creation=creation[lost],
		)


def orders(history: History, make: Frames) -> Rows:
	"""Sales Order, Sales Order Item, their Sales Team."""
	all_of, deals = history.orders, history.deals
	labels = ["Draft", "To Deliver and Bill", "Completed", "Closed", "Cancelled", "To Bill"]
	for part in chunks(len(all_of.day)):
		number = np.arange(part.start, part.stop)
		deal, day, docstatus = all_of.deal[part], all_of.day[part], all_of.docstatus[part]
		employer = deals.employer[deal]
		lines = basket_lines(history, deal, 1.0, employer, deals.day[deal])
		closed = deals.closed[deal] & (docstatus == 1)
		waiting = history.unbilled[deal]
		done = np.where(waiting, 0.0, 100.0)
		billed = np.where(closed, np.round(100.0 / deals.parts[deal], 3), done)
		billed = np.where(docstatus == 1, billed, 0.0)
		delivered = np.where(~closed & (docstatus == 1) & (deals.delivery[deal] >= 0), 100.0, billed)
		status = np.select(
			[docstatus == 0, docstatus == 2, closed, waiting & (delivered == 100.0), waiting],
			[0, 4, 3, 5, 1],
			2,
		)
		name = history.order_names.of(number)
		creation = stamps(day, number)
		yield make.make(
			"Sales Order",
			len(number),
			name=name,
			creation=creation,
			docstatus=docstatus,
			owner=_users(history, deals.persons[deal, 0].astype(np.int64)),
			naming_series="SAL-ORD-.YYYY.-",
			**party_columns(history, deals.customer[deal], employer),
			**rounded(total_columns(lines, employer)),
			transaction_date=day,
			delivery_date=day + 14,
			order_type="Sales",
			status=Pick(labels, status),
			per_delivered=delivered,
			per_billed=billed,
			amount_eligible_for_commission=lines.base_net,
			cost_center=per_company("Main", employer),
		)
		document = lines.document
		quotation = deals.quotation[deal]
		yield make.make(
			"Sales Order Item",
			len(document),
			**item_columns(history, lines),
			name=row_names(number[document] * SLOTS + lines.number, SALTS["Sales Order Item"]),
			parent=name[document],
			parenttype="Sales Order",
			parentfield="items",
			docstatus=docstatus[document],
			creation=creation[document],
			delivery_date=day[document] + 14,
			prevdoc_docname=history.quotation_names.of(quotation)[document],
			quotation_item=row_links(quotation, lines.document, lines.number, "Quotation Item"),
			grant_commission=1,
			delivered_qty=lines.quantity * delivered[document] / 100.0,
			warehouse=per_company("Stores", employer[document]),
			billed_amt=np.round(lines.amount * billed[document] / 100.0, 2),
			valuation_rate=unit_cost(history, lines.item, day[document]),
		)
		yield team_rows(
			history,
			make,
			"Sales Order",
			"Team Order",
			name,
			number,
			deal,
			lines.base_net,
			docstatus,
			creation,
		)


def deliveries(history: History, make: Frames) -> Rows:
	"""Delivery Note, Delivery Note Item, Packed Item, their Sales Team."""
	deals = history.deals
	for part in chunks(len(history.delivery_day)):
		number = np.arange(part.start, part.stop)
		deal, day = history.delivery_deal[part], history.delivery_day[part]
		employer = deals.employer[deal]
		lines = basket_lines(history, deal, 1.0, employer, deals.day[deal])
		waiting = history.unbilled[deal]
		docstatus = np.ones(len(number), dtype=np.int64)
		name = history.delivery_names.of(number)
		creation = stamps(day, number)
		yield make.make(
			"Delivery Note",
			len(number),
			name=name,
			creation=creation,
			docstatus=1,
			naming_series="MAT-DN-.YYYY.-",
			owner=_users(history, np.full(len(number), history.staff.clerk)),
			**party_columns(history, deals.customer[deal], employer),
			**rounded(total_columns(lines, employer)),
			posting_date=day,
			posting_time=creation % 86400,
			status=Pick(["Completed", "To Bill"], waiting),
			per_billed=np.where(waiting, 0.0, 100.0),
			cost_center=per_company("Main", employer),
		)
		document = lines.document
		order = deals.order[deal]
		line_names = row_names(number[document] * SLOTS + lines.number, SALTS["Delivery Note Item"])
		bundle = history.items.kind[lines.item] == BUNDLE
		yield make.make(
			"Delivery Note Item",
			len(document),
			**item_columns(history, lines),
			name=line_names,
			parent=name[document],
			parenttype="Delivery Note",
			parentfield="items",
			docstatus=1,
			creation=creation[document],
			against_sales_order=history.order_names.of(order)[document],
			so_detail=row_links(order, document, lines.number, "Sales Order Item"),
			grant_commission=1,
			incoming_rate=np.where(bundle, 0.0, unit_cost(history, lines.item, day[document])),
			cost_center=per_company("Main", employer[document]),
			warehouse=per_company("Stores", employer[document]),
			expense_account=per_company("Cost of Goods Sold", employer[document]),
		)
		yield packed_rows(
			history,
			make,
			"Delivery Note",
			"Packed Delivery",
			name,
			number,
			lines,
			np.flatnonzero(bundle),
			line_names,
			docstatus,
			creation,
			day,
		)
		yield team_rows(
			history,
			make,
			"Delivery Note",
			"Team Delivery",
			name,
			number,
			deal,
			lines.base_net,
			docstatus,
			creation,
		)


def row_links(parent: Ints, document: Ints, number: Ints, table: str) -> Objects:
	"""Names of the rows of other documents that these lines come from; None where there is none."""
	at = parent[document]
	linked = row_names(np.maximum(at, 0) * SLOTS + number, SALTS[table])
	linked[at < 0] = None
	return linked


def _users(history: History, user: Any) -> Pick:
	"""Users by number."""
	return Pick(history.staff.users, np.asarray(user))


def _addresses(number: Ints) -> Objects:
	"""Distinct mail addresses."""
	return np.array([f"contact{i}@customer.example" for i in number.tolist()] + [None], dtype=object)[:-1]


def _unique(values: list[str], codes: Ints) -> tuple[list[str], Ints]:
	"""A list without repetition, and the codes into it."""
	distinct = list(dict.fromkeys(values))
	return distinct, np.array([distinct.index(value) for value in values])[codes]
