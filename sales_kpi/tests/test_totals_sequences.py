"""Whatever people do, kept sums with their marks equal the records, for every fact and after every step.

The steps of a sequence are drawn from a fixed seed, so that one that fails can be done again; nothing is committed, and the
jobs run within the transaction. SALES_KPI_SEQUENCES sets how many sequences are run, SALES_KPI_FIRST_SEQUENCE the first seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import frappe

from sales_kpi import catalogue
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.sums import FactSums
from sales_kpi.analysis.values import Question, compute
from sales_kpi.kpis.definition import By
from sales_kpi.kpis.formula import A, Distribution, Of, Over, Q, Total
from sales_kpi.periods import Every, calendar_named
from sales_kpi.site.settings import site_settings
from sales_kpi.sources.site import SiteSource
from sales_kpi.tests.base import SiteTestCase
from sales_kpi.tests.operations import COMPANIES, Company
from sales_kpi.totals.read import Totals, waiting
from sales_kpi.totals.rebuild import rebuild
from sales_kpi.totals.reconcile import reconcile
from sales_kpi.totals.refresh import refresh
from sales_kpi.totals.series import reading_of_all
from sales_kpi.totals.touches import BY_ENTITY, DAILY, KEPT

SEQUENCES = int(os.environ.get("SALES_KPI_SEQUENCES", "25"))
FIRST = int(os.environ.get("SALES_KPI_FIRST_SEQUENCE", "1"))
STEPS = 6

FIRST_DAY, LAST_DAY = date(2025, 5, 1), date(2027, 1, 31)


class TestSequences(SiteTestCase):
	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for target in ("sales_kpi.totals.store.alone", "sales_kpi.totals.refresh.rebuild_later"):
			replaced = patch(target, lambda: nullcontext())
			replaced.start()
			cls.addClassCleanup(replaced.stop)
		Company.found()
		rebuild()
		cls.used: set[str] = set()
		cls.days_later = 0

	def test_sequences(self) -> None:
		for seed in range(FIRST, FIRST + SEQUENCES):
			frappe.db.savepoint("sequence")
			world = Company(Random(seed))
			with self.subTest(seed=seed):
				self.sequence(world)
			frappe.db.rollback(save_point="sequence")
			frappe.clear_cache()
		# The sums were really used: of every fact, at some time.
		self.assertEqual(set(KEPT) - self.used, set())

	def sequence(self, world: Company) -> None:
		random, later = world.random, 0
		for step in range(STEPS):
			job = random.random()
			if job < 0.12:
				later += random.choice([1, 2, 30])
				world.done.append(f"{later} days later")
			with day_moved(later):
				if 0.12 <= job < 0.3:
					refresh()
					world.done.append("refresh")
				elif 0.3 <= job < 0.36:
					rebuild()
					world.done.append("rebuild")
				elif 0.36 <= job < 0.38:
					self.assertEqual(reconcile(step), 0, f"reconcile after {world.done}")
					world.done.append("reconcile")
				elif job >= 0.38 or later == 0:
					world.do(random.choice(world.operations()))
				self.compare(world, random.choice(list(By)), random)
		with day_moved(later):
			refresh()
			world.done.append("refresh")
			self.assertEqual(waiting(SiteSource(), 10), [])
			self.compare_values(world, random)

	def compare(self, world: Company, by: By, random: Random) -> None:
		"""All facts, by day's week and leaf, with kept sums and without."""
		settings, source = site_settings().engine, SiteSource()
		masters, today = read_masters(source, settings), frappe.utils.getdate()
		totals = Totals(source, reading_of_all(source, settings, masters, today))
		self.used |= {one.fact.name for one in totals.state.ready.values()}
		periods = calendar_named("gregorian").periods(
			FIRST_DAY, LAST_DAY, random.choice([Every.WEEK, Every.MONTH])
		)
		company = random.choice([COMPANIES[0], COMPANIES[0], COMPANIES[1]])
		asked, distributions = asked_of_all()
		told = []
		for keeper in (totals, None):
			reading = masters.reading(settings, today, source, company)
			sums = FactSums(source, reading, catalogue.facts(), periods, by, keeper)
			sums.load(asked, distributions)
			told.append(sums)
		leaves = sorted(set(told[0].leaves) | set(told[1].leaves))
		for sums in told:
			sums.arrange([[leaf] for leaf in leaves])
		for total in asked:
			self.same(
				world, f"{by.value} {total}", told[0].total(total), told[1].total(total), leaves, periods
			)
		for distribution in distributions:
			for kept, live in zip(*(sums.quantile(distribution, 0.5) for sums in told), strict=True):
				self.same(world, f"{by.value} median of {distribution}", kept, live, leaves, periods)

	def same(self, world: Company, what: str, kept: Any, live: Any, leaves: list[str], periods: Any) -> None:
		import numpy as np

		unequal = ~np.isclose(kept, live, rtol=1e-9, atol=1e-9, equal_nan=True)
		if unequal.any():
			row, column = (int(place[0]) for place in np.nonzero(unequal))
			self.fail(
				f"{what} of {leaves[column]!r} in {periods[row].start}: {kept[row, column]} kept, "
				f"{live[row, column]} in the records, after {world.done}"
			)

	def compare_values(self, world: Company, random: Random) -> None:
		"""The values of all KPIs, as reports ask for them."""
		settings, source = site_settings().engine, SiteSource()
		masters, today = read_masters(source, settings), frappe.utils.getdate()
		totals = Totals(source, reading_of_all(source, settings, masters, today))
		question = Question(
			COMPANIES[0],
			FIRST_DAY,
			LAST_DAY,
			by=random.choice(list(By)),
			as_of=today,
			calendar=calendar_named(random.choice(["gregorian", "jalali"])),
		)
		kept = compute(source, question, settings, masters, None, totals)
		live = compute(source, question, settings, masters)
		self.assertEqual(len(kept), len(live), world.done)
		for mine, its in zip(kept, live, strict=True):
			for name, value in its.items():
				if isinstance(value, float) and isinstance(mine[name], float):
					self.assertAlmostEqual(
						mine[name], value, delta=1e-9 * max(1.0, abs(value)), msg=f"{mine} {world.done}"
					)
				else:
					self.assertEqual(mine[name], value, f"{mine} {world.done}")


def asked_of_all() -> tuple[list[Total], list[Distribution]]:
	"""Every measure of every kept fact, in periods and from the beginning, and the medians of single ones."""
	asked = []
	for name in KEPT:
		for total in (Q(name), A(name), Q(name).measured("estimated")):
			asked += [total, total.over(Over.TO_END)]
	asked += [Q("lead_conversion", cohort=True), Q("quotation_order", cohort=True), Q("rating", at_least=0.8)]
	asked += [Q("sale", with_life=True), A("credit_note", with_life=True)]
	ended = [
		name
		for names in BY_ENTITY.values()
		for name in names
		if name not in ("customer", "first_sale", "customer_spell")
	]
	distributions = [Distribution(name, Of.GAP) for name in ended]
	distributions += [Distribution(name, Of.AMOUNT) for name in ("first_response", "call") if name in DAILY]
	return asked, distributions


@contextmanager
def day_moved(days: int) -> Iterator[None]:
	"""A later day."""
	if not days:
		yield
		return
	real = frappe.utils.getdate
	today = real() + timedelta(days=days)

	def getdate(value: Any = None, *more: Any, **options: Any) -> Any:
		return today if value is None else real(value, *more, **options)

	with patch.object(frappe.utils, "getdate", getdate):
		yield
