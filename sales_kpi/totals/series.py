"""Series: the facts whose sums are kept, each with or without customers that stand for many, and what they were made by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from sales_kpi import catalogue
from sales_kpi.analysis.entries import FORMAT
from sales_kpi.analysis.masters import Masters
from sales_kpi.facts.reading.fact import Fact, Kind
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.facts.reading.records import RECORDS
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.sources.source import Source
from sales_kpi.totals.touches import KEPT

DIMENSIONS = ("", "sales_person", "territory", "source")
"""What sums are kept by: the company alone, or one column besides. Two at once hardly compress: they are read live."""

_NEVER_MIND = date(2000, 1, 1)


@dataclass(frozen=True)
class Series:
	"""A fact whose sums are kept.

	with_life: without the documents of customers that stand for many. fingerprint: of the statement that it is read by:
	another one means other sums.
	"""

	fact: Fact
	with_life: bool
	fingerprint: str

	@property
	def name(self) -> str:
		return series_name(self.fact.name, self.with_life)

	@property
	def single(self) -> bool:
		"""Whether each row is kept by itself, not only sums of a day."""
		return self.fact.kind is not Kind.BY_DAY

	@property
	def by_entity(self) -> bool:
		return self.fact.kind is Kind.BY_ENTITY

	@property
	def family(self) -> str:
		"""What is read by one statement."""
		first = self.fact.family.members[0] if self.fact.family else self.fact.name
		return series_name(first, self.with_life)


def series_name(fact: str, with_life: bool) -> str:
	"""The name under which the sums of a fact are kept."""
	return f"{fact} (with life)" if with_life else fact


def reading_of_all(source: Source, settings: Settings, masters: Masters, as_of: date) -> Reading:
	"""A reading of all companies; rows of days to come are kept."""
	names = list(masters.companies)
	return Reading(
		schema=masters.schema,
		settings=settings,
		as_of=as_of,
		dialect=source.dialect,
		only_company=names[0] if len(names) == 1 else "",
		ahead=True,
	)


def all_series(reading: Reading) -> dict[str, Series]:
	"""All series of a site, by name."""
	key = (
		repr(reading.settings),
		reading.only_company,
		reading.dialect.name,
		tuple((doctype, reading.schema.columns.get(f"tab{doctype}")) for doctype in RECORDS),
		tuple(catalogue.kpis()),
	)
	if key not in _known:
		if len(_known) > 50:
			_known.clear()
		_known[key] = _all_series(reading)
	return _known[key]


_known: dict[Any, dict[str, Series]] = {}
"""Series by what they depend on: writing out all statements takes longer than reading their sums."""


def _all_series(reading: Reading) -> dict[str, Series]:
	facts = catalogue.facts()
	wanted = [(facts[name], False) for name in KEPT]
	if reading.settings.not_one_customer:
		wanted += [(facts[name], True) for name in KEPT if name in _asked_with_life()]
	found = {}
	for fact, with_life in wanted:
		asked = reading.narrowed(as_of=_NEVER_MIND, with_life=with_life)
		text = fact.select(asked).get_sql(quote_char='"')
		series = Series(fact, with_life, hashlib.sha256(f"{FORMAT}{text}".encode()).hexdigest()[:32])
		found[series.name] = series
	return found


def _asked_with_life() -> set[str]:
	"""Facts that some KPI asks for without the customers that stand for many."""
	return {
		term.fact
		for kpi in catalogue.kpis().values()
		for total in kpi.formula.totals()
		for _, term in total.terms
		if term.with_life
	}
