"""Run all suites and say in the last line which of them ran.

engine: lint and the tests that need no Frappe. browser: pages in a real headless Chromium. site v15, site v16: the app on
real benches, where some are found (`FRAPPE_BENCHES`, else `~/frappe-bench*`). desk v15, desk v16: the desk of those benches
in Chromium. A suite that can't run is NOT RUN, with the reason; `REQUIRE=engine,browser,site-v15,site-v16,desk-v15,desk-v16`
makes that a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "test-artifacts"
BIN = Path(sys.executable).parent
SITE_VERSIONS = ("v15", "v16")
DESK = "tests/browser/test_desk.py"
NO_CHROMIUM = "no Chromium (Debian: apt-get install chromium)"

PASSED, FAILED, NOT_RUN = "PASSED", "FAILED", "NOT RUN"


def step(title: str, command: list[str], environment: Mapping[str, str] | None = None) -> bool:
	"""Run a command, its output shown; whether it succeeded."""
	print(f"\n── {title}", flush=True)
	begun = time.monotonic()
	succeeded = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
	print(f"── {title}: {'ok' if succeeded else 'FAILED'} after {time.monotonic() - begun:.0f} s", flush=True)
	return succeeded


def engine() -> str:
	"""Lint, types and the tests without Frappe."""
	steps = (
		("ruff check", [str(BIN / "ruff"), "check", "."]),
		("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
		("mypy", [str(BIN / "mypy")]),
		(
			"engine",
			[
				sys.executable,
				"-m",
				"pytest",
				"-n",
				"auto",
				"--dist",
				"loadfile",
				"tests/engine",
				"tests/site",
			],
		),
	)
	succeeded = [step(title, command) for title, command in steps]
	return PASSED if all(succeeded) else FAILED


def chromium() -> str | None:
	"""The browser of the system, if it has one."""
	names = ("chromium", "chromium-browser", "google-chrome")
	return next((path for name in names if (path := shutil.which(name))), None)


def browser() -> tuple[str, str]:
	"""The pages in Chromium, and the reason when they can't be opened."""
	if not chromium():
		return NOT_RUN, NO_CHROMIUM
	command = [sys.executable, "-m", "pytest", "tests/browser", f"--ignore={DESK}"]
	return (PASSED if step("browser", command) else FAILED), ""


def desks(found: Iterable[str]) -> tuple[dict[str, str], list[str]]:
	"""The desk of the benches that were found, by version, and the reasons where it can't be opened."""
	outcome, reasons = dict.fromkeys(SITE_VERSIONS, NOT_RUN), []
	for version in SITE_VERSIONS:
		if version not in found:
			reasons.append(f"desk {version} did not run: no bench was found")
			continue
		if not chromium():
			reasons.append(f"desk {version} did not run: {NO_CHROMIUM}")
			continue
		environment = {**os.environ, "DESK_VERSION": version.removeprefix("v")}
		succeeded = step(f"desk {version}", [sys.executable, "-m", "pytest", DESK], environment)
		outcome[version] = PASSED if succeeded else FAILED
		why = ARTIFACTS / f"desk-{version}-not-run.txt"
		if succeeded and why.exists():
			outcome[version] = NOT_RUN
			reasons.append(f"desk {version} did not run: {why.read_text().strip()}")
	return outcome, reasons


def sites() -> dict[str, str]:
	"""The app on the benches that are found, by version."""
	results = ARTIFACTS / "site-results.json"
	results.unlink(missing_ok=True)
	succeeded = step("sites", [sys.executable, "tests/site/run.py"])
	found: dict[str, str] = json.loads(results.read_text()) if results.exists() else {}
	outcome = {version: found.get(version, NOT_RUN) for version in SITE_VERSIONS}
	if not succeeded and FAILED not in outcome.values():
		return dict.fromkeys(SITE_VERSIONS, FAILED)
	return outcome


def main() -> int:
	"""Run everything; 1 when a suite failed or a required one didn't run."""
	ARTIFACTS.mkdir(exist_ok=True)
	outcome = {"engine": engine()}
	by_version = sites()
	outcome |= {f"site {version}": by_version[version] for version in SITE_VERSIONS}
	outcome["browser"], reason = browser()
	# Where the site tests found no bench, or could not use it, the desk has none either.
	has_bench = [version for version in SITE_VERSIONS if by_version[version] != NOT_RUN]
	by_version, reasons = desks(has_bench)
	outcome |= {f"desk {version}": by_version[version] for version in SITE_VERSIONS}
	required = {
		name.strip().replace("-", " ") for name in os.environ.get("REQUIRE", "").split(",") if name.strip()
	}
	for name in sorted(required - set(outcome)):
		print(f"REQUIRE names a suite that doesn't exist: {name}. There are: {', '.join(outcome)}.")
		return 1
	missing = sorted(name for name in required if outcome[name] == NOT_RUN)
	print()
	if reason:
		reasons.append(f"browser did not run: {reason}")
	for line in reasons:
		print(line)
	for name in missing:
		print(f"{name} is required and did not run")
	print(" · ".join(f"{name} {result}" for name, result in outcome.items()), flush=True)
	return 1 if missing or FAILED in outcome.values() else 0


if __name__ == "__main__":
	sys.exit(main())
