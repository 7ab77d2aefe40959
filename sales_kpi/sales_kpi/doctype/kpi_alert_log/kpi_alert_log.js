frappe.ui.form.on("KPI Alert Log", {
	refresh(frm) {
		frm.disable_save();
		const why = frm.doc.__onload?.why;
		// The sentence is written by the server, which escapes every name in it.
		if (why) frm.set_intro(why.html, frm.doc.state === "Open" ? "orange" : "blue");
		frm.toggle_display("evidence", !why);
		frm.set_df_property("scope", "description", frm.doc.scope ? "" : __("(unassigned)"));
		if (why) frm.add_custom_button(__("Show the Figures"), () => window.open(why.link));
		if (frappe.model.can_read("KPI Alert")) {
			frm.add_custom_button(__("Alert"), () => frappe.set_route("Form", "KPI Alert", frm.doc.alert));
		}
		if (frappe.model.can_write("KPI Alert")) {
			frm.add_custom_button(__("Snooze"), () => kpi_alert_log_snooze(frm));
		}
	},
});

function kpi_alert_log_snooze(frm) {
	frappe.prompt(
		{ fieldname: "days", fieldtype: "Int", label: __("Days"), default: 7, reqd: 1 },
		async ({ days }) => {
			const day = await frappe.xcall("sales_kpi.site.alerts.snooze", { log: frm.doc.name, days });
			frappe.show_alert(__("Nobody is told of it before {0}.", [frappe.utils.escape_html(day)]));
			frm.reload_doc();
		},
		__("Snooze"),
		__("Snooze")
	);
}
