frappe.query_reports["KPI Forecast"] = sales_kpi.analysis_report({
	by: [],
	months: 36,
	options: [
		{
			fieldname: "measure",
			label: __("Forecast Of"),
			fieldtype: "Select",
			default: "sales_volume",
			options: [
				{ value: "sales_volume", label: __("Sales volume") },
				{ value: "bookings", label: __("Bookings") },
			],
		},
	],
});
