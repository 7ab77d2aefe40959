"""Speed and memory on made-up companies of growing size, printed as a table (`make bench`).

For each database: all KPIs × 12 months × all salespeople, in a process of its own (imports and connection included), and
beside it, in the same run, the bare SQL statements that this needs, sent by the driver alone. What counts are the ratios;
these machines are noisy. DuckDB is an embedded file; MariaDB is measured where a server answers (`BENCH_MARIADB`, a URL
without a database; by default root on 127.0.0.1).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

FIRST, LAST, AS_OF = date(2025, 11, 1), date(2026, 10, 31), date(2026, 11, 24)
COMPANY = "Alpha Trading"
DATABASE = "sales_kpi_benchmark"
SERVER = os.environ.get("BENCH_MARIADB", "mysql+pymysql://root@127.0.0.1")


def company(invoices: int) -> Any:
	"""A company of five years, with the proportions of the largest one at every size."""
	from sales_kpi.demo.company import DemoCompany

	return DemoCompany(
		invoices=invoices, months=60, salespeople=50, teams=6, territories=10, sources=8, leads=invoices * 3 // 10,
		opportunities=invoices * 3 // 10, customers=invoices // 10, until=LAST, sales_ledger=False,
	)  # fmt: skip


def measure(url: str, settings_file: str) -> dict[str, float]:
	"""In this process: seconds of everything, seconds of its statements, and peak memory in MiB."""
	begun = time.perf_counter()
	from sales_kpi.analysis.values import By, Question, compute
	from sales_kpi.facts.reading.binding import compile_query
	from sales_kpi.settings_file import read_settings
	from sales_kpi.sources.database import DatabaseSource

	settings = read_settings(Path(settings_file))
	statements: list[tuple[str, dict[str, Any]]] = []
	with DatabaseSource(url) as source:
		run = source.run

		def remembered(query: Any) -> Any:
			statements.append(compile_query(query, source.dialect.quote, lambda name: f":{name}"))
			return run(query)

		source.run = remembered  # type: ignore[method-assign]
		values = compute(source, Question(COMPANY, FIRST, LAST, by=By.SALES_PERSON, as_of=AS_OF), settings)
		whole = time.perf_counter() - begun
		peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
		bare = bare_sql(source, statements)
	return {"seconds": whole, "sql": bare, "mib": peak, "values": len(values), "statements": len(statements)}


def bare_sql(source: Any, statements: list[tuple[str, dict[str, Any]]]) -> float:
	"""Seconds that the statements take when nothing is made of their rows."""
	import sqlalchemy

	begun = time.perf_counter()
	for sql, values in statements:
		source._connected().execute(sqlalchemy.text(sql), values).fetchall()
	return time.perf_counter() - begun


def child(url: str, settings_file: Path) -> dict[str, float]:
	command = [sys.executable, "-W", "ignore", __file__, "--measure", url, str(settings_file)]
	return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def mariadb(invoices: int) -> str | None:
	"""A MariaDB database with the company in it, None where no server answers."""
	import sqlalchemy

	from sales_kpi.demo.write import write_database

	try:
		engine = sqlalchemy.create_engine(SERVER, isolation_level="AUTOCOMMIT")
		with engine.connect() as connection:
			connection.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {DATABASE}"))
			connection.execute(
				sqlalchemy.text(
					f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
				)
			)
	except sqlalchemy.exc.OperationalError:
		return None
	url = f"{SERVER}/{DATABASE}"
	write_database(company(invoices), url, None)
	return url


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--measure", nargs=2, metavar=("URL", "SETTINGS"), help=argparse.SUPPRESS)
	parser.add_argument("--sizes", type=int, nargs="+", default=[250_000, 500_000, 1_000_000])
	parser.add_argument(
		"--databases", nargs="+", default=["duckdb", "mariadb"], choices=["duckdb", "mariadb"]
	)
	parser.add_argument("--runs", type=int, default=3)
	arguments = parser.parse_args()
	if arguments.measure:
		print(json.dumps(measure(*arguments.measure)))
		return
	from sales_kpi.demo.settings import settings
	from sales_kpi.demo.write import write_duckdb

	print("| database | invoices | all KPIs × 12 months × 50 salespeople | bare SQL | ratio | peak memory |")
	print("| --- | --- | --- | --- | --- | --- |")
	with tempfile.TemporaryDirectory() as folder:
		for size in arguments.sizes:
			for name in arguments.databases:
				settings_file = Path(folder) / "settings.toml"
				settings_file.write_text(settings(company(size)), encoding="utf-8")
				url: str | None
				if name == "duckdb":
					path = Path(folder) / f"{size}.duckdb"
					write_duckdb(company(size), path, None)
					url = f"duckdb:///{path}"
				else:
					url = mariadb(size)
				if url is None:
					print(f"| {name} | {size:,} | not measured: no server answers at {SERVER} | | | |")
					continue
				runs = sorted(
					(child(url, settings_file) for _ in range(arguments.runs)), key=lambda run: run["seconds"]
				)
				best, middle = runs[0], runs[len(runs) // 2]
				ratio = middle["seconds"] / middle["sql"]
				print(
					f"| {name} | {size:,} | {middle['seconds']:.2f} s (best {best['seconds']:.2f}) | {middle['sql']:.2f} s "
					f"| {ratio:.2f} | {middle['mib']:.0f} MiB |",
					flush=True,
				)


if __name__ == "__main__":
	main()
