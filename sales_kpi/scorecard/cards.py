"""The cards of a scorecard: one KPI of the period each, large or in brief."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sales_kpi.analysis.values import Value
from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Mean, Quantile, Sum
from sales_kpi.scorecard import charts
from sales_kpi.scorecard.figures import FEW
from sales_kpi.scorecard.words import sentence
from sales_kpi.scorecard.writer import Writer, is_few, point

_ = sentence

FIRST = (
	"sales_volume",
	"average_deal_value",
	"lead_conversion_rate",
	"win_rate",
	"sales_cycle",
	"new_customers",
	"churn_rate",
	"customer_satisfaction",
	"deals",
	"repeat_rate",
	"gross_margin",
	"customer_lifetime_value",
	"bookings",
	"pipeline_value",
	"customer_acquisition_cost",
	"clv_to_cac",
)
"""Who looks for two minutes reads these first; where one has no value, the next moves up."""

CARDS = 8

CARD, BRIEF = (220, 34), (96, 22)
"""Sizes of sparklines."""

SAMPLES: dict[str, tuple[str, str]] = {
	"sales_volume": (_("{1} deal"), _("{1} deals")),
	"average_deal_value": (_("{1} deal"), _("{1} deals")),
	"gross_margin": (_("{1} deal with known cost"), _("{1} deals with known cost")),
	"bookings": (_("{1} order"), _("{1} orders")),
	"average_order_value": (_("{1} order"), _("{1} orders")),
	"quote_to_order_rate": (_("{0} of {1} quotation"), _("{0} of {1} quotations")),
	"lead_conversion_rate": (_("{0} of {1} lead"), _("{0} of {1} leads")),
	"win_rate": (_("{0} of {1} decided"), _("{0} of {1} decided")),
	"sales_cycle": (_("{1} first contract"), _("{1} first contracts")),
	"opportunity_cycle": (_("{1} won opportunity"), _("{1} won opportunities")),
	"customer_lifetime_value": (_("{1} customer"), _("{1} customers")),
	"customer_acquisition_cost": (_("{1} new customer"), _("{1} new customers")),
	"clv_to_cac": (_("{1} new customer"), _("{1} new customers")),
	"churn_rate": (_("{0} of {1} customer"), _("{0} of {1} customers")),
	"repeat_rate": (_("{0} of {1} deal"), _("{0} of {1} deals")),
	"customer_satisfaction": (_("{0} of {1} answer"), _("{0} of {1} answers")),
	"average_call_duration": (_("{1} timed call"), _("{1} timed calls")),
	"first_response_time": (_("{1} answered opportunity"), _("{1} answered opportunities")),
	"pipeline_velocity": (_("{1} win in a year"), _("{1} wins in a year")),
}
"""What a figure rests on, one and many: {0} the numerator, {1} the size of the sample."""

BETTER, WORSE = _("better"), _("worse")


@dataclass(frozen=True)
class Change:
	"""A change in words. state: better, worse, or '' when it can't be judged or there is none. arrow: ▲, ▼ or ''."""

	text: str
	state: str = ""
	arrow: str = ""


@dataclass(frozen=True)
class Card:
	"""One KPI of the period. value '' where there is none in this period."""

	name: str
	title: str
	value: str
	unit: str
	few: bool
	change: Change | None
	notes: Sequence[str]
	spark: Markup


