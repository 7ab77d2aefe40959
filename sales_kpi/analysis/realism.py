"""How realistic a target is: the probability of reaching a value, told by how the KPI has moved so far.

A KPI either walks, from where it stands on by a random step each period, or it swings around a level that it comes back
to: whichever of the two would have told its own past better, each value from those before it. It is measured on the
scale on which its steps are alike: money by factors (the logarithm), a rate by odds (the logit), everything else by
differences. No season is taken out: give deseasonalised values, or those of the same period of earlier years, where
there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from sales_kpi.analysis.outcome import Cell, Kind, Note
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import Good, Unit

LEAST = 5
"""From how many steps between neighbouring periods on a probability is told."""

SUGGESTED = (0.5, 0.65, 0.8)
"""The probabilities for which values are suggested."""

_DUST = 1e-9
"""By which share of itself a value may miss another for the dust of floats alone."""


class Scale(Enum):
	"""On which scale steps are measured."""

	LOG = "log"
	LOGIT = "logit"
	LINEAR = "linear"


class Model(Enum):
	"""How a KPI moves."""

	WALK = "walk"
	"""From where it stands on, by a drift and a random step."""
	LEVEL = "level"
	"""Around a level that it comes back to."""


class Likelihood(Enum):
	"""A probability in a plain word, by the scale of the IPCC (Mastrandrea et al. 2010, guidance note on uncertainty)."""

	NEARLY_IMPOSSIBLE = "nearly impossible"
	VERY_UNLIKELY = "very unlikely"
	UNLIKELY = "unlikely"
	ABOUT_EVEN = "about even"
	LIKELY = "likely"
	VERY_LIKELY = "very likely"
	NEARLY_CERTAIN = "nearly certain"


_BELOW: tuple[tuple[float, Likelihood], ...] = (
	(0.01, Likelihood.NEARLY_IMPOSSIBLE),
	(0.1, Likelihood.VERY_UNLIKELY),
	(1 / 3, Likelihood.UNLIKELY),
	(2 / 3, Likelihood.ABOUT_EVEN),
	(0.9, Likelihood.LIKELY),
	(0.99, Likelihood.VERY_LIKELY),
)
"""Up to below which probability a word holds."""


class Doubt(Enum):
	"""Why no probability can be told."""

	TOO_LITTLE_HISTORY = "too little history"
	NO_DIRECTION = "no direction"


@dataclass(frozen=True)
class Suggestion:
	"""A value that is reached with a probability, in the KPI's unit."""

	probability: float
	value: float


@dataclass(frozen=True)
class Realism:
	"""How realistic a value is.

	probability: of reaching it, 0 to 1; None where `doubt` says why. word: the same in a word. scale: on which steps
	were measured. steps: how many were seen; needed: how many it takes. model: how the KPI moves. mean, deviation: of the
	steps of a walk, or of the values around a level, on the scale. reached, of: of so many earlier moves as long as the
	one to the target, how many would have sufficed; around a level, of so many earlier values how many did.
	suggestions: values for P50, P65 and P80, the boldest first; empty without a probability.
	"""

	probability: float | None
	word: Likelihood | None
	scale: Scale
	steps: int
	needed: int
	mean: float | None
	deviation: float | None
	reached: int
	of: int
	suggestions: tuple[Suggestion, ...]
	doubt: Doubt | None = None
	model: Model = Model.WALK

	@property
	def share_reached(self) -> float | None:
		"""Of the earlier moves, the share that would have sufficed; None where there was none."""
		return self.reached / self.of if self.of else None

	def notes(self, kind: Kind = Kind.NUMBER) -> tuple[Note, ...]:
		"""The same in sentences. kind: how the KPI's values are written."""
		if self.doubt is Doubt.TOO_LITTLE_HISTORY:
			sentence = (
				"There is too little history to tell how realistic this is: it takes {needed} changes from one period "
				"to the next, and there are {steps}."
			)
			return (Note(sentence, {"needed": self.needed, "steps": self.steps}, {}, True),)
		if self.doubt is Doubt.NO_DIRECTION or self.probability is None or self.word is None:
			return (Note("Neither more nor less of it is better, so there is no value to reach."),)
		values: dict[str, Cell] = {"probability": self.probability, "steps": self.steps}
		found = [Note(_SENTENCES[self.word], values, {"probability": Kind.SHARE})]
		if self.model is Model.LEVEL:
			found.append(Note("So far it has swung around a level, rather than gone on from where it stood."))
		elif self.of:
			sentence = "Of the {of} earlier moves of the same length, {reached} would have been enough."
			found.append(Note(sentence, {"of": self.of, "reached": self.reached}))
		if len(self.suggestions) == len(SUGGESTED):
			bold, fair, safe = (suggestion.value for suggestion in self.suggestions)
			found.append(
				Note(
					"{bold} is reached with a probability of one half, {fair} with 65 %, and {safe} with 80 %.",
					{"bold": bold, "fair": fair, "safe": safe},
					{"bold": kind, "fair": kind, "safe": kind},
				)
			)
		return tuple(found)


