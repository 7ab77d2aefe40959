"""What a KPI Target says, worked out and checked: the values of its periods, and its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NoReturn

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, getdate

from sales_kpi import catalogue
from sales_kpi.analysis import targets as arithmetic
from sales_kpi.analysis.masters import Masters, read_masters
from sales_kpi.analysis.targets import In, Shape, Split, TargetRange
from sales_kpi.analysis.values import Question, Scope, Sight, Value, compute
from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Every, Period
from sales_kpi.site import words
from sales_kpi.site.answers import EARLIEST, explained
from sales_kpi.site.permissions import quoted
from sales_kpi.site.report import question_of, titles
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import SiteSettings, extend_by_hooks, site_settings
from sales_kpi.site.targets import FIELD_OF, FOR, TARGET, measured, written
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals.read import Totals
from sales_kpi.totals.series import reading_of_all

LOOK_BACK = 12
"""So many periods tell whether a target is realistic."""

MOST_PERIODS = 120
"""More than this nobody agrees on at once."""

BY_HAND = "By Hand"

SPLITS = {
	"Same Each Period": Split.SAME,
	"Evenly": Split.EVEN,
	"Monthly Distribution": Split.MONTHLY_DISTRIBUTION,
	"Season": Split.SEASON,
	"Working Days": Split.WORKING_DAYS,
}

PREVIOUS, YEAR_BEFORE = "Previous Period", "Same Period a Year Before"

_OF_KIND = {
	"Absolute": ("is_range", "value", "low", "high", "split", "monthly_distribution", "holiday_list"),
	"Relative": ("change_by", "change_in", "relative_to"),
	"Path": ("goal", "shape"),
}
"""Fields that say something for one kind of target only."""


def refuse(sentence: str) -> NoReturn:
	"""Save nothing, and say why."""
	frappe.throw(sentence, title=_("KPI Target"))
	raise AssertionError  # frappe.throw never returns, but doesn't say so


def checked(check: Callable[..., Any], *given: Any, otherwise: str) -> Any:
	"""What the engine works out; where it refuses, a sentence in the reader's language."""
	try:
		return check(*given)
	except InputError:
		refuse(otherwise)


@dataclass(frozen=True)
class Bounds:
	"""The values of one period as people write them: one value, or a range."""

	value: float | None = None
	low: float | None = None
	high: float | None = None
	baseline: float | None = None

	def numbers(self) -> list[float]:
		return [number for number in (self.value, self.low, self.high) if number is not None]


@dataclass(frozen=True)
class Matter:
	"""What a target is about: a KPI of a scope, in periods of a calendar."""

	settings: SiteSettings
	masters: Masters
	kpi: Kpi
	scope: Scope
	question: Question

	@property
	def by(self) -> By:
		return self.question.by

	@property
	def every(self) -> Every:
		return self.question.every

	@cached_property
	def periods(self) -> list[Period]:
		return self.question.periods()

	@property
	def currency(self) -> str | None:
		"""The company's currency, for money."""
		return (self.masters.companies[self.question.company] or None) if self.kpi.unit.is_money else None

	@cached_property
	def title(self) -> str:
		"""What the site calls the KPI."""
		return titles([self.kpi.name])[self.kpi.name]

	def label(self, period: Period) -> str:
		return self.question.calendar.label(period, self.every, words.language())

	def day(self, day: date) -> str:
		return words.day(day, self.question.calendar)

	def figure(self, value: float | None) -> str:
		"""A value of the engine for people."""
		return words.figure(value, self.kpi.unit, self.currency, exact=False)

	def before(self, period: Period, count: int) -> list[Period]:
		"""So many periods before one, in the order of time; fewer where the calendar begins."""
		found: list[Period] = []
		while len(found) < count:
			period = self.question.calendar.previous(period, self.every)
			if period.start < EARLIEST:
				break
			found.insert(0, period)
		return found

	def measured(
		self, periods: Sequence[Period], scopes: Sequence[Scope] = (), by: By | None = None
	) -> Measured:
		"""What the KPI was in periods, read from the records as of today."""
		return measure(self, periods, scopes or (self.scope,), by or self.by)


