"""One KPI over many periods, for one scope or several: what the report Sales KPI Trend, charts and cards are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.analysis.targets import in_earlier_years
from sales_kpi.analysis.values import Question, Value
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.kpis.formula import Sum
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import EARLIEST, Asker, periods_before, shortened
from sales_kpi.site.permissions import quoted, refuse, sight, visible_to_you
from sales_kpi.site.places import Place, key_of, places_of
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
from sales_kpi.site.values_table import MAX_LINES

USUAL_KPI = "sales_volume"

PERIODS, MOST_PERIODS = 13, 120
"""Periods shown where nobody says how many: a year of months, and the same month of the year before."""

GREY, TARGET_COLOR = "#A6A6A6", "#D55E00"

_YES = ("1", "true", "yes")


@dataclass(frozen=True)
class Point:
	"""One figure, with those that it is compared with.

	before: of the period before; year_before: of the same period a year earlier.
	"""

	value: Value
	period: Period
	kpi: Kpi
	before: Value | None = None
	year_before: Value | None = None
	standing: Standing | None = None

	@property
	def number(self) -> float | None:
		"""The figure itself."""
		return self.value["value"]

	@property
	def is_final(self) -> bool:
		"""Whether the figure won't grow any more."""
		return self.value["complete"]

	@property
	def change(self) -> float | None:
		"""Change on the period before: in points for a share, else relative. None unless both are final."""
		return self._against(self.before)

	@property
	def year_change(self) -> float | None:
		"""The same against the same period a year earlier."""
		return self._against(self.year_before)

	def _against(self, other: Value | None) -> float | None:
		now = self.number
		if other is None or now is None or other["value"] is None:
			return None
		if not (self.is_final and other["complete"]):
			return None
		return words.moved(now, other["value"], self.kpi.unit)


@dataclass(frozen=True)
class Trend:
	"""The figures of one KPI, by scope, oldest first, as one reader sees them."""

	asker: Asker
	question: Question
	kpi: Kpi
	points: Mapping[tuple[str, str], list[Point]]
	places: Mapping[tuple[str, str], Place]

	@classmethod
	def of(cls, asker: Asker, filters: Mapping[str, Any]) -> Trend:
		"""The trend that filters ask for.

		kpi: its name. company, by, scopes (or scope), every, calendar as elsewhere; without `by` it is told of what the
		reader answers for (`own_scope`). periods: how many, up to the one that the day `until` lies in; with `whole`, up to
		the last one that is over.
		"""
		kpi = _kpi(asker, filters.get("kpi"))
		question, wanted = _question(asker, filters, kpi)
		if question.by not in kpi.scopes:
			# There is no such figure; who asks for nothing in particular gets the company's, as far as it may be seen.
			if filters.get("by"):
				raise InputError(
					_("{0} is not measured by {1}.").format(
						titles([kpi.name])[kpi.name], words.by_label(question.by)
					)
				)
			question, wanted = replace(question, by=By.COMPANY), None
		check_size(len(question.periods()), 1, number_of_scopes(asker, question.by))
		values = asker.values(_with_year_before(question))
		return cls._arranged(asker, question, kpi, values, wanted)

	@classmethod
	def _arranged(
		cls, asker: Asker, question: Question, kpi: Kpi, values: list[Value], wanted: list[str] | None
	) -> Trend:
		if wanted is not None:
			known = {value["scope"] for value in values}
			for name in wanted:
				if name not in known:
					refuse(_("There are no figures of {0} that you may see.").format(quoted(name)))
			values = [value for value in values if value["scope"] in wanted]
		by_start = {(*key_of(value), value["period_start"]): value for value in values}
		periods = question.periods()
		starts = {period.start for period in periods}
		now = [value for value in values if value["period_start"] in starts]
		beside = standings(asker, question, now)
		places = places_of(asker, question.by, now)
		points = {
			key: [_point(question, kpi, key, period, by_start, beside) for period in periods]
			for key in places
		}
		return cls(asker, question, kpi, points, places)

	@property
	def is_empty(self) -> bool:
		"""Whether there isn't a single record behind it."""
		return not any(
			point.number is not None and (point.number or point.value["n"])
			for of_scope in self.points.values()
			for point in of_scope
		)

	@cached_property
	def title(self) -> str:
		"""What the site calls the KPI."""
		return titles([self.kpi.name])[self.kpi.name]

	@cached_property
	def labels(self) -> dict[date, str]:
		"""Periods for people, by their first day."""
		question = self.question
		return {
			period.start: question.calendar.label(period, question.every, words.language())
			for period in question.periods()
		}

	def tick(self, period: Period) -> str:
		"""A period where there is little room."""
		return words.tick(period, self.question.every, self.question.calendar)

	def largest(self) -> list[tuple[str, str]]:
		"""The scopes that a chart has room for: those with the largest figures, in the order of the table."""
		size = {
			key: sum(abs(point.number or 0.0) for point in of_scope) for key, of_scope in self.points.items()
		}
		kept = sorted(size, key=lambda key: -size[key])[:MAX_LINES]
		return [key for key in size if key in kept and (size[key] or len(size) == 1)] or kept[:1]

	@cached_property
	def scale(self) -> tuple[float, str]:
		"""What figures are multiplied by on an axis, and what they are counted in there."""
		numbers = [point.number for of_scope in self.points.values() for point in of_scope]
		return words.axis(self.kpi.unit, numbers)

	def on_axis(self, number: float | None) -> float | None:
		"""A figure as an axis shows it; money without cents, which nobody reads off a chart."""
		if number is None:
			return None
		scaled = number * self.scale[0]
		shown = round(scaled, 0 if self.kpi.unit.is_money and abs(scaled) >= 1000 else 2)
		# A whole number is written the same in the browser.
		return int(shown) if shown == int(shown) else shown


