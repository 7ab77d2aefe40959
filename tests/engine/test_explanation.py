"""Explanation of a change: goldens G16 to G18, sums that are exact, and the demo company counted in pandas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import servers
import sqlalchemy as sa
from example import ROWS, SETTINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import MASTERS, invoice, lead, opportunity, team

from sales_kpi import catalogue
from sales_kpi.analysis.explanation import (
	CHAINS,
	MOST,
	Compare,
	Item,
	Method,
	Part,
	answer,
	chain,
	compared,
	contributions,
	log_mean,
	multiplied,
	price_volume_mix,
	rate_mix,
	sold_items,
	understood,
	usual_by,
)
from sales_kpi.analysis.inquiry import Inquiry, inquiry
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.outcome import Outcome, Shape
from sales_kpi.analysis.values import Question, Scope, Sight, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.kpis.formula import Ratio, Sum
from sales_kpi.periods import Every, Period, calendar_named
from sales_kpi.sources.database import DatabaseSource

QUICK = settings(max_examples=60, deadline=None, derandomize=True)

# Goldens


def test_golden_g16() -> None:
	found = multiplied([100, 0.20, 500], [120, 0.18, 550])
	assert found.method is Method.LMDI
	assert found.change == pytest.approx(1880, abs=1e-6)
	assert found.effects == pytest.approx((1989.679558, -1149.801855, 1040.122297), abs=1e-6)
	assert math.fsum(found.effects) == found.change
	assert log_mean(11880, 10000) == pytest.approx(10913.024182, abs=1e-6)


def test_golden_g16_by_shapley() -> None:
	"""A factor of 0 makes the index impossible; Shapley's values of the golden are those of the limit of none."""
	zero = multiplied([100, 0.0, 500], [120, 0.18, 550])
	assert zero.method is Method.SHAPLEY
	assert math.fsum(zero.effects) == pytest.approx(120 * 0.18 * 550)
	# Turning two signs leaves the product as it is, and needs Shapley.
	turned = multiplied([-100, -0.20, 500], [-120, -0.18, 550])
	assert turned.method is Method.SHAPLEY
	assert turned.effects == pytest.approx((1993.333333, -1156.666667, 1043.333333), abs=1e-6)


def test_golden_g17() -> None:
	found = rate_mix({"A": Part((30, 19), (100, 60)), "B": Part((10, 20), (100, 180))})
	assert found is not None
	assert found.before == pytest.approx(0.2)
	assert found.now == pytest.approx(0.1625)
	assert found.rate == pytest.approx(0.01319444, abs=1e-8)
	assert found.mix == pytest.approx(-0.05069444, abs=1e-8)
	assert found.change == pytest.approx(-0.0375, abs=1e-6)
	assert found.parts["A"].rates == pytest.approx((0.3, 0.316667), abs=1e-6)
	assert found.parts["B"].rates == pytest.approx((0.1, 0.111111), abs=1e-6)
	assert found.simpson
	assert found.parts["A"].mix < 0  # the better group lost weight
	assert found.parts["B"].mix < 0  # the worse one gained it


def test_golden_g18() -> None:
	items = {"X": Item((10, 8), (1000, 880)), "Y": Item((20, 30), (1000, 1440))}
	(found,) = price_volume_mix(items).values()
	assert found.volume == pytest.approx(533.333333, abs=1e-6)
	assert found.mix == pytest.approx(-233.333333, abs=1e-6)
	assert found.price == pytest.approx(20, abs=1e-6)
	assert (found.new, found.lost) == (0, 0)
	assert found.change == pytest.approx(320, abs=1e-6)


def test_new_and_lost_items_have_their_own_bucket() -> None:
	items = {
		"X": Item((10, 8), (1000, 880), "old"),
		"Y": Item((20, 30), (1000, 1440), "old"),
		"N": Item((0, 3), (0, 700), "other"),
		"L": Item((4, 0), (90, 0), "other"),
		"note": Item((0, 0), (5, 25), "other"),
	}
	found = price_volume_mix(items)
	assert found["old"].volume == pytest.approx(533.333333, abs=1e-6)
	assert (found["other"].new, found["other"].lost) == (725, -95)
	assert (found["other"].volume, found["other"].mix, found["other"].price) == (0, 0, 0)


# What holds always

