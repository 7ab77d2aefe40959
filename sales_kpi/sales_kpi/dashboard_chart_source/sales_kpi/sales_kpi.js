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
		{ fieldname: "periods", label: __("Number of Periods"), fieldtype: "Int", default: 13 },
		{ fieldname: "with_target", label: __("With Target"), fieldtype: "Check" },
	],
};
