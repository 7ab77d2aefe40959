"""Number cards: one figure of the last period that is over, with its change on the period before.

Frappe's own percentage compares records by their creation and is offered to cards of a doctype only, so the card's text is
written here: Frappe shows what the method of a custom card returns, in the card, without changing it. Nothing is cached: the
figure is that of whoever looks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import frappe
from frappe import _

from sales_kpi.kpis.definition import By, Unit
from sales_kpi.periods import Every
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.desk import desk
from sales_kpi.site.report import usual_company
from sales_kpi.site.trend_table import Point, Trend

FEW = 10
"""A rate of fewer than this says of how many it is."""

_SHORTEST_MONTH = 28

_COLORS = {"good": "var(--green-600)", "bad": "var(--red-600)"}

_SIGNS = {True: "▲", False: "▼"}

_SMALL = "font-size: var(--text-sm); font-weight: normal; line-height: 1.5; color: var(--text-muted); white-space: normal"


@frappe.whitelist()
def kpi_card(filters: dict | list | str | None = None) -> str:
	"""The text of a number card.

	filters: kpi, by name; show, "attainment" for what of the target was reached; company, by, scope, every and calendar as
	in the reports. Without `by` it is told of what the reader answers for: the company, their team, or themselves.
	"""
	frappe.has_permission("Sales KPI", "report", throw=True)
	given = frappe.parse_json(filters) if isinstance(filters, str) and filters else filters
	given = dict(given) if isinstance(given, Mapping) else {}
	try:
		with explained():
			return _written(given)
	except (frappe.ValidationError, frappe.PermissionError) as error:
		# Ten cards on a page would open ten messages: each says its own sentence instead.
		frappe.clear_last_message()
		return _empty(_plain(error))


def _plain(error: Exception) -> str:
	"""What an error says, without markup."""
	return unescape(re.sub(r"<[^>]*>", "", str(error)))


def _written(filters: dict[str, Any]) -> str:
	asker = Asker.current()
	if asker.may.is_blind:
		return _empty(
			_("You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings.")
		)
	filters["company"] = filters.get("company") or usual_company(asker.settings, asker.may.companies)
	if not filters["company"]:
		return _empty(_("There is no company yet."))
	filters |= {"periods": _look_back(asker, filters), "whole": 1}
	trend = Trend.of(asker, filters)
	if len(trend.points) != 1:
		return _empty(_("Choose whose figure the card is to show."))
	((key, points),) = trend.points.items()
	scope = "" if key[0] == By.COMPANY.value and key[1] == trend.question.company else trend.places[key].label
	if filters.get("show") == "attainment":
		return _attainment(trend, points, scope)
	return _value(trend, points, scope)


def _look_back(asker: Asker, filters: Mapping[str, Any]) -> int:
	"""How many periods back the last final figure may lie."""
	matures = any(kpi.name == filters.get("kpi") and kpi.matures for kpi in asker.kpis)
	if not matures or (filters.get("every") or "month") not in (Every.MONTH.value, Every.WEEK.value):
		return 3
	days = _SHORTEST_MONTH if (filters.get("every") or "month") == Every.MONTH.value else 7
	return asker.settings.engine.conversion_window_days // days + 3


def _value(trend: Trend, points: list[Point], scope: str) -> str:
	final = [point for point in points if point.is_final]
	point = final[-1] if final else points[-1]
	before = point.before
	about = [scope, trend.tick(point.period)] if scope else [trend.tick(point.period)]
	link = _trend_link(trend)
	nothing_before = before is None or not (before["value"] or before["n"])
	if point.number is None:
		return _empty(": ".join((" · ".join(about), words.reason(point.value["reason"], trend.kpi))), link)
	if not point.number and not point.value["n"] and nothing_before:
		return _empty(": ".join((" · ".join(about), str(_("No records.")))), link)
	speaker = words.Speaker()
	unit, currency = trend.kpi.unit, point.value["currency"]
	lines = [words.html(line) for line in about]
	if not point.is_final:
		lines[-1] += f" · {_('so far')}"
	is_few = point.value["n"] < FEW and unit in (Unit.PERCENT, Unit.DAYS)
	if is_few:
		lines[-1] += f' · <bdi style="white-space: nowrap">n = {speaker.quantity(point.value["n"])}</bdi>'
	if point.change is not None and before is not None:
		# Of so few, a change is neither good nor bad.
		good = "" if is_few else words.tone(point.change, trend.kpi)
		lines.append(
			_changed(speaker.change(point.change, unit), point.change, good, _label_before(trend, point))
		)
	return _card(speaker.figure(point.number, unit, currency, exact=False), lines, link)


def _attainment(trend: Trend, points: list[Point], scope: str) -> str:
	point, earlier = points[-1], points[-2] if len(points) > 1 else None
	label = trend.tick(point.period)
	about = [scope, label] if scope else [label]
	link = _link(
		"KPI Target Attainment",
		company=trend.question.company,
		every=trend.question.every.value,
		day=point.period.start.isoformat(),
		by=trend.question.by.value if trend.question.by is not By.SOURCE else By.COMPANY.value,
	)
	if point.standing is None:
		return _empty(": ".join((" · ".join(about), str(_("No target was agreed.")))), link)
	speaker = words.Speaker()
	agreed, unit, currency = point.standing.agreed, trend.kpi.unit, point.value["currency"]
	goal = speaker.target(agreed, unit, currency)
	if agreed.value is not None:
		goal = speaker.figure(agreed.value, unit, currency, exact=False)
	lines = [*map(words.html, about), words.html(_("of {0}").format(goal))]
	now = point.standing.attainment
	was = earlier.standing.attainment if earlier and earlier.standing else None
	if now is not None and was is not None:
		change = now - was
		# Reaching more of a target is good, whichever way the KPI itself should go.
		good = "good" if change > 0 else "bad" if change < 0 else ""
		lines[-1] += " · " + _arrow(speaker.change(change, Unit.PERCENT), change, good)
	return _card(speaker.share(now), lines, link)


def _label_before(trend: Trend, point: Point) -> str:
	return trend.tick(trend.question.calendar.previous(point.period, trend.question.every))


def _changed(text: str, change: float, good: str, label: str) -> str:
	return str(_("{0} on {1}").format(_arrow(text, change, good), words.html(label)))


def _arrow(text: str, change: float, good: str) -> str:
	"""A change with its direction by a sign and its meaning by a colour."""
	sign = _SIGNS[change > 0] + " " if round(change, 6) else ""
	color = _COLORS.get(good, "inherit")
	return f'<span style="color: {color}">{sign}<bdi>{words.html(text)}</bdi></span>'


# Markup


def _empty(sentence: str, link: str = "") -> str:
	return _card(words.NOTHING, [words.html(sentence)], link)


def _card(figure: str, lines: list[str], link: str) -> str:
	shown = f"<bdi>{words.html(figure)}</bdi>"
	if link:
		shown = f'<a href="{words.html(link)}" style="color: inherit; text-decoration: none">{shown}</a>'
	below = "".join(f"<div>{line}</div>" for line in lines)
	return f'<div style="text-align: start">{shown}<div style="{_SMALL}">{below}</div></div>'


def _trend_link(trend: Trend) -> str:
	question = trend.question
	return _link(
		"Sales KPI Trend",
		kpi=trend.kpi.name,
		company=question.company,
		every=question.every.value,
		by=question.by.value,
		scopes=""
		if question.by is By.COMPANY
		else frappe.as_json([scope for _by, scope in trend.points], None),
	)


def _link(report: str, **filters: str) -> str:
	"""A report with its filters, where the desk of this version has it."""
	asked = urlencode({name: value for name, value in filters.items() if value}, quote_via=quote)
	return f"{desk()}/query-report/{quote(report)}?{asked}"
