"""Snapshots: what was seen of each KPI some days after a period had closed, written down once and never changed.

A snapshot is read as of the day `snapshot_after_days` after its period's end, of a KPI that matures later as of the day on
which it is complete, and is taken as soon as that day is over: so nothing that happens on it is missed, and whenever the
figure is computed as of it again, it is the same as long as the records are. All figures are read from the records, row by
row in one order, never from kept sums: the same records give the same figure to the last bit.

Figures that are computed together (`Group`) are written in one transaction under a unique key. Two jobs at once therefore
leave one row each, and one that was killed goes on where it was. What they are computed by (names and trees) is read anew
for each group, and held while it is written: a rename comes before or after, never in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import frappe
from frappe import _
from frappe.utils import getdate, now_datetime

from sales_kpi import catalogue
from sales_kpi.analysis.attainment import attainment
from sales_kpi.analysis.masters import CHANNELS, Masters, read_masters
from sales_kpi.analysis.values import Question, Scope, Sight, Value, compute
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.site.answers import explained
from sales_kpi.site.permissions import is_manager, refuse
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.settings import SiteSettings, enabled_kpis, extend_by_hooks, from_document, site_settings
from sales_kpi.site.standing import kpi_weights
from sales_kpi.site.targets import agreed
from sales_kpi.sources.site import SiteSource

if TYPE_CHECKING:
	import pandas as pd

SNAPSHOT = "KPI Snapshot"

BY = {
	By.COMPANY: "Company",
	By.TEAM: "Team",
	By.SALES_PERSON: "Sales Person",
	By.TERRITORY: "Territory",
	By.SOURCE: "Source",
}
"""What figures are given for, in the words of the doctypes."""

EVERY = {Every.MONTH: "Month", Every.QUARTER: "Quarter", Every.YEAR: "Year"}
"""The periods that snapshots are taken of."""

FORMER = "Former salesperson"
"""Begins the name of somebody who asked to be forgotten: what is theirs can't be computed again."""

CATCH_UP = timedelta(days=45)
"""The daily job takes what fell due within these days: what is older is for the backfill."""

BACKFILL_MONTHS = 24
"""How far a backfill goes back unless said otherwise."""

ATTEMPTS = 5
"""How often a group is tried that others change something under."""

RECORD_CHANGED = 1020
"""MariaDB's error where a row that is to be locked was changed since it was read; it says a deadlock otherwise."""

JOB = "sales_kpi_snapshots"
BACKFILL_JOB = "sales_kpi_snapshots_backfill"

Progress = Callable[[int, int], None]
"""Called with how far a backfill is, and how far it goes."""


class OrderedSource(SiteSource):
	"""The site's records, the rows of each answer in one order: a sum of floats then has the same last digit each time."""

	def run(self, query: Any) -> pd.DataFrame:
		rows = super().run(query)
		if len(rows) < 2:
			return rows
		return rows.sort_values(list(rows.columns), kind="stable", ignore_index=True)


GIVEN_UP = (frappe.QueryDeadlockError, frappe.QueryTimeoutError)
"""What Frappe says where the database gives a transaction up for another one's sake."""


class Overtaken(Exception):
	"""What figures were computed by was changed before they were written."""


def alone(work: Callable[[], int]) -> int:
	"""Do some work in a transaction of its own, and again where it was overtaken. Returns what it returns.

	What it reads is of one state, and what others have committed until then is part of that.
	"""
	for attempt in range(1, ATTEMPTS + 1):
		frappe.db.commit()
		try:
			done = work()
		except (Overtaken, *GIVEN_UP, frappe.db.OperationalError) as error:
			frappe.db.rollback()
			if attempt == ATTEMPTS or not _is_overtaken(error):
				raise
		else:
			frappe.db.commit()
			return done
	raise AssertionError  # The last attempt returns or raises.


def _is_overtaken(error: Exception) -> bool:
	return isinstance(error, (Overtaken, *GIVEN_UP)) or (error.args or (None,))[0] == RECORD_CHANGED


