"""Why a KPI changed from one period to another: parts that add up to the change, with nothing left over.

Four ways to take a change apart, each exact: by the factors that multiply to the value, by the groups that add up to it,
by the rates and the weights of groups that a ratio is made of, and by price, volume and mix of what was sold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pypika import Case
from pypika.functions import Sum as SumOf
from pypika.terms import ValueWrapper

from sales_kpi import catalogue
from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.sums import FactSums
from sales_kpi.analysis.trend import UNASSIGNED, kind_of, may_tell, seen, values_of
from sales_kpi.analysis.values import TOO_EARLY, Value
from sales_kpi.errors import InputError, Word
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.dialect import number, text
from sales_kpi.facts.reading.fact import narrowed
from sales_kpi.facts.reading.invoices import documents, invoices, is_purchase, is_return
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, where
from sales_kpi.kpis.definition import By, Kpi, Unit
from sales_kpi.kpis.formula import A, Mean, Over, Q, Quotient, Ratio, Sum, Total
from sales_kpi.kpis.pipeline_velocity import Velocity
from sales_kpi.periods import Calendar, Every, Period

if TYPE_CHECKING:
	import pandas as pd

_DUST = 1e-9
"""By which share of the larger of two values they may differ for the dust of floats alone."""

MOST = 12
"""How many bars a bridge has at most between its ends; the smallest changes share one."""


# Factors that multiply


class Method(Enum):
	"""How the change of a product was taken apart."""

	LMDI = "LMDI"
	SHAPLEY = "Shapley"


@dataclass(frozen=True)
class Factors:
	"""The effects of factors on their product, in the product's unit and in the factors' order; they sum to `change`."""

	effects: tuple[float, ...]
	change: float
	method: Method


def multiplied(before: Sequence[float], now: Sequence[float]) -> Factors:
	"""The effect of each factor on the change of their product, the same whatever the order of factors.

	Where all are above 0: the logarithmic mean Divisia index, L(P₁, P₀) · ln(x₁ / x₀) with L(a, b) = (a − b) / ln(a / b)
	(Ang 2004, Energy Policy 32). Else Shapley's value, the mean over all orders in which the factors could have changed.
	Source: golden G16 of the field survey.

	Raises InputError for different numbers of factors.
	"""
	if len(before) != len(now):
		raise InputError(f"{len(before)} factors can't be compared with {len(now)}.")
	old, new = math.prod(before), math.prod(now)
	if not before or not (math.isfinite(old) and math.isfinite(new)):
		return Factors(tuple(0.0 for _ in before), 0.0, Method.SHAPLEY)
	if min(*before, *now) > 0 and old > 0 and new > 0:
		weight = log_mean(new, old)
		effects = [weight * math.log(one / other) for one, other in zip(now, before, strict=True)]
		method = Method.LMDI
	else:
		effects = [_shapley(before, now, place) for place in range(len(before))]
		method = Method.SHAPLEY
	return Factors(tuple(_exact(effects, new - old)), new - old, method)


def log_mean(one: float, other: float) -> float:
	"""The logarithmic mean of two numbers above 0."""
	if one == other:
		return one
	apart = one - other
	ratio = math.log1p(apart / other) if abs(apart) < other / 2 else math.log(one / other)
	return apart / ratio


def _shapley(before: Sequence[float], now: Sequence[float], place: int) -> float:
	others = [other for other in range(len(before)) if other != place]
	step = now[place] - before[place]
	effects = []
	for size in range(len(others) + 1):
		weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(before))
		for changed in combinations(others, size):
			product = math.prod(now[other] if other in changed else before[other] for other in others)
			effects.append(weight * step * product)
	return math.fsum(effects)


def _exact(effects: Sequence[float], change: float) -> list[float]:
	"""The effects with the dust of floats put on the largest, so that they sum to the change."""
	found = list(effects)
	if found:
		largest = max(range(len(found)), key=lambda place: abs(found[place]))
		found[largest] += change - math.fsum(found)
	return found


# Rate and mix


@dataclass(frozen=True)
class Part:
	"""A group of a ratio: what it adds to numerator and denominator, before and now."""

	numerator: tuple[float, float]
	denominator: tuple[float, float]


@dataclass(frozen=True)
class PartEffect:
	"""What a group did to a ratio. The three effects are in the ratio's unit.

	rates: before and now, None without a denominator. shares: of the whole denominator. rate: because its own rate
	changed. mix: because its weight did. other: of a numerator without a denominator.
	"""

	rates: tuple[float | None, float | None]
	shares: tuple[float, float]
	rate: float
	mix: float
	other: float

	@property
	def effect(self) -> float:
		"""All of it."""
		return self.rate + self.mix + self.other


@dataclass(frozen=True)
class RateMix:
	"""A ratio's change by its groups: the sum of all rate, mix and other effects is exactly `change`.

	simpson: every group that has a rate in both periods moved one way or stood still, and the whole the other way.
	"""

	before: float
	now: float
	parts: Mapping[str, PartEffect]
	simpson: bool

	@property
	def change(self) -> float:
		return self.now - self.before

	@property
	def rate(self) -> float:
		return math.fsum(part.rate for part in self.parts.values())

	@property
	def mix(self) -> float:
		return math.fsum(part.mix for part in self.parts.values())

	@property
	def other(self) -> float:
		return math.fsum(part.other for part in self.parts.values())


def rate_mix(parts: Mapping[str, Part]) -> RateMix | None:
	"""The change of a ratio of sums by the rates of its groups and by their weights; None without a ratio in both periods.

	A group's rate effect is the change of its rate at the mean of its shares, its mix effect the change of its share at
	the mean of its rates, measured from the mean of the whole: a group that is better than the whole and grows has a
	positive one. Source: golden G17 of the field survey, after Halford (KPI evolution decomposition).
	"""
	whole = [math.fsum(part.denominator[time] for part in parts.values()) for time in (0, 1)]
	if any(abs(size) < _DUST for size in whole):
		return None
	total = [math.fsum(part.numerator[time] for part in parts.values()) / whole[time] for time in (0, 1)]
	middle = (total[0] + total[1]) / 2
	found = {name: _part_effect(part, whole, middle) for name, part in parts.items()}
	effects = _exact(
		[effect for part in found.values() for effect in (part.rate, part.mix, part.other)],
		total[1] - total[0],
	)
	for place, (name, part) in enumerate(found.items()):
		rate, mix, other = effects[3 * place : 3 * place + 3]
		found[name] = replace(part, rate=rate, mix=mix, other=other)
	return RateMix(total[0], total[1], found, _is_simpson(found.values(), total[1] - total[0]))


def _part_effect(part: Part, whole: Sequence[float], middle: float) -> PartEffect:
	rates = [
		part.numerator[time] / part.denominator[time] if part.denominator[time] else None for time in (0, 1)
	]
	shares = [part.denominator[time] / whole[time] for time in (0, 1)]
	loose = [0.0 if part.denominator[time] else part.numerator[time] / whole[time] for time in (0, 1)]
	known = [rate for rate in rates if rate is not None]
	mean = math.fsum(known) / len(known) if known else middle
	rate = 0.0
	if rates[0] is not None and rates[1] is not None:
		rate = (shares[0] + shares[1]) / 2 * (rates[1] - rates[0])
	mix = (shares[1] - shares[0]) * (mean - middle)
	return PartEffect((rates[0], rates[1]), (shares[0], shares[1]), rate, mix, loose[1] - loose[0])


def _is_simpson(parts: Iterable[PartEffect], change: float) -> bool:
	steps = [
		part.rates[1] - part.rates[0]
		for part in parts
		if part.rates[0] is not None and part.rates[1] is not None
	]
	if len(steps) < 2 or abs(change) <= _DUST:
		return False
	against = [-step if change > 0 else step for step in steps]
	return min(against) >= -_DUST and max(against) > _DUST


# Contributions


@dataclass(frozen=True)
class Contribution:
	"""What a group adds to a sum. share: of the sum's whole change, None where that is 0."""

	before: float
	now: float
	share: float | None

	@property
	def change(self) -> float:
		return self.now - self.before


