"""Run all suites and say in the last line which of them ran.

engine: lint and the tests that need no Frappe. browser: pages in a real headless Chromium. site v15, site v16: the app on
real benches, where some are found (`FRAPPE_BENCHES`, else `~/frappe-bench*`). A suite that can't run is NOT RUN, with the
reason; `REQUIRE=engine,browser,site-v15,site-v16` makes that a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "test-artifacts"
BIN = Path(sys.executable).parent
SITE_VERSIONS = ("v15", "v16")

PASSED, FAILED, NOT_RUN = "PASSED", "FAILED", "NOT RUN"


def step(title: str, command: list[str]) -> bool:
	"""Run a command, its output shown; whether it succeeded."""
	print(f"\n── {title}", flush=True)
	begun = time.monotonic()
	succeeded = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
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


def browser() -> tuple[str, str]:
	"""The pages in Chromium, and the reason when they can't be opened."""
	if not next(
		(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))),
		None,
	):
		return NOT_RUN, "no Chromium (Debian: apt-get install chromium)"
	return (PASSED if step("browser", [sys.executable, "-m", "pytest", "tests/browser"]) else FAILED), ""


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
	required = {
		name.strip().replace("-", " ") for name in os.environ.get("REQUIRE", "").split(",") if name.strip()
	}
	for name in sorted(required - set(outcome)):
		print(f"REQUIRE names a suite that doesn't exist: {name}. There are: {', '.join(outcome)}.")
		return 1
	missing = sorted(name for name in required if outcome[name] == NOT_RUN)
	print()
	if reason:
		print(f"browser did not run: {reason}")
	for name in missing:
		print(f"{name} is required and did not run")
	print(" · ".join(f"{name} {result}" for name, result in outcome.items()), flush=True)
	return 1 if missing or FAILED in outcome.values() else 0


if __name__ == "__main__":
	sys.exit(main())
