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
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO
from urllib.parse import unquote, unquote_plus

import typer
from typer.core import TyperGroup

from sales_kpi import __version__
from sales_kpi.errors import InputError, SalesKpiError, SourceError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By, Good, Kpi, Unit
from sales_kpi.periods import Calendar, Every, Period, Weekday, calendar_named

if TYPE_CHECKING:
	from rich.console import Console
	from rich.text import Text

	from sales_kpi.analysis.documents import DocumentList
	from sales_kpi.analysis.masters import Masters, Node
	from sales_kpi.analysis.quality import Check
	from sales_kpi.analysis.values import Question, Value
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
	return _printable(" ".join(text.split()))


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
	with _console(sys.stderr).status(doing):
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
		_print_values(_console(sys.stdout), values, question, chosen, masters)
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
		_print_documents(_console(sys.stdout), found, question)
	else:
		_write(found.documents, DOCUMENT_FIELDS, format)


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
		_print_checks(_console(sys.stdout), checks, question)
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
		_print_catalogue(_console(sys.stdout), known)
	else:
		entries = [_entry(kpi) for kpi in known]
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
		console = _console(sys.stdout)
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
	_print_values(console, values, shown, chosen, masters)
	with asked.opened("Making the scorecard …") as (database, question, _):
		write(database, question, chosen, page, "en", note="Synthetic data: no such company exists.")


def _write_demo_database(company: Any, path: Path) -> None:
	from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

	from sales_kpi.demo.write import write_duckdb

	rows = company.invoice_count * (14 if company.has_funnel else 9) + 700  # about
	columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
	console = _console(sys.stderr)
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


def _printable(text: str) -> str:
	"""A text without control characters, which could do anything to a terminal."""
	return re.sub(r"[\x00-\x1f\x7f-\x9f]", "�", text)


def _named(scope: str) -> str:
	return _printable(scope) if scope else UNASSIGNED


def _number(value: float, decimals: int) -> str:
	text = f"{value:,.{decimals}f}"
	if text.strip("-0.,") == "":
		text = text.lstrip("-")
	return text.replace("-", "−")


def _duration(seconds: float) -> str:
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
		return _duration(value)
	return _number(value, decimals)


def _unit_title(unit: Unit, currency: str | None) -> str:
	"""What a KPI's title needs beside it, so that its cells hold nothing but numbers."""
	if unit is Unit.CURRENCY_PER_DAY:
		return f"{currency or 'currency'} per day"
	if unit is Unit.CURRENCY:
		return currency or ""
	return "days" if unit is Unit.DAYS else ""


# For people: tables


def _console(stream: TextIO) -> Console:
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


def _print_values(
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
	line = Text(_printable(question.company), style="bold")
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


def _print_documents(console: Console, found: DocumentList, question: Question) -> None:
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
		"Document": [_printable(row["document"]) for row in rows],
		"Type": [row["doctype"] for row in rows],
		"Salesperson": [_named(row["sales_person"]) for row in rows],
		"Territory": [_printable(row["territory"]) for row in rows],
		"Source": [_printable(row["source"]) for row in rows],
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


def _print_checks(console: Console, checks: Sequence[Check], question: Question) -> None:
	"""Faults first, each with what suffers and what to do; what is fine in one line."""
	from rich import box
	from rich.table import Table
	from rich.text import Text

	from sales_kpi import catalogue

	known = catalogue.kpis()
	console.print(
		Text(_printable(question.company), style="bold").append(f" · data quality as of {question.as_of}")
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
		such_as = (
			f" Such as {', '.join(map(_printable, check['examples'][:2]))}." if check["examples"] else ""
		)
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


def _entry(kpi: Kpi) -> dict[str, Any]:
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


def _print_catalogue(console: Console, known: Sequence[Kpi]) -> None:
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


if __name__ == "__main__":
	main()
