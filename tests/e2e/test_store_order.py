# SPDX-License-Identifier: Apache-2.0
"""The same samples sent row by row, series by series and shuffled give the same answers, byte for byte: from memory, after
kill -9 from the log, and from blocks; and these are the samples that were sent."""
import contextlib
import itertools
import math
import os
import random
import tempfile
import unittest

from harness import Inferscope
from remote_write import STALE, Sender

SEED = int(os.environ.get("STORE_SEED", random.randrange(1 << 32)))
START = 1_700_000_000_000
ROWS = 240
# Blocks of a quarter of an hour: an hour of rows lies in five of them.
CONFIG = "discovery: {processes: false}\nstorage: {block_range: 15m, out_of_order_window: 1d}\n"
SPECIAL = (math.inf, -math.inf, math.nan, STALE, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2)


def gauge(row):
    return random.gauss(0, 1e6)


def counter(row):
    return float(row * 7)


def decimal(row):
    return round(0.1 * (row // 5), 1)


def special(row):
    return random.choice(SPECIAL)


def make_data():
    """{labels: {time: value}}: series of two targets, with gaps, and some of their own."""
    times = [START + row * 15_000 + random.randint(0, 7) for row in range(ROWS)]
    data = {}
    for target, kind, number in itertools.product(("gpu0:8000", "gpu1:8000"), (gauge, counter, decimal, special), range(4)):
        begin, end = (0, ROWS) if number else sorted(random.sample(range(ROWS), 2))
        labels = (("__name__", f"order_{kind.__name__}"), ("instance", target), ("job", "vllm"), ("number", str(number)))
        data[labels] = {at: kind(row) for row, at in enumerate(times) if begin <= row < end and (number < 2 or random.random() < 0.9)}
    for number in range(3):
        data[("__name__", "order_single"), ("number", str(number))] = {at + number: gauge(0) for at in random.sample(times, 20)}
    return data


def row_wise(data):
    """Requests, each a list of (labels, samples)."""
    for at in sorted(set().union(*data.values())):
        yield [(labels, [(at, samples[at])]) for labels, samples in data.items() if at in samples]


def series_wise(data):
    for labels, samples in data.items():
        yield [(labels, sorted(samples.items()))]


def shuffled(data):
    """Also within a request a series comes several times, and its times in any order."""
    samples = [(labels, [sample]) for labels, its in data.items() for sample in its.items()]
    random.shuffle(samples)
    for begin in range(0, len(samples), 100):
        yield samples[begin:begin + 100]


class Order(unittest.TestCase):
    def setUp(self):
        random.seed(SEED)
        self.data = make_data()
        self.end = (START + ROWS * 15_000) / 1000

    def answers(self, server):
        """{question: the answer's bytes}"""
        questions = [("query", {"query": f'{{__name__=~"order_.*"}}{window}', "time": at})
                     for window in ("", "[2h]", "[7m]") for at in (self.end, self.end - 1000, self.end - 1234.567, START / 1000)]
        questions += [("query", {"query": query, "time": self.end}) for query in
                      ('order_gauge{instance=~"gpu1.*",number!="2"}[2h]', 'order_single[1h]', '{job=""}[1h]', '{job!="",number=~"0|3"}')]
        questions += [("series", {"match[]": ["order_single", '{job="vllm"}']}), ("labels", {}), ("label/number/values", {}),
                      ("label/__name__/values", {"match[]": '{job="vllm"}'}), ("label/instance/values", {})]
        return {str(question): server.ask(question[0], **question[1]).text for question in questions}

    def check_samples(self, server):
        found = {tuple(sorted(entry["metric"].items())): {round(float(at) * 1000): value for at, value in entry["values"]}
                 for entry in server.query('{__name__=~"order_.*"}[2h]', self.end)}
        shown = lambda value: "NaN" if math.isnan(value) else value
        for labels, samples in self.data.items():
            # A stale marker is no sample in an answer. Packed, it is told from other NaNs.
            sent = {at: shown(value) for at, value in samples.items() if value is not STALE}
            self.assertEqual({at: shown(float(value)) for at, value in found.pop(labels, {}).items()}, sent, labels)
        self.assertEqual(found, {})

    def assert_same(self, servers, when):
        first, *others = [self.answers(server) for server in servers]
        for other in others:
            for question, answer in first.items():
                self.assertEqual(other[question], answer, f"{when}: {question}; STORE_SEED={SEED}")
        return first

    def test_the_order_of_sending_leaves_no_trace(self):
        with contextlib.ExitStack() as cleaning:
            folders = [cleaning.enter_context(tempfile.TemporaryDirectory()) for _ in range(3)]

            def serve(stack):
                return [stack.enter_context(Inferscope("serve", "--sources", "none", config=CONFIG, storage=folder)) for folder in folders]

            with contextlib.ExitStack() as stack:
                servers = serve(stack)
                for server, order in zip(servers, (row_wise, series_wise, shuffled)):
                    with Sender(server.port) as sender:
                        for request in order(self.data):
                            answer = sender.send(request)
                            self.assertEqual(answer.status, 204, answer.text)
                self.check_samples(servers[0])
                first = self.assert_same(servers, "in memory")
                for server in servers:
                    server.kill()
            with contextlib.ExitStack() as stack:
                servers = serve(stack)
                self.assertEqual(self.assert_same(servers, "from the log"), first)
                for server in servers:
                    server.flush()
                self.assertEqual(self.assert_same(servers, "from blocks"), first)
                for server in servers:
                    self.assertGreater(len(os.listdir(f"{folders[0]}/blocks")), 1)
            with contextlib.ExitStack() as stack:
                servers = serve(stack)
                self.assertEqual(self.assert_same(servers, "after a restart"), first)
                self.check_samples(servers[2])


if __name__ == "__main__":
    unittest.main()
