# make run    the board of the 2020 plan, simulated from 22 June 2020
# make test   the tests
# make lint   style, types, security
# make chaos  5,000 notices, 300 kills, a fault in ten calls, on both databases; minutes
# make fuzz   strange requests to every page and parser for MINUTES=10, counted
# make bench  measurements, one JSON line each
# make pictures  the pictures of docs/ again; needs chromium
# make help   this list
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: run test lint chaos fuzz bench pictures lock help

run: .venv/run.stamp
	@exec $(BIN)/ntm up --simulate 2020-06-22 $(ARGS)

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml ntm_workflow flows

chaos: .venv/dev.stamp
	NTM_CHAOS=full $(BIN)/python -m pytest tests/faults/test_chaos.py tests/faults/test_kill.py $(ARGS)

MINUTES ?= 10
fuzz: .venv/dev.stamp
	NTM_FUZZ=$(MINUTES) $(BIN)/python -m pytest tests/attacks/test_fuzz.py tests/attacks/test_fuzz_parsers.py $(ARGS)

bench: .venv/dev.stamp
	$(BIN)/python -m bench $(ARGS)

pictures: .venv/dev.stamp
	$(BIN)/python -m docs.pictures

# Both locks again from pyproject.toml, with hashes; needs the tool uv.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-strip-extras pyproject.toml --group build
lock:
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

help:
	@sed -n 's/^# make /make /p' Makefile

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Cần Python 3.11 trở lên / Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: .venv/bin/python requirements.lock pyproject.toml
	@echo "Đang cài đặt, một đến hai phút… / Installing, a minute or two…"
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.lock
	@echo "Đang cài phần kiểm thử… / Installing what the tests need…"
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
