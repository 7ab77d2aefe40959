"""How far the records can be trusted: what is missing or odd in them, and which KPI suffers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict

from pypika import Case
from pypika.functions import Abs, Count, Sum

from sales_kpi import catalogue
from sales_kpi.analysis.masters import Masters, read_masters
from sales_kpi.facts.reading.binding import Bound
from sales_kpi.facts.reading.costs import lines
from sales_kpi.facts.reading.customers import contracts
from sales_kpi.facts.reading.dialect import number, text
from sales_kpi.facts.reading.invoices import invoices
from sales_kpi.facts.reading.opportunities import ENDS, opportunities, ordered_opportunities
from sales_kpi.facts.reading.people import salesperson_of
from sales_kpi.facts.reading.query import Query
from sales_kpi.facts.reading.reading import Reading, where
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.sources.source import Source

EXAMPLES = 5
"""How many of the records at fault are named."""


class Check(TypedDict):
	"""One check of the records.

	count: records at fault; of: records looked at; share: the one in the other, None where there are none. doctype: of
	the records. kpis: names of the KPIs that suffer. fix: what to do. examples: names of some of the records.
	"""

	name: str
	title: str
	doctype: str
	count: float
	of: float
	share: float | None
	kpis: list[str]
	fix: str
	examples: list[str]


CHECK_FIELDS: tuple[str, ...] = tuple(Check.__annotations__)

SALES_KPIS = (
	"sales_volume", "deals", "average_deal_value", "bookings", "orders", "average_order_value", "new_customers",
	"churn_rate", "repeat_rate", "sales_cycle",
)  # fmt: skip
CRM_KPIS = ("lead_conversion_rate", "win_rate", "opportunity_cycle", "quote_to_order_rate", "pipeline_value")


@dataclass(frozen=True)
class Rule:
	"""What is checked.

	records: all records that the rule is about, a query with the columns `record` and `fault` (1 or 0; a fraction where
	only a part of a record is at fault).
	"""

	name: str
	title: str
	doctype: str
	records: Callable[[Reading], Any]
	kpis: tuple[str, ...]
	fix: str


def quality(
	source: Source,
	company: str,
	settings: Settings | None = None,
	as_of: date | None = None,
	masters: Masters | None = None,
) -> list[Check]:
	"""All checks of one company's records up to a day, today if none is given."""
	settings = settings or Settings()
	masters = masters or read_masters(source, settings)
	reading = masters.reading(settings, as_of or date.today(), source, company)
	return [_checked(source, reading, rule) for rule in RULES]


def _checked(source: Source, reading: Reading, rule: Rule) -> Check:
	def run(select: Callable[[Any], Any]) -> Any:
		statement = reading.statement()
		rows = rule.records(statement).as_("checked")
		return source.run(statement.shared.complete(select(rows)))

	counted = run(lambda rows: Query.from_(rows).select(Sum(rows.fault).as_("count"), Count("*").as_("of")))
	count, of = float(counted["count"].iloc[0] or 0), float(counted["of"].iloc[0] or 0)
	examples: list[str] = []
	if count > 0:
		some = run(
			lambda rows: (
				Query.from_(rows)
				.where(rows.fault > 0)
				.select(rows.record)
				.orderby(rows.record)
				.limit(EXAMPLES)
			)
		)
		examples = [str(name) for name in some["record"]]
	return Check(
		name=rule.name,
		title=rule.title,
		doctype=rule.doctype,
		count=count,
		of=of,
		share=count / of if of else None,
		kpis=[name for name in rule.kpis if name in catalogue.kpis()],
		fix=rule.fix,
		examples=examples,
	)


def _flag(condition: Any) -> Any:
	return Case().when(condition, 1).else_(0).as_("fault")


def _of_company_or_none(reading: Reading, company: Any) -> Any:
	return (company == Bound(reading.company or "")) | (text(company) == Bound(""))


# Users and owners