Measured = dict[tuple[str, date], Value]
"""Values by the name of the scope and the first day of the period."""


def measure(
	matter: Matter, periods: Sequence[Period], scopes: Sequence[Scope], by: By, every: Every | None = None
) -> Measured:
	"""Values of scopes in periods that are next to each other, whoever may see them: callers have to."""
	if not periods or not scopes:
		return {}
	source, settings = SiteSource(), matter.settings
	question = replace(
		matter.question, first=periods[0].start, last=periods[-1].last_day, by=by, every=every or matter.every
	)
	keeper = None
	if settings.use_totals:
		keeper = Totals(
			source, reading_of_all(source, settings.engine, matter.masters, frappe.utils.getdate())
		)
	with explained():
		found = compute(source, question, settings.engine, matter.masters, Sight(tuple(scopes)), keeper)
	return {(value["scope"], value["period_start"]): value for value in found}


# What a target is about


def matter_of(doc: Document, scope: Scope | None = None) -> Matter:
	"""What a target is about. Refuses one that makes no sense, in one sentence.

	scope: instead of the one that the target names, where several are asked for at once.
	"""
	extend_by_hooks()
	by = FOR[doc.target_for]
	kpi = _kpi_of(doc, by)
	with explained():
		settings = site_settings()
		masters = read_masters(SiteSource(), settings.engine)
		doc.calendar = doc.calendar or frappe.get_cached_doc(SETTINGS).calendar or "Gregorian"
		first, last = getdate(doc.from_date), getdate(doc.to_date)
		if first > last:
			refuse(
				_("The target ends on {0}, before it begins on {1}: there is no period in between.").format(
					frappe.format(last, {"fieldtype": "Date"}), frappe.format(first, {"fieldtype": "Date"})
				)
			)
		question = question_of(
			{
				"company": doc.company, "from_date": first, "to_date": last, "calendar": doc.calendar,
				"every": doc.every, "by": by.value, "kpis": [kpi.name],
			},
			settings,
		)  # fmt: skip
	if settings.companies and doc.company not in settings.companies:
		refuse(_("Company {0} isn’t followed in Sales KPI Settings.").format(quoted(doc.company)))
	matter = Matter(settings, masters, kpi, scope or _scope_of(doc, by, masters), question)
	_check_periods(matter)
	return matter


def _kpi_of(doc: Document, by: By) -> Kpi:
	title = titles([doc.kpi])[doc.kpi]
	kpi = catalogue.kpis().get(doc.kpi)
	if kpi is None or not frappe.db.get_value("Sales KPI", doc.kpi, "enabled"):
		refuse(_("{0} isn’t measured here: switch the KPI on before you set a target.").format(quoted(title)))
	sentence = _("{0} isn’t measured by {1}, so there can’t be a target for it.").format(
		quoted(title), words.by_label(by)
	)
	checked(arithmetic.check_scope, kpi, by, otherwise=sentence)
	return kpi


def _scope_of(doc: Document, by: By, masters: Masters) -> Scope:
	"""The scope that a target is for, with the leaves that it is made of."""
	name = doc.get(FIELD_OF[by])
	if by is By.COMPANY:
		return Scope(name, ("",))
	tree = masters.territories if by is By.TERRITORY else masters.salespeople
	node = tree.get(name)
	if node is None:
		refuse(_("There is no {0} {1}.").format(words.by_label(by), quoted(name)))
	if by is By.SALES_PERSON and node.is_group:
		refuse(_("{0} is a team: set a target for the team, or for its members.").format(quoted(name)))
	if by is By.TEAM and not node.is_group:
		refuse(_("{0} is no team but a salesperson: set the target for a salesperson.").format(quoted(name)))
	if by is not By.TERRITORY and not node.enabled:
		refuse(_("{0} is disabled, so no target can be set.").format(quoted(name)))
	return Scope(name, (name,) if by is By.SALES_PERSON else tuple(masters.members(tree, name)))


