"""The query builder of the facts: pypika's, writing set operations so that all four databases read them."""

from __future__ import annotations

from typing import Any

import pypika
from pypika.enums import SetOperation
from pypika.queries import QueryBuilder, _SetOperation


class _Union(_SetOperation):  # type: ignore[misc]
	"""Queries one below the other."""

	def __hash__(self) -> int:
		"""By the alias, which tells relations of one query apart; pypika writes the whole text out each time it asks."""
		return hash(self.alias)


class _Builder(QueryBuilder):  # type: ignore[misc]
	"""A query in the making."""

	def union(self, other: Any) -> _Union:
		return _Union(self, other, SetOperation.union, wrapper_cls=self._wrapper_cls)

	def union_all(self, other: Any) -> _Union:
		return _Union(self, other, SetOperation.union_all, wrapper_cls=self._wrapper_cls)

	def __hash__(self) -> int:
		"""As pypika compares them: by the alias, not by all that lies below."""
		return hash(self.alias)


class Query(pypika.Query):  # type: ignore[misc]
	"""pypika's Query; the members of a UNION stand without parentheses, which SQLite refuses."""

	@classmethod
	def _builder(cls, **kwargs: Any) -> _Builder:
		return _Builder(wrap_set_operation_queries=False, **kwargs)
