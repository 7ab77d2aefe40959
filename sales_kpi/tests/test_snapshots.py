"""Snapshots and restatements, through ERPNext's own documents: what was seen, what changed, who may see it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import frappe
import frappe.client

from sales_kpi.analysis.values import Question
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site import personal_data, report
from sales_kpi.site import snapshots as taking
from sales_kpi.site.answers import Asker
from sales_kpi.site.restatements import MERGED, REDEFINED, REORGANISED, RESTATED, RESTATEMENT, look
from sales_kpi.site.snapshots import (
	BY,
	EVERY,
	FIGURES,
	SNAPSHOT,
	Group,
	Site,
	backfill,
	backfill_later,
	take,
	work,
)
from sales_kpi.tests.base import (
	SETTINGS,
	SiteTestCase,
	amend,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_employee,
	ensure_sales_person,
	ensure_territory,
	ensure_user,
	insert,
	invoice_order,
	make_cost,
	make_invoice,
	make_lead,
	make_opportunity,
	make_order,
	make_quotation,
	make_return,
	order_quotation,
	permit,
	root_of,
	unrestricted,
)

COMPANY, OTHER = "KPI Snapshots Company", "KPI Snapshots Other"
NORTH, SOUTH = "Snapshots North", "Snapshots South"
ANN, BOB, CID = "Snapshots Ann", "Snapshots Bob", "Snapshots Cid"
ACTORS = {
	"system": ("System Manager",),
	"master": ("Sales Master Manager",),
	"lead": ("Sales Manager", "Sales User"),
	"ann": ("Sales User",),
	"nobody": ("Sales User",),
	"outsider": ("Accounts User",),
}
TAKEN_ON = date(2025, 4, 6)
"""The day after the one as of which March is read: five days after its end."""

KPIS = ("sales_volume", "deals", "lead_conversion_rate", "average_deal_value", "new_customers", "churn_rate")


def user_of(actor: str) -> str:
	return f"snapshots-{actor}@kpi.test"


def snapshots(kpi: str = "sales_volume", **filters: Any) -> list[Any]:
	return frappe.get_all(SNAPSHOT, filters={"kpi": kpi, **filters}, fields=["*"], order_by="scope, alias")


def one(kpi: str = "sales_volume", by: By = By.COMPANY, scope: str = COMPANY, **filters: Any) -> Any:
	"""The snapshot of March of a scope."""
	filters = {"period_start": "2025-03-01", "every": "Month", **filters}
	found = snapshots(kpi, scope_type=BY[by], scope=scope, **filters)
	assert len(found) == 1, found
	found[0].seen = json.loads(found[0].exact)
	return found[0]


def edits(doctype: str, name: str) -> list[Callable[[], Any]]:
	"""The ways by which a program or the desk would change a record."""
	given = {"doctype": doctype, "docname": name, "scope": "X"}
	return [
		lambda: frappe.client.set_value(doctype, name, "scope", "X"),
		lambda: frappe.client.save({**frappe.get_doc(doctype, name).as_dict(), "scope": "X"}),
		lambda: frappe.client.insert({"doctype": doctype, "scope": "X", "company": COMPANY}),
		lambda: frappe.client.delete(doctype, name),
		lambda: frappe.rename_doc(doctype, name, "another"),
		lambda: frappe.client.bulk_update(json.dumps([given])),
	]


def told(kpi: str = "sales_volume", **filters: Any) -> list[Any]:
	"""Restatements, with from what to what and the documents."""
	rows = frappe.get_all(
		RESTATEMENT, filters={"kpi": kpi, **filters}, fields=["*"], order_by="scope_type, scope, sequence"
	)
	for row in rows:
		exact = json.loads(row.exact)
		row.was, row.now = exact["from"]["value"], exact["to"]["value"]
		row.documents = [
			(line.reference_name, line.what, line.changed_by)
			for line in frappe.get_doc(RESTATEMENT, row.name).documents
		]
	return rows


class SnapshotCase(SiteTestCase):
	"""A company with two teams. Nothing is committed: what jobs would keep is rolled back with the rest.

	Only March is closed, and only as a month, unless a test says otherwise.
	"""

	kpis: tuple[str, ...] | None = KPIS
	every = (Every.MONTH,)

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		for name in (NORTH, SOUTH):
			ensure_sales_person(name, is_group=1)
		for name, team in ((ANN, NORTH), (BOB, NORTH), (CID, SOUTH)):
			ensure_sales_person(name, team)
		ensure_territory("Snapshots East")
		for actor, roles in ACTORS.items():
			ensure_user(user_of(actor), *roles)
		cls.buyer, cls.walker = ensure_customer("Snapshots Buyer"), ensure_customer("Snapshots Walker")
		change_settings(
			companies=[{"company": COMPANY}],
			calendar="Gregorian",
			snapshot_after_days=5,
			teams_only=0,
			mapping=[
				{"user": user_of("lead"), "sales_person": NORTH},
				{"user": user_of("ann"), "sales_person": ANN},
			],
		)
		if cls.kpis is not None:
			frappe.db.set_value("Sales KPI", {"name": ("not in", cls.kpis)}, "enabled", 0)
		frappe.db.commit()
		cls.addClassCleanup(cls.enable_all)

	@classmethod
	def enable_all(cls) -> None:
		frappe.db.rollback()
		frappe.db.set_value("Sales KPI", {"enabled": 0}, "enabled", 1)
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		for doctype in (SNAPSHOT, RESTATEMENT, "KPI Restatement Document"):
			frappe.db.delete(doctype)
		frappe.db.delete("Singles", {"doctype": SETTINGS, "field": "restated_until"})
		of_these = {every: word for every, word in EVERY.items() if every in self.every}
		for changed in (
			patch.object(frappe.db, "commit"),
			patch.dict(EVERY, of_these, clear=True),
			patch.object(taking, "CATCH_UP", timedelta(days=20)),
		):
			changed.start()
			self.addCleanup(changed.stop)
		self.sold = {
			ANN: make_invoice(COMPANY, self.buyer, "2025-03-10", 1000.1, {ANN: 100}),
			BOB: make_invoice(COMPANY, self.walker, "2025-03-12", 500.2, {BOB: 60, CID: 40}),
		}

	@contextmanager
	def quarters_and_years(self) -> Iterator[None]:
		with patch.dict(EVERY, {Every.QUARTER: "Quarter", Every.YEAR: "Year"}):
			yield

	def later(self) -> None:
		"""Let what follows be after what was: moments of one second are told apart by their microseconds."""
		time.sleep(0.005)

	def close(self, today: date = TAKEN_ON) -> int:
		number = take(today)
		self.later()
		return number


class TestTaking(SnapshotCase):
	def test_a_month_is_closed(self) -> None:
		self.close(date(2025, 4, 5))
		self.assertEqual(
			snapshots(period_start="2025-03-01"), [], "the day as of which it is read isn't over yet"
		)
		self.assertGreater(self.close(), 0)
		found = one()
		self.assertEqual(found.seen["value"], 1000.1 + 500.2)
		self.assertEqual((found.as_of, found.period_end), (date(2025, 4, 5), date(2025, 3, 31)))
		self.assertEqual(one(by=By.SALES_PERSON, scope=CID).seen["value"], 500.2 * 0.4)
		self.assertEqual(one(by=By.TEAM, scope=NORTH).seen["value"], 1000.1 + 500.2 * 0.6)
		self.assertEqual(json.loads(one(by=By.TEAM, scope=NORTH).members), [NORTH, ANN, BOB])
		self.assertEqual(one(by=By.SALES_PERSON, scope="").seen["value"], 0)
		people = snapshots(scope_type="Sales Person", period_start="2025-03-01", every="Month")
		self.assertAlmostEqual(sum(row.value for row in people), found.value)
		self.assertEqual(self.close(), 0, "what is there isn't taken again")
		with self.quarters_and_years():
			self.close()
		quarter = one(every="Quarter", period_start="2025-01-01")
		self.assertEqual(quarter.seen["value"], found.seen["value"])
		self.assertEqual((quarter.as_of, quarter.period_end), (date(2025, 4, 5), date(2025, 3, 31)))

	def test_what_matures_is_taken_when_it_is_complete(self) -> None:
		change_settings(conversion_window_days=60)
		make_lead("Snapshots Lead", COMPANY, user_of("ann"), "2025-03-05")
		self.close()
		self.assertEqual(snapshots("lead_conversion_rate", period_start="2025-03-01"), [])
		self.close(date(2025, 5, 30))
		self.assertEqual(snapshots("lead_conversion_rate", period_start="2025-03-01"), [])
		self.close(date(2025, 5, 31))
		found = one("lead_conversion_rate", By.SALES_PERSON, ANN)
		self.assertEqual((found.seen["value"], found.seen["denominator"], found.reason), (0, 1, ""))
		self.assertEqual(found.as_of, date(2025, 5, 30))

	def test_no_value_is_not_zero(self) -> None:
		self.close()
		found = one("average_deal_value", By.SALES_PERSON, "")
		self.assertEqual((found.seen["value"], found.has_value, found.reason), (None, 0, "no-records"))

	def test_a_fiscal_and_a_jalali_calendar(self) -> None:
		for calendar, start in (("Jalali", date(2025, 2, 19)), ("Fiscal", date(2025, 3, 1))):
			change_settings(calendar=calendar, fiscal_year_start="04-01")
			self.close(date(2025, 4, 6))
			found = snapshots(scope_type="Company", period_start=start, every="Month")
			self.assertEqual(len(found), 1, calendar)

	def test_the_target_and_how_far_it_was_reached(self) -> None:
		insert(
			"KPI Target", True, company=COMPANY, kpi="sales_volume", target_for="Salesperson", sales_person=ANN,
			calendar="Gregorian", every="Month", from_date="2025-03-01", to_date="2025-03-31", kind="Absolute",
			value=2000, split="Same Each Period", reason="A test.",
		)  # fmt: skip
		frappe.db.set_value("Sales KPI", {"name": ("in", KPIS)}, "weight", 0)
		frappe.db.set_value("Sales KPI", "sales_volume", "weight", 30)
		self.close()
		self.assertEqual((one().weight, one().seen["weight"]), (30, 30))
		self.assertEqual(one("deals").seen["weight"], 0)
		found = one(by=By.SALES_PERSON, scope=ANN)
		self.assertEqual(found.seen["target"], 2000)
		self.assertEqual(found.seen["attainment"], 1000.1 / 2000)
		self.assertTrue(found.target_document.startswith("KPI-T-"))
		self.assertEqual(one(by=By.SALES_PERSON, scope=BOB).seen["target"], None)

	def test_computed_again_it_is_the_same_to_the_last_bit(self) -> None:
		"""After other months, companies and people have come, and months later."""
		for number in range(9):
			make_invoice(
				COMPANY, self.buyer, f"2025-03-{11 + number}", 0.1 + number / 7, {ANN: 37.3, BOB: 62.7}
			)
		with self.quarters_and_years():
			self.close()
			seen = self.exact_by_key()
			self.assertGreater(len(seen), 100)
			frappe.db.delete(SNAPSHOT)
			make_invoice(COMPANY, self.buyer, "2025-06-11", 77.7, {CID: 100})
			make_invoice(OTHER, self.buyer, "2025-03-11", 77.7, {CID: 100})
			ensure_sales_person("Snapshots Later", NORTH)
			self.close()
			again = self.exact_by_key()
		self.assertEqual({key: again[key] for key in seen}, seen)

	def exact_by_key(self) -> dict[str, str]:
		return dict(frappe.get_all(SNAPSHOT, fields=["snapshot_key", "exact"], as_list=True))

	def test_backfill_takes_each_as_of_its_own_day(self) -> None:
		told_of: list[tuple[int, int]] = []
		with patch.object(taking, "getdate", return_value=date(2025, 6, 6)), self.quarters_and_years():
			backfill(date(2025, 1, 1), lambda done, of: told_of.append((done, of)))
			self.assertEqual(backfill(date(2025, 1, 1)), 0)
		self.assertEqual(told_of[-1][0], told_of[-1][1])
		self.assertEqual(one().as_of, date(2025, 4, 5))
		self.assertEqual(one(period_start="2025-05-01").as_of, date(2025, 6, 5))
		self.assertEqual(snapshots(period_start="2024-12-01"), [])
		self.assertEqual({row.every for row in snapshots()}, {"Month", "Quarter"})

	def test_a_year_beyond_those_that_are_over_is_not_taken(self) -> None:
		with self.quarters_and_years():
			self.close(date(2026, 1, 5))
			self.assertEqual(snapshots(every="Year"), [])
			self.close(date(2026, 1, 6))
			self.assertEqual({row.period_start for row in snapshots(every="Year")}, {date(2025, 1, 1)})

	def test_what_a_job_was_overtaken_by_is_part_of_its_next_attempt(self) -> None:
		held = []

		def hold(site: Site) -> None:
			held.append(site)
			if len(held) == 1:
				raise taking.Overtaken

		with patch.object(Site, "hold", hold), patch.object(frappe.db, "rollback") as undone:
			self.close()
		undone.assert_called_once()
		self.assertEqual(one().seen["value"], 1000.1 + 500.2)
		with (
			patch.object(Site, "hold", side_effect=taking.Overtaken),
			patch.object(frappe.db, "rollback") as undone,
			self.assertRaises(taking.Overtaken),
		):
			self.close(date(2025, 5, 6))
		self.assertEqual(undone.call_count, taking.ATTEMPTS)

	def test_names_and_trees_are_held_as_they_were_read(self) -> None:
		site = Site.now()
		site.hold()
		for change in (
			lambda: frappe.rename_doc("Sales Person", ANN, "Snapshots Anna"),
			lambda: frappe.db.set_value("Sales Person", BOB, "parent_sales_person", SOUTH),
			lambda: ensure_territory("Snapshots West"),
		):
			change()
			with self.assertRaises(taking.Overtaken):
				site.hold()
			site = Site.now()

	def test_settings_that_name_what_is_gone_stop_the_jobs_and_are_told(self) -> None:
		frappe.db.set_value("Salesperson Mapping", {"sales_person": NORTH}, "sales_person", "Gone")
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		titled = {"method": ("like", "Sales KPI: no snapshots%")}
		before = frappe.db.count("Error Log", titled)
		with patch.object(frappe.db, "rollback"):
			work()
		self.assertEqual(frappe.db.count("Error Log", titled), before + 1)
		self.assertEqual(snapshots(), [])
		with patch("frappe.enqueue") as asked, self.refused(frappe.ValidationError, "Gone"):
			backfill_later("2025-01-01")
		asked.assert_not_called()

	def test_who_may_have_past_snapshots_taken(self) -> None:
		for actor in ("lead", "ann", "outsider"):
			with as_user(user_of(actor)), self.refused(frappe.PermissionError, "see all of a company"):
				backfill_later("2025-01-01")
		with as_user(user_of("master")), patch("frappe.enqueue") as asked:
			backfill_later("2025-01-01")
			self.assertEqual(asked.call_args.kwargs["first"], "2025-01-01")
			for wrong in ("2999-01-01", "soon"):
				with self.refused(frappe.ValidationError, "in the past"):
					backfill_later(wrong)


class TestRestating(SnapshotCase):
	def test_time_alone_changes_nothing(self) -> None:
		self.close()
		make_invoice(COMPANY, self.buyer, "2025-08-10", 9000, {ANN: 100})
		self.assertEqual(look(), 0)
		self.assertEqual(look(), 0)

	def test_a_backdated_invoice_is_told_with_its_document(self) -> None:
		make_invoice(COMPANY, self.buyer, "2025-03-30", 7, {ANN: 100})
		self.close()
		self.assertEqual(one().seen["value"], 1000.1 + 500.2 + 7, "backdated before the close it is no news")
		frappe.set_user(user_of("system"))
		frappe.flags.ignore_permissions = True
		late = make_invoice(COMPANY, self.buyer, "2025-03-31", 100, {ANN: 100})
		frappe.set_user("Administrator")
		self.assertGreater(look(), 0)
		(found,) = told(scope=COMPANY, every="Month")
		self.assertEqual((found.kind, found.was, found.now), (RESTATED, 1507.3, 1607.3))
		self.assertEqual(found.documents, [(late.name, "New", user_of("system"))])
		self.assertEqual(found.changed_by, user_of("system"))
		self.assertEqual([row.scope for row in told(scope_type="Sales Person", every="Month")], [ANN])
		teams = {row.scope for row in told(scope_type="Team", every="Month")}
		self.assertEqual(teams, {NORTH, root_of("Sales Person")})
		self.assertEqual(one().seen["value"], 1507.3, "the snapshot stays")
		self.assertEqual(look(), 0, "it is told once")
		for row in told():
			self.assertEqual(row.documents[0][0], late.name, row)

	def test_cancelled_and_amended_before_the_close_is_no_news(self) -> None:
		amend(self.sold[BOB], items=[{"item_code": "KPI-SERVICE", "qty": 1, "rate": 250}])
		self.later()
		self.close()
		self.assertEqual(one().seen["value"], 1000.1 + 250)
		self.assertEqual(look(), 0)

	def test_todays_business_does_not_crowd_out_what_was_dated_back(self) -> None:
		self.close()
		late = make_invoice(COMPANY, self.buyer, "2025-03-31", 100, {ANN: 100})
		for _number in range(4):
			make_invoice(COMPANY, self.buyer, "2025-09-30", 5, {ANN: 100})
		with patch("sales_kpi.site.restatement_causes.MOST", 3):
			look()
		self.assertEqual([row.documents[0][0] for row in told(scope=ANN)], [late.name])

	def test_cancelled_and_amended(self) -> None:
		self.close()
		again = amend(self.sold[BOB], items=[{"item_code": "KPI-SERVICE", "qty": 1, "rate": 250}])
		look()
		(found,) = told(scope=COMPANY, every="Month")
		self.assertEqual((found.was, found.now), (1500.3, 1250.1))
		self.assertEqual(
			{(name, what) for name, what, _by in found.documents},
			{(self.sold[BOB].name, "Cancelled"), (again.name, "New")},
		)
		self.later()
		self.sold[ANN].reload()
		self.sold[ANN].cancel()
		look()
		first, second = told(scope=COMPANY, every="Month")
		self.assertEqual((second.was, second.now), (first.now, 250.0))
		self.assertEqual([name for name, _what, _by in second.documents], [self.sold[ANN].name])
		self.assertEqual(
			{row.documents[0][0] for row in told(scope=BOB, every="Month")},
			{row.documents[0][0] for row in told(scope=CID, every="Month")},
		)
		self.assertEqual(len(told(scope=ANN, every="Month")), 1)

	def test_cancelled_and_deleted(self) -> None:
		self.close()
		name = self.sold[ANN].name
		self.sold[ANN].reload()
		self.sold[ANN].cancel()
		frappe.delete_doc("Sales Invoice", name, force=True)
		look()
		(found,) = told(scope=ANN, every="Month")
		self.assertEqual((found.was, found.now), (1000.1, 0))
		self.assertEqual([row[:2] for row in found.documents], [(name, "Deleted")])

	def test_a_return_in_a_later_month_changes_nothing_before(self) -> None:
		self.close()
		make_return(self.sold[ANN], "2025-05-10")
		look()
		self.assertEqual(told(period_start="2025-03-01"), [])

	def test_a_value_that_comes_back_is_told_twice(self) -> None:
		self.close()
		late = make_invoice(COMPANY, self.buyer, "2025-03-31", 100, {ANN: 100})
		look()
		self.later()
		late.cancel()
		look()
		self.assertEqual(
			[(row.was, row.now) for row in told(scope=ANN, every="Month")],
			[(1000.1, 1100.1), (1100.1, 1000.1)],
		)

	def test_only_periods_that_may_have_changed_are_looked_at(self) -> None:
		take(date(2025, 3, 6))
		for number in range(4, 12):
			take(date(2025, number, 6))
		look()
		looked = {row.period_start: row.looked_at for row in snapshots(every="Month", scope_type="Company")}
		self.later()
		make_invoice(COMPANY, self.buyer, "2025-09-30", 5, {ANN: 100})
		with (
			patch("sales_kpi.site.restatements.LONGEST_UNLOOKED", 0),
			patch("sales_kpi.site.restatements.UNSEEN", timedelta(0)),
		):
			look()
		again = {row.period_start: row.looked_at for row in snapshots(every="Month", scope_type="Company")}
		self.assertEqual(
			{day for day in looked if looked[day] != again[day]}, {date(2025, 9, 1), date(2025, 10, 1)}
		)

	def test_another_definition_is_no_restatement(self) -> None:
		make_invoice(COMPANY, self.walker, "2024-06-01", 10)
		make_invoice(COMPANY, self.buyer, "2024-10-15", 10)
		self.close()
		change_settings(churn_after_days=30)
		look()
		self.assertEqual({row.kind for row in told("churn_rate", every="Month")}, {REDEFINED})
		self.assertEqual(told(every="Month"), [])
		self.assertEqual(look(), 0)
		self.later()
		make_invoice(COMPANY, self.walker, "2025-03-14", 10, {CID: 100})
		look()
		self.assertEqual({row.kind for row in told(every="Month")}, {RESTATED})

	def test_a_user_who_is_another_salesperson_is_no_restatement(self) -> None:
		"""Nor another definition: what was defined stays."""
		frappe.db.set_value("Sales KPI", "lead_conversion_rate", "enabled", 1)
		make_lead("Snapshots Lead", COMPANY, user_of("ann"), "2025-03-05")
		self.close(date(2025, 6, 30))
		before = one("lead_conversion_rate", By.SALES_PERSON, ANN)
		change_settings(
			mapping=[
				{"user": user_of("lead"), "sales_person": NORTH},
				{"user": user_of("ann"), "sales_person": CID},
			]
		)
		with patch("sales_kpi.site.restatements.LONGEST_UNLOOKED", 0):
			look()
		rows = told("lead_conversion_rate", scope_type="Sales Person")
		self.assertEqual({row.scope for row in rows}, {ANN, CID})
		self.assertEqual([(row.kind, row.documents) for row in rows], [(REDEFINED, [])] * 2)
		self.assertEqual({row.definition_version for row in rows}, {before.definition_version})
		self.assertEqual(look(), 0)
		self.assertEqual(told(), [], "what is credited by Sales Team")

	def test_a_reorganised_tree_is_told_as_such(self) -> None:
		self.close()
		bob = frappe.get_doc("Sales Person", BOB)
		bob.parent_sales_person = SOUTH
		bob.save()
		look()
		rows = {row.scope: row for row in told(every="Month")}
		self.assertEqual({row.kind for row in rows.values()}, {REORGANISED})
		self.assertEqual(set(rows), {NORTH, SOUTH})
		self.assertAlmostEqual(rows[NORTH].now, 1000.1)
		self.assertAlmostEqual(rows[SOUTH].now, 500.2)
		self.assertEqual(set(json.loads(rows[SOUTH].members)), {SOUTH, BOB, CID})
		self.assertEqual(look(), 0)
		self.later()
		make_invoice(COMPANY, self.buyer, "2025-03-20", 50, {BOB: 100})
		look()
		(north,) = told(scope=NORTH, kind=RESTATED, every="Month")
		self.assertAlmostEqual(north.now - north.was, 50, msg="by the members of the snapshot")
		self.assertEqual(told(scope=SOUTH, kind=RESTATED, every="Month"), [])

	def test_a_new_member_without_figures_is_not_told(self) -> None:
		self.close()
		ensure_sales_person("Snapshots Fresh", NORTH)
		self.assertEqual(look(), 0)


class TestNames(SnapshotCase):
	def test_a_renamed_salesperson(self) -> None:
		self.close()
		frappe.rename_doc("Sales Person", ANN, "Snapshots Anna")
		found = one(by=By.SALES_PERSON, scope="Snapshots Anna")
		self.assertEqual((found.alias, found.seen["value"]), (ANN, 1000.1))
		self.assertIn("Snapshots Anna", json.loads(one(by=By.TEAM, scope=NORTH).members))
		self.assertEqual(look(), 0)
		self.assertEqual(self.close(), 0, "what was taken by the old name isn't taken by the new one again")

	def test_two_salespeople_merged(self) -> None:
		self.close()
		frappe.rename_doc("Sales Person", BOB, CID, merge=True)
		rows = snapshots(scope_type="Sales Person", scope=CID, every="Month", period_start="2025-03-01")
		self.assertEqual([row.alias or "" for row in rows], ["", BOB])
		look()
		(found,) = told(scope=CID, every="Month")
		self.assertEqual((found.kind, found.alias), (MERGED, BOB))
		self.assertAlmostEqual(found.was, 500.2 * 0.4)
		self.assertAlmostEqual(found.now, 500.2)
		self.assertEqual({row.kind for row in told(every="Month")}, {MERGED})
		(north,) = told(scope=NORTH, every="Month")
		self.assertAlmostEqual(north.now, 1000.1, msg="who is left in it")
		self.assertEqual(look(), 0)
		self.assertEqual(self.close(), 0)
		self.later()
		make_invoice(COMPANY, self.buyer, "2025-03-20", 50, {CID: 100})
		look()
		self.assertEqual([row.kind for row in told(scope=CID, every="Month")], [MERGED, RESTATED])

	def test_merged_within_a_team_the_team_is_the_same(self) -> None:
		self.close()
		frappe.rename_doc("Sales Person", ANN, BOB, merge=True)
		look()
		self.assertEqual(told(scope=NORTH), [])
		self.assertEqual(json.loads(one(by=By.TEAM, scope=NORTH).members), [NORTH, BOB])
		self.assertEqual({row.scope for row in told(every="Month")}, {BOB})

	def test_a_renamed_territory_and_customer(self) -> None:
		self.close()
		late = make_invoice(COMPANY, self.buyer, "2025-03-31", 100, territory="Snapshots East")
		look()
		frappe.rename_doc("Territory", "Snapshots East", "Snapshots Orient")
		self.assertEqual(one(by=By.TERRITORY, scope="Snapshots Orient").alias, "Snapshots East")
		(found,) = told(scope="Snapshots Orient", every="Month")
		self.assertEqual((found.alias, found.documents[0][0]), ("Snapshots East", late.name))
		frappe.rename_doc("Sales Invoice", late.name, "KPI-SNAPSHOT-LATE", force=True)
		(found,) = told(scope="Snapshots Orient", every="Month")
		self.assertEqual(found.documents[0][0], "KPI-SNAPSHOT-LATE")
		frappe.rename_doc("Customer", self.walker, "Snapshots Runner")
		self.assertEqual(look(), 0)

	def test_two_companies_merged_are_not_compared_again(self) -> None:
		self.close()
		from sales_kpi.site.snapshot_names import rename

		rename("Company", COMPANY, OTHER, merge=True)
		found = snapshots(period_start="2025-03-01")
		self.assertEqual({(row.company, row.merged) for row in found}, {(OTHER, 1)})

	def test_those_who_left_are_forgotten_and_whoever_took_over_is_not(self) -> None:
		change_settings(
			mapping=[
				{
					"user": user_of("ann"),
					"sales_person": ANN,
					"from_date": "2025-01-01",
					"to_date": "2025-12-31",
				},
				{"user": user_of("ann"), "sales_person": CID, "to_date": "2024-12-31"},
				{"user": user_of("lead"), "sales_person": CID, "from_date": "2025-01-01"},
				{"user": user_of("nobody"), "sales_person": NORTH},
			]
		)
		employee = ensure_employee("SnapshotsBob", COMPANY, user_of("outsider"))
		frappe.db.set_value("Sales Person", BOB, {"employee": employee, "is_group": 1})
		self.close()
		self.assertEqual(personal_data.salespeople_ever([user_of("ann")]), [ANN])
		self.assertEqual(personal_data.salespeople_ever([user_of("nobody")]), [], "a team is nobody's person")
		first = personal_data.forget(user_of("ann"))
		second = personal_data.forget(user_of("outsider"))
		self.assertNotEqual(first, second)
		self.assertEqual(one(by=By.SALES_PERSON, scope=first).seen["value"], 1000.1)
		self.assertAlmostEqual(one(by=By.TEAM, scope=second).seen["value"], 500.2 * 0.6)
		one(by=By.SALES_PERSON, scope=CID)

	def test_a_person_who_is_forgotten(self) -> None:
		frappe.set_user("Administrator")
		target = insert(
			"KPI Target", company=COMPANY, kpi="sales_volume", target_for="Salesperson", sales_person=BOB,
			calendar="Gregorian", every="Month", from_date="2025-03-01", to_date="2025-03-31", kind="Absolute",
			value=2000, split="Same Each Period", reason="A test.",
		)  # fmt: skip
		target.sales_person = ANN
		target.save(ignore_version=False)
		target.submit()
		self.assertIn(ANN, self.versions(target))
		self.close()
		make_invoice(COMPANY, self.buyer, "2025-03-31", 100, {ANN: 100})
		look()
		of_ann = {"scope_type": "Sales Person", "scope": ANN, "company": COMPANY}
		evidence = f"{ANN} is below target."
		insert(
			"KPI Alert Log",
			**of_ann,
			alert="gone",
			state="Open",
			subject=ANN,
			evidence=evidence,
			told_to=user_of("ann"),
		)
		insert(
			"KPI Digest Log", **of_ann, status="Sent", user=user_of("ann"), digest="gone", due_on="2025-04-01"
		)
		with patch("frappe.sendmail"):
			request = insert(
				"Personal Data Deletion Request", email=user_of("ann"), status="Pending Approval"
			)
			request.trigger_data_deletion()
		former = str(
			frappe.get_all(SNAPSHOT, filters={"scope": ("like", "Former salesperson %")}, pluck="scope")[0]
		)
		self.assertNotIn(ANN, self.versions(target))
		self.assertIn(BOB, self.versions(target))
		found = one(by=By.SALES_PERSON, scope=former)
		self.assertEqual((found.seen["value"], found.alias), (1000.1, ""))
		self.assertEqual(told(scope=former, every="Month")[0].now, 1100.1)
		self.assertIn(former, json.loads(one(by=By.TEAM, scope=NORTH).members))
		self.assertEqual(frappe.get_all("KPI Target", filters={"company": COMPANY}, pluck="scope"), [former])
		for doctype in (
			SNAPSHOT, RESTATEMENT, "KPI Target", "Sales Transition", "KPI Restatement Document", "KPI Alert Log", "KPI Digest Log",
		):  # fmt: skip
			self.assertTrue(frappe.db.count(doctype), doctype)
			for row in frappe.get_all(doctype, fields=["*"]):
				self.assertNotIn(ANN, json.dumps(row, default=str), doctype)
				self.assertNotIn(user_of("ann"), json.dumps(row, default=str), doctype)
		self.assertEqual(look(), 0)
		self.later()
		make_invoice(COMPANY, self.buyer, "2025-03-30", 50, {BOB: 100})
		look()
		self.assertAlmostEqual(told(scope=NORTH, every="Month")[-1].now - 1400.22, 50, places=6)
		self.assertEqual(personal_data.forget("stranger@kpi.test"), "")

	def versions(self, doc: Any) -> str:
		filters = {"ref_doctype": doc.doctype, "docname": doc.name}
		return " ".join(frappe.get_all("Version", filters=filters, pluck="data"))


class TestLater(SnapshotCase):
	"""All KPIs, and what business does to records of a closed month without changing what happened in it."""

	kpis = None

	def test_what_happens_later_restates_nothing(self) -> None:
		lead = make_lead("Snapshots Early", COMPANY, user_of("ann"), "2025-03-05")
		won = make_opportunity(lead, "2025-03-10", 800)
		quotation = make_quotation(won, "2025-03-20")
		lost = make_opportunity(
			make_lead("Snapshots Second", COMPANY, user_of("ann"), "2025-03-06"), "2025-03-12", 300
		)
		unpaid = make_order(COMPANY, self.buyer, "2025-03-25", 60, {ANN: 100})
		for doc in (won, quotation, lost):
			frappe.db.set_value(
				doc.doctype, doc.name, "creation", "2025-03-21 10:00:00", update_modified=False
			)
		frappe.db.set_value(
			"Sales Transition",
			{"reference_name": ("in", [lead.name, won.name, quotation.name, lost.name])},
			"changed_at",
			"2025-03-21 10:00:00",
		)
		self.close()
		self.assertGreater(len(frappe.get_all(SNAPSHOT, filters={"has_value": 1})), 50)
		order = order_quotation(quotation, "2025-04-20", {ANN: 100})
		invoice_order(order, "2025-04-25")
		invoice_order(unpaid, "2025-05-02")
		make_return(self.sold[ANN], "2025-05-10")
		self.pay(self.sold[BOB])
		lost.reload()
		lost.declare_enquiry_lost([], [])
		lead.reload()
		lead.status = "Do Not Contact"
		lead.save()
		frappe.db.set_value("Customer", self.walker, "disabled", 1)
		frappe.db.set_value("Sales Person", BOB, "enabled", 0)
		make_cost(COMPANY, self.expense(), "2025-05-01", 90)
		with patch("sales_kpi.site.restatements.LONGEST_UNLOOKED", 10**6):
			look()
		rows = frappe.get_all(
			RESTATEMENT, fields=["kpi", "scope_type", "scope", "kind", "from_value", "to_value"]
		)
		self.assertEqual(rows, [])

	def pay(self, invoice: Any) -> None:
		from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

		payment = get_payment_entry("Sales Invoice", invoice.name)
		payment.update({"posting_date": "2025-06-01", "reference_no": "1", "reference_date": "2025-06-01"})
		payment.insert(ignore_permissions=True)
		payment.submit()

	def expense(self) -> str:
		account = {
			"company": COMPANY,
			"root_type": "Expense",
			"is_group": 0,
			"account_type": ("in", ["", None]),
		}
		return str(frappe.get_all("Account", filters=account, pluck="name", limit=1)[0])

	def test_an_opportunity_that_is_dated_elsewhere(self) -> None:
		doc = make_opportunity(
			make_lead("Snapshots Third", COMPANY, user_of("ann"), "2025-03-06"), "2025-03-12", 300
		)
		frappe.db.set_value("Opportunity", doc.name, "creation", "2025-03-12 10:00:00", update_modified=False)
		self.close()
		before = one("pipeline_value", By.SALES_PERSON, ANN)
		doc.reload()
		doc.transaction_date = "2025-08-01"
		doc.save(ignore_version=False)
		with patch("sales_kpi.site.restatements.LONGEST_UNLOOKED", 0):
			look()
		(found,) = told("pipeline_value", scope=ANN)
		self.assertEqual((found.kind, found.was, found.now), (RESTATED, before.seen["value"], 0))
		self.assertEqual([row[:2] for row in found.documents], [(doc.name, "Changed")])


class TestSeeing(SnapshotCase):
	def setUp(self) -> None:
		super().setUp()
		self.close()
		make_invoice(COMPANY, self.buyer, "2025-03-31", 100, {ANN: 50, CID: 50})
		look()

	def tearDown(self) -> None:
		for actor in ACTORS:
			unrestricted(user_of(actor))
		super().tearDown()

	def seen(self, actor: str, doctype: str = SNAPSHOT) -> set[tuple[str, str]]:
		with as_user(user_of(actor)):
			try:
				rows = frappe.get_list(doctype, fields=["scope_type", "scope"], limit_page_length=0)
			except frappe.PermissionError:
				return set()
		return {(row.scope_type, row.scope or "") for row in rows}

	def test_each_role_sees_the_scopes_of_its_figures(self) -> None:
		everything = {(row.scope_type, row.scope or "") for row in frappe.get_all(SNAPSHOT, fields=["*"])}
		self.assertEqual(self.seen("system"), everything)
		self.assertEqual(self.seen("master"), everything)
		team = {("Team", NORTH)}
		self.assertEqual(self.seen("ann"), {("Sales Person", ANN)})
		self.assertEqual(self.seen("lead"), {("Sales Person", ANN), ("Sales Person", BOB), *team})
		self.assertEqual(self.seen("lead", RESTATEMENT), {("Sales Person", ANN), *team})
		for actor in ("nobody", "outsider"):
			self.assertEqual(self.seen(actor), set(), actor)

	def test_a_list_and_a_document_say_the_same(self) -> None:
		for doctype in (SNAPSHOT, RESTATEMENT):
			rows = frappe.get_all(doctype, filters={"kpi": "sales_volume"}, fields=["name"])
			for actor in ACTORS:
				with as_user(user_of(actor)):
					try:
						listed = set(frappe.get_list(doctype, pluck="name", limit_page_length=0))
					except frappe.PermissionError:
						listed = set()
					for row in rows:
						doc = frappe.get_doc(doctype, row.name)
						self.assertEqual(doc.has_permission("read"), row.name in listed, (actor, doc.scope))
					if doctype == RESTATEMENT and listed:
						lines = frappe.client.get_list(
							"KPI Restatement Document", ["parent"], parent=doctype, limit_page_length=0
						)
						self.assertEqual({line.parent for line in lines} - listed, set(), actor)

	def test_whoever_sees_a_figure_sees_its_snapshot_and_nobody_else(self) -> None:
		for is_teams_only in (0, 1):
			change_settings(teams_only=is_teams_only)
			for actor in ACTORS:
				self.assertEqual(self.seen(actor), self.of_figures(actor), (actor, is_teams_only))

	def of_figures(self, actor: str) -> set[tuple[str, str]]:
		"""The scopes that somebody is given figures of whole."""
		taken = {
			(row.scope_type, row.scope or "")
			for row in frappe.get_all(SNAPSHOT, fields=["scope_type", "scope"])
		}
		found = set()
		with as_user(user_of(actor)):
			for by in By:
				asked = Question(
					COMPANY,
					date(2025, 3, 1),
					date(2025, 3, 31),
					by=by,
					kpis=("sales_volume",),
					as_of=TAKEN_ON,
				)
				with suppress(frappe.PermissionError):
					found |= {(BY[by], value["scope"]) for value in Asker.current().values(asked)}
		return found & taken

	def test_user_permissions_hold(self) -> None:
		permit(user_of("master"), "Company", OTHER)
		self.assertEqual(self.seen("master"), set())
		permit(user_of("system"), "Sales Person", NORTH)
		self.assertEqual({kind for kind, _scope in self.seen("system")}, {"Sales Person", "Team"})

	def test_teams_only_hides_other_people_from_whoever_is_no_manager(self) -> None:
		change_settings(teams_only=1)
		self.assertEqual(self.seen("lead"), {("Team", NORTH)})
		self.assertEqual(self.seen("ann"), {("Sales Person", ANN)})
		self.assertIn(("Sales Person", BOB), self.seen("master"))
		with as_user(user_of("lead")):
			shown = report.values({"company": COMPANY, "by": "sales-person", "from_date": "2025-03-01", "to_date": "2025-03-31"})  # fmt: skip
		self.assertNotIn(ANN, json.dumps(shown[1], default=str))

	def test_nobody_edits(self) -> None:
		for doctype in (SNAPSHOT, RESTATEMENT):
			name = frappe.get_all(doctype, filters={"kpi": "sales_volume"}, pluck="name", limit=1)[0]
			before = frappe.db.get_value(doctype, name, "*", as_dict=True)
			for user in ("Administrator", *(user_of(actor) for actor in ACTORS)):
				with as_user(user):
					for attempt in edits(doctype, name):
						with suppress(frappe.PermissionError, frappe.ValidationError):
							attempt()
			self.assertEqual(frappe.db.get_value(doctype, name, "*", as_dict=True), before)
			with as_user("Administrator"), self.refused(frappe.PermissionError, "can’t be edited"):
				frappe.client.set_value(doctype, name, "scope", "X")
			with as_user(user_of("system")), self.refused(frappe.PermissionError):
				frappe.client.set_value(doctype, name, "scope", "X")

	# The report

	def rows(self, actor: str, **filters: Any) -> list[dict[str, Any]]:
		with as_user(user_of(actor)):
			found: list[dict[str, Any]] = report.restatements({"company": COMPANY, **filters})[1]
		return found

	def test_the_report_shows_what_may_be_seen(self) -> None:
		volumes = [row for row in self.rows("system", kpi="sales_volume", by="company") if row["was"] < 1e4]
		self.assertIn("March 2025", {row["period"] for row in volumes})
		row = next(row for row in volumes if row["period"] == "March 2025")
		self.assertEqual((row["was"], row["now"], row["kind"]), (1500.3, 1600.3, RESTATED))
		self.assertEqual(len(row["causes"]), 1)
		self.assertFalse(row["causes"][0]["readable"], "System Manager reads no invoices")
		self.assertEqual({row["scope"] for row in self.rows("ann")}, {ANN})
		self.assertEqual({row["scope"] for row in self.rows("lead")}, {ANN, NORTH})
		self.assertEqual(self.rows("nobody"), [])
		self.assertEqual(self.rows("system", kind="Merged"), [])
		self.assertEqual(self.rows("system", to_date="2024-12-31"), [])
		with as_user(user_of("system")), self.refused(frappe.ValidationError, "must be a date"):
			report.restatements({"company": COMPANY, "from_date": "soon"})

	def test_documents_are_linked_for_who_may_read_them(self) -> None:
		ensure_user(user_of("master"), "Sales Master Manager", "Accounts Manager")
		row = self.rows("master", kpi="sales_volume", by="company")[0]
		self.assertTrue(row["causes"][0]["readable"])


class TestTogether(SnapshotCase):
	"""Jobs in processes of their own, with documents that are committed and taken away again."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.committed = make_invoice(COMPANY, cls.buyer, "2024-05-10", 321.5, {ANN: 100})
		frappe.db.commit()
		cls.addClassCleanup(cls.take_away)

	@classmethod
	def take_away(cls) -> None:
		frappe.db.rollback()
		for doctype in (SNAPSHOT, RESTATEMENT, "KPI Restatement Document"):
			frappe.db.delete(doctype)
		cls.take_away_invoice(cls.committed)
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		patch.stopall()
		frappe.db.rollback()
		for doctype in (SNAPSHOT, RESTATEMENT, "KPI Restatement Document"):
			frappe.db.delete(doctype)
		frappe.db.commit()

	def committed_late(self, day: str, amount: float) -> Any:
		"""An invoice that other processes see, until the test is over."""
		doc = make_invoice(COMPANY, self.buyer, day, amount, {ANN: 100})
		frappe.db.commit()
		self.addCleanup(self.take_away_invoice, doc)
		return doc

	@staticmethod
	def take_away_invoice(doc: Any) -> None:
		frappe.db.rollback()
		frappe.set_user("Administrator")
		doc.reload()
		doc.cancel()
		frappe.delete_doc("Sales Invoice", doc.name, force=True)
		frappe.db.commit()

	def worker(self, script: str) -> subprocess.Popen[str]:
		begin = (
			"import frappe, sys\nfrappe.init(site=sys.argv[1]); frappe.connect()\nfrom datetime import date\n"
		)
		return subprocess.Popen(
			[sys.executable, "-c", begin + script, frappe.local.site],
			cwd=frappe.utils.get_bench_path() + "/sites",
			stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT,
			text=True,
		)

	def keys(self) -> list[str]:
		frappe.db.rollback()
		return sorted(frappe.get_all(SNAPSHOT, pluck="snapshot_key"))

	def test_two_at_once_and_one_killed(self) -> None:
		script = "from sales_kpi.site.snapshots import take\ntake(date(2024, 6, 6))"
		workers = [self.worker(script) for _number in range(2)]
		for worker in workers:
			said = worker.communicate()[0]
			self.assertEqual(worker.returncode, 0, said[-2000:])
		whole = self.keys()
		self.assertGreater(len(whole), 50)
		self.assertEqual(len(whole), len(set(whole)))
		for seconds in (4.0, 6.0):
			frappe.db.delete(SNAPSHOT)
			frappe.db.commit()
			killed = self.worker(script)
			until = time.monotonic() + 60
			while time.monotonic() < until and killed.poll() is None and len(self.keys()) < 10 * seconds:
				time.sleep(0.05)
			killed.kill()
			killed.communicate()
			self.assertEqual(len(self.keys()), len(set(self.keys())))
			resumed = self.worker(script)
			said = resumed.communicate()[0]
			self.assertEqual(resumed.returncode, 0, said[-2000:])
			self.assertEqual(self.keys(), whole)

	def test_two_looks_at_once_tell_once(self) -> None:
		worker = self.worker("from sales_kpi.site.snapshots import take\ntake(date(2024, 6, 6))")
		self.assertEqual(worker.wait(), 0, worker.stdout and worker.stdout.read()[-2000:])
		late = self.committed_late("2024-05-11", 11.5)
		script = "from sales_kpi.site.restatements import look\nlook()"
		for worker in [self.worker(script), self.worker(script)]:
			said = worker.communicate()[0]
			self.assertEqual(worker.returncode, 0, said[-2000:])
		frappe.db.rollback()
		found = told(scope=ANN, every="Month")
		self.assertEqual([row.now - row.was for row in found], [11.5])
		self.assertEqual([row[:2] for row in found[0].documents], [(late.name, "New")])

	def test_a_look_that_is_killed_goes_on(self) -> None:
		worker = self.worker("from sales_kpi.site.snapshots import take\ntake(date(2024, 6, 6))")
		self.assertEqual(worker.wait(), 0, worker.stdout and worker.stdout.read()[-2000:])
		late = self.committed_late("2024-05-12", 7.25)
		script = "from sales_kpi.site.restatements import look\nlook()"
		killed, until = self.worker(script), time.monotonic() + 60
		while time.monotonic() < until and killed.poll() is None and not frappe.db.count(RESTATEMENT):
			frappe.db.rollback()
			time.sleep(0.02)
		killed.kill()
		killed.communicate()
		for _number in range(2):
			resumed = self.worker(script)
			said = resumed.communicate()[0]
			self.assertEqual(resumed.returncode, 0, said[-2000:])
		frappe.db.rollback()
		for kind, scope in (("Company", COMPANY), ("Sales Person", ANN), ("Team", NORTH)):
			(found,) = told(scope_type=kind, scope=scope, every="Month", period_start="2024-05-01")
			self.assertAlmostEqual(found.now - found.was, 7.25)
			self.assertEqual([row[:2] for row in found.documents], [(late.name, "New")])

	def test_somebody_is_renamed_while_snapshots_are_taken(self) -> None:
		"""After the figures were read and before they were written: nothing is written by the old name."""
		renamed: list[str] = []

		def rename(old: str, new: str) -> None:
			worker = self.worker(f"frappe.rename_doc('Sales Person', {old!r}, {new!r}); frappe.db.commit()")
			said = worker.communicate()[0]
			self.assertEqual(worker.returncode, 0, said[-2000:])

		figures = Group.figures

		def overtaken(group: Group, site: Site, *scopes: Any) -> Any:
			values = figures(group, site, *scopes)
			if group.by is By.SALES_PERSON and not renamed:
				renamed.append(ANN)
				rename(ANN, "Snapshots Anna")
			return values

		try:
			with patch.object(Group, "figures", overtaken):
				take(date(2024, 6, 6))
			self.assertEqual(renamed, [ANN])
			found = frappe.get_all(
				SNAPSHOT,
				filters={"scope": ("in", [ANN, "Snapshots Anna"])},
				fields=["scope", "alias", "value"],
			)
			self.assertEqual({(row.scope, row.alias or "") for row in found}, {("Snapshots Anna", "")})
			self.assertIn(321.5, {row.value for row in found})
			frappe.db.commit()
			self.assertEqual(look(), 0)
		finally:
			frappe.db.rollback()
			rename("Snapshots Anna", ANN)
			frappe.db.rollback()


class TestDefinitions(SnapshotCase):
	def test_a_version_for_each_kpi_that_settings_change(self) -> None:
		before = Site.now()
		change_settings(churn_after_days=33)
		after = Site.now()
		assert before
		assert after
		changed = {name for name in before.versions if before.versions[name] != after.versions[name]}
		self.assertIn("churn_rate", changed)
		self.assertNotIn("sales_volume", changed)
		self.assertEqual(len(FIGURES), 4)
