"""Digests: who gets which when, and that each gets it once, with the figures that their own rights allow.

The row of KPI Digest Log and the mail's row in Frappe's queue are written in one transaction, and the log's name says whose
digest of which day it is: two jobs at once leave one mail, and one that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, now_datetime, validate_email_address

from sales_kpi.errors import InputError
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Period
from sales_kpi.site.answers import Asker, explained
from sales_kpi.site.digest_mail import TEMPLATE, Letter, Mail, NothingToTell, view_of
from sales_kpi.site.permissions import is_active, permitted, refuse, salespeople_of
from sales_kpi.site.settings import SiteSettings, named_calendar
from sales_kpi.site.snapshots import BY
from sales_kpi.site.to_reach import users_of

DIGEST, LOG = "KPI Digest", "KPI Digest Log"

SENT, SKIPPED, FAILED = "Sent", "Skipped", "Failed"

EVERY = {"Weekly": Every.MONTH, "Monthly": Every.MONTH, "Quarterly": Every.QUARTER}
"""The periods that digests tell of: a week alone says little beside targets, which are of months."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

CATCH_UP = {"Weekly": 3, "Monthly": 7, "Quarterly": 7}
"""Days for which a digest that fell due is still sent: to whom it failed, or where no job ran. Later it is stale."""

MANAGER_ROLE = "Sales Master Manager"

TOO_LONG = 6 * 3600


@dataclass(frozen=True)
class Due:
	"""A digest that fell due: on which day, and about which period."""

	on: date
	period: Period
	every: Every


def due(doc: Document, calendar: Calendar, today: date) -> Due | None:
	"""What of a digest is to be sent today, if anything.

	A weekly one tells of the month that most of the last seven days lie in, others of the period that is over.
	"""
	every = EVERY[doc.frequency]
	if doc.frequency == "Weekly":
		on = today - timedelta(days=(today.weekday() - WEEKDAYS.index(doc.weekday)) % 7)
		period = calendar.period(on - timedelta(days=4), every)
	else:
		current = calendar.period(today, every)
		on = current.start + timedelta(days=(doc.day or 1) - 1)
		period = calendar.previous(current, every)
	begun = getdate(doc.enabled_on) if doc.enabled_on else None
	is_stale = not on <= today <= on + timedelta(days=CATCH_UP[doc.frequency])
	if is_stale or (begun is not None and on <= begun):
		return None
	return Due(on, period, every)


def calendar_of(doc: Document, settings: SiteSettings) -> Calendar:
	"""The calendar of a digest: the settings' own unless it names another kind."""
	if not doc.calendar or doc.calendar.lower() == settings.calendar.kind:
		return settings.calendar
	site = frappe.get_cached_doc("Sales KPI Settings")
	return named_calendar(doc.calendar, site.fiscal_year_start, site.week_start)


def log_name(digest: str, due_on: date | str, reader: str, by_hand: bool | int = False) -> str:
	"""The name of a reader's row in the log: the same for the same digest of the same day."""
	own = frappe.generate_hash(length=10) if by_hand else ""
	told = "\n".join((str(digest), str(getdate(due_on)), str(reader), own))
	return hashlib.sha256(told.encode()).hexdigest()[:20]


# Who gets it


@dataclass(frozen=True)
class Reader:
	"""Somebody whom a digest is for, and of what. skipped: why nothing is sent, if so."""

	user: str
	by: By
	scope: str
	email: str = ""
	language: str = ""
	skipped: str = ""


