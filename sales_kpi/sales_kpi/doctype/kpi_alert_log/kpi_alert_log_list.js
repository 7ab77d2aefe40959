// Names are made of a hash: they tell readers nothing.
frappe.listview_settings["KPI Alert Log"] = { hide_name_column: true };
