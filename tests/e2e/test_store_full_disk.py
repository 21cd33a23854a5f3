# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up under load: appends are refused in words and with when to come again, everything else goes on, and
when there is room the store goes on by itself. What was acknowledged is there, also after `kill -9`."""
import math
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from harness import Inferscope, RawServer, find, page_answer, wait_for
from remote_write import Sender

DISK_BYTES = 24 << 20
SERIES = 40
CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
discovery: {{processes: false}}
scrape_configs:
  - job_name: page
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


class SmallDisk:
    """A tmpfs of its own. Mounting it needs root: where that is refused the test is skipped, and says so."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="inferscope-disk-"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.path],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest(f"no tmpfs can be mounted: {mounted.stderr.strip()}")

    def free_bytes(self):
        free = os.statvfs(self.path)
        return free.f_bavail * free.f_frsize

    def fill(self, leaving=0):
        """With a file of another program, it may be."""
        with (self.path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, max(self.free_bytes() - leaving, 4096))

    def make_room(self):
        (self.path / "filler").unlink()

    def close(self):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self.path.rmdir()


class Load:
    """Rows of one sender, each sent until it is acknowledged."""

    def __init__(self, start):
        self.now = start
        self.acknowledged = []

    def value(self, series, at):
        return math.sin(at * (series + 7))

    def send(self, sender, rows=5, ballast=0):
        """The answer to the next rows, which only count if it is 204. `ballast`: further series, whose labels fill a disk soon."""
        times = [self.now + 1000 * number for number in range(rows)]
        series = [({"__name__": "disk_samples", "series": str(number)}, [(at, self.value(number, at)) for at in times])
                  for number in range(SERIES)]
        series += [({"__name__": "disk_ballast", "text": os.urandom(4000).hex()}, [(self.now, 1)]) for _ in range(ballast)]
        answer = sender.send(series)
        if answer.status == 204:
            self.acknowledged += times
            self.now = times[-1] + 1000
        return answer

    def fill(self, sender):
        """Returns the first refusal. What is smaller still fits in then: until that is refused, too."""
        first = self._send_until(503, sender, rows=5, ballast=5)
        self._send_until(503, sender, rows=1)
        return first

    def recover(self, sender):
        self._send_until(204, sender)
        for _ in range(20):
            answer = self.send(sender)
            assert answer.status == 204, answer.text

    def _send_until(self, status, sender, **options):
        return wait_for(status, lambda: (answer := self.send(sender, **options)).status == status and answer, pause=0)


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.disk = SmallDisk()
        self.addCleanup(self.disk.close)
        self.page = RawServer(page_answer("page_value 1\n"))
        self.addCleanup(self.page.close)
        self.load = Load(round(time.time() * 1000) - 86_400_000)

    def serve(self):
        return Inferscope("serve", "--sources", "engines,self", storage=self.disk.path / "data",
                          config=CONFIG.format(port=self.page.port))

    def check_acknowledged(self, server):
        result = server.query("disk_samples[2d]", self.load.now / 1000)
        self.assertEqual(len(result), SERIES)
        for entry in result:
            series = int(entry["metric"]["series"])
            found = {round(float(at) * 1000): float(value) for at, value in entry["values"]}
            lost = [at for at in self.load.acknowledged if found.get(at) != self.load.value(series, at)]
            self.assertEqual(lost[:5], [], f"{len(lost)} of {len(self.load.acknowledged)} in series {series}; {server.log}")

    def rows_not_kept(self, server):
        return find(server.series(), "inferscope_tsdb_rows_not_kept_total")[0]

    def check_that_the_rest_goes_on(self, server, sender):
        before, scrapes = self.rows_not_kept(server), len(self.page.requests)
        wait_for("rows are counted that aren't kept", lambda: self.rows_not_kept(server) > before)
        wait_for("scraping goes on", lambda: len(self.page.requests) > scrapes + 2)
        wait_for("the page is up", lambda: find(server.series(), "up", job="page") == [1] and find(server.series(), "page_value") == [1])
        self.assertEqual(server.get("/-/healthy").status, 200)
        self.assertEqual(self.load.send(sender).status, 503, "and it is still full")
        self.check_acknowledged(server)

    def fill_and_recover(self, server):
        with Sender(server.port) as sender:
            self.load.recover(sender)
            self.disk.fill(leaving=100_000)
            refused = self.load.fill(sender)
            self.assertGreater(int(refused.headers["Retry-After"]), 0)
            self.assertRegex(refused.text, "(?i)no space")
            self.check_that_the_rest_goes_on(server, sender)
            self.disk.make_room()
            self.load.recover(sender)
            before = self.rows_not_kept(server)
            wait_for("scraped rows are kept again", lambda: server.query("page_value[1s]"))
            self.assertEqual(self.rows_not_kept(server), before)
            self.check_acknowledged(server)

    def check_log(self, server):
        said = [line for line in server.log if "o space" in line]
        self.assertTrue(said)
        self.assertLess(len(said), 10, "said when it begins, not for each row")

    def test_it_goes_on_when_there_is_room_and_keeps_all_after_a_stop(self):
        with self.serve() as server:
            self.fill_and_recover(server)
            self.check_log(server)
        with self.serve() as server:
            self.check_acknowledged(server)

    def test_it_goes_on_when_there_is_room_and_keeps_all_after_a_kill(self):
        with self.serve() as server:
            self.fill_and_recover(server)
            server.kill()
        with self.serve() as server:
            self.check_acknowledged(server)

    def test_a_flush_without_room_harms_nothing(self):
        with self.serve() as server, Sender(server.port) as sender:
            self.load.recover(sender)
            self.disk.fill()
            self.load.fill(sender)
            failed = server.post("/api/v1/admin/flush")
            self.assertEqual(failed.status, 500, failed.text)
            self.assertRegex(failed.json["error"], "(?i)no space")
            self.check_acknowledged(server)
            self.disk.make_room()
            server.flush()
            self.check_acknowledged(server)
            self.assertEqual(self.load.send(sender).status, 204)
            server.kill()
        with self.serve() as server:
            self.check_acknowledged(server)
            self.assertEqual([file.name for file in (self.disk.path / "data/blocks").iterdir() if file.suffix != ".block"], [])


if __name__ == "__main__":
    unittest.main()
