# `make help` lists what there is. Everything installs itself into this folder; only what the tests need of the system (curl,
# chromium, node, pgbouncer) is installed outside of it, by apt-get and where it is missing.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CONFIG ?=
PAGE := tests/page
NODE := $(PAGE)/node_modules/.package-lock.json tests/deploy/node_modules/.package-lock.json
TYPES := $(PAGE)/api.d.ts
WORKERS ?= 3
MINUTES ?= 60
MEMORY := /dev/shm
# The commit, where nothing else is in the tree.
COMMIT := test -z "$$(git status --porcelain 2>&1)" && git rev-parse HEAD
ROOM := 4000000# KiB: several times what the tests have there at once

# Tests start hundreds of processes, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

.DEFAULT_GOAL := help
.PHONY: help install demo run test lint format bench bench-schedule flames side-by-side chaos chaos-faults chaos-replicas soak mutation openapi metrics settings dashboards conformance screenshots stack stack-alerts stack-quiet audit release lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.runtime ## a virtual environment in .venv with the command `watcher`

demo: $(VENV)/.runtime ## the whole of it at work: a believable CallFire, the daemon, a receiver (about a minute)
	@$(BIN)/watcher demo

run: $(VENV)/.runtime ## the daemon against the real CallFire: set CALLFIRE_LOGIN and CALLFIRE_PASSWORD
	@exec $(BIN)/watcher run $(if $(CONFIG),--config $(CONFIG))