def contributions(groups: Mapping[str, tuple[float, float]]) -> dict[str, Contribution]:
	"""What each group contributed to the change of a sum, the largest change first."""
	whole = math.fsum(now - before for before, now in groups.values())
	scale = math.fsum(abs(before) + abs(now) for before, now in groups.values())
	is_still = abs(whole) <= _DUST * scale
	found = {
		name: Contribution(before, now, None if is_still else (now - before) / whole)
		for name, (before, now) in groups.items()
	}
	return dict(sorted(found.items(), key=lambda item: (-abs(item[1].change), item[0])))


# Price, volume, mix


@dataclass(frozen=True)
class Item:
	"""What was sold of an item, before and now: quantities in its stock unit, amounts net. group: its item group."""

	quantity: tuple[float, float]
	amount: tuple[float, float]
	group: str = ""


@dataclass(frozen=True)
class PriceVolumeMix:
	"""Effects on an amount, in its currency; they sum to the change.

	volume: all continuing items sold more or less alike. mix: they moved apart. price: at the quantities of now. new, lost:
	items sold in one of the two periods only, or without a quantity.
	"""

	volume: float = 0.0
	mix: float = 0.0
	price: float = 0.0
	new: float = 0.0
	lost: float = 0.0

	@property
	def change(self) -> float:
		return math.fsum((self.volume, self.mix, self.price, self.new, self.lost))


def price_volume_mix(items: Mapping[str, Item]) -> dict[str, PriceVolumeMix]:
	"""The effects of price, volume and mix for each item group; the sum over groups is that of all.

	Of the continuing items (a quantity above 0 in both periods), with Q the sum of quantities q and p = amount / q: volume
	(Q₁ / Q₀ − 1) · q₀ · p₀, mix (q₁ − q₀ · Q₁ / Q₀) · p₀, price q₁ · (p₁ − p₀). Source: golden G18 of the field survey.
	"""
	going_on = [item for item in items.values() if item.quantity[0] > 0 and item.quantity[1] > 0]
	old = math.fsum(item.quantity[0] for item in going_on)
	growth = math.fsum(item.quantity[1] for item in going_on) / old if old else 1.0
	effects: dict[str, list[tuple[float, ...]]] = {}
	for item in items.values():
		(q0, q1), (a0, a1) = item.quantity, item.amount
		if q0 > 0 and q1 > 0:
			at_old_price = q1 * a0 / q0
			volume = (growth - 1) * a0
			parts = (volume, at_old_price - a0 - volume, a1 - at_old_price, 0.0, 0.0)
		else:
			parts = (0.0, 0.0, 0.0, a1, -a0)
		effects.setdefault(item.group, []).append(parts)
	return {
		group: PriceVolumeMix(*(math.fsum(column) for column in zip(*parts, strict=True)))
		for group, parts in effects.items()
	}


# Periods that are compared


class Compare(str, Enum):
	"""What a period is compared with."""

	PREVIOUS = "previous"
	"""The whole period before."""
	SAME_DAY = "same-day"
	"""The period before, up to the same day as this one has come to."""
	YEAR = "year"
	"""The same days a year before."""


def compared(
	calendar: Calendar, every: Every, first: date, last: date, as_of: date, compare: Compare
) -> tuple[Period, Period]:
	"""The period before and the period that it is compared with, from `first` to `last`.

	Where the days are one period of the calendar, or a part of one, the one before it in the calendar; else, as a range,
	as many days before (whole months before whole months).
	"""
	now = Period(first, last + timedelta(days=1))
	if compare is Compare.YEAR:
		until = max(first, min(last, as_of))
		back = _week_year if every is Every.WEEK else _year_earlier
		return Period(back(calendar, first), back(calendar, until) + timedelta(days=1)), now
	inside = calendar.periods(first, last, every)
	single = len(inside) == 1 and every is not Every.RANGE
	before = calendar.previous(inside[0] if single else now, every if single else Every.RANGE)
	if compare is Compare.SAME_DAY:
		start = (inside[0].whole or inside[0]).start if single else first
		skipped, done = first - start, min(last, as_of) - start
		end = min(before.start + max(done, skipped), before.last_day) + timedelta(days=1)
		before = Period(min(before.start + skipped, end - timedelta(days=1)), end)
	return before, now


def _week_year(calendar: Calendar, day: date) -> date:
	return day - timedelta(days=364)


def _year_earlier(calendar: Calendar, day: date) -> date:
	"""The same day of the month a year earlier in the calendar; a month's last day stays the last."""
	month = calendar.period(day, Every.MONTH)
	before = month
	for _ in range(12):
		before = calendar.previous(before, Every.MONTH)
	if day == month.last_day:
		return before.last_day
	return min(before.start + (day - month.start), before.last_day)


# Reading


