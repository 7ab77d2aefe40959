"""First response time: how long an opportunity waited for its first answer: half waited less, half more."""

from __future__ import annotations

from sales_kpi.kpis.definition import Good, Kpi, Unit
from sales_kpi.kpis.formula import Distribution, Median, Of, Q, Ratio

KPI = Kpi(
	name="first_response_time",
	title="First response time",
	unit=Unit.SECONDS,
	good=Good.DOWN,
	formula=Median(Distribution("first_response", Of.AMOUNT)),
	meaning="How long an opportunity waited for its first answer: half waited less, half more.",
	moved_by="Somebody who is responsible for new opportunities at every hour of the working day.",
	beside={"Opportunities answered": Ratio(Q("first_response"), Q("opportunity"))},
)
