"""What the open and the next periods will bring: exponential smoothing that has to prove itself, and the pipeline beside it.

Each series is forecast as if from earlier days on, again and again; a model is only shown where it would have been better than
to repeat what was there a season ago. What the errors were tells how wide the intervals are.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from pypika.functions import Sum

from sales_kpi import catalogue
from sales_kpi.analysis.inquiry import LEAF, Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Series, Shape
from sales_kpi.analysis.sums import as_days
from sales_kpi.analysis.survival import (
	FEW,
	Curve,
	aalen_johansen,
	choices,
	fates,
	kaplan_meier,
	largest,
	rounded,
	scope_column,
	told_apart,
)
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Period

if TYPE_CHECKING:
	import pandas as pd

MEASURES: Mapping[str, tuple[str, ...]] = {"sales_volume": ("sale", "credit_note"), "bookings": ("order",)}
"""The facts that each measure is the sum of, as the KPIs of these names."""

VIEWS = ("forecast", "kept", "accuracy")

HORIZON, FURTHEST = 3, 24
"""So many periods are forecast unless said otherwise, and at most."""

SEASONS: Mapping[Every, int] = {
	Every.DAY: 7,
	Every.WEEK: 52,
	Every.MONTH: 12,
	Every.QUARTER: 4,
	Every.YEAR: 1,
}
"""After how many periods a season begins again."""

SMOOTHED = 10
"""So many values it takes to begin smoothing."""

LONGEST_SEASON = 24
"""Longer seasons have too many parts to be smoothed one by one."""

LEAST_ORIGINS, MOST_ORIGINS = 6, 12
"""From how many earlier days on forecasts are tried, at least and at most."""

REFITTED = 6
"""After so many of them the parameters are looked for anew; the states are always."""

INSIDE = 0.8
"""What part of all intervals hold what comes."""

SHARES_OF = 12
"""From so many earlier periods it is learned what part of one is done by a day."""

NAIVE = "as a season ago"
LEVEL, DAMPED = "smoothed level", "smoothed with damped trend"
SEASONAL, SEASONAL_DAMPED = "smoothed with season", "smoothed with season and damped trend"
PROPORTIONAL = "smoothed with season in proportion and damped trend"
COMBINED = "mean of the smoothed"

ACTUAL, SO_FAR, AHEAD = "actual", "so far", "forecast"

_LEAST_SMOOTHED = 1e-4
"""How near a smoothing parameter comes to 0 and 1."""

_MODELS: Mapping[str, Mapping[str, Any]] = {
	LEVEL: {},
	DAMPED: {"trend": "add", "damped_trend": True},
	SEASONAL: {"seasonal": "add"},
	SEASONAL_DAMPED: {"trend": "add", "damped_trend": True, "seasonal": "add"},
	PROPORTIONAL: {"trend": "add", "damped_trend": True, "seasonal": "mul"},
}


# Accuracy


@dataclass(frozen=True)
class Accuracy:
	"""How far forecasts were off.

	n: how many. mae: mean absolute error, rmse: root of the mean square, in the unit. wape: the sum of absolute errors over
	that of actual values, bias: the sum of errors over it; above 0 is too much. mase: mae over that of repeating the value of a
	season ago within the history. None where there is nothing to divide by.
	"""

	n: int
	mae: float
	rmse: float
	wape: float | None
	bias: float | None
	mase: float | None


def accuracy(
	forecast: Sequence[float], actual: Sequence[float], history: Sequence[float] = (), season: int = 1
) -> Accuracy:
	"""How far forecasts were off what came. history: before the first of them, for `mase`, that repeats after `season`.

	Source: golden G22 of the field survey; Hyndman and Koehler, Another look at measures of forecast accuracy, International
	Journal of Forecasting 22 (2006). Raises InputError where they aren't as many, or none.
	"""
	if len(forecast) != len(actual) or not len(actual):
		raise InputError(f"{len(forecast)} forecasts can't be compared with {len(actual)} values.")
	errors = [float(one) - float(other) for one, other in zip(forecast, actual)]
	mae = math.fsum(abs(error) for error in errors) / len(errors)
	whole = math.fsum(abs(float(value)) for value in actual)
	steps = [
		abs(float(history[place]) - float(history[place - season])) for place in range(season, len(history))
	]
	usual = math.fsum(steps) / len(steps) if steps else 0.0
	return Accuracy(
		n=len(errors),
		mae=mae,
		rmse=math.sqrt(math.fsum(error * error for error in errors) / len(errors)),
		wape=mae * len(errors) / whole if whole > 0 else None,
		bias=math.fsum(errors) / whole if whole > 0 else None,
		mase=mae / usual if usual > 0 else None,
	)


# Models


def seasonal_naive(values: Sequence[float], season: int, horizon: int) -> list[float]:
	"""The values of the last season, repeated; there must be a whole one."""
	if len(values) < season:
		raise InputError(f"To repeat a season of {season} it takes as many values, not {len(values)}.")
	last = [float(value) for value in values[len(values) - season :]]
	return [last[ahead % season] for ahead in range(horizon)]


def smoothing(
	model: str, values: Sequence[float], season: int, parameters: Any = None
) -> tuple[Callable[[int], list[float]], Any] | None:
	"""Exponential smoothing of values by one of the models, with additive errors: what forecasts so many, and the parameters.

	parameters: to take instead of the most likely ones. None where these can't be found: where the search doesn't arrive,
	what it stopped at is no model. Source: `statsmodels.tsa.exponential_smoothing.ets.ETSModel`.
	"""
	import numpy as np
	from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # type: ignore[import-untyped]

	numbers = np.asarray(values, dtype=float)
	scale = float(np.abs(numbers).mean())
	if scale <= 0 or np.ptp(numbers) <= 1e-9 * scale:
		return None
	options = dict(_MODELS[model])
	if "seasonal" in options:
		options["seasonal_periods"] = season
	with warnings.catch_warnings():
		# What can't be computed with some parameters has no likelihood, which is looked at.
		warnings.simplefilter("ignore")
		try:
			made = ETSModel(numbers / scale, error="add", initialization_method="heuristic", **options)
			if parameters is None:
				parameters = _most_likely(made, options)
			if parameters is None:
				return None
			ahead = np.asarray(made.smooth(parameters).forecast(FURTHEST), dtype=float) * scale
		except (ValueError, ArithmeticError, np.linalg.LinAlgError):
			return None
	if not np.isfinite(ahead).all():
		return None
	return (lambda horizon: [float(value) for value in ahead[:horizon]]), parameters


def _most_likely(made: Any, options: Mapping[str, Any]) -> Any:
	"""The most likely parameters of a model, within their usual bounds; None where the search doesn't arrive.

	By Nelder and Mead: the model's own search (L-BFGS) is spread over all cores of the machine for a matrix of a few rows, and
	takes ten times as long where these are busy.
	"""
	import numpy as np
	from scipy.optimize import minimize  # type: ignore[import-untyped]
	from scipy.special import expit  # type: ignore[import-untyped]

	has_trend, has_season = "trend" in options, "seasonal" in options

	def named(free: Any) -> Any:
		"""Level α, trend β < α, season γ < 1 − α, and damping from 0.8 to 0.98, of numbers without bounds."""
		shares = _LEAST_SMOOTHED + (1 - 2 * _LEAST_SMOOTHED) * expit(free)
		level = shares[0]
		told = [level]
		if has_trend:
			told.append(level * shares[1])
		if has_season:
			told.append((1 - level) * shares[2 if has_trend else 1])
		if has_trend:
			told.append(0.8 + 0.18 * shares[-1])
		return np.array(told)

	def loss(free: Any) -> float:
		likelihood = float(made.loglike(named(free)))
		return -likelihood if math.isfinite(likelihood) else 1e10

	start = np.full(1 + 2 * has_trend + has_season, -1.0)
	found = minimize(
		loss, start, method="Nelder-Mead", options={"xatol": 0.02, "fatol": 1e-4, "maxiter": 600}
	)
	return named(found.x) if found.success and found.fun < 1e9 else None


# Back-test


@dataclass(frozen=True)
class Tried:
	"""One model, tried from earlier days on.

	accuracy: over all forecasts that have an actual value. errors: for each number of periods ahead from 1 on, the errors,
	forecast less actual. ahead: the periods that were forecast one period before, by their place in the series.
	"""

	model: str
	accuracy: Accuracy
	errors: tuple[tuple[float, ...], ...]
	ahead: Mapping[int, float]


@dataclass(frozen=True)
class Projection:
	"""The forecast of one series.

	model: that it is by: the best one, where it beats `NAIVE`. values, low, high: of the periods after the last. tried: all
	models that were tried on the same days, `NAIVE` first.
	"""

	model: str
	values: tuple[float, ...]
	low: tuple[float, ...]
	high: tuple[float, ...]
	tried: tuple[Tried, ...]

	@property
	def best(self) -> Tried:
		"""The trial of the model that is shown."""
		return next(one for one in self.tried if one.model == self.model)


def least(season: int) -> int:
	"""How many values a series must have to be forecast."""
	return max(season, SMOOTHED) + LEAST_ORIGINS


def project(values: Sequence[float], season: int, horizon: int = HORIZON) -> Projection | None:
	"""Forecast a series of values of whole periods, the oldest first; None where there are too few (`least`).

	Models with a season are tried where two of them and LEAST_ORIGINS values more are there (one in proportion to the level where
	all values are above 0), a trend alone where they aren't. The model with the least mean
	absolute error over all trials is taken, `NAIVE` where none is better than that. An interval is as wide as INSIDE of normal
	errors of the size that the trials had so many periods ahead, never narrower further ahead, by Student's t for as few
	trials as there were; nothing is below 0 where no value was.

	Raises InputError for a horizon that isn't from 1 to FURTHEST.
	"""
	if not 1 <= horizon <= FURTHEST:
		raise InputError(
			"From 1 to {furthest} periods can be forecast, not {horizon}.", furthest=FURTHEST, horizon=horizon
		)
	numbers = [float(value) for value in values]
	count = len(numbers)
	if count < least(season):
		return None
	with_season = 1 < season <= LONGEST_SEASON and count >= max(2 * season, SMOOTHED) + LEAST_ORIGINS
	begin = max(2 * season if with_season else season, SMOOTHED)
	origins = list(range(max(begin, count - MOST_ORIGINS), count))
	chosen = [
		name
		for name, options in _MODELS.items()
		if (name != DAMPED if with_season else "seasonal" not in options)
		and (name != PROPORTIONAL or min(numbers) > 0)
	]
	forecasts: dict[str, list[list[float]]] = {
		NAIVE: [seasonal_naive(numbers[:origin], season, horizon) for origin in origins]
	}
	ahead = {NAIVE: seasonal_naive(numbers, season, horizon)}
	for name in chosen:
		told, next_ones = _forecast_by(name, numbers, season, origins, horizon)
		if told is not None and next_ones is not None:
			forecasts[name], ahead[name] = told, next_ones
	# Where the season is known, the mean is that of those that know it.
	smoothed = [name for name in forecasts if name != NAIVE]
	smoothed = [name for name in smoothed if "seasonal" in _MODELS[name]] or smoothed
	if len(smoothed) > 1:
		forecasts[COMBINED] = [
			[math.fsum(parts) / len(parts) for parts in zip(*each)]
			for each in zip(*(forecasts[name] for name in smoothed))
		]
		ahead[COMBINED] = [
			math.fsum(parts) / len(parts) for parts in zip(*(ahead[name] for name in smoothed))
		]
	tried = [_tried(name, each, numbers, season, origins) for name, each in forecasts.items()]
	best = min(tried, key=lambda one: one.accuracy.mae)
	if not best.accuracy.mae < tried[0].accuracy.mae * (1 - 1e-9):
		best = tried[0]
	widths = half_widths(best.errors)
	# What was never below nothing won't be.
	bottom = 0.0 if min(numbers) >= 0 else -math.inf
	values_ = tuple(max(value, bottom) for value in ahead[best.model])
	return Projection(
		best.model,
		values_,
		tuple(max(value - width, bottom) for value, width in zip(values_, widths)),
		tuple(value + width for value, width in zip(values_, widths)),
		tuple(tried),
	)


def _forecast_by(
	model: str, numbers: Sequence[float], season: int, origins: Sequence[int], horizon: int
) -> tuple[list[list[float]] | None, list[float] | None]:
	"""A model's forecasts from each origin on, and from the end on; None where it can't be fitted somewhere."""
	parameters, told = None, []
	for place, origin in enumerate(origins):
		anew = place % REFITTED == 0
		found = smoothing(model, numbers[:origin], season, None if anew else parameters)
		if found is None:
			return None, None
		make, parameters = found
		told.append(make(horizon))
	last = smoothing(model, numbers, season)
	return (told, last[0](horizon)) if last is not None else (None, None)


def _tried(
	model: str,
	forecasts: Sequence[Sequence[float]],
	numbers: Sequence[float],
	season: int,
	origins: Sequence[int],
) -> Tried:
	pairs = [
		(step, value, numbers[origin + step])
		for origin, each in zip(origins, forecasts)
		for step, value in enumerate(each)
		if origin + step < len(numbers)
	]
	horizon = len(forecasts[0])
	return Tried(
		model,
		accuracy(
			[value for _, value, _ in pairs],
			[actual for _, _, actual in pairs],
			numbers[: origins[0]],
			season if origins[0] > season else 1,
		),
		tuple(tuple(value - actual for at, value, actual in pairs if at == step) for step in range(horizon)),
		{origin: each[0] for origin, each in zip(origins, forecasts)},
	)


def half_widths(errors: Sequence[Sequence[float]]) -> list[float]:
	"""Half of the interval's width for each number of periods ahead, by the errors there were so far ahead.

	Where fewer than three are known, the width of the step before, wider by the root of the time.
	"""
	from scipy.stats import t  # type: ignore[import-untyped]

	found: list[float] = []
	for step, each in enumerate(errors):
		before = found[-1] if found else 0.0
		if len(each) >= 3:
			size = math.sqrt(math.fsum(error * error for error in each) / len(each))
			width = size * float(t.ppf((1 + INSIDE) / 2, len(each)))
		else:
			width = before * math.sqrt((step + 1) / step) if step else 0.0
		found.append(max(width, before))
	return found


@dataclass(frozen=True)
class OpenPeriod:
	"""The forecast of a period that is not over. so_far: what is there; share: of a period that is normally there by then."""

	so_far: float
	share: float
	value: float
	low: float
	high: float


def open_period(so_far: float, share: float, value: float, low: float, high: float) -> OpenPeriod:
	"""What an open period will have brought: what is there, and of the forecast of a whole one what normally follows yet.

	The interval is narrower by the root of the share that is left. share: 0 to 1; it is kept within.
	"""
	left = 1 - min(max(share, 0.0), 1.0)
	whole, narrower = so_far + left * value, math.sqrt(left)
	return OpenPeriod(
		so_far, 1 - left, whole, whole - (value - low) * narrower, whole + (high - value) * narrower
	)


# Forecasts that are kept


@dataclass(frozen=True)
class Forecast:
	"""One forecast, to be kept and scored.

	period: its first day. scope: '' for the company. ahead: which period it was after the last one that was over, from 1 on.
	"""

	made_on: date
	period: date
	model: str
	value: float
	low: float
	high: float
	scope: str = ""
	ahead: int = 1


@dataclass(frozen=True)
class Scored:
	"""How kept forecasts turned out. inside: the share of what came that lay within the intervals."""

	accuracy: Accuracy
	inside: float


def kept(inquiry: Inquiry, measure: str) -> list[Forecast]:
	"""The forecasts of the company that a site has kept for periods such as are asked for, the oldest first.

	None where the reader sees a part of the company alone: they are of all of it.
	"""
	reading = inquiry.reading
	if not _is_whole(inquiry) or not reading.schema.has("KPI Forecast"):
		return []
	row = reading.table("KPI Forecast", alias="kept")
	frame = inquiry.source.run(
		Query.from_(row)
		.where(row.company == Bound(inquiry.company))
		.where(row.kpi == Bound(measure))
		.where(row.scope_type == Bound("Company"))
		.where(row.every == Bound(inquiry.every.value.capitalize()))
		.where(row.merged == 0)
		.select(
			row.made_on,
			row.period_start,
			row.period_end,
			row.model,
			row.value,
			row.low,
			row.high,
			row.ahead,
		)
	)
	for column in ("made_on", "period_start", "period_end"):
		frame[column] = as_days(frame[column])
	found = []
	for made_on, start, end, model, value, low, high, ahead in frame.itertuples(index=False):
		period = inquiry.calendar.period(start.date(), inquiry.every)
		# Of another calendar are periods that begin or end on other days.
		if (period.start, period.last_day) == (start.date(), end.date()) and made_on.date() <= inquiry.as_of:
			told = (str(model), float(value), float(low), float(high))
			found.append(Forecast(made_on.date(), period.start, *told, ahead=int(ahead)))
	return sorted(found, key=lambda one: (one.period, one.made_on, one.ahead))


def scored(forecasts: Sequence[Forecast], actuals: Mapping[tuple[str, date], float]) -> Scored | None:
	"""How forecasts turned out; None while none of them has come.

	actuals: by scope and first day of the period; of whole periods that are over.
	"""
	come = [(one, actuals[one.scope, one.period]) for one in forecasts if (one.scope, one.period) in actuals]
	if not come:
		return None
	come.sort(key=lambda pair: (pair[0].scope, pair[0].period, pair[0].made_on, pair[0].model))
	return Scored(
		accuracy([one.value for one, _ in come], [actual for _, actual in come]),
		sum(one.low <= actual <= one.high for one, actual in come) / len(come),
	)


# Pipeline


@dataclass(frozen=True)
class Pipeline:
	"""What open opportunities may bring: of each the value and the chance that it is won."""

	values: tuple[float, ...]
	chances: tuple[float, ...]

	def __post_init__(self) -> None:
		if len(self.values) != len(self.chances) or not all(0 <= chance <= 1 for chance in self.chances):
			raise InputError("Each opportunity of a pipeline needs a value and a chance from 0 to 1.")

	@property
	def expected(self) -> float:
		"""The weighted sum. It may be no sum that can come."""
		return math.fsum(value * chance for value, chance in zip(self.values, self.chances))

	@property
	def deviation(self) -> float:
		"""Standard deviation of the sum, were opportunities won independently of one another."""
		return math.sqrt(
			math.fsum(value**2 * chance * (1 - chance) for value, chance in zip(self.values, self.chances))
		)

	def at_least(self, amount: float) -> float:
		"""The chance that the sum is at least so much: counted out up to 12 opportunities, beyond by the normal distribution.

		Source: golden G21 of the field survey.
		"""
		if len(self.values) <= 12:
			return math.fsum(
				math.prod(chance if won else 1 - chance for won, chance in zip(each, self.chances))
				for each in product((False, True), repeat=len(self.values))
				if math.fsum(value for won, value in zip(each, self.values) if won) >= amount - 1e-9
			)
		if self.deviation <= 0:
			return float(self.expected >= amount - 1e-9)
		return 0.5 * math.erfc((amount - self.expected) / self.deviation / math.sqrt(2))


def brier(chances: Sequence[float], outcomes: Sequence[float]) -> float:
	"""The mean square of chances less outcomes (1 or 0): 0 is perfect. Source: golden G21 of the field survey."""
	if len(chances) != len(outcomes) or not len(chances):
		raise InputError(f"{len(chances)} chances can't be compared with {len(outcomes)} outcomes.")
	return math.fsum((chance - outcome) ** 2 for chance, outcome in zip(chances, outcomes)) / len(chances)


@dataclass(frozen=True)
class Odds:
	"""How opportunities end, by the days since they began, or entered a stage."""

	won: Curve
	ended: Curve

	def between(self, age: float, start: float, end: float) -> float:
		"""The chance that one that is open after `age` days is won more than `start` and at most `end` days from then."""
		left = 1 - self._by(self.ended, age)
		if left <= 1e-9:
			return 0.0
		gain = self._by(self.won, age + end) - self._by(self.won, age + start)
		return min(max(gain / left, 0.0), 1.0)

	@staticmethod
	def _by(curve: Curve, day: float) -> float:
		share = curve.by(day)
		return (curve.end() or 0.0) if share is None else share


def odds(days: Any, outcome: Any) -> Odds:
	"""How opportunities end. days: since each began, until its end or today. outcome: 1 won, above 1 ended otherwise, 0 open.

	By Aalen and Johansen: open ones count for as long as they have been followed. Source: golden G2 of the field survey.
	"""
	import numpy as np

	return Odds(aalen_johansen(days, outcome, of=1), kaplan_meier(days, np.asarray(outcome) > 0))


CHECKED_BACK = 180
"""The odds are checked on the opportunities that were open so many days ago."""

LEAST_OPEN = 20
"""Of so many opportunities at least."""

MISSED_BY = 0.3
"""Odds that missed the wins by more aren't used."""


