# SPDX-License-Identifier: Apache-2.0
"""The first capability as its user meets it: engines in, unified metrics and states out."""
import json
import pathlib
import time
import unittest

from harness import Inferscope, RawServer, find, free_port, page_answer, parse_page, repeated, wait_for

KINDS = ("vllm-v0", "vllm-v1", "sglang")


def engines_config(ports, extra=""):
    return "global: {scrape_interval: 1s}\ndiscovery: {processes: false}\nprobe: {interval: 1s}\n" + extra + "engines:\n" + "".join(
        f"  - url: http://127.0.0.1:{port}\n    labels: {{team: search}}\n" for port in ports)


class Collect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engines = {kind: Inferscope("simulate", "--engine", kind, "--rate", "8", "--speed", "5") for kind in KINDS}
        cls.server = Inferscope("serve", config=engines_config([e.port for e in cls.engines.values()]))
        wait_for("all engines have finished requests", lambda: len(
            {dict(labels)["instance"] for (name, labels), value in cls.server.series().items()
             if name == "gpustack:e2e_request_latency_seconds_count" and value > 3}) == 3, 60)
        wait_for("all engines are judged, and the host was collected twice", lambda: len(
            {labels for name, labels in cls.server.series() if name == "inferscope_engine_state"}) == 21 and find(
                cls.server.series(), "gpustack:worker_node_cpu_utilization_rate"))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        for engine in cls.engines.values():
            engine.stop()

    def instance(self, kind):
        return f"127.0.0.1:{self.engines[kind].port}"

    @repeated
    def test_the_seed_families_have_one_name_whatever_the_engine(self):
        page = self.server.series()
        for kind in KINDS:
            for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_ratio", "prompt_tokens_total",
                         "generation_tokens_total", "time_to_first_token_seconds_count", "e2e_request_latency_seconds_sum"):
                self.assertTrue(find(page, f"gpustack:{name}", instance=self.instance(kind)), f"{name} of {kind}")

    @repeated
    def test_unified_values_are_the_engines_own(self):
        # The engines count on: a scrape may lie between two of our pages, or, where the machine is slow, between all of them.
        before, unified, after = (self.server.series(path) for path in ("/metrics/raw", "/metrics", "/metrics/raw"))
        for kind, name in (("vllm-v1", "vllm:generation_tokens_total"), ("vllm-v0", "vllm:generation_tokens_total"),
                           ("sglang", "sglang:generation_tokens_total")):
            first, ours, last = (find(page, name, instance=self.instance(kind)) for page, name in (
                (before, name), (unified, "gpustack:generation_tokens_total"), (after, name)))
            self.assertTrue(len(first) == len(ours) == len(last) > 0, kind)
            self.assertTrue(all(a <= b <= c for a, b, c in zip(sorted(first), sorted(ours), sorted(last))), f"{kind}: {first}, {ours}, {last}")

    @repeated
    def test_unified_series_say_where_they_belong(self):
        for (name, labels) in self.server.series():
            if name != "gpustack:num_requests_running":
                continue
            have = dict(labels)
            for label in ("cluster_id", "cluster_name", "worker_id", "worker_name", "model_id", "model_name",
                          "model_instance_id", "model_instance_name", "runtime", "job", "instance"):
                self.assertTrue(have.get(label), f"{label} in {have}")
            self.assertEqual(have["team"], "search")

    @repeated
    def test_probes_and_states_are_there(self):
        page = self.server.series()
        for kind in KINDS:
            self.assertEqual(find(page, "vllm_service_up", job="engines", instance=self.instance(kind)), [1])
            self.assertEqual(find(page, "vllm_model_loaded", instance=self.instance(kind)), [1])
            states = {dict(labels)["state"]: value for (name, labels), value in page.items()
                      if name == "inferscope_engine_state" and dict(labels)["instance"] == self.instance(kind)}
            self.assertEqual(set(states), {"alive", "idle", "saturated", "hung", "blind", "loading", "down"})
            self.assertEqual(sum(states.values()), 1)
            self.assertEqual(states["alive"] + states["idle"], 1)

    def test_engines_are_told_with_version_and_reason(self):
        engines = json.dumps(self.server.engines())
        for kind in KINDS:
            self.assertIn(str(self.engines[kind].port), engines)
        self.assertIn("reason", engines)

    @repeated
    def test_host_and_server_metrics_are_there(self):
        page = self.server.series()
        names = {name for name, _ in page}
        for name in ("worker_node_os_info", "worker_node_kernel_info", "worker_node_uptime_seconds", "worker_node_cpu_cores",
                     "worker_node_cpu_utilization_rate", "worker_node_memory_total_bytes", "worker_node_memory_used_bytes",
                     "worker_node_memory_utilization_rate", "worker_node_filesystem_total_bytes", "worker_node_filesystem_used_bytes",
                     "worker_node_filesystem_utilization_rate", "worker_status", "worker_info", "cluster_info", "cluster_status",
                     "model_info", "model_desired_instances", "model_running_instances", "model_instance_status"):
            self.assertIn(f"gpustack:{name}", names)
        for name in ("node_load1", "node_network_receive_bytes_total", "node_memory_MemAvailable_bytes"):
            self.assertIn(name, names)
        self.assertEqual(sum(find(page, "gpustack:model_running_instances")), len(KINDS))

    def test_it_has_asked_for_larger_caches_of_freed_memory(self):
        process = pathlib.Path("/proc", str(self.server.process.pid))
        self.assertIn(b"GLIBC_TUNABLES=glibc.malloc.tcache_count=250", (process / "environ").read_bytes().split(b"\0"))
        self.assertEqual((process / "comm").read_text(), "inferscope\n")

    def test_openmetrics_is_given_to_those_who_ask(self):
        answer = self.server.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
        self.assertIn("application/openmetrics-text", answer.headers["Content-Type"])
        self.assertTrue(answer.text.endswith("# EOF\n"))
        text = self.server.get("/metrics")
        self.assertIn("text/plain; version=0.0.4", text.headers["Content-Type"])

    def test_no_family_and_no_series_stands_twice(self):
        for path in ("/metrics", "/metrics/raw"):
            page = self.server.get(path).text
            parse_page(page)
            types = [line for line in page.splitlines() if line.startswith("# TYPE ")]
            self.assertEqual(len(types), len({line.split()[2] for line in types}))

    def test_remote_workers_are_listed_in_http_sd_form(self):
        answer = self.server.get("/metrics/targets")
        self.assertEqual(answer.json, [])
        self.assertIn("application/json", answer.headers["Content-Type"])

    def test_unknown_paths_and_methods_are_answered_in_words(self):
        self.assertEqual(self.server.get("/no/such/page").status, 404)
        self.assertEqual(self.server.post("/metrics").status, 405)
        self.assertIn("/api/v1/engines", self.server.get("/").text)


