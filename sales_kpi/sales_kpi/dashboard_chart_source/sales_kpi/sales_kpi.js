frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Sales KPI"] = {
	method: "sales_kpi.sales_kpi.dashboard_chart_source.sales_kpi.sales_kpi.get",
	filters: [
		{
			fieldname: "kpi",
			label: __("KPI"),
			fieldtype: "Link",
			options: "Sales KPI",
			default: "sales_volume",
			reqd: 1,
		},
		{ fieldname: "company", label: __("Company"), fieldtype: "Link", options: "Company" },
		...sales_kpi.filters.whose(),
		sales_kpi.filters.every("day", "week", "month", "quarter", "year"),
		sales_kpi.filters.calendar(),
		{ fieldname: "periods", label: __("Number of Periods"), fieldtype: "Int", default: 13 },
		{ fieldname: "with_target", label: __("With Target"), fieldtype: "Check" },
	],
};
