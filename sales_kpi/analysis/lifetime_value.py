"""What customers have been worth, by revenue and by margin, and what they will be worth, as far as their past foretells it.

The prediction rests on how often customers bought (BG/NBD) and on what they spent (Gamma-Gamma), see `buy_till_die`. It is only
shown where the same models, fitted to all but the last months, foretold these last months well enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pypika import Case
from pypika.functions import Sum

from sales_kpi import catalogue
from sales_kpi.analysis.acquisition import MONTH, NO_ACCOUNTS, acquisition_cost, is_mapped, spent
from sales_kpi.analysis.buy_till_die import BgNbd, GammaGamma, fit_bg_nbd, fit_gamma_gamma, independence
from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.sums import as_days
from sales_kpi.analysis.survival import FEW, LINES, choices, rounded, sample
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.dialect import number
from sales_kpi.facts.reading.invoices import invoices, is_one_customer, is_purchase
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, where
from sales_kpi.kpis.definition import By

if TYPE_CHECKING:
	import pandas as pd

VIEWS = ("customers", "channels", "salespeople")

HORIZON, LONGEST = 12, 60
"""For how many months values are foretold unless said otherwise, and at most."""

LISTED = 200
"""So many customers are listed unless said otherwise."""

LEAST_DAYS, LEAST_CUSTOMERS, LEAST_AGAIN = 365, 100, 50
"""What a prediction needs: days of history, customers that were won early enough to be followed, and those of them that
bought again."""

HELD_OUT = 0.25
"""The last part of the history that a prediction is checked against, of at least 90 and at most 365 days."""

FAILS_FROM = 0.3
"""A prediction that missed the last months by more isn't shown."""

DEPENDS_FROM = 0.3
"""From which rank correlation on, either way, spending goes with frequency too much to be foretold apart from it."""

LIKELY = 0.5
"""From which chance on a customer is taken to be still there."""

KNOWN_FROM = 0.5
"""Part of the revenue whose cost must be known for a margin, as in the KPI `gross_margin`."""

YOUNG = 3.0
"""Months: customers that were followed for less, on average, tell no monthly margin. Their first purchase weighs too much."""

ALL = "all"

KEEP, SLIPPING, GROW, LET_GO, ONCE = "keep", "slipping", "can grow", "probably gone", "bought once"


# Worth


@dataclass(frozen=True)
class Worth:
	"""What some customers have brought in.

	revenue: invoices less returns. margin: of the part whose cost is known. unknown: revenue whose cost isn't known.
	share: the margin's share of the revenue with known cost, None where that is less than half of all, or none.
	"""

	revenue: float
	margin: float
	unknown: float
	share: float | None


def worth(revenue: float, costed: float, cost: float) -> Worth:
	"""Historic lifetime value by revenue and by margin.

	costed: the part of the revenue whose cost is known. cost: of that part. Where all of it is known the margin is
	revenue less cost. Source: golden G7 of the field survey; for the share the KPI `gross_margin`.
	"""
	known = costed > 1e-9 and costed >= KNOWN_FROM * revenue - 1e-9
	return Worth(
		revenue, costed - cost, round(revenue - costed, 9) + 0.0, (costed - cost) / costed if known else None
	)


def payback_months(cost: float, monthly_revenue: float, margin: float) -> float | None:
	"""After how many months the margin of a customer's revenue has paid what it cost to win it.

	margin: a share. None where the customer brings no margin, and what cost nothing is paid back at once. Source: golden
	G12 of the field survey.
	"""
	if cost <= 0:
		return 0.0
	monthly = monthly_revenue * margin
	return cost / monthly if monthly > 1e-9 else None


def value_to_cost(value: float | None, cost: float | None) -> float | None:
	"""Lifetime value over acquisition cost; None where one isn't known or nothing was spent. Source: golden G12."""
	return value / cost if value is not None and cost is not None and cost > 1e-9 else None


def segment(alive: float | None, is_large: bool) -> str:
	"""What to do about a customer, by the chance that it is still there and by whether it is worth more than most.

	alive: None for one that bought once, of which the model doesn't tell it.
	"""
	if alive is None:
		return ONCE
	if alive >= LIKELY:
		return KEEP if is_large else GROW
	return SLIPPING if is_large else LET_GO


# Histories


@dataclass(frozen=True, eq=False)
class Histories:
	"""What is known of each customer on a day, as the models take it; arrays of equal length, customers ascending.

	x: later occasions after the first. t_x: days from the first to the last of these. T: days since the first. mean: of
	what was spent on later occasions, NaN without any. first, last: days of the first and of the last occasion.
	"""

	customers: Any
	x: Any
	t_x: Any
	T: Any
	mean: Any
	first: Any
	last: Any