def _kpi(asker: Asker, name: Any) -> Kpi:
	visible = {kpi.name: kpi for kpi in asker.kpis}
	name = name or USUAL_KPI
	if not isinstance(name, str) or name not in visible:
		raise InputError(_("There is no KPI {0} that you may see.").format(shortened(name)))
	return visible[name]


def _question(asker: Asker, filters: Mapping[str, Any], kpi: Kpi) -> tuple[Question, list[str] | None]:
	"""What is asked, and of which scopes; None means all."""
	day = filters.get("until") or filters.get("as_of") or frappe.utils.getdate()
	asked = {key: filters.get(key) for key in ("company", "every", "by", "calendar", "as_of")}
	asked |= {"from_date": day, "to_date": day, "kpis": [kpi.name], "every": asked["every"] or "month"}
	wanted = _scopes(filters)
	if not asked["by"]:
		by, own = own_scope(asker, str(asked["company"] or ""), kpi)
		asked["by"] = by.value
		wanted = wanted or ([own] if by is not By.COMPANY else None)
	question = question_of(asked, asker.settings)
	if question.every is Every.RANGE:
		raise InputError(_("Choose a period that comes again, such as a month: its last ones are compared."))
	count = _number_of_periods(filters.get("periods"))
	last = question.calendar.period(question.first, question.every)
	if is_set(filters.get("whole")) and last.last_day > question.as_of:
		last = question.calendar.previous(last, question.every)
	first = periods_before(question.calendar, last, question.every, count - 1)
	if question.by is By.COMPANY:
		wanted = None
	return replace(question, first=first.start, last=last.last_day), wanted


def _number_of_periods(given: Any) -> int:
	count = cint(given) or PERIODS
	if not 1 <= count <= MOST_PERIODS:
		raise InputError(_("Choose from 1 to {0} periods.").format(MOST_PERIODS))
	return count


def _scopes(filters: Mapping[str, Any]) -> list[str] | None:
	"""The scopes that filters name, by a list, a JSON list or one name."""
	given = filters.get("scopes") or filters.get("scope")
	if isinstance(given, str) and given.lstrip().startswith("["):
		given = frappe.parse_json(given)
	if isinstance(given, str):
		given = [given]
	if not given:
		return None
	if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
		raise InputError(_("Scopes are given as a list of their names."))
	return ["" if name == UNASSIGNED else name for name in given]


def is_set(given: Any) -> bool:
	"""Whether a check box of a filter is ticked."""
	return str(given or "").lower() in _YES


def own_scope(asker: Asker, company: str, kpi: Kpi) -> tuple[By, str]:
	"""What a reader answers for: the company, the team that they lead, or their own figures, as far as it is measured so."""
	whole = By.COMPANY, company
	if asker.may.people is None:
		return whole
	for name in asker.may.own:
		node = asker.masters.salespeople[name]
		by = By.TEAM if node.is_group else By.SALES_PERSON
		if by not in kpi.scopes:
			continue
		today = frappe.utils.getdate()
		question = Question(company, today, today, by=by)
		seen = sight(question, asker.may, asker.masters, asker.settings.companies)
		if seen is None or name in [scope.name for scope in seen.scopes]:
			return by, name
	return whole


def _with_year_before(question: Question) -> Question:
	"""The question with the periods that its own are compared with."""
	first = question.periods()[0]
	year_before = in_earlier_years(first, question.calendar, question.every, 1)[0]
	before = question.calendar.previous(first, question.every)
	start = min(year_before.start, before.start)
	return replace(question, first=start) if start >= EARLIEST else question


