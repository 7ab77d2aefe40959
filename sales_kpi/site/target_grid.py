"""Targets of many at once: a grid of salespeople and periods, and ERPNext's own targets as a starting point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, getdate

from sales_kpi.analysis import targets as arithmetic
from sales_kpi.analysis.values import Scope
from sales_kpi.kpis.definition import By, Good
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.permissions import quoted
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import site_settings
from sales_kpi.site.target_cascade import all_or_nothing
from sales_kpi.site.target_terms import BY_HAND, Matter, Split, matter_of, measure, refuse
from sales_kpi.site.targets import FIELD_OF, FOR, PERIOD, TARGET, kpis_seen, scopes_seen, written

MOST_CELLS = 6000
"""More than this no dialog can show."""

_SAME = "Same Each Period"


@dataclass
class Row:
	"""A scope of the grid.

	drafts: those that the grid may change. cells: by the first day of the period, what each has and whether it is fixed by
	another target, whose name is told.
	"""

	scope: str
	indent: int = 0
	drafts: list[str] = field(default_factory=list)
	cells: dict[date, dict[str, Any]] = field(default_factory=dict)


# The grid


@frappe.whitelist()
def grid(
	company: str,
	kpi: str,
	target_for: str,
	every: str,
	from_date: str,
	to_date: str,
	calendar: str | None = None,
) -> dict[str, Any]:
	"""The scopes that the user may set targets for, with what is agreed and what there was a year before."""
	matter, rows = _grid(locals())
	before = _a_year_before(matter, rows)
	return {
		"title": matter.title,
		"currency": matter.currency,
		"is_additive": arithmetic.is_additive(matter.kpi),
		"periods": [
			{
				"label": matter.label(period),
				"start": period.start.isoformat(),
				"end": period.last_day.isoformat(),
			}
			for period in matter.periods
		],
		"rows": [
			{
				"scope": row.scope,
				"indent": row.indent,
				"cells": [
					{"value": None, "target": "", "docstatus": 0, "fixed": False}
					| row.cells.get(period.start, {})
					| {"before": before.get((row.scope, period.start))}
					for period in matter.periods
				],
			}
			for row in rows
		],
	}


@frappe.whitelist()
def save_grid(
	company: str,
	kpi: str,
	target_for: str,
	every: str,
	from_date: str,
	to_date: str,
	rows: str | list[dict[str, Any]],
	calendar: str | None = None,
	submit: bool = False,
	reason: str = "",
) -> list[str]:
	"""Save the targets of a grid as drafts, or submit them: all of them, or none. Returns their names.

	rows: scopes with their values, one for each period, None for none.
	"""
	given = {key: value for key, value in locals().items() if key not in ("rows", "submit", "reason")}
	matter, known = _grid(given)
	by_name = {row.scope: row for row in known}
	saved: list[str] = []
	refused: list[str] = []
	with all_or_nothing():
		for told in frappe.parse_json(rows):
			row = by_name.get(str(told.get("scope")))
			if row is None:
				refuse(_("There is no {0} {1}.").format(words.by_label(matter.by), quoted(told.get("scope"))))
			was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
			try:
				saved += _save_row(matter, row, list(told.get("values") or []), given, bool(submit), reason)
			except frappe.PermissionError:
				raise
			except frappe.ValidationError as error:
				refused.append(f"{quoted(row.scope)}: {error}")
			finally:
				frappe.flags.mute_messages = was
		if refused:
			refuse("<br>".join(refused))
	return saved


def _grid(asked: dict[str, Any]) -> tuple[Matter, list[Row]]:
	"""What is asked for and the rows of the grid, as they are."""
	frappe.has_permission(TARGET, "create", throw=True)
	by = FOR.get(asked["target_for"])
	if by is None or by is By.COMPANY:
		refuse(_("A grid is for salespeople, teams or territories."))
	asker = Asker.current()
	seen = scopes_seen(asker, asked["company"], by)
	if asked["kpi"] not in kpis_seen(asker):
		refuse(_("There is no KPI {0} that you may see.").format(quoted(asked["kpi"])))
	if asked["every"] not in ("Week", "Month", "Quarter", "Year"):
		refuse(_("Choose weeks, months, quarters or years."))
	doc = frappe._dict(asked)
	matter = matter_of(doc, Scope("", ()))
	asked["calendar"] = doc.calendar
	if matter.kpi.good is Good.NEITHER:
		refuse(_("{0} is agreed on as a range: set it in the form of a target.").format(quoted(matter.title)))
	rows = [row for row in _rows(matter) if seen is None or row.scope in seen]
	if not rows:
		refuse(_("There is nobody here that you may set targets for."))
	if len(rows) * len(matter.periods) > MOST_CELLS:
		refuse(_("The grid would be too large. Choose a shorter range or longer periods."))
	_fill(matter, {row.scope: row for row in rows}, asked)
	return matter, rows


def _rows(matter: Matter) -> Iterator[Row]:
	if matter.by is By.TERRITORY:
		tree = matter.masters.territories
		for node in tree.values():
			above = sum(1 for other in tree.values() if other is not node and other.holds(node))
			yield Row(node.name, above)
		return
	tree = matter.masters.salespeople
	for node in tree.values():
		if node.enabled and node.is_group is (matter.by is By.TEAM):
			above = sum(1 for other in tree.values() if other is not node and other.holds(node))
			yield Row(node.name, above if node.is_group else 0)


def _fill(matter: Matter, rows: dict[str, Row], asked: dict[str, Any]) -> None:
	"""Write into the rows what is agreed or drafted."""
	first, last = matter.question.first, matter.question.last
	target, period = frappe.qb.DocType(TARGET), frappe.qb.DocType(PERIOD)
	found = (
		frappe.qb.from_(target)
		.left_join(period)
		.on((period.parent == target.name) & (period.parenttype == TARGET))
		.where(target.docstatus < 2)
		.where(target.company == asked["company"])
		.where(target.kpi == asked["kpi"])
		.where(target.target_for == asked["target_for"])
		.where(target.calendar == asked["calendar"])
		.where(target.every == asked["every"])
		.where(target.from_date <= last)
		.where(target.to_date >= first)
		.orderby(target.from_date)
		.select(
			target.name, target.scope, target.docstatus, target.kind, target.split, target.is_range, target.from_date,
			target.to_date, period.period_start, period.value,
		)
		.run(as_dict=True)
	)  # fmt: skip
	for one in found:
		row = rows.get(one.scope)
		if row is None:
			continue
		is_simple = one.kind == "Absolute" and one.split in (BY_HAND, _SAME) and not one.is_range
		is_inside = one.from_date >= first and one.to_date <= last
		is_fixed = not (one.docstatus == 0 and is_simple and is_inside)
		if not is_fixed and one.name not in row.drafts:
			row.drafts.append(one.name)
		if is_fixed:
			for inside in matter.periods:
				if one.from_date <= inside.start <= one.to_date:
					row.cells.setdefault(
						inside.start,
						{"value": None, "target": one.name, "docstatus": one.docstatus, "fixed": True},
					)
		if one.period_start:
			row.cells[one.period_start] = {
				"value": one.value, "target": one.name, "docstatus": one.docstatus, "fixed": is_fixed,
			}  # fmt: skip


def _a_year_before(matter: Matter, rows: Sequence[Row]) -> dict[tuple[str, date], float | None]:
	"""Values of the same period a year before, as people write them, by scope and first day of the period."""
	calendar, every = matter.question.calendar, matter.every
	earlier = {
		period.start: arithmetic.in_earlier_years(period, calendar, every, 1)[0] for period in matter.periods
	}
	masters = matter.masters
	tree = masters.territories if matter.by is By.TERRITORY else masters.salespeople
	scopes = [
		Scope(
			row.scope,
			(row.scope,) if matter.by is By.SALES_PERSON else tuple(masters.members(tree, row.scope)),
		)
		for row in rows
	]
	values = measure(matter, list(earlier.values()), scopes, matter.by)
	return {
		(row.scope, start): written(values[row.scope, period.start]["value"], matter.kpi.unit)
		for row in rows
		for start, period in earlier.items()
		if values[row.scope, period.start]["complete"]
	}


def _save_row(
	matter: Matter, row: Row, values: list[Any], asked: dict[str, Any], submit: bool, reason: str
) -> list[str]:
	"""The targets of one scope: one for each run of periods between those that other targets fix."""
	if len(values) != len(matter.periods):
		refuse(_("The grid has {0} periods, but {1} values.").format(len(matter.periods), len(values)))
	runs = list(_runs(matter.periods, values, row))
	reused = row.drafts[:1] if runs else []
	for name in row.drafts:
		if name not in reused:
			frappe.delete_doc(TARGET, name)
	saved = []
	for number, run in enumerate(runs):
		doc = frappe.get_doc(TARGET, reused[0]) if reused and not number else frappe.new_doc(TARGET)
		_write(doc, matter, row, run, asked, reason)
		doc.save()
		if submit:
			doc.submit()
		saved.append(str(doc.name))
	return saved


def _runs(periods: Sequence[Period], values: Sequence[Any], row: Row) -> Iterator[list[tuple[Period, float]]]:
	run: list[tuple[Period, float]] = []
	for period, value in zip(periods, values, strict=True):
		if row.cells.get(period.start, {}).get("fixed"):
			if run:
				yield run
			run = []
		elif value is not None and value != "":
			run.append((period, value))
	if run:
		yield run


def _write(
	doc: Document,
	matter: Matter,
	row: Row,
	run: Sequence[tuple[Period, float]],
	asked: dict[str, Any],
	reason: str,
) -> None:
	numbers = {value for _period, value in run}
	first, last = run[0][0], run[-1][0]
	is_whole = matter.periods.index(last) - matter.periods.index(first) + 1 == len(run)
	is_same = len(numbers) == 1 and is_whole
	doc.update(
		{
			"company": asked["company"], "kpi": asked["kpi"], "target_for": asked["target_for"],
			FIELD_OF[matter.by]: row.scope, "calendar": asked["calendar"], "every": asked["every"],
			"from_date": first.start, "to_date": last.last_day, "kind": "Absolute", "is_range": 0,
			"split": _SAME if is_same else BY_HAND, "value": run[0][1] if is_same else 0,
			"reason": reason or doc.reason, "periods": [],
		}
	)  # fmt: skip
	for period, value in run if not is_same else ():
		doc.append("periods", {"period_start": period.start, "label": matter.label(period), "value": value})


# ERPNext's own targets


OFFERED = ("sales_volume", "bookings")
"""KPIs that the target amounts of ERPNext's Sales Person can stand for."""


