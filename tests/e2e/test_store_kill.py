# SPDX-License-Identifier: Apache-2.0
"""`kill -9` under load at random moments, again and again on one folder: what was acknowledged, or shown to a reader, is
found afterwards by value, and nothing is found that was never sent. STORE_KILLS rounds; STORE_SEED repeats a run's choices."""
import concurrent.futures
import contextlib
import http.client
import os
import random
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, Inferscope, RawServer, page_answer
from remote_write import Sender

ROUNDS = int(os.environ.get("STORE_KILLS", "20"))
SEED = int(os.environ.get("STORE_SEED", random.randrange(1 << 32)))
BROKEN = (OSError, http.client.HTTPException)

SERIES = 30
LATE_MS = 20_000  # well within the out-of-order window
CONFIG = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
discovery: {{processes: false}}
storage: {{block_range: 2m}}
scrape_configs:
  - job_name: page
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def value_of(series, at):
    """Each sample's value follows from its place, so that one that moved is seen. Integers, fractions, and long runs."""
    return (at * (series + 1) % 1_000_003, at * (series + 1) % 1_000_003 / 7, at // 60_000)[series % 3]


class Writer:
    """Sends rows of its own series, some in pieces, some late, and remembers what became of each request."""

    def __init__(self, name, start):
        self.name = name
        self.now = start
        self.sent = [set() for _ in range(SERIES)]
        self.acknowledged = [set() for _ in range(SERIES)]
        self.unanswered = None  # sent again first, as every sender does

    def run(self, port):
        """Until the connection breaks."""
        with contextlib.suppress(*BROKEN), Sender(port) as sender:
            while True:
                if self.unanswered is None:
                    self.unanswered = self._next_request()
                self._send(sender)

    def _next_request(self):
        """{series: times}"""
        request = {}
        for _ in range(random.randint(1, 4)):
            self.now += random.randint(1, 400)
            late = random.randint(0, LATE_MS) if random.random() < 0.1 else 0
            for series in random.sample(range(SERIES), random.choice((SERIES, SERIES, 3))):
                request.setdefault(series, set()).add(self.now - late)
        return request

    def _send(self, sender):
        for series, times in self.unanswered.items():
            self.sent[series] |= times
        answer = sender.send([({"__name__": "kill_samples", "writer": self.name, "series": str(series), "job": "kill"},
                               [(at, value_of(series, at)) for at in sorted(times)])
                              for series, times in self.unanswered.items()])
        if answer.status != 204:
            raise AssertionError(f"{answer.status}: {answer.text}")
        for series, times in self.unanswered.items():
            self.acknowledged[series] |= times
        self.unanswered = None

    def faults(self, server, since):
        """What is wrong with the samples from `since` on, in words."""
        found = server.query(f'kill_samples{{writer="{self.name}"}}[{self.now - since + 1}ms]', self.now / 1000)
        by_series = {int(entry["metric"]["series"]): {round(float(at) * 1000): float(value) for at, value in entry["values"]}
                     for entry in found}
        faults = []
        for series in range(SERIES):
            samples = by_series.get(series, {})
            lost = {at for at in self.acknowledged[series] if at >= since} - samples.keys()
            unknown = samples.keys() - self.sent[series]
            wrong = [at for at, value in samples.items() if value != value_of(series, at)]
            if lost or unknown or wrong:
                faults.append(f"writer {self.name}, series {series}: {len(lost)} lost of {len(self.acknowledged[series])} ({sorted(lost)[:3]}), "
                              f"{len(unknown)} never sent ({sorted(unknown)[:3]}), {len(wrong)} wrong ({sorted(wrong)[:3]})")
        return faults

    def count(self):
        return sum(map(len, self.acknowledged))


class Page:
    """A scraped page: a counter of its scrapes. What a reader has seen of it must not vanish."""

    def __init__(self):
        self.scrapes = 0
        self.seen = {}
        self.server = RawServer(page_answer(self._text))

    def _text(self):
        self.scrapes += 1
        return f"page_scrapes_total {self.scrapes}\n"

    def read(self, server):
        entries = server.query("page_scrapes_total[1d]")
        return {at: float(value) for entry in entries for at, value in entry["values"]}

    def watch(self, server):
        """Until the connection breaks."""
        with contextlib.suppress(*BROKEN):
            while True:
                self.seen |= self.read(server)
                time.sleep(0.05)

    def faults(self, server):
        found = self.read(server)
        lost = self.seen.items() - found.items()
        values = [value for _, value in sorted(found.items())]
        faults = [f"{len(lost)} scrapes lost that were shown: {sorted(lost)[:3]}"] if lost else []
        if values != sorted(set(values)) or (values and values[-1] > self.scrapes):
            faults.append(f"values that no scrape brought: {values[-20:]}")
        return faults


def flush_often(server):
    """Until the connection breaks."""
    with contextlib.suppress(*BROKEN):
        while True:
            time.sleep(random.uniform(0, 0.4))
            server.flush()


class KillLoop(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.page = Page()
        self.addCleanup(self.page.server.close)
        hour_ago = round(time.time() * 1000) - 3_600_000
        self.writers = [Writer("a", hour_ago), Writer("b", hour_ago)]

    def serve(self):
        return Inferscope("serve", "--sources", "engines", storage=self.folder, config=CONFIG.format(port=self.page.server.port))

    def load_and_kill(self, server):
        work = [(writer.run, server.port) for writer in self.writers] + [(self.page.watch, server)]
        if random.random() < 0.5:
            work.append((flush_often, server))
        with concurrent.futures.ThreadPoolExecutor(len(work)) as pool:
            running = [pool.submit(function, argument) for function, argument in work]
            time.sleep(random.uniform(0.02, 0.8))
            server.kill()
        for done in running:
            done.result()

    def kill_while_it_starts(self):
        line = [BINARY, "serve", "--sources", "none", "--listen", "127.0.0.1:0", "--storage.path", self.folder]
        with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
            time.sleep(random.uniform(0, 0.1))
            process.kill()

    def check(self, server, sinces):
        faults = self.page.faults(server)
        for writer, since in zip(self.writers, sinces):
            faults += writer.faults(server, since)
        self.assertEqual(faults, [], f"STORE_SEED={SEED}; {server.log}")

    def test_what_was_acknowledged_is_found(self):
        random.seed(SEED)
        starts = [writer.now - LATE_MS for writer in self.writers]
        sinces = starts
        for number in range(ROUNDS):
            with self.serve() as server:
                self.check(server, sinces)
                # All is looked at each tenth time, else what is new since the round before the last one.
                sinces = starts if number % 10 == 8 else [writer.now - 2 * LATE_MS for writer in self.writers]
                self.load_and_kill(server)
            if random.random() < 0.2:
                self.kill_while_it_starts()
        with self.serve() as server:
            self.check(server, starts)
            server.flush()
            self.check(server, starts)
        acknowledged = sum(writer.count() for writer in self.writers)
        self.assertGreater(acknowledged, 1000 * ROUNDS)
        self.assertGreater(len(self.page.seen), ROUNDS)
        print(f"{ROUNDS} rounds, {acknowledged} samples acknowledged, {len(self.page.seen)} scrapes shown", flush=True)


if __name__ == "__main__":
    unittest.main()
