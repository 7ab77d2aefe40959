"""Restatements: what changed in closed periods after their snapshots were taken, from what to what, and because of what.

A snapshot is computed again as of its own day, so that time alone changes nothing. Where it is another figure now, a row
says which and why:

- Restated: records were changed. Its documents are named with it.
- Redefined: the definition of the KPI or a setting in it is another one. (Records may have changed besides.)
- Reorganised: by the members that it was made of the figure is the same; the team or territory has others now.
- Merged: two salespeople, territories or sources have become one.

Rows are numbered for each snapshot and named by that number, so that two jobs at once write each of them once. The nightly
job looks at the periods that changed documents can have touched, at figures whose definition or members are others than
when they were last looked at (or whose users are others' now), and at some of those not looked at for longest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import frappe
from frappe.utils import now_datetime
from pypika.functions import Min

from sales_kpi import catalogue
from sales_kpi.analysis.values import Scope, Value
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every, Period, calendar_named
from sales_kpi.site.restatement_causes import Cause, Causes, earliest_changes
from sales_kpi.site.settings import DOCTYPE as SETTINGS
from sales_kpi.site.snapshots import (
	BY,
	EVERY,
	FIGURES,
	FORMER,
	SNAPSHOT,
	Group,
	Overtaken,
	Site,
	alone,
	as_json,
	calendar_text,
	kept,
	members_mark,
)

RESTATEMENT, RESTATED_DOCUMENT = "KPI Restatement", "KPI Restatement Document"

RESTATED, REDEFINED, REORGANISED, MERGED = "Restated", "Redefined", "Reorganised", "Merged"

TOLERANCE = 1e-9
"""Relative difference up to which a figure is the same."""

UNSEEN = timedelta(hours=1)
"""A change may be committed so long after the moment that it bears."""

LONGEST_UNLOOKED = 5
"""So many of the groups that weren't looked at for longest are looked at each night, whatever has changed."""

Figures = Mapping[str, float | None]


def look() -> int:
	"""Find what changed since the last look, and write it down. Returns the number of rows. May be killed at any point."""
	frappe.db.commit()
	began, found, begun = now_datetime(), 0, Site.now()
	for group in _to_look_at(begun):
		found += alone(lambda group=group: _Look(Site.now(begun), group).done())
	frappe.db.set_single_value(SETTINGS, "restated_until", began, update_modified=False)
	frappe.clear_document_cache(SETTINGS, SETTINGS)
	frappe.db.commit()
	return found


# What is looked at


def _to_look_at(site: Site) -> list[Group]:
	table = frappe.qb.DocType(SNAPSHOT)
	keys = (
		table.company, table.scope_type, table.calendar, table.every, table.period_start, table.period_end, table.as_of,
	)  # fmt: skip
	live = (table.merged == 0) & table.scope.not_like(f"{FORMER} %")
	rows = (
		frappe.qb.from_(table)
		.where(live)
		.groupby(*keys, table.kpi, table.looked_definition)
		.select(
			*keys,
			table.kpi,
			table.looked_definition,
			Min(table.looked_at).as_("looked_at"),
			Min(table.taken_at).as_("taken_at"),
		)
		.run(as_dict=True)
	)
	if not rows:
		return []
	known = catalogue.kpis()
	groups: dict[tuple[Any, ...], _Seen] = {}
	for row in rows:
		key = tuple(row[column.name] for column in keys)
		seen = groups.setdefault(key, _Seen(row.looked_at))
		seen.looked_at = min(seen.looked_at, row.looked_at)
		if row.kpi in known and row.scope_type in [BY[by] for by in known[row.kpi].scopes]:
			seen.kpis.append(row.kpi)
			seen.is_stale |= site.looked(row.kpi) != row.looked_definition
	since = frappe.db.get_single_value(SETTINGS, "restated_until", cache=False)
	earliest = min(row.taken_at for row in rows)
	since = max(since or earliest, earliest) - UNSEEN
	changed = earliest_changes(site, since)
	stale = _of_other_members(site, table, keys, live)
	oldest = sorted(groups, key=lambda key: groups[key].looked_at)[:LONGEST_UNLOOKED]
	return [
		_group(key, seen.kpis)
		for key, seen in groups.items()
		if seen.kpis
		and key[0] in site.masters.companies
		and (seen.is_stale or key in stale or key in oldest or changed.get(key[0], date.max) <= key[-1])
	]


