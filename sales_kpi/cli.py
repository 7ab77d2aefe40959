"""The command line: KPIs, the documents behind them, data quality, scorecards and the demo.

Answers go to stdout, everything else to stderr. Exit codes: 0 answered; 1 a fault of this program; 2 what was asked
can't be answered, with one sentence that says why.

What costs time to import (pandas, SQLAlchemy, rich) is imported where it is used, so that help is instant.
"""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO
from urllib.parse import unquote, unquote_plus

import typer
from typer.core import TyperGroup

from sales_kpi import __version__
from sales_kpi.errors import InputError, SalesKpiError, SourceError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Calendar, Every, Weekday, calendar_named
from sales_kpi.terminal import (
	SCOPE_TITLES,
	UNASSIGNED,
	catalogue_entry,
	console_on,
	print_catalogue,
	print_checks,
	print_documents,
	print_outcome,
	print_values,
	printable,
)

if TYPE_CHECKING:
	from rich.console import Console

	from sales_kpi.analysis.masters import Masters
	from sales_kpi.analysis.values import Question
	from sales_kpi.sources.database import DatabaseSource


class Format(str, Enum):
	"""How an answer is written."""

	TABLE = "table"
	JSON = "json"
	CSV = "csv"


class CatalogueFormat(str, Enum):
	"""How the catalogue is written."""

	TABLE = "table"
	JSON = "json"


class WeekStart(str, Enum):
	"""First day of a week, by name."""

	MONDAY = "monday"
	SATURDAY = "saturday"
	SUNDAY = "sunday"


class Language(str, Enum):
	"""Languages of a scorecard."""

	ENGLISH = "en"
	PERSIAN = "fa"


class SiteKind(str, Enum):
	"""Kinds of demo companies, as `sales_kpi.demo` knows them."""

	FULL = "full"
	INVOICES_ONLY = "invoices-only"
	NO_SALES_TEAM = "no-sales-team"
	NO_EMPLOYEES = "no-employees"
	POS = "pos"
	SERVICES = "services"
	THREE_WEEKS = "three-weeks"


class SchemaVersion(str, Enum):
	"""Versions of ERPNext whose tables the demo writes."""

	V15 = "15"
	V16 = "16"


# Errors


# Typer brings a click of its own since 0.20, and took the installed one before.
_UsageError: Any = typer.BadParameter.__base__


class ExplainingGroup(TyperGroup):
	"""Commands whose every failure is one sentence on stderr."""

	def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
		secrets = _secrets([*args, os.environ.get("SALES_KPI_SOURCE", "")])
		with _explained(secrets, debug="--debug" in args):
			context = super().make_context(info_name, args, parent, **extra)
		context.obj = secrets
		return context

	def invoke(self, ctx: Any) -> Any:
		with _explained(ctx.obj, debug=bool(ctx.params.get("debug"))):
			answer = super().invoke(ctx)
			sys.stdout.flush()
		return answer


@contextmanager
def _explained(secrets: frozenset[str], debug: bool) -> Iterator[None]:
	try:
		yield
	except BrokenPipeError:
		_forget_output()  # whoever read the answer has seen enough
		raise typer.Exit(1) from None
	except (SalesKpiError, _UsageError) as error:
		if debug:
			_print_traceback(secrets)
		sentence = str(error) if isinstance(error, SalesKpiError) else _usage_sentence(error)
		_complain(_without(secrets, sentence))
		raise typer.Exit(2) from None
	except (typer.Exit, typer.Abort):
		raise
	except Exception as error:
		if debug:
			_print_traceback(secrets)
		if isinstance(error, OSError) and error.errno == errno.ENOSPC:
			_forget_output()
			_complain("The answer can't be written: no space is left on the device.")
			raise typer.Exit(2) from None
		what = _one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
		_complain(
			f"This shouldn't happen ({_without(secrets, what)}). Please report it to the maintainers of sales_kpi, with "
			"what you typed" + ("." if debug else " and what `sales-kpi --debug …` prints.")
		)
		raise typer.Exit(1) from None


