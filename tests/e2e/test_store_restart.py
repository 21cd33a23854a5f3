# SPDX-License-Identifier: Apache-2.0
"""One folder over several lives: stopped, flushed, harmed, copied, deleted from, outgrown; and who may have it."""
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import BINARY, Inferscope, wait_for
from remote_write import Sender

DAY = 86_400_000
START = 1_700_000_000_000 // DAY * DAY
ROWS = 200
SERIES = 12


def value_of(series, at):
    return at // 1000 * (series + 1) % 9973 / 4


def rows(part, start):
    """Series of one part of the data: `start` + 50 min."""
    times = range(start, start + ROWS * 15_000, 15_000)
    return [({"__name__": "kept", "part": part, "series": str(series)}, [(at, value_of(series, at)) for at in times])
            for series in range(SERIES)]


class OneFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    @contextlib.contextmanager
    def serve(self, *arguments, storage=None):
        with Inferscope("serve", "--sources", "none", *arguments, storage=storage or self.folder) as server:
            yield server

    def send(self, server, part, start, metadata=()):
        with Sender(server.port) as sender:
            answer = sender.send(rows(part, start), metadata)
        self.assertEqual(answer.status, 204, answer.text)

    def parts(self, server):
        """{part: samples found}, each with the value that was sent."""
        counts = {}
        answer = server.ask("query", query="kept[90d]", time=(START + 60 * DAY) / 1000)
        self.assertEqual(answer.status, 200, answer.text)
        for entry in answer.json["data"]["result"]:
            for at, value in entry["values"]:
                self.assertEqual(float(value), value_of(int(entry["metric"]["series"]), round(at * 1000)))
            part = entry["metric"]["part"]
            counts[part] = counts.get(part, 0) + len(entry["values"])
        return counts

    def files(self, suffix, folder="blocks"):
        return sorted(self.folder.glob(f"{folder}/*.{suffix}"))


class Restart(OneFolder):
    def answers(self, server):
        at = (START + 3 * DAY) / 1000
        return [server.ask(path, **parameters).text for path, parameters in (
            ("query", {"query": "kept[10d]", "time": at}), ("query", {"query": "kept", "time": (START + 600_000) / 1000}),
            ("series", {"match[]": "kept"}), ("labels", {}), ("label/part/values", {}), ("metadata", {}))]

    def test_all_answers_are_as_before_after_a_stop_a_flush_and_both(self):
        with self.serve() as server:
            self.send(server, "a", START, [("kept", "counter", "Kept \"as sent\".", "bytes")])
            self.send(server, "b", START + DAY)
            first = self.answers(server)
            self.assertEqual(json.loads(first[-1])["data"]["kept"], [{"type": "counter", "help": "Kept \"as sent\".", "unit": "bytes"}])
        with self.serve() as server:
            self.assertEqual(self.answers(server), first, "after a stop")
            server.flush()
            self.assertEqual(self.answers(server), first, "after a flush")
        with self.serve() as server:
            self.assertEqual(self.answers(server), first, "after a flush and a stop")
            self.assertEqual(self.parts(server), {"a": ROWS * SERIES, "b": ROWS * SERIES})

    def test_a_series_is_told_for_its_own_time_only(self):
        with self.serve() as server:
            self.send(server, "a", START)
            server.flush()
            self.send(server, "b", START + 3 * DAY)
            for flushed in (False, True):
                for part, day in (("a", 0), ("b", 3)):
                    told = server.ask("series", **{"match[]": "kept"}, start=START / 1000 + day * 86400, end=START / 1000 + (day + 1) * 86400)
                    self.assertEqual({series["part"] for series in told.json["data"]}, {part}, f"{flushed=}")
                server.flush()

    def test_an_idle_store_can_be_started_and_flushed_often(self):
        for _ in range(3):
            with self.serve() as server:
                server.flush()
                server.flush()
                self.assertEqual(server.query("kept"), [])
        self.assertEqual(self.files("block"), [])

    def test_a_second_process_is_refused_and_told_who_has_the_folder(self):
        with self.serve() as server:
            second = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--storage.path", self.folder],
                                    capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertRegex(second.stderr, rf"{self.folder}/wal/lock: in use by process {server.pid}; only one process may write there")
            self.send(server, "a", START)
            server.kill()
        with self.serve() as server:
            self.assertEqual(self.parts(server), {"a": ROWS * SERIES}, "a lock of the dead is none")


