"""A site with the demo company on a bench that is found, served on this machine: what the desk is tried out on."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ARTIFACTS = ROOT / "test-artifacts"

INVOICES = 600
"""Enough for every figure of the month to be one, and filled in within seconds."""

PASSWORD = "Desk-of-the-demo-2026"

COMPANY, TEAM = "Alpha Trading", "North"

MANAGER, LEAD, OUTSIDER = "manager@alpha.example", "lead@alpha.example", "outsider@alpha.example"
SALESPERSON, COLLEAGUE = "anna.lindqvist@alpha.example", "Jonas Weber"
"""One of the team, who can log in by the demo; and the name of somebody of another team."""


def site_tests() -> ModuleType:
	"""The module that finds benches and makes sites. Its folder is called as a module of Python's own."""
	name = "sales_kpi_site_tests"
	if name not in sys.modules:
		spec = importlib.util.spec_from_file_location(name, HERE.parent / "site" / "run.py")
		assert spec
		assert spec.loader
		module = importlib.util.module_from_spec(spec)
		# Its data classes look themselves up among the modules.
		sys.modules[name] = module
		spec.loader.exec_module(module)
	return sys.modules[name]


@dataclass(frozen=True)
class Desk:
	"""A served site. home: where the desk begins; version 16 has moved it."""

	bench: Any
	address: str

	@property
	def version(self) -> str:
		return str(self.bench.version)

	@property
	def home(self) -> str:
		return f"{self.address}/{'app' if self.version == '15' else 'desk'}"


@contextmanager
def desk(bench: Any) -> Iterator[Desk]:
	"""Make the site, serve it, and take everything away again.

	Raises the module's Unable where the bench can't, Broken where it should be able to.
	"""
	tests = site_tests()
	ARTIFACTS.mkdir(exist_ok=True)
	try:
		with ExitStack() as stack:
			stack.enter_context(tests.alone(bench))
			stack.enter_context(tests.app_linked(bench))
			tests.check(bench)
			if not (bench.sites / "assets" / "assets.json").exists():
				raise tests.Unable(f"{bench.path} has no built assets: bench build")
			stack.enter_context(tests.fresh_site(bench))
			bench.frappe("execute", "erpnext.setup.utils.before_tests")
			bench.frappe("install-app", tests.APP)
			fill(bench, "full")
			bring_people(bench)
			yield Desk(bench, stack.enter_context(served(bench)))
	finally:
		(ARTIFACTS / f"desk-v{bench.version}.log").write_text("".join(bench.log))


def fill(bench: Any, kind: str) -> None:
	"""Put the demo company on the site."""
	bench.frappe(
		"sales-kpi", "demo", "--site-kind", kind, "--invoices", str(INVOICES), "--password", PASSWORD
	)
	bench.frappe("sales-kpi", "rebuild")


def bring_people(bench: Any) -> None:
	"""Put the people beside the demo company that it doesn't have, and what was agreed with them."""
	script = [str(bench.python), str(HERE / "desk_people.py"), bench.site, PASSWORD]
	bench.run(script, bench.sites)


@contextmanager
def served(bench: Any) -> Iterator[str]:
	"""Serve the bench's site; its address."""
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		port = free.getsockname()[1]
	log = open(ARTIFACTS / f"desk-v{bench.version}-server.log", "w")  # noqa: SIM115
	server = subprocess.Popen(
		[str(bench.python), str(HERE / "desk_server.py"), str(port), bench.site],
		cwd=bench.sites,
		env=bench.environment(),
		stdin=subprocess.DEVNULL,
		stdout=log,
		stderr=subprocess.STDOUT,
		start_new_session=True,
	)
	address = f"http://127.0.0.1:{port}"
	try:
		wait_for(address, server)
		yield address
	finally:
		site_tests().kill(server.pid)
		server.wait()
		log.close()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
	"""Wait until the server answers."""
	until = time.monotonic() + 60
	while time.monotonic() < until and server.poll() is None:
		with suppress(OSError), urllib.request.urlopen(f"{address}/api/method/ping", timeout=30) as answer:
			if json.load(answer).get("message") == "pong":
				return
		time.sleep(0.2)
	raise site_tests().Broken(f"nothing answers at {address}: see desk-v*-server.log")
