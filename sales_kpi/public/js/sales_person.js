frappe.ui.form.on("Sales Person", {
	refresh(frm) {
		if (frm.is_new()) return;
		if (frappe.model.can_create("KPI Review")) {
			frm.add_custom_button(__("Plan Review"), () =>
				frappe.new_doc("KPI Review", {
					review_for: frm.doc.is_group ? "Team" : "Salesperson",
					sales_person: frm.doc.name,
				})
			);
		}
		frappe.xcall("sales_kpi.site.form_dashboards.sales_person", { name: frm.doc.name }).then((told) => {
			// Another one may have been opened meanwhile.
			if (told && frm.doc.name === told.of) frm.dashboard.add_section(told.html, __("Sales KPI"));
		});
	},
});
