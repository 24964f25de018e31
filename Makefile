# make demo   install, track two instruments in a generated clip, say where the results are
# make test   install with the development tools, lint, type-check, run the fast tests
# make guides the guides command by command, archives on bad days and on Ray: the slow tests that every change must pass
# make slow   all tests that take longer
# make docs   build the site of the documentation into site/, strictly
# make notebooks   run the notebooks of docs/notebooks and look at what they print and draw
# make dist   build the wheel and the sdist into dist/, install the wheel in an empty environment, use it without a network
# make minimum   the fast tests with the oldest versions that pyproject.toml admits
# make lock   write constraints.txt anew, with the newest versions that fit together
# make browser   install a browser for the tests of the app and the site, where there is none
# make fuzz   damaged inputs by the thousand, for ten minutes (FUZZ="--kind videos --seconds 60")
# make clean  remove the environment and the demo

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# torch prints a wheel's build behind a plus sign, so the guard compares the part before it.
GUARD := from importlib.util import find_spec as f; import torch; \
	v = torch.__version__.split("+")[0]; want = open("constraints.txt").read().split("torch==")[1].split()[0]; \
	assert v == want, f"torch {v} is installed, constraints.txt wants {want}"; \
	assert f("torchvision") is None, "torchvision came in with some package; nothing here may need it"

.PHONY: demo test guides slow docs notebooks dist minimum lock browser fuzz clean

demo: $(VENV)/.installed
	$(BIN)/sam2s demo

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	@if command -v npx >/dev/null; then echo tsc; npx --yes --package typescript@7 tsc --project tsconfig.json; \
		else echo "node is missing: the scripts of the app's pages are not type-checked"; fi
	@command -v chromium chromium-browser google-chrome chrome >/dev/null || \
		echo "no Chromium is installed: the pages of the app are not tested in a browser"
	$(BIN)/pytest -q -n auto

guides: $(VENV)/.installed-dev
	$(BIN)/pytest -q -m slow tests/test_guides.py tests/sasv/test_guide.py tests/training/test_cluster_scripts.py \
		tests/archive -k "not fifty"

slow: $(VENV)/.installed-dev
	$(BIN)/pytest -q -m slow

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/build.py

notebooks: $(VENV)/.installed-dev
	$(BIN)/pytest -q -m slow tests/test_notebooks.py

dist: $(VENV)/.installed-dev
	.ci/dist $(BIN)/python $(PYTHON)

minimum:
	.ci/minimum $(PYTHON)

lock:
	.ci/lock $(PYTHON)

browser:
	@for name in chromium chromium-browser google-chrome chrome; do command -v $$name && exit; done; \
	sudo=$$(command -v sudo || true); $$sudo apt-get update --quiet && $$sudo apt-get install --yes --quiet chromium

fuzz: $(VENV)/.installed-dev
	$(BIN)/python tests/fuzz/run.py $(FUZZ)

clean:
	rm -rf $(VENV) demo dist site

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[app]'
	@$(BIN)/python -c '$(GUARD)'
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -c '$(GUARD)'
	@touch $@ $(VENV)/.installed
