# SPDX-License-Identifier: Apache-2.0
"""`inferscope exporter`: S2's stand-alone exporter, its command line and its state logic."""
import time
import unittest

from harness import BINARY, Inferscope, Process, RawServer, find, free_port, http_request, page_answer, parse_page, repeated, wait_for


class Exporter(unittest.TestCase):
    def start(self, url):
        port = free_port()
        process = Process([BINARY, "exporter", "--vllm-url", url, "--port", str(port), "--interval", "1"])
        process.port = port
        wait_for("the exporter listens", lambda: http_request(port, "/metrics").status == 200)
        return process

    def page(self, process):
        return parse_page(http_request(process.port, "/metrics").text)

    @repeated
    def test_a_healthy_engine(self):
        with Inferscope("simulate", "--engine", "vllm-v1") as engine, self.start(f"http://127.0.0.1:{engine.port}") as exporter:
            wait_for("loaded", lambda: find(self.page(exporter), "vllm_model_loaded") == [1])
            page = self.page(exporter)
            self.assertEqual(find(page, "vllm_service_up"), [1])
            self.assertEqual(find(page, "vllm_available_models_total"), [1])
            self.assertGreater(find(page, "vllm_max_model_len")[0], 0)
            self.assertGreaterEqual(find(page, "vllm_probe_request_success_total")[0], 1)
            self.assertEqual(find(page, "vllm_model_info", owned_by="vllm"), [1])
            buckets = {dict(labels)["le"] for name, labels in page if name == "vllm_health_check_latency_seconds_bucket"}
            self.assertEqual(buckets, {"0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "+Inf"})
            self.assertTrue(find(page, "vllm_exporter_scrape_duration_seconds"))
            for name, labels in page:
                self.assertNotIn("instance", dict(labels), name)

    @repeated
    def test_reachable_but_not_ready(self):
        with RawServer(page_answer("", status="503 Service Unavailable")) as engine, \
                self.start(f"http://127.0.0.1:{engine.port}") as exporter:
            wait_for("not loaded", lambda: find(self.page(exporter), "vllm_service_up") == [1])
            self.assertEqual(find(self.page(exporter), "vllm_model_loaded"), [0])

    @repeated
    def test_refused(self):
        with self.start(f"http://127.0.0.1:{free_port()}") as exporter:
            wait_for("counted", lambda: max(find(self.page(exporter), "vllm_probe_request_error_total", error_type="connection_error"), default=0))
            page = self.page(exporter)
            self.assertEqual(find(page, "vllm_service_up"), [0])
            self.assertEqual(find(page, "vllm_model_loaded"), [0])
            self.assertTrue(find(page, "vllm_exporter_scrape_errors_total", endpoint="health"))

    @repeated
    def test_read_time_out_is_reachable(self):
        with RawServer(lambda *_: time.sleep(20)) as engine, self.start(f"http://127.0.0.1:{engine.port}") as exporter:
            wait_for("counted", lambda: max(find(self.page(exporter), "vllm_probe_request_error_total", error_type="timeout"), default=0))
            page = self.page(exporter)
            self.assertEqual(find(page, "vllm_service_up"), [1])
            self.assertEqual(find(page, "vllm_model_loaded"), [0])

    def test_only_get_metrics_is_answered(self):
        with self.start(f"http://127.0.0.1:{free_port()}") as exporter:
            self.assertEqual(http_request(exporter.port, "/metrics", method="POST").status, 405)
            self.assertEqual(http_request(exporter.port, "/api/v1/targets").status, 404)


if __name__ == "__main__":
    unittest.main()
