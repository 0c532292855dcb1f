# From a bare Python, git and make:  make demo | test | check | clean
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check clean

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1  \t/p' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## build the bundled plan with the playbook, without any key
	@command -v bwrap >/dev/null || scripts/install-packages
	@$(BIN)/mbo demo --directory .demo

test: .venv/dev.stamp ## check, then run every test
	@command -v bwrap >/dev/null && command -v chromium >/dev/null || scripts/install-packages --tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

check: .venv/dev.stamp ## format, lint, types, direction of imports
	@$(BIN)/ruff format --check --quiet . || { echo "run $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright --level error
	@report=$$($(BIN)/lint-imports --no-logo) || { echo "$$report" >&2; exit 1; }; echo "$$report" | tail -n 1

clean: ## remove the environment, caches and the demo's output
	@rm -rf .venv .demo dist .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/%.stamp: requirements/%.txt pyproject.toml scripts/set-up
	@scripts/set-up $(PYTHON) $*