@dataclass(frozen=True)
class Site:
	"""What a job knows of the site while it works. like: an earlier state, of which is taken over what takes long."""

	settings: SiteSettings
	masters: Masters
	like: Site | None = field(default=None, compare=False, repr=False)

	@classmethod
	def now(cls, like: Site | None = None) -> Site:
		"""The site as it is. Raises InputError while its settings contradict each other."""
		extend_by_hooks()
		# Not the cached ones, which a job would keep: a rename meanwhile changes names in them.
		settings = from_document(frappe.get_doc(SETTINGS))
		return cls(settings, read_masters(SiteSource(), settings.engine), like)

	@cached_property
	def versions(self) -> dict[str, str]:
		"""By KPI, what its figures follow from besides the records: formula, statements, and the settings in them.

		Who is which salesperson isn't part of it (`people_mark`): whoever comes or goes defines no KPI.
		"""
		engine, schema, like = self._engine, self.masters.schema, self.like
		if like and like._engine == engine and like.masters.schema == schema:
			return like.versions
		reading = Reading(schema, engine, date(2000, 1, 1), SiteSource().dialect)
		told = {
			name: fact.select(reading).get_sql(quote_char='"') for name, fact in catalogue.facts().items()
		}
		return {kpi.name: _version(kpi, told, engine) for kpi in catalogue.kpis().values()}

	@property
	def _engine(self) -> Settings:
		return replace(self.settings.engine, mapping=(), cost_center_sales_person={}, cost_center_source={})

	@cached_property
	def people_mark(self) -> str:
		"""A short text that is another one when the settings map users or cost centers otherwise."""
		engine = self.settings.engine
		told = (
			sorted(map(str, engine.mapping)),
			sorted(engine.cost_center_sales_person.items()),
			sorted(engine.cost_center_source.items()),
		)
		return hashlib.sha256(str(told).encode()).hexdigest()[:16]

	def looked(self, kpi: str) -> str:
		"""What a snapshot was compared by: its definition, and who is which salesperson."""
		return f"{self.versions[kpi]}-{self.people_mark}"

	def hold(self) -> None:
		"""Keep names and trees as they were read until the transaction ends. Raises Overtaken where they no longer are.

		Renames change the master first and our rows then, as we do: neither waits for the other in a circle.
		"""
		masters = self.masters
		known: dict[str, dict[str, str]] = {
			"Sales Person": {node.name: node.parent for node in masters.salespeople.values()},
			"Territory": {node.name: node.parent for node in masters.territories.values()},
			"Company": dict.fromkeys(masters.companies, ""),
		}
		if masters.channels:
			channel = next(doctype for doctype in CHANNELS if masters.schema.has(doctype))
			known[channel] = dict.fromkeys(masters.channels, "")
		parents = {"Sales Person": "parent_sales_person", "Territory": "parent_territory"}
		for doctype, names in known.items():
			table = frappe.qb.DocType(doctype)
			columns = [table.name, table[parents[doctype]]] if doctype in parents else [table.name]
			rows = frappe.qb.from_(table).select(*columns).for_update().run()
			if {row[0]: (row[1] if len(row) > 1 else "") or "" for row in rows} != names:
				raise Overtaken(doctype)

	def leaves(self, by: By, scope: str) -> list[str] | None:
		"""The leaves that a scope is made of now; None where there is no such team or territory."""
		masters = self.masters
		if by is By.TEAM:
			node = masters.salespeople.get(scope)
			return masters.members(masters.salespeople, scope) if node and node.is_group else None
		if by is By.TERRITORY and scope in masters.territories:
			return masters.members(masters.territories, scope)
		return [scope] if by is not By.COMPANY else [""]


