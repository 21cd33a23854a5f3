#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads pages with Inferscope's parser and with prometheus_client's, and compares every series, value and time, bit
by bit. Then lets Inferscope write each page anew, in both formats: prometheus_client's strict OpenMetrics parser and
promtool must take what was written, and find the same series and values.

exposition_differential.py --dump DUMP_PAGE --render RENDER_PAGE [DIRECTORY...]

Pages: generated ones with odd label values, help texts and numbers, and each *.prom and *.openmetrics below the
directories (those that do not exist are passed over). Exit status 1 and a line for each difference.
"""

import argparse
import math
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

import prometheus_client
from prometheus_client import openmetrics, parser
from prometheus_client.core import (CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily,
                                    SummaryMetricFamily, UnknownMetricFamily)
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.openmetrics import parser as openmetrics_parser


def bits(value):
    """The value's 64 bits; all NaNs are one."""
    value = float(value)
    return "nan" if math.isnan(value) else f"{struct.unpack('<Q', struct.pack('<d', value))[0]:016x}"


def series_text(name, labels):
    escape = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    pairs = sorted((key, value) for key, value in labels.items() if value != "")
    if not pairs:
        return name
    return name + "{" + ",".join(f'{k}="' + re.sub(r'[\\"\n]', lambda m: escape[m.group(0)], v) + '"'
                                 for k, v in pairs) + "}"


def theirs(page, page_format):
    """What prometheus_client reads: sorted (series, bits, time in ms or None)."""
    read = parser if page_format == "text" else openmetrics_parser
    found = []
    for family in read.text_string_to_metric_families(page):
        for sample in family.samples:
            name = sample.name
            if page_format == "text" and family.type == "counter" and name not in page:
                name = name[:-len("_total")]  # it was put there
            time = None if sample.timestamp is None else int(round(float(sample.timestamp) * 1000))
            found.append((series_text(name, sample.labels), bits(sample.value), time))
    return sorted(found, key=str)


def without_signed_zero(samples):
    """prometheus_client reads OpenMetrics' whole numbers as integers, which have no -0."""
    return [(series, bits(0) if value == bits(-0.0) else value, time) for series, value, time in samples]


def ours(dump, page, page_format):
    """What Inferscope reads, in the page's order, as `theirs` tells it."""
    done = subprocess.run([dump, page_format], input=page.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr.decode().strip())
    found = []
    for line in done.stdout.decode().split("\n")[:-1]:
        series, value, time = line.rsplit("\t", 2)
        number = struct.unpack("<d", struct.pack("<Q", int(value, 16)))[0]
        found.append((series, bits(number), int(time) if time else None))
    return found


class Odd(prometheus_client.registry.Collector):
    """Families of every type, with label values and numbers that parsers stumble over."""

    VALUES = ["", " ", "a b", 'quote"d', "back\\slash", "new\nline", "\\n", '\\"', "}", "{", ",", "=", "a=\"b\",", " # {",
              "\u6a21\u578b", "\U0001f600", "#", "# HELP x", "C:\\dir\\new", "\t", "'", "1", "le", "\\", "\\\\", "e\u0301"]
    NUMBERS = [0, -0.0, 1, 1e15, 1e16, 1e21, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 2**53 + 2, 1e-7, 123456.789,
               float("inf"), float("-inf"), float("nan"), 3.9024848896e10, 1764532881.9325]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choice(self.VALUES) for _ in range(self.random.randint(0, 4)))

    def number(self):
        return self.random.choice(self.NUMBERS + [self.random.uniform(-1e6, 1e6), self.random.random() * 1e-9])

    def positive(self):
        value = abs(self.number())
        return value if math.isfinite(value) else 7.0

    def label_sets(self):
        """Three that differ after empty values have gone."""
        return [[str(i) + self.text(), self.text()] for i in range(3)]

    def collect(self):
        names = ["model_name", "_x"]
        documentation = "Odd: " + self.text().strip()
        gauge = GaugeMetricFamily("odd:gauge", documentation, labels=names)
        counter = CounterMetricFamily("odd_counter", documentation, labels=names)
        unknown = UnknownMetricFamily("odd_unknown", documentation, labels=names)
        summary = SummaryMetricFamily("odd_summary", documentation, labels=names)
        histogram = HistogramMetricFamily("odd_seconds", documentation, labels=names)
        info = InfoMetricFamily("odd", documentation)
        for labels in self.label_sets():
            gauge.add_metric(labels, self.number())
            unknown.add_metric(labels, self.number())
            counter.add_metric(labels, self.positive(), created=self.random.choice([None, 1764532881.25]))
            summary.add_metric(labels, self.random.randint(0, 9), self.positive())
            histogram.add_metric(labels, [("0.5", 1), ("1.0", 4), ("+Inf", 9)], self.positive())
        info.add_metric([], {"version": "1" + self.text()})
        return [gauge, counter, unknown, summary, histogram, info]


