"""Lead conversion over time: goldens G1 and G2, what is told and what isn't, and a demo company counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import change, lead, order
from tables import Rows
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.inquiry import Inquiry
from sales_kpi.analysis.lead_conversion import ANALYSIS, CONVERTED, LOST, OPEN, conversion, within
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.survival import wilson
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every

DAY_30 = Settings(conversion_window_days=30)
MARCH_30 = date(2025, 3, 30)


def bought(name: str, created: str, day: str, owner: str | None = "u1", **more: Any) -> dict[str, list[Any]]:
	"""A lead whose customer ordered on a day."""
	return {
		"Lead": [lead(name, created, owner, status="Converted", **more)],
		"Customer": [{"name": f"C {name}", "lead_name": name, "creation": f"{day} 09:00:00"}],
		"Sales Order": [order(f"SO {name}", day, customer=f"C {name}")],
	}


def lost(name: str, created: str, day: str, owner: str | None = "u1", **more: Any) -> dict[str, list[Any]]:
	"""A lead that was given up on a day."""
	return {"Lead": [lead(name, created, owner, status="Do Not Contact", modified=f"{day} 09:00:00", **more)]}


def still_open(name: str, created: str, owner: str | None = "u1", **more: Any) -> dict[str, list[Any]]:
	return {"Lead": [lead(name, created, owner, **more)]}


def together(*parts: Rows) -> dict[str, list[Any]]:
	found: dict[str, list[Any]] = {}
	for part in parts:
		for doctype, rows in part.items():
			found.setdefault(doctype, []).extend(rows)
	return found


G1 = together(
	bought("L1", "2025-01-05", "2025-01-25"),
	lost("L2", "2025-01-10", "2025-02-01"),
	bought("L3", "2025-01-20", "2025-03-10"),
	bought("L4", "2025-02-03", "2025-02-20"),
	still_open("L5", "2025-02-15"),
	still_open("L6", "2025-03-01"),
)


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


# What is computed


def test_conversion() -> None:
	"""Golden G2: plainly 0.5, in truth 7/12."""
	found = conversion((5, 10, 20, 25, 30, 40), (1, 2, 1, 0, 1, 0), window=30)
	assert (found.leads, found.converted, found.lost, found.open) == (6, 3, 1, 2)
	assert found.naive.share == 0.5
	assert found.naive.interval == wilson(3, 6)
	assert found.expected.share == pytest.approx(7 / 12)
	assert found.expected_ever.share == pytest.approx(7 / 12)
	assert found.naive_ever.share == 0.5
	assert found.median_days == 20
	early = conversion((5, 10, 20, 25, 30, 40), (1, 2, 1, 0, 1, 0), window=20)
	assert early.expected.share == pytest.approx(1 / 3)
	assert early.naive.share == pytest.approx(1 / 3)


def test_conversion_within_days_that_nobody_was_followed_is_not_known() -> None:
	found = conversion((5, 10, 40), (1, 0, 0), window=41)
	assert (found.expected.share, found.expected.interval) == (None, None)
	assert found.naive.share == pytest.approx(1 / 3)
	assert found.expected_ever.share == pytest.approx(1 / 3)


def test_conversion_of_nothing() -> None:
	found = conversion((), (), 90)
	assert (found.leads, found.open, found.naive.share, found.expected.share) == (0, 0, None, None)
	assert (found.naive_ever.share, found.expected_ever.share, found.median_days) == (None, None, None)


@pytest.mark.parametrize(
	("youngest", "expected"),
	[(29, (None, None)), (30, (0.25, None)), (59, (0.25, None)), (60, (0.25, 0.5))],
)
def test_within_is_known_once_the_youngest_lead_had_time(youngest: int, expected: tuple[Any, ...]) -> None:
	assert within((30, 31, 70, 70), (1, 1, 0, 2), youngest, (30, 60)) == expected


def test_within_nothing() -> None:
	assert within((), (), 100, (30,)) == (None,)


CASES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from([OPEN, CONVERTED, LOST])), max_size=25)


@given(cases=CASES, window=st.integers(0, 60))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_the_expected_rate_is_never_below_the_plain_one(cases: list[tuple[int, int]], window: int) -> None:
	days, outcome = np.array(cases, dtype=int).reshape(-1, 2).T
	found = conversion(days, outcome, window)
	assert found.converted + found.lost + found.open == found.leads == len(cases)
	if found.expected.share is not None:
		assert found.naive.share is not None
		assert found.naive.share <= found.expected.share + 1e-9
		if not found.open:
			assert found.naive.share == pytest.approx(found.expected.share)
	if found.expected_ever.share is not None:
		assert found.naive_ever.share is not None
		assert found.naive_ever.share <= found.expected_ever.share + 1e-9
		assert found.expected_ever.interval is not None


# What is told


def test_cohorts(tmp_path: Path) -> None:
	"""Golden G1: within 30 days 1/3, 1/2 and nothing yet; ever so far 2/3, 1/2, 0/1."""
	with asking(tmp_path, G1, settings=DAY_30) as ask:
		outcome = checked(ANALYSIS, ask(last=date(2025, 3, 31), as_of=MARCH_30))
	assert column(outcome, "cohort") == [date(2025, month, 1) for month in (1, 2, 3)]
	assert column(outcome, "leads") == [3, 2, 1]
	assert column(outcome, "converted") == [2, 1, 0]
	assert column(outcome, "lost") == [1, 0, 0]
	assert column(outcome, "open") == [0, 1, 1]
	assert column(outcome, "window") == pytest.approx([1 / 3, 1 / 2, None])
	assert column(outcome, "within_60") == [None, None, None]
	assert column(outcome, "naive_ever") == pytest.approx([2 / 3, 1 / 2, 0])
	assert column(outcome, "expected") == pytest.approx([1 / 3, 1 / 2, None])
	assert column(outcome, "median_days") == [34.5, 17, None]
	assert column(outcome, "sample") == ["too few to judge"] * 3
	assert outcome.charts[1].series[0].values == pytest.approx((1 / 3, 1 / 2, None))


def test_the_window_has_no_second_column(tmp_path: Path) -> None:
	with asking(tmp_path, G1) as ask:
		columns = [column.name for column in checked(ANALYSIS, ask()).columns]
	assert "within_90" not in columns
	assert [name for name in columns if name.startswith("within_")] == [
		"within_30", "within_60", "within_180", "within_365",
	]  # fmt: skip


def test_rates_of_the_company(tmp_path: Path) -> None:
	with asking(tmp_path, G1, settings=DAY_30) as ask:
		outcome = checked(ANALYSIS, ask(as_of=MARCH_30, last=MARCH_30, options={"view": "rates"}))
	(row,) = outcome.rows
	assert (row["scope"], row["leads"], row["open"]) == ("A", 6, 2)
	# At risk are 6, 5 and 3: bought after 17 and 20 days, given up after 22, and followed for 29 and 43.
	assert row["expected"] == pytest.approx(1 / 6 + 5 / 6 / 5)
	assert row["naive"] == pytest.approx(2 / 6)
	assert row["naive_ever"] == pytest.approx(3 / 6)


def test_a_lead_counts_for_whoever_owned_it_when_it_came(tmp_path: Path) -> None:
	"""Bob took it over and sold: it is Ann's lead that was converted, in her cohort and in her scope."""
	rows = together(
		bought("L1", "2025-01-05", "2025-02-05", "u2"),
		still_open("L2", "2025-01-06", "u2"),
		{"Sales Transition": [change("Lead", "L1", "lead_owner", "u1", "u2", "2025-01-20", "u1")]},
	)
	with asking(tmp_path, rows) as ask:
		apart = checked(ANALYSIS, ask(by=By.SALES_PERSON))
		alone = checked(ANALYSIS, ask(scope_by=By.SALES_PERSON, scope="Ann"))
	assert [(row["scope"], row["leads"], row["converted"]) for row in apart.rows] == [
		("Ann", 1, 1),
		("Bob", 1, 0),
	]
	assert (sum(column(alone, "leads")), sum(column(alone, "converted"))) == (1, 1)


