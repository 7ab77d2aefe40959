"""The tiles of the page Sales Scorecard: each KPI of one scope, beside what was agreed and what was before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.explanation import usual_by
from sales_kpi.analysis.forecast import MEASURES
from sales_kpi.analysis.survival import wilson
from sales_kpi.analysis.targets import is_additive
from sales_kpi.analysis.values import NEEDS_SETTING, NO_MAPPING, NO_RECORDS, TOO_EARLY, Value
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.fact import Measure
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.kpis.formula import Mean, Quotient, Ratio, Sum, Total
from sales_kpi.periods import Period
from sales_kpi.scorecard.cards import FIRST, SAMPLES
from sales_kpi.scorecard.figures import FEW
from sales_kpi.scorecard.reasons import explain
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import UNASSIGNED, titles
from sales_kpi.site.scorecard_page import View
from sales_kpi.site.standing import Key, Scored, Standing, kpi_weights, scores, standings

TILES = 8
"""So many KPIs stand at the top; more can't be taken in at once."""

_ZERO_IS_A_FINDING = {"new_customers": "deals"}
"""A sum that may well be 0 all year, by the sum that shows whether its records are kept at all."""

EXPLANATION, FORECAST = "KPI Explanation", "KPI Forecast"

_FORMS = {
	"lead": "lead",
	"lead_conversion": "lead",
	"lead_loss": "lead",
	"opportunity": "opportunity",
	"opportunity_win": "opportunity",
	"opportunity_loss": "opportunity",
	"opportunity_drop": "opportunity",
	"quotation": "quotation",
	"quotation_order": "quotation",
	"order": "sales-order",
	"first_order": "customer",
	"rating": "quality-feedback",
	"call": "event",
	"meeting": "event",
	"email": "communication",
	"first_response": "opportunity",
}
"""Where the records of a fact are kept, as the desk's addresses name it; the others come of Sales Invoices."""


