# Two commands on a fresh machine: `make demo` runs the flagship pipeline, `make test` all tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
JOBS ?= 3

# What a process compiles is kept for the next one; tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check lint types bench docs lock samples wheel clean

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.runtime: $(UV) requirements.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/python -c "from docmill.flow import server; server.prepare()"
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python -r requirements-dev.lock
	touch $@

# Exit code 1 is right: five of the sample documents can't be read, and the report says why.
demo: $(VENV)/.runtime
	@$(BIN)/docmill run spec-check || test $$? -eq 1

test: $(VENV)/.dev
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadscope --cov --cov-report=term --cov-report=xml

check: lint types

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/pyright

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev
	$(BIN)/python -m docmill.cli.docs docs
	$(BIN)/docmill schemas

samples: $(VENV)/.dev
	$(BIN)/python sample_data/make

wheel: $(VENV)/.dev
	$(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist

lock: $(UV)
	$(UV) pip compile pyproject.toml --universal --python-version 3.11 --no-header \
		--output-file requirements.lock --quiet
	$(UV) pip compile pyproject.toml --group dev --constraint requirements.lock --universal \
		--python-version 3.11 --no-header --output-file requirements-dev.lock --quiet

clean:
	rm -rf $(VENV) dist .docmill
