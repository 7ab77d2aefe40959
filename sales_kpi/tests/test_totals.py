"""Kept sums under what a site does to them: workers killed, processes at once, changes by SQL, a long queue.

What is committed here belongs to a user of its own, by whom it is taken away again, in every table.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import date
from typing import Any
from unittest.mock import patch

import frappe
from frappe.query_builder.functions import Count

from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.values import Question, compute
from sales_kpi.kpis.definition import By
from sales_kpi.site.answers import Asker
from sales_kpi.site.settings import site_settings
from sales_kpi.sources.site import SiteSource
from sales_kpi.tests.base import (
	SiteTestCase,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_user,
	insert,
	make_invoice,
	unique,
)
from sales_kpi.totals import marks
from sales_kpi.totals.months import unequal_entities
from sales_kpi.totals.read import MANY_MARKS, Totals, waiting
from sales_kpi.totals.rebuild import rebuild
from sales_kpi.totals.reconcile import reconcile
from sales_kpi.totals.refresh import families, refresh
from sales_kpi.totals.series import all_series, reading_of_all
from sales_kpi.totals.tables import DIFFERENCE, TOTAL
from sales_kpi.totals.touches import ENTITY_OF, Mark

COMPANY, USER = "KPI Totals Load", "totals.load@kpi.test"
FIRST, LAST = date(2026, 1, 1), date(2026, 6, 30)


def totals() -> Totals:
	"""The kept sums as they are now."""
	settings, source = site_settings().engine, SiteSource()
	masters = read_masters(source, settings)
	return Totals(source, reading_of_all(source, settings, masters, frappe.utils.getdate()))


def answers(by: By = By.SALES_PERSON) -> tuple[list[Any], list[Any]]:
	"""The values of all KPIs, through kept sums and from the records, of one state."""
	settings, source = site_settings().engine, SiteSource()
	masters = read_masters(source, settings)
	asked = Question(COMPANY, FIRST, LAST, by=by, as_of=frappe.utils.getdate())
	return compute(source, asked, settings, masters, None, totals()), compute(
		source, asked, settings, masters
	)


class TotalsTestCase(SiteTestCase):
	def same(self, by: By = By.SALES_PERSON) -> None:
		"""Kept sums and records say the same."""
		for mine, its in zip(*answers(by), strict=True):
			for name, value in its.items():
				if isinstance(value, float) and isinstance(mine[name], float):
					self.assertAlmostEqual(mine[name], value, places=6, msg=str(mine))
				else:
					self.assertEqual(mine[name], value, mine)


class TestMarking(TotalsTestCase):
	def test_a_transaction_asks_for_one_refresh(self) -> None:
		frappe.flags.sales_kpi_refresh_asked = False
		frappe.db.after_commit.reset()
		for number in range(50):
			marks.append([Mark("Lead", f"lead {number}", FIRST)])
		with patch("frappe.enqueue") as enqueue:
			frappe.db.after_commit.run()
		mine = [call for call in enqueue.call_args_list if call.kwargs.get("job_id") == marks.JOB]
		self.assertEqual(len(mine), 1)
		self.assertTrue(mine[0].kwargs["deduplicate"])

	def test_a_mark_is_one_statement_and_numbers(self) -> None:
		marks.append([Mark("Lead", "the first one, which reads the doctype's definition", FIRST)])
		statements: list[str] = []
		real = frappe.db.sql
		with patch.object(
			frappe.db,
			"sql",
			lambda query, *more, **given: (statements.append(str(query)), real(query, *more, **given))[1],
		):
			marks.append([Mark("Sales Invoice", "somebody", FIRST), Mark("Lead", "a lead", FIRST)])
		inserts = [text for text in statements if "insert" in text.lower()]
		self.assertEqual(len(inserts), 1, statements)
		self.assertLessEqual(len(statements), 5, statements)

	def test_handlers_import_no_pandas(self) -> None:
		names = {
			path.split(".")[-2]
			for events in frappe.get_hooks("doc_events", app_name="sales_kpi").values()
			for paths in events.values()
			for path in paths
		}
		imports = "; ".join(f"import sales_kpi.events.{name}" for name in sorted(names))
		told = subprocess.run(
			[sys.executable, "-c", f"import sys; {imports}; print(sorted({{'pandas', 'numpy', 'scipy'}} & set(sys.modules)))"],
			capture_output=True, text=True, check=True,
		)  # fmt: skip
		self.assertEqual(told.stdout.strip(), "[]")

	def test_a_failing_mark_stops_nobody(self) -> None:
		with patch("sales_kpi.totals.marks._append", side_effect=ValueError("broken")):
			marks.append([Mark("Lead", "a lead", FIRST)])
		titles = frappe.get_all(
			"Error Log", {"method": ("like", "Sales KPI: a change was not marked%")}, pluck="method"
		)
		self.assertTrue(any("a lead" in title for title in titles), titles)

	def test_a_failing_queue_stops_nobody(self) -> None:
		with patch("frappe.enqueue", side_effect=ConnectionError("no queue")):
			marks._enqueue()

	def test_others_are_not_waited_for(self) -> None:
		"""Two transactions that mark the same day: neither waits for the other's commit."""
		marks.append([Mark("Sales Invoice", "somebody", FIRST)])
		other = frappe.database.get_db(
			host=frappe.db.host, user=frappe.db.user, password=frappe.db.password, port=frappe.db.port,
			**({"cur_db_name": frappe.db.cur_db_name} if hasattr(frappe.db, "cur_db_name") and str(frappe.__version__) >= "16" else {}),
		)  # fmt: skip
		ours = frappe.local.db
		begun = time.monotonic()
		try:
			frappe.local.db = other
			other.connect()
			other.sql("set innodb_lock_wait_timeout = 3")
			marks.append([Mark("Sales Invoice", "somebody", FIRST)])
			other.rollback()
		finally:
			frappe.local.db = ours
			other.close()
		self.assertLess(time.monotonic() - begun, 2)