@dataclass(frozen=True)
class Tiles:
	"""Writes the tiles of a view."""

	view: View

	# Figures

	@property
	def asker(self) -> Asker:
		return self.view.asker

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def periods(self) -> list[Period]:
		"""The period and those before it, oldest first."""
		return self.view.question.periods()

	@cached_property
	def values(self) -> list[Value]:
		"""The scope's values in all periods."""
		return [value for value in self.asker.values(self.view.question) if value["scope"] == self.view.scope]

	@cached_property
	def series(self) -> dict[str, list[Value]]:
		"""The scope's values by KPI, oldest first."""
		found: dict[str, list[Value]] = {}
		for value in self.values:
			found.setdefault(value["kpi"], []).append(value)
		return found

	@cached_property
	def begins(self) -> int:
		"""Place of the first period in which anything was recorded: zeros before it would be an invention."""
		for place in range(len(self.periods)):
			if any(of[place]["value"] or of[place]["n"] for of in self.series.values()):
				return place
		return len(self.periods)

	@cached_property
	def standings(self) -> dict[Key, Standing]:
		"""How the values stand that something was agreed for."""
		return standings(self.asker, self.view.question, self.values)

	@cached_property
	def before(self) -> dict[str, Value]:
		"""What each KPI was in the period before: to the same day, or for cohorts at the same age, while more can come."""
		if self.begins >= len(self.periods) - 1:
			return {}
		found = {name: of[-2] for name, of in self.series.items()}
		view, earlier = self.view, self.view.earlier
		matures = [
			name for name, of in self.series.items() if catalogue.kpi(name).matures and not of[-1]["complete"]
		]
		if view.is_running:
			last = min(earlier.last_day, earlier.start + (view.today - view.period.start))
			others = [name for name in self.series if name not in matures]
			found.update(self._at(earlier.start, last, view.today, others))
			found.update(self._at(earlier.start, last, last, matures))
		else:
			as_of = earlier.last_day + (view.today - view.period.last_day)
			found.update(self._at(earlier.start, earlier.last_day, as_of, matures))
		return found

	def _at(self, first: date, last: date, as_of: date, kpis: Sequence[str]) -> dict[str, Value]:
		"""The scope's values of some days, as they were known on a day."""
		if not kpis:
			return {}
		question = replace(self.view.question, first=first, last=last, as_of=as_of, kpis=tuple(kpis))
		return {
			value["kpi"]: value for value in self.asker.values(question) if value["scope"] == self.view.scope
		}

	@cached_property
	def titles(self) -> dict[str, str]:
		"""What the site calls its KPIs."""
		return titles([kpi.name for kpi in self.asker.kpis])

	@cached_property
	def labels(self) -> list[str]:
		return [self.view.label(period) for period in self.periods]

	# The whole

	def told(self) -> dict[str, Any]:
		"""Everything that stands at the top of the page."""
		view = self.view
		measured = [name for name in self.series if self._is_measured(name)]
		ordered = sorted(measured, key=self._place)
		score = self._score()
		return {
			"chosen": view.chosen(),
			"offered": view.offered(),
			"title": view.scope,
			"is_part": view.is_part,
			"period": view.label(view.period),
			"so_far": view.done,
			"compared": self._compared(),
			"as_of": words.day(view.today, view.question.calendar),
			"tiles": [self.tile(name) for name in ordered],
			"first": TILES if score is None else TILES - 1,
			"score": score,
			"missing": [self._missing(name) for name in self.series if name not in measured],
			"labels": self.labels,
			"notes": self._notes(measured),
			"may_set_targets": bool(frappe.has_permission("KPI Target", "create")),
		}

	def _compared(self) -> str:
		"""What the period is compared with."""
		if not self.before:
			return ""
		earlier = self.view.label(self.view.earlier)
		if self.view.is_running:
			return str(_("Compared with {0}, to the same day.").format(earlier))
		return str(_("Compared with {0}.").format(earlier))

	def _place(self, name: str) -> tuple[bool, bool, int]:
		"""First what was agreed on, then what is usually read first; what has no value now comes last."""
		has_value = self.series[name][-1]["value"] is not None
		usual = FIRST.index(name) if name in FIRST else len(FIRST)
		return not has_value, self._standing(name) is None, usual

	def _standing(self, name: str, place: int = -1) -> Standing | None:
		return self.standings.get((name, self.view.by.value, self.view.scope, self.periods[place].start))

	def _is_measured(self, name: str) -> bool:
		"""Whether a KPI has any figure; a sum that is always 0 is none, unless its 0 says something."""
		values = [value for value in self.series[name] if value["value"] is not None]
		if not isinstance(catalogue.kpi(name).formula, Sum):
			return bool(values)
		if any(value["value"] or value["n"] for value in values):
			return True
		shown_by = self.series.get(_ZERO_IS_A_FINDING.get(name, ""), [])
		return bool(values) and any(value["n"] for value in shown_by)

	def _notes(self, measured: Sequence[str]) -> list[str]:
		notes = []
		if self.view.is_part:
			notes.append(_("These are the figures of what you may see of the company, not of all of it."))
		if not measured:
			notes.append(
				_("Nothing was recorded here in the last {0} periods.").format(
					words.number(len(self.periods))
				)
			)
		elif self.begins >= len(self.periods) - 1:
			notes.append(_("The records begin in this period, so there is nothing before to compare with."))
		totals = self.asker.totals
		if totals is not None and totals.state.is_behind:
			notes.append(
				_(
					"Figures are being refreshed: so many records have just changed that all of them were read. "
					"The figures are right, only slower."
				)
			)
		return [str(note) for note in notes]

	# A tile

	def tile(self, name: str) -> dict[str, Any]:
		"""One KPI of the scope."""
		kpi, now, standing = catalogue.kpi(name), self.series[name][-1], self._standing(name)
		few = is_few(kpi, now)
		return {
			"name": name,
			"title": self.titles[name],
			"value": self._written(kpi, now),
			"has_value": now["value"] is not None,
			"few": few,
			"reason": "" if now["value"] is not None else words.reason(now["reason"] or NO_RECORDS, kpi),
			"change": self._change(kpi, now, few),
			"notes": [note for note in self._notes_of(kpi, now, few) if note],
			"points": self._points(kpi),
			"axis": _axis(kpi.unit),
			"definition": self._definition(kpi, now),
			"documents": self._documents(name, now),
			"explanation": self._explanation(name),
			"forecast": self._forecast(name),
			**self._beside(kpi, now, standing),
		}

	def _written(self, kpi: Kpi, value: Value) -> str:
		return self.speaker.figure(value["value"], kpi.unit, value["currency"], exact=False)

	def _beside(self, kpi: Kpi, now: Value, standing: Standing | None) -> dict[str, Any]:
		"""What was agreed, and how the figure stands beside it."""
		if standing is None:
			return {
				"target": "",
				"status": "",
				"tone": "",
				"attainment": None,
				"attainment_text": "",
				"pace": "",
			}
		pacing, pace = standing.pacing, ""
		if pacing is not None and pacing.pace is not None and is_additive(kpi):
			# The pace of a rate is its attainment: it doesn't grow with the days.
			pace = _("pace {0}, {1}").format(self.speaker.share(pacing.pace), words.pace_label(pacing.rule))
		projection = pacing.projection if pacing and is_additive(kpi) else None
		return {
			"target": self._goal(standing, kpi, now),
			"target_document": standing.agreed.target,
			"attainment": None if standing.attainment is None else round(standing.attainment, 4),
			"attainment_text": self.speaker.share(standing.attainment),
			"pace": str(pace),
			"projection": ""
			if projection is None
			else str(
				_("heading for {0}").format(self.speaker.figure(projection, kpi.unit, now["currency"], False))
			),
			# Of what has had no time yet it can't be told how it stands.
			"status": "" if standing.is_young else words.status_label(standing.status, standing.is_open),
			"tone": "" if standing.is_young else words.TONES.get(standing.status, ""),
		}

	def _goal(self, standing: Standing, kpi: Kpi, now: Value) -> str:
		if standing.agreed.value is None:
			return self.speaker.target(standing.agreed, kpi.unit, now["currency"])
		return self.speaker.figure(standing.agreed.value, kpi.unit, now["currency"], exact=False)

	def _change(self, kpi: Kpi, now: Value, few: bool) -> dict[str, str] | None:
		"""How a figure moved on the period before: text, whether that is better or worse, and an arrow."""
		before = self.before.get(kpi.name)
		if not self.before or now["value"] is None:
			return None
		earlier = self.view.label(self.view.earlier)
		if before is None or before["value"] is None:
			return _moved(_("no figure of {0} to compare with").format(earlier))
		difference = now["value"] - before["value"]
		if kpi.unit is Unit.PERCENT:
			share = difference
		elif before["value"] > 0:
			share = now["value"] / before["value"] - 1
		else:
			return _moved(
				_("{0} in {1}").format(self._written(kpi, before), earlier), "▲" if difference > 0 else ""
			)
		if not round(share, 3):
			same = _("as in {0} at the same day") if self.view.is_running else _("as in {0}")
			return _moved(same.format(earlier))
		if self.view.is_running:
			against = _("{0} on {1} at the same day")
		elif kpi.matures and not now["complete"]:
			against = _("{0} on {1} at the same age")
		else:
			against = _("{0} on {1}")
		short = self.speaker.change(share, kpi.unit)
		text = against.format(short, earlier)
		arrow = "▲" if share > 0 else "▼"
		is_noise = kpi.unit is Unit.COUNT and max(now["value"], before["value"]) < FEW
		if few or is_noise or is_few(kpi, before) or kpi.good is Good.NEITHER:
			return _moved(text, arrow, short=short)
		return _moved(text, arrow, "better" if (share > 0) == (kpi.good is Good.UP) else "worse", short)

	def _notes_of(self, kpi: Kpi, now: Value, few: bool) -> Iterator[str]:
		"""What a figure rests on, and what keeps it from being misread."""
		if now["value"] is not None:
			yield self._sample(kpi, now)
			if few:
				yield self._doubt(kpi, now)
			if now["estimated"] >= 0.005:
				yield _("{0} of it rests on estimated dates").format(self.speaker.share(now["estimated"]))
		if not kpi.matures or now["complete"]:
			return
		if now["value"] is not None:
			window = self.asker.settings.engine.conversion_window_days
			final_on = words.day(now["period_end"] + timedelta(days=window), self.view.question.calendar)
			yield _("so far, final on {0}").format(final_on)
		final = [value for value in self.series[kpi.name] if value["complete"] and value["value"] is not None]
		if final:
			period = self.view.question.calendar.period(final[-1]["period_start"], self.view.question.every)
			yield _("Last final: {0} ({1})").format(self._written(kpi, final[-1]), self.view.label(period))

	def _sample(self, kpi: Kpi, value: Value) -> str:
		number = self.speaker.quantity
		if kpi.name in SAMPLES:
			one, many = SAMPLES[kpi.name]
			text = one if value["n"] == 1 else many
			return str(_(text).format(number(value["numerator"] or 0), number(value["n"])))
		return "" if isinstance(kpi.formula, Sum) else str(_("n = {0}").format(number(value["n"])))

	def _doubt(self, kpi: Kpi, value: Value) -> str:
		"""Between what the true share lies, of so few cases."""
		between = likely(kpi, value)
		if between is None:
			return str(_("too few to judge"))
		low, high = (self.speaker.share(bound) for bound in between)
		return str(_("too few to judge: {0} to {1}").format(low, high))

	def _points(self, kpi: Kpi) -> list[dict[str, Any]]:
		"""The history: a value for each period, null where there is none."""
		points = []
		for place, value in enumerate(self.series[kpi.name]):
			known = place >= self.begins and value["value"] is not None
			standing = self._standing(kpi.name, place)
			goal = standing.agreed.value if standing else None
			points.append(
				{
					"value": _plain(value["value"], kpi.unit) if known else None,
					"text": self._written(kpi, value) if known else words.NOTHING,
					"complete": value["complete"],
					"few": known and is_few(kpi, value),
					"target": _plain(goal, kpi.unit),
				}
			)
		return points

	def _documents(self, name: str, value: Value) -> dict[str, str] | None:
		"""What the report Sales KPI Documents is asked to list what the figure is made of."""
		return {
			"kpi": name,
			"company": self.view.company,
			"from_date": value["period_start"].isoformat(),
			"to_date": value["period_end"].isoformat(),
			"by": self.view.by.value,
			"scope": value["scope"] or UNASSIGNED,
		}

	def _explanation(self, name: str) -> dict[str, str] | None:
		"""What the report that explains a change is asked, where there is one and something to explain."""
		by = usual_by(catalogue.kpi(name), self.view.by)
		if by is None or EXPLANATION not in self._reports or not self._has_changed(name):
			return None
		asked = {
			"kpi": name,
			"by": by.value,
			"company": self.view.company,
			"from_date": self.view.period.start.isoformat(),
			"to_date": min(self.view.period.last_day, self.view.today).isoformat(),
			"compare": "same-day" if self.view.is_running else "previous",
			"scope_by": self.view.by.value,
		}
		return asked if self.view.by is By.COMPANY else {**asked, "scope": self.view.scope}

	def _has_changed(self, name: str) -> bool:
		"""Whether there is a figure now and one before, so that there is a change to explain."""
		before, now = self.before.get(name), self.series[name][-1]
		return before is not None and before["value"] is not None and now["value"] is not None

	def _forecast(self, name: str) -> dict[str, str] | None:
		"""What the report that tells what will come is asked, of a KPI that is foretold."""
		every = self.view.question.every
		if name not in MEASURES or FORECAST not in self._reports:
			return None
		asked = {
			"measure": name,
			"company": self.view.company,
			"every": every.value,
			"scope_by": self.view.by.value,
		}
		return asked if self.view.by is By.COMPANY else {**asked, "scope": self.view.scope}

	@cached_property
	def _reports(self) -> frozenset[str]:
		"""Those of the reports that tell more which aren't switched off."""
		wanted = {"name": ("in", (EXPLANATION, FORECAST)), "disabled": 0}
		return frozenset(frappe.get_all("Report", filters=wanted, pluck="name"))

	# What a KPI means

	def _definition(self, kpi: Kpi, value: Value) -> dict[str, str]:
		good = {
			Good.UP: _("More is better."),
			Good.DOWN: _("Less is better."),
			Good.NEITHER: _("Neither more nor less is better in itself."),
		}[kpi.good]
		return {
			"meaning": _(kpi.meaning),
			"moved_by": _(kpi.moved_by),
			"good": str(good),
			"formula": str(kpi.formula),
			"worked_out": self._worked_out(kpi, value),
		}

	def _worked_out(self, kpi: Kpi, value: Value) -> str:
		"""The formula with the numbers of the period, where it is one number divided by another."""
		numerator, denominator, result = value["numerator"], value["denominator"], value["value"]
		if numerator is None or not denominator or result is None:
			return ""
		if abs(numerator / denominator - result) > 1e-6 * max(abs(result), 1.0):
			return ""
		above, below = self._units(kpi)
		figure, currency = (
			self.speaker.figure,
			frappe.get_cached_value("Company", self.view.company, "default_currency"),
		)
		text = f"{figure(numerator, above, currency)} ÷ {figure(denominator, below, currency)}"
		return f"{text} = {figure(result, kpi.unit, value['currency'])}"

	def _units(self, kpi: Kpi) -> tuple[Unit, Unit]:
		"""What numerator and denominator are counted in."""
		formula = kpi.formula
		if isinstance(formula, Quotient):
			known = catalogue.kpis()
			of = [known.get(name.replace(" ", "_")) for name in formula.names]
			return tuple(one.unit if one else Unit.COUNT for one in of)  # type: ignore[return-value]
		if isinstance(formula, Ratio):
			return _unit_of(formula.numerator), _unit_of(formula.denominator)
		return (kpi.unit if isinstance(formula, Mean) else Unit.COUNT), Unit.COUNT

	# What isn't measured

	def _missing(self, name: str) -> dict[str, str]:
		"""A KPI without any figure: why, the one thing that would give it one, and where that is done."""
		kpi = catalogue.kpi(name)
		reasons = [value["reason"] or NO_RECORDS for value in self.series[name]]
		reason = ([one for one in reasons if one != TOO_EARLY] or reasons)[-1]
		if reason in (NEEDS_SETTING, NO_MAPPING):
			why = words.reason(reason, kpi)
			fix = (
				_("Choose the accounts in Sales KPI Settings.")
				if reason == NEEDS_SETTING
				else _("Map the cost centers in Sales KPI Settings.")
				if kpi.mapped_cost
				else _("Map users to salespeople in Sales KPI Settings.")
			)
			route = "sales-kpi-settings"
		else:
			why, fix = explain(kpi, reason, _translated)
			route = "" if reason == TOO_EARLY else _FORMS.get(kpi.formula.facts()[-1], "sales-invoice")
		return {"title": self.titles[name], "why": str(why), "fix": str(fix), "route": route}

	# Score

	def _score(self) -> dict[str, Any] | None:
		"""All that was agreed in one number, with what each KPI adds to it."""
		weights = kpi_weights()
		of_all = scores(self.asker, self.standings, weights)
		key = (self.view.by.value, self.view.scope)
		scored: Scored | None = of_all.get((*key, self.view.period.start))
		if scored is None:
			return None
		parts = []
		for name, used in zip(scored.kpis, scored.score.weights_used, strict=True):
			standing = self._standing(name)
			parts.append(
				{
					"title": self.titles.get(name, name),
					"weight": self.speaker.share(used),
					"attainment": self.speaker.share(standing.judged_by if standing else None),
					"is_missing": name in scored.score.missing,
				}
			)
		is_open = self.view.is_running
		history = [of_all.get((*key, period.start)) for period in self.periods]
		return {
			"value": self.speaker.share(scored.score.value),
			"status": words.status_label(scored.status, is_open),
			"tone": words.TONES.get(scored.status, ""),
			"parts": parts,
			"missing": [self.titles.get(name, name) for name in scored.score.missing],
			"points": [
				{
					"value": round(one.score.value * 100, 2) if one and one.score.value is not None else None,
					"text": self.speaker.share(one.score.value if one else None),
					"complete": period.last_day < self.view.today,
					"few": False,
					"target": None,
				}
				for one, period in zip(history, self.periods, strict=True)
			],
		}


