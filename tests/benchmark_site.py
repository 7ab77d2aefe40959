"""Speed of the app on a site with a large made-up company, beside ERPNext's own reports (`make bench-site`).

For each size a site is made on a bench that is found (as `tests/site/run.py` finds them: FRAPPE_BENCHES, else
~/frappe-bench*), filled, summed, measured and dropped. All is measured in one run, one after the other, and what counts
are the ratios; these machines are noisy. The table is printed, and written to docs/benchmark.md.

`--keep` leaves the sites there, and uses them again the next time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmark.md"
BEGIN, END = "<!-- make bench-site: begin -->", "<!-- make bench-site: end -->"

LAST = date(2026, 10, 31)
YEAR = {"from_date": "2025-11-01", "to_date": "2026-10-31"}
JALALI_YEAR = {"from_date": "2025-10-23", "to_date": "2026-10-22", "calendar": "jalali"}
MONTH = {"from_date": "2026-09-01", "to_date": "2026-09-30"}

REPORT = "Sales KPI Values"
OURS = {
	"by salesperson": {**YEAR, "by": "sales-person"},
	"by salesperson, Jalali months": {**JALALI_YEAR, "by": "sales-person"},
	"by company": {**YEAR, "by": "company"},
	"by team with members, 6 months": {**YEAR, "from_date": "2026-05-01", "by": "team"},
	"by territory": {**YEAR, "by": "territory"},
	"by source": {**YEAR, "by": "source"},
}
"""The report's filters, by what the table calls them."""

ERPNEXT: dict[str, dict[str, Any]] = {
	"Sales Person Target Variance Based On Item Group": {
		"fiscal_year": "2026", "doctype": "Sales Invoice", "period": "Monthly", "target_on": "Amount",
	},
	"Sales Person-wise Transaction Summary": {**YEAR, "doc_type": "Sales Invoice"},
	"Sales Analytics": {
		**YEAR, "tree_type": "Customer", "doc_type": "Sales Invoice", "value_quantity": "Value", "range": "Monthly",
	},
	"Lead Conversion Time": dict(YEAR),
	"Customer Acquisition and Loyalty": {**YEAR, "view_type": "Monthly"},
	"Lead Owner Efficiency": dict(YEAR),
}  # fmt: skip
"""ERPNext's own reports with the filters that ask for the same year."""

LIMIT = 200
"""Seconds after which one of ERPNext's reports is stopped."""

LARGE = (
	"Lead", "Opportunity", "Opportunity Item", "Quotation", "Quotation Item", "Sales Order", "Sales Order Item",
	"Delivery Note", "Delivery Note Item", "Packed Item", "Sales Invoice", "Sales Invoice Item", "Sales Team",
	"POS Invoice", "POS Invoice Item", "GL Entry", "Communication", "Call Log", "Event", "Event Participants",
	"Quality Feedback", "Quality Feedback Parameter",
)  # fmt: skip
"""Doctypes whose tables get their keys after they are filled."""


# On the site: each of these runs in a process of the bench


def company(invoices: int, version: str) -> Any:
	"""A company of five years, with the proportions of the largest one at every size."""
	from sales_kpi.demo.company import DemoCompany

	return DemoCompany(
		invoices=invoices, months=60, salespeople=50, teams=6, territories=10, sources=8, leads=invoices * 3 // 10,
		opportunities=invoices * 3 // 10, customers=invoices // 10, until=LAST, sales_ledger=False, schema=version,
	)  # fmt: skip


def fill(invoices: int, version: str) -> dict[str, Any]:
	"""Fill the site. Tables are loaded bare and get their keys at the end, which is many times faster."""
	import frappe

	from sales_kpi.demo import site

	begun = time.perf_counter()
	keys = _take_keys_away(version)
	try:
		companies = site.fill(company(invoices, version))
	finally:
		for table, definitions in keys.items():
			added = ", ".join(f"ADD {definition}" for definition in definitions)
			frappe.db.sql_ddl(f"ALTER TABLE `{table}` {added}")
	_set_targets()
	return {"company": companies[0], "seconds": time.perf_counter() - begun}