@dataclass(frozen=True)
class Asked:
	"""A question about one KPI, understood."""

	inquiry: Inquiry
	kpi: Kpi
	compare: Compare
	before: Period
	now: Period

	def values(self) -> tuple[Value, Value]:
		"""The KPI's values of the whole scope, before and now, as `compute` gives them."""
		inquiry, name = self.inquiry, self.kpi.name
		first, last = self.before.start, self.now.last_day
		both = self.before.end == self.now.start and inquiry.every is not Every.RANGE
		if both and inquiry.calendar.periods(first, last, inquiry.every) == [self.before, self.now]:
			found = values_of(inquiry, (name,), inquiry.every, first, last, By.COMPANY)
		else:
			found = [
				value
				for period in (self.before, self.now)
				for value in values_of(
					inquiry, (name,), Every.RANGE, period.start, period.last_day, By.COMPANY
				)
			]
		if len(found) != 2:
			raise InputError(
				"{kpi} isn't measured by {by}.", kpi=Word(self.kpi.title), by=Word(inquiry.scope_by.value)
			)
		return found[0], found[1]

	def totals(self, totals: Sequence[Total], by: By = By.COMPANY) -> list[dict[str, tuple[float, float]]]:
		"""Sums before and now, for each total by the leaf that rows are told apart by, '' for the whole."""
		return sums_of(self.inquiry, totals, by, (self.before, self.now))


def sums_of(
	inquiry: Inquiry, totals: Sequence[Total], by: By, periods: tuple[Period, Period]
) -> list[dict[str, tuple[float, float]]]:
	"""Sums in two periods by leaf, for each total."""
	reading = inquiry.reading.narrowed(only=seen(inquiry))
	touching = periods[0].end == periods[1].start
	found: list[dict[str, list[float]]] = [{} for _ in totals]
	for run in [list(periods)] if touching else [[periods[0]], [periods[1]]]:
		sums = FactSums(inquiry.source, reading, catalogue.facts(), run, by, inquiry.keeper)
		sums.load(totals, ())
		leaves = list(sums.leaves) or [""]
		sums.arrange([(leaf,) for leaf in leaves])
		for place, total in enumerate(totals):
			figures = sums.total(total)
			for period, row in zip(run, figures.tolist(), strict=True):
				time = 0 if period is periods[0] else 1
				for leaf, figure in zip(leaves, row, strict=True):
					found[place].setdefault(leaf, [0.0, 0.0])[time] = figure
	return [{leaf: (one, other) for leaf, (one, other) in of.items()} for of in found]


def understood(inquiry: Inquiry) -> Asked:
	"""The question about one KPI. Raises InputError for an unknown KPI, way to compare or way to split."""
	name = inquiry.options.get("kpi") or "sales_volume"
	kpi = catalogue.kpi(name)
	if not may_tell(inquiry, name):
		raise InputError("{kpi} isn't measured here.", kpi=Word(kpi.title))
	given = inquiry.options.get("compare", "")
	comparable = inquiry.last <= inquiry.as_of and not _is_part(inquiry)
	try:
		compare = Compare(given) if given else (Compare.PREVIOUS if comparable else Compare.SAME_DAY)
	except ValueError:
		raise InputError(
			"A period can't be compared with {given}: choose previous, same-day or year.", given=repr(given)
		) from None
	before, now = compared(
		inquiry.calendar, inquiry.every, inquiry.first, inquiry.last, inquiry.as_of, compare
	)
	return Asked(inquiry, kpi, compare, before, now)


def _is_part(inquiry: Inquiry) -> bool:
	"""Whether the days are a part of one period of the calendar."""
	if inquiry.every is Every.RANGE:
		return False
	inside = inquiry.periods()
	return len(inside) == 1 and not inside[0].is_whole


# Drivers: factors and buckets of single KPIs


CUSTOMERS = (
	Q("customer_spell", over=Over.TO_BEFORE) - Q("customer_lapse", over=Over.TO_BEFORE) + Q("customer_spell")
)
"""Customers that we had at any time in the period, as the churn rate counts them."""


@dataclass(frozen=True)
class Driver:
	"""One reason for a change, with its effect in the KPI's unit.

	title: of what moved. before, now: of what moved, as `kind` is written; None of what isn't a figure of its own.
	up, down: sentences for an effect above and below 0, with the places {before}, {now} and {effect}.
	"""

	title: str
	effect: float
	kind: Kind
	before: float | None
	now: float | None
	up: str
	down: str


@dataclass(frozen=True)
class Split:
	"""A change taken apart. method: how factors were, None where nothing is multiplied."""

	before: float
	now: float
	drivers: tuple[Driver, ...]
	method: Method | None = None

	@property
	def change(self) -> float:
		return self.now - self.before


@dataclass(frozen=True)
class Link:
	"""One factor of a chain: its total divided by that of the link before."""

	total: Total
	title: str
	kind: Kind
	up: str
	down: str


def chain(links: Sequence[Link], sums: Sequence[tuple[float, float]]) -> tuple[tuple[Driver, ...], Method]:
	"""The effects of a chain of factors, x₁ · (x₂ / x₁) · (x₃ / x₂) …, on its last total.

	sums: of each link's total, before and now. A link whose total is 0 or less while a later one isn't 0 can't be divided
	by and is left out. A factor that is unknown in one period (nothing to divide by, and nothing to divide) counts as
	unchanged.
	"""
	last = len(links) - 1
	kept = [
		place
		for place in range(len(links))
		if place == last
		or all(sums[place][time] > 0 or not any(later[time] for later in sums[place:]) for time in (0, 1))
	]
	factors: list[tuple[float | None, float | None]] = []
	for order, place in enumerate(kept):
		below = sums[kept[order - 1]] if order else (1.0, 1.0)
		one, other = (sums[place][time] / below[time] if below[time] else None for time in (0, 1))
		factors.append((one, other))
	known = [
		(one if one is not None else other or 0.0, other if other is not None else one or 0.0)
		for one, other in factors
	]
	effects = multiplied([one for one, _ in known], [other for _, other in known])
	change = sums[-1][1] - sums[-1][0]
	drivers = tuple(
		Driver(links[place].title, effect, links[place].kind, one, other, links[place].up, links[place].down)
		for place, (one, other), effect in zip(kept, factors, _exact(effects.effects, change), strict=True)
	)
	return drivers, effects.method


