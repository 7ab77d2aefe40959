"""The background job that brings kept sums up to date: what is marked, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby

import frappe

from sales_kpi.analysis.masters import read_masters
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.site.settings import extend_by_hooks, site_settings
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals import marks, store
from sales_kpi.totals.read import all_touched, waiting
from sales_kpi.totals.series import Series, all_series, reading_of_all
from sales_kpi.totals.tables import SERIES
from sales_kpi.totals.touches import Touched

BATCH = 500
"""Marks seen to in one transaction."""

ROUNDS = 200
"""Transactions of one run at most: what is left then is for the next run."""


def refresh() -> None:
	"""Bring all kept sums up to date. May be run at any time, by any number of workers, and killed at any point."""
	for _round in range(ROUNDS):
		with store.alone():
			is_done = _refresh_some()
		if is_done:
			break
	if _is_incomplete():
		rebuild_later()


def site_reading() -> Reading | None:
	"""A reading of all companies as of today; None while the settings contradict each other."""
	extend_by_hooks()
	source = SiteSource()
	try:
		settings = site_settings().engine
		masters = read_masters(source, settings)
	except InputError:
		return None
	return reading_of_all(source, settings, masters, frappe.utils.getdate())


def _refresh_some() -> bool:
	"""See to a batch of marks; whether none is left."""
	reading = site_reading()
	if reading is None:
		return True
	source, today = SiteSource(), reading.as_of
	made = begun(reading)
	batch = waiting(source, BATCH)
	oldest = min((as_of for _, as_of in made.values()), default=today)
	if not batch and oldest >= today:
		return True
	found = all_touched(source, reading, [mark for _, mark in batch], oldest)
	assert found is not None
	series = [one for one, _ in made.values()]
	_make_anew(reading, series, found)
	marks.delete([name for name, _ in batch])
	# What other settings have made isn't kept true: should these come back, it must not be taken for complete.
	left = [name for name in frappe.get_all(SERIES, pluck="name") if name not in made]
	_set_back([*left, *(one.name for one in series if one.fact.name in found.whole)])
	_set_as_of([one.name for one in series if one.fact.name not in found.whole], today)
	return len(batch) < BATCH


def _make_anew(reading: Reading, series: Iterable[Series], found: Touched) -> None:
	"""Replace what is touched, of facts that aren't touched as a whole."""
	source = SiteSource()
	for together in families(one for one in series if one.fact.name not in found.whole):
		name = together[0].fact.name
		if not together[0].by_entity:
			store.replace_days(source, reading, together, found.days.get(name, ()))
			continue
		names = sorted({entity for one in together for entity in found.entities.get(one.fact.name, ())})
		months: dict[str, set[date]] = {}
		for first in range(0, len(names), BATCH):
			changed = store.replace_entities(source, reading, together, names[first : first + BATCH])
			for of, some in changed.items():
				months.setdefault(of, set()).update(some)
		for one in together:
			store.repack(source, one, months.get(one.name, ()))


def families(series: Iterable[Series]) -> list[list[Series]]:
	"""Series in groups that are read by one statement."""
	ordered = sorted(series, key=lambda one: one.family)
	return [list(group) for _, group in groupby(ordered, key=lambda one: one.family)]


def begun(reading: Reading) -> dict[str, tuple[Series, date]]:
	"""Series that are complete or being built, with the day as of which they are, by name.

	What a rebuild has done has to stay true while it goes on.
	"""
	known = all_series(reading)
	rows = frappe.get_all(SERIES, fields=["name", "fingerprint", "as_of", "ready", "progress"])
	return {
		row.name: (known[row.name], row.as_of)
		for row in rows
		if row.name in known
		and row.fingerprint == known[row.name].fingerprint
		and row.as_of
		and (row.ready or row.progress)
	}


def _is_incomplete() -> bool:
	"""Whether some series have to be made anew as a whole."""
	reading = site_reading()
	if reading is None:
		return False
	made = dict(frappe.get_all(SERIES, filters={"ready": 1}, fields=["name", "fingerprint"], as_list=True))
	known = all_series(reading)
	return {name: one.fingerprint for name, one in known.items()} != made


def _set_back(names: list[str]) -> None:
	if names:
		frappe.db.set_value(SERIES, {"name": ("in", names)}, {"ready": 0, "progress": ""})


def _set_as_of(names: list[str], today: date) -> None:
	if names:
		frappe.db.set_value(SERIES, {"name": ("in", names)}, "as_of", today)


def rebuild_later() -> None:
	"""Have what isn't complete made anew in the background."""
	frappe.enqueue(
		"sales_kpi.totals.rebuild.rebuild",
		queue="long",
		timeout=6 * 3600,
		job_id="sales_kpi_rebuild_totals",
		deduplicate=True,
		enqueue_after_commit=True,
	)
