"""Digests, through Frappe's own mail queue and a mail server on this machine: what they say, to whom, and how often."""

from __future__ import annotations

import re
import socketserver
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import frappe
from frappe.utils import add_days, get_first_day, getdate

from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every
from sales_kpi.site import digest, digest_mail, scorecard_page
from sales_kpi.site.digest import DIGEST, FAILED, LOG, SENT, SKIPPED, due, send
from sales_kpi.tests.base import (
	SiteTestCase,
	as_user,
	change_settings,
	ensure_company,
	ensure_customer,
	ensure_sales_person,
	ensure_user,
	insert,
	make_invoice,
	permit,
	unrestricted,
)

COMPANY, OTHER = "KPI Digest Company", "KPI Digest Other"
NORTH, EMPTY = 'Digest "North" & Co', "Digest Empty Team"
ANN, BOB = "Digest Ann & Co", "Digest Bob"
NOBODY = "Digest Without User"
BOSS, LEAD, IDLE = "digest-boss@kpi.test", "digest-lead@kpi.test", "digest-idle@kpi.test"
ANNS, BOBS, GONE = "digest-ann@kpi.test", "digest-bob@kpi.test", "digest-gone@kpi.test"
CID, CIDS = "Digest Cid", "digest-cid@kpi.test"
USERS = (BOSS, LEAD, IDLE, ANNS, BOBS, GONE, CIDS)

KPIS = ("sales_volume", "deals", "average_deal_value")

ANN_SOLD, BOB_SOLD = 61234.0, 17111.0


class DigestCase(SiteTestCase):
	"""A company with a team of two, whose digest is sent about the running month. What it commits, it takes away."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		for name in (COMPANY, OTHER):
			ensure_company(name)
		ensure_sales_person(NORTH, is_group=1)
		ensure_sales_person(EMPTY, is_group=1)
		for name in (ANN, BOB, CID, NOBODY):
			ensure_sales_person(name, NORTH if name in (ANN, BOB) else None)
		ensure_user(BOSS, "Sales Master Manager")
		ensure_user(LEAD, "Sales Manager", "Sales User")
		for user in (IDLE, ANNS, BOBS, GONE, CIDS):
			ensure_user(user, "Sales User")
		for user in USERS:
			frappe.db.set_value("User", user, {"language": "en", "enabled": 1})
			unrestricted(user)
		change_settings(
			companies=[],
			calendar="Gregorian",
			mapping=[
				{"user": LEAD, "sales_person": NORTH},
				{"user": IDLE, "sales_person": EMPTY},
				{"user": ANNS, "sales_person": ANN},
				{"user": BOBS, "sales_person": BOB},
				{"user": CIDS, "sales_person": CID},
			],
		)
		customer = ensure_customer("Digest Buyer")
		if not frappe.db.exists("Sales Invoice", {"company": COMPANY, "docstatus": 1}):
			for back in range(0, 4):
				day = str(frappe.utils.add_months(get_first_day(getdate()), -back))
				make_invoice(COMPANY, customer, day, ANN_SOLD / (1 + back), {ANN: 100})
				make_invoice(COMPANY, customer, day, BOB_SOLD / (1 + back), {BOB: 100})
		ensure_account()
		# A mail of three KPIs is made as one of all of them, and sooner.
		off = frappe.get_all("Sales KPI", {"enabled": 1, "name": ("not in", KPIS)}, pluck="name")
		frappe.db.set_value("Sales KPI", {"name": ("in", off)}, "enabled", 0)
		cls.addClassCleanup(enable, off)
		frappe.db.commit()

	def setUp(self) -> None:
		super().setUp()
		self.addCleanup(self.clean)

	def clean(self) -> None:
		frappe.db.rollback()
		frappe.set_user("Administrator")
		for name in frappe.get_all(DIGEST, {"company": ("in", (COMPANY, OTHER))}, pluck="name"):
			queued = frappe.get_all(LOG, {"digest": name, "email_queue": ("is", "set")}, pluck="email_queue")
			for row in queued:
				frappe.db.delete("Email Queue Recipient", {"parent": row})
				frappe.db.delete("Email Queue", {"name": row})
			frappe.db.delete("KPI Digest Recipient", {"parent": name})
			frappe.db.delete(LOG, {"digest": name})
			frappe.db.delete(DIGEST, {"name": name})
		frappe.db.delete("Email Unsubscribe", {"email": ("in", USERS)})
		frappe.db.set_value("Sales KPI", "sales_volume", "title", "Sales volume")
		frappe.db.delete("KPI Target Period", {"parent": ("in", targets() or [""])})
		frappe.db.delete("KPI Target", {"name": ("in", targets() or [""])})
		for user in USERS:
			frappe.db.set_value("User", user, {"language": "en", "enabled": 1, "email": user})
			unrestricted(user)
		frappe.db.commit()
		frappe.clear_cache()

	def digest(self, **values: Any) -> Any:
		"""A digest that is due today."""
		usual = {
			"title": "Weekly", "company": COMPANY, "frequency": "Weekly",
			"weekday": digest.WEEKDAYS[getdate().weekday()], "to_salespeople": 1, "to_team_leads": 1, "to_managers": 1,
		}  # fmt: skip
		strangers = [{"user": user, "choice": "Never Send"} for user in other_managers(USERS)]
		recipients = [*values.pop("recipients", []), *strangers]
		doc = insert(DIGEST, **{**usual, **values}, recipients=recipients)
		frappe.db.set_value(DIGEST, doc.name, "enabled_on", add_days(getdate(), -30))
		frappe.db.commit()
		return doc

	def rows(self, doc: Any) -> dict[str, Any]:
		found = frappe.get_all(LOG, {"digest": doc.name}, ["*"])
		return {row.user or row.scope: row for row in found}

	def mail(self, doc: Any, user: str) -> EmailMessage:
		"""The mail that is queued for a user, parsed."""
		return parsed(frappe.db.get_value("Email Queue", self.rows(doc)[user].email_queue, "message"))


def other_managers(own: Sequence[str]) -> list[str]:
	"""Managers whom other tests or Frappe's own have made."""
	found = frappe.get_all(
		"Has Role", {"role": digest.MANAGER_ROLE, "parenttype": "User"}, pluck="parent", distinct=True
	)
	return [user for user in found if user not in (*own, "Administrator")]


