"""The site tests, on every bench that is found: a site of their own, the app of this checkout, Frappe's own runner.

Benches are those that FRAPPE_BENCHES names (separated by colons or spaces), else every ~/frappe-bench* with ERPNext. The
site is made from the pristine dump beside the bench (`pristine/restore.sh SITE`) where there is one, else by `bench
new-site`; it is dropped afterwards, and whatever else was changed in the bench is put back. Nothing is installed or
downloaded: a bench that lacks something isn't run, and the reason is said.

Logs and the results (`site-results.json`: PASSED, FAILED or NOT RUN by version) are kept in `test-artifacts`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ARTIFACTS = ROOT / "test-artifacts"
APP = "sales_kpi"
VERSIONS = ("15", "16")

PASSED, FAILED, NOT_RUN = "PASSED", "FAILED", "NOT RUN"

LIMIT = int(os.environ.get("SITE_TEST_SECONDS", "3000"))
"""Seconds after which a command of a bench is given up."""

EMPTY_SITE = "sales_kpi.tests.test_demo_site"
"""The module whose tests fill a site in from nothing."""

ROOT_LOGIN = ("DB_ROOT_USER", "DB_ROOT_PASSWORD")
"""Environment variables with the database's administrator, for benches without a pristine dump; else root without one."""

_COUNT = re.compile(r"^Ran (\d+) tests? in ([\d.]+)s", re.MULTILINE)
_OUTCOME = re.compile(r"^(OK|FAILED)\b.*$", re.MULTILINE)
_SKIPPED = re.compile(r"skipped=(\d+)")
_FAILURE = re.compile(
	r"^={70}\n\s*(?:\x1b\[[\d;]*m)?\s*(?:ERROR|FAIL):?\s+(?:\x1b\[[\d;]*m)?(?P<test>[^\n]+)\n(?:[^\n]*\n)?-{70}\n(?P<told>.+?)(?=\n={70}\n|\n-{70}\n|\Z)",
	re.MULTILINE | re.DOTALL,
)
"""A test that failed, as unittest and version 16's runner tell it at the end: its name, and a traceback whose last line says what was wrong."""


_running: set[int] = set()
"""Process groups of the commands under way."""

_stopping = threading.Event()


class Unable(Exception):
	"""Why a bench can't run the tests."""


class Broken(Exception):
	"""What went wrong before any test could run."""


@dataclass
class Bench:
	"""A bench and the site that the tests are run on."""

	path: Path
	version: str
	log: list[str] = field(default_factory=list)

	@property
	def site(self) -> str:
		return f"sales-kpi-test-{self.version}-{os.getpid()}.localhost"

	@property
	def sites(self) -> Path:
		return self.path / "sites"

	@property
	def python(self) -> Path:
		return self.path / "env" / "bin" / "python"

	def environment(self) -> dict[str, str]:
		"""The environment of the bench's commands: this checkout's app before any other that is installed."""
		paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
		return {
			**os.environ,
			"PYTHONPATH": os.pathsep.join(paths),
			"PYTHONUNBUFFERED": "1",
			"PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
			"SALES_KPI_ENGINE_PYTHON": sys.executable,
		}

	def run(self, command: list[str], cwd: Path, succeed: bool = True, cleaning: bool = False) -> str:
		"""Run a command, its output logged; Broken if it fails, takes too long or is stopped."""
		self.log.append(f"$ {' '.join(hide(command))}\n")
		if _stopping.is_set() and not cleaning:
			raise Broken("stopped")
		try:
			process = subprocess.Popen(
				command,
				cwd=cwd,
				env=self.environment(),
				stdin=subprocess.DEVNULL,
				stdout=subprocess.PIPE,
				stderr=subprocess.STDOUT,
				text=True,
				errors="replace",
				start_new_session=True,
			)
		except OSError as error:
			raise Broken(str(error)) from error
		_running.add(process.pid)
		try:
			said, _nothing = process.communicate(timeout=LIMIT)
		except subprocess.TimeoutExpired as error:
			kill(process.pid)
			self.log.append(process.communicate()[0])
			raise Broken(f"{command[0]} took longer than {LIMIT} s") from error
		finally:
			_running.discard(process.pid)
		self.log.append(said)
		if succeed and process.returncode:
			last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
			raise Broken(f"{' '.join(hide(command[-3:]))}: {last[0][:300]}")
		return said

	def frappe(self, *arguments: str, succeed: bool = True) -> str:
		"""Run a command of bench on the test site."""
		command = [str(self.python), "-m", "frappe.utils.bench_helper", "frappe", "--site", self.site]
		return self.run([*command, *arguments], self.sites, succeed)


