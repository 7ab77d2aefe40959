"""The app's survey: whom it asks, what a link can do and can't, who reads the answers, and what figures they make."""

from __future__ import annotations

import email
import re
import threading
from datetime import timedelta
from functools import cache
from html import unescape
from typing import Any
from unittest.mock import patch

import frappe
from frappe.model.document import Document
from frappe.utils import getdate, now_datetime, today
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request

from sales_kpi.analysis.values import Question
from sales_kpi.periods import Every
from sales_kpi.site import report, survey
from sales_kpi.site.answers import Asker
from sales_kpi.site.survey import ANSWER, CSAT, INVITATION, NPS, OPT_OUT, SURVEY
from sales_kpi.tests import base
from sales_kpi.tests.base import as_user, ensure_sales_person, ensure_user, map_users
from sales_kpi.www import sales_kpi_survey as page

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>"

ACTORS = {
	"svymaster": ("Sales Master Manager",),
	"svylead": ("Sales Manager", "Sales User"),
	"svyann": ("Sales User",),
	"svybob": ("Sales User",),
	"svyclerk": ("Accounts User",),
}


def user_of(actor: str) -> str:
	return "Guest" if actor == "guest" else f"{actor}@kpi.test"


@cache
def company() -> str:
	"""A company with a team, made once for all classes and committed, so that requests see it too."""
	for actor, roles in ACTORS.items():
		ensure_user(user_of(actor), *roles)
	for name, parent, is_group in (
		("Svy North", None, 1),
		("Svy Ann", "Svy North", 0),
		("Svy Bob", "Svy North", 0),
	):
		ensure_sales_person(name, parent, is_group)
	name = base.ensure_company(base.unique("Svy Company"))
	if not frappe.db.exists("Email Account", "Svy Sender"):
		# Not by `insert`, which would try to reach the server.
		account = frappe.get_doc(
			{
				"doctype": "Email Account",
				"email_account_name": "Svy Sender",
				"email_id": "sender@kpi.test",
				"enable_outgoing": 1,
				"default_outgoing": 1,
				"smtp_server": "127.0.0.1",
				"no_smtp_authentication": 1,
			}
		)
		account.name = "Svy Sender"
		account.db_insert()
	frappe.db.commit()
	return name


class SurveyTestCase(base.SiteTestCase):
	"""A test in that company."""

	@classmethod
	def setUpClass(cls) -> None:
		super().setUpClass()
		cls.company = company()
		map_users(svyann="Svy Ann", svybob="Svy Bob", svylead="Svy North")
		frappe.db.commit()
		cls.addClassCleanup(cls.disable_surveys)

	@classmethod
	def disable_surveys(cls) -> None:
		frappe.db.set_value(SURVEY, {"company": cls.company}, "enabled", 0)
		frappe.db.commit()

	def survey(self, kind: str = CSAT, **values: Any) -> Document:
		values = {
			"title": base.unique("Survey"),
			"enabled": 1,
			"company": self.company,
			"kind": kind,
			"sent_after": "Sales Invoice",
			"delay_days": 0,
			"once_per": "Quarter",
			"valid_days": 30,
			**values,
		}
		return base.insert(SURVEY, **values)

	def customer(self, team: dict[str, float] | None = None, **values: Any) -> str:
		return base.ensure_customer(base.unique("Svy Buyer"), sales_team=base.team_rows(team), **values)

	def invited(
		self,
		kind: str = CSAT,
		customer: str | None = None,
		to: str | None = None,
		language: str = "en",
		**values: Any,
	) -> str:
		"""The token of a link that a customer was sent."""
		customer = customer or self.customer()
		asked = self.survey(kind, **values)
		with patch.object(frappe, "sendmail"):
			token = survey.invite(asked, self.occasion(customer, to, language))
		self.assertIsNotNone(token)
		return str(token)

	def occasion(self, customer: str, to: str | None = None, language: str = "en") -> survey.Occasion:
		"""Something that happened with a customer."""
		issue = base.insert("Issue", subject="Broken", company=self.company)
		return survey.Occasion("Issue", issue.name, customer, "", to or self.address(), language)

	@staticmethod
	def address() -> str:
		return f"{frappe.generate_hash(length=8)}@customer.test"

	def answers_of(self, customer: str) -> list[Any]:
		return frappe.get_all(ANSWER, filters={"customer": customer}, fields=["*"])


