# Every command a newcomer needs. `make` alone lists them.
# The distribution's Python is built with optimisation, and about a seventh faster than a plain build.
PYTHON ?= $(or $(shell for p in /usr/bin/python3 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
SECONDS ?=
OUT    ?=
ROWS   ?=
TIER   ?=
PAGE   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test browser pictures mutants prove grade check format bench soak docs lock clean

help:  ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/run.ok: requirements/core.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Where PYTHONDONTWRITEBYTECODE is set, each start would compile all of it anew.
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/dev.ok: requirements/dev.lock $(VENV)/run.ok
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

demo: $(VENV)/run.ok  ## run the main job: five stores, the hub, a stand-in ERP (SECONDS=20 stops by itself)
	$(BIN)/tillway dev --fresh .demo $(if $(SECONDS),--seconds $(SECONDS) --json)

test: $(VENV)/dev.ok  ## run every test
	@# One process more than this usually has cores: a third of the time a test waits for another.
	$(BIN)/pytest -n 3 --dist worksteal

browser: $(VENV)/dev.ok  ## every screen and the incident stories in a real Chromium, which it installs (OUT=file.json)
	PYTHONPATH=tests $(BIN)/python -m browser $(if $(OUT),--out $(OUT))

pictures: $(VENV)/dev.ok  ## make the README's pictures of the console anew
	PYTHONPATH=tests $(BIN)/python -m browser.pictures --out docs/pictures

mutants: $(VENV)/dev.ok  ## break every promise in a copy of the tree; its test must fail (5 minutes)
	$(BIN)/python tests/mutants/run.py

prove: $(VENV)/dev.ok  ## try to break every promise, one table (ROWS=kills,fuzz TIER=quick OUT=file.json)
	PYTHONPATH=tests $(BIN)/python -m prove $(if $(ROWS),--rows $(ROWS)) $(if $(TIER),--tier $(TIER)) $(if $(OUT),--out $(OUT)) $(if $(PAGE),--page)

grade: $(VENV)/dev.ok  ## weeks of a chain with faults: each must be found, none invented (SEEDS=1,2,3 STORES=45 DAYS=7 OUT=file.json)
	PYTHONPATH=tests $(BIN)/python -m grade $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STORES),--stores $(STORES)) $(if $(DAYS),--days $(DAYS)) $(if $(SALES),--sales $(SALES)) $(if $(OUT),--out $(OUT))

check: $(VENV)/dev.ok  ## format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.ok  ## let the formatter and the linter mend what they can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

bench: $(VENV)/dev.ok  ## measure speed beside a floor of the same run (OUT=file.json writes the rows, PAGE=1 the table of docs/internals/speed.md)
	$(BIN)/python -m bench $(if $(OUT),--out $(OUT)) $(if $(PAGE),--page)

soak: $(VENV)/dev.ok  ## twice the peak for MINUTES=30: memory, open files and log must stay flat (OUT=file.json)
	$(BIN)/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(OUT),--out $(OUT))

docs: $(VENV)/dev.ok  ## write the reference pages from the code
	$(BIN)/python -m tillway.cli.reference docs/reference

lock: ## pin the dependencies anew (needs uv)
	cd requirements && for f in core dev; do uv pip compile $$f.in --python-version 3.11 --generate-hashes --no-header --quiet --output-file $$f.lock; done

clean: ## remove everything the commands above made
	rm -rf $(VENV) .demo build src/*.egg-info