@dataclass(frozen=True)
class OddsCheck:
	"""How the odds of earlier days turned out. open: opportunities that were open then. expected, won: wins since."""

	open: int
	expected: float
	won: int
	brier: float

	@property
	def holds(self) -> bool:
		"""Whether as many were won as was foretold, near enough."""
		return self.open >= LEAST_OPEN and abs(self.expected - self.won) <= max(
			MISSED_BY * self.won, 2 * math.sqrt(max(self.won, 1))
		)


# What the records say


def daily(inquiry: Inquiry, measure: str) -> pd.DataFrame:
	"""What a measure came to on each day up to the day of reading: `day`, columns of LEAF, `amount`."""
	import pandas as pd

	leaf = LEAF.get(inquiry.by)
	only = frozenset(inquiry.reading.only)
	reading = inquiry.reading.narrowed(dimensions=only | (frozenset({leaf}) if leaf else frozenset()))
	frames = []
	for fact in MEASURES[measure]:
		row = catalogue.facts()[fact].select(reading).as_("row")
		keys = [row.day, *([row[leaf]] if leaf else [])]
		frames.append(
			inquiry.source.run(Query.from_(row).groupby(*keys).select(*keys, Sum(row.amount).as_("amount")))
		)
	frame = pd.concat([one for one in frames if len(one)] or frames[:1], ignore_index=True)
	for column in ("sales_person", "territory", "source"):
		frame[column] = frame[column].fillna("").astype(str) if column == leaf else ""
	frame["day"] = as_days(frame["day"])
	frame["amount"] = frame["amount"].astype(float).fillna(0.0)
	return frame.sort_values(["day", "sales_person", "territory", "source", "amount"], ignore_index=True)


