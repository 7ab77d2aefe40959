"""Names in what the app has written down: they follow a rename or merge; in snapshots the old name stays beside the new."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import frappe

from sales_kpi.kpis.definition import By
from sales_kpi.site.forecasts import rename_company
from sales_kpi.site.guarding import guarded
from sales_kpi.site.restatements import MERGED, RESTATED_DOCUMENT, RESTATEMENT
from sales_kpi.site.snapshots import BY, SNAPSHOT, as_json, members_mark

SCOPES = {
	"Company": (By.COMPANY,),
	"Sales Person": (By.SALES_PERSON, By.TEAM),
	"Territory": (By.TERRITORY,),
	"Lead Source": (By.SOURCE,),
	"UTM Source": (By.SOURCE,),
}
"""The kinds of scope that a doctype names."""

FOLLOWING = ("KPI Alert", "KPI Alert Log", "KPI Digest Log")
"""What else names scopes and companies in plain text. It follows, and an old name isn't kept."""


def rename(doctype: str, old: str, new: str, merge: bool = False) -> None:
	"""Let snapshots, restatements and what was told of them follow a renamed document.

	Of two that were merged both keep their snapshots, under one name; those of the one that is no more are marked, and not
	compared with the records again.
	"""
	if _is_rebuilding():
		return
	from sales_kpi.site import reviews

	with guarded(f"the titles of reviews did not follow {doctype} {old} to {new}", doctype, new):
		reviews.rename(doctype, new)
	with guarded(f"the snapshots of {doctype} {old} did not follow to {new}", doctype, new):
		_rename(doctype, old, new, merge)


def _is_rebuilding() -> bool:
	"""Whether the site is being changed as a whole, and the snapshots may not be there."""
	flags = frappe.flags
	return bool(flags.in_install or flags.in_uninstall or flags.in_migrate or flags.in_patch)


def _rename(doctype: str, old: str, new: str, merge: bool) -> None:
	table = frappe.qb.DocType(RESTATED_DOCUMENT)
	named = (table.reference_doctype == doctype) & (table.reference_name == old)
	frappe.qb.update(table).set(table["alias"], old).set(table.reference_name, new).where(named).run()
	if doctype == "Company":
		rename_company(old, new, merge)
	kinds = [BY[by] for by in SCOPES.get(doctype, ())]
	if not kinds:
		return
	for kept in (SNAPSHOT, RESTATEMENT):
		table = frappe.qb.DocType(kept)
		of_old = table.scope_type.isin(kinds) & (table.scope == old)
		for (alias,) in frappe.qb.from_(table).where(of_old).select(table["alias"]).distinct().run():
			names = ", ".join(dict.fromkeys([*filter(None, (alias or "").split(", ")), old]))
			change = frappe.qb.update(table).set(table["alias"], names).set(table.scope, new)
			if kept == SNAPSHOT and merge:
				change = change.set(table.merged, 1)
			change.where(of_old & ((table["alias"] == alias) if alias else _empty(table["alias"]))).run()
		if doctype == "Company":
			change = frappe.qb.update(table).set(table.company, new).where(table.company == old)
			# Of two companies that are one now, neither's figures can be told apart again.
			(change.set(table.merged, 1) if kept == SNAPSHOT and merge else change).run()
		replace_member(kept, kinds, lambda name: new if name == old else name, (old, new) if merge else ())
	for following in FOLLOWING:
		table = frappe.qb.DocType(following)
		of_old = table.scope_type.isin(kinds) & (table.scope == old)
		frappe.qb.update(table).set(table.scope, new).where(of_old).run()
		if doctype == "Company":
			frappe.qb.update(table).set(table.company, new).where(table.company == old).run()


def _empty(column: object) -> object:
	return (column == "") | column.isnull()  # type: ignore[attr-defined]


def replace_member(
	doctype: str, kinds: Sequence[str], named: Callable[[str], str], merged: Sequence[str] = ()
) -> None:
	"""Give the members that are written down other names.

	merged: two that become one. What had one of them among its members is another figure now, and is told as such in the
	next night.
	"""
	table = frappe.qb.DocType(doctype)
	of_kinds = table.scope_type.isin(kinds)
	for (text,) in frappe.qb.from_(table).where(of_kinds).select(table.members).distinct().run():
		names = json.loads(text or "[]")
		renamed = list(dict.fromkeys(named(name) for name in names))
		has_one = len(set(merged) & set(names)) == 1
		if renamed == names and not has_one:
			continue
		change = frappe.qb.update(table).set(table.members, as_json(renamed))
		if doctype == SNAPSHOT:
			# The same people by other names are no re-organisation.
			change = change.set(table.looked_members, MERGED if has_one else members_mark(renamed))
		change.where(of_kinds & (table.members == text)).run()
