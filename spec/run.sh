#!/bin/sh
# Installs what the tests need (Debian 12 or 13, as root or with sudo), builds,
# runs all of them, and ends with one line, totalled over everything:
#   N passed, N failed
# Lines before it say how many distinct specs there are (each runs in several
# builds), and which specs took longest.
#
#   sh spec/run.sh              everything
#   sh spec/run.sh quick        C specs and Lua specs on Lua 5.4, those that take
#                               long left out: for each commit
#   sh spec/run.sh STEP...      some of: style lua54 stress luajit nginx clang
#                               asan asanjit tsan tiny fuzz
#   sh spec/run.sh FILE...      these Lua specs on Lua 5.4
#
# A step is one line here; its whole output is in build/log.  A failure shows
# what failed, counts as at least one, and makes the exit status 1.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
log=build/log
mkdir -p "$log"

# What builds the module, and what it is made of.
packages="gcc libc6-dev cmake make ninja-build pkg-config ca-certificates
    libcurl4-openssl-dev libssl-dev zlib1g-dev libwebsockets-dev
    libwebsockets-evlib-uv libuv1-dev lua-cjson"
# Each Lua and its headers.
packages="$packages lua5.1 liblua5.1-0-dev lua5.2 liblua5.2-dev
    lua5.3 liblua5.3-dev lua5.4 liblua5.4-dev luajit libluajit-5.1-dev"
# The specs' runner, the event loops, and the sockets of the specs' own servers.
packages="$packages lua-busted lua-cqueues lua-luv lua-copas lua-socket lua-sec"
# Servers and peers of other makes, and certificates.
packages="$packages python3 python3-websockets redis-server openssl"
# Rocks and releases.
packages="$packages luarocks git"
# Instruments: nm, other locales, memory.
packages="$packages binutils locales valgrind"
# The short forms need no other compiler and no linter, and build once.
case ${1:-all} in
quick | */*) ;;
*)
    packages="$packages clang libclang-rt-dev clang-format lua-check ccache"
    # Builds for another Lua, and of rocks, differ in a few files only.
    export CMAKE_C_COMPILER_LAUNCHER=ccache CCACHE_DIR="$top/build/ccache"
    export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=/
    ;;
esac
# Specs that build or read the project, a soak, and what has an instrument of
# its own (a preloaded malloc excludes a sanitizer's): once is enough.
once='/(house|run|install|release|versions?|soak|valgrind)_spec'
once="$once|process/memory_spec"
# Specs to which a busy collector makes no difference.
apart='lua/(sandbox|process|loop|store|wallboard|project)/|/queue_spec'
# Specs of what differs between the binding on LuaJIT and the one on Lua 5.4.
binding='lua/(client|json|lists)/'
# Specs of what several threads have to do with.
threaded='lua/(http|lists|live|loop|process|token)/'
# Specs of what is cut into blocks and kept in mailboxes.
buffered='lua/(http|json|lists|live|recordings|reports)/'
# Specs of the project's files and of programs in Lua alone.
outer='lua/(project|wallboard)/'
# Specs that do little but wait: two at a time beside all others.
idle='/(store|wallboard)_|/(processes|halfopen|clock)_spec|ws_life_test'
# Specs that take longest, measured: they start first, so that nothing waits
# for them at the end.  The short form leaves them out.
long='/(install|versions|valgrind|exit|resources|soak|locale|fork|memory)_spec'
long="$long|/(processes|descriptors|openssl|timeout|wallboard)_spec"
long="$long|/release_spec"
long="$long|/(audio_pace|recordings_slow|retry|store_lease|ws_life)_"
# Seconds that all fuzzers have together.
fuzz_seconds=30

export LC_ALL=C.UTF-8
# LeakSanitizer guesses where a library's thread-local memory is, and dies when
# that begins 16 bytes into a page (one process in some hundred): not by this.
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
ASAN_OPTIONS=$ASAN_OPTIONS:intercept_tls_get_addr=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:die_after_fork=0

# Where spec/one.sh notes the titles of the tests that ran.
CCAAS_TITLES=$top/$log/titles
export CCAAS_TITLES
rm -rf "$CCAAS_TITLES"
mkdir "$CCAAS_TITLES"

passed=0
failed=0
outputs=

# step NAME COMMAND...: one line when all went well, else what was said.  Adds
# the counts found in the output; a failure that counted nothing counts one.
step() {
    name=$1
    shift
    output=$log/$(printf %s "$name" | tr -c 'A-Za-z0-9.' -).log
    outputs="$outputs $output"
    from=$(date +%s)
    ("$@") >"$output" 2>&1 </dev/null
    status=$?
    set -- $(awk '/^[^ ]+: [0-9]+ passed, [0-9]+ failed/ {
        passed += $2; failed += $4
    } END { print passed + 0, failed + 0 }' "$output")
    if [ $status -ne 0 ] && [ "$2" -eq 0 ]; then
        set -- "$1" 1
    fi
    passed=$((passed + $1))
    failed=$((failed + $2))
    counts=
    [ $(($1 + $2)) -eq 0 ] || counts="$1 passed, $2 failed"
    verdict=ok
    if [ "$2" -gt 0 ]; then
        verdict=FAILED
        cat "$output"
    fi
    printf '%-6s %-42s %4d s  %s\n' "$verdict" "$name" \
        $(($(date +%s) - from)) "$counts"
    [ "$2" -eq 0 ]
}

# longest FILE...: the specs that took longest in these steps, a line each.
longest() {
    grep -EH '^[^ ]+: [0-9]+ passed, .* \([0-9]+ s' "$@" |
        sed -E 's|^.*/([^/]*)\.log:([^ ]+): .* \(([0-9]+) s.*|\3 s \2 \1|' |
        sort -rn | head -n 8 |
        awk '{ printf "%6d s  %s (%s)\n", $1, $3, $4 }'
}