def _forget_output() -> None:
	"""Keep Python from complaining at exit about output that nobody takes."""
	with suppress(OSError, ValueError):
		os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage_sentence(error: Any) -> str:
	message = str(error.format_message()).strip().replace("Value error, ", "")
	context = getattr(error, "ctx", None)
	hint = f" `{context.command_path} --help` explains it." if context is not None else ""
	return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'}{hint}"


def _complain(sentence: str) -> None:
	typer.echo(typer.style("Error: ", fg="red", bold=True) + _one_line(sentence), err=True)


def _note(sentence: str) -> None:
	typer.echo(f"Note: {_one_line(sentence)}", err=True)


def _one_line(text: str) -> str:
	return printable(" ".join(text.split()))


def _print_traceback(secrets: frozenset[str]) -> None:
	import traceback

	typer.echo(_without(secrets, traceback.format_exc()), err=True)


def _secrets(texts: Iterable[str]) -> frozenset[str]:
	"""Passwords in what may be database URLs, also malformed ones."""
	found: set[str] = set()
	for text in texts:
		for password in re.findall(r"//[^:/@]*:(.+)@", text):
			# One that should have been escaped is taken apart by whoever parses the URL.
			found.update({password, *re.split("[@/]", password)} - {""})
		found.update(
			re.findall(r"[?&;](?:pass|password|passwd|pwd|secret|token)=([^&;]+)", text, re.IGNORECASE)
		)
	return frozenset(found | {unquote(one) for one in found} | {unquote_plus(one) for one in found})


def _without(secrets: frozenset[str], text: str) -> str:
	for secret in sorted(secrets, key=len, reverse=True):
		text = text.replace(f":{secret}@", ":***@").replace(f"={secret}", "=***")
		if len(secret) > 3:  # what is shorter would be found in ordinary words
			text = text.replace(secret, "***")
	return text


# What is asked


SourceUrl = Annotated[
	str,
	typer.Option(
		"--source",
		envvar="SALES_KPI_SOURCE",
		metavar="URL",
		help="Database of the ERPNext site, such as mysql+pymysql://user:password@host/database or duckdb:///file. "
		"It is only read.",
		show_default=False,
	),
]
CompanyName = Annotated[
	str | None,
	typer.Option("--company", metavar="NAME", help="Company; may be left out if there is only one."),
]
First = Annotated[
	str | None,
	typer.Option(
		"--from",
		metavar="DATE",
		help="First day, such as 2026-01-01.",
		show_default="twelve months before --to",
	),
]
Last = Annotated[
	str | None,
	typer.Option(
		"--to", metavar="DATE", help="Last day, included.", show_default="end of the last full month"
	),
]
Length = Annotated[Every, typer.Option("--every", help="How long a period is.")]
Dimension = Annotated[By, typer.Option("--by", help="What figures are given for.")]
KpiNames = Annotated[
	list[str] | None,
	typer.Option(
		"--kpi", metavar="NAME", help="KPI; repeatable, or separated by commas.", show_default="all of them"
	),
]
KpiName = Annotated[str, typer.Option("--kpi", metavar="NAME", help="KPI.", show_default=False)]
AsOf = Annotated[
	str | None,
	typer.Option(
		"--as-of", metavar="DATE", help="Day of reading: later records don't count.", show_default="today"
	),
]
CalendarName = Annotated[
	str,
	typer.Option(
		"--calendar",
		metavar="CALENDAR",
		help="gregorian, jalali, or fiscal:MM-DD with the first day of the fiscal year.",
	),
]
FirstWeekday = Annotated[
	WeekStart | None,
	typer.Option(
		"--week-start", help="First day of a week.", show_default="monday; saturday in the Jalali calendar"
	),
]
ChurnAfterDays = Annotated[
	int | None,
	typer.Option(
		"--churn-after-days",
		metavar="N",
		help="A customer lapses that has bought nothing for so many days.",
		show_default="180",
	),
]
ConversionWindowDays = Annotated[
	int | None,
	typer.Option(
		"--conversion-window-days",
		metavar="N",
		help="Days within which a lead or quotation counts as converted.",
		show_default="90",
	),
]
AcquisitionAccounts = Annotated[
	list[str] | None,
	typer.Option(
		"--acquisition-account",
		metavar="NAME",
		help="Account of what is spent to win customers, a group means all below it; repeatable.",
		show_default=False,
	),
]
SettingsFile = Annotated[
	Path | None,
	typer.Option(
		"--settings",
		metavar="FILE.toml",
		help="Settings file; options win over it.",
		show_default=False,
	),
]
# Typer with click 8.1 takes values for defaults, except of enums that are strings.
BY_MONTH: Any = Every.MONTH.value
BY_COMPANY: Any = By.COMPANY.value
OutputFormat = Annotated[
	Format, typer.Option("--format", help="table for people, json and csv for programs.")
]


