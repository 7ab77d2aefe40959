"""The scorecard of the worked example, and what must hold for every scorecard."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import example
import pytest
import tables
from jinja2 import Environment
from jinja2.ext import extract_from_ast

import sales_kpi
from sales_kpi import catalogue
from sales_kpi.analysis.values import Question
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.periods import Calendar, Every, calendar_named
from sales_kpi.scorecard import charts
from sales_kpi.scorecard.charts import Frame, Point
from sales_kpi.scorecard.figures import Figures, figures
from sales_kpi.scorecard.words import Language, languages, translations
from sales_kpi.scorecard.write import html, render, write
from sales_kpi.sources.database import DatabaseSource

PACKAGE = Path(sales_kpi.__file__).parent
FEBRUARY = Question("A", date(2025, 2, 1), date(2025, 2, 28), as_of=date(2025, 6, 30))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[DatabaseSource]:
	yield from _source(tmp_path, example.ROWS)


def _source(folder: Path, rows: dict[str, list[dict[str, Any]]]) -> Iterator[DatabaseSource]:
	url = f"sqlite:///{folder / 'example.sqlite'}"
	tables.make(url, rows)
	with DatabaseSource(url) as source:
		yield source


def _as_of(day: date, last: date | None = None, **changes: Any) -> Question:
	return Question("A", date(2025, 1, 1), last or day, as_of=day, **changes)


class _Texts(HTMLParser):
	"""Texts by the id of the nearest element above that has one, and the cells of the table by row."""

	def __init__(self, page: str) -> None:
		super().__init__()
		self.by_id: dict[str, str] = {}
		self.rows: list[list[str]] = []
		self._ids: list[str] = []
		self._in_cell = False
		self.feed(page)

	def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
		if tag in ("meta", "link", "br", "path", "rect", "line"):
			return
		self._ids.append(dict(attrs).get("id") or (self._ids[-1] if self._ids else ""))
		if tag == "tr":
			self.rows.append([])
		self._in_cell = tag in ("td", "th") or (self._in_cell and tag not in ("tr", "p", "section"))
		if tag in ("td", "th"):
			self.rows[-1].append("")

	def handle_endtag(self, tag: str) -> None:
		if self._ids and tag not in ("path", "rect", "line"):
			self._ids.pop()
		if tag in ("td", "th"):
			self._in_cell = False

	def handle_data(self, data: str) -> None:
		text = " ".join(data.split())
		if not text or not self._ids:
			return
		self.by_id[self._ids[-1]] = f"{self.by_id.get(self._ids[-1], '')} {text}".strip()
		if self._in_cell:
			self.rows[-1][-1] = f"{self.rows[-1][-1]} {text}".strip()


def _card(page: str, kpi: str) -> str:
	return _Texts(page).by_id[f"kpi-{kpi}"].replace("\u202f", " ")


# The worked example


@pytest.mark.parametrize(
	("kpi", "words"),
	[
		("sales_volume", ("1,800 EUR", "+1,800 on January", "3 deals")),
		("average_deal_value", ("600 EUR", "no figure of January to compare with", "too few to judge")),
		("new_customers", ("2 ▲ +2 on January",)),
		("churn_rate", ("0.0 %", "0 of 2 customers", "known 30 days after the last purchase")),
		("customer_lifetime_value", ("900 EUR", "2 customers")),
		("repeat_rate", ("33.3 %", "1 of 3 deals")),
		("deals", ("3 ▲ +3 on January",)),
	],
)
def test_cards_show_the_worked_example(source: DatabaseSource, kpi: str, words: tuple[str, ...]) -> None:
	card = _card(render(source, FEBRUARY, example.SETTINGS), kpi)
	for word in words:
		assert word in card


def test_the_table_shows_salespeople_unassigned_and_total(source: DatabaseSource) -> None:
	rows = {row[0]: row[1:] for row in _Texts(render(source, FEBRUARY, example.SETTINGS)).rows}
	assert list(rows) == ["Salesperson", "Bob", "Ann", "Unassigned", "Company total"]
	assert rows["Salesperson"][:2] == ["Volume EUR", "Deals"]
	assert rows["Bob"][:2] == ["900", "1.4"]
	assert rows["Ann"][:2] == ["600", "0.6"]
	assert rows["Unassigned"][:2] == ["300", "1"]
	assert rows["Company total"][:2] == ["1,800", "3"]
	assert rows["Ann"][2] == "1 of 2 *", "the last leads that had their time are those of January"


def test_teams_stand_above_their_salespeople(tmp_path: Path) -> None:
	rows = copy.deepcopy(example.ROWS)
	tree = [("Sales Team", "", 1, 1, 10), ("East", "Sales Team", 1, 2, 5), ("Ann", "East", 0, 3, 4)]
	tree += [("West", "Sales Team", 1, 6, 9), ("Bob", "West", 0, 7, 8)]
	rows["Sales Person"] = [
		{"name": name, "parent_sales_person": above, "is_group": group, "enabled": 1, "lft": lft, "rgt": rgt}
		for name, above, group, lft, rgt in tree
	]
	rows["Sales Team"].append(
		{"parent": "SI-4", "parenttype": "Sales Invoice", "sales_person": "East", "allocated_percentage": 100}
	)
	for source in _source(tmp_path, rows):
		found = _Texts(render(source, FEBRUARY, example.SETTINGS)).rows
		assert [row[:2] for row in found[1:]] == [
			["East", "900"],
			["East (credited itself)", "300"],
			["Ann", "600"],
			["West", "900"],
			["Bob", "900"],
			["Unassigned", "0"],
			["Company total", "1,800"],
		]


def test_a_table_of_nobody_says_what_to_do(tmp_path: Path) -> None:
	rows = {**example.ROWS, "Sales Team": [], "Employee": []}
	for source in _source(tmp_path, rows):
		page = render(source, FEBRUARY, example.SETTINGS)
		assert "Most of the volume has no salesperson." in page
		assert "No user is mapped to a salesperson." in page


def test_what_has_no_value_is_listed_with_its_reason_and_fix(source: DatabaseSource) -> None:
	page = render(source, FEBRUARY, example.SETTINGS)
	missing = page[page.index('<details class="missing">') : page.index("</details>")]
	for words in (
		"Customer acquisition cost",
		"Name these accounts in the settings (acquisition_accounts).",
		"Win rate",
		"No opportunity was won or lost.",
		"There are no calls.",
		"Meetings",
		"Emails",
	):
		assert words in missing
	for measured in ("Sales volume", "Bookings", "Lead conversion rate"):
		assert f"<dt>{measured}</dt>" not in missing
	assert 'id="kpi-calls"' not in page, "a sum over records that nobody keeps is no zero"


def test_a_period_without_records_says_so(source: DatabaseSource) -> None:
	page = render(source, _as_of(date(2025, 6, 30), date(2020, 5, 5)), example.SETTINGS)
	assert "Nothing was recorded in this period." in page
	assert "<svg" not in page


# Honesty about time


def test_a_running_period_is_compared_with_the_same_day(source: DatabaseSource) -> None:
	running = _as_of(date(2025, 3, 3), date(2025, 3, 31))
	page = render(source, running, example.SETTINGS)
	assert "so far, 3 of 31 days" in page
	# By 3 February there was only SI-1 of 1,000; by 3 March only the return of 200.
	assert "−120% on February at the same day worse" in _card(page, "sales_volume").replace(" %", "%")
	assert 'id="hatch-' in page, "an incomplete bar is hatched"


def test_a_young_cohort_is_compared_at_the_same_age(source: DatabaseSource) -> None:
	page = render(source, _as_of(date(2025, 1, 31)), example.SETTINGS)
	card = _card(page, "lead_conversion_rate")
	assert "50.0 %" in card
	assert "so far, final on 1 May 2025" in card
	later = _card(
		render(source, _as_of(date(2025, 5, 1), date(2025, 1, 1)), example.SETTINGS), "lead_conversion_rate"
	)
	assert "so far" not in later


def test_periods_before_the_records_are_gaps(source: DatabaseSource) -> None:
	shown = figures(source, FEBRUARY, example.SETTINGS)
	assert shown.history.begins == 11, "January, in which the first lead came"
	assert shown.history.of("sales_volume")[:11] == [None] * 11
	first = figures(source, _as_of(date(2025, 1, 31)), example.SETTINGS)
	assert not first.before
	assert first.trend.every is Every.WEEK, "a young company is drawn in finer periods"


def test_a_period_that_has_not_begun_is_refused(source: DatabaseSource) -> None:
	with pytest.raises(InputError, match="begins after the day of reading"):
		render(source, _as_of(date(2025, 2, 1), date(2025, 3, 1)))


@pytest.mark.parametrize("every", [every for every in Every if every is not Every.RANGE])
@pytest.mark.parametrize("calendar", ["gregorian", "jalali", "fiscal:04-01"])
def test_every_length_and_calendar(source: DatabaseSource, every: Every, calendar: str) -> None:
	question = _as_of(date(2025, 2, 20), every=every, calendar=calendar_named(calendar))
	page = render(source, question, example.SETTINGS)
	assert "SI-" not in page
	assert Language().calendar(question.calendar) in page


def test_only_the_kpis_that_are_asked_for(source: DatabaseSource) -> None:
	page = render(source, _as_of(date(2025, 2, 28), kpis=("deals", "calls")), example.SETTINGS)
	assert set(re.findall(r'id="kpi-(\w+)"', page)) == {"deals"}
	assert "<dt>Calls</dt>" in page


# Safety


def test_names_are_escaped(tmp_path: Path) -> None:
	evil = "<script>alert(1)</script>"
	rows: dict[str, list[dict[str, Any]]] = {
		doctype: [{key: evil if value == "Ann" else value for key, value in row.items()} for row in given]
		for doctype, given in example.ROWS.items()
	}
	for source in _source(tmp_path, rows):
		page = render(source, FEBRUARY, example.SETTINGS, note="<b>bold</b> claim")
		assert "<script" not in page
		assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
		assert "<b>bold</b>" not in page


@pytest.mark.parametrize("language", languages())
def test_nothing_is_loaded_from_elsewhere(source: DatabaseSource, language: str) -> None:
	page = render(source, FEBRUARY, example.SETTINGS, language)
	assert not re.search(r"https?:|//\w|\bsrc=|@import|@font-face|<script|\son\w+=", page)
	assert set(re.findall(r"url\((.)", page)) <= {"#"}
	assert set(re.findall(r'href="([^"]*)"', page)) == {"data:,"}


def test_the_file_is_what_was_rendered(source: DatabaseSource, tmp_path: Path) -> None:
	write(source, FEBRUARY, example.SETTINGS, tmp_path / "a.html", "fa", note="Synthetic data")
	page = (tmp_path / "a.html").read_text(encoding="utf-8")
	assert page == render(source, FEBRUARY, example.SETTINGS, "fa", "Synthetic data")
	assert '<html lang="fa" dir="rtl">' in page
	assert "دادهٔ ساختگی" in page


def test_every_picture_is_named(source: DatabaseSource) -> None:
	page = render(source, FEBRUARY, example.SETTINGS)
	pictures = re.findall(r"<svg[^>]*>", page)
	assert pictures
	for picture in pictures:
		assert 'role="img"' in picture
		assert re.search(r'aria-label="[^"]{12,}"', picture)


# Language


def _strings() -> set[str]:
	"""All sentences that scorecards can contain: those marked in code and templates, and those of the KPIs."""
	found: set[str] = set()
	for path in (PACKAGE / "scorecard").glob("*.py"):
		for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
			if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
				continue
			name = getattr(node.func, "id", getattr(node.func, "attr", ""))
			if name in ("_", "translate") and isinstance(node.args[0].value, str):
				found.add(node.args[0].value)
	templates = PACKAGE / "templates"
	for path in [templates / "scorecard.html", *(templates / "scorecard").glob("*.html")]:
		tree = Environment().parse(path.read_text(encoding="utf-8"))
		for _, _, message in extract_from_ast(tree, ("_",)):
			text = message[0] if isinstance(message, tuple) else message
			found |= {text} if text else set()
	for kpi in catalogue.kpis().values():
		if type(kpi).__module__.startswith("sales_kpi"):
			found |= {kpi.title, kpi.meaning, kpi.moved_by, *kpi.beside}
	return found


@pytest.mark.parametrize("language", [language for language in languages() if language != "en"])
def test_every_sentence_is_translated(language: str) -> None:
	known = translations(language)
	assert len(_strings()) > 150
	assert not sorted(_strings() - set(known))
	for source, translation in known.items():
		assert sorted(re.findall(r"{\d}", source)) == sorted(re.findall(r"{\d}", translation)), source


@pytest.mark.parametrize("language", [language for language in languages() if language != "en"])
@pytest.mark.parametrize("day", [date(2025, 1, 20), date(2025, 2, 28), date(2025, 3, 3), date(2025, 6, 30)])
def test_no_sentence_stays_english(source: DatabaseSource, language: str, day: date) -> None:
	reader = Language(language)
	html(figures(source, _as_of(day), example.SETTINGS), reader)
	assert not reader.missing


def test_persian_pages_have_persian_digits(source: DatabaseSource) -> None:
	page = render(
		source, _as_of(date(2025, 2, 28), calendar=calendar_named("jalali")), example.SETTINGS, "fa"
	)
	texts = _Texts(re.sub(r"<style>.*?</style>|<code.*?</code>", "", page, flags=re.S)).by_id
	assert not re.search("[0-9]", " ".join(texts.values()))
	assert "اسفند ۱۴۰۳" in page


def test_an_unknown_language_is_refused() -> None:
	with pytest.raises(InputError, match="choose en or fa"):
		Language("xx")


@pytest.mark.parametrize(
	("value", "english", "persian"),
	[
		(0, "0", "۰"),
		(57.654, "57.65", "۵۷٫۶۵"),
		(412_300, "412,300", "۴۱۲٬۳۰۰"),
		(999_999.7, "1.00 M", "۱٫۰۰ میلیون"),
		(4_123_000, "4.12 M", "۴٫۱۲ میلیون"),
		(-41_230_000, "−41.2 M", "−۴۱٫۲ میلیون"),
		(12.4e9, "12.4 bn", "۱۲٫۴ میلیارد"),
	],
)
def test_amounts_are_short(value: float, english: str, persian: str) -> None:
	assert Language("en").short(value) == english
	assert re.sub("[\u2066\u2069]", "", Language("fa").short(value)) == persian


def test_durations_in_two_units() -> None:
	english = Language()
	written = [english.duration(seconds) for seconds in (40, 600, 3600, 16_416, 400_000)]
	assert written == ["40 s", "10 min", "1 h", "4 h 34 min", "4.6 days"]


def test_days_of_a_period_say_nothing_twice() -> None:
	english, calendar = Language(), Calendar()
	weeks = [
		calendar.period(day, Every.WEEK)
		for day in (date(2026, 10, 14), date(2026, 10, 28), date(2025, 12, 31))
	]
	assert [english.days(week, calendar) for week in weeks] == [
		"12 to 18 October 2026",
		"26 October to 1 November 2026",
		"29 December 2025 to 4 January 2026",
	]


# Charts


POINTS = [Point(1.0), Point(2.0), Point(None), Point(3.0), Point(4.0), Point(5.0, complete=False)]


def _xs(svg: str) -> list[list[float]]:
	"""The horizontal places that each line goes through."""
	paths = re.findall(r'<path d="(M[^"A]*L[^"A]*)"', svg)
	return [[float(x) for x in re.findall(r"[ML](-?[\d.]+)", path)] for path in paths]


def test_a_missing_value_is_a_gap() -> None:
	lines = _xs(charts.sparkline(POINTS, Frame(220, 34, False), "x"))
	assert sorted(len(line) for line in lines) == [2, 2, 2], "before the gap, after it, and what isn't final"


@pytest.mark.parametrize(("right_to_left", "side"), [(False, 1), (True, -1)])
def test_time_runs_with_the_language(right_to_left: bool, side: int) -> None:
	svg = charts.sparkline(POINTS, Frame(220, 34, right_to_left), "x")
	(last,) = re.findall(r'<path transform="translate\(([\d.]+),', svg)
	assert (float(last) - 110) * side > 80, "the last point stands where the reader's time ends"


def test_the_last_point_is_hollow_while_it_can_change() -> None:
	hollow = charts.sparkline(POINTS, Frame(220, 34, False), "x")
	final = charts.sparkline(POINTS[:-1], Frame(220, 34, False), "x")
	assert f'fill="{charts.PAPER}"' in hollow
	assert f'fill="{charts.PAPER}"' not in final


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [-5.0], [3.0, -1.0], [1e9, 2e9], [0.001]])
def test_axes_contain_zero_and_all_values(values: list[float]) -> None:
	axis = charts.scale(values, str)
	assert 0.0 in axis.lines
	assert axis.low <= min([0.0, *values])
	assert axis.high >= max([0.0, *values])
	assert all(axis.low <= line <= axis.high for line in axis.lines)


def test_colours_can_be_told_from_the_paper() -> None:
	themes = [{token: token for token in charts.DARK}, charts.DARK]
	for theme in themes:
		paper = theme[charts.PAPER]
		for token, least in ((charts.INK, 7), (charts.MUTED, 4.5), (charts.ACCENT, 4.5), (charts.RETURN, 3)):
			assert _contrast(theme[token], paper) >= least, token
	style = (PACKAGE / "templates" / "scorecard" / "style.css").read_text(encoding="utf-8")
	words = re.findall(r"--(?:better|worse): (#\w+)", style)
	assert len(words) == 4
	for colour, paper in zip(words, [charts.PAPER] * 2 + [charts.DARK[charts.PAPER]] * 2):
		assert _contrast(colour, paper) >= 4.5


def _contrast(one: str, other: str) -> float:
	"""The contrast of two colours as the Web Content Accessibility Guidelines count it."""

	def luminance(colour: str) -> float:
		parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
		linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
		return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

	high, low = sorted((luminance(one), luminance(other)), reverse=True)
	return (high + 0.05) / (low + 0.05)


def test_figures_are_computed_once_for_all_languages(source: DatabaseSource) -> None:
	shown: Figures = figures(source, FEBRUARY, Settings())
	assert {html(shown, Language(code))[:15] for code in languages()} == {"<!DOCTYPE html>"}
