"""Where scopes stand in a table, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frappe import _

from sales_kpi.analysis.masters import Node
from sales_kpi.analysis.values import Value
from sales_kpi.kpis.definition import By
from sales_kpi.site.answers import Asker
from sales_kpi.site.report import scope_label

TREES = (By.TEAM, By.TERRITORY)


@dataclass(frozen=True)
class Place:
	"""Where a scope stands in the table, and what it is called there."""

	label: str
	indent: int = 0


def key_of(value: Value) -> tuple[str, str]:
	"""What a figure is given for: kind and name of the scope."""
	return value["by"], value["scope"]


def places_of(asker: Asker, by: By, values: Sequence[Value]) -> dict[tuple[str, str], Place]:
	"""Where each scope stands, in the order of the table."""
	present = dict.fromkeys(key_of(value) for value in values)
	if by is By.TEAM:
		placed = _of_teams(asker.masters.salespeople, present)
	elif by is By.TERRITORY:
		placed = _of_territories(asker.masters.territories, present)
	else:
		placed = {}
	for key in present:
		placed.setdefault(key, Place(_flat_label(asker, *key)))
	return placed


def _of_teams(
	tree: Mapping[str, Node], present: Mapping[tuple[str, str], Any]
) -> dict[tuple[str, str], Place]:
	"""Teams with their members below them; what a team's own node is credited stands among the members."""
	team, person = By.TEAM.value, By.SALES_PERSON.value
	placed: dict[tuple[str, str], Place] = {}
	for name, node in tree.items():
		depth = sum(1 for above in _above(tree, node) if (team, above) in present)
		if (team, name) in present:
			placed[team, name] = Place(name, depth)
			depth += 1
		if (person, name) in present:
			placed[person, name] = Place(_directly(name) if node.is_group else name, depth)
	return placed


def _of_territories(
	tree: Mapping[str, Node], present: Mapping[tuple[str, str], Any]
) -> dict[tuple[str, str], Place]:
	kind = By.TERRITORY.value
	return {
		(kind, name): Place(name, sum(1 for above in _above(tree, node) if (kind, above) in present))
		for name, node in tree.items()
		if (kind, name) in present
	}


def _above(tree: Mapping[str, Node], node: Node) -> Iterator[str]:
	return (other.name for other in tree.values() if other is not node and other.holds(node))


def _flat_label(asker: Asker, by: str, scope: str) -> str:
	node = asker.masters.salespeople.get(scope) if by == By.SALES_PERSON.value else None
	return _directly(scope) if node is not None and node.is_group else scope_label(scope)


def _directly(name: str) -> str:
	return str(_("{0} (directly)").format(name))
