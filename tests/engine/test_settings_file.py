"""The settings file: what it may hold, and the sentence that each mistake gets."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path

import pytest

from sales_kpi import settings_file
from sales_kpi.errors import InputError
from sales_kpi.facts.reading.settings import ConvertedBy, CreditFallback, SalespersonMapping, Settings
from sales_kpi.settings_file import read_settings, settings_from

EVERYTHING = """
churn_after_days = 30
conversion_window_days = 0
acquisition_accounts = ["Marketing - A", "بازاریابی"]
acquisition_lag_months = 2
not_one_customer = ["Walk-in"]
converted_by = "customer created"
credit_fallback = "account manager"

[cost_center_sales_person]
"Ann - A" = "Ann"

[cost_center_source]
"Fairs - A" = "Exhibition"

[[mapping]]
user = "ann@example.com"
sales_person = "Ann"
to = 2025-06-30

[[mapping]]
user = "ann@example.com"
sales_person = "Bob"
from = "2025-07-01"
"""


def written(folder: Path, text: str) -> Path:
	path = folder / "settings.toml"
	path.write_text(text, encoding="utf-8")
	return path


def test_every_key_is_read(tmp_path: Path) -> None:
	assert read_settings(written(tmp_path, EVERYTHING)) == Settings(
		churn_after_days=30,
		conversion_window_days=0,
		acquisition_accounts=("Marketing - A", "بازاریابی"),
		acquisition_lag_months=2,
		not_one_customer=("Walk-in",),
		converted_by=ConvertedBy.CUSTOMER_CREATED,
		credit_fallback=CreditFallback.ACCOUNT_MANAGER,
		cost_center_sales_person={"Ann - A": "Ann"},
		cost_center_source={"Fairs - A": "Exhibition"},
		mapping=(
			SalespersonMapping("ann@example.com", "Ann", None, date(2025, 6, 30)),
			SalespersonMapping("ann@example.com", "Bob", date(2025, 7, 1), None),
		),
	)


def test_an_empty_file_holds_the_defaults(tmp_path: Path) -> None:
	assert read_settings(written(tmp_path, "")) == Settings()


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
	assert read_settings(written(tmp_path, "\ufeffchurn_after_days = 5")).churn_after_days == 5


def test_the_example_in_the_documentation_is_true(tmp_path: Path) -> None:
	lines = (settings_file.__doc__ or "").splitlines()
	example = "\n".join(line for line in lines if line.startswith("\t"))
	assert read_settings(written(tmp_path, textwrap.dedent(example))) == Settings(
		cost_center_sales_person={"Ann - A": "Ann"},
		cost_center_source={"Trade fairs - A": "Exhibition"},
		mapping=(SalespersonMapping("ann@example.com", "Ann", date(2025, 1, 1), date(2025, 12, 31)),),
	)


def test_the_example_in_the_documentation_names_every_setting() -> None:
	for name in Settings.__dataclass_fields__:
		assert name in (settings_file.__doc__ or "")


MISTAKES = [
	("churn_after_day = 3", "There is no setting 'churn_after_day'; did you mean churn_after_days?"),
	(
		"zzz = 3",
		"There is no setting 'zzz'; there are: churn_after_days, conversion_window_days, acquisition_accounts, "
		"acquisition_lag_months, not_one_customer, converted_by, credit_fallback, cost_center_sales_person, "
		"cost_center_source, mapping.",
	),
	('churn_after_days = "30"', 'churn_after_days must be a whole number, not "30".'),
	("churn_after_days = 30.5", "churn_after_days must be a whole number, not 30.5."),
	("churn_after_days = true", "churn_after_days must be a whole number, not true."),
	("churn_after_days = 0", "churn_after_days must be at least 1, not 0."),
	("acquisition_lag_months = 99", "acquisition_lag_months must be 0 to 36, not 99."),
	(
		'acquisition_accounts = "Marketing"',
		'acquisition_accounts must be a list such as ["Marketing"], not "Marketing".',
	),
	("acquisition_accounts = [3]", "each of acquisition_accounts must be a name in quotes, not 3."),
	(
		"not_one_customer = 2025-01-01",
		'not_one_customer must be a list such as ["one", "another"], not 2025-01-01.',
	),
	('converted_by = "order"', 'converted_by must be "first order" or "customer created", not "order".'),
	(
		"credit_fallback = 1",
		'credit_fallback must be "none" or "customer sales team" or "account manager" or "owner", not 1.',
	),
	(
		"cost_center_source = []",
		"cost_center_source must be a table: [cost_center_source], and below it lines such as "
		'"Cost Center" = "name", not an empty list.',
	),
	("[cost_center_source]\nFairs = 3", 'cost_center_source."Fairs" must be a name in quotes, not 3.'),
	("[mapping]\nuser = 'u'", "mapping must be written as tables, each headed [[mapping]], not a table."),
	("[[mapping]]\nuser = 'u'", "A [[mapping]] has no sales_person: each needs a user and a sales_person."),
	("[[mapping]]\nuser = ''\nsales_person = 'Ann'", 'user in [[mapping]] must be a name in quotes, not "".'),
	(
		"[[mapping]]\nuser = 'u'\nsalesperson = 'Ann'",
		"There is no key in [[mapping]] 'salesperson'; did you mean sales_person?",
	),
	(
		"[[mapping]]\nuser = 'u'\nsales_person = 'Ann'\nfrom = '1.2.2025'",
		'from in [[mapping]] must be a date such as 2025-01-31, not "1.2.2025".',
	),
	(
		"[[mapping]]\nuser = 'u'\nsales_person = 'Ann'\nto = 2025-01-01T10:00:00",
		"to in [[mapping]] must be a date such as 2025-01-31, not 2025-01-01T10:00:00.",
	),
	(
		"[[mapping]]\nuser = 'u'\nsales_person = 'Ann'\nfrom = 2025-02-01\nto = 2025-01-01",
		"The mapping of user u ends (2025-01-01) before it begins (2025-02-01).",
	),
	(
		"[[mapping]]\nuser = 'u'\nsales_person = 'Ann'\n[[mapping]]\nuser = 'u'\nsales_person = 'Bob'",
		"User u is mapped to Ann and to Bob for the same days: end the first mapping before the second begins.",
	),
]


@pytest.mark.parametrize(
	("text", "sentence"), MISTAKES, ids=[text.replace("\n", " ") for text, _ in MISTAKES]
)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, text: str, sentence: str) -> None:
	path = written(tmp_path, text)
	with pytest.raises(InputError) as caught:
		read_settings(path)
	assert str(caught.value) == f"In the settings file {path}: {sentence}"


def test_wrong_toml_is_named_with_its_line(tmp_path: Path) -> None:
	path = written(tmp_path, "churn_after_days = 30\nnot_one_customer = [\n\n= 3\n")
	with pytest.raises(InputError, match=r"is no TOML: .*\(at line 4, column 1\)\.$"):
		read_settings(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
	with pytest.raises(InputError) as caught:
		read_settings(tmp_path / "none.toml")
	assert str(caught.value) == (
		f"The settings file {tmp_path / 'none.toml'} can't be read: No such file or directory."
	)
	(tmp_path / "latin.toml").write_bytes(b'not_one_customer = ["Caf\xe9"]')
	with pytest.raises(InputError, match="it isn't UTF-8 text"):
		read_settings(tmp_path / "latin.toml")


def test_a_mapping_will_do_as_well() -> None:
	assert settings_from({"churn_after_days": 7}) == Settings(churn_after_days=7)
