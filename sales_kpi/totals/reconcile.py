"""Every night: whether kept sums equal the records, and the repair where they don't.

Of facts kept by day, each day of a company is compared; what was written behind all events (an import by SQL, a restored
backup) shows there. Who is credited, and where, is compared for some months; facts kept by entity for some entities; both
are chosen anew each night, and where any is wrong, all are looked at. What differs is marked, so figures are right from then
on, and a record says what was found, with what is known of its cause.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import frappe
from frappe import _
from pypika.functions import Sum

from sales_kpi.analysis.entries import day_of, unpacked
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.reconciliation import Books, ledgered
from sales_kpi.analysis.values import Question, compute
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.periods import Every
from sales_kpi.site.settings import site_settings
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals import marks, store
from sales_kpi.totals.months import month_kept, month_told, unequal_days, unequal_entities
from sales_kpi.totals.read import Totals, all_touched, waiting
from sales_kpi.totals.refresh import begun, families, refresh, site_reading
from sales_kpi.totals.series import Series
from sales_kpi.totals.tables import DIFFERENCE, TOTAL, table
from sales_kpi.totals.touches import DAY_COLUMN, ENTITY_OF, RECORDS_OF, Mark, Touched, as_date

MONTHS = 3
ENTITIES = 500
"""How much of what isn't compared as a whole is compared each night, of each fact."""

BATCH = 2000
"""Entities read at a time where all are looked at."""

DUST = 1e-6
"""Differences below this are of the last digits of floats."""


@dataclass(frozen=True)
class Found:
	"""A difference: of a day or of an entity, with what is kept and what the records say (a sum, and a number of rows)."""

	series: Series
	company: str
	day: date | None
	entity: str
	kept: tuple[float, float]
	told: tuple[float, float]


def reconcile(seed: int | None = None) -> int:
	"""Compare kept sums with the records, mark and write down what differs. Returns how many differences there were.

	seed: of what is chosen by chance; today's date if not given.
	"""
	refresh()
	number = 0
	with store.alone():
		reading = site_reading()
		if reading is None:
			return 0
		chance = random.Random(seed if seed is not None else reading.as_of.toordinal())
		made = [series for series, _ in begun(reading).values() if _is_ready(series)]
		waiting_marks = [mark for _, mark in waiting(SiteSource(), 100_000)]
		touched = all_touched(SiteSource(), reading, waiting_marks, reading.as_of)
		assert touched is not None
		for together in families(one for one in made if one.fact.name not in touched.whole):
			for found in _differences(reading, together, touched, chance):
				marks.append(_marks_of(found))
				_write_down(found)
				number += 1
		compare_with_ledger(reading)
	if number:
		refresh()
	return number


LEDGER = "general ledger"
"""Series of the record that says that sales volume and income accounts differ without a reason."""

LEDGER_MONTHS = 3


def compare_with_ledger(reading: Reading) -> int:
	"""Sales volume of the last whole months beside the income accounts. Returns how many differ for no known reason.

	A difference is written down once for a company and month, as long as it stays the same.
	"""
	settings, source = site_settings(), SiteSource()
	masters, number = read_masters(source, settings.engine), 0
	for company in settings.companies:
		period = settings.calendar.period(reading.as_of, Every.MONTH)
		for _month in range(LEDGER_MONTHS):
			period = settings.calendar.previous(period, Every.MONTH)
			asked = Question(
				company,
				period.start,
				period.last_day,
				Every.RANGE,
				kpis=("sales_volume",),
				as_of=reading.as_of,
			)
			volume = compute(source, asked, settings.engine, masters, None, Totals(source, reading))[0][
				"value"
			]
			compared = ledgered(Books(source, asked, settings.engine, masters), volume or 0.0)
			if not compared.unexplained:
				continue
			number += 1
			found = {
				"series": LEDGER,
				"company": company,
				"day": period.start,
				"told_amount": compared.theirs,
			}
			if not frappe.db.exists(DIFFERENCE, found):
				cause = _("Income accounts and sales volume differ by {0}: see KPI Agreement with ERPNext.")
				record = frappe.new_doc(DIFFERENCE)
				record.update(
					{**found, "kept_amount": compared.ours, "cause": cause.format(compared.unexplained)}
				)
				record.flags.ignore_permissions = True
				record.insert()
	return number


