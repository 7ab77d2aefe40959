from __future__ import annotations

from typing import Any

from frappe.model.document import Document

from sales_kpi.site import review_actions, review_meeting, reviews


class KPIReview(Document):
	"""A meeting about figures. What happens to it is told in `sales_kpi.site.reviews`."""

	def validate(self) -> None:
		reviews.prepare(self)

	def before_submit(self) -> None:
		reviews.close(self)

	def on_update(self) -> None:
		review_meeting.put_into_calendar(self)

	def on_submit(self) -> None:
		review_actions.allocate(self)
		review_meeting.mail_minutes(self)

	def before_update_after_submit(self) -> None:
		reviews.keep_actions(self)

	def on_update_after_submit(self) -> None:
		review_actions.allocate(self)

	def on_cancel(self) -> None:
		self.db_set("review_key", None, update_modified=False)
		review_actions.release(self)
		review_meeting.take_from_calendar(self)

	def on_trash(self) -> None:
		review_meeting.delete_from_calendar(self)

	def told(self) -> dict[str, Any]:
		"""What the print format tells."""
		return review_meeting.told(self)
