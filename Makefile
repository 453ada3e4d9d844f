# What a person types. Everything that is missing on the machine is installed first; a warm run only compares stamps.

SHELL := /bin/bash
PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m deploy.local
WRITE ?= 1
READ ?= 1
TESTS ?=
# A killed test run must not leave servers behind; those of REGISTRAR_TEST_ROOT are whoever's set it.
TIDY := $(if $(REGISTRAR_TEST_ROOT),,trap '$(LOCAL) --root .local/test servers down >/dev/null' EXIT;)
# The fast part of the suite: no servers.
FAST := $(wildcard tests/unit tests/contracts)

.DEFAULT_GOAL := help
.PHONY: help install demo up down status test check fmt bench faults lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## install what is missing on this machine
	@deploy/local/install.sh

demo: install ## the whole system once: servers, services, sample companies, what readers see (cold < 3 min, warm < 30 s)
	@$(LOCAL) demo

up: install ## start the system and leave it running: make up WRITE=2 READ=3
	@$(LOCAL) up --write $(WRITE) --read $(READ)

down: ## stop everything; data stays (make clean removes it)
	@[ ! -x $(PYTHON) ] || $(LOCAL) down

status: install ## what runs, and what has died
	@$(LOCAL) status

check: install ## before a commit: format, lint, types, import contracts, fast tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -q $(FAST)

test: install ## the whole test suite against real servers: make test TESTS="tests/e2e -k import"
	@$(TIDY) .venv/bin/pytest $(TESTS)

faults: install ## the fault suite in its long form: servers and services killed, frozen and cut off
	@$(TIDY) REGISTRAR_TEST_LONG=1 .venv/bin/pytest tests/faults tests/e2e/test_any_order.py $(TESTS)

bench: ## the benchmark table and plots: make bench, ROW=burst, ROW=all (an hour), PUBLISH=1 for those of the README
	@deploy/local/install.sh bench
	@$(PYTHON) -m tests.benchmarks $(if $(ROW),--row $(ROW)) $(if $(PUBLISH),--publish)

fmt: install ## format, and repair what lint can repair
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

lock: install ## write the hashed locks anew from pyproject.toml
	UV=$(CURDIR)/.local/tools/uv/bin/uv requirements/lock.sh

clean: ## stop everything; remove data, logs, the environment and tools
	@if [ -x $(PYTHON) ]; then for root in .local .local/test .local/demo; do $(LOCAL) --root $$root down --wipe; done; fi
	rm -rf .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
