"""Answers as tables for people at a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TextIO

from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Every, Period

if TYPE_CHECKING:
	from rich.console import Console
	from rich.text import Text

	from sales_kpi.analysis.documents import DocumentList
	from sales_kpi.analysis.inquiry import Analysis
	from sales_kpi.analysis.masters import Masters, Node
	from sales_kpi.analysis.outcome import Cell, Kind, Note, Outcome
	from sales_kpi.analysis.quality import Check
	from sales_kpi.analysis.values import Question, Value


# For people: single values


UNASSIGNED = "(unassigned)"
MISSING = "–"
SCOPE_TITLES = {
	By.COMPANY: "company",
	By.SALES_PERSON: "salesperson",
	By.TEAM: "team",
	By.TERRITORY: "territory",
	By.SOURCE: "source",
}


def printable(text: str) -> str:
	"""A text without control characters, which could do anything to a terminal."""
	return re.sub(r"[\x00-\x1f\x7f-\x9f]", "�", text)


def _named(scope: str) -> str:
	return printable(scope) if scope else UNASSIGNED


def _number(value: float, decimals: int) -> str:
	text = f"{value:,.{decimals}f}"
	if text.strip("-0.,") == "":
		text = text.lstrip("-")
	return text.replace("-", "−")


def duration(seconds: float) -> str:
	sign, whole = ("−" if seconds < 0 else ""), round(abs(seconds))
	if whole < 60:
		return f"{sign}{whole} s"
	if whole < 3600:
		return f"{sign}{whole // 60}m {whole % 60:02}s"
	if whole < 48 * 3600:
		return f"{sign}{whole // 3600}h {whole % 3600 // 60:02}m"
	return f"{sign}{whole // 86400}d {whole % 86400 // 3600:02}h"


def _decimals(unit: Unit, values: Iterable[float]) -> int:
	"""As few as show the figures of one KPI, the same for all of them."""
	known = [abs(value) for value in values]
	largest = max(known, default=0.0)
	if unit in (Unit.PERCENT, Unit.DAYS):
		return 0 if unit is Unit.DAYS and all(value == round(value) for value in known) else 1
	if unit is Unit.RATIO:
		return 2 if largest < 10 else 1
	if all(abs(value - round(value)) < 0.005 for value in known) or largest >= (
		1e3 if unit.is_money else 1e4
	):
		return 0
	tenths = all(abs(value * 10 - round(value * 10)) < 0.05 for value in known)
	return 1 if not unit.is_money and (tenths or largest >= 100) else 2


def _shown(value: float, unit: Unit, decimals: int) -> str:
	if unit is Unit.PERCENT:
		return f"{_number(value * 100, decimals)} %"
	if unit is Unit.SECONDS:
		return duration(value)
	return _number(value, decimals)


def _unit_title(unit: Unit, currency: str | None) -> str:
	"""What a KPI's title needs beside it, so that its cells hold nothing but numbers."""
	if unit is Unit.CURRENCY_PER_DAY:
		return f"{currency or 'currency'} per day"
	if unit is Unit.CURRENCY:
		return currency or ""
	return "days" if unit is Unit.DAYS else ""


# For people: tables


def console_on(stream: TextIO) -> Console:
	"""A console that writes to a stream, and takes nothing in a text for markup."""
	from rich.console import Console

	return Console(file=stream, markup=False, highlight=False, emoji=False)


@dataclass
class Column:
	"""A column of figures: its title, line by line, whether its figures are final, and its cells."""

	title: list[str]
	state: str
	values: list[Value | None]


