"""Advice: every rule of the table fires on what it is for and on nothing else, wrong rules are told, and the demo company."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from string import Formatter
from typing import Any

import pandas as pd
import pytest
import servers
from literal import MASTERS, invoice

from sales_kpi import catalogue
from sales_kpi.analysis.advice import (
	ANALYSIS,
	Advice,
	Against,
	Attained,
	Finding,
	State,
	advice,
	advise,
	answer,
	evidence_of,
	findings_of,
	of_attainments,
	of_mix,
	of_peers,
	of_series,
	problems,
	rules_from,
	settled,
)
from sales_kpi.analysis.advice_rules import RULES
from sales_kpi.analysis.explanation import Part, rate_mix
from sales_kpi.analysis.inquiry import Inquiry, inquiry
from sales_kpi.analysis.masters import read_masters
from sales_kpi.analysis.trend import Watched, values_of, watch
from sales_kpi.analysis.values import Value
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import Settings
from sales_kpi.kpis.definition import By
from sales_kpi.periods import Every
from sales_kpi.settings_file import read_settings
from sales_kpi.sources.database import DatabaseSource

OWN = rules_from(RULES)
WHO = (By.SALES_PERSON, "Ann")


def found(*states: tuple[str, State], who: tuple[By, str] = WHO, value: float = 0.5) -> list[Finding]:
	return [Finding(subject, state, *who, value, 1.0) for subject, state in states]


def names(given: list[Advice]) -> list[str]:
	return [one.rule.name for one in given]


# The table


def test_the_table_is_right() -> None:
	assert problems(RULES) == []
	assert len(RULES) >= 12
	assert len({rule["name"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", OWN, ids=lambda rule: rule.name)
def test_each_rule_fires_on_what_it_is_for(rule: Any) -> None:
	"""Alone with its findings it applies, shows them, and with any of them missing doesn't."""
	evidence = []
	for condition in rule.when:
		subject = "sales_volume" if condition.subject == "*" else condition.subject
		evidence.append(Finding(subject, condition.states[0], *WHO, 0.5, 1.0))
	(one,) = advice(evidence, [rule])
	assert (one.by, one.scope) == WHO
	assert set(one.evidence) == set(evidence)
	for left_out in evidence:
		assert advice([finding for finding in evidence if finding is not left_out], [rule]) == []
	elsewhere = [replace(evidence[0], scope="Bob"), *evidence[1:]]
	assert len(rule.when) == 1 or advice(elsewhere, [rule]) == []
	for condition in rule.unless:
		subject = "sales_volume" if condition.subject == "*" else condition.subject
		against = Finding(subject, condition.states[0], By.COMPANY, "A", 0.5, 1.0)
		assert WHO not in [(one.by, one.scope) for one in advice([*evidence, against], [rule])]


def test_texts_are_in_two_languages() -> None:
	for rule in OWN:
		for text in (rule.title, rule.check, rule.act):
			assert text["en"].isascii() or "’" in text["en"]
			assert any("\u0600" <= letter <= "\u06ff" for letter in text["fa"])


# Advice


def test_the_example_of_the_brief() -> None:
	"""Low conversion with a normal response is for training, with a slow one for answering sooner."""
	normal = found(("lead_conversion_rate", State.LOW), ("first_response_time", State.NORMAL))
	slow = found(("lead_conversion_rate", State.LOW), ("first_response_time", State.HIGH))
	assert names(advice(normal, OWN)) == ["qualification"]
	assert names(advice(slow, OWN)) == ["slow-first-response"]


def test_spend_and_cost_up_move_the_budget() -> None:
	channel = (By.SOURCE, "Exhibition")
	up = found(("acquisition_spend", State.RISING), ("customer_acquisition_cost", State.HIGH), who=channel)
	assert names(advice(up, OWN)) == ["channel-too-dear"]
	dry = found(("acquisition_spend", State.NORMAL), ("customer_acquisition_cost", State.HIGH), who=channel)
	assert names(advice(dry, OWN)) == ["channel-runs-dry"]


