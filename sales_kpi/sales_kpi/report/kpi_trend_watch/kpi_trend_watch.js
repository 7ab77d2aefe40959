frappe.query_reports["KPI Trend Watch"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	told_by: "sales-person",
	months: 24,
});
