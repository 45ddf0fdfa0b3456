# Parvis. What a machine needs: Python 3.11 or newer, Node 20 or newer, make. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/.stamps
PORT ?= 8000
DATA ?= $(or $(PARVIS_DATA),var/demo)
JOBS ?= 2
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: setup
setup: $(STAMPS)/python $(STAMPS)/node $(STAMPS)/front $(STAMPS)/words ## install everything that the rest needs (quick the second time)
	@echo "Set-up is complete."

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make setup PYTHON=python3.12")'
	@echo "[1/4] Python environment…"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: $(STAMPS)/venv requirements.txt requirements-dev.txt pyproject.toml
	@echo "[2/4] Python packages…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/node: package.json package-lock.json $(STAMPS)/venv
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || { echo "Node 20 or newer is needed."; exit 1; }
	@echo "[3/4] Packages of the pages (fonts, icons, htmx)…"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/front: $(STAMPS)/node tools/collect_front.mjs parvis/core/static/icons.txt
	@node tools/collect_front.mjs
	@touch $@

$(STAMPS)/words: $(STAMPS)/python tools/messages.py $(wildcard locale/*/LC_MESSAGES/*.po)
	@echo "[4/4] Translations…"
	@$(BIN)/python tools/messages.py compile
	@touch $@

.PHONY: demo
demo: setup ## the whole portal with two invented towns (PORT=8000 DATA=var/demo)
	@exec $(BIN)/parvis demo --port $(PORT) --data $(DATA)

.PHONY: browser
browser: setup
ifeq ($(BROWSER),)
	@echo "Chromium is missing; trying to install it…"
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	else echo "Install Chromium (Debian: apt-get install chromium), then run make test again."; exit 1; fi
endif

.PHONY: test
test: setup browser ## every test, on the embedded database and in a real browser (JOBS=2)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadscope

.PHONY: race
race: setup ## the race tests, 200 runs each
	@RACE_RUNS=200 $(BIN)/python -m pytest -m race

CHECKS := $(BIN)/python tools/check.py

.PHONY: check
check: setup ## style, types, house plan, migrations, French, translations, promises
	@$(CHECKS)

.PHONY: bench
bench: setup ## what must be fast: writes bench/results.json (ONLY=name for one of them)
	@$(BIN)/python bench/run.py $(ONLY)

.PHONY: messages
messages: setup ## bring locale/en up to date with the French of the sources
	@$(BIN)/python tools/messages.py update

.PHONY: clean
clean: ## remove what set-up, tests and the demonstration made
	@$(PYTHON) -c 'import shutil; [shutil.rmtree(p, ignore_errors=True) for p in (".venv", "node_modules", "parvis/core/static/vendor", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")]'
	@if [ -e var ]; then echo "var/ holds databases and letters; remove it yourself once nothing runs: rm -r var"; fi
