"""The Frappe side: settings, permissions, what reports and the API share."""