def enable(kpis: list[str]) -> None:
	frappe.db.set_value("Sales KPI", {"name": ("in", kpis)}, "enabled", 1)
	frappe.db.commit()


def targets() -> list[str]:
	return frappe.get_all("KPI Target", {"company": COMPANY}, pluck="name")


def agree(scope: str, value: float, kind: str = "Salesperson") -> None:
	"""A submitted target of sales volume for the running month."""
	first = get_first_day(getdate())
	whose = {"sales_person": scope} if kind != "Company" else {}
	insert(
		"KPI Target", True, company=COMPANY, kpi="sales_volume", target_for=kind, every="Month", kind="Absolute",
		from_date=first, to_date=frappe.utils.get_last_day(getdate()), value=value, reason="A test", **whose,
	)  # fmt: skip
	frappe.db.commit()


def ensure_account(port: int = 25) -> None:
	"""An outgoing e-mail account that sends to a server on this machine."""
	name = "KPI Digest Test"
	if not frappe.db.exists("Email Account", name):
		frappe.db.set_value("Email Account", {"default_outgoing": 1}, "default_outgoing", 0)
		with patch(
			"frappe.email.doctype.email_account.email_account.EmailAccount.validate_smtp_conn", create=True
		):
			insert(
				"Email Account", email_account_name=name, email_id="sales@kpi.test", enable_outgoing=1,
				default_outgoing=1, smtp_server="127.0.0.1", smtp_port=port, no_smtp_authentication=1,
				awaiting_password=1,
			)  # fmt: skip
	frappe.db.set_value(
		"Email Account", name, {"smtp_port": port, "default_outgoing": 1, "awaiting_password": 0}
	)
	frappe.clear_cache(doctype="Email Account")
	# Version 16 keeps accounts that it has found, with the port of then.
	frappe.local.outgoing_email_account = {}


def parsed(text: str | bytes) -> EmailMessage:
	read = message_from_bytes if isinstance(text, bytes) else message_from_string
	return read(text, policy=policy.default)  # type: ignore[arg-type, return-value]


def part(mail: EmailMessage, kind: str) -> str:
	"""The text of a part of a mail."""
	found = mail.get_body(preferencelist=(kind,))
	assert found is not None
	return str(found.get_content())


