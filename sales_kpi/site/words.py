"""Figures and their circumstances in the words and number format of whoever reads them in the desk."""

from __future__ import annotations

from datetime import date, timedelta

import frappe
from frappe import _
from frappe.utils import fmt_money
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.analysis.values import LOW_COVERAGE, NEEDS_SETTING, NO_MAPPING, NO_RECORDS, TOO_EARLY
from sales_kpi.kpis.definition import By, Kpi, Unit
from sales_kpi.periods import Calendar, Every, Period

NOTHING = "–"
"""Stands where there is no value: never a zero."""

_MINUS, _THIN = "−", "\u202f"
_PLAIN_FORMAT = "#,###.##"
_WITH_DECIMALS = {"#,###": "#,###.##", "#.###": "#.###,##"}
"""What sites whose money has no cents write other numbers in."""


def html(text: object) -> str:
	"""A text from the records, safe inside HTML."""
	return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Numbers


def together(text: str) -> str:
	"""A number in one piece among right-to-left words, where its sign would wander to the other side."""
	return f"\u2066{text}\u2069" if is_rtl() else text


def number(value: float, decimals: int = 0) -> str:
	"""A number in the format of the site, with decimals also where its money has none."""
	layout = frappe.db.get_default("number_format") or _PLAIN_FORMAT
	if decimals:
		layout = _WITH_DECIMALS.get(layout, layout)
	return _signed(value, fmt_money(abs(value), precision=decimals, format=layout))


def money(value: float, currency: str | None, exact: bool = True) -> str:
	"""An amount with its currency; without cents where a glance is enough."""
	precision = None if exact or abs(value) < 100 else 0
	return together(_signed(value, fmt_money(abs(value), precision=precision, currency=currency)))


def _signed(value: float, text: str) -> str:
	return f"{_MINUS}{text}" if value < 0 and any(digit in text for digit in "123456789") else text


def quantity(value: float) -> str:
	"""How many: whole, or with decimals where shared credit makes it a fraction."""
	return number(value, 0 if abs(value - round(value)) < 0.005 else 2)


def duration(seconds: float) -> str:
	"""A time span in its two largest units."""
	minutes = round(seconds / 60)
	if seconds < 60:
		return _("{0} s").format(number(seconds))
	if minutes < 60:
		return _("{0} min").format(number(minutes))
	hours, rest = divmod(minutes, 60)
	if hours < 48:
		return (
			_("{0} h {1} min").format(number(hours), number(rest))
			if rest
			else _("{0} h").format(number(hours))
		)
	return _("{0} days").format(number(hours / 24, 1))


def figure(value: float | None, unit: Unit, currency: str | None, exact: bool = True) -> str:
	"""A KPI's value with its unit."""
	if value is None:
		return NOTHING
	if unit is Unit.PERCENT:
		return together(f"{number(value * 100, 1)}{_THIN}%")
	if unit is Unit.CURRENCY:
		return money(value, currency, exact)
	if unit is Unit.CURRENCY_PER_DAY:
		return _("{0} a day").format(money(value, currency, exact))
	if unit is Unit.SECONDS:
		return duration(value)
	if unit is Unit.DAYS:
		return _("{0} days").format(number(value, 0 if value == round(value) else 1))
	if unit is Unit.RATIO:
		return _("{0} times").format(number(value, 1))
	return quantity(value)


def change(value: float | None, unit: Unit) -> str:
	"""A change with its sign: in percentage points for a share, else relative."""
	if value is None:
		return NOTHING
	rounded = round(value * 100, 1)
	text = f"{'+' if rounded > 0 else ''}{number(rounded, 1)}"
	return _("{0} points").format(together(text)) if unit is Unit.PERCENT else together(f"{text}{_THIN}%")


def unit_label(unit: Unit) -> str:
	"""What the plain numbers of an export are counted in."""
	return {
		Unit.CURRENCY: _("money"),
		Unit.COUNT: _("count"),
		Unit.PERCENT: _("share, 0 to 1"),
		Unit.DAYS: _("days"),
		Unit.SECONDS: _("seconds"),
		Unit.RATIO: _("times"),
		Unit.CURRENCY_PER_DAY: _("money a day"),
	}[unit]


# Names and days


def day(day: date, calendar: Calendar) -> str:
	"""A day in the reader's own date format; in the Jalali calendar as that writes it."""
	if calendar.kind != "jalali":
		return str(frappe.format(day, {"fieldtype": "Date"}))
	return calendar.label(Period(day, day + timedelta(days=1)), Every.DAY, language())


def language() -> str:
	"""The reader's language."""
	return frappe.local.lang or "en"


def start() -> str:
	"""The side where a line of text begins; DataTable takes a column whose first cell is empty for numbers."""
	return "right" if is_rtl() else "left"


def unassigned() -> str:
	"""What is credited to nobody, or comes from nowhere."""
	return str(_("(unassigned)"))


def by_label(by: By) -> str:
	"""What figures are given for."""
	return {
		By.COMPANY: _("Company"),
		By.SALES_PERSON: _("Sales Person"),
		By.TEAM: _("Team"),
		By.TERRITORY: _("Territory"),
		By.SOURCE: _("Source"),
	}[by]


def reason(code: str | None, kpi: Kpi) -> str:
	"""Why there is no value."""
	if code == NEEDS_SETTING:
		return str(_("No account for acquisition cost is chosen in Sales KPI Settings."))
	if code == NO_MAPPING:
		text = (
			_("No cost is mapped to it.") if kpi.mapped_cost else _("No user is mapped to this salesperson.")
		)
		return str(text)
	if code == TOO_EARLY:
		return str(_("Too early to tell."))
	if code == LOW_COVERAGE:
		return str(_("The cost of less than half of the sales is known."))
	return str(_("No records.")) if code == NO_RECORDS else ""


def part_label(part: str) -> str:
	"""The part that documents play in a formula."""
	known = {
		"value": _("Value"),
		"numerator": _("Numerator"),
		"denominator": _("Denominator"),
		"sample": _("Sample of the median"),
		"open": _("Open opportunities"),
		"won": _("Won opportunities"),
		"decided": _("Decided opportunities"),
		"won value": _("Value of the won"),
		"numerator's numerator": _("Numerator of the numerator"),
		"numerator's denominator": _("Denominator of the numerator"),
		"denominator's numerator": _("Numerator of the denominator"),
		"denominator's denominator": _("Denominator of the denominator"),
	}
	return str(known.get(part, part))
