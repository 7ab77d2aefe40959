frappe.query_reports["KPI Lead Conversion"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	options: [{ fieldname: "view", label: __("View"), fieldtype: "Select", default: "cohorts", options: [{ value: "cohorts", label: __("By when the leads came") }, { value: "rates", label: __("Rates side by side") }] }],
});
