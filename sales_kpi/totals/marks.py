"""Marks: what changed, written in the transaction that changes it.

One statement appends them, without a look at anything that grows; what they mean is worked out when they are read
(`touches`). They have no key but a running number, so that nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import frappe
from frappe.utils import now_datetime

from sales_kpi.site.guarding import guarded
from sales_kpi.totals.tables import MARK
from sales_kpi.totals.touches import Mark

_COLUMNS = [
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"docstatus",
	"idx",
	"record",
	"entity",
	"day",
]

JOB = "sales_kpi_refresh_totals"
"""Identifier of the job, of which one waits or works at a time."""


def append(marks: Iterable[Mark]) -> None:
	"""Mark what changed, and have the sums refreshed once the change is committed.

	A mark that fails stops nobody's save: it is written to the Error Log, and the night finds what it would have said.
	"""
	distinct = list(dict.fromkeys(marks))
	if not distinct or _is_missing():
		return
	with guarded(f"a change was not marked: {distinct[0].record} {distinct[0].entity}"):
		_append(distinct)
	refresh_later()


def _is_missing() -> bool:
	"""Whether the site is being changed as a whole, and there is no table of marks yet."""
	flags = frappe.flags
	is_changing = flags.in_install or flags.in_uninstall or flags.in_migrate or flags.in_patch
	return bool(is_changing) and not frappe.db.table_exists(MARK)


def _append(distinct: Sequence[Mark]) -> None:
	now, me = now_datetime(), frappe.session.user
	rows = [
		(frappe.db.get_next_sequence_val(MARK), now, now, me, me, 0, 0, mark.record, mark.entity, mark.day)
		for mark in distinct
	]
	frappe.db.bulk_insert(MARK, _COLUMNS, rows)


def refresh_later() -> None:
	"""Have the job run after the commit; once, however often a transaction asks."""
	flags = frappe.flags
	if flags.in_install or flags.in_migrate or flags.in_uninstall or flags.sales_kpi_refresh_asked:
		return
	flags.sales_kpi_refresh_asked = True
	frappe.db.after_commit.add(_enqueue)
	frappe.db.after_rollback.add(_forget)


def _forget() -> None:
	frappe.flags.sales_kpi_refresh_asked = False


def _enqueue() -> None:
	_forget()
	try:
		frappe.enqueue(
			"sales_kpi.totals.refresh.refresh", queue="default", timeout=1500, job_id=JOB, deduplicate=True
		)
	except Exception:
		# The queue may be down: what was marked stays marked, and the scheduler asks again.
		frappe.logger("sales_kpi").exception("the refresh of totals was not enqueued")


def delete(names: Sequence[int]) -> None:
	"""Take away the marks that were seen to: exactly these, since numbers are committed out of order."""
	table = frappe.qb.DocType(MARK)
	for first in range(0, len(names), 1000):
		frappe.qb.from_(table).delete().where(table.name.isin(list(names[first : first + 1000]))).run()