def frames(html: str) -> list[tuple[str, str]]:
	"""Direction and language of the tables that name both."""
	tables = re.findall(r"<table[^>]*>", html)
	found = [(re.search(r'dir="(\w+)"', table), re.search(r'lang="(\w+)"', table)) for table in tables]
	return [(one[1], other[1]) for one, other in found if one and other]


class TestWhatItSays(DigestCase):
	def test_a_salesperson_gets_the_own_figures_and_nothing_of_others(self) -> None:
		agree(ANN, ANN_SOLD * 2)
		agree(BOB, BOB_SOLD * 3)
		doc = self.digest()
		self.assertEqual(send(doc.name)[SENT], 4)
		mail = self.mail(doc, ANNS)
		html, text = part(mail, "html"), part(mail, "plain")
		self.assertIn("You are at 50\u00a0% with", mail["subject"])
		for body in (html, text):
			self.assertIn("61,234", body)
			self.assertNotIn("17,111", body)
			self.assertNotIn("78,345", body)
			self.assertNotIn(BOB, body)
		self.assertIn(f"of {'$' if '$' in text else ''}", text)
		self.assertNotIn("North", text + html)

	def test_a_team_lead_gets_the_team_and_whom_to_look_at(self) -> None:
		agree(NORTH, 100000, "Team")
		agree(ANN, ANN_SOLD)
		agree(BOB, BOB_SOLD * 3)
		doc = self.digest(to_managers=0, to_salespeople=0)
		send(doc.name)
		mail = self.mail(doc, LEAD)
		text = part(mail, "plain")
		self.assertIn(f"{NORTH} is at 78\u00a0% with", mail["subject"])
		self.assertIn("78,345", text)
		self.assertRegex(text, rf"1\. {BOB}: .*17,111.*33\u202f% of the target \(Off track\)")
		self.assertNotRegex(text, rf"{re.escape(ANN)}: .* of the target")

	def test_names_do_nothing_in_html(self) -> None:
		title = "Sold <b onclick=alert(1)>"
		frappe.db.set_value("Sales KPI", "sales_volume", "title", title)
		frappe.db.commit()
		doc = self.digest()
		send(doc.name)
		mail = self.mail(doc, LEAD)
		html, text = part(mail, "html"), part(mail, "plain")
		self.assertIn('Digest "North" &amp; Co', html.replace("&quot;", '"').replace("&#34;", '"'))
		self.assertIn("Sold &lt;b onclick", html)
		self.assertNotRegex(html, r"<b onclick|<img|<script|src=")
		self.assertIn(title, text)
		self.assertIn(NORTH, text)

	def test_a_manager_gets_the_company_within_user_permissions(self) -> None:
		doc = self.digest()
		permit(BOSS, "Company", OTHER)
		frappe.db.commit()
		send(doc.name)
		self.assertEqual(self.rows(doc)[BOSS].status, SKIPPED)
		self.assertIn("may see no figures", self.rows(doc)[BOSS].reason)
		self.assertFalse(self.rows(doc)[BOSS].email_queue)

	def test_the_button_leads_to_what_its_reader_may_see(self) -> None:
		doc = self.digest()
		send(doc.name)
		for user, volume in ((ANNS, "61,234"), (LEAD, "78,345"), (BOSS, "78,345")):
			(link,) = set(
				re.findall(r'href="([^"]*sales-scorecard[^"]*)"', part(self.mail(doc, user), "html"))
			)
			asked = dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))
			with as_user(user):
				told = scorecard_page.scorecard(**asked)
			self.assertIn(volume, str(told["tiles"][0]["value"]))
			self.assertIn(link.replace("&amp;", "&"), part(self.mail(doc, user), "plain"))

	def test_in_the_language_of_the_reader(self) -> None:
		frappe.db.set_value("User", ANNS, "language", "fa")
		frappe.db.commit()
		agree(ANN, ANN_SOLD * 2)
		doc = self.digest()
		send(doc.name)
		html = part(self.mail(doc, ANNS), "html")
		self.assertIn(("rtl", "fa"), frames(html))
		self.assertIn("text-align: right", html.replace("text-align:right", "text-align: right"))
		self.assertIn("فروش", part(self.mail(doc, ANNS), "plain"))
		self.assertEqual(frames(part(self.mail(doc, LEAD), "html")), [("ltr", "en")])
		self.assertEqual(frappe.local.lang, "en")

	def test_the_digest_may_set_language_and_calendar(self) -> None:
		doc = self.digest(mail_language="fa", calendar="Jalali")
		send(doc.name)
		text = part(self.mail(doc, BOSS), "plain")
		self.assertRegex(text, "فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند")
		row = self.rows(doc)[BOSS]
		self.assertEqual(Calendar("jalali").period(row.period_start, Every.MONTH).start, row.period_start)

	def test_a_period_without_data(self) -> None:
		"""Who sold before and not now is told so; who has only a target, where that stands; who has nothing gets no mail."""
		agree(CID, 1000)
		doc = self.digest()
		self.assertEqual(send(doc.name)[SENT], 5)
		self.assertIn("You are at 0\u00a0% with", self.mail(doc, CIDS)["subject"])
		self.assertEqual(self.rows(doc)[IDLE].status, SKIPPED)
		frappe.db.delete("KPI Target", {"company": COMPANY})
		before = str(frappe.utils.add_months(get_first_day(getdate()), -2))
		make_invoice(COMPANY, ensure_customer("Digest Buyer"), before, 100, {CID: 100})
		asker, month = digest.Asker.current("Administrator"), Calendar().period(getdate(), Every.MONTH)
		view = digest_mail.view_of(asker, COMPANY, By.SALES_PERSON, CID, month, Every.MONTH, Calendar())
		label = Calendar().label(month, Every.MONTH)
		self.assertEqual(
			digest_mail.Letter(view).mail().subject, f"Nothing was recorded for {CID} in {label}"
		)