def test_a_target_that_all_miss_is_the_targets_fault() -> None:
	all_miss = [Attained("deals", By.SALES_PERSON, name, 0.4) for name in ("Ann", "Bob", "Eve")]
	given = advice(of_attainments(all_miss, "A"), OWN)
	assert [(one.rule.name, one.scope) for one in given] == [("target-missed-by-all", "A")]
	one_misses = [*all_miss[:1], replace(all_miss[1], attainment=0.9), replace(all_miss[2], attainment=1.1)]
	given = advice(of_attainments(one_misses, "A"), OWN)
	assert [(one.rule.name, one.scope) for one in given] == [("target-missed-by-one", "Ann")]
	two = advice(of_attainments(all_miss[:2], "A"), OWN)
	assert {one.rule.name for one in two} == {"target-missed-by-one"}
	assert list(of_attainments([Attained("deals", By.TEAM, "T", None)], "A")) == []
	assert list(of_attainments([], "A")) == []


def test_bounds_hold() -> None:
	table = [dict(RULES[1], when=[{"subject": "*", "state": "missed", "below": 0.6, "above": 0.2}])]
	(rule,) = rules_from(table)
	for value, applies in ((0.6, False), (0.59, True), (0.21, True), (0.2, False)):
		assert bool(advice(found(("deals", State.MISSED), value=value), [rule])) is applies
	assert advice([Finding("deals", State.MISSED, *WHO)], [rule]) == []


def test_advice_is_pure_and_the_order_of_findings_is_of_no_account() -> None:
	findings = [
		Finding(subject, state, by, scope, 0.3, 0.4, against)
		for subject in ("lead_conversion_rate", "first_response_time", "churn_rate", "win_rate")
		for state, against in ((State.LOW, Against.PEERS), (State.HIGH, Against.HISTORY))
		for by, scope in ((By.COMPANY, "A"), WHO, (By.SALES_PERSON, "Bob"))
	]
	first = advice(findings, OWN)
	assert first
	for seed in range(4):
		Random(seed).shuffle(findings)
		assert advice(findings, OWN) == first
	assert first[0].by is By.COMPANY
	assert advice([], OWN) == []
	assert advice(findings, []) == []


# Wrong rules

RIGHT = RULES[5]


@pytest.mark.parametrize(
	("changes", "sentence"),
	[
		({"name": ""}, "has no name"),
		({"name": None}, "has no name"),
		({"when": []}, "has no condition"),
		({"when": "low"}, "has no condition"),
		({"when": ["low"]}, "no subject with states"),
		({"when": [{"subject": "conversion", "state": ["low"]}]}, "about 'conversion', which is no KPI"),
		({"when": [{"subject": "win_rate", "state": ["tiny"]}]}, "the condition 'tiny'"),
		({"when": [{"subject": "win_rate", "state": []}]}, "how 'win_rate' has to stand"),
		({"when": [{"subject": "win_rate"}]}, "how 'win_rate' has to stand"),
		({"when": [{"subject": "win_rate", "state": "low", "under": 3}]}, "says 'under'"),
		({"when": [{"subject": "win_rate", "state": "low", "below": "3"}]}, "a bound '3'"),
		({"when": [{"subject": "win_rate", "state": "low", "above": math.nan}]}, "a bound nan"),
		({"unless": "never"}, "an exception"),
		({"unless": [{"subject": "nothing", "state": "low"}]}, "about 'nothing'"),
		({"title_fa": ""}, "no text title_fa"),
		({"check_en": None}, "no text check_en"),
		({"act_fa": "  "}, "no text act_fa"),
		({"advice": "Do it."}, "says 'advice'"),
	],
)
def test_a_wrong_rule_is_told_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
	wrong = copy.deepcopy(RIGHT) | changes
	(told,) = problems([RULES[0], wrong])
	assert sentence in told
	assert told.startswith("Rule 2")
	assert told.endswith(".")
	with pytest.raises(InputError, match="Rule 2"):
		rules_from([RULES[0], wrong])


def test_every_wrong_rule_is_told() -> None:
	assert len(problems([{}, dict(RIGHT, when=[]), RIGHT, RIGHT])) == 4
	assert problems([]) == []
	assert problems([dict(RIGHT, when=[{"subject": "*", "state": "missed"}])]) == []


