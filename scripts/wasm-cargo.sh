#!/bin/sh
# Runs cargo for wasm32-unknown-unknown, or $WASM_TARGET, with whatever Rust this machine has, and says which way it
# took. It is also what `waxwing plugin build` runs.
#
#   scripts/wasm-cargo.sh build --release --manifest-path plugins-src/Cargo.toml
#
# 1. The active toolchain already has the target.
# 2. rustup can add it.
# 3. Debian's rustc-web, cargo-web, rust-web-src and lld, for wasm32-unknown-unknown: its standard library is built
#    from source.
set -eu

target=${WASM_TARGET:-wasm32-unknown-unknown}
command=$1
shift

# Whether this compiler has the target's standard library.
has_target() {
    libdir=$("$1" --print target-libdir --target $target 2>/dev/null) && ls "$libdir"/libcore-*.rlib >/dev/null 2>&1
}

say() {
    echo "wasm toolchain: $1" >&2
}

if has_target "${RUSTC:-rustc}"; then
    say "the active toolchain has $target"
    exec cargo "$command" --target $target "$@"
fi

if command -v rustup >/dev/null && rustup target add $target && has_target rustc; then
    say "rustup added $target to the active toolchain"
    exec cargo "$command" --target $target "$@"
fi

library=$(/usr/bin/rustc --print sysroot 2>/dev/null || true)/lib/rustlib/src/rust/library
if [ "$target" = wasm32-unknown-unknown ] && [ -x /usr/bin/cargo ] && [ -d "$library" ] && command -v wasm-ld >/dev/null; then
    say "Debian's Rust, with the standard library built from $library"
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
    exec /usr/bin/cargo "$command" -Zbuild-std=std,panic_abort --target $target "$@"
fi

say "none found for $target. Either install rustup (https://rustup.rs), or for wasm32-unknown-unknown on Debian and Ubuntu:"
say "  apt-get install rustc-web cargo-web rust-web-src lld"
exit 1
