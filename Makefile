# What a developer types. `make` prints this help; every target does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := schemas chassis services/catalogue services/exchange services/ingestion services/matching services/query services/repair gateway node client sandbox
TIMES ?= 3
RUNS ?= 1
BUS ?= embedded
AS_PIP = $(BIN)/python deploy/as_pip.py
UV = $(AS_PIP) $(BIN)/uv pip
LOCK = $(UV) compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --no-annotate -q

.PHONY: help setup lock check format test fresh chaos run bench kafka kafka-stop docs clean

help: ## print this help
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the environment in .venv from requirements.lock, from the index that pip is configured for

$(VENV)/.ready: requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(AS_PIP) $(BIN)/python -m pip install -q --require-hashes -r <($(PYTHON) deploy/only.py requirements.lock uv)
	@$(UV) sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(UV) install -q --python $(BIN)/python --no-deps --no-build-isolation $(foreach m,$(MEMBERS),-e $(m))
	@touch $@

lock: ## resolve the dependencies anew into requirements.lock
	@$(LOCK) pyproject.toml --group dev -o requirements.lock \
		$(foreach m,$(MEMBERS),--no-emit-package creditmesh-$(notdir $(m)))
	@$(LOCK) -c requirements.lock -o deploy/image/node.lock node/pyproject.toml \
		$(foreach m,$(MEMBERS),--no-emit-package creditmesh-$(notdir $(m)))
	@$(LOCK) -o deploy/image/tools.lock deploy/image/tools.in

check: setup ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/yamllint --strict deploy
	@$(BIN)/hadolint deploy/image/Containerfile

format: setup ## put every file into shape
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

test: export PYTHONDONTWRITEBYTECODE :=
test: setup ## everything, on both buses, with real PostgreSQL and Kafka
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -rs

fresh: setup ## the commands of the READMEs in an empty folder, behind a private index (it downloads every wheel of the lock)
	@FRESH=1 $(BIN)/python -m pytest tests/deploy/test_fresh.py -s -rs

chaos: setup ## kill -9 of everything in a node and a chain, several times over, and long histories (TIMES=3, RUNS=1; each run has another seed)
	@for run in $$(seq $(RUNS)); do CHAOS_TIMES=$(TIMES) HISTORY_SEED=0 HISTORY_STEPS=$$((500 * $(TIMES))) \
		$(BIN)/python -m pytest tests/chaos tests/histories -s -rs || exit 1; done

run: setup ## sandbox nodes of a city, a province and the nation, and their story (ONCE=1 stops after it; BUS=kafka SPLIT=1)
	@$(BIN)/creditmesh-sandbox --bus $(BUS) $(if $(ONCE),--once) $(if $(SPLIT),--split)

kafka: ## Apache Kafka on loopback, obtained with Maven into .kafka/ (make kafka-stop ends it)
	@$(PYTHON) deploy/kafka/kafka.py start
	@echo "Export that line to use it; make kafka-stop ends it; its data stay in .kafka/data."

kafka-stop:
	@$(PYTHON) deploy/kafka/kafka.py stop

bench: setup ## the measurements, ratios taken in one run
	@$(BIN)/python -m bench

docs: setup ## write the references from the code (with the shipped catalogue's), and say which sections of the Chinese guides are to be looked at
	@$(BIN)/python -m creditmesh.schemas.generate && $(BIN)/python -m creditmesh.node.reference && $(BIN)/python -m creditmesh.sandbox.routes_page && $(BIN)/python -m tests.support.catalogue_page && $(BIN)/python deploy/kubernetes/write.py && $(BIN)/python deploy/watch/write.py
	@$(BIN)/python deploy/zh_guides.py

clean: ## remove what a sandbox left in var/, and the environment; nodes of your own stay
	@test ! -x $(BIN)/creditmesh-sandbox || $(BIN)/creditmesh-sandbox remove
	@rm -rf $(VENV)