def _owners(reading: Reading) -> Any:
	"""Users who own a lead or opportunity, at fault when no salesperson is theirs."""
	lead, opportunity = reading.table("Lead"), reading.table("Opportunity")
	owners = (
		where(
			Query.from_(lead),
			text(lead.lead_owner) != Bound(""),
			_of_company_or_none(reading, lead.company),
			reading.until_now.holds_moment(lead.creation),
		)
		.select(lead.lead_owner.as_("record"))
		.distinct()
		.union(
			where(
				Query.from_(opportunity),
				text(opportunity.opportunity_owner) != Bound(""),
				_of_company_or_none(reading, opportunity.company),
				reading.until_now.holds(opportunity.transaction_date),
			)
			.select(opportunity.opportunity_owner.as_("record"))
			.distinct()
		)
	).as_("owner_user")
	query, person = salesperson_of(reading, Query.from_(owners), owners.record, Bound(reading.as_of))
	return query.select(owners.record.as_("record"), _flag(person == Bound("")))


def _salespeople(reading: Reading) -> Any:
	"""Enabled salespeople, at fault when no user is theirs."""
	from sales_kpi.facts.reading.people import employees_salespeople

	person = reading.table("Sales Person")
	known = employees_salespeople(reading).as_("known")
	mapped = [row.sales_person for row in reading.settings.mapping]
	query = (
		Query.from_(person)
		.left_join(known)
		.on(known.sales_person == person.name)
		.where(number(person.enabled) == 1)
		.where(number(person.is_group) == 0)
		.groupby(person.name)
	)
	theirs = Count(known.user_name) > 0
	missing = Case().when(theirs, 0)
	if mapped:
		missing = missing.when(person.name.isin([Bound(name) for name in mapped]), 0)
	return query.select(person.name.as_("record"), missing.else_(1).as_("fault"))


def _leads(condition: Callable[[Reading, Any], Any]) -> Callable[[Reading], Any]:
	def records(reading: Reading) -> Any:
		lead = reading.table("Lead")
		query = where(Query.from_(lead), _of_company_or_none(reading, lead.company))
		dated = [
			(lead.creation.isnull()) | predicate
			for predicate in reading.until_now.holds_moment(lead.creation)
		]
		return where(query, dated).select(lead.name.as_("record"), _flag(condition(reading, lead)))

	return records


def _opportunities_without_owner(reading: Reading) -> Any:
	opportunity = reading.table("Opportunity")
	return where(
		opportunities(reading, opportunity), _of_company_or_none(reading, opportunity.company)
	).select(opportunity.name.as_("record"), _flag(text(opportunity.opportunity_owner) == Bound("")))


# Invoices and their teams


def _teams(reading: Reading) -> Any:
	"""Invoices with the sum of their Sales Team in `assigned`, NULL without one."""
	invoice, team = reading.table("Sales Invoice"), reading.table("Sales Team", alias="team")
	assigned = (
		Query.from_(team)
		.where((team.parent == invoice.name) & (team.parenttype == Bound("Sales Invoice")))
		.select(Sum(number(team.allocated_percentage)))
	)
	return invoices(reading, invoice).select(invoice.name.as_("record"), assigned.as_("assigned"))


def _without_team(reading: Reading) -> Any:
	rows = _teams(reading).as_("teamed")
	return Query.from_(rows).select(rows.record, _flag(rows.assigned.isnull()))


def _off_balance(reading: Reading) -> Any:
	rows = _teams(reading).as_("teamed")
	return (
		Query.from_(rows)
		.where(rows.assigned.notnull())
		.select(rows.record, _flag(Abs(rows.assigned - 100) > 0.001))
	)


def _odd_shares(reading: Reading) -> Any:
	"""Invoices with a Sales Team, at fault when a single share is below 0 or above 100 %."""
	invoice, team = reading.table("Sales Invoice"), reading.table("Sales Team", alias="team")
	share = number(team.allocated_percentage)
	odd = Sum(Case().when((share < 0) | (share > 100), 1).else_(0))
	return (
		invoices(reading, invoice)
		.join(team)
		.on((team.parent == invoice.name) & (team.parenttype == Bound("Sales Invoice")))
		.groupby(invoice.name)
		.select(invoice.name.as_("record"), Case().when(odd > 0, 1).else_(0).as_("fault"))
	)