def is_few(kpi: Kpi, value: Value) -> bool:
	"""Whether a ratio, mean or median rests on too few cases; a sum is what it is."""
	return not isinstance(kpi.formula, Sum) and value["value"] is not None and value["n"] < FEW


def is_proportion(kpi: Kpi) -> bool:
	"""Whether a KPI is a share of cases, each of which counts in it or doesn't."""
	formula = kpi.formula
	return (
		kpi.unit is Unit.PERCENT
		and isinstance(formula, Ratio)
		and all(
			term.measure == "quantity"
			for total in (formula.numerator, formula.denominator)
			for _sign, term in total.terms
		)
	)


def likely(kpi: Kpi, value: Value) -> tuple[float, float] | None:
	"""Between which two shares the true one lies, of a KPI that is a share of cases (Wilson's interval of 95 %)."""
	numerator, denominator = value["numerator"], value["denominator"]
	if not is_proportion(kpi) or numerator is None or not denominator:
		return None
	try:
		found = wilson(numerator, denominator)
	except InputError:
		# What is counted above may be more than below, where a deal is credited to others than its customer.
		return None
	return (found.low, found.high) if found else None


def _moved(text: object, arrow: str = "", state: str = "", short: str = "") -> dict[str, str]:
	"""A change in words; `short` where what it is compared with is said once for all."""
	return {"text": str(text), "arrow": arrow, "state": state, "short": short or str(text)}


_AXIS = {Unit.PERCENT: 100.0, Unit.SECONDS: 1 / 60}
"""What values are multiplied by for a chart's axis."""


def _plain(value: float | None, unit: Unit) -> float | None:
	"""A number as a chart's axis counts, without the dust of floats."""
	return None if value is None else round(value * _AXIS.get(unit, 1.0), 4)


def _axis(unit: Unit) -> str:
	"""What a chart's axis counts in."""
	known = {Unit.PERCENT: "%", Unit.SECONDS: _("minutes"), Unit.DAYS: _("days")}
	return str(known.get(unit, ""))


def _unit_of(total: Total) -> Unit:
	"""What a sum is counted in."""
	term = total.terms[0][1]
	if term.measure != "amount":
		return Unit.COUNT
	measure = catalogue.facts()[term.fact].measure
	return {Measure.MONEY: Unit.CURRENCY, Measure.SECONDS: Unit.SECONDS}.get(measure, Unit.COUNT)


def _translated(text: str, *values: object) -> str:
	return str(_(text).format(*values))
