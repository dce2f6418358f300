# Each target sets up `.venv` by itself, with the versions of `requirements.lock`.

# The interpreter that makes `.venv`; remove `.venv` to change it
PYTHON ?= python3
# Further arguments of the program that a target runs
ARGS ?=
# What makes minutes of training out of days; an option that ARGS names is left to ARGS
MLM_DEMO ?= epochs=4 optimizer.warmup=800

# Two processes; the tests of a file share what they prepare. More than two get in each other's way
# where few cores are.
SPREAD ?= -n 2 --dist loadfile

PY = .venv/bin/python
# Without the constraints a newer torch could come, with gigabytes of CUDA beside it.
INSTALL = $(PY) -m pip install -qq --disable-pip-version-check --constraint requirements.lock

.PHONY: help mlm test quick docs bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile
	@echo 'Arguments: make mlm ARGS="text=file text.path=my.txt", make test PYTHON=python3.12'

mlm: .venv/installed ## train a masked language model for some minutes, and sample from it
	@set --; for option in $(MLM_DEMO); do \
		case " $$ARGS" in *" --config"* | *[\ -]"$${option%%=*}="*) ;; *) set -- "$$@" "$$option" ;; esac; \
	done; $(PY) -m experiments.mlm "$$@" $(ARGS)
	@printf '\nAll 1,024 epochs: %s\n' "$(PY) -m experiments.mlm$${ARGS:+ $$ARGS}"

test: .venv/installed ## run all tests
	@$(PY) -m pytest $(SPREAD) $(ARGS)

quick: .venv/installed ## run all tests but the slow ones, in about two minutes
	@$(PY) -m pytest -m "not slow" $(SPREAD) $(ARGS)

docs: .venv/installed ## build the site in site/
	@$(PY) -m docs_gen build labnn experiments docs_gen -o site \
		--locale locale --records experiments/results $(ARGS)

bench: .venv/installed ## run all benchmarks
	@for script in benchmarks/[!_]*.py; do \
		test -e "$$script" || { echo 'bench: there are no benchmarks yet' >&2; exit 1; }; \
		echo "$$script"; $(PY) "$$script" $(ARGS) || test $$? = 2 || exit 1; \
	done

# A virtual environment without pip is one that was not finished.
.venv/installed: setup.py requirements.lock
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "labnn needs Python 3.10 \
	or later, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")' \
		&& $(PYTHON) -m venv .venv; }
	@echo 'Installing what labnn needs into .venv; the first time takes some minutes'
	@$(INSTALL) setuptools
	@$(INSTALL) --no-build-isolation --editable '.[test]'
	@touch $@
