"""The reports of the analyses: what one of them tells, as Frappe's reports show it, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import frappe
from frappe import _
from frappe.utils.jinja_globals import is_rtl

from sales_kpi import catalogue
from sales_kpi.analysis.outcome import Cell, Chart, Column, Kind, Note, Outcome, Shape
from sales_kpi.analysis.values import Question
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Unit
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import COLORS, UNASSIGNED, Table, question_of, rounded

UNITS = {
	Kind.COUNT: Unit.COUNT,
	Kind.SHARE: Unit.PERCENT,
	Kind.MONEY: Unit.CURRENCY,
	Kind.DAYS: Unit.DAYS,
	Kind.SECONDS: Unit.SECONDS,
}

RISE, FALL, TOTAL = "#009E73", "#D55E00", "#7F7F7F"

NOTHING = "hsla(0, 0%, 100%, 0)"
"""Transparent, as frappe-charts takes it: it leaves out a colour that it doesn’t know, and the others move up."""

WIDTHS = {Kind.NAME: 200, Kind.TEXT: 200, Kind.DAY: 110, Kind.SHARE: 110, Kind.COUNT: 100}

LONG = 40
"""A text of more characters has a wide column."""

MOST_SERIES = 8

DUST = 1e-9
"""What floats leave behind, as a part of the largest number."""


def build(asker: Asker, filters: frappe._dict, name: str) -> Table:
	"""The table for one reader."""
	analysis = catalogue.analysis(name)
	given = {**filters, "by": filters.get("by") or By.COMPANY.value}
	question = question_of(given, asker.settings)
	scope_by, scope = _scope(filters)
	if scope_by is By.COMPANY and not {kpi.name for kpi in asker.kpis}.issuperset(analysis.tells):
		# The workspace offers the report to everybody in sales: this is an answer, and no error.
		text = _(
			"{0} is told to those who may see its KPIs. An administrator decides that in the list of KPIs."
		)
		return Table(messages=[words.html(text.format(_(analysis.title)))], summary=None)
	options = {key: str(filters[key]) for key in analysis.options if filters.get(key)}
	if "language" in analysis.options:
		options["language"] = "fa" if words.language() == "fa" else "en"
	outcome = asker.analysis(name, question, scope_by, scope, options)
	return Told(asker, question, outcome).table()


def _scope(filters: Mapping[str, Any]) -> tuple[By, str]:
	"""Whose figures are asked for: the company's where nothing else is said."""
	given, scope = filters.get("scope_by") or By.COMPANY.value, filters.get("scope") or ""
	try:
		by = By(given)
	except ValueError:
		raise InputError(_("There is no {0} {1}.").format(_("scope"), str(given)[:140])) from None
	if not isinstance(scope, str):
		raise InputError(_("{0} must be one name.").format(_("Scope")))
	if by is By.COMPANY or not scope:
		return By.COMPANY, ""
	return by, "" if scope == UNASSIGNED else scope


