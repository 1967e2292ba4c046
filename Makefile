# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every target sets up what it needs below build/. Needed beforehand: Python 3.11 or later, git, make.

PYTHON ?= python3
VENV := build/venv
BIN := $(CURDIR)/$(VENV)/bin
RUN := $(BIN)/python -m
COPY := build/collections/ansible_collections/relocate/django
# What to test, for instance: make unit T=tests/unit/plugins/module_utils/test_errors.py
T ?=

export PATH := $(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
export ANSIBLE_HOME := $(CURDIR)/build/ansible
export ANSIBLE_NOCOLOR ?= 1
# Where it is set, every program of every test compiles what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test readme fast unit lint format sanity docs package build lab images engines benchmark changelog
.PHONY: controllers setup copy clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: $(VENV)/.base copy ## Move a small site from one directory to another, and look at it
	@$(BIN)/python tests/demo/run.py

readme: setup ## What the README says, done by an ordinary user in a fresh clone; root makes one for that time
	@$(RUN) tests.tools.readme

test: setup copy ## Everything: lint, sanity, docs, package, readme, unit, engines, lab
	@$(RUN) tests.tools.stages controllers+lint images+unit,engines+sanity,docs,package,readme lab

# Tests start thousands of programs. A fork copies the tables of all pages of the process; with huge ones there are few.
QUICKLY := PYTHONMALLOC=malloc GLIBC_TUNABLES=glibc.malloc.hugetlb=1 $(RUN)

fast: setup copy ## The fast loop: the unit tests that start no program and wait for nothing, in less than a minute
	@$(QUICKLY) pytest --numprocesses=2 -m "not slow" tests/unit $(PYTEST_OPTIONS)

unit: setup copy ## All unit tests
	@$(QUICKLY) pytest $(or $(T),--numprocesses=2 tests/unit) $(PYTEST_OPTIONS)

lint: setup copy ## ruff, mypy, vermin, yamllint, shellcheck, licences, ansible-lint
	@$(RUN) tests.tools.lint $(T)

format: setup ## Fix what ruff can fix by itself
	@ruff check --fix --quiet . ; ruff format .

sanity: setup copy ## ansible-test sanity
	@$(RUN) tests.tools.sanity $(T)

changelog: setup ## Fold the fragments into CHANGELOG.md, in the entry of the version in galaxy.yml
	@antsibull-changelog release --update-existing

docs: setup copy ## Documentation of every plugin and role, into build/docs/html
	@$(RUN) tests.tools.docs

package: build
	@$(RUN) tests.tools.importer

build: setup copy ## The collection's archive, into build/dist
	@$(BIN)/ansible-galaxy collection build --force --output-path build/dist $(COPY)

lab: setup copy ## End-to-end tests on real servers; needs podman and root
	@$(RUN) tests.tools.lab $(T)

images: setup # what the lab's hosts are made of; "make lab" makes what is missing
	@$(RUN) tests.tools.lab --prepare

engines: setup copy ## Engines on real database servers, where their programs are installed, and local runs of playbooks
	@$(RUN) pytest $(or $(T),--numprocesses=2 --dist=loadgroup --no-loadscope-reorder tests/engines tests/playbooks) $(PYTEST_OPTIONS)

benchmark: setup copy ## Time the move against doing it by hand; needs podman and root
	@$(BIN)/python benchmarks/run.py

controllers: ## Further versions of ansible-core, into build/venv-2.x, where a Python for them is installed
	@$(PYTHON) tests/tools/venv.py --controllers

setup: $(VENV)/.dev

copy:
	@$(PYTHON) tests/tools/collection.py

$(VENV)/.base: tests/tools/venv.py tests/requirements/base.txt tests/requirements/constraints.txt
	@$(PYTHON) tests/tools/venv.py $(VENV) base
	@touch $@

$(VENV)/.dev: $(VENV)/.base tests/requirements/dev.txt
	@$(PYTHON) tests/tools/venv.py $(VENV) dev
	@touch $@

clean: ## Remove all that these targets made, but for the lab's cache
	@find build -mindepth 1 -maxdepth 1 ! -name lab -exec rm -rf {} +
