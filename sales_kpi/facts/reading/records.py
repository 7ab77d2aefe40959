"""The native records that facts read: doctypes, their columns and types.

One list serves four purposes: a source is checked against it before anything is computed (a missing column is
named), a table that a site doesn't have is replaced by an empty one with these columns, tests create tables from
it, and it is the answer to "what does this app read?".
"""

from __future__ import annotations

from enum import Enum


class Column(Enum):
	"""Type of a column, in the few kinds that matter to a query."""

	TEXT = "text"
	DATE = "date"
	MOMENT = "moment"
	TIME = "time"
	NUMBER = "number"
	INTEGER = "integer"


_T, _D, _M, _N, _I = Column.TEXT, Column.DATE, Column.MOMENT, Column.NUMBER, Column.INTEGER

SOURCE = "source"
"""Name by which facts ask for a document's channel: column `source` in v15, `utm_source` in v16."""

CHANNEL_COLUMNS = ("utm_source", "source")
"""Columns that hold the channel, newest version first."""

RECORDS: dict[str, dict[str, Column]] = {
	"Company": {"name": _T, "default_currency": _T, "default_finance_book": _T},
	"Sales Person": {
		"name": _T,
		"parent_sales_person": _T,
		"is_group": _I,
		"enabled": _I,
		"employee": _T,
		"lft": _I,
		"rgt": _I,
	},
	"Sales Team": {"parent": _T, "parenttype": _T, "sales_person": _T, "allocated_percentage": _N},
	"Territory": {"name": _T, "parent_territory": _T, "is_group": _I, "lft": _I, "rgt": _I},
	"Employee": {"name": _T, "user_id": _T, "company": _T, "status": _T},
	"User": {"name": _T, "email": _T},
	"Customer": {
		"name": _T,
		"creation": _M,
		"lead_name": _T,
		"opportunity_name": _T,
		"account_manager": _T,
		"territory": _T,
	},
	"Lead": {
		"name": _T,
		"creation": _M,
		"modified": _M,
		"lead_owner": _T,
		"status": _T,
		SOURCE: _T,
		"company": _T,
		"territory": _T,
	},
	"Opportunity": {
		"name": _T,
		"modified": _M,
		"transaction_date": _D,
		"opportunity_from": _T,
		"party_name": _T,
		"status": _T,
		"opportunity_owner": _T,
		"company": _T,
		"territory": _T,
		SOURCE: _T,
		"base_opportunity_amount": _N,
		"opportunity_amount": _N,
		"conversion_rate": _N,
		"base_total": _N,
		"first_response_time": _N,
	},
	"Quotation": {
		"name": _T,
		"owner": _T,
		"docstatus": _I,
		"transaction_date": _D,
		"company": _T,
		"territory": _T,
		SOURCE: _T,
		"opportunity": _T,
		"base_net_total": _N,
	},
	"Quotation Item": {
		"parent": _T,
		"name": _T,
		"idx": _I,
		"prevdoc_doctype": _T,
		"prevdoc_docname": _T,
	},
	"Sales Order": {
		"name": _T,
		"owner": _T,
		"docstatus": _I,
		"transaction_date": _D,
		"company": _T,
		"customer": _T,
		"territory": _T,
		SOURCE: _T,
		"base_net_total": _N,
		"status": _T,
		"per_delivered": _N,
		"is_internal_customer": _I,
	},
	"Sales Order Item": {"parent": _T, "prevdoc_docname": _T},
	"Sales Invoice": {
		"name": _T,
		"owner": _T,
		"docstatus": _I,
		"posting_date": _D,
		"posting_time": Column.TIME,
		"company": _T,
		"customer": _T,
		"territory": _T,
		SOURCE: _T,
		"base_net_total": _N,
		"is_return": _I,
		"is_debit_note": _I,
		"is_opening": _T,
		"is_internal_customer": _I,
		"is_consolidated": _I,
	},
	"Sales Invoice Item": {
		"name": _T,
		"parent": _T,
		"base_net_amount": _N,
		"stock_qty": _N,
		"incoming_rate": _N,
		"dn_detail": _T,
		"sales_invoice_item": _T,
	},
	"Packed Item": {"parenttype": _T, "parent_detail_docname": _T, "incoming_rate": _N, "qty": _N},
	"Delivery Note Item": {"name": _T, "stock_qty": _N},
	"POS Invoice": {"name": _T, "docstatus": _I, "posting_date": _D, "consolidated_invoice": _T},
	"GL Entry": {
		"name": _T,
		"posting_date": _D,
		"account": _T,
		"cost_center": _T,
		"debit": _N,
		"credit": _N,
		"company": _T,
		"voucher_type": _T,
		"is_opening": _T,
		"is_cancelled": _I,
		"finance_book": _T,
	},
	"Account": {"name": _T, "company": _T, "lft": _I, "rgt": _I},
	"Cost Center": {"name": _T, "company": _T},
	"Call Log": {
		"name": _T,
		"owner": _T,
		"status": _T,
		"start_time": _M,
		"duration": _N,
		"employee_user_id": _T,
	},
	"Event": {
		"name": _T,
		"owner": _T,
		"event_category": _T,
		"status": _T,
		"starts_on": _M,
		"ends_on": _M,
	},
	"Communication": {
		"name": _T,
		"communication_medium": _T,
		"communication_type": _T,
		"sent_or_received": _T,
		"communication_date": _M,
		"sender": _T,
		"user": _T,
		"reference_doctype": _T,
	},
	"Quality Feedback": {"name": _T, "creation": _M, "document_type": _T, "document_name": _T},
	"Quality Feedback Parameter": {"parent": _T, "rating": _T},
	# The app's own records, which an ERPNext without the app doesn't have.
	"Sales Transition": {
		"name": _T,
		"reference_doctype": _T,
		"reference_name": _T,
		"fieldname": _T,
		"old_value": _T,
		"new_value": _T,
		"changed_at": _M,
		"user": _T,
	},
	"KPI Survey Answer": {"name": _T, "customer": _T, "answered_on": _M, "rating": _N, "company": _T},
	"KPI Forecast": {
		"name": _T,
		"company": _T,
		"kpi": _T,
		"scope_type": _T,
		"every": _T,
		"period_start": _D,
		"period_end": _D,
		"made_on": _D,
		"ahead": _I,
		"model": _T,
		"value": _N,
		"low": _N,
		"high": _N,
		"merged": _I,
	},
}

ESSENTIAL = ("Company", "Customer", "Sales Invoice", "Sales Person", "Sales Team")
"""Without these a database is not an ERPNext database."""

OWN = ("Sales Transition", "KPI Survey Answer", "KPI Forecast")
"""Records of the app itself: their absence needs no mention."""