@dataclass
class ValueTables:
	"""Lays out values and collects what must be said below them.

	decimals: of each KPI. footnotes: why values are missing, numbered as they come up.
	"""

	values: Sequence[Value]
	settings: Settings
	as_of: date
	known: Mapping[str, Kpi]
	decimals: dict[str, int] = field(default_factory=dict)
	footnotes: dict[str, int] = field(default_factory=dict)
	said: set[str] = field(default_factory=set)

	def __post_init__(self) -> None:
		by_kpi: dict[str, list[float]] = {}
		for value in self.values:
			if value["value"] is not None:
				by_kpi.setdefault(value["kpi"], []).append(value["value"])
		self.decimals = {name: _decimals(self.known[name].unit, of) for name, of in by_kpi.items()}

	def column(self, title: list[str], state: str, values: Sequence[Value | None]) -> Column:
		"""A column, marked as a whole where none of its figures is final."""
		given = [value for value in values if value is not None and value["value"] is not None]
		if not state and given and not any(value["complete"] for value in given):
			state = "so far"
		self.said |= {state}
		return Column(title, state, list(values))

	def cell(self, value: Value | None, state: str) -> Text:
		"""One figure, with what is to be said of it."""
		from rich.text import Text

		if value is None:
			return Text("")
		number = value["value"]
		if number is None:
			return Text(MISSING + self._footnote(value), style="dim")
		text = Text()
		waits = state == "in part" and self._window_is_open(value)
		if not value["complete"] and (not state or waits):
			text.append("so far ", style="dim italic")
			self.said.add("so far")
		if value["estimated"] > 0:
			text.append("≈", style="dim")
			self.said.add("≈")
		return text.append(_shown(number, self.known[value["kpi"]].unit, self.decimals[value["kpi"]]))

	def _window_is_open(self, value: Value) -> bool:
		"""Whether what began in the period may still convert on the day of reading."""
		window = timedelta(days=self.settings.conversion_window_days)
		return self.known[value["kpi"]].matures and value["period_end"] + window > self.as_of

	def _footnote(self, value: Value) -> str:
		if value["reason"] == "no-records":
			self.said.add(MISSING)
			return ""
		number = self.footnotes.setdefault(self.reason(value), len(self.footnotes) + 1)
		return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number))

	def reason(self, value: Value) -> str:
		"""Why there is no value, and what would give one."""
		kpi, reason = self.known[value["kpi"]], value["reason"]
		if reason == "needs-setting":
			needs = ", ".join(need.value for need in kpi.needs) or "a setting"
			return f"needs {needs}: name them by --acquisition-account or in the settings file"
		if reason == "no-mapping" and kpi.mapped_cost:
			return "no cost is mapped here: map cost centers in the settings file"
		if reason == "no-mapping":
			return (
				"no user maps here: map one in the settings file, or fill in the Employee of the Sales Person"
			)
		if reason == "too-early":
			window = f", and {self.settings.conversion_window_days} days after it," if kpi.matures else ""
			return f"too early: the period{window} must be over"
		if reason == "low-coverage":
			return "the cost of less than half of the sales is known"
		return "nothing to measure" if reason == "no-records" else str(reason)

	def print_notes(self, console: Console) -> None:
		"""What the signs in the tables mean."""
		window = self.settings.conversion_window_days
		notes = []
		if "so far" in self.said:
			matures = any(self.known[value["kpi"]].matures for value in self.values)
			after = (
				f", or the {window} days after it in which leads and quotations may convert,"
				if matures
				else ""
			)
			notes.append(f"so far: not final, because the period{after} isn't over")
		if "in part" in self.said:
			notes.append("in part: the days asked for hold only a part of the period")
		if "≈" in self.said:
			notes.append("≈ rests in part on estimated days")
		if MISSING in self.said:
			notes.append(f"{MISSING} nothing to measure")
		for text, number in self.footnotes.items():
			notes.append(f"{MISSING}{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(number))} {text}")
		for note in notes:
			console.print(note, style="dim")

	def print_table(
		self, console: Console, heading: str, labels: Sequence[Text], columns: Sequence[Column]
	) -> None:
		"""A table, in as many pieces, one below the other, as the width of the terminal asks for."""
		from rich.cells import cell_len

		by_row = [
			[self.cell(column.values[row], column.state) for column in columns] for row in range(len(labels))
		]
		cells = [[row[number] for row in by_row] for number in range(len(columns))]
		widths = [
			max([*map(cell_len, [*column.title, column.state]), *(one.cell_len for one in of)])
			for column, of in zip(columns, cells)
		]
		first = max([cell_len(heading), *(label.cell_len for label in labels)], default=0)
		first = min(first, max(16, console.width * 7 // 20))
		for piece in _pieces(widths, console.width - first):
			if piece.start:
				console.print()
			shown = [(columns[index], cells[index]) for index in piece]
			console.print(_table(heading, first, labels, shown))


def _pieces(widths: Sequence[int], room: int) -> list[range]:
	"""Columns that fit beside each other: in as few pieces, as evenly divided, as can be."""
	pieces: list[range] = []
	for size in range(len(widths), 0, -1):
		size = -(-len(widths) // -(-len(widths) // size))
		pieces = [range(start, min(start + size, len(widths))) for start in range(0, len(widths), size)]
		if all(sum(widths[index] + 2 for index in piece) <= room for piece in pieces):
			break
	return pieces


def _table(
	heading: str, first: int, labels: Sequence[Text], columns: Sequence[tuple[Column, list[Text]]]
) -> Any:
	from rich import box
	from rich.table import Table
	from rich.text import Text

	table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1), header_style="")
	table.add_column(Text(heading, style="dim"), max_width=first, overflow="fold")
	height = max(len(column.title) + bool(column.state) for column, _ in columns)
	for column, _ in columns:
		title = Text("\n".join(column.title), style="bold", justify="right")
		if column.state:
			title.append(f"\n{column.state}", style="not bold dim italic")
		lines = len(column.title) + bool(column.state)
		table.add_column(Text("\n" * (height - lines)) + title, justify="right", no_wrap=True)
	for number, label in enumerate(labels):
		table.add_row(label, *(of[number] for _, of in columns))
	return table


def print_values(
	console: Console, values: Sequence[Value], question: Question, settings: Settings, masters: Masters
) -> None:
	"""Values for people: KPIs by period for a company, else scopes by period, or by KPI where there's one period."""
	from rich.text import Text

	from sales_kpi import catalogue

	known = catalogue.kpis()
	tables = ValueTables(values, settings, question.as_of, known)
	at = {(value["kpi"], value["period_start"], value["scope"]): value for value in values}
	names = [name for name in dict.fromkeys(value["kpi"] for value in values) if name in tables.decimals]
	scopes = list(dict.fromkeys(value["scope"] for value in values))
	periods = question.periods()
	currency = next((value["currency"] for value in values if value["currency"]), None)
	_print_headline(console, question)

	def titled(name: str) -> Text:
		title = Text(known[name].title)
		unit = _unit_title(known[name].unit, currency)
		return title.append(f"  {unit}", style="dim") if unit else title

	def by_period(name: str, scope: str) -> list[Value | None]:
		return [at.get((name, period.start, scope)) for period in periods]

	def columns(rows: Sequence[list[Value | None]]) -> list[Column]:
		return [
			tables.column(
				_period_title(period, question), _state(period, question), [row[number] for row in rows]
			)
			for number, period in enumerate(periods)
		]

	labels = [Text(label) for label in _scope_labels(scopes, question.by, masters)]
	heading = SCOPE_TITLES[question.by].capitalize()
	if question.by is By.COMPANY and names:
		rows = [by_period(name, question.company) for name in names]
		tables.print_table(console, "KPI", [titled(name) for name in names], columns(rows))
	elif len(periods) == 1 and len(names) > 1:
		state = _state(periods[0], question)
		matrix = [
			tables.column(
				_kpi_title(titled(name)), state, [at.get((name, periods[0].start, scope)) for scope in scopes]
			)
			for name in names
		]
		tables.print_table(console, heading, labels, matrix)
	elif names:
		for number, name in enumerate(names):
			if number:
				console.print()
			title = titled(name)
			title.stylize("bold", 0, len(known[name].title))
			console.print(title)
			rows = [by_period(name, scope) for scope in scopes]
			tables.print_table(console, heading, labels, columns(rows))
	console.print()
	tables.print_notes(console)
	_print_not_measured(console, tables, [name for name in known if name not in names])


def _print_headline(console: Console, question: Question) -> None:
	from rich.text import Text

	span = question.calendar.label(Period(question.first, question.last), Every.RANGE)
	if question.calendar.kind != "jalali":
		span = f"{question.first} – {question.last}"
	else:
		first, last = (question.calendar.period(day, Every.DAY) for day in (question.first, question.last))
		span = " – ".join(question.calendar.label(day, Every.DAY) for day in (first, last))
	line = Text(printable(question.company), style="bold")
	by = "" if question.by is By.COMPANY else f" · by {SCOPE_TITLES[question.by]}"
	console.print(line.append(f" · {span}{by} · read as of {question.as_of}", style="not bold"))
	console.print()


def _print_not_measured(console: Console, tables: ValueTables, names: Sequence[str]) -> None:
	"""KPIs without a single value, each with its reason."""
	from collections import Counter

	reasons: dict[str, list[str]] = {}
	for name in names:
		found = Counter(tables.reason(value) for value in tables.values if value["kpi"] == name)
		if found:
			reasons.setdefault(found.most_common(1)[0][0], []).append(tables.known[name].title)
	if not reasons:
		return
	console.print()
	console.print(f"Not measured here ({sum(map(len, reasons.values()))})", style="bold")
	for reason, titles in reasons.items():
		console.print(f"{', '.join(titles)}: {reason}")


def _scope_labels(scopes: Sequence[str], by: By, masters: Masters) -> list[str]:
	"""Names of scopes, those of a tree indented by their depth in it."""
	tree: Mapping[str, Node] = {By.TEAM: masters.salespeople, By.TERRITORY: masters.territories}.get(by, {})
	labels = []
	for scope in scopes:
		node = tree.get(scope)
		above = [
			other for other in scopes if node and other in tree and other != scope and tree[other].holds(node)
		]
		labels.append("  " * len(above) + _named(scope))
	return labels


def _state(period: Period, question: Question) -> str:
	if period.last_day > question.as_of:
		return "so far"
	return "" if period.is_whole else "in part"


def _period_title(period: Period, question: Question) -> list[str]:
	"""The calendar's label, in two lines where it is long."""
	label = question.calendar.label(period, question.every)
	if " – " in label:
		return [f"{label.split(' – ')[0]} –", label.split(" – ")[1]]
	return [label] if len(label) <= 7 or " " not in label else label.rsplit(" ", 1)


def _kpi_title(title: Text) -> list[str]:
	from textwrap import wrap

	return wrap(title.plain, 13)


def print_documents(console: Console, found: DocumentList, question: Question) -> None:
	"""Documents for people, part by part with their sums, and the figure that they make."""
	from rich.text import Text

	from sales_kpi import catalogue

	value = found.value
	kpi = catalogue.kpi(value["kpi"])
	unit = _unit_title(kpi.unit, value["currency"])
	shown = MISSING
	if value["value"] is not None:
		shown = f"{_shown(value['value'], kpi.unit, _decimals(kpi.unit, [value['value']]))} {unit}".rstrip()
	of = "" if question.by is By.COMPANY else f" of {_named(value['scope'])}"
	_print_headline(console, question)
	figure = Text(f"{kpi.title}{of}: ").append(shown, style="bold")
	if value["value"] is not None and not value["complete"]:
		figure.append(" so far", style="dim italic")
	console.print(figure)
	console.print(f"{kpi.title} = {kpi.formula}", style="dim")
	parts = list(dict.fromkeys(document["part"] for document in found.documents))
	for part in parts:
		console.print()
		console.print(_document_table(console, found, part))
	if not parts:
		console.print("No document is behind it.")


def _document_table(console: Console, found: DocumentList, part: str) -> Any:
	from rich import box
	from rich.cells import cell_len
	from rich.table import Table
	from rich.text import Text

	rows = [document for document in found.documents if document["part"] == part]
	total = found.sums().get(part, 0.0)
	spots = _decimals(Unit.CURRENCY, [row["amount"] for row in rows])
	parts_spots = _decimals(Unit.COUNT, [row["quantity"] for row in rows])
	counted = _decimals(Unit.CURRENCY, [total, *(row["contribution"] for row in rows)])
	columns: dict[str, list[str]] = {
		"Day": [str(row["day"]) for row in rows],
		"Since": [str(row["since"]) if row["since"] else "" for row in rows],
		"Document": [printable(row["document"]) for row in rows],
		"Type": [row["doctype"] for row in rows],
		"Salesperson": [_named(row["sales_person"]) for row in rows],
		"Territory": [printable(row["territory"]) for row in rows],
		"Source": [printable(row["source"]) for row in rows],
		"Quantity": [_number(row["quantity"], parts_spots) for row in rows],
		"Amount": [_number(row["amount"], spots) for row in rows],
		"Counts as": [_number(row["contribution"], counted) for row in rows],
	}
	figures = ("Quantity", "Amount", "Counts as")
	for name in ("Since", "Territory", "Source", "Salesperson"):
		if not any(text not in ("", UNASSIGNED) for text in columns[name]):
			del columns[name]
	for name in ("Source", "Territory", "Type", "Since", "Salesperson"):
		width = sum(max(map(cell_len, [title, *texts])) + 2 for title, texts in columns.items())
		if width > console.width:
			columns.pop(name, None)
	table = Table(
		box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1), show_footer=True, title_justify="left",
		title=Text("Documents" if part == "value" else part.capitalize(), style="bold"), header_style="dim",
	)  # fmt: skip
	for name in columns:
		last = _number(total, counted) if name == "Counts as" else "Sum" if name == "Day" else ""
		table.add_column(
			name,
			justify="right" if name in figures else "left",
			footer=Text(last, style="bold"),
			overflow="fold",
		)
	for number in range(len(rows)):
		table.add_row(*(Text(texts[number]) for texts in columns.values()))
	return table