def _version(kpi: Kpi, told: Mapping[str, str], engine: Any) -> str:
	facts, totals = kpi.formula.facts(), list(kpi.formula.totals())
	parts = [kpi.unit.value, str(kpi.formula), *(told[name] for name in facts)]
	if any(term.cohort for total in totals for _sign, term in total.terms):
		parts.append(str(engine.conversion_window_days))
	if any(term.with_life for total in totals for _sign, term in total.terms):
		parts.append(json.dumps(engine.not_one_customer))
	if "acquisition_cost" in facts:
		parts.append(str(engine.acquisition_lag_months))
	return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def calendar_text(calendar: Calendar) -> str:
	"""A calendar as it is written down, and as `periods.calendar_named` reads it."""
	if calendar.kind != "fiscal":
		return calendar.kind
	return f"fiscal:{calendar.month:02d}-{calendar.day:02d}"


@dataclass(frozen=True)
class Group:
	"""Figures that are computed together: some KPIs of one company, kind of scope and period, as of one day."""

	company: str
	by: By
	calendar: Calendar
	every: Every
	period: Period
	as_of: date
	kpis: tuple[str, ...]

	def figures(self, site: Site, scopes: Sequence[Scope] | None = None) -> list[Value]:
		"""The values of all scopes that there are now, or of some that are given with their leaves."""
		question = Question(
			self.company,
			self.period.start,
			self.period.last_day,
			every=Every.RANGE,
			by=self.by,
			kpis=self.kpis,
			as_of=self.as_of,
			calendar=self.calendar,
		)
		seen = None if scopes is None else Sight(tuple(scopes))
		values = compute(OrderedSource(), question, site.settings.engine, site.masters, seen)
		for value in values:
			for name in FIGURES:
				# Not a number is no number: it would differ from itself.
				if value[name] != value[name]:  # type: ignore[literal-required]
					value[name] = None  # type: ignore[literal-required]
		return values


# Taking them


def nightly() -> None:
	"""The daily job: take what fell due, and look for what changed in closed periods. It may take longer than others."""
	frappe.enqueue(
		"sales_kpi.site.snapshots.work", queue="long", timeout=6 * 3600, job_id=JOB, deduplicate=True
	)


def work() -> None:
	"""Take the snapshots that are due, and tell the restatements of earlier ones."""
	from sales_kpi.site.restatements import look

	try:
		take()
		look()
	except InputError as error:
		# Whoever looks after the settings has to correct them; what is due is taken in a later night.
		frappe.db.rollback()
		frappe.log_error(title="Sales KPI: no snapshots were taken", message=str(error))
		frappe.db.commit()


def take(today: date | None = None) -> int:
	"""Take the snapshots that fell due in the last days and aren't there yet. Returns how many rows were written."""
	today = today or getdate()
	return _take_all(today - CATCH_UP, today)


def backfill(first: date | None = None, progress: Progress | None = None) -> int:
	"""Take the snapshots of past periods that aren't there yet, from those that begin on a day or later.

	Each is read as of the day on which it would have been taken, by the records, teams, targets and settings of today. May
	be killed and started again.
	"""
	return _take_all(None, getdate(), first or default_first(), progress)


def default_first() -> date:
	"""The day from which on a backfill takes periods unless said otherwise."""
	calendar = site_settings().calendar
	period = calendar.period(getdate(), Every.MONTH)
	for _number in range(BACKFILL_MONTHS):
		period = calendar.previous(period, Every.MONTH)
	return calendar.period(period.start, Every.YEAR).start


def _take_all(
	due_from: date | None, today: date, first: date | None = None, progress: Progress | None = None
) -> int:
	begun = Site.now()
	groups, written = list(_due(begun, due_from, today, first)), 0
	for number, group in enumerate(groups):
		if progress:
			progress(number, len(groups))
		# A transaction for each: what is done stays done, and the next is read of the records of then.
		written += alone(partial(_take, begun, group))
	if progress:
		progress(len(groups), len(groups))
	return written


