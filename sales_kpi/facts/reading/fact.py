"""The shape that every fact has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Any

from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, one_of, where
from sales_kpi.facts.reading.records import Column

FACT_COLUMNS = (
	"document",
	"day",
	"since",
	"company",
	"sales_person",
	"territory",
	"source",
	"quantity",
	"amount",
	"estimated",
)
"""The columns of every fact, in this order.

document: name of the native document (or customer) behind the row.
day: the day on which it happened; since: for what ends something, the day on which that began, else NULL.
company, sales_person, territory, source: '' when there is none.
quantity: how many, a fraction where credit is shared; amount: money, seconds or rating, as the fact says.
estimated: the part of the quantity whose day is estimated, because ERPNext doesn't keep it.
"""


class Kind(Enum):
	"""What can move a row of the fact to another day."""

	BY_DAY = "by day"
	"""Its day is the document's own date."""
	BY_ENTITY = "by entity"
	"""Its day is chosen among other documents, so that a change elsewhere can move it."""
	PER_DOCUMENT = "per document"
	"""Its single amounts matter, not only their sum."""


class Measure(Enum):
	"""What the amount of a fact is."""

	MONEY = "money"
	SECONDS = "seconds"
	RATING = "rating"
	NOTHING = "nothing"


class CreditRule(Enum):
	"""How somebody comes to be credited."""

	SALES_TEAM = "sales team"
	USER = "user"
	ACCOUNT_MANAGER = "account manager, else sales team"
	COST_CENTER = "cost center"


@dataclass(frozen=True)
class Family:
	"""Facts that rest on the same look at the records, which is most of the work, and are told by one query.

	doctype: what the rows' documents are. members: names of the facts.
	told: makes a query with FACT_COLUMNS and `which`, the number of a row's fact among the members.
	"""

	doctype: str
	members: tuple[str, ...]
	told: Callable[[Reading], Any]

	def parts(self, name: str) -> Callable[[Reading], dict[str, Any]]:
		"""The parts of one member."""

		def parts(reading: Reading) -> dict[str, Any]:
			rows = self.told(reading).as_("member")
			mine = Query.from_(rows).where(rows.which == self.members.index(name))
			return {self.doctype: mine.select(*(rows[column] for column in FACT_COLUMNS))}

		return parts

	def rows(self, statement: Reading) -> Any:
		"""The rows of all members as a part of a larger statement, narrowed to what the reading asks for."""
		return narrowed(self.told(statement), statement, "which")


def members(count: int) -> Any:
	"""The numbers of a family's members, as rows with the column `which`."""
	numbers = [Query.select(ValueWrapper(number).as_("which")) for number in range(count)]
	return reduce(lambda one, other: one.union_all(other), numbers).as_("members")


@dataclass(frozen=True)
class Fact:
	"""One fact.

	name: as in the definitions.
	meaning: one sentence for people.
	parts: for a reading, one SELECT for each doctype behind the fact (most have one), each with FACT_COLUMNS.
	records: doctypes that are read.
	credited_as: facts whose credited salespeople include all of this fact's, so that these need no look-up.
	family: the one that it is told with, if any.
	"""

	name: str
	meaning: str
	kind: Kind
	measure: Measure
	credit: CreditRule
	parts: Callable[[Reading], Mapping[str, Any]]
	records: tuple[str, ...]
	credited_as: tuple[str, ...] = ()
	family: Family | None = None

	def selects(self, reading: Reading) -> dict[str, Any]:
		"""One statement for each doctype behind the fact, narrowed to what the reading asks for."""
		statements = {}
		for doctype in self.parts(reading.statement()):
			statement = reading.statement()
			statements[doctype] = statement.shared.complete(
				narrowed(self.parts(statement)[doctype], statement)
			)
		return statements

	def select(self, reading: Reading) -> Any:
		"""The fact's statement, all its doctypes together."""
		statement = reading.statement()
		return statement.shared.complete(self.rows(statement))

	def rows(self, statement: Reading) -> Any:
		"""The same as a part of a larger statement, which has to be completed by what it shares."""
		parts = [narrowed(query, statement) for query in self.parts(statement).values()]
		return reduce(lambda one, other: one.union_all(other), parts)


def narrowed(query: Any, reading: Reading, *extra: str) -> Any:
	"""The rows of a query that the reading asks for, with the columns of a fact and some more."""
	rows = query.as_("fact")
	return where(
		Query.from_(rows).select(*(rows[column] for column in (*FACT_COLUMNS, *extra))),
		(reading.day if reading.ahead else reading.day.until(reading.as_of)).holds(rows.day),
		reading.since.holds(rows.since),
		reading.of_company(rows.company),
		reading.of_entities(rows.document),
		[one_of(rows[dimension], values) for dimension, values in reading.only.items()],
	)


def row(reading: Reading, query: Any, **columns: Any) -> Any:
	"""Give a query the columns of a fact, in order; strings and numbers are literals.

	Columns left out are NULL (`since`), '' (names), 1 (`quantity`) or 0.
	"""
	given = {
		"since": reading.dialect.null(Column.DATE),
		"sales_person": "",
		"territory": "",
		"source": "",
		"quantity": 1,
		"amount": 0,
		"estimated": 0,
	} | columns
	return query.select(*(literal(given.pop(name)).as_(name) for name in FACT_COLUMNS))


def literal(value: Any) -> Term:
	"""A term as it is; a string bound; a number written out."""
	if isinstance(value, Term):
		return value
	return Bound(value) if isinstance(value, str) else ValueWrapper(value)
