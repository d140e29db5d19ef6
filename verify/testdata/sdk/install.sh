#!/usr/bin/env bash
# Installs the official SDKs that verify/sdk_test.go compares with, outside the
# repository, and prints the folder. They are pinned by package-lock.json, and no
# script of theirs is run. Without Node 20 or npm it prints nothing and says why,
# so that the test is skipped; with FOREBAY_SDKS_REQUIRED=1 that is an error.
set -euo pipefail
cd "$(dirname "$0")"

without() {
  echo "official SDKs: $1; TestOfficialSDKs is skipped" >&2
  [ "${FOREBAY_SDKS_REQUIRED:-}" != 1 ] || exit 1
  exit 0
}

command -v node >/dev/null && command -v npm >/dev/null || without "Node and npm are not installed"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || without "Node $(node --version) is older than 20"

sum=$(cat package.json package-lock.json | sha256sum | cut -c1-16)
dir="${FOREBAY_SDK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/forebay}/sdks-$sum"
if [ ! -d "$dir" ]; then
  mkdir -p "$(dirname "$dir")"
  fresh=$(mktemp -d "$dir.XXXXXX")
  cp package.json package-lock.json .npmrc "$fresh"
  (cd "$fresh" && timeout 240 npm ci --prefer-offline --loglevel=error >&2) || { rm -rf "$fresh"; without "npm could not install them"; }
  mv -T "$fresh" "$dir" 2>/dev/null || rm -rf "$fresh" # somebody else was faster
fi
echo "$dir"
