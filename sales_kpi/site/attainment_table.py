"""The report KPI Target Attainment: in one period, each scope's figures beside what was agreed, and its score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import frappe
from frappe import _
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.analysis.attainment import Status
from sales_kpi.analysis.values import Question, Value
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, periods_before
from sales_kpi.site.places import Place, key_of, places_of
from sales_kpi.site.report import (
	Table,
	check_size,
	number_column,
	number_of_scopes,
	question_of,
	rounded,
	text_column,
	titles,
)
from sales_kpi.site.standing import Key, Scored, Standing, imbalances, scores, standings
from sales_kpi.site.targets import FOR

EARLIER = 5
"""Periods before this one that the trend shows."""

MOST_BARS = 12

SCORE = "score"
"""Stands for the KPI in the row of a scope."""


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	told = Told.of(asker, filters)
	return Table(
		columns=told.columns(),
		rows=told.rows(),
		messages=told.messages(),
		chart=told.chart(),
		summary=told.summary(),
	)


def _question(asker: Asker, filters: frappe._dict) -> Question:
	"""The period that a day lies in, with those before it for the trend."""
	day = filters.get("day") or filters.get("as_of") or frappe.utils.getdate()
	asked = {**filters, "from_date": day, "to_date": day, "by": filters.get("by") or "team"}
	question = question_of(asked, asker.settings)
	if question.every is Every.RANGE:
		raise InputError(_("Choose a period that comes again, such as a month: its last ones are compared."))
	if question.by not in FOR.values():
		raise InputError(_("No targets are set by {0}.").format(words.by_label(question.by)))
	period = question.calendar.period(question.first, question.every)
	first = periods_before(question.calendar, period, question.every, EARLIER)
	return replace(question, first=first.start, last=period.last_day)


@dataclass(frozen=True)
class Told:
	"""What is told of one period to one reader."""

	asker: Asker
	question: Question
	period: Period
	values: Mapping[Key, Value]
	found: Mapping[Key, Standing]
	scored: Mapping[tuple[str, str, date], Scored]
	places: Mapping[tuple[str, str], Place]

	@classmethod
	def of(cls, asker: Asker, filters: frappe._dict) -> Told:
		question = _question(asker, filters)
		periods = question.periods()
		check_size(len(periods), len(question.kpis or asker.kpis), number_of_scopes(asker, question.by))
		values = asker.values_with_members(question)
		found = standings(asker, question, values)
		by_key = {(value["kpi"], *key_of(value), value["period_start"]): value for value in values}
		period = periods[-1]
		now = [value for key, value in by_key.items() if key in found and key[3] == period.start]
		return cls(
			asker, question, period, by_key, found, scores(asker, found), places_of(asker, question.by, now)
		)

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def titles(self) -> dict[str, str]:
		"""What the site calls its KPIs."""
		return titles([kpi.name for kpi in self.asker.kpis])

	@cached_property
	def label(self) -> str:
		"""The period, for people."""
		return self.question.calendar.label(self.period, self.question.every, words.language())

	# Table

	def columns(self) -> list[dict[str, Any]]:
		return [
			text_column("what", f"{words.by_label(self.question.by)} / {_('KPI')}", 230),
			number_column("attainment", _("Of Target"), 110),
			text_column("status", _("Status"), 130),
			number_column("value", _("Value"), 140),
			number_column("target", _("Target"), 140),
			number_column("gap", _("Gap"), 130),
			number_column("pace", _("Pace"), 90),
			number_column("projection", _("Heading For"), 140),
			text_column("trend", _("Last Periods"), 150),
			text_column("note", _("Note"), 300),
		]

	def rows(self) -> list[dict[str, Any]]:
		"""A row for each scope with its score, and below it one for each of its KPIs."""
		rows = []
		for (by, scope), place in self.places.items():
			of_scope = list(self._of_scope(by, scope))
			rows.append(self._scope_row(by, scope, place, [standing for _kpi, standing in of_scope]))
			rows += [self._kpi_row(by, scope, place, kpi, standing) for kpi, standing in of_scope]
		return rows

	def _of_scope(self, by: str, scope: str) -> Iterator[tuple[Kpi, Standing]]:
		for kpi in self.asker.kpis:
			standing = self.found.get((kpi.name, by, scope, self.period.start))
			if standing is not None:
				yield kpi, standing

	def _scope_row(self, by: str, scope: str, place: Place, of_scope: Sequence[Standing]) -> dict[str, Any]:
		scored = self.scored.get((by, scope, self.period.start))
		value = scored.score.value if scored else None
		status = scored.status if scored else Status.UNKNOWN
		is_open = any(standing.is_open for standing in of_scope)
		return {
			"what": place.label,
			"indent": place.indent,
			"kpi_name": SCORE,
			"by": by,
			"scope_name": scope,
			"is_scope": 1,
			"attainment": rounded(value),
			"attainment_text": self.speaker.share(value),
			"status": words.status_label(status, is_open) if scored else "",
			"tone": words.TONES.get(status, ""),
			"value": None,
			"target": None,
			"gap": None,
			"pace": None,
			"projection": None,
			**self._trend(
				[
					told.score.value if (told := self.scored.get((by, scope, start))) else None
					for start in self._starts
				]
			),
			"note": self._score_note(scored),
		}

	def _kpi_row(self, by: str, scope: str, place: Place, kpi: Kpi, standing: Standing) -> dict[str, Any]:
		value = self.values[kpi.name, by, scope, self.period.start]
		figure, goal, pacing = self.speaker.figure, standing.agreed, standing.pacing
		number, unit, currency = value["value"], kpi.unit, value["currency"]
		gap = None if number is None or goal.value is None else number - goal.value
		projection = pacing.projection if pacing else None
		return {
			"what": self.titles[kpi.name],
			"indent": place.indent + 1,
			"kpi_name": kpi.name,
			"by": by,
			"scope_name": scope,
			"is_scope": 0,
			"period_start": self.period.start.isoformat(),
			"period_end": min(self.period.last_day, self.question.last).isoformat(),
			"company": self.question.company,
			"value": rounded(number),
			"value_text": figure(number, unit, currency),
			"target": rounded(goal.value),
			"target_text": self.speaker.target(goal, unit, currency),
			"target_document": goal.target,
			"gap": rounded(gap),
			"gap_text": figure(gap, unit, currency) if gap is not None else "",
			"attainment": rounded(standing.attainment),
			"attainment_text": self.speaker.share(standing.attainment),
			"pace": rounded(pacing.pace) if pacing else None,
			"pace_text": self.speaker.share(pacing.pace) if pacing else "",
			"projection": rounded(projection),
			"projection_text": figure(projection, unit, currency) if projection is not None else "",
			"status": words.status_label(standing.status, standing.is_open),
			"tone": words.TONES.get(standing.status, ""),
			**self._trend(
				[
					told.attainment if (told := self.found.get((kpi.name, by, scope, start))) else None
					for start in self._starts
				]
			),
			"note": self._note(value, kpi, standing),
		}

	@cached_property
	def _starts(self) -> list[date]:
		return [period.start for period in self.question.periods()]

	def _trend(self, points: Sequence[float | None]) -> dict[str, Any]:
		"""Attainments of the last periods: as text for exports, as points for the drawing."""
		return {"trend": " ".join(self.speaker.share(point) for point in points), "points": points}

	def _note(self, value: Value, kpi: Kpi, standing: Standing) -> str:
		if value["value"] is None:
			return words.reason(value["reason"], kpi)
		goal, pacing = standing.agreed, standing.pacing
		if standing.attainment is None and goal.value is not None and not goal.value > 0:
			return str(_("A target of 0 or less gives no share."))
		if pacing is not None:
			done = self.speaker.share(pacing.share)
			return str(_("{0} of the period is over, {1}.").format(done, words.pace_label(pacing.rule)))
		if self.period.start > self.question.as_of:
			return str(_("The period has not begun."))
		return "" if value["complete"] else str(_("Not final yet."))

	def _score_note(self, scored: Scored | None) -> str:
		if scored is None:
			return str(_("Nothing with a weight was agreed."))
		told = len(scored.kpis) - len(scored.score.missing)
		text = str(_("Score of {0} of {1} KPIs by their weights.").format(told, len(scored.kpis)))
		if scored.score.missing:
			names = ", ".join(self.titles.get(name, name) for name in scored.score.missing)
			text += " " + str(_("Without a value, so left out: {0}.").format(names))
		return text

	# Sentences

	def messages(self) -> list[str]:
		if not self.places:
			return [
				str(
					_(
						"Nothing was agreed for {0}, by {1}. Set a {2}, or choose another period or grouping."
					).format(
						words.html(self.label),
						words.by_label(self.question.by),
						f'<a href="/app/kpi-target">{_("KPI Target")}</a>',
					)
				)
			]
		told = []
		if self.question.as_of in self.period and self.question.as_of < self.period.last_day:
			day = words.day(self.question.as_of, self.question.calendar)
			told.append(
				str(_("{0} isn’t over: figures so far, as of {1}.").format(words.html(self.label), day))
			)
		return [*told, *self._imbalances()]

	def _imbalances(self) -> list[str]:
		"""What is doubtful about the weights, for those who agree on them: whoever sees the company, and teams with people."""
		if self.asker.may.people is not None or self.question.by is By.SALES_PERSON:
			return []
		now = {key: standing for key, standing in self.found.items() if key[3] == self.period.start}
		return [
			words.html(words.imbalance(warning, self.titles.get(warning.kpi, "")))
			for warning in imbalances(now)
		]

	# Chart

	def chart(self) -> dict[str, Any] | None:
		"""How far each scope has reached what was agreed; of a single scope, how far each KPI has."""
		if len(self.places) == 1:
			(key,) = self.places
			bars = [(self.titles[kpi.name], standing.attainment) for kpi, standing in self._of_scope(*key)]
			title = _("Of target, {0}").format(self.label)
		else:
			bars = []
			for (by, scope), place in self.places.items():
				scored = self.scored.get((by, scope, self.period.start))
				bars.append((place.label, scored.score.value if scored else None))
			title = _("Score, {0}").format(self.label)
		bars = [(label, value) for label, value in bars if value is not None][:MOST_BARS]
		if not bars:
			return None
		if is_rtl():
			bars.reverse()
		return {
			"data": {
				"labels": [words.html(label) for label, _value in bars],
				"datasets": [{"name": title, "values": [round(100 * value, 1) for _label, value in bars]}],
				"yMarkers": [{"label": "100 %", "value": 100}],
			},
			"type": "bar",
			"title": words.html(title) + " (%)",
			"colors": ["#0072B2"],
		}

	# Tiles

	def summary(self) -> list[dict[str, Any]]:
		"""How many targets stand how."""
		of_now = [standing for key, standing in self.found.items() if key[3] == self.period.start]
		if not of_now:
			return []
		is_open = any(standing.is_open for standing in of_now)
		tiles = []
		for status, colour in (
			(Status.ON_TRACK, "Green"),
			(Status.AT_RISK, "Orange"),
			(Status.OFF, "Red"),
			(Status.UNKNOWN, "Grey"),
		):
			count = sum(1 for standing in of_now if standing.status is status)
			if count or status is not Status.UNKNOWN:
				tiles.append(
					{
						"label": words.status_label(status, is_open),
						"value": self.speaker.number(count),
						"datatype": "Data",
						"indicator": colour,
					}
				)
		return tiles
