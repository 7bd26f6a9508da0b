# Every target sets up .venv by itself; the second time that costs nothing.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := vantage_sdk mock_server s9s_client.py tests examples benchmarks

# Each process that a test starts would compile the packages anew, and each run every test.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slurm test-quick coverage soak check format bench serve docs clean

demo: .venv/.server
	@$(BIN)/python -m examples.demo

# ONLY=... gives more to pytest, as in ONLY="--last-failed -n 0".
test: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ONLY)

# Needs Slurm's programs on PATH, and says what is missing where they are not.  Each process has a cluster of its own, and
# most of the time waits for it: more of them than there are processors.
test-slurm: .venv/.dev
	SLURM_TESTS=1 $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder tests/slurm $(ONLY)

coverage: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-fail-under=95

test-quick: .venv/.dev
	$(BIN)/python -m pytest -x -q -m "not slow"

soak: .venv/.dev
	SOAK=1 $(BIN)/python -m pytest -q --durations=20 --timeout 3600 $$(grep -rl "support.effort import" tests --include=test_*.py)

check: .venv/.dev
	$(BIN)/ruff format --check $(PACKAGES)
	$(BIN)/ruff check $(PACKAGES)
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing
	$(BIN)/pyright

format: .venv/.dev
	$(BIN)/ruff format $(PACKAGES)
	$(BIN)/ruff check --fix $(PACKAGES)

bench: .venv/.bench
	$(BIN)/python -m benchmarks --write README.md

serve: .venv/.server
	$(BIN)/python -m mock_server

docs: .venv/.dev
	$(BIN)/python -m pytest -q tests/docs

clean:
	rm -rf .venv build dist .coverage* .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/.server: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server]'
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ .venv/.server

.venv/.bench: .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench]'
	@touch $@