ANY = st.one_of(st.just(0.0), st.floats(-1e4, 1e4), st.floats(1e-3, 1e6))
FACTORS = st.lists(st.tuples(ANY, ANY), min_size=1, max_size=4)
COUNTS = st.one_of(st.just(0.0), st.floats(0.01, 1e4))
AMOUNTS = st.floats(-1e5, 1e6)


def same(one: float, other: float, *scale: float) -> bool:
	return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, *map(abs, scale)))


@QUICK
@given(FACTORS)
def test_effects_of_factors_sum_to_the_change(pairs: list[tuple[float, float]]) -> None:
	before, now = [one for one, _ in pairs], [other for _, other in pairs]
	found = multiplied(before, now)
	change = math.prod(now) - math.prod(before)
	assert same(math.fsum(found.effects), change, *found.effects, math.prod(now), math.prod(before))
	for effect, (one, other) in zip(found.effects, pairs, strict=True):
		if one == other and found.method is Method.LMDI:
			assert abs(effect) <= 1e-9 * max(1.0, *map(abs, found.effects), math.prod(now))


@QUICK
@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=2, max_size=4))
def test_the_order_of_factors_is_of_no_account(pairs: list[tuple[float, float]]) -> None:
	for turn in (lambda numbers: numbers, lambda numbers: [-n for n in numbers]):
		before, now = turn([one for one, _ in pairs]), turn([other for _, other in pairs])
		there = multiplied(before, now).effects
		back = multiplied(before[::-1], now[::-1]).effects
		scale = max(1.0, *map(abs, there))
		assert there == pytest.approx(back[::-1], abs=1e-9 * scale)


@QUICK
@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(AMOUNTS, AMOUNTS, COUNTS, COUNTS), min_size=1))
def test_rate_and_mix_sum_to_the_change(groups: dict[str, tuple[float, float, float, float]]) -> None:
	parts = {name: Part((n0, n1), (d0, d1)) for name, (n0, n1, d0, d1) in groups.items()}
	found = rate_mix(parts)
	whole = [sum(part.denominator[time] for part in parts.values()) for time in (0, 1)]
	if min(whole) == 0:
		assert found is None
		return
	assert found is not None
	total = [sum(part.numerator[time] for part in parts.values()) / whole[time] for time in (0, 1)]
	effects = [number for one in found.parts.values() for number in (one.rate, one.mix, one.other)]
	assert same(found.rate + found.mix + found.other, total[1] - total[0], *total, *effects)
	assert same(sum(one.effect for one in found.parts.values()), found.change, *total, *effects)
	again = rate_mix(dict(reversed(parts.items())))
	assert again is not None
	assert again.simpson == found.simpson
	for name, one in found.parts.items():
		assert again.parts[name].rate == pytest.approx(one.rate, abs=1e-6 * max(1.0, *map(abs, effects)))


@QUICK
@given(
	st.dictionaries(
		st.sampled_from("abcdef"), st.tuples(COUNTS, COUNTS, AMOUNTS, AMOUNTS, st.sampled_from("xy"))
	)
)
def test_price_volume_and_mix_sum_to_the_change(sold: dict[str, tuple[Any, ...]]) -> None:
	items = {name: Item((q0, q1), (a0, a1), group) for name, (q0, q1, a0, a1, group) in sold.items()}
	found = price_volume_mix(items)
	change = sum(item.amount[1] - item.amount[0] for item in items.values())
	parts = [number for one in found.values() for number in (one.volume, one.mix, one.price)]
	assert same(sum(one.change for one in found.values()), change, 0.0, *parts)
	for group, one in found.items():
		own = sum(item.amount[1] - item.amount[0] for item in items.values() if item.group == group)
		assert same(one.change, own, 0.0, *parts)
	assert price_volume_mix(dict(reversed(items.items()))).keys() == found.keys()


@QUICK
@given(st.dictionaries(st.sampled_from(["", "a", "b", "c", "d", "e"]), st.tuples(AMOUNTS, AMOUNTS)))
def test_contributions_sum_to_the_change(groups: dict[str, tuple[float, float]]) -> None:
	found = contributions(groups)
	change = sum(now - before for before, now in groups.values())
	assert same(sum(one.change for one in found.values()), change, 1e6)
	sizes = [abs(one.change) for one in found.values()]
	assert sizes == sorted(sizes, reverse=True)
	shares = [one.share for one in found.values() if one.share is not None]
	if shares:
		assert math.fsum(shares) == pytest.approx(1, abs=1e-6 * max(1.0, *map(abs, shares)))
	assert list(contributions(dict(reversed(groups.items())))) == list(found)