def _take_keys_away(version: str) -> dict[str, list[str]]:
	"""Drop the keys of large tables that are empty. Returns how they were defined."""
	import frappe

	from sales_kpi.demo.tables import tables

	found = {}
	for name in tables(version):
		if name not in LARGE or frappe.db.count(name):
			continue
		text = frappe.db.sql(f"SHOW CREATE TABLE `tab{name}`")[0][1]
		keys = re.findall(r"^\s*((PRIMARY|UNIQUE)? ?KEY (`\w+`)?.*?),?$", text, re.MULTILINE)
		dropped = ", ".join(
			f"DROP {'PRIMARY KEY' if kind == 'PRIMARY' else f'KEY {key}'}" for _, kind, key in keys
		)
		frappe.db.sql_ddl(f"ALTER TABLE `tab{name}` {dropped}")
		found[f"tab{name}"] = [definition for definition, _, _ in keys]
	return found


def _set_targets() -> None:
	"""Targets of all salespeople, without which ERPNext has no variance to tell."""
	import frappe

	year = str(ERPNEXT["Sales Person Target Variance Based On Item Group"]["fiscal_year"])
	even = frappe.new_doc("Monthly Distribution")
	even.update({"distribution_id": "Benchmark", "fiscal_year": year})
	even.get_months()
	even.insert()
	for name in frappe.get_all("Sales Person", filters={"is_group": 0}, pluck="name"):
		row = frappe.new_doc("Target Detail")
		row.update({
			"parent": name, "parenttype": "Sales Person", "parentfield": "targets", "idx": 1, "fiscal_year": year,
			"target_amount": 100_000, "distribution_id": even.name,
		})  # fmt: skip
		row.db_insert()


def rebuild() -> dict[str, Any]:
	"""Make all totals, and send the statements that this takes once, without making anything of their rows."""
	from sales_kpi.totals import rebuild as rebuilding

	with _statements() as sent:
		begun = time.perf_counter()
		rebuilding.rebuild(afresh=True)
		whole = time.perf_counter() - begun
	return {
		"seconds": whole,
		"sql": sum(seconds for _, _, seconds in sent),
		"bare": _bare_totals(),
		**_size(),
	}


def _bare_totals() -> dict[str, float]:
	"""Seconds of one statement for all sums of each family of facts."""
	from sales_kpi.sources.site import SiteSource
	from sales_kpi.totals.months import told
	from sales_kpi.totals.refresh import families, site_reading
	from sales_kpi.totals.series import all_series

	class _Only(SiteSource):
		def run(self, query: Any) -> Any:
			raise _Sent(query)

	found = {}
	reading = site_reading()
	for together in families(all_series(reading).values()):
		try:
			told(_Only(), reading, together)
		except _Sent as sent:
			found[together[0].family] = _bare(*_compiled(sent.query))
	return found


class _Sent(Exception):
	"""Instead of an answer: the query that would have been sent."""

	def __init__(self, query: Any) -> None:
		self.query = query


def _compiled(query: Any) -> tuple[str, dict[str, Any]]:
	from sales_kpi.facts.reading.binding import compile_query
	from sales_kpi.sources.site import SiteSource

	return compile_query(query, SiteSource().dialect.quote, lambda name: f"%({name})s")


def _bare(sql: str, values: dict[str, Any]) -> float:
	"""Seconds that the driver alone takes for a statement and its rows."""
	import frappe

	frappe.db.commit()
	begun = time.perf_counter()
	frappe.db._cursor.execute(sql, values)
	frappe.db._cursor.fetchall()
	return time.perf_counter() - begun


@contextmanager
def _statements() -> Iterator[list[tuple[str, dict[str, Any], float]]]:
	"""The statements that the app sends meanwhile, with the seconds that each took."""
	from sales_kpi.sources.site import SiteSource

	sent: list[tuple[str, dict[str, Any], float]] = []
	run = SiteSource.run

	def remembered(source: SiteSource, query: Any) -> Any:
		compiled = _compiled(query)
		begun = time.perf_counter()
		answer = run(source, query)
		sent.append((*compiled, time.perf_counter() - begun))
		return answer

	SiteSource.run = remembered
	try:
		yield sent
	finally:
		SiteSource.run = run