def _customers_gone(reading: Reading) -> Any:
	invoice, customer = reading.table("Sales Invoice"), reading.table("Customer")
	return (
		invoices(reading, invoice)
		.left_join(customer)
		.on(customer.name == invoice.customer)
		.select(invoice.name.as_("record"), _flag(customer.name.isnull()))
	)


def _undated_invoices(reading: Reading) -> Any:
	invoice = reading.table("Sales Invoice")
	return where(Query.from_(invoice), invoice.docstatus == 1, reading.of_company(invoice.company)).select(
		invoice.name.as_("record"), _flag(invoice.posting_date.isnull())
	)


def _unknown_cost(reading: Reading) -> Any:
	rows = lines(reading).as_("costed")
	return Query.from_(rows).select(rows.document.as_("record"), _flag(rows.cost.isnull()))


# Customers, opportunities, feedback


def _without_contact(reading: Reading) -> Any:
	"""Customers with a first contract, at fault when no contact before it is on record."""
	contract = contracts(reading).as_("contract")
	met = catalogue.facts()["first_order"].rows(reading.narrowed(dimensions=frozenset())).as_("met")
	return (
		Query.from_(contract)
		.left_join(met)
		.on(met.document == contract.customer)
		.select(contract.customer.as_("record"), _flag(met.document.isnull()))
	)


def _estimated_days(reading: Reading) -> Any:
	"""Wins, losses and drops, each at fault as far as its day is estimated."""
	rows = ENDS.rows(reading.narrowed(dimensions=frozenset())).as_("ended")
	return Query.from_(rows).select(rows.document.as_("record"), rows.estimated.as_("fault"))


def _claimed_wins(reading: Reading) -> Any:
	"""Opportunities that are won, at fault when only their status says so."""
	opportunity = reading.table("Opportunity")
	won = ordered_opportunities(reading).as_("won")
	query = opportunities(reading, opportunity).left_join(won).on(won.document == opportunity.name)
	return where(
		query,
		won.document.notnull() | (opportunity.status == Bound("Converted")),
		_of_company_or_none(reading, opportunity.company),
	).select(opportunity.name.as_("record"), _flag(won.document.isnull()))


def _empty_feedback(reading: Reading) -> Any:
	"""Feedback of customers, at fault when every rating is the 1 that ERPNext fills in."""
	form, answer = (
		reading.table("Quality Feedback"),
		reading.table("Quality Feedback Parameter", alias="answer"),
	)
	given = Case().when((text(answer.rating) != Bound("")) & (answer.rating != Bound("1")), 1)
	return (
		where(
			Query.from_(form).join(answer).on(answer.parent == form.name),
			form.document_type == Bound("Customer"),
			reading.until_now.holds_moment(form.creation),
		)
		.groupby(form.name)
		.select(form.name.as_("record"), Case().when(Count(given) == 0, 1).else_(0).as_("fault"))
	)


def _undated_opportunities(reading: Reading) -> Any:
	opportunity = reading.table("Opportunity")
	return where(Query.from_(opportunity), _of_company_or_none(reading, opportunity.company)).select(
		opportunity.name.as_("record"), _flag(opportunity.transaction_date.isnull())
	)


