#!/usr/bin/env bash
# A server to be measured: the shipped config, plain TCP on loopback, users u0@localhost, u1@localhost... with the password
# `pass`, pinned to a processor. Prints `waxwing HOST PORT PID` once it accepts connections.
#
#   scripts/bench.sh start|stop
#
# Environment: CPUS=0 PORT=24222 USERS=5000 DATA=/tmp/waxwing-bench DATABASE=sqlite:$DATA/waxwing.db
set -euo pipefail
cd "$(dirname "$0")/.."
CPUS=${CPUS:-0} PORT=${PORT:-24222} USERS=${USERS:-5000} DATA=${DATA:-${TMPDIR:-/tmp}/waxwing-bench}
pid_file=$DATA/server.pid config=$DATA/config.tdsl
running() { [ -s "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

if [ "${1:-start}" = stop ]; then
    if running; then
        pid=$(cat "$pid_file")
        kill "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    fi
    rm -f "$pid_file"
    exit
fi
running && { echo "already running: $(cat "$pid_file")" >&2; exit 1; }

waxwing=${CARGO_TARGET_DIR:-target}/release/waxwing
[ -x "$waxwing" ] && [ -e plugins/msgoffline.wasm ] || make plugins >&2
mkdir -p "$DATA"
# The config that `make run` uses, with what a benchmark must have otherwise: where things are, plain TCP, and no limits on how
# much one address and one sender may do.
{ cat etc/config.tdsl - <<TDSL; } > "$config"
'virtual-hosts' { localhost { 'tls-required' = false } }
c2s {
    connections {
        ports = [ $PORT ]
        $PORT {
            ifc = [ '127.0.0.1' ]
            'new-connections-throttling' = 0
        }
    }
}
dataSource { default { uri = '${DATABASE:-sqlite:$DATA/waxwing.db}' } }
certificates = '$DATA/certs'
'data-folder' = '$DATA'
'scram-iterations' = 4096
log = 'warn'
limits {
    'connections-per-address' = 0
    'failed-logins' = 1000000
}
'sess-man' {
    'plugins-folder' = '$PWD/plugins'
    'plugins-cache-folder' = '$DATA/plugins-cache'
}
msgoffline { 'store-limit' = 0 }
TDSL
if [ "$(cat "$DATA/users" 2>/dev/null)" != "$USERS" ]; then
    rm -f "$DATA"/waxwing.db*
    seq -f "u%.0f@localhost pass" 0 $((USERS - 1)) > "$DATA/users.txt"
    "$waxwing" --config "$config" user add --from "$DATA/users.txt" >&2
    echo "$USERS" > "$DATA/users"
fi

ulimit -n "$(ulimit -Hn)"
setsid taskset -c "$CPUS" "$waxwing" --config "$config" serve </dev/null >"$DATA/server.log" 2>&1 &
pid=$!
echo "$pid" > "$pid_file"
until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || { tail -20 "$DATA/server.log" >&2; exit 1; }
    sleep 0.1
done
echo "waxwing 127.0.0.1 $PORT $pid"