@dataclass(frozen=True)
class _Times:
	"""The periods of the series: whole ones that are over, the open one if there is any, and those to come."""

	over: tuple[Period, ...]
	open: Period | None
	ahead: tuple[Period, ...]

	@property
	def next(self) -> tuple[Period, ...]:
		"""Those that are forecast."""
		return (*((self.open,) if self.open else ()), *self.ahead)


def _times(calendar: Calendar, every: Every, first: date, as_of: date, horizon: int, last: date) -> _Times:
	"""The periods from the first record on.

	The first one counts if at most a quarter of it had gone by then. As many are forecast as are asked for, or reach to the last
	day asked for.
	"""
	period = calendar.period(first, every)
	if (first - period.start).days * 4 > period.days:
		period = calendar.period(period.end, every)
	over = []
	while period.last_day <= as_of:
		over.append(period)
		period = calendar.period(period.end, every)
	is_open = period.start <= as_of
	coming = [period]
	while len(coming) < FURTHEST and (len(coming) < horizon or coming[-1].last_day < last):
		coming.append(calendar.period(coming[-1].end, every))
	return _Times(tuple(over), coming[0] if is_open else None, tuple(coming[1:] if is_open else coming))


def _sums(frame: pd.DataFrame, spans: Sequence[tuple[date, date]]) -> list[float]:
	"""What the days of each span, both ends included, add up to."""
	import numpy as np

	days, amounts = frame["day"].to_numpy().astype("datetime64[D]"), frame["amount"].to_numpy(dtype=float)
	found = []
	for first, last in spans:
		start = np.searchsorted(days, np.datetime64(first, "D"))
		end = np.searchsorted(days, np.datetime64(last, "D"), side="right")
		found.append(round(math.fsum(amounts[start:end].tolist()), 6) + 0.0)
	return found


