"""Figures and their circumstances in the words and number format of whoever reads them in the desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import frappe
from frappe import _
from frappe.utils import cint, fmt_money
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.analysis.attainment import BalanceWarning, Imbalance, Pace, Status
from sales_kpi.analysis.values import LOW_COVERAGE, NEEDS_SETTING, NO_MAPPING, NO_RECORDS, TOO_EARLY
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Calendar, Every, Period

if TYPE_CHECKING:
	from sales_kpi.site.standing import Standing
	from sales_kpi.site.targets import Agreed

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


class Speaker:
	"""Writes figures for one reader. It asks for format, symbols and translations once, however many figures there are."""

	def __init__(self) -> None:
		self.is_rtl = is_rtl()
		self._translated: dict[str, str] = {}
		self._symbols: dict[tuple[str | None, int | None], tuple[str, str]] = {}
		self._layout = frappe.db.get_default("number_format") or _PLAIN_FORMAT
		self._cents = cint(frappe.db.get_default("currency_precision")) or None
		# Of more than two decimals Frappe shows as many as the currency has, or the amount.
		has_cents = self._layout in _WITH_DECIMALS or self._layout[-3:-2] in (".", ",")
		self._is_plain = self._cents <= 2 if self._cents else has_cents

	def _(self, text: str) -> str:
		if text not in self._translated:
			self._translated[text] = str(_(text))
		return self._translated[text]

	def together(self, text: str) -> str:
		"""A number in one piece among right-to-left words, where its sign would wander to the other side."""
		return f"\u2066{text}\u2069" if self.is_rtl else text

	def number(self, value: float, decimals: int = 0) -> str:
		"""A number in the format of the site, with decimals also where its money has none."""
		layout = _WITH_DECIMALS.get(self._layout, self._layout) if decimals else self._layout
		return _signed(value, fmt_money(abs(value), precision=decimals, format=layout))

	def money(self, value: float, currency: str | None, exact: bool = True) -> str:
		"""An amount with its currency; without cents where a glance is enough."""
		precision = self._cents if exact or abs(value) < 100 else 0
		if precision != 0 and not self._is_plain:
			return self.together(
				_signed(value, fmt_money(abs(value), precision=precision, currency=currency))
			)
		if (currency, precision) not in self._symbols:
			plain = fmt_money(1.0, precision=precision, format=self._layout)
			before, _found, behind = fmt_money(1.0, precision=precision, currency=currency).partition(plain)
			self._symbols[currency, precision] = before, behind
		before, behind = self._symbols[currency, precision]
		text = fmt_money(abs(value), precision=precision, format=self._layout)
		return self.together(_signed(value, f"{before}{text}{behind}"))

	def quantity(self, value: float) -> str:
		"""How many: whole, or with decimals where shared credit makes it a fraction."""
		return self.number(value, 0 if abs(value - round(value)) < 0.005 else 2)

	def duration(self, seconds: float) -> str:
		"""A time span in its two largest units."""
		minutes = round(seconds / 60)
		if seconds < 60:
			return self._("{0} s").format(self.number(seconds))
		if minutes < 60:
			return self._("{0} min").format(self.number(minutes))
		hours, rest = divmod(minutes, 60)
		if hours < 48:
			return (
				self._("{0} h {1} min").format(self.number(hours), self.number(rest))
				if rest
				else self._("{0} h").format(self.number(hours))
			)
		return self._("{0} days").format(self.number(hours / 24, 1))

	def figure(self, value: float | None, unit: Unit, currency: str | None, exact: bool = True) -> str:
		"""A KPI's value with its unit."""
		if value is None:
			return NOTHING
		if unit is Unit.PERCENT:
			return self.together(f"{self.number(value * 100, 1)}{_THIN}%")
		if unit is Unit.CURRENCY:
			return self.money(value, currency, exact)
		if unit is Unit.CURRENCY_PER_DAY:
			return self._("{0} a day").format(self.money(value, currency, exact))
		if unit is Unit.SECONDS:
			return self.duration(value)
		if unit is Unit.DAYS:
			return self._("{0} days").format(self.number(value, 0 if value == round(value) else 1))
		if unit is Unit.RATIO:
			return self._("{0} times").format(self.number(value, 1))
		return self.quantity(value)

	def share(self, value: float | None) -> str:
		"""A share of what was agreed, in whole percent."""
		return NOTHING if value is None else self.together(f"{self.number(value * 100)}{_THIN}%")

	def target(self, agreed: Agreed, unit: Unit, currency: str | None) -> str:
		"""What was agreed: a value, or a range with one bound or two."""
		if agreed.value is not None:
			return self.figure(agreed.value, unit, currency)
		if agreed.low is None:
			return self._("at most {0}").format(self.figure(agreed.high, unit, currency))
		low = self.figure(agreed.low, unit, currency)
		if agreed.high is None:
			return self._("at least {0}").format(low)
		return self._("{0} to {1}").format(low, self.figure(agreed.high, unit, currency))

	def beside(self, standing: Standing | None, unit: Unit, currency: str | None) -> dict[str, Any]:
		"""What was agreed, and how a figure stands beside it, as cells of a table."""
		if standing is None:
			return dict(_NOTHING_AGREED)
		value, attainment = standing.agreed.value, standing.attainment
		return {
			"target": None if value is None else round(value, 6),
			"target_text": self.target(standing.agreed, unit, currency),
			"target_document": standing.agreed.target,
			"attainment": None if attainment is None else round(attainment, 6),
			"attainment_text": self.share(attainment),
			"stands": status_label(standing.status, standing.is_open),
			"stands_tone": TONES.get(standing.status, ""),
		}

	def change(self, value: float | None, unit: Unit) -> str:
		"""A change with its sign: in percentage points for a share, else relative."""
		if value is None:
			return NOTHING
		rounded = round(value * 100, 1)
		text = f"{'+' if rounded > 0 else ''}{self.number(rounded, 1)}"
		if unit is Unit.PERCENT:
			return self._("{0} points").format(self.together(text))
		return self.together(f"{text}{_THIN}%")


