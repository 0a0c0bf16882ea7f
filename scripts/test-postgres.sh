#!/usr/bin/env bash
# Runs the end-to-end tests once more, on PostgreSQL: after `cargo test --workspace`, whose programs these are, and
# inside `scripts/postgres.sh with`.
#
#   scripts/test-postgres.sh [ARGUMENT...]
#
# An ARGUMENT is one of a test program, such as a test's name.
set -euo pipefail
cd "$(dirname "$0")/../tests"

# Not `cargo test --package waxwing-tests`: with the features that this package alone asks for, cargo would build all
# it needs anew. What is called database_ brings a database of its own, and has run.
cargo test --workspace --no-run --quiet --message-format=json |
    sed -n 's|.*"src_path":"[^"]*/\(tests/tests/[^"]*\)".*"executable":"\([^"]*\)".*|\1 \2|p' |
    grep -v '^tests/tests/database_' | sort |
    while read -r source program; do
        echo "     Running $source on PostgreSQL"
        WAXWING_TEST_ENGINE=postgres "$program" "$@" </dev/null
    done
