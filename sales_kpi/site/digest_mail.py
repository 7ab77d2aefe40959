"""What one digest says to one reader: in the reader's language, and of what the reader may see.

Charts are bars made of table cells: they are there with images off, in Outlook as on phones, and no library on a bench
draws pictures with well-shaped Persian text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import frappe
from frappe import _
from frappe.utils import get_url
from frappe.utils.jinja_globals import is_rtl

from sales_kpi import catalogue
from sales_kpi.analysis.attainment import Status
from sales_kpi.analysis.outcome import Note
from sales_kpi.analysis.targets import working_days
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.site import words
from sales_kpi.site.analysis_table import Told
from sales_kpi.site.answers import Asker, periods_before
from sales_kpi.site.desk import desk
from sales_kpi.site.findings import Findings, compares, reasons
from sales_kpi.site.permissions import quoted, refuse, sight, visible_to_you
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.scorecard_tiles import Tiles
from sales_kpi.site.standing import days_off, standings
from sales_kpi.site.to_reach import TARGETS, ToReach

TEMPLATE = "kpi_digest"

TILES, THINGS, BARS, REASONS = 3, 3, 6, 2
"""Few things at once: what somebody reads in a minute."""

EARLIER = 12
"""Periods before the one that is told of."""

COLORS = {"good": "#00664a", "warn": "#8a5a00", "bad": "#a63d00", "": "#5b6770"}
"""Of a status, which is always written beside it as well."""

SIGNS = {"good": "●", "warn": "▲", "bad": "■"}
"""A sign for each status, for whoever doesn't see its colour."""

BAR, SO_FAR = "#0072B2", "#9cc4de"

WORSE = ("Getting worse", "Worse than usual")
ALARMS = (*WORSE, "Getting better", "Better than usual", "Rising", "Falling", "Higher than usual", "Lower than usual")  # fmt: skip
"""What the trend watch finds, as its rows say it."""

SHORT = 20
"""A figure has fewer characters than this."""

Html = str


class NothingToTell(Exception):
	"""There is nothing at all that a mail could say."""


@dataclass(frozen=True)
class Mail:
	"""A digest, ready to be sent.

	args: what its templates are filled with; `html` and `text` are those filled in.
	"""

	subject: str
	args: Mapping[str, Any]

	@property
	def html(self) -> Html:
		"""The HTML part."""
		return str(frappe.get_template(f"templates/emails/{TEMPLATE}.html").render(dict(self.args)))

	@property
	def text(self) -> str:
		"""The plain-text part."""
		return str(frappe.get_template(f"templates/emails/{TEMPLATE}.txt").render(dict(self.args)))


def view_of(
	asker: Asker, company: str, by: By, scope: str, period: Period, every: Every, calendar: Calendar
) -> View:
	"""What a digest looks at. Raises frappe.PermissionError where its reader may not see it."""
	first = periods_before(calendar, period, every, EARLIER)
	question = Question(
		company, first.start, period.last_day, every, by, None, frappe.utils.getdate(), calendar
	)
	seen = sight(question, asker.may, asker.masters, asker.settings.companies)
	is_part = seen is not None and bool(seen.only)
	if by is By.COMPANY:
		scope = visible_to_you() if is_part else company
	elif is_part or (seen is not None and scope not in [shown.name for shown in seen.scopes]):
		refuse(_("There are no figures of {0} that you may see.").format(quoted(scope)))
	return View(asker, question, period, scope, is_part)