class PostedMapping(unittest.TestCase):
    def test_it_is_applied_from_the_next_scrape_kept_over_a_restart_and_set_back(self):
        engine = Inferscope("simulate", "--engine", "vllm-v1", "--rate", "4")
        config = engines_config([engine.port])
        mapping = {"gpustack_metrics": {"gpustack:running_now": {"type": "Gauge", "description": "Ours."}},
                   "runtime_mapping": {"vllm": {"*": {"vllm:num_requests_running": "gpustack:running_now"}}}}
        with Inferscope("serve", config=config) as server:
            storage = server.folder / "kept"
        with Inferscope("serve", config=config, storage=storage) as server:
            wait_for("built in", lambda: find(server.series(), "gpustack:num_requests_running"))
            default = server.get("/metrics/default-config").json
            self.assertEqual(default, server.get("/metrics/config").json)
            self.assertEqual(default, server.post("/metrics/default-config").json)
            refused = server.post("/metrics/config", '{"gpustack_metrics": {}}')
            self.assertEqual(refused.status, 400)
            self.assertIn("no rule for any engine", refused.json["error"])
            self.assertEqual(server.post("/metrics/config", json.dumps(mapping)).json, {"status": "ok"})
            wait_for("the posted name", lambda: find(server.series(), "gpustack:running_now"))
            self.assertFalse(find(server.series(), "gpustack:num_requests_running"))
            self.assertIn("gpustack:running_now", server.get("/metrics/config").json["gpustack_metrics"])
            server.process.terminate()
            server.process.wait()
        with Inferscope("serve", config=config, storage=storage) as server:
            wait_for("the posted name after a restart", lambda: find(server.series(), "gpustack:running_now"))
            self.assertEqual(server.get("/metrics/config", method="DELETE").status, 200)
            wait_for("set back", lambda: find(server.series(), "gpustack:num_requests_running"))
            self.assertEqual(server.post("/metrics/config", json.dumps(default)).status, 200)
        mine = storage.parent / "mine.json"
        mine.write_text(json.dumps(mapping))
        with Inferscope("serve", config=config) as server:
            wait_for("built in", lambda: find(server.series(), "gpustack:num_requests_running"))
            server.write_config(config + f"mapping: {{file: '{mine}'}}\nweb: {{allowed_hosts: [gpu7.example]}}\n")
            self.assertEqual(server.post("/-/reload").status, 200)
            wait_for("the file's name", lambda: find(server.series(), "gpustack:running_now"))
            self.assertEqual(server.get("/-/ready", headers={"Host": "gpu7.example"}).status, 200)
            self.assertEqual(server.post("/metrics/config", json.dumps(default)).status, 200)
            wait_for("what was posted wins", lambda: find(server.series(), "gpustack:num_requests_running"))
            self.assertEqual(server.get("/metrics/config", method="DELETE").status, 200)
            wait_for("back to the file", lambda: find(server.series(), "gpustack:running_now"))
            mine.write_text("{ broken")
            self.assertEqual(server.post("/-/reload").status, 500)
            wait_for("the old one runs on", lambda: find(server.series(), "gpustack:running_now"))
        engine.stop()


