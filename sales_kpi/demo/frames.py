"""Typed DataFrames: one column per column of the table, whatever wasn't given at ERPNext's default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sales_kpi.demo.season import NEVER
from sales_kpi.demo.tables import Table, source_column, tables

Ints = NDArray[np.int64]

CHUNK = 20_000  # documents per batch: bounds the memory that a batch needs


@dataclass
class Pick:
	"""A text column as codes into a short list of values; a negative code is NULL."""

	values: list[str]
	codes: NDArray[Any]


class Frames:
	"""Makes the DataFrames of one version of ERPNext."""

	def __init__(self, schema: str, first: np.datetime64) -> None:
		"""`first` is the date of day 0."""
		self.schema = schema
		self.tables: dict[str, Table] = tables(schema)
		self._first = int(first.astype("datetime64[D]").astype(np.int64))

	def make(self, table: str, rows: int, **columns: Any) -> tuple[str, pd.DataFrame]:
		"""(table, rows) of `table`: columns given as scalars, arrays, or Pick.

		Dates are given as days; datetimes as seconds since the start of day 0; times as seconds of the day.
		`source` is written to the column of the schema's version. Text columns come out as object or
		categorical, dates and datetimes as datetime64[s], times as categorical "HH:MM:SS".
		`frame.attrs["constants"]` holds the columns in which all rows are alike.
		"""
		definition = self.tables[table]
		if "source" in columns and source_column(self.schema) in definition.columns:
			columns[source_column(self.schema)] = columns.pop("source")
		if "creation" in columns:
			columns.setdefault("modified", columns["creation"])
		if "owner" in columns:
			columns.setdefault("modified_by", columns["owner"])
		else:
			columns["owner"] = columns.setdefault("modified_by", "Administrator")
		columns.setdefault("creation", 0)
		columns.setdefault("modified", columns["creation"])
		unknown = set(columns) - set(definition.columns)
		if unknown:
			raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
		made: dict[str, Any] = {}
		constants: dict[str, Any] = {}
		for column, kind in definition.columns.items():
			value = columns.get(column, _DEFAULTS.get(kind))
			if value is None or isinstance(value, (str, int, float)):
				constants[column], made[column] = self._constant(kind, value, rows)
			else:
				made[column] = self._column(kind, value)
		frame = pd.DataFrame(made, copy=False)
		frame.attrs["constants"] = constants
		return table, frame

	def _constant(self, kind: str, value: Any, rows: int) -> tuple[Any, Any]:
		"""The plain value of a column in which all rows are alike, and that column."""
		if kind in ("text", "long"):
			if value is None:
				return None, _objects(np.full(rows, None, dtype=object))
			return value, _categorical([str(value)], np.zeros(rows, dtype=np.int8))
		if kind == "time":
			label = (
				None if value is None else f"{value // 3600:02d}:{value % 3600 // 60:02d}:{value % 60:02d}"
			)
			if label is None:
				return None, _objects(np.full(rows, None, dtype=object))
			return label, _categorical([label], np.zeros(rows, dtype=np.int8))
		if kind in ("date", "datetime"):
			made = self._column(kind, np.full(rows, NEVER if value is None else value, dtype=np.int64))
			if value is None or not rows:
				return None, made
			stamp = pd.Timestamp(made[0])
			return (stamp.date() if kind == "date" else stamp.to_pydatetime()), made
		return value, np.full(rows, value, dtype=np.float64 if kind == "money" else np.int64)

	def _column(self, kind: str, value: Any) -> Any:
		"""An array or Pick as the column's type."""
		if isinstance(value, Pick):
			return _categorical(value.values, value.codes)
		if kind == "date":
			days = np.where(value == NEVER, 0, value) + self._first
			return np.where(value == NEVER, np.datetime64("NaT", "s"), (days * 86400).astype("datetime64[s]"))
		if kind == "datetime":
			seconds = np.where(value == NEVER, 0, value) + self._first * 86400
			return np.where(value == NEVER, np.datetime64("NaT", "s"), seconds.astype("datetime64[s]"))
		if kind == "time":
			return _categorical(_MINUTES, value // 60)
		if kind == "money":
			return np.asarray(value, dtype=np.float64)
		if kind in ("check", "int"):
			return np.asarray(value, dtype=np.int64)
		return _objects(np.asarray(value, dtype=object))


def expand(counts: Ints) -> tuple[Ints, Ints]:
	"""Of every line of documents with `counts` lines: its document's position, and its number from 0."""
	counts = counts.astype(np.int64)
	documents = np.repeat(np.arange(len(counts)), counts)
	starts = np.cumsum(counts) - counts
	return documents, np.arange(len(documents)) - starts[documents]


def lookup(values: NDArray[Any], index: Ints, default: int = -1) -> Ints:
	"""The values at `index`; `default` where the index is negative (and where there are no values at all)."""
	if not len(values):
		return np.full(len(index), default)
	return np.where(index >= 0, values[index], default).astype(np.int64)


def masked(chosen: NDArray[np.bool_], values: NDArray[np.object_]) -> NDArray[np.object_]:
	"""The values where chosen, None elsewhere."""
	made: NDArray[np.object_] = values.copy()
	made[~chosen] = None
	return made


def chunks(rows: int, size: int = CHUNK) -> list[slice]:
	"""Slices of at most `size` rows that cover 0 … rows."""
	return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def _objects(values: NDArray[np.object_]) -> pd.Series[Any]:
	"""Text, kept as Python objects: pandas 3 would make its own strings of it, and NaN of None."""
	made: pd.Series[Any] = pd.Series(values, dtype=object, copy=False)
	return made


def _categorical(values: list[str], codes: NDArray[Any]) -> pd.Categorical:
	"""Text as codes into a list of values."""
	small = np.int8 if len(values) < 127 else np.int32
	return pd.Categorical.from_codes(
		np.asarray(codes, dtype=small), categories=pd.Index(values, dtype=object), validate=False
	)


_DEFAULTS: dict[str, Any] = {"money": 0.0, "check": 0, "int": 0}
_MINUTES = [f"{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(1440)]
