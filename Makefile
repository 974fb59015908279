PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A worker per core; the tests of a file share what they set up, so they stay together.
PARALLEL := -n auto --dist loadfile

.PHONY: demo test test-fast test-spark check bench clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## run the sandbox company from landing to Slack, into ./demo
	$(BIN)/kpi demo

test: $(VENV)/.installed  ## all tests
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(VENV)/.installed  ## tests under two minutes
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

$(VENV)/.installed-spark: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,spark]'
	touch $@

test-spark: $(VENV)/.installed-spark  ## the same numbers on both engines; needs Java 17
	$(BIN)/python -m pytest $(PARALLEL) -m spark tests/spark

check: $(VENV)/.installed  ## types and style, of Python and of SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python dbt_project/portable.py
	$(BIN)/sqlfluff lint --processes 2 dbt_project/models dbt_project/tests

bench: $(VENV)/.installed  ## measure, and write benchmarks/RESULTS.md; SCALE=0.01 for a try
	$(BIN)/python -m benchmarks --scale $(or $(SCALE),1) --write

clean:
	rm -rf $(VENV) demo dbt_project/target dbt_project/logs
