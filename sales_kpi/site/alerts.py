"""Alerts: rules on figures that tell whoever answers for them, once, and again only after the figure has recovered.

A rule is looked at as Administrator, for all scopes at once; told of a finding is only who may see the figure. What was found
is kept as a sentence with its values (`Note`), so that each reader is told in their own language and number format.

Whoever writes down what a rule found holds the rule's row: of two jobs at once the second finds what the first has written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import frappe
from frappe import _
from frappe.desk.doctype.notification_settings.notification_settings import is_notifications_enabled
from frappe.model.document import Document
from frappe.utils import get_url, get_url_to_form, getdate, now_datetime, validate_email_address
from frappe.utils.jinja_globals import is_rtl

from sales_kpi import catalogue
from sales_kpi.analysis.outcome import Cell, Kind, Note, Outcome
from sales_kpi.analysis.trend import UNASSIGNED, kind_of
from sales_kpi.analysis.values import Question, Value
from sales_kpi.kpis.definition import By, Kpi
from sales_kpi.periods import Every
from sales_kpi.site import snapshot_permissions, words
from sales_kpi.site.analysis_table import Told
from sales_kpi.site.answers import Asker, explained, periods_before
from sales_kpi.site.desk import desk
from sales_kpi.site.digest import MANAGER_ROLE, in_language, is_unsubscribed, language_of
from sales_kpi.site.digest_mail import WORSE, plain, subject
from sales_kpi.site.permissions import is_active
from sales_kpi.site.restatements import RESTATED, RESTATEMENT
from sales_kpi.site.snapshots import BY
from sales_kpi.site.standing import standings
from sales_kpi.site.targets import measured, scopes_seen
from sales_kpi.site.to_reach import users_of

ALERT, LOG = "KPI Alert", "KPI Alert Log"

TEMPLATE = "kpi_alert"

OPEN, RECOVERED, REPORTED = "Open", "Recovered", "Reported"
"""How a finding stands; an event, which can't recover, is reported and done."""

BELOW, ABOVE = "Value Below", "Value Above"
ATTAINMENT, PACE = "Attainment Below", "Pace Below"
TREND, RESTATEMENT_FOUND, QUALITY = "Trend Getting Worse", "Restated", "Data Quality Drops"

WITH_THRESHOLD = (BELOW, ABOVE, ATTAINMENT, PACE, QUALITY)

OF_WORD = {word: by for by, word in BY.items()}

LEAST_DONE = 0.2
"""Share of a period that must be over before its pace says anything."""

LOOK_BACK = 13
"""Periods in which the last final figure is looked for: of what takes time, it lies some periods back."""

WATCHED = 24
"""Periods that a trend is told from."""

RESTATED_WITHIN = timedelta(days=7)
"""Restatements found earlier than this before the rule is first looked at are history."""

MOST_SNOOZED = 90

JOB, TOO_LONG = "sales_kpi_alerts", 3 * 3600


@dataclass(frozen=True)
class Finding:
	"""What a rule found of one scope.

	holds: whether its condition holds; None where that can't be told. subject: of what it is, where a scope has several.
	is_event: whether it is something that has happened, and can't recover.
	"""

	scope: str
	note: Note
	holds: bool | None
	subject: str = ""
	is_event: bool = False

	@property
	def key(self) -> tuple[str, str]:
		"""What it is told apart by."""
		return self.scope, self.subject


def log_name(alert: str, scope: str, about: str, sequence: int) -> str:
	"""The name of a row of the log: the same for the same time that the same was found."""
	told = "\n".join((alert, scope, about, str(sequence)))
	return hashlib.sha256(told.encode()).hexdigest()[:20]


# Jobs


def check_due() -> None:
	"""The daily job: look at all rules."""
	frappe.enqueue(
		"sales_kpi.site.alerts.check_all", queue="long", timeout=TOO_LONG, job_id=JOB, deduplicate=True
	)


