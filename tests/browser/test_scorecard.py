"""Scorecards of every kind of demo company, opened in a real browser at desktop and phone width.

Pictures of all of them are left in `test-artifacts/` for people to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from sales_kpi.analysis.values import Question
from sales_kpi.demo.company import SITE_KINDS, DemoCompany
from sales_kpi.demo.settings import settings as demo_settings
from sales_kpi.demo.write import write_duckdb
from sales_kpi.periods import calendar_named
from sales_kpi.scorecard.charts import ACCENT
from sales_kpi.scorecard.figures import Figures, figures
from sales_kpi.scorecard.words import Language
from sales_kpi.scorecard.write import html
from sales_kpi.settings_file import read_settings
from sales_kpi.sources.database import DatabaseSource

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
UNTIL = date(2026, 5, 31)
NOTE = "Synthetic data: no such company exists."

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}")

FAULTS = """() => {
	const seen = (element) => element.getClientRects().length > 0;
	const texts = (svg) => [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim() && seen(text));
	return {
		sideways: document.documentElement.scrollWidth - window.innerWidth,
		figures: [...document.querySelectorAll("figure")]
			.filter((figure) => [...figure.querySelectorAll("svg")].filter(seen).length !== 1)
			.map((figure) => figure.id),
		flat: [...document.querySelectorAll("svg")]
			.filter(seen)
			.filter((svg) => svg.getBoundingClientRect().width < 20 || svg.getBoundingClientRect().height < 5)
			.map((svg) => svg.getAttribute("aria-label")),
		cut: [...document.querySelectorAll("h1, h2, h3, p, th, td, li")]
			.filter((element) => seen(element) && element.scrollWidth > element.clientWidth + 1)
			.filter((element) => getComputedStyle(element).display !== "inline")
			.map((element) => element.textContent.trim().slice(0, 60)),
		labels: [...document.querySelectorAll("figure svg")].filter(seen).map((svg) => {
			const frame = svg.closest("figure").getBoundingClientRect();
			return texts(svg).map((text) => {
				const box = text.getBoundingClientRect();
				return {
					text: text.textContent,
					box: [box.left, box.top, box.right, box.bottom],
					inside: box.left >= frame.left && box.right <= frame.right,
				};
			});
		}),
	};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
	with playwright.sync_playwright() as started:
		browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
		yield browser
		browser.close()


@pytest.fixture(scope="module", params=SITE_KINDS)
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Figures]:
	"""A kind of company, and the figures of its last month."""
	company = DemoCompany(site_kind=request.param, until=UNTIL)
	folder = tmp_path_factory.mktemp(request.param)
	write_duckdb(company, folder / "demo.duckdb")
	(folder / "settings.toml").write_text(demo_settings(company), encoding="utf-8")
	question = Question("Alpha Trading", UNTIL, UNTIL, as_of=UNTIL)
	with DatabaseSource(f"duckdb:///{folder / 'demo.duckdb'}") as source:
		return request.param, figures(source, question, read_settings(folder / "settings.toml"))


@pytest.fixture(scope="module", params=["en", "fa"])
def page_file(request: pytest.FixtureRequest, shown: tuple[str, Figures]) -> Path:
	kind, figures_of_it = shown
	ARTIFACTS.mkdir(exist_ok=True)
	path = ARTIFACTS / f"scorecard-{kind}-{request.param}.html"
	path.write_text(html(figures_of_it, Language(request.param), NOTE), encoding="utf-8")
	return path


