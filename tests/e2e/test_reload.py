# SPDX-License-Identifier: Apache-2.0
"""Reloading: a bad file changes nothing and says where it is bad; unchanged targets aren't disturbed."""
import base64
import os
import pathlib
import signal
import tempfile
import time
import unittest

from harness import Inferscope, RawServer, page_answer, repeated, wait_for

# The password is "test"; the hash is the example of Prometheus's documentation.
USER = "basic_auth_users: {admin: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}\n"
RELOADS = int(os.environ.get("INFERSCOPE_RELOADS", "1000"))


def config(ports, extra=""):
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 500ms}}
discovery: {{processes: false}}
{extra}
scrape_configs:
  - job_name: it
    static_configs: [{{targets: [{targets}]}}]
"""


class Reload(unittest.TestCase):
    def setUp(self):
        self.page = RawServer(page_answer("a 1\n"))
        self.server = Inferscope("serve", "--sources", "engines,self", config=config([self.page.port]))
        wait_for("up", lambda: self.server.target(str(self.page.port))["health"] == "up")

    def tearDown(self):
        self.server.stop()
        self.page.close()

    def test_a_bad_file_is_refused_with_its_place_and_the_old_one_runs_on(self):
        self.server.write_config(config([self.page.port]).replace("scrape_interval: 1s", "scrape_interval: soon"))
        answer = self.server.post("/-/reload")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.text, r"inferscope\.yml:2:\d+: .*scrape_interval.*soon")
        self.server.write_config(config([self.page.port], extra="enginse: []"))
        answer = self.server.post("/-/reload")
        self.assertRegex(answer.text, r"inferscope\.yml:4:1: .*'enginse'.*did you mean 'engines'")
        self.assertEqual(self.server.target(str(self.page.port))["health"], "up")

    def test_sighup_reads_the_file_again(self):
        second = RawServer(page_answer("b 1\n"))
        self.server.write_config(config([self.page.port, second.port]))
        os.kill(self.server.pid, signal.SIGHUP)
        wait_for("the new target", lambda: self.server.target(str(second.port))["health"] == "up")
        self.server.write_config(config([second.port]))
        self.assertEqual(self.server.post("/-/reload").status, 200)
        wait_for("the old target is gone", lambda: len(self.server.targets()) == 1)
        wait_for("its series are gone", lambda: not [1 for name, _ in self.server.series("/metrics/raw") if name == "a"])
        second.close()

    def test_many_reloads_cost_no_memory_and_lose_no_scrape(self):
        def reload_often(times):
            for number in range(times):
                self.server.write_config(config([self.page.port], extra=f"# {number}"))
                self.assertEqual(self.server.post("/-/reload").status, 200)

        @repeated
        def check():
            memory, connections = self.server.rss_bytes(), self.page.connections
            scrapes, started = len(self.page.requests), time.monotonic()
            reload_often(RELOADS)
            time.sleep(1.5)
            elapsed = time.monotonic() - started
            grown = self.server.rss_bytes() - memory
            self.assertLess(grown, 1 << 20, f"{grown} bytes more after {RELOADS} reloads")
            self.assertEqual(self.page.connections, connections, "the connection lives on")
            self.assertGreaterEqual(len(self.page.requests) - scrapes, int(elapsed) - 1, "a scrape each second")

        reload_often(RELOADS // 10)
        check()


class WebConfig(unittest.TestCase):
    def test_it_is_read_again_and_a_bad_one_leaves_the_old_one_in_force(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "web.yml")
            file.write_text("")
            with Inferscope("serve", "--sources", "none", "--web.config.file", str(file)) as server:
                self.assertEqual(server.get("/-/healthy").status, 200)
                file.write_text(USER)
                self.assertEqual(server.post("/-/reload").status, 200)
                self.assertEqual(server.get("/-/healthy").status, 401)
                file.write_text("basic_auth_users: {admin: test}\n")
                token = base64.b64encode(b"admin:test").decode()
                login = {"Authorization": f"Basic {token}"}
                refused = server.get("/-/reload", method="POST", headers=login)
                self.assertEqual(refused.status, 500)
                self.assertRegex(refused.text, r"web\.yml:1:\d+: .*not a bcrypt hash")
                self.assertEqual(server.get("/-/healthy").status, 401)
                self.assertEqual(server.get("/-/healthy", headers=login).status, 200)
                file.write_text("")
                os.kill(server.pid, signal.SIGHUP)
                wait_for("the door is open", lambda: server.get("/-/healthy").status == 200)

    def test_it_must_not_open_the_door_beyond_loopback(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "web.yml")
            file.write_text(USER)
            with Inferscope("serve", "--sources", "none", "--web.config.file", str(file), listen="0.0.0.0:0") as server:
                file.write_text("")
                os.kill(server.pid, signal.SIGHUP)
                wait_for("refused", lambda: any("reload refused" in line and "--web.open" in line for line in server.log))
                self.assertEqual(server.get("/-/healthy").status, 401)


if __name__ == "__main__":
    unittest.main()