class TestSending(SurveyTestCase):
	"""Whom a survey asks, and how often."""

	def setUp(self) -> None:
		super().setUp()
		self.customers: list[str] = []

	def due(self, asked: Document) -> list[survey.Occasion]:
		"""What is due of this test's customers: a job that ran in another one has committed."""
		return [one for one in survey.occasions(asked) if one.customer in self.customers]

	def customer(self, team: dict[str, float] | None = None, **values: Any) -> str:
		self.customers.append(super().customer(team, **values))
		return self.customers[-1]

	def invoice(self, customer: str, day: str | None = None, **values: Any) -> Document:
		invoice = base.make_invoice(self.company, customer, day or today(), 100, **values)
		frappe.db.set_value("Sales Invoice", invoice.name, "contact_email", self.address())
		return invoice

	def test_an_invoice_is_asked_about_after_the_delay(self) -> None:
		customer = self.customer()
		day = getdate() - timedelta(days=3)
		invoice = self.invoice(customer, day.isoformat())
		asked = self.survey(delay_days=3, enabled_on=day.isoformat())
		self.assertEqual([one.name for one in self.due(asked)], [invoice.name])
		asked.delay_days = 4
		self.assertEqual(self.due(asked), [])

	def test_what_happened_before_it_was_enabled_is_not_asked_about(self) -> None:
		self.invoice(self.customer(), (getdate() - timedelta(days=2)).isoformat())
		self.assertEqual(self.due(self.survey()), [])

	def test_returns_drafts_and_customers_without_address_are_not_asked(self) -> None:
		asked = self.survey()
		returned = self.invoice(self.customer())
		frappe.db.set_value(
			"Sales Invoice", base.make_return(returned, today()).name, "contact_email", "r@x.test"
		)
		base.make_invoice(self.company, self.customer(), today(), 100, submit=False)
		base.make_invoice(self.company, self.customer(), today(), 100)
		disabled = self.customer()
		self.invoice(disabled)
		frappe.db.set_value("Customer", disabled, "disabled", 1)
		self.assertEqual([one.name for one in self.due(asked)], [returned.name])

	def test_a_closed_issue_is_asked_about_and_colleagues_are_not(self) -> None:
		customer = self.customer()
		address = self.address()
		values = {"subject": "Broken", "customer": customer, "company": self.company}
		of_customer = base.insert("Issue", raised_by=address, status="Closed", **values)
		base.insert("Issue", raised_by=address, status="Open", **values)
		base.insert(
			"Issue", raised_by=user_of("svyann"), status="Closed", **{**values, "customer": self.customer()}
		)
		found = self.due(self.survey(sent_after="Issue"))
		self.assertEqual([(one.name, one.email) for one in found], [(of_customer.name, address)])

	def test_a_customer_is_asked_once_in_a_period(self) -> None:
		customer = self.customer()
		first, second = self.survey(), self.survey(NPS)
		occasion = self.occasion(customer)
		later = self.occasion(customer)
		with patch.object(frappe, "sendmail") as mail:
			self.assertIsNotNone(survey.invite(first, occasion))
			self.assertIsNone(survey.invite(first, later))
			self.assertIsNone(survey.invite(second, later))
			self.assertEqual(mail.call_count, 1)
			before = now_datetime() - timedelta(days=100)
			name = frappe.db.exists(INVITATION, {"customer": customer})
			frappe.db.set_value(INVITATION, name, "sent_on", before)
			self.assertIsNone(survey.invite(first, occasion), "the same invoice again")

	def test_two_jobs_at_once_cannot_both_ask(self) -> None:
		customer, asked = self.customer(), self.survey()
		occasion = self.occasion(customer)
		with patch.object(frappe, "sendmail"), patch.object(survey, "_was_asked", return_value=False):
			survey.invite(asked, occasion)
			with self.assertRaises(frappe.DuplicateEntryError):
				survey.invite(asked, occasion)

	def test_opt_outs_are_kept(self) -> None:
		asked = self.survey()
		one, two, three = self.customer(), self.customer(), self.customer()
		address = self.address()
		base.insert(OPT_OUT, email=address.upper())
		base.insert(OPT_OUT, customer=two)
		wants_no_mail = self.address()
		base.insert("Email Unsubscribe", email=wants_no_mail, global_unsubscribe=1)
		with patch.object(frappe, "sendmail") as mail:
			for customer, to in ((one, address), (two, self.address()), (three, wants_no_mail)):
				occasion = self.occasion(customer, to)
				self.assertIsNone(survey.invite(asked, occasion))
		mail.assert_not_called()

	def test_the_job_sends_once_however_often_it_runs(self) -> None:
		customer = self.customer(language="fa")
		asked = self.survey(NPS)
		invoice = self.invoice(customer)
		survey.send()
		survey.send()
		(invitation,) = frappe.get_all(INVITATION, filters={"survey": asked.name}, fields=["*"])
		self.assertEqual(
			(invitation.customer, invitation.reference_name, invitation.language, invitation.state),
			(customer, invoice.name, "fa", "Sent"),
		)
		(queued,) = frappe.get_all(
			"Email Queue", filters={"reference_name": invitation.name}, fields=["name", "message"]
		)
		message = email.message_from_string(queued.message)
		parts = {part.get_content_type(): part for part in message.walk()}
		html = parts["text/html"].get_payload(decode=True).decode()
		plain = parts["text/plain"].get_payload(decode=True).decode()
		self.assertEqual(plain.count("/sales-kpi-survey?token="), 2)
		self.assertNotIn("<", plain)
		self.assertIn('dir="rtl"', html)
		links = [unescape(link) for link in re.findall(r'href="([^"]+sales-kpi-survey[^"]*)"', html)]
		self.assertEqual(len(links), 11 + 2)
		self.assertTrue(all("_lang=fa" in link for link in links))
		(token,) = {re.search(r"token=([\w-]+)", link).group(1) for link in links}  # type: ignore[union-attr]
		self.assertEqual(invitation.token_hash, survey.hashed(token))
		self.assertNotIn(token, str(invitation))
		self.assertNotIn("<img", html)
		self.assertIsNotNone(survey.answerable(token, "Guest"))

	def test_without_a_way_to_send_mail_nothing_is_invited(self) -> None:
		asked = self.survey()
		self.invoice(self.customer())
		frappe.db.commit()
		with patch.object(frappe, "sendmail", side_effect=frappe.OutgoingEmailError):
			survey.send()
		self.assertEqual(frappe.db.count(INVITATION, {"survey": asked.name}), 0)
		frappe.db.set_value(SURVEY, asked.name, "enabled", 0)

	def test_what_contradicts_itself_is_refused(self) -> None:
		for values in ({"valid_days": 0}, {"valid_days": 400}, {"delay_days": 400}):
			with self.refused(frappe.ValidationError, "365"):
				self.survey(**values)
		with self.refused(frappe.ValidationError, "asked no more"):
			base.insert(OPT_OUT)