@dataclass
class Audience:
	"""Whom a digest or an alert is for, by the places that people have in the sales tree."""

	doc: Document
	asker: Asker
	choices: dict[str, str] = field(init=False)

	def __post_init__(self) -> None:
		self.choices = {row.user: row.choice for row in self.doc.recipients}

	def readers(self) -> Iterator[Reader]:
		"""All whom it is for, each once with the widest figures that it is to tell them, and whom it can't reach."""
		settings, tree = self.asker.settings, self.asker.masters.salespeople
		mapped = users_of(tree, self.asker)
		managers = frappe.get_all(
			"Has Role", {"role": MANAGER_ROLE, "parenttype": "User"}, pluck="parent", distinct=True
		)
		further = [user for user, choice in self.choices.items() if choice == "Send Too"]
		users = dict.fromkeys((*further, *sorted({*mapped, *managers})))
		reached: set[str] = set()
		for user in users:
			own = [name for name in salespeople_of(user, settings.engine) if name in tree]
			reached.update(own)
			place = self._place(user, own, user in managers)
			if place is not None:
				yield self._reader(user, *place)
		for name, node in tree.items():
			wanted = self.doc.to_team_leads if node.is_group else self.doc.to_salespeople
			if wanted and node.enabled and node.parent and name not in reached:
				by = By.TEAM if node.is_group else By.SALES_PERSON
				reason = _("No user is mapped to this team.") if node.is_group else None
				yield Reader("", by, name, skipped=reason or _("No user is mapped to this salesperson."))

	def _place(self, user: str, own: list[str], is_manager: bool) -> tuple[By, str] | None:
		tree, is_further = self.asker.masters.salespeople, self.choices.get(user) == "Send Too"
		if is_manager and user in ("Administrator", "Guest") and not is_further:
			# Frappe gives Administrator every role: that makes nobody a reader.
			is_manager = False
		if is_manager and (self.doc.to_managers or is_further):
			return By.COMPANY, self.doc.company
		teams = [name for name in own if tree[name].is_group]
		people = [name for name in own if not tree[name].is_group]
		if teams and (self.doc.to_team_leads or is_further):
			return By.TEAM, teams[0]
		if people and (self.doc.to_salespeople or is_further):
			return By.SALES_PERSON, people[0]
		return (By.COMPANY, self.doc.company) if is_further else None

	def _reader(self, user: str, by: By, scope: str) -> Reader:
		known = frappe.db.get_value("User", user, ["email", "language"], as_dict=True)
		if not known:
			return Reader(user, by, scope, skipped=_("There is no such user."))
		email = str(validate_email_address(known.email or ""))
		reader = Reader(user, by, scope, email, language_of(self.doc, known.language))
		return Reader(**{**reader.__dict__, "skipped": self._skipped(reader)})

	def _skipped(self, reader: Reader) -> str:
		if self.choices.get(reader.user) == "Never Send":
			return str(_("The digest says never to send it."))
		if not is_active(reader.user):
			return str(_("The user is disabled."))
		if not reader.email:
			return str(_("The user has no e-mail address."))
		if is_unsubscribed(reader.email, self.doc):
			return str(_("The reader has unsubscribed."))
		return ""


def language_of(doc: Document, own: str | None) -> str:
	"""The language in which somebody is written to."""
	# The field isn't called `language`: Frappe would fill that in with the site's own.
	return str(doc.get("mail_language") or own or frappe.db.get_default("lang") or "en")


def is_unsubscribed(email: str, doc: Document) -> bool:
	"""Whether somebody has followed the link by which mails of this kind are stopped."""
	of_this = {"reference_doctype": doc.doctype, "reference_name": doc.name}
	return bool(
		frappe.db.exists("Email Unsubscribe", {"email": email, **of_this})
		or frappe.db.exists("Email Unsubscribe", {"email": email, "global_unsubscribe": 1})
	)


@contextmanager
def written_for(user: str, language: str) -> Iterator[None]:
	"""The session of somebody else, in their language: what is read then is what they may read. For jobs alone."""
	before, was = frappe.session.user, frappe.local.lang
	try:
		if user != before:
			frappe.set_user(user)
		with in_language(language):
			yield
	finally:
		if frappe.session.user != before:
			frappe.set_user(before)
		frappe.local.lang = was


@contextmanager
def in_language(language: str) -> Iterator[None]:
	"""Words and templates in a language; as before afterwards, also where it fails."""
	was, jenv = frappe.local.lang, frappe.local.jenv
	frappe.local.lang, frappe.local.jenv = language, None
	try:
		yield
	finally:
		frappe.local.lang, frappe.local.jenv = was, jenv


# Sending


def send_due() -> None:
	"""The daily job: send what fell due, each digest in a job of its own."""
	for name in frappe.get_all(DIGEST, filters={"enabled": 1}, pluck="name"):
		frappe.enqueue(
			"sales_kpi.site.digest.send",
			queue="long",
			timeout=TOO_LONG,
			job_id=f"sales_kpi_digest:{name}",
			deduplicate=True,
			digest=name,
		)