_CUSTOMERS = Link(
	CUSTOMERS,
	"Customers",
	Kind.COUNT,
	"There were more customers, {now} instead of {before}: that added {effect}.",
	"There were fewer customers, {now} instead of {before}: that took {effect} away.",
)
_PER_CUSTOMER = Link(
	Q("sale", with_life=True),
	"Deals per customer",
	Kind.NUMBER,
	"Customers bought more often, {now} deals each instead of {before}: that added {effect}.",
	"Customers bought less often, {now} deals each instead of {before}: that took {effect} away.",
)
_DEAL_VALUE = Link(
	A("sale", with_life=True),
	"Deal value before returns",
	Kind.MONEY,
	"Deals were larger, {now} each instead of {before}: that added {effect}.",
	"Deals were smaller, {now} each instead of {before}: that took {effect} away.",
)
_ORDERS = Link(
	Q("order"),
	"Orders",
	Kind.COUNT,
	"There were more orders, {now} instead of {before}: that added {effect}.",
	"There were fewer orders, {now} instead of {before}: that took {effect} away.",
)
_ORDER_VALUE = Link(
	A("order"),
	"Order value",
	Kind.MONEY,
	"Orders were larger, {now} each instead of {before}: that added {effect}.",
	"Orders were smaller, {now} each instead of {before}: that took {effect} away.",
)
_LEADS = Link(
	Q("lead"),
	"Leads",
	Kind.COUNT,
	"More leads came in, {now} instead of {before}: that added {effect}.",
	"Fewer leads came in, {now} instead of {before}: that took {effect} away.",
)
_PER_LEAD = Link(
	Q("first_sale"),
	"New customers per lead",
	Kind.NUMBER,
	"More new customers came of each lead, {now} instead of {before}: that added {effect}.",
	"Fewer new customers came of each lead, {now} instead of {before}: that took {effect} away.",
)
_FIRST_VALUE = Link(
	A("first_sale"),
	"Value of the first order",
	Kind.MONEY,
	"First orders were larger, {now} each instead of {before}: that added {effect}.",
	"First orders were smaller, {now} each instead of {before}: that took {effect} away.",
)

CHAINS: Mapping[str, tuple[Link, ...]] = {
	"sales_volume": (_CUSTOMERS, _PER_CUSTOMER, _DEAL_VALUE),
	"deals": (_CUSTOMERS, _PER_CUSTOMER),
	"bookings": (_ORDERS, _ORDER_VALUE),
	"new_customers": (_LEADS, _PER_LEAD),
}
"""The factors of KPIs that have some. What their last total misses of the KPI is told in buckets of its own."""

BEHIND: Mapping[str, tuple[str, ...]] = {
	"sales_volume": ("deals", "churn_rate"),
	"deals": ("churn_rate",),
	"bookings": ("orders",),
	"new_customers": ("lead_conversion_rate",),
}
"""KPIs that the factors of others tell of: whoever may not see these isn't told the factors."""

FIRST_ORDERS = (_LEADS, _PER_LEAD, _FIRST_VALUE)
"""The factors of what new customers bought first."""

_RETURNS = (
	"Returns",
	"Less came back: that added {effect}.",
	"More came back: that took {effect} away.",
)
_MANY = (
	"Walk-in and other customers that stand for many",
	"More was sold to walk-in and other customers that stand for many: that added {effect}.",
	"Less was sold to walk-in and other customers that stand for many: that took {effect} away.",
)
_TERMS: Mapping[str, tuple[str, str, str]] = {
	"sale": (
		"Sales before returns",
		"More was sold: that added {effect}.",
		"Less was sold: that took {effect} away.",
	),
	"credit_note": _RETURNS,
	"opportunity": (
		"Opened",
		"New opportunities added {effect}.",
		"New opportunities took {effect} away.",
	),
	"opportunity_win": (
		"Won",
		"Fewer wins left the pipeline: that added {effect}.",
		"Wins took {effect} out of the pipeline.",
	),
	"opportunity_loss": (
		"Lost",
		"Fewer losses left the pipeline: that added {effect}.",
		"Losses took {effect} out of the pipeline.",
	),
	"opportunity_drop": (
		"Dropped",
		"Fewer dropped opportunities left the pipeline: that added {effect}.",
		"Dropped opportunities took {effect} out of the pipeline.",
	),
}
"""Terms of sums: their title, and the sentences for an effect above and below 0."""


def drivers(asked: Asked, before: float, now: float) -> Split | None:
	"""The change of a sum by its factors, or by its terms where it has several; None where it has neither."""
	kpi = asked.kpi
	formula = kpi.formula
	if not isinstance(formula, Sum):
		return None
	kind = kind_of(kpi.unit)
	terms = [Total((term,)) for term in formula.of.terms]
	links = CHAINS.get(kpi.name, ()) if may_tell(asked.inquiry, *BEHIND.get(kpi.name, ())) else ()
	if not links and len(terms) < 2:
		return None
	many = [Q("sale"), A("sale")] if any("sale" in _facts(link.total) for link in links) else []
	sums = [of.get("", (0.0, 0.0)) for of in asked.totals([*(link.total for link in links), *terms, *many])]
	found: list[Driver] = []
	method = None
	if links:
		multiplied_sums = sums[: len(links)]
		chained, method = chain(links, multiplied_sums)
		found += chained
	for term, of in zip(terms, sums[len(links) :], strict=False):
		name = _facts(term)[0]
		if not links or name not in _facts(links[-1].total):
			title, up, down = _TERMS.get(name, (name, "{part} added {effect}.", "{part} took {effect} away."))
			# What came and went is shown, not how much there has ever been.
			one, other = of if term.terms[0][1].over is Over.PERIOD else (None, None)
			found.append(Driver(title, of[1] - of[0], kind, one, other, up, down))
	rest = now - before - math.fsum(driver.effect for driver in found)
	if many and abs(rest) > _DUST * max(abs(before), abs(now), 1.0):
		whole, part = sums[-2 if kpi.unit is Unit.COUNT else -1], sums[len(links) - 1]
		found.append(Driver(_MANY[0], rest, kind, whole[0] - part[0], whole[1] - part[1], _MANY[1], _MANY[2]))
	return Split(before, now, tuple(_settled(found, now - before)), method)


def _facts(total: Total) -> list[str]:
	return [term.fact for _, term in total.terms]


def _settled(found: Sequence[Driver], change: float) -> list[Driver]:
	"""The drivers with the dust of floats put on the largest."""
	effects = _exact([driver.effect for driver in found], change)
	return [replace(driver, effect=effect) for driver, effect in zip(found, effects, strict=True)]


def first_orders(asked: Asked) -> Split | None:
	"""What new customers bought first, by leads, new customers per lead and value; None where there are no leads."""
	if not may_tell(asked.inquiry, "new_customers", "lead_conversion_rate"):
		return None
	sums = [of.get("", (0.0, 0.0)) for of in asked.totals([link.total for link in FIRST_ORDERS])]
	if min(sums[0]) <= 0 or sums[-1] == (0.0, 0.0):
		return None
	found, method = chain(FIRST_ORDERS, sums)
	return Split(sums[-1][0], sums[-1][1], found, method)


