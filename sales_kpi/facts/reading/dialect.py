"""What differs between databases: the day of a moment, gaps between days and moments, quoting.

Everything else in a fact is SQL that MariaDB, PostgreSQL, SQLite and DuckDB read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pypika import Case
from pypika.enums import Arithmetic
from pypika.functions import Cast
from pypika.terms import ArithmeticExpression, Function, Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.records import Column


def coalesce(*terms: Any) -> Term:
	"""First of the terms that is not NULL; strings among them are bound."""
	return Function("COALESCE", *(Bound(term) if isinstance(term, str) else term for term in terms))


def text(term: Any) -> Term:
	"""A text column with NULL read as '' (rule 10)."""
	return coalesce(term, "")


def filled(term: Any) -> Term:
	"""A text column with '' read as NULL, to be given to `coalesce`."""
	return Function("NULLIF", term, Bound(""))


def number(term: Any) -> Term:
	"""A numeric column with NULL read as 0."""
	return coalesce(term, 0)


def nonzero(term: Any) -> Term:
	"""A numeric expression with 0 read as NULL, as a divisor or to be given to `coalesce`."""
	return Function("NULLIF", term, 0)


@dataclass(frozen=True)
class Dialect:
	"""How one database says what SQL leaves open. This class speaks as MariaDB does."""

	name: str = "mysql"
	quote: str = "`"

	def day(self, moment: Term) -> Term:
		"""The day (DATE) of a moment."""
		return Cast(moment, "DATE")

	def days_between(self, earlier: Term, later: Term) -> Term:
		"""Whole days from one day to another."""
		return Function("DATEDIFF", later, earlier)

	def plus_days(self, day: Term, days: int) -> Term:
		"""The day some days later."""
		return Function("DATE_ADD", day, _Keyword(f"INTERVAL {int(days)} DAY"))

	def seconds_between(self, earlier: Term, later: Term) -> Term:
		"""Seconds from one moment to another."""
		return Function("TIMESTAMPDIFF", _Keyword("SECOND"), earlier, later)

	def position(self, haystack: Term, needle: str) -> Term:
		"""Place of a text in another, counted from 1; 0 where it isn't found."""
		return Function("INSTR", haystack, Bound(needle))

	def later(self, one: Term, other: Term) -> Term:
		"""The later of two days; NULL where `one` is (GREATEST and MAX differ in this)."""
		return Case().when(one < other, other).else_(one)

	def null(self, column: Column) -> Term:
		"""NULL of a type."""
		return Cast(ValueWrapper(None), self.cast_types()[column])

	def cast_types(self) -> Mapping[Column, str]:
		"""Types that CAST takes in this database."""
		return {
			Column.TEXT: "CHAR",
			Column.DATE: "DATE",
			Column.MOMENT: "DATETIME",
			Column.TIME: "TIME",
			Column.NUMBER: "DECIMAL(21,9)",
			Column.INTEGER: "SIGNED",
		}


class _Keyword(Term):  # type: ignore[misc]
	"""Bare words inside a function, such as a unit of time."""

	def __init__(self, word: str) -> None:
		super().__init__()
		self.word = word

	def get_sql(self, **kwargs: Any) -> str:
		return self.word


class _Standard(Dialect):
	"""Types that PostgreSQL and DuckDB share."""

	def cast_types(self) -> Mapping[Column, str]:
		return {
			Column.TEXT: "VARCHAR",
			Column.DATE: "DATE",
			Column.MOMENT: "TIMESTAMP",
			Column.TIME: "TIME",
			Column.NUMBER: "DECIMAL(21,9)",
			Column.INTEGER: "INTEGER",
		}

	def days_between(self, earlier: Term, later: Term) -> Term:
		return ArithmeticExpression(Arithmetic.sub, later, earlier)

	def plus_days(self, day: Term, days: int) -> Term:
		return ArithmeticExpression(Arithmetic.add, day, ValueWrapper(int(days)))

	def position(self, haystack: Term, needle: str) -> Term:
		return Function("STRPOS", haystack, Bound(needle))


class PostgreSQL(_Standard):
	"""PostgreSQL 13 and later."""

	def seconds_between(self, earlier: Term, later: Term) -> Term:
		return Function("DATE_PART", Bound("epoch"), ArithmeticExpression(Arithmetic.sub, later, earlier))


class DuckDB(_Standard):
	"""DuckDB 1.0 and later."""

	def seconds_between(self, earlier: Term, later: Term) -> Term:
		return ArithmeticExpression(Arithmetic.sub, Function("EPOCH", later), Function("EPOCH", earlier))


class SQLite(Dialect):
	"""SQLite 3.25 and later, days and moments kept as ISO text."""

	def day(self, moment: Term) -> Term:
		return Function("DATE", moment)

	def days_between(self, earlier: Term, later: Term) -> Term:
		gap = ArithmeticExpression(
			Arithmetic.sub, Function("JULIANDAY", later), Function("JULIANDAY", earlier)
		)
		return Cast(Function("ROUND", gap), "INTEGER")

	def plus_days(self, day: Term, days: int) -> Term:
		return Function("DATE", day, Bound(f"{int(days):+d} days"))

	def seconds_between(self, earlier: Term, later: Term) -> Term:
		since_1970 = Bound("%s")
		return ArithmeticExpression(
			Arithmetic.sub, Function("STRFTIME", since_1970, later), Function("STRFTIME", since_1970, earlier)
		)

	def cast_types(self) -> Mapping[Column, str]:
		return {
			Column.TEXT: "TEXT",
			Column.DATE: "TEXT",
			Column.MOMENT: "TEXT",
			Column.TIME: "TEXT",
			Column.NUMBER: "REAL",
			Column.INTEGER: "INTEGER",
		}


DIALECTS: dict[str, Dialect] = {
	"mysql": Dialect("mysql", "`"),
	"mariadb": Dialect("mariadb", "`"),
	"postgresql": PostgreSQL("postgresql", '"'),
	"postgres": PostgreSQL("postgres", '"'),
	"sqlite": SQLite("sqlite", '"'),
	"duckdb": DuckDB("duckdb", '"'),
}
