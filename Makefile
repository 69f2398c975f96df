# `make` lists the targets. Everything runs in .venv, which is built on first use.
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
NOTEBOOKS := $(shell ls -S notebooks/*.ipynb)

# What a caller may set: make test PYTHON=python3.12 WORKERS=1 ARGS='-k dropout'
PYTHON ?= python3
UV ?= $(shell command -v uv 2>/dev/null)
CORES := $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
WORKERS ?= $(shell [ $(CORES) -lt 4 ] && echo $(CORES) || echo 4)
THREADS ?= $(shell echo $$(($(CORES) / $(WORKERS) > 0 ? $(CORES) / $(WORKERS) : 1)))
ARGS ?=

# Notebooks and tests start in different folders: a relative CS682_DATA must mean the same in both.
ifdef CS682_DATA
ifeq ($(filter /%,$(firstword $(CS682_DATA))),)
override CS682_DATA := $(CURDIR)/$(CS682_DATA)
endif
export CS682_DATA
endif

# .venv is rebuilt when its Python is gone, or when a PYTHON of another version is asked for.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
BUILT := $(call version,$(PY))
ASKED := $(if $(filter file,$(origin PYTHON)),$(BUILT),$(call version,$(PYTHON)))
STALE := $(if $(BUILT),$(if $(filter $(BUILT),$(ASKED)),,yes),yes)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: lab
lab: in-place ## open the notebooks in JupyterLab, with the file to write in beside them
	$(PY) -m cs682 lab $(ARGS)

.PHONY: test
test: export OMP_NUM_THREADS := $(THREADS)
test: export OPENBLAS_NUM_THREADS := $(THREADS)
test: export MKL_NUM_THREADS := $(THREADS)
test: export VECLIB_MAXIMUM_THREADS := $(THREADS)
# A notebook keeps one process busy for minutes: the longest first, and the tests beside it.
test: in-place ## run the tests, and every cell of the notebooks against its stored output
	@echo "Testing with $(WORKERS) processes of $(THREADS) BLAS thread(s) on $(CORES) cores."
	$(PY) -m pytest -n $(WORKERS) --no-loadscope-reorder -m "not slow" --nbval $(NOTEBOOKS) tests \
		$(wildcard staff/tests) $(ARGS)

.PHONY: run
run: in-place ## run the notebooks without a browser and write them to build/html
	$(PY) -m jupyter nbconvert --to html --execute --ExecutePreprocessor.kernel_name=python3 --output-dir build/html $(ARGS) $(NOTEBOOKS)
	@echo "Open build/html/FullyConnectedNets.html in a browser."

.PHONY: data
data: $(VENV)/.ready ## fetch CIFAR-10 (170 MB)
	$(PY) -m cs682 data $(ARGS)

.PHONY: clean
clean: ## remove .venv, builds and caches (not the data)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .nox
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: in-place
in-place: $(VENV)/.ready
	@$(PY) -m cs682 data --in-place

# A changed pyproject.toml updates .venv in place.
$(VENV)/.ready: pyproject.toml $(VENV)/.created
	@echo "Installing the packages into $(VENV); the first time this takes a minute or two."
	@$(call install,$(STUDENT))
	@touch $@

# uv knows nothing of pip's own configuration (mirrors, certificates), so pip has the last word.
STUDENT := .[lab,test]
pip = $(PY) -m pip install --quiet --disable-pip-version-check -e '$(1)'
install = $(if $(UV),"$(UV)" pip install --quiet --python $(PY) -e '$(1)' || { \
	echo "uv could not install the packages: trying with pip."; \
	$(PY) -m ensurepip >/dev/null && $(call pip,$(1)); },$(call pip,$(1)))

ifeq ($(STALE),yes)
.PHONY: $(VENV)/.created
endif
$(VENV)/.created:
	@$(if $(UV),$(uv-venv),$(plain-venv))
	@touch $@

# What says `python -m pip install` is to be true there as well, so pip comes from Python itself.
uv-venv = rm -rf $(VENV); \
	"$(UV)" venv --quiet $(if $(filter file,$(origin PYTHON)),,--python "$(PYTHON)") $(VENV) && { \
	$(PY) -m ensurepip >/dev/null 2>&1 || echo "There is no pip in $(VENV): this Python brings none."; }

# In one shell: the interpreter exists, is of a version that we test, and can make environments.
define plain-venv
command -v "$(PYTHON)" >/dev/null || { echo "There is no '$(PYTHON)' on this machine's PATH." \
	"Install Python 3.10 to 3.13, or name yours: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }; \
"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' || { \
	echo "'$(PYTHON)' is $$("$(PYTHON)" --version 2>&1); this project needs Python 3.10 to 3.13." \
	"Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }; \
"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "'$(PYTHON)' cannot make environments: its venv module is missing." \
	"On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }; \
rm -rf $(VENV); "$(PYTHON)" -m venv $(VENV)
endef

# What changes and proves the assignment; students do not get it.
-include staff/targets.mk
