# Every target makes what it needs; a second run does nothing twice.
# VENV=<folder> puts the Python environment elsewhere, PYTHON=<program> chooses the interpreter it is made from.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
IMAGE ?= ghcr.io/serinus-dev/serinus
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
LOCK_BEFORE ?= $(shell date -u -d '7 days ago' +%F)
COMPILE = $(BIN)/uv pip compile --quiet pyproject.toml --upgrade --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" --no-annotate --no-emit-index-url --no-emit-find-links --exclude-newer $(LOCK_BEFORE)

##@ See it

.PHONY: demo
demo: go venv ## Start a real cluster, roll out a good and a bad model, watch the gate decide
	@$(BIN)/python -m tests.e2e.demo

##@ Check it

.PHONY: test
test: go venv ## Run every ring of tests; pytest's closing lines come last
	@$(BIN)/python -m tests.support.rings

.PHONY: lint
lint: venv ## Style, types, import contracts, sizes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m tests.support.sizes operator tests
	@PYTHONPATH=operator $(BIN)/lint-imports --no-cache
	@$(MAKE) type

.PHONY: type
type: venv ## mypy, strict
	@$(BIN)/mypy

.PHONY: load
load: go venv ## Measure the operator with 1,000 services on a real API server, and fail over a budget
	@$(BIN)/python -m tests.support.load --services 1000 --rest 600

.PHONY: verify
verify: generate ## Fail when a generated file is not what its sources say
	@git diff --exit-code --stat || { echo "make: the files above are stale: commit what 'make generate' wrote" >&2; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard)" || { echo "make: files that nobody has added:" >&2; \
		git ls-files --others --exclude-standard >&2; exit 1; }

.PHONY: verify-consumers
verify-consumers: go venv ## Ask the programs that read what we generate, where they take long to build
	@$(BIN)/python -m pytest tests/consumers

.PHONY: parity
parity: venv ## Install promptfoo from npm (1.9 GB, two minutes, once), write its golden table anew, compare
	@command -v npm >/dev/null || { echo "make: npm is missing: apt install nodejs npm (20 or newer)" >&2; exit 1; }
	@$(BIN)/python -m tests.parity

.PHONY: bench-probes
bench-probes: venv ## Measure the probe runner beside promptfoo itself (installed from npm, once), and fail under a promise
	@command -v npm >/dev/null || { echo "make: npm is missing: apt install nodejs npm (20 or newer)" >&2; exit 1; }
	@$(BIN)/python -m tests.support.bench_probes

##@ Change it

.PHONY: generate
generate: go venv ## Write everything that is generated: goldens, chart files, install manifest, reference pages
	@$(BIN)/python -m tests.support.generate
	@$(BIN)/python -m tests.golden.regenerate

.PHONY: fmt
fmt: venv ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: lock
lock: venv ## Choose dependencies anew, a week old at least, with their hashes
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --extra dev --output-file requirements-dev.lock
	@echo "requirements.lock and requirements-dev.lock hold releases from before $(LOCK_BEFORE)"

.PHONY: image
image: ## Build the operator's image with Docker
	@command -v docker >/dev/null || { echo "make: docker is missing: install Docker or use 'make cluster', which needs none" >&2; exit 1; }
	docker build --tag $(IMAGE):$(VERSION) .

.PHONY: gate-study
gate-study: venv ## Simulate the gate's error rates anew and write their page of the docs
	@$(BIN)/python -m tests.support.gate_study --write docs/gate-error-rates.md

##@ A cluster without Docker

.PHONY: cluster
cluster: go venv ## Start the native test cluster (Debian or Ubuntu, root)
	@$(BIN)/python -m tests.cluster up

.PHONY: cluster-down
cluster-down: venv ## Stop it and remove what it left
	@$(BIN)/python -m tests.cluster down

##@ Housekeeping

.PHONY: venv
venv: python ## Make the Python environment when the lock file changed
	@if cmp -s requirements-dev.lock $(VENV)/installed.lock && $(BIN)/python -c '' 2>/dev/null; then exit 0; fi; \
	echo "installing requirements-dev.lock into $(VENV)" >&2; \
	$(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	cp requirements-dev.lock $(VENV)/installed.lock

.PHONY: clean
clean: ## Remove the environment and caches of this folder (programs in ~/.cache/serinus stay)
	@rm -rf $(VENV) build dist htmlcov .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find operator tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

.PHONY: python
python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "make: $(PYTHON) is missing: apt install python3 python3-venv (3.11 or newer)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $$($(PYTHON) --version) is too old: Python 3.11 or newer is needed (PYTHON=<program> chooses one)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $$($(PYTHON) --version) cannot make environments: apt install python3-venv" >&2; exit 1; }

.PHONY: go
go:
	@command -v go >/dev/null || \
		{ echo "make: go is missing: install Go 1.26 or newer from https://go.dev/dl" >&2; exit 1; }
	@GOTOOLCHAIN=local go env GOVERSION | awk -F'[o.]' '{exit !($$2 > 1 || ($$2 == 1 && $$3 + 0 >= 26))}' || \
		{ echo "make: $$(GOTOOLCHAIN=local go env GOVERSION) is too old: Go 1.26 or newer is needed, from https://go.dev/dl" >&2; exit 1; }
