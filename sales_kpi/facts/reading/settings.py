"""What a company decides about its figures. The defaults are those of the definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise

from sales_kpi.errors import InputError


class ConvertedBy(Enum):
	"""What makes a lead converted."""

	FIRST_ORDER = "first order"
	CUSTOMER_CREATED = "customer created"


class CreditFallback(Enum):
	"""Who is credited for an order or invoice without Sales Team."""

	NONE = "none"
	CUSTOMER_TEAM = "customer sales team"
	ACCOUNT_MANAGER = "account manager"
	OWNER = "owner"


@dataclass(frozen=True)
class SalespersonMapping:
	"""A user's CRM records are credited to a salesperson, from a day to a day (both included, either open)."""

	user: str
	sales_person: str
	first_day: date | None = None
	last_day: date | None = None


@dataclass(frozen=True)
class Settings:
	"""Choices that change figures.

	churn_after_days: N, a customer lapses when it has bought nothing for N days after its last purchase.
	conversion_window_days: H, days within which a lead or quotation counts as converted.
	acquisition_accounts: accounts whose cost is spent to win customers; a group means all below it.
	acquisition_lag_months: cost is set against the customers won this many months later.
	cost_center_sales_person, cost_center_source: whom or which channel a cost center's cost belongs to.
	not_one_customer: customers that stand for many (walk-in, marketplaces) and have no life of their own.
	mapping: which user is which salesperson; wins over Employee.
	converted_by, credit_fallback: see there.
	"""

	churn_after_days: int = 180
	conversion_window_days: int = 90
	acquisition_accounts: tuple[str, ...] = ()
	acquisition_lag_months: int = 0
	cost_center_sales_person: Mapping[str, str] = field(default_factory=dict)
	cost_center_source: Mapping[str, str] = field(default_factory=dict)
	not_one_customer: tuple[str, ...] = ()
	mapping: tuple[SalespersonMapping, ...] = ()
	converted_by: ConvertedBy = ConvertedBy.FIRST_ORDER
	credit_fallback: CreditFallback = CreditFallback.NONE

	def __post_init__(self) -> None:
		if self.churn_after_days < 1:
			raise InputError("churn_after_days must be at least 1, not {days}.", days=self.churn_after_days)
		if self.conversion_window_days < 0:
			raise InputError(
				"conversion_window_days must be 0 or more, not {days}.", days=self.conversion_window_days
			)
		if not 0 <= self.acquisition_lag_months <= 36:
			raise InputError(
				"acquisition_lag_months must be 0 to 36, not {months}.", months=self.acquisition_lag_months
			)
		for one, other in _overlaps(self.mapping):
			raise InputError(
				"User {user} is mapped to {one} and to {other} for the same days: "
				"end the first mapping before the second begins.",
				user=one.user,
				one=one.sales_person,
				other=other.sales_person,
			)

	def always_maps(self, user: str) -> bool:
		"""Whether the mapping leaves no day on which the user's Employee would count."""
		rows = sorted(
			(row for row in self.mapping if row.user == user), key=lambda row: row.first_day or date.min
		)
		if not rows or rows[0].first_day or rows[-1].last_day:
			return False
		return all(
			one.last_day is not None and other.first_day == one.last_day + timedelta(days=1)
			for one, other in pairwise(rows)
		)


def _overlaps(
	mapping: tuple[SalespersonMapping, ...],
) -> Iterator[tuple[SalespersonMapping, SalespersonMapping]]:
	by_user: dict[str, list[SalespersonMapping]] = defaultdict(list)
	for row in mapping:
		if row.first_day and row.last_day and row.first_day > row.last_day:
			raise InputError(
				"The mapping of user {user} ends ({last}) before it begins ({first}).",
				user=row.user,
				last=row.last_day,
				first=row.first_day,
			)
		by_user[row.user].append(row)
	for rows in by_user.values():
		rows.sort(key=lambda row: row.first_day or date.min)
		for one, other in pairwise(rows):
			if (one.last_day or date.max) >= (other.first_day or date.min):
				yield one, other
