frappe.ui.form.on("KPI Advice Rule", {
	refresh(frm) {
		for (const name of ["title", "check", "act"]) {
			frm.get_field(`${name}_en`).$input?.attr("dir", "ltr");
			frm.get_field(`${name}_fa`).$input?.attr("dir", "rtl");
		}
		const { subjects = [], is_changed } = frm.doc.__onload || {};
		frm.set_intro("");
		if (!frm.doc.enabled) frm.set_intro(__("Switched off: it gives no advice."), "orange");
		if (subjects.length) kpi_advice_rule.offer(frm, subjects);
		else frappe.xcall("sales_kpi.site.advice_rules.offered").then((told) => kpi_advice_rule.offer(frm, told));
		if (is_changed && frm.perm[0]?.write) {
			frm.add_custom_button(__("Back to How It Came"), () =>
				frappe.confirm(__("What was changed in this rule will be lost."), () =>
					frm.call("reset").then(() => frm.reload_doc())
				)
			);
		}
		if (!frm.is_new()) {
			frm.add_custom_button(__("Advice"), () => frappe.set_route("query-report", "KPI Advice"));
		}
	},
});

frappe.provide("kpi_advice_rule");

kpi_advice_rule.offer = (frm, subjects) => {
	const { grid } = frm.get_field("conditions");
	const titles = Object.fromEntries(subjects.map(({ value, label }) => [value, label]));
	grid.update_docfield_property("subject", "options", [{ value: "", label: "" }, ...subjects]);
	grid.update_docfield_property("subject", "formatter", (value) =>
		frappe.utils.escape_html(titles[value] || value || "")
	);
	grid.refresh();
};
