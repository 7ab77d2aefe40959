"""The report KPI Customer Satisfaction: what customers say, how sure that is, and what they do afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import frappe
from frappe import _
from frappe.utils import getdate
from pypika.functions import Sum

from sales_kpi import catalogue
from sales_kpi.analysis import satisfaction
from sales_kpi.analysis.satisfaction import FEW, Attitude, Interval, NetPromoter, Satisfied
from sales_kpi.analysis.values import Question, Value
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, Span, one_of
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Period
from sales_kpi.site import words
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import refuse, visible_to_you
from sales_kpi.site.places import Place, key_of, places_of
from sales_kpi.site.report import Table, check_size, number_of_scopes, question_of, rounded
from sales_kpi.site.survey import ANSWER, ANSWERED, CSAT, INVITATION, NPS
from sales_kpi.site.survey_answers import credited, limits, reading_of
from sales_kpi.sources.site import SiteSource

if TYPE_CHECKING:
	import pandas as pd

SATISFACTION, CHURN, VOLUME = "customer_satisfaction", "churn_rate", "sales_volume"

VIEWS = ("periods", "customers")

COLORS = ("#0072B2", "#E69F00")


def build(asker: Asker, filters: frappe._dict) -> Table:
	"""The table for one reader."""
	view = filters.get("view") or VIEWS[0]
	if view not in VIEWS:
		raise InputError(_("There is no view {0}.").format(str(view)[:140]))
	if SATISFACTION not in {kpi.name for kpi in asker.kpis}:
		refuse(_("You may not see customer satisfaction."))
	question = question_of({**filters, "by": filters.get("by") or By.COMPANY.value}, asker.settings)
	mine = {kpi.name for kpi in asker.kpis}
	question = replace(question, kpis=tuple(name for name in (SATISFACTION, CHURN, VOLUME) if name in mine))
	check_size(len(question.periods()), 3, number_of_scopes(asker, question.by))
	told = ByPeriod.of(asker, question) if view == "periods" else ByCustomer.of(asker, question)
	return told.table()


def _text(fieldname: str, label: str, width: int, **more: Any) -> dict[str, Any]:
	return {
		"fieldname": fieldname, "label": label, "fieldtype": "Data", "width": width, "kind": "name",
		"align": words.start(), **more,
	}  # fmt: skip


def _numeric(fieldname: str, label: str, width: int = 110) -> dict[str, Any]:
	return {"fieldname": fieldname, "label": label, "fieldtype": "Float", "width": width, "kind": "number"}


# By period and scope


@dataclass(frozen=True)
class Line:
	"""One scope in one period."""

	period: Period
	place: Place
	values: Mapping[str, Value]
	nps: NetPromoter | None
	csat: Satisfied | None
	mean: float | None
	sent: float
	response: float | None


@dataclass(frozen=True)
class ByPeriod:
	"""NPS, CSAT and response rate by period and scope, beside churn and revenue."""

	asker: Asker
	question: Question
	lines: tuple[Line, ...]

	@classmethod
	def of(cls, asker: Asker, question: Question) -> ByPeriod:
		values = asker.values(question)
		only = limits(asker.may, question.by)
		days = Span(question.first, question.last)
		reading = reading_of(asker, question.company, days, only)
		answers = credited(ANSWER, reading, "kind", "score")
		invitations = credited(INVITATION, reading, "state")
		found: dict[tuple[Any, ...], dict[str, Value]] = {}
		for value in values:
			found.setdefault((value["period_start"], *key_of(value)), {})[value["kpi"]] = value
		places = places_of(asker, question.by, values)
		lines = [
			_line(asker, period, key, places[key], found[(period.start, *key)], answers, invitations)
			for period in question.periods()
			for key in places
			if (period.start, *key) in found
		]
		return cls(asker, question, tuple(line for line in lines if _is_told(line)))

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	def table(self) -> Table:
		"""Columns, rows, sentences and the chart."""
		return Table(
			columns=self._columns(),
			rows=[self._row(line) for line in self.lines],
			messages=self._messages(),
			chart=self._chart(),
			summary=None,
		)

	def _columns(self) -> list[dict[str, Any]]:
		columns = [
			_text("period", str(_("Period")), 130),
			_text("scope", words.by_label(self.question.by), 150),
			_numeric("nps", "NPS", 80),
			_text("nps_interval", str(_("NPS, 95 % Interval")), 150),
			_numeric("nps_n", str(_("NPS Answers")), 120),
			_numeric("csat", "CSAT", 90),
			_text("csat_interval", str(_("CSAT, 95 % Interval")), 160),
			_numeric("csat_n", str(_("CSAT Answers")), 130),
			_numeric("mean", str(_("Mean of 5")), 100),
			_numeric("response", str(_("Response Rate")), 130),
			_numeric("sent", str(_("Surveys Sent")), 120),
		]
		for name in self.question.kpis or ():
			if name != SATISFACTION:
				columns.append(_numeric(name, str(_(catalogue.kpi(name).title)), 140))
		return [*columns, _text("note", str(_("Note")), 220)]

	def _row(self, line: Line) -> dict[str, Any]:
		speaker, nps, csat = self.speaker, line.nps, line.csat
		row: dict[str, Any] = {
			"period": self.question.calendar.label(line.period, self.question.every, words.language()),
			"scope": line.place.label,
			"nps": rounded(100 * nps.score) if nps else None,
			"nps_text": _points(speaker, nps.score if nps else None),
			"nps_interval": _between(speaker, nps.interval, "points") if nps else words.NOTHING,
			"nps_n": nps.n if nps else 0.0,
			"nps_n_text": speaker.quantity(nps.n if nps else 0.0),
			"csat": rounded(csat.share) if csat else None,
			"csat_text": speaker.share(csat.share if csat else None),
			"csat_interval": _between(speaker, csat.interval, "share") if csat else words.NOTHING,
			"csat_n": csat.n if csat else 0.0,
			"csat_n_text": speaker.quantity(csat.n if csat else 0.0),
			"mean": rounded(line.mean),
			"mean_text": words.NOTHING if line.mean is None else speaker.number(line.mean, 1),
			"response": rounded(line.response),
			"response_text": speaker.share(line.response),
			"sent": line.sent,
			"sent_text": speaker.quantity(line.sent),
			"note": _note(line),
		}
		for name in (CHURN, VOLUME):
			value = line.values.get(name)
			if value is not None:
				row[name] = rounded(value["value"])
				row[f"{name}_text"] = speaker.figure(
					value["value"], catalogue.kpi(name).unit, value["currency"], exact=False
				)
			else:
				row[name], row[f"{name}_text"] = None, words.NOTHING
		return row

	def _messages(self) -> list[str]:
		if not any(line.nps or line.csat or line.sent for line in self.lines):
			return [
				str(_("No customer was asked or has answered in these days. {0} sends surveys.")).format(
					f'<a href="/app/kpi-survey">{_("KPI Survey")}</a>'
				)
			]
		return [
			str(
				_(
					"NPS: share of 9 and 10 less share of 0 to 6, of the survey’s answers. CSAT: share of 4 and 5 of 5, of "
					"the survey’s answers and Quality Feedback. The true value lies within the interval with 95 % probability."
				)
			)
		]

	def _chart(self) -> dict[str, Any] | None:
		"""NPS and CSAT over time, where there is one scope and more than one period."""
		scopes = {line.place.label for line in self.lines}
		told = [line for line in self.lines if line.nps or line.csat]
		if len(scopes) != 1 or len(told) < 2:
			return None
		if self.speaker.is_rtl:
			told = told[::-1]
		every, calendar = self.question.every, self.question.calendar
		series = (
			("NPS", [round(100 * line.nps.score, 1) if line.nps else None for line in told]),
			("CSAT (%)", [round(100 * line.csat.share, 1) if line.csat else None for line in told]),
		)
		return {
			"data": {
				"labels": [words.html(words.tick(line.period, every, calendar)) for line in told],
				"datasets": [
					{"name": name, "values": values}
					for name, values in series
					if any(value is not None for value in values)
				],
			},
			"type": "line",
			"title": "NPS, CSAT (%)",
			"colors": list(COLORS),
			"lineOptions": {"showDots": 1, "dotSize": 4},
		}


def _line(
	asker: Asker,
	period: Period,
	key: tuple[str, str],
	place: Place,
	values: Mapping[str, Value],
	answers: pd.DataFrame,
	invitations: pd.DataFrame,
) -> Line:
	given = _of_scope(asker, key, _within(period, answers))
	sent = _of_scope(asker, key, _within(period, invitations))
	csat = list(_scores(given, CSAT))
	rated = values.get(SATISFACTION)
	asked = float(sent["quantity"].sum())
	answered = float(sent.loc[sent["state"] == ANSWERED, "quantity"].sum())
	return Line(
		period,
		place,
		values,
		nps=satisfaction.net_promoter(_scores(given, NPS)),
		csat=satisfaction.satisfied(rated["numerator"] or 0.0, rated["denominator"] or 0.0)
		if rated
		else None,
		mean=satisfaction.mean(csat),
		sent=asked,
		response=satisfaction.response_rate(answered, asked),
	)


def _within(period: Period, rows: pd.DataFrame) -> pd.DataFrame:
	return rows[[getdate(day) in period for day in rows["day"]]] if len(rows) else rows


def _of_scope(asker: Asker, key: tuple[str, str], rows: pd.DataFrame) -> pd.DataFrame:
	"""The rows of a scope. What somebody sees in part is one scope, of all rows that they see."""
	by, scope = By(key[0]), key[1]
	if by is By.COMPANY or scope == visible_to_you():
		return rows
	masters = asker.masters
	if by is By.SOURCE:
		return rows[rows["source"] == scope]
	if by is By.TERRITORY:
		tree = masters.territories
		leaves = set(masters.members(tree, scope)) if scope in tree else {scope}
		return rows[rows["territory"].isin(leaves)]
	leaves = set(masters.members(masters.salespeople, scope)) if by is By.TEAM else {scope}
	return rows[rows["sales_person"].isin(leaves)]


def _scores(rows: pd.DataFrame, kind: str) -> Iterator[tuple[float, float]]:
	of_kind = rows[rows["kind"] == kind]
	yield from zip(of_kind["score"].astype(float), of_kind["quantity"].astype(float), strict=True)


def _is_told(line: Line) -> bool:
	return bool(line.nps or line.csat or line.sent)


def _note(line: Line) -> str:
	few = [name for name, found in (("NPS", line.nps), ("CSAT", line.csat)) if found and found.n < FEW]
	return str(_("{0}: few answers, see the interval.")).format(", ".join(few)) if few else ""


def _points(speaker: words.Speaker, score: float | None) -> str:
	"""An NPS as it is written: +10, −5."""
	if score is None:
		return words.NOTHING
	rounded = round(100 * score)
	return speaker.together(f"{'+' if rounded > 0 else ''}{speaker.number(rounded)}")


def _between(speaker: words.Speaker, interval: Interval, kind: str) -> str:
	if kind == "points":
		low, high = _points(speaker, interval.low), _points(speaker, interval.high)
	else:
		low, high = speaker.share(interval.low), speaker.share(interval.high)
	return str(_("{0} to {1}")).format(low, high)


# By customer


@dataclass(frozen=True)
class Customer:
	"""What one customer said last, and what it did."""

	name: str
	nps: int | None
	csat: int | None
	answered_on: date
	revenue: float
	lapsed: bool

	@property
	def group(self) -> str:
		"""What the customer's last answers make of it."""
		if self.nps is not None:
			return satisfaction.attitude(self.nps).value
		return "Satisfied" if (self.csat or 0) >= satisfaction.SATISFIED_FROM else "Not Satisfied"