# What the libraries' writers never write, each readable by prometheus_client, too.
HAND_WRITTEN = [
    ("text", 'a{b="c",} 1\na{ d = "e" , f="g" }  2  1520879607789\n\n\ta 3\n# anything\n#\n#TYPE a\na_b NaN'),
    ("text", "# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\n# TYPE a counter\na_total{x=\"y\"} 3.9e+010\n"),
    ("text", "# HELP x \\\\ a\\nb\nx{} +Inf\ny -Inf\nz inf 0\n"),
    ("openmetrics", '# TYPE a counter\n# HELP a A.\na_total{b="c # {d"} 17 1520879607.5 # {t="x"} 0.67 1520879607.25\n'
                    "a_created{b=\"c # {d\"} 1520879607.25 1520879607.5\n# EOF\n"),
    ("openmetrics", '# TYPE s stateset\ns{s="on"} 1\ns{s="off"} 0\n# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 3\n'
                    "g_gcount 3\ng_gsum 2.5\n# TYPE q_seconds gauge\n# UNIT q_seconds seconds\nq_seconds 1e-3\n# EOF"),
]


def generated():
    for seed in range(40):
        registry = prometheus_client.CollectorRegistry()
        registry.register(Odd(seed))
        yield f"registry, seed {seed}, text", "text", prometheus_client.generate_latest(registry).decode()
        yield (f"registry, seed {seed}, OpenMetrics", "openmetrics",
               openmetrics_exposition.generate_latest(registry).decode())
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    latency = prometheus_client.Histogram("latency_seconds", "Latency.", ["path"], registry=registry)
    for i in range(100):
        latency.labels(f"/{i % 3}").observe(i / 7, exemplar={"trace_id": f"{i:x}"})
    yield "library's own, text", "text", prometheus_client.generate_latest(registry).decode()
    yield "library's own, OpenMetrics", "openmetrics", openmetrics_exposition.generate_latest(registry).decode()
    for number, (page_format, page) in enumerate(HAND_WRITTEN):
        yield f"hand-written {number}", page_format, page


def on_disk(directories):
    for directory in map(pathlib.Path, directories):
        for path in sorted([*directory.rglob("*.prom"), *directory.rglob("*.openmetrics")]):
            page_format = "openmetrics" if path.suffix == ".openmetrics" else "text"
            yield str(path), page_format, path.read_bytes().decode()


def first_difference(a, b):
    only_ours = [x for x in a if x not in b]
    only_theirs = [x for x in b if x not in a]
    return f"{len(only_ours)} only in the first, {len(only_theirs)} only in the second: {only_ours[:2]} {only_theirs[:2]}"


def check_read(arguments, page_format, page):
    read = sorted(ours(arguments.dump, page, page_format), key=str)
    try:
        expected = theirs(page, page_format)
    except ValueError as error:
        # Its OpenMetrics parser judges meaning, too (a histogram without +Inf, names that clash); ours only reads.
        if page_format == "openmetrics":
            return read, [], f"prometheus_client refuses: {error}"
        return read, [f"prometheus_client refuses it: {error}"], None
    return read, [] if read == expected else [first_difference(read, expected)], None


def check_written(arguments, page_format, page):
    """Inferscope's page of this page: without times, and of equal series the first."""
    first = {}
    for series, value, _ in ours(arguments.dump, page, page_format):
        first.setdefault(series, value)
    expected = sorted(((series, value, None) for series, value in first.items()), key=str)
    problems = []
    for target in ["text", "openmetrics"]:
        done = subprocess.run([arguments.render, page_format, target], input=page.encode(), capture_output=True,
                              check=False)
        if done.returncode != 0:
            problems.append(f"not written as {target}: {done.stderr.decode().strip()}")
            continue
        written = done.stdout.decode()
        read = sorted(ours(arguments.dump, written, target), key=str)
        if read != expected:
            problems.append(f"written as {target}: " + first_difference(read, expected))
        try:
            read = theirs(written, target)
            if without_signed_zero(read) != without_signed_zero(expected):
                problems.append(f"written as {target}, read by prometheus_client: " + first_difference(read, expected))
        except ValueError as error:
            problems.append(f"written as {target}, prometheus_client refuses: {error}")
        if target == "text" and arguments.promtool:
            done = subprocess.run([arguments.promtool, "check", "metrics"], input=written.encode(),
                                  capture_output=True, check=False)
            if "error while linting" in done.stderr.decode():
                problems.append(f"promtool: {done.stderr.decode().strip()[:300]}")
    return problems


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dump", required=True)
    arguments.add_argument("--render", required=True)
    arguments.add_argument("directories", nargs="*")
    arguments = arguments.parse_args()
    arguments.promtool = shutil.which("promtool")
    pages = failed = samples = 0
    for name, page_format, page in [*generated(), *on_disk(arguments.directories)]:
        pages += 1
        try:
            read, problems, remark = check_read(arguments, page_format, page)
            samples += len(read)
            problems += check_written(arguments, page_format, page)
            if remark:
                print(f"{name}: {remark}")
        except ValueError as error:
            problems = [f"refused: {error}"]
        for problem in problems:
            print(f"{name}: {problem}")
        failed += bool(problems)
    print(f"{pages} pages, {samples} samples, {failed} pages with a difference")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
