"""Deals: how many invoices were made out; a shared deal counts for each by its share."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Q, Sum

KPI = Kpi(
	name="deals",
	title="Deals",
	unit=Unit.COUNT,
	good=Good.UP,
	formula=Sum(Q("sale")),
	meaning="How many invoices were made out; a shared deal counts for each by its share.",
	moved_by="Enough open opportunities early enough, and quotations followed up until somebody decides.",
)