def check_all() -> None:
	"""Look at every rule. One that can't be looked at says so in its record, and others are looked at."""
	for name in frappe.get_all(ALERT, filters={"enabled": 1}, pluck="name", order_by="creation"):
		check(name)


def check(alert: str, today: date | None = None) -> int:
	"""Look at one rule, write down what it finds and tell whoever answers for it. A job. Returns how many were told of."""
	doc = frappe.get_doc(ALERT, alert)
	try:
		asker = Asker.current("Administrator")
		with explained():
			found = list(Rule(doc, asker, today or getdate()).findings())
	except Exception as error:
		frappe.db.rollback()
		frappe.log_error(
			title=f"Sales KPI: the alert {doc.title} couldn’t be checked"[:140],
			message=frappe.get_traceback(),
			reference_doctype=ALERT,
			reference_name=alert,
		)
		said = plain(str(error)) if isinstance(error, frappe.ValidationError) else type(error).__name__
		frappe.db.set_value(ALERT, alert, "last_error", said, update_modified=False)
		frappe.db.commit()
		frappe.clear_messages()
		return 0
	# What others have written until the row is held is to be seen: no earlier read may be part of the transaction.
	frappe.db.commit()
	if frappe.db.get_value(ALERT, alert, "name", for_update=True) is None:
		return 0
	told = Keeper(doc, asker, today or getdate()).keep(found)
	frappe.db.set_value(
		ALERT, alert, {"last_checked_on": now_datetime(), "last_error": ""}, update_modified=False
	)
	frappe.db.commit()
	return told


# What holds