_SENTENCES: dict[Likelihood, str] = {
	Likelihood.NEARLY_IMPOSSIBLE: "Reaching it is nearly impossible: {probability}, going by {steps} changes so far.",
	Likelihood.VERY_UNLIKELY: "Reaching it is very unlikely: {probability}, going by {steps} changes so far.",
	Likelihood.UNLIKELY: "Reaching it is unlikely: {probability}, going by {steps} changes so far.",
	Likelihood.ABOUT_EVEN: "Reaching it is about as likely as not: {probability}, going by {steps} changes so far.",
	Likelihood.LIKELY: "Reaching it is likely: {probability}, going by {steps} changes so far.",
	Likelihood.VERY_LIKELY: "Reaching it is very likely: {probability}, going by {steps} changes so far.",
	Likelihood.NEARLY_CERTAIN: "Reaching it is nearly certain: {probability}, going by {steps} changes so far.",
}


def realism(
	history: Sequence[float | None],
	value: float,
	periods_ahead: int = 1,
	unit: Unit = Unit.CURRENCY,
	good: Good = Good.UP,
	model: Model | None = None,
) -> Realism:
	"""The probability of reaching a value, by the history.

	history: values of periods that follow one another, oldest first; None where a period has none. value: to be reached,
	in the KPI's unit (a percentage as a share); reached means at least for a KPI of which more is better, at most for one
	of which less is. periods_ahead: how many periods after the history's last one. model: None for the one that would have
	told the history better, by the squared errors of telling each value from those before it.

	With steps of mean m, standard deviation s (n − 1) and number n, the position after h periods is predicted by Student's
	t with n − 1 degrees of freedom around last + h·m, with the scale s·√(h + h²/n): the prediction interval of a random walk
	with drift (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.5). Source of the case h = 1: golden G15
	of the field survey. Around a level, with values of mean m, standard deviation s and number n, it is Student's t with
	n − 1 degrees of freedom around m, with the scale s·√(1 + 1/n): the prediction interval of a mean (the same, 5.5). Money has to be above 0 throughout for the logarithm, and a rate strictly between 0 and 1 for the
	logit: else steps are differences.

	Raises InputError for a value that is no number, and for fewer than 1 period ahead.
	"""
	if not math.isfinite(value):
		raise InputError("The value to be reached is no number.")
	if periods_ahead < 1:
		raise InputError(
			"A target lies at least 1 period ahead, not {periods_ahead}.", periods_ahead=periods_ahead
		)
	known = [number if number is not None and math.isfinite(number) else None for number in history]
	scale = scale_of(unit, [number for number in known if number is not None])
	moved = [None if number is None else _FORWARD[scale](number) for number in known]
	steps = [later - earlier for earlier, later in _pairs(moved, 1)]
	doubt = Doubt.NO_DIRECTION if good is Good.NEITHER else None
	if len(steps) < LEAST:
		doubt = Doubt.TOO_LITTLE_HISTORY
	if doubt is not None:
		return Realism(None, None, scale, len(steps), LEAST, None, None, 0, 0, (), doubt)
	last = max(place for place, number in enumerate(moved) if number is not None)
	base = moved[last]
	assert base is not None
	ahead = periods_ahead + len(moved) - 1 - last
	model = model or _better(moved)
	seen = steps if model is Model.WALK else [number for number in moved if number is not None]
	count = len(seen)
	mean = math.fsum(seen) / count
	deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in seen) / (count - 1))
	if deviation <= _DUST * max(abs(base), abs(mean)):
		deviation = 0.0
	if model is Model.WALK:
		center, spread = base + ahead * mean, deviation * math.sqrt(ahead + ahead**2 / count)
	else:
		center, spread = mean, deviation * math.sqrt(1 + 1 / count)
	goal = _position(value, scale)
	sign = -1.0 if good is Good.DOWN else 1.0
	probability = _at_least(sign * goal, sign * center, spread, count - 1)
	if model is Model.WALK:
		moves = [sign * (later - earlier) for earlier, later in _pairs(moved, ahead)]
		enough = sign * (goal - base)
	else:
		moves, enough = [sign * number for number in seen], sign * goal
	dust = _DUST * max(1.0, abs(enough)) if math.isfinite(enough) else 0.0
	return Realism(
		probability=probability,
		word=likelihood(probability),
		scale=scale,
		steps=len(steps),
		needed=LEAST,
		mean=mean,
		deviation=deviation,
		reached=sum(move >= enough - dust for move in moves),
		of=len(moves),
		suggestions=tuple(
			Suggestion(
				share, _possible(_BACK[scale](center - sign * spread * _quantile(share, count - 1)), unit)
			)
			for share in SUGGESTED
		),
		model=model,
	)


