frappe.ui.form.on("Sales KPI", {
	refresh(frm) {
		frm.set_intro("");
		if (!frm.doc.enabled) {
			frm.set_intro(__("Switched off: no report, chart or mail shows this KPI."), "orange");
		}
	},
});
