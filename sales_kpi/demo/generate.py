"""All rows of a demo company, table by table, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sales_kpi.demo import activity, funnel, invoices, ledger, masters, people
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.frames import Frames
from sales_kpi.demo.history import History
from sales_kpi.demo.masters import Items
from sales_kpi.demo.people import Staff
from sales_kpi.demo.season import Season


def batches(company: DemoCompany) -> Iterator[tuple[str, pd.DataFrame]]:
	"""(table name without "tab", rows), some tables several times; parents come before what links to them.

	A batch holds the rows of at most 20,000 documents. Text is object or categorical (None: NULL), dates and
	datetimes are datetime64[s], times categorical "HH:MM:SS". Tables that stay empty don't appear.
	"""
	season = Season(company)
	staff = Staff(company, season)
	items = Items(company)
	make = Frames(company.schema, season.first)
	for table, rows in _all(company, season, staff, items, make):
		if len(rows):
			yield table, rows


def _all(
	company: DemoCompany, season: Season, staff: Staff, items: Items, make: Frames
) -> Iterator[tuple[str, pd.DataFrame]]:
	"""The same, empty batches included."""
	yield from masters.frames(company, season, staff, items, make)
	yield from people.frames(company, staff, make)
	history = History(company, season, staff, items)
	yield from ledger.charts(history, make)
	yield from funnel.leads(history, make)
	yield from funnel.customers(history, make)
	yield from funnel.opportunities(history, make)
	yield from funnel.quotations(history, make)
	yield from funnel.orders(history, make)
	yield from funnel.deliveries(history, make)
	yield from invoices.invoices(history, make)
	yield from ledger.expenses(history, make)
	if company.has_funnel:
		yield from activity.activities(history, make)