@dataclass(frozen=True)
class Letter:
	"""Writes the digest of a view."""

	view: View

	def mail(self) -> Mail:
		"""The mail. Raises NothingToTell where nothing was recorded for a year and nothing was agreed."""
		if not self.tiles:
			raise NothingToTell
		headline = self.headline()
		direction = "rtl" if is_rtl() else "ltr"
		things, why, advice = self.things(), self._why(), self._advice()
		return Mail(
			subject=subject(headline),
			args={
				"language": words.language(),
				"direction": direction,
				"start": "right" if direction == "rtl" else "left",
				"end": "left" if direction == "rtl" else "right",
				"headline": headline,
				"about": self._about(),
				"labels": self._labels(),
				"tiles": [self._tile(tile) for tile in self.tiles[:TILES]],
				"chart": self._chart(),
				"things": things,
				"things_text": [plain(thing) for thing in things],
				"numerals": [f"{self.speaker.number(place)}." for place in range(1, THINGS + 1)],
				"why": why,
				"why_text": [
					plain(part) for part in (why["change"], *why["reasons"], why["compared"]) if part
				],
				"advice": advice,
				"advice_text": list(self._advice_text(advice)),
				"button": _("Open the scorecard"),
				"link": self.link,
				"footer": _(
					"You get this because you answer for these figures. They are those that you may see."
				),
			},
		)

	# What it is made of

	@property
	def asker(self) -> Asker:
		return self.view.asker

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def top(self) -> Mapping[str, Any]:
		"""What stands at the top of the scorecard."""
		return self._scorecard.told()

	@cached_property
	def _scorecard(self) -> Tiles:
		return Tiles(self.view)

	@cached_property
	def tiles(self) -> list[dict[str, Any]]:
		"""The KPIs that have figures, in the scorecard's order; whoever has none yet is told of what was agreed."""
		if self.top["tiles"]:
			return list(self.top["tiles"])
		view, made = self.view, self._scorecard
		return [
			made.tile(name)
			for name in made.series
			if (name, view.by.value, view.scope, view.period.start) in made.standings
		]

	@cached_property
	def main(self) -> dict[str, Any]:
		"""The KPI that the headline is about: sales if something was agreed for them, else the first with a target, or at all."""
		agreed = {tile["name"]: tile for tile in self.tiles if tile["attainment"] is not None}
		for name in (*TARGETS, *agreed):
			if name in agreed:
				return agreed[name]
		return self.tiles[0]

	@property
	def findings(self) -> Findings:
		return Findings(self.view)

	@property
	def is_own(self) -> bool:
		"""Whether its reader is the salesperson."""
		return self.view.by is By.SALES_PERSON and self.view.scope in self.asker.may.own

	@property
	def is_empty(self) -> bool:
		"""Whether nothing was recorded in the period."""
		return not any(tile["points"][-1]["value"] for tile in self.tiles)

	@property
	def link(self) -> str:
		"""The scorecard of this scope and period in the desk."""
		chosen = self.view.chosen()
		if self.view.by is By.COMPANY:
			chosen.pop("scope")
		return get_url(f"{desk()}/sales-scorecard?{urlencode(chosen, quote_via=quote)}")

	# Headline

	def headline(self) -> str:
		"""The figure that matters most, in one sentence."""
		who, when, tile = self.view.scope, self.view.label(self.view.period), self.main
		value = _unbroken(tile["value"])
		if self.is_empty and tile["attainment"] is None:
			if self.is_own:
				return str(_("Nothing was recorded for you in {0}").format(when))
			return str(_("Nothing was recorded for {0} in {1}").format(who, when))
		if tile["attainment"] is None:
			if self.is_own:
				return str(_("Your {0}: {1} in {2}").format(tile["title"], value, when))
			return str(_("{0}: {1} {2} in {3}").format(who, tile["title"], value, when))
		share = tile["attainment_text"]
		if tile["name"] not in TARGETS:
			text = _("{0}: {1} at {2} of the target").format(who, tile["title"], share)
		elif self.view.is_running and self.is_own:
			text = _("You are at {0} with {1}").format(share, self.days_left())
		elif self.view.is_running:
			text = _("{0} is at {1} with {2}").format(who, share, self.days_left())
		elif self.is_own:
			text = _("You reached {0} of the target in {1}").format(share, when)
		else:
			text = _("{0} reached {1} of the target in {2}").format(who, share, when)
		return str(text)

	def days_left(self) -> str:
		"""Days left in the period, today included."""
		rest = Period(self.view.today, self.view.period.end)
		off = days_off(self.view.company, self.view.period)
		if off is None:
			return str(_("{0} days left").format(self.speaker.number(rest.days)))
		days = working_days(rest, off)
		if days == 0:
			return str(_("no working day left"))
		if days == 1:
			return str(_("1 working day left"))
		return str(_("{0} working days left").format(self.speaker.number(days)))

	def _about(self) -> str:
		parts = [self.view.scope, self.view.label(self.view.period)]
		if self.view.is_running:
			# Days that are over would be confused with the days left in the headline: today is one of both.
			parts.append(str(_("so far")))
		if self.view.by is not By.COMPANY:
			parts.insert(1, self.view.company)
		return " · ".join(part for part in parts if part)

	@staticmethod
	def _labels() -> dict[str, str]:
		return {
			"things": _("Look at these"),
			"why": _("What changed and why"),
			"advice": _("One piece of advice"),
			"so_far": _("so far"),
			"check": _("Check"),
			"act": _("Do"),
		}

	# Tiles and chart

	def _tile(self, tile: Mapping[str, Any]) -> dict[str, str]:
		change = tile["change"] or {}
		target = ""
		if tile["target"]:
			target = _("of {0}").format(tile["target"])
			if tile["attainment"] is not None:
				target = f"{target} · {tile['attainment_text']}"
		moved = f"{change['arrow']} {change['text']}".strip() if change else ""
		return {
			"title": tile["title"],
			"value": tile["value"],
			"target": target,
			"status": tile["status"],
			"sign": SIGNS.get(tile["tone"], "○") if tile["status"] else "",
			"color": COLORS[tile["tone"]],
			"change": moved if tile["has_value"] else tile["reason"],
		}

	def _chart(self) -> dict[str, Any]:
		"""The last periods of the headline's KPI, each with its figure beside its bar."""
		points, labels = self.main["points"][-BARS:], self.top["labels"][-BARS:]
		most = max((point["value"] or 0.0 for point in points), default=0.0)
		rows = []
		for label, point in zip(labels, points, strict=True):
			share = max(point["value"] or 0.0, 0.0) / most if most > 0 else 0.0
			rows.append(
				{
					"label": label,
					"value": point["text"],
					"width": max(round(share * 100), 1 if share else 0),
					"color": BAR if point["complete"] else SO_FAR,
					"so_far": not point["complete"] and point["value"] is not None,
				}
			)
		return {"title": self.main["title"], "rows": rows}

	# Whom or what to look at

	def things(self) -> list[Html]:
		"""Up to three things that need somebody, of as many kinds as there are."""
		kinds = [list(kind) for kind in self._kinds()]
		found: list[Html] = []
		while len(found) < THINGS and any(kinds):
			for kind in kinds:
				if kind and len(found) < THINGS:
					found.append(kind.pop(0))
		return found or [words.html(_("Nothing stands out."))]

	def _kinds(self) -> tuple[Iterator[Html], ...]:
		if self.is_own:
			return self._to_reach(), self._off_target(), self._getting_worse()
		return self._people(), self._off_target(), self._getting_worse(), self._to_reach()

	def _people(self) -> Iterator[Html]:
		"""The salespeople of the scope who are furthest from what was agreed with them."""
		if self.view.is_part or By.SALES_PERSON not in catalogue.kpi(self.main["name"]).scopes:
			return
		view, kpi = self.view, catalogue.kpi(self.main["name"])
		question = replace(
			view.question,
			first=view.period.start,
			last=view.period.last_day,
			by=By.SALES_PERSON,
			kpis=(kpi.name,),
		)
		values = self.asker.values(question)
		people = view.people
		found = []
		for (_kpi, _by, scope, _start), standing in standings(self.asker, question, values).items():
			inside = people is None or scope in people
			if inside and scope != view.scope and standing.status in (Status.AT_RISK, Status.OFF):
				found.append((standing.judged_by or 0.0, scope, standing))
		by_name = {value["scope"]: value for value in values}
		for _judged, scope, standing in sorted(found, key=lambda one: one[:2]):
			value = by_name[scope]
			yield filled(
				_("{0}: {1}, {2} of the target ({3})"),
				scope,
				self.speaker.figure(value["value"], kpi.unit, value["currency"], exact=False),
				self.speaker.share(standing.attainment),
				words.status_label(standing.status, standing.is_open),
			)

	def _off_target(self) -> Iterator[Html]:
		"""Other KPIs that aren't on track."""
		off = [tile for tile in self.tiles if tile["tone"] in ("bad", "warn") and tile is not self.main]
		for tile in sorted(off, key=lambda tile: (tile["tone"] != "bad", tile["attainment"] or 0.0)):
			yield filled(
				_("{0}: {1}, {2} of the target ({3})"),
				tile["title"], tile["value"], tile["attainment_text"], tile["status"],
			)  # fmt: skip

	def _getting_worse(self) -> Iterator[Html]:
		"""What the trend watch alarms of."""
		question, outcome = self.findings.trends()
		if isinstance(outcome, str):
			return
		told = Told(self.asker, question, outcome)
		alarms = [row for row in outcome.rows if row["finding"] in ALARMS]
		# Sentences come in the order of the rows, as far as they go.
		for row, note in zip(alarms, outcome.notes, strict=False):
			if row["finding"] in WORSE and row["kpi"]:
				yield self._plain(told, note)

	def _to_reach(self) -> Iterator[Html]:
		"""Documents that can bring something now."""
		calendar, today = self.view.question.calendar, self.view.today
		month = calendar.period(today, Every.MONTH)
		question = replace(self.view.question, every=Every.MONTH, first=month.start, last=month.last_day)
		lists = ToReach(replace(self.view, question=question, period=month)).lists()
		for one in sorted(lists, key=lambda one: -one.get("total", 0.0)):
			if one["count"]:
				yield filled(_("{0}: {1}, worth {2}"), one["title"], one["count_text"], one["total_text"])

	# Why, and what to do

	def _why(self) -> dict[str, Any]:
		"""What changed, the reasons that weigh most, and what was compared."""
		question, outcome = self.findings.explanation(self.main["name"])
		if isinstance(outcome, str):
			return {"change": words.html(plain(outcome)), "reasons": [], "compared": ""}
		told = Told(self.asker, question, outcome)
		notes = list(outcome.notes)
		compared = [self._plain(told, note) for note in notes if compares(note)]
		why = [self._plain(told, note) for note in reasons(outcome)[:REASONS]]
		change = self._plain(told, notes[0]) if notes else ""
		return {"change": change, "reasons": why, "compared": compared[0] if compared else ""}

	def _advice(self) -> dict[str, Html]:
		"""The first piece of advice, with what it rests on."""
		question, outcome = self.findings.advice()
		if isinstance(outcome, str):
			return {"finding": "", "check": "", "act": words.html(plain(outcome)), "evidence": ""}
		told = Told(self.asker, question, outcome)
		evidence = self._plain(told, outcome.notes[0]) if outcome.notes else ""
		if not outcome.rows:
			return {"finding": "", "check": "", "act": evidence, "evidence": ""}
		row = outcome.rows[0]
		texts = {"finding": row["advice"], "check": row["check"], "act": row["act"]}
		return {**{name: words.html(text) for name, text in texts.items()}, "evidence": evidence}

	def _advice_text(self, advice: Mapping[str, Html]) -> Iterator[str]:
		"""The advice as lines of plain text."""
		before = {"check": f"{self._labels()['check']}: ", "act": f"{self._labels()['act']}: "}
		for name, part in advice.items():
			if part:
				yield f"{before.get(name, '') if advice['finding'] else ''}{plain(part)}"

	@staticmethod
	def _plain(told: Told, note: Note) -> Html:
		"""A note without the desk's sign for warnings, its figures each on one line."""
		sentence = told.sentence(replace(note, is_warning=False))
		return re.sub(r"<bdi>([^<]*)</bdi>", lambda found: f"<bdi>{_unbroken(found[1])}</bdi>", sentence)


# Words


def filled(template: str, *values: object) -> Html:
	"""A sentence of ours with names and figures in its places, as HTML in which they can't do anything."""
	return words.html(template).format(*(f"<bdi>{words.html(_unbroken(value))}</bdi>" for value in values))


def _unbroken(value: object) -> str:
	"""A figure that keeps its currency on the line; words as they are."""
	text = str(value)
	return text.replace(" ", "\u00a0") if re.search(r"\d", text) and len(text) < SHORT else text


def plain(html: Html) -> str:
	"""HTML of ours as plain text."""
	return unescape(re.sub(r"<[^>]*>", "", html))


def subject(headline: str) -> str:
	"""A headline as a mail's subject: in one line, and without marks that some programs show as boxes."""
	text = re.sub(r"[\u2066-\u2069\u200e\u200f]", "", headline).replace("\u202f", "\u00a0")
	return " ".join(text.replace("\u00a0", "\u0000").split()).replace("\u0000", "\u00a0")[:200]