def histories(customer: Any, day: Any, amount: Any, until: date) -> Histories:
	"""What is known of customers on a day, by what they bought: one entry for each customer and day on which it did.

	customer: names or numbers. day: datetime64[D]. amount: of the purchases of the day. Days after `until` don't count.
	"""
	import numpy as np

	names, days = np.asarray(customer), np.asarray(day, "datetime64[D]")
	seen = days <= np.datetime64(until, "D")
	names, days, amounts = names[seen], days[seen], np.asarray(amount, dtype=float)[seen]
	order = np.lexsort((days, names))
	names, days, amounts = names[order], days[order], amounts[order]
	found, starts, counts = np.unique(names, return_index=True, return_counts=True)
	ends = starts + counts - 1
	first, last = days[starts], days[ends]
	x = counts - 1
	later = amounts.copy()
	later[starts] = 0.0
	sums = np.add.reduceat(later, starts) if len(starts) else np.zeros(0)
	age = (np.datetime64(until, "D") - first).astype(float)
	mean = np.where(x > 0, sums / np.maximum(x, 1), np.nan)
	return Histories(found, x.astype(float), (last - first).astype(float), age, mean, first, last)


# Prediction


@dataclass(frozen=True)
class Check:
	"""How well the last days were foretold from what came before.

	days: how many. customers: that were known before. expected, actual: purchases of these in the last days. value,
	actual_value: what they spent in them, returns deducted, None where spending can't be foretold. mistake: mean
	absolute error of purchases for each customer; mistake_of_pace: the same where all go on at their own pace.
	"""

	days: int
	customers: int
	expected: float
	actual: float
	value: float | None
	actual_value: float | None
	mistake: float
	mistake_of_pace: float

	@property
	def error(self) -> float | None:
		"""Of the purchases: 0.1 is 10 % too many; None where none were made."""
		return (self.expected - self.actual) / self.actual if self.actual > 0 else None

	@property
	def value_error(self) -> float | None:
		"""Of what was spent."""
		if self.value is None or self.actual_value is None or not self.actual_value > 0:
			return None
		return (self.value - self.actual_value) / self.actual_value

	@property
	def holds(self) -> bool:
		"""Whether purchases are foretold well enough: all together, and each better than by its own pace."""
		return (
			self.error is not None
			and abs(self.error) <= FAILS_FROM
			and self.mistake <= self.mistake_of_pace + 1e-9
		)

	@property
	def value_holds(self) -> bool:
		"""Whether what is spent is foretold well enough."""
		return self.holds and self.value_error is not None and abs(self.value_error) <= FAILS_FROM


@dataclass(frozen=True, eq=False)
class Prediction:
	"""What the past of all customers foretells.

	purchases: None where it foretells nothing. spending: None where it foretells no value. kept: what is left of a
	purchase after returns, as a share. correlation: of spending and frequency. check: None where the history is too short for
	one. histories: of all customers. horizon: months.
	"""

	purchases: BgNbd | None
	spending: GammaGamma | None
	kept: float
	correlation: float | None
	check: Check | None
	histories: Histories
	horizon: int

	def told(self) -> pd.DataFrame:
		"""By customer: `alive` (NaN where it bought once), `purchases` and `value` of the months to come, NaN where untold."""
		import numpy as np
		import pandas as pd

		each = self.histories
		alive = purchases = value = np.full(len(each.x), np.nan)
		if self.purchases is not None:
			alive = np.where(each.x > 0, self.purchases.p_alive(each.x, each.t_x, each.T), np.nan)
			purchases = self.purchases.expected_purchases(self.horizon * MONTH, each.x, each.t_x, each.T)
			if self.spending is not None:
				value = purchases * self.spending.expected_spend(each.x, each.mean) * self.kept
		return pd.DataFrame(
			{"alive": alive, "purchases": purchases, "value": value}, index=pd.Index(each.customers)
		)


def held_out(days: int) -> int:
	"""How many of the last days of so long a history a prediction is checked against."""
	return min(max(round(days * HELD_OUT), 90), 365)


def enough(known: Histories, days: int) -> bool:
	"""Whether some customers, known before the days that are held out, and a history of so many days foretell anything."""
	return days >= LEAST_DAYS and len(known.x) >= LEAST_CUSTOMERS and int((known.x > 0).sum()) >= LEAST_AGAIN


def predict(
	customer: Any, day: Any, amount: Any, net: Any, until: date, horizon: int = HORIZON
) -> Prediction:
	"""Fit the models to what customers bought until a day, after a check on the last part of it.

	customer, day: one entry for each customer and day on which it was invoiced. amount: its purchases of the day, 0 where
	there were none. net: all invoices of the day, returns deducted. horizon: months to come.

	A model is left out where there is too little history, where it has no maximum, where spending goes with frequency
	(golden G10 of the field survey), or where the check fails. What is left of a purchase after returns is taken to stay as
	it was: net over purchases, a ratio of sums.
	"""
	import numpy as np

	names, days = np.asarray(customer), np.asarray(day, "datetime64[D]")
	amounts, nets = np.asarray(amount, dtype=float), np.asarray(net, dtype=float)
	bought = amounts > 0
	now = histories(names[bought], days[bought], amounts[bought], until)
	nothing = Prediction(None, None, 1.0, None, None, now, horizon)
	if not len(now.x):
		return nothing
	length = int((np.datetime64(until, "D") - now.first.min()).astype(int)) + 1
	cut = until - timedelta(days=held_out(length))
	known = histories(names[bought], days[bought], amounts[bought], cut)
	if not enough(known, length):
		return nothing
	correlation = independence(now.x, now.mean)
	check = _checked(known, names, days, amounts, nets, cut, until)
	purchases = fit_bg_nbd(now.x, now.t_x, now.T) if check is not None and check.holds else None
	spending = None
	if purchases is not None and check is not None and check.value_holds and _apart(correlation):
		spending = _spending(now)
	return Prediction(purchases, spending, _kept(amounts, nets), correlation, check, now, horizon)


