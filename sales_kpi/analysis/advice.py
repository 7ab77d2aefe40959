"""Advice: from what stands out in the figures to causes that are worth checking and to what can be done.

Findings say what stands out, each with its evidence; rules, which are data (`advice_rules`), say what follows. Advice
is a suggestion of where to look: no rule knows the cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sales_kpi import catalogue
from sales_kpi.analysis.advice_rules import RULES
from sales_kpi.analysis.explanation import (
	Asked,
	Compare,
	Part,
	RateMix,
	compared,
	drivers,
	rate_mix,
	sums_of,
)
from sales_kpi.analysis.inquiry import Analysis, Inquiry
from sales_kpi.analysis.outcome import Cell, Column, Kind, Note, Outcome
from sales_kpi.analysis.trend import (
	SEASONS,
	UNASSIGNED,
	UNITS,
	Verdict,
	Watched,
	kind_of,
	may_tell,
	series_from,
	silent,
	values_of,
	watch,
)
from sales_kpi.analysis.values import Value
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.kpis.formula import Ratio, Sum
from sales_kpi.periods import Every

APART = 0.3
"""By which share a scope must differ from the median of its peers to stand out."""

PEERS, SAMPLE = 3, 5
"""How many peers it takes, and how large a sample each needs, to be compared."""

ACTIVITY = frozenset({"calls", "meetings", "emails"})
"""Sums by which salespeople are compared."""

DEVIATIONS = 2.0
"""How many standard deviations a last value must lie from its mean to be high or low."""

MISSED = 0.6
"""Below which attainment a target counts as missed by far."""

MATTERS = 0.1
"""From which share of the value before on a driver of the change matters."""

SENTENCES = 12
"""How many pieces of evidence are told in words at most."""


class State(str, Enum):
	"""How something stands out."""

	HIGH = "high"
	LOW = "low"
	RISING = "rising"
	FALLING = "falling"
	NORMAL = "normal"
	MIX = "moved by mix"
	MISSED = "missed"
	MISSED_BY_ALL = "missed by all"


OF_TARGETS = frozenset({State.MISSED, State.MISSED_BY_ALL})
"""States of a target: of these rules without a bound mean those below `MISSED`."""


class Against(str, Enum):
	"""What it stands out against."""

	HISTORY = "history"
	PEERS = "peers"
	TREND = "trend"
	BEFORE = "the period before"
	TARGET = "target"


@dataclass(frozen=True)
class Subject:
	"""What a finding can be about."""

	title: str
	kind: Kind
	unit: str


SUBJECTS: Mapping[str, Subject] = {
	"acquisition_spend": Subject("Acquisition cost", Kind.MONEY, "money"),
	"customers": Subject("Customers", Kind.COUNT, "count"),
	"deals_per_customer": Subject("Deals per customer", Kind.NUMBER, "times"),
	"deal_value": Subject("Deal value before returns", Kind.MONEY, "money"),
	"returns": Subject("Returns", Kind.MONEY, "money"),
}
"""Subjects of findings that are no KPIs."""

ANY = "*"
"""In a rule, any KPI."""


@dataclass(frozen=True)
class Finding:
	"""Something that stands out, or doesn't.

	subject: a KPI's name or one of SUBJECTS. value: the figure; reference: what it is compared with: its own mean, the
	median of its peers, the value before, for a trend its mean. Of a target, the value is the attainment.
	"""

	subject: str
	state: State
	by: By
	scope: str
	value: float | None = None
	reference: float | None = None
	against: Against = Against.HISTORY


@dataclass(frozen=True)
class Attained:
	"""How far one target was reached, as a share; None where that can't be told."""

	kpi: str
	by: By
	scope: str
	attainment: float | None


# Rules