@dataclass
class _Seen:
	"""A group as it is found: when it was last looked at, its KPIs, and whether any of them is defined otherwise now."""

	looked_at: datetime
	kpis: list[str] = field(default_factory=list)
	is_stale: bool = False


def _of_other_members(site: Site, table: Any, keys: Sequence[Any], live: Any) -> set[tuple[Any, ...]]:
	"""Groups in which a scope is made of others than when it was last looked at."""
	rows = (
		frappe.qb.from_(table)
		.where(live)
		.select(table.scope_type, table.scope, table.looked_members)
		.distinct()
		.run()
	)
	by_word = {word: by for by, word in BY.items()}
	found: set[tuple[Any, ...]] = set()
	for word, scope, mark in rows:
		if word not in by_word or members_mark(site.leaves(by_word[word], scope or "")) == (mark or ""):
			continue
		same = (
			live
			& (table.scope_type == word)
			& (table.scope == scope)
			& (table.looked_members == (mark or ""))
		)
		found |= set(frappe.qb.from_(table).where(same).select(*keys).distinct().run())
	return found


def _group(key: tuple[Any, ...], kpis: Iterable[str]) -> Group:
	company, word, calendar, every, start, end, as_of = key
	return Group(
		company,
		next(by for by, known in BY.items() if known == word),
		calendar_named(calendar),
		next((known for known, text in EVERY.items() if text == every), Every.MONTH),
		Period(start, end + timedelta(days=1)),
		as_of,
		tuple(dict.fromkeys(kpis)),
	)


# Looking


@dataclass
class _State:
	"""What is known of a snapshot: its figures as they were last told, and of whom, and how many rows told it."""

	figures: Figures
	leaves: list[str]
	rows: int = 0
	reorganised: str = ""


