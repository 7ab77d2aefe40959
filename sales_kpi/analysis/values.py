"""The values of KPIs for periods and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, TypedDict

from sales_kpi import catalogue
from sales_kpi.analysis.masters import Masters, read_masters
from sales_kpi.analysis.sums import FactSums, Keeper
from sales_kpi.facts.reading.fact import CreditRule
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, one_of
from sales_kpi.facts.reading.settings import CreditFallback, Settings
from sales_kpi.kpis.definition import By, Kpi, Needs
from sales_kpi.kpis.formula import Figure, Formula, Quotient, Total
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.sources.source import Source


class Value(TypedDict):
	"""One value. The fields are stable: other programs read them.

	period_end: the last day inside. by: company, sales-person, team, territory or source; scope: the name of one, ''
	for unassigned. value, numerator, denominator: None where there is none. n: size of the sample. complete: whether
	the figure is final. reason: why there is no value, or why it isn't final. estimated: share that rests on estimated
	days. currency: of the company, for money.
	"""

	kpi: str
	period_start: date
	period_end: date
	company: str
	by: str
	scope: str
	value: float | None
	numerator: float | None
	denominator: float | None
	n: float
	complete: bool
	reason: str | None
	estimated: float
	unit: str
	currency: str | None


VALUE_FIELDS: tuple[str, ...] = tuple(Value.__annotations__)

NEEDS_SETTING, NO_MAPPING, TOO_EARLY, LOW_COVERAGE, NO_RECORDS = (
	"needs-setting",
	"no-mapping",
	"too-early",
	"low-coverage",
	"no-records",
)


@dataclass(frozen=True)
class Question:
	"""What somebody wants to know.

	kpis: their names, all that make sense in the scope if None. as_of: the day of reading.
	"""

	company: str
	first: date
	last: date
	every: Every = Every.MONTH
	by: By = By.COMPANY
	kpis: tuple[str, ...] | None = None
	as_of: date = field(default_factory=date.today)
	calendar: Calendar = field(default_factory=Calendar)

	def periods(self) -> list[Period]:
		"""The periods asked for, clipped to the range."""
		return self.calendar.periods(self.first, self.last, self.every)

	def chosen(self) -> list[Kpi]:
		"""The KPIs asked for that make sense in the scope, in the order of the catalogue."""
		known = catalogue.kpis()
		wanted = {catalogue.kpi(name).name for name in self.kpis} if self.kpis is not None else set(known)
		return [kpi for kpi in known.values() if kpi.name in wanted and self.by in kpi.scopes]


@dataclass(frozen=True)
class Scope:
	"""Something that figures are given for, and the leaves that it is made of."""

	name: str
	leaves: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
	"""The part of the facts that somebody may see, where it isn't all.

	scopes: the scopes to give instead of all that the question asks for. only: the values that a fact's dimensions may
	have, as in `Reading.only`.
	"""

	scopes: tuple[Scope, ...]
	only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def compute(
	source: Source,
	question: Question,
	settings: Settings | None = None,
	masters: Masters | None = None,
	sight: Sight | None = None,
	keeper: Keeper | None = None,
) -> list[Value]:
	"""The values that a question asks for: one for each KPI, period and scope, of what may be seen if not all may.

	keeper: who keeps sums of these records up to date, if anybody does; the values are the same with and without.

	Raises InputError where the question or the settings name what doesn't exist, SourceError where the records can't
	be read.
	"""
	settings = settings or Settings()
	chosen = question.chosen()
	periods = question.periods()
	masters = masters or read_masters(source, settings)
	reading = masters.reading(settings, question.as_of, source, question.company)
	if sight is not None:
		reading = reading.narrowed(only=sight.only)
	sums = FactSums(source, reading, catalogue.facts(), periods, question.by, keeper)
	sums.load(_totals(chosen), _distributions(chosen))
	scopes = list(sight.scopes) if sight is not None else _scopes(source, masters, sums, question)
	sums.arrange([scope.leaves for scope in scopes])
	return [value for kpi in chosen for value in _values(kpi, sums, scopes, question, masters, settings)]


def _formulas(kpis: Iterable[Kpi]) -> Iterable[Formula]:
	return (kpi.formula for kpi in kpis)


def _totals(kpis: Sequence[Kpi]) -> list[Total]:
	totals = [total for formula in _formulas(kpis) for total in formula.totals()]
	return totals + [kpi.estimates for kpi in kpis if kpi.estimates is not None]


def _distributions(kpis: Sequence[Kpi]) -> list[Any]:
	return [distribution for formula in _formulas(kpis) for distribution in formula.distributions()]


# Scopes


def _scopes(source: Source, masters: Masters, sums: FactSums, question: Question) -> list[Scope]:
	by = question.by
	if by is By.COMPANY:
		return [Scope(question.company, ("",))]
	if by is By.TEAM:
		people = masters.salespeople
		groups = [node.name for node in people.values() if node.is_group]
		return [Scope(name, tuple(masters.members(people, name))) for name in groups]
	if by is By.TERRITORY:
		tree = masters.territories
		nodes = [Scope(name, tuple(masters.members(tree, name))) for name in tree]
		return nodes + [Scope(name, (name,)) for name in _others(sums, tree)]
	if by is By.SOURCE:
		return [Scope(name, (name,)) for name in [*masters.channels, *_others(sums, masters.channels)]]
	own = [node.name for node in masters.salespeople.values() if node.enabled and not node.is_group]
	credited = sorted(_credited(source, sums, masters, set(own)) | (set(sums.leaves) - set(own) - {""}))
	return [Scope(name, (name,)) for name in [*own, *credited, ""]]


def _others(sums: FactSums, known: Iterable[str]) -> list[str]:
	"""What rows name beyond the masters, '' last."""
	return [*sorted(set(sums.leaves) - set(known) - {""}), ""]


def _credited(source: Source, sums: FactSums, masters: Masters, known: set[str]) -> set[str]:
	"""Salespeople beyond the known ones who are credited in any fact up to the day of reading.

	Few are ever in question (disabled ones, groups, names that exist no more), so facts are searched for these alone.
	"""
	reading = sums.reading
	team = reading.table("Sales Team")
	# A plain column: an index on it tells its distinct values without a look at every row.
	named = source.run(Query.from_(team).select(team.sales_person.as_("name")).distinct())["name"]
	in_teams = {str(name) for name in named if name}
	candidates = in_teams | set(masters.mapped) | set(reading.settings.cost_center_sales_person.values())
	kept = sums.keeper.credited(reading) if sums.keeper else None
	found = kept.surely - known - {""} if kept else set()
	candidates = (candidates | (kept.perhaps if kept else set())) - known - {""}
	by_rule = _possibly_credited(reading, masters, in_teams)
	for fact in catalogue.facts().values():
		remaining = sorted((candidates - found) & by_rule[fact.credit])
		if not remaining or fact.credited_as:
			continue
		statement = reading.statement()
		if kept and fact.name in kept.missing and not kept.perhaps.intersection(remaining):
			missing = kept.missing[fact.name]
			if not missing:
				continue
			statement = missing.of(statement)
		rows = fact.rows(statement).as_("row")
		query = (
			Query.from_(rows).where(one_of(rows.sales_person, remaining)).select(rows.sales_person).distinct()
		)
		found |= {str(name) for name in source.run(statement.shared.complete(query))["sales_person"]}
	return found


def _possibly_credited(reading: Reading, masters: Masters, in_teams: set[str]) -> dict[CreditRule, set[str]]:
	"""Salespeople whom a rule of credit can reach at all."""
	settings = reading.settings
	users = set(masters.mapped)
	return {
		CreditRule.SALES_TEAM: in_teams
		if settings.credit_fallback is CreditFallback.NONE
		else in_teams | users,
		CreditRule.USER: users,
		CreditRule.ACCOUNT_MANAGER: in_teams | users,
		CreditRule.COST_CENTER: set(settings.cost_center_sales_person.values()),
	}


# Values


def _values(
	kpi: Kpi,
	sums: FactSums,
	scopes: Sequence[Scope],
	question: Question,
	masters: Masters,
	settings: Settings,
) -> Iterator[Value]:
	import numpy as np

	figure = kpi.formula.compute(sums)
	estimated = _estimated(kpi, sums, figure)
	forbidden = _forbids(kpi, question.by, settings)
	if forbidden and isinstance(kpi.formula, Quotient):
		# What it divides by is a KPI itself, which has no value here either.
		figure = replace(figure, denominator=figure.denominator * float("nan"))
	unmapped = [_nobody_maps(kpi, scope, question.by, masters) for scope in scopes]
	window = timedelta(days=settings.conversion_window_days if kpi.matures else 0)
	currency = (masters.companies[question.company] or None) if kpi.unit.is_money else None
	shape = figure.value.shape
	low = figure.low_coverage if figure.low_coverage is not None else np.zeros(shape)
	# Lists of plain numbers: to ask an array for each of its numbers takes longer than all else here.
	columns = zip(
		*(
			_plain_rows(numbers)
			for numbers in (figure.value, figure.numerator, figure.denominator, figure.n, estimated, low)
		),
		strict=True,
	)
	for period, of_period in zip(sums.periods, columns, strict=True):
		known_on = period.last_day + window
		complete = period.is_whole and known_on <= question.as_of
		for scope, is_unmapped, value, numerator, denominator, n, share, is_low in zip(
			scopes, unmapped, *of_period, strict=True
		):
			if forbidden:
				value = None
			if value is not None:
				reason = None if complete else TOO_EARLY
			elif forbidden or is_unmapped:
				reason = forbidden or NO_MAPPING
			elif known_on > question.as_of:
				reason = TOO_EARLY
			else:
				reason = LOW_COVERAGE if is_low else NO_RECORDS
			yield Value(
				kpi=kpi.name,
				period_start=period.start,
				period_end=period.last_day,
				company=question.company,
				by=question.by.value,
				scope=scope.name,
				value=value,
				numerator=numerator,
				denominator=denominator,
				n=n if n is not None else float("nan"),
				complete=complete,
				reason=reason,
				estimated=share if share is not None else float("nan"),
				unit=kpi.unit.value,
				currency=currency,
			)


def _plain_rows(numbers: Any) -> list[list[float | None]]:
	"""Rows of an array as plain numbers, None where there is none."""
	return [
		[None if number != number else number for number in row] for row in numbers.astype(float).tolist()
	]


def _estimated(kpi: Kpi, sums: FactSums, figure: Figure) -> Any:
	import numpy as np

	if kpi.estimates is None:
		return np.zeros(figure.value.shape)
	all_of_them = sums.total(kpi.estimates.measured("quantity"))
	share = sums.total(kpi.estimates.measured("estimated")) / np.where(all_of_them == 0, 1.0, all_of_them)
	return np.where(all_of_them == 0, 0.0, share)


def _forbids(kpi: Kpi, by: By, settings: Settings) -> str | None:
	"""Why a KPI can't have a value whatever the records say: a setting or a mapping of cost is missing."""
	if Needs.ACQUISITION_ACCOUNTS in kpi.needs and not settings.acquisition_accounts:
		return NEEDS_SETTING
	if kpi.mapped_cost and not _cost_is_mapped(by, settings):
		return NO_MAPPING
	return None


def _cost_is_mapped(by: By, settings: Settings) -> bool:
	return {
		By.COMPANY: True,
		By.SALES_PERSON: any(settings.cost_center_sales_person.values()),
		By.TEAM: any(settings.cost_center_sales_person.values()),
		By.SOURCE: any(settings.cost_center_source.values()),
		By.TERRITORY: False,
	}[by]


def _nobody_maps(kpi: Kpi, scope: Scope, by: By, masters: Masters) -> bool:
	"""Whether a KPI that is credited by user can't be credited here, because no user maps to this scope."""
	if by not in (By.SALES_PERSON, By.TEAM) or not scope.name:
		return False
	facts = catalogue.facts()
	by_user = all(facts[name].credit is CreditRule.USER for name in kpi.formula.facts())
	return by_user and not masters.mapped.intersection(scope.leaves)
