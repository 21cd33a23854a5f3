# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus as sender and as judge: it scrapes a page, remote-writes it to us, and both are asked the same. Where the
answers differ, and rightly: Prometheus's sender leaves out -0's sign, it forgets the metadata of a target that is gone, and as
an elder version it has closed ranges, and a `.` in patterns that doesn't match a new line (both as in Prometheus 3 here)."""
import itertools
import json
import pathlib
import tempfile
import time
import unittest
import urllib.parse

from harness import Inferscope, RawServer, http_request, page_answer, prometheus, prometheus_query, wait_for
from remote_write import Sender

PAGES = pathlib.Path(__file__).resolve().parent.parent / "pages"
CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
- job_name: moving
  static_configs: [{{targets: ['127.0.0.1:{moving}']}}]
- job_name: engine
  static_configs: [{{targets: ['127.0.0.1:{engine}']}}]
remote_write:
- url: http://127.0.0.1:{port}/api/v1/write
  metadata_config: {{send_interval: 500ms}}
  queue_config: {{batch_send_deadline: 200ms, max_samples_per_send: 300, min_shards: 3}}
"""
# Without -0: the sender leaves out a value that equals 0, and with it the sign.
VALUES = ("0", "1", "0.1", "1e21", "1e22", "123456789.125", "1e-7", "5e-324", "1.7976931348623157e+308", "+Inf", "-Inf", "NaN",
          "0.30000000000000004", "9007199254740993")


FROM_PAGES = '{__name__!~"up|scrape_.*",job=~".+"}'


class MovingPage:
    """Values of all kinds; every third scrape a series is missing, and comes back."""

    def __init__(self):
        self.scrapes = 0

    def __call__(self):
        self.scrapes += 1
        lines = ["# HELP moves_total Counts \\\\ and\\nmore.", "# TYPE moves_total counter", f"moves_total {self.scrapes * 3}",
                 "# TYPE odd gauge"]
        lines += [f'odd{{number="{number}",text="{text}"}} {VALUES[(number + self.scrapes) % len(VALUES)]}'
                  for number, text in enumerate(("plain", "a\\\"b", "a\\\\b", "a\\nb", "模型", "{}=,", ""))]
        if self.scrapes % 3:
            lines.append("now_and_then 1")
        return "\n".join(lines) + "\n"


class SameAnswers(unittest.TestCase):
    """The data stays as it is once the page is gone: both are asked about the time before."""

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup((folder := tempfile.TemporaryDirectory()).cleanup)
        pages = [RawServer(page_answer(page)) for page in (MovingPage(), (PAGES / "vllm-v1-objects/single-after.prom").read_text())]
        cls.ours = Inferscope("serve", "--sources", "none")
        cls.addClassCleanup(cls.ours.stop)
        started = time.time()
        cls.real = prometheus(CONFIG.format(moving=pages[0].port, engine=pages[1].port, port=cls.ours.port), folder.name)
        cls.addClassCleanup(cls.real.stop)
        wait_for("scrapes", lambda: len(pages[0].requests) >= 14 and len(pages[1].requests) >= 12)
        cls.start, cls.end = started, time.time() - 0.6
        wait_for("all of it is here", lambda: cls.newest(cls.ours) >= cls.end)
        for page in pages:
            page.close()
        wait_for("both have seen the end", lambda: not prometheus_query(cls.real, FROM_PAGES) and not cls.ours.query(FROM_PAGES))
        cls.gone = time.time()
        wait_for("the end is here", lambda: cls.newest(cls.ours) > cls.gone)

    @staticmethod
    def newest(server):
        return max((at for entry in server.query("up[1m]") for at, _ in entry["values"]), default=0)

    def both(self, path, **parameters):
        """Our `data` and Prometheus's, numbers as they are written."""
        path = f"/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        answers = [json.loads(http_request(process.port, path).body, parse_float=str) for process in (self.ours, self.real)]
        for answer in answers:
            self.assertEqual(answer["status"], "success", answer)
        return [answer["data"] for answer in answers]

    def sorted(self, entries):
        """Prometheus lists series in an order of its own."""
        return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))

    def assert_same_result(self, query, at):
        mine, theirs = self.both("query", query=query, time=at)
        self.assertEqual(mine["resultType"], theirs["resultType"])
        self.assertEqual(self.sorted(mine["result"]), self.sorted(theirs["result"]), f"{query} at {at}")
        return mine["result"]

    def test_instant_selectors(self):
        found = 0
        for selector in ('{job=~".+"}', "odd", "now_and_then", 'odd{text=""}', 'odd{text!="plain",number=~"1|2|5"}', 'up{instance!~"x.*"}',
                         '{__name__=~"vllm:.*",le="+Inf"}', "scrape_samples_scraped", "nothing"):
            for step in range(12):
                found += len(self.assert_same_result(selector, f"{self.start + (self.end - self.start) * step / 11:.3f}"))
        self.assertGreater(found, 2000)

    def test_after_the_target_is_gone_its_series_are_too(self):
        self.assertEqual(self.assert_same_result(FROM_PAGES, f"{self.gone:.3f}"), [])
        self.assertEqual({entry["value"][1] for entry in self.assert_same_result("up", f"{self.gone:.3f}")}, {"0"})

    def test_range_selectors(self):
        # Ranges are closed in Prometheus 2 and left-open in 3 and here: none may begin at the very millisecond of a scrape.
        scrapes = {round(float(at) * 1000) for entry in self.both("query", query="up[1m]", time=f"{self.gone:.3f}")[0]["result"]
                   for at, _ in entry["values"]}
        for selector, window in (("odd", 60_000), ("now_and_then", 60_000), ('{job="engine",__name__=~"vllm:.*|up"}', 3000),
                                 ("moves_total", 1700), ("scrape_duration_seconds", 60_000)):
            for about in (self.end, self.end - 2.3456, self.gone):
                at = next(at for at in itertools.count(round(about * 1000)) if at - window not in scrapes)
                self.assert_same_result(f"{selector}[{window}ms]", f"{at / 1000:.3f}")

    def test_what_differs_as_prometheus_3_does(self):
        mine, theirs = self.both("query", query="moves_total[1m]", time=f"{self.end:.3f}")
        self.assertEqual(mine, theirs)
        times = [at for at, _ in mine["result"][0]["values"]]
        window = round(self.end * 1000) - round(float(times[0]) * 1000)
        mine, theirs = self.both("query", query=f"moves_total[{window}ms]", time=f"{self.end:.3f}")
        self.assertEqual([at for at, _ in theirs["result"][0]["values"]], times)
        self.assertEqual([at for at, _ in mine["result"][0]["values"]], times[1:], "a range is open at its left end")
        mine, theirs = self.both("query", query='odd{text=~"a.b"}', time=f"{self.end:.3f}")
        texts = [{entry["metric"]["text"] for entry in found["result"]} for found in (mine, theirs)]
        self.assertEqual(texts, [{"a\"b", "a\\b", "a\nb"}, {"a\"b", "a\\b"}])

    def test_series_labels_and_their_values(self):
        window = {"start": f"{self.start:.3f}", "end": f"{self.gone:.3f}"}
        for selectors in (["up"], ["odd", "moves_total"], ['{job="engine"}'], ['{text!="",number!="1"}', "up"], ["nothing"]):
            mine, theirs = self.both("series", **{"match[]": selectors}, **window)
            self.assertEqual(self.sorted(mine), self.sorted(theirs), selectors)
            for path in ("labels", "label/__name__/values", "label/job/values", "label/number/values", "label/text/values", "label/no/values"):
                mine, theirs = self.both(path, **{"match[]": selectors}, **window)
                self.assertEqual(mine, theirs, (path, selectors))
        for path in ("labels", "label/__name__/values", "label/instance/values", "label/text/values"):
            mine, theirs = self.both(path)
            self.assertEqual(mine, theirs, path)

    def test_metadata(self):
        # Prometheus itself forgets a target's metadata when it is gone; what it sent before we keep.
        mine = self.ours.ask("metadata").json["data"]
        self.assertEqual(mine["moves_total"], [{"type": "counter", "help": "Counts \\ and\nmore.", "unit": ""}])
        self.assertEqual(mine["odd"], [{"type": "gauge", "help": "", "unit": ""}])
        self.assertEqual(mine["vllm:num_requests_running"][0]["type"], "gauge")
        self.assertEqual(mine["vllm:time_to_first_token_seconds"][0]["type"], "histogram")

    def test_wrong_questions_are_refused_with_the_same_kind_of_error(self):
        for path in ("query?query=up{", "query?query=up&time=soon", "query?query={}", "series", "series?match[]=up{", "series?match[]=up&start=x",
                     "labels?start=2&end=x", "query"):
            mine, theirs = [http_request(process.port, f"/api/v1/{path}") for process in (self.ours, self.real)]
            self.assertEqual((mine.status, mine.json["status"], mine.json["errorType"]),
                             (theirs.status, theirs.json["status"], theirs.json["errorType"]), path)


