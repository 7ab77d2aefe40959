frappe.query_reports["KPI Lifetime Value"] = sales_kpi.analysis_report({
	by: [],
	every: false,
	months: 24,
	options: [{ fieldname: "view", label: __("View"), fieldtype: "Select", default: "customers", options: [{ value: "customers", label: __("Customers") }, { value: "channels", label: __("Channels") }, { value: "salespeople", label: __("Salespeople") }] }],
});
