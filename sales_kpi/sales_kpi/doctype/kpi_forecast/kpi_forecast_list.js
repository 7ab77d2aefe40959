frappe.listview_settings["KPI Forecast"] = {
	add_fields: ["currency", "period_start", "every", "scope"],
	hide_name_column: true,

	formatters: {
		kpi_title(value, df, doc) {
			const day = frappe.datetime.str_to_user(doc.period_start);
			return `${__(value)} · \u2068${doc.scope}\u2069 · \u2068${day}\u2069 (${__(doc.every)})`;
		},
		value: (value, df, doc) => `<bdi>${frappe.utils.escape_html(format_currency(value, doc.currency, 0))}</bdi>`,
	},

	onload(listview) {
		listview.page.add_inner_button(__("How They Turned Out"), () =>
			frappe.set_route("query-report", "KPI Forecast", { view: "kept" })
		);
	},
};
