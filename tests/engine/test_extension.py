"""Another package adds a fact and a KPI in some thirty lines: by a call, or by an entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import servers

from sales_kpi import catalogue
from sales_kpi.analysis.values import By, Question, compute
from sales_kpi.errors import InputError
from sales_kpi.sources.database import DatabaseSource

ROWS = {
	"Company": [{"name": "A", "default_currency": "EUR"}],
	"Sales Person": [{"name": "Ann", "is_group": 0, "enabled": 1, "lft": 1, "rgt": 2}],
	"Sales Invoice": [
		{"name": "SI-1", "docstatus": 1, "posting_date": "2025-01-05", "company": "A", "base_net_total": 60},
		{"name": "SI-2", "docstatus": 1, "posting_date": "2025-01-06", "company": "A", "base_net_total": 600},
		{"name": "SI-3", "docstatus": 1, "posting_date": "2025-01-07", "company": "A", "base_net_total": 700},
	],
	"Sales Team": [
		{"parent": name, "parenttype": "Sales Invoice", "sales_person": "Ann", "allocated_percentage": share}
		for name, share in (("SI-1", 100), ("SI-2", 50))
	],
}
PLACE = Path(__file__).parent


@pytest.fixture
def extended() -> Iterator[None]:
	"""The catalogue with the sample package, without it afterwards."""
	catalogue.extend(["sample_kpis"])
	yield
	catalogue.extend([])


@pytest.mark.usefixtures("extended")
def test_a_package_extends_the_catalogue(tmp_path: Path) -> None:
	"""Its KPI is computed like any other: 1 of 3 deals is a bargain, 1 of Ann's 1.5."""
	assert "bargain" in catalogue.facts()
	assert list(catalogue.kpis())[-1] == "bargain_share"
	january = {"first": date(2025, 1, 1), "last": date(2025, 1, 31), "as_of": date(2025, 6, 1)}
	with servers.tables_in("sqlite", tmp_path, ROWS) as url, DatabaseSource(url) as source:
		for by, expected in ((By.COMPANY, {"A": 1 / 3}), (By.SALES_PERSON, {"Ann": 1 / 1.5, "": 0})):
			asked = Question("A", by=by, kpis=("bargain_share",), **january)
			assert {row["scope"]: row["value"] for row in compute(source, asked)} == pytest.approx(expected)


def test_without_it_the_kpi_is_unknown() -> None:
	with pytest.raises(InputError, match="There is no KPI 'bargain_share'"):
		catalogue.kpi("bargain_share")


def test_an_entry_point_extends_the_catalogue(tmp_path: Path) -> None:
	"""An installed package whose metadata names its modules is found without a call."""
	metadata = tmp_path / "sample_kpis-1.0.dist-info"
	metadata.mkdir()
	(metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-kpis\nVersion: 1.0\n")
	(metadata / "entry_points.txt").write_text("[sales_kpi_modules]\nsample = sample_kpis\n")
	code = "from sales_kpi import catalogue; print('bargain' in catalogue.facts(), 'bargain_share' in catalogue.kpis())"
	paths = [str(tmp_path), str(PLACE), str(PLACE.parents[1]), os.environ.get("PYTHONPATH", "")]
	done = subprocess.run(
		[sys.executable, "-c", code],
		capture_output=True,
		text=True,
		env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
		check=False,
	)
	assert done.stdout.split() == ["True", "True"], done.stderr


@pytest.mark.usefixtures("extended")
def test_a_name_that_exists_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
	"""A second KPI of a name would shadow the first; the message names the module."""
	(tmp_path / "rival_kpis.py").write_text("from sample_kpis.bargain_share import KPI\n")
	monkeypatch.syspath_prepend(str(tmp_path))
	catalogue.extend(["sample_kpis", "rival_kpis"])
	with pytest.raises(InputError, match="rival_kpis defines 'bargain_share', which exists already"):
		catalogue.kpis()
