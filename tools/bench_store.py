#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store beside its peers, Debian's VictoriaMetrics and Prometheus, in turns: the same requests of remote write to each,
and the same targets to scrape. What is measured and what the figures mean: docs/benchmarks.md.

Requests are made before anything is measured, from the data of bench/llm_data, and are the same bytes for every peer. A run:
fresh folder; load; wait until background work ends; check; kill -9; start, until the last sample is answered; flush; stop;
start again, likewise; check again. Servers are stopped by process id, folders are deleted, whatever happens."""
import argparse
import json
import math
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from store_peers import (PEERS, ROOT, MemoryWatch, Refused, allocated_bytes, apparent_bytes, free_port, http_request, wait_for)

LOAD = ROOT / "build/release/bench/remote_write_load"
PAGES = ROOT / "build/release/bench/page_server"
PAGE = ROOT / "tests/pages/vllm-v1-objects/single-after.prom"
ENGINE_SERIES = 435
DURABLE_AFTER = 10  # seconds: VictoriaMetrics writes its newest samples to disk after five, and loses them if killed before
MIB = 2**20


# Remote write

def prepare(folder, name, options):
    """Makes the requests of one workload; returns their file and what a store must answer."""
    file = folder / name
    subprocess.run([LOAD, "prepare", file, *map(str, options)], check=True, stdout=subprocess.DEVNULL)
    return file, json.loads(file.with_name(name + ".json").read_text())


def is_near(value, expected):
    return value is not None and math.isclose(value, expected, rel_tol=1e-9)


def check(peer, summary):
    """Whether counts of series and last values are what was sent. VictoriaMetrics keeps floats as decimal numbers, so that
    some differ in their last digits: the worst relative error is noted."""
    at = summary["last_time"] / 1000 + 0.001
    counts = [len(peer.query(selector, at)) == series for selector, series in summary["counts"]]
    values = [(expected, peer.value(selector, at)) for selector, expected in summary["values"]]
    found = [(expected, value) for expected, value in values if value is not None]
    return {
        "counts_right": sum(counts), "counts": len(counts),
        "values_equal": sum(expected == value for expected, value in found), "values_found": len(found), "values": len(values),
        "worst_relative_error": max((abs(value - expected) / (abs(expected) or 1) for expected, value in found), default=None),
    }


def machine_cpu_seconds():
    """All that all programs have used: user, nice, system, interrupts."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:7])) / os.sysconf("SC_CLK_TCK")


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def send(peer, file):
    """The load itself: what the generator says, and the server's CPU and memory meanwhile."""
    before, busy, generator = peer.cpu_seconds(), machine_cpu_seconds(), children_cpu_seconds()
    with MemoryWatch(peer) as watch:
        done = subprocess.run([LOAD, "send", file, f"http://127.0.0.1:{peer.port}/api/v1/write"],
                              check=True, capture_output=True, text=True)
        cpu = peer.cpu_seconds() - before
        others = machine_cpu_seconds() - busy - (children_cpu_seconds() - generator) - cpu
        peer.settle(at_least=DURABLE_AFTER)
        settled = peer.cpu_seconds() - before
    sent = json.loads(done.stdout)
    return {"sent": sent, "others": others / (sent["seconds"] * os.cpu_count()), "cpu_seconds": cpu, "cpu_seconds_settled": settled,
            "peak_resident": max(watch.peak_resident, peer.memory("VmHWM")), "peak_anonymous": watch.peak_anonymous,
            "resident": peer.memory("VmRSS"), "anonymous": peer.memory("RssAnon")}


def restart(peer, summary):
    """Seconds to the ready page, and until the very last sample is answered; memory on the way."""
    selector, expected = summary["values"][-1]
    begin = time.monotonic()
    ready = peer.start()
    try:
        wait_for("the last sample is answered",
                 lambda: is_near(peer.value(selector, summary["last_time"] / 1000 + 0.001), expected), 60, pause=0.005)
        answered = time.monotonic() - begin
    except AssertionError:
        answered = None
    peak = peer.memory("VmHWM")
    peer.settle()
    return {"ready": ready, "answered": answered, "peak_resident": peak, "resident": peer.memory("VmRSS")}


