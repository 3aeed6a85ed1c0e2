# Two commands matter: `make run` and `make test`. Both need python3.11 to 3.13 and make, nothing
# else: uv comes from PyPI by hash (deploy/uv.txt) into .uv/, everything else by hash (uv.lock)
# into .venv/. What is there is not made again. `make` alone prints the list.
#
#   PYTHON=/path/to/python3.12    another interpreter
#   UV=/path/to/uv                your own uv (the range in pyproject.toml holds)
#   ARGS='--port 9000'            handed on to what the target starts

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

UV ?= .uv/bin/uv
BIN := .venv/bin
CODE := $(wildcard router tests benchmarks)
CLIENTS := tests/clients
AGENTS := $(CLIENTS)/agents

# uv takes the interpreter it is given, fetches none, and writes nothing but .venv and its cache.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

say = @printf 'meritorder: %s\n'

# The first interpreter that runs and has the right version (a pyenv shim may do neither).
define find_python
for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python); do \
	python=$$("$$python" -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); print(getattr(sys, "_base_executable", "") or sys.executable) if ok else sys.exit(1)' 2>/dev/null) && break; \
	python=; \
done; \
if [ -z "$$python" ]; then \
	echo "meritorder: needs Python 3.11, 3.12 or 3.13, and $(or $(PYTHON),PATH) has none. Install one, or say which: make PYTHON=/path/to/python3.11 ..." >&2; \
	exit 1; \
fi
endef

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/.runtime ## install what is needed and serve on 127.0.0.1:8080 (ARGS=...)
	@exec $(BIN)/meritorder serve $(ARGS)

.PHONY: demo
demo: .venv/.runtime ## ask one question under several budgets and show who answers, and why
	@exec $(BIN)/meritorder demo $(ARGS)

.PHONY: test
test: .venv/.dev ## all tests, their Redis server included (ARGS='-k name')
	@$(BIN)/pytest $(ARGS)

.PHONY: fuzz
fuzz: .venv/.dev ## 100,000 spoilt requests and answers (CASES=..., about ten minutes)
	@MERITORDER_FUZZ_CASES=$(or $(CASES),100000) $(BIN)/pytest tests/fuzz $(ARGS)

.PHONY: test-clients
test-clients: .venv/.runtime ## today's clients, unmodified, in Python and Node, against a real proxy
	@$(MAKE) $(if $(wildcard $(CLIENTS)/test_*.py),clients-python) $(if $(wildcard $(CLIENTS)/node/package.json),clients-node) clients-done

.PHONY: try-agents
try-agents: .venv/.runtime $(CLIENTS)/.venv/.done $(CLIENTS)/node/node_modules/.done ## Claude Code, Codex and aider, one task each through the proxy (not in CI)
	@$(MAKE) --keep-going $(AGENTS)/claude $(AGENTS)/codex $(AGENTS)/aider || true
	@MERITORDER="$(CURDIR)/$(BIN)/meritorder" $(CLIENTS)/.venv/bin/pytest -c $(CLIENTS)/pyproject.toml --rootdir $(CLIENTS) $(AGENTS)/test_agents.py $(ARGS)

.PHONY: lint
lint: .venv/.dev ## ruff, formatting, types, layers: all but the tests
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports --no-logo

.PHONY: check
check: lint test ## what a commit must pass: lint and test

.PHONY: format
format: .venv/.dev ## let ruff repair and format
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

.PHONY: bench
bench: .venv/.dev ## CPU per request against a bare relay, and the rest of benchmarks/
	@$(if $(wildcard benchmarks/__main__.py),$(BIN)/python -m benchmarks $(ARGS),echo 'meritorder: no benchmarks yet')

.PHONY: bench-short
bench-short: .venv/.dev ## the same in about a minute, as CI runs it
	@$(if $(wildcard benchmarks/__main__.py),$(BIN)/python -m benchmarks --short $(ARGS),echo 'meritorder: no benchmarks yet')

.PHONY: dev
dev: .venv/.dev ## only install: .venv with all tools
	@:

.PHONY: lock
lock: $(UV) ## resolve pyproject.toml anew into uv.lock (and that of the clients)
	@$(find_python); $(UV) lock --python "$$python"
	@$(find_python); if [ -f $(CLIENTS)/pyproject.toml ]; then $(UV) lock --project $(CLIENTS) --python "$$python"; fi