class _Look:
	"""A look at one group of snapshots."""

	def __init__(self, site: Site, group: Group) -> None:
		# Before anything is read: what is changed from now on was not seen.
		self.began = now_datetime()
		self.site, self.group = site, group
		self.snapshots = self._snapshots()
		self.states = self._states()
		for row in self.snapshots:
			row.is_merged = row.looked_members == MERGED
			now = site.leaves(group.by, row.scope) if row.is_merged else None
			row.leaves = self.states[row.name].leaves if now is None else now

	def _snapshots(self) -> list[Any]:
		table = frappe.qb.DocType(SNAPSHOT)
		rows: list[Any] = (
			frappe.qb.from_(table)
			.where(self._of_group(table))
			.where(table.kpi.isin(self.group.kpis))
			.where(table.merged == 0)
			.where(table.scope.not_like(f"{FORMER} %"))
			.orderby(table.name)
			.select(table.star)
			.run(as_dict=True)
		)
		for row in rows:
			row.scope, row.leaves = row.scope or "", json.loads(row.members or "[]")
		return rows

	def _of_group(self, table: Any) -> Any:
		group = self.group
		return (
			(table.company == group.company)
			& (table.scope_type == BY[group.by])
			& (table.calendar == calendar_text(group.calendar))
			& (table.every == EVERY[group.every])
			& (table.period_start == group.period.start)
			& (table.as_of == group.as_of)
		)

	def _states(self) -> dict[str, _State]:
		states = {
			row.name: _State({name: json.loads(row.exact)[name] for name in FIGURES}, row.leaves)
			for row in self.snapshots
		}
		table = frappe.qb.DocType(RESTATEMENT)
		names = list(states)
		for first in range(0, len(names), 1000):
			told = (
				frappe.qb.from_(table)
				.where(table.snapshot.isin(names[first : first + 1000]))
				.orderby(table.sequence)
				.select(table.snapshot, table.sequence, table.kind, table.exact, table.members)
				.run(as_dict=True)
			)
			for row in told:
				state, exact = states[row.snapshot], json.loads(row.exact)
				state.rows = row.sequence
				if row.kind == REORGANISED:
					state.reorganised = members_mark(json.loads(row.members or "[]"))
					continue
				state.figures = exact["to"]
				if row.kind == MERGED:
					# From then on a figure is that of those who were left.
					state.leaves = json.loads(row.members or "[]")
		return states

	def _aliases(self, leaves: Sequence[str]) -> str:
		"""The names of what has been merged into some leaves since the snapshots were taken."""
		table = frappe.qb.DocType(SNAPSHOT)
		by = By.SALES_PERSON if self.group.by is By.TEAM else self.group.by
		rows = (
			frappe.qb.from_(table)
			.where(table.company == self.group.company)
			.where(table.scope_type == BY[by])
			.where(table.period_start == self.group.period.start)
			.where(table.merged == 1)
			.where(table.scope.isin(list(leaves)))
			.select(table["alias"])
			.distinct()
			.run()
		)
		return ", ".join(sorted(alias for (alias,) in rows if alias))

	def done(self) -> int:
		"""Compare, write down what differs, and that it was looked at. Returns the number of rows."""
		rows = [restatement for row in self.snapshots for restatement in self._compared(row)]
		self.site.hold()
		self._hold()
		_write(rows)
		self._mark()
		return len(rows)

	def _hold(self) -> None:
		"""Keep other looks from the group until the transaction ends. Raises Overtaken where one was here meanwhile."""
		table = frappe.qb.DocType(SNAPSHOT)
		query = frappe.qb.from_(table).where(self._of_group(table)).select(table.name, table.looked_at)
		looked = dict(query.for_update().run())
		if any(looked.get(row.name) != row.looked_at for row in self.snapshots):
			raise Overtaken(str(self.group))

	@property
	def now(self) -> Mapping[tuple[str, str], Value]:
		"""The figures of the scopes that there are now."""
		if not hasattr(self, "_now"):
			values = self.group.figures(self.site)
			self._now = {(value["kpi"], value["scope"]): value for value in values}
		return self._now

	@property
	def frozen(self) -> Mapping[tuple[str, str], Value]:
		"""The figures of scopes that are gone or made of others now, by the leaves that their snapshots were made of."""
		if not hasattr(self, "_frozen"):
			wanted = {as_json([row.scope, row.leaves]): row for row in self.snapshots if self._is_other(row)}
			scopes = [Scope(key, tuple(row.leaves)) for key, row in wanted.items()]
			values = self.group.figures(self.site, scopes) if scopes else []
			self._frozen = {(value["kpi"], value["scope"]): value for value in values}
		return self._frozen

	def _is_other(self, row: Any) -> bool:
		return (row.kpi, row.scope) not in self.now or self._has_other_members(row)

	def _has_other_members(self, row: Any) -> bool:
		leaves = self.site.leaves(self.group.by, row.scope)
		if leaves is not None and any(name.startswith(FORMER) for name in row.leaves):
			# Whoever was forgotten can't be told from the tree: as many others in their place are taken for them.
			known = {name for name in row.leaves if not name.startswith(FORMER)}
			return not (known <= set(leaves) and len(leaves) == len(row.leaves))
		return leaves is None or set(leaves) != set(row.leaves)

	def _compared(self, row: Any) -> list[_Row]:
		"""The rows that tell how a snapshot differs from the records."""
		state, found = self.states[row.name], []
		now = self.now.get((row.kpi, row.scope))
		told = now
		if self._is_other(row):
			if any(name.startswith(FORMER) for name in row.leaves):
				return []
			told = self.frozen[row.kpi, as_json([row.scope, row.leaves])]
		assert told is not None
		if differs(state.figures, told):
			kind, causes = (MERGED, []) if row.is_merged else self._told_why(row)
			found.append(self._row(row, state, kind, state.figures, told, row.leaves, causes))
		leaves = self.site.leaves(self.group.by, row.scope)
		is_other = now is not None and leaves is not None and self._has_other_members(row)
		if is_other and differs(told, now) and members_mark(leaves) != state.reorganised:
			found.append(self._row(row, state, REORGANISED, told, now, leaves or (), []))
		return found

	def _told_why(self, row: Any) -> tuple[str, list[Cause]]:
		"""Why the figure of a snapshot is another one than at the last look."""
		definition, _dash, people = row.looked_definition.partition("-")
		is_redefined = definition != self.site.versions[row.kpi]
		is_mapped_otherwise = people != self.site.people_mark
		causes = self._causes.of(
			row.kpi, row.leaves, row.looked_at, only_surely=is_redefined or is_mapped_otherwise
		)
		return REDEFINED if is_redefined or (is_mapped_otherwise and not causes) else RESTATED, causes

	@property
	def _causes(self) -> Causes:
		if not hasattr(self, "_known_causes"):
			since = min(row.looked_at for row in self.snapshots)
			self._known_causes = Causes(self.site, self.group, since)
		return self._known_causes

	def _row(
		self,
		row: Any,
		state: _State,
		kind: str,
		before: Any,
		after: Any,
		leaves: Sequence[str],
		causes: Sequence[Cause],
	) -> _Row:
		state.rows += 1
		was = {name: before[name] for name in FIGURES}
		now = {name: after[name] for name in FIGURES}
		copied = (
			"company", "kpi", "kpi_title", "scope_type", "scope", "alias", "period_start", "period_end", "every", "calendar",
			"unit", "currency", "as_of",
		)  # fmt: skip
		return _Row(
			{
				**{name: row[name] for name in copied},
				"alias": self._aliases(leaves) if kind == MERGED else row.alias,
				"name": f"{row.name}-{state.rows}",
				"kind": kind,
				"snapshot": row.name,
				"sequence": state.rows,
				"found_on": self.began,
				"definition_version": self.site.versions[row.kpi],
				"members": as_json(list(leaves)),
				"exact": as_json({"from": was, "to": now}),
				"changed_by": ", ".join(
					dict.fromkeys(cause.changed_by for cause in causes if cause.changed_by)
				),
				**{f"from_{name}": kept(was[name]) for name in FIGURES},
				**{f"to_{name}": kept(now[name]) for name in FIGURES},
				"from_has_value": int(was["value"] is not None),
				"to_has_value": int(now["value"] is not None),
			},
			causes,
		)

	def _mark(self) -> None:
		"""Write down that the group was looked at, by which definitions and members."""
		table = frappe.qb.DocType(SNAPSHOT)
		mine = self._of_group(table)
		frappe.qb.update(table).set(table.looked_at, self.began).where(mine).run()
		changed = {row.kpi for row in self.snapshots if row.looked_definition != self.site.looked(row.kpi)}
		for kpi in sorted(changed):
			version = self.site.looked(kpi)
			frappe.qb.update(table).set(table.looked_definition, version).where(
				mine & (table.kpi == kpi)
			).run()
		marks = {}
		for row in self.snapshots:
			mark = members_mark(self.site.leaves(self.group.by, row.scope))
			if mark != (row.looked_members or ""):
				marks[row.scope] = mark
		for scope, mark in sorted(marks.items()):
			frappe.qb.update(table).set(table.looked_members, mark).where(mine & (table.scope == scope)).run()


