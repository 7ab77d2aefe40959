"""What the engine asks of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sales_kpi.facts.reading.dialect import Dialect
from sales_kpi.facts.reading.reading import Schema

if TYPE_CHECKING:
	import pandas as pd


class Source(Protocol):
	"""Somewhere that ERPNext's records can be read: it tells its tables and runs queries, and never writes."""

	@property
	def dialect(self) -> Dialect:
		"""The SQL that it speaks."""

	def schema(self) -> Schema:
		"""Its tables and their columns."""

	def run(self, query: Any) -> pd.DataFrame:
		"""The rows of a query, decimals as floats; days as dates or ISO text, whatever the database gives."""
