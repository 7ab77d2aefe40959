"""The command line, by literal answers: what it prints, where, and how it says no."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import example
import pytest
from tables import OWN, make
from typer.testing import CliRunner

from sales_kpi import catalogue, cli, terminal
from sales_kpi.demo.company import SCHEMAS, SITE_KINDS

try:
	runner = CliRunner(mix_stderr=False)  # type: ignore[call-arg]
except TypeError:  # newer ones never mix
	runner = CliRunner()

ASKED = [
	"--company",
	"A",
	"--from",
	"2025-01-01",
	"--to",
	"2025-05-31",
	"--as-of",
	"2025-06-30",
	"--churn-after-days",
	"30",
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
	"""The worked example as an SQLite file."""
	path = tmp_path_factory.mktemp("worked") / "example.db"
	make(f"sqlite:///{path}", example.ROWS)
	return path


@pytest.fixture
def source(database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
	monkeypatch.delenv("SALES_KPI_SOURCE", raising=False)
	return f"sqlite:///{database}"


def run(*args: str, width: int = 80, **environment: str) -> Any:
	return runner.invoke(
		cli.app, list(args), env={"COLUMNS": str(width), **environment}, prog_name="sales-kpi"
	)


def answered(*args: str, **options: Any) -> str:
	result = run(*args, **options)
	assert (result.exit_code, result.stderr) == (0, ""), result.stderr
	return str(result.stdout)


def refused(*args: str) -> str:
	"""The one sentence that a request gets which can't be answered."""
	result = run(*args)
	assert result.exit_code == 2
	assert result.stdout == ""
	assert result.stderr.startswith("Error: ")
	assert result.stderr.count("\n") == 1
	return str(result.stderr)[len("Error: ") : -1]


