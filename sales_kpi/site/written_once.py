"""Records that the app writes behind all events, and nobody changes, renames or deletes afterwards."""

from __future__ import annotations

from typing import Any

from frappe.model.document import Document


class WrittenOnce(Document):
	"""Refuses whatever would change it, also to those whose role allows everything."""

	def validate(self) -> None:
		self.refuse()

	def before_rename(self, *names: Any) -> None:
		self.refuse()

	def on_trash(self) -> None:
		self.refuse()

	def refuse(self) -> None:
		"""Say why, as a PermissionError."""
		raise NotImplementedError
