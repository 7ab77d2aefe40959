"""Words, numbers and days as people of a language write them.

Sentences are written in English in the code and looked up in `translations/<language>.csv`, in the format that Frappe
reads as well (source, translation), with `{0}` for what is filled in.
"""

from __future__ import annotations

import csv
import math
from datetime import date
from functools import lru_cache
from pathlib import Path

from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import Unit
from sales_kpi.periods import (
	GREGORIAN_MONTHS,
	GREGORIAN_MONTHS_FA,
	JALALI_MONTHS,
	JALALI_MONTHS_FA,
	Calendar,
	Every,
	Period,
	in_digits_of,
)

TRANSLATIONS = Path(__file__).parent.parent / "translations"
SOURCE_LANGUAGE = "en"
RIGHT_TO_LEFT = frozenset({"ar", "ckb", "fa", "he", "ps", "ur"})

MINUS = "−"
_THIN = "\u202f"
_ISOLATE, _END = "\u2066", "\u2069"
"""Around a number with a sign: else its sign wanders to the other side among right-to-left words."""

_MAGNITUDES = ((1e12, "{0} tn"), (1e9, "{0} bn"), (1e6, "{0} M"), (1e3, "{0} K"))


def languages() -> list[str]:
	"""Languages that the scorecard can be written in."""
	return [SOURCE_LANGUAGE, *sorted(path.stem for path in TRANSLATIONS.glob("*.csv"))]


@lru_cache(maxsize=8)
def translations(language: str) -> dict[str, str]:
	"""Translations of a language by their English sentence."""
	with (TRANSLATIONS / f"{language}.csv").open(encoding="utf-8", newline="") as file:
		return {row[0]: row[1] for row in csv.reader(file) if len(row) > 1 and row[1]}


def sentence(source: str) -> str:
	"""Mark a sentence for translation where it is written down; it is translated where it is shown."""
	return source