def _share_done(frame: pd.DataFrame, times: _Times, as_of: date) -> float:
	"""What part of a period is normally there by the same part of its days: of the last periods, a ratio of sums."""
	assert times.open is not None
	part = ((as_of - times.open.start).days + 1) / times.open.days
	recent = times.over[-SHARES_OF:]
	spans = [(one.start, one.start + timedelta(days=max(round(part * one.days), 1) - 1)) for one in recent]
	whole = math.fsum(_sums(frame, [(one.start, one.last_day) for one in recent]))
	if whole <= 1e-9:
		return part
	return min(max(math.fsum(_sums(frame, spans)) / whole, 0.0), 1.0)


# Answers


@dataclass(frozen=True)
class _Line:
	"""One scope's series and what is forecast of it. begun: place of the first value that is forecast from."""

	values: Sequence[float]
	projection: Projection | None
	forecasts: Sequence[Forecast]
	so_far: float
	begun: int


def _season(inquiry: Inquiry) -> int:
	if inquiry.every not in SEASONS:
		raise InputError("A range has no next one to forecast: choose day, week, month, quarter or year.")
	return SEASONS[inquiry.every]


def _horizon(inquiry: Inquiry) -> int:
	said = inquiry.options.get("horizon") or str(HORIZON)
	if not (said.strip().isdecimal() and 1 <= int(said) <= FURTHEST):
		raise InputError(
			"horizon must be a whole number from 1 to {furthest}, not {said}.",
			furthest=FURTHEST,
			said=repr(said),
		)
	return int(said)


def _asked(inquiry: Inquiry) -> Mapping[str, str]:
	others = {name: word for name, word in inquiry.options.items() if name != "horizon"}
	asked = choices(replace(inquiry, options=others), measure=tuple(MEASURES), view=VIEWS)
	if not _may_know(inquiry, asked["measure"]):
		raise InputError("You may not see {kpi}.", kpi=asked["measure"])
	return asked


