"""NPS and CSAT: golden G23, what holds always, and what few answers can tell."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_kpi.analysis.satisfaction import (
	Attitude,
	attitude,
	mean,
	net_promoter,
	response_rate,
	satisfied,
	top_two_box,
)

G23 = [10, 9, 9, 8, 7, 6, 3, 10, 0, 8]


def of(scores: list[int], weight: float = 1.0) -> list[tuple[float, float]]:
	return [(score, weight) for score in scores]


def test_golden_g23_nps() -> None:
	found = net_promoter(of(G23))
	assert found is not None
	assert (found.n, found.promoters, found.detractors) == (10, 0.4, 0.3)
	assert found.score == pytest.approx(0.10)
	assert round(100 * found.error, 2) == 26.27
	assert round(100 * (found.wald.high - found.score), 2) == 51.48
	assert round(100 * (found.score - found.wald.low), 2) == 51.48
	# Adjusted-Wald by hand: p = 4.75/13, d = 3.75/13, variance (p + d − (p − d)²) / 13.
	p, d = 4.75 / 13, 3.75 / 13
	margin = 1.959963984540054 * math.sqrt((p + d - (p - d) ** 2) / 13)
	assert found.interval.low == pytest.approx(p - d - margin)
	assert found.interval.high == pytest.approx(p - d + margin)
	assert found.interval.high - found.interval.low < found.wald.high - found.wald.low


def test_golden_g23_csat() -> None:
	found = top_two_box(of([5, 4, 4, 3, 2]))
	assert found is not None
	assert found.share == pytest.approx(0.6)
	assert mean(of([5, 4, 4, 3, 2])) == pytest.approx(3.6)
	# Agresti and Coull for 3 of 5: 0.2291 to 0.8840.
	assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (0.2291, 0.884)


@pytest.mark.parametrize(
	("score", "expected"),
	[(0, "Detractor"), (6, "Detractor"), (7, "Passive"), (8, "Passive"), (9, "Promoter"), (10, "Promoter")],
)
def test_attitudes(score: int, expected: str) -> None:
	assert attitude(score) is Attitude(expected)


def test_nothing_has_no_value() -> None:
	assert net_promoter([]) is None
	assert net_promoter([(10, 0.0)]) is None
	assert top_two_box([]) is None
	assert satisfied(0, 0) is None
	assert mean([]) is None
	assert response_rate(0, 0) is None
	assert response_rate(1, 4) == 0.25


def test_one_answer_is_no_certainty() -> None:
	found = net_promoter(of([10]))
	assert found is not None
	assert (found.score, found.error) == (1.0, 0.0)
	assert found.interval.low < 0.5
	assert found.interval.high == 1.0
	one = satisfied(1, 1)
	assert one is not None
	assert one.interval.low < 0.3
	assert one.interval.high == 1.0


def test_adjusted_wald_keeps_its_promise_at_small_n() -> None:
	"""Of samples of 10 from 45 % promoters and 25 % detractors, 95 % hold the true 20 within the interval."""
	chance, held, held_by_wald, tries = random.Random(23), 0, 0, 4000
	for _try in range(tries):
		scores = chance.choices([10, 8, 3], [0.45, 0.30, 0.25], k=10)
		found = net_promoter(of(scores))
		assert found is not None
		held += found.interval.low <= 0.20 <= found.interval.high
		held_by_wald += found.wald.low <= 0.20 <= found.wald.high
	assert held / tries == pytest.approx(0.95, abs=0.03)
	assert held > held_by_wald


NPS_SCORES = st.lists(st.integers(0, 10), min_size=1, max_size=60)


@given(NPS_SCORES)
def test_the_score_lies_within_its_intervals_and_these_within_what_is_possible(scores: list[int]) -> None:
	found = net_promoter(of(scores))
	assert found is not None
	assert -1 <= found.score <= 1
	assert found.promoters + found.detractors <= 1 + 1e-12
	assert -1 <= found.interval.low <= found.score <= found.interval.high <= 1
	assert found.wald.low <= found.score <= found.wald.high


@given(NPS_SCORES)
def test_shared_credit_adds_up_to_the_whole(scores: list[int]) -> None:
	shared = net_promoter([pair for score in scores for pair in ((score, 0.6), (score, 0.4))])
	whole = net_promoter(of(scores))
	assert shared is not None
	assert whole is not None
	assert shared.n == pytest.approx(whole.n)
	assert shared.score == pytest.approx(whole.score)
	assert shared.error == pytest.approx(whole.error, abs=1e-7)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_csat_and_its_interval(scores: list[int]) -> None:
	found = top_two_box(of(scores))
	assert found is not None
	assert found.share == pytest.approx(sum(score >= 4 for score in scores) / len(scores))
	assert 0 <= found.interval.low <= found.share <= found.interval.high <= 1


@given(NPS_SCORES, st.randoms())
def test_the_order_of_answers_does_not_matter(scores: list[int], chance: random.Random) -> None:
	again = list(scores)
	chance.shuffle(again)
	assert net_promoter(of(again)) == net_promoter(of(scores))
