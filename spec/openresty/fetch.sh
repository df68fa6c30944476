#!/bin/sh
# Unpacks Debian's nginx with its Lua module into a folder, for the specs: to
# install it would throw out LuaJIT's headers.  What is there already stays.
#   sh spec/openresty/fetch.sh FOLDER
set -eu

packages="nginx libnginx-mod-http-lua libnginx-mod-http-ndk libluajit2-5.1-2
    libluajit2-5.1-common lua-resty-core lua-resty-lrucache libpcre3
    libpcre2-8-0"
folder=$1

[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/packages"
cd "$folder/packages"
# Where the lists are old or none are there, they are asked for first.
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
fetch() {
    apt-get -q -o Acquire::Retries=3 download $packages
}
fetch || {
    $as_root apt-get -q -o Acquire::Retries=3 update
    fetch
}
for package in *.deb; do
    dpkg -x "$package" ..
done
cd ..
rm -r packages
touch complete
