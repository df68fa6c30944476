#!/bin/sh
# The worker benchmark: one nginx worker walks a long list while another process
# asks it for something trivial.  See README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=spec/bench/common.sh disable=SC2154
. "$here/common.sh"
everyone="idle ours bound cjson"

usage() {
    cat <<EOT
usage: sh spec/bench/worker.sh [options]
  --rounds N         rounds, of which medians are taken (5)
  --only A,B         of: idle,ours,bound,cjson; all of them
  --pages N          pages of 1,000 rows, about 1 MB each (50)
  --waiters N        coroutines that wait, for what one costs (1000)
EOT
}

rounds=5 only=$everyone pages=50 waiters=1000
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --rounds | --only | --pages | --waiters) ;;
    *) usage >&2; exit 2 ;;
    esac
    [ $# -ge 2 ] || refuse "$1 needs a value"
    case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$(echo "$2" | tr ',' ' ') ;;
    --pages) pages=$2 ;;
    --waiters) waiters=$2 ;;
    esac
    shift 2
done
for name in $only; do
    echo "$everyone" | grep -qw "$name" || refuse "unknown contestant $name"
done
check_numbers "$rounds" "$pages" "$waiters"

unpacked=$root/build/nginx
sh "$root/spec/openresty/fetch.sh" "$unpacked" >&2
machine=$(gcc -print-multiarch)
LD_LIBRARY_PATH=$unpacked/usr/lib/$machine:$unpacked/lib/$machine

servers=
stop() {
    for server in $servers; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    rm -rf "$work"
}

start() { # name
    modules="load_module $unpacked/usr/lib/nginx/modules/ndk_http_module.so;"
    modules="$modules load_module"
    modules="$modules $unpacked/usr/lib/nginx/modules/ngx_http_lua_module.so;"
    # Started by root, nginx's workers would be somebody else.
    [ "$(id -u)" -ne 0 ] || modules="$modules user root;"
    sed -e "s#@DIR@#$work#g; s#@MODULES@#$modules#; s#@UNPACKED@#$unpacked#g" \
        -e "s#@HERE@#$here#g; s#@ROOT@#$root#g; s#@PAGES@#$pages#g" \
        -e "s#@VENDOR@#$vendor#; s#@WORKER@#$worker#" \
        "$here/worker/$1.conf" >"$work/$1.conf"
    BENCH_METRICS=$(cat "$work/data/metrics") BENCH_VENDOR=127.0.0.1:$vendor \
    LD_LIBRARY_PATH=$LD_LIBRARY_PATH "$unpacked/usr/sbin/nginx" \
        -p "$work" -c "$work/$1.conf" -e "$work/$1-error.log" \
        >"$work/$1.log" 2>&1 &
    servers="$servers $!"
    lua5.4 - "$2" <<'LUA' || refuse "$1: $(cat "$work/$1.log")"
local socket = require "socket"
local deadline = socket.gettime() + 10
while not socket.connect("127.0.0.1", arg[1]) do
  if socket.gettime() > deadline then os.exit(1) end
  socket.sleep(0.02)
end
LUA
}

open_workspace
build_client luajit luajit
lua5.4 "$here/pages/data.lua" "$work/data" "$pages"
ports=$(free_ports 2)
vendor=$(echo "$ports" | head -n 1)
worker=$(echo "$ports" | tail -n 1)
start vendor "$vendor"
start worker "$worker"

# The probe is not to wait for a processor itself: what it measures is how long
# the worker keeps it waiting.
first="chrt --fifo 1"
$first true 2>/dev/null || {
    first=
    echo "worker.sh: not allowed to give the probe the first turn (chrt):" \
        "its figures have its own waiting in them" >&2
}

round=1
while [ "$round" -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    for name in $only; do
        # shellcheck disable=SC2086 # three words or none
        line=$($first lua5.4 "$here/worker/probe.lua" "$worker" "$name") || {
            cat "$work/worker-error.log" >&2
            refuse "$name failed"
        }
        echo "$name $line" >>"$work/results"
    done
    round=$((round + 1))
done
lua5.4 "$here/worker/report.lua" "$work/results" "$work/data/expect" "$pages"
[ "$waiters" -eq 0 ] || lua5.4 "$here/worker/waiters.lua" "$worker" "$waiters"
