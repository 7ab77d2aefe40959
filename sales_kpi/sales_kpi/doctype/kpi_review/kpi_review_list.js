frappe.listview_settings["KPI Review"] = {
	add_fields: ["meeting_on", "docstatus"],
	has_indicator_for_draft: true,

	get_indicator(doc) {
		if (doc.docstatus === 1) return [__("Held"), "green", "docstatus,=,1"];
		if (doc.docstatus === 2) return [__("Cancelled"), "red", "docstatus,=,2"];
		if (doc.meeting_on) return [__("Planned"), "blue", "docstatus,=,0|meeting_on,is,set"];
		return [__("To Be Planned"), "orange", "docstatus,=,0|meeting_on,is,not set"];
	},
};