def kill(group: int) -> None:
	"""End a command and whatever it has started."""
	with suppress(ProcessLookupError):
		os.killpg(group, signal.SIGKILL)


def stop(*_signal: object) -> None:
	"""End the commands under way: what was made is then cleaned up as after an error."""
	_stopping.set()
	for group in list(_running):
		kill(group)


def hide(command: list[str]) -> list[str]:
	"""A command without the passwords in it, for the log."""
	return [
		"…" if before.endswith("password") or word.startswith("--password=") else word
		for before, word in zip(["", *command], command, strict=False)
	]


def benches() -> dict[str, Bench]:
	"""The benches that are found, one for each version."""
	named = os.environ.get("FRAPPE_BENCHES", "")
	paths = [Path(path).expanduser() for path in re.split(r"[:\s]+", named) if path]
	if not paths:
		paths = sorted(
			path for path in Path.home().glob("frappe-bench*") if (path / "apps" / "erpnext").is_dir()
		)
	found: dict[str, Bench] = {}
	for path in paths:
		version = version_of(path)
		if version is None:
			print(f"{path} is no bench with ERPNext: left out")
		elif version not in VERSIONS:
			print(f"{path} has ERPNext {version}: left out, the app works with {' and '.join(VERSIONS)}")
		elif version in found:
			print(f"{path} has ERPNext {version} as {found[version].path} has: left out")
		else:
			found[version] = Bench(path.resolve(), version)
	return found


def version_of(path: Path) -> str | None:
	"""The major version of a bench's ERPNext."""
	try:
		text = (path / "apps" / "erpnext" / "erpnext" / "__init__.py").read_text()
	except OSError:
		return None
	match = re.search(r"""^__version__\s*=\s*["'](\d+)""", text, re.MULTILINE)
	return match.group(1) if match else None


# The app of this checkout


@contextmanager
def alone(bench: Bench) -> Iterator[None]:
	"""Wait until no other run of these tests uses the bench: another checkout would link its own app."""
	name = hashlib.sha256(str(bench.path).encode()).hexdigest()[:12]
	with open(Path(tempfile.gettempdir()) / f"sales-kpi-test-{os.getuid()}-{name}.lock", "w") as lock:
		until = time.monotonic() + LIMIT
		while True:
			try:
				fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
				break
			except BlockingIOError as error:
				if time.monotonic() > until or _stopping.is_set():
					raise Unable("another run of these tests uses the bench") from error
				time.sleep(1)
		yield


@contextmanager
def app_linked(bench: Bench) -> Iterator[None]:
	"""Make this checkout's app one of the bench's apps, and put back afterwards what was there."""
	link, listing, assets = bench.path / "apps" / APP, bench.sites / "apps.txt", bench.sites / "assets" / APP
	with ExitStack() as undo:
		link_to(link, ROOT, undo)
		if assets.parent.is_dir():
			link_to(assets, ROOT / APP / "public", undo)
		before = listing.read_text()
		if APP not in before.split():
			listing.write_text(f"{before.rstrip()}\n{APP}\n")
			undo.callback(listing.write_text, before)
		yield


def link_to(link: Path, target: Path, undo: ExitStack) -> None:
	"""Point a link to a folder, and remember where it pointed."""
	if link.is_symlink():
		before = os.readlink(link)
		if link.resolve() == target.resolve():
			return
		replace_link(link, target)
		undo.callback(replace_link, link, before)
	elif link.exists():
		raise Unable(f"{link} is a folder of its own, not a link: it can't be made this checkout")
	else:
		replace_link(link, target)
		undo.callback(link.unlink)


