#!/bin/sh
# Runs one suite in a process of its own, with a time limit, and ends with the
# line `NAME: N passed, N failed`; what the suite said comes before it only if
# something failed.  A skipped test, a crash, a sanitizer's report, an early
# end and a suite without tests all count as failures.
#   sh spec/one.sh spec/lua/foo/bar_spec.lua   a Lua spec, by busted
#   sh spec/one.sh build/lua54/spec/c/foo_test a C spec
# Environment: LUA (the interpreter), CCAAS_BUILD (the build folder, absolute),
# CCAAS_LIMIT (seconds), CCAAS_TITLES (a folder, which gets a file with a line
# `NAME<tab>TITLE` for each test that ran).
set -u

suite=$1
titles=${CCAAS_TITLES:-}
unset CCAAS_TITLES
: "${LUA:=lua5.4}" "${CCAAS_LIMIT:=120}"
said=$(mktemp) || exit 1
trap 'rm -f "$said" "$said.cpu"' EXIT

# For interpreters that a spec starts itself; .busted says the same to busted.
unset LUA_PATH_5_4 LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
[ -z "${CCAAS_BUILD:-}" ] || export LUA_CPATH="$CCAAS_BUILD/?.so;;"

case $suite in
*.lua) set -- "$LUA" "$(command -v busted)" -o TAP "$suite" ;;
*) set -- "$suite" ;;
esac
from=$(date +%s)
timeout -k 5 "$CCAAS_LIMIT" "$@" </dev/null >"$said" 2>&1
status=$?
seconds=$(($(date +%s) - from))
# What the suite's processes had of the machine, in whole seconds.
times >"$said.cpu"
cpu=$(awk 'END { split($1 "m" $2, t, /[ms]+/)
    printf "%.0f", 60 * (t[1] + t[3]) + t[2] + t[4] }' "$said.cpu")

trouble=
case $suite in
*.lua)
    skipped=$(grep -c '^ok [0-9]* - # SKIP' "$said")
    passed=$(($(grep -c '^ok [0-9]* - ' "$said") - skipped))
    failed=$(($(grep -c '^not ok [0-9]* - ' "$said") + skipped))
    grep -q '^1\.\.[0-9]' "$said" || trouble="ended before its end"
    ;;
*)
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$said" |
        tail -n 1)
    [ -n "$counts" ] || trouble="ended before its end"
    passed=${counts%% *} failed=${counts##* }
    : "${passed:=0}" "${failed:=0}"
    ;;
esac
if [ $((passed + failed)) -eq 0 ]; then
    trouble="ran no test"
fi
if grep -Eq '(Address|Leak|Thread)Sanitizer|: runtime error: ' "$said"; then
    trouble="a sanitizer's report"
fi
case $status in
0) ;;
124 | 137) trouble="still running after $CCAAS_LIMIT s" ;;
*) [ "$failed" -gt 0 ] || trouble="exit status $status" ;;
esac
if [ -n "$titles" ]; then
    sed -nE 's/^(not )?ok( [0-9]+ -|:) //p' "$said" |
        sed "s|^|${suite#build/*/}	|" >"$titles/${said##*/}"
fi
[ -z "$trouble" ] || failed=$((failed + 1))

if [ "$failed" -gt 0 ]; then
    echo "---- $suite ($(basename "$LUA")) ${trouble:+: $trouble}"
    grep -Ev '^ok( [0-9]+ - [^#]|: )' "$said" | tail -n "${CCAAS_LINES:-300}"
fi
echo "$suite: $passed passed, $failed failed ($seconds s, $cpu s of CPU)"
[ "$failed" -eq 0 ]