@dataclass(frozen=True)
class Asked:
	"""What a command was asked, before the company is known to exist."""

	url: str
	question: Question
	settings: Settings
	company: str | None

	@contextmanager
	def opened(self, doing: str) -> Iterator[tuple[DatabaseSource, Question, Masters]]:
		"""The source, and the question about a company that exists; says on stderr what it is doing."""
		from sales_kpi.analysis.masters import absent, checked_schema, read_masters
		from sales_kpi.sources.database import DatabaseSource

		try:
			source = DatabaseSource(self.url)
		except ValueError as error:
			raise SourceError(
				f"--source can't be understood ({error}): write it like mysql+pymysql://user:password@host:3306/database."
			) from error
		with source, _working(doing):
			try:
				schema = checked_schema(source)
			except TypeError as error:  # from a driver that is given an option it doesn't know
				raise SourceError(f"{source.name} can't be opened: {error}.") from error
			masters = read_masters(source, self.settings, schema)
			missing = absent(schema)
			if missing:
				tables = ", ".join(f"tab{doctype}" for doctype in missing)
				_note(f"The database has no table {tables}: what would stand there counts as nothing.")
			company = self.company or _only_company(masters.companies)
			if company not in masters.companies:
				masters.reading(self.settings, self.question.as_of, source, company)  # explains it
			yield source, replace(self.question, company=company), masters


def _asked(
	url: str,
	company: str | None,
	settings: Settings,
	as_of: str | None,
	first: str | None = None,
	last: str | None = None,
	every: Every = Every.RANGE,
	by: By = By.COMPANY,
	kpis: Sequence[str] | None = None,
	calendar: str = "gregorian",
	week_start: WeekStart | None = None,
) -> Asked:
	"""Everything that can be checked without the database."""
	from sales_kpi.analysis.values import Question

	read_on = _date("--as-of", as_of) or date.today()
	divided = calendar_named(calendar, Weekday[week_start.name] if week_start else None)
	from_day, to_day = _range(_date("--from", first), _date("--to", last), read_on, divided)
	question = Question(company or "", from_day, to_day, every, by, _listed(kpis), read_on, divided)
	question.periods()
	question.chosen()
	return Asked(url, question, settings, company)


def _date(option: str, text: str | None) -> date | None:
	if text is None:
		return None
	try:
		if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
			raise ValueError
		if 1200 <= int(text[:4]) < 1600:
			raise InputError(
				f"{option} {text} looks like a Jalali date: write the Gregorian one{_gregorian(text)}."
			)
		day = date.fromisoformat(text)
		if not 1900 <= day.year < 2200:
			raise InputError(
				f"{option} {text} is out of reach: dates from 1900-01-01 to 2199-12-31 can be asked for."
			)
		return day
	except ValueError:
		raise InputError(f"{option} {text!r} is no date: write it like 2026-01-31.") from None


def _gregorian(jalali: str) -> str:
	from persiantools.jdatetime import JalaliDate

	try:
		return f", {JalaliDate(*map(int, jalali.split('-'))).to_gregorian().isoformat()}"
	except ValueError:
		return ""


