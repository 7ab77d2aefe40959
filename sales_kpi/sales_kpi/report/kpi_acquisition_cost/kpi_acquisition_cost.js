frappe.query_reports["KPI Acquisition Cost"] = sales_kpi.analysis_report({
	by: ["source"],
});
