"""Each KPI of literal rows, and each reason for which there is no value or no final one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from literal import (
	GetValues,
	Row,
	change,
	invoice,
	lead,
	opportunity,
	order,
	quotation,
	team,
)

from sales_kpi import catalogue
from sales_kpi.analysis.values import VALUE_FIELDS, By
from sales_kpi.facts.reading.settings import SalespersonMapping, Settings
from sales_kpi.periods import Every

JANUARY = (date(2025, 1, 1), date(2025, 1, 31))


def test_every_kpi_has_a_literal_test() -> None:
	"""A KPI that is added without a test of its own fails here."""
	tested = {name.removeprefix("test_kpi_") for name in globals() if name.startswith("test_kpi_")}
	assert set(catalogue.kpis()) <= tested


def figures(values: GetValues, kpi: str, rows: Any, *more: Any, **asked: Any) -> tuple[Any, ...]:
	"""Value, numerator, denominator and n of the only figure."""
	(value,) = values(kpi, rows, *more, **asked)
	found = (value["value"], value["numerator"], value["denominator"], value["n"])
	return tuple(None if number is None else pytest.approx(number, rel=1e-9) for number in found)


def by_person(values: GetValues, kpi: str, rows: Any, *more: Any, **asked: Any) -> dict[str, Any]:
	"""Values by salesperson."""
	return {row["scope"]: row["value"] for row in values(kpi, rows, *more, by=By.SALES_PERSON, **asked)}


SALES: dict[str, list[Row]] = {
	"Sales Invoice": [
		invoice("SI-0", "2024-12-31", 50),
		invoice("SI-1", "2025-01-01", 1000),
		invoice("SI-2", "2025-01-31", 500, customer="C2"),
		invoice("SI-3", "2025-01-20", -300, is_return=1),
		invoice("SI-4", "2025-02-01", 70),
	],
	"Sales Team": team("SI-1", Ann=60, Bob=40) + team("SI-2", Ann=50) + team("SI-3", Ann=60, Bob=40),
}


def test_kpi_sales_volume(values: GetValues) -> None:
	assert figures(values, "sales_volume", SALES) == (1200, None, None, 2)
	assert by_person(values, "sales_volume", SALES) == pytest.approx(
		{"Ann": 670, "Bob": 280, "Eve": 0, "": 250}
	)


def test_kpi_deals(values: GetValues) -> None:
	assert figures(values, "deals", SALES) == (2, None, None, 2)
	assert by_person(values, "deals", SALES) == pytest.approx({"Ann": 1.1, "Bob": 0.4, "Eve": 0, "": 0.5})


def test_kpi_average_deal_value(values: GetValues) -> None:
	"""Returns lower the value, not the count."""
	assert figures(values, "average_deal_value", SALES) == (600, 1200, 2, 2)


COSTED = SALES | {
	"Sales Invoice Item": [
		{"name": "I1", "parent": "SI-1", "stock_qty": 4, "incoming_rate": 100, "base_net_amount": 600},
		{"name": "I2", "parent": "SI-1", "stock_qty": 4, "incoming_rate": 0, "base_net_amount": 400},
	]
}


def test_kpi_gross_margin(values: GetValues) -> None:
	"""(600 − 400) / 600 of the part whose cost is known, which is exactly half of the volume."""
	assert figures(values, "gross_margin", COSTED) == (1 / 3, 200, 600, 1)


ORDERS: dict[str, list[Row]] = {
	"Sales Order": [
		order("SO-1", "2025-01-05", 1000),
		order("SO-2", "2025-01-31", 800, status="Closed", per_delivered=25),
		order("SO-3", "2025-02-01", 70),
	],
	"Sales Team": team("SO-1", "Sales Order", Ann=25),
}


def test_kpi_bookings(values: GetValues) -> None:
	assert figures(values, "bookings", ORDERS) == (1200, None, None, 2)


def test_kpi_orders(values: GetValues) -> None:
	assert figures(values, "orders", ORDERS) == (2, None, None, 2)
	assert by_person(values, "orders", ORDERS) == pytest.approx({"Ann": 0.25, "Bob": 0, "Eve": 0, "": 1.75})


def test_kpi_average_order_value(values: GetValues) -> None:
	assert figures(values, "average_order_value", ORDERS) == (600, 1200, 2, 2)


def test_kpi_quote_to_order_rate(values: GetValues) -> None:
	"""By the quotation's day, within H days: on day 30 it counts, on day 31 it doesn't."""
	rows = {
		"Quotation": [quotation(f"Q{number}", "2025-01-10") for number in range(1, 5)]
		+ [quotation("Q0", "2024-12-31")],
		"Sales Order": [
			order("SO-1", "2025-02-09"),
			order("SO-2", "2025-02-10"),
			order("SO-3", "2025-01-05"),
		],
		"Sales Order Item": [
			{"parent": "SO-1", "prevdoc_docname": "Q1"},
			{"parent": "SO-2", "prevdoc_docname": "Q2"},
			{"parent": "SO-3", "prevdoc_docname": "Q0"},
		],
	}
	assert figures(values, "quote_to_order_rate", rows, Settings(conversion_window_days=30)) == (
		0.25,
		1,
		4,
		4,
	)
	assert figures(values, "quote_to_order_rate", rows, Settings(conversion_window_days=31)) == (0.5, 2, 4, 4)


LEADS: dict[str, list[Row]] = {
	"Lead": [lead(f"L{number}", "2025-01-10") for number in range(1, 5)] + [lead("L0", "2024-12-31")],
	"Customer": [
		{"name": "C1", "lead_name": "L1"},
		{"name": "C2", "lead_name": "L2"},
		{"name": "C0", "lead_name": "L0"},
	],
	"Sales Order": [
		order("SO-1", "2025-02-09", customer="C1"),
		order("SO-2", "2025-02-10", customer="C2"),
		order("SO-3", "2025-01-15", customer="C0"),
	],
}


def test_kpi_lead_conversion_rate(values: GetValues) -> None:
	"""Of the leads created in January; one of December that bought in January is none of them."""
	assert figures(values, "lead_conversion_rate", LEADS, Settings(conversion_window_days=30)) == (
		0.25,
		1,
		4,
		4,
	)
	assert figures(values, "lead_conversion_rate", LEADS, Settings(conversion_window_days=31)) == (
		0.5,
		2,
		4,
		4,
	)


OPPORTUNITIES: dict[str, list[Row]] = {
	"Opportunity": [
		opportunity("O1", "2024-12-01", status="Converted", modified="2025-01-11 10:00:00"),
		opportunity("O2", "2025-01-05", status="Converted"),
		opportunity("O3", "2024-11-05", status="Lost", modified="2025-01-31 10:00:00"),
		opportunity("O4", "2024-11-05", status="Closed", modified="2025-01-20 10:00:00"),
		opportunity("O5", "2025-01-05", base_opportunity_amount=40),
		opportunity("O6", "2024-11-05", status="Lost", modified="2025-02-01 10:00:00"),
		opportunity("O7", "2025-02-05"),
	],
	"Sales Transition": [change("Opportunity", "O2", "status", "Open", "Converted", "2025-01-15", "u1")],
}


def test_kpi_win_rate(values: GetValues) -> None:
	"""Two won and one lost in January; two of the three days are estimated; what was dropped doesn't count."""
	assert figures(values, "win_rate", OPPORTUNITIES) == (2 / 3, 2, 3, 3)
	(value,) = values("win_rate", OPPORTUNITIES)
	assert value["estimated"] == pytest.approx(2 / 3)