def _range(first: date | None, last: date | None, as_of: date, calendar: Calendar) -> tuple[date, date]:
	"""The days asked for; by default twelve months that end with the last full one."""
	if last is None:
		last = calendar.previous(calendar.period(as_of, Every.MONTH), Every.MONTH).last_day
	if first is None:
		month = calendar.period(last, Every.MONTH)
		for _ in range(11):
			month = calendar.previous(month, Every.MONTH)
		first = month.start
	return first, last


def _listed(names: Sequence[str] | None) -> tuple[str, ...] | None:
	if not names:
		return None
	listed = [name.strip() for text in names for name in text.split(",") if name.strip()]
	if not listed:
		raise InputError("--kpi names no KPI; `sales-kpi kpis` lists them.")
	return tuple(dict.fromkeys(listed))


def _settings(
	path: Path | None,
	churn_after_days: int | None = None,
	conversion_window_days: int | None = None,
	acquisition_accounts: Sequence[str] | None = None,
) -> Settings:
	"""The settings of the file, if there is one, with those of the command line in their place."""
	from sales_kpi.settings_file import read_settings

	given: dict[str, Any] = {
		"churn_after_days": churn_after_days,
		"conversion_window_days": conversion_window_days,
		"acquisition_accounts": tuple(acquisition_accounts) if acquisition_accounts else None,
	}
	settings = read_settings(path) if path is not None else Settings()
	return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _only_company(companies: Iterable[str]) -> str:
	names = list(companies)
	if len(names) == 1:
		return names[0]
	if not names:
		raise InputError("The database holds no Company.")
	some = ", ".join(repr(name) for name in names[:8])
	raise InputError(f"Say which company, by --company. There are: {some}{', …' if len(names) > 8 else '.'}")


@contextmanager
def _working(doing: str) -> Iterator[None]:
	"""Say on stderr what takes its time, if somebody is looking."""
	if not sys.stderr.isatty():
		yield
		return
	with console_on(sys.stderr).status(doing):
		yield


# Commands