@QUICK
@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=3, max_size=3))
def test_a_chain_sums_to_the_change_of_its_last_total(sums: list[tuple[float, float]]) -> None:
	found, _ = chain(CHAINS["sales_volume"], sums)
	change = sums[-1][1] - sums[-1][0]
	assert same(math.fsum(driver.effect for driver in found), change, *(d.effect for d in found))
	assert all(math.isfinite(driver.effect) for driver in found)


def test_a_chain_breaks_at_nothing() -> None:
	links = CHAINS["sales_volume"]
	titles = [driver.title for driver in chain(links, [(0, 5), (4, 6), (100, 200)])[0]]
	assert titles == ["Deals per customer", "Deal value before returns"]  # sales without customers
	nothing, _ = chain(links, [(0, 0), (0, 0), (0, 0)])
	assert [driver.effect for driver in nothing] == [0, 0, 0]
	ended, _ = chain(links, [(5, 0), (10, 0), (100, 0)])
	assert math.fsum(driver.effect for driver in ended) == -100
	assert (ended[2].before, ended[2].now, ended[2].effect) == (10, None, 0)  # no deal, no value of one


def test_simpsons_paradox_is_only_called_where_it_is() -> None:
	both_up = rate_mix({"A": Part((30, 35), (100, 100)), "B": Part((10, 12), (100, 100))})
	assert both_up is not None
	assert not both_up.simpson
	single = rate_mix({"A": Part((30, 20), (100, 100))})
	assert single is not None
	assert not single.simpson
	mirrored = rate_mix({"A": Part((19, 30), (60, 100)), "B": Part((20, 10), (180, 100))})
	assert mirrored is not None
	assert mirrored.simpson


@pytest.mark.parametrize("before", [[1.0], []])
def test_factors_must_match(before: list[float]) -> None:
	with pytest.raises(InputError):
		multiplied(before, [1, 2])


# Periods


@pytest.mark.parametrize(
	("every", "first", "last", "as_of", "compare", "expected"),
	[
		("month", "2026-03-01", "2026-03-31", "2026-12-31", "previous", ("2026-02-01", "2026-02-28")),
		("month", "2026-03-01", "2026-03-31", "2026-03-10", "same-day", ("2026-02-01", "2026-02-10")),
		("month", "2026-03-01", "2026-03-31", "2026-03-30", "same-day", ("2026-02-01", "2026-02-28")),
		("month", "2026-03-05", "2026-03-20", "2026-12-31", "same-day", ("2026-02-05", "2026-02-20")),
		("month", "2026-03-30", "2026-03-31", "2026-12-31", "same-day", ("2026-02-28", "2026-02-28")),
		("month", "2026-03-01", "2026-03-31", "2026-12-31", "year", ("2025-03-01", "2025-03-31")),
		("month", "2025-02-01", "2025-02-28", "2026-12-31", "year", ("2024-02-01", "2024-02-29")),
		("month", "2026-03-01", "2026-03-31", "2026-03-10", "year", ("2025-03-01", "2025-03-10")),
		("month", "2026-01-01", "2026-03-31", "2026-12-31", "previous", ("2025-10-01", "2025-12-31")),
		("quarter", "2026-04-01", "2026-06-30", "2026-12-31", "previous", ("2026-01-01", "2026-03-31")),
		("week", "2026-03-02", "2026-03-08", "2026-12-31", "previous", ("2026-02-23", "2026-03-01")),
		("week", "2026-03-02", "2026-03-08", "2026-12-31", "year", ("2025-03-03", "2025-03-09")),
		("day", "2026-03-02", "2026-03-02", "2026-12-31", "previous", ("2026-03-01", "2026-03-01")),
		("range", "2026-03-05", "2026-03-14", "2026-12-31", "previous", ("2026-02-23", "2026-03-04")),
		("range", "2026-03-05", "2026-03-14", "2026-12-31", "year", ("2025-03-05", "2025-03-14")),
		("range", "2024-02-29", "2024-02-29", "2026-12-31", "year", ("2023-02-28", "2023-02-28")),
	],
)
def test_what_is_compared(
	every: str, first: str, last: str, as_of: str, compare: str, expected: tuple[str, str]
) -> None:
	day = date.fromisoformat
	before, now = compared(
		calendar_named("gregorian"), Every(every), day(first), day(last), day(as_of), Compare(compare)
	)
	assert (before.start.isoformat(), before.last_day.isoformat()) == expected
	assert now == Period(day(first), date.fromordinal(day(last).toordinal() + 1))


