"""The figures that a scorecard shows: values, what they are compared with, their history, and the table of people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from sales_kpi import catalogue
from sales_kpi.analysis.masters import Masters, read_masters
from sales_kpi.analysis.sums import FactSums
from sales_kpi.analysis.values import TOO_EARLY, Question, Value, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.kpis.formula import A, Distribution, Q, Sum, Total
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.scorecard.words import sentence
from sales_kpi.sources.source import Source

_ = sentence

PERIODS = 13
"""The period and the twelve before it: of months, the same month a year ago is the first."""

FEW = 10
"""Below this many cases a ratio or median is shown, but not judged."""

TABLE_KPIS = (
	"sales_volume",
	"deals",
	"lead_conversion_rate",
	"win_rate",
	"sales_cycle",
	"new_customers",
	"churn_rate",
)

FUNNEL = {
	_("Leads"): Q("lead"),
	_("Opportunities"): Q("opportunity"),
	_("Quotations"): Q("quotation"),
	_("Orders"): Q("order"),
	_("Invoices"): Q("sale"),
}

INVOICED, RETURNED = A("sale"), A("credit_note")

_ZERO_IS_A_FINDING = {"new_customers": "deals"}
"""A sum that may well be 0 all year, by the sum that shows whether its records are kept at all."""

_FINER = {
	Every.YEAR: Every.QUARTER,
	Every.QUARTER: Every.MONTH,
	Every.MONTH: Every.WEEK,
	Every.WEEK: Every.DAY,
}


@dataclass(frozen=True)
class History:
	"""Values of one scope over periods that follow one another, by KPI.

	None stands for a period before the records begin: its zeros would be an invention.
	"""

	every: Every
	periods: Sequence[Period]
	values: Mapping[str, Sequence[Value]]
	begins: int

	def of(self, kpi: str) -> list[Value | None]:
		values = self.values.get(kpi)
		if values is None:
			return [None] * len(self.periods)
		return [None if index < self.begins else value for index, value in enumerate(values)]

	def last(self, kpi: str) -> Value | None:
		return self.of(kpi)[-1]

	def known(self, kpi: str) -> list[Value]:
		return [value for value in self.of(kpi) if value is not None and value["value"] is not None]

	def latest_final(self, kpi: str) -> Value | None:
		"""The last value that won't change any more."""
		final = [value for value in self.known(kpi) if value["complete"]]
		return final[-1] if final else None

	def since(self, begins: int) -> History:
		"""Only the periods from one on: what precedes all records needs no room."""
		return History(
			self.every,
			self.periods[begins:],
			{kpi: values[begins:] for kpi, values in self.values.items()},
			max(self.begins - begins, 0),
		)

	@property
	def is_empty(self) -> bool:
		"""Whether nothing at all was recorded for the scope."""
		return self.begins >= len(self.periods)