def _is_ready(series: Series) -> bool:
	return bool(frappe.db.get_value("KPI Series", series.name, "ready"))


def _differences(
	reading: Reading, together: Sequence[Series], touched: Touched, chance: random.Random
) -> Iterator[Found]:
	if together[0].by_entity:
		yield from _of_entities(reading, together, touched, chance)
		return
	days = set()
	for found in _of_days(reading, together, touched):
		days.add(found.day)
		yield found
	months = sorted({month for series in together for month in _months(series)})
	chosen = months if days else chance.sample(months, min(MONTHS, len(months)))
	for found in _of_months(reading, together, touched, chosen):
		if found.day not in days:
			yield found


# Facts kept by day


def _of_days(reading: Reading, together: Sequence[Series], touched: Touched) -> Iterator[Found]:
	"""Days of a company whose sums differ."""
	first = together[0]
	fact = first.fact
	statement = reading.narrowed(dimensions=frozenset(), with_life=first.with_life).statement()
	rows = (fact.family or fact).rows(statement).as_("row")
	keys = [rows.company, rows.day, *([rows.which] if fact.family else [])]
	query = (
		Query.from_(rows)
		.groupby(*keys)
		.select(
			rows.company,
			rows.day,
			Sum(rows.quantity).as_("quantity"),
			Sum(rows.amount).as_("amount"),
			*([rows.which] if fact.family else []),
		)
	)
	frame = SiteSource().run(statement.shared.complete(query))
	for series in together:
		mine = frame
		if fact.family:
			mine = frame[frame["which"] == fact.family.members.index(series.fact.name)]
		told = {
			(str(company or ""), as_date(day)): (float(quantity or 0), float(amount or 0))
			for company, day, quantity, amount in mine[["company", "day", "quantity", "amount"]].itertuples(
				index=False
			)
		}
		yield from _unequal(series, _kept_by_day(series), told, touched)


def _unequal(
	series: Series,
	kept: Mapping[tuple[str, date], tuple[float, float]],
	told: Mapping[tuple[str, date], tuple[float, float]],
	touched: Touched,
) -> Iterator[Found]:
	nothing = (0.0, 0.0)
	for company, day in sorted(kept.keys() | told.keys()):
		if day in touched.days.get(series.fact.name, ()):
			continue
		mine, theirs = kept.get((company, day), nothing), told.get((company, day), nothing)
		if any(
			abs(one - other) > DUST * max(1.0, abs(other)) for one, other in zip(mine, theirs, strict=True)
		):
			yield Found(series, company, day, "", mine, theirs)


def _kept_by_day(series: Series) -> dict[tuple[str, date], tuple[float, float]]:
	import numpy as np

	kept = table(TOTAL)
	rows = SiteSource().run(
		Query.from_(kept)
		.where(kept.series == series.name)
		.where(kept.dimension == "")
		.select(kept.company, kept.leaves, kept.entries)
	)
	found = {}
	for company, leaves, text in rows.itertuples(index=False):
		entries = unpacked(leaves, text)
		days, place = np.unique(entries.day, return_inverse=True)
		quantity = np.bincount(place, weights=entries.quantity)
		amount = np.bincount(place, weights=entries.amount)
		for number, day in enumerate(days):
			found[str(company or ""), day_of(int(day))] = float(quantity[number]), float(amount[number])
	return found  # type: ignore[return-value]


def _months(series: Series) -> list[date]:
	return sorted(
		{
			as_date(month)
			for (month,) in frappe.db.get_values(TOTAL, {"series": series.name, "dimension": ""}, ["month"])
		}
	)