def _apart(correlation: float | None) -> bool:
	return correlation is not None and abs(correlation) < DEPENDS_FROM


def _kept(amounts: Any, nets: Any) -> float:
	"""What is left of purchases after returns."""
	whole = float(amounts.sum())
	return max(float(nets.sum()), 0.0) / whole if whole > 0 else 1.0


def _spending(known: Histories) -> GammaGamma | None:
	"""The model of spending, where it tells one-time buyers something as well."""
	found = fit_gamma_gamma(known.x, known.mean)
	return found if found is not None and found.population_mean is not None else None


def _checked(
	known: Histories, names: Any, days: Any, amounts: Any, nets: Any, cut: date, until: date
) -> Check | None:
	import numpy as np

	model = fit_bg_nbd(known.x, known.t_x, known.T)
	if model is None:
		return None
	ahead = (until - cut).days
	before, edge = days <= np.datetime64(cut, "D"), np.datetime64(until, "D")
	mine = ~before & (days <= edge) & np.isin(names, known.customers)
	place = np.searchsorted(known.customers, names[mine])
	actual = np.bincount(place, weights=amounts[mine] > 0, minlength=len(known.x))
	expected = model.expected_purchases(ahead, known.x, known.t_x, known.T)
	pace = known.x / np.maximum(known.T, 1.0) * ahead
	value = None
	if _apart(independence(known.x, known.mean)):
		spending = _spending(known)
		if spending is not None:
			kept = _kept(amounts[before], nets[before])
			value = float((expected * spending.expected_spend(known.x, known.mean)).sum()) * kept
	return Check(
		ahead,
		len(known.x),
		float(expected.sum()),
		float(actual.sum()),
		value,
		float(nets[mine].sum()) if value is not None else None,
		float(np.abs(expected - actual).mean()),
		float(np.abs(pace - actual).mean()),
	)


# What customers bought


def until_of(inquiry: Inquiry) -> date:
	"""The day up to which customers' worth is told: the last one asked for that has come."""
	return min(inquiry.last, inquiry.as_of)


def trade_of(inquiry: Inquiry) -> pd.DataFrame:
	"""What each customer of the company was invoiced, whoever was credited: `customer`, `day`, `amount` of purchases, `net`."""
	reading = inquiry.reading
	invoice = reading.table("Sales Invoice")
	frame = inquiry.source.run(
		where(
			invoices(reading, invoice),
			is_one_customer(reading, invoice.customer),
			Span(None, until_of(inquiry)).holds(invoice.posting_date),
		)
		.groupby(invoice.customer, invoice.posting_date)
		.select(
			invoice.customer,
			invoice.posting_date.as_("day"),
			Sum(Case().when(is_purchase(invoice), number(invoice.base_net_total)).else_(0)).as_("amount"),
			Sum(number(invoice.base_net_total)).as_("net"),
		)
	)
	frame["customer"] = frame["customer"].fillna("").astype(str)
	for column in ("amount", "net"):
		frame[column] = frame[column].astype(float).fillna(0.0)
	frame["day"] = as_days(frame["day"])
	return frame.sort_values(["customer", "day"], ignore_index=True)


def amounts_of(inquiry: Inquiry, reading: Reading) -> pd.DataFrame:
	"""By customer: `revenue`, `costed` and `cost` up to the day, of what a reading shows."""
	import pandas as pd

	found = {
		fact: _amount(inquiry, reading, fact)
		for fact in ("sale", "credit_note", "costed_sale", "cost_of_goods")
	}
	frame = pd.DataFrame(found).fillna(0.0).sort_index()
	frame["revenue"] = frame["sale"] + frame["credit_note"]
	frame = frame.rename(columns={"costed_sale": "costed", "cost_of_goods": "cost"})
	return frame[["revenue", "costed", "cost"]].round(9)


def _amount(inquiry: Inquiry, reading: Reading, fact: str) -> pd.Series[float]:
	reading = reading.narrowed(day=Span(None, until_of(inquiry)), dimensions=frozenset(reading.only))
	row = catalogue.facts()[fact].select(reading).as_("row")
	bill = reading.table("Sales Invoice", alias="bill")
	query = Query.from_(row).join(bill).on(bill.name == row.document)
	frame = inquiry.source.run(
		where(query, is_one_customer(reading, bill.customer))
		.groupby(bill.customer)
		.select(bill.customer, Sum(row.amount).as_("amount"))
	)
	names = frame["customer"].fillna("").astype(str)
	return frame["amount"].astype(float).fillna(0.0).groupby(names).sum()


# Answers


@dataclass(frozen=True)
class _Asked:
	view: str
	horizon: int
	limit: int