def send(digest: str, today: date | None = None) -> dict[str, int]:
	"""Send a digest to all who haven't got it yet, if it is due. A job. Returns how many rows of each status were written."""
	doc = frappe.get_doc(DIGEST, digest)
	try:
		asker = Asker.current("Administrator")
		told = due(doc, calendar_of(doc, asker.settings), today or getdate())
	except (InputError, frappe.ValidationError) as error:
		# Whoever looks after the settings has to correct them; it is sent while it isn't stale.
		frappe.db.rollback()
		frappe.log_error(title=f"Sales KPI: the digest {doc.title} wasn't sent"[:140], message=str(error))
		frappe.db.commit()
		return {}
	written: dict[str, int] = {}
	if told is None:
		return written
	for reader in Audience(doc, asker).readers():
		status = _send_one(doc, told, reader)
		if status:
			written[status] = written.get(status, 0) + 1
	return written


def _send_one(doc: Document, told: Due, reader: Reader) -> str:
	"""Send a reader's digest, unless it was sent. Returns the status written, '' for none."""
	name = log_name(doc.name, told.on, reader.user or reader.scope)
	if frappe.db.get_value(LOG, name, "status") == SENT:
		return ""
	mail, status, reason = None, SKIPPED, reader.skipped
	if not reason:
		try:
			mail, status = _mail(doc, told, reader), SENT
		except NothingToTell:
			reason = str(_("Nothing was recorded for a year, and nothing was agreed."))
		except frappe.PermissionError:
			reason = str(_("The reader may see no figures of this."))
		except Exception as error:
			status, reason = FAILED, _logged(doc, reader, error)
	try:
		done = _write(doc, told, reader, name, mail, status, reason)
	except Exception as error:
		# The queue refuses it: no outgoing account, a wrong address. Others still get theirs.
		status, reason = FAILED, _logged(doc, reader, error)
		done = _write(doc, told, reader, name, None, status, reason)
	frappe.db.commit()
	frappe.clear_messages()
	return status if done else ""


def _logged(doc: Document, reader: Reader, error: Exception) -> str:
	"""What went wrong, in the Error Log with everything and in one line."""
	trace = frappe.get_traceback()
	frappe.db.rollback()
	title = f"Sales KPI: the digest {doc.title} failed for {reader.user}"[:140]
	frappe.log_error(title=title, message=trace, reference_doctype=DIGEST, reference_name=doc.name)
	if isinstance(error, frappe.OutgoingEmailError):
		return str(_("No mail can be sent: check the outgoing Email Account."))
	return str(_("It failed ({0}). The Error Log tells more.").format(type(error).__name__))


def _mail(doc: Document, told: Due, reader: Reader) -> Mail:
	with written_for(reader.user, reader.language):
		asker = Asker.current(reader.user)
		view = view_of(
			asker,
			doc.company,
			reader.by,
			reader.scope,
			told.period,
			told.every,
			calendar_of(doc, asker.settings),
		)
		return Letter(view).mail()


def _write(
	doc: Document, told: Due, reader: Reader, name: str, mail: Mail | None, status: str, reason: str
) -> bool:
	"""Write the log and queue the mail, or neither. Whether anything was written: another job may have been first."""
	row = {
		"doctype": LOG,
		"status": status,
		"reason": reason,
		"digest": doc.name,
		"digest_title": doc.title,
		"company": doc.company,
		"user": reader.user,
		"scope_type": BY[reader.by],
		"scope": reader.scope,
		"due_on": told.on,
		"period_start": told.period.start,
		"period_end": told.period.last_day,
		"language": reader.language,
		"handled_on": now_datetime(),
	}
	if frappe.db.get_value(LOG, name, "name") is None:
		try:
			frappe.get_doc(row).insert(ignore_permissions=True)
		except frappe.DuplicateEntryError:
			frappe.clear_last_message()
	# Whoever else writes this row waits here until the mail is queued, and then sees that it is.
	kept = frappe.db.get_value(LOG, name, ["status", "reason", "handled_on"], for_update=True, as_dict=True)
	is_mine = kept.handled_on == row["handled_on"]
	if not is_mine and (kept.status == SENT or (kept.status, kept.reason) == (status, reason)):
		return False
	queued = _queue(doc, reader, mail) if mail is not None else None
	frappe.db.set_value(LOG, name, {**_changing(row), "email_queue": queued})
	return True


def _changing(row: dict[str, Any]) -> dict[str, Any]:
	return {name: value for name, value in row.items() if name != "doctype"}


