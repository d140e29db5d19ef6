#!/usr/bin/env bash
# tools/fuzz.sh SECONDS   fuzzes every target of verify and of the receiver for
# SECONDS in all, one after the other, and fails at the first finding, which go
# test has then written to testdata/fuzz. With FOREBAY_FUZZ_KEEP=N up to N of the
# inputs that reached something new are copied there for each target, so that
# every later run and every go test begins with them.
set -euo pipefail
cd "$(dirname "$0")/.."
total=${1:?usage: tools/fuzz.sh SECONDS}
keep=${FOREBAY_FUZZ_KEEP:-0}
go=${GO:-go}

targets=()
for package in ./verify ./internal/ingest; do
  for target in $($go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
    targets+=("$package $target")
  done
done
each=$((total / ${#targets[@]}))
[ "$each" -ge 1 ] || each=1
echo "fuzzing ${#targets[@]} targets for ${each} s each"

cache=$($go env GOCACHE)/fuzz
executions=0
for entry in "${targets[@]}"; do
  read -r package target <<<"$entry"
  if ! log=$($go test -run '^$' -fuzz "^$target\$" -fuzztime "${each}s" -fuzzminimizetime 1s "$package" 2>&1); then
    # go test fails too where its own clock runs out in the middle of an input.
    if ! grep -q 'context deadline exceeded' <<<"$log" || grep -q 'Failing input written' <<<"$log"; then
      echo "$log"
      echo "$package $target: FOUND"
      exit 1
    fi
  fi
  ran=$(grep -o 'execs: [0-9]*' <<<"$log" | tail -1 | grep -o '[0-9]*' || echo 0)
  executions=$((executions + ran))
  echo "$package $target: $ran executions"
  [ "$keep" -gt 0 ] || continue
  found="$cache/$($go list "$package")/$target"
  [ -d "$found" ] || continue
  mkdir -p "$package/testdata/fuzz/$target"
  # The smallest ones: what is long is mostly the same again.
  find "$found" -type f -size -3k -printf '%s %p\n' | sort -n | head -n "$keep" | while read -r _ file; do
    cp "$file" "$package/testdata/fuzz/$target/"
  done
done
echo "$executions executions of ${#targets[@]} targets: no panic, no 5xx"
