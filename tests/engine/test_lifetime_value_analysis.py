"""Lifetime value: goldens G7, G10 and G12, the worked example, the KPI, and a demo company counted by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import example
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import invoice, lead, team
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.lifetime_value import (
	ANALYSIS,
	GROW,
	KEEP,
	LET_GO,
	ONCE,
	SLIPPING,
	histories,
	payback_months,
	predict,
	segment,
	value_to_cost,
	worth,
)
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every

CHANNELS, PEOPLE = {"view": "channels"}, {"view": "salespeople"}
QUICK = settings(max_examples=30, derandomize=True, deadline=None)
UNTIL = date(2025, 12, 31)


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


def notes(outcome: Outcome) -> str:
	return " ".join(note.sentence.format(**note.values) for note in outcome.notes)


# Worth


def test_golden_margin() -> None:
	"""Golden G7: invoices of 1000 and 500 and a return of 200, cost of 600, 300 and −120."""
	found = worth(1000 + 500 - 200, 1300, 600 + 300 - 120)
	assert (found.revenue, found.margin, found.unknown) == (1300, 520, 0)
	assert found.share == pytest.approx(0.4)


def test_margin_of_what_is_known() -> None:
	half = worth(1000, 500, 300)
	assert (half.margin, half.unknown, half.share) == (200, 500, pytest.approx(0.4))
	assert worth(1000, 499, 300).share is None
	assert worth(0, 0, 0).share is None
	assert worth(-100, -100, -60).share is None
	assert worth(-100, -100, -60).margin == -40


def test_golden_ratio_and_payback() -> None:
	"""Golden G12."""
	assert value_to_cost(2400, 800) == pytest.approx(3)
	assert payback_months(800, 100, 0.4) == pytest.approx(20)
	assert value_to_cost(2400, 0) is None
	assert value_to_cost(None, 800) is None
	assert payback_months(0, 100, 0.4) == 0
	assert payback_months(800, 0, 0.4) is None
	assert payback_months(800, 100, -0.1) is None


def test_segments() -> None:
	assert [segment(alive, large) for alive in (0.9, 0.1) for large in (True, False)] == [
		KEEP,
		GROW,
		SLIPPING,
		LET_GO,
	]
	assert segment(0.5, True) == KEEP
	assert segment(None, True) == ONCE


# Histories


def test_histories() -> None:
	"""The first purchase tells no spending of later ones; what comes after the day isn't known."""
	found = histories(
		["b", "a", "a", "a", "a"],
		np.array(
			["2025-01-05", "2025-03-01", "2025-01-01", "2025-01-11", "2026-05-01"], dtype="datetime64[D]"
		),
		[7, 30, 999, 10, 5],
		date(2025, 3, 11),
	)
	assert found.customers.tolist() == ["a", "b"]
	assert found.x.tolist() == [2, 0]
	assert found.t_x.tolist() == [59, 0]
	assert found.T.tolist() == [69, 65]
	assert found.mean[0] == 20
	assert np.isnan(found.mean[1])


@given(
	bought=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90)), max_size=12, unique=True),
	seed=st.randoms(use_true_random=False),
)
@QUICK
def test_histories_count_plainly(bought: list[tuple[str, int]], seed: Any) -> None:
	begin = np.datetime64("2025-01-01")
	seed.shuffle(bought)
	found = histories(
		[name for name, _ in bought],
		begin + np.array([day for _, day in bought], dtype=int).astype("timedelta64[D]"),
		[10 + day for _, day in bought],
		date(2025, 4, 1),
	)
	assert found.customers.tolist() == sorted({name for name, _ in bought})
	for place, name in enumerate(found.customers):
		days = sorted(day for other, day in bought if other == name)
		assert (found.x[place], found.t_x[place]) == (len(days) - 1, days[-1] - days[0])
		assert found.T[place] == 90 - days[0]
		if len(days) > 1:
			assert found.mean[place] == pytest.approx(10 + sum(days[1:]) / (len(days) - 1))