def _queue(doc: Document, reader: Reader, mail: Mail) -> str | None:
	"""Put a mail into Frappe's queue. Returns the name of its row there."""
	with in_language(reader.language):
		queued = frappe.sendmail(
			recipients=[reader.email],
			subject=mail.subject,
			template=TEMPLATE,
			args=dict(mail.args),
			reference_doctype=doc.doctype,
			reference_name=doc.name,
			unsubscribe_message=_("Send me no more of these"),
		)
	if not queued:
		raise frappe.OutgoingEmailError(_("Frappe didn’t take the mail into its queue."))
	return str(queued.name)


# From the form


@frappe.whitelist()
def preview(digest: str) -> dict[str, str]:
	"""The digest of whoever asks, as it would be sent today: subject and HTML."""
	doc = _of_form(digest)
	mail = _own_mail(doc)[1]
	return {"subject": mail.subject, "html": mail.html, "text": mail.text}


@frappe.whitelist(methods=["POST"])
def send_me(digest: str) -> str:
	"""Send whoever asks their own digest now. Returns the address that it goes to."""
	doc = _of_form(digest)
	known = frappe.db.get_value("User", frappe.session.user, "email")
	if not validate_email_address(known or ""):
		frappe.throw(_("Your user has no e-mail address to send it to."))
	reader, mail, told = _own_mail(doc)
	queued = _queue(doc, reader, mail)
	row = {
		"status": SENT, "by_hand": 1, "digest": doc.name, "digest_title": doc.title, "company": doc.company,
		"user": reader.user, "scope_type": BY[reader.by], "scope": reader.scope, "due_on": told.on,
		"period_start": told.period.start, "period_end": told.period.last_day, "language": reader.language,
		"handled_on": now_datetime(), "email_queue": queued,
	}  # fmt: skip
	frappe.get_doc({"doctype": LOG, **row}).insert(ignore_permissions=True)
	return reader.email


def _of_form(digest: str) -> Document:
	doc = frappe.get_doc(DIGEST, digest)
	doc.check_permission("read")
	return doc


def _own_mail(doc: Document) -> tuple[Reader, Mail, Due]:
	"""What whoever asks would be sent today."""
	with explained():
		asker = Asker.current()
		calendar, today = calendar_of(doc, asker.settings), getdate()
		every = EVERY[doc.frequency]
		current = calendar.period(today, every)
		period = current if doc.frequency == "Weekly" else calendar.previous(current, every)
		by, scope = _own_place(asker, doc)
	known = frappe.db.get_value("User", asker.user, ["email", "language"], as_dict=True) or frappe._dict()
	reader = Reader(asker.user, by, scope, known.email or "", language_of(doc, frappe.local.lang))
	with in_language(reader.language), explained():
		try:
			return (
				reader,
				Letter(view_of(asker, doc.company, by, scope, period, every, calendar)).mail(),
				Due(today, period, every),
			)
		except NothingToTell:
			frappe.throw(
				_("Nothing was recorded for a year, and nothing was agreed: there is nothing to tell.")
			)
			raise


def _own_place(asker: Asker, doc: Document) -> tuple[By, str]:
	"""What somebody answers for: themselves, the team that they lead, or the company."""
	tree, may = asker.masters.salespeople, asker.may
	if may.is_blind:
		refuse(_("You are no salesperson yet. Ask for your user to be mapped to one in Sales KPI Settings."))
	if may.people is not None and may.territories is None:
		own = [name for name in may.own if name in may.people]
		for name in sorted(own, key=lambda name: not tree[name].is_group):
			return (By.TEAM if tree[name].is_group else By.SALES_PERSON), name
	return By.COMPANY, doc.company


# Who may read the log


def log_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Digest Log: of companies that User Permissions allow."""
	user = user or frappe.session.user
	if not is_active(user):
		return "1 = 0"
	allowed = permitted(user, "Company")
	if allowed is None:
		return ""
	listed = ", ".join(frappe.db.escape(name, percent=False) for name in sorted(allowed)) or "''"
	return f"`tab{LOG}`.`company` in ({listed})"


def may_read_log(
	doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False
) -> bool:
	"""Hook `has_permission` of KPI Digest Log: the app alone writes it."""
	user = user or frappe.session.user
	if ptype not in (None, "read", "select", "report", "export", "print", "email") or not is_active(user):
		return False
	allowed = permitted(user, "Company")
	return allowed is None or not doc.get("company") or doc.company in allowed
