"""What demo company to make: its size, its kind and its dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

SITE_KINDS = ("full", "invoices-only", "no-sales-team", "no-employees", "pos", "services", "three-weeks")
SCHEMAS = ("15", "16")


def last_full_month() -> date:
	"""The last day of the month before today's."""
	return date.today().replace(day=1) - timedelta(days=1)


@dataclass(frozen=True)
class DemoCompany:
	"""Everything that decides what is generated: two equal DemoCompany give equal rows, on any day.

	`invoices` counts all Sales Invoices (returns, drafts and cancelled ones too) in `months` months; a
	three-weeks company has only three weeks' share of them (at least 60). `customers`, `leads` and
	`opportunities` follow from `invoices` unless given. `territories` counts countries, without regions. With
	`sales_ledger`, every submitted invoice has its GL Entries; without, GL Entry holds expenses only.
	"""

	invoices: int = 6000
	seed: int = 7
	site_kind: str = "full"
	schema: str = "15"
	until: date = field(default_factory=last_full_month)
	months: int = 30
	salespeople: int = 12
	teams: int = 3
	territories: int = 12
	sources: int = 8
	customers: int | None = None
	leads: int | None = None
	opportunities: int | None = None
	sales_ledger: bool = True

	def __post_init__(self) -> None:
		"""Refuse what can't be generated."""
		if self.site_kind not in SITE_KINDS:
			raise ValueError(f"site_kind must be one of {', '.join(SITE_KINDS)}, not {self.site_kind!r}")
		if self.schema not in SCHEMAS:
			raise ValueError(f"schema must be one of {', '.join(SCHEMAS)}, not {self.schema!r}")
		if self.invoices < 50:
			raise ValueError("invoices must be 50 or more: the stories need room")
		if min(self.months, self.teams, self.territories, self.sources) < 1 or self.salespeople < 2:
			raise ValueError(
				"months, teams, territories and sources must be 1 or more, salespeople 2 or more"
			)

	@property
	def start(self) -> date:
		"""The first day with records."""
		if self.site_kind == "three-weeks":
			return self.until - timedelta(days=20)
		month = self.until.year * 12 + self.until.month - self.months
		return date(month // 12, month % 12 + 1, 1)

	@property
	def days(self) -> int:
		"""Number of days from `start` to `until`, both included."""
		return (self.until - self.start).days + 1

	@property
	def young(self) -> bool:
		"""Whether the company is too young for stories that need months."""
		return self.days < 300

	@property
	def has_funnel(self) -> bool:
		"""Whether there are leads, opportunities, quotations, orders and activities."""
		return self.site_kind != "invoices-only"

	@property
	def invoice_count(self) -> int:
		"""Number of Sales Invoices, of any docstatus."""
		if self.site_kind == "three-weeks":
			return max(60, round(self.invoices * self.days / (30.4 * self.months)))
		return self.invoices

	@property
	def customer_count(self) -> int:
		"""Number of customers that buy (Walk-in and the sister company come on top)."""
		share = 0.45 if self.site_kind == "three-weeks" else 0.1
		wanted = round(self.invoice_count * share) if self.customers is None else self.customers
		return max(5, min(wanted, self.invoice_count // 2))

	@property
	def lead_count(self) -> int:
		"""Number of Leads."""
		if not self.has_funnel:
			return 0
		share = 0.8 if self.site_kind == "three-weeks" else 0.3
		return round(self.invoice_count * share) if self.leads is None else self.leads

	@property
	def opportunity_count(self) -> int:
		"""Number of Opportunities."""
		if not self.has_funnel:
			return 0
		return round(self.invoice_count * 0.3) if self.opportunities is None else self.opportunities
