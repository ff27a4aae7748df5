# make demo   set up and solve a real instance: table, solution file and Gantt chart in out/
# make test   set up and run every check: lint, types, import rules, docs, tests
# make thorough   the tests again, properties with all their examples, drawn anew (twice as long)
# make coverage   the tests again, with the lines that they miss (twice as long)
# make test-minimum   the tests on the lowest versions that the project asks for
# make dist-check   build wheel and sdist; install each away from the repository and solve with it
# make atlas  run every published system (hours) and put the table into docs/; SCHEDULING_DATA names
#             the folder of data sets, BUDGET what each system may take
#
# All create .venv on the first call and reuse it afterwards. PYTHON names another interpreter
# (3.11 or newer): make test PYTHON=python3.13

PYTHON ?= python3.11
VENV ?= .venv
MINIMUM ?= .venv-minimum
BIN := $(VENV)/bin
OUT ?= out
# Taillard's job shop ta01: 15 jobs on 15 machines, published in 1993, optimum 1231.
INSTANCE ?= bundled:ta01
PYTEST_ARGS ?=
BUDGET ?= 60s

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs atlas kernels pytest thorough coverage test-minimum dist-check lock clean

help:
	@sed -n '1,11s/^# \{0,1\}//p' Makefile

$(VENV)/pip.stamp:
	@echo "==> creating $(VENV) with $(PYTHON)"
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found; name a Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/package.stamp: pyproject.toml $(VENV)/pip.stamp
	@echo "==> installing the package and its solvers into $(VENV)"
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/package.stamp
	@echo "==> installing the tools that the checks need"
	$(BIN)/python -m pip install --quiet --editable ".[k8s]" --group dev
	@touch $@

demo: $(VENV)/package.stamp
	@mkdir -p $(OUT)
	@echo "==> solving $(INSTANCE) to a proven optimum"
	$(BIN)/scheduling solve $(INSTANCE) --time-limit 300 \
	  --output $(OUT)/solution.json --gantt $(OUT)/gantt.html
	@echo "==> checking the solution independently"
	$(BIN)/scheduling check $(INSTANCE) $(OUT)/solution.json
	@echo "==> solution: $(OUT)/solution.json   chart: $(OUT)/gantt.html (open it in a browser)"

lint: $(VENV)/dev.stamp
	@echo "==> ruff: style, docstrings, imports"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "==> mypy --strict: types"
	$(BIN)/mypy
	@echo "==> import-linter: which room may import which"
	$(BIN)/lint-imports

# With -t check the sources, half of the work, are not put beside the pages.
DOCS ?=
docs: $(VENV)/dev.stamp
	@echo "==> sphinx: documentation, every warning an error"
	$(BIN)/sphinx-build -W --keep-going -q $(DOCS) -b html docs docs/_build/html
	@echo "==> docs/_build/html/index.html"

# A run that was stopped goes on where it was; make clean begins anew.
atlas: $(VENV)/package.stamp
	@echo "==> every published system, at most $(BUDGET) each"
	$(BIN)/scheduling reproduce --all --budget $(BUDGET) --output $(OUT)/atlas
	cp $(OUT)/atlas/atlas.md docs/atlas-table.md
	@echo "==> docs/atlas-table.md   page: $(OUT)/atlas/atlas.html"

pytest: $(VENV)/dev.stamp
	@echo "==> pytest: tests"
	$(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

thorough: $(VENV)/dev.stamp
	@echo "==> pytest: tests, properties with all their examples"
	PROPERTIES=thorough $(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

coverage: $(VENV)/dev.stamp
	@echo "==> pytest: tests with coverage"
	$(BIN)/pytest --numprocesses auto --dist loadfile --cov --cov-report term $(PYTEST_ARGS)

# Compiling takes one processor for minutes in a new clone; so do lint and documentation.
kernels: $(VENV)/dev.stamp
	@echo "==> pytest: compiling the kernels of the solvers"
	$(BIN)/pytest --quiet --numprocesses auto tests/solvers/test_warmup.py -k test_the_groups_compile

test: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=recurse kernels lint docs DOCS="-t check"
	@$(MAKE) --no-print-directory pytest

$(MINIMUM)/dev.stamp: pyproject.toml requirements/minimum.txt
	@echo "==> installing the lowest versions into $(MINIMUM)"
	$(PYTHON) -m venv $(MINIMUM)
	$(MINIMUM)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(MINIMUM)/bin/python -m pip install --quiet --constraint requirements/minimum.txt \
	  --editable ".[k8s,profiles]" --group test
	@touch $@

# Old packages call what newer ones beside them deprecate: such warnings are shown and no error.
test-minimum: $(MINIMUM)/dev.stamp
	@echo "==> pytest: tests on the lowest versions"
	$(MINIMUM)/bin/pytest --numprocesses auto --dist loadfile \
	  -W default::DeprecationWarning -W default::PendingDeprecationWarning $(PYTEST_ARGS)

dist-check: $(VENV)/dev.stamp
	@echo "==> building wheel and sdist"
	rm -rf $(OUT)/dist
	$(BIN)/python -m build --outdir $(OUT)/dist .
	@set -e; for package in $(CURDIR)/$(OUT)/dist/*; do \
	  echo "==> $$package, alone in a fresh environment"; \
	  rm -rf $(OUT)/fresh; $(PYTHON) -m venv $(OUT)/fresh; \
	  $(OUT)/fresh/bin/python -m pip install --quiet "$$package"; \
	  ( cd $(OUT)/fresh; bin/scheduling --version; bin/scheduling doctor; \
	    bin/scheduling solve bundled:ft06 --time-limit 60 --output ft06.json; \
	    bin/scheduling check bundled:ft06 ft06.json ); \
	done

# The container installs exactly these versions, by their hashes.
lock:
	uv pip compile --upgrade --generate-hashes --python-platform linux --python-version 3.12 \
	  --extra k8s --no-header --no-emit-index-url pyproject.toml requirements/build.in \
	  --output-file requirements/container.txt

clean:
	rm -rf $(VENV) $(MINIMUM) $(OUT) build dist docs/_build docs/_pictures *.egg-info \
	  .coverage .hypothesis \
	  .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
