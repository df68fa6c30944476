#!/bin/sh
# Lets each allocation of ours, and each call that makes a descriptor or a thread,
# fail once, in calls, stores, watches, subscriptions and reports.
#   sh spec/bench/faults.sh [SEED [STEP]]
# Environment: CCAAS_BUILD (default build/lua54), LUA (lua5.4); with an ASan build
# it looks for leaks as well.  STEP: every so many of them (1).
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${CCAAS_BUILD:=$PWD/build/lua54}" "${LUA:=lua5.4}" "${CCAAS_LIMIT:=3600}"
SEED=${1:-$(date +%s)} STEP=${2:-1}
export CCAAS_BUILD LUA CCAAS_LIMIT SEED STEP
unset LUA_PATH_5_4 LUA_CPATH_5_4 LUA_INIT
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
export LUA_CPATH="$CCAAS_BUILD/?.so;;"
echo "seed $SEED"
exec timeout "$CCAAS_LIMIT" "$LUA" "$(command -v busted)" -o TAP \
    spec/bench/faults.lua