app = typer.Typer(
	cls=ExplainingGroup,
	name="sales-kpi",
	help="Sales KPIs of people and teams, measured from the records that ERPNext already keeps.",
	pretty_exceptions_enable=False,
	add_completion=False,
	context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
	"""Entry point of `sales-kpi`."""
	for stream in (sys.stdout, sys.stderr):
		# Names are of any script, whatever the locale; and JSON is UTF-8.
		reconfigure = getattr(stream, "reconfigure", None)
		if reconfigure:
			reconfigure(encoding="utf-8", errors="backslashreplace")
	app(prog_name="sales-kpi")


@app.callback(invoke_without_command=True)
def _start(
	context: typer.Context,
	version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
	debug: Annotated[
		bool, typer.Option("--debug", help="Print the traceback of an error (before the command).")
	] = False,
) -> None:
	if version:
		typer.echo(f"sales-kpi {__version__}")
		raise typer.Exit
	if context.invoked_subcommand is None:
		typer.echo(context.get_help())


@app.command()
def compute(
	source: SourceUrl,
	company: CompanyName = None,
	first: First = None,
	last: Last = None,
	every: Length = BY_MONTH,
	by: Dimension = BY_COMPANY,
	kpi: KpiNames = None,
	as_of: AsOf = None,
	calendar: CalendarName = "gregorian",
	week_start: FirstWeekday = None,
	churn_after_days: ChurnAfterDays = None,
	conversion_window_days: ConversionWindowDays = None,
	acquisition_account: AcquisitionAccounts = None,
	settings: SettingsFile = None,
	format: OutputFormat = Format.TABLE,
) -> None:
	"""KPIs of a company, its salespeople, teams, territories or sources, period by period."""
	from sales_kpi.analysis.values import VALUE_FIELDS
	from sales_kpi.analysis.values import compute as compute_values

	chosen = _settings(settings, churn_after_days, conversion_window_days, acquisition_account)
	asked = _asked(source, company, chosen, as_of, first, last, every, by, kpi, calendar, week_start)
	_note_left_out(asked.question)
	with asked.opened("Computing KPIs from the records …") as (database, question, masters):
		values = compute_values(database, question, chosen, masters)
	if format is Format.TABLE:
		print_values(console_on(sys.stdout), values, question, chosen, masters)
	else:
		_write(values, VALUE_FIELDS, format)


def _note_left_out(question: Question) -> None:
	from sales_kpi import catalogue

	for name in question.kpis or ():
		kpi = catalogue.kpi(name)
		if question.by not in kpi.scopes:
			scopes = ", ".join(by.value for by in By if by in kpi.scopes)
			_note(
				f"{name} makes no sense by {question.by.value} and is left out: it is measured by {scopes}."
			)


@app.command()
def documents(
	source: SourceUrl,
	kpi: KpiName,
	company: CompanyName = None,
	first: First = None,
	last: Last = None,
	by: Dimension = BY_COMPANY,
	scope: Annotated[
		str | None,
		typer.Option(
			"--scope",
			metavar="NAME",
			help="Name of the salesperson, team, territory or source; (unassigned) for what is nobody's.",
			show_default="the company",
		),
	] = None,
	as_of: AsOf = None,
	calendar: CalendarName = "gregorian",
	week_start: FirstWeekday = None,
	churn_after_days: ChurnAfterDays = None,
	conversion_window_days: ConversionWindowDays = None,
	acquisition_account: AcquisitionAccounts = None,
	settings: SettingsFile = None,
	format: OutputFormat = Format.TABLE,
) -> None:
	"""The native documents behind one figure, which add up to it."""
	from sales_kpi.analysis.documents import DOCUMENT_FIELDS
	from sales_kpi.analysis.documents import documents as list_documents

	chosen = _settings(settings, churn_after_days, conversion_window_days, acquisition_account)
	asked = _asked(source, company, chosen, as_of, first, last, Every.RANGE, by, [kpi], calendar, week_start)
	if asked.question.kpis is None or len(asked.question.kpis) != 1:
		raise InputError(f"--kpi {kpi!r} isn't one KPI: documents are listed for one at a time.")
	if scope is None and by is not By.COMPANY:
		raise InputError(f"Say whose documents, by --scope: the name of a {SCOPE_TITLES[by]}.")
	with asked.opened("Looking for the documents …") as (database, question, masters):
		of = question.company if scope is None else "" if scope == UNASSIGNED else scope
		found = list_documents(database, question, of, chosen, masters)
	if format is Format.TABLE:
		print_documents(console_on(sys.stdout), found, question)
	else:
		_write(found.documents, DOCUMENT_FIELDS, format)


@app.command()
def analyse(
	name: Annotated[
		str, typer.Argument(metavar="ANALYSIS", help="Which one; `sales-kpi analyses` lists them.")
	],
	source: SourceUrl,
	company: CompanyName = None,
	first: First = None,
	last: Last = None,
	every: Length = BY_MONTH,
	by: Annotated[By, typer.Option("--by", help="What figures are told apart by.")] = BY_COMPANY,
	scope_by: Annotated[
		By, typer.Option("--of", help="Whose figures: those of the company, or of one team, salesperson, …")
	] = BY_COMPANY,
	scope: Annotated[str, typer.Option("--scope", metavar="NAME", help="Its name.")] = "",
	option: Annotated[
		list[str] | None,
		typer.Option("--option", metavar="NAME=VALUE", help="What only this analysis asks for; repeatable."),
	] = None,
	as_of: AsOf = None,
	calendar: CalendarName = "gregorian",
	week_start: FirstWeekday = None,
	churn_after_days: ChurnAfterDays = None,
	conversion_window_days: ConversionWindowDays = None,
	acquisition_account: AcquisitionAccounts = None,
	settings: SettingsFile = None,
	format: OutputFormat = Format.TABLE,
) -> None:
	"""Why figures changed, what comes next, what to do: one of the analyses."""
	from sales_kpi import catalogue
	from sales_kpi.analysis.inquiry import inquiry

	analysis = catalogue.analysis(name)
	if by not in analysis.by:
		known = ", ".join(one.value for one in By if one in analysis.by)
		raise InputError(f"{name} can't be told apart by {by.value}, only by {known}.")
	options = _options(option or (), analysis.options, name)
	chosen = _settings(settings, churn_after_days, conversion_window_days, acquisition_account)
	asked = _asked(source, company, chosen, as_of, first, last, every, by, None, calendar, week_start)
	with asked.opened("Reading the records …") as (database, question, masters):
		outcome = analysis.answer(
			inquiry(
				database,
				masters,
				chosen,
				question.company,
				question.first,
				question.last,
				question.as_of,
				every=every,
				calendar=question.calendar,
				by=by,
				scope_by=scope_by,
				scope=scope,
				options=options,
			)
		)
	if format is Format.TABLE:
		print_outcome(console_on(sys.stdout), analysis, outcome, question, masters)
	else:
		_write(outcome.rows, [column.name for column in outcome.columns], format)


def _options(given: Sequence[str], known: Mapping[str, str], analysis: str) -> dict[str, str]:
	"""What stands in --option, of what the analysis asks for."""
	found: dict[str, str] = {}
	for text in given:
		name, is_pair, value = text.partition("=")
		if not is_pair or name not in known:
			told = "; ".join(f"{one}: {meaning}" for one, meaning in known.items()) or "it has none"
			raise InputError(
				f"--option {text!r} is none of {analysis}. Options are written NAME=VALUE: {told}."
			)
		found[name] = value
	return found


@app.command()
def analyses() -> None:
	"""What `analyse` can tell, with the options of each."""
	from sales_kpi import catalogue

	for analysis in catalogue.analyses().values():
		typer.echo(f"{analysis.name:18} {analysis.meaning}")
		for name, meaning in analysis.options.items():
			typer.echo(f"{'':18}   --option {name}=…  {meaning}")


@app.command()
def quality(
	source: SourceUrl,
	company: CompanyName = None,
	as_of: AsOf = None,
	churn_after_days: ChurnAfterDays = None,
	conversion_window_days: ConversionWindowDays = None,
	acquisition_account: AcquisitionAccounts = None,
	settings: SettingsFile = None,
	format: OutputFormat = Format.TABLE,
) -> None:
	"""What is missing or odd in the records, which KPI suffers from it, and what to do."""
	from sales_kpi.analysis.quality import CHECK_FIELDS
	from sales_kpi.analysis.quality import quality as check_quality

	chosen = _settings(settings, churn_after_days, conversion_window_days, acquisition_account)
	asked = _asked(source, company, chosen, as_of)
	with asked.opened("Checking the records …") as (database, question, masters):
		checks = check_quality(database, question.company, chosen, question.as_of, masters)
	if format is Format.TABLE:
		print_checks(console_on(sys.stdout), checks, question)
	else:
		_write(checks, CHECK_FIELDS, format)


@app.command()
def kpis(
	format: Annotated[
		CatalogueFormat, typer.Option("--format", help="table for people, json for programs.")
	] = CatalogueFormat.TABLE,
) -> None:
	"""The catalogue: what each KPI means, how it is computed and what usually moves it."""
	from sales_kpi import catalogue

	known = list(catalogue.kpis().values())
	if format is CatalogueFormat.TABLE:
		print_catalogue(console_on(sys.stdout), known)
	else:
		entries = [catalogue_entry(kpi) for kpi in known]
		_write(entries, tuple(entries[0]), Format.JSON)


@app.command()
def scorecard(
	source: SourceUrl,
	out: Annotated[
		Path, typer.Option("--out", metavar="FILE.html", help="Page to write.", show_default=False)
	],
	company: CompanyName = None,
	first: First = None,
	last: Last = None,
	every: Length = BY_MONTH,
	kpi: KpiNames = None,
	language: Annotated[
		Language, typer.Option("--language", help="Language of the page.")
	] = Language.ENGLISH,
	as_of: AsOf = None,
	calendar: CalendarName = "gregorian",
	week_start: FirstWeekday = None,
	churn_after_days: ChurnAfterDays = None,
	conversion_window_days: ConversionWindowDays = None,
	acquisition_account: AcquisitionAccounts = None,
	settings: SettingsFile = None,
) -> None:
	"""One self-contained HTML page with the KPIs of a company, its teams and salespeople."""
	from sales_kpi.scorecard.write import write

	chosen = _settings(settings, churn_after_days, conversion_window_days, acquisition_account)
	asked = _asked(source, company, chosen, as_of, first, last, every, By.COMPANY, kpi, calendar, week_start)
	with (
		_whole_file(out) as page,
		asked.opened("Making the scorecard …") as (database, question, _),
	):
		write(database, question, chosen, page, language.value)
	typer.echo(f"Scorecard: {out}")


@app.command()
def demo(
	out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")] = Path("demo-out"),
	invoices: Annotated[int, typer.Option("--invoices", metavar="N", help="How many invoices.")] = 6000,
	seed: Annotated[int, typer.Option("--seed", metavar="S", help="Another seed, another company.")] = 7,
	site_kind: Annotated[
		SiteKind, typer.Option("--site-kind", help="What the company records.")
	] = SiteKind.FULL,
	until: Annotated[
		str | None,
		typer.Option(
			"--until",
			metavar="DATE",
			help="Last day with records.",
			show_default="end of the last full month",
		),
	] = None,
	schema: Annotated[
		SchemaVersion, typer.Option("--schema", help="Version of ERPNext's tables.")
	] = SchemaVersion.V15,
) -> None:
	"""A believable company of synthetic data, its KPIs and its scorecard."""
	from sales_kpi.demo.company import DemoCompany, last_full_month
	from sales_kpi.demo.people import COMPANIES

	day = _date("--until", until) or last_full_month()
	try:
		company = DemoCompany(
			invoices=invoices, seed=seed, site_kind=site_kind.value, schema=schema.value, until=day
		)
	except ValueError as error:
		raise InputError(f"The demo can't be made: {error}.") from error
	with _whole_folder(out) as folder:
		console = console_on(sys.stdout)
		console.print(f"A demo company, {COMPANIES[0]}: all of it is synthetic data.", style="bold")
		_make_demo(company, folder, console)
		console.print()
		console.print("All of this is synthetic data.", style="bold")
	for name, what in DEMO_FILES.items():
		typer.echo(f"{what + ':':12} {out / name}")


DEMO_FILES = {"settings.toml": "Settings", "demo.duckdb": "Database", "scorecard.html": "Scorecard"}
"""What a demo consists of. The settings are put in place first: they are the sign that the rest may be replaced."""
DEMO_SIGN = "# Synthetic data, made by `sales-kpi demo`"


def _make_demo(company: Any, folder: Path, console: Console) -> None:
	from sales_kpi.analysis.values import compute as compute_values
	from sales_kpi.demo.people import COMPANIES
	from sales_kpi.demo.settings import settings as demo_settings
	from sales_kpi.scorecard.write import write
	from sales_kpi.settings_file import read_settings

	settings_file, database_file, page = (folder / name for name in DEMO_FILES)
	settings_file.write_text(f"{DEMO_SIGN}\n{demo_settings(company)}", encoding="utf-8")
	_write_demo_database(company, database_file)
	chosen = read_settings(settings_file)
	year = _range(None, company.until, company.until, Calendar())[0]
	every, first = (Every.MONTH, year) if year >= company.start else (Every.WEEK, company.start)
	until = str(company.until)
	asked = _asked(f"duckdb:///{database_file}", COMPANIES[0], chosen, until, str(first), until, every)
	with asked.opened("Computing KPIs …") as (database, question, masters):
		shown = replace(question, first=question.periods()[-3:][0].start)
		values = compute_values(database, shown, chosen, masters)
	print_values(console, values, shown, chosen, masters)
	with asked.opened("Making the scorecard …") as (database, question, _):
		write(database, question, chosen, page, "en", note="Synthetic data: no such company exists.")


def _write_demo_database(company: Any, path: Path) -> None:
	from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

	from sales_kpi.demo.write import write_duckdb

	rows = company.invoice_count * (14 if company.has_funnel else 9) + 700  # about
	columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
	console = console_on(sys.stderr)
	if not console.is_terminal:
		write_duckdb(company, path)
		return
	with Progress(*columns, console=console, transient=True) as progress:
		task = progress.add_task("Writing rows", total=rows)

		def wrote(table: str, count: int) -> None:
			progress.update(task, advance=count, description=f"Writing rows: {table}")

		write_duckdb(company, path, wrote)


# Files


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
	"""A path to write to, that replaces `path` once all is written; nothing is left of it after an error."""
	if path.is_dir():
		raise InputError(
			f"{path} can't be written: it is a folder. Name a file, such as {path / 'scorecard.html'}."
		)
	if path.exists() and not os.access(path, os.W_OK):
		raise InputError(f"{path} can't be written: it is read-only.")
	with _explained_writing(path):
		handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
		os.close(handle)
	written = Path(name)
	try:
		yield written
		with _explained_writing(path):
			written.chmod(0o666 & ~_umask())
			written.replace(path)
	finally:
		written.unlink(missing_ok=True)


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
	"""A folder to write a demo to, whose files replace those of a former demo in `path` once all are written."""
	_check_demo_folder(path)
	made = not path.exists()
	with _explained_writing(path):
		path.mkdir(parents=True, exist_ok=True)
		folder = Path(tempfile.mkdtemp(prefix=".demo-", dir=path))
	try:
		yield folder
		with _explained_writing(path):
			for name in DEMO_FILES:
				(folder / name).chmod(0o666 & ~_umask())
				(folder / name).replace(path / name)
	finally:
		shutil.rmtree(folder, ignore_errors=True)
		if made:
			with suppress(OSError):
				path.rmdir()  # nothing was written


def _check_demo_folder(path: Path) -> None:
	"""Refuse a folder with files of these names that no demo wrote."""
	with _explained_writing(path):
		if path.exists() and not path.is_dir():
			raise InputError(f"{path} is a file: name a folder for the demo.")
		settings_file = path / "settings.toml"
		if settings_file.is_file() and settings_file.read_bytes().startswith(DEMO_SIGN.encode()):
			return
		for name in DEMO_FILES:
			if (path / name).exists():
				raise InputError(
					f"{path / name} exists and isn't the demo's own: choose another folder with --out."
				)


@contextmanager
def _explained_writing(path: Path) -> Iterator[None]:
	try:
		yield
	except OSError as error:
		raise InputError(f"{path} can't be written: {error.strerror or error}.") from error


def _umask() -> int:
	mask = os.umask(0)
	os.umask(mask)
	return mask


# For programs


def _write(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], format: Format) -> None:
	"""All rows on stdout, with the fields in their order."""
	if format is Format.JSON:
		_write_json(sys.stdout, rows, fields)
	else:
		_write_csv(sys.stdout, rows, fields)


def _write_json(stream: TextIO, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> None:
	"""A list of objects, one a line; dates are ISO, and what is missing is null."""
	import json

	for number, row in enumerate(rows):
		plain = {name: _plain(row[name]) for name in fields}
		stream.write("[\n" if number == 0 else ",\n")
		stream.write(json.dumps(plain, ensure_ascii=False, allow_nan=False))
	stream.write("\n]\n" if rows else "[]\n")


def _write_csv(stream: TextIO, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> None:
	"""The same columns; what is missing is empty, truth is true or false, lists are separated by semicolons."""
	import csv

	writer = csv.writer(stream, lineterminator="\n")
	writer.writerow(fields)
	for row in rows:
		cells = [_plain(row[name]) for name in fields]
		writer.writerow(
			str(cell).lower()
			if isinstance(cell, bool)
			else ";".join(map(str, cell))
			if isinstance(cell, list)
			else cell
			for cell in cells
		)


def _plain(value: Any) -> Any:
	if isinstance(value, date):
		return value.isoformat()
	return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
	main()
