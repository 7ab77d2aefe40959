"""The engine's answer to a question beside the reference's, field by field."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import reference

from sales_kpi.analysis.masters import Masters
from sales_kpi.analysis.values import By, Question, compute
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.periods import Every
from sales_kpi.sources.source import Source

FIELDS = ("value", "numerator", "denominator", "n", "complete", "reason", "estimated", "unit", "currency")
"""Fields beside those that name the figure."""

Key = tuple[str, date, date, str]


@dataclass(frozen=True)
class Difference:
	"""A field of a figure that the two give otherwise; `field` is '' when only one of them has the figure."""

	key: Key
	field: str
	engine: Any
	reference: Any


def reference_settings(settings: Settings) -> reference.Settings:
	"""The same settings as the reference takes them."""
	return reference.Settings(
		churn_after_days=settings.churn_after_days,
		conversion_window_days=settings.conversion_window_days,
		acquisition_accounts=list(settings.acquisition_accounts),
		cost_center_sales_person=dict(settings.cost_center_sales_person),
		cost_center_source=dict(settings.cost_center_source),
		mapping=[(row.user, row.sales_person, row.first_day, row.last_day) for row in settings.mapping],
		not_one_customer=list(settings.not_one_customer),
		lead_conversion_by=settings.converted_by.value,
		acquisition_lag_months=settings.acquisition_lag_months,
		credit_fallback=settings.credit_fallback.value,
	)


def question(
	company: str, first: date, last: date, every: str, by: str, as_of: date, kpis: Iterable[str] | None = None
) -> Question:
	"""A question from plain words."""
	return Question(
		company, first, last, Every(every), By(by), None if kpis is None else tuple(kpis), as_of=as_of
	)


def differences(
	source: Source,
	data: reference.Data,
	asked: Question,
	settings: Settings,
	masters: Masters | None = None,
) -> list[Difference]:
	"""All fields in which the engine's answer isn't the reference's, within 1e-9 (relative or absolute)."""
	engine = {
		(row["kpi"], row["period_start"], row["period_end"], row["scope"]): row
		for row in compute(source, asked, settings, masters)
	}
	wanted = reference.compute(
		data,
		reference_settings(settings),
		asked.as_of,
		asked.company,
		asked.first,
		asked.last,
		asked.every.value,
		asked.by.value,
	)
	found = []
	for key in sorted(engine.keys() | wanted.keys()):
		one, other = engine.get(key), wanted.get(key)
		if one is None or other is None:
			# A territory or source that no master and no row in question names needs no figures.
			if one is None and other and asked.by in (By.TERRITORY, By.SOURCE) and _is_nothing(other):
				continue
			found.append(Difference(key, "", one, other))
			continue
		found += [
			Difference(key, name, one[name], other[name])  # type: ignore[literal-required]
			for name in FIELDS
			if not same(one[name], other[name])  # type: ignore[literal-required]
		]
	return found


def _is_nothing(row: dict[str, Any]) -> bool:
	return not any(row[name] for name in ("value", "numerator", "denominator", "n"))


def same(one: Any, other: Any) -> bool:
	"""Whether two fields are equal, numbers within 1e-9 relative or absolute."""
	if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
		return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
	return type(one) is type(other) and one == other


def told(found: list[Difference], most: int = 12) -> str:
	"""The first differences, one a line, for the message of a failing test."""
	lines = [f"{d.key} {d.field}: engine {d.engine!r}, reference {d.reference!r}" for d in found[:most]]
	return "\n".join([f"{len(found)} differences", *lines])