# Findings


def one_series(kpi: str, values: list[float], scope: str = "Ann") -> Watched:
	starts = tuple(date(2020 + place // 12, place % 12 + 1, 1) for place in range(len(values)))
	return Watched(catalogue.kpi(kpi), By.SALES_PERSON, scope, starts, tuple(values))


@pytest.mark.parametrize(
	("values", "state", "against"),
	[
		([10, 12, 11, 13, 12, 11, 10, 12], State.NORMAL, Against.HISTORY),
		([10, 12, 11, 13, 12, 11, 10, 25], State.HIGH, Against.HISTORY),
		([10, 12, 11, 13, 12, 11, 10, 2], State.LOW, Against.HISTORY),
		([1, 2, 3, 4, 5, 6, 7, 8], State.RISING, Against.TREND),
		([8, 7, 6, 5, 4, 3, 2, 1], State.FALLING, Against.TREND),
		([5.0] * 8, State.NORMAL, Against.HISTORY),
	],
)
def test_series_tell(values: list[float], state: State, against: Against) -> None:
	(one,) = of_series(watch([one_series("calls", values)]))
	assert (one.state, one.against, one.value) == (state, against, values[-1])
	assert one.reference == pytest.approx(sum(values) / len(values))


def test_too_little_history_tells_nothing() -> None:
	assert list(of_series(watch([one_series("calls", [1, 2, 3])]))) == []


def value_of(kpi: str, scope: str, value: float, denominator: float = 50) -> Value:
	rate = catalogue.kpi(kpi).unit.value == "percent"
	return Value(
		kpi=kpi, period_start=date(2025, 1, 1), period_end=date(2025, 12, 31), company="A",
		by="sales-person", scope=scope, value=value, numerator=value * denominator if rate else None,
		denominator=denominator if rate else None, n=denominator, complete=True, reason=None, estimated=0.0,
		unit=catalogue.kpi(kpi).unit.value, currency=None,
	)  # fmt: skip


def peers(kpi: str, *values: float, denominator: float = 50, by: By = By.SALES_PERSON) -> dict[str, State]:
	given = [value_of(kpi, chr(65 + place), value, denominator) for place, value in enumerate(values)]
	return {one.scope: one.state for one in of_peers(given, by)}


def test_peers_tell_rates_by_their_interval() -> None:
	told = peers("win_rate", 0.1, 0.4, 0.42, 0.38)
	assert told["A"] is State.LOW
	assert told["B"] is State.NORMAL
	assert peers("win_rate", 0.9, 0.4, 0.42, 0.38)["A"] is State.HIGH
	# Golden G3: of 20, a quarter may be 11 to 47 %; 45 % isn't left out, 48 % is.
	few = [value_of("win_rate", "A", 0.25, 20)]
	for rate, state in ((0.45, State.NORMAL), (0.48, State.LOW)):
		others = [value_of("win_rate", name, rate, 50) for name in "BCD"]
		assert next(iter(of_peers(few + others, By.SALES_PERSON))).state is state


def test_peers_tell_other_ratios_by_the_median() -> None:
	told = peers("sales_cycle", 20, 20, 27, 13)
	assert told == {"A": State.NORMAL, "B": State.NORMAL, "C": State.HIGH, "D": State.LOW}
	assert peers("sales_cycle", 0, 0, 0, 9) == dict.fromkeys("ABCD", State.NORMAL)


def test_sums_are_compared_only_where_that_is_fair() -> None:
	assert peers("sales_volume", 1, 100, 100, 100) == {}
	assert peers("pipeline_value", 1, 100, 100, 100) == {}
	assert peers("calls", 1, 100, 100, 100)["A"] is State.LOW
	assert peers("calls", 1, 100, 100, 100, by=By.TERRITORY) == {}


def test_peers_need_others_and_a_sample() -> None:
	assert peers("win_rate", 0.1, 0.4, 0.4) == {}
	assert peers("win_rate", 0.1, 0.4, 0.4, 0.4, denominator=4) == {}
	nobody = [value_of("win_rate", "", 0.1), *(value_of("win_rate", name, 0.4) for name in "BCDE")]
	assert "" not in {one.scope for one in of_peers(nobody, By.SALES_PERSON)}


def test_mix_tells_simpsons_paradox() -> None:
	golden = rate_mix({"A": Part((30, 19), (100, 60)), "B": Part((10, 20), (100, 180))})
	(one,) = of_mix("win_rate", golden, By.COMPANY, "A")
	assert (one.state, one.reference, one.value) == (State.MIX, pytest.approx(0.2), pytest.approx(0.1625))
	own = rate_mix({"A": Part((30, 20), (100, 100)), "B": Part((10, 5), (100, 100))})
	assert list(of_mix("win_rate", own, By.COMPANY, "A")) == []
	assert list(of_mix("win_rate", None, By.COMPANY, "A")) == []


def test_what_stands_out_isnt_normal_as_well() -> None:
	given = found(("calls", State.NORMAL), ("calls", State.LOW), ("meetings", State.NORMAL))
	given.append(Finding("calls", State.NORMAL, By.SALES_PERSON, "Bob"))
	left = settled(given)
	assert Finding("calls", State.NORMAL, *WHO, 0.5, 1.0) not in left
	assert len(left) == 3


def test_every_evidence_is_a_sentence() -> None:
	for state in State:
		for against in Against:
			for subject in ("win_rate", "returns", "unknown"):
				for scope in ("Ann", ""):
					finding = Finding(subject, state, By.SALES_PERSON, scope, 0.5, 0.7, against)
					note = evidence_of(finding)
					if note is None:
						continue
					places = {name for _, name, _, _ in Formatter().parse(note.sentence) if name}
					assert places == set(note.values)
					assert set(note.kinds) <= places
	assert evidence_of(Finding("win_rate", State.LOW, *WHO, None, 0.4)) is None


# The demo company

COMPANY, AS_OF = "Alpha Trading", date(2026, 10, 31)
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Settings, dict[str, pd.DataFrame]]]:
	"""The demo company's source and settings, and its ledger and calls as frames."""
	pytest.importorskip("duckdb")
	from sales_kpi.demo.company import DemoCompany
	from sales_kpi.demo.generate import batches
	from sales_kpi.demo.settings import settings as settings_text
	from sales_kpi.demo.write import write_duckdb

	folder = tmp_path_factory.mktemp("advice")
	company = DemoCompany(invoices=1500, until=AS_OF)
	write_duckdb(company, folder / "demo.duckdb")
	(folder / "settings.toml").write_text(settings_text(company), encoding="utf-8")
	columns = ["posting_date", "account", "cost_center", "company", "is_cancelled", "voucher_type"]
	columns += ["debit", "credit"]
	parts = [rows[columns] for name, rows in batches(company) if name == "GL Entry"]
	ledger = pd.concat(parts, ignore_index=True)
	with DatabaseSource(f"duckdb:///{folder / 'demo.duckdb'}") as source:
		yield source, read_settings(folder / "settings.toml"), {"GL Entry": ledger}


