"""How realistic a KPI Target is: what the last periods say for it and against it, in words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from frappe import _
from frappe.model.document import Document

from sales_kpi.analysis import targets as arithmetic
from sales_kpi.analysis.outcome import Kind, Note
from sales_kpi.analysis.realism import Realism, realism
from sales_kpi.analysis.targets import Code, TargetWarning
from sales_kpi.kpis.definition import Good, Unit
from sales_kpi.site import words
from sales_kpi.site.target_terms import Bounds, Work, refuse
from sales_kpi.site.targets import measured

UNLIKELY, LIKELY = 0.1, 0.9
"""Beyond these probabilities a target is out of reach, or says nothing."""


def agree(doc: Document) -> None:
	"""What must hold when a target is submitted: its baseline is final, and an extreme has a reason."""
	work: Work = doc.flags.work
	work.check_baseline()
	found = Evidence(work).warnings()
	if found and not (doc.reason or "").strip():
		refuse(f"{' '.join(found)} {_('Say in the field Reason why it is set all the same, or change it.')}")


class Evidence:
	"""What the last periods say about the values of a target."""

	def __init__(self, work: Work) -> None:
		self.doc, self.matter, self.past = work.doc, work.matter, work.past
		self.agreed = [
			(period, bound) for period, bound in zip(work.matter.periods, work.values, strict=True) if bound
		]

	def told(self) -> dict[str, Any]:
		"""The same for the form: sentences, and the last periods with what was reached."""
		matter = self.matter
		times, of = arithmetic.reached(self._finals, *self._against)
		if of:
			sentence = _("{0} was reached in {1} of the last {2} periods.").format(
				self._typical_text(), words.number(times), words.number(of)
			)
		else:
			sentence = _("There are no earlier values to compare with.")
		largest = max((abs(value["value"] or 0.0) for _period, value in self.past), default=0.0)
		rows = [
			{
				"label": matter.label(period),
				"text": matter.figure(value["value"]),
				"share": max(value["value"] or 0.0, 0.0) / largest if largest else 0.0,
				"final": value["complete"],
				"reached": None
				if value["value"] is None or not value["complete"]
				else arithmetic.meets(value["value"], *self._against),
			}
			for period, value in self.past
		]
		begun = next((place for place, row in enumerate(rows) if row["share"]), len(rows))
		return {
			"sentence": sentence,
			"warnings": self.warnings(),
			"outlook": [self._note(note) for note in self.outlook.notes(Kind.NUMBER)] if self.outlook else [],
			"rows": rows[begun:],
		}

	def warnings(self) -> list[str]:
		"""What speaks against the target: that it never was reached or always, else that it hardly will be or surely."""
		found = [self._said(warning) for warning in arithmetic.warnings(self._finals, *self._against)]
		probability = self.outlook.probability if self.outlook else None
		if found or probability is None or UNLIKELY <= probability <= LIKELY:
			return found
		share = _share(probability)
		if probability < UNLIKELY:
			text = _(
				"Going by the last periods it is reached with a probability of {0}: it may be out of reach."
			)
		else:
			text = _("Going by the last periods it is reached with a probability of {0}: it may be too easy.")
		return [str(text.format(share))]

	# How likely it is

	@cached_property
	def outlook(self) -> Realism | None:
		"""How likely the target is to be reached; None for a range, and where there was nothing before it.

		Of a path its goal is judged, at its end; of several periods their mean, in the middle of them.
		"""
		value, known = self.typical.value, self._finals
		begun = next((place for place, number in enumerate(known) if number), len(known))
		if value is None or self.doc.is_range or begun == len(known):
			return None
		place = len(self.agreed) - 1 if self.doc.kind == "Path" else (len(self.agreed) - 1) // 2
		goal, last = self.agreed[place][0], self.past[-1][0]
		ahead = len(self.matter.question.calendar.periods(last.start, goal.last_day, self.matter.every)) - 1
		return realism(known[begun:], value, max(ahead, 1), self.matter.kpi.unit, self.matter.kpi.good)

	def _note(self, note: Note) -> str:
		"""A sentence of the analysis in the reader's language; plain numbers in it are values of the KPI."""
		figures = {Kind.NUMBER: self.matter.figure, Kind.SHARE: _share}
		filled = {
			name: figures[note.kinds[name]](value) if name in note.kinds else words.number(value)  # type: ignore[arg-type]
			for name, value in note.values.items()
		}
		return str(_(note.sentence).format(**filled))

	# What is judged

	@cached_property
	def typical(self) -> Bounds:
		"""What the past is compared with: the mean of the periods, or the goal of a path; as the engine counts."""
		given = [bound for _period, bound in self.agreed]
		if self.doc.kind == "Path":
			given = given[-1:]

		def mean(numbers: Iterable[float | None]) -> float | None:
			known = [number for number in numbers if number is not None]
			return measured(sum(known) / len(known), self.matter.kpi.unit) if known else None

		return Bounds(
			mean(bound.value for bound in given),
			mean(bound.low for bound in given),
			mean(bound.high for bound in given),
		)

	@property
	def _against(self) -> tuple[float | None, Good, float | None, float | None]:
		return self.typical.value, self.matter.kpi.good, self.typical.low, self.typical.high

	@cached_property
	def _finals(self) -> list[float | None]:
		return [value["value"] if value["complete"] else None for _period, value in self.past]

	def _said(self, warning: TargetWarning) -> str:
		if warning.code is Code.TOO_EASY:
			text = _("It was reached in each of the last {0} periods: it may be too easy.")
			return str(text.format(words.number(warning.of)))
		best = self.matter.figure(warning.best)
		if warning.beyond is None:
			text = _(
				"It was reached in none of the last {0} periods, of which the best was {1}: it may be out of reach."
			)
			return str(text.format(words.number(warning.of), best))
		text = _(
			"It was reached in none of the last {0} periods and lies {1} % beyond the best of them, {2}: it may be out of reach."
		)
		return str(text.format(words.number(warning.of), words.number(warning.beyond * 100), best))

	def _typical_text(self) -> str:
		matter, typical = self.matter, self.typical
		if typical.value is not None:
			text = matter.figure(typical.value)
		elif typical.low is not None and typical.high is not None:
			text = _("{0} to {1}").format(matter.figure(typical.low), matter.figure(typical.high))
		elif typical.low is not None:
			text = _("{0} or more").format(matter.figure(typical.low))
		else:
			text = _("{0} or less").format(matter.figure(typical.high))
		differ = len({(bound.value, bound.low, bound.high) for _period, bound in self.agreed}) > 1
		if self.doc.kind == "Path":
			return str(_("The goal, {0},").format(text))
		return str(_("The mean of the periods, {0},").format(text)) if differ else text


def _share(value: float | None) -> str:
	return words.figure(value, Unit.PERCENT, None)
