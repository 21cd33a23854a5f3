# SPDX-License-Identifier: Apache-2.0
"""Samples with everything that makes PromQL hard, the same for every server that is to be compared: resets, NaN and infinities,
gaps, stale markers, late and broken histograms, label sets that collide, info metrics, names with colons, irregular times."""
import math
import random

from remote_write import STALE, Sender

START = 1_700_000_000_000  # ms; on no round minute
SCRAPES = 240
INTERVAL = 15_000
END = START + (SCRAPES - 1) * INTERVAL
BOUNDS = ("0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf")
JOBS = ("api", "web", "db")


def times(offset=0):
    return [START + offset + number * INTERVAL for number in range(SCRAPES)]


def counter(random_, pace, resets=()):
    value, values = float(random_.randrange(1000)), []
    for number in range(SCRAPES):
        value = 0.0 if number in resets else value + random_.choice((0, 1, 1, 2, pace, random_.random() * pace))
        values.append(value)
    return values


def gauge(random_, centre, width):
    return [round(centre + width * math.sin(number / 9) + random_.uniform(-width, width), random_.choice((0, 2, 15))) for number in range(SCRAPES)]


def with_gaps(samples, gaps):
    return [sample for number, sample in enumerate(samples) if not any(begin <= number < end for begin, end in gaps)]


def with_stale(samples, at):
    return [(time, STALE if number in at else value) for number, (time, value) in enumerate(samples)]


def with_values(samples, values):
    return [(time, values.get(number, value)) for number, (time, value) in enumerate(samples)]


def counters(random_):
    for number, (job, instance) in enumerate((job, instance) for job in JOBS for instance in ("a:1", "b:2", "c:3")):
        offset = 137 * number
        for method in ("get", "post"):
            for code in ("200", "500"):
                resets = {40 + number * 7, 41 + number * 7, 200} if number % 2 else set()
                samples = list(zip(times(offset), counter(random_, 3 + number, resets)))
                if number % 3 == 1:
                    samples = with_gaps(samples, [(60, 90), (150, 152)])
                if number % 3 == 2:
                    samples = with_stale(samples, {100, 101, 180})
                yield {"__name__": "http_requests_total", "job": job, "instance": instance, "method": method, "code": code}, samples
    yield {"__name__": "constant_total", "job": "api"}, [(time, 7.0) for time in times()]
    yield {"__name__": "tiny_total", "job": "api"}, [(time, number * 1e-9) for number, time in enumerate(times())]
    yield {"__name__": "huge_total", "job": "api"}, [(time, 9e15 + number * 3) for number, time in enumerate(times())]
    yield {"__name__": "job:http_requests:rate5m", "job": "api"}, list(zip(times(3), gauge(random_, 10, 3)))
    yield {"__name__": "job:http_requests:rate5m", "job": "web"}, list(zip(times(3), gauge(random_, 20, 5)))