def _check_periods(matter: Matter) -> None:
	"""A target holds for whole periods: the figure of a part of one stands beside nothing."""
	periods = matter.periods
	checked(
		arithmetic.check_periods, periods,
		otherwise=_("The range holds no period: choose a longer range or shorter periods."),
	)  # fmt: skip
	if len(periods) > MOST_PERIODS:
		refuse(
			_("That would be {0} periods. Choose a shorter range or longer periods, {1} at most.").format(
				words.number(len(periods)), MOST_PERIODS
			)
		)
	for period, sentence, day in (
		(periods[0], _("The range begins within {0}: let it begin on {1}, so that it holds whole periods."), "start"),
		(periods[-1], _("The range ends within {0}: let it end on {1}, so that it holds whole periods."), "last_day"),
	):  # fmt: skip
		if period.whole and getattr(period, day) != getattr(period.whole, day):
			refuse(sentence.format(matter.label(period), matter.day(getattr(period.whole, day))))


# The values of its periods


def is_named(doc: Document) -> bool:
	"""Whether a target says what it is for, and from when to when."""
	by = FOR.get(doc.get("target_for") or "")
	if by is None:
		return False
	return all(
		doc.get(fieldname) for fieldname in ("company", "kpi", "every", "from_date", "to_date", FIELD_OF[by])
	)


def _is_well_formed(doc: Document) -> bool:
	"""Whether everything is filled in that has to be, and every choice is one of those offered."""
	for field in doc.meta.fields:
		value = doc.get(field.fieldname)
		if field.reqd and not value:
			return False
		if field.fieldtype == "Select" and value and value not in field.options.split("\n"):
			return False
	return True


def prepare(doc: Document) -> None:
	"""Work out and check everything that a target says, before it is saved."""
	if not _is_well_formed(doc):
		return  # Frappe says what is missing, or no choice.
	if not is_named(doc):
		refuse(_("Say which {0} the target is for.").format(words.by_label(FOR[doc.target_for])))
	_forget_the_rest(doc)
	matter = matter_of(doc)
	doc.scope_doctype = {"company": "Company", "sales_person": "Sales Person", "territory": "Territory"}[
		FIELD_OF[matter.by]
	]
	doc.scope = matter.scope.name
	_check_overlap(doc, matter)
	_check_parent(doc, matter)
	work = Work(doc, matter)
	bounds = work.bounds()
	is_part = doc.kind == "Absolute" and doc.split not in ("Same Each Period", BY_HAND)
	for period, bound in zip(matter.periods, bounds, strict=True):
		if bound is not None:
			_check_bounds(matter, period, bound, bool(doc.is_range), is_part)
	if not any(bounds):
		refuse(_("No period has a value yet: fill in the values of the periods."))
	_write_periods(doc, matter, bounds)
	doc.agreed = work.summary()
	work.tell_baseline()
	doc.flags.work = work


def _write_periods(doc: Document, matter: Matter, bounds: Sequence[Bounds | None]) -> None:
	"""Write the values into the rows, and keep these where the periods are the same."""
	rows = [
		_row(matter, period, bound)
		for period, bound in zip(matter.periods, bounds, strict=True)
		if bound is not None
	]
	known = [getdate(row.period_start) if row.period_start else None for row in doc.periods]
	if known == [row["period_start"] for row in rows]:
		for kept, row in zip(doc.periods, rows, strict=True):
			kept.update(row)
		return
	doc.set("periods", [])
	for row in rows:
		doc.append("periods", row)


