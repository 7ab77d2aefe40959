"""The tables in which sums are kept."""

from __future__ import annotations

from typing import Any

from pypika import Table

TOTAL, ROW, MARK, SERIES = "KPI Total", "KPI Entity Row", "KPI Mark", "KPI Series"
"""DocTypes: packed months; rows of facts by entity; what was touched; what is kept, and how far."""

DIFFERENCE = "KPI Difference"
"""DocType: where kept sums and records were found to differ."""


def table(doctype: str) -> Any:
	"""The table of a doctype."""
	return Table(f"tab{doctype}")
