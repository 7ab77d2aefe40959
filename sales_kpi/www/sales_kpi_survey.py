"""The page on which a customer answers a survey: for guests, without JavaScript.

A link that is opened changes nothing, since mail scanners open links too; only the form's POST does. What stands for
Frappe's CSRF token, which guests don't have, is the token of the link itself; who is logged in sends both.
"""

from __future__ import annotations

from typing import Any

import frappe
from frappe import _
from frappe.rate_limiter import rate_limit

from sales_kpi.errors import InputError
from sales_kpi.site import survey

no_cache = 1
sitemap = 0

MOST_REQUESTS, IN_SECONDS = 60, 10 * 60
"""From one address. Many customers may share one, and nobody guesses 256 bits."""

NEUTRAL_STATUS, LIMITED_STATUS = 404, 429


def get_context(context: Any) -> None:
	"""Decide what the page shows."""
	context.no_cache = 1
	context.language = frappe.local.lang or "en"
	context.update(_shown(frappe.form_dict, frappe.session.user))
	if context.get("status"):
		context.http_status_code = context.status


def _shown(form: Any, user: str) -> dict[str, Any]:
	if _is_limited():
		return {"view": "limited", "title": _("Please try again later"), "status": LIMITED_STATUS}
	token = form.get("token")
	is_sent = frappe.request.method == "POST"
	if form.get("opt_out"):
		return _opting_out(token, user, is_sent)
	if not is_sent:
		return _form(token, user, form.get("score"))
	try:
		if survey.answer(token, form.get("score"), form.get("comment"), user):
			return {"view": "thanks", "title": _("Thank you")}
	except InputError as error:
		return _form(token, user, form.get("score"), form.get("comment"), str(error))
	return neutral()


def _is_limited() -> bool:
	try:
		_counted()
	except (frappe.ValidationError, frappe.RateLimitExceededError):
		frappe.clear_messages()
		return True
	return False


@rate_limit(limit=MOST_REQUESTS, seconds=IN_SECONDS)
def _counted() -> None:
	"""One request of this page."""


def neutral() -> dict[str, Any]:
	"""What every link shows that can't be used, whatever the reason."""
	return {"view": "neutral", "title": _("This link can’t be used"), "status": NEUTRAL_STATUS}


def _form(token: object, user: str, score: object, comment: object = "", error: str = "") -> dict[str, Any]:
	invitation = survey.answerable(token, user)
	if invitation is None:
		return neutral()
	question = survey.question_of(invitation)
	try:
		chosen = survey.checked_score(invitation.kind, score)
	except InputError:
		chosen = None
	return {
		"view": "form",
		"title": question,
		"company": invitation.company,
		"scores": list(survey.SCORES[invitation.kind]),
		"ends": survey.ends(invitation.kind),
		"chosen": chosen,
		"comment": comment if isinstance(comment, str) else "",
		"longest": survey.LONGEST_COMMENT,
		"error": error,
		**_for_form(str(token)),
	}


def _opting_out(token: object, user: str, is_sent: bool) -> dict[str, Any]:
	if is_sent:
		if survey.opt_out(token, user):
			return {"view": "opted-out", "title": _("You won’t be asked again")}
		return neutral()
	found = survey.invitation_of(token)
	if found is None or not survey.is_addressed_to(found, user):
		return neutral()
	return {
		"view": "opt-out",
		"title": _("Don’t ask me again"),
		"company": found.company,
		**_for_form(str(token)),
	}


def _for_form(token: str) -> dict[str, Any]:
	"""What the form sends along. `token` has the shape of a token, so nothing in it can be markup."""
	language = frappe.local.lang if frappe.local.lang in survey.LANGUAGES else "en"
	other = "fa" if language == "en" else "en"
	return {
		"token": token,
		"form_language": language,
		"other_language": other,
		"other_language_name": {"en": "English", "fa": "فارسی"}[other],
		"csrf_token": frappe.session.data.csrf_token or "",
	}