RULES: tuple[Rule, ...] = (
	Rule(
		"unmapped_users", "Users who own leads or opportunities but are no salesperson", "User", _owners, CRM_KPIS,
		"Map the user to a salesperson in the settings, or link the Employee to the user and the Sales Person to the Employee.",
	),
	Rule(
		"salespeople_without_user", "Salespeople to whom no user maps", "Sales Person", _salespeople,
		(*CRM_KPIS, "calls", "meetings", "emails"),
		"Map a user to the salesperson in the settings, or fill in the Employee of the Sales Person.",
	),
	Rule(
		"leads_without_owner", "Leads without an owner", "Lead",
		_leads(lambda reading, lead: text(lead.lead_owner) == Bound("")), ("lead_conversion_rate",),
		"Give each lead an owner when it comes in.",
	),
	Rule(
		"leads_without_source", "Leads without a source", "Lead",
		_leads(lambda reading, lead: reading.channel("Lead", lead) == Bound("")),
		("lead_conversion_rate", "customer_lifetime_value", "customer_acquisition_cost"),
		"Make the source of a lead mandatory, and fill it in for those without.",
	),
	Rule(
		"leads_without_date", "Leads without a date of creation", "Lead",
		_leads(lambda reading, lead: lead.creation.isnull()), ("lead_conversion_rate", "sales_cycle"),
		"Find out how these leads were imported; without a day they count nowhere.",
	),
	Rule(
		"opportunities_without_owner", "Opportunities without an owner", "Opportunity", _opportunities_without_owner,
		("win_rate", "opportunity_cycle", "pipeline_value"), "Give each opportunity an owner.",
	),
	Rule(
		"opportunities_without_date", "Opportunities without a date", "Opportunity", _undated_opportunities,
		("win_rate", "pipeline_value"), "Fill in the date of the opportunity; without it it counts nowhere.",
	),
	Rule(
		"invoices_without_team", "Invoices without a Sales Team", "Sales Invoice", _without_team, SALES_KPIS,
		"Fill in the Sales Team of the customer, so that new invoices take it; or choose in the settings who is credited without one.",
	),
	Rule(
		"teams_off_100", "Invoices whose Sales Team doesn’t add up to 100 %", "Sales Invoice", _off_balance, SALES_KPIS,
		"Correct the shares of the Sales Team; what is missing to 100 % is nobody’s.",
	),
	Rule(
		"shares_out_of_range", "Invoices with a share below 0 or above 100 %", "Sales Invoice", _odd_shares, SALES_KPIS,
		"Correct the share in the Sales Team.",
	),
	Rule(
		"invoices_without_customer", "Invoices whose customer doesn’t exist", "Sales Invoice", _customers_gone,
		("new_customers", "churn_rate", "customer_lifetime_value"),
		"Find out what became of the customer; perhaps it was deleted by an import.",
	),
	Rule(
		"invoices_without_date", "Invoices without a posting date", "Sales Invoice", _undated_invoices,
		("sales_volume", "deals"), "Find out how these invoices were imported; without a day they count nowhere.",
	),
	Rule(
		"unknown_cost", "Invoice lines whose cost is unknown", "Sales Invoice", _unknown_cost, ("gross_margin",),
		"Lines of services have no cost in ERPNext. For goods, deliver from stock, so that ERPNext records the valuation.",
	),
	Rule(
		"customers_without_contact", "Customers without a contact before their first order", "Customer", _without_contact,
		("sales_cycle",), "Convert leads and opportunities into customers, instead of creating customers anew.",
	),
	Rule(
		"estimated_days", "Wins, losses and drops whose day is estimated", "Opportunity", _estimated_days,
		("win_rate", "opportunity_cycle", "pipeline_value"),
		"ERPNext doesn’t keep the day on which a status changed. The app’s own log does, from the day it is installed.",
	),
	Rule(
		"wins_without_order", "Wins claimed by status, without any order", "Opportunity", _claimed_wins,
		("win_rate", "opportunity_cycle"), "Make the quotation and the order from the opportunity.",
	),
	Rule(
		"feedback_not_filled_in", "Feedback in which every rating is the 1 that ERPNext fills in", "Quality Feedback",
		_empty_feedback, ("customer_satisfaction",), "Fill in the ratings before saving; a form of ones counts nowhere.",
	),
)  # fmt: skip
"""All checks, those first that most often explain a figure that somebody doesn't believe."""