def test_kpi_opportunity_cycle(values: GetValues) -> None:
	"""41 and 10 days: the median of two is their mean; one of both days is estimated."""
	assert figures(values, "opportunity_cycle", OPPORTUNITIES) == (25.5, None, 2, 2)
	(value,) = values("opportunity_cycle", OPPORTUNITIES)
	assert value["estimated"] == 0.5


def test_kpi_pipeline_value(values: GetValues) -> None:
	"""Open at the end of January: O5 of 40, and O6 of 100, lost the day after; three of four ends are estimated."""
	assert figures(values, "pipeline_value", OPPORTUNITIES) == (140, None, None, 6)
	(value,) = values("pipeline_value", OPPORTUNITIES)
	assert value["estimated"] == pytest.approx(0.75)


def test_kpi_pipeline_velocity(values: GetValues) -> None:
	"""2 open × 2/3 × 100 / 25.5 days; wins of just a year ago are the first to count."""
	product = 2 * (2 / 3) * 100
	assert figures(values, "pipeline_velocity", OPPORTUNITIES) == (product / 25.5, product, 2, 2)
	older = [
		opportunity("O8", "2024-01-01", status="Converted", modified="2024-01-31 10:00:00"),
		opportunity("O9", "2024-01-30", status="Converted", modified="2024-02-01 10:00:00"),
	]
	rows = OPPORTUNITIES | {"Opportunity": OPPORTUNITIES["Opportunity"] + older}
	product = 2 * (3 / 4) * 100
	assert figures(values, "pipeline_velocity", rows) == (product / 10, product, 3, 3)


