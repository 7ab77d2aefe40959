"""What keeps the app from standing in anybody's way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import frappe


@contextmanager
def guarded(what: str, doctype: str | None = None, name: str | None = None) -> Iterator[None]:
	"""Keep a failure of ours from stopping somebody else's save: undo our part only, and write an Error Log.

	A deadlock is passed on: the database has undone the whole transaction by then, and to go on would save half of it.
	"""
	# A name of its own: one part may lie in another, and to end the inner one must leave the outer one standing.
	savepoint = f"sales_kpi_{frappe.generate_hash(length=10)}"
	frappe.db.savepoint(savepoint)
	try:
		yield
	except frappe.QueryDeadlockError:
		raise
	except Exception:
		frappe.db.rollback(save_point=savepoint)
		try:
			frappe.log_error(title=f"Sales KPI: {what}"[:140], reference_doctype=doctype, reference_name=name)
		except Exception:
			frappe.logger("sales_kpi").exception(what)
	else:
		frappe.db.release_savepoint(savepoint)
