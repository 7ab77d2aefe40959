"""The query builder of the facts: pypika's, writing set operations so that all four databases read them."""

from __future__ import annotations

from typing import Any

import pypika
from pypika.queries import QueryBuilder


class Query(pypika.Query):  # type: ignore[misc]
	"""pypika's Query; the members of a UNION stand without parentheses, which SQLite refuses."""

	@classmethod
	def _builder(cls, **kwargs: Any) -> QueryBuilder:
		return QueryBuilder(wrap_set_operation_queries=False, **kwargs)
