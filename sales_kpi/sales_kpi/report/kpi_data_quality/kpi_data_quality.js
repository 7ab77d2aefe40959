frappe.query_reports["KPI Data Quality"] = {
	filters: [
		sales_kpi.filters.company(),
		{ fieldname: "as_of", label: __("As Of"), fieldtype: "Date" },
	],

	// Frappe waits for this before it runs the report.
	async onload(report) {
		const company = report.get_filter("company");
		if (company.get_value()) return;
		company.set_input((await frappe.xcall("sales_kpi.site.report.offered")).company);
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		const end = (text) => `<div style="text-align: end"><bdi>${text}</bdi></div>`;
		switch (column.fieldname) {
			case "link": {
				if (!data.route) return "";
				const href = frappe.utils.generate_route({ type: "route", route: data.route });
				const underlined = "text-decoration: underline; text-decoration-color: var(--gray-400)";
				return `<a style="${underlined}" href="${escape(href)}">${escape(value)}</a>`;
			}
			case "count":
			case "of": {
				if (value === null) return end("–");
				const text = format_number(value, null, Number.isInteger(value) ? 0 : 1);
				return end(column.fieldname === "count" && value ? `<b>${text}</b>` : text);
			}
			case "share":
				return end(escape(data.share_text));
			default: {
				const text = escape(value ?? "");
				return data.count ? `<span title="${text}">${text}</span>` : `<span class="text-muted">${text}</span>`;
			}
		}
	},
};
