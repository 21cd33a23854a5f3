#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PromQL beside its peers, Debian's Prometheus and VictoriaMetrics, in turns: the same data by remote write, the same
dashboard's expressions. What is measured and what the figures mean: docs/benchmarks.md.

Each server loads the data, is flushed and settles. Then for each expression and each shape (instant, 1 h every 15 s, 6 h
every 60 s) the servers take turns, several rounds, and the CPU time of their processes is divided by the number of
queries. Last, a dashboard of all expressions over 6 h is refreshed every 5 s by ten viewers."""
import argparse
import concurrent.futures
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from bench_store import LOAD, prepare
from store_peers import PEERS, Ours, http_request

TIMEOUT = 120  # seconds
CHEAP = 50e-6  # seconds by which a single expression may be above the better peer, whatever the ratio

EXPRESSIONS = {
    "requests/s": 'sum(rate(http_requests_total[5m]))',
    "tokens/s by instance": 'sum by (instance) (rate(vllm:generation_tokens_total[5m]))',
    "prompt tokens/s by model": 'sum by (model_name) (rate(vllm:prompt_tokens_total[2m]))',
    "TTFT p95 by model": 'histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m])))',
    "TTFT p99 by instance": 'histogram_quantile(0.99, sum by (le, instance) (rate(vllm:time_to_first_token_seconds_bucket[5m])))',
    "latency p50": 'histogram_quantile(0.5, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m])))',
    "inter-token p90 by instance": 'histogram_quantile(0.9, sum by (le, instance) (rate(vllm:inter_token_latency_seconds_bucket[2m])))',
    "queue time, mean": 'sum by (instance) (rate(vllm:request_queue_time_seconds_sum[5m])) '
                        '/ sum by (instance) (rate(vllm:request_queue_time_seconds_count[5m]))',
    "busiest five": 'topk(5, sum by (instance) (vllm:num_requests_running))',
    "waiting": 'sum(vllm:num_requests_waiting)',
    "fullest cache": 'max_over_time(vllm:kv_cache_usage_perc[10m])',
    "prefix hits": 'sum(rate(vllm:prefix_cache_hits_total[5m])) / sum(rate(vllm:prefix_cache_queries_total[5m]))',
    "finished by reason": 'sum by (finished_reason) (increase(vllm:request_success_total[10m]))',
    "cache full in an hour": 'predict_linear(vllm:kv_cache_usage_perc[30m], 3600) > 1',
    "nobody there": 'absent(vllm:num_requests_running{instance="10.9.9.9:8000"})',
    "running with its cache": 'vllm:num_requests_running * on (instance) group_left (block_size) vllm:cache_config_info',
    "errors, share": 'sum(rate(http_requests_total{status!="2xx"}[5m])) / sum(rate(http_requests_total[5m])) or vector(0)',
    "SLO burn over 1 h": '1 - sum(rate(vllm:time_to_first_token_seconds_bucket{le="0.5"}[1h])) '
                         '/ sum(rate(vllm:time_to_first_token_seconds_count[1h]))',
    "resident memory": 'avg by (job) (process_resident_memory_bytes)',
    "CPU seconds": 'rate(process_cpu_seconds_total[5m])',
}


class Shape:
    """One kind of request."""

    def __init__(self, title, span=0, step=0):
        self.title, self.span, self.step = title, span, step

    def path(self, expression, end, cached=False):
        parameters = {"query": expression}
        if not cached:
            parameters["nocache"] = "1"  # VictoriaMetrics's and ours; Prometheus has no cache of answers
        if self.span == 0:
            return "/api/v1/query?" + urllib.parse.urlencode({**parameters, "time": end})
        start = end - self.span
        return "/api/v1/query_range?" + urllib.parse.urlencode({**parameters, "start": start, "end": end, "step": self.step})


SHAPES = {
    "instant": Shape("instant"),
    "1h": Shape("1 h / 15 s", 3600, 15),
    "6h": Shape("6 h / 60 s", 6 * 3600, 60),
}


def ask(peer, path):
    answer = http_request(peer.port, path, timeout=TIMEOUT)
    if answer.status != 200:
        raise RuntimeError(f"{peer.name} {urllib.parse.unquote_plus(path)}: {answer.status} {answer.body[:300]!r}")
    return answer.json["data"]


def cpu_per_query(peer, path, at_least):
    """Seconds of the server's CPU for one query: repeated until `at_least` of them were used, so that the clock's ticks of
    10 ms are less than a few percent."""
    ask(peer, path)
    queries, before, end = 0, peer.cpu_seconds(), time.monotonic() + 20
    batch = 1
    while True:
        for _ in range(batch):
            http_request(peer.port, path, timeout=TIMEOUT)
        queries += batch
        used = peer.cpu_seconds() - before
        if used >= at_least or time.monotonic() > end:
            return used / queries
        batch = min(64, batch * 2)


def points(data):
    """{labels: {time: value}} of any answer."""
    if data["resultType"] in ("scalar", "string"):
        return {(): {float(data["result"][0]): float(data["result"][1])}}
    series = {}
    for entry in data["result"]:
        samples = entry.get("values") or [entry["value"]]
        series[tuple(sorted(entry["metric"].items()))] = {float(time): float(value) for time, value in samples}
    return series


def ranks(data):
    """Of topk: each time's values, falling. Which series stand for equal ones isn't defined: Prometheus takes its sums by
    label in the order of a hash map, which changes from query to query."""
    times = {}
    for samples in points(data).values():
        for at, value in samples.items():
            times.setdefault(at, []).append(value)
    return {at: dict(enumerate(sorted(values, reverse=True))) for at, values in times.items()}


def difference(left, right, read):
    """Nothing if the answers are equal but for the last digits of sums; else what differs first."""
    left, right = read(left), read(right)
    if left.keys() != right.keys():
        return f"{len(left)} series, {len(right)} series"
    for labels, samples in left.items():
        others = right[labels]
        if samples.keys() != others.keys():
            return f"{labels}: {len(samples)} points, {len(others)} points"
        for at, value in samples.items():
            same = value == others[at] or (math.isnan(value) and math.isnan(others[at]))
            if not same and not math.isclose(value, others[at], rel_tol=1e-10, abs_tol=1e-12):
                return f"{labels} at {at}: {value!r}, {others[at]!r}"
    return None


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


class OursAs2(Ours):
    """Speaks 2.42's PromQL, so that its answers can be Prometheus's to the last bit."""

    def arguments(self):
        return [*super().arguments(), "--promql.compat", "2"]


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        kinds = {**PEERS, "inferscope": OursAs2}
        self.peers = []
        for name in arguments.peers:
            (folder / name).mkdir()
            self.peers.append(kinds[name](folder / name))
        self.results = {"cpu": {}, "differences": {}, "memory": {}, "dashboard": {}}

    def load(self, folder):
        options = ["--engines", self.arguments.engines, "--hours", self.arguments.hours, "--mode", "rows",
                   "--end", int(time.time()) - 300]
        file, summary = prepare(folder, "rows", options)
        for peer in self.peers:
            peer.start()
            subprocess.run([LOAD, "send", file, f"http://127.0.0.1:{peer.port}/api/v1/write"], check=True, stdout=subprocess.DEVNULL)
            peer.flush()
            peer.settle(at_least=5)
            print(f"{time.strftime('%H:%M:%S')} {peer.name} has {summary['samples']:,} samples", file=sys.stderr, flush=True)
        file.unlink()
        return summary["last_time"] // 1000

    def compare(self, shape, name, expression, end):
        """Answers against Prometheus's."""
        answers = {peer.name: ask(peer, shape.path(expression, end)) for peer in self.peers}
        if "prometheus" not in answers or "inferscope" not in answers:
            return
        read = ranks if expression.startswith("topk") else points
        if found := difference(answers["inferscope"], answers["prometheus"], read):
            self.results["differences"][f"{shape.title}: {name}"] = found

    def measure(self, shape, end):
        table = self.results["cpu"].setdefault(shape.title, {})
        for name, expression in EXPRESSIONS.items():
            self.compare(shape, name, expression, end)
            runs = {peer.name: [] for peer in self.peers}
            for _ in range(self.arguments.rounds):
                for peer in self.peers:
                    runs[peer.name].append(cpu_per_query(peer, shape.path(expression, end), self.arguments.cpu))
            table[name] = {peer: min(values) for peer, values in runs.items()}
        print_table(shape.title, table)

    def dashboard(self, end):
        """CPU seconds of a minute: ten viewers, every 5 s all panels, the data's end going on. Not of Prometheus, which takes
        most of a minute of CPU for each refresh."""
        shape = SHAPES["6h"]
        for peer in self.peers:
            if peer.name == "prometheus":
                continue
            before, refreshes = peer.cpu_seconds(), self.arguments.refreshes
            begin = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(10) as viewers:
                for refresh in range(refreshes):
                    now = end - 5 * (refreshes - refresh)
                    paths = [shape.path(expression, now, cached=True) for expression in EXPRESSIONS.values()]
                    for _ in range(10):
                        viewers.submit(lambda: [http_request(peer.port, path, timeout=TIMEOUT) for path in paths])
                    time.sleep(max(0.0, begin + 5 * (refresh + 1) - time.monotonic()))
            self.results["dashboard"][peer.name] = (peer.cpu_seconds() - before) / refreshes
            self.results["memory"][peer.name] = peer.memory("VmRSS")

    def run(self, folder):
        try:
            end = self.load(folder)
            for name in self.arguments.shapes:
                self.measure(SHAPES[name], end)
            if self.arguments.refreshes:
                self.dashboard(end)
                print("\na dashboard of 20 panels over 6 h, ten viewers: CPU seconds a refresh (VictoriaMetrics with its cache)")
                for name, seconds in self.results["dashboard"].items():
                    print(f"  {name:20}{seconds:10.3f}")
            print("\nmemory after the run (VmRSS), MiB")
            for peer in self.peers:
                print(f"  {peer.name:20}{self.results['memory'].get(peer.name, peer.memory('VmRSS')) / 2**20:10.1f}")
        finally:
            for peer in self.peers:
                peer.stop()
        if not {"inferscope", "prometheus"} <= {peer.name for peer in self.peers}:
            return
        asked = len(self.arguments.shapes) * len(EXPRESSIONS)
        print(f"\nanswers equal to Prometheus's: {asked - len(self.results['differences'])} of {asked}")
        for what, found in self.results["differences"].items():
            print(f"  {what}: {found}")


