# SPDX-License-Identifier: Apache-2.0
"""Whether two servers answer a query alike. Texts of values and times must be equal; where a query adds up series, whose order is
the server's own, sums may differ in their last bits. Which of the series that tie topk takes is the server's own choice, too."""
import http.client
import json
import math
import re
import urllib.parse

#: Of the sum of what was added, which isn't known here: of the greatest value of the series. Where a deviation is all but zero,
#: its terms were greater: it is the root of a difference in their last bits.
TOLERANCE = 1e-10
TOLERANCE_OF_DEVIATION = 1e-7
DEVIATES = re.compile(r"\b(stddev|stdvar)\b")
ADDS_UP = re.compile(r"\b(sum|avg|stddev|stdvar|quantile|histogram_quantile)\b")
CHOOSES = re.compile(r"\b(topk|bottomk)\b")
ORDERS = re.compile(r"^(sort|sort_desc|topk|bottomk)\b")
#: What a message names behind these depends on the order of series.
NAMES_SERIES = re.compile(r"(found duplicate series for the match group|multiple matches for labels).*", re.S)
#: Of 0 and -0 they give the one that comes first, in an order of the server's own.
PICKS = re.compile(r"\b(min|max|quantile|topk|bottomk)")
#: So 2.42 calls the sign that it has no name for.
NAMELESS = re.compile(r'"<Item \d+>" ')
ALTERNATIVES = re.compile(r"<<(.*?)>>")


def expand(line):
    """All combinations of a line's <<a|b>>."""
    match = ALTERNATIVES.search(line)
    if not match:
        return [line]
    return [query for choice in match.group(1).split("|") for query in expand(line[:match.start()] + choice + line[match.end():])]


def read_corpus(path):
    queries = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            queries += expand(line)
    return list(dict.fromkeys(queries))


class Server:
    """One of the two, over a connection that is kept."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def ask(self, path, parameters):
        body = urllib.parse.urlencode(parameters)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for attempt in range(2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                self.connection.request("POST", f"/api/v1/{path}", body, headers)
                response = self.connection.getresponse()
                return response.status, json.loads(response.read(), parse_float=str)
            except (http.client.HTTPException, OSError):
                self.connection = None
                if attempt:
                    raise
        return None


def number(text):
    return float(text)


def is_near(a, b, scale):
    if a == b:
        return True
    x, y = number(a), number(b)
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return str(x) == str(y)
    return abs(x - y) <= TOLERANCE * max(abs(x), abs(y), scale)


def points_of(entry):
    return entry["values"] if "values" in entry else [entry["value"]]


def difference_of_points(mine, theirs, query):
    if PICKS.search(query):
        mine, theirs = ([[time, "0" if value == "-0" else value] for time, value in points] for points in (mine, theirs))
    if mine == theirs:
        return None
    if [time for time, _ in mine] != [time for time, _ in theirs]:
        return "other times"
    if not ADDS_UP.search(query):
        return "other values"
    finite = [abs(number(value)) for _, value in theirs if math.isfinite(number(value))]
    scale = max(finite, default=0.0)
    if DEVIATES.search(query):
        scale = max(scale, 1.0) * TOLERANCE_OF_DEVIATION / TOLERANCE
    return None if all(is_near(a, b, scale) for (_, a), (_, b) in zip(mine, theirs)) else "other values"


def values_by_time(entries):
    found = {}
    for entry in entries:
        for time, value in points_of(entry):
            found.setdefault(time, []).append(value)
    return {time: sorted(values) for time, values in found.items()}


def difference_of_series(mine, theirs, query):
    if CHOOSES.search(query) and values_by_time(mine) == values_by_time(theirs):
        return None
    keys = [[json.dumps(entry["metric"], sort_keys=True) for entry in entries] for entries in (mine, theirs)]
    if len(set(keys[0])) != len(keys[0]):
        return "a series stands twice"
    if set(keys[0]) != set(keys[1]):
        return f"other series: {sorted(set(keys[0]) ^ set(keys[1]))[:3]}"
    by_key = dict(zip(keys[1], theirs))
    for key, entry in zip(keys[0], mine):
        found = difference_of_points(points_of(entry), points_of(by_key[key]), query)
        if found:
            return f"{found} of {key}"
    return None


def difference_of_data(mine, theirs, query):
    if mine["resultType"] != theirs["resultType"]:
        return "another type"
    if mine["resultType"] not in ("vector", "matrix"):
        return None if mine["result"] == theirs["result"] else "other value"
    found = difference_of_series(mine["result"], theirs["result"], query)
    if found:
        return found
    if mine["resultType"] == "vector" and ORDERS.match(query):
        orders = [[entry["value"][1] for entry in data["result"]] for data in (mine, theirs)]
        return None if orders[0] == orders[1] else "another order"
    if mine["resultType"] == "matrix" and [entry["metric"] for entry in mine["result"]] != [entry["metric"] for entry in theirs["result"]]:
        return "another order"
    return None


def message(answer):
    return NAMES_SERIES.sub(r"\1", NAMELESS.sub("", answer["error"]))


def difference(mine, theirs, query):
    """What differs, in words; None where two answers (status, JSON) are alike."""
    if mine[0] != theirs[0]:
        return "another status"
    if theirs[1]["status"] == "error":
        if mine[1]["errorType"] != theirs[1]["errorType"]:
            return "another type of error"
        if "error parsing regexp" in theirs[1]["error"]:
            return None if "bad regular expression" in mine[1]["error"] else "another error"  # ours are RE2's words
        return None if message(mine[1]) == message(theirs[1]) else "another error"
    return difference_of_data(mine[1]["data"], theirs[1]["data"], query)
