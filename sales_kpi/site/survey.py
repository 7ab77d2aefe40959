"""The app's own survey: whom it asks, by which link, and what a guest may do with that link.

A link carries a random token of 256 bits; the site keeps only its hash, so that nobody who reads the database can answer
for a customer. A link answers once, until it expires, and opts out at any time. Every other link (forged, expired, used
up, sent to somebody else, of a customer that is no more) is told apart nowhere.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder.functions import Coalesce
from frappe.utils import get_url, getdate, now_datetime, validate_email_address

from sales_kpi.errors import InputError
from sales_kpi.periods import Calendar, Every
from sales_kpi.site.settings import site_settings

SURVEY, INVITATION = "KPI Survey", "KPI Survey Invitation"
ANSWER, OPT_OUT = "KPI Survey Answer", "KPI Survey Opt Out"

CSAT, NPS = "CSAT", "NPS"
SCORES = {CSAT: range(1, 6), NPS: range(11)}
"""What may be answered."""

SENT, ANSWERED, EXPIRED = "Sent", "Answered", "Expired"

PAGE = "sales-kpi-survey"

LONGEST_COMMENT = 2000

CATCH_UP_DAYS = 7
"""What was due so many days ago is still asked about: the scheduler may have stood still."""

EVERY = {"Month": Every.MONTH, "Quarter": Every.QUARTER, "Year": Every.YEAR}

LANGUAGES = ("en", "fa")
"""Languages that the survey is written in."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def usual_question(kind: str, company: str) -> str:
	"""The question that is asked where a survey has none of its own, in the present language."""
	if kind == NPS:
		return str(_("How likely are you to recommend {0} to a friend or colleague?")).format(company)
	return str(_("How satisfied are you with {0}?")).format(company)


def question_of(invitation: Any) -> str:
	"""What an invitation asks, in the present language."""
	own = frappe.db.get_value(SURVEY, invitation.survey, "question")
	return str(_(own)) if own else usual_question(invitation.kind, invitation.company)


# Whom it asks


@dataclass(frozen=True)
class Occasion:
	"""Something that happened with a customer, and whom it happened with."""

	doctype: str
	name: str
	customer: str
	contact: str
	email: str
	language: str


def send() -> None:
	"""The daily job: send what is due, and close what has expired.

	Invitation and mail are one transaction each, so that a job that is killed, runs twice or runs beside another one sends
	nothing twice.
	"""
	close_expired()
	for name in frappe.get_all(SURVEY, filters={"enabled": 1}, pluck="name", order_by="creation"):
		survey = frappe.get_doc(SURVEY, name)
		for occasion in occasions(survey):
			if not _sent(survey, occasion):
				break
	# The last ones that weren't sent have left nothing behind.
	frappe.db.commit()  # nosemgrep: a job, see above


def _sent(survey: Document, occasion: Occasion) -> bool:
	"""Whether the survey may go on after this occasion; it can't where the site has no way to send mail."""
	try:
		invite(survey, occasion)
	except frappe.OutgoingEmailError:
		frappe.db.rollback()
		frappe.log_error(title=f"Sales KPI: {survey.name} has no e-mail account to send from"[:140])
		return False
	except frappe.DuplicateEntryError:
		# Another job was faster.
		frappe.db.rollback()
		frappe.clear_messages()
	except Exception:
		frappe.db.rollback()
		frappe.log_error(title=f"Sales KPI: {survey.name} was not sent for {occasion.name}"[:140])
	else:
		frappe.db.commit()  # nosemgrep: a job, see `send`
	return True


def close_expired() -> None:
	"""Say of links that are no longer valid that they aren't."""
	table = frappe.qb.DocType(INVITATION)
	over = (table.state == SENT) & (table.expires_on < now_datetime())
	frappe.qb.update(table).set(table.state, EXPIRED).where(over).run()


def occasions(survey: Document) -> Iterator[Occasion]:
	"""What a survey is due to ask about, newest first."""
	last = getdate() - timedelta(days=survey.delay_days or 0)
	first = max(getdate(survey.enabled_on), last - timedelta(days=CATCH_UP_DAYS))
	if first > last:
		return
	rows = (
		_issues(survey.company, first, last)
		if survey.sent_after == "Issue"
		else _invoices(survey.company, first, last)
	)
	shared = site_settings().engine.not_one_customer
	seen = set()
	for row in rows:
		if row.customer in shared or row.customer in seen:
			continue
		customer = frappe.db.get_value(
			"Customer",
			row.customer,
			["name", "disabled", "language", "email_id", "customer_primary_contact"],
			as_dict=True,
		)
		if not customer or customer.disabled:
			continue
		seen.add(row.customer)
		contact, email = _reached(row, customer)
		if email:
			language = _language(customer.language, row.get("language"))
			yield Occasion(survey.sent_after, row.name, row.customer, contact, email, language)