def flush(peer):
    before, begin = peer.cpu_seconds(), time.monotonic()
    kept = peer.flush()
    return {"seconds": time.monotonic() - begin, "cpu_seconds": peer.cpu_seconds() - before,
            "bytes": apparent_bytes(kept), "allocated": allocated_bytes(kept)}


def write_run(kind, file, summary, with_restarts):
    """One peer, one workload, from a fresh folder to its end."""
    with tempfile.TemporaryDirectory(prefix="inferscope-store-") as folder, kind(folder) as peer:
        run = {"start": peer.start(), "resident_empty": peer.memory("VmRSS")}
        run |= send(peer, file)
        run["checked"] = check(peer, summary)
        run["bytes_live"] = apparent_bytes(peer.folder / "data")
        if not with_restarts:
            return run
        peer.kill()
        run["after_kill"] = restart(peer, summary)
        run["checked_after_kill"] = check(peer, summary)
        run["flush"] = flush(peer)
        peer.stop()
        run["after_flush"] = restart(peer, summary)
        run["checked_after_flush"] = check(peer, summary)
        return run


# Scraping

def scrape_config(first_port, targets):
    listed = ", ".join(f"'127.0.0.1:{first_port + i}'" for i in range(targets))
    return ("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: vllm, static_configs: [{{targets: [{listed}]}}]}}]\n")


def scrape_run(kind, config, targets, seconds, warm_up=15):
    """CPU for each sample of the pages, and memory at the end. `appended` is what the server itself has counted."""
    lines = sum(not line.startswith("#") for line in PAGE.read_text().splitlines() if line)
    with tempfile.TemporaryDirectory(prefix="inferscope-store-") as folder, kind(folder) as peer:
        peer.start(peer.scrape_arguments(config))
        time.sleep(warm_up)
        cpu, appended, begin = peer.cpu_seconds(), peer.samples_appended(), time.monotonic()
        time.sleep(seconds)
        used, elapsed = peer.cpu_seconds() - cpu, time.monotonic() - begin
        resident, anonymous = peer.memory("VmRSS"), peer.memory("RssAnon")
        now_appended = peer.samples_appended()
        return {"cpu_seconds": used, "samples": targets * lines * elapsed, "resident": resident,
                "anonymous": anonymous, "peak_resident": peer.memory("VmHWM"),
                "appended": None if None in (appended, now_appended) else now_appended - appended}


# Tables

def per_million(seconds, run):
    return seconds / run["sent"]["samples"] * 1e6