@dataclass(frozen=True)
class Condition:
	"""A condition on findings of one scope: one about the subject, in one of the states, between the bounds."""

	subject: str
	states: tuple[State, ...]
	below: float | None = None
	above: float | None = None

	def met_by(self, finding: Finding) -> bool:
		"""Whether a finding meets it."""
		if self.subject not in (ANY, finding.subject) or finding.state not in self.states:
			return False
		value = finding.value
		if self.below is not None and (value is None or value >= self.below):
			return False
		return self.above is None or (value is not None and value > self.above)


@dataclass(frozen=True)
class Rule:
	"""What follows from findings. title, check, act: by language, `en` and `fa`."""

	name: str
	when: tuple[Condition, ...]
	unless: tuple[Condition, ...]
	title: Mapping[str, str]
	check: Mapping[str, str]
	act: Mapping[str, str]


LANGUAGES = ("en", "fa")
_TEXTS = ("title", "check", "act")
_KEYS = {"name", "when", "unless", *(f"{text}_{language}" for text in _TEXTS for language in LANGUAGES)}
_CONDITION_KEYS = {"subject", "state", "below", "above"}


def problems(rules: Sequence[Mapping[str, Any]]) -> list[str]:
	"""One sentence for each rule of a table that is wrong, in their order; none where all are right."""
	found = []
	names: set[str] = set()
	for place, rule in enumerate(rules, start=1):
		name = rule.get("name")
		known = f"Rule {place} ({name})" if isinstance(name, str) and name.strip() else f"Rule {place}"
		fault = _fault(rule, names)
		if fault:
			found.append(f"{known} {fault}.")
		if isinstance(name, str):
			names.add(name)
	return found


def _fault(rule: Mapping[str, Any], names: set[str]) -> str | None:
	"""What is wrong with a rule first, as the rest of a sentence."""
	name = rule.get("name")
	if not isinstance(name, str) or not name.strip():
		return "has no name"
	if name in names:
		return "has the name of another rule"
	unknown = sorted(set(rule) - _KEYS, key=str)
	if unknown:
		return f"says {unknown[0]!r}, which rules don't have"
	when = rule.get("when")
	if not isinstance(when, list | tuple) or not when:
		return "has no condition: say when it holds"
	unless = rule.get("unless", ())
	if not isinstance(unless, list | tuple):
		return "has an exception that is no list of conditions"
	for condition in (*when, *unless):
		fault = _condition_fault(condition)
		if fault:
			return fault
	for language in LANGUAGES:
		for text in _TEXTS:
			value = rule.get(f"{text}_{language}")
			if not isinstance(value, str) or not value.strip():
				return f"has no text {text}_{language}"
	return None


def _condition_fault(condition: Any) -> str | None:
	if not isinstance(condition, Mapping):
		return "has a condition that is no subject with states"
	unknown = sorted(set(condition) - _CONDITION_KEYS, key=str)
	if unknown:
		return f"has a condition that says {unknown[0]!r}, which conditions don't have"
	subject = condition.get("subject")
	if subject != ANY and subject not in SUBJECTS and subject not in catalogue.kpis():
		return f"is about {subject!r}, which is no KPI"
	states = condition.get("state")
	states = [states] if isinstance(states, str) else states
	if not isinstance(states, list | tuple) or not states:
		return f"doesn't say how {subject!r} has to stand"
	known = [state.value for state in State]
	for state in states:
		if state not in known:
			return f"has the condition {state!r}, which there isn't: there are {', '.join(known)}"
	for bound in ("below", "above"):
		number = condition.get(bound)
		is_number = isinstance(number, int | float) and not isinstance(number, bool)
		if number is not None and not (is_number and math.isfinite(number)):
			return f"has a bound {number!r}, which is no number"
	return None


def rules_from(table: Sequence[Mapping[str, Any]]) -> list[Rule]:
	"""The rules of a table. Raises InputError with what is wrong, if anything is."""
	wrong = problems(table)
	if wrong:
		raise InputError(" ".join(wrong))
	return [
		Rule(
			name=row["name"],
			when=tuple(_condition(one) for one in row["when"]),
			unless=tuple(_condition(one) for one in row.get("unless", ())),
			title=_texts(row, "title"),
			check=_texts(row, "check"),
			act=_texts(row, "act"),
		)
		for row in table
	]


def _condition(row: Mapping[str, Any]) -> Condition:
	told = [row["state"]] if isinstance(row["state"], str) else row["state"]
	states, below = tuple(State(state) for state in told), row.get("below")
	if below is None and OF_TARGETS.issuperset(states):
		below = MISSED
	return Condition(row["subject"], states, below, row.get("above"))


def _texts(row: Mapping[str, Any], text: str) -> dict[str, str]:
	return {language: row[f"{text}_{language}"] for language in LANGUAGES}


# Advice


@dataclass(frozen=True)
class Advice:
	"""A rule that applies to a scope, and the findings that made it apply."""

	rule: Rule
	by: By
	scope: str
	evidence: tuple[Finding, ...]


def advice(findings: Iterable[Finding], rules: Iterable[Rule]) -> list[Advice]:
	"""Which rules apply to whom: in the rules' order, then for the company first and others by name.

	A rule applies to a scope when each of its conditions is met by a finding about that scope, and none of its exceptions
	by one about that scope or the company.
	"""
	ordered = sorted(set(findings), key=_place)
	by_scope: dict[tuple[By, str], list[Finding]] = {}
	for finding in ordered:
		by_scope.setdefault((finding.by, finding.scope), []).append(finding)
	of_company = [finding for finding in ordered if finding.by is By.COMPANY]
	found = []
	for rule in rules:
		for (by, scope), own in by_scope.items():
			evidence: list[Finding] = []
			for condition in rule.when:
				met = [finding for finding in own if condition.met_by(finding)]
				if not met:
					break
				evidence += [finding for finding in met if finding not in evidence]
			else:
				against = own if by is By.COMPANY else [*own, *of_company]
				if not any(condition.met_by(finding) for condition in rule.unless for finding in against):
					found.append(Advice(rule, by, scope, tuple(evidence)))
	return found


def _place(finding: Finding) -> tuple[bool, str, str, str, str, str]:
	return (
		finding.by is not By.COMPANY,
		finding.by.value,
		finding.scope,
		finding.subject,
		finding.state.value,
		finding.against.value,
	)


# Findings


def of_series(watched: Iterable[Watched]) -> Iterator[Finding]:
	"""What watched series tell: trends, last values far from their mean, and what is as usual."""
	for one in watched:
		found, last = one.course, one.last
		if found is None or last is None:
			continue
		mean = found.limits.mean
		known = [value for value in found.values if value is not None]
		apart = (known[-1] - mean) / found.limits.deviation if found.limits.deviation else 0.0
		state, against = State.NORMAL, Against.HISTORY
		if one.verdict is Verdict.TREND:
			state, against = (State.RISING if one.is_up else State.FALLING), Against.TREND
		elif one.verdict is Verdict.UNUSUAL:
			state = State.HIGH if one.is_up else State.LOW
		elif abs(apart) > DEVIATIONS:
			state = State.HIGH if apart > 0 else State.LOW
		if (state is State.HIGH and last <= mean) or (state is State.LOW and last >= mean):
			# With its season, or by now, it is where it usually is: nobody could see what is told.
			state = State.NORMAL
		yield Finding(one.kpi.name, state, one.by, one.scope, last, mean, against)


def of_peers(values: Sequence[Value], by: By) -> Iterator[Finding]:
	"""What comparing scopes of a kind tells, from one value of each, KPI by KPI.

	A rate stands out when the Wilson interval at 95 % leaves out the rate of all others together (statsmodels
	`proportion_confint`); anything else when it lies 30 % from the median of the others. It takes three others, and
	a sample of five each for what isn't a sum. Sums grow with whose they are, and aren't compared, except for the activity
	of salespeople.
	"""
	known = catalogue.kpis()
	by_kpi: dict[str, list[Value]] = {}
	for value in values:
		kpi = known[value["kpi"]]
		is_enough = value["n"] >= SAMPLE or isinstance(kpi.formula, Sum)
		if value["value"] is not None and value["scope"] and is_enough and _is_comparable(kpi, by):
			by_kpi.setdefault(value["kpi"], []).append(value)
	for name, of in by_kpi.items():
		for own in of:
			others = [other for other in of if other is not own]
			if len(others) < PEERS:
				continue
			compared_with = _against_rates if known[name].unit is Unit.PERCENT else _against_median
			state, reference = compared_with(own, others)
			yield Finding(name, state, by, own["scope"], own["value"], reference, Against.PEERS)


def _is_comparable(kpi: Kpi, by: By) -> bool:
	"""Whether scopes of different sizes can be compared by a KPI: by ratios and medians, and salespeople by their work."""
	if isinstance(kpi.formula, Sum):
		return by is By.SALES_PERSON and kpi.name in ACTIVITY
	return kpi.unit is not Unit.CURRENCY_PER_DAY


def _against_rates(own: Value, others: Sequence[Value]) -> tuple[State, float | None]:
	whole = math.fsum(other["denominator"] or 0.0 for other in others)
	part = math.fsum(other["numerator"] or 0.0 for other in others)
	successes, trials = own["numerator"], own["denominator"]
	counts = successes is not None and trials is not None and abs(own["n"] - (trials or 0.0)) < 1e-6
	if not counts or not whole or not 0 <= (successes or 0.0) <= (trials or 0.0):
		return _against_median(own, others)
	from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped]

	low, high = proportion_confint(successes, trials, alpha=0.05, method="wilson")
	rate = part / whole
	return State.LOW if high < rate else State.HIGH if low > rate else State.NORMAL, rate


def _against_median(own: Value, others: Sequence[Value]) -> tuple[State, float | None]:
	import numpy as np

	median = float(np.median([other["value"] for other in others if other["value"] is not None]))
	value = own["value"] or 0.0
	if median <= 0:
		return State.NORMAL, median
	if value < (1 - APART) * median:
		return State.LOW, median
	return State.HIGH if value > (1 + APART) * median else State.NORMAL, median


def of_mix(subject: str, found: RateMix | None, by: By, scope: str) -> Iterator[Finding]:
	"""Whether a ratio moved because its groups' weights did: against all of their rates, or more than by them."""
	if found is None:
		return
	is_mix = abs(found.mix) > abs(found.rate) and found.mix * found.change > 0
	if found.simpson or (is_mix and abs(found.change) > MATTERS * abs(found.before)):
		yield Finding(subject, State.MIX, by, scope, found.now, found.before, Against.BEFORE)


def of_attainments(attained: Iterable[Attained], company: str, missed: float = MISSED) -> Iterator[Finding]:
	"""Which targets were missed by far, and which by everybody who has one (three or more of a kind)."""
	by_kpi: dict[tuple[str, By], list[Attained]] = {}
	for one in attained:
		if one.attainment is not None:
			by_kpi.setdefault((one.kpi, one.by), []).append(one)
	for (kpi, by), of in by_kpi.items():
		reached = [one.attainment for one in of if one.attainment is not None]
		for one in of:
			if one.attainment is not None and one.attainment < missed:
				yield Finding(kpi, State.MISSED, by, one.scope, one.attainment, None, Against.TARGET)
		if len(of) >= PEERS and by is not By.COMPANY and max(reached) < missed:
			yield Finding(kpi, State.MISSED_BY_ALL, By.COMPANY, company, max(reached), None, Against.TARGET)


def settled(findings: Iterable[Finding]) -> list[Finding]:
	"""Findings without those that call normal what stands out against something else."""
	every = list(dict.fromkeys(findings))
	standing = {
		(one.subject, one.by, one.scope)
		for one in every
		if one.state in (State.HIGH, State.LOW, State.RISING, State.FALLING)
	}
	return [
		one
		for one in every
		if one.state is not State.NORMAL or (one.subject, one.by, one.scope) not in standing
	]


def missed_below(rules: Iterable[Rule]) -> float:
	"""The attainment below which any of some rules calls a target missed."""
	bounds = [
		condition.below
		for rule in rules
		for condition in (*rule.when, *rule.unless)
		if condition.below is not None and OF_TARGETS.issuperset(condition.states)
	]
	return max(bounds, default=MISSED)


def findings_of(inquiry: Inquiry, attained: Iterable[Attained] = (), missed: float = MISSED) -> list[Finding]:
	"""All findings of an inquiry: of its scope as a whole, and of the scopes that it tells apart.

	missed: the attainment below which a target counts as missed.
	"""
	season = SEASONS.get(inquiry.every, 1)
	found: list[Finding] = []
	for by in dict.fromkeys((By.COMPANY, inquiry.by)):
		values = values_of(inquiry, inquiry.kpis, inquiry.every, inquiry.first, inquiry.last, by)
		series = [one for one in series_from(inquiry, values, by) if one.scope]
		gone = set(silent(series)) if by is not By.COMPANY else set()
		# The whole is told as what it is, so that all that is found of it stands together.
		told = inquiry.scope_by if by is By.COMPANY else by
		kept = [replace(one, by=told) for one in series if one.scope not in gone]
		found += of_series(watch(kept, season))
		found += of_series(watch(_spend(values, told), season))
		if by is not By.COMPANY:
			ranges = values_of(inquiry, inquiry.kpis, Every.RANGE, inquiry.first, inquiry.last, by)
			known = {one.scope for one in kept}
			found += of_peers([value for value in ranges if value["scope"] in known], by)
	found += _of_changes(inquiry)
	of_targets = (one for one in attained if may_tell(inquiry, one.kpi))
	found += of_attainments(of_targets, inquiry.scope, missed)
	return settled(found)


def _spend(values: Iterable[Value], by: By) -> list[Watched]:
	"""The series of what was spent to win customers: the numerator of what a new one costs."""
	of: dict[str, list[Value]] = {}
	for value in values:
		is_final = value["complete"] and value["value"] is not None and value["numerator"] is not None
		if value["kpi"] == "customer_acquisition_cost" and value["scope"] and is_final:
			of.setdefault(value["scope"], []).append(value)
	if not of:
		return []
	title = SUBJECTS["acquisition_spend"].title
	kpi = replace(
		catalogue.kpi("customer_acquisition_cost"), name="acquisition_spend", title=title, good=Good.NEITHER
	)
	return [
		Watched(
			kpi,
			by,
			name,
			tuple(one["period_start"] for one in series),
			tuple(one["numerator"] for one in series),
		)
		for name, series in of.items()
	]


_MIXED = ("lead_conversion_rate", "win_rate")
"""Ratios of which it is asked whether they moved by the mix of sources."""

_DRIVERS = {
	"Customers": "customers",
	"Deals per customer": "deals_per_customer",
	"Deal value before returns": "deal_value",
	"Returns": "returns",
}


def _of_changes(inquiry: Inquiry) -> Iterator[Finding]:
	"""What the explanation of the days' change tells, against as many days before."""
	scope = inquiry.scope
	before, now = compared(
		inquiry.calendar, Every.RANGE, inquiry.first, inquiry.last, inquiry.as_of, Compare.PREVIOUS
	)
	if inquiry.last > inquiry.as_of:
		return
	by = inquiry.scope_by
	whole = replace(inquiry, by=By.COMPANY, every=Every.RANGE)
	if may_tell(inquiry, "sales_volume"):
		asked = Asked(whole, catalogue.kpi("sales_volume"), Compare.PREVIOUS, before, now)
		first, last = (value["value"] or 0.0 for value in asked.values())
		split = drivers(asked, first, last) if first > 0 else None
		for driver in split.drivers if split else ():
			subject = _DRIVERS.get(driver.title)
			if subject is None or abs(driver.effect) < MATTERS * first:
				continue
			# Returns are negative amounts: more of them is a falling one.
			is_up = (driver.effect > 0) is not (subject == "returns")
			state = State.RISING if is_up else State.FALLING
			yield Finding(subject, state, by, scope, driver.now, driver.before, Against.BEFORE)
	if inquiry.scope_by is By.SOURCE:
		return
	for name in _MIXED:
		formula = catalogue.kpi(name).formula
		if not isinstance(formula, Ratio) or not may_tell(inquiry, name):
			continue
		numerators, denominators = sums_of(
			whole, [formula.numerator, formula.denominator], By.SOURCE, (before, now)
		)
		parts = {
			source: Part(numerators.get(source, (0.0, 0.0)), denominators[source])
			for source in sorted(denominators)
		}
		yield from of_mix(name, rate_mix(parts), by, scope)


