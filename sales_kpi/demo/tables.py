"""Which tables the demo company fills, with their columns, types and indexes.

Taken from the DocTypes of ERPNext 15 and 16 (a subset of the columns: all that the KPI definitions read, and
what ERPNext's own reports need). They differ in two ways: `source` (15) is called
`utm_source` (16), and its list is Lead Source (15) or UTM Source (16). Table
names are written here without the leading "tab".
"""

from __future__ import annotations

from dataclasses import dataclass

# What every Frappe table has, in Frappe's order.
STANDARD = {
	"name": "text",
	"creation": "datetime",
	"modified": "datetime",
	"modified_by": "text",
	"owner": "text",
	"docstatus": "check",
	"idx": "int",
}
PARENT = {"parent": "text", "parentfield": "text", "parenttype": "text"}

# Column kinds: text (140 characters), long (any length), money (also percent and quantity), check (0 or 1),
# int, date, datetime, time. Only MariaDB tells 15 from 16.
_MARIADB = {
	"text": ("varchar(140)", "varchar(140)"),
	"long": ("text", "text"),
	"money": ("decimal(21,9)", "decimal(21,9)"),
	"check": ("int(1)", "tinyint(4)"),
	"int": ("int(11)", "int(11)"),
	"date": ("date", "date"),
	"datetime": ("datetime(6)", "datetime(6)"),
	"time": ("time(6)", "time(6)"),
}
_OTHER = {
	"text": "VARCHAR(140)",
	"long": "TEXT",
	"money": "DECIMAL(21,9)",
	"check": "INTEGER",
	"int": "INTEGER",
	"date": "DATE",
	"datetime": "TIMESTAMP",
	"time": "TIME",
}
# Where MariaDB's type differs from its kind's: (15, 16).
_MARIADB_EXCEPTIONS = {
	("Delivery Note Item", "incoming_rate"): ("decimal(21,9)", "decimal(21,6)"),
	("Sales Invoice", "is_opening"): ("varchar(4)", "varchar(64)"),
	("Sales Invoice", "status"): ("varchar(30)", "varchar(64)"),
	("Communication", "sender"): ("varchar(255)", "varchar(255)"),
}
_LONGTEXT = {"description", "recipients", "content", "feedback"}


@dataclass(frozen=True)
class Table:
	"""One table: its DocType's name, whether it's a child table, columns with their kinds, indexes."""

	name: str
	child: bool
	columns: dict[str, str]
	indexes: tuple[tuple[str, ...], ...]


def tables(schema: str) -> dict[str, Table]:
	"""All tables of ERPNext `schema` ("15" or "16"), by name, in the order in which they are written."""
	made = [_table(schema, definition) for definition in _DEFINITIONS]
	absent = "UTM Source" if schema == "15" else "Lead Source"
	return {table.name: table for table in made if table.name != absent}


def source_column(schema: str) -> str:
	"""The name of the column that holds a document's channel."""
	return "source" if schema == "15" else "utm_source"


def sql_type(table: str, column: str, kind: str, dialect: str, schema: str) -> str:
	"""The SQL type of a column on `dialect` ("mariadb", "mysql", "postgresql", "sqlite" or "duckdb")."""
	if dialect in ("mariadb", "mysql"):
		if (table, column) in _MARIADB_EXCEPTIONS:
			return _MARIADB_EXCEPTIONS[table, column][schema == "16"]
		if kind == "long" and column in _LONGTEXT:
			return "longtext"
		if column == "idx" and schema == "15":
			return "int(8)"
		return _MARIADB[kind][schema == "16"]
	if dialect == "postgresql" and kind == "check":
		return "smallint"
	return _OTHER[kind]


def _table(schema: str, definition: dict[str, str]) -> Table:
	"""A table from its definition: columns by kind, indexes as "a b+c 16:d" (d only in version 16)."""
	name, child = definition["name"], "child" in definition
	kinds = {key: value for key, value in definition.items() if key in _OTHER}
	columns = STANDARD | (PARENT if child else {})
	columns |= {
		column.replace("utm_source", source_column(schema)): kind
		for kind, names in kinds.items()
		for column in names.split()
	}
	keys = ["parent"] if child else ["modified" if schema == "15" else "creation"]
	for index in definition.get("indexes", "").split():
		version, _, key = index.rpartition(":")
		if version in ("", schema):
			keys.append(key)
	return Table(name, child, columns, tuple(tuple(key.split("+")) for key in keys))