def ask(source: Any, settings: Settings, **more: Any) -> Inquiry:
	masters = read_masters(source, settings)
	return inquiry(source, masters, settings, COMPANY, FIRST, LAST, AS_OF, **more)


def asked_values(asked: Inquiry) -> list[Value]:
	"""What a new customer of the exhibition costs, month by month."""
	name = ("customer_acquisition_cost",)
	values = values_of(asked, name, Every.MONTH, asked.first, asked.last, By.SOURCE)
	return [value for value in values if value["scope"] == "Exhibition"]


def test_the_exhibition_of_the_demo_company(demo: tuple[Any, Settings, dict[str, pd.DataFrame]]) -> None:
	"""Its leads convert badly though they are many; what is spent on it is what the ledger says, counted in pandas."""
	source, settings, frames = demo
	asked = ask(source, settings, by=By.SOURCE)
	findings = findings_of(asked)
	exhibition = {
		(one.subject, one.against): one
		for one in findings
		if (one.by, one.scope) == (By.SOURCE, "Exhibition")
	}
	assert exhibition["lead_conversion_rate", Against.PEERS].state is State.LOW
	ledger = frames["GL Entry"]
	day = pd.to_datetime(ledger["posting_date"])
	centers = [center for center, name in settings.cost_center_source.items() if name == "Exhibition"]
	counted = ledger[
		ledger["account"].isin(settings.acquisition_accounts)
		& ledger["cost_center"].isin(centers)
		& (ledger["company"] == COMPANY)
		& (ledger["is_cancelled"] != 1)
		& (ledger["voucher_type"].astype(str) != "Period Closing Voucher")
		& (day >= pd.Timestamp(FIRST))
		& (day <= pd.Timestamp(LAST))
	]
	spent = (
		(counted["debit"].astype(float) - counted["credit"].astype(float))
		.groupby(day.dt.to_period("M"))
		.sum()
	)
	assert len(spent) == 12
	series = [value for value in asked_values(asked) if value["value"] is not None and value["complete"]]
	assert len(series) >= 3
	for value in series:
		assert value["numerator"] == pytest.approx(spent[pd.Period(value["period_start"], "M")])
	told = [one for (subject, _), one in exhibition.items() if subject == "acquisition_spend"]
	assert all(one.value == pytest.approx(series[-1]["numerator"]) for one in told)
	cost = exhibition["customer_acquisition_cost", Against.PEERS]
	assert cost.state is State.HIGH
	given = advice(findings, OWN)
	assert any(
		one.scope == "Exhibition" and {"qualification", "slow-first-response"} & {one.rule.name}
		for one in given
	)


