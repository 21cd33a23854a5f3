# SPDX-License-Identifier: Apache-2.0
"""Who may come in: each sentence of docs/security.md that the whole program must hold."""
import base64
import http.client
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, Inferscope, RawServer, free_port, http_request, page_answer, wait_for


class Strangers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Inferscope("serve", "--sources", "self")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def request(self, path="/metrics", method="GET", body=None, **headers):
        return http_request(self.server.port, path, method=method, body=body,
                            headers={name.replace("_", "-"): value for name, value in headers.items()})

    def test_host_must_be_a_loopback_name_or_ours(self):
        for host in ("localhost", f"localhost:{self.server.port}", "127.0.0.1", "127.9.9.9", "[::1]:7090"):
            self.assertEqual(self.request(Host=host).status, 200, host)
        for host in ("evil.example", "localhost.evil.example", "169.254.169.254", "127.0.0.1.evil.example"):
            answer = self.request(Host=host)
            self.assertEqual(answer.status, 403, host)
            self.assertIn("allowed_hosts", answer.text, "says how to allow it")

    def test_state_is_not_changed_for_foreign_pages(self):
        for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}):
            for path in ("/-/reload", "/metrics/config"):
                self.assertEqual(self.request(path, "POST", b"{}", Content_Type="application/json", **headers).status, 403)
        own = {"Origin": f"http://127.0.0.1:{self.server.port}", "Sec_Fetch_Site": "same-origin"}
        self.assertEqual(self.request("/-/reload", "POST", b"", **own).status, 200)

    def test_no_cors_headers_are_sent(self):
        answer = self.request(Origin="http://evil.example")
        self.assertFalse([name for name in answer.headers if name.lower().startswith("access-control")])

    def test_a_posted_mapping_needs_its_content_type_and_has_bounds(self):
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            self.assertEqual(self.request("/metrics/config", "POST", b"{}", Content_Type=content_type).status, 415)
        bad = {
            "deep": b"[" * 100 + b"]" * 100,
            "large": b"# " + b"x" * (2 << 20),
            "alias": b"gpustack_metrics: &a {}\nruntime_mapping: *a\n",
            "unknown key": b'{"gpustack_metrics": {}, "runtime_maping": {}}',
        }
        before = self.request("/metrics/config").body
        for what, body in bad.items():
            answer = self.request("/metrics/config", "POST", body, Content_Type="application/yaml")
            self.assertEqual(answer.status, 400, what)
            self.assertTrue(answer.json["error"], what)
        self.assertEqual(self.request("/metrics/config").body, before, "a bad one changes nothing")


class Secrets(unittest.TestCase):
    def test_credentials_go_only_where_they_are_configured_and_show_nowhere(self):
        page = RawServer(page_answer("a 1\n"))
        config = f"""
global: {{scrape_interval: 1s}}
discovery: {{processes: false}}
scrape_configs:
  - job_name: secret
    authorization: {{credentials: topsecret123}}
    params: {{token: [hushhush456]}}
    static_configs: [{{targets: ['127.0.0.1:{page.port}']}}]
"""
        with Inferscope("serve", config=config) as server:
            wait_for("up", lambda: server.target(str(page.port))["health"] == "up")
            self.assertIn(b"authorization: bearer topsecret123", page.requests[0].lower())
            shown = server.get("/api/v1/targets").text + server.get("/metrics").text + server.get("/metrics/raw").text + \
                server.get("/api/v1/engines").text + "\n".join(server.log)
            self.assertNotIn("topsecret123", shown)
            self.assertNotIn("hushhush456", shown)
        page.close()

    def test_credentials_do_not_follow_a_redirect_to_another_origin(self):
        other = RawServer(page_answer("a 1\n"))
        first = RawServer(page_answer("", status="302 Found", extra=f"Location: http://127.0.0.1:{other.port}/metrics\r\n"))
        config = f"""
global: {{scrape_interval: 1s}}
discovery: {{processes: false}}
scrape_configs:
  - job_name: secret
    basic_auth: {{username: me, password: topsecret123}}
    static_configs: [{{targets: ['127.0.0.1:{first.port}']}}]
"""
        with Inferscope("serve", config=config) as server:
            wait_for("followed", lambda: server.target(str(first.port))["health"] == "up")
            self.assertIn(b"authorization:", first.requests[0].lower())
            self.assertNotIn(b"authorization:", other.requests[0].lower())
        first.close()
        other.close()

    def test_link_local_targets_of_strangers_are_refused(self):
        body = '[{"targets": ["169.254.169.254:80"], "labels": {}}]'
        list_server = RawServer(page_answer(body, content_type="application/json"))
        config = f"""
global: {{scrape_interval: 1s}}
discovery: {{processes: false}}
scrape_configs:
  - job_name: sd
    http_sd_configs: [{{url: 'http://127.0.0.1:{list_server.port}/'}}]
"""
        with Inferscope("serve", config=config) as server:
            target = wait_for("refused", lambda: (t := server.target("169.254.169.254"))["health"] == "down" and t)
            self.assertIn("link-local", target["lastError"])
        list_server.close()


class BeyondLoopback(unittest.TestCase):
    def run_serve(self, *arguments):
        return subprocess.run([BINARY, "serve", "--sources", "none", *arguments], capture_output=True, text=True, timeout=60, check=False)

    def test_serve_wants_a_credential_or_an_explicit_word(self):
        refused = self.run_serve("--listen", f"0.0.0.0:{free_port()}")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--web.config.file", refused.stderr)
        self.assertIn("--web.open", refused.stderr)
        with Inferscope("serve", "--sources", "none", "--web.open", listen="0.0.0.0:0") as server:
            self.assertEqual(server.get("/-/healthy").status, 200)

    def test_tls_and_bcrypt_users_as_prometheus_has_them(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key.pem", "-out",
                            f"{folder}/cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                           check=True, capture_output=True)
            # The password is "test"; the hash is the example of Prometheus's documentation.
            pathlib.Path(folder, "web.yml").write_text("""
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {admin: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay}
""")
            with Inferscope("serve", "--sources", "none", "--web.config.file", f"{folder}/web.yml", listen="0.0.0.0:0") as server:
                context = ssl.create_default_context(cafile=f"{folder}/cert.pem")

                def status(user, password):
                    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
                    token = base64.b64encode(f"{user}:{password}".encode()).decode()
                    connection.request("GET", "/-/healthy", headers={"Authorization": f"Basic {token}"} if user else {})
                    response = connection.getresponse()
                    response.read()
                    connection.close()
                    return response.status

                self.assertEqual(status("admin", "test"), 200)
                self.assertEqual(status("admin", "wrong"), 401)
                self.assertEqual(status("nobody", "test"), 401)
                self.assertEqual(status(None, None), 401)


class Bounds(unittest.TestCase):
    def test_a_client_that_sends_nothing_is_let_go(self):
        with Inferscope("serve", "--sources", "none") as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as idle:
                idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
                started = time.monotonic()
                answer = idle.recv(65536)
                self.assertLess(time.monotonic() - started, 25)
                self.assertTrue(answer == b"" or b"408" in answer)

    def test_large_headers_and_bodies_are_refused(self):
        with Inferscope("serve", "--sources", "none") as server:
            large = http_request(server.port, "/", headers={"X-Large": "x" * 100_000})
            self.assertEqual(large.status, 431)
            # By its announced length: the answer comes before the body.
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(b"POST /metrics/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               b"Content-Length: 20000000\r\n\r\n")
                answer = client.recv(65536)
            self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
            self.assertIn(b"max_body_bytes", answer)


if __name__ == "__main__":
    unittest.main()