_DEFINITIONS: list[dict[str, str]] = [
	{
		"name": "Company",
		"text": (
			"company_name abbr default_currency country parent_company default_holiday_list "
			"default_finance_book cost_center default_income_account default_expense_account "
			"default_receivable_account"
		),
		"money": "monthly_sales_target",
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "company_name lft rgt",
	},
	{
		"name": "Fiscal Year",
		"text": "year",
		"check": "disabled is_short_year",
		"date": "year_start_date year_end_date",
		"indexes": "year",
	},
	{
		"name": "Fiscal Year Company",
		"child": "yes",
		"text": "company",
	},
	{
		"name": "Holiday List",
		"text": "holiday_list_name weekly_off",
		"int": "total_holidays",
		"date": "from_date to_date",
		"indexes": "holiday_list_name",
	},
	{
		"name": "Holiday",
		"child": "yes",
		"long": "description",
		"check": "weekly_off",
		"date": "holiday_date",
	},
	{
		"name": "User",
		"text": "email full_name first_name last_name user_type",
		"check": "enabled",
	},
	{
		"name": "Employee",
		"text": ("employee_name first_name last_name user_id company status department holiday_list"),
		"int": "lft rgt",
		"date": "date_of_joining relieving_date",
		"indexes": "lft+rgt status",
	},
	{
		"name": "Sales Person",
		"text": "sales_person_name parent_sales_person employee department commission_rate",
		"check": "is_group enabled",
		"int": "lft rgt",
		"indexes": "lft lft+rgt rgt sales_person_name",
	},
	{
		"name": "Target Detail",
		"child": "yes",
		"text": "item_group fiscal_year distribution_id",
		"money": "target_qty target_amount",
		"indexes": "fiscal_year item_group target_amount",
	},
	{
		"name": "Monthly Distribution",
		"text": "distribution_id fiscal_year",
		"indexes": "distribution_id fiscal_year",
	},
	{
		"name": "Monthly Distribution Percentage",
		"child": "yes",
		"text": "month",
		"money": "percentage_allocation",
	},
	{
		"name": "Territory",
		"text": "territory_name parent_territory territory_manager",
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "lft lft+rgt rgt territory_manager territory_name",
	},
	{
		"name": "Lead Source",
		"text": "source_name",
		"indexes": "source_name",
	},
	{
		"name": "UTM Source",
		"text": "slug",
		"indexes": "slug",
	},
	{
		"name": "Customer Group",
		"text": "customer_group_name parent_customer_group",
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "customer_group_name lft lft+rgt rgt",
	},
	{
		"name": "Item Group",
		"text": "item_group_name parent_item_group",
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "item_group_name lft rgt",
	},
	{
		"name": "Item",
		"text": "item_code item_name item_group stock_uom valuation_method",
		"long": "description",
		"money": "standard_rate valuation_rate",
		"check": "is_stock_item is_sales_item grant_commission disabled",
		"indexes": "disabled item_code item_group item_name",
	},
	{
		"name": "Account",
		"text": ("account_name parent_account company root_type report_type account_type account_currency"),
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "lft lft+rgt parent_account rgt 16:account_type",
	},
	{
		"name": "Cost Center",
		"text": "cost_center_name parent_cost_center company",
		"check": "is_group",
		"int": "lft rgt",
		"indexes": "lft lft+rgt rgt",
	},
	{
		"name": "Sales Stage",
		"text": "stage_name",
		"indexes": "stage_name",
	},
	{
		"name": "Currency Exchange",
		"text": "from_currency to_currency",
		"money": "exchange_rate",
		"check": "for_buying for_selling",
		"date": "date",
	},
	{
		"name": "Lead",
		"text": (
			"naming_series lead_name first_name last_name company_name title email_id lead_owner "
			"status utm_source customer company territory country type request_type "
			"qualification_status"
		),
		"check": "disabled",
		"indexes": "email_id lead_name lead_owner status",
	},
	{
		"name": "Prospect",
		"text": "company_name prospect_owner company territory customer_group",
		"indexes": "company_name",
	},
	{
		"name": "Opportunity",
		"text": (
			"naming_series opportunity_from party_name customer_name title opportunity_type status "
			"currency sales_stage territory customer_group company opportunity_owner utm_source"
		),
		"long": "order_lost_reason",
		"money": (
			"conversion_rate opportunity_amount base_opportunity_amount total base_total probability "
			"first_response_time"
		),
		"date": "expected_closing transaction_date",
		"indexes": "company customer_group territory",
	},
	{
		"name": "Opportunity Item",
		"child": "yes",
		"text": "item_code item_name item_group uom",
		"money": "qty rate amount base_rate base_amount",
	},
	{
		"name": "Opportunity Lost Reason Detail",
		"child": "yes",
		"text": "lost_reason",
	},
	{
		"name": "Quotation",
		"text": (
			"naming_series quotation_to party_name customer_name company order_type territory "
			"customer_group currency selling_price_list price_list_currency status opportunity "
			"utm_source amended_from"
		),
		"long": "order_lost_reason",
		"money": (
			"conversion_rate plc_conversion_rate total_qty total base_total net_total base_net_total "
			"grand_total base_grand_total total_taxes_and_charges base_total_taxes_and_charges"
		),
		"date": "transaction_date valid_till",
		"indexes": "party_name transaction_date",
	},
	{
		"name": "Quotation Item",
		"child": "yes",
		"text": "item_code item_name item_group uom stock_uom prevdoc_doctype prevdoc_docname",
		"long": "description",
		"money": (
			"qty conversion_factor stock_qty price_list_rate rate amount base_rate base_amount "
			"net_rate net_amount base_net_rate base_net_amount"
		),
		"check": "is_alternative",
		"indexes": "item_code",
	},
	{
		"name": "Quotation Lost Reason Detail",
		"child": "yes",
		"text": "lost_reason",
	},
	{
		"name": "Customer",
		"text": (
			"customer_name customer_type customer_group territory lead_name opportunity_name "
			"account_manager default_currency represents_company"
		),
		"check": "is_internal_customer disabled is_frozen",
		"indexes": "customer_group customer_name represents_company",
	},
	{
		"name": "Sales Order",
		"text": (
			"naming_series customer customer_name company order_type territory customer_group "
			"currency selling_price_list price_list_currency status represents_company utm_source "
			"cost_center amended_from"
		),
		"money": (
			"conversion_rate plc_conversion_rate total_qty total base_total net_total base_net_total "
			"total_taxes_and_charges base_total_taxes_and_charges grand_total base_grand_total "
			"rounded_total base_rounded_total per_delivered per_billed amount_eligible_for_commission"
		),
		"check": "is_internal_customer",
		"date": "transaction_date delivery_date",
		"indexes": "customer status transaction_date",
	},
	{
		"name": "Sales Order Item",
		"child": "yes",
		"text": ("item_code item_name item_group uom stock_uom warehouse prevdoc_docname quotation_item"),
		"long": "description",
		"money": (
			"qty conversion_factor stock_qty price_list_rate rate amount base_rate base_amount "
			"net_rate net_amount base_net_rate base_net_amount delivered_qty billed_amt "
			"valuation_rate gross_profit"
		),
		"check": "grant_commission",
		"date": "delivery_date",
		"indexes": "item_code+warehouse prevdoc_docname",
	},
	{
		"name": "Delivery Note",
		"text": (
			"naming_series customer customer_name company return_against territory customer_group "
			"currency selling_price_list price_list_currency status utm_source cost_center "
			"amended_from"
		),
		"money": (
			"conversion_rate plc_conversion_rate total_qty total base_total net_total base_net_total "
			"total_taxes_and_charges base_total_taxes_and_charges grand_total base_grand_total "
			"rounded_total base_rounded_total per_billed per_returned"
		),
		"check": "is_return is_internal_customer",
		"date": "posting_date",
		"time": "posting_time",
		"indexes": "customer posting_date return_against status",
	},
	{
		"name": "Delivery Note Item",
		"child": "yes",
		"text": (
			"item_code item_name item_group uom stock_uom warehouse against_sales_order so_detail "
			"against_sales_invoice si_detail dn_detail cost_center expense_account"
		),
		"long": "description",
		"money": (
			"qty conversion_factor stock_qty price_list_rate rate amount base_rate base_amount "
			"net_rate net_amount base_net_rate base_net_amount incoming_rate billed_amt returned_qty"
		),
		"check": "grant_commission",
		"indexes": ("against_sales_invoice against_sales_order dn_detail item_code si_detail so_detail"),
	},
	{
		"name": "Sales Invoice",
		"text": (
			"naming_series customer company return_against is_opening represents_company territory "
			"customer_group currency selling_price_list price_list_currency party_account_currency "
			"debit_to status cost_center utm_source amended_from"
		),
		"long": "customer_name remarks against_income_account",
		"money": (
			"conversion_rate plc_conversion_rate total_qty total base_total net_total base_net_total "
			"total_taxes_and_charges base_total_taxes_and_charges grand_total base_grand_total "
			"rounded_total base_rounded_total outstanding_amount paid_amount base_paid_amount "
			"amount_eligible_for_commission"
		),
		"check": (
			"set_posting_time is_return is_debit_note is_pos is_consolidated update_stock "
			"is_internal_customer"
		),
		"date": "posting_date due_date",
		"time": "posting_time",
		"indexes": "customer debit_to posting_date return_against",
	},
	{
		"name": "Sales Invoice Item",
		"child": "yes",
		"text": (
			"item_code item_name item_group uom stock_uom income_account expense_account cost_center "
			"warehouse sales_order so_detail delivery_note dn_detail sales_invoice_item"
		),
		"long": "description",
		"money": (
			"qty conversion_factor stock_qty price_list_rate rate amount base_rate base_amount "
			"net_rate net_amount base_net_rate base_net_amount incoming_rate"
		),
		"check": "grant_commission enable_deferred_revenue",
		"indexes": "delivery_note dn_detail item_code sales_order so_detail",
	},
	{
		"name": "Sales Team",
		"child": "yes",
		"text": "sales_person commission_rate",
		"money": "allocated_percentage allocated_amount incentives",
		"indexes": "sales_person",
	},
	{
		"name": "Packed Item",
		"child": "yes",
		"text": "parent_item item_code item_name uom warehouse parent_detail_docname",
		"long": "description",
		"money": "qty incoming_rate rate conversion_factor packed_qty",
		"indexes": "item_code+warehouse 16:parent_detail_docname",
	},
	{
		"name": "POS Invoice",
		"text": (
			"naming_series customer customer_name company return_against is_opening territory "
			"customer_group currency selling_price_list price_list_currency debit_to status "
			"consolidated_invoice pos_profile cost_center utm_source amended_from"
		),
		"money": (
			"conversion_rate plc_conversion_rate total_qty total base_total net_total base_net_total "
			"total_taxes_and_charges base_total_taxes_and_charges grand_total base_grand_total "
			"rounded_total base_rounded_total paid_amount base_paid_amount outstanding_amount"
		),
		"check": "is_return is_pos update_stock",
		"date": "posting_date due_date",
		"time": "posting_time",
		"indexes": "customer debit_to posting_date return_against",
	},
	{
		"name": "GL Entry",
		"text": (
			"account party_type party cost_center account_currency voucher_type voucher_no company "
			"fiscal_year finance_book is_opening"
		),
		"long": "against voucher_subtype remarks",
		"money": "debit credit debit_in_account_currency credit_in_account_currency",
		"check": "is_cancelled",
		"date": "posting_date transaction_date",
		"indexes": (
			"account company party party_type posting_date voucher_no voucher_type+voucher_no "
			"16:cost_center 16:party_type+party 16:posting_date+company"
		),
	},
	{
		"name": "Call Log",
		"text": "id from to type status employee_user_id call_received_by type_of_call customer",
		"long": "summary",
		"money": "duration",
		"datetime": "start_time end_time",
		"indexes": "id",
	},
	{
		"name": "Event",
		"text": "event_category event_type status",
		"long": "subject",
		"check": "all_day repeat_this_event",
		"datetime": "starts_on ends_on",
		"indexes": "event_type",
	},
	{
		"name": "Event Participants",
		"child": "yes",
		"text": "reference_doctype reference_docname email",
	},
	{
		"name": "Communication",
		"text": (
			"communication_medium communication_type sent_or_received sender sender_full_name "
			"reference_doctype reference_name user status"
		),
		"long": "subject recipients content",
		"datetime": "communication_date",
		"indexes": "reference_doctype+reference_name status+communication_type",
	},
	{
		"name": "Quality Feedback",
		"text": "template document_type document_name",
	},
	{
		"name": "Quality Feedback Parameter",
		"child": "yes",
		"text": "parameter rating",
		"long": "feedback",
	},
	{
		"name": "Repost Item Valuation",
		"text": "company status voucher_type voucher_no based_on",
		"date": "posting_date",
		"time": "posting_time",
	},
	{
		"name": "Auto Repeat",
		"text": "reference_doctype reference_document frequency status",
	},
	{
		"name": "Subscription",
		"text": "party_type party status company",
		"date": "start_date end_date cancelation_date",
	},
	{
		"name": "ToDo",
		"text": "status allocated_to assigned_by reference_type reference_name priority",
		"long": "description",
		"date": "date",
		"indexes": "reference_type+reference_name",
	},
	{
		"name": "Issue",
		"text": "customer lead company status",
		"money": "first_response_time",
		"date": "opening_date",
		"indexes": "customer status",
	},
]
