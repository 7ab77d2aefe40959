"""A source that reads ERPNext's tables from any database URL: a replica, a warehouse, an embedded file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from sales_kpi.errors import SourceError
from sales_kpi.facts.reading.binding import compile_query
from sales_kpi.facts.reading.dialect import DIALECTS, Dialect
from sales_kpi.facts.reading.reading import Schema
from sales_kpi.sources.frames import frame

if TYPE_CHECKING:
	import pandas as pd

DRIVERS = {
	"mysql": "mysql+pymysql",
	"mariadb": "mysql+pymysql",
	"postgres": "postgresql+psycopg",
	"postgresql": "postgresql+psycopg",
}
"""Drivers that the `cli` extra brings, for URLs that name none."""


class DatabaseSource:
	"""A database that is only ever read.

	Every query of one computation runs on one connection, in one read-only transaction where the database has such,
	so that figures that belong together are read from one state.
	"""

	def __init__(self, url: str) -> None:
		self.url = _parsed(url)
		self.dialect: Dialect = _dialect(self.url)
		self._engine = _engine(self.url)
		self._connection: Connection | None = None

	def __enter__(self) -> DatabaseSource:
		return self

	def __exit__(self, *exception: object) -> None:
		self.close()

	@property
	def name(self) -> str:
		"""The URL without its password, for messages."""
		return self.url.render_as_string(hide_password=True)

	def close(self) -> None:
		"""Give the connection back."""
		if self._connection is not None:
			self._connection.close()
			self._connection = None
		self._engine.dispose()

	def schema(self) -> Schema:
		"""The tables of ERPNext that the database has, with their columns."""
		with self._explained():
			rows = self._connected().exec_driver_sql(_COLUMNS[_family(self.dialect)]).fetchall()
		columns: dict[str, set[str]] = {}
		for table, column in rows:
			columns.setdefault(str(table), set()).add(str(column))
		return Schema({table: frozenset(names) for table, names in columns.items()})

	def run(self, query: Any) -> pd.DataFrame:
		"""Run a query; its values are bound."""
		sql, values = compile_query(query, self.dialect.quote, lambda name: f":{name}")
		bound = {name: self._bind(value) for name, value in values.items()}
		with self._explained():
			result = self._connected().execute(sqlalchemy.text(sql), bound)
			return frame(result.fetchall(), list(result.keys()))

	def _bind(self, value: str | date) -> str | date:
		return value.isoformat() if isinstance(value, date) and self.dialect.name == "sqlite" else value

	def _connected(self) -> Connection:
		if self._connection is None:
			self._connection = self._engine.connect()
		return self._connection

	@contextmanager
	def _explained(self) -> Iterator[None]:
		try:
			yield
		except SQLAlchemyError as error:
			reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
			raise SourceError(f"The database {self.name} can't be read: {reason}") from error


def _parsed(url: str) -> URL:
	try:
		parsed = make_url(url)
	except ArgumentError as error:
		raise SourceError(
			f"{url!r} is no database URL. Write it like mysql+pymysql://user:password@host/database "
			"or duckdb:///file.duckdb."
		) from error
	if parsed.drivername in DRIVERS:
		parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
	return parsed


def _dialect(url: URL) -> Dialect:
	name = url.get_backend_name()
	if name not in DIALECTS:
		known = "MariaDB, MySQL, PostgreSQL, SQLite and DuckDB"
		raise SourceError(f"ERPNext's tables can be read from {known}, not from {name}.")
	return DIALECTS[name]


def _family(dialect: Dialect) -> str:
	return {"mariadb": "mysql", "postgres": "postgresql"}.get(dialect.name, dialect.name)


def _engine(url: URL) -> Engine:
	family = _family(_dialect(url))
	options: dict[str, Any] = {}
	if family in ("sqlite", "duckdb"):
		if not url.database or url.database == ":memory:":
			raise SourceError(f"{url} names no file: an in-memory database holds no ERPNext tables.")
		if not Path(url.database).is_file():
			raise SourceError(f"There is no file {url.database}.")
	if family == "duckdb":
		options["connect_args"] = {"read_only": True}
	elif family == "sqlite":
		# Opening by URI is the way to a connection that can't write.
		url = url.set(
			database=f"file:{Path(str(url.database)).resolve().as_posix()}",
			query={"mode": "ro", "uri": "true"},
		)
	try:
		engine = sqlalchemy.create_engine(url, **options)
	except (NoSuchModuleError, ModuleNotFoundError) as error:
		raise SourceError(
			f"The driver for {url.drivername} isn't installed ({error}). Install it with: pip install 'sales_kpi[cli]'"
		) from error
	if family in _PREPARE:
		statements = _PREPARE[family]

		@event.listens_for(engine, "connect")
		def prepare(connection: Any, record: Any) -> None:
			_prepare(connection, statements)

	return engine


_PREPARE: dict[str, tuple[str, ...]] = {
	"mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
	"postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
}


def _prepare(connection: Any, statements: Iterable[str]) -> None:
	cursor = connection.cursor()
	for statement in statements:
		cursor.execute(statement)
	cursor.close()
	connection.commit()


_TABLES = "table_name LIKE 'tab%%'"

_COLUMNS: dict[str, str] = {
	"mysql": "SELECT table_name, column_name FROM information_schema.columns "
	f"WHERE table_schema = DATABASE() AND {_TABLES}",
	"postgresql": "SELECT table_name, column_name FROM information_schema.columns "
	f"WHERE table_schema = ANY (current_schemas(false)) AND {_TABLES}",
	"duckdb": "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main'",
	"sqlite": "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
	"WHERE m.type IN ('table', 'view')",
}
