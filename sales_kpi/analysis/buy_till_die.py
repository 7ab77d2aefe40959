"""How often customers will buy again, and for how much, where nobody says goodbye: BG/NBD and Gamma-Gamma.

The BG/NBD model takes it that a customer buys at random moments at a rate of its own, and after each purchase is gone for good
with a chance of its own; rates and chances differ from customer to customer. The Gamma-Gamma model takes it that what a
customer spends varies about a mean of its own, which has nothing to do with how often it buys.
Of each customer all that counts is: `x`, on how many later occasions it bought after its first one; `t_x`, how long after the
first one the last of these was (0 without any); `T`, how long ago the first one was. Any unit of time will do, the same for
all.

Sources: Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005); Fader and Hardie, The
Gamma-Gamma model of monetary value (2013); goldens G9 and G10 of the field survey.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sales_kpi.errors import InputError

NODES = 128
"""Points at which the chance to be gone is integrated over."""

_LOWEST, _HIGHEST = math.log(1e-5), math.log(1e6)
"""Between which the logarithms of parameters are looked for, where time and money are in units of their own size."""

MANY = 20_000
"""Of more customers the first place that is found is taken: so many leave no other."""

_STEEP = 1e-3
"""A slope per customer above which the likelihood can still be improved: the fit has not arrived."""


@dataclass(frozen=True)
class BgNbd:
	"""The model of purchases.

	r, alpha: of the gamma distribution of customers' rates (alpha in the unit of time). a, b: of the beta distribution of
	their chance to be gone after a purchase. likelihood: logarithm of how likely the customers are that it was fitted to,
	None where the parameters were given.
	"""

	r: float
	alpha: float
	a: float
	b: float
	likelihood: float | None = None

	def __post_init__(self) -> None:
		_check_parameters(r=self.r, alpha=self.alpha, a=self.a, b=self.b)

	def log_likelihood(self, x: Any, t_x: Any, T: Any) -> Any:
		"""How likely each customer is, as a logarithm. Raises InputError for what no customer can have bought."""
		grouped = _Grouped(*_histories(x, t_x, T))
		return grouped.spread(grouped.log_likelihood(self.r, self.alpha, self.a, self.b))

	def p_alive(self, x: Any, t_x: Any, T: Any) -> Any:
		"""The chance that each customer isn't gone.

		1 for all that bought once: in this model nobody goes but after a later purchase. It says nothing of them; show
		none. Raises InputError for what no customer can have bought.
		"""
		import numpy as np
		from scipy.special import expit  # type: ignore[import-untyped]

		count, last, age = _histories(x, t_x, T)
		longer = (self.r + count) * (np.log(self.alpha + age) - np.log(self.alpha + last))
		return np.where(
			count > 0, expit(np.log(self.b + np.maximum(count, 1) - 1) - math.log(self.a) - longer), 1.0
		)

	def expected_purchases(self, time: float, x: Any, t_x: Any, T: Any) -> Any:
		"""How many purchases of each customer are to be expected in the time to come.

		The closed form of the paper (its equation 10, with 2F1) divides by a − 1 and overflows for frequent buyers. Here
		the same expectation is written as an integral over the chance p to be gone, which a customer that is still there
		has by a beta distribution with a and b + x: P(alive) · E[(1 − (1 + p · time / (alpha + T))^−(r + x)) / p], by
		Gauss-Jacobi quadrature. It has no such points.

		Raises InputError for a time below 0, and for what no customer can have bought.
		"""
		import numpy as np

		if not (math.isfinite(time) and time >= 0):
			raise InputError(f"Purchases can be expected for a time of 0 or more, not for {time:g}.")
		count, last, age = _histories(x, t_x, T)
		expected = np.zeros(len(count))
		for number in np.unique(count):
			mine = np.flatnonzero(count == number)
			ages, place = np.unique(age[mine], return_inverse=True)
			expected[mine] = self._while_alive(float(number), time / (self.alpha + ages))[place]
		return expected * self.p_alive(count, last, age)

	def expected_new(self, time: float) -> float:
		"""How many later purchases a new customer makes in the time after its first one."""
		return float(self.expected_purchases(time, [0], [0], [0])[0])

	def _while_alive(self, x: float, ahead: Any) -> Any:
		"""Purchases of customers that are still there; ahead: the time to come over alpha + T, one for each."""
		import numpy as np

		chance, weights = _beta_nodes(self.a, self.b + x)
		reach = ahead[:, None] * chance[None, :]
		# Where the chance is next to nothing it is the limit: (r + x) · ahead.
		bought = np.where(
			reach > 1e-12,
			-np.expm1(-(self.r + x) * np.log1p(reach)) / np.maximum(chance, 1e-300),
			(self.r + x) * ahead[:, None],
		)
		return bought @ weights


@dataclass(frozen=True)
class GammaGamma:
	"""The model of what a customer spends on an occasion.

	p, q, v: its parameters, v in money. likelihood: as in BgNbd.
	"""

	p: float
	q: float
	v: float
	likelihood: float | None = None

	def __post_init__(self) -> None:
		_check_parameters(p=self.p, q=self.q, v=self.v)

	@property
	def population_mean(self) -> float | None:
		"""What a customer of whom nothing is known spends; None where the mean is infinite (q of 1 or below)."""
		return self.p * self.v / (self.q - 1) if self.q > 1 else None

	def expected_spend(self, x: Any, mean: Any) -> Any:
		"""What each customer will spend on an occasion, that spent `mean` on each of `x` occasions.

		That of all customers where x is 0. Raises InputError where that mean is infinite, and for a mean of 0 or below.
		"""
		import numpy as np

		count, spent = _spending(x, mean)
		if self.population_mean is None and (count == 0).any():
			raise InputError("Of customers without later purchases the model tells no mean: it is infinite.")
		spent = np.where(count > 0, spent, 0.0)
		return self.p * (self.v + count * spent) / (self.p * count + self.q - 1)


def _beta_nodes(a: float, b: float) -> tuple[Any, Any]:
	"""Points between 0 and 1 and their weights, of sum 1, that stand for a beta distribution in an integral.

	Gauss-Jacobi by Golub and Welsch (Mathematics of Computation 23, 1969): the eigenvalues of the matrix of the
	polynomials' recurrence. (`scipy.special.roots_jacobi` scales its weights by a beta function, which overflows.)
	"""
	import numpy as np
	from scipy.linalg import eigh_tridiagonal  # type: ignore[import-untyped]

	low, high = b - 1, a - 1
	k = np.arange(1, NODES, dtype=float)
	both = 2 * k + low + high
	middle = np.concatenate(([(high - low) / (a + b)], (high - low) * (high + low) / (both * (both + 2))))
	beside = np.sqrt(k * (k + low) * (k + high) / both**2 / (both + 1))
	# For k = 1 the last factor is 1, also where a + b is 1 and both of its terms are 0.
	beside[1:] *= np.sqrt((k[1:] + low + high) / (both[1:] - 1))
	nodes, vectors = eigh_tridiagonal(middle, 2 * beside)
	return np.clip((1 + nodes) / 2, 0.0, 1.0), vectors[0] ** 2


# Fits


def fit_bg_nbd(x: Any, t_x: Any, T: Any) -> BgNbd | None:
	"""The most likely BG/NBD model of some customers; None where the likelihood has no maximum that can be found.

	There is none without any later purchase, or where all customers are of age 0. Customers that are alike are counted
	once, so that many cost little. Raises InputError for what no customer can have bought.
	"""
	import numpy as np

	count, last, age = _histories(x, t_x, T)
	if not len(count) or count.max() <= 0 or age.max() <= 0:
		return None
	unit = float(age.mean())
	grouped = _Grouped(count, last / unit, age / unit)
	rate = max(float(count.sum() / age.sum()) * unit, 1e-3)
	starts = [np.log([r, r / rate, a, b]) for r, a, b in ((0.5, 0.8, 2.5), (1.0, 0.1, 1.0), (0.2, 3.0, 30.0))]
	found = _most_likely(grouped.slope, starts, float(len(count)))
	if found is None:
		return None
	(r, alpha, a, b), loss = found
	# What was measured in units of time is likelier by the unit, for each later purchase.
	return BgNbd(r, alpha * unit, a, b, -loss - float(count.sum()) * math.log(unit))


def fit_gamma_gamma(x: Any, mean: Any) -> GammaGamma | None:
	"""The most likely Gamma-Gamma model of customers that spent `mean` on each of `x` later occasions; None without one.

	Customers without later purchases tell nothing and are left out. All that spend alike have no such model. Raises
	InputError for a mean of 0 or below.
	"""
	import numpy as np
	from scipy.special import digamma, gammaln

	count, spent = _spending(x, mean)
	spent, count = spent[count > 0], count[count > 0]
	if len(count) < 2 or np.ptp(spent) <= 1e-9 * spent.max():
		return None
	order = np.lexsort((spent, count))
	spent, count = spent[order], count[order]
	unit = float(spent.mean())
	scaled, logs = spent / unit, np.log(spent / unit)

	def slope(parameters: Any) -> tuple[float, Any]:
		p, q, v = np.exp(parameters)
		shape, whole = p * count, v + count * scaled
		each = (
			gammaln(shape + q)
			- gammaln(shape)
			- gammaln(q)
			+ q * math.log(v)
			+ (shape - 1) * logs
			+ shape * np.log(count)
			- (shape + q) * np.log(whole)
		)
		both = digamma(shape + q) - np.log(whole)
		slopes = (
			p * (count * (both - digamma(shape) + logs + np.log(count))).sum(),
			q * (both - digamma(q) + math.log(v)).sum(),
			(q - v * (shape + q) / whole).sum(),
		)
		return -float(each.sum()), -np.array(slopes)

	starts = [np.log(start) for start in ((2.0, 3.0, 1.0), (6.0, 4.0, 0.5), (1.0, 10.0, 9.0))]
	found = _most_likely(slope, starts, float(len(count)))
	if found is None:
		return None
	(p, q, v), loss = found
	return GammaGamma(p, q, v * unit, -loss - len(count) * math.log(unit))


def independence(x: Any, mean: Any) -> float | None:
	"""How what customers spend on an occasion goes with how often they buy: Spearman's rank correlation, −1 to 1.

	The Gamma-Gamma model needs it near 0. Only of customers with later purchases; None for fewer than three, or where
	one of the two is the same for all.
	"""
	import numpy as np
	from scipy.stats import spearmanr  # type: ignore[import-untyped]

	count, spent = _spending(x, mean)
	spent, count = spent[count > 0], count[count > 0]
	if len(count) < 3 or np.ptp(count) == 0 or np.ptp(spent) == 0:
		return None
	return float(spearmanr(count, spent).statistic)


def _most_likely(slope: Any, starts: Sequence[Any], cases: float) -> tuple[tuple[float, ...], float] | None:
	"""The parameters with the least loss, and the loss; None where no start leads to a place without slope.

	slope: loss and its slope by the logarithms of the parameters. A parameter at its bound has arrived there.
	"""
	import numpy as np
	from scipy.optimize import minimize  # type: ignore[import-untyped]

	def mean_slope(parameters: Any) -> tuple[float, Any]:
		with np.errstate(over="ignore", invalid="ignore"):
			loss, slopes = slope(parameters)
		if not (math.isfinite(loss) and np.isfinite(slopes).all()):
			return 1e10, np.zeros(len(parameters))
		return loss / cases, slopes / cases

	bounds = [(_LOWEST, _HIGHEST)] * len(starts[0])
	best: tuple[float, Any] | None = None
	for start in starts:
		found = minimize(
			mean_slope,
			np.clip(start, _LOWEST, _HIGHEST),
			jac=True,
			method="L-BFGS-B",
			bounds=bounds,
			options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7, "maxcor": 20},
		)
		loss, slopes = mean_slope(found.x)
		free = ~(((found.x <= _LOWEST) & (slopes > 0)) | ((found.x >= _HIGHEST) & (slopes < 0)))
		arrived = loss < 1e9 and (not free.any() or float(np.abs(slopes[free]).max()) < _STEEP)
		if arrived and (best is None or loss < best[0] - 1e-12):
			best = loss, found.x
		if arrived and cases > MANY:
			break
	if best is None:
		return None
	return tuple(float(number) for number in np.exp(best[1])), best[0] * cases


class _Grouped:
	"""Customers, those that are alike counted once, and each number once whose logarithm is asked for."""

	def __init__(self, count: Any, last: Any, age: Any) -> None:
		import numpy as np

		rows, self._place, self.many = np.unique(
			np.column_stack([count, last, age]), axis=0, return_inverse=True, return_counts=True
		)
		self._place = self._place.ravel()
		self.counts, self._of_count = np.unique(rows[:, 0], return_inverse=True)
		self.lasts, self._of_last = np.unique(rows[:, 1], return_inverse=True)
		self.ages, self._of_age = np.unique(rows[:, 2], return_inverse=True)
		self.again = rows[:, 0] > 0
		self.x = rows[:, 0]

	def spread(self, each: Any) -> Any:
		"""What is told of each different customer, for all of them."""
		return each[self._place]

	def _parts(self, r: float, alpha: float, a: float, b: float) -> tuple[Any, Any, Any]:
		"""Logarithms of how likely it is what each bought (A1 · A2), that it is still there (A3) and that it is gone (A4)."""
		import numpy as np
		from scipy.special import gammaln

		x = self.counts
		bought = gammaln(r + x) - gammaln(r) + r * math.log(alpha)
		bought = bought + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
		there = -(r + self.x) * np.log(alpha + self.ages)[self._of_age]
		gone = math.log(a) - np.log(b + np.maximum(self.x, 1) - 1)
		gone = gone - (r + self.x) * np.log(alpha + self.lasts)[self._of_last]
		return bought[self._of_count], there, np.where(self.again, gone, -np.inf)

	def log_likelihood(self, r: float, alpha: float, a: float, b: float) -> Any:
		"""Of each different customer."""
		import numpy as np

		bought, there, gone = self._parts(r, alpha, a, b)
		return bought + np.logaddexp(there, gone)

	def slope(self, parameters: Any) -> tuple[float, Any]:
		"""Less the log-likelihood of all, and its slope by the logarithms of the parameters."""
		import numpy as np
		from scipy.special import digamma, expit

		r, alpha, a, b = (float(number) for number in np.exp(parameters))
		bought, there, gone = self._parts(r, alpha, a, b)
		is_there = np.where(self.again, expit(there - gone), 1.0)
		is_gone = 1.0 - is_there
		x = self.counts
		by_r = (digamma(r + x) - digamma(r) + math.log(alpha))[self._of_count]
		by_r = by_r - is_there * np.log(alpha + self.ages)[self._of_age]
		by_r = by_r - is_gone * np.log(alpha + self.lasts)[self._of_last]
		by_alpha = r / alpha - is_there * (r + self.x) / (alpha + self.ages)[self._of_age]
		by_alpha = by_alpha - is_gone * (r + self.x) / (alpha + self.lasts)[self._of_last]
		whole = digamma(a + b) - digamma(a + b + x)
		by_a = whole[self._of_count] + is_gone / a
		by_b = (whole + digamma(b + x) - digamma(b))[self._of_count]
		by_b = by_b - is_gone / (b + np.maximum(self.x, 1) - 1)
		slopes = (
			r * (self.many * by_r).sum(),
			alpha * (self.many * by_alpha).sum(),
			a * (self.many * by_a).sum(),
			b * (self.many * by_b).sum(),
		)
		each = bought + np.logaddexp(there, gone)
		return -float((self.many * each).sum()), -np.array(slopes)


# What may be asked


def _check_parameters(**parameters: float) -> None:
	for name, number in parameters.items():
		if not (math.isfinite(number) and number > 0):
			raise InputError(f"The parameter {name} must be above 0, not {number:g}.")


def _histories(x: Any, t_x: Any, T: Any) -> tuple[Any, Any, Any]:
	import numpy as np

	count, last, age = (np.asarray(each, dtype=float).ravel() for each in (x, t_x, T))
	if not len(count) == len(last) == len(age):
		raise InputError(
			f"There are {len(count)} numbers of purchases, {len(last)} last ones and {len(age)} ages."
		)
	if not all(np.isfinite(each).all() for each in (count, last, age)):
		raise InputError("Purchases, their last and the age of a customer must be known.")
	if (count < 0).any() or (count % 1 != 0).any():
		raise InputError("The number of later purchases must be a whole number, 0 or more.")
	if (last < 0).any() or (last > age).any() or ((count == 0) & (last != 0)).any():
		raise InputError(
			"The last later purchase must lie between the first purchase and now, and be 0 where there is none."
		)
	return count, last, age


def _spending(x: Any, mean: Any) -> tuple[Any, Any]:
	import numpy as np

	count, spent = np.asarray(x, dtype=float).ravel(), np.asarray(mean, dtype=float).ravel()
	if len(count) != len(spent):
		raise InputError(f"There are {len(count)} numbers of purchases and {len(spent)} means.")
	if (~np.isfinite(count)).any() or (count < 0).any():
		raise InputError("The number of later purchases must be 0 or more.")
	told = count > 0
	if (~np.isfinite(spent[told])).any() or (spent[told] <= 0).any():
		raise InputError("What is spent on an occasion must be above 0.")
	return count, spent
