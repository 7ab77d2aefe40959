frappe.query_reports["KPI Retention"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	options: [{ fieldname: "view", label: __("View"), fieldtype: "Select", default: "cohorts", options: [{ value: "cohorts", label: __("Whether new customers come back") }, { value: "periods", label: __("How many are lost") }, { value: "at-risk", label: __("Who is late now") }] }],
});
