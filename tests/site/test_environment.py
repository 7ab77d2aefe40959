"""Installing the app into the environment of a bench changes no version that is already there.

pip works out what it would do, without doing it. FRAPPE_BENCHES names the benches, else ~/frappe-bench* are taken;
without any these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


def benches() -> list[Path]:
	"""Folders of benches with an environment and ERPNext."""
	named = os.environ.get("FRAPPE_BENCHES")
	found = (
		[Path(name) for name in named.split(os.pathsep)]
		if named
		else sorted(Path.home().glob("frappe-bench*"))
	)
	return [
		bench for bench in found if (bench / "env/bin/python").exists() and (bench / "apps/erpnext").exists()
	]


def run(bench: Path, *arguments: str) -> str:
	"""Run the bench's pip and return what it prints."""
	command = [str(bench / "env/bin/python"), "-m", "pip", "--disable-pip-version-check", *arguments]
	done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
	assert done.returncode == 0, done.stderr[-2000:]
	return done.stdout


@pytest.mark.parametrize("bench", benches() or [None], ids=lambda bench: bench.name if bench else "no-bench")
def test_installing_changes_no_version(bench: Path | None) -> None:
	if bench is None:
		pytest.skip("there is no bench: set FRAPPE_BENCHES, or make one at ~/frappe-bench")
	present = {
		package["name"].lower().replace("_", "-"): package["version"]
		for package in json.loads(run(bench, "list", "--format=json"))
	}
	report = json.loads(run(bench, "install", "--dry-run", "--quiet", "--report", "-", "-e", str(REPO)))
	planned = {
		entry["metadata"]["name"].lower().replace("_", "-"): entry["metadata"]["version"]
		for entry in report["install"]
	}
	planned.pop("sales-kpi", None)
	changed = {
		name: (present[name], version)
		for name, version in planned.items()
		if present.get(name, version) != version
	}
	assert not changed, f"installing into {bench.name} would change {changed}"
