"""Who may read snapshots and restatements: whoever may see the figures of their scope. Nobody may write them."""

from __future__ import annotations

import frappe
from frappe.model.document import Document

from sales_kpi.kpis.definition import By
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import is_active
from sales_kpi.site.restatements import RESTATED_DOCUMENT, RESTATEMENT
from sales_kpi.site.snapshots import BY, SNAPSHOT
from sales_kpi.site.targets import is_seen, kpis_seen, one_of, rows_of, scopes_seen

READING = (None, "read", "select", "report", "export", "print", "email")
"""What somebody may do with a record that they may see."""

OF_WORD = {word: by for by, word in BY.items()}


def snapshot_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Snapshot."""
	return conditions(SNAPSHOT, user or frappe.session.user)


def restatement_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Restatement."""
	return conditions(RESTATEMENT, user or frappe.session.user)


def restated_document_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Restatement Document."""
	return rows_of(RESTATED_DOCUMENT, RESTATEMENT, restatement_conditions(user))


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Hook `has_permission` of both."""
	user = user or frappe.session.user
	if ptype not in READING or not is_active(user):
		return False
	by = OF_WORD.get(doc.get("scope_type") or "")
	if by is None:
		# Asked about the doctype, not about a record.
		return True
	asker = Asker.current(user)
	if doc.get("company") not in companies_seen(asker) or doc.get("kpi") not in kpis_seen(asker):
		return False
	names = scopes_seen(asker, doc.company, by)
	return names is None or (doc.get("scope") or "") in names


def companies_seen(asker: Asker) -> list[str]:
	"""Companies of which somebody may see anything."""
	return [name for name in asker.masters.companies if is_seen(asker, name)]


def conditions(doctype: str, user: str) -> str:
	"""Rows of a doctype with the fields of a snapshot that a user may see, as a condition in SQL."""
	if not is_active(user):
		return "1 = 0"
	asker = Asker.current(user)
	companies = companies_seen(asker)
	if not companies:
		return "1 = 0"
	required = [one_of(doctype, "company", companies), one_of(doctype, "kpi", sorted(kpis_seen(asker)))]
	scopes = {by: scopes_seen(asker, companies[0], by) for by in By}
	if any(names is not None for names in scopes.values()):
		kinds = [_of_kind(doctype, by, names) for by, names in scopes.items() if names is None or names]
		required.append(f"({' or '.join(kinds) or '1 = 0'})")
	return " and ".join(required)


def _of_kind(doctype: str, by: By, names: frozenset[str] | None) -> str:
	kind = one_of(doctype, "scope_type", [BY[by]])
	return kind if names is None else f"({kind} and {one_of(doctype, 'scope', sorted(names))})"
