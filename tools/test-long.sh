#!/bin/sh
# The long tests: unit tests under ThreadSanitizer, 200 writers of the log and 200 serving processes killed, ten minutes of
# every fuzz target, 50,000 random queries beside Prometheus, a soak with its memory. WAL_KILLS, STORE_KILLS, PROMQL_RANDOM,
# FUZZ_SECONDS and SOAK_SECONDS make them shorter.
# Figures go to docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)

echo "== unit tests under ThreadSanitizer"
test -f build/tsan/build.ninja || cmake --preset tsan >/dev/null
cmake --build --preset tsan -j "$jobs" --target unit_tests
ctest --test-dir build/tsan -L unit -j "$jobs" --output-on-failure

echo "== the log after kill -9, ${WAL_KILLS:-200} times"
test -f build/release/build.ninja || cmake --preset release >/dev/null
cmake --build --preset release -j "$jobs" --target tsdb_test benches
WAL_KILLS="${WAL_KILLS:-200}" build/release/src/tsdb/tsdb_test --gtest_brief=1 --gtest_filter='WalKill.*'

echo "== the store after kill -9 under load, ${STORE_KILLS:-200} times"
cmake --build --preset release -j "$jobs" --target inferscope
(cd tests/e2e && STORE_KILLS="${STORE_KILLS:-200}" /usr/bin/python3 -m unittest -v test_store_kill)

echo "== PromQL beside Prometheus 2.42, ${PROMQL_RANDOM:-50000} random queries"
(cd tests/e2e && PROMQL_RANDOM="${PROMQL_RANDOM:-50000}" \
    /usr/bin/python3 -m unittest -v test_promql_differential)

echo "== fuzzing, ${FUZZ_SECONDS:-600} s for each target, $jobs at a time"
test -f build/fuzz/build.ninja || cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$jobs" --target fuzzers
ls build/fuzz/fuzz/*_fuzz | xargs -P "$jobs" -n 1 tools/fuzz.sh

echo "== soak, ${SOAK_SECONDS:-1800} s"
/usr/bin/python3 tests/e2e/soak.py --seconds "${SOAK_SECONDS:-1800}"
