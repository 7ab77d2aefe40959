"""Opportunities and quotations, and the orders that they led to."""

from __future__ import annotations

from typing import Any

from pypika import Case
from pypika.analytics import RowNumber
from pypika.functions import Min
from pypika.terms import Term

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import coalesce, filled, nonzero, number, text
from sales_kpi.facts.reading.fact import Family, row
from sales_kpi.facts.reading.invoices import orders
from sales_kpi.facts.reading.people import company_of, owner_on_day, salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, both, where
from sales_kpi.facts.reading.transitions import log_or_modified, lost


def value_of(opportunity: Any) -> Term:
	"""What an opportunity is worth in company currency; ERPNext fills the base amount only in the form."""
	return coalesce(
		nonzero(opportunity.base_opportunity_amount),
		nonzero(opportunity.opportunity_amount * opportunity.conversion_rate),
		opportunity.base_total,
		0,
	)


def opportunity_rows(reading: Reading, query: Any, opportunity: Any, day: Term, **columns: Any) -> Any:
	"""Rows of a fact for opportunities, credited to whoever owned them on the day."""
	query, owner = owner_on_day(reading, query, "Opportunity", opportunity, day)
	query, company = company_of(reading, query, opportunity.company, owner)
	query, person = salesperson_of(reading, query, owner, day)
	return row(
		reading,
		query,
		**{
			"document": opportunity.name,
			"day": day,
			"company": company,
			"sales_person": person,
			"territory": text(opportunity.territory),
			"source": reading.channel("Opportunity", opportunity),
			"amount": value_of(opportunity),
		}
		| columns,
	)


def opportunities(reading: Reading, opportunity: Any) -> Any:
	"""Opportunities up to the day of reading."""
	return where(
		Query.from_(opportunity),
		reading.until_now.holds(opportunity.transaction_date),
		reading.since.holds(opportunity.transaction_date),
		reading.of_entities(opportunity.name),
	)


def ordered_quotations(reading: Reading, among: Any = None) -> Any:
	"""Submitted quotations that led to a submitted Sales Order of any company: `quotation`, `day` of the first.

	among: a query of the only quotations that are looked at, by the column `quotation`.
	"""
	quotation, order = reading.table("Quotation"), reading.table("Sales Order")
	line = reading.table("Sales Order Item", alias="order_line")
	query = (
		orders(reading.narrowed(company=None), order)
		.join(line)
		.on(line.parent == order.name)
		.join(quotation)
		.on(quotation.name == line.prevdoc_docname)
	)
	if among is not None:
		looked_at = among.as_("looked_at")
		query = query.join(looked_at).on(looked_at.quotation == quotation.name)
	return (
		where(
			query,
			quotation.docstatus == 1,
			reading.until_now.holds(quotation.transaction_date),
		)
		.groupby(quotation.name)
		.select(quotation.name.as_("quotation"), Min(order.transaction_date).as_("day"))
	)


def ordered_opportunities(reading: Reading) -> Any:
	"""Opportunities that led to a submitted Sales Order: `document`, `day` of the first.

	The link is the quotation's header, or any of its lines.
	"""
	links = _quotation_links(reading)
	if reading.entities is None:
		ordered = ordered_quotations(reading)
	else:
		# Of a few opportunities only their own quotations are followed, whatever others there are.
		named = _quotation_links(reading).as_("named")
		ordered = ordered_quotations(reading, Query.from_(named).select(named.quotation).distinct())
	link, day = links.as_("quotation_link"), ordered.as_("ordered_quotation")
	return (
		Query.from_(link)
		.join(day)
		.on(day.quotation == link.quotation)
		.groupby(link.document)
		.select(link.document, Min(day.day).as_("day"))
	)


def _quotation_links(reading: Reading) -> Any:
	"""Which quotations an opportunity has: `document` and `quotation`, by header or line."""
	quotation = reading.table("Quotation")
	line = reading.table("Quotation Item", alias="quotation_line")
	headers = where(
		Query.from_(quotation),
		text(quotation.opportunity) != Bound(""),
		reading.of_entities(quotation.opportunity),
	).select(quotation.opportunity.as_("document"), quotation.name.as_("quotation"))
	lines = where(
		Query.from_(line),
		line.prevdoc_doctype == Bound("Opportunity"),
		text(line.prevdoc_docname) != Bound(""),
		reading.of_entities(line.prevdoc_docname),
	).select(line.prevdoc_docname.as_("document"), line.parent.as_("quotation"))
	return headers.union_all(lines)


