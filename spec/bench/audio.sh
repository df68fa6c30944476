#!/bin/sh
# The audio benchmark: our client and curl, interleaved in one run, downloading
# the same files one after another from a server on this machine.  See
# README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=spec/bench/common.sh disable=SC2154
. "$here/common.sh"
everyone="curl ours54 oursjit"

usage() {
    cat <<EOT
usage: sh spec/bench/audio.sh [options]
  --rounds N         rounds, of which medians are taken (11)
  --only A,B         of: curl,ours54,oursjit, ours (on both Luas); all of them
  --files N          how many (500)
  --bytes N          of each (100000)
  --install          install missing Debian packages with apt-get
EOT
}

rounds=11 only=$everyone files=500 bytes=100000 install=no
while [ $# -gt 0 ]; do
    case $1 in
    --install) install=yes; shift; continue ;;
    --help) usage; exit 0 ;;
    --rounds | --only | --files | --bytes) ;;
    *) usage >&2; exit 2 ;;
    esac
    [ $# -ge 2 ] || refuse "$1 needs a value"
    case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$(echo "$2" | tr ',' ' ') ;;
    --files) files=$2 ;;
    --bytes) bytes=$2 ;;
    esac
    shift 2
done
only=$(echo " $only " | sed "s/ ours / ours54 oursjit /")
for name in $only; do
    echo "$everyone" | grep -qw "$name" || refuse "unknown contestant $name"
done
check_numbers "$rounds" "$files" "$bytes"
[ "$bytes" -ge 5000 ] || refuse "a file has 5000 bytes at least"

find_missing() {
    probe_server
    probe cmake "command -v cmake"
    probe pkg-config "command -v pkg-config"
    probe curl "command -v curl"
    probe_client
}
need_packages $install
open_workspace

contestant() {
    case $1 in
    curl) curl -sS --output-dir "$got" -K "$work/list" && echo - ;;
    ours54) client audio lua54 lua5.4 "$got" "$files" "$bytes" ;;
    oursjit) client audio luajit luajit "$got" "$files" "$bytes" ;;
    esac
}

# One contestant's round, and a look whether all files came as they are.  Each
# has a folder of its own that stays until the end: ext4 makes new files slowly
# for some seconds after others were removed.
run_one() {
    got=$work/got/$round-$1
    mkdir -p "$got"
    began=$(date +%s.%N)
    if inside=$(contestant "$1" 2>"$work/log"); then
        ended=$(date +%s.%N)
        whole=$(echo "$began $ended" | awk '{ printf "%.4f", $2 - $1 }')
        for file in $(cd "$data" && echo *); do
            cmp "$data/$file/audio" "$got/$file.ogg" >>"$work/log" 2>&1 ||
                whole=failed
        done
    else
        whole=failed
    fi
    if [ "$whole" = failed ]; then
        echo "audio.sh: $1 failed:" >&2
        cat "$work/log" >&2
        inside=
    fi
    echo "$1 $whole $inside" | sed 's/ $//' >>"$work/results"
}

if wants ours54; then build_client lua54 lua5.4; fi
if wants oursjit; then build_client luajit luajit; fi
data=$work/data/rest/api/v2/recordings/acme
mkdir -p "$data"
for number in $(seq -f %04.0f "$files"); do mkdir "$data/$number"; done
lua5.4 "$here/audio/data.lua" "$data" "$files" "$bytes"
serve_files
export BENCH_BASE="$origin"
{
    echo 'header = "Authorization: Bearer bench-token"'
    for number in $(seq -f %04.0f "$files"); do
        echo "url = $origin/rest/api/v2/recordings/acme/$number/audio"
        echo "output = $number.ogg"
    done
} >"$work/list"

round=1
while [ $round -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    for name in $only; do
        run_one "$name"
    done
    round=$((round + 1))
done
lua5.4 "$here/audio/report.lua" "$work/results" "$files"