def _may_know(inquiry: Inquiry, kpi: str) -> bool:
	return inquiry.kpis is None or kpi in inquiry.kpis


def _line(inquiry: Inquiry, name: str, frame: pd.DataFrame, times: _Times) -> _Line:
	values = _sums(frame, [(one.start, one.last_day) for one in times.over])
	# Whoever came later has no history of nothing before.
	begun = next((place for place, value in enumerate(values) if value), len(values))
	projection = project(values[begun:], _season(inquiry), len(times.next)) if times.next else None
	so_far = _sums(frame, [(times.open.start, inquiry.as_of)])[0] if times.open else 0.0
	found = []
	is_company = inquiry.by is By.COMPANY and inquiry.scope_by is By.COMPANY
	scope = "" if is_company else name
	if projection is not None:
		share = _share_done(frame, times, inquiry.as_of) if times.open else 0.0
		told = zip(times.next, projection.values, projection.low, projection.high)
		for ahead, (period, value, low, high) in enumerate(told, start=1):
			if period is times.open:
				now = open_period(so_far, share, value, low, high)
				# What was never below nothing won't be.
				bottom = 0.0 if min(values) >= 0 else -math.inf
				value, low, high = now.value, max(now.low, bottom), now.high
			found.append(
				Forecast(inquiry.as_of, period.start, projection.model, value, low, high, scope, ahead)
			)
	return _Line(values, projection, found, so_far, begun)


def forecasts(inquiry: Inquiry) -> list[Forecast]:
	"""The forecasts that the answer shows, to be kept and scored when the periods are over."""
	_, _, found = _found(inquiry)
	return [one for _, line in found for one in line.forecasts]


def _found(inquiry: Inquiry) -> tuple[pd.DataFrame, _Times | None, list[tuple[str, _Line]]]:
	asked, horizon = _asked(inquiry), _horizon(inquiry)
	_season(inquiry)
	frame = daily(inquiry, asked["measure"])
	if frame.empty:
		return frame, None, []
	first = frame["day"].to_numpy().astype("datetime64[D]")[0].item()
	times = _times(inquiry.calendar, inquiry.every, first, inquiry.as_of, horizon, inquiry.last)
	return (
		frame,
		times,
		[(name, _line(inquiry, name, mine, times)) for name, mine in told_apart(inquiry, frame)],
	)


def answer(inquiry: Inquiry) -> Outcome:
	"""What the open and the next periods will bring, or how well that was foretold before."""
	asked = _asked(inquiry)
	if asked["view"] == "kept":
		return _kept_answer(inquiry, asked["measure"])
	_, times, found = _found(inquiry)
	if asked["view"] == "accuracy":
		return _accuracy_answer(inquiry, times, found)
	return _forecast_answer(inquiry, asked["measure"], times, found)


def _scope(inquiry: Inquiry, name: str) -> dict[str, Cell]:
	return {} if inquiry.by is By.COMPANY else {"scope": name}


def _scope_columns(inquiry: Inquiry) -> tuple[Column, ...]:
	return () if inquiry.by is By.COMPANY else (scope_column(inquiry),)


def _forecast_answer(
	inquiry: Inquiry, measure: str, times: _Times | None, found: Sequence[tuple[str, _Line]]
) -> Outcome:
	columns: tuple[Column, ...] = (
		*_scope_columns(inquiry),
		Column("period", "Period", Kind.PERIOD),
		Column("state", "State", Kind.TEXT),
		Column("actual", "Bookings" if measure == "bookings" else "Sales volume", Kind.MONEY),
		Column("forecast", "Forecast", Kind.MONEY),
		Column("low", "At least", Kind.MONEY),
		Column("high", "At most", Kind.MONEY),
		Column("model", "Model", Kind.TEXT),
	)
	if times is None:
		return Outcome(columns, (), notes=(_nothing(),))
	open_deals = _open_deals(inquiry) if _may_know(inquiry, "pipeline_value") else _OpenDeals()
	if open_deals.usable:
		columns = (*columns, Column("pipeline", "Of it from what is open now", Kind.MONEY))
	pipelines = _pipelines(inquiry, open_deals, times) if open_deals.usable else {}
	rows = [
		row
		for name, line in found
		for row in _rows(inquiry, name, line, times, pipelines.get(name, ()), open_deals.usable)
	]
	notes = [
		*_forecast_notes(inquiry, times, found),
		*_kept_notes(inquiry, measure, times, found),
		*_pipeline_notes(inquiry, open_deals, times),
	]
	return Outcome(columns, tuple(rows), _charts(inquiry, times, found), tuple(notes))


def _rows(
	inquiry: Inquiry, name: str, line: _Line, times: _Times, pipeline: Sequence[float], with_pipeline: bool
) -> Iterator[dict[str, Cell]]:
	before = line.projection.best.ahead if line.projection else {}
	first, none = inquiry.calendar.period(inquiry.first, inquiry.every).start, {"pipeline": None}
	for place, (period, value) in enumerate(zip(times.over, line.values)):
		if period.start < first:
			continue
		yield {
			**_scope(inquiry, name),
			"period": period.start,
			"state": ACTUAL,
			"actual": rounded(value),
			"forecast": rounded(before.get(place - line.begun)),
			"low": None,
			"high": None,
			"model": line.projection.model if line.projection and place - line.begun in before else None,
			**(none if with_pipeline else {}),
		}
	told = {one.period: one for one in line.forecasts}
	for place, period in enumerate(times.next):
		one = told.get(period.start)
		if one is None and period is not times.open:
			continue
		cells: dict[str, Cell] = {
			**_scope(inquiry, name),
			"period": period.start,
			"state": SO_FAR if period is times.open else AHEAD,
			"actual": rounded(line.so_far) if period is times.open else None,
			"forecast": rounded(one.value) if one else None,
			"low": rounded(one.low) if one else None,
			"high": rounded(one.high) if one else None,
			"model": one.model if one else None,
		}
		if with_pipeline:
			cells["pipeline"] = rounded(pipeline[place]) if pipeline else 0.0
		yield cells