def _invoices(company: str, first: date, last: date) -> list[Any]:
	"""Sales to customers, no returns or corrections."""
	found: list[Any] = frappe.get_all(
		"Sales Invoice",
		filters={
			"docstatus": 1,
			"company": company,
			"posting_date": ("between", (first, last)),
			"is_return": 0,
			"is_debit_note": 0,
			"is_internal_customer": 0,
			"is_opening": ("!=", "Yes"),
		},
		fields=["name", "customer", "contact_person as contact", "contact_email as email", "language"],
		order_by="posting_date desc, creation desc",
	)
	return found


def _issues(company: str, first: date, last: date) -> list[Any]:
	"""Issues that were resolved; where no service level says when, on the day of their last change."""
	issue = frappe.qb.DocType("Issue")
	meta = frappe.get_meta("Issue")
	resolved = issue["sla_resolution_date" if meta.has_field("sla_resolution_date") else "resolution_date"]
	moment = Coalesce(resolved, issue.modified)
	found: list[Any] = (
		frappe.qb.from_(issue)
		.where(issue.status.isin(("Resolved", "Closed")))
		.where(issue.company == company)
		.where(issue.customer != "")
		.where((moment >= first) & (moment < last + timedelta(days=1)))
		.orderby(moment, order=frappe.qb.desc)
		.orderby(issue.name)
		.select(issue.name, issue.customer, issue.contact, issue.raised_by.as_("email"))
		.run(as_dict=True)
	)
	return found


def _reached(row: Any, customer: Any) -> tuple[str, str]:
	"""The contact and address to ask at: those of the occasion, else the customer's own; '' where there is none.

	A colleague who wrote the Issue down isn't the customer.
	"""
	of_contact = frappe.db.get_value("Contact", row.contact, "email_id") if row.contact else None
	for contact, email in (
		(row.contact, row.email),
		(row.contact, of_contact),
		(customer.customer_primary_contact, customer.email_id),
	):
		address = validate_email_address((email or "").strip()).lower()
		if address and not _is_staff(address):
			return contact or "", address
	return "", ""


def _is_staff(email: str) -> bool:
	return bool(frappe.db.exists("User", {"email": email, "user_type": "System User"}))


def _language(*names: str | None) -> str:
	"""The first language known of somebody, if the survey is written in it; else that of the site."""
	named = next((name for name in names if name), None) or frappe.db.get_default("lang") or "en"
	return named if named in LANGUAGES else "en"


def invite(survey: Document, occasion: Occasion) -> str | None:
	"""Ask about an occasion, unless the customer was asked in this period or wants no questions. Returns the token.

	The token is in the mail and nowhere else.
	"""
	calendar = site_settings().calendar
	if has_opted_out(occasion.email, occasion.customer) or _was_asked(survey, occasion, calendar):
		return None
	token, now = secrets.token_urlsafe(32), now_datetime()
	invitation = frappe.get_doc(
		{
			"doctype": INVITATION,
			"survey": survey.name,
			"kind": survey.kind,
			"company": survey.company,
			"customer": occasion.customer,
			"contact": occasion.contact,
			"email": occasion.email,
			"language": occasion.language,
			"state": SENT,
			"sent_on": now,
			"expires_on": now + timedelta(days=survey.valid_days),
			"reference_doctype": occasion.doctype,
			"reference_name": occasion.name,
			"token_hash": hashed(token),
		}
	)
	invitation.flags.is_sent_now = True
	name = _once(survey, occasion.customer, calendar)
	invitation.insert(ignore_permissions=True, set_name=name)
	_mail(invitation, token)
	return token


def _was_asked(survey: Document, occasion: Occasion, calendar: Calendar) -> bool:
	"""Whether the customer was asked by the company in the present period, or about this very occasion ever."""
	first = calendar.period(getdate(), EVERY[survey.once_per]).start
	return bool(
		frappe.db.exists(
			INVITATION,
			{"company": survey.company, "customer": occasion.customer, "sent_on": (">=", first)},
		)
		or frappe.db.exists(
			INVITATION,
			{
				"survey": survey.name,
				"reference_doctype": occasion.doctype,
				"reference_name": occasion.name,
			},
		)
	)


def _once(survey: Document, customer: str, calendar: Calendar) -> str:
	"""A name that only one invitation of a customer in a period can have: two jobs at once can't both invite."""
	first = calendar.period(getdate(), EVERY[survey.once_per]).start
	key = "\n".join((survey.company, customer, survey.once_per, first.isoformat()))
	return hashlib.sha256(key.encode()).hexdigest()[:20]


def has_opted_out(email: str, customer: str) -> bool:
	"""Whether somebody wants no questions: by our list, or because it wants no mail at all."""
	return bool(
		frappe.db.exists(OPT_OUT, {"email": email})
		or frappe.db.exists(OPT_OUT, {"customer": customer})
		or frappe.db.exists("Email Unsubscribe", {"email": email, "global_unsubscribe": 1})
	)


