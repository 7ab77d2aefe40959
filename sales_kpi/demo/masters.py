"""What a company has before it sells: companies, calendars, trees, items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sales_kpi.demo import names
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.frames import Frames
from sales_kpi.demo.people import ABBREVIATIONS, COMPANIES, CURRENCIES, Staff, nested_set, texts
from sales_kpi.demo.season import Season, is_holiday

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STOCK, SERVICE, BUNDLE = 0, 1, 2
CUSTOMER_GROUPS = ["Commercial", "Government", "Non Profit", "Individual"]
STAGES = ["Prospecting", "Qualification", "Needs Analysis", "Value Proposition", "Negotiation/Review"]

_GOODS = {
	"Machines": ["Compressor", "Conveyor", "Labeller", "Palletiser", "Filling Station", "Lift Table"],
	"Instruments": ["Flow Meter", "Thermal Camera", "Calibrator", "Gas Detector", "Scale", "Microscope"],
	"Parts": ["Bearing Set", "Valve Kit", "Filter Pack", "Belt", "Motor", "Control Board"],
	"Supplies": ["Lubricant", "Label Rolls", "Gloves", "Cleaner", "Test Strips", "Pallet Wrap"],
}
_LEVELS = {"Machines": 1900.0, "Instruments": 640.0, "Parts": 130.0, "Supplies": 38.0}
_SERVICES = [
	("Installation", 95.0),
	("Maintenance Visit", 420.0),
	("Training Day", 780.0),
	("Consulting", 110.0),
]
_BUNDLES = [("Starter Line", 2600.0), ("Lab Set", 1150.0), ("Maintenance Box", 310.0)]


class Items:
	"""The price list by item number: code, group, price and cost in company currency, and kind."""

	def __init__(self, company: DemoCompany) -> None:
		"""Draw the price list."""
		rng = np.random.default_rng([company.seed, 1])
		rows: list[tuple[str, str, str, float, int]] = []
		for group, goods in _GOODS.items():
			for good in goods:
				for size, factor in (("S", 0.7), ("L", 1.6)):
					price = round(_LEVELS[group] * factor * float(rng.uniform(0.6, 1.5)), 2)
					rows.append(
						(f"{good[:3].upper()}-{len(rows) + 101}", f"{good} {size}", group, price, STOCK)
					)
		rows += [
			(f"SRV-{i + 101}", name, "Services", price, SERVICE) for i, (name, price) in enumerate(_SERVICES)
		]
		rows += [(f"SET-{i + 101}", name, "Sets", price, BUNDLE) for i, (name, price) in enumerate(_BUNDLES)]
		self.codes = [row[0] for row in rows]
		self.names = [row[1] for row in rows]
		self.groups = [row[2] for row in rows]
		self.price = np.array([row[3] for row in rows])
		self.kind = np.array([row[4] for row in rows])
		if company.site_kind == "services":
			self.kind[:] = SERVICE
		# What a unit costs to buy; services have no stock cost.
		self.cost = np.round(self.price * rng.uniform(0.52, 0.74, len(rows)), 2)
		self.cost[self.kind == SERVICE] = 0.0
		weight = np.select([self.kind == SERVICE, self.kind == BUNDLE], [1.3, 0.8], 1.0)
		self.weight = weight * rng.pareto(2.0, len(rows)).clip(0.15, 4.0)
		self.weight /= self.weight.sum()
		# A bundle consists of two stock items; each costs half of the bundle's cost.
		stock = np.flatnonzero(self.kind == STOCK)
		self.parts = np.zeros((len(rows), 2), dtype=np.int64)
		if len(stock):
			self.parts = stock[rng.integers(0, len(stock), (len(rows), 2))]


def fiscal_years(company: DemoCompany) -> list[int]:
	"""The calendar years that hold records."""
	return list(range(company.start.year, company.until.year + 1))


def frames(
	company: DemoCompany, season: Season, staff: Staff, items: Items, make: Frames
) -> Iterator[tuple[str, pd.DataFrame]]:
	"""Company, calendar, Territory, channels, groups, Item, Sales Stage, Currency Exchange."""
	yield make.make(
		"Company",
		2,
		name=texts(COMPANIES),
		company_name=texts(COMPANIES),
		abbr=texts(ABBREVIATIONS),
		default_currency=texts(CURRENCIES),
		country=texts(["Germany", "United States"]),
		default_holiday_list="Working Days",
		lft=np.array([1, 3]),
		rgt=np.array([2, 4]),
		cost_center=texts([f"Main - {abbr}" for abbr in ABBREVIATIONS]),
		default_income_account=texts([f"Sales - {abbr}" for abbr in ABBREVIATIONS]),
		default_expense_account=texts([f"Cost of Goods Sold - {abbr}" for abbr in ABBREVIATIONS]),
		default_receivable_account=texts([f"Debtors - {abbr}" for abbr in ABBREVIATIONS]),
	)
	years = fiscal_years(company)
	day_of = {year: (date(year, 1, 1) - company.start).days for year in [*years, years[-1] + 1]}
	starts = np.array([day_of[year] for year in years])
	ends = np.array([day_of[year + 1] - 1 for year in years])
	labels = [str(year) for year in years]
	yield make.make(
		"Fiscal Year",
		len(years),
		name=texts(labels),
		year=texts(labels),
		year_start_date=starts,
		year_end_date=ends,
	)
	# The whole of the last year, as planning looks ahead.
	free = [
		(day, day.weekday() >= 5)
		for day in (
			date(years[0], 1, 1) + timedelta(days=i) for i in range(day_of[years[-1] + 1] - day_of[years[0]])
		)
		if day.weekday() >= 5 or is_holiday(day)
	]
	yield make.make(
		"Holiday List",
		1,
		name="Working Days",
		holiday_list_name="Working Days",
		from_date=int(starts[0]),
		to_date=int(ends[-1]),
		total_holidays=len(free),
	)
	numbers = np.arange(len(free))
	yield make.make(
		"Holiday",
		len(free),
		name=names.row_names(numbers, 1),
		parent="Working Days",
		parentfield="holidays",
		parenttype="Holiday List",
		idx=numbers + 1,
		holiday_date=np.array([(day - company.start).days for day, _ in free]),
		description=texts([f"{day:%A}" if weekly else "Holiday" for day, weekly in free]),
		weekly_off=np.array([weekly for _, weekly in free]),
	)
	places = names.territories(company.territories)
	regions = list(dict.fromkeys(region for _, region in places))
	tree = nested_set(
		[("All Territories", None), *((region, "All Territories") for region in regions), *places]
	)
	leaves = {country for country, _ in places}
	yield make.make(
		"Territory",
		len(tree.names),
		name=texts(tree.names),
		territory_name=texts(tree.names),
		parent_territory=texts(tree.parents),
		is_group=np.array([name not in leaves for name in tree.names]),
		lft=tree.lft,
		rgt=tree.rgt,
	)
	channels = names.sources(company.sources)
	if company.schema == "15":
		yield make.make("Lead Source", len(channels), name=texts(channels), source_name=texts(channels))
	else:
		slugs = [channel.lower().replace(" ", "-") for channel in channels]
		yield make.make("UTM Source", len(channels), name=texts(channels), slug=texts(slugs))
	tree = nested_set(
		[("All Customer Groups", None), *((group, "All Customer Groups") for group in CUSTOMER_GROUPS)]
	)
	yield make.make(
		"Customer Group",
		len(tree.names),
		name=texts(tree.names),
		customer_group_name=texts(tree.names),
		parent_customer_group=texts(tree.parents),
		is_group=tree.lft == 1,
		lft=tree.lft,
		rgt=tree.rgt,
	)
	groups = list(dict.fromkeys(items.groups))
	tree = nested_set([("All Item Groups", None), *((group, "All Item Groups") for group in groups)])
	yield make.make(
		"Item Group",
		len(tree.names),
		name=texts(tree.names),
		item_group_name=texts(tree.names),
		parent_item_group=texts(tree.parents),
		is_group=tree.lft == 1,
		lft=tree.lft,
		rgt=tree.rgt,
	)
	yield make.make(
		"Item",
		len(items.codes),
		name=texts(items.codes),
		item_code=texts(items.codes),
		item_name=texts(items.names),
		item_group=texts(items.groups),
		stock_uom="Nos",
		is_stock_item=items.kind == STOCK,
		is_sales_item=1,
		standard_rate=items.price,
		valuation_rate=items.cost,
		grant_commission=1,
		description=texts(items.names),
	)
	yield make.make("Sales Stage", len(STAGES), name=texts(STAGES), stage_name=texts(STAGES))
	months = np.array(season.month_starts())
	stamps = season.dates(months)
	yield make.make(
		"Currency Exchange",
		len(months),
		name=texts([f"{stamp}-USD-EUR" for stamp in stamps]),
		date=months,
		from_currency="USD",
		to_currency="EUR",
		for_buying=1,
		for_selling=1,
		exchange_rate=np.round(exchange_rate(months), 6),
	)


def exchange_rate(days: Ints) -> Floats:
	"""Euros per dollar: a slow wave around 0.92."""
	return np.round(0.92 + 0.03 * np.sin(days / 130.0), 4)
