"""The whole history as compact numbers: who bought what when and how, before any row is made.

Everything refers to everything else by position in these arrays (-1: none); days count from the company's
first day. A million invoices take some hundred megabytes here; rows are made from it batch by batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sales_kpi.demo import names
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.frames import lookup
from sales_kpi.demo.masters import Items
from sales_kpi.demo.names import Series
from sales_kpi.demo.people import KEY_TEAM, SLOW_TEAM, Staff
from sales_kpi.demo.season import NEVER, Season

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]

WALK_IN = "Walk-in Customer"
SISTER = "Beta Services (internal)"

# How a deal's credit is shared: (slot of the salesperson, percent) per row of the Sales Team.
SINGLE, SIXTY_FORTY, THIRDS, NOBODY, NINETY, HUNDRED_TWENTY, TWICE = range(7)
SHARES: list[list[tuple[int, float]]] = [
	[(0, 100.0)],
	[(0, 60.0), (1, 40.0)],
	[(0, 33.333), (1, 33.333), (2, 33.334)],
	[],
	[(0, 90.0)],
	[(0, 70.0), (1, 50.0)],
	[(0, 50.0), (0, 50.0)],
]

UNEVEN_TEAMS = 80  # at most about so many deals whose shares don't add up to 100 %

WON, WON_BY_STATUS, LOST, CLOSED, OPEN = range(5)  # what became of an opportunity
ORDERED, PARTLY, Q_LOST, Q_OPEN, EXPIRED, INVOICED, Q_DRAFT, Q_CANCELLED = range(8)  # … of a quotation
PURCHASE, RETURN, DEBIT_NOTE, OPENING, INTERNAL = range(5)  # kinds of invoices
HEADER_AND_ROWS, HEADER_ONLY, ROWS_ONLY = range(3)  # where a quotation names its opportunity


@dataclass
class Leads:
	"""Owner is a user's number (-1: nobody)."""

	day: Ints
	source: Ints
	employer: Ints
	person: Ints
	owner: Ints
	territory: Ints
	customer: Ints
	end_day: Ints
	status: Ints


@dataclass
class Customers:
	"""`born` is the day of the first deal; the last two are Walk-in and the sister company."""

	name: Objects
	employer: Ints
	person: Ints
	territory: Ints
	group: Ints
	born: Ints
	lead: Ints
	opportunity: Ints


@dataclass
class Deals:
	"""What a customer decided to buy at once; `parts` invoices bill it, by way of an order or directly."""

	day: Ints
	customer: Ints
	employer: Ints
	persons: Ints
	share: Ints
	parts: Ints
	by_order: Bools
	closed: Bools
	consolidated: Bools
	kind: Ints
	amount: Floats
	order: Ints
	quotation: Ints
	delivery: Ints


@dataclass
class Opportunities:
	"""`end_day` is the day of the outcome, NEVER while open."""

	day: Ints
	lead: Ints
	customer: Ints
	employer: Ints
	person: Ints
	owner: Ints
	territory: Ints
	source: Ints
	outcome: Ints
	end_day: Ints
	basket: Ints
	with_items: Bools


@dataclass
class Quotations:
	"""`link` says where the opportunity is named."""

	day: Ints
	opportunity: Ints
	lead: Ints
	customer: Ints
	employer: Ints
	person: Ints
	basket: Ints
	status: Ints
	link: Ints


@dataclass
class Orders:
	"""Sales Orders; cancelled ones and drafts repeat the deal of a submitted one."""

	day: Ints
	deal: Ints
	docstatus: Ints


@dataclass
class Invoices:
	"""`against` is the returned or debited invoice, `amended` the cancelled one that this replaces.

	`factor` is the share of the deal's quantities that is billed (negative when it's returned).
	"""

	day: Ints
	deal: Ints
	kind: Ints
	docstatus: Ints
	factor: Floats
	against: Ints
	amended: Ints


@dataclass
class Baskets:
	"""Lines of deals (same numbers), then of opportunities and quotations that came to nothing."""

	first: Ints
	count: Ints
	item: NDArray[np.int16]
	quantity: Floats
	rate: Floats
	foreign: Bools
	total: Floats


