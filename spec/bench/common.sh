# shellcheck shell=sh disable=SC2034,SC2154 # names shared with the drivers
# What the benchmarks' drivers share; they source it.  Everything that they
# make is in a temporary folder, $work, and gone at the end, also after a
# failure or an interruption; only build/lua54 and build/luajit, the client
# itself, stay.

root=$(cd "$here/../.." && pwd)
unset LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

refuse() {
    echo "$(basename "$0"): $*" >&2
    exit 2
}

check_numbers() {
    for number in "$@"; do
        case $number in "" | *[!0-9]*) refuse "not a number: $number" ;; esac
    done
}

wants() { # contestant
    case " $only " in *" $1 "*) return 0 ;; esac
    return 1
}

# What must be there, each with the Debian package that has it.
missing=
probe() { # package, command that succeeds when it is there
    sh -c "$2" >/dev/null 2>&1 || missing="$missing $1"
}

probe_lua() { # package, interpreter, module
    probe "$1" "$2 -e 'require \"$3\"'"
}

probe_server() {
    probe nginx "PATH=$PATH:/usr/sbin command -v nginx"
    probe lua5.4 "command -v lua5.4"
    probe_lua lua-socket lua5.4 socket
}

probe_programs() {
    probe cmake "command -v cmake"
    probe pkg-config "command -v pkg-config"
    probe libcurl4-openssl-dev "pkg-config --exists libcurl"
    probe liblua5.4-dev "pkg-config --exists lua5.4"
}

probe_client() {
    case $only in *jit*)
        probe libluajit-5.1-dev "pkg-config --exists luajit"
        probe luajit "command -v luajit"
        probe_lua lua-socket luajit socket ;;
    esac
    probe libwebsockets-dev "pkg-config --exists libwebsockets"
    probe libuv1-dev "pkg-config --exists libuv"
    probe libssl-dev "pkg-config --exists openssl"
    probe zlib1g-dev "pkg-config --exists zlib"
}

# Refuses when something is missing; with "yes" installs it first.  The driver
# has a function find_missing, which probes.
need_packages() { # install?
    find_missing
    missing=$(echo "$missing" | tr ' ' '\n' | sort -u | tr '\n' ' ')
    if [ -n "${missing# }" ] && [ "$1" = yes ]; then
        # shellcheck disable=SC2086
        apt-get install -y --no-install-recommends $missing
        missing=
        find_missing
    fi
    [ -z "${missing# }" ] || refuse "missing Debian packages: $missing" \
        "(--install installs them)"
}

nginx_pid=
stop() {
    if [ -n "$nginx_pid" ]; then
        kill "$nginx_pid" 2>/dev/null || true
        wait "$nginx_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}

open_workspace() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/ccaas-bench-XXXXXX")
    trap stop EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    chmod 755 "$work" # started by root, nginx's workers are somebody else
    mkdir "$work/data"
}

quietly() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        refuse "failed: $*"
    }
}

build_client() { # folder, pkg-config name of the Lua
    quietly cmake -S "$root" -B "$root/build/$1" -DCCAAS_LUA="$2" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCCAAS_SANITIZE= -DCCAAS_TINY=OFF
    quietly cmake --build "$root/build/$1" --target module
}

build_programs() { # their targets
    quietly cmake -S "$here" -B "$work/build"
    quietly cmake --build "$work/build" --target "$@"
}

free_ports() { # how many
    lua5.4 - "$1" <<'LUA'
local socket, held = require "socket", {}
for i = 1, arg[1] do
  held[i] = assert(socket.bind("127.0.0.1", 0))
  print((select(2, held[i]:getsockname())))
end
LUA
}

start_nginx() { # its ports; $work/nginx.conf is there
    PATH=$PATH:/usr/sbin nginx -p "$work" -c "$work/nginx.conf" \
        -e "$work/nginx-error.log" >"$work/nginx.log" 2>&1 &
    nginx_pid=$!
    lua5.4 - "$@" <<'LUA' ||
local socket = require "socket"
local deadline = socket.gettime() + 10
for _, port in ipairs(arg) do
  while not socket.connect("127.0.0.1", port) do
    if socket.gettime() > deadline then os.exit(1) end
    socket.sleep(0.02)
  end
end
LUA
        refuse "nginx: $(cat "$work/nginx.log" "$work/nginx-error.log")"
}

# A server of prepared files, those in $work/data, at $origin.
serve_files() {
    port=$(free_ports 1)
    sed -e "s#@DIR@#$work#; s#@PORT@#$port#" "$here/static.conf" \
        >"$work/nginx.conf"
    start_nginx "$port"
    origin=http://127.0.0.1:$port
}

client() { # benchmark, build folder, interpreter, arguments
    benchmark=$1 build=$2 interpreter=$3
    shift 3
    LUA_PATH="$root/lua/?.lua;$here/$benchmark/?.lua;;" \
    LUA_CPATH="$root/build/$build/?.so;;" timeout 300 "$interpreter" \
        "$here/$benchmark/ours.lua" "$@"
}
