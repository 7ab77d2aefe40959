frappe.ui.form.on("KPI Alert", {
	setup(frm) {
		frm.set_query("kpi", () => ({ filters: { enabled: 1 } }));
		frm.set_query("user", "recipients", () => ({ filters: { enabled: 1, user_type: "System User" } }));
	},

	refresh(frm) {
		kpi_alert.explain(frm);
		if (frm.is_new()) return;
		frm.add_custom_button(__("Findings"), () =>
			frappe.set_route("List", "KPI Alert Log", { alert: frm.doc.name })
		);
		if (frm.perm[0]?.write) {
			frm.add_custom_button(__("Check Now"), async () => {
				await frappe.xcall("sales_kpi.site.alerts.check_now", { alert: frm.doc.name });
				frappe.show_alert(__("It is being checked. What it finds appears under Findings."));
			});
		}
	},

	condition: (frm) => kpi_alert.explain(frm),
	kpi: (frm) => kpi_alert.explain(frm),
});

frappe.provide("kpi_alert");

Object.assign(kpi_alert, {
	// What the threshold is counted in, and when the rule holds.
	explain(frm) {
		const told = {
			"Value Below": __("Of the last period that is over and final. A share is written in percent, a time span in minutes."),
			"Value Above": __("Of the last period that is over and final. A share is written in percent, a time span in minutes."),
			"Attainment Below": __("Percent of the target of the last period that is over and final."),
			"Pace Below": __("Percent of what was to be expected by now, once a fifth of the running period is over."),
			"Data Quality Drops": __("By how many percentage points the records at fault may exceed the lowest share seen."),
		};
		frm.set_df_property("threshold", "description", told[frm.doc.condition] || "");
	},
});
