#!/bin/sh
# The events benchmark: our client and what one would take instead, interleaved
# in one run, reading live messages from a server on this machine.  See
# README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=spec/bench/common.sh disable=SC2154
. "$here/common.sh"
everyone="bare ours54 oursjit latest54 latestjit luahttp node python"

usage() {
    cat <<EOT
usage: sh spec/bench/events.sh [options]
  --parts A,B        flood (as fast as they are taken), many (sockets with one
                     message a second each, all at once), spread (the same,
                     evenly spread), delay (1,000 a second); all
  --rounds N         rounds, of which medians are taken (5)
  --only A,B         of: $(echo "$everyone" | tr ' ' ','),
                     ours (ours54,oursjit); all of them
  --messages N       of the flood (1000000)
  --sockets N        of many and spread (1000)
  --seconds N        of many, spread and delay (10)
  --install          install missing Debian packages with apt-get
EOT
}

rounds=5 only=$everyone parts="flood many spread delay" install=no
messages=1000000 sockets=1000 seconds=10
while [ $# -gt 0 ]; do
    case $1 in
    --install) install=yes; shift; continue ;;
    --help) usage; exit 0 ;;
    --parts | --rounds | --only | --messages | --sockets | --seconds) ;;
    *) usage >&2; exit 2 ;;
    esac
    [ $# -ge 2 ] || refuse "$1 needs a value"
    list=$(echo "$2" | tr ',' ' ')
    case $1 in
    --parts) parts=$list ;;
    --rounds) rounds=$2 ;;
    --only) only=$list ;;
    --messages) messages=$2 ;;
    --sockets) sockets=$2 ;;
    --seconds) seconds=$2 ;;
    esac
    shift 2
done
only=$(echo " $only " | sed 's/ ours / ours54 oursjit /')
for name in $only; do
    echo "$everyone" | grep -qw "$name" || refuse "unknown contestant $name"
done
for part in $parts; do
    case $part in flood | many | spread | delay) ;; *) refuse "unknown part $part" ;; esac
done
check_numbers "$rounds" "$messages" "$sockets" "$seconds"

find_missing() {
    probe cmake "command -v cmake"
    probe pkg-config "command -v pkg-config"
    probe libcurl4-openssl-dev "pkg-config --exists libcurl"
    probe liblua5.4-dev "pkg-config --exists lua5.4"
    probe lua5.4 "command -v lua5.4"
    probe_lua lua-socket lua5.4 socket
    probe_client
    if wants luahttp; then
        probe luajit "command -v luajit"
        probe_lua lua-http luajit http.websocket
        probe_lua lua-cjson luajit cjson
        probe_lua lua-socket luajit socket
    fi
    if wants node; then
        probe nodejs "command -v node"
        probe node-ws "test -d /usr/share/nodejs/ws"
    fi
    if wants python; then
        probe python3-websockets "/usr/bin/python3 -c 'import websockets'"
    fi
}
need_packages $install
open_workspace

script() { # interpreter, file, arguments
    interpreter=$1 file=$2
    shift 2
    LUA_PATH="$here/events/?.lua;;" timeout 300 "$interpreter" \
        "$here/events/$file" "$@"
}

contestant() { # name, part
    case $1-$2 in
    bare-flood) timeout 300 "$work/build/bench_events_bare" ;;
    *-spread) contestant "$1" many ;;
    ours54-*) client events lua54 lua5.4 "$2" block ;;
    oursjit-*) client events luajit luajit "$2" block ;;
    latest54-flood) client events lua54 lua5.4 flood latest ;;
    latestjit-flood) client events luajit luajit flood latest ;;
    luahttp-*) script luajit luahttp.lua "$2" ;;
    node-*) timeout 300 node "$here/events/node.mjs" "$2" ;;
    python-flood) timeout 300 /usr/bin/python3 "$here/events/python.py" ;;
    esac
}

# Serves a part at $BENCH_BASE; `stop` ends it, too.
serve() { # arguments of the server
    "$work/build/bench_events_serve" "$@" >"$work/port" 2>"$work/log" &
    nginx_pid=$!
    until [ -s "$work/port" ]; do
        kill -0 $nginx_pid 2>/dev/null || refuse "$(cat "$work/log")"
        sleep 0.05
    done
    BENCH_BASE=http://127.0.0.1:$(cat "$work/port")
    export BENCH_BASE
}

serve_no_more() {
    kill "$nginx_pid" 2>/dev/null || true
    wait "$nginx_pid" 2>/dev/null || true
    nginx_pid=
    rm -f "$work/port"
}

run_part() { # part, arguments of the server
    part=$1
    shift
    serve "$@"
    for name in $only; do
        case $part-$name in
        flood-*) ;;
        *-bare | *-python | *-latest*) continue ;;
        esac
        line=$(contestant "$name" "$part" 2>"$work/log") || {
            echo "events.sh: $name failed ($part):" >&2
            cat "$work/log" >&2
            line=failed
        }
        echo "$part $name $line" >>"$work/results"
    done
    serve_no_more
}

case $only in *54*) build_client lua54 lua5.4 ;; esac
case $only in *jit*) build_client luajit luajit ;; esac
build_programs bench_events_serve bench_events_bare
ulimit -n 4096
export BENCH_MESSAGES="$messages" BENCH_SOCKETS="$sockets"
export BENCH_SECONDS="$seconds"
round=1
while [ $round -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    for part in $parts; do
        case $part in
        flood) run_part flood flood "$messages" ;;
        many) run_part many beat "$sockets" 1 ;;
        spread) run_part spread spread "$sockets" 1 ;;
        delay) run_part delay beat 1 1000 ;;
        esac
    done
    round=$((round + 1))
done
lua5.4 "$here/events/report.lua" "$work/results" "$messages"
