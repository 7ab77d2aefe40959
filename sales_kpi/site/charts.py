"""Charts for workspaces and dashboards: any KPI of any scope over the engine's own periods, and the funnel.

Frappe caches the data of a chart by the chart's name alone; nothing is cached here, because the figures are those of whoever
looks. A chart of Frappe draws a missing value at zero; where bars are chosen nothing is drawn, as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import frappe
from frappe import _
from frappe.utils.jinja_globals import is_rtl

from sales_kpi.analysis.values import Question, Value
from sales_kpi.kpis.definition import Kpi
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.report import titles, usual_company
from sales_kpi.site.trend_table import Point, Trend, is_set

NOTHING: dict[str, Any] = {}
"""Makes Frappe say that there is no data."""

FUNNEL = (
	("lead_conversion_rate", "denominator"),
	("win_rate", "denominator"),
	("quote_to_order_rate", "denominator"),
	("orders", "value"),
)
"""The stages of the funnel: how many of each are counted by which part of which KPI."""


def kpi_chart(filters: Any = None) -> dict[str, Any]:
	"""One KPI over the last periods, with targets if wanted; of several scopes a dataset each."""
	asked = _asked(filters)
	if asked is None:
		return NOTHING
	asker, given = asked
	name = given.get("kpi")
	if name and frappe.db.exists("Sales KPI", str(name)) and name not in [kpi.name for kpi in asker.kpis]:
		# A chart on a shared workspace may be of a KPI that not everybody may see.
		return NOTHING
	with explained():
		trend = Trend.of(asker, given)
	if trend.is_empty:
		return NOTHING
	shown = trend.largest()
	datasets: list[dict[str, Any]] = [
		{
			"name": words.html(_name(trend, key)),
			"chartType": "bar" if len(shown) == 1 else "line",
			"values": [trend.on_axis(point.number) for point in trend.points[key]],
		}
		for key in shown
	]
	if len(shown) == 1 and is_set(given.get("with_target")):
		datasets += _targets(trend, trend.points[shown[0]])
	labels = [_label(trend, trend.points[shown[0]][place]) for place in range(len(trend.question.periods()))]
	if is_rtl():
		# Time runs from right to left.
		labels.reverse()
		for dataset in datasets:
			dataset["values"].reverse()
	return {"labels": labels, "datasets": datasets}


def _name(trend: Trend, key: tuple[str, str]) -> str:
	"""What a dataset is called, with what it is counted in unless that is money or a number."""
	_by, scope = key
	is_company = scope == trend.question.company
	unit = trend.scale[1]
	name = trend.title if is_company else trend.places[key].label
	return f"{name} ({unit})" if unit else name


def _targets(trend: Trend, points: list[Point]) -> list[dict[str, Any]]:
	"""What was agreed, as a line where there is something for each period; else as bars, which may be missing."""
	goals = [trend.on_axis(point.standing.agreed.value) if point.standing else None for point in points]
	if all(goal is None for goal in goals):
		return []
	kind = "bar" if None in goals else "line"
	return [{"name": _("Target"), "chartType": kind, "values": goals}]


def _label(trend: Trend, point: Point) -> str:
	label = words.html(trend.tick(point.period))
	return label if point.is_final else f"{label} · {_('so far')}"


def funnel(filters: Any = None) -> dict[str, Any]:
	"""How many leads came in, opportunities were decided, quotations and orders were made in the last period that is over."""
	asked = _asked(filters)
	if asked is None:
		return NOTHING
	asker, given = asked
	visible = {kpi.name: kpi for kpi in asker.kpis}
	stages = [(visible[name], part) for name, part in FUNNEL if name in visible]
	if not stages:
		return NOTHING
	running = is_set(given.get("running"))
	given = {**given, "kpi": stages[0][0].name, "periods": 1, "whole": 0 if running else 1}
	with explained():
		trend = Trend.of(asker, given)
		if len(trend.points) != 1:
			return NOTHING
		((key, _points),) = trend.points.items()
		values = _of_stages(asker, trend.question, stages, key)
	counts = [_count(values.get(kpi.name), part) for kpi, part in stages]
	if not any(counts):
		return NOTHING
	period = trend.question.periods()[-1]
	label = trend.labels[period.start]
	if period.last_day > trend.question.as_of:
		label = f"{label} · {_('so far')}"
	name = label if key[1] == trend.question.company else f"{trend.places[key].label}, {label}"
	stage_labels = [words.html(_stage(kpi)) for kpi, _part in stages]
	if is_rtl():
		# The funnel begins where reading begins.
		stage_labels.reverse()
		counts.reverse()
	return {"labels": stage_labels, "datasets": [{"name": words.html(name), "values": counts}]}


def _of_stages(
	asker: Asker, question: Question, stages: list[tuple[Kpi, str]], key: tuple[str, str]
) -> dict[str, Value]:
	names = tuple(kpi.name for kpi, _part in stages)
	return {
		value["kpi"]: value
		for value in asker.values(replace(question, kpis=names))
		if (value["by"], value["scope"]) == key
	}


def _count(value: Value | None, part: str) -> float:
	number = value[part] if value else None  # type: ignore[literal-required]
	return round(number or 0.0, 2)


def _stage(kpi: Kpi) -> str:
	"""A stage in one word, because Frappe's charts cut longer ones: opportunities are counted when they are decided."""
	known = {
		"lead_conversion_rate": _("Leads"),
		"win_rate": _("Decided"),
		"quote_to_order_rate": _("Quotes"),
	}
	return known.get(kpi.name) or titles([kpi.name])[kpi.name]


def _asked(filters: Any) -> tuple[Asker, dict[str, Any]] | None:
	"""Who asks for what; None where somebody has no figures at all."""
	frappe.has_permission("Sales KPI", "report", throw=True)
	given = frappe.parse_json(filters) if isinstance(filters, str) and filters else filters
	given = dict(given) if isinstance(given, Mapping) else {}
	asker = Asker.current()
	if asker.may.is_blind:
		return None
	given["company"] = given.get("company") or usual_company(asker.settings, asker.may.companies)
	return (asker, given) if given["company"] else None