def test_a_jalali_month_a_year_before_is_the_same_month() -> None:
	jalali = calendar_named("jalali")
	esfand = jalali.period(date(2026, 3, 10), Every.MONTH)  # 1404, 29 days
	before, _ = compared(jalali, Every.MONTH, esfand.start, esfand.last_day, date(2026, 12, 31), Compare.YEAR)
	leap = jalali.period(date(2025, 3, 10), Every.MONTH)  # 1403, 30 days
	assert before == Period(leap.start, leap.end)
	assert (leap.days, esfand.days) == (30, 29)


# Literal companies


def whole(found: Outcome, of: str | None = None) -> float:
	"""The sum of the effects in a table of factors, and a check that its last row says the same."""
	rows = [row for row in found.rows if of is None or row["of"] == of]
	*parts, last = rows
	assert last["part"] == "Change"
	total = math.fsum(float(str(row["effect"])) for row in parts)
	assert total == pytest.approx(float(str(last["effect"])), abs=1e-6)
	return total


def check(found: Outcome) -> None:
	"""Bridges end where they should, tables have all their cells, and sentences all their places."""
	names = {column.name for column in found.columns}
	for row in found.rows:
		assert set(row) == names
		assert all(not isinstance(cell, float) or math.isfinite(cell) for cell in row.values())
	for chart in found.charts:
		assert chart.shape is Shape.BRIDGE
		(series,) = chart.series
		assert len(series.values) == len(chart.labels) <= MOST + 2
		numbers = [value for value in series.values if value is not None]
		assert len(numbers) == len(series.values)
		assert math.fsum(numbers[:-1]) == pytest.approx(numbers[-1], rel=1e-9, abs=1e-6)
	assert found.notes
	for note in found.notes:
		text = note.sentence.format(**note.values)
		assert "None" not in text
		assert set(note.kinds) <= set(note.values)


def test_the_worked_example(tmp_path: Path) -> None:
	"""February to March: 1800 to −200, with one more return and no deal."""
	with servers.tables_in("sqlite", tmp_path, ROWS) as url, DatabaseSource(url) as source:
		masters = read_masters(source, SETTINGS)
		asked = inquiry(
			source, masters, SETTINGS, "A", date(2025, 3, 1), date(2025, 3, 31), date(2025, 6, 30)
		)
		found = answer(asked)
		check(found)
		assert whole(found, "Sales volume") == pytest.approx(-2000)
		effects = {row["part"]: row["effect"] for row in found.rows if row["of"] == "Sales volume"}
		assert effects["Returns"] == pytest.approx(-200)
		assert found.notes[0].sentence.startswith("{kpi} fell by {change}")
		assert found.notes[0].values["change"] == pytest.approx(2000)
		by_person = answer(replace(asked, by=By.SALES_PERSON))
		check(by_person)
		assert {row["group"]: (row["before"], row["now"]) for row in by_person.rows} == {
			"Ann": (600, -120), "Bob": (900, -80), "": (300, 0),
		}  # fmt: skip
		without = answer(replace(asked, options={"kpi": "average_deal_value"}))
		assert without.rows == ()
		assert without.notes[0].is_warning
		assert "has no value" in without.notes[0].sentence


def test_all_returns_one_customer_and_nothing_at_all(tmp_path: Path) -> None:
	rows = {
		"Sales Invoice": [
			invoice("a", "2025-01-10", 100), invoice("b", "2025-02-10", -40, is_return=1),
			invoice("c", "2025-02-11", 10, is_debit_note=1),
		],
		"Customer": [{"name": "C1"}],
		"Lead": [lead("L", "2025-01-02")],
	}  # fmt: skip
	with servers.tables_in("sqlite", tmp_path, MASTERS | rows) as url, DatabaseSource(url) as source:
		masters = read_masters(source, Settings())
		for first, last in ((date(2025, 2, 1), date(2025, 2, 28)), (date(2020, 1, 1), date(2020, 1, 31))):
			asked = inquiry(source, masters, Settings(), "A", first, last, date(2025, 6, 30))
			for kpi in catalogue.kpis() if first.year == 2025 else ("sales_volume", "win_rate"):
				for by in (By.COMPANY, By.SALES_PERSON):
					check(answer(replace(asked, by=by, options={"kpi": kpi})))
			items = answer(replace(asked, options={"split": "items"}))
			assert items.rows == ()
			assert items.notes[-1].is_warning  # these lines tell no items