WRITE_ROWS = [
    ("CPU-s per million samples, load", lambda r, s: per_million(r["cpu_seconds"], r), "{:.3f}"),
    ("... and background work until quiet", lambda r, s: per_million(r["cpu_seconds_settled"], r), "{:.3f}"),
    ("... and flush", lambda r, s: per_million(r["cpu_seconds_settled"] + r["flush"]["cpu_seconds"], r), "{:.3f}"),
    ("samples/s", lambda r, s: r["sent"]["samples"] / r["sent"]["seconds"], "{:,.0f}"),
    ("... meanwhile other programs took, % of CPU", lambda r, s: 100 * r["others"], "{:.0f}"),
    ("peak memory (VmHWM), MiB", lambda r, s: r["peak_resident"] / MIB, "{:.1f}"),
    ("peak memory without files (RssAnon), MiB", lambda r, s: r["peak_anonymous"] / MIB, "{:.1f}"),
    ("memory after the load (VmRSS), MiB", lambda r, s: r["resident"] / MIB, "{:.1f}"),
    ("peak memory a series, bytes", lambda r, s: r["peak_resident"] / s["series"], "{:,.0f}"),
    ("peak RssAnon a series, bytes", lambda r, s: r["peak_anonymous"] / s["series"], "{:,.0f}"),
    ("memory after the load a series, bytes", lambda r, s: r["resident"] / s["series"], "{:,.0f}"),
    ("disk before flush, bytes/sample", lambda r, s: r["bytes_live"] / s["samples"], "{:.3f}"),
    ("disk after flush, bytes/sample", lambda r, s: r["flush"]["bytes"] / s["samples"], "{:.3f}"),
    ("flush, s", lambda r, s: r["flush"]["seconds"], "{:.2f}"),
    ("restart after kill -9: ready, s", lambda r, s: r["after_kill"]["ready"], "{:.3f}"),
    ("... last sample answered, s", lambda r, s: r["after_kill"]["answered"], "{:.3f}"),
    ("... peak memory, MiB", lambda r, s: r["after_kill"]["peak_resident"] / MIB, "{:.1f}"),
    ("... memory when quiet, MiB", lambda r, s: r["after_kill"]["resident"] / MIB, "{:.1f}"),
    ("restart after flush: ready, s", lambda r, s: r["after_flush"]["ready"], "{:.3f}"),
    ("... last sample answered, s", lambda r, s: r["after_flush"]["answered"], "{:.3f}"),
    ("samples refused or lost", lambda r, s: s["samples"] - r["sent"]["samples"], "{:,.0f}"),
    ("counts wrong, of all checks", lambda r, s: sum(c["counts"] - c["counts_right"] for c in checks(r)), "{:.0f}"),
    ("last values not found", lambda r, s: sum(c["values"] - c["values_found"] for c in checks(r)), "{:.0f}"),
    ("last values that differ", lambda r, s: sum(c["values_found"] - c["values_equal"] for c in checks(r)), "{:.0f}"),
    ("worst relative error", lambda r, s: max(c["worst_relative_error"] for c in checks(r)), "{:.1e}"),
]
SCRAPE_ROWS = [
    ("CPU-s per million samples", lambda r, s: r["cpu_seconds"] / r["samples"] * 1e6, "{:.3f}"),
    ("memory at the end (VmRSS), MiB", lambda r, s: r["resident"] / MIB, "{:.1f}"),
    ("without files (RssAnon), MiB", lambda r, s: r["anonymous"] / MIB, "{:.1f}"),
    ("peak memory (VmHWM), MiB", lambda r, s: r["peak_resident"] / MIB, "{:.1f}"),
    ("appended / lines of the pages", lambda r, s: r["appended"] / r["samples"], "{:.3f}"),
]


def checks(run):
    return [run[name] for name in ("checked", "checked_after_kill", "checked_after_flush") if name in run]


def figure(row, run, summary):
    """None where the run has no such figure."""
    try:
        return row[1](run, summary)
    except (KeyError, TypeError, ValueError):
        return None


def cell(row, runs, summary):
    figures = [value for run in runs if (value := figure(row, run, summary)) is not None]
    return row[2].format(statistics.median(figures)) if figures else "-"


def print_table(title, rows, by_peer, summary):
    """Medians; a peer that couldn't take part is named below, with the reason."""
    names = [name for name in PEERS if any("error" not in run for run in by_peer.get(name, []))]
    print(f"\n{title}\n{'':42}" + "".join(f"{name:>18}" for name in names))
    for row in rows:
        cells = [cell(row, [run for run in by_peer[name] if "error" not in run], summary) for name in names]
        if set(cells) != {"-"}:
            print(f"{row[0]:42}" + "".join(f"{text:>18}" for text in cells))
    for name, runs in by_peer.items():
        for error in {run["error"] for run in runs if "error" in run}:
            print(f"{name}: {error}", flush=True)


# The whole

def workloads(arguments):
    """{name: (title, options of `remote_write_load prepare`, whether restarts are measured)}"""
    end = ["--end", int(time.time()) - 120]  # old enough for VictoriaMetrics to show it at once
    size = ["--engines", arguments.engines, "--hours", arguments.hours, *end]
    chosen = {mode: (f"remote write, {mode}: {arguments.engines} engines, {arguments.hours:g} h at 15 s", ["--mode", mode, *size], True)
              for mode in arguments.modes}
    if count := arguments.active_series:
        size = ["--mode", "rows", "--hours", arguments.active_rows * 15 / 3600, *end]
        engines = math.ceil(count / ENGINE_SERIES)
        rows = f"{arguments.active_rows} rows"
        chosen["engines"] = (f"{engines * ENGINE_SERIES:,} active series, as engines, {rows}", ["--engines", engines, *size], False)
        chosen["singletons"] = (f"{count:,} active series, one by one, {rows}", ["--engines", 0, "--singletons", count, *size], False)
    return chosen