class TestPage(SurveyTestCase):
	"""What a guest can do with a link, through the server."""

	def ask(self, method: str = "GET", ip: str | None = None, **form: Any) -> tuple[int, str]:
		"""The status and page of a request of its own, as a server would answer it, from an address of its own."""
		from frappe.app import application

		frappe.db.commit()
		ip = ip or f"203.0.113.{frappe.generate_hash(length=6)}"
		headers = {"X-Frappe-Site-Name": frappe.local.site, "X-Forwarded-For": ip, "Accept": "text/html"}
		kind = "data" if method == "POST" else "query_string"
		answers: list[Any] = []

		def request() -> None:
			form.setdefault("_lang", "en")
			answers.append(
				Client(application).open("/sales-kpi-survey", method=method, headers=headers, **{kind: form})
			)

		thread = threading.Thread(target=request)
		thread.start()
		thread.join()
		# What the request has committed is to be seen.
		frappe.db.rollback()
		return answers[0].status_code, answers[0].get_data(as_text=True)

	def neutral(self) -> tuple[int, str]:
		return self.ask(token="A" * 43)

	def test_an_answer_is_taken_once(self) -> None:
		customer = self.customer()
		token = self.invited(CSAT, customer)
		status, text = self.ask(token=token)
		self.assertEqual(status, 200)
		self.assertEqual(text.count('type="radio"'), 5)
		self.assertNotIn("<script", text)
		self.assertEqual(self.answers_of(customer), [], "to open a link changes nothing")
		status, text = self.ask("POST", token=token, score="4", comment="Good & quick")
		self.assertEqual((status, "Thank you" in text), (200, True))
		(given,) = self.answers_of(customer)
		self.assertEqual((given.score, float(given.rating), given.kind), (4, 0.8, CSAT))
		self.assertEqual(given.company, self.company)
		self.assertEqual(frappe.db.get_value(INVITATION, given.invitation, "state"), "Answered")
		for method in ("GET", "POST"):
			self.assertEqual(self.ask(method, token=token, score="1"), self.neutral())
		self.assertEqual(len(self.answers_of(customer)), 1)

	def test_links_that_cannot_be_used_are_told_apart_nowhere(self) -> None:
		expired = self.invited()
		frappe.db.set_value(
			INVITATION,
			{"token_hash": survey.hashed(expired)},
			"expires_on",
			now_datetime() - timedelta(minutes=1),
		)
		gone = self.customer()
		of_gone = self.invited(customer=gone)
		frappe.delete_doc("Customer", gone)
		valid = self.invited()
		name = str(frappe.db.get_value(INVITATION, {"token_hash": survey.hashed(valid)}))
		forged = (
			valid[:-1] + ("A" if valid[-1] != "A" else "B"),
			valid.swapcase(),
			survey.hashed(valid),
			name,
			"",
			"x",
			"' or 1=1 --",
			"%",
			"../../etc/passwd",
			SCRIPT,
			"ا" * 43,
			"A" * 5000,
		)
		expected = self.neutral()
		self.assertEqual(expected[0], 404)
		for token in (expired, of_gone, *forged):
			for method in ("GET", "POST"):
				self.assertEqual(self.ask(method, token=token, score="5"), expected, (method, token[:50]))
		self.assertEqual(self.ask(), expected)
		self.assertEqual(self.ask("POST"), expected)
		self.assertEqual(frappe.db.count(ANSWER, {"customer": gone}), 0)
		self.assertEqual(self.ask(token=valid)[0], 200)

	def test_who_is_logged_in_cannot_use_another_ones_link(self) -> None:
		address = self.address()
		token = self.invited(to=address)
		self.assertIsNone(survey.answerable(token, user_of("svyann")))
		self.assertFalse(survey.answer(token, "5", "", user_of("svyann")))
		self.assertFalse(survey.opt_out(token, user_of("svyann")))
		self.assertIsNotNone(survey.answerable(token, address.upper()))

	def test_scores_that_are_none_are_refused_and_the_link_stays(self) -> None:
		customer = self.customer()
		token = self.invited(NPS, customer)
		for score in ("", "11", "-1", "3.5", "١", "1e1", "abc", SCRIPT, "²"):
			status, text = self.ask("POST", token=token, score=score, comment="kept & safe")
			self.assertEqual((status, "Please choose a number." in text), (200, True), score)
			self.assertIn("kept &amp; safe", text)
			self.assertNotIn("<script", text)
		status, text = self.ask("POST", token=token, score="3", comment="x" * 2001)
		self.assertIn("Your comment is too long", text)
		self.assertEqual(self.answers_of(customer), [])
		self.assertIn("Thank you", self.ask("POST", token=token, score="0")[1])
		(given,) = self.answers_of(customer)
		self.assertEqual((given.score, given.rating), (0, None), "an NPS is no rating")

	def test_markup_in_comments_and_names_is_escaped(self) -> None:
		customer = self.customer()
		token = self.invited(customer=customer, question=f"Fine? {SCRIPT}")
		status, text = self.ask("POST", token=token, score="", comment=f"</textarea>{SCRIPT}")
		self.assertEqual(status, 200)
		for markup in ("<script", "<img", "</textarea></textarea>"):
			self.assertNotIn(markup, text)
		self.ask("POST", token=token, score="5", comment=SCRIPT)
		(given,) = self.answers_of(customer)
		self.assertNotIn("<script", given.comment or "")
		self.assertNotIn("onerror", given.comment or "")

	def test_a_score_in_the_link_is_only_chosen(self) -> None:
		customer = self.customer()
		text = self.ask(token=self.invited(NPS, customer), score="9")[1]
		self.assertRegex(text, r'value="9" required checked')
		self.assertEqual(text.count(" checked"), 1)
		self.assertEqual(self.answers_of(customer), [])

	def test_the_page_speaks_persian(self) -> None:
		text = self.ask(token=self.invited(language="fa"), _lang="fa")[1]
		self.assertIn('<html lang="fa" dir="rtl">', text)
		self.assertIn('name="_lang" value="fa"', text)
		self.assertIn('lang="en"', text)

	def test_opting_out(self) -> None:
		address = self.address()
		token = self.invited(to=address)
		status, text = self.ask(token=token, opt_out="1")
		self.assertEqual((status, 'name="opt_out"' in text), (200, True))
		self.assertFalse(frappe.db.exists(OPT_OUT, {"email": address}), "to open a link changes nothing")
		self.ask("POST", token=token, score="5")
		for _again in range(2):
			status, text = self.ask("POST", token=token, opt_out="1")
			self.assertEqual((status, "be asked again" in text), (200, True))
		self.assertEqual(frappe.db.count(OPT_OUT, {"email": address}), 1)
		self.assertTrue(survey.has_opted_out(address, "anybody"))
		for method in ("GET", "POST"):
			self.assertEqual(self.ask(method, token="B" * 43, opt_out="1"), self.neutral())

	def test_two_answers_at_once(self) -> None:
		customer = self.customer()
		token = self.invited(customer=customer)
		with patch.object(survey, "answerable", wraps=survey.answerable):
			frappe.db.commit()
			threads = [
				threading.Thread(target=self.answer_alone, args=(frappe.local.site, token)) for _n in range(4)
			]
			for thread in threads:
				thread.start()
			for thread in threads:
				thread.join()
		frappe.db.rollback()
		self.assertEqual(len(self.answers_of(customer)), 1)

	@staticmethod
	def answer_alone(site: str, token: str) -> None:
		from frappe.app import application

		headers = {"X-Frappe-Site-Name": site, "X-Forwarded-For": f"198.51.100.{token[:6]}"}
		Client(application).post("/sales-kpi-survey", data={"token": token, "score": "5"}, headers=headers)

	def test_guesses_are_limited(self) -> None:
		valid, ip = self.invited(), f"192.0.2.{frappe.generate_hash(length=6)}"
		statuses = [self.ask(ip=ip, token="C" * 43)[0] for _number in range(page.MOST_REQUESTS + 3)]
		self.assertEqual(statuses, [404] * page.MOST_REQUESTS + [429] * 3)
		limited = self.ask(ip=ip, token="C" * 43)
		self.assertEqual(self.ask(ip=ip, token=valid), limited, "a right guess looks like any other")
		self.assertEqual(self.ask("POST", ip=ip, token=valid, score="5"), limited)
		self.assertEqual(self.ask(token=valid)[0], 200, "others aren't limited")

	def test_ten_thousand_guesses_learn_nothing(self) -> None:
		"""The page itself in a loop: it looks into the database no more often than it may, and says the same each time."""
		valid = self.invited()
		frappe.local.request_ip = f"192.0.2.{frappe.generate_hash(length=6)}"
		form, request = frappe.local.form_dict, getattr(frappe.local, "request", None)
		frappe.local.request = Request(EnvironBuilder(path="/sales-kpi-survey").get_environ())
		shown: dict[str, int] = {}
		try:
			with patch.object(survey, "invitation_of", wraps=survey.invitation_of) as looked:
				for number in range(10_000):
					token = valid if number > 9_000 and number % 100 == 0 else frappe.generate_hash(length=43)
					frappe.local.form_dict = frappe._dict(token=token)
					context = frappe._dict()
					page.get_context(context)
					key = f"{context.view} {context.title} {context.http_status_code}"
					shown[key] = shown.get(key, 0) + 1
		finally:
			frappe.local.form_dict, frappe.local.request = form, request
		self.assertEqual(looked.call_count, page.MOST_REQUESTS)
		self.assertEqual(
			shown,
			{
				"neutral This link can’t be used 404": page.MOST_REQUESTS,
				"limited Please try again later 429": 10_000 - page.MOST_REQUESTS,
			},
		)


