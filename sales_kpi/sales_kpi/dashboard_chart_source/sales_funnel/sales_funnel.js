frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Sales Funnel"] = {
	method: "sales_kpi.sales_kpi.dashboard_chart_source.sales_funnel.sales_funnel.get",
	filters: [
		{ fieldname: "company", label: __("Company"), fieldtype: "Link", options: "Company" },
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("What the reader answers for") },
				{ value: "company", label: __("Company") },
				{ value: "team", label: __("Team") },
				{ value: "sales-person", label: __("Sales Person") },
				{ value: "territory", label: __("Territory") },
				{ value: "source", label: __("Source") },
			],
		},
		{
			fieldname: "scopes",
			label: __("Of Whom or What"),
			fieldtype: "MultiSelectList",
			get_data(txt) {
				const { company, by } = cur_dialog?.get_values(true) || {};
				if (!company || !by) return [];
				return frappe.xcall("sales_kpi.site.report.scopes", { company, by, txt }).then((scopes) =>
					scopes.map((scope) => ({ ...scope, description: "" }))
				);
			},
		},
		{
			fieldname: "every",
			label: __("Period"),
			fieldtype: "Select",
			options: [
				{ value: "day", label: __("Day") },
				{ value: "week", label: __("Week") },
				{ value: "month", label: __("Month") },
				{ value: "quarter", label: __("Quarter") },
				{ value: "year", label: __("Year") },
			],
			default: "month",
		},
		{
			fieldname: "calendar",
			label: __("Calendar"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("Usual calendar") },
				{ value: "Gregorian", label: __("Gregorian") },
				{ value: "Fiscal", label: __("Fiscal") },
				{ value: "Jalali", label: __("Jalali") },
			],
		},
		{ fieldname: "running", label: __("The Period That Is Running"), fieldtype: "Check" },
	],
};