def _forget_the_rest(doc: Document) -> None:
	"""Empty what the other kinds of target and of scope would say."""
	doc.kind = doc.kind or "Absolute"
	doc.split = doc.split or "Same Each Period"
	for kind, fieldnames in _OF_KIND.items():
		if kind != doc.kind:
			for fieldname in fieldnames:
				doc.set(
					fieldname, 0 if doc.meta.get_field(fieldname).fieldtype in ("Float", "Check") else None
				)
	if doc.kind == "Absolute":
		for fieldname in ("low", "high") if not doc.is_range else ("value",):
			doc.set(fieldname, 0)
		if doc.split == BY_HAND:
			doc.update({"value": 0, "low": 0, "high": 0})
		if doc.split != "Monthly Distribution":
			doc.monthly_distribution = None
		if doc.split != "Working Days":
			doc.holiday_list = None
	field = FIELD_OF.get(FOR.get(doc.target_for))
	for fieldname in {"sales_person", "territory"} - {field}:
		doc.set(fieldname, None)


def _check_overlap(doc: Document, matter: Matter) -> None:
	"""Refuse a second target for the same. Whoever saves another one for this KPI at this moment waits."""
	is_saved = not doc.flags.only_looking
	if is_saved:
		frappe.db.get_value("Sales KPI", doc.kpi, "name", for_update=True)
	target = frappe.qb.DocType(TARGET)
	query = (
		frappe.qb.from_(target)
		.where(target.docstatus < 2)
		.where(target.company == doc.company)
		.where(target.kpi == doc.kpi)
		.where(target.target_for == doc.target_for)
		.where(target.scope == matter.scope.name)
		.where(target.from_date <= getdate(doc.to_date))
		.where(target.to_date >= getdate(doc.from_date))
		.where(target.name != (doc.name or ""))
		.select(target.name, target.from_date, target.to_date, target.calendar, target.every)
	)
	new = _range(doc, matter, doc)
	for row in (query.for_update() if is_saved else query).run(as_dict=True):
		days = arithmetic.overlap(new, _range(row, matter, doc))
		if days:
			first, last = (matter.day(day) for day in days)
			refuse(
				_("{0} is a target for {1} of {2} from {3} to {4} already: amend it, or choose other days.").format(
					frappe.utils.get_link_to_form(TARGET, row.name), quoted(matter.title), quoted(matter.scope.name),
					first, last,
				)
			)  # fmt: skip


def _range(row: Any, matter: Matter, doc: Document) -> TargetRange:
	return TargetRange(
		doc.company,
		doc.kpi,
		matter.by,
		matter.scope.name,
		getdate(row.from_date),
		getdate(row.to_date),
		str(row.calendar or "").lower(),
		Every(row.every.lower()),
		row.name or "",
	)


def _check_parent(doc: Document, matter: Matter) -> None:
	"""A part belongs to a target of a team above, for the same KPI and days."""
	if not doc.parent_target:
		return
	fields = ["name", "docstatus", "company", "kpi", "target_for", "scope", "from_date", "to_date"]
	parent = frappe.db.get_value(TARGET, doc.parent_target, fields, as_dict=True)
	name = quoted(doc.parent_target)
	if parent is None or parent.docstatus == 2 or parent.name == doc.name:
		refuse(
			_("This can’t be a part of target {0}: that one is cancelled, or the target itself.").format(name)
		)
	if (parent.company, parent.kpi) != (doc.company, doc.kpi):
		refuse(_("Target {0} is for another company or KPI, so this can’t be a part of it.").format(name))
	if getdate(doc.from_date) < parent.from_date or getdate(doc.to_date) > parent.to_date:
		refuse(_("Target {0} holds for other days, so this can’t be a part of it.").format(name))
	above = FOR[parent.target_for]
	people = matter.masters.salespeople
	is_member = matter.by in (By.TEAM, By.SALES_PERSON) and (
		above is By.COMPANY
		or (
			above is By.TEAM
			and parent.scope in people
			and parent.scope != matter.scope.name
			and people[parent.scope].holds(people[matter.scope.name])
		)
	)
	if not is_member:
		refuse(
			_("{0} isn’t a member of {1}, so this can’t be a part of target {2}.").format(
				quoted(matter.scope.name), quoted(parent.scope), name
			)
		)


