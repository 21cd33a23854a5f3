# SPDX-License-Identifier: Apache-2.0
"""Random PromQL of the language of Prometheus 2.42: mostly right, sometimes refused when it is evaluated."""
import random

JOBS = ('job="api"', 'job!="db"', 'job=~"a.*|web"', 'job!~"w.*"', 'instance="a:1"', 'instance=~"[ab]:.*"', 'nope=""')
COLLISIONS = ('x=~"1|2"', 'x!="0"', 'same="1"')
COUNTERS = {
    "http_requests_total": (*JOBS, 'code="200"', 'code=~"5.."', 'method!="get"', 'job="api",instance="b:2"'),
    "latency_seconds_bucket": (*JOBS, 'le="+Inf"', 'le!="0.5"', 'le=~"1|2.5"'),
    "latency_seconds_count": JOBS,
    "tiny_total": ('job="api"',),
    "huge_total": ('job="api"',),
    "constant_total": ('job="api"',),
}
GAUGES = {
    "memory_bytes": JOBS,
    "temperature": (*JOBS, 'zone="z1"'),
    "odd": ('kind=~"s.*"', 'kind="specials"', 'kind!="all_nan"', 'kind="flapping"', 'kind=~"irregular|sparse|late"', 'kind=~"time|steps"'),
    "up": ('job="api"', 'instance="a:1"'),
    "build_info": (*JOBS, 'version="2.0"'),
    "collide_a": COLLISIONS,
    "collide_b": COLLISIONS,
    "job:http_requests:rate5m": ('job="web"', 'job=~"api|web"'),
}
LABELS = ("job", "instance", "method", "code", "kind", "le", "zone", "x", "same", "version", "nope")
RANGES = ("15s", "30s", "1m", "2m", "5m", "7m13s", "20m", "1h")
STEPS = ("", "13s", "30s", "1m", "2m")
OFFSETS = ("1m", "5m", "-1m", "17s", "-3m", "30m")
AT = ("start()", "end()", "1700000600", "1700001801.5")
OF_RANGE = ("rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "sum_over_time", "avg_over_time", "min_over_time",
            "max_over_time", "count_over_time", "last_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time")
