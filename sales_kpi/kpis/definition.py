"""The shape that every KPI has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from sales_kpi.kpis.formula import Formula, Total


class Unit(Enum):
	"""What a value is counted in."""

	CURRENCY = "currency"
	COUNT = "count"
	PERCENT = "percent"
	DAYS = "days"
	SECONDS = "seconds"
	RATIO = "ratio"
	CURRENCY_PER_DAY = "currency per day"

	@property
	def is_money(self) -> bool:
		return self in (Unit.CURRENCY, Unit.CURRENCY_PER_DAY)


class Good(Enum):
	"""Which direction is good."""

	UP = "up"
	DOWN = "down"
	NEITHER = "—"


class By(Enum):
	"""What figures are given for."""

	COMPANY = "company"
	SALES_PERSON = "sales-person"
	TEAM = "team"
	TERRITORY = "territory"
	SOURCE = "source"


EVERYWHERE = frozenset(By)


class Needs(Enum):
	"""What must be set up before a KPI can have a value."""

	ACQUISITION_ACCOUNTS = "accounts that acquisition cost is booked on"


class Audience(Enum):
	"""Who sees a KPI unless an admin decides otherwise."""

	EVERYBODY = "everybody"
	MANAGERS = "managers"


@dataclass(frozen=True)
class Kpi:
	"""One KPI.

	name: as in the definitions; title: for people.
	meaning: what it tells, in words. moved_by: what usually moves it.
	scopes: what it makes sense for.
	matures: complete only when the conversion window has passed since the period's end.
	estimates: quantities of which some rest on estimated days; their share stands beside the value.
	needs: what must be set up. mapped_cost: for salespeople, teams, territories and sources it needs cost mapped to them.
	beside: further formulas that help to read the value, by their titles.
	"""

	name: str
	title: str
	unit: Unit
	good: Good
	formula: Formula
	meaning: str
	moved_by: str
	scopes: frozenset[By] = EVERYWHERE
	matures: bool = False
	estimates: Total | None = None
	needs: tuple[Needs, ...] = ()
	mapped_cost: bool = False
	audience: Audience = Audience.EVERYBODY
	beside: Mapping[str, Formula] = field(default_factory=dict)