def test_advice_shows_its_evidence(demo: tuple[Any, Settings, dict[str, pd.DataFrame]]) -> None:
	source, settings, _ = demo
	asked = ask(source, settings)
	attained = [Attained("sales_volume", By.SALES_PERSON, name, 0.3) for name in "XYZ"]
	english = advise(asked, attained=attained)
	persian = advise(replace(asked, options={"language": "fa"}), attained=attained)
	columns = {column.name for column in english.columns}
	assert len(english.rows) == len(persian.rows) > 0
	for row in english.rows:
		assert set(row) == columns
		assert all(not isinstance(cell, float) or math.isfinite(cell) for cell in row.values())
	assert english.rows[0]["advice"] == "The target is missed by everybody"
	assert english.rows[0]["value"] == 0.3
	assert persian.rows[0]["advice"] == RULES[0]["title_fa"]
	for note in english.notes:
		assert "None" not in note.sentence.format(**note.values)
	mine = dict(RULES[0], name="mine", title_en="Ask me.")
	edited = advise(asked, rules_from([mine]), attained)
	assert [row["advice"] for row in edited.rows] == ["Ask me."]
	with pytest.raises(InputError, match="en or fa"):
		answer(replace(asked, options={"language": "de"}))


def test_only_what_may_be_told_is_found(demo: tuple[Any, Settings, dict[str, pd.DataFrame]]) -> None:
	source, settings, _ = demo
	findings = findings_of(ask(source, settings, kpis=("calls", "win_rate")))
	assert {one.subject for one in findings} == {"calls", "win_rate"}


def test_findings_of_a_scope_stand_together(demo: tuple[Any, Settings, dict[str, pd.DataFrame]]) -> None:
	source, settings, _ = demo
	findings = findings_of(ask(source, settings, scope_by=By.SOURCE, scope="Exhibition"))
	assert findings
	assert {(one.by, one.scope) for one in findings} == {(By.SOURCE, "Exhibition")}


def test_a_company_without_history_gets_a_sentence(tmp_path: Path) -> None:
	rows = {"Sales Invoice": [invoice("a", "2026-10-10")]}
	for more in ({}, rows):
		with (
			servers.tables_in("sqlite", tmp_path, MASTERS | more) as url,
			DatabaseSource(url) as source,
		):
			masters = read_masters(source, Settings())
			asked = inquiry(source, masters, Settings(), "A", FIRST, LAST, AS_OF, by=By.SALES_PERSON)
			told = answer(asked)
			assert told.rows == ()
			assert told.notes
	assert ANALYSIS.by == frozenset(By)
