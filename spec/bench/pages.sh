#!/bin/sh
# The pages benchmark: our client and what one would take instead, interleaved
# in one run, reading the same 100,000 rows from a server on this machine.  See
# README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=spec/bench/common.sh disable=SC2154
. "$here/common.sh"
everyone="bare bound ours54 oursjit luasocket luacurl fficurl luahttp"
everyone="$everyone node fetch python"

usage() {
    cat <<EOF
usage: sh spec/bench/pages.sh [options]
  --rounds N         rounds, of which medians are taken (5)
  --only A,B         of: $(echo "$everyone" | tr ' ' ','),
                     ours (ours54,oursjit); all of them
  --net A,B          http, https; both
  --delay A,B        milliseconds before each answer: 0 and one other (0,30)
  --pages A,B        pages of 1,000 rows; 100,400 shows that memory stays (100)
  --install          install missing Debian packages with apt-get
EOF
}

rounds=5 only=$everyone nets="http https" delays="0 30" counts=100 install=no
while [ $# -gt 0 ]; do
    case $1 in
    --install) install=yes; shift; continue ;;
    --help) usage; exit 0 ;;
    --rounds | --only | --net | --delay | --pages) ;;
    *) usage >&2; exit 2 ;;
    esac
    [ $# -ge 2 ] || refuse "$1 needs a value"
    list=$(echo "$2" | tr ',' ' ')
    case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$list ;;
    --net) nets=$list ;;
    --delay) delays=$list ;;
    --pages) counts=$list ;;
    esac
    shift 2
done
only=$(echo " $only " | sed 's/ ours / ours54 oursjit /')
for name in $only; do
    echo "$everyone" | grep -qw "$name" || refuse "unknown contestant $name"
done
for net in $nets; do
    case $net in http | https) ;; *) refuse "unknown net $net" ;; esac
done
delay=30
# shellcheck disable=SC2086
check_numbers $rounds $counts $delays
for number in $delays; do
    if [ "$number" -ne 0 ]; then delay=$number; fi
done
for number in $delays; do
    case $number in 0 | "$delay") ;; *) refuse "two delays besides 0" ;; esac
done

echo_module=/usr/lib/nginx/modules/ngx_http_echo_module.so
find_missing() {
    probe_server
    probe_programs
    probe libnginx-mod-http-echo "test -e $echo_module"
    probe openssl "command -v openssl"
    case $only in *curl* | *luahttp*)
        probe luajit "command -v luajit"
        probe_lua lua-socket luajit socket
        probe_lua lua-cjson luajit cjson ;;
    esac
    if wants luasocket; then
        probe_lua lua-sec lua5.4 ssl
        probe_lua lua-cjson lua5.4 cjson
    fi
    if wants luacurl; then probe_lua lua-curl luajit curl; fi
    if wants luahttp; then probe_lua lua-http luajit http.client; fi
    if wants node || wants fetch; then probe nodejs "command -v node"; fi
    if wants python; then probe python3 "test -x /usr/bin/python3"; fi
    case $only in *ours*) probe_client ;; esac
}
need_packages $install
open_workspace

make_certificates() {
    (
        cd "$work"
        for name in ca server; do
            openssl ecparam -name prime256v1 -genkey -noout -out $name.key
        done
        openssl req -x509 -new -key ca.key -subj "/CN=ccaas bench CA" \
            -days 2 -out ca.crt
        openssl req -new -key server.key -subj "/CN=localhost" -out server.csr
        echo "subjectAltName=DNS:localhost,IP:127.0.0.1" >server.ext
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \
            -CAcreateserial -days 2 -extfile server.ext -out server.crt
    )
}

serve_pages() {
    # shellcheck disable=SC2046
    set -- $(free_ports 4)
    http_0=$1 https_0=$2 http_delay=$3 https_delay=$4
    token='{"access_token":"bench-token","token_type":"BearerToken"'
    token=$token',"expires_in":"1799","issued_at":"1719570000000"'
    token=$token',"status":"approved","refresh_token_expires_in":"0"}'
    seconds=$(lua5.4 -e "print($delay / 1000)")
    sed -e "s#@ECHO_MODULE@#load_module $echo_module;#" \
        -e "s#@DIR@#$work#; s#@DELAY@#$seconds#; s#@TOKEN@#$token#" \
        -e "s#@HTTP_0@#$http_0#; s#@HTTPS_0@#$https_0#" \
        -e "s#@HTTP_DELAY@#$http_delay#; s#@HTTPS_DELAY@#$https_delay#" \
        "$here/pages/nginx.conf" >"$work/nginx.conf"
    start_nginx "$@"
}

script() { # interpreter, file
    LUA_PATH="$here/pages/?.lua;;" timeout 300 "$1" "$here/pages/$2"
}

contestant() {
    case $1 in
    bare) timeout 300 "$work/build/bench_pages_bare" ;;
    bound) timeout 300 "$work/build/bench_pages_bound" "$here/pages/tally.lua" ;;
    ours54) client pages lua54 lua5.4 ;;
    oursjit) client pages luajit luajit ;;
    luasocket) script lua5.4 luasocket.lua ;;
    luacurl | fficurl | luahttp) script luajit "$1.lua" ;;
    node) timeout 300 node "$here/pages/node.mjs" http ;;
    fetch) timeout 300 node "$here/pages/node.mjs" fetch ;;
    python) timeout 300 /usr/bin/python3 "$here/pages/python.py" ;;
    esac
}

run_cell() { # net, delay, pages
    case $1-$2 in
    http-0) port=$http_0 ;;
    https-0) port=$https_0 ;;
    http-*) port=$http_delay ;;
    https-*) port=$https_delay ;;
    esac
    origin=$1://127.0.0.1:$port
    export BENCH_BASE="$origin/of/$3/analytics/cc/v5/realtime-metrics"
    export BENCH_TOKEN_URL="$origin/oauth/v2/token" BENCH_PAGES="$3"
    for name in $only; do
        line=$(contestant "$name" 2>"$work/log") || {
            echo "pages.sh: $name failed ($1, $2 ms, $3 pages):" >&2
            cat "$work/log" >&2
            line=failed
        }
        echo "$3 $1 $2 $name $line" >>"$work/results"
    done
}

most=0
for count in $counts; do
    [ "$count" -le "$most" ] || most=$count
done
if [ "$most" -eq 0 ] || [ "$rounds" -eq 0 ]; then refuse "nothing to do"; fi

if wants ours54; then build_client pages lua54 lua5.4; fi
if wants oursjit; then build_client pages luajit luajit; fi
build_programs bench_pages_bare bench_pages_bound
quietly make_certificates
lua5.4 "$here/pages/data.lua" "$work/data" "$most"
serve_pages

BENCH_METRICS=$(cat "$work/data/metrics")
BENCH_CA=$work/ca.crt
export BENCH_METRICS BENCH_CA NODE_EXTRA_CA_CERTS="$BENCH_CA"
round=1
while [ $round -le "$rounds" ]; do
    echo "round $round of $rounds" >&2
    for count in $counts; do
        for net in $nets; do
            for number in $delays; do
                run_cell "$net" "$number" "$count"
            done
        done
    done
    round=$((round + 1))
done
lua5.4 "$here/pages/report.lua" "$work/results" "$work/data/expect"
