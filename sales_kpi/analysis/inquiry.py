"""What an analysis is asked, and the facts that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from sales_kpi import catalogue
from sales_kpi.analysis import sums
from sales_kpi.analysis.masters import Masters
from sales_kpi.analysis.outcome import Outcome
from sales_kpi.analysis.sums import Keeper, as_days
from sales_kpi.analysis.values import Sight
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.reading import Reading, Span
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.sources.source import Source

if TYPE_CHECKING:
	import pandas as pd

	from sales_kpi.analysis.advice import Attained, Rule

LEAF: Mapping[By, str] = {by: leaf for by, leaf in sums.LEAF.items() if leaf}
"""The column of a fact that tells its rows apart for a scope, of those that are a part of the company."""


@dataclass(frozen=True)
class Inquiry:
	"""One question to an analysis.

	reading: of the company, as of the day of reading, limited to the scope and to what may be seen.
	first, last: the days that it is about. every, calendar: its periods.
	by: how figures are told apart; By.COMPANY for not at all.
	scope: whose figures: of a company, team, salesperson, territory or source, by its name.
	kpis: names of those that may be told of; None for all.
	options: what only this analysis asks for, by name, checked by it.
	rules: reads the rules of advice of a site; None for those of the app. attained: reads how far targets were reached.
	"""

	source: Source
	reading: Reading
	masters: Masters
	settings: Settings
	company: str
	first: date
	last: date
	every: Every = Every.MONTH
	calendar: Calendar = field(default_factory=Calendar)
	by: By = By.COMPANY
	scope_by: By = By.COMPANY
	scope: str = ""
	sight: Sight | None = None
	keeper: Keeper | None = None
	kpis: tuple[str, ...] | None = None
	options: Mapping[str, str] = field(default_factory=dict)
	rules: Callable[[], Sequence[Rule]] | None = None
	attained: Callable[[], Sequence[Attained]] | None = None

	@property
	def as_of(self) -> date:
		"""The day of reading."""
		return self.reading.as_of

	@property
	def currency(self) -> str:
		"""Of the company; '' where it names none."""
		return self.masters.companies[self.company] or ""

	def periods(self) -> list[Period]:
		"""The periods that it is about, clipped to its days."""
		return self.calendar.periods(self.first, self.last, self.every)

	def rows(
		self,
		fact: str,
		day: Span | None = None,
		since: Span | None = None,
		entities: tuple[str, ...] | None = None,
	) -> pd.DataFrame:
		"""A fact's rows, with its columns (`FACT_COLUMNS`): texts, `day` and `since` as `datetime64[ns]`, numbers as floats."""
		import pandas as pd

		reading = self.reading.narrowed(day=day or Span(), since=since or Span(), entities=entities)
		frame = self.source.run(catalogue.facts()[fact].select(reading))
		for column in ("day", "since"):
			frame[column] = pd.Series(as_days(frame[column]).astype("datetime64[ns]"), index=frame.index)
		for column in ("quantity", "amount", "estimated"):
			frame[column] = frame[column].astype(float).fillna(0.0)
		return frame


@dataclass(frozen=True)
class Analysis:
	"""One analysis, as the catalogue knows it.

	name: as in the command line. title, meaning: English, keys of the translations.
	by: how its figures may be told apart. options: further questions by name, with what they mean.
	tells: KPIs of which it tells more: whoever may not see these may not see it.
	"""

	name: str
	title: str
	meaning: str
	answer: Callable[[Inquiry], Outcome]
	by: frozenset[By] = frozenset({By.COMPANY})
	options: Mapping[str, str] = field(default_factory=dict)
	tells: tuple[str, ...] = ()


def inquiry(
	source: Source,
	masters: Masters,
	settings: Settings,
	company: str,
	first: date,
	last: date,
	as_of: date,
	*,
	every: Every = Every.MONTH,
	calendar: Calendar | None = None,
	by: By = By.COMPANY,
	scope_by: By = By.COMPANY,
	scope: str = "",
	sight: Sight | None = None,
	only: Mapping[str, tuple[str, ...]] | None = None,
	keeper: Keeper | None = None,
	kpis: tuple[str, ...] | None = None,
	options: Mapping[str, str] | None = None,
	rules: Callable[[], Sequence[Rule]] | None = None,
	attained: Callable[[], Sequence[Attained]] | None = None,
) -> Inquiry:
	"""A question about one scope.

	only: the values that a fact's dimensions may have, where not all rows may be seen. Raises InputError where it names
	what doesn't exist.
	"""
	reading = masters.reading(settings, as_of, source, company)
	only = dict(only or {})
	if scope_by is not By.COMPANY:
		leaves = _leaves(masters, scope_by, scope)
		dimension = LEAF[scope_by]
		only[dimension] = tuple(leaf for leaf in leaves if leaf in only.get(dimension, (leaf,)))
	return Inquiry(
		source,
		reading.narrowed(only=only),
		masters,
		settings,
		company,
		first,
		last,
		every,
		calendar or Calendar(),
		by,
		scope_by,
		scope if scope_by is not By.COMPANY else company,
		sight,
		keeper,
		kpis,
		options or {},
		rules,
		attained,
	)


def _leaves(masters: Masters, by: By, scope: str) -> tuple[str, ...]:
	tree = masters.territories if by is By.TERRITORY else masters.salespeople
	if by is By.SOURCE:
		return (scope,)
	if by is By.TEAM and (scope not in tree or not tree[scope].is_group):
		raise InputError("There is no team {scope}.", scope=repr(scope))
	if by is By.SALES_PERSON or scope not in tree:
		return (scope,)
	return tuple(masters.members(tree, scope))
