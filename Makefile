PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast check lint-sql clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## run the sandbox company from landing to Slack, into ./demo
	$(BIN)/kpi demo

test: $(VENV)/.installed  ## all tests
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed  ## tests under two minutes
	$(BIN)/python -m pytest -m "not slow"

check: $(VENV)/.installed  ## types and style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-sql: $(VENV)/.installed  ## SQL style; not in CI yet, the kpi models have findings left
	$(BIN)/sqlfluff lint dbt_project/models --processes 2

clean:
	rm -rf $(VENV) demo dbt_project/target dbt_project/logs
