frappe.query_reports["KPI Sales Cycle"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	every: false,
	options: [{ fieldname: "view", label: __("View"), fieldtype: "Select", default: "cycle", options: [{ value: "cycle", label: __("How long deals take") }, { value: "stages", label: __("Where deals wait") }] }],
});