class TestAnswers(SurveyTestCase):
	"""Who reads answers, and what figures they make."""

	def answered(self, score: int, kind: str = CSAT, customer: str | None = None, **values: Any) -> Document:
		customer = customer or self.customer(**values)
		token = self.invited(kind, customer)
		self.assertTrue(survey.answer(token, score, "As they said"))
		return frappe.get_last_doc(ANSWER, filters={"customer": customer})

	def satisfaction(self, by: str = "company") -> list[Any]:
		question = Question(
			self.company,
			getdate(),
			getdate(),
			Every.RANGE,
			report.By(by),
			("customer_satisfaction",),
			getdate(),
		)
		return Asker.current("Administrator").values(question)

	def test_a_csat_is_a_rating_and_an_nps_is_none(self) -> None:
		self.answered(4)
		self.answered(2)
		self.answered(0, NPS)
		self.answered(10, NPS)
		for use_totals in (1, 0):
			base.change_settings(use_totals=use_totals)
			(value,) = self.satisfaction()
			self.assertEqual((value["numerator"], value["denominator"]), (1, 2), use_totals)

	def test_an_answer_marks_its_day(self) -> None:
		frappe.db.delete("KPI Mark")
		given = self.answered(5)
		marked = frappe.get_all("KPI Mark", filters={"record": ANSWER}, pluck="day")
		self.assertEqual(set(marked), {getdate()})
		frappe.db.delete("KPI Mark")
		frappe.delete_doc(ANSWER, given.name)
		self.assertTrue(frappe.db.exists("KPI Mark", {"record": ANSWER}))

	def test_kept_sums_follow(self) -> None:
		from sales_kpi.totals.refresh import refresh

		# The refresh commits: other tests shall not see it.
		self.company = base.ensure_company(base.unique("Svy Sums"))
		self.answered(5, team={"Svy Ann": 60, "Svy Bob": 40})
		refresh()
		given = self.answered(1, team={"Svy Ann": 100})
		values = {
			value["scope"]: value for value in self.satisfaction("sales-person") if value["denominator"]
		}
		self.assertEqual(values["Svy Ann"]["denominator"], 1.6)
		self.assertEqual(values["Svy Bob"]["numerator"], 0.4)
		frappe.delete_doc("Customer", given.customer)
		values = {
			value["scope"]: value for value in self.satisfaction("sales-person") if value["denominator"]
		}
		self.assertEqual(
			values["Svy Ann"]["denominator"], 0.6, "nobody is credited for a customer that is gone"
		)
		self.assertEqual(values[""]["denominator"], 1)

	def test_permissions(self) -> None:
		of_ann = self.answered(5, team={"Svy Ann": 100})
		of_bob = self.answered(4, team={"Svy Bob": 100})
		of_nobody = self.answered(3)
		opt_out = frappe.get_doc(OPT_OUT, base.insert(OPT_OUT, email=self.address()).name)
		invitation = frappe.get_doc(INVITATION, of_ann.invitation)
		asked = frappe.get_doc(SURVEY, invitation.survey)
		everything = {of_ann.name, of_bob.name, of_nobody.name}
		seen = {
			"svymaster": everything,
			"svylead": {of_ann.name, of_bob.name},
			"svyann": {of_ann.name},
			"svybob": {of_bob.name},
			"svyclerk": set(),
			"guest": set(),
		}
		for actor, expected in seen.items():
			with as_user(user_of(actor)):
				try:
					listed = set(
						frappe.get_list(ANSWER, filters={"name": ("in", list(everything))}, pluck="name")
					)
				except frappe.PermissionError:
					listed = set()
				self.assertEqual(listed, expected, actor)
				for doc in (of_ann, of_bob, of_nobody):
					self.assertEqual(doc.has_permission("read"), doc.name in expected, (actor, doc.name))
					for right in ("write", "create", "submit", "share"):
						self.assertFalse(doc.has_permission(right), (actor, right))
				is_manager = actor == "svymaster"
				self.assertEqual(bool(invitation.has_permission("read")), is_manager, actor)
				self.assertFalse(invitation.has_permission("write"), actor)
				self.assertFalse(invitation.has_permission("create"), actor)
				self.assertEqual(bool(opt_out.has_permission("read")), is_manager, actor)
				self.assertEqual(bool(opt_out.has_permission("delete")), is_manager, actor)
				self.assertEqual(bool(asked.has_permission("write")), is_manager, actor)
				self.assertEqual(bool(asked.has_permission("read")), actor in ("svymaster", "svylead"), actor)

	def test_what_was_said_cannot_be_edited(self) -> None:
		given = self.answered(2)
		given.score = 5
		with self.refused(frappe.PermissionError, "can’t be edited"):
			given.save(ignore_permissions=True)
		invitation = frappe.get_doc(INVITATION, given.invitation)
		invitation.state = "Sent"
		with self.refused(frappe.PermissionError, "can’t be edited"):
			invitation.save(ignore_permissions=True)

	def test_renaming_and_deleting_customers(self) -> None:
		given = self.answered(5)
		new = frappe.rename_doc("Customer", given.customer, base.unique("Svy Renamed"))
		self.assertEqual(frappe.db.get_value(ANSWER, given.name, "customer"), new)
		frappe.delete_doc("Customer", new)
		self.assertTrue(frappe.db.exists(ANSWER, given.name))

	def run_report(self, actor: str, **filters: Any) -> dict[str, Any]:
		given = {
			"company": self.company,
			"from_date": today(),
			"to_date": today(),
			"every": "range",
			**filters,
		}
		with as_user(actor if "@" in actor else user_of(actor)):
			columns, rows, message, chart, *_rest = report.satisfaction(given)
		return {"columns": columns, "rows": rows, "message": message, "chart": chart}

	def test_the_report_tells_golden_g23(self) -> None:
		for score in (10, 9, 9, 8, 7, 6, 3, 10, 0, 8):
			self.answered(score, NPS, team={"Svy Ann": 50, "Svy Bob": 50})
		for score in (5, 4, 4, 3, 2):
			self.answered(score, CSAT, team={"Svy Ann": 100})
		self.invited()
		(row,) = self.run_report("svymaster")["rows"]
		self.assertEqual((row["nps"], row["nps_n"], row["csat"], row["mean"]), (10, 10, 0.6, 3.6))
		self.assertEqual((row["sent"], row["response"]), (16, round(15 / 16, 6)))
		self.assertEqual(row["nps_text"], "+10")
		rows = {row["scope"]: row for row in self.run_report("svylead", by="sales-person")["rows"]}
		self.assertEqual((rows["Svy Ann"]["nps"], rows["Svy Ann"]["nps_n"]), (10, 5))
		self.assertEqual((rows["Svy Bob"]["csat"], rows["Svy Bob"]["csat_n"]), (None, 0))
		self.assertEqual(set(rows), {"Svy Ann", "Svy Bob"})
		(row,) = self.run_report("svybob", by="sales-person")["rows"]
		self.assertEqual((row["scope"], row["nps_n"]), ("Svy Bob", 5))
		(row,) = self.run_report("svylead", by="team")["rows"]
		self.assertEqual((row["scope"], row["nps_n"], row["csat_n"]), ("Svy North", 10, 5))

	def test_customers_beside_their_revenue_and_whether_they_still_buy(self) -> None:
		mine, lost, other = (
			self.customer({"Svy Ann": 100}),
			self.customer({"Svy Ann": 100}),
			self.customer({"Svy Bob": 100}),
		)
		base.make_invoice(self.company, mine, today(), 1000, {"Svy Ann": 100})
		base.make_invoice(self.company, lost, "2025-01-10", 70, {"Svy Ann": 100})
		base.make_invoice(self.company, other, today(), 5000, {"Svy Bob": 100})
		self.answered(10, NPS, mine)
		self.answered(2, NPS, lost)
		self.answered(9, NPS, other)
		found = self.run_report("svyann", view="customers")
		rows = {row["customer"]: row for row in found["rows"]}
		self.assertEqual(set(rows), {mine, lost})
		self.assertEqual((rows[mine]["revenue"], rows[lost]["revenue"]), (1000, 0))
		self.assertEqual((rows[mine]["lapsed"], rows[lost]["lapsed"]), ("Yes", "Has stopped buying"))
		self.assertIn("Promoters", found["message"])
		self.assertIn("Detractors", found["message"])
		self.assertEqual(len(self.run_report("svymaster", view="customers")["rows"]), 3)

	def test_a_report_without_answers_says_so(self) -> None:
		for view in ("periods", "customers"):
			found = self.run_report("svymaster", view=view, from_date="2024-01-01", to_date="2024-01-31")
			self.assertEqual(found["rows"], [])
			self.assertTrue(found["message"])
		with self.refused(frappe.ValidationError, "no view"):
			self.run_report("svymaster", view=SCRIPT, from_date=today())


