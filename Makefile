# Two commands for a fresh machine: make atlas, make test.

# The first Python from 3.11 to 3.13 on this machine; PYTHON=... overrides it.
CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c '$(CHECK)' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: atlas test lint format docs bench clean

atlas: $(VENV)/installed
	$(BIN)/geopoverty demo --out atlas.html

test: lint
	sh tools/install_chromium.sh
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable ".[docs]"
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build

# Peers that are there are measured, too; R's where Rscript is. ONLY="weights logit" picks.
bench: $(VENV)/installed-test
	$(PIP) install --constraint constraints.txt ".[cluster]" duckdb polars scikit-learn glum
	$(BIN)/python benchmarks/write_docs.py $(ONLY)

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "geopoverty needs Python 3.11, 3.12 or 3.13." \
		"Install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable ".[test]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) atlas.html dist docs/_build .hypothesis .mypy_cache .pytest_cache .ruff_cache