def fraction(before: Value, now: Value, kpi: Kpi) -> Split | None:
	"""The change of a ratio by its numerator and its denominator; None where it is none, or has no value."""
	pairs = []
	for value in (before, now):
		numerator, denominator = value["numerator"], value["denominator"]
		if value["value"] is None or numerator is None or not denominator:
			return None
		if not math.isclose(numerator / denominator, value["value"], rel_tol=1e-6, abs_tol=1e-9):
			return None
		pairs.append((numerator, denominator, value["value"]))
	(n0, d0, r0), (n1, d1, r1) = pairs
	effects = multiplied([n0, 1 / d0], [n1, 1 / d1])
	titles = FRACTIONS.get(kpi.name, (("Numerator", Kind.NUMBER), ("Denominator", Kind.NUMBER)))
	found = [
		Driver(title, effect, kind, *ends, _WENT_UP, _WENT_DOWN)
		for (title, kind), effect, ends in zip(titles, effects.effects, ((n0, n1), (d0, d1)), strict=True)
	]
	return Split(r0, r1, tuple(_settled(found, r1 - r0)), effects.method)


_WENT_UP = "{part} went from {before} to {now}: that added {effect}."
_WENT_DOWN = "{part} went from {before} to {now}: that took {effect} away."

FRACTIONS: Mapping[str, tuple[tuple[str, Kind], tuple[str, Kind]]] = {
	"average_deal_value": (("Sales volume", Kind.MONEY), ("Deals", Kind.COUNT)),
	"gross_margin": (("Margin", Kind.MONEY), ("Sales with known cost", Kind.MONEY)),
	"average_order_value": (("Bookings", Kind.MONEY), ("Orders", Kind.COUNT)),
	"quote_to_order_rate": (("Quotations ordered", Kind.COUNT), ("Quotations", Kind.COUNT)),
	"lead_conversion_rate": (("Leads converted", Kind.COUNT), ("Leads", Kind.COUNT)),
	"win_rate": (("Won opportunities", Kind.COUNT), ("Decided opportunities", Kind.COUNT)),
	"customer_lifetime_value": (("Sales to date", Kind.MONEY), ("Customers to date", Kind.COUNT)),
	"customer_acquisition_cost": (("Acquisition cost", Kind.MONEY), ("New customers", Kind.COUNT)),
	"clv_to_cac": (("Customer lifetime value", Kind.MONEY), ("Customer acquisition cost", Kind.MONEY)),
	"churn_rate": (("Customers lapsed", Kind.COUNT), ("Customers", Kind.COUNT)),
	"repeat_rate": (("Deals of existing customers", Kind.COUNT), ("Deals", Kind.COUNT)),
	"customer_satisfaction": (("Satisfied answers", Kind.COUNT), ("Answers", Kind.COUNT)),
	"average_call_duration": (("Seconds of calls", Kind.COUNT), ("Timed calls", Kind.COUNT)),
}
"""What numerators and denominators are called, and how they are written."""


def velocity(asked: Asked, before: Value, now: Value) -> Split | None:
	"""The change of the pipeline's velocity by its four factors (golden G20); None where it has no value.

	Open opportunities × win rate × mean value of the won / median days, the last three of the year to the period's end.
	"""
	formula = asked.kpi.formula
	if not isinstance(formula, Velocity) or before["value"] is None or now["value"] is None:
		return None
	parts = formula.parts()
	totals = [
		part for name in ("open", "won", "decided", "won value") if isinstance(part := parts[name], Total)
	]
	still, won, decided, worth = (of.get("", (0.0, 0.0)) for of in asked.totals(totals))
	factors: list[tuple[float, float, float, float]] = []
	days: list[float] = []
	for time, value in enumerate((before, now)):
		if not value["value"] or not won[time] or not decided[time] or value["numerator"] is None:
			return None
		days.append(value["numerator"] / value["value"])
		factors.append((still[time], won[time] / decided[time], worth[time] / won[time], 1 / days[time]))
	effects = multiplied(*factors)
	ends = [*zip(factors[0][:3], factors[1][:3], strict=True), (days[0], days[1])]
	found = [
		Driver(title, effect, kind, one, other, _WENT_UP, _WENT_DOWN)
		for (title, kind), effect, (one, other) in zip(_VELOCITY, effects.effects, ends, strict=True)
	]
	change = now["value"] - before["value"]
	return Split(before["value"], now["value"], tuple(_settled(found, change)), effects.method)


_VELOCITY = (
	("Open opportunities", Kind.COUNT),
	("Win rate", Kind.SHARE),
	("Value of the won", Kind.MONEY),
	("Median days from opportunity to win", Kind.DAYS),
)


# Items


def sold_items(inquiry: Inquiry, before: Period, now: Period) -> tuple[dict[str, Item], tuple[float, float]]:
	"""The items of invoices in two periods by their code, and the returns, as far as lines tell, before and now.

	An invoice line counts as its invoice does: a debit note, and an invoice worth nothing, without a quantity.
	"""
	frames = [_lines(inquiry, period) for period in (before, now)]
	quantities: dict[str, list[float]] = {}
	amounts: dict[str, list[float]] = {}
	groups: dict[str, str] = {}
	returns = [0.0, 0.0]
	for time, frame in enumerate(frames):
		for item, group, returned, quantity, amount in frame.itertuples(index=False, name=None):
			if returned:
				returns[time] += float(amount)
				continue
			# An item may have changed its group: it is shown under the one that it has now.
			key = str(item) or f"({group})"
			groups[key] = str(group)
			quantities.setdefault(key, [0.0, 0.0])[time] += float(quantity)
			amounts.setdefault(key, [0.0, 0.0])[time] += float(amount)
	items = {
		key: Item((quantity[0], quantity[1]), (amounts[key][0], amounts[key][1]), groups[key])
		for key, quantity in quantities.items()
	}
	return items, (returns[0], returns[1])


def has_items(inquiry: Inquiry) -> bool:
	"""Whether the records tell the items of invoice lines."""
	schema = inquiry.reading.schema
	return all(schema.column("Sales Invoice Item", name) for name in ("item_code", "item_group"))


