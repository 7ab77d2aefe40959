app_name = "sales_kpi"
app_title = "Sales KPI"
app_publisher = "sales_kpi contributors"
app_description = "Sales KPIs of people and teams, measured from the records that ERPNext already keeps"
app_email = "hello@sales-kpi.invalid"
app_license = "GPL-3.0-or-later"
required_apps = ["frappe/erpnext"]

app_include_js = "/assets/sales_kpi/js/reports.js"

doctype_js = {
	"Customer": "public/js/customer.js",
	"KPI Restatement": "public/js/figures.js",
	"KPI Snapshot": "public/js/figures.js",
	"Sales Person": "public/js/sales_person.js",
}
doctype_list_js = {"KPI Restatement": "public/js/figures.js", "KPI Snapshot": "public/js/figures.js"}

add_to_apps_screen = [
	{
		"name": app_name,
		"logo": "/assets/sales_kpi/images/sales-kpi-logo.svg",
		"title": app_title,
		"route": "/app/sales-kpi",
		"has_permission": "sales_kpi.site.desk.may_open",
	}
]

before_install = "sales_kpi.install.before_install"
after_install = "sales_kpi.install.after_install"
after_migrate = "sales_kpi.install.after_migrate"
before_uninstall = "sales_kpi.uninstall.before_uninstall"

doc_events = {
	"Call Log": {
		"on_change": "sales_kpi.events.call_log.on_change",
		"after_delete": "sales_kpi.events.call_log.after_delete",
	},
	"Communication": {
		"validate": "sales_kpi.events.communication.validate",
		"on_change": "sales_kpi.events.communication.on_change",
		"after_delete": "sales_kpi.events.communication.after_delete",
	},
	"Customer": {
		"on_change": "sales_kpi.events.customer.on_change",
		"after_rename": "sales_kpi.events.customer.after_rename",
		"after_delete": "sales_kpi.events.customer.after_delete",
	},
	"Delivery Note": {"on_change": "sales_kpi.events.delivery_note.on_change"},
	"Employee": {
		"on_change": "sales_kpi.events.employee.on_change",
		"after_rename": "sales_kpi.events.employee.after_rename",
		"after_delete": "sales_kpi.events.employee.after_delete",
	},
	"Event": {
		"on_change": "sales_kpi.events.event.on_change",
		"after_delete": "sales_kpi.events.event.after_delete",
	},
	"KPI Survey Answer": {
		"on_change": "sales_kpi.events.kpi_survey_answer.on_change",
		"after_delete": "sales_kpi.events.kpi_survey_answer.after_delete",
	},
	"Lead": {
		"on_change": "sales_kpi.events.lead.on_change",
		"after_rename": "sales_kpi.events.lead.after_rename",
		"after_delete": "sales_kpi.events.lead.after_delete",
	},
	"Opportunity": {
		"on_change": "sales_kpi.events.opportunity.on_change",
		"after_rename": "sales_kpi.events.opportunity.after_rename",
		"after_delete": "sales_kpi.events.opportunity.after_delete",
	},
	"Personal Data Deletion Request": {
		"on_change": "sales_kpi.events.personal_data_deletion_request.on_change"
	},
	"POS Invoice": {"on_change": "sales_kpi.events.pos_invoice.on_change"},
	"Quality Feedback": {
		"on_change": "sales_kpi.events.quality_feedback.on_change",
		"after_delete": "sales_kpi.events.quality_feedback.after_delete",
	},
	"Quotation": {
		"on_change": "sales_kpi.events.quotation.on_change",
		"after_rename": "sales_kpi.events.quotation.after_rename",
		"after_delete": "sales_kpi.events.quotation.after_delete",
	},
	"Repost Item Valuation": {"on_change": "sales_kpi.events.repost_item_valuation.on_change"},
	"Sales Invoice": {
		"on_change": "sales_kpi.events.sales_invoice.on_change",
		"after_rename": "sales_kpi.events.sales_invoice.after_rename",
		"after_delete": "sales_kpi.events.sales_invoice.after_delete",
	},
	"Sales Order": {
		"on_change": "sales_kpi.events.sales_order.on_change",
		"after_rename": "sales_kpi.events.sales_order.after_rename",
		"after_delete": "sales_kpi.events.sales_order.after_delete",
	},
	"Sales Person": {
		"on_change": "sales_kpi.events.sales_person.on_change",
		"after_rename": "sales_kpi.events.sales_person.after_rename",
		"after_delete": "sales_kpi.events.sales_person.after_delete",
	},
	"Sales Stage": {"after_rename": "sales_kpi.events.sales_stage.after_rename"},
	"ToDo": {
		"on_change": "sales_kpi.events.todo.on_change",
		"after_delete": "sales_kpi.events.todo.after_delete",
	},
	"Transaction Deletion Record": {"on_change": "sales_kpi.events.transaction_deletion_record.on_change"},
	"User": {
		"on_change": "sales_kpi.events.user.on_change",
		"after_rename": "sales_kpi.events.user.after_rename",
		"after_delete": "sales_kpi.events.user.after_delete",
	},
	("Account", "Cost Center"): {"after_delete": "sales_kpi.events.masters.after_delete"},
	"Company": {
		"after_delete": "sales_kpi.events.masters.after_delete",
		"after_rename": "sales_kpi.events.masters.after_rename",
	},
	("Territory", "Lead Source", "UTM Source"): {"after_rename": "sales_kpi.events.masters.after_rename"},
}