def print_outcome(
	console: Console, analysis: Analysis, outcome: Outcome, question: Question, masters: Masters
) -> None:
	"""An analysis for people: its sentences, then its table."""
	from rich import box
	from rich.table import Table
	from rich.text import Text

	from sales_kpi.analysis.outcome import Kind

	currency = masters.companies[question.company] or ""
	console.print(
		Text(analysis.title, style="bold").append(f"  {printable(question.company)}", style="not bold")
	)
	for note in outcome.notes:
		console.print(Text(("! " if note.is_warning else "") + _sentence(note, question, currency)))
	if not outcome.rows:
		return
	console.print()
	table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
	words = (Kind.TEXT, Kind.NAME, Kind.DAY, Kind.PERIOD)
	columns = [column for column in outcome.columns if column.name not in outcome.units]
	for column in columns:
		unit = f" ({currency})" if column.kind is Kind.MONEY and currency else ""
		table.add_column(
			f"{column.title}{unit}",
			justify="left" if column.kind in words else "right",
			overflow="fold",
		)
	for row in outcome.rows:
		table.add_row(
			*(Text(_cell(row.get(column.name), column.kind_in(row), question)) for column in columns)
		)
	console.print(table)


def _sentence(note: Note, question: Question, currency: str) -> str:
	from sales_kpi.analysis.outcome import Kind

	filled = {}
	for name, value in note.values.items():
		kind = note.kinds.get(name) or (Kind.NAME if isinstance(value, str) else Kind.COUNT)
		text = _cell(value, kind, question)
		filled[name] = f"{text} {currency}".rstrip() if kind is Kind.MONEY else text
		if kind is Kind.DAYS and value is not None:
			filled[name] = f"{text} days"
	return note.sentence.format(**filled)