def test_walk_in_customers_have_a_bucket(tmp_path: Path) -> None:
	rows = {
		"Sales Invoice": [
			invoice("a", "2025-01-10", 100), invoice("b", "2025-01-11", 30, "Walk-in"),
			invoice("c", "2025-02-10", 110), invoice("d", "2025-02-11", 90, "Walk-in"),
			invoice("e", "2025-02-12", 10, "Walk-in"),
		],
		"Customer": [{"name": "C1"}, {"name": "Walk-in"}],
	}  # fmt: skip
	given = Settings(not_one_customer=("Walk-in",))
	with servers.tables_in("sqlite", tmp_path, MASTERS | rows) as url, DatabaseSource(url) as source:
		masters = read_masters(source, given)
		asked = inquiry(source, masters, given, "A", date(2025, 2, 1), date(2025, 2, 28), date(2025, 6, 30))
		found = answer(asked)
		deals = answer(replace(asked, options={"kpi": "deals"}))
	for outcome in (found, deals):
		check(outcome)
	(many,) = [row for row in found.rows if str(row["part"]).startswith("Walk-in")]
	assert (many["before"], many["now"], many["effect"]) == (30, 100, 70)
	(value,) = [row for row in found.rows if row["part"] == "Deal value before returns"]
	assert (value["before"], value["now"]) == (100, 110)
	assert whole(found, "Sales volume") == pytest.approx(80)
	assert whole(deals) == pytest.approx(1)


def test_the_pipeline_is_explained_by_what_came_and_went(tmp_path: Path) -> None:
	rows = {
		"Opportunity": [
			opportunity("a", "2025-01-05"),
			opportunity("b", "2025-02-05", base_opportunity_amount=300),
			opportunity("c", "2025-01-06", status="Lost", modified="2025-02-08 10:00:00"),
		]
	}
	with servers.tables_in("sqlite", tmp_path, MASTERS | rows) as url, DatabaseSource(url) as source:
		masters = read_masters(source, Settings())
		asked = inquiry(
			source, masters, Settings(), "A", date(2025, 2, 1), date(2025, 2, 28), date(2025, 6, 30),
			options={"kpi": "pipeline_value"},
		)  # fmt: skip
		found = answer(asked)
	check(found)
	assert {row["part"]: row["effect"] for row in found.rows} == {
		"Opened": 300, "Won": 0, "Lost": -100, "Dropped": 0, "Change": 200,
	}  # fmt: skip


def test_items_of_literal_lines(tmp_path: Path) -> None:
	"""Golden G18 as invoice lines, with a return, a new item, a debit note and shared credit."""
	lines = [
		("i1", "a", "X", 10, 1000), ("i2", "a", "Y", 20, 1000),
		("i3", "b", "X", 8, 880), ("i4", "b", "Y", 30, 1440), ("i5", "b", "N", 1, 60),
		("i6", "r", "X", -1, -100), ("i7", "n", "Y", 5, 15),
	]  # fmt: skip
	rows = {
		"Sales Invoice": [
			invoice("a", "2025-01-10", 2000), invoice("b", "2025-02-10", 2380),
			invoice("r", "2025-02-11", -100, is_return=1), invoice("n", "2025-02-12", 15, is_debit_note=1),
		],
		"Sales Team": [*team("a", Ann=50, Bob=50), *team("b", Ann=50, Bob=50)],
		"Sales Invoice Item": [
			{"name": name, "parent": parent, "base_net_amount": amount, "stock_qty": quantity}
			for name, parent, _, quantity, amount in lines
		],
	}  # fmt: skip
	with servers.tables_in("sqlite", tmp_path, MASTERS | rows) as url:
		engine = sa.create_engine(url)
		with engine.begin() as connection:
			for column in ("item_code", "item_group"):
				connection.execute(sa.text(f'ALTER TABLE "tabSales Invoice Item" ADD COLUMN {column} TEXT'))
			for name, _, item, _, _ in lines:
				connection.execute(
					sa.text(
						'UPDATE "tabSales Invoice Item" SET item_code = :i, item_group = :g WHERE name = :n'
					),
					{"i": item, "g": "Goods", "n": name},
				)
		engine.dispose()
		with DatabaseSource(url) as source:
			masters = read_masters(source, Settings())
			asked = inquiry(
				source, masters, Settings(), "A", date(2025, 2, 1), date(2025, 2, 28), date(2025, 6, 30),
				options={"split": "items"},
			)  # fmt: skip
			question = understood(asked)
			items, returns = sold_items(asked, question.before, question.now)
			found = answer(asked)
			ann = replace(
				asked,
				scope_by=By.SALES_PERSON,
				scope="Ann",
				reading=asked.reading.narrowed(only={"sales_person": ("Ann",)}),
			)
			of_ann, _ = sold_items(ann, question.before, question.now)
			check(answer(ann))
	assert items["X"] == Item((10, 8), (1000, 880), "Goods")
	assert items["Y"] == Item((20, 30), (1000, 1455), "Goods")  # a debit note is price, not volume
	assert returns == (0, -100)
	assert of_ann["X"] == Item((5, 4), (500, 440), "Goods")
	check(found)
	(row,) = found.rows
	assert row["volume"] == pytest.approx(533.333333, abs=1e-6)
	assert row["mix"] == pytest.approx(-233.333333, abs=1e-6)
	assert row["price"] == pytest.approx(20 + 15, abs=1e-6)
	assert row["new"] == 60
	assert row["effect"] == 395
	assert "Returns" in found.charts[0].labels


