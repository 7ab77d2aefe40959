"""What the forms of Sales Person and Customer tell in their dashboard: figures of the one who is shown, for the reader.

Both are shown to whoever may see these figures; nobody else is told anything, not even that there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from urllib.parse import quote, urlencode

import frappe
from frappe import _

from sales_kpi import catalogue
from sales_kpi.analysis.values import Question
from sales_kpi.facts.reading.query import Query
from sales_kpi.kpis.definition import By, Unit
from sales_kpi.site import words
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.desk import desk
from sales_kpi.site.permissions import is_active, sight
from sales_kpi.site.report import usual_company
from sales_kpi.site.trend_table import Point, Trend
from sales_kpi.sources.site import SiteSource

OF_PERSON = ("sales_volume", "lead_conversion_rate", "win_rate", "average_deal_value", "sales_cycle")
"""The KPIs that the form of a Sales Person tells."""

FEWEST = 3
"""Purchases on different days that make a rhythm."""

LATE = 1.5
"""After so many times the usual gap a customer is past its own rhythm."""

MOST_INVOICES = 5000
"""A customer with more invoices than this is no single buyer."""

_CHUNK = 500

_COLORS = {"good": "var(--green-600)", "warn": "var(--orange-600)", "bad": "var(--red-600)"}
_SIGNS = {"good": "●", "warn": "◐", "bad": "○"}


@dataclass(frozen=True)
class Tile:
	"""One figure with what is to be known beside it."""

	label: str
	figure: str
	notes: Sequence[str] = ()
	link: str = ""
	stands: str = ""
	tone: str = ""


# Sales Person


@frappe.whitelist()
def sales_person(name: str) -> dict[str, str] | None:
	"""The figures of a salesperson or team, by the company that the reader follows; None if they aren't for the reader."""
	frappe.has_permission("Sales Person", "read", doc=name, throw=True)
	asker = _asker()
	node = asker.masters.salespeople.get(name) if asker else None
	if asker is None or node is None:
		return None
	company = usual_company(asker.settings, asker.may.companies)
	by = By.TEAM if node.is_group else By.SALES_PERSON
	if not company or not _may_see(asker, company, by, name):
		return None
	visible = {kpi.name for kpi in asker.kpis}
	speaker = words.Speaker()
	tiles = []
	with explained():
		for kpi in OF_PERSON:
			if kpi in visible:
				tiles += _tiles_of(asker, speaker, kpi, company, by, name)
	return {"of": name, "html": _html(tiles, company)} if tiles else None


def _may_see(asker: Asker, company: str, by: By, name: str) -> bool:
	today = frappe.utils.getdate()
	seen = sight(Question(company, today, today, by=by), asker.may, asker.masters, asker.settings.companies)
	return seen is None or name in [scope.name for scope in seen.scopes]


def _tiles_of(asker: Asker, speaker: words.Speaker, kpi: str, company: str, by: By, name: str) -> list[Tile]:
	"""The figure of the last period that is final; of the sales volume also the one of the period that is running."""
	asked = {"kpi": kpi, "company": company, "by": by.value, "scope": name, "every": "month", "periods": 7}
	trend = Trend.of(asker, asked)
	points = next(iter(trend.points.values()), [])
	link = _report(
		"Sales KPI Trend", kpi=kpi, company=company, by=by.value, scopes=frappe.as_json([name], indent=None)
	)
	found = []
	if kpi == "sales_volume" and points and not points[-1].is_final:
		found.append(_tile(trend, speaker, points[-1], link))
	final = [point for point in points if point.is_final and point.number is not None]
	if final:
		found.append(_tile(trend, speaker, final[-1], link))
	elif points and not found:
		reason = words.reason(points[-1].value["reason"], trend.kpi)
		found.append(Tile(trend.title, words.NOTHING, (reason,), link))
	return found


def _tile(trend: Trend, speaker: words.Speaker, point: Point, link: str) -> Tile:
	unit, currency, standing = trend.kpi.unit, point.value["currency"], point.standing
	label = f"{trend.title} · {trend.labels[point.period.start]}"
	notes = []
	if not point.is_final:
		label = f"{label}, {_('so far')}"
	if standing is not None:
		goal = speaker.target(standing.agreed, unit, currency)
		reached = speaker.share(standing.attainment)
		notes.append(_("{0} of the target {1}").format(reached, goal))
		if standing.pacing is not None and standing.pacing.pace is not None:
			notes.append(_("pace {0}").format(speaker.share(standing.pacing.pace)))
	if point.change is not None:
		before = trend.question.calendar.previous(point.period, trend.question.every)
		named = trend.question.calendar.label(before, trend.question.every, words.language())
		notes.append(_("{0} on {1}").format(speaker.change(point.change, unit), named))
	if unit is Unit.PERCENT:
		notes.append(f"n = {speaker.quantity(point.value['n'])}")
	return Tile(
		label,
		speaker.figure(point.number, unit, currency, exact=False),
		notes,
		link,
		words.status_label(standing.status, standing.is_open) if standing else "",
		words.TONES.get(standing.status, "") if standing else "",
	)


# Customer


