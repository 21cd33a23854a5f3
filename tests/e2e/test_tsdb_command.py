# SPDX-License-Identifier: Apache-2.0
"""`inferscope tsdb`: a store seen, checked, written out and filled from outside of a server."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, Inferscope, wait_for

START = 1_700_000_000
HISTORY = (
    "# HELP calls Calls \\\"of\\\" all kinds.\n"
    "# TYPE calls counter\n"
    'calls_created{code="200"} 1700000000 1700000001.000\n'
    + "".join(f'calls_total{{code="200"}} {n} {START + 15 * n}.{7 * n % 1000:03}\n' for n in range(2000))
    + 'calls_total{code="500"} 0.1 1700000001.000\n'
    + "# TYPE delay_seconds histogram\n"
    + "# UNIT delay_seconds seconds\n"
    + 'delay_seconds_bucket{le="+Inf"} 3 1700000001.000\n'
    + 'delay_seconds_bucket{le="0.5"} 1 1700000001.000\n'
    + "delay_seconds_clients 2 1700000002.000\n"
    + "delay_seconds_count 3 1700000001.000\n"
    + "delay_seconds_sum 1e+300 1700000001.000\n"
    + 'plain{text="a\\"b\\\\c\\n"} NaN 0.000\n'
    + 'plain{text="a\\"b\\\\c\\n"} +Inf 1700000001.000\n'
    + "# EOF\n")


def tsdb(*arguments):
    return subprocess.run([BINARY, "tsdb", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def state_of(folder):
    """Everything that a change would change."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()}


class TsdbCommand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = self.folder / "store"

    def import_text(self, text, store=None):
        file = self.folder / "history.txt"
        file.write_text(text)
        return tsdb("import", store or self.store, file)

    def fill(self):
        filled = self.import_text(HISTORY)
        self.assertEqual((filled.returncode, filled.stdout), (0, "9 series, 2009 samples imported\n"), filled.stderr)

    def export(self, *flags, store=None):
        exported = tsdb("export", store or self.store, *flags)
        self.assertEqual((exported.returncode, exported.stderr), (0, ""))
        return exported.stdout


class RoundTrips(TsdbCommand):
    def test_what_is_imported_is_exported_to_the_byte(self):
        self.fill()
        exported = self.export()
        with_times = HISTORY.splitlines()
        # Where truncated seconds would lose a millisecond half of one stands behind them.
        plain = [line[:-1] if line[-5:-4] == "." and line.endswith("5") and line[:-1] in with_times else line
                 for line in exported.splitlines()]
        self.assertEqual(plain, with_times)
        self.import_text(exported, self.folder / "second")
        self.assertEqual(self.export(store=self.folder / "second"), exported)

    def test_what_is_imported_twice_is_there_once(self):
        self.fill()
        once = self.export()
        self.assertEqual(self.import_text(HISTORY).returncode, 0)
        self.assertEqual(self.export(), once)

    def test_selectors_and_times_choose(self):
        self.fill()
        lines = self.export("--match", 'calls_total{code="500"}', "--match", "calls_total", "--from", "2023-11-14T22:13:20Z",
                            "--to", START + 16).splitlines()
        self.assertEqual([line.split(" ")[0] for line in lines if line[0] != "#"], ['calls_total{code="200"}'] * 2 + ['calls_total{code="500"}'])
        self.assertEqual(self.export("--match", "nothing"), "# EOF\n")

    def test_order_of_the_text_does_not_matter(self):
        self.fill()
        lines = HISTORY.splitlines(keepends=True)[:-1]
        about = [line for line in lines if line[0] == "#"]
        samples = [line for line in lines if line[0] != "#"]
        second = self.folder / "second"
        self.assertEqual(self.import_text("".join(about + samples[::-1]) + "# EOF\n", second).returncode, 0)
        self.assertEqual(self.export(store=second), self.export())

    @unittest.skipUnless(shutil.which("promtool"), "promtool isn't installed")
    def test_promtool_makes_blocks_of_an_export(self):
        self.fill()
        text = self.folder / "exported.txt"
        text.write_text(self.export())
        blocks = self.folder / "blocks"
        made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, blocks], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        (blocks / "wal").mkdir()  # promtool 2.42 asks for it
        dumped = subprocess.run(["promtool", "tsdb", "dump", blocks], capture_output=True, text=True, timeout=60, check=True)
        times = {int(line.split()[-1]) for line in dumped.stdout.splitlines() if line.startswith('{__name__="calls_total", code="200"')}
        self.assertEqual(times, {(START + 15 * n) * 1000 + 7 * n % 1000 for n in range(2000)})
        self.assertEqual(len(dumped.stdout.splitlines()), 2009)


