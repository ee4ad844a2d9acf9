# Everything a newcomer types. `make help` lists it; docs/adr/0001-two-pythons.md says why there are two environments.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

UV := .tools/bin/uv
PYTHON := .venv/bin/python
TORCH := torch==2.13.0
# Two local sources of wheels, where pip has been given one: uv reads neither by itself.
WHEELS = $${PIP_FIND_LINKS:-$$(python3 -m pip config get global.find-links 2>/dev/null || true)}
RASA_SOURCES := config.yml domain.yml $(wildcard nlu/data/*.yml nlu/data/*/*.yml nlu/components/*.py)
RASA_MODEL := models/otklik.tar.gz
RASA_ENV := RASA_TELEMETRY_ENABLED=false SQLALCHEMY_SILENCE_UBER_WARNING=1 TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=.
# What runs inside Rasa is checked against Rasa's own environment, whose packages have few types.
MYPY_IN_RASA := --config-file= --strict --explicit-package-bases --python-executable .venv-rasa/bin/python --python-version 3.10 \
	--ignore-missing-imports --allow-subclassing-any --allow-untyped-calls --follow-imports=silent
# Tests without a running desk share the processors, a file at a time; those with one have it for themselves.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadfile
TEST_PACKAGES := clamav-daemon dovecot-imapd dovecot-lmtpd fonts-dejavu-core postgresql redis-server spamassassin spamd \
  tesseract-ocr tesseract-ocr-rus

.PHONY: help setup run train test test-unit test-setup check bench bench-setup bench-turns bench-mail evaluate lock clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: .venv/.installed .venv-rasa/.installed  ## build both environments

run: setup train  ## start the desk: the chat page, the console, Rasa
	@exec $(PYTHON) -m bot run

train: $(RASA_MODEL)  ## train the Rasa model if its sources changed

test: test-setup train  ## run every test, after setting up all it needs
	@$(RASA_ENV) .venv-rasa/bin/python -m unittest discover --start-directory tests/rasa --top-level-directory .
	$(PYTHON) -m pytest $(PARALLEL) tests/unit tests/contract
	$(PYTHON) -m pytest tests/dialogue tests/e2e tests/integration

test-unit: setup  ## run the fast tests: no sockets
	@$(PYTHON) -m pytest $(PARALLEL) tests/unit

check: setup  ## ruff, mypy strict, import-linter
	@$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy $(MYPY_IN_RASA) nlu tests/rasa
	.venv/bin/lint-imports

bench: bench-setup  ## hold the search beside other libraries, and measure how it grows (CORPORA: folders in BEIR's layout)
	@$(PYTHON) benchmarks/search.py $(CORPORA)
	$(PYTHON) benchmarks/scale.py

bench-turns: setup train  ## hold a whole turn beside a stock Rasa (trained once: 20 minutes), and a long conversation beside a fresh one
	@$(PYTHON) benchmarks/turns.py
	$(PYTHON) benchmarks/long_conversation.py

bench-mail: test-setup  ## measure how many letters a second are taken, from a Maildir and over IMAP
	@$(PYTHON) benchmarks/mail.py

evaluate: bench-setup test-setup train  ## report how well intents, slots, search and flows do (PARTS: some of them, see benchmarks/evaluate.py)
	@$(PYTHON) benchmarks/evaluate.py $(PARTS)

# --inexact leaves torch, which the lock does not know, where it is.
bench-setup: .venv/.installed
	@$(UV) sync --frozen --inexact --group bench --python $(PYTHON)

lock: $(UV)  ## resolve both lock files anew
	@$(UV) lock --upgrade
	printf '%s\n' "rasa==3.6.21" "pymorphy3[fast]==2.0.6" | $(UV) pip compile --python-version 3.10 --generate-hashes --no-header --upgrade -q -o rasa.lock -

clean:  ## delete environments, models and caches (not the data folder)
	@rm -rf .venv .venv-rasa .tools .rasa models node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV):
	@if ! python3 -m venv .tools 2>/dev/null; then rm -rf .tools; scripts/debian-packages python3-venv; python3 -m venv .tools; fi
	echo "Fetching uv …"
	.tools/bin/pip install --quiet --disable-pip-version-check "uv>=0.13,<0.14"

# torch is kept out of the lock: its ordinary wheel brings gigabytes of GPU libraries that a CPU desk never loads.
.venv/.installed: pyproject.toml uv.lock | $(UV)
	@python=$$(scripts/find-python 3.11 $(UV))
	echo "Building .venv (the desk, Python 3.11) …"
	[ -x .venv/bin/python ] || $(UV) venv --no-config --quiet --python "$$python" .venv
	$(UV) sync --frozen --inexact --python .venv/bin/python
	wheels=$(WHEELS)
	if ls $$wheels/torch-*.whl >/dev/null 2>&1; then
	  $(UV) pip install --no-config --python $(PYTHON) --find-links "$$wheels" $(TORCH)
	else
	  $(UV) pip install --no-config --python $(PYTHON) --torch-backend cpu $(TORCH)
	fi
	touch $@

.venv-rasa/.installed: rasa.lock | $(UV)
	@python=$$(scripts/find-python 3.10 $(UV))
	echo "Building .venv-rasa (the dialogue engine, Python 3.10) …"
	[ -x .venv-rasa/bin/python ] || $(UV) venv --no-config --quiet --python "$$python" .venv-rasa
	$(UV) pip sync --no-config --python .venv-rasa/bin/python --require-hashes rasa.lock
	touch $@

$(RASA_MODEL): $(RASA_SOURCES) .venv-rasa/.installed
	@echo "Training the dialogue model (about a minute) …"
	$(RASA_ENV) .venv-rasa/bin/rasa train --quiet --data nlu/data --out models --fixed-model-name otklik
	touch $@

test-setup: setup node_modules/.installed
	@scripts/debian-packages $(TEST_PACKAGES)
	# Ubuntu's chromium is no Debian package: there Playwright brings one.
	command -v chromium >/dev/null || scripts/debian-packages chromium || $(PYTHON) -m playwright install --with-deps chromium

node_modules/.installed: package-lock.json
	@command -v npm >/dev/null || scripts/debian-packages nodejs npm  # a Node.js from elsewhere brings its own
	npm ci --silent --no-audit --no-fund
	touch $@
