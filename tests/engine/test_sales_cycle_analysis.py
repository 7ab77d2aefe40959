"""Sales cycle and stages: golden G4, time in stages by a log told by hand, the KPI, and a demo company counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import servers
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from literal import MASTERS, change, invoice, lead, opportunity, team
from test_survival import Demo, asking, checked, demo_company

from sales_kpi.analysis.inquiry import inquiry
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.sales_cycle import (
	ANALYSIS,
	DROPPED,
	LOST,
	OPEN,
	WON,
	Stage,
	bottleneck,
	cycle,
	durations,
	stages,
	stays,
)
from sales_kpi.analysis.values import Question, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.sources.database import DatabaseSource

CLOSED, STILL_OPEN = (10, 12, 14, 15, 120), (60, 90)
STAGES, FIRST_CONTACT = {"view": "stages"}, {"start": "first-contact"}


def column(outcome: Outcome, name: str) -> list[Any]:
	return [row[name] for row in outcome.rows]


# How long deals took


def test_durations() -> None:
	"""Golden G4."""
	found = durations(CLOSED)
	assert (found.n, found.median, found.p75) == (5, 14, 15)
	assert found.p90 == pytest.approx(78.0)
	assert found.mean == pytest.approx(34.2)
	assert found.trimmed_mean == pytest.approx(13.666667, abs=1e-6)


def test_durations_of_shared_credit() -> None:
	found = durations([10, 20, 30], [0.6, 0.4, 1])
	assert found.n == 2
	assert found.median == 25
	assert found.mean == pytest.approx(22)
	assert found.trimmed_mean is None
	assert durations([10, 20], [1, 0]).mean == 10


def test_durations_of_nothing() -> None:
	for found in (durations([]), durations([1], [0])):
		assert found.n == 0
		assert (found.median, found.p75, found.p90, found.mean, found.trimmed_mean) == (None,) * 5


def test_cycle() -> None:
	"""Golden G4: with the open ones half are decided after 15 days."""
	found = cycle([*CLOSED, *STILL_OPEN], [WON] * 5 + [OPEN] * 2)
	assert (found.begun, found.won.n, found.lost, found.open) == (7, 5, 0, 2)
	assert found.won.median == 14
	assert found.decided_median == 15
	assert found.decided_p90 == 120


def test_what_is_lost_is_decided_but_not_won() -> None:
	found = cycle([10, 20, 30, 40], [WON, LOST, DROPPED, OPEN])
	assert (found.won.n, found.lost, found.open) == (1, 2, 1)
	assert found.decided_median == 25
	assert found.won_curve.end() == 0.25
	assert found.lost_curve.end() == 0.5
	assert found.decided_p90 is None


@given(
	cases=st.lists(
		st.tuples(st.integers(0, 60), st.sampled_from([OPEN, WON, LOST, DROPPED])), min_size=1, max_size=20
	)
)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_won_and_lost_are_what_is_decided(cases: list[tuple[int, int]]) -> None:
	days, outcome = zip(*cases)
	found = cycle(days, outcome)
	assert found.begun == found.won.n + found.lost + found.open
	for day in days:
		one, other, both = (curve.by(day) for curve in (found.won_curve, found.lost_curve, found.decided))
		assert one is not None
		assert other is not None
		assert one + other == pytest.approx(both)


# Where they wait


def log(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
	frame = pd.DataFrame(list(rows), columns=["document", "stage", "at", "estimated"])
	frame["at"] = pd.to_datetime(frame["at"])
	return frame.assign(name=[str(number) for number in range(len(frame))])


def told(found: pd.DataFrame) -> list[tuple[Any, ...]]:
	rows = found[["document", "stage", "days", "left", "estimated"]].itertuples(index=False)
	return sorted(tuple(row) for row in rows)


AS_OF = date(2025, 3, 31)


def test_stays() -> None:
	"""O1 goes on and back and is won; O2 waits; O3 was found in a stage; O4 goes on after its end."""
	changes = log(
		("O1", "Proposal", "2025-01-11 09:00", 0),
		("O1", "Prospecting", "2025-01-01 23:00", 0),
		("O1", "Prospecting", "2025-01-05 10:00", 0),
		("O1", "Prospecting", "2025-01-21 00:10", 0),
		("O2", "", "2025-03-01 09:00", 0),
		("O2", "Proposal", "2025-03-21 09:00", 0),
		("O3", "Proposal", "2025-01-01 00:00", 1),
		("O3", "Prospecting", "2025-01-31 00:00", 0),
		("O4", "Proposal", "2025-02-01 00:00", 0),
		("O4", "Prospecting", "2025-02-20 00:00", 0),
	)
	ends = {"O1": pd.Timestamp(2025, 1, 28), "O4": pd.Timestamp(2025, 2, 10)}
	expected = [
		("O1", "Proposal", 10, True, 0),
		("O1", "Prospecting", 7, True, 0),
		("O1", "Prospecting", 10, True, 0),
		("O2", "Proposal", 10, False, 0),
		("O3", "Proposal", 30, True, 1),
		("O3", "Prospecting", 59, False, 0),
		("O4", "Proposal", 9, True, 0),
	]
	assert told(stays(changes, ends, AS_OF)) == expected
	assert told(stays(changes.sample(frac=1, random_state=3), ends, AS_OF)) == expected


def test_stays_of_nothing() -> None:
	empty = log()
	assert stays(empty, {}, AS_OF).empty
	assert stages(stays(empty, {}, AS_OF)) == []


def test_stages() -> None:
	"""Those that are still in a stage count with the time that they have been there."""
	found = pd.DataFrame(
		{
			"document": ["O1", "O1", "O2", "O3", "O1"],
			"stage": ["A", "A", "A", "A", "B"],
			"days": [10.0, 20.0, 40.0, 30.0, 100.0],
			"left": [True, True, True, False, False],
		}
	)
	one, other = stages(found)
	# Of four half have left after 20, the next leaves after 40.
	assert one == Stage("A", 4, 3, 1, 30.0, 40.0, 100.0, 0.5)
	assert other == Stage("B", 1, 1, 1, None, None, 100.0, 0.5)


def test_the_bottleneck_is_the_slowest_stage_of_those_that_are_known_well() -> None:
	def stage(name: str, stays_: int, median: float | None) -> Stage:
		return Stage(name, stays_, stays_, 0, median, None, 1.0, None)

	known = [stage("A", 10, 5.0), stage("B", 12, 9.0), stage("C", 9, 50.0), stage("D", 40, None)]
	found = bottleneck(known)
	assert found is not None
	assert found.name == "B"
	assert bottleneck(known[2:]) is None
	assert bottleneck([]) is None


# What is told


def won(name: str, day: date, days: int) -> dict[str, Any]:
	until = day + timedelta(days=days)
	return opportunity(name, str(day), status="Converted", modified=f"{until} 10:00:00")


G4 = [won(f"W{days}", date(2025, 1, 2), days) for days in CLOSED] + [
	opportunity("O60", str(date(2025, 6, 30) - timedelta(days=60))),
	opportunity("O90", str(date(2025, 6, 30) - timedelta(days=90))),
]


def test_the_cycle_of_a_range(tmp_path: Path) -> None:
	"""Golden G4 from records."""
	with asking(tmp_path, {"Opportunity": G4}) as ask:
		outcome = checked(ANALYSIS, ask(every=Every.RANGE))
	(row,) = outcome.rows
	assert (row["begun"], row["won"], row["lost"], row["open"]) == (7, 5, 0, 2)
	assert (row["median"], row["p75"], row["mean"]) == (14, 15, 34.2)
	assert row["p90"] == pytest.approx(78)
	assert row["trimmed_mean"] == pytest.approx(13.666667, abs=1e-6)
	assert (row["decided_median"], row["decided_p90"]) == (15, 120)
	assert row["sample"] == "too few to judge"
	sentences = [note.sentence for note in outcome.notes]
	assert any("far above the median" in sentence for sentence in sentences)
	(estimated,) = [note for note in outcome.notes if "estimated" in note.sentence]
	assert estimated.values == {"share": 1.0}
	assert estimated.is_warning


def test_the_cycle_by_month_and_salesperson(tmp_path: Path) -> None:
	rows = [*G4, opportunity("X", "2025-04-05", "u2", status="Lost", modified="2025-04-25 10:00:00")]
	with asking(tmp_path, {"Opportunity": rows}) as ask:
		months = checked(ANALYSIS, ask())
		people = checked(ANALYSIS, ask(by=By.SALES_PERSON))
	assert column(months, "period") == [date(2025, month, 1) for month in range(1, 7)]
	assert column(months, "begun") == [5, 0, 0, 2, 1, 0]
	assert column(months, "median") == [14, None, None, None, None, None]
	# The one that was lost after 20 days, and one that is open for 90: half are decided by then.
	assert column(months, "decided_median") == [14, None, None, 20, None, None]
	assert [(row["scope"], row["begun"], row["lost"]) for row in people.rows] == [
		("Ann", 7, 0),
		("Bob", 1, 1),
	]
	assert [series.title for series in people.charts[0].series] == ["Ann", "Bob"]


def test_no_opportunities_are_said_to_be_none(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask:
		for by in By:
			for options in ({}, STAGES, FIRST_CONTACT):
				outcome = checked(ANALYSIS, ask(by=by, options=options))
				assert outcome.rows == ()
				assert outcome.notes[0].is_warning


def test_nothing_won_is_said(tmp_path: Path) -> None:
	with asking(tmp_path, {"Opportunity": [opportunity("O1", "2025-06-01")]}) as ask:
		outcome = checked(ANALYSIS, ask(every=Every.RANGE))
	assert outcome.rows[0]["median"] is None
	assert outcome.notes[0].sentence.startswith("None of the")
	assert outcome.notes[1].sentence.startswith("{open} are still open, and fewer than half")


def test_from_the_first_contact(tmp_path: Path) -> None:
	"""The customer of the definitions' worked example: a lead of 5 January that bought after 25 days, shared 60 to 40."""
	rows = {
		"Lead": [lead("L1", "2025-01-05"), lead("L2", "2025-01-10")],
		"Customer": [{"name": "C1", "lead_name": "L1"}, {"name": "C2", "lead_name": "L2"}],
		"Sales Invoice": [invoice("S1", "2025-01-30"), invoice("S2", "2025-02-19", customer="C2")],
		"Sales Team": [*team("S1", Ann=60, Bob=40), *team("S2", Bob=100)],
	}
	with asking(tmp_path, rows) as ask:
		whole = checked(ANALYSIS, ask(every=Every.RANGE, options=FIRST_CONTACT))
		people = checked(ANALYSIS, ask(by=By.SALES_PERSON, options=FIRST_CONTACT))
	assert [(row["won"], row["median"], row["mean"]) for row in whole.rows] == [(2, 32.5, 32.5)]
	assert [(row["scope"], row["won"], row["median"]) for row in people.rows] == [
		("Ann", 0.6, 25),
		("Bob", 1.4, 40),
	]
	assert people.rows[1]["mean"] == pytest.approx((0.4 * 25 + 40) / 1.4)


