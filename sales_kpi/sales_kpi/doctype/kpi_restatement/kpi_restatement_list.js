frappe.listview_settings["KPI Restatement"] = {
	add_fields: [
		"kind", "scope", "alias", "period_start", "every", "from_has_value", "to_has_value", "unit", "currency",
	],
	hide_name_column: true,

	formatters: {
		kpi_title(value, df, doc) {
			const kind = doc.kind === "Restated" ? "" : ` · ${__(doc.kind)}`;
			const text = `${__(value)}${kind} · ${sales_kpi_figures.whose(doc)}`;
			if (!frappe.is_mobile()) return text;
			// On a phone it is all that is seen of a row.
			const was = sales_kpi_figures.text(doc.from_value, doc.from_has_value, doc);
			const is = sales_kpi_figures.text(doc.to_value, doc.to_has_value, doc);
			const arrow = frappe.utils.is_rtl() ? "←" : "→";
			return `${was} ${arrow} ${is} · ${text}`;
		},
		from_value: (value, df, doc) => sales_kpi_figures.figure(value, doc.from_has_value, doc),
		to_value: (value, df, doc) => sales_kpi_figures.figure(value, doc.to_has_value, doc),
	},

	onload(listview) {
		listview.page.add_inner_button(__("KPI Restatements"), () =>
			frappe.set_route("query-report", "KPI Restatements")
		);
	},
};
