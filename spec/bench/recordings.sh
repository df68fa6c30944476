#!/bin/sh
# The recordings benchmark: our client and what one would take instead,
# interleaved in one run, reading one enormous answer from a server on this
# machine.  See README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=spec/bench/common.sh disable=SC2154
. "$here/common.sh"
everyone="bare bound ours54 oursjit slow54 slowjit pause54 pausejit idle54"
everyone="$everyone idlejit luasocket node python"

usage() {
    cat <<EOT
usage: sh spec/bench/recordings.sh [options]
  --rounds N         rounds, of which medians are taken (5)
  --only A,B         of: $(echo "$everyone" | tr ' ' ','),
                     ours, slow, pause, idle (on both Luas); all of them
  --rows A,B         rows of about 400 bytes; 1000000,4000000 shows that memory
                     stays (1000000)
  --pause N          whole seconds of the long pause (3)
  --install          install missing Debian packages with apt-get
EOT
}

rounds=5 only=$everyone counts=1000000 seconds=3 install=no
while [ $# -gt 0 ]; do
    case $1 in
    --install) install=yes; shift; continue ;;
    --help) usage; exit 0 ;;
    --rounds | --only | --rows | --pause) ;;
    *) usage >&2; exit 2 ;;
    esac
    [ $# -ge 2 ] || refuse "$1 needs a value"
    list=$(echo "$2" | tr ',' ' ')
    case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$list ;;
    --rows) counts=$list ;;
    --pause) seconds=$2 ;;
    esac
    shift 2
done
for kind in ours slow pause idle; do
    only=$(echo " $only " | sed "s/ $kind / ${kind}54 ${kind}jit /")
done
for name in $only; do
    echo "$everyone" | grep -qw "$name" || refuse "unknown contestant $name"
done
# shellcheck disable=SC2086
check_numbers $rounds $counts $seconds
[ "$seconds" -gt 0 ] || refuse "the pause is at least 1 s"

find_missing() {
    probe_server
    probe_programs
    probe_client
    case $only in *pause*) probe iproute2 "command -v ss" ;; esac
    if wants luasocket; then probe_lua lua-cjson lua5.4 cjson; fi
    if wants node; then probe nodejs "command -v node"; fi
    if wants python; then
        probe python3-ijson "/usr/bin/python3 -c 'import ijson'"
    fi
}
need_packages $install
open_workspace

contestant() {
    case $1 in
    bare) timeout 300 "$work/build/bench_recordings_bare" ;;
    bound)
        timeout 300 "$work/build/bench_recordings_bound" \
            "$here/recordings/tally.lua" ;;
    ours54) client recordings lua54 lua5.4 quick ;;
    oursjit) client recordings luajit luajit quick ;;
    *54) client recordings lua54 lua5.4 "${1%54}" ;;
    *jit) client recordings luajit luajit "${1%jit}" ;;
    luasocket)
        LUA_PATH="$here/recordings/?.lua;;" timeout 300 lua5.4 \
            "$here/recordings/luasocket.lua" ;;
    # JSON.parse needs the whole answer and all rows at once.
    node)
        timeout 300 node --max-old-space-size=8192 \
            "$here/recordings/node.mjs" ;;
    python) timeout 300 /usr/bin/python3 "$here/recordings/python.py" ;;
    esac
}

build_client lua54 lua5.4
case $only in *jit*) build_client luajit luajit ;; esac
build_programs bench_recordings_bare bench_recordings_bound
for count in $counts; do
    folder=$work/data/of/$count/rest/api/v2
    mkdir -p "$folder"
    answer=$(lua5.4 "$here/recordings/data.lua" "$folder/recordings" "$count")
    echo "$count $answer" >>"$work/expect"
done
serve_files

BENCH_PAUSE=$seconds
BENCH_QUERY="startTime=2026-06-01T00%3A00%3A00-06%3A00"
BENCH_QUERY="$BENCH_QUERY&endTime=2026-06-30T00%3A00%3A00-06%3A00"
export BENCH_PAUSE BENCH_QUERY
round=1
while [ $round -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    for count in $counts; do
        export BENCH_BASE="$origin/of/$count"
        for name in $only; do
            line=$(contestant "$name" 2>"$work/log") || {
                echo "recordings.sh: $name failed:" >&2
                line=failed
            }
            sed "s/^/$name: /" "$work/log" >&2
            echo "$count $name $line" >>"$work/results"
        done
    done
    round=$((round + 1))
done
lua5.4 "$here/recordings/report.lua" "$work/results" "$work/expect"