def test_without_the_log_it_is_said_that_it_is_needed(tmp_path: Path) -> None:
	with asking(tmp_path, {"Opportunity": G4}) as ask:
		outcome = checked(ANALYSIS, ask(options=STAGES))
	assert outcome.rows == ()
	assert "The app’s own log does" in outcome.notes[0].sentence
	assert outcome.notes[0].is_warning


def moved(name: str, field: str, *stages_: tuple[str, str]) -> list[dict[str, Any]]:
	"""A document's history: the days on which it entered stages."""
	before = ["", *(stage for stage, _ in stages_)]
	return [
		change("Opportunity", name, field, old, new, f"{day} 1{number}:00:00", "u1")
		| {"name": f"{name} {field} {day} {number}"}
		for number, (old, (new, day)) in enumerate(zip(before, stages_))
	]


@pytest.mark.parametrize("database", ["sqlite", "duckdb", "mariadb", "postgresql"])
def test_the_time_in_stages(tmp_path: Path, database: str) -> None:
	"""Ten deals are in Proposal for 20 days and in Prospecting for 5; Ann's eleventh is of another company."""
	names = [f"O{number}" for number in range(10)]
	rows: dict[str, Any] = {
		"Opportunity": [
			*(
				opportunity(
					name,
					"2025-01-01",
					"u2" if name == "O9" else "u1",
					status="Lost",
					modified="2025-01-26 09:00:00",
				)
				for name in names
			),
			opportunity("Other", "2025-01-01", company="B"),
		],
		"Sales Transition": [
			row
			for name in [*names, "Other"]
			for row in [
				*moved(name, "sales_stage", ("Prospecting", "2025-01-01"), ("Proposal", "2025-01-06")),
				*moved(
					name,
					"status",
					("Open", "2025-01-01"),
					("Quotation", "2025-01-11"),
					("Lost", "2025-01-26"),
				),
			]
		],
	}
	with asking(tmp_path, rows, database) as ask:
		outcome = checked(ANALYSIS, ask(options=STAGES))
		people = checked(ANALYSIS, ask(options=STAGES, by=By.SALES_PERSON))
		later = checked(ANALYSIS, ask(options=STAGES, first=date(2025, 1, 5)))
		early = checked(ANALYSIS, ask(options=STAGES, as_of=date(2025, 1, 8)))
	cells = ("field", "stage", "stays", "deals", "open", "median", "p90", "days")
	assert [tuple(row[name] for name in cells) for row in outcome.rows] == [
		("Sales stage", "Proposal", 10, 10, 0, 20, 20, 200),
		("Sales stage", "Prospecting", 10, 10, 0, 5, 5, 50),
		("Status", "Open", 10, 10, 0, 10, 10, 100),
		("Status", "Quotation", 10, 10, 0, 15, 15, 150),
	]
	assert column(outcome, "share") == [0.8, 0.2, 0.4, 0.6]
	assert outcome.notes[0].values == {"stage": "Proposal", "days": 20, "share": 0.8}
	assert [row["stays"] for row in people.rows if row["scope"] == "Bob"] == [1, 1, 1, 1]
	assert column(later, "stage") == ["Proposal", "Quotation"]
	# The log was written up to a day; what ERPNext says of the present (lost) can't be rewound, but its day can.
	assert [(row["stage"], row["open"], row["days"]) for row in early.rows if row["field"] == "Sales stage"] == [
		("Proposal", 10, 20), ("Prospecting", 0, 50),
	]  # fmt: skip


