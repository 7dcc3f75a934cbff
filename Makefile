# What people and CI type. Everything runs in .venv, which `make setup` builds from a bare python3.
PYTHON ?= python3
RUN := .venv/bin/python -m
# The ports of the embedded stack; choose others as in `make demo AIRFLOW_PORT=8081`.
export AIRFLOW_PORT MLFLOW_PORT SERVING_PORT

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev extras lock demo up down feed test lint check bench proof clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Build .venv; does nothing when it is up to date
	@$(PYTHON) scripts/setup.py

setup-dev: ## The same, with what tests and checks need
	@$(PYTHON) scripts/setup.py --dev

extras: setup ## Install LightGBM, XGBoost and Spark too
	.venv/bin/uv pip install --quiet --require-hashes --python .venv/bin/python -r requirements-extras.lock

lock: setup-dev ## Pin the packages of requirements*.in (UPGRADE=1 for the newest)
	.venv/bin/python scripts/lock.py $(if $(UPGRADE),--upgrade)

demo: setup ## From nothing to champions that serve, on real flights (EXIT=1: stop after the check)
	@./ratchet demo $(if $(filter-out 0,$(EXIT)),--exit)

up: setup ## Start Airflow, MLflow and the prediction service
	@./ratchet up

down: ## Stop them, and nothing else
	@./ratchet down

feed: ## Deliver the next month of flights, or MONTH=2013-05
	@./ratchet feed $(MONTH)

test: setup-dev ## Run the tests, on every core
	$(RUN) pytest -n auto --dist loadfile

lint: setup-dev ## Style, types and the import contracts
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports

check: lint test ## What CI runs

bench: setup-dev ## Print the ratios of the README's table
	$(RUN) benchmarks

proof: setup-dev ## Run the full simulations and repeats
	$(RUN) proofs

clean: ## Stop everything; remove what was written, except .venv
	@test ! -x .venv/bin/python || ./ratchet down
	rm -rf .ratchet .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
