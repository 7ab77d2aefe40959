"""The report Sales KPI Values: figures by KPI, period and scope, with what they were before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import frappe
from frappe import _
from frappe.utils.jinja_globals import is_rtl

from sales_kpi import catalogue
from sales_kpi.analysis.values import NEEDS_SETTING, NO_MAPPING, NO_RECORDS, Question, Value
from sales_kpi.facts.reading.settings import CreditFallback
from sales_kpi.kpis.definition import By, Kpi, Unit
from sales_kpi.kpis.formula import Sum
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import EARLIEST, Asker
from sales_kpi.site.permissions import visible_to_you
from sales_kpi.site.places import TREES, Place, key_of, places_of
from sales_kpi.site.report import (
	COLORS,
	UNASSIGNED,
	Table,
	check_size,
	number_column,
	number_of_scopes,
	question_of,
	rounded,
	text_column,
	titles,
)
from sales_kpi.site.standing import Standing, standings

MAX_LINES = 8
"""Lines of a chart, and tiles above it: more can't be told apart."""


@dataclass(frozen=True)
class Line:
	"""One figure with the one of the period before."""

	value: Value
	period: Period
	kpi: Kpi
	place: Place
	before: float | None
	standing: Standing | None = None

	@property
	def change(self) -> float | None:
		"""Change on the period before: in points for a share, else relative. None unless both are final."""
		now, before = self.value["value"], self.before
		if now is None or before is None:
			return None
		return words.moved(now, before, self.kpi.unit)


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	question = question_of(filters, asker.settings)
	chosen = question.kpis or tuple(kpi.name for kpi in asker.kpis)
	check_size(len(question.periods()), len(chosen), number_of_scopes(asker, question.by))
	lines = list(_lines(asker, question))
	named = titles(chosen)
	labels = {
		period.start: question.calendar.label(period, question.every, words.language())
		for period in question.periods()
	}
	told = Told(asker, question, lines, named, labels)
	return Table(
		columns=_columns(question.by),
		rows=told.rows(),
		messages=told.messages(),
		chart=told.chart(),
		summary=told.summary(),
	)


# Figures


def _lines(asker: Asker, question: Question) -> Iterator[Line]:
	"""All figures in the order of the table: by KPI, then period, then place in the tree."""
	periods = question.periods()
	values = _asked(asker, question, periods)
	earlier = _of_previous_periods(values, periods)
	now = [value for value in values if value["period_start"] >= question.first]
	places = places_of(asker, question.by, now)
	order = {key: number for number, key in enumerate(places)}
	known = catalogue.kpis()
	kpis = {name: number for number, name in enumerate(known)}
	by_start = {period.start: period for period in periods}
	beside = standings(asker, question, now)
	now.sort(key=lambda value: (kpis[value["kpi"]], value["period_start"], order[key_of(value)]))
	for value in now:
		period = by_start[value["period_start"]]
		before = earlier.get((value["kpi"], *key_of(value), period.start)) if value["complete"] else None
		standing = beside.get((value["kpi"], *key_of(value), period.start))
		yield Line(value, period, known[value["kpi"]], places[key_of(value)], before, standing)


def _asked(asker: Asker, question: Question, periods: list[Period]) -> list[Value]:
	"""The values asked for, and those of the period before the first, which the first is compared with."""
	questions = [question]
	if periods[0].is_whole:
		before = question.calendar.previous(periods[0], question.every)
		if before.start < EARLIEST:
			pass
		elif question.every is Every.RANGE:
			questions.append(replace(question, first=before.start, last=before.last_day))
		else:
			questions = [replace(question, first=before.start)]
	return [value for one in questions for value in asker.values_with_members(one)]


def _of_previous_periods(values: Iterable[Value], periods: list[Period]) -> dict[tuple[Any, ...], float]:
	"""Final values by KPI, scope and the start of the period that follows theirs."""
	starts = {period.start for period in periods}
	found: dict[tuple[Any, ...], float] = {}
	for value in values:
		following = value["period_end"] + timedelta(days=1)
		if value["complete"] and value["value"] is not None and following in starts:
			found[(value["kpi"], *key_of(value), following)] = value["value"]
	return found