def _size() -> dict[str, Any]:
	"""What the totals take."""
	import frappe

	told = {}
	for doctype in ("KPI Total", "KPI Entity Row"):
		frappe.db.sql_ddl(f"ANALYZE TABLE `tab{doctype}`")
		size = frappe.db.sql(
			"SELECT data_length + index_length FROM information_schema.tables "
			"WHERE table_schema = DATABASE() AND table_name = %s",
			f"tab{doctype}",
		)
		told[doctype] = {
			"rows": dict(frappe.db.sql(f"SELECT series, COUNT(*) FROM `tab{doctype}` GROUP BY series")),
			"bytes": int(size[0][0]),
		}
	return {"size": told}


def live(company: str) -> dict[str, Any]:
	"""The statements of the report without totals: once with all that is made of them, once bare."""
	import frappe

	from sales_kpi.site.answers import Asker
	from sales_kpi.site.values_table import build

	asker = Asker.current("Administrator")
	asker.__dict__["totals"] = None
	with _statements() as sent:
		begun = time.perf_counter()
		build(asker, frappe._dict(OURS["by salesperson"], company=company, every="month"))
		whole = time.perf_counter() - begun
	return {
		"seconds": whole,
		"sql": sum(_bare(sql, values) for sql, values, _ in sent),
		"statements": len(sent),
	}


def with_totals(company: str) -> dict[str, Any]:
	"""What the report sends when totals are complete, and the time of its parts."""
	import frappe

	from sales_kpi.site.answers import Asker
	from sales_kpi.site.values_table import build

	found: list[dict[str, Any]] = []
	for _number in range(5):
		frappe.db.commit()
		with _statements() as sent:
			begun = time.perf_counter()
			asker = Asker.current("Administrator")
			build(asker, frappe._dict(OURS["by salesperson"], company=company, every="month"))
			whole = time.perf_counter() - begun
		found.append(
			{"seconds": whole, "sql": sum(seconds for _, _, seconds in sent), "statements": len(sent)}
		)
	return sorted(found, key=lambda one: one["seconds"])[2]


def marking(company: str) -> dict[str, Any]:
	"""Submits of a real invoice: seconds of the whole, and of what the app does in it. Nothing is kept of them."""
	import frappe

	from sales_kpi.events import sales_invoice

	handler, within, whole = sales_invoice.on_change, [0.0], []

	def timed(doc: Any, method: str | None = None) -> None:
		begun = time.perf_counter()
		handler(doc, method)
		within[-1] += time.perf_counter() - begun

	sales_invoice.on_change = timed
	try:
		for number in range(23):
			doc = _invoice(company, number)
			doc.insert()
			within.append(0.0)
			begun = time.perf_counter()
			doc.submit()
			whole.append(time.perf_counter() - begun)
			frappe.db.rollback()
	finally:
		sales_invoice.on_change = handler
	return {"mark": statistics.median(within[4:]), "submit": statistics.median(whole[3:])}


def _invoice(company: str, number: int) -> Any:
	"""An invoice of two lines with a Sales Team of two."""
	import frappe

	doc, day = frappe.new_doc("Sales Invoice"), "2026-10-15"
	currency = frappe.db.get_value("Company", company, "default_currency")
	own = {"disabled": 0, "default_currency": ("in", ["", currency])}
	customers = frappe.get_all("Customer", filters=own, pluck="name", limit=30, order_by="name")
	items = frappe.get_all("Item", filters={"disabled": 0, "has_variants": 0}, pluck="name", limit=2)
	people = frappe.get_all("Sales Person", filters={"is_group": 0, "enabled": 1}, pluck="name", limit=2)
	doc.update({
		"company": company, "customer": customers[number], "set_posting_time": 1, "posting_date": day, "due_date": day,
		"currency": currency, "conversion_rate": 1, "selling_price_list": "Standard Selling",
		"items": [{"item_code": name, "qty": 1, "rate": 100 + number} for name in items],
		"sales_team": [{"sales_person": name, "allocated_percentage": 50} for name in people],
	})  # fmt: skip
	return doc