def number_asked(inquiry: Inquiry, name: str, usual: int, least: int, most: int) -> int:
	"""The whole number that an option gives. Raises InputError for what is none, or not within its bounds."""
	said = inquiry.options.get(name) or str(usual)
	if not (said.strip().isdecimal() and least <= int(said) <= most):
		raise InputError(
			"{name} must be a whole number from {least} to {most}, not {said}.",
			name=name,
			least=least,
			most=most,
			said=repr(said),
		)
	return int(said)


def _asked(inquiry: Inquiry) -> _Asked:
	numbers = {"horizon", "limit"}
	others = {name: word for name, word in inquiry.options.items() if name not in numbers}
	view = choices(replace(inquiry, options=others), view=VIEWS)["view"]
	return _Asked(
		view,
		number_asked(inquiry, "horizon", HORIZON, 1, LONGEST),
		number_asked(inquiry, "limit", LISTED, 1, 10**7),
	)


def answer(inquiry: Inquiry) -> Outcome:
	"""What customers are worth, one by one, by the channel through which they came, or by whom they were won."""
	asked = _asked(inquiry)
	trade = trade_of(inquiry)
	prediction = predict(
		trade["customer"].to_numpy(dtype=str),
		trade["day"].to_numpy().astype("datetime64[D]"),
		trade["amount"].to_numpy(),
		trade["net"].to_numpy(),
		until_of(inquiry),
		asked.horizon,
	)
	everyone = amounts_of(inquiry, inquiry.reading.narrowed(only={}))
	if asked.view == "customers":
		return _customers_answer(inquiry, asked, prediction, everyone)
	if asked.view == "channels":
		return _channels_answer(inquiry, prediction, everyone)
	return _salespeople_answer(inquiry, prediction, everyone)


def _worth_of(frame: pd.DataFrame) -> Worth:
	revenue, costed, cost = (float(frame[name].sort_values().sum()) for name in ("revenue", "costed", "cost"))
	return worth(*(round(each, 9) + 0.0 for each in (revenue, costed, cost)))


def _times(number_: float | None, other: float | None) -> float | None:
	return None if number_ is None or other is None else number_ * other


def _cell(number_: Any) -> float | None:
	"""A figure that may be NaN."""
	return None if number_ != number_ else rounded(float(number_))


# The customers' answer


def _customer_columns(prediction: Prediction) -> tuple[Column, ...]:
	return (
		Column("customer", "Customer", Kind.NAME, "Customer"),
		Column("source", "Source", Kind.NAME),
		Column("since", "Customer since", Kind.DAY),
		Column("last", "Last purchase", Kind.DAY),
		Column("purchases", "Days with purchases", Kind.COUNT),
		Column("revenue", "Revenue so far", Kind.MONEY),
		Column("margin", "Margin so far, where cost is known", Kind.MONEY),
		Column("unknown", "Revenue without known cost", Kind.MONEY),
		*(
			(
				Column("alive", "Chance that it is still a customer", Kind.SHARE),
				Column("expected", "Expected purchases", Kind.NUMBER),
				Column("value", "Expected revenue", Kind.MONEY),
				Column("value_margin", "Expected margin", Kind.MONEY),
				Column("segment", "Segment", Kind.TEXT),
			)
			if prediction.purchases is not None
			else ()
		),
	)


def _customers(inquiry: Inquiry, prediction: Prediction, everyone: pd.DataFrame) -> pd.DataFrame:
	"""All that is to be told of each customer that is seen, those who brought most first.

	Of a customer that is credited only in part here, the same part is taken of what is expected.
	"""
	import numpy as np
	import pandas as pd

	only = inquiry.reading.only
	mine = amounts_of(inquiry, inquiry.reading) if only else everyone
	first = inquiry.rows("customer", day=Span(None, until_of(inquiry)))
	first = first.sort_values(["document", "day"]).drop_duplicates("document").set_index("document")
	each = prediction.histories
	bought = pd.DataFrame({"count": each.x + 1, "since": each.first, "last": each.last}, index=each.customers)
	frame = mine.join(bought).join(prediction.told())
	if only:
		first = first.reindex(first.index.union(mine.index))
		whole = everyone["revenue"].reindex(frame.index)
		part = (frame["revenue"] / whole.where(whole > 1e-9)).clip(0.0, 1.0)
		frame["purchases"], frame["value"] = frame["purchases"] * part, frame["value"] * part
	frame["source"] = first["source"].reindex(frame.index).fillna("")
	frame["is_large"] = frame["revenue"] >= frame["revenue"].mean() if len(frame) else False
	frame["segment"] = [
		segment(None if np.isnan(alive) else alive, large)
		for alive, large in zip(frame["alive"], frame["is_large"])
	]
	frame["name"] = frame.index
	return frame.sort_values(["revenue", "name"], ascending=[False, True])