@frappe.whitelist()
def take_over(company: str, fiscal_year: str, kpi: str = "sales_volume") -> dict[str, Any]:
	"""Draft targets from ERPNext's own, those of a fiscal year in the Sales Persons.

	ERPNext's targets name no company; they are taken to be of the one that is chosen. Returns the names of the drafts, and
	in sentences what was left out.
	"""
	frappe.has_permission(TARGET, "create", throw=True)
	asker = Asker.current()
	if kpi not in OFFERED or kpi not in kpis_seen(asker):
		refuse(_("ERPNext’s targets are of sales volume or of bookings."))
	year = frappe.db.get_value("Fiscal Year", fiscal_year, ["year_start_date", "year_end_date"], as_dict=True)
	if not year:
		return {"made": [], "left_out": [_("There is no fiscal year {0}.").format(quoted(fiscal_year))]}
	first, last = getdate(year.year_start_date), getdate(year.year_end_date)
	seen = {by: scopes_seen(asker, company, by) for by in (By.TEAM, By.SALES_PERSON)}
	calendar = _calendar_of(first, last)
	amounts, without = _amounts(fiscal_year)
	made: list[str] = []
	left_out: list[str] = []
	with all_or_nothing():
		for name, by_distribution in amounts.items():
			node = asker.masters.salespeople.get(name)
			by = By.TEAM if node and node.is_group else By.SALES_PERSON
			if node is None or (seen[by] is not None and name not in (seen[by] or ())):
				continue
			doc = frappe.new_doc(TARGET)
			doc.update(
				{
					"company": company, "kpi": kpi, "target_for": "Team" if node.is_group else "Salesperson",
					"sales_person": name, "calendar": calendar, "every": "Month", "from_date": first, "to_date": last,
					"kind": "Absolute",
				}
			)  # fmt: skip
			was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
			frappe.db.savepoint("kpi_target_of_erpnext")
			try:
				_divide(doc, by_distribution)
				made.append(str(doc.insert().name))
			except frappe.PermissionError:
				raise
			except frappe.ValidationError as error:
				frappe.db.rollback(save_point="kpi_target_of_erpnext")
				left_out.append(f"{quoted(name)}: {error}")
			finally:
				frappe.flags.mute_messages = was
	left_out += [
		_("{0}: ERPNext has a target quantity only, no amount.").format(quoted(name))
		for name in without
		if seen[By.SALES_PERSON] is None or name in (seen[By.SALES_PERSON] or ())
	]
	return {"made": made, "left_out": left_out}