OF_INSTANT = ("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "timestamp", "sin", "cos", "tan", "asin", "acos", "atan",
              "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "absent", "minute", "hour", "day_of_week", "day_of_month",
              "day_of_year", "days_in_month", "month", "year", "sort", "sort_desc")
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group")
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
NUMBERS = ("0", "1", "2", "0.5", "-1", "10", "100", "1e9", "NaN", "Inf", "-Inf", "3.7")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def query(self):
        return self.scalar(2) if self.chance(0.05) else self.vector(self.random.randrange(1, 5))

    def modifiers(self):
        text = ""
        if self.chance(0.12):
            text += f" @ {self.one(*AT)}"
        if self.chance(0.15):
            text += f" offset {self.one(*OFFSETS)}"
        return text

    def selector(self):
        if self.chance(0.04):
            return self.one('{__name__=~"collide_.*|up"}', "nothing", 'up{job="none"}')
        names = COUNTERS if self.chance(0.5) else GAUGES
        name = self.one(*names)
        matchers = ",".join(self.random.sample(names[name], self.random.choice((0, 0, 0, 1, 1, 2)) % (len(names[name]) + 1)))
        return name + (f"{{{matchers}}}" if matchers else "")

    def instant_selector(self):
        return self.selector() + self.modifiers()

    def range_vector(self, depth, may_be_fixed=True):
        if depth > 0 and self.chance(0.25):
            modifiers = self.modifiers() if may_be_fixed else ""
            return f"({self.vector(depth - 1)})[{self.one(*RANGES[2:7])}:{self.one(*STEPS)}]{modifiers}"
        return f"{self.selector()}[{self.one(*RANGES)}]{self.modifiers()}"

    def labels(self):
        return ", ".join(self.random.sample(LABELS, self.random.randrange(0, 4)))

    def scalar(self, depth):
        if depth <= 0 or self.chance(0.6):
            return self.one(*NUMBERS, "time()", "pi()")
        if self.chance(0.3):
            return f"scalar({self.vector(depth - 1)})"
        return f"({self.scalar(depth - 1)} {self.one(*ARITHMETIC)} {self.scalar(depth - 1)})"

    def vector(self, depth):
        if depth <= 0:
            return self.instant_selector()
        kind = self.random.choices((self.instant_selector, lambda: self.of_range(depth), lambda: self.of_instant(depth), lambda: self.aggregation(depth),
                                    lambda: self.with_scalar(depth), lambda: self.of_vectors(depth), lambda: self.other(depth)),
                                   (1, 6, 3, 6, 4, 5, 3))[0]
        return kind()

    def of_range(self, depth):
        kind = self.random.randrange(12)
        if kind == 0:
            return f"quantile_over_time({self.one('0', '0.5', '0.9', '1', '-1', '2')}, {self.range_vector(depth - 1)})"
        if kind == 1:
            # The window of a fixed subquery wanders there in 2.42.
            return f"predict_linear({self.range_vector(depth - 1, False)}, {self.one('60', '3600', '-30', '0')})"
        if kind == 2:
            return f"holt_winters({self.range_vector(depth - 1)}, {self.one('0.1', '0.5', '0.9')}, {self.one('0.1', '0.5', '0.9')})"
        if kind == 3:
            return f"absent_over_time({self.range_vector(depth - 1)})"
        return f"{self.one(*OF_RANGE)}({self.range_vector(depth - 1)})"

    def of_instant(self, depth):
        function, argument = self.one(*OF_INSTANT), self.vector(depth - 1)
        if function == "timestamp" and " offset " in argument:
            function = "abs"  # with `@` before it, timestamp() of 2.42 forgets the offset
        return f"{function}({argument})"

    def aggregation(self, depth):
        grouping = self.one("", f" by ({self.labels()})", f" without ({self.labels()})")
        argument = self.vector(depth - 1)
        kind = self.random.randrange(12)
        if kind == 0:
            return f"quantile{grouping} ({self.one('0', '0.3', '0.5', '0.99', '1', '-1', '7')}, {argument})"
        if kind == 1:
            # The label comes behind all others: else 2.42 forgets some of them from the second step on.
            # What is added up has other last bits, so other values.
            return f'count_values{grouping} ("zz_value", {self.one(self.instant_selector(), self.of_range(1))})'
        if kind == 2:
            # At the top, where a choice among equal values shows in the labels only, or where it doesn't matter.
            return f"{self.one('max', 'min', 'count')}({self.one('topk', 'bottomk')}{grouping} ({self.one('1', '2', '5', '0')}, {argument}))"
        return f"{self.one(*AGGREGATIONS)}{grouping} ({argument})"

    def with_scalar(self, depth):
        operator = self.one(*ARITHMETIC) if self.chance(0.6) else self.one(*COMPARISONS) + self.one("", " bool")
        sides = [f"({self.vector(depth - 1)})", self.scalar(depth - 1)]
        self.random.shuffle(sides)
        return f"{sides[0]} {operator} {sides[1]}"

    def matching(self, may_group):
        text = self.one("", "", f" on ({self.labels()})", f" on (job, instance)", f" ignoring ({self.labels()})")
        if text and may_group and self.chance(0.4):
            text += f" {self.one('group_left', 'group_right')}{self.one('', ' ()', ' (version)', ' (zone)')}"
        return text

    def of_vectors(self, depth):
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        if self.chance(0.5):
            # A side with itself, shifted: so that labels match.
            right = f"({left}) {self.one('+ 1', '* 2', '> 1', '')}"
        if self.chance(0.3):
            return f"({left}) {self.one('and', 'or', 'unless')}{self.matching(False)} ({right})"
        operator = self.one(*ARITHMETIC) if self.chance(0.6) else self.one(*COMPARISONS) + self.one("", " bool")
        return f"({left}) {operator}{self.matching(True)} ({right})"

    def other(self, depth):
        argument = self.vector(depth - 1)
        return self.one(
            f"histogram_quantile({self.one('0', '0.5', '0.9', '1', '-1', '2')}, {self.one(argument, 'latency_seconds_bucket', 'rate(latency_seconds_bucket[5m])', 'sum by (le, job) (rate(latency_seconds_bucket[2m]))', 'broken_bucket')})",
            f"clamp({argument}, {self.scalar(0)}, {self.scalar(1)})",
            f"clamp_min({argument}, {self.scalar(1)})",
            f"clamp_max({argument}, {self.scalar(1)})",
            f"round({argument}, {self.one('0.1', '5', '0.25')})",
            f"vector({self.scalar(depth - 1)})",
            f'label_replace({argument}, "{self.one(*LABELS)}", "{self.one("$1", "x", "")}", "{self.one(*LABELS)}", "{self.one("(.*)", "(a).*", "")}")',
            f'label_join({argument}, "{self.one(*LABELS)}", "{self.one("-", "")}", "{self.one(*LABELS)}", "{self.one(*LABELS)}")',
            f"-({argument})",
            f"({argument})",
        )
