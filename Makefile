# Every target sets up what it needs: a fresh machine needs python3 (>= 3.11) with venv, and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SANITIZE := notebooks/sanitize.cfg

# A backend named in the environment would take the pictures out of the notebooks.
unexport MPLBACKEND
# Compiled modules are kept: tests start many processes, and each would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help report lab test quick coverage mutants check bench bench-large distributed truth attack fuzz fuzz-short sample messages notebooks docs lock wheel dist clean

help:  ## Show what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The environment is rebuilt when the lock or the project file changes; uv is used where it is present, pip elsewhere.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kettrack needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (one to five minutes the first time) ..."
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

report: $(READY)  ## Make the report of the synthetic sample clinic and say where it is
	@$(BIN)/kettrack report data/sample -o report.html

# Jupyter slows every start of a kernel, so it has an environment of its own, which borrows everything else.
LAB := .lab
NOTEBOOKS := my_notebooks
FOLDER := data/sample
$(LAB)/.ready: $(READY)
	$(PYTHON) -m venv $(LAB)
	$(LAB)/bin/python -m pip install --quiet --disable-pip-version-check 'jupyterlab>=4.4' 'nbstripout>=0.8'
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' > $$($(LAB)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth
	@touch $@

lab: $(LAB)/.ready  ## Copy the notebooks to my_notebooks and open them in Jupyter (FOLDER=clinic for your own data)
	@test -e $(NOTEBOOKS) || $(BIN)/kettrack notebooks $(NOTEBOOKS) --cohort $(FOLDER)
	$(LAB)/bin/python -m jupyterlab $(NOTEBOOKS)

# The workers share the processors: one thread of linear algebra each.
test: $(READY)  ## Run the whole test suite, every notebook under strict nbval among it
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env --nbval-sanitize-with=$(SANITIZE) tests kettrack notebooks

quick: $(READY)  ## Run the specifications and the units that need no whole clinic (under a minute)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile -m "not slow" tests/spec tests/unit

coverage: $(READY)  ## Run the tests and say which branches none of them takes
	rm -f .coverage .coverage.*
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m coverage run -m pytest -q -n auto --dist loadfile tests kettrack
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

# mutmut and the seven packages that it brings are needed here only: they have an environment of their own, which borrows
# everything else.
MUTANTS := .mutants
$(MUTANTS)/.ready: $(READY)
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $$($(MUTANTS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth
	@touch $@

mutants: $(MUTANTS)/.ready  ## Change the rules, the timelines and the life table one place at a time: do tests notice? (hours; goes on where it stopped)
	OPENBLAS_NUM_THREADS=1 $(MUTANTS)/bin/mutmut run
	$(MUTANTS)/bin/mutmut results

check: $(READY)  ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## Speed against what a user would otherwise write, as ratios
	$(BIN)/python benchmarks/outcomes_against_duckdb.py
	$(BIN)/python benchmarks/reading_at_scale.py
	$(BIN)/python benchmarks/timelines_at_scale.py
	$(BIN)/python benchmarks/survival_against_scikit.py
	$(BIN)/python benchmarks/bootstrap_by_weights.py
	$(BIN)/python benchmarks/stop_after_bootstrap.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/mixed_models_at_scale.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/turnbull_against_lifelines.py
	$(BIN)/python benchmarks/ratios.py

bench-large: $(READY)  ## The same in one table for a million patients, kept in benchmarks/large.md; and what every question takes
	$(BIN)/python benchmarks/ratios.py --large
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/questions_at_scale.py --readme

distributed: $(READY)  ## A cluster of Dask on this machine: a worker is killed, and the rows are those of one process
	$(BIN)/python benchmarks/distributed_buckets.py

truth: $(READY)  ## Put every method on trial against simulated truth; goes on where it stopped
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m kettrack.trials

attack: $(READY)  ## Attack 200 simulated releases under every policy: can a hidden count be told? (hours)
	mkdir -p build
	KETTRACK_CLINICS=20 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/unit/test_pages_of_clinics.py
	PYTHONPATH=tests:tests/attack OPENBLAS_NUM_THREADS=1 $(BIN)/python -m release_attack --store build/attack.jsonl

# atheris is needed here only: it has an environment of its own, which borrows everything else. What failed lies in
# build/fuzz; PYTHONPATH=tests .fuzz/bin/python -m guided_fuzz --again FILE tries it again.
FUZZ := .fuzz
# Two runs with one seed try the same inputs in the same order.
FUZZ_SEED ?= 15
$(FUZZ)/.ready: $(READY)
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: 'atheris>=3.0,<4'
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' > $$($(FUZZ)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth
	@touch $@

fuzz-short: $(FUZZ)/.ready  ## Break files that come in for a minute, as CI does: FUZZ_SEED=15 says which
	OPENBLAS_NUM_THREADS=1 PYTHONPATH=tests $(FUZZ)/bin/python -m guided_fuzz --seconds 60 --seed $(FUZZ_SEED)

fuzz: $(FUZZ)/.ready  ## Break files that come in for an hour and more, and kill what writes: is everything told, and nothing half written?
	OPENBLAS_NUM_THREADS=1 PYTHONPATH=tests $(FUZZ)/bin/python -m guided_fuzz --seconds 3600 --seed $$(date +%s)
	KETTRACK_FUZZ=5000 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto tests/property/test_broken_files.py
	$(BIN)/python benchmarks/killed_writes.py 10

sample: $(READY)  ## Write data/sample anew from the simulator (must leave git clean)
	$(BIN)/python -m kettrack.simulation.sample data/sample

messages: $(READY)  ## Write docs/messages.md anew: what kettrack says of 190 bad inputs
	COLUMNS=100 $(BIN)/python tests/unit/bad_inputs.py

notebooks: $(READY)  ## Run the notebooks and store what they say; draw the picture of the README
	$(BIN)/python -m kettrack.report.execute notebooks
	$(BIN)/python docs/picture.py

# Sphinx and what it brings are needed here only: they have an environment of their own, which borrows everything else.
DOCS := .docs
$(DOCS)/.ready: $(READY) docs/requirements.lock
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/requirements.lock
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' > $$($(DOCS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/borrowed.pth
	@touch $@

docs: $(DOCS)/.ready  ## Build the documentation site into build/site (some minutes), and look every link through
	OPENBLAS_NUM_THREADS=1 $(DOCS)/bin/python docs/site/build.py build/site

lock: $(READY)  ## Refresh requirements.lock from pyproject.toml (needs uv)
	uv export --quiet --upgrade --extra dev --no-emit-project --no-header --no-annotate -o requirements.lock
	uv export --quiet --only-group docs --no-header --no-annotate -o docs/requirements.lock

wheel: $(READY)  ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

dist: $(READY)  ## Build the sdist into dist/, and the wheel from it: what a release uploads
	$(BIN)/python -m build --no-isolation --outdir dist

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) $(MUTANTS) $(FUZZ) $(LAB) $(DOCS) dist build mutants .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis report.html