@dataclass(frozen=True)
class Figures:
	"""Everything that one scorecard is written from.

	period: the whole calendar period. before: values of the period before it, cut off at the same day or age where
	the period is still running. trend: the same periods as `history`, or shorter ones for a company that is too young
	for these. invoiced, returned: amounts in the periods of the trend. funnel: counts in the period.
	people, teams: histories of the table's KPIs; people_trend, teams_trend: of sales volume, in the trend's periods.
	beside: further figures of the period by KPI and title.
	"""

	question: Question
	masters: Masters
	kpis: Mapping[str, Kpi]
	period: Period
	earlier: Period
	history: History
	before: Mapping[str, Value]
	trend: History
	invoiced: Sequence[float]
	returned: Sequence[float]
	funnel: Mapping[str, float]
	people: Mapping[str, History]
	teams: Mapping[str, History]
	people_trend: Mapping[str, History]
	teams_trend: Mapping[str, History]
	beside: Mapping[str, Mapping[str, float]]
	settings: Settings

	def final_on(self, value: Value) -> date:
		"""The day on which a figure that matures won't change any more."""
		return value["period_end"] + timedelta(days=self.settings.conversion_window_days)

	@property
	def calendar(self) -> Calendar:
		return self.question.calendar

	@property
	def elapsed(self) -> int:
		"""Days of the period that are over."""
		return min((self.question.as_of - self.period.start).days + 1, self.period.days)

	@property
	def complete(self) -> bool:
		return self.elapsed == self.period.days

	@cached_property
	def measured(self) -> list[str]:
		"""KPIs that have a value in any period, in the order of the catalogue."""
		return [name for name in self.kpis if self._is_measured(name)]

	def _is_measured(self, name: str) -> bool:
		known = self.history.known(name)
		if not isinstance(self.kpis[name].formula, Sum):
			return bool(known)
		if any(value["value"] or value["n"] for value in known):
			return True
		return bool(known) and any(
			value["n"] for value in self.history.known(_ZERO_IS_A_FINDING.get(name, ""))
		)

	def reason(self, name: str) -> str:
		"""Why a KPI has no value: the latest reason that says more than that it's too early."""
		reasons = [value["reason"] or "no-records" for value in self.history.values[name]]
		telling = [reason for reason in reasons if reason != TOO_EARLY]
		return (telling or reasons)[-1]


def figures(source: Source, question: Question, settings: Settings | None = None) -> Figures:
	"""Compute what the scorecard of the period in which `question.last` lies shows."""
	settings = settings or Settings()
	masters = read_masters(source, settings)
	period = question.calendar.period(question.last, question.every)
	if period.start > question.as_of:
		raise InputError(f"The period from {period.start} begins after the day of reading, {question.as_of}.")
	asked = _Asked(source, question, settings, masters)
	span = _span(question.calendar, period, question.every)
	company = asked.histories(span, question.every, By.COMPANY)[question.company]
	people = asked.histories(span, question.every, By.SALES_PERSON, TABLE_KPIS)
	teams = asked.histories(span, question.every, By.TEAM, TABLE_KPIS)
	trends = company, people, teams
	finer = _FINER.get(question.every)
	if finer and 0 < len(company.periods) - company.begins < 3:
		days = _finer_span(question, company.periods[company.begins], period, finer)
		trends = (
			asked.histories(days, finer, By.COMPANY)[question.company],
			asked.histories(days, finer, By.SALES_PERSON, TABLE_KPIS[:1]),
			asked.histories(days, finer, By.TEAM, TABLE_KPIS[:1]),
		)
	begins = trends[0].begins
	trend = trends[0].since(begins)
	sums = asked.sums(trend.periods or [period], [INVOICED, RETURNED])
	counts = asked.sums([period], list(FUNNEL.values()))
	earlier = question.calendar.previous(period, question.every)
	chosen = {kpi.name: kpi for kpi in replace(question, by=By.COMPANY).chosen()}
	comparable = len(company.periods) > 1 and company.begins < len(company.periods) - 1
	return Figures(
		question=question,
		masters=masters,
		kpis=chosen,
		period=period,
		earlier=earlier,
		history=company,
		before=asked.before(company, period, earlier) if comparable else {},
		trend=trend,
		invoiced=[float(value) for value in sums.total(INVOICED)[:, 0]],
		returned=[float(value) for value in sums.total(RETURNED)[:, 0]],
		funnel={stage: float(counts.total(total)[0, 0]) for stage, total in FUNNEL.items()},
		people=people,
		teams=teams,
		people_trend={name: history.since(begins) for name, history in trends[1].items()},
		teams_trend={name: history.since(begins) for name, history in trends[2].items()},
		beside=asked.beside(period, chosen.values()),
		settings=settings,
	)


