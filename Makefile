# Every target sets up what it needs: Python >= 3.11, git and make are all that must be there.
# Variables: PYTHON=/path/to/python, ARGS="more arguments for pytest, the benchmarks or the fuzzer",
# SECONDS=30 for each parser that is fuzzed, or each module that is mutated, and for all of the soak test.

SHELL := /bin/sh
BIN := .venv/bin
RUNTIME := .venv/.runtime
READY := .venv/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt --editable
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test lint image format docs pictures site bench interop fuzz soak mutate update dist clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

demo: $(RUNTIME) ## encrypt a small Flux repository and look at what happened
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/demo.sh

test: $(READY) ## run all tests
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

lint: $(READY) ## check style, types, the direction of imports, and that no code is dead
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports --no-logo
	@$(BIN)/python -c 'import vulture' 2>/dev/null || $(INSTALL) '.[unused]'
	$(BIN)/vulture
	@$(BIN)/zizmor --version >/dev/null 2>&1 || $(INSTALL) '.[jobs]'
	@sh scripts/lint-jobs.sh

image: $(READY) ## build the container image of the Dockerfile; IMAGE=fluxsecrets:latest names it
	@sh scripts/wheelhouse.sh
	docker build --tag $(or $(IMAGE),fluxsecrets:latest) .

format: $(READY) ## mend what `make lint` says about style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(READY) ## write the generated pages of docs/: commands, rules, errors, variables, schemas
	@PYTHONPATH=scripts $(BIN)/python -m documentation

site: $(READY) ## build the documentation's site into site/, strictly
	@$(BIN)/python -c 'import zensical' 2>/dev/null || $(INSTALL) '.[docs]'
	@rm -rf site
	@$(BIN)/zensical build --strict --clean

pictures: $(READY) ## take the documentation's pictures of terminals anew
	@PYTHONPATH=scripts $(BIN)/python -m documentation.terminals

bench: $(READY) ## compare with sops, where that is on PATH (takes minutes)
	$(BIN)/python -m benchmarks $(ARGS)

interop: $(READY) ## exchange files with sops, age, gpg and others, if they are installed
	@PYTHONPATH=tests $(BIN)/python -m interop

fuzz: $(READY) ## search for inputs that break a parser or a property; ARGS="yaml json" for some parsers
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary atheris --editable '.[fuzz]' || true
	@PYTHONPATH=tests nice $(BIN)/python -m fuzzing --seconds $(or $(SECONDS),30) $(ARGS)
	$(if $(ARGS),,HYPOTHESIS_PROFILE=$(or $(HYPOTHESIS_PROFILE),deep) nice $(BIN)/pytest -q -n auto --dist worksteal -m hypothesis)

soak: $(READY) ## kill commands at random while an editor saves files; N=500 kills, for at most SECONDS=3600
	@PYTHONPATH=tests nice $(BIN)/python -m soak --kills $(or $(N),500) --seconds $(or $(SECONDS),3600) $(ARGS)

mutate: $(READY) ## change the critical modules, and list the changes that no test notices; ARGS="cipher mac" for some
	@$(BIN)/python -c 'import mutmut' 2>/dev/null || $(INSTALL) '.[mutate]'
	@nice $(BIN)/python scripts/mutate.py --seconds $(or $(SECONDS),300) $(ARGS)

update: $(READY) ## take the newest versions of what is installed, and write them down
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager --editable '.[dev]'
	@head -1 scripts/constraints.txt > scripts/constraints.new
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check >> scripts/constraints.new
	@mv scripts/constraints.new scripts/constraints.txt

dist: $(RUNTIME) ## build a release into dist/; ARGS=--twice builds it twice and compares
	@$(BIN)/python -c 'import build, cyclonedx_py' 2>/dev/null || $(INSTALL) '.[dist]'
	@$(BIN)/python scripts/release $(ARGS)

clean: ## remove .venv, caches and build products
	rm -rf .venv dist site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .fuzz .mutate
	find src tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed anew when the project's dependencies may have changed. The development tools are ten times as large
# as what users install, and include it.
$(RUNTIME): pyproject.toml scripts/set-up.sh scripts/constraints.txt
	@sh scripts/set-up.sh
	@touch $@

$(READY): pyproject.toml scripts/set-up.sh scripts/constraints.txt
	@sh scripts/set-up.sh dev
	@touch $(RUNTIME) $@