@dataclass(frozen=True)
class Cards(Writer):
	"""Writes the cards."""

	def chosen(self) -> tuple[list[str], list[str]]:
		"""KPIs shown large, and the others that have a value in any period."""
		measured = self.figures.measured
		now = [name for name in measured if self.now(name) is not None]
		own = [name for name in FIRST if name in now]
		first = [*own, *(name for name in now if name not in own)][:CARDS]
		return first, [name for name in measured if name not in first]

	def card(self, name: str, brief: bool = False) -> Card:
		"""A KPI of the period; in brief, with no more notes than what keeps its figure from being misread."""
		language, kpi = self.language, self.figures.kpis[name]
		title, now = language.translate(kpi.title), self.now(name)
		if now is None or now["value"] is None:
			return Card(
				name,
				title,
				"",
				"",
				False,
				None,
				[language.translate(_("No figure in this period"))],
				self._spark(kpi, brief),
			)
		few = is_few(kpi, now)
		return Card(
			name=name,
			title=title,
			value=language.value(now["value"], kpi.unit),
			unit=language.unit(kpi.unit, now["currency"]),
			few=few,
			change=self._change(kpi, now, few),
			notes=[note for note in (self._warnings if brief else self._notes)(kpi, now, few) if note],
			spark=self._spark(kpi, brief),
		)

	def _notes(self, kpi: Kpi, now: Value, few: bool) -> Iterator[str]:
		language = self.language
		yield self._sample(kpi, now)
		for title, value in self.figures.beside.get(kpi.name, {}).items():
			yield language.translate(
				_("{0}: {1}"), language.translate(title), self._beside(kpi, title, value)
			)
		if kpi.name == "churn_rate":
			days = language.number(self.figures.settings.churn_after_days)
			yield language.translate(_("known {0} days after the last purchase"), days)
		yield from self._warnings(kpi, now, few)
		if kpi.matures and not now["complete"]:
			final = self.figures.history.latest_final(kpi.name)
			if final is not None and final["value"] is not None:
				period = self.figures.calendar.period(final["period_start"], self.figures.question.every)
				yield language.translate(
					_("Last final: {0} ({1})"),
					language.value(final["value"], kpi.unit),
					language.period(period, self.figures.question.every, self.figures.calendar),
				)

	def _warnings(self, kpi: Kpi, now: Value, few: bool) -> Iterator[str]:
		language = self.language
		if few:
			yield language.translate(_("too few to judge"))
		if now["estimated"] >= 0.005:
			yield language.translate(
				_("{0} of it rests on estimated dates"), language.percent(now["estimated"], 0)
			)
		if kpi.matures and not now["complete"]:
			final_on = self.figures.final_on(now)
			yield language.translate(_("so far, final on {0}"), language.day(final_on, self.figures.calendar))

	def _beside(self, kpi: Kpi, title: str, value: float) -> str:
		formula = kpi.beside[title]
		if isinstance(formula, (Mean, Quantile)):
			unit = self.language.unit(kpi.unit, None)
			return f"{self.language.quantity(round(value) if value >= 10 else value)} {unit}".strip()
		return self.language.quantity(value) if isinstance(formula, Sum) else self.language.percent(value, 0)

	def _sample(self, kpi: Kpi, value: Value) -> str:
		"""What a figure rests on."""
		language, n = self.language, value["n"]
		if kpi.name in SAMPLES:
			one, many = SAMPLES[kpi.name]
			return language.translate(
				one if n == 1 else many, language.quantity(value["numerator"] or 0), language.quantity(n)
			)
		return "" if isinstance(kpi.formula, Sum) else language.translate(_("n = {0}"), language.quantity(n))

	def _change(self, kpi: Kpi, now: Value, few: bool) -> Change | None:
		"""How a figure moved against the period before."""
		figures, language = self.figures, self.language
		before = figures.before.get(kpi.name)
		earlier = language.earlier(figures.earlier, figures.question.every, figures.calendar)
		if before is None or before["value"] is None or now["value"] is None:
			# Where nothing has anything before, that is said once, at the top.
			return (
				Change(language.translate(_("no figure of {0} to compare with"), earlier))
				if figures.before
				else None
			)
		if not figures.complete:
			against = _("{0} on {1} at the same day")
		elif kpi.matures and not now["complete"]:
			against = _("{0} on {1} at the same age")
		else:
			against = _("{0} on {1}")
		difference = now["value"] - before["value"]
		moved = self._moved(kpi.unit, difference, before["value"])
		if not moved:
			same = _("as in {0} at the same day") if not figures.complete else _("as in {0}")
			return Change(language.translate(same, earlier))
		text = language.translate(against, moved, earlier)
		arrow = "▲" if difference > 0 else "▼"
		if few or is_few(kpi, before) or kpi.good is Good.NEITHER or _is_noise(kpi, now, before):
			return Change(text, "", arrow)
		return Change(text, BETTER if (difference > 0) == (kpi.good is Good.UP) else WORSE, arrow)

	def _moved(self, unit: Unit, difference: float, before: float) -> str:
		"""A difference in the terms of its unit, '' when it rounds to nothing."""
		language = self.language
		if unit is Unit.PERCENT:
			points = round(difference * 100, 1)
			return (
				language.translate(_("{0} points"), language.number(points, 1, sign=True)) if points else ""
			)
		if unit.is_money and before > 0:
			share = difference / before
			if abs(share) < 0.0005:
				return ""
			digits = 1 if abs(share) < 0.1 else 0
			return language.signed_percent(share, digits)
		if unit is Unit.SECONDS:
			more = _("{0} longer") if difference > 0 else _("{0} shorter")
			return language.translate(more, language.duration(difference)) if abs(difference) >= 1 else ""
		if unit is Unit.DAYS:
			days = language.quantity(difference, sign=True)
			return language.translate(_("{0} days"), days) if abs(difference) >= 0.05 else ""
		if unit is Unit.RATIO:
			return language.number(difference, 1, sign=True) if abs(difference) >= 0.05 else ""
		if unit.is_money:
			return language.short(difference, sign=True) if abs(difference) >= 0.5 else ""
		return language.quantity(difference, sign=True) if abs(difference) >= 0.05 else ""

	def _spark(self, kpi: Kpi, brief: bool) -> Markup:
		trend = self.figures.trend
		if len(trend.known(kpi.name)) < 2:
			return Markup("")
		label = self.language.translate(
			_("{0}: {1}"), self.language.translate(kpi.title), self.movement(kpi, trend)
		)
		points = [point(kpi, value) for value in trend.of(kpi.name)]
		return charts.sparkline(points, self.frame(BRIEF if brief else CARD), label)

	def summary(self, cards: Sequence[Card]) -> Iterator[tuple[str, str]]:
		"""What got better and what got worse: (state, sentence)."""
		figures, language = self.figures, self.language
		earlier = language.earlier(figures.earlier, figures.question.every, figures.calendar)
		if cards and not figures.before:
			yield (
				"",
				language.translate(
					_("The records begin in this period, so there is nothing before to compare with.")
				),
			)
		if figures.complete:
			sentences = {BETTER: _("Better than {0}: {1}"), WORSE: _("Worse than {0}: {1}")}
		else:
			sentences = {
				BETTER: _("Better than {0} at the same day: {1}"),
				WORSE: _("Worse than {0} at the same day: {1}"),
			}
		for state, text in sentences.items():
			titles = [card.title for card in cards if card.change and card.change.state == state]
			if titles:
				yield state, language.translate(text, earlier, language.all_of(titles))


def _is_noise(kpi: Kpi, now: Value, before: Value) -> bool:
	"""Whether two counts are so small that their difference says nothing."""
	counted = kpi.unit is Unit.COUNT
	return counted and max(now["value"] or 0.0, before["value"] or 0.0) < FEW