class PartlyBadRequest(unittest.TestCase):
    """400 in Prometheus's words, so that its senders don't come again, and what was good is kept."""

    def test_good_samples_of_a_bad_request_are_kept(self):
        now = round(time.time() * 1000)
        series = lambda name: {"__name__": name, "job": "it"}
        with Inferscope("serve", "--sources", "none") as server, Sender(server.port) as sender:
            self.assertEqual(sender.send([(series(name), [(now, 1)]) for name in ("a", "b", "c")]).status, 204)
            self.assertEqual(sender.send([(series("a"), [(now, 1)])]).status, 204, "the same again is no error")
            answer = sender.send([
                (series("a"), [(now, 2)]),
                (series("b"), [(now - 3_600_000, 5), (now + 1000, 6)]),
                (series("c"), [(now - 60_000, 7)]),
                ((("__name__", "bad"), ("job", "it"), ("job", "twice")), [(now, 8)]),
                ((("__name__", b"\xff"), ("job", "it")), [(now, 8)]),
                ({"job": "nameless"}, [(now, 8)]),
                (series("d"), [(now, 9)])])
            self.assertEqual(answer.status, 400)
            for words in ("duplicate sample for timestamp: {__name__=\"a\",job=\"it\"}", "out of order sample: {__name__=\"b\",job=\"it\"}",
                          "label name \"job\" is not unique: invalid sample"):
                self.assertIn(words, answer.text)
            at = (now + 2000) / 1000
            found = {entry["metric"]["__name__"]: [value for _, value in entry["values"]] for entry in server.query('{__name__=~".+"}[2h]', at)}
            self.assertEqual(found, {"a": ["1"], "b": ["1", "6"], "c": ["7", "1"], "d": ["9"]})

    def test_what_is_no_request_is_refused_whole(self):
        with Inferscope("serve", "--sources", "none") as server:
            for body, headers, status in ((b"not snappy", {}, 400), (b"\x04\x0cabcd", {}, 400), (b"", {"Content-Type": "text/plain"}, 415)):
                answer = http_request(server.port, "/api/v1/write", "POST", body, {"Content-Encoding": "snappy", **headers})
                self.assertEqual(answer.status, status, body)
                self.assertTrue(answer.text.strip())


if __name__ == "__main__":
    unittest.main()
