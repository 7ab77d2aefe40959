"""What the analyses tell of the scope that a digest or a review is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import frappe

from sales_kpi.analysis.outcome import Note, Outcome
from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import periods_before
from sales_kpi.site.scorecard_page import View

WATCHED_MONTHS = 24
"""Months that trends and advice look back on: two rounds of the season."""

Answer = tuple[Question, Outcome | str]
"""What was asked, and what an analysis tells or the sentence in which it says why it can't."""


@dataclass(frozen=True)
class Findings:
	"""Asks the analyses about a view's scope, by the rights of its asker."""

	view: View

	def explanation(self, kpi: str) -> Answer:
		"""Why a KPI changed in the view's period."""
		view = self.view
		last = min(view.period.last_day, view.today)
		question = replace(view.question, first=view.period.start, last=last, by=By.COMPANY, kpis=None)
		options = {"kpi": kpi, "compare": "same-day" if view.is_running else "previous"}
		return question, self._told("explanation", question, options)

	def trends(self) -> Answer:
		"""What got better or worse in the last months."""
		return self._of_last_months("trend", {})

	def advice(self) -> Answer:
		"""What to check and to do, in the reader's language."""
		return self._of_last_months("advice", {"language": "fa" if words.language() == "fa" else "en"})

	def _of_last_months(self, name: str, options: Mapping[str, str]) -> Answer:
		view = self.view
		calendar, last = view.question.calendar, min(view.period.last_day, view.today)
		first = periods_before(calendar, calendar.period(last, Every.MONTH), Every.MONTH, WATCHED_MONTHS)
		question = replace(
			view.question, first=first.start, last=last, every=Every.MONTH, by=By.COMPANY, kpis=None
		)
		return question, self._told(name, question, options)

	def _told(self, name: str, question: Question, options: Mapping[str, str]) -> Outcome | str:
		by, scope = (By.COMPANY, "") if self.view.by is By.COMPANY else (self.view.by, self.view.scope)
		was, frappe.flags.mute_messages = frappe.flags.mute_messages, True
		try:
			return self.view.asker.analysis(name, question, by, scope, options)
		except (frappe.ValidationError, frappe.PermissionError) as error:
			return str(error)
		finally:
			frappe.flags.mute_messages = was


def reasons(outcome: Outcome) -> list[Note]:
	"""Of an explanation, the notes that say why, those that weigh most first; a sum without parts has none."""
	if not outcome.rows:
		return []
	return [note for note in outcome.notes[1:] if not note.is_warning and not compares(note)]


def compares(note: Note) -> bool:
	"""Whether a note of an explanation says which days are compared."""
	return note.sentence.startswith("Compared are")
