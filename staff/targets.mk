# Targets of those who change the assignment; the Makefile in the root includes them.

.PHONY: notebooks
notebooks: $(VENV)/.ready ## run the reference notebooks and store their outputs (real CIFAR-10 only)
	$(PY) -m staff notebooks $(ARGS)

.PHONY: browser
browser: in-place $(VENV)/.ready-browser ## open, fill in and run the release in Chromium; pictures in build/screenshots
	$(PY) -m pytest -m 'not slow' staff/browser $(ARGS)

.PHONY: pictures
pictures: browser ## make docs/pictures anew from what `make browser` saw
	$(PY) -m staff pictures

.PHONY: site
site: $(VENV)/.ready ## write the handout as static pages to build/site, to be read without a network
	$(PY) -m staff site $(ARGS)

.PHONY: bench
bench: export OMP_NUM_THREADS := $(CORES)
bench: export OPENBLAS_NUM_THREADS := $(CORES)
bench: export MKL_NUM_THREADS := $(CORES)
bench: $(VENV)/.ready ## measure speed against PyTorch, plain float64 and the machine (ARGS=--quick: 11 minutes)
	$(PY) -m benchmarks --store $(ARGS)

.PHONY: matrix
matrix: $(VENV)/.ready-dev ## run the fast tests with each Python here, and an old and a new NumPy
	$(PY) -m nox $(ARGS)

.PHONY: prove
prove: in-place ## cut the release, unpack it elsewhere and work through it (ARGS=--quick: 6 minutes)
	$(PY) -m staff prove $(ARGS)

.PHONY: slow
slow: ## run the tests that `make test` leaves out: the whole bank, hostile hand-ins, releases
	$(MAKE) test ARGS="-m slow $(ARGS)"

.PHONY: lint
lint: $(VENV)/.ready-dev ## check format, style, imports, types, docstrings and spelling
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(VENV)/bin/lint-imports --no-cache --no-logo
	$(PY) -m mypy --strict cs682 staff benchmarks
	$(PY) -m numpydoc lint $$(git ls-files 'cs682/*.py')
	$(PY) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(PY) -m check_jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	$(PY) -m codespell_lib $$(git ls-files '*.py' '*.md' '*.toml' '*.yml' '*.sh' Makefile)

.PHONY: check
check: lint test ## lint, then test: what every commit must pass

DEVELOPER := .[dev]
BROWSER := .[browser]

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "Installing the developers' tools into $(VENV)."
	@$(call install,$(DEVELOPER))
	@touch $@

.PHONY: grading
grading: $(VENV)/.ready ## bring what grading a class needs into .venv
	@$(call install,.[grade])
	@echo "Ready: docs/staff/grading.md says how a class is graded."

$(VENV)/.ready-browser: $(VENV)/.ready
	@echo "Installing what drives a browser into $(VENV)."
	@$(call install,$(BROWSER))
	@touch $@
