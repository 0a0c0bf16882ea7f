#!/bin/sh
# Builds the plugins of plugins-src/examples/ into target/examples/NAME.wasm, as their authors would:
#
#   scripts/build-examples.sh WAXWING
#
# WAXWING is the server's binary. One that is newer than its sources is left alone, for JavaScript and Python take a
# quarter of a minute each. What their tools install stays in the build folder, so only the first time needs a network.
set -eu

waxwing=$1
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/examples"
target=$(cd "$target" && pwd)

missing=
command -v node >/dev/null && command -v npm >/dev/null || missing="$missing nodejs npm"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    echo "The examples need more languages than Rust. On Debian and Ubuntu: apt-get install$missing" >&2
    exit 1
fi

# Whether anything that goes into the example is newer than what was made of it. Links are followed: to the library of
# its language, and to wit/.
is_stale() {
    [ ! -e "$2" ] || [ -n "$(find -L "$1" "$root/scripts/build-examples.sh" -type f -newer "$2" | head -n 1)" ]
}

for folder in "$root"/plugins-src/examples/*/; do
    folder=${folder%/}
    name=$(basename "$folder")
    output=$target/examples/$name.wasm
    if [ -e "$folder/Cargo.toml" ]; then
        # Cargo knows what is stale.
        CARGO_TARGET_DIR=$target/plugins "$waxwing" plugin build "$folder" --output "$output"
    elif is_stale "$folder" "$output"; then
        # In a copy with the library and the contract inside, as `waxwing plugin new` makes projects.
        copy=$target/examples/build/$name
        mkdir -p "$copy"
        find "$copy" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name .venv -exec rm -r {} +
        cp -RL "$folder/." "$copy"
        "$waxwing" plugin build "$copy" --output "$output"
    fi
done
