"""Writes a demo company into a DuckDB file, or into an empty MariaDB, PostgreSQL or SQLite database.

Tables are loaded bare and get their keys and indexes at the end, which is several times faster.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.generate import batches
from sales_kpi.demo.tables import Table, sql_type, tables

if TYPE_CHECKING:
	from sqlalchemy import Connection

# Called with a table (without "tab") and the number of rows just written to it.
Progress = Callable[[str, int], None]

_MARIADB_TABLE = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"


class NotEmptyError(ValueError):
	"""The database already holds ERPNext tables."""


def write_duckdb(company: DemoCompany, path: str | Path, progress: Progress | None = None) -> None:
	"""Write the company into a new DuckDB file (":memory:" makes little sense: it's closed again)."""
	import duckdb

	connection = duckdb.connect(str(path))
	try:
		found = connection.execute(
			"SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'tab%'"
		).fetchall()
		_refuse([name for (name,) in found])
		definitions = tables(company.schema)
		# DuckDB would take most of the machine's memory for what it could as well write out.
		connection.execute("SET memory_limit = '800MB'")
		for table in definitions.values():
			connection.execute(_create(table, "duckdb", company.schema, '"', key=False))
		for name, rows in batches(company):
			columns = definitions[name].columns
			listed = ", ".join(f'"{column}"' for column in columns)
			values = ", ".join(
				f'CAST("{column}" AS {sql_type(name, column, kind, "duckdb", company.schema)})'
				for column, kind in columns.items()
			)
			connection.register("demo_rows", rows)
			connection.execute(f'INSERT INTO "tab{name}" ({listed}) SELECT {values} FROM demo_rows')
			connection.unregister("demo_rows")
			if progress:
				progress(name, len(rows))
	finally:
		connection.close()


def write_database(company: DemoCompany, url: str, progress: Progress | None = None) -> None:
	"""Write the company into the database at an SQLAlchemy URL, with ERPNext's column types and indexes.

	MariaDB reads the rows from temporary files where it permits LOAD DATA LOCAL, PostgreSQL by COPY.
	"""
	from sqlalchemy import create_engine, inspect
	from sqlalchemy.engine import make_url

	backend = make_url(url).get_backend_name()
	options = {"connect_args": {"local_infile": 1}} if backend in ("mariadb", "mysql") else {}
	engine = create_engine(url, **options)
	definitions = tables(company.schema)
	quote = "`" if backend in ("mariadb", "mysql") else '"'
	try:
		_refuse([name for name in inspect(engine).get_table_names() if name.startswith("tab")])
		with engine.connect() as connection:
			if backend in ("mariadb", "mysql"):
				connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_TRANS_TABLES', unique_checks = 0")
			for table in definitions.values():
				# SQLite can't add a primary key later.
				create = _create(table, backend, company.schema, quote, key=backend == "sqlite")
				connection.exec_driver_sql(create)
			connection.commit()
			insert = _Insert(connection, backend, quote)
			for name, rows in batches(company):
				insert(definitions[name], rows)
				connection.commit()
				if progress:
					progress(name, len(rows))
			for table in definitions.values():
				for statement in _indexes(table, backend, quote):
					connection.exec_driver_sql(statement)
				connection.commit()
			if backend == "postgresql":
				connection.exec_driver_sql("ANALYZE")
				connection.commit()
	finally:
		engine.dispose()


def _refuse(names: list[str]) -> None:
	"""Demo rows never mix with a company's own."""
	if names:
		raise NotEmptyError(f"The database already has ERPNext tables ({', '.join(sorted(names)[:3])} …)")


def _create(table: Table, dialect: str, schema: str, quote: str, key: bool) -> str:
	"""The CREATE TABLE statement."""
	parts = []
	for column, kind in table.columns.items():
		needed = " NOT NULL DEFAULT 0" if kind in ("money", "check", "int") else ""
		if column == "name":
			needed = " NOT NULL PRIMARY KEY" if key else " NOT NULL"
		parts.append(f"{quote}{column}{quote} {sql_type(table.name, column, kind, dialect, schema)}{needed}")
	tail = f" {_MARIADB_TABLE}" if dialect in ("mariadb", "mysql") else ""
	return f"CREATE TABLE {quote}tab{table.name}{quote} ({', '.join(parts)}){tail}"


def _indexes(table: Table, dialect: str, quote: str) -> list[str]:
	"""The statements that add the primary key and ERPNext's indexes."""
	name = f"{quote}tab{table.name}{quote}"

	def columns(index: tuple[str, ...]) -> str:
		return ", ".join(f"{quote}{column}{quote}" for column in index)

	if dialect in ("mariadb", "mysql"):
		added = ["ADD PRIMARY KEY (`name`)"]
		# Frappe's own names: the column's, or all columns' and "_index".
		added += [
			f"ADD INDEX `{index[0] if len(index) == 1 else '_'.join(index) + '_index'}` ({columns(index)})"
			for index in table.indexes
		]
		return [f"ALTER TABLE {name} {', '.join(added)}"]
	made = [f"ALTER TABLE {name} ADD PRIMARY KEY ({quote}name{quote})"] if dialect == "postgresql" else []
	for index in table.indexes:
		label = f"{table.name} {'_'.join(index)}".lower().replace(" ", "_")
		made.append(f"CREATE INDEX {quote}{label}{quote} ON {name} ({columns(index)})")
	return made


class _Insert:
	"""Puts rows into a table by the fastest way that the database and its driver allow."""

	def __init__(self, connection: Connection, backend: str, quote: str) -> None:
		self.connection, self.quote = connection, quote
		driver: Any = connection.connection.driver_connection
		self.driver = driver
		self.way = "values"
		if backend in ("mariadb", "mysql") and self._may_load():
			self.way = "load"
		elif backend == "postgresql" and connection.dialect.driver == "psycopg":
			self.way = "copy"
		self.stamps_as_text = backend == "sqlite"

	def __call__(self, table: Table, rows: pd.DataFrame) -> None:
		"""Insert all rows."""
		{"load": self._load, "copy": self._copy, "values": self._values}[self.way](table, rows)

	def _may_load(self) -> bool:
		"""Whether the server accepts LOAD DATA LOCAL."""
		value = self.connection.exec_driver_sql("SELECT @@local_infile").scalar()
		return bool(value) and self.connection.dialect.driver in ("pymysql", "mysqldb")

	def _load(self, table: Table, rows: pd.DataFrame) -> None:
		"""MariaDB: a temporary file with the columns that vary; the others are SET."""
		constants = rows.attrs["constants"]
		varying = [column for column in table.columns if column not in constants]
		handle, path = tempfile.mkstemp(suffix=".tsv")
		try:
			with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
				file.write(_tab_separated(rows, varying, table))
			listed = ", ".join(f"`{column}`" for column in varying)
			fixed = ", ".join(f"`{column}` = %s" for column in constants)
			cursor = self.driver.cursor()
			cursor.execute(
				f"LOAD DATA LOCAL INFILE %s INTO TABLE `tab{table.name}` CHARACTER SET utf8mb4 "
				f"({listed}) SET {fixed}",
				[path, *constants.values()],
			)
			cursor.close()
		finally:
			os.unlink(path)

	def _copy(self, table: Table, rows: pd.DataFrame) -> None:
		"""PostgreSQL: COPY from memory."""
		listed = ", ".join(f'"{column}"' for column in table.columns)
		statement = f'COPY "tab{table.name}" ({listed}) FROM STDIN'
		with self.driver.cursor() as cursor, cursor.copy(statement) as copy:
			copy.write(_tab_separated(rows, list(table.columns), table))

	def _values(self, table: Table, rows: pd.DataFrame) -> None:
		"""Any other: INSERT … VALUES, many rows at a time."""
		from sqlalchemy import text

		columns = list(table.columns)
		listed = ", ".join(f"{self.quote}{column}{self.quote}" for column in columns)
		marks = ", ".join(f":c{i}" for i in range(len(columns)))
		lists = [self._plain(rows[column], table.columns[column]) for column in columns]
		values = [{f"c{i}": value for i, value in enumerate(row)} for row in zip(*lists, strict=True)]
		statement = f"INSERT INTO {self.quote}tab{table.name}{self.quote} ({listed}) VALUES ({marks})"
		for start in range(0, len(values), 5000):
			self.connection.execute(text(statement), values[start : start + 5000])

	def _plain(self, column: pd.Series[Any], kind: str) -> list[Any]:
		"""A column as a list of Python values; on SQLite dates as text, which is how it keeps them."""
		if kind not in ("date", "datetime"):
			values: list[Any] = column.astype(object).tolist()
			return values
		if self.stamps_as_text:
			pattern = "%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S.000000"
			texts = column.dt.strftime(pattern).astype(object)
			return [None if value != value else value for value in texts]
		stamps = [None if value is pd.NaT else value for value in column.astype(object)]
		return [value.date() if value and kind == "date" else value for value in stamps]


def _tab_separated(rows: pd.DataFrame, columns: list[str], table: Table) -> str:
	"""The rows as both databases read them: tabs, line ends, \\N for NULL. No text here needs escaping."""
	lists = [_texts(rows[column], table.columns[column]) for column in columns]
	return "\n".join(map("\t".join, zip(*lists, strict=True))) + "\n"


def _texts(column: pd.Series[Any], kind: str) -> list[str]:
	"""A column as text."""
	if isinstance(column.dtype, pd.CategoricalDtype):
		labels = np.array([*column.cat.categories, "\\N"], dtype=object)
		taken: list[str] = labels[column.cat.codes.to_numpy()].tolist()
		return taken
	if kind in ("date", "datetime"):
		values = column.to_numpy()
		made: list[str] = np.datetime_as_string(values, unit="D" if kind == "date" else "s").tolist()
		if np.isnat(values).any():
			made = ["\\N" if value == "NaT" else value for value in made]
		return made
	if kind in ("money", "check", "int"):
		return list(map(repr, column.tolist()))
	return ["\\N" if value is None else value for value in column.tolist()]
