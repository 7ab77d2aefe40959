"""Errors that a person can act on: each message says what is wrong, where, and what to do."""


class SalesKpiError(Exception):
	"""Any failure that is explained in one sentence to whoever asked."""


class InputError(SalesKpiError):
	"""What was asked can't be: an unknown name, a wrong date, a contradiction in the settings."""


class SourceError(SalesKpiError):
	"""The records can't be read: no connection, not an ERPNext database, a missing column."""
