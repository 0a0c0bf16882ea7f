#!/bin/sh
# Builds every plugin of plugins-src/ into plugins/NAME.wasm, NAME being its folder:
#
#   scripts/build-plugins.sh WAXWING
#
# WAXWING is the server's binary, which makes components of the core modules that cargo writes.
set -eu

waxwing=$1
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/plugins
mkdir -p "$target" "$root/plugins"
target=$(cd "$target" && pwd)

# Cargo looks for its settings and rustup for its toolchain where it is started.
cd "$root/plugins-src"
CARGO_TARGET_DIR=$target "$root/scripts/wasm-cargo.sh" build --release

for manifest in */Cargo.toml; do
    name=$(dirname "$manifest")
    module=$target/wasm32-unknown-unknown/release/$(echo "$name" | tr - _).wasm
    if [ "$name" != sdk ]; then
        "$waxwing" plugin build "$module" --output "$root/plugins/$name.wasm"
    fi
done
echo "plugins: $(cd "$root/plugins" && ls ./*.wasm | wc -l) components in plugins/" >&2