def _opened(browser: Any, path: Path, size: dict[str, int], scheme: str = "light") -> tuple[Any, list[str]]:
	page = browser.new_page(viewport=size, color_scheme=scheme)
	complaints: list[str] = []
	page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
	page.on("pageerror", lambda error: complaints.append(str(error)))
	page.on(
		"request",
		lambda request: (
			None if request.url.startswith(("file:", "data:")) else complaints.append(request.url)
		),
	)
	page.goto(path.as_uri())
	return page, complaints


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_looks_right(browser: Any, page_file: Path, size: dict[str, int]) -> None:
	page, complaints = _opened(browser, page_file, size)
	page.screenshot(path=page_file.with_name(f"{page_file.stem}-{size['width']}.png"), full_page=True)
	faults = page.evaluate(FAULTS)
	assert not complaints
	assert faults["sideways"] <= 0, "the page scrolls sideways"
	assert not faults["figures"], "a chart is shown in both sizes, or in none"
	assert not faults["flat"], "a picture can't be seen"
	assert not faults["cut"], "a text is cut"
	for labels in faults["labels"]:
		assert labels
		for label in labels:
			assert label["inside"], f"{label['text']} sticks out of its chart"
		for one, other in combinations(labels, 2):
			assert not _overlap(one, other), f"{one['text']} and {other['text']} overlap"
	page.close()


def _overlap(one: Any, other: Any) -> bool:
	"""Whether two labels cover one another by more than a hair; a text and its halo are one label."""
	if one["text"] == other["text"]:
		return False
	left, top = (max(one["box"][side], other["box"][side]) for side in (0, 1))
	right, bottom = (min(one["box"][side], other["box"][side]) for side in (2, 3))
	return bool(right - left > 2 and bottom - top > 3)


def test_details_open_by_keyboard(browser: Any, page_file: Path) -> None:
	page, complaints = _opened(browser, page_file, DESKTOP)
	count = page.locator("details").count()
	assert count
	for number in range(count):
		details = page.locator("details").nth(number)
		assert details.get_attribute("open") is None
		page.keyboard.press("Tab")
		assert details.locator("summary").evaluate("element => element === document.activeElement")
		page.keyboard.press("Enter")
		assert details.get_attribute("open") is not None
		assert details.locator("dl").is_visible()
	assert page.evaluate(FAULTS)["sideways"] <= 0
	assert not complaints
	page.close()


def test_dark_paper_and_print(browser: Any, page_file: Path) -> None:
	page, _ = _opened(browser, page_file, DESKTOP, "dark")
	page.screenshot(path=page_file.with_name(f"{page_file.stem}-dark.png"), full_page=True)
	colour = "element => getComputedStyle(element).fill"
	dark = page.locator("figure .wide svg text").first.evaluate(colour)
	page.emulate_media(media="print")
	assert page.locator("figure .narrow svg text").first.evaluate(colour) != dark, "paper is white"
	printed = page.pdf(path=page_file.with_suffix(".pdf"), prefer_css_page_size=True)
	assert 1 <= printed.count(b"/Type /Page\n") <= 3
	page.close()


def test_time_runs_as_the_language_is_read(browser: Any, page_file: Path) -> None:
	page, _ = _opened(browser, page_file, DESKTOP)
	# The last bar is the only one in the full accent, or hatched.
	last = page.locator(f'#chart-sales_volume .wide path:is([fill="{ACCENT}"], [fill^="url"])').first
	place = last.evaluate(
		"""bar => {
			const chart = bar.closest("svg").getBoundingClientRect();
			return (bar.getBoundingClientRect().left - chart.left) / chart.width;
		}"""
	)
	assert place < 0.5 if page_file.stem.endswith("-fa") else place > 0.5
	page.close()


def test_a_jalali_month_that_is_not_over(browser: Any, tmp_path: Path) -> None:
	company = DemoCompany(until=UNTIL)
	write_duckdb(company, tmp_path / "demo.duckdb")
	day = date(2026, 5, 12)
	question = Question("Alpha Trading", day, day, as_of=day, calendar=calendar_named("jalali"))
	with DatabaseSource(f"duckdb:///{tmp_path / 'demo.duckdb'}") as source:
		text = html(figures(source, question), Language("fa"), NOTE)
	ARTIFACTS.mkdir(exist_ok=True)
	path = ARTIFACTS / "scorecard-jalali-so-far-fa.html"
	path.write_text(text, encoding="utf-8")
	for size in (DESKTOP, PHONE):
		page, complaints = _opened(browser, path, size)
		page.screenshot(path=path.with_name(f"{path.stem}-{size['width']}.png"), full_page=True)
		assert page.evaluate(FAULTS)["sideways"] <= 0
		assert not complaints
		page.close()
