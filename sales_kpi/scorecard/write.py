"""Writes a scorecard: one HTML file that loads nothing, prints on A4 and reads in both directions."""

from __future__ import annotations

from pathlib import Path

from sales_kpi.analysis.values import Question
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.scorecard.figures import Figures, figures
from sales_kpi.scorecard.words import SOURCE_LANGUAGE, Language
from sales_kpi.sources.source import Source

TEMPLATES = Path(__file__).parent.parent / "templates"


def write(
	source: Source,
	question: Question,
	settings: Settings | None,
	path: str | Path,
	language: str = SOURCE_LANGUAGE,
	note: str | None = None,
) -> None:
	"""Write the scorecard of the period in which `question.last` lies into a file.

	note: a remark that must not be overlooked, such as that the data is synthetic; translated if it can be.
	"""
	Path(path).write_text(render(source, question, settings, language, note), encoding="utf-8")


def render(
	source: Source,
	question: Question,
	settings: Settings | None = None,
	language: str = SOURCE_LANGUAGE,
	note: str | None = None,
) -> str:
	"""The HTML of that scorecard."""
	reader = Language(language)
	return html(figures(source, question, settings), reader, note)


def html(shown: Figures, language: Language, note: str | None = None) -> str:
	"""The HTML of figures that are computed already, for one more language."""
	from jinja2 import Environment, FileSystemLoader, StrictUndefined
	from markupsafe import Markup

	from sales_kpi.scorecard import charts
	from sales_kpi.scorecard.page import page

	environment = Environment(
		loader=FileSystemLoader(TEMPLATES),
		autoescape=True,
		undefined=StrictUndefined,
		trim_blocks=True,
		lstrip_blocks=True,
	)
	environment.globals.update(
		_=language.translate,
		language=language,
		font=Markup(charts.FONT),
		light=charts.names(),
		dark={name: charts.DARK[token] for name, token in charts.names().items()},
		recolouring=Markup(charts.recolouring()),
	)
	return environment.get_template("scorecard.html").render(
		page=page(shown, language), note=language.known(note or "")
	)
