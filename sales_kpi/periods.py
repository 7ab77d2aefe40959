"""Calendars and their periods: Gregorian, fiscal and Jalali weeks, months, quarters and years.

A period is half-open: it holds every day from `start` until before `end`. The period before another is the one
before it in the calendar, never the same number of days earlier.
"""

from __future__ import annotations

import calendar as gregorian
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum

from sales_kpi.errors import InputError

_DAY = timedelta(days=1)


class Every(Enum):
	"""How long a period is."""

	DAY = "day"
	WEEK = "week"
	MONTH = "month"
	QUARTER = "quarter"
	YEAR = "year"
	RANGE = "range"


_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}


class Weekday(Enum):
	"""First day of a week, by Python's numbers."""

	MONDAY = 0
	SATURDAY = 5
	SUNDAY = 6


@dataclass(frozen=True, order=True)
class Period:
	"""Days from `start` until before `end`.

	`whole` is the calendar period that it is a part of, itself unless the range asked for cut it off.
	"""

	start: date
	end: date
	whole: Period | None = None

	@property
	def last_day(self) -> date:
		"""The last day inside."""
		return self.end - _DAY

	@property
	def days(self) -> int:
		return (self.end - self.start).days

	@property
	def is_whole(self) -> bool:
		"""Whether the range asked for left the calendar period in one piece."""
		return self.whole is None

	def clipped(self, start: date, end: date) -> Period:
		"""The part that lies from `start` until before `end`."""
		if self.start >= start and self.end <= end:
			return self
		return Period(max(self.start, start), min(self.end, end), whole=self.whole or self)

	def __contains__(self, day: date) -> bool:
		return self.start <= day < self.end