def replace_link(link: Path, target: Path | str) -> None:
	"""Point a link elsewhere in one step, so that it is never missing."""
	beside = link.with_name(f"{link.name}.{os.getpid()}")
	beside.symlink_to(target)
	beside.replace(link)


def check(bench: Bench) -> None:
	"""Make sure that the bench can run, and that it imports the app of this checkout."""
	if not bench.python.exists():
		raise Unable(f"{bench.path} has no Python in env/bin")
	asked = "import sales_kpi, pandas, statsmodels, persiantools, frappe, erpnext; print(sales_kpi.__file__)"
	try:
		said = bench.run([str(bench.python), "-c", asked], bench.sites)
	except Broken as error:
		raise Unable(f"its Python lacks something that the app needs ({error})") from error
	imported = Path(said.strip().splitlines()[-1]).resolve()
	if imported != (ROOT / APP / "__init__.py").resolve():
		raise Broken(f"the bench imports {imported}, not this checkout")


# The site


@contextmanager
def fresh_site(bench: Bench) -> Iterator[None]:
	"""A site with ERPNext, dropped afterwards with its database and user."""
	restore = bench.path / "pristine" / "restore.sh"
	try:
		if restore.is_file() and not os.environ.get("SITE_TEST_NEW_SITE"):
			bench.run(["bash", str(restore), bench.site], bench.path)
		else:
			new_site(bench)
		bench.frappe("set-config", "allow_tests", "true")
		yield
	finally:
		drop(bench)


def new_site(bench: Bench) -> None:
	"""Make a site by the bench's own commands, and answer the setup wizard as ERPNext's tests do."""
	user, password = (os.environ.get(name, "") for name in ROOT_LOGIN)
	bench.run(
		[
			str(bench.python), "-m", "frappe.utils.bench_helper", "frappe", "new-site", bench.site,
			"--db-root-username", user or "root", "--db-root-password", password, "--admin-password", "admin",
			"--install-app", "erpnext", *address(bench),
		],
		bench.sites,
	)  # fmt: skip
	bench.frappe("execute", "erpnext.setup.utils.before_tests")


def address(bench: Bench) -> list[str]:
	"""How a version says that the database's user may come from where the bench is."""
	return ["--no-mariadb-socket"] if bench.version == "15" else ["--mariadb-user-host-login-scope=%"]


def drop(bench: Bench) -> None:
	"""Remove the site: its database, its user, its folder."""
	folder = bench.sites / bench.site
	try:
		for name in databases(bench):
			statements = [f"DROP DATABASE IF EXISTS `{name}`"]
			statements += [
				f"DROP USER IF EXISTS '{name}'@'{host}'" for host in ("%", "localhost", "127.0.0.1")
			]
			bench.run(mysql(bench, "; ".join(statements)), bench.path, cleaning=True)
	except Broken as error:
		print(f"v{bench.version}: a database of the test site may be left behind ({error})")
	shutil.rmtree(folder, ignore_errors=True)
	for left in bench.path.glob(f"archived/sites/{bench.site}*"):
		shutil.rmtree(left, ignore_errors=True)


def databases(bench: Bench) -> set[str]:
	"""Databases of the test site: the one that it names, and those named after it where it was never finished."""
	found = set()
	with suppress(OSError, ValueError):
		config = json.loads((bench.sites / bench.site / "site_config.json").read_text())
		found.add(str(config.get("db_name") or ""))
	named = re.sub(r"\W", "_", bench.site.removesuffix(".localhost"))
	listed = bench.run(mysql(bench, "SHOW DATABASES"), bench.path, cleaning=True)
	found |= {name for name in listed.split() if re.search(rf"(?:^|_){named}(?:_|$)", name)}
	return {name for name in found if re.fullmatch(r"\w+", name)}


def mysql(bench: Bench, statements: str) -> list[str]:
	"""The command that runs statements as the database's administrator."""
	user, password = (os.environ.get(name, "") for name in ROOT_LOGIN)
	common = json.loads((bench.sites / "common_site_config.json").read_text())
	client = shutil.which("mariadb") or shutil.which("mysql") or "mysql"
	login = [
		"-h",
		str(common.get("db_host", "127.0.0.1")),
		"-P",
		str(common.get("db_port", 3306)),
		"-u",
		user or "root",
	]
	return [client, *login, *([f"--password={password}"] if password else []), "-e", statements]


