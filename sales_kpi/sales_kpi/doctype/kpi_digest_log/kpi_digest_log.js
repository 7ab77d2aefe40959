frappe.ui.form.on("KPI Digest Log", {
	refresh(frm) {
		frm.disable_save();
		frm.add_custom_button(__("Digest"), () => frappe.set_route("Form", "KPI Digest", frm.doc.digest));
		if (frm.doc.email_queue && frappe.model.can_read("Email Queue")) {
			frm.add_custom_button(__("Mail"), () => frappe.set_route("Form", "Email Queue", frm.doc.email_queue));
		}
	},
});