# Prediction


def trade(
	customers: int = 900, seed: int = 1, depends: bool = False, stops: date | None = None
) -> tuple[Any, Any, Any]:
	"""Customers of two years that buy as the models say; some go. depends: who buys often spends little."""
	rng = np.random.default_rng(seed)
	names, days, amounts = [], [], []
	first = date(2024, 1, 1)
	for number in range(customers):
		rate, chance = rng.gamma(1.2, 1 / 50), rng.beta(0.6, 5)
		spends = 200 / (1 + 60 * rate) ** 2 if depends else 6 / rng.gamma(4, 1 / 30) * 5
		now = first + timedelta(days=int(rng.integers(0, 600)))
		while now <= UNTIL and (stops is None or now <= stops):
			names.append(f"C{number:04}")
			days.append(now)
			amounts.append(float(rng.gamma(6, spends)))
			if rng.random() < chance:
				break
			now += timedelta(days=max(int(rng.exponential(1 / rate)), 1))
	return np.array(names), np.array(days, dtype="datetime64[D]"), np.array(amounts)


def test_prediction() -> None:
	"""The check says what it says it does: counted here again."""
	names, days, amounts = trade()
	found = predict(names, days, amounts, amounts * 0.9, UNTIL)
	check = found.check
	assert check is not None
	cut = np.datetime64(UNTIL, "D") - np.timedelta64(check.days, "D")
	known = set(names[days <= cut].tolist())
	later = [amount for name, day, amount in zip(names, days, amounts) if name in known and day > cut]
	assert check.customers == len(known)
	assert check.actual == len(later)
	assert check.actual_value == pytest.approx(sum(later) * 0.9)
	assert check.holds
	assert check.value_holds
	assert found.purchases is not None
	assert found.spending is not None
	assert found.kept == pytest.approx(0.9)
	told = found.told()
	once = found.histories.x == 0
	assert told["alive"].isna().to_numpy().tolist() == once.tolist()
	assert (told["value"] > 0).all()
	spend = found.spending.expected_spend(found.histories.x, found.histories.mean)
	assert told["value"].to_numpy() == pytest.approx(told["purchases"].to_numpy() * spend * 0.9)
	longer = predict(names, days, amounts, amounts, UNTIL, horizon=24).told()
	assert longer["purchases"].sum() > told["purchases"].sum()


def test_the_order_of_rows_does_not_matter() -> None:
	names, days, amounts = trade(300)
	order = np.random.default_rng(1).permutation(len(names))
	one = predict(names, days, amounts, amounts, UNTIL)
	other = predict(names[order], days[order], amounts[order], amounts[order], UNTIL)
	assert (one.purchases, one.spending) == (other.purchases, other.spending)
	assert one.told().equals(other.told())


def test_where_spending_goes_with_frequency_no_value_is_told() -> None:
	"""Golden G10 asks for it."""
	names, days, amounts = trade(depends=True)
	found = predict(names, days, amounts, amounts, UNTIL)
	assert found.purchases is not None
	assert found.spending is None
	assert found.correlation is not None
	assert found.correlation < -0.3
	assert found.told()["value"].isna().all()


def test_a_prediction_that_fails_is_not_told() -> None:
	"""All stop buying some weeks before the end, which no model could know."""
	names, days, amounts = trade(stops=date(2025, 8, 1))
	found = predict(names, days, amounts, amounts, UNTIL)
	assert found.check is not None
	assert not found.check.holds
	assert found.purchases is None
	assert found.told()["purchases"].isna().all()


def test_too_little_history_foretells_nothing() -> None:
	none = predict([], np.array([], dtype="datetime64[D]"), [], [], UNTIL)
	assert (none.check, none.purchases, len(none.histories.x)) == (None, None, 0)
	names, days, amounts = trade(60)
	assert predict(names, days, amounts, amounts, UNTIL).check is None
	names, days, amounts = trade()
	assert predict(names, days, amounts, amounts, date(2024, 9, 1)).check is None
	returned = predict(names[:3], days[:3], [0, 0, 0], [-5, -5, -5], UNTIL)
	assert len(returned.histories.x) == 0