def command(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
	"""The command as a process of its own."""
	return subprocess.run(
		[sys.executable, "-m", "sales_kpi.cli", *args],
		capture_output=True,
		encoding="utf-8",
		check=False,
		**options,
	)


def computed(source: str, *args: str) -> list[dict[str, Any]]:
	def no_nan(constant: str) -> None:
		raise AssertionError(constant)

	text = answered("compute", "--source", source, *ASKED, "--format", "json", *args)
	return list(json.loads(text, parse_constant=no_nan))


# compute, for programs


def test_json_has_exactly_the_promised_fields(source: str) -> None:
	text = answered(
		"compute",
		"--source",
		source,
		*ASKED,
		"--every",
		"range",
		"--kpi",
		"average_deal_value",
		"--format",
		"json",
	)
	assert text == (
		"[\n"
		'{"kpi": "average_deal_value", "period_start": "2025-01-01", "period_end": "2025-05-31", "company": "A", '
		'"by": "company", "scope": "A", "value": 575.0, "numerator": 2300.0, "denominator": 4.0, "n": 4.0, '
		'"complete": true, "reason": null, "estimated": 0.0, "unit": "currency", "currency": "EUR"}'
		"\n]\n"
	)


def test_what_is_missing_is_null(source: str) -> None:
	first = computed(source, "--kpi", "average_deal_value")[0]
	assert (first["value"], first["reason"], first["n"]) == (None, "no-records", 0.0)


@pytest.mark.parametrize("by", ["company", "sales-person"])
def test_the_worked_example(source: str, by: str) -> None:
	values = computed(source, "--by", by)
	for kpi, of, scope, cells in example.CELLS:
		if of == by:
			found = [row["value"] for row in values if (row["kpi"], row["scope"]) == (kpi, scope)]
			assert found == pytest.approx(cells, abs=1e-9), (kpi, scope)


def test_csv_has_the_same_columns(source: str) -> None:
	text = answered(
		"compute", "--source", source, *ASKED, "--every", "quarter", "--kpi", "deals,average_deal_value",
		"--by", "sales-person", "--format", "csv",
	)  # fmt: skip
	assert text == (
		"kpi,period_start,period_end,company,by,scope,value,numerator,denominator,n,complete,reason,estimated,unit,"
		"currency\n"
		"deals,2025-01-01,2025-03-31,A,sales-person,Ann,0.6,,,0.6,true,,0.0,count,\n"
		"deals,2025-01-01,2025-03-31,A,sales-person,Bob,1.4,,,1.4,true,,0.0,count,\n"
		"deals,2025-01-01,2025-03-31,A,sales-person,,1.0,,,1.0,true,,0.0,count,\n"
		"deals,2025-04-01,2025-05-31,A,sales-person,Ann,1.0,,,1.0,false,too-early,0.0,count,\n"
		"deals,2025-04-01,2025-05-31,A,sales-person,Bob,0.0,,,0.0,false,too-early,0.0,count,\n"
		"deals,2025-04-01,2025-05-31,A,sales-person,,0.0,,,0.0,false,too-early,0.0,count,\n"
		"average_deal_value,2025-01-01,2025-03-31,A,sales-person,Ann,800.0,480.0,0.6,0.6,true,,0.0,currency,EUR\n"
		"average_deal_value,2025-01-01,2025-03-31,A,sales-person,Bob,585.7142857142858,820.0,1.4,1.4,true,,0.0,"
		"currency,EUR\n"
		"average_deal_value,2025-01-01,2025-03-31,A,sales-person,,300.0,300.0,1.0,1.0,true,,0.0,currency,EUR\n"
		"average_deal_value,2025-04-01,2025-05-31,A,sales-person,Ann,700.0,700.0,1.0,1.0,false,too-early,0.0,"
		"currency,EUR\n"
		"average_deal_value,2025-04-01,2025-05-31,A,sales-person,Bob,,0.0,0.0,0.0,false,no-records,0.0,"
		"currency,EUR\n"
		"average_deal_value,2025-04-01,2025-05-31,A,sales-person,,,0.0,0.0,0.0,false,no-records,0.0,currency,EUR\n"
	)


def test_kpis_can_be_repeated_or_separated_by_commas_and_keep_the_catalogues_order(source: str) -> None:
	values = computed(source, "--every", "range", "--kpi", "churn_rate, deals", "--kpi", "sales_volume")
	assert [row["kpi"] for row in values] == ["sales_volume", "deals", "churn_rate"]


def test_a_kpi_that_makes_no_sense_in_a_scope_is_left_out_with_a_note(source: str) -> None:
	result = run(
		"compute",
		"--source",
		source,
		*ASKED,
		"--by",
		"team",
		"--kpi",
		"customer_lifetime_value",
		"--format",
		"json",
	)
	assert (result.exit_code, result.stdout) == (0, "[]\n")
	assert result.stderr == (
		"Note: customer_lifetime_value makes no sense by team and is left out: it is measured by company, source.\n"
	)


def test_the_only_company_need_not_be_named(source: str) -> None:
	assert '"company": "A"' in answered("compute", "--source", source, "--kpi", "deals", "--format", "json")


def test_twelve_months_to_the_last_full_one_are_taken_when_no_day_is_said(source: str) -> None:
	def span(*args: str) -> tuple[str, str, int]:
		text = answered("compute", "--source", source, "--kpi", "deals", "--format", "json", *args)
		rows = json.loads(text)
		return rows[0]["period_start"], rows[-1]["period_end"], len(rows)

	assert span("--as-of", "2025-06-30") == ("2024-06-01", "2025-05-31", 12)
	assert span("--as-of", "2025-06-30", "--calendar", "jalali") == ("2024-06-21", "2025-06-21", 12)
	assert span("--to", "2025-05-10") == ("2024-06-01", "2025-05-10", 12)


def test_calendars_and_week_starts(source: str) -> None:
	def starts(*args: str) -> list[str]:
		return [row["period_start"] for row in computed(source, "--kpi", "deals", *args)]

	assert starts("--calendar", "jalali", "--every", "quarter") == ["2025-01-01", "2025-03-21"]
	assert starts("--calendar", "fiscal:04-01", "--every", "year") == ["2025-01-01", "2025-04-01"]
	assert starts("--every", "week", "--to", "2025-01-12") == ["2025-01-01", "2025-01-06"]
	assert starts("--every", "week", "--to", "2025-01-12", "--week-start", "saturday") == [
		"2025-01-01",
		"2025-01-04",
		"2025-01-11",
	]
	assert starts("--every", "week", "--to", "2025-01-12", "--week-start", "sunday") == [
		"2025-01-01",
		"2025-01-05",
		"2025-01-12",
	]


def test_the_source_may_stand_in_the_environment(source: str) -> None:
	result = run(
		"compute", *ASKED, "--kpi", "deals", "--every", "range", "--format", "json", SALES_KPI_SOURCE=source
	)
	assert json.loads(result.stdout)[0]["value"] == 4


def test_options_win_over_the_settings_file(source: str, tmp_path: Path) -> None:
	path = tmp_path / "settings.toml"
	path.write_text("churn_after_days = 30\nconversion_window_days = 10\n")

	def value(kpi: str, *args: str) -> Any:
		text = answered(
			"compute", "--source", source, "--company", "A", "--from", "2025-01-01", "--to", "2025-01-31", "--as-of",
			"2025-06-30", "--kpi", kpi, "--format", "json", "--settings", str(path), *args,
		)  # fmt: skip
		return json.loads(text)[0]["value"]

	assert value("lead_conversion_rate") == 0
	assert value("lead_conversion_rate", "--conversion-window-days", "60") == 0.5


def test_every_script_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
	names = ["شرکت الف", "A' OR 1=1 --", "back\\slash", "[bold]x[/bold] :smile:"]
	url = f"sqlite:///{tmp_path / 'names.db'}"
	rows: dict[str, list[dict[str, Any]]] = example.ROWS | {
		"Company": [{"name": name, "default_currency": "IRR"} for name in names],
		"Sales Invoice": [
			row | {"company": names[number], "name": f"SI-{number}", "base_net_total": number + 1}
			for number, row in enumerate(example.ROWS["Sales Invoice"][:1] * len(names))
		],
	}
	make(url, rows)
	asked = ["--source", url, "--from", "2025-01-01", "--to", "2025-12-31", "--every", "range"]
	for number, name in enumerate(names):
		text = answered("compute", *asked, "--company", name, "--kpi", "sales_volume", "--format", "json")
		assert name in text or "\\" in name
		assert [(row["company"], row["value"]) for row in json.loads(text)] == [(name, number + 1)]
		assert name in answered("compute", *asked, "--company", name, width=160)
	assert (
		refused("compute", *asked)
		== f"Say which company, by --company. There are: {', '.join(map(repr, sorted(names)))}."
	)


# compute, for people


def test_the_table_of_a_company(source: str) -> None:
	text = answered(
		"compute", "--source", source, *ASKED, "--kpi",
		"sales_volume,average_deal_value,lead_conversion_rate,sales_cycle,customer_acquisition_cost,calls",
	)  # fmt: skip
	assert [line.rstrip() for line in text.splitlines()] == [
		"A · 2025-01-01 – 2025-05-31 · read as of 2025-06-30",
		"",
		"                         January  February  March  April   May",
		"KPI                         2025      2025   2025   2025  2025",
		"──────────────────────────────────────────────────────────────",
		"Sales volume  EUR              0     1,800   −200    700     0",
		"Average deal value  EUR        –       600      –    700     –",
		"Lead conversion rate      50.0 %         –      –     –¹    –¹",
		"Sales cycle  days             25         –      –      –     –",
		"Calls                          0         0      0      0     0",
		"",
		"– nothing to measure",
		"–¹ too early: the period, and 90 days after it, must be over",
		"",
		"Not measured here (1)",
		"Customer acquisition cost: needs accounts that acquisition cost is booked on:",
		"name them by --acquisition-account or in the settings file",
	]


def test_the_table_of_salespeople(source: str) -> None:
	text = answered(
		"compute", "--source", source, *ASKED, "--by", "sales-person", "--kpi", "deals,lead_conversion_rate"
	)
	assert [line.rstrip() for line in text.splitlines()] == [
		"A · 2025-01-01 – 2025-05-31 · by salesperson · read as of 2025-06-30",
		"",
		"Deals",
		"              January  February  March  April   May",
		"Salesperson      2025      2025   2025   2025  2025",
		"───────────────────────────────────────────────────",
		"Ann               0.0       0.6    0.0    1.0   0.0",
		"Bob               0.0       1.4    0.0    0.0   0.0",
		"(unassigned)      0.0       1.0    0.0    0.0   0.0",
		"",
		"Lead conversion rate",
		"              January  February  March  April   May",
		"Salesperson      2025      2025   2025   2025  2025",
		"───────────────────────────────────────────────────",
		"Ann            50.0 %         –      –     –¹    –¹",
		"Bob                –²        –²     –²     –²    –²",
		"(unassigned)        –         –      –     –¹    –¹",
		"",
		"– nothing to measure",
		"–¹ too early: the period, and 90 days after it, must be over",
		"–² no user maps here: map one in the settings file, or fill in the Employee of",
		"the Sales Person",
	]


def test_the_table_of_one_period_has_the_kpis_as_columns(source: str) -> None:
	text = answered(
		"compute",
		"--source",
		source,
		*ASKED,
		"--by",
		"team",
		"--every",
		"range",
		"--kpi",
		"sales_volume,deals,churn_rate",
	)
	assert [line.rstrip() for line in text.splitlines()] == [
		"A · 2025-01-01 – 2025-05-31 · by team · read as of 2025-06-30",
		"",
		"            Sales volume",
		"Team                 EUR  Deals  Churn rate",
		"───────────────────────────────────────────",
		"Sales Team         2,000      3     100.0 %",
		"",
	]


def test_what_is_not_final_says_so(source: str) -> None:
	def table(first: str, last: str) -> list[str]:
		days = ["--from", first, "--to", last, "--as-of", "2025-02-15"]
		text = answered("compute", "--source", source, *days, "--kpi", "deals,lead_conversion_rate")
		return [line.rstrip() for line in text.splitlines()]

	assert table("2025-01-20", "2025-02-28") == [
		"A · 2025-01-20 – 2025-02-28 · read as of 2025-02-15",
		"",
		"                           January  February",
		"                              2025      2025",
		"KPI                        in part    so far",
		"────────────────────────────────────────────",
		"Deals                            0         2",
		"Lead conversion rate  so far 0.0 %        –¹",
		"",
		"so far: not final, because the period, or the 90 days after it in which leads",
		"and quotations may convert, isn't over",
		"in part: the days asked for hold only a part of the period",
		"–¹ too early: the period, and 90 days after it, must be over",
	]
	assert table("2025-01-01", "2025-01-31")[2:6] == [
		"                            January",
		"KPI                            2025",
		"───────────────────────────────────",
		"Deals                             0",
	]
	assert table("2025-01-01", "2025-01-31")[6] == "Lead conversion rate  so far 50.0 %"


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("by", ["company", "sales-person", "team", "territory", "source"])
@pytest.mark.parametrize("every", ["day", "month", "range"])
def test_no_table_is_wider_than_the_terminal(source: str, width: int, by: str, every: str) -> None:
	text = answered("compute", "--source", source, *ASKED, "--by", by, "--every", every, width=width)
	assert max(len(line) for line in text.splitlines()) <= width


def test_names_cannot_give_the_terminal_orders(tmp_path: Path) -> None:
	url = f"sqlite:///{tmp_path / 'x.db'}"
	make(
		url,
		example.ROWS
		| {"Sales Person": [{"name": "\x1b[2JEve", "is_group": 0, "enabled": 1, "lft": 1, "rgt": 2}]},
	)
	text = answered("compute", "--source", url, *ASKED, "--by", "sales-person", "--every", "range")
	assert "\x1b" not in text
	assert "�[2JEve" in text


@pytest.mark.parametrize(
	("seconds", "text"),
	[
		(0, "0 s"), (59.4, "59 s"), (61, "1m 01s"), (3599.6, "1h 00m"), (18_060, "5h 01m"), (172_740, "47h 59m"),
		(302_400, "3d 12h"), (-61, "−1m 01s"),
	],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
	assert terminal.duration(seconds) == text


# documents


def test_documents_add_up_to_the_figure(source: str) -> None:
	asked = ["--source", source, *ASKED, "--kpi", "sales_volume", "--by", "sales-person", "--scope", "Ann"]
	rows = json.loads(answered("documents", *asked, "--format", "json"))
	assert [(row["document"], row["day"], row["contribution"]) for row in rows] == [
		("SI-1", "2025-02-03", 600),
		("SI-3", "2025-03-02", -120),
		("SI-5", "2025-04-20", 700),
	]
	assert list(rows[0]) == [
		"part", "fact", "doctype", "document", "day", "since", "sales_person", "territory", "source", "quantity", "amount",
		"contribution",
	]  # fmt: skip
	text = answered("documents", *asked)
	assert [line.rstrip() for line in text.splitlines()] == [
		"A · 2025-01-01 – 2025-05-31 · by salesperson · read as of 2025-06-30",
		"",
		"Sales volume of Ann: 1,180 EUR",
		"Sales volume = A(sale) + A(credit_note)",
		"",
		"Documents",
		"Day         Document  Type           Salesperson  Quantity  Amount  Counts as",
		"─────────────────────────────────────────────────────────────────────────────",
		"2025-02-03  SI-1      Sales Invoice  Ann               0.6     600        600",
		"2025-03-02  SI-3      Sales Invoice  Ann               0.6    −120       −120",
		"2025-04-20  SI-5      Sales Invoice  Ann               1.0     700        700",
		"",
		"Sum                                                                     1,180",
	]


def test_documents_of_nobody(source: str) -> None:
	asked = ["--source", source, *ASKED, "--kpi", "sales_volume", "--by", "sales-person", "--format", "csv"]
	expected = (
		"part,fact,doctype,document,day,since,sales_person,territory,source,quantity,amount,contribution\n"
		"value,sale,Sales Invoice,SI-4,2025-02-10,,,,,1.0,300.0,300.0\n"
	)
	assert answered("documents", *asked, "--scope", "(unassigned)") == expected
	assert answered("documents", *asked, "--scope", "") == expected


def test_a_figure_without_documents(source: str) -> None:
	text = answered("documents", "--source", source, *ASKED, "--kpi", "win_rate")
	assert "Win rate: –\n" in text
	assert text.endswith("No document is behind it.\n")


# quality and kpis


def test_quality(source: str) -> None:
	asked = ["--source", source, "--company", "A", "--as-of", "2025-06-30"]
	checks = {check["name"]: check for check in json.loads(answered("quality", *asked, "--format", "json"))}
	without_team = checks["invoices_without_team"]
	assert list(without_team) == [
		"name",
		"title",
		"doctype",
		"count",
		"of",
		"share",
		"kpis",
		"fix",
		"examples",
	]
	assert (without_team["count"], without_team["of"], without_team["share"]) == (1, 5, 0.2)
	assert without_team["examples"] == ["SI-4"]
	text = answered("quality", *asked)
	assert "Invoices without a Sales Team" in text
	assert " 1 of 5   20.0 %" in text
	assert "Looked for and not found (" in text
	head = answered("quality", *asked, "--format", "csv").splitlines()[0]
	assert head == "name,title,doctype,count,of,share,kpis,fix,examples"


def test_the_catalogue() -> None:
	entries = {entry["name"]: entry for entry in json.loads(answered("kpis", "--format", "json"))}
	assert len(entries) >= 26
	assert {
		key: entries["lead_conversion_rate"][key]
		for key in ("title", "formula", "unit", "direction", "scopes")
	} == {
		"title": "Lead conversion rate",
		"formula": "Q(lead_conversion begun in the period, within H days) / Q(lead)",
		"unit": "percent",
		"direction": "up",
		"scopes": ["company", "sales-person", "team", "territory", "source"],
	}
	assert entries["customer_acquisition_cost"]["needs"][0] == "accounts that acquisition cost is booked on"
	assert entries["average_call_duration"]["direction"] is None
	text = answered("kpis")
	assert all(entry["title"] in text and name in text for name, entry in entries.items())


# scorecard and demo


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
	"""A scorecard that only notes what it was asked."""
	asked: list[tuple[Any, ...]] = []

	def write(
		source: Any, question: Any, settings: Any, path: Path, language: str, note: str | None = None
	) -> None:
		asked.append((question, settings, language, note))
		Path(path).write_text("page")

	module = types.ModuleType("sales_kpi.scorecard.write")
	module.write = write  # type: ignore[attr-defined]
	monkeypatch.setitem(sys.modules, "sales_kpi.scorecard.write", module)
	return asked


def test_the_scorecard_is_written(source: str, stub: list[tuple[Any, ...]], tmp_path: Path) -> None:
	page = tmp_path / "card.html"
	page.write_text("an older one")
	text = answered(
		"scorecard",
		"--source",
		source,
		*ASKED,
		"--out",
		str(page),
		"--language",
		"fa",
		"--calendar",
		"jalali",
	)
	assert text == f"Scorecard: {page}\n"
	question, settings, language, note = stub[0]
	assert (question.company, question.calendar.kind, settings.churn_after_days) == ("A", "jalali", 30)
	assert (language, note) == ("fa", None)
	assert page.read_text() == "page"
	assert [path.name for path in tmp_path.iterdir()] == ["card.html"]


def test_a_scorecard_that_fails_leaves_the_former_one(
	source: str, stub: list[tuple[Any, ...]], tmp_path: Path
) -> None:
	page = tmp_path / "card.html"
	page.write_text("an older one")
	refused("scorecard", "--source", source, "--company", "Z", "--out", str(page))
	assert page.read_text() == "an older one"
	assert [path.name for path in tmp_path.iterdir()] == ["card.html"]


@pytest.mark.parametrize(
	("out", "reason"),
	[
		("none/card.html", "No such file or directory."),
		("folder", "it is a folder. Name a file, such as {folder}/scorecard.html."),
		("file/card.html", "Not a directory."),
	],
)
def test_an_out_that_cannot_be_written(
	source: str, stub: list[tuple[Any, ...]], tmp_path: Path, out: str, reason: str
) -> None:
	(tmp_path / "folder").mkdir()
	(tmp_path / "file").touch()
	path = tmp_path / out
	assert refused("scorecard", "--source", source, *ASKED, "--out", str(path)) == (
		f"{path} can't be written: {reason.format(folder=path)}"
	)
	assert stub == []


def demo(folder: Path, *args: str) -> Any:
	return run("demo", "--out", str(folder), "--invoices", "200", "--until", "2026-06-30", *args)


def test_the_demo(stub: list[tuple[Any, ...]], tmp_path: Path) -> None:
	folder = tmp_path / "made" / "demo"
	result = demo(folder)
	assert (result.exit_code, result.stderr) == (0, "")
	lines = result.stdout.splitlines()
	assert lines[0] == "A demo company, Alpha Trading: all of it is synthetic data."
	assert "Alpha Trading · 2026-04-01 – 2026-06-30 · read as of 2026-06-30" in lines
	assert lines[-4:] == [
		"All of this is synthetic data.",
		f"Settings:    {folder / 'settings.toml'}",
		f"Database:    {folder / 'demo.duckdb'}",
		f"Scorecard:   {folder / 'scorecard.html'}",
	]
	assert sorted(path.name for path in folder.iterdir()) == [
		"demo.duckdb",
		"scorecard.html",
		"settings.toml",
	]
	assert (folder / "settings.toml").read_text().startswith("# Synthetic data")
	assert (stub[0][0].every.value, str(stub[0][0].first)) == ("month", "2025-07-01")
	assert stub[0][3] == "Synthetic data: no such company exists."
	again = answered(
		"compute", "--source", f"duckdb:///{folder / 'demo.duckdb'}", "--settings", str(folder / "settings.toml"),
		"--company", "Alpha Trading", "--as-of", "2026-06-30", "--to", "2026-06-30", "--from", "2026-04-01",
	)  # fmt: skip
	assert again.strip() in result.stdout


def test_a_demo_replaces_a_former_one(stub: list[tuple[Any, ...]], tmp_path: Path) -> None:
	assert demo(tmp_path).exit_code == 0
	first = (tmp_path / "demo.duckdb").stat().st_ino
	assert demo(tmp_path, "--site-kind", "three-weeks", "--schema", "16", "--seed", "3").exit_code == 0
	assert (tmp_path / "demo.duckdb").stat().st_ino != first
	assert stub[1][0].every.value == "week"
	assert str(stub[1][0].first) == "2026-06-10"
	assert len(list(tmp_path.iterdir())) == 3


def test_a_demo_never_replaces_what_it_did_not_write(stub: list[tuple[Any, ...]], tmp_path: Path) -> None:
	(tmp_path / "settings.toml").write_text("churn_after_days = 3")
	result = demo(tmp_path)
	assert result.exit_code == 2
	assert result.stderr == (
		f"Error: {tmp_path / 'settings.toml'} exists and isn't the demo's own: choose another folder with --out.\n"
	)
	assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_a_demo_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
	module = types.ModuleType("sales_kpi.scorecard.write")

	def write(*args: Any, **more: Any) -> None:
		raise OSError(28, "No space left on device")

	module.write = write  # type: ignore[attr-defined]
	monkeypatch.setitem(sys.modules, "sales_kpi.scorecard.write", module)
	result = demo(tmp_path / "demo")
	assert result.exit_code == 2
	assert result.stderr == "Error: The answer can't be written: no space is left on the device.\n"
	assert list(tmp_path.iterdir()) == []


def test_the_demo_knows_all_kinds_and_versions() -> None:
	assert tuple(kind.value for kind in cli.SiteKind) == SITE_KINDS
	assert tuple(version.value for version in cli.SchemaVersion) == SCHEMAS


@pytest.mark.parametrize(
	("args", "sentence"),
	[
		(["--invoices", "3"], "The demo can't be made: invoices must be 50 or more: the stories need room."),
		(["--until", "June"], "--until 'June' is no date: write it like 2026-01-31."),
	],
)
def test_a_demo_that_cannot_be_made(tmp_path: Path, args: list[str], sentence: str) -> None:
	result = demo(tmp_path / "demo", *args)
	assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {sentence}\n")
	assert list(tmp_path.iterdir()) == []


def test_a_real_scorecard(source: str, tmp_path: Path) -> None:
	page = tmp_path / "card.html"
	answered("scorecard", "--source", source, *ASKED, "--out", str(page))
	assert "<html" in page.read_text(encoding="utf-8")


# Bad input

REFUSED: list[tuple[list[str], str]] = [
	(["--company", "B"], "There is no company 'B'. There are: 'A'."),
	(
		["--kpi", "sales_volum"],
		"There is no KPI 'sales_volum'. Did you mean sales_volume or sales_cycle or average_deal_value?",
	),
	(["--kpi", ","], "--kpi names no KPI; `sales-kpi kpis` lists them."),
	(["--acquisition-account", "Ads"], "There is no Account 'Ads'; the database has none at all."),
	(
		["--calendar", "julian"],
		"There is no calendar 'julian': write gregorian, jalali, or fiscal:MM-DD with the day on which the fiscal year "
		"begins, such as fiscal:04-01.",
	),
	(["--from", "2025-06-01"], "The range is empty: 2025-06-01 is after 2025-05-31."),
	(["--from", "2025-02-30"], "--from '2025-02-30' is no date: write it like 2026-01-31."),
	(["--to", "20250531"], "--to '20250531' is no date: write it like 2026-01-31."),
	(["--to", "۲۰۲۵-۰۵-۳۱"], "--to '۲۰۲۵-۰۵-۳۱' is no date: write it like 2026-01-31."),
	(["--as-of", "1404-03-10"], "--as-of 1404-03-10 looks like a Jalali date: write the Gregorian one, 2025-05-31."),
	(
		["--to", "9999-12-31"],
		"--to 9999-12-31 is out of reach: dates from 1900-01-01 to 2199-12-31 can be asked for.",
	),
	(["--churn-after-days", "0"], "churn_after_days must be at least 1, not 0."),
	(["--conversion-window-days", "-1"], "conversion_window_days must be 0 or more, not -1."),
	(["--settings", "none.toml"], "The settings file none.toml can't be read: No such file or directory."),
	(["--source", "nowhere"], "'nowhere' is no database URL. Write it like mysql+pymysql://user:password@host/database or duckdb:///file.duckdb."),
	(["--source", "sqlite:///none.db"], "There is no file none.db."),
	(
		["--source", "oracle://u:geheim@h/x"],
		"ERPNext's tables can be read from MariaDB, MySQL, PostgreSQL, SQLite and DuckDB, not from oracle.",
	),
	(["--scope", "Ann"], "No such option: --scope"),
	(["--every", "fortnight"], "Invalid value for '--every': 'fortnight' is not one of"),
	(["--churn-after-days", "many"], "Invalid value for '--churn-after-days': "),
	(["more"], "Got unexpected extra argument"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "sentence"), REFUSED, ids=[" ".join(args) for args, _ in REFUSED])
@pytest.mark.parametrize("format", ["table", "json"])
def test_bad_input_gets_one_sentence(source: str, args: list[str], sentence: str, format: str) -> None:
	said = refused("compute", "--source", source, *ASKED, "--format", format, *args)
	assert said.startswith(sentence)
	assert said == sentence or said.endswith("`sales-kpi compute --help` explains it.")


@pytest.mark.parametrize(
	("args", "sentence"),
	[
		(["--by", "team", "--kpi", "deals"], "Say whose documents, by --scope: the name of a team."),
		(
			["--by", "sales-person", "--kpi", "deals", "--scope", "Anne"],
			"There is no sales-person 'Anne'. Did you mean 'Ann'?",
		),
		(["--kpi", "deals", "--scope", "B"], "There is no company 'B'. There are: 'A'."),
		(
			["--kpi", "deals,orders"],
			"--kpi 'deals,orders' isn't one KPI: documents are listed for one at a time.",
		),
		(
			["--by", "team", "--scope", "Sales Team", "--kpi", "customer_lifetime_value"],
			"Customer lifetime value is not measured by team, only by company, source.",
		),
	],
)
def test_documents_that_cannot_be_listed(source: str, args: list[str], sentence: str) -> None:
	assert refused("documents", "--source", source, *ASKED, *args) == sentence


def test_the_commands_own_usage_errors(source: str) -> None:
	assert refused("compute").startswith("Missing option '--source'")
	assert refused("conpute").startswith("No such command 'conpute'.")
	assert refused("--nonsense").startswith("No such option: --nonsense")


def test_settings_that_are_wrong(source: str, tmp_path: Path) -> None:
	path = tmp_path / "settings.toml"
	path.write_text("churn_after = 3")
	assert refused("quality", "--source", source, "--settings", str(path)) == (
		f"In the settings file {path}: There is no setting 'churn_after'; did you mean churn_after_days?"
	)
	path.write_text('[[mapping]]\nuser = "u"\nsales_person = "Anne"\n')
	assert refused("quality", "--source", source, "--settings", str(path)) == (
		"There is no Sales Person 'Anne'. Did you mean 'Ann'?"
	)


def test_databases_that_hold_no_erpnext(tmp_path: Path) -> None:
	path = tmp_path / "other.db"
	with sqlite3.connect(path) as connection:
		connection.execute("CREATE TABLE person (name TEXT)")
	assert refused("compute", "--source", f"sqlite:///{path}") == (
		f"sqlite:///{path} holds no ERPNext: it has no table tabCompany, tabCustomer, tabSales Invoice, "
		"tabSales Person, tabSales Team."
	)
	path.write_bytes(b"no database at all, but long enough to look at")
	assert refused("compute", "--source", f"sqlite:///{path}") == (
		f"The database sqlite:///{path} can't be read: file is not a database"
	)
	assert refused("compute", "--source", f"duckdb:///{path}").startswith(
		f"The database duckdb:///{path} can't be read: "
	)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
	path = tmp_path / "old.db"
	make(f"sqlite:///{path}", example.ROWS)
	with sqlite3.connect(path) as connection:
		connection.execute('ALTER TABLE "tabSales Invoice" DROP COLUMN base_net_total')
	assert refused("compute", "--source", f"sqlite:///{path}") == (
		"Table tabSales Invoice has no column base_net_total: ERPNext 15 and 16 have one."
	)


def test_absent_tables_are_noted_and_stdout_stays_clean(tmp_path: Path) -> None:
	url = f"sqlite:///{tmp_path / 'partial.db'}"
	make(url, example.ROWS, without=(*OWN, "Call Log", "Event"))
	result = run("compute", "--source", url, *ASKED, "--kpi", "calls", "--every", "range", "--format", "csv")
	assert result.exit_code == 0
	assert result.stdout.splitlines()[1:] == [
		"calls,2025-01-01,2025-05-31,A,company,A,0.0,,,0.0,true,,0.0,count,"
	]
	assert result.stderr == (
		"Note: The database has no table tabCall Log, tabEvent: what would stand there counts as nothing.\n"
	)


SECRET_URLS = [
	"mysql://u:geheim@127.0.0.1:1/x",
	"postgres://u:geheim@127.0.0.1:1/x",
	"mysql://u:geheim@127.0.0.1:port/x",
	"mysql//u:geheim@127.0.0.1/x",
	"mysql+nodriver://u:geheim@127.0.0.1/x",
	"mysql://u@127.0.0.1:1/x?password=geheim",
	"mysql://u:pass@geheim/@127.0.0.1:1/x",
	"mysql://u:%67eheim@127.0.0.1:1/x",
]


@pytest.mark.parametrize("url", SECRET_URLS)
@pytest.mark.parametrize("how", ["option", "environment", "debug"])
def test_a_password_is_never_printed(url: str, how: str) -> None:
	debug = ["--debug"] if how == "debug" else []
	if how == "environment":
		result = run("compute", SALES_KPI_SOURCE=url)
	else:
		result = run(*debug, "compute", "--source", url)
	assert result.exit_code == 2
	assert "geheim" not in result.stderr + result.stdout
	assert ("Traceback" in result.stderr) == (how == "debug")


def test_a_driver_option_that_does_not_exist(source: str) -> None:
	assert refused("compute", "--source", "mysql://u@127.0.0.1:1/x?foo=1").endswith(
		"got an unexpected keyword argument 'foo'."
	)


def test_a_fault_of_the_program_is_one_sentence_too(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
	def fail(*args: Any) -> None:
		raise ZeroDivisionError("division\nby zero")

	monkeypatch.setattr("sales_kpi.analysis.values.compute", fail)
	result = run("compute", "--source", source, *ASKED)
	assert (result.exit_code, result.stdout) == (1, "")
	assert result.stderr == (
		"Error: This shouldn't happen (ZeroDivisionError: division by zero). Please report it to the maintainers of "
		"sales_kpi, with what you typed and what `sales-kpi --debug …` prints.\n"
	)
	result = run("--debug", "compute", "--source", source, *ASKED)
	assert result.exit_code == 1
	assert "Traceback" in result.stderr


# As a process


def test_help_is_quick_to_come() -> None:
	program = (
		"import sys; from sales_kpi import cli\n"
		"try: cli.main()\n"
		"except SystemExit: pass\n"
		"slow = {'pandas', 'numpy', 'sqlalchemy', 'duckdb', 'jinja2', 'frappe'} & set(sys.modules)\n"
		"print(sorted(slow))"
	)
	for args in (["--help"], ["compute", "--help"]):
		done = subprocess.run(
			[sys.executable, "-c", program, *args], capture_output=True, text=True, check=True
		)
		assert done.stdout.endswith("[]\n")


def test_the_command_as_people_type_it(source: str) -> None:
	done = command(
		"compute", "--source", source, *ASKED, "--kpi", "deals", "--every", "range", "--format", "csv"
	)
	assert (done.returncode, done.stderr) == (0, "")
	assert done.stdout.splitlines()[1] == "deals,2025-01-01,2025-05-31,A,company,A,4.0,,,4.0,true,,0.0,count,"
	done = command("compute", "--source", source, "--company", "B")
	assert (done.returncode, done.stdout) == (2, "")
	assert done.stderr == "Error: There is no company 'B'. There are: 'A'.\n"
	assert command("--version").stdout.startswith("sales-kpi 0.")
	assert "compute" in command().stdout


def test_every_script_is_printed_whatever_the_locale(tmp_path: Path) -> None:
	url = f"sqlite:///{tmp_path / 'fa.db'}"
	make(url, {"Company": [{"name": "شرکت", "default_currency": "IRR"}]})
	environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
	for format in ("table", "json"):
		done = command("compute", "--source", url, "--format", format, env=environment)
		assert done.returncode == 0, done.stderr
		assert "شرکت" in done.stdout


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_a_reader_who_goes_away_is_no_error(source: str, format: str) -> None:
	shell = 'exec "$@" | head -n 1'
	done = subprocess.run(
		["bash", "-c", shell, "-", sys.executable, "-m", "sales_kpi.cli", "compute", "--source", source, *ASKED,
		"--every", "day", "--by", "sales-person", "--format", format],
		capture_output=True, encoding="utf-8", check=True,
	)  # fmt: skip
	assert done.stdout.count("\n") == 1
	assert done.stderr == ""


def test_nothing_is_ever_written_to_the_source(source: str, database: Path) -> None:
	before = database.read_bytes()
	for args in (["compute"], ["quality"], ["documents", "--kpi", "deals"]):
		answered(*args, "--source", source)
	assert database.read_bytes() == before
	assert [path.name for path in database.parent.iterdir()] == ["example.db"]


# Analyses


def test_every_analysis_answers_in_every_format(source: str) -> None:
	for name, analysis in catalogue.analyses().items():
		rows = json.loads(answered("analyse", name, "--source", source, *ASKED, "--format", "json"))
		assert isinstance(rows, list)
		header, *lines = answered("analyse", name, "--source", source, *ASKED, "--format", "csv").splitlines()
		assert all(column in header for column in (rows[0] if rows else {}))
		assert len(lines) >= len(rows)
		assert analysis.title in answered("analyse", name, "--source", source, *ASKED)


def test_an_explanation_is_of_the_figures_that_compute_gives(source: str) -> None:
	days = ("--from", "2026-02-01", "--to", "2026-02-28", "--as-of", "2026-12-31")
	rows = json.loads(answered("analyse", "explanation", "--source", source, *days, "--format", "json"))
	change = next(row for row in rows if row["part"] == "Change")
	before, now = (
		row["value"]
		for row in computed(
			source, "--kpi", "sales_volume", "--from", "2026-01-01", *days[2:], "--every", "month"
		)
	)
	assert change["before"] == pytest.approx(before)
	assert change["now"] == pytest.approx(now)


def test_analyses_are_listed_with_their_options() -> None:
	told = answered("analyses")
	for name, analysis in catalogue.analyses().items():
		assert name in told
		assert all(f"--option {option}=" in told for option in analysis.options)


@pytest.mark.parametrize(
	("args", "sentence"),
	[
		(("explenation",), "Did you mean explanation"),
		(("explanation", "--option", "kpi"), "NAME=VALUE"),
		(("explanation", "--option", "colour=red"), "is none of explanation"),
		(("explanation", "--of", "team", "--scope", "Nobody"), "There is no team 'Nobody'"),
		(("explanation", "--option", "kpi=nonsense"), "no KPI 'nonsense'"),
	],
)
def test_a_wrong_question_to_an_analysis_is_one_sentence(
	source: str, args: tuple[str, ...], sentence: str
) -> None:
	assert sentence in refused("analyse", *args, "--source", source, *ASKED)