def switch(without_totals: bool) -> dict[str, Any]:
	"""Switch the use of totals off or on."""
	import frappe

	frappe.db.set_single_value("Sales KPI Settings", "without_totals", int(without_totals))
	frappe.clear_document_cache("Sales KPI Settings", "Sales KPI Settings")
	return {}


def about() -> dict[str, Any]:
	"""Names of all KPIs, and the size of the database's buffer pool in bytes."""
	import frappe

	from sales_kpi import catalogue

	return {"kpis": list(catalogue.kpis()), "pool": frappe.db.sql("SELECT @@innodb_buffer_pool_size")[0][0]}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
	step.__name__: step for step in (fill, rebuild, live, with_totals, marking, switch, about)
}


def inside(step: str, site: str, arguments: dict[str, Any]) -> None:
	"""Run a step on a site, and print what it found as the last line."""
	import frappe

	frappe.init(site=site)
	frappe.connect()
	found = STEPS[step](**arguments)
	frappe.db.commit()
	print(f"\n{json.dumps(found)}", flush=True)
	frappe.destroy()


# Outside: the bench, the site, the server


def runner() -> Any:
	"""The module that finds benches and makes sites for the tests."""
	sys.path.insert(0, str(ROOT / "tests" / "site"))
	import run

	run.LIMIT = 6 * 3600
	return run


def bench_with(run: Any, bench: Any, site: str) -> Any:
	"""A bench with a site of another name."""

	class _Bench(run.Bench):  # type: ignore[misc]
		@property
		def site(self) -> str:
			return site

	return _Bench(bench.path, bench.version, bench.log)


@contextmanager
def site_on(run: Any, bench: Any, keep: bool) -> Iterator[None]:
	"""A site with ERPNext and the app; dropped afterwards unless it is to be kept."""
	with ExitStack() as stack:
		if not keep:
			stack.enter_context(run.fresh_site(bench))
		elif (bench.sites / bench.site / "site_config.json").exists():
			yield
			return
		elif (bench.path / "pristine" / "restore.sh").is_file():
			bench.run(["bash", str(bench.path / "pristine" / "restore.sh"), bench.site], bench.path)
		else:
			run.new_site(bench)
		bench.frappe("install-app", run.APP)
		yield


def ask(bench: Any, step: str, **arguments: Any) -> dict[str, Any]:
	"""Run a step in a process of the bench."""
	command = [str(bench.python), __file__, "--inside", step, bench.site, json.dumps(arguments)]
	answer: dict[str, Any] = json.loads(bench.run(command, bench.sites).strip().splitlines()[-1])
	return answer


