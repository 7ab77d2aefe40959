"""Why a KPI has no value here, and the one thing that would give it one."""

from __future__ import annotations

from collections.abc import Callable

from sales_kpi.analysis.values import LOW_COVERAGE, NEEDS_SETTING, NO_MAPPING, TOO_EARLY
from sales_kpi.kpis.definition import Kpi, Needs
from sales_kpi.scorecard.words import sentence

_ = sentence

BY_REASON: dict[str, tuple[str, str]] = {
	NO_MAPPING: (
		_("No user is mapped to a salesperson."),
		_("Map users to salespeople in the settings, or link each Sales Person to an Employee with a user."),
	),
	TOO_EARLY: (_("The first figure needs more time."), _("Nothing to do but wait.")),
	LOW_COVERAGE: (
		_("ERPNext knows the cost of less than half of the volume."),
		_("Sell stock items with a valuation rate: their cost is then noted on each invoice line."),
	),
	"not-permitted": (_("Your role may not see it."), _("Ask an administrator for the permission.")),
}

BY_NEED: dict[Needs, tuple[str, str]] = {
	Needs.ACQUISITION_ACCOUNTS: (
		_("No account is named on which the cost of winning customers is booked."),
		_("Name these accounts in the settings (acquisition_accounts)."),
	),
}

_LEADS = (_("There are no leads."), _("Enter enquiries as Leads, each with an owner."))
_OPPORTUNITIES = (
	_("There are no opportunities."),
	_("Keep what might become a deal as Opportunities, each with an owner and an amount."),
)
_DECIDED = (
	_("No opportunity was won or lost."),
	_("Make quotations and orders from Opportunities, and set those that are gone to Lost."),
)
_ORDERS = (
	_("There are no sales orders."),
	_("Enter what customers order as Sales Orders before invoicing it."),
)
_INVOICES = (_("There are no sales invoices."), _("Submit Sales Invoices in ERPNext."))
_QUOTATIONS = (
	_("There are no quotations."),
	_("Write quotations in ERPNext, and make the orders from them."),
)

BY_FACT: dict[str, tuple[str, str]] = {
	"sale": _INVOICES,
	"credit_note": _INVOICES,
	"customer": _INVOICES,
	"customer_spell": _INVOICES,
	"customer_lapse": _INVOICES,
	"costed_sale": _INVOICES,
	"cost_of_goods": _INVOICES,
	"first_sale": (
		_("No new customer has bought."),
		_("It appears with the first invoice of a new customer."),
	),
	"order": _ORDERS,
	"quotation": _QUOTATIONS,
	"quotation_order": _QUOTATIONS,
	"lead": _LEADS,
	"lead_conversion": _LEADS,
	"opportunity": _OPPORTUNITIES,
	"opportunity_win": _DECIDED,
	"opportunity_loss": _DECIDED,
	"opportunity_drop": _OPPORTUNITIES,
	"first_order": (
		_("No new customer’s first contact is known."),
		_("Make customers from their Lead or Opportunity, so that the first contact stays known."),
	),
	"rating": (
		_("No customer was asked, or none has answered."),
		_("Record Quality Feedback of customers, or send them the survey."),
	),
	"call": (
		_("There are no calls."),
		_("Connect the telephone system, or enter calls as Events of category Call."),
	),
	"meeting": (_("There are no meetings."), _("Enter meetings as Events of category Meeting.")),
	"email": (_("There are no mails."), _("Write to leads and customers from ERPNext.")),
	"first_response": (
		_("No first answer was timed."),
		_("Answer opportunities by mail from ERPNext: it times the first answer by itself."),
	),
	"acquisition_cost": (
		_("No cost was booked on the accounts that are named."),
		_("Check which accounts the settings name (acquisition_accounts)."),
	),
}

UNKNOWN_FACT = (_("There are no records of the kind “{0}”."), _("Enter such records in ERPNext."))


def explain(kpi: Kpi, reason: str, translate: Callable[..., str]) -> tuple[str, str]:
	"""Why a KPI has no value, and what to do, for the reason that the engine gives."""
	if reason == NEEDS_SETTING and kpi.needs:
		why, fix = BY_NEED[kpi.needs[0]]
	elif reason in BY_REASON:
		why, fix = BY_REASON[reason]
	else:
		# What a formula divides by comes last: without it there is no value.
		fact = kpi.formula.facts()[-1]
		why, fix = BY_FACT.get(fact, UNKNOWN_FACT)
		if fact not in BY_FACT:
			return translate(why, fact), translate(fix)
	return translate(why), translate(fix)
