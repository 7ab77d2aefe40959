frappe.ui.form.on("KPI Forecast", {
	refresh(frm) {
		frm.disable_save();
		for (const name of ["kpi_title", "model"]) {
			frm.set_df_property(name, "formatter", (value) => frappe.utils.escape_html(__(value || "")));
		}
		frm.add_custom_button(__("How It Turned Out"), () =>
			frappe.set_route("query-report", "KPI Forecast", {
				company: frm.doc.company,
				measure: frm.doc.kpi,
				every: frm.doc.every.toLowerCase(),
				view: "kept",
			})
		);
	},
});