class Server:
	"""A web server of the bench with one worker, and somebody who is logged in there."""

	def __init__(self, bench: Any) -> None:
		self.bench = bench
		with socket.socket() as free:
			free.bind(("127.0.0.1", 0))
			self.port = free.getsockname()[1]
		self.process = subprocess.Popen(
			[
				str(bench.python.parent / "gunicorn"), "-b", f"127.0.0.1:{self.port}", "-w", "1", "--timeout", "3600",
				"frappe.app:application",
			],
			cwd=bench.sites, env=bench.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
			stderr=subprocess.DEVNULL, start_new_session=True,
		)  # fmt: skip
		self.cookie = ""
		self._wait()
		self._log_in()

	def __enter__(self) -> Server:
		return self

	def __exit__(self, *error: object) -> None:
		with suppress(ProcessLookupError):
			os.killpg(self.process.pid, signal.SIGKILL)
		self.process.wait()

	def _wait(self) -> None:
		until = time.monotonic() + 120
		while True:
			try:
				self._get("/api/method/ping", 60)
				return
			except OSError:
				if time.monotonic() > until or self.process.poll() is not None:
					raise
				time.sleep(0.3)

	def _log_in(self) -> None:
		path = "/api/method/login?" + urllib.parse.urlencode({"usr": "Administrator", "pwd": "admin"})
		headers = self._get(path, 60)[1]
		sid = re.search(r"sid=([^;]+)", headers.get("Set-Cookie", "") or "")
		if sid is None:
			raise RuntimeError("the site doesn't know Administrator by the password of tests")
		self.cookie = f"sid={sid.group(1)}"

	def _get(self, path: str, limit: float) -> tuple[bytes, Any]:
		connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
		try:
			headers = {
				"X-Frappe-Site-Name": self.bench.site,
				"Cookie": self.cookie,
				"Accept": "application/json",
			}
			connection.request("GET", path, headers=headers)
			response = connection.getresponse()
			body = response.read()
		finally:
			connection.close()
		if response.status != 200:
			raise RuntimeError(f"{path[:200]}: {response.status} {body[-600:]!r}")
		return body, response.headers

	def call(self, method: str, arguments: dict[str, Any], limit: float = 3600) -> tuple[float, bytes]:
		"""Seconds of a call, and its answer."""
		path = f"/api/method/{method}?{urllib.parse.urlencode(arguments)}"
		begun = time.perf_counter()
		body, _ = self._get(path, limit)
		return time.perf_counter() - begun, body

	def report(self, name: str, filters: dict[str, Any], limit: float = 3600) -> tuple[float, bytes]:
		"""Seconds of a report, and its answer."""
		asked = {"report_name": name, "filters": json.dumps(filters), "ignore_prepared_report": 1}
		return self.call("frappe.desk.query_report.run", asked, limit)

	def memory(self) -> float:
		"""MiB that the worker holds."""
		listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
		status = Path(f"/proc/{listed[0]}/status").read_text()
		return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]


def stop_queries(run: Any, bench: Any) -> None:
	"""End what the database still does for a server that was stopped."""
	config = json.loads((bench.sites / bench.site / "site_config.json").read_text())
	listed = "SELECT id FROM information_schema.processlist WHERE db = '{}'".format(config["db_name"])
	for number in re.findall(r"^\d+$", bench.run(run.mysql(bench, listed), bench.path), re.MULTILINE):
		bench.run(run.mysql(bench, f"KILL {number}"), bench.path, succeed=False)


# What is measured


def measured(run: Any, bench: Any, invoices: int) -> dict[str, Any]:
	"""All figures of one size."""
	kept = bench.sites / bench.site / "kpi-benchmark.json"
	found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
	for step, arguments in (("fill", {"invoices": invoices, "version": bench.version}), ("rebuild", {})):
		if step not in found:
			say(f"{invoices:,}: {step}")
			found[step] = ask(bench, step, **arguments)
			kept.write_text(json.dumps(found))
	name = found["fill"]["company"]
	say(
		f"{invoices:,}: filled in {found['fill']['seconds']:.0f} s, summed in {found['rebuild']['seconds']:.0f} s"
	)
	with Server(bench) as server:
		server.call("frappe.client.get_count", {"doctype": "Customer"})
		before = server.memory()
		found["ours"] = {
			label: repeated(lambda filters=filters: server.report(REPORT, {**filters, "company": name, "every": "month"}))
			for label, filters in OURS.items()
		}  # fmt: skip
		found["memory"] = {"before": before, "after": server.memory()}
		known = ask(bench, "about")
		found["pool"], found["cards"] = known["pool"], {}
		for kpi in known["kpis"]:
			asked = {**MONTH, "company": name, "kpis": kpi}
			found["cards"][kpi] = repeated(lambda asked=asked: server.call("sales_kpi.api.compute", asked), 5)
		say(f"{invoices:,}: {found['ours']}, {found['memory']}")
		ask(bench, "switch", without_totals=True)
		try:
			filters = {**OURS["by salesperson"], "company": name, "every": "month"}
			found["live over HTTP"] = min(server.report(REPORT, filters)[0] for _ in range(2))
		finally:
			ask(bench, "switch", without_totals=False)
	for step in ("with_totals", "live", "marking"):
		found[step] = ask(bench, step, company=name)
		say(f"{invoices:,}: {step} {found[step]}")
	found["erpnext"] = {}
	for report, filters in ERPNEXT.items():
		found["erpnext"][report] = seconds = theirs(run, bench, report, {**filters, "company": name})
		say(f"{invoices:,}: {report} {seconds}")
	return found


