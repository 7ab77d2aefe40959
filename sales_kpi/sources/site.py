"""The source that reads the records of a Frappe site, in the site's own connection and transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import frappe

from sales_kpi.facts.reading.binding import column_names, compile_query
from sales_kpi.facts.reading.dialect import DIALECTS, Dialect
from sales_kpi.facts.reading.reading import Schema
from sales_kpi.sources.frames import frame

if TYPE_CHECKING:
	import pandas as pd

SCHEMA_KEY = "sales_kpi_schema"
"""Cache key of the site's columns; Frappe clears the cache whenever a migration may have changed them."""


class SiteSource:
	"""The site that is connected. It sees what its transaction sees, uncommitted changes included."""

	@property
	def name(self) -> str:
		"""The site, for messages."""
		return str(frappe.local.site)

	@property
	def dialect(self) -> Dialect:
		"""The SQL of the site's database."""
		return DIALECTS[frappe.db.db_type]

	def schema(self) -> Schema:
		"""The site's tables and their columns."""
		columns = frappe.cache.get_value(SCHEMA_KEY, generator=self._columns)
		return Schema({table: frozenset(names) for table, names in columns.items()})

	def _columns(self) -> dict[str, list[str]]:
		columns = frappe.qb.Schema("information_schema").columns
		# Not `cur_db_name`: version 15 sets it only when it connects, which may come later than this.
		current = frappe.conf.db_name if frappe.db.db_type == "mariadb" else frappe.db.db_schema
		rows = (
			frappe.qb.from_(columns)
			.select(columns.table_name, columns.column_name)
			.where(columns.table_schema == current)
			.where(columns.table_name.like("tab%"))
			.run()
		)
		found: dict[str, list[str]] = {}
		for table, column in rows:
			found.setdefault(table, []).append(column)
		return found

	def run(self, query: Any) -> pd.DataFrame:
		"""Run a query; its values are bound."""
		sql, values = compile_query(query, self.dialect.quote, lambda name: f"%({name})s")
		return frame(frappe.db.sql(sql, values), column_names(query))
