"""How figures stand beside what was agreed: attainment, pace within an open period, status, and the score of a scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import frappe

from sales_kpi import catalogue
from sales_kpi.analysis.attainment import (
	BalanceWarning,
	Pace,
	Pacing,
	Part,
	Score,
	Status,
	attainment,
	balance,
	composite,
	pacing,
	season_share,
	status,
)
from sales_kpi.analysis.targets import in_earlier_years, is_additive
from sales_kpi.analysis.values import Question, Value
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good
from sales_kpi.periods import Every, Period
from sales_kpi.site.answers import EARLIEST, Asker
from sales_kpi.site.places import key_of
from sales_kpi.site.targets import Agreed, agreed

Key = tuple[str, str, str, date]
"""KPI, kind and name of the scope, first day of the period as it was asked for."""

Shares = Mapping[tuple[str, str, str], float]
"""Of each KPI and scope, what is normally there of a period by today."""


@dataclass(frozen=True)
class Standing:
	"""A figure beside what was agreed.

	agreed: for the whole period. attainment: of it by the value. pacing: within an open period, else None. status: by the
	attainment of a closed period and the pace of an open one. is_open: whether the period isn't over. is_young: whether it
	can't be told yet, because what began in the period still has time, as leads have for an order.
	"""

	agreed: Agreed
	attainment: float | None
	pacing: Pacing | None
	status: Status
	is_young: bool = False

	@property
	def is_open(self) -> bool:
		"""Whether more can come."""
		return self.pacing is not None

	@property
	def judged_by(self) -> float | None:
		"""What the status rests on."""
		if self.is_young:
			return None
		return self.pacing.pace if self.pacing else self.attainment


def standings(asker: Asker, question: Question, values: Sequence[Value]) -> dict[Key, Standing]:
	"""How those of a question's values stand that something was agreed for.

	A value of a part of a period is none beside a target for all of it, unless the part reaches to the day of reading.
	"""
	periods = {period.start: period for period in question.periods()}
	found: dict[Key, tuple[Value, Period, Agreed]] = {}
	for by in dict.fromkeys(By(value["by"]) for value in values):
		goals = agreed(question.company, by, question.first, question.last, question.calendar, question.every)
		if not goals:
			continue
		for value in values:
			period = periods.get(value["period_start"])
			if period is None or value["by"] != by.value:
				continue
			whole = period.whole or period
			goal = goals.get((value["kpi"], value["scope"], whole.start, whole.last_day))
			reaches = period.last_day == whole.last_day or period.last_day >= question.as_of
			if goal is not None and period.start == whole.start and reaches:
				found[(value["kpi"], *key_of(value), period.start)] = value, whole, goal
	if not found:
		return {}
	agreed_on = tuple(dict.fromkeys(kpi for kpi, *_scope in found))
	pace = _Pace(asker, replace(question, kpis=agreed_on))
	return {key: pace.standing(*told) for key, told in found.items()}


class _Pace:
	"""Tells how values stand on the day of reading, by the rule that the settings choose where it can be followed."""

	def __init__(self, asker: Asker, question: Question) -> None:
		self.asker, self.question = asker, question
		self._shares: dict[Period, Shares] = {}
		self._days_off: dict[Period, frozenset[date] | None] = {}

	def standing(self, value: Value, whole: Period, goal: Agreed) -> Standing:
		settings, today = self.asker.settings, self.question.as_of
		reached = attainment(value["value"], goal.value, goal.good, goal.low, goal.high)
		told, kpi = None, catalogue.kpi(value["kpi"])
		if whole.start <= today < whole.last_day:
			rule, share, holidays = self._rule(value, whole)
			told = pacing(
				value["value"], goal.value, whole, today, rule, holidays, share,
				good=goal.good, low=goal.low, high=goal.high, additive=is_additive(kpi),
			)  # fmt: skip
		judged = told.pace if told else reached
		# What was reached already stays so, where more is better.
		is_safe = goal.good is Good.UP and reached is not None and reached >= 1
		is_young = kpi.matures and not value["complete"] and not is_safe
		if whole.start > today or is_young:
			judged = None
		how = status(judged, settings.on_track_from, settings.at_risk_from)
		return Standing(goal, reached, told, how, is_young)

	def _rule(self, value: Value, whole: Period) -> tuple[Pace, float | None, frozenset[date]]:
		"""By season where earlier years tell one, else by working days where a Holiday List covers the period."""
		wanted = self.asker.settings.pace_by
		if wanted is Pace.SEASON:
			share = self._season(whole).get((value["kpi"], *key_of(value)))
			if share is not None:
				return Pace.SEASON, share, frozenset()
		if wanted is not Pace.CALENDAR:
			if whole not in self._days_off:
				self._days_off[whole] = days_off(self.question.company, whole)
			holidays = self._days_off[whole]
			if holidays is not None:
				return Pace.WORKING_DAYS, None, holidays
		return Pace.CALENDAR, None, frozenset()

	def _season(self, whole: Period) -> Shares:
		"""What each scope normally has of the period by today, by the same period of up to three earlier years."""
		if whole not in self._shares:
			self._shares[whole] = self._read_season(whole)
		return self._shares[whole]

	def _read_season(self, whole: Period) -> Shares:
		question, history = self.question, {}
		if question.every is Every.RANGE:
			return {}
		done = (question.as_of - whole.start).days + 1
		for period in in_earlier_years(whole, question.calendar, question.every):
			if period.start < EARLIEST:
				continue
			# The same part of the period; a month or year may be a day longer or shorter.
			days = max(1, round(done / whole.days * period.days))
			ends = (period.start + timedelta(days=days - 1), period.last_day)
			for place, last in enumerate(ends):
				for value in self.asker.values_with_members(
					replace(question, first=period.start, last=last, every=Every.RANGE)
				):
					key = (value["kpi"], *key_of(value))
					history.setdefault(key, {}).setdefault(period.start, [None, None])[place] = value["value"]
		shares = {}
		for key, years in history.items():
			try:
				shares[key] = season_share([(part, of_all) for part, of_all in years.values()])
			except InputError:
				continue
		return shares


def days_off(company: str, period: Period) -> frozenset[date] | None:
	"""Days of a period on which the company doesn't work; None where no Holiday List of it covers the period."""
	name = frappe.get_cached_value("Company", company, "default_holiday_list")
	known = name and frappe.db.get_value("Holiday List", name, ["from_date", "to_date"])
	if not known or known[0] > period.start or known[1] < period.last_day:
		return None
	days = frappe.get_all(
		"Holiday",
		filters={
			"parent": name,
			"parenttype": "Holiday List",
			"holiday_date": ("between", (period.start, period.last_day)),
		},
		pluck="holiday_date",
	)
	return frozenset(days)


