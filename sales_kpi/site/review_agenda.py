"""What a review is to speak about: KPIs off target, what moved most and why, and the app's advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.outcome import Note
from sales_kpi.analysis.values import Value
from sales_kpi.kpis.definition import Kpi
from sales_kpi.site import words
from sales_kpi.site.analysis_table import Told
from sales_kpi.site.answers import Asker
from sales_kpi.site.digest_mail import plain
from sales_kpi.site.findings import Findings, reasons
from sales_kpi.site.report import titles
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.scorecard_tiles import Tiles, is_few

OFF, MOVER, ADVICE = "Off Target", "Biggest Mover", "Advice"

MOVERS, ADVICES, REASONS = 3, 2, 2
"""Few things at once: a meeting has an hour."""

LEAST_MOVED = 0.05
"""What moved by a smaller share than this is no mover."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Agenda:
	"""Writes the agenda of a view."""

	view: View

	def rows(self) -> list[Row]:
		"""What the records put on the agenda; nothing where nothing was recorded or agreed in the period."""
		off = list(self._off_target())
		found = [*off, *self._movers({row["kpi"] for row in off})]
		return [*found, *self._advice()] if found or self.has_figures else []

	@property
	def asker(self) -> Asker:
		return self.view.asker

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def scorecard(self) -> Tiles:
		return Tiles(self.view)

	@cached_property
	def tiles(self) -> dict[str, dict[str, Any]]:
		"""The KPIs that have figures or a target, in the scorecard's order."""
		made = self.scorecard
		found = {tile["name"]: tile for tile in made.told()["tiles"]}
		for name in made.series:
			key = (name, self.view.by.value, self.view.scope, self.view.period.start)
			if name not in found and key in made.standings:
				found[name] = made.tile(name)
		return found

	@cached_property
	def has_figures(self) -> bool:
		"""Whether anything was recorded in the period."""
		return any(of[-1]["value"] or of[-1]["n"] for of in self.scorecard.series.values())

	# KPIs off target

	def _off_target(self) -> Iterator[Row]:
		off = [tile for tile in self.tiles.values() if tile["tone"] in ("bad", "warn")]
		for tile in sorted(off, key=lambda tile: (tile["tone"] != "bad", tile["attainment"] or 0.0)):
			change = tile["change"] if tile["has_value"] else None
			parts = [
				_("{0} of the target ({1})").format(tile["attainment_text"], tile["status"]),
				tile["pace"],
				f"{change['arrow']} {change['text']}".strip() if change else tile["reason"],
				*(self._why(tile["name"]) if change else ()),
			]
			yield {
				**self.figures(tile["name"]),
				"kind": OFF,
				"topic": tile["title"],
				"target_text": tile["target"],
				"attainment": round((tile["attainment"] or 0.0) * 100, 2),
				"told": "\n".join(str(part) for part in parts if part),
			}

	def figures(self, name: str) -> dict[str, Any]:
		"""A KPI with its value in the period, as the agenda keeps it."""
		value = self.value(name)
		number = value["value"] if value else None
		return {
			"kpi": name,
			"value": number or 0.0,
			"has_value": int(number is not None),
			"value_text": self.written(name, number, value),
		}

	def value(self, name: str) -> Value | None:
		"""A KPI of the scope in the period; None of one that may not be seen or isn't measured here."""
		of = self.scorecard.series.get(name)
		return of[-1] if of else None

	def written(self, name: str, number: float | None, value: Value | None = None) -> str:
		"""A KPI's value for people."""
		kpi = catalogue.kpis().get(name)
		if kpi is None:
			return words.NOTHING
		currency = value["currency"] if value else self.currency
		return self.speaker.figure(number, kpi.unit, currency, exact=False)

	@property
	def currency(self) -> str | None:
		return self.asker.masters.companies.get(self.view.company) or None

	@cached_property
	def titles(self) -> dict[str, str]:
		"""What the site calls its KPIs."""
		return titles([kpi.name for kpi in self.asker.kpis])

	# What moved most

	def _movers(self, told: set[str]) -> Iterator[Row]:
		"""Those that aren't told of yet."""
		moved = []
		for name, tile in self.tiles.items():
			if name in told:
				continue
			share = self._moved(catalogue.kpi(name))
			if tile["change"] and tile["change"]["state"] and share is not None and abs(share) >= LEAST_MOVED:
				moved.append((abs(share), name, tile))
		for _share, name, tile in sorted(moved, key=lambda one: (-one[0], one[1]))[:MOVERS]:
			change = tile["change"]
			better = _("better") if change["state"] == "better" else _("worse")
			sentences = [f"{change['arrow']} {change['text']} ({better})", *self._why(name)]
			yield {
				**self.figures(name),
				"kind": MOVER,
				"topic": tile["title"],
				"told": "\n".join(sentences),
			}

	def _moved(self, kpi: Kpi) -> float | None:
		"""By which share of itself a KPI has moved."""
		now, before = self.value(kpi.name), self.scorecard.before.get(kpi.name)
		if now is None or before is None or now["value"] is None or not before["value"]:
			return None
		return None if before["value"] < 0 else now["value"] / before["value"] - 1

	def _why(self, name: str) -> list[str]:
		"""Why a KPI moved, in words, where the app can tell."""
		question, outcome = Findings(self.view).explanation(name)
		if isinstance(outcome, str):
			return []
		told = Told(self.asker, question, outcome)
		return [_plain(told, note) for note in reasons(outcome)[:REASONS]]

	# Advice

	def _advice(self) -> Iterator[Row]:
		question, outcome = Findings(self.view).advice()
		if isinstance(outcome, str):
			return
		told = Told(self.asker, question, outcome)
		evidence = [_plain(told, note) for note in outcome.notes]
		for place, row in enumerate(outcome.rows[:ADVICES]):
			parts = [
				_("Check: {0}").format(row["check"]) if row["check"] else "",
				_("Do: {0}").format(row["act"]) if row["act"] else "",
				evidence[place] if place < len(evidence) else "",
			]
			yield {
				"kind": ADVICE,
				"topic": str(row["advice"]),
				"told": "\n".join(str(part) for part in parts if part),
			}


def rests_on_few(kpi: Kpi, value: Value | None) -> bool:
	"""Whether too few cases are behind a figure to judge by it."""
	return value is not None and is_few(kpi, value)


def _plain(told: Told, note: Note) -> str:
	"""A sentence of an analysis as plain text."""
	return plain(told.sentence(replace(note, is_warning=False)))
