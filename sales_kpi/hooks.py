app_name = "sales_kpi"
app_title = "Sales KPI"
app_publisher = "sales_kpi contributors"
app_description = "Sales KPIs of people and teams, measured from the records that ERPNext already keeps"
app_email = "hello@sales-kpi.invalid"
app_license = "GPL-3.0-or-later"
required_apps = ["frappe/erpnext"]

before_install = "sales_kpi.install.before_install"
after_install = "sales_kpi.install.after_install"
after_migrate = "sales_kpi.install.after_migrate"
before_uninstall = "sales_kpi.uninstall.before_uninstall"

doc_events = {
	"Lead": {
		"on_change": "sales_kpi.events.lead.on_change",
		"after_rename": "sales_kpi.events.lead.after_rename",
	},
	"Opportunity": {
		"on_change": "sales_kpi.events.opportunity.on_change",
		"after_rename": "sales_kpi.events.opportunity.after_rename",
	},
	"Quotation": {
		"on_change": "sales_kpi.events.quotation.on_change",
		"after_rename": "sales_kpi.events.quotation.after_rename",
	},
	"Sales Person": {
		"on_change": "sales_kpi.events.sales_person.on_change",
		"after_rename": "sales_kpi.events.sales_person.after_rename",
		"after_delete": "sales_kpi.events.sales_person.after_delete",
	},
	"Employee": {
		"on_change": "sales_kpi.events.employee.on_change",
		"after_rename": "sales_kpi.events.employee.after_rename",
	},
	"User": {
		"after_rename": "sales_kpi.events.user.after_rename",
		"after_delete": "sales_kpi.events.user.after_delete",
	},
	("Customer", "Account", "Cost Center", "Company"): {
		"after_delete": "sales_kpi.events.masters.after_delete",
	},
	"Sales Stage": {"after_rename": "sales_kpi.events.sales_stage.after_rename"},
	"Communication": {
		"validate": "sales_kpi.events.communication.validate",
		"on_change": "sales_kpi.events.communication.on_change",
	},
}

# What the settings name may be deleted: its rows go with it.
ignore_links_on_delete = ["Sales KPI Settings"]

permission_query_conditions = {
	"Sales Transition": "sales_kpi.site.permissions.transition_conditions",
}
has_permission = {
	"Sales Transition": "sales_kpi.site.permissions.may_read_transition",
}

scheduler_events = {
	"daily_long": ["sales_kpi.site.transitions.sweep"],
}

export_python_type_annotations = True
require_type_annotated_api_methods = True