def differs(one: Any, other: Any) -> bool:
	"""Whether two figures are not the same: their values, or what these are made of."""
	return any(not _is_same(one[name], other[name]) for name in FIGURES)


def _is_same(one: float | None, other: float | None) -> bool:
	if one is None or other is None:
		return one is other
	return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


# Writing


@dataclass(frozen=True)
class _Row:
	"""A restatement that is to be written, with its documents."""

	values: dict[str, Any]
	causes: Sequence[Cause]


def _write(rows: Sequence[_Row]) -> None:
	if not rows:
		return
	now = now_datetime()
	always = {
		"creation": now, "modified": now, "owner": "Administrator", "modified_by": "Administrator", "docstatus": 0,
	}  # fmt: skip
	_insert(RESTATEMENT, [{**row.values, **always, "idx": 0} for row in rows])
	_insert(
		RESTATED_DOCUMENT,
		[
			{
				**always,
				"name": f"{row.values['name']}-{number}",
				"idx": number,
				"parent": row.values["name"],
				"parenttype": RESTATEMENT,
				"parentfield": "documents",
				**cause.as_row(),
			}
			for row in rows
			for number, cause in enumerate(row.causes, start=1)
		],
	)


def _insert(doctype: str, rows: Sequence[Mapping[str, Any]]) -> None:
	if rows:
		columns = list(rows[0])
		values = [tuple(row[name] for name in columns) for row in rows]
		frappe.db.bulk_insert(doctype, columns, values, ignore_duplicates=True)