# Answers


def test_the_worked_example(tmp_path: Path) -> None:
	with asking(tmp_path, example.ROWS, settings=example.SETTINGS) as ask:
		outcome = checked(ANALYSIS, ask(last=date(2025, 5, 31)))
		early = checked(ANALYSIS, ask(last=date(2025, 2, 28)))
		people = checked(ANALYSIS, ask(last=date(2025, 5, 31), options=PEOPLE))
	names = ("customer", "since", "last", "purchases", "revenue", "unknown", "margin")
	assert [tuple(row[name] for name in names) for row in outcome.rows] == [
		("C1", date(2025, 2, 3), date(2025, 2, 20), 2, 1300, 1300, None),
		("C2", date(2025, 2, 10), date(2025, 4, 20), 2, 1000, 1000, None),
	]
	assert sum(column(outcome, "revenue")) / 2 == 1150
	assert sum(column(early, "revenue")) / 2 == 900
	assert "No lifetime value is predicted" in notes(outcome)
	assert "There are 2 customers, of whom 2 bought again" in notes(outcome)
	assert "segment" not in outcome.rows[0]
	# Ann won 60 % of C1, and all that it bought since counts for her.
	cells = [(row["sales_person"], row["customers"], row["revenue"], row["each"]) for row in people.rows]
	assert cells == [("Ann", 0.6, 780, 1300), ("Bob", 0.4, 520, 1300), ("", 1, 1000, 1000)]


def test_one_salesperson_is_told_of_their_part(tmp_path: Path) -> None:
	with asking(tmp_path, example.ROWS, settings=example.SETTINGS) as ask:
		outcome = checked(ANALYSIS, ask(scope_by=By.SALES_PERSON, scope="Ann"))
	assert [(row["customer"], row["revenue"]) for row in outcome.rows] == [("C2", 700), ("C1", 480)]


def costed(name: str, day: str, net: float, rate: float | None, **more: Any) -> tuple[Any, Any]:
	line = {
		"name": f"{name}-1",
		"parent": name,
		"base_net_amount": net,
		"incoming_rate": rate,
		"stock_qty": -1 if net < 0 else 1,
	}
	return invoice(name, day, net, **more), line


def test_margin_of_customers(tmp_path: Path) -> None:
	"""Golden G7 through the records, and a customer whose cost isn't known."""
	bought = [
		costed("S1", "2025-01-10", 1000, 600),
		costed("S2", "2025-02-10", 500, 300),
		costed("S3", "2025-03-10", -200, 120, is_return=1),
		costed("S4", "2025-03-10", 250, None, customer="C2"),
		costed("S5", "2025-03-10", 900, 1, customer="Walk-in"),
		costed("S6", "2025-03-10", -70, None, customer="C3", is_return=1),
	]
	rows = {
		"Sales Invoice": [one for one, _ in bought],
		"Sales Invoice Item": [line for _, line in bought],
		"Customer": [{"name": name} for name in ("C1", "C2", "C3", "Walk-in")],
	}
	chosen = Settings(not_one_customer=("Walk-in",))
	with asking(tmp_path, rows, settings=chosen) as ask:
		outcome = checked(ANALYSIS, ask())
		one = checked(ANALYSIS, ask(options={"limit": "1"}))
	names = ("customer", "revenue", "margin", "unknown", "purchases")
	assert [tuple(row[name] for name in names) for row in outcome.rows] == [
		("C1", 1300, 520, 0, 2),
		("C2", 250, None, 250, 1),
		("C3", -70, None, -70, 0),
	]
	assert "0.4 is margin, 520.0" in notes(outcome)
	assert column(one, "customer") == ["C1"]
	assert "The 1 customers that brought most are listed, of 3" in notes(one)


