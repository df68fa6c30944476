#!/bin/sh
# Runs one fuzzer for so many seconds, from the seeds in spec/fuzz; an input that
# breaks it is left in build/log.  Ends with the line
# `TARGET: N passed, N failed`.
#   sh spec/fuzz.sh SECONDS TARGET
set -u
seconds=$1
target=$2
found=$(mktemp -d) || exit 1
trap 'rm -rf "$found"' EXIT

if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -dict=spec/fuzz/json.dict -artifact_prefix=build/log/ \
    "$found" spec/fuzz/seeds; then
    echo "$target: 1 passed, 0 failed"
else
    echo "$target: 0 passed, 1 failed"
    exit 1
fi