.PHONY: clean
clean: ## remove what make and the tools made here
	rm -rf .uv .venv $(CLIENTS)/.venv $(CLIENTS)/node/node_modules $(addprefix $(AGENTS)/,claude codex aider) build dist
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find router tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ---- what the targets above stand on ----

# Into a folder, by whichever pip there is: the interpreter's own, else one that venv brings.
# (Debian ships Python without both; then its package is named.)
.uv/bin/uv: deploy/uv.txt
	$(say) 'installing uv into .uv/ (once)'
	@$(find_python); \
	rm -rf .uv && mkdir -p .uv && printf '*\n' > .uv/.gitignore; \
	if ! "$$python" -m pip --version >/dev/null 2>&1; then \
		if ! "$$python" -m venv .uv/pip >/dev/null 2>&1; then \
			echo "meritorder: $$python has neither pip nor ensurepip. On Debian and Ubuntu: apt install python3-venv (or python3.11-venv, by its version)" >&2; \
			exit 1; \
		fi; \
		python=.uv/pip/bin/python; \
	fi; \
	PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore "$$python" -m pip install -qq --no-deps --only-binary :all: --require-hashes -r deploy/uv.txt --target .uv
	@touch $@

# --inexact: serving takes nothing away that the tests put there.
.venv/.runtime: $(UV) pyproject.toml uv.lock
	$(say) 'installing packages into .venv/ (once, about 15 s)'
	@$(find_python); $(UV) sync --quiet --frozen --inexact --python "$$python"
	@touch $@

.venv/.dev: $(UV) pyproject.toml uv.lock
	$(say) 'installing packages and tools into .venv/ (once, about 20 s)'
	@$(find_python); $(UV) sync --quiet --frozen --group dev --python "$$python"
	@touch .venv/.runtime $@

$(CLIENTS)/.venv/.done: $(UV) $(wildcard $(CLIENTS)/pyproject.toml $(CLIENTS)/uv.lock)
	$(say) 'installing the Python clients into $(CLIENTS)/.venv/ (once, about 10 s)'
	@$(find_python); $(UV) sync --quiet --frozen --project $(CLIENTS) --python "$$python"
	@touch $@

$(CLIENTS)/node/node_modules/.done: $(wildcard $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json)
	@command -v npm >/dev/null || { echo 'meritorder: test-clients needs Node 20 or newer with npm' >&2; exit 1; }
	$(say) 'installing the Node clients into $(CLIENTS)/node/node_modules/ (once, about 20 s)'
	@npm ci --prefix $(CLIENTS)/node --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# None is locked: what people run is the newest.
$(AGENTS)/claude $(AGENTS)/codex: $(AGENTS)/%:
	$(say) 'installing $* into $@/ (once, 300 MB)'
	@npm install --prefix $@ --silent --no-audit --no-fund --no-save $(if $(filter claude,$*),@anthropic-ai/claude-code,@openai/codex) || { rm -rf $@; exit 1; }

$(AGENTS)/aider: $(UV)
	$(say) 'installing aider into $@/ (once)'
	@$(find_python); $(UV) venv --quiet --python "$$python" $@ && $(UV) pip install --quiet --python $@/bin/python aider-chat 'litellm!=1.82.7,!=1.82.8' || { rm -rf $@; exit 1; }

.PHONY: clients-python clients-node clients-done
# aimock, a provider that nobody here wrote, comes from npm.
clients-python: $(CLIENTS)/.venv/.done $(CLIENTS)/node/node_modules/.done
	@MERITORDER="$(CURDIR)/$(BIN)/meritorder" $(CLIENTS)/.venv/bin/pytest -c $(CLIENTS)/pyproject.toml --rootdir $(CLIENTS) $(CLIENTS) $(ARGS)

clients-node: $(CLIENTS)/node/node_modules/.done
	@MERITORDER="$(CURDIR)/$(BIN)/meritorder" npm test --prefix $(CLIENTS)/node --silent

clients-done:
	$(if $(wildcard $(CLIENTS)/test_*.py $(CLIENTS)/node/package.json),@:,$(say) 'no client tests yet')
