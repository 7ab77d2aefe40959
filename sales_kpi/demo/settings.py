"""The settings that fit the demo company."""

from __future__ import annotations

import json

from sales_kpi.demo import names
from sales_kpi.demo.company import DemoCompany
from sales_kpi.demo.history import WALK_IN
from sales_kpi.demo.ledger import ACQUISITION_ACCOUNTS, PAID_CHANNELS
from sales_kpi.demo.people import ABBREVIATIONS, Staff
from sales_kpi.demo.season import Season


def settings(company: DemoCompany) -> str:
	"""TOML text: periods in days, accounts, cost centers, names that aren't one customer, user mapping.

	A company without employees maps no user: its users can't be mapped to salespeople at all.
	"""
	season = Season(company)
	staff = Staff(company, season)
	accounts = [f"{account} - {abbr}" for abbr in ABBREVIATIONS for account in ACQUISITION_ACCOUNTS]
	text = [
		"churn_after_days = 180",
		"conversion_window_days = 90",
		f"acquisition_accounts = {_quote(accounts)}",
		f"not_one_customer = {_quote([WALK_IN])}",
		"",
		"[cost_center_sales_person]",
	]
	for person, employer in zip(staff.names, staff.employer.tolist(), strict=True):
		text.append(f"{_quote(f'{person} - {ABBREVIATIONS[employer]}')} = {_quote(person)}")
	text += ["", "[cost_center_source]"]
	channels = [channel for channel in names.sources(company.sources) if channel in PAID_CHANNELS]
	for abbr in ABBREVIATIONS:
		text += [f"{_quote(f'{channel} - {abbr}')} = {_quote(channel)}" for channel in channels]
	if company.site_kind != "no-employees":
		text += [
			"",
			"[[mapping]]",
			f"user = {_quote(staff.users[staff.mapped_user])}",
			f"sales_person = {_quote(staff.names[0])}",
			f"from = {company.start.isoformat()}",
		]
	return "\n".join(text) + "\n"


def _quote(value: str | list[str]) -> str:
	"""A TOML string or list of strings: JSON's notation is valid TOML."""
	return json.dumps(value, ensure_ascii=False)