class Harm(OneFolder):
    """One byte of a file is another one. Parts a, b and c are a block each, d is in the log."""

    def setUp(self):
        super().setUp()
        with self.serve() as server:
            for number, part in enumerate("abc"):
                self.send(server, part, START + 4 * number * DAY)
                server.flush()
            self.send(server, "d", START + 13 * DAY)
        self.assertEqual(len(self.files("block")), 3)

    def flip(self, file, position):
        content = bytearray(file.read_bytes())
        content[position] ^= 0x10
        file.write_bytes(content)

    def test_a_harmed_end_of_a_block_sets_it_aside_and_the_rest_serves_on(self):
        harmed = self.files("block")[1]
        self.flip(harmed, -20)
        self.check_set_aside(harmed)

    def test_a_truncated_block_likewise(self):
        harmed = self.files("block")[1]
        harmed.write_bytes(harmed.read_bytes()[:-1])
        self.check_set_aside(harmed)

    def test_a_harmed_index_likewise(self):
        harmed = self.files("block")[1]
        self.flip(harmed, -250)  # metadata and footer take about 120
        self.check_set_aside(harmed)

    def check_set_aside(self, harmed):
        all_but_one = {part: ROWS * SERIES for part in "acd"}
        with self.serve() as server:
            wait_for("the rest", lambda: self.parts(server) == all_but_one)
            said = [line for line in server.log if "set aside" in line]
            self.assertEqual(len(said), 1, server.log)
            self.assertIn(str(harmed), said[0])
            self.assertFalse(harmed.exists())
            self.assertTrue(harmed.with_suffix(".harmed").exists())
            self.send(server, "e", START + 14 * DAY)
            server.flush()
            self.assertEqual(self.parts(server), all_but_one | {"e": ROWS * SERIES})
        with self.serve() as server:
            self.assertEqual(self.parts(server), all_but_one | {"e": ROWS * SERIES})
            self.assertTrue(harmed.with_suffix(".harmed").exists(), "it stays for who wants to look")

    def test_a_harmed_chunk_is_left_out_and_the_answer_says_so(self):
        harmed = self.files("block")[1]
        self.flip(harmed, 100)  # behind the header of 16 bytes come the chunks
        with self.serve() as server:
            answer = server.ask("query", query="kept[90d]", time=(START + 60 * DAY) / 1000)
            self.assertEqual(answer.status, 200)
            self.assertTrue(any(harmed.name in warning for warning in answer.json["warnings"]), answer.json.get("warnings"))
            found = self.parts(server)
            self.assertLess(found.pop("b", 0), ROWS * SERIES)
            self.assertEqual(found, {part: ROWS * SERIES for part in "acd"})
            self.assertTrue(any(harmed.name in line for line in server.log), server.log)
            self.assertNotIn("warnings", server.ask("query", query='kept{part="a"}[90d]', time=(START + 60 * DAY) / 1000).json)

    def test_a_harmed_log_is_kept_up_to_the_harm_and_it_is_said_how_much_is_lost(self):
        with self.serve() as server:
            for number in range(20):
                with Sender(server.port) as sender:
                    sender.send([({"__name__": "step"}, [(START + 13 * DAY + number * 1000, number)])])
            server.kill()
        log = [file for file in self.files("wal", "wal") if file.stat().st_size][-1]
        end = len(log.read_bytes().rstrip(b"\0"))
        self.flip(log, end - 40)
        with self.serve() as server:
            values = [float(value) for entry in server.query("step[1d]", (START + 13 * DAY) / 1000 + 60) for _, value in entry["values"]]
            self.assertEqual(values, [float(number) for number in range(len(values))])
            self.assertTrue(0 < len(values) < 20, values)
            self.assertEqual(self.parts(server), {part: ROWS * SERIES for part in "abcd"})
            said = [line for line in server.log if log.name in line]
            self.assertTrue(said and re.search(r"\d+ bytes", said[0]), server.log)