class TestWhoGetsIt(DigestCase):
	def test_whom_it_cant_reach_is_skipped_and_listed(self) -> None:
		doc = self.digest(
			recipients=[{"user": BOBS, "choice": "Never Send"}, {"user": GONE, "choice": "Send Too"}]
		)
		frappe.db.set_value("User", GONE, "enabled", 0)
		frappe.db.set_value("User", ANNS, "email", "")
		frappe.db.commit()
		written = send(doc.name)
		reasons = {user: (row.status, row.reason) for user, row in self.rows(doc).items()}
		self.assertEqual(reasons[GONE], (SKIPPED, "The user is disabled."))
		self.assertEqual(reasons[ANNS], (SKIPPED, "The user has no e-mail address."))
		self.assertEqual(reasons[BOBS], (SKIPPED, "The digest says never to send it."))
		self.assertEqual(reasons[NOBODY], (SKIPPED, "No user is mapped to this salesperson."))
		self.assertEqual(reasons[IDLE], (SKIPPED, "Nothing was recorded for a year, and nothing was agreed."))
		self.assertEqual(reasons[LEAD][0], SENT)
		self.assertEqual(written[SENT], 2)

	def test_whoever_unsubscribed(self) -> None:
		doc = self.digest()
		insert("Email Unsubscribe", email=LEAD, reference_doctype=DIGEST, reference_name=doc.name)
		frappe.db.commit()
		send(doc.name)
		self.assertEqual(self.rows(doc)[LEAD].reason, "The reader has unsubscribed.")

	def test_one_that_fails_stops_nobody_and_is_tried_again(self) -> None:
		doc = self.digest()
		told = digest_mail.Letter.mail

		def broken(letter: Any) -> Any:
			if letter.asker.user == LEAD:
				raise ZeroDivisionError("a secret 78,345")
			return told(letter)

		with patch.object(digest_mail.Letter, "mail", broken):
			self.assertEqual(send(doc.name)[FAILED], 1)
		rows = self.rows(doc)
		self.assertEqual((rows[LEAD].status, rows[ANNS].status, rows[BOSS].status), (FAILED, SENT, SENT))
		self.assertNotIn("78,345", rows[LEAD].reason)
		self.assertTrue(
			frappe.db.exists("Error Log", {"reference_doctype": DIGEST, "reference_name": doc.name})
		)
		self.assertEqual(send(doc.name), {SENT: 1})
		self.assertEqual(self.rows(doc)[LEAD].status, SENT)

	def test_without_an_outgoing_account_all_are_told_failed(self) -> None:
		doc = self.digest()
		error = frappe.OutgoingEmailError("no account")
		with patch("frappe.sendmail", side_effect=error):
			self.assertEqual(send(doc.name)[FAILED], 4)
		self.assertEqual(send(doc.name)[SENT], 4)


