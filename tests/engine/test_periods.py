"""Calendars: where periods begin, how a range cuts them off, and which one comes before."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_kpi.errors import InputError
from sales_kpi.periods import Calendar, Every, Period, Weekday, calendar_named

GREGORIAN, JALALI = calendar_named("gregorian"), calendar_named("jalali")
DAYS = st.dates(date(1980, 1, 1), date(2098, 12, 31))
PROPER = [every for every in Every if every is not Every.RANGE]
CALENDARS = st.sampled_from(
	[
		GREGORIAN,
		JALALI,
		calendar_named("fiscal:04-01"),
		calendar_named("fiscal:07-16"),
		calendar_named("fiscal:01-31"),
		calendar_named("fiscal:02-29"),
		calendar_named("jalali", Weekday.SUNDAY),
	]
)


def days(text: str) -> date:
	return date.fromisoformat(text)


def span(period: Period) -> tuple[str, str]:
	"""First and last day, as text."""
	return period.start.isoformat(), period.last_day.isoformat()


@pytest.mark.parametrize(
	("every", "first", "last"),
	[
		(Every.DAY, "2024-02-29", "2024-02-29"),
		(Every.WEEK, "2024-02-26", "2024-03-03"),
		(Every.MONTH, "2024-02-01", "2024-02-29"),
		(Every.QUARTER, "2024-01-01", "2024-03-31"),
		(Every.YEAR, "2024-01-01", "2024-12-31"),
	],
)
def test_gregorian(every: Every, first: str, last: str) -> None:
	assert span(GREGORIAN.period(date(2024, 2, 29), every)) == (first, last)


@pytest.mark.parametrize(
	("name", "every", "day", "first", "last"),
	[
		("fiscal:04-01", Every.YEAR, "2025-03-31", "2024-04-01", "2025-03-31"),
		("fiscal:04-01", Every.YEAR, "2025-04-01", "2025-04-01", "2026-03-31"),
		("fiscal:04-01", Every.QUARTER, "2025-01-15", "2025-01-01", "2025-03-31"),
		("fiscal:02-01", Every.QUARTER, "2025-01-15", "2024-11-01", "2025-01-31"),
		("fiscal:07-16", Every.YEAR, "2025-07-15", "2024-07-16", "2025-07-15"),
		("fiscal:07-16", Every.MONTH, "2025-07-15", "2025-06-16", "2025-07-15"),
		("fiscal:07-16", Every.MONTH, "2025-07-16", "2025-07-16", "2025-08-15"),
		("fiscal:01-31", Every.MONTH, "2025-02-27", "2025-01-31", "2025-02-27"),
		("fiscal:01-31", Every.MONTH, "2025-02-28", "2025-02-28", "2025-03-30"),
		("fiscal:02-29", Every.YEAR, "2024-02-29", "2024-02-29", "2025-02-27"),
		("fiscal:02-29", Every.YEAR, "2025-02-28", "2025-02-28", "2026-02-27"),
	],
)
def test_fiscal(name: str, every: Every, day: str, first: str, last: str) -> None:
	"""A fiscal year begins on any day, and so do its months and quarters."""
	assert span(calendar_named(name).period(days(day), every)) == (first, last)


def test_jalali_goldens() -> None:
	"""Month starts of 1404; its first quarter has 93 days; 1403 is a leap year."""
	starts = [
		period.start.isoformat()
		for period in JALALI.periods(days("2025-03-21"), days("2026-03-20"), Every.MONTH)
	]
	assert starts == [
		"2025-03-21",
		"2025-04-21",
		"2025-05-22",
		"2025-06-22",
		"2025-07-23",
		"2025-08-23",
		"2025-09-23",
		"2025-10-23",
		"2025-11-22",
		"2025-12-22",
		"2026-01-21",
		"2026-02-20",
	]
	quarter = JALALI.period(days("2025-05-01"), Every.QUARTER)
	assert (*span(quarter), quarter.days) == ("2025-03-21", "2025-06-21", 93)
	assert JALALI.period(days("2025-05-01"), Every.YEAR).days == 365
	leap = JALALI.period(days("2024-12-30"), Every.YEAR)
	assert (*span(leap), leap.days) == ("2024-03-20", "2025-03-20", 366)


@pytest.mark.parametrize(
	("calendar", "first"),
	[
		(GREGORIAN, "2025-06-02"),
		(JALALI, "2025-05-31"),
		(calendar_named("gregorian", Weekday.SUNDAY), "2025-06-01"),
		(calendar_named("gregorian", Weekday.SATURDAY), "2025-05-31"),
		(calendar_named("jalali", Weekday.MONDAY), "2025-06-02"),
	],
)
def test_week_starts(calendar: Calendar, first: str) -> None:
	"""The week of Wednesday, 4 June 2025: Monday by default, in Jalali Saturday."""
	assert calendar.period(days("2025-06-04"), Every.WEEK).start == days(first)


def test_clipping() -> None:
	"""A period that the range cuts off keeps the days inside, and knows what it was part of."""
	cut, whole, last = GREGORIAN.periods(days("2025-01-15"), days("2025-03-01"), Every.MONTH)
	assert [span(period) for period in (cut, whole, last)] == [
		("2025-01-15", "2025-01-31"),
		("2025-02-01", "2025-02-28"),
		("2025-03-01", "2025-03-01"),
	]
	assert [period.is_whole for period in (cut, whole, last)] == [False, True, False]
	assert cut.whole is not None
	assert span(cut.whole) == ("2025-01-01", "2025-01-31")
	assert days("2025-01-31") in cut
	assert days("2025-02-01") not in cut
	assert days("2025-01-14") not in cut


def test_a_range_is_one_whole_period() -> None:
	(period,) = GREGORIAN.periods(days("2025-01-15"), days("2025-03-01"), Every.RANGE)
	assert span(period) == ("2025-01-15", "2025-03-01")
	assert period.is_whole
	with pytest.raises(InputError, match="empty"):
		GREGORIAN.periods(days("2025-03-02"), days("2025-03-01"), Every.MONTH)


@pytest.mark.parametrize(
	("calendar", "every", "of", "first", "last"),
	[
		(GREGORIAN, Every.MONTH, "2025-03-10", "2025-02-01", "2025-02-28"),
		(GREGORIAN, Every.QUARTER, "2025-01-01", "2024-10-01", "2024-12-31"),
		(GREGORIAN, Every.YEAR, "2025-01-01", "2024-01-01", "2024-12-31"),
		(GREGORIAN, Every.WEEK, "2025-01-01", "2024-12-23", "2024-12-29"),
		(JALALI, Every.MONTH, "2025-03-21", "2025-02-19", "2025-03-20"),
		(JALALI, Every.QUARTER, "2025-03-21", "2024-12-21", "2025-03-20"),
	],
)
def test_previous(calendar: Calendar, every: Every, of: str, first: str, last: str) -> None:
	"""The previous period is the one before in the calendar, whatever its length."""
	assert span(calendar.previous(calendar.period(days(of), every), every)) == (first, last)


def test_previous_of_a_cut_off_period_is_whole() -> None:
	cut = GREGORIAN.periods(days("2025-03-10"), days("2025-03-20"), Every.MONTH)[0]
	assert span(GREGORIAN.previous(cut, Every.MONTH)) == ("2025-02-01", "2025-02-28")


@pytest.mark.parametrize(
	("first", "last", "before"),
	[
		("2025-01-01", "2025-06-30", ("2024-07-01", "2024-12-31")),
		("2025-03-01", "2025-03-31", ("2025-02-01", "2025-02-28")),
		("2025-03-10", "2025-03-19", ("2025-02-28", "2025-03-09")),
	],
)
def test_previous_of_a_range(first: str, last: str, before: tuple[str, str]) -> None:
	"""Whole months are preceded by as many months, other ranges by as many days."""
	(period,) = GREGORIAN.periods(days(first), days(last), Every.RANGE)
	assert span(GREGORIAN.previous(period, Every.RANGE)) == before


@given(calendar=CALENDARS, day=DAYS, every=st.sampled_from(PROPER))
def test_periods_tile_the_days(calendar: Calendar, day: date, every: Every) -> None:
	"""Every day lies in exactly one period: the next begins where this ends, and `previous` is the way back."""
	period = calendar.period(day, every)
	assert day in period
	assert calendar.period(period.start, every) == calendar.period(period.last_day, every) == period
	following = calendar.period(period.end, every)
	assert following.start == period.end
	assert calendar.previous(following, every) == period


@given(
	calendar=CALENDARS, day=DAYS, length=st.integers(0, 800), every=st.sampled_from([*PROPER, Every.RANGE])
)
def test_a_range_is_covered_once(calendar: Calendar, day: date, length: int, every: Every) -> None:
	"""The periods of a range follow one another, from its first day to its last, and only the ends are cut off."""
	if every is Every.DAY:
		length = min(length, 60)
	last = day + timedelta(days=length)
	periods = calendar.periods(day, last, every)
	assert periods[0].start == day
	assert periods[-1].last_day == last
	assert all(one.end == other.start for one, other in itertools.pairwise(periods))
	assert all(period.is_whole for period in periods[1:-1])


@pytest.mark.parametrize("name", ["", "julian", "fiscal:13-01", "fiscal:02-30", "fiscal:4", "fiscal:00-01"])
def test_unknown_calendars(name: str) -> None:
	with pytest.raises(InputError, match="no calendar"):
		calendar_named(name)


@pytest.mark.parametrize(
	("calendar", "every", "language", "label"),
	[
		(GREGORIAN, Every.MONTH, "en", "June 2026"),
		(GREGORIAN, Every.QUARTER, "en", "Q2 2026"),
		(GREGORIAN, Every.YEAR, "en", "2026"),
		(GREGORIAN, Every.WEEK, "en", "2026-06-01 – 2026-06-07"),
		(JALALI, Every.MONTH, "fa", "خرداد ۱۴۰۵"),
		(JALALI, Every.MONTH, "en", "Khordad 1405"),
		(calendar_named("fiscal:04-01"), Every.YEAR, "en", "2026/27"),
		(calendar_named("fiscal:04-01"), Every.QUARTER, "en", "Q1 2026/27"),
	],
)
def test_labels(calendar: Calendar, every: Every, language: str, label: str) -> None:
	"""Names of the period of 4 June 2026."""
	assert calendar.label(calendar.period(date(2026, 6, 4), every), every, language) == label
