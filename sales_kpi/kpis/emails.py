"""Emails: mails written by people to leads, prospects and customers."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="emails",
	title="Emails",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("email")),
	meaning="Mails written by people to leads, prospects and customers.",
	moved_by="Templates help; what counts is the answers.",
)
