#!/bin/sh
# From nothing to the first numbers on Debian 12 or 13, as root or with sudo:
# installs what is missing, builds the rock into ./lua_modules and reads queues
# and agents from the sandbox, a fake server on this machine.
#   sh examples/quickstart.sh [ROCK TREE]    that rock, into that tree, instead
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -eq 2 ]; then
    tree=$(realpath -m "$2")
    set -- install "$(realpath "$1")"
else
    tree=$top/lua_modules
    set -- make ccaas-scm-1.rockspec
fi
cd "$top"

packages="gcc libc6-dev cmake make pkg-config ca-certificates
    libcurl4-openssl-dev libssl-dev libwebsockets-dev libwebsockets-evlib-uv libuv1-dev zlib1g-dev
    liblua5.4-dev lua5.4 luarocks lua-cjson"

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
    output=$(mktemp)
    if ! "$@" >"$output" 2>&1 </dev/null; then
        cat "$output" >&2
        rm -f "$output"
        exit 1
    fi
    rm -f "$output"
}

echo "Installing what is missing ..."
quietly sh .ci/packages $packages

echo "Building the rock into $tree ..."
export LUAROCKS_CONFIG="$top/examples/debian-luarocks.lua"
quietly luarocks --lua-version 5.4 --tree "$tree" "$@"

echo
LUA_PATH="$tree/share/lua/5.4/?.lua;$tree/share/lua/5.4/?/init.lua;;" \
LUA_CPATH="$tree/lib/lua/5.4/?.so;;" \
    exec lua5.4 examples/quickstart.lua
