frappe.query_reports["KPI Trend Watch"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	months: 24,
});