def _of_months(
	reading: Reading, together: Sequence[Series], touched: Touched, months: Iterable[date]
) -> Iterator[Found]:
	"""Days of some months that differ in who is credited, or where."""
	for month in months:
		told = month_told(SiteSource(), reading, together, month)
		for series in together:
			kept = month_kept(SiteSource(), series, month)
			for company, day in sorted(unequal_days(kept, told[series.name])):
				if day not in touched.days.get(series.fact.name, ()):
					yield Found(series, company, day, "", (0.0, 0.0), (0.0, 0.0))


# Facts kept by entity


def _of_entities(
	reading: Reading, together: Sequence[Series], touched: Touched, chance: random.Random
) -> Iterator[Found]:
	"""Entities whose rows differ: of those chosen by chance, and of all where one of these does."""
	doctype = ENTITY_OF[together[0].fact.name]
	names = frappe.get_all(doctype, pluck="name", order_by="name asc", limit=0)
	chosen = sorted(chance.sample(names, min(ENTITIES, len(names))))
	found = list(_unequal_entities(reading, together, touched, chosen))
	if found:
		found = [
			one
			for first in range(0, len(names), BATCH)
			for one in _unequal_entities(reading, together, touched, names[first : first + BATCH])
		]
	yield from found


def _unequal_entities(
	reading: Reading, together: Sequence[Series], touched: Touched, names: Sequence[str]
) -> Iterator[Found]:
	if not names:
		return
	for series, entity, kept, told in unequal_entities(SiteSource(), reading, together, names):
		if entity not in touched.entities.get(series.fact.name, ()):
			yield Found(series, "", None, entity, kept, told)


# What is done about it


def _marks_of(found: Found) -> list[Mark]:
	"""Marks by which what differs is read from the records, and made anew."""
	fact = found.series.fact.name
	if found.entity:
		doctype = ENTITY_OF[fact]
		return [Mark("Sales Invoice" if doctype == "Customer" else doctype, found.entity)]
	record = RECORDS_OF[fact][0]
	if record not in ("Sales Invoice", "Sales Order"):
		return [Mark(record, day=found.day)]
	# What was written behind the events of that day has touched the lives of its customers too.
	doctype, fieldname = frappe.qb.DocType(record), DAY_COLUMN[record]
	customers = (
		frappe.qb.from_(doctype).where(doctype[fieldname] == found.day).select(doctype.customer).distinct()
	)
	return [
		Mark(record, "", found.day),
		*(Mark(record, str(name or ""), found.day) for (name,) in customers.run()),
	]


def _write_down(found: Found) -> None:
	record = frappe.new_doc(DIFFERENCE)
	record.update(
		{
			"series": found.series.name,
			"company": found.company,
			"day": found.day,
			"entity": found.entity,
			"kept_quantity": found.kept[0],
			"kept_amount": found.kept[1],
			"told_quantity": found.told[0],
			"told_amount": found.told[1],
			"cause": _cause(found),
		}
	)
	record.flags.ignore_permissions = True
	record.insert()


def _cause(found: Found) -> str:
	"""The record of that day, or the entity, that was changed last: mostly it is the one that was changed unseen."""
	fact = found.series.fact.name
	if found.entity:
		doctype, where = ENTITY_OF[fact], {"name": found.entity}
	else:
		doctype = RECORDS_OF[fact][0]
		column = DAY_COLUMN[doctype]
		where = {column: ("between", [found.day, found.day])}
	last = frappe.get_all(
		doctype, filters=where, fields=["name", "modified", "modified_by"], order_by="modified desc", limit=1
	)
	if not last:
		return _("No {0} of that day is left.").format(_(doctype))
	return _("Last changed: {0} {1}, {2}, by {3}.").format(
		_(doctype), last[0].name, frappe.format(last[0].modified, "Datetime"), last[0].modified_by
	)
