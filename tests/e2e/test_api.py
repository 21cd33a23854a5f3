# SPDX-License-Identifier: Apache-2.0
"""The HTTP API beside that of a real Prometheus with the same samples: shapes, errors, promtool; and `inferscope query`."""
import gzip
import json
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import promql_data
from harness import BINARY, Inferscope, RawServer, http_request, page_answer, prometheus, wait_for
from remote_write import Sender

START, END = promql_data.START / 1000, promql_data.END / 1000
MIDDLE = START + 900
CONFIG = """
global: {{scrape_interval: 1s, external_labels: {{zone: z, job: outer}}}}
scrape_configs:
- job_name: page
  basic_auth: {{username: joe, password: hunter2}}
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
- job_name: nothing
  static_configs: [{{targets: ['127.0.0.1:1']}}]
  relabel_configs: [{{action: drop, source_labels: [job], regex: nothing}}]
"""
FLAGS = ("--web.enable-remote-write-receiver", "--enable-feature=promql-at-modifier,promql-negative-offset,promql-per-step-stats")
#: What Prometheus 3, whose shapes these are, has beside 2.42; and what is ours.
NEWER = {"droppedTargetCounts", "hostname", "serverTime", "GOMEMLIMIT", "inferscope"}


def shape(value):
    """Names and types; of a list its first entry."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items() if name not in NEWER}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


class BesidePrometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup((folder := tempfile.TemporaryDirectory()).cleanup)
        page = RawServer(page_answer("# TYPE shown gauge\nshown 1\n"))
        cls.addClassCleanup(page.close)
        config = CONFIG.format(port=page.port)
        cls.ours = Inferscope("serve", "--sources", "engines", "--promql.compat", "2", config=config + "discovery: {processes: false}\n")
        cls.addClassCleanup(cls.ours.stop)
        # A head that has samples of now takes none of long ago: one Prometheus scrapes, the other one is written to.
        cls.scraping = prometheus(config, folder.name)
        cls.addClassCleanup(cls.scraping.stop)
        cls.addClassCleanup((other := tempfile.TemporaryDirectory()).cleanup)
        cls.real = prometheus("global: {external_labels: {zone: z, job: outer}}", other.name, *FLAGS)
        cls.addClassCleanup(cls.real.stop)
        for process in (cls.ours, cls.real):
            promql_data.send(process.port)
        for port in (cls.ours.port, cls.scraping.port):
            wait_for("a scrape", lambda port=port: http_request(port, "/api/v1/query?query=shown").json["data"]["result"])

    def both(self, path, real=None, **parameters):
        path = f"/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        return [http_request(process.port, path) for process in (self.ours, real or self.real)]

    def assert_same_shape(self, path, real=None, **parameters):
        mine, theirs = self.both(path, real, **parameters)
        self.assertEqual(mine.status, theirs.status, path)
        self.assertEqual(mine.headers["Content-Type"], theirs.headers["Content-Type"])
        self.assertEqual(shape(mine.json), shape(theirs.json), path)
        return mine.json["data"]

    def test_queries_have_prometheus_shapes(self):
        for query in ("1", '"text"', "up", "up[5m]", "nothing", "{kind=~\".+\"}"):
            self.assert_same_shape("query", query=query, time=MIDDLE)
        self.assert_same_shape("query", query="up", time=MIDDLE, stats="1")
        self.assert_same_shape("query_range", query="up", start=START, end=END, step=60, stats="true")
        self.assert_same_shape("query", query="up", time=MIDDLE, stats="all")
        self.assert_same_shape("query_range", query="rate(http_requests_total[5m])", start=START, end=END, step=60, stats="all")
        self.assert_same_shape("query_exemplars", query="rate(http_requests_total[5m]) + up", start=START, end=END)
        self.assert_same_shape("format_query", query="sum(up)by(job)")

    def test_status_endpoints_have_prometheus_shapes(self):
        for path in ("status/runtimeinfo", "status/config", "status/walreplay", "status/buildinfo", "rules", "alerts", "alertmanagers"):
            self.assert_same_shape(path)
        self.assert_same_shape("targets", self.scraping)
        self.assert_same_shape("targets", self.scraping, state="active")
        self.assert_same_shape("targets", self.scraping, state="dropped")
        flags = self.ours.ask("status/flags").json["data"]
        theirs = http_request(self.real.port, "/api/v1/status/flags").json["data"]
        for name in ("query.max-samples", "query.timeout", "query.lookback-delta", "query.max-concurrency"):
            self.assertEqual(flags[name], theirs[name])
        self.assertEqual(flags["promql.compat"], "2")

    def test_targets_are_chosen_by_pool(self):
        pools = self.ours.ask("scrape_pools").json["data"]["scrapePools"]
        self.assertEqual(pools, ["nothing", "page"])
        found = self.ours.ask("targets", scrapePool="page").json["data"]
        self.assertEqual([target["scrapePool"] for target in found["activeTargets"]], ["page"])
        self.assertEqual(found["droppedTargets"], [])
        self.assertEqual(self.ours.ask("targets").json["data"]["droppedTargetCounts"], {"nothing": 1, "page": 0})

    def test_the_configuration_is_shown_without_secrets(self):
        shown = self.ours.ask("status/config").json["data"]["yaml"]
        self.assertNotIn("hunter2", shown)
        self.assertIn("password: <secret>", shown)
        self.assertIn("username: joe", shown)

    def test_the_same_errors(self):
        instant = dict(query="up", time=MIDDLE)
        ranged = dict(query="up", start=START, end=END, step=60)
        for path, parameters in (
                ("query", dict(query="foo(")), ("query", dict(query="")), ("query", {}), ("query", instant | dict(time="soon")),
                ("query", instant | dict(timeout="x")), ("query_range", ranged | dict(step=0)), ("query_range", ranged | dict(step=-1)),
                ("query_range", ranged | dict(step="x")), ("query_range", ranged | dict(step="")), ("query_range", ranged | dict(step=0.3)),
                ("query_range", ranged | dict(end=START - 1)), ("query_range", ranged | dict(start="")), ("query_range", ranged | dict(end="x")),
                ("query_range", ranged | dict(query="up[5m]")), ("query_range", ranged | dict(query="up[")), ("query_range", {}),
                ("query_range", ranged | dict(timeout="1x")), ("query_range", ranged | dict(step=1e30)), ("query", instant | dict(timeout=1e30)),
                ("format_query", dict(query="sum(")), ("rules", dict(type="x")),
                ("query", instant | dict(query="memory_bytes * on (job) build_info")),
                ("query", instant | dict(query='label_replace(up, "x", "", "y", "(")')),
                ("query", instant | dict(query='label_join(up, "~", "", "y")'))):
            mine, theirs = self.both(path, **parameters)
            self.assertEqual(mine.status, theirs.status, f"{path} {parameters}")
            texts = [answer.json["error"].split("series for the match group")[0] for answer in (mine, theirs)]
            if "error parsing regexp" not in texts[1]:
                self.assertEqual(texts[0], texts[1])
            self.assertEqual(shape(mine.json), shape(theirs.json))
            self.assertEqual(mine.json["errorType"], theirs.json["errorType"])

    def test_the_longest_range_is_11001_points(self):
        for end, status in ((11_000, 200), (11_001, 400)):
            for answer in self.both("query_range", query="1", start=0, end=end, step=1):
                self.assertEqual(answer.status, status)

    def test_forms_and_spellings_of_times(self):
        expected = self.ours.ask("query", query="up", time=1_700_000_900).json
        self.assertTrue(expected["data"]["result"])
        for moment in ("2023-11-14T22:28:20Z", "2023-11-14T23:28:20.000+01:00", "1700000900.0", "1.7000009e9"):
            self.assertEqual(self.ours.ask("query", query="up", time=moment).json, expected)
        form = urllib.parse.urlencode(dict(query="up", time=1_700_000_900))
        self.assertEqual(self.ours.post("/api/v1/query", form, "application/x-www-form-urlencoded").json, expected)
        ranges = [self.ours.ask("query_range", query="up", start=START, end=END, step=step).json for step in (60, "60", "1m", "60.0")]
        self.assertTrue(all(found == ranges[0] for found in ranges))

    def test_limit_leaves_series_out_and_says_so(self):
        for path, more in (("query", dict(time=MIDDLE)), ("query_range", dict(start=START, end=END, step=60))):
            answer = self.ours.ask(path, query="odd", limit=2, **more).json
            self.assertEqual(len(answer["data"]["result"]), 2)
            self.assertEqual(answer["warnings"], ["results truncated due to limit"])
            whole = self.ours.ask(path, query="odd", limit=1000, **more).json
            self.assertNotIn("warnings", whole)
            self.assertEqual(whole, self.ours.ask(path, query="odd", limit=0, **more).json)
        self.assertEqual(self.ours.ask("query", query="odd", limit=-1).status, 400)

    def test_lookback_delta_of_one_query(self):
        single = dict(query='odd{kind="single"}', time=START + 50 * 15 + 100)
        self.assertEqual(len(self.ours.ask("query", **single).json["data"]["result"]), 1)
        self.assertEqual(self.ours.ask("query", lookback_delta="30s", **single).json["data"]["result"], [])
        self.assertEqual(self.ours.ask("query", lookback_delta="x", **single).status, 400)

    def test_gzip_where_it_is_accepted(self):
        path = "/api/v1/query_range?" + urllib.parse.urlencode(dict(query="odd", start=START, end=END, step=15))
        plain = self.ours.get(path)
        packed = self.ours.get(path, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertLess(len(packed.body), len(plain.body) / 3)
        self.assertEqual(gzip.decompress(packed.body), plain.body)

    def test_a_query_that_takes_too_long_is_ended(self):
        heavy = dict(query="sum_over_time((sum by (job) (rate({job=~\".+\"}[1h])))[1h:1s])", start=START, end=END, step=1)
        answer = self.ours.ask("query_range", timeout="1ms", **heavy)
        self.assertEqual((answer.status, answer.json["errorType"]), (503, "timeout"))
        self.assertTrue(answer.json["error"].startswith("query timed out in "), answer.text)

    def test_a_query_ends_when_its_client_goes(self):
        heavy = " + ".join(f"holt_winters(http_requests_total[1h:1s], 0.{number}, 0.5)" for number in range(1, 10))
        path = "/api/v1/query_range?" + urllib.parse.urlencode(dict(query=heavy, start=START, end=END, step=1))
        with socket.create_connection(("127.0.0.1", self.ours.port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            before = self.ours.cpu_seconds()
            wait_for("it is being evaluated", lambda: self.ours.cpu_seconds() > before + 0.3)

        def is_idle():
            begin = self.ours.cpu_seconds()
            time.sleep(0.5)
            return self.ours.cpu_seconds() < begin + 0.1

        wait_for("nobody evaluates it any more", is_idle)

    def test_federation_gives_prometheus_page(self):
        now = int(time.time() * 1000)
        series = [({"__name__": "fed_b", "job": "a", "instance": "i:1"}, [(now, 1.5)]), ({"__name__": "fed_a", "x": "q\"\n\\"}, [(now, float("nan"))]),
                  ({"__name__": "fed_a", "x": "2", "zone": "own"}, [(now - 1000, 1.0), (now, 1e22)]), ({"__name__": "fed:c"}, [(now, float("-inf"))])]
        with tempfile.TemporaryDirectory() as folder, prometheus("global: {external_labels: {zone: z, job: outer}}", folder, FLAGS[0]) as fresh:
            pages = []
            for process in (self.ours, fresh):
                with Sender(process.port) as sender:
                    self.assertIn(sender.send(series).status, (200, 204))
                path = "/federate?" + urllib.parse.urlencode({"match[]": ['{__name__=~"fed.*"}', "fed_b"]}, doseq=True)
                pages.append(http_request(process.port, path))
            for page in pages:
                self.assertEqual((page.status, page.headers["Content-Type"]), (200, pages[1].headers["Content-Type"]))
            self.assertEqual(sorted(pages[0].text.splitlines()), sorted(pages[1].text.splitlines()))
            self.assertEqual([line for line in pages[0].text.splitlines() if line[0] == "#"], [line for line in pages[1].text.splitlines() if line[0] == "#"])
            self.assertEqual(http_request(self.ours.port, "/federate?match[]=1").status, 400)
            self.assertEqual(http_request(self.ours.port, "/federate").text, "")

    def test_format_query_lays_out_as_prometheus(self):
        long = "sum by (job,instance)(rate(http_requests_total{code=~\"5..\",method!=\"get\"}[5m]))/ignoring(code)group_left sum without(code)(rate(http_requests_total[5m]))"
        mine, theirs = self.both("format_query", query=long)
        self.assertEqual(mine.json, theirs.json)

    def test_parse_query_gives_a_tree(self):
        tree = self.ours.ask("parse_query", query="sum by (job) (rate(x[5m]))").json["data"]
        self.assertEqual((tree["type"], tree["op"], tree["grouping"]), ("aggregation", "sum", ["job"]))
        self.assertEqual(self.ours.ask("parse_query", query="sum(").status, 400)

    def promtool(self, *arguments):
        """What it prints for us and for Prometheus."""
        kind, *rest = arguments
        return [subprocess.run(["promtool", "query", kind, f"http://127.0.0.1:{process.port}", *map(str, rest)], capture_output=True, text=True, timeout=60)
                for process in (self.ours, self.real)]

    def test_promtool_asks_us_as_prometheus(self):
        between = (f"--start={START:.0f}", f"--end={END:.0f}")
        for arguments in (("instant", f"--time={MIDDLE}", "sort(memory_bytes)"), ("instant", "1 + 1"), ("instant", '"text"'),
                          ("instant", f"--time={MIDDLE}", 'odd{kind="steps"}[5m]'), ("instant", "sum("),
                          ("range", "sum by (job) (memory_bytes)", *between, "--step=5m"), ("range", "up", *between, "--step=1m", "-o", "json")):
            mine, theirs = self.promtool(arguments[0], *arguments[1:])
            self.assertEqual(mine.returncode, theirs.returncode, mine.stderr)
            if "1 + 1" not in arguments and '"text"' not in arguments:  # these print the time
                self.assertEqual(mine.stdout, theirs.stdout)
                self.assertEqual(mine.stderr, theirs.stderr)
        mine, theirs = self.promtool("series", "--match=up", "--match=build_info", *between)
        self.assertEqual(sorted(mine.stdout.splitlines()), sorted(theirs.stdout.splitlines()), mine.stderr)
        self.assertTrue(mine.stdout)
        for label in ("job", "le", "nope"):
            mine, theirs = self.promtool("labels", label, *between)
            self.assertLessEqual(set(theirs.stdout.splitlines()), set(mine.stdout.splitlines()), mine.stderr)  # ours has scraped, too

    def query_command(self, *arguments):
        return subprocess.run([BINARY, "query", f"http://127.0.0.1:{self.ours.port}", *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def test_the_query_command_prints_a_table(self):
        done = self.query_command("sort(count by (job) (http_requests_total)) + 0.5", "--time", MIDDLE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stdout.splitlines()), ['{job="api"}  12.5', '{job="db"}   12.5', '{job="web"}  12.5'])
        self.assertEqual(self.query_command("1 + 1").stdout, "2\n")
        rows = self.query_command("constant_total", "--start", START, "--end", START + 60, "--step", "30s").stdout.splitlines()
        self.assertEqual(rows[0], 'constant_total{job="api"}')
        self.assertEqual(rows[1:], [f"  2023-11-14T22:{13 + (20 + at) // 60:02}:{(20 + at) % 60:02}.000Z  7" for at in (0, 30, 60)])

    def test_the_query_command_says_where_there_is_nothing(self):
        done = self.query_command("nothing_of_that_name")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", "no samples\n"))

    def test_the_query_command_prints_json_and_errors(self):
        done = self.query_command("constant_total", "--time", MIDDLE, "--output", "json")
        self.assertEqual(json.loads(done.stdout)["result"][0]["value"], [MIDDLE, "7"])
        refused = self.query_command("sum(")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("bad_data: invalid parameter", refused.stderr)
        for wrong in (("up", "--end", "1"), ("up", "--start", "x"), ("up", "--start", "1", "--time", "2"), ("a", "b", "c")):
            self.assertEqual(self.query_command(*wrong).returncode, 2)
        nobody = subprocess.run([BINARY, "query", "http://127.0.0.1:1", "up"], capture_output=True, text=True, timeout=60)
        self.assertEqual(nobody.returncode, 1)

    def test_no_text_of_a_series_becomes_a_terminal_code(self):
        now = int(time.time() * 1000)
        with Sender(self.ours.port) as sender:
            self.assertEqual(sender.send([({"__name__": "evil", "text": "\x1b]0;owned\x07\u009b2J\u202e\x7f<b>"}, [(now, 1.0)])]).status, 204)
        for output in ("table", "json"):
            printed = self.query_command("evil", "--output", output).stdout
            self.assertIn("evil", printed)
            self.assertFalse([character for character in printed if character != "\n" and (ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or ord(character) == 0x202E)])
        answer = self.ours.ask("query", query="evil")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")


class OfPrometheus3(unittest.TestCase):
    """What no Prometheus of this machine has."""

    @classmethod
    def setUpClass(cls):
        cls.ours = Inferscope("serve", "--sources", "self", "--enable-feature", "promql-experimental-functions")
        cls.addClassCleanup(cls.ours.stop)
        promql_data.send(cls.ours.port)

    def test_infos_and_warnings_stand_beside_the_data(self):
        answer = self.ours.ask("query", query="rate(memory_bytes[5m])", time=MIDDLE).json
        self.assertEqual(len(answer["infos"]), 1)
        self.assertTrue(answer["infos"][0].startswith("PromQL info: metric might not be a counter"), answer["infos"])
        answer = self.ours.ask("query", query="quantile(2, memory_bytes)", time=MIDDLE).json
        self.assertTrue(answer["warnings"][0].startswith("PromQL warning: quantile value should be between 0 and 1"), answer["warnings"])

    def test_it_says_which_prometheus_it_is_like(self):
        self.assertEqual(self.ours.ask("status/buildinfo").json["data"]["version"].split(".")[0], "3")

    def test_a_wrong_query_over_a_range_names_its_parameter(self):
        answer = self.ours.ask("query_range", query="up[5m]", start=START, end=END, step=60)
        self.assertEqual(answer.json["error"], 'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector')

    def test_a_kept_answer_is_given_only_while_it_is_true(self):
        minute = 60_000

        def values(**more):
            answer = self.ours.ask("query_range", query="kept", start=0, end=600, step=60, **more)
            return [value for series in answer.json["data"]["result"] for _, value in series["values"]]

        def hits():
            return next(float(line.split()[-1]) for line in self.ours.get("/metrics").text.splitlines()
                        if line.startswith("inferscope_query_cache_hits_total"))

        with Sender(self.ours.port) as sender:
            for at, value in enumerate("1234"):
                self.assertEqual(sender.send([({"__name__": "kept"}, [(at * minute, float(value))])]).status, 204)
                self.assertEqual(values()[at], value, "what was acknowledged is in the next answer")
            before = hits()
            self.assertEqual(values(), values(nocache=1))
            self.assertEqual(hits(), before + 1)
            self.assertEqual(sender.send([({"__name__": "later"}, [(11 * minute, 1.0)])]).status, 204)
            values()
            self.assertEqual(hits(), before + 2, "a sample behind the end changes nothing")
        self.assertEqual(self.ours.post('/api/v1/admin/tsdb/delete_series?match[]=kept').status, 204)
        self.assertEqual(values(), [])

    def test_features_are_enabled_by_flag(self):
        self.assertEqual(self.ours.ask("query", query="limitk(2, memory_bytes)", time=MIDDLE).status, 200)


if __name__ == "__main__":
    unittest.main()
