"""How long things take while some have not come to an end yet, shares with their intervals, and cases told apart by scope.

Whoever counts only what has ended takes things to be faster, and rates to be lower, than they are: what began lately has
had time for quick ends alone. A case that is still open is *censored*: known to have lasted so long, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sales_kpi.analysis.inquiry import LEAF, Inquiry
from sales_kpi.analysis.outcome import Cell, Column, Kind
from sales_kpi.analysis.sums import weighted_quantiles
from sales_kpi.analysis.values import Scope
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.reading import Span
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, Period

if TYPE_CHECKING:
	import numpy as np
	import numpy.typing as npt
	import pandas as pd

	Numbers = npt.NDArray[np.float64]

LINES = 6
"""So many scopes are drawn beside one another."""

FEW = 10
"""Fewer cases than these are too few to judge by."""

CONFIDENCE = 0.95
"""What part of all such intervals hold the true value."""

TOO_FEW = "too few to judge"
"""What stands beside figures that rest on too few cases."""

_DUST = 1e-9


# Shares


@dataclass(frozen=True)
class Interval:
	"""Between which two shares the true one lies, with the confidence that was asked for."""

	low: float
	high: float


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> Interval | None:
	"""Wilson's score interval of a share of `n` cases; None without any. Source: golden G3 of the field survey.

	Raises InputError for more successes than cases, or fewer than none.
	"""
	from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

	if not n > 0:
		return None
	if not -_DUST <= successes <= n * (1 + _DUST):
		raise InputError(f"{successes:g} of {n:g} is no share.")
	successes = min(max(successes, 0.0), n)
	low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
	return Interval(max(float(low), 0.0), min(float(high), 1.0))


# Time until an end


@dataclass(frozen=True, eq=False)
class Curve:
	"""The share of all cases that have come to an end of one kind, by the days that they took.

	days: on which there was such an end, ascending. share: by each of them. variance: of that share. cases: how many
	there were. waiting: for how many days those that are still open have been followed, ascending. followed: up to which
	day the curve is known: as long as the longest open case, for ever where none outlasts all that have ended.
	"""

	days: Numbers
	share: Numbers
	variance: Numbers
	cases: int
	waiting: Numbers
	followed: float

	def by(self, day: float) -> float | None:
		"""The share that has ended by a day; None where nobody has been followed that long."""
		import numpy as np

		if self.cases == 0 or day > self.followed:
			return None
		place = int(np.searchsorted(self.days, day, side="right"))
		return float(self.share[place - 1]) if place else 0.0

	def interval(self, day: float) -> Interval | None:
		"""Wilson's interval of `by(day)` for as many cases as give a share its variance where none is censored.

		Where nothing is censored it is just Wilson's. A share of 0 or 1 has no variance: it stands on the cases of which it
		is known how they stood on that day. Source: Rothman, Estimation of confidence limits for the cumulative probability
		of survival in life table analysis, Journal of Chronic Diseases 31 (1978).
		"""
		import numpy as np

		share = self.by(day)
		if share is None:
			return None
		place = int(np.searchsorted(self.days, day, side="right"))
		variance = float(self.variance[place - 1]) if place else 0.0
		if variance > 0 and 0 < share < 1:
			n = share * (1 - share) / variance
		else:
			n = float(self.cases - np.searchsorted(self.waiting, day, side="left"))
		return wilson(min(share, 1.0) * n, n)

	def end(self) -> float | None:
		"""The share at the end of what is known."""
		if self.cases == 0:
			return None
		return float(self.share[-1]) if len(self.share) else 0.0

	def quantile(self, at: float) -> float | None:
		"""The first day by which the share `at` of all cases has ended, None if it never has.

		Where the share is reached exactly: the mean of that day and the next one, as a median is.
		"""
		import numpy as np

		reached = np.flatnonzero(self.share >= at - _DUST)
		if not len(reached):
			return None
		place = int(reached[0])
		exact = abs(float(self.share[place]) - at) <= _DUST and place + 1 < len(self.days)
		return float(self.days[place : place + 2].mean()) if exact else float(self.days[place])

	def half_of_the_ended(self) -> float | None:
		"""The median of the days that those took that ended so, as it is once the open ones have: half of the curve's end.

		None if none has. Where nothing is censored it is the plain median of their days.
		"""
		end = self.end()
		return self.quantile(end / 2) if end else None


def kaplan_meier(days: Any, ended: Any) -> Curve:
	"""The share of all cases that have ended, by Kaplan and Meier, with Greenwood's variance.

	days: that each case took, or has lasted so far, 0 or more. ended: whether it has come to its end.
	Source: golden G4 of the field survey; `statsmodels.duration.survfunc.SurvfuncRight`.
	"""
	import numpy as np
	from statsmodels.duration.survfunc import SurvfuncRight  # type: ignore[import-untyped]

	time, status = _cases(days, ended)
	status = (status > 0).astype(int)
	if not status.any():
		return Curve(np.zeros(0), np.zeros(0), np.zeros(0), len(time), np.sort(time), _followed(time, status))
	found = SurvfuncRight(time, status)
	return Curve(
		np.asarray(found.surv_times, dtype=float),
		1 - np.asarray(found.surv_prob, dtype=float),
		np.nan_to_num(np.asarray(found.surv_prob_se, dtype=float)) ** 2,
		len(time),
		np.sort(time[status == 0]),
		_followed(time, status),
	)


def aalen_johansen(days: Any, outcome: Any, of: int = 1) -> Curve:
	"""The share of all cases that have ended in one way, where other ways compete with it: the cumulative incidence.

	days: that each case took, or has lasted so far, 0 or more. outcome: 0 for a case that is still open, else in which way
	it ended, from 1 on. of: the way that is asked for. The variance is that of the delta method (Dinse and Larson, A note
	on semi-Markov models for partially censored data, Biometrika 73, 1986), as in `CumIncidenceRight` of statsmodels,
	which has none from the day on that nobody outlasts. Source: golden G2 of the field survey.
	"""
	import numpy as np

	time, outcomes = _cases(days, outcome)
	moments, place = np.unique(time, return_inverse=True)
	at_risk = (len(time) - np.searchsorted(np.sort(time), moments, side="left")).astype(float)
	all_ends = np.bincount(place, weights=outcomes > 0, minlength=len(moments))
	ends = np.bincount(place, weights=outcomes == of, minlength=len(moments))
	# Whoever is at risk and doesn't end goes on; before the first moment that is everybody.
	surviving = np.cumprod(1 - all_ends / at_risk)
	before = np.concatenate(([1.0], surviving[:-1])) if len(moments) else surviving
	share = np.minimum(np.cumsum(before * ends / at_risk), 1.0)
	outlasts = at_risk > all_ends
	hazard = np.where(outlasts, all_ends / np.where(outlasts, at_risk * (at_risk - all_ends), 1.0), 0.0)
	variance = share**2 * np.cumsum(hazard) - 2 * share * np.cumsum(share * hazard)
	variance += np.cumsum(share**2 * hazard)
	variance += np.cumsum(before**2 * (at_risk - ends) * ends / at_risk**3)
	step = before * ends / at_risk**2
	variance += 2 * np.cumsum(share * step) - 2 * share * np.cumsum(step)
	told = ends > 0
	return Curve(
		moments[told],
		share[told],
		np.maximum(variance[told], 0.0),
		len(time),
		np.sort(time[outcomes == 0]),
		_followed(time, outcomes),
	)


def _cases(days: Any, outcome: Any) -> tuple[Any, Any]:
	import numpy as np

	time, outcomes = np.asarray(days, dtype=float), np.asarray(outcome, dtype=int)
	if len(time) != len(outcomes):
		raise InputError(f"There are {len(time)} durations, but {len(outcomes)} outcomes.")
	if len(time) and not (np.isfinite(time).all() and time.min() >= 0):
		raise InputError("A duration must be 0 days or more.")
	if len(outcomes) and outcomes.min() < 0:
		raise InputError("An outcome must be 0 for a case that is open, or the number of a way to end.")
	return time, outcomes


def _followed(time: Any, outcomes: Any) -> float:
	"""Up to which day a curve is known."""
	if not len(time):
		return 0.0
	longest = float(time.max())
	return longest if (outcomes[time == longest] == 0).any() else math.inf


# Distributions


def quantile(values: Any, at: float, weights: Any = None) -> float | None:
	"""A quantile of values, linear between two of them (type 7); None without any. Source: golden G4 of the field survey.

	weights: where they differ, as where credit is shared, the value at which the cumulated weight reaches the share, as in
	the definitions' weighted median. For a median of equal weights both are the same.
	"""
	import numpy as np

	numbers = np.asarray(values, dtype=float)
	if weights is not None:
		shares = np.asarray(weights, dtype=float)
		numbers, shares = numbers[shares > _DUST], shares[shares > _DUST]
		if len(numbers) and np.ptp(shares) > _DUST * shares.max():
			found, _ = weighted_quantiles(np.zeros(len(numbers), dtype=int), numbers, shares, at, 1)
			return float(found[0])
	return float(np.quantile(numbers, at)) if len(numbers) else None


# Cases


def fates(inquiry: Inquiry, begun: str, ends: Mapping[int, str]) -> pd.DataFrame:
	"""What has become of all that began in an inquiry's days, one row for each document, in their order.

	begun: the fact that tells what began. ends: the facts that tell its ends, by their numbers from 1 on.
	Columns: `begun`, `sales_person`, `territory`, `source` as it began; `outcome`, 0 while it is open, and `days` until its
	end or the day of reading; `estimated`: 1 where the day of its end is estimated. Whoever had it later, its end is its
	end: rates are shares of the same cases throughout.
	"""
	import numpy as np
	import pandas as pd

	span = Span(inquiry.first, inquiry.last)
	rows = inquiry.rows(begun, day=span).drop_duplicates("document").set_index("document").sort_index()
	frame = rows[["sales_person", "territory", "source"]].copy()
	frame["begun"] = rows["day"]
	frame["outcome"], frame["estimated"] = 0, 0.0
	ended = pd.Series(np.datetime64(inquiry.as_of, "ns"), index=frame.index)
	anyone = replace(inquiry, reading=inquiry.reading.narrowed(only={}))
	for outcome, fact in ends.items():
		told = anyone.rows(fact, since=span).drop_duplicates("document").set_index("document")
		mine = frame.index.intersection(told.index)
		frame.loc[mine, "outcome"] = outcome
		frame.loc[mine, "estimated"] = (told.loc[mine, "estimated"] > 0).astype(float)
		ended.loc[mine] = told.loc[mine, "day"]
	frame["days"] = (ended - frame["begun"]).dt.days.clip(lower=0).astype(float)
	return frame


# Scopes


def told_apart(inquiry: Inquiry, frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
	"""The rows of each scope that an inquiry tells apart, with the scope's name, in the order of the masters.

	frame: has the columns of LEAF. Not told apart, they are all of them, under the name of whose they are, if there
	are any or not; other scopes are only told where they have rows. A team or territory of which only a part may be seen, or was asked for, isn't told, because
	its figures would be those of the part. '' is whatever is nobody's, or from nowhere, last.
	"""
	if inquiry.by is By.COMPANY:
		yield inquiry.scope or inquiry.company, frame
		return
	leaf = LEAF[inquiry.by]
	allowed = inquiry.reading.only.get(leaf)
	rows = frame.groupby(leaf, sort=True).indices
	for scope in _scopes(inquiry, sorted(str(name) for name in rows)):
		if allowed is not None and len(scope.leaves) > 1 and not set(scope.leaves) <= set(allowed):
			continue
		places = sorted(place for name in set(scope.leaves) if name in rows for place in rows[name])
		if places:
			yield scope.name, frame.iloc[places]


def _scopes(inquiry: Inquiry, found: Sequence[str]) -> list[Scope]:
	if inquiry.sight is not None:
		return list(inquiry.sight.scopes)
	masters = inquiry.masters
	people, territories = masters.salespeople, masters.territories
	if inquiry.by is By.TEAM:
		return [
			Scope(node.name, tuple(masters.members(people, node.name)))
			for node in people.values()
			if node.is_group
		]
	known = {By.TERRITORY: list(territories), By.SOURCE: list(masters.channels)}.get(inquiry.by, list(people))
	others = [name for name in found if name and name not in set(known)]
	scopes = [
		Scope(name, tuple(masters.members(territories, name)) if inquiry.by is By.TERRITORY else (name,))
		for name in known
	]
	return [*scopes, *(Scope(name, (name,)) for name in [*others, ""])]


SCOPE_COLUMNS: Mapping[By, Column] = {
	By.COMPANY: Column("scope", "Company", Kind.NAME, "Company"),
	By.SALES_PERSON: Column("scope", "Salesperson", Kind.NAME, "Sales Person"),
	By.TEAM: Column("scope", "Team", Kind.NAME, "Sales Person"),
	By.TERRITORY: Column("scope", "Territory", Kind.NAME, "Territory"),
	By.SOURCE: Column("scope", "Source", Kind.NAME),
}
"""What heads a column of scopes."""


def scope_column(inquiry: Inquiry) -> Column:
	"""The column of the scopes that an inquiry tells apart, or of the only one that it is about."""
	return SCOPE_COLUMNS[inquiry.scope_by if inquiry.by is By.COMPANY else inquiry.by]


def period_column(inquiry: Inquiry, name: str, title: str) -> Column:
	"""A column of periods, each by its first day; a range is no period of a calendar, and has just that day."""
	return Column(name, title, Kind.DAY if inquiry.every is Every.RANGE else Kind.PERIOD)


def by_period(inquiry: Inquiry, frame: pd.DataFrame, column: str) -> Iterator[tuple[Period, pd.DataFrame]]:
	"""The rows of each period that has begun by the day of reading, by the day in a column; there may be none."""
	import numpy as np

	days = frame[column].to_numpy().astype("datetime64[D]")
	for period in inquiry.periods():
		if period.start > inquiry.as_of:
			return
		start, end = np.datetime64(period.start, "D"), np.datetime64(period.end, "D")
		yield period, frame[(days >= start) & (days < end)]


T = TypeVar("T")


def largest(found: Sequence[tuple[str, T]], size: Callable[[T], float]) -> list[tuple[str, T]]:
	"""Of what was found for some scopes the LINES largest, which a chart can draw beside one another, in their order."""
	places = sorted(range(len(found)), key=lambda place: (-size(found[place][1]), found[place][0]))
	return [found[place] for place in sorted(places[:LINES])]


# Questions and answers


def choices(inquiry: Inquiry, **known: Sequence[str]) -> Mapping[str, str]:
	"""What an inquiry's options say: of each option the first of its choices where it says nothing.

	Raises InputError for an option or a choice that isn't known.
	"""
	for name in inquiry.options:
		if name not in known:
			raise InputError(
				"There is no option {name}: there is {known}.", name=repr(name), known=", ".join(known)
			)
	said = {name: inquiry.options.get(name) or words[0] for name, words in known.items()}
	for name, word in said.items():
		if word not in known[name]:
			raise InputError(
				"There is no {name} {word}: choose {known}.",
				name=name,
				word=repr(word),
				known=" or ".join(known[name]),
			)
	return said


def rounded(number: float | None) -> float | None:
	"""A figure without the dust of floats, None where there is none."""
	return None if number is None or not math.isfinite(number) else float(f"{number:.12g}") + 0.0


def sample(n: float) -> Cell:
	"""What stands beside figures of so many cases: a word where they are too few to judge by."""
	return TOO_FEW if n < FEW else None
