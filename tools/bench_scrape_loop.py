#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU of a scrape: `inferscope serve` on 100 targets of 58 kB and 440 series each second, beside fetching the same pages
and throwing them away, in turns."""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import Inferscope, free_port, wait_for  # noqa: E402

PAGE = ROOT / "tests/pages/vllm-v1-objects/single-after.prom"


def ours(first_port, count, seconds):
    targets = ", ".join(f"'127.0.0.1:{first_port + i}'" for i in range(count))
    config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
discovery: {{processes: false}}
scrape_configs: [{{job_name: vllm, static_configs: [{{targets: [{targets}]}}]}}]
"""
    with Inferscope("serve", "--sources", "engines", config=config) as server:
        wait_for("all are up", lambda: all(t["health"] == "up" for t in server.targets()), 30)
        time.sleep(3)
        cpu, start = server.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        used, elapsed = server.cpu_seconds() - cpu, time.monotonic() - start
        memory = server.rss_bytes()
    return used / (count * elapsed) * 1e6, memory


def discarding(first_port, count, seconds):
    client = ROOT / "build/release/bench/discard_client"
    done = subprocess.run([client, str(first_port), str(count), str(seconds)], capture_output=True, text=True, check=True)
    scrapes, cpu = done.stdout.split()
    return float(cpu) / int(scrapes) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--targets", type=int, default=100)
    arguments = parser.parse_args()
    first_port = 20000 + free_port() % 20000
    pages = subprocess.Popen([ROOT / "build/release/bench/page_server", str(first_port), str(arguments.targets), PAGE])
    try:
        time.sleep(1)
        ratios = []
        for _ in range(arguments.rounds):
            bare = discarding(first_port, arguments.targets, arguments.seconds)
            mine, memory = ours(first_port, arguments.targets, arguments.seconds)
            ratios.append(mine / bare)
            print(f"inferscope {mine:6.1f} us a scrape, {memory / 2**20:.1f} MiB; discarding {bare:6.1f} us; ratio {mine / bare:.2f}")
        print(f"median ratio {statistics.median(ratios):.2f} (bound: 1.5)")
    finally:
        pages.terminate()


if __name__ == "__main__":
    main()
