"""A whole scorecard: figures put into words and pictures, ready for the template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sales_kpi.kpis.definition import Good
from sales_kpi.scorecard.cards import Card, Cards
from sales_kpi.scorecard.figures import Figures
from sales_kpi.scorecard.people import People, Table
from sales_kpi.scorecard.pictures import Chart, Pictures
from sales_kpi.scorecard.reasons import explain
from sales_kpi.scorecard.words import Language, sentence
from sales_kpi.scorecard.writer import Writer

_ = sentence


@dataclass(frozen=True)
class Missing:
	"""A KPI without any value, why, and what to do about it."""

	title: str
	why: str
	fix: str


@dataclass(frozen=True)
class Definition:
	"""What a KPI means."""

	title: str
	meaning: str
	formula: str
	moved_by: str
	good: str


@dataclass(frozen=True)
class Page:
	"""A whole scorecard, in words."""

	company: str
	period: str
	days: str
	calendar: str
	so_far: str
	as_of: str
	summary: Sequence[tuple[str, str]]
	cards: Sequence[Card]
	tiles: Sequence[Card]
	charts: Sequence[Chart]
	table: Table | None
	missing: Sequence[Missing]
	definitions: Sequence[Definition]


def page(figures: Figures, language: Language) -> Page:
	"""Put figures into words and pictures."""
	return _Whole(figures, language).page()


@dataclass(frozen=True)
class _Whole(Writer):
	def page(self) -> Page:
		figures, language, calendar = self.figures, self.language, self.figures.calendar
		every, period = figures.question.every, figures.period
		label = language.period(period, every, calendar)
		days = language.days(period, calendar)
		cards = Cards(figures, language)
		first, others = cards.chosen()
		large = [cards.card(name) for name in first]
		return Page(
			company=figures.question.company,
			period=label,
			days="" if days == label else days,
			calendar=language.calendar(calendar),
			so_far=""
			if figures.complete
			else language.translate(
				_("so far, {0} of {1} days"), language.number(figures.elapsed), language.number(period.days)
			),
			as_of=language.day(figures.question.as_of, calendar),
			summary=list(cards.summary(large)),
			cards=large,
			tiles=[cards.card(name, brief=True) for name in others],
			charts=Pictures(figures, language).charts(),
			table=People(figures, language).table(),
			missing=list(self._missing()),
			definitions=[self._definition(name) for name in [*first, *others]],
		)

	def _missing(self) -> Iterator[Missing]:
		measured = set(self.figures.measured)
		for name, kpi in self.figures.kpis.items():
			if name not in measured:
				why, fix = explain(kpi, self.figures.reason(name), self.language.translate)
				yield Missing(self.language.translate(kpi.title), why, fix)

	def _definition(self, name: str) -> Definition:
		translate, kpi = self.language.translate, self.figures.kpis[name]
		good = {
			Good.UP: _("More is better."),
			Good.DOWN: _("Less is better."),
			Good.NEITHER: _("Neither more nor less is better in itself."),
		}[kpi.good]
		return Definition(
			translate(kpi.title),
			translate(kpi.meaning),
			str(kpi.formula),
			translate(kpi.moved_by),
			translate(good),
		)
