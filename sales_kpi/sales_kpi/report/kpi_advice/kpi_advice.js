frappe.query_reports["KPI Advice"] = sales_kpi.analysis_report({
	by: ["team", "sales-person", "territory", "source"],
	months: 24,
});