@dataclass(frozen=True)
class Told:
	"""An outcome, told to one reader."""

	asker: Asker
	question: Question
	outcome: Outcome

	def table(self) -> Table:
		"""Columns, rows, sentences and the first chart."""
		return Table(
			columns=[self._column(column) for column in self.outcome.columns],
			rows=self._rows(),
			messages=[self.sentence(note) for note in self.outcome.notes],
			chart=next((self.chart(chart) for chart in self.outcome.charts if chart.labels), None),
			summary=None,
		)

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def currency(self) -> str | None:
		"""Of the company."""
		return self.asker.masters.companies.get(self.question.company) or None

	def written(self, value: Cell, kind: Kind) -> str:
		"""A cell for people, as plain text."""
		if value is None:
			return words.NOTHING
		if kind is Kind.TEXT:
			return str(_(str(value))) if value else ""
		if kind is Kind.NAME:
			return str(value) or words.unassigned()
		if isinstance(value, date):
			if kind is Kind.PERIOD:
				return self._period(value)
			return words.day(value, self.question.calendar)
		if isinstance(value, str):
			return value
		if kind is Kind.NUMBER:
			whole = abs(value - round(value)) < 0.005
			return self.speaker.together(self.speaker.number(value, 0 if whole else 2))
		unit = UNITS.get(kind)
		return self.speaker.figure(float(value), unit, self.currency) if unit else str(value)

	def sentence(self, note: Note) -> str:
		"""A note as HTML, in the reader's language."""
		text = words.html(_(note.sentence))
		filled = {
			name: words.html(self.written(value, self._kind(note, name, value)))
			for name, value in note.values.items()
		}
		for name, value in filled.items():
			text = text.replace(f"{{{name}}}", f"<bdi>{value}</bdi>")
		return f'<span class="text-warning">⚠</span> {text}' if note.is_warning else text

	@staticmethod
	def _kind(note: Note, name: str, value: Cell) -> Kind:
		kind = note.kinds.get(name)
		if kind is not None:
			return kind
		if isinstance(value, date):
			return Kind.DAY
		return Kind.NAME if isinstance(value, str) else Kind.COUNT

	# Table

	def _column(self, column: Column) -> dict[str, Any]:
		is_text = column.kind in (Kind.TEXT, Kind.NAME, Kind.DAY, Kind.PERIOD)
		longest = max(
			(len(str(row.get(column.name) or "")) for row in self.outcome.rows) if is_text else (0,),
			default=0,
		)
		title = str(_(column.title))
		told = {
			"fieldname": column.name,
			"label": title,
			"fieldtype": "Data" if is_text else "Float",
			"width": 420
			if longest > LONG
			else max(170 if column.unit_in else WIDTHS.get(column.kind, 130), _room(title)),
			"kind": column.kind.value,
			"doctype": column.doctype,
		}
		if column.name in self.outcome.units:
			told["hidden"] = 1
		if is_text:
			told["align"] = words.start()
		return told

	def _rows(self) -> list[dict[str, Any]]:
		"""Plain values for exports; what ends in `_text` is shown, and what ends in `_link` may be opened."""
		readable = {column.name: self._readable(column) for column in self.outcome.columns if column.doctype}
		rows = []
		for row in self.outcome.rows:
			told: dict[str, Any] = {}
			for column in self.outcome.columns:
				value = row.get(column.name)
				text = self.written(value, column.kind_in(row))
				if column.kind in (Kind.TEXT, Kind.NAME):
					told[column.name] = "" if value is None else text
				elif isinstance(value, date):
					told[column.name] = value.isoformat()
				else:
					told[column.name] = rounded(value) if isinstance(value, float) else value
				told[f"{column.name}_text"] = text
				if value in readable.get(column.name, ()):
					told[f"{column.name}_link"] = value
			rows.append(told)
		return rows

	def _readable(self, column: Column) -> frozenset[str]:
		names = [str(row[column.name]) for row in self.outcome.rows if row.get(column.name)]
		return frozenset(self.asker.readable_names(column.doctype, list(dict.fromkeys(names))))

	# Chart

	def chart(self, chart: Chart) -> dict[str, Any]:
		"""A chart as frappe-charts draws it; a missing value is null, which the report's script shows as a gap."""
		labels = [self._label(label) for label in chart.labels]
		values = [value for series in chart.series for value in series.values]
		factor, unit = words.axis(UNITS.get(chart.kind, Unit.COUNT), values)
		if chart.kind is Kind.MONEY:
			unit = self.currency or ""
		title = words.html(_(chart.title)) + (f" ({unit})" if unit else "")
		if chart.shape is Shape.BRIDGE:
			datasets, colors = _bridge([value or 0.0 for value in chart.series[0].values], factor)
		else:
			shown = chart.series[:MOST_SERIES]
			datasets = [
				{
					"name": words.html(series.title if series.is_name else _(series.title))
					or words.unassigned(),
					"values": [
						None if value is None else round(value * factor, 4) for value in series.values
					],
				}
				for series in shown
			]
			colors = list(COLORS[: len(datasets)])
		if is_rtl():
			labels.reverse()
			for dataset in datasets:
				dataset["values"].reverse()
		return {
			"data": {"labels": labels, "datasets": datasets},
			"type": "line" if chart.shape is Shape.LINE else "bar",
			"title": title,
			"colors": colors,
			"barOptions": {"stacked": chart.shape in (Shape.STACKED, Shape.BRIDGE), "spaceRatio": 0.4},
			"lineOptions": {"showDots": 1, "dotSize": 4},
			"is_bridge": chart.shape is Shape.BRIDGE,
		}

	def _period(self, first: date) -> str:
		"""The period that begins on a day."""
		period = self.question.calendar.period(first, self.question.every)
		return self.question.calendar.label(period, self.question.every, words.language())

	def _label(self, label: Cell) -> str:
		if isinstance(label, date):
			period = self.question.calendar.period(label, self.question.every)
			if period.start == label:
				return words.html(words.tick(period, self.question.every, self.question.calendar))
			return words.html(words.day(label, self.question.calendar))
		return words.html(
			_(label) if isinstance(label, str) and label else words.unassigned() if label == "" else label
		)


def _room(title: str) -> int:
	"""Pixels that a title takes above its column, as far as a table can spare them."""
	return min(8 * len(title) + 30, 260)


def _bridge(steps: Sequence[float], factor: float) -> tuple[list[dict[str, Any]], list[str]]:
	"""Bars from a first total over changes to a last total: each change begins where the one before has ended.

	Where the way leads below zero there is no bar to stand on, and the changes are drawn as they are.
	"""
	values = [value * factor for value in steps]
	levels, level = [values[0]], values[0]
	for value in values[1:-1]:
		level += value
		levels.append(level)
	if min([*levels, values[-1]]) < -DUST * max(map(abs, values)):
		return [{"name": _("Change"), "values": [round(value, 4) for value in values]}], [TOTAL]
	base, rise, fall, total = ([0.0] * len(values) for _part in range(4))
	total[0], total[-1] = values[0], values[-1]
	for place, value in enumerate(values[1:-1], start=1):
		base[place] = max(min(levels[place - 1], levels[place]), 0.0)
		(rise if value >= 0 else fall)[place] = abs(value)
	parts: Iterable[tuple[str, list[float]]] = (
		("", base),
		(_("Total"), total),
		(_("More"), rise),
		(_("Less"), fall),
	)
	datasets = [{"name": name, "values": [round(value, 4) for value in part]} for name, part in parts]
	return datasets, [NOTHING, TOTAL, RISE, FALL]
