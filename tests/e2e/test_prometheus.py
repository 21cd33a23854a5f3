# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus beside us: it scrapes /metrics and follows /metrics/targets with S0's configuration, and reads
the same values as we do from other programs' pages."""
import pathlib
import subprocess
import tempfile
import time
import unittest

import prometheus_client
import prometheus_client.openmetrics.exposition

from harness import Inferscope, Process, RawServer, free_port, http_request, page_answer, prometheus, prometheus_query, repeated, wait_for

PAGES = pathlib.Path(__file__).resolve().parent.parent / "pages"

# As the GPUStack document gives it, but for host name and port.
S0_CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: gpustack-workers
  scrape_interval: 1s
  http_sd_configs:
  - url: 'http://127.0.0.1:{port}/metrics/targets'
    refresh_interval: 1m
- job_name: gpustack-server
  scrape_interval: 1s
  static_configs:
  - targets: ['127.0.0.1:{port}']
"""


class WithS0Configuration(unittest.TestCase):
    def test_it_scrapes_us_and_no_series_stands_twice(self):
        engines = [Inferscope("simulate", "--engine", kind, "--rate", "5") for kind in ("vllm-v0", "vllm-v1", "sglang")]
        config = "global: {scrape_interval: 1s}\ndiscovery: {processes: false}\nengines:\n" + "".join(
            f"  - url: http://127.0.0.1:{engine.port}\n" for engine in engines)
        with tempfile.TemporaryDirectory() as folder, Inferscope("serve", config=config) as ours:
            wait_for("three engines are unified", lambda: len(
                {labels for (name, labels) in ours.series() if name == "gpustack:num_requests_running"}) >= 3)
            with prometheus(S0_CONFIG.format(port=ours.port), folder) as real:
                wait_for("prometheus has it", lambda: len(prometheus_query(real, "gpustack:num_requests_running")) >= 3)
                time.sleep(2)
                # Aggregations drop the metric's name: it is kept in a label, or families with equal labels would count.
                twice = prometheus_query(real, 'count without(job) (label_replace({__name__=~"gpustack:.*"}, "name", "$1", '
                                               '"__name__", "(.*)")) > 1')
                self.assertEqual(twice, [])
                wait_for("we are up", lambda: {r["metric"]["job"]: r["value"][1] for r in prometheus_query(real, "up")}["gpustack-server"] == "1")
                targets = http_request(real.port, "/api/v1/targets").json["data"]
                self.assertNotIn("gpustack-workers", {t["scrapePool"] for t in targets["activeTargets"]},
                                 "the local worker is in /metrics, so it isn't listed")
                own = http_request(real.port, "/metrics").text
                self.assertIn("\nprometheus_sd_http_failures_total 0\n", own, "it reads our list of targets")
        for engine in engines:
            engine.stop()

    def test_promtool_reads_every_page_of_ours(self):
        engine = Inferscope("simulate", "--engine", "vllm-v1", "--rate", "5")
        config = f"global: {{scrape_interval: 1s}}\nengines: [{{url: 'http://127.0.0.1:{engine.port}'}}]\n"
        with Inferscope("serve", config=config) as ours:
            wait_for("unified", lambda: any(n == "gpustack:num_requests_running" for n, _ in ours.series()))
            for path in ("/metrics", "/metrics/raw"):
                page = ours.get(path).text
                checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
                findings = [line for line in checked.stdout.splitlines() + checked.stderr.splitlines() if line]
                unexplained = [line for line in findings if not is_explained(line)]
                self.assertEqual(unexplained, [], path)
                self.assertIn(checked.returncode, (0, 3), "3: lint findings only; 1: it can't be parsed")
        engine.stop()


# promtool's opinions about names that other programs' contracts demand, each with its reason.
EXPLAINED = [
    ("metric names should not contain ':'", "GPUStack's and the engines' names have it"),
    ("non-counter metrics should not have \"_total\" suffix", "vllm:iteration_tokens_total is a histogram, vllm_available_models_total a gauge, "
     "worker_node_*_total_bytes and sglang's lora_pool_slots_total gauges"),
    ("counter metrics should have \"_total\" suffix", "DCGM's counters and node exporter's have none"),
    ("metric names should be written in 'snake_case' not 'camelCase'", "DCGM_FI_* and node_memory_MemTotal_bytes are others' names"),
    ("no help text", "the engine sent none"),
    ("use base unit", "names that the engines or DCGM gave"),
    ("metric name should not include type", "names that the engines gave"),
    ("metric names should not contain abbreviated units", "names that the engines gave"),
    ("non-histogram and non-summary metrics should not have \"_count\" suffix", "names that the engines gave"),
    ("label names should be written in 'snake_case'", "DCGM's labels: modelName, Hostname"),
]


def is_explained(finding):
    return any(text in finding for text, _reason in EXPLAINED)


class SameValuesAsPrometheus(unittest.TestCase):
    """What Prometheus stored of a page, and what we show of the same page in /metrics/raw."""

    def compare(self, port, path="/metrics"):
        config = f"""
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: it
  metrics_path: {path}
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
        with tempfile.TemporaryDirectory() as folder, \
                Inferscope("serve", "--sources", "engines", config=config + "discovery: {processes: false}\n") as ours, \
                prometheus(config, folder) as real:
            self.compare_values(ours, real)

    @repeated
    def compare_values(self, ours, real):
        theirs = {}
        for result in prometheus_query(real, '{job="it"}'):
            labels = dict(result["metric"])
            name = labels.pop("__name__")
            theirs[(name, frozenset(labels.items()))] = result["value"][1]
        mine = {key: value for path in ("/metrics", "/metrics/raw") for key, value in ours.series(path).items()
                if ("job", "it") in key[1] and not key[0].startswith("gpustack:")}
        reports = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
                   "scrape_series_added"}
        theirs = {key: value for key, value in theirs.items() if key[0] not in reports}
        self.assertGreater(len(theirs), 20)
        unescape = lambda text: text.replace('\\n', '\n').replace('\\"', '"').replace('\\\\', '\\')
        mine = {(name, frozenset((n, unescape(v)) for n, v in labels)): value for (name, labels), value in mine.items()}
        self.assertEqual(set(theirs) - set(mine), set(), "we have each series that Prometheus has")
        for key, value in theirs.items():
            self.assertEqual(repr(mine[key]), repr(float(value)), key)

    def test_a_captured_engine_page(self):
        for page in ("vllm/v0-opt125m-cpu-2024-06.prom", "vllm/v0.5-kubeai-2024-08.prom", "mindie/mindie-llama65b.prom",
                     "tgi/tgi-text-generation.prom", "dcgm/dcgm-exporter-t4-2021.prom"):
            with self.subTest(page), RawServer(page_answer((PAGES / page).read_text())) as server:
                self.compare(server.port)

    def test_pages_of_the_python_client(self):
        registry = prometheus_client.CollectorRegistry()
        gauge = prometheus_client.Gauge("odd", "Quotes \" and \\ and\nnew lines.", ["text"], registry=registry)
        for number, text in enumerate(["", "plain", "a\"b", "a\\b", "a\nb", "模型", "{}=,", "x" * 500]):
            gauge.labels(text).set([0, 1e-320, 1.7976931348623157e308, float("inf"), float("-inf"), 0.1, 1e22, 123456789][number])
        histogram = prometheus_client.Histogram("latency_seconds", "H.", ["model"], registry=registry)
        for number in range(50):
            histogram.labels(f"m{number % 7}").observe(number / 7)
        prometheus_client.Summary("sizes", "S.", registry=registry).observe(3.25)
        prometheus_client.Info("build", "I.", registry=registry).info({"version": "1.2"})
        prometheus_client.Enum("mode", "E.", states=["a", "b"], registry=registry).state("b")
        prometheus_client.Counter("events", "C.", ["kind"], registry=registry).labels("x").inc(7)
        for generate, content_type in (
                (prometheus_client.generate_latest, "text/plain; version=0.0.4; charset=utf-8"),
                (prometheus_client.openmetrics.exposition.generate_latest, "application/openmetrics-text; version=1.0.0; charset=utf-8")):
            with self.subTest(content_type), RawServer(page_answer(generate(registry), content_type=content_type)) as server:
                self.compare(server.port)

    def test_a_node_exporter(self):
        port = free_port()
        with Process(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults",
                      "--collector.filesystem", "--collector.uname", "--collector.netclass", "--collector.os"]):
            page = wait_for("node exporter", lambda: http_request(port, "/metrics").body)
            # Its values move between two scrapes: both programs read one frozen page.
            frozen = b"\n".join(line for line in page.splitlines()) + b"\n"
            with RawServer(page_answer(frozen)) as server:
                self.compare(server.port)


if __name__ == "__main__":
    unittest.main()
