#!/bin/sh
# Tests plugins as their authors would: the tests in their code, and the scripts in their folder `tests/` against a server
# in memory.
#
#   scripts/test-plugins.sh WAXWING
#
# The plugins and the examples have to be built.
set -eu

waxwing=$1
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
target=$(cd "$target" && pwd)
export CARGO_TARGET_DIR=$target/plugins

# The library, and the plugins that have something to test without a host.
cd "$root/plugins-src"
cargo test --package waxwing-plugin --package amp --package msgoffline --package vhost-man --package sess-man
cd "$root/plugins-src/examples/word-filter"
cargo test

cd "$root/plugins-src"
play() {
    name=$(basename "$1")
    if [ -n "$(find "$1/tests" -name '*.xml' 2>/dev/null)" ]; then
        echo "--- $name"
        "$waxwing" plugin test "$1" --plugin "$2/$name.wasm"
    fi
}
for plugin in *; do
    play "$plugin" "$root/plugins"
done
for example in examples/*; do
    play "$example" "$target/examples"
done