def test_channels_against_their_cost(tmp_path: Path) -> None:
	"""Web: one customer that brought 1300 and 520 of margin in 11 months, for 800. Nowhere: one that brought 100, for 50."""
	bought = [
		costed("S1", "2025-01-10", 1000, 600),
		costed("S2", "2025-02-10", 500, 300),
		costed("S3", "2025-03-10", -200, 120, is_return=1),
		costed("S4", "2025-03-10", 100, 70, customer="C2"),
	]
	entries = [
		{"name": f"E{number}", "posting_date": "2025-01-05", "debit": amount, "cost_center": center}
		for number, (amount, center) in enumerate([(800, "CC Web"), (50, "Main")])
	]
	common = {"account": "Marketing", "company": "A", "is_opening": "No", "voucher_type": "Journal Entry"}
	rows: dict[str, Any] = {
		"Sales Invoice": [one for one, _ in bought],
		"Sales Invoice Item": [line for _, line in bought],
		"Customer": [{"name": "C1", "lead_name": "L1"}, {"name": "C2"}],
		"Lead": [lead("L1", "2025-01-01", source="Web")],
		"Account": [{"name": "Marketing", "company": "A", "lft": 1, "rgt": 2}],
		"Cost Center": [{"name": "Main"}, {"name": "CC Web"}],
		"GL Entry": [common | entry for entry in entries],
	}
	mapped = Settings(acquisition_accounts=("Marketing",), cost_center_source={"CC Web": "Web"})
	span = (date(2025, 1, 1), date(2025, 12, 31), date(2025, 12, 31))
	with asking(tmp_path, rows, settings=mapped) as ask:
		outcome = checked(ANALYSIS, ask(*span, options=CHANNELS))
		young = checked(ANALYSIS, ask(span[0], date(2025, 3, 31), span[2], options=CHANNELS))
		hidden = checked(ANALYSIS, ask(*span, options=CHANNELS, kpis=("customer_lifetime_value",)))
		nobody = checked(ANALYSIS, ask(date(2024, 1, 1), date(2024, 2, 1), options=CHANNELS))
	web, rest = outcome.rows
	assert (web["source"], web["customers"], web["revenue"], web["margin_share"]) == ("Web", 1, 1300, 0.4)
	assert (web["value"], web["cost"], web["ratio"]) == (520, 800, 0.65)
	months = (date(2025, 12, 31) - date(2025, 1, 10)).days / 30.4375
	assert web["payback"] == pytest.approx(800 / (520 / months))
	assert (rest["source"], rest["value"], rest["cost"]) == ("", pytest.approx(30), 50)
	assert (rest["ratio"], rest["payback"]) == (None, None)
	assert column(young, "payback") == [None, None]
	assert "too lately" in notes(young)
	assert column(hidden, "cost") == [None] * 2
	assert "may not see" in notes(hidden)
	assert nobody.rows == ()
	assert "No new customer" in notes(nobody)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		assert "Nobody has bought" in notes(checked(ANALYSIS, ask()))
		for options in (CHANNELS, PEOPLE):
			assert "No new customer" in notes(checked(ANALYSIS, ask(options=options)))
	rows = {"Sales Invoice": [invoice("S1", "2025-01-10", 100)], "Sales Team": team("S1", Ann=100)}
	with asking(tmp_path, rows) as ask:
		assert "name no accounts" in notes(checked(ANALYSIS, ask(options=CHANNELS)))
	unmapped = Settings(acquisition_accounts=("Marketing",))
	with asking(
		tmp_path,
		rows | {"Account": [{"name": "Marketing", "company": "A", "lft": 1, "rgt": 2}]},
		settings=unmapped,
	) as ask:
		outcome = checked(ANALYSIS, ask(options=CHANNELS))
	assert "no channel has a cost of its own" in notes(outcome)
	assert column(outcome, "cost") == [None]