def _charts(inquiry: Inquiry, times: _Times, found: Sequence[tuple[str, _Line]]) -> tuple[Chart, ...]:
	shown = max(len(times.over) - 24, 0)
	labels = (*(one.start for one in times.over[shown:]), *(one.start for one in times.next))
	if not labels:
		return ()
	gap: tuple[None, ...] = (None,) * len(times.next)
	history: tuple[None, ...] = (None,) * len(times.over[shown:])
	if inquiry.by is By.COMPANY and found:
		((_, line),) = found
		series = [Series("Actual", (*(rounded(value) for value in line.values[shown:]), *gap))]
		if line.forecasts:
			series += [
				Series("Forecast", (*history, *(rounded(one.value) for one in line.forecasts))),
				Series("At least", (*history, *(rounded(one.low) for one in line.forecasts))),
				Series("At most", (*history, *(rounded(one.high) for one in line.forecasts))),
			]
		return (Chart("Forecast", Shape.LINE, Kind.MONEY, labels, tuple(series)),)
	most = largest(found, lambda line: sum(line.values))
	lines = tuple(
		Series(
			name,
			(
				*(rounded(value) for value in line.values[shown:]),
				*(tuple(rounded(one.value) for one in line.forecasts) or gap),
			),
			True,
		)
		for name, line in most
	)
	return (Chart("Actual values and their forecast", Shape.LINE, Kind.MONEY, labels, lines),)


def _nothing() -> Note:
	return Note("There is nothing on record to forecast from.", is_warning=True)


def _forecast_notes(inquiry: Inquiry, times: _Times, found: Sequence[tuple[str, _Line]]) -> Iterator[Note]:
	need = least(_season(inquiry))
	if len(times.over) < need:
		yield Note(
			"There is no forecast: it takes {need} whole periods, so that it can be tried on the last of them. There are {have}.",
			{"need": need, "have": len(times.over)},
			is_warning=True,
		)
		return
	kinds = {
		"value": Kind.MONEY,
		"low": Kind.MONEY,
		"high": Kind.MONEY,
		"period": Kind.PERIOD,
		"wape": Kind.SHARE,
		"naive": Kind.SHARE,
		"bias": Kind.SHARE,
		"mase": Kind.NUMBER,
		"inside": Kind.SHARE,
		"model": Kind.TEXT,
	}
	told = [line for _, line in found if line.projection is not None]
	if inquiry.by is By.COMPANY and told:
		(line,) = told
		one, shown = line.forecasts[0], line.projection
		assert shown is not None
		yield Note(
			"{period} will come to about {value}. In {inside} of all cases it will be between {low} and {high}.",
			{
				"period": one.period,
				"value": rounded(one.value),
				"inside": INSIDE,
				"low": rounded(one.low),
				"high": rounded(one.high),
			},
			kinds,
		)
		yield from _trial_notes(shown, kinds)
	elif told:
		better = sum(line.projection is not None and line.projection.model != NAIVE for line in told)
		yield Note(
			"For {better} of {all} a model would have been better than to repeat what was there a season ago, and is shown; for "
			"the others that is.",
			{"better": better, "all": len(told)},
		)
	if len(found) - len(told) > 0:
		yield Note(
			"{few} have no forecast: they have fewer than {need} whole periods since their first.",
			{"few": len(found) - len(told), "need": need},
		)
	if times.open is not None:
		yield Note(
			"The open period is what is there so far and what normally follows by its end. What is in the records already is not "
			"forecast."
		)
	if inquiry.every is not Every.YEAR and len(times.over) < 2 * _season(inquiry) + LEAST_ORIGINS:
		yield Note(
			"Models that know the season take {need} whole periods: two seasons, and some to be tried on. There are {have}.",
			{"need": max(2 * _season(inquiry), SMOOTHED) + LEAST_ORIGINS, "have": len(times.over)},
		)


def _trial_notes(shown: Projection, kinds: Mapping[str, Kind]) -> Iterator[Note]:
	best, naive = shown.best.accuracy, shown.tried[0].accuracy
	if shown.model == NAIVE:
		yield Note("No model was better than to repeat what was there a season ago: that is the forecast.")
	else:
		yield Note("The forecast is by the model “{model}”.", {"model": shown.model}, kinds)
	if best.wape is None or best.bias is None or naive.wape is None:
		return
	yield Note(
		"Tried on the last {periods} periods: off by {wape} (WAPE), where what was there a season ago is off by {naive}. Bias: "
		"{bias}; above 0 is too much.",
		{
			"periods": len(shown.best.ahead),
			"wape": rounded(best.wape),
			"naive": rounded(naive.wape),
			"bias": rounded(best.bias),
		},
		kinds,
	)
	if best.mase is not None:
		yield Note(
			"MASE is {mase}: the error over that of repeating a season within the history before.",
			{"mase": rounded(best.mase)},
			kinds,
		)


def _is_whole(inquiry: Inquiry) -> bool:
	"""Whether it is the company as a whole that is asked about, and all of it may be seen."""
	return inquiry.by is By.COMPANY and inquiry.scope_by is By.COMPANY and not inquiry.reading.only


def _kept_notes(
	inquiry: Inquiry, measure: str, times: _Times, found: Sequence[tuple[str, _Line]]
) -> Iterator[Note]:
	"""How the forecasts that were kept turned out, beside those of today."""
	told = kept(inquiry, measure)
	if told and found:
		((_, line),) = found
		yield from _score(told, {("", one.start): value for one, value in zip(times.over, line.values)})


def _score(told: Sequence[Forecast], actuals: Mapping[tuple[str, date], float]) -> Iterator[Note]:
	score = scored(told, actuals)
	if score is None:
		yield Note("{n} forecasts are kept. None of their periods is over yet.", {"n": len(told)})
		return
	kinds = {"wape": Kind.SHARE, "bias": Kind.SHARE, "inside": Kind.SHARE, "wanted": Kind.SHARE}
	if score.accuracy.wape is not None:
		yield Note(
			"Kept forecasts whose periods are over: {n}. They were off by {wape} (WAPE). Bias: {bias}; above 0 is too much.",
			{
				"n": score.accuracy.n,
				"wape": rounded(score.accuracy.wape),
				"bias": rounded(score.accuracy.bias),
			},
			kinds,
		)
	yield Note(
		"Of what came, {inside} lay within the bounds that had been told; {wanted} should.",
		{"inside": rounded(score.inside), "wanted": INSIDE},
		kinds,
		is_warning=score.accuracy.n >= FEW and score.inside < INSIDE / 2,
	)


WITHIN, OUTSIDE = "within", "outside"