def _cell(value: Cell, kind: Kind, question: Question) -> str:
	from sales_kpi.analysis.outcome import Kind

	if value is None:
		return MISSING
	if isinstance(value, date):
		if kind is Kind.PERIOD:
			return question.calendar.label(
				question.calendar.period(value, question.every), question.every, "en"
			)
		return value.isoformat()
	if isinstance(value, str):
		return _named(value) if kind is Kind.NAME else printable(value)
	if kind is Kind.SHARE:
		return f"{_number(value * 100, 1)} %"
	if kind is Kind.SECONDS:
		return duration(value)
	unit = {Kind.MONEY: Unit.CURRENCY, Kind.DAYS: Unit.DAYS}.get(kind, Unit.COUNT)
	return _number(value, _decimals(unit, [value]))


def print_checks(console: Console, checks: Sequence[Check], question: Question) -> None:
	"""Faults first, each with what suffers and what to do; what is fine in one line."""
	from rich import box
	from rich.table import Table
	from rich.text import Text

	from sales_kpi import catalogue

	known = catalogue.kpis()
	console.print(
		Text(printable(question.company), style="bold").append(f" · data quality as of {question.as_of}")
	)
	console.print()
	table = Table(
		box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim", padding=(0, 0, 0, 1)
	)
	table.add_column("Found in the records")
	table.add_column("Records", justify="right", no_wrap=True)
	table.add_column("Share", justify="right", no_wrap=True)
	found = [check for check in checks if check["count"] > 0]
	for check in found:
		text = Text(check["title"], style="bold")
		titles = ", ".join(known[name].title for name in check["kpis"] if name in known)
		text.append(f"\n{check['fix']}", style="not bold")
		such_as = f" Such as {', '.join(map(printable, check['examples'][:2]))}." if check["examples"] else ""
		text.append(f"\nSuffers: {titles}.{such_as}\n", style="not bold dim")
		spots = _decimals(Unit.COUNT, [check["count"]])
		share = MISSING if check["share"] is None else _shown(check["share"], Unit.PERCENT, 1)
		table.add_row(text, f"{_number(check['count'], spots)} of {_number(check['of'], 0)}", share)
	if found:
		console.print(table)
	fine = [check["title"] for check in checks if not check["count"] and check["of"]]
	empty = [check["title"] for check in checks if not check["count"] and not check["of"]]
	for title, titles_of in (("Looked for and not found", fine), ("No records to look at for", empty)):
		if titles_of:
			console.print(
				Text(f"{title} ({len(titles_of)}): ", style="bold").append(
					"; ".join(titles_of), style="not bold"
				)
			)
			console.print()