def _customers_answer(
	inquiry: Inquiry, asked: _Asked, prediction: Prediction, everyone: pd.DataFrame
) -> Outcome:
	frame = _customers(inquiry, prediction, everyone)
	columns = _customer_columns(prediction)
	if frame.empty:
		return Outcome(columns, (), notes=(_nobody(),))
	whole = _worth_of(frame)
	rows = []
	listed: list[dict[str, Any]] = [
		{str(key): value for key, value in row.items()} for row in frame[: asked.limit].to_dict("records")
	]
	for one in listed:
		own = worth(one["revenue"], one["costed"], one["cost"])
		has_bought = one["count"] == one["count"]
		cells: dict[str, Cell] = {
			"customer": str(one["name"]),
			"source": str(one["source"]),
			"since": one["since"].date() if has_bought else None,
			"last": one["last"].date() if has_bought else None,
			"purchases": int(one["count"]) if has_bought else 0,
			"revenue": rounded(own.revenue),
			"margin": rounded(own.margin) if abs(one["costed"]) > 1e-9 else None,
			"unknown": rounded(own.unknown),
		}
		if prediction.purchases is not None:
			cells |= {
				"alive": _cell(one["alive"]),
				"expected": _cell(one["purchases"]),
				"value": _cell(one["value"]),
				"value_margin": rounded(_times(_cell(one["value"]), whole.share)),
				"segment": str(one["segment"]) if has_bought else None,
			}
		rows.append(cells)
	notes = [*_customer_notes(frame, whole, asked), *_prediction_notes(inquiry, prediction, frame)]
	return Outcome(columns, tuple(rows), tuple(_customer_charts(frame, prediction)), tuple(notes))


def _customer_charts(frame: pd.DataFrame, prediction: Prediction) -> Iterator[Chart]:
	buyers = frame[frame["count"].notna()]
	if prediction.purchases is not None:
		parts = (KEEP, SLIPPING, GROW, LET_GO, ONCE)
		series = [Series("Revenue so far", _by(buyers, "segment", parts, "revenue"))]
		if prediction.spending is not None:
			series.append(Series("Expected revenue", _by(buyers, "segment", parts, "value")))
		yield Chart("Revenue of customers by segment", Shape.BAR, Kind.MONEY, parts, tuple(series))
	by_source = buyers.groupby("source")["revenue"].agg(["sum", "size"])
	by_source = by_source.sort_values(["sum"], ascending=False, kind="stable").head(LINES)
	if len(by_source):
		each = (by_source["sum"] / by_source["size"]).tolist()
		yield Chart(
			"Lifetime value by source",
			Shape.BAR,
			Kind.MONEY,
			tuple(str(name) for name in by_source.index),
			(Series("Revenue of a customer", tuple(rounded(float(one)) for one in each)),),
		)


def _by(frame: pd.DataFrame, column: str, parts: Sequence[str], of: str) -> tuple[float | None, ...]:
	return tuple(rounded(float(frame.loc[frame[column] == part, of].sort_values().sum())) for part in parts)


def _nobody() -> Note:
	return Note("Nobody has bought anything up to this day.", is_warning=True)


def _customer_notes(frame: pd.DataFrame, whole: Worth, asked: _Asked) -> Iterator[Note]:
	customers, kinds = int(frame["count"].notna().sum()), {"money": Kind.MONEY, "each": Kind.MONEY}
	if customers:
		yield Note(
			"{customers} customers have brought {money} so far, returns deducted: {each} each.",
			{
				"customers": customers,
				"money": rounded(whole.revenue),
				"each": rounded(whole.revenue / customers),
			},
			kinds,
		)
	yield from _margin_notes(whole)
	if len(frame) > asked.limit:
		yield Note(
			"The {listed} customers that brought most are listed, of {all}.",
			{"listed": asked.limit, "all": len(frame)},
		)


def _margin_notes(whole: Worth) -> Iterator[Note]:
	kinds = {"margin": Kind.MONEY, "money": Kind.MONEY, "share": Kind.SHARE}
	if whole.share is None:
		yield Note(
			"The cost of less than half of the revenue is known: no margin is told of the whole. Without known cost is {money}.",
			{"money": rounded(whole.unknown)},
			kinds,
			is_warning=True,
		)
		return
	yield Note(
		"Of the revenue whose cost is known {share} is margin, {margin}. The revenue without known cost, {money}, is left out of "
		"it.",
		{
			"share": rounded(whole.share),
			"margin": rounded(whole.margin),
			"money": rounded(whole.unknown),
		},
		kinds,
	)


