# Two commands on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
SDK_COPY := src/hedgerow/storefront/static/hedgerow
SDK_FILES := hedgerow.js hedgerow-shared.js hedgerow-worker.js

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser pictures bench sdk test-sdk lint format clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Hedgerow needs Python 3.11 or newer; set PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed  ## Federate a recommender over a synthetic shop and report on it
	$(BIN)/hedgerow demo

test: $(VENV)/installed  ## Run all tests; real data are read from $$HEDGEROW_DATA
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --ignore tests/browser $(PYTEST)

test-browser: $(VENV)/installed  ## Run the tests in a real browser, /usr/bin/chromium
	@test -x /usr/bin/chromium -o -n "$$HEDGEROW_CHROMIUM" -o "$$(id -u)" != 0 || \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy chromium; } >/dev/null
	$(BIN)/pytest tests/browser $(PYTEST)

bench: $(VENV)/installed  ## Print every figure of the README (hours; needs $$HEDGEROW_DATA)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/privacy.py --plot docs/privacy.svg
	$(BIN)/python benchmarks/coordinator.py --agents 8 --rounds 15
	$(BIN)/python benchmarks/coordinator.py --agents 1000 --rounds 3 --drop 0.1
	$(BIN)/python benchmarks/chaos.py --target coordinator --kills 50
	$(BIN)/python benchmarks/peers/run.py
	$(BIN)/python benchmarks/peers/network.py
	$(BIN)/python benchmarks/browser.py

pictures: $(VENV)/installed  ## Draw every page of the console and the storefront into docs/pictures/pages
	PYTHONPATH=tests/browser:tests:tests/server $(BIN)/python tests/browser/pictures.py docs/pictures/pages

sdk:  ## Build the browser SDK into sdk/dist and the storefront (needs Node.js 20 or newer)
	cd sdk && npm ci --no-audit --no-fund && npm run build
	cp $(addprefix sdk/dist/,$(SDK_FILES)) $(SDK_COPY)

test-sdk: sdk  ## Test the browser SDK, and that its built files are those of its source
	cd sdk && npm run check && npm test
	@! git status --porcelain sdk/dist $(SDK_COPY) | grep . || \
	  { echo "These built files are not those of the source; commit what make sdk makes."; exit 1; }

lint: $(VENV)/installed  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what make made
	rm -rf $(VENV) .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis hedgerow-*