finish() {
    distinct=$(find "$CCAAS_TITLES" -type f -exec cat {} + | sort -u | wc -l)
    if [ "$distinct" -gt 0 ]; then
        echo "took longest:"
        longest $outputs
        echo "distinct specs: $distinct"
    fi
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
    exit
}

formatting() {
    find src spec -name '*.[ch]' -print0 |
        xargs -0 -r clang-format --dry-run -Werror
}

lint() {
    luacheck --codes --no-color -q lua spec examples .busted -- *.rockspec
}

# build FOLDER OPTION...: the module, the C specs (with one Lua: they know none)
# and the archive of the core.
build() {
    folder=build/$1
    shift
    rm -f "$folder/ccaas/core.so"
    tests=ON
    case $folder in *jit) tests=OFF ;; esac
    cmake -S . -B "$folder" -G Ninja -DCCAAS_TESTS=$tests "$@" &&
        ninja -C "$folder" all ccaas_c
}

# The core knows no Lua, and a module shows nothing but its luaopen function.
symbols() {
    for folder in build/clang54 build/clangjit build/lua54 build/luajit; do
        core=$folder/libccaas_c.a
        case $folder in *clang*) [ -e "$core" ] || return 1 ;; esac
        [ -e "$core" ] || continue
        if nm -u "$core" | grep -E ' luaL?_'; then
            echo "$core: knows Lua"
            return 1
        fi
        for module in "$folder"/ccaas/core.so "$folder"/ccaas/sandbox/server.so
        do
            shown=$(nm -D --defined-only "$module") || return 1
            if printf '%s\n' "$shown" | grep -v ' luaopen_'; then
                echo "$module: exports more than luaopen_"
                return 1
            fi
        done
    done
}

# The C specs of a folder.
c_files() { # folder
    ls spec/c/*_test.c | sed "s|\(.*\)\.c$|build/$1/\1|"
}

c_specs() { # folder
    c_files "$1" | xargs -P 6 -n 1 sh spec/one.sh
}

# Those in nginx's workers go with LuaJIT only.
lua_files() {
    files=$(ls spec/lua/*/*_spec.lua)
    printf '%s\n' "$files" | grep -E "$long"
    printf '%s\n' "$files" | grep -Ev "$long"
}

