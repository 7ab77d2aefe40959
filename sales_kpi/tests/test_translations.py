"""Persian: every string of the app has a translation, with the same places to fill in, and none has two."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import frappe
from frappe.translate import (
	get_messages_for_app,
	get_messages_from_navbar,
	get_translations_from_apps,
)

from sales_kpi import catalogue
from sales_kpi.analysis import quality, reconciliation
from sales_kpi.tests.base import SiteTestCase

APP = Path(frappe.get_app_path("sales_kpi"))

NEED_NONE = {
	"doctype",  # Frappe takes the key in `_(row["doctype"])` for a message,
	"fix",  # and this one likewise.
}

TOLD = ("Note", "Column", "Chart", "Series", "Analysis", "InputError")
"""What of an analysis takes templates that are translated where they are shown."""

PLACE = re.compile(r"\{\w*\}")
TEMPLATE = re.compile(r"\{[a-z_]+\} ?\S| \{[a-z_]+\}")
CALL = re.compile(r"""\b__?\(\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')""")
TITLES = ("title", "label", "report_name", "chart_name", "source_name")
"""Under one of these a record shows itself, and under its name if it has none."""
TEXTS = ("subtitle", "success_message", "action_label", "description")
TABLES = ("links", "shortcuts", "number_cards", "charts", "items")


class TestTranslations(SiteTestCase):
	def test_every_string_is_translated(self) -> None:
		known = {**get_translations_from_apps("fa", ["frappe", "erpnext"]), **dict(rows())}
		missing = {text: place for text, place in strings().items() if not known.get(text)}
		self.assertFalse(missing, f"{len(missing)} strings have no Persian")

	def test_strings_of_all_kinds_are_looked_at(self) -> None:
		found = strings()
		for text in (
			"KPI Target",  # a doctype
			"Sales KPI Values",  # a report
			"Sales volume, last month",  # a card
			"Open the scorecard",  # a template
			"Documents behind the figure",  # a page
			"Send Answer",  # a web page
			"{kpi} of {scope}: {value} of the target.",  # an analysis
			"There is no team {scope}.",  # a question that can't be answered
			"What was invoiced in the period, net of tax, less what was credited.",  # a KPI
			"Leads without an owner",  # a check of the records
		):
			self.assertIn(text, found)

	def test_nothing_is_translated_twice(self) -> None:
		twice = [text for text, count in Counter(text for text, _persian in rows()).items() if count > 1]
		self.assertEqual(twice, [])

	def test_places_to_fill_in_are_the_same(self) -> None:
		for text, persian in rows():
			with self.subTest(text):
				self.assertEqual(set(PLACE.findall(text)), set(PLACE.findall(persian)))

	def test_letters_are_persian(self) -> None:
		# Arabic keyboards have other letters for these two, which no search finds.
		self.assertEqual([persian for _text, persian in rows() if re.search("[يك]", persian)], [])
		self.assertEqual([text for text, persian in rows() if persian != persian.strip() or not persian], [])


@cache
def rows() -> list[tuple[str, str]]:
	"""English and Persian, as the app's file has them."""
	with open(APP / "translations" / "fa.csv", encoding="utf-8", newline="") as file:
		return [(row[0], row[1]) for row in csv.reader(file)]


@cache
def strings() -> dict[str, str]:
	"""The app's strings, each with where it stands."""
	frappes = {message[1] for message in get_messages_from_navbar()}
	found = {
		message[1]: "Frappe's own list"
		for message in get_messages_for_app("sales_kpi")
		if message[1] not in frappes
	}
	for place, text in (*of_records(), *of_python(), *of_analyses(), *of_templates(), *of_definitions()):
		found.setdefault(text, place)
	return {
		text: place
		for text, place in found.items()
		if text and text not in NEED_NONE and re.search("[A-Za-z]", re.sub(PLACE, "", text))
	}


def of_records() -> Iterator[tuple[str, str]]:
	"""Names, labels and descriptions of doctypes, reports, the workspace and all else that the app brings as files."""
	for path in APP.rglob("*.json"):
		record = json.loads(path.read_text(encoding="utf-8"))
		if isinstance(record, dict) and record.get("doctype"):
			texts = of_doctype(record) if record["doctype"] == "DocType" else of_record(record)
			yield from ((path.name, text) for text in texts if text)


def of_doctype(record: Mapping[str, Any]) -> Iterator[str]:
	yield from (record["name"], record.get("description", ""))
	for field in record["fields"]:
		yield from (field.get("label", ""), field.get("description", ""))
		if field["fieldtype"] == "Select":
			options = (field.get("options") or "").split("\n")
			yield from (() if any(option.isdigit() for option in options) else options)


def of_record(record: Mapping[str, Any]) -> Iterator[str]:
	yield from [record[key] for key in TITLES if record.get(key)] or [record.get("name", "")]
	yield from (record.get(key) or "" for key in TEXTS)
	for table in TABLES:
		yield from (row.get("label") or "" for row in record.get(table) or () if isinstance(row, dict))
	for block in json.loads(record.get("content") or "[]"):
		yield block.get("data", {}).get("text") or ""


def of_python() -> Iterator[tuple[str, str]]:
	"""What `_` is called with, also that of a `Speaker`."""
	for path in APP.rglob("*.py"):
		if "tests" in path.parts:
			continue
		for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
			if isinstance(node, ast.Call) and node.args and called(node) in ("_", "_lt"):
				yield from ((path.name, text) for text in constants(node.args[:1]))


def of_analyses() -> Iterator[tuple[str, str]]:
	"""Titles and sentences of analyses, of alerts and of what was asked wrongly: templates with {named} places."""
	others = ("site/alerts.py", "catalogue.py", "periods.py", "facts/reading/settings.py")
	for path in (*APP.joinpath("analysis").glob("*.py"), *(APP / other for other in others)):
		tree = ast.parse(path.read_text(encoding="utf-8"))
		apart = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
		apart |= {
			id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
		}
		for node in ast.walk(tree):
			if isinstance(node, ast.Call) and called(node) in TOLD:
				named = [word.value for word in node.keywords if word.arg in ("title", "meaning")]
				yield from ((path.name, text) for text in constants([*node.args, *named]) if is_words(text))
			elif isinstance(node, ast.Constant) and id(node) not in apart:
				yield from ((path.name, text) for text in constants([node]) if TEMPLATE.search(text))


def of_templates() -> Iterator[tuple[str, str]]:
	"""What `_` and `__` are called with in pages, mails and scripts."""
	for ending in ("html", "txt", "js"):
		for path in APP.rglob(f"*.{ending}"):
			for double, single in CALL.findall(path.read_text(encoding="utf-8")):
				yield path.name, re.sub(r"\\(.)", r"\1", (double or single).replace("\\n", "\n"))


def of_definitions() -> Iterator[tuple[str, str]]:
	"""Of KPIs, checks of the records and differences from ERPNext."""
	for kpi in catalogue.kpis().values():
		yield from ((kpi.name, text) for text in (kpi.title, kpi.meaning, kpi.moved_by))
	for rule in quality.RULES:
		yield from ((rule.name, text) for text in (rule.title, rule.fix))
	for name, texts in reconciliation.WHY.items():
		yield from ((name, text) for text in texts)
	for status in (reconciliation.AGREES, reconciliation.EXPLAINED, reconciliation.NOT_EXPLAINED):
		yield "status", status


def called(node: ast.Call) -> str:
	return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def constants(nodes: list[ast.expr]) -> Iterator[str]:
	return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def is_words(text: str) -> bool:
	"""Whether a text is for people, and not the name of a column."""
	return " " in text or text[:1].isupper()
