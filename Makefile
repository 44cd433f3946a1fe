# The two commands: `make run` and `make test`. `make help` lists the others.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help

.PHONY: help run dev test lint audit bench pins docs stop clean

help: ## Show this list.
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Install, then materialize the last 24 closed hours of 500 simulated coins.
	@$(BIN)/coin-platform run

dev: $(VENV)/.installed ## Install, then open the Dagster UI.
	@$(BIN)/coin-platform dev

test: $(VENV)/.installed-test lint ## Install what tests need, then lint, check types and run every test.
	@$(BIN)/python -m pytest -n auto --dist loadfile --ignore coin_platform_tests/end_to_end
	@$(BIN)/python -m pytest coin_platform_tests/end_to_end  # whole platforms: one at a time

lint: $(VENV)/.installed-test ## Lint and check types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.installed-bench ## Run ours and theirs side by side, and write docs/benchmarks.md.
	@$(BIN)/python -m benchmarks --output docs/benchmarks.md

audit: $(VENV)-audit/.installed $(VENV)/.installed-test ## Have checkov look at the account's template and the image.
	@$(BIN)/python -m coin_platform_tests.aws.audit $(VENV)-audit/bin/checkov

pins: $(VENV)/.installed-test ## Write what the image installs, from what is installed here.
	@$(BIN)/python -m coin_platform.infrastructure.pins > deploy/requirements.txt

docs: $(VENV)/.installed-test ## Write the generated pages under docs/.
	@$(BIN)/python -m coin_platform.contracts.dictionary > docs/data_dictionary.md
	@$(BIN)/python -m coin_platform.defs.catalogue > docs/checks.md
	@$(BIN)/python -m coin_platform_tests.aws.security_page > docs/security.md

stop: $(VENV)/.installed ## Stop what was left running.
	@$(BIN)/coin-platform stop

clean: ## Remove the environment and caches; data in .coin_platform stays.
	rm -rf $(VENV) $(VENV)-audit cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11 to 3.13 is needed, $(PYTHON) is " + sys.version.split()[0] + ": run make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml setup.py | $(VENV)/bin/python
	@echo "installing coin-platform into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml setup.py | $(VENV)/bin/python
	@echo "installing coin-platform and its test tools into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-bench: pyproject.toml setup.py | $(VENV)/bin/python
	@echo "installing coin-platform and the peers it is measured against into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $(VENV)/.installed $@

# An environment of its own: checkov wants a boto3 that the platform cannot have.
$(VENV)-audit/.installed:
	@echo "installing checkov into $(VENV)-audit"
	@$(PYTHON) -m venv $(VENV)-audit
	@$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check checkov==3.3.30
	@touch $@
