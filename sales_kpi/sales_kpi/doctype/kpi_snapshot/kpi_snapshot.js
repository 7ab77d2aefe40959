frappe.ui.form.on("KPI Snapshot", {
	refresh(frm) {
		frm.disable_save();
		const exact = JSON.parse(frm.doc.exact || "{}");
		const escape = frappe.utils.escape_html;
		const { figures } = frm.doc.__onload;
		sales_kpi_figures.translate(frm);
		// A field without a value isn't shown.
		frm.set_df_property("scope_type", "description", frm.doc.scope ? "" : __("(unassigned)"));
		for (const name of ["value", "numerator", "denominator", "target", "target_low", "target_high", "attainment"]) {
			frm.toggle_display(name, exact[name] !== null && exact[name] !== undefined);
		}
		for (const name of ["value", "target", "target_low", "target_high"]) {
			// Fields show what it is counted in: a share, or seconds.
			const is_plain = frm.doc.unit === "count" || typeof exact[name] !== "number";
			frm.set_df_property(name, "description", is_plain ? "" : escape(figures[name]));
		}
		const reasons = {
			"needs-setting": __("No account for acquisition cost is chosen in Sales KPI Settings."),
			"no-mapping": __("No user is mapped to this salesperson."),
			"too-early": __("Too early to tell."),
			"low-coverage": __("The cost of less than half of the sales is known."),
			"no-records": __("No records."),
		};
		frm.set_df_property("reason", "description", reasons[frm.doc.reason] || "");
		const members = JSON.parse(frm.doc.members || "[]").filter(Boolean);
		const has_members = ["Team", "Territory"].includes(frm.doc.scope_type);
		frm.toggle_display("member_names", has_members);
		frm.get_field("member_names").$wrapper.html(
			has_members
				? `<div class="form-group"><label class="control-label">${__("Members")}</label>
					<div class="like-disabled-input">${members.map((name) => escape(sales_kpi_figures.who(name))).join(", ")}</div></div>`
				: ""
		);
		frm.add_custom_button(__("Restatements"), () =>
			frappe.set_route("List", "KPI Restatement", { snapshot: frm.doc.name })
		);
	},
});
