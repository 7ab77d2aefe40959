"""Rows of a database as a table of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
	import pandas as pd


def frame(rows: Iterable[Sequence[Any]], names: list[str]) -> pd.DataFrame:
	"""Rows as a DataFrame, decimals as floats."""
	import pandas as pd

	table = pd.DataFrame.from_records([tuple(row) for row in rows], columns=names)
	for name in names:
		if table[name].dtype == object and any(isinstance(value, Decimal) for value in table[name]):
			table[name] = table[name].astype(float)
	return table