def _prediction_notes(
	inquiry: Inquiry, prediction: Prediction, frame: pd.DataFrame | None = None
) -> Iterator[Note]:
	"""What is foretold and how well that went before, or why nothing is.

	The models are those of the whole company: whoever sees a part of it is told by how much they were off, but no totals.
	"""
	check, known, limited = prediction.check, prediction.histories, bool(inquiry.reading.only)
	if check is None and limited:
		yield Note(
			"No lifetime value is predicted: it takes {days} days of history, and {customers} customers known before its last "
			"quarter, of whom {again} bought again.",
			{"days": LEAST_DAYS, "customers": LEAST_CUSTOMERS, "again": LEAST_AGAIN},
			is_warning=True,
		)
		return
	if check is None:
		yield Note(
			"No lifetime value is predicted: it takes {days} days of history, and {customers} customers known before its last "
			"quarter, of whom {again} bought again. There are {have} customers, of whom {had} bought again.",
			{
				"days": LEAST_DAYS,
				"customers": LEAST_CUSTOMERS,
				"again": LEAST_AGAIN,
				"have": len(known.x),
				"had": int((known.x > 0).sum()),
			},
			is_warning=True,
		)
		return
	numbers: Mapping[str, Cell] = {
		"days": check.days,
		"expected": rounded(round(check.expected, 1)),
		"actual": round(check.actual),
		"error": rounded(check.error),
	}
	kinds = {"expected": Kind.NUMBER, "error": Kind.SHARE}
	if prediction.purchases is None:
		if check.error is None:
			yield Note(
				"No lifetime value is predicted: in the last {days} days none of the customers known before bought anything, "
				"which can't be compared.",
				{"days": check.days},
				kinds,
				is_warning=True,
			)
		elif abs(check.error) > FAILS_FROM:
			yield Note(
				"No lifetime value is predicted: for the last {days} days purchases would have been foretold with an error of "
				"{error}."
				if limited
				else "No lifetime value is predicted: for the last {days} days {expected} purchases would have been foretold, but "
				"there were {actual}, an error of {error}.",
				numbers,
				kinds,
				is_warning=True,
			)
		else:
			yield Note(
				"No lifetime value is predicted: for the last {days} days it would have been no better than to say that each "
				"customer goes on at its own pace.",
				{"days": check.days},
				kinds,
				is_warning=True,
			)
		return
	yield Note(
		"Expected is what the next months bring, {months} of them. Checked on the last {days} days, purchases were foretold with "
		"an error of {error}."
		if limited
		else "Expected is what the next months bring, {months} of them. Checked on the last {days} days: {expected} purchases were "
		"foretold, there were {actual}, an error of {error}.",
		{"months": prediction.horizon, **numbers},
		kinds,
	)
	yield from _value_notes(prediction, check, limited)
	if frame is None:
		return
	late = frame[frame["segment"] == SLIPPING]
	if len(late):
		yield Note(
			"{customers} customers that brought more than most are slipping: by how they used to buy they are more likely gone "
			"than not. They have brought {money}.",
			{"customers": len(late), "money": rounded(float(late["revenue"].sort_values().sum()))},
			{"money": Kind.MONEY},
		)
	once = int((frame["count"] == 1).sum())
	if once:
		yield Note(
			"{customers} customers bought once. The model can't tell whether they are still there: no chance is shown, and what "
			"is expected of them rests on all the others.",
			{"customers": once},
		)


def _value_notes(prediction: Prediction, check: Check, limited: bool) -> Iterator[Note]:
	kinds = {
		"value": Kind.MONEY,
		"actual": Kind.MONEY,
		"error": Kind.SHARE,
		"correlation": Kind.NUMBER,
		"kept": Kind.SHARE,
	}
	if prediction.spending is not None:
		yield Note(
			"Revenue was foretold with an error of {error}. After returns {kept} of purchases are left, as so far. Nothing is "
			"discounted."
			if limited
			else "Of revenue {value} was foretold and {actual} came, an error of {error}. After returns {kept} of purchases are left, "
			"as so far. Nothing is discounted.",
			{
				"value": rounded(check.value),
				"actual": rounded(check.actual_value),
				"error": rounded(check.value_error),
				"kept": rounded(prediction.kept),
			},
			kinds,
		)
	elif not _apart(prediction.correlation):
		yield Note(
			"No expected revenue is shown: what customers spend goes with how often they buy (rank correlation {correlation}), so "
			"that the two can't be foretold apart.",
			{"correlation": rounded(round(prediction.correlation or 0.0, 3))},
			kinds,
			is_warning=True,
		)
	elif check.value_error is None:
		yield Note(
			"No expected revenue is shown: what customers spend follows no pattern that could be foretold.",
			is_warning=True,
		)
	else:
		yield Note(
			"No expected revenue is shown: for the last days it would have been foretold with an error of {error}."
			if limited
			else "No expected revenue is shown: for the last days {value} would have been foretold, but {actual} came, an error of "
			"{error}.",
			{
				"value": rounded(check.value),
				"actual": rounded(check.actual_value),
				"error": rounded(check.value_error),
			},
			kinds,
			is_warning=True,
		)


# Customers that were won


@dataclass(frozen=True)
class _Won:
	"""Customers won in the days asked for, by parts where credit is shared.

	value: what is expected of them, None where untold. months: since they were won, all together.
	"""

	customers: float
	worth: Worth
	value: float | None
	months: float


def _won(inquiry: Inquiry, prediction: Prediction, everyone: pd.DataFrame) -> pd.DataFrame:
	"""The first sales of the days asked for, each with what its customer is worth by its part: columns as summed below."""
	import numpy as np

	first = inquiry.rows("first_sale", day=Span(inquiry.first, until_of(inquiry)))
	told = everyone.join(prediction.told()[["value"]])
	frame = first.join(told, on="document")
	until = np.datetime64(until_of(inquiry), "ns")
	frame["months"] = (until - frame["day"]).dt.days.astype(float) / MONTH
	for name in ("revenue", "costed", "cost", "value", "months"):
		frame[name] = frame[name] * frame["quantity"]
	return frame.sort_values(["document", "sales_person", "source", "day"], ignore_index=True)


def _summed(frame: pd.DataFrame) -> _Won:
	untold = frame.empty or bool(frame["value"].isna().any())
	return _Won(
		round(float(frame["quantity"].sum()), 9),
		_worth_of(frame),
		None if untold else round(float(frame["value"].sum()), 9),
		float(frame["months"].sum()),
	)