def _due(site: Site, due_from: date | None, today: date, first: date | None) -> Iterator[Group]:
	"""What is to be taken: of periods that begin on `first` or later, or whose day came on `due_from` or later."""
	settings = site.settings
	after = timedelta(days=settings.snapshot_after_days)
	matured = max(after, timedelta(days=settings.engine.conversion_window_days))
	enabled = enabled_kpis("Administrator")
	earliest = first or (due_from or today) - matured
	if earliest > today:
		return
	for every in EVERY:
		for period in settings.calendar.periods(earliest, today, every):
			whole = period.whole or period
			if first and whole.start < first:
				continue
			for wait in dict.fromkeys((after, matured)):
				as_of = whole.last_day + wait
				names = [kpi for kpi in enabled if (matured if kpi.matures else after) == wait]
				if as_of >= today or (due_from and as_of < due_from) or not names:
					continue
				for company in settings.companies:
					for by in By:
						kpis = tuple(kpi.name for kpi in names if by in kpi.scopes)
						if kpis and company in site.masters.companies:
							yield Group(company, by, settings.calendar, every, whole, as_of, kpis)


def _take(begun: Site, group: Group) -> int:
	"""Write the snapshots of a group that aren't there yet."""
	# Before anything is read: what is changed from now on was not seen.
	began, site = now_datetime(), Site.now(begun)
	if group.company not in site.masters.companies:
		return 0
	table = frappe.qb.DocType(SNAPSHOT)
	known = {
		name
		for (name,) in frappe.qb.from_(table)
		.where(table.company == group.company)
		.where(table.scope_type == BY[group.by])
		.where(table.every == EVERY[group.every])
		.where(table.calendar == calendar_text(group.calendar))
		.where(table.period_start == group.period.start)
		.where(table.kpi.isin(group.kpis))
		.select(table.kpi)
		.distinct()
		.run()
	}
	group = replace(group, kpis=tuple(name for name in group.kpis if name not in known))
	if not group.kpis:
		return 0
	goals = agreed(
		group.company, group.by, group.period.start, group.period.last_day, group.calendar, group.every
	)
	titles = dict(frappe.get_all("Sales KPI", fields=["name", "title"], as_list=True))
	weights = kpi_weights()
	rows = [_row(site, group, value, goals, titles, weights, began) for value in group.figures(site)]
	if rows:
		site.hold()
		columns = list(rows[0])
		values = [tuple(row[name] for name in columns) for row in rows]
		frappe.db.bulk_insert(SNAPSHOT, columns, values, ignore_duplicates=True)
		_check_written([row["snapshot_key"] for row in rows])
	return len(rows)


def _check_written(keys: Sequence[str]) -> None:
	"""Make sure that nothing but duplicates was ignored. What another job has committed is seen by a locking read alone."""
	table, found = frappe.qb.DocType(SNAPSHOT), 0
	for first in range(0, len(keys), 1000):
		query = frappe.qb.from_(table).where(table.snapshot_key.isin(list(keys[first : first + 1000])))
		found += len(query.select(table.name).for_update().run())
	if found != len(set(keys)):
		raise AssertionError(f"{len(set(keys)) - found} snapshots were not written")