class History:
	"""The company's history."""

	def __init__(self, company: DemoCompany, season: Season, staff: Staff, items: Items) -> None:
		"""Live it."""
		self.company, self.season, self.staff, self.items = company, season, staff, items
		self.last = season.days - 1
		self._amounts: list[Floats] = []
		self._basket_customers: list[Ints] = []
		self._baskets_count = 0
		self._make_leads()
		self._make_customers()
		self._make_deals()
		self._make_invoices()
		self._make_opportunities()
		self._make_quotations()
		self._make_orders()
		self._make_baskets()
		self._finish_leads()
		self.channel_list = names.sources(company.sources)
		self.territory_list = [country for country, _ in names.territories(company.territories)]
		first = season.first
		self.lead_names = Series.by_day("CRM-LEAD", self.leads.day, first)
		self.opportunity_names = Series.by_day("CRM-OPP", self.opportunities.day, first)
		self.quotation_names = Series.by_day("SAL-QTN", self.quotations.day, first)
		self.order_names = Series.by_day("SAL-ORD", self.orders.day, first)
		self.delivery_names = Series.by_day("MAT-DN", self.delivery_day, first)
		self.invoice_names = Series.by_day("ACC-SINV", self.invoices.day, first)

	def invoice_name(self, index: Ints) -> Objects:
		"""Names of invoices (None for -1): an amended one bears the name of the cancelled one and "-1"."""
		amended = np.where(index >= 0, self.invoices.amended[index], -1)
		made = self.invoice_names.of(np.where(amended >= 0, amended, index))
		for i in np.flatnonzero(amended >= 0).tolist():
			made[i] += "-1"
		return made

	def _rng(self, part: int) -> np.random.Generator:
		"""A stream of random numbers for one part, so that a change in one part leaves the others alone."""
		return np.random.default_rng([self.company.seed, 100 + part])

	def _territories(self, rng: np.random.Generator, person: Ints) -> Ints:
		"""A territory each: skewed, and differently for each team."""
		count = self.company.territories
		weights = 1.0 / np.arange(1, count + 1) ** 0.9
		drawn = rng.choice(count, size=len(person), p=weights / weights.sum())
		return (drawn + 3 * self.staff.team[person]) % count

	def _owners(self, rng: np.random.Generator, person: Ints) -> Ints:
		"""The owner's user: mostly the salesperson's, sometimes nobody or a user without Employee."""
		u = rng.random(len(person))
		desk = rng.choice([self.staff.mapped_user, *self.staff.unmapped_users], size=len(person))
		return np.where(u < 0.05, -1, np.where(u < 0.10, desk, person))

	def _stages(self, rng: np.random.Generator, person: Ints) -> tuple[Ints, Ints, Ints]:
		"""Days from lead to opportunity, to quotation, to order. The slow team takes long to quote."""
		count = len(person)
		to_opportunity = 1 + rng.exponential(3.5, count)
		to_quotation = 2 + rng.gamma(2.0, 3.0, count)
		to_quotation = np.where(self.staff.team[person] == SLOW_TEAM, to_quotation * 2.6 + 4, to_quotation)
		to_order = 3 + rng.gamma(1.6, 10.0, count)
		if self.company.site_kind == "three-weeks":
			to_opportunity, to_quotation, to_order = to_opportunity / 3, to_quotation / 3, to_order / 5
		return to_opportunity.astype(np.int64), to_quotation.astype(np.int64), to_order.astype(np.int64)

	def _make_leads(self) -> None:
		"""Leads, and when those that can be won would order (`_lead_*`)."""
		rng, season, staff = self._rng(1), self.season, self.staff
		count, channels = self.company.lead_count, self.company.sources
		day = season.lead_days(rng, count)
		weights = np.tile(1.0 / np.arange(1, channels + 1) ** 0.8, (season.days, 1))
		exhibition = 2 if channels > 2 else -1
		days = np.arange(season.days)
		if exhibition >= 0:
			weights[:, exhibition] *= season.exhibition_volume(days)
		cumulated = np.cumsum(weights, axis=1)
		cumulated /= cumulated[:, -1:]
		source = (rng.random(count)[:, None] > cumulated[day]).sum(axis=1)
		employer = (rng.random(count) < 0.12).astype(np.int64)
		person = staff.on_duty(staff.draw(rng, employer), day)
		rates = np.resize([1.0, 1.7, 1.15, 0.55, 0.8, 1.4, 0.7, 1.3], channels)
		chance = rates[source] * staff.strength(person, day)
		if exhibition >= 0:
			chance *= np.where(source == exhibition, season.exhibition_conversion(day), 1.0)
		# Orders beyond the end don't count: it takes more to reach three quarters of the customers.
		wanted = min(0.8 * self.company.customer_count, 0.3 * count)
		chance = np.minimum(chance * wanted / max(chance.sum(), 1.0), 0.85)
		to_opportunity, to_quotation, to_order = self._stages(rng, person)
		opportunity_day = season.later(day, to_opportunity)
		quotation_day = season.later(opportunity_day, to_quotation)
		order_day = season.later(quotation_day, to_order)
		winnable = rng.random(count) < chance
		won = np.flatnonzero(winnable & (order_day <= self.last))
		most = int(0.9 * self.company.customer_count)
		if len(won) > most:
			won = np.sort(rng.choice(won, size=most, replace=False))
		self.leads = Leads(
			day=day,
			source=np.where(rng.random(count) < 0.07, -1, source),
			employer=employer,
			person=person,
			owner=self._owners(rng, person),
			territory=self._territories(rng, person),
			customer=np.full(count, -1),
			end_day=np.full(count, NEVER),
			status=np.zeros(count, dtype=np.int64),
		)
		self._lead_won = won
		self._lead_days = (opportunity_day, quotation_day, order_day)
		self._lead_by_opportunity = rng.random(count) < 0.7

	def _make_customers(self) -> None:
		"""Customers that were there, that just came, that came as leads; Walk-in and the sister company."""
		rng, staff = self._rng(2), self.staff
		count, won = self.company.customer_count, self._lead_won
		rest = count - len(won)
		self.legacy = 0 if self.company.site_kind == "three-weeks" else int(rest * 0.7)
		if not self.company.has_funnel:
			self.legacy = int(count * 0.25)
		employer = (rng.random(count) < 0.12).astype(np.int64)
		born = np.zeros(count, dtype=np.int64)
		low = np.zeros(rest, dtype=np.int64)
		high = np.full(rest, self.last)
		high[: self.legacy] = min(70, self.last)
		born[:rest] = self.season.sales_days(rng, low, high)
		born[rest:] = self._lead_days[2][won]
		employer[rest:] = self.leads.employer[won]
		person = staff.draw(rng, employer)
		person[rest:] = self.leads.person[won]
		lead = np.full(count, -1)
		lead[rest:] = won
		self.leads.customer[won] = np.arange(rest, count)
		territory = self._territories(rng, person)
		territory[rest:] = self.leads.territory[won]
		two = np.array([0, 0])
		self.customers = Customers(
			name=np.append(
				names.company_names(count, self.company.seed * 31), np.array([WALK_IN, SISTER], dtype=object)
			),
			employer=np.append(employer, two),
			person=np.append(person, two),
			territory=np.append(territory, two),
			group=np.append(rng.choice(4, size=count, p=[0.72, 0.12, 0.06, 0.1]), two),
			born=np.append(born, two),
			lead=np.append(lead, two - 1),
			opportunity=np.full(count + 2, -1),
		)

	def _make_deals(self) -> None:
		"""First deals, then repeated ones until they make as many purchases as wanted."""
		rng, season, staff, company = self._rng(3), self.season, self.staff, self.company
		customers = self.customers
		count, total = company.customer_count, company.invoice_count
		self._extra = {
			"return": round(0.04 * total),
			"debit": round(0.004 * total),
			"opening": min(round(0.6 * self.legacy), round(0.012 * total)),
			"internal": round(0.006 * total),
			"cancelled": round(0.012 * total),
			"draft": round(0.004 * total),
		}
		purchases = total - sum(self._extra.values())
		# How often, how long and with which pause each customer buys: few buy often.
		pace = np.minimum(rng.pareto(1.5, count) + 0.5, 11.0)
		pace[: self.legacy] *= 2.2
		pace *= np.where(staff.team[customers.person[:count]] == KEY_TEAM, 0.6, 1.0)
		born = customers.born[:count]
		life = np.where(rng.random(count) < 0.3, 9000.0, 15.0 + rng.exponential(330.0, count))
		life[: self.legacy] *= 1.6
		death = np.minimum(born + life.astype(np.int64), self.last)
		pauses = rng.random(count) < 0.2
		pause = np.where(pauses, born + rng.integers(30, 330, count), season.days)
		resume = pause + rng.integers(200, 420, count)
		death = np.where(
			pauses & (resume < self.last), np.maximum(death, np.minimum(resume + 150, self.last)), death
		)
		size = rng.lognormal(0.0, 0.35, count)

		first_by_order = rng.random(count) < 0.4
		has_lead = customers.lead[:count] >= 0
		by_opportunity = np.zeros(count, dtype=bool)
		by_opportunity[has_lead] = self._lead_by_opportunity[customers.lead[:count][has_lead]]
		first_by_order = np.where(
			has_lead, rng.random(count) < np.where(by_opportunity, 0.94, 0.8), first_by_order
		)
		if not company.has_funnel:
			first_by_order[:] = False
		parts, part_days = self._parts(rng, born, first_by_order)
		needed = purchases - int((part_days <= self.last).sum())

		# Repeated deals: draw too many, let pauses and the slipping salesperson strike some, keep enough.
		chance = pace * season.selling_time(born + 1, death)
		chance /= chance.sum()
		order_share = {"invoices-only": 0.0, "pos": 0.25}.get(company.site_kind, 0.58)
		kept: list[tuple[NDArray[np.generic], ...]] = []
		have = 0
		while have < needed:
			tries = int((needed - have) * 1.3) + 50
			customer = rng.choice(count, size=tries, p=chance)
			day = season.sales_days(rng, np.minimum(born[customer] + 1, self.last), death[customer])
			person = staff.on_duty(customers.person[customer], day)
			well = (day > born[customer]) & ((day < pause[customer]) | (day >= resume[customer]))
			well &= rng.random(tries) < staff.strength(person, day)
			customer, day = customer[well], day[well]
			by_order = rng.random(len(day)) < order_share
			more_parts, more_days = self._parts(rng, day, by_order)
			billed = (more_days <= self.last).sum(axis=1)
			enough = np.cumsum(billed) <= needed - have
			if not enough.any():
				break
			kept.append(
				(customer[enough], day[enough], by_order[enough], more_parts[enough], more_days[enough])
			)
			have += int(billed[enough].sum())
		# The last few are too many for a deal in parts: drafts make up for them.
		self._extra["draft"] += needed - have
		repeat = [np.concatenate([np.arange(0), *(batch[i] for batch in kept)]) for i in range(4)]
		part_days = np.concatenate([part_days, *(batch[4] for batch in kept)])
		customer = np.concatenate([np.arange(count), repeat[0]]).astype(np.int64)
		day = np.concatenate([born, repeat[1]]).astype(np.int64)
		by_order = np.concatenate([first_by_order, repeat[2]]).astype(bool)
		parts = np.concatenate([parts, repeat[3]]).astype(np.int64)
		repeated = np.arange(len(day)) >= count

		# Over the counter: repeated direct deals, many of which nobody signs for.
		counter_share = {"pos": 0.8, "three-weeks": 0.0}.get(company.site_kind, 0.04)
		consolidated = repeated & ~by_order & (rng.random(len(day)) < counter_share)
		anonymous = consolidated & (rng.random(len(day)) < 0.7)
		employer = customers.employer[customer]
		customer = np.where(anonymous, count, customer)
		person = staff.on_duty(customers.person[np.where(anonymous, 0, customer)], day)
		person = np.where(anonymous, staff.draw(rng, employer), person)
		person = staff.on_duty(person, day)
		# A few customers buy from both companies.
		crossing = repeated & ~anonymous & (customer % 25 == 3) & (rng.random(len(day)) < 0.35)
		employer = np.where(crossing, 1 - employer, employer)
		person = np.where(crossing, staff.on_duty(staff.draw(rng, employer), day), person)

		scale = np.append(size, [0.12, 1.0])[customer] * np.where(staff.team[person] == KEY_TEAM, 2.1, 1.0)
		scale = scale * np.where(employer == 1, 0.6, 1.0)
		amount = np.clip(4300.0 * scale * rng.lognormal(0.0, 0.65, len(day)), 450.0, 60_000.0)
		amount = np.where(consolidated, np.clip(amount * 0.5, 120.0, 6000.0), amount)

		# Opening invoices of legacy customers, and sales to the sister company.
		opening, internal = self._extra["opening"], self._extra["internal"]
		opened = rng.choice(max(self.legacy, 1), size=opening, replace=False) if opening else np.arange(0)
		start = int(season.working(np.array([0]))[0])
		extra_days = np.concatenate(
			[
				np.full(opening, min(start, self.last)),
				season.sales_days(rng, np.zeros(internal, np.int64), np.full(internal, self.last)),
			]
		)
		extra_customer = np.concatenate([opened, np.full(internal, count + 1)]).astype(np.int64)
		extra = opening + internal
		kind = np.concatenate(
			[np.full(len(day), PURCHASE), np.full(opening, OPENING), np.full(internal, INTERNAL)]
		)
		customer = np.append(customer, extra_customer)
		day = np.append(day, extra_days)
		employer = np.append(
			employer, np.where(extra_customer > count, 0, customers.employer[extra_customer])
		)
		person = np.append(person, customers.person[extra_customer])
		amount = np.append(amount, rng.uniform(900.0, 9000.0, extra))
		by_order = np.append(by_order, np.zeros(extra, dtype=bool))
		consolidated = np.append(consolidated, np.zeros(extra, dtype=bool))
		parts = np.append(parts, np.ones(extra, dtype=np.int64))
		part_days = np.concatenate([part_days, np.full((extra, 3), self.last + 1)])
		part_days[len(part_days) - extra :, 0] = extra_days

		deals = len(day)
		share = rng.choice(7, size=deals, p=[0.835, 0.08, 0.04, 0.027, 0.008, 0.006, 0.004])
		# ERPNext refuses teams off 100 %: what slipped in by imports is a few, however large the company.
		off = np.flatnonzero((share == NINETY) | (share == HUNDRED_TWENTY))
		few = off[:: max(1, -(-len(off) // UNEVEN_TEAMS))]
		share[np.setdiff1d(off, few)] = SINGLE
		share = np.where((customer >= count) & (rng.random(deals) < 0.8), NOBODY, share)
		if company.site_kind == "no-sales-team":
			share[:] = NOBODY
		second = staff.colleagues(rng, person)
		third = staff.colleagues(rng, second)
		third = np.where(third == person, staff.colleagues(rng, person), third)
		second, third = staff.on_duty(second, day), staff.on_duty(third, day)
		share = np.where((share == THIRDS) & ((third == person) | (third == second)), SIXTY_FORTY, share)
		alone = (second == person) & ((share == SIXTY_FORTY) | (share == HUNDRED_TWENTY) | (share == THIRDS))
		share = np.where(alone, SINGLE, share)
		# A deal closed early: ordered in parts, and only the first part delivered.
		closed = by_order & (parts > 1) & (rng.random(deals) < 0.08)
		none = np.full(deals, -1)
		self.deals = Deals(
			day=day,
			customer=customer,
			employer=employer,
			persons=np.stack([person, second, third], axis=1).astype(np.int16),
			share=share.astype(np.int8),
			parts=parts,
			by_order=by_order,
			closed=closed,
			consolidated=consolidated,
			kind=kind,
			amount=amount,
			order=none,
			quotation=none.copy(),
			delivery=none.copy(),
		)
		self._part_days = part_days
		self._first_by_opportunity = by_opportunity
		self._basket(amount, customer)

	def _parts(self, rng: np.random.Generator, day: Ints, by_order: Bools) -> tuple[Ints, Ints]:
		"""In how many invoices each deal is billed, and on which days (unused ones: after the end)."""
		count = len(day)
		parts = np.where(by_order, rng.choice([1, 2, 3], size=count, p=[0.72, 0.18, 0.10]), 1)
		lag = np.where(by_order, 2 + rng.exponential(9.0, count).astype(np.int64), 0)
		if self.company.site_kind == "three-weeks":
			lag = np.minimum(lag, 4)
		numbers = np.arange(3)
		days = self.season.later(day[:, None], lag[:, None] + 28 * numbers)
		return parts, np.where(numbers < parts[:, None], days, self.last + 1)

	def _basket(self, amount: Floats, customer: Ints) -> Ints:
		"""Reserve a basket of about `amount` each; its lines are drawn later."""
		self._amounts.append(amount)
		self._basket_customers.append(customer)
		first = self._baskets_count
		self._baskets_count += len(amount)
		return np.arange(first, self._baskets_count)

	def _make_invoices(self) -> None:
		"""Purchases from the deals, then returns, debit notes, cancelled ones and drafts."""
		rng, deals, extra = self._rng(4), self.deals, self._extra
		billed = self._part_days <= self.last
		deal, part = np.nonzero(billed)
		early = deals.closed[deal] & (part > 0)
		# What a deal closed early doesn't bill, becomes drafts: the number of invoices stays as asked for.
		extra["draft"] += int(early.sum())
		deal, part = deal[~early], part[~early]
		day = self._part_days[deal, part]
		kind = deals.kind[deal]
		factor = 1.0 / deals.parts[deal]
		ordinary = np.flatnonzero((kind == PURCHASE) & (day <= self.last - 6))
		order = rng.permutation(ordinary)
		returned = order[: extra["return"]]
		debited = order[extra["return"] : extra["return"] + extra["debit"]]
		rest = order[extra["return"] + extra["debit"] :]
		cancelled = rest[: extra["cancelled"]]
		short = (
			extra["return"]
			+ extra["debit"]
			+ extra["cancelled"]
			- len(returned)
			- len(debited)
			- len(cancelled)
		)
		recent = np.flatnonzero((kind == PURCHASE) & (day > self.last - 45))
		drafts = rng.choice(recent if len(recent) else np.arange(len(day)), size=extra["draft"] + short)
		back = np.where(rng.random(len(returned)) < 0.3, 1.0, rng.uniform(0.1, 0.5, len(returned)))
		late = self.season.later(day[returned], rng.integers(2, 40, len(returned)))
		return_day = np.where(late <= self.last, late, self._before_end(day[returned]))
		base = len(day)
		# Every second cancelled invoice was amended: the ordinary one replaces it.
		amended = np.full(base, -1)
		first_cancelled = base + len(returned) + len(debited)
		amended[cancelled[::2]] = first_cancelled + np.arange(len(cancelled))[::2]
		added = [returned, debited, cancelled, drafts]
		sizes = [len(part) for part in added]
		source = np.concatenate(added)
		debit_day = self.season.later(day[debited], rng.integers(1, 25, len(debited)))
		debit_day = np.where(debit_day <= self.last, debit_day, self._before_end(day[debited]))
		invoices = Invoices(
			day=np.concatenate([day, return_day, debit_day, day[cancelled], day[drafts]]),
			deal=np.concatenate([deal, deal[source]]),
			kind=np.concatenate([kind, np.repeat([RETURN, DEBIT_NOTE, PURCHASE, PURCHASE], sizes)]),
			docstatus=np.concatenate([np.ones(base, dtype=np.int64), np.repeat([1, 1, 2, 0], sizes)]),
			factor=np.concatenate([factor, -back * factor[returned], factor[source[len(returned) :]]]),
			against=np.concatenate([np.full(base, -1), returned, debited, np.full(sizes[2] + sizes[3], -1)]),
			amended=np.concatenate([amended, np.full(len(source), -1)]),
		)
		order = np.argsort(invoices.day, kind="stable")
		place = np.append(np.argsort(order), -1)
		self.invoices = Invoices(
			day=invoices.day[order],
			deal=invoices.deal[order],
			kind=invoices.kind[order],
			docstatus=invoices.docstatus[order],
			factor=invoices.factor[order],
			against=place[invoices.against[order]],
			amended=place[invoices.amended[order]],
		)
		self._first_invoice_day = np.where(billed[:, 0], self._part_days[:, 0], NEVER)
		self.unbilled = self.deals.by_order & ~(billed.sum(axis=1) >= self.deals.parts)

	def _before_end(self, day: Ints) -> Ints:
		"""The last working day, not before the given one (which is a working day)."""
		last = self.last
		while last > 0 and int(self.season.working(np.array([last]))[0]) != last:
			last -= 1
		return np.maximum(day, last)

	def _make_opportunities(self) -> None:
		"""Those that won the first deals, those behind later ones, and those that came to nothing."""
		rng, staff, season = self._rng(5), self.staff, self.season
		company, leads, customers, deals = self.company, self.leads, self.customers, self.deals
		count, wanted = company.customer_count, company.opportunity_count
		self.deal_opportunity = np.full(len(deals.day), -1)
		opportunity_day, quotation_day, _ = self._lead_days
		self._quotation_day = np.full(len(deals.day), NEVER)
		has_lead = np.flatnonzero(customers.lead[:count] >= 0)
		self._quotation_day[has_lead] = quotation_day[customers.lead[has_lead]]

		first = np.flatnonzero(self._first_by_opportunity)[:wanted]
		later = np.flatnonzero(
			(np.arange(len(deals.day)) >= count)
			& deals.by_order
			& (deals.kind == PURCHASE)
			& (deals.customer < count)
		)
		later = later[deals.day[later] - customers.born[deals.customer[later]] > 75]
		later = rng.permutation(later)[: min(len(later), int(0.15 * wanted), wanted - len(first))]
		person = deals.persons[later, 0].astype(np.int64)
		_, to_quotation, to_order = self._stages(rng, person)
		born = customers.born[deals.customer[later]]
		quoted = np.maximum(season.later(deals.day[later], -to_order), born)
		later_day = np.maximum(season.later(quoted, -to_quotation), born)
		self._quotation_day[later] = np.minimum(quoted, deals.day[later])

		# Came to nothing: a third from leads that weren't won, the others from customers.
		rest = wanted - len(first) - len(later)
		unwon = np.flatnonzero(leads.customer < 0)
		from_leads = np.sort(rng.permutation(unwon)[: min(int(0.4 * rest), int(0.4 * len(unwon)))])
		lead_day = opportunity_day[from_leads]
		from_leads = from_leads[lead_day <= self.last]
		lead_day = opportunity_day[from_leads]
		n_customers = rest - len(from_leads)
		party = np.zeros(0, dtype=np.int64)
		party_day = np.zeros(0, dtype=np.int64)
		by_birth = np.argsort(customers.born[:count], kind="stable")
		births = customers.born[by_birth]
		while len(party) < n_customers:
			tries = (n_customers - len(party)) * 2 + 20
			day = season.sales_days(
				rng, np.full(tries, min(int(births[0]) + 1, self.last)), np.full(tries, self.last)
			)
			# Any customer of that day: drawing customers first would make the losses grow with their number.
			known = np.maximum(np.searchsorted(births, day, side="right"), 1)
			draw = by_birth[(rng.random(tries) * known).astype(np.int64)]
			# The slipping salesperson keeps trying, and loses more.
			slips = (customers.person[draw] == staff.slipper) & (
				staff.strength(customers.person[draw], day) < 1.0
			)
			well = (day >= customers.born[draw]) & (slips | (rng.random(len(draw)) < 0.55))
			party = np.append(party, draw[well])[:n_customers]
			party_day = np.append(party_day, day[well])[:n_customers]
		none_from = np.full(len(from_leads), -1)
		day = np.concatenate([opportunity_day[customers.lead[first]], later_day, lead_day, party_day])
		lead = np.concatenate(
			[customers.lead[first], np.full(len(later), -1), from_leads, np.full(n_customers, -1)]
		)
		customer = np.concatenate([np.full(len(first), -1), deals.customer[later], none_from, party])
		deal = np.concatenate([first, later, np.full(len(from_leads) + n_customers, -1)])
		won = deal >= 0
		owner_person = np.concatenate(
			[leads.person[customers.lead[first]], person, leads.person[from_leads], customers.person[party]]
		)
		owner_person = staff.on_duty(owner_person, day)
		size = len(day)
		ending = day + np.maximum(4, rng.lognormal(3.6, 0.7, size).astype(np.int64))
		if company.site_kind == "three-weeks":
			ending = day + rng.integers(2, 25, size)
		ended = ending <= self.last
		u = rng.random(size)
		outcome = np.select([~ended, u < 0.85, u < 0.93], [OPEN, LOST, CLOSED], OPEN)
		by_order = won & deals.by_order[deal]
		outcome = np.where(by_order, WON, np.where(won, WON_BY_STATUS, outcome))
		ending = np.where(won, deals.day[deal], np.where(outcome == OPEN, NEVER, ending))
		lost_amounts = np.clip(rng.lognormal(8.75, 0.8, size), 500.0, 60_000.0)
		basket = deal.copy()
		basket[~won] = self._basket(lost_amounts[~won], customer[~won])
		chain_lead = np.where(lead >= 0, lead, np.where(customer >= 0, customers.lead[customer], -1))
		employer = np.where(lead >= 0, lookup(leads.employer, lead), customers.employer[customer])
		employer = np.where(won, deals.employer[deal], employer)
		source = lookup(leads.source, chain_lead)
		territory = np.where(lead >= 0, lookup(leads.territory, lead), customers.territory[customer])
		owner = np.where(lead >= 0, lookup(leads.owner, lead), self._owners(rng, owner_person))
		order = np.argsort(day, kind="stable")
		self.opportunities = Opportunities(
			day=day[order],
			lead=lead[order],
			customer=customer[order],
			employer=employer[order],
			person=owner_person[order],
			owner=owner[order],
			territory=territory[order],
			source=source[order],
			outcome=outcome[order],
			end_day=ending[order],
			basket=basket[order],
			with_items=(rng.random(size) < 0.7)[order],
		)
		self.deal_opportunity[deal[order][won[order]]] = np.flatnonzero(won[order])
		made = has_lead[rng.random(len(has_lead)) < 0.4]
		customers.opportunity[made] = self.deal_opportunity[made]

	def _make_quotations(self) -> None:
		"""One for each won opportunity, some for lost ones, some for deals without any, and idle ones."""
		rng, company, season = self._rng(6), self.company, self.season
		opportunities, customers, deals = self.opportunities, self.customers, self.deals
		count = company.customer_count
		has_opportunity = self.deal_opportunity >= 0
		is_purchase = deals.kind == PURCHASE
		spontaneous = is_purchase & deals.by_order & ~has_opportunity & (deals.customer < count)
		spontaneous &= rng.random(len(deals.day)) < np.where(np.arange(len(deals.day)) < count, 0.6, 0.3)
		quoted = np.flatnonzero(has_opportunity | spontaneous)
		day = self._quotation_day[quoted]
		weeks = rng.integers(1, 25, len(quoted))
		born = np.minimum(customers.born[deals.customer[quoted]], deals.day[quoted])
		alone = np.maximum(season.later(deals.day[quoted], -weeks), born)
		day = np.where(day == NEVER, alone, day)
		first = quoted < count
		lead = np.where(first, customers.lead[deals.customer[quoted]], -1)
		customer = np.where(lead >= 0, -1, deals.customer[quoted])
		partly = deals.by_order[quoted] & (rng.random(len(quoted)) < 0.02)
		status = np.where(deals.by_order[quoted], np.where(partly, PARTLY, ORDERED), INVOICED)

		failed = np.flatnonzero(opportunities.outcome >= LOST)
		failed = failed[rng.random(len(failed)) < 0.6]
		_, to_quotation, _ = self._stages(rng, opportunities.person[failed])
		failed_day = season.later(opportunities.day[failed], to_quotation)
		ends = opportunities.end_day[failed]
		in_time = (failed_day <= self.last) & ((ends == NEVER) | (failed_day <= ends))
		failed, failed_day = failed[in_time], failed_day[in_time]
		outcome = opportunities.outcome[failed]
		failed_status = np.select([outcome == LOST, failed_day < self.last - 45], [Q_LOST, EXPIRED], Q_OPEN)

		idle = round(0.04 * company.invoice_count) if company.has_funnel else 0
		idle_customer = rng.choice(count, size=idle)
		idle_day = season.sales_days(rng, customers.born[idle_customer], np.full(idle, self.last))
		idle_day = np.maximum(idle_day, customers.born[idle_customer])
		idle_status = np.where(idle_day < self.last - 30, EXPIRED, Q_OPEN)
		u = rng.random(idle)
		idle_status = np.select([u < 0.25, u < 0.30, u < 0.36], [Q_LOST, Q_DRAFT, Q_CANCELLED], idle_status)
		idle_basket = self._basket(np.clip(rng.lognormal(8.4, 0.8, idle), 500.0, 60_000.0), idle_customer)

		opportunity = np.concatenate([self.deal_opportunity[quoted], failed, np.full(idle, -1)])
		lead = np.concatenate([lead, opportunities.lead[failed], np.full(idle, -1)])
		size = len(opportunity)
		persons = np.concatenate(
			[deals.persons[quoted, 0], opportunities.person[failed], customers.person[idle_customer]]
		).astype(np.int64)
		days = np.concatenate([day, failed_day, idle_day])
		link = rng.choice(3, size=size, p=[0.94, 0.02, 0.04])
		with_items = opportunities.with_items[opportunity] if len(opportunities.day) else np.zeros(size, bool)
		link = np.where(with_items, link, HEADER_ONLY)
		order = np.argsort(days, kind="stable")
		self.quotations = Quotations(
			day=days[order],
			opportunity=opportunity[order],
			lead=lead[order],
			customer=np.concatenate([customer, opportunities.customer[failed], idle_customer])[order],
			employer=np.concatenate(
				[deals.employer[quoted], opportunities.employer[failed], customers.employer[idle_customer]]
			)[order],
			person=self.staff.on_duty(persons, days)[order],
			basket=np.concatenate([quoted, opportunities.basket[failed], idle_basket])[order],
			status=np.concatenate([status, failed_status, idle_status])[order],
			link=link[order],
		)
		self.deals.quotation[quoted] = np.argsort(order)[: len(quoted)]

	def _make_orders(self) -> None:
		"""Orders of the deals, some cancelled before and some drafted again; Delivery Notes of some."""
		rng, deals = self._rng(7), self.deals
		real = np.flatnonzero(deals.by_order)
		cancelled = real[rng.random(len(real)) < 0.012]
		drafts = real[(rng.random(len(real)) < 0.01) & (deals.day[real] > self.last - 60)]
		deal = np.concatenate([real, cancelled, drafts])
		docstatus = np.repeat([1, 2, 0], [len(real), len(cancelled), len(drafts)])
		order = np.argsort(deals.day[deal], kind="stable")
		self.orders = Orders(day=deals.day[deal][order], deal=deal[order], docstatus=docstatus[order])
		submitted = np.flatnonzero(self.orders.docstatus == 1)
		deals.order[self.orders.deal[submitted]] = submitted

		# Delivered by Delivery Note before the first invoice.
		ready = real[
			(self._first_invoice_day[real] != NEVER) & ~deals.closed[real] & (rng.random(len(real)) < 0.15)
		]
		if self.company.site_kind == "services":
			ready = ready[:0]
		gap = self._first_invoice_day[ready] - deals.day[ready]
		day = self.season.later(deals.day[ready], (gap * rng.random(len(ready))).astype(np.int64))
		day = np.minimum(day, self._first_invoice_day[ready])
		order = np.argsort(day, kind="stable")
		self.delivery_deal, self.delivery_day = ready[order], day[order]
		deals.delivery[self.delivery_deal] = np.arange(len(ready))

	def _make_baskets(self) -> None:
		"""Draw the lines of every basket: items by popularity, quantities that make about the amount."""
		rng, items = self._rng(8), self.items
		amount = np.concatenate(self._amounts)
		customer = np.concatenate(self._basket_customers)
		# Whole baskets of the sister company and of strangers are paid in company currency.
		foreign = (customer % 20 == 7) & (customer >= 0) & (customer < self.company.customer_count)
		size = len(amount)
		count = rng.choice([1, 2, 3, 4], size=size, p=[0.42, 0.3, 0.18, 0.1])
		count[: len(self.deals.kind)][self.deals.kind == OPENING] = 1
		first = np.cumsum(count) - count
		lines = int(count.sum())
		basket = np.repeat(np.arange(size, dtype=np.int32), count)
		item = rng.choice(len(items.codes), size=lines, p=items.weight).astype(np.int16)
		target = (amount / count)[basket] * rng.uniform(0.6, 1.4, lines)
		rate = np.round(items.price[item] * rng.uniform(0.9, 1.04, lines), 2)
		quantity = np.maximum(np.round(target / rate), 1.0)
		value = np.round(quantity * rate, 2)
		total = np.bincount(basket, weights=value, minlength=size).astype(np.float64)
		self.baskets = Baskets(first, count.astype(np.int8), item, quantity, rate, foreign, total)
		self._amounts, self._basket_customers = [], []

	def _finish_leads(self) -> None:
		"""What became of each lead: its status, and the day on which it last changed."""
		rng, leads = self._rng(9), self.leads
		count = len(leads.day)
		# Positions in LEAD_STATUS.
		status = rng.choice([0, 1, 2, 6, 8], size=count, p=[0.25, 0.2, 0.2, 0.12, 0.23])
		end = leads.day + rng.integers(1, 70, count)
		status = np.where((status == 8) & (end > self.last), 1, status)
		end = np.minimum(end, self.last)
		linked = self.opportunities.lead >= 0
		lead, outcome = self.opportunities.lead[linked], self.opportunities.outcome[linked]
		status[lead] = np.where(outcome == LOST, 0, 3)
		end[lead] = np.where(outcome == OPEN, self.last, self.opportunities.end_day[linked])
		quoted = self.quotations.lead >= 0
		lead = self.quotations.lead[quoted]
		status[lead] = np.where(self.quotations.status[quoted] == Q_LOST, 5, 4)
		converted = np.flatnonzero(leads.customer >= 0)
		status[converted] = 7
		end[converted] = self.customers.born[leads.customer[converted]]
		leads.status, leads.end_day = status, end


LEAD_STATUS = [
	"Lead",
	"Open",
	"Replied",
	"Opportunity",
	"Quotation",
	"Lost Quotation",
	"Interested",
	"Converted",
	"Do Not Contact",
]
