"""What it costs to win a customer, from the ledger: by channel and month, direct and fully loaded.

The settings name one list of accounts, so the ledger doesn't say which of the cost is direct. Its cost centers do: what the
settings map to a channel is that channel's direct cost; all cost on the accounts together is the fully loaded cost of the
company. What is mapped to no channel stays a row of its own: it is spread over nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sales_kpi import catalogue
from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.sums import before_lag, lag_of, months_later
from sales_kpi.analysis.survival import (
	FEW,
	choices,
	largest,
	quantile,
	rounded,
	sample,
	scope_column,
	told_apart,
)
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Span
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, Period

if TYPE_CHECKING:
	import pandas as pd

VIEWS = ("periods", "total", "accounts")

SO_FAR = "so far"

MONTH = 30.4375
"""Days of a month, on average."""


# Costs for each customer


@dataclass(frozen=True)
class AcquisitionCost:
	"""What was spent to win some customers.

	direct: of the cost, what is mapped to a channel. customers: how many were won, by parts where credit for them is
	shared. each: cost for each of them, each_direct: the direct part of it; None where none was won.
	"""

	cost: float
	direct: float
	customers: float
	each: float | None
	each_direct: float | None


def acquisition_cost(cost: float, customers: float, direct: float = 0.0) -> AcquisitionCost:
	"""What it cost to win each of some customers, as the KPI `customer_acquisition_cost`: a ratio of sums.

	Source: golden G11 of the field survey.
	"""
	some = abs(customers) > 1e-9
	return AcquisitionCost(
		cost,
		direct,
		customers,
		cost / customers if some else None,
		direct / customers if some else None,
	)


def lag_that_fits(days: float) -> int:
	"""The lag in whole months that fits a sales cycle of so many days. Source: golden G11 of the field survey."""
	return max(int(days / MONTH + 0.5), 0)


# What was spent, and whom it won


def spent(inquiry: Inquiry) -> pd.DataFrame:
	"""The cost of acquisition that counts in an inquiry's days: the rows of the fact, `day` moved on by the settings' lag."""
	lag = lag_of("acquisition_cost", inquiry.reading)
	frame = inquiry.rows("acquisition_cost", day=Span(before_lag(inquiry.first, lag), inquiry.last))
	moved = months_later(frame["day"].to_numpy().astype("datetime64[D]"), lag)
	frame["day"] = moved.astype("datetime64[ns]")
	counts = (moved >= _day(inquiry.first)) & (moved <= _day(inquiry.last))
	found: pd.DataFrame = frame[counts].reset_index(drop=True)
	return found


def _day(day: date) -> Any:
	import numpy as np

	return np.datetime64(day, "D")


def _together(inquiry: Inquiry, costs: pd.DataFrame) -> pd.DataFrame:
	"""Costs and new customers one below the other: columns of LEAF, `day`, `cost`, `direct` and `customers`."""
	import pandas as pd

	columns = ["day", "sales_person", "territory", "source"]
	won = inquiry.rows("first_sale", day=Span(inquiry.first, inquiry.last))
	return pd.concat(
		[
			costs[columns].assign(
				cost=costs["amount"],
				direct=costs["amount"].where(costs["source"] != "", 0.0),
				customers=0.0,
			),
			won[columns].assign(cost=0.0, direct=0.0, customers=won["quantity"]),
		],
		ignore_index=True,
	)


def _sums(frame: pd.DataFrame) -> AcquisitionCost:
	def total(column: str) -> float:
		# Sums of sorted numbers don't depend on the order of rows.
		return round(float(frame[column].sort_values().sum()), 9) + 0.0

	return acquisition_cost(total("cost"), total("customers"), total("direct"))


def is_mapped(inquiry: Inquiry, by: By) -> bool:
	"""Whether the settings map some cost to scopes of a kind, without which these have no cost of their own."""
	settings = inquiry.settings
	if by is By.SOURCE:
		return bool(settings.cost_center_source)
	if by in (By.SALES_PERSON, By.TEAM):
		return bool(settings.cost_center_sales_person)
	return True


NO_ACCOUNTS = Note(
	"The settings name no accounts of acquisition cost: without them it is not known what was spent.",
	is_warning=True,
)


# Answers


def answer(inquiry: Inquiry) -> Outcome:
	"""What it cost to win customers."""
	view = choices(inquiry, view=VIEWS)["view"]
	if view == "accounts":
		return _accounts_answer(inquiry)
	return _costs_answer(inquiry, view)


def _columns(inquiry: Inquiry, view: str) -> tuple[Column, ...]:
	whole, is_one = inquiry.by is By.COMPANY, view == "total" or inquiry.every is Every.RANGE
	counted = Kind.COUNT if whole and not inquiry.reading.only else Kind.NUMBER
	own = (
		(
			Column("cost", "Cost, fully loaded", Kind.MONEY),
			Column("direct", "Direct cost of channels", Kind.MONEY),
			Column("each", "Acquisition cost, fully loaded", Kind.MONEY),
			Column("each_direct", "Acquisition cost, direct", Kind.MONEY),
		)
		if whole
		else (
			Column("cost", "Cost", Kind.MONEY),
			Column("share", "Share of all cost", Kind.SHARE),
			Column("each", "Acquisition cost", Kind.MONEY),
		)
	)
	return (
		*(() if whole else (scope_column(inquiry),)),
		Column("period", "From", Kind.DAY) if is_one else Column("period", "Period", Kind.PERIOD),
		Column("customers", "New customers", counted),
		*own,
		Column("state", "State", Kind.TEXT),
		Column("sample", "Sample", Kind.TEXT),
	)


def _costs_answer(inquiry: Inquiry, view: str) -> Outcome:
	columns = _columns(inquiry, view)
	if not inquiry.settings.acquisition_accounts:
		return Outcome(columns, (), notes=(NO_ACCOUNTS,))
	if not is_mapped(inquiry, inquiry.by):
		return Outcome(columns, (), notes=(_no_mapping(inquiry.by),))
	frame = _together(inquiry, spent(inquiry))
	if frame.empty:
		note = Note("Nothing was spent and nobody was won in these days.", is_warning=True)
		return Outcome(columns, (), notes=(note,))
	periods = (
		[Period(inquiry.first, inquiry.last + timedelta(days=1))] if view == "total" else inquiry.periods()
	)
	periods = [period for period in periods if period.start <= inquiry.as_of]
	whole = _by_period(inquiry, frame, periods)
	found = [(name, _by_period(inquiry, mine, periods)) for name, mine in told_apart(inquiry, frame)]
	rows = tuple(
		_row(inquiry, name, period, one, every)
		for name, all_of_them in found
		for period, one, every in zip(periods, all_of_them, whole)
	)
	notes = tuple(_notes(inquiry, frame, [one for _, each in found for one in each]))
	return Outcome(columns, rows, _charts(inquiry, periods, found), notes)


def _by_period(inquiry: Inquiry, frame: pd.DataFrame, periods: Sequence[Period]) -> list[AcquisitionCost]:
	days = frame["day"].to_numpy().astype("datetime64[D]")
	return [_sums(frame[(days >= _day(period.start)) & (days < _day(period.end))]) for period in periods]


def _row(
	inquiry: Inquiry, name: str, period: Period, one: AcquisitionCost, every: AcquisitionCost
) -> dict[str, Cell]:
	whole = inquiry.by is By.COMPANY
	counts = whole and not inquiry.reading.only
	cells: dict[str, Cell] = {} if whole else {"scope": name}
	cells |= {
		"period": period.start,
		"customers": round(one.customers) if counts else rounded(one.customers),
		"cost": rounded(one.cost),
	}
	if whole:
		told = is_mapped(inquiry, By.SOURCE)
		cells |= {
			"direct": rounded(one.direct) if told else None,
			"each": rounded(one.each),
			"each_direct": rounded(one.each_direct) if told else None,
		}
	else:
		cells |= {
			"share": rounded(one.cost / every.cost) if every.cost > 1e-9 else None,
			"each": rounded(one.each),
		}
	is_over = period.is_whole and period.last_day <= inquiry.as_of
	return cells | {"state": None if is_over else SO_FAR, "sample": sample(one.customers)}


def _charts(
	inquiry: Inquiry, periods: Sequence[Period], found: Sequence[tuple[str, Sequence[AcquisitionCost]]]
) -> tuple[Chart, ...]:
	labels = tuple(period.start for period in periods)
	if inquiry.by is By.COMPANY:
		((_, whole),) = found
		series = [Series("Fully loaded", tuple(rounded(one.each) for one in whole))]
		if is_mapped(inquiry, By.SOURCE):
			series.append(Series("Direct", tuple(rounded(one.each_direct) for one in whole)))
		return (Chart("Acquisition cost of a new customer", Shape.LINE, Kind.MONEY, labels, tuple(series)),)
	most = largest(found, lambda each: sum(abs(one.cost) for one in each))
	# Cost of nobody has not won the customers of nobody: the one over the other is nothing to look at.
	named = [(name, each) for name, each in most if name]
	if len(periods) == 1:
		names = tuple(name for name, _ in named)
		bars = Series("Acquisition cost", tuple(rounded(each[0].each) for _, each in named))
		return (Chart("Acquisition cost of a new customer", Shape.BAR, Kind.MONEY, names, (bars,)),)
	return (
		Chart(
			"Acquisition cost of a new customer",
			Shape.LINE,
			Kind.MONEY,
			labels,
			tuple(Series(name, tuple(rounded(one.each) for one in each), True) for name, each in named),
		),
		Chart(
			"Acquisition cost by where it was spent",
			Shape.STACKED,
			Kind.MONEY,
			labels,
			tuple(Series(name, tuple(rounded(one.cost) for one in each), True) for name, each in most),
		),
	)


def _no_mapping(by: By) -> Note:
	if by is By.SOURCE:
		return Note(
			"The settings map no cost center to a channel: no channel has a cost of its own. All of it stands with the company.",
			is_warning=True,
		)
	return Note(
		"The settings map no cost center to a salesperson: nobody has a cost of their own. All of it stands with the company.",
		is_warning=True,
	)


def _notes(inquiry: Inquiry, frame: pd.DataFrame, found: Sequence[AcquisitionCost]) -> Iterator[Note]:
	whole, kinds = _sums(frame), {"money": Kind.MONEY, "each": Kind.MONEY, "share": Kind.SHARE}
	customers = {"customers": Kind.NUMBER if inquiry.reading.only else Kind.COUNT}
	if whole.each is not None:
		won: Cell = rounded(whole.customers) if inquiry.reading.only else round(whole.customers)
		yield Note(
			"In these days {money} was spent to win {customers} new customers: {each} for each, fully loaded.",
			{"money": rounded(whole.cost), "customers": won, "each": rounded(whole.each)},
			kinds | customers,
		)
	else:
		yield Note(
			"In these days {money} was spent, and no new customer was won: there is no cost for each.",
			{"money": rounded(whole.cost)},
			kinds,
			is_warning=True,
		)
	people = inquiry.by in (By.SALES_PERSON, By.TEAM)
	if people or is_mapped(inquiry, By.SOURCE):
		mine = frame[frame["sales_person"] == ""]["cost"] if people else frame[frame["source"] == ""]["cost"]
		left = round(float(mine.sort_values().sum()), 9)
		if abs(left) > 1e-9 and whole.cost > 1e-9:
			yield Note(
				"{money} of it, {share}, belongs to no salesperson. It is not spread over them, and whom it won is not known."
				if people
				else "{money} of it, {share}, belongs to no channel. It is not spread over the channels: their cost is the "
				"direct one alone.",
				{"money": rounded(left), "share": rounded(left / whole.cost)},
				kinds,
			)
	if is_mapped(inquiry, By.SOURCE):
		yield Note(
			"The settings name one list of accounts. Direct is what stands on cost centers that they map to a channel; fully "
			"loaded is all that stands on the accounts."
		)
	elif inquiry.by is By.COMPANY:
		yield Note(
			"The settings map no cost center to a channel, so that direct cost can't be told from the rest: all figures are "
			"fully loaded."
		)
	yield from _lag_notes(inquiry)
	if any(0 < one.customers < FEW for one in found):
		yield Note("Rows of fewer than {few} customers are too few to judge by.", {"few": FEW})


def _lag_notes(inquiry: Inquiry) -> Iterator[Note]:
	lag = inquiry.settings.acquisition_lag_months
	if lag:
		yield Note(
			"Cost counts later than it was spent, when it wins customers: by a lag in months of {months}.",
			{"months": lag},
		)
	first = inquiry.rows("first_order", day=Span(inquiry.first, inquiry.last))
	days = (first["day"] - first["since"]).dt.days.astype(float)
	usual = quantile(days.to_numpy(), 0.5, first["quantity"].to_numpy())
	if usual is None or len(first) < FEW or lag_that_fits(usual) == lag:
		return
	yield Note(
		"From first contact to first contract it usually takes {days} days. A lag in months of {months} would fit that; the "
		"settings have {lag}.",
		{"days": rounded(usual), "months": lag_that_fits(usual), "lag": lag},
		{"days": Kind.NUMBER},
	)


# The accounts' answer


def _accounts_answer(inquiry: Inquiry) -> Outcome:
	"""Where the cost stands in the ledger, and what it is mapped to."""
	columns = (
		Column("account", "Account", Kind.NAME, "Account"),
		Column("cost_center", "Cost center", Kind.NAME, "Cost Center"),
		Column("source", "Source", Kind.NAME),
		Column("sales_person", "Salesperson", Kind.NAME, "Sales Person"),
		Column("cost", "Cost", Kind.MONEY),
		Column("share", "Share of all cost", Kind.SHARE),
	)
	if inquiry.by is not By.COMPANY:
		raise InputError(
			"Accounts are told for the company as a whole: leave out by what to tell them apart."
		)
	if not inquiry.settings.acquisition_accounts:
		return Outcome(columns, (), notes=(NO_ACCOUNTS,))
	costs = spent(inquiry).merge(_entries(inquiry), on="document", how="left", validate="many_to_one")
	if costs.empty:
		note = Note("Nothing was spent on the accounts of acquisition cost in these days.", is_warning=True)
		return Outcome(columns, (), notes=(note,))
	names = ["account", "cost_center", "source", "sales_person"]
	costs[names] = costs[names].fillna("")
	summed = costs.sort_values("amount").groupby(names, sort=True)["amount"].sum().round(9)
	whole = float(summed.sum())
	ordered = sorted(summed.items(), key=lambda one: (-float(one[1]), one[0]))
	rows = tuple(
		{
			**{name: str(value) for name, value in zip(names, key)},  # type: ignore[call-overload]
			"cost": rounded(float(cost)),
			"share": rounded(float(cost) / whole) if whole > 1e-9 else None,
		}
		for key, cost in ordered
	)
	note = Note(
		"{money} stands on the accounts of acquisition cost. What has neither source nor salesperson is mapped to nobody.",
		{"money": rounded(whole)},
		{"money": Kind.MONEY},
	)
	by_account = costs.sort_values("amount").groupby("account")["amount"].sum().round(9)
	accounts = tuple(str(name) for name in by_account.index)
	chart = Chart(
		"Acquisition cost by account",
		Shape.BAR,
		Kind.MONEY,
		accounts,
		(Series("Cost", tuple(rounded(float(cost)) for cost in by_account)),),
	)
	return Outcome(columns, rows, (chart,), (note, *_lag_notes(inquiry)))


def _entries(inquiry: Inquiry) -> pd.DataFrame:
	"""The account and cost center of each entry of acquisition cost."""
	lag = lag_of("acquisition_cost", inquiry.reading)
	reading = inquiry.reading.narrowed(day=Span(before_lag(inquiry.first, lag), inquiry.last))
	row = catalogue.facts()["acquisition_cost"].select(reading).as_("row")
	entry = reading.table("GL Entry", alias="entry")
	return inquiry.source.run(
		Query.from_(row)
		.join(entry)
		.on(entry.name == row.document)
		.select(row.document, entry.account, entry.cost_center)
	)


ANALYSIS = Analysis(
	name="acquisition-cost",
	title="Acquisition cost",
	meaning="What it costs to win a customer, by channel and month, from the ledger: direct and fully loaded.",
	answer=answer,
	by=frozenset({By.COMPANY, By.SOURCE, By.SALES_PERSON, By.TEAM}),
	tells=("customer_acquisition_cost", "new_customers"),
	options={
		"view": "periods (one row for each), total (all days together) or accounts (where the cost stands in the ledger)",
	},
)
