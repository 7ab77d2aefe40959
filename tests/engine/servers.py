"""The four databases that tests run on: two files, two servers where they answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tables import Rows, database, make

SERVERS = {
	"mariadb": os.environ.get("TEST_MARIADB", "mysql+pymysql://root@127.0.0.1"),
	"postgresql": os.environ.get("TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1/postgres"),
}
DATABASES = ("sqlite", "duckdb", "mariadb", "postgresql")

_made = 0


@cache
def unreachable(name: str) -> str | None:
	"""Why a server can't be used; None if it answers."""
	engine = sa.create_engine(SERVERS[name])
	try:
		engine.connect().close()
	except (sa.exc.SQLAlchemyError, ImportError) as error:
		return str(error).splitlines()[0]
	finally:
		engine.dispose()
	return None


def need(name: str) -> None:
	"""Skip the test, naming the server, where that server doesn't answer."""
	if name in SERVERS and (reason := unreachable(name)):
		pytest.skip(f"no {name} at {SERVERS[name]}: {reason}")


@contextlib.contextmanager
def tables_in(name: str, folder: Path, rows: Rows, version: str = "15", **options: Any) -> Iterator[str]:
	"""The URL of a new database of a kind that holds the rows; it is dropped afterwards."""
	global _made
	_made += 1
	need(name)
	if name in SERVERS:
		with database(
			SERVERS[name], f"sales_kpi_test_{os.getpid()}_{_made}", rows, version, **options
		) as url:
			yield url
		return
	file = folder / f"{name}_{os.getpid()}_{_made}.db"
	url = f"{name}:///{file}"
	make(url, rows, version, **options)
	try:
		yield url
	finally:
		file.unlink()