def _calendar_of(first: date, last: date) -> str:
	"""The settings' calendar, if the year consists of whole months of it; else the Gregorian one."""
	with explained():
		calendar = site_settings().calendar
	months = (calendar.period(first, Every.MONTH), calendar.period(last, Every.MONTH))
	if (months[0].start, months[1].last_day) == (first, last):
		return str(frappe.get_cached_doc(SETTINGS).calendar or "Gregorian")
	return "Gregorian"


def _amounts(fiscal_year: str) -> tuple[dict[str, dict[str, float]], list[str]]:
	"""Target amounts by Sales Person and Monthly Distribution ('' without one), and who has none but a quantity."""
	rows = frappe.get_all(
		"Target Detail",
		filters={"parenttype": "Sales Person", "fiscal_year": fiscal_year},
		fields=["parent", "target_amount", "distribution_id"],
		order_by="parent asc, idx asc",
	)
	amounts: dict[str, dict[str, float]] = {}
	without: dict[str, None] = {}
	for row in rows:
		if flt(row.target_amount) > 0:
			of_one = amounts.setdefault(row.parent, {})
			key = row.distribution_id or ""
			of_one[key] = of_one.get(key, 0.0) + flt(row.target_amount)
		else:
			without[row.parent] = None
	return amounts, [name for name in without if name not in amounts]