def test_pipeline_velocity_of_wins_on_their_own_day(values: GetValues) -> None:
	"""A median of 0 days gives no value; the numerator is still the product."""
	rows = {
		"Opportunity": [
			opportunity("O1", "2025-01-05", status="Converted"),
			opportunity("O2", "2025-01-05"),
		]
	}
	assert figures(values, "pipeline_velocity", rows) == (None, 100, 1, 1)


def test_kpi_sales_cycle(values: GetValues) -> None:
	"""10 days for 0.6 of Ann and 0.4 of Bob, 20 for Bob: the medians weigh shares."""
	rows = {
		"Customer": [
			{"name": "C1", "lead_name": "L1"},
			{"name": "C2", "lead_name": "L2"},
			{"name": "C3", "lead_name": "L3"},
		],
		"Lead": [lead("L1", "2025-01-05"), lead("L2", "2025-01-05"), lead("L3", "2025-01-01")],
		"Sales Order": [
			order("SO-1", "2025-01-15", customer="C1"),
			order("SO-2", "2025-01-25", customer="C2"),
			order("SO-3", "2025-01-31", customer="C3"),
		],
		"Sales Team": team("SO-1", "Sales Order", Ann=60, Bob=40)
		+ team("SO-2", "Sales Order", Bob=100)
		+ team("SO-3", "Sales Order", Ann=60, Eve=40),
	}
	assert figures(values, "sales_cycle", rows) == (20, None, 3, 3)
	assert by_person(values, "sales_cycle", rows) == {"Ann": 20, "Bob": 20, "Eve": 30, "": None}


def test_kpi_customer_lifetime_value(values: GetValues) -> None:
	"""All that customers brought in to the period's end, for each that ever bought; Walk-in in neither term."""
	rows = SALES | {"Customer": [{"name": "C1"}, {"name": "Walk-in"}]}
	rows["Sales Invoice"] = [*rows["Sales Invoice"], invoice("SI-9", "2025-01-09", 999, customer="Walk-in")]
	settings = Settings(not_one_customer=("Walk-in",))
	assert figures(values, "customer_lifetime_value", rows, settings) == (625, 1250, 2, 2)
	assert values("customer_lifetime_value", rows, settings, by=By.SALES_PERSON) == []


def test_kpi_new_customers(values: GetValues) -> None:
	"""C2 bought for the first time in January, C1 in December."""
	assert figures(values, "new_customers", SALES) == (1, None, None, 1)
	assert by_person(values, "new_customers", SALES) == {"Ann": 0.5, "Bob": 0, "Eve": 0, "": 0.5}


def test_kpi_repeat_rate(values: GetValues) -> None:
	"""One of January's two deals is of an existing customer; Walk-in in neither term."""
	assert figures(values, "repeat_rate", SALES) == (0.5, 1, 2, 2)
	rows = SALES | {"Customer": [{"name": "Walk-in"}]}
	rows["Sales Invoice"] = [*rows["Sales Invoice"], invoice("SI-9", "2025-01-09", 999, customer="Walk-in")]
	assert figures(values, "repeat_rate", rows, Settings(not_one_customer=("Walk-in",))) == (0.5, 1, 2, 2)


