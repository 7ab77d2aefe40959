"""Errors that a person can act on: each message says what is wrong, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable

_PLACE = re.compile(r"\{(\w+)\}")


class Word(str):
	"""Among the values of a sentence: a word of ours, which is translated as the sentence is."""


class SalesKpiError(Exception):
	"""Any failure that is explained in one sentence to whoever asked.

	sentence: a template in English, a key of the translations. values: what fills its {places}: names and numbers as they
	are written, a `Word`, or what another failure says.
	"""

	def __init__(self, sentence: str, /, **values: object) -> None:
		self.sentence, self.values = sentence, values
		super().__init__(self.told())

	def told(self, translated: Callable[[str], str] = str) -> str:
		"""The sentence for people, its template and words translated by a function."""
		template = translated(self.sentence)
		if not self.values:
			return template
		return _PLACE.sub(lambda place: self._filled(place[1], place[0], translated), template)

	def _filled(self, name: str, place: str, translated: Callable[[str], str]) -> str:
		value = self.values.get(name, place)
		if isinstance(value, SalesKpiError):
			return value.told(translated)
		return translated(value) if isinstance(value, Word) else str(value)


class InputError(SalesKpiError):
	"""What was asked can't be: an unknown name, a wrong date, a contradiction in the settings."""


class SourceError(SalesKpiError):
	"""The records can't be read: no connection, not an ERPNext database, a missing column."""
