frappe.ui.form.on("Sales KPI", {
	refresh(frm) {
		frm.set_intro("");
		if (!frm.doc.enabled) {
			frm.set_intro(__("Switched off: no report, chart or mail shows this KPI."), "orange");
		}
		if (frm.doc.review_by && frm.doc.review_by < frappe.datetime.get_today()) {
			const day = frappe.datetime.str_to_user(frm.doc.review_by);
			frm.set_intro(
				__("It was to be reviewed by {0}: does it still measure what matters? Then set the next day.", [day]),
				"orange"
			);
		}
	},
});