COST = SALES | {
	"Account": [{"name": "Ads", "company": "A", "lft": 1, "rgt": 2}],
	"Cost Center": [{"name": "North", "company": "A"}],
	"GL Entry": [
		{
			"name": f"GL-{day}",
			"posting_date": day,
			"account": "Ads",
			"debit": debit,
			"company": "A",
			"cost_center": center,
		}
		for day, debit, center in [
			("2024-12-31", 30, None),
			("2025-01-01", 60, "North"),
			("2025-01-31", 20, None),
			("2025-02-01", 500, None),
		]
	],
}
ADS = Settings(acquisition_accounts=("Ads",))


def test_kpi_customer_acquisition_cost(values: GetValues) -> None:
	"""80 for one new customer; with a lag of a month, December's cost against January's customers."""
	assert figures(values, "customer_acquisition_cost", COST, ADS) == (80, 80, 1, 1)
	later = Settings(acquisition_accounts=("Ads",), acquisition_lag_months=1)
	assert figures(values, "customer_acquisition_cost", COST, later) == (30, 30, 1, 1)


def test_acquisition_cost_once_mapped(values: GetValues) -> None:
	"""Once some cost is mapped to a salesperson, everyone has a value; what isn't mapped stays in ''."""
	mapped = Settings(acquisition_accounts=("Ads",), cost_center_sales_person={"North": "Ann"})
	assert by_person(values, "customer_acquisition_cost", COST, mapped) == {
		"Ann": 120,
		"Bob": None,
		"Eve": None,
		"": 40,
	}
	reasons = {
		row["scope"]: row["reason"]
		for row in values("customer_acquisition_cost", COST, mapped, by=By.SALES_PERSON)
	}
	assert reasons == {"Ann": None, "Bob": "no-records", "Eve": "no-records", "": None}


def test_kpi_clv_to_cac(values: GetValues) -> None:
	"""625 for each customer, 80 for each won; n is that of the cost."""
	assert figures(values, "clv_to_cac", COST, ADS) == (625 / 80, 625, 80, 1)


def test_kpi_churn_rate(values: GetValues) -> None:
	"""Of C1 (from December), C2 (lapses on 31 January) and C3 (begins) one lapsed; C4 had lapsed before."""
	rows = {
		"Sales Invoice": [
			invoice("SI-1", "2024-12-20", customer="C1"),
			invoice("SI-2", "2025-01-10", customer="C1"),
			invoice("SI-3", "2024-12-31", customer="C2"),
			invoice("SI-4", "2025-01-31", customer="C3"),
			invoice("SI-5", "2024-11-01", customer="C4"),
		]
	}
	assert figures(values, "churn_rate", rows, Settings(churn_after_days=30)) == (1 / 3, 1, 3, 3)


def test_kpi_customer_satisfaction(values: GetValues) -> None:
	"""4 of 5 is satisfied; 3.9 isn't."""
	given = {"F1": ["4", "4"], "F2": ["5", "3", "4"], "F3": ["4", "3"], "F4": ["2"]}
	rows = {
		"Company": [{"name": "A"}],
		"Quality Feedback": [
			{
				"name": name,
				"creation": "2025-01-05 10:00:00",
				"document_type": "Customer",
				"document_name": "C1",
			}
			for name in given
		],
		"Quality Feedback Parameter": [
			{"parent": parent, "rating": rating} for parent, ratings in given.items() for rating in ratings
		],
	}
	assert figures(values, "customer_satisfaction", rows) == (0.5, 2, 4, 4)


ACTIVITIES: dict[str, list[Row]] = {
	"Call Log": [
		{
			"name": f"CL-{number}",
			"owner": "u1",
			"status": "Completed",
			"start_time": "2025-01-05 10:00:00",
			"duration": duration,
		}
		for number, duration in enumerate([60, 120, 0, None])
	],
	"Event": [
		{"name": name, "owner": "u2", "event_category": "Meeting", "starts_on": moment}
		for name, moment in [("EV-1", "2025-01-31 23:00:00"), ("EV-2", "2025-02-01 00:00:00")]
	],
	"Communication": [
		{
			"name": "CO-1",
			"communication_medium": "Email",
			"communication_type": "Communication",
			"sent_or_received": "Sent",
			"communication_date": "2025-01-07 10:00:00",
			"sender": "ann@x.com",
			"reference_doctype": "Lead",
		}
	],
}


