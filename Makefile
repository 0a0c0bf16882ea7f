# Waxwing. `make run` builds everything and serves; `make` alone shows the targets.

# `release` for whoever uses the server, `dev` for the tests.
PROFILE ?= release
CONFIG ?= etc/config.tdsl
HOST = --package waxwing

TARGET := $(or $(CARGO_TARGET_DIR),target)
WAXWING = $(abspath $(TARGET))/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/waxwing
WASM_CARGO = cd plugins-src && CARGO_TARGET_DIR=$(abspath $(TARGET))/plugins ../scripts/wasm-cargo.sh

.PHONY: help run host plugins examples test lint bench

help:
	@echo "make run       build the server and its plugins, and serve $(CONFIG)"
	@echo "make plugins   build the plugins: plugins/NAME.wasm"
	@echo "make examples  build the plugins of plugins-src/examples, in Rust, JavaScript and Python"
	@echo "make test      build what the tests need, and run them"
	@echo "make lint      check formatting, and run clippy"
	@echo "make bench     measure framing, routing, storage and plugin calls"

run: host plugins
	$(WAXWING) serve --config $(CONFIG)

host:
	cargo build --profile $(PROFILE) $(HOST)

plugins: host
	scripts/build-plugins.sh $(WAXWING)

examples: host
	scripts/build-examples.sh $(WAXWING)

test: PROFILE = dev
# All at once, with the features that the tests will want: nothing is built twice.
test: HOST = --workspace --all-targets
test: plugins examples
	scripts/test-clients.sh
	scripts/postgres.sh with sh -c 'cargo test --workspace && scripts/test-postgres.sh'
	scripts/test-plugins.sh $(WAXWING)
	node --test plugins-src/sdk-javascript/test.mjs

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd plugins-src && cargo fmt --all --check
	$(WASM_CARGO) clippy --release -- -D warnings
	for example in plugins-src/examples/*/Cargo.toml; do \
		cargo fmt --check --manifest-path $$example && \
		CARGO_TARGET_DIR=$(abspath $(TARGET))/plugins cargo clippy --manifest-path $$example -- -D warnings || exit 1; \
	done

bench: plugins
	cargo bench --workspace