def _point(
	question: Question,
	kpi: Kpi,
	key: tuple[str, str],
	period: Period,
	by_start: Mapping[tuple[Any, ...], Value],
	beside: Mapping[Any, Standing],
) -> Point:
	before = question.calendar.previous(period, question.every)
	year_before = in_earlier_years(period, question.calendar, question.every, 1)[0]
	return Point(
		by_start[(*key, period.start)],
		period,
		kpi,
		by_start.get((*key, before.start)),
		by_start.get((*key, year_before.start)),
		beside.get((kpi.name, *key, period.start)),
	)


# The report


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	told = Told(Trend.of(asker, filters))
	return Table(
		columns=told.columns(),
		rows=told.rows(),
		messages=told.messages(),
		chart=told.chart(),
		summary=told.summary(),
	)


@dataclass(frozen=True)
class Told:
	"""A trend told to one reader: as rows, a chart, tiles and sentences, all of the same points."""

	trend: Trend

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	# Table

	def columns(self) -> list[dict[str, Any]]:
		by = self.trend.question.by
		scope = [] if by is By.COMPANY else [text_column("scope", words.by_label(by), 190)]
		return [
			*scope,
			text_column("period", _("Period"), 150),
			number_column("value", _("Value"), 150),
			number_column("change", _("Change"), 110),
			number_column("year_before", _("A Year Before"), 150),
			number_column("year_change", _("On the Year"), 110),
			number_column("target", _("Target"), 150),
			number_column("attainment", _("Of Target"), 100),
			text_column("stands", _("On Track?"), 130),
			number_column("n", _("Sample"), 90),
			text_column("status", _("Status"), 90),
			text_column("reason", _("Note"), 280),
		]

	def rows(self) -> list[dict[str, Any]]:
		"""A row for each scope and period; what ends in `_text` is shown on the screen instead of the plain number."""
		return [
			self._row(place, point)
			for key, place in self.trend.places.items()
			for point in self.trend.points[key]
		]

	def _row(self, place: Place, point: Point) -> dict[str, Any]:
		kpi, value, speaker = self.trend.kpi, point.value, self.speaker
		unit, currency, year_before = kpi.unit, value["currency"], point.year_before
		earlier = year_before["value"] if year_before else None
		return {
			"scope": place.label,
			"scope_name": value["scope"] or UNASSIGNED,
			"by": value["by"],
			"kpi_name": kpi.name,
			"company": value["company"],
			"period": self.trend.labels[point.period.start],
			"period_start": point.period.start.isoformat(),
			"period_end": point.period.last_day.isoformat(),
			"value": rounded(point.number),
			"value_text": speaker.figure(point.number, unit, currency),
			"change": rounded(point.change),
			"change_text": speaker.change(point.change, unit),
			"tone": words.tone(point.change, kpi),
			"year_before": rounded(earlier),
			"year_before_text": speaker.figure(earlier, unit, currency),
			"year_change": rounded(point.year_change),
			"year_change_text": speaker.change(point.year_change, unit),
			"year_tone": words.tone(point.year_change, kpi),
			**speaker.beside(point.standing, unit, currency),
			"n": rounded(value["n"]),
			"complete": value["complete"],
			"status": "" if point.number is None else str(_("final") if point.is_final else _("so far")),
			"reason": words.reason(value["reason"], kpi) if point.number is None else "",
		}

	# Sentences

	def messages(self) -> list[str]:
		"""What a reader has to know before reading on."""
		return [text for text in (self._partial(), self._empty(), self._running()) if text]

	def _partial(self) -> str:
		whole = visible_to_you()
		if any(scope == whole for _by, scope in self.trend.points):
			return str(_("These are the figures of what you may see of the company, not of all of it."))
		return (
			""
			if self.trend.points
			else str(_("There is nothing here that you may see whole. Choose another grouping."))
		)

	def _empty(self) -> str:
		"""Why there is no figure at all."""
		numbers = [point for of_scope in self.trend.points.values() for point in of_scope]
		if not numbers or any(point.number is not None for point in numbers):
			return ""
		reason = words.reason(numbers[-1].value["reason"], self.trend.kpi).rstrip(".")
		return str(_("Not measured here yet: {0}.").format(words.html(f"{self.trend.title} ({reason})")))

	def _running(self) -> str:
		"""The period that isn't over."""
		question = self.trend.question
		period = question.periods()[-1]
		if question.as_of not in period or question.as_of == period.last_day:
			return ""
		day = words.day(question.as_of, question.calendar)
		label = words.html(self.trend.labels[period.start])
		return str(_("{0} isn’t over: figures so far, as of {1}.").format(label, day))

	# Chart

	def chart(self) -> dict[str, Any] | None:
		"""Of one scope: its figures, those of a year before and the target; of several: a line each."""
		trend = self.trend
		shown = trend.largest() if trend.points else []
		if not shown or trend.is_empty:
			return None
		texts: dict[str, str] = {}
		if len(shown) == 1:
			datasets, colors = self._of_one(trend.points[shown[0]], texts)
		else:
			kind = "bar" if isinstance(trend.kpi.formula, Sum) and len(shown) <= 3 else "line"
			datasets = [
				self._dataset(
					trend.places[key].label, kind, [point.number for point in trend.points[key]], key, texts
				)
				for key in shown
			]
			colors = list(COLORS[: len(datasets)])
		periods = trend.question.periods()
		labels = [words.html(trend.tick(period)) for period in periods]
		so_far = [
			any(not trend.points[key][place].is_final for key in shown) for place in range(len(periods))
		]
		if is_rtl():
			# Time runs from right to left.
			labels.reverse()
			so_far.reverse()
			for dataset in datasets:
				dataset["values"].reverse()
		unit = trend.scale[1]
		data: dict[str, Any] = {"labels": labels, "datasets": datasets}
		if any(dataset["chartType"] == "bar" for dataset in datasets):
			# frappe-charts lets the axis of lines begin at the least value, and bars would hang below it.
			data["yMarkers"] = [{"label": "", "value": 0}]
		return {
			"data": data,
			"type": "axis-mixed",
			"title": words.html(trend.title) + (f" ({unit})" if unit else ""),
			"colors": colors,
			"lineOptions": {"showDots": 1, "dotSize": 4},
			"so_far": so_far,
			"texts": texts,
			"compared": len(shown) == 1,
		}

	def _of_one(self, points: list[Point], texts: dict[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
		key = key_of(points[0].value)
		kind = "bar" if isinstance(self.trend.kpi.formula, Sum) else "line"
		name = self.trend.title if key[0] == By.COMPANY.value else self.trend.places[key].label
		datasets = [self._dataset(name, kind, [point.number for point in points], key, texts)]
		colors = [COLORS[0]]
		earlier = [point.year_before["value"] if point.year_before else None for point in points]
		if any(number is not None and number != 0 for number in earlier):
			datasets.append(self._dataset(_("A Year Before"), "line", earlier, key, texts))
			colors.append(GREY)
		goals = [point.standing.agreed.value if point.standing else None for point in points]
		if any(goal is not None for goal in goals):
			datasets.append(self._dataset(_("Target"), "line", goals, key, texts))
			colors.append(TARGET_COLOR)
		return datasets, colors

	def _dataset(
		self,
		name: str,
		kind: str,
		numbers: list[float | None],
		key: tuple[str, str],
		texts: dict[str, str],
	) -> dict[str, Any]:
		currency = self.trend.points[key][0].value["currency"]
		values = []
		for number in numbers:
			shown = self.trend.on_axis(number)
			values.append(shown)
			if shown is not None:
				texts[str(shown)] = self.speaker.figure(number, self.trend.kpi.unit, currency)
		return {"name": words.html(name), "chartType": kind, "values": values}

	# Tiles

	def summary(self) -> list[dict[str, Any]]:
		"""The last final figure of each scope, with its changes and what of the target it is."""
		tiles = []
		for key in self.trend.largest() if self.trend.points else []:
			final = [point for point in self.trend.points[key] if point.is_final and point.number is not None]
			if not final:
				continue
			last, unit = final[-1], self.trend.kpi.unit
			label = self.trend.labels[last.period.start]
			place = self.trend.places[key].label
			name = self.trend.title if len(self.trend.points) == 1 else place
			tiles.append(
				self._tile(
					f"{name} · {label}",
					self.speaker.figure(last.number, unit, last.value["currency"], exact=False),
					"Grey",
				)
			)
			if len(self.trend.points) > 1:
				continue
			for text, change in (
				(_("On the period before"), last.change),
				(_("On the year before"), last.year_change),
			):
				if change is not None:
					colour = {"good": "Green", "bad": "Red"}.get(words.tone(change, self.trend.kpi), "Grey")
					tiles.append(self._tile(text, self.speaker.change(change, unit), colour))
			if last.standing is not None and last.standing.attainment is not None:
				colour = {"good": "Green", "warn": "Orange", "bad": "Red"}.get(
					words.TONES.get(last.standing.status, ""), "Grey"
				)
				tiles.append(self._tile(_("Of Target"), self.speaker.share(last.standing.attainment), colour))
		return tiles

	@staticmethod
	def _tile(label: str, value: str, colour: str) -> dict[str, Any]:
		return {
			"label": words.html(label),
			"value": f"<bdi>{words.html(value)}</bdi>",
			"datatype": "Data",
			"indicator": colour,
		}
