# SPDX-License-Identifier: Apache-2.0
"""One command, no configuration: engines among this machine's processes are found; file and HTTP discovery follow."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import Inferscope, Process, RawServer, find, free_port, page_answer, wait_for

PAGES = pathlib.Path(__file__).resolve().parent.parent / "pages"

# Serves a page under an engine's command line: `vllm serve MODEL --port N --api-key SECRET`.
FAKE_ENGINE = """
import http.server, pathlib, sys, time
PAGE = pathlib.Path({page!r}).read_bytes()
STATUS = {status}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = PAGE if self.path.startswith("/metrics") else b"{{}}"
        self.send_response(STATUS if self.path.startswith("/metrics") else 200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
while pathlib.Path({loads!r}).exists(): time.sleep(0.05)
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def fake_engine(folder, name, page, arguments, status=200):
    """It listens once there is no file `loads` in the folder."""
    program = pathlib.Path(folder) / name
    program.write_text(FAKE_ENGINE.format(page=str(PAGES / page), status=status, loads=f"{folder}/loads"))
    return Process([sys.executable, program, *arguments])


class Processes(unittest.TestCase):
    def test_an_engine_is_found_by_its_process_and_its_key_is_never_shown(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            with fake_engine(folder, "vllm", "vllm-v1-objects/single-after.prom",
                             ["serve", "some/model", "--port", str(port), "--api-key", "sk-topsecret"]), Inferscope("serve") as server:
                wait_for("found", lambda: server.target(str(port))["health"] == "up")
                wait_for("unified", lambda: find(server.series(), "gpustack:num_requests_running", instance=f"127.0.0.1:{port}"))
                shown = server.get("/api/v1/targets").text + server.get("/api/v1/engines").text + server.get("/metrics").text + \
                    server.get("/metrics/raw").text + "\n".join(server.log)
                self.assertNotIn("sk-topsecret", shown)

    def test_an_engine_is_shown_while_it_loads_and_after_it_crashed(self):
        port = free_port()

        def engine(server):
            return next((e for e in server.engines()["engines"] if str(port) in e["instance"]), {})

        with tempfile.TemporaryDirectory() as folder:
            loads = pathlib.Path(folder, "loads")
            loads.touch()
            with fake_engine(folder, "vllm", "vllm-v1-objects/single-after.prom", ["serve", "m", "--port", str(port)]) as fake, \
                    Inferscope("serve") as server:
                loading = wait_for("loading", lambda: (e := engine(server)).get("state") == "loading" and e)
                self.assertIn("its process runs", loading["reason"])
                loads.unlink()
                wait_for("it works", lambda: engine(server).get("state") in ("alive", "idle"))
                fake.process.kill()
                wait_for("down", lambda: engine(server).get("state") == "down")
                wait_for("said", lambda: any("is gone: process" in line for line in server.log))
                self.assertEqual(engine(server).get("state"), "down", "it stays listed")

    def test_metrics_that_are_switched_off_are_said_with_the_flag_to_restart_with(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            with fake_engine(folder, "llama-server", "vllm-v1-objects/single-after.prom", ["--model", "x.gguf", "--port", str(port)],
                             status=501), Inferscope("serve") as server:
                # It may be found before it listens.
                wait_for("the flag is said", lambda: "--metrics" in server.target(str(port))["lastError"])


class FilesAndLists(unittest.TestCase):
    def test_file_and_http_lists_are_followed_and_relabelled(self):
        page = RawServer(page_answer("a 1\n"))
        listed = [[{"targets": [f"127.0.0.1:{page.port}"], "labels": {"from": "http"}}]]
        list_server = RawServer(page_answer(lambda: json.dumps(listed[0]), content_type="application/json"))
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "targets.json"
            file.write_text(json.dumps([{"targets": [f"127.0.0.1:{page.port}"], "labels": {"from": "file"}}]))
            config = f"""
global: {{scrape_interval: 1s}}
discovery: {{processes: false}}
scrape_configs:
  - job_name: files
    file_sd_configs: [{{files: ['{folder}/*.json'], refresh_interval: 1s}}]
    relabel_configs:
      - {{source_labels: [from], target_label: origin, replacement: 'the-$1'}}
      - {{regex: from, action: labeldrop}}
  - job_name: lists
    http_sd_configs: [{{url: 'http://127.0.0.1:{list_server.port}/', refresh_interval: 1s}}]
"""
            with Inferscope("serve", config=config) as server:
                labels = lambda job: [t["labels"] for t in server.targets() if t["scrapePool"] == job]
                wait_for("files", lambda: [l.get("origin") for l in labels("files")] == ["the-file"])
                self.assertNotIn("from", labels("files")[0])
                wait_for("lists", lambda: [l.get("from") for l in labels("lists")] == ["http"])
                listed[0] = []
                wait_for("the list's target is gone", lambda: not labels("lists"))
                file.write_text("[{ broken")
                os.utime(file)
                wait_for("still there", lambda: len(labels("files")) == 1)
                file.write_text("[]")
                wait_for("the file's target is gone", lambda: not labels("files"))
        page.close()
        list_server.close()


class Check(unittest.TestCase):
    def run_check(self, kind, text):
        from harness import BINARY
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "file.yml"
            file.write_text(text)
            return subprocess.run([BINARY, "check", kind, file], capture_output=True, text=True, check=False)

    def test_check_says_file_line_and_column(self):
        good = self.run_check("config", "global: {scrape_interval: 5s}\n")
        self.assertEqual(good.returncode, 0, good.stderr)
        bad = self.run_check("config", "global:\n  scrape_interval: often\n")
        self.assertEqual(bad.returncode, 1)
        self.assertRegex(bad.stdout + bad.stderr, r"file\.yml:2:20: ")
        bad = self.run_check("mapping", "gpustack_metrics: {}\nruntime_mapping:\n  vLLM:\n    '*': {a: 'gpustack:nowhere'}\n")
        self.assertEqual(bad.returncode, 1)
        self.assertRegex(bad.stdout + bad.stderr, r"file\.yml:4:\d+: ")


if __name__ == "__main__":
    unittest.main()
