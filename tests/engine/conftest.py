"""Fixtures that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from literal import GetValues, ReadFact, fact_reader, value_getter


@pytest.fixture
def fact(tmp_path: Path) -> ReadFact:
	"""Reads a fact of literal rows."""
	return fact_reader(tmp_path)


@pytest.fixture
def values(tmp_path: Path) -> GetValues:
	"""Computes a KPI of literal rows."""
	return value_getter(tmp_path)