def _lines(inquiry: Inquiry, period: Period) -> pd.DataFrame:
	"""Item, its group, whether returned, quantity and amount, summed over the lines of a period."""
	only = seen(inquiry)
	reading = inquiry.reading.narrowed(
		day=Span(period.start, period.last_day), only=only, dimensions=frozenset(only)
	).statement()
	rows = credited(reading, _documents, "Sales Invoice", extra=("item", "item_group", "returned"))
	lines = narrowed(rows, reading, "item", "item_group", "returned").as_("line")
	names = [lines[name] for name in ("item", "item_group", "returned")]
	query = (
		Query.from_(lines)
		.groupby(*names)
		.select(*names, SumOf(lines.quantity).as_("quantity"), SumOf(lines.amount).as_("amount"))
	)
	frame = inquiry.source.run(reading.shared.complete(query))
	for name in ("quantity", "amount"):
		frame[name] = frame[name].astype(float).fillna(0.0)
	return frame.sort_values(["item", "item_group", "returned"], kind="stable")


def _documents(reading: Reading) -> Any:
	"""The lines of invoices and returns as `credited` takes documents."""
	invoice, line = reading.table("Sales Invoice"), reading.table("Sales Invoice Item", alias="sold")
	query = where(
		invoices(reading, invoice), reading.day.holds(invoice.posting_date), reading.of_entities(invoice.name)
	)
	query = query.join(line).on(line.parent == invoice.name)
	counts = is_purchase(invoice) | is_return(invoice)
	return documents(
		reading,
		query,
		"Sales Invoice",
		invoice,
		quantity=Case().when(counts, number(line.stock_qty)).else_(ValueWrapper(0)),
		amount=number(line.base_net_amount),
		item=text(line.item_code),
		item_group=text(line.item_group),
		returned=Case().when(is_return(invoice), ValueWrapper(1)).else_(ValueWrapper(0)),
	)


# The answer


def answer(inquiry: Inquiry) -> Outcome:
	"""The change of one KPI, taken apart by its factors, by groups or by items, with a bridge from before to now."""
	asked = understood(inquiry)
	split = inquiry.options.get("split") or "drivers"
	if split not in ("drivers", "items"):
		raise InputError("A change can't be split by {split}: choose drivers or items.", split=repr(split))
	if split == "items" and asked.kpi.name != "sales_volume":
		raise InputError("Only sales volume can be split by items.")
	values = asked.values()
	before, now = values[0]["value"], values[1]["value"]
	opening = list(_opening(asked, values))
	if before is None or now is None:
		return Outcome(_factor_columns(asked.kpi), (), (), tuple(opening))
	if split == "items":
		return _by_items(asked, before, now, opening)
	if inquiry.by is not By.COMPANY:
		return _by_groups(asked, before, now, opening)
	return _by_factors(asked, values, before, now, opening)


def _opening(asked: Asked, values: tuple[Value, Value]) -> Iterator[Note]:
	"""What changed, what is compared, and what makes that doubtful."""
	before, now = values[0]["value"], values[1]["value"]
	kpi, inquiry = asked.kpi, asked.inquiry
	kind = kind_of(kpi.unit)
	if before is None or now is None:
		missing = asked.before if before is None else asked.now
		yield Note(
			"{kpi} has no value from {first} to {last}, so there is no change to explain.",
			{"kpi": kpi.title, "first": missing.start, "last": missing.last_day},
			{"kpi": Kind.TEXT, "first": Kind.DAY, "last": Kind.DAY},
			is_warning=True,
		)
	else:
		yield _headline(kpi, before, now, kind)
	yield Note(
		"Compared are the days from {first} to {last} with those from {before_first} to {before_last}.",
		{
			"first": asked.now.start,
			"last": asked.now.last_day,
			"before_first": asked.before.start,
			"before_last": asked.before.last_day,
		},
		dict.fromkeys(("first", "last", "before_first", "before_last"), Kind.DAY),
	)
	is_unequal = inquiry.as_of < asked.now.last_day or _is_part(inquiry)
	if now is not None and is_unequal and asked.compare is Compare.PREVIOUS:
		yield Note(
			"A part of a period is compared with a whole one: compare with the same day instead.",
			is_warning=True,
		)
	elif now is not None and kpi.matures and values[1]["reason"] == TOO_EARLY:
		yield Note(
			"{kpi} isn't final: leads and quotations of the period still have time, so part of the change is age.",
			{"kpi": kpi.title},
			{"kpi": Kind.TEXT},
			is_warning=True,
		)


def _headline(kpi: Kpi, before: float, now: float, kind: Kind) -> Note:
	change = now - before
	values: dict[str, Cell] = {"kpi": kpi.title, "change": abs(change), "before": before, "now": now}
	kinds = {"kpi": Kind.TEXT} | dict.fromkeys(("change", "before", "now"), kind)
	if abs(change) <= _DUST * max(abs(before), abs(now)):
		used = {"kpi": values["kpi"], "now": now}
		return Note("{kpi} hasn't changed: it is {now}.", used, {"kpi": Kind.TEXT, "now": kind})
	if change > 0:
		return Note("{kpi} rose by {change}, from {before} to {now}.", values, kinds)
	return Note("{kpi} fell by {change}, from {before} to {now}.", values, kinds)


def _factor_columns(kpi: Kpi) -> tuple[Column, ...]:
	kind = kind_of(kpi.unit)
	return (
		Column("of", "What Changed", Kind.TEXT),
		Column("part", "Because Of", Kind.TEXT),
		Column("before", "Before", Kind.NUMBER),
		Column("now", "Now", Kind.NUMBER),
		Column("effect", "Effect", kind),
		Column("share", "Share of the Change", Kind.SHARE),
	)


def _by_factors(
	asked: Asked, values: tuple[Value, Value], before: float, now: float, notes: list[Note]
) -> Outcome:
	kpi = asked.kpi
	split = drivers(asked, before, now) or fraction(*values, kpi) or velocity(asked, *values)
	if split is None:
		notes.append(
			Note(
				"{kpi} isn't made of factors or terms: ask for it by salesperson, territory or source."
				if isinstance(kpi.formula, Sum)
				else "{kpi} can't be taken apart: it isn't made of sums.",
				{"kpi": kpi.title},
				{"kpi": Kind.TEXT},
			)
		)
		return Outcome(_factor_columns(kpi), (), (), tuple(notes))
	kind = kind_of(kpi.unit)
	rows = [*_driver_rows(kpi.title, split)]
	charts = [_bridge(kpi.title, kind, split.before, [(d.title, d.effect) for d in split.drivers], split.now)]
	notes += _driver_notes(split, kind)
	if kpi.name == "sales_volume" and (first := first_orders(asked)) is not None:
		title = "First orders of new customers"
		rows += _driver_rows(title, first)
		charts.append(
			_bridge(title, kind, first.before, [(d.title, d.effect) for d in first.drivers], first.now)
		)
		notes.append(
			Note(
				"Of this, first orders of new customers went from {before} to {now}.",
				{"before": first.before, "now": first.now},
				{"before": kind, "now": kind},
			)
		)
		notes += _driver_notes(first, kind)
	return Outcome(_factor_columns(kpi), tuple(rows), tuple(charts), tuple(notes))


