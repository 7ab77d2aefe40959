"""Credit for sales: the shares of a Sales Team, what is missing to the whole unassigned (rule 5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pypika import Case
from pypika.functions import Abs, Sum
from pypika.terms import Term, ValueWrapper

from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.dialect import number, text
from sales_kpi.facts.reading.fact import FACT_COLUMNS, row
from sales_kpi.facts.reading.people import salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading
from sales_kpi.facts.reading.settings import CreditFallback

NEGLIGIBLE = 1e-9
"""Shares below this are dust of thirds and floats, and nobody's."""


def credited(
	reading: Reading,
	documents: Callable[[Reading], Any],
	parenttype: str | Callable[[Any], Term],
	parent: str = "document",
	entity: str | None = "document",
	amount_is_shared: bool = True,
	fallback: CreditFallback | None = None,
	document_day: str = "day",
	extra: tuple[str, ...] = (),
) -> Any:
	"""Share out the rows of `documents` among those credited.

	documents: makes, for a reading, a query with the columns of a fact except `sales_person`, and the columns
	`customer` and `owner` of the document that carries the team; where that is another than the fact's, also its name in
	the column `parent`.
	parenttype: the doctype that carries the team, or a function that tells it from the documents.
	entity: what the reading's entities are to these documents, `document` or `customer`; None for neither.
	amount_is_shared: whether the amount, like the quantity, is multiplied by the share.
	fallback: who is credited where there is no team at all; as the settings say, if not given.
	document_day: column with the day of the document that carries the team, on which a user is who they are.
	extra: columns of the documents that the rows keep beside those of a fact.

	Each document is joined with its team once; what an uneven team leaves of the whole is added by a second, narrow look
	at the few documents that have one.
	"""
	if "sales_person" not in reading.dimensions:
		rows = documents(reading).as_("documents")
		return _shared(reading, Query.from_(rows), rows, Bound(""), ValueWrapper(1), amount_is_shared, extra)
	fallback = reading.settings.credit_fallback if fallback is None else fallback
	team = reading.table("Sales Team", alias="team")
	rows = documents(reading).as_("documents")
	query = Query.from_(rows).left_join(team).on(_team_of(rows, team, parenttype, parent))
	share = Case().when(team.parent.isnull(), 1.0).else_(team.allocated_percentage / 100.0)
	if fallback is not CreditFallback.NONE:
		query = query.where(team.parent.notnull())
	shared = _shared(reading, query, rows, text(team.sales_person), share, amount_is_shared, extra)
	uneven = _uneven(reading, entity)
	if uneven is not None:
		shared = shared.union_all(_left(uneven, documents, parenttype, parent, amount_is_shared, extra))
	if fallback is CreditFallback.NONE:
		return shared
	without = partial(_without_team, documents=documents, parenttype=parenttype, parent=parent)
	return shared.union_all(_fallback(reading, without, fallback, amount_is_shared, document_day, extra))


def _uneven(reading: Reading, entity: str | None) -> Reading | None:
	"""The reading narrowed to documents whose teams don't add up to the whole, as far as these are known.

	None when there are none; the reading itself when they aren't known.
	"""
	known = reading.uneven_teams
	if known is None or entity is None or reading.entities is not None:
		return reading
	names = known.documents if entity == "document" else known.customers
	return reading.narrowed(entities=names) if names else None


def _left(
	reading: Reading,
	documents: Callable[[Reading], Any],
	parenttype: str | Callable[[Any], Term],
	parent: str,
	amount_is_shared: bool,
	extra: tuple[str, ...],
) -> Any:
	"""One row for what the lines of a Sales Team leave of the whole; nobody's."""
	rows, team = documents(reading).as_("documents"), reading.table("Sales Team", alias="team")
	assigned = (
		Query.from_(team)
		.where(_team_of(rows, team, parenttype, parent))
		.select(Sum(team.allocated_percentage) / 100.0)
	)
	left = Query.from_(rows).select(rows.star, (1 - assigned).as_("missing_share")).as_("remaining")
	query = Query.from_(left).where(Abs(left.missing_share) > NEGLIGIBLE)
	return _shared(reading, query, left, Bound(""), left.missing_share, amount_is_shared, extra)


def _without_team(
	reading: Reading,
	documents: Callable[[Reading], Any],
	parenttype: str | Callable[[Any], Term],
	parent: str,
) -> Any:
	"""Those of the documents that have no Sales Team."""
	rows, team = documents(reading).as_("documents"), reading.table("Sales Team", alias="team")
	return (
		Query.from_(rows)
		.left_join(team)
		.on(_team_of(rows, team, parenttype, parent))
		.where(team.parent.isnull())
		.select(rows.star)
	)


def _fallback(
	reading: Reading,
	without: Callable[[Reading], Any],
	fallback: CreditFallback,
	amount_is_shared: bool,
	document_day: str,
	extra: tuple[str, ...],
) -> Any:
	"""Documents without a Sales Team, credited as the settings want."""
	if fallback is CreditFallback.CUSTOMER_TEAM:
		again = credited(
			reading,
			without,
			"Customer",
			"customer",
			entity=None,
			amount_is_shared=amount_is_shared,
			fallback=CreditFallback.NONE,
			extra=extra,
		).as_("by_customer")
		return Query.from_(again).select(*(again[name] for name in (*FACT_COLUMNS, *extra)))
	left = without(reading).as_("remaining")
	query, user = Query.from_(left), left.owner
	if fallback is CreditFallback.ACCOUNT_MANAGER:
		customer = reading.table("Customer", alias="managed")
		query = query.left_join(customer).on(customer.name == left.customer)
		user = customer.account_manager
	query, person = salesperson_of(reading, query, user, left[document_day])
	return _shared(reading, query, left, person, ValueWrapper(1), amount_is_shared, extra)


def _team_of(rows: Any, team: Any, parenttype: str | Callable[[Any], Term], parent: str) -> Term:
	kind = Bound(parenttype) if isinstance(parenttype, str) else parenttype(rows)
	of_document = (team.parent == rows[parent]) & (team.parenttype == kind)
	return of_document & (number(team.allocated_percentage) != 0)


def _shared(
	reading: Reading,
	query: Any,
	rows: Any,
	person: Term,
	share: Term,
	amount_is_shared: bool,
	extra: tuple[str, ...],
) -> Any:
	return row(
		reading,
		query,
		document=rows.document,
		day=rows.day,
		since=rows.since,
		company=rows.company,
		sales_person=person,
		territory=rows.territory,
		source=rows.source,
		quantity=rows.quantity * share,
		amount=rows.amount * share if amount_is_shared else rows.amount,
	).select(*(rows[name] for name in extra))
