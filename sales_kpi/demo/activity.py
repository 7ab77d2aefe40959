"""What salespeople do and customers say: calls, meetings, mails, feedback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sales_kpi.demo.frames import Frames, Pick, chunks, masked
from sales_kpi.demo.history import History
from sales_kpi.demo.lines import SALTS, Floats, Ints, Objects
from sales_kpi.demo.names import row_names
from sales_kpi.demo.season import NEVER

Rows = Iterator[tuple[str, pd.DataFrame]]

# How many of each there are per invoice.
CALLS, EVENTS, MAILS, FEEDBACKS = 0.6, 0.18, 0.7, 0.05
PARAMETERS = ["Product quality", "Delivery", "Advice"]
TEMPLATE = "After Sales"


def activities(history: History, make: Frames) -> Rows:
	"""Call Log, Event, Event Participants, Communication, Quality Feedback and its parameters."""
	total = history.company.invoice_count
	yield from _calls(history, make, round(CALLS * total))
	yield from _events(history, make, round(EVENTS * total))
	yield from _mails(history, make, round(MAILS * total))
	yield from _feedback(history, make, max(8, round(FEEDBACKS * total)))


def _who_when(history: History, rng: np.random.Generator, count: int) -> tuple[Ints, Ints, Ints, Ints]:
	"""Day (ascending), second of the day, salesperson and user: few belong to users without Employee."""
	staff = history.staff
	day = np.sort(history.season.sales_days(rng, np.zeros(count, np.int64), np.full(count, history.last)))
	employer = (rng.random(count) < 0.15).astype(np.int64)
	person = staff.on_duty(staff.draw(rng, employer), day)
	# Who slips also calls less: somebody else made that call.
	idle = rng.random(count) > staff.strength(person, day)
	person = np.where(idle, staff.on_duty(staff.draw(rng, employer), day), person)
	second = rng.integers(8 * 3600, 17 * 3600, count)
	user = np.where(rng.random(count) < 0.03, staff.unmapped_users[1], person)
	return day, second, person, user


def _customers(history: History, rng: np.random.Generator, day: Ints) -> Ints:
	"""A customer each, who was one on that day where possible."""
	count = history.company.customer_count
	drawn = rng.integers(0, count, len(day))
	again = rng.integers(0, count, len(day))
	return np.where(history.customers.born[drawn] <= day, drawn, again)


def _calls(history: History, make: Frames, count: int) -> Rows:
	"""Call Log; only incoming calls name the employee's user."""
	rng = np.random.default_rng([history.company.seed, 400])
	day, second, person, user = _who_when(history, rng, count)
	statuses = ["Completed", "No Answer", "Busy", "Failed"]
	for part in chunks(count):
		number = np.arange(part.start, part.stop)
		size = len(number)
		incoming = rng.random(size) < 0.35
		status = rng.choice(4, size=size, p=[0.76, 0.16, 0.05, 0.03])
		duration = np.where(status == 0, np.minimum(5 + rng.lognormal(5.3, 0.9, size), 5400.0).round(), 0.0)
		# Some telephone systems report no duration.
		duration = np.where(rng.random(size) < 0.04, 0.0, duration)
		start = day[part] * 86400 + second[part]
		customer = _customers(history, rng, day[part])
		phone = _phones(rng, size)
		name = row_names(number, SALTS["Call Log"])
		inside = np.array(
			[f"+49 30 555 {i:02d}" for i in (person[part] % 100).tolist()] + [None], dtype=object
		)[:-1]
		owner = Pick(history.staff.users, user[part])
		yield make.make(
			"Call Log",
			size,
			name=name,
			id=name,
			owner=Pick(history.staff.users, np.where(incoming, history.staff.clerk, user[part])),
			creation=start,
			**{"from": np.where(incoming, phone, inside), "to": np.where(incoming, inside, phone)},
			type=Pick(["Outgoing", "Incoming"], incoming),
			status=Pick(statuses, status),
			duration=duration,
			start_time=start,
			end_time=start + duration.astype(np.int64),
			employee_user_id=Pick(owner.values, np.where(incoming, user[part], -1)),
			customer=masked(rng.random(size) < 0.8, history.customers.name[customer]),
		)