def _kept_answer(inquiry: Inquiry, measure: str) -> Outcome:
	"""How the forecasts turned out that were kept: each beside what came."""
	columns = (
		Column("period", "Period", Kind.PERIOD),
		Column("made_on", "Made On", Kind.DAY),
		Column("ahead", "Periods Ahead", Kind.COUNT),
		Column("forecast", "Forecast", Kind.MONEY),
		Column("low", "At least", Kind.MONEY),
		Column("high", "At most", Kind.MONEY),
		Column("actual", "Bookings" if measure == "bookings" else "Sales volume", Kind.MONEY),
		Column("error", "Too Much or Too Little", Kind.MONEY),
		Column("share", "Of What Came", Kind.SHARE),
		Column("bounds", "Its Bounds", Kind.TEXT),
		Column("model", "Model", Kind.TEXT),
	)
	if not _is_whole(inquiry):
		return Outcome(
			columns, (), notes=(Note("Forecasts are kept of a company as a whole.", is_warning=True),)
		)
	_season(inquiry)
	first = inquiry.calendar.period(inquiry.first, inquiry.every).start
	told = [one for one in kept(inquiry, measure) if one.period >= first]
	if not told:
		note = Note(
			"No forecast of these periods is kept. On a site with the app they are, from the first night of each month, quarter "
			"and year on, where the history is long enough for one."
		)
		return Outcome(columns, (), notes=(note,))
	over = [inquiry.calendar.period(day, inquiry.every) for day in sorted({one.period for one in told})]
	over = [one for one in over if one.last_day <= inquiry.as_of]
	sums = _sums(daily(inquiry, measure), [(one.start, one.last_day) for one in over]) if over else []
	actuals = {("", one.start): value for one, value in zip(over, sums)}
	rows = tuple(_kept_row(one, actuals.get(("", one.period))) for one in told)
	return Outcome(columns, rows, _kept_charts(told, actuals), tuple(_score(told, actuals)))


def _kept_row(one: Forecast, actual: float | None) -> dict[str, Cell]:
	error = None if actual is None else one.value - actual
	return {
		"period": one.period,
		"made_on": one.made_on,
		"ahead": one.ahead,
		"forecast": rounded(one.value),
		"low": rounded(one.low),
		"high": rounded(one.high),
		"actual": rounded(actual),
		"error": rounded(error),
		"share": rounded(error / abs(actual)) if error is not None and actual else None,
		"bounds": None if actual is None else WITHIN if one.low <= actual <= one.high else OUTSIDE,
		"model": one.model,
	}


def _kept_charts(told: Sequence[Forecast], actuals: Mapping[tuple[str, date], float]) -> tuple[Chart, ...]:
	"""What came, between the bounds of the last forecast that was made of it."""
	last = {one.period: one for one in told}
	series = (
		Series("Actual", tuple(rounded(actuals.get(("", day))) for day in last)),
		Series("Forecast", tuple(rounded(one.value) for one in last.values())),
		Series("At least", tuple(rounded(one.low) for one in last.values())),
		Series("At most", tuple(rounded(one.high) for one in last.values())),
	)
	return (Chart("Past forecasts and what came", Shape.LINE, Kind.MONEY, tuple(last), series),)


def _accuracy_answer(inquiry: Inquiry, times: _Times | None, found: Sequence[tuple[str, _Line]]) -> Outcome:
	"""How each model did in the trials."""
	columns = (
		*_scope_columns(inquiry),
		Column("model", "Model", Kind.TEXT),
		Column("shown", "Shown", Kind.TEXT),
		Column("wape", "WAPE", Kind.SHARE),
		Column("bias", "Bias", Kind.SHARE),
		Column("mase", "MASE", Kind.NUMBER),
		Column("mae", "Mean error", Kind.MONEY),
		Column("trials", "Trials", Kind.COUNT),
	)
	if times is None:
		return Outcome(columns, (), notes=(_nothing(),))
	rows = tuple(
		{
			**_scope(inquiry, name),
			"model": one.model,
			"shown": "shown" if one.model == line.projection.model else None,
			"wape": rounded(one.accuracy.wape),
			"bias": rounded(one.accuracy.bias),
			"mase": rounded(one.accuracy.mase),
			"mae": rounded(one.accuracy.mae),
			"trials": one.accuracy.n,
		}
		for name, line in found
		if line.projection is not None
		for one in line.projection.tried
	)
	notes = tuple(_forecast_notes(inquiry, times, found))
	return Outcome(columns, rows, (), notes or (_nothing(),))


# The pipeline's part


@dataclass(frozen=True)
class _OpenDeals:
	"""Opportunities that are open: columns of LEAF, `amount`, `age` and `odds`; whether their odds may be used, and why not."""

	frame: Any = None
	check: OddsCheck | None = None
	decided: int = 0
	by_stage: bool = False

	@property
	def usable(self) -> bool:
		return self.check is not None and self.check.holds and self.frame is not None and len(self.frame) > 0


BEGINNING = date(1900, 1, 1)


def _open_deals(inquiry: Inquiry) -> _OpenDeals:
	"""The opportunities that are open, with how such ended that were like them.

	Odds are those of the whole company; typed probabilities are not read.
	"""
	import numpy as np

	anyone = replace(inquiry, first=BEGINNING, last=inquiry.as_of, reading=inquiry.reading.narrowed(only={}))
	frame = fates(anyone, "opportunity", {1: "opportunity_win", 2: "opportunity_loss", 3: "opportunity_drop"})
	decided = int((frame["outcome"] > 0).sum())
	if decided < LEAST_OPEN or not (frame["outcome"] == 0).any():
		return _OpenDeals(decided=decided)
	whole = odds(frame["days"], frame["outcome"])
	check = checked_odds(frame["begun"], frame["days"], frame["outcome"], inquiry.as_of)
	mine = inquiry.rows("opportunity").drop_duplicates("document").set_index("document")
	is_open = frame[(frame["outcome"] == 0) & frame.index.isin(mine.index)].copy()
	is_open["amount"] = mine["amount"].reindex(is_open.index).clip(lower=0.0)
	is_open["age"], is_open["odds"] = is_open["days"], np.array([whole] * len(is_open), dtype=object)
	entered = _stages(inquiry)
	if len(entered):
		_take_stages(inquiry, frame, is_open, entered)
	return _OpenDeals(is_open, check, decided, bool(len(entered)))


def checked_odds(begun: Any, days: Any, outcome: Any, as_of: date) -> OddsCheck | None:
	"""How the odds of CHECKED_BACK days ago turned out, told only from what was known by then; None if nothing was open."""
	import numpy as np

	starts = np.asarray(begun, "datetime64[D]")
	then = np.datetime64(as_of, "D") - np.timedelta64(CHECKED_BACK, "D")
	lasted, ends = np.asarray(days, dtype=float), np.asarray(outcome, dtype=int)
	age = (then - starts).astype(float)
	known = age >= 0
	lasted, ends, age = lasted[known], ends[known], age[known]
	still = (ends == 0) | (lasted > age)
	if not still.any() or still.all():
		return None
	told = odds(np.minimum(lasted, age), np.where(still, 0, ends))
	chances = [told.between(float(each), 0, CHECKED_BACK) for each in age[still]]
	won = (ends[still] == 1) & (lasted[still] <= age[still] + CHECKED_BACK)
	return OddsCheck(
		int(still.sum()), math.fsum(chances), int(won.sum()), brier(chances, won.astype(float).tolist())
	)