class Upkeep(OneFolder):
    def test_deleted_series_are_gone_for_good_and_nothing_else_is(self):
        with self.serve() as server:
            self.send(server, "a", START)
            server.flush()
            self.send(server, "b", START)
            self.send(server, "c", START)
            answer = server.post('/api/v1/admin/tsdb/delete_series?match[]=kept{part="a",series="3"}&match[]=kept{part="b"}')
            self.assertEqual(answer.status, 204, answer.text)
            half = START + ROWS * 15_000 // 2
            answer = server.post(f'/api/v1/admin/tsdb/delete_series?match[]=kept{{part="c"}}&start=0&end={(half - 1) / 1000}')
            self.assertEqual(answer.status, 204, answer.text)
            left = {"a": ROWS * (SERIES - 1), "c": ROWS * SERIES // 2}
            self.assertEqual(self.parts(server), left)
            self.assertEqual(len(server.ask("series", **{"match[]": "kept"}).json["data"]), 2 * SERIES - 1)
            self.assertEqual(server.post("/api/v1/admin/tsdb/delete_series").status, 400, "nothing is named")
            self.assertEqual(server.post("/api/v1/admin/tsdb/delete_series?match[]=kept{").status, 400)
            server.kill()
        with self.serve() as server:
            self.assertEqual(self.parts(server), left)
            self.assertEqual(server.ask("label/part/values").json["data"], ["a", "c"])
            self.assertEqual(len(server.ask("series", **{"match[]": "kept"}).json["data"]), 2 * SERIES - 1)
            server.flush()
            self.assertEqual(self.parts(server), left)
            self.send(server, "b", START + DAY)
            self.assertEqual(self.parts(server), left | {"b": ROWS * SERIES}, "what is deleted may come again")

    def test_a_snapshot_can_be_served_and_doesnt_change(self):
        with self.serve() as server:
            self.send(server, "a", START, [("kept", "gauge", "Help.")])
            server.flush()
            self.send(server, "b", START + DAY)
            answer = server.post("/api/v1/admin/tsdb/snapshot")
            self.assertEqual(answer.status, 200, answer.text)
            snapshot = self.folder / "snapshots" / answer.json["data"]["name"]
            self.send(server, "c", START + 2 * DAY)
            self.assertEqual(server.post('/api/v1/admin/tsdb/delete_series?match[]=kept{part="a"}').status, 204)
            with self.serve(storage=snapshot) as copy:
                self.assertEqual(self.parts(copy), {"a": ROWS * SERIES, "b": ROWS * SERIES})
            self.assertEqual(self.parts(server), {"b": ROWS * SERIES, "c": ROWS * SERIES})

    def test_retention_by_time_counts_from_the_newest_sample(self):
        with self.serve() as server:
            self.send(server, "a", START)
            server.flush()
            self.send(server, "b", START + 14 * DAY)
            server.flush()
            self.assertEqual(set(self.parts(server)), {"a", "b"}, "15 days are kept, however long ago")
            self.send(server, "c", START + 16 * DAY)
            server.flush()
            self.assertEqual(set(self.parts(server)), {"b", "c"})
        with self.serve("--storage.retention.time", "1d") as server:
            server.flush()
            self.assertEqual(set(self.parts(server)), {"c"})
            self.send(server, "d", START + 50 * DAY)
        with self.serve("--storage.retention.time", "0") as server:
            server.flush()
            self.assertEqual(set(self.parts(server)), {"c", "d"}, "0 keeps all")

    def test_retention_by_size_removes_the_oldest_blocks(self):
        with self.serve() as server:
            for number, part in enumerate("abcd"):
                self.send(server, part, START + 4 * number * DAY)
                server.flush()
        sizes = [file.stat().st_size for file in self.files("block")]
        self.assertEqual(len(sizes), 4)
        with self.serve("--storage.retention.size", f"{sum(sizes[2:]) + 10}B") as server:
            server.flush()
            self.assertEqual(set(self.parts(server)), {"c", "d"})

    def test_wrong_flags_are_said_with_what_is_wanted(self):
        file = self.folder / "file"
        file.touch()
        for flag, value, words in (("--storage.retention.time", "soon", "'soon' is no duration like 15d"),
                                   ("--storage.retention.time", "-1d", "'-1d' is no duration like 15d"),
                                   ("--storage.retention.size", "big", "'big' is no size like 50GB"),
                                   ("--storage.fsync", "sometimes", "'sometimes' is neither interval nor always"),
                                   ("--storage.path", file, "name a folder in which this user may write")):
            storage = [] if flag == "--storage.path" else ["--storage.path", self.folder / "data"]
            started = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", *storage, flag, value],
                                     capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(started.returncode, 1, flag)
            self.assertIn(flag, started.stderr)
            self.assertIn(words, started.stderr)


if __name__ == "__main__":
    unittest.main()
