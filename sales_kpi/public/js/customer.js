frappe.ui.form.on("Customer", {
	refresh(frm) {
		if (frm.is_new()) return;
		frappe.xcall("sales_kpi.site.form_dashboards.customer", { name: frm.doc.name }).then((told) => {
			// Another one may have been opened meanwhile.
			if (told && frm.doc.name === told.of) frm.dashboard.add_section(told.html, __("Sales KPI"));
		});
	},
});
