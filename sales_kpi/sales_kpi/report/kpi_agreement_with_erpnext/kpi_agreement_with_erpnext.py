from __future__ import annotations

from typing import Any


def execute(filters: dict[str, Any] | None = None) -> tuple[Any, ...]:
	from sales_kpi.site.agreement import agreement

	return agreement(filters)
