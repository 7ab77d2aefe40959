frappe.listview_settings["Sales KPI"] = {
	add_fields: ["enabled", "review_by"],

	get_indicator(doc) {
		if (!doc.enabled) return [__("Switched Off"), "gray", "enabled,=,0"];
		const today = frappe.datetime.get_today();
		if (doc.review_by && doc.review_by < today) {
			return [__("Review Overdue"), "orange", `enabled,=,1|review_by,<,${today}`];
		}
		return [__("Measured"), "green", "enabled,=,1"];
	},
};
