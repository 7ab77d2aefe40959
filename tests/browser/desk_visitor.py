"""Somebody at the desk: logs in once, goes from place to place as the desk does, and notes whatever goes wrong."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from browser.desk_site import ARTIFACTS, PASSWORD, Desk

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

PATIENCE = 90
"""Seconds that one place may take; the machine of the tests may be busy."""

QUIET = 0.35
"""Seconds without any request after which a place counts as loaded."""

NO_SOCKETS = "socket.io"
"""What alone may fail: Frappe's second server, for messages while a page is open, isn't started."""

SIGNS_OF_FAULTS = re.compile(r"Traceback|\bundefined\b|\bNaN\b|\[object |\bInternal Server Error\b|\{0\}")

SHOWN = """() => {
	const page = document.querySelector(".page-container:not([style*='display: none'])") || document.body;
	const dialogs = [...document.querySelectorAll(".modal.show")];
	return [page, ...dialogs].map((element) => element.innerText).join("\\n");
}"""

HEIGHT = """() => Math.max(
	...[document.documentElement, ...document.querySelectorAll(".main-section, .layout-main-section-wrapper, .page-body")]
		.map((element) => element.scrollHeight),
)"""


class Visitor:
	"""A page of somebody's session."""

	def __init__(self, desk: Desk, context: Any, size: dict[str, int] = DESKTOP) -> None:
		self.desk, self.context, self.size = desk, context, size
		self.page: Any = context.new_page()
		self.page.set_viewport_size(size)
		self.page.set_default_timeout(PATIENCE * 1000)
		self.complaints: list[str] = []
		self.pending: set[Any] = set()
		self.watch()

	@classmethod
	def log_in(cls, browser: Any, desk: Desk, user: str) -> Visitor:
		"""Somebody at a desktop."""
		context = browser.new_context(accept_downloads=True)
		answer = context.request.post(f"{desk.address}/api/method/login", form={"usr": user, "pwd": PASSWORD})
		assert answer.ok, answer.text()
		return cls(desk, context)

	def by_phone(self) -> Visitor:
		"""The same person, who has taken out the phone."""
		return Visitor(self.desk, self.context, PHONE)

	def watch(self) -> None:
		"""Note errors, failed requests, and what is still under way."""
		page = self.page
		page.on("console", self.note_message)
		page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
		page.on("response", self.note_answer)
		page.on("request", lambda request: None if self.is_socket(request.url) else self.pending.add(request))
		page.on("requestfinished", lambda request: self.pending.discard(request))
		page.on("requestfailed", self.note_failure)

	def is_socket(self, url: str) -> bool:
		return NO_SOCKETS in url

	def note_message(self, message: Any) -> None:
		if message.type != "error" or self.is_socket(message.location.get("url", "") + message.text):
			return
		# What the server refuses is noted as an answer, with its number and address.
		if not message.text.startswith("Failed to load resource"):
			self.complaints.append(f"console: {message.text[:300]}")

	def note_answer(self, answer: Any) -> None:
		if answer.status >= 400 and not self.is_socket(answer.url):
			self.complaints.append(f"{answer.status} {answer.url[:200]}")

	def note_failure(self, request: Any) -> None:
		self.pending.discard(request)
		# Whoever goes on before everything is there breaks requests off.
		if not self.is_socket(request.url) and "ERR_ABORTED" not in (request.failure or ""):
			self.complaints.append(f"{request.failure} {request.url[:200]}")

	# Going about

	def load(self, path: str, **asked: str) -> None:
		"""Open an address anew, as from a bookmark."""
		self.pending.clear()
		query = f"?{urlencode(asked, quote_via=quote)}" if asked else ""
		self.page.goto(f"{self.desk.home}/{path}{query}", wait_until="domcontentloaded")
		self.page.wait_for_function("() => window.frappe?.boot && window.cur_page?.page?.page")
		self.settle()

	def go(self, *route: str) -> None:
		"""Go somewhere within the desk."""
		if self.page.url == "about:blank":
			self.load("/".join(quote(part) for part in route))
			return
		self.page.evaluate("route => frappe.set_route(route)", list(route))
		self.settle()

	def settle(self) -> None:
		"""Wait until nothing more comes."""
		until, quiet_since = time.monotonic() + PATIENCE, time.monotonic()
		while time.monotonic() - quiet_since < QUIET:
			self.page.wait_for_timeout(50)
			is_busy = bool(self.pending) or self.page.evaluate(
				"() => Boolean(document.querySelector('.sales-scorecard[aria-busy]') || window.frappe?.request?.ajax_count)"
			)
			if is_busy:
				quiet_since = time.monotonic()
			assert time.monotonic() < until, f"still waiting for {[one.url for one in self.pending]}"

	# What is seen

	@property
	def text(self) -> str:
		"""What stands on the page and in dialogs."""
		return str(self.page.evaluate(SHOWN))

	def assert_clean(self, *allowed: int) -> None:
		"""Nothing has gone wrong since the last time; answers with these numbers are expected.

		Frappe writes on the console where a refusal came from, which is no fault of the page then.
		"""
		expected = tuple(f"{number} " for number in allowed) + (("console: Traceback",) if allowed else ())
		unexpected = [one for one in self.complaints if not expected or not one.startswith(expected)]
		self.complaints.clear()
		assert not unexpected, (self.page.url, unexpected)
		fault = SIGNS_OF_FAULTS.search(self.text)
		assert not fault, (self.page.url, fault, self.text[max(0, fault.start() - 80) : fault.end() + 80])

	def picture(self, name: str) -> None:
		"""Leave a picture of the whole page, however far it scrolls."""
		page = self.page
		height = min(max(int(page.evaluate(HEIGHT)) + 60, self.size["height"]), 6000)
		page.set_viewport_size({**self.size, "height": height})
		self.settle()
		page.screenshot(path=self.folder / f"{name}-{self.size['width']}.png")
		page.set_viewport_size(self.size)

	@property
	def folder(self) -> Path:
		folder = ARTIFACTS / f"desk-v{self.desk.version}"
		folder.mkdir(parents=True, exist_ok=True)
		return folder

	def sideways(self) -> int:
		"""By how many pixels the page is wider than the screen."""
		return int(self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"))

	# What is done

	def speak(self, language: str) -> None:
		"""Choose a language, as in one's own settings, and load the desk anew."""
		self.page.evaluate(
			"language => frappe.db.set_value('User', frappe.session.user, 'language', language)", language
		)
		self.settle()
		self.load("sales-scorecard")

	def close_dialogs(self) -> None:
		self.page.evaluate("() => { frappe.hide_msgprint?.(true); window.cur_dialog?.hide(); }")
		self.page.wait_for_timeout(300)
