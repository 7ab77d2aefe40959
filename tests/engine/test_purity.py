"""The engine imports no Frappe, and what the command line needs at once is imported in no time."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from typing import Any

import sales_kpi.analysis
import sales_kpi.facts
import sales_kpi.kpis

PACKAGES = (sales_kpi.facts, sales_kpi.kpis, sales_kpi.analysis)
MODULES = [
	"sales_kpi.periods",
	"sales_kpi.catalogue",
	*(
		module.name
		for package in PACKAGES
		for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
	),
]


def in_new_process(code: str) -> Any:
	"""What a program prints as JSON, run by an interpreter that has imported nothing."""
	done = subprocess.run(
		[sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
	)
	assert done.returncode == 0, done.stderr
	return json.loads(done.stdout)


def test_the_modules_are_found() -> None:
	"""The list isn't empty for a mistake: facts, KPIs, readings and analysis are in it."""
	assert {"sales_kpi.facts.sale", "sales_kpi.facts.reading.credit", "sales_kpi.kpis.deals"} <= set(MODULES)
	assert "sales_kpi.analysis.values" in MODULES


def test_no_module_of_the_engine_imports_frappe() -> None:
	"""With a frappe at hand that can't be imported, every module is imported all the same."""
	code = f"""
import importlib, importlib.abc, json, sys
class Forbidden(importlib.abc.MetaPathFinder):
	def find_spec(self, name, path=None, target=None):
		if name.split(".")[0] in ("frappe", "erpnext"):
			raise AssertionError(f"{{name}} is imported")
sys.meta_path.insert(0, Forbidden())
for name in {MODULES!r}:
	importlib.import_module(name)
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in ("frappe", "erpnext"))))
"""
	assert in_new_process(code) == []


def test_importing_the_engine_is_cheap() -> None:
	"""Catalogue and values with all facts and KPIs: under 0.5 s of CPU, and without pandas or numpy."""
	code = """
import json, sys, time
begin = time.process_time()
import sales_kpi.catalogue, sales_kpi.analysis.values
sales_kpi.catalogue.kpis()
spent = time.process_time() - begin
print(json.dumps([spent, sorted({"pandas", "numpy", "sqlalchemy", "duckdb"} & set(sys.modules))]))
"""
	# A busy machine can slow a process down; the cheapest of a few runs is what importing costs.
	runs = [in_new_process(code) for _ in range(3)]
	assert min(spent for spent, _ in runs) < 0.5
	assert all(heavy == [] for _, heavy in runs)