def test_a_log_that_only_found_stages_has_no_times_yet(tmp_path: Path) -> None:
	"""What was found when the app was installed began nobody knows when: only what was entered since is timed."""
	rows = {
		"Opportunity": [opportunity("O1", "2025-01-01"), opportunity("O2", "2025-01-01")],
		"Sales Transition": [
			change("Opportunity", name, "sales_stage", "Proposal", "Proposal", "2025-01-01", "")
			for name in ("O1", "O2")
		],
	}
	later = change("Opportunity", "O1", "sales_stage", "Proposal", "Negotiation", "2025-06-10", "u1")
	for changes, stages_ in (([], []), ([later], ["Negotiation"])):
		given_rows = MASTERS | rows | {"Sales Transition": [*rows["Sales Transition"], *changes]}
		with servers.tables_in("sqlite", tmp_path, given_rows) as url:
			engine = sa.create_engine(url)
			with engine.begin() as connection:
				connection.exec_driver_sql('ALTER TABLE "tabSales Transition" ADD COLUMN estimated INTEGER')
				connection.exec_driver_sql(
					"UPDATE \"tabSales Transition\" SET estimated = CASE WHEN user = '' THEN 1 ELSE 0 END"
				)
			engine.dispose()
			with DatabaseSource(url) as source:
				chosen = Settings()
				masters = read_masters(source, chosen)
				asked = inquiry(
					source, masters, chosen, "A", date(2025, 1, 1), *(date(2025, 6, 30),) * 2, options=STAGES
				)
				outcome = checked(ANALYSIS, asked)
		assert column(outcome, "stage") == stages_
		assert any(note.values == {"stays": 2} for note in outcome.notes)