def _mail(invitation: Document, token: str) -> None:
	with spoken(invitation.language):
		company = " ".join(invitation.company.split())
		frappe.sendmail(
			recipients=[invitation.email],
			subject=str(_("How satisfied are you with {0}?")).format(company),
			template="kpi_survey",
			args={
				"company": company,
				"question": question_of(invitation),
				"scores": [
					(score, link(token, invitation.language, score=score))
					for score in SCORES[invitation.kind]
				],
				"ends": ends(invitation.kind),
				"answer_link": link(token, invitation.language),
				"opt_out_link": link(token, invitation.language, opt_out=1),
				"is_rtl": invitation.language == "fa",
			},
			reference_doctype=INVITATION,
			reference_name=invitation.name,
			add_unsubscribe_link=0,
			delayed=True,
		)


def ends(kind: str) -> tuple[str, str]:
	"""What the lowest and the highest score mean."""
	if kind == NPS:
		return str(_("Not at all likely")), str(_("Extremely likely"))
	return str(_("Very dissatisfied")), str(_("Very satisfied"))


def link(token: str, language: str, **more: int) -> str:
	"""The address that a customer is sent."""
	extra = "".join(f"&{name}={value}" for name, value in more.items())
	return str(get_url(f"/{PAGE}?token={token}&_lang={language}{extra}"))


@contextmanager
def spoken(language: str) -> Iterator[None]:
	"""Texts in another language than the session's."""
	before = frappe.local.lang
	frappe.local.lang = language
	try:
		yield
	finally:
		frappe.local.lang = before


# What a guest may do


def hashed(token: str) -> str:
	"""What the site knows of a token."""
	return hashlib.sha256(token.encode()).hexdigest()


def invitation_of(token: object, for_update: bool = False) -> Any:
	"""The invitation that a link belongs to, whatever has become of it; None for a forged link."""
	if not isinstance(token, str) or not _TOKEN.fullmatch(token):
		return None
	return frappe.db.get_value(
		INVITATION,
		{"token_hash": hashed(token)},
		[
			"name",
			"survey",
			"kind",
			"company",
			"customer",
			"email",
			"state",
			"expires_on",
			"reference_doctype",
			"reference_name",
		],
		as_dict=True,
		for_update=for_update,
	)


def answerable(token: object, user: str, for_update: bool = False) -> Any:
	"""The invitation that may be answered by a link now; None for every other link, without a word why."""
	found = invitation_of(token, for_update)
	if (
		found is None
		or not is_addressed_to(found, user)
		or found.state != SENT
		or found.expires_on < now_datetime()
		or not frappe.db.exists("Customer", found.customer)
	):
		return None
	return found


def is_addressed_to(invitation: Any, user: str) -> bool:
	"""Whether somebody may use a link: nobody knows a guest, but who is logged in has to be whom it was sent to."""
	return user == "Guest" or user.lower() == (invitation.email or "").lower()


def checked_score(kind: str, given: object) -> int:
	"""A score that somebody has sent; an InputError when it is none."""
	text = str(given if given is not None else "").strip()
	if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) in SCORES[kind]):
		raise InputError(_("Please choose a number."))
	return int(text)


def answer(token: object, score: object, comment: object, user: str = "Guest") -> bool:
	"""Take an answer. False where the link can't be answered; an InputError where something is missing.

	The invitation is locked, so that of two answers at once the second finds it answered.
	"""
	found = answerable(token, user, for_update=True)
	if found is None:
		return False
	chosen = checked_score(found.kind, score)
	text = comment.strip() if isinstance(comment, str) else ""
	if len(text) > LONGEST_COMMENT:
		raise InputError(_("Your comment is too long: {0} characters are possible.").format(LONGEST_COMMENT))
	now = now_datetime()
	given = frappe.get_doc(
		{
			"doctype": ANSWER,
			"customer": found.customer,
			"company": found.company,
			"kind": found.kind,
			"score": chosen,
			"rating": chosen / 5 if found.kind == CSAT else None,
			"comment": text,
			"answered_on": now,
			"invitation": found.name,
			"reference_doctype": found.reference_doctype,
			"reference_name": found.reference_name,
		}
	)
	given.flags.is_given_now = True
	# What was asked about may be gone, and the contact too; the answer stands all the same.
	given.flags.ignore_links = True
	given.insert(ignore_permissions=True)
	_settle(found.name, now)
	return True


def _settle(name: str, now: datetime) -> None:
	frappe.db.set_value(INVITATION, name, {"state": ANSWERED, "answered_on": now})


def opt_out(token: object, user: str = "Guest") -> bool:
	"""Ask somebody no more. A link does so at any time, also when it is answered or expired; False for a forged one."""
	found = invitation_of(token)
	if found is None or not is_addressed_to(found, user):
		return False
	if not frappe.db.exists(OPT_OUT, {"email": found.email}):
		doc = frappe.get_doc({"doctype": OPT_OUT, "email": found.email, "by_link": 1})
		try:
			doc.insert(ignore_permissions=True)
		except frappe.UniqueValidationError:
			# Sent twice at once: it is on the list.
			frappe.clear_messages()
	return True
