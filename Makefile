# Only Python 3.11+ and make are needed; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help

##@ Use
.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: run
run: setup ## Run the whole platform with data in ./forebay-data
	@exec $(BIN)/forebay serve

##@ Work on it
.PHONY: test
test: setup ## Run the whole test suite
	$(BIN)/pytest -n 2 --dist loadscope

.PHONY: format
format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

.PHONY: lint
lint: setup ## Check format, lint, types, import rules and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

.PHONY: check
check: lint test ## Everything that must pass before a commit

.PHONY: bench
bench: setup ## Measure: one table, nginx as the yardstick (needs wrk and nginx)
	$(BIN)/python bench/run.py

##@ Maintain
.PHONY: lock
lock: ## Lock the requirements anew, with hashes and without index addresses (needs uv)
	uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --output-file requirements/dev.txt --upgrade

.PHONY: standard
standard: setup ## Make the table of standard XDM components anew (XDM=directory)
	$(BIN)/python tools/build_standard_library.py $(if $(XDM),--xdm $(XDM))

.PHONY: clean
clean: ## Remove what the other targets made, but not the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
