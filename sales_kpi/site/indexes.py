"""Indexes that ERPNext lacks, on the columns by which a refresh finds what hangs on a record.

Those of fields are Property Setters, which both versions keep through a migration (version 15 drops an index that the meta
doesn't know); those of standard columns, which no meta knows, are only made. All go with the app.
"""

from __future__ import annotations

import frappe
from frappe.custom.doctype.property_setter.property_setter import make_property_setter

MODULE = "Sales KPI"

FIELDS = {
	"Customer": ("lead_name", "opportunity_name"),
	"Opportunity": ("party_name", "transaction_date"),
	"Quotation": ("opportunity",),
	"Quotation Item": ("prevdoc_docname",),
	"Communication": ("communication_date",),
	"Call Log": ("start_time",),
	"Event": ("starts_on",),
	"Packed Item": ("parent_detail_docname",),
}
"""Fields that are looked up: the customers of a lead, the quotations of an opportunity, what happened on a day."""

COLUMNS = {"Lead": "creation"}
"""Standard columns that are looked up; version 16 has this index already."""


def add() -> None:
	"""Add what is missing. An index that is there, whoever made it, is left alone."""
	for doctype, fieldnames in FIELDS.items():
		if not frappe.db.table_exists(doctype):
			continue
		new = [name for name in fieldnames if _is_missing(doctype, name)]
		for fieldname in new:
			setter = make_property_setter(
				doctype, fieldname, "search_index", "1", "Check", validate_fields_for_doctype=False
			)
			setter.db_set("module", MODULE, update_modified=False)
		if new:
			frappe.clear_cache(doctype=doctype)
			frappe.db.updatedb(doctype)
	for doctype, column in COLUMNS.items():
		if not _index_on(doctype, column):
			frappe.db.add_index(doctype, [column], _own_name(column))


def _is_missing(doctype: str, fieldname: str) -> bool:
	field = frappe.get_meta(doctype).get_field(fieldname)
	return field is not None and not field.search_index and not _index_on(doctype, fieldname)


def remove() -> None:
	"""Take away what was added."""
	setters = frappe.get_all(
		"Property Setter",
		filters={"module": MODULE, "property": "search_index"},
		fields=["name", "doc_type", "field_name"],
	)
	for setter in setters:
		frappe.delete_doc("Property Setter", setter.name, ignore_permissions=True, force=True)
		frappe.clear_cache(doctype=setter.doc_type)
		_drop(setter.doc_type, _index_on(setter.doc_type, setter.field_name))
	for doctype, column in COLUMNS.items():
		if _index_on(doctype, column) == _own_name(column):
			_drop(doctype, _own_name(column))


def _own_name(column: str) -> str:
	return f"sales_kpi_{column}"


def _index_on(doctype: str, column: str) -> str | None:
	"""Name of an index that begins with a column."""
	statistics = frappe.qb.Schema("information_schema").statistics
	rows = (
		frappe.qb.from_(statistics)
		.select(statistics.index_name)
		.where(statistics.table_schema == frappe.conf.db_name)
		.where(statistics.table_name == f"tab{doctype}")
		.where(statistics.column_name == column)
		.where(statistics.seq_in_index == 1)
		.run()
	)
	return str(rows[0][0]) if rows else None


def _drop(doctype: str, index: str | None) -> None:
	if index:
		frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` DROP INDEX `{index}`")
