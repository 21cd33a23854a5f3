#!/bin/sh
# Every measurement of docs/benchmarks.md, in turns in one run; the machine should have nothing else to do.
set -eu
cd "$(dirname "$0")/.."
bin=build/release
echo "== pages: ours beside the bare loops"
"$bin/bench/page_bench" --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true \
    --benchmark_report_aggregates_only=true 2>/dev/null | grep -E "median|Benchmark"
echo "== first pages: the line reader beside a bare loop"
"$bin/bench/read_bench" --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true \
    --benchmark_report_aggregates_only=true 2>/dev/null | grep -E "median|Benchmark"
echo "== rendering"
"$bin/bench/render_bench" 2>/dev/null
echo "== reading kernel files"
"$bin/bench/collect_bench" 2>/dev/null
echo "== chunks and index of the store"
"$bin/bench/chunk_bench" 2>/dev/null
"$bin/bench/index_bench" 2>/dev/null
"$bin/bench/wal_bench" 2>/dev/null
"$bin/bench/head_bench" 2>/dev/null
echo "== scrape loop: 100 engines, every second"
/usr/bin/python3 tools/bench_scrape_loop.py
echo "== idle node: 8 engines, host, self, every 5 s"
/usr/bin/python3 tools/bench_idle.py
echo "== the store beside VictoriaMetrics and Prometheus: remote write, restarts, scraping (half an hour)"
/usr/bin/python3 tools/bench_store.py --rounds 3
echo "== the same with a million active series: memory"
/usr/bin/python3 tools/bench_store.py --rounds 1 --modes none --scrape-seconds 0 --active-series 1000000 \
    --peers inferscope,victoria-metrics
echo "== PromQL over a fleet of engines: ours alone"
"$bin/bench/promql_bench" 2>/dev/null
echo "== PromQL beside VictoriaMetrics and Prometheus: a dashboard's expressions (half an hour)"
/usr/bin/python3 tools/bench_promql.py --rounds 3