@dataclass(frozen=True)
class Rule:
	"""A rule, looked at on a day."""

	doc: Document
	asker: Asker
	today: date

	def findings(self) -> Iterator[Finding]:
		"""What it finds, of all of its scopes, also of those where it doesn't hold."""
		condition = self.doc.condition
		if condition == QUALITY:
			yield from self._quality()
		elif condition == RESTATEMENT_FOUND:
			yield from self._restated()
		elif condition == TREND:
			yield from self._worse()
		elif condition == PACE:
			yield from self._pace()
		else:
			yield from self._closed()

	@property
	def by(self) -> By:
		return OF_WORD[self.doc.scope_type]

	@property
	def kpi(self) -> Kpi:
		return catalogue.kpi(self.doc.kpi)

	@property
	def every(self) -> Every:
		return Every((self.doc.every or "Month").lower())

	def question(self, periods: int, with_running: bool = False) -> Question:
		"""The rule's KPI in some periods up to the last that is over, or up to the one that runs."""
		calendar = self.asker.settings.calendar
		last = calendar.period(self.today, self.every)
		if not with_running:
			last = calendar.previous(last, self.every)
		first = periods_before(calendar, last, self.every, periods - 1)
		return Question(
			self.doc.company,
			first.start,
			last.last_day,
			self.every,
			self.by,
			(self.kpi.name,),
			self.today,
			calendar,
		)

	def is_meant(self, scope: str) -> bool:
		"""Whether the rule is about a scope. Nobody answers for salespeople who have left, and for what is unassigned."""
		if self.by is By.COMPANY:
			return True
		node = self.asker.masters.salespeople.get(scope)
		if not scope or (self.by in (By.SALES_PERSON, By.TEAM) and node is not None and not node.enabled):
			return False
		return not self.doc.scope or scope == self.doc.scope

	def _note(self, sentence: str, scope: str, values: Mapping[str, Cell], kinds: Mapping[str, Kind]) -> Note:
		said: dict[str, Cell] = {"kpi": self.kpi.title, "scope": scope or UNASSIGNED, **values}
		of = {"kpi": Kind.TEXT, **kinds} | ({} if scope else {"scope": Kind.TEXT})
		return Note(sentence, said, of)

	def _closed(self) -> Iterator[Finding]:
		"""Of the last period of each scope that is over and final: its value, or what of the target was reached."""
		question = self.question(LOOK_BACK)
		values = self.asker.values(question)
		last: dict[str, Value] = {}
		scopes = dict.fromkeys(value["scope"] for value in values if self.is_meant(value["scope"]))
		# Whoever has nothing here at all doesn't work here: a zero of theirs says nothing, unless they were chosen.
		active = {value["scope"] for value in values if value["value"] or value["n"]}
		for value in values:
			if value["complete"] and value["value"] is not None:
				last[value["scope"]] = value
		known = (
			standings(self.asker, question, list(last.values())) if self.doc.condition == ATTAINMENT else {}
		)
		for scope in scopes:
			value = last.get(scope)
			is_silent = scope not in active and scope != self.doc.scope
			if value is None or (is_silent and self.doc.condition != ATTAINMENT):
				yield Finding(scope, Note(""), None)
			elif self.doc.condition == ATTAINMENT:
				yield self._attained(
					value, known.get((self.kpi.name, self.by.value, scope, value["period_start"]))
				)
			else:
				yield self._beyond(value)

	def _beyond(self, value: Value) -> Finding:
		bound, is_below = measured(self.doc.threshold, self.kpi.unit), self.doc.condition == BELOW
		number = value["value"]
		assert bound is not None
		assert number is not None
		sentence = (
			"{kpi} of {scope} was {value} in {period}, which is below {bound}."
			if is_below
			else "{kpi} of {scope} was {value} in {period}, which is above {bound}."
		)
		kind = kind_of(self.kpi.unit)
		note = self._note(
			sentence,
			value["scope"],
			{"value": number, "bound": bound, "period": value["period_start"]},
			{"value": kind, "bound": kind, "period": Kind.PERIOD},
		)
		return Finding(value["scope"], note, number < bound if is_below else number > bound)

	def _attained(self, value: Value, standing: Any) -> Finding:
		if standing is None or standing.attainment is None:
			return Finding(value["scope"], Note(""), None)
		bound = self.doc.threshold / 100
		note = self._note(
			"{kpi} of {scope} reached {share} of its target in {period}, with {value}. The alert is set to less than {bound}.",
			value["scope"],
			{
				"share": standing.attainment,
				"value": value["value"],
				"bound": bound,
				"period": value["period_start"],
			},
			{
				"share": Kind.SHARE,
				"value": kind_of(self.kpi.unit),
				"bound": Kind.SHARE,
				"period": Kind.PERIOD,
			},
		)
		return Finding(value["scope"], note, standing.attainment < bound)

	def _pace(self) -> Iterator[Finding]:
		"""Of the running period: what was reached of what was to be expected by now."""
		question = self.question(1, with_running=True)
		values = self.asker.values(question)
		known = standings(self.asker, question, values)
		kind, bound = kind_of(self.kpi.unit), self.doc.threshold / 100
		for value in values:
			scope = value["scope"]
			if not self.is_meant(scope):
				continue
			standing = known.get((self.kpi.name, self.by.value, scope, value["period_start"]))
			pacing = standing.pacing if standing else None
			if pacing is None or pacing.pace is None or pacing.share < LEAST_DONE:
				yield Finding(scope, Note(""), None)
				continue
			sentence = "{kpi} of {scope} is at {share} of the pace to its target in {period}, with {value}. The alert is set to less than {bound}."
			said: dict[str, Cell] = {
				"share": pacing.pace,
				"value": value["value"],
				"bound": bound,
				"period": value["period_start"],
			}
			if pacing.expected is not None:
				sentence = "{kpi} of {scope} is at {share} of the pace to its target in {period}: {value}, where {expected} was to be expected by now. The alert is set to less than {bound}."
				said["expected"] = pacing.expected
			kinds = {
				"share": Kind.SHARE,
				"bound": Kind.SHARE,
				"period": Kind.PERIOD,
				"value": kind,
				"expected": kind,
			}
			yield Finding(scope, self._note(sentence, scope, said, kinds), pacing.pace < bound)

	def _worse(self) -> Iterator[Finding]:
		"""Which scopes the trend watch finds to get worse."""
		question = replace(self.question(WATCHED), kpis=None)
		outcome: Outcome = self.asker.analysis("trend", question, options={"kpi": self.kpi.name})
		kind = kind_of(self.kpi.unit)
		for row in outcome.rows:
			scope = self.doc.company if self.by is By.COMPANY else str(row["scope"] or "")
			if not self.is_meant(scope):
				continue
			if row["mean"] is None:
				yield Finding(scope, Note(""), None)
				continue
			note = self._note(
				"{kpi} of {scope} is getting worse: {last} in the last period, {mean} on average over {periods} periods. What shows it: {rule}.",
				scope,
				{
					"last": row["last"],
					"mean": row["mean"],
					"periods": row["periods"],
					"rule": row["rule"] or "",
				},
				{"last": kind, "mean": kind, "periods": Kind.COUNT, "rule": Kind.TEXT},
			)
			yield Finding(scope, note, row["finding"] in WORSE)

	def _restated(self) -> Iterator[Finding]:
		"""Figures of closed periods that were changed afterwards, each once."""
		since = getdate(self.doc.last_checked_on) if self.doc.last_checked_on else self.today
		kind = kind_of(self.kpi.unit)
		for row in frappe.get_all(
			RESTATEMENT,
			filters={
				"kind": RESTATED,
				"company": self.doc.company,
				"kpi": self.kpi.name,
				"scope_type": self.doc.scope_type,
				"found_on": (">=", since - RESTATED_WITHIN),
			},
			fields=[
				"name", "scope", "period_start", "period_end", "from_value", "from_has_value", "to_value", "to_has_value",
			],
			order_by="found_on",
		):  # fmt: skip
			if not self.is_meant(row.scope):
				continue
			note = self._note(
				"{kpi} of {scope} from {first} to {last} was {before} and is {now}: records of these days were changed after they were closed.",
				row.scope,
				{
					"first": row.period_start,
					"last": row.period_end,
					"before": row.from_value if row.from_has_value else None,
					"now": row.to_value if row.to_has_value else None,
				},
				{"first": Kind.DAY, "last": Kind.DAY, "before": kind, "now": kind},
			)
			yield Finding(row.scope, note, True, row.name, is_event=True)

	def _quality(self) -> Iterator[Finding]:
		"""Checks of the records at which more fail than ever since the rule is looked at."""
		baseline = self.baseline()
		for one in self.asker.quality(self.doc.company, self.today):
			share = one["share"]
			if share is None:
				continue
			before = baseline.get(one["name"], share)
			note = Note(
				"{check}: {share} of the records are at fault, after {before}.",
				{"check": one["title"], "share": share, "before": before},
				{"check": Kind.TEXT, "share": Kind.SHARE, "before": Kind.SHARE},
			)
			yield Finding(self.doc.company, note, share - before > self.doc.threshold / 100, one["name"])

	def baseline(self) -> dict[str, float]:
		"""The lowest share at fault that was seen of each check."""
		told: dict[str, float] = json.loads(self.doc.baseline or "{}")
		return told


