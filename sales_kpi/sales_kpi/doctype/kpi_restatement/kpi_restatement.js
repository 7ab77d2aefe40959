frappe.ui.form.on("KPI Restatement", {
	refresh(frm) {
		frm.disable_save();
		const exact = JSON.parse(frm.doc.exact || "{}");
		sales_kpi_figures.translate(frm);
		// A field without a value isn't shown.
		frm.set_df_property("scope_type", "description", frm.doc.scope ? "" : __("(unassigned)"));
		for (const [side, figures] of Object.entries({ from: exact.from || {}, to: exact.to || {} })) {
			for (const name of ["value", "numerator", "denominator"]) {
				frm.toggle_display(`${side}_${name}`, figures[name] !== null && figures[name] !== undefined);
			}
			// Fields show what it is counted in: a share, or seconds.
			const is_plain = frm.doc.unit === "count" || typeof figures.value !== "number";
			const text = is_plain ? "" : frappe.utils.escape_html(frm.doc.__onload.figures[side]);
			frm.set_df_property(`${side}_value`, "description", text);
		}
		const told = {
			Restated: __("Records of the period were changed after its snapshot was taken."),
			Redefined: __("The definition of the KPI, or a setting in it, is another one now."),
			Reorganised: __("The team or territory is made of others now; its members’ figures are the same."),
			Merged: __("Two have become one since the snapshot was taken."),
		};
		frm.set_intro(told[frm.doc.kind] || "", "blue");
		frm.toggle_display("documents", (frm.doc.documents || []).length > 0);
		frm.toggle_display("causes_section", (frm.doc.documents || []).length > 0);
		frm.add_custom_button(__("Snapshot"), () => frappe.set_route("Form", "KPI Snapshot", frm.doc.snapshot));
	},
});