@pytest.mark.parametrize(
	("options", "message"),
	[
		({"view": "x"}, "no view 'x'"),
		({"depth": "2"}, "no option 'depth'"),
		({"horizon": "0"}, "horizon must be a whole number from 1 to 60"),
		({"horizon": "soon"}, "horizon must be a whole number"),
		({"limit": "-1"}, "limit must be a whole number"),
	],
)
def test_bad_questions_are_refused(tmp_path: Path, options: dict[str, str], message: str) -> None:
	with asking(tmp_path, example.ROWS) as ask, pytest.raises(InputError, match=message):
		ANALYSIS.answer(ask(options=options))


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("lifetime"), 2200) as found:
		yield found


SPAN = (date(2025, 1, 1), date(2026, 10, 31))


def test_the_demo_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(*SPAN, options={"limit": "100000"})
	outcome = checked(ANALYSIS, asked)
	revenue: dict[str, float] = defaultdict(float)
	bought: dict[str, set[Any]] = defaultdict(set)
	for customer, day, net, is_return, is_debit_note in demo.read(
		f"""SELECT customer, posting_date, base_net_total, is_return, is_debit_note FROM "tabSales Invoice"
		WHERE docstatus = 1 AND company = '{asked.company}' AND is_opening = 'No' AND is_internal_customer = 0"""
	):
		if customer in asked.settings.not_one_customer:
			continue
		revenue[customer] += float(net)
		if not is_return and not is_debit_note and net > 0:
			bought[customer].add(day)
	assert {row["customer"]: row["revenue"] for row in outcome.rows} == pytest.approx(dict(revenue))
	assert {row["customer"]: row["purchases"] for row in outcome.rows} == {
		name: len(bought[name]) for name in revenue
	}
	assert column(outcome, "revenue") == sorted(column(outcome, "revenue"), reverse=True)
	for row in outcome.rows:
		assert (row["alive"] is None) == (row["purchases"] < 2)  # type: ignore[operator]
		assert row["expected"] is None or row["expected"] >= 0  # type: ignore[operator]


def test_it_is_the_kpi(demo: Demo) -> None:
	asked = demo.ask(*SPAN, options={"limit": "100000"})
	question = Question(
		asked.company, *SPAN, Every.RANGE, By.COMPANY, ("customer_lifetime_value",), asked.as_of
	)
	(value,) = compute(asked.source, question, asked.settings, asked.masters)
	rows = checked(ANALYSIS, asked).rows
	assert sum(float(str(row["revenue"])) for row in rows) == pytest.approx(value["numerator"])
	assert sum(bool(row["purchases"]) for row in rows) == pytest.approx(value["denominator"])


def test_salespeople_won_all_customers(demo: Demo) -> None:
	"""Credits add up: to all first sales, and to what their customers brought, by whom and by channel."""
	asked = demo.ask(*SPAN, options=PEOPLE)
	rows = checked(ANALYSIS, asked).rows
	first = asked.rows("first_sale")
	first = first[(first["day"] >= "2025-01-01")]
	everyone = {
		row["customer"]: float(str(row["revenue"]))
		for row in checked(ANALYSIS, demo.ask(*SPAN, options={"limit": "100000"})).rows
	}
	assert sum(float(str(row["customers"])) for row in rows) == pytest.approx(first["quantity"].sum())
	won = sum(everyone[name] for name in set(first["document"]))
	assert sum(float(str(row["revenue"])) for row in rows) == pytest.approx(won)
	channels = checked(ANALYSIS, demo.ask(*SPAN, options=CHANNELS)).rows
	by_channel = sum(float(str(row["revenue"])) * float(str(row["customers"])) for row in channels)
	assert by_channel == pytest.approx(won)
	question = Question(
		asked.company, *SPAN, Every.RANGE, By.SOURCE, ("customer_acquisition_cost",), asked.as_of
	)
	costs = {
		value["scope"]: value["value"]
		for value in compute(asked.source, question, asked.settings, asked.masters)
	}
	for row in channels:
		assert row["cost"] == pytest.approx(costs[str(row["source"])])