# What is kept and told


@dataclass(frozen=True)
class Keeper:
	"""Writes down what a rule found, and tells of what is new."""

	doc: Document
	asker: Asker
	today: date

	def keep(self, found: Iterable[Finding]) -> int:
		"""Returns how many findings somebody was told of."""
		found = list(found)
		self._keep_baseline(found)
		kept = self._rows()
		told = 0
		for finding in found:
			rows = kept.get(finding.key, [])
			row = next((one for one in rows if one.state == OPEN), None)
			if finding.is_event:
				if not rows:
					told += self._tell(self._insert(finding, 1, REPORTED), finding.note, rows)
			elif finding.holds:
				# Not their number: old ones are cleared away.
				following = max((known.sequence or 1 for known in rows), default=0) + 1
				name = row.name if row else self._insert(finding, following, OPEN)
				if row:
					self._see(name, finding.note)
				if row is None or not row.told_on:
					told += self._tell(name, finding.note, rows)
			elif finding.holds is False and row:
				self._recover(row.name)
		looked_at = {finding.key for finding in found}
		for key, rows in kept.items():
			if key not in looked_at:
				# Nobody looks at it any more: the rule is another one, or whom it was about has left.
				for row in rows:
					if row.state == OPEN:
						self._recover(row.name)
		return told

	def _keep_baseline(self, found: Iterable[Finding]) -> None:
		if self.doc.condition != QUALITY:
			return
		# The row is held: what another job has written since the rule was read counts.
		lowest = json.loads(frappe.db.get_value(ALERT, self.doc.name, "baseline") or "{}")
		for finding in found:
			share = finding.note.values["share"]
			lowest[finding.subject] = min(lowest.get(finding.subject, share), share)
		frappe.db.set_value(ALERT, self.doc.name, "baseline", json.dumps(lowest), update_modified=False)

	def _rows(self) -> dict[tuple[str, str], list[Any]]:
		"""What is known of the rule's findings, oldest first."""
		kept: dict[tuple[str, str], list[Any]] = {}
		for row in frappe.get_all(
			LOG,
			filters={"alert": self.doc.name},
			fields=["name", "scope", "subject", "state", "told_on", "snoozed_until", "sequence"],
			order_by="sequence",
		):
			kept.setdefault((row.scope or "", row.subject or ""), []).append(row)
		return kept

	def _insert(self, finding: Finding, sequence: int, state: str) -> str:
		now = now_datetime()
		row = {
			"state": state, "alert": self.doc.name, "alert_title": self.doc.title, "company": self.doc.company,
			"condition": self.doc.condition, "kpi": self.doc.kpi or "",
			"kpi_title": frappe.db.get_value("Sales KPI", self.doc.kpi, "title") if self.doc.kpi else "",
			"scope_type": self.doc.scope_type,
			"scope": finding.scope, "subject": finding.subject, "sequence": sequence, "opened_on": now,
			"last_seen_on": now, **self._evidence(finding.note),
		}  # fmt: skip
		return str(frappe.get_doc({"doctype": LOG, **row}).insert(ignore_permissions=True).name)

	def _see(self, name: str, note: Note) -> None:
		frappe.db.set_value(LOG, name, {"last_seen_on": now_datetime(), **self._evidence(note)})

	def _evidence(self, note: Note) -> dict[str, str]:
		"""The sentence as it is kept, and in the site's language for lists."""
		with in_language(language_of(frappe._dict(), None)):
			return {"told": packed(note), "evidence": plain(said(note, self.doc, self.asker))}

	def _recover(self, name: str) -> None:
		frappe.db.set_value(LOG, name, {"state": RECOVERED, "recovered_on": now_datetime()})

	def _is_snoozed(self, rows: Iterable[Any]) -> bool:
		days = [self.doc.snoozed_until, *(row.snoozed_until for row in rows)]
		return any(getdate(day) > self.today for day in days if day)

	def _tell(self, name: str, note: Note, rows: Iterable[Any]) -> int:
		"""Tell whoever answers for it and may see it, unless it is snoozed. Returns 1 if so."""
		if self._is_snoozed(rows):
			return 0
		row = frappe.get_doc(LOG, name)
		users = [
			user for user in self._users(row) if may_read(row, "read", user) and self._told(user, row, note)
		]
		frappe.db.set_value(LOG, name, {"told_on": now_datetime(), "told_to": ", ".join(users)})
		return 1

	def _users(self, row: Document) -> list[str]:
		"""Who answers for a figure: the salesperson, the leads above, the managers; and who wants to be told."""
		doc, tree = self.doc, self.asker.masters.salespeople
		users: set[str] = set()
		by, node = OF_WORD[row.scope_type], tree.get(row.scope)
		if by in (By.SALES_PERSON, By.TEAM) and node is not None:
			above = [name for name, other in tree.items() if other.is_group and other.holds(node)]
			if doc.to_salespeople and not node.is_group:
				users |= users_of([row.scope], self.asker)
			if doc.to_team_leads and above:
				users |= users_of(above, self.asker)
		if doc.to_managers:
			managers = frappe.get_all(
				"Has Role", {"role": MANAGER_ROLE, "parenttype": "User"}, pluck="parent", distinct=True
			)
			users |= set(managers) - {"Administrator", "Guest"}
		choices = {one.user: one.choice for one in doc.recipients}
		users |= {user for user, choice in choices.items() if choice == "Send Too"}
		return sorted(user for user in users if choices.get(user) != "Never Send" and is_active(user))

	def _told(self, user: str, row: Document, note: Note) -> bool:
		"""Whether somebody could be told: one who couldn't stops nobody."""
		frappe.db.savepoint("tell")
		try:
			self._notify(user, row, note)
		except Exception:
			frappe.db.rollback(save_point="tell")
			frappe.log_error(
				title=f"Sales KPI: {user} wasn’t told of the alert {self.doc.title}"[:140],
				message=frappe.get_traceback(),
				reference_doctype=ALERT,
				reference_name=self.doc.name,
			)
			frappe.clear_messages()
			return False
		return True

	def _notify(self, user: str, row: Document, note: Note) -> None:
		known = frappe.db.get_value("User", user, ["email", "language"], as_dict=True)
		with in_language(language_of(self.doc, known.language)):
			sentence = said(note, self.doc, self.asker)
			if is_notifications_enabled(user):
				log = frappe.new_doc("Notification Log")
				log.update(
					{
						"type": "Alert",
						"for_user": user,
						"subject": f"<b>{words.html(self.doc.title)}</b>: {sentence}",
						"document_type": LOG,
						"document_name": row.name,
					}
				)
				log.insert(ignore_permissions=True)
			email = str(validate_email_address(known.email or ""))
			if self.doc.by_mail and email and not is_unsubscribed(email, self.doc):
				self._mail(email, row, sentence)

	def _mail(self, email: str, row: Document, sentence: str) -> None:
		direction = "rtl" if is_rtl() else "ltr"
		frappe.sendmail(
			recipients=[email],
			subject=subject(f"{self.doc.title}: {plain(sentence)}"),
			template=TEMPLATE,
			args={
				"language": words.language(),
				"direction": direction,
				"start": "right" if direction == "rtl" else "left",
				"title": self.doc.title,
				"sentence": sentence,
				"sentence_text": plain(sentence),
				"quiet": _("You are told again only after it has recovered."),
				"button": _("See why"),
				"link": get_url_to_form(LOG, row.name),
			},
			reference_doctype=ALERT,
			reference_name=self.doc.name,
			unsubscribe_message=_("Send me no more of these"),
		)


