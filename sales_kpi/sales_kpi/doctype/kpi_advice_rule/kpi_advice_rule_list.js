frappe.listview_settings["KPI Advice Rule"] = {
	add_fields: ["title_fa"],
	hide_name_column: true,

	formatters: {
		title_en(value, df, doc) {
			const is_persian = frappe.boot.lang?.startsWith("fa");
			return frappe.utils.escape_html((is_persian ? doc.title_fa || value : value || doc.title_fa) || doc.name);
		},
	},
};
