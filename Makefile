# The two commands are `make repro` and `make test`; they need git, make and Python 3.11 or newer.
.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
INSTALLED := .venv/installed
# Where this is set, every process compiles the modules of PyTorch and Polars anew: seconds for each job.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install repro test test-unit test-endurance lint format lock validate bench-simulation bench-observe bench-labels bench-network bench-importing bench-models bench-propensity docs thesis-scale

help: ## this list
	@grep -hE '^[a-z -]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{n = split($$1, names, " "); for (i = 1; i <= n; i++) printf "  make %-17s %s\n", names[i], $$2}'

install: $(INSTALLED) ## every pinned package, in .venv
$(INSTALLED): requirements.lock pyproject.toml
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@command -v uv >/dev/null || .venv/bin/python -m pip install -q "uv==$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)"
	uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
	uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

repro: $(INSTALLED) ## the whole pipeline, from params.yaml to metrics, plots, report.html and the data card
	glassdyn check
	dvc repro
	glassdyn card

test: $(INSTALLED) ## all tests but those of endurance
	pytest -n auto --dist loadfile --no-loadscope-reorder -m "not endurance"

test-unit: $(INSTALLED) ## the quick tests only
	pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not endurance"

test-endurance: $(INSTALLED) ## runs killed over and over, on a cluster, and data on real servers
	pytest -n auto --dist loadfile --no-loadscope-reorder -m endurance

lint: $(INSTALLED) ## style and types, as CI checks them
	ruff check .
	ruff format --check .
	mypy

format: $(INSTALLED) ## rewrite the code in the house style
	ruff check --fix .
	ruff format .

lock: ## pin the newest versions that pyproject.toml allows
	uv pip compile --quiet --universal --generate-hashes --upgrade --python-version 3.11 \
		--all-extras --group dev --no-header pyproject.toml --output-file requirements.lock

docs: $(INSTALLED) ## the documentation site, in site/index.html
	sphinx-build -q -W --keep-going docs site

validate: $(INSTALLED) ## simulate the published state points and compare
	python benchmarks/validate.py

thesis-scale: $(INSTALLED) ## the whole pipeline at N = 64000: minutes and memory, for docs/scale.md and `glassdyn check`
	python benchmarks/thesis_scale.py

bench-simulation bench-observe bench-labels bench-network bench-importing: bench-%: $(INSTALLED) ## speed and memory beside a peer (simulation, observe, labels, network, importing)
	python benchmarks/$*.py

bench-models: $(INSTALLED) ## every kind of model on every kind of features, rotated splits; after make repro
	python benchmarks/models.py default .

bench-propensity: $(INSTALLED) ## the same on ten published configurations, their files in datasets/botan/raw
	python benchmarks/models.py botan datasets/botan
	python benchmarks/models.py botan-networks datasets/botan