def test_no_leads_are_said_to_be_none(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		for by in By:
			for view in ("cohorts", "rates"):
				outcome = checked(ANALYSIS, ask(by=by, options={"view": view}))
				assert outcome.rows == ()
				assert outcome.notes[0].sentence.startswith("No lead was created")


def test_young_leads_have_no_rate_but_a_note_when_it_comes(tmp_path: Path) -> None:
	rows = together(still_open("L1", "2025-06-20"), bought("L2", "2025-06-10", "2025-06-12"))
	with asking(tmp_path, rows) as ask:
		outcome = checked(ANALYSIS, ask(options={"view": "rates"}))
	assert outcome.rows[0]["expected"] is None
	assert outcome.notes[0].is_warning
	assert outcome.notes[0].values == {"days": 90, "day": date(2025, 6, 20) + timedelta(days=90)}
	assert outcome.charts[0].series[0].values[:2] == (0.0, None)


def test_days_that_are_estimated_are_said_to_be(tmp_path: Path) -> None:
	with asking(tmp_path, G1) as ask:
		outcome = checked(ANALYSIS, ask())
	(note,) = [note for note in outcome.notes if "given up" in note.sentence]
	assert note.values == {"share": 1.0}


def test_the_order_of_the_records_does_not_matter(tmp_path: Path) -> None:
	with asking(tmp_path, G1, settings=DAY_30) as ask:
		first = [ANALYSIS.answer(ask(options={"view": view})) for view in ("cohorts", "rates")]
	with asking(tmp_path, {doctype: rows[::-1] for doctype, rows in G1.items()}, settings=DAY_30) as ask:
		assert [ANALYSIS.answer(ask(options={"view": view})) for view in ("cohorts", "rates")] == first


def test_what_is_asked_is_checked(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask, pytest.raises(InputError, match="no view"):
		ANALYSIS.answer(ask(options={"view": "triangle"}))


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("demo")) as company:
		yield company


FIRST, LAST = date(2026, 1, 1), date(2026, 10, 31)

PURCHASES = (
	'SELECT customer, transaction_date FROM "tabSales Order" WHERE docstatus = 1 AND coalesce(is_internal_customer, 0) = 0 '
	'UNION ALL SELECT customer, posting_date FROM "tabSales Invoice" WHERE docstatus = 1 AND base_net_total > 0 '
	"AND coalesce(is_return, 0) = 0 AND coalesce(is_debit_note, 0) = 0 AND coalesce(is_opening, 'No') != 'Yes' "
	"AND coalesce(is_internal_customer, 0) = 0"
)


def counted(demo: Demo, asked: Inquiry) -> dict[str, tuple[date, str, date | None, date | None]]:
	"""Leads of the company by name: created, source, bought, given up; counted from the records one by one."""
	leads = demo.read('SELECT name, creation, status, modified, "source", company, lead_owner FROM "tabLead"')
	works_for = dict(
		demo.read("SELECT user_id, company FROM \"tabEmployee\" ORDER BY status = 'Active', name DESC")
	)
	became = dict(demo.read('SELECT name, lead_name FROM "tabCustomer" WHERE lead_name IS NOT NULL'))
	days_of: dict[str, list[date]] = {}
	for customer, day in demo.read(PURCHASES):
		if customer in became:
			days_of.setdefault(became[customer], []).append(day)
	found: dict[str, tuple[date, str, date | None, date | None]] = {}
	for name, creation, status, modified, source, company, owner in leads:
		created = creation.date()
		if (company or works_for.get(owner)) != asked.company or not FIRST <= created <= LAST:
			continue
		days = [day for day in days_of.get(name, []) if created <= day <= asked.as_of]
		gone = modified.date() if not days and status in ("Do Not Contact", "Lost Quotation") else None
		found[name] = (created, source or "", min(days, default=None), gone)
	return found


def test_a_demo_company_is_as_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(FIRST, LAST)
	leads, outcome = counted(demo, asked), checked(ANALYSIS, asked)
	assert len(leads) > 50
	assert len(outcome.rows) == 10
	for row in outcome.rows:
		month = row["cohort"]
		assert isinstance(month, date)
		mine = [one for one in leads.values() if (one[0].year, one[0].month) == (month.year, month.month)]
		assert row["leads"] == len(mine)
		assert row["converted"] == sum(day is not None for _, _, day, _ in mine)
		assert row["lost"] == sum(day is not None for _, _, _, day in mine)
		last = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
		for name, days in (("within_30", 30), ("window", 90), ("within_180", 180)):
			within_days = sum(day is not None and (day - created).days <= days for created, _, day, _ in mine)
			is_final = last + timedelta(days=days) <= asked.as_of and mine
			assert row[name] == (pytest.approx(within_days / len(mine)) if is_final else None)


def test_final_cohorts_are_those_of_the_kpi(demo: Demo) -> None:
	asked = demo.ask(FIRST, LAST)
	values = compute(
		asked.source,
		Question(asked.company, FIRST, LAST, Every.MONTH, By.COMPANY, ("lead_conversion_rate",), asked.as_of),
		asked.settings,
	)
	shares = column(ANALYSIS.answer(asked), "window")
	final = [value["value"] if value["complete"] else None for value in values]
	assert sum(share is not None for share in final) == 7
	assert shares == pytest.approx(final)


def test_sources_of_a_demo_company(demo: Demo) -> None:
	"""Aalen and Johansen's rate as it is told in words: step by step over days, of those that are left."""
	asked = demo.ask(FIRST, LAST, by=By.SOURCE)
	leads, outcome = counted(demo, asked), checked(ANALYSIS, asked)
	assert sum(column(outcome, "leads")) == len(leads)
	for row in outcome.rows:
		mine = [one for one in leads.values() if one[1] == row["scope"]]
		assert row["leads"] == len(mine)
		left, share, waiting = 1.0, 0.0, len(mine)
		for days in range(91):
			bought_now = sum(day is not None and (day - created).days == days for created, _, day, _ in mine)
			gone_now = sum(day is not None and (day - created).days == days for created, _, _, day in mine)
			open_now = sum(
				day is None and gone is None and (asked.as_of - created).days == days
				for created, _, day, gone in mine
			)
			if waiting:
				share += left * bought_now / waiting
				left *= 1 - (bought_now + gone_now) / waiting
			waiting -= bought_now + gone_now + open_now
		if row["expected"] is not None:
			assert row["expected"] == pytest.approx(share)
	assert any(row["expected"] is not None for row in outcome.rows)
