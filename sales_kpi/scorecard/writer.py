"""What all parts of a scorecard have in common: how a value and its history are put into words and points."""

from __future__ import annotations

from dataclasses import dataclass

from sales_kpi.analysis.values import Value
from sales_kpi.kpis.definition import Kpi
from sales_kpi.kpis.formula import Sum
from sales_kpi.periods import Every
from sales_kpi.scorecard.charts import Frame, Point
from sales_kpi.scorecard.figures import FEW, Figures, History
from sales_kpi.scorecard.words import Language, sentence

_ = sentence


@dataclass(frozen=True)
class Writer:
	"""Puts figures into the words of a language."""

	figures: Figures
	language: Language

	def now(self, name: str) -> Value | None:
		"""The value in the period, if there is one."""
		value = self.figures.history.last(name)
		return None if value is None or value["value"] is None else value

	def movement(self, kpi: Kpi, history: History) -> str:
		"""In words what a sparkline or chart shows: lowest, highest and last."""
		known = history.known(kpi.name)
		low = min(known, key=lambda value: value["value"] or 0)
		high = max(known, key=lambda value: value["value"] or 0)
		if low["value"] == high["value"]:
			return self.language.translate(_("{0} throughout"), self.written(kpi, low))
		return self.language.translate(
			_("lowest {0} ({1}), highest {2} ({3}), last {4}"),
			self.written(kpi, low),
			self.when(low, history.every),
			self.written(kpi, high),
			self.when(high, history.every),
			self.written(kpi, known[-1]),
		)

	def written(self, kpi: Kpi, value: Value) -> str:
		unit = self.language.unit(kpi.unit, None)
		return f"{self.language.value(value['value'] or 0, kpi.unit)} {unit}".strip()

	def when(self, value: Value, every: Every) -> str:
		period = self.figures.calendar.period(value["period_start"], every)
		return self.language.period(period, every, self.figures.calendar)

	def frame(self, size: tuple[int, int]) -> Frame:
		trend = self.figures.trend
		ticks = [self.language.tick(period, trend.every, self.figures.calendar) for period in trend.periods]
		return Frame(*size, self.language.right_to_left, ticks)


def is_few(kpi: Kpi, value: Value) -> bool:
	"""Whether a ratio, mean or median rests on too few cases; a sum is what it is."""
	return not isinstance(kpi.formula, Sum) and value["value"] is not None and value["n"] < FEW


def point(kpi: Kpi, value: Value | None, note: str = "") -> Point:
	if value is None or value["value"] is None:
		return Point(None)
	return Point(value["value"], value["complete"], is_few(kpi, value), note)
