"""Credit for sales: the shares of a Sales Team, what is missing to the whole unassigned (rule 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
	documents: Any,
	parenttype: str | Callable[[Any], Term],
	parent: str = "document",
	amount_is_shared: bool = True,
	fallback: CreditFallback | None = None,
	document_day: str = "day",
) -> Any:
	"""Share out the rows of `documents` among those credited.

	documents: a query with the columns of a fact except `sales_person`, and the columns `customer` and `owner` of the
	document that carries the team; where that is another than the fact's, also its name in the column `parent`.
	parenttype: the doctype that carries the team, or a function that tells it from the documents.
	amount_is_shared: whether the amount, like the quantity, is multiplied by the share.
	fallback: who is credited where there is no team at all; as the settings say, if not given.
	document_day: column with the day of the document that carries the team, on which a user is who they are.
	"""
	if "sales_person" not in reading.dimensions:
		rows = documents.as_("documents")
		return _shared(reading, Query.from_(rows), rows, Bound(""), ValueWrapper(1), amount_is_shared)
	documents = reading.share(documents, "documents")
	fallback = reading.settings.credit_fallback if fallback is None else fallback
	named = _named(reading, documents, parenttype, parent, amount_is_shared)
	left = _left(reading, documents, parenttype, parent).as_("remaining")
	query, share = Query.from_(left), 1 - number(left.assigned)
	if fallback is not CreditFallback.NONE:
		query = query.where(left.assigned.notnull())
	missing = query.where(Abs(share) > NEGLIGIBLE)
	shared = named.union_all(_shared(reading, missing, left, Bound(""), share, amount_is_shared))
	if fallback is CreditFallback.NONE:
		return shared
	return shared.union_all(_without_team(reading, left, fallback, amount_is_shared, document_day))


def _named(
	reading: Reading, documents: Any, parenttype: str | Callable[[Any], Term], parent: str, amount_is_shared: bool
) -> Any:
	"""One row for each line of the document's Sales Team."""
	rows, team = documents, reading.table("Sales Team", alias="team")
	query = (
		Query.from_(rows)
		.join(team)
		.on(_team_of(rows, team, parenttype, parent))
		.where(number(team.allocated_percentage) != 0)
	)
	share = number(team.allocated_percentage) / 100.0
	return _shared(reading, query, rows, text(team.sales_person), share, amount_is_shared)


def _left(reading: Reading, documents: Any, parenttype: str | Callable[[Any], Term], parent: str) -> Any:
	"""The documents with the share that their Sales Team takes of the whole in `assigned`; NULL without a team."""
	rows, team = documents, reading.table("Sales Team", alias="team")
	assigned = (
		Query.from_(team)
		.where(_team_of(rows, team, parenttype, parent))
		.select(Sum(number(team.allocated_percentage)) / 100.0)
	)
	return Query.from_(rows).select(rows.star, assigned.as_("assigned"))


def _without_team(
	reading: Reading, left: Any, fallback: CreditFallback, amount_is_shared: bool, document_day: str
) -> Any:
	"""Documents without a Sales Team, credited as the settings want."""
	unassigned = Query.from_(left).where(left.assigned.isnull())
	if fallback is CreditFallback.CUSTOMER_TEAM:
		rows = unassigned.select(
			*(left[name] for name in _CARRIED), left.customer.as_("customer"), left.owner.as_("owner")
		)
		again = credited(
			reading,
			rows,
			"Customer",
			"customer",
			amount_is_shared=amount_is_shared,
			fallback=CreditFallback.NONE,
		).as_("by_customer")
		return Query.from_(again).select(*(again[name] for name in FACT_COLUMNS))
	user = left.owner
	if fallback is CreditFallback.ACCOUNT_MANAGER:
		customer = reading.table("Customer", alias="managed")
		unassigned = unassigned.left_join(customer).on(customer.name == left.customer)
		user = customer.account_manager
	unassigned, person = salesperson_of(reading, unassigned, user, left[document_day])
	return _shared(reading, unassigned, left, person, ValueWrapper(1), amount_is_shared)


_CARRIED = ("document", "day", "since", "company", "territory", "source", "quantity", "amount")


def _team_of(rows: Any, team: Any, parenttype: str | Callable[[Any], Term], parent: str) -> Term:
	kind = Bound(parenttype) if isinstance(parenttype, str) else parenttype(rows)
	return (team.parent == rows[parent]) & (team.parenttype == kind)


def _shared(
	reading: Reading, query: Any, rows: Any, person: Term, share: Term, amount_is_shared: bool
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
	)
