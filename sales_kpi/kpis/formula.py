"""The few shapes that a KPI's formula takes, over sums of facts.

A formula is data: it can be computed for any periods and scopes at once, written out for people, and asked for the
facts that it needs. Figures are arrays with one row for each period and one column for each scope; NaN is no value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
	import numpy as np
	from numpy.typing import NDArray

	Figures = NDArray[np.float64]
else:
	Figures = Any


_DUST = 1e-9
"""By how much a sum may fall short of a bound for the dust of floats alone."""


class Over(Enum):
	"""Which days a term sums, seen from a period."""

	PERIOD = "in the period"
	TO_END = "from the beginning to the period's end"
	TO_BEFORE = "from the beginning to the day before the period"
	YEAR = "over the year to the period's end"


@dataclass(frozen=True)
class Term:
	"""A sum of one measure of one fact.

	measure: quantity, amount or estimated (the quantity whose day is estimated).
	cohort: sum what began in the period and happened within the conversion window, instead of what happened in it.
	at_least, above: only rows whose amount is at least, or above, this much.
	weighted: multiply each amount by its quantity, where a fact's amount isn't shared out already.
	with_life: without the documents of customers that stand for many.
	"""

	fact: str
	measure: str = "quantity"
	over: Over = Over.PERIOD
	cohort: bool = False
	at_least: float | None = None
	above: float | None = None
	weighted: bool = False
	with_life: bool = False

	def __str__(self) -> str:
		letter = {"quantity": "Q", "amount": "A", "estimated": "estimated Q"}[self.measure]
		sign = {Over.PERIOD: "", Over.TO_END: "→", Over.TO_BEFORE: "⊣", Over.YEAR: "₁ᵧ"}[self.over]
		condition = ""
		if self.cohort:
			condition = " begun in the period, within H days"
		elif self.at_least is not None:
			condition = f" with amount ≥ {self.at_least:g}"
		elif self.above is not None:
			condition = f" with amount > {self.above:g}"
		elif self.with_life:
			condition = " of customers with a life"
		return f"{letter}{sign}({self.fact}{condition})"


@dataclass(frozen=True)
class Total:
	"""Terms added and subtracted."""

	terms: tuple[tuple[int, Term], ...]

	def __add__(self, other: Total) -> Total:
		return Total(self.terms + other.terms)

	def __sub__(self, other: Total) -> Total:
		return Total(self.terms + tuple((-sign, term) for sign, term in other.terms))

	def __str__(self) -> str:
		return "".join(
			f"{' + ' if sign > 0 else ' − '}{term}" if index else f"{'' if sign > 0 else '−'}{term}"
			for index, (sign, term) in enumerate(self.terms)
		)

	def over(self, over: Over) -> Total:
		"""The same terms over other days."""
		return self._changed(over=over)

	def measured(self, measure: str) -> Total:
		"""Another measure of the same terms."""
		return self._changed(measure=measure)

	def _changed(self, **changes: Any) -> Total:
		return Total(tuple((sign, replace(term, **changes)) for sign, term in self.terms))

	@property
	def first(self) -> Total:
		"""The first term alone."""
		return Total(((1, self.terms[0][1]),))


def Q(fact: str, **conditions: Any) -> Total:
	"""The quantity of a fact over the period and scope."""
	return Total(((1, Term(fact, "quantity", **conditions)),))


def A(fact: str, **conditions: Any) -> Total:
	"""The amount of a fact over the period and scope."""
	return Total(((1, Term(fact, "amount", **conditions)),))


class Of(Enum):
	"""What a median is taken of."""

	GAP = "days from beginning to end"
	AMOUNT = "amount"


@dataclass(frozen=True)
class Distribution:
	"""The single values of a fact, each weighted by its quantity."""

	fact: str
	of: Of
	over: Over = Over.PERIOD


class Sums(Protocol):
	"""What a formula is computed from."""

	def total(self, total: Total) -> Figures:
		"""Sums for each period and scope."""

	def quantile(self, distribution: Distribution, at: float) -> tuple[Figures, Figures]:
		"""Weighted quantile and total weight for each period and scope."""

	def mean(self, distribution: Distribution) -> tuple[Figures, Figures]:
		"""Weighted mean and total weight for each period and scope."""

	def exists(self, facts: tuple[str, ...]) -> Figures:
		"""1 where there is any row of the facts in the period and scope, else 0."""


@dataclass(frozen=True)
class Figure:
	"""A computed formula: value, numerator, denominator and size of the sample, NaN where there is none."""

	value: Figures
	numerator: Figures
	denominator: Figures
	n: Figures
	low_coverage: Figures | None = None
	"""1 where there is no value because too little of what it measures is known."""


class Formula(ABC):
	"""A formula over facts."""

	@abstractmethod
	def totals(self) -> Iterator[Total]:
		"""All sums that it needs."""

	def distributions(self) -> Iterator[Distribution]:
		"""All distributions that it needs."""
		return iter(())

	@abstractmethod
	def parts(self) -> dict[str, Total | Distribution]:
		"""What it is made of, by the part that each plays: what a drill-down lists the documents of."""

	@abstractmethod
	def compute(self, sums: Sums) -> Figure:
		"""The figures for all periods and scopes."""

	@abstractmethod
	def __str__(self) -> str:
		"""The formula written out."""

	def facts(self) -> list[str]:
		"""Names of the facts that it needs, in order."""
		names = [term.fact for total in self.totals() for _, term in total.terms]
		names += [distribution.fact for distribution in self.distributions()]
		return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Sum(Formula):
	"""A sum; over nothing it is 0. Its sample is the quantity of the first term."""

	of: Total

	def totals(self) -> Iterator[Total]:
		yield self.of
		yield self.of.first.measured("quantity")

	def parts(self) -> dict[str, Total | Distribution]:
		return {"value": self.of}

	def compute(self, sums: Sums) -> Figure:
		value = sums.total(self.of)
		nothing = value * float("nan")
		return Figure(value, nothing, nothing, sums.total(self.of.first.measured("quantity")))

	def __str__(self) -> str:
		return str(self.of)


@dataclass(frozen=True)
class Coverage:
	"""A ratio is only given when its denominator is above 0 and at least a share of a whole."""

	whole: Total
	share: float
	facts: tuple[str, ...]


@dataclass(frozen=True)
class Ratio(Formula):
	"""A ratio of sums, never a mean of ratios; without a denominator it has no value.

	n: size of the sample, the denominator unless said otherwise.
	"""

	numerator: Total
	denominator: Total
	n: Total | None = None
	coverage: Coverage | None = None

	def totals(self) -> Iterator[Total]:
		yield self.numerator
		yield self.denominator
		if self.n is not None:
			yield self.n
		if self.coverage is not None:
			yield self.coverage.whole

	def parts(self) -> dict[str, Total | Distribution]:
		return {"numerator": self.numerator, "denominator": self.denominator}

	def compute(self, sums: Sums) -> Figure:
		import numpy as np

		numerator, denominator = sums.total(self.numerator), sums.total(self.denominator)
		given = denominator != 0
		low = None
		if self.coverage is not None:
			whole = sums.total(self.coverage.whole)
			given = (denominator > 0) & (denominator >= self.coverage.share * whole - _DUST)
			low = np.where(given, 0.0, sums.exists(self.coverage.facts))
		value = np.where(given, numerator / np.where(given, denominator, 1.0), np.nan)
		n = denominator if self.n is None else sums.total(self.n)
		return Figure(value, numerator, denominator, n, low)

	def __str__(self) -> str:
		parts = (
			str(part) if len(part.terms) == 1 else f"({part})" for part in (self.numerator, self.denominator)
		)
		return " / ".join(parts)


@dataclass(frozen=True)
class Median(Formula):
	"""The weighted median of a distribution. Its denominator and sample are the total weight."""

	of: Distribution

	def totals(self) -> Iterator[Total]:
		return iter(())

	def distributions(self) -> Iterator[Distribution]:
		yield self.of

	def parts(self) -> dict[str, Total | Distribution]:
		return {"sample": self.of}

	def compute(self, sums: Sums) -> Figure:
		value, weight = sums.quantile(self.of, 0.5)
		return Figure(value, value * float("nan"), weight, weight)

	def __str__(self) -> str:
		over = "" if self.of.over is Over.PERIOD else f" {self.of.over.value}"
		return f"median of {self.of.of.value} of {self.of.fact}{over}, weighted by quantity"


@dataclass(frozen=True)
class Quantile(Formula):
	"""The value of a distribution below which a share of its weight lies."""

	of: Distribution
	at: float

	def totals(self) -> Iterator[Total]:
		return iter(())

	def distributions(self) -> Iterator[Distribution]:
		yield self.of

	def parts(self) -> dict[str, Total | Distribution]:
		return {"sample": self.of}

	def compute(self, sums: Sums) -> Figure:
		value, weight = sums.quantile(self.of, self.at)
		return Figure(value, value * float("nan"), weight, weight)

	def __str__(self) -> str:
		return f"{self.at:.0%} quantile of {self.of.of.value} of {self.of.fact}, weighted by quantity"


@dataclass(frozen=True)
class Mean(Formula):
	"""The weighted mean of a distribution."""

	of: Distribution

	def totals(self) -> Iterator[Total]:
		return iter(())

	def distributions(self) -> Iterator[Distribution]:
		yield self.of

	def parts(self) -> dict[str, Total | Distribution]:
		return {"sample": self.of}

	def compute(self, sums: Sums) -> Figure:
		import numpy as np

		mean, weight = sums.mean(self.of)
		return Figure(mean, np.where(weight == 0, np.nan, mean * weight), weight, weight)

	def __str__(self) -> str:
		return f"mean of {self.of.of.value} of {self.of.fact}, weighted by quantity"


@dataclass(frozen=True)
class Quotient(Formula):
	"""One formula divided by another; its sample is the other's."""

	one: Formula
	other: Formula
	names: tuple[str, str] = field(default=("", ""))

	def totals(self) -> Iterator[Total]:
		yield from self.one.totals()
		yield from self.other.totals()

	def distributions(self) -> Iterator[Distribution]:
		yield from self.one.distributions()
		yield from self.other.distributions()

	def parts(self) -> dict[str, Total | Distribution]:
		return {
			f"{role} {part}": of
			for role, formula in (("numerator's", self.one), ("denominator's", self.other))
			for part, of in formula.parts().items()
		}

	def compute(self, sums: Sums) -> Figure:
		import numpy as np

		one, other = self.one.compute(sums), self.other.compute(sums)
		given = np.isfinite(other.value) & (other.value != 0)
		value = np.where(given, one.value / np.where(given, other.value, 1.0), np.nan)
		return Figure(value, one.value, other.value, other.n)

	def __str__(self) -> str:
		return " / ".join(self.names)
