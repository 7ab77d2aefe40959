"""The worked example of the definitions, as tables and settings, with the cells of its table."""

from __future__ import annotations

from typing import Any

from sales_kpi.facts.reading.settings import Settings

SETTINGS = Settings(churn_after_days=30)


def _invoice(name: str, day: str, customer: str, net: float, **more: Any) -> dict[str, Any]:
	return {
		"name": name,
		"docstatus": 1,
		"posting_date": day,
		"posting_time": "10:00:00",
		"company": "A",
		"customer": customer,
		"base_net_total": net,
		"is_return": 0,
		"is_debit_note": 0,
		"is_opening": "No",
		"is_internal_customer": 0,
		"is_consolidated": 0,
		"owner": "u1",
	} | more


def _team(parent: str, parenttype: str, **shares: float) -> list[dict[str, Any]]:
	return [
		{"parent": parent, "parenttype": parenttype, "sales_person": person, "allocated_percentage": share}
		for person, share in shares.items()
	]


ROWS: dict[str, list[dict[str, Any]]] = {
	"Company": [{"name": "A", "default_currency": "EUR"}],
	"Employee": [{"name": "E1", "user_id": "u1", "company": "A", "status": "Active"}],
	"Sales Person": [
		{"name": "Sales Team", "is_group": 1, "enabled": 1, "lft": 1, "rgt": 6},
		{
			"name": "Ann",
			"parent_sales_person": "Sales Team",
			"is_group": 0,
			"enabled": 1,
			"employee": "E1",
			"lft": 2,
			"rgt": 3,
		},
		{"name": "Bob", "parent_sales_person": "Sales Team", "is_group": 0, "enabled": 1, "lft": 4, "rgt": 5},
	],
	"Customer": [
		{"name": "C1", "creation": "2025-01-28 09:00:00", "lead_name": "L1"},
		{"name": "C2", "creation": "2025-02-10 09:00:00"},
	],
	"Lead": [
		{
			"name": "L1",
			"creation": "2025-01-05 12:00:00",
			"modified": "2025-01-28 09:00:00",
			"lead_owner": "u1",
			"status": "Converted",
			"company": "A",
		},
		{
			"name": "L2",
			"creation": "2025-01-20 12:00:00",
			"modified": "2025-01-20 12:00:00",
			"lead_owner": "u1",
			"status": "Open",
			"company": "A",
		},
	],
	"Sales Order": [
		{
			"name": "SO1",
			"docstatus": 1,
			"transaction_date": "2025-01-30",
			"company": "A",
			"customer": "C1",
			"base_net_total": 1500,
			"status": "Completed",
			"per_delivered": 100,
			"is_internal_customer": 0,
			"owner": "u1",
		},
	],
	"Sales Invoice": [
		_invoice("SI-1", "2025-02-03", "C1", 1000),
		_invoice("SI-2", "2025-02-20", "C1", 500),
		_invoice("SI-3", "2025-03-02", "C1", -200, is_return=1),
		_invoice("SI-4", "2025-02-10", "C2", 300),
		_invoice("SI-5", "2025-04-20", "C2", 700),
	],
	"Sales Team": [
		*_team("SO1", "Sales Order", Ann=60, Bob=40),
		*_team("SI-1", "Sales Invoice", Ann=60, Bob=40),
		*_team("SI-2", "Sales Invoice", Bob=100),
		*_team("SI-3", "Sales Invoice", Ann=60, Bob=40),
		*_team("SI-5", "Sales Invoice", Ann=100),
	],
}

_ = None
CELLS: list[tuple[str, str, str, list[float | None]]] = [
	("sales_volume", "company", "A", [0, 1800, -200, 700, 0]),
	("sales_volume", "sales-person", "Ann", [0, 600, -120, 700, 0]),
	("sales_volume", "sales-person", "Bob", [0, 900, -80, 0, 0]),
	("sales_volume", "sales-person", "", [0, 300, 0, 0, 0]),
	("deals", "company", "A", [0, 3, 0, 1, 0]),
	("deals", "sales-person", "Ann", [0, 0.6, 0, 1, 0]),
	("deals", "sales-person", "Bob", [0, 1.4, 0, 0, 0]),
	("deals", "sales-person", "", [0, 1, 0, 0, 0]),
	("average_deal_value", "company", "A", [_, 600, _, 700, _]),
	("lead_conversion_rate", "sales-person", "Ann", [0.5, _, _, _, _]),
	("lead_conversion_rate", "company", "A", [0.5, _, _, _, _]),
	("new_customers", "company", "A", [0, 2, 0, 0, 0]),
	("new_customers", "sales-person", "Ann", [0, 0.6, 0, 0, 0]),
	("new_customers", "sales-person", "Bob", [0, 0.4, 0, 0, 0]),
	("new_customers", "sales-person", "", [0, 1, 0, 0, 0]),
	("customer_lifetime_value", "company", "A", [_, 900, 800, 1150, 1150]),
	("repeat_rate", "company", "A", [_, 1 / 3, _, 1, _]),
	("sales_cycle", "company", "A", [25, _, _, _, _]),
	("sales_cycle", "sales-person", "Ann", [25, _, _, _, _]),
	("sales_cycle", "sales-person", "Bob", [25, _, _, _, _]),
	("churn_rate", "company", "A", [_, 0, 1, 0, 1]),
	("churn_rate", "sales-person", "Ann", [_, 0, 1, 0, 1]),
]

FRACTIONS: list[tuple[str, str, str, list[tuple[float, float] | None]]] = [
	("lead_conversion_rate", "company", "A", [(1, 2), _, _, _, _]),
	("churn_rate", "company", "A", [_, (0, 2), (2, 2), (0, 1), (1, 1)]),
	("churn_rate", "sales-person", "Ann", [_, (0, 0.6), (0.6, 0.6), (0, 1), (1, 1)]),
]
