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
		{
			fieldname: "view",
			label: __("View"),
			fieldtype: "Select",
			default: "forecast",
			options: [
				{ value: "forecast", label: __("What will come") },
				{ value: "kept", label: __("How past forecasts turned out") },
				{ value: "accuracy", label: __("How each model did") },
			],
		},
	],
});