def _driver_rows(title: str, split: Split) -> Iterator[dict[str, Cell]]:
	is_still = abs(split.change) <= _DUST * max(abs(split.before), abs(split.now))
	for driver in split.drivers:
		yield {
			"of": title,
			"part": driver.title,
			"before": driver.before,
			"now": driver.now,
			"effect": driver.effect,
			"share": None if is_still else driver.effect / split.change,
		}
	yield {
		"of": title,
		"part": "Change",
		"before": split.before,
		"now": split.now,
		"effect": split.change,
		"share": None if is_still else 1.0,
	}


def _driver_notes(split: Split, kind: Kind) -> Iterator[Note]:
	"""A sentence for each driver that matters, the strongest first."""
	least = 0.01 * max((abs(driver.effect) for driver in split.drivers), default=0.0)
	for driver in sorted(split.drivers, key=lambda one: -abs(one.effect)):
		if abs(driver.effect) <= max(least, _DUST * max(abs(split.before), abs(split.now))):
			continue
		sentence = driver.up if driver.effect > 0 else driver.down
		values: dict[str, Cell] = {
			"part": driver.title, "before": driver.before, "now": driver.now, "effect": abs(driver.effect),
		}  # fmt: skip
		kinds = {"part": Kind.TEXT, "before": driver.kind, "now": driver.kind, "effect": kind}
		used = {name for name in values if f"{{{name}}}" in sentence}
		yield Note(sentence, {name: values[name] for name in used}, {name: kinds[name] for name in used})


def _bridge(title: str, kind: Kind, before: float, steps: Sequence[tuple[Cell, float]], now: float) -> Chart:
	"""From the value before over the effects to the value now; the smallest of too many share one bar."""
	shown = list(steps)
	if len(shown) > MOST:
		ranked = sorted(range(len(shown)), key=lambda place: -abs(shown[place][1]))
		kept = set(ranked[: MOST - 1])
		rest = math.fsum(shown[place][1] for place in ranked[MOST - 1 :])
		shown = [shown[place] for place in range(len(shown)) if place in kept] + [("All others", rest)]
	labels: list[Cell] = ["Before", *(label for label, _ in shown), "Now"]
	values = (before, *(effect for _, effect in shown), now)
	return Chart(title, Shape.BRIDGE, kind, tuple(labels), (Series(title, values),))


def usual_by(kpi: Kpi, of: By = By.COMPANY) -> By | None:
	"""By what the change of a KPI is taken apart where nobody says, for a scope of some kind; None where it can't be.

	By.COMPANY: by its factors or terms, or as a fraction. A sum that has neither is shared out among groups.
	"""
	formula = kpi.formula
	if not isinstance(formula, Sum):
		return By.COMPANY if isinstance(formula, Ratio | Mean | Quotient | Velocity) else None
	if kpi.name in CHAINS or len(formula.of.terms) > 1:
		return By.COMPANY
	others = [by for by in _GROUPS if by in kpi.scopes and by is not of]
	return others[0] if others else None


def _by_groups(asked: Asked, before: float, now: float, notes: list[Note]) -> Outcome:
	kpi, by = asked.kpi, asked.inquiry.by
	formula = kpi.formula
	if by not in kpi.scopes or not isinstance(formula, Sum | Ratio):
		notes.append(
			Note(
				"{kpi} isn't a sum or a ratio of sums of such groups, so its change can't be shared out among them.",
				{"kpi": kpi.title},
				{"kpi": Kind.TEXT},
				is_warning=True,
			)
		)
		return Outcome(_group_columns(kpi, by, False), (), (), tuple(notes))
	if isinstance(formula, Sum):
		return _contributed(asked, formula, before, now, notes)
	return _rated(asked, formula, before, now, notes)


_GROUPS: Mapping[By, tuple[str, str]] = {
	By.SALES_PERSON: ("Salesperson", "Sales Person"),
	By.TERRITORY: ("Territory", "Territory"),
	By.SOURCE: ("Source", ""),
}


def _group_columns(kpi: Kpi, by: By, is_ratio: bool) -> tuple[Column, ...]:
	kind = kind_of(kpi.unit)
	title, doctype = _GROUPS[by]
	named = Column("group", title, Kind.NAME, doctype)
	ends = (Column("before", "Before", kind), Column("now", "Now", kind))
	change = (Column("effect", "Effect", kind), Column("share", "Share of the Change", Kind.SHARE))
	if not is_ratio:
		return (named, *ends, *change)
	return (
		named,
		*ends,
		Column("weight_before", "Weight Before", Kind.SHARE),
		Column("weight_now", "Weight Now", Kind.SHARE),
		Column("rate", "Effect of Its Rate", kind),
		Column("mix", "Effect of Its Weight", kind),
		Column("other", "Without a Denominator", kind),
		*change,
	)


def _contributed(asked: Asked, formula: Sum, before: float, now: float, notes: list[Note]) -> Outcome:
	kpi, by = asked.kpi, asked.inquiry.by
	kind = kind_of(kpi.unit)
	groups = {name: pair for name, pair in asked.totals([formula.of], by)[0].items() if pair != (0.0, 0.0)}
	found = contributions(groups)
	rows: list[dict[str, Cell]] = [
		{"group": name, "before": one.before, "now": one.now, "effect": one.change, "share": one.share}
		for name, one in found.items()
	]
	steps: list[tuple[Cell, float]] = [(name or UNASSIGNED, one.change) for name, one in found.items()]
	if not found:
		notes.append(Note("Nothing was recorded in either period."))
	for name, one in list(found.items())[:3]:
		if abs(one.change) <= _DUST * max(abs(one.before), abs(one.now)):
			continue
		values: dict[str, Cell] = {
			"group": name or UNASSIGNED, "effect": abs(one.change), "before": one.before, "now": one.now,
		}  # fmt: skip
		kinds = dict.fromkeys(("effect", "before", "now"), kind) | ({} if name else {"group": Kind.TEXT})
		notes.append(
			Note(
				"{group} added {effect}, from {before} to {now}."
				if one.change > 0
				else "{group} took {effect} away, from {before} to {now}.",
				values,
				kinds,
			)
		)
	chart = _bridge(kpi.title, kind, before, steps, now)
	return Outcome(_group_columns(kpi, by, False), tuple(rows), (chart,) if rows else (), tuple(notes))


