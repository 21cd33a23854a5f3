#!/bin/sh
# The long tests: unit tests under ThreadSanitizer, ten minutes of every fuzz target, a soak with its memory.
# FUZZ_SECONDS and SOAK_SECONDS make them shorter. Figures go to docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)

echo "== unit tests under ThreadSanitizer"
test -f build/tsan/build.ninja || cmake --preset tsan >/dev/null
cmake --build --preset tsan -j "$jobs" --target unit_tests
ctest --test-dir build/tsan -L unit -j "$jobs" --output-on-failure

echo "== fuzzing, ${FUZZ_SECONDS:-600} s for each target"
test -f build/fuzz/build.ninja || cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$jobs" --target fuzzers
for target in build/fuzz/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    found=$(mktemp -d)
    dictionary=""
    test -f "fuzz/$name.dict" && dictionary="-dict=fuzz/$name.dict"
    echo "-- $name"
    # shellcheck disable=SC2086
    "$target" -max_total_time="${FUZZ_SECONDS:-600}" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 $dictionary \
        "$found" "fuzz/corpus/$name" 2>&1 | grep -E "stat::|ERROR|SUMMARY" || true
    ls "$found"/crash-* "$found"/timeout-* "$found"/oom-* crash-* timeout-* oom-* 2>/dev/null && { echo "$name: a finding"; exit 1; }
    rm -rf "$found"
done

echo "== soak, ${SOAK_SECONDS:-1800} s"
test -f build/release/build.ninja || cmake --preset release >/dev/null
cmake --build --preset release -j "$jobs" --target inferscope
/usr/bin/python3 tests/e2e/soak.py --seconds "${SOAK_SECONDS:-1800}"
