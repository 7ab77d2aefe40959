frappe.listview_settings["KPI Restatement"] = {
	add_fields: [
		"kind", "scope", "alias", "period_start", "every", "from_has_value", "to_has_value", "unit", "currency",
	],
	hide_name_column: true,

	formatters: {
		// On a phone it is all that is seen of a row.
		kpi_title(value, df, doc) {
			const kind = doc.kind === "Restated" ? "" : ` · ${__(doc.kind)}`;
			return `${__(value)}${kind} · ${sales_kpi_figures.whose(doc)}`;
		},
		from_value: (value, df, doc) =>
			sales_kpi_figures.figure(value, doc.from_has_value, doc.unit, doc.currency),
		to_value: (value, df, doc) => sales_kpi_figures.figure(value, doc.to_has_value, doc.unit, doc.currency),
	},

	onload(listview) {
		listview.page.add_inner_button(__("KPI Restatements"), () =>
			frappe.set_route("query-report", "KPI Restatements")
		);
	},
};
