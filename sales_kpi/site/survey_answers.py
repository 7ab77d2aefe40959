"""Answers and invitations of the app's survey, credited as the fact `rating` credits them: by customer.

Who may see a figure may read the answers behind it, and no others: both are told by the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import frappe
from frappe.model.document import Document
from pypika.terms import ValueWrapper

from sales_kpi.facts.reading.dialect import text
from sales_kpi.facts.reading.fact import narrowed
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.ratings import rating_rows
from sales_kpi.facts.reading.reading import Reading, Span
from sales_kpi.kpis.definition import By
from sales_kpi.site.answers import Asker
from sales_kpi.site.permissions import Rights, is_active
from sales_kpi.site.survey import ANSWER, INVITATION
from sales_kpi.sources.site import SiteSource
from sales_kpi.totals.series import reading_of_all

if TYPE_CHECKING:
	import pandas as pd

READING = (None, "read", "select", "report", "export", "print", "email")
"""What somebody may do with an answer that they may see."""

MOMENT = {ANSWER: "answered_on", INVITATION: "sent_on"}


def limits(may: Rights, by: By = By.COMPANY) -> dict[str, tuple[str, ...]]:
	"""The values that the dimensions of rows may have for somebody; {} for all."""
	only = {}
	if may.territories is not None:
		only["territory"] = tuple(sorted(may.territories))
	if may.people is not None:
		only["sales_person"] = tuple(sorted(may.people))
		if may.teams_only and by is By.SALES_PERSON:
			only["sales_person"] = tuple(sorted(may.people & frozenset(may.own)))
	return only


def reading_of(asker: Asker, company: str | None, day: Span, only: Mapping[str, tuple[str, ...]]) -> Reading:
	"""A reading of a company's records, as far as somebody may see them."""
	today = frappe.utils.getdate()
	reading = reading_of_all(SiteSource(), asker.settings.engine, asker.masters, today)
	return reading.narrowed(company=company, day=day, only=dict(only), ahead=False)


def credited(doctype: str, reading: Reading, *columns: str) -> pd.DataFrame:
	"""Rows of answers, or of invitations by the day on which they were sent, and some of their own columns.

	A row for each answer and salesperson credited: `quantity` is the share of it.
	"""
	statement = reading.statement()
	table = statement.table(doctype)
	given = (
		Query.from_(table)
		.select(
			table.name.as_("document"),
			table[MOMENT[doctype]].as_("moment"),
			table.customer,
			text(table.company).as_("company"),
			ValueWrapper(1).as_("rating"),
		)
		.as_("given")
	)
	rows = narrowed(
		rating_rows(statement, Query.from_(given), given, own_company=given.company), statement
	).as_("credited")
	own = statement.table(doctype, alias="own")
	query = (
		Query.from_(rows)
		.join(own)
		.on(own.name == rows.document)
		.select(
			rows.document,
			rows.day,
			rows.sales_person,
			rows.territory,
			rows.source,
			rows.quantity,
			*(own[column] for column in columns),
		)
	)
	frame = SiteSource().run(statement.shared.complete(query))
	frame["quantity"] = frame["quantity"].astype(float)
	return frame


def answers_seen(asker: Asker) -> list[str] | None:
	"""Names of the answers that somebody may read; None for all that User Permissions leave."""
	only = limits(asker.may, By.SALES_PERSON)
	if not only:
		return None
	rows = credited(ANSWER, reading_of(asker, None, Span(), only))
	return list(dict.fromkeys(rows["document"]))


def answer_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Survey Answer."""
	user = user or frappe.session.user
	if not is_active(user):
		return "1 = 0"
	asker = Asker.current(user)
	if asker.may.is_blind:
		return "1 = 0"
	names = answers_seen(asker)
	if names is None:
		return ""
	listed = ", ".join(frappe.db.escape(name, percent=False) for name in names) or "''"
	return f"`tab{ANSWER}`.`name` in ({listed})"


def may_read_answer(
	doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False
) -> bool:
	"""Hook `has_permission` of KPI Survey Answer. A deletion is left to the roles that may."""
	user = user or frappe.session.user
	if not is_active(user):
		return False
	if ptype == "delete":
		return True
	if ptype not in READING:
		return False
	if not doc.get("customer"):
		# Asked about the doctype, not about a record.
		return True
	asker = Asker.current(user)
	if asker.may.is_blind:
		return False
	only = limits(asker.may, By.SALES_PERSON)
	if not only:
		return True
	reading = reading_of(asker, None, Span(), only).narrowed(entities=(doc.name,))
	return not credited(ANSWER, reading).empty