def test_the_order_of_the_records_does_not_matter(tmp_path: Path) -> None:
	with asking(tmp_path, {"Opportunity": G4}) as ask:
		first = ANALYSIS.answer(ask())
	with asking(tmp_path, {"Opportunity": G4[::-1]}) as ask:
		assert ANALYSIS.answer(ask()) == first


def test_what_is_asked_is_checked(tmp_path: Path) -> None:
	with asking(tmp_path, {}) as ask, pytest.raises(InputError, match="no start 'lead'"):
		ANALYSIS.answer(ask(options={"start": "lead"}))


# A demo company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
	with demo_company(tmp_path_factory.mktemp("demo")) as company:
		yield company


FIRST, LAST = date(2025, 7, 1), date(2026, 6, 30)

ORDERED = """
	SELECT coalesce(nullif(quotation.opportunity, ''), line.prevdoc_docname) AS opportunity, min(orders.transaction_date)
	FROM "tabSales Order Item" item
	JOIN "tabSales Order" orders ON orders.name = item.parent AND orders.docstatus = 1
	JOIN "tabQuotation" quotation ON quotation.name = item.prevdoc_docname AND quotation.docstatus = 1
	LEFT JOIN "tabQuotation Item" line ON line.parent = quotation.name AND line.prevdoc_doctype = 'Opportunity'
	WHERE coalesce(orders.is_internal_customer, 0) = 0
	GROUP BY 1
"""


