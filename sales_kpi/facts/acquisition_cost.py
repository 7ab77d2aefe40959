"""Acquisition cost: what the ledger says was spent to win customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pypika import Case
from pypika.terms import Term

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import number, text
from sales_kpi.facts.reading.fact import CreditRule, Fact, Kind, Measure, row
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, one_of, where


def parts(reading: Reading) -> dict[str, Any]:
	entry, company = reading.table("GL Entry"), reading.table("Company")
	account, chosen = reading.table("Account"), reading.table("Account", alias="chosen")
	accounts = (
		Query.from_(account)
		.join(chosen)
		.on((account.company == chosen.company) & (account.lft >= chosen.lft) & (account.rgt <= chosen.rgt))
		.where(one_of(chosen.name, reading.settings.acquisition_accounts))
		.select(account.name)
	)
	book = text(entry.finance_book)
	query = where(
		Query.from_(entry).join(company).on(company.name == entry.company),
		number(entry.is_cancelled) == 0,
		text(entry.is_opening) != Bound("Yes"),
		text(entry.voucher_type) != Bound("Period Closing Voucher"),
		(book == Bound("")) | (book == text(company.default_finance_book)),
		entry.account.isin(accounts),
		reading.of_company(entry.company),
		reading.day.until(reading.as_of).holds(entry.posting_date),
		reading.of_entities(entry.name),
	)
	rows = row(
		reading,
		query,
		document=entry.name,
		day=entry.posting_date,
		company=entry.company,
		sales_person=_mapped(entry.cost_center, reading.settings.cost_center_sales_person),
		source=_mapped(entry.cost_center, reading.settings.cost_center_source),
		amount=number(entry.debit) - number(entry.credit),
	)
	return {"GL Entry": rows}


def _mapped(cost_center: Term, mapping: Mapping[str, str]) -> Term | str:
	"""What the settings map a cost center to, else ''."""
	if not mapping:
		return ""
	found = Case()
	for name, value in mapping.items():
		found = found.when(cost_center == Bound(name), Bound(value))
	return found.else_(Bound(""))


FACT = Fact(
	name="acquisition_cost",
	meaning="Money spent to win customers, on the accounts that the settings name.",
	kind=Kind.BY_DAY,
	measure=Measure.MONEY,
	credit=CreditRule.COST_CENTER,
	parts=parts,
	records=("GL Entry", "Account", "Company"),
)