def _check_bounds(
	matter: Matter, period: Period, bound: Bounds, is_range: bool, is_part: bool = False
) -> None:
	"""A period needs what the KPI is measured against, in the KPI's unit.

	is_part: a part of what is divided over the periods, which may be nothing in some.
	"""
	kpi, title, label = matter.kpi, quoted(matter.title), matter.label(period)
	low, high = (measured(number, kpi.unit) for number in (bound.low, bound.high))
	if is_range:
		checked(
			arithmetic.check_range, low, high,
			otherwise=_("The range for {0} needs a lowest value that isn’t above the highest.").format(label),
		)  # fmt: skip
	elif kpi.good is Good.NEITHER:
		refuse(_("Neither more nor less {0} is better: give a range instead of one value.").format(title))
	elif bound.value is None or (not bound.value and kpi.good is Good.UP and not is_part):
		refuse(_("The target for {0} needs a value for {1}.").format(title, label))
	for number in bound.numbers():
		if number < 0 and kpi.good is not Good.NEITHER and not kpi.unit.is_money:
			refuse(
				_("{0} can’t be below 0, and the target for {1} is {2}.").format(
					title, label, words.number(number, 2)
				)
			)
		if kpi.unit is Unit.PERCENT and number > 100:
			refuse(
				_("{0} can’t be above 100 %, and the target for {1} is {2} %.").format(
					title, label, words.number(number, 1)
				)
			)
	with explained():
		arithmetic.check_goal(kpi, measured(bound.value, kpi.unit), low, high)


def _row(matter: Matter, period: Period, bound: Bounds) -> dict[str, Any]:
	return {
		"label": matter.label(period), "period_start": period.start, "period_end": period.last_day,
		"value": bound.value, "low": bound.low, "high": bound.high, "baseline": bound.baseline,
	}  # fmt: skip