def test_a_demo_company_is_as_counted_by_hand(demo: Demo) -> None:
	asked = demo.ask(FIRST, LAST, every=Every.QUARTER)
	outcome = checked(ANALYSIS, asked)
	ordered = dict(demo.read(ORDERED))
	found = []
	for name, day, status, modified, company in demo.read(
		'SELECT name, transaction_date, status, modified, company FROM "tabOpportunity"'
	):
		if company == asked.company and FIRST <= day <= LAST:
			first = ordered.get(name)
			ended = first or (modified.date() if status in ("Converted", "Lost", "Closed") else None)
			found.append(
				(day, first is not None or status == "Converted", max(ended, day) if ended else None)
			)
	assert len(found) > 50
	assert len(outcome.rows) == 4
	for row in outcome.rows:
		start = row["period"]
		assert isinstance(start, date)
		mine = [
			one
			for one in found
			if one[0].year == start.year and (one[0].month - 1) // 3 == (start.month - 1) // 3
		]
		took = [(ended - day).days for day, is_won, ended in mine if is_won and ended]
		assert row["begun"] == len(mine)
		assert row["won"] == len(took)
		assert row["lost"] == sum(not is_won and ended is not None for _, is_won, ended in mine)
		assert row["open"] == sum(ended is None for _, _, ended in mine)
		assert row["median"] == pytest.approx(np.median(took))
		assert row["p90"] == pytest.approx(np.percentile(took, 90))
		assert row["mean"] == pytest.approx(np.mean(took))


@pytest.mark.parametrize("by", [By.COMPANY, By.SALES_PERSON, By.TERRITORY, By.SOURCE])
def test_from_the_first_contact_it_is_the_kpi(demo: Demo, by: By) -> None:
	"""Its median, for the months of the company, or for each scope over the whole time."""
	every = Every.MONTH if by is By.COMPANY else Every.RANGE
	asked = demo.ask(FIRST, LAST, every=every, by=by, options=FIRST_CONTACT)
	values = compute(
		asked.source,
		Question(asked.company, FIRST, LAST, every, by, ("sales_cycle",), asked.as_of),
		asked.settings,
	)
	outcome = checked(ANALYSIS, asked)
	if by is By.COMPANY:
		assert column(outcome, "median") == pytest.approx([value["value"] for value in values])
		return
	medians = {value["scope"]: value["value"] for value in values if value["value"] is not None}
	assert {row["scope"]: row["median"] for row in outcome.rows} == pytest.approx(medians)
	assert len(medians) > 4