class States(unittest.TestCase):
    def state_of(self, server, port):
        page = server.series()
        states = [dict(labels)["state"] for (name, labels), value in page.items()
                  if name == "inferscope_engine_state" and value == 1 and str(port) in dict(labels)["instance"]]
        return states[0] if states else None

    def test_an_engine_that_goes_away_is_down_and_its_series_end(self):
        engine = Inferscope("simulate", "--engine", "vllm-v1", "--rate", "4")
        port = engine.port
        with Inferscope("serve", config=engines_config([port])) as server:
            wait_for("alive", lambda: self.state_of(server, port) in ("alive", "idle"))
            engine.stop()
            wait_for("down", lambda: self.state_of(server, port) == "down")
            wait_for("its series end", lambda: not find(server.series(), "gpustack:num_requests_running"))
            self.assertEqual(find(server.series(), "up", instance=f"127.0.0.1:{port}"), [0])

    def test_a_page_without_its_families_is_blind_and_says_what_is_missing(self):
        page = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 1\n" \
               "# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{model_name=\"m\"} 0\n"
        server_answer = page_answer(page)
        with RawServer(server_answer) as engine, Inferscope("serve", config=engines_config([engine.port]).replace(
                f":{engine.port}\n", f":{engine.port}\n    kind: vllm\n    version: 0.11.0\n")) as server:
            wait_for("missing families", lambda: find(
                server.series(), "inferscope_engine_expected_family_missing", family="vllm:kv_cache_usage_perc"))

    def test_demo_is_marked_as_simulated(self):
        with Inferscope("serve", "--demo", config="global: {scrape_interval: 1s}\ndiscovery: {processes: false}\n") as server:
            wait_for("simulated engines", lambda: find(server.series(), "gpustack:num_requests_running", simulated="true"))
            for (name, labels) in server.series():
                if name.startswith(("gpustack:num_requests", "gpustack:prefix", "gpustack:model", "vllm_", "inferscope_engine_state")):
                    self.assertEqual(dict(labels).get("simulated"), "true", name)


class OtherExporters(unittest.TestCase):
    def test_a_node_exporter_of_this_machine_wins_over_our_own_series(self):
        page = "# TYPE node_exporter_build_info gauge\nnode_exporter_build_info 1\n# TYPE node_load1 gauge\nnode_load1 4242\n"
        with RawServer(page_answer(page)) as exporter, Inferscope(
                "serve", config=f"global: {{scrape_interval: 1s}}\ndiscovery: {{processes: false}}\n"
                                f"scrape_configs: [{{job_name: node, static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]}}]\n"
        ) as server:
            wait_for("only theirs is left", lambda: find(server.series(), "node_load1") == [4242])
            self.assertEqual(find(server.series(), "node_load5"), [], "ours are switched off as a whole")
            self.assertTrue(find(server.series(), "gpustack:worker_node_cpu_cores"))


class ChatProbe(unittest.TestCase):
    def test_it_is_off_unless_asked_for_and_measures_a_streamed_answer(self):
        with Inferscope("simulate", "--engine", "vllm-v1", "--rate", "0") as engine:
            with Inferscope("serve", config=engines_config([engine.port])) as server:
                wait_for("probed", lambda: find(server.series(), "vllm_model_loaded") == [1])
                time.sleep(2)
                self.assertFalse(find(server.series(), "vllm_request_success_total"))
            config = engines_config([engine.port]).replace(
                "probe: {interval: 1s}", "probe: {interval: 1s, chat: {enabled: true, max_tokens: 5, interval: 2s, timeout: 2s}}")
            with Inferscope("serve", config=config) as server:
                wait_for("a success", lambda: find(server.series(), "vllm_request_success_total"))
                page = server.series()
                requests = find(page, "vllm_request_success_total")[0]
                self.assertEqual(find(page, "vllm_output_tokens_per_request_sum"), [5 * requests])
                self.assertEqual(find(page, "inferscope_probe_ttft_seconds_count"), [requests])


class SelfMetrics(unittest.TestCase):
    def test_we_count_what_we_do(self):
        port = free_port()
        config = f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: x, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
        with Inferscope("serve", config=config) as server:
            for name in ("scrapes", "scrapes_failed", "http_requests"):
                wait_for(name, lambda name=name: find(server.series(), f"inferscope_{name}_total")[0] >= 1)
            page = server.series()
            self.assertTrue(find(page, "process_resident_memory_bytes"))
            self.assertTrue(find(page, "inferscope_build_info"))


if __name__ == "__main__":
    unittest.main()
