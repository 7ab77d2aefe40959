"""The table of the page Sales Scorecard: teams and salespeople beside one another, ranked only by what can be ranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.values import Value
from sales_kpi.kpis.definition import By, Good, Kpi
from sales_kpi.kpis.formula import Sum
from sales_kpi.scorecard.figures import FEW
from sales_kpi.scorecard.people import COLUMNS
from sales_kpi.site import words
from sales_kpi.site.places import Place, key_of, places_of
from sales_kpi.site.report import titles
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.scorecard_tiles import is_few, is_proportion, likely
from sales_kpi.site.standing import Scored, Standing, kpi_weights, scores, standings

VOLUME = "sales_volume"

MOST_ROWS = 300
"""More people than this nobody compares; the rest is counted."""

Scope = tuple[str, str]


@dataclass(frozen=True)
class Members:
	"""Writes the table of a view."""

	view: View

	def told(self) -> dict[str, Any] | None:
		"""Columns and rows in the order of the tree; None where there is nobody to compare."""
		if self.view.by is By.SALES_PERSON or self.view.is_part or not self.columns:
			return None
		rows = [self._row(key, place) for key, place in self.places.items() if self._says_anything(key)]
		if not rows:
			return None
		return {
			"label": words.by_label(By.SALES_PERSON),
			"columns": [self._column(kpi) for kpi in self.shown],
			"rows": rows[:MOST_ROWS],
			"further": words.number(len(rows) - MOST_ROWS) if len(rows) > MOST_ROWS else "",
			"has_targets": any(row["attainment"] is not None for row in rows),
			"has_scores": any(row["score"] is not None for row in rows),
			"few": any(cell["few"] for row in rows for cell in row["cells"].values()),
			"footnote": str(_("* fewer than {0} cases: too few to rank").format(words.number(FEW))),
			"silent": words.number(len(self.places) - len(rows)) if len(self.places) > len(rows) else "",
		}

	@cached_property
	def speaker(self) -> words.Speaker:
		return words.Speaker()

	@cached_property
	def columns(self) -> list[Kpi]:
		"""The KPIs that the reader sees, of those that tell salespeople apart."""
		return [kpi for kpi in self.view.asker.kpis if kpi.name in COLUMNS]

	@cached_property
	def shown(self) -> list[Kpi]:
		"""Those of which anybody has a figure."""
		known = {value["kpi"] for value in self.values if value["value"] is not None}
		return [kpi for kpi in self.columns if kpi.name in known]

	@cached_property
	def series(self) -> Mapping[tuple[Scope, str], list[Value]]:
		"""Values by scope and KPI, oldest first."""
		found: dict[tuple[Scope, str], list[Value]] = {}
		for value in self.values:
			found.setdefault((key_of(value), value["kpi"]), []).append(value)
		return found

	@cached_property
	def values(self) -> list[Value]:
		"""What teams and salespeople of the scope have, in all periods; scores need the KPIs that have a weight as well."""
		seen = {kpi.name for kpi in self.view.asker.kpis}
		weighted = [name for name, weight in kpi_weights().items() if weight and name in seen]
		kpis = tuple(dict.fromkeys([*(kpi.name for kpi in self.columns), *weighted]))
		values: list[Value] = []
		for by in (By.TEAM, By.SALES_PERSON):
			values += self.view.asker.values(replace(self.view.question, by=by, kpis=kpis))
		people = self.view.people
		return [value for value in values if people is None or value["scope"] in people]

	@cached_property
	def places(self) -> dict[Scope, Place]:
		"""Where each stands; what is the whole anyway isn't listed again."""
		now = [value for value in self.values if value["period_start"] == self.view.period.start]
		tree = self.view.asker.masters.salespeople
		roots = [name for name, node in tree.items() if not node.parent]
		whole = self.view.scope if self.view.by is By.TEAM else roots[0] if len(roots) == 1 else None
		return places_of(
			self.view.asker, By.TEAM, [value for value in now if key_of(value) != (By.TEAM.value, whole)]
		)

	@cached_property
	def standings(self) -> Mapping[Any, Standing]:
		return standings(self.view.asker, replace(self.view.question, by=By.TEAM), self.values)

	@cached_property
	def scores(self) -> Mapping[Any, Scored]:
		return scores(self.view.asker, self.standings)

	def _says_anything(self, key: Scope) -> bool:
		return (
			any(
				value["value"] or value["n"]
				for kpi in self.columns
				for value in self.series.get((key, kpi.name), [])
			)
			or (VOLUME, *key, self.view.period.start) in self.standings
		)

	def _column(self, kpi: Kpi) -> dict[str, str]:
		title = titles([kpi.name])[kpi.name]
		short = COLUMNS[kpi.name]
		place = self._place_of(kpi)
		of = self.view.label(self.view.question.periods()[place]) if place != -1 else ""
		return {
			"name": kpi.name,
			"title": str(_(short)),
			"about": title,
			"note": str(_("leads of {0}").format(of)) if of else "",
			"first": "low" if kpi.good is Good.DOWN else "high",
		}

	def _place_of(self, kpi: Kpi) -> int:
		"""The period that a column tells of: of what takes time, the last one that is final."""
		if not kpi.matures:
			return -1
		count = len(self.view.question.periods())
		for back in range(1, count + 1):
			if any(
				of[-back]["complete"] and of[-back]["value"] is not None
				for (_scope, name), of in self.series.items()
				if name == kpi.name
			):
				return -back
		return -1

	def _row(self, key: Scope, place: Place) -> dict[str, Any]:
		by, scope = key
		standing = self.standings.get((VOLUME, by, scope, self.view.period.start))
		scored = self.scores.get((by, scope, self.view.period.start))
		attainment = standing.attainment if standing else None
		score = scored.score.value if scored else None
		return {
			"by": by,
			"scope": scope,
			"label": place.label,
			"indent": place.indent,
			"is_team": by == By.TEAM.value,
			"is_open": bool(scope),
			"attainment": attainment,
			"attainment_text": self.speaker.share(attainment),
			"status": words.status_label(standing.status, standing.is_open) if standing else "",
			"tone": words.TONES.get(standing.status, "") if standing else "",
			"score": score,
			"score_text": self.speaker.share(score),
			"cells": {kpi.name: self._cell(key, kpi) for kpi in self.shown},
			"points": self._points(key),
		}

	def _cell(self, key: Scope, kpi: Kpi) -> dict[str, Any]:
		"""A figure as text, and what it is ranked by: nothing where too few cases say something by chance."""
		of = self.series.get((key, kpi.name))
		value = of[self._place_of(kpi)] if of else None
		if value is None or value["value"] is None:
			return {"text": words.NOTHING, "rank": None, "few": False, "about": ""}
		few = is_few(kpi, value)
		text = self.speaker.figure(value["value"], kpi.unit, value["currency"], exact=False)
		if few and is_proportion(kpi):
			quantity = self.speaker.quantity
			text = str(
				_("{0} of {1}").format(quantity(value["numerator"] or 0), quantity(value["denominator"] or 0))
			)
		return {
			"text": text,
			"rank": None if few else self._rank(kpi, value),
			"few": few,
			"about": "" if isinstance(kpi.formula, Sum) else self._about(kpi, value),
		}

	@staticmethod
	def _rank(kpi: Kpi, value: Value) -> float | None:
		"""What a figure is ranked by: of a share the cautious end of where it lies, so that luck with few doesn't lead."""
		between = likely(kpi, value)
		if between is None:
			return value["value"]
		return between[1] if kpi.good is Good.DOWN else between[0]

	def _about(self, kpi: Kpi, value: Value) -> str:
		text = _("n = {0}").format(self.speaker.quantity(value["n"]))
		between = likely(kpi, value)
		if between is None:
			return str(text)
		low, high = (self.speaker.share(bound) for bound in between)
		return f"{text}, {_('{0} to {1}').format(low, high)}"

	def _points(self, key: Scope) -> list[dict[str, Any]]:
		"""Sales volume of the last periods."""
		return list(self._history(self.series.get((key, VOLUME), [])))

	def _history(self, values: Sequence[Value]) -> Iterator[dict[str, Any]]:
		begun = False
		for value in values:
			begun = begun or bool(value["value"] or value["n"])
			known = begun and value["value"] is not None
			yield {
				"value": round(value["value"] or 0.0, 2) if known else None,
				"text": self.speaker.figure(
					value["value"], catalogue.kpi(VOLUME).unit, value["currency"], False
				)
				if known
				else words.NOTHING,
				"complete": value["complete"],
				"few": False,
			}
