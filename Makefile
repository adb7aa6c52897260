# Everything begins with `make setup`, which the other targets do by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# an interpreter that may not keep compiled code would compile 1,500 files at each start
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export DO_NOT_TRACK = 1

.PHONY: setup run test prove ui docs notebook lint bench clean
.DEFAULT_GOAL := run

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "comeback: Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m orchestration.warehouse.parse_shipped
	touch $@

# make run                         the hourly run over a simulated shop
# make run EVENTS=dir              the same over your dumps; SOURCE=name says whose they are
run: setup
ifdef EVENTS
	$(BIN)/comeback run --as-of latest --events "$(EVENTS)" $(if $(SOURCE),--source "$(SOURCE)")
else
	$(BIN)/comeback run --as-of latest --simulated
endif

test: setup $(VENV)/duckdb-1.5 $(VENV)/.notebook
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder

# an older client, to show that it reads what we publish
$(VENV)/duckdb-1.5: tests/duckdb-1.5.lock | setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--upgrade --target $@ -r $<
	touch $@

# make prove                         what takes hours: many seeds, sizes, a hundred kills, mutants
# make prove PROVE="--only kills"    one of them; a line in bench/results/prove.jsonl says what came of it
prove: setup $(VENV)/duckdb-1.5 $(VENV)/.notebook
	$(BIN)/python -m bench.prove $(PROVE)

ui: setup
	$(BIN)/comeback ui

# make docs                          every table with its columns, contracts and lineage: data/docs/index.html
docs: setup
	$(BIN)/python -m orchestration.warehouse.dbt_docs

# make notebook                      ten questions with their pictures, to be changed, in a browser
notebook: setup $(VENV)/.notebook
	$(BIN)/marimo edit dbt_project/docs/questions.py

$(VENV)/.notebook: notebook.lock $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 0 dbt_project/models dbt_project/tests

# make bench                                    a million events, about seven minutes
# make bench BENCH="--events 1000000 5000000 20000000 --keep"   all sizes, kept with the repository
# make bench BENCH="--only build hour empty --checkouts ../before ."   a build and hours of two checkouts
bench: setup
	$(BIN)/python -m bench $(BENCH)

clean:
	rm -rf $(VENV) dbt_project/target dbt_project/logs .pytest_cache .hypothesis .ruff_cache .import_linter_cache *.egg-info