class TestUnderLoad(TotalsTestCase):
	"""With documents that are committed."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		ensure_user(USER, "System Manager", "Sales Manager", "Accounts Manager", "Stock Manager")
		frappe.db.commit()
		cls.addClassCleanup(cls.take_away)
		frappe.set_user(USER)
		ensure_company(COMPANY)
		for name in ("Load Ann", "Load Bob"):
			ensure_sales_person(name)
		cls.customers = [ensure_customer(f"Load Customer {number}") for number in range(3)]
		for number in range(10):
			day = f"2026-{1 + number % 6:02d}-{3 + number:02d}"
			team = {"Load Ann": 60, "Load Bob": 40} if number % 3 else {"Load Ann": 100}
			make_invoice(COMPANY, cls.customers[number % 3], day, 100.0 + number, team)
			insert("Lead", first_name=unique("Load"), company=COMPANY)
		frappe.db.commit()
		rebuild()
		refresh()

	@classmethod
	def take_away(cls) -> None:
		"""Delete what is the user's, and make the sums of what is left."""
		frappe.db.rollback()
		frappe.set_user("Administrator")
		columns = frappe.qb.Schema("information_schema").columns
		tables = (
			frappe.qb.from_(columns)
			.select(columns.table_name)
			.where(columns.table_schema == frappe.conf.db_name)
			.where(columns.column_name == "owner")
			.run()
		)
		for (name,) in tables:
			table = frappe.qb.Table(name)
			frappe.qb.from_(table).delete().where(table.owner == USER).run()
		frappe.db.delete(DIFFERENCE)
		frappe.clear_cache()
		rebuild(afresh=True)

	def setUp(self) -> None:
		super().setUp()
		frappe.set_user(USER)

	def tearDown(self) -> None:
		frappe.db.rollback()
		super().tearDown()

	def test_everything_is_read_from_sums(self) -> None:
		self.assertEqual(set(totals().state.ready), set(all_series(totals().reading)))
		for by in By:
			self.same(by)

	def test_killed_at_any_point(self) -> None:
		"""A rebuild and refreshes killed again and again lose nothing and double nothing."""
		chance = random.Random(4)
		for number in range(5):
			make_invoice(COMPANY, self.customers[0], "2026-03-20", 10.0 + number, {"Load Bob": 100})
			frappe.db.commit()
			method = "rebuild.rebuild" if number < 4 else "refresh.refresh"
			afresh = ["--kwargs", "{'afresh': True}"] if number == 0 else []
			worker = subprocess.Popen(
				[*bench(), "execute", f"sales_kpi.totals.{method}", *afresh],
				stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=frappe.utils.get_bench_path() + "/sites",
			)  # fmt: skip
			time.sleep(1.5 + 2.5 * chance.random())
			worker.kill()
			worker.wait()
			frappe.db.rollback()
			self.same()
		rebuild()
		self.assertEqual(waiting(SiteSource(), 10), [])
		self.assertEqual(set(totals().state.ready), set(all_series(totals().reading)))
		self.same()
		self.not_doubled()

	def not_doubled(self) -> None:
		"""One kept month of a kind, and of each entity exactly the rows that the records say."""
		kept = frappe.qb.DocType(TOTAL)
		keys = [kept.series, kept.company, kept.dimension, kept.month]
		self.assertFalse(frappe.qb.from_(kept).groupby(*keys).having(Count("*") > 1).select(*keys).run())
		reading = totals().reading
		for together in families(one for one in all_series(reading).values() if one.by_entity):
			names = frappe.get_all(ENTITY_OF[together[0].fact.name], pluck="name")
			self.assertEqual(list(unequal_entities(SiteSource(), reading, together, names or [""])), [])

	def test_read_while_others_write(self) -> None:
		"""Processes submit and cancel, one refreshes, and every report is that of one state of the records."""
		script = (
			"import frappe, sys; frappe.init(site=sys.argv[1]); frappe.connect(); frappe.flags.in_test = True\n"
			f"frappe.set_user({USER!r})\n"
			"from sales_kpi.tests.base import make_invoice\n"
			"for number in range(4):\n"
			f"    doc = make_invoice({COMPANY!r}, sys.argv[2], '2026-04-1%d' % number, 5.0, {{'Load Ann': 100}})\n"
			"    frappe.db.commit(); doc.reload(); doc.cancel() if number % 2 else None; frappe.db.commit()\n"
		)
		refreshing = (
			"import frappe, sys; frappe.init(site=sys.argv[1]); frappe.connect(); frappe.flags.in_test = True\n"
			"from sales_kpi.totals.refresh import refresh\n"
			"for _ in range(8): refresh()\n"
		)
		options: dict[str, Any] = {
			"cwd": frappe.utils.get_bench_path() + "/sites",
			"stdout": subprocess.PIPE,
			"stderr": subprocess.STDOUT,
			"text": True,
		}
		site = frappe.local.site
		workers = [
			subprocess.Popen([sys.executable, "-c", script, site, customer], **options)
			for customer in self.customers[:2]
		]
		workers.append(subprocess.Popen([sys.executable, "-c", refreshing, site], **options))
		read = 0
		while any(worker.poll() is None for worker in workers) or not read:
			frappe.db.rollback()
			self.same()
			read += 1
		for worker in workers:
			said = worker.communicate()[0]
			self.assertEqual(worker.returncode, 0, said[-2000:])
		refresh()
		self.same()
		self.not_doubled()

	def test_changes_by_sql_are_found_at_night(self) -> None:
		"""An invoice changed, another deleted and a team rewritten behind all events: found, repaired, written down."""
		names = frappe.get_all(
			"Sales Invoice", {"company": COMPANY, "docstatus": 1}, pluck="name", order_by="name"
		)
		frappe.db.set_value("Sales Invoice", names[0], "base_net_total", 777)
		frappe.db.delete("Sales Invoice", {"name": names[1]})
		team = frappe.get_all("Sales Team", {"parent": names[2]}, pluck="name", limit=1)[0]
		frappe.db.set_value("Sales Team", team, "sales_person", "Load Bob")
		frappe.db.commit()
		with self.assertRaises(AssertionError):
			self.same()
		self.assertGreater(reconcile(), 0)
		self.same()
		self.assertEqual(waiting(SiteSource(), 10), [])
		found = frappe.get_all(DIFFERENCE, {"series": "sale"}, ["cause", "day", "kept_amount", "told_amount"])
		self.assertTrue(any(names[0] in row.cause for row in found), found)
		# Other tests may have changed records of their own companies behind all events.
		told = frappe.db.count(DIFFERENCE, {"company": COMPANY})
		reconcile()
		self.assertEqual(frappe.db.count(DIFFERENCE, {"company": COMPANY}), told)

	def test_too_many_marks(self) -> None:
		marks.append(Mark("Lead", f"lead {number}", FIRST) for number in range(MANY_MARKS + 1))
		self.assertTrue(totals().state.is_behind)
		self.same()

	def test_settings_that_come_back(self) -> None:
		"""Sums that other settings had made are not taken for complete when these settings come back."""
		change_settings(churn_after_days=33)
		make_invoice(COMPANY, self.customers[1], "2026-05-05", 44.0, {"Load Ann": 100})
		frappe.db.commit()
		refresh()
		change_settings(churn_after_days=180)
		frappe.db.commit()
		self.same()
		rebuild()
		self.same()

	def test_switched_off(self) -> None:
		change_settings(without_totals=1)
		with patch("sales_kpi.site.answers.is_unattended", return_value=False):
			self.assertIsNone(Asker.current("Administrator").totals)
		self.same()


def bench() -> list[str]:
	"""The command that runs something on this site."""
	return [sys.executable, "-m", "frappe.utils.bench_helper", "frappe", "--site", frappe.local.site]
