// Names are made of a hash: they tell readers nothing.
frappe.listview_settings["KPI Digest Log"] = { hide_name_column: true };