def _ends(reading: Reading) -> Any:
	"""Rows for opportunities that came to an end: won (0), lost (1) or closed (2), never before they began.

	Won is what led to a Sales Order, or is said to be converted. Lost is also what the transition log holds for lost: one
	that a daily job closed afterwards stays lost, and must not leave the pipeline twice.
	"""
	opportunity = reading.table("Opportunity")
	won = ordered_opportunities(reading).as_("won")
	query = opportunities(reading, opportunity).left_join(won).on(won.document == opportunity.name)
	query, day, estimated = log_or_modified(reading, query, opportunity, "Opportunity")
	status, ordered = text(opportunity.status), won.day.notnull()
	is_lost = status == Bound("Lost")
	ended = ordered | status.isin([Bound(name) for name in ("Converted", "Lost", "Closed")])
	is_won = ordered | (status == Bound("Converted"))
	if reading.schema.has("Sales Transition"):
		held = lost(reading, "Opportunity").as_("held_lost")
		query = query.left_join(held).on(held.document == opportunity.name)
		ended, is_lost = ended | held.day.notnull(), is_lost | held.day.notnull()
		by_log = is_won.negate() & held.day.notnull()
		day = Case().when(by_log, held.day).else_(day)
		estimated = Case().when(by_log, held.estimated).else_(estimated)
	since = opportunity.transaction_date
	return opportunity_rows(
		reading,
		query.where(ended),
		opportunity,
		reading.dialect.later(Case().when(ordered, won.day).else_(day), since),
		since=since,
		estimated=Case().when(ordered, 0).else_(estimated),
	).select(Case().when(is_won, 0).when(is_lost, 1).else_(2).as_("which"))


ENDS = Family(
	doctype="Opportunity",
	members=("opportunity_win", "opportunity_loss", "opportunity_drop"),
	told=_ends,
)


def quotations(reading: Reading, quotation: Any) -> Any:
	"""Submitted quotations up to the day of reading."""
	return where(
		Query.from_(quotation),
		quotation.docstatus == 1,
		reading.of_company(quotation.company),
		reading.until_now.holds(quotation.transaction_date),
		reading.of_entities(quotation.name),
	)


def quotation_rows(reading: Reading, query: Any, quotation: Any, **columns: Any) -> Any:
	"""Rows of a fact for quotations, credited to the owner of the opportunity behind them, else to their own.

	That opportunity is the header's, else that of the first line that has one.
	"""
	line = reading.table("Quotation Item", alias="line")
	numbered = (
		Query.from_(line)
		.where(line.prevdoc_doctype == Bound("Opportunity"))
		.where(text(line.prevdoc_docname) != Bound(""))
		.select(
			line.parent.as_("quotation"),
			line.prevdoc_docname.as_("opportunity"),
			RowNumber().over(line.parent).orderby(line.idx, line.name).as_("place"),
		)
	).as_("numbered_line")
	first = (
		Query.from_(numbered).where(numbered.place == 1).select(numbered.quotation, numbered.opportunity)
	).as_("first_line")
	opportunity = reading.table("Opportunity")
	day = quotation.transaction_date
	query = (
		query.left_join(first)
		.on(first.quotation == quotation.name)
		.left_join(opportunity)
		.on(
			both(
				opportunity.name == coalesce(filled(quotation.opportunity), first.opportunity),
				reading.until_now.holds(opportunity.transaction_date),
			)
		)
	)
	query, owner = owner_on_day(reading, query, "Opportunity", opportunity, day)
	query, person = salesperson_of(reading, query, coalesce(filled(owner), quotation.owner), day)
	return row(
		reading,
		query,
		**{
			"document": quotation.name,
			"day": day,
			"company": text(quotation.company),
			"sales_person": person,
			"territory": text(quotation.territory),
			"source": reading.channel("Quotation", quotation),
			"amount": number(quotation.base_net_total),
		}
		| columns,
	)