# specs FOLDER LUA FILE...: Lua specs, and C specs, on one build, several side by
# side (most of their time they wait), and those that only wait beside them.
specs() {
    CCAAS_BUILD=$top/build/$1 LUA=$2
    export CCAAS_BUILD LUA
    shift 2
    [ -e "$CCAAS_BUILD/ccaas/core.so" ] || return 1
    [ $# -gt 0 ] || return 1
    printf '%s\n' "$@" | grep -E "$idle" | xargs -r -P 2 -n 1 sh spec/one.sh &
    printf '%s\n' "$@" | grep -Ev "$idle" |
        xargs -r -P "${jobs:-6}" -n 1 sh spec/one.sh
    status=$?
    wait $! && return $status
}

# all_specs FOLDER LUA FILE...: with those that build a rock, which take longer.
all_specs() {
    CCAAS_LIMIT=600
    export CCAAS_LIMIT
    specs "$@"
}

# sanitized OPTION FOLDER LUA FILE...: the same in an interpreter that has a
# sanitizer's runtime; LUA is its pkg-config name.
sanitized() {
    interpreter=$top/build/$2/lua
    gcc -g "-fsanitize=$1" $(pkg-config --cflags "$3") spec/support/lua.c \
        -o "$interpreter" $(pkg-config --libs "$3") || return 1
    # LeakSanitizer does not look into LuaJIT's heap: what only that refers to
    # would count as lost.
    [ "$3" != luajit ] || ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
    # Slower by so much that they need the machine for themselves.
    jobs=4
    CCAAS_LIMIT=180
    export CCAAS_LIMIT
    folder=$2
    shift 3
    specs "$folder" "$interpreter" "$@"
}

# stressed FOLDER LUA FILE...: the same with the collector always at work.
stressed() {
    CCAAS_GC=stress CCAAS_LIMIT=180
    export CCAAS_GC CCAAS_LIMIT
    specs "$@"
}

fuzz() {
    cmake -S . -B build/fuzz -G Ninja -DCCAAS_FUZZ=ON \
        -DCMAKE_C_COMPILER=clang && ninja -C build/fuzz || return 1
    set -- $(find build/fuzz/spec/fuzz -maxdepth 1 -type f -perm -u+x)
    [ $# -gt 0 ] || return 1
    printf '%s\n' "$@" |
        xargs -P $# -n 1 sh spec/fuzz.sh $((fuzz_seconds * 2 / $#))
}

step "packages" sh .ci/packages $packages || finish
# No proxy stands between a test and a loopback address.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

every=$(lua_files)
most=$(printf '%s\n' "$every" | grep -Ev "$once")
# ThreadSanitizer cannot watch a child that starts threads again.
threads=$(printf '%s\n' "$most" | grep -E "$threaded" | grep -v /fork_spec)
close=$(printf '%s\n' "$most" | grep -Ev "$apart")

run_style() {
    step "format" formatting
    step "lint" lint
}

run_lua54() {
    step "build, gcc, Lua 5.4" build lua54 -DCCAAS_WERROR=ON &&
        step "specs, C and Lua 5.4" \
            all_specs lua54 lua5.4 $(c_files lua54) $every
}

run_stress() {
    step "build, gcc, Lua 5.4" build lua54 -DCCAAS_WERROR=ON &&
        step "specs, collector always at work" stressed lua54 lua5.4 $close
}

build_luajit() {
    step "build, gcc, LuaJIT" build luajit -DCCAAS_WERROR=ON \
        -DCCAAS_LUA=luajit
}

run_luajit() {
    build_luajit && step "specs, LuaJIT" specs luajit luajit $most
}

run_nginx() {
    build_luajit &&
        step "nginx, unpacked" sh spec/openresty/fetch.sh build/nginx &&
        step "specs, in nginx" \
            specs luajit luajit spec/openresty/*_spec.lua
}

run_clang() {
    step "build, clang, Lua 5.4" build clang54 -DCCAAS_WERROR=ON \
        -DCMAKE_C_COMPILER=clang &&
        step "specs, clang, C" c_specs clang54
    step "build, clang, LuaJIT" build clangjit -DCCAAS_WERROR=ON \
        -DCMAKE_C_COMPILER=clang -DCCAAS_LUA=luajit
    step "symbols" symbols
}

run_asan() {
    step "build, ASan and UBSan, Lua 5.4" build asan \
        -DCCAAS_SANITIZE=address,undefined &&
        step "specs, ASan and UBSan, C and Lua 5.4" \
            sanitized address,undefined asan lua5.4 $(c_files asan) \
            $(printf '%s\n' "$most" | grep -Ev "$outer")
}

run_asanjit() {
    step "build, ASan and UBSan, LuaJIT" build asanjit \
        -DCCAAS_SANITIZE=address,undefined -DCCAAS_LUA=luajit &&
        step "specs, ASan and UBSan, LuaJIT" \
            sanitized address,undefined asanjit luajit \
            $(printf '%s\n' "$most" | grep -E "$binding")
}

run_tsan() {
    step "build, TSan" build tsan -DCCAAS_SANITIZE=thread &&
        step "specs, TSan" \
            sanitized thread tsan lua5.4 $(c_files tsan) $threads
}

run_tiny() {
    step "build, tiny buffers" build tiny -DCCAAS_TINY=ON &&
        step "specs, tiny buffers" specs tiny lua5.4 $(c_files tiny) \
            $(printf '%s\n' "$close" | grep -E "$buffered")
}

run_fuzz() {
    step "fuzzers" fuzz
}

run_quick() {
    step "build, Lua 5.4" build lua54 &&
        step "specs, C and Lua 5.4" specs lua54 lua5.4 \
            $(c_files lua54; printf '%s\n' "$every" | grep -Ev "$long")
}

run_files() {
    step "build, Lua 5.4" build lua54 &&
        step "specs, Lua 5.4" specs lua54 lua5.4 "$@"
}

case ${1:-all} in
all) set -- style lua54 stress luajit nginx clang asan asanjit tsan tiny fuzz ;;
*/*)
    run_files "$@"
    finish
    ;;
esac
for name in "$@"; do
    case $name in
    style | lua54 | stress | luajit | nginx | clang | asan | asanjit | tsan | \
        tiny | fuzz | quick) "run_$name" ;;
    *)
        echo "spec/run.sh: no step is named $name: see its first lines"
        exit 2
        ;;
    esac
done
finish