# The answer


def advise(
	inquiry: Inquiry, rules: Sequence[Rule] | None = None, attained: Iterable[Attained] = ()
) -> Outcome:
	"""The advice for an inquiry, with the evidence of each piece.

	rules: those of a site, the app's own if None. attained: how far targets were reached, if that is known. The option
	`language` says in which language the rules' texts stand.
	"""
	language = inquiry.options.get("language") or "en"
	if language not in LANGUAGES:
		raise InputError(
			"There is no advice in {language}: choose {known}.",
			language=repr(language),
			known=" or ".join(LANGUAGES),
		)
	rules = rules if rules is not None else rules_from(RULES)
	findings = findings_of(inquiry, attained, missed_below(rules))
	found = advice(findings, rules)
	rows = tuple(_row(one, piece, language) for one in found for piece in one.evidence)
	return Outcome(_COLUMNS, rows, (), tuple(_notes(found, findings)))


def answer(inquiry: Inquiry) -> Outcome:
	"""The advice for an inquiry, by the rules and with the targets that it brings."""
	return advise(
		inquiry,
		inquiry.rules() if inquiry.rules else None,
		inquiry.attained() if inquiry.attained else (),
	)


_COLUMNS = (
	Column("scope", "Of Whom or What", Kind.NAME),
	Column("advice", "What Stands Out", Kind.TEXT),
	Column("subject", "Evidence", Kind.TEXT),
	Column("state", "How It Stands", Kind.TEXT),
	Column("value", "Value", Kind.NUMBER, unit_in="unit"),
	Column("reference", "Compared With", Kind.NUMBER, unit_in="unit"),
	Column("unit", "Unit", Kind.TEXT),
	Column("check", "What to Check", Kind.TEXT),
	Column("act", "What to Do", Kind.TEXT),
)

_STATES: Mapping[tuple[State, Against], str] = {
	(State.HIGH, Against.HISTORY): "Higher than usual",
	(State.LOW, Against.HISTORY): "Lower than usual",
	(State.NORMAL, Against.HISTORY): "As usual",
	(State.HIGH, Against.PEERS): "Higher than others",
	(State.LOW, Against.PEERS): "Lower than others",
	(State.NORMAL, Against.PEERS): "Like others",
	(State.RISING, Against.TREND): "Rising",
	(State.FALLING, Against.TREND): "Falling",
	(State.RISING, Against.BEFORE): "More than before",
	(State.FALLING, Against.BEFORE): "Less than before",
	(State.MIX, Against.BEFORE): "Moved by the mix of sources",
	(State.MISSED, Against.TARGET): "Target missed by far",
	(State.MISSED_BY_ALL, Against.TARGET): "Target missed by everybody",
}

