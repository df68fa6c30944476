#!/bin/sh
# Runs one fuzzer for so many seconds, from the seeds kept for it in
# spec/fuzz/corpus/NAME if there are any; an input that breaks it is left in
# build/log.  Ends with the line `TARGET: N passed, N failed`.
#   sh spec/fuzz.sh SECONDS TARGET
set -u
seconds=$1
target=$2
found=$(mktemp -d) || exit 1
trap 'rm -rf "$found"' EXIT

set -- "$found"
seeds=spec/fuzz/corpus/$(basename "$target" _fuzz)
[ ! -d "$seeds" ] || set -- "$@" "$seeds"
if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix=build/log/ "$@"; then
    echo "$target: 1 passed, 0 failed"
else
    echo "$target: 0 passed, 1 failed"
    exit 1
fi