# The demo company

COMPANY, AS_OF = "Alpha Trading", date(2026, 10, 31)
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
LIKE_OTHERS = {
	"orders", "average_order_value", "quote_to_order_rate", "opportunity_cycle", "customer_acquisition_cost",
	"clv_to_cac", "meetings", "emails", "average_call_duration", "first_response_time",
}  # fmt: skip
"""KPIs of the same shape as others, left out where each costs time."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, pd.DataFrame]]]:
	"""A source of the demo company's records, and some of its tables as frames."""
	pytest.importorskip("duckdb")
	from sales_kpi.demo.company import DemoCompany
	from sales_kpi.demo.generate import batches
	from sales_kpi.demo.write import write_duckdb

	path = tmp_path_factory.mktemp("explanation") / "demo.duckdb"
	company = DemoCompany(invoices=700, until=AS_OF)
	write_duckdb(company, path)
	parts: dict[str, list[pd.DataFrame]] = {}
	for name, rows in batches(company):
		if name in ("Sales Invoice", "Sales Invoice Item", "Sales Team"):
			parts.setdefault(name, []).append(rows)
	with DatabaseSource(f"duckdb:///{path}") as source:
		yield source, {name: pd.concat(of) for name, of in parts.items()}


def ask(source: Any, **more: Any) -> Inquiry:
	masters = read_masters(source, Settings())
	first, last = more.pop("first", FIRST), more.pop("last", LAST)
	return inquiry(source, masters, Settings(), COMPANY, first, last, more.pop("as_of", AS_OF), **more)


def counted(frames: dict[str, pd.DataFrame], first: date, last: date) -> pd.DataFrame:
	"""Invoices that count, within some days."""
	rows = frames["Sales Invoice"]
	day = pd.to_datetime(rows["posting_date"])
	return rows[
		(rows["docstatus"] == 1)
		& (rows["company"] == COMPANY)
		& (rows["is_opening"] != "Yes")
		& (rows["is_internal_customer"] != 1)
		& (day >= pd.Timestamp(first))
		& (day <= pd.Timestamp(last))
	]


