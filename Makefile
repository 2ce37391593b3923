# Every command makes what it needs first: only Python 3.11 or newer, make and git have to be there.

MAKEFLAGS += --no-print-directory
BIN := .venv/bin

export PYTHONDONTWRITEBYTECODE := 1
export MYPY_CACHE_DIR := .cache/mypy
export RUFF_CACHE_DIR := .cache/ruff
export HYPOTHESIS_STORAGE_DIRECTORY := .cache/hypothesis
export NO_MKDOCS_2_WARNING := 1

.PHONY: help run test bench bench-check fuzz docs lint format lock reference env env-run system

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: env-run ## Start the gateway with the embedded model; options: make run ARGS="--config my.yaml"
	@exec $(BIN)/seekgate serve $(ARGS)

test: env ## Check everything: lint, documentation, all tests; one part: make test TESTS=tests/unit
	@tools/test.sh $(TESTS)

bench: env system ## Compare with nginx and Envoy on this machine; PEERS=all adds LiteLLM and Portkey
	@$(BIN)/python -m bench

bench-check: env system ## Hold the benchmark's ratios against their bounds, with slack, in three short rounds
	@$(BIN)/python -m bench --quick --rounds 3 --check --slack 1.6

fuzz: env ## Attack the parsers for MINUTES (10)
	@SEEKGATE_FUZZ_SECONDS=$$((60 * $(or $(MINUTES),10))) $(BIN)/python -m tests.fuzz.run

docs: env ## Build the documentation into build/site, strictly
	@$(BIN)/mkdocs build --quiet --strict

lint: env ## Style, types, layers, lock files
	@tools/lint.sh

format: env ## Rewrite the code in the project's style
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

lock: env ## Write the lock files from pyproject.toml; newest versions: make lock UPGRADE=1
	@tools/lock.sh

reference: env ## Write the generated reference pages
	@$(BIN)/python tools/cli_reference.py
	@$(BIN)/python tools/error_reference.py

env: ## Install what development needs into .venv
	@tools/bootstrap.sh dev

env-run:
	@tools/bootstrap.sh run

system:
	@tools/system-packages.sh nginx wrk
