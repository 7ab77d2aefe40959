"""The one place where a query becomes text and bound values.

pypika inlines strings outside Frappe and doesn't escape backslashes; under Frappe it binds some and inlines others,
depending on the order of imports. Here no string is ever inlined: strings and dates are rendered between control
characters, which are then cut out of the text and handed over as parameters. A quote that is left in the text means
that a literal slipped through, and such a query is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from pypika.queries import QueryBuilder
from pypika.terms import Term
from pypika.utils import format_alias_sql

_STRING, _DAY = "\x01", "\x02"
_MARKED = re.compile(f"{_STRING}((?:[^{_STRING}]|{_STRING}{_STRING})*){_STRING}|{_DAY}([0-9-]+){_DAY}")


class Bound(Term):  # type: ignore[misc]
	"""A string or a day that travels to the database as a parameter.

	Comparisons may be given plain strings (the compiler binds them too), arguments of functions may not: pypika's
	functions don't pass on how a literal is to be rendered.
	"""

	is_aggregate = None

	def __init__(self, value: str | date, alias: str | None = None) -> None:
		super().__init__(alias)
		self.value = value

	def get_sql(self, **kwargs: Any) -> str:
		if isinstance(self.value, date):
			text = f"{_DAY}{self.value.isoformat()}{_DAY}"
		else:
			text = f"{_STRING}{self.value.replace(_STRING, _STRING * 2)}{_STRING}"
		if kwargs.pop("with_alias", False):
			return str(format_alias_sql(text, self.alias, **kwargs))
		return text


def compile_query(
	query: Any, quote: str, placeholder: Callable[[str], str]
) -> tuple[str, dict[str, str | date]]:
	"""Render `query` for one database.

	`quote` quotes identifiers; `placeholder` turns a parameter's name into the text that stands for it. Returns the text and the values by parameter name; a day is a `date`.
	"""
	text = query.get_sql(quote_char=quote, alias_quote_char=quote, secondary_quote_char=_STRING)
	values: dict[str, str | date] = {}

	def take(match: re.Match[str]) -> str:
		value: str | date
		if match.group(2) is not None:
			value = date.fromisoformat(match.group(2))
		else:
			value = match.group(1).replace(_STRING * 2, _STRING)
		# One name for each place, even of equal values: PostgreSQL deduces a type for each parameter.
		name = f"v{len(values)}"
		values[name] = value
		return placeholder(name)

	# Text that is to be formatted with % needs its own percent signs doubled; no query of ours contains one.
	sql = _MARKED.sub(take, text)
	if any(sign in sql for sign in ("'", "\\", _STRING, _DAY)):
		raise ValueError(f"A literal was inlined instead of bound: {sql}")
	return sql, values


def column_names(query: Any) -> list[str]:
	"""Names of a query's columns, in order, for sources that tell none when there are no rows."""
	first = query if isinstance(query, QueryBuilder) else query.base_query
	return [str(term.alias or term.name) for term in first._selects]