def test_kpi_calls(values: GetValues) -> None:
	assert figures(values, "calls", ACTIVITIES) == (4, None, None, 4)


def test_kpi_meetings(values: GetValues) -> None:
	assert figures(values, "meetings", ACTIVITIES) == (1, None, None, 1)
	assert by_person(values, "meetings", ACTIVITIES) == {"Ann": 0, "Bob": 1, "Eve": 0, "": 0}


def test_kpi_emails(values: GetValues) -> None:
	assert figures(values, "emails", ACTIVITIES) == (1, None, None, 1)


def test_kpi_average_call_duration(values: GetValues) -> None:
	"""Of the two calls whose length is known."""
	assert figures(values, "average_call_duration", ACTIVITIES) == (90, 180, 2, 2)


@pytest.mark.parametrize(
	("waits", "median"), [([10, 20, 90], 20), ([10, 20, 30, 90], 25), ([10, 10, 10, 90], 10), ([], None)]
)
def test_kpi_first_response_time(values: GetValues, waits: list[int], median: float | None) -> None:
	rows = {
		"Opportunity": [
			opportunity(f"O{number}", "2025-01-05", first_response_time=seconds)
			for number, seconds in enumerate([*waits, 0])
		]
	}
	assert figures(values, "first_response_time", rows) == (median, None, len(waits), len(waits))


# Fields and scopes


def test_fields(values: GetValues) -> None:
	"""A figure has these fields, in this order; money has the company's currency, other figures none."""
	(volume,) = values("sales_volume", SALES)
	assert tuple(volume) == VALUE_FIELDS
	named = {name: volume[name] for name in ("kpi", "period_start", "period_end", "company", "by", "scope")}  # type: ignore[literal-required]
	assert named == {
		"kpi": "sales_volume",
		"period_start": JANUARY[0],
		"period_end": JANUARY[1],
		"company": "A",
		"by": "company",
		"scope": "A",
	}
	assert (volume["unit"], volume["currency"]) == ("currency", "EUR")
	(deals,) = values("deals", SALES)
	assert (deals["unit"], deals["currency"]) == ("count", None)


def test_who_has_rows(values: GetValues) -> None:
	"""Enabled salespeople that are no group, whoever is credited in that company up to then, and ''."""
	people = [
		{"name": "Ann", "is_group": 0, "enabled": 1},
		{"name": "Bob", "is_group": 0, "enabled": 0},
		{"name": "Eve", "is_group": 0, "enabled": 0},
		{"name": "North", "is_group": 1, "enabled": 1},
		{"name": "South", "is_group": 1, "enabled": 1},
		{"name": "Zoe", "is_group": 0, "enabled": 0},
	]
	rows = {
		"Sales Person": people,
		"Sales Invoice": [
			invoice("SI-1", "2023-01-05"),
			invoice("SI-2", "2025-02-05"),
			invoice("SI-3", "2025-08-05"),
			invoice("SI-4", "2025-01-05", company="B"),
			invoice("SI-5", "2025-01-05"),
		],
		"Sales Team": team("SI-1", Bob=50, North=50)
		+ team("SI-2", **{"Gone": 50})
		+ team("SI-3", Zoe=100)
		+ team("SI-4", Eve=100),
	}
	assert list(by_person(values, "deals", rows)) == ["Ann", "Bob", "Gone", "North", ""]


def test_teams_and_trees(values: GetValues) -> None:
	"""A group is the sum of what lies below it, its own direct credit included."""
	rows = {
		"Sales Invoice": [invoice(f"SI-{number}", "2025-01-05", 10**number) for number in range(5)],
		"Sales Team": team("SI-0", Ann=100)
		+ team("SI-1", North=100)
		+ team("SI-2", Eve=100)
		+ team("SI-3", All=100),
	}
	teams = {row["scope"]: row["value"] for row in values("sales_volume", rows, by=By.TEAM)}
	assert teams == {"All": 1111, "North": 11}
	places = {
		"Territory": [
			{"name": "World", "is_group": 1, "lft": 1, "rgt": 6},
			{"name": "Iran", "is_group": 1, "lft": 2, "rgt": 5},
			{"name": "Yazd", "is_group": 0, "lft": 3, "rgt": 4},
		],
		"Sales Invoice": [
			invoice(f"SI-{number}", "2025-01-05", 10**number, territory=name)
			for number, name in enumerate(["World", "Iran", "Yazd", None, "Gone"])
		],
	}
	territories = {row["scope"]: row["value"] for row in values("sales_volume", places, by=By.TERRITORY)}
	assert territories == {"World": 111, "Iran": 110, "Yazd": 100, "": 1000, "Gone": 10000}


