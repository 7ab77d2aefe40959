frappe.query_reports["KPI Customer Satisfaction"] = (() => {
	const report = sales_kpi.analysis_report({
		by: ["team", "sales-person", "territory", "source"],
		options: [
			{
				fieldname: "view",
				label: __("View"),
				fieldtype: "Select",
				default: "periods",
				options: [
					{ value: "periods", label: __("How satisfied they are") },
					{ value: "customers", label: __("What each customer said and did") },
				],
			},
		],
	});
	report.filters = report.filters.filter((filter) => !["scope_by", "scope"].includes(filter.fieldname));
	return report;
})();
