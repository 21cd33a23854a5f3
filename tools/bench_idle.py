#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An idle node: 8 engines, host, probes and self every 5 s. Memory and CPU of `inferscope serve`, and of Debian's Prometheus
and node exporter on the same targets in the same minutes."""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import Inferscope, Process, free_port, prometheus, wait_for  # noqa: E402

PAGE = ROOT / "tests/pages/vllm-v1-objects/single-idle.prom"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    first_port = 20000 + free_port() % 20000
    pages = subprocess.Popen([ROOT / "build/release/bench/page_server", str(first_port), "8", PAGE])
    targets = ", ".join(f"'127.0.0.1:{first_port + i}'" for i in range(8))
    jobs = f"scrape_configs: [{{job_name: vllm, static_configs: [{{targets: [{targets}]}}]}}]\n"
    node_port = free_port()
    try:
        time.sleep(1)
        with tempfile.TemporaryDirectory() as folder, \
                Inferscope("serve", config="global: {scrape_interval: 5s}\n" + jobs) as ours, \
                Process(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node_port}"]) as node, \
                prometheus("global: {scrape_interval: 5s}\n" + jobs.replace(
                    "]\n", f", {{job_name: node, static_configs: [{{targets: ['127.0.0.1:{node_port}']}}]}}]\n"), folder) as real:
            wait_for("all are up", lambda: all(t["health"] == "up" for t in ours.targets()), 30)
            time.sleep(15)
            started = time.monotonic()
            programs = {"inferscope": ours, "prometheus": real, "node exporter": node}
            before = {name: Inferscope.cpu_seconds(program) for name, program in programs.items()}
            time.sleep(arguments.seconds)
            elapsed = time.monotonic() - started
            for name, program in programs.items():
                used = Inferscope.cpu_seconds(program) - before[name]
                print(f"{name:14} {Inferscope.rss_bytes(program) / 2**20:6.1f} MiB  {100 * used / elapsed:5.2f} % of a core")
    finally:
        pages.terminate()


if __name__ == "__main__":
    main()
