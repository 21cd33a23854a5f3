# SPDX-License-Identifier: Apache-2.0
"""The stores that tools/bench_store.py puts side by side: how each is started, asked, flushed and measured.
All run on loopback with their defaults, but for retention (never) and the switches that remote write and snapshots need."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import BINARY, Process, free_port, http_request, wait_for  # noqa: E402

PATIENCE = 600  # seconds; for starts, stops and flushes


class Refused(Exception):
    """The peer can't take part: what the table says instead of figures."""


class Peer:
    """One server with a data folder of its own. start() and stop() may alternate; leaving the context stops it."""

    name = ready_path = samples_counter = None

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.process = None

    # What differs from peer to peer.
    def arguments(self):
        """The command line for remote write."""
        raise NotImplementedError

    def scrape_arguments(self, config):
        """The command line that scrapes what `config` (a file for Prometheus) names."""
        raise NotImplementedError

    def flush(self):
        """Brings what was sent into the form in which it stays; returns the folder that holds it."""
        raise NotImplementedError

    @classmethod
    def version(cls):
        raise NotImplementedError

    # What is the same.
    def start(self, arguments=None):
        """Seconds from the start to the first 200 of the ready page."""
        begin = time.monotonic()
        self.process = Process(arguments or self.arguments(), cwd=self.folder)
        wait_for(f"{self.name} is ready", self._is_ready, PATIENCE, pause=0.002)
        return time.monotonic() - begin

    def _is_ready(self):
        if not self.process.is_running():
            raise Refused(f"ended with {self.process.process.returncode}: {self.process.log[-3:]}")
        return http_request(self.port, self.ready_path).status == 200

    def stop(self):
        """As an operator stops it: SIGTERM, then as long as it takes."""
        if self.process is not None:
            self.process.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.process.wait(PATIENCE)
            self.process.stop()
            self.process = None

    def kill(self):
        self.process.process.kill()
        self.process.process.wait()
        self.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def post(self, path):
        answer = http_request(self.port, path, method="POST", timeout=PATIENCE)
        if answer.status // 100 != 2:
            raise Refused(f"POST {path}: {answer.status} {answer.body[:200]!r}")
        return answer

    def query(self, selector, seconds):
        parameters = urllib.parse.urlencode({"query": selector, "time": f"{seconds:.3f}"})
        answer = http_request(self.port, f"/api/v1/query?{parameters}", timeout=PATIENCE).json
        if answer["status"] != "success":
            raise Refused(f"query {selector}: {answer}")
        return answer["data"]["result"]

    def value(self, selector, seconds):
        """The one series that `selector` names, at that time; None if it isn't there."""
        result = self.query(selector, seconds)
        return float(result[0]["value"][1]) if result else None

    def samples_appended(self):
        page = http_request(self.port, "/metrics").text
        values = re.findall(rf"^{self.samples_counter} ([0-9.e+]+)$", page, re.MULTILINE)
        return sum(map(float, values)) if values else None

    def cpu_seconds(self):
        """User and system, all threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field):
        """Bytes: VmRSS now, RssAnon now (without mapped files), VmHWM since the start."""
        page = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", page, re.MULTILINE).group(1)) * 1024

    def settle(self, at_least=1, at_most=30):
        """Waits until background work is done, seconds: less than a tenth of a core for the last of them."""
        end = time.monotonic() + at_most
        time.sleep(at_least - 1)
        while time.monotonic() < end:
            before = self.cpu_seconds()
            time.sleep(1)
            if self.cpu_seconds() - before < 0.1:
                return


class Ours(Peer):
    """POST /api/v1/admin/flush seals and compacts everything, and answers when that is done."""

    name, ready_path = "inferscope", "/-/ready"
    samples_counter = r"inferscope_tsdb_samples_appended_total(?:\{.*\})?"

    def arguments(self):
        return [BINARY, "serve", "--sources", "none", "--listen", f"127.0.0.1:{self.port}", "--storage.path", self.folder / "data"]

    def scrape_arguments(self, config):
        ours = self.folder / "inferscope.yml"
        ours.write_text("discovery: {processes: false}\n" + pathlib.Path(config).read_text())
        return [BINARY, "serve", "--sources", "engines,self", "--config.file", ours, "--listen", f"127.0.0.1:{self.port}",
                "--storage.path", self.folder / "data"]

    def start(self, arguments=None):
        seconds = super().start(arguments)
        if arguments is None and http_request(self.port, "/api/v1/write", method="POST").status in (404, 405):
            raise Refused("this build has no /api/v1/write yet")
        return seconds

    def flush(self):
        self.post("/api/v1/admin/flush")
        return self.folder / "data"

    @classmethod
    def version(cls):
        return first_line([BINARY, "--version"])


class Prometheus(Peer):
    """There is no flush: a snapshot through the admin API writes the head as a block beside links to the other blocks, and
    its folder, without any log, is what stays. The live folder (blocks, head chunks, log) is the figure before the flush."""

    name, ready_path = "prometheus", "/-/ready"
    samples_counter = r"prometheus_tsdb_head_samples_appended_total(?:\{.*\})?"

    def arguments(self, config=None):
        if config is None:
            config = self.folder / "prometheus.yml"
            config.write_text("{}\n")
        return ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--storage.tsdb.retention.time=100y",
                "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--log.level=warn"]

    def scrape_arguments(self, config):
        return self.arguments(config)

    def flush(self):
        name = self.post("/api/v1/admin/tsdb/snapshot").json["data"]["name"]
        return self.folder / "data/snapshots" / name

    @classmethod
    def version(cls):
        return first_line(["prometheus", "--version"])


class VictoriaMetrics(Peer):
    """/internal/force_flush makes what is in memory visible and durable, /internal/force_merge merges all parts of a month
    into one; it answers at once, so that a counter of running merges says when it is done."""

    name, ready_path = "victoria-metrics", "/health"
    samples_counter = r'vm_rows_inserted_total\{type="promscrape"\}'

    def arguments(self):
        return ["victoria-metrics", "-retentionPeriod=100y", f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-storageDataPath={self.folder}/data"]

    def scrape_arguments(self, config):
        return [*self.arguments(), f"-promscrape.config={config}"]

    def flush(self):
        self.post("/internal/force_flush")
        self.post("/internal/force_merge")
        wait_for("merges end", self._is_merged, PATIENCE)
        return self.folder / "data"

    def _is_merged(self):
        page = http_request(self.port, "/metrics").text
        return all(float(count) == 0 for count in re.findall(r"^vm_active_(?:force_)?merges\S* (\d+)$", page, re.MULTILINE))

    @classmethod
    def version(cls):
        return first_line(["dpkg-query", "-W", "-f=victoria-metrics ${Version}", "victoria-metrics"])


PEERS = {peer.name: peer for peer in (Ours, VictoriaMetrics, Prometheus)}


def first_line(command):
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "not installed"


class MemoryWatch:
    """Peaks of RssAnon and VmRSS, read each 100 ms while the context is open."""

    def __init__(self, peer):
        self.peer = peer
        self.peak_anonymous = self.peak_resident = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        with contextlib.suppress(OSError, AttributeError):  # the process may end under us
            while not self.ended.wait(0.1):
                self.peak_anonymous = max(self.peak_anonymous, self.peer.memory("RssAnon"))
                self.peak_resident = max(self.peak_resident, self.peer.memory("VmRSS"))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def apparent_bytes(folder):
    """Sizes of all files below, as `du --apparent-size` adds them, without folders."""
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def allocated_bytes(folder):
    return sum(path.stat().st_blocks * 512 for path in pathlib.Path(folder).rglob("*") if path.is_file())