def _divide(doc: Document, by_distribution: dict[str, float]) -> None:
	"""Say how a year's amount is divided; amounts with distributions of their own are added up month by month."""
	if len(by_distribution) == 1:
		[(distribution, amount)] = by_distribution.items()
		doc.update(
			{
				"value": amount, "split": "Monthly Distribution" if distribution else "Evenly",
				"monthly_distribution": distribution or None,
			}
		)  # fmt: skip
		return
	matter = matter_of(doc)
	totals = [0.0] * len(matter.periods)
	for distribution, amount in by_distribution.items():
		percentages = {
			row.month: flt(row.percentage_allocation)
			for row in frappe.get_all(
				"Monthly Distribution Percentage",
				filters={"parent": distribution, "parenttype": "Monthly Distribution"},
				fields=["month", "percentage_allocation"],
			)
		}
		split = Split.MONTHLY_DISTRIBUTION if percentages else Split.EVEN
		with explained():
			parts = arithmetic.over_periods(
				matter.kpi, amount, matter.periods, split, percentages=percentages
			)
		totals = [total + part for total, part in zip(totals, parts, strict=True)]
	doc.split = BY_HAND
	for period, total in zip(matter.periods, totals, strict=True):
		if total:
			doc.append("periods", {"period_start": period.start, "value": round(total, 2)})
