#!/usr/bin/env bash
# A private PostgreSQL for tests, of whatever version this machine has:
#
#   scripts/postgres.sh run DIR [OPTION...]   serves the folder DIR, in the foreground, on a Unix socket in DIR. A
#                                             folder that is empty is filled first. OPTIONs are those of `postgres`.
#   scripts/postgres.sh with COMMAND...       runs COMMAND beside a new one, which $WAXWING_TEST_POSTGRES names and
#                                             which is gone afterwards. It is fast, and keeps nothing safe.
#
# Whoever can open the socket is its superuser `postgres`. No cluster of the system is used or needed.
set -euo pipefail

# Sets `bin` to the folder of the newest PostgreSQL's programs.
find_programs() {
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [ -x "$bin/postgres" ] || bin=$(pg_config --bindir 2>/dev/null || true)
    [ -x "$bin/postgres" ] || bin=$(dirname "$(command -v postgres || true)")
    if ! [ -x "$bin/postgres" ] || ! [ -x "$bin/initdb" ]; then
        echo "The tests need PostgreSQL's programs: apt-get install --no-install-recommends postgresql" >&2
        echo "(no cluster has to run). Elsewhere, have its \`postgres\` and \`initdb\` on the PATH." >&2
        exit 1
    fi
}

# Sets `as` to what starts a program as somebody whom PostgreSQL serves, and fills the folder if it is empty.
prepare() {
    if [ ${#1} -gt 80 ]; then
        echo "$1: too long a path for a Unix socket. Set TMPDIR to a shorter one." >&2
        exit 1
    fi
    # It goes when whoever started it goes.
    as=(setpriv --pdeathsig INT)
    # It refuses to be root. Debian's package has made a user for it.
    if [ "$(id -u)" = 0 ]; then
        if ! id postgres >/dev/null 2>&1; then
            echo "PostgreSQL does not run as root, and there is no user \`postgres\`: adduser --system postgres" >&2
            exit 1
        fi
        as+=(--reuid=postgres "--regid=$(id -g postgres)" --init-groups)
        chown postgres "$1"
    fi
    cd "$1"
    if [ -z "$(ls -A)" ]; then
        "${as[@]}" "$bin/initdb" --pgdata="$1" --username=postgres --auth=trust --encoding=UTF8 --locale=C \
            --no-sync --no-instructions >/dev/null
    fi
}

run() {
    local dir
    dir=$(realpath "$1")
    shift
    prepare "$dir"
    exec "${as[@]}" "$bin/postgres" -D "$dir" -k "$dir" -c listen_addresses= "$@"
}

# Removes the folder when its standard input ends, which is when the script is gone, however that came about.
sweep() {
    trap '' INT TERM HUP
    cat
    # Stopping, as its parent is gone.
    while [ -e "$1/postmaster.pid" ]; do sleep 0.1; done
    rm -rf "$1" "$1.log"
}

with() {
    local dir server sweeper uri status=0
    dir=$(mktemp -d "${TMPDIR:-/tmp}/waxwing-postgres-XXXXXX")
    exec 3> >(sweep "$dir" >/dev/null)
    sweeper=$!
    (prepare "$dir") 3>&-
    # In a session of its own: an interrupt from the terminal is for COMMAND, which may still need it.
    setsid "$0" run "$dir" -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300 \
        </dev/null >"$dir.log" 2>&1 3>&- &
    server=$!
    until "$bin/pg_isready" --quiet --host="$dir"; do
        if ! kill -0 "$server" 2>/dev/null; then
            cat "$dir.log" >&2
            exit 1
        fi
        sleep 0.1
    done
    uri=${dir//%/%25} uri=${uri// /%20} uri=${uri//&/%26} uri=${uri//#/%23}
    WAXWING_TEST_POSTGRES="postgresql:///postgres?host=$uri&user=postgres" "$@" 3>&- || status=$?
    kill -INT "$server" 2>/dev/null || true
    wait "$server" || true
    exec 3>&-
    wait "$sweeper"
    exit "$status"
}

if [ $# -lt 2 ] || { [ "$1" != run ] && [ "$1" != with ]; }; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
find_programs
"$@"
