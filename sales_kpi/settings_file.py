"""The settings file: what a company decides about its figures, as TOML.

Every key may be left out; then its default holds. The file that says what the defaults say:

	churn_after_days = 180              # a customer lapses that has bought nothing for so many days
	conversion_window_days = 90         # days within which a lead or quotation counts as converted
	acquisition_accounts = []           # accounts of what is spent to win customers: ["Marketing - A"]
	acquisition_lag_months = 0          # cost is set against the customers won so many months later
	not_one_customer = []               # customers that stand for many: ["Walk-in Customer"]
	converted_by = "first order"        # or "customer created"
	credit_fallback = "none"            # of sales without Sales Team: or "customer sales team", "account manager", "owner"

	[cost_center_sales_person]          # whose cost a cost center's is
	"Ann - A" = "Ann"

	[cost_center_source]                # which channel's cost a cost center's is
	"Trade fairs - A" = "Exhibition"

	[[mapping]]                         # which user is which salesperson; wins over Employee
	user = "ann@example.com"
	sales_person = "Ann"
	from = 2025-01-01                   # both may be left out
	to = 2025-12-31

Whether the accounts, cost centers, customers and salespeople exist is checked when records are read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import ConvertedBy, CreditFallback, SalespersonMapping, Settings

Choice = TypeVar("Choice", bound=Enum)


def read_settings(path: str | Path) -> Settings:
	"""The settings that a TOML file holds. An InputError names the file, and what is wrong in it."""
	try:
		text = Path(path).read_text(encoding="utf-8-sig")
	except OSError as error:
		raise InputError(f"The settings file {path} can't be read: {error.strerror or error}.") from error
	except UnicodeDecodeError as error:
		raise InputError(f"The settings file {path} can't be read: it isn't UTF-8 text.") from error
	toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
	try:
		return settings_from(toml.loads(text))
	except toml.TOMLDecodeError as error:
		raise InputError(f"The settings file {path} is no TOML: {error}.") from error
	except InputError as error:
		raise InputError(f"In the settings file {path}: {error}") from error


def settings_from(mapping: Mapping[str, Any]) -> Settings:
	"""The settings that a mapping holds, as TOML gives it."""
	_only(mapping, _READERS, "setting")
	return Settings(**{key: _READERS[key](key, value) for key, value in mapping.items()})


def _only(mapping: Mapping[str, Any], known: Iterable[str], kind: str) -> None:
	names = list(known)
	for key in mapping:
		if key not in names:
			near = get_close_matches(key, names, n=1, cutoff=0.5)
			hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}."
			raise InputError(f"There is no {kind} {key!r}; {hint}")


def _wrong(key: str, wanted: str, value: Any) -> InputError:
	return InputError(f"{key} must be {wanted}, not {_shown(value)}.")


def _shown(value: Any) -> str:
	"""A value as TOML writes it, for messages."""
	if isinstance(value, bool):
		return str(value).lower()
	if isinstance(value, str):
		return f'"{value}"'
	if isinstance(value, Mapping):
		return "a table"
	if isinstance(value, list):
		return "a list" if value else "an empty list"
	return value.isoformat() if isinstance(value, date) else str(value)


def _number(key: str, value: Any) -> int:
	if isinstance(value, bool) or not isinstance(value, int):
		raise _wrong(key, "a whole number", value)
	return value


def _name(key: str, value: Any) -> str:
	if not isinstance(value, str) or not value:
		raise _wrong(key, "a name in quotes", value)
	return value


def _names(key: str, value: Any) -> tuple[str, ...]:
	if not isinstance(value, list):
		example = f'["{value}"]' if isinstance(value, str) and value else '["one", "another"]'
		raise _wrong(key, f"a list such as {example}", value)
	return tuple(_name(f"each of {key}", one) for one in value)


def _names_by_name(key: str, value: Any) -> dict[str, str]:
	if not isinstance(value, Mapping):
		raise _wrong(key, f'a table: [{key}], and below it lines such as "Cost Center" = "name"', value)
	return {name: _name(f"{key}.{_shown(name)}", one) for name, one in value.items()}


def _choice(choices: type[Choice]) -> Callable[[str, Any], Choice]:
	def read(key: str, value: Any) -> Choice:
		for choice in choices:
			if choice.value == value:
				return choice
		raise _wrong(key, " or ".join(f'"{choice.value}"' for choice in choices), value)

	return read


def _mapping(key: str, value: Any) -> tuple[SalespersonMapping, ...]:
	if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
		raise _wrong(key, "written as tables, each headed [[mapping]]", value)
	return tuple(_mapped(row) for row in value)


def _mapped(row: Mapping[str, Any]) -> SalespersonMapping:
	_only(row, ("user", "sales_person", "from", "to"), "key in [[mapping]]")
	for key in ("user", "sales_person"):
		if key not in row:
			raise InputError(f"A [[mapping]] has no {key}: each needs a user and a sales_person.")
	return SalespersonMapping(
		user=_name("user in [[mapping]]", row["user"]),
		sales_person=_name("sales_person in [[mapping]]", row["sales_person"]),
		first_day=_day("from in [[mapping]]", row.get("from")),
		last_day=_day("to in [[mapping]]", row.get("to")),
	)


def _day(key: str, value: Any) -> date | None:
	if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
		return value
	if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
		try:
			return date.fromisoformat(value)
		except ValueError:
			pass
	raise _wrong(key, "a date such as 2025-01-31", value)


_READERS: dict[str, Callable[[str, Any], Any]] = {
	"churn_after_days": _number,
	"conversion_window_days": _number,
	"acquisition_accounts": _names,
	"acquisition_lag_months": _number,
	"not_one_customer": _names,
	"converted_by": _choice(ConvertedBy),
	"credit_fallback": _choice(CreditFallback),
	"cost_center_sales_person": _names_by_name,
	"cost_center_source": _names_by_name,
	"mapping": _mapping,
}