def told(standing: Standing | None) -> dict[str, float | str | None]:
	"""A standing as plain values, for other programs; all None where nothing was agreed."""
	if standing is None:
		return dict.fromkeys(TOLD)
	goal, pace = standing.agreed, standing.pacing
	return {
		"target": goal.value,
		"target_low": goal.low,
		"target_high": goal.high,
		"target_document": goal.target,
		"attainment": standing.attainment,
		"pace": pace.pace if pace else None,
		"pace_rule": pace.rule.value if pace else None,
		"expected": pace.expected if pace else None,
		"projection": pace.projection if pace else None,
		"status": standing.status.value,
	}


TOLD = (
	"target", "target_low", "target_high", "target_document", "attainment", "pace", "pace_rule", "expected",
	"projection", "status",
)  # fmt: skip
"""What `told` tells."""


# Score


@dataclass(frozen=True)
class Scored:
	"""The score of one scope in one period.

	score: of the attainments, in an open period of the paces, so that it can be compared with a closed one's. kpis: those
	with a weight and something agreed, in the order of their weights in the score.
	"""

	score: Score
	kpis: tuple[str, ...]
	status: Status


def scores(
	asker: Asker, found: Mapping[Key, Standing], weights: Mapping[str, float] | None = None
) -> dict[tuple[str, str, date], Scored]:
	"""The score of each scope and period that something was agreed for, by the KPIs' weights."""
	weights = kpi_weights() if weights is None else weights
	settings = asker.settings
	parts: dict[tuple[str, str, date], list[Part]] = {}
	for (kpi, by, scope, start), standing in found.items():
		weight = weights.get(kpi, 0.0)
		if weight > 0:
			parts.setdefault((by, scope, start), []).append(Part(kpi, weight, standing.judged_by, By(by)))
	told = {}
	for key, of_scope in parts.items():
		score = composite(of_scope, settings.score_cap, settings.score_floor)
		judged = status(score.value, settings.on_track_from, settings.at_risk_from)
		told[key] = Scored(score, tuple(part.kpi for part in of_scope), judged)
	return told


def imbalances(found: Mapping[Key, Standing]) -> list[BalanceWarning]:
	"""What is doubtful about the weights of what was agreed."""
	weights = kpi_weights()
	agreed_for: dict[str, dict[str, None]] = {}
	for kpi, by, _scope, _start in found:
		agreed_for.setdefault(kpi, {})[by] = None
	return balance(
		[
			# What is agreed for a team and for its people weighs once.
			Part(kpi, weights.get(kpi, 0.0) / len(kinds), by=By(by))
			for kpi, kinds in agreed_for.items()
			for by in kinds
		]
	)


def kpi_weights() -> dict[str, float]:
	"""What each KPI weighs in a score; 0 for those that aren't part of it."""
	rows: Iterable[tuple[str, float | None]] = frappe.get_all(
		"Sales KPI", fields=["name", "weight"], as_list=True
	)
	return {name: weight or 0.0 for name, weight in rows}
