"""What a choice in the settings would change, before it is made."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, TypedDict

import frappe

from sales_kpi import catalogue
from sales_kpi.analysis.values import Question
from sales_kpi.facts.reading.settings import CreditFallback
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import MANAGERS

MUCH = 0.2
"""Share of the volume without Sales Team above which a fallback is offered."""

MONTHS = 12


class CreditRow(TypedDict):
	"""What one salesperson ('' for unassigned) is credited with, by the choice in the settings."""

	sales_person: str
	volume: dict[str, float]


class CreditPreview(TypedDict):
	"""How a company's volume of the last twelve months would be credited.

	unassigned: share of the volume that no Sales Team credits to anybody. offered: whether that is much. rows: only where
	a choice is offered, or was made.
	"""

	company: str
	currency: str
	from_date: str
	to_date: str
	volume: float
	unassigned: float
	offered: bool
	rows: list[CreditRow]


@frappe.whitelist()
def credit_preview() -> list[CreditPreview]:
	"""How totals would move between salespeople with each choice of credit for invoices without Sales Team."""
	frappe.only_for(MANAGERS)
	asker = Asker.current()
	# What is previewed must not hang on whether the KPI is switched off or hidden.
	asker = replace(asker, kpis=(catalogue.kpi("sales_volume"),))
	today = frappe.utils.getdate()
	first = frappe.utils.getdate(frappe.utils.add_days(frappe.utils.add_months(today, -MONTHS), 1))
	companies = [name for name in asker.settings.companies if name in asker.masters.companies]
	if asker.may.companies is not None:
		companies = [name for name in companies if name in asker.may.companies]
	return [_of_company(asker, company, first, today) for company in companies]


def _of_company(asker: Asker, company: str, first: date, last: date) -> CreditPreview:
	question = Question(company, first, last, Every.RANGE, By.SALES_PERSON, ("sales_volume",), last)
	as_teams_say = _volumes(asker, question, CreditFallback.NONE)
	total = sum(as_teams_say.values())
	unassigned = as_teams_say.get("", 0.0) / total if total > 0 else 0.0
	is_chosen = asker.settings.engine.credit_fallback is not CreditFallback.NONE
	volumes = {}
	if unassigned > MUCH or is_chosen:
		others = [choice for choice in CreditFallback if choice is not CreditFallback.NONE]
		volumes = {CreditFallback.NONE: as_teams_say}
		volumes.update((choice, _volumes(asker, question, choice)) for choice in others)
	people = {name for told in volumes.values() for name, volume in told.items() if abs(volume) >= 0.005}
	return CreditPreview(
		company=company,
		currency=asker.masters.companies[company],
		from_date=first.isoformat(),
		to_date=last.isoformat(),
		volume=total,
		unassigned=unassigned,
		offered=unassigned > MUCH,
		rows=[
			CreditRow(
				sales_person=name,
				volume={
					choice_label(choice): round(told.get(name, 0.0), 2) for choice, told in volumes.items()
				},
			)
			for name in sorted(people, key=lambda name: (name == "", -as_teams_say.get(name, 0.0), name))
		],
	)


def _volumes(asker: Asker, question: Question, choice: CreditFallback) -> dict[str, float]:
	"""Volume by salesperson with another choice of credit, within the rights of whoever asks."""
	engine = replace(asker.settings.engine, credit_fallback=choice)
	other: Any = replace(asker, settings=replace(asker.settings, engine=engine))
	return {value["scope"]: value["value"] or 0.0 for value in other.values(question)}


def choice_label(choice: CreditFallback) -> str:
	"""The choice as the settings' form writes it."""
	return choice.value.title()
