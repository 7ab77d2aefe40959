frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Sales Funnel"] = {
	method: "sales_kpi.sales_kpi.dashboard_chart_source.sales_funnel.sales_funnel.get",
	filters: [
		{ fieldname: "company", label: __("Company"), fieldtype: "Link", options: "Company" },
		...sales_kpi.filters.whose(),
		sales_kpi.filters.every("day", "week", "month", "quarter", "year"),
		sales_kpi.filters.calendar(),
		{ fieldname: "running", label: __("The Period That Is Running"), fieldtype: "Check" },
	],
};
