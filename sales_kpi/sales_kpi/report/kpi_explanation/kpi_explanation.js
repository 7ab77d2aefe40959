frappe.query_reports["KPI Explanation"] = sales_kpi.analysis_report({
	by: ["sales-person", "territory", "source"],
	months: 0,
	options: [
		{ fieldname: "kpi", label: __("KPI"), fieldtype: "Link", options: "Sales KPI", default: "sales_volume" },
		{
			fieldname: "compare",
			label: __("Compared With"),
			fieldtype: "Select",
			default: "",
			options: [
				{ value: "", label: __("Comparable days before") },
				{ value: "previous", label: __("Period before") },
				{ value: "same-day", label: __("Period before, to the same day") },
				{ value: "year", label: __("A year before") },
			],
		},
		{
			fieldname: "split",
			label: __("Taken Apart Into"),
			fieldtype: "Select",
			default: "drivers",
			options: [
				{ value: "drivers", label: __("Customers, deals and their value") },
				{ value: "items", label: __("Price, volume and mix of items") },
			],
		},
	],
});