def print_table(title, table):
    peers = list(next(iter(table.values())))
    print(f"\n{title}: CPU milliseconds a query" + "".join(f"{peer:>18}" for peer in peers))
    for name, cpu in table.items():
        others = [cpu[peer] for peer in peers if peer != "inferscope"]
        above = others and "inferscope" in cpu and cpu["inferscope"] > max(1.1 * min(others), min(others) + CHEAP)
        row = "".join(f"{cpu[peer] * 1000:18.3f}" for peer in peers)
        print(f"  {name:{len(title) + 23}}{row}{'  above the better peer' if above else ''}")
    means = {peer: geometric_mean([max(cpu[peer], 1e-6) for cpu in table.values()]) for peer in peers}
    print(f"  {'geometric mean':{len(title) + 23}}" + "".join(f"{means[peer] * 1000:18.3f}" for peer in peers))
    if "inferscope" in means:
        print("  " + ", ".join(f"{means['inferscope'] / means[peer]:.2f} of {peer}" for peer in peers if peer != "inferscope"), flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS), help=f"of {','.join(PEERS)}")
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=list(SHAPES), help=f"of {','.join(SHAPES)}")
    parser.add_argument("--rounds", type=int, default=3, help="the least of them counts")
    parser.add_argument("--cpu", type=float, default=0.3, help="CPU seconds to use for a figure, at least")
    parser.add_argument("--engines", type=int, default=46)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--refreshes", type=int, default=12, help="of the dashboard; 0: not measured")
    parser.add_argument("--json", type=pathlib.Path, help="all figures")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="inferscope-bench-") as folder:
        bench = Bench(arguments, pathlib.Path(folder))
        bench.run(pathlib.Path(folder))
        if arguments.json:
            arguments.json.write_text(json.dumps(bench.results, indent=1) + "\n")


if __name__ == "__main__":
    main()
