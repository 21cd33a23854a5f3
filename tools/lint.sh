#!/bin/sh
# What a machine can say quickly about how the code reads: format, includes by level, headers that compile alone.
# Prints each finding with its place; exit status 1 if there is any. `make tidy` looks deeper, and takes longer.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)

echo "lint: format"
git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run --Werror

echo "lint: includes and layout"
python3 tools/check_layout.py

echo "lint: shell scripts parse"
for script in $(git ls-files '*.sh' .ci/run); do sh -n "$script" 2>/dev/null || bash -n "$script"; done

echo "lint: headers that no source includes first compile alone"
test -f build/release/build.ninja || cmake --preset release >/dev/null
log=build/headers.log
cmake --build --preset release -j "$jobs" --target headers_alone >"$log" 2>&1 || {
    grep -A8 "error:" "$log"
    exit 1
}