def repeated(call: Callable[[], tuple[float, bytes]], times: int = 10) -> float:
	"""Median seconds of a call, warm."""
	for _ in range(3):
		call()
	return statistics.median(call()[0] for _ in range(times))


def theirs(run: Any, bench: Any, report: str, filters: dict[str, Any]) -> float | str | None:
	"""Seconds of one of ERPNext's reports on a server of its own; None if it was stopped, or why it failed."""
	with Server(bench) as server:
		server.call("frappe.client.get_count", {"doctype": "Customer"})
		try:
			return server.report(report, filters, LIMIT)[0]
		except RuntimeError as error:
			return f"failed: {str(error)[-120:]}"
		except TimeoutError:
			pass
	stop_queries(run, bench)
	return None


def say(text: str) -> None:
	print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


# What is told


def ms(seconds: float) -> str:
	if seconds < 2:
		return f"{seconds * 1000:.{1 if seconds < 0.01 else 0}f} ms"
	return f"{seconds:,.1f} s"


def theirs_told(seconds: float | str | None) -> str:
	if seconds is None:
		return f"stopped after {LIMIT} s"
	return seconds if isinstance(seconds, str) else ms(seconds)


def together(found: dict[str, Any]) -> float:
	"""Seconds of ERPNext's reports, at least."""
	return sum(LIMIT if one is None else one for one in found["erpnext"].values() if not isinstance(one, str))


def lines(found: dict[str, Any]) -> dict[str, str]:
	"""What the table says of one size."""
	ours, cards, memory = found["ours"], found["cards"], found["memory"]
	report, live, inner = ours["by salesperson"], found["live"], found["with_totals"]
	rebuilt, mark, submit = found["rebuild"], found["marking"]["mark"], found["marking"]["submit"]
	bare = sum(rebuilt["bare"].values())
	slowest = max(cards, key=lambda name: cards[name])
	told = {f"**{REPORT}**, {label}": ms(seconds) for label, seconds in ours.items()}
	told[f"{REPORT}, by salesperson, without HTTP"] = (
		f"{ms(inner['seconds'])}, of it {ms(inner['sql'])} in {inner['statements']} statements"
	)
	told["One card: a KPI, a company, a month"] = (
		f"{ms(statistics.median(cards.values()))}; slowest {ms(cards[slowest])} ({slowest})"
	)
	told[f"{REPORT}, by salesperson, without totals"] = ms(found["live over HTTP"])
	told["The bare SQL of that"] = f"{ms(live['sql'])} in {live['statements']} statements"
	told["Bare SQL ÷ report (goal 30)"] = f"{live['sql'] / report:,.0f}"
	for name, seconds in found["erpnext"].items():
		told[f"ERPNext: {name}"] = theirs_told(seconds)
	least = "at least " if None in found["erpnext"].values() else ""
	told["ERPNext's six together ÷ report (goal 1,000)"] = f"{least}{together(found) / report:,.0f}"
	told["Submit of an invoice, of it marking"] = f"{ms(submit)}, {ms(mark)} ({mark / submit:.2%})"
	told["Full rebuild"] = f"{ms(rebuilt['seconds'])}, of it {ms(rebuilt['sql'])} reading"
	told["Its bare SQL, one statement for each family of facts"] = ms(bare)
	told["Rebuild ÷ bare SQL (goal 2)"] = f"{rebuilt['seconds'] / bare:.2f}"
	told["Memory of a web worker, before and after 78 reports"] = (
		f"{memory['before']:.0f} and {memory['after']:.0f} MiB (+{memory['after'] - memory['before']:.0f})"
	)
	for doctype, size in rebuilt["size"].items():
		told[doctype] = f"{sum(size['rows'].values()):,} rows, {size['bytes'] / 2**20:,.0f} MiB"
	told["Filling the site"] = ms(found["fill"]["seconds"])
	return told


