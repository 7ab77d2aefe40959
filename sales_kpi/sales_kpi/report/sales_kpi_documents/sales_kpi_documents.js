frappe.query_reports["Sales KPI Documents"] = {
	filters: [
		{ fieldname: "kpi", label: __("KPI"), fieldtype: "Autocomplete", ignore_validation: true },
		sales_kpi.filters.company(),
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: frappe.datetime.add_months(frappe.datetime.month_start(), -6),
		},
		{
			fieldname: "to_date",
			label: __("To Date"),
			fieldtype: "Date",
			default: frappe.datetime.month_end(),
		},
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				...sales_kpi.scope_options(),
			],
			default: "company",
			// What was chosen of another kind means nothing now.
			on_change(report) {
				if (report._no_refresh) return;
				report.get_filter("scope").set_input("");
				report.refresh();
			},
		},
		{
			fieldname: "scope",
			label: __("Of Whom or What"),
			fieldtype: "Autocomplete",
			ignore_validation: true,
			get_query() {
				const report = frappe.query_report;
				return {
					query: "sales_kpi.site.report.scopes",
					params: {
						company: report.get_filter_value("company"),
						by: report.get_filter_value("by") || "company",
					},
				};
			},
		},
		{ fieldname: "as_of", label: __("As Of"), fieldtype: "Date" },
	],

	// Frappe waits for this before it runs the report.
	async onload(report) {
		report.page.add_inner_button(__("Sales KPI Values"), () =>
			frappe.set_route("query-report", "Sales KPI Values")
		);
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		for (const name of ["company", "from_date", "to_date"]) {
			const filter = report.get_filter(name);
			if (!filter.get_value()) filter.set_input(offered[name]);
		}
		const kpi = report.get_filter("kpi");
		const chosen = kpi.get_value() || offered.kpis[0]?.value;
		kpi.set_data(offered.kpis);
		kpi.set_input(chosen);
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		let text;
		if (column.fieldname === "document" && data.readable) {
			const shown = `<span style="text-decoration: underline; text-decoration-color: var(--gray-400)">
				${escape(value)}</span>`;
			text = frappe.utils.get_form_link(data.document_type, value, true, shown);
		} else if (["quantity", "amount", "contribution"].includes(column.fieldname)) {
			const shown = value === undefined || value === null ? "" : format_number(value, null, 2);
			text = `<div style="text-align: end"><bdi>${shown}</bdi></div>`;
		} else if (["day", "since"].includes(column.fieldname)) {
			text = default_formatter(value, row, column, data);
		} else {
			text = escape(value ?? "");
		}
		return data.bold ? `<b>${text}</b>` : text;
	},
};
