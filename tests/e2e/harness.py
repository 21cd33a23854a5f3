# SPDX-License-Identifier: Apache-2.0
"""What the whole-program tests share: the binary under test, its partners, small servers that misbehave.
Everything listens on loopback, on ports of the kernel's choice; what is started is stopped."""
import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("INFERSCOPE_BINARY", str(ROOT / "build/release/inferscope"))
LISTENING = re.compile(r"listening on (?:http|https)://([0-9.\[\]:a-f]+):(\d+)")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def http_request(port, path, method="GET", body=None, headers=None, timeout=60, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def wait_for(what, condition, seconds=60, pause=0.05):
    """The condition's first true value; fails the test with `what` after `seconds`, which are many: machines may be overloaded."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, json.JSONDecodeError, LookupError, StopIteration) as error:
            last = error
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s: {what}; last: {last!r}")


def repeated(check):
    """`check`, begun again until it doesn't fail, for a minute at most. For what holds at most moments, and not in the one after the
    machine stood still for longer than a scrape may last: then a healthy target is down, and asked less often for a while."""

    @functools.wraps(check)
    def until_it_holds(*arguments):
        end = time.monotonic() + 60
        while True:
            try:
                return check(*arguments)
            except (AssertionError, OSError, http.client.HTTPException, LookupError, StopIteration):
                if time.monotonic() > end:
                    raise
            time.sleep(0.2)

    return until_it_holds


class Process:
    """A program of ours or a partner's; its standard error is kept for messages."""

    def __init__(self, arguments, cwd=None, env=None):
        self.log = []
        self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, cwd=cwd, env=env, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        self.process.stderr.close()
        return self.process.returncode

    def kill(self):
        """As a crash does, at once; stop() then only clears up."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Inferscope(Process):
    """`inferscope COMMAND ...` on a port of the kernel's choice; `port` is known when it listens."""

    def __init__(self, command, *arguments, config=None, storage=None, listen="127.0.0.1:0", env=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="inferscope-test-"))
        line = [BINARY, command, *arguments]
        if command == "serve":
            self.config_file = self.folder / "inferscope.yml"
            if config is not None:
                self.write_config(config)
                line += ["--config.file", self.config_file]
            line += ["--listen", listen, "--storage.path", storage or self.folder / "data"]
        elif command == "simulate":
            line += ["--listen", listen]
        super().__init__(line, cwd=self.folder, env=env)
        self.port = wait_for(f"{' '.join(map(str, line))} listens; log: {self.log}", self._listening_port)

    def write_config(self, text):
        self.config_file.write_text(text)

    def _listening_port(self):
        if not self.is_running():
            raise AssertionError(f"ended with {self.process.returncode}: {self.log}")
        for line in list(self.log):
            match = LISTENING.search(line)
            if match:
                return int(match.group(2))
        return None

    def get(self, path, **options):
        return http_request(self.port, path, **options)

    def post(self, path, body=b"", content_type="application/json", **options):
        return http_request(self.port, path, method="POST", body=body, headers={"Content-Type": content_type}, **options)

    def targets(self):
        return self.get("/api/v1/targets").json["data"]["activeTargets"]

    def target(self, part):
        """The one active target whose scrape URL contains `part`."""
        return next(t for t in self.targets() if part in t["scrapeUrl"])

    def engines(self):
        return self.get("/api/v1/engines").json

    def series(self, path="/metrics"):
        return parse_page(self.get(path).text)

    def ask(self, path, **parameters):
        """The answer of an endpoint of Prometheus's HTTP API; a list stands for a parameter that is given several times."""
        return self.get(f"/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True))

    def query(self, expression, at=None):
        """The result's entries; `at`: seconds, or now."""
        return result_of(self.ask("query", query=expression, **({} if at is None else {"time": at})))

    def flush(self):
        answer = self.post("/api/v1/admin/flush")
        assert answer.status == 200, answer.text

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        code = super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (\d+))?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def parse_page(text):
    """{(name, frozenset of (label, value))}: value} of a text page of ours; a series that stands twice fails."""
    series = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        labels = frozenset(LABEL.findall(match.group(2) or ""))
        key = (match.group(1), labels)
        assert key not in series, f"stands twice: {line!r}"
        series[key] = float(match.group(3))
    return series


def result_of(answer):
    """What a query found; fails where it failed, or said that something is missing."""
    assert answer.status == 200 and "warnings" not in answer.json, answer.text
    return answer.json["data"]["result"]


def find(series, name, **labels):
    """Values of the series with that name and (at least) these labels."""
    wanted = set(labels.items())
    return [value for (n, have), value in series.items() if n == name and wanted <= set(have)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RawServer:
    """Accepts connections on loopback and lets `answer(connection, request_bytes)` do what it likes with them."""

    def __init__(self, answer, port=0):
        self.answer = answer
        self.requests = []
        self.connections = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while True:
                request = b""
                while b"\r\n\r\n" not in request:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    request += piece
                self.requests.append(request)
                if self.answer(connection, request) is False:
                    return
        self.open.discard(connection)

    def close(self):
        # Shut down, or threads that wait in accept() and recv() would go on serving.
        for waiting in (self.listener, *self.open):
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
            waiting.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def page_answer(body, content_type="text/plain; version=0.0.4", status="200 OK", extra=""):
    """An answer function that serves one page, which may be a function without arguments."""

    def answer(connection, _request):
        content = body() if callable(body) else body
        content = content.encode() if isinstance(content, str) else content
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n"
                           f"{extra}\r\n".encode() + content)

    return answer


def prometheus(config, folder, *flags):
    """Debian's Prometheus with `config` (text) and `flags` on a free loopback port; returns the process with `.port`."""
    port = free_port()
    file = pathlib.Path(folder) / "prometheus.yml"
    file.write_text(config)
    process = Process(["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/prometheus-data",
                       f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", *flags])
    process.port = port
    wait_for("prometheus is ready", lambda: http_request(port, "/-/ready").status == 200)
    return process


def prometheus_query(process, expression, at=None):
    parameters = {"query": expression, **({"time": at} if at else {})}
    answer = http_request(process.port, "/api/v1/query?" + urllib.parse.urlencode(parameters)).json
    assert answer["status"] == "success", answer
    return answer["data"]["result"]