_EVIDENCE: Mapping[tuple[State, Against], str] = {
	(State.HIGH, Against.HISTORY): "{kpi} of {scope}: {value}, higher than its usual {reference}.",
	(State.LOW, Against.HISTORY): "{kpi} of {scope}: {value}, lower than its usual {reference}.",
	(State.NORMAL, Against.HISTORY): "{kpi} of {scope}: {value}, about its usual {reference}.",
	(State.HIGH, Against.PEERS): "{kpi} of {scope}: {value}, higher than the {reference} of others.",
	(State.LOW, Against.PEERS): "{kpi} of {scope}: {value}, lower than the {reference} of others.",
	(State.NORMAL, Against.PEERS): "{kpi} of {scope}: {value}, about the {reference} of others.",
	(State.RISING, Against.TREND): "{kpi} of {scope}: rising, now {value} after {reference} on average.",
	(State.FALLING, Against.TREND): "{kpi} of {scope}: falling, now {value} after {reference} on average.",
	(State.RISING, Against.BEFORE): "{kpi} of {scope}: {value} after {reference} in as many days before.",
	(State.FALLING, Against.BEFORE): "{kpi} of {scope}: {value} after {reference} in as many days before.",
	(
		State.MIX,
		Against.BEFORE,
	): "{kpi} of {scope}: from {reference} to {value} because other sources weigh more, not "
	"because of their own rates.",
	(State.MISSED, Against.TARGET): "{kpi} of {scope}: {value} of the target.",
	(
		State.MISSED_BY_ALL,
		Against.TARGET,
	): "{kpi} of {scope}: nobody has reached more than {value} of the target.",
}


def _subject(finding: Finding) -> Subject:
	if finding.subject in SUBJECTS:
		return SUBJECTS[finding.subject]
	kpi: Kpi | None = catalogue.kpis().get(finding.subject)
	if kpi is None:
		return Subject(finding.subject, Kind.NUMBER, "")
	return Subject(kpi.title, kind_of(kpi.unit), UNITS[kpi.unit])


def _row(one: Advice, finding: Finding, language: str) -> dict[str, Cell]:
	subject = _subject(finding)
	is_target = finding.against is Against.TARGET
	return {
		"scope": one.scope,
		"advice": one.rule.title[language],
		"subject": subject.title,
		"state": _STATES.get((finding.state, finding.against), finding.state.value),
		"value": finding.value,
		"reference": finding.reference,
		"unit": UNITS[Unit.PERCENT] if is_target else subject.unit,
		"check": one.rule.check[language],
		"act": one.rule.act[language],
	}


def _notes(found: Sequence[Advice], findings: Sequence[Finding]) -> Iterator[Note]:
	if not findings:
		yield Note(
			"There is too little history to advise on: choose a longer range or shorter periods.",
			is_warning=True,
		)
		return
	if not found:
		yield Note("Nothing stands out that a rule has advice on.")
		return
	evidence = list(dict.fromkeys(piece for one in found for piece in one.evidence))
	for finding in evidence[:SENTENCES]:
		note = evidence_of(finding)
		if note is not None:
			yield note
	if len(evidence) > SENTENCES:
		yield Note("{more} further pieces of evidence are in the table.", {"more": len(evidence) - SENTENCES})
	yield Note("Advice says where to look. It doesn't know the cause: check it before acting.")


def evidence_of(finding: Finding) -> Note | None:
	"""A finding as a sentence; None where there is no figure to tell."""
	template = _EVIDENCE.get((finding.state, finding.against))
	needs_reference = template is not None and "{reference}" in template
	if template is None or finding.value is None or (needs_reference and finding.reference is None):
		return None
	subject = _subject(finding)
	kind = Kind.SHARE if finding.against is Against.TARGET else subject.kind
	values: dict[str, Cell] = {
		"kpi": subject.title,
		"scope": finding.scope or UNASSIGNED,
		"value": finding.value,
	}
	kinds = {"kpi": Kind.TEXT, "value": kind} | ({} if finding.scope else {"scope": Kind.TEXT})
	if needs_reference:
		values["reference"] = finding.reference
		kinds["reference"] = kind
	return Note(template, values, kinds)


ANALYSIS = Analysis(
	name="advice",
	title="Advice",
	meaning="What stands out in the figures, which causes to check, and what to do, with the evidence of each.",
	answer=answer,
	by=frozenset({By.COMPANY, By.SALES_PERSON, By.TEAM, By.TERRITORY, By.SOURCE}),
	options={"language": "In which language the rules' texts stand: en or fa."},
)
