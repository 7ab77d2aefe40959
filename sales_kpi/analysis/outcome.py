"""What an analysis tells: a table, charts and sentences, in one shape that every surface can show.

The command line prints it, a script report lays it out in the desk, the scorecard page draws it. Nobody of these knows
which analysis it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

Cell = str | float | int | date | None
"""What stands in a table. None where there is no figure: never a NaN, never a made-up number."""


class Kind(str, Enum):
	"""What a cell holds, and so how it is written."""

	TEXT = "text"
	"""A word of ours (a template that is translated), such as a status."""
	NAME = "name"
	"""A name from the records, which is never translated."""
	COUNT = "count"
	NUMBER = "number"
	SHARE = "share"
	"""A part of a whole: 0.25 is written 25 %."""
	MONEY = "money"
	"""In the company's currency."""
	DAYS = "days"
	"""A duration in days."""
	SECONDS = "seconds"
	"""A duration in seconds, written in what people say it in."""
	DAY = "day"
	"""A date."""
	PERIOD = "period"
	"""A period of the question's calendar, by its first day."""


IN_UNIT = {
	"share, 0 to 1": Kind.SHARE,
	"money": Kind.MONEY,
	"days": Kind.DAYS,
	"seconds": Kind.SECONDS,
}
"""How a number is written that is counted in a unit, by the unit's name; all else is a plain one."""


@dataclass(frozen=True)
class Column:
	"""One column. title: English, a key of the translations. doctype: of a NAME that can be opened.

	unit_in: of a NUMBER: name of the column that says in which unit it is, row by row. For people figures are written with
	it, and that column is left out.
	"""

	name: str
	title: str
	kind: Kind
	doctype: str = ""
	unit_in: str = ""

	def kind_in(self, row: Mapping[str, Cell]) -> Kind:
		"""How its cell in a row is written."""
		return IN_UNIT.get(str(row.get(self.unit_in)), self.kind) if self.unit_in else self.kind


@dataclass(frozen=True)
class Note:
	"""A sentence for people: a template in English, a key of the translations, and what fills its {places}.

	Values that are text are names from the records, or are themselves templates if `Kind.TEXT` stands in `kinds`.
	kinds: how figures among the values are written; a number without a kind is a count.
	is_warning: whether the reader has to know it before he trusts the figures.
	"""

	sentence: str
	values: Mapping[str, Cell] = field(default_factory=dict)
	kinds: Mapping[str, Kind] = field(default_factory=dict)
	is_warning: bool = False


class Shape(str, Enum):
	"""How a chart is drawn."""

	LINE = "line"
	BAR = "bar"
	STACKED = "stacked"
	BRIDGE = "bridge"
	"""From a first total over changes to a last total."""


@dataclass(frozen=True)
class Series:
	"""A line, or the bars of one colour; as many values as the chart has labels."""

	title: str
	values: tuple[float | None, ...]
	is_name: bool = False
	"""Whether the title is a name from the records rather than a word of ours."""


@dataclass(frozen=True)
class Chart:
	"""One chart. labels: along the axis; days are written as periods by whoever shows them."""

	title: str
	shape: Shape
	kind: Kind
	labels: tuple[Cell, ...]
	series: tuple[Series, ...]


@dataclass(frozen=True)
class Outcome:
	"""The answer of an analysis. notes: first what matters most; one of them says why, where rows are missing."""

	columns: tuple[Column, ...]
	rows: tuple[Mapping[str, Cell], ...]
	charts: tuple[Chart, ...] = ()
	notes: tuple[Note, ...] = ()

	@property
	def units(self) -> frozenset[str]:
		"""Names of the columns that only say what others are counted in."""
		return frozenset(column.unit_in for column in self.columns) - {""}