@dataclass(frozen=True)
class ByCustomer:
	"""Those who answered, with their revenue and whether they stopped buying."""

	asker: Asker
	question: Question
	customers: tuple[Customer, ...]

	@classmethod
	def of(cls, asker: Asker, question: Question) -> ByCustomer:
		only = limits(asker.may, By.SALES_PERSON)
		days = Span(question.first, question.last)
		# What is asked of the KPIs is asked first: it refuses a company that isn't to be seen.
		asker.values(replace(question, by=By.COMPANY))
		reading = reading_of(asker, question.company, days, only)
		rows = credited(ANSWER, reading, "kind", "score", "customer", "answered_on")
		rows = rows.drop_duplicates("document").sort_values(["answered_on", "document"])
		said: dict[str, dict[str, Any]] = {}
		for row in rows.to_dict("records"):
			said.setdefault(row["customer"], {}).update(
				{row["kind"]: int(row["score"]), "day": getdate(row["day"])}
			)
		names = tuple(said)
		revenue = _revenue(reading, names) if VOLUME in (question.kpis or ()) else {}
		lapsed = _lapsed(reading, names) if CHURN in (question.kpis or ()) else frozenset()
		found = (
			Customer(
				name,
				last.get(NPS),
				last.get(CSAT),
				last["day"],
				revenue.get(name, 0.0),
				name in lapsed,
			)
			for name, last in said.items()
		)
		groups = list(_groups())
		return cls(
			asker,
			question,
			tuple(sorted(found, key=lambda one: (groups.index(one.group), -one.revenue, one.name))),
		)

	@cached_property
	def speaker(self) -> words.Speaker:
		"""Writes the figures in the reader's format."""
		return words.Speaker()

	@cached_property
	def currency(self) -> str | None:
		"""Of the company."""
		return self.asker.masters.companies.get(self.question.company) or None

	def table(self) -> Table:
		"""Columns, rows and sentences."""
		shown = self.question.kpis or ()
		columns = [
			_text("customer", str(_("Customer")), 200, doctype="Customer"),
			_text("group", str(_("Group")), 140),
			_numeric("nps", str(_("Last NPS Answer")), 150),
			_numeric("csat", str(_("Last CSAT Answer")), 150),
			_text("answered_on", str(_("Answered On")), 120),
		]
		if VOLUME in shown:
			columns.append(_numeric("revenue", str(_("Revenue in These Days")), 190))
		if CHURN in shown:
			columns.append(_text("lapsed", str(_("Still Buying")), 140))
		return Table(columns=columns, rows=self._rows(), messages=self._messages(), summary=None)

	def _rows(self) -> list[dict[str, Any]]:
		readable = set(self.asker.readable_names("Customer", [one.name for one in self.customers]))
		groups, rows = _groups(), []
		for one in self.customers:
			row: dict[str, Any] = {
				"customer": one.name,
				"group": groups[one.group],
				"nps": one.nps,
				"csat": one.csat,
				"answered_on": one.answered_on.isoformat(),
				"answered_on_text": words.day(one.answered_on, self.question.calendar),
				"revenue": rounded(one.revenue),
				"revenue_text": self.speaker.money(one.revenue, self.currency, exact=False),
				"lapsed": str(_("Has stopped buying") if one.lapsed else _("Yes")),
			}
			for name in ("nps", "csat"):
				row[f"{name}_text"] = words.NOTHING if row[name] is None else str(row[name])
			if one.name in readable:
				row["customer_link"] = one.name
			rows.append(row)
		return rows

	def _messages(self) -> list[str]:
		if not self.customers:
			return [str(_("No customer has answered in these days."))]
		shown, sentences = self.question.kpis or (), []
		for group, label in _groups().items():
			members = [one for one in self.customers if one.group == group]
			if not members:
				continue
			parts = [str(_("{0} customers")).format(self.speaker.quantity(len(members)))]
			if VOLUME in shown:
				each = sum(one.revenue for one in members) / len(members)
				money = self.speaker.money(each, self.currency, exact=False)
				parts.append(str(_("{0} of revenue each")).format(words.html(money)))
			if CHURN in shown:
				share = sum(one.lapsed for one in members) / len(members)
				parts.append(str(_("{0} have stopped buying")).format(self.speaker.share(share)))
			told = ("، " if self.speaker.is_rtl else ", ").join(parts)
			sentences.append(f"<b>{label}</b>: <bdi>{told}</bdi>.")
		return sentences


