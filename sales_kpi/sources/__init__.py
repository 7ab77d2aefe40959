"""Where facts are read: a Frappe site, or any database that holds ERPNext's tables."""