class Language:
	"""Writes for readers of one language.

	missing: sentences that were wanted and have no translation; they stand in English.
	"""

	def __init__(self, code: str = SOURCE_LANGUAGE) -> None:
		if code not in languages():
			raise InputError(f"The scorecard isn't written in {code!r}: choose {' or '.join(languages())}.")
		self.code = code
		self.missing: set[str] = set()
		self._translations = {} if code == SOURCE_LANGUAGE else translations(code)

	@property
	def right_to_left(self) -> bool:
		return self.code in RIGHT_TO_LEFT

	@property
	def direction(self) -> str:
		return "rtl" if self.right_to_left else "ltr"

	def translate(self, source: str, *values: object) -> str:
		"""A sentence in the language, with values filled in."""
		text = source
		if self.code != SOURCE_LANGUAGE:
			if source not in self._translations:
				self.missing.add(source)
			text = self._translations.get(source, source)
		return text.format(*values) if values else text

	def known(self, name: str) -> str:
		"""What people of the language call something that comes from outside, if a translation tells; else its name."""
		return self._translations.get(name, name)

	def all_of(self, parts: list[str]) -> str:
		"""Things one after another, as in a sentence."""
		return ("، " if self.right_to_left else ", ").join(parts)

	# Numbers

	def _localized(self, text: str) -> str:
		"""Digits and separators of the language; numbers with a sign or separator stay in one piece."""
		if self.code != "fa":
			return text
		swapped = in_digits_of(text.replace(",", "٬").replace(".", "٫").replace(f"{_THIN}%", "٪"), "fa")
		return f"{_ISOLATE}{swapped}{_END}" if not swapped.isdigit() else swapped

	def number(self, value: float, decimals: int = 0, sign: bool = False) -> str:
		"""A number with thousands apart: `412,300`, `−3.5`, with a plus if the sign matters."""
		return self._localized(_plain(value, decimals, sign))

	def quantity(self, value: float, sign: bool = False) -> str:
		"""How many: whole, or with one decimal where shared credit makes it a fraction."""
		if abs(value) >= 1e6:
			return self.short(value, sign=sign)
		whole = abs(value - round(value)) < 0.05
		return self.number(value, 0 if whole else 1, sign)

	def percent(self, share: float, decimals: int = 1) -> str:
		"""A share of 1: `27.4 %`."""
		return self._localized(f"{_plain(share * 100, decimals)}{_THIN}%")

	def signed_percent(self, share: float, decimals: int = 1) -> str:
		"""A relative change: `+8 %`."""
		return self._localized(f"{_plain(share * 100, decimals, sign=True)}{_THIN}%")

	def short(self, value: float, sign: bool = False, thousands: bool = False) -> str:
		"""An amount in few characters: `412,300`, `4.12 M`; with `thousands` also `412 K`."""
		for size, pattern in _MAGNITUDES[: 4 if thousands else 3]:
			if round(abs(value)) >= size:
				scaled = value / size
				decimals = max(0, 2 - int(math.log10(max(abs(scaled), 1))))
				text = _plain(scaled, decimals, sign)
				if thousands and "." in text:
					text = text.rstrip("0").rstrip(".")
				return self.translate(pattern, self._localized(text))
		small = 0 < abs(value) < 100 and abs(value - round(value)) >= 0.005
		return self.number(value, 2 if small else 0, sign)

	def duration(self, seconds: float) -> str:
		"""A time span in its two largest units."""
		minutes = abs(seconds) / 60
		if minutes < 1:
			return self.translate("{0} s", self.number(abs(seconds)))
		if minutes < 60:
			return self.translate("{0} min", self.number(minutes))
		hours, rest = divmod(round(minutes), 60)
		if hours < 48:
			if not rest:
				return self.translate("{0} h", self.number(hours))
			return self.translate("{0} h {1} min", self.number(hours), self.number(rest))
		return self.translate("{0} days", self.number(hours / 24, 1))

	def value(self, value: float, unit: Unit) -> str:
		"""A KPI's value without its currency, which stands beside it in smaller letters."""
		if unit is Unit.PERCENT:
			return self.percent(value)
		if unit is Unit.SECONDS:
			return self.duration(value)
		if unit is Unit.DAYS:
			return self.quantity(value)
		if unit is Unit.RATIO:
			return self.translate("{0} times", self.number(value, 1))
		return self.short(value) if unit.is_money else self.quantity(value)

	def unit(self, unit: Unit, currency: str | None) -> str:
		"""What stands beside the value in smaller letters."""
		currency = self.known(currency or "")
		if unit is Unit.CURRENCY_PER_DAY:
			return self.translate("{0} a day", currency).strip()
		if unit is Unit.DAYS:
			return self.translate("days")
		return currency if unit.is_money else ""

	# Days and periods

	def day(self, day: date, calendar: Calendar) -> str:
		"""A day of the calendar: `30 September 2026`, `۸ مهر ۱۴۰۵`."""
		number, month, year = self._parts(day, calendar)
		return in_digits_of(f"{number} {month} {year}", self.code)

	def days(self, period: Period, calendar: Calendar) -> str:
		"""From the first to the last day of a period, without saying anything twice."""
		first, last = self._parts(period.start, calendar), self._parts(period.last_day, calendar)
		if first == last:
			return self.day(period.start, calendar)
		kept = first[: 1 if first[1:] == last[1:] else 2 if first[2] == last[2] else 3]
		start = in_digits_of(" ".join(kept), self.code)
		return self.translate("{0} to {1}", start, self.day(period.last_day, calendar))

	def _parts(self, day: date, calendar: Calendar) -> tuple[str, str, str]:
		if calendar.kind == "jalali":
			from persiantools.jdatetime import JalaliDate

			jalali = JalaliDate(day)
			names = JALALI_MONTHS_FA if self.code == "fa" else JALALI_MONTHS
			return str(jalali.day), names[jalali.month - 1], str(jalali.year)
		names = GREGORIAN_MONTHS_FA if self.code == "fa" else GREGORIAN_MONTHS
		return str(day.day), names[day.month - 1], str(day.year)

	def calendar(self, calendar: Calendar) -> str:
		"""Name of a calendar."""
		if calendar.kind == "jalali":
			return self.translate("Jalali calendar")
		if calendar.kind == "fiscal":
			_, month, _ = self._parts(date(2000, calendar.month, 1), Calendar())
			begins = in_digits_of(f"{calendar.day} {month}", self.code)
			return self.translate("Fiscal year from {0}", begins)
		return self.translate("Gregorian calendar")

	def period(self, period: Period, every: Every, calendar: Calendar) -> str:
		"""A period in full: `September 2026`."""
		if every in (Every.DAY, Every.WEEK):
			return self.days(period, calendar)
		return calendar.label(period, every, self.code)

	def earlier(self, period: Period, every: Every, calendar: Calendar) -> str:
		"""The period before, as one calls it in a comparison: `August`, `Q2`, `the week before`."""
		if every is Every.DAY:
			return self.translate("the day before")
		if every is Every.WEEK:
			return self.translate("the week before")
		if every is Every.QUARTER:
			return self.translate("the quarter before")
		if every is Every.MONTH:
			return self._parts(period.start, calendar)[1]
		return calendar.label(period, every, self.code)

	def tick(self, period: Period, every: Every, calendar: Calendar) -> tuple[str, str]:
		"""A period on an axis, in two lines; the second is written only where it changes."""
		number, month, year = self._parts(period.start, calendar)
		short = month if self.code == "fa" else month[:3]
		year = in_digits_of(year, self.code)
		if every in (Every.DAY, Every.WEEK):
			return in_digits_of(number, self.code), short
		if every is Every.QUARTER:
			return calendar.label(period, every, self.code).rsplit(" ", 1)[0], year
		if every is Every.YEAR:
			return calendar.label(period, every, self.code), ""
		return short, year


def _plain(value: float, decimals: int, sign: bool = False) -> str:
	rounded = round(abs(value), decimals)
	if rounded == 0:
		return f"{0:.{decimals}f}"
	return f"{MINUS if value < 0 else '+' if sign else ''}{rounded:,.{decimals}f}"
