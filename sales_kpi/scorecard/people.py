"""The table of a scorecard: teams with their salespeople, and the company as their total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sales_kpi.analysis.values import NO_MAPPING
from sales_kpi.kpis.definition import Unit
from sales_kpi.scorecard import charts
from sales_kpi.scorecard.charts import Frame
from sales_kpi.scorecard.figures import TABLE_KPIS, History
from sales_kpi.scorecard.reasons import BY_REASON
from sales_kpi.scorecard.words import sentence
from sales_kpi.scorecard.writer import Writer, is_few, point

_ = sentence

ROW = (96, 22)
"""Size of a sparkline."""

COLUMNS: dict[str, str] = {
	"sales_volume": _("Volume"),
	"deals": _("Deals"),
	"lead_conversion_rate": _("Conversion"),
	"win_rate": _("Win rate"),
	"sales_cycle": _("Cycle"),
	"new_customers": _("New customers"),
	"churn_rate": _("Churn"),
}


@dataclass(frozen=True)
class Cell:
	"""A figure of the table; few: too few cases to rank."""

	text: str
	few: bool = False


@dataclass(frozen=True)
class Row:
	"""A line of the table. kind: team, person, unassigned or total. share: of the largest volume, in percent."""

	name: str
	kind: str
	depth: int
	cells: Sequence[Cell]
	share: float
	spark: Markup | None


@dataclass(frozen=True)
class Table:
	"""Teams with their salespeople. columns: (title, what it is of). few: whether any figure rests on few cases.

	hints: what would make the table tell more.
	"""

	columns: Sequence[tuple[str, str]]
	rows: Sequence[Row]
	few: bool
	left_out: int
	spark: bool
	hints: Sequence[str]


@dataclass(frozen=True)
class People(Writer):
	"""Writes the table."""

	def table(self) -> Table | None:
		figures, language = self.figures, self.language
		columns = [name for name in TABLE_KPIS if name in figures.measured]
		if "sales_volume" not in columns:
			return None
		rows = list(self._rows(columns))
		people = {name for name, node in figures.masters.salespeople.items() if not node.is_group}
		shown = {name for name, history in figures.people.items() if not history.is_empty}
		return Table(
			columns=[(language.translate(COLUMNS[name]), self._column_note(name)) for name in columns],
			rows=rows,
			few=any(cell.few for row in rows for cell in row.cells),
			left_out=len((people & set(figures.people)) - shown),
			spark=any(row.spark for row in rows),
			hints=list(self._hints(columns)),
		)

	def _hints(self, columns: Sequence[str]) -> Iterator[str]:
		figures, translate = self.figures, self.language.translate
		unassigned, total = figures.people.get(""), figures.history.last("sales_volume")
		value = unassigned.last("sales_volume") if unassigned else None
		if value and total and (value["value"] or 0.0) > 0.5 * abs(total["value"] or 0.0):
			yield translate(_("Most of the volume has no salesperson."))
			yield translate(
				_(
					"Fill in the Sales Team of customers and invoices, or choose in the settings whom to credit without one."
				)
			)
		if not figures.masters.mapped and {"lead_conversion_rate", "win_rate"} & set(columns):
			yield from (translate(text) for text in BY_REASON[NO_MAPPING])

	def _column_note(self, name: str) -> str:
		"""What a column is of, where that isn't the period: of leads, the last that had their time."""
		if name == "lead_conversion_rate":
			period = self.figures.history.periods[self._cohort]
			return self.language.translate(
				_("leads of {0}"),
				self.language.period(period, self.figures.question.every, self.figures.calendar),
			)
		if name == "sales_cycle":
			return self.language.translate(_("days"))
		if name == "sales_volume":
			currency = self.figures.masters.companies[self.figures.question.company]
			return self.language.unit(Unit.CURRENCY, currency)
		return ""

	@property
	def _cohort(self) -> int:
		"""Index of the period whose leads the table tells of."""
		values = self.figures.history.of("lead_conversion_rate")
		final = [
			i for i, value in enumerate(values) if value and value["complete"] and value["value"] is not None
		]
		return final[-1] if final else len(values) - 1

	def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
		figures, tree = self.figures, self.figures.masters.salespeople
		children: dict[str, list[str]] = {}
		for name, node in tree.items():
			children.setdefault(node.parent if node.parent in tree else "", []).append(name)
		top = children.get("", [])
		if len(top) == 1 and tree[top[0]].is_group:
			# One node above all others is the company's total again; its own credit, if any, stands as a person's.
			yield from self._person(top[0], columns, 0)
			top = children.get(top[0], [])
		yield from self._branch(top, children, columns, 0)
		unknown = [name for name in figures.people if name and name not in tree]
		for name in sorted(unknown, key=self._by_volume):
			yield from self._person(name, columns, 0)
		unassigned = figures.people.get("")
		if unassigned is not None and not unassigned.is_empty:
			name = self.language.translate(_("Unassigned"))
			yield self._row(name, "unassigned", 0, columns, unassigned, figures.people_trend.get(""))
		name = self.language.translate(_("Company total"))
		yield self._row(name, "total", 0, columns, figures.history, figures.trend)

	def _branch(
		self, names: Sequence[str], children: dict[str, list[str]], columns: Sequence[str], depth: int
	) -> Iterator[Row]:
		figures, tree = self.figures, self.figures.masters.salespeople
		for name in sorted(names, key=self._by_volume):
			if not tree[name].is_group:
				yield from self._person(name, columns, depth)
				continue
			team = figures.teams.get(name)
			if team is None or team.is_empty:
				continue
			yield self._row(name, "team", depth, columns, team, figures.teams_trend.get(name))
			yield from self._person(name, columns, depth + 1)
			yield from self._branch(children.get(name, []), children, columns, depth + 1)

	def _by_volume(self, name: str) -> tuple[float, str]:
		history = self.figures.teams.get(name) or self.figures.people.get(name)
		value = history.last("sales_volume") if history else None
		return -((value["value"] if value else None) or 0.0), name

	def _person(self, name: str, columns: Sequence[str], depth: int) -> Iterator[Row]:
		"""The row of whoever is credited by name; a team may be, too."""
		history = self.figures.people.get(name)
		if history is None or history.is_empty:
			return
		node = self.figures.masters.salespeople.get(name)
		shown = self.language.translate(_("{0} (credited itself)"), name) if node and node.is_group else name
		yield self._row(shown, "person", depth, columns, history, self.figures.people_trend.get(name))

	def _row(
		self,
		name: str,
		kind: str,
		depth: int,
		columns: Sequence[str],
		history: History,
		trend: History | None,
	) -> Row:
		cells = [self._cell(column, history) for column in columns]
		share = 0.0
		value = history.last("sales_volume")
		if kind == "person" and value and self._largest:
			share = max((value["value"] or 0.0) / self._largest * 100, 0.0)
		return Row(name, kind, depth, cells, share, self._row_spark(name, trend))

	@property
	def _largest(self) -> float:
		last = (history.last("sales_volume") for name, history in self.figures.people.items() if name)
		return max(((value["value"] or 0.0) for value in last if value), default=0.0)

	def _cell(self, name: str, history: History) -> Cell:
		language, kpi = self.language, self.figures.kpis[name]
		values = history.of(name)
		value = values[self._cohort if kpi.matures else -1]
		if value is None or value["value"] is None:
			return Cell("–")
		few = is_few(kpi, value)
		if kpi.unit is Unit.PERCENT:
			if few:
				numerator, denominator = value["numerator"] or 0.0, value["denominator"] or 0.0
				text = language.translate(
					_("{0} of {1}"), language.quantity(numerator), language.quantity(denominator)
				)
				return Cell(text, True)
			return Cell(language.percent(value["value"], 0))
		if kpi.unit.is_money:
			return Cell(
				language.short(value["value"]) if self._largest >= 1e8 else language.number(value["value"])
			)
		return Cell(language.quantity(value["value"]), few)

	def _row_spark(self, name: str, trend: History | None) -> Markup | None:
		if trend is None or len(trend.known("sales_volume")) < 2:
			return None
		kpi = self.figures.kpis["sales_volume"]
		points = [point(kpi, value) for value in trend.of("sales_volume")]
		label = self.language.translate(_("{0}: {1}"), name, self.movement(kpi, trend))
		return charts.sparkline(points, Frame(*ROW, self.language.right_to_left), label)
