#!/usr/bin/env bash
# Installs the clients that the end-to-end tests drive and that are not written in Rust: a Python virtual
# environment with the versions of tests/clients/requirements.txt, in the build folder. Quick when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${CARGO_TARGET_DIR:-target}/test-clients
wanted=tests/clients/requirements.txt
[ -x "$venv/bin/python" ] && cmp -s "$wanted" "$venv/installed.txt" && exit 0
rm -rf "$venv"
if ! python3 -m venv "$venv"; then
    echo "The tests need Python 3 with venv: apt-get install python3-venv" >&2
    exit 1
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" "$venv/installed.txt"