class TestOnce(DigestCase):
	def test_two_runs(self) -> None:
		doc = self.digest()
		before = frappe.db.count("Email Queue")
		first = send(doc.name)
		self.assertEqual(first[SENT], 4)
		self.assertEqual(frappe.db.count("Email Queue"), before + 4)
		self.assertEqual(send(doc.name), {})
		self.assertEqual(frappe.db.count("Email Queue"), before + 4)

	def test_in_parallel(self) -> None:
		doc = self.digest()
		before = frappe.db.count("Email Queue")
		printed = self.of_two_at_once(
			f"from sales_kpi.site.digest import send\nprint(send({doc.name!r}).get('Sent', 0))"
		)
		frappe.db.rollback()
		self.assertEqual(sum(printed), 4)
		self.assertEqual(frappe.db.count("Email Queue"), before + 4)
		self.assertEqual({row.status for row in self.rows(doc).values()}, {SENT, SKIPPED})

	def test_a_job_that_is_killed_before_it_commits_has_sent_nothing(self) -> None:
		doc = self.digest(to_managers=0, to_salespeople=0)
		with patch("frappe.db.commit", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
			send(doc.name)
		frappe.db.rollback()
		self.assertEqual(self.rows(doc), {})
		self.assertEqual(send(doc.name)[SENT], 1)


class TestWhen(DigestCase):
	def test_when_it_falls_due(self) -> None:
		calendar = Calendar()
		weekly = frappe._dict(frequency="Weekly", weekday="Monday", enabled_on="2026-01-01")
		found = due(weekly, calendar, date(2026, 6, 8))
		self.assertEqual((str(found.on), str(found.period.start)), ("2026-06-08", "2026-06-01"))
		# Two days of June say nothing: it is about May.
		self.assertEqual(str(due(weekly, calendar, date(2026, 6, 1)).period.start), "2026-05-01")
		self.assertEqual(str(due(weekly, calendar, date(2026, 6, 10)).on), "2026-06-08")
		self.assertIsNone(due(weekly, calendar, date(2026, 6, 12)))
		monthly = frappe._dict(frequency="Monthly", day=6, enabled_on=None)
		self.assertIsNone(due(monthly, calendar, date(2026, 6, 5)))
		found = due(monthly, calendar, date(2026, 6, 7))
		self.assertEqual((str(found.on), str(found.period.last_day)), ("2026-06-06", "2026-05-31"))
		self.assertIsNone(due(monthly, calendar, date(2026, 6, 20)))
		quarterly = frappe._dict(frequency="Quarterly", day=6, enabled_on=None)
		found = due(quarterly, calendar, date(2026, 7, 6))
		self.assertEqual((str(found.period.start), found.every), ("2026-04-01", Every.QUARTER))
		jalali = due(monthly, Calendar("jalali"), date(2026, 6, 27))
		self.assertEqual(str(jalali.period.start), "2026-05-22")

	def test_what_fell_due_before_it_was_enabled_is_over(self) -> None:
		weekly = frappe._dict(frequency="Weekly", weekday="Monday", enabled_on="2026-06-08")
		self.assertIsNone(due(weekly, Calendar(), date(2026, 6, 9)))
		self.assertIsNotNone(due(weekly, Calendar(), date(2026, 6, 15)))

	def test_the_form_refuses_what_makes_no_digest(self) -> None:
		with self.refused(frappe.ValidationError, "Nobody would get this digest"):
			self.digest(to_salespeople=0, to_team_leads=0, to_managers=0)
		with self.refused(frappe.ValidationError, "a day from 1 to 28"):
			self.digest(frequency="Monthly", day=31)
		with self.refused(frappe.ValidationError, "listed twice"):
			self.digest(recipients=[{"user": BOSS}, {"user": BOSS}])


class TestFromTheForm(DigestCase):
	def test_preview_and_send_me_one_tell_the_figures_of_whoever_asks(self) -> None:
		doc = self.digest()
		with as_user(LEAD):
			told = digest.preview(doc.name)
			self.assertIn("78,345", told["text"])
			self.assertEqual(digest.send_me(doc.name), LEAD)
			self.assertEqual(digest.send_me(doc.name), LEAD)
		rows = frappe.get_all(LOG, {"digest": doc.name, "user": LEAD}, ["by_hand", "status"])
		self.assertEqual([(row.by_hand, row.status) for row in rows], [(1, SENT)] * 2)
		self.assertEqual(send(doc.name)[SENT], 4)

	def test_who_may_not(self) -> None:
		doc = self.digest()
		for user in (ANNS, CIDS):
			with as_user(user), self.assertRaises(frappe.PermissionError):
				digest.preview(doc.name)
			with as_user(user), self.assertRaises(frappe.PermissionError):
				digest.send_me(doc.name)
		send(doc.name)
		permit(BOSS, "Company", OTHER)
		for user, may in ((ANNS, False), (LEAD, False), (BOSS, False), ("system@kpi.test", True)):
			row = frappe.get_doc(LOG, self.rows(doc)[ANNS].name)
			self.assertEqual(bool(row.has_permission("read", user=user)), may, user)
			with as_user(user):
				try:
					listed = bool(frappe.get_list(LOG, {"digest": doc.name}))
				except frappe.PermissionError:
					listed = False
			self.assertEqual(listed, may, user)
			self.assertFalse(row.has_permission("write", user=user))

	def test_the_log_holds_no_figures(self) -> None:
		agree(ANN, ANN_SOLD * 2)
		doc = self.digest()
		send(doc.name)
		row = self.rows(doc)[ANNS]
		self.assertIn("50", self.mail(doc, ANNS)["subject"])
		told = " ".join(
			str(row[name]) for name in ("digest_title", "user", "scope_type", "scope", "reason", "status")
		)
		self.assertEqual(told, f"Weekly {ANNS} Sales Person {ANN}  {SENT}")


class Sink(socketserver.StreamRequestHandler):
	"""A mail server that keeps what it is given."""

	received: list[tuple[list[str], bytes]] = []

	def handle(self) -> None:
		self.say("220 sink")
		to: list[str] = []
		while line := self.rfile.readline():
			word = line[:4].upper()
			if word == b"DATA":
				self.say("354 go on")
				lines = []
				while (text := self.rfile.readline()) != b".\r\n":
					lines.append(text[1:] if text.startswith(b"..") else text)
				self.received.append((to, b"".join(lines)))
				to = []
			elif word == b"RCPT":
				to.append(line.decode().split("<")[1].split(">")[0])
			elif word == b"QUIT":
				self.say("221 bye")
				return
			self.say("250 ok")

	def say(self, text: str) -> None:
		self.wfile.write(text.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
	"""Whoever keeps the connection open must not keep the test from ending."""

	daemon_threads = True
	block_on_close = False


@contextmanager
def sink() -> Iterator[int]:
	Sink.received.clear()
	with Server(("127.0.0.1", 0), Sink) as server:
		threading.Thread(target=server.serve_forever, daemon=True).start()
		yield server.server_address[1]
		server.shutdown()


class TestThroughAMailServer(DigestCase):
	def test_each_reader_receives_one_mail(self) -> None:
		doc = self.digest()
		with sink() as port:
			ensure_account(port)
			frappe.db.commit()
			send(doc.name)
			# Frappe sends nothing in tests unless it is told that just this is tested.
			frappe.flags.testing_email = True
			self.addCleanup(frappe.flags.pop, "testing_email", None)
			with patch("frappe.are_emails_muted", return_value=False):
				for row in self.rows(doc).values():
					if row.email_queue:
						frappe.get_doc("Email Queue", row.email_queue).send()
			for _wait in range(50):
				if len(Sink.received) >= 4:
					break
				time.sleep(0.1)
		self.assertEqual(sorted(to for to, _text in Sink.received), [[ANNS], [BOBS], [BOSS], [LEAD]])
		for to, text in Sink.received:
			mail = parsed(text)
			self.assertIn(
				"in " + Calendar().label(Calendar().period(getdate(), Every.MONTH), Every.MONTH),
				mail["subject"],
			)
			self.assertIn("unsubscribe", part(mail, "html").lower())
			self.assertEqual("17,111" in part(mail, "plain"), to == [BOBS])