def test_contributions_of_the_demo_company(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	"""Each salesperson's sales before and now, against pandas alone."""
	source, frames = demo
	found = answer(ask(source, by=By.SALES_PERSON))
	check(found)
	teams = frames["Sales Team"]
	teams = teams[
		(teams["parenttype"] == "Sales Invoice") & (teams["allocated_percentage"].astype(float) != 0)
	]
	expected: dict[str, list[float]] = {}
	for time, (first, last) in enumerate(((date(2026, 9, 1), date(2026, 9, 30)), (FIRST, LAST))):
		net = counted(frames, first, last).set_index("name")["base_net_total"].astype(float)
		own = teams[teams["parent"].isin(net.index)]
		share = own["allocated_percentage"].astype(float) / 100 * own["parent"].map(net)
		for person, amount in share.groupby(own["sales_person"].astype(str)).sum().items():
			expected.setdefault(str(person), [0.0, 0.0])[time] = float(amount)
		expected.setdefault("", [0.0, 0.0])[time] = float(net.sum() - share.sum())
	rows = {str(row["group"]): [row["before"], row["now"]] for row in found.rows}
	expected = {name: pair for name, pair in expected.items() if any(abs(one) > 1e-6 for one in pair)}
	assert set(rows) == set(expected)
	for name, pair in expected.items():
		assert rows[name] == pytest.approx(pair, abs=1e-6)
	assert len(rows) > 5


def test_items_of_the_demo_company(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	"""Item groups before and now, and price, volume and mix, against pandas alone."""
	source, frames = demo
	found = answer(ask(source, options={"split": "items"}))
	check(found)
	lines = frames["Sales Invoice Item"]
	sums = []
	for first, last in ((date(2026, 9, 1), date(2026, 9, 30)), (FIRST, LAST)):
		invoices = counted(frames, first, last)
		sold = invoices[invoices["is_return"] != 1].set_index("name")
		own = lines[lines["parent"].isin(sold.index)].copy()
		no_quantity = own["parent"].map(
			(sold["is_debit_note"] == 1) | (sold["base_net_total"].astype(float) <= 0)
		)
		own["stock_qty"] = own["stock_qty"].astype(float).where(~no_quantity.astype(bool), 0.0)
		own["base_net_amount"] = own["base_net_amount"].astype(float)
		sums.append(
			own.groupby(["item_group", "item_code"], observed=True)[["stock_qty", "base_net_amount"]].sum()
		)
	both = sums[0].join(sums[1], how="outer", lsuffix="0", rsuffix="1").fillna(0.0)
	going_on = both[(both["stock_qty0"] > 0) & (both["stock_qty1"] > 0)]
	growth = going_on["stock_qty1"].sum() / going_on["stock_qty0"].sum()
	price0 = going_on["base_net_amount0"] / going_on["stock_qty0"]
	price1 = going_on["base_net_amount1"] / going_on["stock_qty1"]
	mean_price = going_on["base_net_amount0"].sum() / going_on["stock_qty0"].sum()
	column = {
		name: math.fsum(float(str(row[name])) for row in found.rows) for name in ("volume", "mix", "price")
	}
	assert column["volume"] == pytest.approx((growth - 1) * going_on["base_net_amount0"].sum())
	assert column["price"] == pytest.approx(((price1 - price0) * going_on["stock_qty1"]).sum())
	assert column["mix"] == pytest.approx(
		(going_on["stock_qty1"] * price0).sum() - going_on["stock_qty1"].sum() * mean_price
	)
	groups = both.groupby("item_group", observed=True)[["base_net_amount0", "base_net_amount1"]].sum()
	assert {row["group"]: [row["before"], row["now"]] for row in found.rows} == {
		group: pytest.approx([one, other]) for group, one, other in groups.itertuples()
	}


def test_every_kpi_agrees_with_its_values(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	"""Before, now and the change of all KPIs are those of `compute`, whole and by groups."""
	source, _ = demo
	asked_kpis = tuple(name for name in catalogue.kpis() if name not in LIKE_OTHERS)
	known = compute(
		source, Question(COMPANY, date(2026, 7, 1), date(2026, 8, 31), kpis=asked_kpis, as_of=AS_OF)
	)
	values = {(value["kpi"], value["period_start"]): value["value"] for value in known}
	seen = set()
	asked = ask(source, first=date(2026, 8, 1), last=date(2026, 8, 31))
	for name in asked_kpis:
		kpi = catalogue.kpi(name)
		before, now = values[name, date(2026, 7, 1)], values[name, date(2026, 8, 1)]
		ways = [By.COMPANY]
		if isinstance(kpi.formula, Sum | Ratio) and By.SOURCE in kpi.scopes:
			ways.append(By.SOURCE)
		for by in ways:
			found = answer(replace(asked, by=by, options={"kpi": name}))
			check(found)
			if before is None or now is None:
				assert found.rows == ()
				continue
			for chart in found.charts[:1]:
				first, last = chart.series[0].values[0], chart.series[0].values[-1]
				assert (first, last) == (pytest.approx(before), pytest.approx(now))
				seen.add((name, by))
			if by is By.SOURCE and found.rows:
				effects = math.fsum(float(str(row["effect"])) for row in found.rows)
				assert effects == pytest.approx(now - before, abs=1e-6)
	assert {name for name, by in seen if by is By.COMPANY} >= {"sales_volume", "win_rate", "pipeline_value"}
	assert len(seen) > 14


def test_a_scope_agrees_with_its_values(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	source, _ = demo
	masters = read_masters(source, Settings())
	group = next(name for name, node in masters.salespeople.items() if node.is_group and node.parent)
	for by, scope in ((By.TEAM, group), (By.SOURCE, "Website")):
		found = answer(ask(source, scope_by=by, scope=scope))
		check(found)
		question = Question(COMPANY, date(2026, 9, 1), LAST, by=by, kpis=("sales_volume",), as_of=AS_OF)
		one, other = [value["value"] for value in compute(source, question) if value["scope"] == scope]
		assert one is not None
		assert other is not None
		assert whole(found, "Sales volume") == pytest.approx(other - one)


def test_only_what_may_be_seen_is_explained(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	source, _ = demo
	masters = read_masters(source, Settings())
	people = [name for name, node in masters.salespeople.items() if not node.is_group][:3]
	sight = Sight(tuple(Scope(name, (name,)) for name in people))
	found = answer(ask(source, by=By.SALES_PERSON, sight=sight))
	check(found)
	assert {row["group"] for row in found.rows} <= set(people)
	assert found.rows


def test_an_open_period_is_compared_with_the_same_days(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	source, frames = demo
	found = answer(ask(source, as_of=date(2026, 10, 12)))
	check(found)
	assert found.notes[1].values["before_last"] == date(2026, 9, 12)
	net = counted(frames, date(2026, 9, 1), date(2026, 9, 12))["base_net_total"].astype(float).sum()
	assert found.charts[0].series[0].values[0] == pytest.approx(net)
	unequal = answer(ask(source, as_of=date(2026, 10, 12), options={"compare": "previous"}))
	assert any(note.is_warning and "whole one" in note.sentence for note in unequal.notes)


def test_kpis_that_may_not_be_seen_are_not_told(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	source, _ = demo
	asked = ask(source, kpis=("sales_volume",))
	found = answer(asked)
	check(found)
	assert [row["part"] for row in found.rows] == ["Sales before returns", "Returns", "Change"]
	with pytest.raises(InputError, match="isn't measured here"):
		answer(replace(asked, options={"kpi": "deals"}))


@pytest.mark.parametrize(
	"options",
	[
		{"kpi": "win_rates"},
		{"compare": "yesterday"},
		{"split": "weather"},
		{"kpi": "deals", "split": "items"},
	],
)
def test_what_makes_no_sense_is_refused(
	demo: tuple[Any, dict[str, pd.DataFrame]], options: dict[str, str]
) -> None:
	source, _ = demo
	with pytest.raises(InputError):
		answer(ask(source, options=options))


def test_a_kpi_that_the_scope_has_not_is_refused(demo: tuple[Any, dict[str, pd.DataFrame]]) -> None:
	source, _ = demo
	person = next(
		name for name, node in read_masters(source, Settings()).salespeople.items() if not node.is_group
	)
	with pytest.raises(InputError, match="isn't measured"):
		answer(
			ask(source, scope_by=By.SALES_PERSON, scope=person, options={"kpi": "customer_lifetime_value"})
		)


def test_the_order_of_rows_is_of_no_account(tmp_path: Path) -> None:
	rows = [
		invoice(f"i{number}", f"2025-0{1 + number % 2}-1{number % 9}", 10 + number) for number in range(30)
	]
	told = []
	for seed in (1, 2):
		Random(seed).shuffle(rows)
		with (
			servers.tables_in("sqlite", tmp_path, MASTERS | {"Sales Invoice": rows}) as url,
			DatabaseSource(url) as source,
		):
			masters = read_masters(source, Settings())
			asked = inquiry(
				source, masters, Settings(), "A", date(2025, 2, 1), date(2025, 2, 28), date(2025, 6, 30)
			)
			told.append(answer(asked))
	assert told[0] == told[1]


def test_what_explains_a_kpi_where_nobody_says() -> None:
	"""By its factors or as a fraction; a sum without any among groups, other ones than it is of; a median not at all."""
	known = catalogue.kpis()
	assert usual_by(known["sales_volume"]) is By.COMPANY
	assert usual_by(known["win_rate"]) is By.COMPANY
	assert usual_by(known["deals"]) in (By.COMPANY, By.SALES_PERSON)
	assert usual_by(known["calls"]) is By.SALES_PERSON
	assert usual_by(known["calls"], By.SALES_PERSON) is not By.SALES_PERSON
	assert usual_by(known["sales_cycle"]) is None