# What the settings name may be deleted: its rows go with it.
ignore_links_on_delete = [
	"Sales KPI Settings",
	"KPI Survey Invitation",
	"KPI Survey Answer",
	"KPI Survey Opt Out",
	"KPI Review",
]

# What was agreed and set up stays when a company's transactions are deleted.
company_data_to_be_ignored = ["KPI Alert", "KPI Digest", "KPI Review", "KPI Survey", "KPI Target"]

permission_query_conditions = {
	"KPI Alert Log": "sales_kpi.site.alerts.log_conditions",
	"KPI Digest Log": "sales_kpi.site.digest.log_conditions",
	"KPI Forecast": "sales_kpi.site.forecasts.conditions",
	"KPI Restatement": "sales_kpi.site.snapshot_permissions.restatement_conditions",
	"KPI Restatement Document": "sales_kpi.site.snapshot_permissions.restated_document_conditions",
	"KPI Review": "sales_kpi.site.review_permissions.conditions",
	"KPI Review Action": "sales_kpi.site.review_permissions.action_conditions",
	"KPI Review Item": "sales_kpi.site.review_permissions.item_conditions",
	"KPI Review Participant": "sales_kpi.site.review_permissions.participant_conditions",
	"KPI Snapshot": "sales_kpi.site.snapshot_permissions.snapshot_conditions",
	"KPI Survey Answer": "sales_kpi.site.survey_answers.answer_conditions",
	"KPI Target": "sales_kpi.site.targets.target_conditions",
	"KPI Target Period": "sales_kpi.site.targets.period_conditions",
	"Sales Transition": "sales_kpi.site.permissions.transition_conditions",
}
has_permission = {
	"KPI Alert Log": "sales_kpi.site.alerts.may_read",
	"KPI Digest Log": "sales_kpi.site.digest.may_read_log",
	"KPI Forecast": "sales_kpi.site.snapshot_permissions.may_read",
	"KPI Restatement": "sales_kpi.site.snapshot_permissions.may_read",
	"KPI Review": "sales_kpi.site.review_permissions.may_use",
	"KPI Snapshot": "sales_kpi.site.snapshot_permissions.may_read",
	"KPI Survey Answer": "sales_kpi.site.survey_answers.may_read_answer",
	"KPI Target": "sales_kpi.site.targets.may_use_target",
	"Sales Transition": "sales_kpi.site.permissions.may_read_transition",
}

default_log_clearing_doctypes = {"KPI Alert Log": 730, "KPI Digest Log": 730}

scheduler_events = {
	"cron": {
		"*/10 * * * *": ["sales_kpi.totals.refresh.refresh"],
		# In the morning: the night's snapshots are taken, and people find it when they begin.
		"30 5 * * *": [
			"sales_kpi.site.alerts.check_due",
			"sales_kpi.site.digest.send_due",
			"sales_kpi.site.reviews.create_due",
		],
	},
	"daily_long": [
		"sales_kpi.site.transitions.sweep",
		"sales_kpi.totals.reconcile.reconcile",
		"sales_kpi.site.snapshots.nightly",
		"sales_kpi.site.forecasts.nightly",
		"sales_kpi.site.survey.send",
		"sales_kpi.site.to_reach.keep_all_late_customers",
	],
}

export_python_type_annotations = True
require_type_annotated_api_methods = True
