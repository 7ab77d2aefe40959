"""Uninstall: leave ERPNext as it was."""

from __future__ import annotations

import frappe

from sales_kpi.sources.site import SCHEMA_KEY


def before_uninstall() -> None:
	"""Take away what Frappe doesn't: what the cache remembers. Doctypes, reports and their tables go with the app."""
	frappe.cache.delete_value(SCHEMA_KEY)
