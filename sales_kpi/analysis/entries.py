"""Entries: rows of a fact, or sums of such rows, as arrays; and how a month of them is packed into one text.

A month of a fact is read as a whole or not at all, so it is kept as a whole: the columns one after the other, compressed.
Read as single rows, a year of all facts takes seconds to travel from the database to Python; packed, it takes
milliseconds, for periods of any calendar.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

Array = Any
"""A numpy array: its type would say no more."""

FORMAT = 1
"""Version of the packed form: totals of another one are made anew."""

COLUMNS = (
	("day", "<i4"),
	("since", "<i4"),
	("leaf", "<i4"),
	("rows", "<i4"),
	("quantity", "<f8"),
	("amount", "<f8"),
	("estimated", "<f8"),
)
"""Columns of entries and their types; days are counted from 1970-01-01."""

NEVER = -(2**31)
"""A `since` that is NULL."""


_EPOCH = date(1970, 1, 1)


def number_of(day: date) -> int:
	"""A day as entries count it."""
	return (day - _EPOCH).days


def day_of(number: int) -> date | None:
	"""The day that a number stands for; None for NEVER."""
	return None if number == NEVER else _EPOCH + timedelta(days=number)


@dataclass
class Entries:
	"""Rows or sums of a fact, as arrays of equal length.

	leaves: names that `leaf` numbers. rows: how many rows of the fact an entry stands for, less than 0 where it takes
	some back; then its other measures are negative as well.
	"""

	leaves: list[str]
	day: Array
	since: Array
	leaf: Array
	rows: Array
	quantity: Array
	amount: Array
	estimated: Array

	def __len__(self) -> int:
		return len(self.day)

	def where(self, chosen: Any) -> Entries:
		"""Those that a mask chooses."""
		return Entries(self.leaves, *(getattr(self, name)[chosen] for name, _ in COLUMNS))

	def with_used_leaves(self) -> Entries:
		"""The same, without names that no entry has."""
		import numpy as np

		used, leaf = np.unique(self.leaf, return_inverse=True)
		return replace(self, leaves=[self.leaves[number] for number in used], leaf=leaf.astype("<i4"))

	def without_leaves(self) -> Entries:
		"""The same, not told apart."""
		import numpy as np

		return replace(self, leaves=[""], leaf=np.zeros(len(self), dtype="<i4"))

	def negative(self) -> Entries:
		"""Entries that take these back."""
		return Entries(
			self.leaves,
			self.day,
			self.since,
			self.leaf,
			-self.rows,
			-self.quantity,
			-self.amount,
			-self.estimated,
		)


def nothing() -> Entries:
	"""No entries."""
	import numpy as np

	return Entries([], *(np.zeros(0, dtype=kind) for _, kind in COLUMNS))


def joined(parts: Sequence[Entries]) -> Entries:
	"""All entries of several parts."""
	import numpy as np

	parts = [part for part in parts if len(part)]
	if not parts:
		return nothing()
	if len(parts) == 1:
		return parts[0]
	numbers: dict[str, int] = {}
	leaves = []
	for part in parts:
		place = np.array([numbers.setdefault(name, len(numbers)) for name in part.leaves] or [0], dtype="<i4")
		leaves.append(place[part.leaf])
	columns = {
		name: np.concatenate([getattr(part, name) for part in parts]) for name, _ in COLUMNS if name != "leaf"
	}
	return Entries(list(numbers), leaf=np.concatenate(leaves), **columns)


def packed(entries: Entries) -> str:
	"""Entries without their leaves as one text."""
	import numpy as np

	columns = [np.ascontiguousarray(getattr(entries, name), dtype=kind).tobytes() for name, kind in COLUMNS]
	return base64.b64encode(zlib.compress(b"".join(columns), 1)).decode("ascii")


def unpacked(leaves: str, text: str) -> Entries:
	"""Entries from their leaves, a JSON list, and their packed columns."""
	import numpy as np

	raw = zlib.decompress(base64.b64decode(text))
	widths = [int(kind[-1]) for _, kind in COLUMNS]
	count = len(raw) // sum(widths)
	columns, start = [], 0
	for (_, kind), width in zip(COLUMNS, widths, strict=True):
		columns.append(np.frombuffer(raw, dtype=kind, count=count, offset=start))
		start += width * count
	return Entries(json.loads(leaves), *columns)


def summed(entries: Entries, day: int) -> Entries:
	"""One entry for each leaf, all on one day."""
	import numpy as np

	count = len(entries.leaves)

	def total(values: Any) -> Any:
		return np.bincount(entries.leaf, weights=values, minlength=count)

	return Entries(
		entries.leaves,
		day=np.full(count, day, dtype="<i4"),
		since=np.full(count, NEVER, dtype="<i4"),
		leaf=np.arange(count, dtype="<i4"),
		rows=total(entries.rows).astype("<i4"),
		quantity=total(entries.quantity),
		amount=total(entries.amount),
		estimated=total(entries.estimated),
	)


def from_rows(frame: Any, leaf: str, single: bool) -> Entries:
	"""Entries of the rows of a DataFrame with the columns of entries, `day` and `since` as numbers.

	leaf: the column with their leaves, '' for none. single: whether single amounts matter; else what is of one day and
	leaf is summed.
	"""
	import numpy as np
	import pandas as pd

	names = frame[leaf] if leaf else np.full(len(frame), "", dtype=object)
	codes, leaves = pd.factorize(np.asarray(names, dtype=object))
	table = pd.DataFrame({name: frame[name].to_numpy() for name, _ in COLUMNS if name != "leaf"})
	table["leaf"] = codes
	if not single:
		table = table.groupby(["day", "since", "leaf"], as_index=False).sum()
	table = table.sort_values(["day", "leaf"], kind="stable")
	return Entries(
		[str(name) for name in leaves], *(table[name].to_numpy(dtype=kind) for name, kind in COLUMNS)
	)