def _rated(asked: Asked, formula: Ratio, before: float, now: float, notes: list[Note]) -> Outcome:
	kpi, by = asked.kpi, asked.inquiry.by
	kind = kind_of(kpi.unit)
	numerators, denominators = asked.totals([formula.numerator, formula.denominator], by)
	nothing = (0.0, 0.0)
	parts = {
		name: Part(numerators.get(name, nothing), denominators.get(name, nothing))
		for name in sorted({*numerators, *denominators})
		if numerators.get(name, nothing) != nothing or denominators.get(name, nothing) != nothing
	}
	found = rate_mix(parts)
	columns = _group_columns(kpi, by, True)
	if found is None:
		return Outcome(columns, (), (), tuple(notes))
	is_still = abs(found.change) <= _DUST * max(abs(before), abs(now))
	order = sorted(found.parts.items(), key=lambda item: (-abs(item[1].effect), item[0]))
	rows: list[dict[str, Cell]] = [
		{
			"group": name,
			"before": one.rates[0],
			"now": one.rates[1],
			"weight_before": one.shares[0],
			"weight_now": one.shares[1],
			"rate": one.rate,
			"mix": one.mix,
			"other": one.other,
			"effect": one.effect,
			"share": None if is_still else one.effect / found.change,
		}
		for name, one in order
	]
	notes += _rate_notes(found, kind)
	steps: list[tuple[Cell, float]] = [("Rates", found.rate), ("Mix", found.mix)]
	if any(one.other for one in found.parts.values()):
		steps.append(("Without a Denominator", found.other))
	by_group: list[tuple[Cell, float]] = [(name or UNASSIGNED, one.effect) for name, one in order]
	charts = (
		_bridge("Rates and mix", kind, found.before, steps, found.now),
		_bridge(kpi.title, kind, found.before, by_group, found.now),
	)
	return Outcome(columns, tuple(rows), charts, tuple(notes))


def _rate_notes(found: RateMix, kind: Kind) -> Iterator[Note]:
	if found.simpson:
		if found.change < 0:
			sentence = (
				"Every group held or rose, and yet the whole fell: groups with lower rates weigh more now (Simpson's "
				"paradox). Judge the groups, not the whole."
			)
		else:
			sentence = (
				"Every group held or fell, and yet the whole rose: groups with higher rates weigh more now (Simpson's "
				"paradox). Judge the groups, not the whole."
			)
		yield Note(sentence, is_warning=True)
	values: dict[str, Cell] = {"rate": found.rate, "mix": found.mix}
	yield Note(
		"The groups' own rates account for {rate} of the change, and the weight of the groups for {mix}.",
		values,
		{"rate": kind, "mix": kind},
	)


_ITEM_PARTS: tuple[tuple[str, str, str, str], ...] = (
	(
		"volume",
		"Volume effect",
		"More was sold of everything alike: that added {effect}.",
		"Less was sold of everything alike: that took {effect} away.",
	),
	(
		"mix",
		"Mix effect",
		"More of what is dearer was sold: that added {effect}.",
		"More of what is cheaper was sold: that took {effect} away.",
	),
	("price", "Price effect", "Prices rose: that added {effect}.", "Prices fell: that took {effect} away."),
	(
		"new",
		"New Items",
		"Items that weren't sold before added {effect}.",
		"Items that weren't sold before took {effect} away.",
	),
	(
		"lost",
		"Lost Items",
		"Items that were credited before and aren't sold now added {effect}.",
		"Items that aren't sold any more took {effect} away.",
	),
)
_NOT_IN_LINES = (
	"Not in the lines",
	"What stands in no invoice line added {effect}.",
	"What stands in no invoice line took {effect} away.",
)


def _by_items(asked: Asked, before: float, now: float, notes: list[Note]) -> Outcome:
	kind = kind_of(asked.kpi.unit)
	columns = (
		Column("group", "Item Group", Kind.NAME, "Item Group"),
		Column("before", "Before", kind),
		Column("now", "Now", kind),
		*(Column(name, title, kind) for name, title, _, _ in _ITEM_PARTS),
		Column("effect", "Effect", kind),
	)
	if not has_items(asked.inquiry):
		notes.append(Note("The invoice lines here don't tell their items.", is_warning=True))
		return Outcome(columns, (), (), tuple(notes))
	items, returns = sold_items(asked.inquiry, asked.before, asked.now)
	groups = price_volume_mix(items)
	sold: dict[str, list[tuple[float, float]]] = {}
	for item in items.values():
		sold.setdefault(item.group, []).append(item.amount)
	ends = {
		group: (math.fsum(one for one, _ in amounts), math.fsum(other for _, other in amounts))
		for group, amounts in sold.items()
	}
	order = sorted(groups.items(), key=lambda entry: (-abs(entry[1].change), entry[0]))
	rows: list[dict[str, Cell]] = [
		{
			"group": group,
			"before": ends[group][0],
			"now": ends[group][1],
			**{name: getattr(effect, name) for name, *_ in _ITEM_PARTS},
			"effect": ends[group][1] - ends[group][0],
		}
		for group, effect in order
	]
	found = [
		Driver(
			title, math.fsum(getattr(effect, name) for effect in groups.values()), kind, None, None, up, down
		)
		for name, title, up, down in _ITEM_PARTS
	]
	title, up, down = _RETURNS
	found.append(Driver(title, returns[1] - returns[0], kind, returns[0], returns[1], up, down))
	rest = now - before - math.fsum(driver.effect for driver in found)
	if abs(rest) > 1e-6 * max(abs(before), abs(now), 1.0):
		title, up, down = _NOT_IN_LINES
		found.append(Driver(title, rest, kind, None, None, up, down))
	split = Split(before, now, tuple(_settled(found, now - before)))
	chart = _bridge(
		asked.kpi.title, kind, before, [(driver.title, driver.effect) for driver in split.drivers], now
	)
	notes += _driver_notes(split, kind)
	notes.append(
		Note("Returns are told apart from items, and quantities are in the stock units of the items.")
	)
	return Outcome(columns, tuple(rows), (chart,), tuple(notes))


ANALYSIS = Analysis(
	name="explanation",
	title="Explanation of a change",
	meaning="Why a KPI changed from one period to another, in parts that add up to the change exactly.",
	answer=answer,
	by=frozenset({By.COMPANY, By.SALES_PERSON, By.TERRITORY, By.SOURCE}),
	options={
		"kpi": "The KPI whose change is explained; sales_volume if left out.",
		"compare": "What the days are compared with: previous (period), same-day (of the period before) or year.",
		"split": "How sales volume is taken apart: drivers (customers, deals, value) or items (price, volume, mix).",
	},
)
