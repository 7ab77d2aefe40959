"""What was asked wrongly, in one sentence: in English as it always was, and in another language by its template."""

from __future__ import annotations

import pytest

from sales_kpi import catalogue
from sales_kpi.analysis.masters import unknown
from sales_kpi.errors import InputError, SalesKpiError, Word
from sales_kpi.periods import calendar_named

PERSIAN = {
	"{kpi} isn't measured by {by}.": "{by}: {kpi} سنجیده نمی‌شود.",
	"Deals": "معامله‌ها",
	"There is no team {scope}.": "گروه {scope} نیست.",
}


def translated(text: str) -> str:
	return PERSIAN.get(text, text)


def test_told_in_two_languages() -> None:
	error = InputError("{kpi} isn't measured by {by}.", kpi=Word("Deals"), by="Deals")
	assert str(error) == "Deals isn't measured by Deals."
	assert error.told() == str(error)
	assert error.told(translated) == "Deals: معامله‌ها سنجیده نمی‌شود.", "a name isn't translated, a word is"


def test_names_are_never_templates() -> None:
	error = InputError("There is no team {scope}.", scope="{kpi} {0} %s")
	assert str(error) == "There is no team {kpi} {0} %s."
	assert error.told(translated) == "گروه {kpi} {0} %s نیست."
	assert str(InputError("Written by hand: {0} {kpi}.")) == "Written by hand: {0} {kpi}."
	outer = InputError("In the file: {error}", error=error)
	assert outer.told(translated) == "In the file: گروه {kpi} {0} %s نیست."


@pytest.mark.parametrize(
	("known", "said"),
	[
		((), "There is no team 'X'; the database has none at all."),
		(("Y", "Z"), "There is no team 'X'. There are: 'Y', 'Z'."),
		(map(str, range(9)), "There is no team 'X'. There are: '0', '1', '2', '3', '4', '5', '6', '7', …"),
		(("Xa", "Q"), "There is no team 'X'. Did you mean 'Xa'?"),
	],
)
def test_unknown_names(known: tuple[str, ...], said: str) -> None:
	assert str(unknown("team", "X", known)) == said


def test_of_the_catalogue_and_the_calendars() -> None:
	for call, said in (
		(lambda: catalogue.kpi("sales_volum"), "There is no KPI 'sales_volum'. Did you mean sales_volume"),
		(lambda: catalogue.kpi("zzzz"), "There is no KPI 'zzzz'. `sales-kpi kpis` lists them."),
		(lambda: catalogue.analysis("forecasts"), "Did you mean forecast?"),
		(lambda: calendar_named("lunar"), "There is no calendar 'lunar'"),
	):
		with pytest.raises(SalesKpiError) as caught:
			call()
		assert said in str(caught.value)
		assert caught.value.values