# Evidence


def packed(note: Note) -> str:
	"""A note as it is kept."""
	return json.dumps(
		{
			"sentence": note.sentence,
			"values": {
				name: {"day": value.isoformat()} if isinstance(value, date) else value
				for name, value in note.values.items()
			},
			"kinds": {name: kind.value for name, kind in note.kinds.items()},
		}
	)


def unpacked(text: str) -> Note:
	"""A note that was kept."""
	told = json.loads(text)
	return Note(
		told["sentence"],
		{
			name: date.fromisoformat(value["day"]) if isinstance(value, dict) else value
			for name, value in told["values"].items()
		},
		{name: Kind(kind) for name, kind in told["kinds"].items()},
	)


def said(note: Note, alert: Document, asker: Asker) -> str:
	"""A note as HTML in the reader's language and format."""
	today = getdate()
	every = Every((alert.get("every") or "Month").lower())
	question = Question(alert.company, today, today, every, as_of=today, calendar=asker.settings.calendar)
	return Told(asker, question, Outcome((), ())).sentence(note)


def why(row: Document) -> dict[str, str]:
	"""What the form of a finding shows its reader: the evidence, and where it can be looked at. The caller has checked rights."""
	asker = Asker.current()
	alert = frappe.db.get_value(ALERT, row.alert, ["company", "every"], as_dict=True) or row
	return {"html": said(unpacked(row.told), alert, asker), "link": _link(row)}