class Work:
	"""The values of a target's periods, and what the records say about them."""

	def __init__(self, doc: Document, matter: Matter) -> None:
		self.doc, self.matter = doc, matter
		self.today = getdate()
		self.values: list[Bounds | None] = []

	def bounds(self) -> list[Bounds | None]:
		"""What is agreed for each period; None where the hand left one out."""
		if self.doc.kind == "Relative":
			self.values = self._relative()
		elif self.doc.kind == "Path":
			self.values = self._path()
		elif self.doc.split == BY_HAND:
			self.values = self._by_hand()
		else:
			self.values = self._split()
		return self.values

	# Absolute

	def _number(self, row: Document, fieldname: str) -> float | None:
		"""A number as somebody wrote it; None for nothing. A spreadsheet may write "25 %"."""
		given = row.get(fieldname)
		if isinstance(given, str) and given.strip().endswith("%"):
			if self.matter.kpi.unit is not Unit.PERCENT:
				refuse(
					_(
						"{0} is no percentage, so its target can’t be {1}: give the value itself, or a relative target."
					).format(quoted(self.matter.title), quoted(given.strip()))
				)
			given = given.strip()[:-1]
		number = flt(given)
		row.set(fieldname, number)
		return number

	def _between(self, row: Document) -> Bounds:
		if self.doc.is_range:
			return Bounds(low=self._number(row, "low") or None, high=self._number(row, "high") or None)
		return Bounds(self._number(row, "value"))

	def _by_hand(self) -> list[Bounds | None]:
		matter = self.matter
		by_start = {period.start: period for period in matter.periods}
		found: dict[date, Bounds] = {}
		for row in self.doc.periods:
			start = getdate(row.period_start) if row.period_start else None
			if start is None:
				refuse(_("Row {0}: say on which day the period begins.").format(row.idx))
			if start not in by_start:
				refuse(
					_("Row {0}: no period of this target begins on {1}.").format(row.idx, matter.day(start))
				)
			if start in found:
				refuse(_("Row {0}: {1} is listed twice.").format(row.idx, row.label or matter.day(start)))
			found[start] = self._between(row)
		return [found.get(period.start) for period in matter.periods]

	def _split(self) -> list[Bounds | None]:
		matter = self.matter
		split = SPLITS[self.doc.split]
		given = self._between(self.doc)
		# Before it is divided, so that the sentence is of what was written.
		_check_bounds(matter, matter.periods[0], given, bool(self.doc.is_range))
		if split is not Split.SAME:
			checked(
				arithmetic.check_additive, matter.kpi,
				otherwise=_(
					"{0} of several periods doesn’t add up, so it can’t be divided: choose {1}, or a path."
				).format(quoted(matter.title), quoted(_("Same Each Period"))),
			)  # fmt: skip
		more = self._what_splits(split)

		def divided(number: float | None) -> list[float | None]:
			if number is None:
				return [None] * len(matter.periods)
			with explained():
				parts = arithmetic.over_periods(
					matter.kpi,
					measured(number, matter.kpi.unit) or 0.0,
					matter.periods,
					split,
					digits(number),
					**more,
				)
			return [written(part, matter.kpi.unit) for part in parts]

		columns = [divided(number) for number in (given.value, given.low, given.high)]
		return [Bounds(*numbers) for numbers in zip(*columns, strict=True)]

	def _what_splits(self, split: Split) -> dict[str, Any]:
		"""What a split goes by."""
		if split is Split.MONTHLY_DISTRIBUTION:
			rows = frappe.get_all(
				"Monthly Distribution Percentage",
				filters={"parent": self.doc.monthly_distribution or "", "parenttype": "Monthly Distribution"},
				fields=["month", "percentage_allocation"],
			)
			if not rows:
				refuse(_("Choose the Monthly Distribution by which the target is divided."))
			return {"percentages": {row.month: flt(row.percentage_allocation) for row in rows}}
		if split is Split.WORKING_DAYS:
			return {"holidays": self._holidays()}
		return {"history": self._history()} if split is Split.SEASON else {}

	def _holidays(self) -> frozenset[date]:
		matter = self.matter
		name = self.doc.holiday_list or frappe.get_cached_value(
			"Company", self.doc.company, "default_holiday_list"
		)
		if not name:
			refuse(_("Choose a Holiday List, or give the company one: it tells the working days."))
		self.doc.holiday_list = name
		first, last = matter.question.first, matter.question.last
		known = frappe.db.get_value("Holiday List", name, ["from_date", "to_date"], as_dict=True)
		if not known or known.from_date > first or known.to_date < last:
			refuse(_("Holiday List {0} doesn’t cover all days of the target.").format(quoted(name)))
		days = frappe.get_all(
			"Holiday",
			filters={
				"parent": name,
				"parenttype": "Holiday List",
				"holiday_date": ("between", (first, last)),
			},
			pluck="holiday_date",
		)
		return frozenset(days)

	def _history(self) -> list[list[float | None]]:
		"""What the company's earlier years were like: for each period its values one, two and three years before."""
		matter = self.matter
		calendar, every = matter.question.calendar, matter.every
		earlier = [arithmetic.in_earlier_years(period, calendar, every) for period in matter.periods]
		first = min(periods[-1].start for periods in earlier)
		last = max(periods[0].last_day for periods in earlier)
		if first < EARLIEST:
			return [[] for _period in earlier]
		whole = Scope(matter.question.company, ("",))
		values = matter.measured(calendar.periods(first, last, every), [whole], By.COMPANY)
		known: dict[date, float | None] = {}
		has_begun = False
		for (_scope, start), value in sorted(values.items(), key=lambda item: item[0][1]):
			# Before the first record nothing was kept; that isn't to say that nothing was sold.
			has_begun = has_begun or bool(value["value"])
			known[start] = value["value"] if has_begun and value["complete"] else None
		return [[known.get(period.start) for period in periods] for periods in earlier]

	# Relative, and a path

	def _relative(self) -> list[Bounds | None]:
		"""A change on the period before (each on what is agreed for the one before it), or on the same a year before."""
		matter, unit = self.matter, self.matter.kpi.unit
		if not self._number(self.doc, "change_by"):
			refuse(_("Say by how much the target differs from the period that it is compared with."))
		measured_in = In.POINTS if self.doc.change_in == "Percentage Points" else In.PERCENT
		if measured_in is In.POINTS and unit is not Unit.PERCENT:
			refuse(
				_(
					"{0} is no percentage, so it can’t change by percentage points: give the change in percent."
				).format(quoted(matter.title))
			)
		found: list[Bounds | None] = []
		base: float | None = None
		for place, period in enumerate(self.compared_with):
			if base is None or self.doc.relative_to != PREVIOUS:
				base = self._base(period)
			value = checked(
				arithmetic.relative, base, flt(self.doc.change_by), measured_in, unit,
				otherwise=_("A change in percent needs a value above 0, and {0} in {1} was {2}.").format(
					quoted(matter.title), matter.label(period), matter.figure(base)
				),
			)  # fmt: skip
			is_read = not place or self.doc.relative_to != PREVIOUS
			found.append(
				Bounds(tidy(written(value, unit)), baseline=tidy(written(base, unit)) if is_read else None)
			)
			base = value
		return found

	@cached_property
	def compared_with(self) -> list[Period]:
		"""For each period, the one that it is compared with."""
		matter = self.matter
		calendar, every = matter.question.calendar, matter.every
		if self.doc.relative_to == YEAR_BEFORE:
			return [arithmetic.in_earlier_years(period, calendar, every, 1)[0] for period in matter.periods]
		return [calendar.previous(period, every) for period in matter.periods]

	@cached_property
	def _read(self) -> list[Period]:
		"""The periods whose values are the baseline of a relative target."""
		return self.compared_with if self.doc.relative_to == YEAR_BEFORE else self.compared_with[:1]

	@cached_property
	def _bases(self) -> Measured:
		return self.matter.measured(self._read)

	def _base(self, period: Period) -> float:
		value = self._bases[self.matter.scope.name, period.start]
		if period.start > self.today or (not value["value"] and period.last_day >= self.today):
			self._refuse_open(period)
		if value["value"] is None:
			refuse(
				_("There is no {0} of {1} in {2} to compare with: give the value itself.").format(
					quoted(self.matter.title), quoted(self.matter.scope.name), self.matter.label(period)
				)
			)
		return value["value"]

	def _refuse_open(self, period: Period) -> NoReturn:
		refuse(
			_(
				"{0} of {1} isn’t final yet, so nothing can be agreed on relative to it: submit the target later, or give the value itself."
			).format(quoted(self.matter.title), self.matter.label(period))
		)

	def _path(self) -> list[Bounds | None]:
		matter, unit = self.matter, self.matter.kpi.unit
		goal = self._number(self.doc, "goal")
		if not goal and matter.kpi.good is Good.UP:
			refuse(_("Say which value is to be reached at the end of the path."))
		if self.last_known is None:
			refuse(
				_(
					"There is no earlier {0} of {1} from which a path could begin: give the values themselves."
				).format(quoted(matter.title), quoted(matter.scope.name))
			)
		start = self.last_known["value"] or 0.0
		values = checked(
			arithmetic.path, start, measured(goal, unit), len(matter.periods),
			Shape(self.doc.shape.lower() if self.doc.shape else "linear"),
			otherwise=_("A geometric path begins and ends above 0, and this one begins at {0}: choose a linear one.").format(
				matter.figure(start)
			),
		)  # fmt: skip
		return [Bounds(tidy(written(value, unit))) for value in values]

	# What the records say

	@cached_property
	def past(self) -> list[tuple[Period, Value]]:
		"""The last periods before the target, or before today if it lies ahead."""
		matter = self.matter
		first = matter.question.calendar.period(min(self.today, matter.periods[0].start), matter.every)
		periods = matter.before(first, LOOK_BACK)
		values = matter.measured(periods)
		return [(period, values[matter.scope.name, period.start]) for period in periods]

	@cached_property
	def last_known(self) -> Value | None:
		"""The last final value before the target."""
		final = [value for _period, value in self.past if value["complete"] and value["value"] is not None]
		return final[-1] if final else None

	def tell_baseline(self) -> None:
		"""Write into the target what was there before it, as of today."""
		doc, matter = self.doc, self.matter
		if doc.kind == "Relative":
			first, last = self._read[0].start, self._read[-1].last_day
			value = measure(matter, self._read, (matter.scope,), matter.by, Every.RANGE)[
				matter.scope.name, first
			]["value"]
		else:
			known = self.last_known
			first, last = (known["period_start"], known["period_end"]) if known else (None, None)
			value = known["value"] if known else None
		doc.update(
			{
				"baseline_value": tidy(written(value, matter.kpi.unit)) or 0, "has_baseline": int(value is not None),
				"baseline_from": first, "baseline_to": last, "baseline_as_of": self.today,
			}
		)  # fmt: skip

	def check_baseline(self) -> None:
		"""A baseline is frozen when a target is submitted, so it has to be final."""
		for period in self._read if self.doc.kind == "Relative" else ():
			if not self._bases[self.matter.scope.name, period.start]["complete"]:
				self._refuse_open(period)

	def summary(self) -> str:
		"""What is agreed, in figures that need no words: a total, a value, from where to where, or a range."""
		given = [bound for bound in self.values if bound is not None]
		first, last = given[0], given[-1]
		if first.value is None or last.value is None:
			return " – ".join(self._short(number) for number in (first.low, first.high) if number is not None)
		if len(given) > 1 and arithmetic.is_additive(self.matter.kpi):
			return f"Σ {self._short(sum(bound.value or 0.0 for bound in given))}"
		if first.value == last.value:
			return self._short(first.value)
		return f"{self._short(first.value)} → {self._short(last.value)}"

	def _short(self, number: float) -> str:
		text = words.number(number, 0 if number == round(number) else 2)
		unit = {Unit.PERCENT: "%", Unit.SECONDS: "min"}.get(self.matter.kpi.unit, self.matter.currency or "")
		return f"{text} {unit}".strip()

	@classmethod
	def frozen(cls, doc: Document, matter: Matter) -> Work:
		"""That of a submitted target, whose values are agreed."""
		work = cls(doc, matter)
		rows = {getdate(row.period_start): row for row in doc.periods}
		for period in matter.periods:
			row = rows.get(period.start)
			if row is None:
				work.values.append(None)
			elif doc.is_range:
				work.values.append(Bounds(low=flt(row.low) or None, high=flt(row.high) or None))
			else:
				work.values.append(Bounds(flt(row.value)))
		return work

	def total(self) -> str:
		"""The sum of all periods, where it says something."""
		matter = self.matter
		numbers = [
			measured(bound.value, matter.kpi.unit)
			for bound in self.values
			if bound and bound.value is not None
		]
		if len(numbers) < 2 or not arithmetic.is_additive(matter.kpi):
			return ""
		return str(
			_("All periods together: {0}.").format(matter.figure(sum(number or 0.0 for number in numbers)))
		)


def digits(number: float) -> int:
	"""To how many decimals a total is divided: whole numbers stay whole where a period's share is far above 1."""
	return 0 if number == round(number) and abs(number) >= 1000 else 2


def tidy(value: float | None) -> float | None:
	"""Without the dust of floats."""
	return None if value is None else round(value, 2)