def table(head: list[str], rows: list[list[str]]) -> str:
	return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def section(bench: Any, by_size: dict[int, dict[str, Any]], kept: bool) -> str:
	"""The part of the page that this writes."""
	sizes = [f"{size:,} invoices" for size in by_size]
	columns = [lines(found) for found in by_size.values()]
	largest = next(reversed(by_size.values()))["rebuild"]
	facts = sorted({*largest["size"]["KPI Total"]["rows"], *largest["bare"]})
	by_fact = [
		[
			fact,
			*(
				f"{largest['size'][doctype]['rows'].get(fact, 0):,}"
				for doctype in ("KPI Total", "KPI Entity Row")
			),
			ms(largest["bare"][fact]) if fact in largest["bare"] else "",
		]
		for fact in facts
	]
	today = date.today()
	earlier = " The sites were kept: filling or the rebuild may be of an earlier run." if kept else ""
	return f"""## On a site

Measured by `make bench-site` on ERPNext {bench.version}, {os.cpu_count()} cores, {platform.system()},
MariaDB with a buffer pool of {pool_of(by_size)}, {today.day} {today:%B %Y}: one run, one after the other, medians of 10
warm calls through HTTP and Frappe's report API on one web worker (`gunicorn -w 1`); ERPNext's own reports once each, with
filters for the same year. Five years, 50 salespeople, 10 territories, 8 sources; for each 10 invoices 3 leads, 3
opportunities and a customer. All KPIs × 12 months. What counts are the ratios; the machine is noisy.{earlier}

{table(["", *sizes], [[label, *(column[label] for column in columns)] for label in columns[0]])}

What is kept at the largest size, and how long the bare statement takes that reads it from the records (facts that are read
by one statement stand with the first):

{table(["fact", "KPI Total", "KPI Entity Row", "bare SQL"], by_fact)}
"""


def pool_of(by_size: dict[int, dict[str, Any]]) -> str:
	return f"{next(iter(by_size.values()))['pool'] / 2**20:.0f} MB"


def write(text: str) -> None:
	"""Put the section into the page, in place of what is there of it."""
	page = PAGE.read_text(encoding="utf-8")
	if BEGIN not in page:
		page = f"{page.rstrip()}\n\n{BEGIN}\n{END}\n"
	before, rest = page.split(BEGIN, 1)
	after = rest.split(END, 1)[1]
	PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--inside", nargs=3, metavar=("STEP", "SITE", "ARGUMENTS"), help=argparse.SUPPRESS)
	parser.add_argument(
		"--invoices", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes to measure"
	)
	parser.add_argument("--version", choices=["15", "16"], default="15", help="of ERPNext")
	parser.add_argument("--keep", action="store_true", help="keep the sites, and use those that were kept")
	parser.add_argument("--print", action="store_true", help="only print: docs/benchmark.md stays as it is")
	arguments = parser.parse_args()
	if arguments.inside:
		step, site, given = arguments.inside
		inside(step, site, json.loads(given))
		return
	run = runner()
	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, run.stop)
	found = run.benches().get(arguments.version)
	if found is None:
		sys.exit(f"No bench with ERPNext {arguments.version} is found: name it in FRAPPE_BENCHES.")
	by_size = {}
	with ExitStack() as stack:
		if (found.path / "apps" / run.APP).resolve() != ROOT:
			# The bench is kept from others only where it has to be made to use this checkout.
			stack.enter_context(run.alone(found))
		stack.enter_context(run.app_linked(found))
		run.check(found)
		for invoices in arguments.invoices:
			mine = "" if arguments.keep else f"-{os.getpid()}"
			bench = bench_with(run, found, f"kpi-bench-{arguments.version}-{invoices}{mine}.localhost")
			with site_on(run, bench, arguments.keep):
				by_size[invoices] = measured(run, bench, invoices)
	text = section(found, by_size, arguments.keep)
	print(text)
	if not arguments.print:
		write(text)


if __name__ == "__main__":
	main()