def _each(part: float | None, customers: float) -> float | None:
	return part / customers if part is not None and abs(customers) > 1e-9 else None


def _nobody_won() -> Note:
	return Note("No new customer was won in these days.", is_warning=True)


def _may_know_cost(inquiry: Inquiry) -> bool:
	return inquiry.kpis is None or "customer_acquisition_cost" in inquiry.kpis


def _channels_answer(inquiry: Inquiry, prediction: Prediction, everyone: pd.DataFrame) -> Outcome:
	"""What the customers that came through each channel are worth, and what it cost to win them."""
	columns = (
		Column("source", "Source", Kind.NAME),
		Column("customers", "New customers", Kind.NUMBER),
		Column("revenue", "Revenue of a customer so far", Kind.MONEY),
		Column("margin_share", "Margin, where cost is known", Kind.SHARE),
		Column("value", "Lifetime value so far, by margin", Kind.MONEY),
		Column("expected", "Lifetime value with what is expected, by margin", Kind.MONEY),
		Column("cost", "Acquisition cost of a customer", Kind.MONEY),
		Column("ratio", "Lifetime value to acquisition cost, so far", Kind.NUMBER),
		Column("ratio_expected", "Lifetime value to acquisition cost, with what is expected", Kind.NUMBER),
		Column("payback", "Months to pay back", Kind.NUMBER),
		Column("sample", "Sample", Kind.TEXT),
	)
	frame = _won(inquiry, prediction, everyone)
	settings = inquiry.settings
	costs = spent(inquiry) if settings.acquisition_accounts and _may_know_cost(inquiry) else None
	by_channel = costs is not None and is_mapped(inquiry, By.SOURCE)
	names = set(frame["source"]) | (set(costs["source"]) if costs is not None and by_channel else set())
	if frame.empty:
		return Outcome(columns, (), notes=(_nobody_won(),))
	rows = []
	for name in sorted(names, key=lambda name: (name == "", name)):
		one = _summed(frame[frame["source"] == name])
		cost = None
		if costs is not None and by_channel:
			amount = costs[costs["source"] == name]["amount"].sort_values().sum()
			cost = acquisition_cost(round(float(amount), 9) + 0.0, one.customers).each
		rows.append(_channel_row(name, one, cost))
	notes = [*_channel_notes(inquiry, frame, costs), *_prediction_notes(inquiry, prediction)]
	charts = _channel_charts(rows)
	return Outcome(columns, tuple(rows), charts, tuple(notes))


def _channel_row(name: str, one: _Won, cost: float | None) -> dict[str, Cell]:
	revenue, share = _each(one.worth.revenue, one.customers), one.worth.share
	value = _times(revenue, share)
	ahead = _times(_each(one.value, one.customers), share)
	expected = None if value is None or ahead is None else value + ahead
	monthly = one.worth.revenue / one.months if one.months >= YOUNG * max(one.customers, 1e-9) else None
	payback = None
	# What was spent on no channel has not won the customers of no channel.
	against = cost if name else None
	if against is not None and monthly is not None and share is not None:
		payback = payback_months(against, monthly, share)
	return {
		"source": name,
		"customers": rounded(one.customers),
		"revenue": rounded(revenue),
		"margin_share": rounded(share),
		"value": rounded(value),
		"expected": rounded(expected),
		"cost": rounded(cost),
		"ratio": rounded(value_to_cost(value, against)),
		"ratio_expected": rounded(value_to_cost(expected, against)),
		"payback": rounded(payback),
		"sample": sample(one.customers),
	}


def _channel_charts(rows: Sequence[Mapping[str, Cell]]) -> tuple[Chart, ...]:
	told = [row for row in rows if row["source"] and row["customers"]]
	if not told:
		return ()
	series = [
		Series("Lifetime value so far, by margin", tuple(_number(row["value"]) for row in told)),
		Series("Acquisition cost of a customer", tuple(_number(row["cost"]) for row in told)),
	]
	labels = tuple(str(row["source"]) for row in told)
	return (
		Chart("Lifetime value and acquisition cost by source", Shape.BAR, Kind.MONEY, labels, tuple(series)),
	)


def _number(cell: Cell) -> float | None:
	return float(cell) if isinstance(cell, int | float) else None


def _whole_notes(whole: _Won, spent_: float) -> Iterator[Note]:
	"""All customers that were won against all that was spent."""
	row = _channel_row(ALL, whole, acquisition_cost(round(spent_, 9) + 0.0, whole.customers).each)
	if row["ratio"] is not None:
		yield Note(
			"All channels together, with all that was spent: a customer has brought {value} by margin and cost {cost}, which is "
			"{ratio} times. Often quoted as good are 3 times and 12 months to pay back: rules of thumb of subscription software.",
			{"value": row["value"], "cost": row["cost"], "ratio": row["ratio"]},
			{"value": Kind.MONEY, "cost": Kind.MONEY, "ratio": Kind.NUMBER},
		)
	if row["payback"] is not None:
		yield Note(
			"So a customer pays back what it cost after {months} months.",
			{"months": row["payback"]},
			{"months": Kind.NUMBER},
		)