def _link(row: Document) -> str:
	"""The report that shows what a finding is about."""
	by = OF_WORD[row.scope_type]
	report, asked = {
		QUALITY: ("KPI Data Quality", {}),
		RESTATEMENT_FOUND: ("KPI Restatements", {}),
		ATTAINMENT: ("KPI Target Attainment", {"by": by.value}),
		PACE: ("KPI Target Attainment", {"by": by.value}),
	}.get(row.condition, ("Sales KPI Trend", {"kpi": row.kpi, "by": by.value}))
	if report == "KPI Target Attainment" and by is By.SALES_PERSON:
		asked = {"by": By.TEAM.value}
	asked = {"company": row.company, **asked}
	return get_url(f"{desk()}/query-report/{quote(report)}?{urlencode(asked, quote_via=quote)}")


# From the forms


@frappe.whitelist(methods=["POST"])
def snooze(log: str, days: int = 7) -> str:
	"""Tell nobody of a finding for some days, also if it recovers and comes again. Returns the day on which that ends."""
	row = frappe.get_doc(LOG, log)
	row.check_permission("read")
	alert = frappe.get_doc(ALERT, row.alert)
	alert.check_permission("write")
	if not 1 <= days <= MOST_SNOOZED:
		frappe.throw(_("An alert can be snoozed for 1 to {0} days.").format(MOST_SNOOZED))
	until = getdate() + timedelta(days=days)
	frappe.db.set_value(LOG, log, "snoozed_until", until)
	return words.day(until, Asker.current().settings.calendar)


