# SPDX-License-Identifier: Apache-2.0
"""Whatever a target does to us: that scrape fails with a reason, and nobody else is harmed."""
import gzip
import time
import unittest

from harness import Inferscope, RawServer, free_port, page_answer, repeated, wait_for

GOOD_PAGE = "# TYPE good gauge\ngood 1\n"


def config_for(targets, extra=""):
    jobs = "".join(f"""
  - job_name: {name}
    scrape_interval: 1s
    scrape_timeout: 800ms
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
{options}""" for name, port, options in targets)
    return f"global: {{scrape_interval: 1s, scrape_timeout: 800ms}}\ndiscovery: {{processes: false}}\n{extra}scrape_configs:{jobs}"


def send_slowly(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(20):
        connection.sendall(b"g")
        time.sleep(1)
    return False


def send_gigabyte(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n")
    block = b"# filler filler filler filler filler filler filler filler filler\n" * 1000
    for _ in range(1_000_000_000 // len(block)):
        connection.sendall(block)
    return False


def send_unbounded(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    block = b"#" * 65535 + b"\n"
    for _ in range(20_000):
        connection.sendall(b"10000\r\n" + block + b"\r\n")
    return False


BOMB = gzip.compress(b"\n" * 300_000_000, 9)


def send_half_page(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + GOOD_PAGE.encode())
    return False


def hang(_connection, _request):
    time.sleep(30)
    return False


def close_at_once(_connection, _request):
    return False


# name -> (answer of the server, part of the reason that must be shown)
FAULTS = {
    "hangs": (hang, "800"),
    "a-byte-a-second": (send_slowly, "800"),
    "one-gigabyte": (send_gigabyte, "body_size_limit"),
    "unbounded": (send_unbounded, "body_size_limit"),
    "gzip-bomb": (page_answer(BOMB, extra="Content-Encoding: gzip\r\n"), "body_size_limit"),
    "half-a-page": (send_half_page, "clos"),
    "closes": (close_at_once, "clos"),
    "redirects": (page_answer("", status="302 Found", extra="Location: http://127.0.0.1:1/metrics?token=secret123\r\n"), "refused"),
    "rubbish": (page_answer("good 1\n{{{{ not a page\n"), "line 2"),
    "html": (page_answer("<html><body>Hello</body></html>\n", content_type="text/html"), "line 1"),
    "bad-value": (page_answer("a 1\nb one\n"), "one"),
    "not-http": (lambda connection, _request: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") or False, ""),
    "status-500": (page_answer("oops", status="500 Internal Server Error"), "500"),
}


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = {name: RawServer(answer) for name, (answer, _) in FAULTS.items()}
        cls.good = RawServer(page_answer(GOOD_PAGE))
        limited = "    body_size_limit: 1MB\n"
        targets = [(name, server.port, limited) for name, server in cls.servers.items()]
        targets += [("refuses", free_port(), ""), ("good", cls.good.port, "")]
        config = config_for(targets) + """
  - job_name: no-such-name
    scrape_interval: 1s
    scrape_timeout: 800ms
    static_configs: [{targets: ['no-such-host.invalid:80']}]
"""
        cls.server = Inferscope("serve", "--sources", "engines,self", config=config)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        for server in [*cls.servers.values(), cls.good]:
            server.close()

    def by_job(self, job):
        return next(t for t in self.server.targets() if t["scrapePool"] == job)

    def test_each_fault_is_down_with_its_reason(self):
        for name, (_, reason) in FAULTS.items():
            with self.subTest(name):
                said = wait_for(name, lambda name=name: (t := self.by_job(name))["health"] == "down" and t["lastError"])
                self.assertNotIn("secret123", said)
                # Where this machine stood still, another reason may be the first one.
                wait_for(f"{name}: {reason}", lambda name=name, reason=reason: reason.lower() in self.by_job(name)["lastError"].lower())

    def test_refusal_and_unknown_names_are_told_apart(self):
        refused = wait_for("refused", lambda: (t := self.by_job("refuses"))["health"] == "down" and t)
        self.assertIn("refused", refused["lastError"].lower())
        unknown = wait_for("unknown", lambda: (t := self.by_job("no-such-name"))["health"] == "down" and t)
        self.assertIn("no-such-host.invalid", unknown["lastError"])

    @repeated
    def test_the_good_target_is_not_harmed(self):
        target = wait_for("good", lambda: (t := self.by_job("good"))["health"] == "up" and t)
        self.assertEqual(target["lastError"], "")
        requests, connections = len(self.good.requests), self.good.connections
        time.sleep(10)
        self.assertGreaterEqual(len(self.good.requests) - requests, 9, "scraped every second among the broken")
        self.assertEqual(self.good.connections, connections, "one kept-alive connection")
        self.assertLess(self.server.rss_bytes(), 64 << 20, "bombs don't cost memory")

    def test_up_is_zero_for_the_broken_and_slow_ones_are_asked_less_often(self):
        hanging = wait_for("slowed", lambda: (t := self.by_job("hangs"))["inferscope"]["slowed"] and t)
        self.assertNotEqual(hanging["inferscope"]["intervalInForce"], hanging["scrapeInterval"])
        ups = lambda: {dict(labels)["job"]: value for (name, labels), value in self.server.series().items() if name == "up"}
        wait_for("the good one is up", lambda: ups()["good"] == 1)
        self.assertEqual((ups()["hangs"], ups()["rubbish"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
