"""Order: a submitted Sales Order, on its date; of a closed one only the delivered part."""

from __future__ import annotations

from typing import Any

from pypika import Case

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.credit import credited
from sales_kpi.facts.reading.dialect import number
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure
from sales_kpi.facts.reading.invoices import documents, orders
from sales_kpi.facts.reading.reading import Reading, where


def _documents(reading: Reading) -> Any:
	order = reading.table("Sales Order")
	delivered = number(order.base_net_total) * number(order.per_delivered) / 100.0
	amount = Case().when(order.status == Bound("Closed"), delivered).else_(number(order.base_net_total))
	query = where(
		orders(reading, order), reading.day.holds(order.transaction_date), reading.of_entities(order.name)
	)
	return documents(reading, query, "Sales Order", order, amount=amount)


def parts(reading: Reading) -> dict[str, Any]:
	return {"Sales Order": credited(reading, _documents, "Sales Order")}


FACT = Fact(
	name="order",
	meaning="What a customer ordered, net of tax; an order closed early counts as far as it was delivered.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.SALES_TEAM,
	parts=parts,
	records=("Sales Order", "Sales Team", "Customer", "Lead", "Opportunity"),
)
