"""The native documents behind a figure: they add up to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypedDict

from pypika.functions import Sum

from sales_kpi import catalogue
from sales_kpi.analysis.masters import Masters, read_masters, unknown
from sales_kpi.analysis.sums import LEAF, Keeper, as_days, before_lag, days_of, lag_of, months_later
from sales_kpi.analysis.values import Question, Sight, Value, compute
from sales_kpi.errors import InputError, Word
from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import Fact, Kind
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import DIMENSIONS, Reading, Span, one_of
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.kpis.formula import Distribution, Of, Term, Total
from sales_kpi.periods import Every, Period
from sales_kpi.sources.source import Source


class Document(TypedDict):
	"""One document behind a figure, with what it contributes.

	part: the part of the formula that it belongs to; the contributions of a part add up to it. In the part `sample` of a
	median each row is one of the values that the median is taken of: `amount` is that value and the contribution its
	weight. doctype: of the document. since: day on which what ended then began.
	"""

	part: str
	fact: str
	doctype: str
	document: str
	day: date
	since: date | None
	sales_person: str
	territory: str
	source: str
	quantity: float
	amount: float
	contribution: float


DOCUMENT_FIELDS: tuple[str, ...] = tuple(Document.__annotations__)


@dataclass(frozen=True)
class DocumentList:
	"""A figure and the documents that it is made of, oldest first within each part."""

	value: Value
	documents: list[Document]

	def sums(self) -> dict[str, float]:
		"""What the contributions of each part add up to."""
		sums: dict[str, float] = {}
		for document in self.documents:
			sums[document["part"]] = sums.get(document["part"], 0.0) + document["contribution"]
		return {part: round(total, 9) for part, total in sums.items()}


def documents(
	source: Source,
	question: Question,
	scope: str,
	settings: Settings | None = None,
	masters: Masters | None = None,
	sight: Sight | None = None,
	keeper: Keeper | None = None,
) -> DocumentList:
	"""The documents behind one KPI in one scope, over all days of the question, of what may be seen if not all may.

	Raises InputError where the question names more than one KPI, or a scope that doesn't exist.
	"""
	settings = settings or Settings()
	masters = masters or read_masters(source, settings)
	if question.kpis is None or len(question.kpis) != 1:
		raise InputError("Documents are listed for one KPI at a time: name it.")
	kpi = catalogue.kpi(question.kpis[0])
	if question.by not in kpi.scopes:
		known = ", ".join(sorted(by.value for by in kpi.scopes))
		raise InputError(
			"{kpi} is not measured by {by}, only by {known}.",
			kpi=Word(kpi.title),
			by=Word(question.by.value),
			known=known,
		)
	asked = replace(question, every=Every.RANGE)
	values = {value["scope"]: value for value in compute(source, asked, settings, masters, sight, keeper)}
	if scope not in values:
		raise unknown(question.by.value, scope, values)
	leaves = _leaves(masters, question.by, scope)
	if sight is not None:
		leaves = next(list(seen.leaves) for seen in sight.scopes if seen.name == scope)
	dimensions = DIMENSIONS if LEAF[question.by] == "sales_person" else DIMENSIONS - {"sales_person"}
	only = sight.only if sight is not None else {}
	reading = masters.reading(settings, question.as_of, source, question.company).narrowed(
		dimensions=dimensions | frozenset(only), only=only
	)
	period = Period(question.first, question.last + timedelta(days=1))
	found: list[Document] = []
	for part, of in kpi.formula.parts().items():
		rows = [
			row
			for sign, term in _terms(of)
			for row in _rows(source, reading, period, question.by, leaves, sign, term)
		]
		found += [
			_named(row, part, of) for row in sorted(rows, key=lambda row: (row["day"], row["document"]))
		]
	return DocumentList(values[scope], found)


def _leaves(masters: Masters, by: By, scope: str) -> list[str] | None:
	if by is By.COMPANY:
		return None
	if by is By.TEAM:
		return masters.members(masters.salespeople, scope)
	if by is By.TERRITORY and scope in masters.territories:
		return masters.members(masters.territories, scope)
	return [scope]


def _terms(of: Total | Distribution) -> list[tuple[int, Term]]:
	if isinstance(of, Distribution):
		return [(1, Term(of.fact, over=of.over))]
	return list(of.terms)


def _rows(
	source: Source, reading: Reading, period: Period, by: By, leaves: list[str] | None, sign: int, term: Term
) -> Iterator[Document]:
	fact = catalogue.facts()[term.fact]
	lag = lag_of(fact.name, reading)
	span = days_of(period, term.over)
	first = before_lag(span.first, lag) if span.first else None
	when = {"since": span} if term.cohort else {"day": Span(first, span.last)}
	narrowed = reading.narrowed(with_life=term.with_life, **when)
	for doctype, select in fact.selects(narrowed).items():
		frame = source.run(_grouped(select, fact, LEAF[by], leaves))
		if not len(frame):
			continue
		days, since = as_days(frame["day"]), as_days(frame["since"])
		counted = months_later(days, lag)
		for number, row in enumerate(frame.to_dict("records")):
			day, began = days[number].item(), since[number].item()
			document = Document(
				part="",
				fact=fact.name,
				doctype=doctype,
				document=str(row["document"]),
				day=day,
				since=began,
				sales_person=str(row["sales_person"]),
				territory=str(row["territory"]),
				source=str(row["source"]),
				quantity=float(row["quantity"]),
				amount=float(row["amount"] or 0),
				contribution=0.0,
			)
			if lag and not _within(counted[number].item(), span):
				continue
			if _counts(document, term, reading.settings):
				measured = document["quantity"] if term.measure == "quantity" else document["amount"]
				if term.weighted:
					measured = document["quantity"] * document["amount"]
				document["contribution"] = sign * measured
				yield document


def _grouped(select: Any, fact: Fact, leaf: str | None, leaves: list[str] | None) -> Any:
	"""One row for each document and whoever is credited; amounts are summed where they are sums."""
	rows = select.as_("row")
	keys = [rows[name] for name in ("document", "day", "since", "sales_person", "territory", "source")]
	single = fact.kind is Kind.PER_DOCUMENT
	if single:
		keys.append(rows.amount)
	query = Query.from_(rows).groupby(*keys).select(*keys, Sum(rows.quantity).as_("quantity"))
	if not single:
		query = query.select(Sum(rows.amount).as_("amount"))
	if leaf and leaves is not None:
		query = query.where(one_of(text(rows[leaf]), leaves))
	return query


def _within(day: date, span: Span) -> bool:
	return (span.first is None or day >= span.first) and (span.last is None or day <= span.last)


def _counts(document: Document, term: Term, settings: Settings) -> bool:
	"""Whether a row meets the conditions of a term that SQL didn't see to."""
	if term.cohort:
		since = document["since"]
		return since is not None and (document["day"] - since).days <= settings.conversion_window_days
	if term.at_least is not None:
		return document["amount"] >= term.at_least - 1e-9
	return term.above is None or document["amount"] > term.above


def _named(row: Document, part: str, of: Total | Distribution) -> Document:
	row["part"] = part
	if isinstance(of, Distribution):
		row["contribution"] = row["quantity"]
		if of.of is Of.GAP and row["since"] is not None:
			row["amount"] = float((row["day"] - row["since"]).days)
	return row