def attempt(what, *arguments):
    """A run that fails is an entry that says why; the others go on."""
    try:
        return what(*arguments)
    except (Refused, AssertionError, OSError, subprocess.CalledProcessError, LookupError, ValueError) as error:
        reason = getattr(error, "stderr", None) or error
        return {"error": str(reason) if isinstance(error, Refused) else f"{type(error).__name__}: {reason}"}


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.results = {"versions": {name: kind.version() for name, kind in PEERS.items()}, "summaries": {}, "runs": {}}

    def turns(self, peers):
        """One peer after the other, round after round; those of --once take part in the first round only."""
        for turn in range(self.arguments.rounds):
            yield from (PEERS[name] for name in peers if turn == 0 or name not in self.arguments.once)

    def note(self, workload, kind, run):
        self.results["runs"].setdefault(workload, {}).setdefault(kind.name, []).append(run)
        print(f"{time.strftime('%H:%M:%S')} {workload} {kind.name}: {run.get('error', 'done')}", file=sys.stderr, flush=True)
        if self.arguments.json:
            self.arguments.json.write_text(json.dumps(self.results, indent=1) + "\n")

    def write(self, name, title, options, with_restarts):
        file, summary = prepare(self.folder, name, options)
        self.results["summaries"][name] = {key: value for key, value in summary.items() if key not in ("values", "counts")}
        for kind in self.turns(self.arguments.peers):
            self.note(name, kind, attempt(write_run, kind, file, summary, with_restarts))
        file.unlink()
        print_table(f"{title} ({summary['samples']:,} samples, {summary['series']:,} series)", WRITE_ROWS,
                    self.results["runs"][name], summary)

    def scrape(self):
        targets, seconds = self.arguments.scrape_targets, self.arguments.scrape_seconds
        first_port = 20000 + free_port() % 10000
        config = self.folder / "scrape.yml"
        config.write_text(scrape_config(first_port, targets))
        pages = subprocess.Popen([PAGES, str(first_port), str(targets), PAGE])
        try:
            wait_for("pages are served", lambda: http_request(first_port, "/metrics").status == 200)
            for kind in self.turns(self.arguments.scrape_peers):
                self.note("scrape", kind, attempt(scrape_run, kind, config, targets, seconds))
        finally:
            pages.terminate()
            pages.wait()
        print_table(f"scraping {targets} engines each second for {seconds} s", SCRAPE_ROWS, self.results["runs"]["scrape"], None)

    def run(self):
        for name, workload in workloads(self.arguments).items():
            self.write(name, *workload)
        if self.arguments.scrape_seconds:
            self.scrape()


def words(known):
    """An argument type: a list with commas, of known words; `none` is the empty list."""
    def parse(text):
        chosen = [] if text == "none" else text.split(",")
        if unknown := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return chosen
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="medians are printed")
    parser.add_argument("--peers", type=words(PEERS), default=list(PEERS), help=f"of {','.join(PEERS)}")
    parser.add_argument("--once", type=words(PEERS), default=["prometheus"], help="peers that only take part in the first round")
    parser.add_argument("--modes", type=words(["rows", "shards", "series"]), default=["rows", "shards"],
                        help="of rows,shards,series, or none; Prometheus refuses series")
    parser.add_argument("--engines", type=int, default=46)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--active-series", type=int, default=0, help="memory with so many series, e.g. 1000000; 0: not measured")
    parser.add_argument("--active-rows", type=int, default=30, help="samples of each of them")
    parser.add_argument("--scrape-seconds", type=int, default=120, help="0: not measured")
    parser.add_argument("--scrape-peers", type=words(PEERS), default=["inferscope", "prometheus"])
    parser.add_argument("--scrape-targets", type=int, default=100)
    parser.add_argument("--json", type=pathlib.Path, help="all runs, written after each")
    parser.add_argument("--folder", type=pathlib.Path, help="for requests (0.5 GiB for 6 h); default: the system's temporary one")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that servers and folders go, too
    with tempfile.TemporaryDirectory(prefix="inferscope-requests-", dir=arguments.folder) as folder:
        bench = Bench(arguments, pathlib.Path(folder))
        print(", ".join(bench.results["versions"].values()))
        bench.run()


if __name__ == "__main__":
    main()
