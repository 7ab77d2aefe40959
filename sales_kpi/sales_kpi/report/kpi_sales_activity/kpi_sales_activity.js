frappe.query_reports["KPI Sales Activity"] = (() => {
	const report = sales_kpi.analysis_report({ by: ["team", "sales-person"], months: 3 });
	report.filters = report.filters.filter((filter) => !["scope_by", "scope"].includes(filter.fieldname));
	report.filters.find((filter) => filter.fieldname === "by").default = "sales-person";
	return report;
})();
