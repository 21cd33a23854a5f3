#!/bin/sh
# Runs one fuzz target for FUZZ_SECONDS (600) from its committed corpus: tools/fuzz.sh build/fuzz/fuzz/mapping_fuzz
# Prints how many inputs it tried. What it finds stays in build/fuzz/findings/, and fails.
set -eu
cd "$(dirname "$0")/.."
target=$1
name=$(basename "$target" _fuzz)
findings=build/fuzz/findings/$name
tried=$(mktemp -d)
mkdir -p "$findings"
dictionary=""
test -f "fuzz/$name.dict" && dictionary="-dict=fuzz/$name.dict"
# shellcheck disable=SC2086
if "$target" -max_total_time="${FUZZ_SECONDS:-600}" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 $dictionary \
    -artifact_prefix="$findings/" "$tried" "fuzz/corpus/$name" >"$findings/log" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: //p' "$findings/log") inputs, no finding"
    rm -rf "$tried"
else
    tail -n 40 "$findings/log"
    echo "$name: a finding, or it didn't run: see $findings"
    exit 1
fi