def _stages(inquiry: Inquiry) -> pd.DataFrame:
	"""When opportunities entered stages, by the transition log: `document`, `stage`, `day`; empty where none was kept."""
	import pandas as pd

	reading = inquiry.reading
	if not reading.schema.has("Sales Transition"):
		return pd.DataFrame(columns=["document", "stage", "day"])
	log = reading.table("Sales Transition", alias="log")
	frame = inquiry.source.run(
		Query.from_(log)
		.where(log.reference_doctype == Bound("Opportunity"))
		.where(log.fieldname == Bound("sales_stage"))
		.select(
			log.reference_name.as_("document"),
			log.new_value.as_("stage"),
			reading.dialect.day(log.changed_at).as_("day"),
			log.name,
		)
	)
	frame["day"] = as_days(frame["day"])
	frame["stage"] = frame["stage"].fillna("").astype(str)
	frame = frame[(frame["day"] <= pd.Timestamp(inquiry.as_of)) & (frame["stage"] != "")]
	return frame.sort_values(["document", "day", "name"], ignore_index=True)


def _take_stages(inquiry: Inquiry, frame: pd.DataFrame, is_open: pd.DataFrame, entered: pd.DataFrame) -> None:
	"""Give open opportunities the odds of their stage, where enough that had entered it are decided."""
	import numpy as np
	import pandas as pd

	entered = entered[entered["document"].isin(frame.index)]
	first = entered.drop_duplicates(["document", "stage"])
	first = first.join(frame[["begun", "days", "outcome"]], on="document")
	gone = (first["day"] - first["begun"]).dt.days.clip(lower=0)
	first["since"] = (first["days"] - gone).clip(lower=0.0)
	by_stage = {
		str(stage): odds(mine["since"], mine["outcome"])
		for stage, mine in first.groupby("stage", sort=True)
		if int((mine["outcome"] > 0).sum()) >= FEW
	}
	days = {(str(row[0]), str(row[1])): row[2] for row in first[["document", "stage", "day"]].to_numpy()}
	last = entered.drop_duplicates("document", keep="last")
	now = dict(zip(last["document"].astype(str), last["stage"].astype(str)))
	told, ages = list(is_open["odds"]), list(is_open["age"])
	for place, document in enumerate(is_open.index.astype(str)):
		stage = now.get(document, "")
		if stage in by_stage:
			told[place] = by_stage[stage]
			ages[place] = float((pd.Timestamp(inquiry.as_of) - pd.Timestamp(days[document, stage])).days)
	is_open["odds"], is_open["age"] = np.array(told, dtype=object), ages


def _pipelines(inquiry: Inquiry, deals: _OpenDeals, times: _Times) -> dict[str, tuple[float, ...]]:
	"""Expected wins of each period to come, by scope."""
	return {
		name: tuple(_pipeline(mine, inquiry.as_of, period).expected for period in times.next)
		for name, mine in told_apart(inquiry, deals.frame)
	}


def _pipeline(frame: pd.DataFrame, as_of: date, period: Period) -> Pipeline:
	"""What open opportunities bring in a period to come."""
	start, end = max((period.start - as_of).days - 1, 0), (period.last_day - as_of).days
	ordered = frame.sort_index()
	return Pipeline(
		tuple(float(amount) for amount in ordered["amount"]),
		tuple(told.between(float(age), start, end) for told, age in zip(ordered["odds"], ordered["age"])),
	)


def _pipeline_notes(inquiry: Inquiry, deals: _OpenDeals, times: _Times) -> Iterator[Note]:
	if not deals.usable:
		if deals.decided == 0:
			return
		check = deals.check
		if check is None or check.open < LEAST_OPEN:
			yield Note(
				"What the open opportunities will bring isn't told: it takes {need} that are decided, and as many that were open "
				"{days} days ago, to know how such end.",
				{"need": LEAST_OPEN, "days": CHECKED_BACK},
				is_warning=True,
			)
		elif not check.holds:
			yield Note(
				"What the open opportunities will bring isn't told: by how such ended before, too many or too few wins would have "
				"been foretold {days} days ago."
				if inquiry.reading.only
				else "What the open opportunities will bring isn't told: {days} days ago {expected} wins would have been foretold, "
				"but {won} came.",
				{"days": CHECKED_BACK, "expected": rounded(round(check.expected, 1)), "won": check.won},
				{"expected": Kind.NUMBER},
				is_warning=True,
			)
		return
	assert deals.check is not None
	whole = [_pipeline(deals.frame, inquiry.as_of, period) for period in times.next]
	yield Note(
		"{open} opportunities are open, worth {money}. By how such ended here, {expected} of it will be won in the periods shown.",
		{
			"open": len(deals.frame),
			"money": rounded(float(deals.frame["amount"].sort_values().sum())),
			"expected": rounded(math.fsum(one.expected for one in whole)),
		},
		{"money": Kind.MONEY, "expected": Kind.MONEY},
	)
	if deals.by_stage:
		yield Note(
			"The odds are those of the stage that each is in, and of how long it has been there; where fewer than {few} of a "
			"stage are decided, those of all. Typed probabilities are not used.",
			{"few": FEW},
		)
	else:
		yield Note(
			"The odds are those of all opportunities of the same age: no history of stages is on record. Typed probabilities are "
			"not used."
		)
	yield Note("What open opportunities bring is a part of the forecast, not to be added to it.")
	if inquiry.reading.only:
		return
	yield Note(
		"Checked on the {open} that were open {days} days ago: {expected} wins were foretold, {won} came.",
		{
			"open": deals.check.open,
			"days": CHECKED_BACK,
			"expected": rounded(round(deals.check.expected, 1)),
			"won": deals.check.won,
		},
		{"expected": Kind.NUMBER},
	)


ANALYSIS = Analysis(
	name="forecast",
	title="Forecast",
	meaning="What the open period and the next ones will bring, between which bounds, and how well such forecasts did before.",
	answer=answer,
	by=frozenset(By),
	tells=("sales_volume",),
	options={
		"measure": "sales_volume or bookings",
		"horizon": "how many periods are forecast, 3 unless said otherwise",
		"view": "forecast, kept (how the forecasts turned out that a site has kept), or accuracy (how each model did when it was tried)",
	},
)