# Reasons


def reason(
	values: GetValues, kpi: str, rows: Any, *more: Any, scope: str = "A", **asked: Any
) -> tuple[Any, Any]:
	"""Value and reason in a scope."""
	((value, why),) = [
		(row["value"], row["reason"]) for row in values(kpi, rows, *more, **asked) if row["scope"] == scope
	]
	return value, why


def test_needs_setting(values: GetValues) -> None:
	"""No account configured: before everything else, also where no cost is mapped and in a running period."""
	assert reason(values, "customer_acquisition_cost", COST) == (None, "needs-setting")
	running = {"as_of": date(2025, 1, 15), "by": By.SALES_PERSON, "scope": "Ann"}
	assert reason(values, "customer_acquisition_cost", COST, **running) == (None, "needs-setting")
	(ratio,) = values("clv_to_cac", COST)
	assert (ratio["value"], ratio["denominator"], ratio["reason"]) == (None, None, "needs-setting")


@pytest.mark.parametrize(
	("by", "scope"),
	[
		(By.SALES_PERSON, "Ann"),
		(By.SALES_PERSON, ""),
		(By.TEAM, "North"),
		(By.SOURCE, ""),
		(By.TERRITORY, ""),
	],
)
def test_no_mapping_of_cost(values: GetValues, by: By, scope: str) -> None:
	assert reason(values, "customer_acquisition_cost", COST, ADS, by=by, scope=scope) == (None, "no-mapping")


def test_no_mapping_of_cost_to_territories_ever(values: GetValues) -> None:
	settings = Settings(
		acquisition_accounts=("Ads",),
		cost_center_sales_person={"North": "Ann"},
		cost_center_source={"North": "Web"},
	)
	found = reason(values, "customer_acquisition_cost", COST, settings, by=By.TERRITORY, scope="")
	assert found == (None, "no-mapping")


def test_no_mapping_of_a_user(values: GetValues) -> None:
	"""Eve is nobody's user: KPIs credited by user say so, those credited by sales team don't; nor does ''."""
	asked = {"by": By.SALES_PERSON}
	assert reason(values, "win_rate", {}, scope="Eve", **asked) == (None, "no-mapping")
	assert reason(values, "win_rate", {}, scope="Ann", **asked) == (None, "no-records")
	assert reason(values, "win_rate", {}, scope="", **asked) == (None, "no-records")
	assert reason(values, "average_deal_value", {}, scope="Eve", **asked) == (None, "no-records")
	mapped = Settings(mapping=(SalespersonMapping("u9", "Eve"),))
	assert reason(values, "win_rate", {}, mapped, scope="Eve", **asked) == (None, "no-records")


def test_a_user_who_is_always_mapped_elsewhere_maps_to_nobody_else(values: GetValues) -> None:
	"""u1's Employee is Ann's, but the mapping wins on every day: until the end of 2024 Bob, then Eve."""
	mapping = (
		SalespersonMapping("u1", "Bob", None, date(2024, 12, 31)),
		SalespersonMapping("u1", "Eve", date(2025, 1, 1), None),
	)
	asked = {"by": By.SALES_PERSON, "scope": "Ann"}
	assert reason(values, "win_rate", {}, Settings(mapping=mapping), **asked) == (None, "no-mapping")
	assert reason(values, "win_rate", {}, Settings(mapping=mapping[:1]), **asked) == (None, "no-records")


@pytest.mark.parametrize(
	("as_of", "expected"),
	[(date(2025, 1, 30), "too-early"), (date(2025, 1, 31), "no-records")],
)
def test_too_early_without_a_value(values: GetValues, as_of: date, expected: str) -> None:
	assert reason(values, "average_deal_value", {}, as_of=as_of) == (None, expected)


