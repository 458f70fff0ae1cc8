# Make in front, nox behind: every target is a nox session of the same name.
# `make e2e EXAMPLE=math_example` runs one example; `make tests ARGS="-k boxed"` hands arguments on.

# What is said to this make is not said to one that runs inside it, as the documented commands do.
MAKEOVERRIDES :=
unexport EXAMPLE ARGS POLICY NAME FROM

PYTHON ?= python3
VENV := .venv
NOX := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/nox
EXAMPLE ?=
ARGS ?=
EXAMPLES := $(sort $(patsubst examples/%/config.json,%,$(wildcard examples/*/config.json)))

# known(other parts): nothing for an example or one of the parts, else one line and exit code 2
known = $(if $(filter-out $(EXAMPLES) $(1),$(EXAMPLE)),$(error EXAMPLE=$(EXAMPLE): there are $(EXAMPLES) $(1)))
# pick(session, other parts): session(example), or all of them, as many at once as there are cores
pick = $(call known,$(2))$(NOX) $(if $(EXAMPLE),-s "$(1)($(EXAMPLE))",--parallel auto -s $(1)) $(if $(ARGS),-- $(ARGS))

.DEFAULT_GOAL := help
.PHONY: help prep e2e prove smoke real test tests docs drift report services lint types bench constraints dev new-example clean
.PHONY: sandbox audit

help: ## print this help
	@echo "make TARGET [EXAMPLE=folder] [ARGS=\"words for the script or pytest\"]"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile
	@echo "EXAMPLE: $(EXAMPLES)"

prep: $(VENV)/ready ## step 0 of every example: check the manifests, write the data
	@$(call pick,prep)

e2e: $(VENV)/ready ## every step of every example: mocked APIs, one training step, no network
	@$(call pick,e2e)

test: $(VENV)/ready ## lint, types and all unit tests
	@$(NOX) -s lint types tests

tests: $(VENV)/ready ## unit tests only
	@$(call known,common training)$(NOX) -s $(if $(EXAMPLE),"tests($(EXAMPLE))",tests) $(if $(ARGS),-- $(ARGS))

docs: $(VENV)/ready ## every documented command is executed
	@$(call pick,docs,project)

drift: $(VENV)/ready ## mocks, recordings and requests against the types of the official SDK
	@$(NOX) -s drift $(if $(ARGS),-- $(ARGS))

report: $(VENV)/ready ## one page of what the last runs left, outputs/report/index.html
	@$(NOX) -s report $(if $(ARGS),-- $(ARGS))

services: $(VENV)/ready ## serve a policy behind a local Fireworks: make services POLICY=folder [ARGS=...]
	@$(NOX) -s services -- $(if $(POLICY),--policy $(POLICY)) $(ARGS)

lint: $(VENV)/ready ## ruff, the direction of imports, the workflow against its schema
	@$(NOX) -s lint

types: $(VENV)/ready ## mypy, strict
	@$(NOX) -s types

bench: $(VENV)/ready ## benchmarks against docs/benchmarks.md; ARGS=sandbox picks by name, ARGS=--write writes it
	@$(NOX) -s bench $(if $(ARGS),-- $(ARGS))

constraints: $(VENV)/ready ## write constraints.txt anew: one tested version of everything
	@$(NOX) -s constraints $(if $(ARGS),-- $(ARGS))

audit: $(VENV)/ready ## known vulnerabilities of the packages in constraints.txt
	@$(NOX) -s audit $(if $(ARGS),-- $(ARGS))

sandbox: $(VENV)/ready ## install bubblewrap, which isolates model-written programs, with apt
	@$(NOX) -s sandbox

dev: $(VENV)/ready ## an environment with everything in .venv-dev, to run the scripts by hand
	@$(NOX) -s dev

smoke: $(VENV)/ready ## every example for real: trains until it has learned, talks to real local servers
	@$(call pick,smoke); code=$$?; \
		$(VENV)/bin/python -m tests.support.smoke_table $(EXAMPLE); exit $$code

prove: $(VENV)/ready ## can the reward be gamed, can it be learned from? ARGS="--level semantic" for the fast half
	@$(call pick,prove)

real: $(VENV)/ready ## a pretrained model on the CPU: measured, trained, measured again; up to an hour
	@$(call pick,real)

new-example: $(VENV)/ready ## copy an example: make new-example NAME=my_example [FROM=math_example]
	@$(NOX) -s new_example -- $(NAME) $(FROM)

clean: ## remove environments, caches and outputs
	rm -rf .nox $(VENV) .venv-dev outputs .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# nox and uv, and nothing else; nox makes the environments that do the work.
$(VENV)/ready: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11; say make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "error: $(PYTHON) cannot make environments; install its venv module" >&2; exit 2; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt nox uv
	@touch $@