@frappe.whitelist()
def customer(name: str) -> dict[str, str] | None:
	"""What a customer has bought, by what the reader may see of it; None if that is nothing."""
	frappe.has_permission("Customer", "read", doc=name, throw=True)
	asker = _asker()
	if asker is None or "sales_volume" not in [kpi.name for kpi in asker.kpis]:
		return None
	company = usual_company(asker.settings, asker.may.companies)
	if not company or name in asker.settings.engine.not_one_customer:
		return None
	invoices = frappe.get_all(
		"Sales Invoice",
		filters={"customer": name, "company": company, "docstatus": 1},
		pluck="name",
		limit=MOST_INVOICES + 1,
	)
	if not invoices or len(invoices) > MOST_INVOICES:
		return None
	bought = _bought(asker, company, invoices)
	if not bought.days:
		return None
	return {"of": name, "html": _html(_customer_tiles(asker, company, bought), company)}


@dataclass(frozen=True)
class Bought:
	"""What somebody bought: its value less returns, on which days, and whether that is all of it."""

	value: float
	invoices: float
	days: list[date]
	is_all: bool


def _bought(asker: Asker, company: str, invoices: list[str]) -> Bought:
	"""The sales and returns among some invoices, of what the reader may see."""
	today = frappe.utils.getdate()
	with explained():
		seen = sight(Question(company, today, today), asker.may, asker.masters, asker.settings.companies)
	only = dict(seen.only) if seen is not None else {}
	source = SiteSource()
	reading = asker.masters.reading(asker.settings.engine, today, source, company).narrowed(
		dimensions=frozenset(only), only=only
	)
	value, quantity, days = 0.0, 0.0, set()
	for first in range(0, len(invoices), _CHUNK):
		chunk = tuple(invoices[first : first + _CHUNK])
		for fact in ("sale", "credit_note"):
			statement = reading.narrowed(entities=chunk).statement()
			rows = catalogue.facts()[fact].rows(statement).as_("row")
			query = Query.from_(rows).select(rows.day, rows.quantity, rows.amount)
			for day, number, amount in source.run(statement.shared.complete(query)).itertuples(index=False):
				value += float(amount)
				if fact == "sale" and number:
					quantity += float(number)
					days.add(frappe.utils.getdate(day))
	return Bought(value, quantity, sorted(days), not only)


def _customer_tiles(asker: Asker, company: str, bought: Bought) -> list[Tile]:
	speaker, today = words.Speaker(), frappe.utils.getdate()
	currency = frappe.get_cached_value("Company", company, "default_currency")
	calendar = asker.settings.calendar
	last = bought.days[-1]
	ago = (today - last).days
	share = () if bought.is_all else (_("as far as it is credited to what you may see"),)
	since = _("{0} purchases since {1}").format(
		speaker.quantity(bought.invoices), words.day(bought.days[0], calendar)
	)
	tiles = [
		Tile(_("Lifetime Revenue"), speaker.money(bought.value, currency, exact=False), (since, *share)),
		Tile(_("Last Purchase"), words.day(last, calendar), (_days_ago(speaker, ago),)),
	]
	if len(bought.days) < FEWEST:
		note = _("A rhythm shows from {0} purchases on.").format(speaker.number(FEWEST))
		return [*tiles, Tile(_("Buys Every"), words.NOTHING, (note,))]
	gaps = [(after - before).days for before, after in zip(bought.days, bought.days[1:], strict=False)]
	usual = median(gaps)
	every = speaker.figure(float(usual), Unit.DAYS, None)
	if ago > LATE * usual:
		stands, kind = _("Past its rhythm"), "bad"
	elif ago > usual:
		stands, kind = _("Due"), "warn"
	else:
		stands, kind = _("In its rhythm"), "good"
	note = _("the median of {0} gaps").format(speaker.number(len(gaps)))
	return [*tiles, Tile(_("Buys Every"), every, (note,), "", stands, kind)]


def _days_ago(speaker: words.Speaker, days: int) -> str:
	if days <= 0:
		return str(_("today"))
	return str(_("{0} days ago").format(speaker.number(days)))


# What both share


def _asker() -> Asker | None:
	"""Who asks, if they may see any figure."""
	if not frappe.has_permission("Sales KPI", "report") or not is_active(frappe.session.user):
		return None
	asker = Asker.current()
	return None if asker.may.is_blind else asker


def _report(name: str, **filters: str) -> str:
	asked = urlencode(filters, quote_via=quote)
	return f"{desk()}/query-report/{quote(name)}?{asked}"


def _html(tiles: Sequence[Tile], company: str) -> str:
	body = "".join(_tile_html(tile) for tile in tiles)
	grid = "display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 16px 24px"
	return f'<div style="{grid}">{body}</div><div class="text-muted small mt-3">{words.html(company)}</div>'


def _tile_html(tile: Tile) -> str:
	figure = f"<bdi>{words.html(tile.figure)}</bdi>"
	if tile.link:
		figure = f'<a href="{words.html(tile.link)}" style="color: inherit">{figure}</a>'
	notes = [f"<div>{words.html(note)}</div>" for note in tile.notes if note]
	if tile.stands:
		mark = f"{_SIGNS.get(tile.tone, '·')} {words.html(tile.stands)}"
		notes.insert(0, f'<div style="color: {_COLORS.get(tile.tone, "inherit")}">{mark}</div>')
	return (
		f'<div><div class="text-muted small">{words.html(tile.label)}</div>'
		f'<div style="font-size: var(--text-xl); font-weight: 600">{figure}</div>'
		f'<div class="text-muted small">{"".join(notes)}</div></div>'
	)
