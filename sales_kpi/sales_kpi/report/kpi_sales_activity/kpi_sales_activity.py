from __future__ import annotations

from typing import Any


def execute(filters: dict[str, Any] | None = None) -> tuple[Any, ...]:
	from sales_kpi.site.report import activity

	return activity(filters)