@dataclass(frozen=True)
class _Asked:
	source: Source
	question: Question
	settings: Settings
	masters: Masters

	def compute(self, **changes: object) -> list[Value]:
		return compute(self.source, replace(self.question, **changes), self.settings, self.masters)  # type: ignore[arg-type]

	def histories(
		self, days: tuple[date, date], every: Every, by: By, kpis: Sequence[str] | None = None
	) -> dict[str, History]:
		"""Histories by scope. Records begin for all on the same day: the first on which any scope has some."""
		first, last = days
		chosen = self.question.kpis if kpis is None else tuple(kpis)
		rows = self.compute(first=first, last=last, every=every, by=by, kpis=chosen)
		by_scope: dict[str, dict[str, list[Value]]] = {}
		for row in rows:
			by_scope.setdefault(row["scope"], {}).setdefault(row["kpi"], []).append(row)
		periods = replace(self.question, first=first, last=last, every=every).periods()
		if not by_scope and by is By.COMPANY:
			by_scope = {self.question.company: {}}
		return {
			scope: History(every, periods, values, _begins(values, len(periods)))
			for scope, values in by_scope.items()
		}

	def before(self, company: History, period: Period, earlier: Period) -> dict[str, Value]:
		"""What each KPI was in the period before: at the same day, or for cohorts at the same age, while it runs."""
		values = {name: of[-2] for name, of in company.values.items()}
		running = self.question.as_of < period.last_day
		young = [
			name
			for name, of in company.values.items()
			if running or (catalogue.kpi(name).matures and not of[-1]["complete"])
		]
		if not young:
			return values
		if running:
			as_of = earlier.start + (self.question.as_of - period.start)
		else:
			as_of = earlier.last_day + (self.question.as_of - period.last_day)
		last = min(earlier.last_day, as_of)
		rows = self.compute(first=earlier.start, last=last, as_of=as_of, by=By.COMPANY, kpis=tuple(young))
		return values | {row["kpi"]: row for row in rows}

	def beside(self, period: Period, kpis: Iterable[Kpi]) -> dict[str, dict[str, float]]:
		"""Further figures of the period that help to read a KPI, by KPI and their titles."""
		formulas = {kpi.name: kpi.beside for kpi in kpis if kpi.beside}
		every = [formula for beside in formulas.values() for formula in beside.values()]
		totals = [total for formula in every for total in formula.totals()]
		distributions = [distribution for formula in every for distribution in formula.distributions()]
		sums = self.sums([period], totals, distributions)
		figures = {
			name: {title: float(formula.compute(sums).value[0, 0]) for title, formula in beside.items()}
			for name, beside in formulas.items()
		}
		return {
			name: {title: value for title, value in beside.items() if value == value}
			for name, beside in figures.items()
		}

	def sums(
		self, periods: Sequence[Period], totals: Sequence[Total], distributions: Sequence[Distribution] = ()
	) -> FactSums:
		"""Sums that no KPI holds by itself, for the company."""
		reading = self.masters.reading(self.settings, self.question.as_of, self.source, self.question.company)
		sums = FactSums(self.source, reading, catalogue.facts(), periods, By.COMPANY)
		sums.load(totals, distributions)
		sums.arrange([("",)])
		return sums


def _span(calendar: Calendar, period: Period, every: Every) -> tuple[date, date]:
	first = period
	for _ in range(PERIODS - 1):
		first = calendar.previous(first, every)
	return first.start, period.last_day


def _finer_span(question: Question, known: Period, period: Period, every: Every) -> tuple[date, date]:
	"""Whole finer periods from the first known period on, at most as many as a trend has."""
	calendar = question.calendar
	end = calendar.period(min(period.last_day, question.as_of), every)
	first = end
	for _ in range(PERIODS - 1):
		if first.start <= known.start:
			break
		first = calendar.previous(first, every)
	return first.start, end.last_day


def _begins(values: Mapping[str, Sequence[Value]], count: int) -> int:
	"""Index of the first period in which anything was recorded."""
	for index in range(count):
		if any(of[index]["value"] or of[index]["n"] for of in values.values()):
			return index
	return count
