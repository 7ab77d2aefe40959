"""The report KPI Sales Activity: what people do beside what comes of it.

Rows stand in the order of names, never of figures: whoever is ranked by calls makes more calls, not more deals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.values import Question, Value
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Unit
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.places import Place, key_of, places_of
from sales_kpi.site.report import Table, check_size, number_of_scopes, question_of, titles

ACTIVITIES = ("calls", "average_call_duration", "meetings", "emails", "first_response_time")
RESULTS = ("deals", "sales_volume")
DECIDED = "win_rate"
"""Its numerator are the won deals."""

WIDTHS = {
	"calls": 75, "average_call_duration": 160, "meetings": 90, "emails": 80, "first_response_time": 150, "win_rate": 95,
}  # fmt: skip

FEW = 5
"""Won deals below which a figure for each deal says little."""

Figures = Mapping[str, Value]


@dataclass(frozen=True)
class Line:
	"""One scope in one period, or in the whole range."""

	label: str
	place: Place
	figures: Figures

	@property
	def won(self) -> float | None:
		"""Deals won; None where nobody may see them."""
		decided = self.figures.get(DECIDED)
		if decided is None:
			return None
		return decided["numerator"] or 0.0

	@property
	def calls_per_deal(self) -> float | None:
		"""Calls for each won deal; None without a deal."""
		calls = self.figures.get("calls")
		if calls is None or calls["value"] is None or not self.won:
			return None
		return calls["value"] / self.won


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	question = question_of({**filters, "by": filters.get("by") or By.SALES_PERSON.value}, asker.settings)
	mine = {kpi.name for kpi in asker.kpis}
	chosen = tuple(name for name in (*ACTIVITIES, DECIDED, *RESULTS) if name in mine)
	if not mine & set(ACTIVITIES):
		raise InputError(_("You may see no KPI of activity."))
	question = replace(question, kpis=chosen)
	check_size(len(question.periods()), len(chosen), number_of_scopes(asker, question.by))
	lines = [line for line in _lines(asker, question) if _is_told(line)]
	return Table(
		columns=_columns(chosen, question.by),
		rows=_rows(lines, chosen),
		messages=_messages(lines),
		summary=None,
	)


def _lines(asker: Asker, question: Question) -> Iterator[Line]:
	"""By period and place, and of several periods the whole range last."""
	values = asker.values(question)
	periods = question.periods()
	places = places_of(asker, question.by, values)
	found: dict[tuple[Any, ...], dict[str, Value]] = {}
	for value in values:
		found.setdefault((value["period_start"], *key_of(value)), {})[value["kpi"]] = value
	for period in periods:
		label = question.calendar.label(period, question.every, words.language())
		for key in sorted(places, key=lambda key: (key[1] == "", places[key].label)):
			if (period.start, *key) in found:
				yield Line(label, places[key], found[(period.start, *key)])
	if len(periods) > 1:
		for line in _lines(asker, replace(question, every=Every.RANGE)):
			yield replace(line, label=str(_("Whole range")))


def _is_told(line: Line) -> bool:
	"""Whether anything was done or came of it: empty rows tell nothing."""
	return any(value["value"] for value in line.figures.values())


def _columns(chosen: tuple[str, ...], by: By) -> list[dict[str, Any]]:
	def text(fieldname: str, label: str, width: int) -> dict[str, Any]:
		return {
			"fieldname": fieldname,
			"label": label,
			"fieldtype": "Data",
			"width": width,
			"kind": "name",
			"align": words.start(),
		}

	def numeric(fieldname: str, label: str, width: int = 120) -> dict[str, Any]:
		return {
			"fieldname": fieldname,
			"label": label,
			"fieldtype": "Float",
			"width": width,
			"kind": "number",
		}

	named = titles(chosen)
	columns = [text("period", str(_("Period")), 130), text("scope", words.by_label(by), 140)]
	for name in chosen:
		if name == DECIDED:
			columns.append(numeric("won", str(_("Won Deals")), 100))
			if "calls" in chosen:
				columns.append(numeric("calls_per_deal", str(_("Calls per Won Deal")), 155))
		columns.append(numeric(name, named[name], WIDTHS.get(name, 120)))
		if name in ("first_response_time", DECIDED):
			columns.append(numeric(f"{name}_n", "n", 50))
	return [*columns, text("note", str(_("Note")), 260)]


def _rows(lines: list[Line], chosen: tuple[str, ...]) -> list[dict[str, Any]]:
	speaker, known = words.Speaker(), catalogue.kpis()
	rows = []
	for line in lines:
		row: dict[str, Any] = {"period": line.label, "scope": line.place.label, "note": _note(line)}
		for name in chosen:
			value = line.figures.get(name)
			number = value["value"] if value else None
			row[name] = None if number is None else round(number, 6)
			row[f"{name}_text"] = speaker.figure(
				number, known[name].unit, value["currency"] if value else None, exact=False
			)
			n = value["n"] if value else 0.0
			row[f"{name}_n"], row[f"{name}_n_text"] = n, speaker.quantity(n)
		for name, number in (("won", line.won), ("calls_per_deal", line.calls_per_deal)):
			row[name] = None if number is None else round(number, 6)
			unit = Unit.COUNT if name == "won" else Unit.RATIO
			row[f"{name}_text"] = (
				speaker.figure(number, unit, None)
				if unit is Unit.COUNT or number is None
				else speaker.number(number, 1)
			)
		rows.append(row)
	return rows


def _note(line: Line) -> str:
	if line.won is None:
		return ""
	if not line.won:
		return str(_("No deal was won."))
	return str(_("Few deals: what each took says little.")) if line.won < FEW else ""


def _messages(lines: list[Line]) -> list[str]:
	if not lines:
		return [str(_("Nothing was recorded in these days. Choose others, or another grouping."))]
	return [
		str(
			_(
				"Activity shows where the time goes, not who is good: rows stand in the order of names. "
				"Compare somebody with themselves over time rather than with others."
			)
		)
	]
