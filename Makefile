# Two commands: `make demo` shows what this is, `make test` proves that it works.
# Everything Python is installed into .venv here; nothing else is changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/sh
OUT ?= demo-out
FROM ?=
TO ?=

.DEFAULT_GOAL := help
.PHONY: help demo scorecard test test-long lint bench bench-site clean

help:
	@echo "make demo                     a made-up company, its KPIs and its scorecard (synthetic data)"
	@echo "make scorecard SOURCE=mysql+pymysql://readonly@host/database COMPANY='My Company'"
	@echo "                              the scorecard of your own ERPNext, read-only, nothing installed there"
	@echo "make test                     all tests; the last line says which suites ran"
	@echo "make test-long                hours of random sequences on the benches that are found"
	@echo "make lint                     ruff and mypy"
	@echo "make bench                    speed and memory on a million invoices"
	@echo "make bench-site               the same on a bench that is found, beside ERPNext's own reports; takes an hour or more"

# The one thing of the system that may be missing is said in one line, with what to type.
$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
		{ echo "Python 3.10 or newer is needed. On Debian or Ubuntu: sudo apt-get install python3 python3-venv"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python can't make virtual environments here. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 2; }
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip && touch $@

$(VENV)/cli: $(VENV)/python pyproject.toml
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[cli]' && touch $@

$(VENV)/test: $(VENV)/python pyproject.toml
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' && touch $@ $(VENV)/cli

demo: $(VENV)/cli
	@$(BIN)/sales-kpi demo --out $(OUT)

scorecard: $(VENV)/cli
	@test -n "$(SOURCE)" -a -n "$(COMPANY)" || { echo "Say which database and company: make scorecard SOURCE=mysql+pymysql://readonly:password@host/database COMPANY='My Company'"; exit 2; }
	@$(BIN)/sales-kpi scorecard --source "$(SOURCE)" --company "$(COMPANY)" $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) --out scorecard.html

lint: $(VENV)/test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: $(VENV)/test
	@$(BIN)/python tests/run.py

# Hours: a thousand sequences of operations on each bench, every fact compared after every step.
test-long: $(VENV)/test
	@SALES_KPI_SEQUENCES=$${SALES_KPI_SEQUENCES:-1000} SITE_TEST_MODULE=sales_kpi.tests.test_totals_sequences SITE_TEST_SECONDS=86400 $(BIN)/python tests/site/run.py

bench: $(VENV)/test
	@$(BIN)/python tests/benchmark.py

bench-site: $(VENV)/test
	@$(BIN)/python tests/benchmark_site.py

clean:
	rm -rf $(VENV) .venv-* demo-out test-artifacts .pytest_cache .mypy_cache .ruff_cache
