frappe.query_reports["KPI Restatements"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{ fieldname: "from_date", label: __("Periods From"), fieldtype: "Date" },
		{ fieldname: "to_date", label: __("Periods To"), fieldtype: "Date" },
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "", label: "" },
				{ value: "company", label: __("Company") },
				{ value: "team", label: __("Team") },
				{ value: "sales-person", label: __("Sales Person") },
				{ value: "territory", label: __("Territory") },
				{ value: "source", label: __("Source") },
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
		const end = (text) => `<div style="text-align: end"><bdi>${text}</bdi></div>`;
		const underlined = "text-decoration: underline; text-decoration-color: var(--gray-400)";
		switch (column.fieldname) {
			case "was":
				return end(`<span class="text-muted">${escape(data.was_text)}</span>`);
			case "now": {
				const href = frappe.utils.get_form_link("KPI Restatement", data.name);
				return end(`<a style="${underlined}" href="${escape(href)}">${escape(data.now_text)}</a>`);
			}
			case "change": {
				const color = { good: "var(--green-600)", bad: "var(--red-600)" }[data.tone];
				return end(`<span style="color: ${color || "inherit"}">${escape(data.change_text)}</span>`);
			}
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
