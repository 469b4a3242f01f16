# Everything that can be done with the project; `make` lists it. CI calls only these.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
VENV_BENCH := .venv-bench
SERVER ?= sandbox
.DEFAULT_GOAL := help
.PHONY: help dev demo test chaos check lint types fmt golden-accept profiles conformance docs hapi hapi-stop bench soak build clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

dev: $(VENV)/.installed-dev  ## install for development, into a local virtual environment

demo: $(VENV)/.installed  ## a clinic's year, synced twice; SERVER=hapi uses a real HAPI FHIR server
	$(BIN)/python -m servers.demo $(SERVER)

test: dev  ## pass every test; with Java and Maven also against HAPI and HL7's validator
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup

chaos: dev  ## kill workers a thousand times on each store, and see that twelve sabotages are caught; CHAOS='--seed 7'
	$(BIN)/python -m tests.chaos $(CHAOS)

check: lint types  ## style and types

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

fmt: dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden-accept: dev  ## show how golden files would change, and accept it
	$(BIN)/fhir-backpain mapping test tests/golden --accept

profiles: dev  ## compile the FHIR package of profiles/ anew (needs Node, Java and Maven)
	$(BIN)/python -m servers profiles build

conformance: dev  ## hold all that is shipped and made against HL7's validator; CONFORMANCE=--short a part of it
	$(BIN)/python -m servers conformance $(CONFORMANCE)

docs: dev  ## write the generated reference pages and the language's schema anew
	$(BIN)/python -m docs.generate
	$(BIN)/python -m fhir_backpain.mapping.language_schema

hapi: $(VENV)/.installed  ## start a HAPI FHIR server of one's own (needs Java and Maven)
	$(BIN)/python -m servers hapi start

hapi-stop: $(VENV)/.installed  ## stop it
	$(BIN)/python -m servers hapi stop

$(VENV_BENCH)/.installed: pyproject.toml bench/requirements.txt bench/requirements-liquid.txt bench/package-lock.json
	$(PYTHON) -m venv $(VENV_BENCH)/main
	$(PYTHON) -m venv $(VENV_BENCH)/liquid
	$(VENV_BENCH)/main/bin/python -m pip install --quiet --disable-pip-version-check --editable . -r bench/requirements.txt
	$(VENV_BENCH)/liquid/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements-liquid.txt
	npm ci --prefix bench --silent --no-audit --no-fund
	@touch $@

bench: $(VENV_BENCH)/.installed  ## measure mapping beside other engines, outbox, sending and memory (needs Node 20; HAPI where there is Java); BENCH=--full with a million records in one stream
	$(VENV_BENCH)/main/bin/python -m bench $(BENCH)

soak: $(VENV)/.installed  ## send 100,000 resources with faults and 100 kills, and check each; SOAK="--kills 10 --resources 10000" for less
	$(BIN)/python -m bench.soak $(SOAK)

build: dev  ## build the wheel and the source distribution
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build

clean:  ## remove what was made here, the virtual environment too
	rm -rf $(VENV) $(VENV_BENCH) bench/node_modules bench-results build dist demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis
