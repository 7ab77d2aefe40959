"""Pipeline velocity: what the open opportunities bring in a day, if they go as those of the last year did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import A, Distribution, Figure, Formula, Of, Over, Q, Sums, Total

_OPEN = (
	Q("opportunity", over=Over.TO_END)
	- Q("opportunity_win", over=Over.TO_END)
	- Q("opportunity_loss", over=Over.TO_END)
	- Q("opportunity_drop", over=Over.TO_END)
)
_WON = Q("opportunity_win", over=Over.YEAR)
_DECIDED = _WON + Q("opportunity_loss", over=Over.YEAR)
_WON_VALUE = A("opportunity_win", over=Over.YEAR)
_CYCLE = Distribution("opportunity_win", Of.GAP, Over.YEAR)


@dataclass(frozen=True)
class Velocity(Formula):
	"""Open opportunities × win rate × mean value of the won / median days from opportunity to win.

	The last three are those of the year to the period's end. The numerator is the product; denominator and sample are
	those of the median, its total weight. Its factors come from different cohorts, so it is an index.
	"""

	def totals(self) -> Iterator[Total]:
		yield from (_OPEN, _WON, _DECIDED, _WON_VALUE)

	def distributions(self) -> Iterator[Distribution]:
		yield _CYCLE

	def parts(self) -> dict[str, Total | Distribution]:
		return {"open": _OPEN, "won": _WON, "decided": _DECIDED, "won value": _WON_VALUE, "sample": _CYCLE}

	def compute(self, sums: Sums) -> Figure:
		import numpy as np

		won, decided = sums.total(_WON), sums.total(_DECIDED)
		median, weight = sums.quantile(_CYCLE, 0.5)
		given = (won != 0) & (decided != 0)
		rate = won / np.where(given, decided, 1.0)
		worth = sums.total(_WON_VALUE) / np.where(given, won, 1.0)
		product = np.where(given, sums.total(_OPEN) * rate * worth, np.nan)
		moves = np.isfinite(median) & (median != 0)
		value = np.where(moves, product / np.where(moves, median, 1.0), np.nan)
		return Figure(value, product, weight, weight)

	def __str__(self) -> str:
		return f"({_OPEN}) × {_WON} / ({_DECIDED}) × {_WON_VALUE} / {_WON} / median days of the wins ₁ᵧ"


KPI = Kpi(
	name="pipeline_velocity",
	title="Pipeline velocity",
	unit=Unit.CURRENCY_PER_DAY,
	good=Good.UP,
	formula=Velocity(),
	meaning="What the open opportunities bring in a day, if they go as those of the last year did.",
	moved_by="More opportunities, a better win rate, larger deals or a shorter cycle: each moves it in proportion.",
)