def gauges(random_):
    for number, (job, instance) in enumerate((job, instance) for job in JOBS for instance in ("a:1", "b:2")):
        yield {"__name__": "memory_bytes", "job": job, "instance": instance}, list(zip(times(29 * number), gauge(random_, 1e9, 4e8)))
        yield {"__name__": "temperature", "job": job, "instance": instance, "zone": f"z{number % 2}"}, list(zip(times(), gauge(random_, 0, 40)))
    odd = list(zip(times(), gauge(random_, 5, 5)))
    specials = {20: math.nan, 21: math.nan, 22: math.inf, 23: -math.inf, 60: math.inf, 61: math.inf, 62: math.inf, 100: -math.inf, 101: math.nan,
                130: 0.0, 131: -0.0, 160: 5e-324, 161: 1.7976931348623157e308, 162: -1.7976931348623157e308}
    yield {"__name__": "odd", "kind": "specials"}, with_values(odd, specials)
    yield {"__name__": "odd", "kind": "all_nan"}, [(time, math.nan) for time in times()]
    yield {"__name__": "odd", "kind": "all_inf"}, [(time, math.inf) for time in times()]
    yield {"__name__": "odd", "kind": "flapping"}, with_stale(odd, set(range(5, SCRAPES, 7)))
    yield {"__name__": "odd", "kind": "single"}, [(START + 50 * INTERVAL, 42.0)]
    yield {"__name__": "odd", "kind": "two"}, [(START + 50 * INTERVAL, 1.0), (START + 52 * INTERVAL, 3.0)]
    yield {"__name__": "odd", "kind": "late"}, odd[SCRAPES // 2:]
    yield {"__name__": "odd", "kind": "ended"}, odd[:SCRAPES // 3]
    yield {"__name__": "odd", "kind": "irregular"}, [(time + random_.randrange(-6000, 6000), value) for time, value in odd]
    yield {"__name__": "odd", "kind": "sparse"}, odd[::37]
    yield {"__name__": "odd", "kind": "steps"}, [(time, float(number // 10)) for number, time in enumerate(times())]
    yield {"__name__": "odd", "kind": "zero"}, [(time, 0.0) for time in times()]
    yield {"__name__": "odd", "kind": "time"}, [(time, time / 1000) for time in times()]
    yield {"__name__": "odd", "kind": "模型 \"\\\n"}, [(time, 1.0) for time in times()]


def infos():
    """For joins; and label sets that become one when a label or the name goes."""
    for number, (job, instance) in enumerate((job, instance) for job in JOBS for instance in ("a:1", "b:2")):
        middle = SCRAPES // 2
        versions = ("1.0", "2.0") if number % 2 else ("1.0", "1.0")
        own = list(zip(times(7), [1.0] * SCRAPES))
        if versions[0] == versions[1]:
            yield {"__name__": "build_info", "job": job, "instance": instance, "version": "1.0"}, own
        else:
            yield {"__name__": "build_info", "job": job, "instance": instance, "version": "1.0"}, own[:middle] + [(own[middle][0], STALE)]
            yield {"__name__": "build_info", "job": job, "instance": instance, "version": "2.0"}, own[middle:]
    for number in range(4):
        yield {"__name__": "collide_a", "x": str(number), "same": "1"}, [(time, float(number)) for time in times()]
        yield {"__name__": "collide_b", "x": str(number), "same": "1"}, [(time, float(number * 2)) for time in times()]
    yield {"__name__": "up", "job": "api", "instance": "a:1"}, [(time, float(number % 5 != 0)) for number, time in enumerate(times())]
    yield {"__name__": "up", "job": "web", "instance": "a:1"}, [(time, 1.0) for time in times()]


def histograms(random_):
    for job in JOBS:
        for instance in ("a:1", "b:2"):
            counts = [0.0] * len(BOUNDS)
            columns = [[] for _ in BOUNDS]
            for number in range(SCRAPES):
                if number == 77 and job == "web":
                    counts = [0.0] * len(BOUNDS)
                added = 0
                for at in range(len(BOUNDS)):
                    added += random_.randrange(4)
                    counts[at] += added
                for column, count in zip(columns, counts):
                    column.append(count)
            for bound, column in zip(BOUNDS, columns):
                yield {"__name__": "latency_seconds_bucket", "job": job, "instance": instance, "le": bound}, list(zip(times(11), column))
            yield {"__name__": "latency_seconds_count", "job": job, "instance": instance}, list(zip(times(11), columns[-1]))
            yield {"__name__": "latency_seconds_sum", "job": job, "instance": instance}, list(zip(times(11), [count * 0.37 for count in columns[-1]]))
    broken = {
        "no_inf": {"1": 3.0, "2": 5.0},
        "only_inf": {"+Inf": 4.0},
        "falling": {"1": 9.0, "2": 5.0, "3": 7.0, "+Inf": 8.0},
        "bad_bound": {"1": 1.0, "two": 2.0, "+Inf": 3.0},
        "twice": {"1": 1.0, "1.0": 2.0, "2": 3.0, "+Inf": 4.0},
        "zero": {"1": 0.0, "2": 0.0, "+Inf": 0.0},
        "negative": {"-2": 1.0, "-1": 3.0, "0": 4.0, "1": 7.0, "+Inf": 10.0},
        "nan": {"1": 1.0, "2": math.nan, "+Inf": 3.0},
        "all_negative": {"-5": 2.0, "-1": 6.0, "+Inf": 6.0},
    }
    for kind, buckets in broken.items():
        for bound, value in buckets.items():
            yield {"__name__": "broken_bucket", "kind": kind, "le": bound}, [(time, value) for time in times()]
    yield {"__name__": "broken_bucket", "kind": "no_le"}, [(time, 2.0) for time in times()]


def all_series(seed=1):
    random_ = random.Random(seed)
    yield from counters(random_)
    yield from gauges(random_)
    yield from infos()
    yield from histograms(random_)


def send(port, pieces=4):
    """All of it, in the order of time: `pieces` requests for each series at most."""
    series = list(all_series())
    edges = [START - 60_000 + (END - START + 120_000) * number // pieces for number in range(pieces + 1)]
    with Sender(port, timeout=60) as sender:
        for begin, end in zip(edges, edges[1:]):
            piece = [(labels, [sample for sample in samples if begin <= sample[0] < end]) for labels, samples in series]
            response = sender.send([(labels, samples) for labels, samples in piece if samples])
            assert response.status in (200, 204), response.text
    return len(series), sum(len(samples) for _, samples in series)
