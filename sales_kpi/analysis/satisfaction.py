"""Satisfaction: Net Promoter Score and CSAT of answers, each with its interval, and how many of those asked answered.

NPS: standard error sqrt((p + d − (p − d)²) / n) (Rowe, "Confidence intervals for Net Promoter Score", cybaea.net); the
shown interval is adjusted-Wald, which keeps its promise at small n (Sauro and Lewis, measuringu.com): three answers are
added, of which ¾ promote and ¾ detract. CSAT: top-two-box, with the interval of Agresti and Coull.

Answers may have weights, where the credit for a customer is shared; n is then the sum of weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from math import fsum, sqrt

Z = 1.959963984540054
"""95 % of a normal distribution lie within so many standard deviations."""

PROMOTES_FROM, DETRACTS_TO = 9, 6
SATISFIED_FROM = 4

FEW = 10
"""Below so many answers a figure says little."""

_ADDED, _ADDED_EXTREMES = 3.0, 0.75
"""Adjusted-Wald for NPS: answers added in all, and to promoters and detractors each."""

Answers = Iterable[tuple[float, float]]
"""Scores with their weights."""


class Attitude(str, Enum):
	"""What an NPS score makes of a customer."""

	PROMOTER = "Promoter"
	PASSIVE = "Passive"
	DETRACTOR = "Detractor"


def attitude(score: float) -> Attitude:
	"""Of a score from 0 to 10."""
	if score >= PROMOTES_FROM:
		return Attitude.PROMOTER
	return Attitude.DETRACTOR if score <= DETRACTS_TO else Attitude.PASSIVE


@dataclass(frozen=True)
class Interval:
	"""Where the true value lies with a probability of 95 %."""

	low: float
	high: float


@dataclass(frozen=True)
class NetPromoter:
	"""A Net Promoter Score; shares and score as parts of 1 (0.1 is written +10).

	error: standard error. wald: the simple interval, score ± 1.96 errors. interval: the adjusted one, to be shown.
	"""

	n: float
	promoters: float
	detractors: float
	score: float
	error: float
	wald: Interval
	interval: Interval


@dataclass(frozen=True)
class Satisfied:
	"""A CSAT: the share of the satisfied (top-two-box), and its interval."""

	n: float
	share: float
	interval: Interval


def net_promoter(answers: Answers) -> NetPromoter | None:
	"""The NPS of scores from 0 to 10; None without any."""
	given = [(score, weight) for score, weight in answers if weight > 0]
	n = fsum(weight for _score, weight in given)
	if n <= 0:
		return None
	promoting = fsum(weight for score, weight in given if attitude(score) is Attitude.PROMOTER)
	detracting = fsum(weight for score, weight in given if attitude(score) is Attitude.DETRACTOR)
	p, d = promoting / n, detracting / n
	error = _error(p, d, n)
	more = n + _ADDED
	adjusted_p, adjusted_d = (promoting + _ADDED_EXTREMES) / more, (detracting + _ADDED_EXTREMES) / more
	return NetPromoter(
		n=n,
		promoters=p,
		detractors=d,
		score=p - d,
		error=error,
		wald=Interval(p - d - Z * error, p - d + Z * error),
		interval=_within(adjusted_p - adjusted_d, Z * _error(adjusted_p, adjusted_d, more), -1.0, p - d),
	)


def _error(p: float, d: float, n: float) -> float:
	# The variance is 0 where all answer alike, and dust of floats may take it below.
	return sqrt(max(p + d - (p - d) ** 2, 0.0) / n)


def satisfied(count: float, n: float) -> Satisfied | None:
	"""The CSAT of so many satisfied among n; None without any answer."""
	if n <= 0:
		return None
	more = n + Z**2
	middle = (count + Z**2 / 2) / more
	return Satisfied(n, count / n, _within(middle, Z * sqrt(middle * (1 - middle) / more), 0.0, count / n))


def top_two_box(answers: Answers) -> Satisfied | None:
	"""The CSAT of scores from 1 to 5: the share of 4 and 5."""
	given = [(score, weight) for score, weight in answers if weight > 0]
	count = fsum(weight for score, weight in given if score >= SATISFIED_FROM)
	return satisfied(count, fsum(weight for _score, weight in given))


def mean(answers: Answers) -> float | None:
	"""The mean score; None without any answer."""
	given = [(score, weight) for score, weight in answers if weight > 0]
	n = fsum(weight for _score, weight in given)
	return fsum(score * weight for score, weight in given) / n if n > 0 else None


def response_rate(answered: float, sent: float) -> float | None:
	"""The share of the invitations sent that were answered; None where none was sent."""
	return answered / sent if sent > 0 else None


def _within(middle: float, margin: float, least: float, value: float) -> Interval:
	"""An interval that doesn't leave what is possible, and holds the value itself, which few answers all alike may not."""
	return Interval(min(max(middle - margin, least), value), max(min(middle + margin, 1.0), value))