def _row(
	site: Site,
	group: Group,
	value: Value,
	goals: Mapping[tuple[str, str, date, date], Any],
	titles: Mapping[str, str],
	weights: Mapping[str, float],
	now: datetime,
) -> dict[str, Any]:
	kpi, scope = value["kpi"], value["scope"]
	goal = goals.get((kpi, scope, group.period.start, group.period.last_day))
	reached = attainment(value["value"], goal.value, goal.good, goal.low, goal.high) if goal else None
	leaves = site.leaves(group.by, scope) or [scope]
	exact = {
		**{name: value[name] for name in FIGURES},  # type: ignore[literal-required]
		"estimated": value["estimated"],
		"target": goal.value if goal else None,
		"target_low": goal.low if goal else None,
		"target_high": goal.high if goal else None,
		"attainment": reached,
		"weight": weights.get(kpi, 0.0),
	}
	return {
		"name": frappe.generate_hash(length=16),
		"creation": now,
		"modified": now,
		"owner": "Administrator",
		"modified_by": "Administrator",
		"docstatus": 0,
		"idx": 0,
		"company": group.company,
		"kpi": kpi,
		"kpi_title": titles.get(kpi) or catalogue.kpi(kpi).title,
		"scope_type": BY[group.by],
		"scope": scope,
		"alias": "",
		"calendar": calendar_text(group.calendar),
		"every": EVERY[group.every],
		"period_start": group.period.start,
		"period_end": group.period.last_day,
		**{name: kept(exact[name]) for name in (*FIGURES, "target", "target_low", "target_high")},
		"has_value": int(value["value"] is not None),
		"estimated": kept(100 * value["estimated"]),
		"reason": value["reason"] or "",
		"unit": value["unit"],
		"currency": value["currency"] or "",
		"target_document": goal.target if goal else "",
		"attainment": kept(None if reached is None else 100 * reached),
		"weight": kept(exact["weight"]),
		"members": as_json(leaves),
		"exact": as_json(exact),
		"definition_version": site.versions[kpi],
		"as_of": group.as_of,
		"taken_at": now,
		"merged": 0,
		"snapshot_key": key_of(group, kpi, scope),
		"looked_at": now,
		"looked_definition": site.looked(kpi),
		"looked_members": members_mark(leaves),
	}


FIGURES = ("value", "numerator", "denominator", "n")
"""What a snapshot is compared by."""

_WIDEST = 1e20
"""A column of numbers holds no more."""


def kept(number: float | None) -> float:
	"""A number as a column for lists holds it, which can't be empty. What was seen stands in `exact`, to the last digit."""
	return 0.0 if number is None else round(max(-_WIDEST, min(_WIDEST, number)), 9)


def as_json(what: Any) -> str:
	"""JSON that says the same whenever it is written: floats to their last digit, names as they are spelled."""
	return json.dumps(what, ensure_ascii=False)


def key_of(group: Group, kpi: str, scope: str) -> str:
	"""The key under which there can be one snapshot only: of the scope by the name that it has when it is taken."""
	calendar, start = calendar_text(group.calendar), group.period.start.isoformat()
	parts = [group.company, kpi, group.by.value, scope, calendar, group.every.value, start]
	return hashlib.sha256(as_json(parts).encode()).hexdigest()[:40]


def members_mark(leaves: Sequence[str] | None) -> str:
	"""A short text that is another one when a scope is made of others."""
	return "" if leaves is None else hashlib.sha256(as_json(sorted(leaves)).encode()).hexdigest()[:16]


# For those who look after it


@frappe.whitelist()
def backfill_later(first: str | None = None) -> None:
	"""Take the snapshots of past periods in the background."""
	if not is_manager(frappe.session.user):
		refuse(_("Only those who see all of a company may have snapshots of past periods taken."))
	with explained():
		# What would stop the job is told to whoever asks for it.
		Site.now()
	try:
		day = getdate(first) if first else default_first()
	except (ValueError, TypeError, frappe.ValidationError):
		day = None
	if day is None or day > getdate():
		frappe.throw(_("Say from which day in the past on snapshots are to be taken."), title=_("Sales KPI"))
	frappe.enqueue(
		"sales_kpi.site.snapshots.backfill_with_bar",
		queue="long",
		timeout=12 * 3600,
		job_id=BACKFILL_JOB,
		deduplicate=True,
		first=day.isoformat(),
	)


def backfill_with_bar(first: str) -> None:
	"""The backfill as a job that shows whoever asked for it how far it is."""

	def told(done: int, of: int) -> None:
		frappe.publish_progress(
			100 * done / max(of, 1),
			title=_("Taking Snapshots"),
			description=_("{0} of {1}").format(done, of),
		)

	backfill(getdate(first), told)
