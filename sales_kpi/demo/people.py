"""Who sells: salespeople in their tree, users and employees, who slips, who left, whom nobody can map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sales_kpi.demo import names
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.frames import Frames
from sales_kpi.demo.season import LEAVE_DAYS, NEVER, Season

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COMPANIES = ("Alpha Trading", "Beta Services")
ABBREVIATIONS = ("AT", "BS")
CURRENCIES = ("EUR", "USD")
ROOT = "Sales Team"
SLOW_TEAM = 1  # South takes long to quote
KEY_TEAM = 2  # Key Accounts: fewer, larger deals
DOMAIN = "alpha.example"


class Staff:
	"""The salespeople by number (0 is the strongest seller), and the other users after them."""

	def __init__(self, company: DemoCompany, season: Season) -> None:
		"""Hire them."""
		self.company = company
		self.season = season
		count = company.salespeople
		known = names.people(count)
		self.names = [name for name, _ in known]
		self.teams = names.teams(company.teams)
		self.users = [f"{address}@{DOMAIN}" for _, address in known]
		numbers = np.arange(count)
		self.team = numbers % company.teams
		# Every sixth salesperson sells for the small company; of fewer than six, the last.
		self.employer = (
			np.where(numbers % 6 == 5, 1, 0) if count >= 6 else np.where(numbers == count - 1, 1, 0)
		)
		self.weight = 1.0 / (numbers + 1.5) ** 0.55
		self.slipper = min(3, count - 1) if self.employer[min(3, count - 1)] == 0 else 0
		self.leaver = 4 if count >= 8 and not company.young else -1
		self.heir = 1
		self.leave_day = season.days - LEAVE_DAYS
		# Users without an Employee: the settings map the first to a salesperson, nothing maps the others.
		self.mapped_user = count
		self.unmapped_users = [count + 1, count + 2]
		self.clerk = count + 3
		self.users += [f"{desk}@{DOMAIN}" for desk in ("export.desk", "web.desk", "trainee", "accounts")]

	def draw(self, rng: np.random.Generator, employers: Ints) -> Ints:
		"""One salesperson of each employer, the strong ones more often."""
		drawn = np.zeros(len(employers), dtype=np.int64)
		for employer in range(len(COMPANIES)):
			members = np.flatnonzero(self.employer == employer)
			if not len(members):
				members = np.arange(len(self.names))
			chosen = employers == employer
			weights = self.weight[members] / self.weight[members].sum()
			drawn[chosen] = rng.choice(members, size=int(chosen.sum()), p=weights)
		return drawn

	def on_duty(self, person: Ints, day: Ints) -> Ints:
		"""Who does it on that day: the leaver's work goes to the heir."""
		return np.where((person == self.leaver) & (day > self.leave_day), self.heir, person)

	def strength(self, person: Ints, day: Ints) -> Floats:
		"""1, less for the slipping salesperson of late."""
		return np.where(person == self.slipper, self.season.slipping(day), 1.0)

	def colleagues(self, rng: np.random.Generator, person: Ints) -> Ints:
		"""Another salesperson each, of the same employer where there is one."""
		other = np.empty(len(person), dtype=np.int64)
		everybody = np.arange(len(self.names))
		for one in np.unique(person).tolist():
			near = everybody[(self.employer == self.employer[one]) & (everybody != one)]
			far = everybody[everybody != one]
			chosen = person == one
			other[chosen] = rng.choice(near if len(near) else far, size=int(chosen.sum()))
		return other


def frames(company: DemoCompany, staff: Staff, make: Frames) -> Iterator[tuple[str, pd.DataFrame]]:
	"""User, Employee, Sales Person."""
	count = len(staff.names)
	full_names = [*staff.names, "Export Desk", "Web Desk", "Trainee", "Accounts"]
	first = [name.split()[0] for name in full_names]
	last = [name.split()[-1] for name in full_names]
	yield make.make(
		"User",
		len(staff.users),
		name=texts(staff.users),
		email=texts(staff.users),
		full_name=texts(full_names),
		first_name=texts(first),
		last_name=texts(last),
		enabled=1,
		user_type="System User",
	)
	left = np.arange(count) == staff.leaver
	if company.site_kind != "no-employees":
		yield make.make(
			"Employee",
			count,
			name=texts([f"HR-EMP-{i + 1:05d}" for i in range(count)]),
			employee_name=texts(staff.names),
			first_name=texts(first[:count]),
			last_name=texts(last[:count]),
			user_id=texts(staff.users[:count]),
			company=texts([COMPANIES[employer] for employer in staff.employer]),
			status=np.where(left, "Left", "Active"),
			date_of_joining=-400,
			relieving_date=np.where(left, staff.leave_day, NEVER),
			holiday_list="Working Days",
			lft=np.arange(count) * 2 + 1,
			rgt=np.arange(count) * 2 + 2,
		)
	parents: list[tuple[str, str | None]] = [(ROOT, None)]
	parents += [(team, ROOT) for team in staff.teams]
	parents += [(name, staff.teams[staff.team[i]]) for i, name in enumerate(staff.names)]
	tree = nested_set(parents)
	number = {name: i for i, name in enumerate(staff.names)}
	hired = company.site_kind != "no-employees"
	employees = [
		f"HR-EMP-{number[name] + 1:05d}" if hired and name in number else None for name in tree.names
	]
	yield make.make(
		"Sales Person",
		len(tree.names),
		name=texts(tree.names),
		sales_person_name=texts(tree.names),
		parent_sales_person=texts(tree.parents),
		is_group=np.array([name not in number for name in tree.names]),
		# The leaver stays enabled: version 16 refuses returns of invoices that name a disabled one.
		enabled=1,
		employee=texts(employees),
		lft=tree.lft,
		rgt=tree.rgt,
	)


@dataclass
class Tree:
	"""A nested set in the order of `lft`: names, parents, the two numbers that enclose all descendants."""

	names: list[str]
	parents: list[str | None]
	lft: Ints
	rgt: Ints


def nested_set(parents: list[tuple[str, str | None]]) -> Tree:
	"""Number the tree given as (name, parent); children keep their order."""
	children: dict[str | None, list[str]] = {}
	for name, parent in parents:
		children.setdefault(parent, []).append(name)
	order: list[tuple[str, str | None, int]] = []
	right: dict[str, int] = {}
	count = 0

	def visit(name: str, parent: str | None) -> None:
		nonlocal count
		count += 1
		order.append((name, parent, count))
		for child in children.get(name, []):
			visit(child, name)
		count += 1
		right[name] = count

	for root in children[None]:
		visit(root, None)
	return Tree(
		[name for name, _, _ in order],
		[parent for _, parent, _ in order],
		np.array([left for _, _, left in order], dtype=np.int64),
		np.array([right[name] for name, _, _ in order], dtype=np.int64),
	)


def texts(values: Sequence[str | None]) -> NDArray[np.object_]:
	"""Strings as an array of objects."""
	return np.array([*values, None], dtype=object)[:-1]
