# SPDX-License-Identifier: Apache-2.0
"""What `serve` scrapes is kept: an engine's series under their own and their unified names, as long as and when they were."""
import json
import pathlib
import re
import tempfile
import time
import unittest

from harness import Inferscope, RawServer, page_answer, wait_for

PAGE = (pathlib.Path(__file__).resolve().parent.parent / "pages/vllm-v1-objects/single-after.prom").read_text()
RAW, UNIFIED, RENAMED = "vllm:num_requests_running", "gpustack:num_requests_running", "gpustack:running_now"
MAPPING = {"gpustack_metrics": {RENAMED: {"type": "Gauge", "description": "Ours."}}, "runtime_mapping": {"vllm": {"*": {RAW: RENAMED}}}}
CONFIG = "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\ndiscovery: {{processes: false}}\nengines: [{engines}]\n"


class Engine:
    """A page of vLLM on which the number of running requests is that of the scrapes."""

    def __init__(self):
        self.scrapes = 0
        self.text = PAGE
        self.server = RawServer(page_answer(self._page))

    def _page(self):
        self.scrapes += 1
        return re.sub(rf"^({RAW}{{.*}}) .*$", rf"\1 {self.scrapes}", self.text, flags=re.MULTILINE)


class Scraped(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.engine = Engine()
        self.addCleanup(self.engine.server.close)
        self.config = CONFIG.format(engines=f"{{url: 'http://127.0.0.1:{self.engine.server.port}'}}")

    def serve(self, config=None):
        return Inferscope("serve", "--sources", "engines", config=config or self.config, storage=self.folder)

    def samples(self, server, name):
        """The samples of the one series with that name: {time: value}."""
        entries = server.query(name + "[1h]")
        self.assertLessEqual(len(entries), 1)
        return {at: float(value) for entry in entries for at, value in entry["values"]}

    def at_least(self, server, name, count):
        return wait_for(f"{count} of {name}", lambda: len(found := self.samples(server, name)) >= count and found)

    def test_both_names_of_a_series_have_each_scrape(self):
        with self.serve() as server:
            self.at_least(server, UNIFIED, 6)
            raw = self.at_least(server, RAW, 8)
            unified = self.samples(server, UNIFIED)
            failed = list(self.samples(server, "up").values()).count(0)  # where this machine stood still
            self.assertTrue(raw.items() <= self.samples(server, RAW).items())
            self.assertTrue(all(at < min(unified) for at in raw.keys() - unified.keys()), "both names, once the engine is known")
            both = raw.keys() & unified.keys()
            self.assertEqual({at: raw[at] for at in both}, {at: unified[at] for at in both})
            values = [raw[at] for at in sorted(raw)]
            self.assertEqual(values, sorted(set(values)), "none stands twice")
            self.assertLessEqual(values[-1] - values[0] + 1 - len(values), failed, "no scrape is missing")
            labels = server.query(UNIFIED)[0]["metric"]
            self.assertEqual((labels["runtime"], labels["instance"]), ("vLLM", f"127.0.0.1:{self.engine.server.port}"))
            self.assertEqual(server.ask("metadata", metric=RAW).json["data"][RAW][0]["type"], "gauge")
            shown = {name for name, _ in (server.series() | server.series("/metrics/raw")).keys()}
            kept = set(server.ask("label/__name__/values").json["data"])
            self.assertEqual(shown - kept, set(), "what is shown is kept")
            server.kill()
        with self.serve() as server:
            after = self.samples(server, RAW)
            self.assertTrue(raw.items() <= after.items())
            self.assertTrue(unified.items() <= self.samples(server, UNIFIED).items())

    def test_a_mapping_posted_now_never_shows_an_alias_in_the_past(self):
        with self.serve() as server:
            before = self.at_least(server, UNIFIED, 5)
            posted = time.time()
            self.assertEqual(server.post("/metrics/config", json.dumps(MAPPING)).json, {"status": "ok"})
            renamed = self.at_least(server, RENAMED, 5)
            self.assertGreater(min(renamed), posted - 0.01, "times are aligned within 2 ms")
            old = self.samples(server, UNIFIED)
            self.assertTrue(before.items() <= old.items(), "the past keeps its names")
            self.assertEqual(old.keys() & renamed.keys(), set())
            self.assertEqual(server.query(UNIFIED), [], "and the old name ends")
            raw = self.samples(server, RAW)
            self.assertEqual({at: raw[at] for at in renamed}, renamed)
            server.flush()
            self.assertTrue(renamed.items() <= self.samples(server, RENAMED).items())
            self.assertGreater(min(self.samples(server, RENAMED)), posted - 0.01)
            self.assertEqual(self.samples(server, UNIFIED), old)
        with self.serve() as server:
            self.assertGreater(min(self.samples(server, RENAMED)), posted - 0.01)
            self.assertEqual(self.samples(server, UNIFIED), old)

    def test_a_target_that_goes_away_is_stale_at_once_and_its_past_stays(self):
        with self.serve() as server:
            before = self.at_least(server, RAW, 4)
            self.engine.server.close()
            wait_for("stale", lambda: not server.query(RAW) and not server.query(UNIFIED))
            self.assertEqual([entry["value"][1] for entry in server.query("up")], ["0"])
            self.assertTrue(before.items() <= self.samples(server, RAW).items())
            server.write_config(CONFIG.format(engines=""))
            self.assertEqual(server.post("/-/reload").status, 200)
            wait_for("not even up", lambda: not server.query("up"))
            server.flush()
            self.assertEqual(server.query(f'{{__name__=~"{RAW}|{UNIFIED}|up"}}'), [], "in a block, too")
        with self.serve(CONFIG.format(engines="")) as server:
            self.assertEqual(server.query(f'{{__name__=~"{RAW}|{UNIFIED}|up"}}'), [])
            self.assertTrue(before.items() <= self.samples(server, RAW).items())

    def test_a_line_that_goes_away_is_stale_and_the_others_go_on(self):
        with self.serve() as server:
            self.at_least(server, RAW, 3)
            self.engine.text = "".join(line for line in PAGE.splitlines(True) if RAW not in line)
            wait_for("stale", lambda: not server.query(RAW) and not server.query(UNIFIED))
            wait_for("the others go on", lambda: len(server.query("vllm:num_requests_waiting")) == 1)
            self.engine.text = PAGE
            wait_for("back", lambda: server.query(RAW) and server.query(UNIFIED))


if __name__ == "__main__":
    unittest.main()
