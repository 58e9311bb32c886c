# Every target starts from a bare clone: Scripts/bootstrap fetches what is missing first.
#
#   JOBS=n                   limits the build to n jobs
#   FILTER=name              runs only the tests whose names match
#   CONFIGURATION=release    builds and tests optimized code (debug by default)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ORACLE := .recipe/oracle
PYTHON ?= python3
JOBS ?=
FILTER ?=
CONFIGURATION ?= debug
JOBS_FLAG := $(if $(JOBS),--jobs $(JOBS))

# Warnings are errors in every build made here, so that `make test` and `make check` share one build
# folder. SwiftPM leaves dependencies out of it (it builds them with warnings suppressed).
TESTABLE := $(JOBS_FLAG) -c $(CONFIGURATION) -Xswiftc -enable-testing \
    -Xswiftc -warnings-as-errors -Xcxx -Wall -Xcxx -Werror
FORMATTED := --recursive --parallel Package.swift Sources Tests Benchmarks Fuzz Oracle Examples

# What records say of the sources they were made by; a build by hand says `unknown`.
ifndef RECIPE_COMMIT
export RECIPE_COMMIT := $(shell git rev-parse HEAD 2>/dev/null)$(shell \
    git status --porcelain -- Package.swift Sources 2>/dev/null | sed -n '1s/.*/-modified/p')
endif

.PHONY: help bootstrap build test check lint build-tests demo bench fuzz fixtures docs format clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

bootstrap: ## check the machine, install what is missing, fetch libtorch
	@Scripts/bootstrap

build: bootstrap ## the release executable: .build/release/recipe
	swift build $(JOBS_FLAG) -c release --product recipe --static-swift-stdlib

build-tests: bootstrap
	swift build $(TESTABLE) --build-tests

test: build-tests ## build and run the tests
	swift test $(TESTABLE) --skip-build $(if $(FILTER),--filter '$(FILTER)')

lint: bootstrap ## check the format of the Swift sources, and that targets declare what they import
	swift format lint --strict $(FORMATTED)
	$(PYTHON) Scripts/check-imports

check: lint test ## format and imports, build with our warnings as errors, tests

demo: bootstrap ## pre-train, backdoor, purify and compare a small BERT
	@Scripts/demo

bench: bootstrap $(ORACLE)/.installed ## speed and memory beside PyTorch loops with the authors' settings
	@Scripts/bench
	@Scripts/bench vision
	@Scripts/bench clip
	@Scripts/bench images

fuzz: bootstrap ## try the readers of untrusted bytes with libFuzzer; SECONDS_EACH=60 for each of them
	@Scripts/fuzz

$(ORACLE)/.installed: Oracle/requirements.txt
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip install --quiet -r Oracle/requirements.txt
	touch $@

fixtures: $(ORACLE)/.installed ## make Tests/Fixtures again with the pinned Python of Oracle/
	@grep -l Fixtures Oracle/*.py | while read -r script; do \
	    echo "$$script"; $(ORACLE)/bin/python "$$script"; \
	done

docs: bootstrap ## the library's reference and articles as a site: .build/docs
	@FLAGS='$(TESTABLE)' Scripts/docs

format: bootstrap ## format the Swift sources in place
	swift format --in-place $(FORMATTED)

clean: ## remove what was built (libtorch and the virtual environments stay)
	swift package clean

distclean: ## remove all that make made: builds, libtorch, virtual environments
	rm -rf .build .recipe