def _events(history: History, make: Frames, count: int) -> Rows:
	"""Event with participants, for each of which ERPNext writes a Communication; some lie in the future."""
	rng = np.random.default_rng([history.company.seed, 401])
	day, second, _, user = _who_when(history, rng, count)
	planned = min(20, count // 10)
	if planned:
		day[-planned:] = history.season.working(history.last + 1 + rng.integers(0, 40, planned))
	categories, statuses = ["Meeting", "Call", "Event"], ["Open", "Completed", "Closed", "Cancelled"]
	for part in chunks(count):
		number = np.arange(part.start, part.stop)
		size = len(number)
		category = rng.choice(3, size=size, p=[0.62, 0.26, 0.12])
		start = day[part] * 86400 + second[part] // 900 * 900
		length = rng.choice([900, 1800, 3600, 5400, 7200], size=size, p=[0.15, 0.25, 0.35, 0.15, 0.1])
		status = np.where(day[part] > history.last, 0, rng.choice(4, size=size, p=[0.3, 0.45, 0.15, 0.1]))
		name = np.array([f"EV{i + 1:05d}" for i in number.tolist()] + [None], dtype=object)[:-1]
		creation = np.minimum(start, history.last * 86400 + 61_200) - 86400
		customer = _customers(history, rng, day[part])
		subject = Pick(["Visit", "Phone call", "Trade day"], category)
		yield make.make(
			"Event",
			size,
			name=name,
			owner=Pick(history.staff.users, user[part]),
			creation=creation,
			subject=subject,
			event_category=Pick(categories, category),
			event_type="Private",
			starts_on=start,
			ends_on=np.where(rng.random(size) < 0.12, NEVER, start + length),
			status=Pick(statuses, status),
		)
		together = np.flatnonzero(rng.random(size) < 0.6)
		party = history.customers.name[customer[together]]
		yield make.make(
			"Event Participants",
			len(together),
			name=row_names(number[together], SALTS["Event Participants"]),
			parent=name[together],
			parenttype="Event",
			parentfield="event_participants",
			idx=1,
			creation=creation[together],
			reference_doctype="Customer",
			reference_docname=party,
		)
		yield make.make(
			"Communication",
			len(together),
			name=row_names(number[together], SALTS["Communication"]),
			owner=Pick(history.staff.users, user[part][together]),
			creation=creation[together],
			subject=Pick(subject.values, category[together]),
			communication_medium=Pick(["Meeting", "Phone", "Event"], category[together]),
			communication_type="Communication",
			sent_or_received="Sent",
			communication_date=start[together],
			sender=Pick(history.staff.users, user[part][together]),
			reference_doctype="Event",
			reference_name=name[together],
			user=Pick(history.staff.users, user[part][together]),
			status="Linked",
		)


def _mails(history: History, make: Frames, count: int) -> Rows:
	"""Communication: mails about the chain's documents, answers, automatic ones, a few phone calls."""
	rng = np.random.default_rng([history.company.seed, 402])
	day, second, _, user = _who_when(history, rng, count)
	staff = history.staff
	full_names = [*staff.names, "Export Desk", "Web Desk", "Trainee", "Accounts"]
	# Mail programs write addresses in several ways.
	plain = staff.users
	named = [f"{name} <{address}>" for name, address in zip(full_names, staff.users, strict=True)]
	upper = [address.title() for address in staff.users]
	senders = [*plain, *named, *upper, "somebody@customer.example"]
	offset = len(plain)
	doctypes = ["Lead", "Opportunity", "Quotation", "Customer", "Email Campaign", "Sales Invoice"]
	for part in chunks(count):
		number = np.arange(part.start, part.stop)
		size = len(number)
		kind = rng.choice(4, size=size, p=[0.60, 0.28, 0.06, 0.06])  # sent, received, automatic, phone
		doctype = rng.choice(6, size=size, p=[0.25, 0.27, 0.18, 0.2, 0.04, 0.06])
		style = rng.choice(3, size=size, p=[0.7, 0.2, 0.1])
		sender = np.where(kind == 1, len(senders) - 1, user[part] + style * offset)
		start = day[part] * 86400 + second[part]
		reference = _references(history, rng, doctype, day[part])
		yield make.make(
			"Communication",
			size,
			name=row_names(number + 2**26, SALTS["Communication"]),
			creation=start,
			owner=Pick(staff.users, user[part]),
			subject="Your inquiry",
			communication_date=start,
			communication_medium=Pick(["Email", "Phone"], kind == 3),
			communication_type=Pick(["Communication", "Automated Message"], kind == 2),
			sent_or_received=Pick(["Sent", "Received"], kind == 1),
			sender=Pick(senders, sender),
			recipients="somebody@customer.example",
			reference_doctype=Pick(doctypes, doctype),
			reference_name=reference,
			user=Pick(staff.users, user[part]),
			status="Linked",
		)


def _references(history: History, rng: np.random.Generator, doctype: Ints, day: Ints) -> Objects:
	"""The document that each mail is about: one that existed on that day where there is any."""
	reference = np.full(len(doctype), None, dtype=object)
	chain: list[tuple[Any, Ints]] = [
		(history.lead_names.of, history.leads.day),
		(history.opportunity_names.of, history.opportunities.day),
		(history.quotation_names.of, history.quotations.day),
	]
	for code, (name_of, days) in enumerate(chain):
		chosen = np.flatnonzero(doctype == code)
		if not len(days):
			doctype[chosen] = 3
			continue
		known = np.searchsorted(days, day[chosen], side="right")
		# About something recent: the last few hundred documents of that day.
		at = known - 1 - (rng.random(len(chosen)) ** 2 * np.minimum(known, 300)).astype(np.int64)
		reference[chosen] = name_of(np.clip(at, 0, len(days) - 1))
	chosen = np.flatnonzero(doctype == 3)
	reference[chosen] = history.customers.name[_customers(history, rng, day[chosen])]
	chosen = np.flatnonzero(doctype == 4)
	reference[chosen] = "MAIL-CAMP-2025-00001"
	chosen = np.flatnonzero(doctype == 5)
	known = np.searchsorted(history.invoices.day, day[chosen], side="right")
	reference[chosen] = history.invoice_name(np.maximum(known - 1, 0))
	return reference


def _feedback(history: History, make: Frames, count: int) -> Rows:
	"""Quality Feedback; in every eighth form nobody touched the ratings, which ERPNext sets to 1."""
	rng = np.random.default_rng([history.company.seed, 403])
	day, second, _, _ = _who_when(history, rng, count)
	customers, staff = history.customers, history.staff
	for part in chunks(count):
		number = np.arange(part.start, part.stop)
		size = len(number)
		customer = _customers(history, rng, day[part])
		about_user = rng.random(size) < 0.04
		untouched = rng.random(size) < 0.12
		creation = day[part] * 86400 + second[part]
		name = np.array([f"FDB-{i + 1:05d}" for i in number.tolist()] + [None], dtype=object)[:-1]
		yield make.make(
			"Quality Feedback",
			size,
			name=name,
			creation=creation,
			template=TEMPLATE,
			document_type=Pick(["Customer", "User"], about_user),
			document_name=np.where(
				about_user, np.array(staff.users, dtype=object)[0], customers.name[customer]
			),
		)
		mood: Floats = rng.normal(4.35, 0.65, size)
		# The slipping salesperson's customers are less and less pleased, the slow team's a little less.
		mood -= 1.6 * (1.0 - staff.strength(customers.person[customer], day[part]))
		mood -= 0.25 * (staff.team[customers.person[customer]] == 1)
		form = np.repeat(np.arange(size), len(PARAMETERS))
		row = np.tile(np.arange(len(PARAMETERS)), size)
		rating = np.clip(np.round(mood[form] + rng.normal(0.0, 0.5, len(form))), 1, 5).astype(np.int64)
		rating = np.where(untouched[form], 1, rating)
		yield make.make(
			"Quality Feedback Parameter",
			len(form),
			parent=name[form],
			parenttype="Quality Feedback",
			name=row_names(number[form] * 4 + row, SALTS["Quality Feedback Parameter"]),
			parentfield="parameters",
			idx=row + 1,
			creation=creation[form],
			parameter=Pick(PARAMETERS, row),
			rating=Pick(["1", "2", "3", "4", "5"], rating - 1),
		)


def _phones(rng: np.random.Generator, count: int) -> Objects:
	"""Telephone numbers of customers."""
	made = [f"+49 1{value:09d}" for value in rng.integers(0, 10**9, count).tolist()]
	return np.array([*made, None], dtype=object)[:-1]