def _better(moved: Sequence[float | None]) -> Model:
	"""The model that would have told each value better from those before it; a walk if both are as good."""
	walk, level = [], []
	for place in range(3, len(moved)):
		value, last = moved[place], moved[place - 1]
		before = [number for number in moved[:place] if number is not None]
		steps = [later - earlier for earlier, later in _pairs(moved[:place], 1)]
		if value is None or last is None or not steps:
			continue
		walk.append((value - last - math.fsum(steps) / len(steps)) ** 2)
		level.append((value - math.fsum(before) / len(before)) ** 2)
	return Model.LEVEL if math.fsum(level) < math.fsum(walk) else Model.WALK


def likelihood(probability: float) -> Likelihood:
	"""A probability in a word."""
	return next((word for bound, word in _BELOW if probability < bound), Likelihood.NEARLY_CERTAIN)


def scale_of(unit: Unit, values: Sequence[float]) -> Scale:
	"""The scale on which a KPI's steps are measured."""
	if unit is Unit.PERCENT and all(0 < value < 1 for value in values):
		return Scale.LOGIT
	return Scale.LOG if unit.is_money and all(value > 0 for value in values) else Scale.LINEAR


def _possible(value: float, unit: Unit) -> float:
	"""A value moved to the nearest that the unit can have: differences may lead beyond it."""
	if unit is Unit.PERCENT:
		return min(max(value, 0.0), 1.0)
	return max(value, 0.0) if unit in (Unit.COUNT, Unit.DAYS, Unit.SECONDS) else value


def _same(number: float) -> float:
	return number


def _logit(share: float) -> float:
	return math.log(share) - math.log1p(-share)


def _exp(number: float) -> float:
	return math.exp(min(number, 700.0))


def _expit(number: float) -> float:
	return 1 / (1 + math.exp(-number)) if number > -700 else 0.0


_FORWARD: dict[Scale, Callable[[float], float]] = {
	Scale.LOG: math.log, Scale.LOGIT: _logit, Scale.LINEAR: _same,
}  # fmt: skip
_BACK: dict[Scale, Callable[[float], float]] = {
	Scale.LOG: _exp, Scale.LOGIT: _expit, Scale.LINEAR: _same,
}  # fmt: skip


def _position(value: float, scale: Scale) -> float:
	"""A value on the scale; what lies beyond the scale's ends is infinitely far."""
	if scale is not Scale.LINEAR and value <= 0:
		return -math.inf
	if scale is Scale.LOGIT and value >= 1:
		return math.inf
	return _FORWARD[scale](value)


def _pairs(moved: Sequence[float | None], apart: int) -> list[tuple[float, float]]:
	"""Positions so many periods apart, both known."""
	return [
		(earlier, later)
		for earlier, later in zip(moved, moved[apart:], strict=False)
		if earlier is not None and later is not None
	]


def _at_least(goal: float, center: float, spread: float, freedom: int) -> float:
	"""The probability of a position of at least the goal."""
	from scipy import stats  # type: ignore[import-untyped]

	if math.isinf(goal):
		return 0.0 if goal > 0 else 1.0
	if spread == 0:
		return 1.0 if center >= goal - _DUST * max(1.0, abs(goal)) else 0.0
	return float(stats.t.sf((goal - center) / spread, freedom))


def _quantile(share: float, freedom: int) -> float:
	"""How many spreads below the center a position lies that is exceeded with a probability of `share`."""
	from scipy import stats  # type: ignore[import-untyped]

	return float(stats.t.ppf(share, freedom))