def _channel_notes(inquiry: Inquiry, frame: pd.DataFrame, costs: pd.DataFrame | None) -> Iterator[Note]:
	whole = _summed(frame)
	yield Note(
		"Value and cost are of the same customers: those won from {first} to {last}, with the margin they brought up to the "
		"last of these days.",
		{"first": inquiry.first, "last": until_of(inquiry)},
		{"first": Kind.DAY, "last": Kind.DAY},
	)
	yield from _margin_notes(whole.worth)
	if not _may_know_cost(inquiry):
		yield Note("What it cost to win customers isn't shown: you may not see the KPI.", is_warning=True)
	elif not inquiry.settings.acquisition_accounts:
		yield NO_ACCOUNTS
	elif not is_mapped(inquiry, By.SOURCE):
		yield Note(
			"The settings map no cost center to a channel: no channel has a cost of its own. All of it stands with the company.",
			is_warning=True,
		)
	else:
		yield Note(
			"The cost of a channel is what stands on its cost centers; what belongs to none stands in a row of its own and is "
			"spread over nobody."
		)
	if costs is not None:
		yield from _whole_notes(whole, float(costs["amount"].sort_values().sum()))
	if whole.months < YOUNG * whole.customers:
		yield Note(
			"These customers were won too lately to tell when they pay back: it takes {months} months on average.",
			{"months": round(YOUNG)},
			is_warning=True,
		)
	if whole.customers < FEW:
		yield Note("Rows of fewer than {few} customers are too few to judge by.", {"few": FEW})


def _salespeople_answer(inquiry: Inquiry, prediction: Prediction, everyone: pd.DataFrame) -> Outcome:
	"""What the customers that each salesperson won are worth, whoever sold to them later, told apart by source."""
	columns = (
		Column("sales_person", "Salesperson", Kind.NAME, "Sales Person"),
		Column("source", "Source", Kind.NAME),
		Column("customers", "Customers won", Kind.NUMBER),
		Column("revenue", "Revenue so far", Kind.MONEY),
		Column("each", "Revenue of a customer so far", Kind.MONEY),
		Column("margin", "Margin so far, where cost is known", Kind.MONEY),
		Column("unknown", "Revenue without known cost", Kind.MONEY),
		Column("value", "Lifetime value so far, by margin", Kind.MONEY),
		Column("expected", "Expected revenue", Kind.MONEY),
		Column("sample", "Sample", Kind.TEXT),
	)
	frame = _won(inquiry, prediction, everyone)
	if frame.empty:
		return Outcome(columns, (), notes=(_nobody_won(),))
	rows: list[dict[str, Cell]] = []
	groups = {(str(person), str(source)): mine for (person, source), mine in _pairs(frame)}
	for person, source in sorted(groups, key=lambda pair: (pair[0] == "", pair[0], pair[1] == "", pair[1])):
		one = _summed(groups[person, source])
		revenue = _each(one.worth.revenue, one.customers)
		rows.append(
			{
				"sales_person": person,
				"source": source,
				"customers": rounded(one.customers),
				"revenue": rounded(one.worth.revenue),
				"each": rounded(revenue),
				"margin": rounded(one.worth.margin),
				"unknown": rounded(one.worth.unknown),
				"value": rounded(_times(revenue, one.worth.share)),
				"expected": rounded(one.value),
				"sample": sample(one.customers),
			}
		)
	whole = _summed(frame)
	notes = (
		Note(
			"A customer belongs to whoever was credited with its first purchase, from {first} to {last}; what it bought later "
			"counts for them too, whoever sold it.",
			{"first": inquiry.first, "last": until_of(inquiry)},
			{"first": Kind.DAY, "last": Kind.DAY},
		),
		*_margin_notes(whole.worth),
		*_prediction_notes(inquiry, prediction),
	)
	return Outcome(columns, tuple(rows), _salespeople_charts(frame), notes)


def _pairs(frame: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
	yield from frame.groupby(["sales_person", "source"], sort=True)  # type: ignore[misc]


def _salespeople_charts(frame: pd.DataFrame) -> tuple[Chart, ...]:
	people = {str(name): _summed(mine) for name, mine in frame.groupby("sales_person", sort=True) if name}
	if not people:
		return ()
	ordered = sorted(people, key=lambda name: (-people[name].worth.revenue, name))
	each = tuple(rounded(_each(people[name].worth.revenue, people[name].customers)) for name in ordered)
	return (
		Chart(
			"Lifetime value of customers by who won them",
			Shape.BAR,
			Kind.MONEY,
			tuple(ordered),
			(Series("Revenue of a customer so far", each),),
		),
	)


ANALYSIS = Analysis(
	name="lifetime-value",
	title="Customer lifetime value",
	meaning="What customers have brought in by revenue and by margin, what they will bring, and whether they are worth what it "
	"cost to win them.",
	answer=answer,
	by=frozenset({By.COMPANY}),
	tells=("customer_lifetime_value", "gross_margin", "sales_volume"),
	options={
		"view": "customers (one by one), channels (against what they cost) or salespeople (of the customers that they won)",
		"horizon": "for how many months to come value is predicted, 12 unless said otherwise",
		"limit": "how many customers are listed, those that brought most first; 200 unless said otherwise",
	},
)