# For people and programs: the catalogue


def catalogue_entry(kpi: Kpi) -> dict[str, Any]:
	"""A KPI as the catalogue gives it to programs."""
	return {
		"name": kpi.name,
		"title": kpi.title,
		"meaning": kpi.meaning,
		"formula": str(kpi.formula),
		"unit": kpi.unit.value,
		"direction": kpi.good.value if kpi.good is not Good.NEITHER else None,
		"scopes": [by.value for by in By if by in kpi.scopes],
		"needs": _needs(kpi),
		"records": _records(kpi),
		"moved_by": kpi.moved_by,
		"beside": {title: str(formula) for title, formula in kpi.beside.items()},
	}


def _needs(kpi: Kpi) -> list[str]:
	"""What must be set up for a KPI."""
	needs = [need.value for need in kpi.needs]
	if kpi.mapped_cost:
		needs.append("cost centers mapped to salespeople or sources, for figures of these")
	return needs


def _records(kpi: Kpi) -> list[str]:
	"""Doctypes that a KPI is read from."""
	from sales_kpi import catalogue

	facts = catalogue.facts()
	return list(dict.fromkeys(record for name in kpi.formula.facts() for record in facts[name].records))


GOOD = {
	Good.UP: "higher is better",
	Good.DOWN: "lower is better",
	Good.NEITHER: "neither high nor low is good",
}
NOTATION = (
	"Q(fact): how many, a part where credit is shared. A(fact): how much. →: from the beginning to the period's end. "
	"⊣: from the beginning to the day before the period. ₁ᵧ: over the year to the period's end."
)


