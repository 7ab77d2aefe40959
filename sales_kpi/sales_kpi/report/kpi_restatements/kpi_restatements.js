frappe.query_reports["KPI Restatements"] = {
	filters: [
		sales_kpi.filters.company(),
		{ fieldname: "from_date", label: __("Periods From"), fieldtype: "Date" },
		{ fieldname: "to_date", label: __("Periods To"), fieldtype: "Date" },
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "", label: "" },
				...sales_kpi.scope_options(),
			],
		},
		{ fieldname: "kpi", label: __("KPI"), fieldtype: "Autocomplete", ignore_validation: true },
		{
			fieldname: "kind",
			label: __("Kind"),
			fieldtype: "Select",
			options: [
				{ value: "", label: "" },
				{ value: "Restated", label: __("Records changed") },
				{ value: "Redefined", label: __("Redefined") },
				{ value: "Reorganised", label: __("Reorganised") },
				{ value: "Merged", label: __("Merged") },
			],
		},
	],

	// Frappe waits for this before it runs the report.
	async onload(report) {
		report.page.add_inner_button(__("KPI Snapshot"), () => frappe.set_route("List", "KPI Snapshot"));
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		const company = report.get_filter("company");
		if (!company.get_value()) company.set_input(offered.company);
		report.get_filter("kpi").set_data(offered.kpis);
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		const { at_end: end, UNDERLINED: underlined } = sales_kpi;
		switch (column.fieldname) {
			case "was":
				return end(`<span class="text-muted">${escape(data.was_text)}</span>`);
			case "now": {
				const href = frappe.utils.get_form_link("KPI Restatement", data.name);
				return end(`<a style="${underlined}" href="${escape(href)}">${escape(data.now_text)}</a>`);
			}
			case "change":
				return end(sales_kpi.colored(escape(data.change_text), data.tone));
			case "documents": {
				if (data.because) return `<span class="text-muted" title="${escape(data.because)}">${escape(data.because)}</span>`;
				const told = data.causes.map((cause) => {
					const name = cause.readable
						? `<a style="${underlined}" href="${escape(frappe.utils.get_form_link(cause.doctype, cause.name))}">${escape(cause.name)}</a>`
						: escape(cause.name);
					return `<bdi title="${escape(cause.kind)}">${name}</bdi> <span class="text-muted">${escape(cause.what)}</span>`;
				});
				if (data.further) told.push(escape(__("{0} more", [data.further])));
				return told.join(", ");
			}
			case "found_on":
				return default_formatter(value, row, column, data);
			default:
				return `<span title="${escape(value ?? "")}">${escape(value ?? "")}</span>`;
		}
	},
};