@frappe.whitelist(methods=["POST"])
def check_now(alert: str) -> None:
	"""Look at a rule now, by a job."""
	doc = frappe.get_doc(ALERT, alert)
	doc.check_permission("write")
	frappe.enqueue(
		"sales_kpi.site.alerts.check",
		queue="long",
		job_id=f"sales_kpi_alert:{alert}",
		deduplicate=True,
		alert=alert,
	)


# Who may read what was found: whoever may see the figure


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Hook `has_permission` of KPI Alert Log."""
	user = user or frappe.session.user
	if doc.get("condition") != QUALITY:
		return snapshot_permissions.may_read(doc, ptype, user)
	if ptype not in snapshot_permissions.READING or not is_active(user):
		return False
	return doc.company in _seen_whole(Asker.current(user))


def log_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""Hook `permission_query_conditions` of KPI Alert Log."""
	user = user or frappe.session.user
	figures = snapshot_permissions.conditions(LOG, user)
	if not is_active(user):
		return figures
	listed = (
		", ".join(frappe.db.escape(name, percent=False) for name in _seen_whole(Asker.current(user))) or "''"
	)
	condition = frappe.db.escape(QUALITY)
	of_quality = f"(`tab{LOG}`.`condition` = {condition} and `tab{LOG}`.`company` in ({listed}))"
	return f"(({figures}) or {of_quality})"


def _seen_whole(asker: Asker) -> list[str]:
	"""Companies of which somebody sees all: only they are told of the quality of the records."""
	return [
		name
		for name in snapshot_permissions.companies_seen(asker)
		if scopes_seen(asker, name, By.COMPANY) is None
	]
