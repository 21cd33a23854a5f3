#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs for long among engines that come, go and misbehave: memory must stay flat, no scrape of the good target may be
lost. Prints its figures; part of `make test-long`."""
import argparse
import random
import sys
import time

from harness import Inferscope, RawServer, page_answer, wait_for


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    seconds = parser.parse_args().seconds
    random.seed(1)
    churn = [0]

    def changing_page():
        churn[0] += 1
        return "".join(f'a{{n="{random.randrange(200)}",turn="{churn[0] // 20}"}} {random.random()}\n' for _ in range(100))

    good = RawServer(page_answer("good 1\n"))
    churning = RawServer(page_answer(changing_page))
    engines = [Inferscope("simulate", "--engine", kind, "--rate", "5") for kind in ("vllm-v0", "vllm-v1", "sglang")]
    config = "global: {scrape_interval: 1s}\nstorage: {block_range: 2m}\ndiscovery: {processes: false}\nengines:\n" + "".join(
        f"  - url: http://127.0.0.1:{e.port}\n" for e in engines) + f"""
scrape_configs:
  - {{job_name: good, static_configs: [{{targets: ['127.0.0.1:{good.port}']}}]}}
  - {{job_name: churning, static_configs: [{{targets: ['127.0.0.1:{churning.port}']}}]}}
"""
    with Inferscope("serve", config=config) as server:
        wait_for("up", lambda: all(t["health"] == "up" for t in server.targets()), 30)
        time.sleep(min(120, seconds / 4))
        memory, scrapes, started = server.rss_bytes(), len(good.requests), time.monotonic()
        while time.monotonic() - started < seconds:
            time.sleep(5)
            server.get("/metrics")
            server.get("/metrics/raw")
            server.post("/-/reload")
        elapsed = time.monotonic() - started
        grown, taken = server.rss_bytes() - memory, len(good.requests) - scrapes
    for engine in engines:
        engine.stop()
    print(f"soak: {elapsed:.0f} s, memory {memory / 2**20:.1f} MiB at first, {grown / 2**20:+.1f} MiB after, {taken} scrapes of {elapsed:.0f}")
    sys.exit(0 if grown < 4 << 20 and taken >= elapsed - 3 else 1)


if __name__ == "__main__":
    main()