def print_catalogue(console: Console, known: Sequence[Kpi]) -> None:
	"""KPIs for people, each with its meaning, formula and what usually moves it."""
	from rich.table import Table
	from rich.text import Text

	for kpi in known:
		scopes = [SCOPE_TITLES[by] for by in By if by in kpi.scopes]
		head = Text(kpi.title, style="bold").append(f"  {kpi.name}", style="not bold dim")
		console.print(head)
		rows = {
			"": kpi.meaning,
			"Formula": str(kpi.formula),
			"Unit": f"{kpi.unit.value}; {GOOD[kpi.good]}",
			"For": "company, salesperson, team, territory, source"
			if len(scopes) == len(By)
			else ", ".join(scopes),
			"Needs": "; ".join(_needs(kpi)),
			"Read from": ", ".join(_records(kpi)),
			"Moved by": kpi.moved_by,
			"Beside it": "; ".join(f"{title} = {formula}" for title, formula in kpi.beside.items()),
		}
		grid = Table.grid(padding=(0, 1, 0, 1))
		grid.add_column(style="dim", no_wrap=True, min_width=9)
		grid.add_column()
		for title, text in rows.items():
			if text:
				grid.add_row(title, Text(text))
		console.print(grid)
		console.print()
	console.print(NOTATION, style="dim")
