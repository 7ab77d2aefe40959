frappe.query_reports["KPI Agreement with ERPNext"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
			reqd: 1,
		},
		{ fieldname: "from_date", label: __("From Date"), fieldtype: "Date", reqd: 1 },
		{ fieldname: "to_date", label: __("To Date"), fieldtype: "Date", reqd: 1 },
	],
	tree: true,
	name_field: "name",
	parent_field: "parent",
	initial_depth: 2,

	// Frappe waits for this before it runs the report.
	async onload(report) {
		const missing = report.filters.filter((filter) => !filter.get_value());
		if (!missing.length) return;
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		for (const filter of missing) filter.set_input(offered[filter.fieldname]);
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		switch (column.fieldname) {
			case "link": {
				if (!data.route) return escape(value ?? "");
				const href = frappe.utils.generate_route({ type: "route", route: data.route });
				const underlined = "text-decoration: underline; text-decoration-color: var(--gray-400)";
				return `<a style="${underlined}" href="${escape(href)}">${escape(value)}</a>`;
			}
			case "status": {
				if (!value) return "";
				return `<span class="indicator-pill ${data.indicator}">${escape(value)}</span>`;
			}
			case "ours":
			case "theirs":
			case "gap": {
				if (value === null || value === undefined) return "";
				const shown = default_formatter(value, row, column, data);
				return data.is_figure ? `<b>${shown}</b>` : shown;
			}
			case "figure": {
				const shown = default_formatter(escape(value), row, column, data);
				return data.is_figure ? `<b>${shown}</b>` : shown;
			}
			default: {
				const text = escape(value ?? "");
				return `<span title="${text}">${text}</span>`;
			}
		}
	},
};