@pytest.mark.parametrize(
	("as_of", "value", "expected"),
	[(date(2025, 1, 30), 700, "too-early"), (date(2025, 1, 31), 1200, None)],
)
def test_too_early_with_a_value(values: GetValues, as_of: date, value: float, expected: str | None) -> None:
	"""So far: the value of a running period stands, with its reason."""
	assert reason(values, "sales_volume", SALES, as_of=as_of) == (value, expected)


@pytest.mark.parametrize(("as_of", "expected"), [(date(2025, 3, 1), "too-early"), (date(2025, 3, 2), None)])
def test_cohorts_wait_for_their_window(values: GetValues, as_of: date, expected: str | None) -> None:
	"""H = 30 days after 31 January is 2 March; without leads the same days decide."""
	settings = Settings(conversion_window_days=30)
	for kpi in ("lead_conversion_rate", "quote_to_order_rate"):
		assert reason(values, kpi, {}, settings, as_of=as_of) == (None, expected or "no-records")
	assert reason(values, "lead_conversion_rate", LEADS, settings, as_of=as_of) == (0.25, expected)


def test_a_period_cut_off_by_the_range_is_never_complete(values: GetValues) -> None:
	"""Clipped to the range, and not final however late it is read; a range is a period of its own."""
	asked = {"first": date(2025, 1, 15), "last": date(2025, 2, 28)}
	cut, whole = values("sales_volume", SALES, every=Every.MONTH, **asked)
	assert (cut["period_start"], cut["period_end"], cut["value"]) == (
		date(2025, 1, 15),
		date(2025, 1, 31),
		200,
	)
	assert (cut["complete"], cut["reason"]) == (False, "too-early")
	assert (whole["complete"], whole["reason"]) == (True, None)
	(single,) = values("sales_volume", SALES, **asked)
	assert (single["complete"], single["reason"]) == (True, None)


def test_the_last_day_of_a_cut_off_period_is_the_clipped_one(values: GetValues) -> None:
	"""Without a value, a period cut off on the day of reading isn't too early: there are no records."""
	asked = {
		"first": date(2025, 6, 1),
		"last": date(2025, 6, 20),
		"every": Every.MONTH,
		"as_of": date(2025, 6, 20),
	}
	assert reason(values, "average_deal_value", {}, **asked) == (None, "no-records")
	asked["as_of"] = date(2025, 6, 19)
	assert reason(values, "average_deal_value", {}, **asked) == (None, "too-early")


def test_low_coverage(values: GetValues) -> None:
	"""Cost known for less than half of the volume; without any sale or credit note there are just no records."""
	item = COSTED["Sales Invoice Item"][0]
	rows = COSTED | {"Sales Invoice Item": [item | {"base_net_amount": 599.99}]}
	assert reason(values, "gross_margin", rows) == (None, "low-coverage")
	assert reason(values, "gross_margin", SALES) == (None, "low-coverage")
	assert reason(values, "gross_margin", {}) == (None, "no-records")


def test_half_of_the_volume_is_enough_for_a_third_of_a_deal_too(values: GetValues) -> None:
	"""The dust of thirds doesn't turn exactly half into less than half."""
	line = {"parent": "SI-1", "stock_qty": 1, "base_net_amount": 0.15}
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-01-05", 0.3)],
		"Sales Team": team("SI-1", Ann=33.333333333, Bob=33.333333333, Eve=33.333333334),
		"Sales Invoice Item": [line | {"name": "I1", "incoming_rate": 0.06}, line | {"name": "I2"}],
	}
	found = by_person(values, "gross_margin", rows)
	assert found.pop("") is None
	assert found == pytest.approx({"Ann": 0.6, "Bob": 0.6, "Eve": 0.6})


def test_small_shares_give_exact_ratios(values: GetValues) -> None:
	"""A tiny share isn't rounded away: 0.01 of an invoice of 0.03 is still 0.03 a deal."""
	rows = {
		"Sales Invoice": [invoice("SI-1", "2025-01-05", 0.03)],
		"Sales Team": team("SI-1", Ann=0.0007),
	}
	found = by_person(values, "average_deal_value", rows)
	assert found["Ann"] == pytest.approx(0.03, rel=1e-9)