_NOTHING_AGREED: Mapping[str, Any] = {
	"target": None, "target_text": "", "target_document": "", "attainment": None, "attainment_text": "",
	"stands": "", "stands_tone": "",
}  # fmt: skip


def _signed(value: float, text: str) -> str:
	return f"{_MINUS}{text}" if value < 0 and any(digit in text for digit in "123456789") else text


def moved(now: float, before: float, unit: Unit) -> float | None:
	"""How a figure moved: in points for a share, else relative, which takes something above 0 to start from."""
	if unit is Unit.PERCENT:
		return now - before
	return now / before - 1 if before > 0 else None


def tone(change: float | None, kpi: Kpi) -> str:
	"""Whether a change is a good one; the dust of floats is none."""
	if change is None or not round(change, 6) or kpi.good is Good.NEITHER:
		return ""
	return "good" if (change > 0) == (kpi.good is Good.UP) else "bad"


def axis(unit: Unit, values: Iterable[float | None]) -> tuple[float, str]:
	"""What values are multiplied by on a chart's axis, and what they are counted in there."""
	if unit is Unit.PERCENT:
		return 100.0, "%"
	if unit is Unit.DAYS:
		return 1.0, str(_("days"))
	if unit is Unit.SECONDS:
		longest = max((value for value in values if value is not None), default=0.0)
		for least, seconds, name in (
			(2 * 86400, 86400, _("days")),
			(3600, 3600, _("hours")),
			(60, 60, _("minutes")),
		):
			if longest >= least:
				return 1 / seconds, str(name)
		return 1.0, str(_("seconds"))
	return 1.0, ""


def number(value: float, decimals: int = 0) -> str:
	"""See `Speaker.number`."""
	return Speaker().number(value, decimals)


def money(value: float, currency: str | None, exact: bool = True) -> str:
	"""See `Speaker.money`."""
	return Speaker().money(value, currency, exact)


def quantity(value: float) -> str:
	"""See `Speaker.quantity`."""
	return Speaker().quantity(value)


def figure(value: float | None, unit: Unit, currency: str | None, exact: bool = True) -> str:
	"""See `Speaker.figure`."""
	return Speaker().figure(value, unit, currency, exact)


def change(value: float | None, unit: Unit) -> str:
	"""See `Speaker.change`."""
	return Speaker().change(value, unit)


def unit_label(unit: Unit) -> str:
	"""What the plain numbers of an export are counted in."""
	return str(
		{
			Unit.CURRENCY: _("money"),
			Unit.COUNT: _("count"),
			Unit.PERCENT: _("share, 0 to 1"),
			Unit.DAYS: _("days"),
			Unit.SECONDS: _("seconds"),
			Unit.RATIO: _("times"),
			Unit.CURRENCY_PER_DAY: _("money a day"),
		}[unit]
	)


# Names and days


def day(day: date, calendar: Calendar) -> str:
	"""A day in the reader's own date format; in the Jalali calendar as that writes it."""
	if calendar.kind != "jalali":
		text = str(frappe.format(day, {"fieldtype": "Date"}))
		# Behind Persian words, its parts would be read from the other end.
		return f"\u2066{text}\u2069" if is_rtl() else text
	return calendar.label(Period(day, day + timedelta(days=1)), Every.DAY, language())


def tick(period: Period, every: Every, calendar: Calendar) -> str:
	"""A period where there is little room, as on an axis."""
	label = calendar.label(period, every, language())
	if every is Every.MONTH and language() != "fa":
		month, year = label.rsplit(" ", 1)
		return f"{month[:3]} {year}"
	return label


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


TONES = {Status.ON_TRACK: "good", Status.AT_RISK: "warn", Status.OFF: "bad"}
"""How a status is coloured, beside its word."""


def status_label(status: Status, is_open: bool) -> str:
	"""How a target stands, or stood when its period was over."""
	open_labels = {
		Status.ON_TRACK: _("On track"),
		Status.AT_RISK: _("At risk"),
		Status.OFF: _("Off track"),
	}
	closed_labels = {
		Status.ON_TRACK: _("Reached"),
		Status.AT_RISK: _("Nearly reached"),
		Status.OFF: _("Missed"),
	}
	return str((open_labels if is_open else closed_labels).get(status, _("Not known")))


def imbalance(warning: BalanceWarning, title: str) -> str:
	"""What is doubtful about the weights of a score. title: of the KPI that it leans on."""
	if warning.code is Imbalance.LEANS_ON_ONE:
		text = _("{0} has {1} of the weight: the score leans on one KPI.")
		return str(text.format(title, Speaker().share(warning.share)))
	if warning.code is Imbalance.NO_SATISFACTION:
		return str(_("Nothing in the score tells whether customers are satisfied."))
	return str(_("The score holds nothing that a team reaches together."))


def pace_label(rule: Pace) -> str:
	"""By which rule a pace is told."""
	return str(
		{
			Pace.CALENDAR: _("by calendar days"),
			Pace.WORKING_DAYS: _("by working days"),
			Pace.SEASON: _("by the season of earlier years"),
		}[rule]
	)


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
