# SPDX-License-Identifier: Apache-2.0
"""The same samples and the same queries to Debian's Prometheus 2.42 and to us, with --promql.compat=2: the same answers, and the same
errors. PROMQL_RANDOM says how many random queries there are beside those of tests/promql/differential.txt, PROMQL_SEED which."""
import collections
import os
import random
import tempfile
import unittest

import promql_data
from harness import ROOT, Inferscope, prometheus
from promql_compare import ADDS_UP, Server, difference, read_corpus
from promql_random import Generator

RANDOM_QUERIES = int(os.environ.get("PROMQL_RANDOM", "1000"))
SEED = int(os.environ.get("PROMQL_SEED", "1"))
SHOWN = 25
#: Of random queries. What jumps (a comparison, floor) or cancels out makes much of the last bits of a sum, which depend on the
#: order of series, each server's own.
MOST_UNSETTLED = 1 / 2000
FLAGS = ("--web.enable-remote-write-receiver", "--enable-feature=promql-at-modifier,promql-negative-offset")
START, END = promql_data.START / 1000, promql_data.END / 1000
#: On a sample of many series, between samples, with milliseconds, before, behind and far behind all.
INSTANTS = (START + 900, START + 1234.567, START + 2710, START + 7, START - 5, END + 299, END + 301, START + 1815.0005)
#: start, end, step: steps that fit the interval of the samples, and ranges that no step divides.
RANGES = ((START, END, 60), (START + 3.3, START + 1500, 7), (START - 600, END + 600, 113), (START + 600, START + 600, 15), (START + 100, START + 400, "15s"),
          (START + 1800, START + 2400.7, 0.999), (START + 1, END, 15))


class SameAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup((folder := tempfile.TemporaryDirectory()).cleanup)
        cls.real = prometheus("", folder.name, *FLAGS)
        cls.addClassCleanup(cls.real.stop)
        cls.ours = Inferscope("serve", "--sources", "none", "--promql.compat", "2")
        cls.addClassCleanup(cls.ours.stop)
        for process in (cls.real, cls.ours):
            promql_data.send(process.port)
        cls.servers = [Server(process.port) for process in (cls.ours, cls.real)]

    def setUp(self):
        self.counts = collections.Counter()
        self.differences = []
        self.unsettled = []

    def ask_both(self, path, query, parameters, is_random=False):
        answers = [server.ask(path, {"query": query, **parameters}) for server in self.servers]
        found = difference(*answers, query)
        kind = "refused" if answers[1][1]["status"] == "error" else "empty" if not answers[1][1]["data"]["result"] else "with values"
        self.counts[f"{path}, {kind}"] += 1
        if found:
            both_answer = all(status == 200 for status, _ in answers)
            (self.unsettled if is_random and both_answer and ADDS_UP.search(query) else self.differences).append((found, path, query, parameters, answers))

    def ask_instant(self, query, time, **options):
        self.ask_both("query", query, {"time": f"{time:.4f}"}, **options)

    def ask_range(self, query, times, **options):
        self.ask_both("query_range", query, dict(zip(("start", "end", "step"), times)), **options)

    def conclude(self, what):
        print(f"\n{what}: {sum(self.counts.values())} asked, {len(self.differences)} differ, {len(self.unsettled)} in sums; {dict(sorted(self.counts.items()))}", flush=True)
        for found, path, query, parameters, (mine, theirs) in (self.differences + self.unsettled)[:SHOWN]:
            print(f"-- {found}: {path} {query!r} {parameters}\n   ours:   {str(mine)[:700]}\n   theirs: {str(theirs)[:700]}")
        self.assertFalse(self.differences, f"{len(self.differences)} answers differ")
        self.assertLessEqual(len(self.unsettled), max(1, MOST_UNSETTLED * sum(self.counts.values())))

    def test_corpus(self):
        queries = read_corpus(ROOT / "tests/promql/differential.txt")
        for number, query in enumerate(queries):
            self.ask_instant(query, INSTANTS[0])
            self.ask_instant(query, INSTANTS[1 + number % (len(INSTANTS) - 1)])
            self.ask_range(query, RANGES[number % len(RANGES)])
        self.assertGreater(len(queries), 900)
        self.conclude(f"corpus of {len(queries)}")

    def test_random(self):
        generator, choose = Generator(SEED), random.Random(SEED)
        for _ in range(RANDOM_QUERIES):
            query = generator.query()
            if choose.random() < 0.5:
                self.ask_instant(query, choose.choice(INSTANTS), is_random=True)
            else:
                self.ask_range(query, choose.choice(RANGES), is_random=True)
        self.conclude(f"{RANDOM_QUERIES} random ones of seed {SEED}")


if __name__ == "__main__":
    unittest.main()
