"""The charts of a scorecard, with what they tell in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sales_kpi.kpis.definition import Unit
from sales_kpi.periods import Every
from sales_kpi.scorecard import charts
from sales_kpi.scorecard.charts import Bar, Frame
from sales_kpi.scorecard.words import sentence
from sales_kpi.scorecard.writer import Writer, point

_ = sentence

CHARTS = 4

WIDE, NARROW = (560, 220), (350, 210)
"""A chart is drawn twice: shrinking the wide one for a phone would make its text unreadable."""

BY_PERIOD: dict[Every, str] = {
	Every.DAY: _("{0} by day"),
	Every.WEEK: _("{0} by week"),
	Every.MONTH: _("{0} by month"),
	Every.QUARTER: _("{0} by quarter"),
	Every.YEAR: _("{0} by year"),
}


@dataclass(frozen=True)
class Chart:
	"""A picture in two sizes, what it tells, and how to read it. keys: (colour token, what it stands for)."""

	name: str
	title: str
	message: str
	wide: Markup
	narrow: Markup
	keys: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Pictures(Writer):
	"""Writes the charts."""

	def charts(self) -> list[Chart]:
		drawn: list[Chart] = []
		makers: Sequence[Callable[[], Chart | None]] = (
			self._volume_chart,
			lambda: self._line_chart("lead_conversion_rate"),
			lambda: self._line_chart("churn_rate"),
			self._funnel_chart,
			lambda: self._count_chart("new_customers"),
			lambda: self._line_chart("repeat_rate"),
			lambda: self._count_chart("deals"),
		)
		for make in makers:
			chart = make()
			if chart is not None:
				drawn.append(chart)
			if len(drawn) == CHARTS:
				break
		return drawn

	def _volume_chart(self) -> Chart | None:
		values = self.figures.trend.of("sales_volume")
		known = self.figures.trend.known("sales_volume")
		if "sales_volume" not in self.figures.measured or not known:
			return None
		bars = [
			Bar(up, min(down, 0.0), value is None or value["complete"])
			for up, down, value in zip(self.figures.invoiced, self.figures.returned, values, strict=True)
		]
		keys = [("soft", _("invoiced"))]
		if any(bar.down for bar in bars):
			keys += [("return", _("returned")), ("ink", _("sales volume"))]
		return self._bar_chart("sales_volume", bars, keys)

	def _count_chart(self, name: str) -> Chart | None:
		known = self.figures.trend.known(name)
		if name not in self.figures.measured or not known:
			return None
		bars = [
			None if value is None else Bar(value["value"] or 0.0, 0.0, value["complete"])
			for value in self.figures.trend.of(name)
		]
		return self._bar_chart(name, bars, [])

	def _bar_chart(self, name: str, bars: Sequence[Bar | None], keys: Sequence[tuple[str, str]]) -> Chart:
		language, kpi, trend = self.language, self.figures.kpis[name], self.figures.trend

		def write(value: float) -> str:
			return language.short(value, thousands=True) if kpi.unit.is_money else language.quantity(value)

		values = {index: bar.value for index, bar in enumerate(bars) if bar is not None}
		last, highest = max(values), max(values, key=lambda index: values[index])
		noted = {last} | ({highest} if _apart(highest, last, len(bars), write(values[highest])) else set())
		written = [
			bar and Bar(bar.up, bar.down, bar.complete, write(bar.value) if index in noted else "")
			for index, bar in enumerate(bars)
		]
		ends = [end for bar in bars if bar for end in (bar.up, bar.down, bar.value)]
		message = self.movement(kpi, trend)
		if any(bar and not bar.complete for bar in bars):
			keys = [*keys, ("hatch", _("so far"))]
		return self._pictured(
			name,
			language.translate(BY_PERIOD[trend.every], language.translate(kpi.title)),
			message,
			lambda frame, label: charts.bars(
				written, charts.scale(ends, write, whole=kpi.unit is Unit.COUNT), frame, label
			),
			keys,
		)

	def _line_chart(self, name: str) -> Chart | None:
		language, trend = self.language, self.figures.trend
		known = trend.known(name)
		if name not in self.figures.measured or len(known) < 2 or not any(value["value"] for value in known):
			return None
		kpi = self.figures.kpis[name]
		values = trend.of(name)
		points = [point(kpi, value) for value in values]
		last = max(index for index, at in enumerate(points) if at.value is not None)
		final = [index for index, at in enumerate(points) if at.value is not None and at.complete][-1:]
		for index in {last, *(index for index in final if _apart(index, last, len(points), "00 %"))}:
			share = points[index].value or 0.0
			points[index] = point(kpi, values[index], language.percent(share, 1 if 0 < share < 0.1 else 0))
		keys: list[tuple[str, str]] = []
		if any(at.value is not None and not at.complete for at in points):
			keys.append(("hollow", _("so far: leads that still have time") if kpi.matures else _("so far")))
		if any(at.value is not None and at.few for at in points):
			keys.append(("faint", _("faint: few cases")))
		highest = max(value["value"] or 0.0 for value in known)
		decimals = 0 if highest >= 0.04 else 1
		axis = charts.scale(
			(at.value or 0 for at in points),
			lambda value: language.percent(value, decimals if value else 0),
		)
		title = (
			_("{0} by month of arrival")
			if kpi.matures and trend.every is Every.MONTH
			else BY_PERIOD[trend.every]
		)
		return self._pictured(
			name,
			language.translate(title, language.translate(kpi.title)),
			self.movement(kpi, trend),
			lambda frame, label: charts.line(points, axis, frame, label),
			keys,
		)

	def _funnel_chart(self) -> Chart | None:
		language, figures = self.language, self.figures
		stages = [
			(language.translate(name), count, language.quantity(count))
			for name, count in figures.funnel.items()
			if count
		]
		if len(stages) < 2:
			return None
		period = language.period(figures.period, figures.question.every, figures.calendar)
		return self._pictured(
			"funnel",
			language.translate(_("From lead to invoice, {0}"), period),
			language.translate(_("What was made in the period, not one group of leads followed through.")),
			lambda frame, label: charts.funnel(stages, frame, label),
			(),
			spoken=language.all_of([f"{name} {written}" for name, _count, written in stages]),
		)

	def _pictured(
		self,
		name: str,
		title: str,
		message: str,
		draw: Callable[[Frame, str], Markup],
		keys: Sequence[tuple[str, str]],
		spoken: str = "",
	) -> Chart:
		label = f"{title}: {spoken or message}"
		translated = [(token, self.language.translate(text)) for token, text in keys]
		message = message[:1].upper() + message[1:]
		wide, narrow = (draw(self.frame(size), label) for size in (WIDE, NARROW))
		return Chart(name, title, message, wide, narrow, translated)


def _apart(one: int, other: int, count: int, text: str) -> bool:
	"""Whether there is room for two such texts at two places of the narrow chart."""
	between = (NARROW[0] - 60) / count * abs(one - other)
	return between >= len(text) * 6.5
