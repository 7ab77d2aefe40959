"""ERPNext-shaped tables for tests, made from literal rows on any of the four databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from sales_kpi.facts.reading.records import OWN, RECORDS, SOURCE, Column

Rows = Mapping[str, Iterable[Mapping[str, Any]]]

CHANNEL_DOCTYPE = {"15": "Lead Source", "16": "UTM Source"}
CHANNEL_COLUMN = {"15": "source", "16": "utm_source"}


def _type(column: Column, backend: str) -> Any:
	if column is Column.TEXT:
		return sa.String(140)
	if column is Column.DATE:
		return sa.Date()
	if column is Column.MOMENT:
		return sa.DateTime()
	if column is Column.TIME:
		return sa.Time()
	if column is Column.INTEGER:
		return sa.Integer()
	return sa.Float() if backend == "sqlite" else sa.Numeric(21, 9)


def _value(value: Any, column: Column) -> Any:
	"""ISO text as the date or time that the column holds."""
	if not isinstance(value, str):
		return value
	if column is Column.DATE:
		return date.fromisoformat(value)
	if column is Column.MOMENT:
		return datetime.fromisoformat(value)
	return time.fromisoformat(value) if column is Column.TIME else value


def make(url: str, rows: Rows, version: str = "15", without: Iterable[str] = OWN) -> None:
	"""Create all tables that the engine reads, as ERPNext of a version has them, and fill in some rows.

	Columns left out are NULL. Tables in `without` are only made if they have rows.
	"""
	engine = sa.create_engine(url)
	metadata = sa.MetaData()
	tables: dict[str, sa.Table] = {}
	columns = dict(RECORDS) | {CHANNEL_DOCTYPE[version]: {"name": Column.TEXT}}
	for doctype, types in columns.items():
		if doctype in without and not rows.get(doctype):
			continue
		tables[doctype] = sa.Table(
			f"tab{doctype}",
			metadata,
			*(
				sa.Column(
					CHANNEL_COLUMN[version] if name == SOURCE else name, _type(kind, engine.dialect.name)
				)
				for name, kind in types.items()
			),
			mysql_charset="utf8mb4",
			mysql_collate="utf8mb4_unicode_ci",
		)
	unknown = set(rows) - set(tables)
	if unknown:
		raise KeyError(f"No such doctypes in version {version}: {unknown}")
	with engine.connect() as connection:
		if engine.dialect.name == "sqlite":
			# A file that lives for one test needn't survive a power cut.
			connection.exec_driver_sql("PRAGMA synchronous = OFF")
			connection.exec_driver_sql("PRAGMA journal_mode = MEMORY")
		metadata.create_all(connection)
		for doctype, given in rows.items():
			types = {
				CHANNEL_COLUMN[version] if name == SOURCE else name: kind
				for name, kind in columns[doctype].items()
			}
			for row in given:
				named = {
					CHANNEL_COLUMN[version] if name == SOURCE else name: value for name, value in row.items()
				}
				connection.execute(
					tables[doctype].insert(),
					{name: _value(value, types[name]) for name, value in named.items()},
				)
		connection.commit()
	engine.dispose()


@contextlib.contextmanager
def database(server: str, name: str, rows: Rows, version: str = "15", **options: Any) -> Any:
	"""A new database of a name on a server (its URL without a database), with rows, dropped afterwards."""
	admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
	quote = admin.dialect.identifier_preparer.quote
	with admin.connect() as connection:
		connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quote(name)}"))
		extra = " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci" if admin.dialect.name == "mysql" else ""
		connection.execute(sa.text(f"CREATE DATABASE {quote(name)}{extra}"))
	url = admin.url.set(database=name).render_as_string(hide_password=False)
	try:
		make(url, rows, version, **options)
		yield url
	finally:
		with admin.connect() as connection:
			connection.execute(sa.text(f"DROP DATABASE IF EXISTS {quote(name)}"))
		admin.dispose()
