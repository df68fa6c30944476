#!/bin/sh
# Unpacks Debian's nginx with its Lua module into a folder, for the specs.
# Installing it would start a server, and on Debian 12 remove LuaJIT's headers.
# What is there already stays.
#   sh spec/openresty/fetch.sh FOLDER
set -eu

packages="nginx libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core
    lua-resty-lrucache libpcre2-8-0"
# LuaJIT and the regular expressions of the nginx of Debian 12, and of later
# releases.
twelve="libluajit2-5.1-2 libluajit2-5.1-common libpcre3"
later="libluajit-5.1-2 libluajit-5.1-common"
folder=$1

[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/packages"
cd "$folder/packages"
# Where the lists are old or none are there, they are asked for first.
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
fetch() {
    apt-get -q -o Acquire::Retries=3 download $packages $twelve ||
        apt-get -q -o Acquire::Retries=3 download $packages $later
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