@dataclass(frozen=True)
class Calendar:
	"""A way to divide days into periods.

	kind: gregorian, fiscal or jalali. A fiscal year begins on `month` and `day` (a day that a month doesn't have is its
	last), and so do its months and quarters. `week_start` is Monday unless said otherwise, in Jalali Saturday.
	"""

	kind: str = "gregorian"
	month: int = 1
	day: int = 1
	week_start: Weekday = Weekday.MONDAY

	def periods(self, first: date, last: date, every: Every) -> list[Period]:
		"""All periods that touch the days from `first` to `last`, both included, clipped to these days."""
		if first > last:
			raise InputError("The range is empty: {first} is after {last}.", first=first, last=last)
		end = last + _DAY
		if every is Every.RANGE:
			return [Period(first, end)]
		return [period.clipped(first, end) for period in self._from(first, end, every)]

	def _from(self, first: date, end: date, every: Every) -> Iterator[Period]:
		period = self.period(first, every)
		while period.start < end:
			yield period
			period = self.period(period.end, every)

	def period(self, day: date, every: Every) -> Period:
		"""The whole period that a day lies in."""
		if every is Every.DAY:
			return Period(day, day + _DAY)
		if every is Every.WEEK:
			start = day - timedelta(days=(day.weekday() - self.week_start.value) % 7)
			return Period(start, start + timedelta(days=7))
		if every is Every.RANGE:
			raise InputError("A range is no period of a calendar: choose day, week, month, quarter or year.")
		months = _MONTHS[every]
		index = self._month_index(day) // months * months
		return Period(self._month_start(index), self._month_start(index + months))

	def previous(self, period: Period, every: Every) -> Period:
		"""The calendar period before the one that `period` is, or is a part of.

		A range has no calendar; what precedes it is as many days, except that whole months are preceded by whole
		months.
		"""
		if every is not Every.RANGE:
			return self.period((period.whole or period).start - _DAY, every)
		start, end = self._month_index(period.start), self._month_index(period.end)
		if self._month_start(start) == period.start and self._month_start(end) == period.end:
			return Period(self._month_start(start - (end - start)), period.start)
		return Period(period.start - (period.end - period.start), period.start)

	def _month_index(self, day: date) -> int:
		"""Number of a day's month, counted from a year's first month; months of a year are a multiple of 12 apart."""
		if self.kind == "jalali":
			from persiantools.jdatetime import JalaliDate

			jalali = JalaliDate(day)
			return int(jalali.year) * 12 + int(jalali.month) - 1
		index = day.year * 12 + day.month - self.month
		return index if day >= self._month_start(index) else index - 1

	def _month_start(self, index: int) -> date:
		try:
			if self.kind == "jalali":
				from persiantools.jdatetime import JalaliDate

				first: date = JalaliDate(index // 12, index % 12 + 1, 1).to_gregorian()
				return first
			year, month = divmod(index + self.month - 1, 12)
			return date(year, month + 1, min(self.day, gregorian.monthrange(year, month + 1)[1]))
		except (ValueError, OverflowError) as error:
			raise InputError("The calendar doesn't reach that far.") from error

	def label(self, period: Period, every: Every, language: str = "en") -> str:
		"""Name of a period for people, in the digits of the language: "June 2026", "Q2 2026", "مهر ۱۴۰۵"."""
		whole = period.whole or period
		if every is Every.DAY:
			return self._day_label(whole.start, language)
		if every in (Every.WEEK, Every.RANGE):
			return f"{self._day_label(whole.start, language)} – {self._day_label(whole.last_day, language)}"
		index = self._month_index(whole.start)
		year, month = divmod(index, 12)
		text = self._year_label(year, self.period(whole.start, Every.YEAR))
		if every is Every.QUARTER:
			text = f"سه‌ماهه {month // 3 + 1} {text}" if language == "fa" else f"Q{month // 3 + 1} {text}"
		elif every is Every.MONTH:
			text = f"{self._month_name(whole, month, language)} {year if self.kind == 'jalali' else whole.start.year}"
		return in_digits_of(text, language)

	def _year_label(self, year: int, whole: Period) -> str:
		if whole.start.year == whole.last_day.year or self.kind == "jalali":
			return str(year)
		return f"{year}/{(year + 1) % 100:02d}"

	def _month_name(self, whole: Period, month: int, language: str) -> str:
		if self.kind == "jalali":
			return (JALALI_MONTHS_FA if language == "fa" else JALALI_MONTHS)[month]
		names = GREGORIAN_MONTHS_FA if language == "fa" else GREGORIAN_MONTHS
		return names[whole.start.month - 1]

	def _day_label(self, day: date, language: str) -> str:
		if self.kind == "jalali":
			from persiantools.jdatetime import JalaliDate

			text = str(JalaliDate(day).strftime("%Y-%m-%d"))
		else:
			text = day.isoformat()
		return in_digits_of(text, language)


GREGORIAN_MONTHS = (
	"January",
	"February",
	"March",
	"April",
	"May",
	"June",
	"July",
	"August",
	"September",
	"October",
	"November",
	"December",
)
GREGORIAN_MONTHS_FA = (
	"ژانویه",
	"فوریه",
	"مارس",
	"آوریل",
	"مه",
	"ژوئن",
	"ژوئیه",
	"اوت",
	"سپتامبر",
	"اکتبر",
	"نوامبر",
	"دسامبر",
)
JALALI_MONTHS = (
	"Farvardin",
	"Ordibehesht",
	"Khordad",
	"Tir",
	"Mordad",
	"Shahrivar",
	"Mehr",
	"Aban",
	"Azar",
	"Dey",
	"Bahman",
	"Esfand",
)
JALALI_MONTHS_FA = (
	"فروردین",
	"اردیبهشت",
	"خرداد",
	"تیر",
	"مرداد",
	"شهریور",
	"مهر",
	"آبان",
	"آذر",
	"دی",
	"بهمن",
	"اسفند",
)

_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def in_digits_of(text: str, language: str) -> str:
	"""A text with its digits in those that the language uses."""
	return text.translate(_PERSIAN_DIGITS) if language == "fa" else text


_FISCAL = re.compile(r"fiscal:(\d{1,2})-(\d{1,2})")


def calendar_named(text: str, week_start: Weekday | None = None) -> Calendar:
	"""The calendar that a text names: `gregorian`, `jalali` or `fiscal:MM-DD`."""
	if text == "gregorian":
		return Calendar(week_start=week_start or Weekday.MONDAY)
	if text == "jalali":
		return Calendar("jalali", week_start=week_start or Weekday.SATURDAY)
	match = _FISCAL.fullmatch(text)
	if match:
		month, day = int(match.group(1)), int(match.group(2))
		if 1 <= month <= 12 and 1 <= day <= gregorian.monthrange(2024, month)[1]:
			return replace(Calendar("fiscal", month, day), week_start=week_start or Weekday.MONDAY)
	raise InputError(
		"There is no calendar {text}: write gregorian, jalali, or fiscal:MM-DD with the day on which the fiscal year "
		"begins, such as fiscal:04-01.",
		text=repr(text),
	)
