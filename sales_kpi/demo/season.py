"""When things happen: working days, the week's and the year's rhythm, growth, the stories' courses.

Days are whole numbers counted from the company's first day (0); a day that never comes is `NEVER`.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sales_kpi.demo.company import DemoCompany

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = int(np.iinfo(np.int64).min)

_WEEK = [1.0, 1.1, 1.15, 1.05, 0.8, 0.0, 0.0]
_YEAR = [0.78, 0.85, 1.15, 1.25, 1.1, 1.0, 0.8, 0.68, 1.0, 1.05, 1.1, 1.4]
_HOLIDAYS = ((1, 1), (5, 1), (12, 25), (12, 26))

SLIP_DAYS = 243  # the slipping salesperson's decline: the last eight months
EXHIBITION_DAYS = 304  # the failing channel: the last ten months
LEAVE_DAYS = 300  # the leaver's last day, before the end


def is_holiday(day: date) -> bool:
	"""Whether nobody works on that day for a public holiday."""
	return (day.month, day.day) in _HOLIDAYS


class Season:
	"""The calendar of one company."""

	def __init__(self, company: DemoCompany) -> None:
		"""Weigh each day from the company's first to its last."""
		self.days = company.days
		self.first = np.datetime64(company.start, "D")
		self.young = company.young
		# Beyond the end, so that what would happen later can be dated and then left out.
		dates = [company.start + timedelta(days=i) for i in range(self.days + 800)]
		working = np.array([day.weekday() < 5 and not is_holiday(day) for day in dates])
		positions = np.arange(len(dates))
		self._workdays = np.flatnonzero(working)
		self._next_working = np.minimum.accumulate(np.where(working, positions, len(dates) - 1)[::-1])[::-1]
		weights = []
		for i, day in enumerate(dates[: self.days]):
			closing = 1.35 if (day + timedelta(days=4)).month != day.month else 1.0
			growth = 1.0 + 0.008 * i / 30.4
			weights.append(_WEEK[day.weekday()] * _YEAR[day.month - 1] * closing * growth * working[i])
		self.sales_weights = np.array(weights)
		if not self.sales_weights.any():
			raise ValueError("There is no working day between start and until")
		self._sales = np.concatenate([[0.0], np.cumsum(self.sales_weights)])
		# Leads also come on weekends, and follow the seasons less.
		leads = np.where(working[: self.days], 1.0, 0.15) * (1.0 + 0.006 * positions[: self.days] / 30.4)
		leads *= np.array([0.5 + 0.5 * _YEAR[day.month - 1] for day in dates[: self.days]])
		self._leads = np.concatenate([[0.0], np.cumsum(leads)])

	def sales_days(self, rng: np.random.Generator, low: Ints, high: Ints) -> Ints:
		"""One working day per pair, low ≤ day ≤ high, drawn by the sales season."""
		return self._draw(rng, self._sales, low, high)

	def lead_days(self, rng: np.random.Generator, count: int) -> Ints:
		"""`count` days on which leads come in, ascending."""
		low = np.zeros(count, dtype=np.int64)
		return np.sort(self._draw(rng, self._leads, low, low + self.days - 1))

	def working(self, days: Ints) -> Ints:
		"""The day itself, or the next working day after a weekend or holiday (perhaps after the end)."""
		found: Ints = self._next_working[np.clip(days, 0, len(self._next_working) - 1)].astype(np.int64)
		return found

	def later(self, days: Ints, lag: Ints) -> Ints:
		"""The working day about `lag` calendar days after the given ones (before, where negative).

		Counted in working days, so that Mondays don't collect what would fall on weekends.
		"""
		steps = np.round(lag * 5.0 / 7.0).astype(np.int64)
		at = np.searchsorted(self._workdays, days) + steps
		found: Ints = self._workdays[np.clip(at, 0, len(self._workdays) - 1)].astype(np.int64)
		return found

	def selling_time(self, low: Ints, high: Ints) -> Floats:
		"""How much selling season lies between two days (both included)."""
		high = np.clip(high, 0, self.days - 1)
		between: Floats = np.maximum(self._sales[high + 1] - self._sales[np.clip(low, 0, self.days - 1)], 0.0)
		return between

	def dates(self, days: Ints) -> NDArray[np.datetime64]:
		"""Calendar dates of days; NaT for NEVER."""
		return np.where(days == NEVER, np.datetime64("NaT"), self.first + days)

	def month_starts(self) -> list[int]:
		"""The first day of each month with records."""
		all_days = self.first + np.arange(self.days)
		months = all_days.astype("datetime64[M]")
		return [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist()]

	def slipping(self, days: Ints) -> Floats:
		"""How much of their former strength the slipping salesperson still has on these days (1 … 0.35)."""
		if self.young:
			return np.ones(len(days))
		since = days - (self.days - SLIP_DAYS)
		return np.clip(1.0 - 0.65 * since / 150.0, 0.35, 1.0)

	def exhibition_volume(self, days: Ints) -> Floats:
		"""How many times more leads exhibitions bring: 1, then twice as many within two months."""
		if self.young:
			return np.ones(len(days))
		return 1.0 + np.clip((days - (self.days - EXHIBITION_DAYS)) / 60.0, 0.0, 1.0) * 1.1

	def exhibition_conversion(self, days: Ints) -> Floats:
		"""How well exhibition leads convert, relative to before (1 … 0.15)."""
		if self.young:
			return np.ones(len(days))
		return np.clip(1.0 - 0.85 * (days - (self.days - EXHIBITION_DAYS)) / 200.0, 0.15, 1.0)

	def _draw(self, rng: np.random.Generator, cumulated: Floats, low: Ints, high: Ints) -> Ints:
		"""Draw days between low and high with the probabilities whose running sum is given."""
		bottom = cumulated[np.clip(low, 0, self.days - 1)]
		top = cumulated[np.clip(high, 0, self.days - 1) + 1]
		# A range without any working day: start from the last working day before it.
		at = bottom + rng.random(len(low)) * (top - bottom)
		found = np.searchsorted(cumulated, at, side="right") - 1
		last = int(np.flatnonzero(np.diff(cumulated) > 0)[-1])
		return np.minimum(found, last).astype(np.int64)