# The tests


@dataclass(frozen=True)
class Outcome:
	"""How a version went."""

	result: str
	said: str
	why: str = ""
	"""Each test that failed with what was wrong, a line each."""


def tested(bench: Bench) -> Outcome:
	"""Run the tests on one bench."""
	begun = time.monotonic()
	try:
		with alone(bench), app_linked(bench):
			check(bench)
			with fresh_site(bench):
				bench.frappe("install-app", APP)
				made = time.monotonic()
				said = "".join(
					bench.frappe("run-tests", "--app", APP, *module, succeed=False) for module in wanted()
				)
		outcome = judged(said)
		spent = f"site {made - begun:.0f} s, all {time.monotonic() - begun:.0f} s"
		return replace(outcome, said=f"{outcome.said} ({spent})")
	except Unable as error:
		return Outcome(NOT_RUN, str(error))
	except Broken as error:
		return Outcome(FAILED, str(error))
	finally:
		(ARTIFACTS / f"site-v{bench.version}.log").write_text("".join(bench.log))


def wanted() -> list[list[str]]:
	"""What is to be run, one after the other: the module that SITE_TEST_MODULE names, else those that need a site without
	records, which no other leaves, and then all of the suite."""
	module = os.environ.get("SITE_TEST_MODULE")
	return [["--module", module]] if module else [["--module", EMPTY_SITE], []]


def judged(said: str) -> Outcome:
	"""The outcome by what Frappe's runner says: version 15 exits with 0 even when tests fail."""
	counts = [int(count) for count, _seconds in _COUNT.findall(said)]
	outcomes = [match.group(0) for match in _OUTCOME.finditer(said)]
	skipped = sum(int(count) for line in outcomes for count in _SKIPPED.findall(line))
	ran = sum(counts) - skipped
	if not counts or ran <= 0:
		last = said.strip().splitlines()[-1:] or ["no output"]
		return Outcome(FAILED, f"no test ran: {last[0][:300]}")
	# Each run of the runner (version 16 has one for each kind of test) ends in a line of its own.
	if len(outcomes) < len(counts) or any(not line.startswith("OK") for line in outcomes):
		why = [f"  {match['test']}: {reason_of(match['told'])}" for match in _FAILURE.finditer(said)]
		return Outcome(FAILED, f"{len(why)} of {ran} tests failed", "\n".join(why))
	return Outcome(PASSED, f"{ran} tests" + (f", {skipped} skipped" if skipped else ""))


def reason_of(told: str) -> str:
	"""What a traceback says was wrong: its last line that begins with an exception's name."""
	lines = [
		line
		for line in told.strip().splitlines()
		if re.match(r"[\w.]*(Error|Exception|Interrupt|Warning)\b", line)
	]
	return (lines or told.strip().splitlines())[-1][:300]


def main() -> int:
	"""Run the tests on all benches at once; 1 when any failed."""
	ARTIFACTS.mkdir(exist_ok=True)
	(ARTIFACTS / "site-results.json").unlink(missing_ok=True)
	found = benches()
	results = dict.fromkeys((f"v{version}" for version in VERSIONS), NOT_RUN)
	told = threading.Lock()

	def run(bench: Bench) -> None:
		outcome = tested(bench)
		with told:
			results[f"v{bench.version}"] = outcome.result
			print(f"site v{bench.version} {outcome.result}: {outcome.said}", flush=True)
			if outcome.why:
				print(outcome.why, flush=True)

	for number in (signal.SIGTERM, signal.SIGINT):
		signal.signal(number, stop)
	with ThreadPoolExecutor(max_workers=max(len(found), 1)) as pool:
		for done in [pool.submit(run, bench) for bench in found.values()]:
			done.result()
	for version in VERSIONS:
		if version not in found:
			print(f"site v{version} {NOT_RUN}: no bench with ERPNext {version} was found")
	(ARTIFACTS / "site-results.json").write_text(json.dumps(results, indent=1) + "\n")
	return 1 if FAILED in results.values() else 0


if __name__ == "__main__":
	sys.exit(main())