# What is told of them


def _columns(by: By) -> list[dict[str, Any]]:
	kpi, period = text_column("kpi", _("KPI"), 190), text_column("period", _("Period"), 140)
	scope = text_column("scope", words.by_label(by), 190)
	# Frappe indents the first column of a tree, and no other.
	first = [kpi, period] if by is By.COMPANY else [scope, kpi, period]
	last = [scope] if by is By.COMPANY else []
	return [
		*first,
		number_column("value", _("Value"), 150),
		number_column("change", _("Change"), 110),
		number_column("previous", _("Period Before"), 150),
		number_column("target", _("Target"), 140),
		number_column("attainment", _("Of Target"), 100),
		text_column("stands", _("On Track?"), 130),
		text_column("status", _("Status"), 90),
		text_column("reason", _("Note"), 260),
		number_column("numerator", _("Numerator")),
		number_column("denominator", _("Denominator")),
		number_column("n", _("Sample"), 90),
		text_column("unit", _("Unit"), 110),
		text_column("currency", _("Currency"), 90),
		*last,
	]


@dataclass(frozen=True)
class Told:
	"""Figures told to one reader: as rows, a chart, tiles and sentences, all of the same lines."""

	asker: Asker
	question: Question
	lines: list[Line]
	titles: Mapping[str, str]
	labels: Mapping[Any, str]

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	def rows(self) -> list[dict[str, Any]]:
		"""The rows of the table; what ends in `_text` is shown on the screen instead of the plain number."""
		units = {unit: words.unit_label(unit) for unit in Unit}
		statuses = {True: str(_("final")), False: str(_("so far"))}
		notes: dict[tuple[Any, ...], str] = {}
		texts: dict[tuple[Any, ...], str] = {}
		is_tree, figure = self.question.by in TREES, self.speaker.figure
		rows = []
		for line in self.lines:
			value, kpi, period, now = line.value, line.kpi, line.period, line.value["value"]
			unit, currency, change = kpi.unit, value["currency"], line.change
			about = (value["reason"], now is None, value["complete"], kpi.name, period.start)
			if about not in notes:
				notes[about] = self._note(line)
			# A figure is that of the period before in the next row but some.
			shown = []
			for number in (now, line.before):
				key = (number, unit, currency)
				if key not in texts:
					texts[key] = figure(number, unit, currency)
				shown.append(texts[key])
			row = {
				"kpi": self.titles[kpi.name],
				"kpi_name": kpi.name,
				"period": self.labels[period.start],
				"period_start": value["period_start"].isoformat(),
				"period_end": value["period_end"].isoformat(),
				"by": value["by"],
				"scope": line.place.label,
				"scope_name": value["scope"] or UNASSIGNED,
				"company": value["company"],
				"value": rounded(now),
				"value_text": shown[0],
				"previous": rounded(line.before),
				"previous_text": shown[1],
				"change": rounded(change),
				"change_text": self.speaker.change(change, unit),
				"tone": words.tone(change, kpi),
				**self.speaker.beside(line.standing, unit, currency),
				"numerator": rounded(value["numerator"]),
				"denominator": rounded(value["denominator"]),
				"n": rounded(value["n"]),
				"complete": value["complete"],
				"status": "" if now is None else statuses[value["complete"]],
				"reason": notes[about],
				"unit": units[unit],
				"currency": currency,
			}
			if is_tree:
				row["indent"] = line.place.indent
			rows.append(row)
		return rows

	def _note(self, line: Line) -> str:
		"""Why there is no value, or when it will be final."""
		value = line.value
		if value["value"] is None:
			return words.reason(value["reason"], line.kpi)
		if value["complete"]:
			return ""
		if not line.period.is_whole and line.period.last_day < self.question.as_of:
			return str(_("A part of the period only."))
		window = self.asker.settings.engine.conversion_window_days if line.kpi.matures else 0
		final_on = (line.period.whole or line.period).last_day + timedelta(days=window)
		return str(_("Final after {0}.").format(words.day(final_on, self.question.calendar)))

	# Sentences

	def messages(self) -> list[str]:
		"""What a reader has to know before reading on."""
		return [
			text
			for text in (
				self._partial(),
				self._left_out(),
				self._not_measured(),
				self._running(),
				self._fallback(),
				self._behind(),
			)
			if text
		]

	def _partial(self) -> str:
		whole = visible_to_you()
		if any(line.value["scope"] == whole for line in self.lines):
			return str(_("These are the figures of what you may see of the company, not of all of it."))
		if not self.lines:
			return str(_("There is nothing here that you may see whole. Choose another grouping."))
		return ""

	def _left_out(self) -> str:
		"""KPIs that were asked for and don't make sense here."""
		given = {line.kpi.name for line in self.lines}
		missing = [name for name in self.question.kpis or () if name not in given] if self.lines else []
		if not missing:
			return ""
		names = ", ".join(words.html(self.titles[name]) for name in missing)
		return str(_("Not measured by {0}: {1}.").format(words.by_label(self.question.by), names))

	def _not_measured(self) -> str:
		"""KPIs without any value, by what they lack."""
		valued = {line.kpi.name for line in self.lines if line.value["value"] is not None}
		lacking: dict[str, dict[str, None]] = {}
		reasons: dict[tuple[Any, ...], str] = {}
		for line in self.lines:
			code = line.value["reason"]
			if line.kpi.name not in valued and code in (NEEDS_SETTING, NO_MAPPING, NO_RECORDS):
				about = (code, line.kpi.mapped_cost)
				if about not in reasons:
					reasons[about] = words.reason(code, line.kpi)
				lacking.setdefault(reasons[about], {})[self.titles[line.kpi.name]] = None
		told: set[str] = set()
		sentences = []
		for reason, names in lacking.items():
			new = [name for name in names if name not in told]
			told.update(new)
			if new:
				sentences.append(f"{words.html(', '.join(new))} ({reason.rstrip('.')})")
		if not sentences:
			return ""
		return str(_("Not measured here yet: {0}.").format("; ".join(sentences)))

	def _running(self) -> str:
		"""The period that isn't over."""
		for line in self.lines:
			whole = line.period.whole or line.period
			if self.question.as_of in whole and not line.value["complete"]:
				day = words.day(self.question.as_of, self.question.calendar)
				label = self.labels[line.period.start]
				return str(_("{0} isn’t over: figures so far, as of {1}.").format(label, day))
		return ""

	def _fallback(self) -> str:
		"""That somebody is credited for sales without a Sales Team, where figures are told by person."""
		fallback = self.asker.settings.engine.credit_fallback
		if fallback is CreditFallback.NONE or self.question.by not in (By.SALES_PERSON, By.TEAM):
			return ""
		to = {
			CreditFallback.CUSTOMER_TEAM: _("the Sales Team of the customer"),
			CreditFallback.ACCOUNT_MANAGER: _("the account manager of the customer"),
			CreditFallback.OWNER: _("whoever made them"),
		}[fallback]
		return str(
			_("Orders and invoices without a Sales Team are credited to {0}, as the settings say.").format(to)
		)

	def _behind(self) -> str:
		"""That the figures weren't read from totals, because too much has just changed."""
		if self.asker.totals is None or not self.asker.totals.state.is_behind:
			return ""
		return str(
			_(
				"Figures are being refreshed: so many records have just changed that all of them were read. "
				"The figures are right, only slower."
			)
		)

	# Chart

	def chart(self) -> dict[str, Any] | None:
		"""The first chosen KPI over the periods: bars for a sum, lines for rates and for many scopes."""
		lines = self._of_first_kpi()
		if not lines:
			return None
		kpi, periods = lines[0].kpi, self.question.periods()
		shown = self._largest(lines)
		factor, unit = words.axis(kpi.unit, [line.value["value"] for line in lines])
		bars = isinstance(kpi.formula, Sum) and len(shown) <= 3
		by_place = {(key_of(line.value), line.period.start): line for line in lines}
		datasets, texts = [], {}
		for key, label in shown.items():
			points: list[float | None] = []
			for period in periods:
				value = by_place[key, period.start].value
				point = None if value["value"] is None else round(value["value"] * factor, 4)
				points.append(point)
				if point is not None:
					texts[str(point)] = self.speaker.figure(value["value"], kpi.unit, value["currency"])
			datasets.append({"name": words.html(label), "values": points})
		labels = [words.html(self._tick(period)) for period in periods]
		so_far = [
			any(not line.value["complete"] for line in lines if line.period == period) for period in periods
		]
		if is_rtl():
			# Time runs from right to left.
			labels.reverse()
			so_far.reverse()
			for dataset in datasets:
				dataset["values"].reverse()
		title = words.html(self.titles[kpi.name]) + (f" ({unit})" if unit else "")
		return {
			"data": {"labels": labels, "datasets": datasets},
			"type": "bar" if bars else "line",
			"title": title,
			"colors": list(COLORS[: len(datasets)]),
			"lineOptions": {"showDots": 1, "dotSize": 4},
			"so_far": so_far,
			"texts": texts,
		}

	def _tick(self, period: Period) -> str:
		"""A period on the axis, where there is little room."""
		label = self.labels[period.start]
		if self.question.every is Every.MONTH and words.language() != "fa":
			month, year = label.rsplit(" ", 1)
			return f"{month[:3]} {year}"
		return label

	def _of_first_kpi(self) -> list[Line]:
		names = dict.fromkeys(self.question.kpis or ()) or dict.fromkeys(line.kpi.name for line in self.lines)
		for name in names:
			lines = [line for line in self.lines if line.kpi.name == name]
			if lines:
				return lines
		return []

	def _largest(self, lines: list[Line]) -> dict[tuple[str, str], str]:
		"""Scopes of the chart: those with the largest figures, in the order of the table."""
		size: dict[tuple[str, str], float] = {}
		label: dict[tuple[str, str], str] = {}
		of_teams = any(line.value["by"] == By.TEAM.value for line in lines)
		for line in lines:
			if of_teams and line.value["by"] != By.TEAM.value:
				continue
			key = key_of(line.value)
			size[key] = size.get(key, 0.0) + abs(line.value["value"] or 0.0)
			label[key] = line.place.label
		largest = sorted(size, key=lambda key: -size[key])[:MAX_LINES]
		kept = [key for key in size if key in largest and (size[key] or len(size) == 1)] or largest[:1]
		return {key: label[key] for key in kept}

	# Tiles

	def summary(self) -> list[dict[str, Any]]:
		"""The last final figures: of each KPI where there is one scope, else of the first KPI in each scope."""
		scopes = {key_of(line.value) for line in self.lines}
		lines = self.lines if len(scopes) == 1 else self._of_first_kpi()
		shown = None if len(scopes) == 1 else self._largest(lines)
		last: dict[Any, Line] = {}
		for line in lines:
			if line.value["complete"] and line.value["value"] is not None:
				key = line.kpi.name if shown is None else key_of(line.value)
				if shown is None or key in shown:
					last[key] = line
		tiles = []
		for line in list(last.values())[:MAX_LINES]:
			title = self.titles[line.kpi.name]
			name = title if shown is None else f"{line.place.label} · {title}"
			text = words.figure(line.value["value"], line.kpi.unit, line.value["currency"], exact=False)
			if line.change is not None:
				text += f" <small>{words.change(line.change, line.kpi.unit)}</small>"
			tiles.append(
				{
					"label": f"{words.html(name)} · {words.html(self.labels[line.period.start])}",
					"value": f"<bdi>{text}</bdi>",
					"datatype": "Data",
					"indicator": {"good": "Green", "bad": "Red"}.get(
						words.tone(line.change, line.kpi), "Grey"
					),
				}
			)
		return tiles