class RefusedImports(TsdbCommand):
    def test_mistakes_are_named_with_their_place_and_nothing_is_imported(self):
        for text, place in (("a 1 5\nb 2\n# EOF\n", r":2:4: .*without one can't be imported"),
                            ("a 1 5\n", r":2:1: expected '# EOF'"),
                            ('a 1 5\na{x="1" 2 3\n# EOF\n', r":2:8: "),
                            ('a{x="1",x="2"} 2 3\n# EOF\n', r":1:\d+: ")):
            refused = self.import_text(text)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""), text)
            self.assertRegex(refused.stderr, r"history\.txt" + place)
            self.assertFalse(self.store.exists())

    def test_a_store_that_a_server_has_open_is_left_alone(self):
        with Inferscope("serve", "--sources", "none", storage=self.store):
            refused = self.import_text(HISTORY)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "in use by process")


class Looking(TsdbCommand):
    def test_a_running_server_is_looked_at_and_not_disturbed(self):
        with Inferscope("serve", "--sources", "self", storage=self.store) as server:
            wait_for("rows are kept", lambda: "inferscope_build_info" in self.export("--match", '{__name__=~"inferscope_.+"}'))
            server.post("/api/v1/admin/flush")
            self.assertEqual(tsdb("verify", self.store).returncode, 0)
            seen = json.loads(tsdb("inspect", self.store, "--json").stdout)
            self.assertEqual(len(seen["blocks"]), 1)
            self.assertGreater(seen["blocks"][0]["samples"], 10)
            self.assertTrue(server.is_running())

    def test_inspect_tells_blocks_segments_and_totals(self):
        self.fill()
        seen = json.loads(tsdb("inspect", self.store, "--json").stdout)
        self.assertEqual(sum(block["samples"] for block in seen["blocks"]), 2009)
        self.assertEqual(seen["totals"]["samples"], 2009)
        self.assertEqual(seen["totals"]["block_bytes"], sum(path.stat().st_size for path in (self.store / "blocks").iterdir()))
        self.assertEqual(seen["blocks"][0]["from"], "1970-01-01T00:00:00.000Z")
        table = tsdb("inspect", self.store).stdout
        self.assertRegex(table, r"2009 samples, \d+ chunks, \d+ bytes")

    def test_nothing_is_changed_by_looking_not_even_a_torn_log(self):
        with Inferscope("serve", "--sources", "self", storage=self.store) as server:
            wait_for("a log", lambda: any(path.stat().st_size > 1000 for path in (self.store / "wal").glob("*.wal")))
            server.process.kill()
        segment = max((self.store / "wal").glob("*.wal"))
        segment.write_bytes(segment.read_bytes() + b"\1\2\3")
        before = state_of(self.store)
        self.assertRegex(tsdb("inspect", self.store).stdout, "harmed or torn")
        self.assertIn("inferscope_build_info", self.export_of_torn())
        verified = tsdb("verify", self.store)
        self.assertEqual(verified.returncode, 1)
        self.assertRegex(verified.stdout, rf"{segment.name}: harmed or torn at byte \d+ of \d+")
        self.assertEqual(state_of(self.store), before)

    def export_of_torn(self):
        return tsdb("export", self.store).stdout

    def test_verify_names_harm_and_place(self):
        self.fill()
        whole = tsdb("verify", self.store)
        self.assertEqual(whole.returncode, 0)
        self.assertRegex(whole.stdout, r"\d+ blocks, \d+ chunks, \d+ columns, \d+ log segments: whole\n$")
        block = max((self.store / "blocks").glob("*.block"), key=lambda path: path.stat().st_size)
        good = block.read_bytes()
        for at, place in ((20, "chunk at byte 16"), (len(good) - 1, "footer"), (3, "header"), (len(good) // 2, "groups|chunk|index")):
            block.write_bytes(good[:at] + bytes([good[at] ^ 64]) + good[at + 1:])
            harmed = tsdb("verify", self.store)
            self.assertEqual(harmed.returncode, 1, at)
            self.assertRegex(harmed.stdout, rf"{block.name}.*({place})")
            self.assertTrue(block.exists())
            self.assertEqual(tsdb("inspect", self.store).returncode, 0)
            self.assertEqual(tsdb("export", self.store).stdout[-6:], "# EOF\n")

    def test_wrong_usage_is_2(self):
        for arguments in (("verify", self.folder), ("inspect", self.folder / "absent"), ("export", self.folder), ("verify",),
                          ("export", self.folder, "--match", "{"), ("export", self.folder, "--from", "noon"), ()):
            self.assertEqual(tsdb(*arguments).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
