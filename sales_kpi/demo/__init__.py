"""A synthetic company in ERPNext's own tables, to try the app and to measure it without a site."""