class TestActivity(SurveyTestCase):
	"""The report of activity beside results."""

	def run_report(self, actor: str, **filters: Any) -> list[dict[str, Any]]:
		given = {
			"company": self.company,
			"from_date": "2025-03-01",
			"to_date": "2025-03-31",
			"every": "month",
			**filters,
		}
		with as_user(user_of(actor)):
			found: list[dict[str, Any]] = report.activity(given)[1]
		return found

	def test_calls_for_each_won_deal(self) -> None:
		base.ensure_employee("Svy Ann", self.company, user_of("svyann"))
		base.ensure_employee("Svy Bob", self.company, user_of("svybob"))
		for actor, calls in (("svyann", 6), ("svybob", 9)):
			with as_user(user_of(actor)):
				for _number in range(calls):
					base.insert(
						"Event",
						subject="Call",
						event_category="Call",
						event_type="Public",
						starts_on="2025-03-05 10:00:00",
						ends_on="2025-03-05 10:10:00",
					)
		lead = base.make_lead(base.unique("Svy Lead"), self.company, user_of("svyann"), "2025-03-03")
		opportunity = base.make_opportunity(lead, "2025-03-04", 500)
		base.order_quotation(base.make_quotation(opportunity, "2025-03-06"), "2025-03-07")
		rows = {row["scope"]: row for row in self.run_report("svylead")}
		self.assertEqual((rows["Svy Ann"]["calls"], rows["Svy Ann"]["won"]), (6, 1))
		self.assertEqual((rows["Svy Ann"]["calls_per_deal"], rows["Svy Ann"]["win_rate_n"]), (6, 1))
		self.assertEqual((rows["Svy Bob"]["calls"], rows["Svy Bob"]["calls_per_deal"]), (9, None))
		self.assertEqual(list(rows), sorted(rows), "by name, not by figures")
		self.assertEqual([row["scope"] for row in self.run_report("svybob")], ["Svy Bob"])
		self.assertEqual(self.run_report("svyclerk"), [])

	def test_of_several_periods_the_whole_range_comes_last(self) -> None:
		self.test_calls_for_each_won_deal()
		rows = self.run_report("svyann", from_date="2025-02-01")
		self.assertEqual([row["scope"] for row in rows], ["Svy Ann", "Svy Ann"])
		self.assertEqual(rows[-1]["calls"], 6)