test: lint ## everything the gate asks for
	@rm -f .coverage .coverage.* .tested
	@$(COMMIT) > .testing || true
	@# Thousands of databases are made and thrown away: in memory, where there is room, none of them waits for a disk.
	@free="$$(df --output=avail $(MEMORY) 2> /dev/null | tail -n 1)"; \
		if test "$${free:-0}" -gt $(ROOM); then \
			export TMPDIR="$$(mktemp -d $(MEMORY)/watcher-XXXXXX)"; trap 'rm -rf "$$TMPDIR"' EXIT; chmod 711 "$$TMPDIR"; \
		fi; \
		$(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal 2>&1 | tee .pytest_closing
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --include='watcher/core/*' --fail-under=100 --skip-covered
	@$(BIN)/coverage report --omit='watcher/core/*' --fail-under=90 --skip-covered --precision=1
	@# A release asks which commit passed.
	@if test -s .testing && $(COMMIT) | cmp -s - .testing; then mv .testing .tested; else rm -f .testing; fi
	@tail -n 1 .pytest_closing

lint: $(VENV)/.dev $(NODE) $(TYPES) ## ruff, mypy --strict, the import table, and tsc --strict over the page
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@# Beside mypy, which takes one processor, the tests are compiled where they never were: else each worker does it by itself.
	@{ test -d tests/__pycache__ || $(BIN)/python -m pytest --collect-only -qq > /dev/null || true; } & compiling=$$!; \
		$(BIN)/mypy; wait $$compiling
	@$(BIN)/lint-imports --no-cache | tail -n 3
	@$(PAGE)/node_modules/compiler/bin/tsc --project $(PAGE)

format: $(VENV)/.dev ## ruff's formatter and its safe repairs
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/.dev ## how fast it is beside bare loops in the same run; writes tests/bench/RESULTS.md
	@$(BIN)/python -m tests.bench

bench-schedule: $(VENV)/.dev ## how late ends are noticed, beside scripts: polling.md's table and more (about seven minutes)
	@$(BIN)/python -m tests.bench schedule

flames: $(VENV)/.dev ## where the processor's time goes, as pictures in tests/bench/flames, with py-spy in an environment of its own (about two minutes)
	@$(BIN)/python -m tests.bench flames

side-by-side: $(VENV)/.dev ## the same batches through a script, changedetection.io, Prometheus, and this: deploy/side-by-side.md (about twenty-two minutes)
	@$(BIN)/python -m tests.bench peers
	@$(BIN)/python -m tests.bench.peers.renew

chaos: $(VENV)/.dev ## 800 kills on both stores, and builds that are broken on purpose: tests/chaos/RESULTS.md (about twenty-five minutes)
	@$(BIN)/python -m tests.chaos kills broken
	@$(BIN)/python -m pytest -m campaign tests/chaos

chaos-faults: $(VENV)/.dev ## faults of CallFire, the store, receivers and the clock, every two together, and of the machine: tests/chaos/RESULTS.md (about twenty-five minutes)
	@$(BIN)/python -m tests.chaos faults files disk memory refused names

chaos-replicas: $(VENV)/.dev ## replicas that are killed, frozen, and have their database fail: tests/chaos/RESULTS.md (about ten minutes)
	@$(BIN)/python -m tests.chaos killed ended parted frozen failing shared elsewhere

soak: $(VENV)/.dev ## twenty minutes with 50,000 watches and all that comes and goes, after which nothing has grown: tests/chaos/RESULTS.md
	@$(BIN)/python -m tests.chaos soak

mutation: $(VENV)/.dev ## small changes of core and of the guard, each of which a test must notice: tests/mutation/RESULTS.md (about an hour; goes on where it ended)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.mutation
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.mutation --all-tests
	@$(BIN)/python -m tests.mutation results

openapi: $(VENV)/.dev ## writes deploy/openapi.json anew, after a change of the HTTP interface
	@$(BIN)/python -m tests.web.renew

metrics: $(VENV)/.dev ## writes deploy/metrics.md anew, and the scrapes that the tests compare with, after a change of metrics
	@$(BIN)/python -m tests.telemetry.renew

settings: $(VENV)/.dev ## writes deploy/settings.md anew, after a change of settings
	@$(BIN)/python -m tests.settings.renew

dashboards: $(VENV)/.dev ## writes deploy/grafana/*.json anew, after a change of what builds them
	@$(BIN)/python -m tests.deploy.dashboards

conformance: $(VENV)/.dev ## five thousand requests that schemathesis makes up, with all of its checks (about a minute)
	@$(BIN)/python -m pytest -m campaign tests/web/test_conformance.py

screenshots: $(VENV)/.dev ## pictures of each view into build/pictures, two of them for the README into deploy/pictures
	@$(BIN)/python -m tests.page.screenshots

stack: $(VENV)/.dev ## all of it, with PostgreSQL, Prometheus and Alertmanager, until Ctrl-C: what to try is said (deploy/stack.md)
	@exec $(BIN)/python -m tests.stack

stack-alerts: $(VENV)/.dev ## six troubles at once, until each alert has rung and is over: tests/stack/RESULTS.md (about thirty minutes)
	@$(BIN)/python -m tests.stack alerts

stack-quiet: $(VENV)/.dev ## an hour with 1,000 watches in which nothing may ring, or MINUTES=… of it: tests/stack/RESULTS.md
	@$(BIN)/python -m tests.stack quiet $(MINUTES)

audit: $(VENV)/.dev ## looks each pinned package up among known holes: over the network, so it is no part of `make test`
	@$(BIN)/python -m venv build/audit
	@build/audit/bin/python -m pip --disable-pip-version-check --quiet install pip-audit
	@for each in requirements.txt requirements-extras.txt requirements-dev.txt; do build/audit/bin/pip-audit --strict --disable-pip --require-hashes \
		--progress-spinner off --requirement $$each; done

release: $(VENV)/.dev ## an sdist, a wheel, their parts and checksums in dist/, of a commit that passed `make test`; uploads nothing
	@$(BIN)/python -m tests.release

lock: ## pins the requirements anew (needs uv), and what the page and the chart are checked with
	@uv pip compile -q pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --upgrade -o requirements.txt
	@uv pip compile -q pyproject.toml --extra otel --extra notify --group build --group dev -c requirements.txt --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade -o requirements-dev.txt
	@uv pip compile -q pyproject.toml --extra otel --extra notify --group build -c requirements-dev.txt --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements-extras.txt
	@for each in $(PAGE) tests/deploy; do npm --prefix $$each update --silent --package-lock-only; done

clean: ## removes .venv, caches and builds
	@rm -rf $(VENV) $(PAGE)/node_modules tests/deploy/node_modules $(TYPES) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .pytest_closing .tested .testing
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is $$($(PYTHON) -V). Name one: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian, python3-venv may be missing: apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing what the service needs into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "installing what the tests need into $(VENV)"
	@# The README's commands use curl; the page is driven in chromium, and checked with node; promtool is of the package prometheus, amtool of
	@# prometheus-alertmanager, systemd-analyze of systemd.
	@# Nothing that is installed is started: while policy-rc.d says 101, Debian starts no service.
	@missing="$$(command -v curl > /dev/null || echo curl; command -v chromium-headless-shell > /dev/null || echo chromium-headless-shell fonts-dejavu-core; \
		command -v pgbouncer > /dev/null || test -x /usr/sbin/pgbouncer || echo pgbouncer; command -v node > /dev/null || echo nodejs; command -v npm > /dev/null || echo npm; \
		command -v promtool > /dev/null || echo prometheus; command -v amtool > /dev/null || echo prometheus-alertmanager; command -v systemd-analyze > /dev/null || echo systemd)"; \
		{ test -z "$$missing" || { apt-get update -qq; policy=/usr/sbin/policy-rc.d; \
		test -e $$policy || { trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' > $$policy; chmod +x $$policy; }; \
		apt-get install -y -qq --no-install-recommends $$missing; }; } & system=$$!; \
		python=0; $(PIP) install --require-hashes -r requirements-dev.txt || python=$$?; wait $$system; exit $$python
	@touch $@

$(NODE): %/node_modules/.package-lock.json: %/package.json %/package-lock.json | $(VENV)/.dev
	@echo "installing what $* needs of node into $*/node_modules"
	@npm --prefix $* ci --silent --ignore-scripts
	@touch $@

$(TYPES): deploy/openapi.json $(firstword $(NODE))
	@$(PAGE)/node_modules/.bin/openapi-typescript deploy/openapi.json --output $@ > /dev/null