def _groups() -> dict[str, str]:
	"""Groups of customers by what they said, in the order of the table."""
	return {
		Attitude.DETRACTOR.value: str(_("Detractors")),
		"Not Satisfied": str(_("Not satisfied")),
		Attitude.PASSIVE.value: str(_("Passives")),
		"Satisfied": str(_("Satisfied")),
		Attitude.PROMOTER.value: str(_("Promoters")),
	}


def _revenue(reading: Reading, names: Iterable[str]) -> dict[str, float]:
	"""What customers have brought in during the days of the reading, returns deducted, as far as it may be seen."""
	found: dict[str, float] = {}
	for fact in ("sale", "credit_note"):
		statement = reading.statement()
		rows = catalogue.facts()[fact].rows(statement).as_("credited")
		invoice = statement.table("Sales Invoice", alias="own")
		query = (
			Query.from_(rows)
			.join(invoice)
			.on(invoice.name == rows.document)
			.where(one_of(invoice.customer, names))
			.groupby(invoice.customer)
			.select(invoice.customer, Sum(rows.amount).as_("amount"))
		)
		frame = SiteSource().run(statement.shared.complete(query))
		for customer, amount in zip(frame["customer"], frame["amount"].astype(float), strict=True):
			found[customer] = found.get(customer, 0.0) + amount
	return found


def _lapsed(reading: Reading, names: tuple[str, ...]) -> frozenset[str]:
	"""Customers whose last buying spell has ended by the day of reading."""
	ever = reading.narrowed(day=Span(), entities=names)
	last: dict[str, dict[str, date]] = {}
	for fact in ("customer_spell", "customer_lapse"):
		frame = SiteSource().run(catalogue.facts()[fact].select(ever))
		for customer, day in zip(frame["document"], frame["day"], strict=True):
			days = last.setdefault(customer, {})
			days[fact] = max(days.get(fact, date.min), getdate(day))
	return frozenset(
		customer
		for customer, days in last.items()
		if days.get("customer_lapse", date.min) > days.get("customer_spell", date.min)
	)
