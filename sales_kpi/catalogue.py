"""All facts, KPIs and analyses: the app's own, and the facts and KPIs that other packages add.

Outside Frappe a package adds its modules by an entry point of the group `sales_kpi_modules` (the value is the package
that holds the modules); a Frappe app does so by the hook of the same name, whose values are given to `extend`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from sales_kpi.errors import InputError
from sales_kpi.facts.reading.fact import Fact
from sales_kpi.kpis.definition import Kpi

if TYPE_CHECKING:
	from sales_kpi.analysis.inquiry import Analysis

OWN_PACKAGES = ("sales_kpi.facts", "sales_kpi.kpis")
ENTRY_POINTS = "sales_kpi_modules"

_added: ContextVar[tuple[str, ...]] = ContextVar("added", default=())


def extend(packages: Iterable[str]) -> None:
	"""Let the catalogue hold the facts and KPIs of these other packages besides the app's own, and of no others.

	Packages are named by their import paths. It holds for the present thread of work: a bench serves sites that have
	different apps installed.
	"""
	_added.set(tuple(dict.fromkeys(packages)))


def facts() -> dict[str, Fact]:
	"""All facts by name."""
	return _found(_packages())[0]


def kpis() -> dict[str, Kpi]:
	"""All KPIs by name, the app's own first."""
	return _found(_packages())[1]


def kpi(name: str) -> Kpi:
	"""The KPI with a name; an InputError with the nearest names when there is none."""
	known = kpis()
	if name not in known:
		near = get_close_matches(name, known, n=3, cutoff=0.4)
		if not near:
			raise InputError("There is no KPI {name}. `sales-kpi kpis` lists them.", name=repr(name))
		meant = " or ".join(near)
		raise InputError("There is no KPI {name}. Did you mean {meant}?", name=repr(name), meant=meant)
	return known[name]


def analyses() -> dict[str, Analysis]:
	"""All analyses by name: the modules of `sales_kpi.analysis` that hold one."""
	return _found_analyses()


def analysis(name: str) -> Analysis:
	"""The analysis with a name; an InputError with the nearest names when there is none."""
	known = analyses()
	if name not in known:
		near = get_close_matches(name, known, n=3, cutoff=0.4)
		if not near:
			some = ", ".join(known)
			raise InputError("There is no analysis {name}. There are: {some}.", name=repr(name), some=some)
		meant = " or ".join(near)
		raise InputError("There is no analysis {name}. Did you mean {meant}?", name=repr(name), meant=meant)
	return known[name]


@lru_cache(maxsize=1)
def _found_analyses() -> dict[str, Analysis]:
	found = (getattr(module, "ANALYSIS", None) for module in _modules(["sales_kpi.analysis"]))
	return {analysis.name: analysis for analysis in found if analysis is not None}


def _packages() -> tuple[str, ...]:
	"""Import paths of all packages that are searched."""
	return tuple(dict.fromkeys((*OWN_PACKAGES, *_by_entry_points(), *_added.get())))


@lru_cache(maxsize=1)
def _by_entry_points() -> tuple[str, ...]:
	return tuple(point.value for point in entry_points(group=ENTRY_POINTS))


@lru_cache(maxsize=16)
def _found(packages: tuple[str, ...]) -> tuple[dict[str, Fact], dict[str, Kpi]]:
	found_facts: dict[str, Fact] = {}
	found_kpis: dict[str, Kpi] = {}
	for module in _modules(packages):
		fact, definition = getattr(module, "FACT", None), getattr(module, "KPI", None)
		if isinstance(fact, Fact):
			_add(found_facts, fact.name, fact, module)
		if isinstance(definition, Kpi):
			_add(found_kpis, definition.name, definition, module)
	for definition in found_kpis.values():
		for name in definition.formula.facts():
			if name not in found_facts:
				raise InputError(f"The KPI {definition.name} asks for a fact {name!r} that doesn't exist.")
	return found_facts, dict(sorted(found_kpis.items(), key=_place))


def _add(found: dict[str, Fact] | dict[str, Kpi], name: str, thing: Fact | Kpi, module: ModuleType) -> None:
	if name in found:
		raise InputError(f"{module.__name__} defines {name!r}, which exists already: give it another name.")
	found[name] = thing  # type: ignore[assignment]


def _modules(packages: Iterable[str]) -> Iterator[ModuleType]:
	for name in packages:
		package = importlib.import_module(name)
		yield package
		for found in pkgutil.iter_modules(getattr(package, "__path__", ())):
			yield importlib.import_module(f"{name}.{found.name}")


ORDER = (
	"sales_volume",
	"deals",
	"average_deal_value",
	"gross_margin",
	"bookings",
	"orders",
	"average_order_value",
	"quote_to_order_rate",
	"lead_conversion_rate",
	"win_rate",
	"sales_cycle",
	"opportunity_cycle",
	"customer_lifetime_value",
	"new_customers",
	"customer_acquisition_cost",
	"clv_to_cac",
	"churn_rate",
	"repeat_rate",
	"customer_satisfaction",
	"calls",
	"meetings",
	"emails",
	"average_call_duration",
	"first_response_time",
	"pipeline_value",
	"pipeline_velocity",
)
"""The order in which people read the KPIs: what was sold, what came of it, the customers, the work, what is to come."""


def _place(item: tuple[str, Kpi]) -> tuple[int, str]:
	name = item[0]
	return (ORDER.index(name) if name in ORDER else len(ORDER), name)
